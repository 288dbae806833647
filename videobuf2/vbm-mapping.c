// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA mappings: one for each (device, direction) that uses a buffer.
 *
 * A mapping is made when it is first wanted and kept as long as somebody who
 * wanted it is attached; giving it out again costs a copy of its table. A
 * second direction is a second mapping: a live one is never unmapped for it.
 *
 * The master table stays here. It is what dma_unmap_* and dma_sync_* work on,
 * and importers scribble on what they get, so they get copies. How it is filled
 * and mapped is in vbm-segments.c.
 */

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vbm-mapping.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-constraints.h"
#include "vbm-device.h"
#include "vbm-segments.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm.h"

static void vbm_mapping_link(struct vbm_mapping *map)
{
	struct vbm_buf *buf = map->buf;
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	list_add_tail(&map->buf_node, &buf->mappings);
	map->live = true;
	if (map->need_sync)
		WRITE_ONCE(buf->nr_sync, buf->nr_sync + 1);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	vbm_stat_inc(VBM_STAT_MAPPINGS);
}

/* When it returns nobody syncs it any more. May sleep. */
static void vbm_mapping_unlink(struct vbm_mapping *map)
{
	struct vbm_buf *buf = map->buf;
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	map->live = false;
	/* Who syncs it goes on to the next in the list afterwards. */
	while (map->syncing) {
		spin_unlock_irqrestore(&buf->sync_lock, flags);
		usleep_range(100, 200);
		spin_lock_irqsave(&buf->sync_lock, flags);
	}
	list_del_init(&map->buf_node);
	if (map->need_sync)
		WRITE_ONCE(buf->nr_sync, buf->nr_sync - 1);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	vbm_stat_dec(VBM_STAT_MAPPINGS);
}

static void *vbm_mapping_hold(struct vbm_client *client);
static void vbm_mapping_kill(void *held, struct vbm_device *vdev);

static const struct vbm_client_ops vbm_mapping_client_ops = {
	.hold	= vbm_mapping_hold,
	.kill	= vbm_mapping_kill,
};

/*
 * Mappings of one segment, the usual case: an import at each frame makes one,
 * so they have a cache of their own.
 */
static struct kmem_cache *vbm_mapping_cache;

int vbm_mapping_init(void)
{
	struct vbm_mapping *map;

	vbm_mapping_cache = kmem_cache_create("vbm_mapping",
					      struct_size(map, sgl, 2), 0,
					      SLAB_NO_MERGE, NULL);
	return vbm_mapping_cache ? 0 : -ENOMEM;
}

void vbm_mapping_fini(void)
{
	kmem_cache_destroy(vbm_mapping_cache);
}

/*
 * Memory for a mapping of so many segments, with a spare table if wanted: the
 * queue's own device works on the master. Freed by kvfree(), whichever it is.
 */
static struct vbm_mapping *vbm_mapping_alloc(size_t nr, bool spare)
{
	struct vbm_mapping *map;

	if (nr == 1)
		return kmem_cache_zalloc(vbm_mapping_cache, GFP_KERNEL);
	return kvzalloc(struct_size(map, sgl, spare ? 2 * nr : nr), GFP_KERNEL);
}

/**
 * vbm_mapping_new_locked() - map a backing for a device
 * @buf: the buffer that it is for
 * @backing: its storage
 * @known: the entry of @dev, where the caller has it, or NULL
 * @dev: the device
 * @dir: the direction
 * @use: for whom it is
 *
 * The contents are synced for the device. The first is the own device's, and so is
 * a successor, which the buffer does not list yet.
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: a mapping with one holder and one user, or ERR_PTR(): -ENODEV if the
 *	driver of @dev has gone; -EOPNOTSUPP if @dev can never have the memory;
 *	-EIO or -ENOMEM if the DMA API can not map it.
 */
struct vbm_mapping *
vbm_mapping_new_locked(struct vbm_buf *buf, struct vbm_backing *backing,
		       struct vbm_device *known, struct device *dev,
		       enum dma_data_direction dir, enum vbm_mapping_use use)
{
	bool own = use == VBM_MAP_SUCCESSOR || !buf->own;
	struct vbm_mapping *map;
	struct vbm_device *vdev;
	int ret;

