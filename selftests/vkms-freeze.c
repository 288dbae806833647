// SPDX-License-Identifier: GPL-2.0
/*
 * vkms of 6.12 freezes a machine with two processors: docs/vkms-vblank.md tells
 * why. This switches its screen on from one processor, where its timer stays
 * then, and off from the other, until that happens. It is part of no suite, and
 * needs none of our modules.
 */
#define _GNU_SOURCE
#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH	640
#define HEIGHT	480

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(2, "processor %d", cpu);
}

static void drm(int fd, unsigned long request, void *arg, const char *what)
{
	if (ioctl(fd, request, arg))
		err(2, "%s", what);
}

int main(int argc, char **argv)
{
	struct drm_mode_create_dumb dumb = {
		.width = WIDTH, .height = HEIGHT, .bpp = 32,
	};
	struct drm_mode_fb_cmd2 fb = {
		.width = WIDTH, .height = HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
	};
	struct drm_mode_get_connector connector = { 0 };
	struct drm_mode_crtc on = { 0 }, off = { 0 };
	struct drm_mode_card_res res = { 0 };
	uint32_t crtcs[8], connectors[8];
	struct drm_mode_modeinfo modes[64];
	unsigned int i, times;
	int fd;

	if (argc != 3)
		errx(2, "usage: vkms-freeze /dev/dri/cardN TIMES");
	times = strtoul(argv[2], NULL, 10);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", argv[1]);

	drm(fd, DRM_IOCTL_MODE_GETRESOURCES, &res, "resources");
	if (!res.count_crtcs || res.count_crtcs > 8 ||
	    !res.count_connectors || res.count_connectors > 8)
		errx(2, "%s: not like vkms", argv[1]);
	res.crtc_id_ptr = (uintptr_t)crtcs;
	res.connector_id_ptr = (uintptr_t)connectors;
	res.count_fbs = 0;
	res.count_encoders = 0;
	drm(fd, DRM_IOCTL_MODE_GETRESOURCES, &res, "resources");

	connector.connector_id = connectors[0];
	drm(fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector, "connector");
	if (connector.count_modes > 64)
		errx(2, "%s: not like vkms", argv[1]);
	connector.modes_ptr = (uintptr_t)modes;
	connector.count_props = 0;
	connector.count_encoders = 0;
	drm(fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector, "modes");
	for (i = 0; i < connector.count_modes; i++)
		if (modes[i].hdisplay == WIDTH && modes[i].vdisplay == HEIGHT)
			break;
	if (i == connector.count_modes)
		errx(2, "%s: no mode of %ux%u", argv[1], WIDTH, HEIGHT);

	drm(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb, "buffer");
	fb.handles[0] = dumb.handle;
	fb.pitches[0] = dumb.pitch;
	drm(fd, DRM_IOCTL_MODE_ADDFB2, &fb, "frame buffer");

	on.set_connectors_ptr = (uintptr_t)connectors;
	on.count_connectors = 1;
	on.crtc_id = crtcs[0];
	on.fb_id = fb.fb_id;
	on.mode_valid = 1;
	on.mode = modes[i];
	off.crtc_id = crtcs[0];

	for (i = 1; i <= times; i++) {
		run_on(0);
		drm(fd, DRM_IOCTL_MODE_SETCRTC, &on, "on");
		/* The second one waits for a frame, which starts the timer. */
		drm(fd, DRM_IOCTL_MODE_SETCRTC, &on, "on");
		run_on(sysconf(_SC_NPROCESSORS_ONLN) > 1);
		usleep(rand() % 17000);
		drm(fd, DRM_IOCTL_MODE_SETCRTC, &off, "off");
		if (i % 100 == 0) {
			printf("%u\n", i);
			fflush(stdout);
		}
	}
	return 0;
}
