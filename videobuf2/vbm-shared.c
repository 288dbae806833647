// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for a list of devices: <media/videobuf2-mem.h>.
 *
 * A driver that shares a ring or a table with devices of others needs memory
 * that all of them reach, and an address in each of them. That is what a buffer
 * has that was exported and attached everywhere, so it is a buffer: struct vbm_buf
 * without vb2, whose own device is the first of the list, and which has a mapping
 * for each of the others. Limits are merged before anything is allocated, and
 * memory counts only once it is mapped for all. All mappings are exact: who does
 * DMA says when (give, take).
 *
 * A device that goes takes its mapping with it (vbm-device.c). The memory is there
 * until the last put.
 */

#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <media/videobuf2-mem.h>

#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-constraints.h"
#include "vbm-cpu.h"
#include "vbm-device.h"
#include "vbm-failure.h"
#include "vbm-limits.h"
#include "vbm-mapping.h"
#include "vbm-vmap.h"
#include "vbm.h"

/**
 * struct vbm_shared - memory that several devices have
 * @ref: the drivers'
 * @buf: one reference
 * @flags: VBM_SHARED_*
 * @nr: number of devices
 * @maps: a mapping each, held and used; constant
 */
struct vbm_shared {
	struct kref ref;
	struct vbm_buf *buf;
	unsigned int flags;
	unsigned int nr;
	struct vbm_mapping *maps[] __counted_by(nr);
};

/* What one of the devices asks of the memory, and all before it. */
static void vbm_shared_add(struct vbm_constraints *all, struct device *dev,
			   size_t size, unsigned int flags)
{
	struct vbm_constraints limits;

	vbm_device_describe(dev, &limits);
	/* An IOMMU makes one address of any memory. */
	if (flags & VBM_SHARED_CONTIG && !limits.translated)
		vbm_constraints_one_address(&limits);
	vbm_constraints_settle(&limits, size);
	vbm_constraints_merge(all, &limits);
}

static void vbm_shared_drop_maps(struct vbm_shared *shared)
{
	struct vbm_buf *buf = shared->buf;
	unsigned int i;

	mutex_lock(&buf->lock);
	for (i = 0; i < shared->nr && shared->maps[i]; i++) {
		vbm_mapping_unuse_locked(shared->maps[i], true);
		vbm_mapping_put_locked(shared->maps[i]);
		shared->maps[i] = NULL;
	}
	mutex_unlock(&buf->lock);
}

static bool vbm_shared_usable(const struct vbm_shared *shared,
			      const struct vbm_mapping *map)
{
	if (shared->flags & VBM_SHARED_CONTIG &&
	    vbm_mapping_contiguous(&map->sgt) < shared->buf->plane.size)
		return false;
	return !(shared->flags & VBM_SHARED_COHERENT) || !map->need_sync;
}

/* A mapping for each device; the first has the buffer's own. */
static int vbm_shared_map(struct vbm_shared *shared,
			  struct device * const *devs)
{
	struct vbm_buf *buf = shared->buf;
	struct vbm_device *vdev;
	struct vbm_mapping *map;
	unsigned int i;
	int ret = 0;

	mutex_lock(&buf->lock);
	for (i = 0; !ret && i < shared->nr; i++) {
		vdev = vbm_device_get(devs[i]);
		if (IS_ERR(vdev)) {
			ret = PTR_ERR(vdev);
			break;
		}
		map = vbm_mapping_find_locked(buf, vdev, buf->plane.dir, true);
		if (map)
			vbm_mapping_use_locked(map, true);
		else
			map = vbm_mapping_new_locked(buf, buf->backing, vdev,
						     devs[i],
						     buf->plane.dir,
						     VBM_MAP_EXACT);
		vbm_device_put(vdev);
		if (IS_ERR(map)) {
			ret = PTR_ERR(map);
			break;
		}
		shared->maps[i] = map;
		if (!vbm_shared_usable(shared, map))
			ret = -EFAULT;
	}
	mutex_unlock(&buf->lock);
	if (ret)
		vbm_shared_drop_maps(shared);
	return ret;
}

