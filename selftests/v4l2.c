// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

#define BUFINFO	"/sys/kernel/debug/dma_buf/bufinfo"
#define STATS	"/sys/kernel/debug/videobuf2-mem/stats"

int xioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;
	int ret = 0;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		ret = -errno;
	close(fd);
	return ret;
}

long long read_number(const char *path)
{
	long long v = -1;
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/*
 * Finding nodes
 */

/*
 * What a parameter of vbcam's says of the instance behind a node. Which one that
 * is, the node's name says; a PCI function's does not.
 */
static bool vbcam_has(const char *path, const char *parameter)
{
	char file[128], name[32] = "", text[256] = "", *at = text, *item;
	bool has = false;
	int instance;
	FILE *f;

	snprintf(file, sizeof(file), "/sys/class/video4linux/%s/name",
		 path + strlen("/dev/"));
	f = fopen(file, "re");
	if (!f || !fgets(name, sizeof(name), f) ||
	    sscanf(name, "vbcam.%d", &instance) != 1)
		FAIL("%s: what is \"%s\"?", file, name);
	fclose(f);
	snprintf(file, sizeof(file), "/sys/module/vbcam/parameters/%s",
		 parameter);
	f = fopen(file, "re");
	if (!f || !fgets(text, sizeof(text), f))
		FAIL("%s: %s", file, ksft_errno(errno));
	fclose(f);
	/* An array has an item for each instance, a scalar one for all. */
	while ((item = strsep(&at, ",\n")) && *item) {
		has = *item == '1' || *item == 'Y';
		if (!instance--)
			break;
	}
	return has;
}

static unsigned int flags_of(const char *path,
			     const struct v4l2_capability *cap)
{
	unsigned int c = cap->device_caps, flags = 0;

	if (c & (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE))
		flags |= NODE_CAP;
	else if (c & (V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE))
		flags |= NODE_OUT;
	else
		return 0;
	if (c & (V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_VIDEO_OUTPUT_MPLANE))
		flags |= NODE_MPLANE;
	else
		flags |= NODE_SPLANE;
	if (c & V4L2_CAP_READWRITE)
		flags |= NODE_RW;
	if (!strcmp((const char *)cap->driver, "vivid"))
		flags |= NODE_VIVID | NODE_CONTIG;
	else if (!strcmp((const char *)cap->driver, "vbcam"))
		flags |= NODE_VBCAM |
			 (vbcam_has(path, "sg") ? NODE_SG : NODE_CONTIG);
	else
		return 0;
	return flags;
}

static enum v4l2_buf_type type_of(unsigned int flags)
{
	if (flags & NODE_CAP)
		return flags & NODE_MPLANE ?
			V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
			V4L2_BUF_TYPE_VIDEO_CAPTURE;
	return flags & NODE_MPLANE ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
				     V4L2_BUF_TYPE_VIDEO_OUTPUT;
}

static int node_probe(const char *path, unsigned int *flags,
		      struct v4l2_capability *cap)
{
	/* A count of 0 asks for the capabilities, of a busy node too. */
	struct v4l2_create_buffers cb = { .memory = V4L2_MEMORY_MMAP };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	*flags = 0;
	if (fd < 0)
		return -errno;
	if (xioctl(fd, VIDIOC_QUERYCAP, cap) == 0)
		*flags = flags_of(path, cap);
	cb.format.type = type_of(*flags);
	if (*flags && xioctl(fd, VIDIOC_CREATE_BUFS, &cb) == 0) {
		if (cb.capabilities & V4L2_BUF_CAP_SUPPORTS_USERPTR)
			*flags |= NODE_USERPTR;
		if (cb.capabilities & V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS)
			*flags |= NODE_HINTS;
	}
	close(fd);
	return 0;
}

unsigned int vnode_flags(const char *path)
{
	struct v4l2_capability cap;
	unsigned int flags;

	return node_probe(path, &flags, &cap) ? 0 : flags;
}

const char *vnode_describe(const char *path)
{
	static char text[96];
	struct v4l2_capability cap;
	unsigned int f;

	if (node_probe(path, &f, &cap) || !f)
		return path;
	snprintf(text, sizeof(text), "%s %s%s%s", (const char *)cap.driver,
		 f & NODE_CAP ? "capture" : "output",
		 f & NODE_MPLANE ? ", planes" : "",
		 f & NODE_SG ? ", dma-sg" : ", dma-contig");
	return text;
}

static int path_number(const char *path)
{
	return atoi(path + strlen("/dev/video"));
}

int vnode_list(char **paths, int max)
{
	int nr = 0, k;
	glob_t g;
	size_t i;

	if (glob("/dev/video*", 0, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc && nr < max; i++) {
		if (!vnode_flags(g.gl_pathv[i]))
			continue;
		for (k = nr++; k > 0 && path_number(paths[k - 1]) >
		     path_number(g.gl_pathv[i]); k--)
			paths[k] = paths[k - 1];
		paths[k] = strdup(g.gl_pathv[i]);
	}
	globfree(&g);
	return nr;
}

const char *vnode_find(unsigned int flags, const char *but)
{
	char *paths[64];
	int i, nr = vnode_list(paths, 64);

	for (i = 0; i < nr; i++)
		if ((vnode_flags(paths[i]) & flags) == flags &&
		    (!but || strcmp(paths[i], but)))
			return paths[i];
	return NULL;
}

/*
 * One node
 */

int vnode_set_fmt(struct vnode *n, unsigned int width, unsigned int height,
		  unsigned int fourcc)
{
	struct v4l2_format f = { .type = n->type };
	unsigned int i;
	int ret;

	if (n->flags & NODE_MPLANE) {
		f.fmt.pix_mp.width = width;
		f.fmt.pix_mp.height = height;
		f.fmt.pix_mp.pixelformat = fourcc;
	} else {
		f.fmt.pix.width = width;
		f.fmt.pix.height = height;
		f.fmt.pix.pixelformat = fourcc;
	}
	ret = xioctl(n->fd, VIDIOC_S_FMT, &f);
	if (ret)
		return ret;
	if (n->flags & NODE_MPLANE) {
		n->width = f.fmt.pix_mp.width;
		n->height = f.fmt.pix_mp.height;
		n->fourcc = f.fmt.pix_mp.pixelformat;
		n->num_planes = f.fmt.pix_mp.num_planes;
		for (i = 0; i < n->num_planes; i++)
			n->sizeimage[i] = f.fmt.pix_mp.plane_fmt[i].sizeimage;
	} else {
		n->width = f.fmt.pix.width;
		n->height = f.fmt.pix.height;
		n->fourcc = f.fmt.pix.pixelformat;
		n->num_planes = 1;
		n->sizeimage[0] = f.fmt.pix.sizeimage;
	}
	return 0;
}

/* Tests count frames, not time. A node that has no other rate keeps its own. */
static void set_fastest(struct vnode *n)
{
	struct v4l2_streamparm parm = {
		.type = n->type,
		.parm.capture.timeperframe = { 1, 1000 },
	};

	xioctl(n->fd, VIDIOC_S_PARM, &parm);
}

void vnode_device(const char *path, char *name, size_t max)
{
	char link[128], target[256], *last;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/class/video4linux/%s/device",
		 path + strlen("/dev/"));
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		FAIL("%s: %s", link, ksft_errno(errno));
	target[n] = '\0';
	last = strrchr(target, '/');
	snprintf(name, max, "%.63s", last ? last + 1 : target);
}

const char *vnode_managed(unsigned int flags)
{
	char *paths[64];
	int i, nr = vnode_list(paths, 64);

	flags |= NODE_VBCAM;
	for (i = 0; i < nr; i++)
		if ((vnode_flags(paths[i]) & flags) == flags &&
		    !vbcam_has(paths[i], "legacy"))
			return paths[i];
	FAIL("no camera of that kind is managed");
}

struct vnode *vnode_open(const char *path)
{
	struct v4l2_capability cap;
	struct vnode *n = calloc(1, sizeof(*n));

	CHECK(n);
	CHECK_OK(node_probe(path, &n->flags, &cap));
	if (!n->flags)
		FAIL("%s is no node for these tests", path);
	snprintf(n->path, sizeof(n->path), "%s", path);
	snprintf(n->driver, sizeof(n->driver), "%s", (char *)cap.driver);
	snprintf(n->card, sizeof(n->card), "%s", (char *)cap.card);
	snprintf(n->bus, sizeof(n->bus), "%s", (char *)cap.bus_info);
	n->type = type_of(n->flags);
	n->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (n->fd < 0)
		FAIL("%s: %s", path, ksft_errno(errno));
	CHECK_OK(vnode_set_fmt(n, 320, 180, n->flags & NODE_MPLANE ?
			       V4L2_PIX_FMT_NV12M : V4L2_PIX_FMT_YUYV));
	set_fastest(n);
	return n;
}

void vnode_close(struct vnode *n)
{
	close(n->fd);
	free(n);
}

int vnode_reqbufs_flags(struct vnode *n, unsigned int count,
			unsigned int memory, unsigned int flags)
{
	struct v4l2_requestbuffers rb = {
		.count = count, .type = n->type, .memory = memory,
		.flags = flags,
	};
	int ret = xioctl(n->fd, VIDIOC_REQBUFS, &rb);

	if (!ret && (flags & V4L2_MEMORY_FLAG_NON_COHERENT) &&
	    !(rb.flags & V4L2_MEMORY_FLAG_NON_COHERENT))
		return -EOPNOTSUPP;
	return ret ? ret : (int)rb.count;
}

int vnode_reqbufs(struct vnode *n, unsigned int count, unsigned int memory)
{
	return vnode_reqbufs_flags(n, count, memory, 0);
}

static void to_v4l2(const struct vnode *n, const struct vbuf *b,
		    struct v4l2_buffer *v, struct v4l2_plane *planes)
{
	unsigned int i;

	memset(v, 0, sizeof(*v));
	memset(planes, 0, sizeof(*planes) * PLANES_MAX);
	v->index = b->index;
	v->type = n->type;
	v->memory = b->memory;
	v->flags = b->flags;
	v->field = V4L2_FIELD_NONE;
	if (!(n->flags & NODE_MPLANE)) {
		v->length = b->p[0].length;
		v->bytesused = b->p[0].used;
		if (b->memory == V4L2_MEMORY_DMABUF)
			v->m.fd = b->p[0].fd;
		else if (b->memory == V4L2_MEMORY_USERPTR)
			v->m.userptr = (unsigned long)b->p[0].userptr;
		return;
	}
	v->m.planes = planes;
	v->length = b->num_planes;
	for (i = 0; i < b->num_planes; i++) {
		planes[i].length = b->p[i].length;
		planes[i].bytesused = b->p[i].used;
		if (b->memory == V4L2_MEMORY_DMABUF)
			planes[i].m.fd = b->p[i].fd;
		else if (b->memory == V4L2_MEMORY_USERPTR)
			planes[i].m.userptr = (unsigned long)b->p[i].userptr;
	}
}

static void from_v4l2(const struct vnode *n, const struct v4l2_buffer *v,
		      struct vbuf *b)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->index = v->index;
	b->memory = v->memory;
	b->flags = v->flags;
	b->sequence = v->sequence;
	b->num_planes = n->flags & NODE_MPLANE ? v->length : 1;
	for (i = 0; i < b->num_planes; i++) {
		const struct v4l2_plane *p = NULL;

		if (n->flags & NODE_MPLANE)
			p = &v->m.planes[i];
		b->p[i].length = p ? p->length : v->length;
		b->p[i].used = p ? p->bytesused : v->bytesused;
		if (v->memory == V4L2_MEMORY_DMABUF)
			b->p[i].fd = p ? p->m.fd : v->m.fd;
		else if (v->memory == V4L2_MEMORY_USERPTR)
			b->p[i].userptr = (void *)(p ? p->m.userptr :
						       v->m.userptr);
		else
			b->p[i].offset = p ? p->m.mem_offset : v->m.offset;
	}
}

