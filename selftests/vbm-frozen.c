// SPDX-License-Identifier: GPL-2.0
/*
 * Drivers that would not survive it if a buffer moved, imitated by vbm-step:
 * those that read an address in buf_init, or the kernel address, and use it for
 * good; those whose device goes on to read frames that user space has dequeued.
 * Their buffers stay, also where "movable=" names the driver; who needs them
 * elsewhere is told so, and nothing has changed.
 *
 * What a driver has kept is what is read and compared: were the buffer moved all
 * the same, it would hold what was there before.
 *
 * vbm-step-movable has to be named by the core's parameter "movable", vbm-step
 * must not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"
#include "step.h"

#define SIZE	(24U * 4096)
#define NR	4

struct imitation {
	const char *what;
	unsigned int keeps;
	bool movable;
	const char *fresh;	/* why it is frozen: from REQBUFS on */
	const char *frame;	/* after a frame */
	const char *reference;	/* after a reference to it */
};

static const struct imitation imitations[] = {
	{ "an address of buf_init", VBM_STEP_KEEPS_ADDRESS, false,
	  "address", "address", "address" },
	{ "an address of buf_init, named", VBM_STEP_KEEPS_ADDRESS, true,
	  "dequeued", "dequeued", "dequeued" },
	{ "a kernel address", VBM_STEP_KEEPS_VADDR, false,
	  "vaddr", "vaddr", "vaddr" },
	{ "a kernel address, named", VBM_STEP_KEEPS_VADDR, true,
	  "dequeued", "dequeued", "dequeued" },
	{ "an address of when it was queued", VBM_STEP_KEEPS_QUEUED, false,
	  "-", "address", "address" },
	{ "reference frames", VBM_STEP_KEEPS_NOTHING, false,
	  "-", "queued", "queued" },
	{ "reference frames, named", VBM_STEP_KEEPS_NOTHING, true,
	  "-", "-", "dequeued" },
};

/* One buffer of such a queue, and what is known of it. */
struct kept {
	const struct imitation *of;
	int q;
	unsigned int index;
	unsigned long long align;
	int fd;
	char *p;
	unsigned int seed;
	char copy[SIZE];
};

static struct moves_buf kept_buf(const struct kept *k)
{
	struct moves_buf b[MOVES_MAX];

	CHECK_EQ(moves_bufs_of(k->of->movable ? "vbm-step-movable." :
						"vbm-step.", b), NR);
	return b[k->index];
}

static void kept_frozen(const struct kept *k, const char *why)
{
	struct moves_buf b = kept_buf(k);

	if (strcmp(b.frozen, why))
		FAIL("%s: frozen is \"%s\", not \"%s\"", k->of->what, b.frozen,
		     why);
}

/* All who see it see the same. */
static void kept_same(struct kept *k)
{
	char *q = dmabuf_mmap(k->fd, SIZE);

	CHECK_PATTERN(k->p, SIZE, k->seed);
	CHECK_PATTERN(q, SIZE, k->seed);
	munmap(q, SIZE);
}

/* What user space writes is what the driver finds where it looks. */
static void kept_write(struct kept *k)
{
	pattern_fill(k->p, SIZE, ++k->seed);
	CHECK_OK(step_reference(k->q, k->index, k->copy, SIZE));
	CHECK_PATTERN(k->copy, SIZE, k->seed);
	kept_same(k);
}

static void kept_frame(struct kept *k)
{
	pattern_fill(k->p, SIZE, ++k->seed);
	CHECK_OK(step_begin_fd(k->q, k->index, -1));
	CHECK_OK(step_read(k->q, k->index, 0, 0, k->copy, SIZE));
	CHECK_PATTERN(k->copy, SIZE, k->seed);
	CHECK_OK(step_done(k->q, k->index));
}

/* How many zeros the address of its first byte ends in, as a power of two. */
static unsigned long long kept_align(int fd)
{
	struct vbm_peer_device any = { .max_seg_size = UINT32_MAX };
	struct vbm_peer_seg segs[32];
	struct vbm_peer_map map;
	int peer = peer_open(&any);

	CHECK_OK(peer_attach(peer, fd));
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &map));
	peer_segs(peer, &map, segs, 32);
	close(peer);
	return segs[0].addr & -segs[0].addr;
}

/* A device that can not have it where it is: it wants more zeros than that. */
static int kept_misfit(const struct kept *k)
{
	struct vbm_peer_limits limits = { .align = 2 * kept_align(k->fd) };
	int peer = peer_open(NULL);

	CHECK_OK(peer_limits(peer, &limits));
	CHECK_OK(peer_attach(peer, k->fd));
	return peer;
}

/* Of a new queue's buffers, the one with the fewest zeros: there is better. */
static void kept_choose(struct kept *k)
{
	unsigned long long align;
	unsigned int i;
	int fd;

	k->align = ~0ULL;
	for (i = 0; i < NR; i++) {
		fd = step_export(k->q, i, 0);
		align = kept_align(fd);
		close(fd);
		if (align >= k->align)
			continue;
		k->align = align;
		k->index = i;
	}
}

