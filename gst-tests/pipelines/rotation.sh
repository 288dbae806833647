# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086 # for devices.sh; several words
#
# Camera to encoder to decoder to display, and camera to display, long enough
# that GStreamer's pools, as large as they are by default, go round many times.
# A buffer then comes to another index nearly each time, where vb2 lets go of
# the one before; each must be mapped once by each device all the same.
#
# Who counts is not who is judged: probes of the kernel's own functions tell
# which dma-buf is queued at which index, and what dma-buf maps. Their trace has
# a room of its own, where nothing else makes it lose any. Stock, for which
# selftests/import/gst is, maps as often as an index changes.

PROBES=$TRACING/instances/rotation

# Pointers to names, and fields of struct v4l2_buffer, by their offsets.
# shellcheck disable=SC2016 # $arg1 is the kernel's
probes_on()
{
	[ ! -d $PROBES ] || return 0
	# It would patch the scheduler, which runs; an instance inherits it.
	echo 0 > $TRACING/options/record-cmd
	echo 'p:rotation/probe_qbuf vb2_qbuf dev=+0(+0(+8($arg1))):string' \
		'queue=$arg1:x64 index=+0($arg3):u32 memory=+60($arg3):u32' \
		'fd=+64($arg3):s32' >> $TRACING/kprobe_events &&
	echo 'p:rotation/probe_map dma_buf_map_attachment_unlocked' \
		'dev=+0(+0(+8($arg1))):string' >> $TRACING/kprobe_events &&
	mkdir $PROBES &&
	echo 1 > $PROBES/events/rotation/enable
}

rotation_run()	# name, frames
{
	echo > $PROBES/trace
	gst "$1" v4l2src "device=${CAM[1]}" io-mode=dmabuf "num-buffers=$2" ! \
		video/x-raw,format=YUY2,width=160,height=120 ! \
		"${ENC[1]}" output-io-mode=dmabuf-import capture-io-mode=dmabuf ! \
		"${DEC[1]}" output-io-mode=dmabuf-import capture-io-mode=dmabuf ! \
		$V4L2SINK "device=${DISP[1]}" io-mode=dmabuf-import \
		v4l2src "device=${CAM[0]}" io-mode=dmabuf "num-buffers=$2" ! \
		video/x-raw,format=NV12,width=354,height=246 ! \
		$V4L2SINK "device=${DISP[0]}" io-mode=dmabuf-import
	cat $PROBES/trace > "/tmp/$1.probes"
}

# What chain.py says is left in $said.
mapped()	# name, once|each
{
	said=$(python3 $CHAIN imports "/tmp/$1.probes" "$2" vbcodec.1 vbdisp.1 \
		vbdisp.0 2>&1)
	holds "${said/#ok */ok}" "$1: what each device maps" "$1"
	tap_diag "$said"
	[[ $said == 'ok '* ]] || cp "/tmp/$1.probes" "$GST_OUT/"
}

# Stock maps at each frame: so the indexes do change.
rotation_stock()	# name, frames
{
	rotation_run "$@"
	holds "$(proof_ended "$1")" "$1: the pipeline ends well" "$1"
	mapped "$1" each
}

rotation()
{
	local name=rotation frames=60 said maps

	PAIRS=("vbcam.1>vbcodec.1" "vbcodec.1>vbcodec.1" "vbcodec.1>vbdisp.1"
		"vbcam.0>vbdisp.0")
	COUNTERS=("exports_total>0" "imports_total>0"
		"import_maps=imports_total" "import_maps_cached>import_maps"
		"attaches=imports_total" "detaches=attaches" "user_maps=0")
	HOPS=("vbcam.1:YUYV>vbcodec.1:YUYV@tail=16"
		"vbcodec.1:JPEG>vbcodec.1:JPEG"
		"vbcodec.1:XR24>vbdisp.1:XR24@tail=16"
		"vbcam.0:NV12>vbdisp.0:NV12@tail=16")

	tap_run "$name: the probes are set" probes_on
	if [ "$STOCK" = 1 ]; then
		rotation_stock $name $frames
		return
	fi
	run_begin
	rotation_run $name $frames
	run_end $name
	zero_copy $name $((frames / 2))
	mapped $name once
	maps=$(grep -o '[0-9]* maps' <<<"$said" | awk '{ n += $1 }
						 END { print n + 0 }')
	tap_is "$(delta import_maps)" "$maps" "$name: our counter says the same"
	nothing_left $name
}

rotation
