/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit suites are made of: mock devices, a queue of one buffer, an
 * importer and an exporter that are not ours, and allocators that do as they
 * are told, bad ones, too.
 *
 * All of it belongs to the running test and goes with it, last made first.
 * Whatever can not be had ends the test there, so nothing returns an error but
 * what a test may want to see fail.
 *
 * Once vbm_testing_init() has been called, a test also fails if it leaves
 * buffers, dma-bufs, imports or mappings behind. That counts those of the whole
 * machine: nobody else may stream meanwhile.
 */
#ifndef _VBM_TESTING_H
#define _VBM_TESTING_H

#include <linux/bits.h>
#include <linux/dma-direction.h>
#include <linux/types.h>

#include <media/videobuf2-core.h>

#include "../vbm-alloc.h"

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct kunit;
struct sg_table;
struct vbm_buf;

int vbm_testing_init(struct kunit *test);

/* --- devices -------------------------------------------------------------- */

/* It sees a copy of all memory. Needs bounce buffers: boot with swiotlb=force. */
#define VBM_TESTING_BOUNCES	BIT(0)
/* Nobody drives it. */
#define VBM_TESTING_UNBOUND	BIT(1)

struct device *vbm_testing_device(struct kunit *test, const char *name,
				  unsigned int bits, unsigned int flags);
void vbm_testing_segments(struct kunit *test, struct device *dev,
			  unsigned int max_segment, unsigned long boundary);
void vbm_testing_unbind(struct device *dev);

/* --- the driver's side ---------------------------------------------------- */

/**
 * struct vbm_testing_queue - a queue of one buffer of one plane
 * @q: with as much of it set as backends look at
 * @vb: the buffer
 */
struct vbm_testing_queue {
	struct vb2_queue q;
	struct vb2_buffer vb;
};

struct vbm_testing_queue *vbm_testing_queue(struct kunit *test,
					    enum dma_data_direction dir);

struct vbm_buf *vbm_testing_buf(struct kunit *test,
				struct vbm_testing_queue *queue,
				struct device *dev, size_t size, bool contig);
struct vbm_buf *vbm_testing_managed(struct kunit *test,
				    struct vbm_testing_queue *queue,
				    struct device *dev, size_t size,
				    bool contig);
void vbm_testing_put(struct kunit *test, struct vbm_buf *buf);

/* --- dma-bufs ------------------------------------------------------------- */

struct dma_buf *vbm_testing_export(struct kunit *test, struct vbm_buf *buf);
void vbm_testing_close(struct kunit *test, struct dma_buf *dmabuf);

/**
 * struct vbm_testing_att - an importer that is not ours
 * @attach: its attachment
 * @sgt: what it has mapped, or NULL
 * @dir: how
 */
struct vbm_testing_att {
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	enum dma_data_direction dir;
};

struct vbm_testing_att *vbm_testing_attach(struct kunit *test,
					   struct dma_buf *dmabuf,
					   struct device *dev);
void vbm_testing_detach(struct kunit *test, struct vbm_testing_att *att);
int vbm_testing_map(struct vbm_testing_att *att, enum dma_data_direction dir);
void vbm_testing_unmap(struct vbm_testing_att *att);

/**
 * struct vbm_testing_foreign - an exporter that is not ours
 * @dmabuf: the test's; gone with it
 * @pages: its memory, no two of them adjacent
 * @nr_pages: how many
 * @map_error: what map gives, if not 0
 * @attach_error: likewise
 * @iomem: vmap says that it is I/O memory
 * @attached: attachments there are
 * @mapped: tables that are out
 * @maps: tables that were ever given
 * @accesses: CPU accesses that have begun and not ended
 * @vmaps: kernel mappings there are
 */
struct vbm_testing_foreign {
	struct dma_buf *dmabuf;
	struct page **pages;
	unsigned int nr_pages;
	int map_error;
	int attach_error;
	bool iomem;
	int attached;
	int mapped;
	int maps;
	int accesses;
	int vmaps;
};

struct vbm_testing_foreign *vbm_testing_foreign(struct kunit *test,
						unsigned int nr_pages);

/* --- bytes ---------------------------------------------------------------- */

/* As the device has them, through the addresses of a mapped table. */
void vbm_testing_dma_fill(struct device *dev, const struct sg_table *sgt,
			  u8 byte);
bool vbm_testing_dma_is(struct device *dev, const struct sg_table *sgt,
			size_t from, size_t to, u8 byte);
/* As they are in memory. */
void vbm_testing_cpu_fill(const struct vbm_buf *buf, u8 byte);
bool vbm_testing_cpu_is(const struct vbm_buf *buf, size_t from, size_t to,
			u8 byte);

/* --- allocators ----------------------------------------------------------- */

/* What a mock allocator gives. */
enum vbm_testing_memory {
	VBM_TESTING_ONE_PIECE,
	VBM_TESTING_PIECES,		/* no two pages adjacent */
	VBM_TESTING_NOWHERE,		/* said to be at the end of all memory */
	VBM_TESTING_ERROR,		/* @error */
};

/**
 * struct vbm_testing_allocator - an allocator that does as it is told
 * @ops: what the core sees; the test may change it
 * @gives: what it does
 * @error: with VBM_TESTING_ERROR, a negative errno
 * @unsuited: it says that it suits nobody
 * @asked: how often it was asked for memory
 * @given: how often it gave some
 * @freed: how often it got some back
 */
struct vbm_testing_allocator {
	struct vbm_allocator ops;
	enum vbm_testing_memory gives;
	int error;
	bool unsuited;
	unsigned int asked;
	unsigned int given;
	unsigned int freed;
};

#define VBM_TESTING_ALLOCATORS	2

/* In the place of all others, until vbm_testing_real_allocators(). */
struct vbm_testing_allocator *vbm_testing_allocators(struct kunit *test);
void vbm_testing_real_allocators(struct kunit *test);

#endif
