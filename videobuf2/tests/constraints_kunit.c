// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices ask of memory: cases of which the answer is known. Rules that hold
 * for all cases are in constraints_random_kunit.c.
 */

#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../vbm-constraints.h"

/* In a table 0 is for what a device does not ask. */
static struct vbm_constraints completed(const struct vbm_constraints *from)
{
	struct vbm_constraints c;

	vbm_constraints_init(&c);
	c.max_addr = from->max_addr ?: c.max_addr;
	c.max_segments = from->max_segments ?: c.max_segments;
	c.max_segment = from->max_segment ?: c.max_segment;
	c.boundary_mask = from->boundary_mask ?: c.boundary_mask;
	c.align = from->align ?: c.align;
	c.max_bounce = from->max_bounce;
	c.bounce_all = from->bounce_all;
	c.translated = from->translated;
	c.needs_pages = from->needs_pages;
	return c;
}

struct check_case {
	const char *name;
	struct vbm_constraints c;
	u64 phys[3];
	size_t len[3];
	enum vbm_requirement lacks;
};

static const struct check_case check_cases[] = {
	{ "anything does", {}, { SZ_1M, SZ_4M }, { SZ_64K, SZ_4K },
	  VBM_REQ_NONE },
	{ "the last byte within reach", { .max_addr = SZ_1M - 1 },
	  { SZ_1M - SZ_64K }, { SZ_64K }, VBM_REQ_NONE },
	{ "one page beyond reach", { .max_addr = SZ_1M - 1 },
	  { SZ_1M - SZ_64K }, { SZ_64K + SZ_4K }, VBM_REQ_ADDRESS },
	{ "neighbours are one piece", { .max_segments = 1 },
	  { SZ_1M, SZ_1M + SZ_64K }, { SZ_64K, SZ_4K }, VBM_REQ_NONE },
	{ "two pieces for one segment", { .max_segments = 1 },
	  { SZ_1M, SZ_2M }, { SZ_64K, SZ_4K }, VBM_REQ_SEGMENTS },
	{ "a piece that is cut too often",
	  { .max_segments = 2, .max_segment = SZ_64K },
	  { SZ_1M }, { 3 * SZ_64K }, VBM_REQ_SEGMENT_SIZE },
	{ "a piece over a boundary", { .max_segments = 1,
				       .boundary_mask = SZ_1M - 1 },
	  { SZ_1M - SZ_4K }, { SZ_8K }, VBM_REQ_BOUNDARY },
	{ "up to a boundary", { .max_segments = 1,
				.boundary_mask = SZ_1M - 1 },
	  { SZ_1M - SZ_8K }, { SZ_8K }, VBM_REQ_NONE },
	{ "a boundary, and any number of segments",
	  { .boundary_mask = SZ_64K - 1 }, { SZ_64K - SZ_4K }, { SZ_1M },
	  VBM_REQ_NONE },
	{ "the first byte is not aligned", { .align = SZ_64K },
	  { SZ_1M + SZ_4K, SZ_2M }, { SZ_4K, SZ_4K }, VBM_REQ_ALIGN },
	{ "only the first byte has to be", { .align = SZ_64K },
	  { SZ_1M, SZ_2M + SZ_4K }, { SZ_4K, SZ_4K }, VBM_REQ_NONE },
	{ "behind an IOMMU memory may lie anywhere",
	  { .max_addr = SZ_2M, .max_segments = 1, .align = SZ_1M,
	    .translated = true }, { SZ_4M + SZ_4K, SZ_1M }, { SZ_4K, SZ_4K },
	  VBM_REQ_NONE },
	{ "but there must be addresses for it",
	  { .max_addr = SZ_64K - 1, .translated = true },
	  { SZ_4M, SZ_1M }, { SZ_64K, SZ_4K }, VBM_REQ_ADDRESS },
	{ "and they must do", { .max_segments = 2, .max_segment = SZ_4K,
				.translated = true },
	  { SZ_4M }, { 3 * SZ_4K }, VBM_REQ_SEGMENT_SIZE },
};

