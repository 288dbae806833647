// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices ask of memory: rules that hold for all cases, tried on random
 * devices and random memory.
 *
 * What is compared with is slow and has no arithmetic to be wrong in: it looks
 * at one page after the other, in an address space so small that everything
 * meets something.
 */

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../vbm-constraints.h"

#define RANDOM_CASES	100000
#define RANDOM_SEED	0x76626d

/* Pages of memory that a case has at most, and of all its address space. */
#define MOST_PAGES	32
#define ALL_PAGES	1024

/**
 * struct memory - a buffer's pages, in the order of its bytes
 * @pfn: where each is
 * @has_page: whether it has a struct page
 * @nr: how many
 */
struct memory {
	u64 pfn[MOST_PAGES];
	bool has_page[MOST_PAGES];
	unsigned int nr;
};

static bool adjacent(const struct memory *m, unsigned int i)
{
	return i && m->pfn[i] == m->pfn[i - 1] + 1;
}

/* See vbm_count_fn. */
static unsigned int count(const struct vbm_constraints *c, const void *memory)
{
	const struct memory *m = memory;
	unsigned int i, first = 0, nr = 0;

	for (i = 1; i <= m->nr; i++) {
		if (i < m->nr && adjacent(m, i))
			continue;
		nr += vbm_constraints_count(c, m->pfn[first] << PAGE_SHIFT,
					    (size_t)(i - first) << PAGE_SHIFT);
		first = i;
	}
	return nr;
}

static void shape_of(const struct memory *m, struct vbm_backing_shape *shape)
{
	unsigned int i;

	vbm_shape_init(shape);
	for (i = 0; i < m->nr; i++)
		vbm_shape_add(shape, m->pfn[i] << PAGE_SHIFT, PAGE_SIZE,
			      m->has_page[i]);
}

static enum vbm_requirement check(const struct vbm_constraints *c,
				  const struct memory *m)
{
	struct vbm_backing_shape shape;

	shape_of(m, &shape);
	return vbm_constraints_check(c, &shape, count, m);
}

/* --- the slow reference --------------------------------------------------- */

/* Segments, if one ends only where it must. */
static unsigned int slow_count(const struct vbm_constraints *c,
			       const struct memory *m, bool bounded)
{
	size_t max = c->max_segment, length = 0;
	unsigned int i, nr = 0;

	if (c->bounce_all && c->max_bounce)
		max = min(max, c->max_bounce);
	for (i = 0; i < m->nr; i++) {
		u64 phys = m->pfn[i] << PAGE_SHIFT;

		if (!adjacent(m, i) || length + PAGE_SIZE > max ||
		    (bounded && !(phys & c->boundary_mask))) {
			length = 0;
			nr++;
		}
		length += PAGE_SIZE;
	}
	return nr;
}

static enum vbm_requirement slow_check(const struct vbm_constraints *c,
				       const struct memory *m)
{
	unsigned int i, pieces = 0, with_page = 0;
	bool beyond = false;

	/* Behind an IOMMU one piece is made of any memory. */
	if (c->translated) {
		enum vbm_requirement never;

		never = vbm_constraints_possible(c, (size_t)m->nr << PAGE_SHIFT);
		if (never)
			return never;
	}
	for (i = 0; i < m->nr; i++) {
		beyond |= ((m->pfn[i] + 1) << PAGE_SHIFT) - 1 > c->max_addr;
		pieces += !adjacent(m, i);
		with_page += m->has_page[i];
	}
	if (!c->translated) {
		if (beyond)
			return VBM_REQ_ADDRESS;
		if (pieces > c->max_segments)
			return VBM_REQ_SEGMENTS;
		if (slow_count(c, m, false) > c->max_segments)
			return VBM_REQ_SEGMENT_SIZE;
		if (slow_count(c, m, true) > c->max_segments)
			return VBM_REQ_BOUNDARY;
		if ((m->pfn[0] << PAGE_SHIFT) & (c->align - 1))
			return VBM_REQ_ALIGN;
	}
	if (c->needs_pages && with_page < m->nr)
		return VBM_REQ_PAGES;
	return VBM_REQ_NONE;
}

/* --- random cases --------------------------------------------------------- */

