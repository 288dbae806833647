// SPDX-License-Identifier: GPL-2.0
/*
 * 10,000 ioctls and mmaps, most of them malformed, by a seeded generator. None
 * may make the kernel report anything or flood its log, none may leak, and
 * buffers work afterwards. -s SEED makes another run.
 *
 * A sequence of arguments that are all random would be refused at the first
 * test in core; the generator starts from what is valid and breaks some of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define CALLS	10000
#define FDS	6

struct fuzz {
	struct ksft_rand rand;
	struct vnode *n;
	int fds[FDS];		/* dma-bufs of the node; -1: none there yet */
	int other;		/* a dma-buf of another buffer that stays */
	char *user;		/* memory for USERPTR */
	size_t user_size;
	void *maps[8];
	size_t map_sizes[8];
	unsigned int done[16];	/* calls that succeeded, by kind */
};

static unsigned int below(struct fuzz *z, unsigned int n)
{
	return (ksft_rand(&z->rand) >> 33) % n;
}

static bool one_in(struct fuzz *z, unsigned int n)
{
	return !below(z, n);
}

/* A number that programs get wrong in this way. */
static uint32_t bad_number(struct fuzz *z, uint32_t good)
{
	static const uint32_t edges[] = {
		0, 1, 2, 31, 32, 33, 63, 64, 0xff, 0x100, 0xfff, 0x1000, 0x1001,
		0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff,
	};

	switch (below(z, 5)) {
	case 0:
		return good + 1;
	case 1:
		return good - 1;
	case 2:
		return good ^ 1U << below(z, 32);
	case 3:
		return ksft_rand(&z->rand);
	default:
		return edges[below(z, sizeof(edges) / sizeof(edges[0]))];
	}
}

static uint32_t maybe_bad(struct fuzz *z, uint32_t good)
{
	return one_in(z, 4) ? bad_number(z, good) : good;
}

static int some_fd(struct fuzz *z)
{
	switch (below(z, 10)) {
	case 0:
		return (int)ksft_rand(&z->rand);
	case 1:
		return z->n->fd;
	case 2:
		return -1;
	case 3:
	case 4:
		return z->other;
	default:
		return z->fds[below(z, FDS)];
	}
}

static uint32_t some_memory(struct fuzz *z)
{
	static const uint32_t memory[] = {
		V4L2_MEMORY_MMAP, V4L2_MEMORY_DMABUF, V4L2_MEMORY_USERPTR,
		V4L2_MEMORY_MMAP, V4L2_MEMORY_DMABUF, V4L2_MEMORY_OVERLAY,
	};

	return one_in(z, 12) ? bad_number(z, 1) : memory[below(z, 6)];
}

/* Counts small enough that the memory of the guest is not what is tested. */
static uint32_t some_count(struct fuzz *z)
{
	return one_in(z, 50) ? bad_number(z, 4) : below(z, 6);
}

static void some_buffer(struct fuzz *z, struct v4l2_buffer *v,
			struct v4l2_plane *planes)
{
	unsigned int i;

	memset(v, 0, sizeof(*v));
	memset(planes, 0, sizeof(*planes) * PLANES_MAX);
	v->index = maybe_bad(z, below(z, 6));
	v->type = one_in(z, 10) ? bad_number(z, z->n->type) : z->n->type;
	v->memory = some_memory(z);
	v->field = maybe_bad(z, V4L2_FIELD_NONE);
	if (one_in(z, 6))
		v->flags = ksft_rand(&z->rand) & ~V4L2_BUF_FLAG_REQUEST_FD;
	if (one_in(z, 30))
		v->reserved2 = ksft_rand(&z->rand);
	v->bytesused = maybe_bad(z, z->n->sizeimage[0]);
	if (z->n->flags & NODE_MPLANE) {
		v->m.planes = one_in(z, 20) ? (void *)0x1000 : planes;
		v->length = maybe_bad(z, z->n->num_planes);
		for (i = 0; i < PLANES_MAX; i++) {
			planes[i].length = maybe_bad(z, z->n->sizeimage[i]);
			planes[i].bytesused = maybe_bad(z, planes[i].length);
			planes[i].data_offset = one_in(z, 4) ?
				bad_number(z, 0) : 0;
			if (v->memory == V4L2_MEMORY_USERPTR)
				planes[i].m.userptr = (unsigned long)z->user +
					maybe_bad(z, 0);
			else
				planes[i].m.fd = some_fd(z);
		}
		return;
	}
	v->length = one_in(z, 3) ? bad_number(z, z->n->sizeimage[0]) :
		    one_in(z, 2) ? 0 : z->n->sizeimage[0];
	if (v->memory == V4L2_MEMORY_USERPTR)
		v->m.userptr = (unsigned long)z->user + maybe_bad(z, 0);
	else if (v->memory == V4L2_MEMORY_DMABUF)
		v->m.fd = some_fd(z);
	else
		v->m.offset = maybe_bad(z, 0);
}

