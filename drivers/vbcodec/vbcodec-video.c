// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files and ioctls: formats, selections, commands, events.
 *
 * Formats are kept as multi-planar ones, of one plane; nodes that have the
 * single-planar API convert at the edge.
 */

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "vbcodec.h"

static struct vbcodec_ctx *to_ctx(struct v4l2_fh *fh)
{
	return container_of(fh, struct vbcodec_ctx, fh);
}

static struct vbcodec_ctx *file_to_ctx(struct file *file)
{
	return to_ctx(file_to_v4l2_fh(file));
}

static struct vb2_queue *get_vq(struct vbcodec_ctx *ctx, bool output)
{
	return v4l2_m2m_get_vq(ctx->fh.m2m_ctx,
			       output ? V4L2_BUF_TYPE_VIDEO_OUTPUT :
					V4L2_BUF_TYPE_VIDEO_CAPTURE);
}

/* Is JPEG what goes through queues of this type? */
static bool is_coded(const struct vbcodec_ctx *ctx, bool output)
{
	return ctx->node->decoder == output;
}

static int check_type(const struct vbcodec_ctx *ctx, u32 type)
{
	bool multiplanar = ctx->node->codec->config.multiplanar;

	switch (type) {
	case V4L2_BUF_TYPE_VIDEO_CAPTURE:
	case V4L2_BUF_TYPE_VIDEO_OUTPUT:
		return multiplanar ? -EINVAL : 0;
	case V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE:
	case V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE:
		return multiplanar ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* --- formats -------------------------------------------------------------- */

static void from_user(const struct v4l2_format *f,
		      struct v4l2_pix_format_mplane *pix)
{
	const struct v4l2_pix_format *single = &f->fmt.pix;

	if (V4L2_TYPE_IS_MULTIPLANAR(f->type)) {
		*pix = f->fmt.pix_mp;
		return;
	}

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

static void to_user(const struct v4l2_pix_format_mplane *pix,
		    struct v4l2_format *f)
{
	if (V4L2_TYPE_IS_MULTIPLANAR(f->type)) {
		f->fmt.pix_mp = *pix;
		return;
	}

	f->fmt.pix = (struct v4l2_pix_format) {
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

static int vbcodec_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	struct v4l2_pix_format_mplane pix;

	if (check_type(ctx, f->type))
		return -EINVAL;

	/* A job may be about to change it. */
	spin_lock(&ctx->slock);
	pix = vbcodec_q_data(ctx, f->type)->pix;
	spin_unlock(&ctx->slock);
	to_user(&pix, f);

	return 0;
}

/*
 * OUTPUT decides on the size and the colour of both. CAPTURE has a choice of
 * formats, of the length of lines, and of the size of JPEG's buffers.
 */
static int try_fmt(struct vbcodec_ctx *ctx, const struct v4l2_format *f,
		   struct v4l2_pix_format_mplane *pix,
		   const struct vbcodec_fmt **fmt)
{
	bool output = V4L2_TYPE_IS_OUTPUT(f->type);

	if (check_type(ctx, f->type))
		return -EINVAL;

	from_user(f, pix);
	if (output) {
		if (pix->colorspace == V4L2_COLORSPACE_DEFAULT)
			vbcodec_fmt_colour(pix);
	} else {
		spin_lock(&ctx->slock);
		pix->width = ctx->width;
		pix->height = ctx->height;
		spin_unlock(&ctx->slock);
		pix->colorspace = ctx->out.pix.colorspace;
		pix->xfer_func = ctx->out.pix.xfer_func;
		pix->ycbcr_enc = ctx->out.pix.ycbcr_enc;
		pix->quantization = ctx->out.pix.quantization;
	}
	*fmt = vbcodec_fmt_adjust(ctx->node->codec, is_coded(ctx, output), pix);

	return 0;
}

static int vbcodec_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct v4l2_pix_format_mplane pix;
	const struct vbcodec_fmt *fmt;
	int ret;

	ret = try_fmt(file_to_ctx(file), f, &pix, &fmt);
	if (!ret)
		to_user(&pix, f);

	return ret;
}

static int vbcodec_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	bool output = V4L2_TYPE_IS_OUTPUT(f->type);
	struct v4l2_pix_format_mplane pix;
	const struct vbcodec_fmt *fmt;
	struct vbcodec_q_data *q;
	int ret;

	ret = try_fmt(ctx, f, &pix, &fmt);
	if (ret)
		return ret;

	if (vb2_is_busy(get_vq(ctx, output)))
		return -EBUSY;
	if (output && vb2_is_busy(get_vq(ctx, false)) &&
	    (pix.width != ctx->width || pix.height != ctx->height))
		return -EBUSY;

	q = vbcodec_q_data(ctx, f->type);
	q->fmt = fmt;
	q->pix = pix;
	if (output) {
		ctx->width = pix.width;
		ctx->height = pix.height;
		if (!vb2_is_busy(get_vq(ctx, false)))
			vbcodec_fmt_capture(ctx);
	}
	to_user(&pix, f);

	return 0;
}

static int vbcodec_enum_fmt(struct file *file, void *priv,
			    struct v4l2_fmtdesc *f)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	const struct vbcodec_fmt *fmt;

	if (check_type(ctx, f->type))
		return -EINVAL;

	fmt = vbcodec_fmt_nth(is_coded(ctx, V4L2_TYPE_IS_OUTPUT(f->type)),
			      f->index);
	if (!fmt)
		return -EINVAL;

	f->pixelformat = fmt->fourcc;
	if (ctx->node->decoder && fmt->coded)
		f->flags |= V4L2_FMT_FLAG_DYN_RESOLUTION;

	return 0;
}

static int vbcodec_enum_framesizes(struct file *file, void *priv,
				   struct v4l2_frmsizeenum *f)
{
	const struct vbcodec_fmt *fmt;

	fmt = vbcodec_fmt_find(false, f->pixel_format) ?:
	      vbcodec_fmt_find(true, f->pixel_format);
	if (f->index || !fmt)
		return -EINVAL;

	f->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	vbcodec_fmt_sizes(fmt, &f->stepwise);

	return 0;
}

/* --- selections ----------------------------------------------------------- */

/*
 * The raw side can be larger than the picture, which is at its upper left: on
 * an encoder user space says how much of OUTPUT is to be encoded, a decoder
 * says how much of CAPTURE it fills.
 */
static int vbcodec_g_selection(struct file *file, void *priv,
			       struct v4l2_selection *s)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	bool decoder = ctx->node->decoder, picture;
	struct vbcodec_q_data *q;

	/* The core has made the type a single-planar one. */
	if (s->type != (decoder ? V4L2_BUF_TYPE_VIDEO_CAPTURE :
				  V4L2_BUF_TYPE_VIDEO_OUTPUT))
		return -EINVAL;

	switch (s->target) {
	case V4L2_SEL_TGT_CROP:
		if (decoder)
			return -EINVAL;
		picture = true;
		break;
	case V4L2_SEL_TGT_CROP_DEFAULT:
	case V4L2_SEL_TGT_CROP_BOUNDS:
		if (decoder)
			return -EINVAL;
		picture = false;
		break;
	case V4L2_SEL_TGT_COMPOSE:
	case V4L2_SEL_TGT_COMPOSE_DEFAULT:
		if (!decoder)
			return -EINVAL;
		picture = true;
		break;
	case V4L2_SEL_TGT_COMPOSE_BOUNDS:
	case V4L2_SEL_TGT_COMPOSE_PADDED:
		if (!decoder)
			return -EINVAL;
		picture = false;
		break;
	default:
		return -EINVAL;
	}

	q = vbcodec_q_data(ctx, s->type);
	spin_lock(&ctx->slock);
	s->r.left = 0;
	s->r.top = 0;
	s->r.width = picture ? ctx->width : q->pix.width;
	s->r.height = picture ? ctx->height : q->pix.height;
	spin_unlock(&ctx->slock);

	return 0;
}

