// SPDX-License-Identifier: GPL-2.0-only
/*
 * Imports that nobody uses for the moment, kept mapped.
 *
 * vb2 detaches a dma-buf whenever another one arrives at its index, and
 * applications rotate a handful of buffers over fewer indexes: each frame
 * would be mapped again. So an import that vb2 lets go of is parked here, as
 * it is, and the next attach of the same (device, dma-buf, direction) takes it
 * back.
 *
 * An import that was parked once stays in the table, in use or not, and has a
 * reference to its dma-buf of its own: so it keeps the memory. Who gave the last
 * fd away wants that back: a worker looks four times a second whether anybody
 * but this cache still has the dma-buf, and whether an import has been idle for
 * too long. There are bounds: for each device, and for what bounces, since
 * others need bounce buffers, too. Memory that is short drops the oldest, by the
 * worker as well: a dma-buf must not be unmapped under reclaim, which its
 * reservation lock is held around.
 *
 * REQBUFS(0), REMOVE_BUFS and close() do not come here: what is not needed
 * again is not kept (vbm_import_detach()).
 *
 * An import is in one of four states, which vbm_cache_lock guards:
 *
 *   USED       vb2's; in the table once it has been parked
 *   PARKED     in the table; whoever changes that has it
 *   DOOMED     in the list of what the worker is to drop
 *   DROPPED    somebody is dropping it, and it will leave its device
 *
 * A driver that goes leaves nothing: parked imports are clients of their device
 * (vbm-device.c), whose end takes those that are PARKED or DOOMED, waits for
 * those that are DROPPED, and has those that are USED not come here again. Then
 * it takes those of other devices whose memory it gave (dma_alloc_*()): that
 * must be back before its DMA operations go, and nobody but this cache may want
 * it any more. What it has taken it drops at once if the exporter is ours. Of a
 * foreign one it leaves the reference to the dma-buf to the worker: nobody
 * knows which locks an exporter takes when it is released.
 *
 * References are put in earnest (__fput_sync()) and not, as a user's threads do
 * it, some time later: who waits for the worker waits for the memory. Nobody
 * waits for it while a driver goes, which happens during resume, too, when it
 * is frozen.
 *
 * A buffer of ours that moves has what is parked of it unmapped first. It is
 * claimed for that, and then doomed.
 *
 * Parking and taking happen at each frame of a program that rotates buffers,
 * and are inline, in vbm-cache.h. What is rare is here.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/list_sort.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vbm-cache.h"
#include "vbm-device.h"
#include "vbm-import.h"
#include "vbm-pool.h"
#include "vbm-region.h"
#include "vbm-stats.h"
#include "vbm.h"

/* How long is too long. What is not ours may be pinned meanwhile. */
#define VBM_CACHE_IDLE_OURS	(10 * HZ)
#define VBM_CACHE_IDLE_FOREIGN	(2 * HZ)

#define VBM_CACHE_PERIOD	(HZ / 4)

/* An exporter may be waiting for somebody's fence: not at our expense. */
#define VBM_CACHE_PATIENCE	(3 * HZ)

/* By dma-buf. No list by age: the worker is in less of a hurry than vb2. */
DEFINE_HASHTABLE(vbm_cache, VBM_CACHE_BITS);
DEFINE_SPINLOCK(vbm_cache_lock);
size_t vbm_cache_bouncing;
bool vbm_cache_worker_runs;
static LIST_HEAD(vbm_cache_doomed);
/* Being dropped, and those of them that give memory back to a device. */
static unsigned int vbm_cache_claimed;
static unsigned int vbm_cache_dropped_nr;
static unsigned int vbm_cache_returning;
static DECLARE_WAIT_QUEUE_HEAD(vbm_cache_wait);

/* What the worker is asked to drop, besides what it drops anyway. */
static atomic_long_t vbm_cache_to_shrink;
/* How often it was asked for all, and how often it had been when it did. */
static unsigned long vbm_cache_asked;
static unsigned long vbm_cache_served;

static struct shrinker *vbm_cache_shrinker;
static struct workqueue_struct *vbm_cache_wq;

static void vbm_cache_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(vbm_cache_worker, vbm_cache_work);

static bool vbm_cache_is_parked(const struct vbm_import *imp)
{
	return imp->state == VBM_IMPORT_PARKED;
}

/* It is counted as parked until it has gone. */
static void vbm_cache_remove_locked(struct vbm_import *imp)
{
	vbm_cache_unpark_locked(imp);
	__hlist_del(&imp->cache_node);
}

