// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: memory that a driver has of its own, and that the buffers of its
 * queues are to live in. They come from there and from nowhere else.
 *
 * Who reaches it. Memory with struct pages is RAM as any other. What has none
 * is mapped by its physical address, which the DMA API does without asking
 * whether anything on the way leads there. So that is asked here:
 *
 *   translated      the IOMMU leads wherever it is told to. What is between it
 *                   and a PCI BAR is the platform's affair
 *   direct          the address has to be in the device's mask; and a PCI
 *                   function is not known to reach another one's BAR
 *   forced bounce   never: there is nothing to be copied by
 *
 * The driver that registered it knows better, and can say so (reaches()). Only
 * imports of ours get such memory: others clone tables and take their pages, and
 * do not tell when they do DMA.
 *
 * How it ends. A region goes with its driver, in the devres entry that unmaps
 * what is mapped for a device that goes (vbm-device.c): each buffer in it is a
 * client of the region's device. From then on nothing is allocated, mapped or
 * faulted in. User PTEs are shot down, kernel addresses there are none, and
 * what is parked in the cache of imports goes at once, as does each mapping that
 * nobody uses.
 *
 * A mapping that an importer does use can not be taken from it: its driver has
 * read the address, and there is no way to tell it. Unmapped, the address would
 * be the next one's who maps something for that device. So the end of the driver
 * waits for them, five seconds in all; what remains after that stays mapped as
 * long as the importer has it, and leads to where the memory was: to a BAR,
 * which nobody else's memory is. Memory with pages is the driver's to take back
 * only when release() says that nobody has it.
 */

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/genalloc.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "vbm-region.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-constraints.h"
#include "vbm-device.h"
#include "vbm-mapping.h"
#include "vbm.h"

#define VBM_REGION_WAIT	(5 * HZ)

/**
 * struct vbm_region_user - a device whose queues live in a region
 * @node: in &vbm_region.users
 * @dev: the device, held as long as the region is there
 */
struct vbm_region_user {
	struct list_head node;
	struct device *dev;
};

static DEFINE_SPINLOCK(vbm_regions_lock);
static LIST_HEAD(vbm_regions);

static void vbm_region_release(struct kref *ref)
{
	struct vbm_region *region = container_of(ref, struct vbm_region, ref);
	const struct vbm_region_ops *ops = region->config.ops;
	struct vbm_region_user *user, *next;

	VBM_ASSERT(list_empty(&region->node));
	if (region->pool)
		gen_pool_destroy(region->pool);
	if (region->io)
		iounmap(region->io);
	if (region->registered && ops && ops->release)
		ops->release(region->config.priv);
	list_for_each_entry_safe(user, next, &region->users, node) {
		put_device(user->dev);
		kfree(user);
	}
	vbm_device_put(region->vdev);
	put_device(region->dev);
	kfree_const(region->config.name);
	mutex_destroy(&region->lock);
	kfree(region);
}

void vbm_region_put(struct vbm_region *region)
{
	if (region)
		kref_put(&region->ref, vbm_region_release);
}

static bool vbm_region_used_by(const struct vbm_region *region,
			       const struct device *dev)
{
	const struct vbm_region_user *user;

	list_for_each_entry(user, &region->users, node)
		if (user->dev == dev)
			return true;
	return false;
}

static struct vbm_region *vbm_region_find_locked(const struct device *dev)
{
	struct vbm_region *region;

	lockdep_assert_held(&vbm_regions_lock);
	list_for_each_entry(region, &vbm_regions, node)
		if (vbm_region_used_by(region, dev))
			return region;
	return NULL;
}

/**
 * vbm_region_get() - the region that a device's queues live in
 * @dev: the device
 *
 * Context: any but interrupts; takes vbm_regions_lock.
 * Return: the region, referenced, or NULL.
 */
struct vbm_region *vbm_region_get(const struct device *dev)
{
	struct vbm_region *region;

	if (list_empty_careful(&vbm_regions))
		return NULL;
	spin_lock(&vbm_regions_lock);
	region = vbm_region_find_locked(dev);
	if (region)
		kref_get(&region->ref);
	spin_unlock(&vbm_regions_lock);
	return region;
}

