// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device asks of memory: what the DMA API knows of it, and what is
 * stated.
 *
 * The DMA API knows masks, segment sizes, boundaries and IOMMUs. It does not
 * know how many segments a device takes, what alignment its addresses need, or
 * that it needs struct pages. A driver states that for its own device,
 * vbm_device_set_limits(); whoever puts the system together, for any device, by
 * its name, in the module's parameter "limits". Where both do, the parameter
 * wins.
 *
 * A mask or a boundary that is stated only makes what the DMA API says
 * narrower: the DMA API would not keep to a wider one. Behind a translating
 * IOMMU a mask is the DMA API's alone to know, since it chooses the addresses.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include <media/videobuf2-mem.h>

#include "vbm-limits.h"
#include "vbm-device.h"

/**
 * struct vbm_stated - limits that somebody stated
 * @node: in vbm_stated_by_name, which does not change after load; or in
 *	vbm_stated_by_driver, guarded by vbm_stated_lock
 * @name: of the device, if by name
 * @dev: the device, if by its driver; it goes before the device does
 * @limits: what was stated
 */
struct vbm_stated {
	struct list_head node;
	const char *name;
	struct device *dev;
	struct vbm_limits limits;
};

static LIST_HEAD(vbm_stated_by_name);
static LIST_HEAD(vbm_stated_by_driver);
static DEFINE_SPINLOCK(vbm_stated_lock);

static char *vbm_limits_param;
module_param_named(limits, vbm_limits_param, charp, 0444);
MODULE_PARM_DESC(limits,
		 "limits of devices: NAME:KEY=VALUE[,KEY=VALUE...][;NAME:...], keys segments, segsize, boundary, align, mask (bits), pages (0 or 1)");

static int vbm_limits_check(const struct vbm_limits *limits)
{
	if (limits->max_segment_size && limits->max_segment_size < PAGE_SIZE)
		return -EINVAL;
	if (limits->boundary && (limits->boundary < PAGE_SIZE ||
				 limits->boundary & (limits->boundary - 1)))
		return -EINVAL;
	if (limits->align && !is_power_of_2(limits->align))
		return -EINVAL;
	if (limits->address_bits > 64)
		return -EINVAL;
	return 0;
}

static int vbm_limits_set(struct vbm_limits *limits, const char *key,
			  const char *text)
{
	char *end;
	u64 value;

	if (!*text)
		return -EINVAL;
	value = memparse(text, &end);
	if (*end)
		return -EINVAL;

	if (!strcmp(key, "pages")) {
		if (value > 1)
			return -EINVAL;
		limits->needs_pages = value;
		return 0;
	}
	/* To the others 0 says nothing. */
	if (!value)
		return -EINVAL;
	if (!strcmp(key, "segments")) {
		limits->max_segments = value;
		return value > UINT_MAX ? -ERANGE : 0;
	}
	if (!strcmp(key, "segsize")) {
		limits->max_segment_size = value;
		return value > UINT_MAX ? -ERANGE : 0;
	}
	if (!strcmp(key, "align")) {
		limits->align = value;
		return value > SZ_1G ? -ERANGE : 0;
	}
	if (!strcmp(key, "mask")) {
		limits->address_bits = value;
		return value > 64 ? -ERANGE : 0;
	}
	if (strcmp(key, "boundary"))
		return -EINVAL;
	limits->boundary = value;
	return 0;
}

static struct vbm_stated *vbm_stated_find_name(const char *name)
{
	struct vbm_stated *stated;

	list_for_each_entry(stated, &vbm_stated_by_name, node)
		if (!strcmp(stated->name, name))
			return stated;
	return NULL;
}

/* NAME:KEY=VALUE,...; names of PCI devices have colons, too. Changes @text. */
static int vbm_limits_parse_device(char *text)
{
	struct vbm_stated *stated;
	char *keys, *key, *value;
	int ret;

	keys = strrchr(text, ':');
	if (!keys || keys == text || !keys[1])
		return -EINVAL;
	*keys++ = '\0';
	/* -EEXIST would tell modprobe that the module is there. */
	if (vbm_stated_find_name(text))
		return -EINVAL;

	stated = kzalloc_obj(*stated);
	if (!stated)
		return -ENOMEM;
	stated->name = kstrdup(text, GFP_KERNEL);
	if (!stated->name) {
		ret = -ENOMEM;
		goto err_free;
	}
	while ((key = strsep(&keys, ","))) {
		value = strchr(key, '=');
		if (!value) {
			ret = -EINVAL;
			goto err_free;
		}
		*value++ = '\0';
		ret = vbm_limits_set(&stated->limits, key, value);
		if (ret)
			goto err_free;
	}
	ret = vbm_limits_check(&stated->limits);
	if (ret)
		goto err_free;
	list_add_tail(&stated->node, &vbm_stated_by_name);
	return 0;

err_free:
	kfree(stated->name);
	kfree(stated);
	return ret;
}

