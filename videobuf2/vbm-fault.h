/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps of ours that fail on demand, in kernels that are made for that: those
 * that allocate nothing themselves, so that failslab and fail_page_alloc can not
 * make them fail. They are counted with these by /proc/PID/fail-nth, which is how
 * the suite "failpoints" has each of them fail; see docs/testing.md and the kernel's
 * Documentation/fault-injection/.
 */
#ifndef _VBM_FAULT_H
#define _VBM_FAULT_H

#include <linux/types.h>

#ifdef CONFIG_FAULT_INJECTION
bool vbm_fault(void);
#else
static inline bool vbm_fault(void)
{
	return false;
}
#endif

#endif
