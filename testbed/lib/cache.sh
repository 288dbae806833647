# shellcheck shell=bash
# The cache: everything that takes long and can be made again.
#
# An entry is a directory CACHE/KIND/KERNEL-KEY, where KEY is a hash of all that
# went into it. It is made under another name and renamed when complete, so
# that an entry that exists is complete. Making is serialised by a lock for
# each KIND and KERNEL; afterwards the older entries of the same kind and
# kernel are removed, except those that a running command holds.

CACHE=${VBM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/videobuf2-mem}

# Hash of the arguments and of the contents of the files among them.
cache_key()
{
	local item
	for item; do
		if [ -f "$item" ]; then
			cat "$item"
		else
			printf '%s\n' "$item"
		fi
	done | sha256sum | cut -c1-12
}

cache_entry() { echo "$CACHE/$1/$2-$3"; }

# cache_ensure KIND KERNEL KEY MAKER...: runs MAKER with a new directory as its
# last argument, unless the entry exists; and holds the entry.
cache_ensure()
{
	local kind=$1 kernel=$2 key=$3 entry lock
	shift 3
	entry=$(cache_entry "$kind" "$kernel" "$key")
	if [ -d "$entry" ]; then
		cache_hold "$entry"
		return
	fi
	mkdir -p "$CACHE/$kind"
	exec {lock}>"$CACHE/$kind/$kernel.lock"
	flock -n "$lock" || { say "waiting for another $kind $kernel"; flock "$lock"; }
	if [ ! -d "$entry" ]; then
		rm -rf --one-file-system "$entry.new"
		mkdir "$entry.new"
		"$@" "$entry.new"
		mv "$entry.new" "$entry"
		cache_prune "$kind" "$kernel" "$entry"
	fi
	cache_hold "$entry"
	exec {lock}>&-
}

# cache_hold DIR: keeps DIR from being pruned as long as this process lives.
cache_hold()
{
	local fd
	exec {fd}<"$1"
	flock -s "$fd"
}

cache_prune()
{
	local old
	for old in "$CACHE/$1/$2"-*; do
		[ -d "$old" ] || continue
		[ "$old" != "$3" ] || continue
		flock -n -x "$old" rm -rf --one-file-system "$old" || true
	done
}
