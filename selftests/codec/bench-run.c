// SPDX-License-Identifier: GPL-2.0
/*
 * What a frame costs: prints nanoseconds, which are instructions where the
 * clock counts those (testbed/vm run --icount).
 *
 *	bench-run decode DECODER FORMAT COUNT FILE.jpg
 *	bench-run encode ENCODER FORMAT WIDTH HEIGHT QUALITY COUNT FILE.raw
 *	bench-run exec COMMAND...			as a whole, not for a frame
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node.h"

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* One frame after the other; the buffers stay as they are. */
static void frames(struct node *n, size_t size, unsigned int count)
{
	unsigned long long start = 0;
	unsigned int i;
	size_t used;
	int flags;

	/* The first one is for what is done once. */
	for (i = 0; i <= count; i++) {
		if (i == 1)
			start = now();
		if (queue(n, OUT, n->map[OUT][0], size) ||
		    (i && queue(n, CAP, NULL, 0)))
			err(1, "QBUF");
		flags = dequeue(n, CAP, &used);
		if (flags < 0 || flags & V4L2_BUF_FLAG_ERROR || !used ||
		    dequeue(n, OUT, NULL) < 0)
			errx(1, "no frame");
	}
	printf("%llu\n", (now() - start) / count);
}

static void decode(char **args)
{
	struct node n;
	size_t size, used;
	u8 *data;

	data = file_read(args[3], &size);
	if (dec_open(&n, args[0], fourccs[raw_by_name(args[1])]) ||
	    dec_file(&n, data, size, &used) < 0 || !used ||
	    queue(&n, CAP, NULL, 0))
		err(1, "%s", args[0]);
	frames(&n, size, atoi(args[2]));
	node_close(&n);
	free(data);
}

static void encode(char **args)
{
	struct v4l2_control quality = {
		.id = V4L2_CID_JPEG_COMPRESSION_QUALITY,
		.value = atoi(args[4]),
	};
	struct node n;
	size_t size;
	u8 *data;

	node_open(&n, args[0]);
	data = file_read(args[6], &size);
	if (set_fmt(&n, OUT, fourccs[raw_by_name(args[1])], atoi(args[2]),
		    atoi(args[3]), 0) ||
	    ioctl(n.fd, VIDIOC_S_CTRL, &quality) || buffer(&n, OUT, 1) ||
	    n.len[OUT] < size || on(&n, OUT, true) || cap_start(&n))
		err(1, "%s", args[0]);
	memcpy(n.map[OUT][0], data, size);
	frames(&n, size, atoi(args[5]));
	node_close(&n);
	free(data);
}

/*
 * The processor's time, not the time that passes: where a guest that counts
 * instructions waits for its disk, the clock leaps.
 */
static void command(char **args)
{
	struct timespec t;
	clockid_t clock;
	siginfo_t info;
	pid_t pid;

	pid = fork();
	if (!pid) {
		execvp(args[0], args);
		err(2, "%s", args[0]);
	}
	/* It has ended, and is still there to be asked. */
	if (pid < 0 || waitid(P_PID, pid, &info, WEXITED | WNOWAIT) ||
	    info.si_code != CLD_EXITED || info.si_status)
		errx(1, "%s failed", args[0]);
	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		errx(1, "%s: no clock", args[0]);
	waitpid(pid, NULL, 0);
	printf("%llu\n", t.tv_sec * 1000000000ull + t.tv_nsec);
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "decode"))
		decode(argv + 2);
	else if (argc == 9 && !strcmp(argv[1], "encode"))
		encode(argv + 2);
	else if (argc > 2 && !strcmp(argv[1], "exec"))
		command(argv + 2);
	else
		errx(2, "see the head of bench-run.c");

	return 0;
}
