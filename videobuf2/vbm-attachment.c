// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attachments to our dma-bufs, and the mappings that they have had.
 *
 * An attachment remembers the mapping of each direction that it has had, so
 * that mapping again costs a copy of the table; they go with the attachment.
 * Two attachments of one device share a mapping.
 *
 * An import of ours is known by its attachment, and says of each DMA when it
 * begins and ends; the others are taken to do DMA from map to unmap.
 *
 * Where the memory is not as the device needs it, the buffer may move before it
 * is mapped: vbm-placement.c. Mappings of where it was are stale then; they are
 * found to be so here.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "vbm-attachment.h"
#include "vbm-backing.h"
#include "vbm-cpu.h"
#include "vbm-device.h"
#include "vbm-failure.h"
#include "vbm-mapping.h"
#include "vbm-placement.h"
#include "vbm-stats.h"
#include "vbm-storage.h"
#include "vbm-trace.h"
#include "vbm.h"

int vbm_attachment_new(struct dma_buf *dmabuf,
		       struct dma_buf_attachment *attach)
{
	struct vbm_buf *buf = dmabuf->priv;
	struct vbm_attachment *att;
	struct vbm_device *vdev;

	att = kzalloc_obj(*att);
	if (!att)
		return -ENOMEM;
	/* Map will tell: not everybody bears that attach fails. */
	vdev = vbm_device_get(attach->dev);
	if (!IS_ERR(vdev))
		att->vdev = vdev;
	att->attach = attach;
	attach->priv = att;

	vbm_inbox_add(&buf->attachments, &att->letter);

	vbm_stat_inc(VBM_STAT_ATTACHES);
	trace_vbm_attach(&buf->plane, dev_name(attach->dev));
	return 0;
}

void vbm_attachment_free(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach)
{
	struct vbm_attachment *att = attach->priv;
	struct vbm_buf *buf = dmabuf->priv;
	unsigned int i;

	mutex_lock(&buf->lock);
	vbm_inbox_del(&buf->attachments, &att->letter);
	for (i = 0; i < VBM_NR_DIRS; i++) {
		if (!att->maps[i])
			continue;
		if (unlikely(att->lesson.state == VBM_LESSON_RETURNED))
			vbm_lesson_detach(&att->lesson, att->maps[i]->vdev);
		vbm_mapping_put_locked(att->maps[i]);
	}
	mutex_unlock(&buf->lock);

	vbm_stat_inc(VBM_STAT_DETACHES);
	trace_vbm_detach(&buf->plane, dev_name(attach->dev));
	attach->priv = NULL;
	vbm_device_put(att->vdev);
	kfree(att);
}

/* The mapping that it has, or can share; NULL if there is none that will do. */
static struct vbm_mapping *
vbm_attachment_find_locked(struct vbm_buf *buf,
			   struct dma_buf_attachment *attach,
			   enum dma_data_direction dir)
{
	struct vbm_attachment *att = attach->priv;
	struct vbm_mapping *map = att->maps[dir];

	lockdep_assert_held(&buf->lock);
	if (map && unlikely(map->stale)) {
		att->maps[dir] = NULL;
		vbm_mapping_put_locked(map);
		map = NULL;
	}
	if (map)
		return map;

	map = vbm_mapping_find_locked(buf, att->vdev, dir, att->exact);
	if (map && map->live && att->piece &&
	    vbm_mapping_contiguous(&map->sgt) < att->piece) {
		/* It is for somebody who takes a list. */
		vbm_mapping_put_locked(map);
		map = NULL;
	}
	att->maps[dir] = map;
	return map;
}

/* Most devices can use most buffers where they are. */
static bool vbm_attachment_content(const struct vbm_buf *buf,
				   const struct vbm_attachment *att)
{
	const struct vbm_device *vdev = att->vdev;

	return vdev && vdev->content && buf->backing->shape.has_pages &&
	       (buf->backing->shape.pieces == 1 || vdev->limits.translated ||
		(!att->piece && !READ_ONCE(vdev->lesson.one)));
}

/* What placement has found is for one map. */
static void vbm_attachment_forget_locked(struct vbm_buf *buf,
					 struct vbm_attachment *att)
{
	lockdep_assert_held(&buf->lock);
	att->lacks = VBM_REQ_NONE;
	att->why = VBM_MOVED;
	att->by = NULL;
}

/*
 * The mapping for an attachment and direction: its own, another's, or new. It
 * has one user more.
 */
static struct vbm_mapping *
vbm_attachment_mapping_locked(struct vbm_buf *buf,
			      struct dma_buf_attachment *attach,
			      enum dma_data_direction dir)
{
	struct vbm_attachment *att = attach->priv;
	struct device *dev = attach->dev;
	struct vbm_mapping *map;
	int ret;

