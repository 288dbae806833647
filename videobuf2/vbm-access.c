// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU access to a part of a plane, for drivers: <media/videobuf2-mem.h>.
 *
 * get secures the storage, brings the bytes into memory and may fail; what
 * follows can not. From get to put the driver has the buffer: vb2 must not free,
 * unmap or detach it meanwhile, so the same bounds hold as for vaddr and cookie.
 *
 *   memory of ours   pages are mapped one at a time (kmap_local_page()), or
 *   USERPTR          reached by the address that all of it has anyway. The sync
 *                    is vbm-cpu.c's, on every mapping that needs it
 *   imports of ours  the same, by way of the mapping to the exporter's buffer
 *   other imports    their pages are not ours to touch, so the exporter is asked
 *                    for a kernel mapping of it all. If what our device sees
 *                    needs syncing, that is done by address, in the range; else
 *                    the exporter is told (begin_cpu_access)
 *
 * How the storage is held: &vbm_buf.accesses counts, under &vbm_buf.lock. As long
 * as it is not 0 the backing stays, so its extents may be walked without a lock.
 * A get of a managed buffer that has none yet allocates; what moves buffers looks
 * at the count under the same lock (vbm-move.c).
 */

#include <linux/dma-buf.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include <media/videobuf2-core.h>
#include <media/videobuf2-mem.h>

#include "vbm-cpu.h"
#include "vbm-failure.h"
#include "vbm-import.h"
#include "vbm-mapping.h"
#include "vbm-memops.h"
#include "vbm-stats.h"
#include "vbm-storage.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

/*
 * The mapping of our storage by which the driver has it; NULL if not ours. Stays
 * what it is while the buffer is accessed or, of an import, mapped.
 */
static struct vbm_mapping *vbm_access_mapping(struct vbm_plane *plane)
{
	if (plane->kind == VBM_IMPORT)
		return vbm_plane_import(plane)->map;
	return vbm_plane_buf(plane)->own;
}

/* Whose storage it is; NULL if not ours. */
static struct vbm_buf *vbm_access_buf(struct vbm_plane *plane)
{
	if (plane->kind != VBM_IMPORT)
		return vbm_plane_buf(plane);
	return vbm_plane_import(plane)->map ? vbm_plane_import(plane)->map->buf :
					      NULL;
}

static int vbm_access_get_ours(struct vbm_access *acc, struct vbm_buf *buf)
{
	int ret;

	/* What was pinned to be read may not be the program's to be written. */
	if (buf->plane.kind == VBM_USERPTR && acc->dir != DMA_FROM_DEVICE &&
	    buf->plane.dir == DMA_TO_DEVICE)
		return -EACCES;

	ret = vbm_storage_secure(buf);
	if (ret)
		return ret;
	mutex_lock(&buf->lock);
	ret = -EOPNOTSUPP;
	if (vbm_vmap_possible(buf))
		ret = vbm_cpu_begin_range_locked(vbm_access_mapping(acc->plane),
						 acc->offset, acc->length,
						 acc->dir);
	if (!ret)
		buf->accesses++;
	mutex_unlock(&buf->lock);
	if (ret)
		return ret;

	acc->skip = buf->backing->offset;
	if (buf->vaddr_fixed)
		acc->vaddr = buf->vaddr;
	acc->ext = buf->backing->extents;
	return 0;
}

static void vbm_access_put_ours(struct vbm_access *acc, struct vbm_mapping *by)
{
	struct vbm_buf *buf = by->buf;

	mutex_lock(&buf->lock);
	vbm_cpu_end_range_locked(by, acc->offset, acc->length, acc->dir);
	buf->accesses--;
	mutex_unlock(&buf->lock);
}

/*
 * Sync the range for our device, if it has the buffer: else the next prepare
 * does. The lock keeps it mapped. What is behind the addresses is the CPU's
 * only then, whatever the exporter does.
 */
static int vbm_access_sync_foreign_locked(struct vbm_access *acc,
					  struct vbm_import *imp, bool for_cpu)
{
	struct vbm_plane *plane = acc->plane;

	lockdep_assert_held(&imp->lock);
	if (!imp->attach)
		return -ENODEV;
	if (!imp->foreign_sync)
		return 0;

