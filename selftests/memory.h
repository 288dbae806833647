/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory of the guest: filling it, and what there is of it.
 */
#ifndef VBM_SELFTESTS_MEMORY_H
#define VBM_SELFTESTS_MEMORY_H

#include <stdbool.h>
#include <sys/types.h>

#define MB (1LL << 20)

/* A line of /proc/meminfo, in bytes, such as "MemTotal"; ends the test. */
long long meminfo(const char *name);
/* What is free, with what each processor keeps to itself. Ends the test. */
long long memory_free(void);
/* A line of /proc/vmstat; ends the test. */
long long vmstat(const char *name);

/*
 * Page cache until only @free bytes are free, of a file that memory_cache_drop()
 * removes. A file of nothing but a hole costs no I/O. Ends the test on failure.
 */
void memory_cache_fill(long long free);
void memory_cache_drop(void);

/*
 * A child that has so much memory that only @available bytes are left, and, if
 * @enough is given, more until that is true. Kill it to have the memory back. Ends
 * the test on failure.
 */
pid_t memory_eat(long long available, bool (*enough)(void));
void memory_release(pid_t pid);

#endif
