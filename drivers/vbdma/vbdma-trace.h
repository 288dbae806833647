/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vbdma

#if !defined(_VBDMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VBDMA_TRACE_H

#include <linux/tracepoint.h>

#include "vbdma.h"

/* vbdma_fault_names in vbdma-debugfs.c has the same names. */
#define show_vbdma_fault(kind)					\
	__print_symbolic(kind,					\
		{ VBDMA_FAULT_MASK,	"mask" },		\
		{ VBDMA_FAULT_NR_SEGS,	"nr_segs" },		\
		{ VBDMA_FAULT_SEG_SIZE,	"seg_size" },		\
		{ VBDMA_FAULT_BOUNDARY,	"boundary" },		\
		{ VBDMA_FAULT_ALIGN,	"align" },		\
		{ VBDMA_FAULT_RANGE,	"range" },		\
		{ VBDMA_FAULT_UNMAPPED,	"unmapped" },		\
		{ VBDMA_FAULT_NOT_RAM,	"not_ram" },		\
		{ VBDMA_FAULT_ACCESS,	"access" },		\
		{ VBDMA_FAULT_STALE,	"stale" },		\
		{ VBDMA_FAULT_GONE,	"gone" })

TRACE_DEFINE_ENUM(VBDMA_FAULT_MASK);
TRACE_DEFINE_ENUM(VBDMA_FAULT_NR_SEGS);
TRACE_DEFINE_ENUM(VBDMA_FAULT_SEG_SIZE);
TRACE_DEFINE_ENUM(VBDMA_FAULT_BOUNDARY);
TRACE_DEFINE_ENUM(VBDMA_FAULT_ALIGN);
TRACE_DEFINE_ENUM(VBDMA_FAULT_RANGE);
TRACE_DEFINE_ENUM(VBDMA_FAULT_UNMAPPED);
TRACE_DEFINE_ENUM(VBDMA_FAULT_NOT_RAM);
TRACE_DEFINE_ENUM(VBDMA_FAULT_ACCESS);
TRACE_DEFINE_ENUM(VBDMA_FAULT_STALE);
TRACE_DEFINE_ENUM(VBDMA_FAULT_GONE);

TRACE_EVENT(vbdma_transfer,
	TP_PROTO(const struct vbdma_dev *vd, bool write, size_t offset,
		 size_t len, int ret),
	TP_ARGS(vd, write, offset, len, ret),
	TP_STRUCT__entry(
		__string(dev, vd->name)
		__field(bool, write)
		__field(size_t, offset)
		__field(size_t, len)
		__field(int, ret)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->write = write;
		__entry->offset = offset;
		__entry->len = len;
		__entry->ret = ret;
	),
	TP_printk("dev=%s dir=%s offset=%zu len=%zu ret=%d",
		  __get_str(dev), __entry->write ? "write" : "read",
		  __entry->offset, __entry->len, __entry->ret)
);

TRACE_EVENT(vbdma_fault,
	TP_PROTO(const struct vbdma_dev *vd, enum vbdma_fault kind, u64 addr,
		 size_t len),
	TP_ARGS(vd, kind, addr, len),
	TP_STRUCT__entry(
		__string(dev, vd->name)
		__field(int, kind)
		__field(u64, addr)
		__field(size_t, len)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->kind = kind;
		__entry->addr = addr;
		__entry->len = len;
	),
	TP_printk("dev=%s kind=%s addr=%#llx len=%zu",
		  __get_str(dev), show_vbdma_fault(__entry->kind),
		  __entry->addr, __entry->len)
);

/* A device has read or written a whole frame; see vbdma-sum.c. */
TRACE_EVENT(vbdma_frame,
	TP_PROTO(const struct vbdma_dev *vd, bool write, u32 fourcc,
		 u32 sequence, size_t bytes, u32 sum),
	TP_ARGS(vd, write, fourcc, sequence, bytes, sum),
	TP_STRUCT__entry(
		__string(dev, vd->name)
		__field(bool, write)
		__field(u32, fourcc)
		__field(u32, sequence)
		__field(size_t, bytes)
		__field(u32, sum)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->write = write;
		__entry->fourcc = fourcc;
		__entry->sequence = sequence;
		__entry->bytes = bytes;
		__entry->sum = sum;
	),
	TP_printk("dev=%s dir=%s fmt=%c%c%c%c seq=%u bytes=%zu sum=%#010x",
		  __get_str(dev), __entry->write ? "write" : "read",
		  __entry->fourcc & 0xff, __entry->fourcc >> 8 & 0xff,
		  __entry->fourcc >> 16 & 0xff, __entry->fourcc >> 24 & 0x7f,
		  __entry->sequence, __entry->bytes, __entry->sum)
);

#endif /* _VBDMA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE vbdma-trace
#include <trace/define_trace.h>
