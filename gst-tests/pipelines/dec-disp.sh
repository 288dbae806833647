# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# The files of cam-enc.sh to a decoder and to a display, kmssink and vbdisp at
# once: in one run the decoders export, in the other they import what the
# displays have allocated. The stream to kmssink is held open until its picture
# has been looked at.
#
# The decoders' input comes from no device and is copied into their buffers. A file
# has no frame rate, which v4l2sink would have to be told.

# Decoders are given by number, and a picture is taken under the name given.
dec_disp_run()	# name, to kmssink, to vbdisp, io-modes of both ends, [picture]
{
	local name=$1 kms=$2 vb=$3 fifo cat

	run_begin
	mkfifo /tmp/stream
	gst_start "$name" \
		filesrc location=/tmp/stream ! jpegparse ! \
		"${DEC[kms]}" name=kms "capture-io-mode=$4" ! kmssink \
		"driver-name=$DISPLAY_DRIVER" force-modesetting=true \
		sync=false \
		filesrc location=/tmp/cam-enc-1.mjpg ! jpegparse ! \
		capssetter caps=image/jpeg,framerate=30/1 ! \
		"${DEC[vb]}" name=vb "capture-io-mode=$4" ! \
		$V4L2SINK "device=${DISP[vb]}" "io-mode=$5"
	exec {fifo}<> /tmp/stream
	cat /tmp/cam-enc-0.mjpg >&"$fifo" &
	cat=$!
	await has_moved 10 "vbcodec.$kms" write XR24 &&
		[ -n "${6:-}" ] && screen_still "$6"
	exec {fifo}>&-
	gst_wait
	kill $cat 2>/dev/null
	wait $cat 2>/dev/null
	run_end "$name"
	rm -f /tmp/stream
}

dec_disp()
{
	local name=dec-disp

	PAIRS=("vbcodec.1>$(display_device)" "vbcodec.0>vbdisp.0")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "attaches>imports_total"
		"detaches=attaches")
	HOPS=("jpeg=/tmp/cam-enc-0.mjpg>vbcodec.1:JPEG"
		"vbcodec.1:XR24>screen=$GST_OUT/$name.png"
		"jpeg=/tmp/cam-enc-1.mjpg>vbcodec.0:JPEG"
		"vbcodec.0:XR24>vbdisp.0:XR24@tail=16")
	dec_disp_run $name 1 0 dmabuf dmabuf-import $name.png
	zero_copy $name 6 '(kms|vb):pool0:sink'
	nothing_left $name

	dec_disp_run $name-copied 1 0 mmap mmap
	copies $name-copied '(kms|vb):pool0:sink'
	nothing_left $name-copied

	# The display's own buffers are the kernel's, and scattered: our modules
	# only see that they are imported.
	name=dec-disp-up
	PAIRS=("vbdisp.1>vbcodec.1")
	COUNTERS=("exports_total>0" "attaches>0" "imports_total>attaches"
		"import_maps=imports_total" "detaches=attaches")
	HOPS=("jpeg=/tmp/cam-enc-0.mjpg>vbcodec.0:JPEG"
		"vbcodec.0:XR24>screen=$GST_OUT/$name.png"
		"jpeg=/tmp/cam-enc-1.mjpg>vbcodec.1:JPEG"
		"vbcodec.1:XR24>vbdisp.1:XR24@tail=16")
	dec_disp_run $name 0 1 dmabuf-import dmabuf $name.png
	zero_copy $name 6 '(kms|vb):pool0:sink'
	nothing_left $name
}

dec_disp
