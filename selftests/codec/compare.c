// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's JPEG coder against libjpeg. Prints TAP.
 *
 *	compare decode FILE...	each file, in each raw format: samples differ by
 *				1 on average and 3 at most
 *	compare refuse FILE...	each file is refused
 *	compare encode FILE	its picture, encoded by both at some qualities:
 *				sizes differ by 5 % at most, and ours is worse
 *				by 0.3 dB of PSNR at most
 *
 * What libjpeg can not give in a raw format (less chroma than the file has, or
 * more) is computed from the samples that it gives, in floating point.
 */

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>

#include "coder.h"

static unsigned int tests;

static void result(bool ok, const char *text)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, text);
}

/* --- libjpeg ---------------------------------------------------------------- */

struct samples {
	unsigned int nr;
	unsigned int hs, vs;
	unsigned int width[3], height[3], stride[3];
	u8 *data[3];
};

/* The samples of each component as they are in the file. */
static void ref_samples(const u8 *data, size_t size, struct samples *s)
{
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr jerr;
	unsigned int i, r;

	cinfo.err = jpeg_std_error(&jerr);
	jpeg_create_decompress(&cinfo);
	jpeg_mem_src(&cinfo, data, size);
	jpeg_read_header(&cinfo, TRUE);
	cinfo.raw_data_out = TRUE;
	cinfo.dct_method = JDCT_ISLOW;
	jpeg_start_decompress(&cinfo);

	memset(s, 0, sizeof(*s));
	s->nr = cinfo.num_components;
	s->hs = 1;
	s->vs = 1;
	for (i = 0; i < s->nr; i++) {
		jpeg_component_info *c = &cinfo.comp_info[i];

		s->width[i] = c->downsampled_width;
		s->height[i] = c->downsampled_height;
		s->stride[i] = c->width_in_blocks * 8 + 64;
		s->data[i] = calloc(s->stride[i],
				    c->height_in_blocks * 8 + 64);
		if (i == 1) {
			s->hs = cinfo.max_h_samp_factor / c->h_samp_factor;
			s->vs = cinfo.max_v_samp_factor / c->v_samp_factor;
		}
	}

	while (cinfo.output_scanline < cinfo.output_height) {
		unsigned int mcu = cinfo.output_scanline /
				   (8 * cinfo.max_v_samp_factor);
		JSAMPROW rows[3][32];
		JSAMPARRAY arrays[3];

		for (i = 0; i < s->nr; i++) {
			unsigned int n = cinfo.comp_info[i].v_samp_factor * 8;

			for (r = 0; r < n; r++)
				rows[i][r] = s->data[i] +
					     (size_t)s->stride[i] *
					     (mcu * n + r);
			arrays[i] = rows[i];
		}
		jpeg_read_raw_data(&cinfo, arrays,
				   8 * cinfo.max_v_samp_factor);
	}
	jpeg_finish_decompress(&cinfo);
	jpeg_destroy_decompress(&cinfo);
}

static void ref_samples_free(struct samples *s)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		free(s->data[i]);
}

static void ref_xr24(const u8 *data, size_t size, struct picture *pic)
{
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr jerr;

	cinfo.err = jpeg_std_error(&jerr);
	jpeg_create_decompress(&cinfo);
	jpeg_mem_src(&cinfo, data, size);
	jpeg_read_header(&cinfo, TRUE);
	cinfo.out_color_space = JCS_EXT_BGRX;
	cinfo.dct_method = JDCT_ISLOW;
	jpeg_start_decompress(&cinfo);
	picture_init(pic, VBJPEG_XR24, cinfo.output_width,
		     cinfo.output_height);
	while (cinfo.output_scanline < cinfo.output_height) {
		JSAMPROW row = pic->data +
			       (size_t)cinfo.output_scanline * pic->stride;

		jpeg_read_scanlines(&cinfo, &row, 1);
	}
	jpeg_finish_decompress(&cinfo);
	jpeg_destroy_decompress(&cinfo);
}

