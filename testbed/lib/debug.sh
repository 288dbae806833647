# shellcheck shell=bash
# Instrumented kernels: Debian's source of a series, with the configuration
# debug/config.
#
# Its guest root is that of the stock kernel of the series with another kernel
# in it, so that all else (peers, builds, initramfs, runs) goes as it does for a
# stock one. Two entries of the cache:
#   linux    what debug/make makes, half an hour of a processor's time; its key
#            is the source, the compiler (both by the stock root) and the
#            configuration
#   base     as in lib/root.sh, but with hard links: no entry is ever written to
#
# lib/root.sh is part of the key of each stock root. So that these are not made
# again for what only concerns instrumented ones, this stands here, and takes the
# place of two functions there.

# function_copy OLD NEW
function_copy() { eval "$2() $(declare -f "$1" | sed 1d)"; }

function_copy base_key stock_base_key
function_copy base_make stock_base_make

base_key()
{
	if kernel_is_debug "$1"; then
		cache_key "$(linux_key "$1")" "$TESTBED/lib/debug.sh"
	else
		stock_base_key "$1"
	fi
}

base_make()
{
	if kernel_is_debug "$1"; then
		debug_base_make "$@"
	else
		stock_base_make "$@"
	fi
}

linux_key()
{
	cache_key "$(base_key "$(kernel_series "$1")")" \
		"$(linux_config "$1")" "$TESTBED/debug/make"
}
linux_dir() { cache_entry linux "$1" "$(linux_key "$1")"; }

linux_make()
{
	exec {PROGRESS}>&2
	step "instrumented kernel $1 (half an hour of one processor's time)" \
		linux_build "$1" "$2"
	exec {PROGRESS}>&-
}

# The configuration, without what a series has no more.
linux_config()	# kernel
{
	case $(kernel_series "$1") in
	6.12) cat "$TESTBED/debug/config" ;;
	*) grep -v -x CONFIG_DMA_API_DEBUG_SG=y "$TESTBED/debug/config" ;;
	esac
}

linux_build()
{
	linux_config "$1" >"$2/config"
	cp "$TESTBED/debug/make" "$2/"
	# "peers": there is nothing to give.
	in_root "$(kernel_series "$1")" bind "$2" "$2" \
		nice -n 19 sh /src/make | linux_progress
	return "${PIPESTATUS[0]}"
}

# Copies kbuild's output, and tells on the terminal how far it is.
linux_progress()
{
	awk '{ print }
	/^  (CC|AS|LD|AR|HOSTCC)/ && ++n % 250 == 0 {
		print "vm:   " n " files" >"/dev/fd/'"$PROGRESS"'"
		fflush()
	}'
}

debug_base_make()
{
	local kernel=$1 dir=$2
	base_ensure "$(kernel_series "$kernel")"
	cache_ensure linux "$kernel" "$(linux_key "$kernel")" \
		linux_make "$kernel"
	step "guest root for $kernel" debug_root_make "$kernel" "$dir"
	step "disk image of $kernel" image_make "$dir"
}

debug_root_make()
{
	local dir=$2 stock linux release
	stock=$(base_dir "$(kernel_series "$1")")
	linux=$(linux_dir "$1")
	release=$(cat "$linux/krelease")
	cp -al "$stock/root" "$stock/source" "$dir/"
	rm -r "${dir:?}"/root/{boot,lib/modules,usr/src}
	mkdir "$dir"/root/{boot,lib/modules,usr/src}
	mkdir "$dir/root/usr/src/linux"
	cp -al "$linux/root/." "$dir/root/"
	# Already what lib/boot.sh unpacks a stock kernel to.
	cp -l "$linux/vmlinux" "$dir/root/boot/vmlinuz-$release"
	cp "$linux/krelease" "$dir/krelease"
}
