// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter: dma-bufs of our MMAP buffers.
 *
 * Every EXPBUF makes a dma-buf of its own; all dma-bufs of a plane share the
 * plane's reservation object and its mappings. An attachment remembers the
 * mapping of each direction that it has had, so that mapping again costs a
 * copy of the table; they go with the attachment. Two attachments of one
 * device share a mapping.
 *
 * dma-buf calls map, unmap, pin, unpin and vmap with the reservation lock
 * held, attach, detach, release and the CPU access hooks without (KF §2).
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vbm-export.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-cpu.h"
#include "vbm-device.h"
#include "vbm-mapping.h"
#include "vbm-mmap.h"
#include "vbm-stats.h"
#include "vbm-trace.h"
#include "vbm-vmap.h"
#include "vbm.h"

#define VBM_NR_DIRS	3	/* DMA_BIDIRECTIONAL, TO_DEVICE, FROM_DEVICE */

/**
 * struct vbm_attachment - what we know of a dma_buf_attachment
 * @node: in &vbm_buf.attachments, guarded by &vbm_buf.lock
 * @attach: the attachment
 * @maps: the mapping of each direction that it has had; &vbm_buf.lock
 * @exact: an import of ours; see &struct vbm_mapping
 */
struct vbm_attachment {
	struct list_head node;
	struct dma_buf_attachment *attach;
	struct vbm_mapping *maps[VBM_NR_DIRS];
	bool exact;
};

static int vbm_export_attach(struct dma_buf *dmabuf,
			     struct dma_buf_attachment *attach)
{
	struct vbm_buf *buf = dmabuf->priv;
	struct vbm_attachment *att;

	att = kzalloc_obj(*att);
	if (!att)
		return -ENOMEM;
	att->attach = attach;
	attach->priv = att;

	mutex_lock(&buf->lock);
	list_add_tail(&att->node, &buf->attachments);
	mutex_unlock(&buf->lock);

	vbm_stat_inc(VBM_STAT_ATTACHES);
	trace_vbm_attach(&buf->plane, dev_name(attach->dev));
	return 0;
}

static void vbm_export_detach(struct dma_buf *dmabuf,
			      struct dma_buf_attachment *attach)
{
	struct vbm_attachment *att = attach->priv;
	struct vbm_buf *buf = dmabuf->priv;
	unsigned int i;

	mutex_lock(&buf->lock);
	list_del(&att->node);
	for (i = 0; i < VBM_NR_DIRS; i++)
		if (att->maps[i])
			vbm_mapping_put_locked(att->maps[i]);
	mutex_unlock(&buf->lock);

	vbm_stat_inc(VBM_STAT_DETACHES);
	trace_vbm_detach(&buf->plane, dev_name(attach->dev));
	attach->priv = NULL;
	kfree(att);
}

/* The mapping for an attachment and direction: its own, another's, or new. */
static struct vbm_mapping *
vbm_export_get_mapping_locked(struct vbm_buf *buf, struct vbm_attachment *att,
			      enum dma_data_direction dir)
{
	struct device *dev = att->attach->dev;
	struct vbm_mapping *map = att->maps[dir];

	lockdep_assert_held(&buf->lock);
	if (!map)
		map = vbm_mapping_find_locked(buf, dev, dir);
	if (map) {
		att->maps[dir] = map;
		if (!map->live)
			return ERR_PTR(-ENODEV);
		vbm_cpu_map_locked(map);
		vbm_stat_inc(VBM_STAT_MAPS_CACHED);
		trace_vbm_map_cached(map);
		return map;
	}

	map = vbm_mapping_new_locked(buf, buf->backing, dev, dir);
	if (IS_ERR(map))
		return map;
	att->maps[dir] = map;
	vbm_stat_inc(VBM_STAT_MAPS);
	trace_vbm_map(map);
	return map;
}

static struct sg_table *vbm_export_map(struct dma_buf_attachment *attach,
				       enum dma_data_direction dir)
{
	struct vbm_attachment *att = attach->priv;
	struct vbm_buf *buf = attach->dmabuf->priv;
	struct vbm_table *table;
	struct vbm_mapping *map;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (WARN_ON_ONCE(dir < 0 || dir >= VBM_NR_DIRS))
		return ERR_PTR(-EINVAL);

