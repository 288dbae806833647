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

static void test_rmmod(const char *node)
{
	const char *args = getenv("VBM_VIVID");
	struct vnode *n = vnode_open(node);
	char command[256], *map;
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
	snprintf(command, sizeof(command), "modprobe vivid %s",
		 args ? args : "");
	CHECK_EQ(system(command), 0);
}

static const struct ksft_test tests[] = {
	/* vivid says what it does, a line for each node that comes or goes. */
	{ "the driver's module goes before its dma-buf", test_rmmod,
	  NODE_CAP | NODE_SPLANE | NODE_VIVID, KSFT_FATAL, .log_max = 100,
	  .stock = "uses the device after it was freed" },
};

KSFT_MAIN(tests)
