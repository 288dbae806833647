#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vbm on files that were saved: what it prints, what it says of bad ones, its
# screen, its words, its completion and its manual page. Needs no kernel of ours.
# Usage: saved.sh VBM [PART...]; VBM_ASAN, if set, is a build of it with
# sanitizers. Prints TAP.

set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
top=$(dirname "$(dirname "$here")")
vbm=$(readlink -f "$1") || exit 1
# shellcheck source=../../testbed/lib/tap.sh
. "$top/testbed/lib/tap.sh"
# shellcheck source=../../testbed/lib/watch.sh
. "$top/testbed/lib/watch.sh"
# shellcheck source=screen.sh
. "$here/screen.sh"

work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
# The saved files, and what is a link in sysfs.
demo=$work/demo
cp -a "$here/saved/demo" "$demo"
for link in platform/devices/vbcam.0 platform/devices/vbcodec.0 \
	    pci/devices/0000:00:02.0; do
	mkdir -p "$demo/sys/bus/$link"
done
ln -s ../../drivers/vbcam "$demo/sys/bus/platform/devices/vbcam.0/driver"
ln -s ../../drivers/vbcodec "$demo/sys/bus/platform/devices/vbcodec.0/driver"
ln -s ../../drivers/cirrus "$demo/sys/bus/pci/devices/0000:00:02.0/driver"
debugfs=sys/kernel/debug
export LC_ALL=C.UTF-8

# A copy of the saved files, to be spoilt; sets tree.
tree_new()
{
	tree=$work/tree
	rm -rf "$tree"
	cp -a "$demo" "$tree"
}

# Runs vbm on a tree: its output in $work/out, its exit code in rc. What is
# drawn leaves memory of Graphviz' and fontconfig's behind.
on()	# tree, arguments...
{
	local dir=$1 leaks=1

	shift
	[ "$1" != graph ] || leaks=0
	ASAN_OPTIONS=detect_leaks=$leaks \
		"${VBM_ASAN:-$vbm}" "$@" --sysroot "$dir" > "$work/out" 2>&1
	rc=$?
}

# Exit code and a part of the message.
says()	# text, exit code, pattern
{
	if [ "$rc" = "$2" ] && grep -q -e "$3" "$work/out"; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "exit code $rc, not $2; or no '$3':" \
			"$(tail -n 20 "$work/out")"
	fi
}

# The output as it was when somebody looked at it. VBM_EXPECT=write keeps what
# there is now.
expects()	# name, arguments...
{
	local file=$here/saved/expected/$1

	shift
	on "$demo" "$@"
	[ "${VBM_EXPECT:-}" != write ] || cp "$work/out" "$file"
	if diff -u "$file" "$work/out" > "$work/diff"; then
		tap_ok "vbm $*: as expected"
	else
		tap_not_ok "vbm $*: as expected" "$(cat "$work/diff")"
	fi
}

test_output()
{
	expects list list
	expects show-buffer show 1 6
	expects show-import show 14
	expects explain-buffer explain 6
	expects explain-import explain 14
	expects explain-device explain 0000:00:02.0
	expects explain-refused explain vbdisp.0
	expects doctor doctor
	expects top top -b
	tap_run 'every command prints JSON, with what the files have' \
		python3 "$here/compare.py" "${VBM_ASAN:-$vbm}" "$demo"
	on "$demo" graph --json
	python3 -m json.tool "$work/out" "$work/graph"
	[ "${VBM_EXPECT:-}" != write ] ||
		cp "$work/graph" "$here/saved/expected/graph"
	tap_is "$(cat "$work/graph")" "$(cat "$here/saved/expected/graph")" \
		'vbm graph --json: as expected'
	on "$demo" graph -o "$work/g.svg"
	grep -q '</svg>' "$work/g.svg"
	tap_is "$rc $?" '0 0' 'graph -o: SVG'
	on "$demo" graph -o "$work/g.png"
	tap_is "$rc $(head -c 4 "$work/g.png" | tail -c 3)" '0 PNG' \
		'graph -o: PNG'
	on "$demo" graph -o "$work/g.dot"
	tap_is "$rc $(head -n 1 "$work/g.dot")" '0 digraph vbm {' \
		'graph -o: the language of Graphviz'
	on "$demo" graph --each
	tap_is "$(grep -c 'label="1 buffer of' "$work/out")" 13 \
		'graph --each: a node for each buffer'
	tree_new
	: > "$tree/$debugfs/videobuf2-mem/buffers"
	: > "$tree/$debugfs/videobuf2-mem/failures"
	on "$tree" list
	says 'no buffers: list says so' 0 'There are no buffers'
	on "$tree" graph
	says 'no buffers: graph says so' 0 'There are no buffers'
	on "$tree" top -b
	says 'no failures: top says so' 0 'Last failure: none'
}

