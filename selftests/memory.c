// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ksft.h"
#include "memory.h"
#include "v4l2.h"

#define CACHED	"/var/vbm-cached"

static long long line_of(const char *path, const char *name)
{
	char line[128], word[64];
	long long v, found = -1;
	FILE *f = fopen(path, "re");

	CHECK(f);
	while (found < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^ :]%*[: ]%lld", word, &v) == 2 &&
		    !strcmp(word, name))
			found = v;
	fclose(f);
	if (found < 0)
		FAIL("no %s in %s", name, path);
	return found;
}

long long meminfo(const char *name)
{
	return line_of("/proc/meminfo", name) << 10;
}

long long memory_free(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long long pages = 0, n;
	char line[128];

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lld", &n) == 1)
			pages += n;
	fclose(f);
	return meminfo("MemFree") + pages * getpagesize();
}

long long vmstat(const char *name)
{
	return line_of("/proc/vmstat", name);
}

void memory_cache_fill(long long free)
{
	int fd = open(CACHED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	long long total = meminfo("MemTotal"), at;
	static char buf[1 << 20];

	if (fd < 0)
		FAIL("%s: %s", CACHED, ksft_errno(errno));
	CHECK_OK(ftruncate(fd, 2 * total));
	for (at = 0; at < 2 * total && meminfo("MemFree") > free; at += MB)
		/* Less at a time where memory is short. */
		CHECK(read(fd, buf, sizeof(buf)) > 0);
	close(fd);
}

void memory_cache_drop(void)
{
	unlink(CACHED);
}

pid_t memory_eat(long long available, bool (*enough)(void))
{
	int *done = shared_alloc(sizeof(int));
	int status;
	pid_t pid;

	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (meminfo("MemAvailable") > available ||
		       (enough && !enough())) {
			char *p = mmap(NULL, MB, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (p == MAP_FAILED)
				FAIL("mmap: %s", ksft_errno(errno));
			memset(p, 1, MB);
		}
		__atomic_store_n(done, 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	while (!__atomic_load_n(done, __ATOMIC_ACQUIRE)) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			FAIL("what eats memory has ended with %#x", status);
		usleep(10000);
	}
	munmap(done, sizeof(int));
	return pid;
}

void memory_release(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) == pid)
		FAIL("what ate memory has ended with %#x", status);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
}
