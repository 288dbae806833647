// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm-peer: the other side of a dma-buf, for the self tests.
 *
 * /dev/vbm-peer makes a platform device with chosen DMA limits and lets user
 * space attach it to a dma-buf, map it in a direction, and read and write
 * through the DMA addresses: what the program gets is what a bus master would
 * see. It also exports dma-bufs that no driver on a test machine exports.
 *
 * Nothing here is hardened: it is for root in a virtual machine. peer->lock
 * guards everything in a struct peer.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <media/videobuf2-mem.h>

#include "vbm-peer.h"

/* One copy at a time of what a device would move. */
#define PEER_CHUNK	PAGE_SIZE

struct peer_mapping {
	struct sg_table *sgt;
	enum dma_data_direction dir;
	struct dma_buf_attachment *attach;
};

/* The device is at work on what it has mapped. */
struct peer_fence {
	struct dma_fence base;
	spinlock_t lock; /* the fence's own */
};

struct peer {
	struct mutex lock;	/* all of it: one ioctl at a time */
	struct platform_device *pdev;
	struct dma_buf_attachment *attach;
	u32 dynamic;		/* how: VBM_PEER_STATIC... */
	u32 told;		/* the attachment's dma_resv */
	u32 pins;
	struct work_struct let_go;
	struct dma_fence *fence;	/* @work_done signals it; or NULL */
	struct delayed_work work_done;
	struct peer_mapping maps[VBM_PEER_MAPS];	/* and its dma_resv */
	struct iosys_map vmap;
	/* Held as long as the device may have them; stock has it not. */
	typeof(vbm_device_set_limits) *set_limits;
};

static DEFINE_IDA(peer_ida);

/*
 * The device
 */

static int peer_probe(struct platform_device *pdev)
{
	const struct vbm_peer_device *limits = dev_get_platdata(&pdev->dev);
	struct device *dev = &pdev->dev;
	u64 mask = limits->dma_mask ?: DMA_BIT_MASK(64);
	int ret;

	ret = dma_coerce_mask_and_coherent(dev, mask);
	if (ret)
		return ret;
	if (limits->max_seg_size)
		dma_set_max_seg_size(dev, limits->max_seg_size);
	if (limits->seg_boundary)
		dma_set_seg_boundary(dev, limits->seg_boundary);
	return 0;
}

static struct platform_driver peer_driver = {
	.probe = peer_probe,
	.driver = {
		.name = "vbm-peer",
		.suppress_bind_attrs = true,
	},
};

static int peer_device(struct peer *peer, const void __user *arg)
{
	struct platform_device_info info = { .name = "vbm-peer" };
	struct vbm_peer_device limits;
	struct platform_device *pdev;
	int id;

	if (peer->pdev)
		return -EBUSY;
	if (copy_from_user(&limits, arg, sizeof(limits)))
		return -EFAULT;
	id = ida_alloc_min(&peer_ida, limits.first_id, GFP_KERNEL);
	if (id < 0)
		return id;
	info.id = id;
	info.data = &limits;
	info.size_data = sizeof(limits);
	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev)) {
		ida_free(&peer_ida, id);
		return PTR_ERR(pdev);
	}
	peer->pdev = pdev;
	return pdev->dev.driver ? 0 : -ENODEV;
}

static int peer_limits(struct peer *peer, const void __user *arg)
{
	struct vbm_peer_limits req;
	struct vbm_limits limits;

	if (!peer->pdev)
		return -ENODEV;
	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!peer->set_limits)
		peer->set_limits = symbol_get(vbm_device_set_limits);
	if (!peer->set_limits)
		return -EOPNOTSUPP;
	limits = (struct vbm_limits) {
		.max_segments = req.max_segments,
		.max_segment_size = req.max_segment_size,
		.boundary = req.boundary,
		.align = req.align,
		.address_bits = req.address_bits,
		.needs_pages = req.needs_pages,
	};
	return peer->set_limits(&peer->pdev->dev, &limits);
}

/*
 * Importing
 */

/* What is mapped goes; the dma_resv is held. */
static void peer_let_go(struct peer *peer)
{
	int i;

	for (i = 0; i < VBM_PEER_MAPS; i++) {
		struct peer_mapping *m = &peer->maps[i];

		if (!m->sgt)
			continue;
		dma_buf_unmap_attachment(m->attach, m->sgt, m->dir);
		m->sgt = NULL;
	}
}

