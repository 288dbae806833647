// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage from the page allocator: high orders first for a device that takes a
 * list, one run of pages for a device that needs one address and has no
 * IOMMU to make one of many.
 *
 * The pages are zeroed by the page allocator and by nobody else, and charged
 * to the memory cgroup of the caller. Who is charged for nothing is given what
 * lies in the pool. High orders are taken where they lie
 * ready; only what can not do with less makes the kernel reclaim, and nothing
 * ever calls the OOM killer.
 *
 * A chunk is either one compound page, whose last pages may go unused, or a
 * run of single pages whose tail was given back: compound_order() tells how to
 * free it.
 */

#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-constraints.h"
#include "vbm-pool.h"
#include "vbm.h"

#define VBM_GFP		(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN)

/* Take what lies ready; wake kswapd but do not wait for it. */
static gfp_t vbm_gfp_light(gfp_t gfp)
{
	return (gfp | __GFP_NORETRY) & ~__GFP_DIRECT_RECLAIM;
}

/* Try hard, fail rather than call the OOM killer. */
static gfp_t vbm_gfp_hard(gfp_t gfp)
{
	return gfp | __GFP_RETRY_MAYFAIL;
}

static bool vbm_pages_within(const struct vbm_request *req, struct page *page,
			     unsigned long nr_pages)
{
	return page_to_phys(page) + (nr_pages << PAGE_SHIFT) - 1 <=
	       req->limits->max_addr;
}

static struct page *vbm_pages_try(const struct vbm_request *req, gfp_t gfp,
				  unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	if (page && !vbm_pages_within(req, page, 1UL << order)) {
		__free_pages(page, order);
		page = NULL;
	}
	return page;
}

/*
 * Pages that the device reaches, from the highest zone that has some: masks
 * need not end where a zone does, hence the check and the second try.
 */
static struct page *vbm_pages_reachable(const struct vbm_request *req,
					gfp_t gfp, unsigned int order)
{
	struct page *page = NULL;

	if (req->limits->max_addr == U64_MAX || gfp & (GFP_DMA | GFP_DMA32))
		return vbm_pages_try(req, gfp, order);

	if (IS_ENABLED(CONFIG_ZONE_DMA32))
		page = vbm_pages_try(req, gfp | GFP_DMA32, order);
	else
		page = vbm_pages_try(req, gfp, order);
	if (!page && IS_ENABLED(CONFIG_ZONE_DMA) &&
	    req->limits->max_addr < DMA_BIT_MASK(32))
		page = vbm_pages_try(req, gfp | GFP_DMA, order);
	return page;
}

/**
 * vbm_pages_free_run() - give pages back
 * @page: the first of @nr_pages adjacent ones; the last may be in the middle of
 *	a compound page
 * @nr_pages: how many
 *
 * Context: any; not with a lock held that reclaim takes.
 */
void vbm_pages_free_run(struct page *page, unsigned long nr_pages)
{
	struct page *end = page + nr_pages;

	while (page < end) {
		unsigned int order = compound_order(page);

		__free_pages(page, order);
		page += 1UL << order;
	}
}

/*
 * Giving back the tail of a block makes single pages of the rest, which take
 * longer to free than to zero. That is worth it for a quarter of the memory.
 */
static bool vbm_pages_worth_trimming(unsigned long nr_pages, unsigned int order)
{
	return (1UL << order) - nr_pages >= (1UL << order) / 4;
}

/* The largest chunk to be had without effort, at most @order. */
static struct page *vbm_pages_chunk(const struct vbm_request *req,
				    unsigned int order, bool pooled)
{
	gfp_t gfp = VBM_GFP | req->gfp;
	struct page *page;

	if (pooled) {
		page = vbm_pool_get(req, 1UL << order, true, numa_mem_id());
		if (page)
			return page;
	}
	for (; order; order--) {
		page = vbm_pages_reachable(req, vbm_gfp_light(gfp) | __GFP_COMP,
					   order);
		if (page)
			return page;
	}
	page = vbm_pages_reachable(req, vbm_gfp_hard(gfp), 0);
	/* Out of reach is better than nothing where a bounce is allowed. */
	if (!page && !req->coherent)
		page = alloc_pages(vbm_gfp_hard(gfp), 0);
	return page;
}

/*
 * The order to ask for: the largest that fits into what is left, or the next
 * one if it covers the rest and wastes next to nothing of the whole. A frame
 * that is a little short of a power of two, as 1080p is, then has one segment
 * rather than eight.
 */
static unsigned int vbm_pages_order(unsigned long left, unsigned long whole,
				    unsigned int max)
{
	unsigned int order = ilog2(left);

	if (order < max && (2UL << order) - left <= whole / 32)
		order++;
	return min(order, max);
}

static struct vbm_backing *vbm_pages_alloc_list(const struct vbm_request *req)
{
	unsigned long whole = req->size >> PAGE_SHIFT;
	unsigned int order = MAX_PAGE_ORDER;
	unsigned int nr_extents = 0;
	unsigned long left = whole;
	struct vbm_backing *backing;
	struct page *page, *next;
	struct vbm_extent *ext;
	unsigned long end = ULONG_MAX;
	bool pooled = vbm_pool_for_caller();
	LIST_HEAD(chunks);

	while (left) {
		order = vbm_pages_order(left, whole, order);
		page = vbm_pages_chunk(req, order, pooled);
		if (!page)
			goto err_free_chunks;
		/* What failed once is not tried again for this buffer. */
		order = compound_order(page);
		left -= min(left, 1UL << order);
		list_add_tail(&page->lru, &chunks);
		if (page_to_pfn(page) != end)
			nr_extents++;
		end = page_to_pfn(page) + (1UL << order);
	}

