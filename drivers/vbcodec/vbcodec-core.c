// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbcodec: devices, their limits, probe and remove
 *
 * The module makes its own platform devices, each with an encoder node and
 * a decoder node, and one bus master. They can be unbound and bound again at
 * any time: remove() takes the nodes and the bus master away and stops every
 * context, the rest goes with the last open file.
 */

#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "vbcodec.h"

static unsigned int n_devs = 1;
module_param(n_devs, uint, 0444);
MODULE_PARM_DESC(n_devs, "Number of codecs, up to 8 (1)");

static bool sg[VBCODEC_MAX_DEVS];
module_param_array(sg, bool, NULL, 0444);
MODULE_PARM_DESC(sg, "Scatter-gather memory, else contiguous (0)");

static bool multiplanar[VBCODEC_MAX_DEVS];
module_param_array(multiplanar, bool, NULL, 0444);
MODULE_PARM_DESC(multiplanar, "Multi-planar API, else single-planar (0)");

static unsigned int stride_align[VBCODEC_MAX_DEVS];
module_param_array(stride_align, uint, NULL, 0444);
MODULE_PARM_DESC(stride_align,
		 "Alignment of raw lines, a power of two (0: none)");

static unsigned int dma_mask_bits[VBCODEC_MAX_DEVS];
module_param_array(dma_mask_bits, uint, NULL, 0444);
MODULE_PARM_DESC(dma_mask_bits, "Width of a DMA address (0: 32)");

static unsigned int max_segs[VBCODEC_MAX_DEVS];
module_param_array(max_segs, uint, NULL, 0444);
MODULE_PARM_DESC(max_segs, "Most segments of a buffer (0: any number)");

static unsigned int max_seg_size[VBCODEC_MAX_DEVS];
module_param_array(max_seg_size, uint, NULL, 0444);
MODULE_PARM_DESC(max_seg_size, "Longest segment in bytes (0: any)");

static unsigned long seg_boundary[VBCODEC_MAX_DEVS];
module_param_array(seg_boundary, ulong, NULL, 0444);
MODULE_PARM_DESC(seg_boundary,
		 "Mask that no segment may cross, such as 0xffffff (0: none)");

static unsigned int seg_align[VBCODEC_MAX_DEVS];
module_param_array(seg_align, uint, NULL, 0444);
MODULE_PARM_DESC(seg_align,
		 "Alignment of segments' addresses, a power of two (0: none)");

static struct platform_device *vbcodec_pdevs[VBCODEC_MAX_DEVS];

static bool vbcodec_is_align(unsigned int align)
{
	return !align || is_power_of_2(align);
}

static int vbcodec_read_config(struct device *dev, unsigned int i,
			       struct vbcodec_config *config)
{
	unsigned int bits = dma_mask_bits[i] ?: 32;

	*config = (struct vbcodec_config) {
		.index		= i,
		.sg		= sg[i],
		.multiplanar	= multiplanar[i],
		.stride_align	= stride_align[i] ?: 1,
		.limits = {
			.boundary	= seg_boundary[i],
			.max_segs	= max_segs[i],
			.max_seg_size	= max_seg_size[i],
			.align		= seg_align[i],
		},
	};

	if (bits > 64 || stride_align[i] > VBJPEG_MAX_WIDTH ||
	    !vbcodec_is_align(stride_align[i]) ||
	    !vbcodec_is_align(seg_align[i]) ||
	    (seg_boundary[i] & (seg_boundary[i] + 1))) {
		dev_err(dev, "parameter out of range\n");
		return -EINVAL;
	}
	config->limits.mask = DMA_BIT_MASK(bits);

	return 0;
}

static void vbcodec_node_fini(struct vbcodec_node *node)
{
	vbcodec_job_fini(node);
	mutex_destroy(&node->lock);
}

static void vbcodec_release(struct v4l2_device *v4l2_dev)
{
	struct vbcodec_dev *codec = container_of(v4l2_dev, struct vbcodec_dev,
						 v4l2_dev);

	if (codec->wq)
		destroy_workqueue(codec->wq);
	vbcodec_node_fini(&codec->encoder);
	vbcodec_node_fini(&codec->decoder);
	v4l2_device_unregister(&codec->v4l2_dev);
	kfree(codec);
}

static void vbcodec_node_init(struct vbcodec_dev *codec,
			      struct vbcodec_node *node, bool decoder)
{
	node->codec = codec;
	node->decoder = decoder;
	mutex_init(&node->lock);
	INIT_LIST_HEAD(&node->ctxs);
}

