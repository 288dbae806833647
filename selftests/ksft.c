// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"

bool ksft_stock;
bool ksft_swiotlb;
unsigned long long ksft_seed = 20250701;

static unsigned int nr_results, nr_failed;

const char *ksft_errno(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an unknown errno";
}

long long ksft_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void ksft_say(const char *fmt, ...)
{
	va_list ap;

	fputs("#   ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* Of the child that was last, for its parent, if there is one. */
static char *failure;

void ksft_fail_at(int how, const char *file, int line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (failure)
		strcpy(failure, text);
	printf("#   %s:%d: %s\n", file, line, text);
	fflush(stdout);
	_exit(how);
}

static char *skip_reason;

void ksft_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, 256, fmt, ap);
	va_end(ap);
	_exit(KSFT_SKIP);
}

unsigned long long ksft_rand(struct ksft_rand *r)
{
	/* xorshift64* */
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 2685821657736338717ULL;
}

/*
 * The kernel's log
 */

static int kmsg = -1;

struct log_seen {
	unsigned int lines;
	bool report;
	bool wanted;
	char first[256];
};

static bool is_report(const char *line)
{
	static const char * const marks[] = {
		"------------[ cut here", "WARNING: ", "BUG: ", "kernel BUG at",
		"Oops", "INFO: task ", "INFO: rcu", "possible recursive",
		"possible circular", "general protection fault",
		"DMA-API: ", "Bad page state", "refcount_t:",
	};
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(line, marks[i]))
			return true;
	return false;
}

/*
 * 6.12's vivid waits until a time that may have passed if its thread is held up
 * just then, and the kernel prints the thread's stack: as many lines as a test
 * is allowed, whatever is tested. That it says so is one line.
 */
enum stack { NO_STACK, ANY_STACK, VIVIDS_STACK };

static bool is_vivids_stack(const char *text, enum stack *stack)
{
	if (strstr(text, "schedule_timeout: wrong timeout value")) {
		*stack = ANY_STACK;
		return false;
	}
	if (*stack == ANY_STACK)
		*stack = strstr(text, " Comm: vivid-") ? VIVIDS_STACK : NO_STACK;
	if (*stack != VIVIDS_STACK)
		return false;
	if (strstr(text, "</TASK>"))
		*stack = NO_STACK;
	return true;
}

/* @want: to be looked for in it, or NULL. */
static void log_read(struct log_seen *seen, const char *want)
{
	enum stack stack = NO_STACK;
	char buf[8192], *text;
	ssize_t n;

	memset(seen, 0, sizeof(*seen));
	for (;;) {
		n = read(kmsg, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* overwritten: read on */
		if (n <= 0)
			break;
		buf[n] = '\0';
		text = strchr(buf, ';');
		text = text ? text + 1 : buf;
		text[strcspn(text, "\n")] = '\0';
		/* What user space says there is not the kernel's. */
		if (atoi(buf) >> 3)
			continue;
		seen->lines += !is_vivids_stack(text, &stack);
		if (want && strstr(text, want))
			seen->wanted = true;
		if (!seen->report && is_report(text)) {
			seen->report = true;
			snprintf(seen->first, sizeof(seen->first), "%.200s", text);
		} else if (!seen->first[0]) {
			snprintf(seen->first, sizeof(seen->first), "%.200s", text);
		}
	}
}

/*
 * One test
 */

static int run_child(const struct ksft_test *t, const char *node)
{
	unsigned int timeout = t->timeout ? t->timeout : 120;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return KSFT_FAIL;
	if (!pid) {
		setpgid(0, 0);
		alarm(timeout);
		t->fn(node);
		fflush(stdout);
		_exit(KSFT_PASS);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* Whatever the test has forked and not waited for. */
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status)) {
		ksft_say("killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
		return KSFT_FAIL;
	}
	return WEXITSTATUS(status);
}

/*
 * Descriptors that a child has left are closed by the kernel when it exits, but
 * a dma_buf's last reference may go in a worker: wait for it, for so long that
 * only a leak is left.
 */
static bool is_settled(const struct gauges *before, int objects,
		       unsigned int ms, const char **what)
{
	long long end = ksft_ms() + ms;
	struct gauges now;

	do {
		gauges_read(&now);
		*what = gauges_differ(before, &now);
		if (!*what) {
			if (bufinfo_count(NULL) <= objects)
				return true;
			*what = "dma_bufs in bufinfo";
		}
		usleep(1000);
	} while (ksft_ms() < end);

	return false;
}

static void result(bool ok, const char *text, const char *directive)
{
	nr_results++;
	if (!ok)
		nr_failed++;
	printf("%s %u - %s%s\n", ok ? "ok" : "not ok", nr_results, text,
	       directive);
	fflush(stdout);
}

/* Has stock failed, and as it was to? */
static bool is_defect(const struct ksft_test *t, int ret, bool by_bytes,
		      const struct log_seen *seen)
{
	bool ok = t->flags & KSFT_BY_BYTES ? by_bytes : ret != KSFT_PASS;

	if (t->stock_says && !strstr(failure, t->stock_says)) {
		ksft_say("that does not say \"%s\"", t->stock_says);
		ok = false;
	}
	if (t->stock_log && !seen->wanted) {
		ksft_say("the kernel's log has no \"%s\"", t->stock_log);
		ok = false;
	}
	return ok;
}

static void run_one(const struct ksft_test *t, const char *node)
{
	unsigned int log_max = t->log_max ? t->log_max : 20;
	char text[512], name[128], directive[300];
	struct gauges before;
	struct log_seen seen;
	bool defect = ksft_stock && t->stock;
	unsigned int settle = KSFT_SETTLE_MS;
	const char *what;
	int ret, objects;
	bool by_bytes;

	if (node)
		snprintf(name, sizeof(name), " [%s]", vnode_describe(node));
	else
		name[0] = '\0';
	snprintf(text, sizeof(text), "%s%s", t->name, name);

	gauges_read(&before);
	objects = bufinfo_count(NULL);
	log_read(&seen, NULL);
	failure[0] = '\0';

	ret = run_child(t, node);
	if (ret == KSFT_SKIP) {
		snprintf(directive, sizeof(directive), " # SKIP %s",
			 skip_reason);
		result(true, text, directive);
		return;
	}
	by_bytes = ret == KSFT_WRONG;
	if (defect)
		settle = ret ? KSFT_FAILED_MS : KSFT_DEFECT_MS;
	if (!(t->flags & KSFT_LEAKS) &&
	    !is_settled(&before, objects, settle, &what)) {
		ksft_say("left behind: %s", what);
		ret = KSFT_FAIL;
	}
	log_read(&seen, t->stock_log);
	if (seen.report) {
		ksft_say("the kernel reports: %s", seen.first);
		ret = KSFT_FAIL;
	} else if (seen.lines > log_max) {
		ksft_say("%u lines in the kernel's log, %u allowed; the first: %s",
			 seen.lines, log_max, seen.first);
		ret = KSFT_FAIL;
	}

	if (defect) {
		snprintf(text, sizeof(text), "stock fails: %s%s (%s)", t->name,
			 name, t->stock);
		result(is_defect(t, ret, by_bytes, &seen), text, "");
		return;
	}
	result(ret == KSFT_PASS, text, "");
}

/* Runs the test on one node of each kind that it is for. */
static void run_test(const struct ksft_test *t, char **nodes, int nr)
{
	unsigned int flags[64], f;
	int i, k, ran = 0;

	for (i = 0; i < nr; i++) {
		f = vnode_flags(nodes[i]);
		flags[i] = f;
		if ((f & t->need) != t->need)
			continue;
		for (k = 0; k < i; k++)
			if (flags[k] == f)
				break;
		if (k < i)
			continue;
		run_one(t, nodes[i]);
		ran++;
	}
	if (!ran)
		result(true, t->name, " # SKIP no node of that kind here");
}

static void usage(const char *prog)
{
	fprintf(stderr,
		"usage: %s [-lf] [-t TEST] [-d NODE] [-s SEED]\n"
		"  -l       list the tests\n"
		"  -f       on stock: only tests that it does not survive\n"
		"  -t TEST  only tests whose name contains TEST\n"
		"  -d NODE  only that video node\n"
		"  -s SEED  seed of the generators\n"
		"STOCK=1 in the environment: the kernel's own backends\n", prog);
}

static bool has_swiotlb_force(void)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "r");

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
	}
	return strstr(line, "swiotlb=force");
}

