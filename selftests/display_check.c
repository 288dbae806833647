// SPDX-License-Identifier: GPL-2.0
/*
 * display_check: does vbdisp show what it is sent?
 *
 * Sends frames of random bytes, padding included, to a vbdisp node, and
 * compares what the display says in debugfs of what it has read (docs/vbdisp.md)
 * with what was sent: number and sums of the frames, and the picture. Prints
 *
 *	frames N repeated N torn N errors N bad N
 *
 * and exits with 0 if all frames were shown as they were sent; with 1 if not;
 * with 2 if it could not be tried. Two options put this judge on trial: with -k
 * one byte of the last frame is not the one that was summed up, which has to
 * end with 1; with -t one byte of the frame on screen is changed while it is
 * there, and the display has to see it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define MAX_BUFS	32
#define MAX_PLANES	2
#define MAX_REPORTS	5
#define WAIT_S		60
#define CHROMA		0x10000		/* VBDMA_SUM_CHROMA */

enum mode {
	MODE_MMAP, MODE_EXPBUF, MODE_USERPTR, MODE_DMABUF, MODE_UDMABUF
};

static const char * const mode_names[] = {
	"mmap", "expbuf", "userptr", "dmabuf", "udmabuf", NULL
};

static struct {
	const char *device, *exporter;
	enum mode mode;
	unsigned int frames, buffers, repeats;
	unsigned int width, height, fourcc;
	unsigned int line, offset, hz;
	bool bt601, full;
	bool noncoherent, wrong, tear;
} opt = {
	.frames = 8, .buffers = 3, .width = 640, .height = 480,
	.fourcc = V4L2_PIX_FMT_YUYV, .hz = 60,
};

/* How a frame lies in memory. */
static struct {
	unsigned int planes, bpp;
	bool nv12;
	unsigned int stride[MAX_PLANES], size[MAX_PLANES];
} lay;

static struct {
	unsigned char *data;
	size_t size;
	int fd;			/* of its dma-buf, or -1 */
} mem[MAX_BUFS][MAX_PLANES];

struct stats {
	unsigned long long frames, repeated, torn, dropped, errors;
	unsigned long long last_sum, sum_of_sums;
	unsigned long long ended;	/* frames, well or in error */
};

static uint32_t crc_table[256];
static struct ksft_rand rng;
static char debugfs[64];
static unsigned int nr_bad;

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2),
						     noreturn));

