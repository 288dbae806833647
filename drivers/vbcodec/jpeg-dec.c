// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG decoder: from scans to samples.
 */

#include "jpeg-dct.h"
#include "jpeg-dec.h"

/**
 * vbjpeg_dec_memory - how much memory the samples need
 * @dec: the decoder, after vbjpeg_dec_header()
 *
 * Return: bytes.
 */
size_t vbjpeg_dec_memory(const struct vbjpeg_dec *dec)
{
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < dec->nr_comps; i++)
		size += (size_t)dec->comp[i].stride * dec->comp[i].rows;

	return size;
}

static void bits_start(struct vbjpeg_bits *b, struct vbjpeg_dec *dec,
		       const u8 *pos)
{
	unsigned int i;

	b->bits = 0;
	b->count = 0;
	b->padding = 0;
	b->pos = pos;
	b->end = dec->end;
	for (i = 0; i < dec->nr_comps; i++)
		dec->comp[i].pred = 0;
}

static int decode_block(struct vbjpeg_dec *dec, struct vbjpeg_bits *b,
			struct vbjpeg_dec_comp *comp, u8 *dst)
{
	s16 coef[VBJPEG_BLOCK] = { };
	int nonzero;

	nonzero = vbjpeg_dec_block(b, comp, &dec->dc[comp->dc],
				   &dec->ac[comp->ac], coef);
	if (nonzero < 0)
		return nonzero;

	vbjpeg_idct(coef, nonzero, dst, comp->stride);

	return 0;
}

/* The blocks of @comp in an MCU, which has @h x @v of them. */
static int decode_mcu(struct vbjpeg_dec *dec, struct vbjpeg_bits *b,
		      struct vbjpeg_dec_comp *comp, unsigned int h,
		      unsigned int v, unsigned int mx, unsigned int my)
{
	u8 *dst = comp->samples + (size_t)my * v * 8 * comp->stride +
		  mx * h * 8;
	unsigned int x, y;
	int ret;

	for (y = 0; y < v; y++, dst += 8 * comp->stride) {
		for (x = 0; x < h; x++) {
			ret = decode_block(dec, b, comp, dst + 8 * x);
			if (ret)
				return ret;
		}
	}

	return 0;
}

static int decode_scan(struct vbjpeg_dec *dec, struct vbjpeg_dec_comp *comps[],
		       unsigned int nr)
{
	unsigned int nx, ny, mx, my, i, left, restarts = 0;
	bool interleaved = nr > 1;
	struct vbjpeg_bits b;
	int ret;

	if (interleaved) {
		nx = DIV_ROUND_UP(dec->width, 8 * dec->hmax);
		ny = DIV_ROUND_UP(dec->height, 8 * dec->vmax);
	} else {
		nx = DIV_ROUND_UP(comps[0]->width, 8);
		ny = DIV_ROUND_UP(comps[0]->height, 8);
	}

	bits_start(&b, dec, dec->pos);
	left = dec->restart;
	for (my = 0; my < ny; my++) {
		for (mx = 0; mx < nx; mx++) {
			if (dec->restart && !left--) {
				const u8 *pos;

				pos = vbjpeg_dec_restart(dec, b.pos,
							 restarts++);
				if (!pos)
					return -EINVAL;
				bits_start(&b, dec, pos);
				left = dec->restart - 1;
			}

			for (i = 0; i < nr; i++) {
				ret = decode_mcu(dec, &b, comps[i],
						 interleaved ? comps[i]->h : 1,
						 interleaved ? comps[i]->v : 1,
						 mx, my);
				if (ret)
					return ret;
			}

			/* It read on where there was nothing left. */
			if (unlikely(b.count < (int)b.padding))
				return -EINVAL;
		}
		cond_resched();
	}
	dec->pos = b.pos;

	return 0;
}

/**
 * vbjpeg_dec_scans - decode the picture
 * @dec: the decoder, after vbjpeg_dec_header()
 * @mem: memory of vbjpeg_dec_memory(), used until the last vbjpeg_dec_rows()
 *
 * Return: 0 or -EINVAL if the data are corrupt; -EOPNOTSUPP if they go on as
 * something that is not supported.
 */
int vbjpeg_dec_scans(struct vbjpeg_dec *dec, void *mem)
{
	struct vbjpeg_dec_comp *comps[VBJPEG_MAX_COMPS];
	u8 *samples = mem;
	unsigned int i;
	int nr, ret;

	for (i = 0; i < dec->nr_comps; i++) {
		dec->comp[i].samples = samples;
		samples += (size_t)dec->comp[i].stride * dec->comp[i].rows;
	}

	do {
		nr = vbjpeg_dec_next_scan(dec, comps);
		if (nr < 0)
			return nr;

		ret = decode_scan(dec, comps, nr);
		if (ret)
			return ret;

		ret = vbjpeg_dec_more(dec);
	} while (ret > 0);

	return ret;
}
