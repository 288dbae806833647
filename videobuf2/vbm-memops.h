/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct vb2_mem_ops, once for both front ends.
 *
 * What a program that rotates buffers pays for at each frame has no wrapper:
 * attach to detach are in vbm-import.c.
 *
 * Prototypes only, and no #include: the symbol versions of the front ends
 * depend on what they see before their exports.
 */
#ifndef _VBM_MEMOPS_H
#define _VBM_MEMOPS_H

struct device;
struct dma_buf;
struct vb2_buffer;
struct vm_area_struct;

void *vbm_memops_alloc_contig(struct vb2_buffer *vb, struct device *dev,
			      unsigned long size);
void *vbm_memops_alloc_sg(struct vb2_buffer *vb, struct device *dev,
			  unsigned long size);
void vbm_memops_put(void *buf_priv);
struct dma_buf *vbm_memops_get_dmabuf(struct vb2_buffer *vb, void *buf_priv,
				      unsigned long flags);

void *vbm_memops_get_userptr_contig(struct vb2_buffer *vb, struct device *dev,
				    unsigned long vaddr, unsigned long size);
void *vbm_memops_get_userptr_sg(struct vb2_buffer *vb, struct device *dev,
				unsigned long vaddr, unsigned long size);
void vbm_memops_put_userptr(void *buf_priv);

void *vbm_import_attach_contig(struct vb2_buffer *vb, struct device *dev,
			       struct dma_buf *dmabuf, unsigned long size);
void *vbm_import_attach_sg(struct vb2_buffer *vb, struct device *dev,
			   struct dma_buf *dmabuf, unsigned long size);
int vbm_import_map(void *mem_priv);
void vbm_import_unmap(void *mem_priv);
void vbm_import_detach(void *mem_priv);

void *vbm_memops_cookie_contig(struct vb2_buffer *vb, void *buf_priv);
void *vbm_memops_cookie_sg(struct vb2_buffer *vb, void *buf_priv);
void *vbm_memops_vaddr(struct vb2_buffer *vb, void *buf_priv);

void vbm_memops_prepare(void *buf_priv);
void vbm_memops_finish(void *buf_priv);
unsigned int vbm_memops_num_users(void *buf_priv);
int vbm_memops_mmap(void *buf_priv, struct vm_area_struct *vma);

#endif
