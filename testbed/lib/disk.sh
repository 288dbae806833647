# shellcheck shell=bash
# Guests whose disk can be written to: what is installed in one is there when it
# is booted again.
#
# Their root is that of lib/root.sh and, on top of it as overlayfs does it, an
# entry of the cache of the kind "disk": Debian's packages of package/packages,
# Debian 12's kernel, which this project does not support, and the kernel's
# modules compressed, as Debian has them.
#
# A machine is a directory, made by "vm disk":
#   disk                    ext4 of the root
#   boot/vmlinux-RELEASE    what a boot loader would find in the guest's /boot
#   boot/initrd-RELEASE     (the kernel unpacked, see lib/boot.sh)
# A run writes to disk, and to the initrd of the kernel that it booted.

disk_key()
{
	cache_key "$(base_key "$1")" "$TESTBED/package/packages" \
		"$TESTBED/package/customize" "$TESTBED/lib/disk.sh" \
		"$TESTBED/lib/enter-disk" "$TESTBED/package/disk-init" \
		"$(disk_build_depends)"
}
disk_dir() { cache_entry disk "$1" "$(disk_key "$1")"; }

disk_ensure()
{
	base_ensure "$1"
	cache_ensure disk "$1" "$(disk_key "$1")" disk_make "$1"
}

disk_make() { step "packages for a guest with a disk, $1" disk_root "$1" "$2"; }

# What the Debian package of this tree needs to be built.
disk_build_depends()
{
	sed -n '/^Build-Depends:/,/^[^ ]/ { s/^Build-Depends://; /^[^ ]/d; s/([^)]*)//; s/,//; p }' \
		"$PROJECT/debian/control" | xargs
}

disk_packages()	# kernel
{
	sed -e 's/#.*//' "$TESTBED/package/packages" |
		awk -v kernel="$1" 'NF && (NF == 1 || $2 == kernel) { print $1 }'
	disk_build_depends
}

disk_root()
{
	local kernel=$1 dir=$2
	mkdir -p "$dir/src"
	disk_packages "$kernel" | xargs >"$dir/src/packages"
	cp "$TESTBED/package/customize" "$TESTBED/package/disk-init" "$dir/src/"
	in_disk "$kernel" '' "$dir" "$dir/src" bash /src/customize
	rm -r "$dir/src"
}

# in_disk KERNEL LOWER CHANGES SRC COMMAND...: COMMAND in KERNEL's root with the
# layer LOWER (or none) on it. What it changes stays in CHANGES; SRC is at /src
# and is written to as well. Without SRC COMMAND runs outside, with the root's
# path as its last argument.
in_disk()
{
	local kernel=$1 lower=$2 changes=$3
	shift 3
	lower=${lower:+$lower/upper:}$(base_dir "$kernel")/root
	mkdir -p "$changes/upper" "$changes/work"
	as_root unshare --mount --fork --pid --kill-child \
		bash "$TESTBED/lib/enter-disk" "$lower" "$changes" "$@"
}

# disk_machine KERNEL CHANGES DIR: a machine with what in_disk has left in
# CHANGES.
disk_machine()
{
	local kernel=$1 changes=$2 dir=$3 file release
	mkdir -p "$dir/boot" "$dir/root"
	export -f disk_image image_make
	in_disk "$kernel" "$(disk_dir "$kernel")" "$changes" '' \
		bash -e -c 'disk_image "$@"' - "$dir"
	rmdir "$dir/root"
	mv "$dir/image" "$dir/disk"
	for file in "$dir"/boot/vmlinuz-*; do
		release=${file##*/vmlinuz-}
		"$(base_dir "$kernel")/source/scripts/extract-vmlinux" "$file" \
			>"$dir/boot/vmlinux-$release"
		mv "$dir/boot/initrd.img-$release" "$dir/boot/initrd-$release"
		rm "$file"
	done
}

disk_image()	# directory, root
{
	cp "$2"/boot/vmlinuz-* "$2"/boot/initrd.img-* "$1/boot/"
	mount --bind "$2" "$1/root"
	image_make "$1"
}

# --- a run of a guest --------------------------------------------------------

disk_check()
{
	[ -e "$OPT_DISK/disk" ] || die "--disk: $OPT_DISK has no disk"
	[ "$OPT_RAM$OPT_STOCK" = 00 ] || usage_error "--disk: no --ram, no --stock"
	OPT_RELEASE=${OPT_RELEASE:-$(krelease "$KERNEL")}
	[ -e "$OPT_DISK/boot/initrd-$OPT_RELEASE" ] ||
		die "--release: $OPT_RELEASE is not in $OPT_DISK/boot"
}

# Sets BOOT, where lib/boot.sh keeps whether KVM works.
disk_prepare()
{
	tools_ensure
	boot_ensure "$KERNEL"
	# shellcheck disable=SC2034 # read by run.sh
	BOOT=$(boot_dir "$KERNEL")
}

# The kernel in place of lib/boot.sh's, what Debian's initrd is told, and what its
# init then finds (package/disk-init).
disk_line()
{
	QEMU+=(-kernel "$OPT_DISK/boot/vmlinux-$OPT_RELEASE")
	APPEND+=' root=/dev/vda rw fsck.mode=skip init=/usr/local/sbin/vm-init'
	mkdir -p "$RUN/ctl/guest/bin"
	cp "$TESTBED/guest/init" "$RUN/ctl/guest/"
	cp "$TESTBED/guest/vm-screen" "$RUN/ctl/guest/bin/"
}

disk_keep()
{
	[ ! -e "$RUN/ctl/initrd" ] ||
		mv "$RUN/ctl/initrd" "$OPT_DISK/boot/initrd-$OPT_RELEASE"
}
