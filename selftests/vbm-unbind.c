// SPDX-License-Identifier: GPL-2.0
/*
 * A driver is taken from its device while buffers, mappings and dma-bufs live,
 * and each of them is used afterwards.
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

static int driver_do(const char *driver, const char *what, const char *device)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/platform/drivers/%s/%s", driver,
		 what);
	return write_file(path, device);
}

/* A node of another device that can import; NULL: none. */
static struct vnode *open_other(const char *node, const char *device)
{
	unsigned int f = vnode_flags(node);
	char *nodes[64], name[64];
	int i, nr = vnode_list(nodes, 64);

	for (i = 0; i < nr; i++) {
		if ((f ^ vnode_flags(nodes[i])) & (NODE_MPLANE | NODE_SPLANE |
						   NODE_SG | NODE_CONTIG))
			continue;
		vnode_device(nodes[i], name, sizeof(name));
		if (strcmp(name, device))
			return vnode_open(nodes[i]);
	}
	return NULL;
}

struct scene {
	struct vnode *n, *other;
	char driver[16], device[64];
	struct vbuf b;		/* the exported buffer, for the other node */
	char *map, *fd_map;
	size_t size;
};

static void scene_make(struct scene *s, const char *node)
{
	unsigned int p;

	vnode_device(node, s->device, sizeof(s->device));
	s->n = vnode_open(node);
	memcpy(s->driver, s->n->driver, sizeof(s->driver));
	vnode_buffers(s->n, 2, V4L2_MEMORY_MMAP);
	s->map = vnode_mmap(s->n, 0, 0, &s->size);
	s->other = open_other(node, s->device);
	vbuf_init(&s->b, s->other ? s->other : s->n, 0, V4L2_MEMORY_DMABUF);
	for (p = 0; p < s->n->num_planes; p++) {
		s->b.p[p].fd = CHECK_OK(vnode_expbuf(s->n, 0, p, O_RDWR));
		s->b.p[p].length = dmabuf_size(s->b.p[p].fd);
	}
	s->fd_map = dmabuf_mmap(s->b.p[0].fd, s->size);
	if (s->other) {
		vnode_buffers(s->other, 2, V4L2_MEMORY_DMABUF);
		vnode_run(s->other, &s->b, 1, 2);
	}
	pattern_fill(s->map, s->size, 1);
}

static void check_gone(int ret)
{
	if (ret != -ENODEV)
		FAIL("%s, not ENODEV", ret < 0 ? ksft_errno(-ret) : "success");
}

/* Works, or says that there is no device. */
static void check_or_gone(int ret)
{
	if (ret < 0)
		check_gone(ret);
}

