// SPDX-License-Identifier: GPL-2.0
/*
 * Every order in which a camera, a codec and a display come to a buffer, from
 * the file in VBM_ORDERS, which placement/orders.py has written. What happens
 * at each step goes to VBM_OBSERVED, for orders.py to compare with what its
 * model of the rules says. Here it is only looked at, and the bytes are
 * checked: what was written last is what user space, and each device through
 * its DMA addresses, reads, wherever the buffer has moved.
 *
 * A configuration is a line for the camera (c) and one for each importer (i),
 * then orders (o) of
 *
 *   c C   the codec is attached, and maps; d D the display
 *   q     the camera is given the buffer for the first time, and writes a frame
 *   f     the camera is done
 *   u     user space maps the buffer, reads and writes it
 *
 * Where the buffer lies is read from the page tables, which the modules under
 * test have no say in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "moves.h"
#include "peer.h"
#include "step.h"

#define PAGE		4096UL
#define SIZE_MAX_KIB	1024U
#define IMPORTERS	2
#define FIRST_ID	3000
#define FORGET		"/sys/module/videobuf2_mem/parameters/forget"

/* An importer: a foreign one (vbm-peer), or a queue on our backends. */
struct importer {
	unsigned int step;
	unsigned int sg;		/* of a queue */
	unsigned int bits;
	unsigned int dir;		/* of a foreign one */
	unsigned int keep;		/* what it has mapped */
	struct vbm_peer_limits limits;
	int fd;
	int map;
	bool mapped;			/* and kept */
};

struct config {
	unsigned int id;
	unsigned int size;
	unsigned int sg;
	unsigned int managed;
	unsigned int bits;
	struct importer by[IMPORTERS];
	int camera;
};

/* One run through an order. */
struct run {
	struct config *c;
	const char *order;
	unsigned int step;
	unsigned int seed;
	char *bytes;			/* what the buffer holds */
	char *copy;
	char *user;			/* where user space has it, or NULL */
	int fd;
	bool at_camera;
	char last[1024];
};

static FILE *observed;
static int pagemap, stats, buffers;

static char *file_again(int fd, char *text, size_t max)
{
	size_t n = 0;
	ssize_t got;

	CHECK(!lseek(fd, 0, SEEK_SET));
	while ((got = read(fd, text + n, max - 1 - n)) > 0)
		n += got;
	text[n] = '\0';
	return text;
}

/* How often a buffer was to be moved and was not, for each reason. */
#define REFUSALS	16

struct refusals {
	char name[REFUSALS][16];
	long long n[REFUSALS];
};

static void refusals_read(struct refusals *r)
{
	static const char key[] = "moves_refused_";
	char text[8192], *at = file_again(stats, text, sizeof(text));
	unsigned int i = 0;

	memset(r, 0, sizeof(*r));
	while ((at = strstr(at, key)) && i < REFUSALS) {
		at += strlen(key);
		CHECK(sscanf(at, "%15s %lld", r->name[i], &r->n[i]) == 2);
		i++;
	}
	CHECK(i > 5);
}

/* The one that there is one more of; "-" if all are as they were. */
static const char *refusals_differ(const struct refusals *was,
				   const struct refusals *is)
{
	const char *name = "-";
	unsigned int i;

	for (i = 0; i < REFUSALS; i++) {
		if (was->n[i] == is->n[i])
			continue;
		name = is->n[i] == was->n[i] + 1 && *name == '-' ?
		       is->name[i] : "several";
	}
	return name;
}

static void field(const char *line, const char *key, char *value, size_t max)
{
	const char *at = strstr(line, key);
	size_t n;

	if (!at)
		FAIL("no %s in %s", key, line);
	at += strlen(key);
	n = strcspn(at, "\n ");
	if (n >= max)
		FAIL("%s is too long: %s", key, line);
	memcpy(value, at, n);
	value[n] = '\0';
}

