/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBDMA_DEBUGFS_H
#define _VBDMA_DEBUGFS_H

struct vbdma_dev;

#ifdef CONFIG_DEBUG_FS

void vbdma_debugfs_init(void);
void vbdma_debugfs_exit(void);
void vbdma_debugfs_add(struct vbdma_dev *vd);
void vbdma_debugfs_remove(struct vbdma_dev *vd);

#else

static inline void vbdma_debugfs_init(void) { }
static inline void vbdma_debugfs_exit(void) { }
static inline void vbdma_debugfs_add(struct vbdma_dev *vd) { }
static inline void vbdma_debugfs_remove(struct vbdma_dev *vd) { }

#endif

#endif /* _VBDMA_DEBUGFS_H */
