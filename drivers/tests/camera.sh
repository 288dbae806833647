# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2086,SC2231 # variables of lib.sh
#
# In the guest: streams from vbcam in every way and looks at what arrived.
# Sourced by guest.sh.

# Cameras 0 and 2 are contiguous, 1 and 3 scattered; 2 and 3 have planes.
four='n_devs=4 sg=0,1,0,1 multiplanar=0,0,1,1 patient=1,1,1,1'

# Blocks that are neighbours, here of 512 and 256 pages, are one segment to a
# device. The kernel must not be stopped when a frame is copied from both.
# Another camera takes blocks of that size, each time another number of them, so
# that sooner or later a larger one is split.
read_neighbours()	# number of a scattered camera, that of another
{
	local text="camera $1: read of neighbours" holder pid seen=0 tries=0
	local rc=0 args='-s 1024x768 -f XR24' begun kept
	local pool=/sys/module/videobuf2_mem/parameters/pool_mb

	# What is kept is what the next try gets.
	if [ -e $pool ]; then
		kept=$(< $pool)
		echo 0 > $pool
	fi
	while ((!seen && tries++ < 60 && !rc)); do
		begun=$(stat_of vbcam "$2" frames)
		"$check" $args -n 1000000 -r 5 -b $((tries * 11 % 30 + 2)) \
			"$(node "$2")" > /dev/null &
		holder=$!
		await stat_reaches vbcam "$2" frames $((begun + 1))
		"$check" $args -n 2 -m read "$(node "$1")" &
		pid=$!
		while [ "$STOCK" != 1 ] && kill -0 $pid 2>/dev/null; do
			grep -q "dev=vbcam.$1 size=3145728 .* extents=1 " \
				$debugfs/videobuf2-mem/buffers && seen=1
		done
		wait $pid || rc=$?
		kill -INT $holder
		wait $holder
		[ "$STOCK" != 1 ] || seen=1
	done
	[ ! -e $pool ] || echo "$kept" > $pool
	tap_is "$rc $seen" '0 1' "$text"
	tap_diag "after $tries tries"
}

test_memory()
{
	local cam fmt mode size=642x362

	# shellcheck disable=SC2086 # several arguments
	load $four
	for cam in 0 1; do
		for fmt in YUYV NV12 XR24; do
			frames "camera $cam: $fmt" $cam -f $fmt -s $size
		done
		frames "camera $cam: 32x16" $cam -f NV12 -s 32x16
		for mode in expbuf read; do
			frames "camera $cam: $mode" $cam -m $mode -s $size
		done
	done
	for cam in 2 3; do
		for mode in mmap expbuf; do
			frames "camera $cam: NV12M $mode" $cam -m $mode \
				-f NM12 -s $size
		done
	done
	read_neighbours 1 3
	frames "camera 0: non-coherent" 0 -c
	frames "camera 0: non-coherent, through its dma-buf" 0 -c -m expbuf
	frames "camera 1: user memory" 1 -m userptr
	frames "camera 1: user memory in the middle of a page" 1 -m userptr \
		-o 1088
	frames "camera 1: NV12 4096x2304" 1 -n 2 -b 2 -f NV12 -s 4096x2304
	for pair in '0 1' '0 2' '1 3' '2 0'; do
		# shellcheck disable=SC2086 # two numbers
		set -- $pair
		frames "camera $2 into memory of camera $1" "$2" -m dmabuf \
			-e "$(node "$1")" -f YUYV -s $size
	done
	no_faults 4
}

