/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device asks of memory, as plain numbers.
 *
 * Arithmetic only: no struct device here, so that every rule can be tested
 * without one. vbm_device_describe() fills the numbers in.
 */
#ifndef _VBM_CONSTRAINTS_H
#define _VBM_CONSTRAINTS_H

#include <linux/limits.h>
#include <linux/types.h>

/**
 * struct vbm_constraints - limits of one device, or of several for one buffer
 * @max_addr: highest physical address that it reaches, inclusive; U64_MAX
 *	behind a translating IOMMU, where the address it sees is another
 * @max_segment: longest segment in bytes, a multiple of PAGE_SIZE
 * @boundary_mask: no segment crosses a multiple of this plus one
 * @max_bounce: longest segment that can be bounced, a multiple of PAGE_SIZE; 0
 *	where there is nothing to bounce with, and in a merge
 * @max_segments: most segments, UINT_MAX: any number
 * @align: of the first byte, a power of two, at least PAGE_SIZE
 * @chunk: size and alignment that is good for pieces of memory (large pages of
 *	an IOMMU), a power of two; PAGE_SIZE: none is better. Never required
 * @bounce_all: even memory within reach is bounced (swiotlb=force); not in a
 *	merge
 * @translated: behind a translating IOMMU: all but @chunk and @needs_pages
 *	concerns what it sees, which is cut for it, not where memory lies; not in
 *	a merge
 * @needs_pages: takes no memory without struct page
 */
struct vbm_constraints {
	u64 max_addr;
	size_t max_segment;
	u64 boundary_mask;
	size_t max_bounce;
	unsigned int max_segments;
	size_t align;
	size_t chunk;
	bool bounce_all;
	bool translated;
	bool needs_pages;
};

/* What memory may fail at, in the order in which it is looked at. */
enum vbm_requirement {
	VBM_REQ_NONE,
	VBM_REQ_ADDRESS,
	VBM_REQ_SEGMENTS,
	VBM_REQ_SEGMENT_SIZE,
	VBM_REQ_BOUNDARY,
	VBM_REQ_ALIGN,
	VBM_REQ_PAGES,
	VBM_NR_REQ
};

extern const char * const vbm_requirement_names[VBM_NR_REQ];

/**
 * struct vbm_backing_shape - where memory lies, in short
 * @last: highest physical address
 * @crossed: the largest power of two of which a multiple lies within a piece,
 *	not at its beginning; 0: none does
 * @align: of the first byte, a power of two
 * @size: bytes
 * @longest: bytes of the longest piece
 * @pieces: runs of adjacent memory; 0 where nobody says where it lies
 * @has_pages: every byte has a struct page
 *
 * vbm_shape_init(), then vbm_shape_add() with each range in the order of the
 * buffer's bytes.
 */
struct vbm_backing_shape {
	u64 last;
	u64 crossed;
	u64 align;
	size_t size;
	size_t longest;
	unsigned int pieces;
	bool has_pages;
	/* private: the piece that the last range added to */
	u64 begin;
	u64 end;
};

void vbm_shape_init(struct vbm_backing_shape *shape);
void vbm_shape_add(struct vbm_backing_shape *shape, u64 phys, size_t len,
		   bool has_pages);

/* How many segments a walk over all of the memory finds. */
typedef unsigned int vbm_count_fn(const struct vbm_constraints *c,
				  const void *memory);

void vbm_constraints_init(struct vbm_constraints *c);
void vbm_constraints_one_address(struct vbm_constraints *c);
void vbm_constraints_settle(struct vbm_constraints *c, size_t size);
void vbm_constraints_merge(struct vbm_constraints *c,
			   const struct vbm_constraints *with);
enum vbm_requirement
vbm_constraints_possible(const struct vbm_constraints *c, size_t size);
enum vbm_requirement
vbm_constraints_check(const struct vbm_constraints *c,
		      const struct vbm_backing_shape *shape,
		      vbm_count_fn *count, const void *memory);
unsigned int vbm_constraints_count(const struct vbm_constraints *c, u64 phys,
				   size_t len);

bool vbm_constraints_content(const struct vbm_constraints *c);
bool vbm_constraints_bounces(const struct vbm_constraints *c, u64 phys,
			     size_t len);
size_t vbm_constraints_segment(const struct vbm_constraints *c, u64 phys,
			       size_t len);

/**
 * vbm_constraints_accept() - can any memory be mapped as it comes?
 * @c: limits of the device
 * @size: bytes
 *
 * Context: any.
 * Return: true if no range of up to @size bytes needs to be cut, wherever it
 *	lies.
 */
static inline bool vbm_constraints_accept(const struct vbm_constraints *c,
					  size_t size)
{
	return size <= c->max_segment && c->max_addr == U64_MAX &&
	       !c->bounce_all &&
	       (c->boundary_mask == U64_MAX ||
		(c->translated && size - 1 <= c->boundary_mask));
}

#endif
