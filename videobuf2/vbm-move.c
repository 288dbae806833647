// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving a buffer: another backing with the same bytes.
 *
 * It moves for an importer that can not use it where it is, in that importer's
 * map, with the reservation lock and the buffer's lock held. The first keeps
 * other importers from mapping and unmapping, the second user space from
 * faulting pages in, and drivers from a kernel address or an access. What
 * neither of them keeps out is the queue: its driver reads addresses in
 * interrupts. It claims the buffer (vbm-freeze.c), and the move is abandoned.
 *
 *   1  Nobody may be using it; new storage, mapped for the own device
 *   2  User PTEs are shot down. From here on user space waits in its fault,
 *      so that no write is lost and no page is seen that is torn or old
 *   3  No page has a reference but the allocator's: no I/O into user memory
 *      (O_DIRECT), no pipe
 *   4  What devices wrote and is not in memory yet is fetched; copy
 *   5  Under the spinlock: still nobody's? Then the new storage is the buffer's
 *   6  Mappings of the old one go, and so does it
 *
 * All that can fail comes before 5 and leaves the buffer as it was; user space
 * faults its pages in again, wherever they are.
 */

#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "vbm-move.h"
#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-constraints.h"
#include "vbm-cpu.h"
#include "vbm-freeze.h"
#include "vbm-mapping.h"
#include "vbm-mmap.h"
#include "vbm-revoke.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

const char * const vbm_refusal_names[VBM_NR_REFUSALS] = {
	[VBM_MOVED] = "moved",
	[VBM_REFUSED_FROZEN] = "frozen",
	[VBM_REFUSED_OWNED] = "owned",
	[VBM_REFUSED_MAPPED] = "mapped",
	[VBM_REFUSED_KERNEL] = "kernel",
	[VBM_REFUSED_PINNED] = "pinned",
	[VBM_REFUSED_RACED] = "raced",
	[VBM_REFUSED_MEMORY] = "memory",
	[VBM_REFUSED_DEVICE] = "device",
};

/**
 * struct vbm_move - what a buffer is about to get
 * @buf: the buffer
 * @claims: what was known of its owners when this began
 * @backing: its storage
 * @own: the own device's mapping of it
 * @kaddr: its kernel address, if the old storage has one
 */
struct vbm_move {
	struct vbm_buf *buf;
	int claims;
	struct vbm_backing *backing;
	struct vbm_mapping *own;
	struct vbm_kaddr kaddr;
};

/* Is it the driver's, or never to move? The claims tell what happens later. */
static enum vbm_refusal vbm_move_owner(struct vbm_buf *buf, int *claims)
{
	enum vbm_refusal why = VBM_MOVED;
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	if (!vbm_freeze_may_move(buf, claims))
		why = buf->plane.frozen ? VBM_REFUSED_FROZEN :
					  VBM_REFUSED_OWNED;
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return why;
}

/**
 * vbm_move_possible_locked() - could a buffer move, if no device had it mapped?
 * @buf: the buffer
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: VBM_MOVED, or why not.
 */
enum vbm_refusal vbm_move_possible_locked(struct vbm_buf *buf)
{
	enum vbm_refusal why;
	int claims;

	lockdep_assert_held(&buf->lock);
	why = vbm_move_owner(buf, &claims);
	if (why)
		return why;
	if (!buf->own->live)
		return VBM_REFUSED_DEVICE;
	if (buf->accesses || buf->vmap_users != buf->vaddr_held)
		return VBM_REFUSED_KERNEL;
	if (!vbm_mmap_listed_locked(buf))
		return VBM_REFUSED_PINNED;
	return VBM_MOVED;
}

static struct vbm_backing *vbm_move_ask(const struct vbm_request *req)
{
	const struct vbm_allocator * const *allocator;
	struct vbm_backing *backing = ERR_PTR(-EAGAIN);

	for (allocator = vbm_alloc_table(); *allocator; allocator++) {
		if (!(*allocator)->movable || !(*allocator)->suits(req))
			continue;
		backing = (*allocator)->alloc(req);
		if (PTR_ERR(backing) != -EAGAIN)
			break;
	}
	return backing;
}

/* Allocators may take reach for a wish, and know nothing of how many pieces. */
static bool vbm_move_does(struct vbm_backing *backing,
			  const struct vbm_request *req)
{
	vbm_backing_publish(backing);
	return backing->shape.has_pages &&
	       !vbm_backing_check(backing, req->limits);
}

/* A list may have too many pieces, or begin anywhere: then one piece. */
static struct vbm_backing *vbm_move_alloc(const struct vbm_request *req)
{
	struct vbm_backing *backing = vbm_move_ask(req);
	struct vbm_request one = *req;

	if (IS_ERR(backing) || vbm_move_does(backing, req))
		return backing;
	vbm_backing_put(backing);
	if (req->contig)
		return ERR_PTR(-ENOMEM);
	one.contig = true;
	backing = vbm_move_ask(&one);
	if (IS_ERR(backing) || vbm_move_does(backing, req))
		return backing;
	vbm_backing_put(backing);
	return ERR_PTR(-ENOMEM);
}

