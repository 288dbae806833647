// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage: a counted, ordered list of extents that some allocator gave.
 *
 * A backing does not change between the moment an allocator returns it and the
 * last put; who holds a reference may walk its extents without a lock. The
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
