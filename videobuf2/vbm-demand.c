// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all devices that have to do with a buffer ask of its memory, and who
 * brought which requirement.
 *
 * Those are the own device and whoever is attached to one of the buffer's
 * dma-bufs, mapped or not: an attachment is the announcement of a map.
 *
 * A device that no memory of the buffer's size could serve gets none, and then
 * does not keep it from others: only where it is the one that is to be served
 * is its demand counted.
 */

#include <linux/device.h>
#include <linux/list.h>
#include <linux/lockdep.h>

#include "vbm-demand.h"
#include "vbm-attachment.h"
#include "vbm-device.h"
#include "vbm-lesson.h"
#include "vbm.h"

/**
 * vbm_demand_own() - what the queue's own device asks
 * @vdev: the device
 * @contig: its driver has one address, and no list
 * @c: result
 *
 * Context: any.
 */
void vbm_demand_own(const struct vbm_device *vdev, bool contig,
		    struct vbm_constraints *c)
{
	*c = vdev->limits;
	/* An IOMMU makes one address of any memory. */
	if (contig && !c->translated)
		vbm_constraints_one_address(c);
}

/**
 * vbm_demand_attachment_locked() - what one importer asks
 * @att: the attachment
 * @c: result; asks for nothing where its device is not known
 *
 * For one attachment this is what vbm_backing_check() is to be asked with. An
 * importer of ours says itself whether it has one address; a foreign one that
 * sees memory where it lies may need that as well, which nothing tells.
 *
 * Context: any but interrupts; &vbm_buf.lock held.
 * Return: how much it cares for one piece beyond @c.
 */
enum vbm_one vbm_demand_attachment_locked(const struct vbm_attachment *att,
					  struct vbm_constraints *c)
{
	if (!att->vdev) {
		vbm_constraints_init(c);
		return VBM_ONE_ANY;
	}
	vbm_demand_own(att->vdev, att->contig, c);
	if (att->exact || !att->vdev->direct || c->max_segments == 1)
		return VBM_ONE_ANY;
	return vbm_lesson_learnt(att->vdev) ? VBM_ONE_WANTED :
					      VBM_ONE_PREFERRED;
}

static void vbm_demand_merge(struct vbm_demand *demand,
			     const struct vbm_constraints *with,
			     const char *name)
{
	const struct vbm_constraints was = demand->all;
	struct vbm_constraints *all = &demand->all;

	vbm_constraints_merge(all, with);
	if (all->max_addr != was.max_addr)
		demand->by[VBM_REQ_ADDRESS].name = name;
	if (all->max_segments != was.max_segments)
		demand->by[VBM_REQ_SEGMENTS].name = name;
	if (all->max_segment != was.max_segment)
		demand->by[VBM_REQ_SEGMENT_SIZE].name = name;
	if (all->boundary_mask != was.boundary_mask)
		demand->by[VBM_REQ_BOUNDARY].name = name;
	if (all->align != was.align)
		demand->by[VBM_REQ_ALIGN].name = name;
	if (all->needs_pages != was.needs_pages)
		demand->by[VBM_REQ_PAGES].name = name;
}

static void vbm_demand_add(struct vbm_demand *demand,
			   struct vbm_constraints *c, const char *name,
			   size_t size, bool wanted)
{
	if (!wanted && vbm_constraints_possible(c, size) != VBM_REQ_NONE)
		return;
	vbm_constraints_settle(c, size);
	vbm_demand_merge(demand, c, name);
}

/**
 * vbm_demand_collect_locked() - what a buffer's memory has to be for all
 * @buf: the buffer
 * @wanted: the attachment that is to be served, if any: counts even where
 *	nothing could serve it
 * @demand: result
 *
 * To ask for memory, and to say who stands in the way. Storage that was got so
 * does for each device alone (vbm_backing_check() with what
 * vbm_demand_attachment_locked() says) if it does for @demand->all.
 *
 * Context: any but interrupts; &vbm_buf.lock held.
 */
void vbm_demand_collect_locked(struct vbm_buf *buf,
			       const struct vbm_attachment *wanted,
			       struct vbm_demand *demand)
{
	const struct vbm_attachment *att;
	struct vbm_constraints c;
	enum vbm_one one;

	lockdep_assert_held(&buf->lock);
	*demand = (struct vbm_demand) {};
	vbm_constraints_init(&demand->all);

	vbm_demand_own(vbm_buf_vdev(buf), buf->plane.contig, &c);
	if (buf->coherent && buf->plane.contig)
		c.max_addr = min(c.max_addr, vbm_buf_vdev(buf)->max_coherent);
	vbm_demand_add(demand, &c, vbm_buf_device(buf), buf->plane.size,
		       false);
	list_for_each_entry(att, vbm_inbox_list(&buf->attachments),
			    letter.node) {
		if (!att->vdev)
			continue;
		one = vbm_demand_attachment_locked(att, &c);
		if (one > demand->one) {
			demand->one = one;
			demand->one_by = att->vdev->name;
		}
		vbm_demand_add(demand, &c, att->vdev->name, buf->plane.size,
			       att == wanted);
	}
	if (demand->all.max_segments == 1) {
		demand->one = VBM_ONE_ANY;
		demand->one_by = NULL;
	}
}