/**
 * struct trial - a random case
 * @rnd: where it comes from
 * @number: which it is
 * @a: the limits of a device
 * @b: of another
 * @m: memory
 * @size: its bytes
 * @text: see describe()
 */
struct trial {
	struct rnd_state rnd;
	u32 number;
	struct vbm_constraints a;
	struct vbm_constraints b;
	struct memory m;
	size_t size;
	char text[1024];
};

static u32 below(struct trial *t, u32 n)
{
	return prandom_u32_state(&t->rnd) % n;
}

static size_t some_pages(struct trial *t, u32 most)
{
	return (size_t)(1 + below(t, most)) << PAGE_SHIFT;
}

static void random_constraints(struct trial *t, struct vbm_constraints *c)
{
	vbm_constraints_init(c);
	if (!below(t, 3))
		c->max_addr = some_pages(t, ALL_PAGES) - 1;
	if (below(t, 3))
		c->max_segments = 1 + below(t, 12);
	if (below(t, 2))
		c->max_segment = some_pages(t, 8);
	if (!below(t, 3))
		c->boundary_mask = (PAGE_SIZE << below(t, 6)) - 1;
	if (!below(t, 4))
		c->align = PAGE_SIZE << below(t, 5);
	if (!below(t, 3))
		c->max_bounce = some_pages(t, 6);
	c->bounce_all = !below(t, 4);
	c->translated = !below(t, 8);
	c->needs_pages = !below(t, 8);
	if (!below(t, 16))
		vbm_constraints_one_address(c);
}

/* Mostly runs, as memory is; no page twice. */
static void random_memory(struct trial *t)
{
	DECLARE_BITMAP(taken, ALL_PAGES + MOST_PAGES) = {};
	bool has_page = below(t, 4);
	u32 run = 1 + below(t, 12);
	struct memory *m = &t->m;
	unsigned int i;
	u64 pfn;

	m->nr = 1 + below(t, MOST_PAGES);
	for (i = 0; i < m->nr; i++) {
		pfn = i && below(t, run) ? m->pfn[i - 1] + 1 : 0;
		while (!pfn || pfn >= ALL_PAGES + MOST_PAGES ||
		       __test_and_set_bit(pfn, taken))
			pfn = 1 + below(t, ALL_PAGES - 1);
		m->pfn[i] = pfn;
		m->has_page[i] = has_page || below(t, 4);
	}
	t->size = (size_t)m->nr << PAGE_SHIFT;
}

/* For who reads that a rule does not hold. */
static const char *describe(struct trial *t, const struct vbm_constraints *c)
{
	unsigned int i;
	int at;

	at = scnprintf(t->text, sizeof(t->text),
		       "case %u: addr %llx segments %u segment %zx boundary %llx align %zx bounce %d %zx iommu %d pages %d; memory",
		       t->number, c->max_addr, c->max_segments, c->max_segment,
		       c->boundary_mask, c->align, c->bounce_all,
		       c->max_bounce, c->translated, c->needs_pages);
	for (i = 0; i < t->m.nr; i++)
		at += scnprintf(t->text + at, sizeof(t->text) - at, " %llx%s",
				t->m.pfn[i], t->m.has_page[i] ? "" : "!");
	return t->text;
}

/* Each segment of a walk is one that the device takes. */
static void holds_segments(struct kunit *test, struct trial *t)
{
	const struct vbm_constraints *c = &t->a;
	u64 phys = t->m.pfn[0] << PAGE_SHIFT;
	size_t left = t->size, len, max;

	for (; left; phys += len, left -= len) {
		len = vbm_constraints_segment(c, phys, left);
		max = min(left, c->max_segment);
		if (c->max_bounce && vbm_constraints_bounces(c, phys, len))
			max = min(max, c->max_bounce);
		KUNIT_ASSERT_GT_MSG(test, len, 0, "%s", describe(t, c));
		KUNIT_ASSERT_LE_MSG(test, len, max, "%s", describe(t, c));
		if (!c->translated)
			KUNIT_ASSERT_EQ_MSG(test, phys & ~c->boundary_mask,
					    (phys + len - 1) &
					    ~c->boundary_mask, "%s",
					    describe(t, c));
	}
}

