// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engines: one frame in, one frame out.
 *
 * An engine has memory of its own, as hardware has, and moves frames between
 * that and the buffers' DMA addresses: a frame of JPEG as a whole, a raw frame
 * in strips of some lines. They look at the buffers in no other way. The driver
 * does, as drivers do: at the header of what it is given first, with the CPU.
 *
 * The jobs of all contexts of a node take turns (v4l2-mem2mem sees to it), so
 * that there is one engine for all of them.
 */

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "jpeg-dec.h"
#include "jpeg-enc.h"
#include "vbcodec.h"
#include "../vbdma/vbdma-vb2.h"

/* As much as most headers have. */
#define VBCODEC_PEEK		SZ_4K

/* A whole number of the encoder's strips, of whatever subsampling. */
#define VBCODEC_STRIP_LINES	32

/* Its own memory is as large as it was needed up to now. */
static void *ram_get(struct vbcodec_ram *ram, size_t size)
{
	if (ram->size >= size)
		return ram->data;

	kvfree(ram->data);
	ram->data = kvzalloc(size, GFP_KERNEL | __GFP_NOWARN);
	ram->size = ram->data ? size : 0;

	return ram->data;
}

static void ram_free(struct vbcodec_ram *ram)
{
	kvfree(ram->data);
	ram->data = NULL;
	ram->size = 0;
}

static void set_target(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *vbuf,
		       struct vbdma_target *target)
{
	vbdma_target_plane(target, &vbuf->vb2_buf, 0,
			   ctx->node->codec->config.sg);
}

/* What is in an OUTPUT buffer; no more of it than a buffer of ours can have. */
static size_t coded_size(struct vb2_v4l2_buffer *src)
{
	size_t size = vb2_get_plane_payload(&src->vb2_buf, 0);

	return min_t(size_t, size - src->vb2_buf.planes[0].data_offset,
		     VBCODEC_MAX_CODED);
}

static int read_coded(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src,
		      void *dst, size_t size)
{
	struct vbdma_target target;

	if (!size)
		return 0;

	set_target(ctx, src, &target);
	return vbdma_read(&ctx->node->codec->dma, &target,
			  src->vb2_buf.planes[0].data_offset, dst, size);
}

/* For whom follows a frame from device to device: see vbdma-sum.c. */
static void tell_coded(struct vbcodec_ctx *ctx, bool write,
		       const struct vb2_v4l2_buffer *vbuf, const void *data,
		       size_t size)
{
	if (vbdma_sum_wanted())
		vbdma_sum_frame(&ctx->node->codec->dma, write,
				V4L2_PIX_FMT_JPEG, vbuf->sequence, size,
				vbdma_sum_bytes(data, size));
}

/*
 * The sum is that of all lines and columns of the format, not just of those
 * that are picture: it is what the device at the other end goes by.
 */
static u32 sum_raw(const struct vbcodec_q_data *q, const void *data,
		   unsigned int first, unsigned int lines)
{
	return vbdma_sum_lines(data, q->pix.plane_fmt[0].bytesperline,
			       q->pix.width * q->fmt->bpp, first, lines);
}

static void tell_raw(struct vbcodec_ctx *ctx, bool write,
		     const struct vbcodec_q_data *q,
		     const struct vb2_v4l2_buffer *vbuf, u32 sum)
{
	vbdma_sum_frame(&ctx->node->codec->dma, write, q->fmt->fourcc,
			vbuf->sequence, q->pix.plane_fmt[0].sizeimage, sum);
}

/* The engine can do it, too, where the CPU is not let. */
static int peek_coded(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src,
		      void *dst, size_t size)
{
	struct vbcodec_stats *stats = &ctx->node->stats;
	int ret;

	if (!size)
		return 0;

	ret = vbcodec_access_read(&src->vb2_buf,
				  src->vb2_buf.planes[0].data_offset, dst,
				  size);
	if (!ret) {
		atomic64_inc(&stats->peeks);
		return 0;
	}

	ret = read_coded(ctx, src, dst, size);
	if (!ret)
		atomic64_inc(&stats->peeks_dma);
	return ret;
}

