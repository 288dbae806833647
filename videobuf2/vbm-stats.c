// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters, and the names under which debugfs shows them.
 */

#include "vbm-stats.h"

atomic64_t vbm_stats[VBM_NR_STATS];

const char * const vbm_stat_names[VBM_NR_STATS] = {
	[VBM_STAT_BUFFERS] = "buffers",
	[VBM_STAT_BYTES] = "bytes",
	[VBM_STAT_EXPORTS] = "exports",
	[VBM_STAT_IMPORTS] = "imports",
	[VBM_STAT_USERPTRS] = "userptrs",
	[VBM_STAT_MAPPINGS] = "mappings",
	[VBM_STAT_PARKED] = "parked",
	[VBM_STAT_BYTES_UNCHARGED] = "bytes_uncharged",
	[VBM_STAT_METADATA_BYTES] = "metadata_bytes",
	[VBM_STAT_BUFFERS_TOTAL] = "buffers_total",
	[VBM_STAT_BYTES_TOTAL] = "bytes_total",
	[VBM_STAT_EXPORTS_TOTAL] = "exports_total",
	[VBM_STAT_ATTACHES] = "attaches",
	[VBM_STAT_DETACHES] = "detaches",
	[VBM_STAT_MAPS] = "maps",
	[VBM_STAT_MAPS_CACHED] = "maps_cached",
	[VBM_STAT_UNMAPS] = "unmaps",
	[VBM_STAT_IMPORTS_TOTAL] = "imports_total",
	[VBM_STAT_IMPORT_MAPS] = "import_maps",
	[VBM_STAT_IMPORT_MAPS_CACHED] = "import_maps_cached",
	[VBM_STAT_IMPORT_UNMAPS] = "import_unmaps",
	[VBM_STAT_USERPTRS_TOTAL] = "userptrs_total",
	[VBM_STAT_SYNCS_CPU] = "syncs_cpu",
	[VBM_STAT_SYNCS_DEVICE] = "syncs_device",
	[VBM_STAT_BYTES_SYNCED] = "bytes_synced",
	[VBM_STAT_ACCESSES] = "accesses",
	[VBM_STAT_BYTES_ACCESSED] = "bytes_accessed",
	[VBM_STAT_ACCESS_VMAPS] = "access_vmaps",
	[VBM_STAT_USER_MAPS] = "user_maps",
	[VBM_STAT_USER_FAULTS] = "user_faults",
	[VBM_STAT_KERNEL_MAPS] = "kernel_maps",
	[VBM_STAT_KERNEL_UNMAPS] = "kernel_unmaps",
	[VBM_STAT_DEVICE_UNBINDS] = "device_unbinds",
	[VBM_STAT_RANGES] = "ranges",
	[VBM_STAT_RANGE_TRIES] = "ranges_tried_in_vain",
	[VBM_STAT_FAIL_NOMEM] = "fail_nomem",
	[VBM_STAT_FAIL_LIMIT] = "fail_limit",
	[VBM_STAT_FAIL_SIZE] = "fail_size",
	[VBM_STAT_FAIL_CONTIGUITY] = "fail_contiguity",
	[VBM_STAT_FAIL_MAP] = "fail_map",
	[VBM_STAT_FAIL_ATTACH] = "fail_attach",
	[VBM_STAT_FAIL_IOMEM] = "fail_iomem",
	[VBM_STAT_FAIL_NODEV] = "fail_nodev",
	[VBM_STAT_FAIL_ALIGN] = "fail_align",
};
