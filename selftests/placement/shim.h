/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little of the kernel that vbm-constraints.c needs, for a program. Included
 * ahead of it by check-model, in place of all of <linux/>.
 */
#ifndef VBM_PLACEMENT_SHIM_H
#define VBM_PLACEMENT_SHIM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned long long u64;

#define U32_MAX		UINT_MAX
#define U64_MAX		ULLONG_MAX
#define PAGE_SIZE	4096UL
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define BIT_ULL(n)	(1ULL << (n))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))

#define min(a, b)	({ __auto_type _a = (a); __auto_type _b = (b);	\
			   _a < _b ? _a : _b; })
#define max(a, b)	({ __auto_type _a = (a); __auto_type _b = (b);	\
			   _a > _b ? _a : _b; })
#define min_t(t, a, b)	({ __auto_type _x = (t)(a);			\
			   min(_x, (__typeof__(_x))(b)); })
#define max_t(t, a, b)	({ __auto_type _x = (t)(a);			\
			   max(_x, (__typeof__(_x))(b)); })

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

#endif
