// SPDX-License-Identifier: GPL-2.0
/*
 * Every failure point: a step is done again and again, and the n-th allocation,
 * page allocation, DMA map or fallible step of ours (vbm-fault.h) in it fails, for
 * n = 1, 2, ... until it runs through. After each failure the same step, on the
 * same objects, works.
 *
 * For an instrumented kernel (CONFIG_FAULT_INJECTION): /proc/thread-self/fail-nth
 * counts what this task does, wherever it is done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "faults.h"
#include "moves.h"
#include "peer.h"
#include "step.h"

#define BUFFERS	2

/* What a step works on. */
struct stage {
	struct vnode *n;	/* whose buffer it is */
	int fd;			/* a dma-buf of it */
	unsigned int id;
	size_t size;
	int peer, step;
	int got;		/* what a step gave: a descriptor, a number */
	char *p;
	struct vbuf buf;
};

/*
 * Steps
 */

static void nothing(void *on)
{
	(void)on;
}

static void close_got(void *on)
{
	struct stage *s = on;

	if (s->got >= 0)
		close(s->got);
	s->got = -1;
}

static int todo_alloc(void *on)
{
	struct stage *s = on;
	int ret = vnode_reqbufs(s->n, BUFFERS, V4L2_MEMORY_MMAP);

	return ret < 0 ? ret : 0;
}

static void undo_alloc(void *on)
{
	struct stage *s = on;

	CHECK_OK(vnode_reqbufs(s->n, 0, V4L2_MEMORY_MMAP));
}

static int todo_export(void *on)
{
	struct stage *s = on;

	s->got = vnode_expbuf(s->n, 0, 0, O_RDWR);
	return s->got < 0 ? s->got : 0;
}

/* Where mmap() leaves the pages to faults, those are taken by the kernel. */
static int todo_mmap(void *on)
{
	struct stage *s = on;
	int zero;

	s->p = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->n->fd,
		    s->buf.p[0].offset);
	if (s->p == MAP_FAILED)
		return -errno;
	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (zero < 0)
		return -errno;
	if (read(zero, s->p, s->size) != (ssize_t)s->size) {
		close(zero);
		return -EFAULT;
	}
	close(zero);
	return 0;
}

static void undo_mmap(void *on)
{
	struct stage *s = on;

	if (s->p && s->p != MAP_FAILED)
		munmap(s->p, s->size);
	s->p = NULL;
}

static int todo_mmap_fd(void *on)
{
	struct stage *s = on;

	s->p = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	return s->p == MAP_FAILED ? -errno : 0;
}

static int todo_attach(void *on)
{
	struct stage *s = on;

	return peer_attach(s->peer, s->fd);
}

/* An attach that failed has left nothing to detach. */
static void undo_attach(void *on)
{
	struct stage *s = on;

	peer_detach(s->peer);
}

static int todo_map(void *on)
{
	struct stage *s = on;

	s->got = peer_map(s->peer, VBM_PEER_BIDIR, NULL);
	return s->got < 0 ? s->got : 0;
}

static void undo_map(void *on)
{
	struct stage *s = on;

	if (s->got >= 0)
		CHECK_OK(peer_unmap(s->peer, s->got));
	s->got = -1;
}

/* A device that has never been seen, from its attach to its map. */
static int todo_first(void *on)
{
	struct stage *s = on;
	int ret = peer_attach(s->peer, s->fd);

	if (ret)
		return ret;
	return todo_map(s);
}

static void undo_first(void *on)
{
	struct stage *s = on;

	undo_map(s);
	peer_detach(s->peer);
	close(s->peer);
	s->peer = peer_open(NULL);
}

/* The kernel address of memory in pieces, which is there from then on. */
static int todo_address(void *on)
{
	struct stage *s = on;
	char byte;

	return step_vread(s->step, 0, 0, &byte, 1);
}

static void undo_address(void *on)
{
	struct stage *s = on;

	step_release(s->step);
	step_buffers(s->step, 1);
}

