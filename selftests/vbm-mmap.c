// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of buffers in user space, through the video node and the dma-buf.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define PAGE ((size_t)getpagesize())

struct two {
	struct vnode *n;
	int fd;
	char *map;		/* through the video node */
	char *fd_map;		/* through the dma-buf */
	size_t size;
};

static size_t page_up(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static void two_open(struct two *t, const char *node, unsigned int plane)
{
	t->n = vnode_open(node);
	vnode_buffers(t->n, 2, V4L2_MEMORY_MMAP);
	t->map = vnode_mmap(t->n, 0, plane, &t->size);
	/* All of a buffer can be mapped, to the end of its last page. */
	t->size = page_up(t->size);
	t->fd = CHECK_OK(vnode_expbuf(t->n, 0, plane, O_RDWR));
	t->fd_map = dmabuf_mmap(t->fd, t->size);
}

static int child_exit(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void test_shared(const char *node)
{
	struct two t;
	unsigned int p, planes;

	two_open(&t, node, 0);
	planes = t.n->num_planes;
	for (p = 0; p < planes; p++) {
		if (p) {
			vnode_close(t.n);
			munmap(t.map, t.size);
			munmap(t.fd_map, t.size);
			close(t.fd);
			two_open(&t, node, p);
		}
		pattern_fill(t.map, t.size, 1 + p);
		CHECK_EQ(pattern_check(t.fd_map, t.size, 1 + p), -1);
		pattern_fill(t.fd_map, t.size, 11 + p);
		CHECK_EQ(pattern_check(t.map, t.size, 11 + p), -1);
	}
}

/* Buffers and planes are different memory. */
static void test_distinct(const char *node)
{
	struct vnode *n = vnode_open(node);
	size_t size[4][PLANES_MAX];
	void *map[4][PLANES_MAX];
	unsigned int i, p;

	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	for (i = 0; i < 4; i++)
		for (p = 0; p < n->num_planes; p++) {
			map[i][p] = vnode_mmap(n, i, p, &size[i][p]);
			pattern_fill(map[i][p], size[i][p], i * 8 + p);
		}
	for (i = 0; i < 4; i++)
		for (p = 0; p < n->num_planes; p++)
			CHECK_EQ(pattern_check(map[i][p], size[i][p],
					       i * 8 + p), -1);
}

static void test_fork(const char *node)
{
	struct two t;
	pid_t pid;

	two_open(&t, node, 0);
	pattern_fill(t.map, t.size, 1);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK_EQ(pattern_check(t.map, t.size, 1), -1);
		CHECK_EQ(pattern_check(t.fd_map, t.size, 1), -1);
		pattern_fill(t.fd_map, t.size, 2);
		/* The parent's mappings are not this one's to take. */
		munmap(t.map, t.size);
		_exit(0);
	}
	CHECK_EQ(child_exit(pid), 0);
	CHECK_EQ(pattern_check(t.map, t.size, 2), -1);
	CHECK_EQ(pattern_check(t.fd_map, t.size, 2), -1);

	/* And a child that outlives all that the parent has. */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		raise(SIGSTOP);
		CHECK_EQ(pattern_check(t.map, t.size, 2), -1);
		CHECK_EQ(pattern_check(t.fd_map, t.size, 2), -1);
		_exit(0);
	}
	CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
	munmap(t.map, t.size);
	munmap(t.fd_map, t.size);
	close(t.fd);
	CHECK_OK(vnode_reqbufs(t.n, 0, V4L2_MEMORY_MMAP));
	vnode_close(t.n);
	kill(pid, SIGCONT);
	CHECK_EQ(child_exit(pid), 0);
}

