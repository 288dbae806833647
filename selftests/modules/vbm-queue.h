/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * A vb2 queue without a video device, driven from user space: what a driver
 * may do with its buffers, and no driver on a test machine does.
 *
 * Each open /dev/vbm-queue is one queue of one device.
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
	__u32 reserved;
};

/* Bytes through the kernel mapping that a driver asks for. */
struct vbm_queue_vaddr {
	__u64 data;
	__u32 length;
	__u32 none;		/* there is no such mapping */
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

#endif
