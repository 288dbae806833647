// SPDX-License-Identifier: GPL-2.0
/*
 * Files through the codec's nodes, each result compared with what the same
 * coder makes of it as a program. Prints TAP.
 *
 *	m2m good DECODER ENCODER FILE...	decode to each format, encode it
 *	m2m mutated DECODER SEED,COUNT FILE...	COUNT mutations
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mutate.h"
#include "node.h"

#define GROWTH	1024

static bool right(struct node *n, const struct picture *pic, size_t used)
{
	struct frame frame, wanted;

	frame_picture(&wanted, pic);

	return !frame_of(n, CAP, &frame) && frame.width == wanted.width &&
	       used == frame.size && frame_same(&frame, &wanted);
}

/* NULL if the node did what the program does. */
static const char *dec_check(struct node *n, const void *data, size_t size,
			     enum vbjpeg_raw raw)
{
	const char *why = NULL;
	struct picture pic;
	size_t used = 0;
	int flags, ret;

	ret = coder_decode(data, size, raw, &pic);
	flags = dec_file(n, data, size, &used);
	if (flags < 0)
		why = strerror(errno);
	else if (!!ret != !!(flags & V4L2_BUF_FLAG_ERROR))
		why = ret ? "decoded, not refused" : "refused, not decoded";
	else if (!ret && !right(n, &pic, used))
		why = "another picture";
	picture_fini(&pic);

	if (!why && queue(n, CAP, NULL, 0))
		why = strerror(errno);

	return why;
}

static const char *enc_check(const char *name, const struct picture *pic)
{
	struct vbjpeg_enc_params params = {
		.raw		= pic->raw,
		.width		= pic->width,
		.height		= pic->height,
		.hs		= 2,
		.vs		= 2,
		.quality	= 80,
		.markers	= VBJPEG_ENC_APP0 | VBJPEG_ENC_DQT |
				  VBJPEG_ENC_DHT,
	};
	struct frame frame, wanted;
	const char *why = NULL;
	size_t size, used;
	struct node n;
	int flags;
	u8 *data;

	data = coder_encode(pic, &params, &size);
	node_open(&n, name);
	flags = -1;
	frame_picture(&wanted, pic);
	if (!set_fmt(&n, OUT, wanted.fourcc, pic->width, pic->height, 0) &&
	    !set_crop(&n, pic->width, pic->height) && !buffer(&n, OUT, 1) &&
	    !frame_of(&n, OUT, &frame)) {
		frame_copy(&frame, &wanted);
		if (!queue(&n, OUT, frame.data, frame.size) &&
		    !on(&n, OUT, true) && !cap_start(&n))
			flags = dequeue(&n, CAP, &used);
	}
	if (flags < 0)
		why = strerror(errno);
	else if (flags & V4L2_BUF_FLAG_ERROR)
		why = "error flag";
	else if (used != size || memcmp(n.map[CAP], data, size))
		why = "another file";
	node_close(&n);
	free(data);

	return why;
}

static void good(const char *decoder, const char *encoder, char **files)
{
	const char *why;
	struct picture pic;
	char text[300];
	struct node n;
	size_t size;
	int raw, i;
	u8 *data;

	for (raw = 0; raw < 3; raw++) {
		if (dec_open(&n, decoder, fourccs[raw]))
			err(1, "%s", decoder);
		for (i = 0; files[i]; i++) {
			const char *base = strrchr(files[i], '/') + 1;

			data = file_read(files[i], &size);
			why = dec_check(&n, data, size, raw);
			snprintf(text, sizeof(text), "decode %s to %s%s%s",
				 base, raw_names[raw], why ? ": " : "",
				 why ?: "");
			result(!why, text);
			if (!coder_decode(data, size, raw, &pic)) {
				why = enc_check(encoder, &pic);
				snprintf(text, sizeof(text),
					 "encode %s from %s%s%s", base,
					 raw_names[raw], why ? ": " : "",
					 why ?: "");
				result(!why, text);
				picture_fini(&pic);
			}
			free(data);
		}
		node_close(&n);
	}
}

static void mutated(const char *decoder, const char *which, char **files)
{
	unsigned long first, count, i, bad = 0;
	unsigned int nr = 0;
	const char *why;
	char text[200];
	struct node n;

	if (sscanf(which, "%lu,%lu", &first, &count) != 2)
		errx(2, "SEED,COUNT is not %s", which);
	while (files[nr])
		nr++;
	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	for (i = first; i < first + count && bad < 10; i++) {
		size_t size, good_size;
		u8 *data = file_read(files[i % nr], &good_size), *copy;

		copy = malloc(good_size + GROWTH);
		if (!copy)
			err(2, "malloc");
		memcpy(copy, data, good_size);
		size = mutate(copy, good_size, good_size + GROWTH, i);
		why = dec_check(&n, copy, size, VBJPEG_NV12);
		if (!why && i % 10 == 9)
			why = dec_check(&n, data, good_size, VBJPEG_NV12);
		if (why) {
			snprintf(text, sizeof(text), "mutation %lu of %s: %s",
				 i, files[i % nr], why);
			result(false, text);
			bad++;
		}
		free(copy);
		free(data);
	}
	snprintf(text, sizeof(text), "%lu mutated files", i - first);
	result(!bad && i == first + count, text);
	node_close(&n);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "see the head of m2m.c");

	if (!strcmp(argv[1], "good"))
		good(argv[2], argv[3], argv + 4);
	else if (!strcmp(argv[1], "mutated"))
		mutated(argv[2], argv[3], argv + 4);
	else
		errx(2, "see the head of m2m.c");
	results_end();

	return 0;
}