static void test_mremap(const char *node)
{
	struct two t;
	char *to, *moved;

	two_open(&t, node, 0);
	pattern_fill(t.map, t.size, 1);
	to = mmap(NULL, t.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(to != MAP_FAILED);
	moved = mremap(t.map, t.size, t.size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(moved == to);
	CHECK_EQ(pattern_check(moved, t.size, 1), -1);
	pattern_fill(moved, t.size, 2);
	CHECK_EQ(pattern_check(t.fd_map, t.size, 2), -1);
	/* Beyond its end there is nothing. */
	to = mremap(moved, t.size, t.size + PAGE, MREMAP_MAYMOVE);
	CHECK(to == MAP_FAILED);
	/* Less is possible, and what is left stays. */
	to = mremap(moved, t.size, t.size - PAGE, 0);
	CHECK(to == moved);
	CHECK_EQ(pattern_check(moved, t.size - PAGE, 2), -1);
	/* The same for a dma-buf's mapping. */
	to = mmap(NULL, t.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(to != MAP_FAILED);
	moved = mremap(t.fd_map, t.size, t.size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       to);
	CHECK(moved == to);
	CHECK_EQ(pattern_check(moved, t.size, 2), -1);
}

static sigjmp_buf *fault_to;

static void on_fault(int sig)
{
	siglongjmp(*fault_to, sig);
}

/* The signal that a read of that byte gives, or 0. */
static int fault_of(const volatile char *p)
{
	struct sigaction sa = { .sa_handler = on_fault }, segv, bus;
	sigjmp_buf here;
	int sig;

	fault_to = &here;
	sigaction(SIGSEGV, &sa, &segv);
	sigaction(SIGBUS, &sa, &bus);
	sig = sigsetjmp(here, 1);
	if (!sig)
		(void)*p;
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}

static void test_partial_munmap(const char *node)
{
	struct two t;
	size_t i;

	two_open(&t, node, 0);
	CHECK(t.size >= 8 * PAGE);
	pattern_fill(t.map, t.size, 1);
	/* A hole in the middle: two mappings where one was. */
	CHECK_OK(munmap(t.map + 2 * PAGE, PAGE));
	CHECK_EQ(fault_of(t.map + 2 * PAGE), SIGSEGV);
	for (i = 0; i < t.size; i += PAGE)
		if (i != 2 * PAGE)
			CHECK_EQ(memcmp(t.map + i, t.fd_map + i, PAGE), 0);
	CHECK_OK(munmap(t.map, 2 * PAGE));
	/* What remains outlives everything else. */
	close(t.fd);
	munmap(t.fd_map, t.size);
	CHECK_OK(vnode_reqbufs(t.n, 0, V4L2_MEMORY_MMAP));
	vnode_close(t.n);
	for (i = 3 * PAGE; i < t.size; i += PAGE)
		CHECK_EQ(fault_of(t.map + i), 0);
	t.map[t.size - 1] = 1;
	CHECK_EQ(t.map[t.size - 1], 1);
}

/* Memory that is still mapped is nobody else's. */
static void test_outlives(const char *node)
{
	struct vnode *n = vnode_open(node);
	size_t size, size2;
	char *old, *new;
	unsigned int i;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	old = vnode_mmap(n, 0, 0, &size);
	pattern_fill(old, size, 1);
	for (i = 0; i < 4; i++) {
		CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
		vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
		new = vnode_mmap(n, 0, 0, &size2);
		CHECK_EQ(bytes_check(new, size2, 0), -1);
		memset(new, 0xff, size2);
		munmap(new, size2);
		CHECK_EQ(pattern_check(old, size, 1), -1);
	}
	vnode_close(n);
	CHECK_EQ(pattern_check(old, size, 1), -1);
	munmap(old, size);
}

static void test_refused(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct vbuf b;
	size_t size;
	void *p;
	int fd;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_querybuf(n, 0, &b));
	size = page_up(b.p[0].length);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));

	p = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, n->fd,
		 b.p[0].offset);
	CHECK(p == MAP_FAILED && errno == EINVAL);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, n->fd,
		 b.p[0].offset + PAGE);
	CHECK(p == MAP_FAILED && errno == EINVAL);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, n->fd,
		 b.p[0].offset);
	CHECK(p == MAP_FAILED && errno == EINVAL);
	p = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p == MAP_FAILED && errno == EINVAL);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	CHECK(p == MAP_FAILED && errno == EINVAL);
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_MMAP));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, n->fd,
		 b.p[0].offset);
	CHECK(p == MAP_FAILED && errno == EINVAL);
	/* The dma-buf is still there. */
	p = dmabuf_mmap(fd, size);
	CHECK_EQ(bytes_check(p, size, 0), -1);
}

/* A dma-buf can be mapped from any page on; a video node maps all or less. */
static void test_offset(const char *node)
{
	struct two t;
	char *part;

	two_open(&t, node, 0);
	CHECK(t.size >= 8 * PAGE);
	pattern_fill(t.map, t.size, 1);
	part = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd,
		    3 * PAGE);
	CHECK(part != MAP_FAILED);
	CHECK_EQ(memcmp(part, t.map + 3 * PAGE, 2 * PAGE), 0);
	memset(part, 0x5a, PAGE);
	CHECK_EQ(bytes_check(t.map + 3 * PAGE, PAGE, 0x5a), -1);
	CHECK_EQ(memcmp(part + PAGE, t.map + 4 * PAGE, PAGE), 0);
	part = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd,
		    t.size - PAGE);
	CHECK(part != MAP_FAILED);
	CHECK_EQ(memcmp(part, t.map + t.size - PAGE, PAGE), 0);
}

