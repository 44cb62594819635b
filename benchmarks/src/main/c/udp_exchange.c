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
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "turns.h"

enum {
	REQUEST_BYTES = 40,
	RESPONSE_BYTES = 120
};

struct place {
	pid_t server;
	struct sockaddr_in address;
	int client; /* the kept socket */
};

static struct place *places;
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

static void start(int number)
{
	struct place *place = &places[number];
	socklen_t length = sizeof(place->address);
	int bound;

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

static double run(int number, int exchanges)
{
	const struct place *place = &places[number];
	double begin = used_ns(place);

	for (int i = 0; i < exchanges; i++) {
		int client = fresh ? dial(place) : place->client;

		exchange(client);
		if (fresh)
			close(client);
	}
	return (used_ns(place) - begin) / exchanges;
}

static double share(double first, double this)
{
	return first / this;
}

int main(int argc, char **argv)
{
	struct turns turns;

	if (argc < 6)
		errx(2, "usage: udp_exchange kept|fresh|tcp ROUNDS EXCHANGES CPU CGROUP...");
	fresh = !strcmp(argv[1], "fresh");
	if (!strcmp(argv[1], "tcp"))
		type = SOCK_STREAM;
	turns = turns_of(argc - 2, argv + 2);
	places = zeroed(turns.count, sizeof(*places));
	take_turns(&turns, start, run);
	for (int i = 0; i < turns.count; i++) {
		report(&turns, i, share, 3);
		kill(places[i].server, SIGKILL);
		waitpid(places[i].server, NULL, 0);
	}
	return 0;
}