/* Step 1. What it leaves behind if it fails is for vbm_move_abandon(). */
static enum vbm_refusal vbm_move_prepare_locked(struct vbm_move *move,
						const struct vbm_request *req)
{
	struct vbm_buf *buf = move->buf;
	struct mem_cgroup *active = NULL;
	struct vbm_backing *backing;
	struct vbm_mapping *own;

	/* Who asked for the buffer pays, whoever moves it. */
	if (buf->memcg)
		active = set_active_memcg(buf->memcg);
	backing = vbm_move_alloc(req);
	if (buf->memcg)
		set_active_memcg(active);
	if (IS_ERR(backing))
		return VBM_REFUSED_MEMORY;
	move->backing = backing;
	own = vbm_mapping_successor_locked(buf, backing);
	/* Bounce buffers and addresses are memory, too: -EIO, -ENOSPC. */
	if (IS_ERR(own))
		return PTR_ERR(own) == -EOPNOTSUPP || PTR_ERR(own) == -ENODEV ?
		       VBM_REFUSED_DEVICE : VBM_REFUSED_MEMORY;
	move->own = own;
	if (!vbm_buf_usable(buf, own))
		return VBM_REFUSED_DEVICE;

	if (vbm_vmap_prepare_locked(buf, backing, &move->kaddr))
		return VBM_REFUSED_MEMORY;
	return VBM_MOVED;
}

static void vbm_move_abandon(struct vbm_move *move)
{
	if (!move->backing)
		return;
	vbm_vmap_discard(&move->kaddr, move->backing);
	if (move->own)
		vbm_mapping_discard(move->own);
	vbm_backing_put(move->backing);
}

/*
 * Does somebody have a reference to a page? Pages are mapped nowhere, so what
 * there is besides the allocator's own is get_user_pages(), from before that.
 */
static bool vbm_move_pinned(const struct vbm_backing *backing)
{
	unsigned int i;

	/* After the PTEs were cleared, as GUP-fast looks again at them. */
	smp_mb();
	for (i = 0; i < backing->nr_extents; i++) {
		const struct vbm_extent *ext = &backing->extents[i];
		unsigned long at = 0;

		while (at < ext->nr_pages) {
			struct folio *folio = page_folio(ext->page + at);

			if (folio_ref_count(folio) != 1)
				return true;
			at += folio_nr_pages(folio) -
			      folio_page_idx(folio, ext->page + at);
		}
	}
	return false;
}

static void vbm_move_copy(const struct vbm_backing *from,
			  const struct vbm_backing *to)
{
	const struct vbm_extent *src = from->extents, *dst = to->extents;
	unsigned long s = 0, d = 0, left = vbm_backing_nr_pages(from);

	for (; left; left--, s++, d++) {
		if (s == src->nr_pages) {
			src++;
			s = 0;
		}
		if (d == dst->nr_pages) {
			dst++;
			d = 0;
		}
		copy_highpage(dst->page + d, src->page + s);
		flush_dcache_page(dst->page + d);
		cond_resched();
	}
}

/* Step 5. What was the buffer's is @move's then. */
static bool vbm_move_commit_locked(struct vbm_move *move)
{
	struct vbm_buf *buf = move->buf;
	struct vbm_plane *plane = &buf->plane;
	struct vbm_mapping *own = buf->own;
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&buf->sync_lock, flags);
	ok = vbm_freeze_begin_move(buf, move->claims);
	if (ok) {
		vbm_mapping_succeed(own, move->own);
		plane->dma_addr = sg_dma_address(move->own->sgt.sgl);
		buf->table = move->own->sgt;
		vbm_vmap_switch_locked(buf, &move->kaddr);
		move->own = own;
		swap(buf->backing, move->backing);
		buf->moves++;
		vbm_freeze_end_move(buf);
	}
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return ok;
}

static enum vbm_refusal vbm_move_try_locked(struct vbm_move *move,
					    const struct vbm_request *req)
{
	struct vbm_buf *buf = move->buf;
	enum vbm_refusal why;

	why = vbm_move_possible_locked(buf);
	if (!why)
		why = vbm_move_owner(buf, &move->claims);
	if (why)
		return why;
	if (vbm_mapping_users_locked(buf) || !vbm_revoke_idle(buf))
		return VBM_REFUSED_MAPPED;
	why = vbm_move_prepare_locked(move, req);
	if (why)
		return why;

	vbm_mmap_shoot_down_locked(buf);
	if (vbm_move_pinned(buf->backing))
		return VBM_REFUSED_PINNED;
	vbm_cpu_before_move_locked(buf);
	vbm_move_copy(buf->backing, move->backing);
	if (!vbm_move_commit_locked(move))
		return VBM_REFUSED_RACED;

	vbm_mapping_retire_locked(move->own);
	move->own = NULL;
	return VBM_MOVED;
}

/**
 * vbm_move_locked() - move a buffer
 * @buf: the buffer
 * @req: what storage is wanted
 *
 * Imports that are parked have been dropped (vbm_cache_unmap_parked()), or count.
 *
 * Context: may sleep; the buffer's dma_resv and &vbm_buf.lock held.
 * Return: VBM_MOVED; else why not, and nothing has changed.
 */
enum vbm_refusal vbm_move_locked(struct vbm_buf *buf,
				 const struct vbm_request *req)
{
	struct vbm_move move = { .buf = buf };
	size_t metadata = vbm_buf_metadata(buf);
	unsigned int extents = buf->backing->nr_extents;
	enum vbm_refusal why;

	lockdep_assert_held(&buf->lock);
	dma_resv_assert_held(&buf->resv);

	why = vbm_move_try_locked(&move, req);
	/* It is the old storage by now, if it has moved. */
	vbm_move_abandon(&move);

	vbm_stat_inc(VBM_STAT_MOVES + why);
	if (!why)
		vbm_stat_add(VBM_STAT_METADATA_BYTES,
			     (s64)vbm_buf_metadata(buf) - (s64)metadata);
	trace_vbm_move(&buf->plane, extents, buf->backing->nr_extents,
		       vbm_refusal_names[why]);
	return why;
}
