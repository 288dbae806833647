// SPDX-License-Identifier: GPL-2.0-only
/*
 * The importer: dma-bufs that user space queues.
 *
 * vb2 attaches and maps a plane when another dma-buf or another length shows
 * up at its index, and keeps it mapped from frame to frame.
 *
 * vb2 core forgets the reference to a dma-buf whose attach fails (KF §5.5), so
 * attach does nothing that can fail, and map tells. Even the memory for the
 * import itself may be missing: vbm_import_nomem stands in for it.
 *
 * vb2 gives a plane that repeats the dma-buf of an earlier one no callback,
 * only the earlier plane's import. So the checks here cover all planes of the
 * buffer that share the dma-buf.
 */

#include <linux/dma-buf.h>
#include <linux/slab.h>

#include <media/videobuf2-v4l2.h>

#include "vbm-import.h"
#include "vbm-attachment.h"
#include "vbm-buf.h"
#include "vbm-cpu.h"
#include "vbm-mapping.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

/* Nothing in it is ever written: map fails, so nothing but detach follows. */
static struct vbm_import vbm_import_nomem = {
	.plane.kind	= VBM_IMPORT,
	.error		= -ENOMEM,
};

/*
 * The most bytes that a plane wants of a dma-buf which several planes share.
 * vb2 checks none but the first. Planes before this one have been attached
 * already, and would share with it, so it is the first.
 */
static size_t vbm_import_shared_size(struct vb2_buffer *vb,
				     struct dma_buf *dmabuf, size_t size)
{
	struct vb2_v4l2_buffer *vbuf;
	unsigned int i;

	/* Not every user of vb2 speaks V4L2; planes' fds are V4L2's. */
	if (vb->num_planes < 2 ||
	    vb->vb2_queue->buf_struct_size < sizeof(*vbuf))
		return size;

	vbuf = to_vb2_v4l2_buffer(vb);
	for (i = 0; i < vb->num_planes; i++) {
		struct dma_buf *other = dma_buf_get(vbuf->planes[i].m.fd);

		if (IS_ERR(other))
			continue;
		if (other == dmabuf)
			size = max_t(size_t, size, vbuf->planes[i].length);
		dma_buf_put(other);
	}
	return size;
}

/**
 * vbm_import_attach() - prepare to use a dma-buf as a plane
 * @vb: the vb2 buffer
 * @dev: the device that will use it
 * @dmabuf: the dma-buf, held by vb2 until detach
 * @size: bytes that the plane needs
 * @contig: the driver wants one address, not a list
 *
 * Context: may sleep; vb2_queue.lock held.
 * Return: the import, always. Errors are kept for vbm_import_map().
 */
struct vbm_import *vbm_import_attach(struct vb2_buffer *vb, struct device *dev,
				     struct dma_buf *dmabuf, size_t size,
				     bool contig)
{
	struct vbm_import *imp;

	imp = kzalloc_obj(*imp);
	if (!imp)
		return &vbm_import_nomem;

	imp->plane.kind = VBM_IMPORT;
	imp->plane.contig = contig;
	imp->plane.dir = vb->vb2_queue->dma_dir;
	imp->plane.vb = vb;
	imp->plane.dev = dev;
	imp->plane.size = vbm_import_shared_size(vb, dmabuf, size);
	imp->dmabuf = dmabuf;
	mutex_init(&imp->lock);
	if (dmabuf->size < imp->plane.size)
		imp->error = -EFAULT;

	vbm_plane_register(&imp->plane);
	vbm_stat_inc(VBM_STAT_IMPORTS);
	vbm_stat_inc(VBM_STAT_IMPORTS_TOTAL);
	return imp;
}

void vbm_import_detach(struct vbm_import *imp)
{
	if (imp == &vbm_import_nomem)
		return;

	vbm_plane_unregister(&imp->plane);
	vbm_stat_dec(VBM_STAT_IMPORTS);
	mutex_destroy(&imp->lock);
	kfree(imp);
}

static int vbm_import_fail(struct vbm_import *imp, enum vbm_stat stat, int ret)
{
	vbm_stat_inc(stat);
	trace_vbm_fail("import", imp->plane.dev ? dev_name(imp->plane.dev) : "",
		       imp->plane.size, ret);
	return ret;
}

/**
 * vbm_import_map() - attach and map
 * @imp: the import
 *
 * Context: may sleep; vb2_queue.lock held, no reservation lock.
 * Return: 0; -EFAULT if the dma-buf is shorter than the plane, or not in one
 *	piece where the driver needs that; -ENOMEM; what the exporter returned.
 */
