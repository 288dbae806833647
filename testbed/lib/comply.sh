# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# In the guest: v4l2-compliance on nodes that are to have neither failures nor
# warnings. It mostly waits, so several run at once; each needs nodes of its own,
# the one that exports as well, unless every open file is a device of its own, as
# it is with memory-to-memory ones. Sourced together with tap.sh.

# What it prints is left in /out/compliance-NAME.txt.
comply()	# name, node, node that exports, options...
{
	local name=$1 node=$2 exporter=$3

	shift 3
	timeout 200 v4l2-compliance -P -a "$@" -d "$node" -e "$exporter" \
		> "/out/compliance-$name.txt" 2>&1 < /dev/null &
	comply_names+=("$name")
}

# Waits for all that were begun, and tells what they found.
complied()
{
	local name file sum text

	wait
	for name in "${comply_names[@]}"; do
		file=/out/compliance-$name.txt
		sum=$(tail -n 1 "$file")
		text="v4l2-compliance $name: $sum"
		# Buffers of another device belong to it: not "Not Supported".
		if [[ $sum == *', Failed: 0, Warnings: 0' ]] &&
		   grep -q 'test DMABUF (select): OK$' "$file" &&
		   ! grep -q 'Cannot test' "$file"; then
			tap_ok "$text"
		else
			tap_not_ok "$text" \
				"$(grep -E 'fail:|warn:|Cannot' "$file")"
		fi
	done
	comply_names=()
}
