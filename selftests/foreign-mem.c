// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "foreign-mem.h"

#define NR_TRIES	256
#define HUGE_SIZE	((size_t)2 << 20)

static size_t page_size;

static size_t align_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/*
 * Where pages are
 */

/* Runs of consecutive page frames, counted as the pages come. */
struct run {
	unsigned int extents;
	size_t pages;
	uint64_t next;
};

static void run_add(struct run *run, uint64_t pfn, size_t pages)
{
	if (!run->pages || pfn != run->next)
		run->extents++;
	run->pages += pages;
	run->next = pfn + pages;
}

/* The page frame behind a mapped address; 0 if nobody tells. */
static uint64_t pagemap_pfn(int pagemap, const void *addr)
{
	const uint64_t present = 1ULL << 63, pfn_mask = (1ULL << 55) - 1;
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry),
		  (uintptr_t)addr / page_size * sizeof(entry)) !=
	    sizeof(entry) || !(entry & present))
		return 0;

	return entry & pfn_mask;
}

#define INSTANCE "/sys/kernel/tracing/instances/foreign"
#define EVENT INSTANCE "/events/kmem/mm_page_alloc"

static bool trace_write(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) >= 0;

	if (!done)
		warn("%s", name);
	if (fd >= 0)
		close(fd);

	return done;
}

/*
 * The event is enabled once and stays so, for further runs too: that patches
 * the kernel's code, which an emulated processor may survive a few times only.
 */
static bool trace_begin(void)
{
	char filter[64];
	bool made;

	made = !mkdir(INSTANCE, 0755);
	if (!made && errno != EEXIST) {
		warn(INSTANCE);
		return false;
	}
	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());

	return trace_write(EVENT "/filter", filter) &&
	       trace_write(INSTANCE "/trace", "\n") &&
	       (!made || trace_write(EVENT "/enable", "1"));
}

/*
 * Of what is allocated meanwhile only a heap's pages may be in high memory.
 * Returns the number of extents, or 0.
 */
static unsigned int trace_end(size_t nr_pages)
{
	struct run run = { };
	unsigned long pfn;
	unsigned int order;
	char line[512], *p;
	FILE *file;

	file = fopen(INSTANCE "/trace", "re");
	if (!file) {
		warn(INSTANCE "/trace");
		return 0;
	}
	while (fgets(line, sizeof(line), file)) {
		p = strstr(line, "pfn=");
		if (p && strstr(line, "GFP_HIGH") && !strstr(line, "MOVABLE") &&
		    sscanf(p, "pfn=%lx order=%u", &pfn, &order) == 2)
			run_add(&run, pfn, 1UL << order);
	}
	fclose(file);
	if (run.pages != nr_pages) {
		warnx("%zu of %zu pages were traced", run.pages, nr_pages);
		return 0;
	}

	return run.extents;
}

/* A page of a memfd, and where it is. */
struct page {
	size_t index;
	uint64_t pfn;
};

static int page_compare(const void *a, const void *b)
{
	const struct page *pa = a, *pb = b;

	return pa->pfn < pb->pfn ? -1 : pa->pfn > pb->pfn;
}

/* Sorts @pages; returns the first of @nr that are neighbours, if there are. */
static struct page *neighbours(struct page *pages, size_t nr_pages, size_t nr)
{
	size_t i, first = 0;

	qsort(pages, nr_pages, sizeof(*pages), page_compare);
	for (i = 0; i < nr_pages; i++) {
		if (i && pages[i].pfn != pages[i - 1].pfn + 1)
			first = i;
		if (i - first + 1 == nr)
			return &pages[first];
	}

	return pages;
}

/*
 * Exporters
 */

static enum foreign_result heap_alloc(struct foreign_mem *mem,
				      const char *name, bool look)
{
	struct dma_heap_allocation_data data = {
		.len = mem->size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		warn("%s", path);
		return FOREIGN_NO_EXPORTER;
	}
	if (look && !trace_begin()) {
		close(fd);
		return FOREIGN_FAILED;
	}
	ret = ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &data);
	if (ret)
		warn("%s: DMA_HEAP_IOCTL_ALLOC", path);
	close(fd);
	if (ret)
		return FOREIGN_FAILED;

	mem->fd = data.fd;
	mem->extents = 0;
	if (look)
		mem->extents = trace_end(mem->size / page_size);

	return look && !mem->extents ? FOREIGN_FAILED : FOREIGN_OK;
}

struct udmabuf {
	int dev, memfd, pagemap;
	unsigned char *map;
	size_t map_size;
	struct page *pages;
	struct udmabuf_create_list *list;
};

static enum foreign_result udmabuf_open(struct udmabuf *u, size_t size,
					bool huge)
{
	u->map_size = size;
	u->map = MAP_FAILED;
	u->pages = NULL;
	u->list = NULL;
	u->memfd = -1;
	u->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	u->dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (u->dev < 0) {
		warn("/dev/udmabuf");
		return FOREIGN_NO_EXPORTER;
	}
	u->memfd = memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING |
				(huge ? MFD_HUGETLB : 0));
	if (u->memfd >= 0 && !ftruncate(u->memfd, size))
		u->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      u->memfd, 0);
	if (u->map == MAP_FAILED) {
		warn("memfd");
		return FOREIGN_NO_EXPORTER;
	}
	/* All pages are there from now on. */
	memset(u->map, 0, size);
	u->pages = calloc(size / page_size, sizeof(*u->pages));
	u->list = calloc(1, sizeof(*u->list) +
			 size / page_size * sizeof(u->list->list[0]));
	if (!u->pages || !u->list || u->pagemap < 0 ||
	    fcntl(u->memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		warn("memfd, pagemap");
		return FOREIGN_FAILED;
	}

	return FOREIGN_OK;
}

