// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that move: what they hold is what they held, and those that must not
 * move do not, with nothing changed. vbm-move-storm.c has everybody at once.
 *
 * vbcam has to be named by the core's parameter "movable"; vivid must not. It has
 * its turn in vbm-vivid.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"
#include "modules/vbm-queue.h"

#define PAGE	4096

/* One buffer of a node, mapped and full of a pattern, and its dma-buf. */
struct one {
	struct vnode *n;
	const char *node;
	struct moves_buf b;
	void *p;
	size_t size;
	int fd;
};

static void one_make(struct one *o, const char *node, unsigned int seed)
{
	if (!moves_listed("vbcam") || moves_listed("vivid"))
		ksft_skip("needs movable=vbcam");
	o->node = node;
	o->n = vnode_open(node);
	vnode_buffers(o->n, 2, V4L2_MEMORY_MMAP);
	o->b = moves_buf(node, 0);
	moves_need_pages(&o->b);
	o->p = vnode_mmap(o->n, 0, 0, &o->size);
	o->fd = CHECK_OK(vnode_expbuf(o->n, 0, 0, O_RDWR));
	pattern_fill(o->p, o->size, seed);
}

static void one_check(struct one *o, unsigned int seed)
{
	void *q = dmabuf_mmap(o->fd, o->size);

	CHECK_PATTERN(o->p, o->size, seed);
	CHECK_PATTERN(q, o->size, seed);
	munmap(q, o->size);
}

static void test_contents(const char *node)
{
	long long moves = stat_get("moves");
	unsigned int i;
	struct one o;

	one_make(&o, node, 1);
	for (i = 0; i < 20; i++) {
		CHECK_OK(moves_move(o.b.id));
		one_check(&o, 1 + i);
		pattern_fill(o.p, o.size, 2 + i);
	}
	CHECK_EQ(moves_buf(node, 0).moves, 20);
	CHECK_EQ(stat_get("moves") - moves, 20);
	/* The device finds it. */
	CHECK_OK(vnode_reqbufs(o.n, 0, V4L2_MEMORY_MMAP));
}

/* After a frame, and the next frame goes to where it is then. */
static void test_captured(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct vbuf b[2];
	unsigned int i, round;
	size_t size;
	char *copy;
	void *p[2];

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
	for (i = 0; i < 2; i++) {
		struct moves_buf m = moves_buf(node, i);

		moves_need_pages(&m);
		p[i] = vnode_mmap(n, i, 0, &size);
	}
	copy = malloc(size);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2; i++) {
			memset(p[i], 0xee, size);
			vbuf_init(&b[i], n, i, V4L2_MEMORY_MMAP);
			CHECK_OK(vnode_qbuf(n, &b[i]));
		}
		CHECK_OK(vnode_stream(n, true));
		for (i = 0; i < 2; i++)
			CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_MMAP, &b[i]));
		CHECK_OK(vnode_stream(n, false));
		for (i = 0; i < 2; i++) {
			CHECK(bytes_check(p[i], size, 0xee) >= 0);
			memcpy(copy, p[i], size);
			CHECK_OK(moves_move(moves_buf(node, i).id));
			if (memcmp(copy, p[i], size))
				FAIL_BYTES("the frame is another");
		}
	}
	for (i = 0; i < 2; i++) {
		CHECK_EQ(moves_buf(node, i).moves, 3);
		CHECK(!strcmp(moves_buf(node, i).frozen, "-"));
	}
	free(copy);
}

/* A driver that nobody vouches for: as soon as it has read the address. */
static void test_frozen(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct moves_buf was;
	struct vbuf b;
	size_t size;
	void *p;

	if (moves_listed("vivid"))
		ksft_skip("vivid may move");
	vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
	was = moves_buf(node, 0);
	p = vnode_mmap(n, 0, 0, &size);
	pattern_fill(p, size, 7);
	if (!strcmp(was.frozen, "-")) {
		CHECK_OK(moves_move(was.id));
		CHECK_PATTERN(p, size, 7);
	}
	vbuf_init(&b, n, 0, V4L2_MEMORY_MMAP);
	vnode_run(n, &b, 1, 2);
	was = moves_buf(node, 0);
	CHECK(strcmp(was.frozen, "-"));
	pattern_fill(p, size, 8);
	CHECK_REFUSED(was.id, "frozen");
	CHECK_PATTERN(p, size, 8);
}

