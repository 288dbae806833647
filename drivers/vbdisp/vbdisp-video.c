// SPDX-License-Identifier: GPL-2.0-only
/*
 * The video node: formats, refresh rate, one output.
 *
 * The format is kept in its multi-planar form. Where the node has the
 * single-planar API it is converted at the ioctl.
 *
 * Whoever sends the frames knows how they lie in memory and what their colours
 * mean: the display takes longer lines and larger buffers than it needs, as
 * the exporter of a buffer may have them, and the colorimetry as it is given.
 */

#include <linux/math64.h>
#include <linux/sizes.h>
#include <media/v4l2-common.h>
#include <media/v4l2-ioctl.h>

#include "vbdisp.h"

/* Longest line that is taken, twice the longest one that is needed. */
#define VBDISP_MAX_LINE	(2 * 4 * VBDISP_MAX_WIDTH)

static const struct vbdisp_fmt vbdisp_fmts[] = {
	{ .fourcc = V4L2_PIX_FMT_YUYV, .mem_planes = 1, .bpp = 2, .step = 2 },
	{ .fourcc = V4L2_PIX_FMT_NV12, .mem_planes = 1, .bpp = 1, .step = 2,
	  .nv12 = true },
	{ .fourcc = V4L2_PIX_FMT_XBGR32, .mem_planes = 1, .bpp = 4, .step = 1 },
	/* Last: formats that take the multi-planar API. */
	{ .fourcc = V4L2_PIX_FMT_NV12M, .mem_planes = 2, .bpp = 1, .step = 2,
	  .nv12 = true },
};

static const struct v4l2_fract vbdisp_interval_min = { 1, 120 };
static const struct v4l2_fract vbdisp_interval_max = { 1, 1 };
static const struct v4l2_fract vbdisp_interval_def = { 1, 30 };

static unsigned int vbdisp_nr_fmts(const struct vbdisp_dev *disp)
{
	return ARRAY_SIZE(vbdisp_fmts) - !disp->config.multiplanar;
}

static const struct vbdisp_fmt *vbdisp_find_fmt(const struct vbdisp_dev *disp,
						u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < vbdisp_nr_fmts(disp); i++)
		if (vbdisp_fmts[i].fourcc == fourcc)
			return &vbdisp_fmts[i];

	return NULL;
}

static struct v4l2_frmsize_stepwise
vbdisp_sizes(const struct vbdisp_fmt *fmt)
{
	return (struct v4l2_frmsize_stepwise) {
		.min_width	= VBDISP_MIN_WIDTH,
		.max_width	= VBDISP_MAX_WIDTH,
		.step_width	= fmt->step,
		.min_height	= VBDISP_MIN_HEIGHT,
		.max_height	= VBDISP_MAX_HEIGHT,
		.step_height	= fmt->step,
	};
}

/**
 * vbdisp_plane_size - how much of a plane is scanned out?
 * @fmt: pixel format
 * @pix: its format
 * @plane: the plane
 *
 * Return: bytes of a frame in that plane, at most its sizeimage.
 */
unsigned int vbdisp_plane_size(const struct vbdisp_fmt *fmt,
			       const struct v4l2_pix_format_mplane *pix,
			       unsigned int plane)
{
	unsigned int size = pix->plane_fmt[plane].bytesperline * pix->height;

	if (plane)
		return size / 2;

	return fmt->nv12 && fmt->mem_planes == 1 ? size + size / 2 : size;
}

/* Lines and sizes that were not asked for, or make no sense, are 0 or huge. */
static u32 vbdisp_adjust_line(const struct vbdisp_dev *disp, u32 least,
			      u32 wanted, u32 otherwise)
{
	if (wanted < least || wanted > VBDISP_MAX_LINE)
		wanted = otherwise;

	return ALIGN(wanted, disp->config.stride_align);
}

