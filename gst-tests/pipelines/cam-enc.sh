# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for devices.sh
#
# Two cameras into two encoders into two files, at once: one encoder imports its
# camera's buffers, the other camera its encoder's. What is in the files has to
# be what the encoders wrote. dec-disp.sh reads them.

cam_enc_run()	# name, frames, four io-modes
{
	run_begin
	gst "$1" \
		v4l2src "device=${CAM[0]}" "io-mode=$3" "num-buffers=$2" ! \
		"video/x-raw,format=BGRx,width=$WIDTH,height=$HEIGHT" ! \
		"${ENC[0]}" "output-io-mode=$4" ! \
		filesink "location=/tmp/$1-0.mjpg" \
		v4l2src "device=${CAM[1]}" "io-mode=$5" "num-buffers=$2" ! \
		video/x-raw,format=NV12,width=642,height=362 ! \
		"${ENC[1]}" "output-io-mode=$6" ! \
		filesink "location=/tmp/$1-1.mjpg"
	run_end "$1"
}

cam_enc()
{
	local name=cam-enc frames=12 i

	PAIRS=("vbcam.0>vbcodec.0" "vbcodec.1>vbcam.1")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "attaches=imports_total"
		"detaches=attaches")
	HOPS=()
	for i in 0 1; do
		# A camera is ahead of the pipeline by the buffers that it has.
		HOPS+=("vbcam.$i:$([ $i -eq 0 ] && echo XR24 ||
				echo NV12)>vbcodec.$i:$([ $i -eq 0 ] &&
				echo XR24 || echo NV12)@tail=16"
			"vbcodec.$i:JPEG>jpeg=/tmp/$name-$i.mjpg")
	done

	cam_enc_run $name $frames dmabuf dmabuf-import dmabuf-import dmabuf
	zero_copy $name $frames
	nothing_left $name

	cam_enc_run $name-copied 2 dmabuf mmap dmabuf mmap
	copies $name-copied
	nothing_left $name-copied
}

cam_enc
