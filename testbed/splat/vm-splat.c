// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the kernel report something, so that the harness can be seen to notice:
 * "modprobe vm-splat kind=warn". It always refuses to load.
 */
#include <linux/bug.h>
#include <linux/module.h>
#include <linux/string.h>

static char *kind = "warn";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "warn, oops or panic");

static int __init vm_splat_init(void)
{
	if (!strcmp(kind, "warn"))
		WARN(1, "a warning on request\n");
	else if (!strcmp(kind, "oops"))
		*(volatile int *)8 = 0;
	else if (!strcmp(kind, "panic"))
		panic("a panic on request");
	return -ENODEV;
}
module_init(vm_splat_init);

MODULE_DESCRIPTION("kernel reports on request");
MODULE_LICENSE("GPL");
