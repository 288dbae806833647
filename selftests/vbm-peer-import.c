// SPDX-License-Identifier: GPL-2.0
/*
 * Another device maps our buffers: vbm-peer, which has the limits that a test
 * gives it and sees memory only through its DMA addresses.
 *
 * With swiotlb=force on the kernel's command line that device, like a device
 * that is not coherent or does not reach all memory, sees a copy: what is
 * skipped there is seen as an old frame. Without it, the same tests prove only
 * that nothing else is wrong.
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
#include "peer.h"

#ifndef V4L2_MEMORY_FLAG_NON_COHERENT
#define V4L2_MEMORY_FLAG_NON_COHERENT	(1 << 0)
#endif

#define SEGS 512

#define SYNC_RD_START	(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ)
#define SYNC_RD_END	(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ)
#define SYNC_WR_START	(DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE)
#define SYNC_WR_END	(DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE)

/* An exported buffer, mapped both ways, and room for a copy. */
struct exported {
	struct vnode *n;
	int fd;
	char *map, *fd_map, *copy;
	size_t size;
};

static void exported_open(struct exported *e, const char *node)
{
	e->n = vnode_open(node);
	vnode_buffers(e->n, 1, V4L2_MEMORY_MMAP);
	e->map = vnode_mmap(e->n, 0, 0, &e->size);
	e->fd = CHECK_OK(vnode_expbuf(e->n, 0, 0, O_RDWR));
	e->fd_map = dmabuf_mmap(e->fd, e->size);
	e->copy = malloc(e->size);
	CHECK(e->copy);
}

/* The CPU writes, as a program does it that obeys the rules. */
static void cpu_write(struct exported *e, char *map, unsigned int seed)
{
	CHECK_OK(dmabuf_sync(e->fd, SYNC_WR_START));
	pattern_fill(map, e->size, seed);
	CHECK_OK(dmabuf_sync(e->fd, SYNC_WR_END));
}

static void cpu_expect(struct exported *e, char *map, unsigned int seed)
{
	long long at;

	CHECK_OK(dmabuf_sync(e->fd, SYNC_RD_START));
	at = pattern_check(map, e->size, seed);
	CHECK_OK(dmabuf_sync(e->fd, SYNC_RD_END));
	if (at >= 0)
		FAIL_BYTES("the CPU reads something else than %u from byte %lld on",
			   seed, at);
}

static void device_write(struct exported *e, int peer, unsigned int map,
			 unsigned int seed)
{
	pattern_fill(e->copy, e->size, seed);
	CHECK_OK(peer_write(peer, map, 0, e->copy, e->size));
}

static void device_expect(struct exported *e, int peer, unsigned int map,
			  unsigned int seed)
{
	long long at;

	CHECK_OK(peer_read(peer, map, 0, e->copy, e->size));
	at = pattern_check(e->copy, e->size, seed);
	if (at >= 0)
		FAIL_BYTES("the device reads something else than %u from byte %lld on",
			   seed, at);
}

static void test_device_reads_new(const char *node)
{
	struct exported e;
	unsigned int seed;
	int peer, map;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	for (seed = 1; seed < 7; seed++) {
		cpu_write(&e, seed & 1 ? e.map : e.fd_map, seed);
		map = CHECK_OK(peer_map(peer, seed & 2 ? VBM_PEER_TO_DEVICE :
					VBM_PEER_BIDIR, NULL));
		device_expect(&e, peer, map, seed);
		CHECK_OK(peer_unmap(peer, map));
	}
}

static void test_device_reads_kept(const char *node)
{
	struct exported e;
	unsigned int seed;
	int peer, map;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
	for (seed = 1; seed < 5; seed++) {
		cpu_write(&e, seed & 1 ? e.map : e.fd_map, seed);
		device_expect(&e, peer, map, seed);
	}
}

static void test_device_writes_new(const char *node)
{
	struct exported e;
	unsigned int seed;
	int peer, map;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	for (seed = 1; seed < 5; seed++) {
		map = CHECK_OK(peer_map(peer, seed & 1 ? VBM_PEER_FROM_DEVICE :
					VBM_PEER_BIDIR, NULL));
		device_write(&e, peer, map, seed);
		CHECK_OK(peer_unmap(peer, map));
		cpu_expect(&e, seed & 2 ? e.map : e.fd_map, seed);
	}
}

static void test_device_writes_kept(const char *node)
{
	struct exported e;
	unsigned int seed;
	int peer, map;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_FROM_DEVICE, NULL));
	for (seed = 1; seed < 5; seed++) {
		device_write(&e, peer, map, seed);
		cpu_expect(&e, seed & 1 ? e.map : e.fd_map, seed);
	}
}

