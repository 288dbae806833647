// SPDX-License-Identifier: GPL-2.0-only
/*
 * The video node: formats, frame intervals, one input.
 *
 * The format is kept in its multi-planar form. Where the node has the
 * single-planar API it is converted at the ioctl.
 */

#include <linux/math64.h>
#include <media/v4l2-common.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "vbcam.h"

/* Longest line that is taken, twice the longest one that is needed. */
#define VBCAM_MAX_LINE	(2 * 4 * VBCAM_MAX_WIDTH)

static const struct vbcam_fmt vbcam_fmts[] = {
	{ .fourcc = V4L2_PIX_FMT_YUYV, .mem_planes = 1, .bpp = 2 },
	{ .fourcc = V4L2_PIX_FMT_NV12, .mem_planes = 1, .bpp = 1,
	  .nv12 = true },
	{ .fourcc = V4L2_PIX_FMT_XBGR32, .mem_planes = 1, .bpp = 4 },
	/* Last: formats that take the multi-planar API. */
	{ .fourcc = V4L2_PIX_FMT_NV12M, .mem_planes = 2, .bpp = 1,
	  .nv12 = true },
};

static const struct v4l2_frmsize_stepwise vbcam_sizes = {
	.min_width	= VBCAM_MIN_WIDTH,
	.max_width	= VBCAM_MAX_WIDTH,
	.step_width	= 2,
	.min_height	= VBCAM_MIN_HEIGHT,
	.max_height	= VBCAM_MAX_HEIGHT,
	.step_height	= 2,
};

static const struct v4l2_fract vbcam_interval_min = { 1, 240 };
static const struct v4l2_fract vbcam_interval_max = { 1, 1 };
static const struct v4l2_fract vbcam_interval_def = { 1, 30 };

static unsigned int vbcam_nr_fmts(const struct vbcam_dev *cam)
{
	return ARRAY_SIZE(vbcam_fmts) - !cam->config.multiplanar;
}

static const struct vbcam_fmt *vbcam_find_fmt(const struct vbcam_dev *cam,
					      u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < vbcam_nr_fmts(cam); i++)
		if (vbcam_fmts[i].fourcc == fourcc)
			return &vbcam_fmts[i];

	return NULL;
}

/* Turns what is asked for in @pix into what the camera can do. */
static const struct vbcam_fmt *
vbcam_adjust(const struct vbcam_dev *cam, struct v4l2_pix_format_mplane *pix)
{
	const struct vbcam_fmt *fmt = vbcam_find_fmt(cam, pix->pixelformat);
	u32 width = pix->width, height = pix->height, line, size;
	u32 wanted = pix->plane_fmt[0].bytesperline;

	if (!fmt)
		fmt = &vbcam_fmts[0];

	v4l2_apply_frmsize_constraints(&width, &height, &vbcam_sizes);
	line = width * fmt->bpp;
	/* Longer lines are fine: an importer has to take the exporter's. */
	if (wanted > line && wanted <= VBCAM_MAX_LINE)
		line = wanted;
	line = ALIGN(line, cam->config.stride_align);
	size = line * height;

	memset(pix, 0, sizeof(*pix));
	pix->width = width;
	pix->height = height;
	pix->pixelformat = fmt->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->colorspace = fmt->bpp == 4 ? V4L2_COLORSPACE_SRGB :
					  V4L2_COLORSPACE_REC709;
	pix->num_planes = fmt->mem_planes;
	pix->plane_fmt[0].bytesperline = line;
	pix->plane_fmt[0].sizeimage = size;
	if (fmt->nv12 && fmt->mem_planes == 2) {
		pix->plane_fmt[1].bytesperline = line;
		pix->plane_fmt[1].sizeimage = size / 2;
	} else if (fmt->nv12) {
		pix->plane_fmt[0].sizeimage += size / 2;
	}

	return fmt;
}

static void vbcam_to_single(const struct v4l2_pix_format_mplane *pix,
			    struct v4l2_pix_format *single)
{
	*single = (struct v4l2_pix_format) {
		.width		= pix->width,
		.height		= pix->height,
		.pixelformat	= pix->pixelformat,
		.field		= pix->field,
		.bytesperline	= pix->plane_fmt[0].bytesperline,
		.sizeimage	= pix->plane_fmt[0].sizeimage,
		.colorspace	= pix->colorspace,
		.xfer_func	= pix->xfer_func,
		.ycbcr_enc	= pix->ycbcr_enc,
		.quantization	= pix->quantization,
		.priv		= V4L2_PIX_FMT_PRIV_MAGIC,
	};
}

