// SPDX-License-Identifier: GPL-2.0
/*
 * What devices ask of memory: what the kernel knows of them, what their drivers
 * and the module's parameter state, what is learnt of foreign ones; and who asked
 * for what, buffer by buffer. All of it as debugfs shows it.
 *
 * The module has been loaded with "limits=" as placement/limits-guest.sh says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"

#define DEBUGFS	"/sys/kernel/debug/videobuf2-mem/"
#define FORGET	"/sys/module/videobuf2_mem/parameters/forget"

#define ANY	0xffffffffULL
#define KIB	1024ULL
#define MIB	(1024 * KIB)

/* Devices that the parameter names. */
#define BY_PARAMETER	1000
#define BY_BOTH		1001

/* The one line of @file that has " @what " in it; ends the test. */
static void line_with(const char *file, const char *what, char *out, size_t max)
{
	char line[4096], want[128], path[128];
	int nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), DEBUGFS "%s", file);
	snprintf(want, sizeof(want), " %s ", what);
	f = fopen(path, "re");
	if (!f)
		FAIL("%s: %s", path, ksft_errno(errno));
	out[0] = ' ';
	while (fgets(line, sizeof(line), f)) {
		char padded[4200];

		line[strcspn(line, "\n")] = '\0';
		snprintf(padded, sizeof(padded), " %s ", line);
		if (!strstr(padded, want))
			continue;
		nr++;
		snprintf(out, max, "%s", padded);
	}
	fclose(f);
	if (nr != 1)
		FAIL("%s: %d lines with \"%s\"", path, nr, what);
}

/* The text after KEY= in a line; ends the test. */
static void value_of(const char *line, const char *key, char *out, size_t max)
{
	char want[64];
	const char *at;

	snprintf(want, sizeof(want), " %s=", key);
	at = strstr(line, want);
	if (!at)
		FAIL("no %s= in \"%s\"", key, line);
	at += strlen(want);
	snprintf(out, max, "%.*s", (int)strcspn(at, " "), at);
}

static unsigned long long device_value(const char *name, const char *key)
{
	char line[4200], what[80], value[128];

	snprintf(what, sizeof(what), "dev=%s", name);
	line_with("devices", what, line, sizeof(line));
	value_of(line, key, value, sizeof(value));
	return strtoull(value, NULL, 16);
}

/* Of the one buffer that is exported. */
static void buffer_value(const char *key, char *out, size_t max)
{
	char line[4200];

	line_with("buffers", "state=exported", line, sizeof(line));
	value_of(line, key, out, max);
}

static void expect_demand(const char *want)
{
	char got[512];

	buffer_value("demand", got, sizeof(got));
	if (strcmp(got, want))
		FAIL("demand=%s, not %s", got, want);
}

/* One device asks for all of it: @what, separated by spaces. */
static void expect_asks(const char *what, const char *name)
{
	char want[512] = "";
	size_t at = 0, n;

	while (*what) {
		n = strcspn(what, " ");
		at += snprintf(want + at, sizeof(want) - at, "%s%.*s:%s",
			       at ? "," : "", (int)n, what, name);
		what += n + (what[n] == ' ');
	}
	expect_demand(want);
}

static void expect_one(const char *want)
{
	char got[128];

	buffer_value("one", got, sizeof(got));
	if (strcmp(got, want))
		FAIL("one=%s, not %s", got, want);
}

/* A buffer of a driver that asks for nothing, exported. */
static int export_size(struct vnode **n, unsigned int width,
		       unsigned int height)
{
	const char *path = vnode_find(NODE_CAP | NODE_SG | NODE_SPLANE, NULL);

	CHECK(path);
	*n = vnode_open(path);
	CHECK_OK(vnode_set_fmt(*n, width, height, V4L2_PIX_FMT_YUYV));
	vnode_buffers(*n, 1, V4L2_MEMORY_MMAP);
	return CHECK_OK(vnode_expbuf(*n, 0, 0, O_RDWR));
}

