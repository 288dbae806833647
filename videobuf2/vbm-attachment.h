/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_ATTACHMENT_H
#define _VBM_ATTACHMENT_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct dma_buf;
struct dma_buf_attachment;
struct sg_table;
struct vbm_mapping;

/* &struct dma_buf_ops callbacks */
int vbm_attachment_new(struct dma_buf *dmabuf,
		       struct dma_buf_attachment *attach);
void vbm_attachment_free(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach);
struct sg_table *vbm_attachment_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir);
void vbm_attachment_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir);

bool vbm_attachment_claim(struct dma_buf_attachment *attach, size_t piece);
struct vbm_mapping *vbm_attachment_mapping(struct dma_buf_attachment *attach,
					   enum dma_data_direction dir);

#endif
