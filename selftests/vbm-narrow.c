// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of 32 address bits, in a guest with memory above 4 GiB and no IOMMU:
 * more buffers than there are bounce buffers for (64 MiB), as a device's own, and
 * imported from a device that reaches everything.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "step.h"

#define NR	VBM_STEP_BUFS
#define SIZE	(12U << 20)
#define PIECE	64U
#define REACH	0xffffffffULL
#define MAX_SEGS	(SIZE / 4096)
/* Of the bounce buffers, how many slots are somebody's. */
#define BOUNCED	"/sys/kernel/debug/swiotlb/io_tlb_used"

/* Without such memory nothing of this is a test. */
static void need_high_memory(void)
{
	unsigned long long start, end, most = 0;
	FILE *f = fopen("/proc/iomem", "re");
	char line[256];

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, ": System RAM") &&
		    sscanf(line, "%llx-%llx", &start, &end) == 2 && end > most)
			most = end;
	fclose(f);
	if (most <= REACH + NR * SIZE)
		ksft_skip("needs memory above 4 GiB");
}

static long long bounced(void)
{
	long long used = read_number(BOUNCED);

	if (used < 0)
		FAIL("no %s", BOUNCED);
	return used;
}

/* All of it is where the device reaches it; a copy would be, too. */
static void check_reached(int peer, const struct vbm_peer_map *map)
{
	struct vbm_peer_seg segs[MAX_SEGS];
	int i, n = peer_segs(peer, map, segs, MAX_SEGS);

	for (i = 0; i < n; i++)
		if (segs[i].addr + segs[i].len - 1 > REACH)
			FAIL("segment %d ends at %llx", i,
			     (unsigned long long)segs[i].addr + segs[i].len - 1);
}

static void test_import(const char *node)
{
	struct vbm_step_config config = {
		.sg = 1, .planes = 1, .size = SIZE, .like = -1, .mask_bits = 64,
	};
	struct vbm_peer_device narrow = { .dma_mask = REACH };
	char want[PIECE], got[PIECE];
	int q, i, fd, peer[NR], map;
	struct vbm_peer_map out;
	long long before;
	char *p;

	(void)node;
	need_high_memory();
	before = bounced();
	q = step_open(&config);
	step_buffers(q, NR);
	for (i = 0; i < NR; i++) {
		pattern_fill(want, PIECE, i + 1);
		p = step_mmap(q, i, 0, SIZE);
		memcpy(p, want, PIECE);
		memcpy(p + SIZE - PIECE, want, PIECE);

		fd = step_export(q, i, 0);
		peer[i] = peer_open(&narrow);
		CHECK_OK(peer_attach(peer[i], fd));
		map = CHECK_OK(peer_map(peer[i], VBM_PEER_TO_DEVICE, &out));
		check_reached(peer[i], &out);
		CHECK_OK(peer_read(peer[i], map, 0, got, PIECE));
		CHECK_PATTERN(got, PIECE, i + 1);
		CHECK_OK(peer_read(peer[i], map, SIZE - PIECE, got, PIECE));
		CHECK_PATTERN(got, PIECE, i + 1);
		munmap(p, SIZE);
		close(fd);
	}
	/* All of them at the same time, and none is a copy. */
	CHECK_EQ(bounced(), before);
	for (i = 0; i < NR; i++)
		close(peer[i]);
	close(q);
}

static void test_own(const char *node)
{
	struct vbm_step_config config = {
		.sg = 1, .planes = 1, .size = SIZE, .like = -1, .mask_bits = 32,
	};
	char want[PIECE];
	long long before;
	int q, i;
	char *p;

	(void)node;
	need_high_memory();
	before = bounced();
	q = step_open(&config);
	step_buffers(q, NR);
	for (i = 0; i < NR; i++) {
		CHECK_OK(step_begin_fd(q, i, -1));
		pattern_fill(want, PIECE, i + 1);
		CHECK_OK(step_write(q, i, 0, SIZE - PIECE, want, PIECE));
		CHECK_OK(step_done(q, i));
		p = step_mmap(q, i, 0, SIZE);
		CHECK_PATTERN(p + SIZE - PIECE, PIECE, i + 1);
		munmap(p, SIZE);
	}
	CHECK_EQ(bounced(), before);
	close(q);
}

static const struct ksft_test tests[] = {
	{ "a device of 32 bits imports 96 MiB from above 4 GiB", test_import, 0,
	  KSFT_NO_NODE | KSFT_DIRECT, .stock = "swiotlb buffer is full",
	  .stock_says = "EIO", .stock_log = "swiotlb buffer is full" },
	{ "a device of 32 bits has 96 MiB of its own", test_own, 0,
	  KSFT_NO_NODE | KSFT_DIRECT, .stock = "swiotlb buffer is full",
	  .stock_says = "ENOMEM", .stock_log = "swiotlb buffer is full" },
};

KSFT_MAIN(tests)
