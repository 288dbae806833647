# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# OpenCV, with its window on a screen that is only memory (Xvfb): it shows vbcam's
# colour bars. A picture of the screen is left in /out. qv4l2 would draw by OpenGL,
# which Mesa does wrongly in an emulated machine, or dies.

export DISPLAY=:5

screenshot()	# file
{
	timeout 300 gst-launch-1.0 -q ximagesrc num-buffers=1 use-damage=false ! \
		videoconvert ! video/x-raw,format=RGB ! pngenc ! \
		filesink "location=$1"
}

# Most of the rows of a frame: the camera writes its number into others.
opencv_picture()
{
	screenshot /out/opencv.png &&
		python3 /src/gst-tests/picture.py shows /out/opencv.png \
			$((HEIGHT * 3 / 4))
}

opencv_shows()
{
	local opencv xvfb

	Xvfb $DISPLAY -screen 0 640x480x24 -nolisten tcp \
		> /out/xvfb.log 2>&1 &
	xvfb=$!
	await_long test -S /tmp/.X11-unix/X5
	screenshot /out/empty.png
	caught "$(python3 /src/gst-tests/picture.py shows /out/empty.png \
		$((HEIGHT * 3 / 4)) 2>&1)" '0 of 480 rows' \
		'opencv: an empty screen'
	stats_begin
	python3 /src/apps/opencv.py "${CAM[1]}" "$WIDTH" "$HEIGHT" \
		"$FRAMES" > /out/opencv.log 2>&1 &
	opencv=$!
	tap_run 'opencv: the camera streams' await_long \
		grep -q '^shown' /out/opencv.log
	tap_run 'opencv: it shows the colour bars' await_long opencv_picture
	kill $opencv
	wait $opencv
	kill $xvfb
	wait $xvfb
	stats_end
	holds "$(proof_counters "buffers_total>0" "exports_total=0" \
		"user_maps>0")" 'opencv: the CPU maps our buffers'
}

opencv_shows
