// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "faults.h"

/* More of them in one step would be a step that never ends. */
#define POINTS_MAX	3000

static const char * const fault_settings[][2] = {
	/* What may wait for memory fails as well; and nobody tells of it. */
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	{ "fail_page_alloc/verbose", "0" },
};

static int fail_nth = -1;

void faults_open(void)
{
	char path[80];
	size_t i;

	if (access("/sys/kernel/debug/failslab", F_OK))
		ksft_skip("this kernel has no fault injection");
	for (i = 0; i < sizeof(fault_settings) / sizeof(fault_settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s",
			 fault_settings[i][0]);
		CHECK_OK(write_file(path, fault_settings[i][1]));
	}
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		FAIL("fail-nth: %s", ksft_errno(errno));
}

void faults_arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	CHECK_EQ(pwrite(fail_nth, text, n, 0), n);
}

unsigned int faults_left(void)
{
	char text[16] = "";
	unsigned int left;

	CHECK(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	left = strtoul(text, NULL, 10);
	faults_arm(0);
	return left;
}

static bool is_expected(const struct fault_step *step, int error)
{
	if (step->also && error == step->also)
		return true;
	switch (error) {
	case ENOMEM:
	case EIO:		/* a DMA map that failed */
	case EAGAIN:
	case EBUSY:
	case EFAULT:		/* a page that was not to be had */
	case ENOSPC:
		return true;
	default:
		return false;
	}
}

void faults_sweep(void *on, const struct fault_step *step)
{
	unsigned int n, left, failed = 0;
	int ret;

	for (n = 1; n <= POINTS_MAX; n++) {
		faults_arm(n);
		ret = step->todo(on);
		left = faults_left();
		if (left) {
			if (ret)
				FAIL("%s: fails by itself: %s", step->name,
				     ksft_errno(-ret));
			step->undo(on);
			break;
		}
		/* Where something else does instead, nothing is to be seen. */
		if (ret) {
			failed++;
			if (!is_expected(step, -ret))
				FAIL("%s: point %u: %s", step->name, n,
				     ksft_errno(-ret));
		}
		step->undo(on);
		ret = step->todo(on);
		if (ret)
			FAIL("%s: after point %u: %s", step->name, n,
			     ksft_errno(-ret));
		step->undo(on);
	}
	if (n > POINTS_MAX)
		FAIL("%s: no end", step->name);
	printf("# points: %s: %u, of which %u are seen\n", step->name, n - 1,
	       failed);
	/* A step that allocates nothing is not one to be swept. */
	CHECK(n > 1);
}

