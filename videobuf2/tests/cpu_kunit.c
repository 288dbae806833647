// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cache maintenance: the last bytes that anybody wrote are the ones that are
 * read, by the CPU and by devices which see a copy.
 *
 * A byte stands for a writer. Where nothing needs syncing nothing is synced.
 */

#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vbm-testing.h"
#include "../vbm-cpu.h"
#include "../vbm-import.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

#define SIZE		SZ_64K

#define BY_OWN		0x11
#define BY_CPU		0x22
#define BY_IMPORTER	0x33
#define BY_NOBODY	0

/**
 * struct cpu_test - a buffer whose device bounces
 * @own: the device
 * @queue: its queue
 * @buf: the buffer
 */
struct cpu_test {
	struct device *own;
	struct vbm_testing_queue *queue;
	struct vbm_buf *buf;
};

static void cpu_begin(struct kunit *test, struct cpu_test *t,
		      enum dma_data_direction dir, unsigned int flags)
{
	t->own = vbm_testing_device(test, "own", 32, flags);
	t->queue = vbm_testing_queue(test, dir);
	vbm_testing_allocators(test);
	t->buf = vbm_testing_buf(test, t->queue, t->own, SIZE, false);
}

/* A frame of the own device: what it captures, or what it saw. */
static void cpu_capture(struct cpu_test *t, u8 byte)
{
	vbm_memops_prepare(&t->buf->plane);
	vbm_testing_dma_fill(t->own, t->buf->plane.sgt, byte);
	vbm_memops_finish(&t->buf->plane);
}

static bool cpu_own_sees(struct cpu_test *t, u8 byte)
{
	bool sees;

	vbm_memops_prepare(&t->buf->plane);
	sees = vbm_testing_dma_is(t->own, t->buf->plane.sgt, 0, SIZE, byte);
	vbm_memops_finish(&t->buf->plane);
	return sees;
}

static void cpu_own_reads(struct kunit *test)
{
	struct cpu_test t;

	cpu_begin(test, &t, DMA_TO_DEVICE, VBM_TESTING_BOUNCES);
	KUNIT_EXPECT_TRUE(test, t.buf->own->need_sync);
	KUNIT_EXPECT_TRUE(test, vbm_cpu_bounces(t.buf->own));
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	/* It sees a copy, so that all of this is about something. */
	KUNIT_EXPECT_FALSE(test, vbm_testing_dma_is(t.own, t.buf->plane.sgt, 0,
						    SIZE, BY_CPU));
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_CPU));
	vbm_testing_cpu_fill(t.buf, BY_NOBODY);
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_NOBODY));
}

static void cpu_own_writes(struct kunit *test)
{
	struct cpu_test t;

	cpu_begin(test, &t, DMA_FROM_DEVICE, VBM_TESTING_BOUNCES);
	cpu_capture(&t, BY_OWN);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
	/*
	 * The CPU writes to it: no later access brings back what the device had
	 * written before.
	 */
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	vbm_cpu_begin(t.buf, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_CPU));
	vbm_cpu_end(t.buf, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_CPU));
	cpu_capture(&t, BY_OWN);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
}

/* finish() runs in interrupts. */
static void cpu_finish_in_irq(struct kunit *test)
{
	unsigned long flags;
	struct cpu_test t;

	cpu_begin(test, &t, DMA_FROM_DEVICE, VBM_TESTING_BOUNCES);
	vbm_memops_prepare(&t.buf->plane);
	vbm_testing_dma_fill(t.own, t.buf->plane.sgt, BY_OWN);
	local_irq_save(flags);
	vbm_memops_finish(&t.buf->plane);
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
}

/* What user space says it does not read is there for who does. */
static void cpu_unread(struct kunit *test)
{
	struct cpu_test t;

	cpu_begin(test, &t, DMA_FROM_DEVICE, VBM_TESTING_BOUNCES);
	t.queue->vb.skip_cache_sync_on_finish = 1;
	cpu_capture(&t, BY_OWN);
	KUNIT_EXPECT_FALSE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
	vbm_cpu_begin(t.buf, DMA_FROM_DEVICE);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
}

/* What it says it has not written is not given; what it told of is. */
static void cpu_clean(struct kunit *test)
{
	struct cpu_test t;

	cpu_begin(test, &t, DMA_TO_DEVICE, VBM_TESTING_BOUNCES);
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_NOBODY));
	t.queue->vb.skip_cache_sync_on_prepare = 1;
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_NOBODY));
	vbm_cpu_begin(t.buf, DMA_TO_DEVICE);
	vbm_cpu_end(t.buf, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_CPU));
}

