// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: memory that one buffer has given back is kept, zeroed, for the next.
 *
 * Runs where only vivid and vbcam are loaded (run, "large").
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "memory.h"
#include "v4l2.h"

#define PARAMETER "/sys/module/videobuf2_mem/parameters/pool_mb"
#define CGROUPS	"/sys/fs/cgroup"
#define GROUP	CGROUPS "/vbm-pool"

static void set_pool(long long mb)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", mb);
	CHECK_OK(write_file(PARAMETER, text));
}

/* Waits until a counter is what it has to be. */
static void await(const char *name, long long want)
{
	long long end = ksft_ms() + 10000, v;

	do {
		v = stat_get(name);
		if (v == want)
			return;
		usleep(1000);
	} while (ksft_ms() < end);
	FAIL("%s is %lld, not %lld", name, v, want);
}

/* What a test before has left goes; the pool has @mb. */
static void start(long long mb)
{
	set_pool(0);
	await("pool_bytes", 0);
	set_pool(mb);
}

/* All that was put in is zeroed. */
static void await_zeroed(long long since, long long bytes)
{
	long long end = ksft_ms() + 10000;

	while (stat_get("pool_zeroed") - since < bytes && ksft_ms() < end)
		usleep(1000);
	CHECK(stat_get("pool_zeroed") - since >= bytes);
}

static struct vnode *open_size(const char *node, unsigned int w, unsigned int h)
{
	struct vnode *n = vnode_open(node);

	CHECK_OK(vnode_set_fmt(n, w, h, V4L2_PIX_FMT_YUYV));
	CHECK_EQ(n->sizeimage[0], w * h * 2);
	return n;
}

static void scribble(struct vnode *n, unsigned int count, bool check)
{
	unsigned int i;
	size_t size;
	char *map;

	for (i = 0; i < count; i++) {
		map = vnode_mmap(n, i, 0, &size);
		size = (size + getpagesize() - 1) & ~(size_t)(getpagesize() - 1);
		if (check)
			CHECK_EQ(bytes_check(map, size, 0), -1);
		memset(map, 0xa5, size);
		munmap(map, size);
	}
}

/* Sizes: blocks of the page allocator, one that is trimmed, a range. */
static const struct {
	unsigned int w, h;
	long long kept;		/* of four buffers */
} sizes[] = {
	{ 1920, 1080, 4 * 4194304 },
	{ 640, 480, 4 * 614400 },
	{ 3840, 2160, 4 * 16588800 },
};

/*
 * Each buffer comes from the pool, whether the worker has been there or not, and
 * is zero.
 */
static void test_hits(const char *node)
{
	long long hits, zeroed, late, kept;
	unsigned int s, round;
	struct vnode *n;

	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		start(128);
		n = open_size(node, sizes[s].w, sizes[s].h);
		vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
		for (round = 0; round < 6; round++) {
			scribble(n, 4, true);
			hits = stat_get("pool_hits");
			late = stat_get("pool_zeroed_late");
			zeroed = stat_get("pool_zeroed");
			CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
			kept = stat_get("pool_bytes");
			/* One more for each that the worker had in hand. */
			if (kept < sizes[s].kept || kept % (sizes[s].kept / 4))
				FAIL("%ux%u: %lld bytes are kept, not %lld",
				     sizes[s].w, sizes[s].h, kept,
				     sizes[s].kept);
			if (round % 2)
				await_zeroed(zeroed, sizes[s].kept);
			vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
			if (round % 2) {
				CHECK_EQ(stat_get("pool_hits") - hits, 4);
				CHECK_EQ(stat_get("pool_zeroed_late"), late);
			} else if (stat_get("pool_hits") - hits < 3) {
				/* The worker may have one in hand. */
				FAIL("%lld of 4 from the pool",
				     stat_get("pool_hits") - hits);
			}
		}
		vnode_close(n);
	}
}

