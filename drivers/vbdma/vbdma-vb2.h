/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a queue and a device need of a memory backend: the table of it, that a
 * buffer is going to be used, and a plane's list of segments or its address.
 * Needs both videobuf2-dma-contig and videobuf2-dma-sg.
 */
#ifndef _VBDMA_VB2_H
#define _VBDMA_VB2_H

#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>

#include "vbdma.h"

/**
 * vbdma_mem_ops - the table for a device's queues
 * @config: what the device is like
 */
static inline const struct vb2_mem_ops *
vbdma_mem_ops(const struct vbdma_config *config)
{
	if (config->managed)
		return config->managed;
	return config->sg ? &vb2_dma_sg_memops : &vb2_dma_contig_memops;
}

/**
 * vbdma_prepare_planes - a device is about to use a buffer, from buf_prepare
 * @config: what the device is like
 * @vb: the buffer
 *
 * Return: 0, or an error of vbm_plane_prepare().
 */
static inline int vbdma_prepare_planes(const struct vbdma_config *config,
				       struct vb2_buffer *vb)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; config->managed && !ret && i < vb->num_planes; i++)
		ret = config->plane_prepare(vb, i);

	return ret;
}

/**
 * vbdma_target_plane - describe a plane of a buffer
 * @target: the description, not to be copied
 * @vb: the buffer, which the driver owns
 * @plane: the number of the plane
 * @sg: see struct vbdma_config
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
