// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring that several bus masters have, in memory of <media/videobuf2-mem.h>:
 * the devices of a pipeline tell one another in it what they have done, without
 * the CPU.
 *
 * vbdma/ring in debugfs: to write names of bus masters ("vbcam.0 vbdisp.0")
 * allocates a ring for them in place of the last one; an empty line frees it. To
 * read has each of them put an entry into each slot in turn, and all others and
 * the CPU read it, each by its own address: a line for each bus master,
 *
 *	NAME ADDRESS SEGMENTS ok|fault|wrong
 *
 * The ring goes with the first of its bus masters that goes. The memory is only
 * to be had where videobuf2-mem is: -EOPNOTSUPP on the kernel's own backends.
 */

#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <media/videobuf2-mem.h>

#include "vbdma.h"
#include "vbdma-ring.h"

#define VBDMA_RING_SIZE		SZ_64K
#define VBDMA_RING_SLOT		SZ_4K
#define VBDMA_RING_MAX		8

/* What one bus master tells the others. */
struct vbdma_ring_entry {
	char	name[16];
	u32	slot;
	u32	check;
};

/* All of it is there as long as the ring is, and guarded by vbdma_ring_lock. */
static struct {
	struct vbm_shared *shared;
	struct vbdma_dev *vds[VBDMA_RING_MAX];
	unsigned int nr;
	const struct sg_table *(*sgt)(struct vbm_shared *shared,
				      const struct device *dev);
	void *(*vaddr)(struct vbm_shared *shared);
	void (*give)(struct vbm_shared *shared, const struct device *dev);
	void (*take)(struct vbm_shared *shared, const struct device *dev);
	void (*begin)(struct vbm_shared *shared, enum dma_data_direction dir);
	void (*end)(struct vbm_shared *shared, enum dma_data_direction dir);
	void (*put)(struct vbm_shared *shared);
} ring;

static DEFINE_MUTEX(vbdma_ring_lock);
static LIST_HEAD(vbdma_ring_devs);

static void ring_free(void)
{
	if (!ring.shared)
		return;
	ring.put(ring.shared);
	ring.shared = NULL;
	symbol_put(vbm_shared_sgt);
	symbol_put(vbm_shared_vaddr);
	symbol_put(vbm_shared_give);
	symbol_put(vbm_shared_take);
	symbol_put(vbm_shared_begin);
	symbol_put(vbm_shared_end);
	symbol_put(vbm_shared_put);
}

/* With one of them there are all: they are one module's. */
static int ring_alloc(void)
{
	struct vbm_shared *(*alloc)(struct device * const *devs,
				    unsigned int nr_devs, size_t size,
				    enum dma_data_direction dir,
				    unsigned int flags);
	struct device *devs[VBDMA_RING_MAX];
	struct vbm_shared *shared;
	unsigned int i;

	alloc = symbol_get(vbm_shared_alloc);
	if (!alloc)
		return -EOPNOTSUPP;
	for (i = 0; i < ring.nr; i++)
		devs[i] = ring.vds[i]->dev;
	shared = alloc(devs, ring.nr, VBDMA_RING_SIZE, DMA_BIDIRECTIONAL,
		       VBM_SHARED_CONTIG);
	if (!IS_ERR(shared)) {
		ring.sgt = symbol_get(vbm_shared_sgt);
		ring.vaddr = symbol_get(vbm_shared_vaddr);
		ring.give = symbol_get(vbm_shared_give);
		ring.take = symbol_get(vbm_shared_take);
		ring.begin = symbol_get(vbm_shared_begin);
		ring.end = symbol_get(vbm_shared_end);
		ring.put = symbol_get(vbm_shared_put);
		ring.shared = shared;
	}
	symbol_put(vbm_shared_alloc);
	return PTR_ERR_OR_ZERO(shared);
}

static struct vbdma_dev *ring_find(const char *name)
{
	struct vbdma_dev *vd;

	list_for_each_entry(vd, &vbdma_ring_devs, ring_node)
		if (!strcmp(vd->name, name))
			return vd;
	return NULL;
}

static int ring_set_locked(char *names)
{
	char *name;

	ring_free();
	ring.nr = 0;
	while ((name = strsep(&names, "\n "))) {
		if (!*name)
			continue;
		if (ring.nr == VBDMA_RING_MAX)
			return -E2BIG;
		ring.vds[ring.nr] = ring_find(name);
		if (!ring.vds[ring.nr])
			return -ENODEV;
		ring.nr++;
	}
	return ring.nr ? ring_alloc() : 0;
}

