// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbdisp: probe and remove
 *
 * The devices, and what each is like, come from vbdma. They can be unbound and
 * bound again at any time: remove() takes the node and the bus master away and
 * gives all buffers back, the rest goes with the last open file.
 */

#include <linux/module.h>
#include <linux/slab.h>

#include "vbdisp.h"
#include "../vbdma/vbdma-params.h"

static int userptr[VBDMA_MAX_DEVS] = { [0 ... VBDMA_MAX_DEVS - 1] = -1 };
module_param_array(userptr, int, NULL, 0444);
MODULE_PARM_DESC(userptr,
		 "User pointers, which contiguous memory seldom can serve (-1: as sg)");

static bool rescan[VBDMA_MAX_DEVS] = { [0 ... VBDMA_MAX_DEVS - 1] = true };
module_param_array(rescan, bool, NULL, 0444);
MODULE_PARM_DESC(rescan,
		 "Scan a frame out at each refresh until the next one comes, else once (1)");

static void vbdisp_release(struct v4l2_device *v4l2_dev)
{
	struct vbdisp_dev *disp = container_of(v4l2_dev, struct vbdisp_dev,
					       v4l2_dev);

	vbdisp_queue_fini(disp);
	vbdisp_scan_fini(&disp->scan);
	v4l2_device_unregister(&disp->v4l2_dev);
	mutex_destroy(&disp->lock);
	kfree(disp);
}

static int vbdisp_probe(struct device *dev, const struct vbdma_config *config)
{
	struct vbdisp_dev *disp;
	int ret;

	disp = kzalloc_obj(*disp);
	if (!disp)
		return -ENOMEM;

	disp->config = *config;
	disp->rescan = rescan[config->index];
	disp->userptr = userptr[config->index] < 0 ? config->sg :
						     userptr[config->index];
	ret = v4l2_device_register(dev, &disp->v4l2_dev);
	if (ret) {
		kfree(disp);
		return ret;
	}

	/* From here on the last reference frees everything. */
	mutex_init(&disp->lock);
	vbdisp_scan_init(&disp->scan);
	disp->v4l2_dev.release = vbdisp_release;
	dev_set_drvdata(dev, disp);

	ret = vbdisp_queue_init(disp);
	if (ret)
		goto err_put;

	ret = vbdma_dev_init(&disp->dma, dev, config);
	if (ret)
		goto err_put;
	vbdisp_debugfs_add(disp);

	ret = vbdisp_video_register(disp);
	if (ret)
		goto err_fini_dma;

	return 0;

err_fini_dma:
	vbdisp_debugfs_remove(disp);
	vbdma_dev_fini(&disp->dma);
err_put:
	v4l2_device_put(&disp->v4l2_dev);
	return ret;
}

static void vbdisp_remove(struct device *dev)
{
	struct vbdisp_dev *disp = dev_get_drvdata(dev);

	/* Stops streaming: after this no buffer is ours. */
	vb2_video_unregister_device(&disp->vdev);
	vbdisp_debugfs_remove(disp);
	vbdma_dev_fini(&disp->dma);
	v4l2_device_put(&disp->v4l2_dev);
}

static struct vbdma_driver vbdisp_driver = {
	.name			= "vbdisp",
	.params			= &vbdma_params,
	.max_stride_align	= VBDISP_MAX_WIDTH,
	.probe			= vbdisp_probe,
	.remove			= vbdisp_remove,
};

static int __init vbdisp_init(void)
{
	int ret;

	vbdisp_debugfs_init();
	ret = vbdma_driver_register(&vbdisp_driver);
	if (ret)
		vbdisp_debugfs_exit();

	return ret;
}
module_init(vbdisp_init);

static void __exit vbdisp_exit(void)
{
	vbdma_driver_unregister(&vbdisp_driver);
	vbdisp_debugfs_exit();
}
module_exit(vbdisp_exit);

MODULE_DESCRIPTION("Display without hardware, for testing memory backends");
MODULE_LICENSE("GPL");
