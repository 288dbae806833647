#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In a guest on whose disk the packages are installed, or were: one scene of the
# suite "package". Prints TAP; /share has the packages.

set -u

# shellcheck source=../lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../lib/watch.sh
. /src/testbed/lib/watch.sh

release=$(uname -r)
package=videobuf2-mem-dkms
said=/tmp/said

loaded() { [ -d "/sys/module/$1" ]; }
not() { ! "$@"; }

gives()	# text, exit code, command...
{
	local text=$1 want=$2 rc=0

	shift 2
	"$@" > $said 2>&1 < /dev/null || rc=$?
	if [ "$rc" -eq "$want" ]; then
		tap_ok "$text: exit code $want"
	else
		tap_not_ok "$text: exit code $want" "got $rc" \
			"$(tail -n 30 $said)"
	fi
}

said_once()	# text, words
{
	local n

	n=$(grep -c -- "$2" $said)
	if [ "$n" -eq 1 ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "$n times: $2" "$(tail -n 30 $said)"
	fi
}

# Frames from vivid's dma-contig queue.
vivid()
{
	modprobe vivid n_devs=1 allocators=1
}

stream()
{
	v4l2-ctl -d "$(node_named vivid-000-vid-cap)" --stream-mmap \
		--stream-count=4
}

# vivid is the kernel's own binary in any case.
tap_mode()	# text, ours|stock, [what vbm doctor says of DKMS]
{
	local text="$1: stock vivid streams on "

	if [ "$2" = ours ]; then
		tap_run "$text$2" eval \
			'stream && loaded videobuf2_dma_contig && loaded videobuf2_mem'
	else
		tap_run "$text$2" eval \
			'stream && loaded videobuf2_dma_contig && ! loaded videobuf2_mem'
	fi
	tap_doctor "$@"
}

tap_doctor()	# text, ours|stock, [what it says of DKMS]
{
	# In one line: it wraps its sentences.
	vbm doctor 2>&1 | tr -s ' \n' ' ' > $said
	if [ "$2" = ours ]; then
		tap_run "$1: vbm doctor says so" \
			grep -q 'videobuf2-mem runs' $said
	else
		tap_run "$1: vbm doctor says so" \
			grep -q "kernel's own videobuf2 modules run" $said
	fi
	[ -z "${3:-}" ] || tap_run "$1: and of DKMS: $3" \
		grep -q -F -e "$3" $said
}

# README's lines, as they are there, up to the Ctrl+C.
readme_pipeline()
{
	sed -n '/^## Install$/,/^## /s/^    //p' /src/README.md |
		sed -n '/^modprobe vbcam/,$p' | sed '/kmssink/q'
}

bars()
{
	vm-screen && python3 /src/gst-tests/picture.py bars /out/screen.png 0-16
}

tap_pipeline()
{
	local pid

	modprobe cirrus 2>/dev/null || modprobe cirrus-qemu
	readme_pipeline > /tmp/pipeline
	# shellcheck source=/dev/null
	(. /tmp/pipeline) > $said 2>&1 &
	pid=$!
	if await value_reaches vbcam/vbcam.0/stats frames 8 && await bars; then
		tap_ok "README's pipeline: the display shows the camera's picture"
	else
		tap_not_ok "README's pipeline: the display shows the camera's picture" \
			"$(tail -n 20 $said)"
	fi
	tap_run "README's pipeline: it shows the camera's own buffer" \
		grep -q imported=yes /sys/kernel/debug/dri/*/framebuffer
	tap_run "README's pipeline: which is one of ours" \
		grep -q ' dev=vbcam\.0 .* attached=[^ ]*0000:' \
		/sys/kernel/debug/videobuf2-mem/buffers
	tap_run "README's pipeline: vbm draws who shares what" eval \
		'vbm graph -o /out/graph.svg && grep -q vbcam.0 /out/graph.svg'
	pkill -INT -P $pid gst-launch || kill -INT $pid
	tap_run "README's pipeline: Ctrl+C ends it" await not pgrep gst-launch
	wait $pid
}

# What the initrd has loaded is ours.
scene_ours()
{
	tap_run 'installed: the initrd has loaded ours' loaded videobuf2_mem
	tap_run 'installed: no reference driver is loaded by itself' \
		not ls /sys/module/vbdma
	/src/v4l2-compliance/guest.sh
	vivid
	tap_mode 'installed' ours 'DKMS has installed videobuf2-mem'

	# Somebody has a device open.
	exec 5<> "$(node_named vivid-000-vid-cap)"
	gives 'remove, a device in use' 0 dpkg -r $package
	said_once 'remove, a device in use: says when' 'from the next boot on'
	tap_mode 'removed, a device in use' ours
	exec 5>&-
}

scene_stock()
{
	tap_run 'rebooted: the initrd has loaded the kernel'\''s own' eval \
		'loaded videobuf2_dma_contig && ! loaded videobuf2_mem'
	vivid
	tap_mode 'rebooted' stock
}

# The package is installed, and this kernel is Debian 12's.
scene_unsupported()
{
	vivid
	tap_mode "kernel $release" stock 'its own modules: it is for kernels like'
	gives "kernel $release: dkms autoinstall" 0 \
		dkms autoinstall -k "$release"
	said_once "kernel $release: it says so" 'skipped for module(s) videobuf2-mem'
}

scene_idle()
{
	local symvers=/lib/modules/$release/build/Module.symvers

	# To make it again takes a guest long, and the other machine does it.
	rm "/boot/initrd.img-$release"
	vivid
	tap_mode 'installed' ours 'DKMS has installed videobuf2-mem'
	tap_pipeline
	gives 'remove, nothing in use' 0 dpkg -r $package
	said_once 'remove, nothing in use: says so' 'are back under vivid$'
	tap_is "$(grep -c FATAL $said)" 0 'remove, nothing in use: and no more'
	tap_mode 'removed, nothing in use' stock
	modprobe -r vivid
	/src/v4l2-compliance/guest.sh

	# As of a kernel whose symbols have other versions.
	awk 'BEGIN { FS = OFS = "\t" }
		$2 == "vb2_dma_contig_memops" { $1 = "0xdeadbeef" } { print }' \
		"$symvers" > /tmp/symvers
	cat /tmp/symvers > "$symvers"
	gives 'other symbol versions: install' 0 dpkg -i /share/${package}_*.deb
	said_once 'other symbol versions: left out by DKMS' 'bad exit status: 77'
	said_once 'other symbol versions: says what runs' \
		'keeps its own videobuf2 modules'
	tap_run 'other symbol versions: the log has the reason' \
		grep -r 'versions of their symbols differ' /var/lib/dkms
	modprobe -r videobuf2-dma-contig
	vivid
	tap_mode 'other symbol versions' stock \
		'the versions of their symbols differ from ours'
}

"scene_$1"
tap_plan
