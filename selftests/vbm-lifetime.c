// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps a buffer alive, taken away in every order. The memory must stay
 * what it is while anything holds it, and be free when nothing does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

/* What can be taken away. */
enum hold {
	QUEUE,		/* REQBUFS(0) */
	DEVICE,		/* close of the video node */
	FD,		/* close of the dma-buf's fd */
	MAP,		/* munmap of the video node's mapping */
	FD_MAP,		/* munmap of the dma-buf's mapping */
	IMPORT,		/* REQBUFS(0) of the queue that imports */
	HOLDS,
};

static const char * const hold_names[HOLDS] = {
	"REQBUFS(0)", "close", "close of the fd", "munmap",
	"munmap of the dma-buf", "REQBUFS(0) of the importer",
};

struct held {
	struct vnode *from, *to;
	struct vbuf b;
	void *map, *fd_map;
	size_t size;
	unsigned int has;
};

/* The ends of a mapping, so that 720 orders are done within a minute. */
static void check_map(const char *p, size_t size, unsigned int seed)
{
	const uint32_t *w = (const uint32_t *)p;

	if (w[0] != seed || w[size / 4 - 1] != ~seed)
		FAIL("the contents have changed");
}

static void mark_map(char *p, size_t size, unsigned int seed)
{
	uint32_t *w = (uint32_t *)p;

	w[0] = seed;
	w[size / 4 - 1] = ~seed;
}

static void hold(struct held *h, const char *node, struct vnode *to,
		 unsigned int seed)
{
	unsigned int p;

	h->from = vnode_open(node);
	h->to = to;
	vnode_buffers(h->from, 1, V4L2_MEMORY_MMAP);
	h->map = vnode_mmap(h->from, 0, 0, &h->size);
	mark_map(h->map, h->size, seed);
	h->has = 1 << QUEUE | 1 << DEVICE | 1 << FD | 1 << MAP | 1 << FD_MAP;
	vbuf_init(&h->b, to ? to : h->from, 0, V4L2_MEMORY_DMABUF);
	for (p = 0; p < h->from->num_planes; p++)
		h->b.p[p].fd = CHECK_OK(vnode_expbuf(h->from, 0, p, O_RDWR));
	h->fd_map = dmabuf_mmap(h->b.p[0].fd, h->size);
	if (!to)
		return;
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	CHECK_OK(vnode_prepare(to, &h->b));
	h->has |= 1 << IMPORT;
}

static void let_go(struct held *h, enum hold what)
{
	unsigned int p;

	h->has &= ~(1U << what);
	switch (what) {
	case QUEUE:
		/* The node may be closed already. */
		if (h->has & 1 << DEVICE)
			CHECK_OK(vnode_reqbufs(h->from, 0, V4L2_MEMORY_MMAP));
		break;
	case DEVICE:
		CHECK_OK(close(h->from->fd));
		break;
	case FD:
		for (p = 0; p < h->from->num_planes; p++)
			CHECK_OK(close(h->b.p[p].fd));
		break;
	case MAP:
		CHECK_OK(munmap(h->map, h->size));
		break;
	case FD_MAP:
		CHECK_OK(munmap(h->fd_map, h->size));
		break;
	default:
		if (h->to)
			CHECK_OK(vnode_reqbufs(h->to, 0, V4L2_MEMORY_DMABUF));
		break;
	}
}

static bool next_permutation(int *order, int nr)
{
	int i = nr - 2, k = nr - 1, t;

	while (i >= 0 && order[i] > order[i + 1])
		i--;
	if (i < 0)
		return false;
	while (order[k] < order[i])
		k--;
	t = order[i], order[i] = order[k], order[k] = t;
	for (i++, k = nr - 1; i < k; i++, k--)
		t = order[i], order[i] = order[k], order[k] = t;
	return true;
}

static void check_gone(const struct gauges *before, int objects,
		       const int *order)
{
	long long end = ksft_ms() + KSFT_SETTLE_MS;
	struct gauges now;
	const char *what;
	int i;

	do {
		gauges_read(&now);
		what = gauges_differ(before, &now);
		if (!what && bufinfo_count(NULL) == objects)
			return;
		usleep(1000);
	} while (ksft_ms() < end);
	for (i = 0; i < HOLDS; i++)
		ksft_say("%d: %s", i + 1, hold_names[order[i]]);
	FAIL("not free after that: %s", what ? what : "a dma_buf in bufinfo");
}

