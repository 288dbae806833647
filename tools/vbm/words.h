/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WORDS_H
#define WORDS_H

/**
 * struct word - a word of the core's
 * @word: as it stands in debugfs
 * @means: the rest of a sentence; %s is the device that it is about, if any
 * @cure: what would make it work, a sentence or more, or NULL
 */
struct word {
	const char *word;
	const char *means;
	const char *cure;
};

/* The tables, named as the core's: vbm_freeze_names, vbm_refusal_names... */
extern const struct word freeze_words[];
extern const struct word refusal_words[];
extern const struct word requirement_words[];
extern const struct word task_words[];
extern const struct word reason_words[];
extern const struct word one_words[];
extern const struct word backing_words[];
extern const struct word state_words[];

const struct word *word_find(const struct word *words, const char *word);
const struct word *word_meaning(const struct word *words, const char *word);
void words_print(void);

#endif
