#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, behind an IOMMU: can it map 4K scatter-gather buffers by large
# pages? The kernel's own tracepoint says what was mapped where. To /out/iova.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}
tracing=/sys/kernel/tracing
large=$((2 << 20))
# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh

# Bytes of all mappings above 1 MiB, and what of them lies in blocks that are
# aligned in both address spaces.
count()
{
	local line iova paddr size skip

	whole=0 blocks=0
	while read -r line; do
		[[ $line =~ iova=0x([0-9a-f]+).*paddr=0x([0-9a-f]+)\ size=([0-9]+) ]] ||
			continue
		iova=$((16#${BASH_REMATCH[1]})) paddr=$((16#${BASH_REMATCH[2]}))
		size=${BASH_REMATCH[3]}
		[ "$size" -ge $((1 << 20)) ] || continue
		whole=$((whole + size))
		[ $((iova % large)) -eq $((paddr % large)) ] || continue
		skip=$(((large - iova % large) % large))
		[ "$size" -gt $skip ] || continue
		blocks=$((blocks + (size - skip) / large * large))
	done < "$tracing/trace"
}

modprobe vbcam n_devs=1 sg=1 pci=1 legacy=1 || exit 1
# Before anything runs that might be in the code that this patches.
echo 1 > $tracing/events/iommu/map/enable
echo > $tracing/trace
{
	tap_run '4K through an IOMMU' "$bin/frame_check" -n 2 -b 2 -f YUYV \
		-s 3840x2160 "$(node_named vbcam.0)"
	count
	tap_diag "$blocks of $whole bytes by pages of 2 MiB"
	[ $whole -ge $((2 * 3840 * 2160 * 2)) ] &&
		[ $((blocks * 10)) -ge $((whole * 8)) ]
	tap_is $? 0 'four fifths of it by pages of 2 MiB'
	tap_plan
} > /out/iova.tap
echo 0 > $tracing/events/iommu/map/enable
