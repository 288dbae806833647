// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm-irq: video devices that do all of their work in a hard interrupt.
 *
 * vb2_buffer_done() calls the backend's finish() where it is called itself, and
 * drivers of hardware call it in their interrupt handler. The test drivers of
 * the kernel complete in a thread, so what finish() must not do there is done
 * unnoticed. Here the interrupt of a high resolution timer is the device: it
 * takes a buffer, moves the bytes to or from where the DMA addresses lead, and
 * completes it.
 *
 * A buffer is the interrupt's from buf_queue() to vb2_buffer_done(); @slock
 * guards the list of those that wait for it. Nothing here is hardened: it is
 * for root in a virtual machine, and for devices that no IOMMU translates for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <media/v4l2-device.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-v4l2.h>

#include "vbm-irq.h"

#define VBMI_PERIOD	(500 * NSEC_PER_USEC)
#define VBMI_STEP	16
#define VBMI_MAX	4096

struct vbmi {
	struct v4l2_device v4l2_dev;
	struct video_device vdev;
	struct mutex lock;		/* of the node and of the queue */
	struct vb2_queue queue;
	u32 width, height;		/* a byte for each pixel */
	spinlock_t slock;
	struct list_head queued;	/* of struct vbmi_buf; @slock */
	bool armed;			/* the timer starts itself; @slock */
	struct hrtimer timer;
	u32 sequence;			/* the timer's */
	bool sg;
	bool output;
};

struct vbmi_buf {
	struct vb2_v4l2_buffer vb;
	struct list_head list;
};

static u32 vbmi_size(const struct vbmi *vbmi)
{
	return vbmi->width * vbmi->height;
}

/* --- the interrupt ---------------------------------------------------------*/

/* What a frame's segments have in common. */
struct vbmi_frame {
	u32 word;	/* the next one's number */
	u32 words;	/* of the whole frame */
	u32 number;	/* capture */
	u32 sum;	/* output */
};

static void vbmi_segment(struct vbmi *vbmi, struct vbmi_frame *frame,
			 dma_addr_t addr, size_t len)
{
	u32 *p = phys_to_virt(dma_to_phys(vbmi->queue.dev, addr));

	for (; len >= sizeof(*p) && frame->word < frame->words;
	     len -= sizeof(*p), frame->word++, p++) {
		if (vbmi->output)
			frame->sum = vbm_irq_sum(frame->sum, frame->word, *p);
		else
			*p = vbm_irq_word(frame->number, frame->word);
	}
}

static void vbmi_transfer(struct vbmi *vbmi, struct vb2_v4l2_buffer *vb)
{
	struct vbmi_frame frame = {
		.words = vbmi_size(vbmi) / sizeof(u32),
		.number = vbmi->sequence,
	};
	struct vb2_buffer *vb2 = &vb->vb2_buf;
	struct scatterlist *sg;
	unsigned int i;

	if (vbmi->sg)
		for_each_sgtable_dma_sg(vb2_dma_sg_plane_desc(vb2, 0), sg, i)
			vbmi_segment(vbmi, &frame, sg_dma_address(sg),
				     sg_dma_len(sg));
	else
		vbmi_segment(vbmi, &frame,
			     vb2_dma_contig_plane_dma_addr(vb2, 0),
			     vb2_plane_size(vb2, 0));
	vb->sequence = vbmi->output ? frame.sum : frame.number;
	vbmi->sequence++;
}

static enum hrtimer_restart vbmi_interrupt(struct hrtimer *timer)
{
	struct vbmi *vbmi = container_of(timer, struct vbmi, timer);
	struct vbmi_buf *buf;

	WARN_ON_ONCE(!in_hardirq());

	spin_lock(&vbmi->slock);
	buf = list_first_entry_or_null(&vbmi->queued, struct vbmi_buf, list);
	if (buf)
		list_del(&buf->list);
	else
		vbmi->armed = false;
	spin_unlock(&vbmi->slock);
	if (!buf)
		return HRTIMER_NORESTART;

	vbmi_transfer(vbmi, &buf->vb);
	vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_DONE);
	hrtimer_forward_now(timer, ns_to_ktime(VBMI_PERIOD));

	return HRTIMER_RESTART;
}

/* --- the queue -------------------------------------------------------------*/

static int vbmi_queue_setup(struct vb2_queue *q, unsigned int *nbuffers,
			    unsigned int *nplanes, unsigned int sizes[],
			    struct device *alloc_devs[])
{
	struct vbmi *vbmi = vb2_get_drv_priv(q);

	if (*nplanes)
		return *nplanes == 1 && sizes[0] >= vbmi_size(vbmi) ?
		       0 : -EINVAL;
	*nplanes = 1;
	sizes[0] = vbmi_size(vbmi);

	return 0;
}

