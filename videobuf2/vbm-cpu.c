// SPDX-License-Identifier: GPL-2.0-only
/*
 * All cache maintenance.
 *
 * Model: the memory, and beside it what each mapped device would see: the same
 * bytes, or its bounce buffer (swiotlb), or the memory without the CPU's
 * caches (a device that is not coherent). Ownership moves between the CPU and
 * one device at a time, and whoever had it passes the bytes on:
 *
 *   give  to a device, before its DMA: memory -> that device's view
 *   take  from a device, after its DMA: that device's view -> memory
 *
 * The own queue and imports of ours say when they give and take (prepare,
 * finish); their mappings are "exact". A foreign importer tells no more than
 * map and unmap, and may do DMA at any time between the two. So its view is
 * refreshed from memory whenever anybody else has written.
 *
 * Invariant: while the CPU owns a buffer, the memory holds its bytes, and the
 * view of every device that may read without asking equals it, but for what a
 * foreign importer has written since; that is fetched when the importer
 * unmaps, or when the CPU asks (begin). Of two foreign importers that both
 * write while both are mapped, the one that was mapped last wins.
 *
 * A foreign importer's bytes are not fetched when the own queue gives: user
 * space writes through the V4L2 mapping without telling, so the memory may be
 * the newer of the two. Nor while an exact device owns the buffer and writes:
 * its bytes are newer than any that the importer was shown.
 *
 * Taking a second time would copy an old view over new bytes, so an exact
 * mapping is taken only while its device owns it. That is also why CPU writes
 * to a CAPTURE buffer survive a later begin_cpu_access().
 *
 * A driver that is given CPU access to a part of a buffer (vbm-access.c) has just
 * that part taken and given. It is the one driver that knows what its device is
 * at, so what it writes is passed on to that device even while it captures.
 *
 * A give that user space says is not needed is needed after such a driver has
 * written, and after DMA_BUF_IOCTL_SYNC told of a write: whoever brackets its
 * writes may well say that there is nothing left to be cleaned.
 *
 * Otherwise a view is taken as a whole. So an importer that only writes is given
 * the bytes as well (vbm_segments_map()): what its device does not write, all of
 * it if the stream stops before, comes back as it was. Once the device has it,
 * nothing is given to it any more.
 *
 * A buffer of which no mapping needs syncing costs one test.
 */

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "vbm-cpu.h"
#include "vbm-device.h"
#include "vbm-mapping.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm.h"

/*
 * As much as the DMA API may be told of at once: it takes what is behind one
 * address and a length to be in one piece. What an IOMMU shows as a segment
 * may have been merged from pages that are no neighbours.
 */
static size_t vbm_sync_step(struct device *dev, dma_addr_t addr, size_t length)
{
	if (!use_dma_iommu(dev) && !get_dma_ops(dev))
		return length;
	return min_t(size_t, length, SZ_4K - (addr & (SZ_4K - 1)));
}

/* Sync some bytes of a table by their addresses. Returns how many there are. */
static size_t vbm_sync_part(struct device *dev, struct sg_table *sgt,
			    size_t offset, size_t length,
			    enum dma_data_direction dir, bool for_cpu)
{
	struct scatterlist *sg;
	size_t done = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg) + offset;
		size_t left, step;

		if (offset >= sg_dma_len(sg)) {
			offset -= sg_dma_len(sg);
			continue;
		}
		left = min(sg_dma_len(sg) - offset, length - done);
		offset = 0;
		done += left;
		for (; left; left -= step, addr += step) {
			step = vbm_sync_step(dev, addr, left);
			if (for_cpu)
				dma_sync_single_for_cpu(dev, addr, step, dir);
			else
				dma_sync_single_for_device(dev, addr, step,
							   dir);
		}
		if (done == length)
			break;
	}
	return done;
}