static void test_owned(const char *node)
{
	struct one o;
	struct vbuf b;

	one_make(&o, node, 3);
	vbuf_init(&b, o.n, 0, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_qbuf(o.n, &b));
	CHECK_REFUSED(o.b.id, "owned");
	one_check(&o, 3);
	CHECK_OK(vnode_stream(o.n, false));
	/* A capture that did not come to its end: the bytes are anything. */
	pattern_fill(o.p, o.size, 4);
	CHECK_OK(moves_move(o.b.id));
	one_check(&o, 4);
}

/* What a device has mapped stays; it finds it again where it is then. */
static void test_mapped(const char *node)
{
	unsigned int dir;
	struct one o;
	int peer, map;
	void *copy;

	one_make(&o, node, 4);
	copy = malloc(o.size);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, o.fd));
	for (dir = VBM_PEER_BIDIR; dir <= VBM_PEER_FROM_DEVICE; dir++) {
		map = CHECK_OK(peer_map(peer, dir, NULL));
		CHECK_REFUSED(o.b.id, "mapped");
		CHECK_OK(peer_unmap(peer, map));
		CHECK_OK(moves_move(o.b.id));
		map = CHECK_OK(peer_map(peer, dir, NULL));
		CHECK_OK(peer_read(peer, map, 0, copy, o.size));
		if (!ksft_swiotlb || dir != VBM_PEER_FROM_DEVICE)
			CHECK_PATTERN(copy, o.size, 4);
		if (dir != VBM_PEER_TO_DEVICE)
			CHECK_OK(peer_write(peer, map, 0, copy, o.size));
		CHECK_OK(peer_unmap(peer, map));
	}
	one_check(&o, 4);
	CHECK_OK(peer_detach(peer));
	CHECK_OK(moves_move(o.b.id));
	one_check(&o, 4);
	free(copy);
	close(peer);
}

static void test_vmapped(const char *node)
{
	struct one o;
	char copy[64];
	int peer;

	one_make(&o, node, 5);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, o.fd));
	CHECK_OK(peer_vmap(peer, NULL));
	CHECK_REFUSED(o.b.id, "kernel");
	CHECK_OK(peer_vread(peer, PAGE, copy, sizeof(copy)));
	CHECK(!memcmp(copy, (char *)o.p + PAGE, sizeof(copy)));
	CHECK_OK(peer_vunmap(peer));
	CHECK_OK(moves_move(o.b.id));
	CHECK_OK(peer_vmap(peer, NULL));
	CHECK_OK(peer_vread(peer, PAGE, copy, sizeof(copy)));
	CHECK(!memcmp(copy, (char *)o.p + PAGE, sizeof(copy)));
	CHECK_OK(peer_vunmap(peer));
	one_check(&o, 5);
	close(peer);
}

/* A page of it is in a pipe, as it could be in a disk's queue (O_DIRECT). */
static void test_pinned(const char *node)
{
	struct iovec iov;
	struct one o;
	char copy[64];
	int pipes[2];

	one_make(&o, node, 6);
	CHECK(!pipe(pipes));
	iov.iov_base = (char *)o.p + 2 * PAGE;
	iov.iov_len = sizeof(copy);
	CHECK_EQ(vmsplice(pipes[1], &iov, 1, 0), sizeof(copy));
	CHECK_REFUSED(o.b.id, "pinned");
	one_check(&o, 6);
	/* What is written now is seen by who has the page. */
	memset(iov.iov_base, 0x5a, sizeof(copy));
	CHECK_REFUSED(o.b.id, "pinned");
	CHECK_EQ(read(pipes[0], copy, sizeof(copy)), sizeof(copy));
	CHECK_EQ(bytes_check(copy, sizeof(copy), 0x5a), -1);
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(bytes_check(iov.iov_base, sizeof(copy), 0x5a), -1);
	close(pipes[0]);
	close(pipes[1]);
}

