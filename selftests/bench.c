// SPDX-License-Identifier: GPL-2.0
/*
 * What the operations of a buffer's life cost, 1080p YUYV. The script bench runs
 * it, as bench-run, in a guest whose clock counts instructions (testbed/vm
 * run --icount --ram): a nanosecond is an instruction there, and a run gives the
 * same numbers again. On a real machine it prints times.
 *
 * Prints a line for each operation: BACKEND NAME MIN MEDIAN REPEATS, and one
 * for bookkeeping: BACKEND meta BYTES EXTENTS. With one node only, it does
 * nothing but allocate and free, and that with 4K.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"

#define WIDTH	1920
#define HEIGHT	1080
#define FDS	4
#define ROUNDS	20
#define MAX	256

static const char *backend;

struct series {
	const char *name;
	long long v[MAX];
	int nr;
};

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* What reading the clock costs is not the operation's. */
static long long clock_cost;

static void clock_measure(void)
{
	long long best = 1 << 30, t;
	int i;

	for (i = 0; i < 1000; i++) {
		t = now();
		t = now() - t;
		if (t < best)
			best = t;
	}
	clock_cost = best;
}

#define TIMED(s, expr)							\
	do {								\
		struct series *bench_s = (s);				\
		long long bench_t = now(), bench_ret;			\
									\
		bench_ret = (long long)(expr);				\
		bench_t = now() - bench_t;				\
		CHECK_OK(bench_ret);					\
		if (bench_s->nr < MAX)					\
			bench_s->v[bench_s->nr++] = bench_t - clock_cost; \
	} while (0)

static void report(struct series *s)
{
	qsort(s->v, s->nr, sizeof(s->v[0]), compare);
	printf("%s %s %lld %lld %d\n", backend, s->name, s->v[0],
	       s->v[s->nr / 2], s->nr);
	fflush(stdout);
	s->nr = 0;
}

static struct vnode *open_size(const char *path, unsigned int width,
			       unsigned int height)
{
	struct vnode *n = vnode_open(path);

	CHECK_OK(vnode_set_fmt(n, width, height, V4L2_PIX_FMT_YUYV));
	if (n->sizeimage[0] != width * height * 2)
		FAIL("%s gives no %ux%u but %ux%u", path, width, height,
		     n->width, n->height);
	return n;
}

/* A prepared buffer becomes a free one again. */
static void unprepare(struct vnode *n)
{
	CHECK_OK(vnode_stream(n, false));
}

static void bench_prepare_mmap(struct vnode *n)
{
	struct series prepare = { "prepare_mmap" }, qbuf = { "qbuf_mmap" };
	struct vbuf b;
	int i;

	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	vbuf_init(&b, n, 0, V4L2_MEMORY_MMAP);
	for (i = 0; i < 100; i++) {
		TIMED(&prepare, vnode_prepare(n, &b));
		unprepare(n);
	}
	for (i = 0; i < 100; i++) {
		TIMED(&qbuf, vnode_qbuf(n, &b));
		unprepare(n);
	}
	report(&prepare);
	report(&qbuf);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
}

/* DQBUF of a frame that is there, and QBUF while streaming. */
static void bench_stream(struct vnode *n)
{
	struct series dqbuf = { "dqbuf_mmap" }, qbuf = { "qbuf_streaming" };
	struct vbuf b, d;
	unsigned int i, k;

	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	for (i = 0; i < FDS; i++) {
		vbuf_init(&b, n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(n, &b));
	}
	CHECK_OK(vnode_stream(n, true));
	for (i = 0; i < 16; i++) {
		struct v4l2_buffer v;

		/* Wait without DQBUF, so that DQBUF finds a frame. */
		do {
			usleep(2000);
			for (k = 0; k < FDS; k++) {
				memset(&v, 0, sizeof(v));
				v.type = n->type;
				v.index = k;
				CHECK_OK(xioctl(n->fd, VIDIOC_QUERYBUF, &v));
				if (v.flags & V4L2_BUF_FLAG_DONE)
					break;
			}
		} while (k == FDS);
		memset(&v, 0, sizeof(v));
		v.type = n->type;
		v.memory = V4L2_MEMORY_MMAP;
		TIMED(&dqbuf, xioctl(n->fd, VIDIOC_DQBUF, &v));
		vbuf_init(&d, n, v.index, V4L2_MEMORY_MMAP);
		TIMED(&qbuf, vnode_qbuf(n, &d));
	}
	CHECK_OK(vnode_stream(n, false));
	report(&dqbuf);
	report(&qbuf);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
}

/*
 * What an allocation costs depends on where in a slab the object is. So each round
 * of first imports has one attachment more beside it than the one before.
 */
