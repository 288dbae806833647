# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2086,SC2231 # variables of lib.sh
#
# In the guest: devices that are PCI functions behind the IOMMU. Sourced by
# guest.sh.

# They are where they should be: all of them translated.
test_pci()
{
	local name type bad='' n=0 driver

	load_all 2
	for driver in vbcam vbcodec vbdisp; do
		for name in /sys/bus/pci/drivers/$driver/0000:*; do
			[ -e "$name/iommu_group/type" ] || continue
			type=$(cat "$name/iommu_group/type")
			n=$((n + 1))
			[ "$type" = "$1" ] || bad+="${name##*/}: $type "
		done
	done
	tap_is $n 6 'six functions are bound, each with an IOMMU group'
	tap_is "$bad" '' "their domains are of type $1"
}

# The functions' own DMA engine goes through our mappings. It is QEMU's, and
# knows nothing of ours.
test_engine()
{
	# Addresses that the engine can not put on the bus. First, as the kernel
	# uses again what it has had below the limit.
	unload_all
	modprobe vbcam n_devs=1 pci=1 engine=1 dma_mask_bits=32 patient=1
	"$check" -n 2 -b 2 -s 32x16 "$(node_named vbcam.0)" > /tmp/engine 2>&1
	tap_is $? 1 "control: it is edu's engine that moves the data"
	tap_diag "$(cat /tmp/engine)"
	unload_all
	modprobe vbcam n_devs=2 pci=2 sg=0,1 engine=1,1 dma_mask_bits=28,28 \
		patient=1,1
	modprobe vbdisp n_devs=1 pci=1 engine=1 dma_mask_bits=28
	frames "camera 0: edu's DMA engine" 0 -n 3 -b 2 -s 32x16
	frames "camera 1: edu's DMA engine" 1 -n 3 -b 2 -s 32x16
	flows "camera to display by edu's DMA engines" 3 '-l -s 32x16' \
		vbcam.0 vbdisp.0
	no_faults 2
}

# A function of that driver goes and comes back while it streams.
unbound_while_streaming()	# driver, options of chain
{
	local driver=/sys/bus/pci/drivers/$1 function i pid bad=''

	for function in "$driver"/0000:*; do
		[ "$(cat "$function"/video4linux/*/name)" = "$1.0" ] && break
	done
	for ((i = 0; i < 5; i++)); do
		# shellcheck disable=SC2086 # several options
		"$chain" -n 1000000 ${2-} "$(node_named vbcam.0)" \
			"$(node_named vbdisp.0)" > /tmp/stream 2>&1 &
		pid=$!
		await value_reaches "$1/$1.0/stats" frames 10 || bad+="$i: no frames; "
		echo "${function##*/}" > "$driver/unbind"
		wait $pid
		[ $? -eq 1 ] || bad+="$i: not told; "
		echo "${function##*/}" > "$driver/bind" || bad+="$i: no bind; "
		await test -c "$(node_named "$1.0")" || bad+="$i: no node; "
	done
	tap_is "$bad" '' "a PCI function of $1 is unbound while it streams, 5 times"
	flows 'and then works' 10 '-l' vbcam.0 vbdisp.0
}

# The importer has imports in the cache then, whose addresses are the IOMMU's: they
# are unmapped while there are DMA operations, or there is a device fault or a
# report.
test_pci_unbind()
{
	local before

	load_all 2
	before=$(faults)
	unbound_while_streaming vbcam
	unbound_while_streaming vbdisp '-r -b 6'
	tap_is "$(faults)" "$before" 'no device fault'
	await value_is videobuf2-mem/stats parked 0
	tap_is $? 0 'nothing is left in the cache'
}

# Each kind of memory with either API. Those that export are platform devices.
test_pci_compliance()
{
	local planes kinds

	for planes in 0,1,0,1 1,0,1,0; do
		kinds="n_devs=4 pci=2 sg=0,1,0,1 multiplanar=$planes"
		unload_all
		modprobe vbcam $kinds patient=1,1,1,1
		modprobe vbdisp $kinds
		complies vbcam.{0:vbdisp.2,1:vbdisp.3} vbdisp.{0:vbcam.2,1:vbcam.3}
	done
}
