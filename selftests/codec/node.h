/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A codec's node, for programs that put one file after the other through it:
 * mostly with one buffer for each queue, which is the one of index 0.
 *
 * OUT and CAP stand for either API: which one the node has is found out when it
 * is opened. Nothing here waits longer than NODE_WAIT, for whatever reason.
 */
#ifndef _NODE_H
#define _NODE_H

#include <stdbool.h>
#include <linux/videodev2.h>

#include "coder.h"

#define OUT	V4L2_BUF_TYPE_VIDEO_OUTPUT
#define CAP	V4L2_BUF_TYPE_VIDEO_CAPTURE

/* Room for a coded frame. */
#define ROOM	(1 << 20)

/* At most so many buffers in a queue. */
#define NODE_BUFS	4

/* What takes so many milliseconds is a hang. */
#define NODE_WAIT	20000

/* By enum vbjpeg_raw. */
extern const u32 fourccs[3];

/**
 * struct node - an open node
 * @fd: its file, which does not block
 * @mplane: it has the multi-planar API
 * @map: the buffers of a queue, by its type
 * @len: the length of each
 */
struct node {
	int	fd;
	bool	mplane;
	void	*map[3][NODE_BUFS];
	size_t	len[3];
};

/**
 * struct frame - a raw frame in memory
 * @fourcc: its format
 * @width: columns
 * @height: lines of the first plane
 * @stride: bytes from one line to the next, of all planes
 * @size: bytes of all planes
 * @data: the planes, one after the other
 */
struct frame {
	u32	fourcc;
	u32	width;
	u32	height;
	u32	stride;
	u32	size;
	u8	*data;
};

/* One result of TAP. */
void result(bool ok, const char *text);
void results_end(void);

void node_open(struct node *n, const char *name);
void node_close(struct node *n);
u32 node_type(const struct node *n, u32 type);
int set_fmt(struct node *n, u32 type, u32 fourcc, u32 w, u32 h, u32 sizeimage);
int set_crop(struct node *n, u32 w, u32 h);
int set_ctrl(struct node *n, u32 id, s32 value);
int buffer(struct node *n, u32 type, unsigned int count);
int on(struct node *n, u32 type, bool on);
int queue(struct node *n, u32 type, const void *data, size_t size);
int queue_nth(struct node *n, u32 type, unsigned int nth, const void *data,
	      size_t size);
int dequeue(struct node *n, u32 type, size_t *size);
int dequeue_nth(struct node *n, u32 type, unsigned int *nth, size_t *size);
int subscribe(struct node *n, u32 event);
int event(struct node *n);

int frame_of(struct node *n, u32 type, struct frame *frame);
u32 frame_used(const struct frame *frame);
u32 frame_lines(const struct frame *frame);
u8 *frame_line(const struct frame *frame, u32 line);
void frame_copy(const struct frame *to, const struct frame *from);
bool frame_same(const struct frame *a, const struct frame *b);
void frame_picture(struct frame *frame, const struct picture *pic);

int cap_start(struct node *n);
int cap_stop(struct node *n);
int dec_open(struct node *n, const char *name, u32 fourcc);
int dec_file(struct node *n, const void *data, size_t size, size_t *used);
int enc_open(struct node *n, const char *name, const struct picture *pic,
	     unsigned int count);
void enc_fill(struct node *n, unsigned int nth, const struct picture *pic);
int enc_file(struct node *n, const struct picture *pic, size_t *used);

#endif /* _NODE_H */
