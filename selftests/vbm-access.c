// SPDX-License-Identifier: GPL-2.0
/*
 * CPU access of drivers to a part of a buffer (<media/videobuf2-mem.h>), by
 * vbm-queue.
 *
 * There are two copies of a buffer: memory, and what the device sees (with
 * swiotlb=force a bounce buffer, else the same). A model of both is compared
 * with them byte by byte after each of many random steps; so are the counters.
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
#include "modules/vbm-queue.h"

/* A last page that is not full, as a plane has it. */
#define SIZE	(5 * 4096 + 100)
#define ROOM	(6 * 4096)
/* Where user memory begins in its page, for a queue that takes a list. */
#define SKIP	0x340

/* As in enum dma_data_direction. */
enum { BIDIR, TO_DEVICE, FROM_DEVICE };

enum kind { OWN, CACHED, USERPTR, OURS, PAGES, HEAP, NR_KINDS };

static const char * const kind_names[NR_KINDS] = {
	"own memory", "own cached memory", "user memory",
	"import of ours", "foreign import", "foreign import that is synced",
};

/* What a model leaves out or adds, to be found wrong. */
enum { RIGHT, SYNCS_ALL, SYNCS_NONE };

struct buffer {
	int queue, exporter, peer, fd;
	char *memory;		/* as the CPU has it, unsynced */
	void *map;
	size_t map_size;
	enum kind kind;
	bool sg, reads, writes;	/* what the device does, as it is mapped */
	bool bounces;
	bool owned;		/* by the device */
	bool foreign;
	int model;
	struct ksft_rand rand;
	unsigned char m[SIZE], v[SIZE];	/* the model */
};

static int queue_open(bool sg, unsigned int dir, unsigned int flags)
{
	struct vbm_queue_config config = {
		.sg = sg, .size = SIZE, .output = dir == TO_DEVICE,
		.flags = flags | (dir == BIDIR ? VBM_QUEUE_BIDIR : 0),
	};
	int queue = open("/dev/vbm-queue", O_RDWR | O_CLOEXEC);

	if (queue < 0)
		FAIL("/dev/vbm-queue: %s", ksft_errno(errno));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_CONFIG, &config));
	return queue;
}

static void device_io(int queue, bool write, size_t offset, void *data,
		      size_t length)
{
	struct vbm_queue_dma req = {
		.offset = offset, .length = length, .write = write,
		.data = (unsigned long)data,
	};

	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_DMA, &req));
}

static int access_get(int queue, unsigned int dir, unsigned long long offset,
		      unsigned long long length)
{
	struct vbm_queue_range req = {
		.offset = offset, .length = length, .dir = dir,
	};

	return xioctl(queue, VBM_QUEUE_IOC_GET, &req);
}

static int access_io(int queue, bool write, bool local, size_t offset,
		     void *data, size_t length)
{
	struct vbm_queue_access req = {
		.offset = offset, .length = length, .write = write,
		.data = (unsigned long)data, .local = local,
	};

	return xioctl(queue, VBM_QUEUE_IOC_ACCESS, &req);
}

static void access_put(int queue)
{
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_PUT, NULL));
}

/* One whole access. */
static void read_range(int queue, size_t offset, void *data, size_t length)
{
	CHECK_OK(access_get(queue, FROM_DEVICE, offset, length));
	CHECK_OK(access_io(queue, false, true, offset, data, length));
	access_put(queue);
}

static void write_range(int queue, size_t offset, void *data, size_t length)
{
	CHECK_OK(access_get(queue, TO_DEVICE, offset, length));
	CHECK_OK(access_io(queue, true, true, offset, data, length));
	access_put(queue);
}

/*
 * Buffers
 */

static void map_fd(struct buffer *b)
{
	b->map_size = ROOM;
	b->map = dmabuf_mmap(b->fd, ROOM);
	b->memory = b->map;
}

/* In one piece where the queue needs that, else no two pages that adjoin. */
static void user_memory(struct buffer *b)
{
	size_t huge = 2UL << 20, i;
	char *p;

	b->map_size = 2 * huge;
	b->map = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(b->map != MAP_FAILED);
	p = (char *)(((unsigned long)b->map + huge - 1) & ~(huge - 1));
	CHECK_OK(madvise(p, huge, b->sg ? MADV_NOHUGEPAGE : MADV_HUGEPAGE));
	for (i = 0; b->sg && i < ROOM; i += 2 * 4096)
		p[i] = 1;
	memset(p, 0, huge);
	b->memory = b->sg ? p + SKIP : p;
}

