// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tracepoints vbm:* have said of a buffer or a device, where somebody
 * has turned them on: the last lines of /sys/kernel/tracing/trace. Nothing is
 * turned on here.
 */

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "report.h"
#include "trace.h"
#include "vbm.h"

#define TRACING		"/sys/kernel/tracing"
#define TRACE_LINES	8

/* "12-3.4: vbm_map: buf=3 dev=x ..." is a line of buf=3, and of dev=x. */
static bool trace_is_of(const char *line, const char *key)
{
	const char *at = strstr(line, ": vbm_");
	size_t n = strlen(key);

	for (at = at ? strstr(at, key) : NULL; at; at = strstr(at + 1, key))
		if (at[-1] == ' ' && strchr(" ", at[n]))
			return true;
	return false;
}

void trace_report(struct report *rep, const char *name, bool buffer)
{
	char *on = file_line(TRACING "/events/vbm/enable"), *all = NULL;
	char *key, *line, *save, *last[TRACE_LINES];
	unsigned int nr = 0, i;

	if (on && *on != '0')
		all = file_read(TRACING "/trace");
	free(on);
	if (!all)
		return;
	key = text("%s=%s", buffer ? "buf" : "dev", name);
	for (line = strtok_r(all, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (trace_is_of(line, key))
			last[nr++ % TRACE_LINES] = line + strspn(line, " ");
	for (i = nr > TRACE_LINES ? nr - TRACE_LINES : 0; i < nr; i++)
		report(rep, LEVEL_FACT, "trace", NULL, "Traced: %s",
		       last[i % TRACE_LINES]);
	free(key);
	free(all);
}
