// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of /sys/kernel/debug/videobuf2-mem/, parsed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "file.h"
#include "state.h"
#include "vbm.h"

const char *const kind_names[] = { "mmap", "userptr", "import" };

/* The part behind the last colon, cut off: names of devices may have colons. */
static char *cut_last(const struct fields *f, char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		fields_bad(f, "too few parts", text);
	*colon = '\0';
	return colon + 1;
}

/* name[:rest...] as it stands before the first colon; the rest, or NULL. */
static char *cut_first(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static void parse_mappings(struct buffer *buf, const struct fields *f)
{
	char *list = field_text(f, "mappings"), *item, *save;
	struct mapping map;

	if (!strcmp(list, "-"))
		return;
	for (item = strtok_r(list, ",", &save); item;
	     item = strtok_r(NULL, ",", &save)) {
		map = (struct mapping) {};
		map.sync = !strcmp(cut_last(f, item), "sync");
		map.users = number_in(f, cut_last(f, item), 10);
		map.dir = cut_last(f, item);
		map.dev = item;
		buf->mappings = array_add(buf->mappings, buf->nr_mappings,
					  sizeof(map));
		buf->mappings[buf->nr_mappings++] = map;
	}
}

static void parse_bounced(struct buffer *buf, const struct fields *f)
{
	char *list = field_text(f, "bounced"), *item, *dir, *save;
	unsigned int i;

	if (!strcmp(list, "-"))
		return;
	for (item = strtok_r(list, ",", &save); item;
	     item = strtok_r(NULL, ",", &save)) {
		dir = cut_last(f, item);
		for (i = 0; i < buf->nr_mappings; i++)
			if (!strcmp(buf->mappings[i].dev, item) &&
			    !strcmp(buf->mappings[i].dir, dir))
				buf->mappings[i].bounced = true;
	}
}

static void parse_attached(struct buffer *buf, const struct fields *f)
{
	char *list = field_text(f, "attached"), *item, *save;

	if (!strcmp(list, "-"))
		return;
	for (item = strtok_r(list, ",", &save); item;
	     item = strtok_r(NULL, ",", &save)) {
		buf->attached = array_add(buf->attached, buf->nr_attached,
					  sizeof(item));
		buf->attached[buf->nr_attached++] = item;
	}
}

static void parse_demand(struct buffer *buf, const struct fields *f)
{
	char *list = field_text(f, "demand"), *item, *value, *save;
	struct requirement req;

	if (!strcmp(list, "-"))
		return;
	for (item = strtok_r(list, ",", &save); item;
	     item = strtok_r(NULL, ",", &save)) {
		value = cut_first(item);
		req.what = item;
		req.by = value ? cut_first(value) : NULL;
		if (!req.by)
			fields_bad(f, "no requirement", item);
		req.value = number_in(f, value, 16);
		buf->demand = array_add(buf->demand, buf->nr_demand,
					sizeof(req));
		buf->demand[buf->nr_demand++] = req;
	}
}

static void parse_storage(struct buffer *buf, const struct fields *f)
{
	char *one = field_text(f, "one");

	buf->backing = field_text(f, "backing");
	buf->extents = field_number(f, "extents");
	if (field_has(f, "region"))
		buf->region = field_text(f, "region");
	buf->shaped = field_has(f, "pieces");
	if (buf->shaped) {
		buf->pieces = field_number(f, "pieces");
		buf->longest = field_number(f, "longest");
		buf->last = field_hex(f, "last");
	}
	buf->users = field_number(f, "users");
	buf->meta = field_number(f, "meta");
	buf->state = field_text(f, "state");
	parse_mappings(buf, f);
	parse_bounced(buf, f);
	parse_attached(buf, f);
	parse_demand(buf, f);
	buf->one_by = cut_first(one);
	buf->one = one;
	buf->chunk = field_number(f, "chunk");
	buf->frozen = field_word(f, "frozen");
	buf->moves = field_number(f, "moves");
	buf->owned = field_flag(f, "owned");
	buf->managed = field_flag(f, "managed");
}

static void parse_import(struct buffer *buf, const struct fields *f)
{
	buf->exporter = field_text(f, "exporter");
	buf->ours = field_flag(f, "ours");
	buf->segments = field_number(f, "segments");
	buf->dir = field_text(f, "dir");
	buf->sync = field_word(f, "sync");
	buf->vmap = field_flag(f, "vmap");
	buf->parked = field_flag(f, "parked");
	buf->of = field_number(f, "of");
	buf->ino = field_number(f, "ino");
}

static void parse_buffer(struct state *state, const struct fields *f)
{
	struct buffer buf = { .id = field_number(f, "buf") };
	const char *kind = field_text(f, "kind");

	while (strcmp(kind_names[buf.kind], kind))
		if (++buf.kind > KIND_IMPORT)
			fields_bad(f, "no kind of buffer", kind);
	buf.dev = field_text(f, "dev");
	buf.size = field_number(f, "size");
	if (buf.kind == KIND_IMPORT)
		parse_import(&buf, f);
	else
		parse_storage(&buf, f);
	state->buffers = array_add(state->buffers, state->nr_buffers,
				   sizeof(buf));
	state->buffers[state->nr_buffers++] = buf;
}

static void parse_device(struct state *state, const struct fields *f)
{
	struct device dev = {
		.name = field_text(f, "dev"),
		.address = field_hex(f, "address"),
		.segments = field_hex(f, "segments"),
		.segment_size = field_hex(f, "segment-size"),
		.boundary = field_hex(f, "boundary"),
		.align = field_hex(f, "align"),
		.pages = field_flag(f, "pages"),
		.chunk = field_number(f, "chunk"),
		.translated = field_flag(f, "translated"),
		.direct = field_flag(f, "direct"),
		.bound = field_flag(f, "bound"),
		.refusals = field_number(f, "refusals"),
		.one = field_flag(f, "one"),
	};

	if (dev.segments >= UINT_MAX)
		dev.segments = NO_LIMIT;
	state->devices = array_add(state->devices, state->nr_devices,
				   sizeof(dev));
	state->devices[state->nr_devices++] = dev;
}

static double parse_seconds(const struct fields *f, const char *key)
{
	char *value = field_text(f, key), *end;
	double seconds = strtod(value, &end);

	if (end == value || *end)
		fields_bad(f, "no time", value);
	return seconds;
}

static void parse_failure(struct state *state, const struct fields *f)
{
	struct failure failure = {
		.at = parse_seconds(f, "at"),
		.times = field_number(f, "times"),
		.task = field_text(f, "task"),
		.dev = field_word(f, "dev"),
		.size = field_number(f, "size"),
		.error = -field_int(f, "error"),
		.reason = field_text(f, "reason"),
		.exporter = field_word(f, "exporter"),
		.buf = field_number(f, "buf"),
		.owner = field_word(f, "owner"),
		.lacks = field_word(f, "lacks"),
		.why = field_word(f, "why"),
		.frozen = field_word(f, "frozen"),
		.by = field_word(f, "by"),
	};

	state->failures = array_add(state->failures, state->nr_failures,
				    sizeof(failure));
	state->failures[state->nr_failures++] = failure;
}

/* The text of a file. The module can go at any time, and its files with it. */
static char *state_file(const char *name)
{
	char *data = file_read(name);

	if (data)
		return data;
	if (errno != ENOENT)
		file_refused(name, errno);
	if (!file_exists(VBM_DEBUGFS))
		die(EXIT_GONE, "videobuf2-mem has been unloaded");
	die(EXIT_DAMAGED,
	    "%s%s: not there: videobuf2-mem is of another version than vbm",
	    sysroot, name);
}

/* The lines of a file, each given to @parse. Returns its text. */
static char *parse_file(struct state *state, const char *name,
			void (*parse)(struct state *state,
				      const struct fields *f))
{
	struct fields fields = { .file = name };
	char *data = state_file(name), *at = data;

	while (fields_next(&fields, &at))
		parse(state, &fields);
	return data;
}

static char *parse_stats(struct state *state)
{
	struct fields fields = { .file = VBM_DEBUGFS "/stats" };
	char *data = state_file(fields.file), *at, *end, *value, *stop;
	struct stat_line stat;

	for (at = data; *at; at = end + 1) {
		fields.line++;
		end = strchr(at, '\n');
		if (!end)
			fields_bad(&fields, "the line has no end", "truncated");
		*end = '\0';
		value = strchr(at, ' ');
		if (!value)
			fields_bad(&fields, "no counter", at);
		*value++ = '\0';
		stat.name = at;
		stat.value = strtoll(value, &stop, 10);
		if (stop == value || *stop)
			fields_bad(&fields, "no number", value);
		state->stats = array_add(state->stats, state->nr_stats,
					 sizeof(stat));
		state->stats[state->nr_stats++] = stat;
	}
	if (!state->nr_stats)
		die(EXIT_DAMAGED, "%s%s: empty", sysroot, fields.file);
	return data;
}

/* Seconds since boot; 0 where that is not known. */
double uptime_read(void)
{
	char *line = file_line("/proc/uptime");
	double seconds = line ? strtod(line, NULL) : 0;

	free(line);
	return seconds;
}

/**
 * state_ours() - does the core of this project run?
 *
 * Return: false if not; does not return if that can not be told.
 */
bool state_ours(void)
{
	if (file_exists(VBM_DEBUGFS))
		return true;
	/* What is hidden from the user may well be there. */
	if (errno == EACCES)
		file_refused(VBM_DEBUGFS, errno);
	if (!file_exists("/sys/module/videobuf2_mem"))
		return false;
	die(EXIT_ACCESS,
	    "%s%s: not there, though videobuf2-mem is loaded: is debugfs mounted? (mount -t debugfs none /sys/kernel/debug)",
	    sysroot, VBM_DEBUGFS);
}

void state_read(struct state *state, unsigned int what)
{
	*state = (struct state) { .uptime = uptime_read() };
	if (what & STATE_BUFFERS)
		state->texts[0] = parse_file(state, VBM_DEBUGFS "/buffers",
					     parse_buffer);
	if (what & STATE_DEVICES)
		state->texts[1] = parse_file(state, VBM_DEBUGFS "/devices",
					     parse_device);
	if (what & STATE_FAILURES)
		state->texts[2] = parse_file(state, VBM_DEBUGFS "/failures",
					     parse_failure);
	if (what & STATE_STATS)
		state->texts[3] = parse_stats(state);
}

void state_free(struct state *state)
{
	unsigned int i;

	for (i = 0; i < state->nr_buffers; i++) {
		if (state->buffers[i].kind == KIND_IMPORT)
			continue;
		free(state->buffers[i].mappings);
		free(state->buffers[i].demand);
		free(state->buffers[i].attached);
	}
	free(state->buffers);
	free(state->devices);
	free(state->failures);
	free(state->stats);
	for (i = 0; i < sizeof(state->texts) / sizeof(state->texts[0]); i++)
		free(state->texts[i]);
}

const struct buffer *state_buffer(const struct state *state, unsigned long id)
{
	unsigned int i;

	for (i = 0; i < state->nr_buffers; i++)
		if (state->buffers[i].id == id)
			return &state->buffers[i];
	return NULL;
}

const struct device *state_device(const struct state *state, const char *name)
{
	unsigned int i;

	for (i = 0; i < state->nr_devices; i++)
		if (!strcmp(state->devices[i].name, name))
			return &state->devices[i];
	return NULL;
}

/* Is a device mentioned anywhere? One whose driver has gone is no device. */
bool state_mentions(const struct state *state, const char *name)
{
	unsigned int i;

	for (i = 0; i < state->nr_buffers; i++)
		if (!strcmp(state->buffers[i].dev, name))
			return true;
	for (i = 0; i < state->nr_failures; i++)
		if (state->failures[i].dev &&
		    !strcmp(state->failures[i].dev, name))
			return true;
	return state_device(state, name);
}

/* 0 where the kernel has no such counter. */
long long state_stat(const struct state *state, const char *name)
{
	unsigned int i;

	for (i = 0; i < state->nr_stats; i++)
		if (!strcmp(state->stats[i].name, name))
			return state->stats[i].value;
	return 0;
}
