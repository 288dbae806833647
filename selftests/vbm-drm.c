// SPDX-License-Identifier: GPL-2.0
/*
 * Importers that somebody else wrote: the kernel's vgem, vkms and cirrus, which
 * are given our dma-bufs as a compositor gives them (PRIME); and udmabuf, whose
 * dma-bufs are given to us.
 *
 * What they do with one is theirs: on 6.12 they map it when it is imported, and
 * keep that; on 7.2 they attach, and map it for the CPU while it is shown. vkms
 * tells the checksum of what it shows. vgem has fences that user space signals.
 *
 * vbcam has to be named by the core's parameter "movable".
 */
#define _GNU_SOURCE
#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "foreign-mem.h"
#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "step.h"

#define WIDTH	640
#define HEIGHT	480
#define BYTES	(WIDTH * HEIGHT * 4)

/* A buffer of a camera that is large enough to be shown. */
struct one {
	const char *node;
	struct vnode *n;
	unsigned int id;
	char *p;
	size_t size;
	int fd;
};

static void one_open(struct one *o, const char *node)
{
	struct moves_buf b;

	if (!moves_listed("vbcam"))
		ksft_skip("needs movable=vbcam");
	o->node = node;
	o->n = vnode_open(node);
	CHECK_OK(vnode_set_fmt(o->n, WIDTH, 2 * HEIGHT, V4L2_PIX_FMT_YUYV));
	CHECK_EQ(o->n->sizeimage[0], BYTES);
	vnode_buffers(o->n, 2, V4L2_MEMORY_MMAP);
	b = moves_buf(node, 0);
	moves_need_pages(&b);
	o->id = b.id;
	o->p = vnode_mmap(o->n, 0, 0, &o->size);
	o->fd = CHECK_OK(vnode_expbuf(o->n, 0, 0, O_RDWR));
	pattern_fill(o->p, BYTES, 1);
}

static void one_same(const struct one *o, unsigned int seed)
{
	char *q = dmabuf_mmap(o->fd, BYTES);

	CHECK_PATTERN(o->p, BYTES, seed);
	CHECK_PATTERN(q, BYTES, seed);
	munmap(q, BYTES);
}

/* Does an importer keep what it has imported mapped? */
static bool keeps_mapped(void)
{
	struct utsname u;

	CHECK(!uname(&u));
	return atoi(u.release) < 7;
}

/* The card of a driver, whose name begins so; *@card is its number. */
static int drm_open(const char *driver, int *card)
{
	struct drm_version version;
	char path[32], name[32];
	int fd, i;

	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		version = (struct drm_version){
			.name = name, .name_len = sizeof(name) - 1,
		};
		memset(name, 0, sizeof(name));
		if (!xioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    !strncmp(name, driver, strlen(driver))) {
			*card = i;
			return fd;
		}
		close(fd);
	}
	ksft_skip("this kernel has no %s", driver);
}

static uint32_t drm_import(int drm, int fd)
{
	struct drm_prime_handle req = { .fd = fd };

	CHECK_OK(xioctl(drm, DRM_IOCTL_PRIME_FD_TO_HANDLE, &req));
	return req.handle;
}

static void drm_free(int drm, uint32_t handle)
{
	struct drm_gem_close req = { .handle = handle };

	CHECK_OK(xioctl(drm, DRM_IOCTL_GEM_CLOSE, &req));
}

