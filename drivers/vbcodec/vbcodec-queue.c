// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers, start and end of streaming.
 *
 * A decoder finds out by the first header what CAPTURE will be, before CAPTURE
 * streams; afterwards each job looks for itself (vbcodec-job.c). Data without
 * a header are refused at once while user space waits for that header, before
 * it sets up CAPTURE; otherwise each buffer of them uses up one of CAPTURE, with
 * the error flag.
 *
 * A drain that is over has stopped the context (v4l2-mem2mem keeps that state);
 * it goes on with START, or when either queue is stopped and started again.
 * Stopping OUTPUT ends a drain, too: the next buffer of CAPTURE is the last one.
 * Who starts a decoder's OUTPUT again seeks, and does not wait for that one any
 * more; who starts an encoder's still gets it.
 */

#include "vbcodec.h"
#include "../vbdma/vbdma-vb2.h"

static int vbcodec_queue_setup(struct vb2_queue *vq, unsigned int *nbuffers,
			       unsigned int *nplanes, unsigned int sizes[],
			       struct device *alloc_devs[])
{
	struct vbcodec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vbcodec_q_data *q = vbcodec_q_data(ctx, vq->type);
	u32 size = q->pix.plane_fmt[0].sizeimage;

	/* An ioctl may be past the check for a device that is gone. */
	if (!video_is_registered(&ctx->node->vdev))
		return -ENODEV;

	if (*nplanes)
		return *nplanes == 1 && sizes[0] >= size ? 0 : -EINVAL;

	*nplanes = 1;
	sizes[0] = size;

	return 0;
}

static int vbcodec_buf_out_validate(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);

	if (vbuf->field == V4L2_FIELD_ANY)
		vbuf->field = V4L2_FIELD_NONE;

	return vbuf->field == V4L2_FIELD_NONE ? 0 : -EINVAL;
}

static int vbcodec_buf_prepare(struct vb2_buffer *vb)
{
	struct vbcodec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	struct vbcodec_q_data *q = vbcodec_q_data(ctx, vb->vb2_queue->type);
	unsigned long size;
	bool old;

	/* A decoder's job may be at it. */
	spin_lock(&ctx->slock);
	size = q->pix.plane_fmt[0].sizeimage;
	old = ctx->changed || ctx->again;
	spin_unlock(&ctx->slock);

	if (V4L2_TYPE_IS_CAPTURE(vb->vb2_queue->type)) {
		/* Nothing, unless a job says otherwise. */
		vb2_set_plane_payload(vb, 0, 0);
		/* Until they are set up anew, those that there were. */
		if (old)
			goto prepare;
	} else {
		size += vb->planes[0].data_offset;
	}
	/* JPEG fills its buffer as far as it likes. */
	if (!q->fmt->coded && vb2_plane_size(vb, 0) < size)
		return -EINVAL;

prepare:
	return vbdma_prepare_planes(&ctx->node->codec->config, vb);
}

/* What a buffer without a frame says. */
static void number(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *vbuf)
{
	vbuf->field = V4L2_FIELD_NONE;
	vbuf->sequence = ctx->cap.sequence;
}

/**
 * vbcodec_queue_number - before v4l2-mem2mem may give back an empty last buffer
 * @ctx: the context
 *
 * Context: Holds vbcodec_ctx.slock.
 */
void vbcodec_queue_number(struct vbcodec_ctx *ctx)
{
	struct vb2_v4l2_buffer *vbuf = v4l2_m2m_next_dst_buf(ctx->fh.m2m_ctx);

	if (vbuf)
		number(ctx, vbuf);
}

/* Does this buffer of CAPTURE end a drain for which there was none before? */
static bool ends_drain(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *vbuf)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	bool last, owed;

	spin_lock(&ctx->slock);
	last = v4l2_m2m_dst_buf_is_last(m2m_ctx);
	owed = ctx->owed;
	ctx->owed = false;
	if (last || owed)
		number(ctx, vbuf);
	if (last) {
		v4l2_m2m_last_buffer_done(m2m_ctx, vbuf);
	} else if (owed) {
		vbuf->flags |= V4L2_BUF_FLAG_LAST;
		vb2_buffer_done(&vbuf->vb2_buf, VB2_BUF_STATE_DONE);
	}
	spin_unlock(&ctx->slock);
	if (last || owed)
		vbcodec_video_eos(ctx);

	return last || owed;
}

