# shellcheck shell=bash
# Running a command in the guest's root, on the host.

# in_root KERNEL SRC PEERS COMMAND...: COMMAND in KERNEL's root, with a fresh
# /tmp and /root, SRC at /src, the peers' build at /peers, the kernel's source
# at /usr/src/linux and a scratch directory that stays at /scratch. All mounts
# vanish with the command. The source may be written to: changes are lost.
in_root()
{
	local kernel=$1 src=$2 peers=$3
	shift 3
	mkdir -p "$CACHE/scratch/$kernel"
	as_root unshare --mount --fork --pid --kill-child \
		bash -e "$TESTBED/lib/enter" "$(base_dir "$kernel")" \
		"$src" "$peers" "$CACHE/scratch/$kernel" "$@"
}