/* Where a header goes on is not known before it is read: more and more of it. */
static int peek_header(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src,
		       struct vbjpeg_dec *dec)
{
	size_t size = coded_size(src), peek = min_t(size_t, size, VBCODEC_PEEK);
	void *data;
	int ret;

	for (;;) {
		data = kvmalloc(peek ?: 1, GFP_KERNEL | __GFP_NOWARN);
		if (!data)
			return -ENOMEM;
		ret = peek_coded(ctx, src, data, peek) ?:
		      vbjpeg_dec_header(dec, data, peek);
		kvfree(data);
		if (ret != -EINVAL || peek == size)
			return ret;
		peek = min(size, 4 * peek);
	}
}

/**
 * vbcodec_job_peek - take the size of the picture from a header
 * @ctx: the context, of a decoder
 * @src: what may hold one; it is queued
 *
 * Where the size is what CAPTURE has, its format is left alone: there may be
 * buffers of it.
 *
 * Context: Holds vbcodec_node.lock. No job of this context runs.
 * Return: 0, or an error, after which the size is what it was.
 */
int vbcodec_job_peek(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src)
{
	struct vbjpeg_dec *dec;
	int ret;

	/* The engine is busy with another context, for all we know. */
	dec = kvmalloc_obj(*dec);
	if (!dec)
		return -ENOMEM;

	ret = peek_header(ctx, src, dec);
	if (ret || (dec->width == ctx->width && dec->height == ctx->height))
		goto out_free;

	ctx->width = dec->width;
	ctx->height = dec->height;
	vbcodec_fmt_capture(ctx);

out_free:
	kvfree(dec);
	return ret;
}

/* --- encoder -------------------------------------------------------------- */

static void enc_params(struct vbcodec_ctx *ctx,
		       struct vbjpeg_enc_params *params)
{
	unsigned int subsampling = READ_ONCE(ctx->subsampling);
	bool h2v2 = subsampling == V4L2_JPEG_CHROMA_SUBSAMPLING_420;
	bool h2v1 = subsampling == V4L2_JPEG_CHROMA_SUBSAMPLING_422;

	*params = (struct vbjpeg_enc_params) {
		.width		= ctx->width,
		.height		= ctx->height,
		.raw		= ctx->out.fmt->raw,
		.grey		= subsampling ==
				  V4L2_JPEG_CHROMA_SUBSAMPLING_GRAY,
		.hs		= h2v1 || h2v2 ? 2 : 1,
		.vs		= h2v2 ? 2 : 1,
		.quality	= READ_ONCE(ctx->quality),
		.restart	= READ_ONCE(ctx->restart),
		.markers	= READ_ONCE(ctx->markers),
	};
}

/*
 * Lines from @y on, of all planes, which start at @offset in the buffer, into the
 * engine's memory.
 */
static int enc_read(struct vbcodec_ctx *ctx, const struct vbdma_target *target,
		    size_t offset, unsigned int y, unsigned int lines,
		    u8 *strip)
{
	const struct v4l2_pix_format_mplane *pix = &ctx->out.pix;
	struct vbdma_dev *dma = &ctx->node->codec->dma;
	size_t line = pix->plane_fmt[0].bytesperline;
	int ret;

	ret = vbdma_read(dma, target, offset + y * line, strip, lines * line);
	if (ret || ctx->out.fmt->raw != VBJPEG_NV12)
		return ret;

	return vbdma_read(dma, target, offset + (pix->height + y / 2) * line,
			  strip + VBCODEC_STRIP_LINES * line,
			  DIV_ROUND_UP(lines, 2) * line);
}

/* @lines lines are in the engine's memory. */
static int enc_strips(struct vbcodec_ctx *ctx, const u8 *strip,
		      unsigned int lines)
{
	unsigned int line = ctx->out.pix.plane_fmt[0].bytesperline;
	const unsigned int strides[2] = { line, line };
	struct vbjpeg_enc *enc = ctx->node->enc;
	unsigned int y, step = vbjpeg_enc_strip_rows(&enc->params);
	int ret = 0;

	for (y = 0; !ret && y < lines; y += step) {
		const u8 *const planes[2] = {
			strip + (size_t)y * line,
			strip + (size_t)(VBCODEC_STRIP_LINES + y / 2) * line,
		};

		ret = vbjpeg_enc_strip(enc, planes, strides,
				       min(step, lines - y));
	}

	return ret;
}

