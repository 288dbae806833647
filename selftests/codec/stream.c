// SPDX-License-Identifier: GPL-2.0
/*
 * A stream through a decoder that somebody else puts an end to.
 *
 *	stream reqbufs DECODER COUNT FILE	another process takes the
 *						buffers away; prints TAP
 *	stream run DECODER FILE			until the device goes, which it
 *						says; anything else is an error
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node.h"

/*
 * Buffers in use stay, whoever asks; those of a queue that was stopped go. Begins
 * when @gate says that frames come.
 */
static int thief(const struct node *n, unsigned int round, int gate)
{
	struct v4l2_requestbuffers req = { .memory = V4L2_MEMORY_MMAP };
	u32 type;
	char c;
	int i;

	if (read(gate, &c, 1) != 1)
		return 4;
	for (i = 0; i < 6; i++) {
		req.type = node_type(n, i & 1 ? OUT : CAP);
		req.count = i % 3;
		if (!ioctl(n->fd, VIDIOC_REQBUFS, &req) || errno != EBUSY)
			return 1;
	}

	/* At no particular point. */
	usleep(round * 7 % 9 * 300);
	for (i = 0; i < 2; i++) {
		type = node_type(n, (round + i) & 1 ? OUT : CAP);
		if (ioctl(n->fd, VIDIOC_STREAMOFF, &type))
			return 2;
	}
	for (i = 0; i < 2; i++) {
		req.type = node_type(n, (round / 2 + i) & 1 ? OUT : CAP);
		req.count = 0;
		if (ioctl(n->fd, VIDIOC_REQBUFS, &req))
			return 3;
	}

	return 0;
}

static const char *const thief_says[] = {
	NULL,
	"REQBUFS of a queue that streams is not refused",
	"a queue can not be stopped",
	"what was stopped can not be given back",
	"no frame came",
};

/* NULL if all went well. */
static const char *rob(const char *decoder, const u8 *data, size_t size,
		       unsigned int round)
{
	unsigned long frames = 0;
	const char *why = NULL;
	int gate[2], status;
	struct node n;
	size_t used;
	pid_t pid;

	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	if (pipe(gate))
		err(2, "pipe");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		close(gate[1]);
		_exit(thief(&n, round, gate[0]));
	}

	while (dec_file(&n, data, size, &used) >= 0 &&
	       !queue(&n, CAP, NULL, 0))
		if (!frames++ && write(gate[1], "", 1) != 1)
			err(2, "pipe");
	if (errno != EINVAL)
		why = strerror(errno);
	close(gate[0]);
	close(gate[1]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		why = "the other process did not end";
	else if (WEXITSTATUS(status))
		why = thief_says[WEXITSTATUS(status) % ARRAY_SIZE(thief_says)];
	node_close(&n);

	return why;
}

static void reqbufs(const char *decoder, unsigned int count, const char *file)
{
	const char *why = NULL;
	unsigned int i;
	char text[200];
	size_t size;
	u8 *data;

	data = file_read(file, &size);
	for (i = 0; i < count && !why; i++)
		why = rob(decoder, data, size, i);
	snprintf(text, sizeof(text), "%u times REQBUFS by another process%s%s",
		 i, why ? ": " : "", why ?: "");
	result(!why && i == count, text);
	free(data);
}

/* Ends well if there are frames until there is no device. */
static int stream(const char *decoder, const char *file)
{
	unsigned long frames = 0, bad = 0;
	size_t size, used = 0;
	int flags, error;
	struct node n;
	u8 *data;

	data = file_read(file, &size);
	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	for (;;) {
		flags = dec_file(&n, data, size, &used);
		if (flags < 0 || queue(&n, CAP, NULL, 0))
			break;
		frames++;
		bad += flags & V4L2_BUF_FLAG_ERROR || !used;
	}
	error = errno;
	node_close(&n);
	free(data);
	printf("%lu frames, %lu of them bad, then %s\n", frames, bad,
	       strerror(error));

	/* EINVAL and EIO tell who is inside when it happens. */
	return !frames || bad || (error != ENODEV && error != EINVAL &&
				  error != EIO);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "see the head of stream.c");

	if (!strcmp(argv[1], "run"))
		return stream(argv[2], argv[3]);
	if (strcmp(argv[1], "reqbufs") || argc != 5)
		errx(2, "see the head of stream.c");
	reqbufs(argv[2], strtoul(argv[3], NULL, 0), argv[4]);
	results_end();

	return 0;
}
