/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vbm graph draws, before it is drawn: nodes and arrows, as text.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>

struct state;

/**
 * struct node - a device, or buffers that are alike
 * @id: unique in the picture; ours, as the other strings
 * @kind: "device", "buffers", "dmabuf" or "exporter"
 * @label: lines of text
 * @colour: of the inside
 */
struct node {
	char *id;
	const char *kind;
	char *label;
	const char *colour;
};

/**
 * struct arrow - who does what with what
 * @from: a node's
 * @to: a node's
 * @kind: "own", "shared" or "refused"
 * @dir: direction of the DMA, or NULL
 * @label: text, ours
 * @both: it has two heads
 * @idle: mapped, but not in use
 * @red: it bounces, or was refused
 */
struct arrow {
	char *from;
	char *to;
	const char *kind;
	const char *dir;
	char *label;
	bool both;
	bool idle;
	bool red;
};

struct picture {
	struct node *nodes;
	unsigned int nr_nodes;
	struct arrow *arrows;
	unsigned int nr_arrows;
};

void picture_make(struct picture *picture, const struct state *state,
		  bool each);
void picture_free(struct picture *picture);

#endif
