# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Camera to a V4L2 output that imports the camera's buffers. The output is
# looped back to a capture node, which is read through its mmap.

camera_output_run()	# name, io-mode of the source, io-mode of the sink
{
	local pid size d frames=60

	rm -f /tmp/loop.raw
	for d in "$OUTPUT:-x" "$LOOP:-v"; do
		v4l2-ctl -d "${d%:*}" "${d##*:}" \
			"width=$WIDTH,height=$HEIGHT,pixelformat=YUYV" || return
	done
	# Before the counters are read: the loop's buffers are not the
	# pipeline's.
	v4l2-ctl -d "$LOOP" --stream-mmap=3 --stream-count=1000 \
		--stream-to=/tmp/loop.raw > /tmp/loop.out 2>&1 &
	pid=$!
	for ((d = 0; d < 100; d++)); do
		[ ! -s /tmp/loop.raw ] || break
		sleep 0.1
	done
	stats_begin
	gst "$1" v4l2src "device=$CAMERA" "io-mode=$2" num-buffers=$frames ! \
		"video/x-raw,format=YUY2,width=$WIDTH,height=$HEIGHT" ! \
		v4l2sink "device=$OUTPUT" "io-mode=$3" sync=false
	stats_end
	kill $pid
	wait $pid 2>/dev/null
	# The last frame may be cut off.
	size=$(stat -c %s /tmp/loop.raw)
	truncate -s $((size - size % (WIDTH * HEIGHT * 2))) /tmp/loop.raw
}

camera_output()
{
	local name=camera-output bytes=$((WIDTH * 2)) ref flipped

	camera_output_run $name dmabuf dmabuf-import
	ref=$(reference $bytes /tmp/yuyv.raw)

	# vb2 gives an import up whenever another buffer arrives at an index,
	# and GStreamer rotates them: about once a frame. It is kept. One that
	# comes to an index while another still has it is attached twice, and
	# mapped once.
	OUTPUT_COUNTERS=("exports_total>0" "import_maps_cached>=50"
		"maps=exports_total"
		"import_maps=imports_total" "attaches=imports_total"
		"detaches=attaches" "user_maps=0" "user_faults=0")
	holds "$(proof_ended $name)" "$name: the pipeline ends well" $name
	holds "$(proof_counters "${OUTPUT_COUNTERS[@]}")" \
		"$name: the counters say zero-copy" $name
	tap_diag "$(deltas)"
	holds "$(proof_messages $name)" "$name: no element copies" $name
	holds "$(proof_frames /tmp/loop.raw $((bytes * HEIGHT)) \
		 "$(text_range $bytes)" "$ref" 5)" \
		"$name: the output shows the camera's frames" $name
	nothing_left $name

	camera_output_run $name-copied mmap mmap
	holds "$(proof_ended $name-copied)" \
		"$name-copied: the pipeline ends well" $name-copied
	caught "$(proof_counters "${OUTPUT_COUNTERS[@]}")" "$NO_COUNT" \
		"$name-copied: a copy, by the counters"
	caught "$(proof_messages $name-copied)" "$A_COPY" \
		"$name-copied: a copy, by its message"
	holds "$(proof_frames /tmp/loop.raw $((bytes * HEIGHT)) \
		 "$(text_range $bytes)" "$ref" 5)" \
		"$name-copied: the copied frames are right all the same"

	flipped=$(reference_flipped $bytes /tmp/flipped.raw)
	caught "$(proof_frames /tmp/loop.raw $((bytes * HEIGHT)) \
		  "$(text_range $bytes)" "$flipped" 5)" "$OTHER_FRAMES" \
		"$name: another picture"
	nothing_left $name-copied
}

camera_output
