#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the codec's nodes, with the files of ./variants in /share. Each
# part leaves a TAP file in /out. Codecs 0 and 1 are scatter-gather ones, 2 and
# 3 contiguous; 1 and 3 have the multi-planar API.

set -u

bin=/build/selftests/codec
drv=/sys/bus/platform/drivers/vbcodec
mutations=${VBM_CODEC_MUTATIONS:-20000}
rounds=${VBM_CODEC_ROUNDS:-200}

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
	modprobe vbcodec n_devs=4 sg=1,1,0,0 multiplanar=0,1,0,1
}

# The exporter has to be a single-planar one: v4l2-compliance does not take
# a multi-planar memory-to-memory device for that. That of another codec, as
# both are open at once.
compliance()
{
	local codec kind from n=0 file sum
	{
		for codec in 0 1 2 3; do
			for kind in enc dec from; do
				from=()
				file=/out/compliance-$codec-$kind.txt
				[ $kind != from ] ||
					from=(--stream-from=/share/good/vga.jpg)
				v4l2-compliance -s10 -P -a "${from[@]}" \
					-d "$(node $codec ${kind/from/dec})" \
					-e "$(node $((codec & 2)) dec)" \
					> "$file" 2>&1 < /dev/null
				n=$((n + 1))
				sum=$(tail -n 1 "$file")
				if [[ $sum == *', Failed: 0, Warnings: 0' ]] &&
				   ! grep -q 'Cannot test' "$file"; then
					echo "ok $n - v4l2-compliance codec $codec $kind: $sum"
				else
					echo "not ok $n - v4l2-compliance codec $codec $kind: $sum"
					grep -E 'fail:|warn:|Cannot' "$file" |
						sed 's/^/#   /'
				fi
			done
		done
		echo "1..$n"
	} > /out/compliance.tap
}

# From another process: what streams sees its queue emptied, its device go, or
# its file closed by a signal.
stress()
{
	local i n=0 pid bad=0
	{
		for ((i = 0; i < rounds; i++)); do
			"$bin/m2m" "$(node 0 dec)" "$(node 0 enc)" stream \
				/share/small/2x2.jpg > /tmp/stream 2>&1 &
			pid=$!
			sleep "0.0$((i * 7 % 9))"
			case $((i % 3)) in
			0)
				echo vbcodec.0 > $drv/unbind || bad=$((bad + 1))
				wait $pid
				echo vbcodec.0 > $drv/bind || bad=$((bad + 1))
				;;
			1)
				kill -KILL $pid
				wait $pid 2>/dev/null
				;;
			2)
				kill -STOP $pid
				echo vbcodec.0 > $drv/unbind || bad=$((bad + 1))
				kill -CONT $pid
				wait $pid
				echo vbcodec.0 > $drv/bind || bad=$((bad + 1))
				;;
			esac
			# In use it can not go, and afterwards it has to.
			if [ $((i % 10)) -eq 9 ]; then
				rmmod vbcodec && load || bad=$((bad + 1))
			fi
		done 2>/dev/null
		n=$((n + 1))
		if [ $bad -eq 0 ]; then
			echo "ok $n - $rounds times stopped while it streams"
		else
			echo "not ok $n - $rounds times stopped: $bad failures"
		fi
		n=$((n + 1))
		if "$bin/m2m" "$(node 0 dec)" "$(node 0 enc)" good \
			/share/small/2x2.jpg > /tmp/good &&
		   ! grep -q '^not ok' /tmp/good; then
			echo "ok $n - and then works"
		else
			echo "not ok $n - and then works"
		fi
		n=$((n + 1))
		if rmmod vbcodec; then
			echo "ok $n - the module can be unloaded"
		else
			echo "not ok $n - the module can be unloaded"
		fi
		if [ "$STOCK" = 0 ]; then
			sleep 1
			n=$((n + 1))
			if grep -q '^buffers 0$' \
				/sys/kernel/debug/videobuf2-mem/stats; then
				echo "ok $n - no buffer is left"
			else
				echo "not ok $n - no buffer is left"
			fi
		fi
		echo "1..$n"
	} > /out/stress.tap
}

gst()
{
	local n=0 element
	{
		for element in v4l2jpegenc v4l2jpegdec; do
			n=$((n + 1))
			if gst-inspect-1.0 $element > /dev/null 2>&1; then
				echo "ok $n - GStreamer finds $element"
			else
				echo "not ok $n - GStreamer finds $element"
			fi
		done
		echo "1..$n"
	} > /out/gst.tap
}

load || exit 1
for memory in 0 2; do
	m2m=("$bin/m2m" "$(node $memory dec)" "$(node $memory enc)")
	"${m2m[@]}" drain /share/good/2x2.jpg > /out/drain-$memory.tap 2>&1
	"${m2m[@]}" good /share/good/*.jpg > /out/good-$memory.tap 2>&1
done
"$bin/m2m" "$(node 0 dec)" "$(node 0 enc)" mutated "$mutations" \
	/share/small/*.jpg > /out/mutated.tap 2>&1
faults=$(cat /sys/kernel/debug/vbcodec/*/*/stats |
	awk '$1 == "faults" { n += $2 } END { print n + 0 }')
{
	[ "$faults" = 0 ] && echo "ok 1 - no device fault" ||
		echo "not ok 1 - $faults device faults"
	echo 1..1
} > /out/faults.tap
gst
compliance
stress
exit 0