static u32 enc_sum(struct vbcodec_ctx *ctx, const u8 *strip, unsigned int y,
		   unsigned int lines)
{
	size_t line = ctx->out.pix.plane_fmt[0].bytesperline;
	u32 sum = sum_raw(&ctx->out, strip, y, lines);

	if (ctx->out.fmt->raw == VBJPEG_NV12)
		sum += sum_raw(&ctx->out, strip + VBCODEC_STRIP_LINES * line,
			       VBDMA_SUM_CHROMA + y / 2, lines / 2);

	return sum;
}

static int encode(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src,
		  struct vb2_v4l2_buffer *dst)
{
	size_t line = ctx->out.pix.plane_fmt[0].bytesperline;
	size_t room = min_t(size_t, vb2_plane_size(&dst->vb2_buf, 0),
			    VBCODEC_MAX_CODED), used;
	struct vbcodec_node *node = ctx->node;
	struct vbjpeg_enc_params params;
	struct vbdma_target target;
	unsigned int y, lines, height;
	bool tell = vbdma_sum_wanted();
	void *coded, *strip;
	u32 sum = 0;
	int ret;

	coded = ram_get(&node->coded, room);
	strip = ram_get(&node->strip, VBCODEC_STRIP_LINES * line * 3 / 2);
	if (!coded || !strip)
		return -ENOMEM;

	enc_params(ctx, &params);
	vbjpeg_enc_start(node->enc, &params, coded, room);

	/* What is below the picture is of interest only for the sum. */
	height = tell ? ctx->out.pix.height : params.height;
	set_target(ctx, src, &target);
	for (y = 0; y < height; y += lines) {
		lines = min_t(unsigned int, VBCODEC_STRIP_LINES, height - y);
		ret = enc_read(ctx, &target, src->vb2_buf.planes[0].data_offset,
			       y, lines, strip);
		if (!ret && y < params.height)
			ret = enc_strips(ctx, strip,
					 min(lines, params.height - y));
		if (ret)
			return ret;
		if (tell)
			sum += enc_sum(ctx, strip, y, lines);
	}
	if (tell)
		tell_raw(ctx, false, &ctx->out, src, sum);

	ret = vbjpeg_enc_finish(node->enc, &used);
	if (ret)
		return ret;

	set_target(ctx, dst, &target);
	ret = vbdma_write(&node->codec->dma, &target, 0, coded, used);
	if (ret)
		return ret;

	tell_coded(ctx, true, dst, coded, used);
	vb2_set_plane_payload(&dst->vb2_buf, 0, used);
	atomic64_add(used, &node->stats.bytes);

	return 0;
}

/* --- decoder -------------------------------------------------------------- */

/* A plane of lines, from @offset in the buffer on; NULL for no @sum. */
static int dec_write(struct vbcodec_ctx *ctx, const struct vbdma_target *target,
		     unsigned int plane, unsigned int lines, size_t offset,
		     u32 *sum)
{
	size_t line = ctx->cap.pix.plane_fmt[0].bytesperline;
	unsigned int y, n, first = plane ? VBDMA_SUM_CHROMA : 0;
	struct vbcodec_node *node = ctx->node;
	int ret = 0;

	for (y = 0; !ret && y < lines; y += n) {
		n = min_t(unsigned int, VBCODEC_STRIP_LINES, lines - y);
		vbjpeg_dec_rows(node->dec, ctx->cap.fmt->raw, plane, y, n,
				node->strip.data, line);
		ret = vbdma_write(&node->codec->dma, target, offset + y * line,
				  node->strip.data, n * line);
		if (sum)
			*sum += sum_raw(&ctx->cap, node->strip.data, first + y,
					n);
	}

	return ret;
}