int vnode_querybuf(struct vnode *n, unsigned int index, struct vbuf *b)
{
	struct v4l2_plane planes[PLANES_MAX] = { 0 };
	struct v4l2_buffer v = { .index = index, .type = n->type };
	int ret;

	if (n->flags & NODE_MPLANE) {
		v.m.planes = planes;
		v.length = PLANES_MAX;
	}
	ret = xioctl(n->fd, VIDIOC_QUERYBUF, &v);
	if (!ret)
		from_v4l2(n, &v, b);
	return ret;
}

int vnode_expbuf(struct vnode *n, unsigned int index, unsigned int plane,
		 unsigned int flags)
{
	struct v4l2_exportbuffer e = {
		.type = n->type, .index = index, .plane = plane, .flags = flags,
	};
	int ret = xioctl(n->fd, VIDIOC_EXPBUF, &e);

	return ret ? ret : e.fd;
}

void vbuf_init(struct vbuf *b, struct vnode *n, unsigned int index,
	       unsigned int memory)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->index = index;
	b->memory = memory;
	b->num_planes = n->num_planes;
	for (i = 0; i < n->num_planes; i++) {
		b->p[i].fd = -1;
		b->p[i].length = n->sizeimage[i];
		if (n->flags & NODE_OUT)
			b->p[i].used = n->sizeimage[i];
	}
}

