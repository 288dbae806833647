// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic over what devices ask of memory. See vbm-constraints.h.
 *
 * Each device is given its memory in a table of its own, which vbm-mapping.c
 * cuts as that device likes it. So a limit on the size of segments, or a
 * boundary, asks nothing of where memory lies as long as the device takes any
 * number of segments. Where it takes so many only, cutting costs some of them,
 * and what is left is how many pieces the memory may be in:
 * vbm_constraints_settle(). A merge, for all devices of a buffer, is made of
 * such numbers; merging the limits themselves would find two devices at odds
 * that one run of memory serves.
 *
 * A translating IOMMU makes of any memory what the device sees, in the best of
 * pieces: as long as a segment may be, and cut at boundaries only. What the
 * device asks is then met wherever memory lies, or nowhere.
 *
 * Memory out of reach fails here, though it could be bounced: where it lies
 * elsewhere it need not be.
 */

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "vbm-constraints.h"

/* As much as an entry of a scatterlist holds, in whole pages. */
#define VBM_SEGMENT_MAX		((size_t)(UINT_MAX & PAGE_MASK))

const char * const vbm_requirement_names[VBM_NR_REQ] = {
	[VBM_REQ_NONE]		= "none",
	[VBM_REQ_ADDRESS]	= "address",
	[VBM_REQ_SEGMENTS]	= "segments",
	[VBM_REQ_SEGMENT_SIZE]	= "segment-size",
	[VBM_REQ_BOUNDARY]	= "boundary",
	[VBM_REQ_ALIGN]		= "align",
	[VBM_REQ_PAGES]		= "pages",
};

/**
 * vbm_shape_init() - of no memory
 * @shape: result
 *
 * Context: any.
 */
void vbm_shape_init(struct vbm_backing_shape *shape)
{
	*shape = (struct vbm_backing_shape) {};
}

/**
 * vbm_shape_add() - more memory
 * @shape: of what comes before it in the buffer
 * @phys: physical address of the first byte
 * @len: bytes, at least 1
 * @has_pages: it has struct pages
 *
 * Context: any.
 */
void vbm_shape_add(struct vbm_backing_shape *shape, u64 phys, size_t len,
		   bool has_pages)
{
	u64 last = phys + len - 1;

	if (!shape->pieces) {
		shape->align = phys ? phys & -phys : BIT_ULL(63);
		shape->has_pages = true;
	}
	if (!shape->pieces || phys != shape->end) {
		shape->pieces++;
		shape->begin = phys;
	}
	shape->end = phys + len;
	shape->size += len;
	shape->has_pages &= has_pages;
	shape->last = max(shape->last, last);
	shape->longest = max_t(u64, shape->longest,
			       shape->end - shape->begin);
	if (shape->begin != last)
		shape->crossed = max(shape->crossed,
				     BIT_ULL(fls64(shape->begin ^ last) - 1));
}

/**
 * vbm_constraints_init() - of a device that asks for nothing
 * @c: result
 *
 * Context: any.
 */
void vbm_constraints_init(struct vbm_constraints *c)
{
	*c = (struct vbm_constraints) {
		.max_addr = U64_MAX,
		.max_segment = VBM_SEGMENT_MAX,
		.boundary_mask = U64_MAX,
		.max_segments = UINT_MAX,
		.align = PAGE_SIZE,
		.chunk = PAGE_SIZE,
	};
}

/* What is bounced wherever it lies is cut for that. */
static size_t vbm_constraints_max_segment(const struct vbm_constraints *c)
{
	return c->bounce_all && c->max_bounce ?
	       min(c->max_segment, c->max_bounce) : c->max_segment;
}

/* Can what it reaches cross its boundary? */
static bool vbm_constraints_bounded(const struct vbm_constraints *c)
{
	return c->boundary_mask < c->max_addr;
}

/*
 * The most that so many pieces are cut into, wherever they lie: of lengths l
 * each has (l - 1) / max + 1 segments, and crosses (l - 1) / boundary + 1
 * boundaries at most.
 */
