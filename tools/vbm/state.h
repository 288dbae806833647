/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot of what the core tells, as docs/debugfs.md describes it. Strings
 * point into the text of the files, which the snapshot keeps. "-" is NULL.
 */
#ifndef STATE_H
#define STATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define NO_LIMIT UINT64_MAX

struct mapping {
	const char *dev;
	const char *dir;
	unsigned int users;
	bool sync;
	bool bounced;
};

struct requirement {
	const char *what;
	uint64_t value;
	const char *by;
};

enum buffer_kind {
	KIND_MMAP,
	KIND_USERPTR,
	KIND_IMPORT,
};

extern const char *const kind_names[];

struct buffer {
	unsigned int id;
	enum buffer_kind kind;
	const char *dev;
	uint64_t size;
	union {
		struct {
			const char *backing;
			unsigned int extents;
			const char *region;
			bool shaped;
			unsigned int pieces;
			uint64_t longest;
			uint64_t last;
			unsigned int users;
			uint64_t meta;
			const char *state;
			struct mapping *mappings;
			unsigned int nr_mappings;
			struct requirement *demand;
			unsigned int nr_demand;
			const char *one;
			const char *one_by;
			uint64_t chunk;
			const char *frozen;
			unsigned int moves;
			bool owned;
			bool managed;
			char **attached;
			unsigned int nr_attached;
		};
		struct {
			const char *exporter;
			bool ours;
			unsigned int segments;
			const char *dir;
			bool sync;
			bool vmap;
			bool parked;
			unsigned int of;
			uint64_t ino;
		};
	};
};

struct device {
	const char *name;
	uint64_t address;
	uint64_t segments;
	uint64_t segment_size;
	uint64_t boundary;
	uint64_t align;
	bool pages;
	uint64_t chunk;
	bool translated;
	bool direct;
	bool bound;
	unsigned int refusals;
	bool one;
};

struct failure {
	double at;
	unsigned int times;
	const char *task;
	const char *dev;
	uint64_t size;
	int error;
	const char *reason;
	const char *exporter;
	unsigned int buf;
	const char *owner;
	const char *lacks;
	const char *why;
	const char *frozen;
	const char *by;
};

struct stat_line {
	const char *name;
	long long value;
};

struct state {
	struct buffer *buffers;
	unsigned int nr_buffers;
	struct device *devices;
	unsigned int nr_devices;
	struct failure *failures;
	unsigned int nr_failures;
	struct stat_line *stats;
	unsigned int nr_stats;
	double uptime;
	char *texts[4];
};

/* What to read; the others are empty. */
enum {
	STATE_BUFFERS = 1,
	STATE_DEVICES = 2,
	STATE_FAILURES = 4,
	STATE_STATS = 8,
	STATE_ALL = 15,
};

bool state_ours(void);
void state_read(struct state *state, unsigned int what);
void state_free(struct state *state);

const struct buffer *state_buffer(const struct state *state, unsigned long id);
const struct device *state_device(const struct state *state, const char *name);
bool state_mentions(const struct state *state, const char *name);
long long state_stat(const struct state *state, const char *name);
double uptime_read(void);

#endif