/* The disk that takes seconds; NULL if this guest has none. */
static const char *slow_disk(void)
{
	static char name[8];
	char path[64], serial[24];
	FILE *f;

	for (name[0] = 'a'; name[0] <= 'h'; name[0]++) {
		snprintf(path, sizeof(path), "/sys/block/vd%s/serial", name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (!fgets(serial, sizeof(serial), f))
			serial[0] = '\0';
		fclose(f);
		if (!strncmp(serial, "vbm-slow", 8))
			return name;
	}
	return NULL;
}

static void direct_io(struct one *o, const char *disk, bool write)
{
	long long end = ksft_ms() + 2000;
	char path[64];
	int fd, status;
	pid_t pid;

	snprintf(path, sizeof(path), "/dev/vd%s", disk);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	CHECK(fd >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		char *p = (char *)o->p + PAGE;
		ssize_t n = write ? pwrite(fd, p, 2 * PAGE, 0) :
				    pread(fd, p, 2 * PAGE, 0);

		_exit(n != 2 * PAGE);
	}
	/* Reads and writes that it is at. */
	snprintf(path, sizeof(path), "/sys/block/vd%s/inflight", disk);
	for (;;) {
		unsigned int reads, writes;
		FILE *f = fopen(path, "re");

		CHECK(f && fscanf(f, "%u %u", &reads, &writes) == 2);
		fclose(f);
		if (reads + writes)
			break;
		CHECK(ksft_ms() < end);
		usleep(1000);
	}
	CHECK_REFUSED(o->b.id, "pinned");
	CHECK(!waitpid(pid, &status, WNOHANG));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	close(fd);
}

/* A disk reads into it, which takes seconds, or writes from it. */
static void test_direct_io(const char *node)
{
	const char *disk = slow_disk();
	struct one o;

	if (!disk)
		ksft_skip("no slow disk");
	one_make(&o, node, 7);
	direct_io(&o, disk, true);
	one_check(&o, 7);
	CHECK_OK(moves_move(o.b.id));
	one_check(&o, 7);
	direct_io(&o, disk, false);
	/* It holds zeros. They are where everybody looks, and move along. */
	CHECK_EQ(bytes_check((char *)o.p + PAGE, 2 * PAGE, 0), -1);
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(bytes_check((char *)o.p + PAGE, 2 * PAGE, 0), -1);
}

/* What was copied to be private stays, the rest moves along. */
static void test_private(const char *node)
{
	struct one o;
	bool frames;
	char *q;

	one_make(&o, node, 9);
	/* Of dma-contig; page by page where it is in pieces, behind an IOMMU. */
	frames = vnode_flags(node) & NODE_CONTIG && o.b.extents == 1;
	q = mmap(NULL, o.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, o.fd, 0);
	CHECK(q != MAP_FAILED);
	if (frames) {
		/* Page frames: no fault could make them again. */
		CHECK_REFUSED(o.b.id, "frozen");
		CHECK(!strcmp(moves_buf(node, 0).frozen, "private"));
		CHECK_PATTERN(q, o.size, 9);
		one_check(&o, 9);
		return;
	}
	memset(q + PAGE, 0x77, PAGE);
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(bytes_check(q + PAGE, PAGE, 0x77), -1);
	CHECK(!memcmp(q, o.p, PAGE));
	CHECK(!memcmp(q + 2 * PAGE, (char *)o.p + 2 * PAGE,
		      o.size - 2 * PAGE));
	/* A copy that is made after it. */
	memset(q + 3 * PAGE, 0x78, PAGE);
	one_check(&o, 9);
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(bytes_check(q + 3 * PAGE, PAGE, 0x78), -1);
	one_check(&o, 9);
	munmap(q, o.size);
}

/* Children and places that a mapping was moved to see the same. */
static void test_fork_mremap(const char *node)
{
	volatile int *turn = shared_alloc(sizeof(*turn));
	struct one o;
	pid_t pid;
	void *to;
	int status;

	one_make(&o, node, 10);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		while (!*turn)
			usleep(1000);
		if (pattern_check(o.p, o.size, 11) >= 0)
			_exit(1);
		memset(o.p, 0x42, PAGE);
		_exit(0);
	}
	CHECK_OK(moves_move(o.b.id));
	to = mremap(o.p, o.size, o.size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    (char *)mmap(NULL, 2 * o.size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	CHECK(to != MAP_FAILED);
	o.p = to;
	one_check(&o, 10);
	CHECK_OK(moves_move(o.b.id));
	pattern_fill(o.p, o.size, 11);
	CHECK_OK(moves_move(o.b.id));
	*turn = 1;
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_OK(moves_move(o.b.id));
	CHECK_EQ(bytes_check(o.p, PAGE, 0x42), -1);
}

/* An import that nobody uses is no reason to stay. */
static void test_parked(const char *node)
{
	const char *path = vnode_find(vnode_flags(node) & ~NODE_USERPTR, node);
	struct vnode *to;
	struct vbuf b;
	struct one o;
	int other;

	if (!path)
		ksft_skip("no other node");
	one_make(&o, node, 12);
	other = CHECK_OK(vnode_expbuf(o.n, 1, 0, O_RDWR));
	to = vnode_open(path);
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
	b.p[0].length = o.size;
	b.p[0].fd = o.fd;
	CHECK_OK(vnode_prepare(to, &b));
	CHECK_OK(vnode_stream(to, false));
	CHECK_REFUSED(o.b.id, "mapped");
	b.p[0].fd = other;
	CHECK_OK(vnode_prepare(to, &b));
	CHECK_OK(vnode_stream(to, false));
	CHECK_EQ(bufinfo_attached(o.fd), 1);
	CHECK_OK(moves_move(o.b.id));
	one_check(&o, 12);
	/* And it can be imported again. */
	b.p[0].fd = o.fd;
	CHECK_OK(vnode_prepare(to, &b));
	CHECK_OK(vnode_stream(to, false));
	CHECK_REFUSED(o.b.id, "mapped");
	CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
	close(other);
}

/* An importer that wants one address of a scattered buffer gets it: S8. */
static void test_one_piece(const char *node)
{
	struct vbm_queue_config config = { .sg = 0 };
	struct moves_buf b[MOVES_MAX];
	int q, i, n, fd, pieces = 0;
	struct vnode *v = vnode_open(node);
	long long moves = stat_get("moves");
	struct vbm_queue_dma dma = { 0 };
	char *copy;
	size_t size;
	void *p;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	/* Seven pages are three chunks, which seldom adjoin. */
	CHECK_OK(vnode_set_fmt(v, 128, 100, V4L2_PIX_FMT_YUYV));
	vnode_buffers(v, 16, V4L2_MEMORY_MMAP);
	n = moves_bufs(node, b);
	for (i = 0; i < n; i++) {
		if (b[i].extents == 1)
			continue;
		pieces++;
		p = vnode_mmap(v, i, 0, &size);
		pattern_fill(p, size, i);
		fd = CHECK_OK(vnode_expbuf(v, i, 0, O_RDWR));
		q = open("/dev/vbm-queue", O_RDWR | O_CLOEXEC);
		CHECK(q >= 0);
		config.size = size;
		config.output = 1;
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_CONFIG, &config));
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_IMPORT, &fd));
		copy = calloc(1, size);
		dma.length = size;
		dma.data = (unsigned long)copy;
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_DMA, &dma));
		CHECK_PATTERN(copy, size, i);
		CHECK_PATTERN(p, size, i);
		CHECK_EQ(moves_buf(node, i).extents, 1);
		/* Once is enough. */
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_RELEASE, NULL));
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_IMPORT, &fd));
		CHECK_EQ(moves_buf(node, i).moves, 1);
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_RELEASE, NULL));
		munmap(p, size);
		free(copy);
		close(fd);
		close(q);
	}
	if (!pieces)
		ksft_skip("all memory is in one piece");
	CHECK_EQ(stat_get("moves") - moves, pieces);
}