static void vbm_cache_doom_locked(struct vbm_import *imp)
{
	lockdep_assert_held(&vbm_cache_lock);
	vbm_cache_remove_locked(imp);
	imp->state = VBM_IMPORT_DOOMED;
	list_add_tail(&imp->cache_list, &vbm_cache_doomed);
}

/* The device that gave the memory by dma_alloc_*(), or NULL. */
static const struct device *vbm_cache_giver(const struct vbm_import *imp)
{
	const struct vbm_backing *backing = imp->map ? imp->map->backing : NULL;

	if (!backing)
		return NULL;
	return backing->part ? vbm_region_owner(backing->part) :
			       backing->dma.dev;
}

/* From now on it is being dropped, by who calls; until vbm_cache_evict(). */
static void vbm_cache_claim_locked(struct vbm_import *imp)
{
	lockdep_assert_held(&vbm_cache_lock);
	imp->state = VBM_IMPORT_DROPPED;
	vbm_cache_claimed++;
	vbm_cache_returning += !!vbm_cache_giver(imp);
}

/*
 * The device has as many as it may: its oldest has to go. If the worker does
 * not keep pace, nothing is parked.
 */
static noinline bool vbm_cache_make_room_locked(struct vbm_device *vdev)
{
	struct vbm_import *imp, *oldest = NULL;
	unsigned int i;

	lockdep_assert_held(&vbm_cache_lock);
	if (!list_empty(&vbm_cache_doomed))
		return false;
	hash_for_each(vbm_cache, i, imp, cache_node)
		if (vbm_cache_is_parked(imp) && imp->vdev == vdev &&
		    (!oldest || time_before(imp->parked_at, oldest->parked_at)))
			oldest = imp;
	if (VBM_ASSERT(oldest))
		return false;
	vbm_cache_doom_locked(oldest);
	mod_delayed_work(vbm_cache_wq, &vbm_cache_worker, 0);
	return true;
}

/* From the first import that is parked until the last one has gone. */
void vbm_cache_wake_locked(void)
{
	lockdep_assert_held(&vbm_cache_lock);
	vbm_cache_worker_runs = true;
	queue_delayed_work(vbm_cache_wq, &vbm_cache_worker, VBM_CACHE_PERIOD);
}

/*
 * Bounce buffers that parked imports of all devices may have together: a quarter
 * of what this one's device can get, which is 16 MiB by default.
 */
static size_t vbm_cache_bounce_limit(const struct device *dev)
{
#ifdef CONFIG_SWIOTLB
	if (dev->dma_io_tlb_mem)
		return dev->dma_io_tlb_mem->nslabs / 4 << IO_TLB_SHIFT;
#endif
	return SZ_16M;
}

/* Is there room for one that bounces, or whose device has many? */
bool vbm_cache_admit_locked(struct vbm_import *imp)
{
	size_t bouncing = imp->bounces ? imp->dmabuf->size : 0;
	struct vbm_device *vdev = imp->vdev;

	lockdep_assert_held(&vbm_cache_lock);
	if (imp->dead)
		return false;
	if (bouncing && vbm_cache_bouncing + bouncing >
			vbm_cache_bounce_limit(imp->plane.dev))
		return false;
	if (vdev->parked >= VBM_CACHE_PER_DEVICE &&
	    !vbm_cache_make_room_locked(vdev))
		return false;
	vbm_cache_bouncing += bouncing;
	return true;
}

/**
 * vbm_cache_add() - have an import found once it is parked
 * @imp: in use, mapped, a client of its device, with a reference to its dma-buf
 *
 * Context: may sleep; vb2_queue.lock held.
 */
void vbm_cache_add(struct vbm_import *imp)
{
	spin_lock(&vbm_cache_lock);
	hash_add(vbm_cache, &imp->cache_node, (unsigned long)imp->dmabuf);
	spin_unlock(&vbm_cache_lock);
}

/**
 * vbm_cache_forget() - an import goes that is not parked
 * @imp: the import, in use until now; vbm_cache_add() has been called
 *
 * Context: may sleep; vb2_queue.lock held.
 */
void vbm_cache_forget(struct vbm_import *imp)
{
	spin_lock(&vbm_cache_lock);
	hash_del(&imp->cache_node);
	spin_unlock(&vbm_cache_lock);
}

/**
 * vbm_cache_claim() - the device of an import goes
 * @imp: the import, held
 *
 * Context: any but interrupts; takes vbm_cache_lock.
 * Return: what is to be done about it.
 */
enum vbm_cache_fate vbm_cache_claim(struct vbm_import *imp)
{
	enum vbm_cache_fate fate = VBM_CACHE_YOURS;