	flush_kernel_vmap_range(acc->vaddr + acc->offset, acc->length);
	if (READ_ONCE(imp->prepared)) {
		if (!for_cpu)
			vbm_cpu_foreign_give(plane->dev, plane->sgt,
					     acc->offset, acc->length,
					     imp->map_dir);
		else if (plane->dir != DMA_TO_DEVICE)
			vbm_cpu_foreign_take(plane->dev, plane->sgt,
					     acc->offset, acc->length,
					     imp->map_dir);
	}
	if (for_cpu)
		invalidate_kernel_vmap_range(acc->vaddr + acc->offset,
					     acc->length);
	return 0;
}

/*
 * Our device must not be capturing if the CPU is to write; see vbm-cpu.c.
 *
 * Who syncs by address does not tell the exporter, as prepare and finish do not:
 * exporters that sync all that is attached, in the direction of the CPU's access,
 * would bring the bytes back that were last given to a device that only reads.
 * And a driver that has the kernel address holds CPU access already, and what it
 * wrote is with the exporter no earlier than with the next prepare: to ask once
 * more could bring back what was there before.
 */
static int vbm_access_begin_foreign(struct vbm_access *acc,
				    struct vbm_import *imp)
{
	int ret = 0;

	mutex_lock(&imp->lock);
	imp->fresh = false;
	if (!imp->attach) {
		ret = -ENODEV;
	} else if (acc->dir != DMA_FROM_DEVICE && imp->foreign_sync &&
		   READ_ONCE(imp->prepared) &&
		   imp->map_dir == DMA_FROM_DEVICE) {
		/* It is not coherent, or may bounce all the same. */
		ret = -EBUSY;
	} else if (!imp->vaddr && !imp->foreign_sync) {
		ret = dma_buf_begin_cpu_access(imp->dmabuf, acc->dir);
		acc->told = !ret;
	}
	if (!ret)
		ret = vbm_access_sync_foreign_locked(acc, imp, true);
	mutex_unlock(&imp->lock);
	return ret;
}

/* @stat: the reason, where it has a counter. */
static int vbm_access_get_foreign(struct vbm_access *acc,
				  struct vbm_import *imp, enum vbm_stat *stat)
{
	struct iosys_map map;
	int ret;

	if (!imp->dmabuf->ops->vmap)
		return -EOPNOTSUPP;
	/* Counted by dma-buf, and independent of our device. */
	ret = dma_buf_vmap_unlocked(imp->dmabuf, &map);
	if (ret)
		return ret;
	if (map.is_iomem) {
		*stat = VBM_STAT_FAIL_IOMEM;
		ret = -EOPNOTSUPP;
		goto err_vunmap;
	}
	acc->vaddr = map.vaddr;
	ret = vbm_access_begin_foreign(acc, imp);
	if (ret)
		goto err_vunmap;

	vbm_stat_inc(VBM_STAT_ACCESS_VMAPS);
	return 0;

err_vunmap:
	dma_buf_vunmap_unlocked(imp->dmabuf, &map);
	return ret;
}

static void vbm_access_put_foreign(struct vbm_access *acc,
				   struct vbm_import *imp)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(acc->vaddr);

	mutex_lock(&imp->lock);
	if (acc->dir != DMA_FROM_DEVICE)
		vbm_access_sync_foreign_locked(acc, imp, false);
	mutex_unlock(&imp->lock);
	if (acc->told)
		dma_buf_end_cpu_access(imp->dmabuf, acc->dir);
	dma_buf_vunmap_unlocked(imp->dmabuf, &map);
}

/* The plane, if it is one of ours and has that range. */
static struct vbm_plane *vbm_access_plane(struct vb2_buffer *vb,
					  unsigned int plane, size_t offset,
					  size_t length)
{
	struct vbm_plane *p;
	size_t size;

	if (vb->vb2_queue->mem_ops->put != vbm_memops_put)
		return ERR_PTR(-EOPNOTSUPP);
	if (plane >= vb->num_planes || !vb->planes[plane].mem_priv)
		return ERR_PTR(-EINVAL);

	p = vb->planes[plane].mem_priv;
	size = min_t(size_t, p->size, vb2_plane_size(vb, plane));
	if (!length || offset > size || length > size - offset)
		return ERR_PTR(-EINVAL);
	return p;
}