static int vbcam_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbcam_dev *cam = video_drvdata(file);

	if (f->type != cam->queue.type)
		return -EINVAL;

	if (cam->config.multiplanar)
		f->fmt.pix_mp = cam->pix;
	else
		vbcam_to_single(&cam->pix, &f->fmt.pix);

	return 0;
}

static int vbcam_try(struct vbcam_dev *cam, struct v4l2_format *f,
		     struct v4l2_pix_format_mplane *pix,
		     const struct vbcam_fmt **fmt)
{
	if (f->type != cam->queue.type)
		return -EINVAL;

	if (cam->config.multiplanar) {
		*fmt = vbcam_adjust(cam, &f->fmt.pix_mp);
		*pix = f->fmt.pix_mp;
		return 0;
	}

	*pix = (struct v4l2_pix_format_mplane) {
		.width		= f->fmt.pix.width,
		.height		= f->fmt.pix.height,
		.pixelformat	= f->fmt.pix.pixelformat,
	};
	pix->plane_fmt[0].bytesperline = f->fmt.pix.bytesperline;
	*fmt = vbcam_adjust(cam, pix);
	vbcam_to_single(pix, &f->fmt.pix);

	return 0;
}

static int vbcam_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbcam_dev *cam = video_drvdata(file);
	struct v4l2_pix_format_mplane pix;
	const struct vbcam_fmt *fmt;

	return vbcam_try(cam, f, &pix, &fmt);
}

static int vbcam_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbcam_dev *cam = video_drvdata(file);
	struct v4l2_pix_format_mplane pix;
	const struct vbcam_fmt *fmt;
	int ret;

	ret = vbcam_try(cam, f, &pix, &fmt);
	if (ret)
		return ret;

	if (vb2_is_busy(&cam->queue))
		return -EBUSY;

	cam->pix = pix;
	cam->fmt = fmt;

	return 0;
}

static int vbcam_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	struct vbcam_dev *cam = video_drvdata(file);

	if (f->type != cam->queue.type || f->index >= vbcam_nr_fmts(cam))
		return -EINVAL;

	f->pixelformat = vbcam_fmts[f->index].fourcc;

	return 0;
}

static int vbcam_enum_framesizes(struct file *file, void *priv,
				 struct v4l2_frmsizeenum *f)
{
	struct vbcam_dev *cam = video_drvdata(file);

	if (f->index || !vbcam_find_fmt(cam, f->pixel_format))
		return -EINVAL;

	f->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	f->stepwise = vbcam_sizes;

	return 0;
}

static int vbcam_enum_frameintervals(struct file *file, void *priv,
				     struct v4l2_frmivalenum *f)
{
	struct vbcam_dev *cam = video_drvdata(file);
	u32 width = f->width, height = f->height;

	if (f->index || !vbcam_find_fmt(cam, f->pixel_format))
		return -EINVAL;

	v4l2_apply_frmsize_constraints(&width, &height, &vbcam_sizes);
	if (width != f->width || height != f->height)
		return -EINVAL;

	f->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
	f->stepwise.min = vbcam_interval_min;
	f->stepwise.max = vbcam_interval_max;
	f->stepwise.step = (struct v4l2_fract) { 1, 1 };

	return 0;
}

/* Is @a shorter than @b? */
static bool vbcam_shorter(const struct v4l2_fract *a,
			  const struct v4l2_fract *b)
{
	return (u64)a->numerator * b->denominator <
	       (u64)b->numerator * a->denominator;
}

static int vbcam_g_parm(struct file *file, void *priv,
			struct v4l2_streamparm *parm)
{
	struct vbcam_dev *cam = video_drvdata(file);

	if (parm->type != cam->queue.type)
		return -EINVAL;

	parm->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
	parm->parm.capture.timeperframe = cam->interval;
	parm->parm.capture.readbuffers = cam->queue.min_queued_buffers;

	return 0;
}

static int vbcam_s_parm(struct file *file, void *priv,
			struct v4l2_streamparm *parm)
{
	struct vbcam_dev *cam = video_drvdata(file);
	struct v4l2_fract interval = parm->parm.capture.timeperframe;

	if (parm->type != cam->queue.type)
		return -EINVAL;

	if (vb2_is_streaming(&cam->queue))
		return -EBUSY;

	if (!interval.numerator || !interval.denominator)
		interval = vbcam_interval_def;
	else if (vbcam_shorter(&interval, &vbcam_interval_min))
		interval = vbcam_interval_min;
	else if (vbcam_shorter(&vbcam_interval_max, &interval))
		interval = vbcam_interval_max;
	cam->interval = interval;

	return vbcam_g_parm(file, priv, parm);
}

