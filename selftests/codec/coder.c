// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's JPEG coder (drivers/vbcodec/jpeg-*.c), as a program has it.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "coder.h"

const char *const raw_names[3] = { "nv12", "yuyv", "xr24" };

int raw_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(raw_names); i++)
		if (!strcmp(name, raw_names[i]))
			return i;

	errx(2, "no format %s", name);
}

void picture_init(struct picture *pic, enum vbjpeg_raw raw, unsigned int width,
		  unsigned int height)
{
	unsigned int even = round_up(width, 2u);

	pic->raw = raw;
	pic->width = width;
	pic->height = height;
	switch (raw) {
	case VBJPEG_NV12:
		pic->stride = even;
		pic->size = (size_t)even * round_up(height, 2u) * 3 / 2;
		break;
	case VBJPEG_YUYV:
		pic->stride = 2 * even;
		pic->size = (size_t)pic->stride * height;
		break;
	case VBJPEG_XR24:
		pic->stride = 4 * width;
		pic->size = (size_t)pic->stride * height;
		break;
	}
	pic->data = calloc(1, pic->size);
	if (!pic->data)
		err(2, "malloc");
}

void picture_fini(struct picture *pic)
{
	free(pic->data);
	pic->data = NULL;
}

static u8 *picture_chroma(const struct picture *pic)
{
	return pic->data + (size_t)pic->stride * round_up(pic->height, 2u);
}

u8 *file_read(const char *name, size_t *size)
{
	FILE *f = fopen(name, "rb");
	u8 *data;

	if (!f || fseek(f, 0, SEEK_END))
		err(2, "%s", name);
	*size = ftell(f);
	rewind(f);
	data = malloc(*size ? *size : 1);
	if (!data || fread(data, 1, *size, f) != *size)
		err(2, "%s", name);
	fclose(f);

	return data;
}

void file_write(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(name, "wb");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		err(2, "%s", name);
}

int coder_decode(const void *data, size_t size, enum vbjpeg_raw raw,
		 struct picture *pic)
{
	struct vbjpeg_dec *dec = malloc(sizeof(*dec));
	void *mem;
	int ret;

	pic->data = NULL;
	if (!dec)
		err(2, "malloc");

	ret = vbjpeg_dec_header(dec, data, size);
	if (ret)
		goto out_free_dec;

	mem = malloc(vbjpeg_dec_memory(dec));
	if (!mem)
		err(2, "malloc");

	ret = vbjpeg_dec_scans(dec, mem);
	if (ret)
		goto out_free_mem;

	picture_init(pic, raw, dec->width, dec->height);
	if (raw == VBJPEG_NV12) {
		vbjpeg_dec_rows(dec, raw, 0, 0, round_up(pic->height, 2u),
				pic->data, pic->stride);
		vbjpeg_dec_rows(dec, raw, 1, 0, DIV_ROUND_UP(pic->height, 2),
				picture_chroma(pic), pic->stride);
	} else {
		vbjpeg_dec_rows(dec, raw, 0, 0, pic->height, pic->data,
				pic->stride);
	}

out_free_mem:
	free(mem);
out_free_dec:
	free(dec);
	return ret;
}

u8 *coder_encode(const struct picture *pic,
		 const struct vbjpeg_enc_params *params, size_t *size)
{
	size_t room = VBJPEG_ENC_MAX_HEADER + 8192 +
		      (size_t)(pic->width + 16) * (pic->height + 16) * 6;
	unsigned int strides[2] = { pic->stride, pic->stride };
	unsigned int step = vbjpeg_enc_strip_rows(params), y;
	struct vbjpeg_enc *enc = malloc(sizeof(*enc));
	u8 *out = malloc(room);
	int ret;

	if (!enc || !out)
		err(2, "malloc");

	vbjpeg_enc_start(enc, params, out, room);
	for (y = 0; y < pic->height; y += step) {
		const u8 *planes[2] = {
			pic->data + (size_t)y * pic->stride,
			picture_chroma(pic) + (size_t)y / 2 * pic->stride,
		};

		ret = vbjpeg_enc_strip(enc, planes, strides,
				       min(step, pic->height - y));
		if (ret)
			errx(2, "vbjpeg_enc_strip: %s", strerror(-ret));
	}
	ret = vbjpeg_enc_finish(enc, size);
	if (ret)
		errx(2, "vbjpeg_enc_finish: %s", strerror(-ret));
	free(enc);

	return out;
}