/* It is the same dma-buf that comes out again. */
static void drm_same(int drm, uint32_t handle, int fd)
{
	struct drm_prime_handle req = {
		.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR,
	};
	struct stat a, b;

	CHECK_OK(xioctl(drm, DRM_IOCTL_PRIME_HANDLE_TO_FD, &req));
	CHECK(!fstat(fd, &a) && !fstat(req.fd, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	close(req.fd);
}

/* As long as it is mapped it stays; where it is not, it may move. */
static void check_move(const struct one *o, unsigned int seed)
{
	if (keeps_mapped())
		CHECK_REFUSED(o->id, "mapped");
	else
		CHECK_OK(moves_move(o->id));
	one_same(o, seed);
}

static void import(const char *node, const char *driver)
{
	uint32_t handle, again;
	int drm, card, other;
	struct one o;

	drm = drm_open(driver, &card);
	one_open(&o, node);
	handle = drm_import(drm, o.fd);
	CHECK_EQ(bufinfo_attached(o.fd), 1);
	one_same(&o, 1);
	drm_same(drm, handle, o.fd);
	check_move(&o, 1);

	/* A second dma-buf of the buffer is another import of it. */
	other = CHECK_OK(vnode_expbuf(o.n, 0, 0, O_RDWR));
	again = drm_import(drm, other);
	CHECK(again != handle);
	check_move(&o, 1);
	drm_free(drm, again);
	close(other);
	drm_free(drm, handle);
	CHECK_EQ(bufinfo_attached(o.fd), 0);
	CHECK_OK(moves_move(o.id));
	one_same(&o, 1);

	/* Who goes without a word lets go as well. */
	drm_import(drm, o.fd);
	CHECK_EQ(bufinfo_attached(o.fd), 1);
	close(drm);
	CHECK_EQ(bufinfo_attached(o.fd), 0);
	CHECK_OK(moves_move(o.id));
	one_same(&o, 1);
}

static void test_vgem(const char *node)
{
	import(node, "vgem");
}

static void test_vkms(const char *node)
{
	import(node, "vkms");
}

static void test_cirrus(const char *node)
{
	import(node, "cirrus");
}

/* vgem's device is at work until it says that it is not. */
static void test_fence(const char *node)
{
	struct drm_vgem_fence_attach fence = { .flags = VGEM_FENCE_WRITE };
	struct drm_vgem_fence_signal done = { 0 };
	int drm, card;
	struct one o;

	drm = drm_open("vgem", &card);
	one_open(&o, node);
	fence.handle = drm_import(drm, o.fd);
	CHECK_OK(xioctl(drm, DRM_IOCTL_VGEM_FENCE_ATTACH, &fence));
	CHECK_REFUSED(o.id, "mapped");
	one_same(&o, 1);
	done.fence = fence.out_fence;
	CHECK_OK(xioctl(drm, DRM_IOCTL_VGEM_FENCE_SIGNAL, &done));
	check_move(&o, 1);
	drm_free(drm, fence.handle);
	CHECK_OK(moves_move(o.id));
	one_same(&o, 1);
	close(drm);
}

/*
 * What is shown
 */

struct screen {
	int drm;
	int card;
	uint32_t crtc, connector;
	struct drm_mode_modeinfo mode;
};

static void screen_mode(struct screen *s)
{
	struct drm_mode_get_connector c = { .connector_id = s->connector };
	struct drm_mode_modeinfo modes[64];
	unsigned int i;

	/* The first call makes it look; the second has room for what it saw. */
	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_GETCONNECTOR, &c));
	CHECK(c.count_modes <= 64);
	c.modes_ptr = (unsigned long)modes;
	c.count_props = 0;
	c.count_encoders = 0;
	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_GETCONNECTOR, &c));
	for (i = 0; i < c.count_modes; i++)
		if (modes[i].hdisplay == WIDTH && modes[i].vdisplay == HEIGHT) {
			s->mode = modes[i];
			return;
		}
	FAIL("none of %u modes is %ux%u", c.count_modes, WIDTH, HEIGHT);
}

static void screen_open(struct screen *s, const char *driver)
{
	struct drm_mode_card_res res = { 0 };
	uint32_t crtcs[8], connectors[8];

	s->drm = drm_open(driver, &s->card);
	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_GETRESOURCES, &res));
	CHECK(res.count_crtcs && res.count_crtcs <= 8);
	CHECK(res.count_connectors && res.count_connectors <= 8);
	res.crtc_id_ptr = (unsigned long)crtcs;
	res.connector_id_ptr = (unsigned long)connectors;
	res.count_fbs = 0;
	res.count_encoders = 0;
	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_GETRESOURCES, &res));
	s->crtc = crtcs[0];
	s->connector = connectors[0];
	screen_mode(s);
}

static uint32_t screen_fb(struct screen *s, uint32_t handle)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = WIDTH, .height = HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { handle }, .pitches = { 4 * WIDTH },
	};

	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_ADDFB2, &fb));
	return fb.fb_id;
}

