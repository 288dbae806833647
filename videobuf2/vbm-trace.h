/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vbm

#if !defined(_VBM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VBM_TRACE_H

#include <linux/dma-buf.h>
#include <linux/tracepoint.h>

#include "vbm-alloc.h"
#include "vbm-device.h"
#include "vbm.h"

#define vbm_show_dir(dir)				\
	__print_symbolic(dir,				\
			 { DMA_BIDIRECTIONAL, "bidir" },	\
			 { DMA_TO_DEVICE, "to" },		\
			 { DMA_FROM_DEVICE, "from" })

DECLARE_EVENT_CLASS(vbm_plane,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev),
	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(size_t, size)
		__field(int, dir)
		__string(dev, dev)
	),
	TP_fast_assign(
		__entry->id = plane->id;
		__entry->size = plane->size;
		__entry->dir = plane->dir;
		__assign_str(dev);
	),
	TP_printk("buf=%u dev=%s size=%zu dir=%s", __entry->id,
		  __get_str(dev), __entry->size, vbm_show_dir(__entry->dir))
);

DEFINE_EVENT(vbm_plane, vbm_buf_alloc,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_storage,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_buf_free,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_export,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_attach,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_detach,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_mmap,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_vmap,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_import_map,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));
DEFINE_EVENT(vbm_plane, vbm_import_unmap,
	TP_PROTO(const struct vbm_plane *plane, const char *dev),
	TP_ARGS(plane, dev));

DECLARE_EVENT_CLASS(vbm_mapping,
	TP_PROTO(const struct vbm_mapping *map),
	TP_ARGS(map),
	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(unsigned int, segments)
		__field(int, dir)
		__field(bool, need_sync)
		__string(dev, map->vdev->name)
	),
	TP_fast_assign(
		__entry->id = map->buf->plane.id;
		__entry->segments = map->sgt.nents;
		__entry->dir = map->dir;
		__entry->need_sync = map->need_sync;
		__assign_str(dev);
	),
	TP_printk("buf=%u dev=%s dir=%s segments=%u sync=%d", __entry->id,
		  __get_str(dev), vbm_show_dir(__entry->dir),
		  __entry->segments, __entry->need_sync)
);

DEFINE_EVENT(vbm_mapping, vbm_map,
	TP_PROTO(const struct vbm_mapping *map), TP_ARGS(map));
DEFINE_EVENT(vbm_mapping, vbm_map_cached,
	TP_PROTO(const struct vbm_mapping *map), TP_ARGS(map));
DEFINE_EVENT(vbm_mapping, vbm_unmap,
	TP_PROTO(const struct vbm_mapping *map), TP_ARGS(map));

TRACE_EVENT(vbm_sync,
	TP_PROTO(const struct vbm_mapping *map, bool for_cpu),
	TP_ARGS(map, for_cpu),
	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(int, dir)
		__field(bool, for_cpu)
		__string(dev, map->vdev->name)
	),
	TP_fast_assign(
		__entry->id = map->buf->plane.id;
		__entry->dir = map->dir;
		__entry->for_cpu = for_cpu;
		__assign_str(dev);
	),
	TP_printk("buf=%u dev=%s dir=%s for=%s", __entry->id, __get_str(dev),
		  vbm_show_dir(__entry->dir),
		  __entry->for_cpu ? "cpu" : "device")
);

TRACE_EVENT(vbm_access,
	TP_PROTO(const struct vbm_plane *plane, size_t offset, size_t length,
		 enum dma_data_direction dir),
	TP_ARGS(plane, offset, length, dir),
	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(int, dir)
		__field(size_t, offset)
		__field(size_t, length)
	),
	TP_fast_assign(
		__entry->id = plane->id;
		__entry->dir = dir;
		__entry->offset = offset;
		__entry->length = length;
	),
	TP_printk("buf=%u offset=%zu length=%zu dir=%s", __entry->id,
		  __entry->offset, __entry->length,
		  vbm_show_dir(__entry->dir))
);

TRACE_EVENT(vbm_fault,
	TP_PROTO(const struct vbm_plane *plane, unsigned long index),
	TP_ARGS(plane, index),
	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(unsigned long, index)
	),
	TP_fast_assign(
		__entry->id = plane->id;
		__entry->index = index;
	),
	TP_printk("buf=%u page=%lu", __entry->id, __entry->index)
);

TRACE_EVENT(vbm_move,
	TP_PROTO(const struct vbm_plane *plane, unsigned int from,
		 unsigned int to, const char *how),
	TP_ARGS(plane, from, to, how),
	TP_STRUCT__entry(
		__field(unsigned int, id)
		__field(size_t, size)
		__field(unsigned int, from)
		__field(unsigned int, to)
		__string(how, how)
	),
	TP_fast_assign(
		__entry->id = plane->id;
		__entry->size = plane->size;
		__entry->from = from;
		__entry->to = to;
		__assign_str(how);
	),
	TP_printk("buf=%u size=%zu extents=%u->%u %s", __entry->id,
		  __entry->size, __entry->from, __entry->to, __get_str(how))
);

TRACE_EVENT(vbm_fail,
	TP_PROTO(const char *what, const char *dev, size_t size, int error),
	TP_ARGS(what, dev, size, error),
	TP_STRUCT__entry(
		__string(what, what)
		__string(dev, dev)
		__field(size_t, size)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(what);
		__assign_str(dev);
		__entry->size = size;
		__entry->error = error;
	),
	TP_printk("%s dev=%s size=%zu error=%d", __get_str(what),
		  __get_str(dev), __entry->size, __entry->error)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE vbm-trace
#include <trace/define_trace.h>