static int vbcodec_s_selection(struct file *file, void *priv,
			       struct v4l2_selection *s)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	const struct v4l2_pix_format_mplane *pix = &ctx->out.pix;

	if (ctx->node->decoder || s->type != V4L2_BUF_TYPE_VIDEO_OUTPUT ||
	    s->target != V4L2_SEL_TGT_CROP)
		return -EINVAL;
	if (vb2_is_streaming(get_vq(ctx, true)))
		return -EBUSY;

	s->r.left = 0;
	s->r.top = 0;
	s->r.width = clamp(s->r.width, 1U, pix->width);
	s->r.height = clamp(s->r.height, 1U, pix->height);
	ctx->width = s->r.width;
	ctx->height = s->r.height;
	if (!vb2_is_busy(get_vq(ctx, false)))
		vbcodec_fmt_capture(ctx);

	return 0;
}

/* --- commands and events -------------------------------------------------- */

/**
 * vbcodec_video_eos - tell user space that the last frame is out
 * @ctx: the context
 */
void vbcodec_video_eos(struct vbcodec_ctx *ctx)
{
	static const struct v4l2_event event = {
		.type = V4L2_EVENT_EOS,
	};

	v4l2_event_queue_fh(&ctx->fh, &event);
}

/**
 * vbcodec_video_source_change - tell user space to look at CAPTURE again
 * @ctx: the context
 */
