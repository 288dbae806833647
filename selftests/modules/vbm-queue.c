// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm-queue: a vb2 queue without a video device, for the self tests.
 *
 * Drivers ask for a kernel mapping of an import (vb2_plane_vaddr()), and
 * complete buffers in their interrupt handler. The test drivers of the kernel
 * take the mapping for granted or complete in a thread. Here both is done on
 * request, and survives a refusal. So is what only the core of our backends
 * offers, <media/videobuf2-mem.h>, which is looked for when this is loaded.
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
#include <linux/videodev2.h>
#include <media/videobuf2-core.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-mem.h>

#include "../../drivers/vbdma/vbdma.h"
#include "../../drivers/vbdma/vbdma-vb2.h"
#include "vbm-queue.h"

/* A device of another module. */
struct vbmq_host {
	struct kref ref;
	struct mutex lock;		/* @queues */
	struct list_head queues;
	struct device *dev;
	unsigned int bits;
	char name[11];			/* a bus master has 16 */
	struct miscdevice misc;
};

struct vbmq {
	struct mutex lock;		/* see above */
	struct vbmq_host *host;		/* or NULL: @pdev is made for it */
	struct list_head node;		/* in @host */
	struct device *dev;		/* held, once it is configured */
	struct platform_device *pdev;
	struct vbm_queue_config config;
	struct vb2_queue queue;
	struct vb2_buffer *vb;		/* the one that is prepared, or NULL */
	int fd;				/* to be imported */
	unsigned long userptr;
	struct vbdma_dev dma;
	struct vbm_access access;
	bool accessing;			/* @access is to be put */
	struct vb2_buffer *active;	/* the one that @done completes */
	struct irq_work done;
};

static DEFINE_IDA(vbmq_ida);

/* All of them, or none: on the kernel's own backends. */
static struct {
	int (*get)(struct vbm_access *acc, struct vb2_buffer *vb,
		   unsigned int plane, size_t offset, size_t length,
		   enum dma_data_direction dir);
	void (*put)(struct vbm_access *acc);
	void *(*map_local)(struct vbm_access *acc, size_t offset,
			   size_t *length);
	void (*unmap_local)(struct vbm_access *acc, void *addr);
	int (*read)(struct vbm_access *acc, size_t offset, void *dst,
		    size_t length);
	int (*write)(struct vbm_access *acc, size_t offset, const void *src,
		     size_t length);
} vbmq_mem;

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

	planes[0].bytesused = vbmq->config.size;
	if (vb->memory == VB2_MEMORY_MMAP)
		return 0;
	if (vb->memory == VB2_MEMORY_USERPTR)
		planes[0].m.userptr = vbmq->userptr;
	else
		planes[0].m.fd = vbmq->fd;
	planes[0].length = vbmq->config.size;
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

/* A device of the queue's own. */
static int vbmq_new_device(struct vbmq *vbmq)
{
	struct platform_device_info info = { .name = "vbm-queue" };
	struct platform_device *pdev;
	int id;

	id = ida_alloc(&vbmq_ida, GFP_KERNEL);
	if (id < 0)
		return id;
	info.id = id;
	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev)) {
		ida_free(&vbmq_ida, id);
		return PTR_ERR(pdev);
	}
	vbmq->pdev = pdev;
	return 0;
}

static void vbmq_remove_device(struct vbmq *vbmq)
{
	int id;

	put_device(vbmq->dev);
	vbmq->dev = NULL;
	if (!vbmq->pdev)
		return;
	id = vbmq->pdev->id;
	platform_device_unregister(vbmq->pdev);
	vbmq->pdev = NULL;
	ida_free(&vbmq_ida, id);
}

static void vbmq_init_queue(struct vbmq *vbmq)
{
	struct vb2_queue *q = &vbmq->queue;

	/* The type is vb2's caller's affair; this one is nobody's. */
	q->type = 1;
	q->io_modes = VB2_MMAP | VB2_DMABUF | VB2_USERPTR;
	q->allow_cache_hints = true;
	q->bidirectional = !!(vbmq->config.flags & VBM_QUEUE_BIDIR);
	q->is_output = vbmq->config.output;
	q->dev = vbmq->dev;
	q->lock = &vbmq->lock;
	q->ops = &vbmq_ops;
	q->buf_ops = &vbmq_buf_ops;
	q->mem_ops = vbmq->config.sg ? &vb2_dma_sg_memops :
				       &vb2_dma_contig_memops;
	q->drv_priv = vbmq;
}

