#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: all applications, one after the other. Prints TAP into /out.
#
#   guest.sh [APPLICATION...]

set -u

here=/src/apps
# shellcheck source=../testbed/lib/tap.sh
. /src/testbed/lib/tap.sh
# shellcheck source=../testbed/lib/watch.sh
. /src/testbed/lib/watch.sh
# shellcheck source=../gst-tests/lib.sh
. /src/gst-tests/lib.sh
# shellcheck source=../gst-tests/devices.sh
. /src/gst-tests/devices.sh
# shellcheck source=lib.sh
. $here/lib.sh

exec > /out/guest.tap 2> /out/guest.log

# Not in a shell of its own: it sets where they are.
if apps_devices; then
	tap_ok 'our devices load'
else
	tap_not_ok 'our devices load' "$(dmesg | tail -n 5)"
fi
tap_run 'udev starts' apps_udev
if [ -r "$STATS" ]; then
	tap_ok 'our modules are loaded'
else
	tap_not_ok 'our modules are loaded' "$(lsmod | grep videobuf2)"
fi

[ $# -gt 0 ] || set -- v4l2-ctl ffmpeg pipewire libcamera opencv
for application; do
	if ! [ -r "$here/$application.sh" ]; then
		tap_not_ok "$application: there is such an application"
		continue
	fi
	# shellcheck source=/dev/null
	. "$here/$application.sh"
	nothing_left "$application"
	echo "$application: until second $SECONDS" >&2
done
tap_is "$(proof_faults)" ok 'no device saw a fault'
tap_plan
exit 0
