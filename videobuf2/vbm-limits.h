/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_LIMITS_H
#define _VBM_LIMITS_H

#include <linux/types.h>

#include "vbm-constraints.h"

struct device;

int vbm_limits_init(void);
void vbm_limits_fini(void);

void vbm_device_describe(struct device *dev, struct vbm_constraints *limits);
bool vbm_device_direct(struct device *dev);
u64 vbm_device_max_coherent(struct device *dev);

#endif
