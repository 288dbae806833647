/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_DEVICE_H
#define _VBM_DEVICE_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "vbm-constraints.h"

struct device;
struct vbm_client;
struct vbm_device;

/**
 * struct vbm_client_ops - how to take a DMA mapping away
 * @hold: keep what @kill needs from being freed; NULL if it is being freed
 *	already, and will leave the device by itself. Under vbm_devices_lock
 * @kill: unmap everything that @held (from @hold) has for @vdev, have it leave
 *	the device, and drop the hold. May sleep
 */
struct vbm_client_ops {
	void *(*hold)(struct vbm_client *client);
	void (*kill)(void *held, struct vbm_device *vdev);
};

/**
 * struct vbm_client - something that is DMA mapped for a device
 * @node: in &vbm_device.clients, guarded by vbm_devices_lock
 * @ops: of its kind
 */
struct vbm_client {
	struct list_head node;
	const struct vbm_client_ops *ops;
};

/**
 * struct vbm_device - a device that maps buffers
 * @node: in the global list, guarded by vbm_devices_lock
 * @ref: see "Who owns what" in vbm.h
 * @rcu: to free it
 * @dev: the device; not to be followed once @dead
 * @name: its name, for people, also afterwards
 * @bound: a devres entry tells when its driver goes; else @dev is held
 * @dead: its driver has gone; guarded by vbm_devices_lock
 * @clients: what is mapped for it, guarded by vbm_devices_lock
 * @parked: imports that are kept mapped for it, guarded by vbm_cache_lock
 * @limits: what it asks of memory, as of its first use; does not change
 * @max_coherent: highest address of coherent memory that its driver asks for
 * @direct: it sees memory where it lies
 * @content: no memory of RAM fails its @limits, in whatever pieces
 * @lesson: what was learnt of it; see vbm-lesson.c
 * @lesson.one: it wants one segment
 * @lesson.refusals: tables of several segments that it gave back at once, with
 *	nothing else between
 * @lesson.several: such tables that it has at the moment
 * @lesson.since: since when it has had any
 */
struct vbm_device {
	struct list_head node;
	struct kref ref;
	struct rcu_head rcu;
	struct device *dev;
	const char *name;
	bool bound;
	bool dead;
	struct list_head clients;
	unsigned int parked;
	struct vbm_constraints limits;
	u64 max_coherent;
	bool direct;
	bool content;
	struct {
		bool one;
		unsigned int refusals;
		unsigned int several;
		ktime_t since;
	} lesson;
};

struct vbm_device *vbm_device_get(struct device *dev);
void vbm_device_put(struct vbm_device *vdev);

/* The same as vbm_device_get(), of a device whose entry the caller has. */
static inline struct vbm_device *vbm_device_again(struct vbm_device *vdev,
						  struct device *dev)
{
	/* Without a driver: one may have come meanwhile. */
	if (!vdev || !vdev->bound || READ_ONCE(vdev->dead))
		return vbm_device_get(dev);
	kref_get(&vdev->ref);
	return vdev;
}

int vbm_device_join(struct vbm_device *vdev, struct vbm_client *client);
void vbm_device_leave(struct vbm_device *vdev, struct vbm_client *client);

bool vbm_device_known(struct device *dev);
void vbm_devices_each(void (*fn)(struct vbm_device *vdev, void *arg),
		      void *arg);

void vbm_devices_fini(void);

#endif