static void bench_import(struct vnode *from, struct vnode *to)
{
	struct series first = { "first_import" }, fixed = { "prepare_fixed" };
	struct series rotating = { "prepare_rotating" };
	struct vbuf b[FDS], at;
	int i, round, peer[ROUNDS];

	vnode_buffers(from, FDS, V4L2_MEMORY_MMAP);
	for (i = 0; i < FDS; i++) {
		vbuf_init(&b[i], to, i, V4L2_MEMORY_DMABUF);
		b[i].p[0].fd = CHECK_OK(vnode_expbuf(from, i, 0, O_RDWR));
		b[i].p[0].length = dmabuf_size(b[i].p[0].fd);
	}
	for (round = 0; round < ROUNDS; round++) {
		vnode_buffers(to, FDS, V4L2_MEMORY_DMABUF);
		peer[round] = peer_open(NULL);
		CHECK_OK(peer_attach(peer[round], b[0].p[0].fd));
		/* Fresh dma-bufs: nothing of them is mapped anywhere. */
		for (i = 0; i < FDS; i++) {
			close(b[i].p[0].fd);
			b[i].p[0].fd = CHECK_OK(vnode_expbuf(from, i, 0,
							     O_RDWR));
			TIMED(&first, vnode_prepare(to, &b[i]));
		}
		unprepare(to);
		CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
	}
	report(&first);
	for (round = 0; round < ROUNDS; round++)
		close(peer[round]);

	vnode_buffers(to, FDS, V4L2_MEMORY_DMABUF);
	CHECK_OK(vnode_prepare(to, &b[0]));
	unprepare(to);
	for (i = 0; i < 100; i++) {
		TIMED(&fixed, vnode_prepare(to, &b[0]));
		unprepare(to);
	}
	report(&fixed);

	for (i = 0; i < 108; i++) {
		at = b[i % FDS];
		at.index = i % 2;
		if (i == 8)
			rotating.nr = 0;	/* the first round is no figure */
		TIMED(&rotating, vnode_prepare(to, &at));
		unprepare(to);
	}
	report(&rotating);
	for (i = 0; i < FDS; i++)
		close(b[i].p[0].fd);
	CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
	CHECK_OK(vnode_reqbufs(from, 0, V4L2_MEMORY_MMAP));
}

/* What the kernel's workers have run, all together. */
static long long workers_ran(void)
{
	char path[300], line[64];
	long long sum = 0, ns;
	struct dirent *d;
	FILE *f;
	DIR *dir = opendir("/proc");

	CHECK(dir);
	while ((d = readdir(dir))) {
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		line[0] = '\0';
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
		if (strncmp(line, "kworker", 7))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/schedstat", d->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%lld", &ns) == 1)
			sum += ns;
		fclose(f);
	}
	closedir(dir);
	return sum;
}

/*
 * Waits until the pool's worker has zeroed what there is: it does not pause in
 * between while nobody else runs.
 */
static void await_worker(void)
{
	long long before;

	if (!gauges_exist())
		return;
	do {
		before = stat_get("pool_zeroed");
		usleep(20000);
	} while (stat_get("pool_zeroed") != before);
}

/* Allocating finds the pool as the round before has left it. */
static void bench_reqbufs(struct vnode *n)
{
	struct series alloc = { "reqbufs4" }, free = { "reqbufs0" };
	struct series worker = { "pool_worker" }, all = { "reqbufs4_and_0" };
	long long ran;
	int i;

	for (i = 0; i < 20; i++) {
		TIMED(&alloc, vnode_reqbufs(n, FDS, V4L2_MEMORY_MMAP));
		ran = workers_ran();
		TIMED(&free, vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
		await_worker();
		worker.v[worker.nr++] = workers_ran() - ran;
		all.v[all.nr++] = alloc.v[i] + free.v[i] + worker.v[i];
	}
	report(&alloc);
	report(&free);
	report(&worker);
	report(&all);
}

static void bench_expbuf(struct vnode *n)
{
	struct series expbuf = { "expbuf" };
	int i, fd = -1;

	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	for (i = 0; i < 100; i++) {
		TIMED(&expbuf, fd = vnode_expbuf(n, i % FDS, 0, O_RDWR));
		close(fd);
	}
	report(&expbuf);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
}

static long long touch(volatile char *p, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += 4096)
		(void)p[i];
	return 0;
}

static void bench_mmap(struct vnode *n)
{
	struct series map = { "mmap" }, unmap = { "munmap" };
	struct series both = { "mmap_and_touch" };
	struct vbuf b;
	void *p = NULL;
	int i;

	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	for (i = 0; i < 40; i++) {
		CHECK_OK(vnode_querybuf(n, i % FDS, &b));
		TIMED(&map, (p = mmap(NULL, b.p[0].length,
				      PROT_READ | PROT_WRITE, MAP_SHARED,
				      n->fd, b.p[0].offset)) == MAP_FAILED ?
				      -1 : 0);
		TIMED(&both, touch(p, b.p[0].length));
		both.v[i] += map.v[i];
		TIMED(&unmap, munmap(p, b.p[0].length));
	}
	report(&map);
	report(&both);
	report(&unmap);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
}

