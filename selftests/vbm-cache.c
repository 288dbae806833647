// SPDX-License-Identifier: GPL-2.0
/*
 * Imports that vb2 lets go of stay mapped, for the next time; and nothing that
 * somebody wants back is kept.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"

#define FDS		4
#define FDS_MAX		8
#define PER_DEVICE	32	/* VBM_CACHE_PER_DEVICE */
#define BOUNCING	(16U << 20)	/* a quarter of all bounce buffers */
#define IDLE_OURS	10000	/* VBM_CACHE_IDLE_OURS */
#define IDLE_FOREIGN	2000	/* VBM_CACHE_IDLE_FOREIGN */

/* What was closed is free within a second. */
#define SOON		1000
/* If the machine stands still for a while; less than IDLE_OURS. */
#define LATE		5000
/* What is to be done in time, and was not, is done again so often. */
#define TRIES		5

struct scene {
	struct vnode *from, *to;
	unsigned int nr;
	struct vbuf b[FDS_MAX];
};

/* A node that can import from @node, as good as one of its kind. */
static const char *importer_of(const char *node, unsigned int need)
{
	unsigned int f = vnode_flags(node);
	const char *path;

	path = vnode_find((f & (NODE_SPLANE | NODE_MPLANE | NODE_CONTIG |
				NODE_SG)) | need, node);
	if (!path)
		ksft_skip("no other node that can import from it");
	return path;
}

static void scene_make_nr(struct scene *s, const char *node, unsigned int need,
			  unsigned int nr)
{
	unsigned int i, p;

	memset(s, 0, sizeof(*s));
	s->nr = nr;
	s->from = vnode_open(node);
	s->to = vnode_open(importer_of(node, need));
	vnode_buffers(s->from, nr, V4L2_MEMORY_MMAP);
	vnode_buffers(s->to, nr, V4L2_MEMORY_DMABUF);
	for (i = 0; i < nr; i++) {
		vbuf_init(&s->b[i], s->to, i, V4L2_MEMORY_DMABUF);
		for (p = 0; p < s->to->num_planes; p++) {
			s->b[i].p[p].fd = CHECK_OK(vnode_expbuf(s->from, i, p,
								O_RDWR));
			s->b[i].p[p].length = dmabuf_size(s->b[i].p[p].fd);
		}
	}
}

static void scene_make(struct scene *s, const char *node, unsigned int need)
{
	scene_make_nr(s, node, need, FDS);
}

static size_t page_up(size_t size)
{
	size_t page = getpagesize();

	return (size + page - 1) / page * page;
}

static bool dma_api_is_debugged(void)
{
	FILE *f = fopen("/sys/kernel/debug/dma-api/disabled", "re");
	bool on = f && fgetc(f) == 'N';

	if (f)
		fclose(f);
	return on;
}

/*
 * Buffers that are not ours, for the same importer. Their exporter syncs in the
 * direction of the CPU's access, as the system heap does; that is not always
 * the mapping's, which DMA_API_DEBUG reports.
 */
static void scene_make_foreign(struct scene *s, const char *node)
{
	int peer = peer_open(NULL);
	unsigned int i;

	if (dma_api_is_debugged())
		ksft_skip("DMA_API_DEBUG reports what its exporter does");

	memset(s, 0, sizeof(*s));
	s->nr = FDS;
	s->to = vnode_open(node);
	vnode_buffers(s->to, FDS, V4L2_MEMORY_DMABUF);
	for (i = 0; i < FDS; i++) {
		struct vbm_peer_export how = {
			.kind = VBM_PEER_PAGES,
			.size = page_up(s->to->sizeimage[0]),
			.heap = 1,
		};

		if (s->to->flags & NODE_CONTIG)
			how.head = how.size;
		vbuf_init(&s->b[i], s->to, i, V4L2_MEMORY_DMABUF);
		s->b[i].p[0].fd = peer_export(peer, &how);
		s->b[i].p[0].length = how.size;
	}
}

/* Buffer @i at that index of that node; it is not queued. */
static void prepare_on(struct vnode *n, const struct vbuf *from,
		       unsigned int index)
{
	struct vbuf b = *from;

	b.index = index;
	CHECK_OK(vnode_prepare(n, &b));
	CHECK_OK(vnode_stream(n, false));
}

static void scene_prepare(struct scene *s, unsigned int i, unsigned int index)
{
	prepare_on(s->to, &s->b[i], index);
}

static void scene_close_fds(struct scene *s)
{
	unsigned int i, p;

	for (i = 0; i < s->nr; i++)
		for (p = 0; p < s->b[i].num_planes; p++)
			close(s->b[i].p[p].fd);
}

