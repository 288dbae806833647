// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm explain: in sentences, why a buffer is where it is, and what has failed
 * for a device, and why.
 */

#include <argp.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "bufinfo.h"
#include "explain.h"
#include "file.h"
#include "json.h"
#include "report.h"
#include "state.h"
#include "trace.h"
#include "vbm.h"
#include "words.h"

struct explain_options {
	struct options common;
	bool words;
};

static void explain_requirement(struct report *rep,
				const struct requirement *req)
{
	unsigned long long value = req->value;
	char size[HUMAN_SIZE];
	char *said;

	if (!strcmp(req->what, "address"))
		said = text("lie below %s (0x%llx)", human(value + 1, size),
			    value);
	else if (!strcmp(req->what, "segments"))
		said = value == 1 ? text("be in one piece") :
				    text("be in %llu pieces at most", value);
	else if (!strcmp(req->what, "segment-size"))
		said = text("be in pieces of %s at most", human(value, size));
	else if (!strcmp(req->what, "boundary"))
		said = text("not cross a multiple of %s",
			    human(value + 1, size));
	else if (!strcmp(req->what, "align"))
		said = text("begin at a multiple of %s", human(value, size));
	else if (!strcmp(req->what, "pages"))
		said = text("have struct pages");
	else
		said = text("meet %s=%llx", req->what, value);
	report(rep, LEVEL_FACT, "demand", req->what,
	       "Because of %s its memory has to %s.", req->by, said);
	free(said);
}

static void explain_demand(struct report *rep, const struct buffer *buf)
{
	const struct word *one = word_meaning(one_words, buf->one);
	struct finding *finding;
	unsigned int i;
	char *said;

	for (i = 0; i < buf->nr_demand; i++)
		explain_requirement(rep, &buf->demand[i]);
	if (!buf->nr_demand)
		report(rep, LEVEL_FACT, "demand", NULL,
		       "None of its devices asks anything of where its memory is.");
	if (!buf->one_by)
		return;
	said = text(one->means, buf->one_by);
	finding = report(rep, LEVEL_FACT, "demand", buf->one, "Besides, %s.",
			 said);
	report_cure(finding, one->cure);
	free(said);
}

static void explain_storage(struct report *rep, const struct buffer *buf)
{
	const struct word *backing = word_meaning(backing_words, buf->backing);
	char longest[HUMAN_SIZE], *shape = text("%s", "");

	if (buf->shaped) {
		free(shape);
		shape = buf->pieces == 1 ?
			text(", in one piece; its last byte is at 0x%llx",
			     (unsigned long long)buf->last) :
			text(", in %u pieces, the longest of %s; its last byte is at 0x%llx",
			     buf->pieces, human(buf->longest, longest),
			     (unsigned long long)buf->last);
	}
	report(rep, LEVEL_FACT, "backing", buf->backing, "As to where it is, %s%s%s%s.",
	       backing->means, buf->region ? ", " : "",
	       buf->region ? buf->region : "", shape);
	free(shape);
}

static void explain_mappings(struct report *rep, const struct buffer *buf)
{
	const struct mapping *map;
	struct finding *finding;
	unsigned int i;

	for (i = 0; i < buf->nr_mappings; i++) {
		map = &buf->mappings[i];
		finding = report(rep, LEVEL_FACT, "mapping",
				 map->bounced ? "bounced" : NULL,
				 "%s has it mapped (%s), %s%s.", map->dev,
				 map->dir,
				 map->users ? "in use" : "not in use now",
				 map->bounced ? ", and sees a copy in bounce buffers: every frame is copied" :
				 map->sync ? ", and needs the caches to be synced for it" :
				 "");
		if (map->bounced)
			report_cure(finding,
				    "The device does not reach the memory, or swiotlb=force has it all copied. An IOMMU ends that; so does allocating where the device reaches.");
	}
}

static void explain_freeze(struct report *rep, const struct buffer *buf)
{
	const struct word *why;
	struct finding *finding;

	if (!buf->frozen) {
		report(rep, LEVEL_FACT, "frozen", "-",
		       buf->owned ? "It may move, but not now: its driver has it." :
		       "It may move for a device that can not use it where it is.");
		return;
	}
	why = word_meaning(freeze_words, buf->frozen);
	finding = report(rep, LEVEL_FACT, "frozen", buf->frozen,
			 "It is frozen, so it stays where it is until it is freed: %s.",
			 why->means);
	report_cure(finding, why->cure);
}

static void explain_import(struct report *rep, const struct buffer *buf)
{
	if (buf->of)
		report(rep, LEVEL_FACT, "import", NULL,
		       "It is buffer %u, imported by %s (%s). That buffer's explanation says the rest: vbm explain %u.",
		       buf->of, buf->dev, buf->dir, buf->of);
	else
		report(rep, LEVEL_FACT, "import", NULL,
		       "It is a dma-buf of %s (inode %llu), imported by %s (%s). Its exporter decides where it is.",
		       buf->exporter, (unsigned long long)buf->ino, buf->dev,
		       buf->dir);
	if (buf->segments)
		report(rep, LEVEL_FACT, "import", NULL,
		       "%s sees it in %u segment%s%s.", buf->dev,
		       buf->segments, buf->segments == 1 ? "" : "s",
		       buf->sync ? ", and it has to be synced for each frame" :
		       "");
	if (buf->parked)
		report(rep, LEVEL_FACT, "import", "parked",
		       "Its queue has let go of it; it is kept mapped for the next time.");
}

