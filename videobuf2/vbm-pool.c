// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory between two buffers: what one has given back stays for the next one,
 * and is zeroed meanwhile.
 *
 * A block is a compound page, or a run of single pages (a range, or a block of
 * the page allocator that was trimmed). It is dirty when it comes, the worker
 * zeroes it, and whoever gets one that is dirty still zeroes it himself:
 * nobody is ever given a byte of the owner before. Blocks are given out whole,
 * to requests of exactly their size.
 *
 * What comes in
 * - nobody else uses: each page has the one reference that its buffer had. A
 *   page that is pinned (O_DIRECT under way) may be written to by a device at
 *   any time; it goes to the page allocator, which waits for the last one.
 * - nobody pays for: a page that is charged to a memory cgroup stays charged
 *   until it is freed, and no module can charge another for it. So charged
 *   pages are freed, and pages are given to those only who would not be charged
 *   for new ones: in the root cgroup, or without accounting of kernel memory.
 *   Ranges can never be charged, and go from anybody to anybody; see
 *   vbm-alloc-range.c for what bounds them.
 *
 * What goes out: what has not been used for ten seconds; the oldest where the
 * pool is full (pool_mb); what the shrinker asks for; all, before an allocation
 * of ours fails.
 *
 * One spinlock, vbm_pool_lock, never held while anything is zeroed, freed or
 * allocated, so that the shrinker can take it whoever reclaims. A block is in
 * the lists of its node, or it is owned by who took it out of them.
 */

#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "vbm-pool.h"
#include "vbm-alloc.h"
#include "vbm-constraints.h"
#include "vbm-stats.h"
#include "vbm.h"

/* Smaller blocks cost more to keep than to zero. */
#define VBM_POOL_MIN_PAGES	16
#define VBM_POOL_IDLE		(10 * HZ)
/* Lists of blocks by the logarithm of their size. */
#define VBM_POOL_SIZES		20

/**
 * struct vbm_pool_block - memory that nobody has
 * @size_node: in &vbm_pool_node.sizes
 * @age_node: in &vbm_pool_node.ages
 * @dirty_node: in vbm_pool_dirty, as long as it is dirty
 * @page: the first page
 * @nr_pages: how many
 * @since: jiffies when it came
 * @clean: it is zero
 */
struct vbm_pool_block {
	struct list_head size_node;
	struct list_head age_node;
	struct list_head dirty_node;
	struct page *page;
	unsigned long nr_pages;
	unsigned long since;
	bool clean;
};

/**
 * struct vbm_pool_node - blocks of one NUMA node
 * @sizes: by the logarithm of their number of pages
 * @ages: the oldest first
 * @nr_pages: in all of them
 */
struct vbm_pool_node {
	struct list_head sizes[VBM_POOL_SIZES];
	struct list_head ages;
	unsigned long nr_pages;
};

/* Guards all lists and counts. */
static DEFINE_SPINLOCK(vbm_pool_lock);
static struct vbm_pool_node *vbm_pool_nodes;
/* What the worker has to zero, the oldest first. */
static LIST_HEAD(vbm_pool_dirty);
/* In the lists, and what the worker has in hand. */
static unsigned long vbm_pool_pages;
static struct shrinker *vbm_pool_shrinker;

static void vbm_pool_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(vbm_pool_worker, vbm_pool_work);

static unsigned int pool_mb = UINT_MAX;
/* The worker may be asked for; kernel_param_lock(). */
static bool vbm_pool_live;

static int vbm_pool_set_mb(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_uint(val, kp);

	/* What is too much now goes. */
	if (!ret && vbm_pool_live)
		mod_delayed_work(system_dfl_wq, &vbm_pool_worker, 0);
	return ret;
}

static const struct kernel_param_ops vbm_pool_mb_ops = {
	.set = vbm_pool_set_mb,
	.get = param_get_uint,
};
module_param_cb(pool_mb, &vbm_pool_mb_ops, &pool_mb, 0644);
MODULE_PARM_DESC(pool_mb,
		 "MiB of freed memory to keep, zeroed, for the next buffers (0: none; a sixteenth of memory, 256 at most)");

static unsigned long vbm_pool_limit(void)
{
	return (unsigned long)READ_ONCE(pool_mb) << (20 - PAGE_SHIFT);
}

static unsigned int vbm_pool_size(unsigned long nr_pages)
{
	return min(ilog2(nr_pages), VBM_POOL_SIZES - 1);
}

static struct vbm_pool_node *vbm_pool_node(const struct vbm_pool_block *block)
{
	return &vbm_pool_nodes[page_to_nid(block->page)];
}

