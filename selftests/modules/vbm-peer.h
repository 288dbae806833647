/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The other side of a dma-buf, driven from user space: an importing device
 * whose limits can be chosen, and exporters that do what test drivers do not.
 *
 * Each open /dev/vbm-peer is one device. Closing it unmaps, detaches and
 * removes everything.
 */
#ifndef VBM_PEER_H
#define VBM_PEER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VBM_PEER_MAPS	8

/* Directions, as in enum dma_data_direction. */
#define VBM_PEER_BIDIR		0
#define VBM_PEER_TO_DEVICE	1
#define VBM_PEER_FROM_DEVICE	2

/*
 * Limits of the device; 0 leaves the bus's default. Once, and first. Its number is
 * the next one from @first_id on.
 */
struct vbm_peer_device {
	__u64 dma_mask;
	__u64 seg_boundary;
	__u32 max_seg_size;
	__u32 first_id;
};

/*
 * How it attaches: as most drivers do; as that of a GPU does, which has to be
 * asked to let go of what it has mapped. It does not, does at once, or has a
 * worker do it.
 */
#define VBM_PEER_STATIC		0
#define VBM_PEER_DYNAMIC	1
#define VBM_PEER_REVOCABLE	2
#define VBM_PEER_REVOCABLE_LATER	3

/* One attachment per device. */
struct vbm_peer_attach {
	__s32 fd;
	__u32 dynamic;
};

/* What a dynamic one was asked since it attached, and what it has mapped. */
struct vbm_peer_state {
	__u32 told;
	__u32 maps;
};

/*
 * Maps the attachment. @map names the mapping from now on; @table is the
 * mapping whose sg_table this one shares, @map itself if none.
 */
struct vbm_peer_map {
	__u32 dir;
	__u32 map;
	__u32 table;
	__u32 nents;
};

struct vbm_peer_seg {
	__u64 addr;
	__u64 len;
};

struct vbm_peer_segs {
	__u32 map;
	__u32 max;
	__u64 segs;		/* struct vbm_peer_seg[max] */
};

/*
 * Bytes as the device sees them: through the DMA addresses, which without an
 * IOMMU are physical ones (with swiotlb, those of the bounce buffer).
 */
struct vbm_peer_io {
	__u32 map;
	__u32 write;
	__u64 offset;
	__u64 length;
	__u64 data;
};

/* The same through a kernel mapping of the dma-buf. */
struct vbm_peer_vmap {
	__u32 write;
	__u32 is_iomem;		/* what the exporter says it is */
	__u64 offset;
	__u64 length;
	__u64 data;
};

/* Kinds of exporter */
#define VBM_PEER_PAGES		0	/* every page on its own, scattered */
#define VBM_PEER_IOMEM		1	/* one block, vmap says that it is I/O */

/*
 * A dma-buf of @size bytes, of which the first @head are physically
 * contiguous. A callback whose errno is not 0 fails with it. @heap: around CPU
 * access it does what the system heap does, which syncs all that is mapped, in
 * the direction of the access, whatever that of the mapping.
 */
struct vbm_peer_export {
	__u32 kind;
	__u32 size;
	__u32 head;
	__s32 attach_errno;
	__s32 map_errno;
	__s32 vmap_errno;
	__s32 fd;
	__u32 heap;
};

/* What its driver states of the device: &struct vbm_limits. */
struct vbm_peer_limits {
	__u64 boundary;
	__u32 max_segments;
	__u32 max_segment_size;
	__u32 align;
	__u32 address_bits;
	__u32 needs_pages;
	__u32 reserved;
};

/*
 * Attaches, maps, unmaps and detaches at once, as a driver does that does not
 * like what it gets; @hold_ms: or has a use for it. @nents: how many segments it
 * saw.
 */
struct vbm_peer_refuse {
	__s32 fd;
	__u32 dir;
	__u32 hold_ms;
	__u32 nents;
};

#define VBM_PEER_IOC_DEVICE	_IOW('p', 1, struct vbm_peer_device)
#define VBM_PEER_IOC_ATTACH	_IOW('p', 2, struct vbm_peer_attach)
#define VBM_PEER_IOC_DETACH	_IO('p', 3)
#define VBM_PEER_IOC_MAP	_IOWR('p', 4, struct vbm_peer_map)
#define VBM_PEER_IOC_UNMAP	_IOW('p', 5, __u32)
#define VBM_PEER_IOC_SEGS	_IOW('p', 6, struct vbm_peer_segs)
#define VBM_PEER_IOC_IO		_IOW('p', 7, struct vbm_peer_io)
/* Overwrites addresses and lengths in the table that it was given. */
#define VBM_PEER_IOC_SCRIBBLE	_IOW('p', 8, __u32)
#define VBM_PEER_IOC_VMAP	_IOR('p', 9, struct vbm_peer_vmap)
#define VBM_PEER_IOC_VMAP_IO	_IOW('p', 10, struct vbm_peer_vmap)
#define VBM_PEER_IOC_VUNMAP	_IO('p', 11)
#define VBM_PEER_IOC_EXPORT	_IOWR('p', 12, struct vbm_peer_export)
/* Takes the driver from the device, with whatever is mapped. */
#define VBM_PEER_IOC_UNBIND	_IO('p', 13)
#define VBM_PEER_IOC_LIMITS	_IOW('p', 20, struct vbm_peer_limits)
#define VBM_PEER_IOC_REFUSE	_IOWR('p', 21, struct vbm_peer_refuse)
/* Of a dynamic attachment: the buffer stays where it is, or may go. */
#define VBM_PEER_IOC_PIN	_IO('p', 30)
#define VBM_PEER_IOC_UNPIN	_IO('p', 31)
/*
 * The device is at work on the buffer, as a fence says, for so many milliseconds;
 * 0: for no longer.
 */
#define VBM_PEER_IOC_WORK	_IOW('p', 32, __u32)
#define VBM_PEER_IOC_STATE	_IOR('p', 33, struct vbm_peer_state)

#endif
