// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that move while everybody is at work on them: user space reads and
 * writes, forks and tells of its accesses; the queue reads addresses.
 *
 * vbcam has to be named by the core's parameter "movable". With the mark taken
 * out (testbed/broken/no-mark.patch) "a move does not win against an address"
 * fails: the device writes to where the buffer was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"

#define PAGE		4096
#define WRITERS		4
#define MOVES		1000

static struct {
	uint32_t *p;
	size_t pages;
	int fd;
	atomic_bool stop;
	atomic_int wrong;
	atomic_long rounds;
} storm;

/* The words of one writer in one page: all alike, but for one while it writes. */
static volatile uint32_t *storm_words(size_t page, unsigned int writer)
{
	return storm.p + page * (PAGE / 4) + writer * (PAGE / 4 / WRITERS);
}

/* Each word is one more than it was, and nobody else's. */
static void *storm_write(void *arg)
{
	unsigned int writer = (unsigned long)arg, i;
	uint32_t round = 0;
	size_t page;

	for (; !storm.stop; round++) {
		for (page = 0; page < storm.pages; page++) {
			volatile uint32_t *w = storm_words(page, writer);

			for (i = 0; i < PAGE / 4 / WRITERS; i++) {
				if (w[i] != round)
					storm.wrong++;
				w[i] = round + 1;
			}
		}
		storm.rounds++;
	}
	return NULL;
}