/* What one device writes another one reads, both keeping their mappings. */
static void test_device_to_device(const char *node)
{
	struct exported e;
	int camera, display, from, to;
	unsigned int seed;

	exported_open(&e, node);
	camera = peer_open(NULL);
	display = peer_open(NULL);
	CHECK_OK(peer_attach(camera, e.fd));
	CHECK_OK(peer_attach(display, e.fd));
	from = CHECK_OK(peer_map(camera, VBM_PEER_FROM_DEVICE, NULL));
	to = CHECK_OK(peer_map(display, VBM_PEER_TO_DEVICE, NULL));
	for (seed = 1; seed < 5; seed++) {
		device_write(&e, camera, from, seed);
		/* A program looks at the frame, and hands it on. */
		CHECK_OK(dmabuf_sync(e.fd, DMA_BUF_SYNC_START |
				     DMA_BUF_SYNC_RW));
		CHECK_PATTERN(e.map, e.size, seed);
		CHECK_OK(dmabuf_sync(e.fd, DMA_BUF_SYNC_END |
				     DMA_BUF_SYNC_RW));
		device_expect(&e, display, to, seed);
	}
}

/* The queue's own device captures; another one that has it mapped reads. */
static void test_captured_frame(const char *node)
{
	struct exported e;
	unsigned int i;
	struct vbuf b;
	int peer, map;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
	vbuf_init(&b, e.n, 0, V4L2_MEMORY_MMAP);
	for (i = 0; i < 3; i++) {
		cpu_write(&e, e.map, i);
		vnode_run(e.n, &b, 1, 1);
		CHECK(pattern_check(e.map, e.n->sizeimage[0], i) >= 0);
		CHECK_OK(peer_read(peer, map, 0, e.copy, e.n->sizeimage[0]));
		if (memcmp(e.copy, e.map, e.n->sizeimage[0]))
			FAIL_BYTES("the other device does not see frame %u", i);
	}
}

/* NON_COHERENT queues: their whole point is that SYNC does something. */
static void test_non_coherent(const char *node)
{
	struct exported e = { 0 };
	unsigned int seed;
	int peer, map;

	e.n = vnode_open(node);
	CHECK_OK(vnode_reqbufs_flags(e.n, 1, V4L2_MEMORY_MMAP,
				     V4L2_MEMORY_FLAG_NON_COHERENT));
	e.map = vnode_mmap(e.n, 0, 0, &e.size);
	e.fd = CHECK_OK(vnode_expbuf(e.n, 0, 0, O_RDWR));
	e.copy = malloc(e.size);
	CHECK(e.copy);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));
	for (seed = 1; seed < 5; seed++) {
		cpu_write(&e, e.map, seed);
		device_expect(&e, peer, map, seed);
		device_write(&e, peer, map, seed + 10);
		cpu_expect(&e, e.map, seed + 10);
	}
}

/*
 * A second direction, on the attachment that has a live mapping: the first goes
 * on to be what it was.
 */
static void test_two_directions(const char *node)
{
	struct vbm_peer_seg before[SEGS], after[SEGS];
	struct vbm_peer_map to, from;
	struct exported e;
	int peer, nr;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	cpu_write(&e, e.map, 1);
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &to));
	nr = peer_segs(peer, &to, before, SEGS);
	device_expect(&e, peer, to.map, 1);

	CHECK_OK(peer_map(peer, VBM_PEER_FROM_DEVICE, &from));
	if (from.table == to.map)
		FAIL("both directions got one sg_table");
	CHECK_EQ(peer_segs(peer, &to, after, SEGS), nr);
	CHECK_EQ(memcmp(before, after, nr * sizeof(before[0])), 0);
	device_expect(&e, peer, to.map, 1);
	device_write(&e, peer, from.map, 2);
	cpu_expect(&e, e.map, 2);
	CHECK_OK(peer_unmap(peer, from.map));
	/* And the other way round. */
	CHECK_OK(peer_map(peer, VBM_PEER_FROM_DEVICE, &from));
	CHECK_OK(peer_unmap(peer, to.map));
	device_write(&e, peer, from.map, 3);
	cpu_expect(&e, e.map, 3);
}

