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
#include "vbm-storage.h"
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

/* The address that storage has anyway; @kaddr->fixed: it needs no other. */
static void vbm_vmap_find(const struct vbm_backing *backing,
			  struct vbm_kaddr *kaddr)
{
	struct page *page = backing->nr_extents ? backing->extents[0].page :
						  NULL;

	*kaddr = (struct vbm_kaddr) { };
	if (backing->dma.cpu) {
		if (!(backing->dma.attrs & DMA_ATTR_NO_KERNEL_MAPPING))
			kaddr->vaddr = backing->dma.cpu;
		kaddr->fixed = true;
	} else if (backing->nr_extents == 1 && !backing->joined && page &&
		   !PageHighMem(page)) {
		kaddr->vaddr = page_address(page) + backing->offset;
		kaddr->fixed = true;
	}
}

/* Note it; @backing is going to be the buffer's. */
void vbm_vmap_init(struct vbm_buf *buf, const struct vbm_backing *backing)
{
	struct vbm_kaddr kaddr;

	vbm_vmap_find(backing, &kaddr);
	buf->vaddr = kaddr.vaddr;
	buf->vaddr_fixed = kaddr.fixed;
}

/*
 * Has the storage a kernel address, or can it be given one?
 *
 * Context: &vbm_buf.lock held, or the buffer can not move.
 */
bool vbm_vmap_possible(const struct vbm_buf *buf)
{
	return buf->vaddr_fixed ? !!buf->vaddr :
				  vbm_backing_has_pages(buf->backing);
}

static void *vbm_vmap_map(const struct vbm_backing *backing)
{
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
	if (!vaddr)
		return NULL;
	vbm_stat_inc(VBM_STAT_KERNEL_MAPS);
	return vaddr + backing->offset;
}

static void vbm_vmap_unmap(const struct vbm_backing *backing, void *vaddr)
{
	vunmap(vaddr - backing->offset);
	vbm_stat_inc(VBM_STAT_KERNEL_UNMAPS);
}

/**
 * vbm_vmap_get() - a kernel address for one user more
 * @buf: the buffer
 *
 * As long as there are users, but for the driver, the storage stays. A managed
 * buffer is given some here, if need be.
 *
 * Context: may sleep; takes &vbm_buf.lock.
 * Return: the address of the first byte; NULL if there is none to be had.
 */
void *vbm_vmap_get(struct vbm_buf *buf)
{
	void *vaddr = NULL;

	mutex_lock(&buf->lock);
	if (vbm_storage_secure_locked(buf))
		goto unlock;
	vaddr = buf->vaddr;
	if (!vaddr && !buf->vaddr_fixed) {
		vaddr = vbm_vmap_map(buf->backing);
		if (vaddr) {
			/* finish() and vaddr() look without the lock. */
			smp_store_release(&buf->vaddr, vaddr);
			trace_vbm_vmap(&buf->plane, buf->own->vdev->name);
		}
	}
	if (vaddr)
		buf->vmap_users++;
unlock:
	mutex_unlock(&buf->lock);
	return vaddr;
}

void vbm_vmap_put(struct vbm_buf *buf)
{
	void *vaddr;

	mutex_lock(&buf->lock);
	if (!--buf->vmap_users && !buf->vaddr_fixed) {
		vaddr = buf->vaddr;
		WRITE_ONCE(buf->vaddr, NULL);
		vbm_vmap_unmap(buf->backing, vaddr);
	}
	mutex_unlock(&buf->lock);
}

/**
 * vbm_vmap_prepare_locked() - a kernel address for storage to move to
 * @buf: the buffer, whose kernel address nobody but its driver has
 * @backing: the storage
 * @kaddr: result: the address, for vbm_vmap_switch_locked() or
 *	vbm_vmap_discard()
 *
 * If the buffer has none it gets none: its driver has not asked.
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: 0 or -ENOMEM.
 */
int vbm_vmap_prepare_locked(struct vbm_buf *buf,
			    const struct vbm_backing *backing,
			    struct vbm_kaddr *kaddr)
{
	lockdep_assert_held(&buf->lock);
	vbm_vmap_find(backing, kaddr);
	if (kaddr->fixed || !buf->vaddr)
		return 0;
	kaddr->vaddr = vbm_vmap_map(backing);
	return kaddr->vaddr ? 0 : -ENOMEM;
}

/* Exchange them. Context: any; both locks of the buffer held. */
void vbm_vmap_switch_locked(struct vbm_buf *buf, struct vbm_kaddr *kaddr)
{
	struct vbm_kaddr old = { buf->vaddr, buf->vaddr_fixed };

	lockdep_assert_held(&buf->sync_lock);
	WRITE_ONCE(buf->vaddr, kaddr->vaddr);
	buf->vaddr_fixed = kaddr->fixed;
	/* The driver's share goes with what it asked for. */
	WRITE_ONCE(buf->vaddr_held, kaddr->vaddr && !kaddr->fixed);
	buf->vmap_users = buf->vaddr_held;
	*kaddr = old;
}

/* Context: may sleep. @backing: what it is the address of. */
void vbm_vmap_discard(struct vbm_kaddr *kaddr,
		      const struct vbm_backing *backing)
{
	if (kaddr->vaddr && !kaddr->fixed)
		vbm_vmap_unmap(backing, kaddr->vaddr);
}

/*
 * Take the driver's share, once. -ENOMEM if there is no address to be had. The
 * driver has marked the buffer, or nobody knows it yet: it does not move.
 */
int vbm_vmap_hold(struct vbm_buf *buf)
{
	bool surplus;

	if (!vbm_vmap_possible(buf))
		return -ENOMEM;
	if (buf->vaddr_fixed)
		return 0;
	/* Not a dma-buf's vmap(), where a lock is held that the cache takes. */
	if (!vbm_vmap_get(buf) &&
	    (!vbm_cache_retry(-ENOMEM) || !vbm_vmap_get(buf)))
		return -ENOMEM;

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
		vbm_vmap_unmap(buf->backing, buf->vaddr);
}
