// SPDX-License-Identifier: GPL-2.0
/*
 * The encoder's controls: what each makes of a frame is, byte by byte, what the
 * same coder makes of it as a program that is told the same. Prints TAP.
 *
 *	controls ENCODER DECODER FILE
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "check.h"

#define APP0	V4L2_JPEG_ACTIVE_MARKER_APP0
#define COM	V4L2_JPEG_ACTIVE_MARKER_COM
#define DQT	V4L2_JPEG_ACTIVE_MARKER_DQT
#define DHT	V4L2_JPEG_ACTIVE_MARKER_DHT

#define VALUES	16

/* Each value gives another file, as does leaving it alone. */
static const struct control {
	const char	*name;
	u32		id;
	s32		standard;
	unsigned int	count;
	s32		values[VALUES];
} controls[] = {
	{
		.name = "quality",
		.id = V4L2_CID_JPEG_COMPRESSION_QUALITY,
		.standard = 80,
		.count = 7,
		.values = { 1, 25, 50, 75, 90, 99, 100 },
	}, {
		.name = "restart interval",
		.id = V4L2_CID_JPEG_RESTART_INTERVAL,
		.standard = 0,
		.count = 5,
		.values = { 1, 2, 7, 39, 65535 },
	}, {
		.name = "subsampling",
		.id = V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
		.standard = V4L2_JPEG_CHROMA_SUBSAMPLING_420,
		.count = 3,
		.values = {
			V4L2_JPEG_CHROMA_SUBSAMPLING_444,
			V4L2_JPEG_CHROMA_SUBSAMPLING_422,
			V4L2_JPEG_CHROMA_SUBSAMPLING_GRAY,
		},
	}, {
		.name = "active markers",
		.id = V4L2_CID_JPEG_ACTIVE_MARKER,
		.standard = APP0 | DQT | DHT,
		.count = 15,
		.values = {
			0, APP0, COM, APP0 | COM, DQT, APP0 | DQT, COM | DQT,
			APP0 | COM | DQT, DHT, APP0 | DHT, COM | DHT,
			APP0 | COM | DHT, DQT | DHT, COM | DQT | DHT,
			APP0 | COM | DQT | DHT,
		},
	},
};

/* What the program has to be told. */
static void tell(struct vbjpeg_enc_params *params, u32 id, s32 value)
{
	switch (id) {
	case V4L2_CID_JPEG_COMPRESSION_QUALITY:
		params->quality = value;
		break;
	case V4L2_CID_JPEG_RESTART_INTERVAL:
		params->restart = value;
		break;
	case V4L2_CID_JPEG_ACTIVE_MARKER:
		params->markers = value;
		break;
	case V4L2_CID_JPEG_CHROMA_SUBSAMPLING:
		params->grey = value == V4L2_JPEG_CHROMA_SUBSAMPLING_GRAY;
		params->vs = value == V4L2_JPEG_CHROMA_SUBSAMPLING_420 ? 2 : 1;
		params->hs = value == V4L2_JPEG_CHROMA_SUBSAMPLING_420 ||
			     value == V4L2_JPEG_CHROMA_SUBSAMPLING_422 ? 2 : 1;
		break;
	}
}

static s32 get(struct node *n, u32 id)
{
	struct v4l2_control ctrl = { .id = id };

	return ioctl(n->fd, VIDIOC_G_CTRL, &ctrl) ? -1 : ctrl.value;
}

/* What has been encoded before. */
static struct {
	unsigned int	count;
	u8		*data[VALUES + 1];
	size_t		size[VALUES + 1];
} before;

static void forget(void)
{
	while (before.count)
		free(before.data[--before.count]);
}

/* What the node makes of it is known to be the same. */
static bool is_new(const struct picture *pic,
		   const struct vbjpeg_enc_params *params)
{
	unsigned int i;
	size_t size;
	u8 *data;

	data = coder_encode(pic, params, &size);
	for (i = 0; i < before.count; i++)
		if (before.size[i] == size &&
		    !memcmp(before.data[i], data, size))
			return false;
	before.data[before.count] = data;
	before.size[before.count++] = size;

	return true;
}

