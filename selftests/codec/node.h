/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A codec's node with one buffer for each queue, for programs that put one file
 * after the other through it.
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

/* By enum vbjpeg_raw. */
extern const u32 fourccs[3];

/**
 * struct node - an open node
 * @fd: its file
 * @map: the buffer of a queue, by its type
 * @len: its length
 */
struct node {
	int	fd;
	void	*map[3];
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
int set_fmt(struct node *n, u32 type, u32 fourcc, u32 w, u32 h, u32 sizeimage);
int set_crop(struct node *n, u32 w, u32 h);
int buffer(struct node *n, u32 type, unsigned int count);
int on(struct node *n, u32 type, bool on);
int queue(struct node *n, u32 type, const void *data, size_t size);
int dequeue(struct node *n, u32 type, size_t *size);

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

#endif /* _NODE_H */
