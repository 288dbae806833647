/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_REVOKE_H
#define _VBM_REVOKE_H

#include <linux/types.h>

struct dma_buf_attachment;
struct vbm_attachment;
struct vbm_buf;

int vbm_revoke_pin(struct dma_buf_attachment *attach);
void vbm_revoke_unpin(struct dma_buf_attachment *attach);

void vbm_revoke(struct vbm_buf *buf, const struct vbm_attachment *but);
bool vbm_revoke_idle(struct vbm_buf *buf);

#endif
