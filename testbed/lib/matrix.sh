# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What `make check` leaves out. A suite boots many guests: as they come, behind
# bounce buffers, behind an IOMMU that is lazy or strict, ours and stock, with
# memory full or plenty. Each of these on each kernel takes longer than anybody
# waits for, so when all suites run on all kernels, the two kernels share the
# boots: each boot is on one of them at least, and what every frame depends on is
# on both. A suite that is named, a kernel that is named and `make soak` have all
# of them.
#
# Boots that a kernel leaves to the other one. A new boot runs on both, until it
# gets a place here. `build` sees to it that none is left out by both.
declare -A matrix_left_out=(
	['dmabuf 6.12']='stock-swiotlb ours-large stock-large'
	['dmabuf 7.2']='stock-direct'
	['placement 6.12']='high strict'
	['placement 7.2']='lazy stock broken'
	['gst 6.12']='bounce broken'
	['drivers 6.12']='ours-swiotlb stock-swiotlb ours-strict ours-broken'
	['drivers 7.2']='stock-direct ours-lazy'
	['codec 6.12']='iommu'
	['codec 7.2']='host swiotlb stock'
)

# Sets the array boots, unless somebody has named some.
matrix_boots()	# suite, kernel, boots...
{
	local left=${matrix_left_out["$1 $2"]:-} boot

	[ ${#boots[@]} -eq 0 ] || return 0
	shift 2
	[ "${VBM_MATRIX:-}" = shared ] || left=''
	for boot; do
		[[ " $left " == *" $boot "* ]] || boots+=("$boot")
	done
}
