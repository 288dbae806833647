// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of drivers that keep the managed contract: they have no memory before
 * somebody needs it, then such as all who are attached can have, and may move
 * whenever their driver has not prepared them, however that ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"
#include "step.h"

#define SIZE	(16U * 4096)
#define NR	3
#define MB	(1LL << 20)
#define POOL	"/sys/module/videobuf2_mem/parameters/pool_mb"
#define CGROUPS	"/sys/fs/cgroup"
#define OWNER	CGROUPS "/vbm-managed"
#define OTHER	CGROUPS "/vbm-managed-other"

/* Of "buffers", for the planes of queues of vbm-step. */
struct line {
	unsigned int id;
	unsigned int moves;
	int owned;
	char backing[16];
	char frozen[16];
};

static struct line line_of(unsigned int plane)
{
	FILE *f = fopen(MOVES_DEBUGFS "buffers", "r");
	struct line l = { 0 };
	char text[1024], *at;

	CHECK(f);
	while (fgets(text, sizeof(text), f)) {
		if (!strstr(text, " kind=mmap dev=vbm-step.") || plane--)
			continue;
		CHECK(sscanf(text, "buf=%u", &l.id) == 1);
		at = strstr(text, " backing=");
		CHECK(at && sscanf(at, " backing=%15s", l.backing) == 1);
		at = strstr(text, " frozen=");
		CHECK(at && sscanf(at, " frozen=%15s moves=%u owned=%d",
				   l.frozen, &l.moves, &l.owned) == 3);
		fclose(f);
		return l;
	}
	FAIL("there is no such buffer");
}

static bool has_storage(unsigned int plane)
{
	return strcmp(line_of(plane).backing, "none");
}

static int open_queue(bool sg, unsigned int planes)
{
	struct vbm_step_config config = {
		.sg = sg, .planes = planes, .size = SIZE, .like = -1,
		.managed = 1,
	};

	return step_open(&config);
}

/* Nothing is there until the first QBUF, and then only what is queued. */
static void late(bool sg)
{
	long long bytes = stat_get("bytes"), bufs = stat_get("buffers");
	int q = open_queue(sg, 1), fd[NR];
	unsigned int i;
	char copy[SIZE];

	step_buffers(q, NR);
	CHECK_EQ(stat_get("buffers"), bufs + NR);
	CHECK_EQ(stat_get("bytes"), bytes);
	for (i = 0; i < NR; i++) {
		fd[i] = step_export(q, i, 0);
		CHECK_EQ(dmabuf_size(fd[i]), SIZE);
		CHECK_OK(dmabuf_sync(fd[i], DMA_BUF_SYNC_START |
					    DMA_BUF_SYNC_RW));
		CHECK_OK(dmabuf_sync(fd[i], DMA_BUF_SYNC_END |
					    DMA_BUF_SYNC_RW));
	}
	CHECK_EQ(stat_get("bytes"), bytes);
	for (i = 0; i < NR; i++) {
		CHECK(!has_storage(i));
		CHECK_OK(step_begin_fd(q, i, -1));
		CHECK_EQ(stat_get("bytes"), bytes + (i + 1) * SIZE);
		CHECK(has_storage(i));
		/* What never moves has no need to be. */
		CHECK_EQ(line_of(i).owned, !strcmp(line_of(i).frozen, "-"));
		/* Zeroed, and the device finds it. */
		CHECK_OK(step_read(q, i, 0, 0, copy, SIZE));
		CHECK_EQ(bytes_check(copy, SIZE, 0), -1);
		CHECK_OK(step_done(q, i));
		CHECK_EQ(line_of(i).owned, 0);
		close(fd[i]);
	}
	step_release(q);
	CHECK_EQ(stat_get("bytes"), bytes);
	close(q);
}

static void test_late(const char *node)
{
	(void)node;
	late(true);
	late(false);
}

