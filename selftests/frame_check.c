// SPDX-License-Identifier: GPL-2.0
/*
 * frame_check: are vbcam's frames what the camera sent?
 *
 * Streams from a vbcam node, or reads frames from a file, and checks each
 * frame's header, number and checksum (drivers/vbcam/vbcam-frame.h). Prints
 *
 *	frames N lost N bad N
 *
 * and exits with 0 if all frames asked for came and none was bad; with 1 if
 * not; with 2 if it could not be tried. Lost frames, for which the camera had
 * no buffer, are no failure unless -l says so.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
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

#include "../drivers/vbcam/vbcam-frame.h"

#define MAX_BUFS	32
#define MAX_PLANES	2
#define MAX_REPORTS	5

enum mode { MODE_MMAP, MODE_EXPBUF, MODE_USERPTR, MODE_DMABUF, MODE_READ };

static const char * const mode_names[] = {
	"mmap", "expbuf", "userptr", "dmabuf", "read", NULL
};

/* How the CPU reaches a plane. */
struct plane {
	void *data;
	size_t size;
	int fd;			/* of its dma-buf, or -1 */
};

struct node {
	int fd;
	enum v4l2_buf_type type;
	unsigned int planes;
	unsigned int sizeimage[MAX_PLANES];
};

static struct {
	const char *device;
	const char *exporter;
	const char *file;
	enum mode mode;
	unsigned int frames;
	unsigned int buffers;
	unsigned int width, height;
	uint32_t fourcc;
	unsigned int fps;
	unsigned int offset;
	bool noncoherent;
	bool lost_is_bad;
} opt = { .frames = 60, .buffers = 4, .fps = 1000 };

static struct {
	unsigned int frames, lost, bad;
} result;

/* Somebody has had enough. */
static volatile sig_atomic_t stopped;

static uint32_t crc_table[256];

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2),
						     noreturn));

static void die(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "frame_check: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

static void bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void bad(const char *fmt, ...)
{
	va_list args;

	if (++result.bad > MAX_REPORTS)
		return;

	printf("# frame %u: ", result.frames);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static void xioctl(int fd, unsigned long request, void *arg, const char *what)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		die("%s: %s", what, strerror(errno));
}

static void crc_init(void)
{
	unsigned int i, bit;

	for (i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
		crc_table[i] = crc;
	}
}

static uint32_t crc_add(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size--)
		crc = (crc >> 8) ^ crc_table[(crc ^ *p++) & 0xff];

	return crc;
}

/* Is there one that can be believed? */
static bool check_header(const struct vbcam_frame_header *header)
{
	uint32_t crc = ~crc_add(~0u, header, offsetof(typeof(*header),
						      header_crc));

	if (le32toh(header->magic) != VBCAM_FRAME_MAGIC) {
		bad("no header");
		return false;
	}
	if (le32toh(header->header_crc) != crc) {
		bad("broken header");
		return false;
	}
	if (le16toh(header->version) != VBCAM_FRAME_VERSION ||
	    le16toh(header->header_size) != sizeof(*header))
		die("header of version %u, size %u", le16toh(header->version),
		    le16toh(header->header_size));

	return true;
}

static void check_counter(uint32_t counter)
{
	static uint32_t next;

	if (counter < next)
		bad("number %u after %u", counter, next - 1);
	else
		result.lost += counter - next;
	next = counter + 1;
}

/* @sequence: the number that the frame should have, or -1 */
static void check_frame(const struct plane *planes, unsigned int nr_planes,
			const unsigned int *used, int64_t sequence)
{
	struct vbcam_frame_header header;
	size_t skip = sizeof(header), size = 0;
	uint32_t crc = ~0u;
	unsigned int i;

	result.frames++;
	if (used[0] < sizeof(header)) {
		bad("%u bytes", used[0]);
		return;
	}

	memcpy(&header, planes[0].data, sizeof(header));
	if (!check_header(&header))
		return;

	check_counter(le32toh(header.counter));
	if (sequence >= 0 && le32toh(header.counter) != sequence)
		bad("number %u in the frame, %u in the buffer",
		    le32toh(header.counter), (unsigned int)sequence);

	for (i = 0; i < nr_planes; i++) {
		crc = crc_add(crc, (uint8_t *)planes[i].data + skip,
			      used[i] - skip);
		size += used[i] - skip;
		skip = 0;
	}
	if (le32toh(header.picture_size) != size)
		bad("%zu bytes of picture, not %u", size,
		    le32toh(header.picture_size));
	else if (le32toh(header.picture_crc) != (uint32_t)~crc)
		bad("wrong checksum");
}

