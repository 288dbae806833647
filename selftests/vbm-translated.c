// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that move behind an IOMMU: where they are is one thing, the addresses
 * that devices have another. Those lead to the new place afterwards, and a device
 * that has any is a reason to stay.
 *
 * The cameras and the importers /dev/vbm-edu.N are PCI functions, which the IOMMU
 * translates for; vbm-queue's device is direct, and needs one address. Half of the
 * cameras have to be named by the core's parameter "movable", the others are
 * managed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "modules/vbm-queue.h"

#define PAGE	4096
#define BUFS	16

/* Is there a translation for a device, as the core sees it? */
static bool is_translated(const char *dev)
{
	FILE *f = fopen(MOVES_DEBUGFS "devices", "re");
	char line[1024], want[72];
	bool found = false, is = false;

	CHECK(f);
	snprintf(want, sizeof(want), "dev=%s ", dev);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, want, strlen(want)))
			continue;
		found = true;
		is = strstr(line, " translated=1 direct=0 ");
	}
	fclose(f);
	if (!found)
		FAIL("%s is not known", dev);
	return is;
}

/* Of all devices that have mapped a buffer, how many there is one for. */
static unsigned int mapped_translated(unsigned int id, unsigned int *mapped)
{
	FILE *f = fopen(MOVES_DEBUGFS "buffers", "re");
	char line[1024], want[32], *at, *save, *end;
	unsigned int nr = 0;

	CHECK(f);
	*mapped = 0;
	snprintf(want, sizeof(want), "buf=%u ", id);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, want, strlen(want)))
			continue;
		at = strstr(line, " mappings=");
		CHECK(at);
		at += strlen(" mappings=");
		at[strcspn(at, " ")] = '\0';
		for (at = strtok_r(at, ",", &save); at;
		     at = strtok_r(NULL, ",", &save)) {
			/* NAME:DIRECTION:USERS:SYNC, and names have colons. */
			for (int i = 0; i < 3; i++) {
				end = strrchr(at, ':');
				CHECK(end);
				*end = '\0';
			}
			++*mapped;
			nr += is_translated(at);
		}
	}
	fclose(f);
	return nr;
}

/* Without this nothing here is a test, nor are vbm-move and vbm-move-storm. */
static void test_devices(const char *node)
{
	unsigned int cameras = 0, managed = 0;
	char *paths[64], dev[64];
	struct moves_buf b;
	struct vnode *n;
	size_t size;
	int i, nr;

	(void)node;
	nr = vnode_list(paths, 64);
	for (i = 0; i < nr; i++) {
		if (!(vnode_flags(paths[i]) & NODE_VBCAM))
			continue;
		n = vnode_open(paths[i]);
		vnode_buffers(n, 2, V4L2_MEMORY_MMAP);
		vnode_mmap(n, 0, 0, &size);
		b = moves_buf(paths[i], 0);
		CHECK_OK(moves_move(b.id));
		vnode_device(paths[i], dev, sizeof(dev));
		if (!is_translated(dev))
			FAIL("%s is not behind an IOMMU", dev);
		cameras++;
		vnode_close(n);
	}
	CHECK_EQ(cameras, 6);
	managed += !!vnode_managed(NODE_SG);
	managed += !!vnode_managed(NODE_CONTIG);
	CHECK_EQ(managed, 2);
}

/* A queue that takes one address only, and imports. */
static int one_address(const char *name, size_t size)
{
	struct vbm_queue_config config = { .size = size, .output = 1 };
	char path[32];
	int q;

	snprintf(path, sizeof(path), "/dev/%s", name);
	q = open(path, O_RDWR | O_CLOEXEC);
	if (q < 0)
		FAIL("%s: %s", path, ksft_errno(errno));
	CHECK_OK(xioctl(q, VBM_QUEUE_IOC_CONFIG, &config));
	return q;
}

/* What that device sees is what is there. */
static void check_seen(int q, const void *p, size_t size)
{
	void *copy = calloc(1, size);
	struct vbm_queue_dma dma = {
		.length = size, .data = (unsigned long)copy,
	};

	CHECK(copy);
	CHECK_OK(xioctl(q, VBM_QUEUE_IOC_DMA, &dma));
	if (memcmp(copy, p, size))
		FAIL_BYTES("the device sees other bytes");
	free(copy);
}

/* A frame in each buffer, and something of it in each page. */
static void capture(struct vnode *n, void *const p[], size_t size)
{
	struct vbuf b;
	unsigned int i;
	size_t at;

	for (i = 0; i < BUFS; i++) {
		memset(p[i], 0xee, size);
		vbuf_init(&b, n, i, V4L2_MEMORY_MMAP);
		CHECK_OK(vnode_qbuf(n, &b));
	}
	CHECK_OK(vnode_stream(n, true));
	for (i = 0; i < BUFS; i++) {
		CHECK_OK(vnode_dqbuf(n, V4L2_MEMORY_MMAP, &b));
		CHECK(!(b.flags & V4L2_BUF_FLAG_ERROR));
		for (at = 0; at < n->sizeimage[0]; at += PAGE)
			if (bytes_check((char *)p[b.index] + at, 64, 0xee) < 0)
				FAIL_BYTES("buffer %u has no frame at %zu",
					   b.index, at);
	}
	CHECK_OK(vnode_stream(n, false));
}

