/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbcodec: a JPEG encoder and decoder without hardware
 *
 * vbcodec-core.c	devices, their limits, probe and remove
 * vbcodec-video.c	open files, ioctls: formats, selections, commands, events
 * vbcodec-fmt.c	what formats there are, and what is made of one asked for
 * vbcodec-ctrls.c	controls
 * vbcodec-queue.c	buffers, start and end of streaming
 * vbcodec-job.c	the engines: one frame in, one frame out
 * vbcodec-access.c	headers as the driver's CPU sees them
 * vbcodec-debugfs.c	what became of the frames
 * jpeg-*.c		the coder, which knows nothing of all that
 *
 * Locks, outer first: vbcodec_node.lock serialises the ioctls and queues of all
 * contexts of a node and guards their formats. vbcodec_ctx.slock guards what
 * the job and the ioctls both decide upon: which frame is the last one. The
 * jobs of a node run one after the other, which is what guards its engine.
 */
#ifndef _VBCODEC_H
#define _VBCODEC_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/videodev2.h>
#include <linux/workqueue.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-mem2mem.h>
#include <media/videobuf2-v4l2.h>

#include "../vbdma/vbdma.h"
#include "jpeg-tables.h"

#define VBCODEC_DEF_WIDTH	640
#define VBCODEC_DEF_HEIGHT	480

/* Of JPEG in one buffer. An imported buffer can be larger. */
#define VBCODEC_MAX_CODED	SZ_32M

struct vbjpeg_dec;
struct vbjpeg_enc;

/**
 * struct vbcodec_fmt - a pixel format
 * @fourcc: its code
 * @raw: what the coder calls it, if it is raw
 * @coded: it is JPEG
 * @bpp: bytes of a pixel in the first plane
 * @step: sizes are multiples of this
 */
struct vbcodec_fmt {
	u32			fourcc;
	enum vbjpeg_raw		raw;
	bool			coded;
	unsigned int		bpp;
	unsigned int		step;
};

/**
 * struct vbcodec_ram - an engine's own memory
 * @data: what it holds, from one job to the next
 * @size: how much
 */
struct vbcodec_ram {
	void	*data;
	size_t	size;
};

/**
 * struct vbcodec_stats - what became of the frames, since the device was bound
 * @frames: frames that came out
 * @bytes: bytes of JPEG in them
 * @corrupt: what was no JPEG, was damaged, or was none of the kinds supported
 * @overflows: frames that were larger than their buffer
 * @faults: frames that ended in a device fault
 * @nomem: frames for which the engine found no memory
 * @changes: changes of the size of the picture
 * @peeks: times that the CPU has looked at a header where it is
 * @peeks_dma: times that the bus master had to fetch it
 */
struct vbcodec_stats {
	atomic64_t	frames;
	atomic64_t	bytes;
	atomic64_t	corrupt;
	atomic64_t	overflows;
	atomic64_t	faults;
	atomic64_t	nomem;
	atomic64_t	changes;
	atomic64_t	peeks;
	atomic64_t	peeks_dma;
};

/**
 * struct vbcodec_node - an encoder or decoder
 * @codec: the device that it is of
 * @decoder: what it is
 * @vdev: the video node
 * @m2m_dev: runs the jobs of its contexts, one at a time
 * @lock: see above
 * @ctxs: all contexts; guarded by @lock
 * @work: runs a job
 * @dec: the engine of a decoder
 * @enc: the engine of an encoder
 * @coded: holds a frame of JPEG
 * @samples: holds the samples of a decoded frame
 * @strip: holds some lines of a raw frame
 * @stats: see there
 * @debugfs: directory of this node
 */
struct vbcodec_node {
	struct vbcodec_dev	*codec;
	bool			decoder;
	struct video_device	vdev;
	struct v4l2_m2m_dev	*m2m_dev;
	struct mutex		lock;		/* see above */
	struct list_head	ctxs;
	struct work_struct	work;
	struct vbjpeg_dec	*dec;
	struct vbjpeg_enc	*enc;
	struct vbcodec_ram	coded;
	struct vbcodec_ram	samples;
	struct vbcodec_ram	strip;
	struct vbcodec_stats	stats;
	struct dentry		*debugfs;
};

/**
 * struct vbcodec_dev - a codec
 * @config: what it is like; constant
 * @v4l2_dev: its reference count is the codec's
 * @dma: the bus master
 * @wq: runs the jobs
 * @encoder: one node
 * @decoder: the other
 * @debugfs: directory of this codec
 */
struct vbcodec_dev {
	struct vbdma_config	config;
	struct v4l2_device	v4l2_dev;
	struct vbdma_dev	dma;
	struct workqueue_struct	*wq;
	struct vbcodec_node	encoder;
	struct vbcodec_node	decoder;
	struct dentry		*debugfs;
};

