/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * A vb2 queue without a video device, driven from user space: what a driver
 * may do with its buffers, and no driver on a test machine does.
 *
 * Each open /dev/vbm-queue is one queue of one device. Modules that have a device
 * of their own make more such nodes.
 */
#ifndef VBM_QUEUE_H
#define VBM_QUEUE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Once, and first. */
struct vbm_queue_config {
	__u32 sg;		/* dma-sg, else dma-contig */
	__u32 size;		/* of a buffer's only plane */
	__u32 output;
	__u32 flags;
};

/* What a queue can be, beside */
#define VBM_QUEUE_NON_COHERENT	0x1	/* V4L2_MEMORY_FLAG_NON_COHERENT */
#define VBM_QUEUE_BIDIR		0x2	/* its device reads and writes */
#define VBM_QUEUE_CLEAN		0x4	/* hint: user space does not write */
#define VBM_QUEUE_UNREAD	0x8	/* hint: user space does not read */
/* How many bits of an address its device has; 0: 32. */
#define VBM_QUEUE_BITS(n)	((n) << 16)

/* Bytes through the kernel mapping that a driver asks for. */
struct vbm_queue_vaddr {
	__u64 data;
	__u32 length;
	__u32 none;		/* there is no such mapping */
};

/* Bytes by the addresses that the device was given, as vbdma reaches them. */
struct vbm_queue_dma {
	__u64 offset;
	__u64 length;
	__u64 data;
	__u32 write;
	__u32 reserved;
};

/* <media/videobuf2-mem.h>: an access of the driver's CPU. One at a time. */
struct vbm_queue_range {
	__u64 offset;
	__u64 length;
	__u32 dir;		/* as enum dma_data_direction */
	__u32 plane;
};

struct vbm_queue_access {
	__u64 offset;
	__u64 length;
	__u64 data;
	__u32 write;
	__u32 local;		/* two pages at a time, else by a helper */
};

#define VBM_QUEUE_IOC_CONFIG	_IOW('q', 1, struct vbm_queue_config)
/* Prepares the buffer: an import of that dma-buf, or the queue's own. */
#define VBM_QUEUE_IOC_IMPORT	_IOW('q', 2, __s32)
#define VBM_QUEUE_IOC_ALLOC	_IO('q', 3)
#define VBM_QUEUE_IOC_VADDR	_IOWR('q', 4, struct vbm_queue_vaddr)
/* Queues it; it is completed in a hardware interrupt, and dequeued. */
#define VBM_QUEUE_IOC_RUN	_IO('q', 5)
#define VBM_QUEUE_IOC_RELEASE	_IO('q', 6)
/* Takes the driver from the device, and leaves the queue as it is. */
#define VBM_QUEUE_IOC_UNBIND	_IO('q', 7)
/* Prepares the buffer: user memory at that address. */
#define VBM_QUEUE_IOC_USERPTR	_IOW('q', 8, __u64)
/* Prepares it again, after it was dequeued. */
#define VBM_QUEUE_IOC_PREPARE	_IO('q', 9)
/* The fd of a dma-buf of the queue's own buffer. */
#define VBM_QUEUE_IOC_EXPORT	_IOR('q', 10, __s32)
#define VBM_QUEUE_IOC_DMA	_IOW('q', 11, struct vbm_queue_dma)
#define VBM_QUEUE_IOC_GET	_IOW('q', 12, struct vbm_queue_range)
#define VBM_QUEUE_IOC_ACCESS	_IOW('q', 13, struct vbm_queue_access)
#define VBM_QUEUE_IOC_PUT	_IO('q', 14)
/* The address that the device was given for the first byte. */
#define VBM_QUEUE_IOC_ADDR	_IOR('q', 15, __u64)

#ifdef __KERNEL__
struct device;
struct vbmq_host;

/*
 * Another module's device: /dev/NAME makes queues of it, each time it is opened.
 * From remove on they do no DMA; what they have goes when they are closed.
 */
struct vbmq_host *vbmq_host_add(struct device *dev, const char *name,
				unsigned int bits);
void vbmq_host_remove(struct vbmq_host *host);
#endif

#endif
