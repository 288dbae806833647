# shellcheck shell=bash
# A guest whose root is in its memory (vm run --ram).
#
# What a guest does depends on when its host does something: a block that is read
# earlier is an interrupt earlier, and from there on the kernel's lists have
# another order. Here there is no disk and no directory of the host's. All that the
# guest gets is in an archive behind the initramfs, and what it says goes out by
# serial ports, which QEMU serves at once. With --icount a run is then the same as
# the one before, to the last instruction; without it, it is a small guest.
#
# The archive is no full root: bash, busybox and libc, the modules that those of
# the build need and some more, and the built tree at /build, which is /src too, but
# for what is only read: a word in the documentation is to change no figure.

# Modules of the kernel that no module of ours asks for.
readonly RAM_MODULES='vivid videobuf2-dma-contig videobuf2-dma-sg'

readonly RAM_LIBRARIES='libc.so.6 libm.so.6 libtinfo.so.6'

ram_check()
{
	if [ -n "$OPT_OUT$OPT_SCREEN" ] || [ "$OPT_SHELL" = 1 ]; then
		usage_error "--ram: no --out, no --screen and no shell there"
	fi
}

# Makes $RUN/initramfs.
ram_make()
{
	local tree=$RUN/tree
	mkdir -p "$tree/run/vm/ctl" "$tree/usr/bin" "$tree/bin" "$tree/sys" \
		"$tree/tmp"
	ln -s usr/lib "$tree/lib"
	ln -s usr/lib64 "$tree/lib64"
	ln -s /bin/busybox "$tree/usr/bin/busybox"
	cp "$RUN/ctl/settings" "$RUN/ctl/cmd" "$tree/run/vm/ctl/"
	ram_programs "$BASE/root" "$tree"
	ram_modules "$BASE/root" "$tree"
	ram_build "$PUB/tree" "$tree/build"
	ln -s build "$tree/src"
	[ -z "$OPT_SHARE" ] || cp -r "$OPT_SHARE" "$tree/share"
	# The kernel reads each number in the archive, so files have no times.
	find "$tree" -exec touch -h -d @0 {} +
	{
		cat "$BOOT/initramfs"
		(cd "$tree" && find . | LC_ALL=C sort |
			cpio --quiet -o -H newc -R 0:0 --reproducible)
	} >"$RUN/initramfs"
	rm -r "$tree"
}

# What QEMU writes goes into files, which never make it wait, and from there on.
ram_follow()	# process of QEMU
{
	local name
	for name in out control; do
		: >"$RUN/$name.file"
		tail -q -s 0.2 -n +1 -f --pid="$1" "$RUN/$name.file" \
			>"$RUN/$name" &
	done
}

ram_build()	# built tree, copy
{
	local path
	mkdir "$2"
	for path in "$1"/*; do
		case ${path##*/} in
		docs | testbed | README.md) ;;
		*) cp -r "$path" "$2/" ;;
		esac
	done
}

ram_programs()	# root, tree
{
	local name loader
	cp "$1/usr/bin/bash" "$2/usr/bin/"
	ln -s /usr/bin/bash "$2/bin/bash"
	mkdir -p "$2/usr/lib64" "$2/usr/lib"
	loader=$(cd "$1/usr/lib64" && echo ld-linux*)
	cp -L "$1/usr/lib64/$loader" "$2/usr/lib64/"
	for name in $RAM_LIBRARIES; do
		cp -L "$1"/usr/lib/*-linux-gnu/"$name" "$2/usr/lib/"
	done
}

# The build's modules, with the kernel's that they need.
ram_modules()	# root, tree
{
	local release modules name path
	release=$(cat "$BASE/krelease")
	modules=$2/usr/lib/modules/$release
	name=ours
	[ "$OPT_STOCK" = 0 ] || name=stock
	mkdir -p "$modules"
	cp -r "$PUB/modules-$name"/modules.* "$modules/"
	[ ! -e "$PUB/modules-$name/updates" ] ||
		cp -r "$PUB/modules-$name/updates" "$modules/"
	awk -v more="$RAM_MODULES" '
		BEGIN {
			for (n = split(more, name, " "); n; n--)
				wanted[name[n] ".ko:"]
		}
		{ file = $1; sub(".*/", "", file) }
		/^updates/ || file in wanted {
			sub(/:/, "")
			for (i = 1; i <= NF; i++)
				if ($i ~ /^kernel/ && !seen[$i]++)
					print $i
		}' "$modules/modules.dep" | while read -r path; do
		mkdir -p "$modules/${path%/*}"
		cp "$1/usr/lib/modules/$release/$path" "$modules/$path"
	done
}
