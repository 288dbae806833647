// SPDX-License-Identifier: GPL-2.0
/*
 * What PREPARE_BUF of an import costs: against the size of the buffers, and
 * against how many devices import them. The script bench runs it, as
 * bench-sweep, and says in what memory (bench-sweep-guest.sh).
 *
 *	bench-sweep figures|times STORAGE EXPORTER IMPORTER...
 *	bench-sweep found STORAGE EXPORTER
 *
 * "times" are those with one importer, "figures" all of them and then the
 * counts. STORAGE is a name for EXPORTER's memory. Where EXPORTER is "-", the memory is
 * a memfd's, of which every page lies on its own, exported by udmabuf.
 *
 * Phases: first, each of four dma-bufs for the first time; fixed, one
 * dma-buf that stays at its index; rotating, four of them by turns at two
 * indexes. And found, of vbm-peer's devices and memory of ours: what it costs to
 * find out, when a device attaches and maps, that it can use the memory. A line
 * for each:
 *
 *	time STORAGE SIZE IMPORTERS PHASE MIN MEDIAN MAX OPERATIONS
 *	count STORAGE SIZE IMPORTERS PHASE OPERATIONS ATTACHES DETACHES MAPS
 *		UNMAPS FLUSHES BYTES
 *
 * or, where the buffers can not be had or not be imported,
 *
 *	none STORAGE SIZE IMPORTERS ERROR
 *
 * Times are in nanoseconds, which are instructions where the clock counts those.
 * They are had before counting begins, as that costs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench-count.h"
#include "ksft.h"
#include "peer.h"
#include "v4l2.h"

#define FDS		4
#define INDEXES		2
#define IMPORTERS	8
#define WARM		8	/* the first round, and the next */
#define ROUNDS		8
#define MAX		(IMPORTERS * ROUNDS)
#define SETTLE_US	1000000	/* memory nobody has is free after a second */
#define PAGE		4096ul
#define PFN		((1ULL << 55) - 1)	/* in pagemap */

/* The drivers end at 4K: buffers as large as 8K's are 4K with longer lines. */
static const struct size {
	const char *name;
	unsigned int width, height, line;
} sizes[] = {
	{ "VGA", 640, 480, 640 * 2 },
	{ "720p", 1280, 720, 1280 * 2 },
	{ "1080p", 1920, 1080, 1920 * 2 },
	{ "4K", 3840, 2160, 3840 * 2 },
	{ "8K", 3840, 2160, 7680 * 2 * 2 },
};

#define NR_SIZES	(sizeof(sizes) / sizeof(sizes[0]))
#define MANY		(&sizes[2])	/* for which importers are varied */
#define LARGEST		(7680ul * 4320 * 2)

static const char *storage;
static bool counting, warming;
static struct vnode *exporter;		/* NULL: udmabuf */
static int memory[FDS];			/* its memfds */
static struct vnode *importers[IMPORTERS];

static long long values[MAX], clock_cost;
static unsigned int nr_values;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void clock_measure(void)
{
	long long t;
	int i;

	clock_cost = 1 << 30;
	for (i = 0; i < 1000; i++) {
		t = now();
		t = now() - t;
		if (t < clock_cost)
			clock_cost = t;
	}
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* Of our own drivers, single-planar; vnode_open() takes cameras only. */
static struct vnode *open_node(const char *path)
{
	struct vnode *n = calloc(1, sizeof(*n));
	struct v4l2_capability cap;

	CHECK(n);
	n->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (n->fd < 0)
		FAIL("%s: %s", path, ksft_errno(errno));
	CHECK_OK(xioctl(n->fd, VIDIOC_QUERYCAP, &cap));
	n->flags = NODE_SPLANE;
	n->num_planes = 1;
	if (cap.device_caps & V4L2_CAP_VIDEO_OUTPUT) {
		n->type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
		n->flags |= NODE_OUT;
	} else {
		CHECK(cap.device_caps & V4L2_CAP_VIDEO_CAPTURE);
		n->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		n->flags |= NODE_CAP;
	}
	return n;
}

/* --- memory of which every page lies on its own --- */

/* Pages are given out in the order in which they are touched. */
static void touch_shuffled(volatile char *p, size_t nr)
{
	unsigned int *order = calloc(nr, sizeof(*order)), swap;
	struct ksft_rand r = { .state = nr };
	size_t i, other;

	CHECK(order);
	for (i = 0; i < nr; i++)
		order[i] = i;
	for (i = nr - 1; i > 0; i--) {
		other = ksft_rand(&r) % (i + 1);
		swap = order[i];
		order[i] = order[other];
		order[other] = swap;
	}
	for (i = 0; i < nr; i++)
		p[order[i] * PAGE] = 1;
	free(order);
}

/* By what the kernel says of where they are. */
static void check_scattered(const char *p, size_t nr)
{
	unsigned long long *entry = calloc(nr, sizeof(*entry));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t i, neighbours = 0;

	CHECK(entry && fd >= 0);
	CHECK_EQ(pread(fd, entry, nr * sizeof(*entry),
		       (unsigned long)p / PAGE * sizeof(*entry)),
		 nr * sizeof(*entry));
	for (i = 1; i < nr; i++)
		neighbours += (entry[i] & PFN) == (entry[i - 1] & PFN) + 1;
	if (!(entry[0] & PFN) || neighbours > nr / 100)
		FAIL("%zu of %zu pages are one piece with the one before",
		     neighbours, nr);
	close(fd);
	free(entry);
}

static void make_scattered(void)
{
	size_t size = (LARGEST + PAGE - 1) / PAGE * PAGE;
	char *p;
	int i;

	for (i = 0; i < FDS; i++) {
		memory[i] = memfd_create("bench", MFD_ALLOW_SEALING |
					 MFD_CLOEXEC);
		CHECK(memory[i] >= 0);
		CHECK(!ftruncate(memory[i], size));
		CHECK(!fcntl(memory[i], F_ADD_SEALS, F_SEAL_SHRINK));
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 memory[i], 0);
		CHECK(p != MAP_FAILED);
		touch_shuffled(p, size / PAGE);
		check_scattered(p, size / PAGE);
		munmap(p, size);
	}
}