static int vbm_shared_try(struct vbm_shared *shared,
			  struct device * const *devs,
			  const struct vbm_request *req,
			  const struct vbm_allocator *allocator)
{
	struct vbm_backing *backing;
	struct vbm_buf *buf;
	int ret;

	buf = kzalloc_obj(*buf);
	if (!buf)
		return -ENOMEM;
	vbm_buf_init(buf);
	buf->plane.kind = VBM_MMAP;
	buf->plane.contig = shared->flags & VBM_SHARED_CONTIG;
	buf->plane.dir = req->dir;
	buf->plane.dev = req->dev;
	buf->plane.size = req->size;
	buf->coherent = req->coherent;
	shared->buf = buf;

	backing = allocator->alloc(req);
	if (IS_ERR(backing)) {
		ret = PTR_ERR(backing);
		goto err_put;
	}
	mutex_lock(&buf->lock);
	ret = vbm_buf_set_backing_locked(buf, backing);
	mutex_unlock(&buf->lock);
	if (ret) {
		vbm_backing_put(backing);
		goto err_refused;
	}
	ret = vbm_shared_map(shared, devs);
	if (!ret)
		return 0;

err_refused:
	/* There is memory, and a device that does not have it: the next. */
	if (ret == -EFAULT || ret == -EIO)
		ret = -EOPNOTSUPP;
err_put:
	vbm_buf_put(buf);
	shared->buf = NULL;
	return ret;
}

static int vbm_shared_find(struct vbm_shared *shared,
			   struct device * const *devs,
			   const struct vbm_request *req)
{
	const struct vbm_allocator * const *allocator;
	int ret = -EOPNOTSUPP;

	for (allocator = vbm_alloc_table(); *allocator; allocator++) {
		if (!(*allocator)->suits(req))
			continue;
		ret = vbm_shared_try(shared, devs, req, *allocator);
		if ((ret != -EOPNOTSUPP && ret != -EAGAIN) ||
		    (*allocator)->only)
			return ret;
	}
	return ret == -EAGAIN ? -ENOMEM : ret;
}

/**
 * vbm_shared_alloc() - memory that several devices have
 * @devs: the devices, each with a driver; one may be there twice
 * @nr_devs: their number, at least one
 * @size: bytes, rounded up to whole pages
 * @dir: direction of the DMA of all of them
 * @flags: VBM_SHARED_*
 *
 * The memory is zeroed, and mapped for all of @devs. If the first one's buffers
 * live in a region (vbm_region_register()), so does this.
 *
 * Context: may sleep.
 * Return: the memory with one reference, or ERR_PTR(): -EINVAL; -ENOMEM;
 *	-EOPNOTSUPP if there is no memory that suits all of them; -ENODEV if the
 *	driver of one is going.
 */
struct vbm_shared *vbm_shared_alloc(struct device * const *devs,
				    unsigned int nr_devs, size_t size,
				    enum dma_data_direction dir,
				    unsigned int flags)
{
	struct vbm_constraints all;
	bool limited = false;
	struct vbm_request req = {
		.limits = &all,
		.size = PAGE_ALIGN(size),
		.dir = dir,
		.coherent = flags & VBM_SHARED_COHERENT,
		.limited = &limited,
	};
	struct vbm_shared *shared;
	unsigned int i;
	int ret;

	if (!nr_devs || !req.size || dir < 0 || dir >= DMA_NONE ||
	    flags & ~(VBM_SHARED_CONTIG | VBM_SHARED_COHERENT))
		return ERR_PTR(-EINVAL);
	shared = kzalloc_flex(*shared, maps, nr_devs);
	if (!shared)
		return ERR_PTR(-ENOMEM);
	kref_init(&shared->ref);
	shared->flags = flags;
	shared->nr = nr_devs;

	req.dev = devs[0];
	vbm_constraints_init(&all);
	for (i = 0; i < nr_devs; i++)
		vbm_shared_add(&all, devs[i], req.size, flags);
	req.contig = all.max_segments == 1;
	ret = -EOPNOTSUPP;
	if (!vbm_constraints_possible(&all, req.size))
		ret = vbm_shared_find(shared, devs, &req);
	if (vbm_cache_retry(ret))
		ret = vbm_shared_find(shared, devs, &req);
	if (ret) {
		vbm_fail(&(struct vbm_failure) {
			.task = VBM_TASK_SHARED,
			.stat = ret != -ENOMEM ? VBM_NR_STATS :
				limited ? VBM_STAT_FAIL_LIMIT :
					  VBM_STAT_FAIL_NOMEM,
			.error = ret,
			.dev = dev_name(devs[0]),
			.size = req.size,
		});
		kfree(shared);
		return ERR_PTR(ret);
	}
	vbm_buf_publish(shared->buf);
	return shared;
}
EXPORT_SYMBOL_GPL(vbm_shared_alloc);

