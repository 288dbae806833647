/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "dkms.h"

/* Whose modules are, or would be, behind a driver. */
enum backend {
	BACKEND_NONE,
	BACKEND_STOCK,
	BACKEND_OURS,
};

extern const char *const backend_names[];

/**
 * struct machine - what there is, besides buffers
 * @release: of the kernel
 * @loaded: whose videobuf2-dma-contig and -sg are loaded
 * @installed: whose modprobe would load
 * @path: of videobuf2-mem, below the kernel's modules; NULL if there is none
 * @dkms: how it came there, or why not
 * @drivers: modules that use them, NULL at the end
 * @iommus: names of IOMMUs, NULL at the end
 * @dmar: the firmware describes one
 * @memory: bytes
 * @cma: bytes set aside, @cma_free: and free
 * @bounce: bytes of bounce buffers, 0 if not known; @bounce_used of them now,
 *	@bounce_most ever
 * @bounce_forced: swiotlb=force
 * @movable: the parameter, or NULL
 * @limits: the parameter, or NULL
 */
struct machine {
	char *release;
	enum backend loaded;
	enum backend installed;
	char *path;
	struct dkms dkms;
	char **drivers;
	char **iommus;
	bool dmar;
	uint64_t memory;
	uint64_t cma;
	uint64_t cma_free;
	uint64_t bounce;
	uint64_t bounce_used;
	uint64_t bounce_most;
	bool bounce_forced;
	char *movable;
	char *limits;
};

void machine_read(struct machine *m);
void machine_free(struct machine *m);
char *machine_driver(const char *dev);

#endif
