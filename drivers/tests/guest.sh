#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the tests of one kind of boot, which the argument names (see
# run). A check for a defect of the kernel's own backends must fail on stock:
# there that is the result that passes.

set -u

here=$(dirname "$0")
# shellcheck source=../../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../../testbed/lib/comply.sh
. /src/testbed/lib/comply.sh
# shellcheck source=../../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=camera.sh
. "$here/camera.sh"
# shellcheck source=chain.sh
. "$here/chain.sh"
# shellcheck source=display.sh
. "$here/display.sh"
# shellcheck source=pci.sh
. "$here/pci.sh"
exec > /out/drivers.tap

test_compliance()
{
	local kinds='sg=0,1,0,1,0,1,0,1 multiplanar=0,0,1,1,0,0,1,1'

	unload_all
	# shellcheck disable=SC2086 # several arguments
	modprobe vbcam n_devs=8 patient=1,1,1,1,1,1,1,1 $kinds
	# shellcheck disable=SC2086 # several arguments
	modprobe vbdisp n_devs=8 $kinds
	complies vbcam.{0:vbdisp.4,1:vbdisp.5,2:vbdisp.6,3:vbdisp.7} \
		vbdisp.{0:vbcam.4,1:vbcam.5,2:vbcam.6,3:vbcam.7}
	unload_all
}

# All orders of accesses (selftests/vbm-coherence.c), with that backend: each of
# its tests must find wrong bytes. The names of its own controls have no comma.
test_broken_orders()
{
	local out

	modprobe vbm-peer
	modprobe vbm-step
	out=$(/build/selftests/vbm-coherence -t ', ')
	tap_is "$(grep -c 'byte [0-9]* is 0x' <<<"$out")" 12 \
		'control: all orders of accesses find that a sync is skipped'
	rmmod vbm_step vbm_peer
}

# Imports that bounce and are kept, though their exporter is foreign.
test_broken_keeping()
{
	local out

	modprobe vbm-peer
	modprobe vbm-step
	out=$(/build/selftests/vbm-rotate -t 'no old bytes')
	[[ $out == *'bytes at 0 are of frame '* ]]
	tap_is $? 0 'control: kept imports that bring old bytes back are found'
	tap_diag "$out"
	rmmod vbm_step vbm_peer
}

case $1 in
direct)
	test_memory
	test_limits
	test_faults
	test_display
	test_chain 0
	# What does not depend on the backend is tried once.
	if [ "$STOCK" = 0 ]; then
		test_at_once
		test_judge
		test_lost
		test_unbind
		test_unload
		test_compliance
		test_interference
	fi
	;;
swiotlb)
	test_bounced
	test_display_bounced
	test_chain_bounced
	;;
lazy)
	test_pci DMA-FQ
	test_pci_compliance
	test_chain 2
	;;
strict)
	test_engine
	test_pci DMA
	test_chain 2
	test_pci_unbind
	;;
broken)
	test_broken
	test_broken_orders
	test_broken_keeping
	;;
soak)
	load_all "$([ -d /sys/class/iommu/dmar0 ] && echo 2 || echo 0)"
	flows 'camera to codec to display' "${VBM_CHAIN_FRAMES:-5000}" \
		'-l -s 640x480' \
		vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
	leaves_nothing
	;;
*)
	echo "guest.sh: what is $1?" >&2
	exit 2
	;;
esac
unload_all
tap_plan
exit 0
