// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plane with storage of its own: from allocation to the last reference.
 *
 * alloc() promises that the queue's own device can use the memory, since
 * neither cookie() nor prepare() can fail later. So memory is accepted only
 * together with a mapping for that device that is good enough: in one piece
 * for dma-contig, and without bouncing where the driver expects coherent
 * memory. An allocator whose memory is not gets it back, and the next one is
 * asked. A managed buffer goes without for a while: vbm-storage.c.
 */

#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <media/videobuf2-core.h>

#include "vbm-buf.h"
#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-cache.h"
#include "vbm-cpu.h"
#include "vbm-device.h"
#include "vbm-failure.h"
#include "vbm-freeze.h"
#include "vbm-limits.h"
#include "vbm-mapping.h"
#include "vbm-region.h"
#include "vbm-stats.h"
#include "vbm-storage.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

struct vbm_inbox vbm_registry = {
	.fresh = LLIST_HEAD_INIT(vbm_registry.fresh),
	.list = LIST_HEAD_INIT(vbm_registry.list),
};

/* Guards vbm_registry: planes that debugfs shows. */
DEFINE_MUTEX(vbm_registry_lock);

void vbm_plane_register(struct vbm_plane *plane)
{
	static atomic_t next_id;

	do
		plane->id = atomic_inc_return(&next_id);
	while (!plane->id);
	vbm_inbox_add(&vbm_registry, &plane->letter);
}

void vbm_plane_unregister(struct vbm_plane *plane)
{
	mutex_lock(&vbm_registry_lock);
	vbm_inbox_del(&vbm_registry, &plane->letter);
	mutex_unlock(&vbm_registry_lock);
}

/* A zeroed buffer becomes one without storage, with one reference. */
void vbm_buf_init(struct vbm_buf *buf)
{
	refcount_set(&buf->ref, 1);
	mutex_init(&buf->lock);
	spin_lock_init(&buf->sync_lock);
	INIT_LIST_HEAD(&buf->mappings);
	vbm_inbox_init(&buf->attachments);
	INIT_LIST_HEAD(&buf->vmas);
	dma_resv_init(&buf->resv);
}

/* Drop what a buffer has, whole or half built. */
static void vbm_buf_fini(struct vbm_buf *buf)
{
	/* A driver that lets vb2 have its buffers back has none of these. */
	VBM_ASSERT(!buf->accesses);
	vbm_vmap_fini(buf);
	if (buf->own) {
		vbm_mapping_unuse_locked(buf->own, true);
		vbm_mapping_put_locked(buf->own);
	}
	VBM_ASSERT(list_empty(&buf->mappings));
	VBM_ASSERT(list_empty(vbm_inbox_list(&buf->attachments)));
	if (buf->file)
		fput(buf->file);
	vbm_backing_put(buf->backing);
	vbm_storage_fini(buf);
	mem_cgroup_put(buf->memcg);
	dma_resv_fini(&buf->resv);
	mutex_destroy(&buf->lock);
}

size_t vbm_buf_metadata(const struct vbm_buf *buf)
{
	size_t size = sizeof(*buf) + vbm_backing_metadata(buf->backing);

	return buf->own ? size + vbm_mapping_metadata(buf->own) : size;
}

static void vbm_buf_account(const struct vbm_buf *buf, int sign)
{
	if (buf->plane.kind == VBM_MMAP) {
		vbm_stat_add(VBM_STAT_BUFFERS, sign);
		if (buf->backing)
			vbm_stat_add(VBM_STAT_BYTES,
				     sign * (s64)buf->plane.size);
	} else {
		vbm_stat_add(VBM_STAT_USERPTRS, sign);
	}
	vbm_stat_add(VBM_STAT_METADATA_BYTES,
		     sign * (s64)vbm_buf_metadata(buf));
}

/* Show a complete buffer to people. */
void vbm_buf_publish(struct vbm_buf *buf)
{
	vbm_plane_register(&buf->plane);
	vbm_buf_account(buf, 1);
	if (buf->plane.kind == VBM_MMAP) {
		vbm_stat_inc(VBM_STAT_BUFFERS_TOTAL);
		if (buf->backing)
			vbm_stat_add(VBM_STAT_BYTES_TOTAL, buf->plane.size);
	} else {
		vbm_stat_inc(VBM_STAT_USERPTRS_TOTAL);
	}
}