static void some_mmap(struct fuzz *z)
{
	unsigned int i = below(z, 8);
	size_t size = maybe_bad(z, z->n->sizeimage[0]) % (64U << 20);
	uint32_t offset = below(z, 4) << 20 | (one_in(z, 3) ?
			  bad_number(z, 0) & ~0xfffU : 0);
	bool dmabuf = one_in(z, 2);
	struct vbuf b;
	void *p;

	if (z->maps[i]) {
		munmap(z->maps[i], z->map_sizes[i]);
		z->maps[i] = NULL;
	}
	if (!dmabuf && one_in(z, 2) && !vnode_querybuf(z->n, below(z, 4), &b) &&
	    b.memory == V4L2_MEMORY_MMAP)
		offset = b.p[0].offset;
	p = mmap(NULL, size, PROT_READ | (one_in(z, 4) ? 0 : PROT_WRITE),
		 one_in(z, 8) ? MAP_PRIVATE : MAP_SHARED,
		 dmabuf ? some_fd(z) : z->n->fd,
		 dmabuf && !one_in(z, 4) ? 0 : offset);
	if (p == MAP_FAILED)
		return;
	z->maps[i] = p;
	z->map_sizes[i] = size;
	z->done[14]++;
	/*
	 * Not touched: a file mapping of the node's own making may be shorter
	 * than asked for where a mapping of zero pages is possible.
	 */
}

/* A queue that streams, so that what comes next finds one. */
static void start_over(struct fuzz *z)
{
	struct vbuf b;
	unsigned int i;

	vnode_stream(z->n, false);
	vnode_reqbufs(z->n, 0, V4L2_MEMORY_MMAP);
	if (vnode_reqbufs(z->n, 4, V4L2_MEMORY_MMAP) < 4)
		FAIL("four buffers can not be had again");
	for (i = 0; i < 4; i++) {
		vbuf_init(&b, z->n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(z->n, &b));
	}
	CHECK_OK(vnode_stream(z->n, true));
	/* What is done can be dequeued. */
	CHECK_OK(vnode_wait(z->n));
}

static int one_call(struct fuzz *z, unsigned int kind)
{
	struct v4l2_plane planes[PLANES_MAX];
	struct v4l2_requestbuffers rb = { 0 };
	struct v4l2_create_buffers cb = { 0 };
	struct v4l2_remove_buffers mb = { 0 };
	struct v4l2_exportbuffer e = { 0 };
	struct dma_buf_sync sync = { 0 };
	struct v4l2_buffer v;
	char name[64];
	unsigned int i;
	int ret, type;

	switch (kind) {
	case 0:
		rb.count = some_count(z);
		rb.type = one_in(z, 10) ? bad_number(z, z->n->type) :
					  z->n->type;
		rb.memory = some_memory(z);
		rb.flags = one_in(z, 3) ? ksft_rand(&z->rand) : 0;
		return xioctl(z->n->fd, VIDIOC_REQBUFS, &rb);
	case 1:
		cb.count = some_count(z);
		cb.memory = some_memory(z);
		cb.format.type = z->n->type;
		if (xioctl(z->n->fd, VIDIOC_G_FMT, &cb.format))
			return -EIO;
		if (one_in(z, 3)) {
			/* Sizes that are wrong, but not for want of memory. */
			uint32_t size = bad_number(z, z->n->sizeimage[0]) %
					(2U << 20);

			if (z->n->flags & NODE_MPLANE)
				cb.format.fmt.pix_mp.plane_fmt[0].sizeimage =
					size;
			else
				cb.format.fmt.pix.sizeimage = size;
		}
		if (one_in(z, 8))
			cb.format.type = bad_number(z, z->n->type);
		return xioctl(z->n->fd, VIDIOC_CREATE_BUFS, &cb);
	case 2:
		mb.index = maybe_bad(z, below(z, 6));
		mb.count = maybe_bad(z, below(z, 4));
		mb.type = z->n->type;
		return xioctl(z->n->fd, VIDIOC_REMOVE_BUFS, &mb);
	case 3:
		some_buffer(z, &v, planes);
		return xioctl(z->n->fd, VIDIOC_QUERYBUF, &v);
	case 4:
	case 5:
	case 6:
		some_buffer(z, &v, planes);
		return xioctl(z->n->fd, VIDIOC_QBUF, &v);
	case 7:
		some_buffer(z, &v, planes);
		return xioctl(z->n->fd, VIDIOC_PREPARE_BUF, &v);
	case 8:
		some_buffer(z, &v, planes);
		return xioctl(z->n->fd, VIDIOC_DQBUF, &v);
	case 9:
		e.type = one_in(z, 8) ? bad_number(z, z->n->type) : z->n->type;
		e.index = maybe_bad(z, below(z, 6));
		e.plane = one_in(z, 4) ? bad_number(z, 0) :
			  below(z, z->n->num_planes);
		e.flags = one_in(z, 4) ? ksft_rand(&z->rand) :
			  O_RDWR | O_CLOEXEC;
		ret = xioctl(z->n->fd, VIDIOC_EXPBUF, &e);
		if (!ret) {
			i = below(z, FDS);
			if (z->fds[i] >= 0)
				close(z->fds[i]);
			z->fds[i] = e.fd;
		}
		return ret;
	case 10:
		type = one_in(z, 6) ? (int)bad_number(z, z->n->type) :
				      (int)z->n->type;
		return xioctl(z->n->fd, one_in(z, 2) ? VIDIOC_STREAMON :
			      VIDIOC_STREAMOFF, &type);
	case 11:
		sync.flags = one_in(z, 3) ? ksft_rand(&z->rand) :
			     1 + below(z, 7);
		return xioctl(some_fd(z), DMA_BUF_IOCTL_SYNC,
			      one_in(z, 20) ? (void *)0x1000 : &sync);
	case 12:
		for (i = 0; i < sizeof(name); i++)
			name[i] = ksft_rand(&z->rand);
		name[below(z, sizeof(name))] = '\0';
		return xioctl(some_fd(z), DMA_BUF_SET_NAME, name);
	case 13:
		/* Any number that the dma-buf code may take for its own. */
		memset(name, below(z, 256), sizeof(name));
		return xioctl(z->other, _IOC(below(z, 4), DMA_BUF_BASE,
					     below(z, 8), below(z, 64)), name);
	case 14:
		some_mmap(z);
		return -EAGAIN;
	default:
		i = below(z, FDS);
		if (z->fds[i] >= 0 && one_in(z, 3)) {
			close(z->fds[i]);
			z->fds[i] = -1;
		}
		return -EAGAIN;
	}
}

