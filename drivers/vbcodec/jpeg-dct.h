/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transforms of one block of 8x8 samples.
 */
#ifndef _VBJPEG_DCT_H
#define _VBJPEG_DCT_H

#include "jpeg-shim.h"

/*
 * Where a block has coefficients other than its first one, as a set of these:
 * a column's bit if it has one below the first row, and the rest for all.
 */
#define VBJPEG_NZ_COLUMNS	0x00ff
#define VBJPEG_NZ_RIGHT		0x0100	/* in any column but the first */
#define VBJPEG_NZ_RIGHT_HALF	0x0200	/* in any of the last four columns */
#define VBJPEG_NZ_BOTTOM_HALF	0x0400	/* in any of the last four rows */

void vbjpeg_idct(const s16 *coef, unsigned int nonzero, u8 *dst,
		 unsigned int stride);
void vbjpeg_fdct(const u8 *src, unsigned int stride, s32 *coef);

#endif /* _VBJPEG_DCT_H */