static bool has_cma(void)
{
	char line[128];
	bool found = false;
	long kb;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CmaTotal: %ld", &kb) == 1)
			found = kb > 0;
	if (f)
		fclose(f);
	return found;
}

int ksft_main(int argc, char **argv, const struct ksft_test *tests, size_t nr)
{
	const char *only = NULL, *device = NULL;
	bool fatal = false;
	char *nodes[64];
	int opt, nr_nodes;
	size_t i;

	while ((opt = getopt(argc, argv, "lft:d:s:h")) != -1) {
		switch (opt) {
		case 'l':
			for (i = 0; i < nr; i++)
				printf("%s%s%s\n", tests[i].name,
				       tests[i].stock ? "\tstock fails: " : "",
				       tests[i].stock ? tests[i].stock : "");
			return 0;
		case 'f':
			fatal = true;
			break;
		case 't':
			only = optarg;
			break;
		case 'd':
			device = optarg;
			break;
		case 's':
			ksft_seed = strtoull(optarg, NULL, 0);
			break;
		default:
			usage(argv[0]);
			return 2;
		}
	}

	ksft_swiotlb = has_swiotlb_force();
	ksft_stock = getenv("STOCK") && !strcmp(getenv("STOCK"), "1");
	/* A kernel that is not the one it is said to be proves nothing. */
	if (ksft_stock == gauges_exist()) {
		printf("Bail out! STOCK=%d, but our modules are %sloaded\n",
		       ksft_stock, ksft_stock ? "" : "not ");
		return 1;
	}
	if (bufinfo_count(NULL) < 0) {
		printf("Bail out! no dma_buf/bufinfo: is debugfs mounted?\n");
		return 1;
	}
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0) {
		printf("Bail out! /dev/kmsg: %s\n", strerror(errno));
		return 1;
	}
	lseek(kmsg, 0, SEEK_END);
	skip_reason = shared_alloc(256);
	failure = shared_alloc(256);

	if (device) {
		nodes[0] = (char *)device;
		nr_nodes = 1;
	} else {
		nr_nodes = vnode_list(nodes, 64);
	}

	puts("TAP version 13");
	for (i = 0; i < nr; i++) {
		const struct ksft_test *t = &tests[i];

		if (only && !strstr(t->name, only))
			continue;
		/* What a boot is not for is left to the boot that is. */
		if (!!(t->flags & KSFT_SWIOTLB) > ksft_swiotlb ||
		    (ksft_swiotlb && (t->flags & KSFT_DIRECT)) ||
		    (t->flags & KSFT_CMA && !has_cma()) ||
		    (ksft_stock && (t->flags & KSFT_OURS)) ||
		    (ksft_stock && !!(t->flags & KSFT_FATAL) != fatal))
			continue;
		if (t->flags & KSFT_NO_NODE)
			run_one(t, NULL);
		else
			run_test(t, nodes, nr_nodes);
	}
	printf("1..%u\n", nr_results);
	return nr_failed ? 1 : 0;
}