static int vbmi_buf_prepare(struct vb2_buffer *vb)
{
	struct vbmi *vbmi = vb2_get_drv_priv(vb->vb2_queue);

	if (vb2_plane_size(vb, 0) < vbmi_size(vbmi))
		return -EINVAL;
	vb2_set_plane_payload(vb, 0, vbmi_size(vbmi));

	return 0;
}

static void vbmi_buf_queue(struct vb2_buffer *vb)
{
	struct vbmi *vbmi = vb2_get_drv_priv(vb->vb2_queue);
	struct vbmi_buf *buf = container_of(to_vb2_v4l2_buffer(vb),
					    struct vbmi_buf, vb);
	bool armed;

	spin_lock_irq(&vbmi->slock);
	list_add_tail(&buf->list, &vbmi->queued);
	armed = vbmi->armed;
	vbmi->armed = true;
	spin_unlock_irq(&vbmi->slock);
	if (!armed)
		hrtimer_start(&vbmi->timer, ns_to_ktime(VBMI_PERIOD),
			      HRTIMER_MODE_REL);
}

static void vbmi_stop_streaming(struct vb2_queue *q)
{
	struct vbmi *vbmi = vb2_get_drv_priv(q);
	struct vbmi_buf *buf, *next;

	hrtimer_cancel(&vbmi->timer);
	vbmi->armed = false;
	list_for_each_entry_safe(buf, next, &vbmi->queued, list) {
		list_del(&buf->list);
		vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_ERROR);
	}
}

static const struct vb2_ops vbmi_queue_ops = {
	.queue_setup	= vbmi_queue_setup,
	.buf_prepare	= vbmi_buf_prepare,
	.buf_queue	= vbmi_buf_queue,
	.stop_streaming	= vbmi_stop_streaming,
	VBM_VB2_WAIT_OPS
};

static int vbmi_queue_init(struct vbmi *vbmi, struct device *dev)
{
	struct vb2_queue *q = &vbmi->queue;

	q->type = vbmi->output ? V4L2_BUF_TYPE_VIDEO_OUTPUT :
				 V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	q->dev = dev;
	q->drv_priv = vbmi;
	q->buf_struct_size = sizeof(struct vbmi_buf);
	q->ops = &vbmi_queue_ops;
	q->mem_ops = vbmi->sg ? &vb2_dma_sg_memops : &vb2_dma_contig_memops;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	q->lock = &vbmi->lock;

	return vb2_queue_init(q);
}

/* --- the node --------------------------------------------------------------*/

static int vbmi_querycap(struct file *file, void *priv,
			 struct v4l2_capability *cap)
{
	strscpy(cap->driver, KBUILD_MODNAME, sizeof(cap->driver));
	strscpy(cap->card, KBUILD_MODNAME, sizeof(cap->card));

	return 0;
}

static int vbmi_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	if (f->index)
		return -EINVAL;
	f->pixelformat = V4L2_PIX_FMT_GREY;

	return 0;
}

static void vbmi_fill_fmt(struct v4l2_pix_format *pix, u32 width, u32 height)
{
	*pix = (struct v4l2_pix_format) {
		.width		= width,
		.height		= height,
		.pixelformat	= V4L2_PIX_FMT_GREY,
		.field		= V4L2_FIELD_NONE,
		.bytesperline	= width,
		.sizeimage	= width * height,
		.colorspace	= V4L2_COLORSPACE_SRGB,
	};
}

static int vbmi_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbmi *vbmi = video_drvdata(file);

	vbmi_fill_fmt(&f->fmt.pix, vbmi->width, vbmi->height);

	return 0;
}

static int vbmi_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct v4l2_pix_format *pix = &f->fmt.pix;
	u32 width = clamp(pix->width, VBMI_STEP, VBMI_MAX);
	u32 height = clamp(pix->height, VBMI_STEP, VBMI_MAX);

	vbmi_fill_fmt(pix, round_down(width, VBMI_STEP), height);

	return 0;
}

static int vbmi_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vbmi *vbmi = video_drvdata(file);

	vbmi_try_fmt(file, priv, f);
	if (vb2_is_busy(&vbmi->queue))
		return -EBUSY;
	vbmi->width = f->fmt.pix.width;
	vbmi->height = f->fmt.pix.height;

	return 0;
}

