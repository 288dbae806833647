// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbcam: probe and remove
 *
 * The devices, and what each is like, come from vbdma. They can be unbound and
 * bound again at any time: remove() takes the node and the bus master away and
 * gives all buffers back, the rest goes with the last open file.
 */

#include <linux/module.h>
#include <linux/slab.h>

#include "vbcam.h"
#include "../vbdma/vbdma-params.h"

static int userptr[VBDMA_MAX_DEVS] = { [0 ... VBDMA_MAX_DEVS - 1] = -1 };
module_param_array(userptr, int, NULL, 0444);
MODULE_PARM_DESC(userptr,
		 "User pointers, which contiguous memory seldom can serve (-1: as sg)");

static bool patient[VBDMA_MAX_DEVS];
module_param_array(patient, bool, NULL, 0444);
MODULE_PARM_DESC(patient, "Wait for a buffer rather than lose a frame (0)");

static void vbcam_release(struct v4l2_device *v4l2_dev)
{
	struct vbcam_dev *cam = container_of(v4l2_dev, struct vbcam_dev,
					     v4l2_dev);

	vbcam_queue_fini(cam);
	vbcam_gen_fini(&cam->gen);
	v4l2_device_unregister(&cam->v4l2_dev);
	mutex_destroy(&cam->lock);
	kfree(cam);
}

static int vbcam_probe(struct device *dev, const struct vbdma_config *config)
{
	struct vbcam_dev *cam;
	int ret;

	cam = kzalloc_obj(*cam);
	if (!cam)
		return -ENOMEM;

	cam->config = *config;
	cam->patient = patient[config->index];
	cam->userptr = userptr[config->index] < 0 ? config->sg :
						    userptr[config->index];
	ret = v4l2_device_register(dev, &cam->v4l2_dev);
	if (ret) {
		kfree(cam);
		return ret;
	}

	/* From here on the last reference frees everything. */
	mutex_init(&cam->lock);
	cam->v4l2_dev.release = vbcam_release;
	cam->v4l2_dev.ctrl_handler = &cam->gen.hdl;
	dev_set_drvdata(dev, cam);

	ret = vbcam_gen_init(&cam->gen);
	if (ret)
		goto err_put;

	ret = vbcam_queue_init(cam);
	if (ret)
		goto err_put;

	ret = vbdma_dev_init(&cam->dma, dev, config);
	if (ret)
		goto err_put;
	vbcam_debugfs_add(cam);

	ret = vbcam_video_register(cam);
	if (ret)
		goto err_fini_dma;

	return 0;

err_fini_dma:
	vbcam_debugfs_remove(cam);
	vbdma_dev_fini(&cam->dma);
err_put:
	v4l2_device_put(&cam->v4l2_dev);
	return ret;
}

static void vbcam_remove(struct device *dev)
{
	struct vbcam_dev *cam = dev_get_drvdata(dev);

	/* Stops streaming: after this no buffer is ours. */
	vb2_video_unregister_device(&cam->vdev);
	vbcam_debugfs_remove(cam);
	vbdma_dev_fini(&cam->dma);
	v4l2_device_put(&cam->v4l2_dev);
}

static struct vbdma_driver vbcam_driver = {
	.name			= "vbcam",
	.params			= &vbdma_params,
	.max_stride_align	= VBCAM_MAX_WIDTH,
	.probe			= vbcam_probe,
	.remove			= vbcam_remove,
};

static int __init vbcam_init(void)
{
	int ret;

	vbcam_debugfs_init();
	ret = vbdma_driver_register(&vbcam_driver);
	if (ret)
		vbcam_debugfs_exit();

	return ret;
}
module_init(vbcam_init);

static void __exit vbcam_exit(void)
{
	vbdma_driver_unregister(&vbcam_driver);
	vbcam_debugfs_exit();
}
module_exit(vbcam_exit);

MODULE_DESCRIPTION("Camera without hardware, for testing memory backends");
MODULE_LICENSE("GPL");
