// SPDX-License-Identifier: GPL-2.0
/*
 * What a driver may do with its buffers, by vbm-queue: ask for a kernel mapping
 * of an import, and complete buffers in a hardware interrupt.
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
#include "peer.h"
#include "modules/vbm-queue.h"

#define SIZE (128U << 10)

static int queue_open(bool sg, bool output)
{
	struct vbm_queue_config config = {
		.sg = sg, .size = SIZE, .output = output,
	};
	int queue = open("/dev/vbm-queue", O_RDWR | O_CLOEXEC);

	if (queue < 0)
		FAIL("/dev/vbm-queue: %s", ksft_errno(errno));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_CONFIG, &config));
	return queue;
}

/* 1: there is a mapping, and @data its bytes; 0: there is none. */
static int queue_vaddr(int queue, void *data)
{
	struct vbm_queue_vaddr req = {
		.data = (unsigned long)data, .length = SIZE,
	};

	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_VADDR, &req));
	return !req.none;
}

static int exported(int peer, unsigned int kind, size_t head)
{
	struct vbm_peer_export how = {
		.kind = kind, .size = SIZE, .head = head,
	};

	return peer_export(peer, &how);
}

/* Each backend, each direction, contiguous for the one that needs it. */
static void on_each_import(unsigned int kind,
			   void (*fn)(int queue, int fd, void *map))
{
	int peer = peer_open(NULL), queue, fd, i;
	void *map;

	for (i = 0; i < 4; i++) {
		queue = queue_open(i & 1, i & 2);
		fd = exported(peer, kind, i & 1 ? 0 : SIZE);
		map = dmabuf_mmap(fd, SIZE);
		CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_IMPORT, &fd));
		fn(queue, fd, map);
		CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_RELEASE, NULL));
		CHECK_EQ(bufinfo_attached(fd), 0);
		munmap(map, SIZE);
		close(fd);
		close(queue);
	}
}

static void mapping_is_memory(int queue, int fd, void *map)
{
	char *copy = malloc(SIZE);

	(void)fd;
	pattern_fill(map, SIZE, 1);
	CHECK_EQ(queue_vaddr(queue, copy), 1);
	CHECK_EQ(pattern_check(copy, SIZE, 1), -1);
	/* It stays: drivers remember it. */
	pattern_fill(map, SIZE, 2);
	CHECK_EQ(queue_vaddr(queue, copy), 1);
	CHECK_EQ(pattern_check(copy, SIZE, 2), -1);
	free(copy);
}

static void test_vaddr(const char *node)
{
	(void)node;
	on_each_import(VBM_PEER_PAGES, mapping_is_memory);
}

static void no_mapping(int queue, int fd, void *map)
{
	char *copy = malloc(SIZE);
	int i;

	(void)fd;
	(void)map;
	for (i = 0; i < 3; i++)
		if (queue_vaddr(queue, copy))
			FAIL("I/O memory is taken for memory");
	free(copy);
}

/* A kernel mapping of I/O memory is no pointer that a driver may follow. */
static void test_iomem(const char *node)
{
	long long fails = 0;

	(void)node;
	if (!ksft_stock)
		fails = stat_get("fail_iomem");
	on_each_import(VBM_PEER_IOMEM, no_mapping);
	if (!ksft_stock)
		CHECK(stat_get("fail_iomem") > fails);
}

static void run_in_interrupt(int queue, int fd, void *map)
{
	char *copy = malloc(SIZE);
	int i;

	(void)fd;
	/* The buffer is prepared already; each run leaves it dequeued. */
	for (i = 0; i < 5; i++)
		CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_RUN, NULL));
	if (map) {
		pattern_fill(map, SIZE, 3);
		CHECK_EQ(queue_vaddr(queue, copy), 1);
		CHECK_EQ(pattern_check(copy, SIZE, 3), -1);
	}
	free(copy);
}

static void test_interrupt_import(const char *node)
{
	(void)node;
	on_each_import(VBM_PEER_PAGES, run_in_interrupt);
}

static void test_interrupt_own(const char *node)
{
	int i, queue;

	(void)node;
	for (i = 0; i < 4; i++) {
		queue = queue_open(i & 1, i & 2);
		CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_ALLOC, NULL));
		run_in_interrupt(queue, -1, NULL);
		CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_RELEASE, NULL));
		close(queue);
	}
}

/* The queue of an import that is mapped goes as it is. */
static void test_close_mapped(const char *node)
{
	int peer = peer_open(NULL), queue, fd, i;
	char *copy = malloc(SIZE);

	(void)node;
	for (i = 0; i < 2; i++) {
		queue = queue_open(i, false);
		fd = exported(peer, VBM_PEER_PAGES, i ? 0 : SIZE);
		CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_IMPORT, &fd));
		CHECK_EQ(queue_vaddr(queue, copy), 1);
		close(queue);
		CHECK_EQ(bufinfo_attached(fd), 0);
		close(fd);
	}
	free(copy);
}

static void unbind_imported(int queue, int fd, void *map)
{
	char *copy = malloc(SIZE);

	(void)map;
	CHECK_EQ(bufinfo_attached(fd), 1);
	CHECK_EQ(queue_vaddr(queue, copy), 1);
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_UNBIND, NULL));
	/* The queue still has the import; the device is no longer attached. */
	CHECK_EQ(bufinfo_attached(fd), 0);
	CHECK_EQ(queue_vaddr(queue, copy), 0);
	free(copy);
}

/* A driver goes and leaves its queue, which has imported what is not ours. */
static void test_unbind_import(const char *node)
{
	(void)node;
	on_each_import(VBM_PEER_PAGES, unbind_imported);
}

static const struct ksft_test tests[] = {
	{ "a driver's mapping of an import shows its memory", test_vaddr, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "buffers of its own are completed in an interrupt",
	  test_interrupt_own, 0, KSFT_NO_NODE },
	{ "imports are completed in an interrupt", test_interrupt_import, 0,
	  KSFT_NO_NODE | KSFT_DIRECT },
	{ "a queue goes with a mapped import", test_close_mapped, 0,
	  KSFT_NO_NODE },
	{ "an import goes with the driver", test_unbind_import, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "a mapping that is I/O memory is refused", test_iomem, 0,
	  KSFT_NO_NODE | KSFT_FATAL,
	  .stock = "follows it, and stops at a BUG()" },
};

KSFT_MAIN(tests)
