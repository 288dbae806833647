// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"

int peer_open(const struct vbm_peer_device *limits)
{
	struct vbm_peer_device none = { 0 };
	int peer = open("/dev/vbm-peer", O_RDWR | O_CLOEXEC);

	if (peer < 0)
		FAIL("/dev/vbm-peer: %s", ksft_errno(errno));
	CHECK_OK(xioctl(peer, VBM_PEER_IOC_DEVICE,
			limits ? (void *)limits : &none));
	return peer;
}

int peer_attach(int peer, int dmabuf)
{
	struct vbm_peer_attach req = { .fd = dmabuf };

	return xioctl(peer, VBM_PEER_IOC_ATTACH, &req);
}

int peer_attach_as(int peer, int dmabuf, unsigned int how)
{
	struct vbm_peer_attach req = { .fd = dmabuf, .dynamic = how };

	return xioctl(peer, VBM_PEER_IOC_ATTACH, &req);
}

int peer_attach_dynamic(int peer, int dmabuf)
{
	return peer_attach_as(peer, dmabuf, VBM_PEER_DYNAMIC);
}

int peer_pin(int peer)
{
	return xioctl(peer, VBM_PEER_IOC_PIN, NULL);
}

int peer_unpin(int peer)
{
	return xioctl(peer, VBM_PEER_IOC_UNPIN, NULL);
}

int peer_work(int peer, unsigned int ms)
{
	return xioctl(peer, VBM_PEER_IOC_WORK, &ms);
}

struct vbm_peer_state peer_state(int peer)
{
	struct vbm_peer_state state;

	CHECK_OK(xioctl(peer, VBM_PEER_IOC_STATE, &state));
	return state;
}

int peer_detach(int peer)
{
	return xioctl(peer, VBM_PEER_IOC_DETACH, NULL);
}

int peer_map(int peer, unsigned int dir, struct vbm_peer_map *out)
{
	struct vbm_peer_map req = { .dir = dir };
	int ret = xioctl(peer, VBM_PEER_IOC_MAP, &req);

	if (out)
		*out = req;
	return ret ? ret : (int)req.map;
}

int peer_unmap(int peer, unsigned int map)
{
	return xioctl(peer, VBM_PEER_IOC_UNMAP, &map);
}

int peer_segs(int peer, const struct vbm_peer_map *map,
	      struct vbm_peer_seg *segs, unsigned int max)
{
	struct vbm_peer_segs req = {
		.map = map->map, .max = max, .segs = (unsigned long)segs,
	};

	CHECK(map->nents <= max);
	CHECK_OK(xioctl(peer, VBM_PEER_IOC_SEGS, &req));
	return map->nents;
}

static int peer_io(int peer, unsigned int map, bool write, size_t offset,
		   const void *data, size_t length)
{
	struct vbm_peer_io req = {
		.map = map, .write = write, .offset = offset,
		.length = length, .data = (unsigned long)data,
	};

	return xioctl(peer, VBM_PEER_IOC_IO, &req);
}

int peer_read(int peer, unsigned int map, size_t offset, void *data,
	      size_t length)
{
	return peer_io(peer, map, false, offset, data, length);
}

int peer_write(int peer, unsigned int map, size_t offset, const void *data,
	       size_t length)
{
	return peer_io(peer, map, true, offset, data, length);
}

int peer_scribble(int peer, unsigned int map)
{
	return xioctl(peer, VBM_PEER_IOC_SCRIBBLE, &map);
}

int peer_vmap(int peer, bool *is_iomem)
{
	struct vbm_peer_vmap req = { 0 };
	int ret = xioctl(peer, VBM_PEER_IOC_VMAP, &req);

	if (is_iomem)
		*is_iomem = req.is_iomem;
	return ret;
}

static int peer_vmap_io(int peer, bool write, size_t offset, const void *data,
			size_t length)
{
	struct vbm_peer_vmap req = {
		.write = write, .offset = offset, .length = length,
		.data = (unsigned long)data,
	};

	return xioctl(peer, VBM_PEER_IOC_VMAP_IO, &req);
}

int peer_vread(int peer, size_t offset, void *data, size_t length)
{
	return peer_vmap_io(peer, false, offset, data, length);
}

int peer_vwrite(int peer, size_t offset, const void *data, size_t length)
{
	return peer_vmap_io(peer, true, offset, data, length);
}

int peer_vunmap(int peer)
{
	return xioctl(peer, VBM_PEER_IOC_VUNMAP, NULL);
}

int peer_unbind(int peer)
{
	return xioctl(peer, VBM_PEER_IOC_UNBIND, NULL);
}

int peer_limits(int peer, const struct vbm_peer_limits *limits)
{
	return xioctl(peer, VBM_PEER_IOC_LIMITS, (void *)limits);
}

int peer_refuse(int peer, int dmabuf, unsigned int hold_ms)
{
	struct vbm_peer_refuse req = { .fd = dmabuf, .hold_ms = hold_ms };
	int ret = xioctl(peer, VBM_PEER_IOC_REFUSE, &req);

	return ret ? ret : (int)req.nents;
}

int peer_export(int peer, struct vbm_peer_export *how)
{
	CHECK_OK(xioctl(peer, VBM_PEER_IOC_EXPORT, how));
	return how->fd;
}
