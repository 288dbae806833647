// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a buffer is to be, decided when a device is about to be mapped.
 *
 *   the storage is as the device needs it      map
 *   it could move                              move it to where all that are
 *                                              attached can have it; map
 *   else, and it can be bounced                map, to be bounced
 *   else                                       -EBUSY; -EOPNOTSUPP if no memory
 *                                              would do for all; -ENOMEM
 *
 * What devices ask for is in vbm-demand.c. An importer of one address may want a
 * part of the buffer only, and is served where that is in one piece.
 *
 * A map that fails here says so once for each buffer, in a line for people.
 */

#include <linux/dma-resv.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/types.h>

#include "vbm-placement.h"
#include "vbm-alloc.h"
#include "vbm-attachment.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-demand.h"
#include "vbm-device.h"
#include "vbm-freeze.h"
#include "vbm-mapping.h"
#include "vbm-move.h"
#include "vbm-revoke.h"
#include "vbm.h"

/* Is as much in one piece as an importer of one address may touch? */
static bool vbm_placement_has_piece(const struct vbm_backing *backing,
				    size_t piece)
{
	const struct vbm_extent *ext = backing->extents;
	phys_addr_t end = ext->phys;
	unsigned int i;

	for (i = 0; i < backing->nr_extents && ext->phys == end; i++, ext++) {
		end += ext->nr_pages << PAGE_SHIFT;
		if (end - backing->extents[0].phys >= piece)
			return true;
	}
	return false;
}

/*
 * Can it be mapped all the same? What is out of reach is bounced, in segments
 * of what bounces at most; and an importer may want a part of the buffer.
 */
static bool vbm_placement_bearable(const struct vbm_buf *buf,
				   const struct vbm_attachment *att,
				   enum vbm_requirement lacks)
{
	struct vbm_constraints c;

	if (lacks == VBM_REQ_NONE)
		return true;
	if (lacks == VBM_REQ_ADDRESS) {
		vbm_demand_attachment_locked(att, &c);
		if (!c.max_bounce || att->piece > c.max_bounce)
			return false;
		c.max_addr = U64_MAX;
		c.bounce_all = true;
		if (!vbm_backing_check(buf->backing, &c))
			return true;
	}
	return att->piece && att->piece < buf->plane.size &&
	       vbm_placement_has_piece(buf->backing, att->piece);
}

/* What the storage lacks for a device; @soft: it had better be otherwise. */
static enum vbm_requirement
vbm_placement_lacks_locked(struct vbm_buf *buf,
			   const struct vbm_attachment *att, bool *soft)
{
	enum vbm_requirement lacks;
	struct vbm_constraints c;
	enum vbm_one one;

	one = vbm_demand_attachment_locked(att, &c);
	lacks = vbm_backing_check(buf->backing, &c);
	*soft = !lacks && one == VBM_ONE_WANTED &&
		buf->backing->shape.pieces > 1;
	return *soft ? VBM_REQ_SEGMENTS : lacks;
}

/*
 * Drops the buffer's lock for a while. For a wish nobody else has to let go of
 * what is mapped.
 */
static enum vbm_refusal
vbm_placement_try_locked(struct vbm_buf *buf, const struct vbm_attachment *att,
			 struct vbm_demand *demand, bool wish)
{
	struct vbm_request req = {
		.dev = buf->plane.dev,
		.limits = &demand->all,
		.size = buf->plane.size,
		.gfp = buf->gfp,
		.dir = buf->plane.dir,
		.contig = demand->all.max_segments == 1 ||
			  demand->one == VBM_ONE_WANTED,
		.coherent = buf->coherent,
	};

	if (!wish && !vbm_move_possible_locked(buf) &&
	    (vbm_mapping_users_locked(buf) || !vbm_revoke_idle(buf))) {
		mutex_unlock(&buf->lock);
		vbm_cache_unmap_parked(buf);
		if (!buf->pins)
			vbm_revoke(buf, att);
		mutex_lock(&buf->lock);
	}
	/* Also if it is not possible: this counts it. */
	return vbm_move_locked(buf, &req);
}

static int vbm_placement_errno(const struct vbm_buf *buf, enum vbm_refusal why)
{
	switch (why) {
	case VBM_MOVED:
		return 0;
	case VBM_REFUSED_MEMORY:
		return -ENOMEM;
	case VBM_REFUSED_DEVICE:
		return buf->own->live ? -EOPNOTSUPP : -EBUSY;
	default:
		return -EBUSY;
	}
}