/* What "buffers" says of the only buffer that there is; false: no storage. */
static bool buffer_read(char *to, size_t max)
{
	static const char * const keys[] = {
		" backing=", " frozen=", " moves=", " owned=", " mappings=",
		" demand=", " one=",
	};
	char text[8192], value[512], *line, *end, *next;
	unsigned int i, n = 0;
	bool has;

	file_again(buffers, text, sizeof(text));
	line = strstr(text, "kind=mmap dev=");
	if (!line)
		FAIL("no buffer");
	end = strchrnul(line, '\n');
	next = strstr(end, "kind=mmap dev=");
	if (next)
		FAIL("more than one buffer");
	*end = '\0';
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		field(line, keys[i], value, sizeof(value));
		if (!i)
			has = strcmp(value, "none");
		n += snprintf(to + n, max - n, " %s", value);
		CHECK(n < max);
	}
	return has;
}

/* /proc says nothing of what is mapped by page frame, as dma-contig does. */
static void frames_read(const struct run *r, const char *p,
			unsigned long long *frames, size_t nr)
{
	size_t i;

	if (!r->c->sg) {
		step_frames(r->c->camera, p, frames, nr);
		return;
	}
	CHECK_EQ(pread(pagemap, frames, nr * 8, (unsigned long)p / PAGE * 8),
		 nr * 8);
	for (i = 0; i < nr; i++) {
		/* Is there one? */
		CHECK(frames[i] >> 63);
		frames[i] &= (1ULL << 55) - 1;
	}
}

/* In runs of page frames: FIRST+NUMBER,... */
static void where(const struct run *r, const char *p, char *to, size_t max)
{
	unsigned long long frames[SIZE_MAX_KIB / 4];
	size_t nr = r->c->size / PAGE, first = 0, i, n = 0;

	frames_read(r, p, frames, nr);
	for (i = 1; i <= nr; i++) {
		if (i < nr && frames[i] == frames[i - 1] + 1)
			continue;
		n += snprintf(to + n, max - n, "%c%llx+%zx", n ? ',' : ' ',
			      frames[first], i - first);
		CHECK(n < max);
		first = i;
	}
}

static void check_bytes(struct run *r, const char *p, const char *who)
{
	size_t i;

	if (!memcmp(p, r->bytes, r->c->size))
		return;
	for (i = 0; p[i] == r->bytes[i]; i++)
		;
	FAIL_BYTES("configuration %u, order %s, step %u: what %s reads is wrong from byte %zu on",
		   r->c->id, r->order, r->step, who, i);
}

static void check_importer(struct run *r, struct importer *imp)
{
	if (imp->step)
		CHECK_OK(step_read(imp->fd, 0, 0, 0, r->copy, r->c->size));
	else
		CHECK_OK(peer_read(imp->fd, imp->map, 0, r->copy, r->c->size));
	check_bytes(r, r->copy, imp == r->c->by ? "the codec" : "the display");
}

/* Everybody reads what was written last, and how things are is written down. */
static void look(struct run *r, char event, int ret, const char *refused)
{
	char now[1024];
	unsigned int i;
	size_t n;
	char *p;

	if (buffer_read(now, sizeof(now))) {
		p = dmabuf_mmap(r->fd, r->c->size);
		check_bytes(r, p, "user space");
		n = strlen(now);
		where(r, p, now + n, sizeof(now) - n);
		munmap(p, r->c->size);
	} else {
		strcat(now, " -");
	}
	if (r->user)
		check_bytes(r, r->user, "who has it mapped");
	/* While the camera writes, bounce buffers need not follow. */
	for (i = 0; i < IMPORTERS && !r->at_camera; i++)
		if (r->c->by[i].mapped && !r->c->by[i].step)
			check_importer(r, &r->c->by[i]);
	fprintf(observed, "%c %s %s%s\n", event, ret ? ksft_errno(-ret) : "0",
		refused, strcmp(now, r->last) ? now : " ~");
	strcpy(r->last, now);
}

static int do_map(struct run *r, struct importer *imp)
{
	int ret;

	if (imp->step) {
		ret = step_begin_fd(imp->fd, 0, r->fd);
		if (ret)
			return ret;
		imp->mapped = true;
		check_importer(r, imp);
		CHECK_OK(step_done(imp->fd, 0));
		return 0;
	}
	ret = peer_map(imp->fd, imp->dir, NULL);
	if (ret < 0)
		return ret;
	imp->map = ret;
	check_importer(r, imp);
	if (imp->keep)
		imp->mapped = true;
	else
		CHECK_OK(peer_unmap(imp->fd, ret));
	return 0;
}

