// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm-queue: a vb2 queue without a video device, for the self tests.
 *
 * Drivers ask for a kernel mapping of an import (vb2_plane_vaddr()), and
 * complete buffers in their interrupt handler. The test drivers of the kernel
 * take the mapping for granted or complete in a thread. Here both is done on
 * request, and survives a refusal.
 *
 * Nothing here is hardened: it is for root in a virtual machine. vbmq->lock
 * guards everything in a struct vbmq and is the queue's lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <media/videobuf2-core.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>

#include "vbm-queue.h"

struct vbmq {
	struct mutex lock;		/* see above */
	struct platform_device *pdev;
	struct vbm_queue_config config;
	struct vb2_queue queue;
	struct vb2_buffer *vb;		/* the one that is prepared, or NULL */
	int fd;				/* to be imported */
	struct vb2_buffer *active;	/* the one that @done completes */
	struct irq_work done;
};

static DEFINE_IDA(vbmq_ida);

static int vbmq_queue_setup(struct vb2_queue *q, unsigned int *nbuffers,
			    unsigned int *nplanes, unsigned int sizes[],
			    struct device *alloc_devs[])
{
	struct vbmq *vbmq = vb2_get_drv_priv(q);

	*nplanes = 1;
	sizes[0] = vbmq->config.size;
	return 0;
}

static void vbmq_done(struct irq_work *work)
{
	struct vbmq *vbmq = container_of(work, struct vbmq, done);

	WARN_ON_ONCE(!in_hardirq());
	vb2_buffer_done(vbmq->active, VB2_BUF_STATE_DONE);
}

static void vbmq_buf_queue(struct vb2_buffer *vb)
{
	struct vbmq *vbmq = vb2_get_drv_priv(vb->vb2_queue);

	vbmq->active = vb;
	irq_work_queue(&vbmq->done);
}

static void vbmq_stop_streaming(struct vb2_queue *q)
{
	struct vbmq *vbmq = vb2_get_drv_priv(q);

	irq_work_sync(&vbmq->done);
}

static const struct vb2_ops vbmq_ops = {
	.queue_setup = vbmq_queue_setup,
	.buf_queue = vbmq_buf_queue,
	.stop_streaming = vbmq_stop_streaming,
};

static int vbmq_fill_vb2_buffer(struct vb2_buffer *vb, struct vb2_plane *planes)
{
	struct vbmq *vbmq = vb2_get_drv_priv(vb->vb2_queue);

	planes[0].m.fd = vbmq->fd;
	planes[0].length = vbmq->config.size;
	planes[0].bytesused = vbmq->config.size;
	return 0;
}

static const struct vb2_buf_ops vbmq_buf_ops = {
	.fill_vb2_buffer = vbmq_fill_vb2_buffer,
};

static int vbmq_probe(struct platform_device *pdev)
{
	return dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
}

static struct platform_driver vbmq_driver = {
	.probe = vbmq_probe,
	.driver = {
		.name = "vbm-queue",
		.suppress_bind_attrs = true,
	},
};

static int vbmq_config(struct vbmq *vbmq, const void __user *arg)
{
	struct platform_device_info info = { .name = "vbm-queue" };
	struct vb2_queue *q = &vbmq->queue;
	struct platform_device *pdev;
	int id, ret;

	if (vbmq->pdev)
		return -EBUSY;
	if (copy_from_user(&vbmq->config, arg, sizeof(vbmq->config)))
		return -EFAULT;
	if (!vbmq->config.size || vbmq->config.size > SZ_16M)
		return -EINVAL;
	id = ida_alloc(&vbmq_ida, GFP_KERNEL);
	if (id < 0)
		return id;
	info.id = id;
	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev)) {
		ida_free(&vbmq_ida, id);
		return PTR_ERR(pdev);
	}

	/* The type is vb2's caller's affair; this one is nobody's. */
	q->type = 1;
	q->io_modes = VB2_MMAP | VB2_DMABUF;
	q->is_output = vbmq->config.output;
	q->dev = &pdev->dev;
	q->lock = &vbmq->lock;
	q->ops = &vbmq_ops;
	q->buf_ops = &vbmq_buf_ops;
	q->mem_ops = vbmq->config.sg ? &vb2_dma_sg_memops :
				       &vb2_dma_contig_memops;
	q->drv_priv = vbmq;
	ret = vb2_core_queue_init(q);
	if (ret) {
		platform_device_unregister(pdev);
		ida_free(&vbmq_ida, id);
		return ret;
	}
	vbmq->pdev = pdev;
	return pdev->dev.driver ? 0 : -ENODEV;
}

static int vbmq_prepare(struct vbmq *vbmq, enum vb2_memory memory)
{
	unsigned int count = 1;
	int ret;

	if (!vbmq->pdev || vbmq->vb)
		return -EBUSY;
	ret = vb2_core_reqbufs(&vbmq->queue, memory, 0, &count);
	if (ret)
		return ret;
	vbmq->vb = vb2_get_buffer(&vbmq->queue, 0);
	return vb2_core_prepare_buf(&vbmq->queue, vbmq->vb, NULL);
}