	lockdep_assert_held(&buf->lock);
	vdev = vbm_device_again(known, dev);
	if (IS_ERR(vdev))
		return ERR_CAST(vdev);

	ret = vbm_segments_count(backing, dev, dir, &vdev->limits);
	if (ret < 0)
		goto err_put_vdev;

	map = vbm_mapping_alloc(ret, !own);
	if (!map) {
		ret = -ENOMEM;
		goto err_put_vdev;
	}
	map->buf = buf;
	map->vdev = vdev;
	map->backing = backing;
	map->client.ops = &vbm_mapping_client_ops;
	map->dir = dir;
	map->map_dir = dir;
	map->holders = 1;
	map->in_use = 1;
	map->exact = use != VBM_MAP_FOREIGN;
	map->spare_used = own;
	map->sgt.sgl = map->sgl;
	map->sgt.orig_nents = ret;
	sg_init_marker(map->sgl, map->sgt.orig_nents);

	ret = vbm_device_join(vdev, &map->client);
	if (ret)
		goto err_free;
	ret = vbm_segments_map(map, dev, own);
	if (ret)
		goto err_del;
	vbm_backing_get(backing);
	if (use != VBM_MAP_SUCCESSOR)
		vbm_mapping_link(map);
	return map;

err_del:
	vbm_device_leave(map->vdev, &map->client);
err_free:
	kvfree(map);
err_put_vdev:
	vbm_device_put(vdev);
	return ERR_PTR(ret);
}

/*
 * An existing mapping, one holder richer, or NULL. An importer does not share
 * one that can not be kept equal to memory; see vbm_segments_map(). One that
 * came with the memory never bounces, which is enough for an exact importer.
 */
struct vbm_mapping *
vbm_mapping_find_locked(struct vbm_buf *buf, const struct vbm_device *vdev,
			enum dma_data_direction dir, bool exact)
{
	struct vbm_mapping *map;

	lockdep_assert_held(&buf->lock);
	list_for_each_entry(map, &buf->mappings, buf_node) {
		if (map->vdev != vdev || map->dir != dir)
			continue;
		if (map->need_sync && !vbm_mapping_reads(map) &&
		    !(exact && map->fixed))
			continue;
		map->holders++;
		return map;
	}
	return NULL;
}

/*
 * May what its device wrote be copied to memory, where there is need to? Not a
 * foreign importer's while some other device is writing there.
 */
bool vbm_mapping_may_fetch_locked(const struct vbm_mapping *map)
{
	const struct vbm_mapping *other;

	if (!map->need_sync || !map->live || !vbm_mapping_writes(map) ||
	    !vbm_mapping_owned(map))
		return false;
	if (map->exact == map->in_use)
		return true;
	list_for_each_entry(other, &map->buf->mappings, buf_node)
		if (other != map && READ_ONCE(other->device_owned) &&
		    vbm_mapping_writes(other))
			return false;
	return true;
}

/* Its device goes, or what it is a mapping of. Holders keep it; it is dead. */
void vbm_mapping_teardown_locked(struct vbm_mapping *map)
{
	bool fetch = vbm_mapping_may_fetch_locked(map);

	vbm_mapping_unlink(map);
	vbm_segments_unmap(map, map->vdev->dev,
			   fetch ? 0 : DMA_ATTR_SKIP_CPU_SYNC);
	vbm_device_leave(map->vdev, &map->client);
	vbm_stat_inc(VBM_STAT_UNMAPS);
	trace_vbm_unmap(map);
}

/**
 * vbm_mapping_put_locked() - one holder less
 * @map: the mapping
 *
 * Context: may sleep; &vbm_buf.lock held, or nobody else has the buffer.
 */
void vbm_mapping_put_locked(struct vbm_mapping *map)
{
	if (--map->holders)
		return;

	VBM_ASSERT(!map->in_use);
	if (map->live)
		vbm_mapping_teardown_locked(map);
	vbm_backing_put(map->backing);
	vbm_device_put(map->vdev);
	kvfree(map);
}

