/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators: where storage comes from.
 *
 * They stand in a table and are asked in its order; the first that returns
 * memory which the device can then be given a mapping of wins.
 */
#ifndef _VBM_ALLOC_H
#define _VBM_ALLOC_H

#include <linux/dma-direction.h>
#include <linux/gfp_types.h>
#include <linux/types.h>

struct device;
struct page;
struct vbm_backing;
struct vbm_constraints;

/**
 * struct vbm_request - what storage is wanted
 * @dev: the device that must be able to use it
 * @limits: what that device asks of memory
 * @size: bytes, a multiple of PAGE_SIZE
 * @gfp: GFP flags of the queue, to be added
 * @attrs: DMA_ATTR_* of the queue
 * @dir: direction of the queue
 * @contig: the device needs one address for all of it
 * @easy: @contig is a wish: not worth that anybody else's pages move, nor memory
 *	that nobody is charged for
 * @coherent: the driver does not expect to sync it
 * @limited: set where there would be memory, but for another limit; or NULL
 */
struct vbm_request {
	struct device *dev;
	const struct vbm_constraints *limits;
	size_t size;
	gfp_t gfp;
	unsigned long attrs;
	enum dma_data_direction dir;
	bool contig;
	bool easy;
	bool coherent;
	bool *limited;
};

/**
 * struct vbm_allocator - a source of storage
 * @name: for people
 * @movable: what it gives is pages, from and to which a buffer can move
 * @suits: can this allocator serve such a request at all? Cheap, no side
 *	effect. NULL: never asked
 * @alloc: zeroed storage with one reference, or an ERR_PTR(): -EAGAIN if the
 *	next allocator may do better, else final. May sleep; called with a
 *	queue's lock held, no lock of ours
 * @free: give it back. May sleep; holds no lock of ours but perhaps
 *	&vbm_buf.lock. Must not fail
 * @only: whom it suits is to have no other memory
 */
struct vbm_allocator {
	const char *name;
	bool movable;
	bool (*suits)(const struct vbm_request *req);
	struct vbm_backing *(*alloc)(const struct vbm_request *req);
	void (*free)(struct vbm_backing *backing);
	bool only;
};

extern const struct vbm_allocator vbm_alloc_region;
extern const struct vbm_allocator vbm_alloc_pages;
extern const struct vbm_allocator vbm_alloc_dma;
extern const struct vbm_allocator vbm_alloc_noncontig;
extern const struct vbm_allocator vbm_alloc_range;

const struct vbm_allocator * const *vbm_alloc_table(void);

bool vbm_alloc_own_memory(struct device *dev);
bool vbm_alloc_only_dma_api(const struct vbm_request *req);
bool vbm_alloc_one_piece(const struct vbm_request *req);
bool vbm_alloc_fits(const struct vbm_request *req, u64 phys);
int vbm_alloc_last_resort(const struct vbm_request *req);

void vbm_pages_free_run(struct page *page, unsigned long nr_pages);

u64 vbm_alloc_uncharged_limit(void);
int vbm_alloc_over_limit(const struct vbm_request *req);
int vbm_alloc_charge(const struct vbm_request *req);
void vbm_alloc_uncharge(size_t size);

#endif
