// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbcam: devices, their limits, probe and remove
 *
 * The module makes its own platform devices; what each is like is said by the
 * module's parameters, one value per device. They can be unbound and bound
 * again at any time: remove() takes the node and the bus master away and gives
 * all buffers back, the rest goes with the last open file.
 */

#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "vbcam.h"

static unsigned int n_devs = 1;
module_param(n_devs, uint, 0444);
MODULE_PARM_DESC(n_devs, "Number of cameras, up to 8 (1)");

static bool sg[VBCAM_MAX_DEVS];
module_param_array(sg, bool, NULL, 0444);
MODULE_PARM_DESC(sg, "Scatter-gather memory, else contiguous (0)");

static bool multiplanar[VBCAM_MAX_DEVS];
module_param_array(multiplanar, bool, NULL, 0444);
MODULE_PARM_DESC(multiplanar, "Multi-planar API, else single-planar (0)");

static int userptr[VBCAM_MAX_DEVS] = { [0 ... VBCAM_MAX_DEVS - 1] = -1 };
module_param_array(userptr, int, NULL, 0444);
MODULE_PARM_DESC(userptr,
		 "User pointers, which contiguous memory seldom can serve (-1: as sg)");

static bool patient[VBCAM_MAX_DEVS];
module_param_array(patient, bool, NULL, 0444);
MODULE_PARM_DESC(patient, "Wait for a buffer rather than lose a frame (0)");

static unsigned int stride_align[VBCAM_MAX_DEVS];
module_param_array(stride_align, uint, NULL, 0444);
MODULE_PARM_DESC(stride_align, "Alignment of lines, a power of two (0: none)");

static unsigned int dma_mask_bits[VBCAM_MAX_DEVS];
module_param_array(dma_mask_bits, uint, NULL, 0444);
MODULE_PARM_DESC(dma_mask_bits, "Width of a DMA address (0: 32)");

static unsigned int max_segs[VBCAM_MAX_DEVS];
module_param_array(max_segs, uint, NULL, 0444);
MODULE_PARM_DESC(max_segs, "Most segments of a buffer (0: any number)");

static unsigned int max_seg_size[VBCAM_MAX_DEVS];
module_param_array(max_seg_size, uint, NULL, 0444);
MODULE_PARM_DESC(max_seg_size, "Longest segment in bytes (0: any)");

static unsigned long seg_boundary[VBCAM_MAX_DEVS];
module_param_array(seg_boundary, ulong, NULL, 0444);
MODULE_PARM_DESC(seg_boundary,
		 "Mask that no segment may cross, such as 0xffffff (0: none)");

static unsigned int seg_align[VBCAM_MAX_DEVS];
module_param_array(seg_align, uint, NULL, 0444);
MODULE_PARM_DESC(seg_align,
		 "Alignment of segments' addresses, a power of two (0: none)");

static struct platform_device *vbcam_pdevs[VBCAM_MAX_DEVS];

static bool vbcam_is_align(unsigned int align)
{
	return !align || is_power_of_2(align);
}

static bool vbcam_is_mask(unsigned long mask)
{
	return !(mask & (mask + 1));
}

static int vbcam_read_config(struct device *dev, unsigned int i,
			     struct vbcam_config *config)
{
	unsigned int bits = dma_mask_bits[i] ?: 32;

	*config = (struct vbcam_config) {
		.index		= i,
		.sg		= sg[i],
		.multiplanar	= multiplanar[i],
		.userptr	= userptr[i] < 0 ? sg[i] : userptr[i],
		.patient	= patient[i],
		.stride_align	= stride_align[i] ?: 1,
		.limits = {
			.boundary	= seg_boundary[i],
			.max_segs	= max_segs[i],
			.max_seg_size	= max_seg_size[i],
			.align		= seg_align[i],
		},
	};

	if (bits > 64 || stride_align[i] > VBCAM_MAX_WIDTH ||
	    !vbcam_is_align(stride_align[i]) || !vbcam_is_align(seg_align[i]) ||
	    !vbcam_is_mask(seg_boundary[i])) {
		dev_err(dev, "parameter out of range\n");
		return -EINVAL;
	}
	config->limits.mask = DMA_BIT_MASK(bits);

	return 0;
}

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

static int vbcam_probe(struct platform_device *pdev)
{
	struct vbcam_dev *cam;
	int ret;

	if (pdev->id < 0 || pdev->id >= VBCAM_MAX_DEVS)
		return -ENODEV;

	cam = kzalloc_obj(*cam);
	if (!cam)
		return -ENOMEM;

	ret = vbcam_read_config(&pdev->dev, pdev->id, &cam->config);
	if (!ret)
		ret = v4l2_device_register(&pdev->dev, &cam->v4l2_dev);
	if (ret) {
		kfree(cam);
		return ret;
	}

	/* From here on the last reference frees everything. */
	mutex_init(&cam->lock);
	cam->v4l2_dev.release = vbcam_release;
	cam->v4l2_dev.ctrl_handler = &cam->gen.hdl;
	platform_set_drvdata(pdev, cam);

	ret = vbcam_gen_init(&cam->gen);
	if (ret)
		goto err_put;

	ret = vbcam_queue_init(cam);
	if (ret)
		goto err_put;

	ret = vbdma_dev_init(&cam->dma, &pdev->dev, &cam->config.limits);
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

static void vbcam_remove(struct platform_device *pdev)
{
	struct vbcam_dev *cam = platform_get_drvdata(pdev);

	/* Stops streaming: after this no buffer is ours. */
	vb2_video_unregister_device(&cam->vdev);
	vbcam_debugfs_remove(cam);
	vbdma_dev_fini(&cam->dma);
	v4l2_device_put(&cam->v4l2_dev);
}

static struct platform_driver vbcam_driver = {
	.probe	= vbcam_probe,
	.remove	= vbcam_remove,
	.driver	= {
		.name = "vbcam",
	},
};

static void vbcam_remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < n_devs; i++)
		platform_device_unregister(vbcam_pdevs[i]);
}

static int __init vbcam_init(void)
{
	unsigned int i;
	int ret;

	if (!n_devs || n_devs > VBCAM_MAX_DEVS)
		return -EINVAL;

	vbcam_debugfs_init();
	ret = platform_driver_register(&vbcam_driver);
	if (ret)
		goto err_exit_debugfs;

	for (i = 0; i < n_devs; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple("vbcam", i, NULL, 0);
		if (IS_ERR(pdev)) {
			ret = PTR_ERR(pdev);
			goto err_remove_devices;
		}
		vbcam_pdevs[i] = pdev;
	}

	return 0;

err_remove_devices:
	vbcam_remove_devices();
	platform_driver_unregister(&vbcam_driver);
err_exit_debugfs:
	vbcam_debugfs_exit();
	return ret;
}
module_init(vbcam_init);

static void __exit vbcam_exit(void)
{
	vbcam_remove_devices();
	platform_driver_unregister(&vbcam_driver);
	vbcam_debugfs_exit();
}
module_exit(vbcam_exit);

MODULE_DESCRIPTION("Camera without hardware, for testing memory backends");
MODULE_LICENSE("GPL");
