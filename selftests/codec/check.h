/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a node does what the same coder does as a program.
 */
#ifndef _CHECK_H
#define _CHECK_H

#include "node.h"

/* There is no buffer as large as this picture wants. */
extern const char *const check_no_memory;

bool check_frame(struct node *n, unsigned int nth, const struct picture *pic,
		 size_t used);

/* NULL, or what is wrong. */
const char *check_dec(struct node *n, const void *data, size_t size,
		      enum vbjpeg_raw raw);
const char *check_enc(struct node *n, const struct picture *pic,
		      const struct vbjpeg_enc_params *params);

void check_defaults(struct vbjpeg_enc_params *params,
		    const struct picture *pic);

#endif /* _CHECK_H */