/* Is a mapping good enough for the own device and its driver? */
bool vbm_buf_usable(const struct vbm_buf *buf, const struct vbm_mapping *own)
{
	const struct sg_table *sgt = &own->sgt;
	dma_addr_t addr = sg_dma_address(sgt->sgl);
	struct device *dev = buf->plane.dev;

	if (!buf->plane.contig)
		return true;
	if (vbm_mapping_contiguous(sgt) < buf->plane.size)
		return false;
	/* Bounce buffers are neighbours by chance. */
	if (sgt->nents > 1 && !own->vdev->limits.translated &&
	    vbm_cpu_bounces(own))
		return false;
	if (!buf->coherent || own->fixed)
		return true;
	return !own->need_sync &&
	       addr + buf->plane.size - 1 <= dev->coherent_dma_mask;
}

/**
 * vbm_buf_set_backing_locked() - give a buffer its storage
 * @buf: the buffer, which has none
 * @backing: the storage; the reference is taken over if this succeeds
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: 0; -EFAULT if @backing is not good enough for the own device; what
 *	vbm_mapping_new_locked() gives.
 */
int vbm_buf_set_backing_locked(struct vbm_buf *buf,
			       struct vbm_backing *backing)
{
	struct vbm_plane *plane = &buf->plane;
	struct vbm_mapping *own;

	lockdep_assert_held(&buf->lock);
	vbm_backing_publish(backing);
	if (backing->part) {
		int ret = vbm_region_join(backing->part, buf);

		if (ret)
			return ret;
	}
	own = vbm_mapping_new_locked(buf, backing, NULL, plane->dev, plane->dir,
				     VBM_MAP_EXACT);
	if (IS_ERR(own))
		return PTR_ERR(own);
	if (!vbm_buf_usable(buf, own)) {
		vbm_mapping_unuse_locked(own, true);
		vbm_mapping_put_locked(own);
		return -EFAULT;
	}

	buf->own = own;
	plane->dma_addr = sg_dma_address(own->sgt.sgl);
	buf->table = own->sgt;
	plane->sgt = &buf->table;
	if (plane->kind == VBM_USERPTR)
		vbm_freeze(buf, VBM_FREEZE_USERPTR);
	else if (!backing->allocator->movable)
		vbm_freeze(buf, VBM_FREEZE_MEMORY);
	vbm_vmap_init(buf, backing);
	/* vbm_storage_is_there() looks without the lock. */
	smp_store_release(&buf->backing, backing);
	return 0;
}

static bool vbm_buf_keeps_to(struct vbm_backing *backing,
			     const struct vbm_constraints *limits)
{
	vbm_backing_publish(backing);
	return vbm_backing_check(backing, limits) == VBM_REQ_NONE;
}

/*
 * Ask the allocators in turn. Memory that the device can not use (-EFAULT, what
 * mapping it gave) is a reason to ask the next one; no memory is not. @movable:
 * only those whose memory can be left again, or a region, which nothing
 * replaces. @for_all: only what keeps to these limits, which are a merge; or NULL.
 */
int vbm_buf_find_backing_locked(struct vbm_buf *buf,
				const struct vbm_request *req, bool movable,
				const struct vbm_constraints *for_all)
{
	const struct vbm_allocator * const *allocator;
	struct vbm_backing *backing;
	int ret = -EAGAIN;

	for (allocator = vbm_alloc_table(); *allocator; allocator++) {
		if ((movable && !(*allocator)->movable &&
		     !(*allocator)->only) || !(*allocator)->suits(req))
			continue;
		backing = (*allocator)->alloc(req);
		if (IS_ERR(backing)) {
			ret = PTR_ERR(backing);
			if (ret != -EAGAIN)
				return ret;
			continue;
		}
		ret = -EFAULT;
		if (!for_all || (*allocator)->only ||
		    vbm_buf_keeps_to(backing, for_all))
			ret = vbm_buf_set_backing_locked(buf, backing);
		if (!ret)
			return 0;
		vbm_backing_put(backing);
		if ((*allocator)->only)
			return ret;
	}
	return ret;
}

static int vbm_buf_find_backing(struct vbm_buf *buf,
				const struct vbm_request *req)
{
	int ret;

	mutex_lock(&buf->lock);
	ret = vbm_buf_find_backing_locked(buf, req, false, NULL);
	mutex_unlock(&buf->lock);
	return ret;
}

