// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sensor: pictures, controls, numbers and checksums.
 *
 * A frame is made in memory of the driver's own and then carried to the buffer
 * by the bus master. The pattern is drawn only when it changed; what differs
 * from frame to frame is the header and the stamp (vbcam-frame.h).
 */

#include <linux/crc32.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "vbcam.h"
#include "vbcam-frame.h"

static u32 vbcam_gen_random(u32 state)
{
	/* Marsaglia's xorshift, which never leaves a state other than 0. */
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;

	return state;
}

static void vbcam_gen_stamp(u8 *plane, unsigned int size, u32 seed)
{
	u32 random = seed;
	unsigned int i, bit = 0;

	for (i = 0; i < size; i += VBCAM_FRAME_STAMP_STEP) {
		if (!bit)
			random = vbcam_gen_random(random);
		plane[i] = (plane[i] & ~1) | ((random >> bit) & 1);
		bit = (bit + 1) % 32;
	}
}

static void vbcam_gen_draw(struct vbcam_gen *gen)
{
	unsigned int i;

	guard(mutex)(&gen->lock);

	if (!gen->redraw && tpg_pattern_is_static(&gen->tpg))
		return;

	gen->redraw = false;
	for (i = 0; i < gen->planes; i++)
		tpg_fillbuffer(&gen->tpg, 0, i, gen->plane[i]);
}

/**
 * vbcam_gen_frame - make the next frame
 * @gen: the sensor, started
 * @counter: number of the frame
 * @source: number of the camera
 *
 * Context: Capture work. May sleep.
 */
void vbcam_gen_frame(struct vbcam_gen *gen, u32 counter, u32 source)
{
	struct vbcam_frame_header *header = (void *)gen->plane[0];
	unsigned int i, skip = sizeof(*header), size = 0;
	u32 crc = ~0;

	vbcam_gen_draw(gen);

	for (i = 0; i < gen->planes; i++) {
		/* Any seed that is not 0 and tells frames and planes apart. */
		vbcam_gen_stamp(gen->plane[i], gen->size[i],
				(counter * VBCAM_MAX_PLANES + i) | BIT(31));
		crc = crc32(crc, gen->plane[i] + skip, gen->size[i] - skip);
		size += gen->size[i] - skip;
		skip = 0;
	}

	*header = (struct vbcam_frame_header) {
		.magic		= cpu_to_le32(VBCAM_FRAME_MAGIC),
		.version	= cpu_to_le16(VBCAM_FRAME_VERSION),
		.header_size	= cpu_to_le16(sizeof(*header)),
		.counter	= cpu_to_le32(counter),
		.picture_size	= cpu_to_le32(size),
		.picture_crc	= cpu_to_le32(~crc),
		.source		= cpu_to_le32(source),
	};
	crc = crc32(~0, header, offsetof(typeof(*header), header_crc));
	header->header_crc = cpu_to_le32(~crc);
}

/* What the test patterns look like from the next one on. */
static void vbcam_gen_set(struct vbcam_gen *gen,
			  const struct v4l2_pix_format_mplane *pix)
{
	unsigned int i;

	guard(mutex)(&gen->lock);

	tpg_s_fourcc(&gen->tpg, pix->pixelformat);
	tpg_reset_source(&gen->tpg, pix->width, pix->height, V4L2_FIELD_NONE);
	tpg_s_colorspace(&gen->tpg, pix->colorspace);
	tpg_s_xfer_func(&gen->tpg, pix->xfer_func);
	tpg_s_ycbcr_enc(&gen->tpg, pix->ycbcr_enc);
	tpg_s_quantization(&gen->tpg, pix->quantization);
	for (i = 0; i < pix->num_planes; i++)
		tpg_s_bytesperline(&gen->tpg, i,
				   pix->plane_fmt[i].bytesperline);
	gen->redraw = true;
}

/**
 * vbcam_gen_start - get ready to make frames
 * @gen: the sensor
 * @pix: what they look like
 *
 * Return: 0 or -ENOMEM.
 */
int vbcam_gen_start(struct vbcam_gen *gen,
		    const struct v4l2_pix_format_mplane *pix)
{
	unsigned int i;

	for (i = 0; i < pix->num_planes; i++) {
		gen->size[i] = pix->plane_fmt[i].sizeimage;
		gen->plane[i] = vzalloc(gen->size[i]);
		if (!gen->plane[i])
			goto err_free;
	}
	gen->planes = pix->num_planes;

	vbcam_gen_set(gen, pix);

	return 0;

err_free:
	vbcam_gen_stop(gen);
	return -ENOMEM;
}

/**
 * vbcam_gen_stop - give back what vbcam_gen_start() took
 * @gen: the sensor
 */
void vbcam_gen_stop(struct vbcam_gen *gen)
{
	unsigned int i;

	for (i = 0; i < VBCAM_MAX_PLANES; i++) {
		vfree(gen->plane[i]);
		gen->plane[i] = NULL;
	}
	gen->planes = 0;
}

static int vbcam_gen_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vbcam_gen *gen = container_of(ctrl->handler, struct vbcam_gen,
					     hdl);

	guard(mutex)(&gen->lock);

	switch (ctrl->id) {
	case V4L2_CID_HFLIP:
		tpg_s_hflip(&gen->tpg, ctrl->val);
		break;
	case V4L2_CID_VFLIP:
		tpg_s_vflip(&gen->tpg, ctrl->val);
		break;
	case V4L2_CID_TEST_PATTERN:
		tpg_s_pattern(&gen->tpg, ctrl->val);
		break;
	default:
		return -EINVAL;
	}
	gen->redraw = true;

	return 0;
}

static const struct v4l2_ctrl_ops vbcam_gen_ctrl_ops = {
	.s_ctrl = vbcam_gen_s_ctrl,
};

/**
 * vbcam_gen_init - set up the sensor and its controls
 * @gen: the sensor
 *
 * Return: 0 or an error; vbcam_gen_fini() is due in either case.
 */
int vbcam_gen_init(struct vbcam_gen *gen)
{
	struct v4l2_ctrl_handler *hdl = &gen->hdl;
	int ret;

	mutex_init(&gen->lock);
	tpg_init(&gen->tpg, VBCAM_DEF_WIDTH, VBCAM_DEF_HEIGHT);
	ret = tpg_alloc(&gen->tpg, VBCAM_MAX_WIDTH);
	if (ret)
		return ret;

	v4l2_ctrl_handler_init(hdl, 3);
	v4l2_ctrl_new_std(hdl, &vbcam_gen_ctrl_ops, V4L2_CID_HFLIP,
			  0, 1, 1, 0);
	v4l2_ctrl_new_std(hdl, &vbcam_gen_ctrl_ops, V4L2_CID_VFLIP,
			  0, 1, 1, 0);
	v4l2_ctrl_new_std_menu_items(hdl, &vbcam_gen_ctrl_ops,
				     V4L2_CID_TEST_PATTERN, TPG_PAT_NOISE, 0,
				     TPG_PAT_75_COLORBAR, tpg_pattern_strings);

	return v4l2_ctrl_handler_setup(hdl) ?: hdl->error;
}

/**
 * vbcam_gen_fini - undo vbcam_gen_init(), complete or not
 * @gen: the sensor, zeroed if it was never set up
 */
void vbcam_gen_fini(struct vbcam_gen *gen)
{
	v4l2_ctrl_handler_free(&gen->hdl);
	tpg_free(&gen->tpg);
}