static void node_open(struct node *node, const char *path)
{
	struct v4l2_capability cap = { 0 };

	node->fd = open(path, O_RDWR);
	if (node->fd < 0)
		die("%s: %s", path, strerror(errno));

	xioctl(node->fd, VIDIOC_QUERYCAP, &cap, "QUERYCAP");
	node->type = cap.device_caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE ?
		     V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
		     V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

/* What the first node made of the format, the second one must have too. */
static void set_wanted(unsigned int width, unsigned int height, uint32_t fourcc)
{
	if (opt.fourcc && fourcc != opt.fourcc)
		die("a node does not have that format");

	opt.width = width;
	opt.height = height;
	opt.fourcc = fourcc;
}

static void node_set_fmt(struct node *node)
{
	struct v4l2_format fmt = { .type = node->type };
	unsigned int i;

	xioctl(node->fd, VIDIOC_G_FMT, &fmt, "G_FMT");
	if (node->type == V4L2_BUF_TYPE_VIDEO_CAPTURE) {
		if (opt.width) {
			fmt.fmt.pix.width = opt.width;
			fmt.fmt.pix.height = opt.height;
		}
		if (opt.fourcc)
			fmt.fmt.pix.pixelformat = opt.fourcc;
		/* Those of another width are none that are wanted. */
		fmt.fmt.pix.bytesperline = 0;
		fmt.fmt.pix.sizeimage = 0;
		xioctl(node->fd, VIDIOC_S_FMT, &fmt, "S_FMT");
		node->planes = 1;
		node->sizeimage[0] = fmt.fmt.pix.sizeimage;
		set_wanted(fmt.fmt.pix.width, fmt.fmt.pix.height,
			   fmt.fmt.pix.pixelformat);
		return;
	}

	if (opt.width) {
		fmt.fmt.pix_mp.width = opt.width;
		fmt.fmt.pix_mp.height = opt.height;
	}
	if (opt.fourcc)
		fmt.fmt.pix_mp.pixelformat = opt.fourcc;
	memset(fmt.fmt.pix_mp.plane_fmt, 0, sizeof(fmt.fmt.pix_mp.plane_fmt));
	xioctl(node->fd, VIDIOC_S_FMT, &fmt, "S_FMT");
	node->planes = fmt.fmt.pix_mp.num_planes;
	if (node->planes > MAX_PLANES)
		die("%u planes", node->planes);
	for (i = 0; i < node->planes; i++)
		node->sizeimage[i] = fmt.fmt.pix_mp.plane_fmt[i].sizeimage;
	set_wanted(fmt.fmt.pix_mp.width, fmt.fmt.pix_mp.height,
		   fmt.fmt.pix_mp.pixelformat);
}

static void node_set_fps(struct node *node)
{
	struct v4l2_streamparm parm = { .type = node->type };

	parm.parm.capture.timeperframe.numerator = 1;
	parm.parm.capture.timeperframe.denominator = opt.fps;
	xioctl(node->fd, VIDIOC_S_PARM, &parm, "S_PARM");
}

static void node_reqbufs(struct node *node, unsigned int memory)
{
	struct v4l2_requestbuffers req = {
		.type	= node->type,
		.memory	= memory,
		.count	= opt.buffers,
	};

	if (opt.noncoherent && memory == V4L2_MEMORY_MMAP)
		req.flags = V4L2_MEMORY_FLAG_NON_COHERENT;
	xioctl(node->fd, VIDIOC_REQBUFS, &req, "REQBUFS");
	if (req.count > MAX_BUFS)
		die("%u buffers", req.count);
	opt.buffers = req.count;
}

/* In the multi-planar API, @planes are the buffer's. */
static void buf_init(struct v4l2_buffer *buf, struct v4l2_plane *planes,
		     const struct node *node, unsigned int memory)
{
	memset(buf, 0, sizeof(*buf));
	memset(planes, 0, sizeof(*planes) * MAX_PLANES);
	buf->type = node->type;
	buf->memory = memory;
	if (node->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
		buf->m.planes = planes;
		buf->length = node->planes;
	}
}

static void map_mmap(const struct node *node, unsigned int index,
		     struct plane *plane)
{
	struct v4l2_plane planes[MAX_PLANES];
	struct v4l2_buffer buf;
	unsigned int i;

	buf_init(&buf, planes, node, V4L2_MEMORY_MMAP);
	buf.index = index;
	xioctl(node->fd, VIDIOC_QUERYBUF, &buf, "QUERYBUF");
	if (node->type == V4L2_BUF_TYPE_VIDEO_CAPTURE) {
		planes[0].length = buf.length;
		planes[0].m.mem_offset = buf.m.offset;
	}

	for (i = 0; i < node->planes; i++) {
		plane[i].fd = -1;
		plane[i].size = planes[i].length;
		plane[i].data = mmap(NULL, plane[i].size,
				     PROT_READ | PROT_WRITE, MAP_SHARED,
				     node->fd, planes[i].m.mem_offset);
		if (plane[i].data == MAP_FAILED)
			die("mmap: %s", strerror(errno));
	}
}

static void map_expbuf(const struct node *node, unsigned int index,
		       struct plane *plane)
{
	unsigned int i;

	for (i = 0; i < node->planes; i++) {
		struct v4l2_exportbuffer exp = {
			.type	= node->type,
			.index	= index,
			.plane	= i,
			.flags	= O_RDWR | O_CLOEXEC,
		};

		xioctl(node->fd, VIDIOC_EXPBUF, &exp, "EXPBUF");
		plane[i].fd = exp.fd;
		plane[i].size = lseek(exp.fd, 0, SEEK_END);
		plane[i].data = mmap(NULL, plane[i].size,
				     PROT_READ | PROT_WRITE, MAP_SHARED,
				     exp.fd, 0);
		if (plane[i].data == MAP_FAILED)
			die("mmap of a dma-buf: %s", strerror(errno));
	}
}

static void map_user(const struct node *node, struct plane *plane)
{
	unsigned int i;

	for (i = 0; i < node->planes; i++) {
		void *mem;

		if (posix_memalign(&mem, 4096,
				   node->sizeimage[i] + opt.offset))
			die("out of memory");
		plane[i].fd = -1;
		plane[i].size = node->sizeimage[i];
		plane[i].data = (uint8_t *)mem + opt.offset;
		memset(plane[i].data, 0xa5, plane[i].size);
	}
}

static void cpu_access(const struct plane *plane, unsigned int nr_planes,
		       uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_READ };
	unsigned int i;

	for (i = 0; i < nr_planes; i++)
		if (plane[i].fd >= 0)
			xioctl(plane[i].fd, DMA_BUF_IOCTL_SYNC, &sync,
			       "DMA_BUF_IOCTL_SYNC");
}