static void make_foreign(struct buffer *b)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = ROOM,
		.head = b->sg ? 0 : ROOM, .heap = b->kind == HEAP,
	};

	b->foreign = true;
	b->peer = peer_open(NULL);
	b->fd = peer_export(b->peer, &how);
	map_fd(b);
}

static void make_ours(struct buffer *b)
{
	b->exporter = queue_open(false, BIDIR, 0);
	CHECK_OK(xioctl(b->exporter, VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK_OK(xioctl(b->exporter, VBM_QUEUE_IOC_RUN, NULL));
	CHECK_OK(xioctl(b->exporter, VBM_QUEUE_IOC_EXPORT, &b->fd));
	map_fd(b);
}

/* Does the device see something else than memory? It has the buffer. */
static void probe(struct buffer *b)
{
	char seen;

	b->memory[7] ^= 0x55;
	device_io(b->queue, false, 7, &seen, 1);
	b->bounces = seen != b->memory[7];
	b->memory[7] ^= 0x55;
	if (!ksft_swiotlb)
		CHECK(!b->bounces);
	/* Coherent memory does not; all else has to. */
	else if (b->sg || b->kind != OWN)
		CHECK(b->bounces);
}

static struct buffer *buffer_new(enum kind kind, bool sg, unsigned int dir,
				 unsigned int flags)
{
	struct buffer *b = calloc(1, sizeof(*b));
	unsigned long long addr;

	b->kind = kind;
	b->sg = sg;
	b->writes = dir != TO_DEVICE;
	b->rand.state = ksft_seed + kind * 8 + sg * 4 + dir;
	if (kind == CACHED)
		flags |= VBM_QUEUE_NON_COHERENT;
	b->queue = queue_open(sg, dir, flags);
	switch (kind) {
	case OWN:
	case CACHED:
		CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_ALLOC, NULL));
		CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_EXPORT, &b->fd));
		map_fd(b);
		break;
	case USERPTR:
		user_memory(b);
		addr = (unsigned long)b->memory;
		CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_USERPTR, &addr));
		break;
	default:
		if (kind == OURS)
			make_ours(b);
		else
			make_foreign(b);
		CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_IMPORT, &b->fd));
	}
	b->owned = true;
	probe(b);
	/* An import that only writes and bounces is mapped for both. */
	b->reads = dir != FROM_DEVICE ||
		   ((kind == OURS || b->foreign) && b->bounces);
	memcpy(b->m, b->memory, SIZE);
	device_io(b->queue, false, 0, b->v, SIZE);
	return b;
}

static void buffer_free(struct buffer *b)
{
	CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_RELEASE, NULL));
	munmap(b->map, b->map_size);
	close(b->queue);
	if (b->fd)
		close(b->fd);
	if (b->exporter)
		close(b->exporter);
	if (b->peer)
		close(b->peer);
	free(b);
}

/*
 * The model
 */

static void take(struct buffer *b, size_t offset, size_t length)
{
	memcpy(b->m + offset, b->v + offset, length);
}

static void give(struct buffer *b, size_t offset, size_t length)
{
	memcpy(b->v + offset, b->m + offset, length);
}

static void put_bytes(struct buffer *b, bool device, size_t offset,
		      const void *data, size_t length)
{
	if (device || !b->bounces)
		memcpy(b->v + offset, data, length);
	if (!device || !b->bounces)
		memcpy(b->m + offset, data, length);
}

static void model_prepare(struct buffer *b)
{
	if (!b->owned && b->bounces && b->reads)
		give(b, 0, SIZE);
	b->owned = true;
}

static void model_finish(struct buffer *b)
{
	if (b->bounces && b->writes)
		take(b, 0, SIZE);
	b->owned = false;
}

/* Bytes that are synced. */
static size_t model_get(struct buffer *b, size_t offset,
			size_t length)
{
	if (!b->bounces)
		return 0;
	/* A heap is not told: it would bring back all of what a device has. */
	if (!b->owned || !b->writes)
		return 0;
	if (b->model == SYNCS_ALL)
		take(b, 0, SIZE);
	else if (b->model == RIGHT)
		take(b, offset, length);
	return length;
}