/* What happens by itself within so many milliseconds. */
static void await_for(const char *stat, long long value, unsigned int ms)
{
	long long end = ksft_ms() + ms;

	while (stat_get(stat) != value && ksft_ms() < end)
		usleep(10000);
	CHECK_EQ(stat_get(stat), value);
}

/* Sooner than what is ours is let go of because it has been idle. */
static void await(const char *stat, long long value)
{
	await_for(stat, value, LATE);
}

/* The system asks its shrinkers for all that there is; 4: without a word. */
static void drop_parked(void)
{
	CHECK_OK(write_file("/proc/sys/vm/drop_caches", "4"));
	CHECK_OK(write_file("/proc/sys/vm/drop_caches", "2"));
	await("parked", 0);
}

/*
 * What is not ours goes when it has been idle for two seconds, be it that the
 * machine stood still. So what is there is judged only if all of it has been
 * used within half of that. Else from the beginning.
 */
static bool took_too_long(long long since, unsigned int *tries)
{
	if (ksft_ms() - since <= IDLE_FOREIGN / 2)
		return false;
	if (++*tries == TRIES)
		ksft_skip("this machine stands still too often");
	drop_parked();
	return true;
}

static const char * const costs[] = {
	"attaches", "detaches", "maps", "maps_cached", "unmaps", "import_maps",
	"import_unmaps", "imports_total",
};

#define NR_COSTS	(sizeof(costs) / sizeof((costs)[0]))

struct cost {
	long long v[NR_COSTS];
};

static void cost_read(struct cost *c)
{
	unsigned int i;

	for (i = 0; i < NR_COSTS; i++)
		c->v[i] = stat_get(costs[i]);
}

static void cost_equal(const struct cost *before, const struct cost *after,
		       const char *where)
{
	unsigned int i;

	for (i = 0; i < NR_COSTS; i++)
		if (after->v[i] != before->v[i])
			FAIL("%s: %s went on by %lld", where, costs[i],
			     after->v[i] - before->v[i]);
}

static void cost_same(const struct cost *before, const char *where)
{
	struct cost now;

	cost_read(&now);
	cost_equal(before, &now, where);
}

/* Buffers over indexes, until each has been everywhere it comes to. */
static void rotate(struct scene *s, unsigned int nr, unsigned int indexes)
{
	long long cached, maps, steps = 2 * nr * indexes;
	struct cost before;
	char where[64];
	unsigned int i;

	maps = stat_get("import_maps");
	for (i = 0; i < steps; i++)
		scene_prepare(s, i % nr, i % indexes);
	CHECK_EQ(stat_get("import_maps") - maps, nr);
	snprintf(where, sizeof(where), "%u buffers over %u indexes", nr,
		 indexes);
	cost_read(&before);
	cached = stat_get("import_maps_cached");
	for (i = 0; i < steps; i++)
		scene_prepare(s, i % nr, i % indexes);
	cost_same(&before, where);
	cached = stat_get("import_maps_cached") - cached;
	if (cached != (indexes % nr ? steps : 0))
		FAIL("%s: %lld of %lld from the cache", where, cached, steps);
	/* For the next turn nothing is there. */
	CHECK_OK(vnode_reqbufs(s->to, 0, V4L2_MEMORY_DMABUF));
	vnode_buffers(s->to, FDS_MAX, V4L2_MEMORY_DMABUF);
	drop_parked();
}

/* Some of them; vbm-rotate has them all, on devices of its own. */
static void test_rotate(const char *node)
{
	struct scene s;

	scene_make_nr(&s, node, 0, FDS_MAX);
	/* GStreamer's, by default. */
	rotate(&s, 4, 2);
	rotate(&s, 5, 3);
}

/* How long it takes until nothing is kept of what nobody has any more. */
static long long let_go(struct scene *s)
{
	long long since = ksft_ms();

	scene_close_fds(s);
	await("parked", 0);
	return ksft_ms() - since;
}

/* Unless the machine stands still each time; @keep returns how long it took. */
static void check_soon(long long (*keep)(const char *node), const char *node)
{
	long long took = 0;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		took = keep(node);
		if (took <= SOON)
			return;
	}
	FAIL("what nobody has any more was kept for %lld ms", took);
}

static void rotate_foreign(struct scene *s, unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds * FDS; i++)
		scene_prepare(s, i % FDS, i / FDS % 2);
}

static long long keep_foreign(const char *node)
{
	long long since, parked, took;
	struct cost before, after;
	unsigned int tries = 0;
	struct scene s;

	scene_make_foreign(&s, node);
	do {
		since = ksft_ms();
		rotate_foreign(&s, 4);
		/* vb2 has what is at its indexes. */
		parked = stat_get("parked");
		cost_read(&before);
		rotate_foreign(&s, 10);
		cost_read(&after);
	} while (!ksft_swiotlb && took_too_long(since, &tries));
	CHECK_EQ(parked > 0, !ksft_swiotlb);
	if (parked)
		cost_equal(&before, &after, "foreign buffers");
	took = let_go(&s);
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	CHECK_EQ(stat_get("parked"), 0);
	vnode_close(s.to);
	return took;
}

