// SPDX-License-Identifier: GPL-2.0
/*
 * Files through the codec's nodes, each result compared with what the same
 * coder makes of it as a program. Prints TAP.
 *
 *	m2m good DECODER ENCODER FILE...	decode to each format, encode it
 *	m2m bad DECODER GOOD FILE...		refuse, and decode the good one
 *	m2m mutated DECODER SEED,COUNT FILE...	COUNT mutations
 *	m2m together DECODER ENCODER COUNT FILE...
 *						each file COUNT times, all at the
 *						same time
 */

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "mutate.h"

#define GROWTH	1024

__attribute__((format(printf, 2, 3)))
static void report(const char *why, const char *format, ...)
{
	char text[300];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (why && n < (int)sizeof(text))
		snprintf(text + n, sizeof(text) - n, ": %s", why);
	result(!why, text);
}

static const char *base(const char *name)
{
	return strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
}

/* NULL, or what is wrong with the first thing that is. */
static const char *good_one(struct node *n, const char *encoder,
			    const u8 *data, size_t size, enum vbjpeg_raw raw)
{
	struct vbjpeg_enc_params params;
	struct picture pic;
	const char *why;
	struct node enc;

	why = check_dec(n, data, size, raw);
	if (why)
		return why;
	if (coder_decode(data, size, raw, &pic))
		return "no picture";
	if (enc_open(&enc, encoder, &pic, 1))
		err(1, "%s", encoder);
	check_defaults(&params, &pic);
	why = check_enc(&enc, &pic, &params) ? "encoded otherwise" : NULL;
	node_close(&enc);
	picture_fini(&pic);

	return why;
}

static void good(const char *decoder, const char *encoder, char **files)
{
	struct node n[3];
	const char *why;
	size_t size;
	int raw, i;
	u8 *data;

	for (raw = 0; raw < 3; raw++)
		if (dec_open(&n[raw], decoder, fourccs[raw]))
			err(1, "%s", decoder);
	for (i = 0; files[i]; i++) {
		data = file_read(files[i], &size);
		for (raw = 0, why = NULL; raw < 3 && !why; raw++)
			why = good_one(&n[raw], encoder, data, size, raw);
		report(why, "decode %s to %s, and encode it", base(files[i]),
		       why ? raw_names[raw - 1] : "all formats");
		free(data);
	}
	for (raw = 0; raw < 3; raw++)
		node_close(&n[raw]);
}

/* None of these is a picture for us, and none does the next one any harm. */
static void bad(const char *decoder, const char *name, char **files)
{
	u8 *data, *good_data;
	size_t size, good_size;
	struct picture pic;
	struct node n;
	int i, ret;

	good_data = file_read(name, &good_size);
	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	for (i = 0; files[i]; i++) {
		data = file_read(files[i], &size);
		ret = coder_decode(data, size, VBJPEG_NV12, &pic);
		picture_fini(&pic);
		report(ret ? check_dec(&n, data, size, VBJPEG_NV12) :
		       "a program decodes it", "refuse %s", base(files[i]));
		report(check_dec(&n, good_data, good_size, VBJPEG_NV12),
		       "then decode %s", base(name));
		free(data);
	}
	node_close(&n);
	free(good_data);
}

/*
 * A header can ask for a buffer so large that there is no such piece of
 * memory; who streams has to begin anew then.
 */