static int todo_move(void *on)
{
	struct stage *s = on;

	return moves_move(s->id);
}

static int todo_sync(void *on)
{
	struct stage *s = on;
	int ret = dmabuf_sync(s->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);

	return ret ? ret : dmabuf_sync(s->fd, DMA_BUF_SYNC_END |
					      DMA_BUF_SYNC_RW);
}

static int todo_import(void *on)
{
	struct stage *s = on;

	return step_begin_fd(s->step, 0, s->fd);
}

/* A queue of a device that nothing is known of, and nothing was kept for. */
static int import_open(const struct stage *s)
{
	struct vbm_step_config config = {
		.sg = !!(s->n->flags & NODE_SG), .planes = 1, .size = 4096,
		.like = -1,
	};
	int step = step_open(&config);

	step_imports(step, 1);
	return step;
}

static void undo_import(void *on)
{
	struct stage *s = on;

	close(s->step);
	s->step = import_open(s);
}

static int todo_stream(void *on)
{
	struct stage *s = on;
	unsigned int i;
	struct vbuf b;
	int ret;

	for (i = 0; i < BUFFERS; i++) {
		vbuf_init(&b, s->n, i, V4L2_MEMORY_MMAP);
		ret = vnode_qbuf(s->n, &b);
		if (ret)
			return ret;
	}
	ret = vnode_stream(s->n, true);
	if (ret)
		return ret;
	return vnode_dqbuf(s->n, V4L2_MEMORY_MMAP, &b);
}

static void undo_stream(void *on)
{
	struct stage *s = on;

	CHECK_OK(vnode_stream(s->n, false));
}

static int todo_userptr(void *on)
{
	struct stage *s = on;
	struct vbuf b;

	vbuf_init(&b, s->n, 0, V4L2_MEMORY_USERPTR);
	b.p[0].userptr = s->p;
	b.p[0].length = s->size;
	return vnode_qbuf(s->n, &b);
}

static void undo_userptr(void *on)
{
	struct stage *s = on;

	/* Without its buffers the queue forgets what they were. */
	CHECK_OK(vnode_stream(s->n, false));
	CHECK_OK(vnode_reqbufs(s->n, 0, V4L2_MEMORY_USERPTR));
	vnode_buffers(s->n, BUFFERS, V4L2_MEMORY_USERPTR);
}

/*
 * Tests
 */

static const struct fault_step
	alloc = { "alloc", todo_alloc, undo_alloc },
	/* vb2 core has this one errno for all. */
	export = { "export", todo_export, close_got, EINVAL },
	map_pages = { "mmap", todo_mmap, undo_mmap },
	map_fd = { "mmap of the dma-buf", todo_mmap_fd, undo_mmap },
	first_map = { "attach and first map", todo_first, undo_first },
	attach = { "attach", todo_attach, undo_attach },
	address = { "kernel address", todo_address, undo_address },
	move = { "move", todo_move, nothing },
	move_mapped = { "move of what is mapped", todo_move, nothing },
	import = { "import", todo_import, undo_import },
	stream = { "stream", todo_stream, undo_stream },
	userptr = { "userptr", todo_userptr, undo_userptr };

static void stage_open(struct stage *s, const char *node)
{
	*s = (struct stage){ .fd = -1, .peer = -1, .step = -1, .got = -1 };
	faults_open();
	s->n = vnode_open(node);
}

static void stage_buffers(struct stage *s, const char *node)
{
	stage_open(s, node);
	vnode_buffers(s->n, BUFFERS, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_querybuf(s->n, 0, &s->buf));
	s->size = s->buf.p[0].length;
	s->id = moves_buf(node, 0).id;
	s->fd = CHECK_OK(vnode_expbuf(s->n, 0, 0, O_RDWR));
}

static void test_alloc(const char *node)
{
	struct stage s;

	stage_open(&s, node);
	faults_sweep(&s, &alloc);
}

static void test_export(const char *node)
{
	struct stage s;

	stage_buffers(&s, node);
	/* The first dma-buf of a buffer, each time. */
	close(s.fd);
	faults_sweep(&s, &export);
}

