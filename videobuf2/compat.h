/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows kernel versions.
 *
 * It is included ahead of every source file of the project. The code is
 * written for 7.2; what follows teaches 6.12 the same words. A shim names the
 * version that changed, what changed, and when it can go.
 *
 * Nothing but <linux/version.h> may be included here: the two front ends owe
 * their symbol versions to the exact list of headers that they include (see
 * videobuf2-dma-contig.c).
 */
#ifndef _VBM_COMPAT_H
#define _VBM_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "videobuf2-mem needs Linux 6.12 or newer"
#endif

/*
 * 6.13 made the argument of MODULE_IMPORT_NS() a string, it was an identifier.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define VBM_NS_DMA_BUF	DMA_BUF
#else
#define VBM_NS_DMA_BUF	"DMA_BUF"
#endif

/*
 * 6.12's core pins and maps a static attachment as soon as the exporter has a
 * pin callback, for good; 7.2's pins around each map (dma-buf.c,
 * dma_buf_dynamic_attach()). Only the latter can be lived with.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define VBM_DMA_BUF_PIN_OPS(pin_fn, unpin_fn)
#else
#define VBM_DMA_BUF_PIN_OPS(pin_fn, unpin_fn)	\
	.pin = (pin_fn), .unpin = (unpin_fn),
#endif

/*
 * 6.12's core keeps what a dynamic importer has mapped, whatever it is told
 * (dma-buf.c, dma_buf_map_attachment()), so telling it is of no use.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define dma_buf_invalidate_mappings(dmabuf)	((void)(dmabuf))
#define dma_buf_attach_revocable(attach)	((void)(attach), false)
#endif

/*
 * 6.12 needs wait_prepare() and wait_finish(); 7.2 has them no longer.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define VBM_VB2_WAIT_OPS	\
	.wait_prepare = vb2_ops_wait_prepare, .wait_finish = vb2_ops_wait_finish,
#else
#define VBM_VB2_WAIT_OPS
#endif

/*
 * 6.17 named the unbound workqueue anew, and warns of the old name later.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define system_dfl_wq	system_unbound_wq
#endif

/*
 * 6.17 has alloc_contig_range() take flags where it took a migrate type.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define VBM_ALLOC_CONTIG_RANGE(start, end, gfp)	\
	alloc_contig_range(start, end, MIGRATE_MOVABLE, gfp)
#else
#define VBM_ALLOC_CONTIG_RANGE(start, end, gfp)	\
	alloc_contig_range(start, end, ACR_FLAGS_NONE, gfp)
#endif

/*
 * Until 6.16 a VMA whose memory type x86 tracks was marked by a flag, and the
 * type looked up in the first PTE when it was unmapped. Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0) && defined(CONFIG_X86)
#define VBM_VM_TRACKED	VM_PAT
#else
#define VBM_VM_TRACKED	0
#endif

/*
 * folio_memcg_charged() was only there where there are memory cgroups. Goes with
 * 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0) && !defined(CONFIG_MEMCG)
#define folio_memcg_charged(folio)	((void)(folio), false)
#endif

/*
 * 6.13 merged hrtimer_init() and the setting of the function into one call.
 * Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, fn, clock, mode)		\
do {							\
	struct hrtimer *__timer = (timer);		\
							\
	hrtimer_init(__timer, clock, mode);		\
	__timer->function = (fn);			\
} while (0)
#endif

/*
 * 7.0 had __platform_driver_register() take the module's name, too; before it
 * was taken from the driver. Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define VBM_PLATFORM_DRIVER_REGISTER(drv, owner, name)	\
({							\
	struct platform_driver *__drv = (drv);		\
							\
	__drv->driver.mod_name = (name);		\
	__platform_driver_register(__drv, owner);	\
})
#else
#define VBM_PLATFORM_DRIVER_REGISTER(drv, owner, name)	\
	__platform_driver_register(drv, owner, name)
#endif

/*
 * 6.18 gave v4l2_fh_add() and v4l2_fh_del() the file that has the handle, and
 * drivers a way back from it. Goes with 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define VBM_FH_ADD(fh, file)			\
do {						\
	struct v4l2_fh *__fh = (fh);		\
						\
	(file)->private_data = __fh;		\
	v4l2_fh_add(__fh);			\
} while (0)
#define VBM_FH_DEL(fh, file)	v4l2_fh_del(fh)
#define file_to_v4l2_fh(file)	((struct v4l2_fh *)(file)->private_data)
#else
#define VBM_FH_ADD(fh, file)	v4l2_fh_add(fh, file)
#define VBM_FH_DEL(fh, file)	v4l2_fh_del(fh, file)
#endif

/*
 * 6.18 took the choice of flags from v4l2_m2m_buf_copy_metadata(). Goes with
 * 6.12.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define VBM_M2M_COPY_METADATA(out, cap)	\
	v4l2_m2m_buf_copy_metadata(out, cap, false)
#else
#define VBM_M2M_COPY_METADATA(out, cap)	v4l2_m2m_buf_copy_metadata(out, cap)
#endif

#endif