static int dec_picture(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *dst)
{
	const struct v4l2_pix_format_mplane *pix = &ctx->cap.pix;
	size_t line = pix->plane_fmt[0].bytesperline;
	struct vbcodec_node *node = ctx->node;
	bool tell = vbdma_sum_wanted();
	struct vbdma_target target;
	void *samples;
	u32 sum = 0;
	int ret;

	/* User space went on with buffers that are too small. */
	if (vb2_plane_size(&dst->vb2_buf, 0) < pix->plane_fmt[0].sizeimage)
		return -ENOSPC;

	samples = ram_get(&node->samples, vbjpeg_dec_memory(node->dec));
	if (!samples || !ram_get(&node->strip, VBCODEC_STRIP_LINES * line))
		return -ENOMEM;
	/* What is between the lines may be of another context. */
	memset(node->strip.data, 0, VBCODEC_STRIP_LINES * line);

	ret = vbjpeg_dec_scans(node->dec, samples);
	if (ret)
		return ret;

	set_target(ctx, dst, &target);
	ret = dec_write(ctx, &target, 0, pix->height, 0, tell ? &sum : NULL);
	if (!ret && ctx->cap.fmt->raw == VBJPEG_NV12)
		ret = dec_write(ctx, &target, 1, pix->height / 2,
				pix->height * line, tell ? &sum : NULL);
	if (ret)
		return ret;
	if (tell)
		tell_raw(ctx, true, &ctx->cap, dst, sum);

	vb2_set_plane_payload(&dst->vb2_buf, 0, pix->plane_fmt[0].sizeimage);

	return 0;
}

/* Returns 1 if the picture has another size than CAPTURE has. */
static int decode(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src,
		  struct vb2_v4l2_buffer *dst)
{
	struct vbcodec_node *node = ctx->node;
	size_t size = coded_size(src);
	void *coded;
	int ret;

	coded = ram_get(&node->coded, max_t(size_t, size, PAGE_SIZE));
	if (!coded)
		return -ENOMEM;

	ret = read_coded(ctx, src, coded, size);
	if (ret)
		return ret;

	ret = vbjpeg_dec_header(node->dec, coded, size);
	if (!ret)
		WRITE_ONCE(ctx->started, true);
	/* That is not the end of it: it will be read again. */
	if (!ret && (node->dec->width != ctx->width ||
		     node->dec->height != ctx->height ||
		     READ_ONCE(ctx->again)))
		return 1;

	tell_coded(ctx, false, src, coded, size);
	if (ret)
		return ret;

	ret = dec_picture(ctx, dst);
	if (!ret)
		atomic64_add(size, &node->stats.bytes);

	return ret;
}

/*
 * From here on CAPTURE has the new size. The buffers that are there get no more
 * frames: an empty one says that it is the last.
 */
static void source_change(struct vbcodec_ctx *ctx)
{
	struct vb2_v4l2_buffer *dst;

	spin_lock(&ctx->slock);
	ctx->width = ctx->node->dec->width;
	ctx->height = ctx->node->dec->height;
	vbcodec_fmt_capture(ctx);
	ctx->changed = true;
	ctx->again = false;
	spin_unlock(&ctx->slock);

	vbcodec_video_source_change(ctx);

	dst = v4l2_m2m_dst_buf_remove(ctx->fh.m2m_ctx);
	vb2_set_plane_payload(&dst->vb2_buf, 0, 0);
	dst->field = V4L2_FIELD_NONE;
	dst->flags |= V4L2_BUF_FLAG_LAST;
	v4l2_m2m_buf_done(dst, VB2_BUF_STATE_DONE);
}

/* --- both ----------------------------------------------------------------- */

static void count_result(struct vbcodec_stats *stats, int ret)
{
	switch (ret) {
	case 0:
		atomic64_inc(&stats->frames);
		break;
	case -ENOSPC:
		atomic64_inc(&stats->overflows);
		break;
	case -ENOMEM:
		atomic64_inc(&stats->nomem);
		break;
	case -EINVAL:
	case -EOPNOTSUPP:
		atomic64_inc(&stats->corrupt);
		break;
	default:
		atomic64_inc(&stats->faults);
		break;
	}
}

