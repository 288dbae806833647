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
 * An entry stays from the first mapping until the driver goes, so that the
 * steady state costs one look at a short list. A device without a driver
 * (some virtual devices are used like that) can not have one: resources on it
 * would make a later probe fail. It is held instead, while it has mappings.
 */

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu-dma.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/wait.h>

#include "vbm-device.h"
#include "vbm-mapping.h"
#include "vbm-stats.h"
#include "vbm.h"

static DEFINE_SPINLOCK(vbm_devices_lock);
static LIST_HEAD(vbm_devices);
static DECLARE_WAIT_QUEUE_HEAD(vbm_devices_wait);

/**
 * vbm_device_describe() - what a device asks of memory
 * @dev: the device
 * @limits: result
 *
 * A device that never set its longest segment is taken to have none: the
 * 64 KiB that the DMA API reports then is a default of other subsystems, and
 * nothing in V4L2 has ever kept to it.
 *
 * Context: may sleep.
 */
void vbm_device_describe(struct device *dev, struct vbm_constraints *limits)
{
	u64 mask = dev->dma_mask ? *dev->dma_mask : dev->coherent_dma_mask;

	*limits = (struct vbm_constraints) {
		.max_addr = U64_MAX,
		.max_segment = round_down(UINT_MAX, PAGE_SIZE),
		.boundary_mask = dma_get_seg_boundary(dev),
		.max_bounce = SIZE_MAX,
		.translated = use_dma_iommu(dev),
	};

	if (limits->boundary_mask == ULONG_MAX)
		limits->boundary_mask = U64_MAX;
	if (dev->dma_parms && dev->dma_parms->max_segment_size)
		limits->max_segment = max(round_down(dma_get_max_seg_size(dev),
						     PAGE_SIZE), PAGE_SIZE);
	if (limits->translated || get_dma_ops(dev))
		return;

	if (dev->dma_mask && dma_addressing_limited(dev))
		limits->max_addr = dma_to_phys(dev, min_not_zero(mask,
								 dev->bus_dma_limit));
	limits->bounce_all = is_swiotlb_force_bounce(dev);
	if (limits->bounce_all || limits->max_addr != U64_MAX)
		limits->max_bounce = dev->dma_mask ?
			round_down(dma_max_mapping_size(dev), PAGE_SIZE) :
			SIZE_MAX;
}

static void vbm_device_release(struct kref *ref)
{
	struct vbm_device *vdev = container_of(ref, struct vbm_device, ref);

	if (!vdev->bound) {
		spin_lock(&vbm_devices_lock);
		list_del(&vdev->node);
		spin_unlock(&vbm_devices_lock);
		put_device(vdev->dev);
	}
	kfree_const(vdev->name);
	kfree(vdev);
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
	idle = list_empty(&vdev->mappings);
	spin_unlock(&vbm_devices_lock);
	return idle;
}

/* Unmap everything of a device that no longer gets new mappings. */
static void vbm_device_unmap_all(struct vbm_device *vdev)
{
	struct vbm_mapping *map;
	struct vbm_buf *buf;

	do {
		buf = NULL;
		spin_lock(&vbm_devices_lock);
		list_for_each_entry(map, &vdev->mappings, dev_node) {
			buf = vbm_mapping_hold_buf(map);
			if (buf)
				break;
		}
		spin_unlock(&vbm_devices_lock);
		if (buf)
			vbm_mapping_kill(buf, vdev);
	} while (buf);

	/* What is left belongs to buffers that are just being freed. */
	wait_event(vbm_devices_wait, vbm_device_idle(vdev));
}

static void vbm_device_gone(struct vbm_device *vdev)
{
	spin_lock(&vbm_devices_lock);
	vdev->dead = true;
	list_del(&vdev->node);
	spin_unlock(&vbm_devices_lock);

	vbm_stat_inc(VBM_STAT_DEVICE_UNBINDS);
	vbm_device_unmap_all(vdev);
	vbm_device_put(vdev);
}

static void vbm_device_devres(struct device *dev, void *res)
{
	vbm_device_gone(*(struct vbm_device **)res);
}

static int vbm_device_match(struct device *dev, void *res, void *data)
{
	return *(struct vbm_device **)res == data;
}