/* What else allocates: mmap() of either kind, and importers. */
static void on_demand(bool sg)
{
	int q = open_queue(sg, 1), fd, peer, map;
	char *p, copy[SIZE];

	step_buffers(q, 5);
	p = step_mmap(q, 0, 0, SIZE);
	CHECK(has_storage(0));
	CHECK_EQ(bytes_check(p, SIZE, 0), -1);
	pattern_fill(p, SIZE, 1);
	munmap(p, SIZE);

	fd = step_export(q, 1, 0);
	p = dmabuf_mmap(fd, SIZE);
	CHECK(has_storage(1));
	CHECK_EQ(bytes_check(p, SIZE, 0), -1);
	munmap(p, SIZE);
	close(fd);

	fd = step_export(q, 2, 0);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, fd));
	CHECK(!has_storage(2));
	map = CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));
	CHECK(has_storage(2));
	CHECK_OK(peer_read(peer, map, 0, copy, SIZE));
	CHECK_EQ(bytes_check(copy, SIZE, 0), -1);
	CHECK_OK(peer_unmap(peer, map));
	close(peer);
	close(fd);

	fd = step_export(q, 3, 0);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_OK(peer_vmap(peer, NULL));
	CHECK(has_storage(3));
	CHECK_OK(peer_vread(peer, 0, copy, SIZE));
	CHECK_EQ(bytes_check(copy, SIZE, 0), -1);
	CHECK_OK(peer_vunmap(peer));
	close(peer);
	close(fd);

	CHECK(!has_storage(4));
	/*
	 * What was written before the first frame is there in it, if the device
	 * sees the memory itself: it captures.
	 */
	if (ksft_swiotlb)
		goto out;
	CHECK_OK(step_begin_fd(q, 0, -1));
	CHECK_OK(step_read(q, 0, 0, 0, copy, SIZE));
	CHECK_PATTERN(copy, SIZE, 1);
	CHECK_OK(step_done(q, 0));
out:
	close(q);
}

static void test_on_demand(const char *node)
{
	(void)node;
	on_demand(true);
	on_demand(false);
}

/* The driver's kernel address: read() takes it of all buffers, and keeps it. */
static void kernel_address(bool sg)
{
	int q = open_queue(sg, 1);
	char copy[64];

	step_buffers(q, 3);
	/* Where nothing can be made there is none, and nothing comes of it. */
	CHECK_ERR(step_vread_atomic(q, 0, 0, copy, sizeof(copy)), ENOMEM);
	CHECK(!has_storage(0));
	CHECK(!strcmp(line_of(0).frozen, "-"));

	CHECK_OK(step_vread(q, 0, 0, copy, sizeof(copy)));
	CHECK_EQ(bytes_check(copy, sizeof(copy), 0), -1);
	CHECK(has_storage(0));
	CHECK(!strcmp(line_of(0).frozen, "vaddr"));
	CHECK_OK(step_vread_atomic(q, 0, 0, copy, sizeof(copy)));
	CHECK_REFUSED(line_of(0).id, "frozen");

	/* While it is prepared an address is for that time only. */
	if (ksft_swiotlb)
		goto out;
	CHECK_OK(step_begin_fd(q, 1, -1));
	CHECK_OK(step_vwrite(q, 1, 0, "abc", 4));
	CHECK_OK(step_read(q, 1, 0, 0, copy, 4));
	CHECK(!strcmp(copy, "abc"));
	CHECK_OK(step_done(q, 1));
	CHECK(!strcmp(line_of(1).frozen, "-"));
	CHECK_OK(moves_move(line_of(1).id));
	CHECK_OK(step_begin_fd(q, 1, -1));
	CHECK_OK(step_vread(q, 1, 0, copy, 4));
	CHECK(!strcmp(copy, "abc"));
	CHECK_OK(step_done(q, 1));
out:
	close(q);
}

static void test_kernel_address(const char *node)
{
	(void)node;
	kernel_address(true);
	/* Of the DMA API, where it bounces, and frozen. */
	if (!ksft_swiotlb)
		kernel_address(false);
}

