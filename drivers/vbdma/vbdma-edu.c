// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers by the DMA engine of QEMU's "edu" function (docs/specs/edu).
 *
 * That is another machine's opinion of our mappings: QEMU's bus and IOMMU, not
 * the kernel's view of them. The engine moves up to 4 KiB between memory and
 * a buffer of its own that nothing else reaches. So what goes out comes in
 * first, from a page of ours beside it, and every piece takes two of its
 * transfers of 100 ms each: right for a tiny frame, useless for video.
 *
 * The engine drops address bits beyond its own mask (edu's property dma_mask,
 * 28 bits by default), which a driver can not read: the parameter
 * dma_mask_bits has to fit.
 */

#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "vbdma-edu.h"

#define EDU_REG_ID		0x00
#define EDU_REG_DMA_SRC		0x80
#define EDU_REG_DMA_DST		0x88
#define EDU_REG_DMA_COUNT	0x90
#define EDU_REG_DMA_CMD		0x98

#define EDU_ID_MASK		0xff
#define EDU_ID			0xed

#define EDU_DMA_START		BIT(0)
#define EDU_DMA_TO_MEMORY	BIT(1)

/* Where the engine sees its buffer. The last byte of its 4 KiB is refused. */
#define EDU_BUFFER		0x40000
#define EDU_PIECE		2048

#define EDU_POLL_US		(10 * USEC_PER_MSEC)
#define EDU_TIMEOUT_US		(10 * USEC_PER_SEC)

/**
 * struct vbdma_edu - an engine
 * @lock: there is one engine, and one buffer
 * @regs: its registers
 * @page: what goes to and comes from @buf by the CPU
 * @page_addr: where the engine sees @page
 */
struct vbdma_edu {
	struct mutex	lock;		/* see above */
	void __iomem	*regs;
	void		*page;
	dma_addr_t	page_addr;
};

static int edu_run(struct vbdma_edu *edu, u64 src, u64 dst, size_t len, u64 cmd)
{
	u64 status;

	writeq(src, edu->regs + EDU_REG_DMA_SRC);
	writeq(dst, edu->regs + EDU_REG_DMA_DST);
	writeq(len, edu->regs + EDU_REG_DMA_COUNT);
	writeq(cmd | EDU_DMA_START, edu->regs + EDU_REG_DMA_CMD);

	return readq_poll_timeout(edu->regs + EDU_REG_DMA_CMD, status,
				  !(status & EDU_DMA_START), EDU_POLL_US,
				  EDU_TIMEOUT_US);
}

static int edu_move_piece(struct vbdma_edu *edu, dma_addr_t addr, void *buf,
			  size_t len, bool write)
{
	dma_addr_t from = write ? edu->page_addr : addr;
	dma_addr_t to = write ? addr : edu->page_addr;
	int ret;

	if (write)
		memcpy(edu->page, buf, len);

	ret = edu_run(edu, from, EDU_BUFFER, len, 0) ?:
	      edu_run(edu, EDU_BUFFER, to, len, EDU_DMA_TO_MEMORY);
	if (ret)
		return ret;

	if (!write)
		memcpy(buf, edu->page, len);

	return 0;
}

/**
 * vbdma_edu_move - have the engine move data
 * @edu: the engine
 * @addr: DMA address in memory
 * @buf: the device's own memory
 * @len: number of bytes
 * @write: from @buf to @addr, else from @addr to @buf
 *
 * Context: May sleep, and does: 200 ms for every 2 KiB.
 * Return: 0, or -ETIMEDOUT if the engine does not end.
 */
int vbdma_edu_move(struct vbdma_edu *edu, dma_addr_t addr, void *buf,
		   size_t len, bool write)
{
	int ret = 0;

	guard(mutex)(&edu->lock);

	while (!ret && len) {
		size_t piece = min_t(size_t, len, EDU_PIECE);

		ret = edu_move_piece(edu, addr, buf, piece, write);
		addr += piece;
		buf += piece;
		len -= piece;
	}

	return ret;
}

/**
 * vbdma_edu_get - take a function's engine into use
 * @pdev: the function, enabled
 *
 * Context: probe() of its driver. What is taken goes back by devres, after
 * remove().
 * Return: the engine, or an error: -ENODEV if it does not answer like one.
 */
struct vbdma_edu *vbdma_edu_get(struct pci_dev *pdev)
{
	struct vbdma_edu *edu;
	int ret;

	edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return ERR_PTR(-ENOMEM);

	ret = devm_mutex_init(&pdev->dev, &edu->lock);
	if (ret)
		return ERR_PTR(ret);

	edu->regs = pcim_iomap_region(pdev, 0, pci_name(pdev));
	if (IS_ERR(edu->regs))
		return ERR_CAST(edu->regs);

	if ((readl(edu->regs + EDU_REG_ID) & EDU_ID_MASK) != EDU_ID)
		return ERR_PTR(-ENODEV);

	edu->page = dmam_alloc_coherent(&pdev->dev, EDU_PIECE, &edu->page_addr,
					GFP_KERNEL);
	if (!edu->page)
		return ERR_PTR(-ENOMEM);

	return edu;
}