static void screen_show(struct screen *s, uint32_t fb)
{
	struct drm_mode_crtc set = {
		.set_connectors_ptr = (unsigned long)&s->connector,
		.count_connectors = 1, .crtc_id = s->crtc, .fb_id = fb,
		.mode_valid = 1, .mode = s->mode,
	};

	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_SETCRTC, &set));
}

static void screen_remove(struct screen *s, uint32_t fb)
{
	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_RMFB, &fb));
}

/* A buffer of the card's own. */
static uint32_t screen_dumb(struct screen *s, unsigned int seed)
{
	struct drm_mode_create_dumb dumb = {
		.width = WIDTH, .height = HEIGHT, .bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };
	void *p;

	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	CHECK_EQ(dumb.pitch, 4 * WIDTH);
	map.handle = dumb.handle;
	CHECK_OK(xioctl(s->drm, DRM_IOCTL_MODE_MAP_DUMB, &map));
	p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s->drm,
		 map.offset);
	CHECK(p != MAP_FAILED);
	pattern_fill(p, BYTES, seed);
	munmap(p, BYTES);
	return dumb.handle;
}

/* The sums of the frames on screen, from the next one on. */
static int screen_watch(const struct screen *s)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path),
		 "/sys/kernel/debug/dri/%d/crtc-0/crc/control", s->card);
	CHECK_OK(write_file(path, "auto"));
	snprintf(path, sizeof(path),
		 "/sys/kernel/debug/dri/%d/crtc-0/crc/data", s->card);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		FAIL("%s: %s", path, ksft_errno(errno));
	return fd;
}

/* A line at a time, whatever is asked for. */
static unsigned int screen_next(int watch)
{
	unsigned int frame, sum;
	char line[64];
	ssize_t n;

	n = read(watch, line, sizeof(line) - 1);
	if (n <= 0)
		FAIL("no sums: %s", n ? ksft_errno(errno) : "the end");
	line[n] = '\0';
	if (sscanf(line, "%x %x", &frame, &sum) != 2)
		FAIL("no sum: %s", line);
	return sum;
}

/* vkms lags behind: what it tells may be of a frame before. */
static unsigned int screen_sum(const struct screen *s)
{
	unsigned int sum, last = 0, same = 0, i;
	int watch = screen_watch(s);

	for (i = 0; i < 200 && same < 20; i++) {
		sum = screen_next(watch);
		same = sum == last ? same + 1 : 0;
		last = sum;
	}
	close(watch);
	CHECK(same == 20);
	return last;
}

static void screen_await(const struct screen *s, unsigned int want)
{
	int watch = screen_watch(s);
	unsigned int i;

	for (i = 0; i < 200; i++) {
		if (screen_next(watch) == want) {
			close(watch);
			return;
		}
	}
	FAIL_BYTES("something else is shown");
}

/*
 * Its sums are those of the card's own buffers with the same bytes, before and
 * after the buffer has moved.
 */
static void test_shown(const char *node)
{
	uint32_t handle, fb, own[2], own_fb[2];
	unsigned int sum[2], i;
	struct screen s;
	struct one o;

	screen_open(&s, "vkms");
	one_open(&o, node);
	for (i = 0; i < 2; i++) {
		own[i] = screen_dumb(&s, 1 + i);
		own_fb[i] = screen_fb(&s, own[i]);
		screen_show(&s, own_fb[i]);
		sum[i] = screen_sum(&s);
	}
	CHECK(sum[0] != sum[1]);

	handle = drm_import(s.drm, o.fd);
	fb = screen_fb(&s, handle);
	screen_show(&s, fb);
	screen_await(&s, sum[0]);
	/* vkms looks at it at each frame. */
	CHECK_REFUSED(o.id, "kernel");
	one_same(&o, 1);
	pattern_fill(o.p, BYTES, 2);
	screen_await(&s, sum[1]);
	pattern_fill(o.p, BYTES, 1);
	screen_await(&s, sum[0]);

	screen_show(&s, own_fb[1]);
	screen_await(&s, sum[1]);
	check_move(&o, 1);
	screen_show(&s, fb);
	screen_await(&s, sum[0]);
	pattern_fill(o.p, BYTES, 2);
	screen_await(&s, sum[1]);
	CHECK_REFUSED(o.id, "kernel");

	screen_show(&s, own_fb[0]);
	screen_remove(&s, fb);
	drm_free(s.drm, handle);
	CHECK_OK(moves_move(o.id));
	one_same(&o, 2);
	close(s.drm);
}

