// SPDX-License-Identifier: GPL-2.0-only
/*
 * User mappings of MMAP buffers, through the video device and through dma-bufs.
 *
 * Both lead to the same VMA: its file is replaced by one of the buffer's own,
 * whose inode thereby lists all user PTEs of this plane and of no other, so
 * that they can be shot down with unmap_mapping_range(). The file that was
 * mapped stays alive as long as the VMA, as user space expects.
 *
 * dma-contig buffers are mapped by page frame number, dma-sg buffers by page,
 * so that get_user_pages() and O_DIRECT work on them: both as in the modules
 * that this one replaces. (Page frames can be mapped to be private in one run
 * only; those of several, behind an IOMMU, are mapped by page then, as the DMA
 * API does.) They are populated at once; a page that is missing
 * later (MADV_DONTNEED, a shoot-down) comes back by a fault.
 *
 * PTEs are made under &vbm_buf.lock only, in a fault, too: so they lead to the
 * storage that the buffer has, and while somebody who holds the lock has shot
 * them down there are none. fork() and mremap() copy what there is, into a VMA
 * that the inode lists already. The VMA that mmap() populates is listed once
 * mmap() is over: until then a shoot-down would miss it, and the buffer stays
 * (vbm_mmap_listed_locked()).
 *
 * Memory of the DMA API is mapped by the DMA API, and never shot down. Nor can a
 * private mapping of page frames be, which no fault can make again.
 * That of a driver's region is shot down when the driver goes, and then gives a
 * SIGBUS.
 */

#include <linux/anon_inodes.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vbm-mmap.h"
#include "vbm-backing.h"
#include "vbm-buf.h"
#include "vbm-device.h"
#include "vbm-freeze.h"
#include "vbm-mapping.h"
#include "vbm-region.h"
#include "vbm-stats.h"
#include "vbm-storage.h"
#include "vbm-trace.h"
#include "vbm.h"

/**
 * struct vbm_vma - what all VMAs that one mmap() begot share
 * @ref: their number
 * @node: in &vbm_buf.vmas; &vbm_buf.lock
 * @listed: the inode has been seen to list the first of them; &vbm_buf.lock
 * @buf: one reference
 * @file: the file that was mapped
 */
struct vbm_vma {
	refcount_t ref;
	struct list_head node;
	bool listed;
	struct vbm_buf *buf;
	struct file *file;
};

static const struct file_operations vbm_file_ops = {
	.owner = THIS_MODULE,
};

static void vbm_vma_open(struct vm_area_struct *vma)
{
	struct vbm_vma *vv = vma->vm_private_data;

	refcount_inc(&vv->ref);
}

static void vbm_vma_close(struct vm_area_struct *vma)
{
	struct vbm_vma *vv = vma->vm_private_data;

	if (!refcount_dec_and_test(&vv->ref))
		return;
	mutex_lock(&vv->buf->lock);
	list_del(&vv->node);
	mutex_unlock(&vv->buf->lock);
	fput(vv->file);
	vbm_buf_put(vv->buf);
	kfree(vv);
}

static bool vbm_mmap_by_dma_api(const struct vbm_buf *buf)
{
	return buf->backing->dma.dev;
}

/*
 * A part of a driver's region, for as long as that is there. Whoever shoots the
 * PTEs down holds the lock, and says before that it has gone.
 */
static vm_fault_t vbm_vma_fault_region_locked(struct vbm_buf *buf,
					      struct vm_fault *vmf)
{
	const struct vbm_extent *ext = buf->backing->extents;

	lockdep_assert_held(&buf->lock);
	if (vmf->pgoff >= ext->nr_pages ||
	    vbm_region_gone(buf->backing->part))
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      PHYS_PFN(ext->phys) + vmf->pgoff);
}

static vm_fault_t vbm_vma_fault_locked(struct vbm_buf *buf,
				       struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *page;

	lockdep_assert_held(&buf->lock);
	if (buf->backing->part)
		return vbm_vma_fault_region_locked(buf, vmf);
	if (vbm_mmap_by_dma_api(buf) ||
	    vmf->pgoff >= vbm_backing_nr_pages(buf->backing))
		return VM_FAULT_SIGBUS;

	page = vbm_backing_page(buf->backing, vmf->pgoff);
	if (vma->vm_flags & VM_PFNMAP)
		return vmf_insert_pfn(vma, vmf->address, page_to_pfn(page));
	if (!vmf->cow_page)
		return vmf_insert_page(vma, vmf->address, page);

	/* It is copied, to be private, as it is now. */
	get_page(page);
	vmf->page = page;
	return 0;
}

