// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-bufs of our buffers: what they hold, what they share, and storage that
 * comes when somebody maps.
 */

#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/iosys-map.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <media/videobuf2-mem.h>

#include "vbm-testing.h"
#include "../vbm-export.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm-storage.h"
#include "../vbm.h"

#define SIZE	SZ_64K

static struct vbm_buf *export_buf(struct kunit *test)
{
	return vbm_testing_buf(test, vbm_testing_queue(test, DMA_FROM_DEVICE),
			       vbm_testing_device(test, "own", 32, 0), SIZE,
			       false);
}

/* vb2 asks how many users there are: 1 is its own. */
static void export_references(struct kunit *test)
{
	struct vbm_buf *buf = export_buf(test);
	s64 exports = vbm_stat_read(VBM_STAT_EXPORTS);
	struct dma_buf *a, *b;

	KUNIT_EXPECT_EQ(test, vbm_memops_num_users(&buf->plane), 1);
	a = vbm_testing_export(test, buf);
	b = vbm_testing_export(test, buf);
	KUNIT_EXPECT_EQ(test, vbm_memops_num_users(&buf->plane), 3);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_EXPORTS), exports + 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&buf->exports), 2);
	KUNIT_EXPECT_PTR_NE(test, a, b);
	KUNIT_EXPECT_PTR_EQ(test, a->resv, b->resv);
	KUNIT_EXPECT_EQ(test, a->size, SIZE);
	vbm_testing_close(test, a);
	KUNIT_EXPECT_EQ(test, vbm_memops_num_users(&buf->plane), 2);
	vbm_testing_close(test, b);
	KUNIT_EXPECT_EQ(test, vbm_memops_num_users(&buf->plane), 1);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_EXPORTS), exports);
}

/* A dma-buf outlives what vb2 had. */
static void export_orphan(struct kunit *test)
{
	struct vbm_buf *buf = export_buf(test);
	struct vbm_testing_att *att;
	struct dma_buf *dmabuf;
	struct device *dev;

	vbm_testing_cpu_fill(buf, 0x77);
	dmabuf = vbm_testing_export(test, buf);
	vbm_testing_put(test, buf);
	KUNIT_EXPECT_NULL(test, buf->plane.vb);
	dev = vbm_testing_device(test, "dev", 32, 0);
	att = vbm_testing_attach(test, dmabuf, dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SIZE,
						   0x77));
}

static void export_vmap(struct kunit *test)
{
	struct vbm_buf *buf;
	struct iosys_map map;
	struct dma_buf *dmabuf;

	vbm_testing_allocators(test);
	buf = export_buf(test);
	dmabuf = vbm_testing_export(test, buf);
	vbm_testing_cpu_fill(buf, 0x33);
	KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(dmabuf, &map), 0);
	KUNIT_EXPECT_FALSE(test, map.is_iomem);
	KUNIT_EXPECT_NULL(test, memchr_inv(map.vaddr, 0x33, SIZE));
	memset(map.vaddr, 0x44, SIZE);
	dma_buf_vunmap_unlocked(dmabuf, &map);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(buf, 0, SIZE, 0x44));
	KUNIT_EXPECT_EQ(test, buf->vmap_users, 0);
}

/* Where the storage is of no use to others there is no dma-buf. */
static void export_nowhere(struct kunit *test)
{
	struct vbm_buf *buf = export_buf(test);
	unsigned int nr = buf->backing->nr_extents;
	struct dma_buf *dmabuf;

	buf->backing->nr_extents = 0;
	dmabuf = vbm_export(buf, O_RDWR);
	buf->backing->nr_extents = nr;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(dmabuf), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vbm_memops_num_users(&buf->plane), 1);
}

/* --- the managed contract ------------------------------------------------- */

static struct vbm_buf *export_managed(struct kunit *test,
				      struct vbm_testing_queue **queue,
				      struct device **own)
{
	*own = vbm_testing_device(test, "own", 32, 0);
	*queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	return vbm_testing_managed(test, *queue, *own, SIZE, false);
}

/* An importer's map makes there be storage; attaching does not. */
static void export_deferred(struct kunit *test)
{
	struct vbm_testing_queue *queue;
	struct vbm_testing_att *att;
	struct device *own, *dev;
	struct vbm_buf *buf;

	buf = export_managed(test, &queue, &own);
	dev = vbm_testing_device(test, "dev", 32, 0);
	att = vbm_testing_attach(test, vbm_testing_export(test, buf), dev);
	KUNIT_EXPECT_NULL(test, buf->backing);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_NOT_NULL(test, buf->backing);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SIZE, 0));
}

/* It is got where all who are attached by then can have it. */
static void export_deferred_for_all(struct kunit *test)
{
	struct vbm_testing_queue *queue;
	struct vbm_testing_att *att;
	struct device *own, *low;
	struct vbm_buf *buf;

	buf = export_managed(test, &queue, &own);
	low = vbm_testing_device(test, "low", 24, 0);
	att = vbm_testing_attach(test, vbm_testing_export(test, buf), low);
	KUNIT_ASSERT_EQ(test, vbm_plane_prepare(&queue->vb, 0), 0);
	KUNIT_ASSERT_NOT_NULL(test, buf->backing);
	KUNIT_EXPECT_LE(test, buf->backing->shape.last, SZ_16M - 1);
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_EQ(test, buf->moves, 0);
}

/* No memory: the map fails, and the next one finds some. */
static void export_deferred_fails(struct kunit *test)
{
	struct vbm_testing_allocator *mocks;
	struct vbm_testing_queue *queue;
	struct vbm_testing_att *att;
	struct device *own, *dev;
	struct vbm_buf *buf;

	buf = export_managed(test, &queue, &own);
	dev = vbm_testing_device(test, "dev", 32, 0);
	att = vbm_testing_attach(test, vbm_testing_export(test, buf), dev);
	mocks = vbm_testing_allocators(test);
	mocks[0].gives = VBM_TESTING_ERROR;
	mocks[0].error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), -ENOMEM);
	KUNIT_EXPECT_EQ(test, vbm_plane_prepare(&queue->vb, 0), -ENOMEM);
	KUNIT_EXPECT_NULL(test, buf->backing);
	mocks[0].gives = VBM_TESTING_ONE_PIECE;
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_EQ(test, vbm_plane_prepare(&queue->vb, 0), 0);
}

/* The driver goes before there is any: then there will be none. */
static void export_deferred_unbound(struct kunit *test)
{
	struct vbm_testing_queue *queue;
	struct vbm_testing_att *att;
	struct device *own, *dev;
	struct vbm_buf *buf;

	buf = export_managed(test, &queue, &own);
	dev = vbm_testing_device(test, "dev", 32, 0);
	att = vbm_testing_attach(test, vbm_testing_export(test, buf), dev);
	vbm_testing_unbind(own);
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), -ENODEV);
	KUNIT_EXPECT_EQ(test, vbm_plane_prepare(&queue->vb, 0), -ENODEV);
}

static struct kunit_case export_tests[] = {
	KUNIT_CASE(export_references),
	KUNIT_CASE(export_orphan),
	KUNIT_CASE(export_vmap),
	KUNIT_CASE(export_nowhere),
	KUNIT_CASE(export_deferred),
	KUNIT_CASE(export_deferred_for_all),
	KUNIT_CASE(export_deferred_fails),
	KUNIT_CASE(export_deferred_unbound),
	{}
};

static struct kunit_suite export_suite = {
	.name = "vbm_export",
	.init = vbm_testing_init,
	.test_cases = export_tests,
};

kunit_test_suite(export_suite);
