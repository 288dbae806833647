/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_MMAP_H
#define _VBM_MMAP_H

struct vbm_buf;
struct vm_area_struct;

int vbm_mmap(struct vbm_buf *buf, struct vm_area_struct *vma);

#endif