static void check_free(unsigned int planes)
{
	unsigned int i;

	for (i = 0; i < planes; i++) {
		CHECK_EQ(line_of(i).owned, 0);
		if (has_storage(i))
			CHECK_OK(moves_move(line_of(i).id));
	}
}

static void check_owned(unsigned int planes)
{
	unsigned int i;

	for (i = 0; i < planes; i++) {
		CHECK_EQ(line_of(i).owned, 1);
		CHECK_REFUSED(line_of(i).id, "owned");
	}
}

/* However what was prepared ends, it is nobody's then. */
static void unwound(bool sg)
{
	struct vbm_step_begin begin = { .index = 0, .fd = { -1, -1 } };
	struct vbm_step_begin fails = { .index = 0, .fd = { -1, -1 },
					.fail = 1 };
	int q = open_queue(sg, 2), fd[2];
	unsigned int i;

	step_buffers(q, 1);
	/* buf_prepare fails after all planes have been prepared. */
	CHECK_ERR(step_begin(q, &fails), EPROTO);
	check_free(2);
	CHECK_ERR(step_prepare(q, &fails), EPROTO);
	check_free(2);
	/* It is done, in an interrupt. */
	CHECK_OK(step_begin(q, &begin));
	check_owned(2);
	CHECK_OK(step_done(q, 0));
	check_free(2);
	/* The queue is cancelled. */
	CHECK_OK(step_begin(q, &begin));
	check_owned(2);
	CHECK_OK(step_stop(q));
	check_free(2);
	CHECK_OK(step_prepare(q, &begin));
	check_owned(2);
	CHECK_OK(step_stop(q));
	check_free(2);
	/* Prepared, then queued. */
	CHECK_OK(step_prepare(q, &begin));
	CHECK_OK(step_begin(q, &begin));
	check_owned(2);
	CHECK_OK(step_done(q, 0));
	CHECK_ERR(step_begin(q, &fails), EPROTO);
	check_free(2);
	/* It is removed; without a word to the backend. */
	for (i = 0; i < 2; i++)
		fd[i] = step_export(q, 0, i);
	CHECK_OK(step_prepare(q, &begin));
	check_owned(2);
	CHECK_OK(step_remove(q, 0));
	check_free(2);
	for (i = 0; i < 2; i++)
		close(fd[i]);
	/* All of them are. */
	step_buffers(q, 1);
	for (i = 0; i < 2; i++)
		fd[i] = step_export(q, 0, i);
	CHECK_OK(step_prepare(q, &begin));
	step_release(q);
	check_free(2);
	for (i = 0; i < 2; i++)
		close(fd[i]);
	close(q);
}

static void test_unwound(const char *node)
{
	(void)node;
	unwound(true);
	/* Of the DMA API, where it bounces, and frozen. */
	if (!ksft_swiotlb)
		unwound(false);
}

/* Where the device sees the buffer, and whether it sees a copy. */
static unsigned long long last_byte(int peer, const struct vbm_peer_map *map)
{
	struct vbm_peer_seg segs[16];
	unsigned long long last = 0;
	int i, n = peer_segs(peer, map, segs, 16);

	for (i = 0; i < n; i++)
		if (segs[i].addr + segs[i].len - 1 > last)
			last = segs[i].addr + segs[i].len - 1;
	return last;
}

#define MASK	0xffffffULL

/* Two devices that are attached before anybody maps: for both, at once. */
static void attached_before(bool sg)
{
	struct vbm_peer_device narrow = { .dma_mask = MASK };
	int q = open_queue(sg, 1), fd, wide_peer, narrow_peer, map;
	long long moves = stat_get("moves");
	struct vbm_peer_map out;

	step_buffers(q, 1);
	fd = step_export(q, 0, 0);
	wide_peer = peer_open(NULL);
	narrow_peer = peer_open(&narrow);
	CHECK_OK(peer_attach(wide_peer, fd));
	CHECK_OK(peer_attach(narrow_peer, fd));
	CHECK_OK(step_begin_fd(q, 0, -1));
	CHECK_OK(step_done(q, 0));
	map = CHECK_OK(peer_map(narrow_peer, VBM_PEER_BIDIR, &out));
	CHECK(last_byte(narrow_peer, &out) <= MASK);
	CHECK_OK(peer_map(wide_peer, VBM_PEER_BIDIR, NULL));
	CHECK_EQ(stat_get("moves"), moves);
	CHECK_EQ(line_of(0).moves, 0);
	CHECK_OK(peer_unmap(narrow_peer, map));
	close(narrow_peer);
	close(wide_peer);
	close(fd);
	close(q);
}

