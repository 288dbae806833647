#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the demo's pipeline, camera to encoder to decoder to display.
# While it runs the camera is told to mirror its picture, so that the display has
# to show another one. Leaves the table in /out/table; fails where anything in it
# is not as it should be.

set -u

# shellcheck source=../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=devices.sh
. "$(dirname "$0")/devices.sh"

bad=0
picture=/src/gst-tests/picture.py
# The camera's frame number lies over the first pixels, and JPEG spreads that
# over a block.
mark=0-16

wrong()
{
	echo "demo: $*"
	bad=1
}

row()
{
	printf '%-10s %s\n' "$1" "$2" >> "$GST_OUT/table"
}

# The driver of a device.
driver_of()
{
	local path

	for path in /sys/bus/*/devices/"$1"/driver; do
		[ -e "$path" ] && basename "$(readlink "$path")"
	done
}

# A line for each pair of devices that share buffers.
pairs()
{
	local owner user rest name=exported

	while read -r owner user rest; do
		[[ $user == vb* ]] || user="$user ($(driver_of "$user"))"
		[[ $rest =~ buffers=(.*)\ attaches=(.*)\ maps=(.*)\ reused=(.*) ]]
		row "$name" "${BASH_REMATCH[1]} buffers by $owner to $user: $(
			)${BASH_REMATCH[2]} attaches, ${BASH_REMATCH[3]} maps, $(
			)${BASH_REMATCH[4]} reused"
		name=
	done < <(python3 $CHAIN shared /tmp/demo.trace)
}

modprobe vbcam patient=1 && modprobe vbcodec && display_load || exit 1
camera=$(node_named vbcam.0) || exit 1
card=$(display_device)
size=width=$WIDTH,height=$HEIGHT

# JPEG made from RGB is not JPEG of RGB, which is what GStreamer would say.
run_begin
gst_start demo v4l2src "device=$camera" io-mode=dmabuf ! \
	video/x-raw,format=BGRx,"$size" ! \
	v4l2jpegenc output-io-mode=dmabuf-import capture-io-mode=dmabuf ! \
	capssetter replace=true caps=image/jpeg,parsed=true,"$size" ! \
	v4l2jpegdec output-io-mode=dmabuf-import capture-io-mode=dmabuf ! \
	kmssink "driver-name=$DISPLAY_DRIVER" force-modesetting=true sync=false
await has_moved 12 vbcodec.0 write XR24 || wrong 'no frame arrives'
screen_still || wrong 'no picture of the display'
cat "$BUFFERS" > "$GST_OUT/buffers"
cat "$BUFINFO" > "$GST_OUT/bufinfo"
# What is under way is still as it was before.
v4l2-ctl -d "$camera" -c horizontal_flip=1
await has_moved $(($(moved vbcodec.0 write XR24) + 24)) vbcodec.0 write XR24
screen_still second.png || wrong 'no second picture'
gst_stop || wrong "GStreamer failed: $(tail -n 5 /tmp/demo.out)"
run_end demo
cp /tmp/demo.trace "$GST_OUT/trace"

rm -f "$GST_OUT/table"
row pipeline "v4l2src (vbcam) ! BGRx ${WIDTH}x$HEIGHT ! v4l2jpegenc ! v4l2jpegdec ! kmssink ($DISPLAY_DRIVER)"
grep -q 'Got EOS' /tmp/demo.out || wrong 'the stream did not end as it should'
row frames "$(moved vbcam.0 write XR24) by the camera, $(
	)$((LOST_AFTER[0] - LOST_BEFORE[0])) lost; $(
	)$(moved vbcodec.0 write JPEG) encoded, $(
	)$(moved vbcodec.0 write XR24) decoded"
row buffers "$(awk '/kind=mmap/ { for (i = 1; i <= NF; i++) {
		split($i, kv, "="); v[kv[1]] = kv[2] }
		n++; backing[v["backing"]] }
		END { printf "%d (", n
		      for (b in backing) printf "%s%s", s++ ? " " : "", b
		      print ")" }' \
		"$GST_OUT/buffers"), all of $(awk '$5 ~ /^videobuf2/ {
			print $5 }' "$GST_OUT/bufinfo" | sort -u | xargs)"
pairs
[ "$KERNEL" = 6.12 ] || row '' "the display reads by kernel address"
row copies "$(grep -c -E "$COPY_MESSAGES" /tmp/demo.gst) found"

pairs=("vbcam.0>vbcodec.0" "vbcodec.0>vbcodec.0" "vbcodec.0>$card")
said=$(proof_counters "exports_total>0" "attaches>imports_total" \
	"import_maps=imports_total" "user_maps=0" "user_faults=0")
[ "$said" = ok ] || wrong "counters: $said"
said=$(proof_shared demo "${pairs[@]}")
[ "$said" = ok ] || wrong "$said"
said=$(proof_messages demo)
[ "$said" = ok ] || wrong "$said"
said=$(proof_chain demo 30 "vbcam.0:XR24>vbcodec.0:XR24@tail=16" \
	"vbcodec.0:JPEG>vbcodec.0:JPEG" \
	"vbcodec.0:XR24>screen=$GST_OUT/screen.png" \
	"vbcodec.0:XR24>screen=$GST_OUT/second.png")
if [ "$said" = ok ]; then
	IFS=, read -r encoded decoded first second < <(sed 's/^ok //' \
		/tmp/demo.chain)
	row checksums "camera to encoder: $encoded right; encoder to decoder:$(
		)$decoded; decoder to display: the pictures are$first and$second"
else
	wrong "$said"
	row checksums "$said"
fi

if python3 $picture bars "$GST_OUT/screen.png" $mark &&
   python3 $picture mirrored "$GST_OUT/second.png" $mark; then
	row picture "out/demo.png: the camera's colour bars, and mirrored when the camera was told to"
else
	wrong 'the picture is not that of the running camera'
	row picture 'out/demo.png: not that of the running camera'
fi
exit $bad
