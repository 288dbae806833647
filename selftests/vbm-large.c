// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers in one piece that are larger than what the page allocator has in one
 * piece, on a machine that has set nothing aside for them (no CMA). Frames of 4K
 * YUYV have 16.6 MB.
 *
 * Runs alone in a guest (run, "large"): it takes all memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "memory.h"
#include "v4l2.h"

#define PLANES	8
#define RUNS	20	/* or VBM_RUNS: where each page costs more */
#define PARAMETER "/sys/module/videobuf2_mem/parameters/pool_mb"

/* What somebody has left in the pool is no proof of anything. Returns what was. */
static long long set_pool(long long mb)
{
	char text[32];
	long long old;

	if (ksft_stock)
		return 0;
	old = read_number(PARAMETER);
	CHECK(old >= 0);
	snprintf(text, sizeof(text), "%lld", mb);
	CHECK_OK(write_file(PARAMETER, text));
	return old;
}

static unsigned int runs(void)
{
	const char *text = getenv("VBM_RUNS");

	return text ? atoi(text) : RUNS;
}

static struct vnode *open_4k(const char *node)
{
	struct vnode *n = vnode_open(node);

	CHECK_OK(vnode_set_fmt(n, 3840, 2160, V4L2_PIX_FMT_YUYV));
	CHECK_EQ(n->sizeimage[0], 3840 * 2160 * 2);
	return n;
}

/* Each byte zero, and each its own: writes to one buffer are in no other. */
static void check_buffers(struct vnode *n, unsigned int count)
{
	unsigned int i;
	size_t size;
	char *map;

	for (i = 0; i < count; i++) {
		map = vnode_mmap(n, i, 0, &size);
		CHECK_EQ(bytes_check(map, size, 0), -1);
		memset(map, i + 1, size);
		munmap(map, size);
	}
	for (i = 0; i < count; i++) {
		map = vnode_mmap(n, i, 0, &size);
		CHECK_EQ(bytes_check(map, size, i + 1), -1);
		munmap(map, size);
	}
}

/*
 * The page cache takes what it can get, as on any machine that has been up for a
 * while. Every run begins so.
 */
static void test_page_cache(const char *node)
{
	long long total = meminfo("MemTotal"), killed = vmstat("oom_kill");
	struct vnode *n = open_4k(node);
	long long cached, pool = set_pool(0);
	unsigned int run, nr = runs();
	int ret;

	CHECK(nr > 0);
	for (run = 0; run < nr; run++) {
		memory_cache_fill(total / 16);
		cached = meminfo("Cached") + meminfo("Buffers");
		if (cached < total * 3 / 4)
			FAIL("run %u: %lld of %lld MB are page cache", run,
			     cached / MB, total / MB);
		ret = vnode_reqbufs(n, PLANES, V4L2_MEMORY_MMAP);
		if (ret < 0)
			FAIL("run %u: %s", run, ksft_errno(-ret));
		if (ret < PLANES)
			FAIL("run %u: %d of %u planes", run, ret, PLANES);
		if (run == 0 || run == nr - 1)
			check_buffers(n, PLANES);
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	}
	memory_cache_drop();
	set_pool(pool);
	CHECK_EQ(vmstat("oom_kill"), killed);
	if (!ksft_stock)
		ksft_say("%lld ranges, %lld tried in vain", stat_get("ranges"),
			 stat_get("ranges_tried_in_vain"));
}

/*
 * As many as there may be, and not one more than there is memory: what is
 * "available" leaves out what the kernel keeps for itself, of which a range may
 * take its part. Returns how many there are.
 */
static int request_too_many(struct vnode *n, unsigned int count)
{
	long long most = memory_free() + meminfo("Cached") +
			 meminfo("Buffers") + meminfo("SReclaimable");
	int ret;

	most /= n->sizeimage[0];
	if (most >= count)
		FAIL("there is memory for %lld buffers", most);
	ret = vnode_reqbufs(n, count, V4L2_MEMORY_MMAP);
	if (ret < 0) {
		CHECK_ERR(ret, ENOMEM);
		return 0;
	}
	if (!ret || ret > most)
		FAIL("%d buffers, with memory for %lld", ret, most);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	return ret;
}

/* Nothing to be had, with memory full of what can not be dropped. */
static void test_full(const char *node)
{
	long long killed = vmstat("oom_kill"), left, pool = set_pool(0);
	struct vnode *n = open_4k(node);
	int i, some = 0;
	pid_t pid;

	pid = memory_eat(12 * MB, NULL);
	for (i = 0; i < 5; i++)
		some += request_too_many(n, PLANES);
	left = meminfo("MemAvailable");
	memory_release(pid);
	set_pool(pool);
	CHECK_EQ(vmstat("oom_kill"), killed);
	ksft_say("%lld MB were available, %d buffers in 5 times", left / MB,
		 some);
	/* And afterwards there is. */
	vnode_buffers(n, PLANES, V4L2_MEMORY_MMAP);
	check_buffers(n, PLANES);
}

/* As full, and the rest of it page cache: what can be dropped is not enough. */
static void test_full_cache(const char *node)
{
	long long killed = vmstat("oom_kill"), pool = set_pool(0);
	struct vnode *n = open_4k(node);
	long long cached;
	int i, some = 0;
	pid_t pid;

	pid = memory_eat(64 * MB, NULL);
	memory_cache_fill(16 * MB);
	cached = meminfo("Cached");
	for (i = 0; i < 5; i++)
		some = request_too_many(n, 16);
	memory_release(pid);
	memory_cache_drop();
	set_pool(pool);
	CHECK_EQ(vmstat("oom_kill"), killed);
	ksft_say("%lld MB of page cache, the last time %d buffers",
		 cached / MB, some);
	vnode_buffers(n, PLANES, V4L2_MEMORY_MMAP);
	check_buffers(n, PLANES);
}

