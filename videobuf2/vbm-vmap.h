/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_VMAP_H
#define _VBM_VMAP_H

#include <linux/types.h>

struct vbm_buf;

bool vbm_may_sleep(void);

void vbm_vmap_init(struct vbm_buf *buf);
void vbm_vmap_fini(struct vbm_buf *buf);
bool vbm_vmap_possible(const struct vbm_buf *buf);

void *vbm_vmap_get(struct vbm_buf *buf);
void vbm_vmap_put(struct vbm_buf *buf);

int vbm_vmap_hold(struct vbm_buf *buf);
void *vbm_vmap_addr(struct vbm_buf *buf);

#endif
