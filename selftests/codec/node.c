// SPDX-License-Identifier: GPL-2.0
/*
 * A codec's node with one buffer for each queue; see node.h.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"

const u32 fourccs[3] = {
	V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_XBGR32,
};

static unsigned int tests;

void result(bool ok, const char *text)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, text);
	fflush(stdout);
}

void results_end(void)
{
	printf("1..%u\n", tests);
}

int set_fmt(struct node *n, u32 type, u32 fourcc, u32 w, u32 h, u32 sizeimage)
{
	struct v4l2_format f = { .type = type };

	f.fmt.pix.width = w;
	f.fmt.pix.height = h;
	f.fmt.pix.pixelformat = fourcc;
	f.fmt.pix.sizeimage = sizeimage;

	return ioctl(n->fd, VIDIOC_S_FMT, &f);
}

int set_crop(struct node *n, u32 w, u32 h)
{
	struct v4l2_selection sel = {
		.type = OUT, .target = V4L2_SEL_TGT_CROP,
		.r = { .width = w, .height = h },
	};

	return ioctl(n->fd, VIDIOC_S_SELECTION, &sel);
}

int buffer(struct node *n, u32 type, unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.type = type, .memory = V4L2_MEMORY_MMAP, .count = count,
	};
	struct v4l2_buffer buf = { .type = type, .memory = V4L2_MEMORY_MMAP };

	if (n->map[type])
		munmap(n->map[type], n->len[type]);
	n->map[type] = NULL;
	if (ioctl(n->fd, VIDIOC_REQBUFS, &req))
		return -1;
	if (!count)
		return 0;
	if (ioctl(n->fd, VIDIOC_QUERYBUF, &buf))
		return -1;
	n->len[type] = buf.length;
	n->map[type] = mmap(NULL, buf.length, PROT_READ | PROT_WRITE,
			    MAP_SHARED, n->fd, buf.m.offset);
	if (n->map[type] != MAP_FAILED)
		return 0;
	n->map[type] = NULL;

	return -1;
}

int on(struct node *n, u32 type, bool on)
{
	return ioctl(n->fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

int queue(struct node *n, u32 type, const void *data, size_t size)
{
	struct v4l2_buffer buf = { .type = type, .memory = V4L2_MEMORY_MMAP };

	if (data) {
		if (size > n->len[type])
			return -1;
		if (data != n->map[type])
			memcpy(n->map[type], data, size);
		buf.bytesused = size;
	}

	return ioctl(n->fd, VIDIOC_QBUF, &buf);
}

/* The flags of the buffer, or -1. What takes 20 s is a hang. */
int dequeue(struct node *n, u32 type, size_t *size)
{
	struct v4l2_buffer buf = { .type = type, .memory = V4L2_MEMORY_MMAP };
	struct pollfd pfd = { .fd = n->fd };
	int ret;

	pfd.events = type == OUT ? POLLOUT : POLLIN;
	ret = poll(&pfd, 1, 20000);
	if (ret <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (ioctl(n->fd, VIDIOC_DQBUF, &buf))
		return -1;
	if (size)
		*size = buf.bytesused;

	return buf.flags;
}

/* What is in the buffer of a queue that has a raw format; 0 or -1. */
int frame_of(struct node *n, u32 type, struct frame *frame)
{
	struct v4l2_format f = { .type = type };

	if (ioctl(n->fd, VIDIOC_G_FMT, &f))
		return -1;
	frame->fourcc = f.fmt.pix.pixelformat;
	frame->width = f.fmt.pix.width;
	frame->height = f.fmt.pix.height;
	frame->stride = f.fmt.pix.bytesperline;
	frame->size = f.fmt.pix.sizeimage;
	frame->data = n->map[type];

	return 0;
}

/* A picture as a frame, which shares its memory. */
void frame_picture(struct frame *frame, const struct picture *pic)
{
	frame->fourcc = fourccs[pic->raw];
	frame->width = pic->width;
	if (pic->raw != VBJPEG_XR24)
		frame->width = round_up(frame->width, 2u);
	frame->height = pic->height;
	if (pic->raw == VBJPEG_NV12)
		frame->height = round_up(frame->height, 2u);
	frame->stride = pic->stride;
	frame->size = pic->size;
	frame->data = pic->data;
}

/* Visible bytes in a line, of any plane. */
u32 frame_used(const struct frame *frame)
{
	switch (frame->fourcc) {
	case V4L2_PIX_FMT_NV12:
		return frame->width;
	case V4L2_PIX_FMT_YUYV:
		return 2 * frame->width;
	default:
		return 4 * frame->width;
	}
}

/* Lines in all planes. */
u32 frame_lines(const struct frame *frame)
{
	if (frame->fourcc == V4L2_PIX_FMT_NV12)
		return frame->height + frame->height / 2;

	return frame->height;
}

u8 *frame_line(const struct frame *frame, u32 line)
{
	return frame->data + (size_t)line * frame->stride;
}

/* All that @from has, which is no more than what @to has. */
void frame_copy(const struct frame *to, const struct frame *from)
{
	u32 line;

	for (line = 0; line < frame_lines(from); line++)
		memcpy(frame_line(to, line), frame_line(from, line),
		       frame_used(from));
}

/* Likewise. */
bool frame_same(const struct frame *a, const struct frame *b)
{
	u32 line;

	for (line = 0; line < frame_lines(b); line++)
		if (memcmp(frame_line(a, line), frame_line(b, line),
			   frame_used(b)))
			return false;

	return true;
}

int cap_start(struct node *n)
{
	return buffer(n, CAP, 1) || queue(n, CAP, NULL, 0) || on(n, CAP, true);
}

int cap_stop(struct node *n)
{
	return on(n, CAP, false) || buffer(n, CAP, 0);
}

void node_open(struct node *n, const char *name)
{
	memset(n, 0, sizeof(*n));
	n->fd = open(name, O_RDWR);
	if (n->fd < 0)
		err(2, "%s", name);
}

void node_close(struct node *n)
{
	on(n, OUT, false);
	on(n, CAP, false);
	buffer(n, OUT, 0);
	buffer(n, CAP, 0);
	close(n->fd);
}

int dec_open(struct node *n, const char *name, u32 fourcc)
{
	node_open(n, name);
	return set_fmt(n, OUT, V4L2_PIX_FMT_JPEG, 64, 48, ROOM) ||
	       set_fmt(n, CAP, fourcc, 0, 0, 0) || buffer(n, OUT, 1) ||
	       on(n, OUT, true) || cap_start(n);
}

/*
 * One file; the result stays in the mapped buffer until the next one. Returns
 * the flags, or -1.
 */
int dec_file(struct node *n, const void *data, size_t size, size_t *used)
{
	int flags;

	if (queue(n, OUT, data, size))
		return -1;
	flags = dequeue(n, CAP, used);
	if (flags >= 0 && flags & V4L2_BUF_FLAG_LAST && !*used) {
		if (cap_stop(n) || cap_start(n))
			return -1;
		flags = dequeue(n, CAP, used);
	}
	if (flags < 0 || dequeue(n, OUT, NULL) < 0)
		return -1;

	return flags;
}
