// SPDX-License-Identifier: GPL-2.0-only
/*
 * What formats there are, and what is made of one that is asked for.
 *
 * JPEG says that its samples are BT.601 at full range, and that is what a raw
 * picture of the decoder has and what the encoder makes of RGB. Samples that
 * are YCbCr already are coded as they are: the colour that user space gives for
 * OUTPUT is handed on to CAPTURE.
 */

#include "vbcodec.h"

/* More than any frame of the largest size and the best quality. */
#define VBCODEC_MIN_CODED	SZ_4K

/*
 * The first one is a decoder's, unless user space asks for another: GStreamer
 * 1.26 keeps what it finds, and displays take RGB.
 */
static const struct vbcodec_fmt vbcodec_fmts[] = {
	{
		.fourcc	= V4L2_PIX_FMT_XBGR32,
		.raw	= VBJPEG_XR24,
		.bpp	= 4,
		.step	= 1,
	}, {
		.fourcc	= V4L2_PIX_FMT_NV12,
		.raw	= VBJPEG_NV12,
		.bpp	= 1,
		.step	= 2,
	}, {
		.fourcc	= V4L2_PIX_FMT_YUYV,
		.raw	= VBJPEG_YUYV,
		.bpp	= 2,
		.step	= 2,
	}, {
		.fourcc	= V4L2_PIX_FMT_JPEG,
		.coded	= true,
		.step	= 1,
	},
};

/**
 * vbcodec_fmt_nth - the formats one by one
 * @coded: of which kind
 * @n: from 0
 *
 * Return: the format, or NULL.
 */
const struct vbcodec_fmt *vbcodec_fmt_nth(bool coded, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vbcodec_fmts); i++)
		if (vbcodec_fmts[i].coded == coded && !n--)
			return &vbcodec_fmts[i];

	return NULL;
}

/**
 * vbcodec_fmt_find - the format of a code
 * @coded: of which kind
 * @fourcc: the code
 *
 * Return: the format, or NULL.
 */
const struct vbcodec_fmt *vbcodec_fmt_find(bool coded, u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vbcodec_fmts); i++)
		if (vbcodec_fmts[i].coded == coded &&
		    vbcodec_fmts[i].fourcc == fourcc)
			return &vbcodec_fmts[i];

	return NULL;
}

/**
 * vbcodec_fmt_sizes - what sizes there are
 * @fmt: the format
 * @sizes: filled in
 *
 * These are the sizes that pictures can have. The format that such a picture is
 * in can be a line and a column larger: user space that is told of even sizes
 * only takes others for impossible (GStreamer does).
 */
void vbcodec_fmt_sizes(const struct vbcodec_fmt *fmt,
		       struct v4l2_frmsize_stepwise *sizes)
{
	*sizes = (struct v4l2_frmsize_stepwise) {
		.min_width	= fmt->step,
		.max_width	= VBJPEG_MAX_WIDTH,
		.step_width	= 1,
		.min_height	= fmt->step,
		.max_height	= VBJPEG_MAX_HEIGHT,
		.step_height	= 1,
	};
}

/*
 * As much as 4:2:2 at a very good quality. User space may know better, but often
 * asks for what the largest picture would need (GStreamer does), and there may
 * be no contiguous piece of that size.
 */
static u32 coded_size(u32 width, u32 height, u32 wanted)
{
	u32 pixels = ALIGN(width, 16) * ALIGN(height, 16);

	if (wanted < VBCODEC_MIN_CODED || wanted > VBCODEC_MAX_CODED)
		return 2 * pixels + VBCODEC_MIN_CODED;

	return min_t(u32, wanted, max(8 * pixels, SZ_1M));
}

/*
 * Longer lines than needed are fine, as the exporter of a buffer may have. User
 * space that does not say gets whole words: GStreamer 1.26 and 1.28 take that
 * for granted, and go beyond the end of a buffer whose lines are shorter.
 */
static u32 line_size(const struct vbcodec_dev *codec, u32 least, u32 wanted)
{
	if (wanted < least || wanted > 4 * VBJPEG_MAX_WIDTH * 4)
		wanted = ALIGN(least, sizeof(u32));

	return ALIGN(wanted, codec->config.stride_align);
}

/**
 * vbcodec_fmt_adjust - turn what is asked for into what there is
 * @codec: the codec
 * @coded: whether it is the coded side
 * @pix: what is asked for, except for its colour
 *
 * Return: the format.
 */