static void queue(const struct node *node, unsigned int index,
		  unsigned int memory, const struct plane *plane)
{
	struct v4l2_plane planes[MAX_PLANES];
	struct v4l2_buffer buf;
	unsigned int i;

	buf_init(&buf, planes, node, memory);
	buf.index = index;
	for (i = 0; i < node->planes; i++) {
		planes[i].length = plane[i].size;
		if (memory == V4L2_MEMORY_USERPTR)
			planes[i].m.userptr = (unsigned long)plane[i].data;
		else if (memory == V4L2_MEMORY_DMABUF)
			planes[i].m.fd = plane[i].fd;
	}
	if (node->type == V4L2_BUF_TYPE_VIDEO_CAPTURE) {
		buf.length = planes[0].length;
		if (memory == V4L2_MEMORY_USERPTR)
			buf.m.userptr = planes[0].m.userptr;
		else if (memory == V4L2_MEMORY_DMABUF)
			buf.m.fd = planes[0].m.fd;
	}
	xioctl(node->fd, VIDIOC_QBUF, &buf, "QBUF");
}

static unsigned int dequeue(const struct node *node, unsigned int memory,
			    struct plane (*bufs)[MAX_PLANES])
{
	struct pollfd pfd = { .fd = node->fd, .events = POLLIN };
	struct v4l2_plane planes[MAX_PLANES];
	unsigned int used[MAX_PLANES], i;
	struct v4l2_buffer buf;
	int ret;

