/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the JPEG coder (jpeg-*.c) needs of the kernel. The same files also
 * build as a program, for tests that the kernel is no place for: see
 * selftests/codec.
 *
 * Arithmetic on garbage may overflow: the coder relies on signed integers
 * wrapping, as they do in the kernel (-fno-strict-overflow).
 */
#ifndef _VBJPEG_SHIM_H
#define _VBJPEG_SHIM_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#else

#include "jpeg-user.h"

#endif

#endif /* _VBJPEG_SHIM_H */
