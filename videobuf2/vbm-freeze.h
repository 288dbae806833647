/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_FREEZE_H
#define _VBM_FREEZE_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "vbm.h"

/**
 * enum vbm_freeze - why a buffer stays where it is
 * @VBM_FREEZE_NONE: it may move
 * @VBM_FREEZE_ADDRESS: its driver has read the DMA address, and may keep it
 * @VBM_FREEZE_VADDR: the same of the kernel address
 * @VBM_FREEZE_QUEUED: its driver has it, and may have read either
 * @VBM_FREEZE_DEQUEUED: its driver, though movable, did so while user space
 *	had the buffer
 * @VBM_FREEZE_OUTSIDE: its driver, though managed, did so when it had not prepared
 *	it
 * @VBM_FREEZE_PRIVATE: page frames are in a private mapping of user space, which
 *	can not be made again
 * @VBM_FREEZE_MEMORY: memory of the DMA API, or without pages
 * @VBM_FREEZE_USERPTR: user space's pages
 * @VBM_NR_FREEZES: how many there are
 */
enum vbm_freeze {
	VBM_FREEZE_NONE,
	VBM_FREEZE_ADDRESS,
	VBM_FREEZE_VADDR,
	VBM_FREEZE_QUEUED,
	VBM_FREEZE_DEQUEUED,
	VBM_FREEZE_OUTSIDE,
	VBM_FREEZE_PRIVATE,
	VBM_FREEZE_MEMORY,
	VBM_FREEZE_USERPTR,
	VBM_NR_FREEZES
};

/* &vbm_buf.claims; see vbm-freeze.c. */
#define VBM_CLAIM_OWNED		BIT(0)
#define VBM_CLAIM_PREPARING	BIT(1)
#define VBM_CLAIM_MOVING	BIT(2)
#define VBM_CLAIM_ONE		BIT(3)

extern const char * const vbm_freeze_names[VBM_NR_FREEZES];

bool vbm_freeze_listed(const struct device *dev);
void vbm_freeze(struct vbm_buf *buf, enum vbm_freeze why);
void vbm_freeze_touch(struct vbm_buf *buf, enum vbm_freeze why);
void vbm_freeze_release(struct vbm_buf *buf);
bool vbm_freeze_prepare(struct vbm_buf *buf);
bool vbm_freeze_may_move(const struct vbm_buf *buf, int *claims);
bool vbm_freeze_begin_move(struct vbm_buf *buf, int claims);
void vbm_freeze_end_move(struct vbm_buf *buf);
bool vbm_freeze_owned(struct vbm_buf *buf);

/**
 * vbm_freeze_mark() - somebody is about to rely on where a plane is
 * @plane: of any kind
 * @why: what for: VBM_FREEZE_ADDRESS or VBM_FREEZE_VADDR, which a driver may
 *	keep; VBM_FREEZE_NONE until vbm_freeze_unmark() only
 *
 * Comes before the address is looked at. The rule of all drivers that do not say
 * otherwise: once they have an address they keep it, so after that one test is
 * all there is to it.
 *
 * Context: any, also hard interrupts.
 */
static __always_inline void vbm_freeze_mark(struct vbm_plane *plane,
					    enum vbm_freeze why)
{
	/* What was written before it was frozen is what it stays. */
	if (unlikely(!smp_load_acquire(&plane->frozen)))
		vbm_freeze_touch(vbm_plane_buf(plane), why);
}

/* The device has done with it. Context: any, also hard interrupts. */
static __always_inline void vbm_freeze_unmark(struct vbm_plane *plane)
{
	if (unlikely(!READ_ONCE(plane->frozen)))
		vbm_freeze_release(vbm_plane_buf(plane));
}

#endif
