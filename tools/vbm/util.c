// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages and memory. Memory that is not to be had ends the program.
 */

#include <stdlib.h>

#include "vbm.h"

void (*before_dying)(void);

void die(int code, const char *format, ...)
{
	va_list args;

	if (before_dying)
		before_dying();
	fflush(stdout);
	fputs("vbm: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(code);
}

void note(const char *format, ...)
{
	va_list args;

	fputs("vbm: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/*
 * Makes room for one more element. An array grows when its number of elements
 * is a power of two, so nobody has to remember how much room there is.
 */
void *array_add(void *array, unsigned int nr, size_t size)
{
	size_t room = nr ? 2 * (size_t)nr : 1;

	if (array && (nr & (nr - 1)))
		return array;
	array = reallocarray(array, room, size);
	if (!array)
		die(EXIT_OUTPUT, "no memory");
	return array;
}

char *text(const char *format, ...)
{
	va_list args;
	char *said;
	int n;

	va_start(args, format);
	n = vasprintf(&said, format, args);
	va_end(args);
	if (n < 0)
		die(EXIT_OUTPUT, "no memory");
	return said;
}

/* 1228800 as "1.2 MiB", what is whole without a point. */
const char *human(unsigned long long bytes, char *buf)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = 0;
	double value = bytes;

	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, HUMAN_SIZE, value == (int)value ? "%.0f %s" : "%.1f %s",
		 value, units[unit]);
	return buf;
}