static void test_attached_before(const char *node)
{
	(void)node;
	attached_before(true);
	attached_before(false);
}

/* Later, and the frame that is there comes along. */
static void attached_after(bool sg)
{
	struct vbm_peer_device narrow = { .dma_mask = MASK };
	int q = open_queue(sg, 1), fd, peer, map;
	long long moves = stat_get("moves");
	char frame[SIZE], copy[SIZE];
	struct vbm_peer_map out;

	step_buffers(q, 1);
	fd = step_export(q, 0, 0);
	CHECK_OK(step_begin_fd(q, 0, -1));
	pattern_fill(frame, SIZE, 5);
	CHECK_OK(step_write(q, 0, 0, 0, frame, SIZE));

	peer = peer_open(&narrow);
	CHECK_OK(peer_attach(peer, fd));
	/* Not while the device has it. */
	CHECK_ERR(peer_map(peer, VBM_PEER_TO_DEVICE, &out), EBUSY);
	CHECK_OK(step_read(q, 0, 0, 0, copy, SIZE));
	CHECK_PATTERN(copy, SIZE, 5);
	CHECK_OK(step_done(q, 0));

	map = CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &out));
	CHECK(last_byte(peer, &out) <= MASK);
	CHECK_EQ(stat_get("moves"), moves + 1);
	CHECK_OK(peer_read(peer, map, 0, copy, SIZE));
	CHECK_PATTERN(copy, SIZE, 5);
	CHECK_OK(peer_unmap(peer, map));

	/* And once is enough; the device finds it where it is now. */
	CHECK_OK(step_begin_fd(q, 0, -1));
	pattern_fill(frame, SIZE, 6);
	CHECK_OK(step_write(q, 0, 0, 0, frame, SIZE));
	CHECK_OK(step_done(q, 0));
	map = CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
	CHECK_OK(peer_read(peer, map, 0, copy, SIZE));
	CHECK_PATTERN(copy, SIZE, 6);
	CHECK_OK(peer_unmap(peer, map));
	CHECK_EQ(stat_get("moves"), moves + 1);
	close(peer);
	close(fd);
	close(q);
}

static void test_attached_after(const char *node)
{
	char old[32];

	(void)node;
	/* What the test before had within reach is not to come again. */
	snprintf(old, sizeof(old), "%lld", read_number(POOL));
	CHECK_OK(write_file(POOL, "0"));
	attached_after(true);
	attached_after(false);
	CHECK_OK(write_file(POOL, old));
}

