#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: GStreamer's order. A camera of scatter-gather allocates, and the
# display, which takes one address, attaches when it is given the first frame.
# Each buffer that lies in pieces moves once, then none; the first frame arrives
# as it was captured. Without movable= they can not move, and it is refused.
# Prints TAP.

set -u

tracing=/sys/kernel/tracing
n=0
failed=0

result()	# text, 0 for success; standard input: what to say if not
{
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/#   /'
		failed=1
	fi
}

stat()		# name
{
	awk -v name="$1" '$1 == name { print $2 }' \
		/sys/kernel/debug/videobuf2-mem/stats
}

# A camera and a display with our core loaded like that; leaves a trace.
play()		# frames, parameters of the core...
{
	local frames=$1

	shift
	modprobe videobuf2-mem "$@" || return
	modprobe vbcam n_devs=1 sg=1 legacy=1 || return
	modprobe vbdisp n_devs=1 || return
	echo 0 > $tracing/options/record-cmd
	echo 1 > $tracing/events/vbdma/vbdma_frame/enable
	echo 1 > $tracing/events/vbm/vbm_move/enable
	echo > $tracing/trace
	timeout 100 gst-launch-1.0 v4l2src device=/dev/video0 io-mode=dmabuf \
		"num-buffers=$frames" ! \
		video/x-raw,format=YUY2,width=642,height=362 ! \
		v4l2sink device=/dev/video1 io-mode=dmabuf-import \
		show-preroll-frame=false sync=false > /tmp/gst.out 2>&1
	echo "$?" > /tmp/gst.rc
	cat $tracing/trace > /tmp/trace
	echo 0 > $tracing/events/enable
	stat moves > /tmp/moves
	stat moves_refused_frozen > /tmp/frozen
	sleep 1
	modprobe -r vbcam vbdisp videobuf2-dma-contig videobuf2-dma-sg \
		videobuf2-mem
}

play 40 movable=vbcam
[ "$(cat /tmp/gst.rc)" -eq 0 ]
result 'the pipeline ends well' $? < /tmp/gst.out

# Buffers in the order in which they moved.
moved=$(sed -n 's/.* vbm_move: buf=\([0-9]*\) .* moved$/\1/p' /tmp/trace)
[ -n "$moved" ] && [ "$(wc -l <<<"$moved")" -eq "$(cat /tmp/moves)" ] &&
	[ -z "$(sort <<<"$moved" | uniq -d)" ]
result 'buffers move, each once' $? <<<"moved: $moved"

# Frames that were read, each the sum of one that was written; the first, too.
awk '/vbdma_frame/ {
		for (i = 1; i <= NF; i++) {
			split($i, kv, "=")
			f[kv[1]] = kv[2]
		}
		if (f["dir"] == "write") {
			written[f["sum"]] = f["seq"]
		} else {
			read++
			if (!(f["sum"] in written))
				wrong = wrong " " read
			else if (written[f["sum"]] == 0)
				first = 1
		}
	}
	END {
		if (wrong || !first || read < 10)
			print read " frames, wrong:" wrong ", first " first + 0
	}' /tmp/trace > /tmp/sums
[ ! -s /tmp/sums ]
result 'frames arrive as they were captured, from the first on' $? < /tmp/sums

# Nothing moves once the display has seen all buffers.
last=$(awk '/vbm_move/ { at = NR } END { print at + 0 }' /tmp/trace)
[ "$(awk -v last="$last" 'NR > last && /dir=read/' /tmp/trace | wc -l)" -gt 10 ]
result 'then none moves' $? < /tmp/trace

play 40
[ "$(cat /tmp/moves)" -eq 0 ] && [ "$(cat /tmp/frozen)" -gt 0 ] &&
	[ "$(cat /tmp/gst.rc)" -ne 0 ]
result 'buffers of a driver that nobody vouches for stay' $? < /tmp/gst.out
dmesg | grep -q 'videobuf2-mem: buffer .* is not as vbdisp.0 needs it'
result 'and one line says why' $? < <(dmesg | tail)

echo "1..$n"
exit $failed
