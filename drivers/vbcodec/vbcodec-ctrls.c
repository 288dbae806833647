// SPDX-License-Identifier: GPL-2.0-only
/*
 * Controls of the encoder. Each context has its own; they take effect with the
 * next frame.
 */

#include "jpeg-enc.h"
#include "vbcodec.h"

#define VBCODEC_MARKERS		(V4L2_JPEG_ACTIVE_MARKER_APP0 | \
				 V4L2_JPEG_ACTIVE_MARKER_COM | \
				 V4L2_JPEG_ACTIVE_MARKER_DQT | \
				 V4L2_JPEG_ACTIVE_MARKER_DHT)

static int vbcodec_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vbcodec_ctx *ctx = container_of(ctrl->handler,
					       struct vbcodec_ctx, hdl);

	switch (ctrl->id) {
	case V4L2_CID_JPEG_COMPRESSION_QUALITY:
		WRITE_ONCE(ctx->quality, ctrl->val);
		return 0;
	case V4L2_CID_JPEG_RESTART_INTERVAL:
		WRITE_ONCE(ctx->restart, ctrl->val);
		return 0;
	case V4L2_CID_JPEG_ACTIVE_MARKER:
		WRITE_ONCE(ctx->markers, ctrl->val);
		return 0;
	case V4L2_CID_JPEG_CHROMA_SUBSAMPLING:
		WRITE_ONCE(ctx->subsampling, ctrl->val);
		return 0;
	default:
		return -EINVAL;
	}
}

static const struct v4l2_ctrl_ops vbcodec_ctrl_ops = {
	.s_ctrl = vbcodec_s_ctrl,
};

static void init_encoder(struct v4l2_ctrl_handler *hdl)
{
	const struct v4l2_ctrl_ops *ops = &vbcodec_ctrl_ops;

	BUILD_BUG_ON(VBJPEG_ENC_APP0 != V4L2_JPEG_ACTIVE_MARKER_APP0);
	BUILD_BUG_ON(VBJPEG_ENC_COM != V4L2_JPEG_ACTIVE_MARKER_COM);
	BUILD_BUG_ON(VBJPEG_ENC_DQT != V4L2_JPEG_ACTIVE_MARKER_DQT);
	BUILD_BUG_ON(VBJPEG_ENC_DHT != V4L2_JPEG_ACTIVE_MARKER_DHT);

	v4l2_ctrl_new_std(hdl, ops, V4L2_CID_JPEG_COMPRESSION_QUALITY,
			  1, 100, 1, 80);
	v4l2_ctrl_new_std(hdl, ops, V4L2_CID_JPEG_RESTART_INTERVAL,
			  0, U16_MAX, 1, 0);
	v4l2_ctrl_new_std(hdl, ops, V4L2_CID_JPEG_ACTIVE_MARKER, 0,
			  VBCODEC_MARKERS, 0,
			  VBCODEC_MARKERS & ~V4L2_JPEG_ACTIVE_MARKER_COM);
	v4l2_ctrl_new_std_menu(hdl, ops, V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
			       V4L2_JPEG_CHROMA_SUBSAMPLING_GRAY,
			       BIT(V4L2_JPEG_CHROMA_SUBSAMPLING_411) |
			       BIT(V4L2_JPEG_CHROMA_SUBSAMPLING_410),
			       V4L2_JPEG_CHROMA_SUBSAMPLING_420);
}

/**
 * vbcodec_ctrls_init - make the controls of a context
 * @ctx: the context
 *
 * Return: 0 or an error; vbcodec_ctrls_fini() is due in either case.
 */
int vbcodec_ctrls_init(struct vbcodec_ctx *ctx)
{
	v4l2_ctrl_handler_init(&ctx->hdl, 4);
	if (!ctx->node->decoder)
		init_encoder(&ctx->hdl);
	ctx->fh.ctrl_handler = &ctx->hdl;

	return v4l2_ctrl_handler_setup(&ctx->hdl) ?: ctx->hdl.error;
}

/**
 * vbcodec_ctrls_fini - undo vbcodec_ctrls_init()
 * @ctx: the context
 */
void vbcodec_ctrls_fini(struct vbcodec_ctx *ctx)
{
	v4l2_ctrl_handler_free(&ctx->hdl);
}
