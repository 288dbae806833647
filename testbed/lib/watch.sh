# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# In the guest: which node a device has, what is counted in debugfs, and waiting
# for it. No process is started for any of this: under emulation that takes long,
# and these are asked again and again.

# Prints "/dev/no-NAME" and fails where there is none.
node_named()	# name of a node
{
	local file name

	for file in /sys/class/video4linux/video*/name; do
		{ read -r name < "$file"; } 2>/dev/null || continue
		[ "$name" = "$1" ] || continue
		file=${file%/name}
		echo "/dev/${file##*/}"
		return
	done
	echo "/dev/no-$1"
	return 1
}

# Sets $value; to nothing, and fails, if there is no such file or name.
#
# The file is read as a whole: "read" seeks back to the end of each line, where
# the kernel makes the text anew, and a number may have one digit more by then.
value_of()	# file in debugfs, name in it
{
	local line lines=()

	{ mapfile -t lines < "/sys/kernel/debug/$1"; } 2>/dev/null
	for line in "${lines[@]}"; do
		value=${line#* }
		[ "${line%% *}" != "$2" ] || return 0
	done
	value=
	return 1
}

value_is()	# file, name, value
{
	value_of "$1" "$2" && [ "$value" = "$3" ]
}

value_reaches()	# file, name, value
{
	value_of "$1" "$2" && [ "$value" -ge "$3" ]
}

# Never written to.
exec {watch_idle}<> <(:)

# Something that happens by itself, sooner or later: fails after a minute. What
# takes long is not asked that often.
await()	# command...
{
	local end=$((SECONDS + 60)) pause=0.01 tries=0

	while [ $SECONDS -lt $end ]; do
		"$@" && return
		read -rt $pause -u "$watch_idle"
		[ $((++tries)) -lt 50 ] || pause=0.1
	done
	return 1
}
