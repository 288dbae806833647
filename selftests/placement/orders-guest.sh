#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # called by name
#
# In the guest: vbm-orders, with the orders that orders.py wrote to /share, once for
# each of its passes: "movable" is with the driver of vbm-step in movable=. What it
# sees, and its TAP, go to /out.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh

unload()
{
	local module

	for module in vbm_step vbm_peer videobuf2_dma_contig videobuf2_dma_sg \
		      videobuf2_mem; do
		[ ! -d "/sys/module/$module" ] || rmmod "$module" || return
	done
}

# What the log has before this is others'.
echo 'vbm-orders begins' > /dev/kmsg
for pass in low plain movable; do
	[ -f "/share/orders.$pass" ] || continue
	parameters=()
	[ "$pass" != movable ] || parameters=(movable=vbm-step)
	modprobe videobuf2-mem "${parameters[@]}" && modprobe vbm-peer &&
		modprobe vbm-step || exit 1
	echo "# vbm-orders $pass"
	SECONDS=0
	VBM_ORDERS=/share/orders.$pass VBM_OBSERVED=/out/orders.$pass \
		"$bin/vbm-orders" > "/out/vbm-orders.$pass.tap" 2>&1
	echo "# vbm-orders $pass ended with $?, after $SECONDS s"
	await unload 2> /tmp/unload || exit 1
done
exit 0
