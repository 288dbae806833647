// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm explain: what has failed, and what would make it work.
 *
 * A line of the core's "failures" says what was tried, for whom, what the memory
 * lacked, and what kept the buffer where it was. That becomes one sentence, and
 * each of its words may have a cure (words.c).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "vbm.h"
#include "words.h"

/* Seconds, in words. */
static const char *ago(double seconds, char *buf, size_t size)
{
	if (seconds < 0)
		snprintf(buf, size, "at %.0f s after boot", -seconds);
	else if (seconds < 120)
		snprintf(buf, size, "%.0f s ago", seconds);
	else if (seconds < 7200)
		snprintf(buf, size, "%.0f min ago", seconds / 60);
	else
		snprintf(buf, size, "%.0f h ago", seconds / 3600);
	return buf;
}

/* What it lacked and why nothing could be done: of a map of our buffers. */
static char *failure_detail(const struct failure *f)
{
	char *lacks, *detail;

	if (!f->lacks)
		return text("%s", word_meaning(reason_words, f->reason)->means);
	lacks = text("%s needs %s", f->dev,
		     word_meaning(requirement_words, f->lacks)->means);
	if (f->by)
		detail = text("%s, and no memory would do for all its devices, because of %s",
			      lacks, f->by);
	else if (f->frozen)
		detail = text("%s, and it did not move, because it is frozen: %s",
			      lacks, word_meaning(freeze_words, f->frozen)->means);
	else if (f->why)
		detail = text("%s, and it did not move, because %s", lacks,
			      word_meaning(refusal_words, f->why)->means);
	else
		detail = text("%s, and it has other", lacks);
	free(lacks);
	return detail;
}

void explain_failure(struct report *rep, const struct state *state,
		     const struct failure *f)
{
	double since = state->uptime ? state->uptime - f->at : -f->at;
	char size[HUMAN_SIZE], when[40], often[24] = "", *what, *detail;
	struct finding *finding;

	if (f->times > 1)
		snprintf(often, sizeof(often), ", %u times", f->times);
	if (f->buf)
		what = text("Buffer %u of %s %s for %s", f->buf,
			    f->owner ? f->owner : "?",
			    word_meaning(task_words, f->task)->means,
			    f->dev ? f->dev : "?");
	else if (f->exporter)
		what = text("%s %s of %s", f->dev ? f->dev : "A device",
			    word_meaning(task_words, f->task)->means, f->exporter);
	else
		what = text("%s %s", f->dev ? f->dev : "A plane",
			    word_meaning(task_words, f->task)->means);
	detail = failure_detail(f);
	finding = report(rep, LEVEL_FACT, "failure",
			 f->frozen ? f->frozen : f->why ? f->why :
			 f->lacks ? f->lacks : f->reason,
			 "%s (%s%s), %s: that failed with %s: %s.", what,
			 ago(since, when, sizeof(when)), often,
			 human(f->size, size), strerrorname_np(f->error) ?: "?",
			 detail);
	if (f->frozen)
		report_cure(finding, word_meaning(freeze_words, f->frozen)->cure);
	else if (f->why)
		report_cure(finding, word_meaning(refusal_words, f->why)->cure);
	if (f->lacks)
		report_cure(finding,
			    word_meaning(requirement_words, f->lacks)->cure);
	else
		report_cure(finding, word_meaning(reason_words, f->reason)->cure);
	free(what);
	free(detail);
}

/* An import that failed since the map failed is told by the latter. */
bool failure_told(const struct state *state, const struct failure *f)
{
	unsigned int i;

	if (strcmp(f->task, "import") || strcmp(f->reason, "map"))
		return false;
	for (i = 0; i < state->nr_failures; i++)
		if (!strcmp(state->failures[i].task, "map") && f->dev &&
		    state->failures[i].dev &&
		    !strcmp(state->failures[i].dev, f->dev) &&
		    state->failures[i].error == f->error)
			return true;
	return false;
}
