// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbm top: frames (frame.c), one after the other, with keys as in top; or
 * without a terminal (-b).
 */

#include <argp.h>
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bufinfo.h"
#include "frame.h"
#include "json.h"
#include "vbm.h"

struct top_options {
	struct options common;
	bool batch;
	double delay;
	unsigned long frames;
	struct view view;
};

static double parse_delay(const char *arg)
{
	char *end;
	double delay = strtod(arg, &end);

	return end == arg || *end || !(delay >= 0.1 && delay <= 3600) ? 0 :
									delay;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top_options *options = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		return 0;
	case 'b':
		options->batch = true;
		return 0;
	case 'd':
		options->delay = parse_delay(arg);
		if (!options->delay)
			argp_error(state, "%s: 0.1 to 3600 seconds", arg);
		return 0;
	case 'n':
		options->frames = strtoul(arg, &end, 10);
		if (*end || !options->frames || *arg == '-')
			argp_error(state, "%s is no number of frames", arg);
		return 0;
	case 'o':
		for (options->view.order = 0;
		     strcmp(order_names[options->view.order], arg);)
			if (++options->view.order == NR_ORDERS)
				argp_error(state, "no order %s; there are: number, size, device, moves",
					   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{ "batch", 'b', NULL, 0, "print frames, one below the other" },
	{ "delay", 'd', "SECONDS", 0, "between frames (2)" },
	{ "frames", 'n', "NUMBER", 0, "end after so many (with -b: 1)" },
	{ "sort", 'o', "ORDER", 0, "number, size, device or moves" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Shows the buffers, live, and rates per second. h tells the keys.",
	.children = (const struct argp_child[]) { { &common_argp }, {} },
};

static const char help[] =
	"Keys of vbm top\n"
	"\n"
	"  q           end\n"
	"  h, ?        this\n"
	"  space       another frame now\n"
	"  d, s        seconds between frames\n"
	"  N M D V     sort by number, size, device, moves\n"
	"  R           the other way round\n"
	"  i           with or without imports that are parked\n"
	"  f           failures or buffers\n"
	"  up, down, page up, page down, home, end\n"
	"\n"
	"Any key goes on.\n";

static void top_batch(const struct top_options *options)
{
	struct frame before = {}, now = {};
	unsigned long i, nr = options->frames ? options->frames : 1;
	char *head, *rows;

	for (i = 0; i < nr; i++) {
		frame_read(&now);
		if (options->common.json) {
			json_print(frame_json(&now, i ? &before : &now));
		} else {
			head = frame_head(&now, i ? &before : &now);
			rows = frame_rows(&now, &options->view);
			printf("%s%s%s", i ? "\n" : "", head, rows);
			free(head);
			free(rows);
		}
		fflush(stdout);
		state_free(&before.state);
		before = now;
		if (i + 1 < nr)
			usleep(options->delay * 1e6);
	}
	state_free(&before.state);
}

static void leave_screen(void)
{
	endwin();
}

/* Text from a line of the screen on, as far as it goes; returns its lines. */
static int draw(int y, const char *lines, int skip)
{
	int nr = 0;

	while (*lines) {
		size_t len = strcspn(lines, "\n");

		if (nr++ >= skip && y < LINES)
			mvaddnstr(y++, 0, lines,
				  len < (size_t)COLS ? (int)len : COLS);
		lines += len;
		lines += *lines == '\n';
	}
	return nr;
}

/* The heading stays, what is below it scrolls. Returns how far that can go. */
static int draw_frame(const char *head, const char *rows, int scroll)
{
	const char *body = strchr(rows, '\n');
	int nr;

	body = body ? body + 1 : rows + strlen(rows);
	erase();
	draw(0, head, 0);
	attron(A_REVERSE);
	mvprintw(FRAME_HEAD, 0, "%-*.*s", COLS,
		 (int)strcspn(rows, "\n") < COLS ? (int)strcspn(rows, "\n") :
						   COLS, rows);
	attroff(A_REVERSE);
	nr = draw(FRAME_HEAD + 1, body, scroll) - (LINES - FRAME_HEAD - 1);
	refresh();
	return nr > 0 ? nr : 0;
}

static void ask_delay(struct top_options *options)
{
	char answer[16] = "";
	double delay;

	mvprintw(FRAME_HEAD - 1, 0, "Seconds between frames [%g]: ",
		 options->delay);
	clrtoeol();
	echo();
	timeout(-1);
	getnstr(answer, sizeof(answer) - 1);
	noecho();
	delay = parse_delay(answer);
	if (delay)
		options->delay = delay;
}

static void show_help(void)
{
	erase();
	draw(0, help, 0);
	refresh();
	timeout(-1);
	getch();
}

/* What a key does; returns false at the end. */
static bool top_key(struct top_options *options, int key, int *scroll, int last)
{
	struct view *view = &options->view;
	int page = LINES - FRAME_HEAD - 1;

	switch (key) {
	case 'q':
		return false;
	case 'h':
	case '?':
		show_help();
		break;
	case 'd':
	case 's':
		ask_delay(options);
		break;
	case 'N':
		view->order = ORDER_NUMBER;
		break;
	case 'M':
		view->order = ORDER_SIZE;
		break;
	case 'D':
		view->order = ORDER_DEVICE;
		break;
	case 'V':
		view->order = ORDER_MOVES;
		break;
	case 'R':
		view->reverse = !view->reverse;
		break;
	case 'i':
		view->hide_parked = !view->hide_parked;
		break;
	case 'f':
		view->failures = !view->failures;
		*scroll = 0;
		break;
	case KEY_UP:
		(*scroll)--;
		break;
	case KEY_DOWN:
		(*scroll)++;
		break;
	case KEY_PPAGE:
		*scroll -= page;
		break;
	case KEY_NPAGE:
		*scroll += page;
		break;
	case KEY_HOME:
		*scroll = 0;
		break;
	case KEY_END:
		*scroll = last;
		break;
	}
	if (*scroll > last)
		*scroll = last;
	if (*scroll < 0)
		*scroll = 0;
	return true;
}

static bool is_redraw(int key)
{
	return key != ERR && key != ' ' && key != '\n' && key != KEY_ENTER;
}

static void top_screen(struct top_options *options)
{
	struct frame before = {}, now = {};
	int key = ERR, scroll = 0, last;
	unsigned long nr = 0;
	char *head, *rows;
	SCREEN *screen;

	/* What can not be read is said before the screen is taken. */
	frame_read(&now);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		die(EXIT_OUTPUT,
		    "no terminal, or none that is known (TERM); vbm top -b needs none");
	before_dying = leave_screen;
	noecho();
	cbreak();
	keypad(stdscr, true);
	curs_set(0);
	do {
		/* A key that changes the view shows the same moment again. */
		if (nr && !is_redraw(key)) {
			state_free(&before.state);
			before = now;
			frame_read(&now);
		}
		nr += !is_redraw(key);
		head = frame_head(&now, before.when ? &before : &now);
		rows = frame_rows(&now, &options->view);
		last = draw_frame(head, rows, scroll);
		free(head);
		free(rows);
		if (options->frames && nr >= options->frames)
			break;
		timeout((int)(options->delay * 1000));
		key = getch();
	} while (top_key(options, key, &scroll, last));
	endwin();
	before_dying = NULL;
	delscreen(screen);
	state_free(&before.state);
	state_free(&now.state);
}

int cmd_top(int argc, char **argv)
{
	struct top_options options = { .delay = 2 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!state_ours())
		return bufinfo_show(&options.common);
	if (options.batch || options.common.json)
		top_batch(&options);
	else if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		die(EXIT_OUTPUT, "no terminal; vbm top -b needs none");
	else
		top_screen(&options);
	return 0;
}
