# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A program in a terminal of tmux's: keys go in, the screen is read. Sourced
# together with testbed/lib/tap.sh and watch.sh. Nothing is waited for by time: each key comes
# with what the screen shows once it has been taken.

# A server that has been told to end may not have: each screen has one.
SCREEN_NUMBER=0

screen_text()
{
	"${SCREEN[@]}" capture-pane -p
}

screen_has()	# text
{
	screen_text | grep -q -F -e "$1"
}

screen_lacks()	# text
{
	! screen_has "$1"
}

# Starts a program, and waits for the head of its table.
screen_begin()	# columns, lines, command
{
	SCREEN_NUMBER=$((SCREEN_NUMBER + 1))
	SCREEN=(tmux -L "vbm-$$-$SCREEN_NUMBER" -f /dev/null)
	"${SCREEN[@]}" new-session -d -x "$1" -y "$2" \
		"LC_ALL=C.UTF-8 $3; echo ended with \$?; sleep 600" &&
		await screen_has 'vbm top:' && await screen_has 'BUF'
}

screen_end()
{
	"${SCREEN[@]}" kill-server 2>/dev/null
}

# Fails if what the key leads to does not come.
screen_key()	# key, text
{
	"${SCREEN[@]}" send-keys "$1"
	await screen_has "$2"
}

screen_gone()	# text
{
	await screen_lacks "$1"
}

# The screen as it was when somebody looked at it.
screen_is()	# file, text
{
	local tries said

	if [ "${VBM_EXPECT:-}" = write ]; then
		sleep 2
		screen_text > "$1"
	fi
	# It is drawn from the top: what was awaited may not be its end.
	for ((tries = 0; tries < 25; tries++)); do
		if said=$(diff -u "$1" <(screen_text)); then
			tap_ok "$2"
			return
		fi
		sleep 0.2
	done
	tap_not_ok "$2" "$said"
}
