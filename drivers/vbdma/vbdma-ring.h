/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBDMA_RING_H
#define _VBDMA_RING_H

#include <linux/fs.h>

struct vbdma_dev;

extern const struct file_operations vbdma_ring_fops;

void vbdma_ring_add(struct vbdma_dev *vd);
void vbdma_ring_remove(struct vbdma_dev *vd);

#endif /* _VBDMA_RING_H */
