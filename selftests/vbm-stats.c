// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs videobuf2-mem: what it says must be what happened. Every proof of
 * zero-copy elsewhere rests on these numbers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define BUFFERS "/sys/kernel/debug/videobuf2-mem/buffers"

static size_t page_up(size_t size)
{
	size_t page = getpagesize();

	return (size + page - 1) / page * page;
}

/* Lines of `buffers` that hold " KEY=VALUE " for each of @what. */
static int lines_with(const char * const *what, char *last, size_t max)
{
	char line[4096], padded[4200];
	FILE *f = fopen(BUFFERS, "re");
	int nr = 0, i;

	if (!f)
		FAIL("%s: %s", BUFFERS, ksft_errno(errno));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(padded, sizeof(padded), " %s ", line);
		for (i = 0; what[i]; i++) {
			char want[128];

			snprintf(want, sizeof(want), " %s ", what[i]);
			if (!strstr(padded, want))
				break;
		}
		if (what[i])
			continue;
		nr++;
		if (last)
			snprintf(last, max, "%s", line);
	}
	fclose(f);
	return nr;
}

/* The number after KEY= in a line. */
static long long value_of(const char *line, const char *key)
{
	char padded[4200], want[64];
	const char *at;

	snprintf(padded, sizeof(padded), " %s", line);
	snprintf(want, sizeof(want), " %s=", key);
	at = strstr(padded, want);
	if (!at)
		FAIL("no %s= in: %s", key, line);
	return strtoll(at + strlen(want), NULL, 10);
}

#define LINES(...) lines_with((const char * const []){ __VA_ARGS__, NULL }, \
			      line, sizeof(line))

static void test_alloc(const char *node)
{
	struct vnode *n = vnode_open(node);
	long long buffers = stat_get("buffers"), bytes = stat_get("bytes");
	long long total = stat_get("buffers_total");
	long long bytes_total = stat_get("bytes_total");
	char line[4096], size[64];
	long long want = 0, extents;
	unsigned int p;

	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	for (p = 0; p < n->num_planes; p++)
		want += 4 * page_up(n->sizeimage[p]);
	CHECK_EQ(stat_get("buffers") - buffers, 4 * n->num_planes);
	CHECK_EQ(stat_get("bytes") - bytes, want);
	CHECK_EQ(stat_get("buffers_total") - total, 4 * n->num_planes);
	CHECK_EQ(stat_get("bytes_total") - bytes_total, want);

	snprintf(size, sizeof(size), "size=%zu", page_up(n->sizeimage[0]));
	CHECK(LINES("kind=mmap", size, "state=live") >= 4);
	extents = value_of(line, "extents");
	CHECK(extents >= 1);
	/* 1.5 KiB, and 32 bytes for each extent. */
	if (value_of(line, "meta") > 1536 + 32 * extents)
		FAIL("%lld bytes kept for a buffer of %lld extents",
		     value_of(line, "meta"), extents);

	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(stat_get("buffers"), buffers);
	CHECK_EQ(stat_get("bytes"), bytes);
	CHECK_EQ(stat_get("buffers_total") - total, 4 * n->num_planes);
}

static void test_export_import(const char *node)
{
	struct vnode *from = vnode_open(node), *to;
	long long exports = stat_get("exports"), imports = stat_get("imports");
	long long attaches = stat_get("attaches"), maps = stat_get("maps");
	long long detaches = stat_get("detaches");
	long long import_maps = stat_get("import_maps"), cached;
	unsigned int f = vnode_flags(node), i;
	const char *path;
	struct vbuf b[3];
	char line[4096];

	path = vnode_find(f & (NODE_SPLANE | NODE_CONTIG | NODE_SG), node);
	if (!path)
		ksft_skip("no other node that can import from it");
	to = vnode_open(path);
	vnode_buffers(from, 3, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 3, V4L2_MEMORY_DMABUF);
	for (i = 0; i < 3; i++) {
		vbuf_init(&b[i], to, i, V4L2_MEMORY_DMABUF);
		b[i].p[0].fd = CHECK_OK(vnode_expbuf(from, i, 0, O_RDWR));
		b[i].p[0].length = dmabuf_size(b[i].p[0].fd);
	}
	CHECK_EQ(stat_get("exports") - exports, 3);
	/* The first time each is attached and mapped. */
	vnode_run(to, b, 3, 6);
	CHECK_EQ(stat_get("imports") - imports, 3);
	CHECK_EQ(stat_get("attaches") - attaches, 3);
	CHECK_EQ(stat_get("import_maps") - import_maps, 3);
	CHECK_EQ(LINES("kind=import", "exporter=videobuf2_mem", "ours=1"), 3);
	/* And then never again: this is what zero-copy tests look at. */
	maps = stat_get("maps");
	cached = stat_get("maps_cached");
	import_maps = stat_get("import_maps");
	attaches = stat_get("attaches");
	vnode_run(to, b, 3, 6);
	CHECK_EQ(stat_get("maps"), maps);
	CHECK_EQ(stat_get("maps_cached"), cached);
	CHECK_EQ(stat_get("import_maps"), import_maps);
	CHECK_EQ(stat_get("attaches"), attaches);

	CHECK_OK(vnode_reqbufs(to, 0, V4L2_MEMORY_DMABUF));
	CHECK_EQ(stat_get("imports"), imports);
	CHECK_EQ(stat_get("detaches") - detaches, 3);
	CHECK_EQ(LINES("kind=import"), 0);
	/* What only a dma-buf holds is shown as such. */
	CHECK_EQ(LINES("kind=mmap", "state=orphaned"), 0);
	CHECK_OK(vnode_reqbufs(from, 0, V4L2_MEMORY_MMAP));
	CHECK_EQ(LINES("kind=mmap", "state=orphaned"), 3);
	for (i = 0; i < 3; i++)
		close(b[i].p[0].fd);
	CHECK_EQ(stat_get("exports"), exports);
}

