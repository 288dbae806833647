// SPDX-License-Identifier: GPL-2.0-only
/*
 * What explain and doctor have to say: sentences, each with what it is about
 * and what would help. Gathered first, then printed as text or as JSON.
 */

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "json.h"
#include "report.h"
#include "vbm.h"

#define COLUMNS 78

struct finding *report(struct report *rep, enum level level, const char *about,
		       const char *word, const char *format, ...)
{
	struct finding *finding;
	va_list args;

	rep->findings = array_add(rep->findings, rep->nr, sizeof(*finding));
	finding = &rep->findings[rep->nr++];
	*finding = (struct finding) {
		.level = level,
		.about = about,
		.word = word,
	};
	va_start(args, format);
	if (vasprintf(&finding->said, format, args) < 0)
		die(EXIT_OUTPUT, "no memory");
	va_end(args);
	return finding;
}

/* One more, unless it has been said, or there is none. */
void report_cure(struct finding *finding, const char *cure)
{
	if (!cure || finding->cures[0] == cure)
		return;
	finding->cures[!!finding->cures[0]] = cure;
}

bool report_problems(const struct report *rep)
{
	unsigned int i;

	for (i = 0; i < rep->nr; i++)
		if (rep->findings[i].level == LEVEL_PROBLEM)
			return true;
	return false;
}

/* In lines of COLUMNS; the first begins with @first, the others are indented. */
static void print_wrapped(const char *first, const char *said)
{
	size_t indent = strlen(first), column = indent, word;
	bool begin = true;

	fputs(first, stdout);
	while (*said) {
		word = strcspn(said, " ");
		if (!begin && column + 1 + word > COLUMNS) {
			printf("\n%*s", (int)indent, "");
			column = indent;
			begin = true;
		}
		if (!begin) {
			putchar(' ');
			column++;
		}
		fwrite(said, 1, word, stdout);
		column += word;
		begin = false;
		said += word;
		said += strspn(said, " ");
	}
	putchar('\n');
}

void report_print(const struct report *rep)
{
	unsigned int i, k;

	for (i = 0; i < rep->nr; i++) {
		const struct finding *finding = &rep->findings[i];

		print_wrapped(finding->level == LEVEL_PROBLEM ? "! " : "- ",
			      finding->said);
		for (k = 0; k < 2 && finding->cures[k]; k++)
			print_wrapped("    -> ", finding->cures[k]);
	}
}

struct json_object *report_json(const struct report *rep)
{
	static const char *const levels[] = { "fact", "problem" };
	struct json_object *list = json_object_new_array(), *one, *cures;
	unsigned int i, k;

	for (i = 0; i < rep->nr; i++) {
		const struct finding *finding = &rep->findings[i];

		one = json_object_new_object();
		json_text(one, "level", levels[finding->level]);
		json_text(one, "about", finding->about);
		json_text(one, "word", finding->word);
		json_text(one, "said", finding->said);
		cures = json_object_new_array();
		for (k = 0; k < 2 && finding->cures[k]; k++)
			json_append(cures, finding->cures[k]);
		json_object_object_add(one, "cures", cures);
		json_object_array_add(list, one);
	}
	return list;
}

void report_free(struct report *rep)
{
	unsigned int i;

	for (i = 0; i < rep->nr; i++)
		free(rep->findings[i].said);
	free(rep->findings);
}
