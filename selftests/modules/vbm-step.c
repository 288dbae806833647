// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm-step: a vb2 queue whose device does one step at a time, for the self
 * tests.
 *
 * Devices that stream do their DMA when they like. Here user space says when
 * the device gets a buffer (QBUF), which bytes it reads or writes, and when it
 * is done, which is told vb2 from a hardware interrupt. The bytes are moved
 * through the DMA addresses that vb2 gives to drivers; the device has no IOMMU,
 * so that they are physical ones, with swiotlb those of the bounce buffer.
 *
 * Nothing here is hardened: it is for root in a virtual machine. step->lock
 * guards everything in a struct step and is the queue's lock. A queue of the
 * same device as another one keeps that one's file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/freezer.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <media/videobuf2-core.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-mem.h>

#include "vbm-step.h"

struct step {
	struct mutex lock;		/* see above */
	struct platform_device *pdev;
	struct file *like;		/* whose device it is, or NULL */
	struct vbm_step_config config;
	struct vb2_queue queue;
	struct vbm_step_begin begin;	/* of the BEGIN or PREPARE under way */
	struct vb2_buffer *active[VBM_STEP_BUFS];
	struct sg_table kept[VBM_STEP_BUFS];	/* addresses; or */
	void *kept_vaddr[VBM_STEP_BUFS];
	struct vb2_buffer *finished;	/* the one that @done completes */
	struct irq_work done;
	struct notifier_block sleep;	/* registered if @unbinds */
	struct delayed_work unbind;
	bool unbinds;
	bool unbound_asleep;
};

/* What the kernel's own backends have not: all or nothing. */
static const struct vb2_mem_ops *step_contig, *step_sg;
static int (*step_plane_prepare)(struct vb2_buffer *vb, unsigned int plane);

static DEFINE_IDA(step_ida);
static const struct file_operations step_fops;

/*
 * The queue
 */

static int step_queue_setup(struct vb2_queue *q, unsigned int *nbuffers,
			    unsigned int *nplanes, unsigned int sizes[],
			    struct device *alloc_devs[])
{
	struct step *step = vb2_get_drv_priv(q);
	unsigned int i;

	*nplanes = step->config.planes;
	for (i = 0; i < *nplanes; i++)
		sizes[i] = step->config.size;
	return 0;
}

/* Where plane 0 is, as its driver has it from now on. */
static int step_keep(struct step *step, struct vb2_buffer *vb)
{
	struct sg_table *kept = &step->kept[vb->index];
	struct scatterlist *from, *to;
	struct sg_table *sgt;
	int i, ret;

	sg_free_table(kept);
	if (!step->config.sg) {
		ret = sg_alloc_table(kept, 1, GFP_KERNEL);
		if (ret)
			return ret;
		sg_dma_address(kept->sgl) = vb2_dma_contig_plane_dma_addr(vb, 0);
		sg_dma_len(kept->sgl) = step->config.size;
		return 0;
	}
	sgt = vb2_dma_sg_plane_desc(vb, 0);
	ret = sg_alloc_table(kept, sgt->nents, GFP_KERNEL);
	if (ret)
		return ret;
	to = kept->sgl;
	for_each_sgtable_dma_sg(sgt, from, i) {
		sg_dma_address(to) = sg_dma_address(from);
		sg_dma_len(to) = sg_dma_len(from);
		to = sg_next(to);
	}
	return 0;
}

static int step_buf_init(struct vb2_buffer *vb)
{
	struct step *step = vb2_get_drv_priv(vb->vb2_queue);

	if (vb->index >= VBM_STEP_BUFS)
		return 0;
	switch (step->config.keeps) {
	case VBM_STEP_KEEPS_ADDRESS:
		return step_keep(step, vb);
	case VBM_STEP_KEEPS_VADDR:
		step->kept_vaddr[vb->index] = vb2_plane_vaddr(vb, 0);
		return step->kept_vaddr[vb->index] ? 0 : -ENOMEM;
	}
	return 0;
}

