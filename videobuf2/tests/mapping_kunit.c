// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA mappings: one for each device and direction, kept as long as somebody who
 * wanted it is attached, and gone with the device.
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include "vbm-testing.h"
#include "../vbm-attachment.h"
#include "../vbm-mapping.h"
#include "../vbm-stats.h"
#include "../vbm.h"

/**
 * struct mapping_test - a buffer in pieces, exported
 * @own: its device
 * @queue: its queue, which captures
 * @buf: the buffer
 * @dmabuf: one dma-buf of it
 */
struct mapping_test {
	struct device *own;
	struct vbm_testing_queue *queue;
	struct vbm_buf *buf;
	struct dma_buf *dmabuf;
};

static void mapping_begin(struct kunit *test, struct mapping_test *t)
{
	t->own = vbm_testing_device(test, "own", 32, 0);
	t->queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	vbm_testing_allocators(test);
	t->buf = vbm_testing_buf(test, t->queue, t->own, SZ_64K, false);
	t->dmabuf = vbm_testing_export(test, t->buf);
}

static void mapping_shared(struct kunit *test)
{
	struct vbm_testing_att *a, *b, *c;
	struct device *dev, *other;
	s64 maps, cached, gauge;
	struct mapping_test t;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, 0);
	other = vbm_testing_device(test, "other", 32, 0);
	maps = vbm_stat_read(VBM_STAT_MAPS);
	cached = vbm_stat_read(VBM_STAT_MAPS_CACHED);
	gauge = vbm_stat_read(VBM_STAT_MAPPINGS);

	a = vbm_testing_attach(test, t.dmabuf, dev);
	b = vbm_testing_attach(test, t.dmabuf, dev);
	c = vbm_testing_attach(test, t.dmabuf, other);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(a, DMA_TO_DEVICE), 0);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(b, DMA_TO_DEVICE), 0);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(c, DMA_TO_DEVICE), 0);
	/* One for each device. */
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPS), maps + 2);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPS_CACHED), cached + 1);
	/* It is kept while it is not mapped, and given out again. */
	vbm_testing_unmap(a);
	vbm_testing_unmap(b);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge + 2);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(a, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPS), maps + 2);
	/* It goes with the last who has had it. */
	vbm_testing_detach(test, a);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge + 2);
	vbm_testing_detach(test, b);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge + 1);
	vbm_testing_detach(test, c);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge);
}

/* A second direction does not end the first. */
static void mapping_directions(struct kunit *test)
{
	struct vbm_testing_att *a, *b;
	struct mapping_test t;
	struct device *dev;
	s64 unmaps, gauge;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, 0);
	a = vbm_testing_attach(test, t.dmabuf, dev);
	b = vbm_testing_attach(test, t.dmabuf, dev);
	unmaps = vbm_stat_read(VBM_STAT_UNMAPS);
	gauge = vbm_stat_read(VBM_STAT_MAPPINGS);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(a, DMA_TO_DEVICE), 0);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(b, DMA_BIDIRECTIONAL), 0);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge + 2);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_UNMAPS), unmaps);
	vbm_testing_unmap(b);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_UNMAPS), unmaps);
}

/*
 * What an importer writes into its table is its own affair. Not by way of the
 * core, which has importers work on a copy of its own (DMABUF_DEBUG).
 */
static void mapping_private_table(struct kunit *test)
{
	struct vbm_testing_att *a, *b;
	struct sg_table *one, *two;
	struct mapping_test t;
	struct scatterlist *sg;
	struct device *dev;
	dma_addr_t first;
	unsigned int i;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, 0);
	a = vbm_testing_attach(test, t.dmabuf, dev);
	b = vbm_testing_attach(test, t.dmabuf, dev);
	dma_resv_lock(t.dmabuf->resv, NULL);
	one = vbm_attachment_map(a->attach, DMA_TO_DEVICE);
	two = vbm_attachment_map(b->attach, DMA_TO_DEVICE);
	KUNIT_EXPECT_FALSE(test, IS_ERR(one) || IS_ERR(two) || one == two);
	if (IS_ERR(one) || IS_ERR(two))
		goto unlock;
	first = sg_dma_address(one->sgl);
	for_each_sgtable_sg(one, sg, i) {
		sg_dma_address(sg) = ~0;
		sg_dma_len(sg) = 1;
	}
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, two, 0, SZ_64K, 0));
	vbm_attachment_unmap(a->attach, one, DMA_TO_DEVICE);
	/* And for who comes after it has let go. */
	one = vbm_attachment_map(a->attach, DMA_TO_DEVICE);
	KUNIT_EXPECT_FALSE(test, IS_ERR(one));
	if (!IS_ERR(one)) {
		KUNIT_EXPECT_EQ(test, sg_dma_address(one->sgl), first);
		vbm_attachment_unmap(a->attach, one, DMA_TO_DEVICE);
	}
	vbm_attachment_unmap(b->attach, two, DMA_TO_DEVICE);
unlock:
	dma_resv_unlock(t.dmabuf->resv);
}

/* --- segments ------------------------------------------------------------- */

struct segments_case {
	const char *name;
	bool pieces;
	unsigned int max_segment;
	unsigned long boundary;
	unsigned int nents;
};

static const struct segments_case segments_cases[] = {
	{ "one piece", false, 0, 0, 1 },
	{ "pieces", true, 0, 0, 16 },
	{ "one piece, cut", false, SZ_16K, 0, 4 },
	{ "one piece, a boundary", false, 0, SZ_8K, 8 },
	{ "cut, and a boundary", false, SZ_16K, SZ_8K, 8 },
	{ "pieces are no longer than a page", true, SZ_16K, SZ_8K, 16 },
};

