// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm show: all that is known of a buffer.
 */

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "bufinfo.h"
#include "json.h"
#include "state.h"
#include "vbm.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = options;
		return 0;
	case ARGP_KEY_ARG:
		if (!*arg || arg[strspn(arg, "0123456789")])
			argp_error(state, "%s is no number of a buffer", arg);
		options->args = array_add(options->args, options->nr_args,
					  sizeof(arg));
		options->args[options->nr_args++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name a buffer");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "BUFFER...",
	.doc = "Shows all that is known of buffers and imports, named by number.",
	.children = (const struct argp_child[]) { { &common_argp }, {} },
};

static void row(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void row(const char *name, const char *format, ...)
{
	va_list args;

	printf("  %-10s ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void show_demand(const struct buffer *buf)
{
	const char *name = "demand";
	unsigned int i;

	for (i = 0; i < buf->nr_demand; i++) {
		row(name, "%-12s 0x%-16llx by %s", buf->demand[i].what,
		    (unsigned long long)buf->demand[i].value,
		    buf->demand[i].by);
		name = "";
	}
	if (!buf->nr_demand)
		row(name, "nothing");
	row("one piece", "%s%s%s", buf->one, buf->one_by ? " by " : "",
	    buf->one_by ? buf->one_by : "");
}

static void show_mappings(const struct buffer *buf)
{
	const char *name = "mappings";
	unsigned int i;

	for (i = 0; i < buf->nr_mappings; i++) {
		const struct mapping *map = &buf->mappings[i];

		row(name, "%-16s %-5s %u in use%s", map->dev, map->dir,
		    map->users, map->bounced ? ", bounced" :
				map->sync ? ", synced" : "");
		name = "";
	}
	if (!buf->nr_mappings)
		row(name, "none");
	name = "attached";
	for (i = 0; i < buf->nr_attached; i++) {
		row(name, "%s", buf->attached[i]);
		name = "";
	}
}

static void show_storage(const struct state *state, const struct buffer *buf)
{
	char longest[HUMAN_SIZE], meta[HUMAN_SIZE];
	const char *name = "imported";
	unsigned int i;

	row("state", "%s%s%s, %u user%s", buf->state,
	    buf->owned ? ", owned by its driver" : "",
	    buf->managed ? ", managed" : "", buf->users,
	    buf->users == 1 ? "" : "s");
	row("backing", "%s%s%s, %u extent%s", buf->backing,
	    buf->region ? " " : "", buf->region ? buf->region : "",
	    buf->extents, buf->extents == 1 ? "" : "s");
	if (buf->shaped)
		row("", "%u piece%s, the longest of %s, last byte at 0x%llx",
		    buf->pieces, buf->pieces == 1 ? "" : "s",
		    human(buf->longest, longest),
		    (unsigned long long)buf->last);
	row("metadata", "%s", human(buf->meta, meta));
	show_demand(buf);
	show_mappings(buf);
	for (i = 0; i < state->nr_buffers; i++) {
		const struct buffer *imp = &state->buffers[i];

		if (imp->kind != KIND_IMPORT || imp->of != buf->id)
			continue;
		row(name, "as %u by %s (%s)%s", imp->id, imp->dev, imp->dir,
		    imp->parked ? ", parked" : "");
		name = "";
	}
	row("frozen", "%s", buf->frozen ? buf->frozen : "no");
	row("moves", "%u", buf->moves);
}

static void show_import(const struct buffer *buf)
{
	row("exporter", "%s", buf->exporter);
	if (buf->of)
		row("is buffer", "%u", buf->of);
	row("inode", "%llu", (unsigned long long)buf->ino);
	row("mapping", "%s, %u segment%s%s", buf->dir, buf->segments,
	    buf->segments == 1 ? "" : "s", buf->sync ? ", synced" : "");
	row("state", "%s%s", buf->parked ? "parked" : "used",
	    buf->vmap ? ", has a kernel address" : "");
}

static void show_buffer(const struct state *state, const struct buffer *buf)
{
	char size[HUMAN_SIZE];

	printf("%s %u\n", buf->kind == KIND_IMPORT ? "Import" : "Buffer",
	       buf->id);
	row("device", "%s", buf->dev);
	row("kind", "%s", kind_names[buf->kind]);
	row("size", "%s (%llu)", human(buf->size, size),
	    (unsigned long long)buf->size);
	if (buf->kind == KIND_IMPORT)
		show_import(buf);
	else
		show_storage(state, buf);
}

int cmd_show(int argc, char **argv)
{
	struct json_object *list;
	struct options options = {};
	const struct buffer *buf;
	struct state state;
	int i, code = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!state_ours()) {
		free(options.args);
		return bufinfo_show(&options);
	}
	state_read(&state, STATE_BUFFERS);
	list = json_object_new_array();
	for (i = 0; i < options.nr_args; i++) {
		buf = state_buffer(&state, strtoul(options.args[i], NULL, 10));
		if (!buf) {
			note("there is no buffer %s, or no longer (vbm list)",
			     options.args[i]);
			code = EXIT_GONE;
		} else if (options.json) {
			json_object_array_add(list, json_buffer(buf));
		} else {
			show_buffer(&state, buf);
		}
	}
	if (options.json)
		json_print(list);
	else
		json_object_put(list);
	state_free(&state);
	free(options.args);
	return code;
}
