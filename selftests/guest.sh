#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: loads the drivers and runs test programs, each to a TAP file of
# its own in /out. The first argument is the kind of boot (see run), others are
# programs of the suite "import" (see import/programs), which "import" runs alone.

set -u

boot=$1
shift
bin=${VBM_SELFTESTS:-/build/selftests}
# shellcheck source=../testbed/lib/instruments.sh
. /src/testbed/lib/instruments.sh

# What two boots must not see of each other: all tests are for both kinds of
# backend, and vbcam is the one driver of dma-sg. Cameras: three of dma-sg, two
# of dma-contig, then two and one with planes; and two whose memory is managed,
# which are as good as others to a test that does not look for them.
export VBM_VIVID='n_devs=2 allocators=1,1 multiplanar=1,2 node_types=0x101,0x101 cache_hints=1,1'
export VBM_VBCAM='n_devs=10 sg=1,1,1,0,0,1,1,0,1,0 legacy=1,1,1,1,1,1,1,1 multiplanar=0,0,0,0,0,1,1,1 userptr=1,1,1,1,1,1,1,1,1,1'

load()
{
	# shellcheck disable=SC2086 # several arguments
	modprobe vivid $VBM_VIVID &&
		modprobe vbcam $VBM_VBCAM &&
		modprobe vbm-peer &&
		modprobe vbm-queue &&
		modprobe vbm-step
}

run()		# program
{
	echo "# $1"
	"$bin/$1" > "/out/$1.tap" 2>&1
	echo "# $1 ended with $?"
}

# With a module whose devices are for no other test. A program that can not run
# is named all the same: its results are missed.
run_with()	# program, module and its parameters...
{
	local program=$1

	shift
	modprobe "$@"
	run "$program"
	rmmod "$1"
}

run_irq()
{
	run_with vbm-irq vbm-irq
}

run_access()
{
	run vbm-access
	run_with vbm-header vbcodec n_devs=2 sg=1,0
}

# A program of import/: it loads and unloads what it needs, so nothing else may
# be loaded.
run_alone()	# program
{
	echo "# $1"
	"/src/selftests/import/$1" > "/out/$1.tap" 2>&1
	echo "# $1 ended with $?"
}

# Programs of the suite "import", which unbind drivers; chains comes when all is
# unloaded.
run_import()	# programs...
{
	local program

	for program; do
		[ "$program" = chains ] || run "$program"
	done
}

run_chains()	# programs...
{
	[[ " $* " != *' chains '* ]] || run_alone chains
}

# What a stock kernel does not survive is the end of its guest; run looks for
# that in the log.
fatal()		# program
{
	[ "$STOCK" = 1 ] || return
	echo 1 > /proc/sys/kernel/panic_on_oops
	echo -1 > /proc/sys/kernel/panic
	echo "# fatal: $1"
	"$bin/$1" -f
}

# All that was loaded goes again: nothing is left that holds it. On stock, what
# its backends have leaked holds those.
unload()
{
	local tap=/out/unload.tap module n=0
	local modules=(vbm_irq vbcodec vbcam vivid)

	[ "$STOCK" = 1 ] ||
		modules+=(vbm_peer vbm_queue vbm_step videobuf2_dma_contig
			  videobuf2_dma_sg videobuf2_mem)
	for module in "${modules[@]}"; do
		[ -d "/sys/module/$module" ] || continue
		n=$((n + 1))
		if rmmod "$module" 2>/tmp/why; then
			echo "ok $n - $module can be unloaded"
		else
			echo "not ok $n - $module can be unloaded"
			sed 's/^/#   /' /tmp/why
		fi
	done > "$tap"
	echo "1..$n" >> "$tap"
}

# The first memory cgroup makes the kernel patch its own code, and so does the end
# of the last one. Emulated processors survive that best while nothing runs: at
# the start, and once.
if ! echo +memory > /sys/fs/cgroup/cgroup.subtree_control ||
   ! mkdir /sys/fs/cgroup/first; then
	echo 'guest.sh: no memory cgroup'
	exit 1
fi

if [ "$boot" = large ]; then
	# What holds the core can not be unloaded by a test.
	# shellcheck disable=SC2086 # several arguments
	modprobe vivid $VBM_VIVID && modprobe vbcam $VBM_VBCAM
else
	load
fi || exit 1
case $boot in
direct)
	for program in vbm-export vbm-lifetime vbm-mmap vbm-cpu vbm-userptr \
		       vbm-memory vbm-stats vbm-peer-import vbm-peer-export \
		       vbm-driver; do
		run $program
	done
	[ "$STOCK" = 1 ] || run vbm-managed
	run_irq
	run_access
	# Before core leaks what belongs to the devices.
	run vbm-unbind
	[ "$STOCK" = 1 ] || run vbm-rmmod
	run_import "$@"
	unload
	[ "$STOCK" = 0 ] || run_alone gst
	load || exit 1
	run vbm-fuzz
	run vbm-core-leak
	fatal vbm-rmmod
	;;
swiotlb)
	run vbm-cpu
	run vbm-memory
	run vbm-peer-import
	run vbm-peer-export
	run vbm-driver
	[ "$STOCK" = 1 ] || run vbm-managed
	run_irq
	run_access
	if [ "$STOCK" = 1 ]; then
		run vbm-sync
		run vbm-coherence
	fi
	run_import "$@"
	unload
	if [ "$STOCK" = 0 ]; then
		run_chains "$@"
	else
		run_alone chains
		load || exit 1
		fatal vbm-driver
	fi
	;;
large)
	run vbm-large
	[ "$STOCK" = 1 ] || run vbm-pool
	unload
	;;
import)
	run_import "$@"
	unload
	run_chains "$@"
	;;
*)
	echo "guest.sh: what is $boot?" >&2
	exit 2
	;;
esac
instruments
exit 0