static void udmabuf_close(struct udmabuf *u)
{
	if (u->map != MAP_FAILED)
		munmap(u->map, u->map_size);
	free(u->pages);
	free(u->list);
	if (u->memfd >= 0)
		close(u->memfd);
	if (u->pagemap >= 0)
		close(u->pagemap);
	if (u->dev >= 0)
		close(u->dev);
}

/* Which pages, in which order. */
static void udmabuf_choose(struct udmabuf *u, size_t nr, bool shuffled,
			   bool huge)
{
	size_t nr_pages = u->map_size / page_size, i, k;
	struct page *first;

	for (i = 0; i < nr_pages; i++) {
		u->pages[i].index = i;
		u->pages[i].pfn = pagemap_pfn(u->pagemap,
					      u->map + i * page_size);
	}
	first = nr_pages > nr ? neighbours(u->pages, nr_pages, nr) : u->pages;
	u->list->flags = UDMABUF_FLAGS_CLOEXEC;
	u->list->count = huge ? 1 : nr;
	for (i = 0; i < u->list->count; i++) {
		k = i;
		if (shuffled)
			k = i < (nr + 1) / 2 ? 2 * i :
					       2 * (i - (nr + 1) / 2) + 1;
		u->list->list[i].memfd = u->memfd;
		u->list->list[i].offset = first[k].index * page_size;
		u->list->list[i].size = huge ? nr * page_size : page_size;
	}
}

/*
 * Pages of a memfd: some that are neighbours, which one many times as large as
 * the buffer has somewhere; or, shuffled, every second one first, so that no two
 * neighbours in the dma-buf are neighbours in the memfd; or one huge page.
 */
static enum foreign_result udmabuf_alloc(struct foreign_mem *mem,
					 bool shuffled, bool huge)
{
	size_t nr = mem->size / page_size, i;
	enum foreign_result result;
	struct run run = { };
	struct udmabuf u;

	result = udmabuf_open(&u, shuffled || huge ? mem->size : 64 * mem->size,
			      huge);
	if (result)
		goto out_close;

	udmabuf_choose(&u, nr, shuffled, huge);
	result = FOREIGN_FAILED;
	mem->fd = ioctl(u.dev, UDMABUF_CREATE_LIST, u.list);
	if (mem->fd < 0) {
		warn("UDMABUF_CREATE_LIST");
		goto out_close;
	}
	/* Pinned now, and so where they will stay. */
	for (i = 0; i < nr; i++) {
		size_t at = huge ? i * page_size : u.list->list[i].offset;
		uint64_t pfn = pagemap_pfn(u.pagemap, u.map + at);

		if (!pfn) {
			warnx("pagemap does not tell the layout");
			goto out_close;
		}
		run_add(&run, pfn, 1);
	}
	mem->extents = run.extents;
	result = FOREIGN_OK;

out_close:
	udmabuf_close(&u);
	return result;
}

static enum foreign_result alloc_one(struct foreign_mem *mem,
				     const char *exporter, bool look)
{
	if (!strncmp(exporter, "heap:", 5))
		return heap_alloc(mem, exporter + 5, look);
	if (!strcmp(exporter, "udmabuf"))
		return udmabuf_alloc(mem, false, false);
	if (!strcmp(exporter, "udmabuf-shuffled"))
		return udmabuf_alloc(mem, true, false);
	if (!strcmp(exporter, "udmabuf-huge"))
		return udmabuf_alloc(mem, false, true);

	warnx("%s: no such exporter", exporter);
	return FOREIGN_NO_EXPORTER;
}

static bool layout_is(const struct foreign_mem *mem, enum foreign_layout want)
{
	return want == FOREIGN_ANY ||
	       (mem->extents == 1) == (want == FOREIGN_CONTIGUOUS);
}

enum foreign_result foreign_mem_alloc(struct foreign_mem *mem,
				      const char *exporter, size_t size,
				      enum foreign_layout want)
{
	enum foreign_result result = FOREIGN_NO_LAYOUT;
	int aside[NR_TRIES];
	unsigned int nr = 0;

	page_size = sysconf(_SC_PAGESIZE);
	mem->size = align_up(size, strcmp(exporter, "udmabuf-huge") ?
				   page_size : HUGE_SIZE);
	while (nr < NR_TRIES) {
		result = alloc_one(mem, exporter, want != FOREIGN_ANY);
		if (result || layout_is(mem, want))
			break;
		/* Kept for now, so that the next one differs. */
		aside[nr++] = mem->fd;
		result = FOREIGN_NO_LAYOUT;
	}
	if (result == FOREIGN_NO_LAYOUT)
		warnx("%s: none of %u buffers had the layout", exporter, nr);
	while (nr)
		close(aside[--nr]);

	return result;
}
