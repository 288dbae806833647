# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used by who sources it
#
# In the guest: what the tests have in common. Sourced by guest.sh together with
# testbed/lib/tap.sh, comply.sh and watch.sh.

check=/build/selftests/frame_check
chain=/build/selftests/chain
debugfs=/sys/kernel/debug
tracing=/sys/kernel/tracing
driver=/sys/bus/platform/drivers/vbcam

load()	# parameters
{
	rmmod vbcam 2>/dev/null
	modprobe vbcam "$@" || {
		tap_not_ok "vbcam loads with $*"
		exit 1
	}
}

node()	# number of a camera
{
	node_named "vbcam.$1"
}

stat_of()	# vbcam|vbdma, number of a camera, name
{
	local value

	value_of "$1/vbcam.$2/stats" "$3"
	echo "$value"
}

stat_reaches()	# vbcam|vbdma, number, name, value
{
	value_reaches "$1/vbcam.$2/stats" "$3" "$4"
}

frames()	# text, number of a camera, options of frame_check...
{
	local text=$1 cam=$2

	shift 2
	tap_run "$text" "$check" -n 8 -l "$@" "$(node "$cam")"
}

# Frames arrive damaged on stock, unharmed on ours.
defect()	# text, number of a camera, options of frame_check...
{
	local text=$1 cam=$2 out rc

	shift 2
	out=$("$check" -n 8 -l "$@" "$(node "$cam")" 2>&1)
	rc=$?
	if [ "$STOCK" = 1 ]; then
		tap_is $rc 1 "stock must fail: $text"
	else
		tap_is $rc 0 "$text"
	fi
	tap_diag "$out"
}

no_faults()	# cameras
{
	local cam

	for ((cam = 0; cam < $1; cam++)); do
		tap_is "$(stat_of vbdma $cam faults)" 0 \
			"camera $cam: no device fault"
	done
}

# --- chains of devices --------------------------------------------------------

unload_all()
{
	local module

	for module in vbcam vbcodec vbdisp; do
		[ ! -e /sys/module/$module ] || rmmod $module || return
	done
}

# Devices 0 are contiguous, devices 1 scatter-gather ones; camera 0 does not
# lose a frame for want of a buffer.
load_all()	# pci functions of each driver, parameters for all of them...
{
	local pci=$1

	shift
	if ! { unload_all &&
	       modprobe vbcam n_devs=2 sg=0,1 "pci=$pci" patient=1,0 "$@" &&
	       modprobe vbcodec n_devs=2 sg=0,1 "pci=$pci" "$@" &&
	       modprobe vbdisp n_devs=2 sg=0,1 "pci=$pci" "$@"; }; then
		tap_not_ok "the drivers load with $*"
		exit 1
	fi
}

# Turned on once and while nothing streams: an emulated processor can execute
# code that another one has patched a moment ago, and die of it.
trace_begin()
{
	if [ "$(cat $tracing/events/vbdma/vbdma_frame/enable)" != 1 ]; then
		echo 16384 > $tracing/buffer_size_kb
		echo 1 > $tracing/events/vbdma/vbdma_frame/enable
	fi
	echo > $tracing/trace
}

trace_end()	# file
{
	cat $tracing/trace > "$1"
}

# Frames from device to device, by each one's own checksum of them: "ok", or
# what is wrong. What a device writes and the next one reads is raw and JPEG by
# turns.
joined()	# trace, frames, devices...
{
	local trace=$1 frames=$2 from to kind=raw said

	shift 2
	while [ $# -gt 1 ]; do
		from=${1%-*}
		to=${2%-*}
		said=$(awk -v from="$from" -v to="$to" -v kind=$kind \
			-v frames="$frames" '
		function field(name,  i, kv) {
			for (i = 1; i <= NF; i++)
				if (split($i, kv, "=") == 2 && kv[1] == name)
					return kv[2]
			return ""
		}
		!/ vbdma_frame: / { next }
		(field("fmt") == "JPEG") != (kind == "jpeg") { next }
		field("dev") == from && field("dir") == "write" {
			written[nw++] = field("sum")
		}
		field("dev") == to && field("dir") == "read" {
			taken[nr++] = field("sum")
		}
		END {
			if (nr < frames || nr > nw) {
				print nw + 0 " frames written, " nr + 0 " read"
				exit
			}
			for (i = 0; i < nr; i++)
				wrong += taken[i] != written[i]
			if (wrong)
				print wrong " of " nr " frames are wrong"
			else
				print "ok"
		}' "$trace")
		if [ "$said" != ok ]; then
			echo "$from to $to ($kind): $said"
			return
		fi
		[ $kind = raw ] && kind=jpeg || kind=raw
		shift
	done
	echo ok
}

faults()
{
	cat $debugfs/vbdma/*/stats | awk '$1 == "faults" { n += $2 }
					  END { print n + 0 }'
}

# Runs frames through devices; what "chain" and the checksums say of it is in
# $chain_said and $chain_joined.
run_chain()	# frames, options of chain (one word), devices...
{
	local frames=$1 options=$2 device nodes=()

	shift 2
	for device; do
		nodes+=("$(node_named "$device")")
	done
	trace_begin
	# shellcheck disable=SC2086 # several options
	chain_said=$("$chain" -n "$frames" $options "${nodes[@]}" 2>&1)
	chain_rc=$?
	trace_end /tmp/trace
	chain_joined=$(joined /tmp/trace "$frames" "$@")
}

# All frames arrive and are right, and no device faults.
flows()	# text, frames, options of chain, devices...
{
	local text=$1 before

	shift
	before=$(faults)
	run_chain "$@"
	tap_is "$chain_rc" 0 "$text ($chain_said)"
	tap_is "$chain_joined" ok "$text: each checksum, from device to device"
	tap_is "$(faults)" "$before" "$text: no device fault"
}

# --- v4l2-compliance ----------------------------------------------------------

# Of all these at once: comply.sh.
complies()	# name of a node:name of one that exports...
{
	local pair

	for pair; do
		comply "${pair%:*}" "$(node_named "${pair%:*}")" \
			"$(node_named "${pair#*:}")" -s5
	done
	complied
}
