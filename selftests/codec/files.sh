# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The pictures and programs that the suite and the benchmark share, in $files.
# Source it with $here (this directory) and $files set.

: "${here:?}" "${files:?}"

# A photograph that a Debian package has.
photo_package=python-matplotlib-data
photo=usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg

files_need()	# package: its commands and files
{
	dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null |
		grep -q '^install ok installed' && return
	if [ "$(id -u)" -eq 0 ]; then
		apt-get install -y --no-install-recommends "$1"
	else
		sudo apt-get install -y --no-install-recommends "$1"
	fi
}

files_photo()
{
	[ ! -e "$files/photo.jpg" ] || return 0
	(
		cd "$files" && apt-get download $photo_package &&
			dpkg-deb --fsys-tarfile $photo_package*.deb |
			tar -xO "./$photo" > photo.new &&
			mv photo.new photo.jpg
	)
}

# $files/good, bad and small are from ./variants; $files/share is for guests,
# which are slow: a coder that has had all of the large files as a program need
# not have them all again.
files_prepare()
{
	local package share=$files/share

	for package in gcc make libc6-dev libjpeg-turbo-progs \
		       libjpeg62-turbo-dev python3 valgrind; do
		files_need $package || return
	done
	mkdir -p "$files"
	files_photo || return
	rm -rf "$files/good" "$files/bad" "$files/small" "$share"
	"$here/variants" "$files/photo.jpg" "$files" || return
	mkdir -p "$share/good" "$share/bad" "$share/small"
	cp "$files"/small/*.jpg "$share/small/"
	cp "$files"/bad/*.jpg "$share/bad/"
	# An empty buffer is a full one to V4L2.
	rm "$share/bad/empty.jpg" || return
	cp "$files"/good/*.jpg "$share/good/"
	rm "$share"/good/{4096x2304,{1x1,2x1,1x2,4x1}-{opt,restart,scans}}.jpg \
		"$share"/good/quality-{1,100}.jpg || return
	djpeg "$files/photo.jpg" | cjpeg -sample 2x2 > "$share/good/vga.jpg"
	make -C "$here" OUTPUT="$files" all "$files/compare" "$files/fuzz"
}

# $files/bench is for the benchmark's guest: the photograph as lines of 640
# pixels, and libjpeg's programs as the host has them.
files_bench()
{
	local dir=$files/bench package

	for package in libjpeg-turbo-progs python3; do
		files_need $package || return
	done
	mkdir -p "$dir/libjpeg"
	files_photo || return
	cp "$(command -v cjpeg)" "$(command -v djpeg)" \
		"$(ldd "$(command -v cjpeg)" | awk '/libjpeg/ { print $3 }')" \
		"$dir/libjpeg/" || return
	djpeg -dct int -outfile "$dir/photo.ppm" "$files/photo.jpg" || return
	python3 - "$dir/photo.ppm" "$dir/photo.rgb" <<-'END'
		import sys
		f = open(sys.argv[1], 'rb')
		assert f.readline() == b'P6\n'
		w, h = map(int, f.readline().split())
		f.readline()
		data = f.read()
		with open(sys.argv[2], 'wb') as out:
		    for y in range(480):
		        row = data[(y % h) * w * 3:][:w * 3]
		        out.write((row * (640 // w + 1))[:640 * 3])
	END
}
