/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The JPEG encoder: baseline pictures of T.81, from raw rows into memory.
 *
 *	vbjpeg_enc_start(enc, &params, out, size);
 *	for each strip of vbjpeg_enc_strip_rows(&params) rows:
 *		ret = vbjpeg_enc_strip(enc, planes, strides, rows);
 *	ret = vbjpeg_enc_finish(enc, &used);
 */
#ifndef _VBJPEG_ENC_H
#define _VBJPEG_ENC_H

#include "jpeg-tables.h"

/* Segments that can be left out; the values are V4L2's. */
#define VBJPEG_ENC_APP0		BIT(0)
#define VBJPEG_ENC_COM		BIT(16)
#define VBJPEG_ENC_DQT		BIT(17)
#define VBJPEG_ENC_DHT		BIT(18)

/* All that can stand before the first block. */
#define VBJPEG_ENC_MAX_HEADER	1024

/**
 * struct vbjpeg_enc_params - what is to be encoded, and how
 * @width: of the picture
 * @height: of the picture
 * @raw: what it comes as
 * @grey: without colour
 * @hs: luma samples to a chroma sample, horizontally: 1 or 2; 1 if grey
 * @vs: and vertically, at most @hs
 * @quality: 1 to 100, as libjpeg understands it
 * @restart: MCUs in a restart interval, 0 for none, at most 65535
 * @markers: VBJPEG_ENC_* of the segments to write
 */
struct vbjpeg_enc_params {
	unsigned int	width;
	unsigned int	height;
	enum vbjpeg_raw	raw;
	bool		grey;
	unsigned int	hs;
	unsigned int	vs;
	unsigned int	quality;
	unsigned int	restart;
	unsigned int	markers;
};

/**
 * struct vbjpeg_enc_code - a Huffman code
 * @code: its bits
 * @len: how many
 */
struct vbjpeg_enc_code {
	u16	code;
	u16	len;
};

/**
 * struct vbjpeg_enc_quant - a quantiser
 * @dead: coefficients from -@dead to @dead become 0
 * @half: added to others for rounding
 * @recip: what to multiply them by, with 26 fractional bits
 */
struct vbjpeg_enc_quant {
	u32	dead;
	u32	half;
	u32	recip;
};

#define VBJPEG_ENC_ROWS		16
#define VBJPEG_ENC_STRIDE	(VBJPEG_MAX_WIDTH + 16)

/**
 * struct vbjpeg_enc - an encoder
 * @params: see there
 * @nr_comps: 1 or 3
 * @quant_table: quantisers, in zigzag order, as they go into the file
 * @quant: the same, made for use
 * @dc: Huffman codes
 * @ac: likewise
 * @pred: last DC coefficient of each component
 * @bits: bits that are not written yet, at the low end
 * @count: how many, less than 32
 * @start: where the file begins
 * @pos: where the next byte goes
 * @end: where there is no more room
 * @full: it would have gone beyond
 * @mcus: MCUs to the next restart marker
 * @restarts: restart markers written
 * @luma: samples of a strip
 * @chroma: likewise
 */
struct vbjpeg_enc {
	struct vbjpeg_enc_params params;
	unsigned int		nr_comps;
	u8			quant_table[2][VBJPEG_BLOCK];
	struct vbjpeg_enc_quant	quant[2][VBJPEG_BLOCK];
	struct vbjpeg_enc_code	dc[2][16];
	struct vbjpeg_enc_code	ac[2][256];
	s32			pred[VBJPEG_MAX_COMPS];
	u64			bits;
	unsigned int		count;
	u8			*start;
	u8			*pos;
	u8			*end;
	bool			full;
	unsigned int		mcus;
	unsigned int		restarts;
	u8			luma[VBJPEG_ENC_ROWS * VBJPEG_ENC_STRIDE];
	u8			chroma[2][8 * VBJPEG_ENC_STRIDE];
};

unsigned int
vbjpeg_enc_strip_rows(const struct vbjpeg_enc_params *params);
void vbjpeg_enc_start(struct vbjpeg_enc *enc,
		      const struct vbjpeg_enc_params *params, void *out,
		      size_t size);
int vbjpeg_enc_strip(struct vbjpeg_enc *enc, const u8 *const planes[2],
		     const unsigned int strides[2], unsigned int rows);
int vbjpeg_enc_finish(struct vbjpeg_enc *enc, size_t *used);

/* Between the files of the encoder. */
void vbjpeg_enc_header(struct vbjpeg_enc *enc);
void vbjpeg_enc_load(struct vbjpeg_enc *enc, const u8 *const planes[2],
		     const unsigned int strides[2], unsigned int rows);

#endif /* _VBJPEG_ENC_H */
