#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm-drm, with those of the kernel's own importers that it has, to
# /out/vbm-drm.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

# vkms of 6.12 may freeze a machine with two processors, and a frozen guest says
# nothing: docs/vkms-vblank.md.
second=/sys/devices/system/cpu/cpu1/online
case $(uname -r) in
6.*) [ ! -e $second ] || echo 0 > $second || exit 1 ;;
esac

# One that there is not is a test that is skipped, and says so.
for module in vgem vkms cirrus cirrus-qemu; do
	modprobe "$module" 2> /dev/null
done
modprobe videobuf2-mem movable=vbcam &&
	modprobe vbcam n_devs=2 sg=1,0 legacy=1,1 &&
	modprobe vbm-step || exit 1
"$bin/vbm-drm" > /out/vbm-drm.tap 2>&1
status=$?
for module in vgem vkms; do
	modprobe -r "$module" 2> /dev/null
done
[ ! -e $second ] || echo 1 > $second || exit 1
exit $status
