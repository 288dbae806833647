// SPDX-License-Identifier: GPL-2.0
/*
 * A codec's node; see node.h.
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

/* What the node calls a queue. */
u32 node_type(const struct node *n, u32 type)
{
	if (!n->mplane)
		return type;

	return type == OUT ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
			     V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
}

/* The format of a queue as a single-planar one. */
static int get_fmt(struct node *n, u32 type, struct v4l2_pix_format *pix)
{
	struct v4l2_format f = { .type = node_type(n, type) };

	if (ioctl(n->fd, VIDIOC_G_FMT, &f))
		return -1;
	*pix = f.fmt.pix;
	if (n->mplane) {
		pix->width = f.fmt.pix_mp.width;
		pix->height = f.fmt.pix_mp.height;
		pix->pixelformat = f.fmt.pix_mp.pixelformat;
		pix->bytesperline = f.fmt.pix_mp.plane_fmt[0].bytesperline;
		pix->sizeimage = f.fmt.pix_mp.plane_fmt[0].sizeimage;
	}

	return 0;
}

int set_fmt(struct node *n, u32 type, u32 fourcc, u32 w, u32 h, u32 sizeimage)
{
	struct v4l2_format f = { .type = node_type(n, type) };

	if (n->mplane) {
		f.fmt.pix_mp.width = w;
		f.fmt.pix_mp.height = h;
		f.fmt.pix_mp.pixelformat = fourcc;
		f.fmt.pix_mp.num_planes = 1;
		f.fmt.pix_mp.plane_fmt[0].sizeimage = sizeimage;
	} else {
		f.fmt.pix.width = w;
		f.fmt.pix.height = h;
		f.fmt.pix.pixelformat = fourcc;
		f.fmt.pix.sizeimage = sizeimage;
	}

	return ioctl(n->fd, VIDIOC_S_FMT, &f);
}

/* The type of a selection is a single-planar one in both APIs. */
int set_crop(struct node *n, u32 w, u32 h)
{
	struct v4l2_selection sel = {
		.type = OUT, .target = V4L2_SEL_TGT_CROP,
		.r = { .width = w, .height = h },
	};

	return ioctl(n->fd, VIDIOC_S_SELECTION, &sel);
}

int set_ctrl(struct node *n, u32 id, s32 value)
{
	struct v4l2_control ctrl = { .id = id, .value = value };

	return ioctl(n->fd, VIDIOC_S_CTRL, &ctrl);
}

/* A buffer as its ioctls want it; @plane is there for as long as it is used. */
static void buf_init(const struct node *n, struct v4l2_buffer *buf, u32 type,
		     struct v4l2_plane *plane)
{
	memset(buf, 0, sizeof(*buf));
	memset(plane, 0, sizeof(*plane));
	buf->type = node_type(n, type);
	buf->memory = V4L2_MEMORY_MMAP;
	if (n->mplane) {
		buf->m.planes = plane;
		buf->length = 1;
	}
}

static int map_nth(struct node *n, u32 type, unsigned int nth)
{
	struct v4l2_plane plane;
	struct v4l2_buffer buf;
	void *map;

	buf_init(n, &buf, type, &plane);
	buf.index = nth;
	if (ioctl(n->fd, VIDIOC_QUERYBUF, &buf))
		return -1;
	n->len[type] = n->mplane ? plane.length : buf.length;
	map = mmap(NULL, n->len[type], PROT_READ | PROT_WRITE, MAP_SHARED,
		   n->fd, n->mplane ? plane.m.mem_offset : buf.m.offset);
	if (map == MAP_FAILED)
		return -1;
	n->map[type][nth] = map;

	return 0;
}

/* @count buffers instead of those that there are. */
int buffer(struct node *n, u32 type, unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.type = node_type(n, type), .memory = V4L2_MEMORY_MMAP,
		.count = count,
	};
	unsigned int i;

	for (i = 0; i < NODE_BUFS; i++) {
		if (n->map[type][i])
			munmap(n->map[type][i], n->len[type]);
		n->map[type][i] = NULL;
	}
	if (ioctl(n->fd, VIDIOC_REQBUFS, &req))
		return -1;
	for (i = 0; i < count; i++)
		if (map_nth(n, type, i))
			return -1;

	return 0;
}