static u32 vbdisp_adjust_size(u32 least, u32 wanted)
{
	if (wanted < least || wanted - least > max_t(u32, least, SZ_1M))
		wanted = least;

	return wanted;
}

static void vbdisp_adjust_colour(struct v4l2_pix_format_mplane *pix, bool rgb)
{
	if (!v4l2_is_colorspace_valid(pix->colorspace))
		pix->colorspace = rgb ? V4L2_COLORSPACE_SRGB :
					V4L2_COLORSPACE_REC709;
	if (!v4l2_is_xfer_func_valid(pix->xfer_func))
		pix->xfer_func = V4L2_XFER_FUNC_DEFAULT;
	if (!v4l2_is_ycbcr_enc_valid(pix->ycbcr_enc))
		pix->ycbcr_enc = V4L2_YCBCR_ENC_DEFAULT;
	if (!v4l2_is_quant_valid(pix->quantization))
		pix->quantization = V4L2_QUANTIZATION_DEFAULT;
}

/* Turns what is asked for in @pix into what the display can do. */
static const struct vbdisp_fmt *
vbdisp_adjust(const struct vbdisp_dev *disp, struct v4l2_pix_format_mplane *pix)
{
	const struct vbdisp_fmt *fmt = vbdisp_find_fmt(disp, pix->pixelformat);
	struct v4l2_plane_pix_format *plane = pix->plane_fmt;
	struct v4l2_frmsize_stepwise sizes;
	u32 line = 0, width, i;

	if (!fmt)
		fmt = &vbdisp_fmts[0];

	sizes = vbdisp_sizes(fmt);
	v4l2_apply_frmsize_constraints(&pix->width, &pix->height, &sizes);
	width = pix->width * fmt->bpp;

	pix->pixelformat = fmt->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->flags = 0;
	vbdisp_adjust_colour(pix, fmt->bpp == 4);
	memset(pix->reserved, 0, sizeof(pix->reserved));
	pix->num_planes = fmt->mem_planes;
	for (i = 0; i < fmt->mem_planes; i++) {
		/* Lines of chroma are as long as those of luma, if it may be. */
		line = vbdisp_adjust_line(disp, width, plane[i].bytesperline,
					  line ?: width);
		plane[i].bytesperline = line;
		plane[i].sizeimage =
			vbdisp_adjust_size(vbdisp_plane_size(fmt, pix, i),
					   plane[i].sizeimage);
		memset(plane[i].reserved, 0, sizeof(plane[i].reserved));
	}

	return fmt;
}

static void vbdisp_to_single(const struct v4l2_pix_format_mplane *pix,
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

static void vbdisp_from_single(const struct v4l2_pix_format *single,
			       struct v4l2_pix_format_mplane *pix)
{
	*pix = (struct v4l2_pix_format_mplane) {
		.width		= single->width,
		.height		= single->height,
		.pixelformat	= single->pixelformat,
		.colorspace	= single->colorspace,
		.xfer_func	= single->xfer_func,
		.ycbcr_enc	= single->ycbcr_enc,
		.quantization	= single->quantization,
	};
	pix->plane_fmt[0].bytesperline = single->bytesperline;
	pix->plane_fmt[0].sizeimage = single->sizeimage;
}

static int vbdisp_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbdisp_dev *disp = video_drvdata(file);

	if (f->type != disp->queue.type)
		return -EINVAL;

	if (disp->config.multiplanar)
		f->fmt.pix_mp = disp->pix;
	else
		vbdisp_to_single(&disp->pix, &f->fmt.pix);

	return 0;
}

static int vbdisp_try(struct vbdisp_dev *disp, struct v4l2_format *f,
		      struct v4l2_pix_format_mplane *pix,
		      const struct vbdisp_fmt **fmt)
{
	if (f->type != disp->queue.type)
		return -EINVAL;

	if (disp->config.multiplanar) {
		*fmt = vbdisp_adjust(disp, &f->fmt.pix_mp);
		*pix = f->fmt.pix_mp;
		return 0;
	}

	vbdisp_from_single(&f->fmt.pix, pix);
	*fmt = vbdisp_adjust(disp, pix);
	vbdisp_to_single(pix, &f->fmt.pix);

	return 0;
}

