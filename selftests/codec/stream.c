// SPDX-License-Identifier: GPL-2.0
/*
 * The ends that a stream through a decoder can come to.
 *
 *	stream drain DECODER FILE		a header, a drain; prints TAP
 *	stream reqbufs DECODER COUNT FILE	another process takes the
 *						buffers away; prints TAP
 *	stream run DECODER FILE			until something fails
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node.h"

static void drain(const char *decoder, const char *file)
{
	struct v4l2_event_subscription sub = { .type = V4L2_EVENT_EOS };
	struct v4l2_decoder_cmd stop = { .cmd = V4L2_DEC_CMD_STOP };
	struct v4l2_decoder_cmd start = { .cmd = V4L2_DEC_CMD_START };
	struct v4l2_event event = { 0 };
	u8 garbage[512] = { 0 };
	size_t size, used;
	struct node n;
	int flags;
	u8 *data;

	data = file_read(file, &size);

	/* A header is looked for before CAPTURE is set up. */
	node_open(&n, decoder);
	sub.type = V4L2_EVENT_SOURCE_CHANGE;
	result(!ioctl(n.fd, VIDIOC_SUBSCRIBE_EVENT, &sub), "subscribe");
	sub.type = V4L2_EVENT_EOS;
	result(!ioctl(n.fd, VIDIOC_SUBSCRIBE_EVENT, &sub), "subscribe to EOS");
	result(!set_fmt(&n, OUT, V4L2_PIX_FMT_JPEG, 64, 48, ROOM) &&
	       !buffer(&n, OUT, 1) && !on(&n, OUT, true), "OUTPUT streams");
	result(!queue(&n, OUT, garbage, sizeof(garbage)), "garbage is queued");
	flags = dequeue(&n, OUT, NULL);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_ERROR,
	       "garbage is refused while there is no CAPTURE");
	result(!queue(&n, OUT, data, size), "a picture is queued");
	result(!ioctl(n.fd, VIDIOC_DQEVENT, &event) &&
	       event.type == V4L2_EVENT_SOURCE_CHANGE, "source change");
	result(!cap_start(&n), "CAPTURE streams");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && !(flags & V4L2_BUF_FLAG_ERROR) && used,
	       "the picture is decoded");
	result(dequeue(&n, OUT, NULL) >= 0, "its OUTPUT comes back");

	/* Now garbage uses up a buffer. */
	result(!queue(&n, OUT, garbage, sizeof(garbage)) &&
	       !queue(&n, CAP, NULL, 0), "garbage is queued");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_ERROR,
	       "garbage gives a frame with the error flag");
	result(dequeue(&n, OUT, NULL) >= 0, "its OUTPUT comes back");

	/* A drain with a picture in it. */
	result(!queue(&n, OUT, data, size) &&
	       !ioctl(n.fd, VIDIOC_DECODER_CMD, &stop) &&
	       !queue(&n, CAP, NULL, 0), "STOP");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_LAST && used,
	       "the last picture has the flag");
	result(!ioctl(n.fd, VIDIOC_DQEVENT, &event) &&
	       event.type == V4L2_EVENT_EOS, "end of stream");
	result(dequeue(&n, CAP, &used) < 0 && errno == EPIPE,
	       "nothing comes after it");
	result(dequeue(&n, OUT, NULL) >= 0, "its OUTPUT comes back");

	/* And one without. */
	result(!ioctl(n.fd, VIDIOC_DECODER_CMD, &start) &&
	       !queue(&n, CAP, NULL, 0) &&
	       !ioctl(n.fd, VIDIOC_DECODER_CMD, &stop), "START, STOP");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_LAST && !used,
	       "an empty buffer has the flag");
	node_close(&n);
	free(data);
}

/* Buffers in use stay, whoever asks; those of a queue that was stopped go. */
static int thief(int fd, unsigned int round)
{
	struct v4l2_requestbuffers req = { .memory = V4L2_MEMORY_MMAP };
	u32 type;
	int i;

	for (i = 0; i < 6; i++) {
		usleep(round * 7 % 9 * 300);
		req.type = i & 1 ? OUT : CAP;
		req.count = i % 3;
		if (!ioctl(fd, VIDIOC_REQBUFS, &req) || errno != EBUSY)
			return 1;
	}

	for (i = 0; i < 2; i++) {
		type = (round + i) & 1 ? OUT : CAP;
		if (ioctl(fd, VIDIOC_STREAMOFF, &type))
			return 2;
	}
	for (i = 0; i < 2; i++) {
		req.type = (round / 2 + i) & 1 ? OUT : CAP;
		req.count = 0;
		if (ioctl(fd, VIDIOC_REQBUFS, &req))
			return 3;
	}

	return 0;
}

/* NULL if all went well; adds to @frames those that were decoded. */
static const char *rob(const char *decoder, const u8 *data, size_t size,
		       unsigned int round, unsigned long *frames)
{
	const char *why = NULL;
	struct node n;
	size_t used;
	int status;
	pid_t pid;

	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid)
		_exit(thief(n.fd, round));

	while (dec_file(&n, data, size, &used) >= 0 &&
	       !queue(&n, CAP, NULL, 0))
		++*frames;
	if (errno != EINVAL)
		why = strerror(errno);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		why = "the other process did not end";
	else if (WEXITSTATUS(status) == 1)
		why = "REQBUFS of a queue that streams is not refused";
	else if (WEXITSTATUS(status))
		why = "what was stopped can not be given back";
	node_close(&n);

	return why;
}

static void reqbufs(const char *decoder, unsigned int count, const char *file)
{
	unsigned long frames = 0;
	const char *why = NULL;
	unsigned int i;
	char text[200];
	size_t size;
	u8 *data;

	data = file_read(file, &size);
	for (i = 0; i < count && !why; i++)
		why = rob(decoder, data, size, i, &frames);
	snprintf(text, sizeof(text), "%u times REQBUFS by another process%s%s",
		 i, why ? ": " : "", why ?: "");
	result(!why && i == count, text);
	/* Or there was nothing to be disturbed. */
	result(frames >= count, "most of them while it streams");
	free(data);
}

static void stream(const char *decoder, const char *file)
{
	unsigned long frames = 0;
	struct node n;
	size_t size, used;
	u8 *data = file_read(file, &size);

	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	while (dec_file(&n, data, size, &used) >= 0 &&
	       !queue(&n, CAP, NULL, 0))
		frames++;
	printf("%lu frames, then %s\n", frames, strerror(errno));
	node_close(&n);
	free(data);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "see the head of stream.c");

	if (!strcmp(argv[1], "run")) {
		stream(argv[2], argv[3]);
		return 0;
	}
	if (!strcmp(argv[1], "drain"))
		drain(argv[2], argv[3]);
	else if (!strcmp(argv[1], "reqbufs") && argc == 5)
		reqbufs(argv[2], strtoul(argv[3], NULL, 0), argv[4]);
	else
		errx(2, "see the head of stream.c");
	results_end();

	return 0;
}
