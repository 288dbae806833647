#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the codec's nodes, with the files of ./variants in /share. The
# results go to /out/codec.tap.
#
#	guest.sh all	platform devices: everything
#	guest.sh iommu	PCI functions behind the IOMMU: some of it, v4l2-compliance
#			on one device of each kind of memory
#	guest.sh few	platform devices: a look at whether it works
#
# Platform devices 0 and 1 are scatter-gather ones, 2 and 3 contiguous; 1 and 3
# have the multi-planar API; 2 has longer lines. PCI functions 0 and 2 are
# scatter-gather ones, 1 and 3 contiguous; 1 and 2 are in strict domains, the
# others in lazy ones.

set -u

# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/comply.sh
. /src/testbed/lib/comply.sh

mode=${1:-all}
bin=/build/selftests/codec
mutations=${VBM_CODEC_MUTATIONS:-20000}
rounds=${VBM_CODEC_ROUNDS:-200}
bus=platform
devices=(vbcodec.0 vbcodec.1 vbcodec.2 vbcodec.3)

node()		# codec, enc|dec
{
	local f

	for f in /sys/class/video4linux/video*/name; do
		[ "$(cat "$f")" = "vbcodec.$1-$2" ] || continue
		f=${f%/name}
		echo "/dev/${f##*/}"
		return
	done
	echo "/dev/none"
}

load()
{
	if [ $bus = pci ]; then
		modprobe vbcodec n_devs=4 pci=4 sg=1,0,1,0
	else
		modprobe vbcodec n_devs=4 sg=1,1,0,0 multiplanar=0,1,0,1 \
			stride_align=0,0,256,0
	fi
}

# The functions, and the kind of domain that each is to have.
find_functions()
{
	local f i type=(DMA-FQ DMA DMA DMA-FQ)

	bus=pci
	devices=()
	for f in /sys/bus/pci/devices/*; do
		[ "$(cat "$f/vendor" "$f/device")" = $'0x1234\n0x11e8' ] ||
			continue
		i=${#devices[@]}
		devices+=("${f##*/}")
		[ "$i" -ge 4 ] || [ "${type[i]}" = DMA-FQ ] ||
			echo "${type[i]}" > "$f/iommu_group/type"
		tap_is "$(cat "$f/iommu_group/type")" "${type[i]-}" \
			"function $i is in a domain of its kind"
	done
	tap_is ${#devices[@]} 4 'there are four functions'
}

import()	# name, command...
{
	local name=$1

	shift
	"$@" > "/out/$name.tap" 2> "/out/$name.err"
	tap_import "/out/$name.tap" "$name"
	[ ! -s "/out/$name.err" ] || tap_diag_file "/out/$name.err"
}

# Each of two single-planar codecs decodes, and the other one encodes.
streams()	# codec, other, files to decode and encode...
{
	local a=$1 b=$2

	shift 2
	import "drain-$a" "$bin/stream" drain "$(node "$a" dec)" \
		/share/good/2x2.jpg
	import "good-$a-$b" "$bin/m2m" good "$(node "$a" dec)" \
		"$(node "$b" enc)" "$@"
	import "sums-$a-$b" "$bin/sums" "$(node "$a" dec)" "$(node "$b" enc)" \
		/share/good/{333x251-2x1,127x65-2x2,17x33-2x2,5x3-1x1}.jpg
}

