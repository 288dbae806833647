#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm-narrow, also with the kernel's own backends, to
# /out/vbm-narrow.tap.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe vbm-peer && modprobe vbm-step || exit 1
"$bin/vbm-narrow" > /out/vbm-narrow.tap 2>&1