static void finish(struct vbcodec_ctx *ctx, int ret)
{
	enum vb2_buffer_state state = ret ? VB2_BUF_STATE_ERROR :
					    VB2_BUF_STATE_DONE;
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *src, *dst;
	bool last;

	/*
	 * A STOP command takes the last buffer that is queued for the last one
	 * to come: either it sees this one, or this sees the command. It is not
	 * to give back a later buffer of CAPTURE, as the last one, before this
	 * one either: hence until both are done.
	 */
	spin_lock(&ctx->slock);
	src = v4l2_m2m_src_buf_remove(m2m_ctx);
	dst = v4l2_m2m_dst_buf_remove(m2m_ctx);
	last = v4l2_m2m_is_last_draining_src_buf(m2m_ctx, src);
	if (last)
		v4l2_m2m_mark_stopped(m2m_ctx);

	/* Only frames have a number of their own. */
	ctx->out.sequence++;
	if (ret)
		vb2_set_plane_payload(&dst->vb2_buf, 0, 0);
	else
		ctx->cap.sequence++;
	dst->flags &= ~V4L2_BUF_FLAG_LAST;
	VBM_M2M_COPY_METADATA(src, dst);
	dst->field = V4L2_FIELD_NONE;
	if (!ctx->node->decoder)
		dst->flags |= V4L2_BUF_FLAG_KEYFRAME;
	if (last)
		dst->flags |= V4L2_BUF_FLAG_LAST;

	v4l2_m2m_buf_done(dst, state);
	v4l2_m2m_buf_done(src, state);
	spin_unlock(&ctx->slock);
	if (last)
		vbcodec_video_eos(ctx);
}

static void vbcodec_job(struct work_struct *work)
{
	struct vbcodec_node *node = container_of(work, struct vbcodec_node,
						 work);
	struct vbcodec_ctx *ctx = v4l2_m2m_get_curr_priv(node->m2m_dev);
	struct vb2_v4l2_buffer *src, *dst;
	int ret;

	src = v4l2_m2m_next_src_buf(ctx->fh.m2m_ctx);
	dst = v4l2_m2m_next_dst_buf(ctx->fh.m2m_ctx);
	src->sequence = ctx->out.sequence;
	dst->sequence = ctx->cap.sequence;
	if (node->decoder)
		ret = decode(ctx, src, dst);
	else
		ret = encode(ctx, src, dst);

	if (ret > 0) {
		atomic64_inc(&node->stats.changes);
		source_change(ctx);
	} else {
		count_result(&node->stats, ret);
		finish(ctx, ret);
	}
	v4l2_m2m_job_finish(node->m2m_dev, ctx->fh.m2m_ctx);
}

static void vbcodec_device_run(void *priv)
{
	struct vbcodec_ctx *ctx = priv;

	queue_work(ctx->node->codec->wq, &ctx->node->work);
}

static int vbcodec_job_ready(void *priv)
{
	struct vbcodec_ctx *ctx = priv;

	return !READ_ONCE(ctx->changed);
}

static const struct v4l2_m2m_ops vbcodec_m2m_ops = {
	.device_run	= vbcodec_device_run,
	.job_ready	= vbcodec_job_ready,
};

/**
 * vbcodec_job_init - set up the engine of a node
 * @node: the node
 *
 * Return: 0 or an error; vbcodec_job_fini() is due in either case.
 */
int vbcodec_job_init(struct vbcodec_node *node)
{
	INIT_WORK(&node->work, vbcodec_job);

	if (node->decoder)
		node->dec = kvzalloc_obj(*node->dec);
	else
		node->enc = kvzalloc_obj(*node->enc);
	if (!node->dec && !node->enc)
		return -ENOMEM;

	node->m2m_dev = v4l2_m2m_init(&vbcodec_m2m_ops);
	if (IS_ERR(node->m2m_dev)) {
		int ret = PTR_ERR(node->m2m_dev);

		node->m2m_dev = NULL;
		return ret;
	}

	return 0;
}

/**
 * vbcodec_job_fini - undo vbcodec_job_init(), complete or not
 * @node: the node, without contexts
 */
void vbcodec_job_fini(struct vbcodec_node *node)
{
	if (node->m2m_dev)
		v4l2_m2m_release(node->m2m_dev);
	ram_free(&node->coded);
	ram_free(&node->samples);
	ram_free(&node->strip);
	kvfree(node->dec);
	kvfree(node->enc);
}
