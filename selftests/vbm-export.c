// SPDX-License-Identifier: GPL-2.0
/*
 * Export of buffers as dma-bufs and their import into queues, with what user
 * space may get wrong about it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define BUFS 3

static size_t page_up(size_t size)
{
	size_t page = getpagesize();

	return (size + page - 1) / page * page;
}

/* The exporter's name is the name of the module that exports. */
static const char *exporter_expected(const struct vnode *n)
{
	if (!ksft_stock)
		return "videobuf2_mem";
	return n->flags & NODE_SG ? "videobuf2_dma_sg" : "videobuf2_dma_contig";
}

static void test_every_plane(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct vbuf b;
	unsigned int i, p;
	int fd, ro;
	void *map;

	vnode_buffers(n, BUFS, V4L2_MEMORY_MMAP);
	for (i = 0; i < BUFS; i++) {
		CHECK_OK(vnode_querybuf(n, i, &b));
		CHECK_EQ(b.num_planes, n->num_planes);
		for (p = 0; p < n->num_planes; p++) {
			fd = CHECK_OK(vnode_expbuf(n, i, p, O_RDWR | O_CLOEXEC));
			CHECK_EQ(dmabuf_size(fd), page_up(b.p[p].length));
			if (strcmp(dmabuf_exporter(fd), exporter_expected(n)))
				FAIL("exporter is %s", dmabuf_exporter(fd));
			CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
			CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
			CHECK_EQ(bufinfo_attached(fd), 0);

			ro = CHECK_OK(vnode_expbuf(n, i, p, O_RDONLY));
			CHECK_EQ(fcntl(ro, F_GETFD), 0);
			map = mmap(NULL, b.p[p].length, PROT_READ | PROT_WRITE,
				   MAP_SHARED, ro, 0);
			CHECK(map == MAP_FAILED && errno == EACCES);
			map = mmap(NULL, b.p[p].length, PROT_READ, MAP_SHARED,
				   ro, 0);
			CHECK(map != MAP_FAILED);
			CHECK_EQ(bytes_check(map, b.p[p].length, 0), -1);
		}
	}
}

static void test_expbuf_refused(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct v4l2_exportbuffer e = { .type = V4L2_BUF_TYPE_VBI_CAPTURE };

	CHECK_ERR(vnode_expbuf(n, 0, 0, O_RDWR), EINVAL);
	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	CHECK_ERR(vnode_expbuf(n, 60, 0, O_RDWR), EINVAL);
	CHECK_ERR(vnode_expbuf(n, ~0u, 0, O_RDWR), EINVAL);
	CHECK_ERR(vnode_expbuf(n, 0, n->num_planes, O_RDWR), EINVAL);
	CHECK_ERR(vnode_expbuf(n, 0, ~0u, O_RDWR), EINVAL);
	CHECK_ERR(vnode_expbuf(n, 0, 0, O_RDWR | O_APPEND), EINVAL);
	CHECK_ERR(xioctl(n->fd, VIDIOC_EXPBUF, &e), EINVAL);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_ERR(vnode_expbuf(n, 0, 0, O_RDWR), EINVAL);
	vnode_buffers(n, 1, V4L2_MEMORY_DMABUF);
	CHECK_ERR(vnode_expbuf(n, 0, 0, O_RDWR), EINVAL);
}

/* Exports every plane of @count buffers of @from into @b, for @to. */
static void export_all(struct vnode *from, struct vnode *to, struct vbuf *b,
		       unsigned int count)
{
	unsigned int i, p;

	for (i = 0; i < count; i++) {
		vbuf_init(&b[i], to, i, V4L2_MEMORY_DMABUF);
		for (p = 0; p < to->num_planes; p++) {
			b[i].p[p].fd = CHECK_OK(vnode_expbuf(from, i, p,
							     O_RDWR));
			b[i].p[p].length = dmabuf_size(b[i].p[p].fd);
		}
	}
}

