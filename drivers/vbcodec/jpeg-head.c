// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG encoder: tables, and the segments before the picture.
 */

#include "jpeg-enc.h"

static void put_u8(struct vbjpeg_enc *enc, u8 value)
{
	*enc->pos++ = value;
}

static void put_u16(struct vbjpeg_enc *enc, u16 value)
{
	put_unaligned_be16(value, enc->pos);
	enc->pos += 2;
}

static void put_data(struct vbjpeg_enc *enc, const void *data, size_t len)
{
	memcpy(enc->pos, data, len);
	enc->pos += len;
}

static void put_marker(struct vbjpeg_enc *enc, u8 marker)
{
	put_u8(enc, 0xff);
	put_u8(enc, marker);
}

/* @len is without the two bytes that hold the length. */
static void put_segment(struct vbjpeg_enc *enc, u8 marker, unsigned int len)
{
	put_marker(enc, marker);
	put_u16(enc, len + 2);
}

static void put_app0(struct vbjpeg_enc *enc)
{
	/* Version 1.1, square pixels, no thumbnail */
	static const u8 jfif[] = {
		'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0,
	};

	put_segment(enc, VBJPEG_APP0, sizeof(jfif));
	put_data(enc, jfif, sizeof(jfif));
}

static void put_com(struct vbjpeg_enc *enc)
{
	static const char comment[] = "vbcodec";

	put_segment(enc, VBJPEG_COM, sizeof(comment));
	put_data(enc, comment, sizeof(comment));
}

static unsigned int nr_tables(const struct vbjpeg_enc *enc)
{
	return enc->nr_comps > 1 ? 2 : 1;
}

static void put_dqt(struct vbjpeg_enc *enc)
{
	unsigned int i;

	for (i = 0; i < nr_tables(enc); i++) {
		put_segment(enc, VBJPEG_DQT, 1 + VBJPEG_BLOCK);
		put_u8(enc, i);
		put_data(enc, enc->quant_table[i], VBJPEG_BLOCK);
	}
}

static void put_huff(struct vbjpeg_enc *enc, u8 head,
		     const struct vbjpeg_huff_spec *spec)
{
	put_segment(enc, VBJPEG_DHT, 1 + sizeof(spec->bits) + spec->nr_vals);
	put_u8(enc, head);
	put_data(enc, spec->bits, sizeof(spec->bits));
	put_data(enc, spec->vals, spec->nr_vals);
}

static void put_dht(struct vbjpeg_enc *enc)
{
	unsigned int i;

	for (i = 0; i < nr_tables(enc); i++) {
		put_huff(enc, i, &vbjpeg_std_dc[i]);
		put_huff(enc, 0x10 | i, &vbjpeg_std_ac[i]);
	}
}

static void put_sof(struct vbjpeg_enc *enc)
{
	const struct vbjpeg_enc_params *params = &enc->params;
	unsigned int i;

	put_segment(enc, VBJPEG_SOF0, 6 + 3 * enc->nr_comps);
	put_u8(enc, 8);
	put_u16(enc, params->height);
	put_u16(enc, params->width);
	put_u8(enc, enc->nr_comps);
	for (i = 0; i < enc->nr_comps; i++) {
		put_u8(enc, i + 1);
		put_u8(enc, i ? 0x11 : params->hs << 4 | params->vs);
		put_u8(enc, i ? VBJPEG_CHROMA : VBJPEG_LUMA);
	}
}

static void put_sos(struct vbjpeg_enc *enc)
{
	unsigned int i;

	put_segment(enc, VBJPEG_SOS, 4 + 2 * enc->nr_comps);
	put_u8(enc, enc->nr_comps);
	for (i = 0; i < enc->nr_comps; i++) {
		put_u8(enc, i + 1);
		put_u8(enc, i ? 0x11 * VBJPEG_CHROMA : 0);
	}
	put_u8(enc, 0);
	put_u8(enc, VBJPEG_BLOCK - 1);
	put_u8(enc, 0);
}

/* The percentage that libjpeg takes of the standard's tables. */
static unsigned int quality_scale(unsigned int quality)
{
	quality = clamp(quality, 1U, 100U);

	return quality < 50 ? 5000 / quality : 200 - 2 * quality;
}

static void make_quant(struct vbjpeg_enc *enc, unsigned int table)
{
	unsigned int scale = quality_scale(enc->params.quality), i;

	for (i = 0; i < VBJPEG_BLOCK; i++) {
		struct vbjpeg_enc_quant *quant = &enc->quant[table][i];
		unsigned int q, div;

		q = vbjpeg_std_quant[table][vbjpeg_zigzag[i]];
		q = clamp((q * scale + 50) / 100, 1U, 255U);
		enc->quant_table[table][i] = q;

		/* Coefficients come times 8, and are below 2^15 with @half. */
		div = 8 * q;
		quant->half = div / 2;
		quant->dead = div - quant->half - 1;
		quant->recip = (1U << 26) / div + 1;
	}
}

static void make_codes(struct vbjpeg_enc_code *codes,
		       const struct vbjpeg_huff_spec *spec)
{
	unsigned int len, i, k = 0, code = 0;

	for (len = 1; len <= 16; len++) {
		for (i = 0; i < spec->bits[len - 1]; i++, k++, code++) {
			codes[spec->vals[k]].code = code;
			codes[spec->vals[k]].len = len;
		}
		code <<= 1;
	}
}

/* There is room for VBJPEG_ENC_MAX_HEADER. */
void vbjpeg_enc_header(struct vbjpeg_enc *enc)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		make_quant(enc, i);
		make_codes(enc->dc[i], &vbjpeg_std_dc[i]);
		make_codes(enc->ac[i], &vbjpeg_std_ac[i]);
	}

	put_marker(enc, VBJPEG_SOI);
	if (enc->params.markers & VBJPEG_ENC_APP0)
		put_app0(enc);
	if (enc->params.markers & VBJPEG_ENC_COM)
		put_com(enc);
	if (enc->params.markers & VBJPEG_ENC_DQT)
		put_dqt(enc);
	put_sof(enc);
	if (enc->params.markers & VBJPEG_ENC_DHT)
		put_dht(enc);
	if (enc->params.restart) {
		put_segment(enc, VBJPEG_DRI, 2);
		put_u16(enc, enc->params.restart);
	}
	put_sos(enc);
}
