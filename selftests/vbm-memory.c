// SPDX-License-Identifier: GPL-2.0
/*
 * Where the memory of buffers comes from and who pays for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define CGROUPS	"/sys/fs/cgroup"
#define GROUP	CGROUPS "/vbm-memory"
#define LIMIT	"/sys/module/videobuf2_mem/parameters/uncharged_limit_mb"

/* Memory that goes from one owner to the next is zero in between. */
static void test_zeroed(const char *node)
{
	struct vnode *n = vnode_open(node);
	unsigned int round, i, p;
	size_t size;
	char *map;

	CHECK_OK(vnode_set_fmt(n, 640, 360, n->fourcc));
	for (round = 0; round < 20; round++) {
		vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
		for (i = 0; i < 4; i++)
			for (p = 0; p < n->num_planes; p++) {
				map = vnode_mmap(n, i, p, &size);
				/* To the end of its last page. */
				size = (size + getpagesize() - 1) &
				       ~(size_t)(getpagesize() - 1);
				CHECK_EQ(bytes_check(map, size, 0), -1);
				memset(map, 0xa5, size);
				munmap(map, size);
			}
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	}
}

/*
 * Memory cgroup. A child does it all in a group of its own, so that nobody else
 * has pages in it.
 */

static void group_make(const char *max)
{
	if (access(CGROUPS "/cgroup.procs", F_OK) &&
	    mount("none", CGROUPS, "cgroup2", 0, NULL))
		FAIL("mount of cgroup2: %s", ksft_errno(errno));
	CHECK_OK(write_file(CGROUPS "/cgroup.subtree_control", "+memory"));
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		FAIL("%s: %s", GROUP, ksft_errno(errno));
	CHECK_OK(write_file(GROUP "/memory.max", max));
}

static long long group_memory(void)
{
	return read_number(GROUP "/memory.current");
}

static void group_remove(void)
{
	write_file(GROUP "/memory.max", "max");
	rmdir(GROUP);
}

#define MB (1LL << 20)

/* Four 1080p frames: 16 MB of YUYV, 12 MB of NV12M. */
static void test_charged(const char *node)
{
	long long before, with, after, bytes = 0;
	struct vnode *n;
	unsigned int p;

	group_make("max");
	CHECK_OK(write_file(GROUP "/cgroup.procs", "0"));
	n = vnode_open(node);
	CHECK_OK(vnode_set_fmt(n, 1920, 1080, n->fourcc));
	for (p = 0; p < n->num_planes; p++)
		bytes += 4 * n->sizeimage[p];
	CHECK(bytes > 8 * MB);
	before = group_memory();
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	with = group_memory();
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	after = group_memory();
	CHECK_OK(write_file(CGROUPS "/cgroup.procs", "0"));
	group_remove();
	/* The counters are exact to some pages per processor. */
	if (with - before < bytes - MB || with - before > bytes + 2 * MB)
		FAIL("%lld bytes were charged for %lld", with - before, bytes);
	if (after - before > MB)
		FAIL("%lld bytes are still charged", after - before);
}

/* Whoever maps or queues a buffer later does not pay for it. */
static void test_charged_to_owner(const char *node)
{
	long long before, with;
	struct vnode *n;
	unsigned int i;
	size_t size;
	char *map;
	int fd;

	group_make("max");
	n = vnode_open(node);
	CHECK_OK(vnode_set_fmt(n, 1920, 1080, n->fourcc));
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_OK(write_file(GROUP "/cgroup.procs", "0"));
	before = group_memory();
	for (i = 0; i < 4; i++) {
		map = vnode_mmap(n, i, 0, &size);
		memset(map, 1, size);
		fd = CHECK_OK(vnode_expbuf(n, i, 0, O_RDWR));
		map = dmabuf_mmap(fd, size);
		memset(map, 2, size);
	}
	with = group_memory();
	CHECK_OK(write_file(CGROUPS "/cgroup.procs", "0"));
	vnode_close(n);
	/*
	 * Page tables and the like are its own, and the counter is exact to
	 * some pages per processor.
	 */
	CHECK(size > MB);
	if (with - before > MB)
		FAIL("%lld bytes charged for using buffers of %zu",
		     with - before, size);
	group_remove();
}

/*
 * More than the group may have: fewer buffers or -ENOMEM, and nobody is killed
 * for what a system call could refuse.
 */