static size_t model_put(struct buffer *b, unsigned int dir, size_t offset,
			size_t length)
{
	size_t synced = 0;

	if (!b->bounces || dir == FROM_DEVICE)
		return 0;
	if (b->owned) {
		if (b->model == SYNCS_ALL)
			give(b, 0, SIZE);
		else if (b->model == RIGHT)
			give(b, offset, length);
		synced = length;
	}
	return synced;
}

static bool model_refuses(const struct buffer *b, unsigned int dir)
{
	return dir != FROM_DEVICE && b->bounces && b->owned && b->writes &&
	       !b->reads;
}

static bool same(struct buffer *b)
{
	static unsigned char seen[SIZE];

	device_io(b->queue, false, 0, seen, SIZE);
	return !memcmp(b->memory, b->m, SIZE) && !memcmp(seen, b->v, SIZE);
}

static size_t below(struct buffer *b, size_t n)
{
	return ksft_rand(&b->rand) % n;
}

static void noise(struct buffer *b, void *data, size_t length)
{
	unsigned char *p = data;

	while (length--)
		*p++ = below(b, 256);
}

/* Few bytes, some that cross a page, or all. */
static void range(struct buffer *b, size_t most, size_t *offset, size_t *length)
{
	static const size_t sizes[] = { 4, 64, 700, 6000, SIZE };
	size_t max = sizes[below(b, 5)];

	*length = 1 + below(b, max < most ? max : most);
	*offset = below(b, most - *length + 1);
}

struct counts {
	long long synced, accesses, bytes, maps, vmaps;
};

static void counts_read(struct counts *c)
{
	c->synced = stat_get("bytes_synced");
	c->accesses = stat_get("accesses");
	c->bytes = stat_get("bytes_accessed");
	c->maps = stat_get("kernel_maps");
	c->vmaps = stat_get("access_vmaps");
}

static void step_access(struct buffer *b)
{
	unsigned char data[SIZE], seen[SIZE];
	unsigned int dir = below(b, 3);
	bool write = dir == TO_DEVICE || (dir == BIDIR && below(b, 2));
	size_t offset, length, at, n, synced;
	struct counts before, after;
	int ret;

	range(b, SIZE, &offset, &length);
	range(b, length, &at, &n);
	at += offset;
	noise(b, data, n);
	counts_read(&before);
	ret = access_get(b->queue, dir, offset, length);
	if (b->kind == USERPTR && dir != FROM_DEVICE && !b->writes) {
		CHECK_EQ(ret, -EACCES);
		return;
	}
	if (model_refuses(b, dir)) {
		CHECK_EQ(ret, -EBUSY);
		return;
	}
	CHECK_OK(ret);
	synced = model_get(b, offset, length);
	CHECK_OK(access_io(b->queue, write, below(b, 2), at,
			   write ? data : seen, n));
	if (write)
		put_bytes(b, false, at, data, n);
	else if (b->model == RIGHT)
		CHECK(!memcmp(seen, b->m + at, n));
	access_put(b->queue);
	synced += model_put(b, dir, offset, length);
	counts_read(&after);
	CHECK_EQ(after.synced - before.synced, synced);
	CHECK_EQ(after.accesses - before.accesses, 1);
	CHECK_EQ(after.bytes - before.bytes, length);
	CHECK_EQ(after.maps - before.maps, 0);
	CHECK_EQ(after.vmaps - before.vmaps, b->foreign);
}

static void step_bytes(struct buffer *b, bool device)
{
	unsigned char data[SIZE];
	size_t offset, length;

	range(b, SIZE, &offset, &length);
	noise(b, data, length);
	if (device)
		device_io(b->queue, true, offset, data, length);
	else
		memcpy(b->memory + offset, data, length);
	put_bytes(b, device, offset, data, length);
}

static void step(struct buffer *b)
{
	switch (below(b, 8)) {
	case 0:
		/* Prepared if need be, and finished in an interrupt. */
		CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_RUN, NULL));
		model_prepare(b);
		model_finish(b);
		break;
	case 1:
		if (b->owned)
			break;
		CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_PREPARE, NULL));
		model_prepare(b);
		break;
	case 2:
	case 3:
		if (!b->owned)
			step_bytes(b, false);
		else if (b->writes)
			step_bytes(b, true);
		break;
	default:
		step_access(b);
	}
}