static int vbdisp_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbdisp_dev *disp = video_drvdata(file);
	struct v4l2_pix_format_mplane pix;
	const struct vbdisp_fmt *fmt;

	return vbdisp_try(disp, f, &pix, &fmt);
}

static int vbdisp_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbdisp_dev *disp = video_drvdata(file);
	struct v4l2_pix_format_mplane pix;
	const struct vbdisp_fmt *fmt;
	int ret;

	ret = vbdisp_try(disp, f, &pix, &fmt);
	if (ret)
		return ret;

	if (vb2_is_busy(&disp->queue))
		return -EBUSY;

	disp->pix = pix;
	disp->fmt = fmt;

	return 0;
}

static int vbdisp_enum_fmt(struct file *file, void *priv,
			   struct v4l2_fmtdesc *f)
{
	struct vbdisp_dev *disp = video_drvdata(file);

	if (f->type != disp->queue.type || f->index >= vbdisp_nr_fmts(disp))
		return -EINVAL;

	f->pixelformat = vbdisp_fmts[f->index].fourcc;

	return 0;
}

static int vbdisp_enum_framesizes(struct file *file, void *priv,
				  struct v4l2_frmsizeenum *f)
{
	struct vbdisp_dev *disp = video_drvdata(file);
	const struct vbdisp_fmt *fmt = vbdisp_find_fmt(disp, f->pixel_format);

	if (f->index || !fmt)
		return -EINVAL;

	f->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	f->stepwise = vbdisp_sizes(fmt);

	return 0;
}

static int vbdisp_enum_frameintervals(struct file *file, void *priv,
				      struct v4l2_frmivalenum *f)
{
	struct vbdisp_dev *disp = video_drvdata(file);
	const struct vbdisp_fmt *fmt = vbdisp_find_fmt(disp, f->pixel_format);
	u32 width = f->width, height = f->height;
	struct v4l2_frmsize_stepwise sizes;

	if (f->index || !fmt)
		return -EINVAL;

	sizes = vbdisp_sizes(fmt);
	v4l2_apply_frmsize_constraints(&width, &height, &sizes);
	if (width != f->width || height != f->height)
		return -EINVAL;

	f->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
	f->stepwise.min = vbdisp_interval_min;
	f->stepwise.max = vbdisp_interval_max;
	f->stepwise.step = (struct v4l2_fract) { 1, 1 };

	return 0;
}

/* Is @a shorter than @b? */
static bool vbdisp_shorter(const struct v4l2_fract *a,
			   const struct v4l2_fract *b)
{
	return (u64)a->numerator * b->denominator <
	       (u64)b->numerator * a->denominator;
}

static int vbdisp_g_parm(struct file *file, void *priv,
			 struct v4l2_streamparm *parm)
{
	struct vbdisp_dev *disp = video_drvdata(file);

	if (parm->type != disp->queue.type)
		return -EINVAL;

	parm->parm.output.capability = V4L2_CAP_TIMEPERFRAME;
	parm->parm.output.timeperframe = disp->interval;

	return 0;
}

static int vbdisp_s_parm(struct file *file, void *priv,
			 struct v4l2_streamparm *parm)
{
	struct vbdisp_dev *disp = video_drvdata(file);
	struct v4l2_fract interval = parm->parm.output.timeperframe;

	if (parm->type != disp->queue.type)
		return -EINVAL;

	if (vb2_is_streaming(&disp->queue))
		return -EBUSY;

	if (!interval.numerator || !interval.denominator)
		interval = vbdisp_interval_def;
	else if (vbdisp_shorter(&interval, &vbdisp_interval_min))
		interval = vbdisp_interval_min;
	else if (vbdisp_shorter(&vbdisp_interval_max, &interval))
		interval = vbdisp_interval_max;
	disp->interval = interval;