/* Never more than pool_mb, the oldest goes, and 0 is none at all. */
static void test_bound(const char *node)
{
	struct vnode *n;

	start(10);
	n = open_size(node, 1920, 1080);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("pool_bytes"), 2 * 4 * MB);
	/* Others take their place. */
	CHECK_OK(vnode_set_fmt(n, 640, 480, V4L2_PIX_FMT_YUYV));
	vnode_buffers(n, 16, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK(stat_get("pool_bytes") <= 10 * MB);
	CHECK(stat_get("pool_bytes") >= 16 * 614400LL);
	/* Less: at once, without anybody's doing. */
	set_pool(2);
	await("pool_bytes", 3 * 614400);
	set_pool(0);
	await("pool_bytes", 0);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("pool_bytes"), 0);
	set_pool(64);
}

static bool pool_gave_way(void)
{
	return stat_get("pool_bytes") <= 32 * MB;
}

/* Memory pressure: whoever needs it has it, and nobody is killed. */
static void test_shrinker(const char *node)
{
	long long shrunk = stat_get("pool_shrunk"), killed = vmstat("oom_kill");
	struct vnode *n;
	long long kept;
	pid_t pid;

	start(128);
	n = open_size(node, 1920, 1080);
	vnode_buffers(n, 16, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	kept = stat_get("pool_bytes");
	CHECK(kept >= 64 * MB);
	CHECK_OK(write_file("/proc/sys/vm/drop_caches", "2"));
	if (stat_get("pool_bytes") > kept / 2)
		FAIL("drop_caches leaves %lld of %lld bytes",
		     stat_get("pool_bytes"), kept);
	CHECK(stat_get("pool_shrunk") - shrunk >= kept / 2);

	vnode_buffers(n, 16, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK(stat_get("pool_bytes") >= 64 * MB);
	/* Page cache goes first, and what programs before this left is plenty. */
	CHECK_OK(write_file("/proc/sys/vm/drop_caches", "1"));
	CHECK(stat_get("pool_bytes") >= 64 * MB);
	/*
	 * The pool is not counted as available. A kernel may take it before
	 * nothing else is left; one that does not take it kills the child.
	 */
	pid = memory_eat(4 * MB, pool_gave_way);
	memory_release(pid);
	CHECK_EQ(vmstat("oom_kill"), killed);
	set_pool(64);
}

/* What has not been used for ten seconds goes by itself. */
static void test_idle(const char *node)
{
	struct vnode *n;
	long long end;

	start(64);
	n = open_size(node, 1920, 1080);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("pool_bytes"), 4 * 4 * MB);
	end = ksft_ms() + 20000;
	while (stat_get("pool_bytes") && ksft_ms() < end)
		usleep(100000);
	CHECK_EQ(stat_get("pool_bytes"), 0);
}

/* A child in a memory cgroup of its own. */
static void in_group(void (*fn)(const char *node), const char *node)
{
	int status;
	pid_t pid;

	CHECK_OK(write_file(CGROUPS "/cgroup.subtree_control", "+memory"));
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		FAIL("%s: %s", GROUP, ksft_errno(errno));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK_OK(write_file(GROUP "/cgroup.procs", "0"));
		fn(node);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	rmdir(GROUP);
	CHECK_EQ(status, 0);
}

/*
 * Who is charged for pages is given none from the pool and puts none in; ranges,
 * which nobody is charged for, come and go.
 */
static void grouped(const char *node)
{
	struct vnode *n = open_size(node, 1920, 1080);
	long long kept = stat_get("pool_bytes"), hits = stat_get("pool_hits");
	long long before, with;

	CHECK_EQ(kept, 4 * 4 * MB);
	before = read_number(GROUP "/memory.current");
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	with = read_number(GROUP "/memory.current");
	if (with - before < 15 * MB)
		FAIL("%lld bytes are charged for 16 MB", with - before);
	CHECK_EQ(stat_get("pool_hits"), hits);
	scribble(n, 4, true);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("pool_bytes"), kept);
	if (read_number(GROUP "/memory.current") > before + 2 * MB)
		FAIL("what was given back is still charged");

	CHECK_OK(vnode_set_fmt(n, 3840, 2160, V4L2_PIX_FMT_YUYV));
	vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("pool_bytes"), kept + 2 * 16588800);
	hits = stat_get("pool_hits");
	vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
	CHECK(stat_get("pool_hits") > hits);
	CHECK(stat_get("bytes_uncharged") >= 2 * 16588800);
	scribble(n, 2, true);
	vnode_close(n);
}

