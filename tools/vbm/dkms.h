/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DKMS_H
#define DKMS_H

/* What DKMS has made of the modules for one kernel. */
enum dkms_state {
	DKMS_UNKNOWN,		/* it knows no such modules */
	DKMS_INSTALLED,
	DKMS_BUILT,
	DKMS_LEFT_OUT,		/* this kernel is to keep its own */
	DKMS_NO_HEADERS,
	DKMS_MISSING,		/* not built yet, or that has failed */
};

extern const char *const dkms_names[];

/**
 * struct dkms - the package, and one kernel
 * @state: of the modules
 * @version: of the package; NULL where it is not known
 * @why: the kernel is left out, or NULL
 * @log: of the last build, or NULL
 */
struct dkms {
	enum dkms_state state;
	char *version;
	char *why;
	char *log;
};

void dkms_read(struct dkms *dkms, const char *release);
void dkms_free(struct dkms *dkms);

#endif
