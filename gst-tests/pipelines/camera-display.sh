# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Camera to display: kmssink turns each buffer into a framebuffer of the
# emulated card. What the card shows is looked at from outside.

camera_display()
{
	local name=camera-display file=/tmp/bgrx.raw pid shots=0 maps
	local caps="video/x-raw,format=BGRx,width=$WIDTH,height=$HEIGHT"

	# The pipeline runs until both pictures are taken.
	stats_begin
	gst $name -e v4l2src "device=$CAMERA" io-mode=dmabuf num-buffers=2000 ! \
		"$caps" ! kmssink "driver-name=$DISPLAY_DRIVER" \
		force-modesetting=true sync=false &
	pid=$!
	if await has_attached; then
		sleep 2
		vm-screen $name-1.png && shots=1
		cp "$BUFFERS" "$GST_OUT/$name.buffers"
		cp "$BUFINFO" "$GST_OUT/$name.bufinfo"
		sleep 1
		vm-screen $name-2.png && shots=2
	fi
	pkill -INT -x gst-launch-1.0
	wait $pid
	stats_end

	# 6.12's display maps a buffer when it imports it, 7.2's only attaches;
	# either reads it by its kernel address.
	maps=exports_total
	[ "$KERNEL" = 6.12 ] || maps=0
	DISPLAY_COUNTERS=("exports_total>0" "attaches=exports_total"
		"maps=$maps" "maps_cached=0" "user_maps=0" "user_faults=0")
	holds "$(proof_ended $name)" "$name: the pipeline ends well" $name
	holds "$(proof_counters "${DISPLAY_COUNTERS[@]}")" \
		"$name: the counters say zero-copy" $name
	holds "$(proof_messages $name)" "$name: no element copies" $name
	reference $((WIDTH * 4)) $file > /dev/null
	if [ $shots -eq 2 ]; then
		tap_run "$name: the display shows the camera's picture" \
			python3 /src/gst-tests/picture.py is \
			"$GST_OUT/$name-1.png" $file \
			"$WIDTH" "$HEIGHT" "$TEXT_ROWS"
		tap_run "$name: the picture is running" \
			python3 /src/gst-tests/picture.py differ \
			"$GST_OUT/$name-1.png" "$GST_OUT/$name-2.png" \
			"$TEXT_ROWS"
	else
		tap_not_ok "$name: pictures of the display" \
			"$shots of 2; $(deltas)"
		tap_diag_file /tmp/$name.out
	fi
	if grep -q videobuf2_mem "$GST_OUT/$name.bufinfo" 2>/dev/null; then
		tap_ok "$name: our module exports"
	else
		tap_not_ok "$name: our module exports" \
			"$(head -n 20 "$GST_OUT/$name.bufinfo")"
	fi
	nothing_left $name
}

camera_display_control()
{
	local name=camera-display-copied

	stats_begin
	gst $name v4l2src "device=$CAMERA" io-mode=mmap num-buffers=10 ! \
		"video/x-raw,format=BGRx,width=$WIDTH,height=$HEIGHT" ! \
		kmssink "driver-name=$DISPLAY_DRIVER" force-modesetting=true \
		sync=false
	stats_end
	holds "$(proof_ended $name)" "$name: the pipeline ends well" $name
	caught "$(proof_counters "${DISPLAY_COUNTERS[@]}")" "$NO_COUNT" \
		"$name: a copy, by the counters"
	caught "$(proof_messages $name)" "$A_COPY" "$name: a copy, by its message"
	if [ -e "$GST_OUT/camera-display-1.png" ]; then
		reference_flipped $((WIDTH * 4)) /tmp/flipped.raw > /dev/null
		caught "$(python3 /src/gst-tests/picture.py is \
			  "$GST_OUT/camera-display-1.png" /tmp/flipped.raw \
			  "$WIDTH" "$HEIGHT" "$TEXT_ROWS" 2>&1 && echo ok)" \
			"$OTHER_FRAMES" "another picture"
	fi
	nothing_left $name
}

camera_display
camera_display_control