/* Drivers write into the table that they get: it is theirs alone. */
static void test_private_table(const char *node)
{
	struct vbm_peer_seg before[SEGS], after[SEGS];
	struct vbm_peer_map one, two;
	struct exported e;
	int peer, nr;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	cpu_write(&e, e.map, 1);
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &one));
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &two));
	if (one.map == two.table)
		FAIL("two maps got one sg_table");
	nr = peer_segs(peer, &one, before, SEGS);
	CHECK_OK(peer_scribble(peer, two.map));
	CHECK_EQ(peer_segs(peer, &one, after, SEGS), nr);
	CHECK_EQ(memcmp(before, after, nr * sizeof(before[0])), 0);
	device_expect(&e, peer, one.map, 1);
	/* Nor does it come back with the next map. */
	CHECK_OK(peer_scribble(peer, one.map));
	CHECK_OK(peer_unmap(peer, one.map));
	CHECK_OK(peer_unmap(peer, two.map));
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &one));
	device_expect(&e, peer, one.map, 1);
	CHECK_OK(peer_unmap(peer, one.map));
}

static void expect_segs(struct exported *e, const struct vbm_peer_device *limits)
{
	struct vbm_peer_seg segs[SEGS];
	struct vbm_peer_map map;
	unsigned long long total = 0, mask;
	int peer, nr, i;

	peer = peer_open(limits);
	CHECK_OK(peer_attach(peer, e->fd));
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &map));
	nr = peer_segs(peer, &map, segs, SEGS);
	for (i = 0; i < nr; i++) {
		total += segs[i].len;
		if (limits->max_seg_size && segs[i].len > limits->max_seg_size)
			FAIL("segment %d has %llu bytes, the device takes %u",
			     i, (unsigned long long)segs[i].len,
			     limits->max_seg_size);
		mask = limits->seg_boundary;
		if (mask && (segs[i].addr | mask) !=
			    ((segs[i].addr + segs[i].len - 1) | mask))
			FAIL("segment %d at %#llx crosses a boundary of %#llx",
			     i, (unsigned long long)segs[i].addr, mask + 1);
	}
	CHECK_EQ(total, dmabuf_size(e->fd));
	device_expect(e, peer, map.map, 1);
	close(peer);
}

static void test_max_seg_size(const char *node)
{
	static const unsigned int sizes[] = { 4096, 8192, 12288, 65536 };
	struct vbm_peer_device limits = { 0 };
	struct exported e;
	unsigned int i;

	exported_open(&e, node);
	cpu_write(&e, e.map, 1);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		limits.max_seg_size = sizes[i];
		expect_segs(&e, &limits);
	}
}

static void test_seg_boundary(const char *node)
{
	static const unsigned int sizes[] = { 4096, 16384, 65536 };
	struct vbm_peer_device limits = { 0 };
	struct exported e;
	unsigned int i;

	exported_open(&e, node);
	cpu_write(&e, e.map, 1);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		limits.seg_boundary = sizes[i] - 1;
		expect_segs(&e, &limits);
	}
}

/*
 * A device that reaches 16 MB of addresses, where nothing copies for it: an
 * error, and no report in the log, for user space chooses who imports. The
 * kernel WARNs of such a mapping once, so this is for one node on stock.
 */
static void test_out_of_reach(const char *node)
{
	struct vbm_peer_device limits = { .dma_mask = (1 << 24) - 1 };
	struct vbm_peer_seg segs[SEGS];
	struct vbm_peer_map map;
	struct exported e;
	int near, far, ret, i;

	exported_open(&e, node);
	cpu_write(&e, e.map, 1);
	far = peer_open(NULL);
	CHECK_OK(peer_attach(far, e.fd));
	CHECK_OK(peer_map(far, VBM_PEER_TO_DEVICE, &map));
	CHECK_OK(peer_segs(far, &map, segs, SEGS));
	if (segs[0].addr < limits.dma_mask)
		ksft_skip("the memory lies where that device reaches it");

	near = peer_open(&limits);
	CHECK_OK(peer_attach(near, e.fd));
	for (i = 0; i < 50; i++) {
		ret = peer_map(near, VBM_PEER_TO_DEVICE, NULL);
		if (ret >= 0)
			FAIL("a device that can not reach it has mapped it");
	}
	CHECK_OK(peer_detach(near));
	device_expect(&e, far, map.map, 1);
}

static void test_dynamic(const char *node)
{
	struct exported e;
	int peer, map;
	unsigned int i;

	exported_open(&e, node);
	cpu_write(&e, e.map, 1);
	for (i = 0; i < 3; i++) {
		peer = peer_open(NULL);
		CHECK_OK(peer_attach_dynamic(peer, e.fd));
		map = CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));
		device_expect(&e, peer, map, 1);
		if (i & 1)
			CHECK_OK(peer_unmap(peer, map));
		close(peer);
	}
}

