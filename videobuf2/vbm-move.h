/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_MOVE_H
#define _VBM_MOVE_H

#include <linux/types.h>

struct vbm_buf;
struct vbm_request;

/**
 * enum vbm_refusal - why a buffer does not move
 * @VBM_MOVED: it did
 * @VBM_REFUSED_FROZEN: see enum vbm_freeze
 * @VBM_REFUSED_OWNED: its driver may be touching it
 * @VBM_REFUSED_MAPPED: a device has it mapped or pinned, or is not done
 * @VBM_REFUSED_KERNEL: somebody has its kernel address, or accesses it
 * @VBM_REFUSED_PINNED: a page is in use for I/O, or just being mapped by user
 *	space
 * @VBM_REFUSED_RACED: its driver wanted it meanwhile
 * @VBM_REFUSED_MEMORY: there is no memory that would do
 * @VBM_REFUSED_DEVICE: the own device can not have that memory, or its driver
 *	has gone
 * @VBM_NR_REFUSALS: how many there are
 */
enum vbm_refusal {
	VBM_MOVED,
	VBM_REFUSED_FROZEN,
	VBM_REFUSED_OWNED,
	VBM_REFUSED_MAPPED,
	VBM_REFUSED_KERNEL,
	VBM_REFUSED_PINNED,
	VBM_REFUSED_RACED,
	VBM_REFUSED_MEMORY,
	VBM_REFUSED_DEVICE,
	VBM_NR_REFUSALS
};

extern const char * const vbm_refusal_names[VBM_NR_REFUSALS];

enum vbm_refusal vbm_move_possible_locked(struct vbm_buf *buf);
enum vbm_refusal vbm_move_locked(struct vbm_buf *buf,
				 const struct vbm_request *req);

#endif
