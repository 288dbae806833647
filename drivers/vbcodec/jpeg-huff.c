// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG decoder: Huffman codes.
 *
 * A table is indexed by the next VBJPEG_LOOK_BITS bits. Most coefficients are
 * short, so that what is looked up is not just the symbol but, where its extra
 * bits are among those that were looked at, the coefficient itself:
 *
 *	bits 0-7	how many bits that took, 0 for a code that is longer
 *	bits 8-11	zeros before the coefficient
 *	bits 12-15	extra bits that are still to be read
 *	bits 16-31	the coefficient, unless there are such
 */

#include "jpeg-dct.h"
#include "jpeg-dec.h"

#define LOOK(len, run, extra, value)	\
	((len) | (run) << 8 | (extra) << 12 | (u32)(value) << 16)
#define LOOK_LEN(look)		((look) & 0xff)
#define LOOK_RUN(look)		((look) >> 8 & 0xf)
#define LOOK_EXTRA(look)	((look) >> 12 & 0xf)
#define LOOK_VALUE(look)	((s32)(look) >> 16)

/* Where a coefficient goes, and its VBJPEG_NZ_*. */
struct place {
	u16	pos;
	u16	nonzero;
};

/* In the order of vbjpeg_zigzag. */
static const struct place places[VBJPEG_BLOCK] = {
	{ 0, 0x000 }, { 1, 0x100 }, { 8, 0x001 }, { 16, 0x001 },
	{ 9, 0x102 }, { 2, 0x100 }, { 3, 0x100 }, { 10, 0x104 },
	{ 17, 0x102 }, { 24, 0x001 }, { 32, 0x401 }, { 25, 0x102 },
	{ 18, 0x104 }, { 11, 0x108 }, { 4, 0x300 }, { 5, 0x300 },
	{ 12, 0x310 }, { 19, 0x108 }, { 26, 0x104 }, { 33, 0x502 },
	{ 40, 0x401 }, { 48, 0x401 }, { 41, 0x502 }, { 34, 0x504 },
	{ 27, 0x108 }, { 20, 0x310 }, { 13, 0x320 }, { 6, 0x300 },
	{ 7, 0x300 }, { 14, 0x340 }, { 21, 0x320 }, { 28, 0x310 },
	{ 35, 0x508 }, { 42, 0x504 }, { 49, 0x502 }, { 56, 0x401 },
	{ 57, 0x502 }, { 50, 0x504 }, { 43, 0x508 }, { 36, 0x710 },
	{ 29, 0x320 }, { 22, 0x340 }, { 15, 0x380 }, { 23, 0x380 },
	{ 30, 0x340 }, { 37, 0x720 }, { 44, 0x710 }, { 51, 0x508 },
	{ 58, 0x504 }, { 59, 0x508 }, { 52, 0x710 }, { 45, 0x720 },
	{ 38, 0x740 }, { 31, 0x380 }, { 39, 0x780 }, { 46, 0x740 },
	{ 53, 0x720 }, { 60, 0x710 }, { 61, 0x720 }, { 54, 0x740 },
	{ 47, 0x780 }, { 55, 0x780 }, { 62, 0x740 }, { 63, 0x780 },
};

/* A number of @extra bits, at the top of @bits (T.81, table F.1). */
static inline s32 extend(u64 bits, unsigned int extra)
{
	s32 negative = ~(s32)((s64)bits >> 63);

	return (s32)(bits >> (64 - extra)) + (negative & (1 - (1 << extra)));
}

static u32 make_look(unsigned int index, unsigned int len, u8 symbol, bool ac)
{
	unsigned int run = ac ? symbol >> 4 : 0;
	unsigned int extra = ac ? symbol & 15 : symbol;
	u64 bits;

	if (!extra || len + extra > VBJPEG_LOOK_BITS)
		return LOOK(len, run, extra, 0);

	bits = (u64)index << (64 - VBJPEG_LOOK_BITS + len);
	return LOOK(len + extra, run, 0, extend(bits, extra));
}

/**
 * vbjpeg_dec_huff_make - a table from its description
 * @huff: the table
 * @bits: number of codes of each of the 16 lengths; their sum is at most 256
 * @vals: the symbols
 * @ac: it is for AC coefficients
 *
 * Return: 0, or -EINVAL if there is no such table.
 */
int vbjpeg_dec_huff_make(struct vbjpeg_dec_huff *huff, const u8 *bits,
			 const u8 *vals, bool ac)
{
	unsigned int len, i, k = 0, code = 0;

	huff->defined = false;
	memset(huff->look, 0, sizeof(huff->look));
	memset(huff->vals, 0, sizeof(huff->vals));

	for (len = 1; len <= 16; len++) {
		huff->max[len] = -1;
		huff->offset[len] = (s32)k - (s32)code;
		for (i = 0; i < bits[len - 1]; i++, k++, code++) {
			unsigned int spare = VBJPEG_LOOK_BITS - len;
			unsigned int index;

			if (code >> len)
				return -EINVAL;
			/* As much as 8 bits of precision can need. */
			if (!ac && vals[k] > 11)
				return -EINVAL;

			huff->vals[k] = vals[k];
			huff->max[len] = code;
			if (len > VBJPEG_LOOK_BITS)
				continue;
			for (index = code << spare; index < (code + 1) << spare;
			     index++)
				huff->look[index] = make_look(index, len,
							      vals[k], ac);
		}
		code <<= 1;
	}
	huff->defined = true;

	return 0;
}

