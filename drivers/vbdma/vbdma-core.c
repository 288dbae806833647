// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbdma: a bus master in software
 *
 * The virtual drivers of the kernel reach a buffer through its kernel virtual
 * address, so none of them can tell a right DMA mapping from a wrong one. This
 * module sees of a buffer what hardware would see: DMA addresses and lengths.
 * Each address takes the way that it would take on the bus,
 *
 *	DMA address --(IOMMU domain, if it translates)--> physical --> memory
 *
 * so that where the kernel bounces a buffer it is the bounce buffer that is
 * read or written, and where there is an IOMMU it is its page tables that
 * decide. What the device declared to be able to do is enforced, not trusted:
 * an address that is out of its reach is a device fault, as is one that leads
 * nowhere. A fault ends the transfer; it is counted, traced, and left to the
 * driver to report.
 *
 * Nothing protects the IOMMU's page tables, or the memory behind them, from
 * being freed during a walk. Hence the rules: a buffer is accessed only while
 * the driver owns it; all accesses are made under vbdma_dev.lock, which
 * teardown takes; they go in steps of a page, which tolerate a missing page,
 * and the address is translated again after each step. A translation that
 * changed is a fault: the device has written to memory that was no longer its
 * own, or was about to.
 *
 * What leads to memory of a device (a BAR) is reached as the CPU reaches it,
 * whatever lies between the two on a real bus.
 *
 * Not modelled: the memory traffic of a device that does not snoop the CPU's
 * caches. The copy is done by the CPU, through the cache, which is also where
 * the kernel's cache maintenance finds it.
 */

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "vbdma.h"
#include "vbdma-debugfs.h"
#include "vbdma-edu.h"
#include "vbdma-trace.h"

/* The smallest page of any IOMMU: what one translation is good for. */
#define VBDMA_STEP	SZ_4K

static int vbdma_fault(struct vbdma_dev *vd, enum vbdma_fault kind,
		       dma_addr_t addr, size_t len)
{
	atomic64_inc(&vd->faults[kind]);
	trace_vbdma_fault(vd, kind, addr, len);

	return kind == VBDMA_FAULT_GONE ? -ENODEV : -EFAULT;
}

/*
 * The domain that @dev's addresses go through, NULL where they are physical.
 */
static struct iommu_domain *vbdma_domain(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

#ifdef CONFIG_IOMMU_API
	if (domain && domain->type == IOMMU_DOMAIN_IDENTITY)
		return NULL;
#endif
	return domain;
}

/* Returns false if the IOMMU knows nothing of @addr. */
static bool vbdma_translate(const struct vbdma_dev *vd,
			    struct iommu_domain *domain, dma_addr_t addr,
			    phys_addr_t *phys)
{
	if (!domain) {
		*phys = dma_to_phys(vd->dev, addr);
		return *phys != (phys_addr_t)-1;
	}

	*phys = iommu_iova_to_phys(domain, addr);
	return *phys;
}

static int vbdma_check_reach(struct vbdma_dev *vd, dma_addr_t addr, size_t len)
{
	const struct vbdma_limits *limits = &vd->limits;

	if (addr > limits->mask || len - 1 > limits->mask - addr)
		return vbdma_fault(vd, VBDMA_FAULT_MASK, addr, len);

	if (limits->align && !IS_ALIGNED(addr, limits->align))
		return vbdma_fault(vd, VBDMA_FAULT_ALIGN, addr, len);

	return 0;
}

/*
 * What a scatter-gather engine finds out when it loads its list, before it
 * moves a byte.
 */
