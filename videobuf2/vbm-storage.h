/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_STORAGE_H
#define _VBM_STORAGE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "vbm.h"

int vbm_storage_defer(struct vbm_buf *buf);
bool vbm_storage_at_once(struct vbm_buf *buf);
void vbm_storage_fini(struct vbm_buf *buf);

int vbm_storage_secure_locked(struct vbm_buf *buf);
int vbm_storage_secure_now(struct vbm_buf *buf);

/* Once it is, it stays; where it is may change. Context: any. */
static inline bool vbm_storage_is_there(const struct vbm_buf *buf)
{
	/* Pairs with vbm_buf_set_backing_locked(). */
	return smp_load_acquire(&buf->backing);
}

/**
 * vbm_storage_secure() - give a buffer its storage, if it has none
 * @buf: the buffer
 *
 * For want of memory the imports that are kept are dropped, which is waited for,
 * three seconds at most, and it is tried once more.
 *
 * Context: may sleep; no reservation lock held; takes &vbm_buf.lock.
 * Return: 0, or
 *	-ENOMEM if there is none that would do;
 *	-ENODEV if the driver of the own device has gone;
 *	why the DMA API could not map it.
 */
static inline int vbm_storage_secure(struct vbm_buf *buf)
{
	return vbm_storage_is_there(buf) ? 0 : vbm_storage_secure_now(buf);
}

#endif
