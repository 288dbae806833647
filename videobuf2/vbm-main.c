// SPDX-License-Identifier: GPL-2.0-only
/*
 * videobuf2-mem: the core behind videobuf2-dma-contig and videobuf2-dma-sg.
 */

#include <linux/module.h>

#include "vbm-cache.h"
#include "vbm-debugfs.h"
#include "vbm-device.h"
#include "vbm-limits.h"
#include "vbm-mapping.h"

static int __init vbm_init(void)
{
	int ret;

	ret = vbm_limits_init();
	if (ret)
		return ret;
	ret = vbm_mapping_init();
	if (ret)
		goto err_fini_limits;
	ret = vbm_cache_init();
	if (ret)
		goto err_fini_mapping;
	vbm_debugfs_init();
	return 0;

err_fini_mapping:
	vbm_mapping_fini();
err_fini_limits:
	vbm_limits_fini();
	return ret;
}

/* Whoever has a buffer, a dma-buf or a mapping holds the module. */
static void __exit vbm_exit(void)
{
	vbm_debugfs_fini();
	vbm_cache_fini();
	vbm_devices_fini();
	vbm_mapping_fini();
	vbm_limits_fini();
}

module_init(vbm_init);
module_exit(vbm_exit);

MODULE_DESCRIPTION("Memory core of the videobuf2 DMA backends");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VBM_NS_DMA_BUF);
