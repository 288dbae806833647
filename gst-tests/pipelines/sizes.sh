# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# The largest size, and one that is odd: 4096x2304 from camera to encoder to
# decoder to display, in scatter-gather memory, since contiguous memory of that
# size need not exist; and 333x251, which only XR24 can have and which no camera
# has, so that the encoder's frames are drawn by the CPU. GStreamer calls JPEG that
# was made from RGB one of RGB, which no decoder takes, if it is not told better.
# In both directions but for JPEG: see chain.sh.

# The io-modes are those of who writes raw frames, who reads them, and of the
# decoder, which reads JPEG.
sizes_run()	# name, three io-modes
{
	run_begin
	gst "$1" \
		v4l2src "device=${CAM[0]}" "io-mode=$2" num-buffers=2 ! \
		video/x-raw,format=NV12,width=4096,height=2304 ! \
		"${ENC[0]}" "output-io-mode=$3" capture-io-mode=dmabuf ! \
		"${DEC[0]}" "output-io-mode=$4" \
		"capture-io-mode=$2" ! \
		$V4L2SINK "device=${DISP[0]}" "io-mode=$3" \
		videotestsrc num-buffers=12 pattern=ball ! \
		video/x-raw,format=BGRx,width=333,height=251 ! \
		"${ENC[1]}" capture-io-mode=dmabuf ! \
		capssetter replace=true \
		caps=image/jpeg,parsed=true,width=333,height=251,framerate=30/1 ! \
		"${DEC[1]}" "output-io-mode=$4" \
		"capture-io-mode=$2" ! \
		$V4L2SINK "device=${DISP[1]}" "io-mode=$3"
	run_end "$1"
}

sizes()
{
	local name=sizes drawn='v4l2.*jpegenc0:pool0:sink'

	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "attaches=imports_total"
		"detaches=attaches")
	HOPS=("vbcam.0:NV12>vbcodec.0:NV12@tail=16"
		"vbcodec.0:JPEG>vbcodec.0:JPEG"
		"vbcodec.0:XR24>vbdisp.0:XR24@tail=1"
		"vbcodec.1:JPEG>vbcodec.1:JPEG@least=12"
		"vbcodec.1:XR24>vbdisp.1:XR24@tail=4,least=8")

	PAIRS=("vbcam.0>vbcodec.0" "vbcodec.0>vbcodec.0" "vbcodec.0>vbdisp.0"
		"vbcodec.1>vbcodec.1" "vbcodec.1>vbdisp.1")
	sizes_run $name dmabuf dmabuf-import dmabuf-import
	zero_copy $name 1 "$drawn"
	nothing_left $name

	sizes_run $name-copied dmabuf mmap mmap
	copies $name-copied "$drawn"
	nothing_left $name-copied

	name=sizes-up
	PAIRS=("vbcodec.0>vbcam.0" "vbcodec.0>vbcodec.0" "vbdisp.0>vbcodec.0"
		"vbcodec.1>vbcodec.1" "vbdisp.1>vbcodec.1")
	sizes_run $name dmabuf-import dmabuf dmabuf-import
	zero_copy $name 1 "$drawn"
	nothing_left $name
}

sizes
