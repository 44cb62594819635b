/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroups that take turns on one processor: in each round the same load runs in every one of them,
 * so that a machine whose speed drifts by a tenth drifts for all alike.
 */
#ifndef TURNS_H
#define TURNS_H

#include <err.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct turns {
	int rounds;
	int times; /* of what is measured, in one turn */
	int count;
	char **cgroups;
	double **ns; /* of one time: for each cgroup, for each round */
};

static void *zeroed(int count, size_t size)
{
	void *memory = calloc((size_t)count, size);

	if (!memory)
		err(1, "memory");
	return memory;
}

static int between(const char *text, int most)
{
	int number = atoi(text);

	if (number < 1 || number > most)
		errx(2, "'%s': expected a number from 1 to %d", text, most);
	return number;
}

/* Of the arguments ROUNDS TIMES CPU CGROUP...; goes to that processor. */
static struct turns turns_of(int count, char **arguments)
{
	struct turns turns = {0};
	cpu_set_t cpus;

	turns.rounds = between(arguments[0], 10000);
	turns.times = between(arguments[1], 100000);
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(arguments[2]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "processor %s", arguments[2]);
	turns.count = count - 3;
	turns.cgroups = arguments + 3;
	turns.ns = zeroed(turns.count, sizeof(*turns.ns));
	for (int i = 0; i < turns.count; i++)
		turns.ns[i] = zeroed(turns.rounds, sizeof(**turns.ns));
	return turns;
}

static void join_cgroup(const char *cgroup)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d", getpid()) < 0 || fclose(file))
		err(1, "%s", path);
}

/* start and run get the number of their cgroup and are called in it; run gives ns of one time. */
static void take_turns(struct turns *turns, void (*start)(int), double (*run)(int, int))
{
	for (int i = 0; i < turns->count; i++) {
		join_cgroup(turns->cgroups[i]);
		start(i);
		run(i, turns->times);
	}
	for (int round = 0; round < turns->rounds; round++)
		for (int i = 0; i < turns->count; i++) {
			/* Each round begins with another one. */
			int turn = (round + i) % turns->count;

			join_cgroup(turns->cgroups[turn]);
			turns->ns[turn][round] = run(turn, turns->times);
		}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The name of the cgroup, its median, and median and quartiles of what compared says of both. */
static void report(const struct turns *turns, int which, double (*compared)(double first, double this),
		   int digits)
{
	int rounds = turns->rounds;
	double values[rounds], others[rounds];

	for (int i = 0; i < rounds; i++) {
		values[i] = turns->ns[which][i];
		others[i] = compared(turns->ns[0][i], values[i]);
	}
	qsort(values, (size_t)rounds, sizeof(*values), compare);
	qsort(others, (size_t)rounds, sizeof(*others), compare);
	printf("%s %.0f %.*f %.*f %.*f\n", strrchr(turns->cgroups[which], '/') + 1,
	       values[rounds / 2], digits, others[rounds / 2], digits, others[rounds / 4], digits,
	       others[3 * rounds / 4]);
}

#endif
