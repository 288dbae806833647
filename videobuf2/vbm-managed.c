// SPDX-License-Identifier: GPL-2.0-only
/*
 * The managed contract: <media/videobuf2-mem.h>.
 *
 * A driver that opts in says, from buf_prepare, that it is about to use a buffer,
 * and can bear that this fails. So
 *
 *   storage   comes when it is needed, not in alloc(): vbm-storage.c
 *   moving    may happen whenever the driver has not prepared the buffer:
 *             vbm-freeze.c, vbm-move.c
 *
 *   alloc   vbm_plane_prepare   prepare   ...   finish           put
 *     |     '--------- owned, where it is --------'               |
 *     '-- no storage, or may move     may move    '-- may move ---'
 *
 * What is not as it should be is noticed, and costs the driver the benefit: an
 * address that is read at any other time freezes the buffer; a buffer that was not
 * prepared is given its storage by vb2's prepare(), which can not fail. Before
 * there is storage, dma-contig's address is DMA_MAPPING_ERROR and dma-sg's table
 * is empty, so that nothing but a fault of the device comes of them.
 */

#include <linux/dma-mapping.h>
#include <linux/export.h>

#include <media/videobuf2-core.h>
#include <media/videobuf2-mem.h>

#include "vbm-buf.h"
#include "vbm-failure.h"
#include "vbm-freeze.h"
#include "vbm-memops.h"
#include "vbm-storage.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

static void *vbm_managed_alloc(struct vb2_buffer *vb, struct device *dev,
			       unsigned long size, bool contig)
{
	struct vbm_buf *buf;
	int ret;

	if (WARN_ON_ONCE(!dev) || !size)
		return ERR_PTR(-EINVAL);
	buf = vbm_buf_new(vb, dev, size, contig);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	buf->managed = true;
	buf->plane.dma_addr = DMA_MAPPING_ERROR;
	buf->plane.sgt = &buf->table;

	ret = vbm_storage_defer(buf);
	if (ret) {
		vbm_fail(&(struct vbm_failure) {
			.task = VBM_TASK_ALLOC,
			.stat = ret == -ENODEV ? VBM_STAT_FAIL_NODEV :
						 VBM_STAT_FAIL_NOMEM,
			.error = ret,
			.dev = dev_name(dev),
			.size = size,
		});
		vbm_buf_put(buf);
		return ERR_PTR(ret);
	}
	vbm_buf_publish(buf);
	trace_vbm_buf_alloc(&buf->plane, vbm_buf_device(buf));
	if (vbm_storage_at_once(buf)) {
		ret = vbm_storage_secure(buf);
		if (ret) {
			vbm_buf_put(buf);
			return ERR_PTR(ret);
		}
	}
	return &buf->plane;
}

static void *vbm_managed_alloc_contig(struct vb2_buffer *vb,
				      struct device *dev, unsigned long size)
{
	return vbm_managed_alloc(vb, dev, size, true);
}

static void *vbm_managed_alloc_sg(struct vb2_buffer *vb, struct device *dev,
				  unsigned long size)
{
	return vbm_managed_alloc(vb, dev, size, false);
}

/* The buffer whose storage may be missing; NULL of user memory and imports. */
static struct vbm_buf *vbm_managed_buf(struct vbm_plane *plane)
{
	return plane->kind == VBM_MMAP ? vbm_plane_buf(plane) : NULL;
}

static void *vbm_managed_vaddr(struct vb2_buffer *vb, void *buf_priv)
{
	struct vbm_buf *buf = vbm_managed_buf(buf_priv);

	if (buf && !vbm_storage_is_there(buf) &&
	    (!vbm_may_sleep() || vbm_storage_secure(buf)))
		return NULL;
	return vbm_memops_vaddr(vb, buf_priv);
}

static void vbm_managed_prepare(void *buf_priv)
{
	struct vbm_buf *buf = vbm_managed_buf(buf_priv);

	if (buf && !vbm_storage_is_there(buf)) {
		/* The driver has not said so: vbm_plane_prepare(). */
		WARN_ON_ONCE(1);
		/* For finish(), if somebody else makes there be some. */
		vbm_freeze_mark(&buf->plane, VBM_FREEZE_NONE);
		if (vbm_storage_secure(buf))
			return;
	}
	vbm_memops_prepare(buf_priv);
}

