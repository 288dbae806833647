// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that map buffers, and what happens when their drivers go.
 *
 * A buffer lives as long as somebody holds its dma-buf or its mapping; the
 * driver of a device that has it mapped can be unbound long before. A devres
 * entry of ours on each such device runs after the driver's remove() and
 * before the DMA operations of the device are torn down, the one moment at
 * which a mapping can still be undone and nobody does DMA any more. (A bus
 * notifier comes too early or too late.) It unmaps everything of that device;
 * whoever uses such a mapping later gets -ENODEV.
 *
 * An entry stays from the first attachment or mapping until the driver goes, so
 * that the steady state costs one look at a short list, or, of those that were
 * looked for last, at a small table that is read under RCU. A device without a driver
 * (some virtual devices are used like that) can not have one: resources on it
 * would make a later probe fail. It is held instead, while it has mappings.
 */

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/hash.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "vbm-device.h"
#include "vbm-cache.h"
#include "vbm-limits.h"
#include "vbm-stats.h"
#include "vbm.h"

static DEFINE_SPINLOCK(vbm_devices_lock);
static LIST_HEAD(vbm_devices);
static DECLARE_WAIT_QUEUE_HEAD(vbm_devices_wait);
static atomic_t vbm_devices_going;

/* Entries with a driver, written under vbm_devices_lock, without a reference. */
#define VBM_RECENT_BITS	6
static struct vbm_device __rcu *vbm_devices_recent[1 << VBM_RECENT_BITS];

static struct vbm_device __rcu **vbm_device_recent(const struct device *dev)
{
	return &vbm_devices_recent[hash_ptr(dev, VBM_RECENT_BITS)];
}

static struct vbm_device *vbm_device_find_recent(const struct device *dev)
{
	struct vbm_device *vdev;

	rcu_read_lock();
	vdev = rcu_dereference(*vbm_device_recent(dev));
	if (vdev && (vdev->dev != dev || READ_ONCE(vdev->dead) ||
		     !kref_get_unless_zero(&vdev->ref)))
		vdev = NULL;
	rcu_read_unlock();
	return vdev;
}

static void vbm_device_remember_locked(struct vbm_device *vdev)
{
	if (vdev->bound)
		rcu_assign_pointer(*vbm_device_recent(vdev->dev), vdev);
}

static void vbm_device_forget(struct vbm_device *vdev)
{
	struct vbm_device __rcu **recent = vbm_device_recent(vdev->dev);

	spin_lock(&vbm_devices_lock);
	if (rcu_access_pointer(*recent) == vdev)
		RCU_INIT_POINTER(*recent, NULL);
	spin_unlock(&vbm_devices_lock);
}

static void vbm_device_release(struct kref *ref)
{
	struct vbm_device *vdev = container_of(ref, struct vbm_device, ref);

	if (!vdev->bound) {
		spin_lock(&vbm_devices_lock);
		list_del_init(&vdev->node);
		spin_unlock(&vbm_devices_lock);
		put_device(vdev->dev);
	} else {
		vbm_device_forget(vdev);
	}
	VBM_ASSERT(list_empty(&vdev->node));
	kfree_const(vdev->name);
	kfree_rcu(vdev, rcu);
}

void vbm_device_put(struct vbm_device *vdev)
{
	if (vdev)
		kref_put(&vdev->ref, vbm_device_release);
}

static bool vbm_device_idle(struct vbm_device *vdev)
{
	bool idle;

	spin_lock(&vbm_devices_lock);
	idle = list_empty(&vdev->clients);
	spin_unlock(&vbm_devices_lock);
	return idle;
}

/* Unmap everything of a device that no longer gets new mappings. */
static void vbm_device_unmap_all(struct vbm_device *vdev)
{
	const struct vbm_client_ops *ops;
	struct vbm_client *client;
	void *held;

	do {
		held = NULL;
		spin_lock(&vbm_devices_lock);
		list_for_each_entry(client, &vdev->clients, node) {
			ops = client->ops;
			held = ops->hold(client);
			if (held)
				break;
		}
		spin_unlock(&vbm_devices_lock);
		if (held)
			ops->kill(held, vdev);
	} while (held);

	/* What is left is just being freed. */
	wait_event(vbm_devices_wait, vbm_device_idle(vdev));
}

/*
 * It stays in the list until all is done: module exit waits for the device lock
 * of whatever is there.
 */