/**
 * vbm_mapping_successor_locked() - the own device's, of storage to move to
 * @buf: a buffer whose own mapping is live
 * @backing: the storage
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: a mapping that nobody knows yet, for vbm_mapping_succeed() or
 *	vbm_mapping_discard(); else as vbm_mapping_new_locked().
 */
struct vbm_mapping *vbm_mapping_successor_locked(struct vbm_buf *buf,
						 struct vbm_backing *backing)
{
	return vbm_mapping_new_locked(buf, backing, buf->own->vdev,
				      buf->plane.dev, buf->own->dir,
				      VBM_MAP_SUCCESSOR);
}

void vbm_mapping_discard(struct vbm_mapping *map)
{
	vbm_segments_unmap(map, map->vdev->dev, DMA_ATTR_SKIP_CPU_SYNC);
	vbm_device_leave(map->vdev, &map->client);
	vbm_backing_put(map->backing);
	vbm_device_put(map->vdev);
	kvfree(map);
}

/*
 * One own mapping takes the place of another, which is then for
 * vbm_mapping_retire_locked(). What the CPU copied is not in its view yet.
 *
 * Context: any; &vbm_buf.lock and &vbm_buf.sync_lock held.
 */
void vbm_mapping_succeed(struct vbm_mapping *old, struct vbm_mapping *map)
{
	struct vbm_buf *buf = old->buf;

	lockdep_assert_held(&buf->sync_lock);
	list_replace_init(&old->buf_node, &map->buf_node);
	old->live = false;
	map->live = true;
	map->unpassed = map->need_sync;
	WRITE_ONCE(buf->nr_sync, buf->nr_sync + map->need_sync -
				 old->need_sync);
	buf->own = map;
}

/* The last part of it, of one that nobody syncs any more. */
static void vbm_mapping_end_stale(struct vbm_mapping *map)
{
	vbm_segments_unmap(map, map->vdev->dev, DMA_ATTR_SKIP_CPU_SYNC);
	vbm_device_leave(map->vdev, &map->client);
	vbm_stat_inc(VBM_STAT_UNMAPS);
	trace_vbm_unmap(map);
	map->stale = true;
	vbm_backing_put(map->backing);
	map->backing = NULL;
}

/**
 * vbm_mapping_retire_locked() - the buffer has moved away
 * @old: the own mapping that it had, after vbm_mapping_succeed()
 *
 * All others are idle, and go, too. Attachments that had them find out when
 * they map the next time.
 *
 * Context: may sleep; &vbm_buf.lock held.
 */
void vbm_mapping_retire_locked(struct vbm_mapping *old)
{
	struct vbm_buf *buf = old->buf;
	struct vbm_mapping *map, *next;

	lockdep_assert_held(&buf->lock);
	list_for_each_entry_safe(map, next, &buf->mappings, buf_node) {
		if (map == buf->own)
			continue;
		VBM_ASSERT(!map->in_use);
		vbm_mapping_unlink(map);
		vbm_mapping_end_stale(map);
	}
	vbm_mapping_end_stale(old);
	vbm_mapping_unuse_locked(old, true);
	vbm_mapping_put_locked(old);
}

/**
 * vbm_mapping_users_locked() - how many have the buffer mapped?
 * @buf: the buffer
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: tables that importers have.
 */
unsigned int vbm_mapping_users_locked(struct vbm_buf *buf)
{
	struct vbm_mapping *map;
	unsigned int users = 0;

	lockdep_assert_held(&buf->lock);
	list_for_each_entry(map, &buf->mappings, buf_node)
		users += map->in_use;
	/* The buffer itself, unless the driver of its device has gone. */
	return users - buf->own->live;
}

/* What is held is the buffer: it keeps all its mappings. */
static void *vbm_mapping_hold(struct vbm_client *client)
{
	struct vbm_mapping *map = container_of(client, struct vbm_mapping,
					       client);

	return refcount_inc_not_zero(&map->buf->ref) ? map->buf : NULL;
}

/* The device goes. Holders keep what they have; it is dead. */
static void vbm_mapping_kill(void *held, struct vbm_device *vdev)
{
	struct vbm_mapping *map, *next;
	struct vbm_buf *buf = held;

	mutex_lock(&buf->lock);
	list_for_each_entry_safe(map, next, &buf->mappings, buf_node)
		if (map->vdev == vdev)
			vbm_mapping_teardown_locked(map);
	mutex_unlock(&buf->lock);
	vbm_buf_put(buf);
}

