// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transforms of one block of 8x8 samples.
 *
 * Loeffler, Ligtenberg and Moschytz's algorithm with 12 multiplications, in
 * integers of 13 fractional bits, of which the first pass hands on 2. The
 * order of operations and every rounding are those that the Independent JPEG
 * Group calls "islow", so that results can be compared bit by bit.
 */

#include "jpeg-dct.h"

#define CONST_BITS	13
#define PASS1_BITS	2

#define FIX_0_298631336	2446
#define FIX_0_390180644	3196
#define FIX_0_541196100	4433
#define FIX_0_765366865	6270
#define FIX_0_899976223	7373
#define FIX_1_175875602	9633
#define FIX_1_501321110	12299
#define FIX_1_847759065	15137
#define FIX_1_961570560	16069
#define FIX_2_053119869	16819
#define FIX_2_562915447	20995
#define FIX_3_072711026	25172

struct vec8 {
	s32 v[8];
};

/*
 * One dimension of the inverse transform; @round is added to each result.
 * Where arguments are constants 0 the compiler leaves out what they cost.
 */
static __always_inline struct vec8
idct_1d(s32 a0, s32 a1, s32 a2, s32 a3, s32 a4, s32 a5, s32 a6, s32 a7,
	s32 round, int shift)
{
	s32 t0, t1, t2, t3, t10, t11, t12, t13, z1, z2, z3, z4, z5;
	struct vec8 r;

	z1 = (a2 + a6) * FIX_0_541196100;
	t2 = z1 - a6 * FIX_1_847759065;
	t3 = z1 + a2 * FIX_0_765366865;
	t0 = (a0 + a4) * (1 << CONST_BITS) + round;
	t1 = (a0 - a4) * (1 << CONST_BITS) + round;
	t10 = t0 + t3;
	t13 = t0 - t3;
	t11 = t1 + t2;
	t12 = t1 - t2;

	z1 = -(a7 + a1) * FIX_0_899976223;
	z2 = -(a5 + a3) * FIX_2_562915447;
	z3 = a7 + a3;
	z4 = a5 + a1;
	z5 = (z3 + z4) * FIX_1_175875602;
	z3 = z5 - z3 * FIX_1_961570560;
	z4 = z5 - z4 * FIX_0_390180644;
	t0 = a7 * FIX_0_298631336 + z1 + z3;
	t1 = a5 * FIX_2_053119869 + z2 + z4;
	t2 = a3 * FIX_3_072711026 + z2 + z3;
	t3 = a1 * FIX_1_501321110 + z1 + z4;

	r.v[0] = (t10 + t3) >> shift;
	r.v[7] = (t10 - t3) >> shift;
	r.v[1] = (t11 + t2) >> shift;
	r.v[6] = (t11 - t2) >> shift;
	r.v[2] = (t12 + t1) >> shift;
	r.v[5] = (t12 - t1) >> shift;
	r.v[3] = (t13 + t0) >> shift;
	r.v[4] = (t13 - t0) >> shift;

	return r;
}

#define COLUMN_SHIFT	(CONST_BITS - PASS1_BITS)
#define COLUMN_ROUND	(1 << (COLUMN_SHIFT - 1))
#define ROW_SHIFT	(CONST_BITS + PASS1_BITS + 3)
/* The samples' offset of 128 is added along with the rounding. */
#define ROW_ROUND	((1 << (ROW_SHIFT - 1)) + (128 << ROW_SHIFT))

static inline u8 clamp_sample(s32 v)
{
	if (unlikely((u32)v > 255))
		return v < 0 ? 0 : 255;

	return v;
}

static void fill_row(u8 *dst, u8 sample)
{
	memset(dst, sample, 8);
}

static void idct_columns(const s16 *in, unsigned int nonzero, s32 *ws)
{
	struct vec8 r;
	int i, k;

	for (i = 0; i < 8; i++, in++, ws++) {
		if (!(nonzero & (1 << i))) {
			s32 dc = in[0] * (1 << PASS1_BITS);

			for (k = 0; k < 8; k++)
				ws[8 * k] = dc;
			continue;
		}

		if (nonzero & VBJPEG_NZ_BOTTOM_HALF)
			r = idct_1d(in[0], in[8], in[16], in[24], in[32],
				    in[40], in[48], in[56], COLUMN_ROUND,
				    COLUMN_SHIFT);
		else
			r = idct_1d(in[0], in[8], in[16], in[24], 0, 0, 0, 0,
				    COLUMN_ROUND, COLUMN_SHIFT);

		for (k = 0; k < 8; k++)
			ws[8 * k] = r.v[k];
	}
}

