/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>

struct report;

void trace_report(struct report *rep, const char *name, bool buffer);

#endif
