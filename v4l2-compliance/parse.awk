# SPDX-License-Identifier: GPL-2.0
#
# Reads what v4l2-compliance printed and prints one line for each test:
#   NAME <tab> STATUS <tab> WARNINGS <tab> FIRST-LINE <tab> LAST-LINE
# STATUS is OK, FAIL, "OK (Not Supported)" or whatever else the tool said; the
# lines are those of the input that belong to the test. NAME is the section and
# the test's own name, with an ordinal where the section has several of that
# name. The tool prints a test's warnings and messages before its result.
#
# A last line "SUMMARY" tells whether the tool ran to its end.

# "Format ioctls (Input 0):", "Test input 0:", "Streaming ioctls:"
/^[A-Z\t][^:]*:$/ && !/^\t\t/ {
	section = $0
	gsub(/^[ \t]+|:$/, "", section)
	first = NR + 1
	warnings = 0
	next
}

/^[ \t]*(warn|fail|info): / {
	if ($1 == "warn:")
		warnings++
	next
}

/^\t+test .*: / {
	name = $0
	sub(/^[ \t]*test /, "", name)
	status = name
	# The result follows the last colon; names hold none.
	sub(/: .*/, "", name)
	sub(/^[^:]*: /, "", status)
	key = section "/" name
	if (++seen[key] > 1)
		key = key " #" seen[key]
	printf "%s\t%s\t%d\t%d\t%d\n", key, status, warnings, first, NR
	first = NR + 1
	warnings = 0
	next
}

/^Total for .*: [0-9]+, Succeeded: [0-9]+, Failed: [0-9]+, Warnings: [0-9]+$/ {
	total = $0
	sub(/^Total for /, "", total)
	complete = 1
}

END {
	print "SUMMARY\t" (complete ? "OK" : "died") "\t0\t1\t" NR
}
