#!/usr/bin/env bash
# Tests the harness itself, as TAP: what it promises to the suites, each with a
# guest of its own. KERNEL as for the suites. Takes about five minutes.

# Scripts in single quotes are for the guest.
# shellcheck disable=SC2016
set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib/tap.sh
. "$here/lib/tap.sh"

kernel=${KERNEL:-6.12}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a guest; leaves its output in $said, its messages in $err, its exit code
# in $rc.
said=$work/out.txt
err=$work/err.txt
vm()
{
	"$here/vm" run --kernel "$kernel" --stock "$@" >"$said" 2>"$err"
	rc=$?
}

# Does the harness see a report in these lines of a kernel's log?
report_in()
{
	printf '%s\n' "$@" >"$work/log"
	TESTBED=$here bash -c '
		. "$TESTBED/lib/common.sh"
		. "$TESTBED/lib/run.sh"
		splats "$0"' "$work/log" >"$said"
}

t_patterns()
{
	local line
	while read -r line; do
		tap_run "a report: $line" report_in "[    1.0] a line" \
			"[    2.000000] $line" "[    3.0] another"
	done <<-'END'
		------------[ cut here ]------------
		WARNING: CPU: 0 PID: 1 at drivers/x.c:1 f+0x1/0x2 [x]
		WARNING: possible circular locking dependency detected
		WARNING: suspicious RCU usage
		BUG: KASAN: slab-use-after-free in f+0x1/0x2
		BUG: KCSAN: data-race in f / g
		BUG: sleeping function called from invalid context at mm/x.c:1
		BUG: unable to handle page fault for address: 0000000000000008
		Oops: general protection fault, probably for non-canonical address
		Oops: 0002 [#1] PREEMPT SMP
		Unable to handle kernel NULL pointer dereference at virtual address
		UBSAN: array-index-out-of-bounds in x.c:1:2
		rcu: INFO: rcu_preempt self-detected stall on CPU
		rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
		INFO: task kworker/0:1:9 blocked for more than 120 seconds.
		INFO: trying to register non-static key.
		watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]
		kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
		kernel BUG at lib/x.c:1!
		Kernel panic - not syncing: x
	END
	while read -r line; do
		tap_run "no report: $line" not report_in "[    2.000000] $line"
	done <<-'END'
		traps: x[12] general protection fault ip:1 sp:2 error:0
		Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS
		DMA-API: preallocated 65536 debug entries
		DMA-API: debugging enabled by kernel config
		x: loading out-of-tree module taints kernel.
		x: module verification failed: signature and/or required key missing
		kmemleak: Automatic memory scanning thread started
		Firmware Bug: something
		debug: unmapping init memory
		platform x: DMABUG: no
	END
	report_in '[    1.0] ------------[ cut here ]------------' \
		'[    1.0] WARNING: CPU: 0 PID: 1 at x.c:1' \
		'[    1.0] ---[ end trace 0000000000000000 ]---' \
		'[    2.0] and on it goes'
	tap_is "$(wc -l <"$said")" 3 "a report ends at its end"
}

not() { ! "$@"; }

t_result()
{
	vm -- sh -c 'echo to stdout; echo to stderr >&2; printf "%s|" "$@"; pwd; exit 7' \
		- 'an argument' "with 'quotes' \$and *"
	tap_is "$rc" 7 "the command's exit code comes through"
	tap_is "$(cat "$said")" "to stdout
to stderr
an argument|with 'quotes' \$and *|/root" \
		"its output comes through, both streams and nothing else"
}

t_environment()
{
	VBM_TEST='a b' vm -- sh -c \
		'echo "$KERNEL $STOCK $VBM_TEST"; uname -r; ls /src/testbed/vm; touch /src/x 2>/dev/null || echo ro'
	tap_is "$(sed -n 1p "$said")" "$kernel 1 a b" "the environment is passed"
	case $(sed -n 2p "$said") in
	"$kernel".*) tap_ok "it is the kernel asked for" ;;
	*) tap_not_ok "it is the kernel asked for" "$(cat "$said")" ;;
	esac
	tap_is "$(sed -n '3,$p' "$said")" "/src/testbed/vm
ro" "/src is the work tree, read-only"
}

