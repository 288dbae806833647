// SPDX-License-Identifier: GPL-2.0-only
/*
 * Imports that nobody uses for the moment: what is kept, who gets it back, and
 * when it goes.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/sizes.h>

#include "vbm-testing.h"
#include "../vbm-cache.h"
#include "../vbm-import.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

#define SIZE	SZ_64K

/* As vb2 does when a dma-buf comes to an index, and when it leaves it. */
static void *cache_import(struct kunit *test, struct vbm_testing_queue *queue,
			  struct device *dev, struct dma_buf *dmabuf)
{
	void *imp = vbm_import_attach_sg(&queue->vb, dev, dmabuf,
					 dmabuf->size);

	KUNIT_EXPECT_EQ(test, vbm_import_map(imp), 0);
	return imp;
}

static void cache_release(void *imp)
{
	vbm_import_unmap(imp);
	vbm_import_detach(imp);
}

/* The worker comes four times a second; ten seconds are for a slow machine. */
static bool cache_until(s64 parked)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		if (vbm_stat_read(VBM_STAT_PARKED) <= parked)
			return true;
		msleep(50);
	}
	return false;
}

/**
 * struct cache_test - somebody who imports, and what
 * @queue: a queue that captures
 * @dev: its device
 * @foreign: an exporter that is not ours
 * @parked: what was parked before the test
 * @maps: how often was mapped
 */
struct cache_test {
	struct vbm_testing_queue *queue;
	struct device *dev;
	struct vbm_testing_foreign *foreign;
	s64 parked;
	s64 maps;
};

static void cache_begin(struct kunit *test, struct cache_test *t)
{
	/* Of other tests, whose dma-bufs are gone. */
	vbm_cache_reclaim();
	t->queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	t->dev = vbm_testing_device(test, "dev", 32, 0);
	t->foreign = vbm_testing_foreign(test, SIZE >> PAGE_SHIFT);
	t->parked = vbm_stat_read(VBM_STAT_PARKED);
	t->maps = vbm_stat_read(VBM_STAT_IMPORT_MAPS);
}

static void cache_rotate(struct kunit *test)
{
	struct dma_buf *bufs[3];
	struct cache_test t;
	unsigned int i;
	void *imp;

	cache_begin(test, &t);
	for (i = 0; i < ARRAY_SIZE(bufs); i++)
		bufs[i] = vbm_testing_foreign(test, 4)->dmabuf;
	/* Three at one index: mapped in the first round only. */
	for (i = 0; i < 4 * ARRAY_SIZE(bufs); i++) {
		imp = cache_import(test, t.queue, t.dev, bufs[i % 3]);
		cache_release(imp);
	}
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_IMPORT_MAPS), t.maps + 3);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked + 3);
	KUNIT_EXPECT_TRUE(test, vbm_cache_reclaim());
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked);
	KUNIT_EXPECT_FALSE(test, vbm_cache_reclaim());
}

/* The same dma-buf is another import for another device or direction. */
static void cache_key(struct kunit *test)
{
	struct vbm_testing_queue *output;
	struct device *other;
	struct cache_test t;
	void *first, *imp;

	cache_begin(test, &t);
	output = vbm_testing_queue(test, DMA_TO_DEVICE);
	other = vbm_testing_device(test, "other", 32, 0);
	first = cache_import(test, t.queue, t.dev, t.foreign->dmabuf);
	cache_release(first);

	imp = cache_import(test, t.queue, other, t.foreign->dmabuf);
	KUNIT_EXPECT_PTR_NE(test, imp, first);
	cache_release(imp);
	imp = cache_import(test, output, t.dev, t.foreign->dmabuf);
	KUNIT_EXPECT_PTR_NE(test, imp, first);
	cache_release(imp);
	imp = cache_import(test, t.queue, t.dev, t.foreign->dmabuf);
	KUNIT_EXPECT_PTR_EQ(test, imp, first);
	/* In use twice at a time it is two. */
	first = cache_import(test, t.queue, t.dev, t.foreign->dmabuf);
	KUNIT_EXPECT_PTR_NE(test, imp, first);
	cache_release(first);
	cache_release(imp);
}

/* REQBUFS(0) and close() hold this lock: what they detach is not kept. */
static void cache_teardown(struct kunit *test)
{
	struct cache_test t;
	void *imp;

	cache_begin(test, &t);
	imp = cache_import(test, t.queue, t.dev, t.foreign->dmabuf);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped, 1);
	mutex_lock(&t.queue->q.mmap_lock);
	cache_release(imp);
	mutex_unlock(&t.queue->q.mmap_lock);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped, 0);
	KUNIT_EXPECT_EQ(test, t.foreign->attached, 0);
}