static void step_buf_cleanup(struct vb2_buffer *vb)
{
	struct step *step = vb2_get_drv_priv(vb->vb2_queue);

	if (vb->index >= VBM_STEP_BUFS)
		return;
	sg_free_table(&step->kept[vb->index]);
	step->kept_vaddr[vb->index] = NULL;
}

static int step_buf_prepare(struct vb2_buffer *vb)
{
	struct step *step = vb2_get_drv_priv(vb->vb2_queue);
	unsigned int i;
	int ret;

	for (i = 0; step->config.managed && i < vb->num_planes; i++) {
		ret = step_plane_prepare(vb, i);
		if (ret)
			return ret;
	}
	if (step->config.keeps == VBM_STEP_KEEPS_QUEUED) {
		ret = step_keep(step, vb);
		if (ret)
			return ret;
	}
	return step->begin.fail ? -EPROTO : 0;
}

static void step_buf_queue(struct vb2_buffer *vb)
{
	struct step *step = vb2_get_drv_priv(vb->vb2_queue);

	step->active[vb->index] = vb;
}

static void step_done(struct irq_work *work)
{
	struct step *step = container_of(work, struct step, done);

	WARN_ON_ONCE(!in_hardirq());
	vb2_buffer_done(step->finished, VB2_BUF_STATE_DONE);
}

static void step_stop_streaming(struct vb2_queue *q)
{
	struct step *step = vb2_get_drv_priv(q);
	unsigned int i;

	for (i = 0; i < VBM_STEP_BUFS; i++) {
		if (!step->active[i])
			continue;
		vb2_buffer_done(step->active[i], VB2_BUF_STATE_ERROR);
		step->active[i] = NULL;
	}
}

static const struct vb2_ops step_ops = {
	.queue_setup = step_queue_setup,
	.buf_init = step_buf_init,
	.buf_cleanup = step_buf_cleanup,
	.buf_prepare = step_buf_prepare,
	.buf_queue = step_buf_queue,
	.stop_streaming = step_stop_streaming,
};

/* As V4L2 does it, but that it never clears a hint. */
static int step_fill_vb2_buffer(struct vb2_buffer *vb, struct vb2_plane *planes)
{
	struct step *step = vb2_get_drv_priv(vb->vb2_queue);
	unsigned int i;

	for (i = 0; i < vb->num_planes; i++) {
		if (vb->memory == VB2_MEMORY_DMABUF)
			planes[i].m.fd = step->begin.fd[i];
		planes[i].length = step->config.size;
		planes[i].bytesused = step->config.size;
	}
	if (vb->memory == VB2_MEMORY_MMAP) {
		vb->skip_cache_sync_on_prepare = step->begin.no_clean;
		vb->skip_cache_sync_on_finish = step->begin.no_invalidate;
	}
	return 0;
}

static const struct vb2_buf_ops step_buf_ops = {
	.fill_vb2_buffer = step_fill_vb2_buffer,
};

/*
 * The device
 */

static int step_probe(struct platform_device *pdev)
{
	const struct vbm_step_config *config = dev_get_platdata(&pdev->dev);
	u64 mask = DMA_BIT_MASK(config->mask_bits ?: 32);

	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	return dma_coerce_mask_and_coherent(&pdev->dev, mask);
}

static struct platform_driver step_driver = {
	.probe = step_probe,
	.driver = {
		.name = "vbm-step",
		.suppress_bind_attrs = true,
	},
};

/* The same, for the core's parameter "movable" to name. */
static struct platform_driver step_movable_driver = {
	.probe = step_probe,
	.driver = {
		.name = "vbm-step-movable",
		.suppress_bind_attrs = true,
	},
};