/**
 * vbm_shared_get() - a reference more
 * @shared: the memory
 *
 * Context: any.
 */
void vbm_shared_get(struct vbm_shared *shared)
{
	kref_get(&shared->ref);
}
EXPORT_SYMBOL_GPL(vbm_shared_get);

static void vbm_shared_release(struct kref *ref)
{
	struct vbm_shared *shared = container_of(ref, struct vbm_shared, ref);

	vbm_shared_drop_maps(shared);
	vbm_buf_put(shared->buf);
	kfree(shared);
}

/**
 * vbm_shared_put() - a reference less
 * @shared: the memory; no device does DMA to it for the caller any more
 *
 * Context: may sleep.
 */
void vbm_shared_put(struct vbm_shared *shared)
{
	kref_put(&shared->ref, vbm_shared_release);
}
EXPORT_SYMBOL_GPL(vbm_shared_put);

static struct vbm_mapping *vbm_shared_of(struct vbm_shared *shared,
					 const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < shared->nr; i++)
		if (shared->maps[i]->vdev->dev == dev)
			return shared->maps[i];
	return NULL;
}

/**
 * vbm_shared_sgt() - where a device finds the memory
 * @shared: the memory
 * @dev: the device
 *
 * One segment at least. With VBM_SHARED_CONTIG they are adjacent: the address of
 * the first is that of all of it.
 *
 * Context: any; the driver of @dev is there.
 * Return: the mapped table, to be read only, valid until the put or the end of
 *	@dev's driver; NULL if @dev is none of its devices, or has gone.
 */
const struct sg_table *vbm_shared_sgt(struct vbm_shared *shared,
				      const struct device *dev)
{
	struct vbm_mapping *map = vbm_shared_of(shared, dev);

	return map && READ_ONCE(map->live) ? &map->sgt : NULL;
}
EXPORT_SYMBOL_GPL(vbm_shared_sgt);

/**
 * vbm_shared_vaddr() - a kernel address of the memory
 * @shared: the memory
 *
 * Context: may sleep the first time; then any.
 * Return: the address, valid until the put, or NULL: no memory, or device memory.
 */
void *vbm_shared_vaddr(struct vbm_shared *shared)
{
	return vbm_vmap_addr(shared->buf);
}
EXPORT_SYMBOL_GPL(vbm_shared_vaddr);

/**
 * vbm_shared_give() - a device is about to do DMA
 * @shared: the memory
 * @dev: the device, one of those that it was allocated for
 *
 * Context: may sleep, as vb2's prepare. Costs a test where nothing bounces and
 *	all devices are coherent.
 */
void vbm_shared_give(struct vbm_shared *shared, const struct device *dev)
{
	struct vbm_mapping *map = vbm_shared_of(shared, dev);

	if (map)
		vbm_cpu_give(map, false);
}
EXPORT_SYMBOL_GPL(vbm_shared_give);

/**
 * vbm_shared_take() - a device has done its DMA
 * @shared: the memory
 * @dev: the device
 *
 * Context: any, hard interrupts too.
 */
void vbm_shared_take(struct vbm_shared *shared, const struct device *dev)
{
	struct vbm_mapping *map = vbm_shared_of(shared, dev);

	if (map)
		vbm_cpu_take(map, false);
}
EXPORT_SYMBOL_GPL(vbm_shared_take);

/**
 * vbm_shared_begin() - the CPU is about to access the memory
 * @shared: the memory
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 *
 * Only needed while a device has it.
 *
 * Context: may sleep.
 */
void vbm_shared_begin(struct vbm_shared *shared, enum dma_data_direction dir)
{
	vbm_cpu_begin(shared->buf, dir);
}
EXPORT_SYMBOL_GPL(vbm_shared_begin);

/**
 * vbm_shared_end() - the CPU has accessed the memory
 * @shared: the memory
 * @dir: as for vbm_shared_begin()
 *
 * Context: may sleep.
 */
void vbm_shared_end(struct vbm_shared *shared, enum dma_data_direction dir)
{
	vbm_cpu_end(shared->buf, dir);
}
EXPORT_SYMBOL_GPL(vbm_shared_end);
