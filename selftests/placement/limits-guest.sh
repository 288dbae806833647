#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the module's parameter "limits", and vbm-limits with the limits
# that it counts on. TAP files go to /out.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}
# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh

# What is written there fails the load, with that error and one line in the log.
refused()	# limits, error
{
	local said lines

	dmesg -C
	if said=$(modprobe videobuf2-mem "limits=$1" 2>&1); then
		rmmod videobuf2_mem
		tap_not_ok "limits=\"$1\" is refused"
		return
	fi
	lines=$(dmesg | grep -c 'videobuf2_mem: limits: error')
	if [[ $said == *"$2"* ]] && [ "$lines" -eq 1 ]; then
		tap_ok "limits=\"$1\" is refused"
	else
		tap_not_ok "limits=\"$1\" is refused" "$said" "$lines lines"
	fi
}

accepted()	# limits
{
	tap_run "limits=\"$1\" is accepted" modprobe videobuf2-mem "limits=$1"
	rmmod videobuf2_mem
}

parameter()
{
	refused 'vbm-peer.1' 'Invalid argument'
	refused 'vbm-peer.1:' 'Invalid argument'
	refused ':segments=1' 'Invalid argument'
	refused 'vbm-peer.1:segments' 'Invalid argument'
	refused 'vbm-peer.1:segments=' 'Invalid argument'
	refused 'vbm-peer.1:segments=0' 'Invalid argument'
	refused 'vbm-peer.1:segments=1x' 'Invalid argument'
	refused 'vbm-peer.1:segments=1,' 'Invalid argument'
	refused 'vbm-peer.1:align=3' 'Invalid argument'
	refused 'vbm-peer.1:boundary=1K' 'Invalid argument'
	refused 'vbm-peer.1:segsize=16' 'Invalid argument'
	refused 'vbm-peer.1:pages=2' 'Invalid argument'
	refused 'vbm-peer.1:mask=65' 'out of range'
	refused 'vbm-peer.1:segments=5G' 'out of range'
	refused 'vbm-peer.1:colour=1' 'Invalid argument'
	refused 'a:segments=1;b:segments=1;a:segments=2' 'Invalid argument'
	accepted '0000:00:1f.0:align=64K;vbm-peer.1:segments=1,mask=30;'
	accepted ' a:segments=1 ; b:pages=0'
}

parameter > /out/parameter.tap
tap_plan >> /out/parameter.tap

modprobe videobuf2-mem \
	limits='vbm-peer.1000:segments=1,mask=30,align=64K,pages=1;vbm-peer.1001:segments=7,mask=30' &&
	modprobe vivid n_devs=2 allocators=1,1 multiplanar=1,1 node_types=0x101,0x101 &&
	modprobe vbcam n_devs=2 sg=1,0 &&
	modprobe vbm-peer || exit 1
"$bin/vbm-limits" > /out/vbm-limits.tap 2>&1
cat /out/vbm-limits.tap /out/parameter.tap
# What it leaves would hold them.
for module in vbm_peer vbcam vivid videobuf2_dma_contig videobuf2_dma_sg \
	      videobuf2_mem; do
	[ ! -d "/sys/module/$module" ] || rmmod "$module" || exit 1
done
! grep -q '^not ok' /out/vbm-limits.tap /out/parameter.tap
