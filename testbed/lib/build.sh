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

# With --broken, patches of testbed/broken are applied to a copy of its own: so
# that a test can show that it would notice.

# build_dir KERNEL [PATCHES]
build_dir()
{
	local broken=${2-${VBM_BROKEN:-}}
	echo "$CACHE/build/$1-$(cache_key "$PROJECT")${broken:+-${broken// /-}}"
}

# What of the work tree goes into the build: what git tracks or would track.
build_files()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	git -C "$PROJECT" ls-files -z -co --exclude-standard --deduplicate |
		(cd "$PROJECT" && xargs -0 -r sh -c \
			'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' -)
}

# build_stamp KERNEL DIR: what the copy in DIR/src amounts to, for that kernel.
# Taken of the copy, as the work tree can change meanwhile. What is neither
# built nor looked for in /build does not count.
build_stamp()
{
	(
		peers_key "$1"
		cat "$TESTBED/lib/build.sh"
		cd "$2/src" || exit
		grep -v -E '^(testbed|docs)/' "$2/src.files" |
			xargs -r -d '\n' sha1sum
	) | sha256sum | cut -c1-12
}

# The published build that is current, or the last one.
build_current() { cat "$(build_dir "$1")/current"; }

# Opens the build's directory and locks it, until build_unlock.
build_lock()
{
	mkdir -p "$1/pub"
	echo "$PROJECT" >"$1/worktree"
	exec {BUILD_LOCK}>"$1/lock"
	flock -n "$BUILD_LOCK" ||
		{ say "waiting for another build"; flock "$BUILD_LOCK"; }
}

build_unlock() { exec {BUILD_LOCK}>&-; }

# A copy of the work tree without anything of build_make, for "vm chroot".
build_checkout()	# kernel
{
	local dir
	dir=$(build_dir "$1")
	build_lock "$dir"
	build_copy "$dir" checkout
	build_unlock
}

build_ensure()
{
	local kernel=$1 dir stamp
	peers_ensure "$kernel"
	dir=$(build_dir "$kernel")
	[ -z "${VBM_BROKEN:-}" ] || [ -d "$dir" ] || build_seed "$kernel" "$dir"
	build_lock "$dir"
	build_copy "$dir" src
	[ -z "${VBM_BROKEN:-}" ] || build_break "$dir/src" || return
	stamp=$(build_stamp "$kernel" "$dir")
	if [ ! -d "$dir/pub/$stamp" ]; then
		step "build for $kernel" build_make "$kernel" "$dir"
		step "modules' dependencies for $kernel" \
			build_publish "$kernel" "$dir" "$dir/pub/$stamp"
	fi
	echo "$dir/pub/$stamp" >"$dir/current"
	build_prune "$dir" "$dir/pub/$stamp"
	build_unlock
}

# What was built unbroken need not be built again.
build_seed()
{
	local whole
	whole=$(build_dir "$1" '')
	[ -d "$whole/src" ] || return 0
	build_lock "$whole"
	mkdir -p "$2"
	cp -a "$whole/src" "$whole/src.files" "$2/"
	build_unlock
}

build_break()
{
	local name
	for name in $VBM_BROKEN; do
		(cd "$1" && GIT_CEILING_DIRECTORIES=$(dirname "$PWD") \
			git apply "$TESTBED/broken/$name.patch") ||
			die "--broken $name: the patch does not apply"
	done
}

build_make()
{
	local kernel=$1 dir=$2
	in_root "$kernel" bind "$dir/src" "$(peers_dir "$kernel")" \
		sh -e -c "$BUILD_COMMANDS" - "$(krelease "$kernel")"
}

# build_copy DIR NAME: the work tree into DIR/NAME. Files that are gone from the
# work tree go from the copy, but not what was built in it (as rsync --delete
# would have it): so a list of what an earlier copy brought is kept. A changed
# file gets the time of the copy, which is later than what was built from it.
build_copy()
{
	local copy=$1/$2 list=$1/$2.files
	mkdir -p "$copy"
	build_files | tr '\0' '\n' | sort >"$list.new"
	if [ -e "$list" ]; then
		comm -23 "$list" "$list.new" |
			(cd "$copy" && xargs -r -d '\n' rm -f)
	fi
	rsync -lp --checksum --files-from="$list.new" "$PROJECT/" "$copy/"
	mv "$list.new" "$list"
}

# shellcheck disable=SC2016 # expanded in the root
readonly BUILD_COMMANDS='
	cd /src
	export KBUILD_EXTRA_SYMBOLS=/peers/Module.symvers
	if [ -e Makefile ]; then
		make -j2 VBM_TESTS=m KERNELRELEASE= KDIR=/lib/modules/$1/build modules
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

# The modules of the last build, as kbuild lists them: older ones may lie about.
project_modules()
{
	local without='^$'
	[ "$1" = ours ] || without='^videobuf2/'
	[ ! -e "$2/modules.order" ] ||
		sed -e 's,^/src/,,' -e 's/\.o$/.ko/' "$2/modules.order" |
		sed -e "\\,$without,d"
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
	project_modules "$mode" "$src" |
		(cd "$src" && xargs -r cp -t "$modules/updates")
	# shellcheck disable=SC2016 # expanded in the root
	in_root "$kernel" bind "$modules" "$(peers_dir "$kernel")" sh -e -c '
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
