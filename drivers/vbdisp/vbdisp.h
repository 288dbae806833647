/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbdisp: a display without hardware, for testing memory backends
 *
 * vbdisp-core.c	devices, probe and remove
 * vbdisp-video.c	ioctls: formats, refresh rate, output
 * vbdisp-queue.c	buffers, the refresh clock and the scan-out work
 * vbdisp-scan.c	the screen: the frame in its own memory, sums, picture
 * vbdisp-debugfs.c	what has been scanned out, and how it looks
 *
 * Locks, outer first: vbdisp_dev.lock serialises ioctls and the queue.
 * vbdisp_scan.lock guards the screen's memory, which the scan-out work fills
 * and debugfs looks at. vbdisp_dev.slock guards the refresh clock's state.
 */
#ifndef _VBDISP_H
#define _VBDISP_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/videodev2.h>
#include <linux/workqueue.h>
#include <media/v4l2-device.h>
#include <media/videobuf2-v4l2.h>

#include "../vbdma/vbdma.h"

#define VBDISP_MAX_PLANES	2

#define VBDISP_MIN_WIDTH	32
#define VBDISP_MIN_HEIGHT	16
#define VBDISP_MAX_WIDTH	4096
#define VBDISP_MAX_HEIGHT	2304
#define VBDISP_DEF_WIDTH	640
#define VBDISP_DEF_HEIGHT	480

/**
 * struct vbdisp_fmt - a pixel format
 * @fourcc: its code
 * @mem_planes: planes with memory of their own
 * @bpp: bytes of a pixel in the first plane
 * @step: width and height are multiples of this
 * @nv12: half as many lines of interleaved chroma follow, in the same memory
 *	plane or in one of their own
 */
struct vbdisp_fmt {
	u32		fourcc;
	unsigned int	mem_planes;
	unsigned int	bpp;
	unsigned int	step;
	bool		nv12;
};

/**
 * struct vbdisp_buf - a buffer
 * @vb: what vb2 knows of it, first by its rules
 * @list: entry in vbdisp_dev.queued
 * @sum: sum of the frame when it was first scanned out
 */
struct vbdisp_buf {
	struct vb2_v4l2_buffer	vb;
	struct list_head	list;
	u32			sum;
};

/**
 * struct vbdisp_scan - the screen
 * @lock: guards all below
 * @fmt: pixel format of the frame
 * @pix: its format, as it was when streaming started
 * @plane: the screen's own memory, from one start of streaming to the next
 * @size: bytes in each plane
 * @valid: @plane has a whole frame
 */
struct vbdisp_scan {
	struct mutex			lock;		/* see above */
	const struct vbdisp_fmt		*fmt;
	struct v4l2_pix_format_mplane	pix;
	u8				*plane[VBDISP_MAX_PLANES];
	unsigned int			size[VBDISP_MAX_PLANES];
	bool				valid;
};

/**
 * struct vbdisp_stats - what became of the frames, since the device was bound
 * @frames: frames scanned out, each counted once
 * @repeated: refreshes that scanned out the frame on screen again
 * @torn: those of them that found another picture than before
 * @dropped: frames that were still to come when streaming stopped
 * @errors: scan-outs that ended in a device fault
 * @late: refreshes that fell due while a scan-out was under way; these make the
 *	refresh rate lower
 * @last_sequence: sequence number of the last one of @frames
 * @last_sum: its sum, see vbdma-sum.c
 * @sum_of_sums: all of their sums, in order: rotated left by one bit for each
 *	frame, before its sum is added
 */
struct vbdisp_stats {
	u64	frames;
	u64	repeated;
	u64	torn;
	u64	dropped;
	u64	errors;
	u64	late;
	u32	last_sequence;
	u32	last_sum;
	u32	sum_of_sums;
};

/**
 * struct vbdisp_dev - a display
 * @config: what it is like; constant, as are the next two
 * @userptr: offers V4L2_MEMORY_USERPTR
 * @rescan: scans a frame out at each refresh, not only at its first
 * @v4l2_dev: its reference count is the display's
 * @vdev: the video node
 * @queue: its buffers
 * @lock: serialises @vdev and @queue
 * @dma: the bus master
 * @scan: the screen
 * @fmt: current pixel format; guarded by @lock, constant while buffers exist
 * @pix: current format; likewise
 * @interval: time between refreshes; guarded by @lock, constant while streaming
 * @clock: says when a refresh is due
 * @wq: runs @work
 * @work: scans out @next or, if there is none, @shown
 * @slock: guards all below
 * @streaming: between start_streaming() and stop_streaming()
 * @busy: @work is under way, @next and @shown are its own
 * @queued: buffers to come
 * @next: the one that is being scanned out for the first time
 * @shown: the one that is on screen
 * @sequence: number of the next frame
 * @stats: see there
 * @debugfs: directory of this display
 */
struct vbdisp_dev {
	struct vbdma_config		config;
	bool				userptr;
	bool				rescan;
	struct v4l2_device		v4l2_dev;
	struct video_device		vdev;
	struct vb2_queue		queue;
	struct mutex			lock;		/* see above */
	struct vbdma_dev		dma;
	struct vbdisp_scan		scan;

	const struct vbdisp_fmt		*fmt;
	struct v4l2_pix_format_mplane	pix;
	struct v4l2_fract		interval;

	struct hrtimer			clock;
	struct workqueue_struct		*wq;
	struct work_struct		work;

	spinlock_t			slock;		/* see above */
	bool				streaming;
	bool				busy;
	struct list_head		queued;
	struct vbdisp_buf		*next;
	struct vbdisp_buf		*shown;
	u32				sequence;
	struct vbdisp_stats		stats;

	struct dentry			*debugfs;
};

int vbdisp_video_register(struct vbdisp_dev *disp);
unsigned int vbdisp_plane_size(const struct vbdisp_fmt *fmt,
			       const struct v4l2_pix_format_mplane *pix,
			       unsigned int plane);

int vbdisp_queue_init(struct vbdisp_dev *disp);
void vbdisp_queue_fini(struct vbdisp_dev *disp);

void vbdisp_scan_init(struct vbdisp_scan *scan);
void vbdisp_scan_fini(struct vbdisp_scan *scan);
int vbdisp_scan_start(struct vbdisp_scan *scan, const struct vbdisp_fmt *fmt,
		      const struct v4l2_pix_format_mplane *pix);
int vbdisp_scan_frame(struct vbdisp_scan *scan, struct vbdma_dev *dma,
		      struct vb2_buffer *vb, bool sg, u32 *sum);
size_t vbdisp_scan_ppm_size(const struct vbdisp_scan *scan);
void vbdisp_scan_ppm(const struct vbdisp_scan *scan, u8 *ppm, size_t size);

#ifdef CONFIG_DEBUG_FS

void vbdisp_debugfs_init(void);
void vbdisp_debugfs_exit(void);
void vbdisp_debugfs_add(struct vbdisp_dev *disp);
void vbdisp_debugfs_remove(struct vbdisp_dev *disp);

#else

static inline void vbdisp_debugfs_init(void) { }
static inline void vbdisp_debugfs_exit(void) { }
static inline void vbdisp_debugfs_add(struct vbdisp_dev *disp) { }
static inline void vbdisp_debugfs_remove(struct vbdisp_dev *disp) { }

#endif

#endif /* _VBDISP_H */
