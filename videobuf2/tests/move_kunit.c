// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer that moves: what becomes of others who have it, when it moves again,
 * and who wins a race with its driver.
 *
 * Each test has a buffer in pieces, and a queue of ours that wants one address.
 */

#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include <media/videobuf2-mem.h>

#include "vbm-testing.h"
#include "../vbm-device.h"
#include "../vbm-freeze.h"
#include "../vbm-import.h"
#include "../vbm-lesson.h"
#include "../vbm-memops.h"
#include "../vbm-stats.h"
#include "../vbm.h"

#define SIZE	SZ_64K
#define BYTE	0x6d

/**
 * struct move_test - a buffer in pieces, and who wants it in one
 * @queue: its queue, which captures
 * @buf: the buffer
 * @dmabuf: a dma-buf of it
 * @importer: a queue that wants one address
 * @dev: the device of that
 * @imp: what it has imported
 */
struct move_test {
	struct vbm_testing_queue *queue;
	struct vbm_buf *buf;
	struct dma_buf *dmabuf;
	struct vbm_testing_queue *importer;
	struct device *dev;
	struct vbm_import *imp;
};

static void move_begin(struct kunit *test, struct move_test *t, bool managed)
{
	struct vbm_testing_allocator *mocks;
	struct device *own;

	own = vbm_testing_device(test, "own", 32, 0);
	t->dev = vbm_testing_device(test, "dev", 32, 0);
	t->queue = vbm_testing_queue(test, DMA_FROM_DEVICE);
	t->importer = vbm_testing_queue(test, DMA_TO_DEVICE);
	mocks = vbm_testing_allocators(test);
	if (managed) {
		t->buf = vbm_testing_managed(test, t->queue, own, SIZE, false);
		KUNIT_ASSERT_EQ(test, vbm_plane_prepare(&t->queue->vb, 0), 0);
		vbm_memops_prepare(&t->buf->plane);
		vbm_memops_finish(&t->buf->plane);
	} else {
		t->buf = vbm_testing_buf(test, t->queue, own, SIZE, false);
	}
	t->dmabuf = vbm_testing_export(test, t->buf);
	vbm_testing_cpu_fill(t->buf, BYTE);
	/* From here on there is memory in one piece. */
	mocks[0].gives = VBM_TESTING_ONE_PIECE;
}

static int move_import(struct move_test *t)
{
	int ret;

	t->imp = vbm_import_attach_contig(&t->importer->vb, t->dev, t->dmabuf,
					  SIZE);
	ret = vbm_import_map(t->imp);
	if (ret)
		vbm_import_detach(t->imp);
	return ret;
}

/* An idle mapping of where it was is not given out again. */
static void move_stale_mapping(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct device *other;
	struct move_test t;
	s64 maps;

	move_begin(test, &t, false);
	other = vbm_testing_device(test, "other", 32, 0);
	att = vbm_testing_attach(test, t.dmabuf, other);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	vbm_testing_unmap(att);
	KUNIT_ASSERT_EQ(test, move_import(&t), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);

	maps = vbm_stat_read(VBM_STAT_MAPS);
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_EQ(test, vbm_stat_read(VBM_STAT_MAPS), maps + 1);
	if (att->sgt) {
		KUNIT_EXPECT_EQ(test, att->sgt->nents, 1);
		KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(other, att->sgt, 0,
							   SIZE, BYTE));
	}
	vbm_import_detach(t.imp);
}

/* A parked import is in nobody's way, and does not come back from the cache. */
static void move_parked(struct kunit *test)
{
	struct vbm_testing_queue *queue;
	struct vbm_import *imp;
	struct device *other;
	struct move_test t;

	move_begin(test, &t, false);
	other = vbm_testing_device(test, "other", 32, 0);
	queue = vbm_testing_queue(test, DMA_TO_DEVICE);
	imp = vbm_import_attach_sg(&queue->vb, other, t.dmabuf, SIZE);
	KUNIT_EXPECT_EQ(test, vbm_import_map(imp), 0);
	vbm_import_detach(imp);
	KUNIT_ASSERT_EQ(test, move_import(&t), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);

	imp = vbm_import_attach_sg(&queue->vb, other, t.dmabuf, SIZE);
	KUNIT_EXPECT_EQ(test, vbm_import_map(imp), 0);
	KUNIT_EXPECT_EQ(test, imp->segments, 1);
	KUNIT_EXPECT_TRUE(test, vbm_testing_dma_is(other, imp->plane.sgt, 0,
						   SIZE, BYTE));
	vbm_import_detach(imp);
	vbm_import_detach(t.imp);
}

/* It stays where all can have it. */
static void move_once(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct device *other;
	struct move_test t;

	move_begin(test, &t, false);
	other = vbm_testing_device(test, "other", 32, 0);
	KUNIT_ASSERT_EQ(test, move_import(&t), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);
	att = vbm_testing_attach(test, t.dmabuf, other);
	KUNIT_EXPECT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	vbm_import_detach(t.imp);
	KUNIT_ASSERT_EQ(test, move_import(&t), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);
	vbm_import_detach(t.imp);
}