static int vbmq_config(struct vbmq *vbmq, const void __user *arg)
{
	struct vbdma_config master = { 0 };
	unsigned int bits;
	int ret;

	if (vbmq->dev)
		return -EBUSY;
	if (copy_from_user(&vbmq->config, arg, sizeof(vbmq->config)))
		return -EFAULT;
	bits = vbmq->config.flags >> 16 ?: 32;
	if (!vbmq->config.size || vbmq->config.size > SZ_16M || bits > 64)
		return -EINVAL;
	if (vbmq->host) {
		bits = vbmq->host->bits;
	} else {
		ret = vbmq_new_device(vbmq);
		if (ret)
			return ret;
	}
	vbmq->dev = get_device(vbmq->host ? vbmq->host->dev :
					    &vbmq->pdev->dev);
	vbmq_init_queue(vbmq);
	ret = vb2_core_queue_init(&vbmq->queue);
	if (ret) {
		vbmq_remove_device(vbmq);
		return ret;
	}
	if (!vbmq->dev->driver)
		return -ENODEV;
	master.limits.mask = DMA_BIT_MASK(bits);
	snprintf(master.name, sizeof(master.name), "vbmq.%s",
		 vbmq->host ? vbmq->host->name : dev_name(vbmq->dev) + 10);
	return vbdma_dev_init(&vbmq->dma, vbmq->dev, &master);
}

static int vbmq_prepare(struct vbmq *vbmq, enum vb2_memory memory)
{
	unsigned int count = 1, flags = 0;
	int ret;

	if (!vbmq->dev || vbmq->vb)
		return -EBUSY;
	if (vbmq->config.flags & VBM_QUEUE_NON_COHERENT)
		flags = V4L2_MEMORY_FLAG_NON_COHERENT;
	ret = vb2_core_reqbufs(&vbmq->queue, memory, flags, &count);
	if (ret)
		return ret;
	vbmq->vb = vb2_get_buffer(&vbmq->queue, 0);
	if (vbmq->config.flags & VBM_QUEUE_CLEAN)
		vbmq->vb->skip_cache_sync_on_prepare = 1;
	if (vbmq->config.flags & VBM_QUEUE_UNREAD)
		vbmq->vb->skip_cache_sync_on_finish = 1;
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

static int vbmq_export(struct vbmq *vbmq, s32 __user *arg)
{
	int fd, ret;

	if (!vbmq->vb)
		return -EINVAL;
	ret = vb2_core_expbuf(&vbmq->queue, &fd, vbmq->queue.type, vbmq->vb, 0,
			      O_RDWR | O_CLOEXEC);
	return ret ?: put_user(fd, arg);
}

static int vbmq_dma(struct vbmq *vbmq, const void __user *arg)
{
	struct vbdma_target target;
	struct vbm_queue_dma req;
	void *copy;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!vbmq->vb || req.length > vbmq->config.size)
		return -EINVAL;
	copy = kvmalloc(req.length, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;

	vbdma_target_plane(&target, vbmq->vb, 0, vbmq->config.sg);
	if (req.write) {
		ret = -EFAULT;
		if (!copy_from_user(copy, u64_to_user_ptr(req.data),
				    req.length))
			ret = vbdma_write(&vbmq->dma, &target, req.offset,
					  copy, req.length);
	} else {
		ret = vbdma_read(&vbmq->dma, &target, req.offset, copy,
				 req.length);
		if (!ret && copy_to_user(u64_to_user_ptr(req.data), copy,
					 req.length))
			ret = -EFAULT;
	}
	kvfree(copy);
	return ret;
}

static int vbmq_addr(struct vbmq *vbmq, u64 __user *arg)
{
	struct vbdma_target target;

	if (!vbmq->vb)
		return -EINVAL;
	vbdma_target_plane(&target, vbmq->vb, 0, vbmq->config.sg);
	return put_user(sg_dma_address(target.sgl), arg);
}

static int vbmq_get(struct vbmq *vbmq, const void __user *arg)
{
	struct vbm_queue_range req;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!vbmq_mem.get)
		return -EOPNOTSUPP;
	if (!vbmq->vb || vbmq->accessing || req.dir >= DMA_NONE)
		return -EBUSY;
	ret = vbmq_mem.get(&vbmq->access, vbmq->vb, req.plane, req.offset,
			   req.length, req.dir);
	vbmq->accessing = !ret;
	return ret;
}

static void vbmq_put(struct vbmq *vbmq)
{
	if (vbmq->accessing)
		vbmq_mem.put(&vbmq->access);
	vbmq->accessing = false;
}

static void vbmq_copy(void *addr, void *copy, size_t n, bool write)
{
	if (write)
		memcpy(addr, copy, n);
	else
		memcpy(copy, addr, n);
}

