# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for devices.sh
#
# The kernel's own camera, vivid, into both encoders at once: once with
# contiguous memory, which is ours, once with memory of vmalloc, which is not,
# and which only the scatter-gather encoder can take. Either way round: vivid
# exports, or it imports from the encoders. vivid tells no checksums; its
# picture stands still, and is read once through its mmap.

# Two cameras and nothing else, with memory of each kind.
vivid_enc_load()
{
	modprobe -r vivid && modprobe vivid n_devs=2 node_types=0x1,0x1 \
		allocators=1,0 num_inputs=1,1 input_types=3,3 \
		no_error_inj=1 || return
	CAMERA=$(node_named vivid-000-vid-cap) &&
		VMALLOC_CAMERA=$(node_named vivid-001-vid-cap)
}

vivid_enc_run()	# name, frames, io-mode of the cameras, of the encoders
{
	run_begin
	gst "$1" \
		v4l2src "device=$CAMERA" "io-mode=$3" "num-buffers=$2" ! \
		video/x-raw,format=NV12,width=320,height=240 ! \
		"${ENC[1]}" "output-io-mode=$4" ! \
		filesink "location=/tmp/$1-1.mjpg" \
		v4l2src "device=$VMALLOC_CAMERA" "io-mode=$3" \
		"num-buffers=$2" ! \
		video/x-raw,format=YUY2,width=644,height=362 ! \
		"${ENC[0]}" "output-io-mode=$4" ! \
		filesink "location=/tmp/$1-0.mjpg"
	run_end "$1"
}

vivid_still()	# device, file
{
	v4l2-ctl -d "$1" --stream-mmap --stream-count=1 --stream-to="$2" \
		> /tmp/reference.out 2>&1
}

vivid_enc()
{
	local name=vivid-enc frames=8 hops

	if ! vivid_enc_load; then
		tap_not_ok "$name: vivid loads" "$(dmesg | tail -n 20)"
		return
	fi
	camera_text off
	v4l2-ctl -d "$VMALLOC_CAMERA" -c osd_text_mode=2
	hops=("still=/tmp/vivid-1.raw:NV12:320x240>vbcodec.1:NV12"
		"vbcodec.1:JPEG>jpeg=/tmp/@-1.mjpg"
		"still=/tmp/vivid-0.raw:YUYV:644x362>vbcodec.0:YUYV"
		"vbcodec.0:JPEG>jpeg=/tmp/@-0.mjpg")

	vivid_enc_run $name $frames dmabuf dmabuf-import
	vivid_still "$CAMERA" /tmp/vivid-1.raw
	vivid_still "$VMALLOC_CAMERA" /tmp/vivid-0.raw
	# Memory of vmalloc is nobody's but vivid's: it is imported, and that
	# is all that is seen here.
	PAIRS=("vivid.0>vbcodec.1")
	COUNTERS=("exports_total>0" "attaches>0" "imports_total>attaches"
		"import_maps=imports_total" "detaches=attaches")
	HOPS=("${hops[@]/@/$name}")
	zero_copy $name $frames
	nothing_left $name

	vivid_enc_run $name-copied 2 dmabuf mmap
	copies $name-copied
	nothing_left $name-copied

	vivid_enc_run $name-up $frames dmabuf-import dmabuf
	# vmalloc takes a kernel address and does not attach.
	PAIRS=("vbcodec.1>vivid.0")
	COUNTERS=("exports_total>0" "kernel_maps>0" "imports_total>0"
		"attaches=imports_total" "import_maps=imports_total"
		"detaches=attaches")
	HOPS=("${hops[@]/@/$name-up}")
	zero_copy $name-up $frames
	nothing_left $name-up

	v4l2-ctl -d "$CAMERA" -c horizontal_flip=1
	vivid_still "$CAMERA" /tmp/vivid-1.raw
	v4l2-ctl -d "$CAMERA" -c horizontal_flip=0
	caught "$(proof_chain $name-up $frames "${HOPS[@]}")" \
		"$OTHER_FRAMES" "$name-up: another picture"
	# As it was, for who comes next.
	if ! modprobe -r vivid || ! vivid_load; then
		tap_not_ok "$name: vivid loads again" "$(dmesg | tail -n 20)"
	fi
}

vivid_enc
