// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG encoder: from samples to codes.
 */

#include "jpeg-dct.h"
#include "jpeg-enc.h"

/*
 * A block takes at most 64 codes of 16 bits with 11 bits each, and every byte
 * may need another one after it. Restart markers and the end are in there.
 */
#define MAX_BLOCK	512

/* All whole bytes in @bits, which is nothing or up to 32 bits. */
static void flush_slow(struct vbjpeg_enc *enc, u32 bytes, unsigned int n)
{
	while (n--) {
		u8 byte = bytes >> (8 * n);

		*enc->pos++ = byte;
		if (byte == 0xff)
			*enc->pos++ = 0;
	}
}

static inline void put_bits(struct vbjpeg_enc *enc, u32 bits, unsigned int len)
{
	u32 bytes;

	enc->bits = enc->bits << len | bits;
	enc->count += len;
	if (enc->count < 32)
		return;

	enc->count -= 32;
	bytes = enc->bits >> enc->count;
	/* Is any of them 0xff? */
	if (unlikely((~bytes - 0x01010101) & bytes & 0x80808080)) {
		flush_slow(enc, bytes, 4);
		return;
	}
	put_unaligned_be32(bytes, enc->pos);
	enc->pos += 4;
}

/* Up to a whole byte, with ones. */
static void align_bits(struct vbjpeg_enc *enc)
{
	unsigned int fill = -enc->count & 7;

	put_bits(enc, (1 << fill) - 1, fill);
	flush_slow(enc, enc->bits, enc->count / 8);
	enc->count = 0;
	enc->bits = 0;
}

static inline s32 quantise(s32 value, const struct vbjpeg_enc_quant *quant)
{
	u32 abs = value < 0 ? -value : value;
	s32 ret = (u64)(abs + quant->half) * quant->recip >> 26;

	return value < 0 ? -ret : ret;
}

/* @value without its sign's redundancy, and its size (T.81, F.1.2). */
static inline unsigned int magnitude(s32 value, u32 *bits)
{
	s32 sign = value >> 31;
	unsigned int len = fls((value ^ sign) - sign);

	*bits = (value + sign) & ((1 << len) - 1);

	return len;
}

static void put_block(struct vbjpeg_enc *enc, unsigned int comp,
		      const u8 *samples, unsigned int stride)
{
	unsigned int table = comp ? VBJPEG_CHROMA : VBJPEG_LUMA;
	const struct vbjpeg_enc_quant *quant = enc->quant[table];
	const struct vbjpeg_enc_code *ac = enc->ac[table], *code;
	unsigned int k, len, last = 0;
	s32 coef[VBJPEG_BLOCK], value;
	u32 bits;

	vbjpeg_fdct(samples, stride, coef);

	value = quantise(coef[0], quant);
	len = magnitude(value - enc->pred[comp], &bits);
	enc->pred[comp] = value;
	code = &enc->dc[table][len];
	put_bits(enc, code->code << len | bits, code->len + len);

	for (k = 1; k < VBJPEG_BLOCK; k++) {
		unsigned int run;

		value = coef[vbjpeg_zigzag[k]];
		if (likely(value + quant[k].dead <= 2 * quant[k].dead))
			continue;

		for (run = k - last - 1; run > 15; run -= 16)
			put_bits(enc, ac[0xf0].code, ac[0xf0].len);

		len = magnitude(quantise(value, &quant[k]), &bits);
		code = &ac[run << 4 | len];
		put_bits(enc, code->code << len | bits, code->len + len);
		last = k;
	}
	if (last != VBJPEG_BLOCK - 1)
		put_bits(enc, ac[0].code, ac[0].len);
}

static void put_restart(struct vbjpeg_enc *enc)
{
	if (!enc->params.restart)
		return;

	if (!enc->mcus) {
		align_bits(enc);
		*enc->pos++ = 0xff;
		*enc->pos++ = VBJPEG_RST0 + (enc->restarts++ & 7);
		memset(enc->pred, 0, sizeof(enc->pred));
		enc->mcus = enc->params.restart;
	}
	enc->mcus--;
}

static void put_mcu(struct vbjpeg_enc *enc, unsigned int mx)
{
	unsigned int hs = enc->params.hs, vs = enc->params.vs, x, y, i;

	put_restart(enc);
	for (y = 0; y < vs; y++)
		for (x = 0; x < hs; x++)
			put_block(enc, 0, enc->luma +
				  8 * (y * VBJPEG_ENC_STRIDE + mx * hs + x),
				  VBJPEG_ENC_STRIDE);

	for (i = 1; i < enc->nr_comps; i++)
		put_block(enc, i, enc->chroma[i - 1] + 8 * mx,
			  VBJPEG_ENC_STRIDE);
}

/**
 * vbjpeg_enc_strip_rows - how many rows make a strip
 * @params: what is to be encoded
 *
 * Return: rows of luma or of pixels; the last strip may have less.
 */
unsigned int vbjpeg_enc_strip_rows(const struct vbjpeg_enc_params *params)
{
	return 8 * params->vs;
}

/**
 * vbjpeg_enc_start - begin a picture
 * @enc: the encoder
 * @params: what is to be encoded, and how
 * @out: where it goes
 * @size: how much room is there
 */
void vbjpeg_enc_start(struct vbjpeg_enc *enc,
		      const struct vbjpeg_enc_params *params, void *out,
		      size_t size)
{
	enc->params = *params;
	enc->nr_comps = params->grey ? 1 : 3;
	memset(enc->pred, 0, sizeof(enc->pred));
	enc->bits = 0;
	enc->count = 0;
	enc->start = out;
	enc->pos = out;
	enc->end = enc->pos + size;
	enc->full = size < VBJPEG_ENC_MAX_HEADER;
	enc->mcus = params->restart;
	enc->restarts = 0;

	if (!enc->full)
		vbjpeg_enc_header(enc);
}

/**
 * vbjpeg_enc_strip - encode a strip
 * @enc: the encoder
 * @planes: the strip's rows in each plane of the raw picture
 * @strides: bytes from one row to the next
 * @rows: rows of luma or of pixels, vbjpeg_enc_strip_rows() or, at the end,
 *	whatever is left; planes of a lower resolution have their share, rounded
 *	up
 *
 * Return: 0, or -ENOSPC if there is not enough room.
 */
int vbjpeg_enc_strip(struct vbjpeg_enc *enc, const u8 *const planes[2],
		     const unsigned int strides[2], unsigned int rows)
{
	unsigned int nx = DIV_ROUND_UP(enc->params.width, 8 * enc->params.hs);
	size_t room = MAX_BLOCK * (enc->params.hs * enc->params.vs + 2);
	unsigned int mx;

	if (enc->full)
		return -ENOSPC;

	vbjpeg_enc_load(enc, planes, strides, rows);
	for (mx = 0; mx < nx; mx++) {
		if ((size_t)(enc->end - enc->pos) < room) {
			enc->full = true;
			return -ENOSPC;
		}
		put_mcu(enc, mx);
	}

	return 0;
}

/**
 * vbjpeg_enc_finish - end a picture
 * @enc: the encoder
 * @used: how long the file became
 *
 * Return: 0, or -ENOSPC if there was not enough room.
 */
int vbjpeg_enc_finish(struct vbjpeg_enc *enc, size_t *used)
{
	if (enc->full || enc->end - enc->pos < MAX_BLOCK)
		return -ENOSPC;

	align_bits(enc);
	*enc->pos++ = 0xff;
	*enc->pos++ = VBJPEG_EOI;
	*used = enc->pos - enc->start;

	return 0;
}
