// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where storage comes from: the real allocators, asked directly, and who is asked
 * in which order, with mocks in their place, some of which are bad.
 */

#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vbm-testing.h"
#include "../vbm-backing.h"
#include "../vbm-limits.h"
#include "../vbm-mapping.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

/* --- the real ones -------------------------------------------------------- */

static void alloc_request(struct device *dev, size_t size, bool contig,
			  struct vbm_constraints *limits,
			  struct vbm_request *req)
{
	vbm_device_describe(dev, limits);
	*req = (struct vbm_request) {
		.dev = dev,
		.limits = limits,
		.size = size,
		.dir = DMA_FROM_DEVICE,
		.contig = contig,
		.coherent = contig,
	};
}

static void alloc_put(void *data)
{
	vbm_backing_put(data);
}

static struct vbm_backing *alloc_from(struct kunit *test,
				      const struct vbm_allocator *allocator,
				      const struct vbm_request *req)
{
	struct vbm_backing *backing;

	KUNIT_ASSERT_TRUE(test, allocator->suits(req));
	backing = allocator->alloc(req);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, backing);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, alloc_put,
							   backing));
	vbm_backing_publish(backing);
	return backing;
}

/* All of its bytes are there, none twice, and all are zero. */
static void alloc_expect_zeroed(struct kunit *test,
				const struct vbm_backing *backing)
{
	unsigned long i, j, left = backing->size >> PAGE_SHIFT;

	for (i = 0; i < backing->nr_extents; i++) {
		const struct vbm_extent *ext = &backing->extents[i];

		KUNIT_EXPECT_EQ(test, ext->phys, page_to_phys(ext->page));
		KUNIT_ASSERT_LE(test, ext->nr_pages, left);
		left -= ext->nr_pages;
		for (j = 0; j < ext->nr_pages; j++)
			KUNIT_ASSERT_NULL(test,
					  memchr_inv(page_address(ext->page + j),
						     0, PAGE_SIZE));
		memset(page_address(ext->page), 0xa5, PAGE_SIZE);
	}
	KUNIT_EXPECT_EQ(test, left, 0);
}

struct alloc_case {
	const char *name;
	const struct vbm_allocator *from;
	size_t size;
	unsigned int bits;
	bool contig;
};

#define FRAME	PAGE_ALIGN(1920 * 1080 * 3 / 2)

static const struct alloc_case alloc_cases[] = {
	{ "a page", &vbm_alloc_pages, SZ_4K, 32, false },
	{ "three pages", &vbm_alloc_pages, 3 * SZ_4K, 32, false },
	{ "a frame", &vbm_alloc_pages, FRAME, 32, false },
	{ "more than an order", &vbm_alloc_pages, SZ_4M + SZ_4K, 32, false },
	{ "low pages", &vbm_alloc_pages, SZ_256K, 24, false },
	{ "one page in one piece", &vbm_alloc_pages, SZ_4K, 32, true },
	{ "five pages in one piece", &vbm_alloc_pages, 5 * SZ_4K, 32, true },
	{ "a frame in one piece", &vbm_alloc_pages, FRAME, 32, true },
	{ "low memory in one piece", &vbm_alloc_pages, SZ_256K, 24, true },
	{ "DMA API", &vbm_alloc_dma, SZ_256K, 32, true },
	{ "DMA API, low", &vbm_alloc_dma, SZ_64K, 24, true },
};

KUNIT_ARRAY_PARAM_DESC(alloc, alloc_cases, name);

static void alloc_real(struct kunit *test)
{
	const struct alloc_case *p = test->param_value;
	struct vbm_constraints limits;
	struct vbm_backing *backing;
	struct vbm_request req;
	struct device *dev;

	dev = vbm_testing_device(test, "dev", p->bits, 0);
	alloc_request(dev, p->size, p->contig, &limits, &req);
	backing = alloc_from(test, p->from, &req);
	KUNIT_EXPECT_EQ(test, backing->size, p->size);
	KUNIT_EXPECT_PTR_EQ(test, backing->allocator, p->from);
	if (p->contig)
		vbm_constraints_one_address(&limits);
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &limits),
			VBM_REQ_NONE);
	KUNIT_EXPECT_LE(test, backing->shape.last, DMA_BIT_MASK(p->bits));
	alloc_expect_zeroed(test, backing);
}