static vm_fault_t vbm_vma_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vbm_vma *vv = vma->vm_private_data;
	struct vbm_buf *buf = vv->buf;
	vm_fault_t ret;

	/* A private copy of memory that has no pages to copy. */
	if (vma->vm_flags & VM_PFNMAP && is_cow_mapping(vma->vm_flags))
		return VM_FAULT_SIGBUS;

	/* Who moves the buffer holds it until the bytes are where they stay. */
	mutex_lock(&buf->lock);
	ret = vbm_vma_fault_locked(buf, vmf);
	mutex_unlock(&buf->lock);
	if (ret & VM_FAULT_ERROR)
		return ret;

	vbm_stat_inc(VBM_STAT_USER_FAULTS);
	trace_vbm_fault(&buf->plane, vmf->pgoff);
	return ret;
}

static const struct vm_operations_struct vbm_vm_ops = {
	.open	= vbm_vma_open,
	.close	= vbm_vma_close,
	.fault	= vbm_vma_fault,
};

/*
 * dma-contig: page frames. The kernel keeps no memory type for RAM, but would look
 * for it in the first PTE each time that it unmaps: a shoot-down beside an munmap()
 * finds none there, and warns.
 */
static int vbm_mmap_pfns(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	const struct vbm_extent *ext = buf->backing->extents;
	unsigned long skip = vma->vm_pgoff;
	unsigned long addr = vma->vm_start;
	int ret;

	while (addr < vma->vm_end) {
		unsigned long len;

		if (skip >= ext->nr_pages) {
			skip -= ext->nr_pages;
			ext++;
			continue;
		}
		len = min(vma->vm_end - addr, (ext->nr_pages - skip) <<
					      PAGE_SHIFT);
		ret = remap_pfn_range(vma, addr, PHYS_PFN(ext->phys) + skip,
				      len, vma->vm_page_prot);
		if (ret)
			return ret;
		addr += len;
		skip = 0;
		ext++;
	}
	vm_flags_clear(vma, VBM_VM_TRACKED);
	return 0;
}

/* dma-sg: pages, a batch at a time. */
static int vbm_mmap_pages(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	unsigned long index = vma->vm_pgoff;
	unsigned long addr = vma->vm_start;
	struct page *pages[16];
	int ret;

	while (addr < vma->vm_end) {
		unsigned long nr = min_t(unsigned long, ARRAY_SIZE(pages),
					 (vma->vm_end - addr) >> PAGE_SHIFT);
		unsigned long left = nr;

		vbm_backing_pages(buf->backing, index, nr, pages);
		ret = vm_insert_pages(vma, addr, pages, &left);
		if (ret)
			return ret;
		addr += nr << PAGE_SHIFT;
		index += nr;
	}
	return 0;
}

/* Memory of the DMA API; while its device is there to ask. */
static int vbm_mmap_dma(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	const struct vbm_backing *backing = buf->backing;

	if (!buf->own->live)
		return -ENODEV;
	if (backing->dma.sgt)
		return dma_mmap_noncontiguous(backing->dma.dev, vma,
					      backing->size, backing->dma.sgt);
	return dma_mmap_attrs(backing->dma.dev, vma, backing->dma.cpu,
			      backing->dma.addr, backing->size,
			      backing->dma.attrs);
}

/*
 * Page by page, when they are touched: what is inserted here would not be found
 * by who shoots it down, since the VMA is in no list yet. By page frame number:
 * nobody is to pin it.
 */
static int vbm_mmap_region(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	if (vbm_region_gone(buf->backing->part))
		return -ENODEV;
	vm_flags_set(vma, VM_PFNMAP | VM_IO);
	if (!buf->backing->extents[0].page)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	return 0;
}

static struct file *vbm_mmap_file(struct vbm_buf *buf)
{
	struct file *file = buf->file;

	if (!file) {
		file = anon_inode_create_getfile("[videobuf2-mem]",
						 &vbm_file_ops, NULL, O_RDWR,
						 NULL);
		if (!IS_ERR(file))
			buf->file = file;
	}
	return file;
}

static int vbm_mmap_populate(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	if (buf->backing->part)
		return vbm_mmap_region(buf, vma);
	if (vbm_mmap_by_dma_api(buf))
		return vbm_mmap_dma(buf, vma);
	if (!buf->plane.contig)
		return vbm_mmap_pages(buf, vma);
	if (!is_cow_mapping(vma->vm_flags))
		return vbm_mmap_pfns(buf, vma);
	if (buf->backing->nr_extents > 1)
		return vbm_mmap_pages(buf, vma);
	vbm_freeze(buf, VBM_FREEZE_PRIVATE);
	return vbm_mmap_pfns(buf, vma);
}