test_at_once()
{
	local cam i pids=() bad=0

	# shellcheck disable=SC2086 # several arguments
	load $four
	for cam in 0 1 2 3; do
		"$check" -n 100000 -l "$(node $cam)" > /tmp/at-once-$cam 2>&1 &
		pids+=($!)
	done
	for cam in 0 1 2 3; do
		await stat_reaches vbcam $cam frames 1 || bad=1
	done
	for ((i = 0; i < 22; i += 5)); do
		for cam in 0 1 2 3; do
			v4l2-ctl -d "$(node $cam)" -c "test_pattern=$i,\
horizontal_flip=$((i % 2)),vertical_flip=$((i / 2 % 2))" || bad=1
		done
	done
	tap_is $bad 0 "controls can be set while streaming"
	kill -INT "${pids[@]}"
	for cam in 0 1 2 3; do
		wait "${pids[cam]}"
		tap_is $? 0 "camera $cam, all at once: $(cat /tmp/at-once-$cam)"
	done
	no_faults 4
}

# Segments that are too long for the device, or lie across what it can not
# cross: stock makes them, the device faults.
test_limits()
{
	load n_devs=2 sg=1,1 patient=1,1 max_seg_size=65536,0 \
		seg_boundary=0,0xffff
	defect 'no segment over the limit' 0
	defect 'no segment across the boundary' 1
	[ "$STOCK" = 1 ] || no_faults 2
}

# What no backend can know of, so that the device must fault on both. Stock does
# not know of the longest segment either: where blocks happen to be neighbours
# it makes one of them, which is too long then.
test_faults()
{
	local cam=0 kind said

	load n_devs=3 sg=1,1,0 userptr=1,1,0 patient=1,1,1 max_segs=0,1,0 \
		max_seg_size=65536,4096,0 seg_align=4096,0,0
	"$check" -n 4 -m userptr -o 64 "$(node 0)" > /tmp/out 2>&1
	tap_is $? 1 "unaligned memory: the frames are marked bad"
	"$check" -n 4 -s 160x120 "$(node 1)" > /tmp/out 2>&1
	tap_is $? 1 "too many segments: the frames are marked bad"
	for kind in align nr_segs; do
		said=$(stat_of vbdma $cam fault_$kind)
		[ "$STOCK$kind" != 1nr_segs ] ||
			said=$((said + $(stat_of vbdma $cam fault_seg_size)))
		tap_is "$said" "$(stat_of vbdma $cam faults)" \
			"each fault is one of fault_$kind"
		tap_is "$(stat_of vbcam $cam errors)" \
			"$(stat_of vbdma $cam faults)" \
			"each fault is one bad frame"
		stat_reaches vbdma $cam faults 4
		tap_is $? 0 "each frame faulted"
		cam=$((cam + 1))
	done
	frames 'a camera beside them is not disturbed' 2
}

# The judge on trial: a frame with one wrong bit, or cut off, is found.
test_judge()
{
	local file=/tmp/frames

	load n_devs=1 patient=1
	v4l2-ctl -d "$(node 0)" -v width=160,height=120,pixelformat=XR24 \
		--stream-mmap --stream-count=3 --stream-to=$file >/dev/null 2>&1
	tap_run 'recorded frames are right' "$check" -i $file
	cp $file $file.cut
	truncate -s -1 $file.cut
	"$check" -i $file.cut >/dev/null 2>&1
	tap_is $? 1 'a frame that was cut off is found'
	# The lowest bit of one byte in the last frame, whatever it is.
	offset=$(($(stat -c %s $file) - 1000))
	byte=$(od -An -tu1 -j $offset -N 1 $file)
	printf '%b' "\\x$(printf %02x $((byte ^ 1)))" |
		dd of=$file bs=1 seek=$offset conv=notrunc status=none
	"$check" -i $file >/dev/null 2>&1
	tap_is $? 1 'one wrong bit is found'
	rm -f $file $file.cut
}

# A camera that is not patient goes on without the program.
test_lost()
{
	local pid lost

	load n_devs=1
	"$check" -n 60 -r 30 -s 160x120 "$(node 0)" > /tmp/lost 2>&1 &
	pid=$!
	await stat_reaches vbcam 0 frames 1
	kill -STOP $pid
	await stat_reaches vbcam 0 lost 3
	kill -CONT $pid
	wait $pid
	tap_is $? 0 'a program that was stopped gets its frames'
	lost=$(sed -n 's/.* lost \([0-9]*\) .*/\1/p' /tmp/lost)
	tap_diag "$(cat /tmp/lost)"
	[ "${lost:-0}" -ge 3 ]
	tap_is $? 0 'lost frames show in the numbers'
	[ "${lost:-0}" -le "$(stat_of vbcam 0 lost)" ]
	tap_is $? 0 'and are all counted'
}