static int step_new_device(struct step *step)
{
	struct platform_device_info info = {
		.name = step->config.movable ? "vbm-step-movable" : "vbm-step",
	};
	struct platform_device *pdev;
	int id;

	id = ida_alloc(&step_ida, GFP_KERNEL);
	if (id < 0)
		return id;
	info.id = id;
	info.data = &step->config;
	info.size_data = sizeof(step->config);
	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev)) {
		ida_free(&step_ida, id);
		return PTR_ERR(pdev);
	}
	step->pdev = pdev;
	return pdev->dev.driver ? 0 : -ENODEV;
}

static int step_same_device(struct step *step, int fd)
{
	struct file *like = fget(fd);
	struct step *other;

	if (!like)
		return -EBADF;
	other = like->private_data;
	if (like->f_op != &step_fops || other == step || !other->pdev) {
		fput(like);
		return -EINVAL;
	}
	step->like = like;
	step->pdev = other->pdev;
	return 0;
}

static int step_config(struct step *step, const void __user *arg)
{
	struct vb2_queue *q = &step->queue;
	struct vbm_step_config *config = &step->config;
	int ret;

	if (step->pdev)
		return -EBUSY;
	if (copy_from_user(config, arg, sizeof(*config)))
		return -EFAULT;
	if (!config->size || config->size > SZ_16M || !config->planes ||
	    config->planes > VBM_STEP_PLANES || config->mask_bits > 64 ||
	    config->keeps > VBM_STEP_KEEPS_QUEUED)
		return -EINVAL;
	if (config->managed && !step_plane_prepare)
		return -EOPNOTSUPP;
	if (config->like < 0)
		ret = step_new_device(step);
	else
		ret = step_same_device(step, config->like);
	if (ret)
		return ret;

	/* The type is vb2's caller's affair; this one is nobody's. */
	q->type = 1;
	q->io_modes = VB2_MMAP | VB2_DMABUF;
	q->is_output = config->output;
	q->allow_cache_hints = true;
	q->dev = &step->pdev->dev;
	q->lock = &step->lock;
	q->ops = &step_ops;
	q->buf_ops = &step_buf_ops;
	if (config->managed)
		q->mem_ops = config->sg ? step_sg : step_contig;
	else
		q->mem_ops = config->sg ? &vb2_dma_sg_memops :
					  &vb2_dma_contig_memops;
	q->drv_priv = step;
	return vb2_core_queue_init(q);
}

/*
 * The steps
 */

static int step_reqbufs(struct step *step, const void __user *arg)
{
	struct vb2_queue *q = &step->queue;
	struct vbm_step_reqbufs req;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.count > VBM_STEP_BUFS)
		return -EINVAL;
	vb2_core_streamoff(q, q->type);
	ret = vb2_core_reqbufs(q, req.imports ? VB2_MEMORY_DMABUF :
				  VB2_MEMORY_MMAP,
			       req.non_coherent ?
			       V4L2_MEMORY_FLAG_NON_COHERENT : 0, &req.count);
	if (ret || !req.count)
		return ret;
	return vb2_core_streamon(q, q->type);
}

static int step_begin(struct step *step, const void __user *arg)
{
	struct vb2_buffer *vb;

	if (copy_from_user(&step->begin, arg, sizeof(step->begin)))
		return -EFAULT;
	vb = vb2_get_buffer(&step->queue, step->begin.index);
	if (!vb)
		return -EINVAL;
	return vb2_core_qbuf(&step->queue, vb, NULL, NULL);
}

static int step_prepare(struct step *step, const void __user *arg)
{
	struct vb2_buffer *vb;

	if (copy_from_user(&step->begin, arg, sizeof(step->begin)))
		return -EFAULT;
	vb = vb2_get_buffer(&step->queue, step->begin.index);
	if (!vb)
		return -EINVAL;
	return vb2_core_prepare_buf(&step->queue, vb, NULL);
}

static int step_remove(struct step *step, const u32 __user *arg)
{
	u32 index;

	if (get_user(index, arg))
		return -EFAULT;
	return vb2_core_remove_bufs(&step->queue, index, 1);
}

