// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a buffer gets its storage.
 *
 * A driver of the stock memops has it from alloc() on. A managed one can bear
 * that there is none when it wants to queue a buffer, so its buffers have none
 * until somebody needs it, which may be
 *
 *   its driver       vbm_plane_prepare(), vaddr()
 *   user space       mmap(), not the fault: a fault can not fail
 *   an importer      map, vmap
 *
 * By then more is known of who will use it: the memory is such that all who are
 * attached can have it. If there is none of that kind, it is what the own device
 * needs, and the importer sees in its map what can be done (vbm-placement.c).
 *
 * A buffer goes from none to storage once, under &vbm_buf.lock. While it has none
 * it takes part in its device as a mapping would, so that it knows when the
 * driver goes, after which the device must not be looked at.
 *
 * Whoever makes it be allocated, the memory cgroup of the process that asked for
 * the buffer pays.
 */

#include <linux/device.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "vbm-storage.h"
#include "vbm-alloc.h"
#include "vbm-buf.h"
#include "vbm-cache.h"
#include "vbm-demand.h"
#include "vbm-device.h"
#include "vbm-failure.h"
#include "vbm-stats.h"
#include "vbm-trace.h"

static void *vbm_storage_hold(struct vbm_client *client)
{
	struct vbm_buf *buf = container_of(client, struct vbm_buf, client);

	return refcount_inc_not_zero(&buf->ref) ? buf : NULL;
}

/* The device goes, and there will be no storage any more. */
static void vbm_storage_kill(void *held, struct vbm_device *vdev)
{
	struct vbm_buf *buf = held;

	mutex_lock(&buf->lock);
	vbm_device_leave(buf->vdev, &buf->client);
	mutex_unlock(&buf->lock);
	vbm_buf_put(buf);
}

static const struct vbm_client_ops vbm_storage_client_ops = {
	.hold	= vbm_storage_hold,
	.kill	= vbm_storage_kill,
};

/**
 * vbm_storage_defer() - a buffer is to get its storage when it is needed
 * @buf: a new buffer
 *
 * Whatever this returns, vbm_storage_fini() is due.
 *
 * Context: may sleep; in the process that is to pay for it.
 * Return: 0, or
 *	-ENOMEM if there can never be so much;
 *	-EOPNOTSUPP if the device does no DMA;
 *	-ENODEV if its driver is going.
 */
int vbm_storage_defer(struct vbm_buf *buf)
{
	struct device *dev = buf->plane.dev;
	struct vbm_device *vdev;
	struct vbm_request req;

	INIT_LIST_HEAD(&buf->client.node);
	if (!dev->dma_mask)
		return -EOPNOTSUPP;
	if (buf->plane.size >> PAGE_SHIFT > totalram_pages())
		return -ENOMEM;

	vdev = vbm_device_get(dev);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	buf->vdev = vdev;
	vbm_buf_request(buf, &vdev->limits, &req);
	buf->dma_api = buf->plane.contig && vbm_alloc_only_dma_api(&req);

	buf->client.ops = &vbm_storage_client_ops;
	return vbm_device_join(vdev, &buf->client);
}

/*
 * Is there nothing to wait for? A driver's own memory is where it is, and the
 * driver's alloc() knows nothing of the locks of user space and importers.
 */
bool vbm_storage_at_once(struct vbm_buf *buf)
{
	struct vbm_request req;

	vbm_buf_request(buf, &buf->vdev->limits, &req);
	return vbm_alloc_region.suits(&req);
}

/* The buffer goes, whole or half built. */
void vbm_storage_fini(struct vbm_buf *buf)
{
	if (!buf->vdev)
		return;
	if (!list_empty(&buf->client.node))
		vbm_device_leave(buf->vdev, &buf->client);
	vbm_device_put(buf->vdev);
}

/*
 * Memory for @demand. A queue whose device takes a list has no use for memory of
 * the DMA API, which would be in one piece, but for good.
 */
static int vbm_storage_find_for_locked(struct vbm_buf *buf,
				       struct vbm_demand *demand,
				       enum vbm_one one)
{
	struct vbm_constraints limits = demand->all;
	struct vbm_request req;

	vbm_buf_request(buf, &limits, &req);
	req.easy = one == VBM_ONE_PREFERRED && limits.max_segments != 1;
	if (one || limits.max_segments == 1)
		req.contig = true;
	else
		/* The own device sees one address, wherever the pages are. */
		limits.translated = buf->vdev->limits.translated;
	return vbm_buf_find_backing_locked(buf, &req, !buf->plane.contig,
					   &demand->all);
}

