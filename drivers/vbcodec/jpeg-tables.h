/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What encoder and decoder share: limits, markers, raw formats, and the tables
 * of ITU-T T.81, Annex K.
 */
#ifndef _VBJPEG_TABLES_H
#define _VBJPEG_TABLES_H

#include "jpeg-shim.h"

#define VBJPEG_MAX_WIDTH	4096
#define VBJPEG_MAX_HEIGHT	2304
#define VBJPEG_MAX_COMPS	3
#define VBJPEG_BLOCK		64

/* T.81, table B.1 */
#define VBJPEG_SOF0		0xc0
#define VBJPEG_SOF1		0xc1
#define VBJPEG_SOF2		0xc2
#define VBJPEG_DHT		0xc4
#define VBJPEG_JPG		0xc8
#define VBJPEG_SOF15		0xcf
#define VBJPEG_DAC		0xcc
#define VBJPEG_RST0		0xd0
#define VBJPEG_RST7		0xd7
#define VBJPEG_SOI		0xd8
#define VBJPEG_EOI		0xd9
#define VBJPEG_SOS		0xda
#define VBJPEG_DQT		0xdb
#define VBJPEG_DNL		0xdc
#define VBJPEG_DRI		0xdd
#define VBJPEG_APP0		0xe0
#define VBJPEG_APP14		0xee
#define VBJPEG_COM		0xfe
#define VBJPEG_TEM		0x01

/**
 * enum vbjpeg_raw - what a picture looks like in memory
 * @VBJPEG_NV12: a plane of Y, a plane of CbCr pairs at half size both ways
 * @VBJPEG_YUYV: Y, Cb, Y, Cr
 * @VBJPEG_XR24: B, G, R, unused
 *
 * Samples are those of JFIF: BT.601, full range.
 */
enum vbjpeg_raw {
	VBJPEG_NV12,
	VBJPEG_YUYV,
	VBJPEG_XR24,
};

/**
 * struct vbjpeg_huff_spec - a Huffman table as it stands in a file
 * @bits: number of codes of each length, from 1
 * @vals: the symbols in the order of their codes
 * @nr_vals: their number
 */
struct vbjpeg_huff_spec {
	u8	bits[16];
	const u8 *vals;
	u16	nr_vals;
};

enum { VBJPEG_LUMA, VBJPEG_CHROMA };

/* Position in the block of each coefficient of a file. */
extern const u8 vbjpeg_zigzag[VBJPEG_BLOCK];

/* In natural order, for quality 50; [VBJPEG_LUMA, VBJPEG_CHROMA] */
extern const u8 vbjpeg_std_quant[2][VBJPEG_BLOCK];
extern const struct vbjpeg_huff_spec vbjpeg_std_dc[2];
extern const struct vbjpeg_huff_spec vbjpeg_std_ac[2];

#endif /* _VBJPEG_TABLES_H */
