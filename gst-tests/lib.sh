# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# In the guest: what the pipelines' checks have in common. Sourced by guest.sh
# together with testbed/lib/tap.sh and watch.sh.
#
# That a pipeline is zero-copy is asserted three ways, each with a function that
# says "ok" or what is wrong, so that the controls can ask the same question of
# a pipeline that was forced to copy and must get another answer:
#
#   proof_counters  our modules' own counters: what was exported, attached,
#                   mapped for the importer, and that nobody mapped a buffer
#                   for the CPU
#   proof_messages  no element said that it copies a frame
#   proof_frames    the frames that arrived are the camera's

# shellcheck disable=SC2034 # used by the pipelines
WIDTH=640
HEIGHT=480
# vivid's counters stand in the second line of its 8x16 text.
TEXT_ROWS=16-32

GST_OUT=${GST_OUT:-/out}
STATS=/sys/kernel/debug/videobuf2-mem/stats
BUFFERS=/sys/kernel/debug/videobuf2-mem/buffers
BUFINFO=/sys/kernel/debug/dma_buf/bufinfo

# What elements say when they copy a frame: kmssink, GStreamer's video library,
# and V4L2's buffer pool.
COPY_MESSAGES='frame copy|copy plane|slow copy|copying buffer|copy video frame'

# --- devices ----------------------------------------------------------------

# Two instances of vivid, each with an HDMI input and output, on dma-contig. The
# second one's input is the loop: it shows what its output is given.
vivid_load()
{
	local k

	modprobe vivid n_devs=2 node_types=0x101,0x101 allocators=1,1 \
		num_inputs=1,1 input_types=3,3 num_outputs=1,1 \
		output_types=1,1 no_error_inj=1 || return
	CAMERA=$(node_named vivid-000-vid-cap) &&
		OUTPUT=$(node_named vivid-001-vid-out) &&
		LOOP=$(node_named vivid-001-vid-cap) || return
	k=$(v4l2-ctl -d "$LOOP" -L |
		awk '/hdmi_001_0_is_connected_to/ { on = 1; next }
		     on && /Output HDMI 001-0/ { print $1 + 0; exit }')
	v4l2-ctl -d "$LOOP" -c "hdmi_001_0_is_connected_to=$k" \
		-c osd_text_mode=2 || return
	camera_text on
}

# The camera's text: a line with time and frame number, or none, so that all
# frames are the same.
camera_text()	# on|off
{
	local mode=2

	[ "$1" != on ] || mode=1
	v4l2-ctl -d "$CAMERA" -c osd_text_mode=$mode
}

display_load()
{
	modprobe cirrus 2>/dev/null || modprobe cirrus-qemu || return
	for DISPLAY_DRIVER in cirrus cirrus-qemu; do
		[ -e "/sys/bus/pci/drivers/$DISPLAY_DRIVER" ] && return
	done
	DISPLAY_DRIVER=
	return 1
}

# --- counters ---------------------------------------------------------------

# Read without a process of their own, which under emulation takes long.
declare -A STATS_BEGIN STATS_END

stats_read()	# name of the array to fill
{
	local -n into=$1
	local line lines=()

	into=()
	# As a whole: see value_of().
	{ mapfile -t lines < "$STATS"; } 2>/dev/null
	for line in "${lines[@]}"; do
		into["${line%% *}"]=${line#* }
	done
}

stats_begin()
{
	stats_read STATS_BEGIN
}

# What importers keep for the next time goes once the last fd has gone.
stats_end()
{
	local tries

	for ((tries = 0; tries < 50; tries++)); do
		stats_read STATS_END
		[ "${STATS_END[parked]-0}" = 0 ] && break
		sleep 0.1
	done
}

# How much a counter grew between the two.
delta()	# name
{
	if [ -n "${STATS_END[$1]-}" ]; then
		echo $((STATS_END[$1] - ${STATS_BEGIN[$1]-0}))
	else
		echo none
	fi
}

# The difference of all counters that changed, for diagnostics.
deltas()
{
	local name

	for name in "${!STATS_END[@]}"; do
		[ "$(delta "$name")" = 0 ] ||
			printf '%s %+d; ' "$name" "$(delta "$name")"
	done
}

# Since stats_begin somebody has imported the first buffers.
has_attached()
{
	stats_read STATS_END
	[ "$(delta attaches)" -ge 2 ]
}

# "ok", or the first of the conditions that does not hold. A condition is
# "NAME=VALUE", "NAME>=VALUE" or "NAME>VALUE"; VALUE is a number or another
# counter's name.
proof_counters()	# condition...
{
	local cond name op want got

	for cond; do
		[[ $cond =~ ^([a-z_]+)(>=|=|>)([a-z_0-9]+)$ ]] || {
			echo "bad condition $cond"
			return
		}
		name=${BASH_REMATCH[1]}
		op=${BASH_REMATCH[2]}
		want=${BASH_REMATCH[3]}
		got=$(delta "$name")
		[[ $want =~ ^[0-9]+$ ]] || want=$(delta "$want")
		if ! [[ $got =~ ^-?[0-9]+$ && $want =~ ^-?[0-9]+$ ]]; then
			echo "$cond: no such counter"
			return
		fi
		case $op in
		'=') [ "$got" -eq "$want" ] ;;
		'>=') [ "$got" -ge "$want" ] ;;
		'>') [ "$got" -gt "$want" ] ;;
		esac || {
			echo "$cond does not hold: $got, $want ($(deltas))"
			return
		}
	done
	echo ok
}

