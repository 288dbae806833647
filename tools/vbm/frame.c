// SPDX-License-Identifier: GPL-2.0-only
/*
 * A moment of vbm top: a head of FRAME_HEAD lines with totals and rates, and a
 * table whose first line is its heading.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "frame.h"
#include "json.h"
#include "table.h"
#include "vbm.h"

const char *const order_names[NR_ORDERS] = {
	"number", "size", "device", "moves",
};

void frame_read(struct frame *frame)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	frame->when = now.tv_sec + now.tv_nsec / 1e9;
	state_read(&frame->state, STATE_ALL);
}

static double per_second(double n, const struct frame *frame,
			 const struct frame *before)
{
	double seconds = frame->when - before->when;

	/* A module that was loaded anew begins at 0. */
	return seconds > 0 && n > 0 ? n / seconds : 0;
}

double frame_rate(const struct frame *frame, const struct frame *before,
		  const char *stat)
{
	return per_second(state_stat(&frame->state, stat) -
			  state_stat(&before->state, stat), frame, before);
}

/* Of all counters whose names begin so. */
double frame_sum_rate(const struct frame *frame, const struct frame *before,
		      const char *prefix)
{
	const struct stat_line *stats = frame->state.stats;
	double n = 0;
	unsigned int i;

	for (i = 0; i < frame->state.nr_stats; i++)
		if (!strncmp(stats[i].name, prefix, strlen(prefix)))
			n += stats[i].value -
			     state_stat(&before->state, stats[i].name);
	return per_second(n, frame, before);
}

static FILE *lines_open(char **lines, size_t *size)
{
	FILE *out = open_memstream(lines, size);

	if (!out)
		die(EXIT_OUTPUT, "no memory");
	return out;
}

static void head_failure(FILE *out, const struct state *state)
{
	const struct failure *f;

	if (!state->nr_failures) {
		fputs("Last failure: none\n", out);
		return;
	}
	f = &state->failures[state->nr_failures - 1];
	fprintf(out, "Last failure: %s of %s, %s", f->task,
		f->dev ? f->dev : "-", strerrorname_np(f->error) ?: "?");
	if (state->uptime)
		fprintf(out, ", %.0f s ago", state->uptime - f->at);
	fputc('\n', out);
}

/* FRAME_HEAD lines; the caller's to free. */
char *frame_head(const struct frame *frame, const struct frame *before)
{
	const struct state *state = &frame->state;
	char bytes[HUMAN_SIZE], synced[HUMAN_SIZE], pool[HUMAN_SIZE];
	size_t size;
	char *lines;
	FILE *out = lines_open(&lines, &size);

	fprintf(out, "vbm top: %lld buffers, %s; %lld imports, %lld parked; %lld mappings; pool %s\n",
		state_stat(state, "buffers"),
		human(state_stat(state, "bytes"), bytes),
		state_stat(state, "imports"), state_stat(state, "parked"),
		state_stat(state, "mappings"),
		human(state_stat(state, "pool_bytes"), pool));
	fprintf(out, "Per second: %.1f maps, %.1f again; %.1f imports, %.1f again\n",
		frame_rate(frame, before, "maps"),
		frame_rate(frame, before, "maps_cached"),
		frame_rate(frame, before, "import_maps"),
		frame_rate(frame, before, "import_maps_cached"));
	fprintf(out, "            %.1f syncs, %s; %.1f moves, %.1f refused; %.1f failures\n",
		frame_rate(frame, before, "syncs_cpu") +
		frame_rate(frame, before, "syncs_device"),
		human(frame_rate(frame, before, "bytes_synced"), synced),
		frame_rate(frame, before, "moves"),
		frame_sum_rate(frame, before, "moves_refused_"),
		frame_sum_rate(frame, before, "fail_"));
	head_failure(out, state);
	fputc('\n', out);
	fclose(out);
	return lines;
}

/* qsort() has no argument for it. */
static const struct view *sort_view;

static int buffer_compare(const void *a, const void *b)
{
	const struct buffer *x = a, *y = b;
	int order = 0;

	switch (sort_view->order) {
	case ORDER_SIZE:
		order = (y->size > x->size) - (y->size < x->size);
		break;
	case ORDER_DEVICE:
		order = strcmp(x->dev, y->dev);
		break;
	case ORDER_MOVES:
		order = (int)(y->kind == KIND_IMPORT ? 0 : y->moves) -
			(int)(x->kind == KIND_IMPORT ? 0 : x->moves);
		break;
	default:
		break;
	}
	if (!order)
		order = (x->id > y->id) - (x->id < y->id);
	return sort_view->reverse ? -order : order;
}

static void rows_failures(FILE *out, const struct state *state)
{
	unsigned int i;

	fprintf(out, "%8s %5s %-8s %-16s %-10s %-10s %5s %-12s %s\n", "AGO",
		"TIMES", "TASK", "DEVICE", "ERROR", "REASON", "BUF", "LACKS",
		"WHY");
	for (i = state->nr_failures; i-- > 0; ) {
		const struct failure *f = &state->failures[i];

		fprintf(out, "%7.0fs %5u %-8s %-16s %-10s %-10s %5u %-12s %s%s%s\n",
			state->uptime ? state->uptime - f->at : f->at, f->times,
			f->task, f->dev ? f->dev : "-",
			strerrorname_np(f->error) ?: "?", f->reason, f->buf,
			f->lacks ? f->lacks : "-", f->why ? f->why : "-",
			f->frozen ? ":" : "", f->frozen ? f->frozen : "");
	}
}

/* The table, sorted; the caller's to free. */
char *frame_rows(struct frame *frame, const struct view *view)
{
	struct state *state = &frame->state;
	char *lines, line[512];
	unsigned int i;
	size_t size;
	FILE *out = lines_open(&lines, &size);

	if (view->failures) {
		rows_failures(out, state);
		fclose(out);
		return lines;
	}
	sort_view = view;
	if (state->nr_buffers)
		qsort(state->buffers, state->nr_buffers,
		      sizeof(*state->buffers), buffer_compare);
	table_head(line, sizeof(line));
	fprintf(out, "%s\n", line);
	for (i = 0; i < state->nr_buffers; i++) {
		const struct buffer *buf = &state->buffers[i];

		if (view->hide_parked && buf->kind == KIND_IMPORT &&
		    buf->parked)
			continue;
		table_line(buf, line, sizeof(line));
		fprintf(out, "%s\n", line);
	}
	fclose(out);
	return lines;
}

struct json_object *frame_json(const struct frame *frame,
			       const struct frame *before)
{
	struct json_object *root = json_state(&frame->state);
	struct json_object *rates = json_object_new_object();
	unsigned int i;

	for (i = 0; i < frame->state.nr_stats; i++) {
		const char *name = frame->state.stats[i].name;
		double rate = frame_rate(frame, before, name);

		json_object_object_add(rates, name,
				       json_object_new_double(rate));
	}
	json_object_object_add(root, "per_second", rates);
	return root;
}
