// SPDX-License-Identifier: GPL-2.0
/*
 * vbcodec looks at the header of the first picture, to say what size it has:
 * with its CPU, where the backend lets it (<media/videobuf2-mem.h>), and without
 * a mapping of the buffer. On the kernel's own backends the codec's engine has to
 * fetch it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "modules/vbm-queue.h"

enum whose { OWN, USERPTR, OURS, FOREIGN };

struct decoder {
	const char *name;
	int fd;
};

static void decoder_open(struct decoder *d, const char *name)
{
	char path[64], found[64] = "";
	unsigned int i;
	ssize_t len;
	int fd;

	d->name = name;
	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path),
			 "/sys/class/video4linux/video%u/name", i);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		len = read(fd, found, sizeof(found) - 1);
		close(fd);
		CHECK(len >= 0);
		found[len] = '\0';
		if (strncmp(found, "vbcodec.", 8) ||
		    strncmp(found + 8, name, strlen(name)))
			continue;
		snprintf(path, sizeof(path), "/dev/video%u", i);
		d->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		CHECK(d->fd >= 0);
		return;
	}
	FAIL("there is no vbcodec.%s", name);
}

/* Room for a header and what is put before it. */
#define CODED_SIZE	(256U << 10)

/* The header of a grey picture, behind so many bytes of something else. */
static size_t header(unsigned char *p, size_t filler, unsigned int width,
		     unsigned int height)
{
	const unsigned char sof[] = {
		0xff, 0xc0, 0, 11, 8, height >> 8, height, width >> 8, width,
		1, 1, 0x11, 0, 0xff, 0xda,
	};
	unsigned char *start = p;
	size_t n;

	*p++ = 0xff;
	*p++ = 0xd8;
	for (; filler; filler -= n) {
		n = filler < 60000 ? filler : 60000;
		*p++ = 0xff;
		*p++ = 0xe1;
		*p++ = (n + 2) >> 8;
		*p++ = n + 2;
		memset(p, 0x5a, n);
		p += n;
	}
	memcpy(p, sof, sizeof(sof));
	return p + sizeof(sof) - start;
}

/* Sets up OUTPUT with one buffer. */
static void decoder_start(struct decoder *d, unsigned int memory)
{
	struct v4l2_format fmt = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT };
	struct v4l2_requestbuffers req = {
		.count = 1, .type = fmt.type, .memory = memory,
	};

	CHECK_OK(xioctl(d->fd, VIDIOC_G_FMT, &fmt));
	fmt.fmt.pix.pixelformat = V4L2_PIX_FMT_JPEG;
	fmt.fmt.pix.sizeimage = CODED_SIZE;
	CHECK_OK(xioctl(d->fd, VIDIOC_S_FMT, &fmt));
	CHECK_OK(xioctl(d->fd, VIDIOC_REQBUFS, &req));
	CHECK_OK(xioctl(d->fd, VIDIOC_STREAMON, &fmt.type));
}

/* Queues @buf, whose header is of that size, and sees what became of it. */
static void decoder_sees(struct decoder *d, struct v4l2_buffer *buf,
			 unsigned int width, unsigned int height)
{
	struct v4l2_format fmt = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	buf->type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	buf->field = V4L2_FIELD_NONE;
	CHECK_OK(xioctl(d->fd, VIDIOC_QBUF, buf));
	CHECK_OK(xioctl(d->fd, VIDIOC_G_FMT, &fmt));
	/* Rounded up to what the raw format can have. */
	CHECK_EQ(fmt.fmt.pix.width, (width + 1) & ~1U);
	CHECK_EQ(fmt.fmt.pix.height, (height + 1) & ~1U);
}

static long long peeks(const struct decoder *d, const char *what)
{
	char path[128], line[128];
	long long value = -1;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/kernel/debug/vbcodec/vbcodec.%c/decoder/stats",
		 d->name[0]);
	f = fopen(path, "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)) &&
		    line[strlen(what)] == ' ')
			value = atoll(line + strlen(what));
	fclose(f);
	CHECK(value >= 0);
	return value;
}

struct header_case {
	size_t filler;
	unsigned int width, height;
};

#define NR_CASES 3

/* In the first page; across its end; far behind what other programs put in. */
static const struct header_case header_cases[NR_CASES] = {
	{ 0, 322, 242 }, { 4086, 64, 48 }, { 150000, 1922, 1082 },
};

