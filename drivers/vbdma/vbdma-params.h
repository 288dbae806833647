/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module parameters that all drivers without hardware have: variables of
 * the one file of a driver that includes this, which hands vbdma_params to
 * vbdma_driver_register().
 */
#ifndef _VBDMA_PARAMS_H
#define _VBDMA_PARAMS_H

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "vbdma.h"

static struct vbdma_params vbdma_params = { .n_devs = 1 };

module_param_named(n_devs, vbdma_params.n_devs, uint, 0444);
MODULE_PARM_DESC(n_devs, "Number of devices, up to 64 (1)");

module_param_named(pci, vbdma_params.pci, uint, 0444);
MODULE_PARM_DESC(pci,
		 "How many of them, from the first on, are PCI functions (0)");

module_param_array_named(sg, vbdma_params.sg, bool, NULL, 0444);
MODULE_PARM_DESC(sg, "Scatter-gather memory, else contiguous (0)");

module_param_array_named(legacy, vbdma_params.legacy, bool, NULL, 0444);
MODULE_PARM_DESC(legacy,
		 "Memory from the beginning that never moves, as without videobuf2-mem (0)");

module_param_array_named(multiplanar, vbdma_params.multiplanar, bool, NULL,
			 0444);
MODULE_PARM_DESC(multiplanar, "Multi-planar API, else single-planar (0)");

module_param_array_named(engine, vbdma_params.engine, bool, NULL, 0444);
MODULE_PARM_DESC(engine,
		 "PCI: the function's own DMA engine moves the data, slowly (0)");

module_param_array_named(stride_align, vbdma_params.stride_align, uint, NULL,
			 0444);
MODULE_PARM_DESC(stride_align,
		 "Alignment of raw lines, a power of two (0: none)");

module_param_array_named(dma_mask_bits, vbdma_params.dma_mask_bits, uint, NULL,
			 0444);
MODULE_PARM_DESC(dma_mask_bits, "Width of a DMA address (0: 32)");

module_param_array_named(max_segs, vbdma_params.max_segs, uint, NULL, 0444);
MODULE_PARM_DESC(max_segs, "Most segments of a buffer (0: any number)");

module_param_array_named(max_seg_size, vbdma_params.max_seg_size, uint, NULL,
			 0444);
MODULE_PARM_DESC(max_seg_size, "Longest segment in bytes (0: any)");

module_param_array_named(seg_boundary, vbdma_params.seg_boundary, ulong, NULL,
			 0444);
MODULE_PARM_DESC(seg_boundary,
		 "Mask that no segment may cross, such as 0xffffff (0: none)");

module_param_array_named(seg_align, vbdma_params.seg_align, uint, NULL, 0444);
MODULE_PARM_DESC(seg_align,
		 "Alignment of segments' addresses, a power of two (0: none)");

#endif /* _VBDMA_PARAMS_H */