/* One that gave back lists twice is spared the third. */
static void move_lesson(struct kunit *test)
{
	struct vbm_testing_att *att;
	struct vbm_lesson lesson;
	struct vbm_device *vdev;
	struct move_test t;
	unsigned int i;

	move_begin(test, &t, false);
	vdev = vbm_device_get(t.dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vdev);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, vbm_lesson_learnt(vdev));
		lesson = (struct vbm_lesson) {};
		vbm_lesson_map(&lesson, vdev, 16);
		vbm_lesson_unmap(&lesson, vdev, 16);
		vbm_lesson_detach(&lesson, vdev);
	}
	KUNIT_EXPECT_TRUE(test, vbm_lesson_learnt(vdev));
	vbm_device_put(vdev);
	att = vbm_testing_attach(test, t.dmabuf, t.dev);
	KUNIT_ASSERT_EQ(test, vbm_testing_map(att, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);
	KUNIT_EXPECT_EQ(test, att->sgt->nents, 1);
}

/* Who owned it is done: then it moves. */
static void move_released(struct kunit *test)
{
	struct move_test t;

	move_begin(test, &t, true);
	t.queue->vb.state = VB2_BUF_STATE_PREPARING;
	KUNIT_ASSERT_EQ(test, vbm_plane_prepare(&t.queue->vb, 0), 0);
	KUNIT_EXPECT_EQ(test, move_import(&t), -EBUSY);
	vbm_memops_prepare(&t.buf->plane);
	t.queue->vb.state = VB2_BUF_STATE_ACTIVE;
	KUNIT_EXPECT_EQ(test, move_import(&t), -EBUSY);
	vbm_memops_finish(&t.buf->plane);
	t.queue->vb.state = VB2_BUF_STATE_DEQUEUED;
	KUNIT_ASSERT_EQ(test, move_import(&t), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);
	vbm_import_detach(t.imp);
}

/* A buf_prepare that fails after it has claimed the buffer leaves no claim. */
static void move_prepare_failed(struct kunit *test)
{
	struct move_test t;

	move_begin(test, &t, true);
	t.queue->vb.state = VB2_BUF_STATE_PREPARING;
	KUNIT_ASSERT_EQ(test, vbm_plane_prepare(&t.queue->vb, 0), 0);
	t.queue->vb.state = VB2_BUF_STATE_DEQUEUED;
	KUNIT_ASSERT_EQ(test, move_import(&t), 0);
	KUNIT_EXPECT_EQ(test, t.buf->moves, 1);
	vbm_import_detach(t.imp);
}

static bool move_may(struct vbm_buf *buf, int *claims)
{
	unsigned long flags;
	bool may;

	spin_lock_irqsave(&buf->sync_lock, flags);
	may = vbm_freeze_may_move(buf, claims);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return may;
}

/* The switch, and at once its end. */
static bool move_switch(struct vbm_buf *buf, int claims)
{
	unsigned long flags;
	bool begun;

	spin_lock_irqsave(&buf->sync_lock, flags);
	begun = vbm_freeze_begin_move(buf, claims);
	if (begun)
		vbm_freeze_end_move(buf);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return begun;
}

/* Between the copy and the switch its driver comes, and may be done by then. */
static void move_claimed(struct kunit *test)
{
	struct vbm_buf *buf;
	struct move_test t;
	int claims;

	move_begin(test, &t, true);
	buf = t.buf;
	mutex_lock(&buf->lock);
	KUNIT_EXPECT_TRUE(test, move_may(buf, &claims));
	KUNIT_EXPECT_TRUE(test, move_switch(buf, claims));

	KUNIT_EXPECT_TRUE(test, move_may(buf, &claims));
	t.queue->vb.state = VB2_BUF_STATE_PREPARING;
	KUNIT_EXPECT_TRUE(test, vbm_freeze_prepare(buf));
	KUNIT_EXPECT_FALSE(test, move_switch(buf, claims));
	vbm_memops_prepare(&buf->plane);
	KUNIT_EXPECT_FALSE(test, move_switch(buf, claims));
	vbm_memops_finish(&buf->plane);
	t.queue->vb.state = VB2_BUF_STATE_DEQUEUED;
	KUNIT_EXPECT_FALSE(test, move_switch(buf, claims));
	/* Another move notes the claims anew. */
	KUNIT_EXPECT_TRUE(test, move_may(buf, &claims));
	KUNIT_EXPECT_TRUE(test, move_switch(buf, claims));
	mutex_unlock(&buf->lock);
}

static struct kunit_case move_tests[] = {
	KUNIT_CASE(move_stale_mapping),
	KUNIT_CASE(move_parked),
	KUNIT_CASE(move_once),
	KUNIT_CASE(move_lesson),
	KUNIT_CASE(move_released),
	KUNIT_CASE(move_prepare_failed),
	KUNIT_CASE(move_claimed),
	{}
};

static struct kunit_suite move_suite = {
	.name = "vbm_move",
	.init = vbm_testing_init,
	.test_cases = move_tests,
};

kunit_test_suite(move_suite);
