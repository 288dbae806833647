/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/vbm-peer as the tests use it; see modules/vbm-peer.h. */
#ifndef VBM_SELFTESTS_PEER_H
#define VBM_SELFTESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include "modules/vbm-peer.h"

/* A device without limits, or with those; ends the test on failure. */
int peer_open(const struct vbm_peer_device *limits);
int peer_attach(int peer, int dmabuf);
int peer_attach_dynamic(int peer, int dmabuf);
/* VBM_PEER_STATIC... */
int peer_attach_as(int peer, int dmabuf, unsigned int how);
int peer_pin(int peer);
int peer_unpin(int peer);
/* Its device is at work on the buffer for so long. */
int peer_work(int peer, unsigned int ms);
struct vbm_peer_state peer_state(int peer);
int peer_detach(int peer);
/* The number of the mapping, or a negative errno. */
int peer_map(int peer, unsigned int dir, struct vbm_peer_map *out);
int peer_unmap(int peer, unsigned int map);
/* Segments of a mapping: their number; ends the test above @max. */
int peer_segs(int peer, const struct vbm_peer_map *map,
	      struct vbm_peer_seg *segs, unsigned int max);
int peer_read(int peer, unsigned int map, size_t offset, void *data,
	      size_t length);
int peer_write(int peer, unsigned int map, size_t offset, const void *data,
	       size_t length);
int peer_scribble(int peer, unsigned int map);
int peer_vmap(int peer, bool *is_iomem);
int peer_vread(int peer, size_t offset, void *data, size_t length);
int peer_vwrite(int peer, size_t offset, const void *data, size_t length);
int peer_vunmap(int peer);
int peer_unbind(int peer);
/* Limits that its driver states. */
int peer_limits(int peer, const struct vbm_peer_limits *limits);
/* Maps a dma-buf and gives it back, at once if @hold_ms is 0; how many segments. */
int peer_refuse(int peer, int dmabuf, unsigned int hold_ms);
/* The dma-buf's fd; ends the test on failure. */
int peer_export(int peer, struct vbm_peer_export *how);

#endif