/* Context: any; the mapping must not be torn down meanwhile. */
static void vbm_sync_for_device(struct vbm_mapping *map)
{
	struct device *dev = map->vdev->dev;

	if (map->sgt.orig_nents > 1)
		dma_sync_sgtable_for_device(dev, &map->sgt, map->map_dir);
	else
		dma_sync_single_for_device(dev, sg_dma_address(map->sgl),
					   sg_dma_len(map->sgl),
					   map->map_dir);
	vbm_stat_inc(VBM_STAT_SYNCS_DEVICE);
	vbm_stat_add(VBM_STAT_BYTES_SYNCED, map->backing->size);
	trace_vbm_sync(map, false);
}

static void vbm_sync_for_cpu(struct vbm_mapping *map)
{
	struct device *dev = map->vdev->dev;

	if (map->sgt.orig_nents > 1)
		dma_sync_sgtable_for_cpu(dev, &map->sgt, map->map_dir);
	else
		dma_sync_single_for_cpu(dev, sg_dma_address(map->sgl),
					sg_dma_len(map->sgl),
					   map->map_dir);
	vbm_stat_inc(VBM_STAT_SYNCS_CPU);
	vbm_stat_add(VBM_STAT_BYTES_SYNCED, map->backing->size);
	trace_vbm_sync(map, true);
}

static void vbm_sync_range(struct vbm_mapping *map, size_t offset,
			   size_t length, bool for_cpu)
{
	vbm_stat_add(VBM_STAT_BYTES_SYNCED,
		     vbm_sync_part(map->vdev->dev, &map->sgt, offset, length,
				   map->map_dir, for_cpu));
	vbm_stat_inc(for_cpu ? VBM_STAT_SYNCS_CPU : VBM_STAT_SYNCS_DEVICE);
	trace_vbm_sync(map, for_cpu);
}

/* A kernel mapping that is not the linear one has cache lines of its own. */
static void vbm_vmap_flush_range(struct vbm_buf *buf, size_t offset,
				 size_t length)
{
	if (buf->vaddr && !buf->vaddr_fixed)
		flush_kernel_vmap_range(buf->vaddr + offset, length);
}

static void vbm_vmap_invalidate_range(struct vbm_buf *buf, size_t offset,
				      size_t length)
{
	if (buf->vaddr && !buf->vaddr_fixed)
		invalidate_kernel_vmap_range(buf->vaddr + offset, length);
}

static void vbm_vmap_flush(struct vbm_buf *buf)
{
	vbm_vmap_flush_range(buf, 0, buf->plane.size);
}

static void vbm_vmap_invalidate(struct vbm_buf *buf)
{
	vbm_vmap_invalidate_range(buf, 0, buf->plane.size);
}

/*
 * Somebody has written to memory: pass it on to who reads without asking. A
 * mapping that is being synced stays in the list (vbm_mapping_unlink()), so
 * the lock can be dropped for that time.
 */
static void vbm_cpu_refresh(struct vbm_buf *buf, const struct vbm_mapping *but)
{
	struct vbm_mapping *map;
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	list_for_each_entry(map, &buf->mappings, buf_node) {
		if (map == but || !map->need_sync || !vbm_mapping_reads(map) ||
		    !map->live || map->exact == map->in_use ||
		    vbm_mapping_capturing(map))
			continue;
		map->syncing++;
		spin_unlock_irqrestore(&buf->sync_lock, flags);
		vbm_sync_for_device(map);
		spin_lock_irqsave(&buf->sync_lock, flags);
		map->syncing--;
	}
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}

/* Does the buffer concern nobody but the device of this mapping? */
static bool vbm_cpu_alone(const struct vbm_mapping *map)
{
	struct vbm_buf *buf = map->buf;
	unsigned long flags;
	bool alone;

	spin_lock_irqsave(&buf->sync_lock, flags);
	alone = list_is_singular(&buf->mappings);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return alone;
}

/* See vbm_cpu_give(): some mapping of the buffer needs syncing. */
void vbm_cpu_give_synced(struct vbm_mapping *map, bool clean)
{
	struct vbm_buf *buf = map->buf;

	clean = clean && !READ_ONCE(map->unpassed) && vbm_cpu_alone(map);
	WRITE_ONCE(map->unfetched, false);
	WRITE_ONCE(map->unpassed, false);
	vbm_vmap_flush(buf);
	if (map->need_sync && !clean && vbm_mapping_sync_begin(map)) {
		vbm_sync_for_device(map);
		vbm_mapping_sync_end(map);
	}
	/* User space has filled what this device is to read. */
	if (!clean && map->dir != DMA_FROM_DEVICE)
		vbm_cpu_refresh(buf, map);
}

