# shellcheck shell=bash
# The project's modules and programs, built inside the guest's root.
#
# The work tree is copied to CACHE/build/KERNEL-TREE/src (TREE is a hash of the
# work tree's path) and made there, so that make's own time stamps keep the
# build incremental and the work tree stays free of objects. What a guest needs
# is then published as CACHE/build/KERNEL-TREE/pub/STAMP, named by the content
# that it was made from and immutable, so that a build does not disturb a
# running guest:
#   tree/            the built tree without objects: /build in the guest
#   modules-ours/    /lib/modules/RELEASE with all of the project's modules
#   modules-stock/   the same without the videobuf2 modules
# A modules-* directory holds updates/ and the modules.* files that depmod made
# for it; its "kernel" links to where the guest mounts the stock modules.

build_dir()
{
	echo "$CACHE/build/$1-$(cache_key "$PROJECT")"
}

# What of the work tree goes into the build: what git tracks or would track.
build_files()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	git -C "$PROJECT" ls-files -z -co --exclude-standard --deduplicate |
		(cd "$PROJECT" && xargs -0 -r sh -c \
			'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' -)
}

build_stamp()
{
	(
		peers_key "$1"
		cd "$PROJECT" || exit
		build_files | grep -z -v -E '^(testbed|docs)/' |
			xargs -0 -r sha1sum
	) | sha256sum | cut -c1-12
}

# The published build that is current, or the last one.
build_current() { cat "$(build_dir "$1")/current"; }

# Just the copy of the work tree, for commands that make what they need.
build_sync()
{
	local dir lock
	dir=$(build_dir "$1")
	mkdir -p "$dir/src" "$dir/pub"
	echo "$PROJECT" >"$dir/worktree"
	exec {lock}>"$dir/lock"
	flock "$lock"
	build_copy "$dir"
	exec {lock}>&-
}

build_ensure()
{
	local kernel=$1 dir stamp lock
	peers_ensure "$kernel"
	dir=$(build_dir "$kernel")
	mkdir -p "$dir/src" "$dir/pub"
	exec {lock}>"$dir/lock"
	flock -n "$lock" || { say "waiting for another build"; flock "$lock"; }
	stamp=$(build_stamp "$kernel")
	if [ ! -d "$dir/pub/$stamp" ]; then
		echo "$PROJECT" >"$dir/worktree"
		step "build for $kernel" build_make "$kernel" "$dir"
		step "modules' dependencies for $kernel" \
			build_publish "$kernel" "$dir" "$dir/pub/$stamp"
	fi
	echo "$dir/pub/$stamp" >"$dir/current"
	build_prune "$dir" "$dir/pub/$stamp"
	exec {lock}>&-
}

build_make()
{
	local kernel=$1 dir=$2
	build_copy "$dir"
	in_root "$kernel" "$dir/src" "$(peers_dir "$kernel")" \
		sh -e -c "$BUILD_COMMANDS" - "$(krelease "$kernel")"
}

build_copy()
{
	local dir=$1
	# Deletes what is gone from the work tree, but no products of a build:
	# --delete would; so only files that an earlier copy brought.
	build_files | tr '\0' '\n' | sort >"$dir/files.new"
	if [ -e "$dir/files" ]; then
		comm -23 "$dir/files" "$dir/files.new" |
			(cd "$dir/src" && xargs -r -d '\n' rm -f)
	fi
	rsync -a --checksum --files-from="$dir/files.new" "$PROJECT/" "$dir/src/"
	mv "$dir/files.new" "$dir/files"
}

# shellcheck disable=SC2016 # expanded in the root
readonly BUILD_COMMANDS='
	cd /src
	export KBUILD_EXTRA_SYMBOLS=/peers/Module.symvers
	if [ -e Makefile ]; then
		make -j2 KERNELRELEASE= KDIR=/lib/modules/$1/build modules
	fi
	if [ -e selftests/Makefile ]; then
		make -j2 -C selftests
	fi
'

build_publish()
{
	local kernel=$1 dir=$2 pub=$3
	rm -rf "$pub.new"
	mkdir -p "$pub.new"
	rsync -a --exclude='*.o' --exclude='.*.cmd' --exclude='.git' \
		"$dir/src/" "$pub.new/tree/"
	modules_make "$kernel" "$dir/src" "$pub.new" ours
	modules_make "$kernel" "$dir/src" "$pub.new" stock
	mv "$pub.new" "$pub"
}

# The depmod of the guest's root runs over its modules and these.
modules_make()
{
	local kernel=$1 src=$2 pub=$3 mode=$4 release modules
	release=$(krelease "$kernel")
	modules=$pub/modules-$mode
	mkdir -p "$modules/updates"
	find "$(peers_dir "$kernel")" -name '*.ko' \
		-exec cp -t "$modules/updates" {} +
	find "$src" -name '*.ko' -path '*/drivers/*' \
		-exec cp -t "$modules/updates" {} +
	if [ "$mode" = ours ]; then
		find "$src" -name '*.ko' -path '*/videobuf2/*' \
			-exec cp -t "$modules/updates" {} +
	fi
	# shellcheck disable=SC2016 # expanded in the root
	in_root "$kernel" "$modules" "$(peers_dir "$kernel")" sh -e -c '
		mount --bind /src/updates "/lib/modules/$1/updates"
		depmod -o /tmp "$1"
		cp /tmp/lib/modules/"$1"/modules.* /src/
		for file in order builtin builtin.modinfo; do
			cp /lib/modules/"$1"/modules.$file /src/
		done
	' - "$release"
	ln -s /run/vm/kernel "$modules/kernel"
}

# Older builds that no guest runs from, and those of work trees that are gone.
build_prune()
{
	local old
	for old in "$1"/pub/*; do
		[ "$old" != "$2" ] || continue
		flock -n -x "$old" rm -rf --one-file-system "$old" || true
	done
	for old in "$CACHE"/build/*/; do
		[ -e "$old/worktree" ] || continue
		[ -d "$(cat "$old/worktree")" ] || rm -rf --one-file-system "$old"
	done
}