static void test_group_limit(const char *node)
{
	int status, ret;
	pid_t pid;

	group_make("6M");
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		struct vnode *n;

		CHECK_OK(write_file(GROUP "/cgroup.procs", "0"));
		n = vnode_open(node);
		CHECK_OK(vnode_set_fmt(n, 1920, 1080, n->fourcc));
		ret = vnode_reqbufs(n, 4, V4L2_MEMORY_MMAP);
		if (ret != -ENOMEM && (ret < 0 || ret > 1))
			FAIL("REQBUFS of 16 MB in a group of 6 MB: %d", ret);
		/* What fits is still to be had. */
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
		CHECK_OK(vnode_set_fmt(n, 320, 180, n->fourcc));
		vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	group_remove();
	if (WIFSIGNALED(status))
		FAIL("killed by signal %d", WTERMSIG(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

/*
 * What no group can be charged for has a limit of its own. With swiotlb=force,
 * contiguous memory that a device shares with the CPU comes from the DMA API,
 * which charges nobody.
 */
static void test_uncharged_limit(const char *node)
{
	struct vnode *n = vnode_open(node);
	long long fails, uncharged, old;
	char text[32];
	int ret;

	old = read_number(LIMIT);
	if (old < 0)
		FAIL("no %s", LIMIT);
	CHECK_OK(vnode_set_fmt(n, 1920, 1080, n->fourcc));
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK(stat_get("bytes_uncharged") >= 4LL * n->sizeimage[0]);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("bytes_uncharged"), 0);

	/* Room for two and a half: drivers that want three get none. */
	fails = stat_get("fail_limit");
	CHECK_OK(write_file(LIMIT, "10\n"));
	ret = vnode_reqbufs(n, 4, V4L2_MEMORY_MMAP);
	uncharged = stat_get("bytes_uncharged");
	snprintf(text, sizeof(text), "%lld\n", old);
	CHECK_OK(write_file(LIMIT, text));
	if (ret != -ENOMEM && ret != 2)
		FAIL("REQBUFS of 16 MB under a limit of 10 MB: %d", ret);
	CHECK(uncharged <= 10 * MB);
	CHECK(stat_get("fail_limit") > fails);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("bytes_uncharged"), 0);
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
}

/*
 * Frames of 8 MB at 4K: what can not be allocated must be a clean error,
 * without a report in the kernel's log.
 */
static void test_large(const char *node)
{
	struct vnode *n = vnode_open(node);
	int ret;

	CHECK_OK(vnode_set_fmt(n, 3840, 2160, n->fourcc));
	CHECK(n->sizeimage[0] > 8 * MB);
	ret = vnode_reqbufs(n, 2, V4L2_MEMORY_MMAP);
	if (ret < 0)
		CHECK_ERR(ret, ENOMEM);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	/* And not being able to is no reason to fail later. */
	CHECK_OK(vnode_set_fmt(n, 320, 180, n->fourcc));
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
}

/* A frame is larger than what the page allocator gives in one piece. */
static void test_large_cma(const char *node)
{
	struct vnode *n = vnode_open(node);
	size_t size;
	char *map;
	int i;

	CHECK_OK(vnode_set_fmt(n, 3840, 2160, n->fourcc));
	for (i = 0; i < 3; i++) {
		vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
		map = vnode_mmap(n, 1, 0, &size);
		CHECK_EQ(bytes_check(map, size, 0), -1);
		memset(map, 0xa5, size);
		munmap(map, size);
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	}
}

static const struct ksft_test tests[] = {
	{ "memory is zero for each new owner", test_zeroed, 0, KSFT_DIRECT },
	{ "memory of the DMA API is zero for each new owner", test_zeroed,
	  NODE_CONTIG, KSFT_SWIOTLB },
	{ "buffers are charged to the memory cgroup of their owner",
	  test_charged, NODE_SPLANE, KSFT_DIRECT,
	  .stock = "nothing is charged" },
	{ "planes are charged to the memory cgroup of their owner",
	  test_charged, NODE_MPLANE, KSFT_DIRECT,
	  .stock = "nothing is charged" },
	{ "using a buffer does not charge for it", test_charged_to_owner, 0,
	  KSFT_DIRECT },
	{ "a memory cgroup's limit is an error of REQBUFS",
	  test_group_limit, NODE_SPLANE, KSFT_DIRECT,
	  .stock = "takes memory that the group does not have" },
	{ "memory that nobody is charged for has a limit",
	  test_uncharged_limit, NODE_CONTIG | NODE_SPLANE | NODE_CAP,
	  KSFT_OURS | KSFT_SWIOTLB },
	{ "4K frames: memory or -ENOMEM, and no report", test_large,
	  NODE_CONTIG | NODE_SPLANE | NODE_CAP | NODE_VIVID, KSFT_DIRECT,
	  .stock = "WARN in the page allocator" },
	{ "4K frames from dma-sg", test_large,
	  NODE_SG | NODE_SPLANE | NODE_CAP, KSFT_DIRECT },
	{ "4K frames from memory set aside", test_large_cma,
	  NODE_CONTIG | NODE_SPLANE | NODE_CAP, KSFT_CMA },
};

KSFT_MAIN(tests)