static void test_charged(const char *node)
{
	struct vnode *n;

	start(128);
	n = open_size(node, 1920, 1080);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	vnode_close(n);
	in_group(grouped, node);
	set_pool(64);
}

/*
 * Somebody else has a page pinned: a pipe keeps one of a mapping as O_DIRECT
 * does, and longer. Such a page may be written to or read at any time: its block
 * is not kept.
 */
static void test_pinned(const char *node)
{
	struct vnode *n;
	struct iovec iov;
	long long kept;
	int pipes[2];
	size_t size;
	char *map;

	start(64);
	n = open_size(node, 1920, 1080);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	map = vnode_mmap(n, 1, 0, &size);
	memset(map, 0x5a, size);
	CHECK_OK(pipe(pipes));
	iov.iov_base = map + 16 * 4096;
	iov.iov_len = 4096;
	CHECK_EQ(vmsplice(pipes[1], &iov, 1, 0), 4096);
	munmap(map, size);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	kept = stat_get("pool_bytes");
	if (kept != 3 * 4 * MB)
		FAIL("%lld bytes are kept, not those of 3 buffers", kept);
	/* And whoever has it reads what was there. */
	map = malloc(4096);
	CHECK(map);
	CHECK_EQ(read(pipes[0], map, 4096), 4096);
	CHECK_EQ(bytes_check(map, 4096, 0x5a), -1);
}

/* It is the kernel's again when the modules go. */
static void test_rmmod(const char *node)
{
	static const char * const modules[] = {
		"vbcam", "vivid", "videobuf2_dma_contig", "videobuf2_dma_sg",
		"videobuf2_mem",
	};
	const char *vivid = getenv("VBM_VIVID"), *vbcam = getenv("VBM_VBCAM");
	long long kept, before, after;
	char command[512];
	struct vnode *n;
	unsigned int i;

	start(128);
	n = open_size(node, 3840, 2160);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	vnode_close(n);
	kept = stat_get("pool_bytes");
	CHECK_EQ(kept, 4 * 16588800);
	before = memory_free();
	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (syscall(SYS_delete_module, modules[i], O_NONBLOCK) &&
		    errno != ENOENT)
			FAIL("rmmod %s: %s", modules[i], ksft_errno(errno));
	after = memory_free();
	snprintf(command, sizeof(command), "modprobe vivid %s && modprobe vbcam %s",
		 vivid ? vivid : "", vbcam ? vbcam : "");
	CHECK_EQ(system(command), 0);
	if (after - before < kept - 4 * MB)
		FAIL("%lld bytes came back of %lld", after - before, kept);
}

#define POOL_NODE (NODE_CONTIG | NODE_SPLANE | NODE_CAP | NODE_VIVID)

static const struct ksft_test tests[] = {
	{ "buffers come from the pool, and are zero", test_hits, POOL_NODE,
	  KSFT_OURS, .timeout = 300 },
	{ "the pool has a bound", test_bound, POOL_NODE, KSFT_OURS },
	{ "the pool is for those who are charged for nothing", test_charged,
	  POOL_NODE, KSFT_OURS },
	/* dma-contig's mappings are of page frames: nobody can pin those. */
	{ "pages that somebody has pinned are not kept", test_pinned,
	  NODE_SG | NODE_SPLANE | NODE_CAP, KSFT_OURS },
	{ "what is not used goes", test_idle, POOL_NODE, KSFT_OURS },
	{ "memory pressure empties the pool", test_shrinker, POOL_NODE,
	  KSFT_OURS, .timeout = 300 },
	{ "the pool goes with the module", test_rmmod, POOL_NODE, KSFT_OURS,
	  .log_max = 100 },
};

KSFT_MAIN(tests)
