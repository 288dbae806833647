// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this machine has that bears on buffers: modules and who uses them,
 * IOMMU, CMA, bounce buffers. From /sys, /proc and modules.dep.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "machine.h"
#include "vbm.h"

const char *const backend_names[] = { "none", "stock", "videobuf2-mem" };

static const char *const backends[] = {
	"videobuf2_dma_contig", "videobuf2_dma_sg",
};

#define NR_BACKENDS (sizeof(backends) / sizeof(backends[0]))

/* Does one module use another? */
static bool module_holds(const char *used, const char *holder)
{
	char *path = text("/sys/module/%s/holders/%s", used, holder);
	bool is = file_exists(path);

	free(path);
	return is;
}

static void machine_loaded(struct machine *m)
{
	unsigned int i;
	char *path;

	for (i = 0; i < NR_BACKENDS; i++) {
		path = text("/sys/module/%s", backends[i]);
		if (!file_exists(path))
			;
		else if (module_holds("videobuf2_mem", backends[i]))
			m->loaded = BACKEND_OURS;
		else if (m->loaded != BACKEND_OURS)
			m->loaded = BACKEND_STOCK;
		free(path);
	}
}

/*
 * What modprobe would take: a line of modules.dep is "PATH: WHAT IT NEEDS...",
 * and ours need videobuf2-mem.
 */
static void machine_installed(struct machine *m)
{
	char *path = text("/lib/modules/%s/modules.dep", m->release);
	char *all = file_read(path), *line, *save, *colon;

	free(path);
	if (!all)
		return;
	for (line = strtok_r(all, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		if (!m->path && strstr(line, "/videobuf2-mem.ko"))
			m->path = text("%s", line);
		if (!strstr(line, "/videobuf2-dma-contig.ko") &&
		    !strstr(line, "/videobuf2-dma-sg.ko"))
			continue;
		if (strstr(colon + 1, "/videobuf2-mem.ko"))
			m->installed = BACKEND_OURS;
		else if (m->installed == BACKEND_NONE)
			m->installed = BACKEND_STOCK;
	}
	free(all);
}

static bool listed(char **names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static void machine_drivers(struct machine *m)
{
	unsigned int i, nr = 0;
	char *path, **names, **at;

	m->drivers = array_add(NULL, 0, sizeof(*m->drivers));
	m->drivers[0] = NULL;
	for (i = 0; i < NR_BACKENDS; i++) {
		path = text("/sys/module/%s/holders", backends[i]);
		names = dir_list(path);
		free(path);
		for (at = names; *at; at++) {
			if (listed(m->drivers, *at))
				continue;
			m->drivers = array_add(m->drivers, nr + 1,
					       sizeof(*m->drivers));
			m->drivers[nr++] = text("%s", *at);
			m->drivers[nr] = NULL;
		}
		list_free(names);
	}
}

static uint64_t meminfo(const char *all, const char *key)
{
	const char *at = all ? strstr(all, key) : NULL;

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

/* Of a file with a number; 0 if it is not there. */
static uint64_t number_file(const char *path)
{
	char *line = file_line(path);
	uint64_t value = line ? strtoull(line, NULL, 10) : 0;

	free(line);
	return value;
}

/* Each of them has 2 KiB (IO_TLB_SIZE). */
#define SLAB 2048

static void machine_memory(struct machine *m)
{
	char *all = file_read("/proc/meminfo"), *line, *at;

	m->memory = meminfo(all, "MemTotal:");
	m->cma = meminfo(all, "CmaTotal:");
	m->cma_free = meminfo(all, "CmaFree:");
	free(all);
	m->bounce = number_file(DEBUGFS "/swiotlb/io_tlb_nslabs") * SLAB;
	m->bounce_used = number_file(DEBUGFS "/swiotlb/io_tlb_used") * SLAB;
	m->bounce_most = number_file(DEBUGFS "/swiotlb/io_tlb_used_hiwater") *
			 SLAB;
	line = file_line("/proc/cmdline");
	at = line ? strstr(line, "swiotlb=") : NULL;
	m->bounce_forced = at && strstr(at, "force") &&
			   strstr(at, "force") < at + strcspn(at, " ");
	free(line);
}

/* "(null)" is what the kernel prints of a string that was not given. */
static char *parameter(const char *name)
{
	char *path = text("/sys/module/videobuf2_mem/parameters/%s", name);
	char *value = file_line(path);

	free(path);
	if (value && (!*value || !strcmp(value, "(null)"))) {
		free(value);
		return NULL;
	}
	return value;
}

void machine_read(struct machine *m)
{
	*m = (struct machine) {};
	m->release = file_line("/proc/sys/kernel/osrelease");
	if (!m->release)
		die(EXIT_ACCESS, "%s/proc/sys/kernel/osrelease: not there",
		    sysroot);
	machine_loaded(m);
	machine_installed(m);
	dkms_read(&m->dkms, m->release);
	machine_drivers(m);
	machine_memory(m);
	m->iommus = dir_list("/sys/class/iommu");
	m->dmar = file_exists("/sys/firmware/acpi/tables/DMAR") ||
		  file_exists("/sys/firmware/acpi/tables/IVRS");
	m->movable = parameter("movable");
	m->limits = parameter("limits");
}

void machine_free(struct machine *m)
{
	free(m->release);
	free(m->path);
	dkms_free(&m->dkms);
	list_free(m->drivers);
	list_free(m->iommus);
	free(m->movable);
	free(m->limits);
}

/* The driver of a device, whatever its bus; NULL if there is none. */
char *machine_driver(const char *dev)
{
	char **buses = dir_list("/sys/bus"), **bus, *path, *driver = NULL;

	for (bus = buses; *bus && !driver; bus++) {
		path = text("/sys/bus/%s/devices/%s/driver", *bus, dev);
		driver = file_link(path);
		free(path);
	}
	list_free(buses);
	return driver;
}
