// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer that is in pieces, because its own device takes a list, and an importer
 * that takes one address, without an IOMMU: that of a driver of dma-contig. Where
 * nobody has used it yet it moves, with what user space has written. Both devices
 * reach all memory: bounce buffers happen to be in one piece.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "step.h"

/* Seven pages are three chunks, which seldom adjoin. */
#define SIZE	(7U * 4096)
#define NR	VBM_STEP_BUFS
#define TRIES	4

/* As a device without limits has it. */
static bool in_pieces(int fd)
{
	struct vbm_peer_device any = { .max_seg_size = UINT32_MAX };
	struct vbm_peer_seg segs[SIZE / 4096];
	struct vbm_peer_map map;
	int peer = peer_open(&any), i, n;
	bool pieces = false;

	CHECK_OK(peer_attach(peer, fd));
	CHECK_OK(peer_map(peer, VBM_PEER_TO_DEVICE, &map));
	n = peer_segs(peer, &map, segs, SIZE / 4096);
	for (i = 1; i < n; i++)
		if (segs[i].addr != segs[i - 1].addr + segs[i - 1].len)
			pieces = true;
	close(peer);
	return pieces;
}

/* Of eight buffers, how many had to move. */
static unsigned int import_all(void)
{
	struct vbm_step_config list = {
		.sg = 1, .planes = 1, .size = SIZE, .like = -1, .mask_bits = 64,
	};
	struct vbm_step_config one = {
		.planes = 1, .size = SIZE, .like = -1, .output = 1,
		.mask_bits = 64,
	};
	int from = step_open(&list), to = step_open(&one), i, fd;
	unsigned int pieces = 0;
	static char copy[SIZE];
	char *p;

	step_buffers(from, NR);
	step_imports(to, NR);
	for (i = 0; i < NR; i++) {
		p = step_mmap(from, i, 0, SIZE);
		fd = step_export(from, i, 0);
		pieces += in_pieces(fd);
		pattern_fill(p, SIZE, i);
		CHECK_OK(step_begin_fd(to, i, fd));
		CHECK_OK(step_read(to, i, 0, 0, copy, SIZE));
		CHECK_PATTERN(copy, SIZE, i);
		CHECK_OK(step_done(to, i));
		CHECK_PATTERN(p, SIZE, i);
		CHECK(!in_pieces(fd));
		munmap(p, SIZE);
		close(fd);
	}
	close(to);
	close(from);
	return pieces;
}

static void test_import(const char *node)
{
	unsigned int i, pieces = 0;

	(void)node;
	for (i = 0; !pieces && i < TRIES; i++)
		pieces = import_all();
	ksft_say("%u of %u were in pieces", pieces, i * NR);
	CHECK(pieces);
}

static const struct ksft_test tests[] = {
	{ "a device that takes one address imports what is in pieces",
	  test_import, .flags = KSFT_NO_NODE | KSFT_DIRECT,
	  .stock = "contiguous chunk is too small", .stock_says = "EFAULT",
	  .stock_log = "contiguous chunk is too small" },
};

KSFT_MAIN(tests)