#define STEPS 48

static void walk(struct buffer *b)
{
	unsigned int i;

	for (i = 0; i < STEPS; i++) {
		step(b);
		if (!same(b))
			FAIL("%s, %s, reads %d, writes %d: other bytes after step %u",
			     kind_names[b->kind], b->sg ? "sg" : "contig",
			     b->reads, b->writes, i);
	}
}

static void on_each(enum kind kind)
{
	struct buffer *b;
	unsigned int dir;
	int sg;

	for (sg = 0; sg < 2; sg++)
		for (dir = 0; dir < 3; dir++) {
			b = buffer_new(kind, sg, dir, 0);
			walk(b);
			buffer_free(b);
		}
}

static void test_own(const char *node)
{
	(void)node;
	on_each(OWN);
	on_each(CACHED);
}

static void test_userptr(const char *node)
{
	(void)node;
	on_each(USERPTR);
}

static void test_ours(const char *node)
{
	(void)node;
	on_each(OURS);
}

static void test_foreign(const char *node)
{
	(void)node;
	on_each(PAGES);
	on_each(HEAP);
}

/*
 * The driver has the kernel address of all of it as well. Where that is made for
 * it, it is counted, which accesses are not: the control of that.
 */
static void test_vaddr(const char *node)
{
	static const enum kind kinds[] = { OWN, USERPTR, OURS, PAGES };
	struct vbm_queue_vaddr req = { .length = 0 };
	unsigned int i, dir;
	struct buffer *b;
	long long maps;

	(void)node;
	for (i = 0; i < 4; i++)
		for (dir = 0; dir < 3; dir++) {
			b = buffer_new(kinds[i], true, dir, 0);
			maps = stat_get("kernel_maps");
			req.none = 1;
			CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_VADDR, &req));
			CHECK(!req.none);
			if (kinds[i] == USERPTR)
				CHECK_EQ(stat_get("kernel_maps"), maps + 1);
			walk(b);
			buffer_free(b);
		}
}

/* A model that is wrong has to be found so, or the right one proves nothing. */
static void wrong_model(enum kind kind, int model)
{
	struct buffer *b = buffer_new(kind, true, BIDIR, 0);
	unsigned int i;

	b->model = model;
	for (i = 0; i < 10 * STEPS; i++) {
		step(b);
		if (!same(b))
			break;
	}
	if (i == 10 * STEPS)
		FAIL("%s: a model that syncs %s is taken for right",
		     kind_names[kind], model == SYNCS_ALL ? "all" : "nothing");
	buffer_free(b);
}

static void test_control(const char *node)
{
	static const enum kind kinds[] = { OWN, USERPTR, OURS, PAGES };
	unsigned int i;

	(void)node;
	for (i = 0; i < 4; i++) {
		wrong_model(kinds[i], SYNCS_ALL);
		wrong_model(kinds[i], SYNCS_NONE);
	}
}

/* Without bounce buffers, too: one wrong bit anywhere. */
static void test_control_bit(const char *node)
{
	struct buffer *b = buffer_new(OWN, true, BIDIR, 0);

	(void)node;
	CHECK(same(b));
	b->m[SIZE - 1] ^= 1;
	CHECK(!same(b));
	b->m[SIZE - 1] ^= 1;
	b->v[0] ^= 0x80;
	CHECK(!same(b));
	buffer_free(b);
}

/*
 * One thing at a time
 */

#define NR_BAD	10