static void *storm_sync(void *arg)
{
	(void)arg;
	while (!storm.stop) {
		dmabuf_sync(storm.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
		dmabuf_sync(storm.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	}
	return NULL;
}

/* A child sees words that never go back. */
static void *storm_fork(void *arg)
{
	int status;
	pid_t pid;

	(void)arg;
	while (!storm.stop) {
		pid = fork();
		if (!pid) {
			uint32_t last[WRITERS] = { 0 };
			unsigned int i, n;

			for (n = 0; n < 50; n++) {
				for (i = 0; i < WRITERS; i++) {
					uint32_t now = *storm_words(n %
							storm.pages, i);

					if (n >= storm.pages && now + 1 < last[i])
						_exit(1);
					last[i] = now;
				}
			}
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			storm.wrong++;
	}
	return NULL;
}

static void test_storm(const char *node)
{
	struct vnode *n = vnode_open(node);
	pthread_t threads[WRITERS + 2];
	unsigned int i, moves = 0;
	struct moves_buf m;
	unsigned int id;
	long busy = 0;
	size_t size;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	CHECK_OK(vnode_set_fmt(n, 128, 100, V4L2_PIX_FMT_YUYV));
	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	storm.p = vnode_mmap(n, 0, 0, &size);
	memset(storm.p, 0, size);
	storm.pages = size / PAGE;
	storm.fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	m = moves_buf(node, 0);
	moves_need_pages(&m);
	id = m.id;

	for (i = 0; i < WRITERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, storm_write,
				      (void *)(unsigned long)i));
	CHECK(!pthread_create(&threads[i++], NULL, storm_sync, NULL));
	CHECK(!pthread_create(&threads[i++], NULL, storm_fork, NULL));
	while (moves < MOVES && !storm.wrong) {
		int ret = moves_move(id);

		if (!ret)
			moves++;
		else if (ret == -EBUSY && busy++ < 100 * MOVES)
			continue;
		else
			FAIL("%s after %u moves", ksft_errno(-ret), moves);
	}
	storm.stop = true;
	for (i = 0; i < WRITERS + 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(storm.wrong, 0);
	CHECK(storm.rounds > WRITERS);
	CHECK_EQ(moves_buf(node, 0).moves, MOVES);
	close(storm.fd);
}

/* Threads that map and unmap while it moves: what is found is what is there. */
static void *storm_map(void *arg)
{
	(void)arg;
	while (!storm.stop) {
		uint32_t *q = mmap(NULL, storm.pages * PAGE,
				   PROT_READ | PROT_WRITE, MAP_SHARED,
				   storm.fd, 0);
		size_t page;

		if (q == MAP_FAILED) {
			storm.wrong++;
			break;
		}
		for (page = 0; page < storm.pages; page++)
			if (q[page * (PAGE / 4) + 1] != page + 1)
				storm.wrong++;
		munmap(q, storm.pages * PAGE);
		storm.rounds++;
	}
	return NULL;
}

static void test_mmaps(const char *node)
{
	struct vnode *n = vnode_open(node);
	pthread_t threads[2];
	unsigned int moves = 0, i, id;
	struct moves_buf m;
	long busy = 0;
	size_t size;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	storm.p = vnode_mmap(n, 0, 0, &size);
	storm.pages = size / PAGE;
	for (i = 0; i < storm.pages; i++)
		storm.p[i * (PAGE / 4) + 1] = i + 1;
	storm.fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	m = moves_buf(node, 0);
	moves_need_pages(&m);
	id = m.id;
	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, storm_map, NULL));
	while (moves < MOVES / 4 && !storm.wrong) {
		int ret = moves_move(id);

		if (!ret)
			moves++;
		else if (ret != -EBUSY || busy++ > 100 * MOVES)
			FAIL("%s after %u moves", ksft_errno(-ret), moves);
	}
	storm.stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(storm.wrong, 0);
	close(storm.fd);
}

/* Move all buffers of the node again and again. */
static void *race_move(void *arg)
{
	struct moves_buf *b = arg;
	unsigned int i = 0;

	while (!storm.stop) {
		moves_move(b[i].id);
		i = (i + 1) % storm.pages;
	}
	return NULL;
}

/*
 * The camera reads the address and writes, all at the pace of a program that
 * queues a buffer as soon as it has it. Every byte of each frame must arrive:
 * the last line is never what it was filled with.
 */
static void test_race(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct moves_buf b[MOVES_MAX];
	long long moves = stat_get("moves"), raced = moves_refused("raced");
	unsigned int i, frames, lost = 0;
	pthread_t mover;
	struct vbuf vb;
	void *p[4];
	size_t size;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	CHECK_OK(vnode_set_fmt(n, 640, 480, V4L2_PIX_FMT_YUYV));
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	storm.pages = moves_bufs(node, b);
	CHECK_EQ(storm.pages, 4);
	moves_need_pages(&b[0]);
	for (i = 0; i < 4; i++)
		p[i] = vnode_mmap(n, i, 0, &size);
	CHECK(!pthread_create(&mover, NULL, race_move, b));
	for (i = 0; i < 4; i++) {
		memset(p[i], 0xee, size);
		vbuf_init(&vb, n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(n, &vb));
	}
	CHECK_OK(vnode_stream(n, true));
	/* Which a move must have lost at least once. */
	for (frames = 0; !lost && (frames < 300 || (frames < 6000 &&
	     moves_refused("raced") == raced)); frames++) {
		CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_MMAP, &vb));
		CHECK(!(vb.flags & V4L2_BUF_FLAG_ERROR));
		for (i = 0; i + PAGE <= size; i += PAGE)
			if (bytes_check((char *)p[vb.index] + i, 64, 0xee) < 0)
				lost++;
		memset(p[vb.index], 0xee, size);
		CHECK_OK(vnode_qbuf(n, &vb));
	}
	CHECK_OK(vnode_stream(n, false));
	storm.stop = true;
	pthread_join(mover, NULL);
	ksft_say("%u frames, %lld moves, %lld lost the race", frames,
		 stat_get("moves") - moves, moves_refused("raced") - raced);
	if (lost)
		FAIL_BYTES("%u pages of a frame are where it was", lost);
	CHECK(stat_get("moves") > moves);
	CHECK(moves_refused("raced") > raced);
}

#define CAM	(NODE_CAP | NODE_VBCAM | NODE_SPLANE)

static const struct ksft_test tests[] = {
	{ "nothing is lost or torn while a buffer moves 1,000 times",
	  test_storm, CAM, KSFT_OURS, .timeout = 600 },
	{ "mmap() and munmap() while it moves", test_mmaps, CAM, KSFT_OURS,
	  .timeout = 600 },
	{ "a move does not win against an address", test_race, CAM, KSFT_OURS,
	  .timeout = 600 },
};

KSFT_MAIN(tests)
