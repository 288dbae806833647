/* SPDX-License-Identifier: GPL-2.0 */
/* Buffers that move, as debugfs shows and causes it. */
#ifndef VBM_SELFTESTS_MOVES_H
#define VBM_SELFTESTS_MOVES_H

#include <stdio.h>
#include <string.h>

#include "ksft.h"
#include "v4l2.h"

#define MOVES_DEBUGFS	"/sys/kernel/debug/videobuf2-mem/"
#define MOVES_MAX	32

/* A line of "buffers". */
struct moves_buf {
	unsigned int id;
	unsigned int extents;
	unsigned int moves;
	char frozen[16];
};

/* The buffers of devices whose name begins so, in order of their allocation. */
static inline int moves_bufs_of(const char *dev, struct moves_buf *b)
{
	FILE *f = fopen(MOVES_DEBUGFS "buffers", "r");
	char line[1024], want[96], *at;
	int n = 0;

	if (!f)
		FAIL("no %sbuffers", MOVES_DEBUGFS);
	snprintf(want, sizeof(want), "kind=mmap dev=%s", dev);
	while (n < MOVES_MAX && fgets(line, sizeof(line), f)) {
		if (!strstr(line, want))
			continue;
		CHECK(sscanf(line, "buf=%u", &b[n].id) == 1);
		at = strstr(line, " extents=");
		CHECK(at && sscanf(at, " extents=%u", &b[n].extents) == 1);
		at = strstr(line, " frozen=");
		CHECK(at && sscanf(at, " frozen=%15s moves=%u", b[n].frozen,
				   &b[n].moves) == 2);
		n++;
	}
	fclose(f);
	return n;
}

/* Those of a node's device. */
static inline int moves_bufs(const char *node, struct moves_buf *b)
{
	char dev[64], whole[72];

	vnode_device(node, dev, sizeof(dev));
	snprintf(whole, sizeof(whole), "%s ", dev);
	return moves_bufs_of(whole, b);
}

static inline struct moves_buf moves_buf(const char *node, int index)
{
	struct moves_buf b[MOVES_MAX];

	CHECK(moves_bufs(node, b) > index);
	return b[index];
}

/* Move a buffer: 0 or a negative errno. */
static inline int moves_move(unsigned int id)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", id);
	return write_file(MOVES_DEBUGFS "move", text);
}

static inline long long moves_refused(const char *why)
{
	char name[64];

	snprintf(name, sizeof(name), "moves_refused_%s", why);
	return stat_get(name);
}

/* Coherent memory for a device that sees a copy comes from the DMA API. */
static inline void moves_need_pages(const struct moves_buf *b)
{
	if (!strcmp(b->frozen, "memory"))
		ksft_skip("memory of the DMA API stays");
}

/* It does not, for that reason, and nothing comes of it. */
#define CHECK_REFUSED(id, why)						\
	do {								\
		const char *reason = (why);				\
		long long refused_before = moves_refused(reason);	\
		long long moves_before = stat_get("moves");		\
									\
		CHECK_ERR(moves_move(id), EBUSY);			\
		CHECK_EQ(moves_refused(reason), refused_before + 1);	\
		CHECK_EQ(stat_get("moves"), moves_before);		\
	} while (0)

/* Drivers that "movable=" names. */
static inline bool moves_listed(const char *driver)
{
	char list[256] = "", *at, *save;
	FILE *f = fopen("/sys/module/videobuf2_mem/parameters/movable", "r");

	if (!f)
		return false;
	if (!fgets(list, sizeof(list), f))
		list[0] = '\0';
	fclose(f);
	for (at = strtok_r(list, ",\n", &save); at;
	     at = strtok_r(NULL, ",\n", &save))
		if (!strcmp(at, driver))
			return true;
	return false;
}

#endif