/* The global list has a reference as long as it is in there. */
static void *vbm_region_hold(struct vbm_client *client)
{
	struct vbm_region *region = container_of(client, struct vbm_region,
						 client);

	kref_get(&region->ref);
	return region;
}

/* The driver goes; parts are seen to by themselves. */
static void vbm_region_kill(void *held, struct vbm_device *vdev)
{
	struct vbm_region *region = held;

	spin_lock(&vbm_regions_lock);
	list_del_init(&region->node);
	spin_unlock(&vbm_regions_lock);
	/* Whoever found it before is done with asking the driver, or never asks. */
	mutex_lock(&region->lock);
	region->ended = true;
	mutex_unlock(&region->lock);
	vbm_device_leave(vdev, &region->client);
	vbm_region_put(region);
	vbm_region_put(region);
}

static const struct vbm_client_ops vbm_region_client_ops = {
	.hold	= vbm_region_hold,
	.kill	= vbm_region_kill,
};

/* Is it used by somebody who is not to lose it unawares? */
static bool vbm_region_in_use(const struct vbm_buf *buf,
			      const struct vbm_mapping *map)
{
	/* Its own device's driver ends by itself what it does. */
	if (READ_ONCE(map->vdev->dead))
		return false;
	/* The buffer is a user of that as long as it is there. */
	if (map == buf->own)
		return READ_ONCE(buf->plane.vb) || map->in_use > 1;
	return map->in_use;
}

/* Take what nobody uses. Returns whether that is not all. */
static bool vbm_region_take_back_locked(struct vbm_buf *buf)
{
	struct vbm_mapping *map, *next;
	bool busy = buf->accesses;

	lockdep_assert_held(&buf->lock);
	list_for_each_entry_safe(map, next, &buf->mappings, buf_node) {
		if (vbm_region_in_use(buf, map))
			busy = true;
		else
			vbm_mapping_teardown_locked(map);
	}
	return busy;
}

static void *vbm_region_part_hold(struct vbm_client *client)
{
	struct vbm_region_part *part;

	part = container_of(client, struct vbm_region_part, client);
	return refcount_inc_not_zero(&part->buf->ref) ? part->buf : NULL;
}

static void vbm_region_part_kill(void *held, struct vbm_device *vdev)
{
	struct vbm_buf *buf = held;
	struct vbm_region_part *part;
	struct vbm_region *region;
	bool busy;

	/* Whoever gave it its storage has done so after this. */
	mutex_lock(&buf->lock);
	if (!buf->backing) {
		mutex_unlock(&buf->lock);
		vbm_buf_put(buf);
		msleep(20);
		return;
	}
	part = buf->backing->part;
	region = part->region;
	if (buf->file)
		unmap_mapping_range(buf->file->f_mapping, 0, 0, 1);
	mutex_unlock(&buf->lock);

	if (!region->deadline)
		region->deadline = (jiffies + VBM_REGION_WAIT) ?: 1;
	for (;;) {
		vbm_cache_device_gone(region->dev);
		mutex_lock(&buf->lock);
		busy = vbm_region_take_back_locked(buf);
		mutex_unlock(&buf->lock);
		if (!busy || time_after(jiffies, region->deadline))
			break;
		msleep(20);
	}

	part->gone = true;
	vbm_device_leave(part->region->vdev, &part->client);
	vbm_buf_put(buf);
}

static const struct vbm_client_ops vbm_region_part_client_ops = {
	.hold	= vbm_region_part_hold,
	.kill	= vbm_region_part_kill,
};

void vbm_region_part_init(struct vbm_region_part *part,
			  struct vbm_region *region)
{
	part->region = region;
	part->client.ops = &vbm_region_part_client_ops;
}

/**
 * vbm_region_join() - a part becomes a buffer's storage
 * @part: the part
 * @buf: the buffer, which lives longer
 *
 * Context: may sleep; &vbm_buf.lock of @buf held.
 * Return: 0, or -ENODEV if the region's driver has gone.
 */
int vbm_region_join(struct vbm_region_part *part, struct vbm_buf *buf)
{
	int ret;

	part->buf = buf;
	ret = vbm_device_join(part->region->vdev, &part->client);
	part->joined = !ret;
	return ret;
}