KUNIT_ARRAY_PARAM_DESC(check, check_cases, name);

static unsigned int check_count(const struct vbm_constraints *c,
				const void *memory)
{
	const struct check_case *p = memory;
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(p->len) && p->len[i]; i++)
		nr += vbm_constraints_count(c, p->phys[i], p->len[i]);
	return nr;
}

static void constraints_check(struct kunit *test)
{
	const struct check_case *p = test->param_value;
	struct vbm_constraints c = completed(&p->c);
	struct vbm_backing_shape shape;
	unsigned int i;

	vbm_shape_init(&shape);
	for (i = 0; i < ARRAY_SIZE(p->len) && p->len[i]; i++)
		vbm_shape_add(&shape, p->phys[i], p->len[i], true);
	KUNIT_EXPECT_EQ(test, p->lacks,
			vbm_constraints_check(&c, &shape, check_count, p));
}

struct possible_case {
	const char *name;
	struct vbm_constraints c;
	size_t size;
	enum vbm_requirement lacks;
};

static const struct possible_case possible_cases[] = {
	{ "anything", {}, SZ_1G, VBM_REQ_NONE },
	{ "all that it reaches", { .max_addr = SZ_1M - 1 }, SZ_1M,
	  VBM_REQ_NONE },
	{ "more than it reaches", { .max_addr = SZ_1M - 1 }, SZ_1M + 1,
	  VBM_REQ_ADDRESS },
	{ "as much as its segments hold",
	  { .max_segments = 4, .max_segment = SZ_64K }, SZ_256K,
	  VBM_REQ_NONE },
	{ "more than its segments hold",
	  { .max_segments = 4, .max_segment = SZ_64K }, SZ_256K + 1,
	  VBM_REQ_SEGMENT_SIZE },
	{ "more than lies between boundaries",
	  { .max_segments = 1, .boundary_mask = SZ_64K - 1 },
	  SZ_64K + 1, VBM_REQ_BOUNDARY },
	{ "no aligned address in reach",
	  { .max_addr = SZ_1M - 1, .align = SZ_1M }, SZ_4K,
	  VBM_REQ_ALIGN },
	/* Address 0 is nobody's. */
	{ "the one aligned address", { .max_addr = SZ_2M - 1, .align = SZ_1M },
	  SZ_1M, VBM_REQ_NONE },
	{ "too little behind it", { .max_addr = SZ_2M - 1, .align = SZ_1M },
	  SZ_1M + SZ_4K, VBM_REQ_ALIGN },
};

KUNIT_ARRAY_PARAM_DESC(possible, possible_cases, name);

static void constraints_possible(struct kunit *test)
{
	const struct possible_case *p = test->param_value;
	struct vbm_constraints c = completed(&p->c);

	KUNIT_EXPECT_EQ(test, vbm_constraints_possible(&c, p->size), p->lacks);
}

/* Two that are at odds if their limits are merged as they are. */
static void constraints_settle(struct kunit *test)
{
	struct vbm_constraints all, one, single;

	vbm_constraints_init(&all);
	vbm_constraints_init(&single);
	vbm_constraints_one_address(&single);
	vbm_constraints_init(&one);
	one.max_segment = SZ_64K;
	one.max_segments = 64;
	vbm_constraints_settle(&one, SZ_1M);
	/* 15 cuts of a megabyte are taken from the 64. */
	KUNIT_EXPECT_EQ(test, one.max_segments, 64 - 15);
	vbm_constraints_merge(&all, &one);
	vbm_constraints_merge(&all, &single);
	KUNIT_EXPECT_EQ(test, all.max_segments, 1);
	KUNIT_EXPECT_EQ(test, vbm_constraints_possible(&all, SZ_1M),
			VBM_REQ_NONE);
}

