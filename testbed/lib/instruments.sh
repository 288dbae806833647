# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# In the guest, last of all: was it looked at to the end? A validator turns itself
# off at its first report, or for want of memory; from then on it is quiet whatever
# happens. To /out/instruments.tap, and only where there is one.

instruments()
{
	[ -e /proc/lockdep_stats ] || return 0
	if grep -q -E '^ *debug_locks: +1$' /proc/lockdep_stats; then
		echo 'ok 1 - lockdep is on to the end'
	else
		echo 'not ok 1 - lockdep is on to the end'
		sed 's/^/#   /' /proc/lockdep_stats
	fi > /out/instruments.tap
	echo '1..1' >> /out/instruments.tap
}
