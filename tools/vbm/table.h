/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

struct buffer;

void table_head(char *line, size_t size);
void table_line(const struct buffer *buf, char *line, size_t size);

#endif
