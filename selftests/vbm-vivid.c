// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own driver, as it is, where an integrator has said that its buffers
 * may move. It has to be named by the core's parameter "movable".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"

/*
 * It reads addresses when it captures. Between two frames a buffer moves, with
 * the other ones queued; its frame is what it was, and the next one arrives where
 * it is then.
 */
static void test_between_frames(const char *node)
{
	struct vnode *n = vnode_open(node);
	unsigned int i, frames = 0, moves[4] = { 0 };
	struct moves_buf m[MOVES_MAX];
	struct vbuf b[4], d;
	char *copy, *p[4];
	size_t size;

	if (!moves_listed("vivid"))
		ksft_skip("needs movable=vivid");
	vnode_buffers(n, 4, V4L2_MEMORY_MMAP);
	CHECK_EQ(moves_bufs(node, m), 4);
	moves_need_pages(&m[0]);
	for (i = 0; i < 4; i++) {
		p[i] = vnode_mmap(n, i, 0, &size);
		memset(p[i], 0xee, size);
		vbuf_init(&b[i], n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(n, &b[i]));
	}
	copy = malloc(size);
	CHECK_OK(vnode_stream(n, true));
	CHECK_REFUSED(m[3].id, "owned");
	for (; frames < 40; frames++) {
		CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_MMAP, &d));
		CHECK(!(d.flags & V4L2_BUF_FLAG_ERROR));
		i = d.index;
		/* All of it is new. */
		CHECK(memmem(p[i], size, "\xee\xee\xee\xee\xee\xee\xee\xee",
			     8) == NULL);
		memcpy(copy, p[i], size);
		CHECK_OK(moves_move(m[i].id));
		moves[i]++;
		if (memcmp(copy, p[i], size))
			FAIL_BYTES("the frame is another");
		memset(p[i], 0xee, size);
		CHECK_OK(vnode_qbuf(n, &b[i]));
	}
	CHECK_OK(vnode_stream(n, false));
	for (i = 0; i < 4; i++) {
		m[i] = moves_buf(node, i);
		CHECK_EQ(m[i].moves, moves[i]);
		CHECK(m[i].moves > 1);
		CHECK(!strcmp(m[i].frozen, "-"));
	}
	free(copy);
}

static const struct ksft_test tests[] = {
	{ "the kernel's own driver, named: between two frames",
	  test_between_frames, NODE_CAP | NODE_VIVID | NODE_SPLANE, KSFT_OURS },
};

KSFT_MAIN(tests)
