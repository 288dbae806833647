/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's JPEG coder (drivers/vbcodec/jpeg-*.c), as a program has it.
 */
#ifndef _CODER_H
#define _CODER_H

#include "../../drivers/vbcodec/jpeg-dec.h"
#include "../../drivers/vbcodec/jpeg-enc.h"

/**
 * struct picture - a raw picture, without padding between its lines
 * @raw: its format
 * @width: in pixels
 * @height: in pixels
 * @stride: bytes of a line, of all planes
 * @size: bytes of all planes
 * @data: the planes, one after the other
 */
struct picture {
	enum vbjpeg_raw	raw;
	unsigned int	width;
	unsigned int	height;
	unsigned int	stride;
	size_t		size;
	u8		*data;
};

extern const char *const raw_names[3];
int raw_by_name(const char *name);

void picture_init(struct picture *pic, enum vbjpeg_raw raw, unsigned int width,
		  unsigned int height);
void picture_fini(struct picture *pic);

u8 *file_read(const char *name, size_t *size);
void file_write(const char *name, const void *data, size_t size);

/* 0 or a negative errno. What has no header has no picture. */
int coder_decode(const void *data, size_t size, enum vbjpeg_raw raw,
		 struct picture *pic);
u8 *coder_encode(const struct picture *pic,
		 const struct vbjpeg_enc_params *params, size_t *size);

#endif /* _CODER_H */
