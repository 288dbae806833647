/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_LESSON_H
#define _VBM_LESSON_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vbm_device;

/* How far an attachment has come with being refused. */
enum vbm_lesson_state {
	VBM_LESSON_NEW,
	VBM_LESSON_SHOWN,
	VBM_LESSON_RETURNED,
	VBM_LESSON_OTHER,
};

/**
 * struct vbm_lesson - what an attachment did with what it was given
 * @state: how far it has come
 * @shown: when it was given a table of several segments
 *
 * Guarded by &vbm_buf.lock.
 */
struct vbm_lesson {
	enum vbm_lesson_state state;
	ktime_t shown;
};

void vbm_lesson_map(struct vbm_lesson *lesson, struct vbm_device *vdev,
		    unsigned int segments);
void vbm_lesson_unmap(struct vbm_lesson *lesson, struct vbm_device *vdev,
		      unsigned int segments);
void vbm_lesson_detach(struct vbm_lesson *lesson, struct vbm_device *vdev);

bool vbm_lesson_learnt(struct vbm_device *vdev);

#endif