static void vbm_managed_finish(void *buf_priv)
{
	struct vbm_buf *buf = vbm_managed_buf(buf_priv);

	if (!buf || vbm_storage_is_there(buf))
		vbm_memops_finish(buf_priv);
}

const struct vb2_mem_ops vbm_contig_memops = {
	.alloc		= vbm_managed_alloc_contig,
	.put		= vbm_memops_put,
	.get_dmabuf	= vbm_memops_get_dmabuf,
	.cookie		= vbm_memops_cookie_contig,
	.vaddr		= vbm_managed_vaddr,
	.mmap		= vbm_memops_mmap,
	.get_userptr	= vbm_memops_get_userptr_contig,
	.put_userptr	= vbm_memops_put_userptr,
	.prepare	= vbm_managed_prepare,
	.finish		= vbm_managed_finish,
	.map_dmabuf	= vbm_import_map,
	.unmap_dmabuf	= vbm_import_unmap,
	.attach_dmabuf	= vbm_import_attach_contig,
	.detach_dmabuf	= vbm_import_detach,
	.num_users	= vbm_memops_num_users,
};
EXPORT_SYMBOL_GPL(vbm_contig_memops);

const struct vb2_mem_ops vbm_sg_memops = {
	.alloc		= vbm_managed_alloc_sg,
	.put		= vbm_memops_put,
	.get_dmabuf	= vbm_memops_get_dmabuf,
	.cookie		= vbm_memops_cookie_sg,
	.vaddr		= vbm_managed_vaddr,
	.mmap		= vbm_memops_mmap,
	.get_userptr	= vbm_memops_get_userptr_sg,
	.put_userptr	= vbm_memops_put_userptr,
	.prepare	= vbm_managed_prepare,
	.finish		= vbm_managed_finish,
	.map_dmabuf	= vbm_import_map,
	.unmap_dmabuf	= vbm_import_unmap,
	.attach_dmabuf	= vbm_import_attach_sg,
	.detach_dmabuf	= vbm_import_detach,
	.num_users	= vbm_memops_num_users,
};
EXPORT_SYMBOL_GPL(vbm_sg_memops);

/**
 * vbm_plane_prepare() - the driver is about to use a plane
 * @vb: the buffer
 * @plane: the number of the plane
 *
 * To be called from &vb2_ops.buf_prepare, of each plane, by a driver whose queue
 * uses vbm_contig_memops or vbm_sg_memops; what it returns is what buf_prepare
 * returns.
 *
 * If this succeeds the plane has storage, which stays where it is until the buffer
 * is done. In that time, and at no other, the driver may read its addresses, also
 * in an interrupt, and its device may use them. They are to be read anew each
 * time.
 *
 * There is nothing to undo: if buf_prepare fails for another reason, or the buffer
 * is removed or the queue cancelled before the driver has got it, that ends it as
 * well.
 *
 * Planes that are user memory or imports, and those of a queue with
 * vb2_dma_contig_memops or vb2_dma_sg_memops, need none of that, and nothing is
 * done.
 *
 * Context: may sleep; vb2_queue.lock held, no reservation lock. If memory is
 *	short it waits, three seconds at most, for imports that are kept to be
 *	dropped.
 * Return: 0, or
 *	-ENOMEM if there is no memory that the device could use;
 *	-ENODEV if the driver of the queue's device has gone;
 *	-EIO if the DMA API could not map it;
 *	-EINVAL if there is no such plane;
 *	-EOPNOTSUPP if the queue is another backend's.
 */
int vbm_plane_prepare(struct vb2_buffer *vb, unsigned int plane)
{
	struct vbm_buf *buf;
	int ret;

	if (vb->vb2_queue->mem_ops->put != vbm_memops_put)
		return -EOPNOTSUPP;
	if (plane >= vb->num_planes || !vb->planes[plane].mem_priv)
		return -EINVAL;

	buf = vbm_managed_buf(vb->planes[plane].mem_priv);
	if (!buf || !buf->managed)
		return 0;
	ret = vbm_storage_secure(buf);
	if (ret)
		return ret;
	return vbm_freeze_prepare(buf) ? 0 : -ENODEV;
}
EXPORT_SYMBOL_GPL(vbm_plane_prepare);
