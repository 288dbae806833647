/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_ATTACHMENT_H
#define _VBM_ATTACHMENT_H

#include <linux/dma-direction.h>
#include <linux/types.h>

#include "vbm-inbox.h"
#include "vbm-lesson.h"

struct dma_buf;
struct dma_buf_attachment;
struct sg_table;
struct vbm_device;
struct vbm_mapping;

#define VBM_NR_DIRS	3	/* DMA_BIDIRECTIONAL, TO_DEVICE, FROM_DEVICE */

/**
 * struct vbm_attachment - what we know of a dma_buf_attachment
 * @letter: in &vbm_buf.attachments; &vbm_buf.lock
 * @attach: whose it is
 * @vdev: its device, referenced; NULL where there was no memory for it, or the
 *	driver was going
 * @maps: the mapping of each direction that it has had; &vbm_buf.lock
 * @lesson: what it does with them, if it is foreign; &vbm_buf.lock
 * @exact: an import of ours; see &struct vbm_mapping
 * @contig: which has one address, and no list
 * @piece: bytes that it has to find there
 * @lacks: what was wrong with the storage when placement refused its last map,
 *	for vbm_fail(); &vbm_buf.lock
 * @why: what kept the buffer from moving then
 * @by: whom no memory would do for beside the others then, or NULL
 * @asked: vbm_revoke()'s, while it goes round; &vbm_buf.lock
 */
struct vbm_attachment {
	struct vbm_letter letter;
	struct dma_buf_attachment *attach;
	struct vbm_device *vdev;
	struct vbm_mapping *maps[VBM_NR_DIRS];
	struct vbm_lesson lesson;
	bool exact;
	bool contig;
	bool asked;
	u8 lacks; /* enum vbm_requirement */
	u8 why; /* enum vbm_refusal */
	size_t piece;
	const char *by;
};

/* &struct dma_buf_ops callbacks */
int vbm_attachment_new(struct dma_buf *dmabuf,
		       struct dma_buf_attachment *attach);
void vbm_attachment_free(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach);
struct sg_table *vbm_attachment_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir);
void vbm_attachment_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir);

bool vbm_attachment_claim(struct dma_buf_attachment *attach, size_t piece);
struct vbm_mapping *vbm_attachment_mapping(struct dma_buf_attachment *attach,
					   enum dma_data_direction dir);

#endif