static void bad_ranges(struct buffer *b)
{
	static const struct {
		unsigned long long offset, length;
	} bad[NR_BAD] = {
		{ 0, 0 }, { SIZE, 0 }, { SIZE, 1 }, { 0, SIZE + 1 },
		{ SIZE - 1, 2 }, { ~0ULL, 1 }, { 1, ~0ULL },
		{ ~0ULL, ~0ULL }, { 1ULL << 63, 1ULL << 63 },
		{ ROOM - 1, 1 },
	};
	struct vbm_queue_range plane = { .length = 1, .plane = 1 };
	char byte = 0;
	unsigned int i;

	for (i = 0; i < NR_BAD; i++)
		CHECK_ERR(access_get(b->queue, FROM_DEVICE, bad[i].offset,
				     bad[i].length), EINVAL);
	CHECK_ERR(xioctl(b->queue, VBM_QUEUE_IOC_GET, &plane), EINVAL);

	/* Within a range, the same. */
	CHECK_OK(access_get(b->queue, FROM_DEVICE, 100, 200));
	for (i = 0; i < 2; i++) {
		CHECK_ERR(access_io(b->queue, false, i, 99, &byte, 1), EINVAL);
		CHECK_ERR(access_io(b->queue, false, i, 300, &byte, 1),
			  EINVAL);
		CHECK_OK(access_io(b->queue, false, i, 100, &byte, 1));
		CHECK_OK(access_io(b->queue, false, i, 299, &byte, 1));
	}
	CHECK_ERR(access_io(b->queue, false, false, 299, &byte, 2), EINVAL);
	CHECK_ERR(access_io(b->queue, false, false, ~0UL, &byte, 2), EINVAL);
	access_put(b->queue);
	CHECK(same(b));
}

static void test_bad(const char *node)
{
	struct buffer *b;
	int kind;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++) {
		b = buffer_new(kind, true, BIDIR, 0);
		bad_ranges(b);
		buffer_free(b);
	}
}

/* What the CPU writes is the device's with the put, and not before. */
static void test_put_passes_on(const char *node)
{
	unsigned char data[100], seen[100];
	struct buffer *b;
	int kind;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++) {
		b = buffer_new(kind, true, BIDIR, 0);
		pattern_fill(data, sizeof(data), kind + 1);
		CHECK_OK(access_get(b->queue, TO_DEVICE, 4090, 100));
		CHECK_OK(access_io(b->queue, true, true, 4090, data, 100));
		if (b->bounces) {
			device_io(b->queue, false, 4090, seen, 100);
			CHECK(!memcmp(seen, b->v + 4090, 100));
		}
		access_put(b->queue);
		device_io(b->queue, false, 4090, seen, 100);
		CHECK_EQ(pattern_check(seen, 100, kind + 1), -1);
		buffer_free(b);
	}
}

/* A peer stays mapped in both directions and tells nothing of its DMA. */
static void test_third(const char *node)
{
	struct buffer *b = buffer_new(OWN, true, TO_DEVICE, 0);
	unsigned char data[SIZE], seen[SIZE];
	int peer = peer_open(NULL), map;
	struct counts before, after;

	(void)node;
	CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_RUN, NULL));
	CHECK_OK(peer_attach(peer, b->fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));

	/* What it wrote is seen, in the range and nowhere else. */
	pattern_fill(data, SIZE, 1);
	CHECK_OK(peer_write(peer, map, 0, data, SIZE));
	counts_read(&before);
	read_range(b->queue, 5000, seen, 300);
	counts_read(&after);
	CHECK(!memcmp(seen, data + 5000, 300));
	CHECK_EQ(after.synced - before.synced, ksft_swiotlb ? 300 : 0);
	CHECK(!memcmp(b->memory + 5000, data + 5000, 300));
	if (ksft_swiotlb) {
		CHECK_EQ(bytes_check(b->memory, 5000, 0), -1);
		CHECK_EQ(bytes_check(b->memory + 5300, SIZE - 5300, 0), -1);
	}

	/* And it sees what the driver writes, likewise. */
	memset(b->memory, 0x11, SIZE);
	memset(seen, 0x77, 50);
	counts_read(&before);
	write_range(b->queue, 12000, seen, 50);
	counts_read(&after);
	CHECK_EQ(after.synced - before.synced, ksft_swiotlb ? 2 * 50 : 0);
	CHECK_OK(peer_read(peer, map, 0, seen, SIZE));
	CHECK_EQ(bytes_check(seen + 12000, 50, 0x77), -1);
	if (ksft_swiotlb) {
		CHECK(!memcmp(seen, data, 12000));
		CHECK(!memcmp(seen + 12050, data + 12050, SIZE - 12050));
	} else {
		CHECK_EQ(bytes_check(seen, 12000, 0x11), -1);
	}
	CHECK_OK(peer_unmap(peer, map));
	close(peer);
	buffer_free(b);
}

