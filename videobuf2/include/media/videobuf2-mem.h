/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * videobuf2-mem: what drivers get beyond struct vb2_mem_ops.
 *
 * The managed contract, for drivers that look at a buffer's addresses for each
 * frame anew. Their buffers get memory when it is known who uses it, and move
 * when a device comes that can not reach them:
 *
 *	q->mem_ops = &vbm_contig_memops;	 or &vbm_sg_memops
 *
 *	static int buf_prepare(struct vb2_buffer *vb)
 *	{
 *		...
 *		return vbm_plane_prepare(vb, 0);
 *	}
 *
 * Addresses (vb2_dma_contig_plane_dma_addr(), vb2_dma_sg_plane_desc(),
 * vb2_plane_vaddr()) are read after that and before vb2_buffer_done(), not in
 * buf_init, and not kept for the next time; the device leaves the buffer alone
 * outside of that span.
 *
 * CPU access to a part of a plane, for drivers that look at, or change, a few
 * bytes of what their device reads or writes: a header, a slice table, a line
 * of metadata. Nothing but those bytes is synced, and nothing is mapped for it
 * but what a foreign exporter has to be asked for:
 *
 *	struct vbm_access acc;
 *
 *	ret = vbm_access_get(&acc, vb, 0, offset, sizeof(head), DMA_FROM_DEVICE);
 *	if (ret)
 *		return ret;
 *	vbm_access_read(&acc, offset, &head, sizeof(head));
 *	vbm_access_put(&acc);
 *
 * or in place, a page at a time, with vbm_access_map_local(). Any buffer of a
 * queue that uses one of the tables above, vb2_dma_contig_memops or
 * vb2_dma_sg_memops will do: MMAP, USERPTR and DMABUF.
 *
 * The functions are in videobuf2-mem.ko, which the kernel's own backends lack.
 * A driver that is to run on those, too, looks for them with symbol_get().
 */
#ifndef _MEDIA_VIDEOBUF2_MEM_H
#define _MEDIA_VIDEOBUF2_MEM_H

#include <linux/dma-direction.h>
#include <linux/bits.h>
#include <linux/types.h>

struct device;
struct module;
struct vb2_buffer;
struct vb2_mem_ops;
struct vbm_extent;
struct vbm_plane;
struct vbm_region;
struct vbm_shared;
struct sg_table;

extern const struct vb2_mem_ops vbm_contig_memops;
extern const struct vb2_mem_ops vbm_sg_memops;

int vbm_plane_prepare(struct vb2_buffer *vb, unsigned int plane);

/**
 * struct vbm_access - CPU access to some bytes of a plane
 *
 * The caller's memory, from vbm_access_get() to vbm_access_put(), and in between
 * one task's at a time. All of it is private.
 */
struct vbm_access {
	/* private: the range, counted from the beginning of the plane */
	struct vbm_plane *plane;
	size_t offset;
	size_t length;
	enum dma_data_direction dir;
	/* Offset of the plane's first byte in its first page. */
	unsigned int skip;
	/* A foreign dma-buf was told that the CPU accesses it. */
	bool told;
	/* The plane's first byte, where all of it has an address; or NULL. */
	void *vaddr;
	/* Else where the search for a page goes on, and the page before that. */
	const struct vbm_extent *ext;
	unsigned long ext_first;
};

/**
 * struct vbm_limits - what a device asks of memory
 * @max_segments: entries of a list that it takes at most; 0: any number
 * @max_segment_size: the longest of them in bytes, whatever the DMA API says
 *	of the device; 0: what that says
 * @boundary: no segment may cross a multiple of this, a power of two; 0: what
 *	the DMA API says
 * @align: of a buffer's first byte, a power of two; 0: whole pages
 * @address_bits: bits of the address that it has for buffers, where they are
 *	fewer than its DMA mask says; 0: as many. Says nothing behind an IOMMU
 * @needs_pages: it takes no memory without struct page
 *
 * What is said here of a device holds for all that it does with buffers, those
 * of its own queues and those that it imports. Say only what the DMA API can
 * not be told: dma_set_mask() and its like come first.
 */
struct vbm_limits {
	unsigned int max_segments;
	unsigned int max_segment_size;
	u64 boundary;
	unsigned int align;
	unsigned int address_bits;
	bool needs_pages;
};

int vbm_device_set_limits(struct device *dev, const struct vbm_limits *limits);

int vbm_access_get(struct vbm_access *acc, struct vb2_buffer *vb,
		   unsigned int plane, size_t offset, size_t length,
		   enum dma_data_direction dir);