/*
 * What bounces is not kept: its exporter copies it to memory when it is
 * unmapped, or when the CPU asks, over whatever is there by then. The rest goes
 * before it has been idle for too long.
 */
static void test_foreign(const char *node)
{
	check_soon(keep_foreign, node);
}

/* A program that goes on holding the fds does not have them pinned for good. */
static void test_idle(const char *node)
{
	unsigned int i, tries = 0;
	long long since, parked;
	struct scene s;

	scene_make_foreign(&s, node);
	do {
		since = ksft_ms();
		for (i = 0; i < FDS; i++)
			scene_prepare(&s, i, 0);
		parked = stat_get("parked");
	} while (took_too_long(since, &tries));
	CHECK_EQ(parked, FDS - 1);
	/* Ours would still be there. */
	await_for("parked", 0, IDLE_OURS - 2000);
	for (i = 0; i + 1 < FDS; i++)
		CHECK_EQ(bufinfo_attached(s.b[i].p[0].fd), 0);
}

static void sync_start(const struct scene *s, unsigned int i)
{
	CHECK_OK(dmabuf_sync(s->b[i].p[0].fd, DMA_BUF_SYNC_START |
			     DMA_BUF_SYNC_RW));
}

static void sync_end(const struct scene *s, unsigned int i)
{
	CHECK_OK(dmabuf_sync(s->b[i].p[0].fd, DMA_BUF_SYNC_END |
			     DMA_BUF_SYNC_RW));
}

static void check_bytes(const struct scene *s, unsigned int i, const void *map,
			size_t size, unsigned int seed)
{
	int fd = s->b[i].p[0].fd;
	long long at;

	CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	at = pattern_check(map, size, seed);
	CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	if (at >= 0)
		FAIL("buffer %u: byte %lld is not what was written last", i,
		     at);
}

/* Another device writes a buffer that this one does not have at the moment. */
static void test_foreign_bytes(const char *node)
{
	size_t size = 0;
	unsigned int i;
	struct scene s;
	char *map, *data;
	int peer, m;

	scene_make_foreign(&s, node);
	size = s.b[0].p[0].length;
	map = dmabuf_mmap(s.b[0].p[0].fd, size);
	data = malloc(size);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, s.b[0].p[0].fd));
	for (i = 0; i < 3; i++) {
		sync_start(&s, 0);
		pattern_fill(map, size, 2 * i);
		sync_end(&s, 0);
		scene_prepare(&s, 0, 0);
		scene_prepare(&s, 1, 0);
		pattern_fill(data, size, 2 * i + 1);
		m = CHECK_OK(peer_map(peer, VBM_PEER_FROM_DEVICE, NULL));
		CHECK_OK(peer_write(peer, m, 0, data, size));
		CHECK_OK(peer_unmap(peer, m));
		check_bytes(&s, 0, map, size, 2 * i + 1);
		scene_prepare(&s, 2, 0);
		check_bytes(&s, 0, map, size, 2 * i + 1);
	}
	free(data);
}

/* A buffer that was queued and not filled has the bytes that it had. */
static void test_unfilled(const char *node)
{
	struct scene s;
	unsigned int i;
	size_t size;
	char *map;

	scene_make(&s, node, NODE_CAP);
	size = s.to->sizeimage[0];
	map = dmabuf_mmap(s.b[0].p[0].fd, size);
	for (i = 0; i < 6; i++) {
		/* The device fills it, it rotates away, and the CPU fills it. */
		vnode_run(s.to, s.b, 2, 2);
		if (i < 3)
			scene_prepare(&s, 2, 0);
		sync_start(&s, 0);
		pattern_fill(map, size, i);
		sync_end(&s, 0);
		scene_prepare(&s, 0, 0);
		check_bytes(&s, 0, map, size, i);
	}
}

/* What no test picture has many of in a row. */
#define UNWRITTEN	0xa5

static bool has_gap(const char *frame, size_t size)
{
	char gap[256];

	memset(gap, UNWRITTEN, sizeof(gap));
	return memmem(frame, size, gap, sizeof(gap));
}

/* A process that ends CPU accesses all the time, also while devices write. */
static pid_t end_access_always(const struct scene *s)
{
	pid_t pid = fork();
	unsigned int i;

	for (i = 0; !pid; i++) {
		dmabuf_sync(s->b[i % s->nr].p[0].fd, DMA_BUF_SYNC_END |
			    DMA_BUF_SYNC_WRITE);
		usleep(100);
	}
	CHECK(pid > 0);
	return pid;
}