/* A dma-buf that outlives its queue without ever having had memory. */
static void orphaned(bool sg)
{
	int q = open_queue(sg, 1), fd[2], peer[2], map, i;
	char copy[SIZE];

	step_buffers(q, 2);
	for (i = 0; i < 2; i++) {
		fd[i] = step_export(q, i, 0);
		peer[i] = peer_open(NULL);
		CHECK_OK(peer_attach(peer[i], fd[i]));
	}
	step_release(q);
	CHECK(!has_storage(0));
	map = CHECK_OK(peer_map(peer[0], VBM_PEER_BIDIR, NULL));
	CHECK_OK(peer_read(peer[0], map, 0, copy, SIZE));
	CHECK_EQ(bytes_check(copy, SIZE, 0), -1);
	/* With the driver of its device goes the chance. */
	close(q);
	CHECK_ERR(peer_map(peer[1], VBM_PEER_BIDIR, NULL), ENODEV);
	CHECK(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd[1], 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
	CHECK_OK(peer_unmap(peer[0], map));
	for (i = 0; i < 2; i++) {
		close(peer[i]);
		close(fd[i]);
	}
}

static void test_orphaned(const char *node)
{
	(void)node;
	orphaned(true);
	orphaned(false);
}

static void group_make(const char *group, const char *max)
{
	char path[96];

	CHECK_OK(write_file(CGROUPS "/cgroup.subtree_control", "+memory"));
	if (mkdir(group, 0755) && errno != EEXIST)
		FAIL("%s: %s", group, ksft_errno(errno));
	snprintf(path, sizeof(path), "%s/memory.max", group);
	CHECK_OK(write_file(path, max));
}

static void group_enter(const char *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	CHECK_OK(write_file(path, "0"));
}

static long long group_memory(const char *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	return read_number(path);
}

/* Who asked for the buffers pays, also for what others make be allocated. */
static void test_charged(const char *node)
{
	struct vbm_step_config config = {
		.sg = 1, .planes = 1, .size = 8 * MB, .like = -1, .managed = 1,
	};
	long long owner, other;
	int q, fd, peer;
	char *p;

	(void)node;
	group_make(OWNER, "max");
	group_make(OTHER, "max");
	group_enter(OWNER);
	q = step_open(&config);
	step_buffers(q, 3);
	fd = step_export(q, 1, 0);
	peer = peer_open(NULL);
	group_enter(OTHER);

	owner = group_memory(OWNER);
	other = group_memory(OTHER);
	CHECK_OK(step_begin_fd(q, 0, -1));
	CHECK(group_memory(OWNER) - owner > 7 * MB);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));
	CHECK(group_memory(OWNER) - owner > 15 * MB);
	p = step_mmap(q, 2, 0, 8 * MB);
	CHECK(group_memory(OWNER) - owner > 23 * MB);
	munmap(p, 8 * MB);
	if (group_memory(OTHER) - other > 2 * MB)
		FAIL("%lld bytes are charged to who did not ask for them",
		     group_memory(OTHER) - other);
	/* So does it for where it moves to. */
	CHECK_OK(step_done(q, 0));
	CHECK_OK(moves_move(line_of(0).id));
	CHECK(group_memory(OWNER) - owner > 23 * MB);
	close(peer);
	close(fd);
	close(q);
	CHECK(group_memory(OWNER) - owner < 2 * MB);
	group_enter(CGROUPS);
	rmdir(OWNER);
	rmdir(OTHER);
}

