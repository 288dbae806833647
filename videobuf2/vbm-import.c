// SPDX-License-Identifier: GPL-2.0-only
/*
 * The importer: dma-bufs that user space queues.
 *
 * vb2 attaches and maps a plane when another dma-buf or another length shows
 * up at its index, and keeps it mapped from frame to frame. What it lets go of
 * then stays mapped in the cache (vbm-cache.c), from where attach takes it.
 *
 * vb2 core forgets the reference to a dma-buf whose attach fails, so
 * attach does nothing that can fail, and map tells. Even the memory for the
 * import itself may be missing: vbm_import_nomem stands in for it.
 *
 * vb2 gives a plane that repeats the dma-buf of an earlier one no callback,
 * only the earlier plane's import. So the checks here cover all planes of the
 * buffer that share the dma-buf.
 */

#include <linux/dma-buf.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/slab.h>

#include <media/videobuf2-v4l2.h>

#include "vbm-import.h"
#include "vbm-alloc.h"
#include "vbm-attachment.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-cpu.h"
#include "vbm-failure.h"
#include "vbm-mapping.h"
#include "vbm-memops.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm.h"

/* vb2 has a pointer to the plane, which is one to the import. */
static_assert(!offsetof(struct vbm_import, plane));

static void *vbm_import_hold(struct vbm_client *client);
static void vbm_import_kill(void *held, struct vbm_device *vdev);

static const struct vbm_client_ops vbm_import_client_ops = {
	.hold	= vbm_import_hold,
	.kill	= vbm_import_kill,
};

/* Nothing in it is ever written: map fails, so nothing but detach follows. */
static struct vbm_import vbm_import_nomem = {
	.plane.kind	= VBM_IMPORT,
	.plane.frozen	= true,
	.error		= -ENOMEM,
};

/* Not every user of vb2 speaks V4L2; lengths and fds of planes are V4L2's. */
static const struct vb2_plane *vbm_import_planes(struct vb2_buffer *vb)
{
	if (vb->num_planes < 2 ||
	    vb->vb2_queue->buf_struct_size < sizeof(struct vb2_v4l2_buffer))
		return NULL;
	return to_vb2_v4l2_buffer(vb)->planes;
}

/*
 * The most bytes that a plane wants of a dma-buf which several planes share.
 * vb2 checks none but the first. Planes before this one have been attached
 * already, and would share with it, so it is the first.
 */
static noinline size_t
vbm_import_shared_size(struct vb2_buffer *vb, struct dma_buf *dmabuf,
		       size_t size)
{
	const struct vb2_plane *planes = vbm_import_planes(vb);
	unsigned int i;

	for (i = 0; planes && i < vb->num_planes; i++) {
		struct dma_buf *other = dma_buf_get(planes[i].m.fd);

		if (IS_ERR(other))
			continue;
		/* vb2 takes 0 for all of it. */
		if (other == dmabuf)
			size = max_t(size_t, size, planes[i].length ?:
						   dmabuf->size);
		dma_buf_put(other);
	}
	return size;
}

/*
 * How much of it must be in one piece. An fd can have been exchanged since vb2
 * looked at it, so that a plane shares the dma-buf and is not seen to. As far
 * as its length could make a device leave the first piece, it is taken to.
 */
static size_t vbm_import_piece(struct vb2_buffer *vb, struct dma_buf *dmabuf,
			       size_t size)
{
	const struct vb2_plane *planes = vbm_import_planes(vb);
	size_t most = size;
	unsigned int i;

	for (i = 0; planes && i < vb->num_planes; i++)
		most = max_t(size_t, most, planes[i].length ?: dmabuf->size);
	return max(size, min(most, dmabuf->size));
}

int vbm_import_fail(const struct vbm_import *imp, enum vbm_stat stat, int ret)
{
	const struct device *dev = imp->plane.dev;

	vbm_fail(&(struct vbm_failure) {
		.task = VBM_TASK_IMPORT,
		.stat = stat,
		.error = ret,
		.dev = dev ? dev_name(dev) : NULL,
		.size = imp->plane.size,
		.exporter = dev ? imp->dmabuf->exp_name : NULL,
	});
	return ret;
}

