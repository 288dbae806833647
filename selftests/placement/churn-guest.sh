#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: vbm-churn, with cameras of both kinds and both contracts, to
# /out/vbm-churn.tap. What it finds to be free is what is there without others.

set -u

bin=${VBM_SELFTESTS:-/build/selftests}

modprobe videobuf2-mem movable=vbcam &&
	modprobe vbcam n_devs=4 sg=1,0,1,0 legacy=1,1 &&
	modprobe vbm-peer || exit 1
"$bin/vbm-churn" > /out/vbm-churn.tap 2>&1
