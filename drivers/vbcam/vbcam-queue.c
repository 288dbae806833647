// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers, the frame clock and the capture work.
 *
 * The clock (a timer) ends a frame period. If a buffer is queued, it becomes
 * the active one and the work captures a frame into it; if none is, the frame
 * is lost, and its sequence number with it, as with real cameras. If the last
 * frame is still being captured, the period is stretched by one: the emulated
 * sensor is never ahead of the machine that emulates it. A patient camera
 * stretches it for want of a buffer, too, or of one that has been queued for a
 * whole period, so that what a test sees of it does not depend on how fast the
 * test is: not even whether a buffer is full before QBUF has returned.
 *
 * The camera looks at a buffer's DMA addresses while it captures into it and
 * at no other time.
 */

#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "vbcam.h"
#include "../vbdma/vbdma-vb2.h"

static struct vbcam_buf *to_vbcam_buf(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct vbcam_buf, vb);
}

static int vbcam_queue_setup(struct vb2_queue *vq, unsigned int *nbuffers,
			     unsigned int *nplanes, unsigned int sizes[],
			     struct device *alloc_devs[])
{
	struct vbcam_dev *cam = vb2_get_drv_priv(vq);
	const struct v4l2_pix_format_mplane *pix = &cam->pix;
	unsigned int i;

	/* read() may be past the check for a device that is gone. */
	if (!video_is_registered(&cam->vdev))
		return -ENODEV;

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

static int vbcam_buf_prepare(struct vb2_buffer *vb)
{
	struct vbcam_dev *cam = vb2_get_drv_priv(vb->vb2_queue);
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	const struct v4l2_pix_format_mplane *pix = &cam->pix;
	unsigned int i;

	for (i = 0; i < pix->num_planes; i++) {
		if (vb2_plane_size(vb, i) < pix->plane_fmt[i].sizeimage)
			return -EINVAL;
		vb2_set_plane_payload(vb, i, pix->plane_fmt[i].sizeimage);
	}
	vbuf->field = V4L2_FIELD_NONE;

	return vbdma_prepare_planes(&cam->config, vb);
}

static void vbcam_buf_queue(struct vb2_buffer *vb)
{
	struct vbcam_dev *cam = vb2_get_drv_priv(vb->vb2_queue);
	struct vbcam_buf *buf = to_vbcam_buf(vb);

	spin_lock_bh(&cam->slock);
	buf->tick = cam->ticks;
	list_add_tail(&buf->list, &cam->queued);
	spin_unlock_bh(&cam->slock);
}

/* Gives all buffers back to vb2. The clock and the work have stopped. */
static void vbcam_queue_return(struct vbcam_dev *cam,
			       enum vb2_buffer_state state)
{
	struct vbcam_buf *buf, *next;
	LIST_HEAD(bufs);

	spin_lock_bh(&cam->slock);
	list_splice_init(&cam->queued, &bufs);
	if (cam->active)
		list_add(&cam->active->list, &bufs);
	cam->active = NULL;
	spin_unlock_bh(&cam->slock);

	list_for_each_entry_safe(buf, next, &bufs, list)
		vb2_buffer_done(&buf->vb.vb2_buf, state);
}

static ktime_t vbcam_queue_period(const struct vbcam_dev *cam)
{
	return ns_to_ktime(mul_u64_u32_div(NSEC_PER_SEC,
					   cam->interval.numerator,
					   cam->interval.denominator));
}

static int vbcam_start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vbcam_dev *cam = vb2_get_drv_priv(vq);
	int ret;

	ret = vbcam_gen_start(&cam->gen, &cam->pix);
	if (ret) {
		vbcam_queue_return(cam, VB2_BUF_STATE_QUEUED);
		return ret;
	}

	spin_lock_bh(&cam->slock);
	cam->streaming = true;
	cam->sequence = 0;
	spin_unlock_bh(&cam->slock);
	hrtimer_start(&cam->clock, vbcam_queue_period(cam),
		      HRTIMER_MODE_REL_SOFT);

	return 0;
}

static void vbcam_stop_streaming(struct vb2_queue *vq)
{
	struct vbcam_dev *cam = vb2_get_drv_priv(vq);

	spin_lock_bh(&cam->slock);
	cam->streaming = false;
	spin_unlock_bh(&cam->slock);
	hrtimer_cancel(&cam->clock);
	cancel_work_sync(&cam->work);

	vbcam_queue_return(cam, VB2_BUF_STATE_ERROR);
	vbcam_gen_stop(&cam->gen);
}

static const struct vb2_ops vbcam_queue_ops = {
	.queue_setup		= vbcam_queue_setup,
	.buf_prepare		= vbcam_buf_prepare,
	.buf_queue		= vbcam_buf_queue,
	.start_streaming	= vbcam_start_streaming,
	.stop_streaming		= vbcam_stop_streaming,
	VBM_VB2_WAIT_OPS
};

/*
 * Is there nothing that a patient camera would capture into? Nor while an ioctl
 * holds the queue: on a busy machine a QBUF may take longer than two ticks, and
 * would hand its buffer back as one that is done already.
 */
static bool vbcam_must_wait(struct vbcam_dev *cam)
{
	const struct vbcam_buf *buf;

	if (!cam->patient)
		return false;
	buf = list_first_entry_or_null(&cam->queued, struct vbcam_buf, list);
	return !buf || cam->ticks - buf->tick < 2 || mutex_is_locked(&cam->lock);
}

