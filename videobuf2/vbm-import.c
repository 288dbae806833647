// SPDX-License-Identifier: GPL-2.0-only
/*
 * The importer: dma-bufs that user space queues.
 *
 * vb2 attaches and maps a plane when another dma-buf or another length shows
 * up at its index, and keeps it mapped from frame to frame.
 *
 * vb2 core forgets the reference to a dma-buf whose attach fails, so
 * attach does nothing that can fail, and map tells. Even the memory for the
 * import itself may be missing: vbm_import_nomem stands in for it.
 *
 * vb2 gives a plane that repeats the dma-buf of an earlier one no callback,
 * only the earlier plane's import. So the checks here cover all planes of the
 * buffer that share the dma-buf.
 */

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/slab.h>

#include <media/videobuf2-v4l2.h>

#include "vbm-import.h"
#include "vbm-attachment.h"
#include "vbm-buf.h"
#include "vbm-cpu.h"
#include "vbm-mapping.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

static void *vbm_import_hold(struct vbm_client *client);
static void vbm_import_kill(void *held, struct vbm_device *vdev);

static const struct vbm_client_ops vbm_import_client_ops = {
	.hold	= vbm_import_hold,
	.kill	= vbm_import_kill,
};

/* Nothing in it is ever written: map fails, so nothing but detach follows. */
static struct vbm_import vbm_import_nomem = {
	.plane.kind	= VBM_IMPORT,
	.error		= -ENOMEM,
};

/* Not every user of vb2 speaks V4L2; lengths and fds of planes are V4L2's. */
static const struct vb2_plane *vbm_import_planes(struct vb2_buffer *vb)
{
	if (vb->num_planes < 2 ||
	    vb->vb2_queue->buf_struct_size < sizeof(struct vb2_v4l2_buffer))
		return NULL;
	return to_vb2_v4l2_buffer(vb)->planes;
}

/*
 * The most bytes that a plane wants of a dma-buf which several planes share.
 * vb2 checks none but the first. Planes before this one have been attached
 * already, and would share with it, so it is the first.
 */
static size_t vbm_import_shared_size(struct vb2_buffer *vb,
				     struct dma_buf *dmabuf, size_t size)
{
	const struct vb2_plane *planes = vbm_import_planes(vb);
	unsigned int i;

	for (i = 0; planes && i < vb->num_planes; i++) {
		struct dma_buf *other = dma_buf_get(planes[i].m.fd);

		if (IS_ERR(other))
			continue;
		/* vb2 takes 0 for all of it. */
		if (other == dmabuf)
			size = max_t(size_t, size, planes[i].length ?:
						   dmabuf->size);
		dma_buf_put(other);
	}
	return size;
}

/*
 * How much of it must be in one piece. An fd can have been exchanged since vb2
 * looked at it, so that a plane shares the dma-buf and is not seen to. As far
 * as its length could make a device leave the first piece, it is taken to.
 */
static size_t vbm_import_piece(struct vb2_buffer *vb, struct dma_buf *dmabuf,
			       size_t size)
{
	const struct vb2_plane *planes = vbm_import_planes(vb);
	size_t most = size;
	unsigned int i;

	for (i = 0; planes && i < vb->num_planes; i++)
		most = max_t(size_t, most, planes[i].length ?: dmabuf->size);
	return max(size, min(most, dmabuf->size));
}

/**
 * vbm_import_attach() - prepare to use a dma-buf as a plane
 * @vb: the vb2 buffer
 * @dev: the device that will use it
 * @dmabuf: the dma-buf, held by vb2 until detach
 * @size: bytes that the plane needs
 * @contig: the driver wants one address, not a list
 *
 * Context: may sleep; vb2_queue.lock held.
 * Return: the import, always. Errors are kept for vbm_import_map().
 */
struct vbm_import *vbm_import_attach(struct vb2_buffer *vb, struct device *dev,
				     struct dma_buf *dmabuf, size_t size,
				     bool contig)
{
	struct vbm_import *imp;

	imp = kzalloc_obj(*imp);
	if (!imp)
		return &vbm_import_nomem;

	imp->plane.kind = VBM_IMPORT;
	imp->plane.contig = contig;
	imp->plane.dir = vb->vb2_queue->dma_dir;
	imp->plane.vb = vb;
	imp->plane.dev = dev;
	imp->plane.size = vbm_import_shared_size(vb, dmabuf, size);
	imp->dmabuf = dmabuf;
	imp->client.ops = &vbm_import_client_ops;
	kref_init(&imp->ref);
	mutex_init(&imp->lock);
	spin_lock_init(&imp->sync_lock);
	/* The attachment names it, and is shown, until vb2 detaches. */
	get_device(dev);
	if (dmabuf->size < imp->plane.size)
		imp->error = -EFAULT;

	vbm_plane_register(&imp->plane);
	vbm_stat_inc(VBM_STAT_IMPORTS);
	vbm_stat_inc(VBM_STAT_IMPORTS_TOTAL);
	return imp;
}

