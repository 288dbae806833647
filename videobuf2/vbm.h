/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * videobuf2-mem: types, lifetimes and lock order of the core.
 *
 * A plane of a vb2 buffer is a struct vbm_plane, in one of three shapes:
 *
 *   MMAP     struct vbm_buf     storage of ours, exported as dma-bufs
 *   USERPTR  struct vbm_buf     the same over pinned user pages, never exported
 *   DMABUF   struct vbm_import  somebody's dma-buf, attached and mapped
 *
 *   vbm_plane <- vbm_buf ----> vbm_backing ----> vbm_allocator
 *                   |               ^  extents
 *                   +-> vbm_mapping +  one per (device, direction)
 *
 * Data flows one way: managed, memops, access -> {buf, userptr, export, import,
 * mmap, vmap, cpu} -> storage -> mapping -> backing -> allocators. The importer side reaches the
 * exporter side by one door only, vbm_attachment_claim(). The end of a device
 * calls up: its clients, by their ops, and the cache of imports.
 *
 * Who owns what
 *
 *   vbm_buf         references: one of the vb2 buffer (alloc until put), one
 *                   of each dma_buf (get_dmabuf until release), one of each
 *                   mmap (all VMAs that one mmap() begot share it). vb2 reads
 *                   the count as num_users.
 *   vbm_backing     references: vbm_buf, and each vbm_mapping of it.
 *                   Immutable once published; a buffer that moves gets another.
 *   vbm_mapping     holders: the buffer (of its own device's), and each
 *                   vbm_attachment that ever mapped it. Unmapped with the last
 *                   holder, or when its device goes, whatever comes first.
 *   vbm_table       the importer's, from map to unmap; private to it, since
 *                   importers write into what they are given.
 *   vbm_region      references: the global list until its driver goes, and each
 *                   backing that is a part of it.
 *   vbm_shared      references: the drivers'. Has one of a vbm_buf without vb2.
 *   vbm_device      references: the global list (while its devres entry
 *                   lives), each vbm_mapping, each vbm_attachment, and each
 *                   managed vbm_buf.
 *   vbm_import      vb2's from attach until detach, then the cache's or nobody's;
 *                   a device that goes holds it while it unmaps. Once it has
 *                   been parked it has a reference to the dma-buf, too.
 *   vbm_plane.vb    borrowed from vb2 from alloc/attach/get_userptr until
 *                   put/detach/put_userptr; dma-bufs and VMAs that outlive
 *                   that do not look at it.
 *
 * Lock order, outermost first
 *
 *   device_lock                                 (devres release, module exit)
 *     vb2_queue.lock
 *       mmap_lock
 *         vb2_queue.mmap_lock
 *           vbm_import.lock                     mutex
 *           dma_resv of the dma-buf
 *             vbm_buf.lock                      mutex
 *               vbm_region.lock                 mutex; the driver's alloc()
 *               reclaim, i_mmap
 *               vbm_devices_lock                spinlock, global
 *                 vbm_lesson_lock               spinlock, global
 *               vbm_stated_lock                 spinlock, global
 *               vbm_buf.sync_lock               spinlock, irqs off
 *               vbm_import.sync_lock            spinlock, irqs off
 *               vbm_range_lock                  mutex, global
 *                 reclaim
 *                   vbm_pool_lock               spinlock, global; none of ours
 *                                               within
 *           vbm_cache_lock                      spinlock, global; none of ours
 *                                               within
 *               vbm_regions_lock                spinlock, global; likewise
 *               vbm_failures_lock               spinlock, global, irqs off;
 *                                               likewise
 *   vbm_registry_lock -> vbm_buf.lock           mutex, global; debugfs
 *
 * vbm_cache_lock is also taken, alone, under a dma_resv: by who moves a buffer.
 *
 * A buffer moves (vbm-move.c) under its dma_resv, its lock and, for the switch,
 * its sync_lock. So @backing, @own, the addresses in the plane and the kernel
 * address may be looked at under any of the three, by the driver from a claim
 * (vbm-freeze.c) to finish(), by an importer while it has a table, and by a
 * driver's access; and for good once the buffer is frozen.
 *
 * finish(), cookie() and vaddr() are called from hard interrupts: they take
 * a sync_lock at most, and not while they sync. dma_buf_export() takes a lock
 * that debugfs holds around dma_resv, so it is never called under one.
 */
#ifndef _VBM_H
#define _VBM_H

#include <kunit/test-bug.h>
#include <linux/atomic.h>
#include <linux/dma-direction.h>
#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vbm-device.h"
#include "vbm-inbox.h"

struct dma_buf;
struct dma_buf_attachment;
struct frame_vector;
struct mem_cgroup;
struct vb2_buffer;
struct vbm_allocator;
struct vbm_region_part;

/* An error of ours, not of a caller: loud once, and in KUnit a failure. */
#define VBM_ASSERT(cond)						\
({									\
	bool __failed = WARN_ON_ONCE(!(cond));				\
									\
	if (unlikely(__failed))						\
		kunit_fail_current_test("%s", #cond);			\
	__failed;							\
})

/**
 * enum vbm_kind - what a plane is
 * @VBM_MMAP: storage of ours, struct vbm_buf
 * @VBM_USERPTR: pinned user pages, struct vbm_buf
 * @VBM_IMPORT: a dma-buf of anybody's, struct vbm_import
 */
enum vbm_kind {
	VBM_MMAP,
	VBM_USERPTR,
	VBM_IMPORT,
};

/**
 * struct vbm_plane - what vb2 calls mem_priv
 * @letter: in the registry, guarded by vbm_registry_lock
 * @id: number of the plane since load, for people; 0 until it is in the
 *	registry
 * @kind: which struct this is part of
 * @contig: the driver wants one address (dma-contig), not a list (dma-sg)
 * @dir: direction of the queue's DMA
 * @vb: see "Who owns what"
 * @dev: the device that does this queue's DMA; borrowed, not to be followed
 *	once its vbm_device is dead
 * @size: bytes; whole pages but for USERPTR
 * @dma_addr: the cookie of dma-contig
 * @sgt: the cookie of dma-sg
 * @frozen: its storage stays where it is; once set it stays so. Set under
 *	&vbm_buf.sync_lock, read without
 */
struct vbm_plane {
	struct vbm_letter letter;
	unsigned int id;
	enum vbm_kind kind;
	bool contig;
	bool frozen;
	enum dma_data_direction dir;
	struct vb2_buffer *vb;
	struct device *dev;
	size_t size;
	dma_addr_t dma_addr;
	struct sg_table *sgt;
};

/**
 * struct vbm_extent - adjacent pages
 * @page: first of them, NULL where the memory has no struct page
 * @phys: physical address of the first
 * @nr_pages: how many
 */
struct vbm_extent {
	struct page *page;
	phys_addr_t phys;
	unsigned long nr_pages;
};

/**
 * struct vbm_backing - storage
 * @ref: see "Who owns what"
 * @allocator: where it came from and goes back to
 * @size: bytes from @offset on that are ours to use
 * @offset: into the first page; 0 but for user pages
 * @dma: what dma_alloc_*() returned, else all zero
 * @dma.dev: the device it was allocated for, held
 * @dma.cpu: cookie of dma_alloc_attrs()
 * @dma.addr: where @dma.dev finds it
 * @dma.attrs: DMA_ATTR_*
 * @dma.sgt: result of dma_alloc_noncontiguous()
 * @dma.dir: direction given to it
 * @vec: the pinned user pages
 * @shape: where it lies, in short; set by vbm_backing_publish()
 * @part: what it is of a driver's region, or NULL; see vbm-region.h
 * @joined: an extent is of neighbours that were allocated apart: one segment to
 *	a device, but not one object to copy_to_user(), which stops the kernel
 *	where a copy runs from one compound page into the next
 *	(check_heap_object(), mm/usercopy.c)
 * @nr_extents: how many; 0 where the DMA API gives memory without saying which
 * @extents: in the order of the buffer's bytes
 */
struct vbm_backing {
	struct kref ref;
	const struct vbm_allocator *allocator;
	size_t size;
	unsigned int offset;
	struct {
		struct device *dev;
		void *cpu;
		dma_addr_t addr;
		unsigned long attrs;
		struct sg_table *sgt;
		enum dma_data_direction dir;
	} dma;
	struct frame_vector *vec;
	struct vbm_backing_shape shape;
	struct vbm_region_part *part;
	bool joined;
	unsigned int nr_extents;
	struct vbm_extent extents[];
};

/**
 * struct vbm_table - what an importer is given
 * @sgt: first, so that the importer's pointer is ours
 * @map: what it was copied from
 */
struct vbm_table {
	struct sg_table sgt;
	struct vbm_mapping *map;
};

/**
 * struct vbm_mapping - a backing, mapped for one device and direction
 * @buf_node: in &vbm_buf.mappings; changed under buf->lock and sync_lock
 * @client: takes part in @vdev
 * @vdev: the device, referenced
 * @buf: borrowed; every holder keeps the buffer alive
 * @backing: referenced
 * @dir: the direction that was asked for
 * @map_dir: the direction that it is mapped with; see vbm_segments_map()
 * @holders: buffer and attachments that keep it; buf->lock
 * @in_use: tables given out, plus the buffer itself; sync_lock
 * @exact: users of @in_use that say before and after each DMA that it happens:
 *	the own queue and imports of ours. A mapping whose users all do is
 *	owned by the device only while @device_owned; sync_lock
 * @device_owned: the device of an exact mapping may be doing DMA; no lock
 * @unfetched: it has done DMA that nobody wanted to see yet; no lock
 * @unpassed: the CPU has said that it wrote what its view lacks; no lock
 * @need_sync: some segment bounces, or the device is not coherent
 * @fixed: memory of dma_alloc_attrs(): mapped as long as it exists
 * @live: mapped; false once the device has gone, or the buffer has moved;
 *	buf->lock and sync_lock
 * @stale: the buffer has moved; what is left is for holders to put. No
 *	@backing; buf->lock
 * @syncing: syncs under way that hold neither lock; sync_lock
 * @sgt: the master table, never shown to an importer
 * @spare: for the first importer, so that it costs no allocation; buf->lock
 * @spare_used: it is given out
 * @sgl: entries of @sgt, and behind them those of @spare
 */
struct vbm_mapping {
	struct list_head buf_node;
	struct vbm_client client;
	struct vbm_device *vdev;
	struct vbm_buf *buf;
	struct vbm_backing *backing;
	unsigned int holders;
	unsigned int in_use;
	unsigned int exact;
	unsigned int syncing;
	enum dma_data_direction dir : 8;
	enum dma_data_direction map_dir : 8;
	bool device_owned;
	bool unfetched;
	bool unpassed;
	bool need_sync;
	bool fixed;
	bool live;
	bool stale;
	bool spare_used;
	struct sg_table sgt;
	struct vbm_table spare;
	struct scatterlist sgl[];
};

/**
 * struct vbm_buf - a plane with storage of its own
 * @plane: first member
 * @ref: see "Who owns what"
 * @lock: guards @mappings, @attachments, @vaddr, @vmap_users, @accesses, @file,
 *	@vmas and the mappings' counts
 * @sync_lock: guards @mappings against readers in interrupts; with it who may
 *	touch the storage is decided, see vbm-freeze.c
 * @backing: the storage; NULL until a managed buffer needs some, and then never
 *	again. Changed under both locks, but for the first time
 * @own: mapping of it for the queue's device; also the first of @mappings.
 *	Changed as @backing
 * @table: what &vbm_plane.sgt points to: the table of @own
 * @mappings: all of them
 * @attachments: of all its dma-bufs, mapped or not
 * @resv: reservation object, shared by all its dma-bufs
 * @file: carries the inode whose mapping lists this plane's user PTEs
 * @vmas: what was mapped by mmap(), &struct vbm_vma
 * @vaddr: kernel address, valid while @vmap_users or @vaddr_fixed
 * @vaddr_fixed: @vaddr needs no mapping of ours (linear map, DMA API)
 * @vmap_users: who holds @vaddr: importers, and the driver once it asked
 * @vaddr_held: the driver's share of @vmap_users
 * @accesses: CPU accesses of drivers under way. As long as there are any the
 *	storage stays what and where it is
 * @exports: dma-bufs of this plane
 * @pins: by dynamic importers; @resv
 * @nr_sync: mappings that need syncing; read without a lock
 * @coherent: the queue expects memory that needs no syncing
 * @gfp: GFP flags of the queue
 * @movable: reading an address freezes only while user space has the buffer
 * @limited: a search for its storage has met another limit than memory's; lock
 * @freeze: why it is frozen, enum vbm_freeze; sync_lock
 * @claims: whether the driver may touch it, or its device; see vbm-freeze.c
 * @moves: how often it has moved; lock
 * @told: people were told that it can not be where somebody needs it; lock
 * @managed: its driver keeps the managed contract, see vbm-managed.c
 * @dma_api: its storage can come from the DMA API only
 * @attrs: DMA_ATTR_* of the queue
 * @client: takes part in @vdev, as long as a managed buffer has no storage
 * @vdev: the own device, referenced, of a managed buffer
 * @memcg: who pays for an MMAP buffer, referenced, or NULL
 */
struct vbm_buf {
	struct vbm_plane plane;
	refcount_t ref;
	struct mutex lock; /* what changes over a plane's life */
	spinlock_t sync_lock; /* @mappings against interrupts */
	struct vbm_backing *backing;
	struct vbm_mapping *own;
	struct sg_table table;
	struct list_head mappings;
	struct vbm_inbox attachments;
	struct dma_resv resv;
	struct file *file;
	struct list_head vmas;
	void *vaddr;
	unsigned int vmap_users;
	unsigned int accesses;
	bool vaddr_fixed;
	bool vaddr_held;
	bool coherent;
	bool movable;
	bool limited;
	bool told;
	bool managed;
	bool dma_api;
	u8 freeze; /* enum vbm_freeze */
	gfp_t gfp;
	unsigned long attrs;
	struct vbm_client client;
	struct vbm_device *vdev;
	struct mem_cgroup *memcg;
	atomic_t claims;
	unsigned int moves;
	unsigned int pins;
	atomic_t exports;
	unsigned int nr_sync;
};

static inline struct vbm_buf *vbm_plane_buf(struct vbm_plane *plane)
{
	return container_of(plane, struct vbm_buf, plane);
}

/* The device that it is for. */
static inline struct vbm_device *vbm_buf_vdev(const struct vbm_buf *buf)
{
	return buf->own ? buf->own->vdev : buf->vdev;
}

static inline const char *vbm_buf_device(const struct vbm_buf *buf)
{
	return vbm_buf_vdev(buf)->name;
}

#endif
