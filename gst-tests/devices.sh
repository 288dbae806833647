# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used by the pipelines
#
# In the guest: our own devices, cameras, codecs and displays, two of each: 0
# has scatter-gather memory, 1 contiguous. Sourced by guest.sh and demo.sh after
# lib.sh.
#
# They trace the checksum of each frame that they have written or read, and our
# modules trace who shares buffers with whom. A pipeline runs between run_begin
# and run_end, and is then asked
#
#   proof_shared    these devices share buffers, no others do, and the CPU maps
#                   none of them
#   proof_chain     each frame that a device has read is one that the device
#                   before it wrote, in order; no camera lost a frame that it
#                   did not count; no device saw a fault, and no display that
#                   the frame on screen changed
#
# which say "ok" or what is wrong, as the proofs of lib.sh do.

TRACING=/sys/kernel/tracing
CHAIN=/src/gst-tests/chain.py
CAM=() ENC=() DEC=() DISP=()

# The element of a memory-to-memory node: the first one has the short name.
element_of()	# node, enc|dec
{
	local name=v4l2${1#/dev/}jpeg$2

	grep -q -w "$name" /tmp/elements || name=v4l2jpeg$2
	echo "$name"
}

devices_load()
{
	local i node

	# Lines of whole words, as GStreamer has them.
	modprobe vbcam n_devs=2 sg=1,0 patient=1,1 stride_align=4,4 &&
		modprobe vbcodec n_devs=2 sg=1,0 &&
		modprobe vbdisp n_devs=2 sg=1,0 || return
	gst-inspect-1.0 video4linux2 > /tmp/elements 2>&1
	for i in 0 1; do
		CAM[i]=$(node_named vbcam.$i) &&
			DISP[i]=$(node_named vbdisp.$i) || return
		node=$(node_named vbcodec.$i-enc) || return
		ENC[i]=$(element_of "$node" enc)
		node=$(node_named vbcodec.$i-dec) || return
		DEC[i]=$(element_of "$node" dec)
	done
}

devices_unload()
{
	modprobe -r vbdisp && modprobe -r vbcodec && modprobe -r vbcam
}

# How the display is named where it attaches to a buffer.
display_device()
{
	local path

	for path in "/sys/bus/pci/drivers/$DISPLAY_DRIVER"/0000:*; do
		echo "${path##*/}"
	done
}

# --- running ------------------------------------------------------------------

# Turned on once and while nothing streams, and without the names of processes,
# for which the scheduler would be patched: an emulated processor can execute
# code that another one has patched a moment ago, and die of it.
trace_on()
{
	local event

	echo 0 > $TRACING/options/record-cmd
	for event in vbdma/vbdma_frame vbm/vbm_buf_alloc vbm/vbm_export \
		vbm/vbm_attach vbm/vbm_map vbm/vbm_map_cached vbm/vbm_mmap \
		vbm/vbm_move; do
		[ "$(cat $TRACING/events/$event/enable)" = 1 ] ||
			echo 1 > $TRACING/events/$event/enable
	done
}

lost_now()
{
	local cam value

	for cam in vbcam.0 vbcam.1; do
		value_of "vbcam/$cam/stats" lost
		echo "$value"
	done
}

run_begin()
{
	mapfile -t LOST_BEFORE < <(lost_now)
	trace_on
	echo > $TRACING/trace
	stats_begin
}

run_end()	# name
{
	stats_end
	cat $TRACING/trace > "/tmp/$1.trace"
	mapfile -t LOST_AFTER < <(lost_now)
}

# How many frames a device has written or read up to now.
moved()	# device, read|write, format
{
	grep -c "vbdma_frame: dev=$1 dir=$2 fmt=$3 " $TRACING/trace
}

# A pipeline that goes on until run_stop. gst_start runs it in the background
# with GST_PID; on SIGINT it sends the end of the stream through.
gst_start()	# name, pipeline...
{
	local name=$1

	shift
	GST_DEBUG=$GST_CATEGORIES GST_DEBUG_NO_COLOR=1 \
	GST_DEBUG_FILE=/tmp/$name.gst \
		gst-launch-1.0 -e "$@" > "/tmp/$name.out" 2>&1 &
	GST_PID=$!
	GST_NAME=$name
}

gst_wait()	# fails if it had to be killed, or says so itself
{
	local i

	for ((i = 0; i < 600; i++)); do
		kill -0 "$GST_PID" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$GST_PID" 2>/dev/null
	wait "$GST_PID"
	i=$?
	echo $i > "/tmp/$GST_NAME.rc"
	return $i
}

gst_stop()
{
	kill -INT "$GST_PID"
	gst_wait
}

# v4l2sink shows the first frame twice unless it is told not to: the second
# time, it copies it where the buffer is its own.
V4L2SINK='v4l2sink show-preroll-frame=false sync=false'

has_moved()	# frames, device, read|write, format
{
	[ "$(moved "$2" "$3" "$4")" -ge "$1" ]
}

all_stopped()
{
	! grep -h '^State:' "/proc/$GST_PID"/task/*/status |
		grep -q -v 'T (stopped)'
}

# The display, with the pipeline held still, so that nothing is half drawn.
screen_still()	# [name of the picture]
{
	local rc

	kill -STOP "$GST_PID" && await all_stopped
	vm-screen "$@"
	rc=$?
	kill -CONT "$GST_PID"
	return $rc
}

# --- proofs -------------------------------------------------------------------

proof_shared()	# name, OWNER>USER...
{
	local name=$1

	shift
	python3 $CHAIN shared "/tmp/$name.trace" "$@" 2>&1
}

proof_faults()
{
	local file name value

	for file in /sys/kernel/debug/{vbdma,vbdisp}/*/stats; do
		name=faults
		[[ $file != */vbdisp/* ]] || name=torn
		# Not all have a display.
		[ -e "$file" ] || [ $name = faults ] || continue
		value_of "${file#/sys/kernel/debug/}" $name
		if [ "$value" != 0 ]; then
			echo "$file: ${value:-no} $name"
			return
		fi
	done
	echo ok
}

# Sets QUESTION to what chain.py is to be asked of frames.
frames_question()	# name, frames at least, [--alter], hop...
{
	local name=$1 i

	QUESTION=(frames --least "$2")
	shift 2
	if [ "$1" = --alter ]; then
		QUESTION+=(--alter)
		shift
	fi
	for i in 0 1; do
		! grep -q "vbdma_frame: dev=vbcam.$i " "/tmp/$name.trace" ||
			QUESTION+=(--lost "vbcam.$i=$((LOST_AFTER[i] -
				LOST_BEFORE[i]))")
	done
	QUESTION+=("/tmp/$name.trace" "$@")
}

# What chain.py says in full is left in /tmp/NAME.chain.
proof_chain()	# name, frames at least, [--alter], hop...
{
	local said

	said=$(proof_faults)
	if [ "$said" = ok ]; then
		frames_question "$@"
		said=$(python3 $CHAIN "${QUESTION[@]}" 2>&1)
		echo "$said" > "/tmp/$1.chain"
	fi
	echo "${said/#ok */ok}"
}

# The three proofs, and a control of the third. PAIRS, COUNTERS and HOPS say
# what is expected. chain.py is started once for all of them, as that takes long.
zero_copy()	# name, frames at least, [pattern of pools that may copy]
{
	local name=$1 said questions answers

	questions=(shared "/tmp/$name.trace" "${PAIRS[@]}")
	frames_question "$name" "$2" "${HOPS[@]}"
	questions+=(';' "${QUESTION[@]}")
	frames_question "$name" "$2" --alter "${HOPS[@]}"
	questions+=(';' "${QUESTION[@]}")
	mapfile -t answers < <(python3 $CHAIN "${questions[@]}" 2>&1)

	holds "$(proof_ended "$name")" "$name: the pipeline ends well" "$name"
	said=$(proof_counters "${COUNTERS[@]}")
	[ "$said" != ok ] || said=${answers[0]-}
	holds "$said" "$name: the counters say zero-copy" "$name"
	holds "$(proof_messages "$name" "${3:-}")" "$name: no element copies" \
		"$name"
	said=$(proof_faults)
	[ "$said" != ok ] || said=${answers[1]-}
	holds "${said/#ok */ok}" "$name: every frame arrives as it was written" \
		"$name"
	tap_diag "$said"
	[[ $said == 'ok '* ]] || cp "/tmp/$name.trace" "$GST_OUT/"
	caught "${answers[2]-}" "$OTHER_FRAMES" "$name: one wrong checksum"
}

# The controls of the other two: a pipeline that was made to copy.
copies()	# name, [pattern of pools that may copy]
{
	holds "$(proof_ended "$1")" "$1: the pipeline ends well" "$1"
	caught "$(proof_counters "${COUNTERS[@]}")" "$NO_COUNT" \
		"$1: a copy, by the counters"
	caught "$(proof_shared "$1" "${PAIRS[@]}")" "$NOT_SHARED" \
		"$1: a copy, by who shares buffers"
	caught "$(proof_messages "$1" "${2:-}")" "$A_COPY" \
		"$1: a copy, by its message" "$1"
}