int vbm_import_map(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	bool ours;

	if (imp->error)
		return vbm_import_fail(imp, imp->error == -ENOMEM ?
				       VBM_STAT_FAIL_NOMEM : VBM_STAT_FAIL_SIZE,
				       imp->error);

	attach = dma_buf_attach(imp->dmabuf, plane->dev);
	if (IS_ERR(attach))
		return vbm_import_fail(imp, VBM_STAT_FAIL_ATTACH,
				       PTR_ERR(attach));

	ours = vbm_attachment_claim(attach);
	sgt = dma_buf_map_attachment_unlocked(attach, plane->dir);
	if (IS_ERR(sgt)) {
		dma_buf_detach(imp->dmabuf, attach);
		return vbm_import_fail(imp, VBM_STAT_FAIL_MAP, PTR_ERR(sgt));
	}

	if (plane->contig && vbm_mapping_contiguous(sgt) < plane->size) {
		dev_dbg(plane->dev, "contiguous chunk is too small %zu/%zu\n",
			vbm_mapping_contiguous(sgt), plane->size);
		dma_buf_unmap_attachment_unlocked(attach, sgt, plane->dir);
		dma_buf_detach(imp->dmabuf, attach);
		return vbm_import_fail(imp, VBM_STAT_FAIL_CONTIGUITY, -EFAULT);
	}

	imp->attach = attach;
	if (ours)
		imp->map = vbm_attachment_mapping(attach, plane->dir);
	else
		imp->foreign_sync = vbm_cpu_foreign_needs_sync(plane->dev, sgt);
	plane->dma_addr = sg_dma_address(sgt->sgl);
	plane->sgt = sgt;
	imp->segments = sgt->nents;
	vbm_stat_inc(VBM_STAT_IMPORT_MAPS);
	trace_vbm_import_map(plane, dev_name(plane->dev));
	return 0;
}

/* While a driver has the kernel address, the CPU may touch it in both ways. */
static void vbm_import_vunmap(struct vbm_import *imp)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(imp->vaddr);

	if (!imp->vaddr)
		return;
	dma_buf_end_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
	dma_buf_vunmap_unlocked(imp->dmabuf, &map);
	imp->vaddr = NULL;
}

void vbm_import_unmap(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	if (WARN_ON_ONCE(!imp->attach))
		return;

	vbm_import_vunmap(imp);
	dma_buf_unmap_attachment_unlocked(imp->attach, plane->sgt, plane->dir);
	dma_buf_detach(imp->dmabuf, imp->attach);
	imp->attach = NULL;
	imp->map = NULL;
	plane->sgt = NULL;
	plane->dma_addr = 0;
	vbm_stat_inc(VBM_STAT_IMPORT_UNMAPS);
	trace_vbm_import_unmap(plane, dev_name(plane->dev));
}

/**
 * vbm_import_vaddr() - a kernel address for the driver
 * @imp: the import, mapped
 *
 * Made at the first call that may sleep; from an interrupt before that there
 * is none. Device memory that needs I/O accessors has none either: vb2 has no
 * way to say so.
 *
 * Context: any.
 * Return: the address, valid until unmap, or NULL.
 */
void *vbm_import_vaddr(struct vbm_import *imp)
{
	/* Pairs with the store below: what vmap wrote comes before. */
	void *vaddr = smp_load_acquire(&imp->vaddr);
	struct iosys_map map;

	if (vaddr || !vbm_may_sleep())
		return vaddr;

	mutex_lock(&imp->lock);
	if (imp->vaddr)
		goto unlock;
	if (dma_buf_vmap_unlocked(imp->dmabuf, &map))
		goto unlock;
	if (map.is_iomem) {
		vbm_import_fail(imp, VBM_STAT_FAIL_IOMEM, -EOPNOTSUPP);
		goto err_vunmap;
	}
	if (dma_buf_begin_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL))
		goto err_vunmap;
	/* Interrupts look without the lock. */
	smp_store_release(&imp->vaddr, map.vaddr);
unlock:
	vaddr = imp->vaddr;
	mutex_unlock(&imp->lock);
	return vaddr;

err_vunmap:
	dma_buf_vunmap_unlocked(imp->dmabuf, &map);
	mutex_unlock(&imp->lock);
	return NULL;
}

/**
 * vbm_import_prepare() - the device is about to do DMA
 * @imp: the import, mapped
 *
 * What the driver's CPU wrote is passed on first, and what it reads from now
 * on is what others have written.
 *
 * Context: may sleep; vb2_queue.lock held.
 */
void vbm_import_prepare(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	if (imp->vaddr) {
		dma_buf_end_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
		dma_buf_begin_cpu_access(imp->dmabuf, DMA_BIDIRECTIONAL);
	}
	if (imp->map)
		vbm_cpu_give(imp->map);
	else if (imp->foreign_sync)
		vbm_cpu_foreign_give(plane->dev, plane->sgt, plane->dir);
}

/**
 * vbm_import_finish() - the device has done its DMA
 * @imp: the import, mapped
 *
 * Context: any, also hard interrupts.
 */
void vbm_import_finish(struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	if (imp->map)
		vbm_cpu_take(imp->map);
	else if (imp->foreign_sync)
		vbm_cpu_foreign_take(plane->dev, plane->sgt, plane->dir);
}