/* Where none would do, this does not; but see below. */
static void holds_possible(struct kunit *test, struct trial *t,
			   enum vbm_requirement lacks)
{
	const struct vbm_constraints *c = &t->a;
	enum vbm_requirement never;
	unsigned int i;

	if (c->translated)
		return;
	never = vbm_constraints_possible(c, t->size);
	/* It looks for one piece at an aligned address, and for no list. */
	for (i = 1; never == VBM_REQ_ALIGN && i < t->m.nr; i++)
		if (!adjacent(&t->m, i))
			return;
	if (never)
		KUNIT_ASSERT_NE_MSG(test, lacks, VBM_REQ_NONE, "%s",
				    describe(t, c));
}

/* What is promised of memory that is said to do. */
static void holds_check(struct kunit *test, struct trial *t,
			enum vbm_requirement lacks)
{
	const struct vbm_constraints *c = &t->a;
	u64 phys = t->m.pfn[0] << PAGE_SHIFT;
	struct vbm_constraints settled = *c;

	KUNIT_ASSERT_EQ_MSG(test, check(c, &t->m), lacks, "%s",
			    describe(t, c));
	if (vbm_constraints_content(c) && lacks != VBM_REQ_PAGES)
		KUNIT_ASSERT_EQ_MSG(test, lacks, VBM_REQ_NONE, "%s",
				    describe(t, c));
	if (vbm_constraints_accept(c, t->size))
		KUNIT_ASSERT_EQ_MSG(test, t->size,
				    vbm_constraints_segment(c, phys, t->size),
				    "%s", describe(t, c));
	/* Settling asks for more, never for less. */
	vbm_constraints_settle(&settled, t->size);
	if (slow_check(&settled, &t->m) == VBM_REQ_NONE)
		KUNIT_ASSERT_EQ_MSG(test, lacks, VBM_REQ_NONE, "%s",
				    describe(t, c));
}

/* A merge knows nothing of the addresses that there are behind an IOMMU. */
static bool hopeless(const struct vbm_constraints *c, size_t size)
{
	return c->translated && vbm_constraints_possible(c, size);
}

/* What does for a merge does for each. */
static void holds_merge(struct kunit *test, struct trial *t)
{
	struct vbm_constraints all, one;

	vbm_constraints_init(&all);
	one = t->a;
	vbm_constraints_settle(&one, t->size);
	vbm_constraints_merge(&all, &one);
	one = t->b;
	vbm_constraints_settle(&one, t->size);
	vbm_constraints_merge(&all, &one);
	if (slow_check(&all, &t->m) != VBM_REQ_NONE ||
	    hopeless(&t->a, t->size) || hopeless(&t->b, t->size))
		return;
	KUNIT_ASSERT_EQ_MSG(test, slow_check(&t->a, &t->m), VBM_REQ_NONE, "%s",
			    describe(t, &t->a));
	KUNIT_ASSERT_EQ_MSG(test, slow_check(&t->b, &t->m), VBM_REQ_NONE, "%s",
			    describe(t, &t->b));
}

static void constraints_random(struct kunit *test)
{
	enum vbm_requirement lacks;
	unsigned int good = 0;
	struct trial *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	prandom_seed_state(&t->rnd, RANDOM_SEED);
	for (; t->number < RANDOM_CASES; t->number++) {
		random_constraints(t, &t->a);
		random_constraints(t, &t->b);
		random_memory(t);
		lacks = slow_check(&t->a, &t->m);
		holds_check(test, t, lacks);
		holds_possible(test, t, lacks);
		holds_segments(test, t);
		holds_merge(test, t);
		good += lacks == VBM_REQ_NONE;
		cond_resched();
	}
	kunit_info(test, "%u cases, %u with memory that does", t->number, good);
	/* Else the rules were tried on next to nothing. */
	KUNIT_EXPECT_GT(test, good, RANDOM_CASES / 20);
	KUNIT_EXPECT_GT(test, RANDOM_CASES - good, RANDOM_CASES / 20);
}

static struct kunit_case constraints_random_cases[] = {
	KUNIT_CASE_SLOW(constraints_random),
	{}
};

static struct kunit_suite constraints_random_suite = {
	.name = "vbm_constraints_random",
	.test_cases = constraints_random_cases,
};

kunit_test_suite(constraints_random_suite);
