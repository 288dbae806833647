// SPDX-License-Identifier: GPL-2.0
/*
 * Caches are maintained as often as need be, and no more: how many syncs there
 * are, of how many bytes, and whether the bytes are right.
 *
 * What is counted is what the backends ask of the DMA API (stats). Without
 * swiotlb=force no device here needs any, so that all numbers must be 0; with
 * it each mapping does that is not of dma_alloc_*() memory.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "step.h"

#ifndef V4L2_MEMORY_FLAG_NON_COHERENT
#define V4L2_MEMORY_FLAG_NON_COHERENT	(1 << 0)
#endif

#define SIZE		(64U << 10)
#define PLANES		VBM_STEP_PLANES

enum memory { SG, NON_COHERENT, COHERENT, NR_KINDS };

static const char * const kinds[NR_KINDS] = {
	"dma-sg", "NON_COHERENT", "dma-contig",
};

struct counts {
	long long device, cpu, bytes;
};

static struct counts counted;

static void counts_read(struct counts *c)
{
	memset(c, 0, sizeof(*c));
	if (ksft_stock)
		return;
	c->device = stat_get("syncs_device");
	c->cpu = stat_get("syncs_cpu");
	c->bytes = stat_get("bytes_synced");
}

/* So many since it was asked last, of @size bytes each. */
static void expect_of(unsigned int device, unsigned int cpu, size_t size,
		      const char *what)
{
	struct counts now;
	long long bytes;

	counts_read(&now);
	if (!ksft_swiotlb) {
		device = 0;
		cpu = 0;
	}
	bytes = (device + cpu) * size;
	if (!ksft_stock &&
	    (now.device - counted.device != device ||
	     now.cpu - counted.cpu != cpu ||
	     now.bytes - counted.bytes != bytes))
		FAIL("%s: for the device %lld syncs, the CPU %lld, bytes %lld, not %u, %u, %lld",
		     what, now.device - counted.device, now.cpu - counted.cpu,
		     now.bytes - counted.bytes, device, cpu, bytes);
	counted = now;
}

static void expect(unsigned int device, unsigned int cpu, const char *what)
{
	expect_of(device, cpu, SIZE, what);
}

static void expect_bytes(const void *p, unsigned int seed, const char *what)
{
	long long at = pattern_check(p, SIZE, seed);

	if (at >= 0)
		FAIL_BYTES("%s: byte %lld is not what was written last", what, at);
}

/*
 * A queue, and what its device reads and writes
 */

struct queue {
	enum memory kind;
	bool output;
	unsigned int planes;
	int step;
	char *map[PLANES];	/* of what it has of its own */
	int fd[PLANES];
};

static char data[SIZE];

static void queue_open(struct queue *q, enum memory kind, bool output,
		       unsigned int planes)
{
	struct vbm_step_config config = {
		.sg = kind == SG, .output = output, .planes = planes,
		.size = SIZE, .like = -1,
	};

	q->kind = kind;
	q->output = output;
	q->planes = planes;
	q->step = step_open(&config);
}

/* With a buffer of its own. */
static void queue_make(struct queue *q, enum memory kind, bool output,
		       unsigned int planes)
{
	unsigned int p;

	queue_open(q, kind, output, planes);
	if (kind == NON_COHERENT)
		step_buffers_non_coherent(q->step, 1);
	else
		step_buffers(q->step, 1);
	for (p = 0; p < planes; p++) {
		q->map[p] = step_mmap(q->step, 0, p, SIZE);
		q->fd[p] = step_export(q->step, 0, p);
	}
}

static void queue_begin(struct queue *q, const int *fd, bool no_clean,
			bool no_invalidate)
{
	struct vbm_step_begin begin = {
		.no_clean = no_clean, .no_invalidate = no_invalidate,
	};
	unsigned int p;

	for (p = 0; p < q->planes && fd; p++)
		begin.fd[p] = fd[p];
	CHECK_OK(step_begin(q->step, &begin));
}

