// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG encoder: from a strip of raw rows to samples.
 *
 * Where the picture ends within an MCU it goes on as it is at its edge. Chroma
 * is averaged where the file has less of it than the raw picture, and repeated
 * where it has more.
 */

#include "jpeg-enc.h"

/* Repeats the last of @n samples up to a whole number of MCUs. */
static void extend_row(u8 *row, unsigned int n, unsigned int align)
{
	memset(row + n, row[n - 1], round_up(n, align) - n);
}

static u8 *luma_row(struct vbjpeg_enc *enc, unsigned int y)
{
	return enc->luma + y * VBJPEG_ENC_STRIDE;
}

static u8 *chroma_row(struct vbjpeg_enc *enc, unsigned int comp, unsigned int y)
{
	return enc->chroma[comp] + y * VBJPEG_ENC_STRIDE;
}

/* Every @step-th byte. */
static void load_luma(struct vbjpeg_enc *enc, const u8 *in, unsigned int stride,
		      unsigned int rows, unsigned int step)
{
	unsigned int width = enc->params.width, x, y;

	for (y = 0; y < 8 * enc->params.vs; y++) {
		const u8 *src = in + (size_t)min(y, rows - 1) * stride;
		u8 *dst = luma_row(enc, y);

		if (step == 1)
			memcpy(dst, src, width);
		else
			for (x = 0; x < width; x++)
				dst[x] = src[step * x];
		extend_row(dst, width, 8 * enc->params.hs);
	}
}

/*
 * A row of chroma that comes at half the horizontal resolution, every @step-th
 * byte, as the mean of two rows that may be the same one.
 */
static void load_chroma_row(struct vbjpeg_enc *enc, const u8 *a, const u8 *b,
			    unsigned int step, u8 *dst)
{
	unsigned int n = DIV_ROUND_UP(enc->params.width, enc->params.hs), x;

	if (enc->params.hs == 1) {
		for (x = 0; x < n; x++)
			dst[x] = (a[x / 2 * step] + b[x / 2 * step] + 1) >> 1;
	} else if (a == b) {
		for (x = 0; x < n; x++)
			dst[x] = a[x * step];
	} else {
		for (x = 0; x < n; x++)
			dst[x] = (a[x * step] + b[x * step] + 1) >> 1;
	}
	extend_row(dst, n, 8);
}

static void load_nv12(struct vbjpeg_enc *enc, const u8 *const planes[2],
		      const unsigned int strides[2], unsigned int rows)
{
	unsigned int last = DIV_ROUND_UP(rows, 2) - 1, y, i;

	load_luma(enc, planes[0], strides[0], rows, 1);
	for (y = 0; y < 8; y++) {
		unsigned int row = min(enc->params.vs == 2 ? y : y / 2, last);
		const u8 *src = planes[1] + (size_t)row * strides[1];

		for (i = 0; i < enc->nr_comps - 1; i++)
			load_chroma_row(enc, src + i, src + i, 2,
					chroma_row(enc, i, y));
	}
}

static void load_yuyv(struct vbjpeg_enc *enc, const u8 *in, unsigned int stride,
		      unsigned int rows)
{
	unsigned int vs = enc->params.vs, y, i;

	load_luma(enc, in, stride, rows, 2);
	for (y = 0; y < 8; y++) {
		const u8 *a = in + (size_t)min(vs * y, rows - 1) * stride;
		const u8 *b = in + (size_t)min(vs * y + vs - 1, rows - 1) *
			      stride;

		for (i = 0; i < enc->nr_comps - 1; i++)
			load_chroma_row(enc, a + 1 + 2 * i, b + 1 + 2 * i, 4,
					chroma_row(enc, i, y));
	}
}

static void load_xr24_luma(struct vbjpeg_enc *enc, const u8 *in,
			   unsigned int stride, unsigned int rows)
{
	unsigned int width = enc->params.width, x, y;

	for (y = 0; y < 8 * enc->params.vs; y++) {
		const u8 *src = in + (size_t)min(y, rows - 1) * stride;
		u8 *dst = luma_row(enc, y);

		/* 0.299 R + 0.587 G + 0.114 B, with 16 fractional bits */
		for (x = 0; x < width; x++, src += 4)
			dst[x] = (19595 * src[2] + 38470 * src[1] +
				  7471 * src[0] + 32768) >> 16;
		extend_row(dst, width, 8 * enc->params.hs);
	}
}

/* A row of chroma, from the sums of the pixels that each sample stands for. */
static void load_xr24_chroma(struct vbjpeg_enc *enc, const u8 *a, const u8 *b,
			     unsigned int y)
{
	unsigned int hs = enc->params.hs, vs = enc->params.vs, width, x;
	unsigned int shift = 16 + (hs - 1) + (vs - 1);
	s32 offset = (128 << shift) + (1 << (shift - 1)) - 1;
	u8 *cb = chroma_row(enc, 0, y), *cr = chroma_row(enc, 1, y);

	width = DIV_ROUND_UP(enc->params.width, hs);
	for (x = 0; x < width; x++, a += 4 * hs, b += 4 * hs) {
		/* The last one may stand for a pixel that there is not. */
		unsigned int next = hs * x + 1 < enc->params.width ? 4 : 0;
		s32 blue = a[0], green = a[1], red = a[2];

		if (hs == 2) {
			blue += a[next];
			green += a[next + 1];
			red += a[next + 2];
		}
		if (vs == 2) {
			blue += b[0] + b[next];
			green += b[1] + b[next + 1];
			red += b[2] + b[next + 2];
		}
		cb[x] = (32768 * blue - 11059 * red - 21709 * green +
			 offset) >> shift;
		cr[x] = (32768 * red - 27439 * green - 5329 * blue +
			 offset) >> shift;
	}
	extend_row(cb, width, 8);
	extend_row(cr, width, 8);
}

static void load_xr24(struct vbjpeg_enc *enc, const u8 *in, unsigned int stride,
		      unsigned int rows)
{
	unsigned int vs = enc->params.vs, y;

	load_xr24_luma(enc, in, stride, rows);
	if (enc->params.grey)
		return;

	for (y = 0; y < 8; y++)
		load_xr24_chroma(enc,
				 in + (size_t)min(vs * y, rows - 1) * stride,
				 in + (size_t)min(vs * y + vs - 1, rows - 1) *
				 stride, y);
}

/* The samples of a strip, see vbjpeg_enc_strip(). */
void vbjpeg_enc_load(struct vbjpeg_enc *enc, const u8 *const planes[2],
		     const unsigned int strides[2], unsigned int rows)
{
	switch (enc->params.raw) {
	case VBJPEG_NV12:
		load_nv12(enc, planes, strides, rows);
		break;
	case VBJPEG_YUYV:
		load_yuyv(enc, planes[0], strides[0], rows);
		break;
	case VBJPEG_XR24:
		load_xr24(enc, planes[0], strides[0], rows);
		break;
	}
}
