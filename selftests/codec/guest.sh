#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # called by name
#
# In the guest: the codec's nodes, with the files of ./variants in /share. The
# results go to /out/codec.tap.
#
#	guest.sh all	platform devices: everything
#	guest.sh iommu	PCI functions behind the IOMMU: some of it, v4l2-compliance
#			on all of them
#	guest.sh few	platform devices: a look at whether it works
#
# Of the platform devices 0 and 1 are scatter-gather ones, 2 and 3 contiguous; 1
# and 3 have the multi-planar API; 2 has longer lines. PCI functions 0 and 2 are
# scatter-gather ones, 1 and 3 contiguous; 2 and 3 have the multi-planar API; 1
# and 2 are in strict domains, the others in lazy ones. There are four more of the
# same kinds, 4 to 7: while v4l2-compliance tries a node's priorities, nobody else
# gets far with that.

set -u

# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/comply.sh
. /src/testbed/lib/comply.sh
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh

mode=${1:-all}
bin=/build/selftests/codec
debugfs=/sys/kernel/debug
mutations=${VBM_CODEC_MUTATIONS:-20000}
rounds=${VBM_CODEC_ROUNDS:-200}
bus=platform
devices=(vbcodec.{0..7})

node()		# codec, enc|dec
{
	node_named "vbcodec.$1-$2"
}

load()
{
	if [ $bus = pci ]; then
		modprobe vbcodec n_devs=8 pci=8 sg=1,0,1,0,1,0,1,0 \
			multiplanar=0,0,1,1,0,0,1,1
	else
		modprobe vbcodec n_devs=8 sg=1,1,0,0,1,1,0,0 \
			multiplanar=0,1,0,1,0,1,0,1 \
			stride_align=0,0,256,0,0,0,256,0
	fi
}

# The functions, and the kind of domain that each is to have.
find_functions()
{
	local f i type=(DMA-FQ DMA DMA DMA-FQ DMA-FQ DMA DMA DMA-FQ)

	bus=pci
	devices=()
	for f in /sys/bus/pci/devices/*; do
		[ "$(cat "$f/vendor" "$f/device")" = $'0x1234\n0x11e8' ] ||
			continue
		i=${#devices[@]}
		devices+=("${f##*/}")
		[ "$i" -ge 8 ] || [ "${type[i]}" = DMA-FQ ] ||
			echo "${type[i]}" > "$f/iommu_group/type"
		tap_is "$(cat "$f/iommu_group/type")" "${type[i]-}" \
			"function $i is in a domain of its kind"
	done
	tap_is ${#devices[@]} 8 'there are eight functions'
}

# What does not need another's result begins, and its own are fetched later.
declare -A begun=()

begin()		# name, command...
{
	local name=$1

	shift
	"$@" > "/out/$name.tap" 2> "/out/$name.err" &
	begun[$name]=$!
}

fetch()		# names...
{
	local name

	for name; do
		wait "${begun[$name]}"
		tap_import "/out/$name.tap" "$name"
		[ ! -s "/out/$name.err" ] || tap_diag_file "/out/$name.err"
	done
}

import()	# name, command...
{
	begin "$@"
	fetch "$1"
}

# One codec decodes, another one encodes.
begin_good()	# codec, other, files to decode and encode...
{
	local a=$1 b=$2

	shift 2
	begin "good-$a-$b" "$bin/m2m" good "$(node "$a" dec)" \
		"$(node "$b" enc)" "$@"
}

begin_drain()	# codec, other, times
{
	begin "drain-$1-$2" "$bin/drain" "$(node "$1" dec)" \
		"$(node "$2" enc)" "$3" /share/small/{2x2,odd}.jpg
}