test_usage()
{
	local args

	for args in '' 'nonsense' 'list --nonsense' 'list 3' 'show' 'show x' \
		    'explain' 'explain 1 2' 'graph -o x.gif' 'top -d 0' \
		    'top -n 0' 'top -o nothing' 'doctor 1'; do
		# shellcheck disable=SC2086 # several arguments
		"$vbm" $args > "$work/out" 2>&1
		rc=$?
		says "wrong usage: vbm $args" 2 'vbm'
	done
	for args in list show graph top explain doctor; do
		"$vbm" $args --help > "$work/out" 2>&1
		rc=$?
		says "vbm $args --help" 0 '--sysroot'
	done
}

test_access()
{
	local as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'

	tree_new
	rm -r "${tree:?}/$debugfs"
	mkdir "$tree/$debugfs"
	on "$tree" list
	says 'no debugfs: said, and how to mount it' 5 'mount -t debugfs'
	on "$tree" doctor
	says 'no debugfs: doctor says what it can' 1 'can not be read'
	rm -r "$tree/sys/module"
	on "$tree" list
	says 'no debugfs, no module: said' 5 'bufinfo: not there'

	tree_new
	chmod 700 "$tree/$debugfs"
	cp "$vbm" "$work/vbm"
	$as_nobody "$work/vbm" list --sysroot "$tree" > "$work/out" 2>&1
	rc=$?
	says 'not root: said' 5 'only root'
	$as_nobody "$work/vbm" explain --sysroot "$tree" 1 > "$work/out" 2>&1
	rc=$?
	says 'not root: said by explain' 5 'only root'
	$as_nobody "$work/vbm" doctor --sysroot "$tree" > "$work/out" 2>&1
	rc=$?
	says 'not root: doctor says what it can' 1 'Be root'

	on "$demo" graph -o "$work/none/x.svg"
	says 'a picture that can not be written' 7 'none/x.svg'
	"$vbm" list --sysroot "$demo" > /dev/full 2> "$work/out"
	rc=$?
	says 'output that can not be written' 7 'can not be written'
	"$vbm" top --sysroot "$demo" > "$work/out" 2>&1 < /dev/null
	rc=$?
	says 'top without a terminal' 7 'no terminal'
}

test_gone()
{
	on "$demo" show 99
	says 'a buffer that is not there' 3 'no buffer 99'
	on "$demo" show 1 99
	says 'a buffer that is not there, among others' 3 '^Buffer 1$'
	on "$demo" show 4294967297
	says 'a number that no buffer can have' 3 'no buffer 4294967297'
	on "$demo" explain 99
	says 'explain: a buffer that is not there' 3 'no buffer 99'
	on "$demo" explain vbfoo.0
	says 'explain: a device that nobody knows' 3 'vbfoo.0'

	# One goes while top looks, and then the module.
	tree_new
	"$vbm" top -b -d 0.5 -n 100 --sysroot "$tree" > "$work/out" 2>&1 &
	await grep -q 'vbm top' "$work/out"
	grep -v '^buf=13 ' "$demo/$debugfs/videobuf2-mem/buffers" \
		> "$work/fewer"
	mv "$work/fewer" "$tree/$debugfs/videobuf2-mem/buffers"
	await one_is_gone
	tap_is $? 0 'top: a buffer vanishes'
	mv "$tree/$debugfs/videobuf2-mem" "$tree/$debugfs/other"
	wait $!
	rc=$?
	says 'top: the module is unloaded' 3 'has been unloaded'
}

# In the last whole frame there is no buffer 13.
one_is_gone()
{
	tac "$work/out" | awk '/^vbm top/ { exit !(seen && !gone) }
		/^ *12 mmap/ { seen = 1 } /^ *13 mmap/ { gone = 1 }'
}