static void fds_close(struct vbuf *b, unsigned int count)
{
	unsigned int i, p;

	for (i = 0; i < count; i++)
		for (p = 0; p < b[i].num_planes; p++)
			close(b[i].p[p].fd);
}

/*
 * Frames through imported buffers. A queue that wants contiguous memory may
 * refuse what a scatter-gather queue has scattered: then with an errno that
 * says so, and nothing else.
 */
static void import_pair(struct vnode *from, struct vnode *to)
{
	struct vbuf b[BUFS];
	unsigned char *map[BUFS];
	size_t size[BUFS];
	unsigned int i;
	int ret;

	vnode_buffers(from, BUFS, V4L2_MEMORY_MMAP);
	for (i = 0; i < BUFS; i++) {
		map[i] = vnode_mmap(from, i, 0, &size[i]);
		memset(map[i], 0xa5, size[i]);
	}
	vnode_buffers(to, BUFS, V4L2_MEMORY_DMABUF);
	export_all(from, to, b, BUFS);

	if (from->flags & NODE_SG && to->flags & NODE_CONTIG) {
		/* Core would leak the second plane: see vbm-core-leak.c. */
		if (to->num_planes > 1)
			goto out;
		ret = vnode_prepare(to, &b[0]);
		if (ret == -EFAULT || ret == -EBUSY || ret == -EOPNOTSUPP) {
			CHECK_EQ(bufinfo_attached(b[0].p[0].fd), 0);
			goto out;
		}
		CHECK_OK(ret);
		CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
		vnode_buffers(to, BUFS, V4L2_MEMORY_DMABUF);
	}
	vnode_run(to, b, BUFS, 2 * BUFS);
	for (i = 0; i < BUFS; i++) {
		CHECK_EQ(bufinfo_attached(b[i].p[0].fd), 1);
		/* A capture has written there, an output has not. */
		if (to->flags & NODE_CAP)
			CHECK(bytes_check(map[i], to->sizeimage[0], 0xa5) >= 0);
		else
			CHECK_EQ(bytes_check(map[i], size[i], 0xa5), -1);
	}
out:
	CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
	fds_close(b, BUFS);
	for (i = 0; i < BUFS; i++)
		munmap(map[i], size[i]);
	CHECK_OK(vnode_reqbufs(from, 0, V4L2_MEMORY_MMAP));
}

static void test_import(const char *node)
{
	struct vnode *from, *to;
	char *nodes[64];
	int i, nr = vnode_list(nodes, 64), pairs = 0;

	from = vnode_open(node);
	for (i = 0; i < nr; i++) {
		if (!strcmp(nodes[i], node))
			continue;
		to = vnode_open(nodes[i]);
		if (to->num_planes == from->num_planes) {
			import_pair(from, to);
			pairs++;
		}
		vnode_close(to);
	}
	if (!pairs)
		ksft_skip("no other node with as many planes");
}

/*
 * Another node that takes what @node exports without asking for more. Where a
 * QBUF fails and the next must not, it has to be a capture: core refuses the
 * bytesused of an output once the length is forgotten.
 */
static struct vnode *open_importer(const char *node, unsigned int flags)
{
	unsigned int f = vnode_flags(node);
	const char *to;

	flags |= f & (NODE_MPLANE | NODE_SPLANE);
	to = vnode_find(flags | (f & (NODE_CONTIG | NODE_SG)), node);
	if (!to && !(f & NODE_SG))
		to = vnode_find(flags, node);
	if (!to)
		ksft_skip("no other node that can import from it");
	return vnode_open(to);
}

static void test_same_fd_planes(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, 0);
	struct vbuf b;
	unsigned int p;
	int fd;

	CHECK(to->num_planes > 1);
	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	fd = CHECK_OK(vnode_expbuf(from, 0, 0, O_RDWR));
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
	for (p = 0; p < to->num_planes; p++) {
		b.p[p].fd = fd;
		b.p[p].length = dmabuf_size(fd);
		CHECK(b.p[p].length >= to->sizeimage[p]);
	}
	/* At two indexes: two attachments, whatever the number of planes. */
	vnode_run(to, &b, 1, 3);
	CHECK_EQ(bufinfo_attached(fd), 2);
	/* And once more, which must find it as it is. */
	vnode_run(to, &b, 1, 3);
	CHECK_EQ(bufinfo_attached(fd), 2);
	CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
	CHECK_EQ(bufinfo_attached(fd), 0);
}

