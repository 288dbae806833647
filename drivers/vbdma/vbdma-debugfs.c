// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bus masters did: vbdma/NAME/stats, lines of "name value", and
 * vbdma/NAME/limits, what the device declared.
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "vbdma.h"
#include "vbdma-debugfs.h"
#include "vbdma-ring.h"

static struct dentry *vbdma_root;

static const char * const vbdma_fault_names[] = {
	[VBDMA_FAULT_MASK]	= "fault_mask",
	[VBDMA_FAULT_NR_SEGS]	= "fault_nr_segs",
	[VBDMA_FAULT_SEG_SIZE]	= "fault_seg_size",
	[VBDMA_FAULT_BOUNDARY]	= "fault_boundary",
	[VBDMA_FAULT_ALIGN]	= "fault_align",
	[VBDMA_FAULT_RANGE]	= "fault_range",
	[VBDMA_FAULT_UNMAPPED]	= "fault_unmapped",
	[VBDMA_FAULT_NOT_RAM]	= "fault_not_ram",
	[VBDMA_FAULT_ACCESS]	= "fault_access",
	[VBDMA_FAULT_STALE]	= "fault_stale",
	[VBDMA_FAULT_GONE]	= "fault_gone",
};

static_assert(ARRAY_SIZE(vbdma_fault_names) == VBDMA_NR_FAULTS);

static int stats_show(struct seq_file *s, void *unused)
{
	struct vbdma_dev *vd = s->private;
	s64 faults = 0;
	unsigned int i;

	for (i = 0; i < VBDMA_NR_FAULTS; i++)
		faults += atomic64_read(&vd->faults[i]);

	seq_printf(s, "transfers %lld\n", atomic64_read(&vd->transfers));
	seq_printf(s, "bytes %lld\n", atomic64_read(&vd->bytes));
	seq_printf(s, "faults %lld\n", faults);
	for (i = 0; i < VBDMA_NR_FAULTS; i++)
		seq_printf(s, "%s %lld\n", vbdma_fault_names[i],
			   atomic64_read(&vd->faults[i]));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int limits_show(struct seq_file *s, void *unused)
{
	const struct vbdma_dev *vd = s->private;
	const struct vbdma_limits *limits = &vd->limits;

	seq_printf(s, "mask %#llx\n", limits->mask);
	seq_printf(s, "boundary %#lx\n", limits->boundary);
	seq_printf(s, "max_segs %u\n", limits->max_segs);
	seq_printf(s, "max_seg_size %u\n", limits->max_seg_size);
	seq_printf(s, "align %u\n", limits->align);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(limits);

void vbdma_debugfs_add(struct vbdma_dev *vd)
{
	vd->debugfs = debugfs_create_dir(vd->name, vbdma_root);
	debugfs_create_file("stats", 0444, vd->debugfs, vd, &stats_fops);
	debugfs_create_file("limits", 0444, vd->debugfs, vd, &limits_fops);
	vbdma_ring_add(vd);
}

/* Waits for readers: @vd is not used afterwards. */
void vbdma_debugfs_remove(struct vbdma_dev *vd)
{
	vbdma_ring_remove(vd);
	debugfs_remove(vd->debugfs);
	vd->debugfs = NULL;
}

void vbdma_debugfs_init(void)
{
	vbdma_root = debugfs_create_dir("vbdma", NULL);
	debugfs_create_file("ring", 0600, vbdma_root, NULL, &vbdma_ring_fops);
}

void vbdma_debugfs_exit(void)
{
	debugfs_remove(vbdma_root);
}