/* Nobody has the node any more: what is open gets errors from here on. */
static void vbcodec_node_remove(struct vbcodec_node *node)
{
	struct vbcodec_ctx *ctx;

	video_unregister_device(&node->vdev);

	mutex_lock(&node->lock);
	list_for_each_entry(ctx, &node->ctxs, entry)
		vbcodec_queue_stop(ctx);
	mutex_unlock(&node->lock);
}

static int vbcodec_probe(struct platform_device *pdev)
{
	struct vbcodec_dev *codec;
	int ret;

	if (pdev->id < 0 || pdev->id >= VBCODEC_MAX_DEVS)
		return -ENODEV;

	codec = kzalloc_obj(*codec);
	if (!codec)
		return -ENOMEM;

	ret = vbcodec_read_config(&pdev->dev, pdev->id, &codec->config);
	if (!ret)
		ret = v4l2_device_register(&pdev->dev, &codec->v4l2_dev);
	if (ret) {
		kfree(codec);
		return ret;
	}

	/* From here on the last reference frees everything. */
	vbcodec_node_init(codec, &codec->encoder, false);
	vbcodec_node_init(codec, &codec->decoder, true);
	codec->v4l2_dev.release = vbcodec_release;
	platform_set_drvdata(pdev, codec);

	ret = -ENOMEM;
	codec->wq = alloc_workqueue("vbcodec%u", WQ_UNBOUND, 0, pdev->id);
	if (!codec->wq)
		goto err_put;

	ret = vbcodec_job_init(&codec->encoder);
	if (!ret)
		ret = vbcodec_job_init(&codec->decoder);
	if (ret)
		goto err_put;

	ret = vbdma_dev_init(&codec->dma, &pdev->dev, &codec->config.limits);
	if (ret)
		goto err_put;
	vbcodec_debugfs_add(codec);

	ret = vbcodec_video_register(&codec->encoder);
	if (ret)
		goto err_fini_dma;
	ret = vbcodec_video_register(&codec->decoder);
	if (ret)
		goto err_remove_encoder;

	return 0;

err_remove_encoder:
	vbcodec_node_remove(&codec->encoder);
err_fini_dma:
	vbcodec_debugfs_remove(codec);
	vbdma_dev_fini(&codec->dma);
err_put:
	v4l2_device_put(&codec->v4l2_dev);
	return ret;
}

static void vbcodec_remove(struct platform_device *pdev)
{
	struct vbcodec_dev *codec = platform_get_drvdata(pdev);

	/* Stops streaming: after this no buffer is ours. */
	vbcodec_node_remove(&codec->encoder);
	vbcodec_node_remove(&codec->decoder);
	vbcodec_debugfs_remove(codec);
	vbdma_dev_fini(&codec->dma);
	v4l2_device_put(&codec->v4l2_dev);
}

static struct platform_driver vbcodec_driver = {
	.probe	= vbcodec_probe,
	.remove	= vbcodec_remove,
	.driver	= {
		.name = "vbcodec",
	},
};

static void vbcodec_remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < n_devs; i++)
		platform_device_unregister(vbcodec_pdevs[i]);
}

static int __init vbcodec_init(void)
{
	unsigned int i;
	int ret;

	if (!n_devs || n_devs > VBCODEC_MAX_DEVS)
		return -EINVAL;

	vbcodec_debugfs_init();
	ret = platform_driver_register(&vbcodec_driver);
	if (ret)
		goto err_exit_debugfs;

	for (i = 0; i < n_devs; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple("vbcodec", i, NULL, 0);
		if (IS_ERR(pdev)) {
			ret = PTR_ERR(pdev);
			goto err_remove_devices;
		}
		vbcodec_pdevs[i] = pdev;
	}

	return 0;

err_remove_devices:
	vbcodec_remove_devices();
	platform_driver_unregister(&vbcodec_driver);
err_exit_debugfs:
	vbcodec_debugfs_exit();
	return ret;
}
module_init(vbcodec_init);

static void __exit vbcodec_exit(void)
{
	vbcodec_remove_devices();
	platform_driver_unregister(&vbcodec_driver);
	vbcodec_debugfs_exit();
}
module_exit(vbcodec_exit);

MODULE_DESCRIPTION("JPEG codec without hardware, for testing memory backends");
MODULE_LICENSE("GPL");