t_directories()
{
	mkdir -p "$work/in" "$work/o,ut"
	echo shared >"$work/in/file"
	vm --share "$work/in" --out "$work/o,ut" -- sh -c \
		'cat /share/file; ! touch /share/new 2>/dev/null; mkdir /out/d; seq 100000 >/out/d/result'
	tap_is "$(cat "$said")" shared "--share arrives"
	tap_is "$rc" 0 "--share is read-only"
	tap_is "$(tail -n 1 "$work/o,ut/d/result" 2>&1)" 100000 "--out arrives"
}

t_large_output()
{
	vm -- seq 300000
	tap_is "$(md5sum <"$said")" "$(seq 300000 | md5sum)" \
		"two megabytes of output come whole"
}

t_timeout()
{
	vm --timeout 30 -- sleep 1000
	tap_is "$rc" 124 "a guest that does not end: 124"
}

t_splats()
{
	vm -- sh -c 'modprobe vm-splat; exit 0'
	tap_is "$rc" 99 "a WARN: 99"
	tap_is "$(grep -c 'a warning on request' "$err")" 1 "it is printed, once"
	vm --expect-splat -- sh -c 'modprobe vm-splat; exit 3'
	tap_is "$rc" 3 "an expected WARN: the command's exit code"
	tap_is "$(grep -c 'a warning on request' "$err")" 1 "it is printed all the same"
	vm -- sh -c 'modprobe vm-splat kind=oops; exit 0'
	tap_is "$rc" 99 "an oops: 99"
	vm -- modprobe vm-splat kind=panic
	tap_is "$rc" 98 "a panic: 98"
	tap_run "its message is printed" grep 'a panic on request' "$err"
}

t_modules()
{
	vm -- sh -c 'modprobe vivid && modprobe -r vivid && modprobe vivid n_devs=1 &&
		lsmod | grep -q "^vivid" && ls /dev/video0 &&
		modinfo -F filename videobuf2-dma-contig'
	tap_is "$rc" 0 "vivid loads, unloads and loads again"
	tap_run "--stock has the kernel's own videobuf2-dma-contig" \
		grep '/kernel/drivers/media' "$said"
	vm -- sh -c 'modprobe v4l2-mem2mem && modprobe vicodec && modprobe vim2m && modprobe vkms &&
		test -c /dev/dma_heap/system && test -c /dev/udmabuf'
	tap_is "$rc" 0 "the peers load; dma-heap and udmabuf are there"
	[ "$rc" -eq 0 ] || tap_diag_file "$said"
}

t_screen()
{
	vm --screen "$work/a.png" -- sh -c '
		modprobe vivid n_devs=1 allocators=1
		modprobe cirrus-qemu 2>/dev/null || modprobe cirrus
		v4l2-ctl -d /dev/video0 --set-input=3
		driver=$(basename "$(readlink /sys/class/drm/card0/device/driver)")
		gst-launch-1.0 v4l2src device=/dev/video0 io-mode=dmabuf ! \
			video/x-raw,format=BGRx,width=640,height=480 ! \
			kmssink driver-name=$driver force-modesetting=true >/root/log 2>&1 &
		for i in $(seq 100); do
			grep -q imported=yes /sys/kernel/debug/dri/0/framebuffer && break
			sleep 0.2
		done
		cat /sys/kernel/debug/dri/0/framebuffer
		sleep 1
		vm-screen && vm-screen b.png'
	tap_is "$rc" 0 "vm-screen succeeds"
	[ "$rc" -eq 0 ] || tap_diag_file "$err"
	tap_is "$(head -c 8 "$work/a.png" | tail -c 7 | head -c 3)" PNG "a PNG arrives"
	tap_is "$(head -c 8 "$work/b.png" | tail -c 7 | head -c 3)" PNG "a second one by its name"
	tap_run "the display scans out an imported buffer" grep imported=yes "$said"
	[ -z "${VBM_KEEP_SCREEN:-}" ] || cp "$work/a.png" "$VBM_KEEP_SCREEN"
}