/* A driver whose memory comes with the first frame: that is what fails then. */
static void test_full_managed(const char *node)
{
	long long killed = vmstat("oom_kill"), pool = set_pool(0);
	struct vnode *n = open_4k(vnode_managed(NODE_CONTIG | NODE_SPLANE));
	struct vbuf b;
	char *p;
	size_t size;
	pid_t pid;
	int i, ret;

	(void)node;
	vnode_buffers(n, PLANES, V4L2_MEMORY_MMAP);
	pid = memory_eat(12 * MB, NULL);
	/* There may be memory for one, never for all. */
	for (i = 0, ret = 0; i < PLANES && !ret; i++) {
		vbuf_init(&b, n, i, V4L2_MEMORY_MMAP);
		ret = vnode_qbuf(n, &b);
	}
	for (i = 0; i < 5; i++) {
		CHECK_ERR(ret, ENOMEM);
		ret = vnode_qbuf(n, &b);
	}
	CHECK_ERR(ret, ENOMEM);
	memory_release(pid);
	set_pool(pool);
	CHECK_EQ(vmstat("oom_kill"), killed);
	/* The same buffer, afterwards. */
	CHECK_OK(vnode_qbuf(n, &b));
	p = vnode_mmap(n, b.index, 0, &size);
	CHECK_EQ(bytes_check(p, size, 0), -1);
	munmap(p, size);
}

/* Half of what is asked for is there: fewer buffers, and no harm. */
static void test_tight(const char *node)
{
	long long killed = vmstat("oom_kill"), pool = set_pool(0);
	struct vnode *n = open_4k(node);
	pid_t pid;
	int some;

	pid = memory_eat(100 * MB, NULL);
	some = request_too_many(n, 32);
	memory_release(pid);
	set_pool(pool);
	CHECK_EQ(vmstat("oom_kill"), killed);
	ksft_say("%d buffers", some);
}

/* Pages that can not move make a range useless, and are left alone. */
static void test_pinned(const char *node)
{
	long long bytes = meminfo("MemTotal") / 4;
	struct vnode *n = open_4k(node);
	size_t i;
	char *p;

	/* Memory that is locked is moved all the same, with its bytes. */
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < (size_t)bytes; i += 4096)
		memcpy(p + i, &i, sizeof(i));
	CHECK_OK(mlock(p, bytes));
	memory_cache_fill(meminfo("MemTotal") / 16);
	vnode_buffers(n, PLANES, V4L2_MEMORY_MMAP);
	check_buffers(n, PLANES);
	for (i = 0; i < (size_t)bytes; i += 4096)
		if (memcmp(p + i, &i, sizeof(i)))
			FAIL_BYTES("page %zu has other bytes", i / 4096);
	memory_cache_drop();
}

/* All of it comes back: the sum of what is free and what can be dropped. */
static void test_returns(const char *node)
{
	struct vnode *n = open_4k(node);
	long long before, after = 0, end;
	unsigned int i;

	vnode_buffers(n, PLANES, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_OK(write_file("/proc/sys/vm/drop_caches", "3"));
	before = meminfo("MemFree");
	for (i = 0; i < 20; i++) {
		vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	}
	end = ksft_ms() + 5000;
	do {
		CHECK_OK(write_file("/proc/sys/vm/drop_caches", "3"));
		after = meminfo("MemFree");
	} while (after < before - 8 * MB && ksft_ms() < end);
	if (after < before - 8 * MB)
		FAIL("%lld MB were free, now %lld", before / MB, after / MB);
}

#define LARGE_NODE (NODE_CONTIG | NODE_SPLANE | NODE_CAP | NODE_VIVID)

static const struct ksft_test tests[] = {
	{ "4K: 8 planes, each time, with memory full of page cache",
	  test_page_cache, LARGE_NODE, .timeout = 900,
	  .stock = "ENOMEM, and a WARN in the page allocator",
	  .stock_says = "run 0: ENOMEM", .stock_log = "mm/page_alloc.c" },
	{ "4K: memory that is locked moves away, and keeps its bytes",
	  test_pinned, LARGE_NODE, .timeout = 300,
	  .stock = "ENOMEM", .stock_says = "ENOMEM" },
	{ "4K: all of it comes back", test_returns, LARGE_NODE,
	  .timeout = 300, .stock = "ENOMEM", .stock_says = "ENOMEM" },
	{ "4K: with half of the memory there are fewer planes", test_tight,
	  LARGE_NODE, KSFT_OURS, .timeout = 300 },
	{ "4K: memory is full: ENOMEM, and nobody is killed", test_full,
	  LARGE_NODE, .timeout = 300, .stock = "none afterwards either",
	  .stock_says = "REQBUFS of 8: ENOMEM" },
	{ "4K: the same with page cache", test_full_cache, LARGE_NODE,
	  KSFT_OURS, .timeout = 300 },
	{ "4K: the same at the first frame", test_full_managed,
	  .flags = KSFT_NO_NODE | KSFT_OURS, .timeout = 300 },
};

KSFT_MAIN(tests)
