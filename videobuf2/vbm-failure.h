/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_FAILURE_H
#define _VBM_FAILURE_H

#include <linux/types.h>

#include "vbm-constraints.h"
#include "vbm-freeze.h"
#include "vbm-move.h"
#include "vbm-stats.h"

struct seq_file;

/* What was being done. */
enum vbm_task {
	VBM_TASK_ALLOC,		/* REQBUFS, CREATE_BUFS */
	VBM_TASK_STORAGE,	/* memory for a buffer that had none yet */
	VBM_TASK_MAP,		/* an importer maps a buffer of ours */
	VBM_TASK_IMPORT,	/* QBUF of somebody's dma-buf */
	VBM_TASK_USERPTR,	/* QBUF of user memory */
	VBM_TASK_SHARED,	/* vbm_shared_alloc() */
	VBM_TASK_ACCESS,	/* vbm_access_get() */
	VBM_NR_TASKS
};

extern const char * const vbm_task_names[VBM_NR_TASKS];

/**
 * struct vbm_failure - what failed, and why
 * @task: what was being done
 * @stat: VBM_STAT_FAIL_*, the reason; VBM_NR_STATS where none of them fits
 * @error: errno
 * @dev: the device that it was for, or NULL
 * @size: bytes, of the last one
 * @exporter: of the dma-buf that was to be imported, or NULL
 * @buf: number of our buffer that was to be mapped, the last one, or 0
 * @owner: device of that buffer
 * @lacks: what @dev needs that the buffer is not
 * @why: what kept it from moving; VBM_MOVED where that was not tried
 * @freeze: why it is frozen
 * @by: device with which no memory would do for all, or NULL
 *
 * Strings are copied.
 */
struct vbm_failure {
	enum vbm_task task;
	enum vbm_stat stat;
	int error;
	const char *dev;
	size_t size;
	const char *exporter;
	unsigned int buf;
	const char *owner;
	enum vbm_requirement lacks;
	enum vbm_refusal why;
	enum vbm_freeze freeze;
	const char *by;
};

void vbm_fail(const struct vbm_failure *failure);
void vbm_failures_show(struct seq_file *s);

#endif