void vbcodec_video_source_change(struct vbcodec_ctx *ctx)
{
	static const struct v4l2_event event = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION,
	};

	v4l2_event_queue_fh(&ctx->fh, &event);
}

/* START, or a STOP with nothing left to do (@ended), has been carried out. */
static void command_done(struct vbcodec_ctx *ctx, bool start, bool ended)
{
	if (ended)
		vbcodec_video_eos(ctx);
	if (!start)
		return;

	vb2_clear_last_buffer_dequeued(get_vq(ctx, false));
	v4l2_m2m_try_schedule(ctx->fh.m2m_ctx);
}

/*
 * STOP and START, as v4l2-mem2mem has them. A decoder drains also while CAPTURE
 * is being set up: by the specification it need not, but then who stops it there
 * would wait for a last buffer in vain.
 */

static int vbcodec_encoder_cmd(struct file *file, void *priv,
			       struct v4l2_encoder_cmd *cmd)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	bool ended;
	int ret;

	ret = v4l2_m2m_ioctl_try_encoder_cmd(file, priv, cmd);
	if (ret || !vb2_is_streaming(get_vq(ctx, true)) ||
	    !vb2_is_streaming(get_vq(ctx, false)))
		return ret;

	spin_lock(&ctx->slock);
	ended = !v4l2_m2m_has_stopped(m2m_ctx);
	vbcodec_queue_number(ctx);
	ret = v4l2_m2m_ioctl_encoder_cmd(file, priv, cmd);
	ended = ended && v4l2_m2m_has_stopped(m2m_ctx);
	spin_unlock(&ctx->slock);
	if (!ret)
		command_done(ctx, cmd->cmd == V4L2_ENC_CMD_START, ended);

	return ret;
}

static int vbcodec_decoder_cmd(struct file *file, void *priv,
			       struct v4l2_decoder_cmd *cmd)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	bool ended;
	int ret;

	ret = v4l2_m2m_ioctl_try_decoder_cmd(file, priv, cmd);
	if (ret || !vb2_is_streaming(get_vq(ctx, true)))
		return ret;

	spin_lock(&ctx->slock);
	ended = !v4l2_m2m_has_stopped(m2m_ctx);
	vbcodec_queue_number(ctx);
	/*
	 * Go on with the buffers that are there, if they are large enough: with
	 * a drain, too, which START would refuse to end.
	 */
	if (ctx->changed && cmd->cmd == V4L2_DEC_CMD_START)
		ctx->changed = false;
	else
		ret = v4l2_m2m_ioctl_decoder_cmd(file, priv, cmd);
	ended = ended && v4l2_m2m_has_stopped(m2m_ctx);
	spin_unlock(&ctx->slock);
	if (!ret)
		command_done(ctx, cmd->cmd == V4L2_DEC_CMD_START, ended);

	return ret;
}

