/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_EXPORT_H
#define _VBM_EXPORT_H

struct dma_buf;
struct vbm_buf;

struct dma_buf *vbm_export(struct vbm_buf *buf, unsigned long flags);

#endif