KUNIT_ARRAY_PARAM_DESC(segments, segments_cases, name);

static void mapping_segments(struct kunit *test)
{
	const struct segments_case *p = test->param_value;
	struct vbm_testing_allocator *mocks;
	struct vbm_testing_queue *queue;
	struct vbm_testing_att *att;
	struct device *own, *dev;
	struct scatterlist *sg;
	struct vbm_buf *buf;
	size_t size = 0;
	unsigned int i;

	own = vbm_testing_device(test, "own", 32, 0);
	dev = vbm_testing_device(test, "dev", 32, 0);
	vbm_testing_segments(test, dev, p->max_segment, p->boundary);
	queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	mocks = vbm_testing_allocators(test);
	if (!p->pieces)
		mocks[0].gives = VBM_TESTING_ONE_PIECE;
	buf = vbm_testing_buf(test, queue, own, SZ_64K, false);
	att = vbm_testing_attach(test, vbm_testing_export(test, buf), dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);

	KUNIT_EXPECT_EQ(test, att->sgt->nents, p->nents);
	for_each_sgtable_dma_sg(att->sgt, sg, i) {
		u64 begin = sg_dma_address(sg), last = begin + sg_dma_len(sg) - 1;

		if (p->max_segment)
			KUNIT_EXPECT_LE(test, sg_dma_len(sg), p->max_segment);
		if (p->boundary)
			KUNIT_EXPECT_EQ(test, begin / p->boundary,
					last / p->boundary);
		size += sg_dma_len(sg);
	}
	KUNIT_EXPECT_EQ(test, size, SZ_64K);
	/* And they are the buffer. */
	vbm_testing_cpu_fill(buf, 0x5a);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SZ_64K,
						   0x5a));
}

static void mapping_contiguous(struct kunit *test)
{
	struct sg_table sgt;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, sg_alloc_table(&sgt, 3, GFP_KERNEL), 0);
	for_each_sgtable_sg(&sgt, sg, i) {
		sg_dma_address(sg) = SZ_1M + i * SZ_4K;
		sg_dma_len(sg) = SZ_4K;
	}
	KUNIT_EXPECT_EQ(test, vbm_mapping_contiguous(&sgt), 3 * SZ_4K);
	sg_dma_address(sg_next(sgt.sgl)) = SZ_2M;
	KUNIT_EXPECT_EQ(test, vbm_mapping_contiguous(&sgt), SZ_4K);
	sgt.nents = 1;
	KUNIT_EXPECT_EQ(test, vbm_mapping_contiguous(&sgt), SZ_4K);
	sg_free_table(&sgt);
}

/* --- the end -------------------------------------------------------------- */

/* A driver goes while its device has the buffer mapped. */
static void mapping_unbound(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct mapping_test t;
	struct device *dev;
	s64 gauge, unmaps;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, 0);
	gauge = vbm_stat_read(VBM_STAT_MAPPINGS);
	unmaps = vbm_stat_read(VBM_STAT_UNMAPS);
	att = vbm_testing_attach(test, t.dmabuf, dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	vbm_testing_unbind(dev);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_UNMAPS), unmaps + 1);
	/* Its importer learns of it when it maps again. */
	vbm_testing_unmap(att);
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), -ENODEV);
}

/* The driver of the buffer goes: others still have the memory. */
static void mapping_own_unbound(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct mapping_test t;
	struct device *dev;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, 0);
	att = vbm_testing_attach(test, t.dmabuf, dev);
	vbm_testing_cpu_fill(t.buf, 0x11);
	vbm_testing_unbind(t.own);
	KUNIT_EXPECT_FALSE(test, t.buf->own->live);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SZ_64K,
						   0x11));
}

/* Nobody tells when it goes, so it is held; but only while it is mapped. */
static void mapping_without_driver(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct mapping_test t;
	struct device *dev;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, VBM_TESTING_UNBOUND);
	att = vbm_testing_attach(test, t.dmabuf, dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, vbm_device_known(dev));
	vbm_testing_detach(test, att);
	KUNIT_EXPECT_FALSE(test, vbm_device_known(dev));
}

/* A device that does no DMA; nothing is left of the attempt. */
static void mapping_no_dma(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct mapping_test t;
	struct device *dev;
	s64 gauge;

	mapping_begin(test, &t);
	dev = vbm_testing_device(test, "dev", 32, 0);
	dev->dma_mask = NULL;
	gauge = vbm_stat_read(VBM_STAT_MAPPINGS);
	att = vbm_testing_attach(test, t.dmabuf, dev);
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPPINGS), gauge);
}

static struct kunit_case mapping_tests[] = {
	KUNIT_CASE(mapping_shared),
	KUNIT_CASE(mapping_directions),
	KUNIT_CASE(mapping_private_table),
	KUNIT_CASE_PARAM(mapping_segments, segments_gen_params),
	KUNIT_CASE(mapping_contiguous),
	KUNIT_CASE(mapping_unbound),
	KUNIT_CASE(mapping_own_unbound),
	KUNIT_CASE(mapping_without_driver),
	KUNIT_CASE(mapping_no_dma),
	{}
};

static struct kunit_suite mapping_suite = {
	.name = "vbm_mapping",
	.init = vbm_testing_init,
	.test_cases = mapping_tests,
};

kunit_test_suite(mapping_suite);