static int vbcam_querycap(struct file *file, void *priv,
			  struct v4l2_capability *cap)
{
	strscpy(cap->driver, "vbcam", sizeof(cap->driver));
	strscpy(cap->card, "vbcam", sizeof(cap->card));

	return 0;
}

static int vbcam_enum_input(struct file *file, void *priv,
			    struct v4l2_input *input)
{
	if (input->index)
		return -EINVAL;

	input->type = V4L2_INPUT_TYPE_CAMERA;
	strscpy(input->name, "Camera", sizeof(input->name));

	return 0;
}

static int vbcam_g_input(struct file *file, void *priv, unsigned int *index)
{
	*index = 0;
	return 0;
}

static int vbcam_s_input(struct file *file, void *priv, unsigned int index)
{
	return index ? -EINVAL : 0;
}

/* For both APIs: each callback refuses the type that the node has not got. */
static const struct v4l2_ioctl_ops vbcam_ioctl_ops = {
	.vidioc_querycap		= vbcam_querycap,

	.vidioc_enum_fmt_vid_cap	= vbcam_enum_fmt,
	.vidioc_g_fmt_vid_cap		= vbcam_g_fmt,
	.vidioc_try_fmt_vid_cap		= vbcam_try_fmt,
	.vidioc_s_fmt_vid_cap		= vbcam_s_fmt,
	.vidioc_g_fmt_vid_cap_mplane	= vbcam_g_fmt,
	.vidioc_try_fmt_vid_cap_mplane	= vbcam_try_fmt,
	.vidioc_s_fmt_vid_cap_mplane	= vbcam_s_fmt,
	.vidioc_enum_framesizes		= vbcam_enum_framesizes,
	.vidioc_enum_frameintervals	= vbcam_enum_frameintervals,
	.vidioc_g_parm			= vbcam_g_parm,
	.vidioc_s_parm			= vbcam_s_parm,

	.vidioc_enum_input		= vbcam_enum_input,
	.vidioc_g_input			= vbcam_g_input,
	.vidioc_s_input			= vbcam_s_input,

	.vidioc_reqbufs			= vb2_ioctl_reqbufs,
	.vidioc_create_bufs		= vb2_ioctl_create_bufs,
	.vidioc_remove_bufs		= vb2_ioctl_remove_bufs,
	.vidioc_prepare_buf		= vb2_ioctl_prepare_buf,
	.vidioc_querybuf		= vb2_ioctl_querybuf,
	.vidioc_qbuf			= vb2_ioctl_qbuf,
	.vidioc_dqbuf			= vb2_ioctl_dqbuf,
	.vidioc_expbuf			= vb2_ioctl_expbuf,
	.vidioc_streamon		= vb2_ioctl_streamon,
	.vidioc_streamoff		= vb2_ioctl_streamoff,

	.vidioc_log_status		= v4l2_ctrl_log_status,
	.vidioc_subscribe_event		= v4l2_ctrl_subscribe_event,
	.vidioc_unsubscribe_event	= v4l2_event_unsubscribe,
};

static const struct v4l2_file_operations vbcam_fops = {
	.owner		= THIS_MODULE,
	.open		= v4l2_fh_open,
	.release	= vb2_fop_release,
	.read		= vb2_fop_read,
	.poll		= vb2_fop_poll,
	.mmap		= vb2_fop_mmap,
	.unlocked_ioctl	= video_ioctl2,
};

/**
 * vbcam_video_register - make the camera's node
 * @cam: the camera, otherwise ready
 *
 * Return: 0 or an error.
 */
int vbcam_video_register(struct vbcam_dev *cam)
{
	struct video_device *vdev = &cam->vdev;

	cam->interval = vbcam_interval_def;
	cam->pix.width = VBCAM_DEF_WIDTH;
	cam->pix.height = VBCAM_DEF_HEIGHT;
	cam->fmt = vbcam_adjust(cam, &cam->pix);

	strscpy(vdev->name, cam->config.name, sizeof(vdev->name));
	vdev->v4l2_dev = &cam->v4l2_dev;
	vdev->queue = &cam->queue;
	vdev->lock = &cam->lock;
	vdev->fops = &vbcam_fops;
	vdev->ioctl_ops = &vbcam_ioctl_ops;
	vdev->release = video_device_release_empty;
	vdev->device_caps = V4L2_CAP_STREAMING | V4L2_CAP_READWRITE;
	vdev->device_caps |= cam->config.multiplanar ?
			     V4L2_CAP_VIDEO_CAPTURE_MPLANE :
			     V4L2_CAP_VIDEO_CAPTURE;
	video_set_drvdata(vdev, cam);

	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}