/* The second of two pages is unmapped before the first: as a stack. */
static int vbmq_access_local(struct vbmq *vbmq, size_t offset, void *copy,
			     size_t length, bool write)
{
	struct vbm_access *acc = &vbmq->access;
	void *first, *second;
	size_t n, m;

	for (; length; offset += n + m, copy += n + m, length -= n + m) {
		first = vbmq_mem.map_local(acc, offset, &n);
		if (!first)
			return -EINVAL;
		n = min(n, length);
		m = 0;
		second = NULL;
		if (n < length)
			second = vbmq_mem.map_local(acc, offset + n, &m);
		m = min(m, length - n);
		vbmq_copy(first, copy, n, write);
		if (second) {
			vbmq_copy(second, copy + n, m, write);
			vbmq_mem.unmap_local(acc, second);
		}
		vbmq_mem.unmap_local(acc, first);
	}
	return 0;
}

static int vbmq_access(struct vbmq *vbmq, const void __user *arg)
{
	struct vbm_queue_access req;
	void __user *user;
	void *copy;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!vbmq->accessing || req.length > vbmq->config.size)
		return -EINVAL;
	user = u64_to_user_ptr(req.data);
	copy = kvmalloc(req.length, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;

	if (req.write && copy_from_user(copy, user, req.length))
		ret = -EFAULT;
	else if (req.local)
		ret = vbmq_access_local(vbmq, req.offset, copy, req.length,
					req.write);
	else if (req.write)
		ret = vbmq_mem.write(&vbmq->access, req.offset, copy,
				     req.length);
	else
		ret = vbmq_mem.read(&vbmq->access, req.offset, copy,
				    req.length);
	if (!ret && !req.write && copy_to_user(user, copy, req.length))
		ret = -EFAULT;
	kvfree(copy);
	return ret;
}

static int vbmq_release_buf(struct vbmq *vbmq)
{
	unsigned int count = 0;

	vbmq_put(vbmq);

	if (!vbmq->vb)
		return 0;
	vbmq->vb = NULL;
	return vb2_core_reqbufs(&vbmq->queue, vbmq->queue.memory, 0, &count);
}

