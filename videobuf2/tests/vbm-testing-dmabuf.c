// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers and exporters that are not ours, as mocks. See vbm-testing.h.
 */

#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "vbm-testing.h"
#include "../vbm-export.h"

/* Released before this returns, if nobody else has it. */
static void vbm_testing_fput(void *data)
{
	struct dma_buf *dmabuf = data;

	__fput_sync(dmabuf->file);
}

struct dma_buf *vbm_testing_export(struct kunit *test, struct vbm_buf *buf)
{
	struct dma_buf *dmabuf = vbm_export(buf, O_RDWR | O_CLOEXEC);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   vbm_testing_fput,
							   dmabuf));
	return dmabuf;
}

/* Before the test ends. */
void vbm_testing_close(struct kunit *test, struct dma_buf *dmabuf)
{
	kunit_release_action(test, vbm_testing_fput, dmabuf);
}

/* --- importer ------------------------------------------------------------- */

static void vbm_testing_att_free(void *data)
{
	struct vbm_testing_att *att = data;

	if (att->sgt)
		vbm_testing_unmap(att);
	dma_buf_detach(att->attach->dmabuf, att->attach);
}

struct vbm_testing_att *vbm_testing_attach(struct kunit *test,
					   struct dma_buf *dmabuf,
					   struct device *dev)
{
	struct vbm_testing_att *att;

	att = kunit_kzalloc(test, sizeof(*att), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, att);
	att->attach = dma_buf_attach(dmabuf, dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, att->attach);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   vbm_testing_att_free,
							   att));
	return att;
}

/* Before the test ends. */
void vbm_testing_detach(struct kunit *test, struct vbm_testing_att *att)
{
	kunit_release_action(test, vbm_testing_att_free, att);
}

int vbm_testing_map(struct vbm_testing_att *att, enum dma_data_direction dir)
{
	struct sg_table *sgt;

	/* Mapped where that was to fail. */
	if (att->sgt)
		vbm_testing_unmap(att);
	sgt = dma_buf_map_attachment_unlocked(att->attach, dir);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	att->sgt = sgt;
	att->dir = dir;
	return 0;
}

void vbm_testing_unmap(struct vbm_testing_att *att)
{
	dma_buf_unmap_attachment_unlocked(att->attach, att->sgt, att->dir);
	att->sgt = NULL;
}

/* --- exporter ------------------------------------------------------------- */

static int vbm_testing_foreign_attach(struct dma_buf *dmabuf,
				      struct dma_buf_attachment *attach)
{
	struct vbm_testing_foreign *foreign = dmabuf->priv;

	if (foreign->attach_error)
		return foreign->attach_error;
	foreign->attached++;
	return 0;
}

static void vbm_testing_foreign_detach(struct dma_buf *dmabuf,
				       struct dma_buf_attachment *attach)
{
	struct vbm_testing_foreign *foreign = dmabuf->priv;

	foreign->attached--;
}

static struct sg_table *
vbm_testing_foreign_map(struct dma_buf_attachment *attach,
			enum dma_data_direction dir)
{
	struct vbm_testing_foreign *foreign = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	if (foreign->map_error)
		return ERR_PTR(foreign->map_error);
	sgt = kzalloc_obj(*sgt);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table_from_pages(sgt, foreign->pages, foreign->nr_pages,
					0, foreign->nr_pages * PAGE_SIZE,
					GFP_KERNEL);
	if (ret)
		goto err_free;
	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_free_table;
	foreign->mapped++;
	foreign->maps++;
	return sgt;

err_free_table:
	sg_free_table(sgt);
err_free:
	kfree(sgt);
	return ERR_PTR(ret);
}

static void vbm_testing_foreign_unmap(struct dma_buf_attachment *attach,
				      struct sg_table *sgt,
				      enum dma_data_direction dir)
{
	struct vbm_testing_foreign *foreign = attach->dmabuf->priv;

	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	foreign->mapped--;
}

