// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter: dma-bufs of our MMAP buffers.
 *
 * Every EXPBUF makes a dma-buf of its own; all dma-bufs of a plane share the
 * plane's reservation object and its mappings. What an importer attaches and
 * maps is in vbm-attachment.c.
 *
 * dma-buf calls map, unmap, pin, unpin and vmap with the reservation lock
 * held, attach, detach, release and the CPU access hooks without.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/module.h>

#include "vbm-export.h"
#include "vbm-attachment.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-cpu.h"
#include "vbm-device.h"
#include "vbm-mmap.h"
#include "vbm-revoke.h"
#include "vbm-stats.h"
#include "vbm-storage.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

static void vbm_export_release(struct dma_buf *dmabuf)
{
	struct vbm_buf *buf = dmabuf->priv;

	atomic_dec(&buf->exports);
	vbm_stat_dec(VBM_STAT_EXPORTS);
	vbm_buf_put(buf);
}

static int vbm_export_begin_cpu_access(struct dma_buf *dmabuf,
				       enum dma_data_direction dir)
{
	return vbm_cpu_begin(dmabuf->priv, dir);
}

static int vbm_export_end_cpu_access(struct dma_buf *dmabuf,
				     enum dma_data_direction dir)
{
	return vbm_cpu_end(dmabuf->priv, dir);
}

static int vbm_export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return vbm_mmap(dmabuf->priv, vma);
}

static int vbm_export_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	void *vaddr = vbm_vmap_get(dmabuf->priv);

	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void vbm_export_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	vbm_vmap_put(dmabuf->priv);
}

#define VBM_DMA_BUF_OPS						\
	.attach		= vbm_attachment_new,			\
	.detach		= vbm_attachment_free,			\
	.map_dma_buf	= vbm_attachment_map,			\
	.unmap_dma_buf	= vbm_attachment_unmap,			\
	VBM_DMA_BUF_PIN_OPS(vbm_revoke_pin, vbm_revoke_unpin)	\
	.begin_cpu_access = vbm_export_begin_cpu_access,	\
	.end_cpu_access	= vbm_export_end_cpu_access,		\
	.mmap		= vbm_export_mmap,			\
	.release	= vbm_export_release

static const struct dma_buf_ops vbm_dma_buf_ops = {
	VBM_DMA_BUF_OPS,
	.vmap		= vbm_export_vmap,
	.vunmap		= vbm_export_vunmap,
};

/*
 * For memory that can have no kernel address (DMA_ATTR_NO_KERNEL_MAPPING): the
 * core WARNs when vmap fails, but not when it does not exist.
 */
static const struct dma_buf_ops vbm_dma_buf_ops_novmap = {
	VBM_DMA_BUF_OPS,
};

/**
 * vbm_export() - a dma-buf of a plane
 * @buf: the plane
 * @flags: O_* for the file
 *
 * Context: may sleep; vb2_queue.lock held, no reservation lock.
 * Return: the dma-buf, which holds a reference to @buf, or ERR_PTR():
 *	-EOPNOTSUPP for memory that has no pages and no table; what
 *	vbm_storage_secure() gives.
 */
struct dma_buf *vbm_export(struct vbm_buf *buf, unsigned long flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct dma_buf *dmabuf;
	int ret;

	/* Not before it is known what it will be: pages, or who knows what. */
	if (buf->dma_api) {
		ret = vbm_storage_secure(buf);
		if (ret)
			return ERR_PTR(ret);
	}
	/*
	 * What moves stays memory that has pages. A region goes with its driver;
	 * a kernel address could not.
	 */
	mutex_lock(&buf->lock);
	if (!buf->backing)
		exp_info.ops = &vbm_dma_buf_ops;
	else if (buf->backing->nr_extents)
		exp_info.ops = vbm_vmap_possible(buf) && !buf->backing->part ?
			       &vbm_dma_buf_ops : &vbm_dma_buf_ops_novmap;
	mutex_unlock(&buf->lock);
	if (!exp_info.ops)
		return ERR_PTR(-EOPNOTSUPP);

	exp_info.size = buf->plane.size;
	exp_info.flags = flags;
	exp_info.resv = &buf->resv;
	exp_info.priv = buf;

	vbm_buf_get(buf);
	dmabuf = dma_buf_export(&exp_info);
	if (IS_ERR(dmabuf)) {
		vbm_buf_put(buf);
		return dmabuf;
	}

	atomic_inc(&buf->exports);
	vbm_stat_inc(VBM_STAT_EXPORTS);
	vbm_stat_inc(VBM_STAT_EXPORTS_TOTAL);
	trace_vbm_export(&buf->plane, dev_name(buf->plane.dev));
	return dmabuf;
}
