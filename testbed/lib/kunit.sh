# shellcheck shell=bash
# KUnit: a small kernel with the project in it (kunit/config and .kunitconfig),
# which runs the suites while it boots, tells, and ends. No user space, no root.
#
# Nearly all of such a kernel does not depend on the project. So it is made once,
# as an entry of the cache,
#   kunit    obj/, all that kbuild made of a whole kernel; its key is the source
#            and the compiler (both by the stock root), and the configuration
# and each work tree goes on with a copy of that, in CACHE/build/kunit-KERNEL-TREE
# (see lib/build.sh), where kbuild makes what has changed: a minute.

kunit_config() { cat "$PROJECT/.kunitconfig" "$TESTBED/kunit/config"; }

kunit_key()
{
	cache_key "$(base_key "$1")" "$(kunit_config)" "$TESTBED/kunit/make"
}

# As build_dir, of the kernel. The copy of the work tree is "tree".
kunit_dir() { build_dir "kunit-$1"; }

kunit_in_root()	# kernel, directory
{
	kunit_config >"$2/config"
	in_root "$1" bind "$2" "$2" sh /src/tree/testbed/kunit/make
}

kunit_seed()	# kernel, directory
{
	local kernel=$1 dir=$2
	build_copy "$dir" tree
	exec {PROGRESS}>&2
	step "kernel $kernel for KUnit (six minutes of one processor's time)" \
		kunit_seed_make "$kernel" "$dir"
	exec {PROGRESS}>&-
	rm -r "$dir/tree" "$dir/tree.files"
}

kunit_seed_make()
{
	kunit_in_root "$1" "$2" | linux_progress
	return "${PIPESTATUS[0]}"
}

# Where a build begins: what was built unbroken, else the entry of the cache.
kunit_begin()	# kernel, directory, key
{
	local whole
	[ "$(cat "$2/seed" 2>/dev/null)" != "$3" ] || return 0
	rm -rf "$2/obj"
	whole=$(VBM_BROKEN='' kunit_dir "$1")
	if [ "$(cat "$whole/seed" 2>/dev/null)" = "$3" ]; then
		cp -a "$whole/tree" "$whole/tree.files" "$whole/obj" "$2/"
	else
		cp -a "$(cache_entry kunit "$1" "$3")/obj" "$2/"
	fi
	echo "$3" >"$2/seed"
}

# Builds; says in KUNIT where the kernel is. It stays until the next build.
kunit_ensure()
{
	local kernel=$1 dir key
	key=$(kunit_key "$kernel")
	cache_ensure kunit "$kernel" "$key" kunit_seed "$kernel"
	dir=$(kunit_dir "$kernel")
	build_lock "$dir"
	kunit_begin "$kernel" "$dir" "$key"
	build_copy "$dir" tree
	[ -z "${VBM_BROKEN:-}" ] || build_break "$dir/tree"
	step "KUnit's kernel $kernel" kunit_in_root "$kernel" "$dir"
	KUNIT=$dir/vmlinux
	build_unlock
}

# What the suites say arrives in the kernel's log, and that on standard output.
# 6.12 holds memory that two devices have mapped against them, if there is
# nothing else to be said (DMA_API_DEBUG); 7.2 does not on x86.
kunit_append()
{
	printf 'console=ttyS0 loglevel=7 panic=-1 tsc=reliable cma=32M'
	printf ' swiotlb=force kunit.enable=1 kunit_shutdown=reboot'
	[ "$1" != 6.12 ] || printf ' dma_debug=off'
}

kunit_parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel) KERNEL=${2:?--kernel needs a value} ;;
		--broken) run_broken "${2:?--broken needs a value}" ;;
		--log) OPT_LOG=${2:?--log needs a value} ;;
		--append) OPT_APPEND+=" ${2:?--append needs a value}" ;;
		--timeout) OPT_TIMEOUT=${2:?--timeout needs a value} ;;
		*) usage_error "kunit: unknown option: $1" ;;
		esac
		shift 2
	done
	kernel_check "$KERNEL"
	! kernel_is_debug "$KERNEL" || die "kunit: for stock series only"
}

main_kunit()
{
	local status=0
	# Emulated, a clock that counts instructions: what is kept for two
	# seconds is kept, however busy the host is.
	local accel=(-accel tcg -icount 'shift=0,sleep=off' -rtc clock=vm
		-cpu 'max,erms=off,fsrm=off')

	kunit_parse "$@"
	tools_ensure
	boot_ensure "$KERNEL"
	kunit_ensure "$KERNEL"
	! kvm_works "$(boot_dir "$KERNEL")" || accel=(-accel kvm -cpu host)
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/vm.XXXXXX")
	trap 'rm -rf "$RUN"' EXIT
	LOG=${OPT_LOG:-$RUN/console}
	: >"$LOG"
	timeout -k 10 "$OPT_TIMEOUT" qemu-system-x86_64 -nodefaults \
		-no-user-config -no-reboot -display none -machine q35 -m 512M \
		"${accel[@]}" -kernel "$KUNIT" -serial "file:$LOG" \
		-append "$(kunit_append "$KERNEL")$OPT_APPEND" \
		</dev/null >&2 || status=$?
	tr -d '\r' <"$LOG"
	kunit_result "$status"
}

kunit_result()	# how QEMU ended
{
	if splats "$LOG" >"$RUN/reports"; then
		say "the kernel's log has a report:"
		cat "$RUN/reports" >&2
	fi
	if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
		say "no end after $OPT_TIMEOUT s"
		exit "$EXIT_TIMEOUT"
	fi
	[ "$1" -eq 0 ] || die "QEMU: $1"
	[ ! -s "$RUN/reports" ] || exit "$EXIT_SPLAT"
}