static int vbcodec_subscribe_event(struct v4l2_fh *fh,
				   const struct v4l2_event_subscription *sub)
{
	switch (sub->type) {
	case V4L2_EVENT_EOS:
		return v4l2_event_subscribe(fh, sub, 0, NULL);
	case V4L2_EVENT_SOURCE_CHANGE:
		if (!to_ctx(fh)->node->decoder)
			return -EINVAL;
		WRITE_ONCE(to_ctx(fh)->waits, true);
		return v4l2_src_change_event_subscribe(fh, sub);
	default:
		return v4l2_ctrl_subscribe_event(fh, sub);
	}
}

static int vbcodec_unsubscribe_event(struct v4l2_fh *fh,
				     const struct v4l2_event_subscription *sub)
{
	if (sub->type == V4L2_EVENT_SOURCE_CHANGE ||
	    sub->type == V4L2_EVENT_ALL)
		WRITE_ONCE(to_ctx(fh)->waits, false);

	return v4l2_event_unsubscribe(fh, sub);
}

static int vbcodec_querycap(struct file *file, void *priv,
			    struct v4l2_capability *cap)
{
	struct vbcodec_node *node = video_drvdata(file);

	strscpy(cap->driver, "vbcodec", sizeof(cap->driver));
	snprintf(cap->card, sizeof(cap->card), "vbcodec JPEG %s",
		 node->decoder ? "decoder" : "encoder");

	return 0;
}

/* For both APIs: each callback refuses the types that the node has not got. */
static const struct v4l2_ioctl_ops vbcodec_ioctl_ops = {
	.vidioc_querycap		= vbcodec_querycap,

	.vidioc_enum_fmt_vid_cap	= vbcodec_enum_fmt,
	.vidioc_g_fmt_vid_cap		= vbcodec_g_fmt,
	.vidioc_try_fmt_vid_cap		= vbcodec_try_fmt,
	.vidioc_s_fmt_vid_cap		= vbcodec_s_fmt,
	.vidioc_g_fmt_vid_cap_mplane	= vbcodec_g_fmt,
	.vidioc_try_fmt_vid_cap_mplane	= vbcodec_try_fmt,
	.vidioc_s_fmt_vid_cap_mplane	= vbcodec_s_fmt,
	.vidioc_enum_fmt_vid_out	= vbcodec_enum_fmt,
	.vidioc_g_fmt_vid_out		= vbcodec_g_fmt,
	.vidioc_try_fmt_vid_out		= vbcodec_try_fmt,
	.vidioc_s_fmt_vid_out		= vbcodec_s_fmt,
	.vidioc_g_fmt_vid_out_mplane	= vbcodec_g_fmt,
	.vidioc_try_fmt_vid_out_mplane	= vbcodec_try_fmt,
	.vidioc_s_fmt_vid_out_mplane	= vbcodec_s_fmt,
	.vidioc_enum_framesizes		= vbcodec_enum_framesizes,
	.vidioc_g_selection		= vbcodec_g_selection,
	.vidioc_s_selection		= vbcodec_s_selection,

	.vidioc_reqbufs			= v4l2_m2m_ioctl_reqbufs,
	.vidioc_create_bufs		= v4l2_m2m_ioctl_create_bufs,
	.vidioc_remove_bufs		= v4l2_m2m_ioctl_remove_bufs,
	.vidioc_prepare_buf		= v4l2_m2m_ioctl_prepare_buf,
	.vidioc_querybuf		= v4l2_m2m_ioctl_querybuf,
	.vidioc_qbuf			= v4l2_m2m_ioctl_qbuf,
	.vidioc_dqbuf			= v4l2_m2m_ioctl_dqbuf,
	.vidioc_expbuf			= v4l2_m2m_ioctl_expbuf,
	.vidioc_streamon		= v4l2_m2m_ioctl_streamon,
	.vidioc_streamoff		= v4l2_m2m_ioctl_streamoff,

	.vidioc_encoder_cmd		= vbcodec_encoder_cmd,
	.vidioc_try_encoder_cmd		= v4l2_m2m_ioctl_try_encoder_cmd,
	.vidioc_decoder_cmd		= vbcodec_decoder_cmd,
	.vidioc_try_decoder_cmd		= v4l2_m2m_ioctl_try_decoder_cmd,

	.vidioc_log_status		= v4l2_ctrl_log_status,
	.vidioc_subscribe_event		= vbcodec_subscribe_event,
	.vidioc_unsubscribe_event	= vbcodec_unsubscribe_event,
};

