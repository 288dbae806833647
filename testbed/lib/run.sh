# shellcheck shell=bash
# One run of a guest.
#
# QEMU writes three streams: the command's output (a fifo, copied to standard
# output), lines of control (a fifo, read by control_loop) and the kernel's
# console (a file, searched for reports at the end). The directory of the run
# holds them and goes away with it.
#
# The exit code: a guest that did not end in time 124; one that told no result
# 98; a report in its log 99; else the command's own.
#
# Emulated processors can execute code that another one has patched a moment
# ago, and a booting kernel patches itself a lot: once in some hundred boots one
# dies of that, or hangs, before there is a root. Such a guest is started again,
# since nothing of ours has run in it yet; from where the command starts on each
# failure counts.

# shellcheck disable=SC2034 # options of the machine are read by boot.sh

OPT_STOCK=0
OPT_SHARE=
OPT_OUT=
OPT_SCREEN=
OPT_LOG=
OPT_APPEND=
OPT_QEMU=
OPT_TIMEOUT=600
OPT_EXPECT_SPLAT=0
OPT_BUILD=1
OPT_RAM=0
OPT_PACKAGES=
OPT_SHELL=0
COMMAND=()

# A boot takes ten seconds; on a machine that is very busy a minute.
readonly BOOT_SECONDS=180

run_parse()
{
	local name value
	while [ $# -gt 0 ]; do
		name=$1
		shift
		case $name in
		--)
			COMMAND=("$@")
			return
			;;
		--stock) OPT_STOCK=1; continue ;;
		--icount) OPT_ICOUNT=1; continue ;;
		--expect-splat) OPT_EXPECT_SPLAT=1; continue ;;
		--no-build) OPT_BUILD=0; continue ;;
		--ram) OPT_RAM=1; continue ;;
		--*=*)
			value=${name#*=}
			name=${name%%=*}
			;;
		--*)
			[ $# -gt 0 ] || usage_error "$name needs a value"
			value=$1
			shift
			;;
		*) usage_error "unexpected: $name (a command stands after --)" ;;
		esac
		case $name in
		--kernel) KERNEL=$value ;;
		--share) OPT_SHARE=$value ;;
		--out) OPT_OUT=$value ;;
		--screen) OPT_SCREEN=$value ;;
		--log) OPT_LOG=$value ;;
		--append) OPT_APPEND+=" $value" ;;
		--qemu) OPT_QEMU+=" $value" ;;
		--mem) OPT_MEM=$value ;;
		--cpus) OPT_CPUS=$value ;;
		--iommu) OPT_IOMMU=$value ;;
		--broken) run_broken "$value" ;;
		--packages) OPT_PACKAGES=$value ;;
		--timeout) OPT_TIMEOUT=$value ;;
		*) usage_error "unknown option: $name" ;;
		esac
	done
}

run_broken()	# name of a patch
{
	[ -e "$TESTBED/broken/$1.patch" ] ||
		usage_error "--broken: no $1; there are: $(cd \
			"$TESTBED/broken" && echo *.patch)"
	export VBM_BROKEN="${VBM_BROKEN:+$VBM_BROKEN }$1"
}

run_main()
{
	[ "$1" != shell ] || OPT_SHELL=1
	shift
	run_parse "$@"
	kernel_check "$KERNEL"
	if [ "$OPT_SHELL" = 1 ]; then
		COMMAND=(bash -i)
	elif [ "${#COMMAND[@]}" -eq 0 ]; then
		usage_error "run: no command"
	fi
	[ -z "$OPT_SHARE" ] || [ -d "$OPT_SHARE" ] ||
		die "--share: $OPT_SHARE is no directory"
	[ "$OPT_RAM" = 0 ] || ram_check
	[ -z "$OPT_PACKAGES" ] || run_packages
	run_prepare
	run_guest
}

run_packages()
{
	[ -f "$OPT_PACKAGES" ] || die "--packages: there is no $OPT_PACKAGES"
	[ "$OPT_RAM" = 0 ] || usage_error "--packages: not with --ram"
	COMMAND=(/src/testbed/layer/enter "${COMMAND[@]}")
}

# Sets BOOT and PUB, and keeps both from being pruned under the guest.
run_prepare()
{
	if [ "$OPT_BUILD" = 1 ] || [ ! -e "$(build_dir "$KERNEL")/current" ]; then
		if [ "$(id -u)" -eq 0 ]; then
			tools_ensure
			boot_ensure "$KERNEL"
			build_ensure "$KERNEL"
		else
			sudo VBM_CACHE="$CACHE" VBM_BROKEN="${VBM_BROKEN:-}" \
				"$TESTBED/vm" build --kernel "$KERNEL"
		fi
	fi
	[ -z "$OPT_PACKAGES" ] || layer_ensure "$KERNEL" "$OPT_PACKAGES"
	BOOT=$(boot_dir "$KERNEL")
	BASE=$(base_dir "$KERNEL")
	PUB=$(build_current "$KERNEL")
	cache_hold "$BASE"
	cache_hold "$BOOT"
	cache_hold "$PUB"
}