const struct vbcodec_fmt *vbcodec_fmt_adjust(const struct vbcodec_dev *codec,
					     bool coded,
					     struct v4l2_pix_format_mplane *pix)
{
	struct v4l2_plane_pix_format *plane = &pix->plane_fmt[0];
	struct v4l2_frmsize_stepwise stepwise;
	struct v4l2_frmsize_stepwise *s = &stepwise;
	const struct vbcodec_fmt *fmt;

	fmt = vbcodec_fmt_find(coded, pix->pixelformat) ?:
	      vbcodec_fmt_nth(coded, 0);
	vbcodec_fmt_sizes(fmt, s);

	/* Never less than what was asked for: the picture has to fit. */
	pix->width = ALIGN(clamp(pix->width, s->min_width, s->max_width),
			   fmt->step);
	pix->height = ALIGN(clamp(pix->height, s->min_height, s->max_height),
			    fmt->step);
	pix->pixelformat = fmt->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->flags = 0;
	pix->num_planes = 1;
	memset(pix->reserved, 0, sizeof(pix->reserved));
	memset(plane->reserved, 0, sizeof(plane->reserved));

	if (fmt->coded) {
		plane->bytesperline = 0;
		plane->sizeimage = coded_size(pix->width, pix->height,
					      plane->sizeimage);
		return fmt;
	}

	plane->bytesperline = line_size(codec, pix->width * fmt->bpp,
					plane->bytesperline);
	plane->sizeimage = plane->bytesperline * pix->height;
	if (fmt->raw == VBJPEG_NV12)
		plane->sizeimage += plane->sizeimage / 2;

	return fmt;
}

/**
 * vbcodec_fmt_colour - the colour that JPEG has, unless someone knows better
 * @pix: the format
 *
 * In one word. Were it spelled out, user space that tries one colorspace after
 * the other in the format that comes back (GStreamer does) would try each with
 * JPEG's encoding and range, and find that no camera's colours are among them.
 */
void vbcodec_fmt_colour(struct v4l2_pix_format_mplane *pix)
{
	pix->colorspace = V4L2_COLORSPACE_JPEG;
	pix->xfer_func = V4L2_XFER_FUNC_DEFAULT;
	pix->ycbcr_enc = V4L2_YCBCR_ENC_DEFAULT;
	pix->quantization = V4L2_QUANTIZATION_DEFAULT;
}

/**
 * vbcodec_fmt_capture - make the format of CAPTURE follow that of OUTPUT
 * @ctx: the context, with the size of the picture set
 */
void vbcodec_fmt_capture(struct vbcodec_ctx *ctx)
{
	struct v4l2_pix_format_mplane *pix = &ctx->cap.pix;
	u32 size = pix->plane_fmt[0].sizeimage;

	pix->width = ctx->width;
	pix->height = ctx->height;
	pix->plane_fmt[0].bytesperline = 0;
	pix->plane_fmt[0].sizeimage = 0;
	pix->colorspace = ctx->out.pix.colorspace;
	pix->xfer_func = ctx->out.pix.xfer_func;
	pix->ycbcr_enc = ctx->out.pix.ycbcr_enc;
	pix->quantization = ctx->out.pix.quantization;
	ctx->cap.fmt = vbcodec_fmt_adjust(ctx->node->codec,
					  !ctx->node->decoder, pix);

	/* What user space asked for before stays, if it is enough. */
	if (ctx->cap.fmt->coded)
		pix->plane_fmt[0].sizeimage = max(size,
						  pix->plane_fmt[0].sizeimage);
}

/**
 * vbcodec_fmt_init - the formats of a new context
 * @ctx: the context
 */
void vbcodec_fmt_init(struct vbcodec_ctx *ctx)
{
	struct v4l2_pix_format_mplane *pix = &ctx->out.pix;

	ctx->width = VBCODEC_DEF_WIDTH;
	ctx->height = VBCODEC_DEF_HEIGHT;
	pix->width = ctx->width;
	pix->height = ctx->height;
	/* JPEG's colour spelled out, as v4l2-compliance wants to find it. */
	pix->colorspace = V4L2_COLORSPACE_SRGB;
	pix->xfer_func = V4L2_XFER_FUNC_SRGB;
	pix->ycbcr_enc = V4L2_YCBCR_ENC_601;
	pix->quantization = V4L2_QUANTIZATION_FULL_RANGE;
	ctx->out.fmt = vbcodec_fmt_adjust(ctx->node->codec, ctx->node->decoder,
					  pix);
	vbcodec_fmt_capture(ctx);
}