static int vbm_access_fail(const struct vbm_plane *p, size_t length,
			   enum vbm_stat stat, int ret)
{
	if (ret == -ENODEV)
		stat = VBM_STAT_FAIL_NODEV;
	else if (ret == -ENOMEM)
		stat = VBM_STAT_FAIL_NOMEM;
	vbm_fail(&(struct vbm_failure) {
		.task = VBM_TASK_ACCESS,
		.stat = stat,
		.error = ret,
		.dev = p && p->dev ? dev_name(p->dev) : NULL,
		.size = length,
	});
	return ret;
}

/**
 * vbm_access_get() - give a driver's CPU access to some bytes of a plane
 * @acc: the access, the caller's; to be given to vbm_access_put() if this succeeds
 * @vb: the buffer; the driver has it, and has vb2 keep it until the put
 * @plane: the number of the plane
 * @offset: the first byte, counted from the beginning of the plane; what user
 *	space gives as data_offset has no part in it
 * @length: bytes, at least one
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, DMA_BIDIRECTIONAL for both
 *
 * The bytes are brought up to date, with what devices wrote up to now, also if
 * the driver's own is still at work. Only they are synced: where the device is
 * not coherent and works right beside them, the range should be whole cache
 * lines (dma_get_cache_alignment()).
 *
 * The storage stays where it is until the put, which passes on what was written.
 * The device should leave those bytes alone meanwhile.
 *
 * Several accesses to a buffer at a time are the driver's to keep apart where one
 * writes. So are prepare and finish: what is got after buf_queue is put before
 * vb2_buffer_done(), or what was written may be lost.
 *
 * Context: may sleep. Takes no lock of vb2's, so vb2_queue.lock may be held or
 *	not; not a reservation lock.
 * Return: 0, or
 *	-EINVAL if there is no such plane or range;
 *	-ENOMEM without memory;
 *	-ENODEV if the driver of the queue's device has gone;
 *	-EBUSY to write, while the device captures into the buffer and sees a copy
 *	of it, or is not coherent: the end of the capture would undo it. A driver
 *	whose CPU adds to what its device captures sets &vb2_queue.bidirectional;
 *	-EACCES to write to USERPTR memory of an OUTPUT queue;
 *	-EOPNOTSUPP if the queue is another backend's, if the memory can have no
 *	kernel address (DMA_ATTR_NO_KERNEL_MAPPING) or is device memory;
 *	what a foreign exporter returned.
 */
int vbm_access_get(struct vbm_access *acc, struct vb2_buffer *vb,
		   unsigned int plane, size_t offset, size_t length,
		   enum dma_data_direction dir)
{
	struct vbm_plane *p = vbm_access_plane(vb, plane, offset, length);
	enum vbm_stat stat = VBM_NR_STATS;
	struct vbm_buf *buf;
	int ret;

	if (IS_ERR(p))
		return vbm_access_fail(NULL, length, stat, PTR_ERR(p));
	if (WARN_ON_ONCE(dir < 0 || dir >= DMA_NONE))
		return -EINVAL;

	*acc = (struct vbm_access) {
		.plane = p,
		.offset = offset,
		.length = length,
		.dir = dir,
	};
	buf = vbm_access_buf(p);
	if (buf)
		ret = vbm_access_get_ours(acc, buf);
	else
		ret = vbm_access_get_foreign(acc, vbm_plane_import(p), &stat);
	if (ret)
		return vbm_access_fail(p, length, stat, ret);

	vbm_stat_inc(VBM_STAT_ACCESSES);
	vbm_stat_add(VBM_STAT_BYTES_ACCESSED, length);
	trace_vbm_access(p, offset, length, dir);
	return 0;
}
EXPORT_SYMBOL_GPL(vbm_access_get);

/**
 * vbm_access_put() - end a CPU access
 * @acc: what vbm_access_get() filled; no page of it is mapped any more
 *
 * If the access was to write, all of the range is passed on to those devices
 * that have the buffer; the others get it before their next DMA. But a device
 * that only writes is given nothing: what was written to a buffer before it is
 * captured into is not kept, unless &vb2_queue.bidirectional is set.
 *
 * Context: may sleep; as for vbm_access_get().
 */
void vbm_access_put(struct vbm_access *acc)
{
	struct vbm_mapping *by = vbm_access_mapping(acc->plane);

	if (by)
		vbm_access_put_ours(acc, by);
	else
		vbm_access_put_foreign(acc, vbm_plane_import(acc->plane));
}
EXPORT_SYMBOL_GPL(vbm_access_put);