/* QBUF says that there is no memory, and later there is. */
static void test_no_memory(const char *node)
{
	struct vbm_step_config config = {
		.sg = 1, .planes = 2, .size = 8 * MB, .like = -1, .managed = 1,
	};
	struct vbm_step_begin begin = { .index = 0, .fd = { -1, -1 } };
	long long fails;
	int q, fd, peer;

	(void)node;
	group_make(OWNER, "12M");
	group_enter(OWNER);
	q = step_open(&config);
	step_buffers(q, 1);
	group_enter(CGROUPS);
	/* The first plane has some by then. */
	fails = stat_get("fail_nomem");
	CHECK_ERR(step_begin(q, &begin), ENOMEM);
	CHECK(stat_get("fail_nomem") > fails);
	CHECK(has_storage(0));
	CHECK(!has_storage(1));
	CHECK_EQ(line_of(0).owned, 0);
	CHECK_ERR(step_prepare(q, &begin), ENOMEM);
	fd = step_export(q, 0, 1);
	CHECK(mmap(NULL, 8 * MB, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_ERR(peer_map(peer, VBM_PEER_BIDIR, NULL), ENOMEM);
	CHECK_EQ(line_of(0).owned, 0);
	CHECK(!has_storage(1));

	group_make(OWNER, "40M");
	CHECK_OK(step_begin(q, &begin));
	check_owned(2);
	CHECK_OK(step_done(q, 0));
	check_free(2);
	close(peer);
	close(fd);
	close(q);
	rmdir(OWNER);
}

/* What can never be is refused at once. */
static void test_never(const char *node)
{
	struct vbm_step_config config = {
		.sg = 1, .planes = 2, .size = SIZE, .like = -1, .managed = 1,
	};
	struct vbm_step_begin begin = { .index = 0, .fd = { -1, -1 } };
	int legacy, q;

	(void)node;
	q = step_open(&config);
	step_buffers(q, VBM_STEP_BUFS);
	CHECK(!has_storage(0));
	close(q);
	/* The other contract is as ever, whoever asks to prepare. */
	config.managed = 0;
	legacy = step_open(&config);
	step_buffers(legacy, 1);
	CHECK(has_storage(0));
	CHECK_OK(step_begin(legacy, &begin));
	CHECK_OK(step_done(legacy, 0));
	close(legacy);
}

/* vb2's read() asks for addresses before it prepares anything. */
static void test_read(const char *node)
{
	const char *path = vnode_managed(0);
	struct vnode *n = vnode_open(path);
	struct moves_buf b[MOVES_MAX];
	char *frame;
	ssize_t got;
	int i, nr;

	(void)node;
	CHECK(vnode_flags(path) & NODE_RW);
	frame = calloc(1, n->sizeimage[0]);
	for (i = 0; i < 3; i++) {
		/* Which begins it, where there is nothing to wait for yet. */
		while ((got = read(n->fd, frame, n->sizeimage[0])) < 0 &&
		       errno == EAGAIN)
			usleep(10000);
		CHECK_EQ(got, n->sizeimage[0]);
	}
	CHECK(bytes_check(frame, n->sizeimage[0], 0) >= 0);
	nr = moves_bufs(path, b);
	CHECK(nr > 0);
	for (i = 0; i < nr; i++) {
		CHECK(!strcmp(b[i].frozen, "vaddr"));
		CHECK_ERR(moves_move(b[i].id), EBUSY);
	}
	vnode_close(n);
	free(frame);
}

/* Any driver of them: no memory, frames, a move, frames. */
static void test_camera(const char *node)
{
	const char *path = vnode_managed(0);
	long long bytes = stat_get("bytes");
	struct vnode *n = vnode_open(path);
	struct vbuf b;

	(void)node;
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_EQ(stat_get("bytes"), bytes);
	vbuf_init(&b, n, 0, V4L2_MEMORY_MMAP);
	vnode_run(n, &b, 1, 4);
	CHECK(stat_get("bytes") > bytes);
	CHECK(!strcmp(moves_buf(path, 0).frozen, "-"));
	CHECK_OK(moves_move(moves_buf(path, 0).id));
	vnode_run(n, &b, 1, 4);
	CHECK_EQ(moves_buf(path, 0).moves, 1);
	vnode_close(n);
}

#define STEP	(KSFT_NO_NODE | KSFT_OURS)

static const struct ksft_test tests[] = {
	{ "memory comes with the first frame", test_late, 0, STEP },
	{ "or with who maps it first", test_on_demand, 0, STEP },
	{ "a kernel address is for good", test_kernel_address, 0, STEP },
	{ "what was prepared ends", test_unwound, 0, STEP },
	{ "for all who are attached, at once", test_attached_before, 0,
	  STEP | KSFT_DIRECT },
	{ "for who is attached later, with the frame", test_attached_after, 0,
	  STEP | KSFT_DIRECT },
	{ "dma-bufs outlive their queue", test_orphaned, 0, STEP },
	{ "who asked for buffers pays", test_charged, 0, STEP | KSFT_DIRECT },
	{ "no memory is an error of QBUF", test_no_memory, 0,
	  STEP | KSFT_DIRECT },
	{ "other queues are as ever", test_never, 0, STEP },
	{ "read()", test_read, 0, STEP },
	{ "a camera", test_camera, 0, STEP },
};

KSFT_MAIN(tests)
