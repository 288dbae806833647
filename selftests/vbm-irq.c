// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are completed in a hard interrupt, by vbm-irq: every kind of
 * memory, on both backends, in both directions; and what others do with the
 * memory meanwhile. The bytes have to be right, and on an instrumented kernel
 * nothing that finish() does may be unfit for an interrupt.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "modules/vbm-irq.h"

#define NR		2	/* buffers of a queue */
#define FRAMES		8	/* the buffers come round a few times */
#define DIRT		0xa5

/* One queue: its buffers, and where the program sees their bytes. */
struct rig {
	struct vnode *n, *from;
	struct vbuf b[NR];
	uint32_t *map[NR];
	int fd[NR];		/* dma-bufs: their CPU access is bracketed */
	size_t size;
	bool output;
};

static struct vnode *irq_open(unsigned int which, unsigned int width)
{
	struct v4l2_capability cap;
	struct vnode *n = calloc(1, sizeof(*n));
	char bus[sizeof(cap.bus_info)];
	size_t i;
	glob_t g;

	CHECK(n);
	snprintf(bus, sizeof(bus), "platform:vbm-irq.%u", which);
	CHECK_EQ(glob("/dev/video*", 0, NULL, &g), 0);
	for (i = 0, n->fd = -1; i < g.gl_pathc && n->fd < 0; i++) {
		n->fd = open(g.gl_pathv[i], O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (n->fd >= 0 &&
		    (xioctl(n->fd, VIDIOC_QUERYCAP, &cap) ||
		     strcmp((char *)cap.bus_info, bus))) {
			close(n->fd);
			n->fd = -1;
		}
	}
	globfree(&g);
	if (n->fd < 0)
		FAIL("there is no %s", bus);
	n->flags = NODE_SPLANE | (which & VBM_IRQ_SG ? NODE_SG : NODE_CONTIG) |
		   (which & VBM_IRQ_OUTPUT ? NODE_OUT : NODE_CAP);
	n->type = which & VBM_IRQ_OUTPUT ? V4L2_BUF_TYPE_VIDEO_OUTPUT :
					   V4L2_BUF_TYPE_VIDEO_CAPTURE;
	CHECK_OK(vnode_set_fmt(n, width, width, V4L2_PIX_FMT_GREY));
	CHECK_EQ(n->sizeimage[0], width * width);
	return n;
}

static void rig_open(struct rig *r, unsigned int which, unsigned int width,
		     unsigned int memory)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	r->n = irq_open(which, width);
	r->output = which & VBM_IRQ_OUTPUT;
	r->size = r->n->sizeimage[0];
	vnode_buffers(r->n, NR, memory);
	for (i = 0; i < NR; i++) {
		vbuf_init(&r->b[i], r->n, i, memory);
		r->fd[i] = -1;
	}
}

static void rig_close(struct rig *r)
{
	unsigned int i;

	for (i = 0; i < NR; i++) {
		munmap(r->map[i], r->size);
		if (r->fd[i] >= 0)
			close(r->fd[i]);
	}
	vnode_close(r->n);
	if (r->from)
		vnode_close(r->from);
}

static void access_begin(struct rig *r, unsigned int i)
{
	if (r->fd[i] >= 0)
		CHECK_OK(dmabuf_sync(r->fd[i], DMA_BUF_SYNC_START |
					       DMA_BUF_SYNC_RW));
}

static void access_end(struct rig *r, unsigned int i)
{
	if (r->fd[i] >= 0)
		CHECK_OK(dmabuf_sync(r->fd[i], DMA_BUF_SYNC_END |
					       DMA_BUF_SYNC_RW));
}

/* What the program does before it queues a buffer: what is to be read, or dirt. */
static void put_frame(struct rig *r, unsigned int i, unsigned int frame)
{
	access_begin(r, i);
	if (r->output)
		pattern_fill(r->map[i], r->size, frame);
	else
		memset(r->map[i], DIRT, r->size);
	access_end(r, i);
	CHECK_OK(vnode_qbuf(r->n, &r->b[i]));
}