static void vbm_import_release(struct kref *ref)
{
	struct vbm_import *imp = container_of(ref, struct vbm_import, ref);

	vbm_device_put(imp->vdev);
	put_device(imp->plane.dev);
	mutex_destroy(&imp->lock);
	kfree(imp);
}

void vbm_import_detach(struct vbm_import *imp)
{
	if (imp == &vbm_import_nomem)
		return;

	vbm_plane_unregister(&imp->plane);
	vbm_stat_dec(VBM_STAT_IMPORTS);
	kref_put(&imp->ref, vbm_import_release);
}

static int vbm_import_fail(struct vbm_import *imp, enum vbm_stat stat, int ret)
{
	vbm_stat_inc(stat);
	trace_vbm_fail("import", imp->plane.dev ? dev_name(imp->plane.dev) : "",
		       imp->plane.size, ret);
	return ret;
}

/* While a driver has the kernel address, the CPU may touch it in both ways. */
static void vbm_import_vunmap_locked(struct vbm_import *imp)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(imp->vaddr);

	lockdep_assert_held(&imp->lock);
	if (!imp->vaddr)
		return;
	dma_buf_end_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
	dma_buf_vunmap_unlocked(imp->dmabuf, &map);
	WRITE_ONCE(imp->vaddr, NULL);
}

/* When it returns nobody syncs the addresses any more. */
static void vbm_import_stop_sync(struct vbm_import *imp)
{
	unsigned long flags;

	spin_lock_irqsave(&imp->sync_lock, flags);
	imp->foreign_sync = false;
	while (imp->syncing) {
		spin_unlock_irqrestore(&imp->sync_lock, flags);
		usleep_range(100, 200);
		spin_lock_irqsave(&imp->sync_lock, flags);
	}
	spin_unlock_irqrestore(&imp->sync_lock, flags);
}

static void vbm_import_unmap_locked(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	lockdep_assert_held(&imp->lock);
	if (!imp->attach)
		return;

	vbm_import_stop_sync(imp);
	vbm_import_vunmap_locked(imp);
	dma_buf_unmap_attachment_unlocked(imp->attach, plane->sgt, plane->dir);
	dma_buf_detach(imp->dmabuf, imp->attach);
	imp->attach = NULL;
	imp->map = NULL;
	plane->sgt = NULL;
	plane->dma_addr = 0;
	if (imp->vdev)
		vbm_device_leave(&imp->client);
	vbm_stat_inc(VBM_STAT_IMPORT_UNMAPS);
	trace_vbm_import_unmap(plane, dev_name(plane->dev));
}

void vbm_import_unmap(struct vbm_import *imp)
{
	mutex_lock(&imp->lock);
	vbm_import_unmap_locked(imp);
	mutex_unlock(&imp->lock);
}

/* In the device's list it is mapped, so vb2 still has it. */
static void *vbm_import_hold(struct vbm_client *client)
{
	struct vbm_import *imp = container_of(client, struct vbm_import,
					      client);

	kref_get(&imp->ref);
	return imp;
}

static void vbm_import_kill(void *held, struct vbm_device *vdev)
{
	struct vbm_import *imp = held;

	vbm_import_unmap(imp);
	kref_put(&imp->ref, vbm_import_release);
}

/*
 * A foreign exporter knows nothing of our drivers going. From the moment that
 * the device lists the import it may be unmapped; the lock holds that up until
 * there is an attachment to look at.
 */
static int vbm_import_join(struct vbm_import *imp,
			   struct dma_buf_attachment *attach)
{
	struct vbm_device *vdev = vbm_device_get(imp->plane.dev);
	int ret;

	if (IS_ERR(vdev))
		return PTR_ERR(vdev);

	mutex_lock(&imp->lock);
	ret = vbm_device_join(vdev, &imp->client);
	if (!ret) {
		imp->vdev = vdev;
		imp->attach = attach;
	}
	mutex_unlock(&imp->lock);
	if (ret)
		vbm_device_put(vdev);
	return ret;
}

/**
 * vbm_import_map() - attach and map
 * @imp: the import
 *
 * Context: may sleep; vb2_queue.lock held, no reservation lock.
 * Return: 0; -EFAULT if the dma-buf is shorter than the plane, or not in one
 *	piece where the driver needs that; -ENOMEM; -ENODEV if the driver is
 *	going; what the exporter returned.
 */