/* Of some hundred KiB. */
static int export_one(struct vnode **n)
{
	int fd = export_size(n, 640, 480);

	CHECK((*n)->sizeimage[0] > 128 * KIB);
	return fd;
}

/* A device with a number that no other test's has, for it is known by name. */
static int peer_named(struct vbm_peer_device *limits, unsigned int id,
		      char *name, size_t max)
{
	limits->first_id = id;
	snprintf(name, max, "vbm-peer.%u", id);
	return peer_open(limits);
}

static void test_known(__attribute__((unused)) const char *node)
{
	struct vbm_peer_device limits = {
		.dma_mask = (1ULL << 30) - 1,
		.max_seg_size = 64 * KIB,
		.seg_boundary = MIB - 1,
	};
	struct vbm_peer_device wide = { .dma_mask = (1ULL << 40) - 1 };
	char name[64], other[64];
	struct vnode *n;
	int fd, a, b;

	fd = export_one(&n);
	a = peer_named(&limits, 2000, name, sizeof(name));
	b = peer_named(&wide, 2001, other, sizeof(other));
	CHECK_OK(peer_attach(a, fd));
	CHECK_EQ(device_value(name, "address"), (1ULL << 30) - 1);
	CHECK_EQ(device_value(name, "segment-size"), 64 * KIB);
	CHECK_EQ(device_value(name, "boundary"), MIB - 1);
	CHECK_EQ(device_value(name, "segments"), ANY);
	CHECK_EQ(device_value(name, "align"), 4 * KIB);
	CHECK_EQ(device_value(name, "pages"), 0);
	CHECK_EQ(device_value(name, "direct"), 1);
	/* A list of any length: the rest is met by cutting. */
	expect_demand("address:3fffffff:vbm-peer.2000");
	expect_one("preferred:vbm-peer.2000");

	/* It reaches all that there is. */
	CHECK_OK(peer_attach(b, fd));
	CHECK_EQ(device_value(other, "address"), ~0ULL);
	CHECK_OK(peer_detach(b));
	CHECK_OK(peer_detach(a));
	expect_demand("-");
	expect_one("any");
}

static void test_parameter(__attribute__((unused)) const char *node)
{
	struct vbm_peer_device limits = { .max_seg_size = 64 * KIB };
	char name[64];
	struct vnode *n;
	int fd, peer;

	fd = export_one(&n);
	peer = peer_named(&limits, BY_PARAMETER, name, sizeof(name));
	CHECK_OK(peer_attach(peer, fd));
	CHECK_EQ(device_value(name, "segments"), 1);
	CHECK_EQ(device_value(name, "address"), (1ULL << 30) - 1);
	CHECK_EQ(device_value(name, "align"), 64 * KIB);
	CHECK_EQ(device_value(name, "pages"), 1);
	/* Who takes one segment takes a long one. */
	CHECK(device_value(name, "segment-size") > 1024 * MIB);
	expect_asks("address:3fffffff segments:1 align:10000 pages:1", name);
	/* It does not prefer what it asks for. */
	expect_one("any");
}

static void test_driver(__attribute__((unused)) const char *node)
{
	struct vbm_peer_device none = { 0 };
	struct vbm_peer_limits limits = {
		.max_segments = 3, .max_segment_size = 1024 * KIB,
		.boundary = 2 * MIB, .align = 8192, .address_bits = 29,
		.needs_pages = 1,
	};
	char name[64];
	struct vnode *n;
	int fd, peer;

	fd = export_one(&n);
	peer = peer_named(&none, 2010, name, sizeof(name));
	CHECK_OK(peer_limits(peer, &limits));
	CHECK_ERR(peer_limits(peer, &limits), EBUSY);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_EQ(device_value(name, "segments"), 3);
	CHECK_EQ(device_value(name, "segment-size"), MIB);
	CHECK_EQ(device_value(name, "boundary"), 2 * MIB - 1);
	CHECK_EQ(device_value(name, "align"), 8192);
	CHECK_EQ(device_value(name, "address"), (1ULL << 29) - 1);
	CHECK_EQ(device_value(name, "pages"), 1);
	/* A boundary costs each piece one segment: one piece is left. */
	expect_asks("address:1fffffff segments:1 align:2000 pages:1", name);
	CHECK_OK(peer_detach(peer));
	close(peer);

	/* They went with the driver. */
	peer = peer_named(&none, 2010, name, sizeof(name));
	CHECK_OK(peer_attach(peer, fd));
	CHECK_EQ(device_value(name, "segments"), ANY);
	expect_demand("-");
}