static uint32_t sum_of(const uint32_t *p, size_t words)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < words; i++)
		sum = vbm_irq_sum(sum, i, p[i]);
	return sum;
}

/*
 * After it: all of the frame is there, or was read. Frames are done in the
 * order in which they were queued, and a device numbers them.
 */
static void look_at_frame(struct rig *r, const struct vbuf *d,
			  unsigned int frame)
{
	const uint32_t *p = r->map[d->index];
	size_t i;

	CHECK(!(d->flags & V4L2_BUF_FLAG_ERROR));
	access_begin(r, d->index);
	if (r->output) {
		/* The device has read what is still there, and that is ours. */
		CHECK_EQ(pattern_check(p, r->size, frame), -1);
		if (d->sequence != sum_of(p, r->size / 4))
			FAIL_BYTES("frame %u: the device has read other words",
				   frame);
	} else {
		for (i = 0; i < r->size / 4; i++)
			if (p[i] != vbm_irq_word(d->sequence, i))
				FAIL_BYTES("frame %u, word %zu is %#x, not %#x",
					   frame, i, p[i],
					   vbm_irq_word(d->sequence, i));
	}
	access_end(r, d->index);
}

static void rig_stream(struct rig *r, unsigned int frames)
{
	unsigned int i, frame[NR], first = 0;
	struct vbuf d;

	for (i = 0; i < NR; i++) {
		frame[i] = i;
		put_frame(r, i, i);
	}
	CHECK_OK(vnode_stream(r->n, true));
	for (i = 0; i < frames; i++) {
		CHECK_OK(vnode_dqbuf(r->n, r->b[0].memory, &d));
		CHECK(d.index < NR);
		look_at_frame(r, &d, frame[d.index]);
		if (!i)
			first = d.sequence;
		else if (!r->output)
			CHECK_EQ(d.sequence, first + i);
		frame[d.index] = NR + i;
		put_frame(r, d.index, NR + i);
	}
	CHECK_OK(vnode_stream(r->n, false));
}

/*
 * Memory of each kind. What is contiguous is kept below what swiotlb can bounce
 * (256 KiB); and for stock all is, which makes segments as long as they come.
 */

static unsigned int width_of(unsigned int which)
{
	return which & VBM_IRQ_SG && !ksft_stock ? 640 : 256;
}

static void on_mmap(struct rig *r, unsigned int which)
{
	unsigned int i;

	rig_open(r, which, width_of(which), V4L2_MEMORY_MMAP);
	for (i = 0; i < NR; i++)
		r->map[i] = vnode_mmap(r->n, i, 0, NULL);
}

/* A page is contiguous in every program. */
static void on_userptr(struct rig *r, unsigned int which)
{
	unsigned int i;

	rig_open(r, which, which & VBM_IRQ_SG ? width_of(which) : 64,
		 V4L2_MEMORY_USERPTR);
	for (i = 0; i < NR; i++) {
		r->map[i] = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(r->map[i] != MAP_FAILED);
		r->b[i].p[0].userptr = r->map[i];
	}
}

static void import(struct rig *r, unsigned int i, int fd)
{
	r->fd[i] = fd;
	r->b[i].p[0].fd = fd;
	r->map[i] = dmabuf_mmap(fd, r->size);
}

/* Of the other device of the same backend, which is idle. */
static void on_ours(struct rig *r, unsigned int which)
{
	unsigned int i;

	rig_open(r, which, width_of(which), V4L2_MEMORY_DMABUF);
	r->from = irq_open(which ^ VBM_IRQ_OUTPUT, width_of(which));
	vnode_buffers(r->from, NR, V4L2_MEMORY_MMAP);
	for (i = 0; i < NR; i++)
		import(r, i, CHECK_OK(vnode_expbuf(r->from, i, 0, O_RDWR)));
}

static void on_foreign(struct rig *r, unsigned int which)
{
	int peer = peer_open(NULL);
	unsigned int i;

	rig_open(r, which, width_of(which), V4L2_MEMORY_DMABUF);
	for (i = 0; i < NR; i++) {
		struct vbm_peer_export how = {
			.kind = VBM_PEER_PAGES, .size = r->size,
			.head = which & VBM_IRQ_SG ? 0 : r->size,
		};

		import(r, i, peer_export(peer, &how));
	}
	close(peer);
}