static int step_done_with(struct step *step, const u32 __user *arg)
{
	unsigned int index, got;
	int ret;

	if (get_user(index, arg))
		return -EFAULT;
	if (index >= VBM_STEP_BUFS || !step->active[index])
		return -EINVAL;
	step->finished = step->active[index];
	step->active[index] = NULL;
	irq_work_queue(&step->done);
	irq_work_sync(&step->done);
	ret = vb2_core_dqbuf(&step->queue, &got, NULL, true);
	return ret ? ret : got == index ? 0 : -EIO;
}

static int step_stop(struct step *step)
{
	struct vb2_queue *q = &step->queue;
	int ret = vb2_core_streamoff(q, q->type);

	return ret ? ret : vb2_core_streamon(q, q->type);
}

static void step_copy(void *p, void *data, u32 len, bool write)
{
	if (write)
		memcpy(p, data, len);
	else
		memcpy(data, p, len);
}

/* A page at a time, as the bus would lead the address. */
static int step_dma(dma_addr_t addr, void *data, u32 len, bool write)
{
	u32 n;

	for (; len; len -= n, addr += n, data += n) {
		n = min_t(u32, len, PAGE_SIZE - offset_in_page(addr));
		if (!pfn_valid(PHYS_PFN(addr)))
			return -ENXIO;
		step_copy(phys_to_virt(addr), data, n, write);
	}
	return 0;
}

static int step_dma_list(const struct sg_table *sgt, u32 offset, void *data,
			 u32 len, bool write)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		u32 n;

		if (offset >= sg_dma_len(sg)) {
			offset -= sg_dma_len(sg);
			continue;
		}
		n = min_t(u32, len, sg_dma_len(sg) - offset);
		ret = step_dma(sg_dma_address(sg) + offset, data, n, write);
		if (ret)
			return ret;
		offset = 0;
		data += n;
		len -= n;
		if (!len)
			return 0;
	}
	return -ENXIO;
}

static int step_move(struct step *step, struct vb2_buffer *vb,
		     const struct vbm_step_io *io, void *data)
{
	void *vaddr;

	if (io->reference && step->config.keeps == VBM_STEP_KEEPS_VADDR) {
		vaddr = step->kept_vaddr[io->index];
		if (!vaddr)
			return -EINVAL;
		step_copy(vaddr + io->offset, data, io->length, io->write);
		return 0;
	}
	if (io->reference && step->config.keeps) {
		if (!step->kept[io->index].sgl)
			return -EINVAL;
		return step_dma_list(&step->kept[io->index], io->offset, data,
				     io->length, io->write);
	}
	if (io->cpu) {
		if (io->cpu == 2)
			local_irq_disable();
		vaddr = vb2_plane_vaddr(vb, io->plane);
		if (io->cpu == 2)
			local_irq_enable();
		if (!vaddr)
			return -ENOMEM;
		step_copy(vaddr + io->offset, data, io->length, io->write);
		return 0;
	}
	/* Only between begin and done are the addresses the device's. */
	if (!step->active[io->index] && !io->reference)
		return -EINVAL;
	if (step->config.sg)
		return step_dma_list(vb2_dma_sg_plane_desc(vb, io->plane),
				     io->offset, data, io->length, io->write);
	return step_dma(vb2_dma_contig_plane_dma_addr(vb, io->plane) +
			io->offset, data, io->length, io->write);
}

