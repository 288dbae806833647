// SPDX-License-Identifier: GPL-2.0
/*
 * The sums that the devices tell of the frames they move (vbdma_frame, see
 * drivers/vbdma/vbdma-sum.c), against those of what is in the buffers: that of
 * a picture has to be the same where it is written and where it is read, also
 * if lines are of another length there. Prints TAP.
 *
 *	sums DECODER ENCODER FILE...
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "node.h"

#define EVENTS	"/sys/kernel/tracing"
#define CHROMA	0x10000

static int trace;

static u32 crc32(u32 crc, const u8 *data, size_t len)
{
	unsigned int i;

	while (len--) {
		crc ^= *data++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}

	return crc;
}

static u32 frame_sum(const struct frame *frame)
{
	u32 line, nr, sum = 0;

	for (line = 0; line < frame_lines(frame); line++) {
		nr = line < frame->height ? line :
		     CHROMA + line - frame->height;
		sum += crc32(~nr, frame_line(frame, line), frame_used(frame));
	}

	return sum;
}

static void trace_set(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(2, "%s", name);
	close(fd);
}

/* Is the next event the one that is expected? */
static bool told(const char *dir, u32 fourcc, u32 bytes, u32 sum)
{
	static char text[65536];
	static size_t have;
	char wanted[120], *end;
	ssize_t got;
	bool ok;

	snprintf(wanted, sizeof(wanted),
		 "dir=%s fmt=%.4s seq=0 bytes=%u sum=%#010x\n", dir,
		 (const char *)&fourcc, bytes, sum);
	while (!(end = memchr(text, '\n', have))) {
		got = read(trace, text + have, sizeof(text) - 1 - have);
		if (got <= 0) {
			printf("# none, wanted: %s", wanted);
			return false;
		}
		have += got;
	}

	ok = strstr(text, "vbdma_frame: ") &&
	     (size_t)(end + 1 - text) > strlen(wanted) &&
	     !memcmp(end + 1 - strlen(wanted), wanted, strlen(wanted));
	if (!ok)
		printf("# %.*s\n# wanted: %s", (int)(end - text), text, wanted);
	have -= end + 1 - text;
	memmove(text, end + 1, have);

	return ok;
}

/* Encodes @from, of which one bit is another one if @wrong. */
static bool encode(const char *encoder, const struct frame *from, u32 w, u32 h,
		   bool wrong)
{
	struct frame frame;
	bool ok = false;
	struct node n;
	size_t used;
	int flags;

	node_open(&n, encoder);
	if (set_fmt(&n, OUT, from->fourcc, from->width, from->height, 0) ||
	    set_crop(&n, w, h) || buffer(&n, OUT, 1) ||
	    frame_of(&n, OUT, &frame))
		goto out_close;

	frame_copy(&frame, from);
	if (wrong)
		frame_line(&frame, frame_lines(from) - 1)
			[frame_used(from) - 1] ^= 1;
	if (queue(&n, OUT, frame.data, frame.size) || on(&n, OUT, true) ||
	    cap_start(&n))
		goto out_close;

	flags = dequeue(&n, CAP, &used);
	ok = flags >= 0 && !(flags & V4L2_BUF_FLAG_ERROR) &&
	     told("read", from->fourcc, frame.size,
		  frame_sum(from)) &&
	     told("write", V4L2_PIX_FMT_JPEG, used,
		  crc32(~0, n.map[CAP][0], used));

out_close:
	node_close(&n);
	return ok;
}

static void file(const char *decoder, const char *encoder, const char *name,
		 int raw)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	struct v4l2_selection sel = {
		.type = CAP, .target = V4L2_SEL_TGT_COMPOSE,
	};
	struct frame frame;
	size_t size, used;
	char text[200];
	struct node n;
	u8 *data;
	int flags;
	bool ok;

	data = file_read(name, &size);
	if (dec_open(&n, decoder, fourccs[raw]))
		err(1, "%s", decoder);
	flags = dec_file(&n, data, size, &used);
	if (flags < 0 || frame_of(&n, CAP, &frame) ||
	    ioctl(n.fd, VIDIOC_G_SELECTION, &sel))
		err(1, "%s", decoder);

	ok = !(flags & V4L2_BUF_FLAG_ERROR) &&
	     told("read", V4L2_PIX_FMT_JPEG, size, crc32(~0, data, size)) &&
	     told("write", fourccs[raw], used, frame_sum(&frame));
	snprintf(text, sizeof(text), "decoder: %s to %s", base, raw_names[raw]);
	result(ok, text);

	snprintf(text, sizeof(text), "encoder: %s from %s", base,
		 raw_names[raw]);
	result(encode(encoder, &frame, sel.r.width, sel.r.height, false), text);
	node_close(&n);
	free(data);
}

/* One wrong bit has to show. */
static void control(const char *decoder, const char *encoder, const char *name)
{
	struct frame frame;
	size_t size, used;
	struct node n;
	bool right;
	u8 *data;

	data = file_read(name, &size);
	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12) ||
	    dec_file(&n, data, size, &used) < 0 || frame_of(&n, CAP, &frame))
		err(1, "%s", decoder);
	right = told("read", V4L2_PIX_FMT_JPEG, size, crc32(~0, data, size)) &&
		told("write", V4L2_PIX_FMT_NV12, used, frame_sum(&frame));
	result(right && !encode(encoder, &frame, frame.width,
				frame.height, true),
	       "control: a wrong bit is found");
	node_close(&n);
	free(data);
}

int main(int argc, char **argv)
{
	int raw, i;

	if (argc < 4)
		errx(2, "see the head of sums.c");

	/* It stays on: each turn patches code, which an emulator may not survive. */
	trace_set(EVENTS "/trace", "");
	trace_set(EVENTS "/events/vbdma/vbdma_frame/enable", "1");
	trace = open(EVENTS "/trace_pipe", O_RDONLY | O_NONBLOCK);
	if (trace < 0)
		err(2, EVENTS);

	for (i = 3; i < argc; i++)
		for (raw = 0; raw < 3; raw++)
			file(argv[1], argv[2], argv[i], raw);
	control(argv[1], argv[2], argv[3]);
	results_end();

	return 0;
}
