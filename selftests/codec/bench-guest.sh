#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In a guest whose clock counts instructions: what a frame costs the codec's
# nodes, and what it costs cjpeg and djpeg without SIMD. See ./bench.
#
# A program has a start and an end that are no frame's: theirs is the difference
# between a file of ten frames, one below the other, and a file of one.

set -eu

bin=/build/selftests/codec
theirs=/share/libjpeg
export LD_LIBRARY_PATH=$theirs JSIMD_FORCENONE=1
frames=10
width=640
height=480

node()		# enc|dec
{
	local f

	for f in /sys/class/video4linux/video*/name; do
		[ "$(cat "$f")" != "vbcodec.0-$1" ] || basename "${f%/name}"
	done
}

figure()	# text, ours, theirs
{
	echo "codec $1 ${width}x$height ours $2 libjpeg $3" \
	     "ratio $(awk "BEGIN { printf \"%.3f\", $2 / $3 }")"
}

# ppm LINES...: the lines of pixels that come in, with a header.
ppm()
{
	printf 'P6\n%d %d\n255\n' $width "$1"
	cat
}

modprobe vbcodec sg="${1:-0}"
cd /tmp
head -c $((3 * width * height)) /share/photo.rgb > photo.rgb
ppm $height < photo.rgb > one.ppm
for ((i = 0; i < frames; i++)); do
	cat photo.rgb
done | ppm $((frames * height)) > ten.ppm

for sample in 2x2 2x1 1x1; do
	for size in one ten; do
		$theirs/cjpeg -dct int -quality 75 -sample $sample \
			-outfile $size-$sample.jpg $size.ppm
	done
	one=$($bin/bench-run exec $theirs/djpeg -dct int -rgb -outfile out.ppm \
		one-$sample.jpg)
	ten=$($bin/bench-run exec $theirs/djpeg -dct int -rgb -outfile out.ppm \
		ten-$sample.jpg)
	figure "decode-$sample" "$($bin/bench-run decode "/dev/$(node dec)" xr24 \
		$frames one-$sample.jpg)" $(((ten - one) / (frames - 1)))
done

# What the node decodes to is what it encodes, and the same that djpeg has.
$theirs/djpeg -dct int -rgb -outfile one.ppm one-1x1.jpg
$theirs/djpeg -dct int -rgb -outfile ten.ppm ten-1x1.jpg
$bin/vbjpeg decode xr24 one-1x1.jpg one.raw > /dev/null
one=$($bin/bench-run exec $theirs/cjpeg -dct int -quality 75 -sample 2x2 \
	-outfile out.jpg one.ppm)
ten=$($bin/bench-run exec $theirs/cjpeg -dct int -quality 75 -sample 2x2 \
	-outfile out.jpg ten.ppm)
figure encode-2x2 "$($bin/bench-run encode "/dev/$(node enc)" xr24 $width $height \
	75 $frames one.raw)" $(((ten - one) / (frames - 1)))
