/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_REGION_H
#define _VBM_REGION_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <media/videobuf2-mem.h>

#include "vbm-device.h"

struct device;
struct gen_pool;
struct module;
struct vbm_buf;
struct vbm_constraints;

/**
 * struct vbm_region - memory of a driver's own
 * @node: in the global list until the driver goes, guarded by vbm_regions_lock
 * @ref: the global list, and each part
 * @client: tells of the end of @vdev
 * @vdev: the device whose driver registered it, referenced
 * @dev: the same, held: its address is not another's
 * @users: devices whose queues live here, guarded by vbm_regions_lock
 * @config: what the driver said
 * @owner: its module, held by each part
 * @pool: what is free, where the driver does not see to that
 * @io: all of it, without pages
 * @lock: held while the driver is asked for memory; guards @ended
 * @ended: the driver has gone, and is asked no more
 * @registered: it came so far that its end is told to the driver
 * @deadline: in jiffies: how long the end of the driver waits; 0 until then
 */
struct vbm_region {
	struct list_head node;
	struct kref ref;
	struct vbm_client client;
	struct vbm_device *vdev;
	struct device *dev;
	struct list_head users;
	struct vbm_region_config config;
	struct module *owner;
	struct gen_pool *pool;
	void __iomem *io;
	struct mutex lock; /* see above */
	bool ended;
	bool registered;
	unsigned long deadline;
};

/**
 * struct vbm_region_part - what a backing is of a region
 * @region: the region, referenced
 * @phys: where it begins
 * @size: its length
 * @client: takes part in the region's device, from vbm_region_join() on
 * @buf: whose storage it is, once it has joined
 * @joined: it has
 * @gone: the driver went while it was there. Set before the client leaves
 */
struct vbm_region_part {
	struct vbm_region *region;
	phys_addr_t phys;
	size_t size;
	struct vbm_client client;
	struct vbm_buf *buf;
	bool joined;
	bool gone;
};

struct vbm_region *vbm_region_get(const struct device *dev);
void vbm_region_put(struct vbm_region *region);

void vbm_region_part_init(struct vbm_region_part *part,
			  struct vbm_region *region);
int vbm_region_join(struct vbm_region_part *part, struct vbm_buf *buf);
void vbm_region_leave(struct vbm_region_part *part);

int vbm_region_reach(const struct vbm_region_part *part, struct device *dev,
		     const struct vbm_constraints *limits);
bool vbm_region_local(const struct vbm_region_part *part,
		      const struct device *dev, dma_addr_t *addr);

/*
 * The driver has gone, or is going. While this is false under &vbm_buf.lock, it
 * is still to come that the buffer's mappings are shot down.
 */
static inline bool vbm_region_gone(const struct vbm_region_part *part)
{
	return READ_ONCE(part->region->vdev->dead);
}

static inline const struct device *
vbm_region_owner(const struct vbm_region_part *part)
{
	return part->region->dev;
}

static inline const char *vbm_region_name(const struct vbm_region_part *part)
{
	return part->region->config.name;
}

static inline phys_addr_t vbm_region_offset(const struct vbm_region_part *part)
{
	return part->phys - part->region->config.start;
}

#endif
