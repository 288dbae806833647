/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>

struct bufinfo;
struct buffer;
struct device;
struct failure;
struct json_object;
struct state;

void json_number(struct json_object *to, const char *key, uint64_t value);
void json_limit(struct json_object *to, const char *key, uint64_t value);
void json_text(struct json_object *to, const char *key, const char *value);
void json_append(struct json_object *array, const char *value);
void json_flag(struct json_object *to, const char *key, bool value);
void json_print(struct json_object *root);

struct json_object *json_buffer(const struct buffer *buf);
struct json_object *json_device(const struct device *dev);
struct json_object *json_failure(const struct failure *failure);
struct json_object *json_state(const struct state *state);
struct json_object *bufinfo_json(const struct bufinfo *info);

#endif