void vbm_access_put(struct vbm_access *acc);

void *vbm_access_map_local(struct vbm_access *acc, size_t offset,
			   size_t *length);
void vbm_access_unmap_local(struct vbm_access *acc, void *addr);

int vbm_access_read(struct vbm_access *acc, size_t offset, void *dst,
		    size_t length);
int vbm_access_write(struct vbm_access *acc, size_t offset, const void *src,
		     size_t length);

/*
 * Memory of a driver's own, in which the buffers of its queues are to live: a
 * window of a PCI function, SRAM, a part of RAM that was set aside. See
 * docs/regions.md.
 */

/* The memory has struct pages, and is RAM. */
#define VBM_REGION_PAGES	BIT(0)
/* Queues' devices have it at @dma_start, by a way of their own. */
#define VBM_REGION_LOCAL	BIT(1)

/**
 * struct vbm_region_ops - what a driver does itself about its region
 * @alloc: choose @size bytes of the region, whole pages, which nobody has; *phys
 *	is their address. 0, or an errno: -ENOMEM where it is full. May sleep.
 *	NULL, with @free: the first range that is large enough
 * @free: they are free again. Not called once the driver has gone
 * @reaches: can this importer, which may be behind an IOMMU or not, address
 *	memory of the region that has no pages? What the DMA API knows is checked
 *	besides. Must not sleep for long. NULL: yes, but for a PCI function that
 *	is not behind an IOMMU, if the region is in a BAR of another
 * @release: no buffer, device or program has anything of the region any more,
 *	and the driver has gone; the memory may be put to other use. NULL: it
 *	stays what it is, as a BAR does. Needed for VBM_REGION_PAGES
 */
struct vbm_region_ops {
	int (*alloc)(void *priv, size_t size, phys_addr_t *phys);
	void (*free)(void *priv, phys_addr_t phys, size_t size);
	bool (*reaches)(void *priv, struct device *importer);
	void (*release)(void *priv);
};

/**
 * struct vbm_region_config - a region
 * @name: for people
 * @start: physical address of the first byte, as the CPU has it; page aligned
 * @size: bytes, whole pages
 * @dma_start: VBM_REGION_LOCAL: where the device has the first byte
 * @flags: VBM_REGION_*
 * @ops: constant, or NULL
 * @priv: handed to @ops; there until the region ends, by devres or release()
 */
struct vbm_region_config {
	const char *name;
	phys_addr_t start;
	size_t size;
	dma_addr_t dma_start;
	unsigned int flags;
	const struct vbm_region_ops *ops;
	void *priv;
};

struct vbm_region *__vbm_region_register(struct device *dev,
					 const struct vbm_region_config *config,
					 struct module *owner);
int vbm_region_use(struct vbm_region *region, struct device *dev);

#define vbm_region_register(dev, config) \
	__vbm_region_register(dev, config, THIS_MODULE)

/*
 * Memory that a list of devices has: a ring of descriptors, a table of statistics.
 *
 *	struct device *devs[] = { camera, display };
 *
 *	shared = vbm_shared_alloc(devs, 2, size, DMA_BIDIRECTIONAL,
 *				  VBM_SHARED_CONTIG | VBM_SHARED_COHERENT);
 *	addr = sg_dma_address(vbm_shared_sgt(shared, display)->sgl);
 *	...
 *	vbm_shared_put(shared);
 */

/* Each device needs one address for all of it. */
#define VBM_SHARED_CONTIG	BIT(0)
/* Nobody is to sync: no bounce buffers, all devices coherent. */
#define VBM_SHARED_COHERENT	BIT(1)

struct vbm_shared *vbm_shared_alloc(struct device * const *devs,
				    unsigned int nr_devs, size_t size,
				    enum dma_data_direction dir,
				    unsigned int flags);
void vbm_shared_get(struct vbm_shared *shared);
void vbm_shared_put(struct vbm_shared *shared);

const struct sg_table *vbm_shared_sgt(struct vbm_shared *shared,
				      const struct device *dev);
void *vbm_shared_vaddr(struct vbm_shared *shared);

void vbm_shared_give(struct vbm_shared *shared, const struct device *dev);
void vbm_shared_take(struct vbm_shared *shared, const struct device *dev);
void vbm_shared_begin(struct vbm_shared *shared, enum dma_data_direction dir);
void vbm_shared_end(struct vbm_shared *shared, enum dma_data_direction dir);

#endif