/* What was written must be gone when the pages come again. */
static void alloc_again(struct kunit *test)
{
	struct vbm_constraints limits;
	struct vbm_backing *backing;
	struct vbm_request req;
	struct device *dev;
	unsigned int i;

	dev = vbm_testing_device(test, "dev", 32, 0);
	alloc_request(dev, SZ_256K, false, &limits, &req);
	for (i = 0; i < 4; i++) {
		backing = alloc_from(test, &vbm_alloc_pages, &req);
		alloc_expect_zeroed(test, backing);
		kunit_release_action(test, alloc_put, backing);
	}
}

/* Memory that no memory cgroup is charged for is counted. */
static void alloc_uncharged(struct kunit *test)
{
	s64 before = vbm_stat_read(VBM_STAT_BYTES_UNCHARGED);
	struct vbm_constraints limits;
	struct vbm_backing *backing;
	struct vbm_request req;
	struct device *dev;

	dev = vbm_testing_device(test, "dev", 32, 0);
	alloc_request(dev, SZ_64K, true, &limits, &req);
	backing = alloc_from(test, &vbm_alloc_dma, &req);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_BYTES_UNCHARGED),
			before + SZ_64K);
	kunit_release_action(test, alloc_put, backing);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_BYTES_UNCHARGED), before);
}

/* Whom an allocator suits. */
static void alloc_suits(struct kunit *test)
{
	struct vbm_constraints limits;
	struct vbm_request req;
	struct device *dev;

	dev = vbm_testing_device(test, "dev", 32, 0);
	alloc_request(dev, SZ_64K, false, &limits, &req);
	KUNIT_EXPECT_TRUE(test, vbm_alloc_pages.suits(&req));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_dma.suits(&req));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_noncontig.suits(&req));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_region.suits(&req));
	req.contig = true;
	KUNIT_EXPECT_FALSE(test, vbm_alloc_dma.suits(&req));
	KUNIT_EXPECT_TRUE(test, vbm_alloc_noncontig.suits(&req));
	req.coherent = true;
	KUNIT_EXPECT_TRUE(test, vbm_alloc_dma.suits(&req));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_noncontig.suits(&req));
	/* What only the DMA API can do. */
	req.attrs = DMA_ATTR_NO_KERNEL_MAPPING;
	KUNIT_EXPECT_FALSE(test, vbm_alloc_pages.suits(&req));
	KUNIT_EXPECT_TRUE(test, vbm_alloc_dma.suits(&req));
}

/* Where one piece may begin. */
static void alloc_fits(struct kunit *test)
{
	struct vbm_constraints limits;
	struct vbm_request req = { .limits = &limits, .size = SZ_64K };

	vbm_constraints_init(&limits);
	limits.max_addr = SZ_1M - 1;
	limits.align = SZ_64K;
	limits.boundary_mask = SZ_128K - 1;
	KUNIT_EXPECT_TRUE(test, vbm_alloc_fits(&req, SZ_64K));
	KUNIT_EXPECT_TRUE(test, vbm_alloc_fits(&req, SZ_1M - SZ_64K));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_fits(&req, SZ_1M));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_fits(&req, SZ_64K + SZ_4K));
	limits.align = SZ_4K;
	KUNIT_EXPECT_TRUE(test, vbm_alloc_fits(&req, SZ_32K));
	KUNIT_EXPECT_FALSE(test, vbm_alloc_fits(&req, SZ_64K + SZ_4K));
	limits.translated = true;
	KUNIT_EXPECT_TRUE(test, vbm_alloc_fits(&req, SZ_1G + SZ_4K));
}

/* --- mocks ---------------------------------------------------------------- */

/**
 * struct ask_case - two allocators, and what becomes of a buffer
 * @name: for people
 * @gives: what each of them does
 * @error: of one that fails
 * @unsuited: the first says that it suits nobody
 * @only: the first is to be the only one for whom it suits
 * @contig: the driver wants one address
 * @asked: how often each is asked
 * @from: from which the memory is in the end; -1: none
 * @ret: what alloc() gives then
 */
struct ask_case {
	const char *name;
	enum vbm_testing_memory gives[VBM_TESTING_ALLOCATORS];
	int error;
	bool unsuited;
	bool only;
	bool contig;
	unsigned int asked[VBM_TESTING_ALLOCATORS];
	int from;
	int ret;
};