static void die(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "display_check: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

/* What v4l2.c ends a test with: here it means that there was none. */
void ksft_fail_at(int how, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	(void)how;
	fprintf(stderr, "display_check: %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

const char *ksft_errno(int err)
{
	return strerror(err);
}

static void bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void bad(const char *fmt, ...)
{
	va_list args;

	if (++nr_bad > MAX_REPORTS)
		return;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

/*
 * What the display says
 */

/* The node's name, "vbdisp.0", is that of its directory in debugfs. */
static void find_debugfs(const char *path)
{
	char name[64], file[128];
	struct stat st;
	FILE *f;

	if (stat(path, &st))
		die("%s: %s", path, strerror(errno));
	snprintf(file, sizeof(file), "/sys/dev/char/%u:%u/name",
		 major(st.st_rdev), minor(st.st_rdev));
	f = fopen(file, "re");
	if (!f || fscanf(f, "%31s", name) != 1)
		die("%s: no name", path);
	fclose(f);
	snprintf(debugfs, sizeof(debugfs), "/sys/kernel/debug/vbdisp/%.31s",
		 name);
}

static void read_stats(struct stats *s)
{
	const struct {
		const char *name;
		unsigned long long *value;
	} lines[] = {
		{ "frames", &s->frames }, { "repeated", &s->repeated },
		{ "torn", &s->torn }, { "dropped", &s->dropped },
		{ "errors", &s->errors }, { "last_sum", &s->last_sum },
		{ "sum_of_sums", &s->sum_of_sums },
	};
	char file[128], line[128], name[64], value[64];
	size_t i, found = 0;
	FILE *f;

	snprintf(file, sizeof(file), "%s/stats", debugfs);
	f = fopen(file, "re");
	if (!f)
		die("%s: %s", file, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %63s", name, value) != 2)
			continue;
		for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			if (strcmp(name, lines[i].name))
				continue;
			*lines[i].value = strtoull(value, NULL, 0);
			found++;
		}
	}
	fclose(f);
	if (found != sizeof(lines) / sizeof(lines[0]))
		die("%s: lines are missing", file);
	s->ended = s->frames + s->errors;
}

/* Waits until one of the counts, which is in @s, is @want more than before. */
static bool await(struct stats *s, const unsigned long long *count,
		  unsigned long long want)
{
	unsigned long long until = *count + want;
	int i;

	for (i = 0; i < WAIT_S * 100; i++) {
		read_stats(s);
		if (*count >= until)
			return true;
		usleep(10000);
	}
	return false;
}

/*
 * Frames
 */

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

static uint32_t crc_add(uint32_t crc, const unsigned char *p, size_t size)
{
	while (size--)
		crc = (crc >> 8) ^ crc_table[(crc ^ *p++) & 0xff];

	return crc;
}

static unsigned char *chroma(unsigned int index)
{
	if (lay.planes == 2)
		return mem[index][1].data;

	return mem[index][0].data + (size_t)lay.stride[0] * opt.height;
}

static unsigned int chroma_stride(void)
{
	return lay.stride[lay.planes - 1];
}

/* As vbdma-sum.c has it: only what is visible counts, line by line. */
static uint32_t sum_frame(unsigned int index)
{
	unsigned int i;
	uint32_t sum = 0;

	for (i = 0; i < opt.height; i++)
		sum += crc_add(~i, mem[index][0].data +
				   (size_t)i * lay.stride[0],
			       opt.width * lay.bpp);
	for (i = 0; lay.nv12 && i < opt.height / 2; i++)
		sum += crc_add(~(CHROMA + i), chroma(index) +
				   (size_t)i * chroma_stride(), opt.width);

	return sum;
}

unsigned long long ksft_rand(struct ksft_rand *r)
{
	/* xorshift64* */
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 2685821657736338717ULL;
}

static void cpu_access(unsigned int index, uint64_t flags)
{
	unsigned int i;

	for (i = 0; i < lay.planes; i++)
		if (mem[index][i].fd >= 0 &&
		    dmabuf_sync(mem[index][i].fd, flags | DMA_BUF_SYNC_RW))
			die("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
}

static void change_one_byte(unsigned int index)
{
	unsigned long long r = ksft_rand(&rng);
	size_t line = (r >> 32) % opt.height;
	size_t byte = (r & 0xffffffff) % (opt.width * lay.bpp);

	mem[index][0].data[line * lay.stride[0] + byte] ^= 1 << (r % 8);
}

/* Returns the sum of the frame, which with @wrong is not what is in there. */
static uint32_t make_frame(unsigned int index, bool wrong)
{
	unsigned long long r;
	unsigned int i;
	uint32_t sum;
	size_t k;

	cpu_access(index, DMA_BUF_SYNC_START);
	for (i = 0; i < lay.planes; i++) {
		for (k = 0; k + 8 <= mem[index][i].size; k += 8) {
			r = ksft_rand(&rng);
			memcpy(mem[index][i].data + k, &r, 8);
		}
	}
	sum = sum_frame(index);
	if (wrong)
		change_one_byte(index);
	cpu_access(index, DMA_BUF_SYNC_END);

	return sum;
}

/*
 * The picture
 */

static int clamp_sample(double v)
{
	long l = lround(v);

	return l < 0 ? 0 : l > 255 ? 255 : l;
}

static void want_yuv(int luma, int cb, int cr, int *rgb)
{
	double kr = opt.bt601 ? 0.299 : 0.2126, kb = opt.bt601 ? 0.114 : 0.0722;
	double y = opt.full ? luma : (luma - 16) * 255.0 / 219;
	double u = (cb - 128) * (opt.full ? 1.0 : 255.0 / 224);
	double v = (cr - 128) * (opt.full ? 1.0 : 255.0 / 224);
	double r = y + 2 * (1 - kr) * v, b = y + 2 * (1 - kb) * u;

	rgb[0] = clamp_sample(r);
	rgb[1] = clamp_sample((y - kr * r - kb * b) / (1 - kr - kb));
	rgb[2] = clamp_sample(b);
}

static void want_pixel(unsigned int index, unsigned int x, unsigned int y,
		       int *rgb)
{
	const unsigned char *line = mem[index][0].data +
				    (size_t)y * lay.stride[0];
	const unsigned char *uv;

	if (lay.nv12) {
		uv = chroma(index) + (size_t)(y / 2) * chroma_stride() +
		     x / 2 * 2;
		want_yuv(line[x], uv[0], uv[1], rgb);
	} else if (lay.bpp == 2) {
		uv = line + x / 2 * 4;
		want_yuv(line[x * 2], uv[1], uv[3], rgb);
	} else {
		rgb[0] = line[x * 4 + 2];
		rgb[1] = line[x * 4 + 1];
		rgb[2] = line[x * 4];
	}
}

static void check_line(unsigned int index, unsigned int y,
		       const unsigned char *ppm, int tolerance)
{
	unsigned int x, c;
	int rgb[3];

	for (x = 0; x < opt.width; x++, ppm += 3) {
		want_pixel(index, x, y, rgb);
		for (c = 0; c < 3; c++)
			if (abs(rgb[c] - ppm[c]) > tolerance)
				break;
		if (c < 3)
			bad("pixel %u,%u is %u %u %u, not %d %d %d", x, y,
			    ppm[0], ppm[1], ppm[2], rgb[0], rgb[1], rgb[2]);
	}
}

/* RGB has to be the same; a conversion may round differently. */
static void check_picture(unsigned int index)
{
	unsigned int width, height, max, y;
	unsigned char *line = malloc(opt.width * 3);
	char file[128];
	FILE *f;

	snprintf(file, sizeof(file), "%s/frame.ppm", debugfs);
	f = fopen(file, "re");
	if (!f || !line) {
		bad("%s: %s", file, strerror(errno));
		return;
	}
	if (fscanf(f, "P6\n%u %u\n%u", &width, &height, &max) != 3 ||
	    fgetc(f) != '\n' || width != opt.width || height != opt.height ||
	    max != 255) {
		bad("frame.ppm: not the right header");
	} else {
		cpu_access(index, DMA_BUF_SYNC_START);
		for (y = 0; y < height; y++) {
			if (fread(line, 3, width, f) != width) {
				bad("frame.ppm ends at line %u", y);
				break;
			}
			check_line(index, y, line, lay.bpp == 4 ? 0 : 1);
		}
		cpu_access(index, DMA_BUF_SYNC_END);
		if (y == height && fgetc(f) != EOF)
			bad("frame.ppm goes on");
	}
	fclose(f);
	free(line);
}

/*
 * The node
 */

/* vnode_open() knows the drivers of the other tests only. */
static struct vnode *open_node(const char *path)
{
	struct vnode *n = calloc(1, sizeof(*n));
	struct v4l2_capability cap;
	unsigned int caps;

	CHECK(n);
	n->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (n->fd < 0)
		die("%s: %s", path, strerror(errno));
	CHECK_OK(xioctl(n->fd, VIDIOC_QUERYCAP, &cap));
	caps = cap.device_caps;
	snprintf(n->path, sizeof(n->path), "%s", path);
	n->flags = caps & (V4L2_CAP_VIDEO_CAPTURE_MPLANE |
			   V4L2_CAP_VIDEO_OUTPUT_MPLANE) ?
		   NODE_MPLANE : NODE_SPLANE;
	n->flags |= caps & (V4L2_CAP_VIDEO_OUTPUT |
			    V4L2_CAP_VIDEO_OUTPUT_MPLANE) ?
		    NODE_OUT : NODE_CAP;
	if (n->flags & NODE_OUT)
		n->type = n->flags & NODE_MPLANE ?
			  V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
			  V4L2_BUF_TYPE_VIDEO_OUTPUT;
	else
		n->type = n->flags & NODE_MPLANE ?
			  V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
			  V4L2_BUF_TYPE_VIDEO_CAPTURE;

	return n;
}

static void set_colour(struct v4l2_format *f, bool mplane)
{
	unsigned int enc = opt.bt601 ? V4L2_YCBCR_ENC_601 : V4L2_YCBCR_ENC_709;
	unsigned int quant = opt.full ? V4L2_QUANTIZATION_FULL_RANGE :
					V4L2_QUANTIZATION_LIM_RANGE;

	if (mplane) {
		f->fmt.pix_mp.colorspace = V4L2_COLORSPACE_REC709;
		f->fmt.pix_mp.ycbcr_enc = enc;
		f->fmt.pix_mp.quantization = quant;
	} else {
		f->fmt.pix.priv = V4L2_PIX_FMT_PRIV_MAGIC;
		f->fmt.pix.colorspace = V4L2_COLORSPACE_REC709;
		f->fmt.pix.ycbcr_enc = enc;
		f->fmt.pix.quantization = quant;
	}
}

static bool has_colour(const struct v4l2_format *f, bool mplane)
{
	struct v4l2_format want = { 0 };

	set_colour(&want, mplane);
	if (mplane)
		return f->fmt.pix_mp.ycbcr_enc == want.fmt.pix_mp.ycbcr_enc &&
		       f->fmt.pix_mp.quantization ==
					want.fmt.pix_mp.quantization;

	return f->fmt.pix.ycbcr_enc == want.fmt.pix.ycbcr_enc &&
	       f->fmt.pix.quantization == want.fmt.pix.quantization;
}

/*
 * Asks for the lines and sizes in lay, where they are not 0, and takes back
 * what there is. What the first node has, the second one must take.
 */
static void set_format(struct vnode *n)
{
	struct v4l2_format f = { .type = n->type };
	bool mplane = n->flags & NODE_MPLANE;
	unsigned int i, line, size;

	if (mplane) {
		f.fmt.pix_mp.width = opt.width;
		f.fmt.pix_mp.height = opt.height;
		f.fmt.pix_mp.pixelformat = opt.fourcc;
		for (i = 0; i < MAX_PLANES; i++) {
			f.fmt.pix_mp.plane_fmt[i].bytesperline = lay.stride[i];
			f.fmt.pix_mp.plane_fmt[i].sizeimage = lay.size[i];
		}
	} else {
		f.fmt.pix.width = opt.width;
		f.fmt.pix.height = opt.height;
		f.fmt.pix.pixelformat = opt.fourcc;
		f.fmt.pix.bytesperline = lay.stride[0];
		f.fmt.pix.sizeimage = lay.size[0];
	}
	set_colour(&f, mplane);
	CHECK_OK(xioctl(n->fd, VIDIOC_S_FMT, &f));

	n->width = mplane ? f.fmt.pix_mp.width : f.fmt.pix.width;
	n->height = mplane ? f.fmt.pix_mp.height : f.fmt.pix.height;
	n->fourcc = mplane ? f.fmt.pix_mp.pixelformat : f.fmt.pix.pixelformat;
	n->num_planes = mplane ? f.fmt.pix_mp.num_planes : 1;
	if (n->width != opt.width || n->height != opt.height ||
	    n->fourcc != opt.fourcc || n->num_planes > MAX_PLANES)
		die("%s: it does not take this format", n->path);
	if (n->flags & NODE_OUT && !has_colour(&f, mplane))
		bad("%s: another colorimetry", n->path);

	for (i = 0; i < n->num_planes; i++) {
		line = mplane ? f.fmt.pix_mp.plane_fmt[i].bytesperline :
				f.fmt.pix.bytesperline;
		size = mplane ? f.fmt.pix_mp.plane_fmt[i].sizeimage :
				f.fmt.pix.sizeimage;
		if ((lay.stride[i] && lay.stride[i] != line) ||
		    (lay.size[i] && lay.size[i] != size))
			bad("%s: lines of %u bytes, %u in all, not %u and %u",
			    n->path, line, size, lay.stride[i], lay.size[i]);
		lay.stride[i] = line;
		lay.size[i] = size;
		n->sizeimage[i] = size;
	}
	lay.planes = n->num_planes;
	lay.nv12 = n->fourcc == V4L2_PIX_FMT_NV12 ||
		   n->fourcc == V4L2_PIX_FMT_NV12M;
	lay.bpp = n->fourcc == V4L2_PIX_FMT_YUYV ? 2 :
		  n->fourcc == V4L2_PIX_FMT_XBGR32 ? 4 : 1;
}

static void set_rate(struct vnode *n)
{
	struct v4l2_streamparm parm = { .type = n->type };

	parm.parm.output.timeperframe.numerator = 1;
	parm.parm.output.timeperframe.denominator = opt.hz;
	CHECK_OK(xioctl(n->fd, VIDIOC_S_PARM, &parm));
}

/*
 * Memory
 */

static void map_dmabuf(unsigned int index, unsigned int plane, int fd)
{
	mem[index][plane].fd = fd;
	mem[index][plane].size = dmabuf_size(fd);
	mem[index][plane].data = dmabuf_mmap(fd, mem[index][plane].size);
}

static int make_udmabuf(size_t size)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	create.size = (size + 4095) / 4096 * 4096;
	create.memfd = memfd_create("frame", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (dev < 0 || (int)create.memfd < 0 ||
	    ftruncate(create.memfd, create.size) ||
	    fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		die("udmabuf: %s", strerror(errno));
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	if (fd < 0)
		die("UDMABUF_CREATE: %s", strerror(errno));
	close(create.memfd);
	close(dev);

	return fd;
}

static void get_memory(struct vnode *n, struct vnode *exporter,
		       unsigned int index, unsigned int plane)
{
	void *p;

	switch (opt.mode) {
	case MODE_MMAP:
		mem[index][plane].data = vnode_mmap(n, index, plane,
						    &mem[index][plane].size);
		return;
	case MODE_EXPBUF:
		map_dmabuf(index, plane,
			   CHECK_OK(vnode_expbuf(n, index, plane,
						 O_RDWR | O_CLOEXEC)));
		return;
	case MODE_DMABUF:
		map_dmabuf(index, plane,
			   CHECK_OK(vnode_expbuf(exporter, index, plane,
						 O_RDWR | O_CLOEXEC)));
		return;
	case MODE_UDMABUF:
		map_dmabuf(index, plane, make_udmabuf(lay.size[plane]));
		return;
	default:
		mem[index][plane].size = lay.size[plane];
		if (posix_memalign(&p, 4096, lay.size[plane] + opt.offset))
			die("out of memory");
		mem[index][plane].data = (unsigned char *)p + opt.offset;
	}
}

static unsigned int memory_type(void)
{
	switch (opt.mode) {
	case MODE_USERPTR:
		return V4L2_MEMORY_USERPTR;
	case MODE_DMABUF:
	case MODE_UDMABUF:
		return V4L2_MEMORY_DMABUF;
	default:
		return V4L2_MEMORY_MMAP;
	}
}

static void get_buffers(struct vnode *n, struct vnode *exporter)
{
	unsigned int flags = opt.noncoherent ? V4L2_MEMORY_FLAG_NON_COHERENT :
					       0;
	unsigned int i, k;
	long long got;

	for (i = 0; i < MAX_BUFS; i++)
		for (k = 0; k < MAX_PLANES; k++)
			mem[i][k].fd = -1;
	if (exporter)
		CHECK_OK(vnode_reqbufs_flags(exporter, opt.buffers,
					     V4L2_MEMORY_MMAP, flags));
	got = CHECK_OK(vnode_reqbufs_flags(n, opt.buffers, memory_type(),
					   exporter ? 0 : flags));
	if (got != opt.buffers)
		die("%lld buffers, not %u", got, opt.buffers);
	for (i = 0; i < opt.buffers; i++)
		for (k = 0; k < lay.planes; k++)
			get_memory(n, exporter, i, k);
}

/*
 * Streaming
 */

static void queue(struct vnode *n, unsigned int index)
{
	struct vbuf b;
	unsigned int i;

	vbuf_init(&b, n, index, memory_type());
	for (i = 0; i < lay.planes; i++) {
		b.p[i].length = mem[index][i].size;
		b.p[i].fd = mem[index][i].fd;
		b.p[i].userptr = mem[index][i].data;
	}
	CHECK_OK(vnode_qbuf(n, &b));
}

static unsigned int dequeue(struct vnode *n)
{
	static unsigned int next;
	struct vbuf b;

	CHECK_OK(vnode_dqbuf(n, memory_type(), &b));
	if (b.flags & V4L2_BUF_FLAG_ERROR)
		bad("frame %u: device fault", b.sequence);
	if (b.sequence != next)
		bad("frame %u came back instead of %u", b.sequence, next);
	next = b.sequence + 1;

	return b.index;
}

/* Returns what sum_of_sums should be in the end, and in *@sum the last one. */
static uint32_t send_frames(struct vnode *n, uint32_t sums, uint32_t *sum,
			    unsigned int *index)
{
	unsigned int i;

	for (i = 0; i < opt.frames; i++) {
		*index = i < opt.buffers ? i : dequeue(n);
		*sum = make_frame(*index, opt.wrong && i == opt.frames - 1);
		sums = (sums << 1 | sums >> 31) + *sum;
		queue(n, *index);
		if (i == opt.buffers - 1 ||
		    (i == opt.frames - 1 && i < opt.buffers))
			CHECK_OK(vnode_stream(n, true));
	}

	return sums;
}

static void tear(unsigned int index, struct stats *now)
{
	cpu_access(index, DMA_BUF_SYNC_START);
	change_one_byte(index);
	cpu_access(index, DMA_BUF_SYNC_END);
	if (!await(now, &now->torn, 1))
		bad("a change of the frame on screen was not seen");
}

static void check(struct vnode *n)
{
	struct stats before, now;
	uint32_t sum = 0, sums;
	unsigned int index = 0;

	read_stats(&before);
	sums = send_frames(n, before.sum_of_sums, &sum, &index);
	now = before;
	if (!await(&now, &now.ended, opt.frames))
		bad("%llu frames of %u were scanned out in a minute",
		    now.ended - before.ended, opt.frames);
	if (!await(&now, &now.repeated, opt.repeats))
		bad("the last frame was not repeated in a minute");

	if (now.frames - before.frames != opt.frames)
		bad("%llu frames were shown, not %u",
		    now.frames - before.frames, opt.frames);
	if (now.torn != before.torn || now.errors != before.errors)
		bad("torn or in error");
	if (now.last_sum != sum)
		bad("the last sum is %#010llx, not %#010x", now.last_sum, sum);
	if (now.sum_of_sums != sums)
		bad("wrong sum: %#010llx, not %#010x", now.sum_of_sums, sums);
	if (opt.tear)
		tear(index, &now);

	/* The picture outlives the stream. */
	CHECK_OK(vnode_stream(n, false));
	if (!opt.tear)
		check_picture(index);

	read_stats(&now);
	if (now.dropped != before.dropped)
		bad("%llu frames were dropped", now.dropped - before.dropped);
	printf("frames %llu repeated %llu torn %llu errors %llu bad %u\n",
	       now.frames - before.frames, now.repeated - before.repeated,
	       now.torn - before.torn, now.errors - before.errors, nr_bad);
}

static void usage(void)
{
	fprintf(stderr,
		"display_check [OPTIONS] DISPLAY\n"
		"  -n FRAMES        number of frames (8)\n"
		"  -b BUFFERS       number of buffers (3)\n"
		"  -s WIDTHxHEIGHT  frame size (640x480)\n"
		"  -f FOURCC        YUYV, NV12, XR24 or NM12 (YUYV)\n"
		"  -m MODE          mmap, expbuf, userptr, dmabuf or udmabuf (mmap)\n"
		"  -e NODE          whose buffers are exported, for dmabuf\n"
		"  -l BYTES         length of a line\n"
		"  -o BYTES         offset of user memory in a page\n"
		"  -c               non-coherent memory\n"
		"  -C COLOUR        601 or 709, 601f or 709f at full range (709)\n"
		"  -H HZ            refresh rate (60)\n"
		"  -r REPEATS       have the last frame repeated (0)\n"
		"  -S SEED          of the frames' contents\n"
		"  -k               a wrong byte in the last frame, for a failure\n"
		"  -t               change the frame on screen, which must show\n");
	exit(2);
}

static enum mode find_mode(const char *name)
{
	int i;

	for (i = 0; mode_names[i]; i++)
		if (!strcmp(mode_names[i], name))
			return i;
	usage();
	return 0;
}

static void parse(int argc, char **argv)
{
	int c;

	rng.state = 20250701;
	while ((c = getopt(argc, argv, "n:b:s:f:m:e:l:o:cC:H:r:S:kt")) != -1) {
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
		case 'm':
			opt.mode = find_mode(optarg);
			break;
		case 'e':
			opt.exporter = optarg;
			break;
		case 'l':
			opt.line = atoi(optarg);
			break;
		case 'o':
			opt.offset = atoi(optarg);
			break;
		case 'c':
			opt.noncoherent = true;
			break;
		case 'C':
			opt.bt601 = !strncmp(optarg, "601", 3);
			opt.full = strlen(optarg) == 4 && optarg[3] == 'f';
			break;
		case 'H':
			opt.hz = atoi(optarg);
			break;
		case 'r':
			opt.repeats = atoi(optarg);
			break;
		case 'S':
			rng.state = strtoull(optarg, NULL, 0);
			break;
		case 'k':
			opt.wrong = true;
			break;
		case 't':
			opt.tear = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc - 1 || !opt.frames || opt.buffers < 2 ||
	    opt.buffers > MAX_BUFS || !rng.state ||
	    (opt.mode == MODE_DMABUF ? !opt.exporter : !!opt.exporter) ||
	    (opt.tear && opt.wrong))
		usage();
	opt.device = argv[optind];
}

int main(int argc, char **argv)
{
	struct vnode *n, *exporter = NULL;

	parse(argc, argv);
	crc_init();
	find_debugfs(opt.device);
	n = open_node(opt.device);
	lay.stride[0] = opt.line;
	if (opt.exporter) {
		exporter = open_node(opt.exporter);
		set_format(exporter);
	}
	set_format(n);
	set_rate(n);
	get_buffers(n, exporter);
	check(n);

	return nr_bad ? 1 : 0;
}
