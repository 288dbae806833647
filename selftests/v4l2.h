/* SPDX-License-Identifier: GPL-2.0 */
/*
 * V4L2 nodes and dma-bufs as the tests use them. Functions return 0, a count
 * or a descriptor, or a negative errno; those that say so end the test instead.
 */
#ifndef VBM_SELFTESTS_V4L2_H
#define VBM_SELFTESTS_V4L2_H

#include <linux/dma-buf.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef V4L2_BUF_CAP_SUPPORTS_REMOVE_BUFS	/* Linux 6.10 */
#define V4L2_BUF_CAP_SUPPORTS_REMOVE_BUFS	(1 << 8)
struct v4l2_remove_buffers {
	__u32 index;
	__u32 count;
	__u32 type;
	__u32 reserved[13];
};

#define VIDIOC_REMOVE_BUFS _IOWR('V', 104, struct v4l2_remove_buffers)
#endif

#define PLANES_MAX	VIDEO_MAX_PLANES

struct vnode {
	int fd;
	unsigned int flags;		/* NODE_* */
	enum v4l2_buf_type type;
	unsigned int num_planes;
	unsigned int width, height, fourcc;
	unsigned int sizeimage[PLANES_MAX];
	char driver[16];
	char card[32];
	char bus[32];
	char path[64];
};

/* One buffer, in the terms of any memory type, single- or multi-planar. */
struct vbuf {
	unsigned int index;
	unsigned int memory;
	unsigned int num_planes;
	unsigned int flags;
	unsigned int sequence;
	struct {
		int fd;
		void *userptr;
		unsigned int offset;
		unsigned int length;
		unsigned int used;
	} p[PLANES_MAX];
};

/* Finding nodes */
int vnode_list(char **paths, int max);
unsigned int vnode_flags(const char *path);
const char *vnode_describe(const char *path);
/* The first node that has all of @flags and is not @but; NULL: none. */
const char *vnode_find(unsigned int flags, const char *but);

/*
 * One of vbcam's that has all of @flags and is not legacy; ends the test where
 * there is none.
 */
const char *vnode_managed(unsigned int flags);

/* The device behind a node, such as vivid.0; ends the test on failure. */
void vnode_device(const char *path, char *name, size_t max);

/* Ends the test on failure. A node stands at a small format then. */
struct vnode *vnode_open(const char *path);
void vnode_close(struct vnode *n);
/* The node's size and format may differ from what was asked for. */
int vnode_set_fmt(struct vnode *n, unsigned int width, unsigned int height,
		  unsigned int fourcc);

int vnode_reqbufs(struct vnode *n, unsigned int count, unsigned int memory);
int vnode_reqbufs_flags(struct vnode *n, unsigned int count,
			unsigned int memory, unsigned int flags);
int vnode_querybuf(struct vnode *n, unsigned int index, struct vbuf *b);
int vnode_expbuf(struct vnode *n, unsigned int index, unsigned int plane,
		 unsigned int flags);
void vbuf_init(struct vbuf *b, struct vnode *n, unsigned int index,
	       unsigned int memory);
int vnode_qbuf(struct vnode *n, const struct vbuf *b);
int vnode_prepare(struct vnode *n, const struct vbuf *b);
/* Until a buffer is done; -ETIMEDOUT after ten seconds. */
int vnode_wait(struct vnode *n);
/* Waits as well. */
int vnode_dqbuf(struct vnode *n, unsigned int memory, struct vbuf *b);
int vnode_stream(struct vnode *n, bool on);
/* Ends the test on failure. */
void *vnode_mmap(struct vnode *n, unsigned int index, unsigned int plane,
		 size_t *size);
/* At least that many, as the driver may want more; ends the test on failure. */
void vnode_buffers(struct vnode *n, unsigned int count, unsigned int memory);
/*
 * Queues @count buffers described by @b, streams @frames frames through them,
 * and stops. Ends the test on failure.
 *
 * Drivers want two buffers to begin with, and vivid's output keeps the last one
 * that it has. Where @count is 1, the buffer's neighbour is queued with the
 * same description: frames arrive in @b's memory, or in that of a neighbour
 * where the queue has allocated it; the first one always in @b's.
 */
void vnode_run(struct vnode *n, const struct vbuf *b, unsigned int count,
	       unsigned int frames);

/* dma-bufs */
size_t dmabuf_size(int fd);
void *dmabuf_mmap(int fd, size_t size);	/* ends the test on failure */
int dmabuf_sync(int fd, unsigned long long flags);

/* Objects in bufinfo: all, or those of one exporter. -1: no bufinfo. */
int bufinfo_count(const char *exporter);
/* Devices attached to that dma_buf; -1: it is not there. */
int bufinfo_attached(int fd);
/* The exporter's name of that dma_buf, from its fdinfo. */
const char *dmabuf_exporter(int fd);

/* The gauges of debugfs videobuf2-mem/stats; all 0 where it is not there. */
/* Index of metadata_bytes, which depends on how scattered the memory is. */
#define GAUGE_METADATA	7

struct gauges {
	long long v[9];
};

bool gauges_exist(void);
void gauges_read(struct gauges *g);
/* The name of the first that differs, or NULL. */
const char *gauges_differ(const struct gauges *a, const struct gauges *b);
/* One line of stats; ends the test where it is missing. */
long long stat_get(const char *name);

/* Bytes that depend on where they are and on a seed. */
void pattern_fill(void *p, size_t size, unsigned int seed);
/* The place of the first byte that is wrong, or -1. */
long long pattern_check(const void *p, size_t size, unsigned int seed);

/* The bytes are those of pattern_fill() with that seed. */
#define CHECK_PATTERN(p, size, seed)					\
	do {								\
		long long pattern_at = pattern_check(p, size, seed);	\
									\
		if (pattern_at >= 0)					\
			FAIL_BYTES("%s: byte %lld is not what it was",	\
				   #p, pattern_at);			\
	} while (0)
/* The place of the first byte that is not @byte, or -1. */
long long bytes_check(const void *p, size_t size, unsigned char byte);

/* Shared with children, zeroed. */
void *shared_alloc(size_t size);
int xioctl(int fd, unsigned long request, void *arg);
int write_file(const char *path, const char *text);
long long read_number(const char *path);

#endif