static struct vbm_device *vbm_device_find_locked(struct device *dev)
{
	struct vbm_device *vdev;

	lockdep_assert_held(&vbm_devices_lock);
	list_for_each_entry(vdev, &vbm_devices, node)
		if (vdev->dev == dev && kref_get_unless_zero(&vdev->ref))
			return vdev;
	return NULL;
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
	struct vbm_device *vdev, *other, **res = NULL;
	int ret = -ENOMEM;

	spin_lock(&vbm_devices_lock);
	vdev = vbm_device_find_locked(dev);
	spin_unlock(&vbm_devices_lock);
	if (vdev)
		return vdev;

	vdev = kzalloc_obj(*vdev);
	if (!vdev)
		return ERR_PTR(-ENOMEM);
	kref_init(&vdev->ref);
	INIT_LIST_HEAD(&vdev->mappings);
	vdev->dev = dev;
	vdev->bound = READ_ONCE(dev->driver);
	vdev->name = kstrdup_const(dev_name(dev), GFP_KERNEL);
	if (!vdev->name)
		goto err_free;
	vbm_device_describe(dev, &vdev->limits);

	if (vdev->bound) {
		res = devres_alloc(vbm_device_devres, sizeof(*res),
				   GFP_KERNEL);
		if (!res)
			goto err_free;
		*res = vdev;
	}

	spin_lock(&vbm_devices_lock);
	other = vbm_device_find_locked(dev);
	if (!other) {
		list_add(&vdev->node, &vbm_devices);
		if (vdev->bound) {
			/* One reference for the list, one to return. */
			kref_get(&vdev->ref);
			devres_add(dev, res);
		} else {
			get_device(dev);
		}
	}
	spin_unlock(&vbm_devices_lock);

	if (other) {
		if (res)
			devres_free(res);
		kfree_const(vdev->name);
		kfree(vdev);
		return other;
	}

	/*
	 * Did the driver go meanwhile? An entry that is added after the
	 * device's have been released would wait for the next driver.
	 */
	if (vdev->bound && !READ_ONCE(dev->driver) &&
	    !devres_destroy(dev, vbm_device_devres, vbm_device_match, vdev)) {
		vbm_device_gone(vdev);
		vbm_device_put(vdev);
		return ERR_PTR(-ENODEV);
	}
	return vdev;

err_free:
	kfree_const(vdev->name);
	kfree(vdev);
	return ERR_PTR(ret);
}

/* Enter a mapping that is about to be made; -ENODEV if the driver has gone. */
int vbm_device_add_mapping(struct vbm_device *vdev, struct vbm_mapping *map)
{
	int ret = 0;

	spin_lock(&vbm_devices_lock);
	if (vdev->dead)
		ret = -ENODEV;
	else
		list_add(&map->dev_node, &vdev->mappings);
	spin_unlock(&vbm_devices_lock);
	return ret;
}

/* After it has been unmapped: the device may go once this returns. */
void vbm_device_del_mapping(struct vbm_device *vdev, struct vbm_mapping *map)
{
	spin_lock(&vbm_devices_lock);
	list_del_init(&map->dev_node);
	spin_unlock(&vbm_devices_lock);
	wake_up_all(&vbm_devices_wait);
}

/*
 * Module exit: no mapping is left, but entries on devices whose drivers live
 * on. The device lock is what unbinding holds while it runs devres, so with
 * it our entry has either not begun or has returned.
 */
void vbm_devices_fini(void)
{
	struct vbm_device *vdev;
	struct device *dev;

	for (;;) {
		spin_lock(&vbm_devices_lock);
		vdev = list_first_entry_or_null(&vbm_devices,
						struct vbm_device, node);
		if (vdev) {
			kref_get(&vdev->ref);
			dev = get_device(vdev->dev);
		}
		spin_unlock(&vbm_devices_lock);
		if (!vdev)
			return;

		device_lock(dev);
		if (!devres_destroy(dev, vbm_device_devres, vbm_device_match,
				    vdev))
			vbm_device_gone(vdev);
		device_unlock(dev);
		put_device(dev);
		vbm_device_put(vdev);
	}
}