static void test_vmap(const char *node)
{
	bool iomem;
	struct exported e;
	int one, two;

	exported_open(&e, node);
	one = peer_open(NULL);
	two = peer_open(NULL);
	CHECK_OK(peer_attach(one, e.fd));
	CHECK_OK(peer_attach(two, e.fd));
	pattern_fill(e.map, e.size, 1);
	CHECK_OK(peer_vmap(one, &iomem));
	CHECK(!iomem);
	CHECK_OK(peer_vmap(two, NULL));
	CHECK_OK(peer_vread(one, 0, e.copy, e.size));
	CHECK_EQ(pattern_check(e.copy, e.size, 1), -1);
	CHECK_OK(peer_vunmap(one));
	pattern_fill(e.copy, e.size, 2);
	CHECK_OK(peer_vwrite(two, 0, e.copy, e.size));
	CHECK_EQ(pattern_check(e.map, e.size, 2), -1);
	/* Its node may be gone by then. */
	CHECK_OK(vnode_reqbufs(e.n, 0, V4L2_MEMORY_MMAP));
	vnode_close(e.n);
	CHECK_OK(peer_vread(two, 0, e.copy, e.size));
	CHECK_EQ(pattern_check(e.copy, e.size, 2), -1);
	CHECK_OK(peer_vunmap(two));
	/* And again, after the last user has gone. */
	CHECK_OK(peer_vmap(one, NULL));
	CHECK_OK(peer_vread(one, 0, e.copy, e.size));
	CHECK_EQ(pattern_check(e.copy, e.size, 2), -1);
	CHECK_OK(peer_vunmap(one));
}

static void test_vmap_counted(const char *node)
{
	long long maps = stat_get("kernel_maps");
	long long unmaps = stat_get("kernel_unmaps");
	struct exported e;
	unsigned int i;
	int peer;

	exported_open(&e, node);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	for (i = 0; i < 10; i++) {
		CHECK_OK(peer_vmap(peer, NULL));
		CHECK_OK(peer_vunmap(peer));
	}
	CHECK_OK(vnode_reqbufs(e.n, 0, V4L2_MEMORY_MMAP));
	vnode_close(e.n);
	close(peer);
	munmap(e.map, e.size);
	munmap(e.fd_map, e.size);
	close(e.fd);
	/* Contiguous memory needs no mapping of its own. */
	if (vnode_flags(node) & NODE_SG)
		CHECK(stat_get("kernel_maps") > maps);
	CHECK_EQ(stat_get("kernel_maps") - maps,
		 stat_get("kernel_unmaps") - unmaps);
}

/* One line of `stats` for each kind of event that a map is. */
static void test_maps_counted(const char *node)
{
	long long maps, cached, unmaps;
	struct exported e;
	int one, two, map;

	exported_open(&e, node);
	maps = stat_get("maps");
	cached = stat_get("maps_cached");
	one = peer_open(NULL);
	two = peer_open(NULL);
	CHECK_OK(peer_attach(one, e.fd));
	CHECK_OK(peer_attach(two, e.fd));
	map = CHECK_OK(peer_map(one, VBM_PEER_TO_DEVICE, NULL));
	CHECK_EQ(stat_get("maps") - maps, 1);
	CHECK_OK(peer_map(one, VBM_PEER_TO_DEVICE, NULL));
	CHECK_EQ(stat_get("maps") - maps, 1);
	CHECK_EQ(stat_get("maps_cached") - cached, 1);
	CHECK_OK(peer_map(one, VBM_PEER_BIDIR, NULL));
	CHECK_EQ(stat_get("maps") - maps, 2);
	CHECK_OK(peer_map(two, VBM_PEER_TO_DEVICE, NULL));
	CHECK_EQ(stat_get("maps") - maps, 3);
	/* Unmapped and mapped again: it has been kept. */
	CHECK_OK(peer_unmap(one, map));
	CHECK_OK(peer_map(one, VBM_PEER_TO_DEVICE, NULL));
	CHECK_EQ(stat_get("maps") - maps, 3);
	unmaps = stat_get("unmaps");
	close(one);
	close(two);
	CHECK(stat_get("unmaps") > unmaps);
}

