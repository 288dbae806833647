# shellcheck shell=bash
# The peer modules v4l2-mem2mem, vicodec, vim2m, vimc and vkms.
#
# They are in no Debian amd64 kernel: they come, unmodified, from its source,
# and are an entry of the cache of their own, together with vm-splat, by which
# the harness tests itself. Instrumented kernels have no sensors, nor vimc.

peers_key()
{
	cache_key "$(base_key "$1")" "$TESTBED/lib/peers.sh" \
		"$TESTBED/lib/enter" "$TESTBED/splat/vm-splat.c"
}
peers_dir() { cache_entry peers "$1" "$(peers_key "$1")"; }

peers_ensure()
{
	base_ensure "$1"
	cache_ensure peers "$1" "$(peers_key "$1")" peers_make "$1"
}

peers_make()
{
	step "peer modules for $1" peers_build "$1" "$2"
}

peers_build()
{
	local kernel=$1 dir=$2 source vimc=vimc
	source=$(base_dir "$kernel")/source/drivers
	! kernel_is_debug "$kernel" || vimc=
	mkdir "$dir/v4l2-mem2mem"
	cp "$source/media/v4l2-core/v4l2-mem2mem.c" "$dir/v4l2-mem2mem/"
	echo 'obj-m := v4l2-mem2mem.o' >"$dir/v4l2-mem2mem/Makefile"
	cp -r "$source/media/test-drivers/vicodec" \
		${vimc:+"$source/media/test-drivers/vimc"} \
		"$source/gpu/drm/vkms" "$dir/"
	mkdir "$dir/vim2m"
	cp "$source"/media/test-drivers/vim2m.c "$dir/vim2m/"
	echo 'obj-m := vim2m.o' >"$dir/vim2m/Makefile"
	mkdir "$dir/vm-splat"
	cp "$TESTBED/splat/vm-splat.c" "$dir/vm-splat/"
	echo 'obj-m := vm-splat.o' >"$dir/vm-splat/Makefile"
	echo "obj-m := v4l2-mem2mem/ vicodec/ vim2m/ ${vimc:+vimc/} vkms/ vm-splat/" \
		>"$dir/Makefile"
	in_root "$kernel" bind "$dir" "$dir" \
		make -C "/lib/modules/$(krelease "$kernel")/build" M=/src -j2 \
		CONFIG_VIDEO_VICODEC=m CONFIG_VIDEO_VIMC=m CONFIG_DRM_VKMS=m \
		modules
	find "$dir" \( -name '*.o' -o -name '.*.cmd' -o -name '*.mod*' \) \
		-delete
}