static void test_same_fd_indexes(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, 0);
	struct vbuf b[BUFS];
	unsigned int i, p;

	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	vnode_buffers(to, BUFS, V4L2_MEMORY_DMABUF);
	export_all(from, to, b, 1);
	for (i = 1; i < BUFS; i++) {
		b[i] = b[0];
		b[i].index = i;
	}
	for (p = 0; p < to->num_planes; p++)
		CHECK_EQ(bufinfo_attached(b[0].p[p].fd), 0);
	vnode_run(to, b, BUFS, 2 * BUFS);
	for (p = 0; p < to->num_planes; p++)
		CHECK_EQ(bufinfo_attached(b[0].p[p].fd), BUFS);
}

static void test_same_fd_queues(const char *node)
{
	struct vnode *from = vnode_open(node), *to;
	unsigned int queues = 0;
	char *nodes[64];
	int i, nr = vnode_list(nodes, 64);
	struct vbuf b;

	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	for (i = 0; i < nr; i++) {
		if (!strcmp(nodes[i], node))
			continue;
		to = vnode_open(nodes[i]);
		if (to->num_planes != from->num_planes ||
		    (from->flags & NODE_SG && to->flags & NODE_CONTIG)) {
			vnode_close(to);
			continue;
		}
		vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
		if (!queues)
			export_all(from, to, &b, 1);
		CHECK_OK(vnode_prepare(to, &b));
		queues++;
		CHECK_EQ(bufinfo_attached(b.p[0].fd), queues);
	}
	if (!queues)
		ksft_skip("no other node that can import from it");
}

/*
 * A length that the dma-buf does not have is refused, and the dma-buf not kept
 * for it: the runner looks at bufinfo when this has ended. Planes before it may
 * stay mapped for the next try, once.
 */
static void test_length_larger(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, NODE_CAP);
	struct vbuf b, good;
	unsigned int i;

	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	export_all(from, to, &good, 1);
	b = good;
	/* Only in the last plane: core leaks the planes after one that fails. */
	for (i = 0; i < 10; i++) {
		b.p[b.num_planes - 1].length = i & 1 ? ~0u - i :
			good.p[b.num_planes - 1].length + 1 + i;
		CHECK_ERR(vnode_prepare(to, &b), EFAULT);
		CHECK_ERR(vnode_qbuf(to, &b), EFAULT);
		CHECK_EQ(bufinfo_attached(b.p[b.num_planes - 1].fd), 0);
		CHECK(bufinfo_attached(b.p[0].fd) < (int)b.num_planes);
	}
	/* The queue is none the worse. */
	vnode_run(to, &good, 1, 2);
}

static void test_length_smaller(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, NODE_CAP);
	struct vbuf b, good;

	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	export_all(from, to, &good, 1);
	b = good;
	b.p[0].length = to->sizeimage[0] - 1;
	CHECK_ERR(vnode_prepare(to, &b), EINVAL);
	b.p[0].length = 1;
	CHECK_ERR(vnode_qbuf(to, &b), EINVAL);
	CHECK_EQ(bufinfo_attached(b.p[0].fd), 0);
	/* No length is the dma-buf's own, and less than that is enough. */
	b.p[0].length = 0;
	vnode_run(to, &b, 1, 2);
	b.p[0].length = to->sizeimage[0];
	vnode_run(to, &b, 1, 2);
	vnode_run(to, &good, 1, 2);
	CHECK_EQ(bufinfo_attached(b.p[0].fd), 2);
}