static void *own_buffer(struct decoder *d, struct v4l2_buffer *buf)
{
	void *p;

	decoder_start(d, V4L2_MEMORY_MMAP);
	buf->memory = V4L2_MEMORY_MMAP;
	buf->type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	CHECK_OK(xioctl(d->fd, VIDIOC_QUERYBUF, buf));
	p = mmap(NULL, buf->length, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		 buf->m.offset);
	CHECK(p != MAP_FAILED);
	return p;
}

/* Pages that do not adjoin: every second one is touched first. */
static void *user_buffer(struct decoder *d, struct v4l2_buffer *buf)
{
	size_t i;
	char *p;

	decoder_start(d, V4L2_MEMORY_USERPTR);
	p = mmap(NULL, CODED_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK_OK(madvise(p, CODED_SIZE, MADV_NOHUGEPAGE));
	for (i = 0; i < CODED_SIZE; i += 2 * getpagesize())
		p[i] = 1;
	memset(p, 0, CODED_SIZE);
	buf->memory = V4L2_MEMORY_USERPTR;
	buf->m.userptr = (unsigned long)p;
	buf->length = CODED_SIZE;
	return p;
}

static int export_ours(void)
{
	struct vbm_queue_config config = { .size = CODED_SIZE, .output = 1 };
	int queue = open("/dev/vbm-queue", O_RDWR | O_CLOEXEC), fd;

	CHECK(queue >= 0);
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_CONFIG, &config));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_RUN, NULL));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_EXPORT, &fd));
	return fd;
}

/* In one piece where the codec needs that. */
static int export_foreign(const struct decoder *d)
{
	struct vbm_peer_export how = {
		.size = CODED_SIZE, .head = d->name[0] == '0' ? 0 : CODED_SIZE,
	};

	return peer_export(peer_open(NULL), &how);
}

static void *import_buffer(struct decoder *d, struct v4l2_buffer *buf, int fd)
{
	decoder_start(d, V4L2_MEMORY_DMABUF);
	buf->memory = V4L2_MEMORY_DMABUF;
	buf->m.fd = fd;
	return dmabuf_mmap(fd, CODED_SIZE);
}

/* Fills and queues one buffer. */
static void look_at(struct decoder *d, enum whose kind,
		    const struct header_case *c)
{
	struct v4l2_buffer buf = { 0 };
	void *p;

	if (kind == OWN)
		p = own_buffer(d, &buf);
	else if (kind == USERPTR)
		p = user_buffer(d, &buf);
	else
		p = import_buffer(d, &buf, kind == OURS ? export_ours() :
							  export_foreign(d));
	buf.bytesused = header(p, c->filler, c->width, c->height);
	decoder_sees(d, &buf, c->width, c->height);
}

static void codec_looks(const char *name, enum whose kind, bool mapped)
{
	struct decoder d;
	long long cpu, dma, maps = 0, vmaps = 0;
	unsigned int i;

	for (i = 0; i < NR_CASES; i++) {
		decoder_open(&d, name);
		cpu = peeks(&d, "peeks");
		dma = peeks(&d, "peeks_dma");
		if (!ksft_stock) {
			maps = stat_get("kernel_maps");
			vmaps = stat_get("access_vmaps");
		}
		look_at(&d, kind, &header_cases[i]);
		if (ksft_stock) {
			CHECK(peeks(&d, "peeks_dma") > dma);
			CHECK_EQ(peeks(&d, "peeks"), cpu);
		} else {
			CHECK(peeks(&d, "peeks") > cpu);
			CHECK_EQ(peeks(&d, "peeks_dma"), dma);
			CHECK_EQ(stat_get("kernel_maps"), maps);
			CHECK_EQ(stat_get("access_vmaps") > vmaps, mapped);
		}
		close(d.fd);
	}
}

static void test_codec(const char *node)
{
	(void)node;
	codec_looks("0-dec", OWN, false);
	codec_looks("1-dec", OWN, false);
	codec_looks("0-dec", USERPTR, false);
}

static void test_codec_import(const char *node)
{
	(void)node;
	codec_looks("0-dec", OURS, false);
	codec_looks("1-dec", OURS, false);
}

/* Not without mapping: whose memory it is has not promised more. */
static void test_codec_foreign(const char *node)
{
	(void)node;
	codec_looks("0-dec", FOREIGN, true);
	codec_looks("1-dec", FOREIGN, true);
}

static const struct ksft_test tests[] = {
	{ "vbcodec looks at headers of its own and of user memory", test_codec,
	  0, KSFT_NO_NODE },
	{ "vbcodec looks at headers of imports", test_codec_import, 0,
	  KSFT_NO_NODE },
	{ "vbcodec looks at headers of foreign imports", test_codec_foreign, 0,
	  KSFT_NO_NODE },
};

KSFT_MAIN(tests)
