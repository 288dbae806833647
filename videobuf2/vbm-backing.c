// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage: a counted, ordered list of extents that some allocator gave.
 *
 * A backing does not change between vbm_backing_publish(), for what an allocator
 * has returned, and the last put; who holds a reference may walk its extents without a lock. The
 * extents cover the buffer exactly, in the order of its bytes; one that has no
 * struct page says so by a NULL page.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "vbm-backing.h"
#include "vbm-alloc.h"
#include "vbm-stats.h"
#include "vbm.h"

struct vbm_backing *
vbm_backing_new(const struct vbm_allocator *allocator, size_t size,
		unsigned int nr_extents)
{
	struct vbm_backing *backing;

	backing = kvzalloc(struct_size(backing, extents, nr_extents),
			   GFP_KERNEL);
	if (!backing)
		return NULL;

	kref_init(&backing->ref);
	backing->allocator = allocator;
	backing->size = size;
	backing->nr_extents = nr_extents;
	return backing;
}

/* The bytes of one extent that are the buffer's; @done of them come before. */
static size_t vbm_backing_range(const struct vbm_backing *backing,
				unsigned int i, size_t done, u64 *phys)
{
	const struct vbm_extent *ext = &backing->extents[i];
	size_t skip = i ? 0 : backing->offset;

	*phys = ext->phys + skip;
	return min_t(size_t, (ext->nr_pages << PAGE_SHIFT) - skip,
		     backing->size - done);
}

/**
 * vbm_backing_publish() - storage is complete
 * @backing: the storage, which nobody else has seen
 *
 * Context: any.
 */
void vbm_backing_publish(struct vbm_backing *backing)
{
	size_t done = 0;
	unsigned int i;

	vbm_shape_init(&backing->shape);
	for (i = 0; i < backing->nr_extents && done < backing->size; i++) {
		u64 phys;
		size_t len = vbm_backing_range(backing, i, done, &phys);

		vbm_shape_add(&backing->shape, phys, len,
			      backing->extents[i].page);
		done += len;
	}
}

/* See vbm_count_fn: extents that are adjacent are one piece. */
static unsigned int vbm_backing_count(const struct vbm_constraints *c,
				      const void *memory)
{
	const struct vbm_backing *backing = memory;
	u64 begin = 0, end = 0, phys;
	unsigned int i, nr = 0;
	size_t done = 0, len;

	for (i = 0; i < backing->nr_extents && done < backing->size; i++) {
		len = vbm_backing_range(backing, i, done, &phys);
		if (phys != end) {
			nr += vbm_constraints_count(c, begin, end - begin);
			begin = phys;
		}
		end = phys + len;
		done += len;
	}
	return nr + vbm_constraints_count(c, begin, end - begin);
}

/**
 * vbm_backing_check() - does this storage do for a device?
 * @backing: the storage, published
 * @c: limits of the device, or a merge
 *
 * Constant in the number of pages but for rare limits: vbm_constraints_check().
 *
 * Context: any.
 * Return: VBM_REQ_NONE, or the first requirement that it fails.
 */
enum vbm_requirement vbm_backing_check(const struct vbm_backing *backing,
				       const struct vbm_constraints *c)
{
	return vbm_constraints_check(c, &backing->shape, vbm_backing_count,
				     backing);
}

void vbm_backing_get(struct vbm_backing *backing)
{
	kref_get(&backing->ref);
}

static void vbm_backing_release(struct kref *ref)
{
	struct vbm_backing *backing = container_of(ref, struct vbm_backing,
						   ref);

	backing->allocator->free(backing);
	kvfree(backing);
}

void vbm_backing_put(struct vbm_backing *backing)
{
	if (backing)
		kref_put(&backing->ref, vbm_backing_release);
}

unsigned long vbm_backing_nr_pages(const struct vbm_backing *backing)
{
	return PAGE_ALIGN(backing->offset + backing->size) >> PAGE_SHIFT;
}

size_t vbm_backing_metadata(const struct vbm_backing *backing)
{
	return backing ? struct_size(backing, extents, backing->nr_extents) : 0;
}

/* Can every byte be reached through a struct page? */
bool vbm_backing_has_pages(const struct vbm_backing *backing)
{
	unsigned int i;

	for (i = 0; i < backing->nr_extents; i++)
		if (!backing->extents[i].page)
			return false;
	return backing->nr_extents;
}

/* The page that holds page number @index of the buffer. */
struct page *vbm_backing_page(const struct vbm_backing *backing,
			      unsigned long index)
{
	struct page *page;

	vbm_backing_pages(backing, index, 1, &page);
	return page;
}

/*
 * Fill @pages with page @first and the @nr - 1 after it. All of them must
 * exist and have a struct page.
 */
void vbm_backing_pages(const struct vbm_backing *backing, unsigned long first,
		       unsigned long nr, struct page **pages)
{
	const struct vbm_extent *ext = backing->extents;

	while (first >= ext->nr_pages) {
		first -= ext->nr_pages;
		ext++;
	}
	while (nr--) {
		*pages++ = ext->page + first++;
		if (first == ext->nr_pages) {
			first = 0;
			ext++;
		}
	}
}
