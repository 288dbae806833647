// SPDX-License-Identifier: GPL-2.0-only
/*
 * The callbacks of vb2, once for both front ends.
 *
 * They find out which of the three shapes a plane has, and call down; where
 * vb2 means an import it calls vbm-import.c without a detour. The locks under
 * which vb2 calls them are in docs/locking.md; in short:
 *
 *   alloc, get_dmabuf, attach, map, unmap,       may sleep, under q->lock
 *   detach, get_userptr, put_userptr, prepare
 *   put                                          may sleep, under q->mmap_lock
 *   mmap                                         may sleep, under mmap_lock and
 *                                                q->mmap_lock; the plane can
 *                                                lack its memory still
 *   finish, cookie, vaddr                        anywhere, also hard interrupts
 */

#include <linux/dma-buf.h>
#include <linux/export.h>

#include <media/videobuf2-core.h>

#include "vbm-memops.h"
#include "vbm-buf.h"
#include "vbm-cpu.h"
#include "vbm-export.h"
#include "vbm-freeze.h"
#include "vbm-import.h"
#include "vbm-mmap.h"
#include "vbm-userptr.h"
#include "vbm-vmap.h"
#include "vbm.h"

static void *vbm_memops_alloc(struct vb2_buffer *vb, struct device *dev,
			      unsigned long size, bool contig)
{
	struct vbm_buf *buf;

	if (WARN_ON_ONCE(!dev) || !size)
		return ERR_PTR(-EINVAL);
	buf = vbm_buf_alloc(vb, dev, size, contig);
	return IS_ERR(buf) ? ERR_CAST(buf) : &buf->plane;
}

void *vbm_memops_alloc_contig(struct vb2_buffer *vb, struct device *dev,
			      unsigned long size)
{
	return vbm_memops_alloc(vb, dev, size, true);
}
EXPORT_SYMBOL_GPL(vbm_memops_alloc_contig);

void *vbm_memops_alloc_sg(struct vb2_buffer *vb, struct device *dev,
			  unsigned long size)
{
	return vbm_memops_alloc(vb, dev, size, false);
}
EXPORT_SYMBOL_GPL(vbm_memops_alloc_sg);

void vbm_memops_put(void *buf_priv)
{
	struct vbm_buf *buf = vbm_plane_buf(buf_priv);

	/* It may be moving. */
	mutex_lock(&buf->lock);
	/* vb2 does not finish a buffer that is removed while it is prepared. */
	if (buf->own && buf->own->device_owned)
		vbm_cpu_take(buf->own, false);
	WRITE_ONCE(buf->plane.vb, NULL);
	mutex_unlock(&buf->lock);
	vbm_freeze_unmark(&buf->plane);
	vbm_buf_put(buf);
}
EXPORT_SYMBOL_GPL(vbm_memops_put);

struct dma_buf *vbm_memops_get_dmabuf(struct vb2_buffer *vb, void *buf_priv,
				      unsigned long flags)
{
	return vbm_export(vbm_plane_buf(buf_priv), flags);
}
EXPORT_SYMBOL_GPL(vbm_memops_get_dmabuf);

static void *vbm_memops_get_userptr(struct vb2_buffer *vb, struct device *dev,
				    unsigned long vaddr, unsigned long size,
				    bool contig)
{
	struct vbm_buf *buf;

	if (WARN_ON_ONCE(!dev))
		return ERR_PTR(-EINVAL);
	buf = vbm_userptr_get(vb, dev, vaddr, size, contig);
	return IS_ERR(buf) ? ERR_CAST(buf) : &buf->plane;
}

void *vbm_memops_get_userptr_contig(struct vb2_buffer *vb, struct device *dev,
				    unsigned long vaddr, unsigned long size)
{
	return vbm_memops_get_userptr(vb, dev, vaddr, size, true);
}
EXPORT_SYMBOL_GPL(vbm_memops_get_userptr_contig);

void *vbm_memops_get_userptr_sg(struct vb2_buffer *vb, struct device *dev,
				unsigned long vaddr, unsigned long size)
{
	return vbm_memops_get_userptr(vb, dev, vaddr, size, false);
}
EXPORT_SYMBOL_GPL(vbm_memops_get_userptr_sg);

void vbm_memops_put_userptr(void *buf_priv)
{
	vbm_userptr_put(vbm_plane_buf(buf_priv));
}
EXPORT_SYMBOL_GPL(vbm_memops_put_userptr);

void *vbm_memops_cookie_contig(struct vb2_buffer *vb, void *buf_priv)
{
	struct vbm_plane *plane = buf_priv;

	vbm_freeze_mark(plane, VBM_FREEZE_ADDRESS);
	return &plane->dma_addr;
}
EXPORT_SYMBOL_GPL(vbm_memops_cookie_contig);

void *vbm_memops_cookie_sg(struct vb2_buffer *vb, void *buf_priv)
{
	struct vbm_plane *plane = buf_priv;

	vbm_freeze_mark(plane, VBM_FREEZE_ADDRESS);
	return plane->sgt;
}
EXPORT_SYMBOL_GPL(vbm_memops_cookie_sg);

void *vbm_memops_vaddr(struct vb2_buffer *vb, void *buf_priv)
{
	struct vbm_plane *plane = buf_priv;

	if (plane->kind == VBM_IMPORT)
		return vbm_import_vaddr(vbm_plane_import(plane));
	vbm_freeze_mark(plane, VBM_FREEZE_VADDR);
	return vbm_vmap_addr(vbm_plane_buf(plane));
}
EXPORT_SYMBOL_GPL(vbm_memops_vaddr);

/*
 * vb2 sets the skip hints for all imports, in the belief that the exporter
 * syncs at each frame. It can not: it is not told. So they count for memory
 * that is not imported only.
 */
void vbm_memops_prepare(void *buf_priv)
{
	struct vbm_plane *plane = buf_priv;

	if (plane->kind == VBM_IMPORT) {
		vbm_import_prepare(vbm_plane_import(plane));
		return;
	}
	vbm_freeze_mark(plane, VBM_FREEZE_NONE);
	vbm_cpu_give(vbm_plane_buf(plane)->own,
		     plane->vb->skip_cache_sync_on_prepare);
}
EXPORT_SYMBOL_GPL(vbm_memops_prepare);

void vbm_memops_finish(void *buf_priv)
{
	struct vbm_plane *plane = buf_priv;

	if (plane->kind == VBM_IMPORT) {
		vbm_import_finish(vbm_plane_import(plane));
		return;
	}
	vbm_cpu_take(vbm_plane_buf(plane)->own,
		     plane->vb->skip_cache_sync_on_finish);
	vbm_freeze_unmark(plane);
}
EXPORT_SYMBOL_GPL(vbm_memops_finish);

/* vb2 takes more than one for "in use elsewhere", for MMAP buffers only. */
unsigned int vbm_memops_num_users(void *buf_priv)
{
	struct vbm_plane *plane = buf_priv;

	if (plane->kind == VBM_IMPORT)
		return 0;
	return refcount_read(&vbm_plane_buf(plane)->ref);
}
EXPORT_SYMBOL_GPL(vbm_memops_num_users);

int vbm_memops_mmap(void *buf_priv, struct vm_area_struct *vma)
{
	if (!buf_priv)
		return -EINVAL;
	return vbm_mmap(vbm_plane_buf(buf_priv), vma);
}
EXPORT_SYMBOL_GPL(vbm_memops_mmap);
