// SPDX-License-Identifier: GPL-2.0
/*
 * framesum: a checksum of each frame of a raw video file.
 *
 *   framesum FRAME-SIZE [FROM-TO] FILE
 *
 * prints a line "INDEX PICTURE TEXT" for each frame: PICTURE is the checksum of
 * the frame without its bytes FROM to TO-1, TEXT that of these bytes. vivid and
 * vbcam write a counter there: PICTURE says whether the picture is right, and
 * TEXT which frame it is. Without a range TEXT is 0. A file that ends within a
 * frame is an error.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a over 64-bit words: every byte counts, and emulation is slow. */
static uint64_t sum(uint64_t hash, const unsigned char *data, size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); data += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 32;
	}
	for (; len; data++, len--)
		hash = (hash ^ *data) * 0x100000001b3ULL;
	return hash;
}

static int usage(void)
{
	fprintf(stderr, "usage: framesum FRAME-SIZE [FROM-TO] FILE\n");
	return 2;
}

int main(int argc, char **argv)
{
	const uint64_t seed = 0xcbf29ce484222325ULL;
	size_t size, from = 0, to = 0, got;
	unsigned long n = 0;
	unsigned char *frame;
	uint64_t picture;
	FILE *file;

	if (argc != 3 && argc != 4)
		return usage();
	size = strtoul(argv[1], NULL, 0);
	if (argc == 4 && sscanf(argv[2], "%zu-%zu", &from, &to) != 2)
		return usage();
	if (!size || from > to || to > size)
		return usage();

	file = fopen(argv[argc - 1], "rb");
	frame = malloc(size);
	if (!file || !frame) {
		fprintf(stderr, "%s: %s\n", argv[argc - 1], strerror(errno));
		return 1;
	}
	while ((got = fread(frame, 1, size, file)) == size) {
		picture = sum(sum(seed, frame, from), frame + to, size - to);
		printf("%lu %016llx %016llx\n", n++,
		       (unsigned long long)picture,
		       (unsigned long long)(to > from ?
				sum(seed, frame + from, to - from) : 0));
	}
	if (got || ferror(file)) {
		fprintf(stderr, "%s: %zu bytes after frame %lu\n",
			argv[argc - 1], got, n);
		return 1;
	}
	return 0;
}
