# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# FFmpeg: capture from vbcam. What FFmpeg can not do is asked for, too: its V4L2
# output is write(), which vbdisp has not; and its memory-to-memory codecs are
# H.264, H.265, MPEG-4, VP8 and the like, and neither vbcodec's JPEG nor vicodec's
# FWHT is among them.

FFMPEG=(ffmpeg -nostdin -hide_banner -y)
FFMPEG_RAW=(-f rawvideo -pixel_format yuyv422 -video_size "${WIDTH}x$HEIGHT")

ffmpeg_capture()	# camera
{
	local name=ffmpeg-capture-$1 file=/tmp/ffmpeg-$1.raw

	stats_begin
	app "$name" "${FFMPEG[@]}" -f v4l2 -input_format yuyv422 \
		-video_size "${WIDTH}x$HEIGHT" -i "${CAM[$1]}" \
		-frames:v "$FRAMES" -c copy -f rawvideo "$file"
	stats_end
	app_ended "$name" "$name: it ends well"
	holds "$(proof_counters "buffers_total>0" \
		"user_maps>=buffers_total")" "$name: the CPU maps our buffers"
	frames_right "$file" "$FRAMES" "$name"
}

ffmpeg_refused()
{
	app ffmpeg-write "${FFMPEG[@]}" "${FFMPEG_RAW[@]}" \
		-i /tmp/ffmpeg-0.raw -c copy -f v4l2 "${DISP[0]}"
	app_refused ffmpeg-write 'Invalid argument' \
		'ffmpeg: a device without write() is refused'
	tap_run 'ffmpeg: vicodec loads' modprobe vicodec
	app ffmpeg-encode "${FFMPEG[@]}" "${FFMPEG_RAW[@]}" \
		-i /tmp/ffmpeg-0.raw -pix_fmt nv12 -c:v h264_v4l2m2m -f null -
	app_refused ffmpeg-encode 'Could not find a valid device' \
		'ffmpeg: no H.264 encoder is found'
	modprobe -r vicodec
	app ffmpeg-codecs "${FFMPEG[@]}" -codecs
	tap_run 'ffmpeg: it has codecs by m2m' \
		grep -q _v4l2m2m /tmp/ffmpeg-codecs.out
	tap_is "$(grep -E ' (mjpeg|fwht) ' /tmp/ffmpeg-codecs.out |
		grep -c _v4l2m2m)" 0 \
		'ffmpeg: no codec of ours is among those of its m2m'
}

ffmpeg_capture 0
ffmpeg_capture 1
ffmpeg_refused