int vnode_qbuf(struct vnode *n, const struct vbuf *b)
{
	struct v4l2_plane planes[PLANES_MAX];
	struct v4l2_buffer v;

	to_v4l2(n, b, &v, planes);
	return xioctl(n->fd, VIDIOC_QBUF, &v);
}

int vnode_prepare(struct vnode *n, const struct vbuf *b)
{
	struct v4l2_plane planes[PLANES_MAX];
	struct v4l2_buffer v;

	to_v4l2(n, b, &v, planes);
	return xioctl(n->fd, VIDIOC_PREPARE_BUF, &v);
}

int vnode_wait(struct vnode *n)
{
	struct pollfd pfd = {
		.fd = n->fd,
		.events = n->flags & NODE_OUT ? POLLOUT : POLLIN,
	};
	int ret = poll(&pfd, 1, 10000);

	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}

int vnode_dqbuf(struct vnode *n, unsigned int memory, struct vbuf *b)
{
	struct v4l2_plane planes[PLANES_MAX] = { 0 };
	struct v4l2_buffer v = { .type = n->type, .memory = memory };
	int ret;

	if (n->flags & NODE_MPLANE) {
		v.m.planes = planes;
		v.length = PLANES_MAX;
	}
	ret = vnode_wait(n);
	if (!ret)
		ret = xioctl(n->fd, VIDIOC_DQBUF, &v);
	if (!ret)
		from_v4l2(n, &v, b);
	return ret;
}