	spin_lock(&vbm_cache_lock);
	switch (imp->state) {
	case VBM_IMPORT_USED:
		imp->dead = true;
		fate = VBM_CACHE_USED;
		break;
	case VBM_IMPORT_PARKED:
		vbm_cache_remove_locked(imp);
		break;
	case VBM_IMPORT_DOOMED:
		list_del(&imp->cache_list);
		break;
	case VBM_IMPORT_DROPPED:
		fate = VBM_CACHE_GOING;
		break;
	}
	if (fate == VBM_CACHE_YOURS)
		vbm_cache_claim_locked(imp);
	spin_unlock(&vbm_cache_lock);
	return fate;
}

/*
 * What was claimed has left its device; the rest is for the worker. Until that
 * is done it is counted as parked, and module exit waits.
 */
void vbm_cache_dropped(struct vbm_import *imp)
{
	spin_lock(&vbm_cache_lock);
	list_add_tail(&imp->cache_list, &vbm_cache_doomed);
	vbm_cache_claimed--;
	mod_delayed_work(vbm_cache_wq, &vbm_cache_worker, 0);
	wake_up_all(&vbm_cache_wait);
	spin_unlock(&vbm_cache_lock);
}

/* Drop what was claimed, with its reference to the dma-buf. */
void vbm_cache_evict(struct vbm_import *imp)
{
	bool returning = vbm_cache_giver(imp);

	vbm_import_evict(imp);
	spin_lock(&vbm_cache_lock);
	vbm_cache_claimed--;
	WRITE_ONCE(vbm_cache_dropped_nr, vbm_cache_dropped_nr + 1);
	vbm_cache_returning -= returning;
	vbm_stat_dec(VBM_STAT_PARKED);
	wake_up_all(&vbm_cache_wait);
	spin_unlock(&vbm_cache_lock);
}

/* One that the device gave memory for, claimed; NULL if there is none. */
static struct vbm_import *vbm_cache_claim_from(const struct device *dev)
{
	struct vbm_import *imp, *found = NULL;
	unsigned int i;

	spin_lock(&vbm_cache_lock);
	hash_for_each(vbm_cache, i, imp, cache_node)
		if (vbm_cache_is_parked(imp) && vbm_cache_giver(imp) == dev)
			found = imp;
	if (found)
		vbm_cache_doom_locked(found);
	else
		list_for_each_entry(imp, &vbm_cache_doomed, cache_list)
			if (vbm_cache_giver(imp) == dev)
				found = imp;
	if (found) {
		list_del(&found->cache_list);
		vbm_cache_claim_locked(found);
	}
	spin_unlock(&vbm_cache_lock);
	return found;
}

/*
 * An import of a buffer of ours that nobody uses, claimed; NULL if there is none.
 * Memory of the DMA API does not move, so it is none of that.
 */
static struct vbm_import *vbm_cache_claim_of(const struct vbm_buf *buf)
{
	struct vbm_import *imp, *found = NULL;
	unsigned int i;

	spin_lock(&vbm_cache_lock);
	hash_for_each(vbm_cache, i, imp, cache_node)
		if (vbm_cache_is_parked(imp) && imp->map &&
		    imp->map->buf == buf)
			found = imp;
	if (found)
		vbm_cache_doom_locked(found);
	else
		list_for_each_entry(imp, &vbm_cache_doomed, cache_list)
			if (imp->map && imp->map->buf == buf)
				found = imp;
	if (found) {
		list_del(&found->cache_list);
		vbm_cache_claim_locked(found);
	}
	spin_unlock(&vbm_cache_lock);
	return found;
}

/**
 * vbm_cache_unmap_parked() - a buffer of ours is about to move
 * @buf: the buffer, whose memory is not the DMA API's
 *
 * What is parked of it no longer has it mapped. The rest of dropping it is the
 * worker's, as a reservation lock is held here.
 *
 * Context: may sleep; the buffer's dma_resv held, &vbm_buf.lock not.
 */
void vbm_cache_unmap_parked(const struct vbm_buf *buf)
{
	struct vbm_import *imp;

	if (vbm_cache_empty())
		return;
	while ((imp = vbm_cache_claim_of(buf))) {
		vbm_import_unmap_parked(imp);
		spin_lock(&vbm_cache_lock);
		imp->state = VBM_IMPORT_DOOMED;
		list_add_tail(&imp->cache_list, &vbm_cache_doomed);
		vbm_cache_claimed--;
		mod_delayed_work(vbm_cache_wq, &vbm_cache_worker, 0);
		wake_up_all(&vbm_cache_wait);
		spin_unlock(&vbm_cache_lock);
	}
}