# A file that stops in a line, or has other bytes in it.
test_damaged()
{
	local out

	if out=$(python3 "$here/damage.py" "${VBM_ASAN:-$vbm}" "$demo"); then
		tap_ok "damaged files are told from others ($out)"
	else
		tap_not_ok 'damaged files are told from others' "$out"
	fi
	tree_new
	printf 'buffers 1\0\n' > "$tree/$debugfs/videobuf2-mem/stats"
	on "$tree" top -b
	says 'a file that is not a text' 6 'not a text'
	tree_new
	sed -i 's/ of=[0-9]*//' "$tree/$debugfs/videobuf2-mem/buffers"
	on "$tree" list
	says 'a file of an older module' 6 'no such key: of'
	tree_new
	rm "$tree/$debugfs/videobuf2-mem/failures"
	on "$tree" list --json
	says 'a file that is missing' 6 'another version than vbm'
	tree_new
	sed -i 's/$/ novel=1/' "$tree/$debugfs/videobuf2-mem/buffers"
	on "$tree" list
	says 'keys of a newer module are left alone' 0 'vbcam.0'
}

test_stock()
{
	local stock=$here/saved/stock what

	for what in list 'show 1' graph 'top -b' 'explain 1'; do
		# shellcheck disable=SC2086 # several arguments
		on "$stock" $what
		says "stock: vbm $what shows bufinfo" 4 '1843200.*\|1.8 MiB.*vivid'
	done
	says 'stock: said to be so' 4 "the kernel's own videobuf2 modules run"
	on "$stock" list --json
	says 'stock: JSON' 4 '"backend":"stock"\|"backend": "stock"'
	on "$stock" doctor
	says 'stock: doctor' 4 "own videobuf2 modules run, on kernel"
	tree=$work/tree
	rm -rf "$tree"
	cp -a "$stock" "$tree"
	sed -i '$d' "$tree/$debugfs/dma_buf/bufinfo"
	on "$tree" list
	says 'stock: a truncated bufinfo' 6 'truncated'
	rm -r "$tree/sys/module"
	cp "$stock/$debugfs/dma_buf/bufinfo" "$tree/$debugfs/dma_buf/"
	on "$tree" list
	says 'no module at all: said' 4 'not loaded'
}

# doctor, and the machine that it looks at.
test_doctor()
{
	tree_new
	mkdir -p "$tree/sys/class/iommu/dmar0"
	on "$tree" doctor
	says 'doctor: an IOMMU' 1 'There is an IOMMU (dmar0)'
	tree_new
	mkdir -p "$tree/sys/firmware/acpi/tables"
	: > "$tree/sys/firmware/acpi/tables/DMAR"
	on "$tree" doctor
	says 'doctor: an IOMMU that is off' 1 'intel_iommu=on'
	tree_new
	echo 'quiet swiotlb=force' > "$tree/proc/cmdline"
	on "$tree" doctor
	says 'doctor: swiotlb=force' 1 'swiotlb=force is set'
	echo 'quiet swiotlb=65536 force_it' > "$tree/proc/cmdline"
	on "$tree" doctor
	if grep -q 'swiotlb=force is set' "$work/out"; then
		tap_not_ok 'doctor: no swiotlb=force'
	else
		tap_ok 'doctor: no swiotlb=force'
	fi
	mkdir "$tree/$debugfs/swiotlb"
	echo 32768 > "$tree/$debugfs/swiotlb/io_tlb_nslabs"
	echo 12 > "$tree/$debugfs/swiotlb/io_tlb_used"
	echo 30000 > "$tree/$debugfs/swiotlb/io_tlb_used_hiwater"
	on "$tree" doctor
	says 'doctor: bounce buffers were used up' 1 'nearly used up'
	printf 'CmaTotal: 65536 kB\nCmaFree: 16 kB\n' >> "$tree/proc/meminfo"
	on "$tree" doctor
	says 'doctor: CMA is full' 1 'sixteenth of CMA'
	echo vivid > "$tree/sys/module/videobuf2_mem/parameters/movable"
	on "$tree" doctor
	says 'doctor: movable=' 1 'movable=vivid'
	tree_new
	sed -i 's/bounced=-/bounced=vbcodec.0:to/' \
		"$tree/$debugfs/videobuf2-mem/buffers"
	on "$tree" doctor
	says 'doctor: buffers that bounce' 1 'of buffers bounce'
	on "$tree" explain 1
	says 'explain: a buffer that bounces' 0 'sees a copy'
	on "$tree" graph
	says 'graph: a buffer that bounces is red' 0 'color=red'
	tree_new
	rm -r "$tree/sys/module/videobuf2_mem"
	on "$tree" doctor
	says 'doctor: stock runs though ours are installed' 1 'was installed'
	tree_new
	sed -i 's/ [0-9]*$/ 0/' "$tree/$debugfs/videobuf2-mem/stats"
	on "$tree" doctor
	says 'doctor: all is well' 0 'videobuf2-mem runs'
}

