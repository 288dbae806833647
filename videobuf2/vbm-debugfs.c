// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is there, for people and tests: /sys/kernel/debug/videobuf2-mem/.
 *
 *   buffers   a line for each plane, key=value
 *   devices   a line for each device that has used one, key=value
 *   stats     a line for each counter, name and value
 *   failures  a line for each of what has failed last, key=value
 *   move      the number of a plane, written to it, moves that buffer
 *
 * Programs read them (tools/vbm); docs/debugfs.md says what they may rely on.
 */

#include <linux/debugfs.h>
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/seq_file.h>

#include "vbm-debugfs.h"
#include "vbm-alloc.h"
#include "vbm-attachment.h"
#include "vbm-buf.h"
#include "vbm-cpu.h"
#include "vbm-demand.h"
#include "vbm-device.h"
#include "vbm-failure.h"
#include "vbm-freeze.h"
#include "vbm-import.h"
#include "vbm-lesson.h"
#include "vbm-placement.h"
#include "vbm-region.h"
#include "vbm-stats.h"
#include "vbm.h"

static struct dentry *vbm_debugfs_dir;

static const char *vbm_dir_name(enum dma_data_direction dir)
{
	switch (dir) {
	case DMA_TO_DEVICE:
		return "to";
	case DMA_FROM_DEVICE:
		return "from";
	default:
		return "bidir";
	}
}

/* orphaned: vb2 has let go of it; a dma-buf or a user mapping has not. */
static const char *vbm_buf_state(struct vbm_buf *buf)
{
	if (!READ_ONCE(buf->plane.vb))
		return "orphaned";
	return atomic_read(&buf->exports) ? "exported" : "live";
}

/* Who is attached to one of its dma-bufs, mapped or not. */
static void vbm_show_attached(struct seq_file *s, struct vbm_buf *buf)
{
	const struct vbm_attachment *att;
	char sep = '=';

	seq_puts(s, " attached");
	list_for_each_entry(att, vbm_inbox_list(&buf->attachments),
			    letter.node) {
		if (!att->vdev)
			continue;
		seq_printf(s, "%c%s", sep, att->vdev->name);
		sep = ',';
	}
	if (sep == '=')
		seq_puts(s, "=-");
}

/* Who sees a copy of it. */
static void vbm_show_bounced(struct seq_file *s, struct vbm_buf *buf)
{
	struct vbm_mapping *map;
	char sep = '=';

	seq_puts(s, " bounced");
	list_for_each_entry(map, &buf->mappings, buf_node) {
		if (!map->live || !map->backing->nr_extents ||
		    !vbm_cpu_bounces(map))
			continue;
		seq_printf(s, "%c%s:%s", sep, map->vdev->name,
			   vbm_dir_name(map->dir));
		sep = ',';
	}
	if (sep == '=')
		seq_puts(s, "=-");
}

/* A requirement, what it is, and who brought it: address:3fffffff:vbdisp.0 */
static void vbm_show_demand(struct seq_file *s, struct vbm_buf *buf)
{
	static const char * const ones[] = { "any", "preferred", "wanted" };
	struct vbm_demand demand;
	char sep = '=';
	unsigned int i;

	vbm_demand_collect_locked(buf, NULL, &demand);
	seq_puts(s, " demand");
	for (i = 0; i < VBM_NR_REQ; i++) {
		const struct vbm_constraints *all = &demand.all;
		const u64 values[VBM_NR_REQ] = {
			[VBM_REQ_ADDRESS] = all->max_addr,
			[VBM_REQ_SEGMENTS] = all->max_segments,
			[VBM_REQ_SEGMENT_SIZE] = all->max_segment,
			[VBM_REQ_BOUNDARY] = all->boundary_mask,
			[VBM_REQ_ALIGN] = all->align,
			[VBM_REQ_PAGES] = all->needs_pages,
		};

		if (!demand.by[i].name)
			continue;
		seq_printf(s, "%c%s:%llx:%s", sep, vbm_requirement_names[i],
			   values[i], demand.by[i].name);
		sep = ',';
	}
	seq_printf(s, "%s one=%s", sep == '=' ? "=-" : "", ones[demand.one]);
	if (demand.one_by)
		seq_printf(s, ":%s", demand.one_by);
	seq_printf(s, " chunk=%zu", demand.all.chunk);
}

static void vbm_show_buf(struct seq_file *s, struct vbm_buf *buf)
{
	bool mmap = buf->plane.kind == VBM_MMAP;
	struct vbm_mapping *map;
	char sep = '=';

	mutex_lock(&buf->lock);
	seq_printf(s, "buf=%u kind=%s dev=%s size=%zu backing=%s extents=%u",
		   buf->plane.id, mmap ? "mmap" : "userptr",
		   vbm_buf_device(buf), buf->plane.size,
		   buf->backing ? buf->backing->allocator->name : "none",
		   buf->backing ? buf->backing->nr_extents : 0);
	if (buf->backing && buf->backing->part)
		seq_printf(s, " region=%s+%#llx",
			   vbm_region_name(buf->backing->part),
			   (u64)vbm_region_offset(buf->backing->part));
	if (buf->backing && buf->backing->nr_extents)
		seq_printf(s, " pieces=%u longest=%zu last=%llx",
			   buf->backing->shape.pieces,
			   buf->backing->shape.longest,
			   buf->backing->shape.last);
	seq_printf(s, " users=%u meta=%zu state=%s mappings",
		   refcount_read(&buf->ref), vbm_buf_metadata(buf),
		   vbm_buf_state(buf));
	list_for_each_entry(map, &buf->mappings, buf_node) {
		seq_printf(s, "%c%s:%s:%u:%s", sep, map->vdev->name,
			   vbm_dir_name(map->dir), map->in_use,
			   map->need_sync ? "sync" : "-");
		sep = ',';
	}
	if (sep == '=')
		seq_puts(s, "=-");
	vbm_show_demand(s, buf);
	seq_printf(s, " frozen=%s moves=%u owned=%d managed=%d",
		   vbm_freeze_names[READ_ONCE(buf->freeze)], buf->moves,
		   vbm_freeze_owned(buf), buf->managed);
	vbm_show_attached(s, buf);
	vbm_show_bounced(s, buf);
	seq_putc(s, '\n');
	mutex_unlock(&buf->lock);
}

