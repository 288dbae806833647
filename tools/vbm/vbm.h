/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbm: what videobuf2-mem does on this machine, for people and scripts.
 *
 *   file.c       reads files below the root that --sysroot names
 *   words.c      what the words of the core mean, and what to do about them
 *   state.c      a snapshot of the core's debugfs files, parsed
 *   bufinfo.c    the same of dma_buf's bufinfo, and of a machine with stock
 *   machine.c    modules, drivers, IOMMU, CMA, swiotlb
 *   dkms.c       what DKMS has made of the package, for this kernel
 *   json.c       the snapshot as JSON
 *   cmd-*.c      a command each
 *   main.c       the command line
 *
 * A snapshot is a copy of moments that follow each other: a buffer can be in
 * one file and gone from the next. Nothing here takes that for a mistake, but
 * the user is told where it concerns what was asked for.
 */
#ifndef VBM_H
#define VBM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit codes; vbm(1) documents them. */
enum {
	EXIT_PROBLEM = 1,	/* doctor has found something */
	EXIT_WRONG_USAGE = 2,
	EXIT_GONE = 3,		/* no such buffer or device, or no longer */
	EXIT_NOT_OURS = 4,	/* these modules do not run */
	EXIT_ACCESS = 5,	/* the kernel's files can not be read */
	EXIT_DAMAGED = 6,	/* they can not be understood */
	EXIT_OUTPUT = 7,	/* the result can not be written or drawn */
};

/**
 * struct options - what all commands know
 * @json: print JSON
 * @args: what is left of the command line, NULL at its end
 * @nr_args: how many
 */
struct options {
	bool json;
	char **args;
	int nr_args;
};

__attribute__((noreturn, format(printf, 2, 3)))
void die(int code, const char *format, ...);
__attribute__((format(printf, 1, 2)))
void note(const char *format, ...);

/* Runs at die(), before it says why: the terminal's settings. */
extern void (*before_dying)(void);

void *array_add(void *array, unsigned int nr, size_t size);
__attribute__((format(printf, 1, 2)))
char *text(const char *format, ...);
const char *human(unsigned long long bytes, char *buf);
#define HUMAN_SIZE 24

struct argp;
extern const struct argp common_argp;

/* Each: command line from its name on; returns an exit code. */
int cmd_list(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_graph(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
