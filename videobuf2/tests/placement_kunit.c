// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a buffer is to be: what is decided when a device maps it, and that a
 * buffer which does not move is what it was.
 *
 * The buffer lies in pieces and an importer wants one address, or memory that
 * it reaches; and the buffer may move, or something is in the way. What a move
 * means for others is in move_kunit.c.
 */

#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include <media/videobuf2-mem.h>

#include "vbm-testing.h"
#include "../vbm-backing.h"
#include "../vbm-import.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

#define SIZE	SZ_64K
#define BYTE	0x6d

/* What is in the way of a move. */
enum hindrance {
	NOTHING,
	FROZEN,			/* the driver has read an address */
	QUEUED,			/* or may have */
	OWNED,			/* a managed driver has prepared it */
	MAPPED,			/* another importer has it mapped */
	ADDRESS,		/* somebody has its kernel address */
	PINNED,			/* a page is in use for I/O */
	ERROR,			/* there is no memory */
	BAD_PIECES,		/* the allocator gives pieces all the same */
	BAD_PLACE,		/* or memory that is out of reach */
	OWN_GONE,		/* the driver of the buffer has gone */
};

/**
 * struct place_case - an importer of a buffer, and what is decided
 * @name: for people
 * @bits: how far it reaches
 * @contig: it is a queue of ours that wants one address
 * @limits: what is stated of it
 * @managed: the driver of the buffer keeps the managed contract
 * @way: what is in the way of a move
 * @ret: what its map gives
 * @moves: how often the buffer has moved then
 * @refused: the counter of why it has not; 0: it has, or need not
 */
struct place_case {
	const char *name;
	unsigned int bits;
	bool contig;
	struct vbm_limits limits;
	bool managed;
	enum hindrance way;
	int ret;
	unsigned int moves;
	enum vbm_stat refused;
};

static const struct place_case place_cases[] = {
	{ "a list is as good", 32 },
	{ "one address", 32, .contig = true, .moves = 1 },
	{ "few segments", 32, .limits.max_segments = 4, .moves = 1 },
	{ "as many segments as there are", 32, .limits.max_segments = 16 },
	{ "aligned", 32, .limits.align = SZ_64K, .moves = 1 },
	{ "low memory", 24, .moves = 1 },
	{ "low memory in one piece", 24, .contig = true, .moves = 1 },
	{ "nothing would do", 32,
	  .limits = { .max_segments = 2, .max_segment_size = SZ_4K },
	  .ret = -EOPNOTSUPP },
	{ "managed", 32, .contig = true, .managed = true, .moves = 1 },
	{ "frozen", 32, .contig = true, .way = FROZEN, .ret = -EBUSY,
	  .refused = VBM_STAT_MOVES_REFUSED_FROZEN },
	{ "queued", 32, .contig = true, .way = QUEUED, .ret = -EBUSY,
	  .refused = VBM_STAT_MOVES_REFUSED_FROZEN },
	{ "frozen, and a list is as good", 32, .way = FROZEN },
	{ "owned", 32, .contig = true, .managed = true, .way = OWNED,
	  .ret = -EBUSY, .refused = VBM_STAT_MOVES_REFUSED_OWNED },
	{ "mapped", 32, .contig = true, .way = MAPPED, .ret = -EBUSY,
	  .refused = VBM_STAT_MOVES_REFUSED_MAPPED },
	{ "a kernel address", 32, .contig = true, .way = ADDRESS,
	  .ret = -EBUSY, .refused = VBM_STAT_MOVES_REFUSED_KERNEL },
	{ "pinned", 32, .contig = true, .way = PINNED, .ret = -EBUSY,
	  .refused = VBM_STAT_MOVES_REFUSED_PINNED },
	{ "no memory", 32, .contig = true, .way = ERROR, .ret = -ENOMEM,
	  .refused = VBM_STAT_MOVES_REFUSED_MEMORY },
	{ "bad: pieces again", 32, .contig = true, .way = BAD_PIECES,
	  .ret = -ENOMEM, .refused = VBM_STAT_MOVES_REFUSED_MEMORY },
	{ "bad: out of reach", 24, .contig = true, .way = BAD_PLACE,
	  .ret = -ENOMEM, .refused = VBM_STAT_MOVES_REFUSED_MEMORY },
	{ "its own driver has gone", 32, .contig = true, .way = OWN_GONE,
	  .ret = -EBUSY, .refused = VBM_STAT_MOVES_REFUSED_DEVICE },
};