static ssize_t ring_write(struct file *file, const char __user *user,
			  size_t count, loff_t *pos)
{
	char *names;
	int ret;

	names = memdup_user_nul(user, min_t(size_t, count, SZ_4K));
	if (IS_ERR(names))
		return PTR_ERR(names);
	mutex_lock(&vbdma_ring_lock);
	ret = ring_set_locked(names);
	mutex_unlock(&vbdma_ring_lock);
	kfree(names);
	return ret ?: count;
}

static int ring_move(struct vbdma_dev *vd, struct vbdma_ring_entry *entry,
		     unsigned int slot, bool write)
{
	const struct sg_table *sgt = ring.sgt(ring.shared, vd->dev);
	struct vbdma_target target;
	size_t at = slot * VBDMA_RING_SLOT;
	int ret;

	if (!sgt)
		return -ENODEV;
	vbdma_target_contig(&target, sg_dma_address(sgt->sgl),
			    VBDMA_RING_SIZE);
	ring.give(ring.shared, vd->dev);
	if (write)
		ret = vbdma_write(vd, &target, at, entry, sizeof(*entry));
	else
		ret = vbdma_read(vd, &target, at, entry, sizeof(*entry));
	ring.take(ring.shared, vd->dev);
	return ret;
}

static bool ring_same(const struct vbdma_ring_entry *entry, const void *found)
{
	return !memcmp(entry, found, sizeof(*entry));
}

/* Does everybody see what this one tells? */
static const char *ring_tell(struct vbdma_dev *vd, unsigned int slot)
{
	struct vbdma_ring_entry entry = { .slot = slot, .check = ~slot };
	struct vbdma_ring_entry found;
	const void *vaddr;
	unsigned int i;
	bool same;

	strscpy(entry.name, vd->name);
	if (ring_move(vd, &entry, slot, true))
		return "fault";
	for (i = 0; i < ring.nr; i++) {
		memset(&found, 0, sizeof(found));
		if (ring_move(ring.vds[i], &found, slot, false))
			return "fault";
		if (!ring_same(&entry, &found))
			return "wrong";
	}
	vaddr = ring.vaddr(ring.shared);
	if (!vaddr)
		return "ok";
	ring.begin(ring.shared, DMA_FROM_DEVICE);
	same = ring_same(&entry, vaddr + slot * VBDMA_RING_SLOT);
	ring.end(ring.shared, DMA_FROM_DEVICE);
	return same ? "ok" : "wrong";
}

static void ring_show_one(struct seq_file *s, struct vbdma_dev *vd)
{
	const struct sg_table *sgt = ring.sgt(ring.shared, vd->dev);
	const char *result = "ok";
	unsigned int slot;

	for (slot = 0; slot < VBDMA_RING_SIZE / VBDMA_RING_SLOT; slot++) {
		result = ring_tell(vd, slot);
		if (strcmp(result, "ok"))
			break;
	}
	seq_printf(s, "%s %#llx %u %s\n", vd->name,
		   sgt ? (u64)sg_dma_address(sgt->sgl) : 0,
		   sgt ? sgt->nents : 0, result);
}

static int ring_show(struct seq_file *s, void *unused)
{
	unsigned int i;

	mutex_lock(&vbdma_ring_lock);
	for (i = 0; ring.shared && i < ring.nr; i++)
		ring_show_one(s, ring.vds[i]);
	mutex_unlock(&vbdma_ring_lock);
	return 0;
}

static int ring_open(struct inode *inode, struct file *file)
{
	return single_open(file, ring_show, NULL);
}

const struct file_operations vbdma_ring_fops = {
	.owner		= THIS_MODULE,
	.open		= ring_open,
	.read		= seq_read,
	.write		= ring_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

void vbdma_ring_add(struct vbdma_dev *vd)
{
	mutex_lock(&vbdma_ring_lock);
	list_add_tail(&vd->ring_node, &vbdma_ring_devs);
	mutex_unlock(&vbdma_ring_lock);
}

/* Also of one that has been removed before. */
void vbdma_ring_remove(struct vbdma_dev *vd)
{
	unsigned int i;

	mutex_lock(&vbdma_ring_lock);
	list_del_init(&vd->ring_node);
	for (i = 0; i < ring.nr; i++)
		if (ring.vds[i] == vd)
			break;
	if (i < ring.nr) {
		ring_free();
		ring.nr = 0;
	}
	mutex_unlock(&vbdma_ring_lock);
}
