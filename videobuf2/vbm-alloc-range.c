// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage in one piece that is larger than any order of the page allocator, or
 * that its free lists lack: a range of memory that is cleared for it, as CMA
 * does, but anywhere. What is in the way (page cache, anonymous memory) is
 * dropped or moved by alloc_contig_range().
 *
 * That call is told where. To try a range in vain is dear, so the struct pages
 * are looked at beforehand: a page block with anything in it that the kernel
 * can not move, or that somebody has pinned, is no candidate, and blocks that
 * are free for the most part come before those that are full. The look takes
 * no lock and may be wrong: then the call fails, harms nothing, and the search
 * goes on behind that range.
 *
 * The search begins where the last one ended, and its effort is bounded: by
 * the first two of its three passes, which look at so many blocks at most, and
 * by the number of ranges that pages are moved out of in vain. One search at a
 * time, since two would get in each other's way.
 *
 * Isolated memory is taken without regard to watermarks, so it is asked first
 * whether the system can do without that much. Nothing calls the OOM killer.
 *
 * Such memory can be charged to no cgroup: it counts against
 * uncharged_limit_mb, and where that is not set against half of memory.
 */

#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pageblock-flags.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-constraints.h"
#include "vbm-fault.h"
#include "vbm-pool.h"
#include "vbm-stats.h"
#include "vbm.h"

/* A block that can not be had. */
#define VBM_RANGE_NEVER		UINT_MAX
/* Ranges that pages are moved out of in vain before that is given up. */
#define VBM_RANGE_TRIES		16
#define VBM_RANGE_REFUSALS	1024
/* Pages that a pass which is choosy looks at. */
#define VBM_RANGE_LOOK		(SZ_4G >> PAGE_SHIFT)

/* One search at a time. Reclaim happens below it. */
static DEFINE_MUTEX(vbm_range_lock);
/* The page frame where the last range ended; vbm_range_lock. */
static unsigned long vbm_range_cursor;
/* Bytes in ranges that are in use. */
static atomic_long_t vbm_range_bytes;

/**
 * struct vbm_range_search - one search
 * @req: for what
 * @nr_pages: how many pages
 * @costs: of the blocks from the candidate's first on, as a ring
 * @nr_blocks: blocks that a candidate covers, and entries in @costs
 * @max_cost: pages that may have to be moved out of a candidate
 * @look: blocks that this pass may still look at
 * @tries: ranges that may still be tried in vain
 * @refusals: ranges that the kernel may still turn down as they are
 */
struct vbm_range_search {
	const struct vbm_request *req;
	unsigned long nr_pages;
	unsigned int *costs;
	unsigned long nr_blocks;
	unsigned long max_cost;
	unsigned long look;
	unsigned int tries;
	unsigned int refusals;
};

/*
 * Pages from @page on to be moved for it to be had, 0 if it is free, or
 * VBM_RANGE_NEVER; *@step pages are told about at once. Everything may change
 * meanwhile.
 */
static unsigned int vbm_range_page_cost(struct page *page, unsigned long *step)
{
	struct folio *folio = page_folio(page);

	*step = 1;
	if (PageReserved(page))
		return VBM_RANGE_NEVER;
	if (PageCompound(page)) {
		unsigned long nr = 1UL << min_t(unsigned int, MAX_PAGE_ORDER,
						compound_order(&folio->page));

		*step = nr - (page_to_pfn(page) & (nr - 1));
	} else if (!page_ref_count(page)) {
		if (PageBuddy(page))
			*step = 1UL << min(READ_ONCE(page->private),
					   (unsigned long)MAX_PAGE_ORDER);
		return 0;
	}
	if (!folio_test_lru(folio) || folio_maybe_dma_pinned(folio))
		return VBM_RANGE_NEVER;
	/*
	 * Moving it would wait for who reads or writes it, which may be a file
	 * system whose server never answers, and all who look for a range with it.
	 */
	if (folio_test_locked(folio) || folio_test_writeback(folio))
		return VBM_RANGE_NEVER;
	/* ramfs: neither to be written nor to be moved. */
	if (folio_test_unevictable(folio) && !folio_test_mlocked(folio) &&
	    folio_test_dirty(folio))
		return VBM_RANGE_NEVER;
	return *step;
}

static unsigned int vbm_range_block_cost(struct zone *zone, unsigned long pfn)
{
	unsigned long end = pfn + pageblock_nr_pages, step;
	struct page *page = pfn_to_online_page(pfn);
	unsigned int cost = 0, add;

	if (!page || page_zone(page) != zone ||
	    page_zone(pfn_to_page(end - 1)) != zone)
		return VBM_RANGE_NEVER;
	for (; pfn < end; pfn += step) {
		add = vbm_range_page_cost(pfn_to_page(pfn), &step);
		if (add == VBM_RANGE_NEVER)
			return VBM_RANGE_NEVER;
		cost += add;
	}
	return cost;
}