# --- pipelines --------------------------------------------------------------

GST_CATEGORIES='2,GST_PERFORMANCE:6,v4l2bufferpool:6,kmsallocator:6'

# Runs a pipeline to its end; its messages about performance are kept.
gst()	# name, pipeline...
{
	local name=$1

	shift
	GST_DEBUG=$GST_CATEGORIES GST_DEBUG_NO_COLOR=1 \
	GST_DEBUG_FILE=/tmp/$name.gst \
		timeout "${GST_TIMEOUT:-100}" gst-launch-1.0 "$@" > "/tmp/$name.out" 2>&1
	echo $? > "/tmp/$name.rc"
}

# It came to its end by itself, or by the end of the stream that it was sent:
# one that had to be killed proves nothing.
proof_ended()	# name
{
	local rc=none

	[ ! -s "/tmp/$1.rc" ] || read -r rc < "/tmp/$1.rc"
	[ "$rc" = 0 ] && echo ok || echo "GStreamer's exit code is $rc"
}

# What elements say about copies, but for those pools that may.
copy_messages()	# name, [pattern of the pools]
{
	grep -E "$COPY_MESSAGES" "/tmp/$1.gst" | grep -v -E "<${2:-none}>"
}

proof_messages()	# name, [pattern of the pools that may copy]
{
	local n

	if ! [ -s "/tmp/$1.gst" ]; then
		echo "no messages at all"
		return
	fi
	n=$(copy_messages "$@" | wc -l)
	if [ "$n" -eq 0 ]; then
		echo ok
	else
		echo "$n copies: $(copy_messages "$@" | head -n 1 |
			grep -o '<.*')"
	fi
}

# Frames of a raw file against the reference: every one between the first and
# the last that are right has to be right, and they have to be different
# frames. "ok", or what is wrong. The frames before and after are not the
# pipeline's: vivid's loop shows noise until it has one.
proof_frames()	# file, frame size, text range, reference sum, frames at least
{
	local sums

	sums=$("$BIN/framesum" "$2" "$3" "$1" 2>&1) || {
		echo "framesum: $sums"
		return
	}
	awk -v want="$4" -v least="$5" '
		{ picture[NR] = $2; text[NR] = $3 }
		$2 == want { if (!first) first = NR; last = NR }
		END {
			if (!first) {
				print "none of " NR " frames is right"
				exit
			}
			for (i = first; i <= last; i++) {
				if (picture[i] != want)
					wrong++
				if (!(text[i] in seen))
					different++
				seen[text[i]] = 1
			}
			if (wrong)
				print wrong " of " last - first + 1 \
					" frames are wrong"
			else if (different < least)
				print different " different frames, not " least
			else
				print "ok"
		}' <<<"$sums"
}

# What the camera's picture is, without any of the ways under test: its own
# buffers, read through their mmap. The format is the one that the pipeline left,
# since GStreamer also chooses the colorimetry.
reference()	# bytes a line, file; prints its sum without the text
{
	v4l2-ctl -d "$CAMERA" --stream-mmap --stream-count=1 \
		--stream-to="$2" > /tmp/reference.out 2>&1 || return
	"$BIN/framesum" "$(stat -c %s "$2")" "$(text_range "$1")" "$2" |
		awk '{ print $2 }'
}

reference_flipped()	# bytes a line, file
{
	v4l2-ctl -d "$CAMERA" -c horizontal_flip=1
	reference "$@"
	v4l2-ctl -d "$CAMERA" -c horizontal_flip=0
}