# A package of which DKMS has made this or that.
test_dkms()
{
	local release=6.12.107+deb13-amd64 dkms=var/lib/dkms/videobuf2-mem

	tree_new
	mkdir -p "$tree/$dkms/1.0/build" "$tree/$dkms/original_module/$release" \
		"$tree/usr/src/videobuf2-mem-1.0"
	cp "$top/debian/videobuf2-mem-dkms.dkms" \
		"$tree/usr/src/videobuf2-mem-1.0/dkms.conf"
	on "$tree" doctor
	says 'doctor: a package and no headers' 1 'apt install linux-headers'
	mkdir "$tree/lib/modules/$release/build"
	on "$tree" doctor
	says 'doctor: a package that was not built' 1 'dkms autoinstall'
	echo 'make: *** Error 1' > "$tree/$dkms/1.0/build/make.log"
	on "$tree" doctor
	says 'doctor: a build that failed' 1 'build/make.log'
	echo "videobuf2-mem: kernel $release keeps its own modules: they are built in" \
		> "$tree/$dkms/1.0/build/make.log"
	on "$tree" doctor
	says 'doctor: a kernel that is left out' 1 'own modules: they are built in'
	echo "videobuf2-mem: kernel 6.12.1 keeps its own modules: they are built in" \
		> "$tree/$dkms/1.0/build/make.log"
	on "$tree" doctor
	says 'doctor: what is said of another kernel' 1 'they were not built'
	mkdir "$tree/$dkms/1.0/$release"
	on "$tree" doctor
	says 'doctor: built, and not installed' 1 'but not installed it'
	ln -s "1.0/$release/x86_64" "$tree/$dkms/kernel-$release-x86_64"
	on "$tree" doctor
	says 'doctor: installed' 1 'has installed videobuf2-mem 1.0'
	on "$tree" doctor --json
	says 'doctor: installed: JSON' 1 '"dkms": *"installed"'
	rm -r "$tree/$dkms/kernel-$release-x86_64" "$tree/$dkms/1.0/$release"
	echo 6.1.0-40-amd64 > "$tree/proc/sys/kernel/osrelease"
	on "$tree" doctor
	says 'doctor: a kernel that it is not for' 1 'it is for kernels like'
	echo 7.2.1-amd64 > "$tree/proc/sys/kernel/osrelease"
	on "$tree" doctor
	says 'doctor: a kernel that it is for' 1 'apt install linux-headers'
}

# The rates, by counters that grow between two frames.
test_rates()
{
	local stats=$debugfs/videobuf2-mem/stats

	tree_new
	"$vbm" top -b -d 2 -n 2 --json --sysroot "$tree" > "$work/out" 2>&1 &
	await grep -q per_second "$work/out"
	sed 's/^moves 5$/moves 1005/' "$demo/$stats" > "$work/stats"
	mv "$work/stats" "$tree/$stats"
	wait $!
	tap_run 'top: rates are what a counter grew, in the time between' \
		python3 -c 'import json, sys
frames = open(sys.argv[1]).read().replace("}\n{", "},{")
one, two = json.loads("[" + frames + "]")
assert one["per_second"]["moves"] == 0, one["per_second"]
# Two seconds at least, and no more than a busy machine may need.
assert 20 < two["per_second"]["moves"] <= 500, two["per_second"]
assert two["per_second"]["maps"] == 0' "$work/out"
}

test_trace()
{
	tree_new
	mkdir -p "$tree/sys/kernel/tracing/events/vbm"
	echo 1 > "$tree/sys/kernel/tracing/events/vbm/enable"
	printf '%s\n' '# tracer: nop' \
		' gst-12 [0] ..... 3.1: vbm_map: buf=6 dev=vbcodec.0 dir=to' \
		' gst-12 [0] ..... 3.2: vbm_move: buf=61 size=4096' \
		> "$tree/sys/kernel/tracing/trace"
	on "$tree" explain 6
	says 'explain: what was traced' 0 'Traced: .*3.1: vbm_map: buf=6'
	tap_is "$(grep -c Traced "$work/out")" 1 \
		'explain: nothing that was traced of others'
}

