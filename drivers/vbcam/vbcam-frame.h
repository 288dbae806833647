/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What is in a frame of vbcam. For the driver and for programs that check what
 * arrived.
 *
 * The payload of a frame is the used bytes of its planes, in order, as one
 * string (padding at the end of lines included, unused bytes at the end of
 * a plane not). It starts with a struct vbcam_frame_header; everything after
 * that is picture and is covered by the checksum. The header lies over the
 * picture's first pixels.
 *
 * In each plane, the lowest bit of every VBCAM_FRAME_STAMP_STEPth byte of the
 * picture (a luma, chroma or blue sample) is pseudo-random and differs from
 * frame to frame. So two frames of a still picture differ in every page and
 * nearly every cache line, and memory that is left over from an earlier frame
 * does not pass the checksum.
 */
#ifndef _VBCAM_FRAME_H
#define _VBCAM_FRAME_H

#include <linux/types.h>

#define VBCAM_FRAME_MAGIC	0x46434256	/* "VBCF" */
#define VBCAM_FRAME_VERSION	1
#define VBCAM_FRAME_STAMP_STEP	64

/**
 * struct vbcam_frame_header - first bytes of a frame
 * @magic: VBCAM_FRAME_MAGIC
 * @version: VBCAM_FRAME_VERSION
 * @header_size: bytes before the picture, sizeof(struct vbcam_frame_header)
 * @counter: number of the frame since streaming started, equal to the
 *	sequence of its struct v4l2_buffer
 * @picture_size: bytes of picture, the sum of the planes' bytesused less
 *	@header_size
 * @picture_crc: CRC-32 (zlib's crc32()) of the picture
 * @source: number of the camera
 * @reserved: 0
 * @header_crc: CRC-32 of the fields before this one
 *
 * All fields are little endian.
 */
struct vbcam_frame_header {
	__le32	magic;
	__le16	version;
	__le16	header_size;
	__le32	counter;
	__le32	picture_size;
	__le32	picture_crc;
	__le32	source;
	__le32	reserved;
	__le32	header_crc;
};

#endif /* _VBCAM_FRAME_H */