static void kept_open(struct kept *k, const struct imitation *of, bool sg)
{
	struct vbm_step_config config = {
		.sg = sg, .planes = 1, .size = SIZE, .like = -1,
		.keeps = of->keeps, .movable = of->movable,
	};

	if (!moves_listed("vbm-step-movable") || moves_listed("vbm-step"))
		ksft_skip("needs movable=vbm-step-movable");
	k->of = of;
	k->seed = 0;
	k->q = step_open(&config);
	step_buffers(k->q, NR);
	kept_choose(k);
	k->fd = step_export(k->q, k->index, 0);
	k->p = step_mmap(k->q, k->index, 0, SIZE);
	pattern_fill(k->p, SIZE, k->seed);
}

static void kept_close(struct kept *k)
{
	munmap(k->p, SIZE);
	close(k->fd);
	close(k->q);
}

/* Nobody gets it away from there, and nothing comes of trying. */
static void kept_stays(struct kept *k)
{
	struct vbm_peer_limits never = {
		.max_segments = 1, .max_segment_size = 4096,
	};
	long long frozen, moves = stat_get("moves");
	struct moves_buf b = kept_buf(k);
	int peer;

	CHECK_REFUSED(b.id, "frozen");
	kept_same(k);
	kept_write(k);

	peer = kept_misfit(k);
	frozen = moves_refused("frozen");
	CHECK_ERR(peer_map(peer, VBM_PEER_TO_DEVICE, NULL), EBUSY);
	CHECK_EQ(moves_refused("frozen"), frozen + 1);
	kept_same(k);
	kept_write(k);
	close(peer);

	/* One that nothing could serve. */
	peer = peer_open(NULL);
	CHECK_OK(peer_limits(peer, &never));
	CHECK_OK(peer_attach(peer, k->fd));
	CHECK_ERR(peer_map(peer, VBM_PEER_TO_DEVICE, NULL), EOPNOTSUPP);
	kept_same(k);
	kept_write(k);
	close(peer);

	CHECK_EQ(bufinfo_attached(k->fd), 0);
	CHECK_EQ(stat_get("moves"), moves);
	CHECK_EQ(kept_buf(k).extents, b.extents);
	CHECK(!strcmp(kept_buf(k).frozen, b.frozen));
	kept_frame(k);
}

static void imitate(const struct imitation *of, bool sg)
{
	static struct kept k;

	kept_open(&k, of, sg);
	kept_frozen(&k, of->fresh);
	if (strcmp(of->fresh, "-"))
		kept_stays(&k);
	else
		CHECK_OK(moves_move(kept_buf(&k).id));
	kept_same(&k);

	kept_frame(&k);
	kept_frozen(&k, of->frame);
	if (strcmp(of->frame, "-"))
		kept_stays(&k);
	else
		CHECK_OK(moves_move(kept_buf(&k).id));
	kept_same(&k);

	CHECK_OK(step_reference(k.q, k.index, k.copy, SIZE));
	CHECK_PATTERN(k.copy, SIZE, k.seed);
	kept_frozen(&k, of->reference);
	kept_stays(&k);
	kept_close(&k);
}

static void imitate_all(bool sg)
{
	unsigned int i;

	for (i = 0; i < sizeof(imitations) / sizeof(imitations[0]); i++)
		imitate(&imitations[i], sg);
}

static void test_sg(const char *node)
{
	(void)node;
	imitate_all(true);
}

static void test_contig(const char *node)
{
	(void)node;
	imitate_all(false);
}

/* The same tries with a driver that keeps nothing: they would have an effect. */
static void control(bool sg, bool movable)
{
	static const struct imitation none[] = {
		{ .what = "nothing" }, { .what = "nothing", .movable = true },
	};
	struct vbm_peer_map map;
	static struct kept k;
	int peer;

	kept_open(&k, &none[movable], sg);
	if (movable)
		kept_frame(&k);
	peer = kept_misfit(&k);
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &map));
	CHECK_EQ(kept_buf(&k).moves, 1);
	CHECK_OK(peer_read(peer, map.map, 0, k.copy, SIZE));
	CHECK_PATTERN(k.copy, SIZE, k.seed);
	kept_same(&k);
	close(peer);
	CHECK(kept_align(k.fd) > k.align);
	kept_frame(&k);
	kept_close(&k);
}

static void test_control(const char *node)
{
	(void)node;
	control(true, false);
	control(true, true);
	control(false, false);
	control(false, true);
}

static const struct ksft_test tests[] = {
	{ "drivers that keep an address keep their buffers: dma-sg", test_sg,
	  .flags = KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
	{ "drivers that keep an address keep their buffers: dma-contig",
	  test_contig, .flags = KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
	{ "those of drivers that keep none move", test_control,
	  .flags = KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
};

KSFT_MAIN(tests)