/* Frames arrive in the buffers that were queued, whatever was there before. */
static void test_stream(const char *node)
{
	char *map[FDS_MAX];
	unsigned int at[2], i, next;
	struct cost before;
	struct vbuf b, d;
	struct scene s;
	size_t size;
	pid_t rude;

	/* vivid has no device: its CPU writes beside the bounce buffer. */
	scene_make_nr(&s, node, NODE_CAP | (ksft_swiotlb ? NODE_VBCAM : 0),
		      FDS_MAX);
	size = s.to->sizeimage[0];
	for (i = 0; i < FDS_MAX; i++)
		map[i] = dmabuf_mmap(s.b[i].p[0].fd, size);
	for (i = 0; i < FDS_MAX; i++)
		scene_prepare(&s, i, i % 2);
	cost_read(&before);
	rude = end_access_always(&s);
	for (next = 0; next < 2; next++) {
		b = s.b[next];
		b.index = next;
		at[next] = next;
		memset(map[next], UNWRITTEN, size);
		CHECK_OK(vnode_qbuf(s.to, &b));
	}
	CHECK_OK(vnode_stream(s.to, true));
	for (i = 0; i < 5 * FDS_MAX; i++) {
		int fd;

		CHECK_OK(vnode_dqbuf(s.to, V4L2_MEMORY_DMABUF, &d));
		CHECK(!(d.flags & V4L2_BUF_FLAG_ERROR));
		CHECK(d.index < 2);
		fd = s.b[at[d.index]].p[0].fd;
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_START |
				     DMA_BUF_SYNC_RW));
		if (has_gap(map[at[d.index]], size))
			FAIL("frame %u has not arrived", i);
		/* Nobody writes to it until its turn comes again. */
		pattern_fill(map[at[d.index]], size, i);
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));

		next = (i + 2) % FDS_MAX;
		if (i + 2 >= FDS_MAX &&
		    pattern_check(map[next], size, i + 2 - FDS_MAX) >= 0)
			FAIL("buffer %u has changed while nobody had it", next);
		sync_start(&s, next);
		memset(map[next], UNWRITTEN, size);
		sync_end(&s, next);
		b = s.b[next];
		b.index = d.index;
		at[d.index] = next;
		CHECK_OK(vnode_qbuf(s.to, &b));
	}
	CHECK_OK(vnode_stream(s.to, false));
	kill(rude, SIGKILL);
	waitpid(rude, NULL, 0);
	cost_same(&before, "streaming");
}

/* The same dma-buf is two imports for two devices, and each is kept. */
static void test_two_devices(const char *node)
{
	char one[64], two[64], *nodes[64];
	struct vnode *other = NULL;
	struct cost before;
	struct scene s;
	unsigned int f;
	int i, nr = vnode_list(nodes, 64);

	scene_make(&s, node, 0);
	vnode_device(s.to->path, one, sizeof(one));
	for (i = 0; i < nr && !other; i++) {
		f = vnode_flags(nodes[i]);
		vnode_device(nodes[i], two, sizeof(two));
		if (f & NODE_SPLANE && strcmp(one, two) &&
		    strcmp(nodes[i], node) &&
		    (f & NODE_SG || s.from->flags & NODE_CONTIG))
			other = vnode_open(nodes[i]);
	}
	if (!other)
		ksft_skip("no third device");
	vnode_buffers(other, FDS, V4L2_MEMORY_DMABUF);
	for (i = 0; i < FDS; i++) {
		scene_prepare(&s, i, 0);
		prepare_on(other, &s.b[i], 0);
	}
	CHECK_EQ(stat_get("parked"), 2 * (FDS - 1));
	cost_read(&before);
	for (i = 0; i < 10 * FDS; i++) {
		scene_prepare(&s, i % FDS, 0);
		prepare_on(other, &s.b[i % FDS], 0);
	}
	cost_same(&before, "two devices");
	CHECK_OK(vnode_reqbufs(s.from, 0, V4L2_MEMORY_MMAP));
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	CHECK_OK(vnode_reqbufs(other, 0, V4L2_MEMORY_DMABUF));
	scene_close_fds(&s);
	await("parked", 0);
	await("buffers", 0);
}

/* The planes of a buffer change places. */
static void test_swap(const char *node)
{
	struct cost before;
	struct vbuf b[2];
	struct scene s;
	unsigned int i;

	scene_make(&s, node, 0);
	b[0] = s.b[0];
	b[0].p[1] = s.b[1].p[0];
	b[1] = s.b[0];
	b[1].p[0] = s.b[1].p[0];
	b[1].p[1] = s.b[0].p[0];
	for (i = 0; i < 4; i++)
		prepare_on(s.to, &b[i % 2], 0);
	cost_read(&before);
	for (i = 0; i < 20; i++)
		prepare_on(s.to, &b[i % 2], 0);
	cost_same(&before, "planes that swap");
	CHECK_EQ(bufinfo_attached(b[0].p[0].fd), 1);
	CHECK_EQ(bufinfo_attached(b[0].p[1].fd), 1);
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	scene_close_fds(&s);
	await("parked", 0);
}

