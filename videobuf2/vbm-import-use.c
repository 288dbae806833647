// SPDX-License-Identifier: GPL-2.0-only
/*
 * Imports in use: cache maintenance around each DMA, and a kernel address for
 * drivers that ask.
 *
 * prepare and finish may meet the end of the device, which unmaps what a
 * foreign exporter gave: it waits for syncs that are under way, and has no new
 * ones begin. Imports of ours leave that to their mapping.
 */

#include <linux/delay.h>
#include <linux/dma-buf.h>

#include "vbm-import.h"
#include "vbm-cpu.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

/* While a driver has the kernel address, the CPU may touch it in both ways. */
void vbm_import_vunmap_locked(struct vbm_import *imp)
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
void vbm_import_stop_sync(struct vbm_import *imp)
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
	imp->fresh = false;
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
static noinline void vbm_import_renew_cpu_access(struct vbm_import *imp)
{
	mutex_lock(&imp->lock);
	if (imp->vaddr) {
		dma_buf_end_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
		dma_buf_begin_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
	}
	mutex_unlock(&imp->lock);
}

/*
 * What was mapped for this frame has been synced by that: bytes that are to be
 * seen are there before QBUF, and mapping and this are both part of it.
 */
static noinline void vbm_import_give_foreign(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	if (imp->fresh) {
		imp->fresh = false;
		return;
	}
	if (!vbm_import_sync_begin(imp))
		return;
	vbm_cpu_foreign_give(plane->dev, plane->sgt, 0, SIZE_MAX,
			     imp->map_dir);
	vbm_import_sync_end(imp);
}

static noinline void vbm_import_take_foreign(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	/* A device that only reads has nothing for the CPU. */
	if (plane->dir == DMA_TO_DEVICE || !vbm_import_sync_begin(imp))
		return;
	vbm_cpu_foreign_take(plane->dev, plane->sgt, 0, SIZE_MAX,
			     imp->map_dir);
	vbm_import_sync_end(imp);
}

/**
 * vbm_import_prepare() - the device is about to do DMA
 * @imp: the import, mapped
 *
 * Context: may sleep; vb2_queue.lock held.
 */
void vbm_import_prepare(struct vbm_import *imp)
{
	WRITE_ONCE(imp->prepared, true);
	if (unlikely(READ_ONCE(imp->vaddr)))
		vbm_import_renew_cpu_access(imp);
	if (imp->map)
		vbm_cpu_give(imp->map, false);
	else if (READ_ONCE(imp->foreign_sync))
		vbm_import_give_foreign(imp);
}

/**
 * vbm_import_finish() - the device has done its DMA
 * @imp: the import, mapped
 *
 * Context: any, also hard interrupts.
 */
void vbm_import_finish(struct vbm_import *imp)
{
	WRITE_ONCE(imp->prepared, false);
	if (imp->map)
		vbm_cpu_take(imp->map, false);
	else if (READ_ONCE(imp->foreign_sync))
		vbm_import_take_foreign(imp);
}
