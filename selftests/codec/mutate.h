/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seeded mutations of a file: the same seed gives the same file anywhere.
 */
#ifndef _MUTATE_H
#define _MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* xorshift64* */
static inline uint32_t mutate_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;

	return (*state * 0x2545f4914f6cdd1dull) >> 32;
}

/* Half of the places are in the header, where most of the decisions are. */
static inline size_t mutate_place(uint64_t *state, size_t size)
{
	size_t header = size < 700 ? size : 700;

	return mutate_random(state) %
	       (mutate_random(state) & 1 ? header : size);
}

/*
 * Changes @data, of @size bytes with room for @room, and returns its new size.
 */
static inline size_t mutate(uint8_t *data, size_t size, size_t room,
			    uint64_t seed)
{
	static const uint8_t markers[] = {
		0xc0, 0xc1, 0xc2, 0xc4, 0xc9, 0xd0, 0xd7, 0xd8, 0xd9, 0xda,
		0xdb, 0xdc, 0xdd, 0xe0, 0xee, 0xfe, 0x00, 0xff,
	};
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
	unsigned int n = 1 + mutate_random(&state) % 6;

	while (n-- && size > 4) {
		size_t at = mutate_place(&state, size - 1), len, to;

		switch (mutate_random(&state) % 8) {
		case 0:
		case 1:
			data[at] ^= 1 << mutate_random(&state) % 8;
			break;
		case 2:
			data[at] = mutate_random(&state);
			break;
		case 3:
			data[at] = mutate_random(&state) & 1 ? 0xff : 0;
			break;
		case 4:
			data[at] = 0xff;
			data[at + 1] = markers[mutate_random(&state) %
					       sizeof(markers)];
			break;
		case 5:
			len = mutate_random(&state) % 16 + 1;
			if (len > size - at)
				len = size - at;
			memmove(data + at, data + at + len, size - at - len);
			size -= len;
			break;
		case 6:
			len = mutate_random(&state) % 64 + 1;
			if (len > size - at)
				len = size - at;
			if (len > room - size)
				break;
			memmove(data + at + len, data + at, size - at);
			size += len;
			break;
		case 7:
			len = mutate_random(&state) % 64 + 1;
			to = mutate_place(&state, size);
			if (mutate_random(&state) & 3) {
				if (len > size - at)
					len = size - at;
				if (len > size - to)
					len = size - to;
				memmove(data + to, data + at, len);
			} else {
				size = to + 1;
			}
			break;
		}
	}

	return size;
}

#endif /* _MUTATE_H */