/* See vbm_cpu_take(): some mapping of the buffer needs syncing. */
void vbm_cpu_take_synced(struct vbm_mapping *map, bool unread)
{
	struct vbm_buf *buf = map->buf;

	if (map->need_sync && vbm_mapping_writes(map)) {
		if (unread && vbm_cpu_alone(map)) {
			WRITE_ONCE(map->unfetched, true);
		} else if (vbm_mapping_sync_begin(map)) {
			vbm_sync_for_cpu(map);
			vbm_mapping_sync_end(map);
			vbm_vmap_invalidate(buf);
		}
	}
	WRITE_ONCE(map->device_owned, false);
	if (vbm_mapping_writes(map))
		vbm_cpu_refresh(buf, map);
}

/* Somebody wants the bytes after all that user space would not read. */
static void vbm_cpu_fetch_left(struct vbm_buf *buf)
{
	struct vbm_mapping *map;

	lockdep_assert_held(&buf->lock);
	list_for_each_entry(map, &buf->mappings, buf_node) {
		if (!READ_ONCE(map->unfetched))
			continue;
		WRITE_ONCE(map->unfetched, false);
		vbm_sync_for_cpu(map);
	}
}

/* A device is about to be mapped, or given a mapping: memory is what it gets. */
void vbm_cpu_before_map_locked(struct vbm_buf *buf)
{
	if (READ_ONCE(buf->nr_sync))
		vbm_cpu_fetch_left(buf);
}

/* Another backing is about to get the bytes: memory is what it gets. */
void vbm_cpu_before_move_locked(struct vbm_buf *buf)
{
	vbm_cpu_before_map_locked(buf);
	vbm_vmap_flush(buf);
}

/*
 * An importer is given a mapping that existed before. If somebody else uses it
 * without telling, its view is as it should be, or newer.
 */
void vbm_cpu_map_locked(struct vbm_mapping *map)
{
	lockdep_assert_held(&map->buf->lock);
	if (map->need_sync && !vbm_mapping_owned(map))
		vbm_sync_for_device(map);
}

/*
 * An importer is about to give its table back; it is still counted. Its device
 * may have written, and so may have others that share the mapping.
 */
void vbm_cpu_unmap_locked(struct vbm_mapping *map)
{
	if (!vbm_mapping_may_fetch_locked(map))
		return;
	vbm_sync_for_cpu(map);
	vbm_cpu_refresh(map->buf, map);
}

/**
 * vbm_cpu_begin() - the CPU is about to access a buffer
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 *
 * Also before writing: what is not overwritten goes back with vbm_cpu_end().
 *
 * Context: may sleep; takes &vbm_buf.lock.
 * Return: 0.
 */
int vbm_cpu_begin(struct vbm_buf *buf, enum dma_data_direction dir)
{
	struct vbm_mapping *map;

	if (!READ_ONCE(buf->nr_sync))
		return 0;

	mutex_lock(&buf->lock);
	vbm_cpu_fetch_left(buf);
	/* In the order in which they were mapped, the own device first. */
	list_for_each_entry(map, &buf->mappings, buf_node)
		if (vbm_mapping_may_fetch_locked(map))
			vbm_sync_for_cpu(map);
	vbm_vmap_invalidate(buf);
	mutex_unlock(&buf->lock);
	return 0;
}

/**
 * vbm_cpu_end() - the CPU is done
 * @buf: the buffer
 * @dir: as for vbm_cpu_begin()
 *
 * Context: may sleep; takes &vbm_buf.lock.
 * Return: 0.
 */
