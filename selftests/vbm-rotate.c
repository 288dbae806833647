// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that take turns at the indexes of several queues: mapped once, and
 * each device reads what was written last. The devices do a step at a time
 * (modules/vbm-step), so that each byte of each frame is known.
 *
 * vbm-cache looks at the same cache by the kernel's own drivers, and at when it
 * lets go.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "foreign-mem.h"
#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "step.h"

#define SIZE	4096U
#define BUFS	VBM_STEP_BUFS
#define PLANES	VBM_STEP_PLANES

/* Less than what is ours is kept idle, more than what is not. */
#define LATE	5000
#define TRIES	5
/* Half the time that what is not ours is kept idle. */
#define IDLE	1000

/*
 * Counters of work that is to be done once
 */

static const char * const costs[] = {
	"attaches", "detaches", "maps", "maps_cached", "unmaps", "import_maps",
	"import_unmaps", "imports_total",
};

#define NR_COSTS	(sizeof(costs) / sizeof(costs[0]))

struct cost {
	long long v[NR_COSTS];
};

static void cost_read(struct cost *c)
{
	unsigned int i;

	for (i = 0; i < NR_COSTS; i++)
		c->v[i] = stat_get(costs[i]);
}

static void cost_same(const struct cost *before, const char *where)
{
	struct cost now;
	unsigned int i;

	cost_read(&now);
	for (i = 0; i < NR_COSTS; i++)
		if (now.v[i] != before->v[i])
			FAIL("%s: %s went on by %lld", where, costs[i],
			     now.v[i] - before->v[i]);
}

static void await(const char *stat, long long value)
{
	long long end = ksft_ms() + LATE;

	while (stat_get(stat) != value && ksft_ms() < end)
		usleep(5000);
	CHECK_EQ(stat_get(stat), value);
}

/*
 * Queues
 */

static char data[SIZE];

static int queue_open(bool sg, bool output, unsigned int planes, int like)
{
	struct vbm_step_config config = {
		.sg = sg, .output = output, .planes = planes, .size = SIZE,
		.like = like,
	};

	return step_open(&config);
}

static int importer_open(bool sg, bool output, unsigned int planes, int like)
{
	int step = queue_open(sg, output, planes, like);

	step_imports(step, BUFS);
	return step;
}

/* A queue whose buffers go round, and what was written to each last. */
struct source {
	int step;
	unsigned int nr;
	int fd[BUFS];
	char *map[BUFS];
	unsigned int seed[BUFS];
};

static unsigned int last_seed;

/* A frame: the same word everywhere, since there are very many of them. */
static void frame_fill(unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < SIZE; i += sizeof(seed))
		memcpy(data + i, &seed, sizeof(seed));
}

static void source_make(struct source *s, bool sg, unsigned int nr)
{
	unsigned int i;

	s->nr = nr;
	s->step = queue_open(sg, false, 1, -1);
	step_buffers(s->step, nr);
	for (i = 0; i < nr; i++) {
		s->fd[i] = step_export(s->step, i, 0);
		s->map[i] = step_mmap(s->step, i, 0, SIZE);
	}
}

static void source_close_fds(struct source *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		close(s->fd[i]);
}

/* Its own device captures a frame. */
static void source_capture(struct source *s, unsigned int i)
{
	s->seed[i] = ++last_seed;
	frame_fill(s->seed[i]);
	CHECK_OK(step_begin_fd(s->step, i, -1));
	CHECK_OK(step_write(s->step, i, 0, 0, data, SIZE));
	CHECK_OK(step_done(s->step, i));
}

static void expect_seed(const char *bytes, unsigned int seed)
{
	unsigned int i, got;

	if (!memcmp(bytes, &seed, sizeof(seed)) &&
	    !memcmp(bytes, bytes + sizeof(seed), SIZE - sizeof(seed)))
		return;
	for (i = 0; i < SIZE; i += sizeof(seed)) {
		memcpy(&got, bytes + i, sizeof(got));
		if (got != seed)
			FAIL("bytes at %u are of frame %u, not of %u", i, got,
			     seed);
	}
}