/* What is left to be done is to leave the device. */
static void vbm_import_unmap_locked(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	lockdep_assert_held(&imp->lock);
	if (!imp->attach)
		return;

	vbm_import_stop_sync(imp);
	vbm_import_vunmap_locked(imp);
	/* Else the buffer has moved: vbm_import_unmap_parked(). */
	if (plane->sgt)
		dma_buf_unmap_attachment_unlocked(imp->attach, plane->sgt,
						  imp->map_dir);
	dma_buf_detach(imp->dmabuf, imp->attach);
	imp->attach = NULL;
	imp->map = NULL;
	plane->sgt = NULL;
	plane->dma_addr = 0;
	vbm_stat_inc(VBM_STAT_IMPORT_UNMAPS);
	trace_vbm_import_unmap(plane, dev_name(plane->dev));
}

/* Once this returns the device may be no more, unless vb2 has the import. */
static void vbm_import_leave(struct vbm_import *imp, bool unmap)
{
	struct vbm_device *vdev;

	mutex_lock(&imp->lock);
	if (unmap)
		vbm_import_unmap_locked(imp);
	vdev = imp->vdev;
	imp->vdev = NULL;
	if (vdev)
		vbm_device_leave(vdev, &imp->client);
	mutex_unlock(&imp->lock);
	/* Its last reference may be a device's. */
	vbm_device_put(vdev);
}

static noinline struct vbm_import *
vbm_import_new(struct device *dev, struct dma_buf *dmabuf,
	       enum dma_data_direction dir)
{
	struct vbm_import *imp;

	imp = kzalloc_obj(*imp);
	if (!imp)
		return NULL;

	imp->plane.kind = VBM_IMPORT;
	/* Its exporter sees to where it is, which does not change in use. */
	imp->plane.frozen = true;
	imp->plane.dir = dir;
	imp->plane.dev = dev;
	imp->dmabuf = dmabuf;
	imp->client.ops = &vbm_import_client_ops;
	kref_init(&imp->ref);
	mutex_init(&imp->lock);
	spin_lock_init(&imp->sync_lock);
	/* The attachment names it, and is shown, as long as there is one. */
	get_device(dev);

	vbm_plane_register(&imp->plane);
	vbm_stat_inc(VBM_STAT_IMPORTS_TOTAL);
	return imp;
}

static void vbm_import_release(struct kref *ref)
{
	struct vbm_import *imp = container_of(ref, struct vbm_import, ref);

	mutex_destroy(&imp->lock);
	kfree(imp);
}

static void vbm_import_put(struct vbm_import *imp)
{
	kref_put(&imp->ref, vbm_import_release);
}

/* Undo all but the reference to the dma-buf, and the memory. */
static void vbm_import_drop(struct vbm_import *imp)
{
	mutex_lock(&imp->lock);
	vbm_import_unmap_locked(imp);
	mutex_unlock(&imp->lock);

	vbm_plane_unregister(&imp->plane);
	/*
	 * While it takes part in the device this is not the last reference: a
	 * driver that goes waits for it to leave, and without a driver the
	 * entry has one. Afterwards it could be, when nobody waits any more.
	 */
	put_device(imp->plane.dev);
	imp->plane.dev = NULL;
	vbm_import_leave(imp, false);
}

/* vb2 lets go of it; it still has a reference to the dma-buf. */
static noinline void vbm_import_free(struct vbm_import *imp)
{
	if (imp == &vbm_import_nomem)
		return;

	vbm_stat_dec(VBM_STAT_IMPORTS);
	if (imp->holds_dmabuf)
		vbm_cache_forget(imp);
	vbm_import_drop(imp);
	if (imp->holds_dmabuf)
		dma_buf_put(imp->dmabuf);
	vbm_import_put(imp);
}

/**
 * vbm_import_evict() - drop an import that was parked
 * @imp: the import, no longer in the cache; may have been dropped already
 *
 * When it returns, the dma-buf is released if this was its last reference.
 *
 * Context: may sleep. The worker of the cache, without any lock; if the
 *	exporter is ours also the end of a device, under its device_lock.
 */
