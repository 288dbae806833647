// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines of key=value. Keys that nobody asks for are those of a newer kernel;
 * a key that is missing, a number that is none and a line without its end mean
 * that the file is damaged, or not what it is taken for.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "file.h"
#include "vbm.h"

void fields_bad(const struct fields *fields, const char *what,
		const char *text)
{
	die(EXIT_DAMAGED, "%s%s:%u: %s: %s", sysroot, fields->file,
	    fields->line, what, text);
}

/*
 * The next line, in place; NULL at the end of the text. @fields has the file's
 * name, and the number of the line before.
 */
char *fields_next(struct fields *fields, char **at)
{
	char *line = *at, *end = strchr(line, '\n'), *word, *save, *equals;

	if (!*line)
		return NULL;
	fields->line++;
	fields->nr = 0;
	if (!end)
		fields_bad(fields, "the line has no end", "truncated");
	*end = '\0';
	*at = end + 1;
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		equals = strchr(word, '=');
		if (!equals)
			fields_bad(fields, "no key=value", word);
		if (fields->nr == FIELDS_MAX)
			fields_bad(fields, "too many fields", word);
		*equals = '\0';
		fields->keys[fields->nr] = word;
		fields->values[fields->nr++] = equals + 1;
	}
	return line;
}

static char *field_find(const struct fields *fields, const char *key)
{
	unsigned int i;

	for (i = 0; i < fields->nr; i++)
		if (!strcmp(fields->keys[i], key))
			return fields->values[i];
	return NULL;
}

bool field_has(const struct fields *fields, const char *key)
{
	return field_find(fields, key);
}

char *field_text(const struct fields *fields, const char *key)
{
	char *value = field_find(fields, key);

	if (!value)
		fields_bad(fields, "no such key", key);
	return value;
}

/* NULL where the core says "-". */
const char *field_word(const struct fields *fields, const char *key)
{
	const char *value = field_text(fields, key);

	return strcmp(value, "-") ? value : NULL;
}

uint64_t number_in(const struct fields *fields, const char *text, int base)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || end == text || *end || *text == '-')
		fields_bad(fields, "no number", text);
	return value;
}

uint64_t field_number(const struct fields *fields, const char *key)
{
	return number_in(fields, field_text(fields, key), 10);
}

uint64_t field_hex(const struct fields *fields, const char *key)
{
	return number_in(fields, field_text(fields, key), 16);
}

bool field_flag(const struct fields *fields, const char *key)
{
	return field_number(fields, key);
}

int field_int(const struct fields *fields, const char *key)
{
	const char *value = field_text(fields, key);

	return *value == '-' ? -(int)number_in(fields, value + 1, 10) :
			       (int)number_in(fields, value, 10);
}
