/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_DEVICE_H
#define _VBM_DEVICE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>

#include "vbm-constraints.h"

struct device;
struct vbm_mapping;

/**
 * struct vbm_device - a device that maps buffers
 * @node: in the global list, guarded by vbm_devices_lock
 * @ref: see "Who owns what" in vbm.h
 * @dev: the device; not to be followed once @dead
 * @name: its name, for people, also afterwards
 * @bound: a devres entry tells when its driver goes; else @dev is held
 * @dead: its driver has gone; guarded by vbm_devices_lock
 * @mappings: all mappings for it, guarded by vbm_devices_lock
 * @limits: what it asks of memory, as of its first mapping
 */
struct vbm_device {
	struct list_head node;
	struct kref ref;
	struct device *dev;
	const char *name;
	bool bound;
	bool dead;
	struct list_head mappings;
	struct vbm_constraints limits;
};

void vbm_device_describe(struct device *dev, struct vbm_constraints *limits);

struct vbm_device *vbm_device_get(struct device *dev);
void vbm_device_put(struct vbm_device *vdev);

int vbm_device_add_mapping(struct vbm_device *vdev, struct vbm_mapping *map);
void vbm_device_del_mapping(struct vbm_device *vdev, struct vbm_mapping *map);

void vbm_devices_fini(void);

#endif
