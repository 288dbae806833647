# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# The whole chain: vbcam to encoder to decoder, and what comes out on vbdisp and,
# through a tee, on kmssink. Everybody exports to the next one; then, without the
# tee, everybody imports what the next one has allocated, but for JPEG: GStreamer
# asks the decoder for buffers before it has told it what is coming, and gets
# none.

# How much is shown before the pipeline is stopped, and whether to look at it.
chain_down()	# name, io-modes of the two ends of each link, frames, [picture]
{
	run_begin
	gst_start "$1" \
		v4l2src "device=${CAM[1]}" "io-mode=$2" ! \
		"video/x-raw,format=YUY2,width=$WIDTH,height=$HEIGHT" ! \
		"${ENC[1]}" "output-io-mode=$3" "capture-io-mode=$2" ! \
		"${DEC[1]}" "output-io-mode=$3" "capture-io-mode=$2" ! \
		tee name=t \
		t. ! queue ! $V4L2SINK "device=${DISP[1]}" "io-mode=$3" \
		t. ! queue ! kmssink "driver-name=$DISPLAY_DRIVER" \
		force-modesetting=true sync=false
	await has_moved "$4" vbdisp.1 read XR24 &&
		[ -n "${5:-}" ] && screen_still "$5"
	gst_stop
	run_end "$1"
}

chain_up()	# name, frames
{
	run_begin
	gst "$1" \
		v4l2src "device=${CAM[0]}" io-mode=dmabuf-import \
		"num-buffers=$2" ! \
		video/x-raw,format=NV12,width=354,height=246 ! \
		"${ENC[0]}" output-io-mode=dmabuf capture-io-mode=dmabuf ! \
		"${DEC[0]}" output-io-mode=dmabuf-import \
		capture-io-mode=dmabuf-import ! \
		$V4L2SINK "device=${DISP[0]}" io-mode=dmabuf
	run_end "$1"
}

chain()
{
	local name=chain

	PAIRS=("vbcam.1>vbcodec.1" "vbcodec.1>vbcodec.1" "vbcodec.1>vbdisp.1"
		"vbcodec.1>$(display_device)")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "attaches>imports_total"
		"detaches=attaches" "user_maps=0" "user_faults=0")
	HOPS=("vbcam.1:YUYV>vbcodec.1:YUYV@tail=16"
		"vbcodec.1:JPEG>vbcodec.1:JPEG"
		"vbcodec.1:XR24>screen=$GST_OUT/$name.png"
		"vbcodec.1:XR24>vbdisp.1:XR24@tail=16")
	chain_down $name dmabuf dmabuf-import 12 $name.png
	zero_copy $name 10
	nothing_left $name

	chain_down $name-copied dmabuf mmap 2
	copies $name-copied
	nothing_left $name-copied

	name=chain-up
	PAIRS=("vbcodec.0>vbcam.0" "vbcodec.0>vbcodec.0" "vbdisp.0>vbcodec.0")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "attaches=imports_total"
		"detaches=attaches" "user_maps=0" "user_faults=0")
	HOPS=("vbcam.0:NV12>vbcodec.0:NV12@tail=16"
		"vbcodec.0:JPEG>vbcodec.0:JPEG"
		"vbcodec.0:XR24>vbdisp.0:XR24@tail=16")
	chain_up $name 15
	zero_copy $name 8
	nothing_left $name
}

chain
