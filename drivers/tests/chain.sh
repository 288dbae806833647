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
	for name in buffers bytes exports imports mappings; do
		await stat_is $name 0 || left+="$name "
	done
	tap_is "$left" '' 'nothing is left'
}

stat_is()	# name in the core's stats, value
{
	grep -q "^$1 $2\$" $debugfs/videobuf2-mem/stats
}

# Who streams loses a device, its life, or its buffers, at any point.
test_interference()
{
	local rounds=${VBM_ROUNDS:-100} i seen pid bad=0 said='' bus
	local streams=("$chain" -n 1000000 -s 64x32)

	load_all 0
	bus=/sys/bus/platform/drivers
	for ((i = 0; i < rounds; i++)); do
		seen=$(stat_of vbcam 0 frames)
		case $((i % 4)) in
		0|1|2)
			"${streams[@]}" "$(named vbcam.0)" \
				"$(named vbdisp.0)" > /tmp/stream 2>&1 &
			pid=$!
			await stat_reaches vbcam 0 frames $((seen + 1 + i % 4)) ||
				said+="round $i: no frames; "
			;;
		3)
			# Another process, with the same open files.
			"${streams[@]}" -x "$(named vbcam.0)" \
				"$(named vbdisp.0)" > /tmp/stream 2>&1 ||
				said+="round $i: $(cat /tmp/stream); "
			continue
			;;
		esac
		case $((i % 4)) in
		0)
			echo vbcam.0 > $bus/vbcam/unbind
			wait $pid
			[ $? -eq 1 ] || said+="round $i: not told; "
			echo vbcam.0 > $bus/vbcam/bind
			;;
		1)
			echo vbdisp.0 > $bus/vbdisp/unbind
			wait $pid
			[ $? -eq 1 ] || said+="round $i: not told; "
			echo vbdisp.0 > $bus/vbdisp/bind
			;;
		2)
			rmmod vbdisp 2>/dev/null &&
				said+="round $i: unloaded in use; "
			kill -KILL $pid
			wait $pid
			if [ $((i % 20)) -eq 2 ]; then
				rmmod vbdisp && modprobe vbdisp n_devs=2 ||
					said+="round $i: no reload; "
			fi
			;;
		esac 2>/dev/null
		[ -c "$(named vbcam.0)" ] && [ -c "$(named vbdisp.0)" ] ||
			bad=$((bad + 1))
	done
	tap_is "$said" '' "interfered $rounds times with who streams"
	tap_is $bad 0 'the devices come back each time'
	flows 'and then all works' 10 '-l' vbcam.0 vbcodec.0-enc vbcodec.0-dec \
		vbdisp.0
	leaves_nothing
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
		[ "$chain_joined" != ok ]
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
	[ "$chain_joined" != ok ]
	tap_is $? 0 "control: a sync that is skipped is found ($chain_joined)"
	unload_all
	[ "$(cat $debugfs/swiotlb/io_tlb_used)" -gt "$used" ]
	tap_is $? 0 'control: an unmap that is skipped is found'
}