/* A plane of an MMAP buffer that has no storage. */
struct vbm_buf *vbm_buf_new(struct vb2_buffer *vb, struct device *dev,
			    size_t size, bool contig)
{
	struct vb2_queue *q = vb->vb2_queue;
	struct vbm_buf *buf;

	buf = kzalloc_obj(*buf);
	if (!buf)
		return NULL;
	vbm_buf_init(buf);
	buf->plane.kind = VBM_MMAP;
	buf->plane.contig = contig;
	buf->plane.dir = q->dma_dir;
	buf->plane.vb = vb;
	buf->plane.dev = dev;
	buf->plane.size = size;
	buf->coherent = contig && !q->non_coherent_mem;
	buf->gfp = q->gfp_flags;
	/* dma-sg has never looked at them. */
	buf->attrs = contig ? q->dma_attrs : 0;
	/* Who pays, also for where it moves to. Root's: nobody. */
	buf->memcg = get_mem_cgroup_from_mm(current->mm);
	return buf;
}

/* What its own device asks for. */
void vbm_buf_request(struct vbm_buf *buf,
		     const struct vbm_constraints *limits,
		     struct vbm_request *req)
{
	*req = (struct vbm_request) {
		.dev = buf->plane.dev,
		.limits = limits,
		.size = buf->plane.size,
		.gfp = buf->gfp,
		.attrs = buf->attrs,
		.dir = buf->plane.dir,
		.contig = buf->plane.contig,
		.coherent = buf->coherent,
		.limited = &buf->limited,
	};
}

/**
 * vbm_buf_alloc() - storage for one plane of an MMAP buffer
 * @vb: the vb2 buffer
 * @dev: the device that will use it
 * @size: bytes, a multiple of PAGE_SIZE
 * @contig: the driver wants one address, not a list
 *
 * The memory is zeroed, and mapped for @dev.
 *
 * Context: may sleep; vb2_queue.lock held, mmap_lock not.
 * Return: the buffer with one reference, or ERR_PTR(): -ENOMEM, -ENODEV if the
 *	driver of @dev is going, or why the DMA API could not map it.
 */
struct vbm_buf *vbm_buf_alloc(struct vb2_buffer *vb, struct device *dev,
			      size_t size, bool contig)
{
	struct vbm_constraints limits;
	struct vbm_request req;
	struct vbm_buf *buf;
	int ret;

	buf = vbm_buf_new(vb, dev, size, contig);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	buf->movable = vbm_freeze_listed(dev);

	vbm_device_describe(dev, &limits);
	vbm_buf_request(buf, &limits, &req);
	ret = vbm_buf_find_backing(buf, &req);
	if (vbm_cache_retry(ret))
		ret = vbm_buf_find_backing(buf, &req);
	/* There is memory, and none that would do: more of it is no help. */
	if (ret == -EFAULT || ret == -EAGAIN)
		ret = -ENOMEM;
	if (ret)
		goto err_free;

	/*
	 * A driver of coherent memory may ask for the address from an
	 * interrupt, where none can be made. Device memory has none.
	 */
	if (buf->coherent && !(req.attrs & DMA_ATTR_NO_KERNEL_MAPPING) &&
	    (!buf->backing->part || vbm_vmap_possible(buf))) {
		ret = vbm_vmap_hold(buf);
		if (ret)
			goto err_free;
	}

	vbm_buf_publish(buf);
	trace_vbm_buf_alloc(&buf->plane, vbm_buf_device(buf));
	return buf;

err_free:
	vbm_fail(&(struct vbm_failure) {
		.task = VBM_TASK_ALLOC,
		.stat = buf->limited ? VBM_STAT_FAIL_LIMIT :
				       VBM_STAT_FAIL_NOMEM,
		.error = ret,
		.dev = dev_name(dev),
		.size = size,
	});
	vbm_buf_put(buf);
	return ERR_PTR(ret);
}

void vbm_buf_get(struct vbm_buf *buf)
{
	refcount_inc(&buf->ref);
}

/**
 * vbm_buf_put() - drop a reference
 * @buf: the buffer, whole or half built
 *
 * Context: may sleep. Called under q->mmap_lock, under mmap_lock, or under
 *	nothing; takes neither of them, nor q->lock.
 */
void vbm_buf_put(struct vbm_buf *buf)
{
	if (!refcount_dec_and_test(&buf->ref))
		return;

	/* It has been published. */
	if (buf->plane.id) {
		vbm_plane_unregister(&buf->plane);
		vbm_buf_account(buf, -1);
		trace_vbm_buf_free(&buf->plane, vbm_buf_device(buf));
	}
	vbm_buf_fini(buf);
	kfree(buf);
}