static int export_scattered(int memfd, size_t size)
{
	struct udmabuf_create create = {
		.memfd = memfd, .flags = UDMABUF_FLAGS_CLOEXEC,
		.size = (size + PAGE - 1) / PAGE * PAGE,
	};
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	CHECK(dev >= 0);
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	if (fd < 0)
		fd = -errno;
	close(dev);
	return fd;
}

/* --- one point of the sweep --- */

struct point {
	const struct size *size;
	unsigned int importers;
	int fds[FDS];
};

static unsigned int bytes(const struct size *size)
{
	return size->line * size->height;
}

static void set_fmt(struct vnode *n, const struct size *size)
{
	struct v4l2_format f = { .type = n->type };

	f.fmt.pix.width = size->width;
	f.fmt.pix.height = size->height;
	f.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	f.fmt.pix.bytesperline = size->line;
	f.fmt.pix.sizeimage = bytes(size);
	CHECK_OK(xioctl(n->fd, VIDIOC_S_FMT, &f));
	CHECK_EQ(f.fmt.pix.sizeimage, bytes(size));
	n->sizeimage[0] = f.fmt.pix.sizeimage;
}

static void withdraw(struct point *pt)
{
	int i;

	for (i = 0; i < FDS; i++) {
		if (pt->fds[i] >= 0)
			close(pt->fds[i]);
		pt->fds[i] = -1;
	}
	if (exporter)
		CHECK_OK(vnode_reqbufs(exporter, 0, V4L2_MEMORY_MMAP));
}

/* Negative errno if the exporter has no such memory. */
static int offer(struct point *pt)
{
	int i, ret;

	for (i = 0; i < FDS; i++)
		pt->fds[i] = -1;
	if (exporter) {
		set_fmt(exporter, pt->size);
		ret = vnode_reqbufs(exporter, FDS, V4L2_MEMORY_MMAP);
		if (ret < 0)
			return ret;
		if (ret < FDS) {
			withdraw(pt);
			return -ENOMEM;
		}
	}
	for (i = 0; i < FDS; i++)
		pt->fds[i] = CHECK_OK(exporter ?
			vnode_expbuf(exporter, i, 0, O_RDWR | O_CLOEXEC) :
			export_scattered(memory[i], bytes(pt->size)));
	return 0;
}

/* One dma-buf at one index of each importer; timed, and given back. */
static int prepare(const struct point *pt, unsigned int index, unsigned int fd)
{
	unsigned int k;

	for (k = 0; k < pt->importers; k++) {
		struct vnode *n = importers[k];
		struct vbuf b;
		long long t;
		int ret;

		vbuf_init(&b, n, index, V4L2_MEMORY_DMABUF);
		b.p[0].fd = pt->fds[fd];
		t = now();
		ret = vnode_prepare(n, &b);
		t = now() - t;
		if (ret)
			return ret;
		if (nr_values < MAX)
			values[nr_values++] = t - clock_cost;
	}
	for (k = 0; k < pt->importers; k++)
		CHECK_OK(vnode_stream(importers[k], false));
	return 0;
}

static void phase_begin(void)
{
	nr_values = 0;
	if (counting && !warming)
		count_reset();
}

static void phase_end(const struct point *pt, const char *phase)
{
	struct counts c;

	if (warming)
		return;
	printf("%s %s %s %u %s ", counting ? "count" : "time", storage,
	       pt->size->name, pt->importers, phase);
	if (counting) {
		count_read(&c);
		printf("%u %lld %lld %lld %lld %lld %lld\n", nr_values,
		       c.attaches, c.detaches, c.maps, c.unmaps, c.flushes,
		       c.bytes);
	} else {
		qsort(values, nr_values, sizeof(values[0]), compare);
		printf("%lld %lld %lld %u\n", values[0], values[nr_values / 2],
		       values[nr_values - 1], nr_values);
	}
	fflush(stdout);
}