/*
 * Has the kernel turned it down as it was? CMA's blocks are not for others, and
 * what somebody else isolates is not either, which nothing says before.
 */
static bool vbm_range_untouched(const struct vbm_range_search *search,
				struct zone *zone, unsigned long pfn,
				unsigned long cost)
{
	unsigned long i, now = 0;
	unsigned int add;

	for (i = 0; i < search->nr_blocks; i++) {
		add = vbm_range_block_cost(zone, pfn);
		if (add == VBM_RANGE_NEVER)
			return false;
		now += add;
		pfn += pageblock_nr_pages;
	}
	return now == cost;
}

static int vbm_range_try(struct vbm_range_search *search, struct zone *zone,
			 unsigned long pfn, unsigned long cost)
{
	int ret;

	ret = VBM_ALLOC_CONTIG_RANGE(pfn, pfn + search->nr_pages,
				     GFP_KERNEL | __GFP_RETRY_MAYFAIL |
				     __GFP_NOWARN);
	vbm_stat_inc(ret ? VBM_STAT_RANGE_TRIES : VBM_STAT_RANGES);
	if (ret == -EBUSY) {
		/* In vain for nothing is cheap. */
		if (vbm_range_untouched(search, zone, pfn, cost))
			search->refusals--;
		else
			search->tries--;
		if (!search->tries || !search->refusals)
			ret = -ENOMEM;
	}
	return ret;
}

/*
 * Slides a candidate over the blocks from @pfn to @end. Returns 0 with *@found
 * set, -EBUSY if there is none, another error if the search is over.
 */
static int vbm_range_walk(struct vbm_range_search *search, struct zone *zone,
			  unsigned long pfn, unsigned long end,
			  unsigned long *found)
{
	unsigned long n = 0, cost = 0, first;
	unsigned int *slot;
	int ret;

	for (pfn = ALIGN(pfn, pageblock_nr_pages);
	     pfn + pageblock_nr_pages <= end && search->look;
	     pfn += pageblock_nr_pages, search->look--) {
		slot = &search->costs[n % search->nr_blocks];
		if (n >= search->nr_blocks)
			cost -= *slot;
		*slot = vbm_range_block_cost(zone, pfn);
		cond_resched();
		if (*slot == VBM_RANGE_NEVER) {
			n = 0;
			cost = 0;
			continue;
		}
		cost += *slot;
		if (++n < search->nr_blocks || cost > search->max_cost)
			continue;

		first = pfn - (search->nr_blocks - 1) * pageblock_nr_pages;
		if (!vbm_alloc_fits(search->req, PFN_PHYS(first)))
			continue;
		ret = vbm_range_try(search, zone, first, cost);
		if (ret != -EBUSY) {
			*found = first;
			return ret;
		}
		n = 0;
		cost = 0;
	}
	return -EBUSY;
}

/* One zone: from where the last search ended, and then from the start. */
static int vbm_range_zone(struct vbm_range_search *search, struct zone *zone,
			  unsigned long *found)
{
	u64 reach = search->req->limits->max_addr >> PAGE_SHIFT;
	unsigned long start = zone->zone_start_pfn;
	unsigned long end = min_t(u64, zone_end_pfn(zone), reach + 1);
	unsigned long from = vbm_range_cursor;
	int ret;

	if (!populated_zone(zone) || end < start + search->nr_pages)
		return -EBUSY;
	if (from <= start || from >= end)
		return vbm_range_walk(search, zone, start, end, found);
	ret = vbm_range_walk(search, zone, from, end, found);
	if (ret != -EBUSY)
		return ret;
	end = min(end, from + search->nr_blocks * pageblock_nr_pages);
	return vbm_range_walk(search, zone, start, end, found);
}

/* Not from ZONE_MOVABLE: buffers stay where they are. */
static int vbm_range_node(struct vbm_range_search *search, int nid,
			  unsigned long *found)
{
	int idx = gfp_zone(GFP_KERNEL | search->req->gfp), ret = -EBUSY;

	for (; idx >= 0 && ret == -EBUSY; idx--)
		ret = vbm_range_zone(search, &NODE_DATA(nid)->node_zones[idx],
				     found);
	return ret;
}

static int vbm_range_local(const struct vbm_request *req)
{
	int nid = dev_to_node(req->dev);

	return nid == NUMA_NO_NODE || !node_online(nid) ? numa_mem_id() : nid;
}

/* Mostly free, then half free, then whatever can be moved. */
static int vbm_range_search(struct vbm_range_search *search,
			    unsigned long *found)
{
	const unsigned long max_cost[] = {
		search->nr_pages / 16, search->nr_pages / 2, ULONG_MAX
	};
	int local = vbm_range_local(search->req), nid, ret = -EBUSY;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(max_cost) && ret == -EBUSY; i++) {
		search->max_cost = max_cost[i];
		search->look = max_cost[i] == ULONG_MAX ? ULONG_MAX :
			       VBM_RANGE_LOOK / pageblock_nr_pages;
		ret = vbm_range_node(search, local, found);
		for_each_online_node(nid)
			if (nid != local && ret == -EBUSY)
				ret = vbm_range_node(search, nid, found);
	}
	return ret;
}

