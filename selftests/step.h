/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/vbm-step as the tests use it; see modules/vbm-step.h. Functions that do
 * not return anything end the test on failure, the others return 0 or a
 * negative errno.
 */
#ifndef VBM_SELFTESTS_STEP_H
#define VBM_SELFTESTS_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include "modules/vbm-step.h"

/* A queue; ends the test on failure. */
int step_open(const struct vbm_step_config *config);
void step_buffers(int step, unsigned int count);
void step_buffers_non_coherent(int step, unsigned int count);
void step_imports(int step, unsigned int count);
void step_release(int step);
/* The dma-buf's fd; ends the test on failure. */
int step_export(int step, unsigned int index, unsigned int plane);
/* Of what is mapped by page frame; ends the test on failure. */
void step_frames(int step, const void *p, unsigned long long *frames,
		 unsigned int nr);
void *step_mmap(int step, unsigned int index, unsigned int plane, size_t size);

int step_begin(int step, const struct vbm_step_begin *begin);
/* An import of one plane, or the queue's own buffer. */
int step_prepare(int step, const struct vbm_step_begin *begin);
int step_remove(int step, unsigned int index);
int step_begin_fd(int step, unsigned int index, int fd);
int step_done(int step, unsigned int index);
int step_stop(int step);
int step_read(int step, unsigned int index, unsigned int plane, size_t offset,
	      void *data, size_t length);
int step_write(int step, unsigned int index, unsigned int plane, size_t offset,
	       const void *data, size_t length);
/* The first bytes of plane 0, where the driver has kept that they are. */
int step_reference(int step, unsigned int index, void *data, size_t length);
int step_reference_write(int step, unsigned int index, const void *data,
			 size_t length);
/* Through the driver's kernel address. */
int step_vread(int step, unsigned int index, size_t offset, void *data,
	       size_t length);
/* From where it can not sleep. */
int step_vread_atomic(int step, unsigned int index, size_t offset, void *data,
		      size_t length);
int step_vwrite(int step, unsigned int index, size_t offset, const void *data,
		size_t length);

#endif
