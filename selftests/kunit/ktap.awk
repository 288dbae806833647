# SPDX-License-Identifier: GPL-2.0
#
# KTAP in a kernel's log becomes TAP.
#
# KTAP nests: suites, their tests, and the parameters of a test, each level
# indented by four more spaces. Suites and tests say beforehand how many there
# are. Here a parameter is a test, and a suite, or a test with parameters, is
# what is in it. A level with another number of results than was planned is a
# failure, and so is a log that stops before the last suite has ended.
#
# What is said between two results belongs to the second one and is shown if it
# failed.

function result(verdict, text, directive)
{
	n++
	printf "%s %d - %s%s\n", verdict, n, text, directive
	if (verdict == "not ok")
		printf "%s", said
	said = ""
}

# The levels that are deeper than this one have ended.
function close_levels(level,    l)
{
	for (l = deepest; l > level; l--) {
		if (l == 1 && plan[l] != results[l] ||
		    l > 1 && plan[l] && plan[l] != results[l])
			result("not ok", name[l - 1] ": runs to its end", "")
		delete results[l]
		delete plan[l]
	}
	deepest = level
}

{
	sub(/\r$/, "")
	sub(/^\[ *[0-9]+\.[0-9]+\] /, "")
	match($0, /^ */)
	level = RLENGTH / 4
	line = substr($0, RLENGTH + 1)
}

line ~ /^KTAP version / {
	deepest = level
	results[level] = 0
	plan[level] = ""
	said = ""
	next
}

line ~ /^1\.\.[0-9]+$/ && level in results {
	plan[level] = substr(line, 4) + 0
	next
}

line ~ /^# Subtest: / {
	name[level - 1] = substr(line, 12)
	next
}

line ~ /^(not )?ok [0-9]+ / && level in results {
	verdict = line ~ /^not/ ? "not ok" : "ok"
	text = line
	sub(/^(not )?ok [0-9]+ (- )?/, "", text)
	directive = ""
	if (match(text, / # SKIP.*/)) {
		directive = substr(text, RSTART)
		text = substr(text, 1, RSTART - 1)
	}
	gsub(/#/, "", text)
	nested = deepest > level ? results[level + 1] : 0
	close_levels(level)
	results[level]++
	# Of what is nested all has been said, but that it fails by itself: in
	# its init or exit.
	if (nested && (verdict == "ok" || failed[level + 1])) {
		failed[level] += failed[level + 1]
		failed[level + 1] = 0
		said = ""
		next
	}
	failed[level] += verdict == "not ok"
	failed[level + 1] = 0
	if (level > 1)
		text = name[1] ": " text
	if (level > 0)
		text = name[0] ": " text
	result(verdict, text, directive)
	next
}

# What a test says, and not how many have passed.
line !~ /^# ([A-Za-z_]+: pass:|Totals: |module: )/ {
	said = said "#   " $0 "\n"
}

END {
	close_levels(0)
	if (!plan[0] || plan[0] != results[0])
		result("not ok", "all suites run to their end", "")
	printf "1..%d\n", n
}
