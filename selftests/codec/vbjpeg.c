// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's JPEG coder at the command line, for a look at a picture and for
 * counting instructions.
 *
 *	vbjpeg decode FORMAT FILE.jpg FILE.raw
 *	vbjpeg encode FORMAT WIDTH HEIGHT QUALITY 444|422|420|grey RESTART
 *		FILE.raw FILE.jpg
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "coder.h"

static void decode(char **args)
{
	struct picture pic;
	size_t size;
	u8 *data = file_read(args[1], &size);
	int ret;

	ret = coder_decode(data, size, raw_by_name(args[0]), &pic);
	if (ret)
		errx(1, "%s: %s", args[1], strerror(-ret));

	file_write(args[2], pic.data, pic.size);
	printf("%s %ux%u\n", raw_names[pic.raw], pic.width, pic.height);
	picture_fini(&pic);
	free(data);
}

static void encode(char **args)
{
	struct vbjpeg_enc_params params = {
		.raw		= raw_by_name(args[0]),
		.width		= atoi(args[1]),
		.height		= atoi(args[2]),
		.quality	= atoi(args[3]),
		.grey		= !strcmp(args[4], "grey"),
		.hs		= strcmp(args[4], "422") &&
				  strcmp(args[4], "420") ? 1 : 2,
		.vs		= strcmp(args[4], "420") ? 1 : 2,
		.restart	= atoi(args[5]),
		.markers	= ~0,
	};
	struct picture pic;
	size_t size;
	u8 *data;

	picture_init(&pic, params.raw, params.width, params.height);
	data = file_read(args[6], &size);
	if (size != pic.size)
		errx(2, "%s: has %zu bytes, not %zu", args[6], size, pic.size);
	memcpy(pic.data, data, size);
	free(data);

	data = coder_encode(&pic, &params, &size);
	file_write(args[7], data, size);
	picture_fini(&pic);
	free(data);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "decode"))
		decode(argv + 2);
	else if (argc == 10 && !strcmp(argv[1], "encode"))
		encode(argv + 2);
	else
		errx(2, "see the head of vbjpeg.c");

	return 0;
}
