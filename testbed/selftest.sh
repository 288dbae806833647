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

# Runs a guest; leaves its output in $out, its messages in $err, its exit code
# in $rc.
out=$work/out.txt
err=$work/err.txt
vm()
{
	"$here/vm" run --kernel "$kernel" --stock "$@" >"$out" 2>"$err"
	rc=$?
}

t_result()
{
	vm -- sh -c 'echo to stdout; echo to stderr >&2; printf "%s|" "$@"; pwd; exit 7' \
		- 'an argument' "with 'quotes' \$and *"
	tap_is "$rc" 7 "the command's exit code comes through"
	tap_is "$(cat "$out")" "to stdout
to stderr
an argument|with 'quotes' \$and *|/root" \
		"its output comes through, both streams and nothing else"
}

t_environment()
{
	VBM_TEST='a b' vm -- sh -c \
		'echo "$KERNEL $STOCK $VBM_TEST"; uname -r; ls /src/testbed/vm; touch /src/x 2>/dev/null || echo ro'
	tap_is "$(sed -n 1p "$out")" "$kernel 1 a b" "the environment is passed"
	case $(sed -n 2p "$out") in
	"$kernel".*) tap_ok "it is the kernel asked for" ;;
	*) tap_not_ok "it is the kernel asked for" "$(cat "$out")" ;;
	esac
	tap_is "$(sed -n '3,$p' "$out")" "/src/testbed/vm
ro" "/src is the work tree, read-only"
}

t_directories()
{
	mkdir -p "$work/in" "$work/o,ut"
	echo shared >"$work/in/file"
	vm --share "$work/in" --out "$work/o,ut" -- sh -c \
		'cat /share/file; ! touch /share/new 2>/dev/null; mkdir /out/d; seq 100000 >/out/d/result'
	tap_is "$(cat "$out")" shared "--share arrives"
	tap_is "$rc" 0 "--share is read-only"
	tap_is "$(tail -n 1 "$work/o,ut/d/result" 2>&1)" 100000 "--out arrives"
}

t_large_output()
{
	vm -- seq 300000
	tap_is "$(md5sum <"$out")" "$(seq 300000 | md5sum)" \
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
		grep '/kernel/drivers/media' "$out"
	vm -- sh -c 'modprobe v4l2-mem2mem && modprobe vicodec && modprobe vim2m && modprobe vkms &&
		test -c /dev/dma_heap/system && test -c /dev/udmabuf'
	tap_is "$rc" 0 "the peers load; dma-heap and udmabuf are there"
	[ "$rc" -eq 0 ] || tap_diag_file "$out"
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
	tap_run "the display scans out an imported buffer" grep imported=yes "$out"
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
	first=$(cat "$out")
	vm --icount -- sh -c "$loop"
	second=$(cat "$out")
	tap_is "$first" "$second" "--icount gives the same count twice"
	[ "${first:-0}" -gt 20000 ] || tap_not_ok "the count is plausible" "$first"
}

t_iommu()
{
	vm --iommu strict -- sh -c 'ls /sys/kernel/iommu_groups | wc -l; cat /sys/kernel/iommu_groups/*/type | sort -u'
	tap_is "$rc" 0 "a guest with an IOMMU runs"
	tap_is "$(sed -n '2,$p' "$out")" DMA "--iommu strict: every group strictly translated"
	vm --iommu lazy -- sh -c 'cat /sys/kernel/iommu_groups/*/type | sort -u'
	tap_is "$(cat "$out")" DMA-FQ "--iommu lazy: flushed lazily"
}

t_usage()
{
	vm --no-such-option 1 -- true
	tap_is "$rc" 125 "wrong usage: 125"
	tap_is "$(cat "$out")" "" "and nothing on standard output"
}

tests=(result environment directories large_output timeout splats modules
	screen icount iommu usage)
[ $# -eq 0 ] || tests=("$@")
for test in "${tests[@]}"; do
	"t_$test"
done
tap_plan