static int vbdma_check(struct vbdma_dev *vd, const struct vbdma_target *target)
{
	const struct vbdma_limits *limits = &vd->limits;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	if (!target->contig && limits->max_segs &&
	    target->nents > limits->max_segs)
		return vbdma_fault(vd, VBDMA_FAULT_NR_SEGS,
				   sg_dma_address(target->sgl), target->nents);

	for_each_sg(target->sgl, sg, target->nents, i) {
		dma_addr_t addr = sg_dma_address(sg);
		unsigned int len = sg_dma_len(sg);

		if (!len)
			return vbdma_fault(vd, VBDMA_FAULT_RANGE, addr, len);

		ret = vbdma_check_reach(vd, addr, len);
		if (ret)
			return ret;

		if (target->contig)
			continue;

		if (limits->max_seg_size && len > limits->max_seg_size)
			return vbdma_fault(vd, VBDMA_FAULT_SEG_SIZE, addr, len);

		if (limits->boundary &&
		    (addr | limits->boundary) !=
		    ((addr + len - 1) | limits->boundary))
			return vbdma_fault(vd, VBDMA_FAULT_BOUNDARY, addr, len);
	}

	return 0;
}

/* Can words be copied between the two? */
static bool vbdma_words(const void *a, const void *b)
{
	return IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
	       IS_ALIGNED((unsigned long)a | (unsigned long)b, sizeof(u64));
}

/*
 * Memory may be missing on one side. copy_to_kernel_nofault() is not exported,
 * and its counterpart takes twice as long as memcpy(): hence both here, 32
 * words at a time.
 */
#define VBDMA_WORDS	(32 * sizeof(u64))

static int vbdma_poke(void *dst, const void *src, size_t len)
{
	bool words = vbdma_words(dst, src);
	unsigned int i;

	pagefault_disable();
	for (; words && len >= VBDMA_WORDS; len -= VBDMA_WORDS) {
#pragma GCC unroll 32
		for (i = 0; i < VBDMA_WORDS; i += sizeof(u64))
			__put_kernel_nofault(dst + i, src + i, u64, fault);
		dst += VBDMA_WORDS;
		src += VBDMA_WORDS;
	}
	for (; len; dst++, src++, len--)
		__put_kernel_nofault(dst, src, u8, fault);
	pagefault_enable();

	return 0;

fault:
	pagefault_enable();
	return -EFAULT;
}

static int vbdma_peek(void *dst, const void *src, size_t len)
{
	bool words = vbdma_words(dst, src);
	unsigned int i;

	pagefault_disable();
	for (; words && len >= VBDMA_WORDS; len -= VBDMA_WORDS) {
#pragma GCC unroll 32
		for (i = 0; i < VBDMA_WORDS; i += sizeof(u64))
			__get_kernel_nofault(dst + i, src + i, u64, fault);
		dst += VBDMA_WORDS;
		src += VBDMA_WORDS;
	}
	for (; len; dst++, src++, len--)
		__get_kernel_nofault(dst, src, u8, fault);
	pagefault_enable();

	return 0;

fault:
	pagefault_enable();
	return -EFAULT;
}

/*
 * Memory of another device, as far as that has a driver which has taken it: what
 * is behind the address of one that went is nothing any more.
 */
static bool vbdma_is_device_memory(phys_addr_t phys, size_t len)
{
	return region_intersects(phys, len, IORESOURCE_MEM | IORESOURCE_BUSY,
				 IORES_DESC_NONE) == REGION_INTERSECTS;
}