static void vbm_pool_add_locked(struct vbm_pool_block *block)
{
	struct vbm_pool_node *node = vbm_pool_node(block);

	lockdep_assert_held(&vbm_pool_lock);
	/* The last that came is the first to be used: it may be in a cache. */
	list_add(&block->size_node,
		 &node->sizes[vbm_pool_size(block->nr_pages)]);
	list_add_tail(&block->age_node, &node->ages);
	if (!block->clean)
		list_add_tail(&block->dirty_node, &vbm_pool_dirty);
	node->nr_pages += block->nr_pages;
}

static void vbm_pool_del_locked(struct vbm_pool_block *block)
{
	lockdep_assert_held(&vbm_pool_lock);
	list_del(&block->size_node);
	list_del(&block->age_node);
	if (!block->clean)
		list_del(&block->dirty_node);
	vbm_pool_node(block)->nr_pages -= block->nr_pages;
}

/* It is the pool's no longer, in whatever way it goes. */
static void vbm_pool_forget_locked(const struct vbm_pool_block *block)
{
	lockdep_assert_held(&vbm_pool_lock);
	vbm_pool_pages -= block->nr_pages;
	vbm_stat_sub(VBM_STAT_POOL_BYTES, block->nr_pages << PAGE_SHIFT);
}

/* Moves a block to @out, by its age_node, to be freed without the lock. */
static void vbm_pool_evict_locked(struct vbm_pool_block *block,
				  struct list_head *out)
{
	vbm_pool_del_locked(block);
	vbm_pool_forget_locked(block);
	list_add(&block->age_node, out);
}

static void vbm_pool_free_list(struct list_head *list)
{
	struct vbm_pool_block *block, *next;

	list_for_each_entry_safe(block, next, list, age_node) {
		vbm_pages_free_run(block->page, block->nr_pages);
		kfree(block);
	}
}

/* The block that has been there longest, of all nodes. */
static struct vbm_pool_block *vbm_pool_oldest_locked(void)
{
	struct vbm_pool_block *block, *oldest = NULL;
	int nid;

	lockdep_assert_held(&vbm_pool_lock);
	for_each_online_node(nid) {
		block = list_first_entry_or_null(&vbm_pool_nodes[nid].ages,
						 struct vbm_pool_block,
						 age_node);
		if (block && (!oldest ||
			      time_before(block->since, oldest->since)))
			oldest = block;
	}
	return oldest;
}

/* Makes the pool fit into @limit pages. */
static void vbm_pool_trim_locked(unsigned long limit, struct list_head *out)
{
	struct vbm_pool_block *block;

	while (vbm_pool_pages > limit) {
		block = vbm_pool_oldest_locked();
		if (!block)
			break;
		vbm_pool_evict_locked(block, out);
	}
}

/* See "What comes in". */
static bool vbm_pool_acceptable(struct page *page, unsigned long nr_pages)
{
	if (PageHead(page))
		return !folio_memcg_charged(page_folio(page)) &&
		       page_ref_count(page) == 1;
	for (; nr_pages--; page++)
		if (PageCompound(page) || page_ref_count(page) != 1 ||
		    folio_memcg_charged(page_folio(page)))
			return false;
	return true;
}

/**
 * vbm_pool_put() - keep memory that is not used any more
 * @page: a compound page of @nr_pages, or the first of so many single ones
 * @nr_pages: how many
 *
 * Context: may sleep.
 * Return: true if the pool has it now; false if the caller is to free it.
 */
bool vbm_pool_put(struct page *page, unsigned long nr_pages)
{
	unsigned long limit = vbm_pool_limit();
	struct vbm_pool_block *block;
	bool idle;
	LIST_HEAD(out);

	if (nr_pages < VBM_POOL_MIN_PAGES || nr_pages > limit ||
	    !vbm_pool_acceptable(page, nr_pages))
		return false;
	/* Not worth any effort. */
	block = kmalloc_obj(*block, GFP_NOWAIT | __GFP_NOWARN);
	if (!block)
		return false;
	block->page = page;
	block->nr_pages = nr_pages;
	block->since = jiffies;
	block->clean = false;

	spin_lock(&vbm_pool_lock);
	vbm_pool_trim_locked(limit - nr_pages, &out);
	vbm_pool_pages += nr_pages;
	vbm_stat_add(VBM_STAT_POOL_BYTES, nr_pages << PAGE_SHIFT);
	/* Else it is on its way. */
	idle = list_empty(&vbm_pool_dirty);
	vbm_pool_add_locked(block);
	spin_unlock(&vbm_pool_lock);
	vbm_pool_free_list(&out);
	if (idle)
		mod_delayed_work(system_dfl_wq, &vbm_pool_worker, 0);
	return true;
}