static void test_driver_errors(__attribute__((unused)) const char *node)
{
	static const struct vbm_peer_limits bad[] = {
		{ .align = 3 },
		{ .boundary = 3 * MIB },
		{ .boundary = 1024 },
		{ .max_segment_size = 512 },
		{ .address_bits = 65 },
	};
	struct vbm_peer_limits good = { .max_segments = 1 };
	struct vbm_peer_device none = { 0 };
	char name[64];
	struct vnode *n;
	int fd, peer;
	size_t i;

	fd = export_one(&n);
	peer = peer_named(&none, 2020, name, sizeof(name));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(peer_limits(peer, &bad[i]), EINVAL);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_EQ(device_value(name, "segments"), ANY);
	/* Too late. */
	CHECK_ERR(peer_limits(peer, &good), EBUSY);
	CHECK_OK(peer_detach(peer));
	CHECK_OK(peer_unbind(peer));
	CHECK_ERR(peer_limits(peer, &good), EINVAL);
}

static void test_parameter_wins(__attribute__((unused)) const char *node)
{
	struct vbm_peer_limits limits = {
		.max_segments = 5, .max_segment_size = 64 * KIB,
		.address_bits = 28,
	};
	struct vbm_peer_device none = { 0 };
	char name[64];
	struct vnode *n;
	int fd, peer;

	fd = export_one(&n);
	peer = peer_named(&none, BY_BOTH, name, sizeof(name));
	CHECK_OK(peer_limits(peer, &limits));
	CHECK_OK(peer_attach(peer, fd));
	CHECK_EQ(device_value(name, "segments"), 7);
	CHECK_EQ(device_value(name, "segment-size"), 64 * KIB);
	/* A reach only ever shrinks. */
	CHECK_EQ(device_value(name, "address"), (1ULL << 28) - 1);
}

/* Who is in the way is named: whoever asks for the least. */
static void test_who(__attribute__((unused)) const char *node)
{
	struct vbm_peer_device mask30 = { .dma_mask = (1ULL << 30) - 1 };
	struct vbm_peer_device mask28 = { .dma_mask = (1ULL << 28) - 1 };
	struct vbm_peer_limits four = { .max_segments = 4 };
	struct vbm_peer_limits never = {
		.max_segments = 1, .max_segment_size = 4096,
	};
	char a_name[64], b_name[64], c_name[64];
	struct vnode *n;
	int fd, a, b, c;

	fd = export_one(&n);
	a = peer_named(&mask30, 2030, a_name, sizeof(a_name));
	b = peer_named(&mask28, 2031, b_name, sizeof(b_name));
	c = peer_named(&mask28, 2032, c_name, sizeof(c_name));
	CHECK_OK(peer_limits(a, &four));
	CHECK_OK(peer_limits(c, &never));
	CHECK_OK(peer_attach(a, fd));
	CHECK_OK(peer_attach(b, fd));
	expect_demand("address:fffffff:vbm-peer.2031,segments:4:vbm-peer.2030");
	/* What nothing can serve keeps nothing from others. */
	CHECK_OK(peer_attach(c, fd));
	expect_demand("address:fffffff:vbm-peer.2031,segments:4:vbm-peer.2030");
	CHECK_OK(peer_detach(b));
	expect_demand("address:3fffffff:vbm-peer.2030,segments:4:vbm-peer.2030");
}

