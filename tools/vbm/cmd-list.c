// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm list: a line for each buffer; and the table that vbm top shows.
 */

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "bufinfo.h"
#include "json.h"
#include "state.h"
#include "table.h"
#include "vbm.h"

static const struct argp argp = {
	.doc = "Lists the buffers and imports of videobuf2-mem.",
	.children = (const struct argp_child[]) { { &common_argp }, {} },
};

/* "vbdisp.0,vbcodec.0", each once. The first mapping is the own device's. */
static char *table_shared(const struct buffer *buf)
{
	char *said = text("%s", ""), *more;
	unsigned int i, k;

	for (i = 1; i < buf->nr_mappings; i++) {
		const struct mapping *map = &buf->mappings[i];

		for (k = 1; k < i; k++)
			if (!strcmp(buf->mappings[k].dev, map->dev))
				break;
		if (k < i)
			continue;
		more = text("%s%s%s%s", said, *said ? "," : "", map->dev,
			    map->bounced ? "(bounced)" : "");
		free(said);
		said = more;
	}
	return said;
}

/* The heading of table_line(). */
void table_head(char *line, size_t size)
{
	snprintf(line, size, "%5s %-7s %-16s %9s %-9s %6s %-8s %-8s %5s %s",
		 "BUF", "KIND", "DEVICE", "SIZE", "BACKING", "PIECES", "STATE",
		 "FROZEN", "MOVES", "SHARED WITH");
}

/* One buffer. */
void table_line(const struct buffer *buf, char *line, size_t size)
{
	char bytes[HUMAN_SIZE], pieces[16] = "-", *shared;

	human(buf->size, bytes);
	if (buf->kind == KIND_IMPORT) {
		snprintf(pieces, sizeof(pieces), "%u", buf->segments);
		shared = buf->of ? text("of %u", buf->of) :
				   text("of %s", buf->exporter);
		snprintf(line, size,
			 "%5u %-7s %-16s %9s %-9s %6s %-8s %-8s %5s %s",
			 buf->id, "import", buf->dev, bytes, "-", pieces,
			 buf->parked ? "parked" : "used", "-", "-", shared);
	} else {
		if (buf->shaped)
			snprintf(pieces, sizeof(pieces), "%u", buf->pieces);
		shared = table_shared(buf);
		snprintf(line, size,
			 "%5u %-7s %-16s %9s %-9s %6s %-8s %-8s %5u %s",
			 buf->id, kind_names[buf->kind], buf->dev, bytes,
			 buf->backing, pieces, buf->state,
			 buf->frozen ? buf->frozen : "-", buf->moves,
			 *shared ? shared : "-");
	}
	free(shared);
}

int cmd_list(int argc, char **argv)
{
	struct options options = {};
	struct state state;
	char line[512];
	unsigned int i;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!state_ours())
		return bufinfo_show(&options);
	state_read(&state, options.json ? STATE_ALL : STATE_BUFFERS);
	if (options.json) {
		json_print(json_state(&state));
	} else if (!state.nr_buffers) {
		puts("There are no buffers.");
	} else {
		table_head(line, sizeof(line));
		puts(line);
		for (i = 0; i < state.nr_buffers; i++) {
			table_line(&state.buffers[i], line, sizeof(line));
			puts(line);
		}
	}
	state_free(&state);
	return 0;
}
