// SPDX-License-Identifier: GPL-2.0
/*
 * A driver's module is removed while a dma-buf of its device lives. vivid's
 * device is part of its module: whoever still uses it then uses memory that is
 * no more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

static void load_vivid(void)
{
	const char *args = getenv("VBM_VIVID");
	char command[256];

	snprintf(command, sizeof(command), "modprobe vivid %s",
		 args ? args : "");
	CHECK_EQ(system(command), 0);
}

static void test_rmmod(const char *node)
{
	struct vnode *n = vnode_open(node);
	char *map;
	size_t size;
	int fd, ret;

	vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
	map = vnode_mmap(n, 0, 0, &size);
	pattern_fill(map, size, 1);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	munmap(map, size);
	vnode_close(n);
	if (syscall(SYS_delete_module, "vivid", O_NONBLOCK))
		FAIL("rmmod: %s", ksft_errno(errno));

	/* What is left works, or says that there is no device. */
	ret = dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	CHECK(ret == 0 || ret == -ENODEV);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED || errno == ENODEV);
	if (map != MAP_FAILED) {
		CHECK_EQ(pattern_check(map, size, 1), -1);
		munmap(map, size);
	}
	/* Now its memory is freed, of a device that is no more. */
	CHECK_OK(close(fd));
	load_vivid();
}

/* Its imports that are kept go with it, though their dma-bufs live. */
static void test_rmmod_importer(const char *node)
{
	struct vnode *from, *to;
	const char *path;
	long long end;
	struct vbuf b;
	unsigned int i;
	int fds[4];

	path = vnode_find(NODE_CAP | NODE_SPLANE | NODE_CONTIG | NODE_VBCAM,
			  NULL);
	if (!path)
		ksft_skip("nobody to import from");
	from = vnode_open(path);
	to = vnode_open(node);
	vnode_buffers(from, 4, V4L2_MEMORY_MMAP);
	vnode_buffers(to, 2, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, to, 0, V4L2_MEMORY_DMABUF);
	for (i = 0; i < 4; i++) {
		fds[i] = CHECK_OK(vnode_expbuf(from, i, 0, O_RDWR));
		b.p[0].fd = fds[i];
		b.p[0].length = dmabuf_size(fds[i]);
		CHECK_OK(vnode_prepare(to, &b));
		CHECK_OK(vnode_stream(to, false));
	}
	CHECK_EQ(stat_get("parked"), 3);
	vnode_close(to);
	CHECK_EQ(stat_get("parked"), 3);
	if (syscall(SYS_delete_module, "vivid", O_NONBLOCK))
		FAIL("rmmod: %s", ksft_errno(errno));
	for (i = 0; i < 4; i++)
		CHECK_EQ(bufinfo_attached(fds[i]), 0);
	end = ksft_ms() + 5000;
	while (stat_get("parked") && ksft_ms() < end)
		usleep(10000);
	CHECK_EQ(stat_get("parked"), 0);
	load_vivid();
}

static const struct ksft_test tests[] = {
	/* vivid says what it does, a line for each node that comes or goes. */
	{ "the driver's module goes before its dma-buf", test_rmmod,
	  NODE_CAP | NODE_SPLANE | NODE_VIVID, KSFT_FATAL, .log_max = 100,
	  .stock = "uses the device after it was freed" },
	{ "the driver's module goes while imports are kept",
	  test_rmmod_importer, NODE_CAP | NODE_SPLANE | NODE_VIVID, KSFT_OURS,
	  .log_max = 100 },
};

KSFT_MAIN(tests)