static void queue_dma(struct queue *q, unsigned int seed, const char *what)
{
	unsigned int p;

	for (p = 0; p < q->planes; p++) {
		if (q->output) {
			CHECK_OK(step_read(q->step, 0, p, 0, data, SIZE));
			expect_bytes(data, seed + p, what);
		} else {
			pattern_fill(data, SIZE, seed + p);
			CHECK_OK(step_write(q->step, 0, p, 0, data, SIZE));
		}
	}
}

static void fill(char * const *map, unsigned int planes, unsigned int seed)
{
	unsigned int p;

	for (p = 0; p < planes; p++)
		pattern_fill(map[p], SIZE, seed + p);
}

static void look(char * const *map, unsigned int planes, unsigned int seed,
		 const char *what)
{
	unsigned int p;

	for (p = 0; p < planes; p++)
		expect_bytes(map[p], seed + p, what);
}

/*
 * The queue's own buffers
 */

/* A hint says that something was not touched: nor is it, here. */
static void own_frame(struct queue *q, bool no_clean, bool no_invalidate,
		      unsigned int *seed)
{
	bool syncs = q->kind != COHERENT;
	unsigned int planes = q->planes;
	char what[128];

	snprintf(what, sizeof(what), "%s %s, %u planes, hints %d%d",
		 kinds[q->kind], q->output ? "output" : "capture", planes,
		 no_clean, no_invalidate);
	if (!q->output) {
		*seed += PLANES;
	} else if (!no_clean) {
		*seed += PLANES;
		fill(q->map, planes, *seed);
	}
	queue_begin(q, NULL, no_clean, no_invalidate);
	expect(syncs && !no_clean ? planes : 0, 0, what);
	queue_dma(q, *seed, what);
	CHECK_OK(step_done(q->step, 0));
	expect(0, syncs && !no_invalidate && !q->output ? planes : 0, what);
	if (q->output || !no_invalidate)
		look(q->map, planes, *seed, what);
}

static void own_frames(enum memory kind, bool output, unsigned int planes)
{
	unsigned int hints, seed = 0;
	struct queue q;

	queue_make(&q, kind, output, planes);
	counts_read(&counted);
	for (hints = 0; hints < 4; hints++) {
		own_frame(&q, false, false, &seed);
		own_frame(&q, hints & 1, hints & 2, &seed);
		own_frame(&q, hints & 1, hints & 2, &seed);
	}
	own_frame(&q, false, false, &seed);
	close(q.step);
}

static void test_own(const char *node)
{
	unsigned int kind, planes, output;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++)
		for (planes = 1; planes <= PLANES; planes++)
			for (output = 0; output < 2; output++)
				own_frames(kind, output, planes);
}

/* By V4L2's own flags, frame by frame. */
static void test_flags(const char *node)
{
	struct vnode *n = vnode_open(node);
	unsigned int flags, hints, i, p, per;
	struct vbuf b[3];
	long long bytes;

	for (p = 0, bytes = 0; p < n->num_planes; p++)
		bytes += (n->sizeimage[p] + 4095) / 4096 * 4096;
	for (flags = 0; flags < 2; flags++) {
		for (hints = 0; hints < 2; hints++) {
			struct counts before, now;

			CHECK_EQ(vnode_reqbufs_flags(n, 3, V4L2_MEMORY_MMAP,
						     flags), 3);
			for (i = 0; i < 3; i++) {
				vbuf_init(&b[i], n, i, V4L2_MEMORY_MMAP);
				if (hints)
					b[i].flags =
					     V4L2_BUF_FLAG_NO_CACHE_INVALIDATE |
					     V4L2_BUF_FLAG_NO_CACHE_CLEAN;
			}
			counts_read(&before);
			/* Three that are queued, and five again. */
			vnode_run(n, b, 3, 6);
			counts_read(&now);
			per = ksft_swiotlb && !hints &&
			      (flags || n->flags & NODE_SG) ? 8 : 0;
			CHECK_EQ(now.device - before.device,
				 per * n->num_planes);
			CHECK_EQ(now.cpu - before.cpu, per * n->num_planes);
			CHECK_EQ(now.bytes - before.bytes, 2 * per * bytes);
			CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
		}
	}
}

