// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a buffer is to be, decided when a device is about to be mapped.
 *
 *   the storage is as the device needs it      map it
 *   it could move                              move it to where all devices
 *                                              that had it can have it
 *   else, and it can be bounced                map it, to be bounced
 *   else                                       -EBUSY; -EOPNOTSUPP if no memory
 *                                              would do for all; -ENOMEM
 *
 * What a device needs is what it reaches, and of our importers that want one
 * address, that so much lies in one piece. A device behind an IOMMU needs
 * nothing: it sees what the IOMMU makes of it.
 *
 * A map that fails here says so once for each buffer, in a line for people.
 */

#include <linux/device.h>
#include <linux/dma-resv.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "vbm-placement.h"
#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-constraints.h"
#include "vbm-device.h"
#include "vbm-freeze.h"
#include "vbm-mapping.h"
#include "vbm-move.h"
#include "vbm.h"

/**
 * struct vbm_want - who wants a buffer, and how
 * @name: of the device
 * @limits: its own
 * @piece: bytes that it needs in one piece, or 0
 */
struct vbm_want {
	const char *name;
	struct vbm_constraints limits;
	size_t piece;
};

/* What storage may fail at. */
enum vbm_lack {
	VBM_LACKS_NOTHING,
	VBM_LACKS_REACH,
	VBM_LACKS_PIECE,
};

static const char * const vbm_lack_names[] = {
	[VBM_LACKS_NOTHING] = "nothing",
	[VBM_LACKS_REACH] = "an address that it reaches",
	[VBM_LACKS_PIECE] = "one piece",
};

static enum vbm_lack vbm_placement_check(const struct vbm_backing *backing,
					 const struct vbm_constraints *limits,
					 size_t piece)
{
	const struct vbm_extent *ext = backing->extents;
	size_t adjacent = 0, len;
	unsigned int i;

	if (limits->translated)
		return VBM_LACKS_NOTHING;
	for (i = 0; i < backing->nr_extents && adjacent < piece; i++, ext++) {
		if (i && ext->phys != ext[-1].phys +
				      (ext[-1].nr_pages << PAGE_SHIFT))
			return VBM_LACKS_PIECE;
		adjacent += ext->nr_pages << PAGE_SHIFT;
	}
	ext = backing->extents;
	for (i = 0; i < backing->nr_extents; i++, ext++) {
		len = ext->nr_pages << PAGE_SHIFT;
		if (ext->phys + len - 1 > limits->max_addr)
			return VBM_LACKS_REACH;
	}
	return VBM_LACKS_NOTHING;
}

/* Would bouncing do? A bounce buffer is in one piece up to a size only. */
static bool vbm_placement_bounces(const struct vbm_want *want)
{
	return want->limits.max_bounce && want->piece <= want->limits.max_bounce;
}

static void vbm_placement_merge(struct vbm_constraints *all,
				const struct vbm_constraints *limits)
{
	if (!limits->translated)
		all->max_addr = min(all->max_addr, limits->max_addr);
}

/*
 * What all want together: the own device, whoever has had the buffer mapped and
 * may do so again, and @want, if that is not NULL.
 */
static void vbm_placement_request_locked(struct vbm_buf *buf,
					 const struct vbm_want *want,
					 struct vbm_constraints *all,
					 struct vbm_request *req)
{
	const struct vbm_constraints *own = &buf->own->vdev->limits;
	struct vbm_mapping *map;

	lockdep_assert_held(&buf->lock);
	*all = (struct vbm_constraints) {
		.max_addr = U64_MAX,
		.max_segment = own->max_segment,
		.boundary_mask = own->boundary_mask,
	};
	list_for_each_entry(map, &buf->mappings, buf_node)
		vbm_placement_merge(all, &map->vdev->limits);
	if (want)
		vbm_placement_merge(all, &want->limits);

