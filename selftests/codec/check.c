// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a node does what the same coder does as a program; see check.h.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

const char *const check_no_memory = "no buffer of that size";

/* Is that picture in a buffer of CAPTURE? */
bool check_frame(struct node *n, unsigned int nth, const struct picture *pic,
		 size_t used)
{
	struct frame frame, wanted;

	frame_picture(&wanted, pic);
	if (frame_of(n, CAP, &frame))
		return false;
	frame.data = n->map[CAP][nth];

	return frame.width == wanted.width && used == frame.size &&
	       frame_same(&frame, &wanted);
}

/* What the program refuses has to come back with the error flag. */
const char *check_dec(struct node *n, const void *data, size_t size,
		      enum vbjpeg_raw raw)
{
	const char *why = NULL;
	struct picture pic;
	size_t used = 0;
	int flags, ret;

	ret = coder_decode(data, size, raw, &pic);
	flags = dec_file(n, data, size, &used);
	if (flags < 0)
		why = errno == ENOMEM ? check_no_memory : strerror(errno);
	else if (!!ret != !!(flags & V4L2_BUF_FLAG_ERROR))
		why = ret ? "decoded, not refused" : "refused, not decoded";
	else if (!ret && !check_frame(n, 0, &pic, used))
		why = "another picture";
	picture_fini(&pic);

	if (!why && queue(n, CAP, NULL, 0))
		why = strerror(errno);

	return why;
}

/* How the node encodes if it is not told otherwise. */
void check_defaults(struct vbjpeg_enc_params *params,
		    const struct picture *pic)
{
	*params = (struct vbjpeg_enc_params) {
		.raw		= pic->raw,
		.width		= pic->width,
		.height		= pic->height,
		.hs		= 2,
		.vs		= 2,
		.quality	= 80,
		.markers	= VBJPEG_ENC_APP0 | VBJPEG_ENC_DQT |
				  VBJPEG_ENC_DHT,
	};
}

const char *check_enc(struct node *n, const struct picture *pic,
		      const struct vbjpeg_enc_params *params)
{
	const char *why = NULL;
	size_t size, used;
	int flags;
	u8 *data;

	data = coder_encode(pic, params, &size);
	flags = enc_file(n, pic, &used);
	if (flags < 0)
		why = strerror(errno);
	else if (flags & V4L2_BUF_FLAG_ERROR)
		why = "error flag";
	else if (used != size || memcmp(n->map[CAP][0], data, size))
		why = "another file";
	free(data);

	if (!why && queue(n, CAP, NULL, 0))
		why = strerror(errno);

	return why;
}