static int step_io(struct step *step, const void __user *arg)
{
	struct vbm_step_io io;
	struct vb2_buffer *vb;
	void *data;
	int ret;

	if (copy_from_user(&io, arg, sizeof(io)))
		return -EFAULT;
	vb = vb2_get_buffer(&step->queue, io.index);
	if (!vb || io.index >= VBM_STEP_BUFS || io.plane >= vb->num_planes ||
	    !io.length || io.offset > step->config.size ||
	    io.length > step->config.size - io.offset)
		return -EINVAL;
	data = kvmalloc(io.length, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	ret = 0;
	if (io.write && copy_from_user(data, u64_to_user_ptr(io.data),
				       io.length))
		ret = -EFAULT;
	if (!ret)
		ret = step_move(step, vb, &io, data);
	if (!ret && !io.write && copy_to_user(u64_to_user_ptr(io.data), data,
					      io.length))
		ret = -EFAULT;
	kvfree(data);
	return ret;
}

static int step_export(struct step *step, void __user *arg)
{
	struct vb2_queue *q = &step->queue;
	struct vbm_step_plane req;
	struct vb2_buffer *vb;
	int fd, ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	vb = vb2_get_buffer(q, req.index);
	if (!vb || req.plane >= vb->num_planes)
		return -EINVAL;
	ret = vb2_core_expbuf(q, &fd, q->type, vb, req.plane,
			      O_RDWR | O_CLOEXEC);
	if (ret)
		return ret;
	req.fd = fd;
	req.offset = vb->planes[req.plane].m.offset;
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

static int step_frame_locked(unsigned long addr, u64 *frame)
{
	struct follow_pfnmap_args args = { .address = addr };
	int ret;

	mmap_assert_locked(current->mm);
	args.vma = vma_lookup(current->mm, addr);
	if (!args.vma)
		return -EFAULT;
	ret = follow_pfnmap_start(&args);
	if (ret)
		return ret;
	*frame = args.pfn;
	follow_pfnmap_end(&args);
	return 0;
}

static int step_frames(const void __user *arg)
{
	struct vbm_step_frames req;
	u64 frame;
	u32 i;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	for (i = 0; i < req.nr; i++) {
		mmap_read_lock(current->mm);
		ret = step_frame_locked(req.addr + i * PAGE_SIZE, &frame);
		mmap_read_unlock(current->mm);
		if (ret)
			return ret;
		if (put_user(frame, (u64 __user *)
				    u64_to_user_ptr(req.frames) + i))
			return -EFAULT;
	}
	return 0;
}

/*
 * Sleep
 */

/* To the end of it: what waits for a worker that is frozen, waits for the thaw. */
static void step_unbind_work(struct work_struct *work)
{
	struct step *step = container_of(work, struct step, unbind.work);
	bool frozen = static_key_enabled(&freezer_active);

	device_release_driver(&step->pdev->dev);
	step->unbound_asleep = frozen && static_key_enabled(&freezer_active);
}

/* After the notifiers the system freezes whatever runs. */
static int step_sleep(struct notifier_block *nb, unsigned long event, void *data)
{
	struct step *step = container_of(nb, struct step, sleep);

	if (event == PM_SUSPEND_PREPARE)
		queue_delayed_work(system_dfl_wq, &step->unbind, HZ / 5);
	return NOTIFY_DONE;
}

static int step_unbind(struct step *step)
{
	int ret;

	if (step->unbinds || step->like)
		return -EINVAL;
	INIT_DELAYED_WORK(&step->unbind, step_unbind_work);
	step->sleep.notifier_call = step_sleep;
	ret = register_pm_notifier(&step->sleep);
	step->unbinds = !ret;
	return ret;
}

static int step_unbound(struct step *step)
{
	if (!step->unbinds)
		return -EINVAL;
	flush_delayed_work(&step->unbind);
	return step->unbound_asleep ? 0 : -EAGAIN;
}

static long step_ioctl_locked(struct step *step, unsigned int cmd,
			      void __user *arg)
{
	if (cmd == VBM_STEP_IOC_CONFIG)
		return step_config(step, arg);
	if (!step->pdev)
		return -EINVAL;
	switch (cmd) {
	case VBM_STEP_IOC_REQBUFS:
		return step_reqbufs(step, arg);
	case VBM_STEP_IOC_BEGIN:
		return step_begin(step, arg);
	case VBM_STEP_IOC_PREPARE:
		return step_prepare(step, arg);
	case VBM_STEP_IOC_REMOVE:
		return step_remove(step, arg);
	case VBM_STEP_IOC_IO:
		return step_io(step, arg);
	case VBM_STEP_IOC_DONE:
		return step_done_with(step, arg);
	case VBM_STEP_IOC_STOP:
		return step_stop(step);
	case VBM_STEP_IOC_EXPORT:
		return step_export(step, arg);
	case VBM_STEP_IOC_UNBIND:
		return step_unbind(step);
	case VBM_STEP_IOC_UNBOUND:
		return step_unbound(step);
	case VBM_STEP_IOC_FRAMES:
		return step_frames(arg);
	}
	return -ENOTTY;
}

static long step_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct step *step = file->private_data;
	long ret;

	mutex_lock(&step->lock);
	ret = step_ioctl_locked(step, cmd, (void __user *)arg);
	mutex_unlock(&step->lock);
	return ret;
}

static int step_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct step *step = file->private_data;

	return vb2_mmap(&step->queue, vma);
}

