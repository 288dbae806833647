/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_DEBUGFS_H
#define _VBM_DEBUGFS_H

#ifdef CONFIG_DEBUG_FS
void vbm_debugfs_init(void);
void vbm_debugfs_fini(void);
#else
static inline void vbm_debugfs_init(void) {}
static inline void vbm_debugfs_fini(void) {}
#endif

#endif