static int first(const struct point *pt)
{
	unsigned int i;
	int ret;

	phase_begin();
	for (i = 0; i < FDS; i++) {
		ret = prepare(pt, i, i);
		if (ret)
			return ret;
	}
	phase_end(pt, "first");
	return 0;
}

static int fixed(const struct point *pt)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 2; i++)
		ret = prepare(pt, 0, 0);
	phase_begin();
	for (i = 0; !ret && i < ROUNDS; i++)
		ret = prepare(pt, 0, 0);
	if (!ret)
		phase_end(pt, "fixed");
	return ret;
}

static int rotating(const struct point *pt)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < WARM + ROUNDS; i++) {
		if (i == WARM)
			phase_begin();
		ret = prepare(pt, i % INDEXES, i % FDS);
	}
	if (!ret)
		phase_end(pt, "rotating");
	return ret;
}

/* An attach, and what it had to map for the first time. */
static void attach_and_map(int peer, int fd, long long *attach, long long *map)
{
	long long t;
	int id;

	t = now();
	CHECK_OK(peer_attach(peer, fd));
	*attach = now() - t - clock_cost;
	t = now();
	id = CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
	*map = now() - t - clock_cost;
	CHECK_OK(peer_unmap(peer, id));
	CHECK_OK(peer_detach(peer));
}

/*
 * Mapping a list takes as long as it is. So from the map by a device that takes as
 * many segments as there can be, but not more, is taken that by one which takes
 * anything: what is left is the look at whether the memory does.
 */
static void found(const struct size *size)
{
	struct vbm_peer_limits limits = { .max_segments = 1 << 20 };
	struct point pt = { .size = size, .importers = 1 };
	long long attach, map, any;
	int peer[2], i;

	if (offer(&pt))
		return;
	peer[0] = peer_open(NULL);
	peer[1] = peer_open(NULL);
	CHECK_OK(peer_limits(peer[1], &limits));
	nr_values = 0;
	for (i = 0; i < WARM + ROUNDS; i++) {
		attach_and_map(peer[0], pt.fds[i % FDS], &attach, &any);
		attach_and_map(peer[1], pt.fds[i % FDS], &attach, &map);
		if (i >= WARM)
			values[nr_values++] = attach + map - any;
	}
	phase_end(&pt, "found");
	close(peer[0]);
	close(peer[1]);
	withdraw(&pt);
	usleep(SETTLE_US);
}

static void request(const struct point *pt, unsigned int count)
{
	unsigned int k;

	for (k = 0; k < pt->importers; k++) {
		if (count)
			vnode_buffers(importers[k], count, V4L2_MEMORY_DMABUF);
		else
			CHECK_OK(vnode_reqbufs(importers[k], 0,
					       V4L2_MEMORY_DMABUF));
	}
}

static void run(const struct size *size, unsigned int nr)
{
	struct point pt = { .size = size, .importers = nr };
	unsigned int k;
	int ret;

	ret = offer(&pt);
	if (!ret) {
		for (k = 0; k < nr; k++)
			set_fmt(importers[k], size);
		request(&pt, FDS);
		ret = first(&pt);
		request(&pt, 0);
		if (!ret) {
			request(&pt, INDEXES);
			ret = fixed(&pt);
			if (!ret)
				ret = rotating(&pt);
			request(&pt, 0);
		}
		withdraw(&pt);
		/* What is still kept of it has no part in the next one. */
		usleep(SETTLE_US);
	}
	if (ret && !warming) {
		printf("none %s %s %u %s\n", storage, size->name, nr,
		       ksft_errno(-ret));
		fflush(stdout);
	}
}

static void run_all(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < NR_SIZES; i++)
		run(&sizes[i], 1);
	for (i = 2; i <= nr; i *= 2)
		run(MANY, i);
}

int main(int argc, char **argv)
{
	unsigned int i, nr = argc - 4;
	bool figures;

	if (argc == 4 && !strcmp(argv[1], "found")) {
		storage = argv[2];
		exporter = open_node(argv[3]);
		clock_measure();
		for (i = 0; i < NR_SIZES; i++)
			found(&sizes[i]);
		return 0;
	}
	if (argc < 5 || nr > IMPORTERS) {
		fprintf(stderr,
			"usage: %s figures|times STORAGE EXPORTER IMPORTER...\n"
			"       %s found STORAGE EXPORTER\n",
			argv[0], argv[0]);
		return 2;
	}
	figures = !strcmp(argv[1], "figures");
	if (!figures)
		nr = 1;
	storage = argv[2];
	if (strcmp(argv[3], "-"))
		exporter = open_node(argv[3]);
	else
		make_scattered();
	for (i = 0; i < nr; i++)
		importers[i] = open_node(argv[4 + i]);
	clock_measure();

	/* Once before it counts: code and slabs are there then. */
	warming = true;
	run(&sizes[0], nr);
	warming = false;

	run_all(nr);
	if (figures) {
		count_start();
		counting = true;
		usleep(SETTLE_US);
		run_all(nr);
		count_stop();
	}
	return 0;
}
