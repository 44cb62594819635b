// SPDX-License-Identifier: Apache-2.0
/*
 * How fast requests are answered over loopback in each of several cgroups, on one processor.
 *
 *   udp_exchange WORKLOAD ROUNDS EXCHANGES CPU CGROUP...
 *
 *   kept   UDP, requests of one connected socket, as of a resolver that keeps its socket
 *   fresh  UDP, each request from a socket of its own, as a resolver should (RFC 5452)
 *   tcp    TCP, requests over one connection
 *
 * A client and a server process for each cgroup exchange 40 and 120 bytes, EXCHANGES times; then it
 * is the turn of the next cgroup. Both run on one processor, and its time that the two processes
 * took is what is measured, so that a machine with other work to do disturbs less. Prints for each
 * cgroup the median time of an exchange in nanoseconds, and median and quartiles of its rate as a
 * share of the first one's in the same round.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_BYTES = 40,
	RESPONSE_BYTES = 120
};

struct place {
	const char *cgroup;
	pid_t server;
	struct sockaddr_in address;
	int client; /* the kept socket */
	double *ns; /* per exchange, one for each round */
};

static int type = SOCK_DGRAM, fresh;

static double clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		err(1, "clock_gettime");
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Processor time of both ends. */
static double used_ns(const struct place *place)
{
	clockid_t server;

	if (clock_getcpuclockid(place->server, &server))
		errx(1, "the server is gone");
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) + clock_ns(server);
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

/* Ends with its parent. */
static void serve(int bound)
{
	char buffer[RESPONSE_BYTES] = {0};
	struct sockaddr_in from;
	int one = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (type == SOCK_STREAM) {
		int accepted = accept(bound, NULL, NULL);

		setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while (recv(accepted, buffer, REQUEST_BYTES, MSG_WAITALL) == REQUEST_BYTES)
			if (send(accepted, buffer, RESPONSE_BYTES, 0) < 0)
				break;
		_exit(0);
	}
	for (;;) {
		socklen_t length = sizeof(from);

		if (recvfrom(bound, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &length) <
		    0)
			err(1, "server");
		sendto(bound, buffer, RESPONSE_BYTES, 0, (struct sockaddr *)&from, length);
	}
}

static int dial(const struct place *place)
{
	int one = 1, client = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (client < 0 ||
	    connect(client, (const struct sockaddr *)&place->address, sizeof(place->address)))
		err(1, "cannot connect");
	if (type == SOCK_STREAM)
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return client;
}

static void start(struct place *place)
{
	socklen_t length = sizeof(place->address);
	int bound;

	join_cgroup(place->cgroup);
	bound = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	place->address.sin_family = AF_INET;
	place->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bound < 0 || bind(bound, (struct sockaddr *)&place->address, length) ||
	    (type == SOCK_STREAM && listen(bound, 16)) ||
	    getsockname(bound, (struct sockaddr *)&place->address, &length))
		err(1, "cannot serve on loopback");
	place->server = fork();
	if (place->server < 0)
		err(1, "fork");
	if (!place->server)
		serve(bound);
	close(bound);
	place->client = dial(place);
}

static void exchange(int client)
{
	char buffer[RESPONSE_BYTES] = {0};

	if (send(client, buffer, REQUEST_BYTES, 0) != REQUEST_BYTES ||
	    recv(client, buffer, RESPONSE_BYTES, MSG_WAITALL) != RESPONSE_BYTES)
		err(1, "cannot exchange");
}

static double run(const struct place *place, int exchanges)
{
	double begin = used_ns(place);

	for (int i = 0; i < exchanges; i++) {
		int client = fresh ? dial(place) : place->client;

		exchange(client);
		if (fresh)
			close(client);
	}
	return (used_ns(place) - begin) / exchanges;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const struct place *place, const struct place *first, int rounds)
{
	double values[rounds], share[rounds];

	for (int i = 0; i < rounds; i++) {
		values[i] = place->ns[i];
		share[i] = first->ns[i] / place->ns[i];
	}
	qsort(values, (size_t)rounds, sizeof(*values), compare);
	qsort(share, (size_t)rounds, sizeof(*share), compare);
	printf("%s %.0f %.3f %.3f %.3f\n", strrchr(place->cgroup, '/') + 1, values[rounds / 2],
	       share[rounds / 2], share[rounds / 4], share[3 * rounds / 4]);
}

int main(int argc, char **argv)
{
	int count = argc - 5, rounds, exchanges;
	struct place *places;
	cpu_set_t cpus;

	if (count < 1)
		errx(2, "usage: udp_exchange kept|fresh|tcp ROUNDS EXCHANGES CPU CGROUP...");
	fresh = !strcmp(argv[1], "fresh");
	if (!strcmp(argv[1], "tcp"))
		type = SOCK_STREAM;
	rounds = atoi(argv[2]);
	exchanges = atoi(argv[3]);
	if (rounds < 1 || rounds > 10000 || exchanges < 1 || exchanges > 100000)
		errx(2, "1 to 10000 rounds of 1 to 100000 exchanges");
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[4]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "processor %s", argv[4]);
	places = calloc((size_t)count, sizeof(*places));
	if (!places)
		err(1, "memory");
	for (int i = 0; i < count; i++) {
		places[i].cgroup = argv[5 + i];
		places[i].ns = calloc((size_t)rounds, sizeof(double));
		if (!places[i].ns)
			err(1, "memory");
		start(&places[i]);
		run(&places[i], exchanges);
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++) {
			/* Each round begins with another one. */
			struct place *place = &places[(round + i) % count];

			join_cgroup(place->cgroup);
			place->ns[round] = run(place, exchanges);
		}
	for (int i = 0; i < count; i++)
		report(&places[i], &places[0], rounds);
	for (int i = 0; i < count; i++) {
		kill(places[i].server, SIGKILL);
		waitpid(places[i].server, NULL, 0);
	}
	return 0;
}
