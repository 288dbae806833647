/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbcam: a camera without hardware, for testing memory backends
 *
 * vbcam-core.c		devices, their limits, probe and remove
 * vbcam-video.c	ioctls: formats, frame intervals, input
 * vbcam-queue.c	buffers, the frame clock and the capture work
 * vbcam-gen.c		the sensor: pictures, controls, numbers, checksums
 * vbcam-debugfs.c	what became of the frames
 *
 * Locks, outer first: vbcam_dev.lock serialises ioctls and the queue.
 * vbcam_gen.lock guards the pattern generator, which controls (any time) and
 * the capture work both use. vbcam_dev.slock guards the frame clock's state.
 */
#ifndef _VBCAM_H
#define _VBCAM_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/videodev2.h>
#include <linux/workqueue.h>
#include <media/tpg/v4l2-tpg.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/videobuf2-v4l2.h>

#include "../vbdma/vbdma.h"

#define VBCAM_MAX_PLANES	2

#define VBCAM_MIN_WIDTH		32
#define VBCAM_MIN_HEIGHT	16
#define VBCAM_MAX_WIDTH		4096
#define VBCAM_MAX_HEIGHT	2304
#define VBCAM_DEF_WIDTH		640
#define VBCAM_DEF_HEIGHT	480

/**
 * struct vbcam_fmt - a pixel format
 * @fourcc: its code
 * @mem_planes: planes with memory of their own
 * @bpp: bytes of a pixel in the first plane
 * @nv12: half as many lines of interleaved chroma follow, in the same memory
 *	plane or in one of their own
 */
struct vbcam_fmt {
	u32		fourcc;
	unsigned int	mem_planes;
	unsigned int	bpp;
	bool		nv12;
};

/**
 * struct vbcam_buf - a buffer
 * @vb: what vb2 knows of it, first by its rules
 * @list: entry in vbcam_dev.queued
 * @tick: &vbcam_dev.ticks when it was queued
 */
struct vbcam_buf {
	struct vb2_v4l2_buffer	vb;
	struct list_head	list;
	unsigned int		tick;
};

/**
 * struct vbcam_gen - the sensor
 * @hdl: its controls
 * @lock: guards @tpg and @redraw
 * @tpg: draws the pictures
 * @redraw: @plane does not show what @tpg would draw now
 * @planes: memory planes of a frame
 * @plane: the sensor's own memory, allocated while streaming
 * @size: bytes in each plane
 */
struct vbcam_gen {
	struct v4l2_ctrl_handler	hdl;
	struct mutex			lock;		/* see above */
	struct tpg_data			tpg;
	bool				redraw;
	unsigned int			planes;
	u8				*plane[VBCAM_MAX_PLANES];
	unsigned int			size[VBCAM_MAX_PLANES];
};

/**
 * struct vbcam_stats - what became of the frames, since the device was bound
 * @frames: frames captured
 * @lost: frames for which there was no buffer; they have a sequence number
 * @errors: frames that ended in a device fault
 * @late: frame periods that passed while a frame was being captured or, if the
 *	camera is patient, waited for its buffer; these make the frame rate
 *	lower and have no sequence number
 */
struct vbcam_stats {
	u64	frames;
	u64	lost;
	u64	errors;
	u64	late;
};

/**
 * struct vbcam_dev - a camera
 * @config: what it is like; constant, as are the next two
 * @userptr: offers V4L2_MEMORY_USERPTR
 * @patient: waits for a buffer where another camera would lose the frame
 * @v4l2_dev: its reference count is the camera's
 * @vdev: the video node
 * @queue: its buffers
 * @lock: serialises @vdev and @queue
 * @dma: the bus master
 * @gen: the sensor
 * @fmt: current pixel format; guarded by @lock, constant while buffers exist
 * @pix: current format; likewise
 * @interval: current frame interval; guarded by @lock, constant while streaming
 * @clock: ends a frame period
 * @wq: runs @work
 * @work: captures a frame into @active
 * @slock: guards all below
 * @streaming: between start_streaming() and stop_streaming()
 * @queued: buffers to capture into
 * @active: the one that @work owns
 * @sequence: number of the next frame
 * @ticks: frame periods since the device is there
 * @stats: see there
 * @debugfs: directory of this camera
 */
struct vbcam_dev {
	struct vbdma_config		config;
	bool				userptr;
	bool				patient;
	struct v4l2_device		v4l2_dev;
	struct video_device		vdev;
	struct vb2_queue		queue;
	struct mutex			lock;		/* see above */
	struct vbdma_dev		dma;
	struct vbcam_gen		gen;

	const struct vbcam_fmt		*fmt;
	struct v4l2_pix_format_mplane	pix;
	struct v4l2_fract		interval;

	struct hrtimer			clock;
	struct workqueue_struct		*wq;
	struct work_struct		work;

	spinlock_t			slock;		/* see above */
	bool				streaming;
	struct list_head		queued;
	struct vbcam_buf		*active;
	u32				sequence;
	unsigned int			ticks;
	struct vbcam_stats		stats;

	struct dentry			*debugfs;
};

int vbcam_video_register(struct vbcam_dev *cam);

int vbcam_queue_init(struct vbcam_dev *cam);
void vbcam_queue_fini(struct vbcam_dev *cam);

int vbcam_gen_init(struct vbcam_gen *gen);
void vbcam_gen_fini(struct vbcam_gen *gen);
int vbcam_gen_start(struct vbcam_gen *gen,
		    const struct v4l2_pix_format_mplane *pix);
void vbcam_gen_stop(struct vbcam_gen *gen);
void vbcam_gen_frame(struct vbcam_gen *gen, u32 counter, u32 source);

#ifdef CONFIG_DEBUG_FS

void vbcam_debugfs_init(void);
void vbcam_debugfs_exit(void);
void vbcam_debugfs_add(struct vbcam_dev *cam);
void vbcam_debugfs_remove(struct vbcam_dev *cam);

#else

static inline void vbcam_debugfs_init(void) { }
static inline void vbcam_debugfs_exit(void) { }
static inline void vbcam_debugfs_add(struct vbcam_dev *cam) { }
static inline void vbcam_debugfs_remove(struct vbcam_dev *cam) { }

#endif

#endif /* _VBCAM_H */
