# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# PipeWire, with WirePlumber as its session's manager: its node of vbcam to
# GStreamer's pipewiresrc, and from there to the CPU, and to vbdisp, which imports
# what the camera exports: so it is a dma-buf that PipeWire hands on.

export XDG_RUNTIME_DIR=/tmp/session

# A slow machine is behind a fast camera, and PipeWire 1.4 does not wait for it,
# whosever the modules are:
# - It queues a buffer to the camera again as soon as it has handed it on. Who reads
#   it later than that finds a newer frame in it: one is lost, and the other may
#   come twice. Of 16 buffers, at one frame a second, each keeps its frame for
#   15 seconds.
# - It negotiates again if frames came between PAUSED and PLAYING, and pipewiresrc
#   ends with "unhandled format" when a format is set that it has not asked for.
PIPEWIRE_CAPS=video/x-raw,format=YUY2,width=$WIDTH,height=$HEIGHT
PIPEWIRE_CAPS+=,framerate=1/1
PIPEWIRE_FRAMES=6
GST_TIMEOUT=400

pipewire_start()
{
	mkdir -m 700 $XDG_RUNTIME_DIR
	# shellcheck disable=SC2016 # expanded in the session
	dbus-run-session -- bash -c '
		pipewire > /out/pipewire.log 2>&1 &
		echo $! > $XDG_RUNTIME_DIR/pid
		until [ -e $XDG_RUNTIME_DIR/pipewire-0 ]; do
			kill -0 $! || exit
			sleep 0.2
		done
		exec wireplumber > /out/wireplumber.log 2>&1' &
	session=$!
}

session_over()
{
	! kill -0 $session 2>/dev/null
}

# WirePlumber ends when it has nobody to talk to.
pipewire_stop()
{
	kill "$(< $XDG_RUNTIME_DIR/pid)"
	await_long session_over
	tap_is $? 0 'pipewire: the session ends'
}

# Sets $serial, by which clients name the node of a device.
has_source()	# node
{
	serial=$(timeout 60 pw-dump 2>/dev/null | python3 -c '
import json, sys
for item in json.load(sys.stdin):
    props = (item.get("info") or {}).get("props") or {}
    if props.get("media.class") == "Video/Source" and \
       props.get("api.v4l2.path") == sys.argv[1]:
        print(props["object.serial"])' "$1" 2>/dev/null)
	[ -n "$serial" ]
}

pipewire_source()	# camera
{
	await_long has_source "${CAM[$1]}"
	tap_is $? 0 "pipewire: vbcam.$1 has a node"
}

# Again if it was the second of these.
pipewire_gst()	# name, what takes the frames...
{
	local name=$1 tries

	shift
	for ((tries = 0; tries < 5; tries++)); do
		run_begin
		gst "$name" pipewiresrc "target-object=$serial" \
			"num-buffers=$PIPEWIRE_FRAMES" ! "$PIPEWIRE_CAPS" ! "$@"
		run_end "$name"
		grep -q 'stream error: unhandled format' "/tmp/$name.out" ||
			break
		tap_diag "$name: unhandled format, once more"
	done
}

pipewire_cpu()
{
	local name=pipewire-cpu file=/tmp/pipewire.raw

	pipewire_source 0
	pipewire_gst $name filesink location=$file
	holds "$(proof_ended $name)" "$name: the pipeline ends well" $name
	# PipeWire exports one before, to see whether it can be done.
	holds "$(proof_counters "exports_total>0" "attaches=0" \
		"user_maps>0")" \
		"$name: the CPU maps what is exported" $name
	frames_right $file $PIPEWIRE_FRAMES $name
}

pipewire_display()
{
	local name=pipewire-display

	pipewire_source 1
	# PipeWire drops what comes while the client is not there to take it.
	HOPS=("vbcam.1:YUYV>vbdisp.1:YUYV@drop=1000,tail=1000")
	pipewire_gst $name $V4L2SINK "device=${DISP[1]}" io-mode=dmabuf-import
	holds "$(proof_ended $name)" "$name: the pipeline ends well" $name
	imports "$name" $PIPEWIRE_FRAMES
	holds "$(proof_messages $name)" "$name: no element copies" $name
}

pipewire_start
pipewire_cpu
pipewire_display
pipewire_stop
