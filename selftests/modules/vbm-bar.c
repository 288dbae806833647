// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm-bar: queues whose buffers live in memory of a driver's own, for the self
 * tests.
 *
 * QEMU's ivshmem-plain has a BAR of memory without struct pages: /dev/vbm-bar
 * makes queues in it. Its "edu" functions are importers, behind an IOMMU if there
 * is one: /dev/vbm-edu.N. With ram=1 the first of those has a region of RAM,
 * which is not freed before nobody has it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <media/videobuf2-mem.h>

#include "vbm-queue.h"

#define BAR_RAM_ORDER	8

static bool ram;
module_param(ram, bool, 0444);
MODULE_PARM_DESC(ram, "the first edu function has a region of RAM");

static bool own;
module_param(own, bool, 0444);
MODULE_PARM_DESC(own, "the driver chooses what memory of the BAR is given out");

static int reach = -1;
module_param(reach, int, 0444);
MODULE_PARM_DESC(reach, "who reaches the BAR: 1 all, 0 nobody, -1 not said");

static unsigned long local;
module_param(local, ulong, 0444);
MODULE_PARM_DESC(local, "where the device itself finds its BAR, or 0");

static int releases;
module_param(releases, int, 0444);
MODULE_PARM_DESC(releases, "regions that nobody has anything of any more");

static atomic_t bar_releases;

/* What is given out of a BAR from its end on, a page at a time. */
struct bar {
	phys_addr_t start;
	struct mutex lock;	/* @map */
	unsigned long nr_pages;
	unsigned long *map;
	struct page *ram;
};

static int bar_alloc(void *priv, size_t size, phys_addr_t *phys)
{
	unsigned long nr = size >> PAGE_SHIFT, at;
	struct bar *bar = priv;
	int ret = -ENOMEM;

	mutex_lock(&bar->lock);
	for (at = bar->nr_pages - nr + 1; nr <= bar->nr_pages && at--;) {
		if (find_next_bit(bar->map, at + nr, at) < at + nr)
			continue;
		bitmap_set(bar->map, at, nr);
		*phys = bar->start + PFN_PHYS(at);
		ret = 0;
		break;
	}
	mutex_unlock(&bar->lock);
	return ret;
}

static void bar_free(void *priv, phys_addr_t phys, size_t size)
{
	struct bar *bar = priv;

	mutex_lock(&bar->lock);
	bitmap_clear(bar->map, PHYS_PFN(phys - bar->start), size >> PAGE_SHIFT);
	mutex_unlock(&bar->lock);
}

static bool bar_reaches(void *priv, struct device *importer)
{
	return reach;
}

static void bar_release(void *priv)
{
	struct bar *bar = priv;

	if (bar->ram)
		__free_pages(bar->ram, BAR_RAM_ORDER);
	bitmap_free(bar->map);
	mutex_destroy(&bar->lock);
	kfree(bar);
	WRITE_ONCE(releases, atomic_inc_return(&bar_releases));
}

static const struct vbm_region_ops bar_ops[2][2] = {
	[0][0] = { .release = bar_release },
	[0][1] = { .release = bar_release, .reaches = bar_reaches },
	[1][0] = { .release = bar_release, .alloc = bar_alloc,
		   .free = bar_free },
	[1][1] = { .release = bar_release, .reaches = bar_reaches,
		   .alloc = bar_alloc, .free = bar_free },
};

static int bar_register(struct bar *bar, struct pci_dev *pdev, bool pages)
{
	struct vbm_region_config config = {
		.name = pages ? "vbm-ram" : "vbm-bar",
		.start = bar->start,
		.size = PFN_PHYS(bar->nr_pages),
		.dma_start = local,
		.ops = &bar_ops[own][reach >= 0],
		.priv = bar,
	};

	if (pages)
		config.flags = VBM_REGION_PAGES;
	else if (local)
		config.flags = VBM_REGION_LOCAL;
	bar->map = bitmap_zalloc(bar->nr_pages, GFP_KERNEL);
	if (!bar->map)
		return -ENOMEM;
	return PTR_ERR_OR_ZERO(vbm_region_register(&pdev->dev, &config));
}

/* The region, once there is one, frees the structure. */
static int bar_probe_memory(struct pci_dev *pdev, struct bar *bar)
{
	int ret;

	ret = pcim_request_region(pdev, 2, "vbm-bar");
	if (ret)
		return ret;
	bar->start = pci_resource_start(pdev, 2);
	bar->nr_pages = PHYS_PFN(pci_resource_len(pdev, 2));
	return bar_register(bar, pdev, false);
}

static int bar_probe_ram(struct pci_dev *pdev, struct bar *bar)
{
	bar->ram = alloc_pages(GFP_KERNEL, BAR_RAM_ORDER);
	if (!bar->ram)
		return -ENOMEM;
	bar->start = page_to_phys(bar->ram);
	bar->nr_pages = 1UL << BAR_RAM_ORDER;
	return bar_register(bar, pdev, true);
}

static struct device *bar_ram_dev;

static int bar_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	bool memory = id->driver_data;
	struct vbmq_host *host;
	static atomic_t edus;
	char name[24] = "vbm-bar";
	struct bar *bar;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;

	if (!memory)
		snprintf(name, sizeof(name), "vbm-edu.%d",
			 atomic_inc_return(&edus) - 1);
	if (memory || (ram && !bar_ram_dev)) {
		bar = kzalloc_obj(*bar);
		if (!bar)
			return -ENOMEM;
		mutex_init(&bar->lock);
		ret = memory ? bar_probe_memory(pdev, bar) :
			       bar_probe_ram(pdev, bar);
		if (ret) {
			if (bar->ram)
				__free_pages(bar->ram, BAR_RAM_ORDER);
			bitmap_free(bar->map);
			kfree(bar);
			return ret;
		}
		if (!memory)
			bar_ram_dev = &pdev->dev;
	}

	host = vbmq_host_add(&pdev->dev, name, 64);
	if (IS_ERR(host))
		return PTR_ERR(host);
	pci_set_drvdata(pdev, host);
	return 0;
}

static void bar_remove(struct pci_dev *pdev)
{
	vbmq_host_remove(pci_get_drvdata(pdev));
	if (bar_ram_dev == &pdev->dev)
		bar_ram_dev = NULL;
}

static const struct pci_device_id bar_ids[] = {
	{ PCI_DEVICE(0x1af4, 0x1110), .driver_data = 1 },
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver bar_driver = {
	.name = "vbm-bar",
	.id_table = bar_ids,
	.probe = bar_probe,
	.remove = bar_remove,
};
module_pci_driver(bar_driver);

MODULE_DESCRIPTION("Buffers in a driver's own memory, for the videobuf2-mem tests");
MODULE_LICENSE("GPL");
