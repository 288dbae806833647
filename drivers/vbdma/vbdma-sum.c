// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums of frames, which tie one device to the next.
 *
 * Each device sums up what it has read or written, as it has it in its own
 * memory, and says so by the tracepoint vbdma_frame. What one device wrote and
 * the next one read has to have the same sum, whatever happened to the buffer
 * between them; this holds hop by hop from the camera to the display, also
 * where a codec changes the picture in between.
 *
 * The sum of a raw frame is the sum, modulo 2^32, of a CRC-32 for each line of
 * each plane. Only the visible bytes of a line count, and its number goes into
 * the CRC. So the sum does not depend on strides, padding, how planes lie in
 * memory, or in which order a device goes through them. That of coded data is
 * one CRC-32.
 *
 * None of this is done unless the tracepoint is on.
 */

#include <linux/crc32.h>
#include <linux/export.h>

#include "vbdma.h"
#include "vbdma-trace.h"

/**
 * vbdma_sum_wanted - is anybody interested in sums?
 *
 * Return: true if the tracepoint is on. It may go on and off at any time: ask
 * once for each frame.
 */
bool vbdma_sum_wanted(void)
{
	return trace_vbdma_frame_enabled();
}
EXPORT_SYMBOL_GPL(vbdma_sum_wanted);

/**
 * vbdma_sum_lines - sum up lines of a raw frame
 * @data: the first of the lines
 * @stride: bytes from one line to the next
 * @used: visible bytes in a line
 * @first: number of the first line in its plane, plus VBDMA_SUM_CHROMA in
 *	a plane of chroma
 * @lines: number of lines
 *
 * Return: their part of the frame's sum, to be added up.
 */
u32 vbdma_sum_lines(const void *data, size_t stride, size_t used,
		    unsigned int first, unsigned int lines)
{
	u32 sum = 0;

	for (; lines; lines--, first++, data += stride)
		sum += crc32(~first, data, used);

	return sum;
}
EXPORT_SYMBOL_GPL(vbdma_sum_lines);

/**
 * vbdma_sum_bytes - sum up coded data
 * @data: a whole frame
 * @len: its length in bytes
 *
 * Return: the sum.
 */
u32 vbdma_sum_bytes(const void *data, size_t len)
{
	return crc32(~0, data, len);
}
EXPORT_SYMBOL_GPL(vbdma_sum_bytes);

/**
 * vbdma_sum_frame - tell the sum of a frame
 * @vd: the bus master that moved it
 * @write: it wrote the frame, else it read it
 * @fourcc: format of the frame
 * @sequence: its number
 * @bytes: its payload
 * @sum: its sum
 *
 * Context: After the transfers, before the buffer is given back.
 */
void vbdma_sum_frame(const struct vbdma_dev *vd, bool write, u32 fourcc,
		     u32 sequence, size_t bytes, u32 sum)
{
	trace_vbdma_frame(vd, write, fourcc, sequence, bytes, sum);
}
EXPORT_SYMBOL_GPL(vbdma_sum_frame);
