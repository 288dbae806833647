/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The JPEG decoder: baseline pictures of T.81, in memory.
 *
 *	ret = vbjpeg_dec_header(dec, data, size);
 *	mem = as much memory as vbjpeg_dec_memory(dec) says;
 *	ret = vbjpeg_dec_scans(dec, mem);
 *	vbjpeg_dec_rows(dec, format, plane, 0, rows, dst, stride);
 *
 * Nothing that is in @data can make it read or write beyond @data or @mem, or
 * take longer than in proportion to the size of @data and of the picture.
 */
#ifndef _VBJPEG_DEC_H
#define _VBJPEG_DEC_H

#include "jpeg-tables.h"

#define VBJPEG_LOOK_BITS	10

/**
 * struct vbjpeg_dec_huff - a Huffman table, made for decoding
 * @defined: it has been
 * @look: what starts with these VBJPEG_LOOK_BITS bits, see jpeg-huff.c
 * @max: highest code of each length, -1 if there is none
 * @offset: from a code of each length to its place in @vals
 * @vals: the symbols in the order of their codes
 */
struct vbjpeg_dec_huff {
	bool	defined;
	u32	look[1 << VBJPEG_LOOK_BITS];
	s32	max[17];
	s32	offset[17];
	u8	vals[256];
};

/**
 * struct vbjpeg_dec_comp - a component of the picture
 * @id: its name in the file
 * @h: its blocks in an MCU, horizontally
 * @v: and vertically
 * @quant: number of its quantisation table
 * @dc: number of its DC Huffman table in the current scan
 * @ac: number of its AC Huffman table
 * @decoded: a scan has brought it
 * @width: samples in a row
 * @height: rows
 * @stride: samples in a row in memory, which holds whole MCUs
 * @rows: rows in memory
 * @samples: the memory
 * @pred: the last DC coefficient
 * @q: its quantisation table as it is in the current scan
 */
struct vbjpeg_dec_comp {
	u8		id;
	u8		h;
	u8		v;
	u8		quant;
	u8		dc;
	u8		ac;
	bool		decoded;
	unsigned int	width;
	unsigned int	height;
	unsigned int	stride;
	unsigned int	rows;
	u8		*samples;
	s32		pred;
	const u16	*q;
};

/**
 * struct vbjpeg_bits - reader of entropy-coded bits
 * @bits: the next bits, from the highest on; 0 where there are none
 * @count: how many
 * @padding: how many of all that went into @bits stood for the end of data
 * @pos: next byte
 * @end: end of the file
 */
struct vbjpeg_bits {
	u64		bits;
	int		count;
	unsigned int	padding;
	const u8	*pos;
	const u8	*end;
};

/**
 * struct vbjpeg_dec - a decoder
 * @width: of the picture
 * @height: of the picture
 * @hs: luma samples to a chroma sample, horizontally; 1 if grey
 * @vs: and vertically
 * @nr_comps: 1 if grey, or 3
 * @comp: the components
 * @hmax: blocks of an MCU that is of all components, horizontally
 * @vmax: and vertically
 * @restart: MCUs in a restart interval, 0 for none
 * @quant_defined: bit n: quantisation table n has been
 * @quant: the quantisation tables, in zigzag order
 * @dc: Huffman tables
 * @ac: likewise
 * @data: the file
 * @end: its end
 * @pos: how far it is read
 * @adobe: there is an Adobe marker
 * @jfif: there is a JFIF marker
 * @adobe_transform: what the former says of colour
 * @row: for a row of each chroma component while rows are made
 * @tmp: likewise
 */
struct vbjpeg_dec {
	unsigned int		width;
	unsigned int		height;
	unsigned int		hs;
	unsigned int		vs;
	unsigned int		nr_comps;
	struct vbjpeg_dec_comp	comp[VBJPEG_MAX_COMPS];
	unsigned int		hmax;
	unsigned int		vmax;
	unsigned int		restart;
	unsigned int		quant_defined;
	u16			quant[4][VBJPEG_BLOCK];
	struct vbjpeg_dec_huff	dc[4];
	struct vbjpeg_dec_huff	ac[4];
	const u8		*data;
	const u8		*end;
	const u8		*pos;
	bool			adobe;
	bool			jfif;
	u8			adobe_transform;
	u8			row[2][VBJPEG_MAX_WIDTH + 64];
	u8			tmp[VBJPEG_MAX_WIDTH + 64];
};

int vbjpeg_dec_header(struct vbjpeg_dec *dec, const void *data, size_t size);
size_t vbjpeg_dec_memory(const struct vbjpeg_dec *dec);
int vbjpeg_dec_scans(struct vbjpeg_dec *dec, void *mem);
void vbjpeg_dec_rows(struct vbjpeg_dec *dec, enum vbjpeg_raw raw,
		     unsigned int plane, unsigned int first,
		     unsigned int nr_rows, u8 *dst, unsigned int stride);

/* Between the files of the decoder. */
int vbjpeg_dec_next_scan(struct vbjpeg_dec *dec,
			 struct vbjpeg_dec_comp *comps[]);
int vbjpeg_dec_more(struct vbjpeg_dec *dec);
const u8 *vbjpeg_dec_restart(struct vbjpeg_dec *dec, const u8 *pos,
			     unsigned int nr);
int vbjpeg_dec_huff_make(struct vbjpeg_dec_huff *huff, const u8 *bits,
			 const u8 *vals, bool ac);
int vbjpeg_dec_block(struct vbjpeg_bits *bits, struct vbjpeg_dec_comp *comp,
		     const struct vbjpeg_dec_huff *dc,
		     const struct vbjpeg_dec_huff *ac, s16 *coef);

#endif /* _VBJPEG_DEC_H */
