#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, first of all: vbm-fresh, to /out/vbm-fresh.tap. Then vivid, as the
# kernel has it, named to be movable: vbm-vivid.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe vbcam n_devs=1 sg=1 legacy=1 && modprobe vbm-peer || exit 1
"$bin/vbm-fresh" > /out/vbm-fresh.tap 2>&1
status=$?
for module in vbcam vbdma vbm_peer videobuf2_dma_contig videobuf2_dma_sg \
	      videobuf2_mem; do
	[ ! -d "/sys/module/$module" ] || rmmod "$module" || exit 1
done
modprobe videobuf2-mem movable=vivid &&
	modprobe vivid n_devs=1 allocators=1 node_types=0x1 &&
	modprobe vbm-peer || exit 1
"$bin/vbm-vivid" > /out/vbm-vivid.tap 2>&1 || status=1
exit $status