static void test_protection(const char *node)
{
	struct two t;
	char *ro;

	two_open(&t, node, 0);
	pattern_fill(t.map, t.size, 1);
	CHECK_OK(mprotect(t.map, t.size, PROT_NONE));
	CHECK_EQ(fault_of(t.map), SIGSEGV);
	CHECK_OK(mprotect(t.map, t.size, PROT_READ | PROT_WRITE));
	CHECK_EQ(pattern_check(t.map, t.size, 1), -1);
	ro = mmap(NULL, t.size, PROT_READ, MAP_SHARED, t.fd, 0);
	CHECK(ro != MAP_FAILED);
	t.map[0] = 0x77;
	CHECK_EQ(ro[0], 0x77);
}

/* Pages thrown out of the page tables come back, and are the same. */
static void test_dontneed(const char *node)
{
	struct two t;

	two_open(&t, node, 0);
	pattern_fill(t.map, t.size, 1);
	CHECK_OK(madvise(t.map, t.size, MADV_DONTNEED));
	CHECK_OK(madvise(t.fd_map + PAGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(fault_of(t.map), 0);
	CHECK_EQ(pattern_check(t.map, t.size, 1), -1);
	CHECK_EQ(pattern_check(t.fd_map, t.size, 1), -1);
	pattern_fill(t.map, t.size, 2);
	CHECK_EQ(pattern_check(t.fd_map, t.size, 2), -1);
}

/* Memory of a contiguous queue is mapped by its address: it can not go. */
static void test_dontneed_pfn(const char *node)
{
	struct two t;

	two_open(&t, node, 0);
	pattern_fill(t.map, t.size, 1);
	CHECK(madvise(t.map, t.size, MADV_DONTNEED) < 0 && errno == EINVAL);
	CHECK_EQ(pattern_check(t.map, t.size, 1), -1);
}

static int open_direct(char *path)
{
	struct statfs fs;
	int fd;

	strcpy(path, "/var/tmp/vbm-direct-XXXXXX");
	fd = mkostemp(path, O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		FAIL("%s with O_DIRECT: %s", path, ksft_errno(errno));
	unlink(path);
	CHECK_OK(fstatfs(fd, &fs));
	/* tmpfs takes the flag on new kernels, and copies. */
	if (fs.f_type != 0xef53)
		FAIL("/var/tmp is not ext4");
	return fd;
}

static void test_direct(const char *node)
{
	struct two t;
	char path[64], *copy;
	ssize_t n;
	int fd;

	two_open(&t, node, 0);
	fd = open_direct(path);
	copy = aligned_alloc(PAGE, t.size);
	CHECK(copy);

	pattern_fill(t.map, t.size, 1);
	n = pwrite(fd, t.map, t.size, 0);
	if (n < 0)
		FAIL("write with O_DIRECT: %s", ksft_errno(errno));
	CHECK_EQ(n, t.size);
	CHECK_EQ(pread(fd, copy, t.size, 0), t.size);
	CHECK_EQ(pattern_check(copy, t.size, 1), -1);

	/* Through the dma-buf's mapping, and into the buffer. */
	pattern_fill(copy, t.size, 2);
	CHECK_EQ(pwrite(fd, copy, t.size, 0), t.size);
	n = pread(fd, t.fd_map, t.size, 0);
	if (n < 0)
		FAIL("read with O_DIRECT: %s", ksft_errno(errno));
	CHECK_EQ(n, t.size);
	CHECK_EQ(pattern_check(t.map, t.size, 2), -1);

	/* From a page that is not in the page tables yet. */
	munmap(t.fd_map, t.size);
	t.fd_map = dmabuf_mmap(t.fd, t.size);
	CHECK_EQ(pwrite(fd, t.fd_map, t.size, 0), t.size);
	CHECK_EQ(pread(fd, copy, t.size, 0), t.size);
	CHECK_EQ(pattern_check(copy, t.size, 2), -1);
}

/* Contiguous memory has never been fit for that; an error is what there is. */
static void test_direct_pfn(const char *node)
{
	struct two t;
	char path[64];
	ssize_t n;
	int fd;

	two_open(&t, node, 0);
	fd = open_direct(path);
	n = pwrite(fd, t.map, t.size, 0);
	CHECK(n == (ssize_t)t.size || (n < 0 && errno == EFAULT));
}

static void test_vm_read(const char *node)
{
	struct two t;
	struct iovec to, from;
	ssize_t got;
	char *copy;

	two_open(&t, node, 0);
	copy = malloc(t.size);
	pattern_fill(t.map, t.size, 1);
	to.iov_base = copy;
	from.iov_base = t.map;
	to.iov_len = t.size;
	from.iov_len = t.size;
	/* Of nothing, it can only fail where there is no such call. */
	if (process_vm_readv(getpid(), NULL, 0, NULL, 0, 0))
		ksft_skip("this kernel has no process_vm_readv()");
	got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	CHECK_EQ(got, t.size);
	CHECK_EQ(pattern_check(copy, t.size, 1), -1);
}

/* Written out by the kernel from the mapping, as `cat frame > file` does. */
static void test_write_out(const char *node)
{
	struct two t;
	FILE *f;
	char *copy;

	two_open(&t, node, 0);
	copy = malloc(t.size);
	f = tmpfile();
	CHECK(f && copy);
	pattern_fill(t.map, t.size, 1);
	CHECK_EQ(write(fileno(f), t.map, t.size), t.size);
	CHECK_EQ(pread(fileno(f), copy, t.size, 0), t.size);
	CHECK_EQ(pattern_check(copy, t.size, 1), -1);
	pattern_fill(copy, t.size, 2);
	CHECK_EQ(pwrite(fileno(f), copy, t.size, 0), t.size);
	CHECK_EQ(pread(fileno(f), t.map, t.size, 0), t.size);
	CHECK_EQ(pattern_check(t.fd_map, t.size, 2), -1);
}

/* The buffer counts as mapped while it is, in every process. */
static void test_flag(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct vbuf b;
	size_t size;
	char *map;

	vnode_buffers(n, 1, V4L2_MEMORY_MMAP);
	CHECK_OK(vnode_querybuf(n, 0, &b));
	CHECK(!(b.flags & V4L2_BUF_FLAG_MAPPED));
	map = vnode_mmap(n, 0, 0, &size);
	CHECK_OK(vnode_querybuf(n, 0, &b));
	CHECK(b.flags & V4L2_BUF_FLAG_MAPPED);
	munmap(map, PAGE);
	CHECK_OK(vnode_querybuf(n, 0, &b));
	CHECK(b.flags & V4L2_BUF_FLAG_MAPPED);
	munmap(map + PAGE, page_up(size) - PAGE);
	CHECK_OK(vnode_querybuf(n, 0, &b));
	CHECK(!(b.flags & V4L2_BUF_FLAG_MAPPED));
}

/* Streaming goes on under mappings, and they show the frames. */
static void test_stream(const char *node)
{
	struct vnode *n = vnode_open(node);
	struct vbuf b[3];
	size_t size[3];
	char *map[3];
	unsigned int i;

	vnode_buffers(n, 3, V4L2_MEMORY_MMAP);
	for (i = 0; i < 3; i++) {
		map[i] = vnode_mmap(n, i, 0, &size[i]);
		memset(map[i], 0xa5, size[i]);
		vbuf_init(&b[i], n, i, V4L2_MEMORY_MMAP);
	}
	vnode_run(n, b, 3, 6);
	for (i = 0; i < 3; i++)
		CHECK(bytes_check(map[i], n->sizeimage[0], 0xa5) >= 0);
}

static const struct ksft_test tests[] = {
	{ "mappings of node and dma-buf are the same memory", test_shared },
	{ "buffers and planes are different memory", test_distinct },
	{ "mappings are shared with children", test_fork },
	{ "mremap moves and shrinks, never grows", test_mremap },
	{ "partial munmap leaves the rest", test_partial_munmap },
	{ "a mapping outlives its buffer, and its memory is not reused",
	  test_outlives },
	{ "wrong offsets, sizes and modes are refused", test_refused },
	{ "a dma-buf is mapped from its middle", test_offset },
	{ "protection can be changed", test_protection },
	{ "MADV_DONTNEED, and the pages come back", test_dontneed, NODE_SG,
	  .stock = "SIGBUS" },
	{ "MADV_DONTNEED is refused and harms nothing", test_dontneed_pfn,
	  NODE_CONTIG },
	{ "O_DIRECT from and to a mapped buffer", test_direct, NODE_SG },
	{ "O_DIRECT from a mapped contiguous buffer: all or an error",
	  test_direct_pfn, NODE_CONTIG },
	{ "another process reads it (process_vm_readv)", test_vm_read,
	  NODE_SG },
	{ "write and read from and to the mapping", test_write_out },
	{ "the buffer's MAPPED flag follows its mappings", test_flag },
	{ "frames are seen through mappings", test_stream, NODE_CAP },
};

KSFT_MAIN(tests)
