// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of the kernel. Their paths begin at --sysroot, which is empty on a
 * living machine and names a directory with saved files otherwise.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "vbm.h"

const char *sysroot = "";

static char *file_path(const char *path)
{
	return text("%s%s", sysroot, path);
}

static int file_open(const char *path)
{
	char *full = file_path(path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	int error = errno;

	free(full);
	errno = error;
	return fd;
}

/* All of a file, with a zero behind it; NULL and errno. */
char *file_read(const char *path)
{
	int fd = file_open(path), error;
	size_t size = 4096, len = 0;
	char *data = NULL;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	while (n > 0) {
		data = realloc(data, size);
		if (!data)
			die(EXIT_OUTPUT, "no memory");
		n = read(fd, data + len, size - len - 1);
		if (n > 0)
			len += n;
		if (size - len < 2)
			size *= 2;
	}
	error = errno;
	close(fd);
	if (n < 0) {
		free(data);
		errno = error;
		return NULL;
	}
	data[len] = '\0';
	/* What is behind a zero would be lost. */
	if (strlen(data) != len)
		die(EXIT_DAMAGED, "%s%s: not a text", sysroot, path);
	return data;
}

/* Says why a file of debugfs can not be read, and ends. */
void file_refused(const char *path, int error)
{
	if ((error == EACCES || error == EPERM) && geteuid())
		die(EXIT_ACCESS, "%s%s: only root may read it", sysroot, path);
	if (error == EPERM)
		die(EXIT_ACCESS,
		    "%s%s: the kernel refuses it: it is locked down (Secure Boot?)",
		    sysroot, path);
	die(EXIT_ACCESS, "%s%s: %s", sysroot, path, strerror(error));
}

/* The first line, or NULL. */
char *file_line(const char *path)
{
	char *data = file_read(path);

	if (data)
		data[strcspn(data, "\n")] = '\0';
	return data;
}

static bool file_may(const char *path, int mode)
{
	char *full = file_path(path);
	bool may = !access(full, mode);
	int error = errno;

	free(full);
	errno = error;
	return may;
}

bool file_exists(const char *path)
{
	return file_may(path, F_OK);
}

bool file_readable(const char *path)
{
	return file_may(path, R_OK);
}

/* The last part of what a symbolic link names, or NULL. */
char *file_link(const char *path)
{
	char to[PATH_MAX], *full = file_path(path), *slash;
	ssize_t n = readlink(full, to, sizeof(to) - 1);

	free(full);
	if (n < 0)
		return NULL;
	to[n] = '\0';
	slash = strrchr(to, '/');
	return text("%s", slash ? slash + 1 : to);
}

static int dir_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a directory, sorted, NULL at the end; none where there is none. */
char **dir_list(const char *path)
{
	char *full = file_path(path), **names = array_add(NULL, 0, sizeof(*names));
	DIR *dir = opendir(full);
	struct dirent *entry;
	unsigned int nr = 0;

	free(full);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		names = array_add(names, nr + 1, sizeof(*names));
		names[nr++] = text("%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	names[nr] = NULL;
	qsort(names, nr, sizeof(*names), dir_compare);
	return names;
}

void list_free(char **list)
{
	char **at;

	for (at = list; *at; at++)
		free(*at);
	free(list);
}
