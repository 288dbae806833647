/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_IMPORT_H
#define _VBM_IMPORT_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "vbm-device.h"
#include "vbm-stats.h"
#include "vbm.h"

/* Whose it is; see vbm-cache.c. */
enum vbm_import_state {
	VBM_IMPORT_USED,
	VBM_IMPORT_PARKED,
	VBM_IMPORT_DOOMED,
	VBM_IMPORT_DROPPED,
};

/**
 * struct vbm_import - somebody's dma-buf as a plane of ours
 * @plane: first member; its device is held until it is dropped
 * @ref: vb2's or the cache's, and while its device goes, the device's
 * @lock: guards @attach, @vaddr, @vdev
 * @sync_lock: guards @foreign_sync, @syncing
 * @client: takes part in @vdev
 * @vdev: the device, if the exporter is foreign or the import has been parked:
 *	then nobody else would unmap when the driver goes
 * @error: why it can not be used, told by map
 * @dmabuf: vb2 holds it until detach; so does the import if @holds_dmabuf
 * @holds_dmabuf: has been, or could have been, parked
 * @attach: our attachment, from map until it is dropped, or the driver has gone
 * @map: the mapping, if the exporter is ours
 * @map_dir: the direction that it is mapped with; see vbm_import_wants_both()
 * @of: the number of the buffer, if the exporter is ours; else 0
 * @vaddr: kernel address, once a driver has asked
 * @foreign_sync: the exporter is not ours, and its addresses need syncing
 * @syncing: syncs under way
 * @fresh: it bounces, mapping has just copied it, and the CPU has had no access
 *	since
 * @prepared: vb2 has prepared it and not finished it
 * @segments: of the mapping
 * @piece: bytes from the beginning that are in one piece
 * @whole: that is all of the dma-buf
 * @syncs: it needed syncing when it was mapped
 * @bounces: it counts as bounce buffers while it is parked
 * @state: whose it is; vbm_cache_lock, as all of what follows
 * @dead: its device has gone while it was in use
 * @evict: the worker's, while it decides
 * @cache_node: in the table, by dma-buf
 * @cache_list: in the list of what is to be dropped
 * @parked_at: since when, in jiffies
 */
struct vbm_import {
	struct vbm_plane plane;
	struct vbm_client client;
	struct vbm_device *vdev;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct vbm_mapping *map;
	enum dma_data_direction map_dir;
	unsigned int of;
	void *vaddr;
	struct mutex lock; /* @attach, @vaddr, @vdev */
	spinlock_t sync_lock; /* @foreign_sync, @syncing */
	struct kref ref;
	int error;
	unsigned int segments;
	size_t piece;
	unsigned int syncing;
	bool foreign_sync;
	bool syncs;
	bool fresh;
	bool prepared;
	bool holds_dmabuf;
	bool whole;
	bool bounces;
	bool dead;
	bool evict;
	u8 state; /* enum vbm_import_state */
	struct hlist_node cache_node;
	struct list_head cache_list;
	unsigned long parked_at;
};

static inline struct vbm_import *vbm_plane_import(struct vbm_plane *plane)
{
	return container_of(plane, struct vbm_import, plane);
}

/* What vb2 calls is in vbm-memops.h. */
void vbm_import_evict(struct vbm_import *imp);
void vbm_import_unmap_parked(struct vbm_import *imp);
int vbm_import_fail(const struct vbm_import *imp, enum vbm_stat stat, int ret);

/* vbm-import-use.c */
void vbm_import_vunmap_locked(struct vbm_import *imp);
void vbm_import_stop_sync(struct vbm_import *imp);
void *vbm_import_vaddr(struct vbm_import *imp);
void vbm_import_prepare(struct vbm_import *imp);
void vbm_import_finish(struct vbm_import *imp);

#endif
