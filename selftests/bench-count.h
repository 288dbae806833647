/* SPDX-License-Identifier: GPL-2.0 */
/* Counting what the kernel does for DMA; see bench-count.c. */
#ifndef VBM_BENCH_COUNT_H
#define VBM_BENCH_COUNT_H

struct counts {
	long long attaches;	/* of dma-bufs */
	long long detaches;
	long long maps;		/* of memory, for a device */
	long long unmaps;
	long long flushes;	/* of an IOMMU's TLB */
	long long bytes;	/* copied by swiotlb */
};

/* Begin to count, all of the machine; ends the program on failure. */
void count_start(void);
void count_stop(void);
/* From 0 again. */
void count_reset(void);
/* Waits for what the IOMMU puts off. */
void count_read(struct counts *c);

#endif