/* There is a limit to what may be kept in bounce buffers. */
static void test_bouncing(const char *node)
{
	unsigned int i, nr, most;
	struct vnode *from, *to;
	struct vbuf b;

	from = vnode_open(node);
	to = vnode_open(importer_of(node, 0));
	CHECK_OK(vnode_set_fmt(from, 640, 480, V4L2_PIX_FMT_YUYV));
	CHECK_OK(vnode_set_fmt(to, 640, 480, V4L2_PIX_FMT_YUYV));
	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
	most = BOUNCING / page_up(from->sizeimage[0]);
	nr = most + 3;
	CHECK(most < PER_DEVICE);
	for (i = 0; i < nr; i++) {
		b.p[0].fd = CHECK_OK(vnode_expbuf(from, 0, 0, O_RDWR));
		b.p[0].length = dmabuf_size(b.p[0].fd);
		prepare_on(to, &b, 0);
		CHECK_EQ(stat_get("parked"), i < most ? i : most);
	}
}

/* There is a limit to what a device may keep. */
static void test_limit(const char *node)
{
	int fds[PER_DEVICE + 8], attached = 0;
	struct scene s;
	struct vbuf b;
	unsigned int i;

	scene_make(&s, node, 0);
	for (i = 0; i < PER_DEVICE + 8; i++)
		fds[i] = CHECK_OK(vnode_expbuf(s.from, i % FDS, 0, O_RDWR));
	for (i = 0; i < PER_DEVICE + 8; i++) {
		b = s.b[0];
		b.p[0].fd = fds[i];
		prepare_on(s.to, &b, 0);
	}
	await("parked", PER_DEVICE);
	for (i = 0; i < PER_DEVICE + 8; i++)
		attached += bufinfo_attached(fds[i]);
	CHECK_EQ(attached, PER_DEVICE + 1);
	drop_parked();
	for (i = 0; i + 1 < PER_DEVICE + 8; i++)
		CHECK_EQ(bufinfo_attached(fds[i]), 0);
}

static long long keep_last_fd(const char *node)
{
	long long buffers = stat_get("buffers"), took;
	struct scene s;
	unsigned int i;

	scene_make(&s, node, 0);
	for (i = 0; i < FDS; i++)
		scene_prepare(&s, i, 0);
	/* One that is in use, but has been kept before. */
	scene_prepare(&s, 0, 0);
	CHECK_EQ(stat_get("parked"), FDS - 1);
	CHECK_OK(vnode_reqbufs(s.from, 0, V4L2_MEMORY_MMAP));
	/* The fds have them, and so does the importer's cache. */
	CHECK_EQ(stat_get("buffers") - buffers, FDS);
	took = let_go(&s);
	/* vb2 still has the one at its index. */
	await("buffers", buffers + 1);
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	await("buffers", buffers);
	vnode_close(s.from);
	vnode_close(s.to);
	return took;
}

static void test_last_fd(const char *node)
{
	check_soon(keep_last_fd, node);
}

static void test_reqbufs(const char *node)
{
	struct scene s;
	unsigned int i;

	scene_make(&s, node, 0);
	for (i = 0; i < FDS; i++)
		scene_prepare(&s, i, i);
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	CHECK_EQ(stat_get("parked"), 0);
	for (i = 0; i < FDS; i++)
		CHECK_EQ(bufinfo_attached(s.b[i].p[0].fd), 0);
	vnode_buffers(s.to, FDS, V4L2_MEMORY_DMABUF);
	for (i = 0; i < FDS; i++)
		scene_prepare(&s, i, i);
	vnode_close(s.to);
	CHECK_EQ(stat_get("parked"), 0);
	for (i = 0; i < FDS; i++)
		CHECK_EQ(bufinfo_attached(s.b[i].p[0].fd), 0);
	scene_close_fds(&s);
}

/* The number of an fd says nothing. */
static void test_number(const char *node)
{
	struct scene s;
	long long maps;
	int fd, other;

	scene_make(&s, node, 0);
	scene_prepare(&s, 0, 0);
	scene_prepare(&s, 1, 0);
	maps = stat_get("import_maps");
	fd = s.b[0].p[0].fd;
	other = CHECK_OK(vnode_expbuf(s.from, 2, 0, O_RDWR));
	CHECK_EQ(dup2(other, fd), fd);
	scene_prepare(&s, 0, 0);
	CHECK_EQ(stat_get("import_maps") - maps, 1);
	CHECK_EQ(bufinfo_attached(other), 1);
	close(other);
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	scene_close_fds(&s);
}

