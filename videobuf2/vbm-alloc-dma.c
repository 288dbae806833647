// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage from the DMA API, for memory that comes no other way: reserved
 * memory, a CMA area or pool of the device's own, coherent memory for a device
 * that is not coherent, DMA attributes, and contiguous buffers that the page
 * allocator has no order for.
 *
 * Two flavours: "dma", which dma_alloc_attrs() maps for good, and "noncontig",
 * cached memory that the queue syncs (V4L2_MEMORY_FLAG_NON_COHERENT).
 *
 * Both zero the memory themselves. The device is held as long as the memory
 * lives; that does not keep its driver bound, so memory which outlives the
 * driver is given back late. The DMA API offers no way to take it back from
 * user space at that moment.
 */

#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>

#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-fault.h"
#include "vbm.h"

/*
 * Turn a table of the DMA API's into extents; false if that can not be.
 * Reserved memory may be no-map: its "pages" are made up then.
 */
static bool vbm_dma_fill_extents(struct vbm_backing *backing,
				 const struct sg_table *sgt)
{
	unsigned long left = vbm_backing_nr_pages(backing);
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i) {
		unsigned long nr = PAGE_ALIGN(sg->length) >> PAGE_SHIFT;
		struct vbm_extent *ext = &backing->extents[i];

		if (!sg_page(sg) || sg->offset)
			return false;
		if (pfn_valid(page_to_pfn(sg_page(sg))))
			ext->page = sg_page(sg);
		ext->phys = PFN_PHYS(page_to_pfn(sg_page(sg)));
		ext->nr_pages = min(nr, left);
		left -= ext->nr_pages;
	}
	return !left;
}

static struct vbm_backing *vbm_dma_backing(const struct vbm_allocator *from,
					   const struct vbm_request *req,
					   const struct sg_table *sgt)
{
	unsigned int nr = sgt ? sgt->orig_nents : 0;
	struct vbm_backing *backing = vbm_backing_new(from, req->size, nr);

	if (!backing)
		return NULL;
	if (sgt && !vbm_dma_fill_extents(backing, sgt))
		backing->nr_extents = 0;
	backing->dma.dev = get_device(req->dev);
	backing->dma.dir = req->dir;
	return backing;
}

/*
 * Without an IOMMU the DMA API does not zero memory that it is not to map for
 * the kernel, and user space would see what was there. So let it map.
 */
static unsigned long vbm_dma_attrs(const struct vbm_request *req)
{
	if (use_dma_iommu(req->dev) || get_dma_ops(req->dev))
		return req->attrs;
	return req->attrs & ~DMA_ATTR_NO_KERNEL_MAPPING;
}

static struct vbm_backing *vbm_dma_alloc(const struct vbm_request *req)
{
	unsigned long attrs = vbm_dma_attrs(req);
	struct vbm_backing *backing = NULL;
	bool have_sgt = false;
	struct sg_table sgt;
	dma_addr_t addr;
	void *cpu = NULL;
	int ret;

	ret = vbm_alloc_charge(req);
	if (ret)
		return ERR_PTR(ret);

	if (!vbm_fault())
		cpu = dma_alloc_attrs(req->dev, req->size, &addr,
				      GFP_KERNEL | __GFP_NOWARN | req->gfp,
				      attrs | DMA_ATTR_NO_WARN);
	if (!cpu) {
		ret = vbm_alloc_last_resort(req);
		goto err_uncharge;
	}

	/* Some memory has no table; then it can be used, but not exported. */
	have_sgt = !dma_get_sgtable_attrs(req->dev, &sgt, cpu, addr, req->size,
					  attrs);
	backing = vbm_dma_backing(&vbm_alloc_dma, req, have_sgt ? &sgt : NULL);
	if (have_sgt)
		sg_free_table(&sgt);
	if (!backing) {
		ret = -ENOMEM;
		goto err_free;
	}
	backing->dma.cpu = cpu;
	backing->dma.addr = addr;
	backing->dma.attrs = attrs;
	return backing;

err_free:
	dma_free_attrs(req->dev, req->size, cpu, addr, attrs);
err_uncharge:
	vbm_alloc_uncharge(req->size);
	return ERR_PTR(ret);
}

static void vbm_dma_free(struct vbm_backing *backing)
{
	dma_free_attrs(backing->dma.dev, backing->size, backing->dma.cpu,
		       backing->dma.addr, backing->dma.attrs);
	vbm_alloc_uncharge(backing->size);
	put_device(backing->dma.dev);
}

/* For dma-contig; dma-sg never had it. */
static bool vbm_dma_suits(const struct vbm_request *req)
{
	return req->contig && req->coherent;
}

const struct vbm_allocator vbm_alloc_dma = {
	.name	= "dma",
	.suits	= vbm_dma_suits,
	.alloc	= vbm_dma_alloc,
	.free	= vbm_dma_free,
};

static struct vbm_backing *vbm_noncontig_alloc(const struct vbm_request *req)
{
	struct vbm_backing *backing;
	struct sg_table *sgt = NULL;
	gfp_t gfp;
	int ret;

	ret = vbm_alloc_charge(req);
	if (ret)
		return ERR_PTR(ret);

	/* All but this attribute, and the zone flags, make the call WARN. */
	gfp = (GFP_KERNEL | __GFP_NOWARN | req->gfp) &
	      ~(GFP_DMA | GFP_DMA32 | __GFP_HIGHMEM);
	if (!vbm_fault())
		sgt = dma_alloc_noncontiguous(req->dev, req->size, req->dir,
					      gfp, req->attrs &
					      DMA_ATTR_ALLOC_SINGLE_PAGES);
	if (!sgt) {
		ret = vbm_alloc_last_resort(req);
		goto err_uncharge;
	}

	backing = vbm_dma_backing(&vbm_alloc_noncontig, req, sgt);
	if (!backing) {
		ret = -ENOMEM;
		goto err_free;
	}
	backing->dma.sgt = sgt;
	backing->dma.addr = sg_dma_address(sgt->sgl);
	return backing;

err_free:
	dma_free_noncontiguous(req->dev, req->size, sgt, req->dir);
err_uncharge:
	vbm_alloc_uncharge(req->size);
	return ERR_PTR(ret);
}

static void vbm_noncontig_free(struct vbm_backing *backing)
{
	dma_free_noncontiguous(backing->dma.dev, backing->size,
			       backing->dma.sgt, backing->dma.dir);
	vbm_alloc_uncharge(backing->size);
	put_device(backing->dma.dev);
}

static bool vbm_noncontig_suits(const struct vbm_request *req)
{
	return req->contig && !req->coherent;
}

const struct vbm_allocator vbm_alloc_noncontig = {
	.name	= "noncontig",
	.suits	= vbm_noncontig_suits,
	.alloc	= vbm_noncontig_alloc,
	.free	= vbm_noncontig_free,
};
