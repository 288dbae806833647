// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned user memory as a backing.
 *
 * It is a vbm_buf like any other, whose storage comes from an allocator that
 * is never asked for any: the pages are user space's and go back to it.
 */

#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <media/frame_vector.h>
#include <media/videobuf2-core.h>
#include <media/videobuf2-memops.h>

#include "vbm-userptr.h"
#include "vbm-alloc.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-failure.h"
#include "vbm-mapping.h"
#include "vbm.h"

static void vbm_user_free(struct vbm_backing *backing)
{
	vb2_destroy_framevec(backing->vec);
}

static const struct vbm_allocator vbm_alloc_user = {
	.name	= "user",
	.free	= vbm_user_free,
};

static struct vbm_backing *vbm_user_backing(struct frame_vector *vec,
					    unsigned int offset, size_t size)
{
	unsigned int nr_pages = frame_vector_count(vec);
	struct page **pages = frame_vector_pages(vec);
	struct vbm_backing *backing;
	struct vbm_extent *ext;
	unsigned int i, nr = 1;

	if (IS_ERR(pages))
		return ERR_CAST(pages);

	for (i = 1; i < nr_pages; i++)
		if (page_to_pfn(pages[i]) != page_to_pfn(pages[i - 1]) + 1)
			nr++;

	backing = vbm_backing_new(&vbm_alloc_user, size, nr);
	if (!backing)
		return ERR_PTR(-ENOMEM);
	backing->offset = offset;
	backing->vec = vec;

	ext = backing->extents;
	for (i = 0; i < nr_pages; i++) {
		if (i && page_to_pfn(pages[i]) != page_to_pfn(pages[i - 1]) + 1)
			ext++;
		else if (i && compound_head(pages[i]) !=
			      compound_head(pages[i - 1]))
			backing->joined = true;
		if (!ext->nr_pages++) {
			ext->page = pages[i];
			ext->phys = page_to_phys(pages[i]);
		}
	}
	return backing;
}

/*
 * DMA into a cache line that the CPU uses for something else corrupts one of
 * the two.
 */
static bool vbm_user_aligned(struct device *dev, unsigned long vaddr,
			     size_t size, bool contig)
{
	if (!contig && dev_is_dma_coherent(dev))
		return true;
	return IS_ALIGNED(vaddr | size, dma_get_cache_alignment());
}

static int vbm_userptr_map(struct vbm_buf *buf, struct vbm_backing *backing)
{
	int ret;

	mutex_lock(&buf->lock);
	ret = vbm_buf_set_backing_locked(buf, backing);
	mutex_unlock(&buf->lock);
	return ret;
}

static int vbm_userptr_fail(struct device *dev, size_t size,
			    enum vbm_stat stat, int ret)
{
	vbm_fail(&(struct vbm_failure) {
		.task = VBM_TASK_USERPTR,
		.stat = stat,
		.error = ret,
		.dev = dev_name(dev),
		.size = size,
	});
	return ret;
}

/**
 * vbm_userptr_get() - pin user memory and map it for a device
 * @vb: the vb2 buffer
 * @dev: the device
 * @vaddr: user address
 * @size: bytes
 * @contig: the driver wants one address, not a list
 *
 * Context: may sleep; vb2_queue.lock held; takes mmap_lock.
 * Return: the buffer, or ERR_PTR(): -EINVAL if @vaddr or @size is not aligned
 *	to cache lines or @size is 0; -EFAULT if the memory is not there, may
 *	not be written, or is not in one piece for @dev; -ENOMEM; what
 *	vbm_mapping_new_locked() gives.
 */
struct vbm_buf *vbm_userptr_get(struct vb2_buffer *vb, struct device *dev,
				unsigned long vaddr, size_t size, bool contig)
{
	enum dma_data_direction dir = vb->vb2_queue->dma_dir;
	struct vbm_backing *backing;
	struct frame_vector *vec;
	struct vbm_buf *buf;
	int ret;

	if (!size || !vbm_user_aligned(dev, vaddr, size, contig))
		return ERR_PTR(vbm_userptr_fail(dev, size, VBM_STAT_FAIL_ALIGN,
						-EINVAL));

	buf = kzalloc_obj(*buf);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	vbm_buf_init(buf);
	buf->plane.kind = VBM_USERPTR;
	buf->plane.contig = contig;
	buf->plane.dir = dir;
	buf->plane.vb = vb;
	buf->plane.dev = dev;
	buf->plane.size = size;

	vec = vb2_create_framevec(vaddr, size, dir != DMA_TO_DEVICE);
	if (IS_ERR(vec)) {
		ret = PTR_ERR(vec);
		goto err_free;
	}
	backing = vbm_user_backing(vec, offset_in_page(vaddr), size);
	if (IS_ERR(backing)) {
		vb2_destroy_framevec(vec);
		ret = PTR_ERR(backing);
		goto err_free;
	}
	ret = vbm_userptr_map(buf, backing);
	if (vbm_cache_retry(ret))
		ret = vbm_userptr_map(buf, backing);
	if (ret) {
		vbm_backing_put(backing);
		goto err_free;
	}

	vbm_buf_publish(buf);
	return buf;

err_free:
	vbm_userptr_fail(dev, size, ret == -EFAULT ? VBM_STAT_FAIL_CONTIGUITY :
						     VBM_STAT_FAIL_MAP, ret);
	vbm_buf_put(buf);
	return ERR_PTR(ret);
}

/**
 * vbm_userptr_put() - unmap and unpin
 * @buf: what vbm_userptr_get() gave
 *
 * Context: may sleep; vb2_queue.lock held.
 */
void vbm_userptr_put(struct vbm_buf *buf)
{
	struct frame_vector *vec = buf->backing->vec;
	struct page **pages = frame_vector_pages(vec);
	unsigned int i;

	if (buf->plane.dir != DMA_TO_DEVICE && !WARN_ON_ONCE(IS_ERR(pages)))
		for (i = 0; i < frame_vector_count(vec); i++)
			set_page_dirty_lock(pages[i]);

	vbm_buf_put(buf);
}
