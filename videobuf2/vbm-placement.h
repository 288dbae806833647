/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_PLACEMENT_H
#define _VBM_PLACEMENT_H

struct vbm_attachment;
struct vbm_buf;

int vbm_placement_for_locked(struct vbm_buf *buf, struct vbm_attachment *att);
int vbm_placement_move(struct vbm_buf *buf);

#endif
