#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: all pipelines, one after the other. Prints TAP into /out.
#
#   guest.sh [PIPELINE...]

set -u

here=$(dirname "$0")
# shellcheck source=../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=devices.sh
. "$here/devices.sh"

exec > "$GST_OUT/guest.tap" 2> "$GST_OUT/guest.log"

BIN=/build/gst-tests
if ! [ -x $BIN/framesum ] || ! [ -x $BIN/foreign ]; then
	BIN=/tmp/bin
	mkdir -p $BIN
	make -s -C "$here" O=$BIN >&2 || tap_not_ok 'the programs compile'
fi

mkdir -p /tmp/chain
python3 $CHAIN test /tmp/chain > /tmp/chain.tap 2>&1
tap_import /tmp/chain.tap 'control: the join'

if ! vivid_load; then
	tap_not_ok 'vivid loads' "$(dmesg | tail -n 20)"
	tap_plan
	exit
fi
if [ -r "$STATS" ]; then
	tap_ok 'our modules are loaded'
else
	tap_not_ok 'our modules are loaded' "$(lsmod | grep videobuf2)"
fi
if ! display_load; then
	tap_not_ok 'the display loads' "$(dmesg | tail -n 20)"
fi
if devices_load; then
	tap_ok 'our devices load'
else
	tap_not_ok 'our devices load' "$(dmesg | tail -n 5)"
fi
for element in v4l2jpegenc v4l2jpegdec; do
	tap_is "$(grep -c -w $element /tmp/elements)" 1 \
		"GStreamer finds $element"
done

# dec-disp shows the files that cam-enc makes.
[ $# -gt 0 ] || set -- camera-display camera-output camera-cpu foreign \
	vbcam cam-disp late cam-enc dec-disp chain vivid-enc sizes rotation
for pipeline; do
	# shellcheck source=/dev/null
	. "$here/pipelines/$pipeline.sh"
	echo "$pipeline: until second $SECONDS" >&2
done

tap_run 'vivid unloads' modprobe -r vivid
tap_run 'our devices unload' devices_unload
for module in videobuf2-dma-contig videobuf2-dma-sg videobuf2-mem; do
	[ -d "/sys/module/${module//-/_}" ] || continue
	modprobe -r $module
done
tap_is "$(lsmod | grep -c '^videobuf2_\(mem\|dma\)')" 0 'our modules unload'
tap_plan
exit 0
