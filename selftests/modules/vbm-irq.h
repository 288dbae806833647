/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Video devices that do all of their work in a hard interrupt; see vbm-irq.c.
 *
 * The device vbm-irq.N is on dma-sg where N has VBM_IRQ_SG, else on dma-contig;
 * it is an output where N has VBM_IRQ_OUTPUT, else it captures. A frame is
 * words of 32 bits:
 *
 *   capture	word i of frame f is vbm_irq_word(f, i); f is the "sequence" of
 *		the buffer
 *   output	the words are the program's; vbm_irq_sum() of what the device
 *		has read is the "sequence" of the buffer
 */
#ifndef VBM_IRQ_H
#define VBM_IRQ_H

#include <linux/types.h>

#define VBM_IRQ_SG	1
#define VBM_IRQ_OUTPUT	2
#define VBM_IRQ_NR	4

static inline __u32 vbm_irq_word(__u32 frame, __u32 i)
{
	return (frame + 1) * 0x9e3779b1U + i;
}

/* The sum of words up to the one before word @i, and that one. */
static inline __u32 vbm_irq_sum(__u32 sum, __u32 i, __u32 word)
{
	return sum + word * (2 * i + 1);
}

#endif
