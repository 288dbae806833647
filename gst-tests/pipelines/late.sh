# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# GStreamer's order: the camera's buffers are in use before anybody knows of a
# display, which attaches when it is given the first frame. The camera takes a
# list, the display one address. So each buffer that lies in pieces moves, once
# and with the frame that is in it; the first frame arrives as it was captured.
# Nobody has named the driver as one that bears that: its contract is managed.
#
# The same camera by the other contract: its buffers stay, and the display is
# refused.

late_run()	# name, frames
{
	run_begin
	gst_start "$1" \
		v4l2src "device=${CAM[0]}" io-mode=dmabuf "num-buffers=$2" ! \
		video/x-raw,format=YUY2,width=642,height=362 ! \
		$V4L2SINK "device=${DISP[1]}" io-mode=dmabuf-import
}

late_camera()	# legacy
{
	modprobe -r vbcam &&
		modprobe vbcam n_devs=2 sg=1,0 patient=1,1 stride_align=4,4 \
			"legacy=$1,$1" &&
		CAM[0]=$(node_named vbcam.0) && CAM[1]=$(node_named vbcam.1)
}

# "ok" if as many moves were made as there were buffers in pieces: each of these is
# in one piece now and has moved, once and out of pieces; no other has, and none
# since the display has had them all.
late_moves()	# file with the lines of "buffers", trace
{
	awk -v all="$(delta moves)" '
		function value(name) {
			match($0, " " name "=[^ ]*")
			return substr($0, RSTART + length(name) + 2,
				      RLENGTH - length(name) - 2)
		}
		FNR == NR {
			if (/ kind=mmap dev=vbcam.0 /) {
				id = substr($1, 5)
				moves[id] = value("moves")
				sum += moves[id]
				had += shown[id] = /[=,]vbdisp.1:/
				if (shown[id] && value("extents") != 1)
					wrong = "is in pieces: " $1
			}
			next
		}
		/ vbm_move: / && / moved$/ {
			id = value("buf")
			if (!(id in moves))
				wrong = "another one has moved: " id
			if (++traced[id] > 1)
				wrong = "has moved twice: " id
			if (!shown[id])
				wrong = "has moved for nobody: " id
			if (value("extents") !~ /^([2-9]|[1-9][0-9]+)->1$/)
				wrong = "had no need to: " $0
			n++
		}
		END {
			for (id in moves)
				if (moves[id] != traced[id] + 0)
					wrong = id " has moved " moves[id] \
						" times, not " traced[id] + 0
			if (wrong)
				print wrong
			else if (!had)
				print "the display has had none"
			else if (!sum)
				print "none has moved"
			else if (sum != all || n != all)
				print all " moves, " n " traced, " sum \
					" of them in time"
			else
				print "ok"
		}' "$1" "$2"
}

late()
{
	local name=late

	PAIRS=("vbcam.0>vbdisp.1")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "moves>0" "moves_refused_frozen=0"
		"moves_refused_owned=0" "user_maps=0" "user_faults=0")
	HOPS=("vbcam.0:YUYV>vbdisp.1:YUYV@tail=16,first=0")

	late_run $name 60
	# By then each buffer has been round.
	await has_moved 30 vbdisp.1 read YUYV
	cat $BUFFERS > /tmp/$name.buffers
	gst_wait
	run_end $name
	zero_copy $name 30
	holds "$(late_moves /tmp/$name.buffers /tmp/$name.trace)" \
		"$name: each buffer in pieces moves once, then none" $name
	nothing_left $name

	late_camera 1 || tap_not_ok "$name: the camera loads as legacy"
	late_run $name-legacy 60
	gst_wait
	run_end $name-legacy
	holds "$(proof_counters moves=0 moves_refused_frozen\>0)" \
		"$name: by the other contract they stay"
	caught "$(proof_ended $name-legacy)" 'exit code is [1-9]' \
		"$name: that the display can not have them"
	nothing_left $name-legacy
	late_camera 0 || tap_not_ok "$name: the camera loads again"
}

late
