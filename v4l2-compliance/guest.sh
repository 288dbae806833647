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

# shellcheck source=../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh

stats=/sys/kernel/debug/videobuf2-mem/stats

# In the background: each of them mostly waits.
compliance()	# name, device, exporter
{
	{
		timeout 600 v4l2-compliance -s10 -P -a -d "$2" -e "$3" \
			> "/out/$1.txt" 2>&1
		echo "$1: exit code $?" >&2
	} &
}

# A vivid for each run, as what one sets is the device's.
vivid()		# number, cap|out, name
{
	local cap out

	cap=$(node_named "vivid-00$1-vid-cap") || return
	out=$(node_named "vivid-00$1-vid-out") || return
	case $3 in
	*-mplane-*)
		v4l2-ctl -d "$cap" -v pixelformat="${3##*-}" &&
			v4l2-ctl -d "$out" -x pixelformat="${3##*-}" || return
		;;
	esac
	case $2 in
	cap) compliance "$3" "$cap" "$out" ;;
	out) compliance "$3" "$out" "$cap" ;;
	esac
}

# Single-planar, one plane in one buffer, and two planes in two.
run_vivid()
{
	modprobe vivid n_devs=6 multiplanar=1,1,2,2,2,2 \
		node_types=0x101,0x101,0x101,0x101,0x101,0x101 \
		allocators=1,1,1,1,1,1 num_inputs=1,1,1,1,1,1 \
		input_types=3,3,3,3,3,3 num_outputs=1,1,1,1,1,1 \
		output_types=1,1,1,1,1,1 &&
		vivid 0 cap vivid-cap &&
		vivid 1 out vivid-out &&
		vivid 2 cap vivid-cap-mplane-YUYV &&
		vivid 3 out vivid-out-mplane-YUYV &&
		vivid 4 cap vivid-cap-mplane-NM16 &&
		vivid 5 out vivid-out-mplane-NM16
}

# Our own camera, single- and multi-planar. It has to be without fault, so it
# needs no comparison.
run_vbcam()
{
	modprobe vbcam n_devs=4 sg=1,1,1,1 multiplanar=0,0,1,1 \
		patient=1,1,1,1 || return
	compliance vbcam-sg "$(node_named vbcam.0)" "$(node_named vbcam.1)"
	compliance vbcam-sg-mplane "$(node_named vbcam.2)" \
		"$(node_named vbcam.3)"
}

run_vivid || echo "vivid did not run" > /out/error
run_vbcam || echo "vbcam did not run" > /out/error
wait
# dma-bufs that user space can not reach any more die with a work item.
sleep 1
cat $stats > /out/stats 2>/dev/null
lsmod > /out/lsmod
modprobe -r vivid vbcam 2>/dev/null
exit 0
