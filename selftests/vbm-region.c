// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers in a driver's own memory: the BAR of QEMU's ivshmem-plain, which has no
 * struct pages, and a piece of RAM that a driver has set aside. Each test loads
 * vbm-bar as it needs it. Run it by region-guest.sh, in a guest with
 *
 *	--qemu "-object memory-backend-ram,id=bar,size=4M,share=on
 *		-device ivshmem-plain,memdev=bar -device edu -device edu"
 *
 * with an IOMMU and without one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "modules/vbm-queue.h"

#define DRIVER	"/sys/bus/pci/drivers/vbm-bar"
#define MIB	(1U << 20)
#define SIZE	(256U << 10)
#define NR_FULL	4

static unsigned char pattern[SIZE], got[SIZE];

/* The guest's script waits for nothing else that could be in the way. */
static void load(const char *parameters)
{
	char command[160];

	if (!access(DRIVER, F_OK) && system("rmmod vbm-bar"))
		FAIL("rmmod vbm-bar");
	snprintf(command, sizeof(command), "modprobe vbm-bar %s", parameters);
	if (system(command))
		FAIL("%s", command);
}

static int queue_try(const char *name, bool sg, unsigned int size,
		     unsigned int bits)
{
	struct vbm_queue_config config = {
		.sg = sg, .size = size, .flags = VBM_QUEUE_BITS(bits) |
						 VBM_QUEUE_BIDIR,
	};
	char path[64];
	int queue;

	snprintf(path, sizeof(path), "/dev/%s", name);
	queue = open(path, O_RDWR | O_CLOEXEC);
	if (queue < 0)
		FAIL("%s: %s", path, ksft_errno(errno));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_CONFIG, &config));
	return queue;
}

static int queue_open(const char *name, bool sg)
{
	return queue_try(name, sg, SIZE, 64);
}

/* An own buffer, and a dma-buf of it. */
static int queue_export(int queue)
{
	int fd;

	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_EXPORT, &fd));
	return fd;
}

static int queue_import(int queue, int fd)
{
	return xioctl(queue, VBM_QUEUE_IOC_IMPORT, &fd);
}

static int queue_dma(int queue, void *data, bool write)
{
	struct vbm_queue_dma req = {
		.length = SIZE, .data = (unsigned long)data, .write = write,
	};

	return xioctl(queue, VBM_QUEUE_IOC_DMA, &req);
}

static unsigned long long queue_addr(int queue)
{
	unsigned long long addr;

	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_ADDR, &addr));
	return addr;
}

/* A function of that PCI device id that the driver has: its address. */
static void function_find(const char *id, char *name, size_t max)
{
	char path[320], text[16] = "";
	struct dirent *e;
	DIR *dir = opendir(DRIVER);
	FILE *f;

	CHECK(dir);
	*name = 0;
	while (!*name && (e = readdir(dir))) {
		if (strncmp(e->d_name, "0000:", 5))
			continue;
		snprintf(path, sizeof(path), DRIVER "/%s/device", e->d_name);
		f = fopen(path, "r");
		CHECK(f);
		if (fgets(text, sizeof(text), f) && !strncmp(text, id, 6))
			snprintf(name, max, "%.20s", e->d_name);
		fclose(f);
	}
	closedir(dir);
	CHECK(*name);
}

static void bar_find(char *name, size_t max)
{
	function_find("0x1110", name, max);
}

static bool translated(const char *id)
{
	char name[32], path[128];

	function_find(id, name, sizeof(name));
	snprintf(path, sizeof(path), DRIVER "/%s/iommu_group", name);
	return !access(path, F_OK);
}

/* Where the BAR is: the line of it in "resource". */
static void bar_range(unsigned long long *start, unsigned long long *end)
{
	char name[32], path[128], line[128];
	FILE *f;
	int i;

	bar_find(name, sizeof(name));
	snprintf(path, sizeof(path), DRIVER "/%s/resource", name);
	f = fopen(path, "r");
	CHECK(f);
	for (i = 0; i < 3; i++)
		CHECK(fgets(line, sizeof(line), f));
	fclose(f);
	CHECK(sscanf(line, "%llx %llx", start, end) == 2);
	CHECK(*end > *start);
}