int vbm_cpu_end(struct vbm_buf *buf, enum dma_data_direction dir)
{
	struct vbm_mapping *map;

	if (!READ_ONCE(buf->nr_sync) || dir == DMA_FROM_DEVICE)
		return 0;

	mutex_lock(&buf->lock);
	vbm_vmap_flush(buf);
	list_for_each_entry(map, &buf->mappings, buf_node) {
		if (!map->need_sync)
			continue;
		if (!vbm_mapping_owned(map))
			WRITE_ONCE(map->unpassed, true);
		else if (!vbm_mapping_capturing(map))
			vbm_sync_for_device(map);
	}
	mutex_unlock(&buf->lock);
	return 0;
}

/*
 * Would what the CPU writes be undone? A view that is mapped to be written only
 * is given nothing: a bounce buffer is copied to memory as a whole, and of the
 * caches of a device that is not coherent the lines are thrown away.
 */
static bool vbm_cpu_undone(const struct vbm_mapping *map)
{
	return READ_ONCE(map->device_owned) && map->need_sync &&
	       !vbm_mapping_reads(map);
}

/**
 * vbm_cpu_begin_range_locked() - a driver's CPU is about to access some bytes
 * @by: the mapping by which its device has the buffer
 * @offset: the first of them, counted from the beginning of the buffer
 * @length: their number; all of them are in the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 *
 * What user space did not want to see and was left in the device's view stays
 * there but for these bytes; unless the CPU is going to write, since whoever
 * fetched it later would do so over that.
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: 0; -ENODEV if the driver of the device has gone; -EBUSY if the device
 *	is writing and would undo what the CPU writes.
 */
int vbm_cpu_begin_range_locked(struct vbm_mapping *by, size_t offset,
			       size_t length, enum dma_data_direction dir)
{
	bool write = dir != DMA_FROM_DEVICE;
	struct vbm_buf *buf = by->buf;
	struct vbm_mapping *map;

	lockdep_assert_held(&buf->lock);
	if (!by->live)
		return -ENODEV;
	if (!buf->nr_sync)
		return 0;
	if (write && vbm_cpu_undone(by))
		return -EBUSY;

	if (write)
		vbm_cpu_fetch_left(buf);
	vbm_vmap_flush_range(buf, offset, length);
	/* In the order in which they were mapped, the own device first. */
	list_for_each_entry(map, &buf->mappings, buf_node)
		if (READ_ONCE(map->unfetched) ||
		    vbm_mapping_may_fetch_locked(map))
			vbm_sync_range(map, offset, length, true);
	vbm_vmap_invalidate_range(buf, offset, length);
	return 0;
}

/**
 * vbm_cpu_end_range_locked() - a driver's CPU has accessed some bytes
 * @by: as for vbm_cpu_begin_range_locked()
 * @offset: likewise
 * @length: likewise
 * @dir: likewise
 *
 * What it wrote is passed on to whoever has the buffer. Others are given it with
 * the rest, before their next DMA, if they read.
 *
 * Context: may sleep; &vbm_buf.lock held.
 */
void vbm_cpu_end_range_locked(struct vbm_mapping *by, size_t offset,
			      size_t length, enum dma_data_direction dir)
{
	struct vbm_buf *buf = by->buf;
	struct vbm_mapping *map;

	lockdep_assert_held(&buf->lock);
	if (!buf->nr_sync || dir == DMA_FROM_DEVICE)
		return;

	vbm_vmap_flush_range(buf, offset, length);
	list_for_each_entry(map, &buf->mappings, buf_node) {
		if (!map->need_sync)
			continue;
		if (!vbm_mapping_owned(map))
			WRITE_ONCE(map->unpassed, true);
		else if (map == by || !vbm_mapping_capturing(map))
			vbm_sync_range(map, offset, length, false);
	}
	vbm_vmap_invalidate_range(buf, offset, length);
}

/* Where the device is led by an address, or 0. */
static phys_addr_t vbm_cpu_phys(struct device *dev, dma_addr_t addr)
{
	struct iommu_domain *domain;

	if (!use_dma_iommu(dev) && !get_dma_ops(dev))
		return dma_to_phys(dev, addr);
	domain = iommu_get_domain_for_dev(dev);
	return domain ? iommu_iova_to_phys(domain, addr) : 0;
}

