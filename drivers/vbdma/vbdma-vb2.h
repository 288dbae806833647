/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device is told of a plane: its list of segments or its address, from
 * the backend that the queue uses. Needs both videobuf2-dma-contig and
 * videobuf2-dma-sg.
 */
#ifndef _VBDMA_VB2_H
#define _VBDMA_VB2_H

#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>

#include "vbdma.h"

/**
 * vbdma_target_plane - describe a plane of a buffer
 * @target: the description, not to be copied
 * @vb: the buffer, which the driver owns
 * @plane: the number of the plane
 * @sg: the queue uses vb2_dma_sg_memops, else vb2_dma_contig_memops
 */
static inline void vbdma_target_plane(struct vbdma_target *target,
				      struct vb2_buffer *vb, unsigned int plane,
				      bool sg)
{
	if (sg)
		vbdma_target_sgt(target, vb2_dma_sg_plane_desc(vb, plane));
	else
		vbdma_target_contig(target,
				    vb2_dma_contig_plane_dma_addr(vb, plane),
				    vb2_plane_size(vb, plane));
}

#endif /* _VBDMA_VB2_H */
