// SPDX-License-Identifier: GPL-2.0-only
/*
 * The picture of sharing. Arrows go the way of the bytes: from a device to the
 * buffers that it writes, from buffers to the device that reads them. Buffers
 * of a device that are alike, and shared alike, are one node.
 */

#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "picture.h"
#include "state.h"
#include "vbm.h"

static struct node *node_find(struct picture *picture, const char *id)
{
	unsigned int i;

	for (i = 0; i < picture->nr_nodes; i++)
		if (!strcmp(picture->nodes[i].id, id))
			return &picture->nodes[i];
	return NULL;
}

static void node_add(struct picture *picture, const char *id, const char *kind,
		     char *label, const char *colour)
{
	picture->nodes = array_add(picture->nodes, picture->nr_nodes,
				   sizeof(*picture->nodes));
	picture->nodes[picture->nr_nodes++] = (struct node) {
		.id = text("%s", id),
		.kind = kind,
		.label = label,
		.colour = colour,
	};
}

/* The node of a device, made if need be; the caller's to free. */
static char *node_device(struct picture *picture, const char *dev)
{
	char *id = text("device %s", dev), *driver;

	if (node_find(picture, id))
		return id;
	driver = machine_driver(dev);
	node_add(picture, id, "device",
		 driver ? text("%s\n(%s)", dev, driver) : text("%s", dev),
		 "white");
	free(driver);
	return id;
}

static void arrow_add(struct picture *picture, const struct arrow *arrow)
{
	picture->arrows = array_add(picture->arrows, picture->nr_arrows,
				    sizeof(*picture->arrows));
	picture->arrows[picture->nr_arrows++] = *arrow;
}

/* Between a device and buffers, the way of the bytes. Takes the label. */
static void arrow_dma(struct picture *picture, const char *dev,
		      const char *buffers, const char *dir,
		      struct arrow arrow)
{
	char *device = node_device(picture, dev), *memory = text("%s", buffers);
	bool writes = strcmp(dir, "to");

	arrow.from = writes ? device : memory;
	arrow.to = writes ? memory : device;
	arrow.both = !strcmp(dir, "bidir");
	arrow.dir = dir;
	arrow_add(picture, &arrow);
}

static const char *colour_of(const struct buffer *buf)
{
	if (!strcmp(buf->backing, "none"))
		return "white";
	if (!strcmp(buf->backing, "region"))
		return "plum";
	if (!strcmp(buf->backing, "user"))
		return "wheat";
	if (!buf->shaped || !strcmp(buf->backing, "dma") ||
	    !strcmp(buf->backing, "noncontig"))
		return "khaki";
	return buf->pieces == 1 ? "lightblue" : "palegreen";
}

static const struct failure *refusal_of(const struct state *state,
					const struct buffer *buf,
					const struct failure *after)
{
	const struct failure *f = after ? after + 1 : state->failures;
	unsigned int i;

	for (; f < state->failures + state->nr_failures; f++) {
		if (f->buf != buf->id || !f->dev)
			continue;
		/* What it has got since is no refusal any more. */
		for (i = 0; i < buf->nr_mappings; i++)
			if (!strcmp(buf->mappings[i].dev, f->dev))
				break;
		if (i == buf->nr_mappings)
			return f;
	}
	return NULL;
}

/* Two buffers with the same key look alike. */
static char *buffer_key(const struct state *state, const struct buffer *buf,
			bool each)
{
	const struct failure *f = NULL;
	size_t size;
	unsigned int i;
	char *key;
	FILE *out = open_memstream(&key, &size);

	if (!out)
		die(EXIT_OUTPUT, "no memory");
	fprintf(out, "%s %llu %s %s %d", buf->dev,
		(unsigned long long)buf->size, buf->backing, colour_of(buf),
		each ? (int)buf->id : 0);
	for (i = 0; i < buf->nr_mappings; i++)
		fprintf(out, " %s:%s:%d", buf->mappings[i].dev,
			buf->mappings[i].dir, buf->mappings[i].bounced);
	while ((f = refusal_of(state, buf, f)))
		fprintf(out, " !%s %s %s", f->dev, f->lacks ? f->lacks : "",
			f->why ? f->why : "");
	fclose(out);
	return key;
}

/* The numbers of those that are alike: "3-7,9". */
static char *buffer_numbers(const struct state *state, char **keys,
			    unsigned int first, unsigned int *nr)
{
	unsigned int i, from = 0, last = 0;
	size_t size;
	char *said;
	FILE *out = open_memstream(&said, &size);

	if (!out)
		die(EXIT_OUTPUT, "no memory");
	*nr = 0;
	for (i = first; i < state->nr_buffers; i++) {
		unsigned int id = state->buffers[i].id;

		if (!keys[i] || strcmp(keys[i], keys[first]))
			continue;
		if (*nr && id == last + 1) {
			last = id;
		} else {
			if (*nr && last > from)
				fprintf(out, "-%u", last);
			fprintf(out, "%s%u", *nr ? "," : "", id);
			from = id;
			last = id;
		}
		(*nr)++;
	}
	if (last > from)
		fprintf(out, "-%u", last);
	fclose(out);
	return said;
}