static void test_failures(const char *node)
{
	struct vnode *from = vnode_open(node), *to;
	unsigned int f = vnode_flags(node);
	long long fails = stat_get("fail_size");
	const char *path;
	struct vbuf b;

	path = vnode_find(f & (NODE_SPLANE | NODE_CONTIG | NODE_SG), node);
	if (!path)
		ksft_skip("no other node that can import from it");
	to = vnode_open(path);
	vnode_buffers(from, 1, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
	b.p[0].fd = CHECK_OK(vnode_expbuf(from, 0, 0, O_RDWR));
	b.p[0].length = dmabuf_size(b.p[0].fd) + 1;
	CHECK_ERR(vnode_qbuf(to, &b), EFAULT);
	CHECK_EQ(stat_get("fail_size") - fails, 1);
}

static void test_mmap_counts(const char *node)
{
	struct vnode *n = vnode_open(node);
	long long maps = stat_get("user_maps");
	size_t size;
	void *p;
	int fd;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	p = vnode_mmap(n, 0, 0, &size);
	dmabuf_mmap(fd, size);
	CHECK_EQ(stat_get("user_maps") - maps, 2);
	munmap(p, size);
}

static void test_userptr_counts(const char *node)
{
	struct vnode *n = vnode_open(node);
	long long userptrs = stat_get("userptrs");
	long long total = stat_get("userptrs_total");
	size_t size = page_up(n->sizeimage[0]);
	char line[4096];
	struct vbuf b;
	char *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	vnode_buffers(n, 1, V4L2_MEMORY_USERPTR);
	vbuf_init(&b, n, 0, V4L2_MEMORY_USERPTR);
	b.p[0].userptr = p;
	CHECK_OK(vnode_prepare(n, &b));
	CHECK_EQ(stat_get("userptrs") - userptrs, 1);
	CHECK_EQ(stat_get("userptrs_total") - total, 1);
	CHECK_EQ(LINES("kind=userptr", "backing=user", "users=1"), 1);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_USERPTR));
	CHECK_EQ(stat_get("userptrs"), userptrs);
}

/* Read while buffers come and go, by a reader that is slow. */
static void test_read_while(const char *node)
{
	struct vnode *n = vnode_open(node);
	unsigned int i;
	char c;

	for (i = 0; i < 50; i++) {
		int fd = open(BUFFERS, O_RDONLY | O_CLOEXEC);

		CHECK(fd >= 0);
		vnode_buffers(n, 8, V4L2_MEMORY_MMAP);
		CHECK_EQ(read(fd, &c, 1), 1);
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
		while (read(fd, &c, 1) == 1)
			;
		close(fd);
	}
}

static const struct ksft_test tests[] = {
	{ "buffers and bytes are counted", test_alloc, 0, KSFT_OURS },
	{ "exports, imports and maps are counted", test_export_import,
	  NODE_SPLANE, KSFT_OURS },
	{ "a failure is counted by its reason", test_failures, NODE_SPLANE,
	  KSFT_OURS },
	{ "mappings in user space are counted", test_mmap_counts, 0,
	  KSFT_OURS },
	{ "USERPTR buffers are counted", test_userptr_counts,
	  NODE_USERPTR | NODE_SG | NODE_SPLANE, KSFT_OURS },
	{ "the list is read while buffers come and go", test_read_while,
	  NODE_CAP | NODE_SPLANE, KSFT_OURS },
};

KSFT_MAIN(tests)
