// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may touch a buffer, and which buffers never move.
 *
 * A driver is not asked before a buffer moves, and most of them would not know:
 * they read an address in buf_init and use it for good, and a decoder's hardware
 * reads frames that user space has dequeued long since. So the first time that
 * an address is read, by cookie() or vaddr(), or the buffer is prepared, it is
 * frozen, until it is freed. Before that its storage is nobody's but user space's
 * and importers'.
 *
 * "movable=" names drivers that are known to read the address again for each
 * DMA. Their buffers are owned from prepare(), cookie() or vaddr(), whatever
 * comes first, until finish(), and may move otherwise. An address that is read
 * while user space has the buffer, and not to queue it (vb2 says PREPARING
 * then), is for later: that is buf_init, or a decoder that looks up a reference
 * frame. It freezes these buffers, too.
 *
 * A managed driver (vbm-managed.c) says when it begins: its buffers are owned from
 * vbm_plane_prepare() until finish(). An address that it reads in between is one
 * for that time. An address that is read otherwise is a mistake, but for a kernel
 * address, which vb2's read() takes and keeps; either freezes the buffer.
 *
 * Ownership is decided under &vbm_buf.sync_lock, in three fields:
 *
 *   owned      somebody may touch the storage
 *   preparing  or has been about to, in a buf_prepare: vb2 does not say that one
 *              failed, so whether it goes on is told by the buffer's state
 *   marks      counts how often somebody began to
 *
 * Who moves a buffer notes the marks, copies the bytes to another place without
 * holding anything up, and switches under the lock only if nobody owns the
 * buffer and the marks are what they were. Else what it did is undone. So who
 * marks and then reads the address has one that stays until unmark: either
 * the move sees the mark, or the reader the new place.
 *
 * When in doubt a buffer is owned: what is read after finish(), or by a driver that
 * is not managed and whose QBUF fails afterwards, stays marked until the next
 * finish().
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
	[VBM_FREEZE_QUEUED] = "queued",
	[VBM_FREEZE_DEQUEUED] = "dequeued",
	[VBM_FREEZE_OUTSIDE] = "outside",
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

/*
 * Does somebody own it? vb2 calls buf_prepare and then prepare() in a state of
 * its own, which prepare() comes too late for if buf_prepare fails. It leaves the
 * state after prepare(), so who sees neither knows that it has failed.
 *
 * @vb is looked at by its driver, and by who holds &vbm_buf.lock, under which it
 * is taken from the buffer.
 */
static bool vbm_freeze_owned_locked(const struct vbm_buf *buf)
{
	const struct vb2_buffer *vb = READ_ONCE(buf->plane.vb);

	lockdep_assert_held(&buf->sync_lock);
	if (!buf->owned || !buf->preparing)
		return buf->owned;
	return vb && READ_ONCE(vb->state) == VB2_BUF_STATE_PREPARING;
}

/**
 * vbm_freeze_may_move() - what vbm_move_locked() has to know
 * @buf: the buffer
 *
 * Context: any; &vbm_buf.sync_lock and &vbm_buf.lock held.
 * Return: false if it is frozen, or owned.
 */
bool vbm_freeze_may_move(const struct vbm_buf *buf)
{
	return !buf->plane.frozen && !vbm_freeze_owned_locked(buf);
}

/* For people; &vbm_buf.lock held. */
bool vbm_freeze_owned(struct vbm_buf *buf)
{
	unsigned long flags;
	bool owned;

	spin_lock_irqsave(&buf->sync_lock, flags);
	owned = vbm_freeze_owned_locked(buf);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return owned;
}

/**
 * vbm_freeze_prepare() - a driver is about to use a managed buffer
 * @buf: the buffer, which has storage
 *
 * It is owned from now on, until finish() or its buf_prepare fails; unless it is
 * frozen, so that it does not matter.
 *
 * Context: any.
 * Return: false if the driver of its device has gone.
 */
bool vbm_freeze_prepare(struct vbm_buf *buf)
{
	unsigned long flags;
	bool live;

	spin_lock_irqsave(&buf->sync_lock, flags);
	if (!buf->plane.frozen) {
		buf->preparing |= !buf->owned;
		buf->owned = true;
		buf->marks++;
	}
	live = buf->own->live;
	spin_unlock_irqrestore(&buf->sync_lock, flags);
	return live;
}

/* An address of a managed buffer is read. */
static void vbm_freeze_read_locked(struct vbm_buf *buf, enum vbm_freeze why)
{
	if (vbm_freeze_owned_locked(buf))
		return;
	/* A driver's mistake: <media/videobuf2-mem.h> says when it may. */
	WARN_ON_ONCE(why == VBM_FREEZE_ADDRESS);
	vbm_freeze_locked(buf, why == VBM_FREEZE_ADDRESS ? VBM_FREEZE_OUTSIDE :
							   why);
}

/* See vbm_freeze_mark(): of a buffer that could move. */
void vbm_freeze_touch(struct vbm_buf *buf, enum vbm_freeze why)
{
	const struct vb2_buffer *vb = READ_ONCE(buf->plane.vb);
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	if (why && buf->managed) {
		vbm_freeze_read_locked(buf, why);
		goto unlock;
	}
	buf->owned = true;
	buf->preparing = false;
	buf->marks++;
	if (!buf->movable && !buf->managed)
		vbm_freeze_locked(buf, why ?: VBM_FREEZE_QUEUED);
	else if (why && (!vb || READ_ONCE(vb->state) == VB2_BUF_STATE_DEQUEUED))
		vbm_freeze_locked(buf, VBM_FREEZE_DEQUEUED);
unlock:
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}

/* See vbm_freeze_unmark(). */
void vbm_freeze_release(struct vbm_buf *buf)
{
	unsigned long flags;

	spin_lock_irqsave(&buf->sync_lock, flags);
	buf->owned = false;
	buf->preparing = false;
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}