t_icount()
{
	local first second
	# Instructions that a loop takes, by the guest's clock.
	loop='perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e "
		for (1 .. 20) {
			my \$t = clock_gettime(CLOCK_MONOTONIC);
			for my \$i (1 .. 20000) { }
			push @d, int(1e9 * (clock_gettime(CLOCK_MONOTONIC) - \$t));
		}
		@d = sort { \$a <=> \$b } @d; print \$d[0], qq(\n);"'
	vm --icount -- sh -c "$loop"
	first=$(cat "$said")
	vm --icount -- sh -c "$loop"
	second=$(cat "$said")
	# The clock is in nanoseconds, rounded: one more or less is the same.
	tap_run "--icount gives the same count twice ($first, $second)" \
		test $((first - second)) -ge -2 -a $((first - second)) -le 2
	tap_run "the count is plausible" test "${first:-0}" -gt 20000
}

t_ram()
{
	mkdir -p "$work/in"
	echo shared >"$work/in/file"
	for i in 1 2; do
		vm --ram --icount --share "$work/in" -- sh -c '
			cat /share/file; echo "$KERNEL $STOCK"; echo error >&2
			modprobe vivid && ls /dev/video0 /src/selftests/run
			seq 20000
			cat /proc/timer_list /proc/buddyinfo /proc/interrupts
			exit 7'
		tap_is "$rc" 7 "--ram: the command's exit code comes through"
		tap_is "$(head -n 5 "$said" | xargs)" \
			"shared $kernel 1 error /dev/video0 /src/selftests/run" \
			"--ram: --share, the environment, modules and programs"
		tap_is "$(sed -n '6,20005p' "$said" | md5sum)" \
			"$(seq 20000 | md5sum)" "--ram: the output comes whole"
		mv "$said" "$work/ram.$i"
	done
	tap_run "--ram --icount: to the nanosecond, and to the page" \
		cmp "$work/ram.1" "$work/ram.2"
	vm --ram -- modprobe vm-splat
	tap_is "$rc" 99 "--ram: a WARN: 99"
	vm --ram --timeout 100 -- sh -c 'sleep 1000 & echo left'
	tap_is "$rc $(cat "$said")" "0 left" \
		"--ram: what a command leaves behind does not keep the guest"
	vm --ram --timeout 30 -- sleep 1000
	tap_is "$rc" 124 "--ram: a guest that does not end: 124"
	vm --ram --out "$work/out" -- true
	tap_is "$rc" 125 "--ram: nothing arrives in a directory: 125"
}

t_machine()
{
	vm --append vm.test=1 --qemu '-device edu -device edu' --mem 1G --cpus 1 -- sh -c '
		grep -o vm.test=1 /proc/cmdline
		grep -l 0x11e8 /sys/bus/pci/devices/*/device | wc -l
		nproc; free -m | awk "/^Mem/ { print (\$2 < 1024) }"'
	tap_is "$(xargs <"$said")" "vm.test=1 2 1 1" \
		"--append, --qemu, --cpus and --mem reach the guest"
}

t_iommu()
{
	vm --iommu strict -- sh -c 'ls /sys/kernel/iommu_groups | wc -l; cat /sys/kernel/iommu_groups/*/type | sort -u'
	tap_is "$rc" 0 "a guest with an IOMMU runs"
	tap_is "$(sed -n '2,$p' "$said")" DMA "--iommu strict: every group strictly translated"
	vm --iommu lazy -- sh -c 'cat /sys/kernel/iommu_groups/*/type | sort -u'
	tap_is "$(cat "$said")" DMA-FQ "--iommu lazy: flushed lazily"
}

t_chroot()
{
	"$here/vm" chroot --kernel "$kernel" -- sh -e -c '
		pwd; test -e testbed/vm; touch made; test -e /usr/src/linux/Kbuild
		touch /usr/src/linux/made; test -e /peers/Module.symvers
		command -v sparse; exit 5' >"$said" 2>"$err"
	tap_is "$?" 5 "vm chroot: the exit code comes through"
	tap_is "$(head -n 1 "$said")" /src "and it starts in /src"
	"$here/vm" chroot --kernel "$kernel" -- sh -c \
		'test ! -e made && test ! -e /usr/src/linux/made' >"$said" 2>&1
	tap_is "$?" 0 "what it wrote is gone the next time"
}

t_usage()
{
	vm --no-such-option 1 -- true
	tap_is "$rc" 125 "wrong usage: 125"
	tap_is "$(cat "$said")" "" "and nothing on standard output"
}

tests=(patterns chroot result environment directories large_output timeout splats modules
	screen icount ram machine iommu usage)
[ $# -eq 0 ] || tests=("$@")
for test in "${tests[@]}"; do
	"t_$test"
done
tap_plan
