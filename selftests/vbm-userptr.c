// SPDX-License-Identifier: GPL-2.0
/*
 * USERPTR: frames in the program's own memory.
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

#define PAGE	((size_t)getpagesize())
#define HUGE	(2UL << 20)
#define GUARD	0x3c

/*
 * Alignment that the backends want: 1 where DMA is coherent with the caches by
 * construction, as on x86; else that of the largest cache line (arm64: 128).
 */
#if defined(__x86_64__) || defined(__i386__)
#define DMA_ALIGN	1
#else
#define DMA_ALIGN	128
#endif

static size_t page_up(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static char *anon(size_t size, int prot)
{
	char *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Physically contiguous memory as a program can have it: a huge page. */
static char *anon_huge(size_t size)
{
	char *p = anon(2 * HUGE, PROT_READ | PROT_WRITE);

	CHECK(size <= HUGE);
	p = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));
	CHECK_OK(madvise(p, HUGE, MADV_HUGEPAGE));
	memset(p, GUARD, HUGE);
	return p;
}

/*
 * Memory in which no two pages adjoin: every second page is touched first, so
 * that the pages of one run of the allocator are spread.
 */
static char *anon_scattered(size_t size)
{
	char *p = anon(size, PROT_READ | PROT_WRITE);
	size_t i;

	CHECK_OK(madvise(p, size, MADV_NOHUGEPAGE));
	for (i = 0; i < size; i += 2 * PAGE)
		p[i] = 1;
	for (i = PAGE; i < size; i += 2 * PAGE)
		p[i] = 1;
	memset(p, GUARD, size);
	return p;
}

static char *memory_for(struct vnode *n, size_t size)
{
	return n->flags & NODE_CONTIG ? anon_huge(size) :
					anon_scattered(page_up(size));
}

static int userptr_qbuf_at(struct vnode *n, unsigned int index, void *p,
			   size_t length)
{
	struct vbuf b;

	vbuf_init(&b, n, index, V4L2_MEMORY_USERPTR);
	b.p[0].userptr = p;
	b.p[0].length = length;
	return vnode_qbuf(n, &b);
}

static int userptr_qbuf(struct vnode *n, void *p, size_t length)
{
	return userptr_qbuf_at(n, 0, p, length);
}

static struct vnode *open_userptr(const char *node)
{
	struct vnode *n = vnode_open(node);

	vnode_buffers(n, 2, V4L2_MEMORY_USERPTR);
	return n;
}

/* One frame at @p, and the bytes around it as they were. */
static void stream_at(struct vnode *n, char *p, char *start, char *end)
{
	size_t size = n->sizeimage[0];
	struct vbuf d;

	/* Drivers want two to begin with: both are the same memory. */
	CHECK_OK(userptr_qbuf_at(n, 0, p, size));
	CHECK_OK(userptr_qbuf_at(n, 1, p, size));
	CHECK_OK(vnode_stream(n, true));
	CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_USERPTR, &d));
	CHECK(!(d.flags & V4L2_BUF_FLAG_ERROR));
	CHECK(d.p[0].userptr == p);
	CHECK_OK(vnode_stream(n, false));
	CHECK(bytes_check(p, size, GUARD) >= 0);
	CHECK_EQ(bytes_check(start, p - start, GUARD), -1);
	CHECK_EQ(bytes_check(p + size, end - p - size, GUARD), -1);
}

static void test_aligned(const char *node)
{
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]) + 2 * PAGE;
	char *p = memory_for(n, size);
	unsigned int i;

	for (i = 0; i < 5; i++) {
		memset(p, GUARD, size);
		stream_at(n, p + PAGE, p, p + size);
	}
}

/* Starting in the middle of a page, at cache lines and between them. */
static void test_unaligned(const char *node)
{
	static const unsigned int offsets[] = {
		4, 16, 64, 128, 1000, 2048, 4000, 4095,
	};
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]) + 2 * PAGE;
	char *p = memory_for(n, size);
	unsigned int i;

	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		memset(p, GUARD, size);
		if (offsets[i] % DMA_ALIGN) {
			CHECK_ERR(userptr_qbuf(n, p + offsets[i],
					       n->sizeimage[0]), EINVAL);
			CHECK_EQ(bytes_check(p, size, GUARD), -1);
		} else {
			stream_at(n, p + offsets[i], p, p + size);
		}
	}
}

static void test_scattered_contig(const char *node)
{
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]);
	char *p = anon_scattered(size);

	CHECK_ERR(userptr_qbuf(n, p, n->sizeimage[0]), EFAULT);
	CHECK_EQ(bytes_check(p, size, GUARD), -1);
	/* The queue takes the next one. */
	p = anon_huge(size);
	stream_at(n, p, p, p + size);
}

static void test_too_small(const char *node)
{
	struct vnode *n = open_userptr(node);
	char *p = memory_for(n, n->sizeimage[0]);

	CHECK_ERR(userptr_qbuf(n, p, n->sizeimage[0] - 1), EINVAL);
	CHECK_ERR(userptr_qbuf(n, p, 0), EINVAL);
}

