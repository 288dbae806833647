/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * A vb2 queue whose device does one step at a time, as user space tells it:
 * begin with a buffer, move these bytes, be done.
 *
 * Each open /dev/vbm-step is one queue, of a device of its own or of another
 * queue's. It streams as long as it has buffers.
 */
#ifndef VBM_STEP_H
#define VBM_STEP_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VBM_STEP_PLANES	2
#define VBM_STEP_BUFS	8

/* Once, and first. */
struct vbm_step_config {
	__u32 sg;		/* dma-sg, else dma-contig */
	__u32 output;
	__u32 planes;
	__u32 size;		/* of each plane */
	__s32 like;		/* a queue of the device of this one, or -1 */
	__u32 managed;		/* vbm_contig_memops or vbm_sg_memops */
	__u32 keeps;		/* see below */
	__u32 movable;		/* its driver is vbm-step-movable */
	__u32 mask_bits;	/* of a device of its own; 0: 32 */
};

/*
 * What drivers do that rely on where plane 0 is: they read its address in
 * buf_init (rkisp1, camss, s5p-mfc), or its kernel address (vb2's read()), and
 * use that for good; or the address of when it was queued for as long as it is
 * not queued again (firmware that has reference frames).
 */
#define VBM_STEP_KEEPS_NOTHING	0
#define VBM_STEP_KEEPS_ADDRESS	1
#define VBM_STEP_KEEPS_VADDR	2
#define VBM_STEP_KEEPS_QUEUED	3

struct vbm_step_reqbufs {
	__u32 count;
	__u32 imports;		/* dma-bufs, else memory of the queue's own */
	__u32 non_coherent;	/* V4L2_MEMORY_FLAG_NON_COHERENT */
};

/* The device gets the buffer. */
struct vbm_step_begin {
	__u32 index;
	__u32 no_clean;		/* V4L2_BUF_FLAG_NO_CACHE_CLEAN */
	__u32 no_invalidate;	/* V4L2_BUF_FLAG_NO_CACHE_INVALIDATE */
	__s32 fd[VBM_STEP_PLANES];
	__u32 fail;		/* buf_prepare fails, when planes are prepared */
};

/*
 * Bytes as the device sees them, through its DMA addresses; or as the driver
 * does, through the plane's kernel address. @reference: through what it keeps,
 * whoever has the buffer; one that keeps nothing reads the address then, as a
 * decoder does that looks up a reference frame (hantro).
 */
struct vbm_step_io {
	__u32 index;
	__u32 plane;
	__u32 write;
	__u32 cpu;		/* 2: from where it can not sleep */
	__u32 offset;
	__u32 length;
	__u64 data;
	__u32 reference;
	__u32 reserved;
};

struct vbm_step_plane {
	__u32 index;
	__u32 plane;
	__s32 fd;		/* a dma-buf of it */
	__u32 offset;		/* for mmap() */
};

/* Page frames behind user memory that /proc/self/pagemap is silent about. */
struct vbm_step_frames {
	__u64 addr;
	__u64 frames;		/* __u64[nr] */
	__u32 nr;
	__u32 reserved;
};

#define VBM_STEP_IOC_CONFIG	_IOW('s', 1, struct vbm_step_config)
/* What there was is gone afterwards; none: that is all. */
#define VBM_STEP_IOC_REQBUFS	_IOW('s', 2, struct vbm_step_reqbufs)
#define VBM_STEP_IOC_BEGIN	_IOW('s', 3, struct vbm_step_begin)
#define VBM_STEP_IOC_IO		_IOW('s', 4, struct vbm_step_io)
/* The device is done with the buffer, in a hardware interrupt. */
#define VBM_STEP_IOC_DONE	_IOW('s', 5, __u32)
/* Streaming ends, and begins again: the device has none. */
#define VBM_STEP_IOC_STOP	_IO('s', 6)
#define VBM_STEP_IOC_EXPORT	_IOWR('s', 7, struct vbm_step_plane)
/*
 * The driver leaves the device the next time that the system is asleep: programs
 * and workers are frozen. Afterwards the second one says whether they were.
 */
#define VBM_STEP_IOC_UNBIND	_IO('s', 8)
#define VBM_STEP_IOC_UNBOUND	_IO('s', 9)
/* As BEGIN, but that the device does not get it yet. */
#define VBM_STEP_IOC_PREPARE	_IOW('s', 10, struct vbm_step_begin)
#define VBM_STEP_IOC_REMOVE	_IOW('s', 11, __u32)
#define VBM_STEP_IOC_FRAMES	_IOW('s', 12, struct vbm_step_frames)

#endif