/* The part has been given back: the driver may go once this returns. */
void vbm_region_leave(struct vbm_region_part *part)
{
	if (part->joined && !part->gone)
		vbm_device_leave(part->region->vdev, &part->client);
}

/* Is the memory in a BAR of the device that registered it? */
static bool vbm_region_is_bar(const struct vbm_region *region)
{
	struct resource want = DEFINE_RES_MEM(region->config.start,
					      region->config.size);
	struct pci_dev *pdev;
	unsigned int i;

	if (!dev_is_pci(region->dev))
		return false;
	pdev = to_pci_dev(region->dev);
	for (i = 0; i < PCI_STD_NUM_BARS; i++)
		if (resource_contains(&pdev->resource[i], &want))
			return true;
	return false;
}

static bool vbm_region_may_reach(const struct vbm_region *region,
				 struct device *dev,
				 const struct vbm_constraints *limits)
{
	const struct vbm_region_ops *ops = region->config.ops;
	bool user;

	spin_lock(&vbm_regions_lock);
	user = vbm_region_used_by(region, dev);
	spin_unlock(&vbm_regions_lock);
	if (user)
		return true;
	if (ops && ops->reaches)
		return ops->reaches(region->config.priv, dev);
	return limits->translated || !dev_is_pci(dev) ||
	       !vbm_region_is_bar(region);
}

/**
 * vbm_region_reach() - can a device be given this memory?
 * @part: the memory
 * @dev: the device
 * @limits: its limits
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: 0 if the DMA API is to map it; 1 if @dev has it, in one piece, without;
 *	-ENODEV if it goes with its driver; -EOPNOTSUPP if @dev does not reach it.
 */
int vbm_region_reach(const struct vbm_region_part *part, struct device *dev,
		     const struct vbm_constraints *limits)
{
	const struct vbm_region *region = part->region;
	dma_addr_t addr;

	if (vbm_region_gone(part))
		return -ENODEV;
	if (vbm_region_local(part, dev, &addr))
		return 1;
	if (region->config.flags & VBM_REGION_PAGES)
		return 0;
	if (!dev->dma_mask || limits->bounce_all ||
	    !vbm_region_may_reach(region, dev, limits))
		return -EOPNOTSUPP;
	/* Others than the common operations know by themselves. */
	if (limits->translated || get_dma_ops(dev))
		return 0;
	/* The DMA API WARNs of what an importer chooses to map. */
	return part->phys + part->size - 1 >
	       min_not_zero(*dev->dma_mask, dev->bus_dma_limit) ?
	       -EOPNOTSUPP : 0;
}

/**
 * vbm_region_local() - where a device finds this memory by itself
 * @part: the memory
 * @dev: the device
 * @addr: result
 *
 * Context: any.
 * Return: false if it needs the DMA API for that.
 */
bool vbm_region_local(const struct vbm_region_part *part,
		      const struct device *dev, dma_addr_t *addr)
{
	const struct vbm_region *region = part->region;
	bool local;

	if (!(region->config.flags & VBM_REGION_LOCAL))
		return false;
	spin_lock(&vbm_regions_lock);
	local = vbm_region_used_by(region, dev);
	spin_unlock(&vbm_regions_lock);
	if (local)
		*addr = region->config.dma_start +
			(part->phys - region->config.start);
	return local;
}

/* Offsets in a pool are by one page more: 0 is an error. */
static int vbm_region_init_memory(struct vbm_region *region)
{
	const struct vbm_region_config *config = &region->config;

	if (!config->ops || !config->ops->alloc) {
		region->pool = gen_pool_create(PAGE_SHIFT, NUMA_NO_NODE);
		if (!region->pool ||
		    gen_pool_add(region->pool, PAGE_SIZE, config->size,
				 NUMA_NO_NODE))
			return -ENOMEM;
	}
	if (!(config->flags & VBM_REGION_PAGES)) {
		region->io = ioremap_wc(config->start, config->size);
		if (!region->io)
			return -ENOMEM;
	}
	return 0;
}

