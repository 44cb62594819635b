// SPDX-License-Identifier: Apache-2.0
/*
 * What one TCP connection costs in each of several cgroups, on one processor.
 *
 *   connection_cost ROUNDS CONNECTIONS CPU CGROUP...
 *
 * One thread connects to itself over loopback, exchanges 100 and 200 bytes and closes both ends,
 * server first, CONNECTIONS times; then it moves to the next cgroup. All the work of both ends,
 * softirqs included, happens in this thread, and the cgroups take turns every few milliseconds, so
 * that a difference of a hundred nanoseconds shows on a machine whose speed drifts by a tenth.
 * Prints for each cgroup the median over the rounds, and the median and quartiles of the difference
 * to the first one in the same round, in nanoseconds per connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_BYTES = 100,
	RESPONSE_BYTES = 200
};

struct place {
	const char *cgroup;
	int listener;
	struct sockaddr_in address;
	double *ns; /* per connection, one for each round */
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
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

static void start_listening(struct place *place)
{
	socklen_t length = sizeof(place->address);

	place->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	place->address.sin_family = AF_INET;
	place->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (place->listener < 0 ||
	    bind(place->listener, (struct sockaddr *)&place->address, length) ||
	    listen(place->listener, 128) ||
	    getsockname(place->listener, (struct sockaddr *)&place->address, &length))
		err(1, "cannot listen on loopback");
}

static void move_bytes(int from, int to, char *buffer, ssize_t count)
{
	if (write(from, buffer, (size_t)count) != count ||
	    recv(to, buffer, (size_t)count, MSG_WAITALL) != count)
		err(1, "cannot exchange bytes");
}

static void connect_once(const struct place *place)
{
	char buffer[RESPONSE_BYTES] = {0};
	int client, server;

	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0 ||
	    connect(client, (const struct sockaddr *)&place->address, sizeof(place->address)))
		err(1, "cannot connect");
	server = accept(place->listener, NULL, NULL);
	if (server < 0)
		err(1, "cannot accept");
	move_bytes(client, server, buffer, REQUEST_BYTES);
	move_bytes(server, client, buffer, RESPONSE_BYTES);
	close(server);
	if (read(client, buffer, 1) != 0)
		err(1, "the server's end did not close");
	close(client);
}

static double run(const struct place *place, int connections)
{
	double start = now_ns();

	for (int i = 0; i < connections; i++)
		connect_once(place);
	return (now_ns() - start) / connections;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const struct place *place, const struct place *first, int rounds)
{
	double values[rounds], extra[rounds];

	for (int i = 0; i < rounds; i++) {
		values[i] = place->ns[i];
		extra[i] = place->ns[i] - first->ns[i];
	}
	qsort(values, (size_t)rounds, sizeof(*values), compare);
	qsort(extra, (size_t)rounds, sizeof(*extra), compare);
	printf("%s %.0f %.0f %.0f %.0f\n", strrchr(place->cgroup, '/') + 1, values[rounds / 2],
	       extra[rounds / 2], extra[rounds / 4], extra[3 * rounds / 4]);
}

int main(int argc, char **argv)
{
	int count = argc - 4, rounds, connections;
	struct place *places;
	cpu_set_t cpus;

	if (count < 1)
		errx(2, "usage: connection_cost ROUNDS CONNECTIONS CPU CGROUP...");
	rounds = atoi(argv[1]);
	connections = atoi(argv[2]);
	if (rounds < 1 || rounds > 10000 || connections < 1 || connections > 100000)
		errx(2, "1 to 10000 rounds of 1 to 100000 connections");
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[3]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "processor %s", argv[3]);
	places = calloc((size_t)count, sizeof(*places));
	if (!places)
		err(1, "memory");
	for (int i = 0; i < count; i++) {
		places[i].cgroup = argv[4 + i];
		places[i].ns = calloc((size_t)rounds, sizeof(double));
		if (!places[i].ns)
			err(1, "memory");
		join_cgroup(places[i].cgroup);
		start_listening(&places[i]);
		run(&places[i], connections);
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++) {
			/* Each round begins with another one. */
			struct place *place = &places[(round + i) % count];

			join_cgroup(place->cgroup);
			place->ns[round] = run(place, connections);
		}
	for (int i = 0; i < count; i++)
		report(&places[i], &places[0], rounds);
	return 0;
}