/* Memory that is not there, not all there, or no memory at all. */
static void test_bad_address(const char *node)
{
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]);
	char *p;

	CHECK_ERR(userptr_qbuf(n, NULL, size), EFAULT);
	CHECK_ERR(userptr_qbuf(n, (void *)0x10000, size), EFAULT);
	/* Past the end of all addresses. */
	CHECK_ERR(userptr_qbuf(n, (void *)(~0UL & ~(PAGE - 1)), size),
		  EOVERFLOW);
	CHECK_ERR(userptr_qbuf(n, (void *)(1UL << 63), size), EFAULT);
	/* One page of it is missing. */
	p = anon(size, PROT_READ | PROT_WRITE);
	memset(p, GUARD, size);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERR(userptr_qbuf(n, p, size), EFAULT);
	CHECK_OK(munmap(p + size - PAGE, PAGE));
	CHECK_ERR(userptr_qbuf(n, p + 2 * PAGE, size), EFAULT);
}

static void test_read_only(const char *node)
{
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]);
	char *p = memory_for(n, size);
	int fd;

	CHECK_OK(mprotect(p, size, PROT_READ));
	CHECK_ERR(userptr_qbuf(n, p, n->sizeimage[0]), EFAULT);
	CHECK_EQ(bytes_check(p, size, GUARD), -1);
	/* A file that may only be read: its pages must not be written to. */
	fd = open("/proc/self/exe", O_RDONLY);
	CHECK(fd >= 0);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERR(userptr_qbuf(n, p, size), EFAULT);
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	CHECK_ERR(userptr_qbuf(n, p, size), EFAULT);
}

/* The program unmaps its memory while the queue has it. */
static void test_unmapped_while_queued(const char *node)
{
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]);
	char *p = memory_for(n, size);
	struct vbuf d;

	CHECK_OK(userptr_qbuf_at(n, 0, p, n->sizeimage[0]));
	CHECK_OK(userptr_qbuf_at(n, 1, p, n->sizeimage[0]));
	CHECK_OK(munmap(p, n->flags & NODE_CONTIG ? HUGE : size));
	CHECK_OK(vnode_stream(n, true));
	CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_USERPTR, &d));
	CHECK(!(d.flags & V4L2_BUF_FLAG_ERROR));
	CHECK_OK(vnode_stream(n, false));
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_USERPTR));
}

/* Pages with a frame in them are dirty: the file behind them gets it. */
static void test_file(const char *node)
{
	struct vnode *n = open_userptr(node);
	size_t size = page_up(n->sizeimage[0]);
	char *p, *copy = malloc(size);
	FILE *f = tmpfile();
	struct vbuf d;

	CHECK(f && copy);
	CHECK_OK(ftruncate(fileno(f), size));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
	CHECK(p != MAP_FAILED);
	memset(p, GUARD, size);
	/* A long-term pin of a file's pages may be refused, but cleanly. */
	if (userptr_qbuf(n, p, n->sizeimage[0]) == -EFAULT)
		return;
	CHECK_OK(userptr_qbuf_at(n, 1, p, n->sizeimage[0]));
	CHECK_OK(vnode_stream(n, true));
	CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_USERPTR, &d));
	CHECK_OK(vnode_stream(n, false));
	CHECK_OK(vnode_reqbufs(n, 0, V4L2_MEMORY_USERPTR));
	CHECK_EQ(pread(fileno(f), copy, size, 0), size);
	CHECK_EQ(memcmp(copy, p, size), 0);
	CHECK(bytes_check(copy, n->sizeimage[0], GUARD) >= 0);
}

static const struct ksft_test tests[] = {
	{ "USERPTR in page-aligned memory", test_aligned,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP },
	{ "USERPTR in unaligned memory", test_unaligned,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP },
	{ "USERPTR in scattered memory for a contiguous queue: -EFAULT",
	  test_scattered_contig,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP | NODE_CONTIG },
	{ "USERPTR too small: -EINVAL", test_too_small,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP },
	{ "USERPTR where no memory is: the errno says so, dma-sg", test_bad_address,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP | NODE_SG,
	  .stock = "every errno is flattened to ENOMEM" },
	{ "USERPTR where no memory is: the errno says so, dma-contig", test_bad_address,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP | NODE_CONTIG },
	{ "USERPTR in read-only memory: -EFAULT, dma-sg", test_read_only,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP | NODE_SG,
	  .stock = "every errno is flattened to ENOMEM" },
	{ "USERPTR in read-only memory: -EFAULT, dma-contig", test_read_only,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP | NODE_CONTIG },
	{ "USERPTR unmapped while it is queued", test_unmapped_while_queued,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP },
	{ "USERPTR in a file's pages", test_file,
	  NODE_USERPTR | NODE_SPLANE | NODE_CAP | NODE_SG },
};

KSFT_MAIN(tests)