	do {
		ret = poll(&pfd, 1, 60 * 1000);
	} while (ret < 0 && errno == EINTR);
	if (ret != 1)
		die("no frame in a minute");

	buf_init(&buf, planes, node, memory);
	xioctl(node->fd, VIDIOC_DQBUF, &buf, "DQBUF");
	if (buf.flags & V4L2_BUF_FLAG_ERROR) {
		result.frames++;
		bad("device fault");
		return buf.index;
	}

	for (i = 0; i < node->planes; i++)
		used[i] = planes[i].bytesused;
	if (node->type == V4L2_BUF_TYPE_VIDEO_CAPTURE)
		used[0] = buf.bytesused;

	cpu_access(bufs[buf.index], node->planes, DMA_BUF_SYNC_START);
	check_frame(bufs[buf.index], node->planes, used, buf.sequence);
	cpu_access(bufs[buf.index], node->planes, DMA_BUF_SYNC_END);

	return buf.index;
}

static void check_streaming(void)
{
	struct plane bufs[MAX_BUFS][MAX_PLANES];
	struct node node = { 0 }, exporter = { 0 };
	unsigned int i, memory = V4L2_MEMORY_MMAP;

	if (opt.mode == MODE_USERPTR)
		memory = V4L2_MEMORY_USERPTR;
	else if (opt.mode == MODE_DMABUF)
		memory = V4L2_MEMORY_DMABUF;

	node_open(&node, opt.device);
	node_set_fmt(&node);
	node_set_fps(&node);
	node_reqbufs(&node, memory);
	if (opt.mode == MODE_DMABUF) {
		node_open(&exporter, opt.exporter);
		node_set_fmt(&exporter);
		node_reqbufs(&exporter, V4L2_MEMORY_MMAP);
	}

	for (i = 0; i < opt.buffers; i++) {
		switch (opt.mode) {
		case MODE_MMAP:
			map_mmap(&node, i, bufs[i]);
			break;
		case MODE_EXPBUF:
			map_expbuf(&node, i, bufs[i]);
			break;
		case MODE_DMABUF:
			map_expbuf(&exporter, i, bufs[i]);
			break;
		default:
			map_user(&node, bufs[i]);
			break;
		}
		queue(&node, i, memory, bufs[i]);
	}

	xioctl(node.fd, VIDIOC_STREAMON, &node.type, "STREAMON");
	while (result.frames < opt.frames && !stopped) {
		i = dequeue(&node, memory, bufs);
		queue(&node, i, memory, bufs[i]);
	}
	xioctl(node.fd, VIDIOC_STREAMOFF, &node.type, "STREAMOFF");
}

static void check_read(void)
{
	struct node node = { 0 };
	struct plane plane;

	node_open(&node, opt.device);
	node_set_fmt(&node);
	node_set_fps(&node);
	if (node.planes != 1)
		die("read() is for one plane");

	plane.data = malloc(node.sizeimage[0]);
	if (!plane.data)
		die("out of memory");

	while (result.frames < opt.frames) {
		ssize_t got = read(node.fd, plane.data, node.sizeimage[0]);
		unsigned int used = got;

		if (got < 0)
			die("read: %s", strerror(errno));
		check_frame(&plane, 1, &used, -1);
	}
}