static bool vbm_pool_matches(const struct vbm_pool_block *block,
			     const struct vbm_request *req, bool compound)
{
	u64 first = page_to_phys(block->page);

	if (!!PageHead(block->page) != compound ||
	    page_zonenum(block->page) > gfp_zone(GFP_KERNEL | req->gfp))
		return false;
	if (vbm_alloc_one_piece(req))
		return vbm_alloc_fits(req, first);
	return first + (block->nr_pages << PAGE_SHIFT) - 1 <=
	       req->limits->max_addr;
}

static struct vbm_pool_block *
vbm_pool_find_locked(const struct vbm_request *req, unsigned long nr_pages,
		     bool compound, int nid)
{
	struct vbm_pool_block *block, *dirty = NULL;
	struct list_head *sizes;

	lockdep_assert_held(&vbm_pool_lock);
	sizes = &vbm_pool_nodes[nid].sizes[vbm_pool_size(nr_pages)];
	list_for_each_entry(block, sizes, size_node) {
		if (block->nr_pages != nr_pages ||
		    !vbm_pool_matches(block, req, compound))
			continue;
		if (block->clean)
			return block;
		dirty = block;
	}
	return dirty;
}

/* Returns false if some of it must not be touched. */
static bool vbm_pool_zero(struct page *page, unsigned long nr_pages)
{
	for (; nr_pages--; page++) {
		if (PageHWPoison(page))
			return false;
		clear_highpage(page);
		if (!(nr_pages % VBM_POOL_MIN_PAGES))
			cond_resched();
	}
	return true;
}

/**
 * vbm_pool_get() - zeroed memory, if there is some ready
 * @req: what it is for
 * @nr_pages: how many pages, exactly
 * @compound: a compound page; else single pages
 * @nid: the node to have it from first
 *
 * Only that node is asked for compound pages: the page allocator has others.
 *
 * Context: may sleep.
 * Return: the first page, or NULL.
 */
struct page *vbm_pool_get(const struct vbm_request *req,
			  unsigned long nr_pages, bool compound, int nid)
{
	struct vbm_pool_block *block;
	struct page *page = NULL;
	bool clean = false;
	int other;

	if (nr_pages < VBM_POOL_MIN_PAGES || !READ_ONCE(pool_mb))
		return NULL;
	if (!READ_ONCE(vbm_pool_pages)) {
		vbm_stat_inc(VBM_STAT_POOL_MISSES);
		return NULL;
	}
	spin_lock(&vbm_pool_lock);
	block = vbm_pool_find_locked(req, nr_pages, compound, nid);
	if (!compound)
		for_each_online_node(other)
			if (!block && other != nid)
				block = vbm_pool_find_locked(req, nr_pages,
							     false, other);
	if (block) {
		vbm_pool_del_locked(block);
		vbm_pool_forget_locked(block);
		page = block->page;
		clean = block->clean;
	}
	spin_unlock(&vbm_pool_lock);
	kfree(page ? block : NULL);

	if (page && !clean) {
		vbm_stat_inc(VBM_STAT_POOL_LATE);
		if (!vbm_pool_zero(page, nr_pages)) {
			vbm_pages_free_run(page, nr_pages);
			page = NULL;
		}
	}
	vbm_stat_inc(page ? VBM_STAT_POOL_HITS : VBM_STAT_POOL_MISSES);
	return page;
}

/**
 * vbm_pool_for_caller() - may the caller have what others are charged for?
 *
 * The root cgroup is the one without a parent.
 *
 * Context: process.
 * Return: true if new pages for the caller would be charged to nobody either.
 */
bool vbm_pool_for_caller(void)
{
#ifdef CONFIG_MEMCG
	struct mem_cgroup *memcg;
	bool root;

	if (!memcg_kmem_online())
		return true;
	rcu_read_lock();
	memcg = current->active_memcg;
	if (!memcg)
		memcg = mem_cgroup_from_task(current);
	root = memcg && !memcg->css.parent;
	rcu_read_unlock();
	return root;
#else
	return true;
#endif
}

/* The next block to be zeroed, out of all lists; NULL: none. */
static struct vbm_pool_block *vbm_pool_next_dirty(void)
{
	struct vbm_pool_block *block;

	spin_lock(&vbm_pool_lock);
	block = list_first_entry_or_null(&vbm_pool_dirty,
					 struct vbm_pool_block, dirty_node);
	if (block)
		vbm_pool_del_locked(block);
	spin_unlock(&vbm_pool_lock);
	return block;
}

