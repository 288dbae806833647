// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has failed last, and why: counted, traced, and kept for people.
 *
 * A program is told an errno, which is the same for many reasons. The reasons
 * are counted in "stats", but a counter does not say of which device. So the
 * last failures are kept, in "failures" of debugfs. One that is like an earlier
 * one, but for the buffer and its size, counts it up and becomes the last: a
 * program that tries again and again, each time with a new buffer, leaves one
 * line, and not none but its own.
 */

#include <linux/array_size.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "vbm-failure.h"
#include "vbm-trace.h"

#define VBM_NR_FAILURES		32
#define VBM_FAILURE_NAME	64

/**
 * struct vbm_kept_failure - one that is kept
 * @nr: the later, the larger; 0: there is none
 * @at: when it was last, since boot
 * @times: how often
 * @failure: its strings may be no more
 * @dev: copy of its string, cut if need be, as the next
 * @exporter: the same
 * @owner: the same
 * @by: the same
 */
struct vbm_kept_failure {
	u64 nr;
	u64 at;
	unsigned int times;
	struct vbm_failure failure;
	char dev[VBM_FAILURE_NAME];
	char exporter[VBM_FAILURE_NAME];
	char owner[VBM_FAILURE_NAME];
	char by[VBM_FAILURE_NAME];
};

const char * const vbm_task_names[VBM_NR_TASKS] = {
	[VBM_TASK_ALLOC] = "alloc",
	[VBM_TASK_STORAGE] = "storage",
	[VBM_TASK_MAP] = "map",
	[VBM_TASK_IMPORT] = "import",
	[VBM_TASK_USERPTR] = "userptr",
	[VBM_TASK_SHARED] = "shared",
	[VBM_TASK_ACCESS] = "access",
};

/* Guards what follows; none of ours within. */
static DEFINE_SPINLOCK(vbm_failures_lock);
static struct vbm_kept_failure vbm_failures[VBM_NR_FAILURES];
static u64 vbm_failures_last;

static bool vbm_failure_named(const char *kept, const char *name)
{
	return !strncmp(kept, name ?: "", VBM_FAILURE_NAME - 1);
}

static bool vbm_failure_like(const struct vbm_kept_failure *kept,
			     const struct vbm_failure *f)
{
	const struct vbm_failure *k = &kept->failure;

	return kept->nr && k->task == f->task && k->stat == f->stat &&
	       k->error == f->error && k->lacks == f->lacks &&
	       k->why == f->why && k->freeze == f->freeze &&
	       vbm_failure_named(kept->dev, f->dev) &&
	       vbm_failure_named(kept->exporter, f->exporter) &&
	       vbm_failure_named(kept->owner, f->owner) &&
	       vbm_failure_named(kept->by, f->by);
}

/* The one to be written: that which is like it, or the oldest. */
static struct vbm_kept_failure *
vbm_failure_place_locked(const struct vbm_failure *failure)
{
	struct vbm_kept_failure *kept, *oldest = vbm_failures;
	unsigned int i;

	lockdep_assert_held(&vbm_failures_lock);
	for (i = 0; i < ARRAY_SIZE(vbm_failures); i++) {
		kept = &vbm_failures[i];
		if (vbm_failure_like(kept, failure))
			return kept;
		if (kept->nr < oldest->nr)
			oldest = kept;
	}
	oldest->times = 0;
	return oldest;
}

static void vbm_failure_keep(const struct vbm_failure *failure)
{
	struct vbm_kept_failure *kept;
	unsigned long flags;

	spin_lock_irqsave(&vbm_failures_lock, flags);
	kept = vbm_failure_place_locked(failure);
	kept->failure = *failure;
	kept->nr = ++vbm_failures_last;
	kept->at = ktime_get_boottime_ns();
	kept->times++;
	strscpy(kept->dev, failure->dev ?: "");
	strscpy(kept->exporter, failure->exporter ?: "");
	strscpy(kept->owner, failure->owner ?: "");
	strscpy(kept->by, failure->by ?: "");
	spin_unlock_irqrestore(&vbm_failures_lock, flags);
}

/**
 * vbm_fail() - something has failed
 * @failure: what, and why
 *
 * Context: any.
 */
void vbm_fail(const struct vbm_failure *failure)
{
	if (failure->stat < VBM_NR_STATS)
		vbm_stat_inc(failure->stat);
	trace_vbm_fail(vbm_task_names[failure->task], failure->dev ?: "",
		       failure->size, failure->error);
	vbm_failure_keep(failure);
}

static const char *vbm_failure_reason(enum vbm_stat stat)
{
	return stat < VBM_NR_STATS ?
	       vbm_stat_names[stat] + strlen("fail_") : "-";
}

static const char *vbm_failure_word(const char *text)
{
	return *text ? text : "-";
}

static void vbm_failure_show(struct seq_file *s,
			     const struct vbm_kept_failure *kept)
{
	const struct vbm_failure *f = &kept->failure;
	u64 seconds;
	u32 ns;

	seconds = div_u64_rem(kept->at, NSEC_PER_SEC, &ns);
	seq_printf(s, "at=%llu.%06u times=%u task=%s dev=%s size=%zu",
		   seconds, ns / (u32)NSEC_PER_USEC, kept->times,
		   vbm_task_names[f->task], vbm_failure_word(kept->dev),
		   f->size);
	seq_printf(s, " error=%d reason=%s exporter=%s buf=%u owner=%s",
		   f->error, vbm_failure_reason(f->stat),
		   vbm_failure_word(kept->exporter), f->buf,
		   vbm_failure_word(kept->owner));
	seq_printf(s, " lacks=%s why=%s frozen=%s by=%s\n",
		   f->lacks ? vbm_requirement_names[f->lacks] : "-",
		   f->why ? vbm_refusal_names[f->why] : "-",
		   vbm_freeze_names[f->freeze], vbm_failure_word(kept->by));
}

/* The first one after a number; false: there is none. */
static bool vbm_failure_next(u64 after, struct vbm_kept_failure *next)
{
	const struct vbm_kept_failure *kept = NULL;
	unsigned int i;

	spin_lock_irq(&vbm_failures_lock);
	for (i = 0; i < ARRAY_SIZE(vbm_failures); i++) {
		if (vbm_failures[i].nr <= after)
			continue;
		if (!kept || vbm_failures[i].nr < kept->nr)
			kept = &vbm_failures[i];
	}
	if (kept)
		*next = *kept;
	spin_unlock_irq(&vbm_failures_lock);
	return kept;
}

/**
 * vbm_failures_show() - what has failed last, a line each, the oldest first
 * @s: where to
 *
 * One that fails again meanwhile may have a second line; where they never end,
 * this does.
 *
 * Context: may sleep.
 */
void vbm_failures_show(struct seq_file *s)
{
	struct vbm_kept_failure next = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vbm_failures); i++) {
		if (!vbm_failure_next(next.nr, &next))
			break;
		vbm_failure_show(s, &next);
	}
}