/* The device of a queue reads buffer @i at that index. */
static void put_out(int step, unsigned int index, const struct source *s,
		    unsigned int i)
{
	CHECK_OK(step_begin_fd(step, index, s->fd[i]));
	CHECK_OK(step_read(step, index, 0, 0, data, SIZE));
	expect_seed(data, s->seed[i]);
	CHECK_OK(step_done(step, index));
}

/* It writes there; the program looks at it. */
static void capture_into(int step, unsigned int index, struct source *s,
			 unsigned int i)
{
	s->seed[i] = ++last_seed;
	frame_fill(s->seed[i]);
	CHECK_OK(step_begin_fd(step, index, s->fd[i]));
	CHECK_OK(step_write(step, index, 0, 0, data, SIZE));
	CHECK_OK(step_done(step, index));
	expect_seed(s->map[i], s->seed[i]);
}

/* It comes to index 0; what was there goes. */
static void use(int step, int fd)
{
	CHECK_OK(step_begin_fd(step, 0, fd));
	CHECK_OK(step_done(step, 0));
}

/* Two buffers are the planes of one. */
static void put_out_planes(int step, unsigned int index,
			   const struct source *s, unsigned int a,
			   unsigned int b)
{
	struct vbm_step_begin begin = {
		.index = index, .fd = { s->fd[a], s->fd[b] },
	};

	CHECK_OK(step_begin(step, &begin));
	CHECK_OK(step_read(step, index, 0, 0, data, SIZE));
	expect_seed(data, s->seed[a]);
	CHECK_OK(step_read(step, index, 1, 0, data, SIZE));
	expect_seed(data, s->seed[b]);
	CHECK_OK(step_done(step, index));
}

/*
 * Rotation
 */

/* Two queues of one device that read, one of another that writes. */
struct sinks {
	int one, two, writer, planes;
};

static void sinks_open(struct sinks *t, bool sg)
{
	t->one = importer_open(sg, true, 1, -1);
	t->two = importer_open(sg, true, 1, t->one);
	t->writer = importer_open(sg, false, 1, -1);
	t->planes = importer_open(sg, true, PLANES, t->writer);
}

static void sinks_close(struct sinks *t)
{
	close(t->planes);
	close(t->writer);
	close(t->two);
	close(t->one);
}

/* A frame: buffer @i is captured, read twice, and written by another device. */
static void frame(struct source *s, struct sinks *t, unsigned int i,
		  unsigned int index, bool swap)
{
	unsigned int next = (i + 1) % s->nr;

	if (s->step >= 0)
		source_capture(s, i);
	put_out(t->one, index, s, i);
	put_out(t->two, index, s, i);
	capture_into(t->writer, index, s, i);
	put_out(t->one, index, s, i);
	put_out_planes(t->planes, index, s, swap ? next : i, swap ? i : next);
}

/* Until each buffer has been at each index, with its planes in each order. */
static void frames(struct source *s, struct sinks *t, unsigned int indexes)
{
	unsigned int i, nr = s->nr * indexes;

	for (i = 0; i < 2 * nr; i++)
		frame(s, t, i % s->nr, i % indexes, i >= nr);
}

static void rotate(bool sg, unsigned int nr)
{
	unsigned int indexes, i;
	struct cost before;
	long long maps;
	struct source s;
	struct sinks t;
	char where[64];

	source_make(&s, sg, nr);
	for (i = 0; i < nr; i++)
		source_capture(&s, i);
	sinks_open(&t, sg);
	for (indexes = 1; indexes <= BUFS; indexes++) {
		snprintf(where, sizeof(where), "%u buffers over %u indexes",
			 nr, indexes);
		maps = stat_get("import_maps");
		frames(&s, &t, indexes);
		/* All of them, once, on devices that have seen none. */
		CHECK(indexes > 1 || stat_get("import_maps") - maps >= nr);
		cost_read(&before);
		frames(&s, &t, indexes);
		cost_same(&before, where);
	}
	sinks_close(&t);
	source_close_fds(&s);
	close(s.step);
	await("parked", 0);
}

