// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/dma_buf/bufinfo: all dma-bufs of the system, and who is
 * attached. That is what there is to see where the stock modules run.
 *
 * size, flags, mode, count, exp_name, ino and name, with tabs between, in a line
 * of digits first; then, behind a tab each, what fences there are, "Attached
 * Devices:" and their names; then "Total 1 devices attached". The last line is
 * "Total 1 objects, 614400 bytes".
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "bufinfo.h"
#include "file.h"
#include "json.h"
#include "vbm.h"

static void bufinfo_bad(unsigned int line, const char *text)
{
	die(EXIT_DAMAGED, "%s" BUFINFO ":%u: not understood: %s", sysroot,
	    line, text);
}

static void bufinfo_add(struct bufinfo *info, char *line, unsigned int nr)
{
	char *part[7], *save, *end;
	struct dmabuf buf = {};
	unsigned int i;

	for (i = 0; i < 7; i++) {
		part[i] = strtok_r(i ? NULL : line, "\t", &save);
		if (!part[i])
			bufinfo_bad(nr, line);
	}
	buf.size = strtoull(part[0], &end, 10);
	if (*end)
		bufinfo_bad(nr, part[0]);
	buf.count = strtoul(part[3], &end, 10);
	if (*end)
		bufinfo_bad(nr, part[3]);
	buf.exporter = part[4];
	buf.ino = strtoull(part[5], &end, 10);
	if (*end)
		bufinfo_bad(nr, part[5]);
	buf.name = strcmp(part[6], "<none>") ? part[6] : NULL;
	info->bufs = array_add(info->bufs, info->nr, sizeof(buf));
	info->bufs[info->nr++] = buf;
}

static void bufinfo_attach(struct bufinfo *info, const char *name)
{
	struct dmabuf *buf = &info->bufs[info->nr - 1];

	buf->devices = array_add(buf->devices, buf->nr_devices, sizeof(name));
	buf->devices[buf->nr_devices++] = name;
}

void bufinfo_read(struct bufinfo *info)
{
	bool devices = false, complete = false;
	unsigned int nr = 0, total;
	char *line, *next;

	*info = (struct bufinfo) { .text = file_read(BUFINFO) };
	if (!info->text && errno == ENOENT)
		die(EXIT_ACCESS,
		    "%s" BUFINFO ": not there: debugfs is not mounted (mount -t debugfs none /sys/kernel/debug), or the kernel lacks it",
		    sysroot);
	if (!info->text)
		file_refused(BUFINFO, errno);
	for (line = info->text; line && *line; line = next) {
		nr++;
		next = strchr(line, '\n');
		if (!next)
			bufinfo_bad(nr, "the line has no end");
		*next++ = '\0';
		if (isdigit(*line)) {
			bufinfo_add(info, line, nr);
			devices = false;
		} else if (!strcmp(line, "\tAttached Devices:")) {
			devices = info->nr;
		} else if (sscanf(line, "Total %u objects", &total) == 1) {
			complete = total == info->nr;
		} else if (!strncmp(line, "Total ", 6)) {
			devices = false;
		} else if (devices && *line == '\t') {
			bufinfo_attach(info, line + 1);
		}
	}
	if (!complete)
		die(EXIT_DAMAGED, "%s" BUFINFO ": truncated", sysroot);
}

void bufinfo_free(struct bufinfo *info)
{
	unsigned int i;

	for (i = 0; i < info->nr; i++)
		free(info->bufs[i].devices);
	free(info->bufs);
	free(info->text);
}

static void bufinfo_print(const struct bufinfo *info)
{
	const struct dmabuf *buf;
	char size[HUMAN_SIZE];
	unsigned int i, k;

	if (!info->nr) {
		puts("There are no dma-bufs.");
		return;
	}
	printf("%8s %10s %5s %-20s %s\n", "INODE", "SIZE", "REFS", "EXPORTER",
	       "ATTACHED");
	for (i = 0; i < info->nr; i++) {
		buf = &info->bufs[i];
		printf("%8llu %10s %5lu %-20s ", (unsigned long long)buf->ino,
		       human(buf->size, size), buf->count, buf->exporter);
		for (k = 0; k < buf->nr_devices; k++)
			printf("%s%s", k ? "," : "", buf->devices[k]);
		puts(buf->nr_devices ? "" : "-");
	}
}

struct json_object *bufinfo_json(const struct bufinfo *info)
{
	struct json_object *list = json_object_new_array(), *one, *devices, *dev;
	unsigned int i, k;

	for (i = 0; i < info->nr; i++) {
		const struct dmabuf *buf = &info->bufs[i];

		one = json_object_new_object();
		json_number(one, "inode", buf->ino);
		json_number(one, "size", buf->size);
		json_number(one, "references", buf->count);
		json_text(one, "exporter", buf->exporter);
		json_text(one, "name", buf->name);
		devices = json_object_new_array();
		for (k = 0; k < buf->nr_devices; k++) {
			dev = json_object_new_string(buf->devices[k]);
			json_object_array_add(devices, dev);
		}
		json_object_object_add(one, "attached", devices);
		json_object_array_add(list, one);
	}
	return list;
}

/* What there is to say where the modules are stock's, or none are loaded. */
int bufinfo_show(const struct options *options)
{
	bool stock = file_exists("/sys/module/videobuf2_dma_contig") ||
		     file_exists("/sys/module/videobuf2_dma_sg");
	struct json_object *root;
	struct bufinfo info;

	bufinfo_read(&info);
	note(stock ? "the kernel's own videobuf2 modules run, not videobuf2-mem: this is what dma_buf's bufinfo tells" :
	     "videobuf2-mem is not loaded: this is what dma_buf's bufinfo tells");
	if (options->json) {
		root = json_object_new_object();
		json_text(root, "backend", stock ? "stock" : NULL);
		json_object_object_add(root, "dmabufs", bufinfo_json(&info));
		json_print(root);
	} else {
		bufinfo_print(&info);
	}
	bufinfo_free(&info);
	return EXIT_NOT_OURS;
}
