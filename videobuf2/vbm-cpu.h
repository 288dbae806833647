/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_CPU_H
#define _VBM_CPU_H

#include <linux/dma-direction.h>
#include <linux/types.h>

#include "vbm.h"

struct device;
struct sg_table;

void vbm_cpu_give_synced(struct vbm_mapping *map, bool clean);
void vbm_cpu_take_synced(struct vbm_mapping *map, bool unread);

/**
 * vbm_cpu_give() - the device of an exact mapping is about to do DMA
 * @map: a mapping that the caller uses, exactly
 * @clean: user space says that it has not written; other devices may have
 *
 * Context: any.
 */
static inline void vbm_cpu_give(struct vbm_mapping *map, bool clean)
{
	WRITE_ONCE(map->device_owned, true);
	if (unlikely(READ_ONCE(map->buf->nr_sync)))
		vbm_cpu_give_synced(map, clean);
}

/**
 * vbm_cpu_take() - the device of an exact mapping has done its DMA
 * @map: a mapping that the caller uses, exactly
 * @unread: user space says that it will not read; others still may
 *
 * Context: any, also hard interrupts.
 */
static inline void vbm_cpu_take(struct vbm_mapping *map, bool unread)
{
	if (unlikely(READ_ONCE(map->buf->nr_sync)))
		vbm_cpu_take_synced(map, unread);
	else
		WRITE_ONCE(map->device_owned, false);
}

void vbm_cpu_before_map_locked(struct vbm_buf *buf);
void vbm_cpu_before_move_locked(struct vbm_buf *buf);
void vbm_cpu_map_locked(struct vbm_mapping *map);
void vbm_cpu_unmap_locked(struct vbm_mapping *map);

int vbm_cpu_begin(struct vbm_buf *buf, enum dma_data_direction dir);
int vbm_cpu_end(struct vbm_buf *buf, enum dma_data_direction dir);

int vbm_cpu_begin_range_locked(struct vbm_mapping *by, size_t offset,
			       size_t length, enum dma_data_direction dir);
void vbm_cpu_end_range_locked(struct vbm_mapping *by, size_t offset,
			      size_t length, enum dma_data_direction dir);

bool vbm_cpu_bounces(const struct vbm_mapping *map);

bool vbm_cpu_foreign_bounces(struct device *dev, struct sg_table *sgt);
bool vbm_cpu_foreign_needs_sync(struct device *dev, struct sg_table *sgt);
void vbm_cpu_foreign_give(struct device *dev, struct sg_table *sgt,
			  size_t offset, size_t length,
			  enum dma_data_direction dir);
void vbm_cpu_foreign_take(struct device *dev, struct sg_table *sgt,
			  size_t offset, size_t length,
			  enum dma_data_direction dir);

#endif
