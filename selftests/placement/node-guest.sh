#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, which has two NUMA nodes with a processor each: vbm-node, to
# /out/vbm-node.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe vivid n_devs=2 allocators=1,1 node_types=0x1,0x1 &&
	modprobe vbm-peer || exit 1
"$bin/vbm-node" > /out/vbm-node.tap 2>&1