static void vbcodec_buf_queue(struct vb2_buffer *vb)
{
	struct vbcodec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct vb2_queue *cap;

	if (V4L2_TYPE_IS_CAPTURE(vb->vb2_queue->type)) {
		if (!ends_drain(ctx, vbuf))
			v4l2_m2m_buf_queue(m2m_ctx, vbuf);
		return;
	}

	cap = v4l2_m2m_get_vq(m2m_ctx, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	if (ctx->node->decoder && !ctx->started && !vb2_is_streaming(cap)) {
		if (!vbcodec_job_peek(ctx, vbuf)) {
			ctx->started = true;
			vbcodec_video_source_change(ctx);
		} else if (READ_ONCE(ctx->waits) && !vb2_is_busy(cap)) {
			vbuf->sequence = ctx->out.sequence++;
			vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
			return;
		}
	}
	v4l2_m2m_buf_queue(m2m_ctx, vbuf);
}

/* The job of this context has ended, and there will be no other. */
static void return_buffers(struct vb2_queue *vq, enum vb2_buffer_state state)
{
	struct vbcodec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vb2_v4l2_buffer *vbuf;

	for (;;) {
		if (V4L2_TYPE_IS_OUTPUT(vq->type))
			vbuf = v4l2_m2m_src_buf_remove(ctx->fh.m2m_ctx);
		else
			vbuf = v4l2_m2m_dst_buf_remove(ctx->fh.m2m_ctx);
		if (!vbuf)
			return;
		v4l2_m2m_buf_done(vbuf, state);
	}
}

/* OUTPUT streams again: see above. */
static void go_on(struct vbcodec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;

	spin_lock(&ctx->slock);
	if (ctx->node->decoder) {
		ctx->again |= ctx->changed;
		ctx->changed = false;
	} else {
		ctx->owed |= v4l2_m2m_dst_buf_is_last(m2m_ctx);
	}
	v4l2_m2m_clear_state(m2m_ctx);
	spin_unlock(&ctx->slock);

	vb2_clear_last_buffer_dequeued(&m2m_ctx->cap_q_ctx.q);
}

static int vbcodec_start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vbcodec_ctx *ctx = vb2_get_drv_priv(vq);

	/*
	 * Where the device is going, vbcodec_node_remove() stops what has
	 * started here. It must not fail: buf_queue may have given a buffer
	 * back as done.
	 */
	v4l2_m2m_update_start_streaming_state(ctx->fh.m2m_ctx, vq);
	if (V4L2_TYPE_IS_OUTPUT(vq->type))
		go_on(ctx);

	return 0;
}

static void vbcodec_stop_streaming(struct vb2_queue *vq)
{
	struct vbcodec_ctx *ctx = vb2_get_drv_priv(vq);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	bool ended;

	return_buffers(vq, VB2_BUF_STATE_ERROR);

	spin_lock(&ctx->slock);
	ended = !v4l2_m2m_has_stopped(m2m_ctx);
	vbcodec_queue_number(ctx);
	/* A drain goes on after a change of CAPTURE that it has met. */
	if (V4L2_TYPE_IS_OUTPUT(vq->type) || !ctx->changed)
		v4l2_m2m_update_stop_streaming_state(m2m_ctx, vq);
	ended = ended && v4l2_m2m_has_stopped(m2m_ctx);
	/* Not at the start, which comes after the first buffers. */
	vbcodec_q_data(ctx, vq->type)->sequence = 0;
	if (V4L2_TYPE_IS_CAPTURE(vq->type)) {
		ctx->changed = false;
		ctx->again = false;
		ctx->owed = false;
	} else {
		ctx->started = false;
	}
	spin_unlock(&ctx->slock);

	if (ended)
		vbcodec_video_eos(ctx);
}

static const struct vb2_ops vbcodec_queue_ops = {
	.queue_setup		= vbcodec_queue_setup,
	.buf_out_validate	= vbcodec_buf_out_validate,
	.buf_prepare		= vbcodec_buf_prepare,
	.buf_queue		= vbcodec_buf_queue,
	.start_streaming	= vbcodec_start_streaming,
	.stop_streaming		= vbcodec_stop_streaming,
	VBM_VB2_WAIT_OPS
};

static int init_one(struct vbcodec_ctx *ctx, struct vb2_queue *vq,
		    enum v4l2_buf_type type)
{
	const struct vbdma_config *config = &ctx->node->codec->config;

	vq->type = type;
	vq->io_modes = VB2_MMAP | VB2_DMABUF;
	/* Contiguous memory seldom can serve user pointers. */
	if (config->sg)
		vq->io_modes |= VB2_USERPTR;
	vq->dev = ctx->node->codec->v4l2_dev.dev;
	vq->drv_priv = ctx;
	vq->buf_struct_size = sizeof(struct v4l2_m2m_buffer);
	vq->ops = &vbcodec_queue_ops;
	vq->mem_ops = vbdma_mem_ops(config);
	vq->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	vq->lock = &ctx->node->lock;
	vq->allow_cache_hints = true;

	return vb2_queue_init(vq);
}

/**
 * vbcodec_queue_init - set up the queues of a context
 * @priv: the context
 * @out: its OUTPUT
 * @cap: its CAPTURE
 *
 * Return: 0 or an error.
 */
int vbcodec_queue_init(void *priv, struct vb2_queue *out, struct vb2_queue *cap)
{
	struct vbcodec_ctx *ctx = priv;
	bool multiplanar = ctx->node->codec->config.multiplanar;
	int ret;

	ret = init_one(ctx, out, multiplanar ?
		       V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
		       V4L2_BUF_TYPE_VIDEO_OUTPUT);
	if (ret)
		return ret;

	return init_one(ctx, cap, multiplanar ?
			V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
			V4L2_BUF_TYPE_VIDEO_CAPTURE);
}

/**
 * vbcodec_queue_stop - stop streaming for good
 * @ctx: a context of a node that is no longer registered
 *
 * Context: Holds vbcodec_node.lock.
 */
void vbcodec_queue_stop(struct vbcodec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_queue *out, *cap;

	lockdep_assert_held(&ctx->node->lock);

	out = v4l2_m2m_get_vq(m2m_ctx, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	cap = v4l2_m2m_get_vq(m2m_ctx, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	v4l2_m2m_streamoff(NULL, m2m_ctx, out->type);
	v4l2_m2m_streamoff(NULL, m2m_ctx, cap->type);
	vb2_queue_error(out);
	vb2_queue_error(cap);
}
