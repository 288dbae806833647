# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used by the applications
#
# In the guest: the devices, and what the applications' checks have in common.
# Sourced by guest.sh after testbed/lib/{tap,watch}.sh and
# gst-tests/{lib,devices}.sh, whose proofs are used here too.
#
# vbcam and vbdisp are there twice: 0 has scatter-gather memory, 1 contiguous.
# Pictures are small, since the guest is emulated.

WIDTH=320
HEIGHT=240
FRAMES=10
RAW_FORMAT=width=$WIDTH,height=$HEIGHT,pixelformat=YUYV
RAW_FORMAT+=,bytesperline=$((WIDTH * 2)),sizeimage=$((WIDTH * HEIGHT * 2))

apps_devices()
{
	local i

	modprobe vbcam n_devs=2 sg=1,0 patient=1,1 &&
		modprobe vbdisp n_devs=2 sg=1,0 &&
		modprobe vbcodec || return
	for i in 0 1; do
		CAM[i]=$(node_named vbcam.$i) &&
			DISP[i]=$(node_named vbdisp.$i) || return
	done
	ENC=$(node_named vbcodec.0-enc) && DEC=$(node_named vbcodec.0-dec)
}

# Applications that look for cameras ask udev's database. A guest with a suite's
# packages is a chroot (testbed/layer/enter), in which udevadm would do nothing.
export SYSTEMD_IGNORE_CHROOT=1

apps_udev()
{
	mkdir -p /run/udev
	/usr/lib/systemd/systemd-udevd --daemon && apps_udev_again
}

# For those devices that have come meanwhile, and for what came before.
apps_udev_again()
{
	udevadm trigger --action=add --subsystem-match=video4linux \
		--subsystem-match=media &&
		udevadm settle -t 300
}

# What is set explicitly would else be kept from a larger format.
raw_format()	# node, -v or -x
{
	v4l2-ctl -d "$1" "$2" "$RAW_FORMAT"
}

# Runs an application to its end; what it said is in /tmp/NAME.out. The time is
# the guest's, which on a busy host goes by sooner.
app()	# name, command...
{
	local name=$1

	shift
	timeout 600 "$@" > "/tmp/$name.out" 2>&1 < /dev/null
	app_rc=$?
}

app_ended()	# name, text
{
	if [ "$app_rc" = 0 ]; then
		tap_ok "$2"
	else
		tap_not_ok "$2" "exit code $app_rc"
		tap_diag_file "/tmp/$1.out" 12
	fi
}

# It is refused, with these words.
app_refused()	# name, words (extended regular expression), text
{
	if [ "$app_rc" != 0 ] && [ "$app_rc" != 124 ] &&
	   grep -q -E "$2" "/tmp/$1.out"; then
		tap_ok "$3"
	else
		tap_not_ok "$3" "exit code $app_rc"
		tap_diag_file "/tmp/$1.out" 12
	fi
}

# Every frame of a raw file is one that vbcam made, whole.
frames_right()	# file, frames, text
{
	local got

	got=$(/build/selftests/frame_check -i "$1" -s "${WIDTH}x$HEIGHT" \
		-f YUYV 2>&1)
	if [[ $got =~ ^"frames $2 lost "[0-9]+" bad 0" ]]; then
		tap_ok "$3: every frame's checksum is right"
	else
		tap_not_ok "$3: every frame's checksum is right"
	fi
	tap_diag "$got"
}

# Do the frames of one raw file show what those of another one do, by FFmpeg's
# measure of the worst frame, in decibels? "ok", or what is wrong.
proof_picture()	# least, frames, file, file
{
	local input=(-f rawvideo -pixel_format yuyv422
		-video_size "${WIDTH}x$HEIGHT" -i)
	local file said n worst

	for file in "$3" "$4"; do
		n=$(stat -c %s "$file")
		[ "$n" = $(($2 * WIDTH * HEIGHT * 2)) ] || {
			echo "$file has ${n:-no} bytes"
			return
		}
	done
	rm -f /tmp/psnr
	said=$(ffmpeg -nostdin -hide_banner "${input[@]}" "$3" \
		"${input[@]}" "$4" -lavfi psnr=stats_file=/tmp/psnr \
		-f null - 2>&1)
	n=$(grep -c psnr_avg /tmp/psnr)
	worst=$(sed -n 's/.*PSNR.* min:\([0-9.inf]*\).*/\1/p' <<<"$said")
	if [ "$n" != "$2" ]; then
		echo "${n:-no} frames, not $2: $(tail -n 5 <<<"$said")"
	elif awk -v worst="${worst:-0}" -v least="$1" \
		'BEGIN { exit !(worst == "inf" || worst + 0 >= least) }'; then
		echo ok
	else
		echo "${worst:-no} dB, not $1"
	fi
}

# Something that an application does once it is up, which takes an emulated
# machine long, and a busy one longer.
await_long()	# command...
{
	await "$@" || await "$@" || await "$@" || await "$@"
}

# One device imports the other's buffers, each of them once, and each frame that
# it reads is one that the camera wrote. HOPS is that of devices.sh.
imports()	# name, frames at least
{
	local answers name=$1

	holds "$(proof_counters "imports_total>0" "exports_total>=imports_total" \
		"import_maps=imports_total")" "$name: the counters say zero-copy"
	frames_question "$name" "$2" "${HOPS[@]}"
	set -- "${QUESTION[@]}"
	frames_question "$name" 1 --alter "${HOPS[@]}"
	mapfile -t answers < <(python3 "$CHAIN" "$@" ';' "${QUESTION[@]}" 2>&1)
	holds "${answers[0]/#ok */ok}" \
		"$name: every frame arrives as it was written"
	tap_diag "${answers[0]-}"
	caught "${answers[1]-}" "$OTHER_FRAMES" "$name: one wrong checksum"
}
