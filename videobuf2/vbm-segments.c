// SPDX-License-Identifier: GPL-2.0-only
/*
 * The segments of a mapping: how a backing becomes the table of a device.
 *
 * How many there are is decided by the limits of the device, not by how the
 * memory came about. One segment is mapped as a page range, which is cheaper
 * than a list of one, and which is not held against the 64 KiB that the DMA API
 * assumes for a device that never said otherwise.
 *
 * Nothing here keeps state: a mapping (vbm-mapping.c) brings its table, its
 * backing and its directions, and says when.
 */

#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>

#include "vbm-fault.h"
#include "vbm-segments.h"
#include "vbm-backing.h"
#include "vbm-constraints.h"
#include "vbm-device.h"
#include "vbm-mapping.h"
#include "vbm-region.h"
#include "vbm.h"

#define VBM_MAP_ATTRS	DMA_ATTR_NO_WARN

/* One segment for each extent, if the device takes them as they are. */
static __always_inline void
vbm_segments_from_extents(const struct vbm_backing *backing,
			  struct scatterlist *sg)
{
	const struct vbm_extent *ext = backing->extents;
	size_t left = backing->size + backing->offset;
	size_t skip = backing->offset;
	unsigned int i;

	for (i = 0; i < backing->nr_extents; i++, ext++, sg++) {
		size_t len = min_t(size_t, left, ext->nr_pages << PAGE_SHIFT);

		if (ext->page) {
			sg_set_page(sg, ext->page, len - skip, skip);
		} else {
			sg->length = len - skip;
			sg_dma_address(sg) = ext->phys + skip;
		}
		left -= len;
		skip = 0;
	}
}

/*
 * Walk the backing in segments that the limits allow. Fills @sgl unless it is
 * NULL. Returns how many, 0 if there are more than a table can hold.
 */
static unsigned int vbm_segments_cut(const struct vbm_backing *backing,
				     const struct vbm_constraints *limits,
				     struct scatterlist *sgl)
{
	size_t left = backing->size;
	unsigned int nr = 0;
	unsigned int i;

	for (i = 0; i < backing->nr_extents; i++) {
		const struct vbm_extent *ext = &backing->extents[i];
		size_t skip = i ? 0 : backing->offset;
		size_t end = min_t(size_t, skip + left,
				   ext->nr_pages << PAGE_SHIFT);

		while (skip < end) {
			size_t len = vbm_constraints_segment(limits,
							     ext->phys + skip,
							     end - skip);

			if (sgl && ext->page) {
				sg_set_page(sgl, ext->page + (skip >> PAGE_SHIFT),
					    len, skip & ~PAGE_MASK);
			} else if (sgl) {
				sgl->length = len;
				sg_dma_address(sgl) = ext->phys + skip;
			}
			if (sgl)
				sgl = sg_next(sgl);
			if (++nr == INT_MAX)
				return 0;
			skip += len;
			left -= len;
		}
	}
	return nr;
}

/*
 * The kernel WARNs about memory that a device does not reach if there is no
 * swiotlb. User space chooses who imports, so it would choose the WARN.
 */
static bool vbm_segments_reachable(const struct vbm_backing *backing,
				   const struct vbm_constraints *limits)
{
	unsigned int i;

	if (limits->max_addr == U64_MAX || limits->max_bounce)
		return true;
	for (i = 0; i < backing->nr_extents; i++) {
		const struct vbm_extent *ext = &backing->extents[i];

		if (vbm_constraints_bounces(limits, ext->phys,
					    ext->nr_pages << PAGE_SHIFT))
			return false;
	}
	return true;
}

/*
 * Memory that has no struct page, which is a part of a region, in one extent:
 * mapped as a whole, so that it is in one piece however many segments it is cut
 * into.
 */
static int vbm_segments_map_resource(struct vbm_mapping *map,
				     struct device *dev)
{
	const struct vbm_backing *backing = map->backing;
	struct scatterlist *sg;
	dma_addr_t addr;
	unsigned int i;

	VBM_ASSERT(backing->nr_extents == 1);
	addr = dma_map_resource(dev, backing->extents[0].phys, backing->size,
				map->map_dir, VBM_MAP_ATTRS);
	if (dma_mapping_error(dev, addr))
		return -EIO;
	for_each_sgtable_sg(&map->sgt, sg, i) {
		sg_dma_address(sg) = addr;
		sg_dma_len(sg) = sg->length;
		addr += sg->length;
	}
	map->sgt.nents = map->sgt.orig_nents;
	return 0;
}

static __always_inline int
vbm_segments_map_table(struct vbm_mapping *map, struct device *dev)
{
	struct scatterlist *sg = map->sgt.sgl;

	if (vbm_fault())
		return -EIO;
	if (!sg_page(sg))
		return vbm_segments_map_resource(map, dev);

	if (map->sgt.orig_nents > 1)
		return dma_map_sgtable(dev, &map->sgt, map->map_dir,
				       VBM_MAP_ATTRS);

	sg_dma_address(sg) = dma_map_page_attrs(dev, sg_page(sg), sg->offset,
						sg->length, map->map_dir,
						VBM_MAP_ATTRS);
	if (dma_mapping_error(dev, sg_dma_address(sg)))
		return -EIO;
	sg_dma_len(sg) = sg->length;
	map->sgt.nents = 1;
	return 0;
}

/**
 * vbm_segments_unmap() - undo vbm_segments_map()
 * @map: the mapping
 * @dev: its device
 * @attrs: 0 to fetch what the device wrote, or DMA_ATTR_SKIP_CPU_SYNC
 *
 * Who was done has synced already.
 *
 * Context: any.
 */
