// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a foreign device take memory in several segments? Nothing says so before
 * it is tried. Drivers that do not (a display without an IOMMU) map, look at the
 * table, and unmap and detach at once.
 *
 * So an attachment that maps once, gets several segments, and is unmapped and
 * detached within VBM_LESSON_NS, is a refusal. Two of them running, with nothing
 * else of that device between and no other such table in its hands, teach that
 * the device wants one segment. A table of several segments that it keeps
 * unteaches it.
 *
 * User space decides what is imported and when it is closed, so it can make
 * any device look as if it refused. That is why one refusal teaches nothing,
 * and why what was learnt is never a reason for a map to fail: the buffer moves
 * if it can, else the table is what it was, and is kept or is not. Who states
 * limits (vbm-limits.c) means them.
 *
 * Attachments of our own importers say what they need, and teach nothing; nor
 * does a device behind an IOMMU, which sees one segment as a rule.
 */

#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "vbm-lesson.h"
#include "vbm-device.h"
#include "vbm-stats.h"

/*
 * A driver that refuses takes microseconds. One that uses the memory and lets go
 * of it takes a frame.
 */
#define VBM_LESSON_NS	(2 * NSEC_PER_MSEC)

/* Guards &vbm_device.lesson. */
static DEFINE_SPINLOCK(vbm_lesson_lock);

static bool vbm_lesson_at_once(ktime_t since)
{
	return ktime_sub(ktime_get(), since) < VBM_LESSON_NS;
}

static void vbm_lesson_unlearn_locked(struct vbm_device *vdev)
{
	lockdep_assert_held(&vbm_lesson_lock);
	WRITE_ONCE(vdev->lesson.one, false);
	WRITE_ONCE(vdev->lesson.refusals, 0);
}

/**
 * vbm_lesson_map() - a foreign attachment is given a table
 * @lesson: of the attachment
 * @vdev: its device
 * @segments: of the table
 *
 * Context: any but interrupts; &vbm_buf.lock held.
 */
void vbm_lesson_map(struct vbm_lesson *lesson, struct vbm_device *vdev,
		    unsigned int segments)
{
	bool first = lesson->state == VBM_LESSON_NEW;
	bool several = segments > 1;

	if (!vdev->direct)
		return;
	lesson->state = first && several ? VBM_LESSON_SHOWN : VBM_LESSON_OTHER;
	if (!several && !READ_ONCE(vdev->lesson.refusals))
		return;

	if (several)
		lesson->shown = ktime_get();
	spin_lock(&vbm_lesson_lock);
	if (several && !vdev->lesson.several++)
		vdev->lesson.since = lesson->shown;
	if (lesson->state == VBM_LESSON_OTHER)
		WRITE_ONCE(vdev->lesson.refusals, 0);
	spin_unlock(&vbm_lesson_lock);
}

/**
 * vbm_lesson_unmap() - a foreign attachment gives a table back
 * @lesson: of the attachment
 * @vdev: its device
 * @segments: of the table
 *
 * Context: any but interrupts; &vbm_buf.lock held.
 */
void vbm_lesson_unmap(struct vbm_lesson *lesson, struct vbm_device *vdev,
		      unsigned int segments)
{
	bool kept;

	if (!vdev->direct || segments < 2)
		return;
	kept = !vbm_lesson_at_once(lesson->shown);
	if (lesson->state == VBM_LESSON_SHOWN && !kept)
		lesson->state = VBM_LESSON_RETURNED;
	else
		lesson->state = VBM_LESSON_OTHER;

	spin_lock(&vbm_lesson_lock);
	vdev->lesson.several--;
	if (kept)
		vbm_lesson_unlearn_locked(vdev);
	if (lesson->state == VBM_LESSON_OTHER)
		WRITE_ONCE(vdev->lesson.refusals, 0);
	spin_unlock(&vbm_lesson_lock);
}

/**
 * vbm_lesson_detach() - a foreign attachment goes
 * @lesson: of the attachment
 * @vdev: its device
 *
 * Context: any but interrupts; &vbm_buf.lock held.
 */
void vbm_lesson_detach(struct vbm_lesson *lesson, struct vbm_device *vdev)
{
	if (lesson->state != VBM_LESSON_RETURNED)
		return;

	spin_lock(&vbm_lesson_lock);
	if (vdev->lesson.several || !vbm_lesson_at_once(lesson->shown)) {
		WRITE_ONCE(vdev->lesson.refusals, 0);
	} else {
		WRITE_ONCE(vdev->lesson.refusals, vdev->lesson.refusals + 1);
		if (vdev->lesson.refusals >= 2 && !vdev->lesson.one) {
			WRITE_ONCE(vdev->lesson.one, true);
			vbm_stat_inc(VBM_STAT_LESSONS);
		}
	}
	spin_unlock(&vbm_lesson_lock);
}

/**
 * vbm_lesson_learnt() - does a device want one segment, by what it did?
 * @vdev: the device
 *
 * Context: any but interrupts.
 * Return: true unless it has a table of several in its hands, and keeps it.
 */
bool vbm_lesson_learnt(struct vbm_device *vdev)
{
	bool one;

	if (!READ_ONCE(vdev->lesson.one))
		return false;

	spin_lock(&vbm_lesson_lock);
	if (vdev->lesson.several && !vbm_lesson_at_once(vdev->lesson.since))
		vbm_lesson_unlearn_locked(vdev);
	one = vdev->lesson.one;
	spin_unlock(&vbm_lesson_lock);
	return one;
}

/* Module parameter "forget", for an administrator. */
struct vbm_lesson_forget {
	const char *name;
	bool found;
};

static void vbm_lesson_forget_device(struct vbm_device *vdev, void *arg)
{
	struct vbm_lesson_forget *forget = arg;

	if (!sysfs_streq(forget->name, "*") &&
	    !sysfs_streq(forget->name, vdev->name))
		return;
	forget->found = true;
	spin_lock(&vbm_lesson_lock);
	vbm_lesson_unlearn_locked(vdev);
	spin_unlock(&vbm_lesson_lock);
}

static int vbm_lesson_forget(const char *val, const struct kernel_param *kp)
{
	struct vbm_lesson_forget forget = { .name = val };

	vbm_devices_each(vbm_lesson_forget_device, &forget);
	return forget.found || sysfs_streq(val, "*") ? 0 : -ENODEV;
}

static const struct kernel_param_ops vbm_lesson_forget_ops = {
	.set = vbm_lesson_forget,
};

module_param_cb(forget, &vbm_lesson_forget_ops, NULL, 0200);
MODULE_PARM_DESC(forget,
		 "write the name of a device, or *, to forget what was learnt of it");