begin_bad()	# codec
{
	begin "bad-$1" "$bin/m2m" bad "$(node "$1" dec)" \
		/share/good/2x2.jpg /share/bad/*.jpg
}

begin_controls()	# codec
{
	begin "controls-$1" "$bin/controls" "$(node "$1" enc)" \
		"$(node "$1" dec)" /share/good/127x65-2x2.jpg
}

begin_together()	# codec
{
	begin "together-$1" "$bin/m2m" together "$(node "$1" dec)" \
		"$(node "$1" enc)" 20 /share/small/*.jpg
}

begin_mutated()	# codec, first, count
{
	begin "mutated-$1" "$bin/m2m" mutated "$(node "$1" dec)" "$2,$3" \
		/share/small/*.jpg
}

begin_reqbufs()	# codec, times
{
	begin "reqbufs-$1" "$bin/stream" reqbufs "$(node "$1" dec)" "$2" \
		/share/small/2x2.jpg
}

# These read everybody's trace: nothing else may stream.
sums()	# codec, other
{
	import "sums-$1-$2" "$bin/sums" "$(node "$1" dec)" "$(node "$2" enc)" \
		/share/good/{333x251-2x1,127x65-2x2,17x33-2x2,5x3-1x1}.jpg
}

# Functions that give results, as a program of their own.
apart()		# command...
{
	tap_count=0
	tap_failed=0
	"$@"
	tap_plan
}

# Codecs 0 to 3 at the same time; the nodes of each one after the other, as they
# share what v4l2-compliance tries of priorities. Cameras export, one for each,
# with buffers that are large enough for everybody.
compliance()
{
	local a kind from=()

	modprobe vbcam n_devs=4
	for a in 0 1 2 3; do
		from[a]=$(node_named "vbcam.$a")
		v4l2-ctl -d "${from[a]}" \
			-v width=640,height=480,pixelformat=XR24
	done
	for kind in enc dec; do
		for a in 0 1 2 3; do
			comply "vbcodec.$a-$kind" "$(node "$a" "$kind")" \
				"${from[a]}" -s10
		done
		complied
	done
	for a in 0 1 2 3; do
		comply "vbcodec.$a-dec-from" "$(node "$a" dec)" "${from[a]}" \
			-s10 --stream-from=/share/good/vga.jpg
	done
	complied
	tap_run 'the cameras can be unloaded' rmmod vbcam
}

# Sets $streamer to what decodes picture after picture, and has begun to.
begin_stream()	# codec, frames that it is to have decoded
{
	local stats=vbcodec/vbcodec.$1/decoder/stats

	value_of "$stats" frames
	"$bin/stream" run "$(node "$1" dec)" /share/small/2x2.jpg \
		> "/tmp/stream-$1" 2>&1 &
	streamer=$!
	await value_reaches "$stats" frames $((${value:-0} + $2)) ||
		echo "round $i: no frames: $(cat "/tmp/stream-$1")"
	value_is "$stats" faults 0 || echo "round $i: $value faults"
}

# From another process: what streams sees its device go, or its file closed by
# a signal. Says what goes wrong.
stress()	# codec, first and last round
{
	local i how codec=$1 dev=${devices[$1]} streamer value
	local drv=/sys/bus/$bus/drivers/vbcodec

	for ((i = $2; i <= $3; i++)); do
		begin_stream "$codec" $((1 + i * 7 % 9))
		how=$((i % 3))
		if [ $how -eq 0 ]; then
			kill -KILL "$streamer"
			wait "$streamer" 2>/dev/null
			[ $? -eq 137 ] || echo "round $i: it was not killed"
			continue
		fi
		[ $how -eq 1 ] || kill -STOP "$streamer"
		echo "$dev" > "$drv/unbind" || echo "round $i: no unbind"
		[ $how -eq 1 ] || kill -CONT "$streamer"
		wait "$streamer" ||
			echo "round $i: $(cat "/tmp/stream-$codec")"
		echo "$dev" > "$drv/bind" || echo "round $i: no bind"
	done
}

# In use the module can not go, and afterwards it has to.
reload()	# codec, times
{
	local i streamer value

	for ((i = 0; i < $2; i++)); do
		begin_stream "$1" 1
		! rmmod vbcodec 2>/dev/null ||
			echo "round $i: unloaded in use"
		kill -KILL "$streamer" || echo "round $i: it has ended"
		wait "$streamer" 2>/dev/null
		rmmod vbcodec || echo "round $i: not unloaded"
		load || echo "round $i: not loaded again"
	done
}

begin_stress()	# codec, first and last round
{
	stress "$@" > "/tmp/stress-$1" 2> "/out/stress-$1.err" &
	begun[stress-$1]=$!
}

fetch_stress()	# codec, times
{
	wait "${begun[stress-$1]}"
	tap_is "$(cat "/tmp/stress-$1")" '' \
		"codec $1: $2 times stopped while it streams"
}

stopped_and_reloaded()	# codec, other, times
{
	tap_is "$(reload "$1" "$3" 2> /out/reload.err)" '' \
		"$3 times unloaded, but not while it streams"
	begin_good "$1" "$2" /share/small/2x2.jpg
	begin_good "$2" "$1" /share/small/2x2.jpg
	fetch "good-$1-$2" "good-$2-$1"
	faults
}

# Since the module was loaded, or the device bound.
faults()
{
	local file n=0 sum=0 value

	for file in "$debugfs"/vbcodec/*/*coder/stats; do
		value_of "${file#"$debugfs/"}" faults || continue
		n=$((n + 1))
		sum=$((sum + value))
	done
	tap_is "$n nodes, $sum" "$((2 * ${#devices[@]})) nodes, 0" \
		'no device fault'
}