static int vbm_limits_parse(const char *param)
{
	char *copy, *rest, *text;
	int ret = 0;

	copy = kstrdup(param, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	rest = copy;
	while (!ret && (text = strsep(&rest, ";"))) {
		unsigned int at = text - copy;

		text = strim(text);
		if (!*text)
			continue;
		ret = vbm_limits_parse_device(text);
		if (ret)
			pr_err("limits: error %d in what begins with \"%.40s\"\n",
			       ret, param + at);
	}
	kfree(copy);
	return ret;
}

/* Also undoes half of it. Drivers hold the module while theirs are stated. */
void vbm_limits_fini(void)
{
	struct vbm_stated *stated, *next;

	list_for_each_entry_safe(stated, next, &vbm_stated_by_name, node) {
		list_del(&stated->node);
		kfree(stated->name);
		kfree(stated);
	}
}

/**
 * vbm_limits_init() - read the module's parameter
 *
 * Context: may sleep; module init.
 * Return: 0; -ENOMEM; -EINVAL for bad syntax, an unknown key, a value that can
 *	not be, or a device that is there twice; -ERANGE for a value that is too
 *	large.
 */
int vbm_limits_init(void)
{
	int ret;

	if (!vbm_limits_param)
		return 0;
	ret = vbm_limits_parse(vbm_limits_param);
	if (ret)
		vbm_limits_fini();
	return ret;
}

static struct vbm_stated *vbm_stated_find_dev_locked(struct device *dev)
{
	struct vbm_stated *stated;

	lockdep_assert_held(&vbm_stated_lock);
	list_for_each_entry(stated, &vbm_stated_by_driver, node)
		if (stated->dev == dev)
			return stated;
	return NULL;
}

static void vbm_stated_devres(struct device *dev, void *res)
{
	struct vbm_stated *stated = res;

	spin_lock(&vbm_stated_lock);
	list_del(&stated->node);
	spin_unlock(&vbm_stated_lock);
}

/**
 * vbm_device_set_limits() - what a device asks of memory, said by its driver
 * @dev: the device, bound to the caller
 * @limits: what it asks for beyond what the DMA API knows of it
 *
 * For what dma_set_mask(), dma_set_max_seg_size() and their like can not say.
 * To be called in probe(), after those and before anything of @dev can be
 * queued or imported; it holds until the driver goes. The driver keeps this
 * module loaded until then: by calling the function by name, or by not
 * letting go of it (symbol_put()) before its own module goes.
 *
 * Context: may sleep; probe().
 * Return: 0; -EINVAL if @limits can not be, or @dev has no driver; -EBUSY if
 *	@dev has been used already, or its limits been set; -ENOMEM.
 */
int vbm_device_set_limits(struct device *dev, const struct vbm_limits *limits)
{
	struct vbm_stated *stated;
	int ret;

	ret = vbm_limits_check(limits);
	if (ret)
		return ret;
	if (!READ_ONCE(dev->driver))
		return -EINVAL;
	if (vbm_device_known(dev))
		return -EBUSY;

	stated = devres_alloc(vbm_stated_devres, sizeof(*stated), GFP_KERNEL);
	if (!stated)
		return -ENOMEM;
	stated->dev = dev;
	stated->limits = *limits;

	spin_lock(&vbm_stated_lock);
	if (vbm_stated_find_dev_locked(dev))
		ret = -EBUSY;
	else
		list_add(&stated->node, &vbm_stated_by_driver);
	spin_unlock(&vbm_stated_lock);
	if (ret)
		devres_free(stated);
	else
		devres_add(dev, stated);
	return ret;
}
EXPORT_SYMBOL_GPL(vbm_device_set_limits);

/* The highest physical address behind a bus address of so many bits. */
static u64 vbm_limits_max_addr(struct device *dev, unsigned int bits)
{
	u64 mask = DMA_BIT_MASK(bits);

	/* All of it, wherever the bus has it. */
	if (bits == 64)
		return U64_MAX;
	return dma_to_phys(dev, mask);
}

static void vbm_limits_apply(struct device *dev,
			     const struct vbm_limits *stated,
			     struct vbm_constraints *limits)
{
	u64 max_addr;

	if (stated->max_segments) {
		limits->max_segments = stated->max_segments;
		/*
		 * Nobody who takes one segment takes the 64 KiB only that the
		 * DMA API takes for granted.
		 */
		if (stated->max_segments == 1)
			vbm_constraints_one_address(limits);
	}
	if (stated->max_segment_size)
		limits->max_segment = round_down(stated->max_segment_size,
						 PAGE_SIZE);
	if (stated->boundary)
		limits->boundary_mask = min(limits->boundary_mask,
					    stated->boundary - 1);
	limits->align = max_t(size_t, limits->align, stated->align);
	if (stated->address_bits && !limits->translated) {
		max_addr = vbm_limits_max_addr(dev, stated->address_bits);
		/* The DMA API goes by the mask, and would not bounce. */
		if (max_addr < limits->max_addr && !limits->bounce_all)
			limits->max_bounce = 0;
		limits->max_addr = min(limits->max_addr, max_addr);
	}
	limits->needs_pages |= stated->needs_pages;
}

static void vbm_limits_apply_stated(struct device *dev,
				    struct vbm_constraints *limits)
{
	struct vbm_limits by_driver = {};
	struct vbm_stated *stated;

	if (!list_empty_careful(&vbm_stated_by_driver)) {
		spin_lock(&vbm_stated_lock);
		stated = vbm_stated_find_dev_locked(dev);
		if (stated)
			by_driver = stated->limits;
		spin_unlock(&vbm_stated_lock);
		vbm_limits_apply(dev, &by_driver, limits);
	}
	if (list_empty(&vbm_stated_by_name))
		return;
	stated = vbm_stated_find_name(dev_name(dev));
	if (stated)
		vbm_limits_apply(dev, &stated->limits, limits);
}

/* The large pages of an IOMMU that are of use for a frame. */
static size_t vbm_limits_chunk(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	unsigned long sizes;

	if (!domain)
		return PAGE_SIZE;
	sizes = domain->pgsize_bitmap & (SZ_4M - 1) & PAGE_MASK;
	return sizes ? rounddown_pow_of_two(sizes) : PAGE_SIZE;
}

/*
 * What is bounced is bounced to where swiotlb has its memory, which a device
 * may not reach either. The kernel WARNs then.
 */
static bool vbm_limits_reaches_bounces(struct device *dev)
{
#ifdef CONFIG_SWIOTLB
	const struct io_tlb_mem *mem = dev->dma_io_tlb_mem;

	return mem && mem->defpool.end &&
	       phys_to_dma_unencrypted(dev, mem->defpool.end - 1) <=
	       min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
#else
	return false;
#endif
}

static void vbm_limits_describe(struct device *dev,
				struct vbm_constraints *limits)
{
	unsigned int align = dma_get_min_align_mask(dev);
	size_t max_bounce;

	vbm_constraints_init(limits);
	limits->boundary_mask = dma_get_seg_boundary(dev);
	limits->translated = use_dma_iommu(dev);

	if (limits->boundary_mask == ULONG_MAX)
		limits->boundary_mask = U64_MAX;
	if (dev->dma_parms && dev->dma_parms->max_segment_size)
		limits->max_segment = max(round_down(dma_get_max_seg_size(dev),
						     PAGE_SIZE), PAGE_SIZE);
	/* Address bits that mean something to it; more than one page has. */
	if (align >= PAGE_SIZE)
		limits->align = roundup_pow_of_two((size_t)align + 1);
	if (limits->translated)
		limits->chunk = vbm_limits_chunk(dev);
	if (!dev->dma_mask || limits->translated || get_dma_ops(dev))
		return;

	if (dma_addressing_limited(dev))
		limits->max_addr = dma_to_phys(dev,
					       min_not_zero(*dev->dma_mask,
							    dev->bus_dma_limit));
	limits->bounce_all = is_swiotlb_force_bounce(dev);
	/* SIZE_MAX: there is no swiotlb, or no need for one. */
	max_bounce = dma_max_mapping_size(dev);
	if (max_bounce != SIZE_MAX && vbm_limits_reaches_bounces(dev))
		limits->max_bounce = max(round_down(max_bounce, PAGE_SIZE),
					 PAGE_SIZE);
}

/**
 * vbm_device_describe() - what a device asks of memory
 * @dev: the device
 * @limits: result
 *
 * A device that never set its longest segment is taken to have none: the
 * 64 KiB that the DMA API reports then is a default of other subsystems, and
 * nothing in V4L2 has ever kept to it.
 *
 * How many segments it takes is known only if it was stated. That a user of
 * the device has one address and no list is known of the user: see
 * vbm_constraints_one_address().
 *
 * Context: may sleep.
 */
void vbm_device_describe(struct device *dev, struct vbm_constraints *limits)
{
	vbm_limits_describe(dev, limits);
	vbm_limits_apply_stated(dev, limits);
}

/**
 * vbm_device_max_coherent() - how high may coherent memory of a device lie?
 * @dev: the device
 *
 * Drivers that map memory only say nothing of it (dma_set_mask()), and are left
 * with 32 bits.
 *
 * Context: any.
 * Return: a physical address, U64_MAX where an IOMMU makes the address.
 */
u64 vbm_device_max_coherent(struct device *dev)
{
	if (!vbm_device_direct(dev) || !dev->coherent_dma_mask)
		return U64_MAX;
	return vbm_limits_max_addr(dev, fls64(dev->coherent_dma_mask));
}

/**
 * vbm_device_direct() - does a device see memory where it lies?
 * @dev: the device
 *
 * Context: any.
 * Return: false if something of its own translates, or it does no DMA.
 */
bool vbm_device_direct(struct device *dev)
{
	return dev->dma_mask && !use_dma_iommu(dev) && !get_dma_ops(dev);
}