/* Who brackets its writes may say that nothing is left to be cleaned. */
static void test_bracketed(const char *node)
{
	unsigned int kind, p, planes = PLANES, i;
	char what[128], *map;
	struct queue q;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++) {
		bool syncs = kind != COHERENT;

		snprintf(what, sizeof(what), "%s output, bracketed",
			 kinds[kind]);
		queue_make(&q, kind, true, planes);
		counts_read(&counted);
		for (i = 0; i < 3; i++) {
			for (p = 0; p < planes; p++) {
				map = dmabuf_mmap(q.fd[p], SIZE);
				CHECK_OK(dmabuf_sync(q.fd[p],
						     DMA_BUF_SYNC_START |
						     DMA_BUF_SYNC_RW));
				pattern_fill(map, SIZE, 10 * i + p);
				CHECK_OK(dmabuf_sync(q.fd[p],
						     DMA_BUF_SYNC_END |
						     DMA_BUF_SYNC_RW));
				munmap(map, SIZE);
			}
			expect(0, 0, what);
			queue_begin(&q, NULL, true, false);
			expect(syncs ? planes : 0, 0, what);
			queue_dma(&q, 10 * i, what);
			CHECK_OK(step_done(q.step, 0));
			/* Nothing was written since, and who reads says so. */
			for (p = 0; p < planes; p++) {
				CHECK_OK(dmabuf_sync(q.fd[p],
						     DMA_BUF_SYNC_START |
						     DMA_BUF_SYNC_READ));
				CHECK_OK(dmabuf_sync(q.fd[p],
						     DMA_BUF_SYNC_END |
						     DMA_BUF_SYNC_READ));
			}
			queue_begin(&q, NULL, true, false);
			expect(0, 0, what);
			queue_dma(&q, 10 * i, what);
			CHECK_OK(step_done(q.step, 0));
		}
		close(q.step);
	}
}

/*
 * Imports
 */

static void import_frames(enum memory kind, bool output, unsigned int planes)
{
	struct queue own, q;
	unsigned int i;
	char what[128];

	snprintf(what, sizeof(what), "%s import, %s, %u planes", kinds[kind],
		 output ? "output" : "capture", planes);
	queue_make(&own, kind, false, planes);
	queue_open(&q, kind, output, planes);
	step_imports(q.step, 1);
	/* The first maps. */
	queue_begin(&q, own.fd, false, false);
	CHECK_OK(step_done(q.step, 0));
	counts_read(&counted);
	for (i = 1; i < 4; i++) {
		if (output)
			fill(own.map, planes, 10 * i);
		queue_begin(&q, own.fd, false, false);
		expect(planes, 0, what);
		queue_dma(&q, 10 * i, what);
		CHECK_OK(step_done(q.step, 0));
		expect(0, output ? 0 : planes, what);
		look(own.map, planes, 10 * i, what);
	}
	step_release(q.step);
	close(q.step);
	close(own.step);
}

static void test_imports(const char *node)
{
	unsigned int kind, planes, output;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++)
		for (planes = 1; planes <= PLANES; planes++)
			for (output = 0; output < 2; output++)
				import_frames(kind, output, planes);
}