/* Who takes any number of segments has each buffer cut as it likes it. */
static void constraints_settle_any(struct kunit *test)
{
	struct vbm_constraints c;

	vbm_constraints_init(&c);
	c.max_segment = SZ_64K;
	c.boundary_mask = SZ_64K - 1;
	vbm_constraints_settle(&c, SZ_1M);
	KUNIT_EXPECT_EQ(test, c.max_segments, UINT_MAX);
	KUNIT_EXPECT_EQ(test, c.boundary_mask, U64_MAX);
	KUNIT_EXPECT_GT(test, c.max_segment, SZ_1G);
}

/* Behind an IOMMU nothing is asked of where memory lies. */
static void constraints_merge_iommu(struct kunit *test)
{
	struct vbm_constraints all, c;

	vbm_constraints_init(&all);
	vbm_constraints_init(&c);
	c.translated = true;
	c.max_addr = SZ_1M - 1;
	c.max_segments = 1;
	c.align = SZ_1M;
	c.chunk = SZ_2M;
	c.needs_pages = true;
	vbm_constraints_merge(&all, &c);
	KUNIT_EXPECT_EQ(test, all.max_addr, U64_MAX);
	KUNIT_EXPECT_EQ(test, all.max_segments, UINT_MAX);
	KUNIT_EXPECT_EQ(test, all.align, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, all.chunk, SZ_2M);
	KUNIT_EXPECT_TRUE(test, all.needs_pages);
}

/* What is bounced in part is cut to what bounces at most. */
static void constraints_bounce(struct kunit *test)
{
	struct vbm_constraints c;

	vbm_constraints_init(&c);
	c.max_addr = SZ_1M - 1;
	c.max_bounce = SZ_256K;
	KUNIT_EXPECT_FALSE(test, vbm_constraints_bounces(&c, 0, SZ_1M));
	KUNIT_EXPECT_TRUE(test, vbm_constraints_bounces(&c, 0, SZ_1M + 1));
	KUNIT_EXPECT_EQ(test, vbm_constraints_segment(&c, 0, SZ_1M), SZ_1M);
	KUNIT_EXPECT_EQ(test, vbm_constraints_segment(&c, SZ_2M, SZ_1M),
			SZ_256K);
	c.bounce_all = true;
	KUNIT_EXPECT_TRUE(test, vbm_constraints_bounces(&c, 0, 1));
	KUNIT_EXPECT_EQ(test, vbm_constraints_count(&c, 0, SZ_1M), 4);
}

/* Who is content has no check to fail: also behind an IOMMU that reaches little. */
static void constraints_content(struct kunit *test)
{
	struct vbm_constraints c;

	vbm_constraints_init(&c);
	KUNIT_EXPECT_TRUE(test, vbm_constraints_content(&c));
	c.max_addr = U32_MAX;
	KUNIT_EXPECT_FALSE(test, vbm_constraints_content(&c));
	c.translated = true;
	KUNIT_EXPECT_TRUE(test, vbm_constraints_content(&c));
	c.max_addr = SZ_16M - 1;
	KUNIT_EXPECT_FALSE(test, vbm_constraints_content(&c));
	c.max_addr = U64_MAX;
	c.align = SZ_64K;
	KUNIT_EXPECT_FALSE(test, vbm_constraints_content(&c));
}

static struct kunit_case constraints_cases[] = {
	KUNIT_CASE_PARAM(constraints_check, check_gen_params),
	KUNIT_CASE_PARAM(constraints_possible, possible_gen_params),
	KUNIT_CASE(constraints_settle),
	KUNIT_CASE(constraints_settle_any),
	KUNIT_CASE(constraints_merge_iommu),
	KUNIT_CASE(constraints_bounce),
	KUNIT_CASE(constraints_content),
	{}
};

static struct kunit_suite constraints_suite = {
	.name = "vbm_constraints",
	.test_cases = constraints_cases,
};

kunit_test_suite(constraints_suite);