/* The same while another device has it: refused, and the frame is whole. */
static void test_one_piece_busy(const char *node)
{
	struct vbm_queue_config config = { .output = 1 };
	struct moves_buf b[MOVES_MAX];
	struct vnode *v = vnode_open(node);
	int q, i, n, fd, peer, map;
	size_t size;
	void *p;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	CHECK_OK(vnode_set_fmt(v, 128, 100, V4L2_PIX_FMT_YUYV));
	vnode_buffers(v, 16, V4L2_MEMORY_MMAP);
	n = moves_bufs(node, b);
	for (i = 0; i < n && b[i].extents == 1; i++)
		;
	if (i == n)
		ksft_skip("all memory is in one piece");
	p = vnode_mmap(v, i, 0, &size);
	pattern_fill(p, size, 1);
	fd = CHECK_OK(vnode_expbuf(v, i, 0, O_RDWR));
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, NULL));
	q = open("/dev/vbm-queue", O_RDWR | O_CLOEXEC);
	CHECK(q >= 0);
	config.size = size;
	CHECK_OK(xioctl(q, VBM_QUEUE_IOC_CONFIG, &config));
	CHECK_ERR(xioctl(q, VBM_QUEUE_IOC_IMPORT, &fd), EBUSY);
	CHECK_OK(xioctl(q, VBM_QUEUE_IOC_RELEASE, NULL));
	CHECK_PATTERN(p, size, 1);
	CHECK_EQ(moves_buf(node, i).moves, 0);
	CHECK_EQ(bufinfo_attached(fd), 1);
	CHECK_OK(peer_unmap(peer, map));
	CHECK_OK(xioctl(q, VBM_QUEUE_IOC_IMPORT, &fd));
	CHECK_EQ(moves_buf(node, i).moves, 1);
	CHECK_PATTERN(p, size, 1);
	CHECK_OK(xioctl(q, VBM_QUEUE_IOC_RELEASE, NULL));
	close(peer);
	close(q);
	close(fd);
}

