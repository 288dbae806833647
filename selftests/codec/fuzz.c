// SPDX-License-Identifier: GPL-2.0
/*
 * Mutated files through the decoder, which is built with the sanitizers: each
 * must decode or be refused. After each hundred a good file must decode as it
 * did before.
 *
 *	fuzz COUNT FILE...
 *
 * Files are taken in turn; number N is mutated with the seed N, and fuzz N FILE
 * alone can be repeated with "fuzz N,1 FILE...".
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "coder.h"
#include "mutate.h"

#define MAX_FILES	64
#define GROWTH		1024

static struct {
	u8	*data;
	size_t	size;
	u64	sum[3];
} files[MAX_FILES];

static u64 sum(const struct picture *pic)
{
	u64 sum = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < pic->size; i++)
		sum = (sum ^ pic->data[i]) * 0x100000001b3ull;

	return sum;
}

int main(int argc, char **argv)
{
	unsigned long first = 0, count, i, decoded = 0, refused = 0;
	unsigned int nr = 0, raw;
	struct picture pic;
	char *end;

	if (argc < 3 || argc > 2 + MAX_FILES)
		errx(2, "see the head of fuzz.c");

	count = strtoul(argv[1], &end, 0);
	if (*end == ',') {
		first = count;
		count = strtoul(end + 1, NULL, 0);
	}

	for (nr = 0; argv[2 + nr]; nr++) {
		files[nr].data = file_read(argv[2 + nr], &files[nr].size);
		for (raw = 0; raw < 3; raw++) {
			if (coder_decode(files[nr].data, files[nr].size, raw,
					 &pic))
				errx(1, "%s is not good", argv[2 + nr]);
			files[nr].sum[raw] = sum(&pic);
			picture_fini(&pic);
		}
	}

	for (i = first; i < first + count; i++) {
		size_t size = files[i % nr].size;
		u8 *data = malloc(size + GROWTH), *exact;

		if (!data)
			err(2, "malloc");
		memcpy(data, files[i % nr].data, size);
		size = mutate(data, size, size + GROWTH, i);

		/* With nothing after it that could be read unnoticed. */
		exact = malloc(size);
		if (!exact)
			err(2, "malloc");
		memcpy(exact, data, size);
		free(data);

		if (coder_decode(exact, size, i / nr % 3, &pic)) {
			refused++;
		} else {
			decoded++;
			picture_fini(&pic);
		}
		free(exact);

		if (i % 100)
			continue;
		raw = i / 100 % 3;
		if (coder_decode(files[i % nr].data, files[i % nr].size, raw,
				 &pic) || sum(&pic) != files[i % nr].sum[raw])
			errx(1, "after mutation %lu: %s decodes wrong", i,
			     argv[2 + i % nr]);
		picture_fini(&pic);
	}
	printf("%lu decoded, %lu refused\n", decoded, refused);
	/* A test of which nothing comes through, or everything, is none. */
	if (count >= 1000 && (decoded < count / 20 || refused < count / 20))
		errx(1, "that is no test");

	for (i = 0; i < nr; i++)
		free(files[i].data);

	return 0;
}