static int do_qbuf(struct run *r)
{
	int ret = step_begin_fd(r->c->camera, 0, -1);

	if (ret)
		return ret;
	r->at_camera = true;
	pattern_fill(r->bytes, r->c->size, ++r->seed);
	return step_write(r->c->camera, 0, 0, 0, r->bytes, r->c->size);
}

static int do_done(struct run *r)
{
	r->at_camera = false;
	return step_done(r->c->camera, 0);
}

static int do_user(struct run *r)
{
	size_t at = r->c->size / 2 & ~(PAGE - 1);

	r->user = step_mmap(r->c->camera, 0, 0, r->c->size);
	check_bytes(r, r->user, "mmap()");
	CHECK_OK(dmabuf_sync(r->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	pattern_fill(r->bytes + at, PAGE, ++r->seed);
	memcpy(r->user + at, r->bytes + at, PAGE);
	CHECK_OK(dmabuf_sync(r->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	return 0;
}

static int do_event(struct run *r, char event)
{
	struct importer *by = r->c->by;

	switch (event) {
	case 'c':
		return peer_attach(by[0].fd, r->fd);
	case 'd':
		return peer_attach(by[1].fd, r->fd);
	case 'C':
		return do_map(r, &by[0]);
	case 'D':
		return do_map(r, &by[1]);
	case 'q':
		return do_qbuf(r);
	case 'f':
		return do_done(r);
	case 'u':
		return do_user(r);
	}
	FAIL("what is %c?", event);
}

static void run_order(struct config *c, const char *order)
{
	static char bytes[SIZE_MAX_KIB << 10], copy[SIZE_MAX_KIB << 10];
	struct run r = { .c = c, .order = order, .bytes = bytes, .copy = copy };
	static struct refusals was, is;
	const char *refused;
	unsigned int i;
	int ret;

	/* Orders are short, and what is mapped in them not kept for long. */
	CHECK_OK(write_file(FORGET, "*"));
	fprintf(observed, "o %s\n", order);
	step_buffers(c->camera, 1);
	r.fd = step_export(c->camera, 0, 0);
	memset(bytes, 0, c->size);
	look(&r, '-', 0, "-");
	if (!*was.name[0])
		refusals_read(&was);
	for (; order[r.step]; r.step++) {
		ret = do_event(&r, order[r.step]);
		refused = "-";
		/* By maps; what others were, shows at the next one. */
		if (strchr("CD", order[r.step])) {
			refusals_read(&is);
			refused = refusals_differ(&was, &is);
			was = is;
		}
		look(&r, order[r.step], ret, refused);
	}

	if (r.at_camera)
		CHECK_OK(step_done(c->camera, 0));
	if (r.user)
		munmap(r.user, c->size);
	for (i = 0; i < IMPORTERS; i++) {
		c->by[i].mapped = false;
		if (c->by[i].step)
			step_imports(c->by[i].fd, 1);
		else
			CHECK_OK(peer_detach(c->by[i].fd));
	}
	close(r.fd);
	step_release(c->camera);
}

static void importer_open(struct config *c, struct importer *imp,
			  unsigned int id)
{
	struct vbm_peer_device device = {
		.dma_mask = imp->bits < 64 ? (1ULL << imp->bits) - 1 : ~0ULL,
		.first_id = id,
	};
	struct vbm_step_config queue = {
		.sg = imp->sg, .output = 1, .planes = 1, .size = c->size,
		.like = -1, .mask_bits = imp->bits,
	};
	struct vbm_peer_limits none = { 0 };

	if (imp->step) {
		imp->fd = step_open(&queue);
		step_imports(imp->fd, 1);
		return;
	}
	imp->fd = peer_open(&device);
	if (memcmp(&imp->limits, &none, sizeof(none)))
		CHECK_OK(peer_limits(imp->fd, &imp->limits));
}

/* Queues are named in the order in which they are opened: the camera first. */
static void config_open(struct config *c)
{
	struct vbm_step_config camera = {
		.sg = c->sg, .planes = 1, .size = c->size, .like = -1,
		.managed = c->managed, .mask_bits = c->bits,
	};
	unsigned int i;

	c->camera = step_open(&camera);
	for (i = 0; i < IMPORTERS; i++)
		importer_open(c, &c->by[i], FIRST_ID + 2 * c->id + i);
	fprintf(observed, "c %u\n", c->id);
}

static void config_close(struct config *c)
{
	unsigned int i;

	for (i = 0; i < IMPORTERS; i++)
		close(c->by[i].fd);
	close(c->camera);
}

/* The last byte of RAM, and of what the kernel bounces with (0: nothing). */
static void say_memory(void)
{
	unsigned long long first, last, top = 0, bounce = 0;
	char line[1024], *at;
	FILE *f = fopen("/proc/iomem", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, ": System RAM") &&
		    sscanf(line, "%llx-%llx", &first, &last) == 2 && last > top)
			top = last;
	fclose(f);
	f = popen("dmesg", "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, "software IO TLB: mapped [mem ");
		if (at && sscanf(at, "software IO TLB: mapped [mem %llx-%llx",
				 &first, &last) == 2)
			bounce = last;
	}
	pclose(f);
	CHECK(top);
	fprintf(observed, "m %llx %llx\n", top, bounce);
}

static void parse_importer(struct importer *imp, const char *line)
{
	struct vbm_peer_limits *l = &imp->limits;
	unsigned long long boundary;

	memset(imp, 0, sizeof(*imp));
	CHECK(sscanf(line, "i %u %u %u %u %u %u %u %llu %u %u", &imp->step,
		     &imp->sg, &imp->bits, &imp->dir, &imp->keep,
		     &l->max_segments, &l->max_segment_size, &boundary,
		     &l->align, &l->address_bits) == 10);
	l->boundary = boundary;
}

static void test_orders(__attribute__((unused)) const char *node)
{
	const char *from = getenv("VBM_ORDERS"), *to = getenv("VBM_OBSERVED");
	unsigned long long configs = 0, orders = 0;
	static char buffer[1 << 20];
	struct config c = { 0 };
	unsigned int have = 0;
	char line[256];
	FILE *f;

	if (!from || !to)
		ksft_skip("no orders: VBM_ORDERS, VBM_OBSERVED");
	f = fopen(from, "r");
	observed = fopen(to, "w");
	CHECK(f && observed);
	setvbuf(observed, buffer, _IOFBF, sizeof(buffer));
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	stats = open(MOVES_DEBUGFS "stats", O_RDONLY | O_CLOEXEC);
	buffers = open(MOVES_DEBUGFS "buffers", O_RDONLY | O_CLOEXEC);
	CHECK(pagemap >= 0 && stats >= 0 && buffers >= 0);
	say_memory();
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		switch (line[0]) {
		case 'c':
			if (c.camera)
				config_close(&c);
			memset(&c, 0, sizeof(c));
			CHECK(sscanf(line, "c %u %u %u %u %u", &c.id, &c.size,
				     &c.sg, &c.managed, &c.bits) == 5);
			CHECK(c.size <= SIZE_MAX_KIB << 10);
			have = 0;
			configs++;
			break;
		case 'i':
			CHECK(have < IMPORTERS);
			parse_importer(&c.by[have++], line);
			if (have == IMPORTERS)
				config_open(&c);
			break;
		case 'o':
			CHECK(have == IMPORTERS);
			run_order(&c, line + 2);
			orders++;
			break;
		default:
			FAIL("what is %s?", line);
		}
	}
	CHECK(orders);
	config_close(&c);
	fprintf(observed, "end\n");
	CHECK(!fclose(observed));
	fclose(f);
	ksft_say("%llu configurations, %llu orders", configs, orders);
}

static const struct ksft_test tests[] = {
	{ "every order", test_orders, .flags = KSFT_NO_NODE | KSFT_OURS,
	  .log_max = 300, .timeout = 600 },
};

KSFT_MAIN(tests)
