// SPDX-License-Identifier: GPL-2.0-only
/*
 * videobuf2-dma-contig: buffers with one DMA address.
 *
 * Only names: the code is in videobuf2-mem. Stock driver binaries load on
 * this module, so its symbols must have the versions that the kernel's module
 * gives them. A version covers every type that the symbol mentions, as far as
 * it is visible here: the headers below are exactly those that the kernel's
 * module includes, in its order, and no other may come before the exports.
 * vbm-memops.h has prototypes only. scripts/check-crcs.sh sees to it.
 */

#include <linux/dma-buf.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>

#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-memops.h>

#include "vbm-memops.h"

const struct vb2_mem_ops vb2_dma_contig_memops = {
	.alloc		= vbm_memops_alloc_contig,
	.put		= vbm_memops_put,
	.get_dmabuf	= vbm_memops_get_dmabuf,
	.cookie		= vbm_memops_cookie_contig,
	.vaddr		= vbm_memops_vaddr,
	.mmap		= vbm_memops_mmap,
	.get_userptr	= vbm_memops_get_userptr_contig,
	.put_userptr	= vbm_memops_put_userptr,
	.prepare	= vbm_memops_prepare,
	.finish		= vbm_memops_finish,
	.map_dmabuf	= vbm_import_map,
	.unmap_dmabuf	= vbm_import_unmap,
	.attach_dmabuf	= vbm_import_attach_contig,
	.detach_dmabuf	= vbm_import_detach,
	.num_users	= vbm_memops_num_users,
};
EXPORT_SYMBOL_GPL(vb2_dma_contig_memops);

/**
 * vb2_dma_contig_set_max_seg_size() - set the longest segment of a device
 * @dev: the device
 * @size: bytes
 *
 * For drivers whose device is behind an IOMMU and takes one address: without
 * it, a list may not be merged into one segment. To be called before the
 * queue is initialised. A size that is larger already stays.
 *
 * Context: any.
 * Return: 0, or -ENODEV if the bus of @dev has no DMA parameters.
 */
int vb2_dma_contig_set_max_seg_size(struct device *dev, unsigned int size)
{
	if (!dev->dma_parms) {
		dev_err(dev, "Failed to set max_seg_size: dma_parms is NULL\n");
		return -ENODEV;
	}
	if (dma_get_max_seg_size(dev) < size)
		dma_set_max_seg_size(dev, size);
	return 0;
}
EXPORT_SYMBOL_GPL(vb2_dma_contig_set_max_seg_size);

MODULE_DESCRIPTION("DMA-contig memory handling routines for videobuf2");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VBM_NS_DMA_BUF);
