#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm-region and vbm-shared, to /out/*.tap if there is an /out. The
# head of the former says what the guest has to have.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe vivid n_devs=1 allocators=1 node_types=0x101 &&
	modprobe vbm-peer && modprobe vbm-queue || exit 1
status=0
for program in vbm-region vbm-shared; do
	"$bin/$program" > "/tmp/$program.tap" 2>&1 || status=1
	cat "/tmp/$program.tap"
	[ ! -d /out ] || cp "/tmp/$program.tap" /out/
done
exit $status
