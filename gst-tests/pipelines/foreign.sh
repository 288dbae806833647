# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Buffers of the system heap and of udmabuf, streamed through vivid: into its
# output and into its camera. vivid needs contiguous memory and has no IOMMU, so
# what is scattered has to be refused with an errno, and what happens to be
# contiguous has to work.

# vivid composes into the smallest size that it has had since, and leaves the
# rest of a larger frame alone: so sizes only get smaller here.
foreign_sizes()	# width, height
{
	local d

	for d in "$OUTPUT:-x" "$LOOP:-v" "$CAMERA:-v"; do
		v4l2-ctl -d "${d%:*}" "${d##*:}" \
			"width=$1,height=$2,pixelformat=YUYV" || return
	done
}

foreign()
{
	camera_text off

	# A huge page. 6.12's udmabuf gives the kernel a wrong mapping of one:
	# its first page again and again.
	if [ "$KERNEL" != 6.12 ]; then
		echo 8 > /proc/sys/vm/nr_hugepages
		foreign_sizes 640 480
		foreign_works udmabuf-huge contiguous 'the output' \
			"$OUTPUT" "$LOOP"
		foreign_works udmabuf-huge contiguous 'the camera' "$CAMERA"
		echo 0 > /proc/sys/vm/nr_hugepages
	fi
	# 64 KiB: one block of the heap.
	foreign_sizes 256 128
	foreign_works heap:system contiguous 'the output' "$OUTPUT" "$LOOP"
	foreign_works heap:system contiguous 'the camera' "$CAMERA"
	foreign_works udmabuf contiguous 'the output' "$OUTPUT" "$LOOP"
	foreign_works udmabuf contiguous 'the camera' "$CAMERA"
	foreign_refused udmabuf-shuffled 'the output' "$OUTPUT" "$LOOP"
	foreign_refused udmabuf-shuffled 'the camera' "$CAMERA"
	# 40 KiB: single pages, wherever they are.
	foreign_sizes 160 128
	foreign_refused heap:system 'the output' "$OUTPUT" "$LOOP"
	foreign_refused heap:system 'the camera' "$CAMERA"

	camera_text on
	nothing_left foreign
}

foreign
