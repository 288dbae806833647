/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device asks of memory, as plain numbers.
 *
 * Arithmetic only: no struct device here, so that every rule can be tested
 * without one. vbm_device_describe() fills the numbers in.
 */
#ifndef _VBM_CONSTRAINTS_H
#define _VBM_CONSTRAINTS_H

#include <linux/types.h>

/**
 * struct vbm_constraints - limits of one device
 * @max_addr: highest physical address that it reaches, inclusive; U64_MAX
 *	behind a translating IOMMU, where the address it sees is another
 * @max_segment: longest segment in bytes, a multiple of PAGE_SIZE
 * @boundary_mask: no segment crosses a multiple of this plus one
 * @max_bounce: longest segment that can be bounced, a multiple of PAGE_SIZE; 0
 *	where there is nothing to bounce with
 * @bounce_all: even memory within reach is bounced (swiotlb=force)
 * @translated: behind a translating IOMMU
 */
struct vbm_constraints {
	u64 max_addr;
	size_t max_segment;
	u64 boundary_mask;
	size_t max_bounce;
	bool bounce_all;
	bool translated;
};

bool vbm_constraints_accept(const struct vbm_constraints *c, size_t size);
bool vbm_constraints_bounces(const struct vbm_constraints *c, u64 phys,
			     size_t len);
size_t vbm_constraints_segment(const struct vbm_constraints *c, u64 phys,
			       size_t len);

#endif