/* Mostly the next page after the last one that was looked for. */
static struct page *vbm_access_page(struct vbm_access *acc, unsigned long index)
{
	if (index < acc->ext_first) {
		acc->ext = vbm_access_mapping(acc->plane)->backing->extents;
		acc->ext_first = 0;
	}
	while (index - acc->ext_first >= acc->ext->nr_pages) {
		acc->ext_first += acc->ext->nr_pages;
		acc->ext++;
	}
	return acc->ext->page + (index - acc->ext_first);
}

/**
 * vbm_access_map_local() - map one page of what an access is to
 * @acc: the access
 * @offset: the first byte wanted, counted from the beginning of the plane
 * @length: result: how many bytes from there on are mapped, and in the range
 *
 * Does not sleep, and needs no address space where the kernel has none to spare:
 * see kmap_local_page(), whose rules hold; who writes calls flush_dcache_page().
 * What is mapped is this task's, and is unmapped by it, in reverse order; few
 * pages can be mapped at a time.
 *
 * Context: any.
 * Return: the address of that byte, or NULL if it is not in the range.
 */
void *vbm_access_map_local(struct vbm_access *acc, size_t offset,
			   size_t *length)
{
	size_t at = acc->skip + offset;

	if (offset < acc->offset || offset - acc->offset >= acc->length)
		return NULL;

	*length = min_t(size_t, PAGE_SIZE - offset_in_page(at),
			acc->offset + acc->length - offset);
	if (acc->vaddr)
		return acc->vaddr + offset;
	return kmap_local_page(vbm_access_page(acc, at >> PAGE_SHIFT)) +
	       offset_in_page(at);
}
EXPORT_SYMBOL_GPL(vbm_access_map_local);

/**
 * vbm_access_unmap_local() - undo vbm_access_map_local()
 * @acc: the access
 * @addr: what it returned, or any address in the same page
 *
 * Context: any; the task that mapped it.
 */
void vbm_access_unmap_local(struct vbm_access *acc, void *addr)
{
	if (!acc->vaddr)
		kunmap_local(addr);
}
EXPORT_SYMBOL_GPL(vbm_access_unmap_local);

static int vbm_access_copy(struct vbm_access *acc, size_t offset, void *buf,
			   size_t length, bool write)
{
	size_t end, n;
	void *addr;

	if (offset < acc->offset ||
	    check_add_overflow(offset, length, &end) ||
	    end > acc->offset + acc->length)
		return -EINVAL;

	for (; length; offset += n, buf += n, length -= n) {
		addr = vbm_access_map_local(acc, offset, &n);
		n = min(n, length);
		if (write)
			memcpy(addr, buf, n);
		else
			memcpy(buf, addr, n);
		/* User space may see the page by another address. */
		if (write && !acc->vaddr)
			flush_dcache_page(vbm_access_page(acc, (acc->skip +
							  offset) >> PAGE_SHIFT));
		vbm_access_unmap_local(acc, addr);
	}
	return 0;
}

/**
 * vbm_access_read() - copy bytes out of what an access is to
 * @acc: the access, to read
 * @offset: the first byte, counted from the beginning of the plane
 * @dst: where to
 * @length: how many
 *
 * Context: any; a page at a time, by vbm_access_map_local().
 * Return: 0, or -EINVAL if they are not all in the range.
 */
int vbm_access_read(struct vbm_access *acc, size_t offset, void *dst,
		    size_t length)
{
	return vbm_access_copy(acc, offset, dst, length, false);
}
EXPORT_SYMBOL_GPL(vbm_access_read);

/**
 * vbm_access_write() - copy bytes into what an access is to
 * @acc: the access, to write
 * @offset: the first byte, counted from the beginning of the plane
 * @src: where from
 * @length: how many
 *
 * Context: any; a page at a time, by vbm_access_map_local().
 * Return: 0, or -EINVAL if they are not all in the range.
 */
int vbm_access_write(struct vbm_access *acc, size_t offset, const void *src,
		     size_t length)
{
	return vbm_access_copy(acc, offset, (void *)src, length, true);
}
EXPORT_SYMBOL_GPL(vbm_access_write);
