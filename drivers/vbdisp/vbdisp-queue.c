// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers, the refresh clock and the scan-out work.
 *
 * The clock (a timer) says when a refresh is due. If a buffer is queued, the
 * work scans it out, and it is on screen from then on; the one that was there
 * before is done. So a buffer is held until the next one has replaced it, as by
 * any display whose engine reads the buffer at each refresh. This one does, too
 * (unless "rescan" says no): if there is no new buffer, the one on screen is
 * scanned out again, and has to have the same sum as at first. If not, somebody
 * has written to what was on screen, or the mapping leads elsewhere by now.
 *
 * If the last scan-out is still under way, the refresh is put off by one
 * period: the emulated screen is never ahead of the machine that emulates it.
 *
 * The display looks at a buffer's DMA addresses while it scans it out and at no
 * other time.
 */

#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "vbdisp.h"
#include "../vbdma/vbdma-vb2.h"

static struct vbdisp_buf *to_vbdisp_buf(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct vbdisp_buf, vb);
}

static int vbdisp_queue_setup(struct vb2_queue *vq, unsigned int *nbuffers,
			      unsigned int *nplanes, unsigned int sizes[],
			      struct device *alloc_devs[])
{
	struct vbdisp_dev *disp = vb2_get_drv_priv(vq);
	const struct v4l2_pix_format_mplane *pix = &disp->pix;
	unsigned int i;

	if (*nplanes) {
		if (*nplanes != pix->num_planes)
			return -EINVAL;
		for (i = 0; i < *nplanes; i++)
			if (sizes[i] < pix->plane_fmt[i].sizeimage)
				return -EINVAL;
		return 0;
	}

	*nplanes = pix->num_planes;
	for (i = 0; i < *nplanes; i++)
		sizes[i] = pix->plane_fmt[i].sizeimage;

	return 0;
}

static int vbdisp_buf_out_validate(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);

	if (vbuf->field == V4L2_FIELD_ANY)
		vbuf->field = V4L2_FIELD_NONE;

	return vbuf->field == V4L2_FIELD_NONE ? 0 : -EINVAL;
}

static int vbdisp_buf_prepare(struct vb2_buffer *vb)
{
	struct vbdisp_dev *disp = vb2_get_drv_priv(vb->vb2_queue);
	unsigned long payload;
	unsigned int i, size;

	/* A whole frame, and nothing beyond the payload is looked at. */
	for (i = 0; i < disp->fmt->mem_planes; i++) {
		size = vbdisp_plane_size(disp->fmt, &disp->pix, i);
		payload = vb2_get_plane_payload(vb, i);
		if (payload > vb2_plane_size(vb, i) || payload < size ||
		    payload - size < vb->planes[i].data_offset)
			return -EINVAL;
	}

	return vbdma_prepare_planes(&disp->config, vb);
}

static void vbdisp_buf_queue(struct vb2_buffer *vb)
{
	struct vbdisp_dev *disp = vb2_get_drv_priv(vb->vb2_queue);

	spin_lock_bh(&disp->slock);
	list_add_tail(&to_vbdisp_buf(vb)->list, &disp->queued);
	spin_unlock_bh(&disp->slock);
}

/* Gives all buffers back to vb2. The clock and the work have stopped. */
static void vbdisp_queue_return(struct vbdisp_dev *disp,
				enum vb2_buffer_state state)
{
	struct vbdisp_buf *buf, *next;
	LIST_HEAD(bufs);

	spin_lock_bh(&disp->slock);
	list_splice_init(&disp->queued, &bufs);
	if (disp->next)
		list_add(&disp->next->list, &bufs);
	if (state == VB2_BUF_STATE_ERROR)
		disp->stats.dropped += list_count_nodes(&bufs);
	if (disp->shown)
		list_add(&disp->shown->list, &bufs);
	disp->next = NULL;
	disp->shown = NULL;
	disp->busy = false;
	spin_unlock_bh(&disp->slock);