/**
 * vbm_mapping_sync_begin() - keep a mapping mapped while it is synced
 * @map: the mapping
 *
 * For who holds no lock. To be ended soon, by vbm_mapping_sync_end().
 *
 * Context: any.
 * Return: false if it is no longer mapped.
 */
bool vbm_mapping_sync_begin(struct vbm_mapping *map)
{
	unsigned long flags;
	bool live;

	spin_lock_irqsave(&map->buf->sync_lock, flags);
	live = map->live;
	map->syncing += live;
	spin_unlock_irqrestore(&map->buf->sync_lock, flags);
	return live;
}

void vbm_mapping_sync_end(struct vbm_mapping *map)
{
	unsigned long flags;

	spin_lock_irqsave(&map->buf->sync_lock, flags);
	map->syncing--;
	spin_unlock_irqrestore(&map->buf->sync_lock, flags);
}

/*
 * Count a user. @exact: it will say when its device does DMA; see struct
 * vbm_mapping.
 */
void vbm_mapping_use_locked(struct vbm_mapping *map, bool exact)
{
	unsigned long flags;

	spin_lock_irqsave(&map->buf->sync_lock, flags);
	map->in_use++;
	map->exact += exact;
	spin_unlock_irqrestore(&map->buf->sync_lock, flags);
}

void vbm_mapping_unuse_locked(struct vbm_mapping *map, bool exact)
{
	unsigned long flags;

	spin_lock_irqsave(&map->buf->sync_lock, flags);
	map->in_use--;
	map->exact -= exact;
	if (!map->exact)
		WRITE_ONCE(map->device_owned, false);
	spin_unlock_irqrestore(&map->buf->sync_lock, flags);
}

/*
 * May the device be doing DMA? When in doubt it may.
 *
 * Context: any; stable under &vbm_buf.sync_lock only.
 */
bool vbm_mapping_owned(const struct vbm_mapping *map)
{
	return map->in_use && (map->exact < map->in_use || map->device_owned);
}

/**
 * vbm_mapping_table_locked() - a private copy of the table
 * @map: the mapping
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: the copy; NULL without memory.
 */
struct vbm_table *vbm_mapping_table_locked(struct vbm_mapping *map)
{
	size_t size = sizeof(*map->sgl) * map->sgt.orig_nents;
	struct scatterlist *sgl;
	struct vbm_table *table;

	lockdep_assert_held(&map->buf->lock);
	if (!map->spare_used) {
		map->spare_used = true;
		table = &map->spare;
		sgl = map->sgl + map->sgt.orig_nents;
	} else {
		table = kvmalloc(sizeof(*table) + size, GFP_KERNEL);
		if (!table)
			return NULL;
		sgl = (struct scatterlist *)(table + 1);
	}

	/* One array without chaining: entries and end mark copy as they are. */
	if (map->sgt.orig_nents == 1)
		*sgl = *map->sgl;
	else
		memcpy(sgl, map->sgl, size);
	table->sgt = map->sgt;
	table->sgt.sgl = sgl;
	table->map = map;
	return table;
}

void vbm_mapping_table_free_locked(struct vbm_table *table)
{
	lockdep_assert_held(&table->map->buf->lock);
	if (table == &table->map->spare)
		table->map->spare_used = false;
	else
		kvfree(table);
}

/* See vbm_mapping_contiguous(): of more than one segment. */
size_t vbm_mapping_contiguous_list(const struct sg_table *sgt)
{
	dma_addr_t expected = sg_dma_address(sgt->sgl);
	struct scatterlist *sg;
	size_t size = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (sg_dma_address(sg) != expected)
			break;
		expected += sg_dma_len(sg);
		size += sg_dma_len(sg);
	}
	return size;
}

size_t vbm_mapping_metadata(const struct vbm_mapping *map)
{
	size_t nr = map->sgt.orig_nents;

	if (nr == 1 || map != map->buf->own)
		nr *= 2;
	return struct_size(map, sgl, nr);
}
