/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#define FIELDS_MAX 40

/**
 * struct fields - a line of key=value
 * @file: where it stands, for messages
 * @line: number of the line
 * @nr: how many fields it has
 * @keys: their keys
 * @values: their values
 */
struct fields {
	const char *file;
	unsigned int line;
	unsigned int nr;
	const char *keys[FIELDS_MAX];
	char *values[FIELDS_MAX];
};

char *fields_next(struct fields *fields, char **at);

bool field_has(const struct fields *fields, const char *key);
char *field_text(const struct fields *fields, const char *key);
const char *field_word(const struct fields *fields, const char *key);
uint64_t field_number(const struct fields *fields, const char *key);
uint64_t field_hex(const struct fields *fields, const char *key);
bool field_flag(const struct fields *fields, const char *key);
int field_int(const struct fields *fields, const char *key);

uint64_t number_in(const struct fields *fields, const char *text, int base);
__attribute__((noreturn))
void fields_bad(const struct fields *fields, const char *what,
		const char *text);

#endif
