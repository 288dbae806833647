// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm doctor: whose modules run, who uses them, what the machine has, and what
 * is known to go wrong with that.
 */

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "file.h"
#include "json.h"
#include "machine.h"
#include "report.h"
#include "state.h"
#include "vbm.h"
#include "words.h"

#define GIB (1ULL << 30)

static const struct argp argp = {
	.doc = "Says whose modules run, who uses them, what this machine has for buffers, and what is wrong.",
	.children = (const struct argp_child[]) { { &common_argp }, {} },
};

static char *joined(char **names)
{
	char *said = text("%s", ""), *more;
	unsigned int i;

	for (i = 0; names[i]; i++) {
		more = text("%s%s%s", said, i ? ", " : "", names[i]);
		free(said);
		said = more;
	}
	return said;
}

static void check_modules(struct report *rep, const struct machine *m)
{
	char *drivers = joined(m->drivers);
	struct finding *finding;

	switch (m->loaded) {
	case BACKEND_OURS:
		report(rep, LEVEL_FACT, "backend", "videobuf2-mem",
		       "videobuf2-mem runs, on kernel %s.", m->release);
		break;
	case BACKEND_STOCK:
		finding = report(rep, m->installed == BACKEND_OURS ?
				 LEVEL_PROBLEM : LEVEL_FACT, "backend", "stock",
				 "The kernel's own videobuf2 modules run, on kernel %s%s.",
				 m->release, m->installed == BACKEND_OURS ?
				 ", though videobuf2-mem is installed" : "");
		report_cure(finding, m->installed == BACKEND_OURS ?
			    "They were loaded before it was installed, or from the initramfs. Unload the drivers that use them (below) and the two, or update the initramfs and reboot." :
			    m->dkms.state != DKMS_UNKNOWN ? NULL :
			    "videobuf2-mem is not installed for this kernel: install the package videobuf2-mem-dkms, or make modules_install && depmod.");
		break;
	case BACKEND_NONE:
		report(rep, LEVEL_FACT, "backend", "none",
		       "Neither videobuf2-dma-contig nor -sg is loaded, on kernel %s; modprobe would load %s.",
		       m->release, m->installed == BACKEND_OURS ?
		       "those of videobuf2-mem" :
		       m->installed == BACKEND_STOCK ? "the kernel's own" :
		       "none: there are none");
		break;
	}
	if (m->loaded == BACKEND_OURS && m->installed == BACKEND_STOCK)
		report_cure(report(rep, LEVEL_PROBLEM, "installed", "stock",
				   "modprobe would load the kernel's own modules the next time."),
			    "depmod has not been run, or the modules do not lie in updates/.");
	if (m->loaded != BACKEND_NONE)
		report(rep, LEVEL_FACT, "drivers", NULL,
		       "Drivers that use them: %s.",
		       *drivers ? drivers : "none");
	free(drivers);
}

/* How the modules came here, or why they did not. */
static void check_dkms(struct report *rep, const struct machine *m)
{
	const struct dkms *dkms = &m->dkms;

	switch (dkms->state) {
	case DKMS_UNKNOWN:
		if (m->path)
			report(rep, LEVEL_FACT, "dkms", "unknown",
			       "Installed by hand, as %s: DKMS knows of none.",
			       m->path);
		break;
	case DKMS_INSTALLED:
		report(rep, LEVEL_FACT, "dkms", "installed",
		       "DKMS has installed videobuf2-mem %s for this kernel%s%s.",
		       dkms->version, m->path ? ", as " : "",
		       m->path ? m->path : "");
		break;
	case DKMS_BUILT:
		report_cure(report(rep, LEVEL_PROBLEM, "dkms", "built",
				   "DKMS has built videobuf2-mem %s for this kernel, but not installed it.",
				   dkms->version), "dkms autoinstall");
		break;
	case DKMS_LEFT_OUT:
		report(rep, LEVEL_FACT, "dkms", "left-out",
		       "videobuf2-mem %s leaves this kernel its own modules: %s.",
		       dkms->version, dkms->why);
		break;
	case DKMS_NO_HEADERS:
		report_cure(report(rep, LEVEL_PROBLEM, "dkms", "no-headers",
				   "videobuf2-mem %s has no modules for this kernel, whose headers are not installed.",
				   dkms->version),
			    "apt install linux-headers-$(uname -r); linux-headers-amd64 follows the kernel when it is upgraded.");
		break;
	case DKMS_MISSING:
		report_cure(report(rep, LEVEL_PROBLEM, "dkms", "missing",
				   "videobuf2-mem %s has no modules for this kernel: they were not built yet, or that failed%s%s.",
				   dkms->version, dkms->log ? ", see " : "",
				   dkms->log ? dkms->log : ""),
			    "dkms autoinstall");
		break;
	}
}