int vnode_stream(struct vnode *n, bool on)
{
	int type = n->type;

	return xioctl(n->fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

void *vnode_mmap(struct vnode *n, unsigned int index, unsigned int plane,
		 size_t *size)
{
	struct vbuf b;
	void *p;

	CHECK_OK(vnode_querybuf(n, index, &b));
	CHECK(plane < b.num_planes);
	p = mmap(NULL, b.p[plane].length, PROT_READ | PROT_WRITE, MAP_SHARED,
		 n->fd, b.p[plane].offset);
	if (p == MAP_FAILED)
		FAIL("mmap of buffer %u plane %u: %s", index, plane,
		     ksft_errno(errno));
	if (size)
		*size = b.p[plane].length;
	return p;
}

void vnode_buffers(struct vnode *n, unsigned int count, unsigned int memory)
{
	long long got = vnode_reqbufs(n, count, memory);

	if (got < (long long)count)
		FAIL("REQBUFS of %u: %s", count,
		     got < 0 ? ksft_errno(-got) : "fewer");
}

void vnode_run(struct vnode *n, const struct vbuf *b, unsigned int count,
	       unsigned int frames)
{
	unsigned int i, k;
	struct vbuf two[2], d;

	if (count == 1) {
		two[0] = b[0];
		two[1] = b[0];
		two[1].index ^= 1;
		b = two;
		count = 2;
	}
	for (i = 0; i < count; i++)
		CHECK_OK(vnode_qbuf(n, &b[i]));
	CHECK_OK(vnode_stream(n, true));
	for (i = 0; i < frames; i++) {
		CHECK_OK(vnode_dqbuf(n, b[0].memory, &d));
		if (d.flags & V4L2_BUF_FLAG_ERROR)
			FAIL("buffer %u has the error flag", d.index);
		for (k = 0; k < count && b[k].index != d.index; k++)
			;
		CHECK(k < count);
		if (i + 1 < frames)
			CHECK_OK(vnode_qbuf(n, &b[k]));
	}
	CHECK_OK(vnode_stream(n, false));
}

/*
 * dma-bufs
 */

size_t dmabuf_size(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		FAIL("lseek: %s", ksft_errno(errno));
	return size;
}

void *dmabuf_mmap(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of a dma-buf: %s", ksft_errno(errno));
	return p;
}

int dmabuf_sync(int fd, unsigned long long flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return xioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

/*
 * bufinfo has a line for each dma_buf:
 *   size flags mode count exp_name ino name
 * and under it its fences and "\tDEVICE" for each attached device.
 */
static int bufinfo_walk(const char *exporter, unsigned long long ino,
			int *attached)
{
	char line[512], name[64];
	unsigned long long at;
	bool is_it = false;
	int nr = 0, devices;
	FILE *f = fopen(BUFINFO, "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*u %*x %*x %*u %63s %llu", name, &at) == 2) {
			if (!exporter || !strcmp(exporter, name))
				nr++;
			is_it = at == ino;
		} else if (is_it && strstr(line, " devices attached") &&
			   sscanf(line, "Total %d", &devices) == 1) {
			if (attached)
				*attached = devices;
			is_it = false;
		}
	}
	fclose(f);
	return nr;
}

int bufinfo_count(const char *exporter)
{
	return bufinfo_walk(exporter, 0, NULL);
}

int bufinfo_attached(int fd)
{
	struct stat st;
	int attached = -1;

	if (fstat(fd, &st))
		return -1;
	bufinfo_walk(NULL, st.st_ino, &attached);
	return attached;
}

const char *dmabuf_exporter(int fd)
{
	static char name[64];
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	name[0] = '\0';
	f = fopen(path, "re");
	if (!f)
		return name;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "exp_name: %63s", name) == 1)
			break;
	fclose(f);
	return name;
}

