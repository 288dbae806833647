#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In a guest with swiotlb=force, where each device sees a copy of a buffer: the
# checksums from camera to display, and that no copy's memory is lost. Both hold
# with a backend that is whole, and neither with one that was broken on purpose
# (VBM_BROKEN, testbed/broken): so this is the control that the checksums of all
# pipelines can fail. Prints TAP into /out.

set -u

# shellcheck source=../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=devices.sh
. "$(dirname "$0")/devices.sh"

exec > "$GST_OUT/bounce.tap" 2> "$GST_OUT/bounce.log"

bounced_now()
{
	cat /sys/kernel/debug/swiotlb/io_tlb_used
}

# All of what was bounced is given back, sooner or later.
proof_returned()	# slots in use before
{
	local i

	for ((i = 0; i < 30; i++)); do
		[ "$(bounced_now)" -gt "$1" ] || {
			echo ok
			return
		}
		sleep 0.1
	done
	echo "$(bounced_now) slots are in use, $1 were before"
}

# What has to hold, or to be caught, depending on what is broken.
judge()	# what broke it, what a proof said, what it says then, text
{
	if [[ " ${VBM_BROKEN:-} " == *" $1 "* ]]; then
		caught "$2" "$3" "$1: $4"
	else
		holds "$2" "$4" bounce
	fi
}

devices_load || tap_not_ok 'our devices load' "$(dmesg | tail -n 5)"
before=$(bounced_now)
run_begin
# A bounced mapping can not be longer than 256 KiB. All stay, an importer's as
# well as an exporter's, and have to be synced: or what comes is no frame at all,
# or one that was there before.
# shellcheck disable=SC2086 # several words
gst bounce v4l2src "device=${CAM[1]}" io-mode=dmabuf num-buffers=20 ! \
	video/x-raw,format=YUY2,width=320,height=240 ! \
	$V4L2SINK "device=${DISP[1]}" io-mode=dmabuf-import \
	v4l2src "device=${CAM[0]}" io-mode=dmabuf-import num-buffers=20 ! \
	video/x-raw,format=YUY2,width=320,height=240 ! \
	$V4L2SINK "device=${DISP[0]}" io-mode=dmabuf
run_end bounce
holds "$(proof_ended bounce)" 'bounced: the pipeline ends well' bounce
holds "$(proof_counters "exports_total>0" "imports_total>0" "user_maps=0")" \
	'bounced: the counters say zero-copy for the CPU' bounce
holds "$(proof_counters "bytes_synced>0")" 'bounced: devices see copies' bounce
judge skip-sync "$(proof_chain bounce 8 \
	"vbcam.1:YUYV>vbdisp.1:YUYV@tail=16" \
	"vbcam.0:YUYV>vbdisp.0:YUYV@tail=16")" "$OTHER_FRAMES|comes again" \
	'bounced: every frame arrives as it was written'
judge skip-unmap "$(proof_returned "$before")" 'slots are in use' \
	'bounced: all memory for copies is given back'
tap_plan
exit 0