/* Seven pages are three chunks, which seldom adjoin. */
static struct vnode *camera(const char *path, void *p[], size_t *size)
{
	struct vnode *n = vnode_open(path);
	unsigned int i;

	CHECK_OK(vnode_set_fmt(n, 128, 100, V4L2_PIX_FMT_YUYV));
	vnode_buffers(n, BUFS, V4L2_MEMORY_MMAP);
	for (i = 0; i < BUFS; i++)
		p[i] = vnode_mmap(n, i, 0, size);
	return n;
}

/*
 * GStreamer's order, by a managed camera: a display attaches when it is given the
 * first frame. One that is direct needs it in one piece, so it moves, once, and
 * the camera's own addresses lead to where it is then; one that has addresses of
 * its own, behind the IOMMU, is content.
 */
static void late(const char *importer)
{
	const char *path = vnode_managed(NODE_SG | NODE_SPLANE);
	bool direct = !strcmp(importer, "vbm-queue");
	long long moves = stat_get("moves");
	struct moves_buf b[MOVES_MAX];
	unsigned int i, n_mapped, pieces = 0;
	struct vnode *n;
	int q[BUFS], fd;
	void *p[BUFS];
	size_t size;

	n = camera(path, p, &size);
	capture(n, p, size);
	CHECK_EQ(moves_bufs(path, b), BUFS);
	for (i = 0; i < BUFS; i++) {
		pieces += b[i].extents > 1;
		fd = CHECK_OK(vnode_expbuf(n, i, 0, O_RDWR));
		q[i] = one_address(importer, size);
		CHECK_OK(xioctl(q[i], VBM_QUEUE_IOC_IMPORT, &fd));
		close(fd);
		check_seen(q[i], p[i], size);
		CHECK_EQ(mapped_translated(b[i].id, &n_mapped),
			 direct ? 1 : 2);
		CHECK_EQ(n_mapped, 2);
	}
	ksft_say("%u of %u were in pieces", pieces, BUFS);
	CHECK(pieces);
	CHECK_EQ(stat_get("moves") - moves, direct ? pieces : 0);

	/* The next frames go where the display looks. */
	capture(n, p, size);
	for (i = 0; i < BUFS; i++) {
		check_seen(q[i], p[i], size);
		close(q[i]);
		munmap(p[i], size);
	}
	CHECK_EQ(stat_get("moves") - moves, direct ? pieces : 0);
	vnode_close(n);
}

static void test_late(const char *node)
{
	(void)node;
	late("vbm-queue");
	late("vbm-edu.0");
}

/* A device whose addresses are translated has it, had it, and has it again. */
static void importer(const char *path)
{
	void *p[BUFS];
	struct moves_buf b;
	unsigned int round;
	struct vnode *n;
	size_t size;
	char *data;
	int q, fd;

	n = camera(path, p, &size);
	b = moves_buf(path, 0);
	fd = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	q = one_address("vbm-edu.0", size);
	data = malloc(size);
	for (round = 0; round < 10; round++) {
		struct vbm_queue_dma dma = {
			.length = size, .data = (unsigned long)data, .write = 1,
		};

		pattern_fill(p[0], size, round);
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_IMPORT, &fd));
		check_seen(q, p[0], size);
		CHECK_REFUSED(b.id, "mapped");
		pattern_fill(data, size, round + 100);
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_DMA, &dma));
		CHECK_PATTERN(p[0], size, round + 100);
		CHECK_OK(xioctl(q, VBM_QUEUE_IOC_RELEASE, NULL));
		CHECK_OK(moves_move(b.id));
		CHECK_PATTERN(p[0], size, round + 100);
	}
	CHECK_EQ(moves_buf(path, 0).moves, 10);
	capture(n, p, size);
	close(q);
	close(fd);
	free(data);
	vnode_close(n);
}

static void test_importer(const char *node)
{
	importer(node);
}

static void test_importer_managed(const char *node)
{
	(void)node;
	importer(vnode_managed(NODE_SG | NODE_SPLANE));
	importer(vnode_managed(NODE_CONTIG | NODE_SPLANE));
}

#define CAM	(NODE_CAP | NODE_VBCAM | NODE_SPLANE)

static const struct ksft_test tests[] = {
	{ "all cameras are behind the IOMMU, and their buffers move",
	  test_devices, .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "GStreamer's order, managed", test_late,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "an importer behind the IOMMU", test_importer, CAM, KSFT_OURS },
	{ "an importer behind the IOMMU, managed", test_importer_managed,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
};

KSFT_MAIN(tests)
