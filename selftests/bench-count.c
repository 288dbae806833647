// SPDX-License-Identifier: GPL-2.0
/*
 * Counts what the kernel does for DMA, on any backend in the same way: probes
 * on its functions, and the Intel IOMMU's tracepoint for what it is asked to
 * invalidate. A histogram of each is kept by the kernel (tracefs); nothing is
 * written to the trace.
 *
 * The tracepoints of the DMA API are not used: an event of theirs holds the
 * addresses of all segments, and is dropped where those are many.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench-count.h"
#include "ksft.h"
#include "v4l2.h"

#define TRACING	"/sys/kernel/tracing/"
#define GROUP	"vbm_bench"

/* Types of the Intel IOMMU's invalidation descriptors, the lowest four bits. */
#define QI_TYPE		0xf
#define QI_IOTLB	2

/* An IOMMU that is lazy flushes after ten milliseconds. */
#define FLUSH_US	50000

enum what { ATTACH, DETACH, MAP, UNMAP, FLUSH, BYTES };

/* None of the functions calls another one of the list. */
static const struct source {
	enum what what;
	const char *function;	/* NULL: a tracepoint */
	const char *event;
	const char *keys;
	const char *vals;
	const char *fetch;	/* of a probe */
} sources[] = {
	{ ATTACH, "dma_buf_dynamic_attach" },
	{ DETACH, "dma_buf_detach" },
	{ MAP, "dma_map_sgtable" },
	{ MAP, "dma_map_sg_attrs" },
	{ MAP, "dma_map_page_attrs" },
	{ MAP, "dma_map_resource" },
	{ UNMAP, "dma_unmap_sg_attrs" },
	{ UNMAP, "dma_unmap_page_attrs" },
	{ UNMAP, "dma_unmap_resource" },
	{ BYTES, "swiotlb_bounce", .vals = "size", .fetch = " size=$arg3:u64" },
	{ FLUSH, NULL, "intel_iommu/qi_submit", .keys = "qw0" },
};

#define NR_SOURCES	(sizeof(sources) / sizeof(sources[0]))

static bool counted[NR_SOURCES];

static int append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static const char *event(const struct source *s)
{
	static char name[64];

	if (!s->function)
		return s->event;
	snprintf(name, sizeof(name), GROUP "/%s", s->function);
	return name;
}

/* @more is what is to be done with it, if not to be made. */
static int histogram(const struct source *s, const char *not,
		     const char *more)
{
	char path[160], text[160];

	snprintf(path, sizeof(path), TRACING "events/%s/trigger", event(s));
	snprintf(text, sizeof(text), "%shist:keys=%s%s%s%s",
		 not, s->keys ? s->keys : "common_type", s->vals ? ":vals=" : "",
		 s->vals ? s->vals : "", more);
	return append(path, text);
}

static bool start(const struct source *s)
{
	char text[160];
	int ret;

	if (s->function) {
		snprintf(text, sizeof(text), "p:" GROUP "/%s %s%s", s->function,
			 s->function, s->fetch ? s->fetch : "");
		ret = append(TRACING "kprobe_events", text);
		if (ret)
			return false;
	}
	return !histogram(s, "", "");
}

void count_start(void)
{
	unsigned int i;

	/* No names of processes: the scheduler would be patched for them. */
	append(TRACING "options/record-cmd", "0");
	for (i = 0; i < NR_SOURCES; i++) {
		counted[i] = start(&sources[i]);
		if (!counted[i])
			FAIL("%s can not be counted", event(&sources[i]));
	}
}

void count_stop(void)
{
	unsigned int i;

	for (i = 0; i < NR_SOURCES; i++)
		if (counted[i])
			CHECK_OK(histogram(&sources[i], "!", ""));
	CHECK_OK(append(TRACING "kprobe_events", "-:" GROUP "/"));
}

void count_reset(void)
{
	unsigned int i;

	for (i = 0; i < NR_SOURCES; i++)
		if (counted[i])
			CHECK_OK(histogram(&sources[i], "", ":clear"));
}

/* { qw0: 1048610 } hitcount: 2 size: 8192 */
static long long sum(const struct source *s)
{
	const char *const what = s->vals ? " size:" : " hitcount:";
	char path[160], line[512], *at, *key;
	long long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), TRACING "events/%s/hist", event(s));
	f = fopen(path, "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, what);
		if (line[0] != '{' || !at)
			continue;
		key = strchr(line, ':');
		if (s->what == FLUSH &&
		    (strtoull(key + 1, NULL, 0) & QI_TYPE) != QI_IOTLB)
			continue;
		n += atoll(at + strlen(what));
	}
	fclose(f);
	return n;
}

void count_read(struct counts *c)
{
	long long *const value[] = {
		[ATTACH] = &c->attaches, [DETACH] = &c->detaches,
		[MAP] = &c->maps, [UNMAP] = &c->unmaps,
		[FLUSH] = &c->flushes, [BYTES] = &c->bytes,
	};
	unsigned int i;

	usleep(FLUSH_US);
	memset(c, 0, sizeof(*c));
	for (i = 0; i < NR_SOURCES; i++)
		if (counted[i])
			*value[sources[i].what] += sum(&sources[i]);
}