static void test_rotate_sg(const char *node)
{
	unsigned int nr;

	(void)node;
	for (nr = 1; nr <= BUFS; nr++)
		rotate(true, nr);
}

static void test_rotate_contig(const char *node)
{
	unsigned int nr;

	(void)node;
	for (nr = 1; nr <= BUFS; nr++)
		rotate(false, nr);
}

/* The import of another device, or of another direction, is another one. */
static void test_key(const char *node)
{
	struct source s;
	struct sinks t;
	long long maps;

	(void)node;
	source_make(&s, true, 2);
	source_capture(&s, 0);
	source_capture(&s, 1);
	sinks_open(&t, true);
	put_out(t.one, 0, &s, 0);
	put_out(t.one, 0, &s, 1);
	CHECK_EQ(stat_get("parked"), 1);
	maps = stat_get("import_maps");
	/* That queue's device is the one of @t.planes, too. */
	capture_into(t.writer, 0, &s, 0);
	CHECK_EQ(stat_get("import_maps") - maps, 1);
	capture_into(t.writer, 0, &s, 1);
	CHECK_EQ(stat_get("parked"), 2);
	put_out_planes(t.planes, 0, &s, 0, 1);
	CHECK_EQ(stat_get("import_maps") - maps, 4);
	CHECK_EQ(stat_get("parked"), 2);
	/* But the other queue of a device has what that one left. */
	put_out(t.two, 0, &s, 0);
	CHECK_EQ(stat_get("import_maps") - maps, 4);
	CHECK_EQ(stat_get("parked"), 1);
	CHECK_EQ(bufinfo_attached(s.fd[0]), 3);
	sinks_close(&t);
}

/* The exporter's queue is closed and its device removed; the buffers go on. */
static void test_exporter_gone(const char *node)
{
	unsigned int sg, i;
	struct cost before;
	struct source s;
	struct sinks t;

	(void)node;
	for (sg = 0; sg < 2; sg++) {
		source_make(&s, sg, 4);
		for (i = 0; i < 4; i++)
			source_capture(&s, i);
		sinks_open(&t, sg);
		frames(&s, &t, 2);
		step_release(s.step);
		close(s.step);
		s.step = -1;
		cost_read(&before);
		frames(&s, &t, 2);
		cost_same(&before, "without the exporter's device");
		sinks_close(&t);
		source_close_fds(&s);
		/* The mappings of the CPU's are all that has the memory. */
		await("parked", 0);
		for (i = 0; i < 4; i++)
			expect_seed(s.map[i], s.seed[i]);
	}
}

/* The number of an fd is another buffer's now. */
static void test_number(const char *node)
{
	unsigned int i, k;
	struct source s;
	long long maps;
	int step, fd;

	(void)node;
	source_make(&s, true, 3);
	for (i = 0; i < 3; i++)
		source_capture(&s, i);
	step = importer_open(true, true, 1, -1);
	for (k = 0; k < 10; k++) {
		put_out(step, 0, &s, 0);
		/* At the index still, or parked. */
		if (k & 1)
			put_out(step, 0, &s, 2);
		maps = stat_get("import_maps");
		fd = s.fd[0];
		/* A dma-buf that was never seen, of buffer 1. */
		close(s.fd[1]);
		s.fd[1] = step_export(s.step, 1, 0);
		CHECK_EQ(dup2(s.fd[1], fd), fd);
		CHECK_OK(step_begin_fd(step, 0, fd));
		CHECK_OK(step_read(step, 0, 0, 0, data, SIZE));
		expect_seed(data, s.seed[1]);
		CHECK_OK(step_done(step, 0));
		CHECK_EQ(stat_get("import_maps") - maps, 1);
		/* Buffer 0 gets a new dma-buf as well, under the old number. */
		close(fd);
		s.fd[0] = step_export(s.step, 0, 0);
		CHECK_EQ(s.fd[0], fd);
	}
}