static int vbdma_io_move(phys_addr_t phys, void *buf, size_t len, bool write)
{
	void __iomem *page, *io;

	page = ioremap_wc(phys & PAGE_MASK, PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	io = page + offset_in_page(phys);
	if (write)
		memcpy_toio(io, buf, len);
	else
		memcpy_fromio(buf, io, len);
	iounmap(page);

	return 0;
}

static int vbdma_cpu_move(phys_addr_t phys, void *buf, size_t len, bool write)
{
	void *page, *vaddr;
	int ret;

	page = kmap_local_page(pfn_to_page(PHYS_PFN(phys)));
	vaddr = page + offset_in_page(phys);
	if (write)
		ret = vbdma_poke(vaddr, buf, len);
	else
		ret = vbdma_peek(buf, vaddr, len);
	kunmap_local(page);

	return ret;
}

/* Moves @len bytes that lie in one page, in the device's view and in ours. */
static int vbdma_copy_step(struct vbdma_dev *vd, struct iommu_domain *domain,
			   dma_addr_t addr, void *buf, size_t len, bool write)
{
	phys_addr_t phys, phys_after;
	bool ram;
	int ret;

	if (!vbdma_translate(vd, domain, addr, &phys))
		return vbdma_fault(vd, VBDMA_FAULT_UNMAPPED, addr, len);

	ram = pfn_valid(PHYS_PFN(phys));
	if (!ram && !vbdma_is_device_memory(phys, len))
		return vbdma_fault(vd, VBDMA_FAULT_NOT_RAM, addr, len);

	if (vd->edu)
		ret = vbdma_edu_move(vd->edu, addr, buf, len, write);
	else if (!ram)
		ret = vbdma_io_move(phys, buf, len, write);
	else
		ret = vbdma_cpu_move(phys, buf, len, write);
	if (ret)
		return vbdma_fault(vd, VBDMA_FAULT_ACCESS, addr, len);

	if (!vbdma_translate(vd, domain, addr, &phys_after) ||
	    phys_after != phys)
		return vbdma_fault(vd, VBDMA_FAULT_STALE, addr, len);

	return 0;
}

static int vbdma_copy_segment(struct vbdma_dev *vd, struct iommu_domain *domain,
			      dma_addr_t addr, void *buf, size_t len,
			      bool write)
{
	int ret;

	while (len) {
		size_t step = min_t(size_t, len,
				    VBDMA_STEP - (addr & (VBDMA_STEP - 1)));

		ret = vbdma_copy_step(vd, domain, addr, buf, step, write);
		if (ret)
			return ret;

		addr += step;
		buf += step;
		len -= step;
		cond_resched();
	}

	return 0;
}

static int vbdma_copy(struct vbdma_dev *vd, const struct vbdma_target *target,
		      size_t offset, void *buf, size_t len, bool write)
{
	struct iommu_domain *domain = vbdma_domain(vd->dev);
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sg(target->sgl, sg, target->nents, i) {
		size_t sg_len = sg_dma_len(sg);
		size_t step;

		if (!len)
			break;

		if (offset >= sg_len) {
			offset -= sg_len;
			continue;
		}

		step = min(len, sg_len - offset);
		ret = vbdma_copy_segment(vd, domain,
					 sg_dma_address(sg) + offset, buf, step,
					 write);
		if (ret)
			return ret;

		offset = 0;
		buf += step;
		len -= step;
	}

	if (len)
		return vbdma_fault(vd, VBDMA_FAULT_RANGE, 0, len);

	return 0;
}

static int vbdma_transfer(struct vbdma_dev *vd,
			  const struct vbdma_target *target, size_t offset,
			  void *buf, size_t len, bool write)
{
	int ret;

	down_read(&vd->lock);
	if (vd->gone)
		ret = vbdma_fault(vd, VBDMA_FAULT_GONE, 0, len);
	else
		ret = vbdma_check(vd, target);
	if (!ret)
		ret = vbdma_copy(vd, target, offset, buf, len, write);
	up_read(&vd->lock);

	if (!ret) {
		atomic64_inc(&vd->transfers);
		atomic64_add(len, &vd->bytes);
	}
	trace_vbdma_transfer(vd, write, offset, len, ret);

	return ret;
}

/**
 * vbdma_write - have the device write to memory
 * @vd: the bus master
 * @target: where it was told that the buffer is
 * @offset: first byte to write, counted in the buffer
 * @src: the device's own data
 * @len: number of bytes
 *
 * Context: May sleep. The caller owns the buffer.
 * Return: 0, -EFAULT after a device fault, -ENODEV if the device is gone. After
 * a fault any part of the data may have been written.
 */
int vbdma_write(struct vbdma_dev *vd, const struct vbdma_target *target,
		size_t offset, const void *src, size_t len)
{
	return vbdma_transfer(vd, target, offset, (void *)src, len, true);
}
EXPORT_SYMBOL_GPL(vbdma_write);

/**
 * vbdma_read - have the device read from memory
 * @vd: the bus master
 * @target: where it was told that the buffer is
 * @offset: first byte to read, counted in the buffer
 * @dst: the device's own memory
 * @len: number of bytes
 *
 * Context: May sleep. The caller owns the buffer.
 * Return: 0, -EFAULT after a device fault, -ENODEV if the device is gone. After
 * a fault any part of @dst may have been filled.
 */
int vbdma_read(struct vbdma_dev *vd, const struct vbdma_target *target,
	       size_t offset, void *dst, size_t len)
{
	return vbdma_transfer(vd, target, offset, dst, len, false);
}
EXPORT_SYMBOL_GPL(vbdma_read);

/**
 * vbdma_target_sgt - describe a buffer by a list of segments
 * @target: the description, valid as long as @sgt is
 * @sgt: the mapped table, which is only read
 */
void vbdma_target_sgt(struct vbdma_target *target, const struct sg_table *sgt)
{
	target->sgl = sgt->sgl;
	target->nents = sgt->nents;
	target->contig = false;
}
EXPORT_SYMBOL_GPL(vbdma_target_sgt);

/**
 * vbdma_target_contig - describe a buffer by its address
 * @target: the description, not to be copied
 * @addr: the address that the device is given
 * @size: how far the mapping reaches from there
 */
void vbdma_target_contig(struct vbdma_target *target, dma_addr_t addr,
			 unsigned int size)
{
	sg_init_table(&target->one, 1);
	sg_dma_address(&target->one) = addr;
	sg_dma_len(&target->one) = size;
	target->sgl = &target->one;
	target->nents = 1;
	target->contig = true;
}
EXPORT_SYMBOL_GPL(vbdma_target_contig);

/**
 * vbdma_dev_init - set up a bus master
 * @vd: the bus master
 * @dev: the device that mappings are made for
 * @config: what it is like
 *
 * Tells the DMA API of the limits, so that what is enforced is what was
 * declared.
 *
 * Context: probe() of @dev's driver.
 * Return: 0, or an error if the system can not serve a mask as narrow, or if
 * the function that is to move the data does not answer.
 */
int vbdma_dev_init(struct vbdma_dev *vd, struct device *dev,
		   const struct vbdma_config *config)
{
	const struct vbdma_limits *limits = &config->limits;
	struct vbdma_edu *edu = NULL;
	int ret;

	ret = dma_set_mask_and_coherent(dev, limits->mask);
	if (ret)
		return ret;

	dma_set_max_seg_size(dev, limits->max_seg_size ?: UINT_MAX);
	dma_set_seg_boundary(dev, limits->boundary ?: ULONG_MAX);

	if (config->engine) {
		edu = vbdma_edu_get(to_pci_dev(dev));
		if (IS_ERR(edu))
			return PTR_ERR(edu);
	}

	memset(vd, 0, sizeof(*vd));
	strscpy(vd->name, config->name);
	vd->dev = dev;
	vd->limits = *limits;
	vd->edu = edu;
	init_rwsem(&vd->lock);
	vbdma_debugfs_add(vd);

	return 0;
}
EXPORT_SYMBOL_GPL(vbdma_dev_init);

/**
 * vbdma_dev_fini - take a bus master off the bus
 * @vd: the bus master
 *
 * Waits for the transfers under way; later ones fault. Does nothing for a bus
 * master that was never set up.
 *
 * Context: remove() of the device's driver. May sleep.
 */
void vbdma_dev_fini(struct vbdma_dev *vd)
{
	if (!vd->dev)
		return;

	down_write(&vd->lock);
	vd->gone = true;
	up_write(&vd->lock);
	vbdma_debugfs_remove(vd);
}
EXPORT_SYMBOL_GPL(vbdma_dev_fini);

static int __init vbdma_init(void)
{
	vbdma_debugfs_init();
	return 0;
}
module_init(vbdma_init);

static void __exit vbdma_exit(void)
{
	vbdma_debugfs_exit();
}
module_exit(vbdma_exit);

MODULE_DESCRIPTION("Bus master in software, for drivers without hardware");
MODULE_LICENSE("GPL");
