/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbdma: a bus master in software, and the devices of drivers that use it
 *
 * vbdma-core.c		transfers: limits, translation, faults
 * vbdma-edu.c		transfers by the DMA engine of QEMU's "edu" function
 * vbdma-sum.c		checksums of frames, which tie one device to the next
 * vbdma-driver.c	platform devices and PCI functions for a driver
 * vbdma-debugfs.c	what the bus masters did
 * vbdma-ring.c		a ring that several of them have
 *
 * A driver without hardware takes the module parameters of vbdma-params.h,
 * registers a struct vbdma_driver, and embeds one struct vbdma_dev in each of
 * its devices; it moves data with vbdma_write() and vbdma_read():
 *
 *	probe:		vbdma_dev_init(&cam->dma, dev, config);
 *	transfer:	vbdma_target_plane(&target, vb, plane, config->sg);
 *			ret = vbdma_write(&cam->dma, &target, 0, frame, size);
 *	remove:		vbdma_dev_fini(&cam->dma);
 *
 * A buffer may be named here only while the driver owns it, that is between
 * buf_queue() and vb2_buffer_done(): nothing else keeps its mapping alive.
 */
#ifndef _VBDMA_H
#define _VBDMA_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/rwsem.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#define VBDMA_MAX_DEVS	64

struct dentry;
struct vb2_buffer;
struct vb2_mem_ops;
struct vbdma_edu;

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
 * struct vbdma_config - what one device is like, from the module's parameters
 * @name: name of the device, "vbcam.0", whatever bus it is on
 * @index: its number
 * @sg: takes a list of segments, else one address
 * @managed: the table of the managed contract that its queues use; NULL: they use
 *	vb2_dma_sg_memops or vb2_dma_contig_memops
 * @plane_prepare: vbm_plane_prepare(), if @managed
 * @multiplanar: has the multi-planar API, else the single-planar one
 * @engine: its data are moved by edu's own DMA engine
 * @stride_align: alignment of bytesperline, a power of two
 * @limits: what its bus master can do
 */
struct vbdma_config {
	char			name[16];
	unsigned int		index;
	bool			sg;
	const struct vb2_mem_ops *managed;
	int			(*plane_prepare)(struct vb2_buffer *vb,
						 unsigned int plane);
	bool			multiplanar;
	bool			engine;
	unsigned int		stride_align;
	struct vbdma_limits	limits;
};

/**
 * struct vbdma_dev - one bus master
 * @name: its name, vbdma_config.name
 * @dev: the device that the mappings are made for
 * @limits: what it can do, constant
 * @edu: the engine that moves the data, NULL if the CPU does
 * @lock: held for reading during a transfer, for writing by teardown
 * @gone: vbdma_dev_fini() has run; guarded by @lock
 * @transfers: transfers that succeeded
 * @bytes: bytes that they moved
 * @faults: faults by kind; a transfer ends at its first
 * @debugfs: directory of this bus master
 * @ring_node: in the list of who may have the ring, see vbdma-ring.c
 */
struct vbdma_dev {
	char			name[16];
	struct device		*dev;
	struct vbdma_limits	limits;
	struct vbdma_edu	*edu;
	struct rw_semaphore	lock;
	bool			gone;
	atomic64_t		transfers;
	atomic64_t		bytes;
	atomic64_t		faults[VBDMA_NR_FAULTS];
	struct dentry		*debugfs;
	struct list_head	ring_node;
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
		   const struct vbdma_config *config);
void vbdma_dev_fini(struct vbdma_dev *vd);

int vbdma_write(struct vbdma_dev *vd, const struct vbdma_target *target,
		size_t offset, const void *src, size_t len);
int vbdma_read(struct vbdma_dev *vd, const struct vbdma_target *target,
	       size_t offset, void *dst, size_t len);

/* vbdma-sum.c */

/* Lines of chroma are numbered from here on. */
#define VBDMA_SUM_CHROMA	0x10000

bool vbdma_sum_wanted(void);
u32 vbdma_sum_lines(const void *data, size_t stride, size_t used,
		    unsigned int first, unsigned int lines);
u32 vbdma_sum_bytes(const void *data, size_t len);
void vbdma_sum_frame(const struct vbdma_dev *vd, bool write, u32 fourcc,
		     u32 sequence, size_t bytes, u32 sum);

/* vbdma-driver.c */

/**
 * struct vbdma_params - a driver's module parameters, see vbdma-params.h
 * @n_devs: number of devices
 * @pci: how many of them, from the first on, are PCI functions
 * @sg: one value per device, and so on
 * @legacy: no managed contract
 * @multiplanar: see struct vbdma_config
 * @engine: see there
 * @stride_align: see there, 0 for none
 * @dma_mask_bits: width of a DMA address, 0 for 32
 * @max_segs: see struct vbdma_limits
 * @max_seg_size: see there
 * @seg_boundary: see there
 * @seg_align: see there
 */
struct vbdma_params {
	unsigned int	n_devs;
	unsigned int	pci;
	bool		sg[VBDMA_MAX_DEVS];
	bool		legacy[VBDMA_MAX_DEVS];
	bool		multiplanar[VBDMA_MAX_DEVS];
	bool		engine[VBDMA_MAX_DEVS];
	unsigned int	stride_align[VBDMA_MAX_DEVS];
	unsigned int	dma_mask_bits[VBDMA_MAX_DEVS];
	unsigned int	max_segs[VBDMA_MAX_DEVS];
	unsigned int	max_seg_size[VBDMA_MAX_DEVS];
	unsigned long	seg_boundary[VBDMA_MAX_DEVS];
	unsigned int	seg_align[VBDMA_MAX_DEVS];
};

/**
 * struct vbdma_driver - a driver of devices that are not there
 * @name: its name, and that of its platform devices
 * @params: what its devices are like, constant
 * @max_stride_align: largest stride_align that makes sense to it
 * @probe: takes a device; @config goes away afterwards
 * @remove: gives it back
 * @platform: registers platform devices; this and all below are set by
 *	vbdma_driver_register()
 * @pci: registers PCI functions
 * @mem: the managed contract, if the memory backend has it
 * @mem.contig: its table for one address
 * @mem.sg: its table for a list
 * @mem.plane_prepare: vbm_plane_prepare()
 * @pdevs: the platform devices, by number
 * @lock: guards @bound
 * @bound: PCI functions that are bound, by number
 */
struct vbdma_driver {
	const char			*name;
	const struct vbdma_params	*params;
	unsigned int			max_stride_align;
	int				(*probe)(struct device *dev,
						 const struct vbdma_config *config);
	void				(*remove)(struct device *dev);

	struct platform_driver		platform;
	struct pci_driver		pci;
	struct {
		const struct vb2_mem_ops *contig;
		const struct vb2_mem_ops *sg;
		int (*plane_prepare)(struct vb2_buffer *vb,
				     unsigned int plane);
	} mem;
	struct platform_device		*pdevs[VBDMA_MAX_DEVS];
	struct mutex			lock;		/* see above */
	struct device			*bound[VBDMA_MAX_DEVS];
};

int __vbdma_driver_register(struct vbdma_driver *drv, struct module *owner,
			    const char *mod_name);
void vbdma_driver_unregister(struct vbdma_driver *drv);

#define vbdma_driver_register(drv) \
	__vbdma_driver_register(drv, THIS_MODULE, KBUILD_MODNAME)

#endif /* _VBDMA_H */