/* Zeroes what is dirty, and gives back what is too much or too old. */
static void vbm_pool_work(struct work_struct *work)
{
	struct vbm_pool_block *block;
	LIST_HEAD(out);

	while ((block = vbm_pool_next_dirty())) {
		block->clean = vbm_pool_zero(block->page, block->nr_pages);
		spin_lock(&vbm_pool_lock);
		if (block->clean) {
			vbm_pool_add_locked(block);
			vbm_stat_add(VBM_STAT_POOL_ZEROED,
				     block->nr_pages << PAGE_SHIFT);
		} else {
			vbm_pool_forget_locked(block);
			list_add(&block->age_node, &out);
		}
		spin_unlock(&vbm_pool_lock);
	}

	spin_lock(&vbm_pool_lock);
	vbm_pool_trim_locked(vbm_pool_limit(), &out);
	while ((block = vbm_pool_oldest_locked()) &&
	       time_after_eq(jiffies, block->since + VBM_POOL_IDLE))
		vbm_pool_evict_locked(block, &out);
	spin_unlock(&vbm_pool_lock);
	vbm_pool_free_list(&out);
	/* Who puts something in asks for the worker at once. */
	if (block)
		queue_delayed_work(system_dfl_wq, &vbm_pool_worker, HZ);
}

/* All that the worker has not in hand. */
static bool vbm_pool_empty(void)
{
	bool any;
	LIST_HEAD(out);

	spin_lock(&vbm_pool_lock);
	vbm_pool_trim_locked(0, &out);
	spin_unlock(&vbm_pool_lock);
	any = !list_empty(&out);
	vbm_pool_free_list(&out);
	return any;
}

/**
 * vbm_pool_drain() - give everything back
 *
 * Waits for the worker, which takes no lock but the pool's own.
 *
 * Context: may sleep.
 * Return: true if there was anything.
 */
bool vbm_pool_drain(void)
{
	bool any;

	if (!READ_ONCE(vbm_pool_pages))
		return false;
	any = vbm_pool_empty();
	flush_delayed_work(&vbm_pool_worker);
	return vbm_pool_empty() || any;
}

static unsigned long vbm_pool_count(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	return READ_ONCE(vbm_pool_nodes[sc->nid].nr_pages) ?: SHRINK_EMPTY;
}

static unsigned long vbm_pool_scan(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	struct vbm_pool_node *node = &vbm_pool_nodes[sc->nid];
	struct vbm_pool_block *block;
	unsigned long freed = 0;
	LIST_HEAD(out);

	spin_lock(&vbm_pool_lock);
	while (freed < sc->nr_to_scan && !list_empty(&node->ages)) {
		block = list_first_entry(&node->ages, struct vbm_pool_block,
					 age_node);
		freed += block->nr_pages;
		vbm_pool_evict_locked(block, &out);
	}
	spin_unlock(&vbm_pool_lock);
	vbm_pool_free_list(&out);
	vbm_stat_add(VBM_STAT_POOL_SHRUNK, freed << PAGE_SHIFT);
	sc->nr_scanned = freed;
	return freed ?: SHRINK_STOP;
}

int vbm_pool_init(void)
{
	unsigned int i;
	int nid;

	if (pool_mb == UINT_MAX)
		pool_mb = min(totalram_pages() >> (20 - PAGE_SHIFT + 4), 256UL);
	vbm_pool_nodes = kcalloc(nr_node_ids, sizeof(*vbm_pool_nodes),
				 GFP_KERNEL);
	if (!vbm_pool_nodes)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++) {
		INIT_LIST_HEAD(&vbm_pool_nodes[nid].ages);
		for (i = 0; i < VBM_POOL_SIZES; i++)
			INIT_LIST_HEAD(&vbm_pool_nodes[nid].sizes[i]);
	}

	vbm_pool_shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE,
					   "videobuf2-mem-pool");
	if (!vbm_pool_shrinker) {
		kfree(vbm_pool_nodes);
		return -ENOMEM;
	}
	vbm_pool_shrinker->count_objects = vbm_pool_count;
	vbm_pool_shrinker->scan_objects = vbm_pool_scan;
	/* As easily had again as any. */
	vbm_pool_shrinker->seeks = 0;
	shrinker_register(vbm_pool_shrinker);
	kernel_param_lock(THIS_MODULE);
	vbm_pool_live = true;
	kernel_param_unlock(THIS_MODULE);
	return 0;
}

/* There are no buffers any more. */
void vbm_pool_fini(void)
{
	kernel_param_lock(THIS_MODULE);
	vbm_pool_live = false;
	kernel_param_unlock(THIS_MODULE);
	shrinker_free(vbm_pool_shrinker);
	vbm_pool_drain();
	cancel_delayed_work_sync(&vbm_pool_worker);
	VBM_ASSERT(!vbm_pool_pages);
	kfree(vbm_pool_nodes);
}
