/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>

#define DEBUGFS		"/sys/kernel/debug"
#define VBM_DEBUGFS	DEBUGFS "/videobuf2-mem"
#define BUFINFO		DEBUGFS "/dma_buf/bufinfo"

extern const char *sysroot;

char *file_read(const char *path);
char *file_line(const char *path);
bool file_exists(const char *path);
bool file_readable(const char *path);
char *file_link(const char *path);
char **dir_list(const char *path);
void list_free(char **list);
__attribute__((noreturn))
void file_refused(const char *path, int error);

#endif
