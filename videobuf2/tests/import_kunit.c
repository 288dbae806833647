// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-bufs that user space queues: what is refused, what a refusal leaves behind,
 * and kernel addresses.
 */

#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vbm-testing.h"
#include "../vbm-import.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * SZ_4K)

/**
 * struct import_test - who imports, and what
 * @queue: a queue that captures
 * @dev: its device
 * @foreign: an exporter of memory in pieces that is not ours
 */
struct import_test {
	struct vbm_testing_queue *queue;
	struct device *dev;
	struct vbm_testing_foreign *foreign;
};

static void import_begin(struct kunit *test, struct import_test *t)
{
	t->queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	t->dev = vbm_testing_device(test, "dev", 32, 0);
	t->foreign = vbm_testing_foreign(test, NR_PAGES);
}

/* Of what failed to map, and of what was mapped. */
static void import_expect_nothing_left(struct kunit *test,
				       struct import_test *t)
{
	KUNIT_EXPECT_EQ(test, t->foreign->mapped, 0);
	KUNIT_EXPECT_EQ(test, t->foreign->attached, 0);
	KUNIT_EXPECT_EQ(test, t->foreign->vmaps, 0);
	KUNIT_EXPECT_EQ(test, t->foreign->accesses, 0);
}

/* As close() does it: what is detached is not kept. */
static void import_close(struct import_test *t, void *imp)
{
	mutex_lock(&t->queue->q.mmap_lock);
	vbm_import_unmap(imp);
	vbm_import_detach(imp);
	mutex_unlock(&t->queue->q.mmap_lock);
}

/**
 * struct refuse_case - an import, and what becomes of it
 * @name: for people
 * @size: bytes that the plane needs
 * @contig: the driver wants one address
 * @attach_error: what the exporter says to attach
 * @map_error: and to map
 * @ret: what map gives
 */
struct refuse_case {
	const char *name;
	size_t size;
	bool contig;
	int attach_error;
	int map_error;
	int ret;
};

static const struct refuse_case refuse_cases[] = {
	{ "all of it", .size = SIZE },
	{ "a part", .size = SZ_4K },
	{ "one byte too many", .size = SIZE + 1, .ret = -EFAULT },
	{ "not in one piece", .size = SIZE, .contig = true, .ret = -EFAULT },
	{ "the first piece does", .size = SZ_4K, .contig = true },
	{ "attach fails", .size = SIZE, .attach_error = -EPERM,
	  .ret = -EPERM },
	{ "map fails", .size = SIZE, .map_error = -EBADE, .ret = -EBADE },
	{ "no memory to map", .size = SIZE, .map_error = -ENOMEM,
	  .ret = -ENOMEM },
};

KUNIT_ARRAY_PARAM_DESC(refuse, refuse_cases, name);

/* attach does not fail, since vb2 would leak the dma-buf; map tells. */
static void import_refuse(struct kunit *test)
{
	const struct refuse_case *p = test->param_value;
	struct import_test t;
	unsigned int i;
	void *imp;

	import_begin(test, &t);
	t.foreign->attach_error = p->attach_error;
	t.foreign->map_error = p->map_error;
	/* The second time nothing is left of the first. */
	for (i = 0; i < 2; i++) {
		imp = p->contig ?
		      vbm_import_attach_contig(&t.queue->vb, t.dev,
					       t.foreign->dmabuf, p->size) :
		      vbm_import_attach_sg(&t.queue->vb, t.dev,
					   t.foreign->dmabuf, p->size);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, imp);
		KUNIT_EXPECT_EQ(test, vbm_import_map(imp), p->ret);
		KUNIT_EXPECT_EQ(test, t.foreign->mapped, !p->ret);
		import_close(&t, imp);
		import_expect_nothing_left(test, &t);
	}
	/* The same dma-buf does once nothing is wrong. */
	t.foreign->attach_error = 0;
	t.foreign->map_error = 0;
	imp = vbm_import_attach_sg(&t.queue->vb, t.dev, t.foreign->dmabuf,
				   SIZE);
	KUNIT_EXPECT_EQ(test, vbm_import_map(imp), 0);
	import_close(&t, imp);
}

/* vb2 detaches what was never mapped. */
static void import_unmapped(struct kunit *test)
{
	struct import_test t;
	void *imp;

	import_begin(test, &t);
	imp = vbm_import_attach_sg(&t.queue->vb, t.dev, t.foreign->dmabuf,
				   SIZE);
	vbm_import_detach(imp);
	import_expect_nothing_left(test, &t);
}

/* The driver's table and address are those of the exporter's memory. */
static void import_cookie(struct kunit *test)
{
	struct import_test t;
	struct sg_table *sgt;
	unsigned int i;
	void *imp;

	import_begin(test, &t);
	for (i = 0; i < NR_PAGES; i++)
		memset(page_address(t.foreign->pages[i]), 0x21, PAGE_SIZE);
	imp = vbm_import_attach_sg(&t.queue->vb, t.dev, t.foreign->dmabuf,
				   SIZE);
	KUNIT_ASSERT_EQ(test, vbm_import_map(imp), 0);
	sgt = vbm_memops_cookie_sg(&t.queue->vb, imp);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(t.dev, sgt, 0, SIZE, 0x21));
	KUNIT_EXPECT_EQ(test, sg_dma_address(sgt->sgl),
			*(dma_addr_t *)vbm_memops_cookie_contig(&t.queue->vb,
								imp));
	/* It stays; nobody is asked. */
	KUNIT_EXPECT_EQ(test, vbm_memops_num_users(imp), 0);
	import_close(&t, imp);
}