static int vbm_mmap_locked(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	unsigned long nr = vbm_backing_nr_pages(buf->backing);
	struct file *file;
	struct vbm_vma *vv;
	int ret;

	lockdep_assert_held(&buf->lock);
	if (!buf->backing->nr_extents)
		nr = buf->plane.size >> PAGE_SHIFT;
	if (vma->vm_pgoff >= nr || vma_pages(vma) > nr - vma->vm_pgoff)
		return -ENXIO;

	file = vbm_mmap_file(buf);
	if (IS_ERR(file))
		return PTR_ERR(file);
	vv = kzalloc_obj(*vv);
	if (!vv)
		return -ENOMEM;

	ret = vbm_mmap_populate(buf, vma);
	if (ret) {
		kfree(vv);
		return ret;
	}

	refcount_set(&vv->ref, 1);
	vbm_buf_get(buf);
	vv->buf = buf;
	vv->file = get_file(vma->vm_file);
	list_add(&vv->node, &buf->vmas);
	vma_set_file(vma, file);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = vv;
	vma->vm_ops = &vbm_vm_ops;
	trace_vbm_mmap(&buf->plane, buf->own->vdev->name);
	return 0;
}

/**
 * vbm_mmap() - map a buffer into user space
 * @buf: the buffer
 * @vma: where to; its offset counts in pages of the buffer
 *
 * A managed buffer is given storage here, if need be; not in a fault, which has
 * no way to fail but to call the OOM killer.
 *
 * Context: may sleep; mmap_lock held for writing, and q->mmap_lock if it comes
 *	from vb2; takes &vbm_buf.lock.
 * Return: 0; -EINVAL or -ENXIO if @vma reaches beyond the buffer, -EINVAL also
 *	if it is to be a private copy of a region's; -ENODEV if the memory is the
 *	DMA API's, or a region's, and its device has gone; -ENOMEM; for a managed
 *	buffer also as vbm_storage_secure().
 */
int vbm_mmap(struct vbm_buf *buf, struct vm_area_struct *vma)
{
	int ret;

	ret = vbm_storage_secure(buf);
	if (ret)
		return ret;
	mutex_lock(&buf->lock);
	ret = vbm_mmap_locked(buf, vma);
	mutex_unlock(&buf->lock);
	if (!ret)
		vbm_stat_inc(VBM_STAT_USER_MAPS);
	return ret;
}

/* Does the inode list a VMA of these? */
static bool vbm_vma_is_listed(struct address_space *mapping,
			      const struct vbm_vma *vv)
{
	struct vm_area_struct *vma;
	struct rb_node *node;

	for (node = rb_first_cached(&mapping->i_mmap); node;
	     node = rb_next(node)) {
		vma = rb_entry(node, struct vm_area_struct, shared.rb);
		if (vma->vm_private_data == vv)
			return true;
	}
	return false;
}

/**
 * vbm_mmap_listed_locked() - would a shoot-down find all user PTEs?
 * @buf: the buffer
 *
 * Context: may sleep; &vbm_buf.lock held.
 * Return: false while some mmap() of it is not over. What was listed once leaves
 *	the list without PTEs.
 */
bool vbm_mmap_listed_locked(struct vbm_buf *buf)
{
	struct address_space *mapping;
	bool listed = true;
	struct vbm_vma *vv;

	lockdep_assert_held(&buf->lock);
	if (list_empty(&buf->vmas))
		return true;

	mapping = buf->file->f_mapping;
	i_mmap_lock_read(mapping);
	list_for_each_entry(vv, &buf->vmas, node) {
		if (!vv->listed)
			vv->listed = vbm_vma_is_listed(mapping, vv);
		listed = listed && vv->listed;
	}
	i_mmap_unlock_read(mapping);
	return listed;
}

/**
 * vbm_mmap_shoot_down_locked() - clear all user PTEs of a buffer
 * @buf: the buffer, vbm_mmap_listed_locked()
 *
 * Private copies of pages stay what they are.
 *
 * Context: may sleep; &vbm_buf.lock held, without which no PTE comes back.
 */
void vbm_mmap_shoot_down_locked(struct vbm_buf *buf)
{
	lockdep_assert_held(&buf->lock);
	if (!list_empty(&buf->vmas))
		unmap_mapping_range(buf->file->f_mapping, 0, 0, 0);
}