/* --- files ---------------------------------------------------------------- */

static int vbcodec_open(struct file *file)
{
	struct vbcodec_node *node = video_drvdata(file);
	struct vbcodec_ctx *ctx;
	int ret;

	ctx = kzalloc_obj(*ctx);
	if (!ctx)
		return -ENOMEM;

	ctx->node = node;
	spin_lock_init(&ctx->slock);
	v4l2_fh_init(&ctx->fh, &node->vdev);
	vbcodec_fmt_init(ctx);
	ret = vbcodec_ctrls_init(ctx);
	if (ret)
		goto err_free;

	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(node->m2m_dev, ctx,
					    vbcodec_queue_init);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		goto err_free;
	}

	mutex_lock(&node->lock);
	VBM_FH_ADD(&ctx->fh, file);
	list_add(&ctx->entry, &node->ctxs);
	mutex_unlock(&node->lock);

	return 0;

err_free:
	vbcodec_ctrls_fini(ctx);
	v4l2_fh_exit(&ctx->fh);
	kfree(ctx);
	return ret;
}

static int vbcodec_release(struct file *file)
{
	struct vbcodec_ctx *ctx = file_to_ctx(file);
	struct vbcodec_node *node = ctx->node;

	/*
	 * v4l2_m2m_ctx_release() waits for the job, but not for what
	 * v4l2_m2m_job_finish() still does with the context after it has said
	 * that the job is over: that is the end of the work item.
	 */
	mutex_lock(&node->lock);
	list_del(&ctx->entry);
	vbcodec_queue_stop(ctx);
	flush_work(&node->work);
	v4l2_m2m_ctx_release(ctx->fh.m2m_ctx);
	mutex_unlock(&node->lock);

	VBM_FH_DEL(&ctx->fh, file);
	vbcodec_ctrls_fini(ctx);
	v4l2_fh_exit(&ctx->fh);
	kfree(ctx);

	return 0;
}

static const struct v4l2_file_operations vbcodec_fops = {
	.owner		= THIS_MODULE,
	.open		= vbcodec_open,
	.release	= vbcodec_release,
	.poll		= v4l2_m2m_fop_poll,
	.mmap		= v4l2_m2m_fop_mmap,
	.unlocked_ioctl	= video_ioctl2,
};

/**
 * vbcodec_video_register - make a node
 * @node: the node, otherwise ready
 *
 * Return: 0 or an error.
 */
int vbcodec_video_register(struct vbcodec_node *node)
{
	struct vbcodec_dev *codec = node->codec;
	struct video_device *vdev = &node->vdev;

	snprintf(vdev->name, sizeof(vdev->name), "%s-%s",
		 codec->config.name, node->decoder ? "dec" : "enc");
	vdev->v4l2_dev = &codec->v4l2_dev;
	vdev->lock = &node->lock;
	vdev->fops = &vbcodec_fops;
	vdev->ioctl_ops = &vbcodec_ioctl_ops;
	vdev->vfl_dir = VFL_DIR_M2M;
	vdev->release = video_device_release_empty;
	vdev->device_caps = V4L2_CAP_STREAMING;
	vdev->device_caps |= codec->config.multiplanar ?
			     V4L2_CAP_VIDEO_M2M_MPLANE : V4L2_CAP_VIDEO_M2M;
	if (node->decoder) {
		v4l2_disable_ioctl(vdev, VIDIOC_ENCODER_CMD);
		v4l2_disable_ioctl(vdev, VIDIOC_TRY_ENCODER_CMD);
	} else {
		v4l2_disable_ioctl(vdev, VIDIOC_DECODER_CMD);
		v4l2_disable_ioctl(vdev, VIDIOC_TRY_DECODER_CMD);
	}
	video_set_drvdata(vdev, node);

	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}
