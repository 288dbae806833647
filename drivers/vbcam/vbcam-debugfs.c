// SPDX-License-Identifier: GPL-2.0-only
/*
 * What became of the frames: vbcam/NAME/stats, lines of "name value".
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "vbcam.h"

static struct dentry *vbcam_root;

static int stats_show(struct seq_file *s, void *unused)
{
	struct vbcam_dev *cam = s->private;
	struct vbcam_stats stats;

	spin_lock_bh(&cam->slock);
	stats = cam->stats;
	spin_unlock_bh(&cam->slock);

	seq_printf(s, "frames %llu\n", stats.frames);
	seq_printf(s, "lost %llu\n", stats.lost);
	seq_printf(s, "errors %llu\n", stats.errors);
	seq_printf(s, "late %llu\n", stats.late);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

void vbcam_debugfs_add(struct vbcam_dev *cam)
{
	cam->debugfs = debugfs_create_dir(cam->config.name, vbcam_root);
	debugfs_create_file("stats", 0444, cam->debugfs, cam, &stats_fops);
}

/* Waits for readers: @cam is not used afterwards. */
void vbcam_debugfs_remove(struct vbcam_dev *cam)
{
	debugfs_remove(cam->debugfs);
	cam->debugfs = NULL;
}

void vbcam_debugfs_init(void)
{
	vbcam_root = debugfs_create_dir("vbcam", NULL);
}

void vbcam_debugfs_exit(void)
{
	debugfs_remove(vbcam_root);
}
