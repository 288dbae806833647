// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbcodec: probe and remove
 *
 * The devices, and what each is like, come from vbdma. Each has an encoder
 * node, a decoder node, and one bus master. They can be unbound and bound
 * again at any time: remove() takes the nodes and the bus master away and stops
 * every context, the rest goes with the last open file.
 */

#include <linux/module.h>
#include <linux/slab.h>

#include "vbcodec.h"
#include "../vbdma/vbdma-params.h"

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

static int vbcodec_probe(struct device *dev, const struct vbdma_config *config)
{
	struct vbcodec_dev *codec;
	int ret;

	codec = kzalloc_obj(*codec);
	if (!codec)
		return -ENOMEM;

	codec->config = *config;
	ret = v4l2_device_register(dev, &codec->v4l2_dev);
	if (ret) {
		kfree(codec);
		return ret;
	}

	/* From here on the last reference frees everything. */
	vbcodec_node_init(codec, &codec->encoder, false);
	vbcodec_node_init(codec, &codec->decoder, true);
	codec->v4l2_dev.release = vbcodec_release;
	dev_set_drvdata(dev, codec);

	ret = -ENOMEM;
	codec->wq = alloc_workqueue("vbcodec%u", WQ_UNBOUND, 0,
				    config->index);
	if (!codec->wq)
		goto err_put;

	ret = vbcodec_job_init(&codec->encoder);
	if (!ret)
		ret = vbcodec_job_init(&codec->decoder);
	if (ret)
		goto err_put;

	ret = vbdma_dev_init(&codec->dma, dev, config);
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

static void vbcodec_remove(struct device *dev)
{
	struct vbcodec_dev *codec = dev_get_drvdata(dev);

	/* Stops streaming: after this no buffer is ours. */
	vbcodec_node_remove(&codec->encoder);
	vbcodec_node_remove(&codec->decoder);
	vbcodec_debugfs_remove(codec);
	vbdma_dev_fini(&codec->dma);
	v4l2_device_put(&codec->v4l2_dev);
}

static struct vbdma_driver vbcodec_driver = {
	.name			= "vbcodec",
	.params			= &vbdma_params,
	.max_stride_align	= VBJPEG_MAX_WIDTH,
	.probe			= vbcodec_probe,
	.remove			= vbcodec_remove,
};

static int __init vbcodec_init(void)
{
	int ret;

	vbcodec_access_init();
	vbcodec_debugfs_init();
	ret = vbdma_driver_register(&vbcodec_driver);
	if (ret) {
		vbcodec_debugfs_exit();
		vbcodec_access_exit();
	}

	return ret;
}
module_init(vbcodec_init);

static void __exit vbcodec_exit(void)
{
	vbdma_driver_unregister(&vbcodec_driver);
	vbcodec_debugfs_exit();
	vbcodec_access_exit();
}
module_exit(vbcodec_exit);

MODULE_DESCRIPTION("JPEG codec without hardware, for testing memory backends");
MODULE_LICENSE("GPL");