/* Another dma-buf of the same buffer, and an importer of ours. */
static void test_import(__attribute__((unused)) const char *node)
{
	const char *path = vnode_find(NODE_OUT | NODE_CONTIG | NODE_SPLANE,
				      NULL);
	struct vbm_peer_device mask30 = { .dma_mask = (1ULL << 30) - 1 };
	char name[64], device[64], want[256];
	struct vnode *n, *out;
	struct vbuf b;
	int fd, fd2, peer;

	CHECK(path);
	vnode_device(path, device, sizeof(device));
	/* A power of two, so that it is in one piece. */
	fd = export_size(&n, 256, 128);
	fd2 = CHECK_OK(vnode_expbuf(n, 0, 0, O_RDWR));
	peer = peer_named(&mask30, 2040, name, sizeof(name));
	CHECK_OK(peer_attach(peer, fd2));

	out = vnode_open(path);
	CHECK_OK(vnode_set_fmt(out, 256, 128, V4L2_PIX_FMT_YUYV));
	CHECK(out->sizeimage[0] <= n->sizeimage[0]);
	vnode_buffers(out, 1, V4L2_MEMORY_DMABUF);
	vbuf_init(&b, out, 0, V4L2_MEMORY_DMABUF);
	b.p[0].fd = fd;
	b.p[0].used = out->sizeimage[0];
	CHECK_OK(vnode_prepare(out, &b));
	/* vivid's device reaches 32 bits and this guest has no more. */
	snprintf(want, sizeof(want),
		 "address:3fffffff:vbm-peer.2040,segments:1:%s", device);
	expect_demand(want);
	CHECK_OK(vnode_reqbufs(out, 0, V4L2_MEMORY_DMABUF));
	expect_demand("address:3fffffff:vbm-peer.2040");
}

/*
 * The lesson
 */

static bool learnt(const char *name)
{
	return device_value(name, "one");
}

/*
 * At once is two milliseconds, in which a guest that is not given a processor
 * can stand still; then it is no refusal.
 */
static void teach(int peer, const char *name, int fd)
{
	int i = 0;

	do {
		CHECK(CHECK_OK(peer_refuse(peer, fd, 0)) > 1);
		i++;
	} while (i < 50 && !learnt(name));
	if (i < 2 || !learnt(name))
		FAIL("after %d refusals: %d", i, learnt(name));
}

static int peer_pupil(unsigned int id, char *name, size_t max)
{
	struct vbm_peer_device limits = { .max_seg_size = 64 * KIB };

	return peer_named(&limits, id, name, max);
}

static void test_teach(__attribute__((unused)) const char *node)
{
	char name[64], other_name[64];
	struct vnode *n;
	int fd, peer, other;

	fd = export_one(&n);
	peer = peer_pupil(2100, name, sizeof(name));
	other = peer_pupil(2101, other_name, sizeof(other_name));
	CHECK_OK(peer_refuse(other, fd, 0));
	CHECK(!learnt(other_name));
	teach(peer, name, fd);
	CHECK(!learnt(other_name));
	CHECK_OK(peer_attach(peer, fd));
	expect_one("wanted:vbm-peer.2100");
	CHECK_OK(peer_attach(other, fd));
	expect_one("wanted:vbm-peer.2100");
	CHECK_OK(peer_detach(peer));
	expect_one("preferred:vbm-peer.2101");
	/* It asks for nothing more than it did: no map fails of it. */
	expect_demand("-");
	CHECK(CHECK_OK(peer_refuse(peer, fd, 0)) > 1);
}