	mutex_lock(&buf->lock);
	map = vbm_export_get_mapping_locked(buf, att, dir);
	if (IS_ERR(map)) {
		table = ERR_CAST(map);
		goto unlock;
	}
	table = vbm_mapping_table_locked(map);
	if (table)
		vbm_mapping_use_locked(map, att->exact);
	else
		table = ERR_PTR(-ENOMEM);
unlock:
	mutex_unlock(&buf->lock);

	if (IS_ERR(table)) {
		vbm_stat_inc(PTR_ERR(table) == -ENODEV ? VBM_STAT_FAIL_NODEV :
							 VBM_STAT_FAIL_MAP);
		trace_vbm_fail("map", dev_name(attach->dev), buf->plane.size,
			       PTR_ERR(table));
		return ERR_CAST(table);
	}
	return &table->sgt;
}

static void vbm_export_unmap(struct dma_buf_attachment *attach,
			     struct sg_table *sgt, enum dma_data_direction dir)
{
	struct vbm_table *table = container_of(sgt, struct vbm_table, sgt);
	struct vbm_attachment *att = attach->priv;
	struct vbm_buf *buf = attach->dmabuf->priv;

	dma_resv_assert_held(attach->dmabuf->resv);

	mutex_lock(&buf->lock);
	vbm_cpu_unmap_locked(table->map);
	vbm_mapping_unuse_locked(table->map, att->exact);
	mutex_unlock(&buf->lock);
	kvfree(table);
}

/*
 * The core pins around each map of a static attachment, where map decides;
 * nothing moves under a mapping that is in use.
 */
static int __maybe_unused vbm_export_pin(struct dma_buf_attachment *attach)
{
	return 0;
}

static void __maybe_unused vbm_export_unpin(struct dma_buf_attachment *attach)
{
}

static void vbm_export_release(struct dma_buf *dmabuf)
{
	vbm_stat_dec(VBM_STAT_EXPORTS);
	vbm_buf_put(dmabuf->priv);
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
	.attach		= vbm_export_attach,			\
	.detach		= vbm_export_detach,			\
	.map_dma_buf	= vbm_export_map,			\
	.unmap_dma_buf	= vbm_export_unmap,			\
	VBM_DMA_BUF_PIN_OPS(vbm_export_pin, vbm_export_unpin)	\
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
 *	-EOPNOTSUPP for memory that has no pages and no table.
 */
struct dma_buf *vbm_export(struct vbm_buf *buf, unsigned long flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct dma_buf *dmabuf;

	if (!buf->backing->nr_extents)
		return ERR_PTR(-EOPNOTSUPP);

	exp_info.ops = vbm_vmap_possible(buf) ? &vbm_dma_buf_ops :
						&vbm_dma_buf_ops_novmap;
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

	vbm_stat_inc(VBM_STAT_EXPORTS);
	vbm_stat_inc(VBM_STAT_EXPORTS_TOTAL);
	trace_vbm_export(&buf->plane, buf->own->vdev->name);
	return dmabuf;
}

/**
 * vbm_export_mapping() - the mapping behind an attachment of an import of ours
 * @attach: a static attachment, mapped once with @dir
 * @dir: the direction
 *
 * The importer undertakes to call vbm_cpu_give() before and vbm_cpu_take()
 * after each DMA until it unmaps.
 *
 * Context: may sleep; takes &vbm_buf.lock.
 * Return: the mapping, valid until it is unmapped; NULL if the exporter is not
 *	this module.
 */
struct vbm_mapping *vbm_export_mapping(struct dma_buf_attachment *attach,
				       enum dma_data_direction dir)
{
	const struct dma_buf_ops *ops = attach->dmabuf->ops;
	struct vbm_attachment *att = attach->priv;
	struct vbm_mapping *map;
	struct vbm_buf *buf;

	if (ops != &vbm_dma_buf_ops && ops != &vbm_dma_buf_ops_novmap)
		return NULL;

	buf = attach->dmabuf->priv;
	mutex_lock(&buf->lock);
	map = att->maps[dir];
	if (!att->exact) {
		att->exact = true;
		vbm_mapping_unuse_locked(map, false);
		vbm_mapping_use_locked(map, true);
	}
	mutex_unlock(&buf->lock);
	return map;
}
