// SPDX-License-Identifier: GPL-2.0-only
/*
 * videobuf2-dma-sg: buffers with a list of DMA addresses.
 *
 * Only names: the code is in videobuf2-mem. On the headers and their order see
 * videobuf2-dma-contig.c.
 */

#include <linux/module.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-memops.h>
#include <media/videobuf2-dma-sg.h>

#include "vbm-memops.h"

const struct vb2_mem_ops vb2_dma_sg_memops = {
	.alloc		= vbm_memops_alloc_sg,
	.put		= vbm_memops_put,
	.get_userptr	= vbm_memops_get_userptr_sg,
	.put_userptr	= vbm_memops_put_userptr,
	.prepare	= vbm_memops_prepare,
	.finish		= vbm_memops_finish,
	.vaddr		= vbm_memops_vaddr,
	.mmap		= vbm_memops_mmap,
	.num_users	= vbm_memops_num_users,
	.get_dmabuf	= vbm_memops_get_dmabuf,
	.map_dmabuf	= vbm_import_map,
	.unmap_dmabuf	= vbm_import_unmap,
	.attach_dmabuf	= vbm_import_attach_sg,
	.detach_dmabuf	= vbm_import_detach,
	.cookie		= vbm_memops_cookie_sg,
};
EXPORT_SYMBOL_GPL(vb2_dma_sg_memops);

MODULE_DESCRIPTION("dma scatter/gather memory handling routines for videobuf2");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VBM_NS_DMA_BUF);
