// SPDX-License-Identifier: GPL-2.0-only
/*
 * What became of the frames: vbcodec/NAME/{encoder,decoder}/stats, lines of
 * "name value".
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "vbcodec.h"

static struct dentry *vbcodec_root;

static int stats_show(struct seq_file *s, void *unused)
{
	struct vbcodec_node *node = s->private;
	struct vbcodec_stats *stats = &node->stats;

	seq_printf(s, "frames %lld\n", atomic64_read(&stats->frames));
	seq_printf(s, "bytes %lld\n", atomic64_read(&stats->bytes));
	seq_printf(s, "corrupt %lld\n", atomic64_read(&stats->corrupt));
	seq_printf(s, "overflows %lld\n", atomic64_read(&stats->overflows));
	seq_printf(s, "faults %lld\n", atomic64_read(&stats->faults));
	seq_printf(s, "nomem %lld\n", atomic64_read(&stats->nomem));
	seq_printf(s, "changes %lld\n", atomic64_read(&stats->changes));
	seq_printf(s, "peeks %lld\n", atomic64_read(&stats->peeks));
	seq_printf(s, "peeks_dma %lld\n", atomic64_read(&stats->peeks_dma));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void add_node(struct vbcodec_node *node, const char *name)
{
	node->debugfs = debugfs_create_dir(name, node->codec->debugfs);
	debugfs_create_file("stats", 0444, node->debugfs, node, &stats_fops);
}

void vbcodec_debugfs_add(struct vbcodec_dev *codec)
{
	codec->debugfs = debugfs_create_dir(codec->config.name, vbcodec_root);
	add_node(&codec->encoder, "encoder");
	add_node(&codec->decoder, "decoder");
}

/* Waits for readers: @codec is not used afterwards. */
void vbcodec_debugfs_remove(struct vbcodec_dev *codec)
{
	debugfs_remove(codec->debugfs);
	codec->debugfs = NULL;
}

void vbcodec_debugfs_init(void)
{
	vbcodec_root = debugfs_create_dir("vbcodec", NULL);
}

void vbcodec_debugfs_exit(void)
{
	debugfs_remove(vbcodec_root);
}