/* For both directions: the core calls those that the node's type has. */
static const struct v4l2_ioctl_ops vbmi_ioctl_ops = {
	.vidioc_querycap		= vbmi_querycap,

	.vidioc_enum_fmt_vid_cap	= vbmi_enum_fmt,
	.vidioc_g_fmt_vid_cap		= vbmi_g_fmt,
	.vidioc_try_fmt_vid_cap		= vbmi_try_fmt,
	.vidioc_s_fmt_vid_cap		= vbmi_s_fmt,
	.vidioc_enum_fmt_vid_out	= vbmi_enum_fmt,
	.vidioc_g_fmt_vid_out		= vbmi_g_fmt,
	.vidioc_try_fmt_vid_out		= vbmi_try_fmt,
	.vidioc_s_fmt_vid_out		= vbmi_s_fmt,

	.vidioc_reqbufs			= vb2_ioctl_reqbufs,
	.vidioc_create_bufs		= vb2_ioctl_create_bufs,
	.vidioc_prepare_buf		= vb2_ioctl_prepare_buf,
	.vidioc_querybuf		= vb2_ioctl_querybuf,
	.vidioc_qbuf			= vb2_ioctl_qbuf,
	.vidioc_dqbuf			= vb2_ioctl_dqbuf,
	.vidioc_expbuf			= vb2_ioctl_expbuf,
	.vidioc_streamon		= vb2_ioctl_streamon,
	.vidioc_streamoff		= vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations vbmi_fops = {
	.owner		= THIS_MODULE,
	.open		= v4l2_fh_open,
	.release	= vb2_fop_release,
	.poll		= vb2_fop_poll,
	.mmap		= vb2_fop_mmap,
	.unlocked_ioctl	= video_ioctl2,
};

static int vbmi_video_register(struct vbmi *vbmi, const char *name)
{
	struct video_device *vdev = &vbmi->vdev;

	strscpy(vdev->name, name, sizeof(vdev->name));
	vdev->v4l2_dev = &vbmi->v4l2_dev;
	vdev->queue = &vbmi->queue;
	vdev->lock = &vbmi->lock;
	vdev->fops = &vbmi_fops;
	vdev->ioctl_ops = &vbmi_ioctl_ops;
	vdev->release = video_device_release_empty;
	vdev->vfl_dir = vbmi->output ? VFL_DIR_TX : VFL_DIR_RX;
	vdev->device_caps = V4L2_CAP_STREAMING;
	vdev->device_caps |= vbmi->output ? V4L2_CAP_VIDEO_OUTPUT :
					    V4L2_CAP_VIDEO_CAPTURE;
	video_set_drvdata(vdev, vbmi);

	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

/* --- devices ---------------------------------------------------------------*/

static int vbmi_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct vbmi *vbmi;
	int ret;

	if (device_iommu_mapped(dev))
		return -ENODEV;
	vbmi = devm_kzalloc(dev, sizeof(*vbmi), GFP_KERNEL);
	if (!vbmi)
		return -ENOMEM;
	ret = dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;
	dma_set_max_seg_size(dev, U32_MAX);

	vbmi->sg = pdev->id & VBM_IRQ_SG;
	vbmi->output = pdev->id & VBM_IRQ_OUTPUT;
	vbmi->width = VBMI_STEP;
	vbmi->height = VBMI_STEP;
	mutex_init(&vbmi->lock);
	spin_lock_init(&vbmi->slock);
	INIT_LIST_HEAD(&vbmi->queued);
	/* Without PREEMPT_RT such a timer is in the interrupt's own context. */
	hrtimer_setup(&vbmi->timer, vbmi_interrupt, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
	ret = vbmi_queue_init(vbmi, dev);
	if (ret)
		return ret;
	ret = v4l2_device_register(dev, &vbmi->v4l2_dev);
	if (ret)
		return ret;
	platform_set_drvdata(pdev, vbmi);
	ret = vbmi_video_register(vbmi, dev_name(dev));
	if (ret)
		v4l2_device_unregister(&vbmi->v4l2_dev);

	return ret;
}

/* With the module only, which no open file lets go. */
static void vbmi_remove(struct platform_device *pdev)
{
	struct vbmi *vbmi = platform_get_drvdata(pdev);

	vb2_video_unregister_device(&vbmi->vdev);
	v4l2_device_unregister(&vbmi->v4l2_dev);
	mutex_destroy(&vbmi->lock);
}

static struct platform_driver vbmi_driver = {
	.probe = vbmi_probe,
	.remove = vbmi_remove,
	.driver = {
		.name = "vbm-irq",
		.suppress_bind_attrs = true,
	},
};

static struct platform_device *vbmi_pdevs[VBM_IRQ_NR];

static void vbmi_unregister(void)
{
	int i;

	for (i = 0; i < VBM_IRQ_NR; i++)
		platform_device_unregister(vbmi_pdevs[i]);
	platform_driver_unregister(&vbmi_driver);
}

static int __init vbmi_init(void)
{
	struct platform_device *pdev;
	int i, ret;

	ret = platform_driver_register(&vbmi_driver);
	if (ret)
		return ret;
	for (i = 0; i < VBM_IRQ_NR; i++) {
		pdev = platform_device_register_simple("vbm-irq", i, NULL, 0);
		if (IS_ERR(pdev)) {
			vbmi_unregister();
			return PTR_ERR(pdev);
		}
		vbmi_pdevs[i] = pdev;
	}

	return 0;
}
module_init(vbmi_init);

static void __exit vbmi_exit(void)
{
	vbmi_unregister();
}
module_exit(vbmi_exit);

MODULE_DESCRIPTION("Video devices that complete buffers in a hard interrupt");
MODULE_LICENSE("GPL");