static u64 vbm_constraints_most(const struct vbm_constraints *c, size_t size,
				u64 pieces)
{
	u64 nr = pieces + (size - 1) / vbm_constraints_max_segment(c);

	if (vbm_constraints_bounded(c))
		nr += pieces + div64_u64(size - 1, c->boundary_mask + 1);
	return nr;
}

/**
 * vbm_constraints_one_address() - of a user that has an address, and no list
 * @c: the limits of its device, changed
 *
 * Such a user sees nothing of how long segments are. What the DMA API says
 * then (64 KiB, for all of PCI) would leave it with next to no memory.
 *
 * Context: any.
 */
void vbm_constraints_one_address(struct vbm_constraints *c)
{
	c->max_segments = 1;
	c->max_segment = VBM_SEGMENT_MAX;
}

/**
 * vbm_constraints_settle() - in how many pieces may memory be, wherever they lie
 * @c: the limits of a device, changed
 * @size: bytes of the buffer, at least 1
 *
 * Takes away the limits on segments that cutting meets, and from
 * @c->max_segments what the cuts may cost. Limits that leave not one piece to
 * any cut stay: memory has to keep to them.
 *
 * Context: any.
 */
void vbm_constraints_settle(struct vbm_constraints *c, size_t size)
{
	u64 cuts, pieces;

	if (c->translated)
		return;
	if (c->max_segments != UINT_MAX) {
		cuts = vbm_constraints_most(c, size, 0);
		if (cuts >= c->max_segments)
			return;
		pieces = c->max_segments - cuts;
		if (vbm_constraints_bounded(c))
			pieces /= 2;
		if (!pieces)
			return;
		c->max_segments = pieces;
	}
	c->max_segment = VBM_SEGMENT_MAX;
	c->boundary_mask = U64_MAX;
	c->bounce_all = false;
}

/**
 * vbm_constraints_merge() - memory has to do for one more
 * @c: what it has to do for so far, changed
 * @with: the limits of one device, or another merge
 *
 * To be settled before: see the top of the file.
 *
 * Context: any.
 */
void vbm_constraints_merge(struct vbm_constraints *c,
			   const struct vbm_constraints *with)
{
	c->chunk = max(c->chunk, with->chunk);
	c->needs_pages |= with->needs_pages;
	if (with->translated)
		return;

	c->max_addr = min(c->max_addr, with->max_addr);
	c->align = max(c->align, with->align);
	c->max_segments = min(c->max_segments, with->max_segments);
	c->max_segment = min(c->max_segment, vbm_constraints_max_segment(with));
	c->boundary_mask = min(c->boundary_mask, with->boundary_mask);
}

/**
 * vbm_constraints_possible() - is there any memory that would do?
 * @c: limits of a device, or a merge
 * @size: bytes of the buffer, at least 1
 *
 * Context: any.
 * Return: VBM_REQ_NONE if there is, or what rules it out.
 */
enum vbm_requirement
vbm_constraints_possible(const struct vbm_constraints *c, size_t size)
{
	u64 max = vbm_constraints_max_segment(c);
	bool bounded = c->boundary_mask < max - 1;

	if (size - 1 > c->max_addr)
		return VBM_REQ_ADDRESS;
	if (bounded)
		max = c->boundary_mask + 1;
	if (div64_u64(size - 1, max) >= c->max_segments)
		return bounded ? VBM_REQ_BOUNDARY : VBM_REQ_SEGMENT_SIZE;
	/* Nobody gives out address 0. */
	if (c->align > PAGE_SIZE && c->max_addr - (size - 1) < c->align)
		return VBM_REQ_ALIGN;
	return VBM_REQ_NONE;
}

/**
 * vbm_constraints_count() - into how many segments one piece is cut
 * @c: limits of the device
 * @phys: physical address of the first byte
 * @len: bytes
 *
 * Context: any.
 * Return: how many.
 */
unsigned int vbm_constraints_count(const struct vbm_constraints *c, u64 phys,
				   size_t len)
{
	unsigned int nr = 0;

	while (len) {
		size_t segment = vbm_constraints_segment(c, phys, len);

		phys += segment;
		len -= segment;
		nr++;
	}
	return nr;
}

