#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: what imports cost, against size and number; see bench-sweep.c.
# A camera exports and displays import, with contiguous memory and with what
# scatter-gather drivers have; then pages of which each lies on its own. The
# argument is what bench-sweep is to do. Behind an IOMMU the devices are PCI
# functions.

set -eu

bin=/build/selftests
importers=8
sg=0,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1
cameras=0
displays=0
if [ -d /sys/class/iommu/dmar0 ]; then
	cameras=2
	displays=$((2 * importers))
fi
# The stock contract on both sides.
legacy=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
modprobe vbcam n_devs=2 sg=0,1 pci=$cameras legacy=1,1
modprobe vbdisp n_devs=$((2 * importers)) sg=$sg pci=$displays legacy=$legacy

# The video nodes of that name with these numbers.
nodes()	# name, first number, how many
{
	i=$2
	while [ "$i" -lt $(($2 + $3)) ]; do
		for dir in /sys/class/video4linux/video*; do
			[ "$(cat "$dir/name")" != "$1.$i" ] ||
				echo "/dev/${dir##*/}"
		done
		i=$((i + 1))
	done
}

contig=$(nodes vbdisp 0 $importers)
scatter=$(nodes vbdisp $importers $importers)
# shellcheck disable=SC2086 # several nodes
$bin/bench-sweep "$1" contig "$(nodes vbcam 0 1)" $contig
# shellcheck disable=SC2086 # likewise
$bin/bench-sweep "$1" sg "$(nodes vbcam 1 1)" $scatter
# shellcheck disable=SC2086 # likewise
$bin/bench-sweep "$1" pages - $scatter

# Others' devices are in no figure but this.
if [ "$STOCK" = 0 ] && [ "$1" = figures ]; then
	modprobe vbm-peer
	$bin/bench-sweep found contig "$(nodes vbcam 0 1)"
	$bin/bench-sweep found sg "$(nodes vbcam 1 1)"
fi