static void peer_let_go_work(struct work_struct *work)
{
	struct peer *peer = container_of(work, struct peer, let_go);

	dma_resv_lock(peer->attach->dmabuf->resv, NULL);
	peer_let_go(peer);
	dma_resv_unlock(peer->attach->dmabuf->resv);
}

/* The buffer is about to move. The test maps again by itself. */
static void peer_moved(struct dma_buf_attachment *attach)
{
	struct peer *peer = attach->importer_priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	peer->told++;
	if (peer->dynamic == VBM_PEER_REVOCABLE)
		peer_let_go(peer);
	else if (peer->dynamic == VBM_PEER_REVOCABLE_LATER)
		schedule_work(&peer->let_go);
}

/* In this order in all kernels, the second under changing names. */
static const struct dma_buf_attach_ops peer_attach_ops = { true, peer_moved };

static int peer_pin(struct peer *peer, bool pin)
{
	struct dma_resv *resv;
	int ret = 0;

	if (!peer->attach || !peer->dynamic || (!pin && !peer->pins))
		return -EINVAL;
	resv = peer->attach->dmabuf->resv;
	dma_resv_lock(resv, NULL);
	if (pin)
		ret = dma_buf_pin(peer->attach);
	else
		dma_buf_unpin(peer->attach);
	if (!ret)
		peer->pins += pin ? 1 : -1;
	dma_resv_unlock(resv);
	return ret;
}

/*
 * Work of the device
 */

static const char *peer_fence_name(struct dma_fence *fence)
{
	return KBUILD_MODNAME;
}

/* A buffer has it for longer than the device. */
static void peer_fence_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops peer_fence_ops = {
	.get_driver_name = peer_fence_name,
	.get_timeline_name = peer_fence_name,
	.release = peer_fence_release,
};

static void peer_work_done(struct work_struct *work)
{
	struct peer *peer = container_of(to_delayed_work(work), struct peer,
					 work_done);

	dma_fence_signal(peer->fence);
}

static void peer_work_end(struct peer *peer)
{
	if (!peer->fence)
		return;
	cancel_delayed_work_sync(&peer->work_done);
	dma_fence_signal(peer->fence);
	dma_fence_put(peer->fence);
	peer->fence = NULL;
}

static int peer_work(struct peer *peer, u32 ms)
{
	struct peer_fence *fence;
	struct dma_resv *resv;
	int ret;

	peer_work_end(peer);
	if (!ms)
		return 0;
	if (!peer->attach)
		return -EINVAL;
	fence = kzalloc_obj(*fence);
	if (!fence)
		return -ENOMEM;
	resv = peer->attach->dmabuf->resv;
	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (ret) {
		dma_resv_unlock(resv);
		kfree(fence);
		return ret;
	}
	__module_get(THIS_MODULE);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &peer_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	dma_resv_add_fence(resv, &fence->base, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv);
	peer->fence = &fence->base;
	schedule_delayed_work(&peer->work_done, msecs_to_jiffies(ms));
	return 0;
}

static int peer_state(struct peer *peer, void __user *arg)
{
	struct vbm_peer_state state = { 0 };
	int i;

	if (!peer->attach)
		return -EINVAL;
	dma_resv_lock(peer->attach->dmabuf->resv, NULL);
	state.told = peer->told;
	for (i = 0; i < VBM_PEER_MAPS; i++)
		state.maps += !!peer->maps[i].sgt;
	dma_resv_unlock(peer->attach->dmabuf->resv);
	return copy_to_user(arg, &state, sizeof(state)) ? -EFAULT : 0;
}

static int peer_attach(struct peer *peer, const void __user *arg)
{
	struct dma_buf_attachment *attach;
	struct vbm_peer_attach req;
	struct dma_buf *dmabuf;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!peer->pdev || peer->attach)
		return -EBUSY;
	dmabuf = dma_buf_get(req.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	peer->dynamic = req.dynamic;
	peer->told = 0;
	if (req.dynamic)
		attach = dma_buf_dynamic_attach(dmabuf, &peer->pdev->dev,
						&peer_attach_ops, peer);
	else
		attach = dma_buf_attach(dmabuf, &peer->pdev->dev);
	if (IS_ERR(attach)) {
		dma_buf_put(dmabuf);
		return PTR_ERR(attach);
	}
	peer->attach = attach;
	return 0;
}

