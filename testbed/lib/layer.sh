# shellcheck shell=bash
# Packages for one suite: vm run --packages FILE, vm chroot --packages FILE.
#
# The root of all guests is small, and made anew whenever its list of packages
# changes. What only one suite runs is a layer on it, as overlayfs has them: an
# entry of the cache of the kind "packages-NAME", where NAME is that of FILE's
# directory, holds
#   upper/       what the packages add, for commands on the host
#   image        ext4 of it, attached to the guest as a second disk
# In the guest layer/enter puts it on the root, and runs the command in that.

layer_kind() { echo "packages-$(basename "$(dirname "$(realpath "$1")")")"; }

layer_key()	# kernel, file
{
	cache_key "$(base_key "$1")" "$2" "$TESTBED/lib/layer.sh" \
		"$TESTBED/lib/enter-disk" "$TESTBED/layer/customize"
}

layer_dir() { cache_entry "$(layer_kind "$2")" "$1" "$(layer_key "$1" "$2")"; }

layer_ensure()	# kernel, file
{
	if [ ! -d "$(layer_dir "$1" "$2")" ] && [ "$(id -u)" -ne 0 ]; then
		sudo VBM_CACHE="$CACHE" "$TESTBED/vm" packages --kernel "$1" "$2"
	fi
	base_ensure "$1"
	cache_ensure "$(layer_kind "$2")" "$1" "$(layer_key "$1" "$2")" \
		layer_make "$1" "$2"
}

layer_make()	# kernel, file, directory
{
	step "packages of ${2#"$PROJECT"/} for $1" layer_root "$@"
	step "disk image of them" layer_image "$3"
}

layer_root()
{
	local kernel=$1 file=$2 dir=$3
	mkdir -p "$dir"/{src,upper,work}
	sed -e 's/#.*//' "$file" | xargs >"$dir/src/packages"
	cp "$TESTBED/layer/customize" "$dir/src/"
	unshare --mount --fork --pid --kill-child \
		bash "$TESTBED/lib/enter-disk" "$(base_dir "$kernel")/root" \
		"$dir" "$dir/src" sh /src/customize
}

layer_image()
{
	local dir=$1 kib
	kib=$(du -sk --apparent-size "$dir/upper" | cut -f1)
	mkfs.ext4 -q -F -L layer -d "$dir/upper" -m 0 \
		-O '^has_journal,^metadata_csum' \
		-E lazy_itable_init=1 "$dir/image" "$((kib + kib / 2 + 65536))k"
	rm -rf --one-file-system "$dir"/{src,work}
}