/* The importing device loses its driver with everything mapped. */
static void test_importer_unbound(const char *node)
{
	long long mappings = 0, unbinds = 0;
	struct exported e;
	int peer, other, map, kept;

	exported_open(&e, node);
	if (!ksft_stock) {
		mappings = stat_get("mappings");
		unbinds = stat_get("device_unbinds");
	}
	peer = peer_open(NULL);
	other = peer_open(NULL);
	CHECK_OK(peer_attach(peer, e.fd));
	CHECK_OK(peer_attach(other, e.fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));
	kept = CHECK_OK(peer_map(other, VBM_PEER_BIDIR, NULL));
	CHECK_OK(peer_vmap(peer, NULL));
	CHECK_OK(peer_unbind(peer));
	if (!ksft_stock) {
		/* All of that device has been unmapped, nothing of others. */
		CHECK_EQ(stat_get("mappings"), mappings + 1);
		CHECK_EQ(stat_get("device_unbinds"), unbinds + 1);
	}
	/* The one that is left works. */
	cpu_write(&e, e.map, 1);
	device_expect(&e, other, kept, 1);
	/* No device, no DMA. */
	if (!ksft_stock)
		CHECK_ERR(peer_map(peer, VBM_PEER_BIDIR, NULL), ENODEV);
	CHECK_OK(peer_vunmap(peer));
	CHECK_OK(peer_unmap(peer, map));
	CHECK_OK(peer_detach(peer));
}

static const struct ksft_test tests[] = {
	{ "a device reads what the CPU wrote, mapping each time",
	  test_device_reads_new, NODE_SPLANE, KSFT_DIRECT },
	{ "a device reads what the CPU wrote, staying mapped",
	  test_device_reads_kept, NODE_SPLANE, KSFT_DIRECT },
	{ "the CPU reads what a device wrote, mapping each time",
	  test_device_writes_new, NODE_SPLANE, KSFT_DIRECT },
	{ "the CPU reads what a device wrote, staying mapped",
	  test_device_writes_kept, NODE_SPLANE, KSFT_DIRECT },
	{ "a device reads what another wrote", test_device_to_device,
	  NODE_SPLANE, KSFT_DIRECT },
	{ "a device sees each captured frame", test_captured_frame,
	  NODE_SPLANE | NODE_CAP, KSFT_DIRECT },
	{ "NON_COHERENT: device and CPU see each other's bytes",
	  test_non_coherent, NODE_SPLANE | NODE_HINTS, KSFT_DIRECT },
	{ "bounced: a device reads what the CPU wrote, mapping each time",
	  test_device_reads_new, NODE_SPLANE, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "it sees the first frame for ever" },
	{ "bounced: a device reads what the CPU wrote, staying mapped",
	  test_device_reads_kept, NODE_SPLANE, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "it sees the first frame for ever" },
	{ "bounced: the CPU reads what a device wrote, mapping each time",
	  test_device_writes_new, NODE_SPLANE, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "what it writes is lost" },
	{ "bounced: the CPU reads what a device wrote, staying mapped",
	  test_device_writes_kept, NODE_SPLANE, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "what it writes is lost" },
	{ "bounced: a device reads what another wrote",
	  test_device_to_device, NODE_SPLANE, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "importers' mappings are never synced" },
	{ "bounced: a device sees each captured frame", test_captured_frame,
	  NODE_SPLANE | NODE_CAP, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "importers' mappings are never synced" },
	{ "bounced: NON_COHERENT, device and CPU see each other's bytes",
	  test_non_coherent, NODE_SPLANE | NODE_HINTS, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "DMA_BUF_IOCTL_SYNC does nothing" },
	{ "a second direction leaves the first mapped", test_two_directions,
	  NODE_SPLANE, .stock = "a live mapping is unmapped for it" },
	{ "each map has a table of its own", test_private_table, NODE_SPLANE,
	  .stock = "all get one table" },
	{ "segments are no longer than the device takes", test_max_seg_size,
	  NODE_SPLANE, KSFT_DIRECT,
	  .stock = "max_seg_size is not looked at" },
	{ "segments do not cross the device's boundary", test_seg_boundary,
	  NODE_SPLANE, KSFT_DIRECT,
	  .stock = "the boundary is not looked at" },
	{ "a device that does not reach the memory: an error, no report",
	  test_out_of_reach, NODE_SPLANE | NODE_CAP | NODE_VIVID, KSFT_DIRECT,
	  .stock = "WARN in the DMA API" },
	{ "a device that does not reach the memory: an error",
	  test_out_of_reach, NODE_SPLANE | NODE_CAP | NODE_SG,
	  KSFT_DIRECT | KSFT_OURS },
	{ "an importer that attaches dynamically", test_dynamic, NODE_SPLANE,
	  KSFT_DIRECT },
	{ "kernel mappings of two importers", test_vmap, NODE_SPLANE },
	{ "kernel mappings are counted and unmapped", test_vmap_counted,
	  NODE_SPLANE, KSFT_OURS },
	{ "maps and cached maps are counted", test_maps_counted, NODE_SPLANE,
	  KSFT_OURS },
	{ "the importing device is unbound with all mapped",
	  test_importer_unbound, NODE_SPLANE, KSFT_DIRECT },
};

KSFT_MAIN(tests)