	list_for_each_entry_safe(buf, next, &bufs, list)
		vb2_buffer_done(&buf->vb.vb2_buf, state);
}

static ktime_t vbdisp_queue_period(const struct vbdisp_dev *disp)
{
	return ns_to_ktime(mul_u64_u32_div(NSEC_PER_SEC,
					   disp->interval.numerator,
					   disp->interval.denominator));
}

static int vbdisp_start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vbdisp_dev *disp = vb2_get_drv_priv(vq);
	int ret;

	ret = vbdisp_scan_start(&disp->scan, disp->fmt, &disp->pix);
	if (ret) {
		vbdisp_queue_return(disp, VB2_BUF_STATE_QUEUED);
		return ret;
	}

	spin_lock_bh(&disp->slock);
	disp->streaming = true;
	disp->sequence = 0;
	spin_unlock_bh(&disp->slock);
	hrtimer_start(&disp->clock, vbdisp_queue_period(disp),
		      HRTIMER_MODE_REL_SOFT);

	return 0;
}

static void vbdisp_stop_streaming(struct vb2_queue *vq)
{
	struct vbdisp_dev *disp = vb2_get_drv_priv(vq);

	spin_lock_bh(&disp->slock);
	disp->streaming = false;
	spin_unlock_bh(&disp->slock);
	hrtimer_cancel(&disp->clock);
	cancel_work_sync(&disp->work);

	vbdisp_queue_return(disp, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops vbdisp_queue_ops = {
	.queue_setup		= vbdisp_queue_setup,
	.buf_out_validate	= vbdisp_buf_out_validate,
	.buf_prepare		= vbdisp_buf_prepare,
	.buf_queue		= vbdisp_buf_queue,
	.start_streaming	= vbdisp_start_streaming,
	.stop_streaming		= vbdisp_stop_streaming,
	VBM_VB2_WAIT_OPS
};

static enum hrtimer_restart vbdisp_clock_tick(struct hrtimer *timer)
{
	struct vbdisp_dev *disp = container_of(timer, struct vbdisp_dev, clock);
	u64 periods;

	spin_lock_bh(&disp->slock);
	if (!disp->streaming) {
		spin_unlock_bh(&disp->slock);
		return HRTIMER_NORESTART;
	}

	periods = hrtimer_forward_now(timer, vbdisp_queue_period(disp));
	disp->stats.late += periods - 1;

	if (disp->busy) {
		disp->stats.late++;
	} else if (!list_empty(&disp->queued)) {
		disp->next = list_first_entry(&disp->queued, struct vbdisp_buf,
					      list);
		list_del(&disp->next->list);
		disp->next->vb.sequence = disp->sequence++;
		disp->busy = true;
		queue_work(disp->wq, &disp->work);
	} else if (disp->shown && disp->rescan) {
		disp->busy = true;
		queue_work(disp->wq, &disp->work);
	}
	spin_unlock_bh(&disp->slock);

	return HRTIMER_RESTART;
}

static int vbdisp_read(struct vbdisp_dev *disp, struct vbdisp_buf *buf,
		       u32 *sum)
{
	return vbdisp_scan_frame(&disp->scan, &disp->dma, &buf->vb.vb2_buf,
				 disp->config.sg, sum);
}

/* For whom follows a frame from device to device. */
static void vbdisp_tell_sum(struct vbdisp_dev *disp,
			    const struct vbdisp_buf *buf)
{
	unsigned int i, bytes = 0;

	if (!vbdma_sum_wanted())
		return;

	for (i = 0; i < disp->fmt->mem_planes; i++)
		bytes += vbdisp_plane_size(disp->fmt, &disp->pix, i);
	vbdma_sum_frame(&disp->dma, false, disp->fmt->fourcc, buf->vb.sequence,
			bytes, buf->sum);
}

/* A new frame takes the place of the one on screen, unless it faults. */
static void vbdisp_show_next(struct vbdisp_dev *disp)
{
	struct vbdisp_buf *buf = disp->next, *done;
	int ret;

	ret = vbdisp_read(disp, buf, &buf->sum);
	buf->vb.vb2_buf.timestamp = ktime_get_ns();
	if (!ret)
		vbdisp_tell_sum(disp, buf);

	spin_lock_bh(&disp->slock);
	if (ret) {
		disp->stats.errors++;
		done = buf;
	} else {
		disp->stats.frames++;
		disp->stats.last_sequence = buf->vb.sequence;
		disp->stats.last_sum = buf->sum;
		disp->stats.sum_of_sums = rol32(disp->stats.sum_of_sums, 1) +
					  buf->sum;
		done = disp->shown;
		disp->shown = buf;
	}
	disp->next = NULL;
	disp->busy = false;
	spin_unlock_bh(&disp->slock);

	if (done)
		vb2_buffer_done(&done->vb.vb2_buf, ret ? VB2_BUF_STATE_ERROR :
							 VB2_BUF_STATE_DONE);
}

/* The frame on screen stays there, unless it faults. */
static void vbdisp_show_again(struct vbdisp_dev *disp)
{
	struct vbdisp_buf *buf = disp->shown;
	u32 sum;
	int ret;

	ret = vbdisp_read(disp, buf, &sum);

	spin_lock_bh(&disp->slock);
	if (ret) {
		disp->stats.errors++;
		disp->shown = NULL;
	} else {
		disp->stats.repeated++;
		disp->stats.torn += sum != buf->sum;
	}
	disp->busy = false;
	spin_unlock_bh(&disp->slock);

	if (ret)
		vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_ERROR);
}

static void vbdisp_scan_out(struct work_struct *work)
{
	struct vbdisp_dev *disp = container_of(work, struct vbdisp_dev, work);

	if (disp->next)
		vbdisp_show_next(disp);
	else
		vbdisp_show_again(disp);
}

/**
 * vbdisp_queue_init - set up the queue and what empties its buffers
 * @disp: the display
 *
 * Return: 0 or an error; vbdisp_queue_fini() is due in either case.
 */
int vbdisp_queue_init(struct vbdisp_dev *disp)
{
	struct vb2_queue *q = &disp->queue;

	spin_lock_init(&disp->slock);
	INIT_LIST_HEAD(&disp->queued);
	INIT_WORK(&disp->work, vbdisp_scan_out);
	hrtimer_setup(&disp->clock, vbdisp_clock_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);

	disp->wq = alloc_workqueue("vbdisp%u", WQ_UNBOUND | WQ_HIGHPRI, 1,
				   disp->config.index);
	if (!disp->wq)
		return -ENOMEM;

	q->type = disp->config.multiplanar ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
					     V4L2_BUF_TYPE_VIDEO_OUTPUT;
	/* Not VB2_WRITE, for which vb2 tells buf_prepare() of no payload. */
	q->io_modes = VB2_MMAP | VB2_DMABUF;
	if (disp->userptr)
		q->io_modes |= VB2_USERPTR;
	q->dev = disp->v4l2_dev.dev;
	q->drv_priv = disp;
	q->buf_struct_size = sizeof(struct vbdisp_buf);
	q->ops = &vbdisp_queue_ops;
	q->mem_ops = vbdma_mem_ops(&disp->config);
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	/* One is on screen: nothing comes back before there are two. */
	q->min_queued_buffers = 1;
	q->lock = &disp->lock;
	q->allow_cache_hints = true;

	return vb2_queue_init(q);
}

/**
 * vbdisp_queue_fini - undo vbdisp_queue_init(), complete or not
 * @disp: the display, no longer streaming
 */
void vbdisp_queue_fini(struct vbdisp_dev *disp)
{
	if (disp->wq)
		destroy_workqueue(disp->wq);
}