static struct peer_mapping *peer_mapping(struct peer *peer, u32 map)
{
	if (map >= VBM_PEER_MAPS || !peer->maps[map].sgt)
		return NULL;
	return &peer->maps[map];
}

static void peer_unmap(struct peer_mapping *m)
{
	dma_buf_unmap_attachment_unlocked(m->attach, m->sgt, m->dir);
	m->sgt = NULL;
}

static int peer_map(struct peer *peer, void __user *arg)
{
	struct vbm_peer_map req;
	struct peer_mapping *m = NULL;
	struct sg_table *sgt;
	u32 i;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!peer->attach || req.dir > DMA_FROM_DEVICE)
		return -EINVAL;
	for (i = 0; i < VBM_PEER_MAPS && !m; i++)
		if (!peer->maps[i].sgt)
			m = &peer->maps[i];
	if (!m)
		return -ENOSPC;
	/* Who is asked to let go of it finds it. */
	dma_resv_lock(peer->attach->dmabuf->resv, NULL);
	sgt = dma_buf_map_attachment(peer->attach, req.dir);
	if (IS_ERR(sgt)) {
		dma_resv_unlock(peer->attach->dmabuf->resv);
		return PTR_ERR(sgt);
	}
	req.map = m - peer->maps;
	req.table = req.map;
	for (i = 0; i < VBM_PEER_MAPS; i++)
		if (peer->maps[i].sgt == sgt)
			req.table = i;
	req.nents = sgt->nents;
	m->sgt = sgt;
	m->dir = req.dir;
	m->attach = peer->attach;
	dma_resv_unlock(peer->attach->dmabuf->resv);
	if (copy_to_user(arg, &req, sizeof(req))) {
		peer_unmap(m);
		return -EFAULT;
	}
	return 0;
}

static int peer_segs(struct peer *peer, const void __user *arg)
{
	struct vbm_peer_segs req;
	struct peer_mapping *m;
	struct scatterlist *sg;
	int i;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	m = peer_mapping(peer, req.map);
	if (!m)
		return -EINVAL;
	for_each_sgtable_dma_sg(m->sgt, sg, i) {
		struct vbm_peer_seg seg = {
			.addr = sg_dma_address(sg),
			.len = sg_dma_len(sg),
		};
		struct vbm_peer_seg __user *to = u64_to_user_ptr(req.segs);

		if (i >= req.max)
			return -E2BIG;
		if (copy_to_user(to + i, &seg, sizeof(seg)))
			return -EFAULT;
	}
	return 0;
}

static int peer_scribble(struct peer *peer, const u32 __user *arg)
{
	struct peer_mapping *m;
	struct scatterlist *sg;
	u32 map;
	int i;

	if (get_user(map, arg))
		return -EFAULT;
	m = peer_mapping(peer, map);
	if (!m)
		return -EINVAL;
	for_each_sgtable_dma_sg(m->sgt, sg, i) {
		sg_dma_address(sg) = 0xdead0000 + i * PAGE_SIZE;
		sg_dma_len(sg) = 16;
	}
	return 0;
}

/* Where the bus would lead that address, or NULL. */
static void *peer_reach(struct device *dev, dma_addr_t addr)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	phys_addr_t phys = addr;

	if (domain && domain->type & __IOMMU_DOMAIN_PAGING) {
		phys = iommu_iova_to_phys(domain, addr);
		if (!phys)
			return NULL;
	}
	if (!pfn_valid(PHYS_PFN(phys)))
		return NULL;
	return phys_to_virt(phys);
}

