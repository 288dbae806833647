/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbdma: a bus master in software
 *
 * A driver without hardware embeds one struct vbdma_dev for each bus master
 * that its device would have, declares what that bus master can do, and moves
 * data with vbdma_write() and vbdma_read():
 *
 *	probe:		vbdma_dev_init(&cam->dma, dev, &limits);
 *	transfer:	vbdma_target_sgt(&t, sgt, size);
 *			ret = vbdma_write(&cam->dma, &t, 0, frame, size);
 *	remove:		vbdma_dev_fini(&cam->dma);
 *
 * A buffer may be named here only while the driver owns it, that is between
 * buf_queue() and vb2_buffer_done(): nothing else keeps its mapping alive.
 */
#ifndef _VBDMA_H
#define _VBDMA_H

#include <linux/atomic.h>
#include <linux/rwsem.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct dentry;
struct device;

/**
 * enum vbdma_fault - what a bus master faults on
 * @VBDMA_FAULT_MASK: an address beyond the device's address mask
 * @VBDMA_FAULT_NR_SEGS: more segments than the device can take
 * @VBDMA_FAULT_SEG_SIZE: a segment longer than the device can take
 * @VBDMA_FAULT_BOUNDARY: a segment crosses the device's segment boundary
 * @VBDMA_FAULT_ALIGN: a segment starts or goes on at an unaligned address
 * @VBDMA_FAULT_RANGE: an access outside of the mapping
 * @VBDMA_FAULT_UNMAPPED: the IOMMU has no translation for the address
 * @VBDMA_FAULT_NOT_RAM: the address does not lead to memory
 * @VBDMA_FAULT_ACCESS: the memory could not be read or written
 * @VBDMA_FAULT_STALE: the translation changed while it was used
 * @VBDMA_FAULT_GONE: a transfer after vbdma_dev_fini()
 * @VBDMA_NR_FAULTS: the number of kinds
 */
enum vbdma_fault {
	VBDMA_FAULT_MASK,
	VBDMA_FAULT_NR_SEGS,
	VBDMA_FAULT_SEG_SIZE,
	VBDMA_FAULT_BOUNDARY,
	VBDMA_FAULT_ALIGN,
	VBDMA_FAULT_RANGE,
	VBDMA_FAULT_UNMAPPED,
	VBDMA_FAULT_NOT_RAM,
	VBDMA_FAULT_ACCESS,
	VBDMA_FAULT_STALE,
	VBDMA_FAULT_GONE,
	VBDMA_NR_FAULTS
};

/**
 * struct vbdma_limits - what a bus master can do
 * @mask: highest address it can put on the bus
 * @boundary: mask that a segment must not cross, U32_MAX for a 4 GiB one,
 *	0 for none
 * @max_segs: longest list of segments, 0 for no limit
 * @max_seg_size: longest segment in bytes, 0 for no limit
 * @align: alignment of every segment's address in bytes, a power of two,
 *	0 for none; not part of what the DMA API can be told
 *
 * @boundary, @max_segs and @max_seg_size are those of a list of segments. A
 * device that is given one address and counts on from there has no list.
 */
struct vbdma_limits {
	u64		mask;
	unsigned long	boundary;
	unsigned int	max_segs;
	unsigned int	max_seg_size;
	unsigned int	align;
};

/**
 * struct vbdma_dev - one bus master
 * @dev: the device that the mappings are made for
 * @limits: what it can do, constant
 * @lock: held for reading during a transfer, for writing by teardown
 * @gone: vbdma_dev_fini() has run; guarded by @lock
 * @transfers: transfers that succeeded
 * @bytes: bytes that they moved
 * @faults: faults by kind; a transfer ends at its first
 * @debugfs: directory of this bus master
 */
struct vbdma_dev {
	struct device		*dev;
	struct vbdma_limits	limits;
	struct rw_semaphore	lock;
	bool			gone;
	atomic64_t		transfers;
	atomic64_t		bytes;
	atomic64_t		faults[VBDMA_NR_FAULTS];
	struct dentry		*debugfs;
};

/**
 * struct vbdma_target - one plane of a buffer, as the device is told about it
 * @sgl: the DMA addresses and lengths; their pages are never looked at
 * @nents: number of segments
 * @contig: @sgl is @one: the device was given an address, not a list
 * @one: stands in for a list where there is just an address
 */
struct vbdma_target {
	struct scatterlist	*sgl;
	unsigned int		nents;
	bool			contig;
	struct scatterlist	one;
};

void vbdma_target_sgt(struct vbdma_target *target, const struct sg_table *sgt);
void vbdma_target_contig(struct vbdma_target *target, dma_addr_t addr,
			 unsigned int size);

int vbdma_dev_init(struct vbdma_dev *vd, struct device *dev,
		   const struct vbdma_limits *limits);
void vbdma_dev_fini(struct vbdma_dev *vd);

int vbdma_write(struct vbdma_dev *vd, const struct vbdma_target *target,
		size_t offset, const void *src, size_t len);
int vbdma_read(struct vbdma_dev *vd, const struct vbdma_target *target,
	       size_t offset, void *dst, size_t len);

#endif /* _VBDMA_H */
