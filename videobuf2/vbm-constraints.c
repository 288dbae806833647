// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic over what devices ask of memory. See vbm-constraints.h.
 */

#include <linux/align.h>
#include <linux/mm.h>

#include "vbm-constraints.h"

/**
 * vbm_constraints_bounces() - does the DMA API have to copy this range?
 * @c: limits of the device
 * @phys: physical address of the first byte
 * @len: bytes, at least 1
 *
 * Context: any.
 * Return: true if a mapping of the range goes through swiotlb.
 */
bool vbm_constraints_bounces(const struct vbm_constraints *c, u64 phys,
			     size_t len)
{
	return c->bounce_all || phys + len - 1 > c->max_addr;
}

/**
 * vbm_constraints_accept() - can any memory be mapped as it comes?
 * @c: limits of the device
 * @size: bytes
 *
 * Context: any.
 * Return: true if no range of up to @size bytes needs to be cut, wherever it
 *	lies.
 */
bool vbm_constraints_accept(const struct vbm_constraints *c, size_t size)
{
	return size <= c->max_segment && c->max_addr == U64_MAX &&
	       !c->bounce_all &&
	       (c->translated || c->boundary_mask == U64_MAX);
}

/**
 * vbm_constraints_segment() - length of the segment that may begin here
 * @c: limits of the device
 * @phys: physical address of the first byte
 * @len: bytes that are adjacent from there on, at least 1
 *
 * A range that bounces in part is cut where bouncing begins to matter by
 * being cut to what bounces at most: the memory below the limit then costs a
 * few segments more, and none fails.
 *
 * Context: any.
 * Return: bytes, at least 1, at most @len; cut at a page boundary unless all
 *	of @len fits.
 */
size_t vbm_constraints_segment(const struct vbm_constraints *c, u64 phys,
			       size_t len)
{
	size_t max = c->max_segment;
	u64 room;

	if (c->max_bounce && vbm_constraints_bounces(c, phys, len))
		max = min(max, c->max_bounce);

	/*
	 * Behind an IOMMU it is the IOVA that must not cross a boundary, which
	 * its allocator sees to.
	 */
	if (!c->translated && c->boundary_mask != U64_MAX) {
		room = c->boundary_mask + 1 - (phys & c->boundary_mask);
		max = min_t(u64, max, room);
	}

	if (len <= max)
		return len;

	/* End at a page of memory, so that the next segment begins at one. */
	room = ALIGN_DOWN(phys + max, PAGE_SIZE);
	return room > phys ? room - phys : max;
}