static int peer_io(struct peer *peer, const void __user *arg)
{
	struct vbm_peer_io req;
	struct peer_mapping *m;
	struct scatterlist *sg;
	u64 at = 0;
	u8 *chunk;
	int i, ret = 0;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	m = peer_mapping(peer, req.map);
	if (!m)
		return -EINVAL;
	chunk = kmalloc(PEER_CHUNK, GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;

	for_each_sgtable_dma_sg(m->sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg);
		u64 len = sg_dma_len(sg), skip, n;

		if (at + len <= req.offset) {
			at += len;
			continue;
		}
		at += len;
		skip = req.offset - (at - len);
		addr += skip;
		len -= skip;
		while (len && req.length) {
			void __user *user = u64_to_user_ptr(req.data);
			void *p = peer_reach(&peer->pdev->dev, addr);

			n = min3(len, req.length,
				 (u64)PEER_CHUNK - offset_in_page(addr));
			if (!p) {
				ret = -ENXIO;
				goto out;
			}
			if (req.write) {
				ret = copy_from_user(chunk, user, n);
				if (!ret)
					memcpy(p, chunk, n);
			} else {
				memcpy(chunk, p, n);
				ret = copy_to_user(user, chunk, n);
			}
			if (ret) {
				ret = -EFAULT;
				goto out;
			}
			addr += n;
			len -= n;
			req.offset += n;
			req.length -= n;
			req.data += n;
		}
		if (!req.length)
			break;
	}
	if (req.length)
		ret = -ENXIO;
out:
	kfree(chunk);
	return ret;
}

static int peer_vmap(struct peer *peer, void __user *arg)
{
	struct vbm_peer_vmap req = { 0 };
	int ret;

	if (!peer->attach || iosys_map_is_set(&peer->vmap))
		return -EINVAL;
	ret = dma_buf_vmap_unlocked(peer->attach->dmabuf, &peer->vmap);
	if (ret)
		return ret;
	req.is_iomem = peer->vmap.is_iomem;
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

static void peer_vunmap(struct peer *peer)
{
	dma_buf_vunmap_unlocked(peer->attach->dmabuf, &peer->vmap);
	iosys_map_clear(&peer->vmap);
}

static int peer_vmap_io(struct peer *peer, const void __user *arg)
{
	struct vbm_peer_vmap req;
	void __user *user;
	void *copy;
	int ret = 0;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!peer->attach || !iosys_map_is_set(&peer->vmap) ||
	    req.offset > peer->attach->dmabuf->size ||
	    req.length > peer->attach->dmabuf->size - req.offset)
		return -EINVAL;
	user = u64_to_user_ptr(req.data);
	copy = kvmalloc(req.length, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	if (req.write) {
		if (copy_from_user(copy, user, req.length))
			ret = -EFAULT;
		else
			iosys_map_memcpy_to(&peer->vmap, req.offset, copy,
					    req.length);
	} else {
		iosys_map_memcpy_from(copy, &peer->vmap, req.offset,
				      req.length);
		if (copy_to_user(user, copy, req.length))
			ret = -EFAULT;
	}
	kvfree(copy);
	return ret;
}

static int peer_refuse(struct peer *peer, void __user *arg)
{
	struct dma_buf_attachment *attach;
	struct vbm_peer_refuse req;
	struct dma_buf *dmabuf;
	struct sg_table *sgt;
	int ret = 0;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!peer->pdev || req.dir > DMA_FROM_DEVICE)
		return -EINVAL;
	dmabuf = dma_buf_get(req.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	attach = dma_buf_attach(dmabuf, &peer->pdev->dev);
	if (IS_ERR(attach)) {
		ret = PTR_ERR(attach);
		goto put;
	}
	sgt = dma_buf_map_attachment_unlocked(attach, req.dir);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto detach;
	}
	req.nents = sgt->nents;
	if (req.hold_ms)
		msleep(req.hold_ms);
	dma_buf_unmap_attachment_unlocked(attach, sgt, req.dir);
detach:
	dma_buf_detach(dmabuf, attach);
put:
	dma_buf_put(dmabuf);
	if (!ret && copy_to_user(arg, &req, sizeof(req)))
		ret = -EFAULT;
	return ret;
}

static void peer_detach(struct peer *peer)
{
	struct dma_buf *dmabuf;

	if (!peer->attach)
		return;
	peer_work_end(peer);
	if (iosys_map_is_set(&peer->vmap))
		peer_vunmap(peer);
	while (peer->pins)
		peer_pin(peer, false);
	dmabuf = peer->attach->dmabuf;
	dma_resv_lock(dmabuf->resv, NULL);
	peer_let_go(peer);
	dma_resv_unlock(dmabuf->resv);
	/* With nothing mapped it is not asked again. */
	cancel_work_sync(&peer->let_go);
	dma_buf_detach(dmabuf, peer->attach);
	dma_buf_put(dmabuf);
	peer->attach = NULL;
}

