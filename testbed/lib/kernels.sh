# shellcheck shell=bash
# Which kernels there are, and where each comes from.
#
# A stock kernel is named by its series (6.12). Only the series is fixed: the
# exact release is what Debian has when the root is made, and is read back from
# it. An instrumented one of the same source (lib/debug.sh) is "debug", of the
# newest series, or debug-SERIES.

# shellcheck disable=SC2034 # used by the front end
readonly KERNEL_DEFAULT=6.12

kernel_check()
{
	case $1 in
	6.12 | 7.2 | debug | debug-6.12) ;;
	*) die "no such kernel: $1 (6.12, 7.2, debug, debug-6.12)" ;;
	esac
}

kernel_is_debug() { [[ $1 == debug* ]]; }

# The series of any kernel.
kernel_series()
{
	case $1 in
	debug) echo 7.2 ;;
	*) echo "${1#debug-}" ;;
	esac
}

# The Debian release whose kernel is of this series.
kernel_suite()
{
	case $1 in
	6.12) echo trixie ;;
	7.2) echo forky ;;
	esac
}

kernel_source_package() { echo "linux-source-$1"; }

# The main archive that this host's apt is set up with: it has the other
# releases too.
debian_mirror()
{
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' \
		'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" && $2 == "main" { print $3; exit }'
}
