// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for a list of devices, by way of vbdma's ring: each bus master writes
 * into it by its own address, and all the others and the CPU see it. It takes
 * vbm-queue for direct devices, and vbm-bar for others (see vbm-region.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "modules/vbm-queue.h"

#define RING	"/sys/kernel/debug/vbdma/ring"

/* As it comes, with functions numbered from 0 on. */
static void load_bar(void)
{
	if (!access("/sys/bus/pci/drivers/vbm-bar", F_OK) &&
	    system("rmmod vbm-bar"))
		FAIL("rmmod vbm-bar");
	if (system("modprobe vbm-bar"))
		FAIL("modprobe vbm-bar");
}

static int queue_open(const char *name, unsigned int bits)
{
	struct vbm_queue_config config = {
		.size = 65536, .flags = VBM_QUEUE_BITS(bits),
	};
	char path[64];
	int queue;

	snprintf(path, sizeof(path), "/dev/%s", name);
	queue = open(path, O_RDWR | O_CLOEXEC);
	if (queue < 0)
		FAIL("%s: %s", path, ksft_errno(errno));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_CONFIG, &config));
	return queue;
}

/* Lines that end in @result; *@nr is how many there are. */
static unsigned int ring_count(const char *result, unsigned int *nr)
{
	unsigned int found = 0;
	char line[128], end[16];
	FILE *f = fopen(RING, "r");

	CHECK(f);
	*nr = 0;
	while (fgets(line, sizeof(line), f)) {
		(*nr)++;
		CHECK(sscanf(line, "%*s %*s %*s %15s", end) == 1);
		if (!strcmp(end, result))
			found++;
		else
			ksft_say("%s", line);
	}
	fclose(f);
	return found;
}

static void check_ring(unsigned int devices)
{
	unsigned int nr, ok = ring_count("ok", &nr);

	CHECK_EQ(nr, devices);
	CHECK_EQ(ok, devices);
}

/* A wide one, a narrow one, and, where there is one, a function behind an IOMMU. */
static void test_all(const char *node)
{
	int wide = queue_open("vbm-queue", 64);
	int narrow = queue_open("vbm-queue", 24);

	(void)node;
	CHECK_OK(write_file(RING, "vbmq.0 vbmq.1"));
	check_ring(2);
	/* The order is of no matter. */
	CHECK_OK(write_file(RING, "vbmq.1 vbmq.0"));
	check_ring(2);
	CHECK_OK(write_file(RING, "vbmq.1"));
	check_ring(1);

	load_bar();
	queue_open("vbm-edu.0", 64);
	queue_open("vbm-edu.1", 64);
	CHECK_OK(write_file(RING, "vbmq.vbm-edu.0 vbmq.0 vbmq.vbm-edu.1 vbmq.1"));
	check_ring(4);
	CHECK_OK(write_file(RING, "vbmq.0 vbmq.vbm-edu.0"));
	check_ring(2);
	CHECK_OK(write_file(RING, "\n"));
	check_ring(0);
	close(wide);
	close(narrow);
}

static void test_refused(const char *node)
{
	int narrow;

	(void)node;
	load_bar();
	narrow = queue_open("vbm-queue", 24);
	queue_open("vbm-bar", 64);
	/* The one has memory in its BAR only, the other does not reach that. */
	CHECK_ERR(write_file(RING, "vbmq.vbm-bar vbmq.0"), EOPNOTSUPP);
	check_ring(0);
	CHECK_OK(write_file(RING, "vbmq.vbm-bar"));
	check_ring(1);
	CHECK_ERR(write_file(RING, "vbmq.0 vbmq.63"), ENODEV);
	check_ring(0);
	close(narrow);
}

static void test_gone(const char *node)
{
	int first = queue_open("vbm-queue", 64);
	int second = queue_open("vbm-queue", 64);
	unsigned int nr;

	(void)node;
	CHECK_OK(write_file(RING, "vbmq.0 vbmq.1"));
	check_ring(2);
	/* Its mapping goes with its driver, the ring does not. */
	CHECK_OK(xioctl(second, VBM_QUEUE_IOC_UNBIND, NULL));
	CHECK_EQ(ring_count("fault", &nr), 2);
	CHECK_EQ(nr, 2);
	/* With the bus master it does. */
	close(second);
	check_ring(0);
	CHECK_OK(write_file(RING, "vbmq.0"));
	check_ring(1);
	close(first);
	check_ring(0);
}

static const struct ksft_test tests[] = {
	{ "all devices and the CPU see what one writes", test_all, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "no memory suits all", test_refused, 0, KSFT_NO_NODE | KSFT_OURS },
	{ "one of its devices goes", test_gone, 0, KSFT_NO_NODE | KSFT_OURS },
};

KSFT_MAIN(tests)
