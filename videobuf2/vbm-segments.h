/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_SEGMENTS_H
#define _VBM_SEGMENTS_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct vbm_backing;
struct vbm_constraints;
struct vbm_mapping;

int vbm_segments_count(const struct vbm_backing *backing, struct device *dev,
		       enum dma_data_direction dir,
		       const struct vbm_constraints *limits);
int vbm_segments_map(struct vbm_mapping *map, struct device *dev, bool own);
void vbm_segments_unmap(struct vbm_mapping *map, struct device *dev,
			unsigned long attrs);

#endif
