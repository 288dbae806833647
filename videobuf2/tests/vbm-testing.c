// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mock devices, buffers, and the bytes in them. See vbm-testing.h.
 *
 * A device does no DMA by itself: what it would see is behind its DMA addresses,
 * which lead to memory or to a bounce buffer. So a mapping that is wrong, or not
 * synced, shows in the bytes.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include <media/videobuf2-mem.h>

#include "vbm-testing.h"
#include "../vbm-backing.h"
#include "../vbm-buf.h"
#include "../vbm-cache.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

/* What a test has to leave as it was. */
static const enum vbm_stat vbm_testing_gauges[] = {
	VBM_STAT_BUFFERS,
	VBM_STAT_BYTES,
	VBM_STAT_EXPORTS,
	VBM_STAT_IMPORTS,
	VBM_STAT_MAPPINGS,
	VBM_STAT_PARKED,
	VBM_STAT_BYTES_UNCHARGED,
	VBM_STAT_METADATA_BYTES,
};

/**
 * struct vbm_testing - of one test
 * @test: the test
 * @driver: of its devices
 * @gauges: of before
 */
struct vbm_testing {
	struct kunit *test;
	struct device_driver *driver;
	s64 gauges[ARRAY_SIZE(vbm_testing_gauges)];
};

static void vbm_testing_leaks(void *data)
{
	struct vbm_testing *t = data;
	unsigned int i;

	flush_delayed_fput();
	vbm_cache_reclaim();
	for (i = 0; i < ARRAY_SIZE(vbm_testing_gauges); i++)
		KUNIT_EXPECT_EQ_MSG(t->test,
				    vbm_stat_read(vbm_testing_gauges[i]),
				    t->gauges[i], "left behind: %s",
				    vbm_stat_names[vbm_testing_gauges[i]]);
}

/* &kunit_suite.init. Comes first, so that what it looks at comes last. */
int vbm_testing_init(struct kunit *test)
{
	struct vbm_testing *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	if (!t)
		return -ENOMEM;
	t->test = test;
	for (i = 0; i < ARRAY_SIZE(vbm_testing_gauges); i++)
		t->gauges[i] = vbm_stat_read(vbm_testing_gauges[i]);
	t->driver = kunit_driver_create(test, "vbm-testing");
	if (IS_ERR(t->driver))
		return PTR_ERR(t->driver);
	test->priv = t;
	return kunit_add_action_or_reset(test, vbm_testing_leaks, t);
}

/* --- devices -------------------------------------------------------------- */

/* Whether a device bounces is decided for it alone; the pool is everybody's. */
static void vbm_testing_set_bounce(struct kunit *test, struct device *dev,
				   struct io_tlb_mem *mem, bool bounces)
{
	*mem = *dev->dma_io_tlb_mem;
	if (bounces && !mem->defpool.nslabs)
		kunit_skip(test, "no bounce buffers: boot with swiotlb=force");
	mem->force_bounce = bounces;
	dev->dma_io_tlb_mem = mem;
}

struct device *vbm_testing_device(struct kunit *test, const char *name,
				  unsigned int bits, unsigned int flags)
{
	const struct vbm_testing *t = test->priv;
	struct device_dma_parameters *parms;
	struct io_tlb_mem *mem;
	struct device *dev;

	/* Before the device, as they have to outlive it. */
	parms = kunit_kzalloc(test, sizeof(*parms), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, parms);
	mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	dev = kunit_device_register_with_driver(test, name, t->driver);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	dev->dma_parms = parms;
	vbm_testing_set_bounce(test, dev, mem, flags & VBM_TESTING_BOUNCES);
	KUNIT_ASSERT_EQ(test, 0,
			dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits)));
	if (flags & VBM_TESTING_UNBOUND)
		device_release_driver(dev);
	KUNIT_ASSERT_EQ(test, !dev->driver, !!(flags & VBM_TESTING_UNBOUND));
	return dev;
}

/* 0: as it is. */
void vbm_testing_segments(struct kunit *test, struct device *dev,
			  unsigned int max_segment, unsigned long boundary)
{
	if (max_segment)
		dma_set_max_seg_size(dev, max_segment);
	if (boundary)
		dma_set_seg_boundary(dev, boundary - 1);
}