/**
 * struct vbcodec_q_data - a queue of a context
 * @fmt: current pixel format
 * @pix: current format
 * @sequence: number of the next buffer
 */
struct vbcodec_q_data {
	const struct vbcodec_fmt	*fmt;
	struct v4l2_pix_format_mplane	pix;
	u32				sequence;
};

/**
 * struct vbcodec_ctx - an open file
 * @fh: its handle
 * @node: what it is open on
 * @entry: in vbcodec_node.ctxs
 * @hdl: its controls
 * @quality: a control's value
 * @restart: likewise
 * @markers: likewise
 * @subsampling: likewise
 * @out: the queue that frames come in by
 * @cap: the queue that they go out by
 * @width: size of the picture, of which @out or @cap are what is raw, and
 *	perhaps larger
 * @height: likewise
 * @started: a header has been seen since OUTPUT streams
 * @waits: user space has asked to be told of source changes
 * @slock: guards what follows and, beside vbcodec_node.lock, the state of a
 *	drain
 * @changed: the picture has another size now, for which CAPTURE is not ready
 * @again: so it was when OUTPUT was stopped: the next header tells it again
 * @owed: OUTPUT goes on after a drain whose last buffer is still to come
 *
 * Formats and sizes are guarded by vbcodec_node.lock, and constant while their
 * queue has buffers; except that a decoder's job changes those of CAPTURE,
 * under @slock, before it sets @changed.
 */
struct vbcodec_ctx {
	struct v4l2_fh			fh;
	struct vbcodec_node		*node;
	struct list_head		entry;
	struct v4l2_ctrl_handler	hdl;
	unsigned int			quality;
	unsigned int			restart;
	unsigned int			markers;
	unsigned int			subsampling;
	struct vbcodec_q_data		out;
	struct vbcodec_q_data		cap;
	unsigned int			width;
	unsigned int			height;
	bool				started;
	bool				waits;
	spinlock_t			slock;		/* see above */
	bool				changed;
	bool				again;
	bool				owed;
};

static inline struct vbcodec_q_data *
vbcodec_q_data(struct vbcodec_ctx *ctx, enum v4l2_buf_type type)
{
	return V4L2_TYPE_IS_OUTPUT(type) ? &ctx->out : &ctx->cap;
}

/* vbcodec-fmt.c */
const struct vbcodec_fmt *vbcodec_fmt_nth(bool coded, unsigned int n);
const struct vbcodec_fmt *vbcodec_fmt_find(bool coded, u32 fourcc);
const struct vbcodec_fmt *vbcodec_fmt_adjust(const struct vbcodec_dev *codec,
					     bool coded,
					     struct v4l2_pix_format_mplane *pix);
void vbcodec_fmt_sizes(const struct vbcodec_fmt *fmt,
		       struct v4l2_frmsize_stepwise *sizes);
void vbcodec_fmt_colour(struct v4l2_pix_format_mplane *pix);
void vbcodec_fmt_capture(struct vbcodec_ctx *ctx);
void vbcodec_fmt_init(struct vbcodec_ctx *ctx);

/* vbcodec-video.c */
int vbcodec_video_register(struct vbcodec_node *node);
void vbcodec_video_eos(struct vbcodec_ctx *ctx);
void vbcodec_video_source_change(struct vbcodec_ctx *ctx);

/* vbcodec-ctrls.c */
int vbcodec_ctrls_init(struct vbcodec_ctx *ctx);
void vbcodec_ctrls_fini(struct vbcodec_ctx *ctx);

/* vbcodec-queue.c */
int vbcodec_queue_init(void *priv, struct vb2_queue *out,
		       struct vb2_queue *cap);
void vbcodec_queue_stop(struct vbcodec_ctx *ctx);
void vbcodec_queue_number(struct vbcodec_ctx *ctx);

/* vbcodec-job.c */
int vbcodec_job_init(struct vbcodec_node *node);
void vbcodec_job_fini(struct vbcodec_node *node);
int vbcodec_job_peek(struct vbcodec_ctx *ctx, struct vb2_v4l2_buffer *src);

/* vbcodec-access.c */
void vbcodec_access_init(void);
void vbcodec_access_exit(void);
int vbcodec_access_read(struct vb2_buffer *vb, size_t offset, void *dst,
			size_t len);

#ifdef CONFIG_DEBUG_FS

void vbcodec_debugfs_init(void);
void vbcodec_debugfs_exit(void);
void vbcodec_debugfs_add(struct vbcodec_dev *codec);
void vbcodec_debugfs_remove(struct vbcodec_dev *codec);

#else

static inline void vbcodec_debugfs_init(void) { }
static inline void vbcodec_debugfs_exit(void) { }
static inline void vbcodec_debugfs_add(struct vbcodec_dev *codec) { }
static inline void vbcodec_debugfs_remove(struct vbcodec_dev *codec) { }

#endif

#endif /* _VBCODEC_H */
