// SPDX-License-Identifier: GPL-2.0
/*
 * Files through the codec's nodes, each result compared with what the same
 * coder makes of it as a program. Prints TAP.
 *
 *	m2m DECODER ENCODER good FILE...	decode to each format, encode it
 *	m2m DECODER ENCODER mutated COUNT FILE...	COUNT mutations
 *	m2m DECODER ENCODER drain FILE		the end of a stream, and a change
 *	m2m DECODER ENCODER stream FILE		until something fails
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
#include <linux/videodev2.h>

#include "coder.h"
#include "mutate.h"

#define OUT	V4L2_BUF_TYPE_VIDEO_OUTPUT
#define CAP	V4L2_BUF_TYPE_VIDEO_CAPTURE
#define ROOM	(1 << 20)
#define GROWTH	1024

static const u32 fourccs[3] = {
	V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_XBGR32,
};

static unsigned int tests;

static void result(bool ok, const char *text)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, text);
	fflush(stdout);
}

/* One buffer for each queue. */
struct node {
	int	fd;
	void	*map[3];
	size_t	len[3];
};

static int set_fmt(struct node *n, u32 type, u32 fourcc, u32 w, u32 h,
		   u32 sizeimage)
{
	struct v4l2_format f = { .type = type };

	f.fmt.pix.width = w;
	f.fmt.pix.height = h;
	f.fmt.pix.pixelformat = fourcc;
	f.fmt.pix.sizeimage = sizeimage;

	return ioctl(n->fd, VIDIOC_S_FMT, &f);
}

static int buffer(struct node *n, u32 type, unsigned int count)
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