/* User space will not read: the driver does, and what is left is left. */
static void test_unread(const char *node)
{
	struct buffer *b = buffer_new(OWN, true, FROM_DEVICE, VBM_QUEUE_UNREAD);
	unsigned char data[SIZE], seen[64];

	(void)node;
	pattern_fill(data, SIZE, 3);
	device_io(b->queue, true, 0, data, SIZE);
	CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_RUN, NULL));
	if (ksft_swiotlb)
		CHECK_EQ(bytes_check(b->memory, SIZE, 0), -1);
	read_range(b->queue, 4070, seen, 64);
	CHECK(!memcmp(seen, data + 4070, 64));
	if (ksft_swiotlb) {
		CHECK_EQ(bytes_check(b->memory, 4070, 0), -1);
		CHECK_EQ(bytes_check(b->memory + 4134, SIZE - 4134, 0), -1);
	}
	/* Once the driver has written, nothing is fetched over that. */
	memset(seen, 0x99, 64);
	write_range(b->queue, 9000, seen, 64);
	memcpy(data + 9000, seen, 64);
	CHECK_OK(dmabuf_sync(b->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	CHECK(!memcmp(b->memory, data, SIZE));
	CHECK_OK(dmabuf_sync(b->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	buffer_free(b);
}

/* User space has not written: the driver has. */
static void test_clean(const char *node)
{
	struct buffer *b = buffer_new(OWN, true, TO_DEVICE, VBM_QUEUE_CLEAN);
	char data[16], seen[SIZE];

	(void)node;
	CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_RUN, NULL));
	/* Control: the hint is followed. */
	memset(b->memory, 0x21, SIZE);
	CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_RUN, NULL));
	device_io(b->queue, false, 0, seen, SIZE);
	CHECK_EQ(bytes_check(seen, SIZE, ksft_swiotlb ? 0 : 0x21), -1);

	memset(data, 0x43, sizeof(data));
	write_range(b->queue, 8190, data, sizeof(data));
	CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_PREPARE, NULL));
	device_io(b->queue, false, 8190, seen, sizeof(data));
	CHECK(!memcmp(seen, data, sizeof(data)));
	buffer_free(b);
}

/* The driver goes: no access any more, and one that is held ends well. */
static void test_unbind(const char *node)
{
	char data[64] = { 1 };
	struct buffer *b;
	int kind, held;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++)
		for (held = 0; held < 2; held++) {
			b = buffer_new(kind, true, BIDIR, 0);
			if (held)
				CHECK_OK(access_get(b->queue, TO_DEVICE, 4064,
						    64));
			CHECK_OK(xioctl(b->queue, VBM_QUEUE_IOC_UNBIND, NULL));
			if (held) {
				CHECK_OK(access_io(b->queue, true, true, 4064,
						   data, 64));
				access_put(b->queue);
				CHECK(!memcmp(b->memory + 4064, data, 64));
			}
			CHECK_ERR(access_get(b->queue, FROM_DEVICE, 0, 1),
				  ENODEV);
			buffer_free(b);
		}
}

static void test_iomem(const char *node)
{
	struct vbm_peer_export how = { .kind = VBM_PEER_IOMEM, .size = ROOM };
	int peer = peer_open(NULL), fd = peer_export(peer, &how);
	int queue = queue_open(true, BIDIR, 0);

	(void)node;
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_IMPORT, &fd));
	CHECK_ERR(access_get(queue, FROM_DEVICE, 0, 1), EOPNOTSUPP);
	close(queue);
	close(fd);
	close(peer);
}

static const struct ksft_test tests[] = {
	{ "access to a part of own memory", test_own, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access to a part of user memory", test_userptr, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access to a part of an import of ours", test_ours, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access to a part of a foreign import", test_foreign, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access while the driver has an address", test_vaddr, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "control: what syncs more or less is found", test_control, 0,
	  KSFT_NO_NODE | KSFT_OURS | KSFT_SWIOTLB },
	{ "control: a wrong bit is found", test_control_bit, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access outside a plane or a range", test_bad, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "put passes on what was written", test_put_passes_on, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "an importer that stays mapped takes part", test_third, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access to what user space will not read", test_unread, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access to what user space has not written", test_clean, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "access ends with the driver", test_unbind, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "no access to memory that is none", test_iomem, 0,
	  KSFT_NO_NODE | KSFT_OURS },
};

KSFT_MAIN(tests)