void vbm_import_evict(struct vbm_import *imp)
{
	if (imp->plane.dev)
		vbm_import_drop(imp);
	__fput_sync(imp->dmabuf->file);
	vbm_import_put(imp);
}

/**
 * vbm_import_unmap_parked() - unmap, and leave the rest to vbm_import_evict()
 * @imp: an import of a buffer of ours, claimed from the cache
 *
 * Nobody else looks at what is claimed: no lock of the import is needed, nor
 * could it be had.
 *
 * Context: may sleep; the dma_resv of the dma-buf held.
 */
void vbm_import_unmap_parked(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	dma_buf_unmap_attachment(imp->attach, plane->sgt, plane->dir);
	imp->map = NULL;
	plane->sgt = NULL;
	plane->dma_addr = 0;
}

/* In the device's list it is mapped, so vb2 or the cache still has it. */
static void *vbm_import_hold(struct vbm_client *client)
{
	struct vbm_import *imp = container_of(client, struct vbm_import,
					      client);

	if (READ_ONCE(imp->state) == VBM_IMPORT_DROPPED)
		return NULL;
	kref_get(&imp->ref);
	return imp;
}

/*
 * The device goes, and has no other use for a parked one. Of one in use only a
 * foreign exporter's is unmapped here: one of ours knows by itself, and unmaps
 * what interrupts still look at.
 */
static void vbm_import_kill(void *held, struct vbm_device *vdev)
{
	struct vbm_import *imp = held;
	bool ours = imp->map;

	switch (vbm_cache_claim(imp)) {
	case VBM_CACHE_YOURS:
		if (ours) {
			vbm_cache_evict(imp);
		} else {
			vbm_import_drop(imp);
			vbm_cache_dropped(imp);
		}
		break;
	case VBM_CACHE_USED:
		vbm_import_leave(imp, !ours);
		break;
	case VBM_CACHE_GOING:
		break;
	}
	vbm_import_put(imp);
}

/*
 * A foreign exporter knows nothing of our drivers going. One of ours does, and
 * unmaps, but would leave the attachment of a parked import behind. So both are
 * listed by the device, which from that moment on may unmap; the lock holds
 * that up.
 */
static int vbm_import_watch_locked(struct vbm_import *imp)
{
	struct vbm_device *vdev;
	int ret;

	lockdep_assert_held(&imp->lock);
	if (imp->vdev)
		return 0;

	vdev = vbm_device_again(imp->map ? imp->map->vdev : NULL,
				imp->plane.dev);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);

	ret = vbm_device_join(vdev, &imp->client);
	if (ret)
		vbm_device_put(vdev);
	else
		imp->vdev = vdev;
	return ret;
}

static __always_inline void *
vbm_import_attach(struct vb2_buffer *vb, struct device *dev,
		  struct dma_buf *dmabuf, size_t size, bool contig)
{
	enum dma_data_direction dir = vb->vb2_queue->dma_dir;
	struct vbm_import *imp = NULL;

	if (!vbm_cache_empty())
		imp = vbm_cache_take(dev, dmabuf, dir);
	if (!imp)
		imp = vbm_import_new(dev, dmabuf, dir);
	if (!imp)
		return &vbm_import_nomem;

	imp->plane.contig = contig;
	imp->plane.vb = vb;
	if (vb->num_planes > 1)
		size = vbm_import_shared_size(vb, dmabuf, size);
	imp->plane.size = size;
	imp->error = dmabuf->size < size ? -EFAULT : 0;
	vbm_stat_inc(VBM_STAT_IMPORTS);
	return imp;
}

/**
 * vbm_import_attach_contig() - prepare to use a dma-buf as a plane
 * @vb: the vb2 buffer
 * @dev: the device that will use it
 * @dmabuf: the dma-buf, held by vb2 until detach
 * @size: bytes that the plane needs
 *
 * For drivers that want one address.
 *
 * Context: may sleep; vb2_queue.lock held.
 * Return: the import, always. Errors are kept for vbm_import_map().
 */