static int on(struct node *n, u32 type, bool on)
{
	return ioctl(n->fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

static int queue(struct node *n, u32 type, const void *data, size_t size)
{
	struct v4l2_buffer buf = { .type = type, .memory = V4L2_MEMORY_MMAP };

	if (data) {
		if (size > n->len[type])
			return -1;
		memcpy(n->map[type], data, size);
		buf.bytesused = size;
	}

	return ioctl(n->fd, VIDIOC_QBUF, &buf);
}

/* The flags of the buffer, or -1. What takes 20 s is a hang. */
static int dequeue(struct node *n, u32 type, size_t *size)
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

static int cap_start(struct node *n)
{
	return buffer(n, CAP, 1) || queue(n, CAP, NULL, 0) || on(n, CAP, true);
}

static int cap_stop(struct node *n)
{
	return on(n, CAP, false) || buffer(n, CAP, 0);
}

static void node_open(struct node *n, const char *name)
{
	memset(n, 0, sizeof(*n));
	n->fd = open(name, O_RDWR);
	if (n->fd < 0)
		err(2, "%s", name);
}

static void node_close(struct node *n)
{
	on(n, OUT, false);
	on(n, CAP, false);
	buffer(n, OUT, 0);
	buffer(n, CAP, 0);
	close(n->fd);
}

static int dec_open(struct node *n, const char *name, u32 fourcc)
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
static int dec_file(struct node *n, const void *data, size_t size,
		    size_t *used)
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

/* NULL if the node did what the program does. */
static const char *dec_check(struct node *n, const void *data, size_t size,
			     enum vbjpeg_raw raw)
{
	const char *why = NULL;
	struct picture pic;
	size_t used = 0;
	int flags, ret;

	ret = coder_decode(data, size, raw, &pic);
	flags = dec_file(n, data, size, &used);
	if (flags < 0)
		why = strerror(errno);
	else if (!!ret != !!(flags & V4L2_BUF_FLAG_ERROR))
		why = ret ? "decoded, not refused" : "refused, not decoded";
	else if (!ret && raw != VBJPEG_NV12 &&
		 (used < pic.size || memcmp(n->map[CAP], pic.data, pic.size)))
		why = "another picture";
	else if (!ret && raw == VBJPEG_NV12 &&
		 (used != pic.size || memcmp(n->map[CAP], pic.data, pic.size)))
		why = "another picture";
	picture_fini(&pic);

	if (!why && queue(n, CAP, NULL, 0))
		why = strerror(errno);

	return why;
}

static const char *enc_check(const char *name, const struct picture *pic)
{
	struct vbjpeg_enc_params params = {
		.raw		= pic->raw,
		.width		= pic->width,
		.height		= pic->height,
		.hs		= 2,
		.vs		= 2,
		.quality	= 80,
		.markers	= VBJPEG_ENC_APP0 | VBJPEG_ENC_DQT |
				  VBJPEG_ENC_DHT,
	};
	struct v4l2_selection sel = {
		.type = OUT, .target = V4L2_SEL_TGT_CROP,
		.r = { .width = pic->width, .height = pic->height },
	};
	const char *why = NULL;
	struct node n;
	size_t size, used;
	int flags;
	u8 *data;

	data = coder_encode(pic, &params, &size);
	node_open(&n, name);
	flags = -1;
	if (!set_fmt(&n, OUT, fourccs[pic->raw], pic->width, pic->height, 0) &&
	    !ioctl(n.fd, VIDIOC_S_SELECTION, &sel) && !buffer(&n, OUT, 1) &&
	    !queue(&n, OUT, pic->data, pic->size) && !on(&n, OUT, true) &&
	    !cap_start(&n))
		flags = dequeue(&n, CAP, &used);
	if (flags < 0)
		why = strerror(errno);
	else if (flags & V4L2_BUF_FLAG_ERROR)
		why = "error flag";
	else if (used != size || memcmp(n.map[CAP], data, size))
		why = "another file";
	node_close(&n);
	free(data);

	return why;
}

static void good(const char *decoder, const char *encoder, char **files)
{
	const char *why;
	struct picture pic;
	char text[300];
	struct node n;
	size_t size;
	int raw, i;
	u8 *data;

	for (raw = 0; raw < 3; raw++) {
		if (dec_open(&n, decoder, fourccs[raw]))
			err(1, "%s", decoder);
		for (i = 0; files[i]; i++) {
			const char *base = strrchr(files[i], '/') + 1;

			data = file_read(files[i], &size);
			why = dec_check(&n, data, size, raw);
			snprintf(text, sizeof(text), "decode %s to %s%s%s",
				 base, raw_names[raw], why ? ": " : "",
				 why ?: "");
			result(!why, text);
			if (!coder_decode(data, size, raw, &pic)) {
				why = enc_check(encoder, &pic);
				snprintf(text, sizeof(text),
					 "encode %s from %s%s%s", base,
					 raw_names[raw], why ? ": " : "",
					 why ?: "");
				result(!why, text);
				picture_fini(&pic);
			}
			free(data);
		}
		node_close(&n);
	}
}

static void mutated(const char *decoder, unsigned long count, char **files)
{
	unsigned long i, bad = 0;
	unsigned int nr = 0;
	const char *why;
	char text[200];
	struct node n;

	while (files[nr])
		nr++;
	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	for (i = 0; i < count && bad < 10; i++) {
		size_t size, good_size;
		u8 *data = file_read(files[i % nr], &good_size), *copy;

		copy = malloc(good_size + GROWTH);
		if (!copy)
			err(2, "malloc");
		memcpy(copy, data, good_size);
		size = mutate(copy, good_size, good_size + GROWTH, i);
		why = dec_check(&n, copy, size, VBJPEG_NV12);
		if (!why && i % 10 == 9)
			why = dec_check(&n, data, good_size, VBJPEG_NV12);
		if (why) {
			snprintf(text, sizeof(text), "mutation %lu of %s: %s",
				 i, files[i % nr], why);
			result(false, text);
			bad++;
		}
		free(copy);
		free(data);
	}
	snprintf(text, sizeof(text), "%lu mutated files", i);
	result(!bad && i == count, text);
	node_close(&n);
}

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
	if (argc < 5)
		errx(2, "see the head of m2m.c");

	if (!strcmp(argv[3], "stream")) {
		stream(argv[1], argv[4]);
		return 0;
	}
	if (!strcmp(argv[3], "good"))
		good(argv[1], argv[2], argv + 4);
	else if (!strcmp(argv[3], "mutated") && argc > 5)
		mutated(argv[1], strtoul(argv[4], NULL, 0), argv + 5);
	else if (!strcmp(argv[3], "drain"))
		drain(argv[1], argv[4]);
	else
		errx(2, "see the head of m2m.c");
	printf("1..%u\n", tests);

	return 0;
}
