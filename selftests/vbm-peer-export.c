// SPDX-License-Identifier: GPL-2.0
/*
 * Queues import what another exporter made: memory in single pages, and an
 * exporter whose callbacks fail.
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
#include "peer.h"

static size_t page_up(size_t size)
{
	size_t page = getpagesize();

	return (size + page - 1) / page * page;
}

static int scattered(int peer, size_t size, size_t head)
{
	struct vbm_peer_export how = {
		.kind = VBM_PEER_PAGES, .size = page_up(size), .head = head,
	};

	return peer_export(peer, &how);
}

static struct vnode *open_dmabuf(const char *node, struct vbuf *b)
{
	struct vnode *n = vnode_open(node);

	vnode_buffers(n, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(b, n, 0, V4L2_MEMORY_DMABUF);
	return n;
}

/*
 * Each frame arrives in the exporter's memory, with the brackets around it. Two
 * buffers with memory of their own: bounced, a second mapping of the same
 * memory would bring its old contents after the frame.
 */
static void test_scattered_sg(const char *node)
{
	unsigned int i, k, plane;
	int peer = peer_open(NULL);
	char *map[2][PLANES_MAX];
	struct vnode *n;
	struct vbuf b[2];

	n = vnode_open(node);
	vnode_buffers(n, 2, V4L2_MEMORY_DMABUF);
	for (k = 0; k < 2; k++) {
		vbuf_init(&b[k], n, k, V4L2_MEMORY_DMABUF);
		for (plane = 0; plane < n->num_planes; plane++) {
			int fd = scattered(peer, n->sizeimage[plane], 0);

			b[k].p[plane].fd = fd;
			b[k].p[plane].length = dmabuf_size(fd);
			map[k][plane] = dmabuf_mmap(fd, dmabuf_size(fd));
		}
	}
	for (i = 0; i < 4; i++) {
		for (plane = 0; plane < n->num_planes; plane++) {
			CHECK_OK(dmabuf_sync(b[0].p[plane].fd,
					     DMA_BUF_SYNC_START |
					     DMA_BUF_SYNC_WRITE));
			memset(map[0][plane], 0xa5, n->sizeimage[plane]);
			CHECK_OK(dmabuf_sync(b[0].p[plane].fd,
					     DMA_BUF_SYNC_END |
					     DMA_BUF_SYNC_WRITE));
		}
		vnode_run(n, b, 2, 1);
		for (plane = 0; plane < n->num_planes; plane++) {
			CHECK_OK(dmabuf_sync(b[0].p[plane].fd,
					     DMA_BUF_SYNC_START |
					     DMA_BUF_SYNC_READ));
			if (bytes_check(map[0][plane], n->sizeimage[plane],
					0xa5) < 0)
				FAIL_BYTES("frame %u has not arrived in plane %u",
					   i, plane);
			CHECK_OK(dmabuf_sync(b[0].p[plane].fd,
					     DMA_BUF_SYNC_END |
					     DMA_BUF_SYNC_READ));
		}
	}
}

static bool refusal(int ret)
{
	return ret == -EFAULT || ret == -EBUSY || ret == -EOPNOTSUPP;
}

static void test_scattered_contig(const char *node)
{
	int peer = peer_open(NULL), ret;
	struct vnode *n;
	struct vbuf b;

	n = open_dmabuf(node, &b);
	b.p[0].fd = scattered(peer, n->sizeimage[0], 0);
	ret = vnode_qbuf(n, &b);
	if (!refusal(ret))
		FAIL("QBUF: %s", ret ? ksft_errno(-ret) : "success");
	CHECK_EQ(bufinfo_attached(b.p[0].fd), 0);
	/* Contiguous to its last page but one is not contiguous. */
	b.p[0].fd = scattered(peer, n->sizeimage[0],
			      page_up(n->sizeimage[0]) - 2 * getpagesize());
	ret = vnode_qbuf(n, &b);
	if (!refusal(ret))
		FAIL("QBUF: %s", ret ? ksft_errno(-ret) : "success");
	/* All of it is. */
	b.p[0].fd = scattered(peer, n->sizeimage[0],
			      page_up(n->sizeimage[0]));
	vnode_run(n, &b, 1, 2);
}

static void test_flood(const char *node)
{
	int peer = peer_open(NULL);
	struct vnode *n;
	unsigned int i;
	struct vbuf b;

	n = open_dmabuf(node, &b);
	b.p[0].fd = scattered(peer, n->sizeimage[0], 0);
	for (i = 0; i < 200; i++)
		CHECK(refusal(vnode_qbuf(n, &b)));
}

static const int errnos[] = { ENOSPC, EPERM, ENODEV, ENOMEM, EBUSY };

#define NR_ERRNOS (sizeof(errnos) / sizeof(errnos[0]))

static void test_attach_errno(const char *node)
{
	int peer = peer_open(NULL);
	struct vnode *n;
	unsigned int i;
	struct vbuf b;

	n = open_dmabuf(node, &b);
	for (i = 0; i < NR_ERRNOS; i++) {
		struct vbm_peer_export how = {
			.kind = VBM_PEER_PAGES,
			.size = page_up(n->sizeimage[0]),
			.head = page_up(n->sizeimage[0]),
			.attach_errno = errnos[i],
		};

		b.p[0].fd = peer_export(peer, &how);
		CHECK_ERR(vnode_qbuf(n, &b), errnos[i]);
		CHECK_ERR(vnode_prepare(n, &b), errnos[i]);
		close(b.p[0].fd);
	}
}

static void test_map_errno(const char *node)
{
	int peer = peer_open(NULL);
	struct vnode *n;
	unsigned int i;
	struct vbuf b;

	n = open_dmabuf(node, &b);
	for (i = 0; i < NR_ERRNOS; i++) {
		struct vbm_peer_export how = {
			.kind = VBM_PEER_PAGES,
			.size = page_up(n->sizeimage[0]),
			.head = page_up(n->sizeimage[0]),
			.map_errno = errnos[i],
		};

		b.p[0].fd = peer_export(peer, &how);
		CHECK_ERR(vnode_qbuf(n, &b), errnos[i]);
		CHECK_EQ(bufinfo_attached(b.p[0].fd), 0);
		close(b.p[0].fd);
	}
}

static const struct ksft_test tests[] = {
	{ "scattered memory: frames arrive", test_scattered_sg,
	  NODE_SG | NODE_CAP, KSFT_DIRECT },
	{ "bounced: scattered memory, frames arrive", test_scattered_sg,
	  NODE_SG | NODE_CAP, KSFT_SWIOTLB | KSFT_BY_BYTES,
	  .stock = "imports are never synced" },
	{ "scattered memory is refused by a contiguous queue",
	  test_scattered_contig, NODE_CONTIG | NODE_SPLANE | NODE_CAP, KSFT_DIRECT },
	{ "200 refused imports do not fill the log", test_flood,
	  NODE_CONTIG | NODE_SPLANE | NODE_CAP, KSFT_DIRECT,
	  .stock = "prints a line for each" },
	{ "an exporter's attach fails: its errno, and no leak",
	  test_attach_errno, NODE_SPLANE | NODE_CAP, KSFT_DIRECT,
	  .stock = "keeps the dma_buf for good" },
	{ "an exporter's map fails: its errno", test_map_errno,
	  NODE_SPLANE | NODE_CAP, KSFT_DIRECT, .stock = "EINVAL for every errno" },
};

KSFT_MAIN(tests)
