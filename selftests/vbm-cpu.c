// SPDX-License-Identifier: GPL-2.0
/*
 * CPU access: DMA_BUF_IOCTL_SYNC, NON_COHERENT buffers, and frames as a program
 * gets them by read().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#ifndef V4L2_MEMORY_FLAG_NON_COHERENT
#define V4L2_MEMORY_FLAG_NON_COHERENT	(1 << 0)
#endif

static const unsigned long long valid[] = {
	DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ,
	DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE,
	DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW,
	DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ,
	DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE,
	DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW,
};

#define NR_VALID (sizeof(valid) / sizeof(valid[0]))

static void sync_each(int fd)
{
	unsigned long long flags;
	unsigned int i;

	for (i = 0; i < NR_VALID; i++)
		CHECK_OK(dmabuf_sync(fd, valid[i]));
	/* Out of order, as user space may, and again. */
	for (i = NR_VALID; i-- > 0;)
		CHECK_OK(dmabuf_sync(fd, valid[i]));
	for (flags = 0; flags < 64; flags++) {
		for (i = 0; i < NR_VALID && valid[i] != flags; i++)
			;
		if (i == NR_VALID)
			CHECK_ERR(dmabuf_sync(fd, flags), EINVAL);
	}
	for (i = 3; i < 64; i++)
		CHECK_ERR(dmabuf_sync(fd, 1ULL << i | DMA_BUF_SYNC_RW), EINVAL);
	CHECK_ERR(xioctl(fd, DMA_BUF_IOCTL_SYNC, NULL), EFAULT);
}

static void test_sync_flags(const char *node)
{
	struct vnode *n = vnode_open(node);
	int fd;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	sync_each(fd);
	/* The same when all but the dma-buf is gone. */
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	vnode_close(n);
	sync_each(fd);
}

/* The same while queues have it, and while a device writes into it. */
static void test_sync_imported(const char *node)
{
	struct vnode *from = vnode_open(node), *to;
	unsigned int f = vnode_flags(node), i;
	struct vbuf b, d;
	const char *path;
	unsigned int p;

	path = vnode_find((f & (NODE_MPLANE | NODE_SPLANE | NODE_CONTIG |
				NODE_SG)), node);
	if (!path)
		ksft_skip("no other node that can import from it");
	to = vnode_open(path);
	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 2, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
	for (p = 0; p < to->num_planes; p++) {
		b.p[p].fd = CHECK_OK(vnode_expbuf(from, 0, p, O_RDWR));
		b.p[p].length = dmabuf_size(b.p[p].fd);
	}
	CHECK_OK(vnode_qbuf(to, &b));
	b.index = 1;
	CHECK_OK(vnode_qbuf(to, &b));
	CHECK_OK(vnode_stream(to, true));
	for (i = 0; i < 5; i++) {
		sync_each(b.p[0].fd);
		CHECK_OK(vnode_dqbuf(to, V4L2_MEMORY_DMABUF, &d));
		CHECK(!(d.flags & V4L2_BUF_FLAG_ERROR));
		b.index = d.index;
		CHECK_OK(vnode_qbuf(to, &b));
	}
	CHECK_OK(vnode_stream(to, false));
}

/* Between the brackets of an access the program's bytes are its own. */
static void test_sync_contents(const char *node)
{
	struct vnode *n = vnode_open(node);
	unsigned int i;
	size_t size;
	char *map, *fd_map;
	int fd;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	map = vnode_mmap(n, 0, 0, &size);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	fd_map = dmabuf_mmap(fd, size);
	for (i = 0; i < 8; i++) {
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_START |
					 DMA_BUF_SYNC_WRITE));
		pattern_fill(i & 1 ? map : fd_map, size, i);
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_END |
					 DMA_BUF_SYNC_WRITE));
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_START |
					 DMA_BUF_SYNC_READ));
		CHECK_PATTERN(i & 1 ? fd_map : map, size, i);
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_END |
					 DMA_BUF_SYNC_READ));
	}
}