static void vbm_show_import(struct seq_file *s, struct vbm_import *imp)
{
	struct vbm_plane *plane = &imp->plane;

	seq_printf(s, "buf=%u kind=import dev=%s size=%zu exporter=%s ours=%d",
		   plane->id, dev_name(plane->dev), plane->size,
		   imp->dmabuf->exp_name, !!imp->map);
	seq_printf(s, " segments=%u dir=%s sync=%s vmap=%d parked=%d",
		   imp->segments, vbm_dir_name(plane->dir),
		   imp->syncs ? "sync" : "-", !!READ_ONCE(imp->vaddr),
		   !READ_ONCE(plane->vb));
	seq_printf(s, " of=%u ino=%llu\n", imp->of,
		   (u64)file_inode(imp->dmabuf->file)->i_ino);
}

static int buffers_show(struct seq_file *s, void *unused)
{
	struct vbm_plane *plane;

	mutex_lock(&vbm_registry_lock);
	list_for_each_entry(plane, vbm_inbox_list(&vbm_registry), letter.node) {
		if (plane->kind == VBM_IMPORT)
			vbm_show_import(s, vbm_plane_import(plane));
		else
			vbm_show_buf(s, vbm_plane_buf(plane));
	}
	mutex_unlock(&vbm_registry_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(buffers);

static void vbm_show_device(struct vbm_device *vdev, void *arg)
{
	const struct vbm_constraints *c = &vdev->limits;
	struct seq_file *s = arg;

	seq_printf(s, "dev=%s address=%llx segments=%x segment-size=%zx",
		   vdev->name, c->max_addr, c->max_segments, c->max_segment);
	seq_printf(s, " boundary=%llx align=%zx pages=%d chunk=%zu",
		   c->boundary_mask, c->align, c->needs_pages, c->chunk);
	seq_printf(s, " translated=%d direct=%d bound=%d", c->translated,
		   vdev->direct, vdev->bound);
	seq_printf(s, " refusals=%u one=%d\n", READ_ONCE(vdev->lesson.refusals),
		   vbm_lesson_learnt(vdev));
}

static int devices_show(struct seq_file *s, void *unused)
{
	vbm_devices_each(vbm_show_device, s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

static int stats_show(struct seq_file *s, void *unused)
{
	unsigned int i;

	for (i = 0; i < VBM_NR_STATS; i++)
		seq_printf(s, "%s %lld\n", vbm_stat_names[i],
			   (s64)atomic64_read(&vbm_stats[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int failures_show(struct seq_file *s, void *unused)
{
	vbm_failures_show(s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

/* The buffer of that number, referenced; NULL if there is none. */
static struct vbm_buf *vbm_debugfs_find(u64 id)
{
	struct vbm_buf *buf = NULL;
	struct vbm_plane *plane;

	mutex_lock(&vbm_registry_lock);
	list_for_each_entry(plane, vbm_inbox_list(&vbm_registry), letter.node)
		if (plane->id == id && plane->kind == VBM_MMAP &&
		    refcount_inc_not_zero(&vbm_plane_buf(plane)->ref))
			buf = vbm_plane_buf(plane);
	mutex_unlock(&vbm_registry_lock);
	return buf;
}

static int move_set(void *data, u64 id)
{
	struct vbm_buf *buf = vbm_debugfs_find(id);
	int ret;

	if (!buf)
		return -ENOENT;
	ret = vbm_placement_move(buf);
	vbm_buf_put(buf);
	return ret;
}
DEFINE_DEBUGFS_ATTRIBUTE(move_fops, NULL, move_set, "%llu\n");

void vbm_debugfs_init(void)
{
	vbm_debugfs_dir = debugfs_create_dir("videobuf2-mem", NULL);
	debugfs_create_file("buffers", 0400, vbm_debugfs_dir, NULL,
			    &buffers_fops);
	debugfs_create_file("devices", 0400, vbm_debugfs_dir, NULL,
			    &devices_fops);
	debugfs_create_file("failures", 0400, vbm_debugfs_dir, NULL,
			    &failures_fops);
	debugfs_create_file_unsafe("move", 0200, vbm_debugfs_dir, NULL,
				   &move_fops);
	debugfs_create_file("stats", 0444, vbm_debugfs_dir, NULL, &stats_fops);
}

void vbm_debugfs_fini(void)
{
	debugfs_remove_recursive(vbm_debugfs_dir);
}
