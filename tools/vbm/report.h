/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

/* How good or bad it is what a finding says. */
enum level {
	LEVEL_FACT,
	LEVEL_PROBLEM,
};

/**
 * struct finding - a sentence or two
 * @level: of it
 * @about: what it is about, one word, for scripts
 * @word: of the core's that it explains, or NULL; as long as the snapshot lives
 * @said: the text; ours to free
 * @cures: what would make it better; as many as are not NULL
 */
struct finding {
	enum level level;
	const char *about;
	const char *word;
	char *said;
	const char *cures[2];
};

struct report {
	struct finding *findings;
	unsigned int nr;
};

struct json_object;

__attribute__((format(printf, 5, 6)))
struct finding *report(struct report *rep, enum level level, const char *about,
		       const char *word, const char *format, ...);
void report_cure(struct finding *finding, const char *cure);
bool report_problems(const struct report *rep);
void report_print(const struct report *rep);
struct json_object *report_json(const struct report *rep);
void report_free(struct report *rep);

#endif