/* Memory that all who are attached can have; an error if that can not be. */
static int vbm_storage_find_for_all_locked(struct vbm_buf *buf)
{
	struct vbm_demand demand;
	int ret;

	vbm_demand_collect_locked(buf, NULL, &demand);
	if (vbm_constraints_possible(&demand.all, buf->plane.size))
		return -EAGAIN;
	if (demand.one != VBM_ONE_ANY &&
	    !vbm_storage_find_for_locked(buf, &demand, demand.one))
		return 0;
	ret = vbm_storage_find_for_locked(buf, &demand, VBM_ONE_ANY);
	if (!ret || ret == -ENOMEM || demand.one == VBM_ONE_WANTED)
		return ret;
	/* A list may have too many pieces, or begin anywhere. */
	return vbm_storage_find_for_locked(buf, &demand, VBM_ONE_WANTED);
}

static int vbm_storage_find_locked(struct vbm_buf *buf)
{
	struct vbm_request req;

	if (!list_empty(vbm_inbox_list(&buf->attachments)) &&
	    !vbm_storage_find_for_all_locked(buf))
		return 0;
	vbm_buf_request(buf, &buf->vdev->limits, &req);
	return vbm_buf_find_backing_locked(buf, &req, false, NULL);
}

static void vbm_storage_account_locked(struct vbm_buf *buf)
{
	/* It had been counted without. */
	vbm_stat_add(VBM_STAT_BYTES, buf->plane.size);
	vbm_stat_add(VBM_STAT_BYTES_TOTAL, buf->plane.size);
	vbm_stat_add(VBM_STAT_METADATA_BYTES,
		     vbm_buf_metadata(buf) - sizeof(*buf));
	trace_vbm_storage(&buf->plane, vbm_buf_device(buf));
}

static int vbm_storage_try_locked(struct vbm_buf *buf)
{
	struct mem_cgroup *active = NULL;
	int ret;

	lockdep_assert_held(&buf->lock);
	if (buf->backing)
		return 0;
	if (list_empty(&buf->client.node))
		return -ENODEV;

	buf->limited = false;
	if (buf->memcg)
		active = set_active_memcg(buf->memcg);
	ret = vbm_storage_find_locked(buf);
	if (buf->memcg)
		set_active_memcg(active);
	/* There is memory, and none that would do: more of it is no help. */
	if (ret == -EFAULT || ret == -EAGAIN)
		ret = -ENOMEM;
	if (ret)
		return ret;

	/* The mapping does from now on. */
	vbm_device_leave(buf->vdev, &buf->client);
	vbm_storage_account_locked(buf);
	return 0;
}

static int vbm_storage_fail(const struct vbm_buf *buf, int ret)
{
	vbm_fail(&(struct vbm_failure) {
		.task = VBM_TASK_STORAGE,
		.stat = ret == -ENODEV ? VBM_STAT_FAIL_NODEV :
			buf->limited ? VBM_STAT_FAIL_LIMIT :
				       VBM_STAT_FAIL_NOMEM,
		.error = ret,
		.dev = buf->vdev->name,
		.size = buf->plane.size,
		.buf = buf->plane.id,
		.owner = buf->vdev->name,
	});
	return ret;
}

/**
 * vbm_storage_secure_locked() - give a buffer its storage, if it has none
 * @buf: the buffer
 *
 * For who holds a reservation lock; others take vbm_storage_secure().
 *
 * Context: may sleep; &vbm_buf.lock held, perhaps a reservation lock.
 * Return: as vbm_storage_secure().
 */
int vbm_storage_secure_locked(struct vbm_buf *buf)
{
	int ret = vbm_storage_try_locked(buf);

	return ret ? vbm_storage_fail(buf, ret) : 0;
}

/* See vbm_storage_secure(). */
int vbm_storage_secure_now(struct vbm_buf *buf)
{
	int ret;

	mutex_lock(&buf->lock);
	ret = vbm_storage_try_locked(buf);
	mutex_unlock(&buf->lock);
	if (vbm_cache_retry(ret)) {
		mutex_lock(&buf->lock);
		ret = vbm_storage_try_locked(buf);
		mutex_unlock(&buf->lock);
	}
	return ret ? vbm_storage_fail(buf, ret) : 0;
}
