/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_BACKING_H
#define _VBM_BACKING_H

#include <linux/types.h>

#include "vbm-constraints.h"

struct page;
struct vbm_backing;
struct vbm_allocator;
struct vbm_extent;

struct vbm_backing *
vbm_backing_new(const struct vbm_allocator *allocator, size_t size,
		unsigned int nr_extents);
void vbm_backing_publish(struct vbm_backing *backing);
enum vbm_requirement vbm_backing_check(const struct vbm_backing *backing,
				       const struct vbm_constraints *c);
void vbm_backing_get(struct vbm_backing *backing);
void vbm_backing_put(struct vbm_backing *backing);

struct page *vbm_backing_page(const struct vbm_backing *backing,
			      unsigned long index);
bool vbm_backing_has_pages(const struct vbm_backing *backing);
void vbm_backing_pages(const struct vbm_backing *backing, unsigned long first,
		       unsigned long nr, struct page **pages);
unsigned long vbm_backing_nr_pages(const struct vbm_backing *backing);
size_t vbm_backing_metadata(const struct vbm_backing *backing);

#endif