#define CAM	(NODE_CAP | NODE_VBCAM | NODE_SPLANE)

static const struct ksft_test tests[] = {
	{ "what a buffer holds moves along", test_contents, CAM, KSFT_OURS },
	{ "so does a frame, and the next is captured there", test_captured,
	  CAM, KSFT_OURS },
	{ "a driver that has read the address keeps it", test_frozen,
	  NODE_CAP | NODE_VIVID | NODE_SPLANE, KSFT_OURS },
	{ "a queued buffer stays", test_owned, CAM, KSFT_OURS },
	{ "what a device has mapped stays", test_mapped, CAM, KSFT_OURS },
	{ "what the kernel has mapped stays", test_vmapped, CAM, KSFT_OURS },
	{ "what a page of is in use for I/O stays", test_pinned,
	  CAM | NODE_SG, KSFT_OURS },
	{ "so does what a disk reads or writes (O_DIRECT)", test_direct_io,
	  CAM | NODE_SG, KSFT_OURS | KSFT_DIRECT },
	{ "private mappings", test_private, CAM, KSFT_OURS },
	{ "children, and mappings that move", test_fork_mremap, CAM,
	  KSFT_OURS },
	{ "what is parked goes", test_parked, CAM, KSFT_OURS },
	{ "for an importer of one address", test_one_piece, CAM | NODE_SG,
	  KSFT_OURS | KSFT_DIRECT },
	{ "not while another device has it", test_one_piece_busy,
	  CAM | NODE_SG, KSFT_OURS | KSFT_DIRECT },
};

KSFT_MAIN(tests)