static void vbm_device_gone(struct vbm_device *vdev)
{
	spin_lock(&vbm_devices_lock);
	WRITE_ONCE(vdev->dead, true);
	spin_unlock(&vbm_devices_lock);

	vbm_stat_inc(VBM_STAT_DEVICE_UNBINDS);
	vbm_device_unmap_all(vdev);
	vbm_cache_device_gone(vdev->dev);

	spin_lock(&vbm_devices_lock);
	list_del_init(&vdev->node);
	spin_unlock(&vbm_devices_lock);
	vbm_device_put(vdev);
}

static void vbm_device_devres(struct device *dev, void *res)
{
	atomic_inc(&vbm_devices_going);
	vbm_device_gone(*(struct vbm_device **)res);
	atomic_dec(&vbm_devices_going);
}

static int vbm_device_match(struct device *dev, void *res, void *data)
{
	return *(struct vbm_device **)res == data;
}

/* Take the entry away again, with its reference; false if it has run. */
static bool vbm_device_unwatch(struct vbm_device *vdev)
{
	if (devres_destroy(vdev->dev, vbm_device_devres, vbm_device_match,
			   vdev))
		return false;
	vbm_device_put(vdev);
	return true;
}

/*
 * The entry of a device, referenced, or NULL; -ENODEV while its driver goes. An
 * entry from before a driver was bound is no longer to be found then.
 */
static struct vbm_device *vbm_device_find_locked(struct device *dev)
{
	struct vbm_device *vdev, *next;

	lockdep_assert_held(&vbm_devices_lock);
	list_for_each_entry_safe(vdev, next, &vbm_devices, node) {
		if (vdev->dev != dev)
			continue;
		if (vdev->dead)
			return ERR_PTR(-ENODEV);
		if (!vdev->bound && READ_ONCE(dev->driver))
			list_del_init(&vdev->node);
		else if (kref_get_unless_zero(&vdev->ref))
			return vdev;
	}
	return NULL;
}

/*
 * Have the driver core tell us when the driver goes. Resources that are added
 * once it releases those of the device would be left for the next driver to
 * stumble over. The state leaves these two before that begins, under the lock
 * that devres_add() takes.
 */
static int vbm_device_watch(struct vbm_device *vdev)
{
	struct device *dev = vdev->dev;
	enum dl_dev_state state;
	struct vbm_device **res;

	res = devres_alloc(vbm_device_devres, sizeof(*res), GFP_KERNEL);
	if (!res)
		return -ENOMEM;
	*res = vdev;
	kref_get(&vdev->ref);
	devres_add(dev, res);

	state = READ_ONCE(dev->links.status);
	if (state == DL_DEV_PROBING || state == DL_DEV_DRIVER_BOUND)
		return 0;
	vbm_device_unwatch(vdev);
	return -ENODEV;
}

/**
 * vbm_device_get() - the entry of a device, made if need be
 * @dev: the device
 *
 * Context: may sleep; takes vbm_devices_lock.
 * Return: a reference, or ERR_PTR(): -ENOMEM, -ENODEV if the driver of @dev is
 *	just going.
 */
struct vbm_device *vbm_device_get(struct device *dev)
{
	struct vbm_device *vdev, *other;
	int ret;

	vdev = vbm_device_find_recent(dev);
	if (likely(vdev))
		return vdev;
	spin_lock(&vbm_devices_lock);
	vdev = vbm_device_find_locked(dev);
	if (!IS_ERR_OR_NULL(vdev))
		vbm_device_remember_locked(vdev);
	spin_unlock(&vbm_devices_lock);
	if (vdev)
		return vdev;

	vdev = kzalloc_obj(*vdev);
	if (!vdev)
		return ERR_PTR(-ENOMEM);
	kref_init(&vdev->ref);
	INIT_LIST_HEAD(&vdev->node);
	INIT_LIST_HEAD(&vdev->clients);
	vdev->dev = get_device(dev);
	vdev->name = kstrdup_const(dev_name(dev), GFP_KERNEL);
	if (!vdev->name) {
		vbm_device_put(vdev);
		return ERR_PTR(-ENOMEM);
	}
	vbm_device_describe(dev, &vdev->limits);
	vdev->max_coherent = vbm_device_max_coherent(dev);
	vdev->direct = vbm_device_direct(dev);
	vdev->content = vbm_constraints_content(&vdev->limits);

