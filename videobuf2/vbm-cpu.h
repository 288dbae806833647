/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_CPU_H
#define _VBM_CPU_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct sg_table;
struct vbm_buf;
struct vbm_mapping;

void vbm_cpu_give(struct vbm_mapping *map, bool clean);
void vbm_cpu_take(struct vbm_mapping *map, bool unread);

void vbm_cpu_before_map_locked(struct vbm_buf *buf);
void vbm_cpu_map_locked(struct vbm_mapping *map);
void vbm_cpu_unmap_locked(struct vbm_mapping *map);

int vbm_cpu_begin(struct vbm_buf *buf, enum dma_data_direction dir);
int vbm_cpu_end(struct vbm_buf *buf, enum dma_data_direction dir);

bool vbm_cpu_bounces(const struct vbm_mapping *map);

bool vbm_cpu_foreign_needs_sync(struct device *dev, struct sg_table *sgt);
void vbm_cpu_foreign_give(struct device *dev, struct sg_table *sgt,
			  enum dma_data_direction dir);
void vbm_cpu_foreign_take(struct device *dev, struct sg_table *sgt,
			  enum dma_data_direction dir);

#endif