/* Coherent memory that lies within reach costs nothing. */
static void cpu_nothing_to_sync(struct kunit *test)
{
	s64 to, from;
	struct cpu_test t;

	cpu_begin(test, &t, DMA_BIDIRECTIONAL, 0);
	to = vbm_stat_read(VBM_STAT_SYNCS_DEVICE);
	from = vbm_stat_read(VBM_STAT_SYNCS_CPU);
	cpu_capture(&t, BY_OWN);
	vbm_cpu_begin(t.buf, DMA_BIDIRECTIONAL);
	vbm_cpu_end(t.buf, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_FALSE(test, t.buf->own->need_sync);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_SYNCS_DEVICE), to);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_SYNCS_CPU), from);
}

/* --- others --------------------------------------------------------------- */

static struct vbm_testing_att *cpu_importer(struct kunit *test,
					    struct cpu_test *t,
					    struct device **dev)
{
	*dev = vbm_testing_device(test, "importer", 32, VBM_TESTING_BOUNCES);
	return vbm_testing_attach(test, vbm_testing_export(test, t->buf), *dev);
}

/* It stays mapped, and sees each frame of the own device. */
static void cpu_importer_reads(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct device *dev;
	struct cpu_test t;

	cpu_begin(test, &t, DMA_FROM_DEVICE, VBM_TESTING_BOUNCES);
	cpu_capture(&t, BY_OWN);
	att = cpu_importer(test, &t, &dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SIZE,
						   BY_OWN));
	cpu_capture(&t, BY_OWN + 1);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SIZE,
						   BY_OWN + 1));
	/* And what the CPU says it has written. */
	vbm_cpu_begin(t.buf, DMA_TO_DEVICE);
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	vbm_cpu_end(t.buf, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SIZE,
						   BY_CPU));
	/* Mapped again, it has what was written meanwhile. */
	vbm_testing_unmap(att);
	cpu_capture(&t, BY_OWN);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(dev, att->sgt, 0, SIZE,
						   BY_OWN));
}

static void cpu_importer_writes(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct device *dev;
	struct cpu_test t;

	cpu_begin(test, &t, DMA_TO_DEVICE, VBM_TESTING_BOUNCES);
	att = cpu_importer(test, &t, &dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_FROM_DEVICE), 0);
	vbm_testing_dma_fill(dev, att->sgt, BY_IMPORTER);
	vbm_cpu_begin(t.buf, DMA_FROM_DEVICE);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE,
						   BY_IMPORTER));
	vbm_testing_dma_fill(dev, att->sgt, BY_IMPORTER + 1);
	vbm_testing_unmap(att);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE,
						   BY_IMPORTER + 1));
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_IMPORTER + 1));
}

/* Of what it only writes, what it has not written comes back as it was. */
static void cpu_importer_writes_little(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct device *dev;
	struct cpu_test t;

	cpu_begin(test, &t, DMA_TO_DEVICE, VBM_TESTING_BOUNCES);
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	att = cpu_importer(test, &t, &dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_FROM_DEVICE), 0);
	vbm_testing_unmap(att);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_CPU));
}

/* An import of ours says when its device is at it. */
static void cpu_import_of_ours(struct kunit *test)
{
	struct vbm_testing_queue *capture;
	struct vbm_import *imp;
	struct device *dev;
	struct cpu_test t;

	cpu_begin(test, &t, DMA_TO_DEVICE, VBM_TESTING_BOUNCES);
	dev = vbm_testing_device(test, "importer", 32, VBM_TESTING_BOUNCES);
	capture = vbm_testing_queue(test, DMA_FROM_DEVICE);
	imp = vbm_import_attach_sg(&capture->vb, dev,
				   vbm_testing_export(test, t.buf), SIZE);
	KUNIT_ASSERT_EQ(test, vbm_import_map(imp), 0);
	vbm_memops_prepare(imp);
	vbm_testing_dma_fill(dev, imp->plane.sgt, BY_IMPORTER);
	vbm_memops_finish(imp);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE,
						   BY_IMPORTER));
	KUNIT_EXPECT_TRUE(test, cpu_own_sees(&t, BY_IMPORTER));
	/* It is done: what is in its view is no news. */
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	vbm_cpu_begin(t.buf, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_CPU));
	vbm_import_detach(imp);
}

