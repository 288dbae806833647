/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_VMAP_H
#define _VBM_VMAP_H

#include <linux/types.h>

struct vbm_backing;
struct vbm_buf;

/**
 * struct vbm_kaddr - a kernel address of storage
 * @vaddr: the address, or NULL
 * @fixed: the storage has no other, and needs no mapping for it
 */
struct vbm_kaddr {
	void *vaddr;
	bool fixed;
};

bool vbm_may_sleep(void);

void vbm_vmap_init(struct vbm_buf *buf, const struct vbm_backing *backing);
void vbm_vmap_fini(struct vbm_buf *buf);
bool vbm_vmap_possible(const struct vbm_buf *buf);

void *vbm_vmap_get(struct vbm_buf *buf);
void vbm_vmap_put(struct vbm_buf *buf);

int vbm_vmap_prepare_locked(struct vbm_buf *buf,
			    const struct vbm_backing *backing,
			    struct vbm_kaddr *kaddr);
void vbm_vmap_switch_locked(struct vbm_buf *buf, struct vbm_kaddr *kaddr);
void vbm_vmap_discard(struct vbm_kaddr *kaddr,
		      const struct vbm_backing *backing);

int vbm_vmap_hold(struct vbm_buf *buf);
void *vbm_vmap_addr(struct vbm_buf *buf);

#endif