static void test_non_coherent(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct vbuf b[3];
	size_t size[3];
	char *map[3];
	unsigned int i;
	int fd;

	CHECK(vnode_reqbufs_flags(n, 3, V4L2_MEMORY_MMAP,
				  V4L2_MEMORY_FLAG_NON_COHERENT) >= 3);
	for (i = 0; i < 3; i++) {
		map[i] = vnode_mmap(n, i, 0, &size[i]);
		CHECK_EQ(bytes_check(map[i], size[i], 0), -1);
		memset(map[i], 0xa5, size[i]);
		vbuf_init(&b[i], n, i, V4L2_MEMORY_MMAP);
	}
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	sync_each(fd);
	vnode_run(n, b, 3, 6);
	/* Hints that no maintenance is wanted are taken, and lose nothing. */
	for (i = 0; i < 3; i++)
		b[i].flags = V4L2_BUF_FLAG_NO_CACHE_INVALIDATE |
			     V4L2_BUF_FLAG_NO_CACHE_CLEAN;
	vnode_run(n, b, 3, 6);
	for (i = 0; i < 3 && n->flags & NODE_CAP; i++)
		CHECK(bytes_check(map[i], n->sizeimage[0], 0xa5) >= 0);
	/* The two kinds are not mixed in one queue, but follow each other. */
	CHECK_OK(vnode_reqbufs(n, 3, V4L2_MEMORY_MMAP));
	CHECK_OK(vnode_reqbufs_flags(n, 3, V4L2_MEMORY_MMAP,
				     V4L2_MEMORY_FLAG_NON_COHERENT));
	sync_each(fd);
}

static void read_frames(struct vnode *n, unsigned int frames)
{
	size_t size = 0;
	unsigned int i, p;
	char *frame;

	for (p = 0; p < n->num_planes; p++)
		size += n->sizeimage[p];
	frame = malloc(size);
	for (i = 0; i < frames; i++) {
		struct pollfd pfd = { .fd = n->fd, .events = POLLIN };
		ssize_t got;

		memset(frame, 0xa5, size);
		CHECK_EQ(poll(&pfd, 1, 10000), 1);
		got = read(n->fd, frame, size);
		if (got < 0)
			FAIL("read: %s", ksft_errno(errno));
		CHECK_EQ(got, size);
		CHECK(bytes_check(frame, size, 0xa5) >= 0);
		CHECK(bytes_check(frame, size, 0) >= 0);
	}
	free(frame);
}

/* File I/O reads the frames through the kernel's own mapping of them. */
static void test_read(const char *node)
{
	struct vnode *n = vnode_open(node);

	read_frames(n, 6);
	/* Another program comes after, and then one that streams. */
	vnode_close(n);
	n = vnode_open(node);
	read_frames(n, 2);
	vnode_close(n);
	n = vnode_open(node);
	vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
}

static const struct ksft_test tests[] = {
	{ "DMA_BUF_IOCTL_SYNC takes each valid flag and no other",
	  test_sync_flags },
	{ "DMA_BUF_IOCTL_SYNC while a queue streams into it",
	  test_sync_imported },
	{ "contents between DMA_BUF_IOCTL_SYNC brackets", test_sync_contents,
	  NODE_CONTIG },
	{ "contents between DMA_BUF_IOCTL_SYNC brackets", test_sync_contents,
	  NODE_SG, KSFT_DIRECT },
	{ "bounced: contents between DMA_BUF_IOCTL_SYNC brackets",
	  test_sync_contents, NODE_SG, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "what the CPU has written is overwritten" },
	{ "NON_COHERENT buffers", test_non_coherent,
	  NODE_HINTS | NODE_SPLANE },
	{ "read() gives frames", test_read, NODE_CAP | NODE_RW | NODE_SPLANE },
};

KSFT_MAIN(tests)
