/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_EXPORT_H
#define _VBM_EXPORT_H

#include <linux/dma-direction.h>

struct dma_buf;
struct dma_buf_attachment;
struct vbm_buf;
struct vbm_mapping;

struct dma_buf *vbm_export(struct vbm_buf *buf, unsigned long flags);
struct vbm_mapping *vbm_export_mapping(struct dma_buf_attachment *attach,
				       enum dma_data_direction dir);

#endif
