# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for devices.sh
#
# v4l2-ctl: capture by mmap, from a camera to a display over dma-buf with the
# buffers of either, and through both halves of a memory-to-memory device.

ctl_mmap()	# camera
{
	local name=v4l2-ctl-mmap-$1 file=/tmp/v4l2-ctl-$1.raw

	raw_format "${CAM[$1]}" -v
	stats_begin
	app "$name" v4l2-ctl -d "${CAM[$1]}" --stream-mmap \
		"--stream-count=$FRAMES" --stream-to="$file"
	stats_end
	app_ended "$name" "$name: it ends well"
	holds "$(proof_counters "buffers_total>0" "exports_total=0" \
		"user_maps>=buffers_total")" "$name: the CPU maps our buffers"
	frames_right "$file" "$FRAMES" "$name"
}

# One byte in the middle of the third frame.
ctl_control()
{
	local got

	cp /tmp/v4l2-ctl-0.raw /tmp/wrong.raw
	printf '\125' | dd of=/tmp/wrong.raw bs=1 conv=notrunc status=none \
		seek=$((WIDTH * HEIGHT * 5 + 1))
	got=$(/build/selftests/frame_check -i /tmp/wrong.raw \
		-s "${WIDTH}x$HEIGHT" -f YUYV 2>&1)
	caught "$got" ' bad 1' 'v4l2-ctl: a wrong byte'
}

ctl_share()	# number of both, name, camera's option, display's option
{
	local name=v4l2-ctl-$2

	raw_format "${CAM[$1]}" -v
	raw_format "${DISP[$1]}" -x
	HOPS=("vbcam.$1:YUYV>vbdisp.$1:YUYV@tail=16")
	run_begin
	app "$name" v4l2-ctl -d "${CAM[$1]}" "$3" "--stream-count=$FRAMES" \
		-e "${DISP[$1]}" "$4"
	run_end "$name"
	app_ended "$name" "$name: it ends well"
	imports "$name" 5
}

# A file handle has a format of its own here: all of it in one command. Each
# frame is a picture of its own, so that one in another's place is seen.
ctl_m2m()
{
	local raw=/tmp/v4l2-ctl-in.raw coded=/tmp/v4l2-ctl.jpeg
	local back=/tmp/v4l2-ctl-back.raw frame=$((WIDTH * HEIGHT * 2))

	ffmpeg -nostdin -loglevel error -f lavfi \
		-i "testsrc2=size=${WIDTH}x$HEIGHT:rate=2" -frames:v "$FRAMES" \
		-pix_fmt yuyv422 -f rawvideo $raw
	app encode v4l2-ctl -d "$ENC" -x "$RAW_FORMAT" -v pixelformat=JPEG \
		--stream-out-mmap --stream-mmap "--stream-count=$FRAMES" \
		--stream-from=$raw --stream-to-hdr=$coded
	app_ended encode 'v4l2-ctl-m2m: the encoder ends well'
	app decode v4l2-ctl -d "$DEC" \
		-x "width=$WIDTH,height=$HEIGHT,pixelformat=JPEG" \
		-v "$RAW_FORMAT" --stream-out-mmap --stream-mmap \
		--stream-from-hdr=$coded --stream-to=$back
	app_ended decode 'v4l2-ctl-m2m: the decoder ends well'
	tap_diag "$(stat -c '%n: %s bytes' $raw $coded $back 2>&1)"
	holds "$(proof_picture 24 "$FRAMES" $raw $back)" \
		'v4l2-ctl-m2m: the frames come back'
	{
		tail -c "+$((frame + 1))" $raw
		head -c $frame $raw
	} > /tmp/next.raw
	caught "$(proof_picture 24 "$FRAMES" /tmp/next.raw $back)" \
		' dB, not 24' 'v4l2-ctl-m2m: each frame in the place before it'
}

ctl_mmap 0
ctl_mmap 1
ctl_control
ctl_share 1 out-dmabuf --stream-mmap --stream-out-dmabuf
ctl_share 0 dmabuf --stream-dmabuf --stream-out-mmap
ctl_m2m