static void test_two_indexes(const char *node)
{
	struct source s;
	long long maps;
	unsigned int i;
	int step;

	(void)node;
	source_make(&s, true, 2);
	source_capture(&s, 0);
	source_capture(&s, 1);
	step = importer_open(true, true, 1, -1);
	maps = stat_get("import_maps");
	for (i = 0; i < 4; i++) {
		source_capture(&s, 0);
		CHECK_OK(step_begin_fd(step, 0, s.fd[0]));
		CHECK_OK(step_begin_fd(step, 1, s.fd[0]));
		CHECK_OK(step_read(step, 0, 0, 0, data, SIZE));
		expect_seed(data, s.seed[0]);
		CHECK_OK(step_done(step, 0));
		/* The other one goes on. */
		CHECK_OK(step_read(step, 1, 0, 0, data, SIZE));
		expect_seed(data, s.seed[0]);
		CHECK_OK(step_done(step, 1));
		put_out(step, 0, &s, 1);
		put_out(step, 1, &s, 1);
	}
	/* Each of the buffers twice. */
	CHECK_EQ(stat_get("import_maps") - maps, 4);
	step_release(step);
	CHECK_EQ(stat_get("imports"), 0);
	source_close_fds(&s);
	await("parked", 0);
}

/*
 * Who wants one address does not get a list, and who takes a list gets what
 * had one address.
 */
struct kinds {
	int sg, contig, peer;
	int scattered, piece, other;
};

static int exported(int peer, size_t head)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = 4 * SIZE, .head = head,
	};

	return peer_export(peer, &how);
}

static void kinds_do(struct kinds *k)
{
	long long maps, unmaps;

	use(k->sg, k->scattered);
	use(k->sg, k->piece);
	use(k->contig, k->piece);
	use(k->sg, k->other);
	use(k->contig, k->other);
	maps = stat_get("import_maps");
	unmaps = stat_get("import_unmaps");
	/* Two imports of the piece are parked, and one of what is scattered. */
	CHECK_ERR(step_begin_fd(k->contig, 0, k->scattered), EFAULT);
	use(k->contig, k->piece);
	use(k->sg, k->scattered);
	use(k->sg, k->piece);
	/* The queue of the other kind has it now. */
	use(k->contig, k->other);
	use(k->sg, k->other);
	use(k->sg, k->piece);
	CHECK_EQ(stat_get("import_maps") - maps, 0);
	CHECK_EQ(stat_get("import_unmaps") - unmaps, 0);
}

static void kinds_once(void)
{
	struct vbm_step_config config = {
		.output = true, .planes = 1, .size = 4 * SIZE, .like = -1,
	};
	struct kinds k;

	k.contig = step_open(&config);
	config.sg = true;
	config.like = k.contig;
	k.sg = step_open(&config);
	step_imports(k.sg, 1);
	step_imports(k.contig, 1);
	k.peer = peer_open(NULL);
	k.scattered = exported(k.peer, 0);
	k.piece = exported(k.peer, 4 * SIZE);
	k.other = exported(k.peer, 4 * SIZE);
	kinds_do(&k);
	_exit(KSFT_PASS);
}

/* What is not ours goes when it is idle: once more if that took too long. */
static void test_kinds(const char *node)
{
	unsigned int i;
	int status = 0;

	(void)node;
	for (i = 0; i < TRIES; i++) {
		long long since = ksft_ms();
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			kinds_once();
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (!status || ksft_ms() - since < IDLE)
			break;
	}
	CHECK_EQ(status, 0);
}

