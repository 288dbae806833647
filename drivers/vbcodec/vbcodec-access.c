// SPDX-License-Identifier: GPL-2.0-only
/*
 * Headers as the driver's CPU sees them: <media/videobuf2-mem.h>, where the
 * backend has it. The kernel's own backends have not, so its functions are
 * looked for when the module is loaded; by then the backends are.
 */

#include <linux/module.h>
#include <media/videobuf2-mem.h>

#include "vbcodec.h"

/* All of them, or none; constant. */
static struct {
	int (*get)(struct vbm_access *acc, struct vb2_buffer *vb,
		   unsigned int plane, size_t offset, size_t length,
		   enum dma_data_direction dir);
	void (*put)(struct vbm_access *acc);
	int (*read)(struct vbm_access *acc, size_t offset, void *dst,
		    size_t length);
} vbcodec_mem;

/**
 * vbcodec_access_read - read some bytes of a plane with the CPU
 * @vb: the buffer, which the driver owns
 * @offset: first byte to read, counted in the buffer's plane
 * @dst: where to
 * @len: number of bytes, at least one
 *
 * Context: May sleep.
 * Return: 0; -EOPNOTSUPP where the backend does not offer that; or why it can
 * not be.
 */
int vbcodec_access_read(struct vb2_buffer *vb, size_t offset, void *dst,
			size_t len)
{
	struct vbm_access access;
	int ret;

	if (!vbcodec_mem.get)
		return -EOPNOTSUPP;

	ret = vbcodec_mem.get(&access, vb, 0, offset, len, DMA_FROM_DEVICE);
	if (ret)
		return ret;
	ret = vbcodec_mem.read(&access, offset, dst, len);
	vbcodec_mem.put(&access);

	return ret;
}

void vbcodec_access_init(void)
{
	vbcodec_mem.get = symbol_get(vbm_access_get);
	if (!vbcodec_mem.get)
		return;
	vbcodec_mem.put = symbol_get(vbm_access_put);
	vbcodec_mem.read = symbol_get(vbm_access_read);
}

void vbcodec_access_exit(void)
{
	if (!vbcodec_mem.get)
		return;
	symbol_put(vbm_access_get);
	symbol_put(vbm_access_put);
	symbol_put(vbm_access_read);
}