	backing = vbm_backing_new(&vbm_alloc_pages, req->size, nr_extents);
	if (!backing)
		goto err_free_chunks;

	ext = backing->extents - 1;
	left = whole;
	end = ULONG_MAX;
	list_for_each_entry_safe(page, next, &chunks, lru) {
		unsigned long nr = min(left, 1UL << compound_order(page));

		list_del(&page->lru);
		if (page_to_pfn(page) != end) {
			ext++;
			ext->page = page;
			ext->phys = page_to_phys(page);
		} else {
			backing->joined = true;
		}
		ext->nr_pages += nr;
		left -= nr;
		end = page_to_pfn(page) + nr;
	}
	return backing;

err_free_chunks:
	list_for_each_entry_safe(page, next, &chunks, lru) {
		list_del(&page->lru);
		__free_pages(page, compound_order(page));
	}
	return ERR_PTR(-ENOMEM);
}

/* Is it memory that is missing, rather than a place for it? */
static bool vbm_pages_missing(const struct vbm_request *req)
{
	struct vbm_constraints limits = *req->limits;
	struct vbm_request anywhere = *req;
	struct vbm_backing *backing;

	limits.max_addr = U64_MAX;
	anywhere.limits = &limits;
	backing = vbm_pages_alloc_list(&anywhere);
	if (IS_ERR(backing))
		return true;
	vbm_backing_put(backing);
	return false;
}

static struct page *vbm_pages_pooled_run(const struct vbm_request *req,
					 unsigned long nr_pages, bool single)
{
	if (!vbm_pool_for_caller())
		return NULL;
	return vbm_pool_get(req, nr_pages, !single, numa_mem_id());
}

/*
 * One physically contiguous run for all of it. Where memory is there and only
 * lies in pieces, the DMA API may know another place (CMA). Where memory is
 * what is missing, or the cgroup may have no more, the DMA API must not be a
 * way around that.
 */
static struct vbm_backing *vbm_pages_alloc_run(const struct vbm_request *req)
{
	unsigned long nr_pages = req->size >> PAGE_SHIFT;
	unsigned int order = get_order(req->size);
	gfp_t gfp = VBM_GFP | req->gfp;
	bool trim = vbm_pages_worth_trimming(nr_pages, order);
	struct vbm_backing *backing;
	struct page *page;

	if (order > MAX_PAGE_ORDER)
		return ERR_PTR(-EAGAIN);

	backing = vbm_backing_new(&vbm_alloc_pages, req->size, 1);
	if (!backing)
		return ERR_PTR(-ENOMEM);

	if (!trim)
		gfp |= __GFP_COMP;
	page = vbm_pages_pooled_run(req, trim ? nr_pages : 1UL << order, trim);
	if (page)
		goto done;
	page = vbm_pages_reachable(req, vbm_gfp_light(gfp), order);
	if (!page && !req->easy)
		page = vbm_pages_reachable(req, vbm_gfp_hard(gfp), order);
	/* A place that is no good is for the next allocator to find better. */
	if (page && !vbm_alloc_fits(req, page_to_phys(page))) {
		__free_pages(page, order);
		backing->nr_extents = 0;
		vbm_backing_put(backing);
		return ERR_PTR(-EAGAIN);
	}
	if (!page) {
		backing->nr_extents = 0;
		vbm_backing_put(backing);
		return ERR_PTR(!req->easy && vbm_pages_missing(req) ? -ENOMEM :
								      -EAGAIN);
	}

	if (trim) {
		split_page(page, order);
		vbm_pages_free_run(page + nr_pages, (1UL << order) - nr_pages);
	}
done:
	backing->extents[0].page = page;
	backing->extents[0].phys = page_to_phys(page);
	backing->extents[0].nr_pages = nr_pages;
	return backing;
}

static struct vbm_backing *vbm_pages_alloc(const struct vbm_request *req)
{
	if (vbm_alloc_one_piece(req))
		return vbm_pages_alloc_run(req);
	return vbm_pages_alloc_list(req);
}

static void vbm_pages_free_extent(struct page *page, unsigned long nr_pages)
{
	struct page *end = page + nr_pages;
	unsigned long nr;

	/* All single, or none is to be kept. */
	if (!PageHead(page)) {
		if (!vbm_pool_put(page, nr_pages))
			vbm_pages_free_run(page, nr_pages);
		return;
	}
	for (; page < end; page += nr) {
		nr = 1UL << compound_order(page);
		if (!vbm_pool_put(page, nr))
			vbm_pages_free_run(page, nr);
	}
}

static void vbm_pages_free(struct vbm_backing *backing)
{
	unsigned int i;

	for (i = 0; i < backing->nr_extents; i++)
		vbm_pages_free_extent(backing->extents[i].page,
				      backing->extents[i].nr_pages);
}

/*
 * dma-sg has always used pages, whatever its device. For dma-contig they must
 * be as good as what dma_alloc_attrs() gives: a queue that expects coherent
 * memory gets it from a device that is coherent.
 */
static bool vbm_pages_suits(const struct vbm_request *req)
{
	if (!req->contig)
		return true;
	if (vbm_alloc_only_dma_api(req))
		return false;
	return !req->coherent || dev_is_dma_coherent(req->dev);
}

const struct vbm_allocator vbm_alloc_pages = {
	.name	= "pages",
	.movable = true,
	.suits	= vbm_pages_suits,
	.alloc	= vbm_pages_alloc,
	.free	= vbm_pages_free,
};
