#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm on living modules. The demo's pipeline runs, and is stopped
# where it stands while vbm looks, so that what it says can be compared with the
# files; then it goes while vbm looks. An import is refused; the modules go; the
# kernel's own come. Prints TAP into /out.

set -u

# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=../../gst-tests/lib.sh
. /src/gst-tests/lib.sh
# shellcheck source=../../gst-tests/devices.sh
. /src/gst-tests/devices.sh
# shellcheck source=screen.sh
. /src/tools/tests/screen.sh
exec > /out/tool.tap 2> /out/tool.log

vbm=/share/vbm
debugfs=/sys/kernel/debug/videobuf2-mem
work=/tmp/tool
mkdir -p $work
export LC_ALL=C.UTF-8

# Its output in $work/out, its exit code in rc.
run()
{
	"$vbm" "$@" > $work/out 2>&1
	rc=$?
}

says()	# text, exit code, pattern
{
	if [ "$rc" = "$2" ] && grep -q -e "$3" $work/out; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "exit code $rc, not $2; or no '$3':" \
			"$(tail -n 20 $work/out)"
	fi
}

# What there is before any of our modules is loaded.
test_nothing()
{
	run list
	says 'nothing is loaded: said, and bufinfo shown' 4 'not loaded'
	run doctor
	says 'nothing is loaded: doctor says what would be' 4 \
		'would load those of videobuf2-mem'
}

pipeline_begin()
{
	local camera size=width=$WIDTH,height=$HEIGHT

	modprobe vbcam patient=1 && modprobe vbcodec && display_load || return
	camera=$(node_named vbcam.0) || return
	card=$(display_device)
	trace_on
	gst_start tool v4l2src "device=$camera" io-mode=dmabuf ! \
		video/x-raw,format=BGRx,"$size" ! \
		v4l2jpegenc output-io-mode=dmabuf-import capture-io-mode=dmabuf ! \
		capssetter replace=true caps=image/jpeg,parsed=true,"$size" ! \
		v4l2jpegdec output-io-mode=dmabuf-import capture-io-mode=dmabuf ! \
		kmssink "driver-name=$DISPLAY_DRIVER" force-modesetting=true \
		sync=false
	await has_moved 12 vbcodec.0 write XR24
}

