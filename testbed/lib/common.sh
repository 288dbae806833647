# shellcheck shell=bash
# What every part of the harness uses: messages, privilege, missing tools.
#
# Messages go to standard error: standard output belongs to the guest's
# command.
#
# Exit codes besides the command's own: DIED, the guest ended without telling a
# result; SPLAT, its kernel's log has a report; TIMEOUT, it did not end in time;
# HARNESS, wrong usage, or set-up or build failed, and no guest ran.

# shellcheck disable=SC2034 # not all are used in this file
readonly \
	EXIT_DIED=98 \
	EXIT_SPLAT=99 \
	EXIT_TIMEOUT=124 \
	EXIT_HARNESS=125

# A checkout can belong to another user than root, as in CI.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
	GIT_CONFIG_VALUE_0="$PROJECT"

say() { printf 'vm: %s\n' "$*" >&2; }

die()
{
	say "$*"
	exit "$EXIT_HARNESS"
}

# step WHAT COMMAND...: runs COMMAND, its output in the log of this step, and
# says what is done and how long it took. The log is shown only on failure.
# Not for use in a condition: "set -e" must work within COMMAND.
step()
{
	local what=$1 begin=$SECONDS log status
	shift
	log=$(mktemp)
	say "$what ..."
	set +e
	(
		set -e
		"$@"
	) >"$log" 2>&1
	status=$?
	set -e
	[ "$status" -eq 0 ] || tail -n 60 "$log" >&2
	rm -f "$log"
	[ "$status" -eq 0 ] || die "$what: failed"
	say "$what: $((SECONDS - begin)) s"
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# The harness needs few tools; each line: a command or file, and its package.
required_tools()
{
	cat <<-'END'
		qemu-system-x86_64 qemu-system-x86
		mmdebstrap mmdebstrap
		/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
		cpio cpio
		readelf binutils
		zstd zstd
		gpg gpg
		flock util-linux
		git git
		mkfs.ext4 e2fsprogs
		rsync rsync
		socat socat
		xz xz-utils
	END
}

have_tool()
{
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing_packages()
{
	local tool package
	while read -r tool package; do
		have_tool "$tool" || echo "$package"
	done < <(required_tools)
}

install_packages()
{
	as_root apt-get update &&
		as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "$@"
}

tools_ensure()
{
	local missing
	PATH=$PATH:/usr/sbin:/sbin
	mapfile -t missing < <(missing_packages)
	[ "${#missing[@]}" -eq 0 ] && return
	step "install ${missing[*]}" install_packages "${missing[@]}"
}
