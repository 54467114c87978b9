/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls: what a system call costs, in nanoseconds: the median of many short runs, so that a neighbour who takes the
 * processor for a while does not count. getppid is one that no policy watches, lseek on a descriptor that is not open
 * one that a policy watches and does not match. Prints "getppid NS lseek NS".
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RUNS 200
#define CALLS 5000

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_ns(long number, long argument)
{
	static double run_ns[RUNS];

	for (int run = 0; run < RUNS; run++) {
		double began = now_ns();

		for (int i = 0; i < CALLS; i++)
			syscall(number, argument, 0, 0);
		run_ns[run] = (now_ns() - began) / CALLS;
	}
	qsort(run_ns, RUNS, sizeof *run_ns, compare);
	return run_ns[RUNS / 2];
}

int main(void)
{
	median_ns(SYS_getppid, 0); /* the processor's clock comes up */
	printf("getppid %.1f lseek %.1f\n", median_ns(SYS_getppid, 0), median_ns(SYS_lseek, 99999));
	return 0;
}