static enum hrtimer_restart vbcam_clock_tick(struct hrtimer *timer)
{
	struct vbcam_dev *cam = container_of(timer, struct vbcam_dev, clock);
	u64 periods;

	spin_lock_bh(&cam->slock);
	if (!cam->streaming) {
		spin_unlock_bh(&cam->slock);
		return HRTIMER_NORESTART;
	}

	periods = hrtimer_forward_now(timer, vbcam_queue_period(cam));
	cam->stats.late += periods - 1;
	cam->ticks++;

	if (cam->active || vbcam_must_wait(cam)) {
		cam->stats.late++;
	} else if (list_empty(&cam->queued)) {
		cam->stats.lost++;
		cam->sequence++;
	} else {
		cam->active = list_first_entry(&cam->queued, struct vbcam_buf,
					       list);
		list_del(&cam->active->list);
		cam->active->vb.sequence = cam->sequence++;
		queue_work(cam->wq, &cam->work);
	}
	spin_unlock_bh(&cam->slock);

	return HRTIMER_RESTART;
}

static int vbcam_write_plane(struct vbcam_dev *cam, struct vb2_buffer *vb,
			     unsigned int plane)
{
	struct vbdma_target target;

	vbdma_target_plane(&target, vb, plane, cam->config.sg);

	return vbdma_write(&cam->dma, &target, 0, cam->gen.plane[plane],
			   cam->gen.size[plane]);
}

/* For whom follows a frame from device to device. */
static void vbcam_tell_sum(struct vbcam_dev *cam, u32 sequence)
{
	const struct v4l2_pix_format_mplane *pix = &cam->pix;
	unsigned int stride = pix->plane_fmt[0].bytesperline;
	const u8 *chroma = cam->fmt->mem_planes > 1 ?
			   cam->gen.plane[1] :
			   cam->gen.plane[0] + stride * pix->height;
	unsigned int i, bytes = 0;
	u32 sum;

	if (!vbdma_sum_wanted())
		return;

	for (i = 0; i < cam->gen.planes; i++)
		bytes += cam->gen.size[i];

	sum = vbdma_sum_lines(cam->gen.plane[0], stride,
			      pix->width * cam->fmt->bpp, 0, pix->height);
	if (cam->fmt->nv12)
		sum += vbdma_sum_lines(chroma, stride, pix->width,
				       VBDMA_SUM_CHROMA, pix->height / 2);
	vbdma_sum_frame(&cam->dma, true, pix->pixelformat, sequence, bytes,
			sum);
}

static void vbcam_capture(struct work_struct *work)
{
	struct vbcam_dev *cam = container_of(work, struct vbcam_dev, work);
	struct vbcam_buf *buf = cam->active;
	unsigned int i;
	int ret = 0;

	vbcam_gen_frame(&cam->gen, buf->vb.sequence, cam->config.index);
	for (i = 0; !ret && i < cam->gen.planes; i++)
		ret = vbcam_write_plane(cam, &buf->vb.vb2_buf, i);
	if (!ret)
		vbcam_tell_sum(cam, buf->vb.sequence);
	buf->vb.vb2_buf.timestamp = ktime_get_ns();

	spin_lock_bh(&cam->slock);
	cam->active = NULL;
	if (ret)
		cam->stats.errors++;
	else
		cam->stats.frames++;
	spin_unlock_bh(&cam->slock);

	vb2_buffer_done(&buf->vb.vb2_buf,
			ret ? VB2_BUF_STATE_ERROR : VB2_BUF_STATE_DONE);
}

/**
 * vbcam_queue_init - set up the queue and what fills its buffers
 * @cam: the camera
 *
 * Return: 0 or an error; vbcam_queue_fini() is due in either case.
 */
int vbcam_queue_init(struct vbcam_dev *cam)
{
	struct vb2_queue *q = &cam->queue;

	spin_lock_init(&cam->slock);
	INIT_LIST_HEAD(&cam->queued);
	INIT_WORK(&cam->work, vbcam_capture);
	hrtimer_setup(&cam->clock, vbcam_clock_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);

	cam->wq = alloc_workqueue("vbcam%u", WQ_UNBOUND | WQ_HIGHPRI, 1,
				  cam->config.index);
	if (!cam->wq)
		return -ENOMEM;

	q->type = cam->config.multiplanar ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
					    V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_MMAP | VB2_DMABUF | VB2_READ;
	if (cam->userptr)
		q->io_modes |= VB2_USERPTR;
	q->dev = cam->v4l2_dev.dev;
	q->drv_priv = cam;
	q->buf_struct_size = sizeof(struct vbcam_buf);
	q->ops = &vbcam_queue_ops;
	q->mem_ops = vbdma_mem_ops(&cam->config);
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	q->min_queued_buffers = 2;
	q->lock = &cam->lock;
	q->allow_cache_hints = true;

	return vb2_queue_init(q);
}

/**
 * vbcam_queue_fini - undo vbcam_queue_init(), complete or not
 * @cam: the camera, no longer streaming
 */
void vbcam_queue_fini(struct vbcam_dev *cam)
{
	if (cam->wq)
		destroy_workqueue(cam->wq);
}
