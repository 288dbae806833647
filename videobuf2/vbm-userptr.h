/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_USERPTR_H
#define _VBM_USERPTR_H

#include <linux/types.h>

struct device;
struct vb2_buffer;
struct vbm_buf;

struct vbm_buf *vbm_userptr_get(struct vb2_buffer *vb, struct device *dev,
				unsigned long vaddr, size_t size, bool contig);
void vbm_userptr_put(struct vbm_buf *buf);

#endif