/**
 * vbm_cache_device_gone() - the driver of a device has gone
 * @dev: the device, whose own imports have been seen to
 *
 * When it returns no memory that came from it is held here.
 *
 * Context: may sleep; device_lock of @dev held.
 */
void vbm_cache_device_gone(const struct device *dev)
{
	struct vbm_import *imp;

	while ((imp = vbm_cache_claim_from(dev)))
		vbm_cache_evict(imp);
	/* Others may be dropping one. No foreign exporter is waited for. */
	wait_event(vbm_cache_wait, !READ_ONCE(vbm_cache_returning));
}

/*
 * Does nobody but this cache have the dma-buf? Of one that is in use vb2 has a
 * reference, too.
 */
static bool vbm_cache_last_locked(const struct vbm_import *imp)
{
	const struct vbm_import *other;
	unsigned long n = 0;

	lockdep_assert_held(&vbm_cache_lock);
	hash_for_each_possible(vbm_cache, other, cache_node,
			       (unsigned long)imp->dmabuf)
		n += other->dmabuf == imp->dmabuf;
	return file_count(imp->dmabuf->file) <= n;
}

static bool vbm_cache_idle(const struct vbm_import *imp)
{
	return time_after(jiffies, imp->parked_at +
			  (imp->map ? VBM_CACHE_IDLE_OURS :
				      VBM_CACHE_IDLE_FOREIGN));
}

static int vbm_cache_older(void *priv, const struct list_head *a,
			   const struct list_head *b)
{
	const struct vbm_import *x, *y;

	x = list_entry(a, struct vbm_import, cache_list);
	y = list_entry(b, struct vbm_import, cache_list);
	return time_after(x->parked_at, y->parked_at);
}

/* Decide what has to go. */
static void vbm_cache_select(bool all)
{
	long shrink = atomic_long_xchg(&vbm_cache_to_shrink, 0);
	struct vbm_import *imp, *next;
	LIST_HEAD(parked);
	unsigned int i;

	spin_lock(&vbm_cache_lock);
	/* All of a dma-buf together, as vbm_cache_last_locked() counts them. */
	hash_for_each(vbm_cache, i, imp, cache_node) {
		if (!vbm_cache_is_parked(imp))
			continue;
		imp->evict = all || vbm_cache_idle(imp) ||
			     vbm_cache_last_locked(imp);
		list_add_tail(&imp->cache_list, &parked);
	}
	list_sort(NULL, &parked, vbm_cache_older);
	list_for_each_entry_safe(imp, next, &parked, cache_list) {
		list_del(&imp->cache_list);
		if (imp->evict || shrink > 0)
			vbm_cache_doom_locked(imp);
		shrink--;
	}
	spin_unlock(&vbm_cache_lock);
}

static void vbm_cache_drop_doomed(void)
{
	struct vbm_import *imp;

	for (;;) {
		spin_lock(&vbm_cache_lock);
		imp = list_first_entry_or_null(&vbm_cache_doomed,
					       struct vbm_import, cache_list);
		if (imp) {
			list_del(&imp->cache_list);
			vbm_cache_claim_locked(imp);
		}
		spin_unlock(&vbm_cache_lock);
		if (!imp)
			return;
		vbm_cache_evict(imp);
	}
}

static bool vbm_cache_has_parked_locked(void)
{
	struct vbm_import *imp;
	unsigned int i;

	lockdep_assert_held(&vbm_cache_lock);
	hash_for_each(vbm_cache, i, imp, cache_node)
		if (vbm_cache_is_parked(imp))
			return true;
	return false;
}

static void vbm_cache_work(struct work_struct *work)
{
	unsigned long asked;

	/* Their references would be taken for somebody else's. */
	vbm_cache_drop_doomed();

	asked = READ_ONCE(vbm_cache_asked);
	vbm_cache_select(asked != vbm_cache_served);
	vbm_cache_drop_doomed();

	spin_lock(&vbm_cache_lock);
	vbm_cache_served = asked;
	vbm_cache_worker_runs = false;
	if (vbm_cache_has_parked_locked())
		vbm_cache_wake_locked();
	wake_up_all(&vbm_cache_wait);
	spin_unlock(&vbm_cache_lock);
}

/* Has all gone that was there when the worker was asked? */
static bool vbm_cache_all_gone(unsigned long asked)
{
	bool gone;

	spin_lock(&vbm_cache_lock);
	gone = (long)(vbm_cache_served - asked) >= 0 && !vbm_cache_claimed &&
	       list_empty(&vbm_cache_doomed);
	spin_unlock(&vbm_cache_lock);
	return gone;
}