static int step_open(struct inode *inode, struct file *file)
{
	struct step *step = kzalloc(sizeof(*step), GFP_KERNEL);

	if (!step)
		return -ENOMEM;
	mutex_init(&step->lock);
	init_irq_work(&step->done, step_done);
	file->private_data = step;
	return 0;
}

static int step_release(struct inode *inode, struct file *file)
{
	struct step *step = file->private_data;
	int id;

	if (step->unbinds) {
		unregister_pm_notifier(&step->sleep);
		cancel_delayed_work_sync(&step->unbind);
	}
	if (step->queue.lock) {
		mutex_lock(&step->lock);
		vb2_core_queue_release(&step->queue);
		mutex_unlock(&step->lock);
	}
	if (step->like) {
		fput(step->like);
	} else if (step->pdev) {
		id = step->pdev->id;
		platform_device_unregister(step->pdev);
		ida_free(&step_ida, id);
	}
	mutex_destroy(&step->lock);
	kfree(step);
	return 0;
}

static const struct file_operations step_fops = {
	.owner = THIS_MODULE,
	.open = step_open,
	.release = step_release,
	.unlocked_ioctl = step_ioctl,
	.mmap = step_mmap,
};

static struct miscdevice step_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vbm-step",
	.fops = &step_fops,
	.mode = 0600,
};

static void step_put_symbols(void)
{
	if (step_contig)
		symbol_put(vbm_contig_memops);
	if (step_sg)
		symbol_put(vbm_sg_memops);
	if (step_plane_prepare)
		symbol_put(vbm_plane_prepare);
}

static int __init step_init(void)
{
	int ret;

	step_contig = symbol_get(vbm_contig_memops);
	step_sg = symbol_get(vbm_sg_memops);
	step_plane_prepare = symbol_get(vbm_plane_prepare);

	ret = platform_driver_register(&step_driver);
	if (ret)
		goto err_put_symbols;
	ret = platform_driver_register(&step_movable_driver);
	if (ret)
		goto err_unregister;
	ret = misc_register(&step_misc);
	if (ret)
		goto err_unregister_movable;
	return 0;

err_unregister_movable:
	platform_driver_unregister(&step_movable_driver);
err_unregister:
	platform_driver_unregister(&step_driver);
err_put_symbols:
	step_put_symbols();
	return ret;
}
module_init(step_init);

static void __exit step_exit(void)
{
	misc_deregister(&step_misc);
	platform_driver_unregister(&step_movable_driver);
	platform_driver_unregister(&step_driver);
	step_put_symbols();
	ida_destroy(&step_ida);
}
module_exit(step_exit);

MODULE_DESCRIPTION("vb2 queue, step by step, for the videobuf2-mem tests");
MODULE_LICENSE("GPL");