	vdev->bound = READ_ONCE(dev->driver);
	if (vdev->bound) {
		ret = vbm_device_watch(vdev);
		/* A device without a driver can not go before its users. */
		put_device(dev);
		if (ret) {
			vbm_device_put(vdev);
			return ERR_PTR(ret);
		}
	}

	/* Nobody has joined before it is in the list. */
	spin_lock(&vbm_devices_lock);
	other = vbm_device_find_locked(dev);
	if (!other && vdev->dead)
		other = ERR_PTR(-ENODEV);
	if (!other) {
		list_add(&vdev->node, &vbm_devices);
		vbm_device_remember_locked(vdev);
	}
	spin_unlock(&vbm_devices_lock);
	if (!other)
		return vdev;

	if (vdev->bound)
		vbm_device_unwatch(vdev);
	vbm_device_put(vdev);
	return other;
}

/**
 * vbm_device_join() - something is about to be mapped for a device
 * @vdev: the device
 * @client: its part of whatever it is
 *
 * Context: any but interrupts; takes vbm_devices_lock.
 * Return: 0, or -ENODEV if the driver has gone.
 */
int vbm_device_join(struct vbm_device *vdev, struct vbm_client *client)
{
	int ret = 0;

	spin_lock(&vbm_devices_lock);
	if (vdev->dead)
		ret = -ENODEV;
	else
		list_add(&client->node, &vdev->clients);
	spin_unlock(&vbm_devices_lock);
	return ret;
}

/**
 * vbm_device_leave() - something has been unmapped
 * @vdev: the device, referenced
 * @client: its part of whatever it was, which has joined
 *
 * The device may be no more once this returns.
 *
 * Context: any but interrupts; takes vbm_devices_lock.
 */
void vbm_device_leave(struct vbm_device *vdev, struct vbm_client *client)
{
	bool dead;

	spin_lock(&vbm_devices_lock);
	list_del_init(&client->node);
	dead = vdev->dead;
	spin_unlock(&vbm_devices_lock);
	/* Only then is it waited for. */
	if (unlikely(dead))
		wake_up_all(&vbm_devices_wait);
}

/**
 * vbm_device_known() - has a device been mapped for?
 * @dev: the device
 *
 * Context: any but interrupts; takes vbm_devices_lock.
 * Return: true if its limits have been looked at.
 */
bool vbm_device_known(struct device *dev)
{
	struct vbm_device *vdev;
	bool known = false;

	spin_lock(&vbm_devices_lock);
	list_for_each_entry(vdev, &vbm_devices, node)
		known |= vdev->dev == dev;
	spin_unlock(&vbm_devices_lock);
	return known;
}

/**
 * vbm_devices_each() - look at all devices that live
 * @fn: called with each, under vbm_devices_lock: must not sleep
 * @arg: for @fn
 *
 * Context: any but interrupts; takes vbm_devices_lock.
 */
void vbm_devices_each(void (*fn)(struct vbm_device *vdev, void *arg),
		      void *arg)
{
	struct vbm_device *vdev;

	spin_lock(&vbm_devices_lock);
	list_for_each_entry(vdev, &vbm_devices, node)
		if (!vdev->dead)
			fn(vdev, arg);
	spin_unlock(&vbm_devices_lock);
}

/*
 * Module exit: nothing is mapped any more, but entries are left on devices
 * whose drivers live on. The device lock is what unbinding holds while it runs
 * devres, so with it our entry has either not begun or has returned.
 */
void vbm_devices_fini(void)
{
	struct vbm_device *vdev;
	struct device *dev;

	for (;;) {
		dev = NULL;
		spin_lock(&vbm_devices_lock);
		vdev = list_first_entry_or_null(&vbm_devices,
						struct vbm_device, node);
		if (vdev && kobject_get_unless_zero(&vdev->dev->kobj)) {
			dev = vdev->dev;
			kref_get(&vdev->ref);
		}
		spin_unlock(&vbm_devices_lock);
		if (!vdev)
			break;
		if (!dev) {
			/* Its release runs our entry. */
			msleep(20);
			continue;
		}

		device_lock(dev);
		if (vbm_device_unwatch(vdev)) {
			spin_lock(&vbm_devices_lock);
			list_del_init(&vdev->node);
			spin_unlock(&vbm_devices_lock);
		} else {
			msleep(20);
		}
		device_unlock(dev);
		put_device(dev);
		vbm_device_put(vdev);
	}

	/* Those that are released without the device lock. */
	while (atomic_read(&vbm_devices_going))
		msleep(20);
}
