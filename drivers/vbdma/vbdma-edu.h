/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBDMA_EDU_H
#define _VBDMA_EDU_H

#include <linux/types.h>

struct pci_dev;
struct vbdma_edu;

struct vbdma_edu *vbdma_edu_get(struct pci_dev *pdev);
int vbdma_edu_move(struct vbdma_edu *edu, dma_addr_t addr, void *buf,
		   size_t len, bool write);

#endif /* _VBDMA_EDU_H */