void *vbm_import_attach_contig(struct vb2_buffer *vb, struct device *dev,
			       struct dma_buf *dmabuf, unsigned long size)
{
	return vbm_import_attach(vb, dev, dmabuf, size, true);
}
EXPORT_SYMBOL_GPL(vbm_import_attach_contig);

/**
 * vbm_import_attach_sg() - prepare to use a dma-buf as a plane
 * @vb: the vb2 buffer
 * @dev: the device that will use it
 * @dmabuf: the dma-buf, held by vb2 until detach
 * @size: bytes that the plane needs
 *
 * For drivers that take a list.
 *
 * Context: may sleep; vb2_queue.lock held.
 * Return: the import, always. Errors are kept for vbm_import_map().
 */
void *vbm_import_attach_sg(struct vb2_buffer *vb, struct device *dev,
			   struct dma_buf *dmabuf, unsigned long size)
{
	return vbm_import_attach(vb, dev, dmabuf, size, false);
}
EXPORT_SYMBOL_GPL(vbm_import_attach_sg);

/*
 * May what it holds wait for the worker, once nobody else holds it? A foreign
 * exporter copies what bounced when it is unmapped or when the CPU asks, in
 * whatever direction the CPU said: from something that nobody uses any more,
 * that is over newer bytes. And memory of its device's own is gone after
 * remove(), which is before anybody tells us.
 */
static bool vbm_import_may_wait(const struct vbm_import *imp)
{
	struct device *from;

	if (!imp->map)
		return !imp->syncs;
	from = imp->map->backing->dma.dev;
	return !from || !vbm_alloc_own_memory(from);
}

/*
 * May it be kept mapped while nobody uses it? Not for a device without a
 * driver: nobody would say when it goes.
 */
static noinline bool vbm_import_parkable(struct vbm_import *imp)
{
	const struct vbm_mapping *map = imp->map;
	bool ok;

	if (!vbm_import_may_wait(imp) || !READ_ONCE(imp->plane.dev->driver))
		return false;

	mutex_lock(&imp->lock);
	ok = imp->attach && !vbm_import_watch_locked(imp) && imp->vdev->bound;
	/*
	 * Its driver may have gone and another come since it was mapped. From
	 * here on what ends the mapping ends the import, too.
	 */
	imp->bounces = false;
	if (ok && map) {
		/* It stays mapped while this lock is held. */
		mutex_lock(&map->buf->lock);
		ok = map->vdev == imp->vdev && map->live;
		imp->bounces = ok && vbm_cpu_bounces(map);
		mutex_unlock(&map->buf->lock);
	}
	mutex_unlock(&imp->lock);
	if (!ok)
		return false;

	get_dma_buf(imp->dmabuf);
	imp->holds_dmabuf = true;
	vbm_cache_add(imp);
	return true;
}

/*
 * Keep it for the next time? Not what is torn down: then mmap_lock is held, by
 * whomever. If its driver goes from here on, the cache knows.
 */
static inline bool vbm_import_park(struct vbm_import *imp)
{
	if (!READ_ONCE(imp->attach) ||
	    mutex_is_locked(&imp->plane.vb->vb2_queue->mmap_lock))
		return false;
	if (!imp->holds_dmabuf && !vbm_import_parkable(imp))
		return false;

	/* vb2 does not finish a buffer that was prepared and never queued. */
	if (unlikely(READ_ONCE(imp->prepared)))
		vbm_import_finish(imp);
	imp->plane.vb = NULL;
	return vbm_cache_park(imp);
}

/**
 * vbm_import_detach() - vb2 lets go of a dma-buf
 * @mem_priv: the import
 *
 * It is kept in the cache, mapped as it is, or dropped.
 *
 * Context: may sleep; vb2_queue.lock held, vb2_queue.mmap_lock in REQBUFS(0),
 *	REMOVE_BUFS and close().
 */
void vbm_import_detach(void *mem_priv)
{
	struct vbm_import *imp = mem_priv;

	if (likely(vbm_import_park(imp)))
		vbm_stat_dec(VBM_STAT_IMPORTS);
	else
		vbm_import_free(imp);
}
EXPORT_SYMBOL_GPL(vbm_import_detach);