static void foreign_frames(enum memory kind, bool output)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = SIZE,
		.head = kind == SG ? 0 : SIZE,
	};
	int peer = peer_open(NULL), fd = peer_export(peer, &how);
	char *map = dmabuf_mmap(fd, SIZE), what[128];
	struct queue q;
	unsigned int i;

	snprintf(what, sizeof(what), "%s import of a foreign buffer, %s",
		 kinds[kind], output ? "output" : "capture");
	queue_open(&q, kind, output, 1);
	step_imports(q.step, 1);
	counts_read(&counted);
	for (i = 1; i < 4; i++) {
		if (output)
			pattern_fill(map, SIZE, i);
		queue_begin(&q, &fd, false, false);
		/* The first maps, which copies. */
		expect(i > 1, 0, what);
		queue_dma(&q, i, what);
		CHECK_OK(step_done(q.step, 0));
		expect(0, !output, what);
		expect_bytes(map, i, what);
	}
	/* What the device leaves as it was comes back as it was. */
	pattern_fill(map, SIZE, i);
	queue_begin(&q, &fd, false, false);
	CHECK_OK(step_done(q.step, 0));
	expect_bytes(map, i, what);
	step_release(q.step);
	close(q.step);
	close(peer);
	close(fd);
}

static void test_foreign(const char *node)
{
	unsigned int kind, output;

	(void)node;
	for (kind = 0; kind < NR_KINDS; kind++)
		for (output = 0; output < 2; output++)
			foreign_frames(kind, output);
}

/*
 * Others have it, too
 */

/* A buffer of one queue, and an importer that is not ours. */
struct pair {
	struct queue q;
	int peer;
};

static void pair_make(struct pair *p, bool output)
{
	queue_make(&p->q, SG, output, 1);
	p->peer = peer_open(NULL);
	CHECK_OK(peer_attach(p->peer, p->q.fd[0]));
	counts_read(&counted);
}

static void pair_end(struct pair *p)
{
	close(p->peer);
	close(p->q.step);
}

static void peer_sees(struct pair *p, int map, unsigned int seed,
		      const char *what)
{
	CHECK_OK(peer_read(p->peer, map, 0, data, SIZE));
	expect_bytes(data, seed, what);
}

/* A program that gives a hint does not know of others. */
static void test_hint_and_others(const char *node)
{
	unsigned int i, dir;
	struct pair p;
	int map;

	(void)node;
	for (dir = VBM_PEER_BIDIR; dir <= VBM_PEER_TO_DEVICE; dir++) {
		pair_make(&p, true);
		map = CHECK_OK(peer_map(p.peer, dir, NULL));
		expect(0, 0, "a first map");
		for (i = 1; i < 4; i++) {
			pattern_fill(p.q.map[0], SIZE, i);
			queue_begin(&p.q, NULL, true, true);
			/* The own device, and the peer. */
			expect(2, 0, "given with a hint");
			queue_dma(&p.q, i, "given with a hint");
			peer_sees(&p, map, i, "given with a hint");
			CHECK_OK(step_done(p.q.step, 0));
			expect(0, 0, "put out");
		}
		pair_end(&p);

		pair_make(&p, false);
		map = CHECK_OK(peer_map(p.peer, dir, NULL));
		for (i = 1; i < 4; i++) {
			queue_begin(&p.q, NULL, true, true);
			queue_dma(&p.q, i, "");
			counts_read(&counted);
			CHECK_OK(step_done(p.q.step, 0));
			expect(1, 1, "taken with a hint");
			peer_sees(&p, map, i, "taken with a hint");
		}
		pair_end(&p);
	}
}

