// SPDX-License-Identifier: GPL-2.0
/*
 * foreign: dma-bufs that no V4L2 driver made, streamed through one.
 *
 * The buffers come from a dma-heap or from udmabuf and are queued to a V4L2
 * device with V4L2_MEMORY_DMABUF:
 *
 *  - to an output (-d) that vivid loops back to a capture node (-c): each buffer
 *    gets a pattern of its own through its mmap, and what the capture node
 *    delivers must be one of the patterns, byte by byte;
 *  - to a capture device: what it writes must be what it writes into buffers of
 *    its own, so its picture has to stand still. vbcam's frames are told by their
 *    own checksum instead.
 *
 * Whether a device that needs contiguous memory may take a buffer depends on
 * where its pages are. So the caller says which layout it wants (-l), which it
 * is given (foreign-mem.h), and the outcome must be the same each time.
 *
 * Exit code: 0 streamed and right; 1 streamed and wrong, or something else
 * failed; 2 usage; 3 the device refused a buffer (its errno is printed); 4 the
 * exporter does not exist; 5 it did not give the wanted layout.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/videodev2.h>

#include "foreign-mem.h"
#include "vbcam-frame.h"

#define NR_BUFS		3

enum {
	EXIT_RIGHT,
	EXIT_WRONG,
	EXIT_USAGE,
	EXIT_REFUSED,
	EXIT_NO_EXPORTER,
	EXIT_NO_LAYOUT,
};

struct buffer {
	int fd;
	size_t size;
	unsigned char *map;
	uint32_t pattern;
};

static void die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(code);
}

static int xioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
	} while (ret < 0 && errno == EINTR);
	return ret;
}

/* --- buffers ----------------------------------------------------------- */

static void buffers_get(struct buffer *bufs, const char *exporter, size_t size,
			enum foreign_layout want)
{
	static const int codes[] = {
		[FOREIGN_FAILED] = EXIT_WRONG,
		[FOREIGN_NO_EXPORTER] = EXIT_NO_EXPORTER,
		[FOREIGN_NO_LAYOUT] = EXIT_NO_LAYOUT,
	};
	struct foreign_mem mem[NR_BUFS];
	unsigned int n;

	for (n = 0; n < NR_BUFS; n++) {
		enum foreign_result ret;

		ret = foreign_mem_alloc(&mem[n], exporter, size, want);
		if (ret)
			exit(codes[ret]);
		bufs[n].fd = mem[n].fd;
		bufs[n].size = mem[n].size;
		bufs[n].map = mmap(NULL, mem[n].size, PROT_READ | PROT_WRITE,
				   MAP_SHARED, mem[n].fd, 0);
		if (bufs[n].map == MAP_FAILED)
			die(EXIT_WRONG, "mmap: %s", strerror(errno));
	}
	printf("extents %u %u %u\n", mem[0].extents, mem[1].extents,
	       mem[2].extents);
}