/*
 * Exporting
 */

/* Unmapping what we export takes until this is false, half a minute at most. */
static bool hold_unmaps;
module_param(hold_unmaps, bool, 0644);
MODULE_PARM_DESC(hold_unmaps, "do not return from unmap_dma_buf");

static int held_unmaps;
module_param(held_unmaps, int, 0444);
MODULE_PARM_DESC(held_unmaps, "how many there are at the moment");

static atomic_t peer_held;

struct peer_buf {
	struct vbm_peer_export how;
	unsigned int nr_pages;
	struct page **pages;
	void *vaddr;
	struct mutex lock;		/* @tables */
	struct list_head tables;
};

/* What is mapped of it. */
struct peer_table {
	struct sg_table sgt;
	struct device *dev;
	struct list_head node;
};

static int peer_buf_attach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attach)
{
	struct peer_buf *buf = dmabuf->priv;

	return -buf->how.attach_errno;
}

static struct sg_table *peer_buf_map(struct dma_buf_attachment *attach,
				     enum dma_data_direction dir)
{
	struct peer_buf *buf = attach->dmabuf->priv;
	struct peer_table *table;
	struct sg_table *sgt;
	struct scatterlist *sg;
	unsigned int i, head = buf->how.head >> PAGE_SHIFT;
	int ret;

	if (buf->how.map_errno)
		return ERR_PTR(-buf->how.map_errno);
	table = kzalloc_obj(*table);
	if (!table)
		return ERR_PTR(-ENOMEM);
	sgt = &table->sgt;
	table->dev = attach->dev;
	ret = sg_alloc_table(sgt, buf->nr_pages - (head ? head - 1 : 0),
			     GFP_KERNEL);
	if (ret)
		goto err_free;
	sg = sgt->sgl;
	for (i = 0; i < buf->nr_pages; sg = sg_next(sg)) {
		unsigned int n = !i && head ? head : 1;

		sg_set_page(sg, buf->pages[i], n << PAGE_SHIFT, 0);
		i += n;
	}
	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_free_table;
	mutex_lock(&buf->lock);
	list_add_tail(&table->node, &buf->tables);
	mutex_unlock(&buf->lock);
	return sgt;

err_free_table:
	sg_free_table(sgt);
err_free:
	kfree(table);
	return ERR_PTR(ret);
}

static void peer_buf_hold(void)
{
	unsigned int i;

	if (!READ_ONCE(hold_unmaps))
		return;
	WRITE_ONCE(held_unmaps, atomic_inc_return(&peer_held));
	for (i = 0; i < 1500 && READ_ONCE(hold_unmaps); i++)
		msleep(20);
	WRITE_ONCE(held_unmaps, atomic_dec_return(&peer_held));
}

static void peer_buf_unmap(struct dma_buf_attachment *attach,
			   struct sg_table *sgt, enum dma_data_direction dir)
{
	struct peer_table *table = container_of(sgt, struct peer_table, sgt);
	struct peer_buf *buf = attach->dmabuf->priv;

	peer_buf_hold();
	mutex_lock(&buf->lock);
	list_del(&table->node);
	mutex_unlock(&buf->lock);
	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(table);
}

static int peer_buf_begin(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct peer_buf *buf = dmabuf->priv;
	struct peer_table *table;

	mutex_lock(&buf->lock);
	if (buf->how.heap)
		list_for_each_entry(table, &buf->tables, node)
			dma_sync_sgtable_for_cpu(table->dev, &table->sgt, dir);
	mutex_unlock(&buf->lock);
	return 0;
}

static int peer_buf_end(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct peer_buf *buf = dmabuf->priv;
	struct peer_table *table;

	mutex_lock(&buf->lock);
	if (buf->how.heap)
		list_for_each_entry(table, &buf->tables, node)
			dma_sync_sgtable_for_device(table->dev, &table->sgt,
						    dir);
	mutex_unlock(&buf->lock);
	return 0;
}