/* What was not to be read is there when somebody reads it even so. */
static void test_hint_made_up(const char *node)
{
	struct pair p;
	char *sync;
	int map;

	(void)node;
	pair_make(&p, false);
	sync = dmabuf_mmap(p.q.fd[0], SIZE);
	queue_begin(&p.q, NULL, false, true);
	expect(1, 0, "given");
	queue_dma(&p.q, 1, "");
	CHECK_OK(step_done(p.q.step, 0));
	expect(0, 0, "taken with a hint");
	CHECK_OK(dmabuf_sync(p.q.fd[0], DMA_BUF_SYNC_START |
			     DMA_BUF_SYNC_READ));
	expect(0, 1, "read even so");
	expect_bytes(sync, 1, "read even so");
	CHECK_OK(dmabuf_sync(p.q.fd[0], DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	CHECK_OK(dmabuf_sync(p.q.fd[0], DMA_BUF_SYNC_START |
			     DMA_BUF_SYNC_READ));
	expect(0, 0, "once");

	queue_begin(&p.q, NULL, false, true);
	queue_dma(&p.q, 2, "");
	CHECK_OK(step_done(p.q.step, 0));
	expect(1, 0, "taken with a hint, again");
	map = CHECK_OK(peer_map(p.peer, VBM_PEER_TO_DEVICE, NULL));
	expect(0, 1, "mapped even so");
	peer_sees(&p, map, 2, "mapped even so");
	CHECK_OK(peer_unmap(p.peer, map));
	expect(0, 0, "an unmap by who has not written");
	pair_end(&p);
}

/* DMA_BUF_IOCTL_SYNC, for all that others have mapped and for nothing else. */
static void check_access(struct pair *p, unsigned int fetch, unsigned int give,
			 const char *what)
{
	static const unsigned long long how[] = {
		DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
	};
	unsigned int i;

	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		CHECK_OK(dmabuf_sync(p->q.fd[0], DMA_BUF_SYNC_START | how[i]));
		expect(0, fetch, what);
		CHECK_OK(dmabuf_sync(p->q.fd[0], DMA_BUF_SYNC_END | how[i]));
		expect(how[i] == DMA_BUF_SYNC_READ ? 0 : give, 0, what);
	}
}

static void test_access(const char *node)
{
	static const char * const names[] = { "rw", "r", "w" };
	unsigned int dir;
	struct pair p;
	char what[64];
	int map;

	(void)node;
	pair_make(&p, false);
	check_access(&p, 0, 0, "nobody else has it mapped");
	for (dir = VBM_PEER_BIDIR; dir <= VBM_PEER_FROM_DEVICE; dir++) {
		map = CHECK_OK(peer_map(p.peer, dir, NULL));
		counts_read(&counted);
		snprintf(what, sizeof(what), "a peer maps it, %s", names[dir]);
		check_access(&p, dir != VBM_PEER_TO_DEVICE, 1, what);
		/* The own device captures: its bytes, and its alone. */
		queue_begin(&p.q, NULL, false, false);
		queue_dma(&p.q, dir, what);
		counts_read(&counted);
		check_access(&p, 1, 1, "a device has it meanwhile");
		CHECK_OK(step_done(p.q.step, 0));
		expect(1, 1, "the device has ended");
		expect_bytes(p.q.map[0], dir, what);
		CHECK_OK(peer_unmap(p.peer, map));
		expect(0, dir != VBM_PEER_TO_DEVICE, "the peer has ended");
	}
	check_access(&p, 0, 0, "nobody has it mapped any more");
	pair_end(&p);
}

#define FIRST	"an importer sees the first frame forever"

static const struct ksft_test tests[] = {
	{ "own buffers are synced when need be", test_own, 0, KSFT_NO_NODE },
	{ "V4L2's hints are followed", test_flags, NODE_CAP | NODE_VBCAM,
	  KSFT_OURS },
	{ "what was bracketed is passed on, whatever the hint", test_bracketed,
	  0, KSFT_NO_NODE },
	{ "imports are synced when need be", test_imports, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "bounced: imports are synced when need be", test_imports, 0,
	  KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES, .stock = FIRST },
	{ "imports of foreign buffers are, too", test_foreign, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "bounced: imports of foreign buffers are, too", test_foreign, 0,
	  KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES, .stock = FIRST },
	{ "a hint does not concern others", test_hint_and_others, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "bounced: a hint does not concern others", test_hint_and_others, 0,
	  KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES, .stock = FIRST },
	{ "what a hint left out is made up for", test_hint_made_up, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "bounced: what a hint left out is made up for", test_hint_made_up, 0,
	  KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "a device that maps does not see it" },
	{ "CPU access is synced when need be", test_access, 0,
	  KSFT_NO_NODE | KSFT_OURS },
};

KSFT_MAIN(tests)
