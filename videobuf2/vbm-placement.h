/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_PLACEMENT_H
#define _VBM_PLACEMENT_H

#include <linux/types.h>

struct device;
struct vbm_buf;

int vbm_placement_for_locked(struct vbm_buf *buf, struct device *dev,
			     size_t piece);
int vbm_placement_move(struct vbm_buf *buf);

#endif
