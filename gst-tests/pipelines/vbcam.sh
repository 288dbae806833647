# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Our own camera, which writes by DMA address and puts a number and a checksum
# into each frame: from dma-sg and from dma-contig memory to the display and to
# the CPU, and into memory of foreign exporters. dma-sg takes it however
# scattered it is.

vbcam_stat()	# camera, name
{
	awk -v n="$2" '$1 == n { print $2 }' \
		"/sys/kernel/debug/vbcam/vbcam.$1/stats"
}

# The device saw no fault, neither before nor after.
vbcam_no_fault()	# camera, text
{
	tap_is "$(vbcam_stat "$1" errors)" 0 "$2: no device fault"
}

vbcam_display()	# camera, text
{
	local name=$2-display maps=exports_total

	[ "$KERNEL" = 6.12 ] || maps=0
	stats_begin
	gst "$name" v4l2src "device=$CAMERA" io-mode=dmabuf num-buffers=30 ! \
		"video/x-raw,format=BGRx,width=$WIDTH,height=$HEIGHT" ! \
		kmssink "driver-name=$DISPLAY_DRIVER" force-modesetting=true \
		sync=false
	stats_end
	holds "$(proof_ended "$name")" "$name: the pipeline ends well" "$name"
	holds "$(proof_counters "exports_total>0" "attaches=exports_total" \
		 "maps=$maps" "maps_cached=0" "user_maps=0" "user_faults=0")" \
		"$name: the counters say zero-copy" "$name"
	holds "$(proof_messages "$name")" "$name: no element copies" "$name"
	vbcam_no_fault "$1" "$name"
}

vbcam_cpu()	# camera, text
{
	local name=$2-cpu frames=20 got

	rm -f /tmp/vbcam.raw
	stats_begin
	gst "$name" v4l2src "device=$CAMERA" io-mode=dmabuf \
		num-buffers=$frames ! \
		"video/x-raw,format=YUY2,width=$WIDTH,height=$HEIGHT" ! \
		filesink location=/tmp/vbcam.raw
	stats_end
	holds "$(proof_ended "$name")" "$name: the pipeline ends well" "$name"
	holds "$(proof_counters "exports_total>0" "attaches=0" \
		 "user_maps>=exports_total")" \
		"$name: the CPU maps what is exported" "$name"
	holds "$(proof_messages "$name")" "$name: no element copies" "$name"
	got=$(/build/selftests/frame_check -i /tmp/vbcam.raw \
		-s "${WIDTH}x$HEIGHT" -f YUYV 2>&1)
	if [[ $got =~ ^"frames $frames lost "[0-9]+" bad 0" ]]; then
		tap_ok "$name: every frame's checksum is right ($got)"
	else
		tap_not_ok "$name: every frame's checksum is right" "$got"
	fi
	# One byte in the middle of the third frame.
	printf '\125' | dd of=/tmp/vbcam.raw bs=1 conv=notrunc status=none \
		seek=$((WIDTH * HEIGHT * 5 + 1))
	got=$(/build/selftests/frame_check -i /tmp/vbcam.raw \
		-s "${WIDTH}x$HEIGHT" -f YUYV 2>&1)
	if [[ $got =~ "bad 1" ]]; then
		tap_ok "control: $name: a wrong byte is caught"
	else
		tap_not_ok "control: $name: a wrong byte is caught" "$got"
	fi
	vbcam_no_fault "$1" "$name"
}

vbcam()
{
	local camera=$CAMERA n

	for n in 0 1; do
		CAMERA=${CAM[n]}
		vbcam_display $n "vbcam-$([ $n -eq 0 ] && echo sg || echo contig)"
		vbcam_cpu $n "vbcam-$([ $n -eq 0 ] && echo sg || echo contig)"
	done
	nothing_left vbcam

	CAMERA=${CAM[0]}
	v4l2-ctl -d "$CAMERA" -v width=160,height=128,pixelformat=YUYV
	foreign_works udmabuf-shuffled scattered 'vbcam (sg)' "$CAMERA"
	foreign_works heap:system scattered 'vbcam (sg)' "$CAMERA"
	vbcam_no_fault 0 'foreign memory into vbcam (sg)'
	CAMERA=${CAM[1]}
	v4l2-ctl -d "$CAMERA" -v width=160,height=128,pixelformat=YUYV
	foreign_works udmabuf contiguous 'vbcam (contig)' "$CAMERA"
	foreign_refused udmabuf-shuffled 'vbcam (contig)' "$CAMERA"
	vbcam_no_fault 1 'foreign memory into vbcam (contig)'
	nothing_left 'foreign memory into vbcam'
	CAMERA=$camera
}

vbcam
