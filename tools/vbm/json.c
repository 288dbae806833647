// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot as JSON: the names of debugfs, numbers as numbers, null for what
 * there is not.
 */

#include <json-c/json.h>

#include "json.h"
#include "state.h"
#include "vbm.h"

void json_number(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

void json_limit(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, value == NO_LIMIT ? NULL :
			       json_object_new_uint64(value));
}

void json_text(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, value ? json_object_new_string(value) :
						NULL);
}

void json_append(struct json_object *array, const char *value)
{
	json_object_array_add(array, json_object_new_string(value));
}

void json_flag(struct json_object *to, const char *key, bool value)
{
	json_object_object_add(to, key, json_object_new_boolean(value));
}

/* Prints it, and gives it back. */
void json_print(struct json_object *root)
{
	puts(json_object_to_json_string_ext(root,
					    JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

static struct json_object *json_mappings(const struct buffer *buf)
{
	struct json_object *list = json_object_new_array(), *one;
	unsigned int i;

	for (i = 0; i < buf->nr_mappings; i++) {
		one = json_object_new_object();
		json_text(one, "dev", buf->mappings[i].dev);
		json_text(one, "dir", buf->mappings[i].dir);
		json_number(one, "users", buf->mappings[i].users);
		json_flag(one, "sync", buf->mappings[i].sync);
		json_flag(one, "bounced", buf->mappings[i].bounced);
		json_object_array_add(list, one);
	}
	return list;
}

static struct json_object *json_demand(const struct buffer *buf)
{
	struct json_object *list = json_object_new_array(), *one;
	unsigned int i;

	for (i = 0; i < buf->nr_demand; i++) {
		one = json_object_new_object();
		json_text(one, "requirement", buf->demand[i].what);
		json_number(one, "value", buf->demand[i].value);
		json_text(one, "by", buf->demand[i].by);
		json_object_array_add(list, one);
	}
	return list;
}

static void json_storage(struct json_object *to, const struct buffer *buf)
{
	struct json_object *attached = json_object_new_array();
	unsigned int i;

	json_text(to, "backing", buf->backing);
	json_number(to, "extents", buf->extents);
	json_text(to, "region", buf->region);
	json_limit(to, "pieces", buf->shaped ? buf->pieces : NO_LIMIT);
	json_limit(to, "longest", buf->shaped ? buf->longest : NO_LIMIT);
	json_limit(to, "last", buf->shaped ? buf->last : NO_LIMIT);
	json_number(to, "users", buf->users);
	json_number(to, "meta", buf->meta);
	json_text(to, "state", buf->state);
	json_object_object_add(to, "mappings", json_mappings(buf));
	for (i = 0; i < buf->nr_attached; i++)
		json_append(attached, buf->attached[i]);
	json_object_object_add(to, "attached", attached);
	json_object_object_add(to, "demand", json_demand(buf));
	json_text(to, "one", buf->one);
	json_text(to, "one_by", buf->one_by);
	json_number(to, "chunk", buf->chunk);
	json_text(to, "frozen", buf->frozen);
	json_number(to, "moves", buf->moves);
	json_flag(to, "owned", buf->owned);
	json_flag(to, "managed", buf->managed);
}

struct json_object *json_buffer(const struct buffer *buf)
{
	struct json_object *to = json_object_new_object();

	json_number(to, "buf", buf->id);
	json_text(to, "kind", kind_names[buf->kind]);
	json_text(to, "dev", buf->dev);
	json_number(to, "size", buf->size);
	if (buf->kind != KIND_IMPORT) {
		json_storage(to, buf);
		return to;
	}
	json_text(to, "exporter", buf->exporter);
	json_flag(to, "ours", buf->ours);
	json_limit(to, "of", buf->of ? buf->of : NO_LIMIT);
	json_number(to, "inode", buf->ino);
	json_number(to, "segments", buf->segments);
	json_text(to, "dir", buf->dir);
	json_flag(to, "sync", buf->sync);
	json_flag(to, "vmap", buf->vmap);
	json_flag(to, "parked", buf->parked);
	return to;
}

struct json_object *json_device(const struct device *dev)
{
	struct json_object *to = json_object_new_object();

	json_text(to, "dev", dev->name);
	json_limit(to, "address", dev->address);
	json_limit(to, "segments", dev->segments);
	json_number(to, "segment_size", dev->segment_size);
	json_limit(to, "boundary", dev->boundary);
	json_number(to, "align", dev->align);
	json_flag(to, "pages", dev->pages);
	json_number(to, "chunk", dev->chunk);
	json_flag(to, "translated", dev->translated);
	json_flag(to, "direct", dev->direct);
	json_flag(to, "bound", dev->bound);
	json_number(to, "refusals", dev->refusals);
	json_flag(to, "one", dev->one);
	return to;
}

struct json_object *json_failure(const struct failure *failure)
{
	struct json_object *to = json_object_new_object();

	json_object_object_add(to, "at", json_object_new_double(failure->at));
	json_number(to, "times", failure->times);
	json_text(to, "task", failure->task);
	json_text(to, "dev", failure->dev);
	json_number(to, "size", failure->size);
	json_number(to, "errno", failure->error);
	json_text(to, "reason", failure->reason);
	json_text(to, "exporter", failure->exporter);
	json_limit(to, "buf", failure->buf ? failure->buf : NO_LIMIT);
	json_text(to, "owner", failure->owner);
	json_text(to, "lacks", failure->lacks);
	json_text(to, "why", failure->why);
	json_text(to, "frozen", failure->frozen);
	json_text(to, "by", failure->by);
	return to;
}

static struct json_object *json_stats(const struct state *state)
{
	struct json_object *to = json_object_new_object();
	struct json_object *value;
	unsigned int i;

	for (i = 0; i < state->nr_stats; i++) {
		value = json_object_new_int64(state->stats[i].value);
		json_object_object_add(to, state->stats[i].name, value);
	}
	return to;
}

struct json_object *json_state(const struct state *state)
{
	struct json_object *root = json_object_new_object(), *list;
	unsigned int i;

	json_text(root, "backend", "videobuf2-mem");
	list = json_object_new_array();
	for (i = 0; i < state->nr_buffers; i++)
		json_object_array_add(list, json_buffer(&state->buffers[i]));
	json_object_object_add(root, "buffers", list);
	list = json_object_new_array();
	for (i = 0; i < state->nr_devices; i++)
		json_object_array_add(list, json_device(&state->devices[i]));
	json_object_object_add(root, "devices", list);
	list = json_object_new_array();
	for (i = 0; i < state->nr_failures; i++)
		json_object_array_add(list, json_failure(&state->failures[i]));
	json_object_object_add(root, "failures", list);
	json_object_object_add(root, "stats", json_stats(state));
	return root;
}
