// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices of a driver without hardware: platform devices that are made
 * here, and PCI functions that are found.
 *
 * What each is like is said by the driver's parameters, one value per device.
 * Platform devices are behind no IOMMU; for the way through one there are
 * QEMU's "edu" functions (docs/specs/edu in QEMU), of which a driver takes the
 * first ones that are free, as many as its parameter "pci" says. Either way
 * a device can be unbound and bound again at any time. A platform device keeps
 * its number by its name, a PCI function takes the lowest one that is free.
 *
 * Their memory is managed (<media/videobuf2-mem.h>) where the backend can do that
 * and the parameter "legacy" does not say otherwise. The kernel's own backends can
 * not, so the symbols are looked for when a driver registers; by then the backends
 * that it needs are there.
 */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <media/videobuf2-mem.h>

#include "vbdma.h"

#define VBDMA_EDU_VENDOR	0x1234
#define VBDMA_EDU_DEVICE	0x11e8

static bool is_align(unsigned int align)
{
	return !align || is_power_of_2(align);
}

static int read_config(const struct vbdma_driver *drv, struct device *dev,
		       unsigned int i, struct vbdma_config *config)
{
	const struct vbdma_params *params = drv->params;
	unsigned int bits = params->dma_mask_bits[i] ?: 32;
	unsigned long boundary = params->seg_boundary[i];

	*config = (struct vbdma_config) {
		.index		= i,
		.sg		= params->sg[i],
		.multiplanar	= params->multiplanar[i],
		.engine		= params->engine[i],
		.managed	= params->legacy[i] ? NULL :
				  params->sg[i] ? drv->mem.sg : drv->mem.contig,
		.plane_prepare	= drv->mem.plane_prepare,
		.stride_align	= params->stride_align[i] ?: 1,
		.limits = {
			.boundary	= boundary,
			.max_segs	= params->max_segs[i],
			.max_seg_size	= params->max_seg_size[i],
			.align		= params->seg_align[i],
		},
	};
	snprintf(config->name, sizeof(config->name), "%s.%u", drv->name, i);

	if (bits > 64 || (boundary & (boundary + 1)) ||
	    config->stride_align > drv->max_stride_align ||
	    !is_align(config->stride_align) ||
	    !is_align(config->limits.align) ||
	    (config->engine && !dev_is_pci(dev))) {
		dev_err(dev, "parameter out of range\n");
		return -EINVAL;
	}
	config->limits.mask = DMA_BIT_MASK(bits);

	return 0;
}

static int probe_one(struct vbdma_driver *drv, struct device *dev,
		     unsigned int i)
{
	struct vbdma_config config;
	int ret;

	ret = read_config(drv, dev, i, &config);
	if (ret)
		return ret;

	return drv->probe(dev, &config);
}

/* --- platform devices ----------------------------------------------------- */

static struct vbdma_driver *platform_to_drv(struct platform_device *pdev)
{
	return container_of(to_platform_driver(pdev->dev.driver),
			    struct vbdma_driver, platform);
}

static int vbdma_platform_probe(struct platform_device *pdev)
{
	struct vbdma_driver *drv = platform_to_drv(pdev);

	if (pdev->id < 0 || pdev->id >= VBDMA_MAX_DEVS)
		return -ENODEV;

	return probe_one(drv, &pdev->dev, pdev->id);
}

static void vbdma_platform_remove(struct platform_device *pdev)
{
	platform_to_drv(pdev)->remove(&pdev->dev);
}

static void remove_platform_devices(struct vbdma_driver *drv)
{
	unsigned int i;

	for (i = 0; i < VBDMA_MAX_DEVS; i++)
		platform_device_unregister(drv->pdevs[i]);
}

static int add_platform_devices(struct vbdma_driver *drv)
{
	unsigned int i;

	for (i = drv->params->pci; i < drv->params->n_devs; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple(drv->name, i, NULL, 0);
		if (IS_ERR(pdev)) {
			remove_platform_devices(drv);
			return PTR_ERR(pdev);
		}
		drv->pdevs[i] = pdev;
	}

	return 0;
}

/* --- PCI functions -------------------------------------------------------- */

static struct vbdma_driver *pci_to_drv(struct pci_dev *pdev)
{
	return container_of(to_pci_driver(pdev->dev.driver),
			    struct vbdma_driver, pci);
}

/* The lowest number that no function has; others may be for other drivers. */
static int take_index(struct vbdma_driver *drv, struct device *dev)
{
	unsigned int i;

	guard(mutex)(&drv->lock);

	for (i = 0; i < drv->params->pci; i++) {
		if (drv->bound[i])
			continue;
		drv->bound[i] = dev;
		return i;
	}

	return -ENODEV;
}

