// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators that do as they are told. See vbm-testing.h.
 *
 * They take the place of the table of allocators for what the test itself calls,
 * and for nobody else. What they give is real memory, at times described wrongly,
 * so that a test notices who believes what.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "vbm-testing.h"
#include "../vbm-backing.h"
#include "../vbm-constraints.h"
#include "../vbm.h"

/* One test runs at a time. */
static struct vbm_testing_allocator vbm_testing_mocks[VBM_TESTING_ALLOCATORS];
static const struct vbm_allocator *
vbm_testing_table[VBM_TESTING_ALLOCATORS + 1];

/* A narrow device has the lowest memory there is. */
static gfp_t vbm_testing_gfp(const struct vbm_request *req)
{
	gfp_t gfp = GFP_KERNEL | __GFP_COMP | __GFP_ZERO;

	return req->limits->max_addr < DMA_BIT_MASK(32) ? gfp | GFP_DMA : gfp;
}

/* Of blocks of two pages the second ones: no neighbours, and badly aligned. */
static bool vbm_testing_fill_pieces(struct vbm_backing *backing, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < backing->nr_extents; i++) {
		struct vbm_extent *ext = &backing->extents[i];

		ext->page = alloc_pages(gfp, 1);
		if (!ext->page)
			return false;
		ext->page++;
		ext->phys = page_to_phys(ext->page);
		ext->nr_pages = 1;
	}
	return true;
}

static bool vbm_testing_fill_one(struct vbm_backing *backing, gfp_t gfp,
				 bool nowhere)
{
	struct vbm_extent *ext = backing->extents;

	ext->page = alloc_pages(gfp, get_order(backing->size));
	if (!ext->page)
		return false;
	ext->phys = page_to_phys(ext->page);
	ext->nr_pages = backing->size >> PAGE_SHIFT;
	if (nowhere)
		ext->phys = ALIGN_DOWN(PHYS_ADDR_MAX - backing->size,
				       PAGE_SIZE);
	return true;
}

static void vbm_testing_free(struct vbm_backing *backing)
{
	struct vbm_testing_allocator *mock;
	unsigned int i;

	mock = container_of(backing->allocator, struct vbm_testing_allocator,
			    ops);
	mock->freed++;
	for (i = 0; i < backing->nr_extents && backing->extents[i].page; i++) {
		struct page *head = compound_head(backing->extents[i].page);

		__free_pages(head, compound_order(head));
	}
}

static struct vbm_backing *vbm_testing_alloc(struct vbm_testing_allocator *mock,
					     const struct vbm_request *req)
{
	bool pieces = mock->gives == VBM_TESTING_PIECES;
	gfp_t gfp = vbm_testing_gfp(req);
	struct vbm_backing *backing;
	bool ok;

	mock->asked++;
	if (mock->gives == VBM_TESTING_ERROR)
		return ERR_PTR(mock->error);
	backing = vbm_backing_new(&mock->ops, req->size,
				  pieces ? req->size >> PAGE_SHIFT : 1);
	if (!backing)
		return ERR_PTR(-ENOMEM);
	mock->given++;
	if (pieces)
		ok = vbm_testing_fill_pieces(backing, gfp);
	else
		ok = vbm_testing_fill_one(backing, gfp, mock->gives ==
					  VBM_TESTING_NOWHERE);
	if (ok)
		return backing;
	vbm_backing_put(backing);
	return ERR_PTR(-ENOMEM);
}

/* An allocator is not told which one it is. */
static struct vbm_backing *vbm_testing_alloc_0(const struct vbm_request *req)
{
	return vbm_testing_alloc(&vbm_testing_mocks[0], req);
}

static struct vbm_backing *vbm_testing_alloc_1(const struct vbm_request *req)
{
	return vbm_testing_alloc(&vbm_testing_mocks[1], req);
}

static bool vbm_testing_suits_0(const struct vbm_request *req)
{
	return !vbm_testing_mocks[0].unsuited;
}

static bool vbm_testing_suits_1(const struct vbm_request *req)
{
	return !vbm_testing_mocks[1].unsuited;
}

static const struct vbm_allocator vbm_testing_ops[VBM_TESTING_ALLOCATORS] = {
	{
		.name	= "mock 0",
		.movable = true,
		.suits	= vbm_testing_suits_0,
		.alloc	= vbm_testing_alloc_0,
		.free	= vbm_testing_free,
	},
	{
		.name	= "mock 1",
		.movable = true,
		.suits	= vbm_testing_suits_1,
		.alloc	= vbm_testing_alloc_1,
		.free	= vbm_testing_free,
	},
};

static const struct vbm_allocator * const *vbm_testing_alloc_table(void)
{
	return vbm_testing_table;
}

/**
 * vbm_testing_allocators() - let mocks be all allocators there are
 * @test: the test
 *
 * Return: VBM_TESTING_ALLOCATORS of them, in the order in which they are asked.
 *	The first gives memory in pieces, the second in one piece.
 */
struct vbm_testing_allocator *vbm_testing_allocators(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < VBM_TESTING_ALLOCATORS; i++) {
		vbm_testing_mocks[i] = (struct vbm_testing_allocator) {
			.ops = vbm_testing_ops[i],
			.gives = i ? VBM_TESTING_ONE_PIECE : VBM_TESTING_PIECES,
		};
		vbm_testing_table[i] = &vbm_testing_mocks[i].ops;
	}
	kunit_activate_static_stub(test, vbm_alloc_table,
				   vbm_testing_alloc_table);
	return vbm_testing_mocks;
}

/* What the mocks have given stays theirs. */
void vbm_testing_real_allocators(struct kunit *test)
{
	kunit_deactivate_static_stub(test, vbm_alloc_table);
}