/* Offset of the only buffer in a region of that name, -1 if there is none. */
static long long region_offset(const char *region)
{
	FILE *f = fopen("/sys/kernel/debug/videobuf2-mem/buffers", "r");
	unsigned long long offset;
	char line[1024], key[64];
	long long ret = -1;
	char *at;

	CHECK(f);
	snprintf(key, sizeof(key), " region=%s+", region);
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, key);
		if (at && sscanf(at + strlen(key), "%llx", &offset) == 1)
			ret = offset;
	}
	fclose(f);
	return ret;
}

static sigjmp_buf bus_jump;

static void bus_handler(int sig)
{
	(void)sig;
	siglongjmp(bus_jump, 1);
}

/* Does it end in a SIGBUS? */
static bool touch_dies(const volatile unsigned char *p)
{
	struct sigaction act = { .sa_handler = bus_handler }, old;
	bool died = true;

	sigaction(SIGBUS, &act, &old);
	if (!sigsetjmp(bus_jump, 1)) {
		(void)*p;
		died = false;
	}
	sigaction(SIGBUS, &old, NULL);
	return died;
}

static pid_t unbind_begin(const char *name)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(write_file(DRIVER "/unbind", name) ? 1 : 0);
	return pid;
}

static void unbind_end(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* All of the region is there again, and clean. */
static void rebind(const char *name)
{
	unsigned int i;
	int queues[NR_FULL];

	CHECK_OK(write_file(DRIVER "/bind", name));
	for (i = 0; i < NR_FULL; i++) {
		queues[i] = queue_try("vbm-bar", false, MIB, 64);
		CHECK_OK(xioctl(queues[i], VBM_QUEUE_IOC_ALLOC, NULL));
	}
	for (i = 0; i < NR_FULL; i++)
		close(queues[i]);
}

static void each_backend(void (*fn)(bool sg))
{
	fn(false);
	fn(true);
}

static void bar_is_used(bool sg)
{
	int queue = queue_open("vbm-bar", sg), fd = queue_export(queue);
	unsigned char *map = dmabuf_mmap(fd, SIZE);
	unsigned long long start, end, addr = queue_addr(queue);
	long long offset = region_offset("vbm-bar");

	CHECK(offset >= 0);
	bar_range(&start, &end);
	CHECK((unsigned long long)offset + SIZE - 1 <= end - start);
	if (!translated("0x1110"))
		CHECK_EQ(addr, start + offset);

	CHECK_EQ(bytes_check(map, SIZE, 0), -1);
	pattern_fill(map, SIZE, 1 + sg);
	CHECK_OK(queue_dma(queue, got, false));
	CHECK_PATTERN(got, SIZE, 1 + sg);
	pattern_fill(pattern, SIZE, 3 + sg);
	CHECK_OK(queue_dma(queue, pattern, true));
	CHECK_PATTERN(map, SIZE, 3 + sg);

	/* What comes back later is clean. */
	munmap(map, SIZE);
	close(fd);
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_RELEASE, NULL));
	CHECK_EQ(region_offset("vbm-bar"), -1);
	fd = queue_export(queue);
	CHECK_EQ(region_offset("vbm-bar"), offset);
	CHECK_OK(queue_dma(queue, got, false));
	CHECK_EQ(bytes_check(got, SIZE, 0), -1);
	close(fd);
	close(queue);
}

static void test_bar(const char *node)
{
	(void)node;
	load("");
	each_backend(bar_is_used);
}