# The files that vbm reads, as a tree: for the next time that saved files are
# wanted, and to compare the living machine with them.
save()
{
	local file

	mkdir -p "$1$debugfs" "$1/proc/sys/kernel"
	for file in buffers devices failures stats; do
		cat "$debugfs/$file" > "$1$debugfs/$file"
	done
	mkdir -p "$1$(dirname $BUFINFO)"
	cat $BUFINFO > "$1$BUFINFO"
	for file in uptime meminfo cmdline sys/kernel/osrelease; do
		cat "/proc/$file" > "$1/proc/$file"
	done
	cp -d --parents /sys/bus/*/devices/{vb*,"$card"}/driver "$1"
}

# Of the pipeline, which stands still.
test_pipeline()
{
	local id name

	save /out/saved
	run list
	tap_is "$rc $(($(wc -l < $work/out) - 1))" \
		"0 $(wc -l < /out/saved$debugfs/buffers)" \
		'list: a line for each buffer and import'
	"$vbm" list --sysroot /out/saved > $work/saved
	tap_run 'list: saved files say the same as the living machine' \
		diff $work/out $work/saved
	tap_run 'JSON has what the files have' \
		python3 /src/tools/tests/compare.py $vbm /out/saved living
	# The encoder has two places: what is in neither is with nobody by now.
	name=$(awk '/kind=mmap dev=vbcam.0 .* attached=vbcodec.0/ {
		sub("buf=", "", $1); print $1; exit }' $debugfs/buffers)
	run show "$name"
	says 'show: a buffer of the camera' 0 'attached *vbcodec.0'
	says 'show: who imports it' 0 'imported *as [0-9]* by vbcodec.0 (to)'
	run explain "$name"
	says 'explain: why it is where it is' 0 'its memory comes from'
	says 'explain: who has it' 0 'vbcodec.0 has it mapped (to)'
	says 'explain: what was traced of it' 0 "Traced: .*buf=$name "
	rc=0
	while read -r id; do
		{ "$vbm" explain "$id" && "$vbm" show "$id"; } > $work/one ||
			rc=$?
	done < <(awk '{ sub("buf=", "", $1); print $1 }' $debugfs/buffers)
	tap_is $rc 0 'explain and show: each of them'
	for name in vbcam.0 vbcodec.0; do
		run explain $name
		says "explain: $name" 0 'Nothing has failed for it lately'
	done
	run doctor
	says 'doctor: ours run, and who uses them' 0 'vbcam, vbcodec'
	says 'doctor: what runs' 0 "videobuf2-mem runs, on kernel $(uname -r)"
	run doctor --json
	says 'doctor: JSON says the same' 0 '"backend": *"videobuf2-mem"'
	setpriv --reuid 65534 --regid 65534 --clear-groups "$vbm" list \
		> $work/out 2>&1
	rc=$?
	says 'not root: said' 5 'only root'
}

test_graph()
{
	run graph -o /out/graph.svg
	tap_is "$rc $(grep -c '</svg>' /out/graph.svg)" '0 1' 'graph: SVG'
	run graph -o /out/graph.png
	tap_is "$rc $(head -c 4 /out/graph.png | tail -c 3)" '0 PNG' \
		'graph: PNG'
	run graph --json --sysroot /out/busy
	tap_run 'graph: camera to codec to codec to display, nothing red' \
		python3 - $work/out "$card" <<-'END'
		import json, sys
		picture = json.load(open(sys.argv[1]))
		arrows = picture["arrows"]
		assert not any(a["red"] for a in arrows), arrows
		def path(writer, reader):
		    filled = {a["to"] for a in arrows
		              if a["from"] == "device " + writer}
		    read = {a["from"] for a in arrows
		            if a["to"] == "device " + reader}
		    assert filled & read, (writer, reader, arrows)
		path("vbcam.0", "vbcodec.0")
		path("vbcodec.0", "vbcodec.0")
		path("vbcodec.0", sys.argv[2])
		END
}

# The screen of top, against what list says of the same, at rest.
test_top()
{
	screen_begin 110 40 "$vbm top -d 1" ||
		tap_not_ok 'top: comes up' "$(screen_text)"
	"$vbm" list > $work/list
	# As wide as the screen, without what stands above and below.
	screen_text | sed -n '6,$p' | sed '/^$/d' > $work/screen
	{ head -n 1 $work/list && sed 1d $work/list | sort -n; } |
		cut -c 1-110 | sed 's/ *$//' > $work/wanted
	tap_run 'top: the screen has what list says' \
		diff $work/wanted $work/screen
	value_of videobuf2-mem/stats buffers
	if screen_text | head -n 1 | grep -q "^vbm top: $value buffers, "; then
		tap_ok 'top: the head has what stats says'
	else
		tap_not_ok 'top: the head has what stats says' "$(screen_text)"
	fi
	screen_key R 'vbm top'
	{ head -n 1 $work/wanted && sed 1d $work/wanted | tac; } \
		> $work/reversed
	await screen_shows $work/reversed
	tap_is $? 0 'top: R turns the order round'
	screen_key R 'vbm top'
}

# The table. Called by await.
# shellcheck disable=SC2317
screen_shows()	# file
{
	screen_text | sed -n '6,$p' | sed '/^$/d' | cmp -s - "$1"
}

# The pipeline ends under it.
test_vanish()
{
	local id

	id=$(awk '{ sub("buf=", "", $1); print $1; exit }' $debugfs/buffers)
	gst_stop
	screen_key space 'vbm top: 0 buffers'
	tap_is $? 0 'top: buffers vanish, and it goes on'
	await value_is videobuf2-mem/stats buffers 0
	run show "$id"
	says 'show: a buffer that has vanished' 3 "no buffer $id, or no longer"
	run explain "$id"
	says 'explain: a buffer that has vanished' 3 'or no longer'
	run list
	says 'list: there are none' 0 'There are no buffers'
}

# A camera whose driver keeps the address, and a display that does not reach its
# buffers, and can not have them bounced in one piece.
test_refusal()
{
	modprobe -r vbcam vbdisp 2>/dev/null
	modprobe vbcam legacy=1 sg=1 patient=1
	modprobe vbdisp dma_mask_bits=26
	timeout 60 /build/selftests/chain -n 4 -s 1280x720 \
		"$(node_named vbcam.0)" "$(node_named vbdisp.0)" \
		> $work/chain 2>&1
	rc=$?
	tap_is $((rc != 0)) 1 'an import is refused'
	cat $debugfs/failures > /out/failures
	run explain vbdisp.0
	# In one line: it is wrapped where it happens to be long.
	tr -s ' \n' ' ' < $work/out > $work/flat
	mv $work/flat $work/out
	says 'explain: why the import was refused' 0 \
		'that failed with EBUSY: vbdisp.0 needs memory within its reach'
	says 'explain: what kept the buffer where it is' 0 \
		'did not move, because it is frozen: its driver has'
	says 'explain: what would make it work' 0 'have it keep the managed contract'
	run doctor
	says 'doctor: counts it' 1 'it could not be mapped for the device'
	run top -b
	says 'top: says what failed last' 0 'Last failure: .* of vbdisp.0, EBUSY'
	value_of videobuf2-mem/stats fail_map
	tap_is "$(grep reason=map $debugfs/failures |
		grep -o 'times=[0-9]*' | awk -F= '{ n += $2 } END { print n }')" \
		"$value" 'failures are kept as often as they are counted'
	tap_diag "$(cat $debugfs/failures)"
}

# More in one piece than the page allocator has: nobody is charged for that, and
# there is a limit on it.
test_limit()
{
	local limit=/sys/module/videobuf2_mem/parameters/uncharged_limit_mb

	modprobe -r vbcam vbdisp
	modprobe vbcam legacy=1
	echo 1 > $limit
	v4l2-ctl -d "$(node_named vbcam.0)" --stream-count=1 --stream-mmap \
		--set-fmt-video=width=1920,height=1080,pixelformat=XR24 > $work/limit 2>&1
	echo 0 > $limit
	tap_run 'a limit is reached' grep -q 'Cannot allocate memory' $work/limit
	run explain vbcam.0
	tr -s ' \n' ' ' < $work/out > $work/flat
	mv $work/flat $work/out
	says 'explain: what limit it was' 0 'Raise the parameter uncharged_limit_mb'
}

# debugfs goes, and comes back.
test_unmounted()
{
	mount -t tmpfs none /sys/kernel/debug
	run list
	says 'no debugfs: said, and how to mount it' 5 'mount -t debugfs'
	umount /sys/kernel/debug
	run list
	says 'debugfs is there again' 0 'no buffers'
}

# Our modules go while top looks, and the kernel's own come.
test_stock()
{
	local module dir

	modprobe -r vbcam vbcodec vbdisp
	for module in videobuf2-dma-contig videobuf2-dma-sg videobuf2-mem; do
		await modprobe -r $module
	done
	screen_key space 'ended with 3'
	tap_is $? 0 'top: ends where the module is unloaded'
	screen_end

	dir=/lib/modules/$(uname -r)/kernel/drivers/media/common/videobuf2
	for module in common v4l2 memops; do
		modprobe videobuf2-$module
	done
	insmod "$dir/videobuf2-dma-contig.ko" || {
		tap_not_ok 'the stock module loads' "$(ls "$dir")"
		return
	}
	run list
	says 'stock: said, and bufinfo shown' 4 \
		"the kernel's own videobuf2 modules run"
	run doctor
	says 'stock: doctor says that ours are installed' 1 'is installed'
	run doctor --json
	says 'stock: JSON says so' 1 '"backend": *"stock"'
	rmmod videobuf2-dma-contig
}

test_nothing
if pipeline_begin; then
	kill -STOP "$GST_PID" && await all_stopped
	# At once, while imports are parked: who has shared what.
	save /out/busy
	test_graph
	# What the devices still have goes through, and what is parked away.
	sleep 2
	await value_is videobuf2-mem/stats parked 0
	test_pipeline
	test_top
	kill -CONT "$GST_PID"
	test_vanish
else
	tap_not_ok 'the pipeline runs' "$(tail -n 20 /tmp/tool.out)"
fi
test_refusal
test_limit
test_unmounted
test_stock
tap_plan
exit 0