/* Frames say themselves how long they are. */
static void check_file(void)
{
	struct vbcam_frame_header header;
	FILE *file = strcmp(opt.file, "-") ? fopen(opt.file, "r") : stdin;

	if (!file)
		die("%s: %s", opt.file, strerror(errno));

	opt.frames = 0;
	while (fread(&header, sizeof(header), 1, file) == 1) {
		struct plane plane;
		unsigned int used;

		opt.frames++;
		if (!check_header(&header)) {
			result.frames++;
			break;
		}
		used = sizeof(header) + le32toh(header.picture_size);
		plane.data = malloc(used);
		if (!plane.data)
			die("out of memory");
		memcpy(plane.data, &header, sizeof(header));
		if (fread((uint8_t *)plane.data + sizeof(header),
			  used - sizeof(header), 1, file) != 1) {
			bad("cut short");
			break;
		}
		check_frame(&plane, 1, &used, -1);
		free(plane.data);
	}
	if (ferror(file))
		die("%s: %s", opt.file, strerror(errno));
	if (!opt.frames)
		bad("nothing there");
}

static void usage(void)
{
	fprintf(stderr,
		"frame_check [OPTIONS] DEVICE   check a vbcam node's frames\n"
		"frame_check -i FILE            check frames kept in a file\n"
		"  -n FRAMES        number of frames (60), or fewer at SIGINT\n"
		"  -b BUFFERS       number of buffers (4)\n"
		"  -s WIDTHxHEIGHT  frame size\n"
		"  -f FOURCC        pixel format\n"
		"  -r RATE          frames a second (as fast as can be)\n"
		"  -m MODE          mmap; expbuf, the same mapped through its\n"
		"                   dma-buf; userptr; dmabuf; or read\n"
		"  -e DEVICE        dmabuf: the node that exports\n"
		"  -o BYTES         userptr: offset in a page\n"
		"  -c               non-coherent memory\n"
		"  -l               a lost frame is a failure\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	unsigned int i;
	int c;

	while ((c = getopt(argc, argv, "n:b:s:f:r:m:e:o:i:cl")) != -1) {
		switch (c) {
		case 'n':
			opt.frames = atoi(optarg);
			break;
		case 'b':
			opt.buffers = atoi(optarg);
			break;
		case 's':
			if (sscanf(optarg, "%ux%u", &opt.width,
				   &opt.height) != 2)
				usage();
			break;
		case 'f':
			if (strlen(optarg) != 4)
				usage();
			opt.fourcc = v4l2_fourcc(optarg[0], optarg[1],
						 optarg[2], optarg[3]);
			break;
		case 'r':
			opt.fps = atoi(optarg);
			break;
		case 'm':
			for (i = 0; mode_names[i]; i++)
				if (!strcmp(mode_names[i], optarg))
					break;
			if (!mode_names[i])
				usage();
			opt.mode = i;
			break;
		case 'e':
			opt.exporter = optarg;
			break;
		case 'o':
			opt.offset = atoi(optarg);
			break;
		case 'i':
			opt.file = optarg;
			break;
		case 'c':
			opt.noncoherent = true;
			break;
		case 'l':
			opt.lost_is_bad = true;
			break;
		default:
			usage();
		}
	}
	opt.device = argv[optind];
	if (!opt.device == !opt.file)
		usage();
	if (opt.mode == MODE_DMABUF ? !opt.exporter : !!opt.exporter)
		usage();
}

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };

	parse(argc, argv);
	crc_init();
	sigaction(SIGINT, &action, NULL);

	if (opt.file)
		check_file();
	else if (opt.mode == MODE_READ)
		check_read();
	else
		check_streaming();

	printf("frames %u lost %u bad %u\n", result.frames, result.lost,
	       result.bad);

	return (result.frames != opt.frames && !stopped) || result.bad ||
	       (opt.lost_is_bad && result.lost);
}
