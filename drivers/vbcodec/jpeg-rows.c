// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG decoder: from samples to rows of pixels.
 *
 * Chroma comes at the resolution of the file and goes out at that of the raw
 * format. Where it has to be finer it is interpolated, with the weights and the
 * roundings of libjpeg's "fancy upsampling"; where it has to be coarser it is
 * averaged.
 */

#include "jpeg-dec.h"

/* Beyond the edge it goes on as it is there. */
static const u8 *comp_row(const struct vbjpeg_dec_comp *comp, int row)
{
	row = clamp(row, 0, (int)comp->height - 1);

	return comp->samples + (size_t)row * comp->stride;
}

/* --- vertically ----------------------------------------------------------- */

static void rows_average(const u8 *a, const u8 *b, unsigned int n, u8 *out)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		out[i] = (a[i] + b[i] + 1) >> 1;
}

/* The row at @y, whose neighbours in the file are nearer and farther. */
static void rows_between(const struct vbjpeg_dec_comp *comp, unsigned int y,
			 u8 *out)
{
	const u8 *near = comp_row(comp, y / 2);
	const u8 *far = comp_row(comp, y & 1 ? y / 2 + 1 : (int)y / 2 - 1);
	unsigned int i, bias = y & 1 ? 2 : 1;

	for (i = 0; i < comp->width; i++)
		out[i] = (3 * near[i] + far[i] + bias) >> 2;
}

/* --- horizontally --------------------------------------------------------- */

static void pairs_average(const u8 *in, unsigned int n, u8 *out)
{
	unsigned int i;

	for (i = 0; i < n / 2; i++)
		out[i] = (in[2 * i] + in[2 * i + 1] + 1) >> 1;
	if (n & 1)
		out[i] = in[n - 1];
}

static void repeat(const u8 *in, unsigned int n, unsigned int times, u8 *out)
{
	unsigned int i;

	for (i = 0; i < n; i++, out += times)
		memset(out, in[i], times);
}

static void interpolate(const u8 *in, unsigned int n, u8 *out)
{
	unsigned int i;

	/* What is only as wide as an edge has none. */
	if (n <= 2) {
		repeat(in, n, 2, out);
		return;
	}

	out[0] = in[0];
	out[1] = (3 * in[0] + in[1] + 2) >> 2;
	for (i = 1; i < n - 1; i++) {
		unsigned int here = 3 * in[i];

		out[2 * i] = (here + in[i - 1] + 1) >> 2;
		out[2 * i + 1] = (here + in[i + 1] + 2) >> 2;
	}
	out[2 * i] = (3 * in[i] + in[i - 1] + 1) >> 2;
	out[2 * i + 1] = in[i];
}

/* --- both at once, with one rounding -------------------------------------- */

static void squares_average(const u8 *a, const u8 *b, unsigned int n, u8 *out)
{
	unsigned int i;

	for (i = 0; i < n / 2; i++)
		out[i] = (a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1] +
			  2) >> 2;
	if (n & 1)
		out[i] = (a[n - 1] + b[n - 1] + 1) >> 1;
}

static void interpolate_square(const struct vbjpeg_dec_comp *comp,
			       unsigned int y, u8 *out)
{
	const u8 *near = comp_row(comp, y / 2);
	const u8 *far = comp_row(comp, y & 1 ? y / 2 + 1 : (int)y / 2 - 1);
	unsigned int i, n = comp->width, last, here, next;

	if (n <= 2) {
		repeat(near, n, 2, out);
		return;
	}

	here = 3 * near[0] + far[0];
	last = here;
	for (i = 0; i < n - 1; i++, out += 2) {
		next = 3 * near[i + 1] + far[i + 1];
		out[0] = (3 * here + last + 8) >> 4;
		out[1] = (3 * here + next + 7) >> 4;
		last = here;
		here = next;
	}
	out[0] = (3 * here + last + 8) >> 4;
	out[1] = (4 * here + 7) >> 4;
}

/**
 * chroma_row - a row of a chroma component
 * @dec: the decoder
 * @i: number of the component, from 1
 * @y: number of the row, at the resolution asked for
 * @hs: luma samples to a chroma sample that are asked for, horizontally
 * @vs: and vertically
 *
 * Return: the row, of the width of the picture over @hs, rounded up; good until
 * another row of this component is asked for.
 */
static const u8 *chroma_row(struct vbjpeg_dec *dec, unsigned int i,
			    unsigned int y, unsigned int hs, unsigned int vs)
{
	const struct vbjpeg_dec_comp *comp = &dec->comp[i];
	unsigned int n = comp->width;
	u8 *out = dec->row[i - 1];
	const u8 *in;

	if (dec->hs == 2 && dec->vs == 2 && hs == 1 && vs == 1) {
		interpolate_square(comp, y, out);
		return out;
	}
	if (dec->hs == 1 && dec->vs == 1 && hs == 2 && vs == 2) {
		squares_average(comp_row(comp, 2 * y),
				comp_row(comp, 2 * y + 1), n, out);
		return out;
	}

	if (dec->vs == vs) {
		in = comp_row(comp, y);
	} else if (dec->vs < vs) {
		rows_average(comp_row(comp, 2 * y), comp_row(comp, 2 * y + 1),
			     n, dec->tmp);
		in = dec->tmp;
	} else if (dec->hs == 4) {
		in = comp_row(comp, y / 2);
	} else {
		rows_between(comp, y, dec->tmp);
		in = dec->tmp;
	}

	if (dec->hs == hs && in != dec->tmp)
		return in;
	if (dec->hs == hs)
		memcpy(out, in, n);
	else if (dec->hs < hs)
		pairs_average(in, n, out);
	else if (dec->hs == 4)
		repeat(in, n, 4 / hs, out);
	else
		interpolate(in, n, out);

	return out;
}

