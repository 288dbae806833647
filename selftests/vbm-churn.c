// SPDX-License-Identifier: GPL-2.0
/*
 * 10,000 operations by a seeded generator, and no memory is lost: buffers come
 * and go, are mapped, exported, attached, mapped by devices, queued, moved, in any
 * order, and most operations succeed. What the gauges of debugfs count returns,
 * as after each test; so does what the guest has free. -s SEED makes another run.
 *
 * The same was done once before what is free is looked at: caches of the kernel's
 * allocators that it fills are no loss.
 *
 * vbcam has to be named by the core's parameter "movable".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "memory.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"

/* That reach the kernel: what there is nothing for at the moment does not count. */
#define CALLS	10000
#define WARM_UP	2500
#define NO_CALL	(-4096)
/* Half a page of each buffer, of which there are this many at least. */
#define LEAST	1000
#define LOSS	(2 * MB)
#define NODES	4
#define IMPORTER 3		/* the node that has imports only */
#define BUFS	8
#define FDS	12
#define MAPS	12
#define PEERS	4
#define POOL	"/sys/module/videobuf2_mem/parameters/pool_mb"

enum call {
	REQBUFS, CREATE, REMOVE, MMAP, MUNMAP, EXPBUF, CLOSE_FD, MMAP_FD,
	ATTACH, DETACH, MAP, UNMAP, VMAP, VUNMAP, QBUF, DQBUF, STREAM, IMPORT,
	MOVE, DRAIN, REOPEN,
	NR_CALLS
};

static const char * const names[NR_CALLS] = {
	[REQBUFS] = "REQBUFS", [CREATE] = "CREATE_BUFS",
	[REMOVE] = "REMOVE_BUFS", [MMAP] = "mmap", [MUNMAP] = "munmap",
	[EXPBUF] = "EXPBUF", [CLOSE_FD] = "close", [MMAP_FD] = "mmap of an fd",
	[ATTACH] = "attach", [DETACH] = "detach", [MAP] = "map",
	[UNMAP] = "unmap", [VMAP] = "vmap", [VUNMAP] = "vunmap",
	[QBUF] = "QBUF", [DQBUF] = "DQBUF", [STREAM] = "STREAMON and OFF",
	[IMPORT] = "QBUF of an fd", [MOVE] = "move", [DRAIN] = "pool",
	[REOPEN] = "open and close",
};

/* How often each comes: what takes away is rarer than what adds. */
static const unsigned char weights[NR_CALLS] = {
	[REQBUFS] = 5, [CREATE] = 6, [REMOVE] = 5, [MMAP] = 8, [MUNMAP] = 6,
	[EXPBUF] = 8, [CLOSE_FD] = 5, [MMAP_FD] = 4, [ATTACH] = 8, [DETACH] = 4,
	[MAP] = 10, [UNMAP] = 6, [VMAP] = 3, [VUNMAP] = 3, [QBUF] = 12,
	[DQBUF] = 8, [STREAM] = 2, [IMPORT] = 14, [MOVE] = 12, [DRAIN] = 1,
	[REOPEN] = 1,
};

struct churn {
	struct ksft_rand rand;
	const char *paths[NODES];
	struct vnode *n[NODES];
	unsigned int memory[NODES];	/* of its queue; 0: it has none */
	bool streams[NODES];
	int nr_nodes;
	int fds[FDS];
	void *maps[MAPS];
	size_t sizes[MAPS];
	int of[MAPS];			/* node, or -1 for a dma-buf */
	int peers[PEERS];
	unsigned int mapped[PEERS];	/* mappings of it, as bits */
	bool vmapped[PEERS];
	unsigned int done[NR_CALLS], total;
};

static unsigned int below(struct churn *c, unsigned int n)
{
	return (ksft_rand(&c->rand) >> 33) % n;
}

static int empty(const int *fds, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (fds[i] < 0)
			return i;
	return -1;
}

/*
 * Queues
 */

static int churn_reqbufs(struct churn *c, unsigned int i)
{
	unsigned int count = below(c, BUFS), memory;
	int ret;

	memory = i == IMPORTER || !below(c, 4) ? V4L2_MEMORY_DMABUF :
						 V4L2_MEMORY_MMAP;
	ret = vnode_reqbufs(c->n[i], count, memory);
	if (ret >= 0) {
		c->memory[i] = ret ? memory : 0;
		c->streams[i] = false;
	}
	return ret;
}

