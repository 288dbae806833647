# shellcheck shell=bash
# The guest's root: a Debian tree with its kernel, and what is made from it.
#
# An entry of the kind "base" holds
#   root/        the tree; modules are built in it, as kbuild's tools need its
#                C library and compiler
#   source/      the kernel's source as Debian patches it (not in the image)
#   image        ext4 of root/, attached with snapshot=on
#   krelease     the kernel's release, e.g. 6.12.107+deb13-amd64
# It is never changed once made.

base_key()
{
	cache_key "$1" "$(kernel_suite "$1")" "$TESTBED/packages" \
		"$TESTBED/modules" "$TESTBED/lib/root.sh" \
		"$TESTBED/guest/customize"
}

base_dir() { cache_entry base "$1" "$(base_key "$1")"; }

krelease() { cat "$(base_dir "$1")/krelease"; }

base_ensure() { cache_ensure base "$1" "$(base_key "$1")" base_make "$1"; }

base_make()
{
	local kernel=$1 dir=$2
	step "guest root for $kernel from $(kernel_suite "$kernel")" \
		root_make "$kernel" "$dir"
	step "kernel source of $kernel" source_unpack "$dir"
	step "disk image of $kernel" image_make "$dir"
}

package_list() { sed -e 's/#.*//' "$TESTBED/packages" | xargs | tr ' ' ,; }

# Options that make apt in the new root reach the mirror as the host's does.
apt_options()
{
	apt-config dump Acquire |
		sed -n -E 's/^(Acquire::https?::Proxy[^ ]* "[^"]+";)$/--aptopt=\1/p'
	# A mirror can be behind the expiry date of a testing release.
	echo '--aptopt=Acquire::Check-Valid-Until "false"'
}

root_make()
{
	local kernel=$1 dir=$2 options
	mapfile -t options < <(apt_options)
	# The initrd that Debian would make is never used; its package's own
	# file of settings gives way to ours.
	# In a mount namespace of its own, so that none of its mounts outlives it.
	# shellcheck disable=SC2016 # expanded by mmdebstrap's shell
	unshare --mount mmdebstrap --mode=root --variant=minbase "${options[@]}" \
		--dpkgopt=force-confold \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--setup-hook='mkdir -p "$1/etc/initramfs-tools"' \
		--setup-hook='echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"' \
		--include="$(package_list)" \
		--customize-hook="cd '$dir' && APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get download $(kernel_source_package "$kernel")" \
		--customize-hook="copy-in '$TESTBED/guest/customize' '$TESTBED/modules' /tmp" \
		--customize-hook='chroot "$1" sh -e /tmp/customize' \
		"$(kernel_suite "$kernel")" "$dir/root" "$(debian_mirror)"
	# Which of several releases is not decided here: there is only one.
	(cd "$dir/root/lib/modules" && echo *) >"$dir/krelease"
	case $(cat "$dir/krelease") in
	"$kernel".*) ;;
	*)
		echo "Debian $(kernel_suite "$kernel") has kernel $(cat "$dir/krelease"), not $kernel"
		return 1
		;;
	esac
}

source_unpack()
{
	local dir=$1
	dpkg-deb -x "$dir"/linux-source-*.deb "$dir/source.deb"
	mkdir "$dir/source"
	tar -C "$dir/source" --strip-components=1 \
		-xf "$dir"/source.deb/usr/src/linux-source-*.tar.*
	rm -r "$dir"/source.deb "$dir"/linux-source-*.deb
}

# Metadata checksums cost the guest time at every boot and guard nothing here.
image_make()
{
	local dir=$1 kib
	kib=$(du -sk --apparent-size "$dir/root" | cut -f1)
	mkfs.ext4 -q -F -L root -d "$dir/root" -m 0 \
		-O '^has_journal,^metadata_csum' \
		-E lazy_itable_init=1 "$dir/image" "$((kib + kib / 2 + 524288))k"
}
