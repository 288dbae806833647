// SPDX-License-Identifier: GPL-2.0
/*
 * Importers that are not ours, and buffers that are about to move: those that
 * attach as most drivers do, and those that have to be asked to let go, as the
 * drivers of GPUs. These are told, and waited for: for the fences of what their
 * devices are at, and for the unmap. What is pinned stays.
 *
 * 6.12's core keeps what a dynamic importer has mapped from attach to detach,
 * and knows no pins of ours: there, such a buffer stays as long as it is
 * attached, and nobody is asked.
 *
 * vbcam has to be named by the core's parameter "movable".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"

/* One buffer of a node, mapped and full of a pattern, its dma-buf, a device. */
struct one {
	const char *node;
	struct vnode *n;
	struct moves_buf b;
	char *p, *copy;
	size_t size;
	int fd;
	int peer;
};

/* Can a dynamic importer be asked? */
static bool revokes(void)
{
	struct utsname u;

	CHECK(!uname(&u));
	return atoi(u.release) >= 7;
}

static void one_open(struct one *o, const char *node, unsigned int how)
{
	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	o->node = node;
	o->n = vnode_open(node);
	vnode_buffers(o->n, 2, V4L2_MEMORY_MMAP);
	o->b = moves_buf(node, 0);
	moves_need_pages(&o->b);
	o->p = vnode_mmap(o->n, 0, 0, &o->size);
	o->fd = CHECK_OK(vnode_expbuf(o->n, 0, 0, O_RDWR));
	o->copy = malloc(o->size);
	pattern_fill(o->p, o->size, 1);
	o->peer = peer_open(NULL);
	CHECK_OK(peer_attach_as(o->peer, o->fd, how));
}

static void one_close(struct one *o)
{
	close(o->peer);
	close(o->fd);
	munmap(o->p, o->size);
	free(o->copy);
	CHECK_OK(vnode_reqbufs(o->n, 0, V4L2_MEMORY_MMAP));
	vnode_close(o->n);
}

static int one_map(struct one *o)
{
	return CHECK_OK(peer_map(o->peer, VBM_PEER_BIDIR, NULL));
}

/* The device and user space see the same, and each the other's writes. */
static void one_same(struct one *o, int map, unsigned int seed)
{
	CHECK_OK(peer_read(o->peer, map, 0, o->copy, o->size));
	CHECK_PATTERN(o->copy, o->size, seed);
	CHECK_PATTERN(o->p, o->size, seed);
	if (ksft_swiotlb)
		return;
	pattern_fill(o->p, o->size, seed + 100);
	CHECK_OK(peer_read(o->peer, map, 0, o->copy, o->size));
	CHECK_PATTERN(o->copy, o->size, seed + 100);
	pattern_fill(o->copy, o->size, seed);
	CHECK_OK(peer_write(o->peer, map, 0, o->copy, o->size));
	CHECK_PATTERN(o->p, o->size, seed);
}

static unsigned int told(const struct one *o)
{
	return peer_state(o->peer).told;
}

/* Has nothing to say, and is not asked: while it is mapped the buffer stays. */
static void test_static(const char *node)
{
	struct one o;
	int map;

	one_open(&o, node, VBM_PEER_STATIC);
	map = one_map(&o);
	CHECK_REFUSED(o.b.id, "mapped");
	one_same(&o, map, 1);
	CHECK_ERR(peer_pin(o.peer), EINVAL);
	CHECK_OK(peer_unmap(o.peer, map));
	/* The core's own pin for it is for that time only. */
	CHECK_OK(moves_move(o.b.id));
	map = one_map(&o);
	one_same(&o, map, 1);
	one_close(&o);
}

/* Attached, and nothing mapped: on 6.12 the core has mapped it. */
static void test_attached(const char *node)
{
	unsigned int how;
	struct one o;
	int map;

	for (how = VBM_PEER_DYNAMIC; how <= VBM_PEER_REVOCABLE_LATER; how++) {
		one_open(&o, node, how);
		if (revokes()) {
			CHECK_OK(moves_move(o.b.id));
			/* There was nothing to let go of. */
			CHECK_EQ(told(&o), 0);
		} else {
			CHECK_REFUSED(o.b.id, "mapped");
		}
		map = one_map(&o);
		one_same(&o, map, 1);
		CHECK_OK(peer_unmap(o.peer, map));
		CHECK_OK(peer_detach(o.peer));
		CHECK_OK(moves_move(o.b.id));
		CHECK_PATTERN(o.p, o.size, 1);
		one_close(&o);
	}
}

/* 6.12: it stays, and what was mapped before is what is mapped then. */
static void stays_attached(struct one *o)
{
	int map = one_map(o);

	CHECK_REFUSED(o->b.id, "mapped");
	CHECK_EQ(told(o), 0);
	one_same(o, map, 1);
	CHECK_OK(peer_unmap(o->peer, map));
	CHECK_REFUSED(o->b.id, "mapped");
	map = one_map(o);
	one_same(o, map, 1);
}

