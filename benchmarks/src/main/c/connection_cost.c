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
#include <sys/socket.h>
#include <time.h>

#include "turns.h"

enum {
	REQUEST_BYTES = 100,
	RESPONSE_BYTES = 200
};

struct place {
	int listener;
	struct sockaddr_in address;
};

static struct place *places;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void start_listening(int number)
{
	struct place *place = &places[number];
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

static double run(int number, int connections)
{
	double start = now_ns();

	for (int i = 0; i < connections; i++)
		connect_once(&places[number]);
	return (now_ns() - start) / connections;
}

static double difference(double first, double this)
{
	return this - first;
}

int main(int argc, char **argv)
{
	struct turns turns;

	if (argc < 5)
		errx(2, "usage: connection_cost ROUNDS CONNECTIONS CPU CGROUP...");
	turns = turns_of(argc - 1, argv + 1);
	places = zeroed(turns.count, sizeof(*places));
	take_turns(&turns, start_listening, run);
	for (int i = 0; i < turns.count; i++)
		report(&turns, i, difference, 0);
	return 0;
}