static int churn_create(struct churn *c, unsigned int i)
{
	struct v4l2_create_buffers req = {
		.count = 1 + below(c, 3),
		.memory = c->memory[i] ?: i == IMPORTER ? V4L2_MEMORY_DMABUF :
							  V4L2_MEMORY_MMAP,
		.format.type = c->n[i]->type,
	};
	int ret;

	CHECK_OK(xioctl(c->n[i]->fd, VIDIOC_G_FMT, &req.format));
	ret = xioctl(c->n[i]->fd, VIDIOC_CREATE_BUFS, &req);
	if (!ret)
		c->memory[i] = req.memory;
	return ret;
}

static int churn_remove(struct churn *c, unsigned int i)
{
	struct v4l2_remove_buffers req = {
		.index = below(c, BUFS), .count = 1, .type = c->n[i]->type,
	};

	return xioctl(c->n[i]->fd, VIDIOC_REMOVE_BUFS, &req);
}

static int churn_qbuf(struct churn *c, unsigned int i, bool import)
{
	struct vbuf b;

	if (c->memory[i] != (import ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP))
		return NO_CALL;
	vbuf_init(&b, c->n[i], below(c, BUFS), c->memory[i]);
	if (import)
		b.p[0].fd = c->fds[below(c, FDS)];
	return vnode_qbuf(c->n[i], &b);
}

static int churn_dqbuf(struct churn *c, unsigned int i)
{
	struct pollfd pfd = { .fd = c->n[i]->fd, .events = POLLIN };
	struct vbuf b;

	if (!c->streams[i] || poll(&pfd, 1, 60) != 1 || !(pfd.revents & POLLIN))
		return NO_CALL;
	return vnode_dqbuf(c->n[i], c->memory[i], &b);
}

static int churn_stream(struct churn *c, unsigned int i)
{
	/* Once it streams it had better go on for a while. */
	bool on = !c->streams[i] || below(c, 4);
	int ret = vnode_stream(c->n[i], on);

	if (!ret)
		c->streams[i] = on;
	return ret;
}