# What the guest reads from its control directory.
run_settings()
{
	local mode=ours
	[ "$OPT_STOCK" = 0 ] || mode=stock
	cat >"$RUN/ctl/settings" <<-END
		VM_MODE=$mode
		VM_SHELL=$OPT_SHELL
		VM_SHARE=$([ -n "$OPT_SHARE" ] && echo 1 || echo 0)
		VM_OUT=$([ -n "$OPT_OUT" ] && echo 1 || echo 0)
	END
	{
		local name
		echo "export KERNEL=$KERNEL STOCK=$OPT_STOCK"
		for name in "${!VBM_@}"; do
			printf 'export %s=%q\n' "$name" "${!name}"
		done
		printf 'exec'
		printf ' %q' "${COMMAND[@]}"
		echo
	} >"$RUN/ctl/cmd"
}

run_qemu_line()
{
	local extra
	qemu_machine "$BOOT"
	QEMU+=(-serial "file:$LOG" -qmp "unix:$RUN/qmp,server=on,wait=off")
	if [ "$OPT_RAM" = 1 ]; then
		ram_make
		QEMU+=(-initrd "$RUN/initramfs" -serial "file:$RUN/out.file"
			-serial "file:$RUN/control.file")
	else
		run_root
	fi
	read -r -a extra <<<"$OPT_QEMU"
	QEMU+=(${extra[@]+"${extra[@]}"} -append "$APPEND$OPT_APPEND")
}

# A root on a disk, and what the guest shares with the host.
run_root()
{
	# shellcheck disable=SC2054 # commas within QEMU's values
	QEMU+=(-initrd "$BOOT/initramfs" -device virtio-serial-pci
		-drive "file=$(qemu_value "$BASE/image"),format=raw,if=virtio,snapshot=on,cache=unsafe")
	[ -z "$OPT_PACKAGES" ] ||
		QEMU+=(-drive "file=$(qemu_value "$(layer_dir "$KERNEL" \
			"$OPT_PACKAGES")/image"),format=raw,if=virtio,snapshot=on,cache=unsafe")
	qemu_port out "$RUN/out"
	qemu_port ctl "$RUN/control"
	qemu_share ctl "$RUN/ctl" rw
	qemu_share src "$PROJECT" ro
	qemu_share pub "$PUB" ro
	[ -z "$OPT_SHARE" ] || qemu_share share "$OPT_SHARE" ro
	[ -z "$OPT_OUT" ] || qemu_share out "$OPT_OUT" rw
	if [ "$OPT_SHELL" = 1 ]; then
		# shellcheck disable=SC2054 # likewise
		QEMU+=(-chardev stdio,id=shell,signal=off
			-device virtconsole,chardev=shell)
	fi
}

# --- screen pictures -------------------------------------------------------

# shellcheck disable=SC2153 # QMP_PID is set by coproc
# One picture of the display into the file $1, by QEMU's control socket.
screendump()
{
	local file=$1 line answers=0
	coproc QMP { socat - "UNIX-CONNECT:$RUN/qmp"; }
	printf '%s\n' '{"execute":"qmp_capabilities"}' \
		'{"execute":"screendump","arguments":{"filename":"'"$file"'","format":"png"}}' \
		>&"${QMP[1]}"
	while [ "$answers" -lt 2 ] && read -r -t 20 line <&"${QMP[0]}"; do
		case $line in
		*'"return"'*) answers=$((answers + 1)) ;;
		*'"error"'*) say "screen: $line"; break ;;
		esac
	done
	kill "$QMP_PID" 2>/dev/null || true
	wait "$QMP_PID" 2>/dev/null || true
	[ "$answers" -eq 2 ]
}

# screen_answer NUMBER [NAME]: what "vm-screen NAME" asked for.
screen_answer()
{
	local number=$1 name=${2:-} target=$OPT_SCREEN answer=failed
	[ -z "$name" ] || [ -z "$target" ] ||
		target=$(dirname "$OPT_SCREEN")/$(basename "$name")
	if [ -z "$target" ]; then
		say "vm-screen: no --screen given"
	elif screendump "$RUN/screen.png" && cp "$RUN/screen.png" "$target"; then
		answer=ok
	fi
	echo "$answer" >"$RUN/ctl/screen.new"
	mv "$RUN/ctl/screen.new" "$RUN/ctl/screen.$number"
}

control_loop()
{
	local verb first rest
	while read -r verb first rest; do
		case $verb in
		start) : >"$RUN/started" ;;
		exit) echo "$first" >"$RUN/exit" ;;
		screen) screen_answer "$first" "$rest" ;;
		esac
	done
}

# --- the guest's end -------------------------------------------------------

