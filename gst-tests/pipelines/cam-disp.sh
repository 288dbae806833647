# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# vbcam to vbdisp, both directions at once: the contiguous camera's buffers are
# imported by its display, and the scatter-gather display's by its camera.

cam_disp_run()	# name, frames, four io-modes
{
	run_begin
	gst "$1" \
		v4l2src "device=${CAM[1]}" "io-mode=$3" "num-buffers=$2" ! \
		video/x-raw,format=YUY2,width=642,height=362 ! \
		$V4L2SINK "device=${DISP[1]}" "io-mode=$4" \
		v4l2src "device=${CAM[0]}" "io-mode=$5" "num-buffers=$2" ! \
		video/x-raw,format=NV12,width=354,height=246 ! \
		$V4L2SINK "device=${DISP[0]}" "io-mode=$6"
	run_end "$1"
}

cam_disp()
{
	local name=cam-disp frames=20

	PAIRS=("vbcam.1>vbdisp.1" "vbdisp.0>vbcam.0")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "attaches=imports_total"
		"detaches=attaches" "user_maps=0" "user_faults=0")
	# What the display has not shown when the stream ends is lost, and
	# a camera is ahead by the buffers that it has.
	HOPS=("vbcam.1:YUYV>vbdisp.1:YUYV@tail=16"
		"vbcam.0:NV12>vbdisp.0:NV12@tail=16")

	cam_disp_run $name $frames dmabuf dmabuf-import dmabuf-import dmabuf
	zero_copy $name 10
	nothing_left $name

	cam_disp_run $name-copied 4 dmabuf mmap dmabuf mmap
	copies $name-copied
	nothing_left $name-copied
}

cam_disp