static int churn_expbuf(struct churn *c, unsigned int i)
{
	int at = empty(c->fds, FDS), fd;

	if (at < 0)
		return NO_CALL;
	fd = vnode_expbuf(c->n[i], below(c, BUFS), 0, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		c->fds[at] = fd;
	return fd < 0 ? fd : 0;
}

static int churn_reopen(struct churn *c, unsigned int i)
{
	unsigned int k;

	/* A mapping is of the file, which has the queue. */
	for (k = 0; k < MAPS; k++) {
		if (!c->maps[k] || c->of[k] != (int)i)
			continue;
		munmap(c->maps[k], c->sizes[k]);
		c->maps[k] = NULL;
	}
	vnode_close(c->n[i]);
	c->n[i] = vnode_open(c->paths[i]);
	/* Every second one is what all have at first. */
	if (below(c, 2))
		CHECK_OK(vnode_set_fmt(c->n[i], 96 + 32 * below(c, 6),
				       64 + 16 * below(c, 8),
				       V4L2_PIX_FMT_YUYV));
	c->memory[i] = 0;
	c->streams[i] = false;
	return 0;
}

/*
 * User space
 */

static int churn_keep(struct churn *c, int of, void *p, size_t size)
{
	unsigned int i;

	if (p == MAP_FAILED)
		return -errno;
	/* The first and the last page of it, by a write and a read. */
	*(volatile char *)p = 1;
	(void)*((volatile char *)p + size - 1);
	for (i = 0; i < MAPS && c->maps[i]; i++)
		;
	c->maps[i] = p;
	c->sizes[i] = size;
	c->of[i] = of;
	return 0;
}

static bool churn_full(const struct churn *c)
{
	unsigned int i;

	for (i = 0; i < MAPS && c->maps[i]; i++)
		;
	return i == MAPS;
}

static int churn_mmap(struct churn *c, unsigned int i)
{
	struct vbuf b;
	int ret;

	if (churn_full(c) || c->memory[i] != V4L2_MEMORY_MMAP)
		return NO_CALL;
	ret = vnode_querybuf(c->n[i], below(c, BUFS), &b);
	if (ret)
		return ret;
	return churn_keep(c, i, mmap(NULL, b.p[0].length,
				     PROT_READ | PROT_WRITE, MAP_SHARED,
				     c->n[i]->fd, b.p[0].offset),
			  b.p[0].length);
}

static int churn_mmap_fd(struct churn *c)
{
	int fd = c->fds[below(c, FDS)];

	if (churn_full(c) || fd < 0)
		return NO_CALL;
	return churn_keep(c, -1, mmap(NULL, dmabuf_size(fd),
				      PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				      0), dmabuf_size(fd));
}

static int churn_munmap(struct churn *c)
{
	unsigned int i = below(c, MAPS);

	if (!c->maps[i])
		return NO_CALL;
	munmap(c->maps[i], c->sizes[i]);
	c->maps[i] = NULL;
	return 0;
}

static int churn_close(struct churn *c)
{
	unsigned int i = below(c, FDS);

	if (c->fds[i] < 0)
		return NO_CALL;
	close(c->fds[i]);
	c->fds[i] = -1;
	return 0;
}

/*
 * Devices
 */

static int churn_attach(struct churn *c)
{
	int at = empty(c->peers, PEERS), fd = c->fds[below(c, FDS)];
	struct vbm_peer_limits limits = {
		.align = below(c, 3) ? 0 : 65536,
	};

	if (at < 0 || fd < 0)
		return NO_CALL;
	c->peers[at] = peer_open(NULL);
	if (limits.align)
		CHECK_OK(peer_limits(c->peers[at], &limits));
	c->mapped[at] = 0;
	c->vmapped[at] = false;
	return peer_attach_as(c->peers[at], fd, below(c, 3) ? VBM_PEER_STATIC :
			      VBM_PEER_REVOCABLE);
}

static int churn_detach(struct churn *c, unsigned int i)
{
	if (c->peers[i] < 0)
		return NO_CALL;
	/* As a program that ends does it: all at once. */
	close(c->peers[i]);
	c->peers[i] = -1;
	return 0;
}

static int churn_map(struct churn *c, unsigned int i)
{
	int map;

	if (c->peers[i] < 0)
		return NO_CALL;
	map = peer_map(c->peers[i], below(c, 3), NULL);
	if (map >= 0)
		c->mapped[i] |= 1U << map;
	return map < 0 ? map : 0;
}

static int churn_unmap(struct churn *c, unsigned int i)
{
	unsigned int map = below(c, VBM_PEER_MAPS);

	if (c->peers[i] < 0 || !(c->mapped[i] & 1U << map))
		return NO_CALL;
	c->mapped[i] &= ~(1U << map);
	/* It may have been asked to let go of it. */
	return peer_unmap(c->peers[i], map);
}

static int churn_vmap(struct churn *c, unsigned int i, bool map)
{
	int ret;

	if (c->peers[i] < 0 || c->vmapped[i] == map)
		return NO_CALL;
	ret = map ? peer_vmap(c->peers[i], NULL) : peer_vunmap(c->peers[i]);
	if (!ret)
		c->vmapped[i] = map;
	return ret;
}

static int churn_move(struct churn *c, unsigned int i)
{
	struct moves_buf b[MOVES_MAX];
	int n = moves_bufs(c->paths[i], b);

	return n ? moves_move(b[below(c, n)].id) : NO_CALL;
}

static int churn_drain(void)
{
	char text[32];
	long long mb = read_number(POOL);

	CHECK(mb > 0);
	CHECK_OK(write_file(POOL, "0"));
	snprintf(text, sizeof(text), "%lld", mb);
	CHECK_OK(write_file(POOL, text));
	return 0;
}

static int churn_call(struct churn *c, enum call call)
{
	unsigned int i = below(c, c->nr_nodes), k = below(c, PEERS);

	switch (call) {
	case REQBUFS:
		return churn_reqbufs(c, i);
	case CREATE:
		return churn_create(c, i);
	case REMOVE:
		return churn_remove(c, i);
	case MMAP:
		return churn_mmap(c, i);
	case MUNMAP:
		return churn_munmap(c);
	case EXPBUF:
		return churn_expbuf(c, i);
	case CLOSE_FD:
		return churn_close(c);
	case MMAP_FD:
		return churn_mmap_fd(c);
	case ATTACH:
		return churn_attach(c);
	case DETACH:
		return churn_detach(c, k);
	case MAP:
		return churn_map(c, k);
	case UNMAP:
		return churn_unmap(c, k);
	case VMAP:
		return churn_vmap(c, k, true);
	case VUNMAP:
		return churn_vmap(c, k, false);
	case QBUF:
		return churn_qbuf(c, i, false);
	case DQBUF:
		return churn_dqbuf(c, i);
	case STREAM:
		return churn_stream(c, i);
	case IMPORT:
		return churn_qbuf(c, below(c, 2) ? IMPORTER : i, true);
	case MOVE:
		return churn_move(c, i);
	case DRAIN:
		return churn_drain();
	case REOPEN:
		return churn_reopen(c, i);
	default:
		return NO_CALL;
	}
}

static void churn_start(struct churn *c, unsigned long long seed)
{
	char *paths[64];
	int nr, i;

	memset(c, 0, sizeof(*c));
	c->rand.state = seed;
	nr = vnode_list(paths, 64);
	for (i = 0; i < nr && c->nr_nodes < NODES; i++)
		if ((vnode_flags(paths[i]) & (NODE_CAP | NODE_SPLANE)) ==
		    (NODE_CAP | NODE_SPLANE))
			c->paths[c->nr_nodes++] = paths[i];
	CHECK_EQ(c->nr_nodes, NODES);
	for (i = 0; i < NODES; i++)
		c->n[i] = vnode_open(c->paths[i]);
	memset(c->fds, -1, sizeof(c->fds));
	memset(c->peers, -1, sizeof(c->peers));
	for (i = 0; i < NR_CALLS; i++)
		c->total += weights[i];
}

static void churn_end(struct churn *c)
{
	unsigned int i;

	for (i = 0; i < PEERS; i++)
		churn_detach(c, i);
	for (i = 0; i < FDS; i++)
		if (c->fds[i] >= 0)
			close(c->fds[i]);
	for (i = 0; i < MAPS; i++)
		if (c->maps[i])
			munmap(c->maps[i], c->sizes[i]);
	for (i = 0; i < NODES; i++)
		vnode_close(c->n[i]);
}

/* Returns how many were drawn. */
static unsigned int churn_run(struct churn *c, unsigned int calls)
{
	unsigned int drawn, at, i = 0;
	int call, ret;

	for (drawn = 0; i < calls; drawn++) {
		at = below(c, c->total);
		for (call = 0; at >= weights[call]; call++)
			at -= weights[call];
		ret = churn_call(c, call);
		if (ret == NO_CALL)
			continue;
		/* No memory is a reason to fail that nothing here gives. */
		if (ret == -ENOMEM)
			FAIL("call %u of seed %llu, %s: ENOMEM", i, ksft_seed,
			     names[call]);
		c->done[call] += ret >= 0;
		i++;
	}
	return drawn;
}

/* When all is let go of and given back: the pool is empty, as are caches. */
static long long churn_free(long long want)
{
	long long end = ksft_ms() + 8000, free;

	do {
		churn_drain();
		CHECK_OK(write_file("/proc/sys/vm/drop_caches", "3"));
		free = memory_free();
		if (free >= want && !stat_get("pool_bytes") &&
		    !stat_get("buffers") && !stat_get("imports"))
			break;
		usleep(50000);
	} while (ksft_ms() < end);
	CHECK_EQ(stat_get("buffers"), 0);
	CHECK_EQ(stat_get("imports"), 0);
	return free;
}

static void test_churn(const char *node)
{
	long long before, after, moves = stat_get("moves");
	long long bufs = stat_get("buffers_total");
	static struct churn c;
	unsigned int i, drawn, done = 0;

	(void)node;
	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	ksft_say("seed %llu", ksft_seed);
	churn_start(&c, ksft_seed ^ 0x5555);
	churn_run(&c, WARM_UP);
	churn_end(&c);
	before = churn_free(0);

	churn_start(&c, ksft_seed);
	drawn = churn_run(&c, CALLS);
	churn_end(&c);
	after = churn_free(before - LOSS);
	/* It must have got somewhere, or it has tested nothing. */
	for (i = 0; i < NR_CALLS; i++) {
		done += c.done[i];
		if (c.done[i] < 10)
			FAIL("%s has succeeded %u times only", names[i],
			     c.done[i]);
	}
	ksft_say("%u drawn, %u calls, %u succeeded", drawn, CALLS, done);
	ksft_say("%lld buffers, %lld moves; %lld kB were free, then %lld",
		 stat_get("buffers_total") - bufs, stat_get("moves") - moves,
		 before / 1024, after / 1024);
	CHECK(stat_get("buffers_total") - bufs >= LEAST);
	if (after < before - LOSS)
		FAIL("%lld kB are missing", (before - after) / 1024);
}

static const struct ksft_test tests[] = {
	{ "10,000 operations lose no memory", test_churn,
	  .flags = KSFT_NO_NODE | KSFT_OURS, .timeout = 300, .log_max = 60 },
};

KSFT_MAIN(tests)
