// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that move while everybody is at work on them: user space reads and
 * writes, forks and tells of its accesses; the queue reads addresses.
 *
 * vbcam has to be named by the core's parameter "movable", but for its cameras
 * that are managed. With the mark taken out (testbed/broken/no-mark.patch) "a move
 * does not win against an address" fails: the device writes to where the buffer
 * was. So does "a move does not win against a claim" where claims are not counted
 * (no-count.patch).
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
#include "step.h"

#define PAGE		4096
#define WRITERS		4
#define MOVES		1000

static struct {
	uint32_t *p;
	size_t pages;
	int fd;
	atomic_bool stop;
	atomic_int wrong;
	atomic_long rounds[WRITERS];
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
		storm.rounds[writer]++;
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
	for (i = 0; i < WRITERS; i++)
		if (storm.rounds[i] <= 1)
			FAIL("writer %u: %ld rounds", i, storm.rounds[i]);
	CHECK_EQ(moves_buf(node, 0).moves, MOVES);
	close(storm.fd);
}

/* Threads that map and unmap while it moves: what is found is what is there. */
static void *storm_map(void *arg)
{
	unsigned int thread = (unsigned long)arg;

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
		storm.rounds[thread]++;
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
		CHECK(!pthread_create(&threads[i], NULL, storm_map,
				      (void *)(unsigned long)i));
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
	for (i = 0; i < 2; i++)
		if (storm.rounds[i] <= 1)
			FAIL("thread %u: %ld rounds", i, storm.rounds[i]);
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

/* Moves that are done, and those that have lost the race. */
struct race {
	long long moves, raced;
};

static struct race race_now(void)
{
	return (struct race) { stat_get("moves"), moves_refused("raced") };
}

/* There must have been one of each. */
static bool race_goes_on(unsigned int done, unsigned int most, struct race from)
{
	struct race now = race_now();

	return done < most || (done < 20 * most && (now.moves == from.moves ||
						    now.raced == from.raced));
}

static void race_ends(const char *what, unsigned int done, unsigned int lost,
		      struct race from)
{
	struct race now = race_now();

	ksft_say("%u %s, %lld moves, %lld lost the race", done, what,
		 now.moves - from.moves, now.raced - from.raced);
	if (lost)
		FAIL_BYTES("%u pages of a frame are where it was", lost);
	CHECK(now.moves > from.moves);
	CHECK(now.raced > from.raced);
}

/*
 * The camera reads the address and writes, all at the pace of a program that
 * queues a buffer as soon as it has it. Every byte of each frame must arrive:
 * the last line is never what it was filled with.
 */
static void race_frames(const char *node, unsigned int most)
{
	struct vnode *n = vnode_open(node);
	struct moves_buf b[MOVES_MAX];
	struct race from = race_now();
	unsigned int i, frames, lost = 0;
	pthread_t mover;
	struct vbuf vb;
	void *p[4];
	size_t size;

	CHECK_OK(vnode_set_fmt(n, 640, 480, V4L2_PIX_FMT_YUYV));
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	storm.pages = moves_bufs(node, b);
	CHECK_EQ(storm.pages, 4);
	moves_need_pages(&b[0]);
	for (i = 0; i < 4; i++)
		p[i] = vnode_mmap(n, i, 0, &size);
	storm.stop = false;
	CHECK(!pthread_create(&mover, NULL, race_move, b));
	for (i = 0; i < 4; i++) {
		memset(p[i], 0xee, size);
		vbuf_init(&vb, n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(n, &vb));
	}
	CHECK_OK(vnode_stream(n, true));
	for (frames = 0; !lost && race_goes_on(frames, most, from);
	     frames++) {
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
	race_ends("frames", frames, lost, from);
	/* None is owned any more, nor has been frozen. */
	for (i = 0; i < 4; i++)
		CHECK_OK(moves_move(b[i].id));
	vnode_close(n);
}

static void test_race(const char *node)
{
	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	race_frames(node, 300);
}

/* By the other contract: nothing is locked when the driver claims a buffer. */
static void test_race_managed(const char *node)
{
	(void)node;
	race_frames(vnode_managed(NODE_SG | NODE_SPLANE), 100);
	race_frames(vnode_managed(NODE_CONTIG | NODE_SPLANE), 100);
}

/*
 * The same without a frame to wait for: a managed driver prepares a buffer, its
 * device writes a word and is done, often in less time than a move takes. So
 * there are moves that see nobody own the buffer, neither when they begin nor
 * when they end. Now and then buf_prepare fails. @keeps: the device has the
 * address that was read in buf_prepare.
 */
static void race_claims(bool sg, unsigned int keeps)
{
	struct vbm_step_config config = {
		.sg = sg, .planes = 1, .size = 256 * PAGE, .like = -1,
		.managed = 1, .keeps = keeps,
	};
	struct vbm_step_begin begin = { .fd = { -1, -1 } };
	struct race from = race_now();
	unsigned int i, round, lost = 0;
	int q = step_open(&config);
	struct moves_buf b[MOVES_MAX];
	volatile unsigned int *p[2];
	pthread_t mover;

	step_buffers(q, 2);
	storm.pages = moves_bufs_of("vbm-step.", b);
	CHECK_EQ(storm.pages, 2);
	for (i = 0; i < 2; i++)
		p[i] = step_mmap(q, i, 0, config.size);
	storm.stop = false;
	CHECK(!pthread_create(&mover, NULL, race_move, b));
	for (round = 1; !lost && race_goes_on(round, 1500, from); round++) {
		i = round % 2;
		begin.index = i;
		begin.fail = round % 8 == 0;
		if (begin.fail) {
			CHECK_ERR(step_prepare(q, &begin), EPROTO);
			continue;
		}
		CHECK_OK(step_begin(q, &begin));
		if (keeps)
			CHECK_OK(step_reference_write(q, i, &round,
						      sizeof(round)));
		else
			CHECK_OK(step_write(q, i, 0, 0, &round, sizeof(round)));
		CHECK_OK(step_done(q, i));
		if (*p[i] != round)
			lost++;
	}
	storm.stop = true;
	pthread_join(mover, NULL);
	race_ends("claims", round - 1, lost, from);
	for (i = 0; i < 2; i++) {
		CHECK_OK(moves_move(b[i].id));
		munmap((void *)p[i], config.size);
	}
	close(q);
}

static void test_claims(const char *node)
{
	(void)node;
	race_claims(true, VBM_STEP_KEEPS_NOTHING);
	race_claims(false, VBM_STEP_KEEPS_NOTHING);
	race_claims(true, VBM_STEP_KEEPS_QUEUED);
	race_claims(false, VBM_STEP_KEEPS_QUEUED);
}

#define CAM	(NODE_CAP | NODE_VBCAM | NODE_SPLANE)

static const struct ksft_test tests[] = {
	{ "nothing is lost or torn while a buffer moves 1,000 times",
	  test_storm, CAM, KSFT_OURS, .timeout = 600 },
	{ "mmap() and munmap() while it moves", test_mmaps, CAM, KSFT_OURS,
	  .timeout = 600 },
	{ "a move does not win against an address", test_race, CAM, KSFT_OURS,
	  .timeout = 600 },
	{ "a move does not win against an address, managed", test_race_managed,
	  .flags = KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT, .timeout = 600 },
	{ "a move does not win against a claim", test_claims,
	  .flags = KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT, .timeout = 600 },
};

KSFT_MAIN(tests)
