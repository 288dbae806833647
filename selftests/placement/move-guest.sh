#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: buffers that move, with cameras whose driver is known to bear it,
# and managed ones. Behind an IOMMU, if there is one: then the cameras are PCI
# functions, and so are importers; vbm-translated looks whether that is so. Each
# program that is named leaves its TAP in /out.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}
pci=0
[ -z "$(ls /sys/class/iommu)" ] || pci=6

modprobe videobuf2-mem movable=vbcam,vbm-step-movable &&
	modprobe vivid n_devs=1 allocators=1 node_types=0x101 &&
	modprobe vbcam n_devs=6 "pci=$pci" sg=1,1,0,0,1,0 legacy=1,1,1,1 &&
	modprobe vbm-peer &&
	modprobe vbm-queue &&
	modprobe vbm-step || exit 1
# What functions the cameras leave.
[ $pci -eq 0 ] || modprobe vbm-bar || exit 1
for program; do
	echo "# $program"
	"$bin/$program" > "/out/$program.tap" 2>&1
	echo "# $program ended with $?"
done
exit 0