static void idct_rows(const s32 *ws, unsigned int nonzero, u8 *dst,
		      unsigned int stride)
{
	struct vec8 r;
	int i, k;

	for (i = 0; i < 8; i++, ws += 8, dst += stride) {
		if (nonzero & VBJPEG_NZ_RIGHT_HALF)
			r = idct_1d(ws[0], ws[1], ws[2], ws[3], ws[4], ws[5],
				    ws[6], ws[7], ROW_ROUND, ROW_SHIFT);
		else
			r = idct_1d(ws[0], ws[1], ws[2], ws[3], 0, 0, 0, 0,
				    ROW_ROUND, ROW_SHIFT);

		for (k = 0; k < 8; k++)
			dst[k] = clamp_sample(r.v[k]);
	}
}

/**
 * vbjpeg_idct - coefficients to samples
 * @coef: the coefficients, multiplied by their quantisers, in natural order
 * @nonzero: VBJPEG_NZ_* of all that may not be 0, apart from the first
 * @dst: where the samples go
 * @stride: from one row of them to the next
 */
void vbjpeg_idct(const s16 *coef, unsigned int nonzero, u8 *dst,
		 unsigned int stride)
{
	s32 ws[64];
	int i;

	if (!nonzero) {
		u8 sample = clamp_sample(((coef[0] + 4) >> 3) + 128);

		for (i = 0; i < 8; i++)
			fill_row(dst + i * stride, sample);
		return;
	}

	idct_columns(coef, nonzero, ws);
	if (nonzero & VBJPEG_NZ_RIGHT) {
		idct_rows(ws, nonzero, dst, stride);
		return;
	}

	for (i = 0; i < 8; i++) {
		s32 dc = (ws[8 * i] + (1 << (PASS1_BITS + 2))) >>
			 (PASS1_BITS + 3);

		fill_row(dst + i * stride, clamp_sample(dc + 128));
	}
}

/*
 * One dimension of the transform. The even half, which in the first pass needs
 * no rounding, is shifted left by @left and right by @even, the odd by @odd.
 */
static __always_inline struct vec8
fdct_1d(s32 a0, s32 a1, s32 a2, s32 a3, s32 a4, s32 a5, s32 a6, s32 a7,
	int left, int even, int odd)
{
	s32 t0 = a0 + a7, t1 = a1 + a6, t2 = a2 + a5, t3 = a3 + a4;
	s32 t7 = a0 - a7, t6 = a1 - a6, t5 = a2 - a5, t4 = a3 - a4;
	s32 t10 = t0 + t3, t13 = t0 - t3, t11 = t1 + t2, t12 = t1 - t2;
	s32 round_even = even ? (1 << even) >> 1 : 0;
	s32 round = 1 << (odd - 1);
	s32 z1, z2, z3, z4, z5;
	struct vec8 r;

	r.v[0] = ((t10 + t11) * (1 << left) + round_even) >> even;
	r.v[4] = ((t10 - t11) * (1 << left) + round_even) >> even;

	z1 = (t12 + t13) * FIX_0_541196100 + round;
	r.v[2] = (z1 + t13 * FIX_0_765366865) >> odd;
	r.v[6] = (z1 - t12 * FIX_1_847759065) >> odd;

	z1 = -(t4 + t7) * FIX_0_899976223 + round;
	z2 = -(t5 + t6) * FIX_2_562915447 + round;
	z3 = t4 + t6;
	z4 = t5 + t7;
	z5 = (z3 + z4) * FIX_1_175875602;
	z3 = z5 - z3 * FIX_1_961570560;
	z4 = z5 - z4 * FIX_0_390180644;

	r.v[7] = (t4 * FIX_0_298631336 + z1 + z3) >> odd;
	r.v[5] = (t5 * FIX_2_053119869 + z2 + z4) >> odd;
	r.v[3] = (t6 * FIX_3_072711026 + z2 + z3) >> odd;
	r.v[1] = (t7 * FIX_1_501321110 + z1 + z4) >> odd;

	return r;
}

/**
 * vbjpeg_fdct - samples to coefficients
 * @src: the samples
 * @stride: from one row of them to the next
 * @coef: the coefficients times 8, in natural order
 */
void vbjpeg_fdct(const u8 *src, unsigned int stride, s32 *coef)
{
	struct vec8 r;
	s32 *c;
	int i, k;

	/* The offset of 128 cancels in all but the first coefficient. */
	for (i = 0, c = coef; i < 8; i++, src += stride, c += 8) {
		r = fdct_1d(src[0], src[1], src[2], src[3], src[4], src[5],
			    src[6], src[7], PASS1_BITS, 0,
			    CONST_BITS - PASS1_BITS);
		c[0] = r.v[0] - (8 * 128 << PASS1_BITS);
		for (k = 1; k < 8; k++)
			c[k] = r.v[k];
	}

	for (i = 0, c = coef; i < 8; i++, c++) {
		r = fdct_1d(c[0], c[8], c[16], c[24], c[32], c[40], c[48],
			    c[56], 0, PASS1_BITS, CONST_BITS + PASS1_BITS);
		for (k = 0; k < 8; k++)
			c[8 * k] = r.v[k];
	}
}