static void fuzz(const char *node)
{
	struct fuzz z = { .rand.state = ksft_seed };
	struct vnode *from;
	unsigned int i, kind;
	struct vbuf b[3];
	const char *path;
	char *map;

	path = vnode_find(vnode_flags(node) & ~(NODE_USERPTR | NODE_HINTS),
			  node);
	if (!path)
		path = vnode_find(vnode_flags(node) & (NODE_MPLANE |
				  NODE_SPLANE | NODE_CONTIG | NODE_SG), node);
	if (!path)
		ksft_skip("no other node that can export to it");
	from = vnode_open(path);
	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	z.other = CHECK_OK(vnode_expbuf(from, 0, 0, O_RDWR));
	map = dmabuf_mmap(z.other, dmabuf_size(z.other));
	z.n = vnode_open(node);
	for (i = 0; i < FDS; i++)
		z.fds[i] = -1;
	z.user_size = 4 * z.n->sizeimage[0];
	z.user = shared_alloc(z.user_size);

	for (i = 0; i < CALLS; i++) {
		if (i % 500 == 100)
			start_over(&z);
		kind = below(&z, 16);
		/* Buffers that go at once would leave little to be tested. */
		if (kind <= 1 && !one_in(&z, 4))
			kind = 4 + below(&z, 8);
		if (one_call(&z, kind) >= 0)
			z.done[kind]++;
	}
	/* It must have got somewhere, or it has tested nothing. */
	for (i = 0; i < 16; i++)
		if (i != 2 && i != 13 && i != 15 && !z.done[i])
			FAIL("no call of kind %u has succeeded", i);

	for (i = 0; i < FDS; i++)
		if (z.fds[i] >= 0)
			close(z.fds[i]);
	for (i = 0; i < 8; i++)
		if (z.maps[i])
			munmap(z.maps[i], z.map_sizes[i]);

	/* The node works, and the dma-buf that all this was done to. */
	vnode_stream(z.n, false);
	CHECK_OK(vnode_reqbufs(z.n, 0, V4L2_MEMORY_MMAP));
	pattern_fill(map, dmabuf_size(z.other), 1);
	CHECK_EQ(pattern_check(map, dmabuf_size(z.other), 1), -1);
	vnode_buffers(z.n, 3, V4L2_MEMORY_MMAP);
	for (i = 0; i < 3; i++)
		vbuf_init(&b[i], z.n, i, V4L2_MEMORY_MMAP);
	vnode_run(z.n, b, 3, 6);
	CHECK_OK(vnode_reqbufs(z.n, 0, V4L2_MEMORY_MMAP));
	if (z.n->num_planes > 1)
		return;
	vnode_buffers(z.n, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(&b[0], z.n, 0, V4L2_MEMORY_DMABUF);
	b[0].p[0].fd = z.other;
	vnode_run(z.n, b, 1, 3);
}

static const struct ksft_test tests[] = {
	{ "10,000 malformed calls", fuzz, NODE_SPLANE, .timeout = 300,
	  .stock = "leaks dma_bufs, and fills the kernel's log" },
	/*
	 * vb2 core leaks the dma_bufs of the planes after one that fails (see
	 * vbm-core-leak.c), so that bufinfo says nothing about the backend.
	 */
	{ "10,000 malformed calls", fuzz, NODE_MPLANE, KSFT_LEAKS,
	  .timeout = 300 },
};

KSFT_MAIN(tests)