static void explain_buffer(struct report *rep, const struct state *state,
			   const struct buffer *buf)
{
	char size[HUMAN_SIZE];
	unsigned int i;

	if (buf->kind == KIND_IMPORT) {
		explain_import(rep, buf);
		return;
	}
	report(rep, LEVEL_FACT, "buffer", buf->state,
	       "Buffer %u is %s's (%s), of %s%s; %s.", buf->id, buf->dev,
	       kind_names[buf->kind], human(buf->size, size),
	       buf->managed ? ", managed" : "",
	       word_meaning(state_words, buf->state)->means);
	explain_storage(rep, buf);
	explain_demand(rep, buf);
	explain_mappings(rep, buf);
	if (buf->moves)
		report(rep, LEVEL_FACT, "moves", NULL,
		       "It has moved %u time%s.", buf->moves,
		       buf->moves == 1 ? "" : "s");
	explain_freeze(rep, buf);
	for (i = 0; i < state->nr_failures; i++)
		if (state->failures[i].buf == buf->id)
			explain_failure(rep, state, &state->failures[i]);
}

static void explain_limits(struct report *rep, const struct device *dev)
{
	char size[HUMAN_SIZE];

	if (dev->translated)
		report(rep, LEVEL_FACT, "device", "translated",
		       "%s is behind an IOMMU: it does not matter to it where memory is.",
		       dev->name);
	else if (dev->address == NO_LIMIT)
		report(rep, LEVEL_FACT, "device", NULL,
		       "%s reaches all memory.", dev->name);
	else
		report(rep, LEVEL_FACT, "device", NULL,
		       "%s reaches memory below %s (0x%llx).", dev->name,
		       human(dev->address + 1, size),
		       (unsigned long long)dev->address);
	if (!dev->translated && dev->segments != NO_LIMIT)
		report(rep, LEVEL_FACT, "device", "segments",
		       "It takes %llu segment%s at most.",
		       (unsigned long long)dev->segments,
		       dev->segments == 1 ? "" : "s");
	if (dev->pages)
		report(rep, LEVEL_FACT, "device", "pages",
		       "It takes no memory without struct pages.");
	if (!dev->bound)
		report(rep, LEVEL_FACT, "device", "bound",
		       "It has no driver, so nothing is kept mapped for it.");
	if (dev->one)
		report_cure(report(rep, LEVEL_FACT, "device", "wanted",
				   "It has refused memory in several pieces, so one piece is wanted for it."),
			    word_find(one_words, "wanted")->cure);
}

static void explain_device(struct report *rep, const struct state *state,
			   const char *name)
{
	const struct device *dev = state_device(state, name);
	unsigned int i, own = 0, imports = 0, failures = 0;

	for (i = 0; i < state->nr_buffers; i++) {
		if (strcmp(state->buffers[i].dev, name))
			continue;
		if (state->buffers[i].kind == KIND_IMPORT)
			imports++;
		else
			own++;
	}
	if (dev)
		explain_limits(rep, dev);
	else
		report(rep, LEVEL_FACT, "device", "gone",
		       "%s is not known now: its driver has gone, or it has not used a buffer since.",
		       name);
	report(rep, LEVEL_FACT, "device", NULL,
	       "It has %u buffer%s of its own and %u import%s.", own,
	       own == 1 ? "" : "s", imports, imports == 1 ? "" : "s");
	for (i = 0; i < state->nr_failures; i++) {
		const struct failure *f = &state->failures[i];

		if (!f->dev || strcmp(f->dev, name) || failure_told(state, f))
			continue;
		explain_failure(rep, state, f);
		failures++;
	}
	if (!failures)
		report(rep, LEVEL_FACT, "failure", NULL,
		       "Nothing has failed for it lately.");
}

static bool is_number(const char *name)
{
	return *name && name[strspn(name, "0123456789")] == '\0';
}

static void explain(struct report *rep, const struct state *state,
		    const char *name)
{
	const struct buffer *buf;

	if (is_number(name)) {
		buf = state_buffer(state, strtoul(name, NULL, 10));
		if (!buf)
			die(EXIT_GONE,
			    "there is no buffer %s, or no longer (vbm list)",
			    name);
		explain_buffer(rep, state, buf);
	} else if (state_mentions(state, name)) {
		explain_device(rep, state, name);
	} else {
		die(EXIT_GONE,
		    "device %s has not used a buffer (a device is named as in vbm list, a buffer by its number)",
		    name);
	}
	trace_report(rep, name, is_number(name));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct explain_options *options = state->input;
	struct options *common = &options->common;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = common;
		return 0;
	case 'w':
		options->words = true;
		return 0;
	case ARGP_KEY_ARG:
		common->args = array_add(common->args, common->nr_args,
					 sizeof(arg));
		common->args[common->nr_args++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->words && common->nr_args != 1)
			argp_error(state, "name one buffer or device");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{ "words", 'w', NULL, 0,
	  "print what each word of debugfs means, and nothing else" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "BUFFER|DEVICE",
	.doc = "Says why a buffer is where it is, and what has failed for a device and what would make it work.",
	.children = (const struct argp_child[]) { { &common_argp }, {} },
};

int cmd_explain(int argc, char **argv)
{
	struct explain_options options = {};
	struct report rep = {};
	struct state state;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (options.words) {
		words_print();
		return 0;
	}
	if (!state_ours()) {
		free(options.common.args);
		return bufinfo_show(&options.common);
	}
	state_read(&state, STATE_ALL);
	explain(&rep, &state, options.common.args[0]);
	if (options.common.json)
		json_print(report_json(&rep));
	else
		report_print(&rep);
	report_free(&rep);
	state_free(&state);
	free(options.common.args);
	return 0;
}
