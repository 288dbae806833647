# shellcheck shell=bash
# Running a command in the guest's root, on the host.

# in_root KERNEL MODE SRC PEERS COMMAND...: COMMAND in KERNEL's root, with SRC
# at /src, the peers' build at /peers, the kernel's source at /usr/src/linux and
# a directory that stays at /scratch. What COMMAND writes elsewhere goes to
# memory and is lost; what it writes to /src is lost too if MODE is "overlay"
# and arrives in SRC if it is "bind". All mounts vanish with the command. With
# ROOT_LAYER that directory lies on the root (lib/layer.sh).
ROOT_LAYER=
in_root()
{
	local kernel=$1 scratch=$CACHE/scratch/$1
	shift
	mkdir -p "$scratch"
	as_root unshare --mount --fork --pid --kill-child \
		bash "$TESTBED/lib/enter" "$(base_dir "$kernel")" "$ROOT_LAYER" \
		"$scratch" "$@"
}