/* A foreign exporter is not told of frames, so its addresses are synced. */
static void cpu_foreign(struct kunit *test)
{
	struct vbm_testing_foreign *foreign;
	struct vbm_testing_queue *queue;
	struct vbm_import *imp;
	struct device *dev;
	unsigned int i;
	bool sees;

	dev = vbm_testing_device(test, "dev", 32, VBM_TESTING_BOUNCES);
	queue = vbm_testing_queue(test, DMA_BIDIRECTIONAL);
	foreign = vbm_testing_foreign(test, 4);
	imp = vbm_import_attach_sg(&queue->vb, dev, foreign->dmabuf,
				   4 * SZ_4K);
	KUNIT_ASSERT_EQ(test, vbm_import_map(imp), 0);
	for (i = 0; i < 3; i++) {
		memset(page_address(foreign->pages[3]), BY_CPU + i, PAGE_SIZE);
		/* What is mapped just now has been copied by that. */
		vbm_memops_prepare(imp);
		sees = vbm_testing_dma_is(dev, imp->plane.sgt, 3 * SZ_4K,
					  4 * SZ_4K, BY_CPU + i);
		KUNIT_EXPECT_EQ(test, sees, !!i);
		vbm_testing_dma_fill(dev, imp->plane.sgt, BY_IMPORTER + i);
		vbm_memops_finish(imp);
		KUNIT_EXPECT_EQ(test, *(u8 *)page_address(foreign->pages[3]),
				BY_IMPORTER + i);
	}
	vbm_import_detach(imp);
}

/* --- parts ---------------------------------------------------------------- */

#define PART		(3 * SZ_4K + 100)
#define PART_LEN	(SZ_8K + 1)

/* A driver that reads a few bytes has no others brought to memory. */
static void cpu_range_read(struct kunit *test)
{
	struct cpu_test t;
	s64 bytes;

	cpu_begin(test, &t, DMA_FROM_DEVICE, VBM_TESTING_BOUNCES);
	vbm_testing_cpu_fill(t.buf, BY_NOBODY);
	vbm_memops_prepare(&t.buf->plane);
	vbm_testing_dma_fill(t.own, t.buf->plane.sgt, BY_OWN);
	mutex_lock(&t.buf->lock);
	bytes = vbm_stat_read(VBM_STAT_BYTES_SYNCED);
	KUNIT_EXPECT_EQ(test, 0,
			vbm_cpu_begin_range_locked(t.buf->own, PART, PART_LEN,
						   DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_BYTES_SYNCED),
			bytes + PART_LEN);
	vbm_cpu_end_range_locked(t.buf->own, PART, PART_LEN, DMA_FROM_DEVICE);
	mutex_unlock(&t.buf->lock);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, PART, PART + PART_LEN,
						   BY_OWN));
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, PART, BY_NOBODY));
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, PART + PART_LEN, SIZE,
						   BY_NOBODY));
	vbm_memops_finish(&t.buf->plane);
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BY_OWN));
}

/* What it writes reaches a device that reads, and is refused while one writes. */
static void cpu_range_write(struct kunit *test)
{
	struct cpu_test t;

	cpu_begin(test, &t, DMA_TO_DEVICE, VBM_TESTING_BOUNCES);
	vbm_memops_prepare(&t.buf->plane);
	mutex_lock(&t.buf->lock);
	KUNIT_EXPECT_EQ(test, 0,
			vbm_cpu_begin_range_locked(t.buf->own, 0, SZ_4K,
						   DMA_TO_DEVICE));
	vbm_testing_cpu_fill(t.buf, BY_CPU);
	vbm_cpu_end_range_locked(t.buf->own, 0, SZ_4K, DMA_TO_DEVICE);
	mutex_unlock(&t.buf->lock);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(t.own, t.buf->plane.sgt, 0,
						   SZ_4K, BY_CPU));
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(t.own, t.buf->plane.sgt,
						   SZ_4K, SIZE, BY_NOBODY));
	vbm_memops_finish(&t.buf->plane);
}

static void cpu_range_undone(struct kunit *test)
{
	struct cpu_test t;

	cpu_begin(test, &t, DMA_FROM_DEVICE, VBM_TESTING_BOUNCES);
	vbm_memops_prepare(&t.buf->plane);
	mutex_lock(&t.buf->lock);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			vbm_cpu_begin_range_locked(t.buf->own, 0, SZ_4K,
						   DMA_TO_DEVICE));
	mutex_unlock(&t.buf->lock);
	vbm_memops_finish(&t.buf->plane);
}

static struct kunit_case cpu_tests[] = {
	KUNIT_CASE(cpu_own_reads),
	KUNIT_CASE(cpu_own_writes),
	KUNIT_CASE(cpu_finish_in_irq),
	KUNIT_CASE(cpu_unread),
	KUNIT_CASE(cpu_clean),
	KUNIT_CASE(cpu_nothing_to_sync),
	KUNIT_CASE(cpu_importer_reads),
	KUNIT_CASE(cpu_importer_writes),
	KUNIT_CASE(cpu_importer_writes_little),
	KUNIT_CASE(cpu_import_of_ours),
	KUNIT_CASE(cpu_foreign),
	KUNIT_CASE(cpu_range_read),
	KUNIT_CASE(cpu_range_write),
	KUNIT_CASE(cpu_range_undone),
	{}
};

static struct kunit_suite cpu_suite = {
	.name = "vbm_cpu",
	.init = vbm_testing_init,
	.test_cases = cpu_tests,
};

kunit_test_suite(cpu_suite);