	return vbdisp_g_parm(file, priv, parm);
}

static int vbdisp_querycap(struct file *file, void *priv,
			   struct v4l2_capability *cap)
{
	strscpy(cap->driver, "vbdisp", sizeof(cap->driver));
	strscpy(cap->card, "vbdisp", sizeof(cap->card));

	return 0;
}

static int vbdisp_enum_output(struct file *file, void *priv,
			      struct v4l2_output *output)
{
	if (output->index)
		return -EINVAL;

	output->type = V4L2_OUTPUT_TYPE_ANALOG;
	strscpy(output->name, "Screen", sizeof(output->name));

	return 0;
}

static int vbdisp_g_output(struct file *file, void *priv, unsigned int *index)
{
	*index = 0;
	return 0;
}

static int vbdisp_s_output(struct file *file, void *priv, unsigned int index)
{
	return index ? -EINVAL : 0;
}

/* For both APIs: each callback refuses the type that the node has not got. */
static const struct v4l2_ioctl_ops vbdisp_ioctl_ops = {
	.vidioc_querycap		= vbdisp_querycap,

	.vidioc_enum_fmt_vid_out	= vbdisp_enum_fmt,
	.vidioc_g_fmt_vid_out		= vbdisp_g_fmt,
	.vidioc_try_fmt_vid_out		= vbdisp_try_fmt,
	.vidioc_s_fmt_vid_out		= vbdisp_s_fmt,
	.vidioc_g_fmt_vid_out_mplane	= vbdisp_g_fmt,
	.vidioc_try_fmt_vid_out_mplane	= vbdisp_try_fmt,
	.vidioc_s_fmt_vid_out_mplane	= vbdisp_s_fmt,
	.vidioc_enum_framesizes		= vbdisp_enum_framesizes,
	.vidioc_enum_frameintervals	= vbdisp_enum_frameintervals,
	.vidioc_g_parm			= vbdisp_g_parm,
	.vidioc_s_parm			= vbdisp_s_parm,

	.vidioc_enum_output		= vbdisp_enum_output,
	.vidioc_g_output		= vbdisp_g_output,
	.vidioc_s_output		= vbdisp_s_output,

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
};

static const struct v4l2_file_operations vbdisp_fops = {
	.owner		= THIS_MODULE,
	.open		= v4l2_fh_open,
	.release	= vb2_fop_release,
	.poll		= vb2_fop_poll,
	.mmap		= vb2_fop_mmap,
	.unlocked_ioctl	= video_ioctl2,
};

/**
 * vbdisp_video_register - make the display's node
 * @disp: the display, otherwise ready
 *
 * Return: 0 or an error.
 */
int vbdisp_video_register(struct vbdisp_dev *disp)
{
	struct video_device *vdev = &disp->vdev;

	disp->interval = vbdisp_interval_def;
	disp->pix.width = VBDISP_DEF_WIDTH;
	disp->pix.height = VBDISP_DEF_HEIGHT;
	disp->fmt = vbdisp_adjust(disp, &disp->pix);

	strscpy(vdev->name, disp->config.name, sizeof(vdev->name));
	vdev->v4l2_dev = &disp->v4l2_dev;
	vdev->queue = &disp->queue;
	vdev->lock = &disp->lock;
	vdev->vfl_dir = VFL_DIR_TX;
	vdev->fops = &vbdisp_fops;
	vdev->ioctl_ops = &vbdisp_ioctl_ops;
	vdev->release = video_device_release_empty;
	vdev->device_caps = V4L2_CAP_STREAMING;
	vdev->device_caps |= disp->config.multiplanar ?
			     V4L2_CAP_VIDEO_OUTPUT_MPLANE :
			     V4L2_CAP_VIDEO_OUTPUT;
	video_set_drvdata(vdev, disp);

	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}
