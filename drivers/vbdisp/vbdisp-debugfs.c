// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has been scanned out: vbdisp/NAME/stats, lines of "name value", and
 * vbdisp/NAME/frame.ppm, the picture on the screen as it is when the file is
 * opened.
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "vbdisp.h"

/**
 * struct vbdisp_picture - an open frame.ppm
 * @size: its length in bytes
 * @ppm: the file, binary PPM
 */
struct vbdisp_picture {
	size_t	size;
	u8	ppm[] __counted_by(size);
};

static struct dentry *vbdisp_root;

static int stats_show(struct seq_file *s, void *unused)
{
	struct vbdisp_dev *disp = s->private;
	struct vbdisp_stats stats;

	spin_lock_bh(&disp->slock);
	stats = disp->stats;
	spin_unlock_bh(&disp->slock);

	seq_printf(s, "frames %llu\n", stats.frames);
	seq_printf(s, "repeated %llu\n", stats.repeated);
	seq_printf(s, "torn %llu\n", stats.torn);
	seq_printf(s, "dropped %llu\n", stats.dropped);
	seq_printf(s, "errors %llu\n", stats.errors);
	seq_printf(s, "late %llu\n", stats.late);
	seq_printf(s, "last_sequence %u\n", stats.last_sequence);
	seq_printf(s, "last_sum 0x%08x\n", stats.last_sum);
	seq_printf(s, "sum_of_sums 0x%08x\n", stats.sum_of_sums);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static struct vbdisp_picture *take_picture(struct vbdisp_scan *scan)
{
	struct vbdisp_picture *picture;
	size_t size;

	lockdep_assert_held(&scan->lock);

	size = vbdisp_scan_ppm_size(scan);
	if (!size)
		return ERR_PTR(-ENODATA);

	picture = kvmalloc(struct_size(picture, ppm, size), GFP_KERNEL);
	if (!picture)
		return ERR_PTR(-ENOMEM);

	picture->size = size;
	vbdisp_scan_ppm(scan, picture->ppm, size);

	return picture;
}

static int frame_open(struct inode *inode, struct file *file)
{
	struct vbdisp_dev *disp = inode->i_private;
	struct vbdisp_picture *picture;
	int ret;

	ret = mutex_lock_interruptible(&disp->scan.lock);
	if (ret)
		return ret;
	picture = take_picture(&disp->scan);
	mutex_unlock(&disp->scan.lock);
	if (IS_ERR(picture))
		return PTR_ERR(picture);
	file->private_data = picture;

	return 0;
}

static ssize_t frame_read(struct file *file, char __user *to, size_t len,
			  loff_t *pos)
{
	const struct vbdisp_picture *picture = file->private_data;

	return simple_read_from_buffer(to, len, pos, picture->ppm,
				       picture->size);
}

static int frame_release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);
	return 0;
}

static const struct file_operations frame_fops = {
	.owner		= THIS_MODULE,
	.open		= frame_open,
	.read		= frame_read,
	.release	= frame_release,
	.llseek		= default_llseek,
};

void vbdisp_debugfs_add(struct vbdisp_dev *disp)
{
	disp->debugfs = debugfs_create_dir(disp->config.name, vbdisp_root);
	debugfs_create_file("stats", 0444, disp->debugfs, disp, &stats_fops);
	debugfs_create_file("frame.ppm", 0444, disp->debugfs, disp,
			    &frame_fops);
}

/* Waits for readers: @disp is not used afterwards. */
void vbdisp_debugfs_remove(struct vbdisp_dev *disp)
{
	debugfs_remove(disp->debugfs);
	disp->debugfs = NULL;
}

void vbdisp_debugfs_init(void)
{
	vbdisp_root = debugfs_create_dir("vbdisp", NULL);
}

void vbdisp_debugfs_exit(void)
{
	debugfs_remove(vbdisp_root);
}
