#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the demo's pipeline. Leaves the table in /out/table; fails where
# anything in it is not as it should be.

set -u

# shellcheck source=../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

frames=300
bad=0
# The text's first line has moved on when the second picture is taken.
between=1

wrong()
{
	echo "demo: $*"
	bad=1
}

row()
{
	printf '%-10s %s\n' "$1" "$2" >> "$GST_OUT/table"
}

# The driver of a device that dma_buf's bufinfo names.
driver_of()
{
	local path

	for path in /sys/bus/*/devices/"$1"/driver; do
		[ -e "$path" ] && basename "$(readlink "$path")"
	done
}

vivid_load && display_load || exit 1

stats_begin
gst demo v4l2src "device=$CAMERA" io-mode=dmabuf num-buffers=$frames ! \
	"video/x-raw,format=BGRx,width=$WIDTH,height=$HEIGHT" ! \
	kmssink "driver-name=$DISPLAY_DRIVER" force-modesetting=true \
	sync=false &
pid=$!
wait_for_attaches || wrong 'the display attached to nothing'
sleep 1
vm-screen || wrong 'no picture of the display'
cat "$BUFFERS" > "$GST_OUT/buffers"
cat "$BUFINFO" > "$GST_OUT/bufinfo"
sleep $between
vm-screen second.png || wrong 'no second picture'
wait $pid || wrong "GStreamer failed: $(tail -n 5 /tmp/demo.out)"
stats_end

rm -f "$GST_OUT/table"
row pipeline "v4l2src (vivid) ! BGRx ${WIDTH}x$HEIGHT ! kmssink ($DISPLAY_DRIVER)"
grep -q 'Got EOS' /tmp/demo.out || wrong 'the stream did not end by itself'
row frames "$frames"
row buffers "$(awk '/kind=mmap/ { for (i = 1; i <= NF; i++) {
		split($i, kv, "="); v[kv[1]] = kv[2] }
		n++; size = v["size"]; backing = v["backing"] }
		END { print n " of " size " bytes (" backing ")" }' \
		"$GST_OUT/buffers")"
row exported "$(delta exports_total) by $(awk '$5 ~ /^videobuf2/ { print $5 }' \
	"$GST_OUT/bufinfo" | sort -u | xargs), for $(grep -o ' dev=[^ ]*' \
	"$GST_OUT/buffers" | sort -u | cut -d= -f2 | xargs)"
attached=$(awk '/Attached Devices:/ { on = 1; next }
	/^Total/ { on = 0 } on && NF { print $1 }' "$GST_OUT/bufinfo" | sort -u)
row attached "$(delta attaches) by $(for device in $attached; do
	echo "$device ($(driver_of "$device"))"; done | xargs)"
row maps "$(delta maps) done, $(delta maps_cached) reused$(
	[ "$KERNEL" = 6.12 ] || echo '; the display reads by kernel address')"
row copies "$(grep -c -E "$COPY_MESSAGES" /tmp/demo.gst) found"

maps=exports_total
[ "$KERNEL" = 6.12 ] || maps=0	# 7.2's display attaches, but never maps
said=$(proof_counters "exports_total>0" "attaches=exports_total" \
	"maps=$maps" "user_maps=0" "user_faults=0")
[ "$said" = ok ] || wrong "counters: $said"
said=$(proof_messages demo)
[ "$said" = ok ] || wrong "$said"

picture=/src/gst-tests/picture.py
if python3 $picture bars "$GST_OUT/screen.png" "$TEXT_ROWS" &&
   python3 $picture differ "$GST_OUT/screen.png" "$GST_OUT/second.png" \
		"$TEXT_ROWS"; then
	row picture "out/demo.png: the camera's colour bars, and running"
else
	wrong 'the picture is not that of the running camera'
	row picture 'out/demo.png: not that of the running camera'
fi
exit $bad
