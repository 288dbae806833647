// SPDX-License-Identifier: GPL-2.0-only
/*
 * The screen: the frame in its own memory, its sum, and what it looks like.
 *
 * A scan-out carries a frame from the buffer to the screen's memory by the bus
 * master. Everything else is done there: what is summed up, and what debugfs
 * shows, is what the device has read and not what the buffer has in it.
 */

#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sprintf.h>
#include <linux/vmalloc.h>

#include "vbdisp.h"
#include "../vbdma/vbdma-vb2.h"

/* From Y'CbCr to R'G'B', as 16.16 fixed point. */
struct vbdisp_matrix {
	int	black;
	int	luma;
	int	v_to_red;
	int	u_to_green;
	int	v_to_green;
	int	u_to_blue;
};

static const struct vbdisp_matrix bt601_full = {
	0, 65536, 91881, -22553, -46802, 116130
};

static const struct vbdisp_matrix bt601_limited = {
	16, 76309, 104597, -25675, -53279, 132201
};

static const struct vbdisp_matrix bt709_full = {
	0, 65536, 103206, -12276, -30679, 121609
};

static const struct vbdisp_matrix bt709_limited = {
	16, 76309, 117489, -13975, -34925, 138438
};

/* Encodings other than these two are taken for the latter. */
static const struct vbdisp_matrix *
scan_matrix(const struct v4l2_pix_format_mplane *pix)
{
	u32 enc = pix->ycbcr_enc, quant = pix->quantization;

	if (enc == V4L2_YCBCR_ENC_DEFAULT)
		enc = V4L2_MAP_YCBCR_ENC_DEFAULT(pix->colorspace);
	if (quant == V4L2_QUANTIZATION_DEFAULT)
		quant = V4L2_MAP_QUANTIZATION_DEFAULT(false, pix->colorspace,
						      enc);

	if (enc == V4L2_YCBCR_ENC_601 || enc == V4L2_YCBCR_ENC_XV601)
		return quant == V4L2_QUANTIZATION_FULL_RANGE ? &bt601_full :
							       &bt601_limited;

	return quant == V4L2_QUANTIZATION_FULL_RANGE ? &bt709_full :
						       &bt709_limited;
}

static u8 round_sample(int fixed)
{
	return clamp((fixed + (1 << 15)) >> 16, 0, 255);
}

static u8 *put_pixel(u8 *rgb, const struct vbdisp_matrix *m, u8 luma, u8 cb,
		     u8 cr)
{
	int y = (luma - m->black) * m->luma, u = cb - 128, v = cr - 128;

	*rgb++ = round_sample(y + m->v_to_red * v);
	*rgb++ = round_sample(y + m->u_to_green * u + m->v_to_green * v);
	*rgb++ = round_sample(y + m->u_to_blue * u);

	return rgb;
}

static void put_line_yuyv(u8 *rgb, const struct vbdisp_matrix *m,
			  const u8 *line, unsigned int width)
{
	for (; width; width -= 2, line += 4) {
		rgb = put_pixel(rgb, m, line[0], line[1], line[3]);
		rgb = put_pixel(rgb, m, line[2], line[1], line[3]);
	}
}

static void put_line_nv12(u8 *rgb, const struct vbdisp_matrix *m,
			  const u8 *luma, const u8 *chroma, unsigned int width)
{
	for (; width; width -= 2, luma += 2, chroma += 2) {
		rgb = put_pixel(rgb, m, luma[0], chroma[0], chroma[1]);
		rgb = put_pixel(rgb, m, luma[1], chroma[0], chroma[1]);
	}
}

static void put_line_xr24(u8 *rgb, const u8 *line, unsigned int width)
{
	for (; width; width--, line += 4) {
		*rgb++ = line[2];
		*rgb++ = line[1];
		*rgb++ = line[0];
	}
}

/* The first line of chroma and, in *@stride, how far it is to the next. */
static const u8 *scan_chroma(const struct vbdisp_scan *scan, size_t *stride)
{
	unsigned int plane = scan->fmt->mem_planes - 1;

	*stride = scan->pix.plane_fmt[plane].bytesperline;
	if (plane)
		return scan->plane[plane];

	return scan->plane[0] + *stride * scan->pix.height;
}

/**
 * vbdisp_scan_ppm_size - how long is the picture as a file?
 * @scan: the screen
 *
 * Context: vbdisp_scan.lock is held.
 * Return: its length in bytes, 0 if there is no picture on the screen.
 */
size_t vbdisp_scan_ppm_size(const struct vbdisp_scan *scan)
{
	const struct v4l2_pix_format_mplane *pix = &scan->pix;

	lockdep_assert_held(&scan->lock);

	if (!scan->valid)
		return 0;

	return snprintf(NULL, 0, "P6\n%u %u\n255\n", pix->width, pix->height) +
	       (size_t)pix->width * pix->height * 3;
}