int on(struct node *n, u32 type, bool on)
{
	type = node_type(n, type);

	return ioctl(n->fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

int queue_nth(struct node *n, u32 type, unsigned int nth, const void *data,
	      size_t size)
{
	struct v4l2_plane plane;
	struct v4l2_buffer buf;

	buf_init(n, &buf, type, &plane);
	buf.index = nth;
	if (data) {
		if (size > n->len[type]) {
			errno = E2BIG;
			return -1;
		}
		if (data != n->map[type][nth])
			memcpy(n->map[type][nth], data, size);
		buf.bytesused = size;
		plane.bytesused = size;
	}

	return ioctl(n->fd, VIDIOC_QBUF, &buf);
}

int queue(struct node *n, u32 type, const void *data, size_t size)
{
	return queue_nth(n, type, 0, data, size);
}

/* The flags of the buffer, or -1. */
int dequeue_nth(struct node *n, u32 type, unsigned int *nth, size_t *size)
{
	struct pollfd pfd = { .fd = n->fd };
	struct v4l2_plane plane;
	struct v4l2_buffer buf;
	int ret;

	pfd.events = type == OUT ? POLLOUT : POLLIN;
	ret = poll(&pfd, 1, NODE_WAIT);
	if (ret <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	buf_init(n, &buf, type, &plane);
	if (ioctl(n->fd, VIDIOC_DQBUF, &buf))
		return -1;
	if (nth)
		*nth = buf.index;
	if (size)
		*size = n->mplane ? plane.bytesused : buf.bytesused;

	return buf.flags;
}

int dequeue(struct node *n, u32 type, size_t *size)
{
	return dequeue_nth(n, type, NULL, size);
}

int subscribe(struct node *n, u32 event)
{
	struct v4l2_event_subscription sub = { .type = event };

	return ioctl(n->fd, VIDIOC_SUBSCRIBE_EVENT, &sub);
}

/* The type of the next event, or -1. */
int event(struct node *n)
{
	struct pollfd pfd = { .fd = n->fd, .events = POLLPRI };
	struct v4l2_event event = { 0 };

	if (poll(&pfd, 1, NODE_WAIT) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}

	return ioctl(n->fd, VIDIOC_DQEVENT, &event) ? -1 : (int)event.type;
}

/* What is in the first buffer of a queue that has a raw format; 0 or -1. */
int frame_of(struct node *n, u32 type, struct frame *frame)
{
	struct v4l2_pix_format pix;

	if (get_fmt(n, type, &pix))
		return -1;
	frame->fourcc = pix.pixelformat;
	frame->width = pix.width;
	frame->height = pix.height;
	frame->stride = pix.bytesperline;
	frame->size = pix.sizeimage;
	frame->data = n->map[type][0];

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
	struct v4l2_capability cap = { 0 };

	memset(n, 0, sizeof(*n));
	n->fd = open(name, O_RDWR | O_NONBLOCK);
	if (n->fd < 0 || ioctl(n->fd, VIDIOC_QUERYCAP, &cap))
		err(2, "%s", name);
	n->mplane = cap.device_caps & V4L2_CAP_VIDEO_M2M_MPLANE;
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

/* An encoder of pictures like @pic, with @count buffers in each queue. */
int enc_open(struct node *n, const char *name, const struct picture *pic,
	     unsigned int count)
{
	struct frame frame;
	unsigned int i;

	node_open(n, name);
	frame_picture(&frame, pic);
	if (set_fmt(n, OUT, frame.fourcc, pic->width, pic->height, 0) ||
	    set_crop(n, pic->width, pic->height) ||
	    set_fmt(n, CAP, V4L2_PIX_FMT_JPEG, 0, 0, ROOM) ||
	    buffer(n, OUT, count) || on(n, OUT, true) ||
	    buffer(n, CAP, count))
		return -1;
	for (i = 0; i < count; i++)
		if (queue_nth(n, CAP, i, NULL, 0))
			return -1;

	return on(n, CAP, true);
}

/* Puts a picture into a buffer of OUTPUT. */
void enc_fill(struct node *n, unsigned int nth, const struct picture *pic)
{
	struct frame frame, from;

	frame_picture(&from, pic);
	if (frame_of(n, OUT, &frame))
		err(2, "G_FMT");
	frame.data = n->map[OUT][nth];
	frame_copy(&frame, &from);
}

/* One picture, as dec_file(). */
int enc_file(struct node *n, const struct picture *pic, size_t *used)
{
	int flags;

	enc_fill(n, 0, pic);
	if (queue(n, OUT, n->map[OUT][0], n->len[OUT]))
		return -1;
	flags = dequeue(n, CAP, used);
	if (flags < 0 || dequeue(n, OUT, NULL) < 0)
		return -1;

	return flags;
}