static int peer_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct peer_buf *buf = dmabuf->priv;

	if (buf->how.vmap_errno)
		return -buf->how.vmap_errno;
	buf->vaddr = vmap(buf->pages, buf->nr_pages, VM_MAP, PAGE_KERNEL);
	if (!buf->vaddr)
		return -ENOMEM;
	if (buf->how.kind == VBM_PEER_IOMEM)
		iosys_map_set_vaddr_iomem(map, (void __iomem *)buf->vaddr);
	else
		iosys_map_set_vaddr(map, buf->vaddr);
	return 0;
}

static void peer_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct peer_buf *buf = dmabuf->priv;

	vunmap(buf->vaddr);
	buf->vaddr = NULL;
}

static int peer_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct peer_buf *buf = dmabuf->priv;

	return vm_map_pages(vma, buf->pages, buf->nr_pages);
}

static void peer_buf_free(struct peer_buf *buf)
{
	unsigned int i;

	for (i = 0; buf->pages && i < buf->nr_pages; i++)
		if (buf->pages[i])
			__free_page(buf->pages[i]);
	kvfree(buf->pages);
	mutex_destroy(&buf->lock);
	kfree(buf);
}

static void peer_buf_release(struct dma_buf *dmabuf)
{
	peer_buf_free(dmabuf->priv);
}

static const struct dma_buf_ops peer_buf_ops = {
	.attach = peer_buf_attach,
	.map_dma_buf = peer_buf_map,
	.unmap_dma_buf = peer_buf_unmap,
	.begin_cpu_access = peer_buf_begin,
	.end_cpu_access = peer_buf_end,
	.vmap = peer_buf_vmap,
	.vunmap = peer_buf_vunmap,
	.mmap = peer_buf_mmap,
	.release = peer_buf_release,
};

/*
 * @head contiguous pages, the rest so that no two neighbours adjoin: the
 * allocator likes to hand out ascending pages, so each second one is taken
 * from the far end.
 */
static int peer_buf_fill(struct peer_buf *buf)
{
	unsigned int i, head = buf->how.head >> PAGE_SHIFT;
	struct page *block;

	if (head) {
		block = alloc_pages(GFP_KERNEL | __GFP_ZERO,
				    get_order(buf->how.head));
		if (!block)
			return -ENOMEM;
		split_page(block, get_order(buf->how.head));
		for (i = 0; i < 1U << get_order(buf->how.head); i++) {
			if (i < head)
				buf->pages[i] = block + i;
			else
				__free_page(block + i);
		}
	}
	for (i = head; i < buf->nr_pages; i++) {
		buf->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!buf->pages[i])
			return -ENOMEM;
	}
	for (i = head; i + 2 < buf->nr_pages; i += 2)
		if (page_to_pfn(buf->pages[i + 1]) ==
		    page_to_pfn(buf->pages[i]) + 1)
			swap(buf->pages[i + 1],
			     buf->pages[head + (buf->nr_pages - 1 - i)]);
	return 0;
}

static int peer_export(struct peer *peer, void __user *arg)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vbm_peer_export req;
	struct dma_buf *dmabuf;
	struct peer_buf *buf;
	int fd, ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!req.size || !PAGE_ALIGNED(req.size) || !PAGE_ALIGNED(req.head) ||
	    req.head > req.size || req.size > SZ_64M)
		return -EINVAL;
	if (req.kind == VBM_PEER_IOMEM)
		req.head = req.size;
	buf = kzalloc_obj(*buf);
	if (!buf)
		return -ENOMEM;
	mutex_init(&buf->lock);
	INIT_LIST_HEAD(&buf->tables);
	buf->how = req;
	buf->nr_pages = req.size >> PAGE_SHIFT;
	buf->pages = kvcalloc(buf->nr_pages, sizeof(*buf->pages), GFP_KERNEL);
	if (!buf->pages) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = peer_buf_fill(buf);
	if (ret)
		goto err_free;
	info.ops = &peer_buf_ops;
	info.size = req.size;
	info.flags = O_RDWR | O_CLOEXEC;
	info.priv = buf;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		ret = PTR_ERR(dmabuf);
		goto err_free;
	}
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(dmabuf);
		return fd;
	}
	req.fd = fd;
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;

err_free:
	peer_buf_free(buf);
	return ret;
}

/*
 * /dev/vbm-peer
 */