/*
 * stats
 */

static const char * const gauge_names[] = {
	"buffers", "bytes", "exports", "imports", "userptrs", "mappings",
	"bytes_uncharged", "metadata_bytes", "parked",
};

#define NR_GAUGES (sizeof(gauge_names) / sizeof(gauge_names[0]))

bool gauges_exist(void)
{
	return access(STATS, R_OK) == 0;
}

static int stats_walk(const char *want, long long *value, struct gauges *g)
{
	char line[128], name[64];
	FILE *f = fopen(STATS, "re");
	long long v;
	int found = 0;
	size_t i;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %lld", name, &v) != 2)
			continue;
		if (want && !strcmp(want, name)) {
			*value = v;
			found = 1;
		}
		for (i = 0; g && i < NR_GAUGES; i++)
			if (!strcmp(gauge_names[i], name))
				g->v[i] = v;
	}
	fclose(f);
	return found;
}

void gauges_read(struct gauges *g)
{
	memset(g, 0, sizeof(*g));
	stats_walk(NULL, NULL, g);
}

const char *gauges_differ(const struct gauges *a, const struct gauges *b)
{
	static char text[128];
	size_t i;

	for (i = 0; i < NR_GAUGES; i++) {
		if (a->v[i] == b->v[i])
			continue;
		snprintf(text, sizeof(text), "%s was %lld, is %lld",
			 gauge_names[i], a->v[i], b->v[i]);
		return text;
	}
	return NULL;
}

long long stat_get(const char *name)
{
	long long v = 0;

	if (!stats_walk(name, &v, NULL))
		FAIL("stats has no line \"%s\"", name);
	return v;
}

/*
 * Contents
 */

static inline uint32_t pattern_word(size_t i, unsigned int seed)
{
	uint32_t x = (uint32_t)i * 2654435761u ^ seed * 0x9e3779b9u;

	return x ^ x >> 15 ^ 0x5bd1e995u;
}

void pattern_fill(void *p, size_t size, unsigned int seed)
{
	uint32_t *w = p, v;
	size_t i;

	for (i = 0; i < size / 4; i++)
		w[i] = pattern_word(i, seed);
	v = pattern_word(i, seed);
	memcpy(w + i, &v, size % 4);
}

long long pattern_check(const void *p, size_t size, unsigned int seed)
{
	const uint32_t *w = p;
	uint32_t v;
	size_t i;

	for (i = 0; i < size / 4; i++)
		if (w[i] != pattern_word(i, seed))
			return i * 4;
	v = pattern_word(i, seed);
	return memcmp(w + i, &v, size % 4) ? (long long)(i * 4) : -1;
}

long long bytes_check(const void *p, size_t size, unsigned char byte)
{
	const unsigned char *c = p;
	size_t i;

	if (!size)
		return -1;
	/* All bytes are the first one's when each is its neighbour's. */
	if (c[0] == byte && !memcmp(c, c + 1, size - 1))
		return -1;
	for (i = 0; i < size; i++)
		if (c[i] != byte)
			return i;
	return -1;
}