# Half of them in each kind of memory, at the same time.
mutated()
{
	local half=$((mutations / 2))

	"$bin/m2m" mutated "$(node 2 dec)" $half,$half /share/small/*.jpg \
		> /out/mutated-2.tap 2>&1 &
	import mutated-0 "$bin/m2m" mutated "$(node 0 dec)" 0,$half \
		/share/small/*.jpg
	wait $!
	tap_import /out/mutated-2.tap mutated-2
}

# The exporter has to be a single-planar one: v4l2-compliance does not take
# a multi-planar memory-to-memory device for that. What it exports is OUTPUT's,
# and has to be large enough for raw frames: an encoder. That of another codec, as
# both are open at once.
compliance()	# codec and codec that exports...
{
	local pair a from

	for pair; do
		a=${pair%:*}
		from=$(node "${pair#*:}" enc)
		comply "vbcodec.$a-enc" "$(node "$a" enc)" "$from" -s10
		comply "vbcodec.$a-dec" "$(node "$a" dec)" "$from" -s10
	done
	complied
	for pair; do
		a=${pair%:*}
		comply "vbcodec.$a-dec-from" "$(node "$a" dec)" \
			"$(node "${pair#*:}" enc)" -s10 \
			--stream-from=/share/good/vga.jpg
	done
	complied
}

# From another process: what streams sees its device go, or its file closed by
# a signal.
stress()	# rounds
{
	local i pid bad=0 count=$1 dev=${devices[0]}
	local drv=/sys/bus/$bus/drivers/vbcodec

	for ((i = 0; i < count; i++)); do
		"$bin/stream" run "$(node 0 dec)" /share/small/2x2.jpg \
			> /tmp/stream 2>&1 &
		pid=$!
		sleep "0.0$((i * 7 % 9))"
		case $((i % 3)) in
		0)
			echo "$dev" > "$drv/unbind" || bad=$((bad + 1))
			wait $pid
			echo "$dev" > "$drv/bind" || bad=$((bad + 1))
			;;
		1)
			kill -KILL $pid
			wait $pid 2>/dev/null
			;;
		2)
			kill -STOP $pid
			echo "$dev" > "$drv/unbind" || bad=$((bad + 1))
			kill -CONT $pid
			wait $pid
			echo "$dev" > "$drv/bind" || bad=$((bad + 1))
			;;
		esac
		# In use it can not go, and afterwards it has to.
		if [ $((i % 10)) -eq 9 ]; then
			"$bin/stream" run "$(node 0 dec)" /share/small/2x2.jpg \
				> /tmp/stream 2>&1 &
			pid=$!
			sleep 0.05
			rmmod vbcodec && bad=$((bad + 1))
			kill -KILL $pid
			wait $pid 2>/dev/null
			rmmod vbcodec && load || bad=$((bad + 1))
		fi
	done 2>/dev/null
	tap_is $bad 0 "$count times stopped while it streams"
	import still-good "$bin/m2m" good "$(node 0 dec)" "$(node 0 enc)" \
		/share/small/2x2.jpg
}

reqbufs()	# codec, times
{
	import "reqbufs-$1" "$bin/stream" reqbufs "$(node "$1" dec)" "$2" \
		/share/small/2x2.jpg
}

# Since the module was loaded.
faults()
{
	tap_is "$(cat /sys/kernel/debug/vbcodec/*/*/stats |
		awk '$1 == "faults" { n += $2 } END { print n + 0 }')" 0 \
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
	local element format colours

	for element in v4l2jpegenc v4l2jpegdec; do
		tap_run "GStreamer finds $element" gst-inspect-1.0 $element
	done
	for colours in bt601 bt709 1:4:7:1; do
		pipeline "v4l2jpegenc takes $colours" \
			videotestsrc num-buffers=2 ! \
			"video/x-raw,format=NV12,colorimetry=$colours" ! \
			v4l2jpegenc ! fakesink
	done
	for format in NV12 YUY2 BGRx; do
		rm -f /tmp/odd.raw
		pipeline "v4l2jpegdec makes $format of 333x251" \
			filesrc location=/share/good/333x251-2x2.jpg ! \
			jpegparse ! v4l2jpegdec ! "video/x-raw,format=$format" ! \
			filesink location=/tmp/odd.raw
		tap_run "of 333x251 to $format comes a frame" \
			test -s /tmp/odd.raw
	done
}

exec > /out/codec.tap
some=(/share/good/{2x2,grey-restart,1x1-2x2,17x33-2x2,333x251-1x2}.jpg)
[ "$mode" != iommu ] || find_functions
tap_run 'the module loads' load
case $mode in
all)
	streams 0 2 /share/good/*.jpg
	streams 2 0 "${some[@]}"
	mutated
	faults
	gst
	compliance 0:0 1:0 2:2 3:2
	reqbufs 0 "$rounds"
	reqbufs 2 "$rounds"
	stress "$rounds"
	;;
iommu)
	streams 0 1 "${some[@]}"
	streams 1 2 "${some[@]}"
	streams 2 3 "${some[@]}"
	streams 3 0 "${some[@]}"
	compliance 0:2 1:3
	faults
	reqbufs 0 $((rounds / 10))
	stress $((rounds / 10))
	;;
few)
	streams 0 2 "${some[@]}"
	streams 2 0 "${some[@]}"
	faults
	;;
esac
tap_run 'the module can be unloaded' rmmod vbcodec
if [ "$STOCK" = 0 ]; then
	sleep 1
	tap_run 'no buffer is left' \
		grep -q '^buffers 0$' /sys/kernel/debug/videobuf2-mem/stats
fi
tap_plan
exit 0