/* cirrus copies it, and keeps its kernel address as long as it is shown. */
static void test_copied(const char *node)
{
	uint32_t handle, fb, own_fb;
	struct screen s;
	struct one o;

	screen_open(&s, "cirrus");
	one_open(&o, node);
	own_fb = screen_fb(&s, screen_dumb(&s, 2));
	handle = drm_import(s.drm, o.fd);
	fb = screen_fb(&s, handle);
	check_move(&o, 1);
	screen_show(&s, fb);
	CHECK_REFUSED(o.id, "kernel");
	one_same(&o, 1);
	screen_show(&s, own_fb);
	check_move(&o, 1);
	screen_show(&s, fb);
	CHECK_REFUSED(o.id, "kernel");
	one_same(&o, 1);

	screen_show(&s, own_fb);
	screen_remove(&s, fb);
	drm_free(s.drm, handle);
	CHECK_OK(moves_move(o.id));
	one_same(&o, 1);
	close(s.drm);
}

/*
 * To us
 */

#define SIZE	(24U * 4096)

/* Each byte that one end writes is read at the other. */
static void udmabuf(bool sg, const char *exporter, enum foreign_layout layout,
		    int error)
{
	struct vbm_step_config config = {
		.sg = sg, .planes = 1, .size = SIZE, .like = -1,
	};
	static char copy[SIZE];
	struct foreign_mem mem;
	int q = step_open(&config);
	char *p;

	step_imports(q, 1);
	switch (foreign_mem_alloc(&mem, exporter, SIZE, layout)) {
	case FOREIGN_OK:
		break;
	case FOREIGN_NO_EXPORTER:
		ksft_skip("this kernel has no %s", exporter);
	default:
		FAIL("%s", exporter);
	}
	p = dmabuf_mmap(mem.fd, SIZE);
	CHECK_ERR(step_begin_fd(q, 0, mem.fd), error);
	if (!error) {
		/* Read by the CPU only while the device has not got it. */
		CHECK_OK(step_done(q, 0));
		pattern_fill(p, SIZE, 3);
		CHECK_OK(step_begin_fd(q, 0, mem.fd));
		CHECK_OK(step_read(q, 0, 0, 0, copy, SIZE));
		CHECK_PATTERN(copy, SIZE, 3);
		pattern_fill(copy, SIZE, 4);
		CHECK_OK(step_write(q, 0, 0, 0, copy, SIZE));
		CHECK_OK(step_done(q, 0));
		CHECK_PATTERN(p, SIZE, 4);
	}
	munmap(p, SIZE);
	close(mem.fd);
	close(q);
}

static void test_udmabuf(const char *node)
{
	(void)node;
	udmabuf(true, "udmabuf", FOREIGN_CONTIGUOUS, 0);
	udmabuf(true, "udmabuf-shuffled", FOREIGN_SCATTERED, 0);
	udmabuf(false, "udmabuf", FOREIGN_CONTIGUOUS, 0);
	udmabuf(false, "udmabuf-shuffled", FOREIGN_SCATTERED, EFAULT);
}

#define CAM	(NODE_CAP | NODE_VBCAM | NODE_SPLANE)

static const struct ksft_test tests[] = {
	{ "vgem imports", test_vgem, CAM, KSFT_OURS },
	{ "vgem is at work", test_fence, CAM, KSFT_OURS },
	{ "vkms imports", test_vkms, CAM, KSFT_OURS },
	{ "vkms shows it", test_shown, CAM, KSFT_OURS | KSFT_DIRECT },
	{ "cirrus imports", test_cirrus, CAM, KSFT_OURS },
	{ "cirrus shows it", test_copied, CAM, KSFT_OURS },
	{ "udmabuf's are imported", test_udmabuf,
	  .flags = KSFT_NO_NODE | KSFT_OURS | KSFT_DIRECT },
};

KSFT_MAIN(tests)