KUNIT_ARRAY_PARAM_DESC(place, place_cases, name);

/**
 * struct place_test - a buffer in pieces, and who wants it
 * @p: the case
 * @mocks: all allocators there are
 * @own: its device
 * @queue: its queue, which captures
 * @buf: the buffer
 * @dmabuf: a dma-buf of it
 * @dev: who imports it
 * @importer: the importer's queue, if it has one
 * @att: or its attachment, if it has none
 * @imp: what it has mapped, with a queue
 */
struct place_test {
	const struct place_case *p;
	struct vbm_testing_allocator *mocks;
	struct device *own;
	struct vbm_testing_queue *queue;
	struct vbm_buf *buf;
	struct dma_buf *dmabuf;
	struct device *dev;
	struct vbm_testing_queue *importer;
	struct vbm_testing_att *att;
	struct vbm_import *imp;
};

static void place_begin(struct kunit *test, struct place_test *t)
{
	const struct place_case *p = t->p;

	t->own = vbm_testing_device(test, "own", 32, 0);
	t->dev = vbm_testing_device(test, "dev", p->bits, 0);
	KUNIT_ASSERT_EQ(test, vbm_device_set_limits(t->dev, &p->limits), 0);
	t->queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	t->importer = vbm_testing_queue(test, DMA_TO_DEVICE);
	t->mocks = vbm_testing_allocators(test);
	if (p->managed) {
		t->buf = vbm_testing_managed(test, t->queue, t->own, SIZE,
					     false);
		KUNIT_ASSERT_EQ(test, vbm_plane_prepare(&t->queue->vb, 0), 0);
		vbm_memops_prepare(&t->buf->plane);
		vbm_memops_finish(&t->buf->plane);
	} else {
		t->buf = vbm_testing_buf(test, t->queue, t->own, SIZE, false);
	}
	t->dmabuf = vbm_testing_export(test, t->buf);
	vbm_testing_cpu_fill(t->buf, BYTE);
	KUNIT_ASSERT_EQ(test, t->buf->backing->shape.pieces, 16);
	KUNIT_ASSERT_FALSE(test, t->buf->plane.frozen);
	/* From here on there is memory in one piece. */
	t->mocks[0].gives = VBM_TESTING_ONE_PIECE;
}

static void place_iosys_put(void *data)
{
	struct dma_buf *dmabuf = data;
	struct iosys_map map = dmabuf->vmap_ptr;

	dma_buf_vunmap_unlocked(dmabuf, &map);
}

static void place_page_put(void *data)
{
	put_page(data);
}