static void test_mmap(const char *node)
{
	struct stage s;

	stage_buffers(&s, node);
	faults_sweep(&s, &map_pages);
	faults_sweep(&s, &map_fd);
}

static void test_map(const char *node)
{
	struct stage s;

	stage_buffers(&s, node);
	s.peer = peer_open(NULL);
	faults_sweep(&s, &first_map);
	faults_sweep(&s, &attach);
}

static void test_address(const char *node)
{
	static const struct vbm_step_config config = {
		.sg = 1, .planes = 1, .size = 64 * 4096, .like = -1,
	};
	struct stage s = { .step = step_open(&config) };

	(void)node;
	faults_open();
	step_buffers(s.step, 1);
	faults_sweep(&s, &address);
}

static void test_move(const char *node)
{
	struct moves_buf b;
	struct stage s;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	stage_buffers(&s, node);
	b = moves_buf(node, 0);
	moves_need_pages(&b);
	faults_sweep(&s, &move);
	/* With a page table and a kernel mapping to take along. */
	CHECK_OK(todo_mmap(&s));
	faults_sweep(&s, &move_mapped);
	undo_mmap(&s);
}

static void test_import(const char *node)
{
	struct stage s;

	stage_buffers(&s, node);
	s.step = import_open(&s);
	faults_sweep(&s, &import);
}

static void test_sync(const char *node)
{
	struct stage s;

	stage_buffers(&s, node);
	s.peer = peer_open(NULL);
	CHECK_OK(peer_attach(s.peer, s.fd));
	CHECK_OK(todo_map(&s));
	/* It allocates nothing, so nothing in it can fail. */
	faults_arm(1);
	CHECK_OK(todo_sync(&s));
	CHECK_EQ(faults_left(), 1);
	undo_map(&s);
}

static void test_stream(const char *node)
{
	struct stage s;

	stage_buffers(&s, node);
	faults_sweep(&s, &stream);
}

static void test_userptr(const char *node)
{
	struct stage s;

	stage_open(&s, node);
	vnode_buffers(s.n, BUFFERS, V4L2_MEMORY_USERPTR);
	s.size = s.n->sizeimage[0];
	s.p = mmap(NULL, s.size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(s.p != MAP_FAILED);
	faults_sweep(&s, &userptr);
}

/* Memory comes with the first device that needs it. */
static void test_managed(const char *node)
{
	struct stage s;

	(void)node;
	stage_buffers(&s, vnode_managed(NODE_SPLANE));
	faults_sweep(&s, &stream);
	s.peer = peer_open(NULL);
	faults_sweep(&s, &first_map);
}

#define CAP	(NODE_CAP | NODE_SPLANE)
#define LOG	2000	/* failures that the allocators tell of */

static const struct ksft_test tests[] = {
	{ "alloc", test_alloc, NODE_CAP, KSFT_OURS, .log_max = LOG },
	{ "export", test_export, NODE_CAP, KSFT_OURS, .log_max = LOG },
	{ "mmap", test_mmap, CAP, KSFT_OURS, .log_max = LOG },
	{ "attach and map", test_map, CAP, KSFT_OURS, .log_max = LOG },
	{ "kernel address", test_address, .flags = KSFT_NO_NODE | KSFT_OURS,
	  .log_max = LOG },
	{ "move", test_move, CAP | NODE_VBCAM, KSFT_OURS, .log_max = LOG },
	{ "import", test_import, CAP, KSFT_OURS, .log_max = LOG },
	{ "CPU access allocates nothing", test_sync, CAP, KSFT_OURS },
	{ "stream", test_stream, NODE_CAP, KSFT_OURS, .log_max = LOG },
	{ "userptr", test_userptr, CAP | NODE_USERPTR | NODE_SG, KSFT_OURS,
	  .log_max = LOG },
	{ "managed", test_managed, .flags = KSFT_NO_NODE | KSFT_OURS,
	  .log_max = LOG },
};

KSFT_MAIN(tests)
