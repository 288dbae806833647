#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm-failpoints, to /out/vbm-failpoints.tap; and what kmemleak and
# the validators say at the end, to /out/leaks.tap and /out/instruments.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}
leaks=/sys/kernel/debug/kmemleak
# shellcheck source=../testbed/lib/instruments.sh
. /src/testbed/lib/instruments.sh

# It may have turned itself off, for want of memory: then it finds nothing.
look_for_leaks()
{
	local on

	# What was let go of a moment ago may still be in a register.
	sleep 6
	on='ok 1 - kmemleak is on to the end'
	echo scan > $leaks || on="not $on"
	sleep 1
	echo scan > $leaks || on="not $on"
	echo "$on"
	cat $leaks > /out/leaks
	if [ -s /out/leaks ]; then
		echo 'not ok 2 - kmemleak: nothing is lost'
		head -n 40 /out/leaks | sed 's/^/#   /'
	else
		echo 'ok 2 - kmemleak: nothing is lost'
	fi
	echo '1..2'
}

modprobe videobuf2-mem movable=vbcam &&
	modprobe vivid n_devs=2 allocators=1,1 multiplanar=1,2 \
		node_types=0x1,0x1 &&
	modprobe vbcam n_devs=4 sg=1,0,1,0 legacy=1,1,0,0 userptr=1,1,1,1 &&
	modprobe vbm-peer && modprobe vbm-step || exit 1
echo clear > $leaks || exit 1
"$bin/vbm-failpoints" > /out/vbm-failpoints.tap 2>&1
status=$?
look_for_leaks > /out/leaks.tap
instruments
exit $status