pipeline()	# text, elements...
{
	local text=$1

	shift
	timeout 60 gst-launch-1.0 -q "$@" > /tmp/pipeline 2>&1
	tap_is "$?: $(grep -E 'ERROR|CRITICAL' /tmp/pipeline)" '0: ' "$text"
}

# GStreamer finds the codec, and what each offers fits the other: the colours
# of cameras, pictures of odd size.
gst()
{
	local element format colours version

	version=$(gst-launch-1.0 --version | sed -n 's/.* version 1\.//p')
	for element in v4l2jpegenc v4l2jpegdec; do
		tap_run "GStreamer finds $element" gst-inspect-1.0 $element
	done
	for colours in bt601 bt709 1:4:7:1; do
		pipeline "v4l2jpegenc takes $colours" \
			videotestsrc num-buffers=2 ! \
			"video/x-raw,format=NV12,colorimetry=$colours" ! \
			v4l2jpegenc ! fakesink
	done
	for format in BGRx NV12 YUY2; do
		if [ $format != BGRx ] && [ "${version%%.*}" -lt 28 ]; then
			tap_skip "v4l2jpegdec makes $format of 333x251" \
				'before 1.28 it keeps the format that it finds'
			continue
		fi
		rm -f /tmp/odd.raw
		pipeline "v4l2jpegdec makes $format of 333x251" \
			filesrc location=/share/good/333x251-2x2.jpg ! \
			jpegparse ! v4l2jpegdec ! "video/x-raw,format=$format" ! \
			filesink location=/tmp/odd.raw
		tap_run "of 333x251 to $format comes a frame" \
			test -s /tmp/odd.raw
	done
}

# What waits or takes long runs beside the rest; what takes the devices away is
# left for last.
test_all()
{
	local half=$((mutations / 2)) part=$((rounds / 4)) a

	sums 4 6
	sums 6 4
	begin_drain 4 6 "$rounds"
	begin_drain 6 4 "$rounds"
	fetch drain-4-6 drain-6-4
	begin compliance apart compliance
	begin_mutated 4 0 $half
	begin_mutated 6 $half $half
	begin_good 4 6 /share/good/*.jpg
	begin_good 6 4 "${some[@]}"
	begin_good 5 7 "${some[@]}"
	begin_reqbufs 5 "$rounds"
	begin_reqbufs 7 "$rounds"
	for a in 4 6; do
		begin_bad $a
		begin_controls $a
		begin_together $a
		fetch {bad,controls,together}-$a
	done
	fetch good-{4-6,6-4,5-7} reqbufs-{5,7} mutated-{4,6}
	faults
	for a in 4 5 6 7; do
		begin_stress $a $((part * (a - 4))) $((part * (a - 3) - 1))
	done
	fetch compliance
	gst
	for a in 4 5 6 7; do
		fetch_stress $a $part
	done
	stopped_and_reloaded 4 6 $((rounds / 10))
}

# Functions are bound one at a time: their numbers go by the order of that.
test_iommu()
{
	local few=$((rounds / 10))

	sums 5 6
	sums 6 7
	begin compliance apart compliance
	begin_good 4 5 "${some[@]}"
	begin_good 5 6 "${some[@]}"
	fetch good-{4-5,5-6}
	begin_good 6 7 "${some[@]}"
	begin_good 7 4 "${some[@]}"
	fetch good-{6-7,7-4}
	begin_drain 4 5 "$rounds"
	begin_drain 7 6 "$rounds"
	begin_bad 7
	begin_together 5
	fetch drain-{4-5,7-6} bad-7 together-5
	begin_reqbufs 4 $few
	begin_reqbufs 7 $few
	fetch reqbufs-{4,7} compliance
	faults
	begin_stress 4 1 $((few / 2))
	fetch_stress 4 $((few / 2))
	begin_stress 7 $((few / 2 + 1)) $few
	fetch_stress 7 $((few - few / 2))
	stopped_and_reloaded 4 7 2
}

test_few()
{
	sums 0 2
	sums 2 0
	begin_good 0 2 "${some[@]}"
	begin_good 2 0 "${some[@]}"
	begin_drain 1 3 "$rounds"
	begin_drain 3 1 "$rounds"
	begin_controls 5
	fetch good-{0-2,2-0} drain-{1-3,3-1} controls-5
	faults
}

exec > /out/codec.tap
some=(/share/good/{2x2,grey-restart,1x1-2x2,17x33-2x2,333x251-1x2}.jpg)
[ "$mode" != iommu ] || find_functions
tap_run 'the module loads' load
case $mode in
all)	test_all ;;
iommu)	test_iommu ;;
few)	test_few ;;
esac
tap_run 'the module can be unloaded' rmmod vbcodec
if [ "$STOCK" = 0 ]; then
	await value_is videobuf2-mem/stats buffers 0
	tap_is $? 0 'no buffer is left'
fi
tap_plan
exit 0