static u8 *ref_encode(const struct picture *pic, int quality, unsigned int hs,
		      unsigned int vs, bool grey, unsigned long *size)
{
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr jerr;
	u8 *out = NULL;

	*size = 0;
	cinfo.err = jpeg_std_error(&jerr);
	jpeg_create_compress(&cinfo);
	jpeg_mem_dest(&cinfo, &out, size);
	cinfo.image_width = pic->width;
	cinfo.image_height = pic->height;
	cinfo.input_components = 4;
	cinfo.in_color_space = JCS_EXT_BGRX;
	jpeg_set_defaults(&cinfo);
	if (grey)
		jpeg_set_colorspace(&cinfo, JCS_GRAYSCALE);
	jpeg_set_quality(&cinfo, quality, TRUE);
	cinfo.comp_info[0].h_samp_factor = hs;
	cinfo.comp_info[0].v_samp_factor = vs;
	cinfo.dct_method = JDCT_ISLOW;
	jpeg_start_compress(&cinfo, TRUE);
	while (cinfo.next_scanline < cinfo.image_height) {
		JSAMPROW row = pic->data +
			       (size_t)cinfo.next_scanline * pic->stride;

		jpeg_write_scanlines(&cinfo, &row, 1);
	}
	jpeg_finish_compress(&cinfo);
	jpeg_destroy_compress(&cinfo);

	return out;
}

/* --- decoding --------------------------------------------------------------- */

static double at(const struct samples *s, unsigned int i, int x, int y)
{
	x = clamp(x, 0, (int)s->width[i] - 1);
	y = clamp(y, 0, (int)s->height[i] - 1);

	return s->data[i][(size_t)y * s->stride[i] + x];
}

/*
 * A row or column position at a resolution where each sample stands for @want
 * pixels, in a file where it is @have: average, or interpolate linearly.
 */
static double chroma_at(const struct samples *s, unsigned int i,
			unsigned int hs, unsigned int vs, int x, int y)
{
	double sum = 0, weights = 0;
	int dx, dy;

	for (dy = 0; dy < 2; dy++) {
		for (dx = 0; dx < 2; dx++) {
			int sx = x, sy = y;
			double w = 1;

			if (s->hs < hs) {
				sx = 2 * x + dx;
				if (sx >= (int)s->width[i])
					continue;
			} else if (s->hs == 4) {
				sx = x * (int)hs / 4;
			} else if (s->hs > hs && s->width[i] > 2) {
				sx = dx ? (x & 1 ? x / 2 + 1 : x / 2 - 1) :
					  x / 2;
				w *= dx ? 1 : 3;
			} else if (s->hs > hs) {
				sx = x / 2;
			}
			if (s->vs < vs) {
				sy = 2 * y + dy;
				if (sy >= (int)s->height[i])
					continue;
			} else if (s->vs > vs && s->hs == 4) {
				sy = y / 2;
			} else if (s->vs > vs) {
				sy = dy ? (y & 1 ? y / 2 + 1 : y / 2 - 1) :
					  y / 2;
				w *= dy ? 1 : 3;
			}
			sum += w * at(s, i, sx, sy);
			weights += w;
		}
	}

	return sum / weights;
}

struct diff {
	double	sum;
	double	max;
	size_t	nr;
};

static void differ(struct diff *d, double a, double b)
{
	double v = fabs(a - b);

	d->sum += v;
	d->nr++;
	if (v > d->max)
		d->max = v;
}

static void diff_yuv(const struct picture *pic, const struct samples *s,
		     struct diff *d)
{
	unsigned int vs = pic->raw == VBJPEG_NV12 ? 2 : 1, x, y, i;
	const u8 *row;

	for (y = 0; y < pic->height; y++) {
		row = pic->data + (size_t)y * pic->stride;
		for (x = 0; x < pic->width; x++)
			differ(d, row[pic->raw == VBJPEG_NV12 ? x : 2 * x],
			       at(s, 0, x, y));
	}
	for (y = 0; y < DIV_ROUND_UP(pic->height, vs); y++) {
		row = pic->data + (size_t)y * pic->stride;
		if (vs == 2)
			row += (size_t)pic->stride * round_up(pic->height, 2u);
		for (x = 0; x < DIV_ROUND_UP(pic->width, 2); x++)
			for (i = 1; i < 3; i++)
				differ(d, vs == 2 ? row[2 * x + i - 1] :
						    row[4 * x + 2 * i - 1],
				       s->nr == 1 ? 128 :
				       chroma_at(s, i, 2, vs, x, y));
	}
}

static void diff_xr24(const struct picture *pic, const struct picture *ref,
		      struct diff *d)
{
	size_t i;

	for (i = 0; i < pic->size; i++)
		if (i % 4 != 3)
			differ(d, pic->data[i], ref->data[i]);
}