/* A plane that can not be had takes nothing along. */
static void test_plane_error(const char *node)
{
	struct vbm_step_begin bad = { .index = 0 };
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = SIZE, .map_errno = EPERM,
	};
	int peer = peer_open(NULL), fd = peer_export(peer, &how);
	unsigned int i, index;
	struct cost before;
	struct source s;
	int step;

	(void)node;
	source_make(&s, true, 4);
	for (i = 0; i < 4; i++)
		source_capture(&s, i);
	step = importer_open(true, true, PLANES, -1);
	put_out_planes(step, 0, &s, 0, 1);
	put_out_planes(step, 0, &s, 2, 3);
	CHECK_EQ(stat_get("parked"), 2);
	cost_read(&before);
	for (i = 0; i < 10; i++) {
		/* Plane 0 was parked, or is where it was. */
		index = i & 1;
		bad.fd[0] = s.fd[0];
		bad.fd[1] = fd;
		CHECK_ERR(step_begin(step, &bad), EPERM);
		CHECK_EQ(stat_get("import_maps"), before.v[5]);
		CHECK_EQ(stat_get("import_unmaps"), before.v[6]);
		put_out_planes(step, 0, &s, 2 * index, 2 * index + 1);
	}
	step_release(step);
	CHECK_EQ(stat_get("imports"), 0);
	source_close_fds(&s);
	await("parked", 0);
}

/* Programs open the node, stream, and go. */
static void test_cycles(const char *node)
{
	long long maps;
	unsigned int i;
	struct source s;
	int holder, step;

	(void)node;
	source_make(&s, true, 4);
	for (i = 0; i < 4; i++)
		source_capture(&s, i);
	/* The device stays. */
	holder = importer_open(true, true, 1, -1);
	maps = stat_get("import_maps");
	for (i = 0; i < 1000; i++) {
		step = importer_open(true, true, 1, holder);
		source_capture(&s, i % 4);
		put_out(step, 0, &s, i % 4);
		put_out(step, 1, &s, (i + 1) % 4);
		put_out(step, 0, &s, (i + 2) % 4);
		close(step);
		CHECK_EQ(stat_get("imports"), 0);
	}
	/* What was at an index went, what was not was there for the next. */
	maps = stat_get("import_maps") - maps;
	CHECK(maps >= 1000 && maps < 2100);
	source_close_fds(&s);
	await("parked", 0);
}

/*
 * The system sleeps
 */

static void power(const char *file, const char *text)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/power/%s", file);
	ret = write_file(path, text);
	if (ret)
		FAIL("%s to %s: %s", text, path, ksft_errno(-ret));
}

/*
 * The guest's own disks and shared directories do not all survive that their
 * devices are suspended. So all that is frozen is what runs: programs, and the
 * worker of the cache.
 */
static void nap(const char *seconds)
{
	if (access("/sys/power/pm_test", W_OK))
		ksft_skip("this kernel can not be made to sleep for a test");
	CHECK_OK(write_file("/sys/module/suspend/parameters/pm_test_delay",
			    seconds));
	power("pm_test", "freezer");
	power("state", "freeze");
	power("pm_test", "none");
}

static void test_sleep(const char *node)
{
	struct cost before;
	long long parked;
	struct source s;
	struct sinks t;
	unsigned int i;

	(void)node;
	source_make(&s, true, 4);
	for (i = 0; i < 4; i++)
		source_capture(&s, i);
	sinks_open(&t, true);
	frames(&s, &t, 2);
	parked = stat_get("parked");
	CHECK(parked > 0);
	cost_read(&before);
	nap("0");
	CHECK_EQ(stat_get("parked"), parked);
	frames(&s, &t, 2);
	cost_same(&before, "after sleep");
	/* All goes but the devices, and before the worker has looked, sleep. */
	step_release(t.one);
	step_release(t.two);
	step_release(t.writer);
	step_release(t.planes);
	source_close_fds(&s);
	nap("0");
	await("parked", 0);
	sinks_close(&t);
	close(s.step);
}