/* Is a mapping in use, of any of those that are alike? */
static bool mapping_idle(const struct state *state, char **keys,
			 unsigned int first, unsigned int map)
{
	unsigned int i;

	for (i = first; i < state->nr_buffers; i++)
		if (keys[i] && !strcmp(keys[i], keys[first]) &&
		    state->buffers[i].mappings[map].users)
			return false;
	return true;
}

static void picture_refusals(struct picture *picture, const struct state *state,
			     const struct buffer *buf, const char *id)
{
	const struct failure *f = NULL;
	struct arrow arrow;

	while ((f = refusal_of(state, buf, f))) {
		arrow = (struct arrow) {
			.from = text("%s", id),
			.to = node_device(picture, f->dev),
			.kind = "refused",
			.red = true,
			.label = f->lacks ?
				 text("refused: %s\n%s", f->lacks,
				      f->frozen ? f->frozen :
				      f->why ? f->why : f->by ? f->by : "") :
				 text("refused: %s", f->reason),
		};
		arrow_add(picture, &arrow);
	}
}

static void picture_buffers(struct picture *picture, const struct state *state,
			    char **keys, unsigned int first)
{
	const struct buffer *buf = &state->buffers[first];
	char size[HUMAN_SIZE], *id, *numbers;
	const struct mapping *map;
	unsigned int nr, i;

	numbers = buffer_numbers(state, keys, first, &nr);
	id = text("buffer %s", numbers);
	node_add(picture, id, "buffers",
		 text("%u buffer%s of %s\n#%s\n%s%s", nr, nr == 1 ? "" : "s",
		      human(buf->size, size), numbers, buf->backing,
		      !buf->shaped ? "" : buf->pieces == 1 ? ", one piece" :
		      ", in pieces"), colour_of(buf));
	if (!buf->nr_mappings)
		arrow_dma(picture, buf->dev, id, "from",
			  (struct arrow) { .kind = "own", .idle = true,
					   .label = text("%s", "") });
	for (i = 0; i < buf->nr_mappings; i++) {
		map = &buf->mappings[i];
		arrow_dma(picture, map->dev, id, map->dir, (struct arrow) {
			.kind = i ? "shared" : "own",
			.idle = mapping_idle(state, keys, first, i),
			.red = map->bounced,
			.label = text("%s", map->bounced ? "bounces" :
					    i ? "imports" : "owns"),
		});
	}
	picture_refusals(picture, state, buf, id);
	free(numbers);
	free(id);
}

/* dma-bufs of others: known by their inodes. */
static void picture_foreign(struct picture *picture, const struct buffer *buf)
{
	char size[HUMAN_SIZE], *id;

	id = text("dmabuf %llu", (unsigned long long)buf->ino);
	if (!node_find(picture, id))
		node_add(picture, id, "dmabuf",
			 text("dma-buf of %s\n%s", buf->exporter,
			      human(buf->size, size)), "lightgrey");
	arrow_dma(picture, buf->dev, id, buf->dir, (struct arrow) {
		.kind = "shared",
		.idle = buf->parked,
		.label = text("imports%s", buf->sync ? ", synced" : ""),
	});
	free(id);
}

/* Imports that failed: from whom, is all that is known. */
static void picture_failures(struct picture *picture,
			     const struct state *state)
{
	struct arrow arrow;
	unsigned int i;
	char *id;

	for (i = 0; i < state->nr_failures; i++) {
		const struct failure *f = &state->failures[i];

		if (!f->dev || !f->exporter ||
		    !strcmp(f->exporter, "videobuf2_mem"))
			continue;
		id = text("exporter %s", f->exporter);
		if (!node_find(picture, id))
			node_add(picture, id, "exporter",
				 text("%s", f->exporter), "lightgrey");
		arrow = (struct arrow) {
			.from = id,
			.to = node_device(picture, f->dev),
			.kind = "refused",
			.red = true,
			.label = text("refused: %s", f->reason),
		};
		arrow_add(picture, &arrow);
	}
}

void picture_make(struct picture *picture, const struct state *state,
		  bool each)
{
	char **keys = calloc(state->nr_buffers + 1, sizeof(*keys));
	unsigned int i, k;

	if (!keys)
		die(EXIT_OUTPUT, "no memory");
	*picture = (struct picture) {};
	for (i = 0; i < state->nr_buffers; i++)
		if (state->buffers[i].kind != KIND_IMPORT)
			keys[i] = buffer_key(state, &state->buffers[i], each);
	for (i = 0; i < state->nr_buffers; i++) {
		if (!keys[i]) {
			if (!state->buffers[i].of)
				picture_foreign(picture, &state->buffers[i]);
			continue;
		}
		for (k = 0; k < i; k++)
			if (keys[k] && !strcmp(keys[k], keys[i]))
				break;
		if (k == i)
			picture_buffers(picture, state, keys, i);
	}
	picture_failures(picture, state);
	for (i = 0; i < state->nr_buffers; i++)
		free(keys[i]);
	free(keys);
}

void picture_free(struct picture *picture)
{
	unsigned int i;

	for (i = 0; i < picture->nr_nodes; i++) {
		free(picture->nodes[i].id);
		free(picture->nodes[i].label);
	}
	for (i = 0; i < picture->nr_arrows; i++) {
		free(picture->arrows[i].from);
		free(picture->arrows[i].to);
		free(picture->arrows[i].label);
	}
	free(picture->nodes);
	free(picture->arrows);
}
