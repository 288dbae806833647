/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>

#include "report.h"
#include "state.h"

/* explain-failure.c */
void explain_failure(struct report *rep, const struct state *state,
		     const struct failure *f);
bool failure_told(const struct state *state, const struct failure *f);

#endif