static void use_everything(struct scene *s)
{
	struct vbuf own;
	char *map;
	int fd = s->b.p[0].fd;

	/* Memory that is mapped is memory. */
	CHECK_EQ(pattern_check(s->map, s->size, 1), -1);
	pattern_fill(s->fd_map, s->size, 2);
	CHECK_EQ(pattern_check(s->map, s->size, 2), -1);
	check_or_gone(dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	check_or_gone(dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		check_gone(-errno);
	else
		CHECK_EQ(pattern_check(map, s->size, 2), -1);

	/* The node is gone. */
	vbuf_init(&own, s->n, 1, V4L2_MEMORY_MMAP);
	check_gone(vnode_qbuf(s->n, &own));
	check_gone(vnode_expbuf(s->n, 1, 0, O_RDWR));
	check_gone(vnode_reqbufs(s->n, 0, V4L2_MEMORY_MMAP));
	check_gone(vnode_stream(s->n, true));

	/* A device that has it mapped goes on; one that wants it may not. */
	if (!s->other)
		return;
	vnode_run(s->other, &s->b, 1, 2);
	s->b.index = 1;
	check_or_gone(vnode_prepare(s->other, &s->b));
	CHECK_OK(vnode_reqbufs(s->other, 0, V4L2_MEMORY_DMABUF));
	CHECK_OK(vnode_reqbufs(s->other, 1, V4L2_MEMORY_DMABUF));
	s->b.index = 0;
	check_or_gone(vnode_prepare(s->other, &s->b));
	CHECK_EQ(fcntl(fd, F_GETFD) & ~FD_CLOEXEC, 0);
}

/* The device gets its driver back, and a node that works. */
static void bind_again(struct scene *s)
{
	struct vnode *n;
	char *nodes[64], device[64];
	int i, nr;

	CHECK_OK(driver_do(s->driver, "bind", s->device));
	/* udev is not here to be waited for: devtmpfs has the node. */
	nr = vnode_list(nodes, 64);
	for (i = 0; i < nr; i++) {
		vnode_device(nodes[i], device, sizeof(device));
		if (strcmp(device, s->device))
			continue;
		n = vnode_open(nodes[i]);
		vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
		vnode_close(n);
		return;
	}
	FAIL("%s has no node after it was bound again", s->device);
}

static void test_exporter(const char *node)
{
	struct scene s;

	scene_make(&s, node);
	CHECK_OK(driver_do(s.driver, "unbind", s.device));
	use_everything(&s);
	bind_again(&s);
	/* What is left of the old device, beside the new one. */
	pattern_fill(s.map, s.size, 3);
	CHECK_EQ(pattern_check(s.fd_map, s.size, 3), -1);
}

static void test_streaming(const char *node)
{
	struct vbuf b[2], d;
	struct scene s;
	unsigned int i;
	int ret;

	scene_make(&s, node);
	for (i = 0; i < 2; i++) {
		vbuf_init(&b[i], s.n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(s.n, &b[i]));
	}
	CHECK_OK(vnode_stream(s.n, true));
	CHECK_OK(driver_do(s.driver, "unbind", s.device));
	for (i = 0; i < 3; i++) {
		ret = vnode_dqbuf(s.n, V4L2_MEMORY_MMAP, &d);
		check_gone(ret);
	}
	pattern_fill(s.map, s.size, 1);
	use_everything(&s);
	bind_again(&s);
}

static void test_importer(const char *node)
{
	char device[64], driver[16];
	struct scene s;
	struct vbuf own;

	scene_make(&s, node);
	if (!s.other)
		ksft_skip("no other device that can import from it");
	vnode_device(s.other->path, device, sizeof(device));
	memcpy(driver, s.other->driver, sizeof(driver));
	CHECK_OK(vnode_qbuf(s.other, &s.b));
	s.b.index = 1;
	CHECK_OK(vnode_qbuf(s.other, &s.b));
	CHECK_OK(vnode_stream(s.other, true));
	CHECK_OK(driver_do(driver, "unbind", device));
	/* The exporter is none the worse. */
	check_gone(vnode_qbuf(s.other, &s.b));
	pattern_fill(s.map, s.size, 1);
	CHECK_EQ(pattern_check(s.fd_map, s.size, 1), -1);
	CHECK_OK(dmabuf_sync(s.b.p[0].fd, DMA_BUF_SYNC_START |
			     DMA_BUF_SYNC_RW));
	CHECK_OK(dmabuf_sync(s.b.p[0].fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	vbuf_init(&own, s.n, 1, V4L2_MEMORY_MMAP);
	vnode_run(s.n, &own, 1, 1);
	CHECK_OK(vnode_reqbufs(s.n, 0, V4L2_MEMORY_MMAP));
	vnode_close(s.other);
	CHECK_OK(driver_do(driver, "bind", device));
}

/* vivid says what it does: a line for each node that comes or goes. */
#define LOG_MAX 100

static const struct ksft_test tests[] = {
	{ "the exporter's device is unbound", test_exporter, NODE_CAP,
	  .log_max = LOG_MAX },
	{ "the exporter's device is unbound while it streams",
	  test_streaming, NODE_CAP, .log_max = LOG_MAX },
	{ "the importer's device is unbound while it streams",
	  test_importer, NODE_CAP | NODE_SPLANE, .log_max = LOG_MAX },
};

KSFT_MAIN(tests)