static void check_full(void)
{
	int queues[NR_FULL + 1];
	unsigned int i;

	for (i = 0; i <= NR_FULL; i++)
		queues[i] = queue_try("vbm-bar", i & 1, MIB, 64);
	for (i = 0; i < NR_FULL; i++)
		CHECK_OK(xioctl(queues[i], VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK_ERR(xioctl(queues[NR_FULL], VBM_QUEUE_IOC_ALLOC, NULL), ENOMEM);
	close(queues[1]);
	CHECK_OK(xioctl(queues[NR_FULL], VBM_QUEUE_IOC_ALLOC, NULL));
	for (i = 0; i <= NR_FULL; i++)
		if (i != 1)
			close(queues[i]);
	/* Others than its queues have memory as before. */
	queues[0] = queue_try("vbm-queue", true, 2 * NR_FULL * MIB, 64);
	CHECK_OK(xioctl(queues[0], VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK_EQ(region_offset("vbm-bar"), -1);
	close(queues[0]);
}

static void test_full(const char *node)
{
	(void)node;
	load("");
	check_full();
	load("own=1");
	check_full();
}

static void test_chosen(const char *node)
{
	int queue;

	(void)node;
	load("own=1");
	queue = queue_open("vbm-bar", false);
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK_EQ(region_offset("vbm-bar"), NR_FULL * MIB - SIZE);
	close(queue);
}

/* What each writes, the others read. */
static void import_works(const char *importer, bool sg)
{
	int queue = queue_open("vbm-bar", sg), fd = queue_export(queue);
	int other = queue_open(importer, sg);
	unsigned char *map = dmabuf_mmap(fd, SIZE);

	pattern_fill(map, SIZE, 5);
	CHECK_OK(queue_import(other, fd));
	CHECK_OK(queue_dma(other, got, false));
	CHECK_PATTERN(got, SIZE, 5);
	pattern_fill(pattern, SIZE, 6);
	CHECK_OK(queue_dma(other, pattern, true));
	CHECK_PATTERN(map, SIZE, 6);
	CHECK_OK(queue_dma(queue, got, false));
	CHECK_PATTERN(got, SIZE, 6);
	munmap(map, SIZE);
	close(other);
	close(fd);
	close(queue);
}

static void import_refused(const char *importer, unsigned int bits, bool sg)
{
	int queue = queue_open("vbm-bar", sg), fd = queue_export(queue);
	int other = queue_try(importer, sg, SIZE, bits);

	CHECK_ERR(queue_import(other, fd), EOPNOTSUPP);
	close(other);
	close(fd);
	close(queue);
}

static void import_each(bool sg)
{
	import_works("vbm-queue", sg);
	if (translated("0x11e8"))
		import_works("vbm-edu.0", sg);
	else
		import_refused("vbm-edu.0", 64, sg);
	import_refused("vbm-queue", 24, sg);
}

static void test_import(const char *node)
{
	(void)node;
	load("");
	each_backend(import_each);
}

static void test_reach(const char *node)
{
	(void)node;
	load("reach=1");
	import_works("vbm-queue", false);
	import_works("vbm-edu.0", true);
	import_works("vbm-edu.1", false);
	load("reach=0");
	import_refused("vbm-queue", 64, false);
	import_refused("vbm-edu.0", 64, true);
}

static void test_local(const char *node)
{
	int queue, fd, other;
	unsigned char *map;

	(void)node;
	load("local=0x1000000");
	queue = queue_open("vbm-bar", false);
	fd = queue_export(queue);
	CHECK_EQ(queue_addr(queue), 0x1000000 + region_offset("vbm-bar"));
	/* Importers have it by the bus all the same. */
	other = queue_open("vbm-queue", false);
	map = dmabuf_mmap(fd, SIZE);
	pattern_fill(map, SIZE, 7);
	CHECK_OK(queue_import(other, fd));
	CHECK_OK(queue_dma(other, got, false));
	CHECK_PATTERN(got, SIZE, 7);
}

static void test_foreign(const char *node)
{
	int queue, fd, peer;

	(void)node;
	load("reach=1");
	queue = queue_open("vbm-bar", true);
	fd = queue_export(queue);
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, fd));
	CHECK_ERR(peer_map(peer, VBM_PEER_TO_DEVICE, NULL), EOPNOTSUPP);
	CHECK(peer_vmap(peer, NULL) < 0);
	CHECK_OK(peer_detach(peer));
	/* Where the core maps it at once, it is refused at once. */
	if (!peer_attach_dynamic(peer, fd))
		CHECK_ERR(peer_map(peer, VBM_PEER_BIDIR, NULL), EOPNOTSUPP);
}

static void no_address(int queue)
{
	struct vbm_queue_vaddr vaddr = {
		.data = (unsigned long)got, .length = SIZE,
	};
	struct vbm_queue_range range = { .length = 16, .dir = 0 };

	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_VADDR, &vaddr));
	CHECK(vaddr.none);
	CHECK_ERR(xioctl(queue, VBM_QUEUE_IOC_GET, &range), EOPNOTSUPP);
}

