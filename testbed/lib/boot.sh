# shellcheck shell=bash
# How a guest starts: the initramfs, the accelerator, and QEMU's command line.
#
# The initramfs holds busybox, the few modules that the root and the shared
# directories need, and the guest's own scripts (testbed/guest), which it hands
# over to the real root: a change of them makes no new disk image.
#
# QEMU gets the kernel unpacked (it enters it as Xen's PVH does): a bzImage takes
# the emulated processor three seconds to unpack. It is the same kernel, but that
# nobody has moved it to a random address.
#
# The kernel keeps its own defaults (mitigations, init_on_alloc): what is
# measured is to be a stock kernel.

boot_key()
{
	cache_key "$(base_key "$1")" "$TESTBED"/guest/* "$TESTBED/lib/boot.sh"
}
boot_dir() { cache_entry boot "$1" "$(boot_key "$1")"; }

boot_ensure()
{
	base_ensure "$1"
	cache_ensure boot "$1" "$(boot_key "$1")" boot_make "$1"
}

boot_make() { step "initramfs for $1" initramfs_make "$1" "$2"; }

readonly INITRAMFS_MODULES='virtio_pci virtio_blk crc32c_generic ext4
	9pnet_virtio 9p virtio_console'

# Paths of the modules of INITRAMFS_MODULES in the order to load them in; one
# that is built in, or not of this kernel, has no line in modules.dep.
initramfs_modules()
{
	local dep=$1/modules.dep name
	for name in $INITRAMFS_MODULES; do
		awk -v name="/$name.ko:" '
			index($1, name) {
				for (i = NF; i > 1; i--)
					print $i
				sub(/:$/, "", $1)
				print $1
			}' "$dep"
	done | awk '!seen[$0]++'
}

initramfs_make()
{
	local kernel=$1 dir=$2 base modules tree path
	base=$(base_dir "$kernel")
	modules=$base/root/lib/modules/$(cat "$base/krelease")
	tree=$dir/tree
	mkdir -p "$tree"/{bin,dev,proc,root,modules,guest/bin}
	cp "$base/root/usr/bin/busybox" "$tree/bin/"
	initramfs_modules "$modules" >"$tree/modules/order.paths"
	while read -r path; do
		cp "$modules/$path" "$tree/modules/"
		echo "${path##*/}"
	done <"$tree/modules/order.paths" >"$tree/modules/order"
	cp "$TESTBED/guest/initramfs-init" "$tree/init"
	cp "$TESTBED/guest/init" "$tree/guest/"
	cp "$TESTBED/guest/vm-screen" "$tree/guest/bin/"
	chmod -R a+rx "$tree"
	(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$dir/initramfs"
	rm -r "$tree"
	"$base/source/scripts/extract-vmlinux" "$base"/root/boot/vmlinuz-* \
		>"$dir/vmlinux"
}

# --- accelerator -----------------------------------------------------------

# KVM is used only where the processor has it and a guest really boots with it:
# /dev/kvm can be there and a kernel hang in it.
kvm_works()
{
	local boot=$1 verdict
	[ "${VBM_ACCEL:-}" != tcg ] || return 1
	[ -w /dev/kvm ] || return 1
	grep -q -w -E 'vmx|svm' /proc/cpuinfo || return 1
	verdict=$boot/kvm-$(cache_key "$(uname -r)" "$(grep -m1 'model name' /proc/cpuinfo)")
	if [ ! -e "$verdict" ]; then
		say "does KVM work here?"
		if timeout -k 1 30 qemu-system-x86_64 -accel kvm -cpu host -m 512 \
			-nodefaults -display none -no-reboot -serial stdio \
			-kernel "$boot/vmlinux" -initrd "$boot/initramfs" \
			-append 'console=ttyS0 panic=-1 vm.probe' </dev/null 2>&1 |
			grep -q 'vm: probe passed'; then
			echo yes >"$verdict"
		else
			echo no >"$verdict"
		fi
	fi
	[ "$(cat "$verdict")" = yes ]
}

# --- QEMU ------------------------------------------------------------------

# The options that concern the machine.
OPT_MEM=2G
OPT_CPUS=2
OPT_IOMMU=off
OPT_ICOUNT=0

# A comma ends a value in QEMU's options unless doubled.
qemu_value() { printf '%s' "${1//,/,,}"; }

# qemu_share TAG DIR MODE: DIR by 9p, MODE ro or rw.
qemu_share()
{
	local mode=
	[ "$3" = rw ] || mode=,readonly=on
	QEMU+=(-virtfs "local,path=$(qemu_value "$2"),mount_tag=$1,security_model=none,multidevs=remap$mode")
}

qemu_port()
{
	QEMU+=(-chardev "file,id=$1,path=$(qemu_value "$2")"
		-device "virtserialport,chardev=$1,name=vm.$1")
}

# Sets QEMU, the command line without what belongs to one run.
qemu_machine()
{
	local boot=$1
	QEMU=(qemu-system-x86_64 -nodefaults -no-user-config -no-reboot
		-display none -machine q35 -m "$OPT_MEM")
	APPEND='console=ttyS0 loglevel=7 panic=-1 log_buf_len=4M 8250.nr_uarts=3'
	if [ "$OPT_ICOUNT" = 1 ]; then
		# Where the guest idles its clock leaps to the next timer, so any
		# wait for the host looks like hours. No chance, and no date: they
		# would make each run another one.
		QEMU+=(-accel tcg -icount 'shift=0,sleep=off' -smp 1
			-cpu 'max,erms=off,fsrm=off,rdrand=off,rdseed=off'
			-rtc 'base=2026-01-01,clock=vm')
		APPEND+=' clocksource=tsc tsc=reliable nokaslr norandmaps'
		APPEND+=' hung_task_timeout_secs=0 sysctl.kernel.hung_task_timeout_secs=0'
		APPEND+=' rcupdate.rcu_cpu_stall_suppress=1 nowatchdog'
	elif kvm_works "$boot"; then
		QEMU+=(-accel kvm -cpu host -smp "$OPT_CPUS")
	else
		# With ERMS the kernel clears pages by "rep stosb", which the
		# emulation does byte by byte.
		QEMU+=(-accel 'tcg,thread=multi' -smp "$OPT_CPUS"
			-cpu 'max,erms=off,fsrm=off')
		# A host that is busy makes the guest's watchdog doubt the TSC,
		# and the scheduler is patched to do without: an emulated
		# processor can go on with code that another one has patched a
		# moment ago, and die of it.
		APPEND+=' tsc=reliable'
	fi
	# The IOMMU must stand before the devices behind it.
	case $OPT_IOMMU in
	off) ;;
	lazy | strict)
		QEMU+=(-device intel-iommu)
		APPEND+=' intel_iommu=on'
		[ "$OPT_IOMMU" = lazy ] && APPEND+=' iommu.strict=0'
		[ "$OPT_IOMMU" = strict ] && APPEND+=' iommu.strict=1'
		;;
	*) usage_error "--iommu: off, lazy or strict" ;;
	esac
	QEMU+=(-vga none -device cirrus-vga
		-kernel "$boot/vmlinux")
}
