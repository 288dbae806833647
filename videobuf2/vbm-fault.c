// SPDX-License-Identifier: GPL-2.0-only
/*
 * See vbm-fault.h. There is no file in debugfs to set this by: a probability would
 * make steps fail in all tasks, of which failslab has enough already.
 */

#include <linux/fault-inject.h>

#include "vbm-fault.h"

static DECLARE_FAULT_ATTR(vbm_fault_attr);

/**
 * vbm_fault() - shall this step fail?
 *
 * Context: any; only tasks that asked for it have steps that fail.
 * Return: true if it shall.
 */
bool vbm_fault(void)
{
	return should_fail(&vbm_fault_attr, 1);
}
