// SPDX-License-Identifier: GPL-2.0-only
/*
 * What DKMS has made of the package videobuf2-mem-dkms, from its files:
 *   /var/lib/dkms/videobuf2-mem/VERSION
 *	VERSION/RELEASE		it is built for that kernel
 *	kernel-RELEASE-ARCH	and installed: a link to that
 *	original_module		the kernel's own, to be put back
 *	VERSION/build/make.log	what was said when it was built last
 *   /usr/src/videobuf2-mem-VERSION/dkms.conf
 * The program dkms itself takes seconds, and wants to be root for some of it.
 */

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "dkms.h"
#include "file.h"
#include "vbm.h"

#define PLACE	"/var/lib/dkms/videobuf2-mem"
#define SOURCE	"/usr/src/videobuf2-mem"
/* debian/dkms/pre-build says so in the log, with the reason behind it. */
#define KEEPS	"keeps its own modules: "

const char *const dkms_names[] = {
	"unknown", "installed", "built", "left-out", "no-headers", "missing",
};

/* What else there is beside the versions. */
static bool is_version(const char *name)
{
	return strcmp(name, "original_module") &&
	       strncmp(name, "kernel-", strlen("kernel-"));
}

/* A version, that which has something for the kernel before others. */
static char *find_version(char **names, const char *release)
{
	char *path, *version = NULL;
	bool built = false;

	for (; *names && !built; names++) {
		if (!is_version(*names))
			continue;
		path = text(PLACE "/%s/%s", *names, release);
		built = file_exists(path);
		free(path);
		free(version);
		version = text("%s", *names);
	}
	return version;
}

static bool is_installed(char **names, const char *release)
{
	char *link = text("kernel-%s-", release);
	bool is = false;

	for (; *names; names++)
		is |= !strncmp(*names, link, strlen(link));
	free(link);
	return is;
}

static bool is_built(const struct dkms *dkms, const char *release)
{
	char *path = text(PLACE "/%s/%s", dkms->version, release);
	bool is = file_exists(path);

	free(path);
	return is;
}

static bool has_headers(const char *release)
{
	char *path = text("/lib/modules/%s/build", release);
	bool has = file_exists(path);

	free(path);
	return has;
}

/* A kernel that is not tested: BUILD_EXCLUSIVE_KERNEL is not for it. */
static char *not_for(const struct dkms *dkms, const char *release)
{
	char *path = text(SOURCE "-%s/dkms.conf", dkms->version);
	char *all = file_read(path), *at, *why = NULL;
	const char *key = "BUILD_EXCLUSIVE_KERNEL=\"";
	regex_t regex;

	free(path);
	at = all ? strstr(all, key) : NULL;
	if (at) {
		at += strlen(key);
		at[strcspn(at, "\"\n")] = '\0';
		if (!regcomp(&regex, at, REG_EXTENDED | REG_NOSUB)) {
			if (regexec(&regex, release, 0, NULL, 0))
				why = text("it is for kernels like %s only", at);
			regfree(&regex);
		}
	}
	free(all);
	return why;
}

/* What was said when it was to be built for this kernel. */
static char *log_reason(struct dkms *dkms, const char *release)
{
	char *path = text(PLACE "/%s/build/make.log", dkms->version);
	char *log = file_read(path), *said, *at, *why = NULL;

	if (!log) {
		free(path);
		return NULL;
	}
	dkms->log = path;
	said = text("kernel %s " KEEPS, release);
	at = strstr(log, said);
	if (at) {
		at += strlen(said);
		at[strcspn(at, "\n")] = '\0';
		why = text("%s", at);
	}
	free(said);
	free(log);
	return why;
}

void dkms_read(struct dkms *dkms, const char *release)
{
	char **names = dir_list(PLACE);

	*dkms = (struct dkms) {};
	dkms->version = find_version(names, release);
	if (!dkms->version) {
		list_free(names);
		return;
	}
	dkms->why = log_reason(dkms, release);
	if (!dkms->why)
		dkms->why = not_for(dkms, release);

	if (is_installed(names, release))
		dkms->state = DKMS_INSTALLED;
	else if (is_built(dkms, release))
		dkms->state = DKMS_BUILT;
	else if (dkms->why)
		dkms->state = DKMS_LEFT_OUT;
	else if (!has_headers(release))
		dkms->state = DKMS_NO_HEADERS;
	else
		dkms->state = DKMS_MISSING;
	list_free(names);
}

void dkms_free(struct dkms *dkms)
{
	free(dkms->version);
	free(dkms->why);
	free(dkms->log);
}
