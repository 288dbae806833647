// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: vbm COMMAND [OPTION...] [ARGUMENT...]. Each command has a
 * parser of its own, with common_argp for a child.
 */

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "vbm.h"

const char *argp_program_version = "vbm " VBM_VERSION;

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} commands[] = {
	{ "list", cmd_list, "the buffers, a line each" },
	{ "show", cmd_show, "all that is known of one or several buffers" },
	{ "graph", cmd_graph, "a picture of who shares what with whom" },
	{ "top", cmd_top, "the buffers, live, and rates per second" },
	{ "explain", cmd_explain, "why a buffer is where it is, or why a device failed" },
	{ "doctor", cmd_doctor, "what this machine has, and what is wrong with it" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

enum { KEY_SYSROOT = 256 };

static error_t common_parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case KEY_SYSROOT:
		sysroot = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option common_options[] = {
	{ "json", 'j', NULL, 0, "print JSON" },
	{ "sysroot", KEY_SYSROOT, "DIR", 0,
	  "read the files below DIR in place of the kernel's" },
	{}
};

/* Its input is struct options: the first member of each command's input. */
const struct argp common_argp = {
	.options = common_options,
	.parser = common_parse,
};

static error_t main_parse(int key, char *arg, struct argp_state *state)
{
	int *first = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_ARG:
		/* The command and all that follows is its own. */
		*first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The commands in --help, below the description. */
static char *main_help(int key, const char *said, void *input)
{
	size_t size;
	unsigned int i;
	char *help;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)said;
	out = open_memstream(&help, &size);
	if (!out)
		return NULL;
	fputs("Commands:\n", out);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-9s%s\n", commands[i].name, commands[i].does);
	fputs("\nvbm COMMAND --help tells the options of a command. Exit codes:\n"
	      "0 done, 1 doctor found a problem, 2 wrong usage, 3 no such buffer\n"
	      "or device, 4 videobuf2-mem does not run, 5 the kernel's files can\n"
	      "not be read, 6 they can not be understood, 7 no output.", out);
	fclose(out);
	return help;
}

static const struct argp argp = {
	.parser = main_parse,
	.args_doc = "COMMAND [OPTION...]",
	.doc = "Shows what videobuf2-mem does: the memory of V4L2 buffers.\v",
	.help_filter = main_help,
};

int main(int argc, char **argv)
{
	int first = 0, code;
	unsigned int i;
	char *name;

	argp_err_exit_status = EXIT_WRONG_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first);
	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, argv[first]))
			break;
	if (i == NR_COMMANDS)
		die(EXIT_WRONG_USAGE, "no command %s; vbm --help has them",
		    argv[first]);
	/* What --help and messages of the command call it. */
	name = text("vbm %s", commands[i].name);
	argv[first] = name;
	code = commands[i].run(argc - first, argv + first);
	free(name);
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_OUTPUT, "the output can not be written");
	return code;
}
