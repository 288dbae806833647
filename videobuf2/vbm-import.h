/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_IMPORT_H
#define _VBM_IMPORT_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "vbm-device.h"
#include "vbm.h"

/**
 * struct vbm_import - somebody's dma-buf as a plane of ours
 * @plane: first member; its device is held
 * @ref: vb2's, and while its device goes, the device's
 * @lock: guards @attach, @vaddr
 * @sync_lock: guards @foreign_sync, @syncing
 * @client: takes part in @vdev
 * @vdev: the device, if the exporter is foreign: then nobody else would unmap
 *	when the driver goes
 * @error: why it can not be used, told by map
 * @dmabuf: borrowed from vb2, which holds it until detach
 * @attach: our attachment, from map until unmap or until the driver has gone
 * @map: the mapping, if the exporter is ours
 * @foreign_sync: the exporter is not ours, and its addresses need syncing
 * @syncing: syncs under way
 * @segments: of the mapping
 * @syncs: it needed syncing when it was mapped
 * @vaddr: kernel address, once a driver has asked
 */
struct vbm_import {
	struct vbm_plane plane;
	struct vbm_client client;
	struct vbm_device *vdev;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct vbm_mapping *map;
	void *vaddr;
	struct mutex lock; /* @attach, @vaddr */
	spinlock_t sync_lock; /* @foreign_sync, @syncing */
	struct kref ref;
	int error;
	unsigned int segments;
	unsigned int syncing;
	bool foreign_sync;
	bool syncs;
};

static inline struct vbm_import *vbm_plane_import(struct vbm_plane *plane)
{
	return container_of(plane, struct vbm_import, plane);
}

struct vbm_import *vbm_import_attach(struct vb2_buffer *vb, struct device *dev,
				     struct dma_buf *dmabuf, size_t size,
				     bool contig);
void vbm_import_detach(struct vbm_import *imp);
int vbm_import_map(struct vbm_import *imp);
void vbm_import_unmap(struct vbm_import *imp);

void *vbm_import_vaddr(struct vbm_import *imp);
void vbm_import_prepare(struct vbm_import *imp);
void vbm_import_finish(struct vbm_import *imp);

#endif
