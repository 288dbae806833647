#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: buffers that move, with cameras whose driver is known to bear it,
# and managed ones. Each program that is named leaves its TAP in /out.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe videobuf2-mem movable=vbcam,vbm-step-movable &&
	modprobe vivid n_devs=1 allocators=1 node_types=0x101 &&
	modprobe vbcam n_devs=6 sg=1,1,0,0,1,0 legacy=1,1,1,1 &&
	modprobe vbm-peer &&
	modprobe vbm-queue &&
	modprobe vbm-step || exit 1
for program; do
	echo "# $program"
	"$bin/$program" > "/out/$program.tap" 2>&1
	echo "# $program ended with $?"
done
exit 0