static long vbmq_ioctl_locked(struct vbmq *vbmq, unsigned int cmd,
			      void __user *arg)
{
	u64 userptr;

	switch (cmd) {
	case VBM_QUEUE_IOC_CONFIG:
		return vbmq_config(vbmq, arg);
	case VBM_QUEUE_IOC_IMPORT:
		if (get_user(vbmq->fd, (s32 __user *)arg))
			return -EFAULT;
		return vbmq_prepare(vbmq, VB2_MEMORY_DMABUF);
	case VBM_QUEUE_IOC_ALLOC:
		return vbmq_prepare(vbmq, VB2_MEMORY_MMAP);
	case VBM_QUEUE_IOC_USERPTR:
		if (get_user(userptr, (u64 __user *)arg))
			return -EFAULT;
		vbmq->userptr = userptr;
		return vbmq_prepare(vbmq, VB2_MEMORY_USERPTR);
	case VBM_QUEUE_IOC_PREPARE:
		if (!vbmq->vb)
			return -EINVAL;
		return vb2_core_prepare_buf(&vbmq->queue, vbmq->vb, NULL);
	case VBM_QUEUE_IOC_EXPORT:
		return vbmq_export(vbmq, arg);
	case VBM_QUEUE_IOC_DMA:
		return vbmq_dma(vbmq, arg);
	case VBM_QUEUE_IOC_GET:
		return vbmq_get(vbmq, arg);
	case VBM_QUEUE_IOC_ACCESS:
		return vbmq_access(vbmq, arg);
	case VBM_QUEUE_IOC_PUT:
		vbmq_put(vbmq);
		return 0;
	case VBM_QUEUE_IOC_ADDR:
		return vbmq_addr(vbmq, arg);
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

static void vbmq_host_release(struct kref *ref)
{
	struct vbmq_host *host = container_of(ref, struct vbmq_host, ref);

	put_device(host->dev);
	mutex_destroy(&host->lock);
	kfree(host);
}

static struct vbmq *vbmq_new(struct file *file)
{
	struct vbmq *vbmq = kzalloc(sizeof(*vbmq), GFP_KERNEL);

	if (!vbmq)
		return NULL;
	mutex_init(&vbmq->lock);
	INIT_LIST_HEAD(&vbmq->node);
	init_irq_work(&vbmq->done, vbmq_done);
	file->private_data = vbmq;
	return vbmq;
}

static int vbmq_open(struct inode *inode, struct file *file)
{
	return vbmq_new(file) ? 0 : -ENOMEM;
}

/* The node is there as long as this runs: misc_open() holds its lock. */
static int vbmq_host_open(struct inode *inode, struct file *file)
{
	struct vbmq_host *host = container_of(file->private_data,
					      struct vbmq_host, misc);
	struct vbmq *vbmq = vbmq_new(file);

	if (!vbmq)
		return -ENOMEM;
	vbmq->host = host;
	kref_get(&host->ref);
	mutex_lock(&host->lock);
	list_add(&vbmq->node, &host->queues);
	mutex_unlock(&host->lock);
	return 0;
}

static int vbmq_release(struct inode *inode, struct file *file)
{
	struct vbmq *vbmq = file->private_data;
	struct vbmq_host *host = vbmq->host;

	if (host) {
		mutex_lock(&host->lock);
		list_del_init(&vbmq->node);
		mutex_unlock(&host->lock);
	}
	if (vbmq->dev) {
		mutex_lock(&vbmq->lock);
		vbmq_put(vbmq);
		vb2_core_queue_release(&vbmq->queue);
		mutex_unlock(&vbmq->lock);
		vbdma_dev_fini(&vbmq->dma);
		vbmq_remove_device(vbmq);
	}
	mutex_destroy(&vbmq->lock);
	kfree(vbmq);
	if (host)
		kref_put(&host->ref, vbmq_host_release);
	return 0;
}

static const struct file_operations vbmq_fops = {
	.owner = THIS_MODULE,
	.open = vbmq_open,
	.release = vbmq_release,
	.unlocked_ioctl = vbmq_ioctl,
};

static const struct file_operations vbmq_host_fops = {
	.owner = THIS_MODULE,
	.open = vbmq_host_open,
	.release = vbmq_release,
	.unlocked_ioctl = vbmq_ioctl,
};

struct vbmq_host *vbmq_host_add(struct device *dev, const char *name,
				unsigned int bits)
{
	struct vbmq_host *host = kzalloc(sizeof(*host), GFP_KERNEL);
	int ret;

	if (!host)
		return ERR_PTR(-ENOMEM);
	kref_init(&host->ref);
	mutex_init(&host->lock);
	INIT_LIST_HEAD(&host->queues);
	host->dev = get_device(dev);
	host->bits = bits;
	strscpy(host->name, name);
	host->misc.minor = MISC_DYNAMIC_MINOR;
	host->misc.name = host->name;
	host->misc.fops = &vbmq_host_fops;
	host->misc.mode = 0600;
	ret = misc_register(&host->misc);
	if (ret) {
		kref_put(&host->ref, vbmq_host_release);
		return ERR_PTR(ret);
	}
	return host;
}
EXPORT_SYMBOL_GPL(vbmq_host_add);

void vbmq_host_remove(struct vbmq_host *host)
{
	struct vbmq *vbmq;

	misc_deregister(&host->misc);
	mutex_lock(&host->lock);
	list_for_each_entry(vbmq, &host->queues, node)
		vbdma_dev_fini(&vbmq->dma);
	mutex_unlock(&host->lock);
	kref_put(&host->ref, vbmq_host_release);
}
EXPORT_SYMBOL_GPL(vbmq_host_remove);

static struct miscdevice vbmq_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vbm-queue",
	.fops = &vbmq_fops,
	.mode = 0600,
};

static void vbmq_mem_find(void)
{
	vbmq_mem.get = symbol_get(vbm_access_get);
	if (!vbmq_mem.get)
		return;
	vbmq_mem.put = symbol_get(vbm_access_put);
	vbmq_mem.map_local = symbol_get(vbm_access_map_local);
	vbmq_mem.unmap_local = symbol_get(vbm_access_unmap_local);
	vbmq_mem.read = symbol_get(vbm_access_read);
	vbmq_mem.write = symbol_get(vbm_access_write);
}

static void vbmq_mem_leave(void)
{
	if (!vbmq_mem.get)
		return;
	symbol_put(vbm_access_get);
	symbol_put(vbm_access_put);
	symbol_put(vbm_access_map_local);
	symbol_put(vbm_access_unmap_local);
	symbol_put(vbm_access_read);
	symbol_put(vbm_access_write);
}

static int __init vbmq_init(void)
{
	int ret;

	ret = platform_driver_register(&vbmq_driver);
	if (ret)
		return ret;
	vbmq_mem_find();
	ret = misc_register(&vbmq_misc);
	if (ret) {
		vbmq_mem_leave();
		platform_driver_unregister(&vbmq_driver);
	}
	return ret;
}
module_init(vbmq_init);

static void __exit vbmq_exit(void)
{
	misc_deregister(&vbmq_misc);
	vbmq_mem_leave();
	platform_driver_unregister(&vbmq_driver);
	ida_destroy(&vbmq_ida);
}
module_exit(vbmq_exit);

MODULE_DESCRIPTION("vb2 queue for the videobuf2-mem tests");
MODULE_LICENSE("GPL");
