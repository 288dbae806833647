#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, behind an IOMMU: lists for cameras that take segments of so many
# bytes, across no boundary, and so many of them. The cameras fault on a list that
# is over their limits. To /out/cut.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}
# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh

devices=/sys/kernel/debug/videobuf2-mem/devices

# So many devices in debugfs that are translated: else this tests nothing.
translated()
{
	grep -c 'translated=1' $devices
}

frames()	# camera, text
{
	tap_run "$2" "$bin/frame_check" -n 4 -s 640x480 "$(node_named "vbcam.$1")"
	value_of "vbdma/vbcam.$1/stats" faults
	tap_is "$value" 0 "$2: no fault"
}

# vb2 makes ENOMEM of whatever keeps REQBUFS from its first buffer.
refused()	# text
{
	"$bin/frame_check" -n 4 -s 640x480 "$(node_named vbcam.0)" \
		> /tmp/refused 2>&1
	grep -q 'REQBUFS: Cannot allocate memory' /tmp/refused
	tap_is $? 0 "$1: no buffers"
	value_of videobuf2-mem/stats buffers_total
	tap_is "$value" 0 "$1: not one was made"
	tap_diag "$(cat /tmp/refused)"
}

# The core anew, with the limits that somebody states for the first camera.
stated()	# limits
{
	rmmod vbcam vbdma videobuf2_dma_contig videobuf2_dma_sg \
		videobuf2_mem 2> /dev/null
	modprobe videobuf2-mem limits="$camera:$1" &&
		modprobe vbcam n_devs=1 sg=1 pci=1 legacy=1 patient=1
}

{
	modprobe vbcam n_devs=2 sg=1,1 pci=2 legacy=1,1 patient=1,1 \
		max_seg_size=65536,0 seg_boundary=0,0xffff
	frames 0 'segments of 64 KiB'
	frames 1 'no segment across 64 KiB'
	tap_is "$(translated)" 2 'both devices are behind the IOMMU'
	camera=$(sed -n 's/^dev=\([^ ]*\) .*segment-size=10000 .*/\1/p' $devices)

	stated segments=16,segsize=64K
	refused 'ten segments of what the IOMMU joins'
	stated segments=4,segsize=64K
	refused 'four segments of 64 KiB for 600'
	stated segments=1
	frames 0 'one address, wherever the pages lie'
	tap_is "$(translated)" 1 'that device is behind the IOMMU, too'
	tap_plan
} > /out/cut.tap 2>&1
exit 0