static void on_each(void (*open_rig)(struct rig *r, unsigned int which))
{
	unsigned int which;
	struct rig r;

	for (which = 0; which < VBM_IRQ_NR; which++) {
		ksft_say("dma-%s, %s", which & VBM_IRQ_SG ? "sg" : "contig",
			 which & VBM_IRQ_OUTPUT ? "output" : "capture");
		open_rig(&r, which);
		rig_stream(&r, FRAMES);
		/* The same memory in a second stream. */
		rig_stream(&r, NR);
		rig_close(&r);
	}
}

static void test_mmap(const char *node)
{
	(void)node;
	on_each(on_mmap);
}

static void test_userptr(const char *node)
{
	(void)node;
	on_each(on_userptr);
}

static void test_ours(const char *node)
{
	(void)node;
	on_each(on_ours);
}

static void test_foreign(const char *node)
{
	(void)node;
	on_each(on_foreign);
}

/*
 * What else takes locks on a buffer: CPU access, kernel mappings, attaching,
 * mapping, and letting go of all that. Until it is killed; says how often.
 */
static void interfere(int fd, size_t size, volatile unsigned int *rounds)
{
	int peer = peer_open(NULL);
	struct vbm_peer_map map;
	char byte;

	for (;;) {
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
		CHECK_OK(dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		munmap(dmabuf_mmap(fd, size), size);
		CHECK_OK(peer_attach(peer, fd));
		map = (struct vbm_peer_map){ 0 };
		CHECK_OK(peer_map(peer, 0, &map));
		CHECK_OK(peer_read(peer, map.map, 0, &byte, 1));
		CHECK_OK(peer_vmap(peer, NULL));
		CHECK_OK(peer_vread(peer, 0, &byte, 1));
		CHECK_OK(peer_vunmap(peer));
		CHECK_OK(peer_unmap(peer, map.map));
		CHECK_OK(peer_detach(peer));
		++*rounds;
	}
}

/*
 * Whose bytes they are is not said then: a device and a program that both write
 * have only themselves to blame. Locks are what this is about.
 */
static void run_interfered(struct rig *r, unsigned int frames)
{
	volatile unsigned int *rounds = shared_alloc(sizeof(*rounds));
	struct vbuf d;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		interfere(r->fd[0], r->size, rounds);
	/* Frames take half a millisecond: until there were ten rounds beside. */
	do {
		vnode_run(r->n, r->b, NR, frames);
	} while (*rounds < 10 && !waitpid(pid, &status, WNOHANG));
	/* It is still at it: it has met no error. */
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_OK(vnode_querybuf(r->n, 0, &d));
}

static void test_interfered(const char *node)
{
	unsigned int which, i;
	struct rig r;

	(void)node;
	for (which = 0; which < VBM_IRQ_NR; which++) {
		/* What it exports itself, and what it has imported. */
		on_mmap(&r, which);
		for (i = 0; i < NR; i++)
			r.fd[i] = CHECK_OK(vnode_expbuf(r.n, i, 0, O_RDWR));
		run_interfered(&r, 60);
		rig_close(&r);
		on_ours(&r, which);
		run_interfered(&r, 60);
		rig_close(&r);
	}
}

static const struct ksft_test tests[] = {
	{ "interrupt: buffers of its own, every byte", test_mmap, 0,
	  KSFT_NO_NODE },
	{ "interrupt: the program's memory, every byte", test_userptr, 0,
	  KSFT_NO_NODE },
	{ "interrupt: imports of ours, every byte", test_ours, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "interrupt: imports of ours that bounce, every byte", test_ours, 0,
	  KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "shows what was there when it was mapped" },
	{ "interrupt: imports of others, every byte", test_foreign, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "interrupt: imports of others that bounce, every byte", test_foreign,
	  0, KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "shows what was there when it was mapped" },
	{ "interrupt: others use the buffers meanwhile", test_interfered, 0,
	  KSFT_NO_NODE },
};

KSFT_MAIN(tests)