/* Can the system spare that much? What it says is an estimate. */
static bool vbm_range_affordable(unsigned long nr_pages)
{
	return si_mem_available() > (long)nr_pages ||
	       (vbm_pool_drain() && si_mem_available() > (long)nr_pages);
}

static void vbm_range_zero(struct page *page, unsigned long nr_pages)
{
	/* Then alloc_contig_range() has, whatever flags it is given. */
	if (want_init_on_alloc(0) || want_init_on_free())
		return;
	for (; nr_pages--; page++) {
		clear_highpage(page);
		cond_resched();
	}
}

static struct page *vbm_range_find(const struct vbm_request *req)
{
	struct vbm_range_search search = {
		.req = req,
		.nr_pages = req->size >> PAGE_SHIFT,
		.tries = VBM_RANGE_TRIES,
		.refusals = VBM_RANGE_REFUSALS,
	};
	unsigned long pfn;
	int ret;

	if (!vbm_range_affordable(search.nr_pages) || vbm_fault())
		return ERR_PTR(-ENOMEM);
	search.nr_blocks = DIV_ROUND_UP(search.nr_pages, pageblock_nr_pages);
	search.costs = kvmalloc_array(search.nr_blocks, sizeof(*search.costs),
				      GFP_KERNEL);
	if (!search.costs)
		return ERR_PTR(-ENOMEM);

	ret = mutex_lock_killable(&vbm_range_lock);
	if (!ret) {
		ret = vbm_range_search(&search, &pfn);
		if (!ret)
			vbm_range_cursor = pfn + search.nr_pages;
		mutex_unlock(&vbm_range_lock);
	}
	kvfree(search.costs);
	if (ret)
		return ERR_PTR(ret == -EINTR ? ret : -ENOMEM);
	vbm_range_zero(pfn_to_page(pfn), search.nr_pages);
	return pfn_to_page(pfn);
}

static int vbm_range_charge(const struct vbm_request *req)
{
	u64 half = (u64)totalram_pages() << (PAGE_SHIFT - 1);
	int ret;

	if (atomic_long_add_return(req->size, &vbm_range_bytes) > half &&
	    !vbm_alloc_uncharged_limit()) {
		ret = vbm_alloc_over_limit(req);
		goto err_sub;
	}
	ret = vbm_alloc_charge(req);
	if (ret)
		goto err_sub;
	return 0;

err_sub:
	atomic_long_sub(req->size, &vbm_range_bytes);
	return ret;
}

static void vbm_range_uncharge(size_t size)
{
	vbm_alloc_uncharge(size);
	atomic_long_sub(size, &vbm_range_bytes);
}

static struct vbm_backing *vbm_range_alloc(const struct vbm_request *req)
{
	struct vbm_backing *backing;
	struct page *page;
	int ret;

	ret = vbm_range_charge(req);
	if (ret)
		return ERR_PTR(ret);
	backing = vbm_backing_new(&vbm_alloc_range, req->size, 1);
	if (!backing) {
		vbm_range_uncharge(req->size);
		return ERR_PTR(-ENOMEM);
	}

	page = vbm_pool_get(req, req->size >> PAGE_SHIFT, false,
			    vbm_range_local(req));
	if (!page)
		page = vbm_range_find(req);
	if (IS_ERR(page)) {
		backing->nr_extents = 0;
		vbm_backing_put(backing);
		return ERR_CAST(page);
	}
	backing->extents[0].page = page;
	backing->extents[0].phys = page_to_phys(page);
	backing->extents[0].nr_pages = req->size >> PAGE_SHIFT;
	return backing;
}

static void vbm_range_free(struct vbm_backing *backing)
{
	struct vbm_extent *ext = backing->extents;

	if (backing->nr_extents && !vbm_pool_put(ext->page, ext->nr_pages))
		vbm_pages_free_run(ext->page, ext->nr_pages);
	vbm_range_uncharge(backing->size);
}

/*
 * As pages do, for whom lists are of no use. Coherent memory that would bounce
 * wherever it is only comes from the DMA API.
 */
static bool vbm_range_suits(const struct vbm_request *req)
{
	return vbm_alloc_one_piece(req) && !req->easy &&
	       vbm_alloc_pages.suits(req) &&
	       !(req->coherent && req->limits->bounce_all);
}

const struct vbm_allocator vbm_alloc_range = {
	.name	= "range",
	.movable = true,
	.suits	= vbm_range_suits,
	.alloc	= vbm_range_alloc,
	.free	= vbm_range_free,
};
