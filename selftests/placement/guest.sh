#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # called by name
#
# In the guest: the parts of the suite "placement" that are named, one after the
# other (see run). Each loads what it needs; what it leaves is unloaded here, which
# is a test, too. TAP files go to /out.

set -u

here=/src/selftests/placement
# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=../../testbed/lib/instruments.sh
. /src/testbed/lib/instruments.sh

unload()
{
	local module

	for module in vbm_bar vbm_queue vbm_step vbm_peer vbdisp vbcodec vbcam \
		      vbdma vivid videobuf2_dma_contig videobuf2_dma_sg \
		      videobuf2_mem; do
		[ ! -d "/sys/module/$module" ] || rmmod "$module" || return
	done
}

# Buffers go with the last reference, and that with a work item.
unloaded()
{
	unload 2> /tmp/unload
}

for part; do
	echo "# $part"
	case $part in
	late)	"$here/late-guest.sh" > /out/late.tap 2>&1 ;;
	move)	"$here/move-guest.sh" vbm-move vbm-move-storm vbm-frozen \
			vbm-revoke ;;
	race)	"$here/move-guest.sh" vbm-move-storm ;;
	translated)
		"$here/move-guest.sh" vbm-translated vbm-move ;;
	translated-move)
		"$here/move-guest.sh" vbm-translated vbm-move vbm-move-storm \
			vbm-frozen vbm-revoke ;;
	*)	"$here/$part-guest.sh" ;;
	esac
	echo "# $part ended with $?"
	if await unloaded; then
		tap_ok "$part: all can be unloaded"
	else
		tap_not_ok "$part: all can be unloaded" "$(cat /tmp/unload)"
	fi >> /out/unload.tap
done
echo "1..$#" >> /out/unload.tap
instruments
exit 0
