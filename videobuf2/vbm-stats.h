/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters. Gauges say how many there are now, the others how often something
 * has happened since the module was loaded.
 */
#ifndef _VBM_STATS_H
#define _VBM_STATS_H

#include <linux/atomic.h>

enum vbm_stat {
	/* gauges */
	VBM_STAT_BUFFERS,
	VBM_STAT_BYTES,
	VBM_STAT_EXPORTS,
	VBM_STAT_IMPORTS,
	VBM_STAT_USERPTRS,
	VBM_STAT_MAPPINGS,
	VBM_STAT_PARKED,
	VBM_STAT_BYTES_UNCHARGED,
	VBM_STAT_METADATA_BYTES,
	/* counters */
	VBM_STAT_BUFFERS_TOTAL,
	VBM_STAT_BYTES_TOTAL,
	VBM_STAT_EXPORTS_TOTAL,
	VBM_STAT_ATTACHES,
	VBM_STAT_DETACHES,
	VBM_STAT_MAPS,
	VBM_STAT_MAPS_CACHED,
	VBM_STAT_UNMAPS,
	VBM_STAT_IMPORTS_TOTAL,
	VBM_STAT_IMPORT_MAPS,
	VBM_STAT_IMPORT_MAPS_CACHED,
	VBM_STAT_IMPORT_UNMAPS,
	VBM_STAT_USERPTRS_TOTAL,
	VBM_STAT_SYNCS_CPU,
	VBM_STAT_SYNCS_DEVICE,
	VBM_STAT_BYTES_SYNCED,
	VBM_STAT_ACCESSES,
	VBM_STAT_BYTES_ACCESSED,
	VBM_STAT_ACCESS_VMAPS,
	VBM_STAT_USER_MAPS,
	VBM_STAT_USER_FAULTS,
	VBM_STAT_KERNEL_MAPS,
	VBM_STAT_KERNEL_UNMAPS,
	VBM_STAT_DEVICE_UNBINDS,
	VBM_STAT_LESSONS,
	/* failures by reason */
	VBM_STAT_FAIL_NOMEM,
	VBM_STAT_FAIL_LIMIT,
	VBM_STAT_FAIL_SIZE,
	VBM_STAT_FAIL_CONTIGUITY,
	VBM_STAT_FAIL_MAP,
	VBM_STAT_FAIL_ATTACH,
	VBM_STAT_FAIL_IOMEM,
	VBM_STAT_FAIL_NODEV,
	VBM_STAT_FAIL_ALIGN,
	/* in the order of enum vbm_refusal */
	VBM_STAT_MOVES,
	VBM_STAT_MOVES_REFUSED_FROZEN,
	VBM_STAT_MOVES_REFUSED_OWNED,
	VBM_STAT_MOVES_REFUSED_MAPPED,
	VBM_STAT_MOVES_REFUSED_KERNEL,
	VBM_STAT_MOVES_REFUSED_PINNED,
	VBM_STAT_MOVES_REFUSED_RACED,
	VBM_STAT_MOVES_REFUSED_MEMORY,
	VBM_STAT_MOVES_REFUSED_DEVICE,
	VBM_NR_STATS
};

extern atomic64_t vbm_stats[VBM_NR_STATS];
extern const char * const vbm_stat_names[VBM_NR_STATS];

static inline void vbm_stat_add(enum vbm_stat stat, s64 n)
{
	atomic64_add(n, &vbm_stats[stat]);
}

static inline void vbm_stat_sub(enum vbm_stat stat, s64 n)
{
	atomic64_sub(n, &vbm_stats[stat]);
}

static inline void vbm_stat_inc(enum vbm_stat stat)
{
	atomic64_inc(&vbm_stats[stat]);
}

static inline s64 vbm_stat_read(enum vbm_stat stat)
{
	return atomic64_read(&vbm_stats[stat]);
}

static inline void vbm_stat_dec(enum vbm_stat stat)
{
	atomic64_dec(&vbm_stats[stat]);
}

#endif