/* Small dma-bufs into a queue that needs more. */
static void test_buffer_too_small(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, NODE_CAP);
	struct vbuf b;

	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_set_fmt(to, 640, 360, to->fourcc));
	CHECK(to->sizeimage[0] > page_up(from->sizeimage[0]));
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	export_all(from, to, &b, 1);
	CHECK_ERR(vnode_qbuf(to, &b), EINVAL);
	b.p[0].length = 0;
	CHECK_ERR(vnode_qbuf(to, &b), EINVAL);
	CHECK_EQ(bufinfo_attached(b.p[0].fd), 0);
}

static void test_not_a_dmabuf(const char *node)
{
	struct vnode *to = vnode_open(node);
	struct vbuf b;
	unsigned int p, i;
	int fds[] = { -1, 0x7fffffff, to->fd, open("/dev/zero", O_RDWR) };

	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
		for (p = 0; p < to->num_planes; p++)
			b.p[p].fd = fds[i];
		CHECK_ERR(vnode_qbuf(to, &b), EINVAL);
		CHECK_ERR(vnode_prepare(to, &b), EINVAL);
	}
}

/* Another dma-buf at an index releases the one before. */
static void test_rotate(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, 0);
	struct vbuf b[4], at, done;
	unsigned int i;

	vnode_buffers(from, 4, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 2, V4L2_MEMORY_DMABUF);
	export_all(from, to, b, 4);
	CHECK_OK(vnode_stream(to, true));
	for (i = 0; i < 20; i++) {
		at = b[i % 4];
		at.index = i % 2;
		if (i >= 2) {
			CHECK_OK(vnode_dqbuf(to, V4L2_MEMORY_DMABUF, &done));
			at.index = done.index;
		}
		CHECK_OK(vnode_qbuf(to, &at));
	}
	CHECK_OK(vnode_stream(to, false));
	for (i = 0; i < 4; i++)
		close(b[i].p[0].fd);
}

/* An import goes on without its fd, its exporter's queue and its device. */
static void test_import_alone(const char *node)
{
	struct vnode *from = vnode_open(node), *to = open_importer(node, 0);
	struct vbuf b[BUFS];
	unsigned int i;

	vnode_buffers(from, BUFS, V4L2_MEMORY_MMAP);
	vnode_buffers(to, BUFS, V4L2_MEMORY_DMABUF);
	export_all(from, to, b, BUFS);
	for (i = 0; i < BUFS; i++)
		CHECK_OK(vnode_qbuf(to, &b[i]));
	fds_close(b, BUFS);
	CHECK_OK(vnode_reqbufs(from, 0, V4L2_MEMORY_MMAP));
	vnode_close(from);
	CHECK_OK(vnode_stream(to, true));
	/* An output keeps the last one that it has. */
	for (i = 0; i < BUFS - 1; i++)
		CHECK_OK(vnode_dqbuf(to, V4L2_MEMORY_DMABUF, &b[i]));
	CHECK_OK(vnode_stream(to, false));
}

static const struct ksft_test tests[] = {
	{ "every plane is exported with its size, name and mode",
	  test_every_plane },
	{ "EXPBUF refuses what is not there", test_expbuf_refused },
	{ "every other queue imports and streams", test_import },
	{ "the same fd in several planes", test_same_fd_planes, NODE_MPLANE },
	{ "the same fd at several indexes", test_same_fd_indexes },
	{ "the same fd in several queues", test_same_fd_queues },
	{ "a DMABUF length larger than the buffer is refused without a leak",
	  test_length_larger,
	  .stock = "keeps the dma_buf for good" },
	{ "a DMABUF length smaller than the frame is refused",
	  test_length_smaller },
	{ "a dma-buf smaller than the frame is refused",
	  test_buffer_too_small, NODE_SPLANE },
	{ "a file that is no dma-buf is refused", test_not_a_dmabuf },
	{ "four dma-bufs rotate over two indexes", test_rotate, NODE_SPLANE },
	{ "an import outlives fd, queue and device of the exporter",
	  test_import_alone },
};

KSFT_MAIN(tests)