static void mutated(const char *decoder, const char *which, char **files)
{
	unsigned long first, count, i, failed = 0, huge = 0;
	unsigned int nr = 0, k;
	const char *why;
	size_t *sizes;
	struct node n;
	u8 **data;

	if (sscanf(which, "%lu,%lu", &first, &count) != 2)
		errx(2, "SEED,COUNT is not %s", which);
	while (files[nr])
		nr++;
	data = calloc(nr, sizeof(*data));
	sizes = calloc(nr, sizeof(*sizes));
	if (!data || !sizes)
		err(2, "malloc");
	for (k = 0; k < nr; k++)
		data[k] = file_read(files[k], &sizes[k]);
	if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
		err(1, "%s", decoder);
	for (i = first; i < first + count && failed < 10; i++) {
		u8 *copy;
		size_t size;

		k = i % nr;
		copy = malloc(sizes[k] + GROWTH);
		if (!copy)
			err(2, "malloc");
		memcpy(copy, data[k], sizes[k]);
		size = mutate(copy, sizes[k], sizes[k] + GROWTH, i);
		why = check_dec(&n, copy, size, VBJPEG_NV12);
		free(copy);
		if (why == check_no_memory) {
			huge++;
			node_close(&n);
			if (dec_open(&n, decoder, V4L2_PIX_FMT_NV12))
				err(1, "%s", decoder);
			why = NULL;
		}
		if (!why && i % 10 == 9)
			why = check_dec(&n, data[k], sizes[k], VBJPEG_NV12);
		if (why) {
			report(why, "mutation %lu of %s", i, files[k]);
			failed++;
		}
	}
	report(failed ? "some fail" : NULL,
	       "%lu files with faults, %lu of them too large for the memory",
	       i - first, huge);
	report(huge > count / 100 ? "too many" : NULL,
	       "nearly all of them fit");
	node_close(&n);
	for (k = 0; k < nr; k++)
		free(data[k]);
	free(data);
	free(sizes);
}

/* --- several contexts ----------------------------------------------------- */

/* It opens for all when the last one has come. */
static void pass(int gate)
{
	char c;

	if (read(gate, &c, 1))
		errx(1, "the gate is not a gate");
}

static void together_dec(const char *decoder, const char *name, int raw,
			 unsigned int count, int gate)
{
	const char *why = NULL;
	struct node n;
	size_t size;
	u8 *data;

	data = file_read(name, &size);
	if (dec_open(&n, decoder, fourccs[raw]))
		err(1, "%s", decoder);
	pass(gate);
	while (!why && count--)
		why = check_dec(&n, data, size, raw);
	if (why)
		errx(1, "decode %s: %s", base(name), why);
	exit(0);
}

/* Each with a quality of its own: controls belong to the open file. */
static void together_enc(const char *encoder, const char *name, int raw,
			 unsigned int quality, unsigned int count, int gate)
{
	struct vbjpeg_enc_params params;
	const char *why = NULL;
	struct picture pic;
	struct node n;
	size_t size;
	u8 *data;

	data = file_read(name, &size);
	if (coder_decode(data, size, raw, &pic))
		errx(1, "%s: no picture", name);
	if (enc_open(&n, encoder, &pic, 1) ||
	    set_ctrl(&n, V4L2_CID_JPEG_COMPRESSION_QUALITY, quality))
		err(1, "%s", encoder);
	check_defaults(&params, &pic);
	params.quality = quality;
	pass(gate);
	while (!why && count--)
		why = check_enc(&n, &pic, &params);
	if (why)
		errx(1, "encode %s: %s", base(name), why);
	exit(0);
}

/* A process for each file and direction; they set off at the same time. */
static void together(const char *decoder, const char *encoder,
		     unsigned int count, char **files)
{
	unsigned int i, nr = 0, failed = 0;
	int gate[2], status;
	pid_t pid;

	while (files[nr])
		nr++;
	if (pipe(gate))
		err(2, "pipe");
	for (i = 0; i < 2 * nr; i++) {
		pid = fork();
		if (pid < 0)
			err(2, "fork");
		if (pid)
			continue;
		close(gate[1]);
		if (i & 1)
			together_enc(encoder, files[i / 2], i / 2 % 3,
				     40 + i * 3 % 60, count, gate[0]);
		else
			together_dec(decoder, files[i / 2], i / 2 % 3, count,
				     gate[0]);
	}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < 2 * nr; i++)
		if (wait(&status) < 0 || !WIFEXITED(status) ||
		    WEXITSTATUS(status))
			failed++;
	report(failed ? "some fail" : NULL,
	       "%u decoders and as many encoders at once, %u frames each", nr,
	       count);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "see the head of m2m.c");

	if (!strcmp(argv[1], "good"))
		good(argv[2], argv[3], argv + 4);
	else if (!strcmp(argv[1], "bad"))
		bad(argv[2], argv[3], argv + 4);
	else if (!strcmp(argv[1], "mutated"))
		mutated(argv[2], argv[3], argv + 4);
	else if (!strcmp(argv[1], "together") && argc > 5)
		together(argv[2], argv[3], strtoul(argv[4], NULL, 0),
			 argv + 5);
	else
		errx(2, "see the head of m2m.c");
	results_end();

	return 0;
}