	lockdep_assert_held(&buf->lock);
	vbm_attachment_forget_locked(buf, att);
	if (!buf->backing) {
		ret = vbm_storage_secure_locked(buf);
		if (ret)
			return ERR_PTR(ret);
	}
	/* The DMA API's, who did not say where it lies: the table would be empty. */
	if (!buf->backing->nr_extents)
		return ERR_PTR(-EOPNOTSUPP);
	/* Others look for pages, and do not let go when they are to. */
	if (buf->backing->part && !att->exact &&
	    !vbm_backing_has_pages(buf->backing)) {
		att->lacks = VBM_REQ_PAGES;
		return ERR_PTR(-EOPNOTSUPP);
	}
	map = vbm_attachment_find_locked(buf, attach, dir);
	if (!map && !vbm_attachment_content(buf, att)) {
		ret = vbm_placement_for_locked(buf, att);
		if (ret)
			return ERR_PTR(ret);
	}

	vbm_cpu_before_map_locked(buf);
	if (map) {
		if (!map->live)
			return ERR_PTR(-ENODEV);
		vbm_cpu_map_locked(map);
		vbm_mapping_use_locked(map, att->exact);
		vbm_stat_inc(VBM_STAT_MAPS_CACHED);
		trace_vbm_map_cached(map);
		return map;
	}

	map = vbm_mapping_new_locked(buf, buf->backing, att->vdev, dev, dir,
				     att->exact ? VBM_MAP_EXACT :
						  VBM_MAP_FOREIGN);
	if (IS_ERR(map))
		return map;
	att->maps[dir] = map;
	vbm_stat_inc(VBM_STAT_MAPS);
	trace_vbm_map(map);
	return map;
}

/* Whatever fails, what placement had against it is told once. */
static void vbm_attachment_fail_locked(struct vbm_buf *buf,
				       struct vbm_attachment *att, int ret)
{
	lockdep_assert_held(&buf->lock);
	vbm_fail(&(struct vbm_failure) {
		.task = VBM_TASK_MAP,
		.stat = ret == -ENODEV ? VBM_STAT_FAIL_NODEV :
					 VBM_STAT_FAIL_MAP,
		.error = ret,
		.dev = dev_name(att->attach->dev),
		.size = buf->plane.size,
		.buf = buf->plane.id,
		.owner = vbm_buf_device(buf),
		.lacks = att->lacks,
		.why = att->why,
		.freeze = att->why == VBM_REFUSED_FROZEN ? buf->freeze :
							   VBM_FREEZE_NONE,
		.by = att->by,
	});
}

struct sg_table *vbm_attachment_map(struct dma_buf_attachment *attach,
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
	map = vbm_attachment_mapping_locked(buf, attach, dir);
	if (IS_ERR(map)) {
		table = ERR_CAST(map);
		goto unlock;
	}
	table = vbm_mapping_table_locked(map);
	if (!table) {
		vbm_mapping_unuse_locked(map, att->exact);
		table = ERR_PTR(-ENOMEM);
	} else if (!att->exact) {
		vbm_lesson_map(&att->lesson, map->vdev, map->sgt.nents);
	}
unlock:
	if (IS_ERR(table))
		vbm_attachment_fail_locked(buf, att, PTR_ERR(table));
	mutex_unlock(&buf->lock);

	return IS_ERR(table) ? ERR_CAST(table) : &table->sgt;
}

void vbm_attachment_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir)
{
	struct vbm_table *table = container_of(sgt, struct vbm_table, sgt);
	struct vbm_attachment *att = attach->priv;
	struct vbm_buf *buf = attach->dmabuf->priv;

	dma_resv_assert_held(attach->dmabuf->resv);

	mutex_lock(&buf->lock);
	if (!att->exact)
		vbm_lesson_unmap(&att->lesson, table->map->vdev,
				 table->map->sgt.nents);
	vbm_cpu_unmap_locked(table->map);
	vbm_mapping_unuse_locked(table->map, att->exact);
	vbm_mapping_table_free_locked(table);
	mutex_unlock(&buf->lock);
}

/**
 * vbm_attachment_claim() - mark an attachment as an import of ours
 * @attach: a static attachment, not yet mapped
 * @piece: bytes, from the first on, that the device needs in one piece; 0 if it
 *	takes a list
 *
 * The importer undertakes to call vbm_cpu_give() before and vbm_cpu_take()
 * after each DMA.
 *
 * Context: any.
 * Return: false if the exporter is not this module.
 */
bool vbm_attachment_claim(struct dma_buf_attachment *attach, size_t piece)
{
	struct vbm_attachment *att = attach->priv;

	if (attach->dmabuf->ops->attach != vbm_attachment_new)
		return false;
	/* Who collects demands meanwhile may see it as it was. */
	WRITE_ONCE(att->piece, piece);
	WRITE_ONCE(att->contig, !!piece);
	WRITE_ONCE(att->exact, true);
	return true;
}

/* What a claimed attachment is mapped by; valid until it is unmapped. */
struct vbm_mapping *vbm_attachment_mapping(struct dma_buf_attachment *attach,
					   enum dma_data_direction dir)
{
	struct vbm_attachment *att = attach->priv;

	return att->maps[dir];
}