/**
 * vbm_cache_reclaim() - have back what all parked imports hold
 *
 * When it returns their memory, bounce buffers and device addresses are free,
 * also those of imports that somebody else was about to drop; unless an
 * exporter takes longer than anybody should have to wait for.
 *
 * Context: may sleep; no reservation lock, nor any lock that the release of a
 *	dma-buf takes.
 * Return: false if there was nothing.
 */
bool vbm_cache_reclaim(void)
{
	unsigned long asked;

	if (vbm_cache_empty())
		return false;

	spin_lock(&vbm_cache_lock);
	asked = ++vbm_cache_asked;
	mod_delayed_work(vbm_cache_wq, &vbm_cache_worker, 0);
	spin_unlock(&vbm_cache_lock);
	wait_event_timeout(vbm_cache_wait, vbm_cache_all_gone(asked),
			   VBM_CACHE_PATIENCE);
	return true;
}

/*
 * Is something kept that bounces, or has addresses from an IOMMU? What is just
 * being dropped may have some: it is counted, and no longer in the table.
 */
static bool vbm_cache_has_addresses(void)
{
	struct vbm_import *imp;
	bool has = false;
	s64 nr = 0;
	unsigned int i;

	spin_lock(&vbm_cache_lock);
	hash_for_each(vbm_cache, i, imp, cache_node) {
		if (!vbm_cache_is_parked(imp))
			continue;
		has |= imp->bounces || imp->vdev->limits.translated;
		nr++;
	}
	has |= vbm_stat_read(VBM_STAT_PARKED) > nr;
	spin_unlock(&vbm_cache_lock);
	return has;
}

/* See vbm_cache_retry(). */
bool vbm_cache_cures(int error)
{
	bool cures;

	switch (error) {
	case -ENOMEM:
		cures = vbm_cache_reclaim();
		/* Of what that has freed, too. */
		return vbm_pool_drain() || cures;
	case -EIO:
	case -ENOSPC:
		/* How the DMA API fails, at times for good: memory is no help. */
		return vbm_cache_has_addresses() && vbm_cache_reclaim();
	default:
		return false;
	}
}

/* How many have been dropped so far, for vbm_cache_settle(). Context: any. */
unsigned int vbm_cache_moment(void)
{
	return READ_ONCE(vbm_cache_dropped_nr);
}

static bool vbm_cache_settled(void)
{
	bool settled;

	spin_lock(&vbm_cache_lock);
	settled = !vbm_cache_claimed && list_empty(&vbm_cache_doomed);
	spin_unlock(&vbm_cache_lock);
	return settled;
}

/**
 * vbm_cache_settle() - wait for what is just being dropped
 * @since: vbm_cache_moment() of before
 *
 * Until it is dropped it has a buffer mapped, which can not move then.
 *
 * Context: may sleep; as vbm_cache_reclaim().
 * Return: false if nothing has been dropped since, nor is.
 */
bool vbm_cache_settle(unsigned int since)
{
	if (vbm_cache_settled())
		return vbm_cache_moment() != since;
	wait_event_timeout(vbm_cache_wait, vbm_cache_settled(),
			   VBM_CACHE_PATIENCE);
	return true;
}

static unsigned long vbm_cache_count(struct shrinker *shrinker,
				     struct shrink_control *sc)
{
	return vbm_stat_read(VBM_STAT_PARKED);
}

/* Reclaim may be running under a reservation lock: not here. */
static unsigned long vbm_cache_scan(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	atomic_long_add(sc->nr_to_scan, &vbm_cache_to_shrink);
	mod_delayed_work(vbm_cache_wq, &vbm_cache_worker, 0);
	return 0;
}

int vbm_cache_init(void)
{
	/* Devices that are suspended are not to be touched. */
	vbm_cache_wq = alloc_workqueue("videobuf2-mem",
				       WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!vbm_cache_wq)
		return -ENOMEM;

	vbm_cache_shrinker = shrinker_alloc(0, "videobuf2-mem-imports");
	if (!vbm_cache_shrinker) {
		destroy_workqueue(vbm_cache_wq);
		return -ENOMEM;
	}
	vbm_cache_shrinker->count_objects = vbm_cache_count;
	vbm_cache_shrinker->scan_objects = vbm_cache_scan;
	shrinker_register(vbm_cache_shrinker);
	return 0;
}

/*
 * Nobody parks any more. What is counted as parked the worker has still to do
 * with, or the end of a device.
 */
void vbm_cache_fini(void)
{
	shrinker_free(vbm_cache_shrinker);
	while (vbm_cache_reclaim())
		;
	cancel_delayed_work_sync(&vbm_cache_worker);
	destroy_workqueue(vbm_cache_wq);
}