static void test_orders(const char *node)
{
	int order[HOLDS] = { QUEUE, DEVICE, FD, MAP, FD_MAP, IMPORT };
	unsigned int f = vnode_flags(node), orders = 0, seed;
	struct gauges before;
	struct vnode *to;
	const char *path;
	int i, k, objects;
	struct held h;

	path = vnode_find(f & (NODE_SPLANE | NODE_MPLANE | NODE_SG |
			       NODE_CONTIG), node);
	to = path ? vnode_open(path) : NULL;
	gauges_read(&before);
	objects = bufinfo_count(NULL);
	do {
		seed = 0x1000 + orders++;
		hold(&h, node, to, seed);
		for (i = 0; i < HOLDS; i++) {
			let_go(&h, order[i]);
			if (h.has & 1 << MAP)
				check_map(h.map, h.size, seed);
			if (h.has & 1 << FD_MAP)
				check_map(h.fd_map, h.size, seed);
			for (k = i + 1; k < HOLDS; k++)
				if (h.has & 1 << FD && order[k] == FD)
					CHECK(bufinfo_attached(h.b.p[0].fd) >= 0);
		}
		free(h.from);
		check_gone(&before, objects, order);
	} while (next_permutation(order, HOLDS));
	CHECK_EQ(orders, 720);
}

/* The dma-buf's release runs in whichever process goes last. */
static void test_two_processes(const char *node)
{
	struct held h;
	int round, status;
	pid_t pid;

	for (round = 0; round < 2; round++) {
		hold(&h, node, NULL, 7);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			if (round)
				usleep(50000);
			check_map(h.map, h.size, 7);
			check_map(h.fd_map, h.size, 7);
			mark_map(h.map, h.size, 8);
			_exit(0);
		}
		if (!round)
			CHECK(waitpid(pid, &status, 0) == pid && !status);
		let_go(&h, FD);
		let_go(&h, QUEUE);
		let_go(&h, DEVICE);
		let_go(&h, FD_MAP);
		if (round)
			CHECK(waitpid(pid, &status, 0) == pid && !status);
		check_map(h.map, h.size, 8);
		let_go(&h, MAP);
	}
}

static long long module_refs(const char *name)
{
	char path[128];
	long long refs;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	refs = read_number(path);
	if (refs < 0)
		FAIL("no %s", path);
	return refs;
}

static void test_module_exporter(const char *node)
{
	struct vnode *n = vnode_open(node);
	char module[64];
	long long refs;
	int fd, fd2;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	snprintf(module, sizeof(module), "%s", dmabuf_exporter(fd));
	refs = module_refs(module);
	fd2 = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	CHECK_EQ(module_refs(module), refs + 1);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	vnode_close(n);
	CHECK_EQ(module_refs(module), refs + 1);
	close(fd2);
	CHECK_EQ(module_refs(module), refs);
	close(fd);
	CHECK_EQ(module_refs(module), refs - 1);
}

/* A mapping holds the video node's file, and by it the driver's module. */
static void test_module_driver(const char *node)
{
	struct vnode *n = vnode_open(node);
	char driver[16];
	long long refs;
	size_t size;
	void *map;

	memcpy(driver, n->driver, sizeof(driver));
	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	map = vnode_mmap(n, 0, 0, &size);
	refs = module_refs(driver);
	CHECK(refs > 0);
	vnode_close(n);
	CHECK_EQ(module_refs(driver), refs);
	munmap(map, size);
	CHECK_EQ(module_refs(driver), refs - 1);
}

static void test_again(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct gauges one, now;
	unsigned int i, p;
	int fd;

	for (i = 0; i < 200; i++) {
		vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
		for (p = 0; p < n->num_planes; p++) {
			fd = CHECK_OK(vnode_expbuf(n, i % 4, p, O_RDWR));
			close(fd);
		}
		gauges_read(&now);
		if (!i)
			one = now;
		/* It depends on how the memory lies; a leak shows at the end. */
		one.v[GAUGE_METADATA] = now.v[GAUGE_METADATA];
		if (gauges_differ(&one, &now))
			FAIL("round %u: %s", i, gauges_differ(&one, &now));
	}
}

static const struct ksft_test tests[] = {
	{ "queue, device, fd, mappings and import let go in all 720 orders",
	  test_orders, .timeout = 400 },
	{ "two processes let go in turn", test_two_processes },
	{ "a dma-buf holds its exporter's module", test_module_exporter },
	{ "a mapping holds the video node", test_module_driver },
	{ "200 times REQBUFS without REQBUFS(0)", test_again },
};

KSFT_MAIN(tests)