/* Lets go when it is told. */
static void test_revocable(const char *node)
{
	unsigned int i;
	struct one o;
	int map;

	one_open(&o, node, VBM_PEER_REVOCABLE);
	if (!revokes()) {
		stays_attached(&o);
		one_close(&o);
		return;
	}
	for (i = 0; i < 5; i++) {
		map = one_map(&o);
		one_same(&o, map, 1 + i);
		CHECK_OK(moves_move(o.b.id));
		CHECK_EQ(told(&o), i + 1);
		CHECK_EQ(peer_state(o.peer).maps, 0);
		CHECK_PATTERN(o.p, o.size, 1 + i);
		map = one_map(&o);
		one_same(&o, map, 1 + i);
		CHECK_OK(peer_unmap(o.peer, map));
		pattern_fill(o.p, o.size, 2 + i);
	}
	CHECK_EQ(moves_buf(node, 0).moves, 5);
	one_close(&o);
}

/* Lets go a little later: not that time, but the next. */
static void test_later(const char *node)
{
	long long end = ksft_ms() + 5000;
	struct one o;
	int map;

	one_open(&o, node, VBM_PEER_REVOCABLE_LATER);
	if (!revokes()) {
		stays_attached(&o);
		one_close(&o);
		return;
	}
	map = one_map(&o);
	one_same(&o, map, 1);
	CHECK_REFUSED(o.b.id, "mapped");
	CHECK_EQ(told(&o), 1);
	CHECK_PATTERN(o.p, o.size, 1);
	while (peer_state(o.peer).maps && ksft_ms() < end)
		usleep(1000);
	CHECK_EQ(peer_state(o.peer).maps, 0);
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(told(&o), 1);
	map = one_map(&o);
	one_same(&o, map, 1);
	one_close(&o);
}

/* Does not let go, whatever it is told. */
static void test_deaf(const char *node)
{
	struct one o;
	int map;

	one_open(&o, node, VBM_PEER_DYNAMIC);
	map = one_map(&o);
	CHECK_REFUSED(o.b.id, "mapped");
	one_same(&o, map, 1);
	if (revokes())
		CHECK_EQ(told(&o), 1);
	one_close(&o);
}

/* What is pinned stays, mapped or not, and its importer is not asked. */
static void test_pinned(const char *node)
{
	struct one o;
	int map;

	one_open(&o, node, VBM_PEER_REVOCABLE);
	CHECK_OK(peer_pin(o.peer));
	if (!revokes()) {
		stays_attached(&o);
		CHECK_OK(peer_unpin(o.peer));
		one_close(&o);
		return;
	}
	CHECK_REFUSED(o.b.id, "mapped");
	map = one_map(&o);
	CHECK_REFUSED(o.b.id, "mapped");
	CHECK_EQ(told(&o), 0);
	one_same(&o, map, 1);
	CHECK_OK(peer_unmap(o.peer, map));
	CHECK_REFUSED(o.b.id, "mapped");

	/* As often as it was pinned. */
	CHECK_OK(peer_pin(o.peer));
	CHECK_OK(peer_unpin(o.peer));
	CHECK_REFUSED(o.b.id, "mapped");
	map = one_map(&o);
	CHECK_OK(peer_unpin(o.peer));
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(told(&o), 1);
	CHECK_EQ(peer_state(o.peer).maps, 0);
	map = one_map(&o);
	one_same(&o, map, 1);

	/* What goes with its importer pins nothing any more. */
	CHECK_OK(peer_pin(o.peer));
	CHECK_OK(peer_detach(o.peer));
	CHECK_OK(moves_move(o.b.id));
	CHECK_PATTERN(o.p, o.size, 1);
	one_close(&o);
}

/* Its device is at work: it may go on after its driver has let go. */
static void test_fence(const char *node)
{
	struct one o;
	int map;

	one_open(&o, node, VBM_PEER_REVOCABLE);
	if (!revokes()) {
		CHECK_OK(peer_work(o.peer, 100));
		stays_attached(&o);
		one_close(&o);
		return;
	}
	/* Not done when that has been waited for. */
	map = one_map(&o);
	CHECK_OK(peer_work(o.peer, 60000));
	CHECK_REFUSED(o.b.id, "mapped");
	CHECK_EQ(told(&o), 1);
	CHECK_EQ(peer_state(o.peer).maps, 0);
	CHECK_REFUSED(o.b.id, "mapped");
	CHECK_PATTERN(o.p, o.size, 1);
	CHECK_OK(peer_work(o.peer, 0));
	CHECK_OK(moves_move(o.b.id));
	/* It is a matter of waiting. */
	map = one_map(&o);
	one_same(&o, map, 1);
	CHECK_OK(peer_work(o.peer, 100));
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(told(&o), 2);
	map = one_map(&o);
	one_same(&o, map, 1);
	one_close(&o);
}