static void cpu_access(const struct buffer *buf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (xioctl(buf->fd, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		die(EXIT_WRONG, "DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
}

/* --- patterns ---------------------------------------------------------- */

static uint32_t pattern_word(uint32_t pattern, uint32_t i)
{
	uint32_t x = pattern * 0x9e3779b9u ^ i * 0x85ebca6bu;

	x ^= x >> 15;
	return x * 0xc2b2ae35u;
}

static void pattern_fill(struct buffer *buf, uint32_t pattern)
{
	uint32_t i, *words = (uint32_t *)buf->map;

	cpu_access(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	for (i = 0; i < buf->size / sizeof(*words); i++)
		words[i] = pattern_word(pattern, i);
	cpu_access(buf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	buf->pattern = pattern;
}

static bool pattern_is(const void *frame, size_t size, uint32_t pattern)
{
	const uint32_t *words = frame;
	uint32_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		if (words[i] != pattern_word(pattern, i))
			return false;
	return true;
}

/* A frame that shows a pattern in part only: torn, or mapped wrongly. */
static bool pattern_in(const void *frame, size_t size, uint32_t pattern)
{
	const uint32_t *words = frame;
	uint32_t i, hits = 0, nr = size / sizeof(*words);

	for (i = 0; i < nr && hits < 4; i += 17)
		if (words[i] == pattern_word(pattern, i))
			hits++;
	return hits == 4;
}

/* --- V4L2 -------------------------------------------------------------- */

static int video_open(const char *path, enum v4l2_buf_type *type,
		      size_t *sizeimage)
{
	struct v4l2_capability cap = { };
	struct v4l2_format fmt = { };
	int fd;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || xioctl(fd, VIDIOC_QUERYCAP, &cap) < 0)
		die(EXIT_WRONG, "%s: %s", path, strerror(errno));
	*type = cap.device_caps & V4L2_CAP_VIDEO_OUTPUT ?
		V4L2_BUF_TYPE_VIDEO_OUTPUT : V4L2_BUF_TYPE_VIDEO_CAPTURE;
	fmt.type = *type;
	if (xioctl(fd, VIDIOC_G_FMT, &fmt) < 0)
		die(EXIT_WRONG, "%s: G_FMT: %s", path, strerror(errno));
	*sizeimage = fmt.fmt.pix.sizeimage;
	return fd;
}

static void reqbufs(int fd, enum v4l2_buf_type type, enum v4l2_memory memory,
		    unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = type,
		.memory = memory,
	};

	if (xioctl(fd, VIDIOC_REQBUFS, &req) < 0 || req.count != count)
		die(EXIT_WRONG, "REQBUFS(%u): %s, count %u", count,
		    strerror(errno), req.count);
}

static int qbuf_fd(int fd, enum v4l2_buf_type type, unsigned int index,
		   const struct buffer *buf, size_t used)
{
	struct v4l2_buffer vb = {
		.index = index,
		.type = type,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = buf->fd,
		.length = buf->size,
		.bytesused = used,
		.field = V4L2_FIELD_NONE,
	};

	return xioctl(fd, VIDIOC_QBUF, &vb);
}

static int qbuf_mmap(int fd, enum v4l2_buf_type type, unsigned int index)
{
	struct v4l2_buffer vb = {
		.index = index,
		.type = type,
		.memory = V4L2_MEMORY_MMAP,
	};

	return xioctl(fd, VIDIOC_QBUF, &vb);
}

/* The index of the next finished buffer; -1: it carries the error flag. */
static int dqbuf(int fd, enum v4l2_buf_type type, enum v4l2_memory memory)
{
	struct pollfd pfd = { .fd = fd };
	struct v4l2_buffer vb = { .type = type, .memory = memory };

	pfd.events = type == V4L2_BUF_TYPE_VIDEO_OUTPUT ? POLLOUT : POLLIN;
	if (poll(&pfd, 1, 20000) != 1)
		die(EXIT_WRONG, "no buffer within 20 s");
	if (xioctl(fd, VIDIOC_DQBUF, &vb) < 0)
		die(EXIT_WRONG, "DQBUF: %s", strerror(errno));
	return vb.flags & V4L2_BUF_FLAG_ERROR ? -1 : (int)vb.index;
}

static void stream(int fd, enum v4l2_buf_type type, bool on)
{
	int arg = type;

	if (xioctl(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &arg) < 0)
		die(EXIT_WRONG, "STREAM%s: %s", on ? "ON" : "OFF",
		    strerror(errno));
}

/* MMAP buffers of a capture queue, queued and mapped. */
static void mmap_buffers(int fd, size_t sizeimage, void **maps)
{
	const enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned int i;

	reqbufs(fd, type, V4L2_MEMORY_MMAP, NR_BUFS);
	for (i = 0; i < NR_BUFS; i++) {
		struct v4l2_buffer vb = {
			.index = i,
			.type = type,
			.memory = V4L2_MEMORY_MMAP,
		};

		if (xioctl(fd, VIDIOC_QUERYBUF, &vb) < 0)
			die(EXIT_WRONG, "QUERYBUF: %s", strerror(errno));
		maps[i] = mmap(NULL, sizeimage, PROT_READ, MAP_SHARED, fd,
			       vb.m.offset);
		if (maps[i] == MAP_FAILED)
			die(EXIT_WRONG, "mmap: %s", strerror(errno));
		if (qbuf_mmap(fd, type, i) < 0)
			die(EXIT_WRONG, "QBUF: %s", strerror(errno));
	}
}

/* What the device writes into a buffer of its own. */
static void reference_frame(int fd, size_t sizeimage, void *frame)
{
	const enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	void *maps[NR_BUFS];
	int i;

	mmap_buffers(fd, sizeimage, maps);
	stream(fd, type, true);
	i = dqbuf(fd, type, V4L2_MEMORY_MMAP);
	if (i < 0)
		die(EXIT_WRONG, "reference frame: error flag");
	memcpy(frame, maps[i], sizeimage);
	stream(fd, type, false);
	for (i = 0; i < NR_BUFS; i++)
		munmap(maps[i], sizeimage);
	reqbufs(fd, type, V4L2_MEMORY_MMAP, 0);
}

static size_t first_difference(const unsigned char *a, const unsigned char *b)
{
	size_t i = 0;

	while (a[i] == b[i])
		i++;
	return i;
}

static uint32_t crc32(const unsigned char *data, size_t len)
{
	uint32_t crc = ~0u;
	int bit;

	while (len--) {
		crc ^= *data++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static bool vbcam_frame(const unsigned char *frame)
{
	const struct vbcam_frame_header *header = (const void *)frame;

	return header->magic == VBCAM_FRAME_MAGIC &&
	       header->header_size == sizeof(*header) &&
	       header->header_crc ==
	       crc32(frame, offsetof(struct vbcam_frame_header, header_crc));
}

/* Whether a frame is right; a vbcam's also has to follow the last one. */
static bool frame_right(const unsigned char *frame,
			const unsigned char *reference, size_t sizeimage,
			int64_t *last)
{
	const struct vbcam_frame_header *header = (const void *)frame;

	if (!vbcam_frame(reference)) {
		if (!memcmp(frame, reference, sizeimage))
			return true;
		printf("wrong from byte %zu\n",
		       first_difference(frame, reference));
		return false;
	}
	if (!vbcam_frame(frame) || header->counter <= *last ||
	    header->picture_size != sizeimage - sizeof(*header) ||
	    header->picture_crc != crc32(frame + sizeof(*header),
					 header->picture_size))
		return false;
	*last = header->counter;
	return true;
}

/* The buffers of one round, or EXIT_REFUSED as the only other good outcome. */
static void queue_all(int fd, enum v4l2_buf_type type,
		      const struct buffer *bufs, size_t used)
{
	unsigned int i;

	for (i = 0; i < NR_BUFS; i++)
		if (qbuf_fd(fd, type, i, &bufs[i], used) < 0)
			die(EXIT_REFUSED, "refused buffer %u: QBUF errno %d %s",
			    i, errno, strerror(errno));
}

static int run_capture(int fd, size_t sizeimage, struct buffer *bufs,
		       unsigned int frames)
{
	const enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned int n, wrong = 0, seen = 0;
	void *reference = malloc(sizeimage);
	int64_t last = -1;

	if (!reference)
		die(EXIT_WRONG, "no memory");
	reference_frame(fd, sizeimage, reference);

	for (n = 0; n < NR_BUFS; n++)
		pattern_fill(&bufs[n], n);
	reqbufs(fd, type, V4L2_MEMORY_DMABUF, NR_BUFS);
	queue_all(fd, type, bufs, 0);
	stream(fd, type, true);
	for (n = 0; n < frames; n++) {
		int i = dqbuf(fd, type, V4L2_MEMORY_DMABUF);

		if (i < 0)
			die(EXIT_WRONG, "frame %u: error flag", n);
		cpu_access(&bufs[i], DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
		if (!frame_right(bufs[i].map, reference, sizeimage, &last))
			wrong++;
		cpu_access(&bufs[i], DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		seen |= 1u << i;
		/* Whatever the next frame leaves alone is found out. */
		pattern_fill(&bufs[i], n);
		if (qbuf_fd(fd, type, i, &bufs[i], 0) < 0)
			die(EXIT_WRONG, "frame %u: QBUF: %s", n,
			    strerror(errno));
	}
	stream(fd, type, false);
	reqbufs(fd, type, V4L2_MEMORY_DMABUF, 0);
	printf("frames %u wrong %u\n", frames, wrong);
	return wrong || seen != (1u << NR_BUFS) - 1 ? EXIT_WRONG : EXIT_RIGHT;
}

/*
 * vivid shows noise where the output has no frame for it: at the start, and
 * whenever this program was too slow. That is no error, but has to stay the
 * minority. A frame that shows one of the patterns, but not the whole of it, is
 * an error.
 */
static int run_output(int fd, size_t sizeimage, int cap, size_t cap_sizeimage,
		      struct buffer *bufs, unsigned int frames)
{
	const enum v4l2_buf_type out = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	const enum v4l2_buf_type in = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned int n, k, good = 0, noise = 0, torn = 0, fresh = 0;
	unsigned int seen = 0, oldest;
	uint32_t next = 0, newest = 0;
	void *maps[NR_BUFS];

	if (cap_sizeimage != sizeimage)
		die(EXIT_WRONG, "sizes differ: output %zu, capture %zu",
		    sizeimage, cap_sizeimage);
	for (n = 0; n < NR_BUFS; n++)
		pattern_fill(&bufs[n], ++next);
	reqbufs(fd, out, V4L2_MEMORY_DMABUF, NR_BUFS);
	queue_all(fd, out, bufs, sizeimage);
	mmap_buffers(cap, sizeimage, maps);
	stream(fd, out, true);
	stream(cap, in, true);

	for (n = 0; good < frames && n < 10 * frames; n++) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		int i = dqbuf(cap, in, V4L2_MEMORY_MMAP);

		if (i < 0)
			die(EXIT_WRONG, "frame %u: error flag", n);
		/* Those queued when this frame was made are among these. */
		oldest = next > 4 * NR_BUFS ? next - 4 * NR_BUFS : 0;
		for (k = next; k > oldest; k--)
			if (pattern_in(maps[i], sizeimage, k))
				break;
		if (k > oldest && !pattern_is(maps[i], sizeimage, k)) {
			torn++;
		} else if (k > oldest) {
			good++;
			if (k > newest) {
				newest = k;
				fresh++;
			}
		} else {
			noise++;
		}
		if (qbuf_mmap(cap, in, i) < 0)
			die(EXIT_WRONG, "QBUF: %s", strerror(errno));

		while (poll(&pfd, 1, 0) == 1) {
			i = dqbuf(fd, out, V4L2_MEMORY_DMABUF);
			if (i < 0)
				die(EXIT_WRONG, "output: error flag");
			seen |= 1u << i;
			pattern_fill(&bufs[i], ++next);
			if (qbuf_fd(fd, out, i, &bufs[i], sizeimage) < 0)
				die(EXIT_WRONG, "output QBUF: %s",
				    strerror(errno));
		}
	}
	stream(cap, in, false);
	stream(fd, out, false);
	for (n = 0; n < NR_BUFS; n++)
		munmap(maps[n], sizeimage);
	reqbufs(cap, in, V4L2_MEMORY_MMAP, 0);
	reqbufs(fd, out, V4L2_MEMORY_DMABUF, 0);
	printf("frames %u fresh %u noise %u torn %u\n", good, fresh, noise,
	       torn);
	return torn || good < frames || fresh < NR_BUFS || noise > good ||
	       seen != (1u << NR_BUFS) - 1 ? EXIT_WRONG : EXIT_RIGHT;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: foreign -d DEVICE [-c LOOPED-CAPTURE] -e EXPORTER\n"
		"               [-l contiguous|scattered] [-n FRAMES]\n"
		"EXPORTER: " FOREIGN_EXPORTERS "\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *device = NULL, *looped = NULL, *exporter = NULL;
	size_t sizeimage, cap_sizeimage;
	struct buffer bufs[NR_BUFS] = { };
	enum v4l2_buf_type type, cap_type;
	enum foreign_layout want = FOREIGN_ANY;
	unsigned int frames = 10;
	int opt, fd, cap;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((opt = getopt(argc, argv, "d:c:e:l:n:")) != -1) {
		switch (opt) {
		case 'd':
			device = optarg;
			break;
		case 'c':
			looped = optarg;
			break;
		case 'e':
			exporter = optarg;
			break;
		case 'l':
			if (!strcmp(optarg, "contiguous"))
				want = FOREIGN_CONTIGUOUS;
			else if (!strcmp(optarg, "scattered"))
				want = FOREIGN_SCATTERED;
			else
				return usage();
			break;
		case 'n':
			frames = strtoul(optarg, NULL, 0);
			break;
		default:
			return usage();
		}
	}
	if (!device || !exporter || !frames)
		return usage();

	fd = video_open(device, &type, &sizeimage);
	buffers_get(bufs, exporter, sizeimage, want);
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return run_capture(fd, sizeimage, bufs, frames);
	if (!looped)
		return usage();
	cap = video_open(looped, &cap_type, &cap_sizeimage);
	return run_output(fd, sizeimage, cap, cap_sizeimage, bufs, frames);
}
