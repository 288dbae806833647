# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2086,SC2231 # variables of lib.sh
#
# In the guest: camera to codec to display, and what happens when somebody
# interferes. Sourced by guest.sh.

# The main job. Without an IOMMU scattered memory can not be shown: there the
# scatter-gather devices are among themselves.
test_chain()	# pci functions of each driver
{
	local pci=$1 sg=vbdisp.1 options

	load_all "$pci"
	[ "$pci" = 0 ] || sg=vbdisp.0
	flows 'camera to codec to display' "${VBM_CHAIN_FRAMES:-200}" \
		"-l -s ${VBM_CHAIN_SIZE:-320x240}" \
		vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
	for options in '-f NV12' '-f XR24 -g NV12 -s 334x252' '-r' '-d' \
		       '-d -r'; do
		flows "contiguous $options" 8 "-l $options" \
			vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
	done
	for options in '-f NV12 -r' '-f XR24'; do
		flows "scattered $options" 10 "$options" \
			vbcam.1 vbcodec.1-enc vbcodec.1-dec $sg
	done
	flows 'contiguous into scattered' 10 '' \
		vbcam.0 vbcodec.1-enc vbcodec.1-dec vbdisp.1
	flows 'camera to display' 20 '-l' vbcam.0 vbdisp.0
	flows 'camera to display, which exports' 20 '-d' vbcam.1 vbdisp.0
	flows 'camera to display, 4K' 2 '-l -b 2 -s 4096x2304 -f NV12' \
		vbcam.1 $sg
	nothing_lost_unseen
	leaves_nothing
}

# Numbers that the program did not see are those that the camera counted.
nothing_lost_unseen()
{
	local before lost counted

	before=$(stat_of vbcam 1 lost)
	run_chain 20 '-s 640x480' vbcam.1 vbcodec.1-enc vbcodec.1-dec vbdisp.1
	lost=$(sed -n 's/.* lost \([0-9]*\) .*/\1/p' <<<"$chain_said")
	counted=$(($(stat_of vbcam 1 lost) - before))
	# It goes on losing until it is stopped.
	[ "$chain_rc" -eq 0 ] && [ "${lost:-0}" -le "$counted" ]
	tap_is $? 0 "lost frames are counted ($chain_said, camera: $counted)"
	tap_is "$chain_joined" ok 'lost frames do no harm to the others'
}

leaves_nothing()
{
	local name left=''

	[ "$STOCK" = 0 ] || return 0
	for name in buffers bytes exports imports mappings parked; do
		await value_is videobuf2-mem/stats $name 0 || left+="$name "
	done
	tap_is "$left" '' 'nothing is left'
}

# Who streams loses a device, its life, or its buffers, at any point.
test_interference()
{
	local rounds=${VBM_ROUNDS:-200} pid

	load_all 0
	# Both kinds of memory at the same time.
	interfere 1 "$rounds" > /tmp/interfere-1 &
	pid=$!
	interfere 0 "$rounds" > /tmp/interfere-0
	wait $pid
	tap_is "$(cat /tmp/interfere-0)" '' \
		"contiguous: interfered $rounds times with who streams"
	tap_is "$(cat /tmp/interfere-1)" '' \
		"scattered: interfered $rounds times with who streams"
	tap_is "$(reload)" '' 'modules go when who streams has been killed'
	flows 'and then all works' 10 '-l' vbcam.0 vbcodec.0-enc vbcodec.0-dec \
		vbdisp.0
	leaves_nothing
}

# A camera and a display in the background, with the pid in $pid.
stream_begin()	# number of both, frames to wait for
{
	local n=$1 seen

	seen=$(stat_of vbcam "$n" frames)
	"$chain" -n 1000000 -s 64x32 "$(node_named "vbcam.$n")" \
		"$(node_named "vbdisp.$n")" > "/tmp/stream-$n" 2>&1 &
	pid=$!
	await stat_reaches vbcam "$n" frames $((seen + $2))
}

# Says what went wrong.
interfere()	# number of camera and display, rounds
{
	local n=$1 bus=/sys/bus/platform/drivers i pid device driver

	for ((i = 0; i < $2; i++)); do
		if [ $((i % 4)) -eq 3 ]; then
			# Another process, with the same open files.
			"$chain" -n 1000000 -s 64x32 -x \
				"$(node_named "vbcam.$n")" \
				"$(node_named "vbdisp.$n")" > "/tmp/stream-$n" 2>&1 ||
				echo "round $i: $(cat "/tmp/stream-$n")"
			continue
		fi
		stream_begin "$n" $((1 + i % 3)) || echo "round $i: no frames"
		case $((i % 4)) in
		0|1)
			[ $((i % 4)) -eq 0 ] && driver=vbcam || driver=vbdisp
			device=$driver.$n
			echo "$device" > $bus/$driver/unbind
			wait $pid
			[ $? -eq 1 ] || echo "round $i: not told"
			echo "$device" > $bus/$driver/bind
			;;
		2)
			rmmod vbdisp && echo "round $i: unloaded in use"
			kill -KILL $pid
			wait $pid
			;;
		esac 2>/dev/null
		[ -c "$(node_named "vbcam.$n")" ] &&
			[ -c "$(node_named "vbdisp.$n")" ] ||
			echo "round $i: a device did not come back"
	done
}

# The same for modules that come and go. Says what went wrong.
reload()
{
	local i pid

	for ((i = 0; i < 10; i++)); do
		stream_begin 0 $((1 + i)) || echo "round $i: no frames"
		kill -KILL $pid
		wait $pid
		rmmod vbdisp vbcam &&
			modprobe vbcam n_devs=2 sg=0,1 patient=1,0 &&
			modprobe vbdisp n_devs=2 sg=0,1 ||
			echo "round $i: no reload"
	done 2>/dev/null
}

# Every device sees a copy of the memory.
test_chain_bounced()
{
	local used text='every device behind a bounce buffer'

	# Segments up to what swiotlb can bounce.
	load_all 0 max_seg_size=0,65536
	used=$(cat $debugfs/swiotlb/io_tlb_used)
	if [ "$STOCK" = 1 ]; then
		run_chain 10 '-l' vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
		[[ $chain_joined == *'frames are wrong' ]]
		tap_is $? 0 "stock must fail: $text ($chain_joined)"
		return
	fi
	flows "$text" 20 '-l' vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
	flows "$text, indexes rotate" 20 '-l -r' \
		vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
	flows "$text, scattered" 10 '-f NV12' \
		vbcam.1 vbcodec.1-enc vbcodec.1-dec vbdisp.1
	unload_all
	tap_is "$(cat $debugfs/swiotlb/io_tlb_used)" "$used" \
		'no bounce buffer is left'
}

# The judge on trial, again: a backend that forgets one sync and one unmap (see
# run). What the tests above ask must have another answer.
test_broken()
{
	local used

	load_all 0
	used=$(cat $debugfs/swiotlb/io_tlb_used)
	run_chain 10 '-l' vbcam.0 vbcodec.0-enc vbcodec.0-dec vbdisp.0
	[[ $chain_joined == *'frames are wrong' ]]
	tap_is $? 0 "control: a sync that is skipped is found ($chain_joined)"
	unload_all
	[ "$(cat $debugfs/swiotlb/io_tlb_used)" -gt "$used" ]
	tap_is $? 0 'control: an unmap that is skipped is found'
}