/*
 * Two of them, by two dma-bufs of the buffer, and one that can not be asked: as
 * long as that one has it mapped, letting go would be for nothing.
 */
static void test_together(const char *node)
{
	int fd, other, fixed, map, map2, map3;
	struct one o;

	one_open(&o, node, VBM_PEER_REVOCABLE);
	fd = CHECK_OK(vnode_expbuf(o.n, 0, 0, O_RDWR));
	other = peer_open(NULL);
	CHECK_OK(peer_attach_as(other, fd, VBM_PEER_REVOCABLE));
	fixed = peer_open(NULL);
	CHECK_OK(peer_attach(fixed, fd));

	map = one_map(&o);
	map2 = CHECK_OK(peer_map(other, VBM_PEER_TO_DEVICE, NULL));
	map3 = CHECK_OK(peer_map(fixed, VBM_PEER_TO_DEVICE, NULL));
	CHECK_REFUSED(o.b.id, "mapped");
	CHECK_EQ(told(&o), 0);
	CHECK_EQ(peer_state(other).told, 0);
	one_same(&o, map, 1);
	CHECK_OK(peer_read(other, map2, 0, o.copy, o.size));
	CHECK_PATTERN(o.copy, o.size, 1);

	CHECK_OK(peer_unmap(fixed, map3));
	if (!revokes()) {
		CHECK_OK(peer_unmap(o.peer, map));
		CHECK_REFUSED(o.b.id, "mapped");
		CHECK_OK(peer_detach(o.peer));
		CHECK_REFUSED(o.b.id, "mapped");
		CHECK_OK(peer_unmap(other, map2));
		CHECK_OK(peer_detach(other));
		CHECK_OK(moves_move(o.b.id));
		CHECK_PATTERN(o.p, o.size, 1);
		goto out;
	}
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(told(&o), 1);
	CHECK_EQ(peer_state(other).told, 1);
	map = one_map(&o);
	one_same(&o, map, 1);
	map2 = CHECK_OK(peer_map(other, VBM_PEER_TO_DEVICE, NULL));
	CHECK_OK(peer_read(other, map2, 0, o.copy, o.size));
	CHECK_PATTERN(o.copy, o.size, 1);
out:
	close(fixed);
	close(other);
	close(fd);
	one_close(&o);
}

/* A device that can not have it where it is comes while they have it. */
static void test_for_another(const char *node)
{
	struct vbm_peer_limits limits = { 0 };
	struct vbm_peer_seg segs[256];
	struct vbm_peer_map m;
	int misfit, map;
	struct one o;

	one_open(&o, node, VBM_PEER_REVOCABLE);
	map = CHECK_OK(peer_map(o.peer, VBM_PEER_BIDIR, &m));
	peer_segs(o.peer, &m, segs, 256);
	limits.align = 2 * (segs[0].addr & -segs[0].addr);
	misfit = peer_open(NULL);
	CHECK_OK(peer_limits(misfit, &limits));
	CHECK_OK(peer_attach(misfit, o.fd));
	if (!revokes()) {
		CHECK_ERR(peer_map(misfit, VBM_PEER_TO_DEVICE, NULL), EBUSY);
		one_same(&o, map, 1);
		goto out;
	}
	CHECK_OK(peer_pin(o.peer));
	CHECK_ERR(peer_map(misfit, VBM_PEER_TO_DEVICE, NULL), EBUSY);
	one_same(&o, map, 1);
	CHECK_EQ(told(&o), 0);
	CHECK_OK(peer_unpin(o.peer));

	map = CHECK_OK(peer_map(misfit, VBM_PEER_TO_DEVICE, NULL));
	CHECK_EQ(told(&o), 1);
	CHECK_EQ(moves_buf(node, 0).moves, 1);
	CHECK_OK(peer_read(misfit, map, 0, o.copy, o.size));
	CHECK_PATTERN(o.copy, o.size, 1);
	map = one_map(&o);
	one_same(&o, map, 1);
out:
	close(misfit);
	one_close(&o);
}

#define CAM	(NODE_CAP | NODE_VBCAM | NODE_SPLANE)

static const struct ksft_test tests[] = {
	{ "a static importer", test_static, CAM, KSFT_OURS },
	{ "dynamic importers that have mapped nothing", test_attached, CAM,
	  KSFT_OURS },
	{ "one that lets go at once", test_revocable, CAM, KSFT_OURS },
	{ "one that lets go later", test_later, CAM, KSFT_OURS },
	{ "one that does not let go", test_deaf, CAM, KSFT_OURS },
	{ "one that has pinned it", test_pinned, CAM, KSFT_OURS },
	{ "one whose device is at work", test_fence, CAM, KSFT_OURS },
	{ "several, and one that can not be asked", test_together, CAM,
	  KSFT_OURS },
	{ "for a device that can not have it there", test_for_another, CAM,
	  KSFT_OURS | KSFT_DIRECT },
};

KSFT_MAIN(tests)