/**
 * vbdisp_scan_ppm - write down the picture
 * @scan: the screen, with a picture on it
 * @ppm: filled with a binary PPM file
 * @size: its length, from vbdisp_scan_ppm_size()
 *
 * Each sample of chroma stands for the pixels that it was made from. RGB is
 * taken as it is.
 *
 * Context: vbdisp_scan.lock is held. May sleep.
 */
void vbdisp_scan_ppm(const struct vbdisp_scan *scan, u8 *ppm, size_t size)
{
	const struct v4l2_pix_format_mplane *pix = &scan->pix;
	const struct vbdisp_matrix *m = scan_matrix(pix);
	size_t stride = pix->plane_fmt[0].bytesperline, chroma_stride;
	const u8 *line = scan->plane[0], *chroma;
	unsigned int i;

	lockdep_assert_held(&scan->lock);

	chroma = scan_chroma(scan, &chroma_stride);
	ppm += scnprintf(ppm, size, "P6\n%u %u\n255\n", pix->width,
			 pix->height);

	for (i = 0; i < pix->height; i++) {
		if (scan->fmt->nv12)
			put_line_nv12(ppm, m, line,
				      chroma + i / 2 * chroma_stride,
				      pix->width);
		else if (scan->fmt->bpp == 2)
			put_line_yuyv(ppm, m, line, pix->width);
		else
			put_line_xr24(ppm, line, pix->width);
		line += stride;
		ppm += pix->width * 3;
		cond_resched();
	}
}

static u32 scan_sum(const struct vbdisp_scan *scan)
{
	const struct v4l2_pix_format_mplane *pix = &scan->pix;
	const u8 *chroma;
	size_t stride;
	u32 sum;

	sum = vbdma_sum_lines(scan->plane[0], pix->plane_fmt[0].bytesperline,
			      pix->width * scan->fmt->bpp, 0, pix->height);
	if (!scan->fmt->nv12)
		return sum;

	chroma = scan_chroma(scan, &stride);

	return sum + vbdma_sum_lines(chroma, stride, pix->width,
				     VBDMA_SUM_CHROMA, pix->height / 2);
}

/**
 * vbdisp_scan_frame - scan out a frame
 * @scan: the screen, started
 * @dma: the bus master
 * @vb: the buffer, which the display owns
 * @sg: its queue uses vb2_dma_sg_memops
 * @sum: set to the sum of the frame
 *
 * Context: Scan-out work. May sleep.
 * Return: 0 or an error of vbdma_read(), after which the screen is dark.
 */
int vbdisp_scan_frame(struct vbdisp_scan *scan, struct vbdma_dev *dma,
		      struct vb2_buffer *vb, bool sg, u32 *sum)
{
	struct vbdma_target target;
	unsigned int i;
	int ret;

	guard(mutex)(&scan->lock);

	scan->valid = false;
	for (i = 0; i < scan->fmt->mem_planes; i++) {
		vbdma_target_plane(&target, vb, i, sg);
		ret = vbdma_read(dma, &target, vb->planes[i].data_offset,
				 scan->plane[i], scan->size[i]);
		if (ret)
			return ret;
	}
	scan->valid = true;
	*sum = scan_sum(scan);

	return 0;
}

static void scan_free(struct vbdisp_scan *scan)
{
	unsigned int i;

	scan->valid = false;
	for (i = 0; i < VBDISP_MAX_PLANES; i++) {
		vfree(scan->plane[i]);
		scan->plane[i] = NULL;
	}
}

/**
 * vbdisp_scan_start - get ready for frames
 * @scan: the screen, which goes dark
 * @fmt: their pixel format
 * @pix: what they look like
 *
 * The last frame stays on the screen until the next call, or until
 * vbdisp_scan_fini().
 *
 * Return: 0 or -ENOMEM.
 */
int vbdisp_scan_start(struct vbdisp_scan *scan, const struct vbdisp_fmt *fmt,
		      const struct v4l2_pix_format_mplane *pix)
{
	unsigned int i;

	guard(mutex)(&scan->lock);

	scan_free(scan);
	scan->fmt = fmt;
	scan->pix = *pix;
	for (i = 0; i < fmt->mem_planes; i++) {
		scan->size[i] = vbdisp_plane_size(fmt, pix, i);
		scan->plane[i] = vmalloc(scan->size[i]);
		if (!scan->plane[i]) {
			scan_free(scan);
			return -ENOMEM;
		}
	}

	return 0;
}

/**
 * vbdisp_scan_init - set up the screen
 * @scan: the screen, zeroed
 */
void vbdisp_scan_init(struct vbdisp_scan *scan)
{
	mutex_init(&scan->lock);
}

/**
 * vbdisp_scan_fini - undo vbdisp_scan_init()
 * @scan: the screen, which nobody looks at any more
 */
void vbdisp_scan_fini(struct vbdisp_scan *scan)
{
	scan_free(scan);
	mutex_destroy(&scan->lock);
}