/**
 * vbm_import_unmap() - vb2 is about to detach an import
 * @mem_priv: the import
 *
 * Detach decides what becomes of the mapping; the driver's kernel address goes
 * now.
 *
 * Context: may sleep; as vbm_import_detach().
 */
void vbm_import_unmap(void *mem_priv)
{
	struct vbm_import *imp = mem_priv;

	if (!READ_ONCE(imp->vaddr))
		return;
	mutex_lock(&imp->lock);
	vbm_import_vunmap_locked(imp);
	mutex_unlock(&imp->lock);
}
EXPORT_SYMBOL_GPL(vbm_import_unmap);

/* Is as much in one piece as a driver that has one address may touch? */
static bool vbm_import_fits_whole(const struct vbm_import *imp)
{
	return !imp->plane.contig || imp->whole;
}

static bool vbm_import_fits(const struct vbm_import *imp)
{
	const struct vbm_plane *plane = &imp->plane;
	size_t want;

	if (vbm_import_fits_whole(imp))
		return true;
	want = vbm_import_piece(plane->vb, imp->dmabuf, plane->size);
	if (imp->piece >= want)
		return true;
	dev_dbg(plane->dev, "contiguous chunk is too small %zu/%zu\n",
		imp->piece, want);
	return false;
}

/*
 * Bytes in one piece from the first on. Segments that bounce are neighbours by
 * chance: an import that works one time and not the next helps nobody, so the
 * first of them is all that counts. (An IOMMU places its bounce buffers behind
 * one address.) @map: of a buffer of ours, else NULL.
 */
static size_t vbm_import_one_piece(const struct vbm_import *imp,
				   struct vbm_mapping *map,
				   struct sg_table *sgt)
{
	size_t first = sg_dma_len(sgt->sgl);
	size_t piece = vbm_mapping_contiguous(sgt);
	bool bounces;

	if (piece == first)
		return piece;
	if (map) {
		/* It stays mapped while this lock is held. */
		mutex_lock(&map->buf->lock);
		bounces = map->live && !map->vdev->limits.translated &&
			  vbm_cpu_bounces(map);
		mutex_unlock(&map->buf->lock);
	} else {
		bounces = vbm_cpu_foreign_bounces(imp->plane.dev, sgt);
	}
	return bounces ? first : piece;
}

/*
 * A foreign exporter's memory that bounces and is captured into is to be mapped in
 * both directions, as ours is (vbm_segments_map()): its bounce buffer comes back as
 * a whole, and where the device has not written it must hold what memory holds.
 */
static bool vbm_import_wants_both(const struct vbm_import *imp,
				  struct sg_table *sgt, bool ours)
{
	return !ours && imp->map_dir == DMA_FROM_DEVICE &&
	       vbm_cpu_foreign_bounces(imp->plane.dev, sgt);
}

