# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# libcamera: its pipeline handler for the kernel's vimc, whose buffers are ours
# with "allocator=1". libcamera exports them and gives them back to the same device as
# dma-bufs; "cam" maps these to save the frames, which show the colour bars of
# vimc's sensor. The format is what libcamera chooses: others than its own are more
# than vimc's scaler can do.

libcamera()
{
	local name=libcamera-capture frames=3 file size number=0

	tap_run 'libcamera: vimc loads' modprobe vimc allocator=1
	apps_udev_again
	app libcamera-list cam --list
	tap_is "$(grep -c '^1: .*(platform/vimc' /tmp/libcamera-list.out)" 1 \
		'libcamera-list: the camera is vimc'

	stats_begin
	app $name cam --camera=1 --capture=$frames \
		--file=/tmp/libcamera-#.raw
	stats_end
	cp /tmp/libcamera-*.out /out/
	app_ended $name "$name: it ends well"
	holds "$(proof_counters "imports_total>0" \
		"exports_total>=imports_total" "import_maps=imports_total" \
		"user_maps>0")" "$name: the counters say zero-copy"
	size=$(sed -n 's/.*(0) \([0-9]*x[0-9]*\)-BGR888.*/\1/p' \
		/tmp/$name.out)
	tap_is "$(find /tmp -maxdepth 1 -name 'libcamera-*.raw' \
		-size "$((${size%x*} * ${size#*x} * 3))c" | wc -l)" $frames \
		"$name: all frames arrive whole"
	for file in /tmp/libcamera-*.raw; do
		number=$((number + 1))
		rm -f /out/libcamera.png
		ffmpeg -nostdin -loglevel error -y -f rawvideo -pix_fmt rgb24 \
			-video_size "$size" -i "$file" \
			-vf scale=320:180:flags=neighbor /out/libcamera.png
		tap_run "$name: frame $number shows the sensor's colour bars" \
			python3 /src/gst-tests/picture.py shows \
			/out/libcamera.png 160
	done
	modprobe -r vimc
}

libcamera
