// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the pool keeps, on a machine with two NUMA nodes: who asks on one
 * node is given what is kept there, as long as there is some, whatever is kept on
 * the other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"

#define NODES	2
#define BUFS	4
#define POOL	"/sys/module/videobuf2_mem/parameters/pool_mb"
#define BLOCK	"/sys/devices/system/memory/block_size_bytes"

/* From here on this runs on a processor of that node: the guest has one of each. */
static void run_on(int node)
{
	char path[64];
	cpu_set_t set;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpu%d",
		 node, node);
	CHECK(!access(path, F_OK));
	CPU_ZERO(&set);
	CPU_SET(node, &set);
	CHECK(!sched_setaffinity(0, sizeof(set), &set));
}

/* Of what node is the page at a physical address? */
static int node_of(unsigned long long phys)
{
	unsigned long long block = 0;
	FILE *f = fopen(BLOCK, "re");
	char path[80];
	int node;

	CHECK(f && fscanf(f, "%llx", &block) == 1 && block);
	fclose(f);
	for (node = 0; node < NODES; node++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/memory%llu", node,
			 phys / block);
		if (!access(path, F_OK))
			return node;
	}
	FAIL("%llx is on no node", phys);
}

/* Without an IOMMU for the peer, an address is where it is. */
static void check_on(struct vnode *n, int node)
{
	struct vbm_peer_device any = { .max_seg_size = UINT32_MAX };
	struct vbm_peer_seg seg;
	struct vbm_peer_map map;
	int i, fd, peer;

	for (i = 0; i < BUFS; i++) {
		fd = CHECK_OK(vnode_expbuf(n, i, 0, O_RDWR));
		peer = peer_open(&any);
		CHECK_OK(peer_attach(peer, fd));
		CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &map));
		peer_segs(peer, &map, &seg, 1);
		CHECK_EQ(node_of(seg.addr), node);
		close(peer);
		close(fd);
	}
}

static void get(struct vnode *n, int node)
{
	run_on(node);
	vnode_buffers(n, BUFS, V4L2_MEMORY_MMAP);
	check_on(n, node);
}

static void await(const char *name, long long want)
{
	long long end = ksft_ms() + KSFT_SETTLE_MS;

	while (stat_get(name) != want && ksft_ms() < end)
		usleep(1000);
	CHECK_EQ(stat_get(name), want);
}

/*
 * All of a queue's is back in the pool, which a dma-buf's last reference may have
 * delayed, and zeroed: meanwhile a block is in no list.
 */
static void put(struct vnode *n, long long size)
{
	long long bytes = stat_get("pool_bytes");
	long long zeroed = stat_get("pool_zeroed");

	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	await("pool_bytes", bytes + BUFS * size);
	await("pool_zeroed", zeroed + BUFS * size);
}

static void pool(const char *mb)
{
	CHECK_OK(write_file(POOL, "0"));
	await("pool_bytes", 0);
	CHECK_OK(write_file(POOL, mb));
}

/* @size: of a block that is kept. */
static void kept(const char *const paths[], unsigned int w, unsigned int h,
		 long long size)
{
	struct vnode *n[NODES];
	unsigned int round, i;
	long long hits;

	pool("64");
	for (i = 0; i < NODES; i++) {
		n[i] = vnode_open(paths[i]);
		CHECK_OK(vnode_set_fmt(n[i], w, h, V4L2_PIX_FMT_YUYV));
	}
	for (round = 0; round < 4; round++) {
		hits = stat_get("pool_hits");
		/* In one order and the other, and by the other queue. */
		for (i = 0; i < NODES; i++)
			get(n[i], (i + round + round / 2) % NODES);
		if (round)
			CHECK_EQ(stat_get("pool_hits") - hits, NODES * BUFS);
		for (i = 0; i < NODES; i++)
			put(n[i], size);
	}
	/* One at a time, with both kept: nobody has taken the other's. */
	for (round = 0; round < 4; round++) {
		hits = stat_get("pool_hits");
		get(n[0], round % NODES);
		CHECK_EQ(stat_get("pool_hits") - hits, BUFS);
		put(n[0], size);
	}
	for (i = 0; i < NODES; i++)
		vnode_close(n[i]);
}

static void test_nodes(const char *node)
{
	const unsigned int want = NODE_VIVID | NODE_CONTIG | NODE_SPLANE |
				  NODE_CAP;
	const char *paths[NODES];

	paths[0] = node;
	paths[1] = vnode_find(want, node);
	CHECK(paths[1]);
	/* A block of the page allocator, and a run of pages. */
	kept(paths, 1920, 1080, 4 << 20);
	kept(paths, 640, 480, 640 * 480 * 2);
}

static const struct ksft_test tests[] = {
	{ "what is kept on a node is for who asks there", test_nodes,
	  NODE_VIVID | NODE_CONTIG | NODE_SPLANE | NODE_CAP, KSFT_OURS },
};

KSFT_MAIN(tests)