static long peer_ioctl_locked(struct peer *peer, unsigned int cmd,
			      void __user *arg)
{
	struct peer_mapping *m;
	u32 map; /* or milliseconds */

	switch (cmd) {
	case VBM_PEER_IOC_DEVICE:
		return peer_device(peer, arg);
	case VBM_PEER_IOC_ATTACH:
		return peer_attach(peer, arg);
	case VBM_PEER_IOC_DETACH:
		peer_detach(peer);
		return 0;
	case VBM_PEER_IOC_MAP:
		return peer_map(peer, arg);
	case VBM_PEER_IOC_UNMAP:
		if (get_user(map, (u32 __user *)arg))
			return -EFAULT;
		m = peer_mapping(peer, map);
		if (!m)
			return -EINVAL;
		peer_unmap(m);
		return 0;
	case VBM_PEER_IOC_SEGS:
		return peer_segs(peer, arg);
	case VBM_PEER_IOC_IO:
		return peer_io(peer, arg);
	case VBM_PEER_IOC_SCRIBBLE:
		return peer_scribble(peer, arg);
	case VBM_PEER_IOC_VMAP:
		return peer_vmap(peer, arg);
	case VBM_PEER_IOC_VMAP_IO:
		return peer_vmap_io(peer, arg);
	case VBM_PEER_IOC_VUNMAP:
		if (!iosys_map_is_set(&peer->vmap))
			return -EINVAL;
		peer_vunmap(peer);
		return 0;
	case VBM_PEER_IOC_EXPORT:
		return peer_export(peer, arg);
	case VBM_PEER_IOC_UNBIND:
		if (!peer->pdev)
			return -ENODEV;
		device_release_driver(&peer->pdev->dev);
		return 0;
	case VBM_PEER_IOC_LIMITS:
		return peer_limits(peer, arg);
	case VBM_PEER_IOC_REFUSE:
		return peer_refuse(peer, arg);
	case VBM_PEER_IOC_PIN:
		return peer_pin(peer, true);
	case VBM_PEER_IOC_UNPIN:
		return peer_pin(peer, false);
	case VBM_PEER_IOC_WORK:
		if (get_user(map, (u32 __user *)arg))
			return -EFAULT;
		return peer_work(peer, map);
	case VBM_PEER_IOC_STATE:
		return peer_state(peer, arg);
	}
	return -ENOTTY;
}

static long peer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct peer *peer = file->private_data;
	long ret;

	mutex_lock(&peer->lock);
	ret = peer_ioctl_locked(peer, cmd, (void __user *)arg);
	mutex_unlock(&peer->lock);
	return ret;
}

static int peer_open(struct inode *inode, struct file *file)
{
	struct peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);

	if (!peer)
		return -ENOMEM;
	mutex_init(&peer->lock);
	INIT_WORK(&peer->let_go, peer_let_go_work);
	INIT_DELAYED_WORK(&peer->work_done, peer_work_done);
	file->private_data = peer;
	return 0;
}

static int peer_release(struct inode *inode, struct file *file)
{
	struct peer *peer = file->private_data;
	int id;

	peer_detach(peer);
	if (peer->pdev) {
		id = peer->pdev->id;
		platform_device_unregister(peer->pdev);
		ida_free(&peer_ida, id);
	}
	if (peer->set_limits)
		symbol_put(vbm_device_set_limits);
	mutex_destroy(&peer->lock);
	kfree(peer);
	return 0;
}

static const struct file_operations peer_fops = {
	.owner = THIS_MODULE,
	.open = peer_open,
	.release = peer_release,
	.unlocked_ioctl = peer_ioctl,
};

static struct miscdevice peer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vbm-peer",
	.fops = &peer_fops,
	.mode = 0600,
};

static int __init peer_init(void)
{
	int ret;

	ret = platform_driver_register(&peer_driver);
	if (ret)
		return ret;
	ret = misc_register(&peer_misc);
	if (ret)
		platform_driver_unregister(&peer_driver);
	return ret;
}
module_init(peer_init);

static void __exit peer_exit(void)
{
	misc_deregister(&peer_misc);
	platform_driver_unregister(&peer_driver);
	ida_destroy(&peer_ida);
}
module_exit(peer_exit);

MODULE_DESCRIPTION("dma-buf importer and exporter for the videobuf2-mem tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VBM_NS_DMA_BUF);
