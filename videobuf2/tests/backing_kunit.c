// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage: which pages are where in it, what is told of it in short, and when
 * it goes back to where it came from.
 */

#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "vbm-testing.h"
#include "../vbm-backing.h"
#include "../vbm.h"

static unsigned int backing_freed;

static void backing_free(struct vbm_backing *backing)
{
	backing_freed++;
}

static const struct vbm_allocator backing_allocator = {
	.name	= "test",
	.free	= backing_free,
};

static void backing_put(void *data)
{
	vbm_backing_put(data);
}

/**
 * struct backing_case - a backing
 * @name: for people
 * @offset: into the first page
 * @size: bytes from there on
 * @pfn: of each extent
 * @nr_pages: of each; 0 after the last
 * @shape: what it amounts to
 */
struct backing_case {
	const char *name;
	unsigned int offset;
	size_t size;
	unsigned long pfn[4];
	unsigned long nr_pages[4];
	struct vbm_backing_shape shape;
};

static const struct backing_case backing_cases[] = {
	{ "one extent", 0, SZ_64K, { 0x100 }, { 16 },
	  { .last = 0x10ffff, .align = SZ_1M, .size = SZ_64K,
	    .longest = SZ_64K, .pieces = 1, .crossed = SZ_32K } },
	{ "neighbours", 0, SZ_64K, { 0x100, 0x108 }, { 8, 8 },
	  { .last = 0x10ffff, .align = SZ_1M, .size = SZ_64K,
	    .longest = SZ_64K, .pieces = 1, .crossed = SZ_32K } },
	{ "apart", 0, SZ_64K, { 0x100, 0x200 }, { 12, 4 },
	  { .last = 0x203fff, .align = SZ_1M, .size = SZ_64K,
	    .longest = 12 * SZ_4K, .pieces = 2, .crossed = SZ_32K } },
	{ "in the wrong order", 0, SZ_8K, { 0x101, 0x100 }, { 1, 1 },
	  { .last = 0x101fff, .align = SZ_4K, .size = SZ_8K,
	    .longest = SZ_4K, .pieces = 2, .crossed = SZ_2K } },
	{ "user memory", 0x300, SZ_8K, { 0x101, 0x200 }, { 2, 1 },
	  { .last = 0x2002ff, .align = 0x100, .size = SZ_8K,
	    .longest = SZ_8K - 0x300, .pieces = 2, .crossed = SZ_4K * 2 } },
	{ "more pages than bytes", 0, SZ_4K, { 0x100 }, { 4 },
	  { .last = 0x100fff, .align = SZ_1M, .size = SZ_4K,
	    .longest = SZ_4K, .pieces = 1, .crossed = SZ_2K } },
};

KUNIT_ARRAY_PARAM_DESC(backing, backing_cases, name);

static struct vbm_backing *backing_new(struct kunit *test,
				       const struct backing_case *p)
{
	struct vbm_backing *backing;
	unsigned int i, nr = 0;

	while (nr < ARRAY_SIZE(p->nr_pages) && p->nr_pages[nr])
		nr++;
	backing = vbm_backing_new(&backing_allocator, p->size, nr);
	KUNIT_ASSERT_NOT_NULL(test, backing);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, backing_put,
							   backing));
	backing->offset = p->offset;
	for (i = 0; i < nr; i++) {
		backing->extents[i].phys = PFN_PHYS(p->pfn[i]);
		backing->extents[i].page = pfn_to_page(p->pfn[i]);
		backing->extents[i].nr_pages = p->nr_pages[i];
	}
	return backing;
}

static void backing_shape(struct kunit *test)
{
	const struct backing_case *p = test->param_value;
	struct vbm_backing *backing = backing_new(test, p);

	vbm_backing_publish(backing);
	KUNIT_EXPECT_EQ(test, backing->shape.last, p->shape.last);
	KUNIT_EXPECT_EQ(test, backing->shape.align, p->shape.align);
	KUNIT_EXPECT_EQ(test, backing->shape.size, p->shape.size);
	KUNIT_EXPECT_EQ(test, backing->shape.longest, p->shape.longest);
	KUNIT_EXPECT_EQ(test, backing->shape.pieces, p->shape.pieces);
	KUNIT_EXPECT_EQ(test, backing->shape.crossed, p->shape.crossed);
	KUNIT_EXPECT_TRUE(test, backing->shape.has_pages);
}

