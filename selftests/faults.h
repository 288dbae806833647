/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failures on demand, by /proc/thread-self/fail-nth: the n-th allocation, page
 * allocation, or fallible step of ours that this task comes to fails. For kernels
 * with CONFIG_FAULT_INJECTION.
 */
#ifndef VBM_SELFTESTS_FAULTS_H
#define VBM_SELFTESTS_FAULTS_H

struct fault_step {
	const char *name;
	/* 0, or a negative errno; what it has done then is undone by @undo. */
	int (*todo)(void *on);
	void (*undo)(void *on);
	int also;	/* an errno that is expected as well */
};

/* Ends the test as skipped on another kernel. */
void faults_open(void);
void faults_arm(unsigned int nth);
/* How many more there would have had to be; 0: it has failed. */
unsigned int faults_left(void);

/*
 * Does the step again and again, of which the n-th point fails, for n = 1, 2, ...
 * until it runs through. After each failure it has to work. Ends the test
 * otherwise, and if there is no point in it that could fail.
 */
void faults_sweep(void *on, const struct fault_step *step);

#endif