static void check_iommu(struct report *rep, const struct machine *m)
{
	char *names = joined(m->iommus);
	struct finding *finding;

	if (*names) {
		report(rep, LEVEL_FACT, "iommu", NULL,
		       "There is an IOMMU (%s): devices behind it can use memory wherever it is.",
		       names);
	} else if (m->dmar) {
		finding = report(rep, LEVEL_PROBLEM, "iommu", "off",
				 "The firmware describes an IOMMU, but it is off: devices that need one piece of memory, or do not reach all of it, depend on luck.");
		report_cure(finding,
			    "Boot with intel_iommu=on (Intel); amd_iommu=off must not be set (AMD).");
	} else {
		report(rep, LEVEL_FACT, "iommu", "none",
		       "There is no IOMMU: buffers of drivers that have one address are in one piece, and large ones are cleared for when they are wanted.");
	}
	free(names);
}

static void check_memory(struct report *rep, const struct machine *m)
{
	char memory[HUMAN_SIZE], cma[HUMAN_SIZE], unused[HUMAN_SIZE];

	report(rep, LEVEL_FACT, "memory", NULL, "Memory: %s; CMA: %s%s%s.",
	       human(m->memory, memory), m->cma ? human(m->cma, cma) : "none",
	       m->cma ? ", free of it: " : "",
	       m->cma ? human(m->cma_free, unused) : "");
	if (m->cma && m->cma_free < m->cma / 16)
		report_cure(report(rep, LEVEL_PROBLEM, "cma", "full",
				   "Less than a sixteenth of CMA is free: contiguous buffers are cleared for elsewhere, or fail with ENOMEM."),
			    "Raise cma= on the kernel's command line, or use fewer or smaller buffers.");
}

static void check_bounce(struct report *rep, const struct machine *m)
{
	char all[HUMAN_SIZE], used[HUMAN_SIZE], most[HUMAN_SIZE];

	if (m->bounce_forced)
		report_cure(report(rep, LEVEL_PROBLEM, "swiotlb", "force",
				   "swiotlb=force is set: every frame is copied for every device, and no device with one address can have more than 256 KiB."),
			    "Take it off the kernel's command line, unless the machine is to be tested, or is a confidential guest.");
	if (!m->bounce)
		return;
	report(rep, LEVEL_FACT, "swiotlb", NULL,
	       "Bounce buffers: %s, of which %s are in use, and %s were at most.",
	       human(m->bounce, all), human(m->bounce_used, used),
	       human(m->bounce_most, most));
	if (m->bounce_most > m->bounce / 4 * 3)
		report_cure(report(rep, LEVEL_PROBLEM, "swiotlb", "full",
				   "Bounce buffers have been nearly used up (\"swiotlb buffer is full\")."),
			    "An IOMMU ends that. Otherwise swiotlb=N makes more (N times 2 KiB), or let the devices with the narrowest reach allocate.");
}

static void check_parameters(struct report *rep, const struct machine *m)
{
	if (m->movable)
		report(rep, LEVEL_FACT, "movable", NULL,
		       "movable=%s: buffers of these drivers may move. A driver that does not read addresses anew for each DMA must not be named.",
		       m->movable);
	if (m->limits)
		report(rep, LEVEL_FACT, "limits", NULL, "limits=%s.",
		       m->limits);
}

/* What the counters of failures say, and what is copied. */
static void check_failures(struct report *rep, const struct state *state)
{
	const struct word *word;
	unsigned int i;
	char name[64];
	long long nr;

	for (word = reason_words; word->word; word++) {
		snprintf(name, sizeof(name), "fail_%s", word->word);
		nr = state_stat(state, name);
		if (nr)
			report_cure(report(rep, LEVEL_PROBLEM, "failures",
					   word->word,
					   "%lld time%s it failed that way: %s. vbm explain DEVICE tells whose.",
					   nr, nr == 1 ? "" : "s",
					   word->means), word->cure);
	}
	for (i = 0; i < state->nr_failures; i++) {
		const struct failure *f = &state->failures[i];

		report(rep, LEVEL_FACT, "failure", f->reason,
		       "Last failures: %s, %s, %u time%s: %s.",
		       f->dev ? f->dev : "-", f->task, f->times,
		       f->times == 1 ? "" : "s",
		       strerrorname_np(f->error) ?: "?");
	}
}