static void put_index(struct vbdma_driver *drv, struct device *dev)
{
	unsigned int i;

	guard(mutex)(&drv->lock);

	for (i = 0; i < drv->params->pci; i++)
		if (drv->bound[i] == dev)
			drv->bound[i] = NULL;
}

static int vbdma_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vbdma_driver *drv = pci_to_drv(pdev);
	int i, ret;

	i = take_index(drv, &pdev->dev);
	if (i < 0)
		return i;

	ret = pcim_enable_device(pdev);
	if (ret)
		goto err_put_index;
	pci_set_master(pdev);

	ret = probe_one(drv, &pdev->dev, i);
	if (ret)
		goto err_put_index;

	return 0;

err_put_index:
	put_index(drv, &pdev->dev);
	return ret;
}

static void vbdma_pci_remove(struct pci_dev *pdev)
{
	struct vbdma_driver *drv = pci_to_drv(pdev);

	drv->remove(&pdev->dev);
	put_index(drv, &pdev->dev);
}

static const struct pci_device_id vbdma_pci_ids[] = {
	{ PCI_DEVICE(VBDMA_EDU_VENDOR, VBDMA_EDU_DEVICE) },
	{ }
};

/* --- the managed contract -------------------------------------------------- */

static void mem_put(struct vbdma_driver *drv)
{
	if (drv->mem.contig)
		symbol_put(vbm_contig_memops);
	if (drv->mem.sg)
		symbol_put(vbm_sg_memops);
	if (drv->mem.plane_prepare)
		symbol_put(vbm_plane_prepare);
	memset(&drv->mem, 0, sizeof(drv->mem));
}

/* All of it, or none. */
static void mem_get(struct vbdma_driver *drv)
{
	drv->mem.contig = symbol_get(vbm_contig_memops);
	drv->mem.sg = symbol_get(vbm_sg_memops);
	drv->mem.plane_prepare = symbol_get(vbm_plane_prepare);
	if (!drv->mem.contig || !drv->mem.sg || !drv->mem.plane_prepare)
		mem_put(drv);
}

/* --- registration --------------------------------------------------------- */

/**
 * __vbdma_driver_register - register a driver and make its devices
 * @drv: the driver, its public fields set
 * @owner: its module
 * @mod_name: the name of that
 *
 * Call it as vbdma_driver_register().
 *
 * Context: module_init().
 * Return: 0 or an error. What the probe of a single device returns does not
 * show here.
 */
int __vbdma_driver_register(struct vbdma_driver *drv, struct module *owner,
			    const char *mod_name)
{
	const struct vbdma_params *params = drv->params;
	int ret;

	if (!params->n_devs || params->n_devs > VBDMA_MAX_DEVS ||
	    params->pci > params->n_devs)
		return -EINVAL;

	mutex_init(&drv->lock);
	mem_get(drv);
	drv->platform.probe = vbdma_platform_probe;
	drv->platform.remove = vbdma_platform_remove;
	drv->platform.driver.name = drv->name;
	ret = VBM_PLATFORM_DRIVER_REGISTER(&drv->platform, owner, mod_name);
	if (ret)
		goto err_put_mem;

	if (params->pci) {
		drv->pci.name = drv->name;
		drv->pci.id_table = vbdma_pci_ids;
		drv->pci.probe = vbdma_pci_probe;
		drv->pci.remove = vbdma_pci_remove;
		ret = __pci_register_driver(&drv->pci, owner, mod_name);
		if (ret)
			goto err_unregister_platform;
	}

	ret = add_platform_devices(drv);
	if (ret)
		goto err_unregister_pci;

	return 0;

err_unregister_pci:
	if (params->pci)
		pci_unregister_driver(&drv->pci);
err_unregister_platform:
	platform_driver_unregister(&drv->platform);
err_put_mem:
	mem_put(drv);
	return ret;
}
EXPORT_SYMBOL_GPL(__vbdma_driver_register);

/**
 * vbdma_driver_unregister - undo vbdma_driver_register()
 * @drv: the driver
 *
 * All of its devices are removed when this returns.
 *
 * Context: module_exit().
 */
void vbdma_driver_unregister(struct vbdma_driver *drv)
{
	remove_platform_devices(drv);
	if (drv->params->pci)
		pci_unregister_driver(&drv->pci);
	platform_driver_unregister(&drv->platform);
	mem_put(drv);
}
EXPORT_SYMBOL_GPL(vbdma_driver_unregister);