static void decode(const char *name)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	size_t size;
	u8 *data = file_read(name, &size);
	struct picture pic, ref;
	struct samples s;
	unsigned int raw;
	char text[300];
	int ret;

	ref_samples(data, size, &s);
	ref_xr24(data, size, &ref);
	for (raw = 0; raw < 3; raw++) {
		struct diff d = { 0 };

		ret = coder_decode(data, size, raw, &pic);
		if (ret || pic.width != ref.width || pic.height != ref.height) {
			snprintf(text, sizeof(text), "%s to %s: %s", base,
				 raw_names[raw],
				 ret ? strerror(-ret) : "wrong size");
			result(false, text);
			continue;
		}
		if (raw == VBJPEG_XR24)
			diff_xr24(&pic, &ref, &d);
		else
			diff_yuv(&pic, &s, &d);
		snprintf(text, sizeof(text),
			 "%s to %s: difference %.3f on average, %.0f at most",
			 base, raw_names[raw], d.sum / d.nr, d.max);
		result(d.nr && d.sum / d.nr <= 1 && d.max <= 3, text);
		picture_fini(&pic);
	}
	ref_samples_free(&s);
	picture_fini(&ref);
	free(data);
}

static void refuse(const char *name)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	size_t size;
	u8 *data = file_read(name, &size);
	struct picture pic;
	char text[300];
	int ret;

	ret = coder_decode(data, size, VBJPEG_XR24, &pic);
	snprintf(text, sizeof(text), "%s is refused: %s", base, strerror(-ret));
	result(ret < 0, text);
	picture_fini(&pic);
	free(data);
}

/* --- encoding --------------------------------------------------------------- */

static double psnr(const struct picture *pic, const u8 *data, size_t size)
{
	struct picture dec;
	double sum = 0;
	size_t i;

	/* Both by libjpeg: what is measured is the encoder. */
	ref_xr24(data, size, &dec);
	for (i = 0; i < pic->size; i++)
		if (i % 4 != 3)
			sum += (pic->data[i] - dec.data[i]) *
			       (pic->data[i] - dec.data[i]);
	picture_fini(&dec);

	return 10 * log10(255.0 * 255 * pic->size * 3 / 4 / (sum ?: 1));
}

static void encode(const struct picture *pic, int quality, unsigned int hs,
		   unsigned int vs, bool grey)
{
	struct vbjpeg_enc_params params = {
		.raw		= VBJPEG_XR24,
		.width		= pic->width,
		.height		= pic->height,
		.grey		= grey,
		.hs		= hs,
		.vs		= vs,
		.quality	= quality,
		.markers	= VBJPEG_ENC_APP0 | VBJPEG_ENC_DQT |
				  VBJPEG_ENC_DHT,
	};
	double ours_db, ref_db, ratio;
	unsigned long ref_size;
	size_t ours_size;
	u8 *ours, *ref;
	char text[200];

	ours = coder_encode(pic, &params, &ours_size);
	ref = ref_encode(pic, quality, hs, vs, grey, &ref_size);
	ours_db = psnr(pic, ours, ours_size);
	ref_db = psnr(pic, ref, ref_size);
	ratio = (double)ours_size / ref_size;
	snprintf(text, sizeof(text),
		 "%s quality %d: %.2f dB in %zu bytes, libjpeg %.2f dB in %lu",
		 grey ? "grey" : vs == 2 ? "4:2:0" : hs == 2 ? "4:2:2" :
		 "4:4:4", quality, ours_db, ours_size, ref_db, ref_size);
	result(ratio > 0.95 && ratio < 1.05 && ours_db > ref_db - 0.3, text);
	free(ours);
	free(ref);
}

int main(int argc, char **argv)
{
	static const int qualities[] = { 50, 75, 90, 95 };
	struct picture pic;
	unsigned int i;
	size_t size;
	u8 *data;

	if (argc < 3)
		errx(2, "see the head of compare.c");

	if (!strcmp(argv[1], "decode")) {
		for (i = 2; i < (unsigned int)argc; i++)
			decode(argv[i]);
	} else if (!strcmp(argv[1], "refuse")) {
		for (i = 2; i < (unsigned int)argc; i++)
			refuse(argv[i]);
	} else if (!strcmp(argv[1], "encode")) {
		data = file_read(argv[2], &size);
		ref_xr24(data, size, &pic);
		for (i = 0; i < ARRAY_SIZE(qualities); i++) {
			encode(&pic, qualities[i], 2, 2, false);
			encode(&pic, qualities[i], 2, 1, false);
			encode(&pic, qualities[i], 1, 1, false);
			encode(&pic, qualities[i], 1, 1, true);
		}
		picture_fini(&pic);
		free(data);
	} else {
		errx(2, "see the head of compare.c");
	}
	printf("1..%u\n", tests);

	return 0;
}
