/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_POOL_H
#define _VBM_POOL_H

#include <linux/types.h>

struct page;
struct vbm_request;

bool vbm_pool_put(struct page *page, unsigned long nr_pages);
struct page *vbm_pool_get(const struct vbm_request *req,
			  unsigned long nr_pages, bool compound, int nid);
bool vbm_pool_for_caller(void);
bool vbm_pool_drain(void);

int vbm_pool_init(void);
void vbm_pool_fini(void);

#endif
