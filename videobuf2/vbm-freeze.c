// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may touch a buffer, and which buffers never move.
 *
 * A driver is not asked before a buffer moves, and most of them would not know:
 * they read an address in buf_init and use it for good, and a decoder's hardware
 * reads frames that user space has dequeued long since. So the first time that
 * an address is read, by cookie() or vaddr(), the buffer is frozen, until it is
 * freed. Before that its storage is nobody's but user space's and importers'.
 *
 * "movable=" names drivers that are known to read the address again for each
 * DMA. Their buffers are owned from prepare(), cookie() or vaddr(), whatever
 * comes first, until finish(), and may move otherwise. An address that is read
 * while user space has the buffer, and not to queue it (vb2 says PREPARING
 * then), is for later: that is buf_init, or a decoder that looks up a reference
 * frame. It freezes these buffers, too.
 *
 * Ownership is decided under &vbm_buf.sync_lock, in two fields:
 *
 *   owned   somebody may touch the storage
 *   marks   counts how often somebody began to
 *
 * Who moves a buffer notes the marks, copies the bytes to another place without
 * holding anything up, and switches under the lock only if nobody owns the
 * buffer and the marks are what they were. Else what it did is undone. So who
 * marks and then reads the address has one that stays until unmark: either
 * the move sees the mark, or the reader the new place.
 *
 * When in doubt a buffer is owned: what is read after finish(), or by a driver
 * whose QBUF fails afterwards, stays marked until the next finish().
 */

#include <linux/device.h>
#include <linux/module.h>
#include <linux/string.h>

#include <media/videobuf2-core.h>

#include "vbm-freeze.h"
#include "vbm.h"

const char * const vbm_freeze_names[VBM_NR_FREEZES] = {
	[VBM_FREEZE_NONE] = "-",
	[VBM_FREEZE_ADDRESS] = "address",
	[VBM_FREEZE_VADDR] = "vaddr",
	[VBM_FREEZE_DEQUEUED] = "dequeued",
	[VBM_FREEZE_PRIVATE] = "private",
	[VBM_FREEZE_MEMORY] = "memory",
	[VBM_FREEZE_USERPTR] = "user",
};

static char *movable;
module_param_unsafe(movable, charp, 0444);
MODULE_PARM_DESC(movable,
		 "drivers, separated by commas, that read a buffer's address for each DMA anew: their buffers may move while they are dequeued");

/**
 * vbm_freeze_listed() - does "movable=" name the driver of a device?
 * @dev: the device, whose driver is bound
 *
 * Context: any.
 * Return: true if it does.
 */
bool vbm_freeze_listed(const struct device *dev)
{
	const struct device_driver *drv = READ_ONCE(dev->driver);
	const char *name = movable;
	size_t len;

	if (!name || !drv)
		return false;
	for (;; name += len + 1) {
		len = strcspn(name, ",");
		if (len == strlen(drv->name) && !strncmp(name, drv->name, len))
			return true;
		if (!name[len])
			return false;
	}
}

static void vbm_freeze_locked(struct vbm_buf *buf, enum vbm_freeze why)
{
	lockdep_assert_held(&buf->sync_lock);
	if (buf->plane.frozen)
		return;
	buf->freeze = why;
	/* Pairs with vbm_freeze_mark(): where it is comes before. */
	smp_store_release(&buf->plane.frozen, true);
}

/**
 * vbm_freeze() - a buffer stays where it is from now on
 * @buf: the buffer
 * @why: the reason; the first one counts
 *
 * Context: any.
 */
void vbm_freeze(struct vbm_buf *buf, enum vbm_freeze why)
{
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	vbm_freeze_locked(buf, why);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}

/* See vbm_freeze_mark(): of a buffer that could move. */
void vbm_freeze_touch(struct vbm_buf *buf, enum vbm_freeze why)
{
	const struct vb2_buffer *vb = READ_ONCE(buf->plane.vb);
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	buf->owned = true;
	buf->marks++;
	if (why && !buf->movable)
		vbm_freeze_locked(buf, why);
	else if (why && (!vb || READ_ONCE(vb->state) == VB2_BUF_STATE_DEQUEUED))
		vbm_freeze_locked(buf, VBM_FREEZE_DEQUEUED);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}

/* See vbm_freeze_unmark(). */
void vbm_freeze_release(struct vbm_buf *buf)
{
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	buf->owned = false;
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}
