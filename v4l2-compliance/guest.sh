#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: v4l2-compliance over every node of vivid, single- and
# multi-planar, each exporting to its counterpart. Leaves one file for each run
# in /out; what it finds is judged on the host, which compares stock and ours.
#
# Inputs and outputs are HDMI only: with the same timings on both sides the
# buffers of exporter and importer have the same size, without which DMABUF
# streaming can not work.

set -u

stats=/sys/kernel/debug/videobuf2-mem/stats

node_named()
{
	local f

	for f in /sys/class/video4linux/video*/name; do
		[ "$(cat "$f")" = "$1" ] || continue
		f=${f%/name}
		echo "/dev/${f##*/}"
		return
	done
	return 1
}

# compliance NAME DEVICE EXPORTER
compliance()
{
	v4l2-compliance -s10 -P -a -d "$2" -e "$3" > "/out/$1.txt" 2>&1
	echo "$1: exit code $?" >&2
}

run_vivid()
{
	local sp_cap sp_out mp_cap mp_out fmt

	modprobe vivid n_devs=2 node_types=0x101,0x101 multiplanar=1,2 \
		allocators=1,1 num_inputs=1,1 input_types=3,3 \
		num_outputs=1,1 output_types=1,1 || return
	sp_cap=$(node_named vivid-000-vid-cap) || return
	sp_out=$(node_named vivid-000-vid-out) || return
	mp_cap=$(node_named vivid-001-vid-cap) || return
	mp_out=$(node_named vivid-001-vid-out) || return

	compliance vivid-cap "$sp_cap" "$sp_out"
	compliance vivid-out "$sp_out" "$sp_cap"

	# One plane in one buffer, and two planes in two.
	for fmt in YUYV NM16; do
		v4l2-ctl -d "$mp_cap" -v pixelformat="$fmt" &&
			v4l2-ctl -d "$mp_out" -x pixelformat="$fmt" || return
		compliance "vivid-cap-mplane-$fmt" "$mp_cap" "$mp_out"
		compliance "vivid-out-mplane-$fmt" "$mp_out" "$mp_cap"
	done
}

# Our own camera, where it is built, single- and multi-planar. It has to be
# without fault, so it needs no comparison.
run_vbcam()
{
	local cam

	modprobe vbcam n_devs=4 sg=1,1,1,1 multiplanar=0,0,1,1 \
		patient=1,1,1,1 || return
	for cam in 'vbcam-sg 0 1' 'vbcam-sg-mplane 2 3'; do
		# shellcheck disable=SC2086 # three words
		set -- $cam
		compliance "$1" "$(node_named "vbcam.$2")" \
			"$(node_named "vbcam.$3")"
	done
}

run_vivid || echo "vivid did not run" > /out/error
if modinfo vbcam > /dev/null 2>&1; then
	run_vbcam || echo "vbcam did not run" > /out/error
fi
# dma-bufs that user space can not reach any more die with a work item.
sleep 1
cat $stats > /out/stats 2>/dev/null
lsmod > /out/lsmod
modprobe -r vivid vbcam 2>/dev/null
exit 0