	*req = (struct vbm_request) {
		.dev = buf->plane.dev,
		.limits = all,
		.size = buf->plane.size,
		.gfp = buf->gfp,
		.dir = buf->plane.dir,
		.contig = buf->plane.contig,
		.coherent = buf->coherent,
	};
	/* One piece for the own device, once it was found, stays one. */
	if (buf->plane.contig && own->translated)
		req->contig = false;
	if (want && want->piece && !want->limits.translated)
		req->contig = true;
}

/* Drops the buffer's lock for a while. */
static enum vbm_refusal vbm_placement_try_locked(struct vbm_buf *buf,
						 const struct vbm_want *want)
{
	struct vbm_constraints all;
	struct vbm_request req;
	enum vbm_refusal why;

	why = vbm_move_possible_locked(buf);
	if (!why && vbm_mapping_users_locked(buf)) {
		mutex_unlock(&buf->lock);
		vbm_cache_unmap_parked(buf);
		mutex_lock(&buf->lock);
	}
	/* Also if it is not possible: this counts it. */
	vbm_placement_request_locked(buf, want, &all, &req);
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

static void vbm_placement_tell(struct vbm_buf *buf, const struct vbm_want *want,
			       enum vbm_lack lack, enum vbm_refusal why)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, 5);

	if (buf->told)
		return;
	buf->told = true;
	ratelimit_set_flags(&limit, RATELIMIT_MSG_ON_RELEASE);
	if (!__ratelimit(&limit))
		return;
	pr_notice("videobuf2-mem: buffer %u of %s can not be imported by %s, which needs %s of %zu bytes: it does not move (%s%s%s)\n",
		  buf->plane.id, buf->own->vdev->name, want->name,
		  vbm_lack_names[lack], want->piece ?: buf->plane.size,
		  vbm_refusal_names[why],
		  why == VBM_REFUSED_FROZEN ? ": " : "",
		  why == VBM_REFUSED_FROZEN ? vbm_freeze_names[buf->freeze] :
					      "");
}

/**
 * vbm_placement_for_locked() - have a buffer where a device can use it
 * @buf: the buffer
 * @dev: the device, which has no mapping of it that would do
 * @piece: bytes, from the first on, that it needs in one piece; 0 if it takes a
 *	list
 *
 * May drop the lock of the buffer for a while; nobody maps or unmaps it
 * meanwhile.
 *
 * Context: may sleep; the buffer's dma_resv and &vbm_buf.lock held.
 * Return: 0 if mapping it can be tried; -EBUSY if it would have to move and can
 *	not now; -EOPNOTSUPP if no memory would do for all its devices; -ENOMEM.
 */
int vbm_placement_for_locked(struct vbm_buf *buf, struct device *dev,
			     size_t piece)
{
	struct vbm_want want = { .piece = piece };
	struct vbm_device *vdev;
	enum vbm_refusal why;
	enum vbm_lack lack;
	int ret = 0;

	lockdep_assert_held(&buf->lock);
	vdev = vbm_device_get(dev);
	/* Who maps finds out. */
	if (IS_ERR(vdev))
		return 0;
	want.name = vdev->name;
	want.limits = vdev->limits;

	lack = vbm_placement_check(buf->backing, &want.limits, piece);
	if (!lack)
		goto out;
	why = vbm_placement_try_locked(buf, &want);
	if (!why)
		lack = vbm_placement_check(buf->backing, &want.limits, piece);
	if (!lack || (lack == VBM_LACKS_REACH && vbm_placement_bounces(&want)))
		goto out;
	/* It has moved, and to no avail: there is no such memory. */
	ret = vbm_placement_errno(buf, why) ?: -EOPNOTSUPP;
	vbm_placement_tell(buf, &want, lack, why);
out:
	vbm_device_put(vdev);
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
	enum vbm_refusal why;
	int ret;

	ret = dma_resv_lock_interruptible(&buf->resv, NULL);
	if (ret)
		return ret;
	mutex_lock(&buf->lock);
	if (buf->backing) {
		why = vbm_placement_try_locked(buf, NULL);
		ret = vbm_placement_errno(buf, why);
	}
	mutex_unlock(&buf->lock);
	dma_resv_unlock(&buf->resv);
	return ret;
}
