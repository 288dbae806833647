/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_DEMAND_H
#define _VBM_DEMAND_H

#include "vbm-constraints.h"

struct vbm_attachment;
struct vbm_buf;
struct vbm_device;

/* How much does a foreign device care for memory in one piece? */
enum vbm_one {
	VBM_ONE_ANY,		/* nothing known */
	VBM_ONE_PREFERRED,	/* where memory is allocated anyway, or lies ready */
	VBM_ONE_WANTED,		/* learnt: worth a move, no reason to fail */
};

/**
 * struct vbm_demand - what all devices of a buffer ask of its memory
 * @all: a merge; see vbm-constraints.c
 * @one: the most that any of them cares, where @all allows more pieces
 * @by: who brought it to what it is; name is NULL where nobody asked
 * @one_by: the same of @one
 *
 * Names live as long as &vbm_buf.lock is held.
 */
struct vbm_demand {
	struct vbm_constraints all;
	enum vbm_one one;
	struct {
		const char *name;
	} by[VBM_NR_REQ];
	const char *one_by;
};

void vbm_demand_collect_locked(struct vbm_buf *buf,
			       const struct vbm_attachment *wanted,
			       struct vbm_demand *demand);

enum vbm_one vbm_demand_attachment_locked(const struct vbm_attachment *att,
					  struct vbm_constraints *c);
void vbm_demand_own(const struct vbm_device *vdev, bool contig,
		    struct vbm_constraints *c);

#endif
