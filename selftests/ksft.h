/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small kselftest-style runner that prints TAP.
 *
 * A program is a table of tests. Each test runs in a child of its own, so that
 * a signal is a failure of that test alone and everything it left open is
 * closed when it ends. After the child has gone the runner looks at what it
 * left behind, which every test is thereby a test of:
 *
 * - the kernel's log: a report (WARN, BUG, oops) or a flood is a failure;
 * - dma_buf's bufinfo: one dma_buf more than before is a leak;
 * - our own gauges, where our modules are loaded: each must be as before.
 *
 * A test with @stock set shows a defect of the kernel's own backends. With the
 * environment's STOCK=1 it must fail, and its result is turned round; with
 * @stock_says or @stock_log set, in that way and no other. Tests without it must
 * pass on both.
 */
#ifndef KSFT_H
#define KSFT_H

#include <stdbool.h>
#include <stddef.h>

#define KSFT_PASS	0
#define KSFT_FAIL	1
#define KSFT_WRONG	2	/* failed by the bytes that were there */
#define KSFT_SKIP	4

/* What a node must be for a test to run on it: all bits of the test's. */
#define NODE_CAP	0x0001
#define NODE_OUT	0x0002
#define NODE_SPLANE	0x0004
#define NODE_MPLANE	0x0008
#define NODE_CONTIG	0x0010
#define NODE_SG		0x0020
#define NODE_USERPTR	0x0040
#define NODE_RW		0x0080
#define NODE_VIVID	0x0100
#define NODE_VBCAM	0x0200
#define NODE_HINTS	0x0400	/* takes V4L2_MEMORY_FLAG_NON_COHERENT */

/* How a test differs from others. */
#define KSFT_NO_NODE	0x0001	/* runs once, not once for each kind of node */
#define KSFT_LEAKS	0x0002	/* leaks by vb2 core's doing; not looked at */
#define KSFT_SWIOTLB	0x0004	/* needs swiotlb=force */
#define KSFT_OURS	0x0008	/* of an interface that stock does not have */
#define KSFT_DIRECT	0x0010	/* makes no sense with swiotlb=force */
#define KSFT_CMA	0x0020	/* needs contiguous memory set aside (cma=) */
#define KSFT_FATAL	0x0040	/* stock does not survive it: -f, or not at all */
#define KSFT_BY_BYTES	0x0080	/* stock's defect is wrong bytes, no other failure */

struct ksft_test {
	const char *name;
	void (*fn)(const char *node);
	unsigned int need;
	unsigned int flags;
	const char *stock;	/* the defect that stock shows, or NULL */
	unsigned int log_max;	/* kernel log lines allowed; 0: 20 */
	unsigned int timeout;	/* seconds; 0: 120 */
	const char *stock_says;	/* in the failed check's text there, or NULL */
	const char *stock_log;	/* in the kernel's log there, or NULL */
};

extern bool ksft_stock;
extern bool ksft_swiotlb;	/* swiotlb=force */

int ksft_main(int argc, char **argv, const struct ksft_test *tests, size_t nr);

#define KSFT_MAIN(tests)						\
int main(int argc, char **argv)						\
{									\
	return ksft_main(argc, argv, tests,				\
			 sizeof(tests) / sizeof((tests)[0]));		\
}

void ksft_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ksft_fail_at(int how, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), noreturn));
void ksft_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Ends the test as failed, from whatever depth. */
#define FAIL(fmt, ...)							\
	ksft_fail_at(KSFT_FAIL, __FILE__, __LINE__, fmt, ##__VA_ARGS__)

/* The same, because something else was read than what had been written. */
#define FAIL_BYTES(fmt, ...)						\
	ksft_fail_at(KSFT_WRONG, __FILE__, __LINE__, fmt, ##__VA_ARGS__)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("%s", #cond);				\
	} while (0)

/* For what returns 0 or a negative errno, or a count. */
#define CHECK_OK(expr)							\
	({								\
		long long ksft_ret = (long long)(expr);			\
		if (ksft_ret < 0)					\
			FAIL("%s: %s", #expr, ksft_errno(-ksft_ret));	\
		ksft_ret;						\
	})

#define CHECK_EQ(got, want)						\
	do {								\
		long long ksft_got = (long long)(got);			\
		long long ksft_want = (long long)(want);		\
		if (ksft_got != ksft_want)				\
			FAIL("%s is %lld, not %lld (%s)", #got,		\
			     ksft_got, ksft_want, #want);		\
	} while (0)

#define CHECK_ERR(expr, err)						\
	do {								\
		long long ksft_ret = (long long)(expr);			\
		int ksft_want = (err);					\
		if (ksft_ret != -ksft_want)				\
			FAIL("%s: %s, not %s", #expr,			\
			     ksft_ret < 0 ? ksft_errno(-ksft_ret) :	\
					    "success",			\
			     ksft_errno(ksft_want));			\
	} while (0)

const char *ksft_errno(int err);

/*
 * A clock, in milliseconds. What has not been freed after so long is a leak: a
 * release takes half a second at most, on a machine that does not stand still.
 */
long long ksft_ms(void);
#define KSFT_SETTLE_MS	5000
/* A leak that is expected: after another failure, and alone. */
#define KSFT_FAILED_MS	400
#define KSFT_DEFECT_MS	2000

/* Numbers that a seed makes again. */
struct ksft_rand {
	unsigned long long state;
};

unsigned long long ksft_rand(struct ksft_rand *r);
extern unsigned long long ksft_seed;

#endif