text_range()	# bytes a line
{
	echo "$((${TEXT_ROWS%-*} * $1))-$((${TEXT_ROWS#*-} * $1))"
}

# --- results ----------------------------------------------------------------

holds()	# what proof_* said, text, [name of the pipeline, for its messages]
{
	if [ "$1" = ok ]; then
		tap_ok "$2"
	else
		tap_not_ok "$2" "$1"
		[ -z "${3:-}" ] || {
			tap_diag_file "/tmp/$3.out" 12
			cp "/tmp/$3.gst" "/tmp/$3.out" "$GST_OUT/" 2>/dev/null
		}
	fi
}

# A control: the same question must get another answer, and for the right
# reason.
caught()	# what proof_* said, what it must say, text, [name of the pipeline]
{
	if [[ $1 =~ $2 ]]; then
		tap_ok "control: $3 is caught"
		tap_diag "$1"
	else
		tap_not_ok "control: $3 is caught" "$1"
		[ -z "${4:-}" ] ||
			cp "/tmp/$4.gst" "/tmp/$4.out" "$GST_OUT/" 2>/dev/null
	fi
}

# What the proofs say of a pipeline that copies, and of other frames.
NO_COUNT=' does not hold: '
A_COPY='^[0-9]+ copies: '
NOT_SHARED='shares nothing with|shares buffers with|the CPU maps'
OTHER_FRAMES='was not written|is not |is right|are wrong|samples differ'

# --- foreign memory (foreign.c) ---------------------------------------------

foreign_works()	# exporter, layout, what, device...
{
	local out rc

	stats_begin
	out=$(timeout 60 "$BIN/foreign" -e "$1" -l "$2" -d "$4" \
		${5:+-c "$5"} 2>&1)
	rc=$?
	stats_end
	if [ $rc -eq 0 ]; then
		tap_ok "foreign: $2 memory of $1 into $3 ($(tail -n 1 <<<"$out"))"
	else
		tap_not_ok "foreign: $2 memory of $1 into $3" \
			"exit code $rc" "$out" "$(deltas)"
	fi
	holds "$(proof_counters imports_total\>=3 import_maps=imports_total \
		 import_unmaps=import_maps fail_contiguity=0)" \
		"foreign: $2 memory of $1 into $3: the counters"
}

# What a device that needs contiguous memory says of other: EFAULT, as stock.
FOREIGN_ERRNO=14

# 3 is the program's exit code for a refusal, of which it prints the errno.
foreign_refused()	# exporter, what, device...
{
	local out rc

	stats_begin
	out=$(timeout 60 "$BIN/foreign" -e "$1" -l scattered -d "$3" \
		${4:+-c "$4"} 2>&1)
	rc=$?
	stats_end
	if [ $rc -eq 3 ] && grep -q "errno $FOREIGN_ERRNO " <<<"$out"; then
		tap_ok "foreign: scattered memory of $1 is refused by $2 ($(
			tail -n 1 <<<"$out"))"
	elif [ $rc -eq 5 ]; then
		tap_skip "foreign: scattered memory of $1 is refused by $2" \
			"this heap gave none: $(tail -n 1 <<<"$out")"
		return
	else
		tap_not_ok "foreign: scattered memory of $1 is refused by $2" \
			"exit code $rc" "$out" "$(deltas)"
	fi
	holds "$(proof_counters fail_contiguity=1)" \
		"foreign: scattered memory of $1 into $2: the counters"
}

# --- leftovers -----------------------------------------------------------

# Nothing of a finished pipeline may be left. dma-bufs go with a work item.
nothing_left()	# text
{
	local name left='' tries
	local -A now

	for ((tries = 0; tries < 50; tries++)); do
		left=''
		stats_read now
		for name in buffers bytes exports imports mappings parked; do
			[ "${now[$name]-}" = 0 ] || left+="$name ${now[$name]-} "
		done
		[[ $(< "$BUFINFO") == *'Total 0 objects'* ]] ||
			left+=$(tail -n 1 "$BUFINFO")
		[ -n "$left" ] || break
		sleep 0.1
	done
	if [ -z "$left" ]; then
		tap_ok "$1: nothing is left"
	else
		tap_not_ok "$1: nothing is left" "$left" "$(cat $BUFFERS)" \
			"$(grep -v '^$' "$BUFINFO" | head -n 40)"
	fi
}