/* --- pixels --------------------------------------------------------------- */

/* What is odd is made even by repeating the last pixel. */
static void luma_out(const struct vbjpeg_dec *dec, unsigned int y, u8 *dst)
{
	const u8 *in = comp_row(&dec->comp[0], y);

	memcpy(dst, in, dec->width);
	if (dec->width & 1)
		dst[dec->width] = in[dec->width - 1];
}

static void pairs_out(struct vbjpeg_dec *dec, unsigned int y, u8 *dst)
{
	unsigned int i, n = DIV_ROUND_UP(dec->width, 2);
	const u8 *cb, *cr;

	if (dec->nr_comps == 1) {
		memset(dst, 128, 2 * n);
		return;
	}

	cb = chroma_row(dec, 1, y, 2, 2);
	cr = chroma_row(dec, 2, y, 2, 2);
	for (i = 0; i < n; i++) {
		dst[2 * i] = cb[i];
		dst[2 * i + 1] = cr[i];
	}
}

static void yuyv_out(struct vbjpeg_dec *dec, unsigned int row, u8 *dst)
{
	const u8 *y = comp_row(&dec->comp[0], row), *cb, *cr;
	unsigned int i, n = dec->width;

	if (dec->nr_comps == 1) {
		cb = memset(dec->row[0], 128, DIV_ROUND_UP(n, 2));
		cr = cb;
	} else {
		cb = chroma_row(dec, 1, row, 2, 1);
		cr = chroma_row(dec, 2, row, 2, 1);
	}

	for (i = 0; i < n / 2; i++, dst += 4)
		put_unaligned_le32(y[2 * i] | cb[i] << 8 | y[2 * i + 1] << 16 |
				   (u32)cr[i] << 24, dst);
	if (n & 1)
		put_unaligned_le32(y[2 * i] | cb[i] << 8 | y[2 * i] << 16 |
				   (u32)cr[i] << 24, dst);
}

static inline u32 clamp_colour(s32 v)
{
	if (unlikely((u32)v > 255))
		return v < 0 ? 0 : 255;

	return v;
}

/* With 16 fractional bits. */
#define FIX_0_34414	22554
#define FIX_0_71414	46802
#define FIX_1_40200	91881
#define FIX_1_77200	116130
#define HALF		32768

static void xr24_out(struct vbjpeg_dec *dec, unsigned int row, u8 *dst)
{
	const u8 *y = comp_row(&dec->comp[0], row), *cb, *cr;
	unsigned int i, n = dec->width;

	if (dec->nr_comps == 1) {
		for (i = 0; i < n; i++, dst += 4)
			put_unaligned_le32(0xff000000 | 0x010101 * y[i], dst);
		return;
	}

	cb = chroma_row(dec, 1, row, 1, 1);
	cr = chroma_row(dec, 2, row, 1, 1);
	for (i = 0; i < n; i++, dst += 4) {
		s32 u = cb[i] - 128, v = cr[i] - 128;
		u32 r, g, b;

		r = clamp_colour(y[i] + ((FIX_1_40200 * v + HALF) >> 16));
		g = clamp_colour(y[i] + ((HALF - FIX_0_34414 * u -
					  FIX_0_71414 * v) >> 16));
		b = clamp_colour(y[i] + ((FIX_1_77200 * u + HALF) >> 16));
		put_unaligned_le32(0xff000000 | r << 16 | g << 8 | b, dst);
	}
}

/**
 * vbjpeg_dec_rows - rows of pixels
 * @dec: the decoder, after vbjpeg_dec_scans()
 * @raw: what pixels
 * @plane: what plane of them
 * @first: number of the first row of the plane
 * @nr_rows: how many; those beyond the last one repeat it
 * @dst: where they go
 * @stride: bytes from one to the next
 */
void vbjpeg_dec_rows(struct vbjpeg_dec *dec, enum vbjpeg_raw raw,
		     unsigned int plane, unsigned int first,
		     unsigned int nr_rows, u8 *dst, unsigned int stride)
{
	unsigned int last = first + nr_rows, height, y;

	height = plane ? DIV_ROUND_UP(dec->height, 2) : dec->height;
	for (; first < last; first++, dst += stride) {
		y = min(first, height - 1);
		switch (raw) {
		case VBJPEG_NV12:
			if (plane)
				pairs_out(dec, y, dst);
			else
				luma_out(dec, y, dst);
			break;
		case VBJPEG_YUYV:
			yuyv_out(dec, y, dst);
			break;
		case VBJPEG_XR24:
			xr24_out(dec, y, dst);
			break;
		}
	}
}
