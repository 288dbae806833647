/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BUFINFO_H
#define BUFINFO_H

#include <stdint.h>

/**
 * struct dmabuf - what the kernel tells of a dma-buf, whoever exports it
 * @size: bytes
 * @count: references to its file
 * @exporter: module, or what it calls itself
 * @ino: number of its inode: two fds of one dma-buf have the same
 * @name: given by user space, or NULL
 * @devices: attached
 * @nr_devices: how many
 */
struct dmabuf {
	uint64_t size;
	unsigned long count;
	const char *exporter;
	uint64_t ino;
	const char *name;
	const char **devices;
	unsigned int nr_devices;
};

struct bufinfo {
	struct dmabuf *bufs;
	unsigned int nr;
	char *text;
};

void bufinfo_read(struct bufinfo *info);
void bufinfo_free(struct bufinfo *info);

struct options;
int bufinfo_show(const struct options *options);

#endif