static int vbm_testing_foreign_begin(struct dma_buf *dmabuf,
				     enum dma_data_direction dir)
{
	struct vbm_testing_foreign *foreign = dmabuf->priv;

	foreign->accesses++;
	return 0;
}

static int vbm_testing_foreign_end(struct dma_buf *dmabuf,
				   enum dma_data_direction dir)
{
	struct vbm_testing_foreign *foreign = dmabuf->priv;

	foreign->accesses--;
	return 0;
}

static int vbm_testing_foreign_vmap(struct dma_buf *dmabuf,
				    struct iosys_map *map)
{
	struct vbm_testing_foreign *foreign = dmabuf->priv;
	void *vaddr;

	vaddr = vmap(foreign->pages, foreign->nr_pages, VM_MAP, PAGE_KERNEL);
	if (!vaddr)
		return -ENOMEM;
	foreign->vmaps++;
	if (foreign->iomem)
		iosys_map_set_vaddr_iomem(map, (void __iomem *)vaddr);
	else
		iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void vbm_testing_foreign_vunmap(struct dma_buf *dmabuf,
				       struct iosys_map *map)
{
	struct vbm_testing_foreign *foreign = dmabuf->priv;

	vunmap(foreign->iomem ? (void *)map->vaddr_iomem : map->vaddr);
	foreign->vmaps--;
}

static void vbm_testing_foreign_free(struct vbm_testing_foreign *foreign)
{
	unsigned int i;

	/* The ones between them were kept, see vbm_testing_foreign(). */
	for (i = 0; i < foreign->nr_pages && foreign->pages[i]; i++)
		__free_pages(foreign->pages[i], 1);
	kfree(foreign->pages);
	kfree(foreign);
}

/* Also by whoever had the last reference, after the test. */
static void vbm_testing_foreign_release(struct dma_buf *dmabuf)
{
	vbm_testing_foreign_free(dmabuf->priv);
}

static const struct dma_buf_ops vbm_testing_foreign_ops = {
	.attach		= vbm_testing_foreign_attach,
	.detach		= vbm_testing_foreign_detach,
	.map_dma_buf	= vbm_testing_foreign_map,
	.unmap_dma_buf	= vbm_testing_foreign_unmap,
	.begin_cpu_access = vbm_testing_foreign_begin,
	.end_cpu_access	= vbm_testing_foreign_end,
	.vmap		= vbm_testing_foreign_vmap,
	.vunmap		= vbm_testing_foreign_vunmap,
	.release	= vbm_testing_foreign_release,
};

struct vbm_testing_foreign *vbm_testing_foreign(struct kunit *test,
						unsigned int nr_pages)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct vbm_testing_foreign *foreign;
	struct dma_buf *dmabuf;
	unsigned int i;

	foreign = kzalloc_obj(*foreign);
	KUNIT_ASSERT_NOT_NULL(test, foreign);
	foreign->nr_pages = nr_pages;
	foreign->pages = kcalloc(nr_pages, sizeof(*foreign->pages), GFP_KERNEL);
	/* Of each two the first, so that none is next to another. */
	for (i = 0; foreign->pages && i < nr_pages; i++) {
		foreign->pages[i] = alloc_pages(GFP_KERNEL | __GFP_COMP |
						__GFP_ZERO, 1);
		if (!foreign->pages[i])
			break;
	}
	exp_info.ops = &vbm_testing_foreign_ops;
	exp_info.size = nr_pages * PAGE_SIZE;
	exp_info.flags = O_RDWR | O_CLOEXEC;
	exp_info.priv = foreign;
	dmabuf = i == nr_pages ? dma_buf_export(&exp_info) : ERR_PTR(-ENOMEM);
	if (IS_ERR(dmabuf)) {
		if (foreign->pages)
			vbm_testing_foreign_free(foreign);
		else
			kfree(foreign);
		KUNIT_FAIL_AND_ABORT(test, "no memory for an exporter");
	}
	foreign->dmabuf = dmabuf;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   vbm_testing_fput,
							   dmabuf));
	return foreign;
}