/* @stat: if it fails, why. */
static int vbm_import_try_map(struct vbm_import *imp, enum vbm_stat *stat)
{
	struct vbm_plane *plane = &imp->plane;
	struct dma_buf_attachment *attach;
	struct vbm_mapping *map = NULL;
	struct sg_table *sgt;
	size_t piece = 0;
	bool ours;
	int ret;

	imp->map_dir = plane->dir;
again:
	*stat = VBM_STAT_FAIL_ATTACH;
	attach = dma_buf_attach(imp->dmabuf, plane->dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);

	if (plane->contig)
		piece = vbm_import_piece(plane->vb, imp->dmabuf, plane->size);
	ours = vbm_attachment_claim(attach, piece);
	sgt = dma_buf_map_attachment_unlocked(attach, imp->map_dir);
	if (IS_ERR(sgt)) {
		*stat = VBM_STAT_FAIL_MAP;
		ret = PTR_ERR(sgt);
		goto err_detach;
	}
	if (vbm_import_wants_both(imp, sgt, ours)) {
		dma_buf_unmap_attachment_unlocked(attach, sgt, imp->map_dir);
		/* 6.12 may keep a mapping as long as the attachment. */
		dma_buf_detach(imp->dmabuf, attach);
		imp->map_dir = DMA_BIDIRECTIONAL;
		goto again;
	}

	if (ours)
		map = vbm_attachment_mapping(attach, plane->dir);
	imp->segments = sgt->nents;
	imp->piece = vbm_import_one_piece(imp, map, sgt);
	imp->whole = imp->piece >= imp->dmabuf->size;
	if (!vbm_import_fits(imp)) {
		*stat = VBM_STAT_FAIL_CONTIGUITY;
		ret = -EFAULT;
		goto err_unmap;
	}

	plane->dma_addr = sg_dma_address(sgt->sgl);
	plane->sgt = sgt;
	if (ours) {
		imp->of = map->buf->plane.id;
		imp->map = map;
		imp->syncs = map->need_sync;
		imp->attach = attach;
		return 0;
	}

	imp->syncs = vbm_cpu_foreign_needs_sync(plane->dev, sgt);
	imp->foreign_sync = imp->syncs;
	/*
	 * Some exporters map without cleaning caches; what bounces is copied.
	 * (Unless an exporter keeps one mapping for several attachments and
	 * gives it out as it is. None in the kernel does.)
	 */
	imp->fresh = imp->syncs &&
		     vbm_cpu_foreign_bounces(plane->dev, sgt);
	mutex_lock(&imp->lock);
	ret = vbm_import_watch_locked(imp);
	if (!ret)
		imp->attach = attach;
	mutex_unlock(&imp->lock);
	if (!ret)
		return 0;
	*stat = VBM_STAT_FAIL_NODEV;

err_unmap:
	plane->sgt = NULL;
	dma_buf_unmap_attachment_unlocked(attach, sgt, imp->map_dir);
err_detach:
	dma_buf_detach(imp->dmabuf, attach);
	return ret;
}

static noinline int vbm_import_map_first(struct vbm_import *imp)
{
	unsigned int since = vbm_cache_moment();
	struct vbm_plane *plane = &imp->plane;
	bool again = false;
	enum vbm_stat stat;
	int ret;

retry:
	ret = vbm_import_try_map(imp, &stat);
	if (unlikely(ret)) {
		/* It may be mapped by nobody but an import that goes. */
		again = !again && (ret == -EBUSY ? vbm_cache_settle(since) :
						   vbm_cache_retry(ret));
		if (again)
			goto retry;
		return vbm_import_fail(imp, stat, ret);
	}

	vbm_stat_inc(VBM_STAT_IMPORT_MAPS);
	trace_vbm_import_map(plane, dev_name(plane->dev));
	return 0;
}

/* It was parked, and may not do for what it is wanted for now. */
static noinline int vbm_import_map_again(struct vbm_import *imp)
{
	if (!vbm_import_fits(imp))
		return vbm_import_fail(imp, VBM_STAT_FAIL_CONTIGUITY, -EFAULT);
	vbm_stat_inc(VBM_STAT_IMPORT_MAPS_CACHED);
	return 0;
}

/**
 * vbm_import_map() - attach and map
 * @mem_priv: the import
 *
 * Nothing of that is left to be done for one that was in the cache.
 *
 * Context: may sleep; vb2_queue.lock held, no reservation lock.
 * Return: 0; -EFAULT if the dma-buf is shorter than the plane, or not in one
 *	piece where the driver needs that; -ENOMEM; -ENODEV if the driver is
 *	going; what the exporter returned.
 */
int vbm_import_map(void *mem_priv)
{
	struct vbm_import *imp = mem_priv;

	if (unlikely(imp->error))
		return vbm_import_fail(imp, imp->error == -ENOMEM ?
				       VBM_STAT_FAIL_NOMEM : VBM_STAT_FAIL_SIZE,
				       imp->error);
	if (!imp->attach)
		return vbm_import_map_first(imp);
	if (!vbm_import_fits_whole(imp))
		return vbm_import_map_again(imp);
	vbm_stat_inc(VBM_STAT_IMPORT_MAPS_CACHED);
	return 0;
}
EXPORT_SYMBOL_GPL(vbm_import_map);
