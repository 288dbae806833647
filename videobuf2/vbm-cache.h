/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_CACHE_H
#define _VBM_CACHE_H

#include <linux/compiler.h>
#include <linux/dma-buf.h>
#include <linux/dma-direction.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vbm-device.h"
#include "vbm-import.h"
#include "vbm-stats.h"

/* As many as a queue usually has indexes at most. */
#define VBM_CACHE_PER_DEVICE	32
#define VBM_CACHE_BITS		6

/* vbm-cache.c's; here for what is done at each frame. */
extern DECLARE_HASHTABLE(vbm_cache, VBM_CACHE_BITS);
extern spinlock_t vbm_cache_lock;
extern size_t vbm_cache_bouncing;
extern bool vbm_cache_worker_runs;

void vbm_cache_wake_locked(void);
bool vbm_cache_admit_locked(struct vbm_import *imp);
void vbm_cache_add(struct vbm_import *imp);
void vbm_cache_forget(struct vbm_import *imp);

/* Where there is no rotation, attach has nothing to look for. */
static inline bool vbm_cache_empty(void)
{
	return !vbm_stat_read(VBM_STAT_PARKED);
}

/**
 * vbm_cache_park() - keep an import for later
 * @imp: vbm_cache_add() has been called; vb2 has let go of it
 *
 * Context: may sleep; vb2_queue.lock held.
 * Return: true if it belongs to the cache now; false if there is no room for
 *	it, or its driver has gone.
 */
static inline bool vbm_cache_park(struct vbm_import *imp)
{
	bool room = true;

	spin_lock(&vbm_cache_lock);
	if (unlikely(imp->dead || imp->bounces ||
		     imp->vdev->parked >= VBM_CACHE_PER_DEVICE))
		room = vbm_cache_admit_locked(imp);
	if (likely(room)) {
		imp->state = VBM_IMPORT_PARKED;
		imp->parked_at = jiffies;
		imp->vdev->parked++;
		vbm_stat_inc(VBM_STAT_PARKED);
		if (unlikely(!vbm_cache_worker_runs))
			vbm_cache_wake_locked();
	}
	spin_unlock(&vbm_cache_lock);
	return room;
}

static inline void vbm_cache_unpark_locked(struct vbm_import *imp)
{
	imp->vdev->parked--;
	if (unlikely(imp->bounces))
		vbm_cache_bouncing -= imp->dmabuf->size;
}

/**
 * vbm_cache_take() - take an import back
 * @dev: the device
 * @dmabuf: the dma-buf, held by the caller
 * @dir: direction of the DMA
 *
 * Context: may sleep; vb2_queue.lock held.
 * Return: the import, which belongs to the caller, or NULL.
 */
static inline struct vbm_import *
vbm_cache_take(struct device *dev, struct dma_buf *dmabuf,
	       enum dma_data_direction dir)
{
	struct vbm_import *imp;

	spin_lock(&vbm_cache_lock);
	hash_for_each_possible(vbm_cache, imp, cache_node,
			       (unsigned long)dmabuf) {
		if (imp->dmabuf != dmabuf || imp->plane.dev != dev ||
		    imp->plane.dir != dir || imp->state != VBM_IMPORT_PARKED)
			continue;
		vbm_cache_unpark_locked(imp);
		imp->state = VBM_IMPORT_USED;
		vbm_stat_dec(VBM_STAT_PARKED);
		break;
	}
	spin_unlock(&vbm_cache_lock);
	return imp;
}

/**
 * enum vbm_cache_fate - what the end of a device means for an import
 * @VBM_CACHE_YOURS: the caller gives it to vbm_cache_evict() if the exporter
 *	is ours; else drops it and hands it to vbm_cache_dropped()
 * @VBM_CACHE_USED: vb2 has it, and will never park it again
 * @VBM_CACHE_GOING: somebody is just dropping it
 */
enum vbm_cache_fate {
	VBM_CACHE_YOURS,
	VBM_CACHE_USED,
	VBM_CACHE_GOING,
};

enum vbm_cache_fate vbm_cache_claim(struct vbm_import *imp);
void vbm_cache_dropped(struct vbm_import *imp);
void vbm_cache_evict(struct vbm_import *imp);
void vbm_cache_device_gone(const struct device *dev);

void vbm_cache_unmap_parked(const struct vbm_buf *buf);

unsigned int vbm_cache_moment(void);
bool vbm_cache_settle(unsigned int since);
bool vbm_cache_reclaim(void);
bool vbm_cache_cures(int error);

/* Could what gave @ret succeed once parked imports have gone, as they have? */
static inline bool vbm_cache_retry(int ret)
{
	return unlikely(ret) && vbm_cache_cures(ret);
}

int vbm_cache_init(void);
void vbm_cache_fini(void);

#endif