static void test_address(const char *node)
{
	int queue, fd, other;

	(void)node;
	load("");
	queue = queue_open("vbm-bar", false);
	fd = queue_export(queue);
	no_address(queue);
	other = queue_open("vbm-queue", true);
	CHECK_OK(queue_import(other, fd));
	no_address(other);
	/* Nobody is to be left with a copy of what will go. */
	CHECK(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) ==
	      MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
}

static void test_unbind(const char *node)
{
	int queue, fd, other, late;
	unsigned char *map, *untouched;
	char name[32];

	(void)node;
	load("");
	queue = queue_open("vbm-bar", false);
	fd = queue_export(queue);
	map = dmabuf_mmap(fd, SIZE);
	untouched = dmabuf_mmap(fd, SIZE);
	pattern_fill(map, SIZE, 8);
	/* It has been there, and let go. */
	other = queue_open("vbm-queue", false);
	CHECK_OK(queue_import(other, fd));
	CHECK_OK(xioctl(other, VBM_QUEUE_IOC_RELEASE, NULL));

	bar_find(name, sizeof(name));
	unbind_end(unbind_begin(name));
	CHECK(touch_dies(map));
	CHECK(touch_dies(map + SIZE - 1));
	CHECK(touch_dies(untouched));
	CHECK(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
	CHECK_ERR(queue_import(other, fd), ENODEV);
	CHECK_ERR(queue_dma(queue, got, false), ENODEV);

	/* The old is of no concern to the new. */
	rebind(name);
	late = queue_open("vbm-bar", false);
	CHECK_OK(xioctl(late, VBM_QUEUE_IOC_ALLOC, NULL));
	CHECK(touch_dies(map));
	close(fd);
	close(queue);
	CHECK_OK(queue_dma(late, got, false));
	CHECK_EQ(bytes_check(got, SIZE, 0), -1);
}

static const char *unbind_importer(void)
{
	return translated("0x11e8") ? "vbm-edu.0" : "vbm-queue";
}

/* An importer that is at it is waited for. */
static void test_unbind_used(const char *node)
{
	int queue, fd, other, status;
	unsigned char *map;
	long long before;
	char name[32];
	pid_t pid;

	(void)node;
	load("");
	queue = queue_open("vbm-bar", false);
	fd = queue_export(queue);
	map = dmabuf_mmap(fd, SIZE);
	pattern_fill(map, SIZE, 9);
	other = queue_open(unbind_importer(), false);
	CHECK_OK(queue_import(other, fd));

	bar_find(name, sizeof(name));
	before = ksft_ms();
	pid = unbind_begin(name);
	while (!touch_dies(map))
		CHECK(ksft_ms() - before < 3000);
	CHECK_OK(queue_dma(other, got, false));
	CHECK_PATTERN(got, SIZE, 9);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_OK(xioctl(other, VBM_QUEUE_IOC_RELEASE, NULL));
	unbind_end(pid);
	rebind(name);
}

/* It is not waited for longer than that; what it has leads nowhere else. */
static void test_unbind_kept(const char *node)
{
	int queue, fd, other;
	char name[32];

	(void)node;
	load("");
	queue = queue_open("vbm-bar", false);
	fd = queue_export(queue);
	other = queue_open(unbind_importer(), false);
	CHECK_OK(queue_import(other, fd));
	bar_find(name, sizeof(name));
	unbind_end(unbind_begin(name));
	/* Nobody has the BAR: vbdma finds nothing that it could read. */
	CHECK_ERR(queue_dma(other, got, false), EFAULT);
	CHECK_OK(xioctl(other, VBM_QUEUE_IOC_RELEASE, NULL));
	CHECK_ERR(queue_import(other, fd), ENODEV);
	rebind(name);
}

/* The cache of imports holds nothing up. */
static void test_unbind_parked(const char *node)
{
	const char *path = vnode_find(NODE_OUT | NODE_VIVID | NODE_CONTIG |
				      NODE_SPLANE, NULL);
	int queue, fd, foreign;
	long long before, parked;
	struct vnode *n;
	struct vbuf b;
	char name[32];

	(void)node;
	if (!path)
		ksft_skip("no output node");
	load("");
	parked = stat_get("parked");
	n = vnode_open(path);
	queue = queue_try("vbm-bar", false, 2 * MIB, 64);
	CHECK(n->sizeimage[0] <= 2 * MIB);
	fd = queue_export(queue);
	foreign = queue_export(queue_try("vbm-queue", false, 2 * MIB, 64));
	CHECK_OK(vnode_reqbufs(n, 1, V4L2_MEMORY_DMABUF));
	vbuf_init(&b, n, 0, V4L2_MEMORY_DMABUF);
	b.p[0].length = 2 * MIB;
	b.p[0].used = n->sizeimage[0];
	b.p[0].fd = fd;
	CHECK_OK(vnode_prepare(n, &b));
	/* An index can be given another one once it is not prepared. */
	CHECK_OK(vnode_stream(n, true));
	CHECK_OK(vnode_stream(n, false));
	b.p[0].fd = foreign;
	CHECK_OK(vnode_prepare(n, &b));
	CHECK_EQ(stat_get("parked"), parked + 1);

	bar_find(name, sizeof(name));
	before = ksft_ms();
	unbind_end(unbind_begin(name));
	CHECK(ksft_ms() - before < 4000);
	CHECK_EQ(stat_get("parked"), parked);
	rebind(name);
}

/* RAM of a driver's: its pages may be freed only when nobody has them. */
static void test_ram(const char *node)
{
	struct vbm_queue_vaddr vaddr = {
		.data = (unsigned long)got, .length = SIZE,
	};
	const char *releases = "/sys/module/vbm_bar/parameters/releases";
	int queue, fd, peer, map;
	unsigned char *user;
	long long before;
	char name[32];

	(void)node;
	load("ram=1");
	queue = queue_open("vbm-edu.0", false);
	fd = queue_export(queue);
	CHECK_EQ(region_offset("vbm-ram"), 0);
	user = dmabuf_mmap(fd, SIZE);
	CHECK_EQ(bytes_check(user, SIZE, 0), -1);
	pattern_fill(user, SIZE, 10);
	CHECK_OK(queue_dma(queue, got, false));
	CHECK_PATTERN(got, SIZE, 10);
	memset(got, 0, SIZE);
	CHECK_OK(xioctl(queue, VBM_QUEUE_IOC_VADDR, &vaddr));
	CHECK(!vaddr.none);
	CHECK_PATTERN(got, SIZE, 10);

	/* Who needs pages has them. */
	peer = peer_open(NULL);
	CHECK_OK(peer_attach(peer, fd));
	map = CHECK_OK(peer_map(peer, VBM_PEER_BIDIR, NULL));
	CHECK_OK(peer_read(peer, map, 0, got, SIZE));
	CHECK_PATTERN(got, SIZE, 10);

	function_find("0x11e8", name, sizeof(name));
	before = read_number(releases);
	unbind_end(unbind_begin(name));
	CHECK(touch_dies(user));
	/* It goes on as long as it likes, and nobody else has these pages. */
	pattern_fill(pattern, SIZE, 11);
	CHECK_OK(peer_write(peer, map, 0, pattern, SIZE));
	CHECK_EQ(read_number(releases), before);
	CHECK_OK(peer_detach(peer));
	close(peer);
	munmap(user, SIZE);
	close(fd);
	CHECK_EQ(read_number(releases), before);
	close(queue);
	CHECK_EQ(read_number(releases), before + 1);
	CHECK_OK(write_file(DRIVER "/bind", name));
}

static const struct ksft_test tests[] = {
	{ "buffers come from the BAR, clean", test_bar, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "a full region is no memory", test_full, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "a driver chooses by itself", test_chosen, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "who reaches it imports it, who does not is refused", test_import, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "the driver knows who reaches it", test_reach, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "a device finds its memory by itself", test_local, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "importers that need pages are refused", test_foreign, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "it has no kernel address, and no private copy", test_address, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "unbound while mapped and exported", test_unbind, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "unbound while an importer uses it", test_unbind_used, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "unbound, and an importer does not let go", test_unbind_kept, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "unbound while it is parked", test_unbind_parked, 0,
	  KSFT_NO_NODE | KSFT_OURS },
	{ "a region of RAM", test_ram, 0, KSFT_NO_NODE | KSFT_OURS },
};

KSFT_MAIN(tests)
