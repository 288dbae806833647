// SPDX-License-Identifier: GPL-2.0
/*
 * How few pieces a large buffer of scatter-gather is in, in a guest that has just
 * started. So this comes before all others (placement/run).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"

#define PLANES		4
#define SEGMENTS	8

/* A device that takes a list sees as many. */
static void test_4k(const char *node)
{
	struct vbm_peer_device any = { .max_seg_size = UINT32_MAX };
	struct vnode *n = vnode_open(node);
	struct moves_buf b[MOVES_MAX];
	struct vbm_peer_map map;
	int peer, fd, i;

	CHECK_OK(vnode_set_fmt(n, 3840, 2160, V4L2_PIX_FMT_YUYV));
	CHECK_EQ(n->sizeimage[0], 3840 * 2160 * 2);
	vnode_buffers(n, PLANES, V4L2_MEMORY_MMAP);
	CHECK_EQ(moves_bufs(node, b), PLANES);
	for (i = 0; i < PLANES; i++) {
		fd = CHECK_OK(vnode_expbuf(n, i, 0, O_RDWR));
		peer = peer_open(&any);
		CHECK_OK(peer_attach(peer, fd));
		CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, &map));
		ksft_say("%u extents, %u segments", b[i].extents, map.nents);
		CHECK(b[i].extents <= SEGMENTS);
		CHECK(map.nents <= SEGMENTS);
		close(peer);
		close(fd);
	}
}

static const struct ksft_test tests[] = {
	{ "4K: a scatter buffer is in eight pieces at most", test_4k,
	  NODE_CAP | NODE_VBCAM | NODE_SPLANE | NODE_SG,
	  KSFT_OURS | KSFT_DIRECT },
};

KSFT_MAIN(tests)