int vbm_import_map(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;
	struct dma_buf_attachment *attach;
	enum vbm_stat stat;
	struct sg_table *sgt;
	size_t piece;
	bool ours;
	int ret;

	if (imp->error)
		return vbm_import_fail(imp, imp->error == -ENOMEM ?
				       VBM_STAT_FAIL_NOMEM : VBM_STAT_FAIL_SIZE,
				       imp->error);

	attach = dma_buf_attach(imp->dmabuf, plane->dev);
	if (IS_ERR(attach))
		return vbm_import_fail(imp, VBM_STAT_FAIL_ATTACH,
				       PTR_ERR(attach));

	ours = vbm_attachment_claim(attach);
	sgt = dma_buf_map_attachment_unlocked(attach, plane->dir);
	if (IS_ERR(sgt)) {
		stat = VBM_STAT_FAIL_MAP;
		ret = PTR_ERR(sgt);
		goto err_detach;
	}

	piece = vbm_import_piece(plane->vb, imp->dmabuf, plane->size);
	if (plane->contig && vbm_mapping_contiguous(sgt) < piece) {
		dev_dbg(plane->dev, "contiguous chunk is too small %zu/%zu\n",
			vbm_mapping_contiguous(sgt), piece);
		stat = VBM_STAT_FAIL_CONTIGUITY;
		ret = -EFAULT;
		goto err_unmap;
	}

	imp->segments = sgt->nents;
	plane->dma_addr = sg_dma_address(sgt->sgl);
	plane->sgt = sgt;
	if (ours) {
		imp->map = vbm_attachment_mapping(attach, plane->dir);
		imp->syncs = imp->map->need_sync;
		imp->attach = attach;
	} else {
		imp->syncs = vbm_cpu_foreign_needs_sync(plane->dev, sgt);
		imp->foreign_sync = imp->syncs;
		ret = vbm_import_join(imp, attach);
		if (ret) {
			stat = VBM_STAT_FAIL_NODEV;
			goto err_unmap;
		}
	}
	vbm_stat_inc(VBM_STAT_IMPORT_MAPS);
	trace_vbm_import_map(plane, dev_name(plane->dev));
	return 0;

err_unmap:
	plane->sgt = NULL;
	dma_buf_unmap_attachment_unlocked(attach, sgt, plane->dir);
err_detach:
	dma_buf_detach(imp->dmabuf, attach);
	return vbm_import_fail(imp, stat, ret);
}

/**
 * vbm_import_vaddr() - a kernel address for the driver
 * @imp: the import, mapped
 *
 * Made at the first call that may sleep; from an interrupt before that there
 * is none. Device memory that needs I/O accessors has none either: vb2 has no
 * way to say so.
 *
 * Context: any.
 * Return: the address, valid until unmap, or NULL.
 */
void *vbm_import_vaddr(struct vbm_import *imp)
{
	/* Pairs with the store below: what vmap wrote comes before. */
	void *vaddr = smp_load_acquire(&imp->vaddr);
	struct iosys_map map;

	if (vaddr || !vbm_may_sleep())
		return vaddr;

	mutex_lock(&imp->lock);
	if (imp->vaddr || !imp->attach)
		goto unlock;
	if (dma_buf_vmap_unlocked(imp->dmabuf, &map))
		goto unlock;
	if (map.is_iomem) {
		vbm_import_fail(imp, VBM_STAT_FAIL_IOMEM, -EOPNOTSUPP);
		goto err_vunmap;
	}
	if (dma_buf_begin_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL))
		goto err_vunmap;
	/* Interrupts look without the lock. */
	smp_store_release(&imp->vaddr, map.vaddr);
unlock:
	vaddr = imp->vaddr;
	mutex_unlock(&imp->lock);
	return vaddr;

err_vunmap:
	dma_buf_vunmap_unlocked(imp->dmabuf, &map);
	mutex_unlock(&imp->lock);
	return NULL;
}

static bool vbm_import_sync_begin(struct vbm_import *imp)
{
	unsigned long flags;
	bool sync;

	if (!READ_ONCE(imp->foreign_sync))
		return false;
	spin_lock_irqsave(&imp->sync_lock, flags);
	sync = imp->foreign_sync;
	imp->syncing += sync;
	spin_unlock_irqrestore(&imp->sync_lock, flags);
	return sync;
}

static void vbm_import_sync_end(struct vbm_import *imp)
{
	unsigned long flags;

	spin_lock_irqsave(&imp->sync_lock, flags);
	imp->syncing--;
	spin_unlock_irqrestore(&imp->sync_lock, flags);
}

/* What the driver's CPU wrote is passed on, what others wrote is fetched. */
static void vbm_import_renew_cpu_access(struct vbm_import *imp)
{
	mutex_lock(&imp->lock);
	if (imp->vaddr) {
		dma_buf_end_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
		dma_buf_begin_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
	}
	mutex_unlock(&imp->lock);
}

/**
 * vbm_import_prepare() - the device is about to do DMA
 * @imp: the import, mapped
 *
 * Context: may sleep; vb2_queue.lock held.
 */
void vbm_import_prepare(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	if (READ_ONCE(imp->vaddr))
		vbm_import_renew_cpu_access(imp);
	if (imp->map) {
		vbm_cpu_give(imp->map, false);
	} else if (vbm_import_sync_begin(imp)) {
		vbm_cpu_foreign_give(plane->dev, plane->sgt, plane->dir);
		vbm_import_sync_end(imp);
	}
}

/**
 * vbm_import_finish() - the device has done its DMA
 * @imp: the import, mapped
 *
 * Context: any, also hard interrupts.
 */
void vbm_import_finish(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	if (imp->map) {
		vbm_cpu_take(imp->map, false);
	} else if (vbm_import_sync_begin(imp)) {
		vbm_cpu_foreign_take(plane->dev, plane->sgt, plane->dir);
		vbm_import_sync_end(imp);
	}
}