static void check_devices(struct report *rep, const struct state *state,
			  const struct machine *m)
{
	char size[HUMAN_SIZE], *driver;
	unsigned int i;

	for (i = 0; i < state->nr_devices; i++) {
		const struct device *dev = &state->devices[i];

		driver = machine_driver(dev->name);
		if (dev->translated)
			report(rep, LEVEL_FACT, "device", dev->name,
			       "%s (%s) is behind an IOMMU.", dev->name,
			       driver ? driver : "no driver");
		else if (dev->address == NO_LIMIT ||
			 dev->address >= m->memory + GIB)
			report(rep, LEVEL_FACT, "device", dev->name,
			       "%s (%s) reaches all memory.", dev->name,
			       driver ? driver : "no driver");
		else
			report(rep, LEVEL_FACT, "device", dev->name,
			       "%s (%s) reaches memory below %s only: what lies above is moved for it, or bounces.",
			       dev->name, driver ? driver : "no driver",
			       human(dev->address + 1, size));
		free(driver);
	}
}

static void check_bounced(struct report *rep, const struct state *state)
{
	unsigned int i, k, nr = 0;

	for (i = 0; i < state->nr_buffers; i++) {
		if (state->buffers[i].kind == KIND_IMPORT)
			continue;
		for (k = 0; k < state->buffers[i].nr_mappings; k++)
			nr += state->buffers[i].mappings[k].bounced;
	}
	if (nr)
		report_cure(report(rep, LEVEL_PROBLEM, "bounced", NULL,
				   "%u mapping%s of buffers bounce: each frame is copied. vbm list shows which.",
				   nr, nr == 1 ? "" : "s"),
			    "vbm explain BUFFER tells why.");
}

static void doctor_json(const struct report *rep, const struct machine *m)
{
	struct json_object *root = json_object_new_object(), *list;
	char **at;

	json_text(root, "kernel", m->release);
	json_text(root, "backend", backend_names[m->loaded]);
	json_text(root, "installed", backend_names[m->installed]);
	json_text(root, "path", m->path);
	json_text(root, "dkms", dkms_names[m->dkms.state]);
	json_text(root, "version", m->dkms.version);
	json_text(root, "left_out", m->dkms.why);
	list = json_object_new_array();
	for (at = m->drivers; *at; at++)
		json_object_array_add(list, json_object_new_string(*at));
	json_object_object_add(root, "drivers", list);
	list = json_object_new_array();
	for (at = m->iommus; *at; at++)
		json_object_array_add(list, json_object_new_string(*at));
	json_object_object_add(root, "iommus", list);
	json_number(root, "memory", m->memory);
	json_number(root, "cma", m->cma);
	json_number(root, "cma_free", m->cma_free);
	json_number(root, "bounce", m->bounce);
	json_number(root, "bounce_used", m->bounce_used);
	json_flag(root, "bounce_forced", m->bounce_forced);
	json_object_object_add(root, "findings", report_json(rep));
	json_print(root);
}

/* Not being root, the doctor says what it can. */
static bool doctor_state(struct report *rep, struct state *state)
{
	if (!file_readable(VBM_DEBUGFS "/buffers")) {
		report_cure(report(rep, LEVEL_PROBLEM, "debugfs", NULL,
				   "%s can not be read, so nothing is known of buffers and failures.",
				   VBM_DEBUGFS),
			    "Be root, and have debugfs mounted: mount -t debugfs none /sys/kernel/debug");
		return false;
	}
	state_read(state, STATE_ALL);
	return true;
}

int cmd_doctor(int argc, char **argv)
{
	struct options options = {};
	struct report rep = {};
	struct state state = {};
	struct machine m;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	machine_read(&m);
	check_modules(&rep, &m);
	check_dkms(&rep, &m);
	check_iommu(&rep, &m);
	check_memory(&rep, &m);
	check_bounce(&rep, &m);
	check_parameters(&rep, &m);
	if (m.loaded == BACKEND_OURS && doctor_state(&rep, &state)) {
		check_devices(&rep, &state, &m);
		check_bounced(&rep, &state);
		check_failures(&rep, &state);
	}
	if (options.json)
		doctor_json(&rep, &m);
	else
		report_print(&rep);
	code = report_problems(&rep) ? EXIT_PROBLEM :
	       m.loaded != BACKEND_OURS ? EXIT_NOT_OURS : 0;
	report_free(&rep);
	state_free(&state);
	machine_free(&m);
	return code;
}