static const struct ask_case ask_cases[] = {
	{ "the first that does is taken", .gives = { VBM_TESTING_ONE_PIECE },
	  .contig = true, .asked = { 1, 0 }, .from = 0 },
	{ "a list does for a driver of lists",
	  .gives = { VBM_TESTING_PIECES, VBM_TESTING_ONE_PIECE },
	  .asked = { 1, 0 }, .from = 0 },
	{ "one that does not suit is not asked",
	  .gives = { VBM_TESTING_ONE_PIECE, VBM_TESTING_ONE_PIECE },
	  .unsuited = true, .contig = true, .asked = { 0, 1 }, .from = 1 },
	{ "the next one may do better",
	  .gives = { VBM_TESTING_ERROR, VBM_TESTING_ONE_PIECE },
	  .error = -EAGAIN, .contig = true, .asked = { 1, 1 }, .from = 1 },
	{ "an error is final",
	  .gives = { VBM_TESTING_ERROR, VBM_TESTING_ONE_PIECE },
	  .error = -EDQUOT, .contig = true, .asked = { 1, 0 }, .from = -1,
	  .ret = -EDQUOT },
	{ "bad: pieces for a driver of one address",
	  .gives = { VBM_TESTING_PIECES, VBM_TESTING_ONE_PIECE },
	  .contig = true, .asked = { 1, 1 }, .from = 1 },
	{ "bad: out of reach",
	  .gives = { VBM_TESTING_NOWHERE, VBM_TESTING_ONE_PIECE },
	  .contig = true, .asked = { 1, 1 }, .from = 1 },
	{ "bad: both",
	  .gives = { VBM_TESTING_PIECES, VBM_TESTING_NOWHERE },
	  .contig = true, .asked = { 1, 1 }, .from = -1,
	  .ret = -EOPNOTSUPP },
	{ "bad: the only one there may be",
	  .gives = { VBM_TESTING_PIECES, VBM_TESTING_ONE_PIECE },
	  .only = true, .contig = true, .asked = { 1, 0 }, .from = -1,
	  .ret = -ENOMEM },
	{ "nobody has any",
	  .gives = { VBM_TESTING_ERROR, VBM_TESTING_ERROR },
	  .error = -EAGAIN, .contig = true, .asked = { 1, 1 }, .from = -1,
	  .ret = -ENOMEM },
};

KUNIT_ARRAY_PARAM_DESC(ask, ask_cases, name);

/* What was given and not taken has to come back, and before the next is asked. */
static void alloc_ask(struct kunit *test)
{
	const struct ask_case *p = test->param_value;
	struct vbm_testing_allocator *mocks;
	struct vbm_testing_queue *queue;
	struct device *dev;
	struct vbm_buf *buf;
	void *priv;
	int i;

	/* Most of memory is out of its reach. */
	dev = vbm_testing_device(test, "dev", 24, 0);
	queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	mocks = vbm_testing_allocators(test);
	for (i = 0; i < VBM_TESTING_ALLOCATORS; i++) {
		mocks[i].gives = p->gives[i];
		mocks[i].error = p->error;
	}
	mocks[0].unsuited = p->unsuited;
	mocks[0].ops.only = p->only;

	if (p->from < 0) {
		priv = p->contig ?
		       vbm_memops_alloc_contig(&queue->vb, dev, SZ_16K) :
		       vbm_memops_alloc_sg(&queue->vb, dev, SZ_16K);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(priv), p->ret);
	} else {
		buf = vbm_testing_buf(test, queue, dev, SZ_16K, p->contig);
		KUNIT_EXPECT_PTR_EQ(test, buf->backing->allocator,
				    &mocks[p->from].ops);
		KUNIT_EXPECT_EQ(test, mocks[p->from].freed, 0);
		if (p->contig)
			KUNIT_EXPECT_EQ(test, SZ_16K,
					vbm_mapping_contiguous(buf->plane.sgt));
		vbm_testing_put(test, buf);
	}
	for (i = 0; i < VBM_TESTING_ALLOCATORS; i++) {
		KUNIT_EXPECT_EQ(test, mocks[i].asked, p->asked[i]);
		KUNIT_EXPECT_EQ(test, mocks[i].freed, mocks[i].given);
	}
}

static struct kunit_case alloc_tests[] = {
	KUNIT_CASE_PARAM(alloc_real, alloc_gen_params),
	KUNIT_CASE(alloc_again),
	KUNIT_CASE(alloc_uncharged),
	KUNIT_CASE(alloc_suits),
	KUNIT_CASE(alloc_fits),
	KUNIT_CASE_PARAM(alloc_ask, ask_gen_params),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "vbm_alloc",
	.init = vbm_testing_init,
	.test_cases = alloc_tests,
};

kunit_test_suite(alloc_suite);