/*
 * A driver leaves its device while the worker is frozen, as drivers do whose
 * device has not come back. Imports of each kind are parked of it.
 */
static bool unbind_asleep(struct source *s, int peer)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = SIZE, .head = SIZE,
	};
	int step = importer_open(true, true, 1, -1);
	int fd = peer_export(peer, &how), ret;

	CHECK_OK(xioctl(step, VBM_STEP_IOC_UNBIND, NULL));
	use(step, fd);
	use(step, s->fd[0]);
	use(step, s->fd[1]);
	use(step, s->fd[2]);
	CHECK(stat_get("parked") >= 2);
	nap("2");
	ret = xioctl(step, VBM_STEP_IOC_UNBOUND, NULL);
	/* By whomever: now the worker runs. */
	await("parked", 0);
	CHECK_EQ(bufinfo_attached(fd), 0);
	CHECK_EQ(bufinfo_attached(s->fd[0]), 0);
	CHECK_EQ(bufinfo_attached(s->fd[1]), 0);
	close(step);
	CHECK_EQ(bufinfo_attached(s->fd[2]), 0);
	close(fd);
	if (ret)
		CHECK_ERR(ret, EAGAIN);
	return !ret;
}

static void test_unbind_asleep(const char *node)
{
	int peer = peer_open(NULL);
	unsigned int i, tries = 0;
	struct source s;

	(void)node;
	source_make(&s, true, 3);
	for (i = 0; i < 3; i++)
		source_capture(&s, i);
	/* How long the kernel's test of sleep takes is not to be relied on. */
	while (!unbind_asleep(&s, peer))
		if (++tries == 10)
			FAIL("the driver did not leave before the system woke");
}

/*
 * The worker, while an exporter that is not ours takes its time
 */

static void hold(bool on)
{
	CHECK_OK(write_file("/sys/module/vbm_peer/parameters/hold_unmaps",
			    on ? "1" : "0"));
}

static long long held(void)
{
	return read_number("/sys/module/vbm_peer/parameters/held_unmaps");
}

/* The worker is about to drop a foreign import, and does not come back. */
static void worker_held(int step, int peer, int ours)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = SIZE, .head = SIZE,
	};
	long long end = ksft_ms() + 2 * LATE;
	int fd = peer_export(peer, &how);

	hold(true);
	use(step, fd);
	use(step, ours);
	CHECK_EQ(stat_get("parked"), 1);
	close(fd);
	while (held() < 1 && ksft_ms() < end)
		usleep(5000);
	CHECK_EQ(held(), 1);
}

/*
 * The device goes while the worker is at it: the end of the device waits, and
 * then nothing is left of either.
 */
static void test_worker_and_device(const char *node)
{
	int peer = peer_open(NULL), step, status, go[2];
	struct source s;
	unsigned int k;
	pid_t pid;
	char c;

	(void)node;
	hold(false);
	source_make(&s, true, 1);
	for (k = 0; k < 3; k++) {
		step = importer_open(true, true, 1, -1);
		worker_held(step, peer, s.fd[0]);
		CHECK_OK(pipe(go));
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			/* Until the last reference is this one. */
			close(go[1]);
			status = read(go[0], &c, 1);
			close(step);
			_exit(status);
		}
		close(step);
		close(go[1]);
		close(go[0]);
		/* It waits, however long that takes. */
		usleep(100000);
		CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
		CHECK_EQ(stat_get("parked"), 1);
		hold(false);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		await("parked", 0);
		CHECK_EQ(stat_get("imports"), 0);
	}
}

/*
 * Who is in want of memory does not wait for such an exporter for good: it is
 * told that there is none while the worker is still at it.
 */
