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
 * Ownership is one atomic word, &vbm_buf.claims:
 *
 *   OWNED      somebody may touch the storage
 *   PREPARING  or has been about to, in a buf_prepare: vb2 does not say that one
 *              failed, so whether it goes on is told by the buffer's state
 *   MOVING     the buffer is just being switched to other storage, under
 *              &vbm_buf.sync_lock; who claims it waits for that lock
 *   the rest   counts how often somebody began to
 *
 * Who moves a buffer notes the word, copies the bytes to another place without
 * holding anything up, and switches only if nobody owns the buffer and the word
 * is what it was. Else what it did is undone. So who claims the buffer and then
 * reads the address has one that stays until unmark: either the move sees the
 * claim, or the reader the new place.
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
static bool vbm_freeze_is_owned(const struct vbm_buf *buf, int claims)
{
	const struct vb2_buffer *vb;

	if (!(claims & VBM_CLAIM_PREPARING))
		return claims & VBM_CLAIM_OWNED;
	vb = READ_ONCE(buf->plane.vb);
	return vb && READ_ONCE(vb->state) == VB2_BUF_STATE_PREPARING;
}

/**
 * vbm_freeze_may_move() - may somebody begin to move a buffer?
 * @buf: the buffer
 * @claims: result, for vbm_freeze_begin_move()
 *
 * Context: any; &vbm_buf.sync_lock and &vbm_buf.lock held.
 * Return: false if it is frozen, or owned.
 */
bool vbm_freeze_may_move(const struct vbm_buf *buf, int *claims)
{
	lockdep_assert_held(&buf->sync_lock);
	/* Pairs with vbm_freeze_release(). */
	*claims = atomic_read_acquire(&buf->claims);
	return !buf->plane.frozen && !vbm_freeze_is_owned(buf, *claims);
}

/**
 * vbm_freeze_begin_move() - a buffer gets its new addresses
 * @buf: the buffer
 * @claims: what vbm_freeze_may_move() gave
 *
 * Who claims it from here on waits for vbm_freeze_end_move(), at the lock.
 *
 * Context: any; &vbm_buf.sync_lock and &vbm_buf.lock held.
 * Return: false if somebody has claimed or frozen it meanwhile.
 */
bool vbm_freeze_begin_move(struct vbm_buf *buf, int claims)
{
	lockdep_assert_held(&buf->sync_lock);
	return !buf->plane.frozen && !vbm_freeze_is_owned(buf, claims) &&
	       atomic_try_cmpxchg(&buf->claims, &claims,
				  claims | VBM_CLAIM_MOVING);
}

/* The new addresses are there. Context: as vbm_freeze_begin_move(). */
void vbm_freeze_end_move(struct vbm_buf *buf)
{
	lockdep_assert_held(&buf->sync_lock);
	atomic_fetch_andnot_release(VBM_CLAIM_MOVING, &buf->claims);
}

/* For people; &vbm_buf.lock held. */
bool vbm_freeze_owned(struct vbm_buf *buf)
{
	return vbm_freeze_is_owned(buf, atomic_read(&buf->claims));
}

/* The new word, of a buffer that is claimed. */
static int vbm_freeze_claimed(int claims, bool preparing)
{
	if (!preparing)
		claims = (claims & ~VBM_CLAIM_PREPARING) | VBM_CLAIM_OWNED;
	else if (!(claims & VBM_CLAIM_OWNED))
		claims |= VBM_CLAIM_PREPARING | VBM_CLAIM_OWNED;
	return (unsigned int)claims + VBM_CLAIM_ONE;
}

static void vbm_freeze_claim_locked(struct vbm_buf *buf, bool preparing)
{
	int claims = atomic_read(&buf->claims);

	lockdep_assert_held(&buf->sync_lock);
	while (!atomic_try_cmpxchg(&buf->claims, &claims,
				   vbm_freeze_claimed(claims, preparing)))
		;
}

/* Nobody has to be waited for, unless the buffer is just being switched. */
static void vbm_freeze_claim(struct vbm_buf *buf, bool preparing)
{
	int claims = atomic_read(&buf->claims);
	unsigned long flags;

	if (likely(!(claims & VBM_CLAIM_MOVING) &&
		   atomic_try_cmpxchg(&buf->claims, &claims,
				      vbm_freeze_claimed(claims, preparing))))
		return;
	spin_lock_irqsave(&buf->sync_lock, flags);
	vbm_freeze_claim_locked(buf, preparing);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
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
	/* What was written before it was frozen is what it stays. */
	if (!smp_load_acquire(&buf->plane.frozen))
		vbm_freeze_claim(buf, true);
	return READ_ONCE(buf->own->live);
}

/* An address of a managed buffer is read. */
static void vbm_freeze_read(struct vbm_buf *buf, enum vbm_freeze why)
{
	int claims = atomic_read(&buf->claims);

	if (likely((claims & VBM_CLAIM_OWNED) &&
		   !(claims & VBM_CLAIM_PREPARING)))
		return;
	/* Perhaps in a buf_prepare that has not claimed it yet: now it has. */
	if (vbm_freeze_is_owned(buf, claims)) {
		vbm_freeze_claim(buf, true);
		return;
	}
	/* A driver's mistake: <media/videobuf2-mem.h> says when it may. */
	WARN_ON_ONCE(why == VBM_FREEZE_ADDRESS);
	vbm_freeze(buf, why == VBM_FREEZE_ADDRESS ? VBM_FREEZE_OUTSIDE : why);
}

/* See vbm_freeze_mark(): of a buffer that could move. */
void vbm_freeze_touch(struct vbm_buf *buf, enum vbm_freeze why)
{
	const struct vb2_buffer *vb;
	unsigned long flags;

	if (buf->managed) {
		if (why)
			vbm_freeze_read(buf, why);
		else
			vbm_freeze_claim(buf, false);
		return;
	}

	vb = READ_ONCE(buf->plane.vb);
	spin_lock_irqsave(&buf->sync_lock, flags);
	vbm_freeze_claim_locked(buf, false);
	if (!buf->movable)
		vbm_freeze_locked(buf, why ?: VBM_FREEZE_QUEUED);
	else if (why && (!vb || READ_ONCE(vb->state) == VB2_BUF_STATE_DEQUEUED))
		vbm_freeze_locked(buf, VBM_FREEZE_DEQUEUED);
	spin_unlock_irqrestore(&buf->sync_lock, flags);
}

/* See vbm_freeze_unmark(). What the device did comes before. */
void vbm_freeze_release(struct vbm_buf *buf)
{
	atomic_fetch_andnot_release(VBM_CLAIM_OWNED | VBM_CLAIM_PREPARING,
				    &buf->claims);
}