# vbm top in a terminal, and what its keys do.
test_screen()
{
	local shot=$here/saved/expected

	screen_begin 100 30 "$vbm top -d 60 --sysroot $demo" || {
		tap_not_ok 'top: comes up in a terminal' "$(screen_text)"
		return
	}
	screen_is "$shot/screen" 'top: the screen'
	screen_key R '22 import'
	screen_is "$shot/screen-reverse" 'top: R turns the order round'
	screen_key R ' 1 mmap'
	screen_key D '10 mmap'
	screen_is "$shot/screen-device" 'top: D sorts by device'
	screen_key V ' 1 mmap'
	screen_is "$shot/screen-moves" 'top: V sorts by moves'
	screen_key N ' 1 mmap'
	screen_key i 'vbcodec.0'
	screen_gone parked
	screen_is "$shot/screen-used" 'top: i hides what is parked'
	screen_key f 'LACKS'
	screen_is "$shot/screen-failures" 'top: f shows failures'
	screen_key h 'Keys of vbm top'
	screen_is "$shot/screen-help" 'top: h tells the keys'
	screen_key x 'LACKS'
	screen_key f 'PIECES'
	screen_key i 'parked'
	screen_key d 'Seconds between frames'
	screen_is "$shot/screen-delay" 'top: d asks for the delay'
	screen_key Enter 'PIECES'
	screen_key q 'ended with 0'
	tap_is $? 0 'top: q ends it'
	screen_end
	screen_begin 40 8 "$vbm top -d 60 --sysroot $demo"
	screen_is "$shot/screen-small" 'top: a small terminal'
	screen_key Down ' 3 mmap'
	screen_gone ' 1 mmap'
	screen_key End '22 import'
	screen_is "$shot/screen-end" 'top: End scrolls to the end'
	screen_key PPage '20 import'
	screen_key Home ' 1 mmap'
	screen_is "$shot/screen-small" 'top: Home scrolls back'
	screen_end
	TERM=nonsense script -qec "TERM=nonsense $vbm top --sysroot $demo" \
		/dev/null > "$work/out" 2>&1
	rc=$?
	says 'top: a terminal that nobody knows' 7 'vbm top -b needs none'
}

complete_is()	# line, words that are offered, text
{
	local words COMP_WORDS COMP_CWORD COMP_LINE=$1 COMP_POINT=${#1}

	read -r -a COMP_WORDS <<<"$1"
	[[ $1 != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_vbm
	words=${COMPREPLY[*]}
	tap_is "$words" "$2" "completion: $3"
}

test_completion()
{
	# shellcheck source=../vbm/vbm.bash-completion
	. "$top/tools/vbm/vbm.bash-completion"
	vbm()
	{
		"$vbm" "$@" --sysroot "$demo"
	}
	complete_is 'vbm ' \
		'list show graph top explain doctor --help --usage --version' \
		'commands'
	complete_is 'vbm d' doctor 'a command'
	complete_is 'vbm explain vb' 'vbcam.0 vbcodec.0' 'devices'
	complete_is 'vbm show 1' '1 10 11 12 13 14 15 16 17 18 19' 'buffers'
	complete_is 'vbm graph --o' '--output=' 'an option'
	complete_is 'vbm top --sort ' 'number size device moves' 'an order'
	cd "$here" || return
	complete_is 'vbm graph -o saved.' 'saved.sh' 'a file'
	unset -f vbm
}

# Every command, option and exit code is in the manual, and none besides.
test_manual()
{
	local command

	for command in list show graph top explain doctor; do
		"$vbm" $command --help
	done | grep -oE -- '--[a-z]+' | sort -u > "$work/options"
	sed 's/\\-/-/g' "$top/tools/vbm/vbm.1" |
		grep -oE -- '--[a-z]+' | sort -u > "$work/manual"
	tap_is "$(cat "$work/manual")" "$(cat "$work/options")" \
		'the manual has all options, and no others'
	grep -oE '^	EXIT_[A-Z_]+ = [0-9]' "$top/tools/vbm/vbm.h" |
		grep -oE '[0-9]$' > "$work/codes"
	sed -n '/^.SH EXIT/,/^.SH FILES/p' "$top/tools/vbm/vbm.1" |
		grep -oE '^\.B [1-9]$' | grep -oE '[0-9]$' > "$work/manual"
	tap_is "$(cat "$work/manual")" "$(cat "$work/codes")" \
		'the manual has all exit codes, and no others'
}

test_words()
{
	"$here/words.py" "$vbm" "$top/videobuf2" "$demo" > "$work/words"
	tap_import "$work/words" words
}

[ "${VBM_EXPECT:-}" != write ] || mkdir -p "$here/saved/expected"
shift
[ $# -gt 0 ] || set -- output usage access gone damaged stock doctor dkms rates \
	trace screen completion manual words
for part; do
	"test_$part"
done
tap_plan
