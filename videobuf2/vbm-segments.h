/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_SEGMENTS_H
#define _VBM_SEGMENTS_H

#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "vbm-constraints.h"
#include "vbm.h"

struct vbm_mapping;

int __vbm_segments_count(const struct vbm_backing *backing, struct device *dev,
			 const struct vbm_constraints *limits);
int vbm_segments_map(struct vbm_mapping *map, struct device *dev, bool own);
void vbm_segments_unmap(struct vbm_mapping *map, struct device *dev,
			unsigned long attrs);

/* Is it the mapping that came with the memory? One direction, if it is synced. */
static inline bool vbm_segments_adoptable(const struct vbm_backing *backing,
					  struct device *dev,
					  enum dma_data_direction dir)
{
	return backing->dma.dev == dev &&
	       (!backing->dma.sgt || backing->dma.dir == dir);
}

/**
 * vbm_segments_count() - how many segments a device gets of a backing
 * @backing: the backing
 * @dev: the device
 * @dir: the direction
 * @limits: what the device asks for
 *
 * Context: any.
 * Return: how many; -EOPNOTSUPP if it can not have the memory, and will not be
 *	able to when others have let go of what they have mapped; -ENODEV if the
 *	memory goes with its driver.
 */
static inline int vbm_segments_count(const struct vbm_backing *backing,
				     struct device *dev,
				     enum dma_data_direction dir,
				     const struct vbm_constraints *limits)
{
	if (vbm_segments_adoptable(backing, dev, dir))
		return max(backing->nr_extents, 1U);
	if (!backing->part && dev->dma_mask &&
	    vbm_constraints_accept(limits, backing->size))
		return backing->nr_extents;
	return __vbm_segments_count(backing, dev, limits);
}

#endif
