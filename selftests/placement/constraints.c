// SPDX-License-Identifier: GPL-2.0
/*
 * vbm-constraints.c as a program: a case a line, an answer a line. model.py
 * makes the cases, and knows the answers; see question() and answer() there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vbm-constraints.h"

#define RUNS	16
#define DEVICES	4

struct run {
	u64 phys;
	u64 len;
};

struct memory {
	struct run runs[RUNS];
	unsigned int nr;
};

static u64 number(void)
{
	u64 n;

	if (scanf("%llu", &n) != 1)
		exit(0);
	return n;
}

static unsigned int count(const struct vbm_constraints *c, const void *memory)
{
	const struct memory *m = memory;
	unsigned int nr = 0, i, j;

	for (i = 0; i < m->nr; i = j) {
		u64 len = m->runs[i].len;

		for (j = i + 1; j < m->nr; j++) {
			if (m->runs[j].phys != m->runs[i].phys + len)
				break;
			len += m->runs[j].len;
		}
		nr += vbm_constraints_count(c, m->runs[i].phys, len);
	}
	return nr;
}

static void read_device(struct vbm_constraints *c)
{
	vbm_constraints_init(c);
	c->max_addr = number();
	c->max_segments = number();
	c->max_segment = number();
	c->boundary_mask = number();
	c->align = number();
	c->chunk = number();
	c->max_bounce = number();
	c->bounce_all = number();
	c->translated = number();
	c->needs_pages = number();
	if (number() && !c->translated)
		vbm_constraints_one_address(c);
}

int main(void)
{
	struct vbm_constraints devices[DEVICES], all;
	struct vbm_backing_shape shape;
	struct memory memory;
	unsigned int nr, i;
	u64 size;

	for (;;) {
		size = number();
		nr = number();
		if (nr > DEVICES)
			return 2;
		for (i = 0; i < nr; i++)
			read_device(&devices[i]);
		memory.nr = number();
		if (memory.nr > RUNS)
			return 2;
		vbm_shape_init(&shape);
		for (i = 0; i < memory.nr; i++) {
			struct run *run = &memory.runs[i];

			run->phys = number();
			run->len = number();
			vbm_shape_add(&shape, run->phys, run->len, number());
		}

		vbm_constraints_init(&all);
		for (i = 0; i < nr; i++) {
			struct vbm_constraints *c = &devices[i];

			printf("%d %d ", vbm_constraints_possible(c, size),
			       vbm_constraints_check(c, &shape, count,
						     &memory));
			vbm_constraints_settle(c, size);
			printf("%u %zu %llu ", c->max_segments,
			       c->max_segment, c->boundary_mask);
			vbm_constraints_merge(&all, c);
		}
		printf("%llu %u %zu %llu %zu %zu %d %d %d\n",
		       all.max_addr, all.max_segments, all.max_segment,
		       all.boundary_mask, all.align, all.chunk,
		       all.needs_pages, vbm_constraints_possible(&all, size),
		       vbm_constraints_check(&all, &shape, count, &memory));
	}
}