/* A mapping that is too small for the plane is no better for being there. */
static void test_size(const char *node)
{
	struct scene s;
	struct vbuf b;

	/* After an error core takes no bytesused for an OUTPUT buffer. */
	scene_make(&s, node, NODE_CAP);
	scene_prepare(&s, 0, 0);
	scene_prepare(&s, 1, 0);
	scene_prepare(&s, 2, 0);
	CHECK_EQ(stat_get("parked"), 2);
	b = s.b[0];
	b.p[0].length++;
	CHECK_ERR(vnode_prepare(s.to, &b), EFAULT);
	/* It is as good as before, for who wants less; so is the other one. */
	CHECK_EQ(stat_get("parked"), 3);
	CHECK_EQ(bufinfo_attached(s.b[0].p[0].fd), 1);
	CHECK_EQ(bufinfo_attached(s.b[2].p[0].fd), 1);
	scene_prepare(&s, 0, 0);
	CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
	scene_close_fds(&s);
	await("parked", 0);
}

static int driver_do(const struct vnode *n, const char *what)
{
	static char device[64];
	char path[128];

	if (!device[0])
		vnode_device(n->path, device, sizeof(device));
	snprintf(path, sizeof(path), "/sys/bus/platform/drivers/%s/%s",
		 n->driver, what);
	return write_file(path, device);
}

/*
 * vb2 has buffers 0 and 1, which have been kept before. When the driver has
 * gone nothing is kept, and what vb2 has goes with the node.
 */
static void unbind(struct scene *s, bool streaming)
{
	unsigned int i, tries = 0;
	long long since, parked;
	struct vbuf b;

	do {
		since = ksft_ms();
		CHECK_OK(vnode_stream(s->to, false));
		for (i = 0; i < 2 * FDS; i++)
			scene_prepare(s, i % FDS, i % 2);
		for (i = 0; i < 2; i++) {
			scene_prepare(s, i + 2, i);
			b = s->b[i];
			if (streaming)
				CHECK_OK(vnode_qbuf(s->to, &b));
			else
				CHECK_OK(vnode_prepare(s->to, &b));
		}
		if (streaming)
			CHECK_OK(vnode_stream(s->to, true));
		parked = stat_get("parked");
	} while (!s->from && took_too_long(since, &tries));
	CHECK_EQ(parked, FDS - 2);
	CHECK_OK(driver_do(s->to, "unbind"));
	/* An exporter that is not ours knows nothing of what has gone. */
	for (i = s->from ? 2 : 0; i < FDS; i++)
		CHECK_EQ(bufinfo_attached(s->b[i].p[0].fd), 0);
	await("parked", 0);
	close(s->to->fd);
	CHECK_EQ(stat_get("parked"), 0);
	for (i = 0; i < FDS; i++)
		CHECK_EQ(bufinfo_attached(s->b[i].p[0].fd), 0);
	CHECK_OK(driver_do(s->to, "bind"));
	scene_close_fds(s);
}

static void test_unbind(const char *node)
{
	struct scene s;

	scene_make(&s, node, 0);
	unbind(&s, false);
}

static void test_unbind_streaming(const char *node)
{
	struct scene s;

	scene_make(&s, node, 0);
	unbind(&s, true);
}

static void test_unbind_foreign(const char *node)
{
	struct scene s;

	scene_make_foreign(&s, node);
	unbind(&s, true);
}

/* A node of that device, which has got its driver back. */
static struct vnode *open_device(const char *device)
{
	char *nodes[64], name[64];
	int i, nr = vnode_list(nodes, 64);

	for (i = 0; i < nr; i++) {
		vnode_device(nodes[i], name, sizeof(name));
		if (!strcmp(name, device))
			return vnode_open(nodes[i]);
	}
	FAIL("%s has no node", device);
}

/*
 * The driver of the device that the memory came from goes, when nobody has it
 * any more but the cache, for another device: then it must be back.
 */
static void test_unbind_exporter(const char *node)
{
	long long uncharged = stat_get("bytes_uncharged");
	char device[64];
	unsigned int i, k;
	struct scene s;

	vnode_device(node, device, sizeof(device));
	scene_make(&s, node, 0);
	for (k = 0; k < 5; k++) {
		CHECK(stat_get("bytes_uncharged") > uncharged);
		for (i = 0; i < FDS; i++)
			scene_prepare(&s, i, 0);
		CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
		CHECK_EQ(stat_get("parked"), FDS - 1);
		close(s.from->fd);
		scene_close_fds(&s);
		CHECK_OK(driver_do(s.from, "unbind"));
		CHECK_EQ(stat_get("bytes_uncharged"), uncharged);
		CHECK_EQ(stat_get("parked"), 0);
		CHECK_OK(driver_do(s.from, "bind"));

		s.from = open_device(device);
		vnode_buffers(s.from, FDS, V4L2_MEMORY_MMAP);
		vnode_buffers(s.to, FDS, V4L2_MEMORY_DMABUF);
		for (i = 0; i < FDS; i++)
			s.b[i].p[0].fd = CHECK_OK(vnode_expbuf(s.from, i, 0,
							       O_RDWR));
	}
}