void vbm_segments_unmap(struct vbm_mapping *map, struct device *dev,
			unsigned long attrs)
{
	struct scatterlist *sg = map->sgt.sgl;

	if (map->fixed)
		return;

	if (!sg_page(sg))
		dma_unmap_resource(dev, sg_dma_address(sg), map->backing->size,
				   map->map_dir, 0);
	else if (map->sgt.orig_nents > 1)
		dma_unmap_sgtable(dev, &map->sgt, map->map_dir,
				  attrs);
	else
		dma_unmap_page_attrs(dev, sg_dma_address(sg), sg_dma_len(sg),
				     map->map_dir, attrs);
}

static bool vbm_segments_need_sync(struct vbm_mapping *map, struct device *dev)
{
	struct scatterlist *sg;
	unsigned int i;

	/* Device memory is in no cache, and what would sync it needs pages. */
	if (!sg_page(map->sgt.sgl) || !dma_dev_need_sync(dev))
		return false;
	for_each_sgtable_dma_sg(&map->sgt, sg, i)
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return true;
	return false;
}

/* The mapping that dma_alloc_*() made along with the memory. */
static void vbm_segments_adopt(struct vbm_mapping *map)
{
	const struct vbm_backing *backing = map->backing;
	struct scatterlist *sg = map->sgt.sgl;

	map->fixed = true;
	map->map_dir = backing->dma.dir;
	map->sgt.nents = 1;
	if (backing->nr_extents)
		vbm_segments_from_extents(backing, sg);
	else
		sg->length = backing->size;
	sg_dma_address(sg) = backing->dma.addr;
	sg_dma_len(sg) = backing->size;
	if (backing->dma.sgt)
		map->need_sync = dma_need_sync(backing->dma.dev,
					       backing->dma.addr);
}

/* Its slower part: the device does not just take all extents as they are. */
int __vbm_segments_count(const struct vbm_backing *backing, struct device *dev,
			 const struct vbm_constraints *limits)
{
	unsigned int nr;
	int ret;

	if (backing->part) {
		ret = vbm_region_reach(backing->part, dev, limits);
		if (ret)
			return ret;
	}
	if (!dev->dma_mask)
		return -EOPNOTSUPP;
	if (vbm_constraints_accept(limits, backing->size))
		return backing->nr_extents;
	if (!vbm_segments_reachable(backing, limits))
		return -EOPNOTSUPP;
	nr = vbm_segments_cut(backing, limits, NULL);
	return nr ? nr : -EOPNOTSUPP;
}

static bool vbm_segments_one_address(const struct vbm_mapping *map)
{
	return map->vdev->limits.max_segments == 1 &&
	       vbm_mapping_contiguous(&map->sgt) >= map->backing->size;
}

/*
 * An IOMMU joins segments as far as the driver has told the DMA API that it may,
 * which may be farther than somebody else has stated, and not where they bounce.
 */
static noinline bool vbm_segments_met(struct vbm_mapping *map)
{
	const struct vbm_constraints *limits = &map->vdev->limits;
	bool one = vbm_segments_one_address(map);
	struct scatterlist *sg;
	unsigned int i;

	if (!IS_ALIGNED(sg_dma_address(map->sgt.sgl) - map->backing->offset,
			limits->align))
		return false;
	if (!one && map->sgt.nents > limits->max_segments)
		return false;
	for_each_sgtable_dma_sg(&map->sgt, sg, i) {
		u64 last = sg_dma_address(sg) + sg_dma_len(sg) - 1;

		if (!one && sg_dma_len(sg) > limits->max_segment)
			return false;
		if ((sg_dma_address(sg) ^ last) & ~limits->boundary_mask)
			return false;
	}
	return true;
}

/**
 * vbm_segments_map() - fill the master table and map it
 * @map: the mapping, its table as long as vbm_segments_count() said
 * @dev: its device
 * @own: that is the queue's own
 *
 * An importer that only writes is mapped in both directions where it bounces:
 * its bounce buffer goes back to memory as a whole, so it must equal memory
 * wherever the device has not written, and the DMA API sees to that for devices
 * that read. The queue's own device is mapped as stock maps it.
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP if an IOMMU does not make of it what the device asks;
 *	or what the DMA API says.
 */
int vbm_segments_map(struct vbm_mapping *map, struct device *dev, bool own)
{
	const struct vbm_backing *backing = map->backing;
	int ret;

	if (vbm_segments_adoptable(backing, dev, map->dir)) {
		vbm_segments_adopt(map);
		return 0;
	}

	/* As many segments as extents: none is cut. */
	if (map->sgt.orig_nents == backing->nr_extents)
		vbm_segments_from_extents(backing, map->sgl);
	else
		vbm_segments_cut(backing, &map->vdev->limits, map->sgl);

	if (backing->part &&
	    vbm_region_local(backing->part, dev, &sg_dma_address(map->sgl))) {
		map->fixed = true;
		sg_dma_len(map->sgl) = backing->size;
		map->sgt.nents = 1;
		return 0;
	}
	ret = vbm_segments_map_table(map, dev);
	if (ret)
		return ret;
	if (map->vdev->limits.translated && !vbm_segments_met(map)) {
		vbm_segments_unmap(map, dev, DMA_ATTR_SKIP_CPU_SYNC);
		return -EOPNOTSUPP;
	}
	map->need_sync = vbm_segments_need_sync(map, dev);
	if (map->need_sync && !own && map->dir == DMA_FROM_DEVICE) {
		vbm_segments_unmap(map, dev, DMA_ATTR_SKIP_CPU_SYNC);
		map->map_dir = DMA_BIDIRECTIONAL;
		ret = vbm_segments_map_table(map, dev);
	}
	return ret;
}