/* Once for each buffer, and five in five seconds at most. */
static void vbm_placement_tell_locked(struct vbm_buf *buf,
				      const struct vbm_attachment *att,
				      enum vbm_requirement lacks,
				      const char *why, const char *detail)
{
	static struct ratelimit_state limit =
		RATELIMIT_STATE_INIT_FLAGS(limit, 5 * HZ, 5,
					   RATELIMIT_MSG_ON_RELEASE);

	lockdep_assert_held(&buf->lock);
	if (buf->told)
		return;
	buf->told = true;
	if (!__ratelimit(&limit))
		return;
	pr_notice("videobuf2-mem: buffer %u of %s, %zu bytes, is not as %s needs it (%s), and does not move: %s%s%s\n",
		  buf->plane.id, buf->own->vdev->name, buf->plane.size,
		  att->vdev->name, vbm_requirement_names[lacks], why,
		  detail ? " " : "", detail ?: "");
}

/**
 * vbm_placement_for_locked() - have a buffer where a device can use it
 * @buf: the buffer
 * @att: an attachment that has no mapping of it that would do
 *
 * May drop the lock of the buffer for a while; nobody maps or unmaps it
 * meanwhile. What the buffer is not, and why, is left in @att, for who fails to
 * map it as it is.
 *
 * Context: may sleep; the buffer's dma_resv and &vbm_buf.lock held.
 * Return: 0 if mapping it can be tried; -EBUSY if it would have to move and can
 *	not now; -EOPNOTSUPP if no memory would do for all its devices; -ENOMEM.
 */
int vbm_placement_for_locked(struct vbm_buf *buf, struct vbm_attachment *att)
{
	enum vbm_requirement lacks, never;
	struct vbm_demand demand;
	enum vbm_refusal why;
	const char *who;
	bool soft;
	int ret;

	lockdep_assert_held(&buf->lock);
	/*
	 * Who maps finds out. What lies nobody knows where does not move, nor
	 * does a part of a region, which the own device can not do without.
	 */
	if (!att->vdev || !buf->backing->nr_extents || buf->backing->part)
		return 0;
	lacks = vbm_placement_lacks_locked(buf, att, &soft);
	if (likely(!lacks))
		return 0;

	vbm_demand_collect_locked(buf, att, &demand);
	never = vbm_constraints_possible(&demand.all, buf->plane.size);
	who = demand.by[never].name;
	if (!never && lacks != VBM_REQ_PAGES && att->vdev->limits.translated) {
		/* It lies well anywhere, or nowhere. */
		never = lacks;
		who = att->vdev->name;
	}
	if (never) {
		att->lacks = lacks;
		att->by = who;
		if (soft || vbm_placement_bearable(buf, att, lacks))
			return 0;
		vbm_placement_tell_locked(buf, att, lacks,
					  "no memory would do for all, because of",
					  who);
		return -EOPNOTSUPP;
	}

	why = vbm_placement_try_locked(buf, att, &demand, soft);
	if (!why)
		return 0;
	att->lacks = lacks;
	att->why = why;
	if (soft || vbm_placement_bearable(buf, att, lacks))
		return 0;
	ret = vbm_placement_errno(buf, why);
	vbm_placement_tell_locked(buf, att, lacks, vbm_refusal_names[why],
				  why == VBM_REFUSED_FROZEN ?
				  vbm_freeze_names[buf->freeze] : NULL);
	return ret;
}

/**
 * vbm_placement_move() - move a buffer for no other reason than to have it done
 * @buf: the buffer, referenced
 *
 * For debugfs: tests move a buffer often, and importers need no more than once
 * that it does. One that is nowhere yet has no need to.
 *
 * Context: may sleep; takes the buffer's dma_resv and &vbm_buf.lock.
 * Return: 0 or an error as for vbm_placement_for_locked().
 */
int vbm_placement_move(struct vbm_buf *buf)
{
	struct vbm_demand demand;
	enum vbm_refusal why;
	int ret;

	ret = dma_resv_lock_interruptible(&buf->resv, NULL);
	if (ret)
		return ret;
	mutex_lock(&buf->lock);
	if (buf->backing) {
		vbm_demand_collect_locked(buf, NULL, &demand);
		why = vbm_placement_try_locked(buf, NULL, &demand, false);
		ret = vbm_placement_errno(buf, why);
	}
	mutex_unlock(&buf->lock);
	dma_resv_unlock(&buf->resv);
	return ret;
}