void vbm_testing_unbind(struct device *dev)
{
	device_release_driver(dev);
}

/* --- the driver's side ---------------------------------------------------- */

struct vbm_testing_queue *vbm_testing_queue(struct kunit *test,
					    enum dma_data_direction dir)
{
	struct vbm_testing_queue *queue;

	queue = kunit_kzalloc(test, sizeof(*queue), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, queue);
	mutex_init(&queue->q.mmap_lock);
	queue->q.dma_dir = dir;
	queue->q.buf_struct_size = sizeof(queue->vb);
	queue->q.mem_ops = &vbm_sg_memops;
	queue->vb.vb2_queue = &queue->q;
	queue->vb.num_planes = 1;
	queue->vb.state = VB2_BUF_STATE_DEQUEUED;
	return queue;
}

static void vbm_testing_buf_put(void *data)
{
	struct vbm_buf *buf = data;

	vbm_memops_put(&buf->plane);
}

static struct vbm_buf *vbm_testing_own(struct kunit *test,
				       struct vbm_testing_queue *queue,
				       void *priv)
{
	struct vbm_buf *buf;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, priv);
	buf = vbm_plane_buf(priv);
	queue->vb.planes[0].mem_priv = priv;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   vbm_testing_buf_put,
							   buf));
	return buf;
}

struct vbm_buf *vbm_testing_buf(struct kunit *test,
				struct vbm_testing_queue *queue,
				struct device *dev, size_t size, bool contig)
{
	return vbm_testing_own(test, queue,
			       contig ? vbm_memops_alloc_contig(&queue->vb,
								dev, size) :
					vbm_memops_alloc_sg(&queue->vb, dev,
							    size));
}

struct vbm_buf *vbm_testing_managed(struct kunit *test,
				    struct vbm_testing_queue *queue,
				    struct device *dev, size_t size,
				    bool contig)
{
	const struct vb2_mem_ops *ops = contig ? &vbm_contig_memops :
						 &vbm_sg_memops;

	queue->q.mem_ops = ops;
	return vbm_testing_own(test, queue, ops->alloc(&queue->vb, dev, size));
}

/* Before the test ends. */
void vbm_testing_put(struct kunit *test, struct vbm_buf *buf)
{
	kunit_release_action(test, vbm_testing_buf_put, buf);
}

/* --- bytes ---------------------------------------------------------------- */

static void *vbm_testing_dma_addr(struct device *dev, struct scatterlist *sg)
{
	return phys_to_virt(dma_to_phys(dev, sg_dma_address(sg)));
}

void vbm_testing_dma_fill(struct device *dev, const struct sg_table *sgt,
			  u8 byte)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i)
		memset(vbm_testing_dma_addr(dev, sg), byte, sg_dma_len(sg));
}

bool vbm_testing_dma_is(struct device *dev, const struct sg_table *sgt,
			size_t from, size_t to, u8 byte)
{
	struct scatterlist *sg;
	size_t at = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		size_t begin = max(from, at);
		size_t end = min(to, at + sg_dma_len(sg));

		if (begin < end &&
		    memchr_inv(vbm_testing_dma_addr(dev, sg) + begin - at,
			       byte, end - begin))
			return false;
		at += sg_dma_len(sg);
	}
	return to <= at;
}

void vbm_testing_cpu_fill(const struct vbm_buf *buf, u8 byte)
{
	unsigned long i;

	for (i = 0; i < vbm_backing_nr_pages(buf->backing); i++)
		memset(page_address(vbm_backing_page(buf->backing, i)), byte,
		       PAGE_SIZE);
}

bool vbm_testing_cpu_is(const struct vbm_buf *buf, size_t from, size_t to,
			u8 byte)
{
	while (from < to) {
		size_t skip = offset_in_page(from);
		size_t len = min(to - from, PAGE_SIZE - skip);
		struct page *page = vbm_backing_page(buf->backing,
						     from >> PAGE_SHIFT);

		if (memchr_inv(page_address(page) + skip, byte, len))
			return false;
		from += len;
	}
	return true;
}