/* The driver goes while buffers come to the cache and leave it. */
static void test_unbind_rotating(const char *node)
{
	char device[64];
	unsigned int i, k;
	struct scene s;
	int status;
	pid_t pid;

	scene_make(&s, node, 0);
	vnode_device(s.to->path, device, sizeof(device));
	for (k = 0; k < 10; k++) {
		pid = fork();
		CHECK(pid >= 0);
		for (i = 0; !pid; i++) {
			struct vbuf b = s.b[i % FDS];

			b.index = i / FDS % 2;
			if (vnode_prepare(s.to, &b) == -ENODEV)
				_exit(0);
			vnode_stream(s.to, false);
		}
		usleep(20000 + 7000 * k);
		CHECK_OK(driver_do(s.to, "unbind"));
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		CHECK_EQ(stat_get("parked"), 0);
		close(s.to->fd);
		CHECK_EQ(stat_get("imports"), 0);
		for (i = 0; i < FDS; i++)
			CHECK_EQ(bufinfo_attached(s.b[i].p[0].fd), 0);
		CHECK_OK(driver_do(s.to, "bind"));
		s.to = open_device(device);
		vnode_buffers(s.to, FDS, V4L2_MEMORY_DMABUF);
	}
}

/* Programs come and go, and leave nothing. */
static long long keep_cycled(const char *node)
{
	const char *path = importer_of(node, 0);
	struct scene s;
	unsigned int i, k;

	scene_make(&s, node, 0);
	vnode_close(s.to);
	for (k = 0; k < 100; k++) {
		s.to = vnode_open(path);
		vnode_buffers(s.to, FDS, V4L2_MEMORY_DMABUF);
		for (i = 0; i < FDS; i++)
			scene_prepare(&s, i, i % 2);
		vnode_close(s.to);
	}
	/* What was not at an index is there for the next one. */
	CHECK_EQ(stat_get("parked"), FDS - 2);
	CHECK_EQ(stat_get("imports"), 0);
	return let_go(&s);
}

/* vbm-rotate has ten times as many, on devices that are opened faster. */
static void test_cycles(const char *node)
{
	check_soon(keep_cycled, node);
}

/* Takes all bounce buffers there are, and returns who has them. */
static void exhaust_swiotlb(void)
{
	static const unsigned int sizes[] = { 4U << 20, 64U << 10, 4U << 10 };
	unsigned int i, k;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 64; k++) {
			struct vbm_peer_export how = {
				.kind = VBM_PEER_PAGES, .size = sizes[i],
			};
			int peer = peer_open(NULL);
			struct vbm_peer_map map;

			CHECK_OK(peer_attach(peer, peer_export(peer, &how)));
			if (peer_map(peer, VBM_PEER_TO_DEVICE, &map) < 0) {
				close(peer);
				break;
			}
		}
	}
}

/* One more of them, in one of the ways there are. */
static void want_one_more(struct scene *s, unsigned int memory)
{
	struct vbuf b;

	if (memory == V4L2_MEMORY_DMABUF) {
		scene_prepare(s, FDS_MAX - 1, 1);
		return;
	}
	vnode_buffers(s->from, 1, memory);
	if (memory == V4L2_MEMORY_MMAP)
		return;
	vbuf_init(&b, s->from, 0, memory);
	b.p[0].length = page_up(b.p[0].length);
	b.p[0].userptr = mmap(NULL, b.p[0].length, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
			      0);
	CHECK(b.p[0].userptr != MAP_FAILED);
	CHECK_OK(vnode_prepare(s->from, &b));
}

/*
 * Bounce buffers are short: what a new mapping needs is taken from those that
 * are kept, and waited for.
 */
static void exhaust(const char *node, unsigned int memory)
{
	struct scene s;
	unsigned int i, k;

	scene_make_nr(&s, node, 0, FDS_MAX);
	/* The fds keep the buffers, with their own device's bounce buffers. */
	CHECK_OK(vnode_reqbufs(s.from, 0, V4L2_MEMORY_MMAP));
	for (k = 0; k < 5; k++) {
		/* The last buffer of all is for later. */
		for (i = 0; i + 1 < FDS_MAX; i++)
			scene_prepare(&s, i, 0);
		exhaust_swiotlb();
		CHECK_EQ(stat_get("parked"), FDS_MAX - 2);
		want_one_more(&s, memory);
		CHECK_EQ(stat_get("parked"), 0);
		/* What vb2 has it keeps. */
		CHECK_EQ(bufinfo_attached(s.b[FDS_MAX - 2].p[0].fd), 1);

		if (memory != V4L2_MEMORY_DMABUF)
			CHECK_OK(vnode_reqbufs(s.from, 0, memory));
		CHECK_OK(vnode_reqbufs(s.to, 0, V4L2_MEMORY_DMABUF));
		vnode_buffers(s.to, FDS_MAX, V4L2_MEMORY_DMABUF);
	}
}

