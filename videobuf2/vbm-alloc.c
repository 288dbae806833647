// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of allocators, and what they share.
 *
 * Page memory is charged to the memory cgroup of whoever allocates. What the
 * DMA API hands out, and ranges, can not be charged from a module; they count
 * against one limit for the whole machine instead, the parameter
 * uncharged_limit_mb.
 */

#include <kunit/static_stub.h>
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/swiotlb.h>

#include "vbm-alloc.h"
#include "vbm-constraints.h"
#include "vbm-fault.h"
#include "vbm-stats.h"

/*
 * Asked in this order: what lies ready; the DMA API, which knows where memory
 * was set aside for such requests (CMA); and where it has none, memory that is
 * cleared first.
 */
static const struct vbm_allocator * const vbm_allocators[] = {
	&vbm_alloc_region,
	&vbm_alloc_pages,
	&vbm_alloc_noncontig,
	&vbm_alloc_dma,
#ifdef CONFIG_CONTIG_ALLOC
	&vbm_alloc_range,
#endif
	NULL
};

/* Context: any. Return: all of them, in order, and NULL. */
const struct vbm_allocator * const *vbm_alloc_table(void)
{
	/* A test puts another in its place. */
	KUNIT_STATIC_STUB_REDIRECT(vbm_alloc_table);
	return vbm_allocators;
}

static unsigned int uncharged_limit_mb;
module_param(uncharged_limit_mb, uint, 0644);
MODULE_PARM_DESC(uncharged_limit_mb,
		 "MiB of buffers that no memory cgroup can be charged for, in all (0: no limit)");

static atomic_long_t vbm_uncharged;

/* In bytes; 0: none. */
u64 vbm_alloc_uncharged_limit(void)
{
	return (u64)READ_ONCE(uncharged_limit_mb) << 20;
}

/* There would be memory: who fails for good by that is to say so. */
int vbm_alloc_over_limit(const struct vbm_request *req)
{
	if (req->limited)
		*req->limited = true;
	return -ENOMEM;
}

/**
 * vbm_alloc_charge() - account memory that no cgroup can be charged for
 * @req: what is to be allocated
 *
 * Context: any.
 * Return: 0, or -ENOMEM if the limit would be passed.
 */
int vbm_alloc_charge(const struct vbm_request *req)
{
	u64 limit = vbm_alloc_uncharged_limit();
	long now = atomic_long_add_return(req->size, &vbm_uncharged);

	if ((limit && now > 0 && now > limit) || vbm_fault()) {
		atomic_long_sub(req->size, &vbm_uncharged);
		return vbm_alloc_over_limit(req);
	}
	vbm_stat_add(VBM_STAT_BYTES_UNCHARGED, req->size);
	return 0;
}

void vbm_alloc_uncharge(size_t size)
{
	atomic_long_sub(size, &vbm_uncharged);
	vbm_stat_sub(VBM_STAT_BYTES_UNCHARGED, size);
}

/* The device has reserved memory, a CMA area or a restricted pool of its own. */
bool vbm_alloc_own_memory(struct device *dev)
{
#ifdef CONFIG_DMA_DECLARE_COHERENT
	if (dev->dma_mem)
		return true;
#endif
#ifdef CONFIG_DMA_CMA
	if (dev->cma_area)
		return true;
#endif
#ifdef CONFIG_SWIOTLB
	if (dev->dma_io_tlb_mem && is_swiotlb_for_alloc(dev))
		return true;
#endif
	return false;
}

/*
 * Memory that only the DMA API can give: the device has memory of its own or
 * DMA operations that are not the common ones, or the queue asks for
 * attributes.
 */
bool vbm_alloc_only_dma_api(const struct vbm_request *req)
{
	struct device *dev = req->dev;

	return req->attrs || !dev->dma_mask || get_dma_ops(dev) ||
	       vbm_alloc_own_memory(dev);
}

/* Only memory that is one piece is of use. */
bool vbm_alloc_one_piece(const struct vbm_request *req)
{
	return (req->contig || req->limits->max_segments == 1) &&
	       !req->limits->translated;
}

/* May memory that begins there be used for @req, if all of it is one piece? */
bool vbm_alloc_fits(const struct vbm_request *req, u64 phys)
{
	const struct vbm_constraints *limits = req->limits;
	u64 last = phys + req->size - 1;

	if (limits->translated)
		return true;
	return last <= limits->max_addr && IS_ALIGNED(phys, limits->align) &&
	       (phys | limits->boundary_mask) == (last | limits->boundary_mask);
}

/* Why an allocator of the DMA API fails: another one may be left to ask. */
int vbm_alloc_last_resort(const struct vbm_request *req)
{
#ifdef CONFIG_CONTIG_ALLOC
	if (vbm_alloc_range.suits(req))
		return -EAGAIN;
#endif
	return -ENOMEM;
}