/*
 * The first map of an exported buffer for another device. One module copies
 * the table when it is attached and the other when it is mapped, so the two
 * count together. What a device costs once, because it is new to the module,
 * is a figure of its own.
 */
static void bench_map(struct vnode *n)
{
	struct series attach = { "attach" }, map = { "first_map" };
	struct series both = { "attach_and_map" }, again = { "next_map" };
	struct series new = { "new_device" };
	int i, fd, peer = -1, m = 0;

	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	for (i = 0; i < 44; i++) {
		fd = CHECK_OK(vnode_expbuf(n, i % FDS, 0, O_RDWR));
		if (i < 4 || peer < 0) {
			if (peer >= 0)
				close(peer);
			peer = peer_open(NULL);
		}
		TIMED(&attach, peer_attach(peer, fd));
		TIMED(&map, m = peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
		both.v[both.nr++] = attach.v[i] + map.v[i];
		if (i == 3) {
			new = both;
			new.name = "new_device";
		}
		CHECK_OK(peer_unmap(peer, m));
		TIMED(&again, m = peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
		CHECK_OK(peer_unmap(peer, m));
		CHECK_OK(peer_detach(peer));
		close(fd);
	}
	close(peer);
	report(&new);
	report(&both);
	report(&attach);
	report(&map);
	report(&again);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
}

/*
 * A move, of a buffer that nobody has frozen, and beside it what allocating one
 * costs; the pool is as warm for the one as for the other.
 */
static void bench_move(struct vnode *n)
{
	struct series move = { "move" }, alloc = { "move_alloc" };
	struct moves_buf b[MOVES_MAX];
	char dev[64], id[16];
	int i, fd, nr;

	/* A managed one has nothing yet that could move. */
	if (!gauges_exist() || !strcmp(backend, "managed"))
		return;
	vnode_device(n->path, dev, sizeof(dev));
	fd = CHECK_OK(open(MOVES_DEBUGFS "move", O_WRONLY | O_CLOEXEC));
	for (i = 0; i < 20; i++) {
		await_worker();
		TIMED(&alloc, vnode_reqbufs(n, 1, V4L2_MEMORY_MMAP));
		/* Queues have a minimum of their own. */
		nr = moves_bufs_of(dev, b);
		CHECK(nr > 0);
		alloc.v[i] /= nr;
		CHECK_EQ(b[0].moves, 0);
		snprintf(id, sizeof(id), "%u", b[0].id);
		await_worker();
		TIMED(&move, write(fd, id, strlen(id)));
		CHECK_EQ(moves_bufs_of(dev, b), nr);
		CHECK_EQ(b[0].moves, 1);
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	}
	close(fd);
	report(&alloc);
	report(&move);
}

/* The largest of the buffers' bookkeeping, from our debugfs. */
static void bench_meta(struct vnode *n)
{
	long long bytes, extents, most = 0, most_extents = 0;
	char line[4096], *at;
	FILE *f;

	if (!gauges_exist())
		return;
	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	f = fopen("/sys/kernel/debug/videobuf2-mem/buffers", "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "kind=mmap"))
			continue;
		at = strstr(line, " meta=");
		bytes = at ? atoll(at + 6) : 0;
		at = strstr(line, " extents=");
		extents = at ? atoll(at + 9) : 0;
		if (bytes > most) {
			most = bytes;
			most_extents = extents;
		}
	}
	fclose(f);
	CHECK(most > 0);
	printf("%s meta %lld %lld 1\n", backend, most, most_extents);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
}

/* Once before it counts: code, slabs and what the pool keeps are there then. */
static void warm_up(struct vnode *n)
{
	vnode_buffers(n, FDS, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	await_worker();
}

int main(int argc, char **argv)
{
	struct vnode *from, *to;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: %s NAME EXPORTER [IMPORTER]\n",
			argv[0]);
		return 2;
	}
	backend = argv[1];
	if (argc == 3) {
		from = open_size(argv[2], 2 * WIDTH, 2 * HEIGHT);
		clock_measure();
		warm_up(from);
		bench_reqbufs(from);
		return 0;
	}
	from = open_size(argv[2], WIDTH, HEIGHT);
	to = open_size(argv[3], WIDTH, HEIGHT);
	clock_measure();
	warm_up(from);

	bench_reqbufs(from);
	bench_expbuf(from);
	bench_mmap(from);
	bench_map(from);
	bench_prepare_mmap(from);
	bench_move(from);
	bench_import(from, to);
	bench_stream(from);
	bench_meta(from);
	return 0;
}