static void test_exhaust_import(const char *node)
{
	exhaust(node, V4L2_MEMORY_DMABUF);
}

static void test_exhaust_alloc(const char *node)
{
	exhaust(node, V4L2_MEMORY_MMAP);
}

static void test_exhaust_userptr(const char *node)
{
	exhaust(node, V4L2_MEMORY_USERPTR);
}

/* vivid says what it does: a line for each node that comes or goes. */
#define LOG_MAX 100

static const struct ksft_test tests[] = {
	{ "buffers that rotate over indexes are mapped once", test_rotate,
	  NODE_SPLANE, KSFT_OURS | KSFT_DIRECT },
	{ "buffers that are not ours are kept if they may be", test_foreign,
	  NODE_SPLANE, KSFT_OURS },
	{ "what is not ours is kept for seconds", test_idle,
	  NODE_SPLANE | NODE_VBCAM, KSFT_OURS | KSFT_DIRECT },
	{ "what others write stays", test_foreign_bytes, NODE_SPLANE,
	  KSFT_OURS },
	{ "what is not filled stays as it was", test_unfilled, NODE_SPLANE,
	  KSFT_OURS },
	{ "frames arrive in buffers that rotate", test_stream, NODE_SPLANE,
	  KSFT_OURS },
	{ "bounce buffers are left for others", test_bouncing,
	  NODE_SPLANE | NODE_VBCAM | NODE_SG, KSFT_OURS | KSFT_SWIOTLB },
	{ "programs that come and go leave nothing", test_cycles,
	  NODE_SPLANE | NODE_VBCAM, KSFT_OURS | KSFT_DIRECT, .timeout = 600 },
	{ "two devices keep one buffer each", test_two_devices, NODE_SPLANE,
	  KSFT_OURS },
	{ "planes that swap are mapped once", test_swap, NODE_MPLANE,
	  KSFT_OURS },
	{ "a device keeps so many and no more", test_limit, NODE_SPLANE,
	  KSFT_OURS },
	{ "memory goes with the last fd", test_last_fd, NODE_SPLANE,
	  KSFT_OURS },
	{ "REQBUFS(0) and close leave nothing", test_reqbufs, NODE_SPLANE,
	  KSFT_OURS },
	{ "a number that is used again is another dma-buf", test_number,
	  NODE_SPLANE, KSFT_OURS },
	{ "what was kept is checked again", test_size, NODE_SPLANE, KSFT_OURS },
	/* vivid's nodes of one device share what has no need to bounce. */
	{ "bounce buffers are there for an import", test_exhaust_import,
	  NODE_SPLANE | NODE_VBCAM, KSFT_OURS | KSFT_SWIOTLB, .log_max = LOG_MAX },
	{ "bounce buffers are there for a buffer", test_exhaust_alloc,
	  NODE_SPLANE | NODE_SG, KSFT_OURS | KSFT_SWIOTLB, .log_max = LOG_MAX },
	{ "bounce buffers are there for user memory", test_exhaust_userptr,
	  NODE_SPLANE | NODE_SG | NODE_USERPTR, KSFT_OURS | KSFT_SWIOTLB,
	  .log_max = LOG_MAX },
	/* The last: nodes that come back may have other numbers. */
	{ "a driver that goes leaves nothing", test_unbind,
	  NODE_SPLANE | NODE_VBCAM, KSFT_OURS, .log_max = LOG_MAX },
	{ "nor if it streams", test_unbind_streaming,
	  NODE_SPLANE | NODE_VBCAM, KSFT_OURS, .log_max = LOG_MAX },
	{ "nor does the exporter's, of its memory", test_unbind_exporter,
	  NODE_SPLANE | NODE_VBCAM | NODE_CONTIG, KSFT_OURS | KSFT_SWIOTLB,
	  .log_max = LOG_MAX },
	{ "nor while buffers rotate", test_unbind_rotating,
	  NODE_SPLANE | NODE_VBCAM | NODE_SG, KSFT_OURS,
	  .log_max = LOG_MAX },
	{ "nor of what is not ours", test_unbind_foreign,
	  NODE_SPLANE | NODE_VBCAM, KSFT_OURS | KSFT_DIRECT,
	  .log_max = LOG_MAX },
};

KSFT_MAIN(tests)
