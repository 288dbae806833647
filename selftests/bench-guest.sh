#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: runs the benchmark on dma-contig and on dma-sg, or with the
# argument "large" what is done there with 4K. See bench.

set -eu

bin=/build/selftests
modprobe vivid n_devs=1 allocators=1 multiplanar=1 node_types=0x101
modprobe vbcam n_devs=4 sg=1,1,1,1 legacy=1,1,0,0
modprobe vbm-peer

# The video node of that device, such as vivid.0 or vbcam.1.
node()
{
	for dir in /sys/class/video4linux/video*; do
		case $(readlink "$dir/device") in
		*/"$1") ;;
		*) continue ;;
		esac
		case $(cat "$dir/name") in
		*"$2"*) echo "/dev/${dir##*/}" ;;
		esac
	done | head -n 1
}

if [ "${1:-}" = large ]; then
	$bin/bench-run large "$(node vivid.0 vid-cap)"
	exit
fi
$bin/bench-run contig "$(node vivid.0 vid-cap)" "$(node vivid.0 vid-out)"
$bin/bench-run sg "$(node vbcam.0 '')" "$(node vbcam.1 '')"
$bin/bench-run managed "$(node vbcam.2 '')" "$(node vbcam.3 '')"

# What does not depend on the backend, once: the bus master's copy.
if [ "$STOCK" = 0 ]; then
	modprobe vbdma-bench
	for file in /sys/module/vbdma_bench/parameters/*_ns; do
		name=${file##*/}
		echo "copy ${name%_ns} $(cat "$file")"
	done
fi