/* What bounces is not kept for a foreign exporter, nor without a driver. */
static void cache_not_kept(struct kunit *test)
{
	struct device *unbound, *bounces;
	struct cache_test t;

	cache_begin(test, &t);
	unbound = vbm_testing_device(test, "unbound", 32, VBM_TESTING_UNBOUND);
	cache_release(cache_import(test, t.queue, unbound, t.foreign->dmabuf));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped, 0);

	bounces = vbm_testing_device(test, "bounces", 32, VBM_TESTING_BOUNCES);
	cache_release(cache_import(test, t.queue, bounces, t.foreign->dmabuf));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped, 0);
}

/* Who closes the last fd wants the memory back. */
static void cache_last_reference(struct kunit *test)
{
	struct cache_test t;

	cache_begin(test, &t);
	cache_release(cache_import(test, t.queue, t.dev, t.foreign->dmabuf));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked + 1);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped, 1);
	vbm_testing_close(test, t.foreign->dmabuf);
	KUNIT_EXPECT_TRUE(test, cache_until(t.parked));
}

static void cache_bound(struct kunit *test)
{
	const unsigned int nr = VBM_CACHE_PER_DEVICE + 8;
	struct vbm_testing_foreign **foreign;
	unsigned int i, mapped = 0;
	struct cache_test t;
	void **imps;

	cache_begin(test, &t);
	foreign = kunit_kcalloc(test, nr, sizeof(*foreign), GFP_KERNEL);
	imps = kunit_kcalloc(test, nr, sizeof(*imps), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, foreign);
	KUNIT_ASSERT_NOT_NULL(test, imps);
	for (i = 0; i < nr; i++) {
		foreign[i] = vbm_testing_foreign(test, 1);
		imps[i] = cache_import(test, t.queue, t.dev,
				       foreign[i]->dmabuf);
	}
	for (i = 0; i < nr; i++)
		cache_release(imps[i]);
	KUNIT_EXPECT_TRUE(test, cache_until(t.parked + VBM_CACHE_PER_DEVICE));
	for (i = 0; i < nr; i++)
		mapped += foreign[i]->mapped;
	KUNIT_EXPECT_LE(test, mapped, VBM_CACHE_PER_DEVICE);
	KUNIT_EXPECT_GT(test, mapped, 0);
}

/* A driver goes: nothing is left mapped for its device, parked or in use. */
static void cache_device_gone(struct kunit *test)
{
	struct vbm_testing_foreign *other;
	struct cache_test t;
	void *used;

	cache_begin(test, &t);
	other = vbm_testing_foreign(test, 4);
	cache_release(cache_import(test, t.queue, t.dev, t.foreign->dmabuf));
	used = cache_import(test, t.queue, t.dev, other->dmabuf);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped + other->mapped, 2);
	vbm_testing_unbind(t.dev);
	KUNIT_EXPECT_EQ(test, t.foreign->mapped, 0);
	KUNIT_EXPECT_EQ(test, t.foreign->attached, 0);
	KUNIT_EXPECT_EQ(test, other->mapped, 0);
	/* It is not kept again. */
	cache_release(used);
	KUNIT_EXPECT_TRUE(test, cache_until(t.parked));
	KUNIT_EXPECT_EQ(test, other->attached, 0);
}

/* A parked import of a buffer of ours is no user of it, and does not hold it. */
static void cache_ours(struct kunit *test)
{
	struct vbm_testing_queue *queue;
	struct dma_buf *dmabuf;
	struct vbm_import *imp;
	struct cache_test t;
	struct device *own;
	struct vbm_buf *buf;
	s64 buffers;

	cache_begin(test, &t);
	buffers = vbm_stat_read(VBM_STAT_BUFFERS);
	own = vbm_testing_device(test, "own", 32, 0);
	queue = vbm_testing_queue(test, DMA_TO_DEVICE);
	buf = vbm_testing_buf(test, queue, own, SIZE, false);
	dmabuf = vbm_testing_export(test, buf);
	imp = cache_import(test, t.queue, t.dev, dmabuf);
	KUNIT_EXPECT_NOT_NULL(test, imp->map);
	cache_release(imp);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_PARKED), t.parked + 1);
	vbm_testing_close(test, dmabuf);
	vbm_testing_put(test, buf);
	KUNIT_EXPECT_TRUE(test, cache_until(t.parked));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_BUFFERS), buffers);
}

static struct kunit_case cache_tests[] = {
	KUNIT_CASE(cache_rotate),
	KUNIT_CASE(cache_key),
	KUNIT_CASE(cache_teardown),
	KUNIT_CASE(cache_not_kept),
	KUNIT_CASE(cache_last_reference),
	KUNIT_CASE(cache_bound),
	KUNIT_CASE(cache_device_gone),
	KUNIT_CASE(cache_ours),
	{}
};

static struct kunit_suite cache_suite = {
	.name = "vbm_cache",
	.init = vbm_testing_init,
	.test_cases = cache_tests,
};

kunit_test_suite(cache_suite);
