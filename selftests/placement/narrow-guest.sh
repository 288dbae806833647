#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm-narrow and vbm-pieces, also with the kernel's own backends, to
# /out/*.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe vbm-peer && modprobe vbm-step || exit 1
status=0
for program in vbm-narrow vbm-pieces; do
	"$bin/$program" > "/out/$program.tap" 2>&1 || status=1
done
exit $status
