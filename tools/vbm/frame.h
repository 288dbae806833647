/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vbm top shows at a moment, as lines of text: on a terminal, or not.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>

#include "state.h"

enum order {
	ORDER_NUMBER,
	ORDER_SIZE,
	ORDER_DEVICE,
	ORDER_MOVES,
	NR_ORDERS
};

extern const char *const order_names[NR_ORDERS];

/**
 * struct view - what the user has chosen to see
 * @order: of the buffers
 * @reverse: the other way round
 * @hide_parked: no imports that are only kept for later
 * @failures: those, in place of the buffers
 */
struct view {
	enum order order;
	bool reverse;
	bool hide_parked;
	bool failures;
};

/**
 * struct frame - a moment
 * @state: what there was
 * @when: seconds of a clock that never jumps
 */
struct frame {
	struct state state;
	double when;
};

#define FRAME_HEAD 5

void frame_read(struct frame *frame);
double frame_rate(const struct frame *frame, const struct frame *before,
		  const char *stat);
double frame_sum_rate(const struct frame *frame, const struct frame *before,
		      const char *prefix);
char *frame_head(const struct frame *frame, const struct frame *before);
char *frame_rows(struct frame *frame, const struct view *view);

struct json_object *frame_json(const struct frame *frame,
			       const struct frame *before);

#endif