/**
 * vbm_cpu_bounces() - does a device see a copy of the memory?
 * @map: a live mapping of a buffer whose pages are known
 *
 * Context: any; the mapping must not be torn down meanwhile.
 * Return: true if some segment is in a bounce buffer.
 */
bool vbm_cpu_bounces(const struct vbm_mapping *map)
{
	const struct vbm_extent *ext = map->backing->extents;
	size_t skip = map->backing->offset;
	struct scatterlist *sg;
	unsigned int i;

	if (!map->need_sync || map->fixed)
		return false;
	/* No segment begins within what another one was merged from. */
	for_each_sgtable_dma_sg(&map->sgt, sg, i) {
		while (skip >= ext->nr_pages << PAGE_SHIFT) {
			skip -= ext->nr_pages << PAGE_SHIFT;
			ext++;
		}
		if (vbm_cpu_phys(map->vdev->dev, sg_dma_address(sg)) !=
		    ext->phys + skip)
			return true;
		skip += sg_dma_len(sg);
	}
	return false;
}

/*
 * Buffers of foreign exporters stay mapped while vb2 holds them, and their
 * exporters learn nothing of the frames in between. So the addresses that we
 * were given are synced for the device that attached. The dma-buf
 * documentation leaves that to the exporter; vb2 gives it no occasion.
 */

/* Is there memory of the CPU's behind a DMA address? */
static bool vbm_cpu_is_ram(struct device *dev, dma_addr_t addr)
{
	phys_addr_t phys = vbm_cpu_phys(dev, addr);

	return phys && pfn_valid(PHYS_PFN(phys)) &&
	       !is_zone_device_page(pfn_to_page(PHYS_PFN(phys)));
}

/**
 * vbm_cpu_foreign_bounces() - does a device see a copy of an exporter's memory?
 * @dev: the device that is attached
 * @sgt: the table, mapped
 *
 * What needs syncing for a device that is coherent is a copy. Of another device
 * it can not be told: the pages are the exporter's to know.
 *
 * Context: may sleep.
 * Return: true if some segment is known to be in a bounce buffer.
 */
bool vbm_cpu_foreign_bounces(struct device *dev, struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	if (use_dma_iommu(dev) || get_dma_ops(dev) ||
	    !dev_is_dma_coherent(dev) || !dma_dev_need_sync(dev))
		return false;
	for_each_sgtable_dma_sg(sgt, sg, i)
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return true;
	return false;
}

/**
 * vbm_cpu_foreign_needs_sync() - does a foreign exporter's table need syncing?
 * @dev: the device that is attached
 * @sgt: the table, mapped
 *
 * Device memory has nothing to sync, and looks no different in a table.
 *
 * Context: may sleep.
 * Return: true if it is all RAM and some of it bounces or is not coherent.
 */
bool vbm_cpu_foreign_needs_sync(struct device *dev, struct sg_table *sgt)
{
	bool needed = false;
	struct scatterlist *sg;
	unsigned int i;

	if (!dma_dev_need_sync(dev))
		return false;
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (!vbm_cpu_is_ram(dev, sg_dma_address(sg)))
			return false;
		if (dma_need_sync(dev, sg_dma_address(sg)))
			needed = true;
	}
	return needed;
}

void vbm_cpu_foreign_give(struct device *dev, struct sg_table *sgt,
			  size_t offset, size_t length,
			  enum dma_data_direction dir)
{
	vbm_stat_add(VBM_STAT_BYTES_SYNCED,
		     vbm_sync_part(dev, sgt, offset, length, dir, false));
	vbm_stat_inc(VBM_STAT_SYNCS_DEVICE);
}

void vbm_cpu_foreign_take(struct device *dev, struct sg_table *sgt,
			  size_t offset, size_t length,
			  enum dma_data_direction dir)
{
	vbm_stat_add(VBM_STAT_BYTES_SYNCED,
		     vbm_sync_part(dev, sgt, offset, length, dir, true));
	vbm_stat_inc(VBM_STAT_SYNCS_CPU);
}
