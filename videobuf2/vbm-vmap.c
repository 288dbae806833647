// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel addresses of buffers.
 *
 * Some buffers have one by nature: memory of the DMA API, and memory in one
 * piece that the kernel's linear map covers. (Neighbours that were allocated
 * apart are none: see &vbm_backing.joined.) The others are mapped when the
 * first user comes and unmapped when the last one goes. Importers say when
 * they go (vunmap). A driver that asked with vaddr() does not; it may keep the
 * pointer as long as it has the buffer, so its share goes with the buffer.
 */

#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "vbm-vmap.h"
#include "vbm-backing.h"
#include "vbm-cache.h"
#include "vbm-mapping.h"
#include "vbm-stats.h"
#include "vbm-device.h"
#include "vbm-trace.h"
#include "vbm.h"

/*
 * vaddr() is called from everywhere. Without preemption counting a spinlock
 * goes unseen, as it does for the rest of the kernel.
 */
bool vbm_may_sleep(void)
{
	if (!in_task() || irqs_disabled())
		return false;
	return !IS_ENABLED(CONFIG_PREEMPT_COUNT) || preemptible();
}

/* Note the address that the storage has anyway. */
void vbm_vmap_init(struct vbm_buf *buf)
{
	const struct vbm_backing *backing = buf->backing;
	struct page *page = backing->nr_extents ? backing->extents[0].page :
						  NULL;

	if (backing->dma.cpu) {
		if (!(backing->dma.attrs & DMA_ATTR_NO_KERNEL_MAPPING))
			buf->vaddr = backing->dma.cpu;
		buf->vaddr_fixed = true;
	} else if (backing->nr_extents == 1 && !backing->joined && page &&
		   !PageHighMem(page)) {
		buf->vaddr = page_address(page) + backing->offset;
		buf->vaddr_fixed = true;
	}
}

/* Has the storage a kernel address, or can it be given one? */
bool vbm_vmap_possible(const struct vbm_buf *buf)
{
	return buf->vaddr_fixed ? !!buf->vaddr :
				  vbm_backing_has_pages(buf->backing);
}

static void *vbm_vmap_map(struct vbm_buf *buf)
{
	const struct vbm_backing *backing = buf->backing;
	unsigned long nr = vbm_backing_nr_pages(backing);
	struct page **pages;
	void *vaddr;

	if (!vbm_backing_has_pages(backing))
		return NULL;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	vbm_backing_pages(backing, 0, nr, pages);
	vaddr = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return vaddr ? vaddr + backing->offset : NULL;
}

static void vbm_vmap_unmap(struct vbm_buf *buf)
{
	vunmap(buf->vaddr - buf->backing->offset);
	WRITE_ONCE(buf->vaddr, NULL);
	vbm_stat_inc(VBM_STAT_KERNEL_UNMAPS);
}

/**
 * vbm_vmap_get() - a kernel address for one user more
 * @buf: the buffer
 *
 * Context: may sleep; takes &vbm_buf.lock.
 * Return: the address of the first byte; NULL if there is none to be had.
 */
void *vbm_vmap_get(struct vbm_buf *buf)
{
	void *vaddr;

	if (buf->vaddr_fixed)
		return buf->vaddr;

	mutex_lock(&buf->lock);
	vaddr = buf->vaddr;
	if (!vaddr) {
		vaddr = vbm_vmap_map(buf);
		if (vaddr) {
			/* finish() and vaddr() look without the lock. */
			smp_store_release(&buf->vaddr, vaddr);
			vbm_stat_inc(VBM_STAT_KERNEL_MAPS);
			trace_vbm_vmap(&buf->plane, buf->own->vdev->name);
		}
	}
	if (vaddr)
		buf->vmap_users++;
	mutex_unlock(&buf->lock);
	return vaddr;
}

void vbm_vmap_put(struct vbm_buf *buf)
{
	if (buf->vaddr_fixed)
		return;

	mutex_lock(&buf->lock);
	if (!--buf->vmap_users)
		vbm_vmap_unmap(buf);
	mutex_unlock(&buf->lock);
}

/* Take the driver's share, once. -ENOMEM if there is no address to be had. */
int vbm_vmap_hold(struct vbm_buf *buf)
{
	bool surplus;

	if (!vbm_vmap_possible(buf))
		return -ENOMEM;
	/* Not a dma-buf's vmap(), where a lock is held that the cache takes. */
	if (!vbm_vmap_get(buf) &&
	    (!vbm_cache_retry(-ENOMEM) || !vbm_vmap_get(buf)))
		return -ENOMEM;
	if (buf->vaddr_fixed)
		return 0;

	mutex_lock(&buf->lock);
	surplus = buf->vaddr_held;
	buf->vaddr_held = true;
	mutex_unlock(&buf->lock);
	if (surplus)
		vbm_vmap_put(buf);
	return 0;
}

/**
 * vbm_vmap_addr() - the kernel address for the driver
 * @buf: the buffer
 *
 * Context: any; makes an address only where it may sleep.
 * Return: the address, valid as long as the driver has the buffer, or NULL.
 */
void *vbm_vmap_addr(struct vbm_buf *buf)
{
	if (buf->vaddr_fixed)
		return buf->vaddr;
	if (!READ_ONCE(buf->vaddr_held) &&
	    (!vbm_may_sleep() || vbm_vmap_hold(buf)))
		return NULL;
	/* Pairs with vbm_vmap_get(). */
	return smp_load_acquire(&buf->vaddr);
}

/* The buffer goes: importers are gone, the driver's share ends here. */
void vbm_vmap_fini(struct vbm_buf *buf)
{
	VBM_ASSERT(buf->vmap_users == buf->vaddr_held);
	if (!buf->vaddr_fixed && buf->vaddr)
		vbm_vmap_unmap(buf);
}
