# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2086 # variables of lib.sh
#
# In the guest: known frames into vbdisp in every way, and what it says of them.
# Sourced by guest.sh.

display=/build/selftests/display_check

# What the display has scanned out is what was sent.
shows()	# text, options of display_check, display
{
	tap_run "display: $1" "$display" $2 "$(node_named "$3")"
}

test_display()
{
	local options cam

	unload_all
	modprobe vbcam n_devs=2 sg=0,1 stride_align=256,0
	modprobe vbdisp n_devs=3 sg=0,1,1 multiplanar=0,0,1
	for options in '-r 2 -f YUYV -s 642x362' '-r 2 -f NV12 -s 642x362' \
		       '-f XR24 -s 641x361' '-m expbuf' '-c' \
		       '-l 2048 -f NV12 -s 642x362' \
		       '-s 32x16 -f NV12 -H 120 -n 60'; do
		shows "contiguous $options" "$options" vbdisp.0
	done
	for options in '-f NV12 -C 601f -s 642x362' '-m userptr -o 1088' \
		       '-m udmabuf' '-n 3 -b 2 -f XR24 -s 4096x2304'; do
		shows "scattered $options" "$options" vbdisp.1
	done
	shows 'planes -f NM12 -C 601' '-f NM12 -C 601 -s 642x362' vbdisp.2
	cam=$(node_named vbcam.0)
	shows "a camera's buffers, and its lines" \
		"-m dmabuf -s 642x362 -e $cam" vbdisp.0
	# The judge on trial: a byte that is changed is found, at once or while
	# the frame is on screen.
	for options in '-m mmap' '-m expbuf' "-m dmabuf -e $cam"; do
		"$display" -k $options "$(node_named vbdisp.0)" > /tmp/show 2>&1
		tap_is $? 1 "control: a wrong byte is found, ${options%% -e*}"
		grep -q 'wrong sum' /tmp/show
		tap_is $? 0 'control: by its sum'
		"$display" -t $options "$(node_named vbdisp.0)" > /tmp/show 2>&1
		tap_is $? 0 "control: writing to what is on screen, ${options%% -e*}"
		grep -q 'torn [1-9]' /tmp/show
		tap_is $? 0 'control: shows as torn'
	done
	"$display" -m udmabuf "$(node_named vbdisp.0)" > /tmp/show 2>&1
	tap_is $? 2 'display: scattered memory can not be shown contiguous'
	tap_is "$(faults)" 0 'display: no device fault'
}

# Frames arrive damaged on stock, unharmed on ours.
shows_defect()	# text, options of display_check, display
{
	"$display" $2 "$(node_named "$3")" > /tmp/show 2>&1
	if [ $? -ne "$STOCK" ]; then
		tap_not_ok "display: $1" "$(cat /tmp/show)"
	elif [ "$STOCK" = 1 ]; then
		tap_ok "stock must fail: display: $1"
	else
		tap_ok "display: $1"
	fi
}

test_display_bounced()
{
	local from to options

	unload_all
	modprobe vbcam n_devs=2 sg=0,1 max_seg_size=0,65536
	modprobe vbdisp n_devs=2 sg=0,1 max_seg_size=0,65536
	for options in '-m mmap' '-m expbuf'; do
		shows "$options, bounced" "$options -s 160x120" vbdisp.0
		shows "$options, bounced, scattered" "$options -s 160x120" \
			vbdisp.1
	done
	shows_defect 'foreign memory, bounced' '-m udmabuf -s 160x120' vbdisp.1
	for from in 0 1; do
		for to in 0 1; do
			[ "$from$to" != 10 ] || continue
			shows_defect "memory of camera $from on display $to" \
				"-m dmabuf -s 160x120 -e $(node_named vbcam.$from)" \
				vbdisp.$to
		done
	done
}
