# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Camera to sinks that read the exported buffers with the CPU, through the
# dma-buf's mmap and DMA_BUF_IOCTL_SYNC.

camera_cpu()
{
	local name=camera-cpu frames=20 bytes=$((WIDTH * 2)) ref sum want i

	# Every frame, with its counter.
	rm -f /tmp/cpu.raw
	stats_begin
	gst $name v4l2src "device=$CAMERA" io-mode=dmabuf \
		num-buffers=$frames ! \
		"video/x-raw,format=YUY2,width=$WIDTH,height=$HEIGHT" ! \
		filesink location=/tmp/cpu.raw
	stats_end
	CPU_COUNTERS=("exports_total>0" "attaches=0" "maps=0"
		"user_maps>=exports_total")
	holds "$(proof_ended $name)" "$name: the pipeline ends well" $name
	holds "$(proof_counters "${CPU_COUNTERS[@]}")" \
		"$name: the CPU maps what is exported, and no device does" $name
	holds "$(proof_messages $name)" "$name: no element copies" $name
	ref=$(reference $bytes /tmp/yuyv.raw)
	holds "$(proof_frames /tmp/cpu.raw $((bytes * HEIGHT)) \
		 "$(text_range $bytes)" "$ref" $frames)" \
		"$name: $frames different frames, each right" $name
	tap_is "$(stat -c %s /tmp/cpu.raw)" $((frames * bytes * HEIGHT)) \
		"$name: $frames frames"
	nothing_left $name

	stats_begin
	gst $name-copied v4l2src "device=$CAMERA" io-mode=rw \
		num-buffers=5 ! \
		"video/x-raw,format=YUY2,width=$WIDTH,height=$HEIGHT" ! \
		filesink location=/tmp/cpu.raw
	stats_end
	holds "$(proof_ended $name-copied)" \
		"$name-copied: the pipeline ends well" $name-copied
	caught "$(proof_counters "${CPU_COUNTERS[@]}")" "$NO_COUNT" \
		"$name-copied: a copy by read(), by the counters"
	ref=$(reference_flipped $bytes /tmp/flipped.raw)
	caught "$(proof_frames /tmp/cpu.raw $((bytes * HEIGHT)) \
		  "$(text_range $bytes)" "$ref" 5)" "$OTHER_FRAMES" \
		"$name: another picture"

	# GStreamer's own checksum, over frames that stand still.
	camera_text off
	gst $name-md5 -m v4l2src "device=$CAMERA" io-mode=dmabuf \
		num-buffers=$frames ! \
		"video/x-raw,format=I420,width=$WIDTH,height=$HEIGHT" ! \
		videocodectestsink
	reference "$WIDTH" /tmp/yu12.raw > /dev/null
	camera_text on
	want=$(for ((i = 0; i < frames; i++)); do cat /tmp/yu12.raw; done |
		md5sum | cut -d' ' -f1)
	sum=$(grep -o 'checksum=[^;,]*' /tmp/$name-md5.out | tail -n 1 |
		grep -o -E '[0-9a-f]{32}')
	tap_is "$sum" "$want" "$name: videocodectestsink's checksum is right"
	[ "$sum" = "$want" ] || tap_diag_file /tmp/$name-md5.out
	nothing_left $name-md5
}

camera_cpu