static int vbm_region_check(const struct vbm_region_config *config)
{
	const struct vbm_region_ops *ops = config->ops;
	phys_addr_t end;

	if (!config->size || !PAGE_ALIGNED(config->size) ||
	    !PAGE_ALIGNED(config->start) ||
	    check_add_overflow(config->start, config->size - 1, &end) ||
	    (ops && !ops->alloc != !ops->free))
		return -EINVAL;
	if (!(config->flags & VBM_REGION_PAGES))
		return pfn_valid(PHYS_PFN(config->start)) ||
		       pfn_valid(PHYS_PFN(end)) ? -EINVAL : 0;
	if (!ops || !ops->release || !pfn_valid(PHYS_PFN(config->start)) ||
	    !pfn_valid(PHYS_PFN(end)) ||
	    is_zone_device_page(pfn_to_page(PHYS_PFN(config->start))))
		return -EINVAL;
	return 0;
}

/**
 * __vbm_region_register() - have buffers live in a driver's own memory
 * @dev: the device that has the memory
 * @config: the memory; copied
 * @owner: the driver's module
 *
 * From now on all MMAP buffers of queues that have @dev as their device come from
 * there, and there is -ENOMEM when it is full. It ends with the driver of @dev,
 * after its remove(), which as always ends its queues.
 *
 * The DMA limits of @dev have been set, and what the memory needs to be reached
 * (an enabled PCI device, its regions) has been taken, as far as it goes by
 * devres: that is undone after the region.
 *
 * Call it as vbm_region_register().
 *
 * Context: may sleep; probe() of @dev's driver.
 * Return: the region, or ERR_PTR(): -EINVAL for what makes no region, -EBUSY if
 *	@dev has one, -ENODEV without a driver, -ENOMEM.
 */
struct vbm_region *__vbm_region_register(struct device *dev,
					 const struct vbm_region_config *config,
					 struct module *owner)
{
	struct vbm_region *region;
	int ret;

	ret = vbm_region_check(config);
	if (ret)
		return ERR_PTR(ret);
	region = kzalloc_obj(*region);
	if (!region)
		return ERR_PTR(-ENOMEM);
	kref_init(&region->ref);
	INIT_LIST_HEAD(&region->node);
	INIT_LIST_HEAD(&region->users);
	mutex_init(&region->lock);
	region->dev = get_device(dev);
	region->config = *config;
	region->config.name = kstrdup_const(config->name, GFP_KERNEL);
	region->owner = owner;
	region->client.ops = &vbm_region_client_ops;

	ret = -ENOMEM;
	if (!region->config.name)
		goto err_put;
	region->vdev = vbm_device_get(dev);
	if (IS_ERR(region->vdev)) {
		ret = PTR_ERR(region->vdev);
		region->vdev = NULL;
		goto err_put;
	}
	/* Without a driver nobody would say when it goes. */
	ret = region->vdev->bound ? vbm_region_init_memory(region) : -ENODEV;
	if (ret)
		goto err_put;
	ret = vbm_region_use(region, dev);
	if (ret)
		goto err_put;

	/* The reference is the list's. probe() is there: no end of it yet. */
	ret = vbm_device_join(region->vdev, &region->client);
	if (ret)
		goto err_put;
	region->registered = true;
	spin_lock(&vbm_regions_lock);
	list_add_tail(&region->node, &vbm_regions);
	spin_unlock(&vbm_regions_lock);
	return region;

err_put:
	vbm_region_put(region);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(__vbm_region_register);

/**
 * vbm_region_use() - have another device's buffers live in a region
 * @region: the region; the driver that registered it is there
 * @dev: the device of the queues; one region at most
 *
 * Context: may sleep.
 * Return: 0, -EBUSY if it has a region, -ENOMEM.
 */
int vbm_region_use(struct vbm_region *region, struct device *dev)
{
	struct vbm_region_user *user;

	user = kzalloc_obj(*user);
	if (!user)
		return -ENOMEM;
	user->dev = get_device(dev);
	spin_lock(&vbm_regions_lock);
	if (!vbm_region_find_locked(dev)) {
		list_add_tail(&user->node, &region->users);
		user = NULL;
	}
	spin_unlock(&vbm_regions_lock);
	if (!user)
		return 0;
	put_device(user->dev);
	kfree(user);
	return -EBUSY;
}
EXPORT_SYMBOL_GPL(vbm_region_use);