static void test_patience(const char *node)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = SIZE, .map_errno = ENOMEM,
	};
	int peer = peer_open(NULL), fd = peer_export(peer, &how), step, other;
	struct source s;

	(void)node;
	hold(false);
	source_make(&s, true, 1);
	step = importer_open(true, true, 1, -1);
	other = importer_open(true, true, 1, -1);
	worker_held(step, peer, s.fd[0]);
	CHECK_ERR(step_begin_fd(other, 0, fd), ENOMEM);
	CHECK_EQ(held(), 1);
	CHECK_EQ(stat_get("parked"), 1);
	hold(false);
	await("parked", 0);
}

/*
 * What is let go of has its bounce buffer still, if it is kept. The heap brings all
 * of its importers' back to memory when the CPU wants to read, also those of
 * devices that have only read: by then there are newer bytes.
 */
static void nothing_old(bool reader_first)
{
	struct foreign_mem a, b;
	int reader, writer;
	struct source s = { .step = -1, .nr = 1 };

	CHECK_EQ(foreign_mem_alloc(&a, "heap:system", SIZE, FOREIGN_ANY),
		 FOREIGN_OK);
	CHECK_EQ(foreign_mem_alloc(&b, "heap:system", SIZE, FOREIGN_ANY),
		 FOREIGN_OK);
	s.fd[0] = a.fd;
	s.map[0] = dmabuf_mmap(a.fd, SIZE);
	reader = importer_open(true, true, 1, -1);
	writer = importer_open(true, false, 1, -1);
	if (!reader_first) {
		capture_into(writer, 0, &s, 0);
		use(writer, b.fd);
	}
	s.seed[0] = ++last_seed;
	frame_fill(s.seed[0]);
	CHECK_OK(dmabuf_sync(a.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	memcpy(s.map[0], data, SIZE);
	CHECK_OK(dmabuf_sync(a.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	put_out(reader, 0, &s, 0);
	use(reader, b.fd);
	capture_into(writer, 0, &s, 0);
	CHECK_OK(dmabuf_sync(a.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	expect_seed(s.map[0], s.seed[0]);
	CHECK_OK(dmabuf_sync(a.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	close(reader);
	close(writer);
	munmap(s.map[0], SIZE);
	close(a.fd);
	close(b.fd);
}

static void test_nothing_old(const char *node)
{
	(void)node;
	nothing_old(true);
	nothing_old(false);
}

static const struct ksft_test tests[] = {
	{ "dma-sg: n buffers over m indexes of queues and devices",
	  test_rotate_sg, 0, KSFT_NO_NODE | KSFT_OURS, .timeout = 300 },
	{ "dma-contig: n buffers over m indexes of queues and devices",
	  test_rotate_contig, 0, KSFT_NO_NODE | KSFT_OURS, .timeout = 300 },
	{ "each device and direction has an import of its own", test_key, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "buffers go on without their exporter's device", test_exporter_gone,
	  0, KSFT_NO_NODE | KSFT_OURS },
	{ "a number that is used again has the other one's bytes", test_number,
	  0, KSFT_NO_NODE | KSFT_OURS },
	{ "one buffer at two indexes", test_two_indexes, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	/* testbed/broken/keep-foreign.patch has it fail. */
	{ "what is let go of brings no old bytes back", test_nothing_old, 0,
	  KSFT_NO_NODE | KSFT_OURS | KSFT_SWIOTLB },
	/* What is foreign and bounces is not parked. */
	{ "a list for who wants one address, and the reverse", test_kinds, 0,
	  KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
	{ "a plane that fails leaves the other parked", test_plane_error, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "1,000 times opened, streamed and closed", test_cycles, 0,
	  KSFT_NO_NODE | KSFT_OURS, .timeout = 300 },
	{ "the system sleeps", test_sleep, 0,
	  KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT, .log_max = 60 },
	/* Each try is worth a dozen lines. */
	{ "a driver leaves its device while the system sleeps",
	  test_unbind_asleep, 0, KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT,
	  .log_max = 200 },
	{ "a device goes while the worker drops its import",
	  test_worker_and_device, 0, KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
	{ "nobody waits for memory for good", test_patience, 0,
	  KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
};

KSFT_MAIN(tests)
