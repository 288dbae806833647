// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm graph: the picture of sharing (picture.c), drawn by Graphviz.
 */

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <graphviz/gvc.h>
#include <json-c/json.h>

#include "bufinfo.h"
#include "json.h"
#include "picture.h"
#include "state.h"
#include "vbm.h"

struct graph_options {
	struct options common;
	const char *output;
	const char *format;
	bool each;
};

#define LEGEND "arrows go the way of the bytes; dashed: mapped, not in use\n" \
	"blue: in one piece, green: in pieces, yellow: of the DMA API, " \
	"violet: of a region, grey: of others, white: no memory yet\n" \
	"red: bounces, or was refused"

/* The suffix of a file as a format; NULL if it is none of these. */
static const char *graph_format(const char *output)
{
	static const char *const formats[] = { "svg", "png", "dot" };
	const char *dot = strrchr(output, '.');
	unsigned int i;

	for (i = 0; dot && i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(dot + 1, formats[i]))
			return formats[i];
	return NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct graph_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		return 0;
	case 'o':
		options->output = arg;
		options->format = graph_format(arg);
		if (!options->format)
			argp_error(state, "%s ends in none of .svg, .png, .dot",
				   arg);
		return 0;
	case 'e':
		options->each = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{ "output", 'o', "FILE", 0,
	  "where to, as SVG, PNG or Graphviz's language by its suffix (.svg, .png, .dot); without it the last, on standard output" },
	{ "each", 'e', NULL, 0, "a node for each buffer, also if they are alike" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Draws who shares which buffers with whom.",
	.children = (const struct argp_child[]) { { &common_argp }, {} },
};

static void set(void *object, const char *name, const char *value)
{
	agsafeset(object, (char *)name, (char *)value, "");
}

static void graph_node(Agraph_t *graph, const struct node *node)
{
	Agnode_t *n = agnode(graph, node->id, 1);
	bool device = !strcmp(node->kind, "device");

	set(n, "label", node->label);
	set(n, "shape", device ? "box" : "ellipse");
	set(n, "style", device ? "filled,bold" : "filled");
	set(n, "fillcolor", node->colour);
	set(n, "fontname", "sans-serif");
	set(n, "fontsize", "11");
}

static void graph_arrow(Agraph_t *graph, const struct arrow *arrow)
{
	Agedge_t *e = agedge(graph, agnode(graph, arrow->from, 0),
			     agnode(graph, arrow->to, 0), NULL, 1);

	set(e, "label", arrow->label);
	set(e, "dir", arrow->both ? "both" : "forward");
	set(e, "style", arrow->idle || !strcmp(arrow->kind, "refused") ?
			"dashed" : "solid");
	set(e, "color", arrow->red ? "red" : "black");
	set(e, "fontcolor", arrow->red ? "red" : "black");
	set(e, "fontname", "sans-serif");
	set(e, "fontsize", "9");
}

static Agraph_t *graph_make(const struct picture *picture)
{
	Agraph_t *graph = agopen((char *)"vbm", Agdirected, NULL);
	unsigned int i;

	set(graph, "rankdir", "LR");
	set(graph, "label", picture->nr_nodes ? LEGEND : "There are no buffers.");
	set(graph, "fontname", "sans-serif");
	set(graph, "fontsize", "9");
	for (i = 0; i < picture->nr_nodes; i++)
		graph_node(graph, &picture->nodes[i]);
	for (i = 0; i < picture->nr_arrows; i++)
		graph_arrow(graph, &picture->arrows[i]);
	return graph;
}

/* Graphviz's own messages go to standard error. */
static bool graph_render(Agraph_t *graph, const char *format, FILE *out)
{
	GVC_t *gvc = gvContext();
	bool ok;

	ok = !gvLayout(gvc, graph, "dot");
	if (ok) {
		ok = !gvRender(gvc, graph, format, out);
		gvFreeLayout(gvc, graph);
	}
	gvFreeContext(gvc);
	return ok;
}

static void graph_write(Agraph_t *graph, const struct graph_options *options)
{
	const char *name = options->output;
	FILE *out = name ? fopen(name, "w") : stdout;
	bool ok;

	if (!out)
		die(EXIT_OUTPUT, "%s: %s", name, strerror(errno));
	if (!name || !strcmp(options->format, "dot"))
		ok = !agwrite(graph, out);
	else
		ok = graph_render(graph, options->format, out);
	ok = !ferror(out) && ok;
	if (name)
		ok = !fclose(out) && ok;
	if (!ok) {
		if (name)
			unlink(name);
		die(EXIT_OUTPUT,
		    "%s: Graphviz can not write it (its plugins come with the package graphviz)",
		    name ? name : "standard output");
	}
}

static struct json_object *graph_json(const struct picture *picture)
{
	struct json_object *root = json_object_new_object(), *list, *one;
	unsigned int i;

	list = json_object_new_array();
	for (i = 0; i < picture->nr_nodes; i++) {
		const struct node *node = &picture->nodes[i];

		one = json_object_new_object();
		json_text(one, "id", node->id);
		json_text(one, "kind", node->kind);
		json_text(one, "label", node->label);
		json_object_array_add(list, one);
	}
	json_object_object_add(root, "nodes", list);
	list = json_object_new_array();
	for (i = 0; i < picture->nr_arrows; i++) {
		const struct arrow *arrow = &picture->arrows[i];

		one = json_object_new_object();
		json_text(one, "from", arrow->from);
		json_text(one, "to", arrow->to);
		json_text(one, "kind", arrow->kind);
		json_text(one, "dir", arrow->dir);
		json_text(one, "label", arrow->label);
		json_flag(one, "idle", arrow->idle);
		json_flag(one, "red", arrow->red);
		json_object_array_add(list, one);
	}
	json_object_object_add(root, "arrows", list);
	return root;
}

int cmd_graph(int argc, char **argv)
{
	struct graph_options options = {};
	struct picture picture;
	struct state state;
	Agraph_t *graph;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!state_ours())
		return bufinfo_show(&options.common);
	state_read(&state, STATE_BUFFERS | STATE_FAILURES);
	picture_make(&picture, &state, options.each);
	if (options.common.json) {
		json_print(graph_json(&picture));
	} else {
		graph = graph_make(&picture);
		graph_write(graph, &options);
		agclose(graph);
	}
	picture_free(&picture);
	state_free(&state);
	return 0;
}
