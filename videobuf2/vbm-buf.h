/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VBM_BUF_H
#define _VBM_BUF_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "vbm-inbox.h"

struct device;
struct vb2_buffer;
struct vbm_backing;
struct vbm_constraints;
struct vbm_mapping;
struct vbm_buf;
struct vbm_plane;
struct vbm_request;

extern struct vbm_inbox vbm_registry;
extern struct mutex vbm_registry_lock;

void vbm_plane_register(struct vbm_plane *plane);
void vbm_plane_unregister(struct vbm_plane *plane);

void vbm_buf_init(struct vbm_buf *buf);
struct vbm_buf *vbm_buf_new(struct vb2_buffer *vb, struct device *dev,
			    size_t size, bool contig);
struct vbm_buf *vbm_buf_alloc(struct vb2_buffer *vb, struct device *dev,
			      size_t size, bool contig);
void vbm_buf_get(struct vbm_buf *buf);
void vbm_buf_put(struct vbm_buf *buf);
void vbm_buf_publish(struct vbm_buf *buf);
size_t vbm_buf_metadata(const struct vbm_buf *buf);

bool vbm_buf_usable(const struct vbm_buf *buf, const struct vbm_mapping *own);
void vbm_buf_request(struct vbm_buf *buf,
		     const struct vbm_constraints *limits,
		     struct vbm_request *req);
int vbm_buf_set_backing_locked(struct vbm_buf *buf,
			       struct vbm_backing *backing);
int vbm_buf_find_backing_locked(struct vbm_buf *buf,
				const struct vbm_request *req, bool movable,
				const struct vbm_constraints *for_all);

#endif
