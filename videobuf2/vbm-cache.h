/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_CACHE_H
#define _VBM_CACHE_H

#include <linux/compiler.h>
#include <linux/dma-direction.h>
#include <linux/types.h>

#include "vbm-stats.h"

struct device;
struct dma_buf;
struct vbm_import;

/* Where there is no rotation, attach has nothing to look for. */
static inline bool vbm_cache_empty(void)
{
	return !vbm_stat_read(VBM_STAT_PARKED);
}

bool vbm_cache_park(struct vbm_import *imp);
struct vbm_import *vbm_cache_take(struct device *dev, struct dma_buf *dmabuf,
				  enum dma_data_direction dir);

/**
 * enum vbm_cache_fate - what the end of a device means for an import
 * @VBM_CACHE_YOURS: the caller gives it to vbm_cache_evict() if the exporter
 *	is ours; else drops it and hands it to vbm_cache_dropped()
 * @VBM_CACHE_USED: vb2 has it, and will never park it again
 * @VBM_CACHE_GOING: somebody is just dropping it
 */
enum vbm_cache_fate {
	VBM_CACHE_YOURS,
	VBM_CACHE_USED,
	VBM_CACHE_GOING,
};

enum vbm_cache_fate vbm_cache_claim(struct vbm_import *imp);
void vbm_cache_dropped(struct vbm_import *imp);
void vbm_cache_evict(struct vbm_import *imp);
void vbm_cache_device_gone(const struct device *dev);

bool vbm_cache_reclaim(void);
bool vbm_cache_cures(int error);

/* Could what gave @ret succeed once parked imports have gone, as they have? */
static inline bool vbm_cache_retry(int ret)
{
	return unlikely(ret) && vbm_cache_cures(ret);
}

int vbm_cache_init(void);
void vbm_cache_fini(void);

#endif