/* A kernel address is made once, and the CPU's access ends with it. */
static void import_vaddr(struct kunit *test)
{
	struct import_test t;
	unsigned long flags;
	void *imp, *vaddr;

	import_begin(test, &t);
	imp = vbm_import_attach_sg(&t.queue->vb, t.dev, t.foreign->dmabuf,
				   SIZE);
	KUNIT_ASSERT_EQ(test, vbm_import_map(imp), 0);
	/* Where one may not sleep there is none yet. */
	local_irq_save(flags);
	vaddr = vbm_memops_vaddr(&t.queue->vb, imp);
	local_irq_restore(flags);
	KUNIT_EXPECT_NULL(test, vaddr);

	vaddr = vbm_memops_vaddr(&t.queue->vb, imp);
	KUNIT_ASSERT_NOT_NULL(test, vaddr);
	KUNIT_EXPECT_EQ(test, t.foreign->vmaps, 1);
	KUNIT_EXPECT_EQ(test, t.foreign->accesses, 1);
	memset(vaddr, 0x42, SIZE);
	KUNIT_EXPECT_EQ(test, *(u8 *)page_address(t.foreign->pages[NR_PAGES - 1]),
			0x42);
	local_irq_save(flags);
	KUNIT_EXPECT_PTR_EQ(test, vbm_memops_vaddr(&t.queue->vb, imp), vaddr);
	local_irq_restore(flags);
	/* Each frame the CPU lets go of it and takes it again. */
	vbm_memops_prepare(imp);
	vbm_memops_finish(imp);
	KUNIT_EXPECT_EQ(test, t.foreign->accesses, 1);
	import_close(&t, imp);
	import_expect_nothing_left(test, &t);
}

/* What needs I/O accessors is not handed out as memory. */
static void import_iomem(struct kunit *test)
{
	s64 refused = vbm_stat_read(VBM_STAT_FAIL_IOMEM);
	struct import_test t;
	void *imp;

	import_begin(test, &t);
	t.foreign->iomem = true;
	imp = vbm_import_attach_sg(&t.queue->vb, t.dev, t.foreign->dmabuf,
				   SIZE);
	KUNIT_ASSERT_EQ(test, vbm_import_map(imp), 0);
	KUNIT_EXPECT_NULL(test, vbm_memops_vaddr(&t.queue->vb, imp));
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_FAIL_IOMEM), refused + 1);
	KUNIT_EXPECT_EQ(test, t.foreign->vmaps, 0);
	KUNIT_EXPECT_EQ(test, t.foreign->accesses, 0);
	import_close(&t, imp);
}

/* Of a buffer of ours the importer knows the mapping, and shares it. */
static void import_ours(struct kunit *test)
{
	struct vbm_testing_queue *output;
	struct vbm_import *imp, *other;
	struct dma_buf *dmabuf;
	struct import_test t;
	struct vbm_buf *buf;
	struct device *own;

	import_begin(test, &t);
	own = vbm_testing_device(test, "own", 32, 0);
	output = vbm_testing_queue(test, DMA_TO_DEVICE);
	buf = vbm_testing_buf(test, output, own, SIZE, false);
	dmabuf = vbm_testing_export(test, buf);
	imp = vbm_import_attach_sg(&t.queue->vb, t.dev, dmabuf, SIZE);
	KUNIT_ASSERT_EQ(test, vbm_import_map(imp), 0);
	other = vbm_import_attach_sg(&t.queue->vb, t.dev, dmabuf, SIZE);
	KUNIT_ASSERT_EQ(test, vbm_import_map(other), 0);
	KUNIT_ASSERT_NOT_NULL(test, imp->map);
	KUNIT_EXPECT_PTR_EQ(test, imp->map, other->map);
	KUNIT_EXPECT_EQ(test, imp->map->in_use, 2);
	KUNIT_EXPECT_EQ(test, imp->map->exact, 2);
	/* It owns the buffer while its device is at it, and only then. */
	vbm_memops_prepare(imp);
	KUNIT_EXPECT_TRUE(test, imp->map->device_owned);
	vbm_memops_finish(imp);
	KUNIT_EXPECT_FALSE(test, imp->map->device_owned);
	import_close(&t, imp);
	import_close(&t, other);
}

static struct kunit_case import_tests[] = {
	KUNIT_CASE_PARAM(import_refuse, refuse_gen_params),
	KUNIT_CASE(import_unmapped),
	KUNIT_CASE(import_cookie),
	KUNIT_CASE(import_vaddr),
	KUNIT_CASE(import_iomem),
	KUNIT_CASE(import_ours),
	{}
};

static struct kunit_suite import_suite = {
	.name = "vbm_import",
	.init = vbm_testing_init,
	.test_cases = import_tests,
};

kunit_test_suite(import_suite);