static void test_unteach(__attribute__((unused)) const char *node)
{
	struct vbm_peer_map map;
	struct vnode *n;
	char name[64];
	int fd, peer;

	fd = export_one(&n);
	peer = peer_pupil(2110, name, sizeof(name));
	teach(peer, name, fd);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, &map));
	CHECK(map.nents > 1);
	usleep(20000);
	/* While it keeps it, and afterwards. */
	CHECK(!learnt(name));
	CHECK_OK(peer_unmap(peer, map.map));
	CHECK_OK(peer_detach(peer));
	CHECK(!learnt(name));
	CHECK_EQ(device_value(name, "refusals"), 0);

	teach(peer, name, fd);
	CHECK_OK(peer_refuse(peer, fd, 20));
	CHECK(!learnt(name));
}

static void test_not_running(__attribute__((unused)) const char *node)
{
	struct vbm_peer_map map;
	struct vnode *n;
	char name[64];
	int fd, peer, i;

	fd = export_one(&n);
	peer = peer_pupil(2120, name, sizeof(name));
	for (i = 0; i < 10; i++) {
		CHECK_OK(peer_refuse(peer, fd, 0));
		CHECK_OK(peer_attach(peer, fd));
		/* Twice mapped is not refused. */
		CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, &map));
		CHECK_OK(peer_unmap(peer, map.map));
		CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, &map));
		CHECK_OK(peer_unmap(peer, map.map));
		CHECK_OK(peer_detach(peer));
		CHECK(!learnt(name));
	}
	/* Nor what it had a use for. */
	for (i = 0; i < 10; i++)
		CHECK_OK(peer_refuse(peer, fd, 20));
	CHECK(!learnt(name));
	/* Attached and left alone: no answer at all. */
	for (i = 0; i < 10; i++) {
		CHECK_OK(peer_attach(peer, fd));
		CHECK_OK(peer_detach(peer));
	}
	CHECK(!learnt(name));
	teach(peer, name, fd);
}

/* What it keeps at the moment speaks louder than what it gives back. */
static void test_keeps_another(__attribute__((unused)) const char *node)
{
	struct vbm_peer_map map;
	struct vnode *n;
	char name[64];
	int fd, peer, i;

	fd = export_one(&n);
	peer = peer_pupil(2130, name, sizeof(name));
	CHECK_OK(peer_attach(peer, fd));
	CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, &map));
	for (i = 0; i < 10; i++)
		CHECK_OK(peer_refuse(peer, fd, 0));
	CHECK(!learnt(name));
	/* Or it would be a refusal itself. */
	usleep(20000);
	CHECK_OK(peer_detach(peer));
	teach(peer, name, fd);
}

static void test_forget(__attribute__((unused)) const char *node)
{
	char name[64], other_name[64];
	struct vnode *n;
	int fd, peer, other;

	fd = export_one(&n);
	peer = peer_pupil(2140, name, sizeof(name));
	other = peer_pupil(2141, other_name, sizeof(other_name));
	teach(peer, name, fd);
	teach(other, other_name, fd);
	CHECK_ERR(write_file(FORGET, "vbm-peer.9999"), ENODEV);
	CHECK(learnt(name));
	CHECK_OK(write_file(FORGET, "vbm-peer.2140\n"));
	CHECK(!learnt(name));
	CHECK(learnt(other_name));
	CHECK_OK(write_file(FORGET, "*"));
	CHECK(!learnt(other_name));
	teach(peer, name, fd);
}

static const struct ksft_test tests[] = {
	{ "what the kernel knows of a device", test_known,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "what the parameter states", test_parameter,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "what a driver states", test_driver,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "what a driver can not state", test_driver_errors,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "the parameter wins over the driver", test_parameter_wins,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "who asks for what", test_who,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "an importer of ours says what it needs", test_import,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "two refusals teach, one does not", test_teach,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "a table that is kept unteaches", test_unteach,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "what is no refusal teaches nothing", test_not_running,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "nor do refusals while another table is kept", test_keeps_another,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
	{ "an administrator has a lesson forgotten", test_forget,
	  .flags = KSFT_NO_NODE | KSFT_OURS },
};

KSFT_MAIN(tests)
