// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vbdma's copy costs, against memcpy() of as many bytes: for a frame of
 * 1080p YUYV in one piece, and in single pages.
 *
 * Measures when it is loaded; the results are its parameters, in nanoseconds,
 * which are instructions where the guest's clock counts those.
 */

#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/vmalloc.h>

#include "../../drivers/vbdma/vbdma.h"

#define PICTURE_SIZE	(1920 * 1080 * 2)
#define PICTURE_PAGES	DIV_ROUND_UP(PICTURE_SIZE, PAGE_SIZE)
#define ROUNDS		9

static unsigned long memcpy_ns;
module_param(memcpy_ns, ulong, 0444);
static unsigned long contig_write_ns;
module_param(contig_write_ns, ulong, 0444);
static unsigned long contig_read_ns;
module_param(contig_read_ns, ulong, 0444);
static unsigned long scattered_write_ns;
module_param(scattered_write_ns, ulong, 0444);
static unsigned long scattered_read_ns;
module_param(scattered_read_ns, ulong, 0444);

static struct platform_device *pdev;
static struct vbdma_dev dma;
static struct page *pages[PICTURE_PAGES];
static void *frame, *block;

static int measure(const struct vbdma_target *target, bool write,
		   unsigned long *best)
{
	unsigned int i;
	int ret;

	*best = ULONG_MAX;
	for (i = 0; i < ROUNDS; i++) {
		u64 start = ktime_get_ns();

		if (write)
			ret = vbdma_write(&dma, target, 0, frame, PICTURE_SIZE);
		else
			ret = vbdma_read(&dma, target, 0, frame, PICTURE_SIZE);
		if (ret)
			return ret;
		*best = min_t(unsigned long, *best, ktime_get_ns() - start);
	}

	return 0;
}

static void measure_memcpy(void)
{
	unsigned int i;

	memcpy_ns = ULONG_MAX;
	for (i = 0; i < ROUNDS; i++) {
		u64 start = ktime_get_ns();

		memcpy(block, frame, PICTURE_SIZE);
		barrier_data(block);
		memcpy_ns = min_t(unsigned long, memcpy_ns,
				  ktime_get_ns() - start);
	}
}

static int measure_contig(struct device *dev)
{
	struct vbdma_target target;
	dma_addr_t addr;
	int ret;

	addr = dma_map_single(dev, block, PICTURE_SIZE, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, addr))
		return -EIO;
	vbdma_target_contig(&target, addr, PICTURE_SIZE);
	ret = measure(&target, true, &contig_write_ns) ?:
	      measure(&target, false, &contig_read_ns);
	dma_unmap_single(dev, addr, PICTURE_SIZE, DMA_BIDIRECTIONAL);

	return ret;
}

/* One entry for each page, also where pages happen to be neighbours. */
static int measure_scattered(struct device *dev)
{
	struct vbdma_target target;
	struct scatterlist *sg;
	struct sg_table sgt;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&sgt, PICTURE_PAGES, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sgt, sg, i)
		sg_set_page(sg, pages[i], PAGE_SIZE, 0);
	ret = dma_map_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, 0);
	if (!ret) {
		vbdma_target_sgt(&target, &sgt);
		ret = measure(&target, true, &scattered_write_ns) ?:
		      measure(&target, false, &scattered_read_ns);
		dma_unmap_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, 0);
	}
	sg_free_table(&sgt);

	return ret;
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < PICTURE_PAGES; i++)
		if (pages[i])
			__free_page(pages[i]);
	if (block)
		free_pages_exact(block, PICTURE_SIZE);
	vfree(frame);
	vbdma_dev_fini(&dma);
	platform_device_unregister(pdev);
}

static int __init vbdma_bench_init(void)
{
	static const struct vbdma_config config = {
		.name = "bench", .limits.mask = DMA_BIT_MASK(64),
	};
	unsigned int i;
	int ret = -ENOMEM;

	pdev = platform_device_register_simple("vbdma-bench",
					       PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);

	frame = vzalloc(PICTURE_SIZE);
	block = alloc_pages_exact(PICTURE_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (!frame || !block)
		goto err_free;
	for (i = 0; i < PICTURE_PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i])
			goto err_free;
	}

	ret = vbdma_dev_init(&dma, &pdev->dev, &config);
	if (ret)
		goto err_free;
	measure_memcpy();
	ret = measure_contig(&pdev->dev) ?: measure_scattered(&pdev->dev);
	if (ret)
		goto err_free;

	return 0;

err_free:
	free_all();
	return ret;
}
module_init(vbdma_bench_init);

static void __exit vbdma_bench_exit(void)
{
	free_all();
}
module_exit(vbdma_bench_exit);

MODULE_DESCRIPTION("What vbdma's copy costs");
MODULE_LICENSE("GPL");