static int vbmq_vaddr(struct vbmq *vbmq, void __user *arg)
{
	struct vbm_queue_vaddr req;
	void *vaddr;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!vbmq->vb || req.length > vbmq->config.size)
		return -EINVAL;
	vaddr = vb2_plane_vaddr(vbmq->vb, 0);
	req.none = !vaddr;
	if (vaddr && copy_to_user(u64_to_user_ptr(req.data), vaddr, req.length))
		return -EFAULT;
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

static int vbmq_run(struct vbmq *vbmq)
{
	struct vb2_queue *q = &vbmq->queue;
	unsigned int index;
	int ret;

	if (!vbmq->vb)
		return -EINVAL;
	ret = vb2_core_qbuf(q, vbmq->vb, NULL, NULL);
	if (ret)
		return ret;
	ret = vb2_core_streamon(q, q->type);
	if (ret)
		return ret;
	irq_work_sync(&vbmq->done);
	ret = vb2_core_dqbuf(q, &index, NULL, true);
	vb2_core_streamoff(q, q->type);
	return ret;
}

static int vbmq_release_buf(struct vbmq *vbmq)
{
	unsigned int count = 0;

	if (!vbmq->vb)
		return 0;
	vbmq->vb = NULL;
	return vb2_core_reqbufs(&vbmq->queue, vbmq->queue.memory, 0, &count);
}

static long vbmq_ioctl_locked(struct vbmq *vbmq, unsigned int cmd,
			      void __user *arg)
{
	switch (cmd) {
	case VBM_QUEUE_IOC_CONFIG:
		return vbmq_config(vbmq, arg);
	case VBM_QUEUE_IOC_IMPORT:
		if (get_user(vbmq->fd, (s32 __user *)arg))
			return -EFAULT;
		return vbmq_prepare(vbmq, VB2_MEMORY_DMABUF);
	case VBM_QUEUE_IOC_ALLOC:
		return vbmq_prepare(vbmq, VB2_MEMORY_MMAP);
	case VBM_QUEUE_IOC_VADDR:
		return vbmq_vaddr(vbmq, arg);
	case VBM_QUEUE_IOC_RUN:
		return vbmq_run(vbmq);
	case VBM_QUEUE_IOC_RELEASE:
		return vbmq_release_buf(vbmq);
	case VBM_QUEUE_IOC_UNBIND:
		if (!vbmq->pdev)
			return -ENODEV;
		device_release_driver(&vbmq->pdev->dev);
		return 0;
	}
	return -ENOTTY;
}

static long vbmq_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vbmq *vbmq = file->private_data;
	long ret;

	mutex_lock(&vbmq->lock);
	ret = vbmq_ioctl_locked(vbmq, cmd, (void __user *)arg);
	mutex_unlock(&vbmq->lock);
	return ret;
}

static int vbmq_open(struct inode *inode, struct file *file)
{
	struct vbmq *vbmq = kzalloc(sizeof(*vbmq), GFP_KERNEL);

	if (!vbmq)
		return -ENOMEM;
	mutex_init(&vbmq->lock);
	init_irq_work(&vbmq->done, vbmq_done);
	file->private_data = vbmq;
	return 0;
}

static int vbmq_release(struct inode *inode, struct file *file)
{
	struct vbmq *vbmq = file->private_data;
	int id;

	if (vbmq->pdev) {
		mutex_lock(&vbmq->lock);
		vb2_core_queue_release(&vbmq->queue);
		mutex_unlock(&vbmq->lock);
		id = vbmq->pdev->id;
		platform_device_unregister(vbmq->pdev);
		ida_free(&vbmq_ida, id);
	}
	mutex_destroy(&vbmq->lock);
	kfree(vbmq);
	return 0;
}

static const struct file_operations vbmq_fops = {
	.owner = THIS_MODULE,
	.open = vbmq_open,
	.release = vbmq_release,
	.unlocked_ioctl = vbmq_ioctl,
};

static struct miscdevice vbmq_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vbm-queue",
	.fops = &vbmq_fops,
	.mode = 0600,
};

static int __init vbmq_init(void)
{
	int ret;

	ret = platform_driver_register(&vbmq_driver);
	if (ret)
		return ret;
	ret = misc_register(&vbmq_misc);
	if (ret)
		platform_driver_unregister(&vbmq_driver);
	return ret;
}
module_init(vbmq_init);

static void __exit vbmq_exit(void)
{
	misc_deregister(&vbmq_misc);
	platform_driver_unregister(&vbmq_driver);
	ida_destroy(&vbmq_ida);
}
module_exit(vbmq_exit);

MODULE_DESCRIPTION("vb2 queue for the videobuf2-mem tests");
MODULE_LICENSE("GPL");