gone()	# number of a camera
{
	[ ! -e "$debugfs/vbdma/vbcam.$1" ] && [ ! -e "$(node "$1")" ]
}

test_unbind()
{
	local modes='mmap expbuf' cam mode i pid bad seen

	# Stock frees the mapping of an exported buffer after the device's
	# driver has gone: not to be looked at twice.
	[ "$STOCK" = 0 ] || modes=mmap
	load n_devs=2 sg=0,1 patient=1,1
	for cam in 0 1; do
		for mode in $modes; do
			bad=0
			: > /tmp/said
			for ((i = 0; i < 5; i++)); do
				seen=$(stat_of vbcam $cam frames)
				"$check" -n 100000 -m "$mode" "$(node $cam)" \
					> /tmp/unbind 2>&1 &
				pid=$!
				await stat_reaches vbcam $cam frames \
					$((seen + 1)) || bad=1
				echo vbcam.$cam > $driver/unbind || bad=1
				gone $cam || bad=1
				wait $pid
				[ $? -eq 2 ] || bad=1
				grep -q 'No such device' /tmp/unbind || bad=1
				cat /tmp/unbind >> /tmp/said
				echo vbcam.$cam > $driver/bind || bad=1
			done
			tap_is $bad 0 "camera $cam, $mode: unbound 5 times"
			tap_diag "$(cat /tmp/said)"
			await test -c "$(node $cam)"
			frames "camera $cam, $mode: works again" $cam
		done
	done
	no_faults 2
}

test_unload()
{
	local pid

	unload_all
	load n_devs=1
	"$check" -n 100000 "$(node 0)" >/dev/null 2>&1 &
	pid=$!
	await stat_reaches vbcam 0 frames 1
	rmmod vbcam 2>/dev/null
	tap_is $? 1 'a camera in use can not be unloaded'
	kill $pid
	wait $pid
	tap_run 'else it can' rmmod vbcam
	tap_run 'and the bus master after it' rmmod vbdma
	tap_run 'nothing is left in debugfs' \
		test ! -e $debugfs/vbcam -a ! -e $debugfs/vbdma
	load n_devs=64
	tap_run 'there can be 64 cameras' test -c "$(node 63)"
	rmmod vbcam
	for bad in n_devs=0 n_devs=65; do
		modprobe vbcam $bad 2>/dev/null
		tap_is $? 1 "$bad is refused"
	done
	load n_devs=2 dma_mask_bits=65,32
	tap_run 'a camera out of range is not there' test ! -e "$(node 0)"
	tap_run 'and the next one is' test -c "$(node 1)"
}

# Every device sees a copy of the memory, and only syncs at the right time make
# that look like the memory. Segments up to what swiotlb can bounce.
test_bounced()
{
	local size=160x120 mode

	# shellcheck disable=SC2086 # several arguments
	load $four max_seg_size=0,65536,0,65536
	for mode in mmap expbuf read; do
		frames "camera 0: $mode" 0 -m $mode -s $size
		frames "camera 1: $mode" 1 -m $mode -s $size
	done
	frames 'camera 1: user memory' 1 -m userptr -s $size
	# Of one block, as bounce buffers of several are neighbours by chance.
	size=128x128
	for pair in '0 1' '1 0' '0 2' '1 3'; do
		# shellcheck disable=SC2086 # two numbers
		set -- $pair
		defect "camera $2 into memory of camera $1" "$2" -m dmabuf \
			-e "$(node "$1")" -s $size
		defect "camera $2 into non-coherent memory of camera $1" "$2" \
			-m dmabuf -c -e "$(node "$1")" -s $size
	done
	no_faults 4
}
