#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: runs what the guides tell to run, in their order and in one shell,
# as who follows them does: each block of code after a line "<!-- guest -->". Every
# command of a block has to end well. Prints TAP into /out.
#
#   guest.sh PAGE...

here=$(dirname "$0")
# shellcheck source=../../testbed/lib/tap.sh
. "$here/../../testbed/lib/tap.sh"

exec > /out/guest.tap 2> /out/guest.log

# The blocks of a page, each as a file of its own.
blocks()	# page, directory
{
	awk -v dir="$2" '
		/^<!-- guest -->$/ { wanted = 1; next }
		wanted && /^```sh$/ { wanted = 0; file = sprintf("%s/%02d", dir, ++n); next }
		/^```$/ { file = ""; next }
		file { print > file }' "$1"
}

# Runs a block; what it says is left in $said, whether it is good in $good. A
# command that fails before the last one is told by the trap, the last one by its
# code. Not for use in a condition, where there are no traps.
# shellcheck disable=SC1090 # a block
run_block()	# file
{
	local rc bad=0

	set -E -o pipefail
	trap 'bad=1' ERR
	. "$1" > /tmp/said 2>&1
	rc=$?
	trap - ERR
	set +E +o pipefail
	said=$(tail -n 20 /tmp/said)
	good=1
	[ $rc -eq 0 ] && [ $bad -eq 0 ] || good=0
}

# The counters of the start page: what was exported is mapped for the display once,
# and never for the CPU.
zero_copy()
{
	awk '{ n[$1] = $3 - $2 }
	     END { exit !(n["exports_total"] > 0 && n["user_maps"] == 0 &&
			  n["maps"] == n["exports_total"] &&
			  n["import_maps_cached"] > n["maps"]) }' <<<"$said"
}

for page; do
	dir=$(mktemp -d)
	name=$(basename "$page")
	blocks "$page" "$dir"
	[ -n "$(ls "$dir")" ] || tap_not_ok "$name has something to run"
	for block in "$dir"/*; do
		IFS= read -r first < "$block"
		run_block "$block"
		if [ $good -eq 1 ]; then
			tap_ok "$name: $first"
		else
			tap_not_ok "$name: $first" "$said"
		fi
		case $first in
		'modinfo -n '*)
			[[ $said == */updates/* ]]
			tap_is $? 0 "$name: the module is ours" ;;
		'counters | '*)
			zero_copy
			tap_is $? 0 "$name: nothing is copied (${said//$'\n'/, })" ;;
		esac
	done
done

printf 'false | cat\ntrue\n' > /tmp/control
run_block /tmp/control
tap_is $good 0 'control: a command that fails is noticed'
printf '! true\n' > /tmp/control
run_block /tmp/control
tap_is $good 0 'control: what may not be found is noticed'
tap_plan
