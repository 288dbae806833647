#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Compare the versions of the symbols that we share with the kernel's own
# videobuf2 backends. A driver binary that was built against the kernel's
# must load on ours, so a difference fails the build.
#
# Usage: check-crcs.sh KERNEL-SYMVERS OUR-SYMVERS
#
# Where the kernel has no symbol versions (CONFIG_MODVERSIONS off: every one is
# 0) or no such symbol, there is nothing to compare.

set -eu

kernel=$1
ours=$2

crc() {
	awk -v sym="$2" '$2 == sym { print $1 }' "$1"
}

bad=0
for sym in vb2_dma_contig_memops vb2_dma_contig_set_max_seg_size \
	   vb2_dma_sg_memops; do
	theirs=$(crc "$kernel" "$sym")
	mine=$(crc "$ours" "$sym")
	if [ -z "$mine" ]; then
		echo "check-crcs: $sym is not exported" >&2
		bad=1
	elif [ -n "$theirs" ] && [ $((theirs)) -ne 0 ] &&
	     [ "$theirs" != "$mine" ]; then
		echo "check-crcs: $sym is $mine, the kernel's is $theirs" >&2
		bad=1
	fi
done
exit $bad
