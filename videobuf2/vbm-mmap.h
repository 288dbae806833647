/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_MMAP_H
#define _VBM_MMAP_H

#include <linux/types.h>

struct vbm_buf;
struct vm_area_struct;

bool vbm_mmap_listed_locked(struct vbm_buf *buf);
void vbm_mmap_shoot_down_locked(struct vbm_buf *buf);

int vbm_mmap(struct vbm_buf *buf, struct vm_area_struct *vma);

#endif