/* Every page of the buffer, one at a time and all at once. */
static void backing_pages(struct kunit *test)
{
	const struct backing_case *p = test->param_value;
	struct vbm_backing *backing = backing_new(test, p);
	unsigned long nr = vbm_backing_nr_pages(backing), i, at = 0;
	unsigned int ext = 0;
	struct page **pages;

	KUNIT_EXPECT_EQ(test, nr, DIV_ROUND_UP(p->offset + p->size, PAGE_SIZE));
	pages = kunit_kcalloc(test, nr, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	vbm_backing_pages(backing, 0, nr, pages);
	for (i = 0; i < nr; i++, at++) {
		if (at == p->nr_pages[ext]) {
			ext++;
			at = 0;
		}
		KUNIT_EXPECT_EQ(test, page_to_pfn(pages[i]), p->pfn[ext] + at);
		KUNIT_EXPECT_PTR_EQ(test, vbm_backing_page(backing, i),
				    pages[i]);
	}
}

/* One segment, as a device that wants one address needs it. */
static void backing_check(struct kunit *test)
{
	const struct backing_case *p = test->param_value;
	struct vbm_backing *backing = backing_new(test, p);
	struct vbm_constraints c;

	vbm_backing_publish(backing);
	vbm_constraints_init(&c);
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_NONE);
	c.max_addr = p->shape.last;
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_NONE);
	c.max_addr--;
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_ADDRESS);
	c.max_addr = U64_MAX;
	vbm_constraints_one_address(&c);
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c),
			p->shape.pieces == 1 ? VBM_REQ_NONE : VBM_REQ_SEGMENTS);
	/* As many segments as it is cut into, and one less. */
	c.max_segment = SZ_4K;
	c.max_segments = 17;
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_NONE);
	if (p->size == SZ_64K) {
		c.max_segments = 15;
		KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c),
				VBM_REQ_SEGMENT_SIZE);
	}
}

static void backing_without_pages(struct kunit *test)
{
	const struct backing_case p = {
		"device memory", 0, SZ_8K, { 0x100, 0x200 }, { 1, 1 }
	};
	struct vbm_backing *backing = backing_new(test, &p);
	struct vbm_constraints c;

	KUNIT_EXPECT_TRUE(test, vbm_backing_has_pages(backing));
	backing->extents[1].page = NULL;
	KUNIT_EXPECT_FALSE(test, vbm_backing_has_pages(backing));
	vbm_backing_publish(backing);
	vbm_constraints_init(&c);
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_NONE);
	c.needs_pages = true;
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_PAGES);
}

/* Nobody says where the DMA API has it: only whose it is can use it. */
static void backing_nowhere(struct kunit *test)
{
	const struct backing_case p = { "nowhere", 0, SZ_8K };
	struct vbm_backing *backing = backing_new(test, &p);
	struct vbm_constraints c;

	vbm_backing_publish(backing);
	vbm_constraints_init(&c);
	KUNIT_EXPECT_FALSE(test, vbm_backing_has_pages(backing));
	KUNIT_EXPECT_EQ(test, backing->shape.pieces, 0);
	KUNIT_EXPECT_EQ(test, vbm_backing_check(backing, &c), VBM_REQ_PAGES);
}

static void backing_references(struct kunit *test)
{
	struct vbm_backing *backing;

	backing = vbm_backing_new(&backing_allocator, SZ_4K, 0);
	KUNIT_ASSERT_NOT_NULL(test, backing);
	vbm_backing_get(backing);
	vbm_backing_put(backing);
	KUNIT_EXPECT_EQ(test, backing_freed, 0);
	vbm_backing_put(backing);
	KUNIT_EXPECT_EQ(test, backing_freed, 1);
	/* Half built buffers have none. */
	vbm_backing_put(NULL);
	KUNIT_EXPECT_EQ(test, backing_freed, 1);
}

static int backing_init(struct kunit *test)
{
	backing_freed = 0;
	return vbm_testing_init(test);
}

static struct kunit_case backing_tests[] = {
	KUNIT_CASE_PARAM(backing_shape, backing_gen_params),
	KUNIT_CASE_PARAM(backing_pages, backing_gen_params),
	KUNIT_CASE_PARAM(backing_check, backing_gen_params),
	KUNIT_CASE(backing_without_pages),
	KUNIT_CASE(backing_nowhere),
	KUNIT_CASE(backing_references),
	{}
};

static struct kunit_suite backing_suite = {
	.name = "vbm_backing",
	.init = backing_init,
	.test_cases = backing_tests,
};

kunit_test_suite(backing_suite);