static const char *one(struct node *n, const struct picture *pic,
		       const struct control *c, s32 value)
{
	struct vbjpeg_enc_params params;
	const char *why;

	check_defaults(&params, pic);
	tell(&params, c->id, value);
	if (set_ctrl(n, c->id, value))
		return strerror(errno);
	if (get(n, c->id) != value)
		return "the control has another value";
	why = check_enc(n, pic, &params);
	if (why)
		return why;

	return is_new(pic, &params) ? NULL : "the same file as another";
}

/* In one go: a control takes effect with the next frame. */
static void each(const char *encoder, const struct picture *pic)
{
	const struct control *c;
	const char *why;
	unsigned int i, k;
	struct node n;
	char text[200];

	if (enc_open(&n, encoder, pic, 1))
		err(1, "%s", encoder);
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		c = &controls[i];
		why = get(&n, c->id) == c->standard ?
		      one(&n, pic, c, c->standard) : "another default";
		for (k = 0; k < c->count && !why; k++)
			why = one(&n, pic, c, c->values[k]);
		snprintf(text, sizeof(text), "%s: %u values, from %s%s%s",
			 c->name, c->count + 1, raw_names[pic->raw],
			 why ? ": " : "", why ?: "");
		result(!why, text);
		set_ctrl(&n, c->id, c->standard);
		forget();
	}
	node_close(&n);
}

static void all_at_once(const char *encoder, const struct picture *pic)
{
	struct vbjpeg_enc_params params;
	const char *why = NULL;
	struct node n;
	unsigned int i;

	if (enc_open(&n, encoder, pic, 1))
		err(1, "%s", encoder);
	check_defaults(&params, pic);
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		tell(&params, controls[i].id, controls[i].values[1]);
		if (set_ctrl(&n, controls[i].id, controls[i].values[1]))
			why = "refused";
	}
	why = why ?: check_enc(&n, pic, &params);
	result(!why, why ?: "all controls at once");
	node_close(&n);
}

static void refused(const char *encoder, const char *decoder)
{
	struct node n;

	node_open(&n, encoder);
	result(set_ctrl(&n, V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
			V4L2_JPEG_CHROMA_SUBSAMPLING_411) &&
	       set_ctrl(&n, V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
			V4L2_JPEG_CHROMA_SUBSAMPLING_410),
	       "there is no 4:1:1 and no 4:1:0");
	result(!set_ctrl(&n, V4L2_CID_JPEG_COMPRESSION_QUALITY, 101) &&
	       get(&n, V4L2_CID_JPEG_COMPRESSION_QUALITY) == 100 &&
	       !set_ctrl(&n, V4L2_CID_JPEG_COMPRESSION_QUALITY, 0) &&
	       get(&n, V4L2_CID_JPEG_COMPRESSION_QUALITY) == 1,
	       "quality is from 1 to 100");
	node_close(&n);

	node_open(&n, decoder);
	result(set_ctrl(&n, V4L2_CID_JPEG_COMPRESSION_QUALITY, 50) &&
	       errno == EINVAL, "a decoder has no quality");
	node_close(&n);
}

int main(int argc, char **argv)
{
	struct picture pic;
	size_t size;
	int raw;
	u8 *data;

	if (argc != 4)
		errx(2, "see the head of controls.c");

	data = file_read(argv[3], &size);
	for (raw = 0; raw < 3; raw++) {
		if (coder_decode(data, size, raw, &pic))
			errx(2, "%s: no picture", argv[3]);
		each(argv[1], &pic);
		all_at_once(argv[1], &pic);
		picture_fini(&pic);
	}
	refused(argv[1], argv[2]);
	free(data);
	results_end();

	return 0;
}