# Prints the reports in the kernel log $1; fails if there is none.
#
# A report starts with one of these lines and ends at "end trace", or where 60
# lines bring no further one.
splats()
{
	awk '
	BEGIN {
		# What stands after the time stamp of a line.
		head = "(^|\\] )"
		start = "------------\\[ cut here \\]" \
			"|" head "(WARNING|BUG|Oops|UBSAN|Internal error|kernel BUG at|Kernel panic - )" \
			"|Oops: |[^A-Z]BUG: |nable to handle kernel" \
			"|" head "INFO: (possible|trying to register|task )" \
			"|INFO: rcu|detected stall|soft lockup|hard LOCKUP" \
			"|(circular|recursive) locking|inconsistent lock state" \
			"|list_(add|del) corruption" \
			"|kmemleak: [0-9]+ new suspected"
	}
	{ sub(/\r$/, "") }
	$0 ~ start { left = 60; found = 1 }
	left > 0 { print; left-- }
	/---\[ end trace/ { left = 0 }
	END { exit !found }
	' "$1"
}

# The result: $1 is the exit code of timeout and QEMU.
run_result()
{
	local qemu=$1 reports=$RUN/reports
	if splats "$LOG" >"$reports"; then
		say "the kernel's log of the guest has a report:"
		cat "$reports" >&2
	fi
	if [ "$qemu" -eq 124 ] || [ "$qemu" -eq 137 ]; then
		say "no end after $OPT_TIMEOUT s"
		[ -s "$reports" ] || tail -n 20 "$LOG" >&2
		return "$EXIT_TIMEOUT"
	fi
	if [ ! -s "$RUN/exit" ]; then
		say "the guest told no result (QEMU: $qemu)"
		[ -s "$reports" ] || tail -n 60 "$LOG" >&2
		return "$EXIT_DIED"
	fi
	if [ -s "$reports" ] && [ "$OPT_EXPECT_SPLAT" = 0 ]; then
		return "$EXIT_SPLAT"
	fi
	return "$(cat "$RUN/exit")"
}

run_cleanup()
{
	[ -z "${QEMU_PID:-}" ] || kill "$QEMU_PID" 2>/dev/null || true
	rm -rf "$RUN"
}

# One start of QEMU; fails as QEMU or timeout did.
run_qemu()
{
	local status=0 copier controller watchdog
	cat "$RUN/out" &
	copier=$!
	control_loop <"$RUN/control" &
	controller=$!
	if [ "$OPT_SHELL" = 1 ]; then
		timeout --foreground -k 10 "$OPT_TIMEOUT" "${QEMU[@]}" || status=$?
	else
		timeout -k 10 "$OPT_TIMEOUT" "${QEMU[@]}" </dev/null >"$RUN/qemu" 2>&1 &
		QEMU_PID=$!
		[ "$OPT_RAM" = 0 ] || ram_follow "$QEMU_PID"
		run_watchdog "$QEMU_PID" &
		watchdog=$!
		wait "$QEMU_PID" || status=$?
		QEMU_PID=
		kill "$watchdog" 2>/dev/null || true
		wait "$watchdog" 2>/dev/null || true
		cat "$RUN/qemu" >&2
	fi
	# Where QEMU never opened the fifos their readers would wait for ever.
	: 1<>"$RUN/out" 1<>"$RUN/control"
	wait "$copier" "$controller" || true
	return $status
}

# Ends a guest that does not come up.
run_watchdog()	# process
{
	local i
	for ((i = 0; i < BOOT_SECONDS; i++)); do
		[ ! -e "$RUN/started" ] || return 0
		sleep 1
	done
	: >"$RUN/hangs"
	kill "$1" 2>/dev/null || true
}

# Whether the guest is to be started again: it never got to the command, but its
# kernel had begun.
run_again()	# how often it has been started, how QEMU ended
{
	[ "$OPT_SHELL" = 0 ] && [ ! -e "$RUN/started" ] &&
		[ -s "$LOG" ] && [ "$1" -lt 3 ] && [ "$2" -ne 124 ] || return
	if [ -e "$RUN/hangs" ]; then
		say "the guest does not come up; again"
	else
		say "the guest died before the command; again"
	fi
	tail -n 5 "$LOG" >&2
	rm -f "$RUN/hangs" "$RUN/exit"
	: >"$LOG"
}

run_guest()
{
	local status=0 starts=1
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/vm.XXXXXX")
	QEMU_PID=
	trap run_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	LOG=${OPT_LOG:-$RUN/console}
	: >"$LOG"
	mkdir "$RUN/ctl"
	mkfifo "$RUN/out" "$RUN/control"
	[ -z "$OPT_OUT" ] || mkdir -p "$OPT_OUT"
	run_settings
	run_qemu_line

	run_qemu || status=$?
	while run_again "$starts" "$status"; do
		starts=$((starts + 1))
		status=0
		run_qemu || status=$?
	done
	run_result "$status" || exit $?
}