/* Of memory in few enough pieces: may it be cut as it has to be? */
static enum vbm_requirement
vbm_constraints_check_cuts(const struct vbm_constraints *c,
			   const struct vbm_backing_shape *shape,
			   vbm_count_fn *count, const void *memory)
{
	bool crosses = shape->crossed > c->boundary_mask;
	bool longer = shape->longest > vbm_constraints_max_segment(c);
	struct vbm_constraints unbounded;

	if (!crosses && !longer)
		return VBM_REQ_NONE;
	if (vbm_constraints_most(c, shape->size, shape->pieces) <=
	    c->max_segments)
		return VBM_REQ_NONE;
	if (count(c, memory) <= c->max_segments)
		return VBM_REQ_NONE;
	if (!longer)
		return VBM_REQ_BOUNDARY;
	unbounded = *c;
	unbounded.boundary_mask = U64_MAX;
	return count(&unbounded, memory) > c->max_segments ?
	       VBM_REQ_SEGMENT_SIZE : VBM_REQ_BOUNDARY;
}

/**
 * vbm_constraints_check() - does this memory do?
 * @c: limits of a device, or a merge
 * @shape: the memory in short
 * @count: asked where that can not tell: the sum of vbm_constraints_count()
 *	over the pieces of @memory
 * @memory: for @count
 *
 * Does not depend on how much memory it is as long as @count is not called:
 * that is only where the number of segments is limited, some piece has to be
 * cut, and the worst number of cuts would be too many.
 *
 * Context: any.
 * Return: VBM_REQ_NONE, or the first requirement that it fails.
 */
enum vbm_requirement
vbm_constraints_check(const struct vbm_constraints *c,
		      const struct vbm_backing_shape *shape,
		      vbm_count_fn *count, const void *memory)
{
	enum vbm_requirement req;

	/* What nobody can describe can only be used by who allocated it. */
	if (!shape->pieces)
		return VBM_REQ_PAGES;
	if (c->translated) {
		req = vbm_constraints_possible(c, shape->size);
		if (req != VBM_REQ_NONE)
			return req;
	} else {
		if (shape->last > c->max_addr)
			return VBM_REQ_ADDRESS;
		if (shape->pieces > c->max_segments)
			return VBM_REQ_SEGMENTS;
		if (c->max_segments != UINT_MAX) {
			req = vbm_constraints_check_cuts(c, shape, count,
							 memory);
			if (req != VBM_REQ_NONE)
				return req;
		}
		/* User memory begins anywhere. */
		if (c->align > PAGE_SIZE && shape->align < c->align)
			return VBM_REQ_ALIGN;
	}
	return c->needs_pages && !shape->has_pages ? VBM_REQ_PAGES :
						     VBM_REQ_NONE;
}

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
 * vbm_constraints_content() - does any memory do, as far as it has pages?
 * @c: limits of a device
 *
 * Also for a user of one address (vbm_constraints_one_address()), if the memory is
 * in one piece. A plane has less than 4 GiB.
 *
 * Context: any.
 * Return: true if vbm_constraints_check() of such memory can not fail.
 */
bool vbm_constraints_content(const struct vbm_constraints *c)
{
	if (c->max_segments != UINT_MAX || c->align > PAGE_SIZE)
		return false;
	return c->translated ? c->max_addr >= U32_MAX :
	       c->max_addr == U64_MAX && c->boundary_mask == U64_MAX;
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
	 * Behind an IOMMU it is the IOVA that must not cross a boundary. The
	 * kernel begins a segment at the boundary where it would, which is
	 * enough for those that are no longer than that.
	 */
	if (c->boundary_mask != U64_MAX) {
		room = c->boundary_mask + 1;
		if (!c->translated)
			room -= phys & c->boundary_mask;
		max = min_t(u64, max, room);
	}

	if (len <= max)
		return len;

	/* End at a page of memory, so that the next segment begins at one. */
	room = ALIGN_DOWN(phys + max, PAGE_SIZE);
	return room > phys ? room - phys : max;
}
