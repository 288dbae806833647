/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_MAPPING_H
#define _VBM_MAPPING_H

#include <linux/dma-direction.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#include "vbm.h"

struct device;
struct vbm_backing;
struct vbm_buf;
struct vbm_mapping;
struct vbm_table;

/**
 * enum vbm_mapping_use - for whom a mapping is
 * @VBM_MAP_FOREIGN: an importer that does DMA from map to unmap
 * @VBM_MAP_EXACT: who says of each DMA when it begins and ends
 * @VBM_MAP_SUCCESSOR: the own device, of storage that the buffer is to move to
 */
enum vbm_mapping_use {
	VBM_MAP_FOREIGN,
	VBM_MAP_EXACT,
	VBM_MAP_SUCCESSOR,
};

int vbm_mapping_init(void);
void vbm_mapping_fini(void);

struct vbm_mapping *
vbm_mapping_new_locked(struct vbm_buf *buf, struct vbm_backing *backing,
		       struct vbm_device *known, struct device *dev,
		       enum dma_data_direction dir, enum vbm_mapping_use use);
struct vbm_mapping *
vbm_mapping_find_locked(struct vbm_buf *buf, const struct vbm_device *vdev,
			enum dma_data_direction dir, bool exact);
void vbm_mapping_put_locked(struct vbm_mapping *map);
void vbm_mapping_teardown_locked(struct vbm_mapping *map);

struct vbm_mapping *vbm_mapping_successor_locked(struct vbm_buf *buf,
						 struct vbm_backing *backing);
void vbm_mapping_discard(struct vbm_mapping *map);
void vbm_mapping_succeed(struct vbm_mapping *old, struct vbm_mapping *map);
void vbm_mapping_retire_locked(struct vbm_mapping *old);
unsigned int vbm_mapping_users_locked(struct vbm_buf *buf);

bool vbm_mapping_sync_begin(struct vbm_mapping *map);
void vbm_mapping_sync_end(struct vbm_mapping *map);

void vbm_mapping_use_locked(struct vbm_mapping *map, bool exact);
void vbm_mapping_unuse_locked(struct vbm_mapping *map, bool exact);
bool vbm_mapping_owned(const struct vbm_mapping *map);
bool vbm_mapping_may_fetch_locked(const struct vbm_mapping *map);

/* As mapped, not as asked for: see vbm_segments_map(). */
static inline bool vbm_mapping_reads(const struct vbm_mapping *map)
{
	return map->map_dir != DMA_FROM_DEVICE;
}

static inline bool vbm_mapping_writes(const struct vbm_mapping *map)
{
	return map->map_dir != DMA_TO_DEVICE;
}

/* Its device may be writing all of it: no bytes are newer than those. */
static inline bool vbm_mapping_capturing(const struct vbm_mapping *map)
{
	return map->dir == DMA_FROM_DEVICE && READ_ONCE(map->device_owned);
}

struct vbm_table *vbm_mapping_table_locked(struct vbm_mapping *map);
void vbm_mapping_table_free_locked(struct vbm_table *table);

size_t vbm_mapping_contiguous_list(const struct sg_table *sgt);

/* Bytes that are adjacent in device address space from the first on. */
static inline size_t vbm_mapping_contiguous(const struct sg_table *sgt)
{
	return sgt->nents == 1 ? sg_dma_len(sgt->sgl) :
				 vbm_mapping_contiguous_list(sgt);
}

size_t vbm_mapping_metadata(const struct vbm_mapping *map);

#endif
