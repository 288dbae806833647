// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage from a driver's region (vbm-region.c), for the queues of its devices
 * and for nobody else; and nothing else for them. One extent, without a page
 * where the region has none.
 *
 * It is zeroed by the CPU, through the mapping that the region has of all of
 * itself, before anybody is given it.
 */

#include <linux/genalloc.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-region.h"
#include "vbm.h"

static bool vbm_alloc_region_suits(const struct vbm_request *req)
{
	struct vbm_region *region = vbm_region_get(req->dev);
	bool suits = region;

	vbm_region_put(region);
	return suits;
}

static void vbm_alloc_region_zero(const struct vbm_region_part *part)
{
	const struct vbm_region *region = part->region;
	unsigned long i;

	if (region->io) {
		memset_io(region->io + (part->phys - region->config.start), 0,
			  part->size);
		/* It may linger in the CPU's write buffers. */
		wmb();
		return;
	}
	for (i = 0; i < part->size >> PAGE_SHIFT; i++)
		clear_highpage(pfn_to_page(PHYS_PFN(part->phys) + i));
}

static int vbm_alloc_region_find_locked(struct vbm_region_part *part)
{
	struct vbm_region *region = part->region;
	const struct vbm_region_config *config = &region->config;
	unsigned long at;
	int ret;

	lockdep_assert_held(&region->lock);
	if (region->ended)
		return -ENODEV;
	if (region->pool) {
		at = gen_pool_alloc(region->pool, part->size);
		part->phys = config->start + at - PAGE_SIZE;
		return at ? 0 : -ENOMEM;
	}

	ret = config->ops->alloc(config->priv, part->size, &part->phys);
	if (!ret && WARN_ON_ONCE(!PAGE_ALIGNED(part->phys) ||
				 part->phys < config->start ||
				 part->phys - config->start >
				 config->size - part->size)) {
		config->ops->free(config->priv, part->phys, part->size);
		ret = -EINVAL;
	}
	return ret;
}

/* The driver can not go before it is zero: that takes the lock, too. */
static int vbm_alloc_region_take(struct vbm_region_part *part)
{
	struct vbm_region *region = part->region;
	int ret;

	mutex_lock(&region->lock);
	ret = vbm_alloc_region_find_locked(part);
	if (!ret)
		vbm_alloc_region_zero(part);
	mutex_unlock(&region->lock);
	return ret;
}

/*
 * The driver is there as long as what has joined has not left. What has not
 * joined came when the driver was going.
 */
static void vbm_alloc_region_give(struct vbm_region_part *part)
{
	struct vbm_region *region = part->region;
	const struct vbm_region_config *config = &region->config;

	if (region->pool)
		gen_pool_free(region->pool,
			      part->phys - config->start + PAGE_SIZE,
			      part->size);
	else if (part->joined && !part->gone)
		config->ops->free(config->priv, part->phys, part->size);
}

static struct vbm_backing *vbm_alloc_region_alloc(const struct vbm_request *req)
{
	struct vbm_region *region = vbm_region_get(req->dev);
	struct vbm_region_part *part;
	struct vbm_backing *backing;
	int ret = -ENOMEM;

	if (!region)
		return ERR_PTR(-ENODEV);
	if (req->size > region->config.size)
		goto err_put;
	/* What is called to give it back. */
	if (!try_module_get(region->owner)) {
		ret = -ENODEV;
		goto err_put;
	}
	part = kzalloc_obj(*part);
	if (!part)
		goto err_put_module;
	backing = vbm_backing_new(&vbm_alloc_region, req->size, 1);
	if (!backing)
		goto err_free_part;
	vbm_region_part_init(part, region);
	part->size = req->size;
	ret = vbm_alloc_region_take(part);
	if (ret)
		goto err_free_backing;

	backing->part = part;
	backing->extents[0].phys = part->phys;
	backing->extents[0].nr_pages = req->size >> PAGE_SHIFT;
	if (!region->io)
		backing->extents[0].page = pfn_to_page(PHYS_PFN(part->phys));
	return backing;

err_free_backing:
	kvfree(backing);
err_free_part:
	kfree(part);
err_put_module:
	module_put(region->owner);
err_put:
	vbm_region_put(region);
	return ERR_PTR(ret == -EAGAIN ? -ENOMEM : ret);
}

static void vbm_alloc_region_free(struct vbm_backing *backing)
{
	struct vbm_region_part *part = backing->part;
	struct vbm_region *region = part->region;
	struct module *owner = region->owner;

	vbm_alloc_region_give(part);
	vbm_region_leave(part);
	kfree(part);
	vbm_region_put(region);
	module_put(owner);
}

const struct vbm_allocator vbm_alloc_region = {
	.name	= "region",
	.suits	= vbm_alloc_region_suits,
	.alloc	= vbm_alloc_region_alloc,
	.free	= vbm_alloc_region_free,
	.only	= true,
};