/*
 * Where the next four bytes are not just data: up to the next marker, or to
 * the end, and zeros from there on.
 */
static void refill_slow(struct vbjpeg_bits *b)
{
	while (b->count <= 56) {
		if (b->pos >= b->end || (*b->pos == 0xff &&
					 (b->end - b->pos < 2 || b->pos[1]))) {
			b->padding += 8;
		} else {
			b->bits |= (u64)*b->pos << (56 - b->count);
			b->pos += *b->pos == 0xff ? 2 : 1;
		}
		b->count += 8;
	}
}

/* Makes sure of 32 bits: a code and its extra bits have at most 31. */
static inline void refill(struct vbjpeg_bits *b)
{
	u32 next;

	if (b->count >= 32)
		return;

	if (likely(b->end - b->pos >= 4)) {
		next = get_unaligned_be32(b->pos);
		/* Is none of its bytes 0xff? */
		if (likely(!((~next - 0x01010101) & next & 0x80808080))) {
			b->bits |= (u64)next << (32 - b->count);
			b->count += 32;
			b->pos += 4;
			return;
		}
	}
	refill_slow(b);
}

static inline void skip(struct vbjpeg_bits *b, unsigned int n)
{
	b->bits <<= n;
	b->count -= n;
}

/* A code that is too long to be looked up; 0 if there is none. */
static u32 look_slow(struct vbjpeg_bits *b, const struct vbjpeg_dec_huff *huff,
		     bool ac)
{
	unsigned int len;

	for (len = VBJPEG_LOOK_BITS + 1; len <= 16; len++) {
		s32 code = b->bits >> (64 - len);
		u8 symbol;

		if (code > huff->max[len])
			continue;

		symbol = huff->vals[(u8)(code + huff->offset[len])];
		return ac ? LOOK(len, symbol >> 4, symbol & 15, 0) :
			    LOOK(len, 0, symbol, 0);
	}

	return 0;
}

static inline u32 next_look(struct vbjpeg_bits *b,
			    const struct vbjpeg_dec_huff *huff, bool ac)
{
	u32 look;

	refill(b);
	look = huff->look[b->bits >> (64 - VBJPEG_LOOK_BITS)];
	if (unlikely(!LOOK_LEN(look)))
		look = look_slow(b, huff, ac);
	skip(b, LOOK_LEN(look));

	return look;
}

static inline s32 look_value(struct vbjpeg_bits *b, u32 look)
{
	unsigned int extra = LOOK_EXTRA(look);
	s32 value;

	if (!extra)
		return LOOK_VALUE(look);

	value = extend(b->bits, extra);
	skip(b, extra);

	return value;
}

/**
 * vbjpeg_dec_block - the coefficients of a block
 * @bits: where they come from
 * @comp: the component that the block is of
 * @dc: Huffman table of the first coefficient
 * @ac: that of the others
 * @coef: the coefficients, which were all 0, multiplied by their quantisers
 *
 * Return: VBJPEG_NZ_*, or -EINVAL if the data are corrupt.
 */
int vbjpeg_dec_block(struct vbjpeg_bits *bits, struct vbjpeg_dec_comp *comp,
		     const struct vbjpeg_dec_huff *dc,
		     const struct vbjpeg_dec_huff *ac, s16 *coef)
{
	/* A copy, which the compiler can keep in registers. */
	struct vbjpeg_bits b = *bits;
	const u16 *q = comp->q;
	unsigned int k, nonzero = 0;
	u32 look;

	look = next_look(&b, dc, false);
	if (unlikely(!LOOK_LEN(look)))
		return -EINVAL;
	comp->pred += look_value(&b, look);
	coef[0] = comp->pred * q[0];

	for (k = 1; k < VBJPEG_BLOCK; k++) {
		s32 value;

		look = next_look(&b, ac, true);
		if (unlikely(!LOOK_LEN(look)))
			return -EINVAL;

		value = look_value(&b, look);
		k += LOOK_RUN(look);
		if (!value) {
			/* 15 zeros and one more, or zeros up to the end. */
			if (LOOK_RUN(look) == 15)
				continue;
			break;
		}
		if (unlikely(k >= VBJPEG_BLOCK))
			return -EINVAL;

		coef[places[k].pos] = value * q[k];
		nonzero |= places[k].nonzero;
	}
	*bits = b;

	return nonzero;
}
