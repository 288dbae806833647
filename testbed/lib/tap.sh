# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# TAP for shell suites, on the host and in the guest. Source it, report each
# check with one of the functions below, and end with tap_plan. A suite prints
# nothing else on standard output than TAP; diagnostics are lines that begin
# with '#'.
#
# Every result goes through tap_result, so that the numbers are consecutive and
# the plan is what was really run: a script that dies half way prints no plan,
# and the runner counts that as a failure.

tap_count=0
tap_failed=0

# One line of TAP may not hold a newline, nor a '#' in its text: what follows
# one is a directive. No process is started for it: in an emulated guest each
# takes a tenth of a second.
tap_result()	# ok|not ok, text, [directive and its text]
{
	local text=${2//[$'\n\t#']/ } why=${4-}

	tap_count=$((tap_count + 1))
	printf '%s %d - %s%s\n' "$1" "$tap_count" "$text" \
		"${3:+ # $3 ${why//[$'\n\t#']/ }}"
}

tap_ok()	# text
{
	tap_result ok "$1"
}

tap_not_ok()	# text, [diagnostics...]
{
	local text=$1

	shift
	tap_failed=$((tap_failed + 1))
	tap_result 'not ok' "$text"
	[ $# -eq 0 ] || tap_diag "$@"
}

tap_skip()	# text, reason
{
	tap_result ok "$1" SKIP "$2"
}

# Each line of the arguments becomes a diagnostic of the result above it.
tap_diag()
{
	local text

	for text; do
		printf '#   %s\n' "${text//$'\n'/$'\n'#   }"
	done
}

# The same for a file, cut to its last lines.
tap_diag_file()	# file, [lines]
{
	[ -s "$1" ] || return 0
	tail -n "${2:-20}" -- "$1" | tr -d '\000' | sed 's/^/#   /'
}

# Of what "vm run" said, what it says of the guest's end, from the beginning: the
# first lines of a report name its reason.
tap_guest_log()	# file
{
	if grep -q '^vm: \(the\|no end\)' "$1"; then
		sed -n '/^vm: \(the\|no end\)/,$p' "$1" | head -n 60
	else
		tail -n 20 "$1"
	fi 2>/dev/null
}

# Runs a command; its exit code is the result, its output the diagnostics of a
# failure.
tap_run()	# text, command...
{
	local text=$1 out

	shift
	if out=$("$@" 2>&1 </dev/null); then
		tap_ok "$text"
	else
		tap_not_ok "$text" "$(tail -n 20 <<<"$out")"
	fi
}

# The same for a command with each of several files, as many at once as there
# are processors.
tap_each()	# text, command, files...
{
	local text=$1 command=$2 dir file n=0

	shift 2
	dir=$(mktemp -d) || return
	for file; do
		[ "$n" -lt "$(nproc)" ] || wait -n
		{
			"$command" "$file" > "$dir/$n" 2>&1 </dev/null
			echo $? > "$dir/$n.rc"
		} &
		n=$((n + 1))
	done
	wait
	n=0
	for file; do
		if [ "$(cat "$dir/$n.rc")" = 0 ]; then
			tap_ok "$text $file"
		else
			tap_not_ok "$text $file" "$(tail -n 20 "$dir/$n")"
		fi
		n=$((n + 1))
	done
	rm -r "$dir"
}

# Compares two values.
tap_is()	# got, expected, text
{
	if [ "$1" = "$2" ]; then
		tap_ok "$3"
	else
		tap_not_ok "$3" "got      $1" "expected $2"
	fi
}

tap_plan()
{
	printf '1..%d\n' "$tap_count"
	[ "$tap_failed" -eq 0 ]
}

# Takes over the TAP of another program, or of a guest, with our own numbers.
# That program must have ended well by its own plan: anything else is a failure
# here too.
tap_import()	# file, prefix of every text
{
	local file=$1 prefix=${2:+$2: } line plan='' n=0

	if [ ! -s "$file" ]; then
		tap_not_ok "${prefix}gives results" "$file is empty"
		return
	fi
	while IFS= read -r line; do
		line=${line%$'\r'}
		if [[ $line =~ ^(ok|not\ ok)\ +[0-9]+\ *-?\ *([^#]*[^# ])?\ *(#\ *([Ss][Kk][Ii][Pp])\ *(.*))?$ ]]; then
			n=$((n + 1))
			if [ -n "${BASH_REMATCH[4]}" ]; then
				tap_skip "$prefix${BASH_REMATCH[2]}" \
					"${BASH_REMATCH[5]}"
			elif [ "${BASH_REMATCH[1]}" = ok ]; then
				tap_ok "$prefix${BASH_REMATCH[2]}"
			else
				tap_not_ok "$prefix${BASH_REMATCH[2]}"
			fi
		elif [[ $line =~ ^1\.\.([0-9]+) ]]; then
			plan=${BASH_REMATCH[1]}
		elif [[ $line == '#'* ]]; then
			printf '%s\n' "$line"
		fi
	done < "$file"
	[ "$plan" = "$n" ] ||
		tap_not_ok "${prefix}runs to its end" \
			"plan: ${plan:-none}, results: $n"
}