static void place_hinder(struct kunit *test, struct place_test *t)
{
	struct vbm_testing_att *other;
	struct iosys_map map;
	struct page *page;

	switch (t->p->way) {
	case NOTHING:
		break;
	case FROZEN:
		vbm_memops_cookie_sg(&t->queue->vb, &t->buf->plane);
		break;
	case QUEUED:
		vbm_memops_prepare(&t->buf->plane);
		vbm_memops_finish(&t->buf->plane);
		break;
	case OWNED:
		t->queue->vb.state = VB2_BUF_STATE_PREPARING;
		KUNIT_ASSERT_EQ(test, vbm_plane_prepare(&t->queue->vb, 0), 0);
		break;
	case MAPPED:
		other = vbm_testing_attach(test, t->dmabuf,
					   vbm_testing_device(test, "other",
							      32, 0));
		KUNIT_ASSERT_EQ(test, vbm_testing_map(other, DMA_TO_DEVICE),
				0);
		break;
	case ADDRESS:
		KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(t->dmabuf, &map),
				0);
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test, place_iosys_put,
							  t->dmabuf));
		break;
	case PINNED:
		page = vbm_backing_page(t->buf->backing, 3);
		get_page(page);
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test, place_page_put,
							  page));
		break;
	case ERROR:
		t->mocks[0].gives = VBM_TESTING_ERROR;
		t->mocks[0].error = -ENOMEM;
		break;
	case BAD_PIECES:
		t->mocks[0].gives = VBM_TESTING_PIECES;
		break;
	case BAD_PLACE:
		t->mocks[0].gives = VBM_TESTING_NOWHERE;
		break;
	case OWN_GONE:
		vbm_testing_unbind(t->own);
		break;
	}
}

static int place_map(struct kunit *test, struct place_test *t)
{
	int ret;

	if (!t->p->contig) {
		t->att = vbm_testing_attach(test, t->dmabuf, t->dev);
		return vbm_testing_map(t->att, DMA_TO_DEVICE);
	}
	t->imp = vbm_import_attach_contig(&t->importer->vb, t->dev, t->dmabuf,
					  SIZE);
	ret = vbm_import_map(t->imp);
	if (!ret)
		return 0;
	vbm_import_detach(t->imp);
	t->imp = NULL;
	return ret;
}

/* What the importer sees. */
static void place_expect_bytes(struct kunit *test, struct place_test *t)
{
	const struct sg_table *sgt = t->imp ? t->imp->plane.sgt : t->att->sgt;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(t->dev, sgt, 0, SIZE, BYTE));
	for_each_sgtable_dma_sg(sgt, sg, i)
		KUNIT_EXPECT_LE(test, sg_dma_address(sg) + sg_dma_len(sg) - 1,
				DMA_BIT_MASK(t->p->bits));
	if (t->imp)
		KUNIT_EXPECT_EQ(test, sgt->nents, 1);
}

static void placement_decide(struct kunit *test)
{
	struct place_test t = { .p = test->param_value };
	struct vbm_backing *before;
	dma_addr_t addr;
	s64 refused;
	int ret;

	place_begin(test, &t);
	place_hinder(test, &t);
	before = t.buf->backing;
	addr = t.buf->plane.dma_addr;
	refused = vbm_stat_read(t.p->refused);

	ret = place_map(test, &t);
	KUNIT_EXPECT_EQ(test, ret, t.p->ret);
	KUNIT_EXPECT_EQ(test, t.buf->moves, t.p->moves);
	/* For want of memory it may be tried twice. */
	if (t.p->refused)
		KUNIT_EXPECT_GT(test, vbm_stat_read(t.p->refused), refused);
	if (!ret)
		place_expect_bytes(test, &t);
	/* Moved or not, the bytes are there, and the own device has them. */
	KUNIT_EXPECT_TRUE(test, vbm_testing_cpu_is(t.buf, 0, SIZE, BYTE));
	if (t.p->way != OWN_GONE)
		KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(t.own,
							   t.buf->plane.sgt, 0,
							   SIZE, BYTE));
	if (!t.p->moves) {
		KUNIT_EXPECT_PTR_EQ(test, t.buf->backing, before);
		KUNIT_EXPECT_EQ(test, t.buf->plane.dma_addr, addr);
		KUNIT_EXPECT_EQ(test, t.mocks[0].given - t.mocks[0].freed, 1);
	}
	if (t.imp)
		vbm_import_detach(t.imp);
}

static struct kunit_case placement_tests[] = {
	KUNIT_CASE_PARAM(placement_decide, place_gen_params),
	{}
};

static struct kunit_suite placement_suite = {
	.name = "vbm_placement",
	.init = vbm_testing_init,
	.test_cases = placement_tests,
};

kunit_test_suite(placement_suite);
