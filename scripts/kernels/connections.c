// SPDX-License-Identifier: Apache-2.0
/*
 * Makes TCP connections, and UDP flows, over loopback whose number, ends and bytes are known, and
 * prints what an observer must have seen of them, one line each:
 *
 *   record PORT ADDRESS DIRECTION TERMINATION RECORDS BYTES_SENT BYTES_RECEIVED
 *   sums PORT REPORTER OPENED CLOSED FAILED BYTES_SENT BYTES_RECEIVED
 *
 * It works in steps and waits for a line on its input before each:
 *   1  (at once)    connections that are to be older than the observer
 *   2  the suite, and connections that stay open
 *   3  the end of both
 * After each step it prints "step N done". One thread is both ends, so nothing depends on timing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SUITE_PORT = 20011,
	REFUSED_PORT = 20021,
	OLDER_PORT = 20023,
	OPEN_PORT = 20029,
	UDP_PORT = 20031
};
enum {
	OLDER = 3,
	OPEN = 5,
	UDP_CLIENTS = 13,
	LONGEST = 19993
};

enum end {
	CLIENT_FIN,
	CLIENT_RST,
	HALF_CLOSE,
	SERVER_FIN,
	SERVER_RST,
	REFUSED,
	ENDS
};

/* How the client's record and the server's name each end; a half-close is the client's FIN. */
static const char *const terminations[ENDS][2] = {
	[CLIENT_FIN] = {"fin_local", "fin_remote"},
	[CLIENT_RST] = {"reset_local", "reset_remote"},
	[SERVER_FIN] = {"fin_remote", "fin_local"},
	[SERVER_RST] = {"reset_remote", "reset_local"},
};

/* Primes, with a prime sum, 311: no mistake by a constant or a factor looks right. */
static const int how_many[2][ENDS] = {{101, 31, 29, 23, 19, 17}, {53, 13, 11, 7, 5, 2}};
static const int families[2] = {AF_INET, AF_INET6};
static const char *const addresses[2] = {"127.0.0.1", "::1"};

struct pair {
	int client;
	int server;
};

struct totals {
	long opened, failed, sent, received;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static socklen_t address_of(int family, int port, struct sockaddr_storage *address)
{
	struct sockaddr_in6 *in6 = (void *)address;
	struct sockaddr_in *in = (void *)address;

	memset(address, 0, sizeof(*address));
	if (family == AF_INET6) {
		*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					     .sin6_port = htons(port),
					     .sin6_addr = in6addr_loopback};
		return sizeof(*in6);
	}
	*in = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return sizeof(*in);
}

static int bound(int family, int port)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(family, port, &address);
	int one = 1, fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&address, length))
		die("bind");
	return fd;
}

static int listening(int family, int port)
{
	int fd = bound(family, port);

	if (listen(fd, 16))
		die("listen");
	return fd;
}

/* The error of connect(2), 0 for none. */
static int dial(int family, int port, int *fd)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(family, port, &address);

	*fd = socket(family, SOCK_STREAM, 0);
	if (*fd < 0)
		die("socket");
	return connect(*fd, (void *)&address, length) ? errno : 0;
}

static struct pair connected(int family, int port, int listener)
{
	struct pair pair;

	if (dial(family, port, &pair.client))
		die("connect");
	pair.server = accept(listener, NULL, NULL);
	if (pair.server < 0)
		die("accept");
	return pair;
}

static void carry(int from, int to, int bytes)
{
	static char buffer[LONGEST];
	ssize_t n;

	if (write(from, buffer, bytes) != bytes)
		die("write");
	for (; bytes > 0; bytes -= n) {
		n = read(to, buffer, bytes);
		if (n <= 0)
			die("read");
	}
}

static void expect_end(int fd, int error)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	if (error ? n >= 0 || errno != error : n != 0)
		die("expected another end");
}

/* The first closes in order, then the second, which has seen it. */
static void fin(int first, int second)
{
	close(first);
	expect_end(second, 0);
	close(second);
}

static void rst(int first, int second)
{
	struct linger at_once = {.l_onoff = 1};

	setsockopt(first, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(first);
	expect_end(second, ECONNRESET);
	close(second);
}

/* Bytes of the client and of the server in the n-th connection of a kind. */
static int bytes_there(enum end end, int n)
{
	return n == 1 ? LONGEST : 101 + 13 * n + 7 * (int)end;
}

static int bytes_back(enum end end, int n)
{
	return n == 2 ? LONGEST : 211 + 3 * n + 5 * (int)end;
}

static void talk_and_end(struct pair pair, enum end end, int there, int back)
{
	carry(pair.client, pair.server, there);
	if (end == HALF_CLOSE) {
		shutdown(pair.client, SHUT_WR);
		expect_end(pair.server, 0);
	}
	carry(pair.server, pair.client, back);
	switch (end) {
	case CLIENT_FIN:
		fin(pair.client, pair.server);
		break;
	case CLIENT_RST:
		rst(pair.client, pair.server);
		break;
	case SERVER_RST:
		rst(pair.server, pair.client);
		break;
	default:
		fin(pair.server, pair.client);
		break;
	}
}

static void print_records(int port, int family, const char *direction, const char *termination,
			  struct totals *totals)
{
	printf("record %d %s %s %s %ld %ld %ld\n", port, addresses[family], direction, termination,
	       totals->opened + totals->failed, totals->sent, totals->received);
}

static void print_sums(int port, const char *reporter, const struct totals *totals, bool closed)
{
	printf("sums %d %s %ld %ld %ld %ld %ld\n", port, reporter, totals->opened,
	       closed ? totals->opened : 0, totals->failed, totals->sent, totals->received);
}

/* What the other end has seen of the same connections. */
static struct totals other_end(const struct totals *client)
{
	return (struct totals){
		.opened = client->opened, .sent = client->received, .received = client->sent};
}

static void add(struct totals *to, const struct totals *more)
{
	to->opened += more->opened;
	to->failed += more->failed;
	to->sent += more->sent;
	to->received += more->received;
}

static struct totals make_kind(int family, enum end end, int listener)
{
	struct totals made = {0};
	int fd;

	for (int n = 0; n < how_many[family][end]; n++) {
		if (end == REFUSED) {
			if (dial(families[family], REFUSED_PORT, &fd) != ECONNREFUSED)
				die("expected a refusal");
			close(fd);
			made.failed++;
			continue;
		}
		talk_and_end(connected(families[family], SUITE_PORT, listener), end,
			     bytes_there(end, n), bytes_back(end, n));
		made.opened++;
		made.sent += bytes_there(end, n);
		made.received += bytes_back(end, n);
	}
	return made;
}

static void suite(void)
{
	struct totals clients = {0}, refused = {0}, servers;

	for (int family = 0; family < 2; family++) {
		/* Bound and not listening: nobody else can take the port. */
		int nobody = bound(families[family], REFUSED_PORT);
		int listener = listening(families[family], SUITE_PORT);
		struct totals kinds[ENDS];

		for (enum end end = 0; end < ENDS; end++)
			kinds[end] = make_kind(family, end, listener);
		close(listener);
		close(nobody);
		print_records(REFUSED_PORT, family, "outbound", "refused", &kinds[REFUSED]);
		add(&refused, &kinds[REFUSED]);
		add(&kinds[CLIENT_FIN], &kinds[HALF_CLOSE]);
		for (enum end end = 0; end < REFUSED; end++) {
			if (end == HALF_CLOSE)
				continue;
			servers = other_end(&kinds[end]);
			print_records(SUITE_PORT, family, "outbound", terminations[end][0],
				      &kinds[end]);
			print_records(SUITE_PORT, family, "inbound", terminations[end][1],
				      &servers);
			add(&clients, &kinds[end]);
		}
	}
	servers = other_end(&clients);
	print_sums(SUITE_PORT, "source", &clients, true);
	print_sums(SUITE_PORT, "destination", &servers, true);
	print_sums(REFUSED_PORT, "source", &refused, true);
}

static void say(int from, int to, int bytes, const struct sockaddr_storage *peer, socklen_t length)
{
	static char buffer[LONGEST];

	if (sendto(from, buffer, (size_t)bytes, 0, (const void *)peer, length) != bytes ||
	    recv(to, buffer, sizeof(buffer), 0) != bytes)
		die("datagram");
}

/* A server's one socket, and clients that connect theirs; each says more than the one before. */
static void udp_suite(void)
{
	struct totals both = {0}, back;

	for (int family = 0; family < 2; family++) {
		struct totals clients = {.opened = UDP_CLIENTS}, servers;
		struct sockaddr_storage server_at, client_at;
		socklen_t length = address_of(families[family], UDP_PORT, &server_at);
		int server = socket(families[family], SOCK_DGRAM, 0), client;

		if (server < 0 || bind(server, (void *)&server_at, length))
			die("UDP server");
		for (int n = 0; n < UDP_CLIENTS; n++) {
			socklen_t client_length = sizeof(client_at);

			client = socket(families[family], SOCK_DGRAM, 0);
			if (client < 0 || connect(client, (void *)&server_at, length) ||
			    getsockname(client, (void *)&client_at, &client_length))
				die("UDP client");
			for (int i = 0; i <= n; i++) {
				say(client, server, 31 * n, NULL, 0);
				say(server, client, 101, &client_at, client_length);
				clients.sent += 31 * n;
				clients.received += 101;
			}
			close(client);
		}
		close(server);
		servers = other_end(&clients);
		print_records(UDP_PORT, family, "outbound", "closed", &clients);
		print_records(UDP_PORT, family, "inbound", "closed", &servers);
		add(&both, &clients);
	}
	back = other_end(&both);
	/* The sums of UDP know of bytes and datagrams only. */
	both.opened = back.opened = 0;
	print_sums(UDP_PORT, "source", &both, true);
	print_sums(UDP_PORT, "destination", &back, true);
}

static void step_done(int step)
{
	char line[16];

	printf("step %d done\n", step);
	fflush(stdout);
	if (step < 3 && !fgets(line, sizeof(line), stdin))
		exit(1);
}

static void make_open(struct pair *pairs, int count, int port, int there, int back)
{
	int listener = listening(AF_INET, port);

	for (int n = 0; n < count; n++) {
		pairs[n] = connected(AF_INET, port, listener);
		carry(pairs[n].client, pairs[n].server, there);
		carry(pairs[n].server, pairs[n].client, back);
	}
	close(listener);
}

static void end_open(struct pair *pairs, int count, int port, struct totals clients)
{
	struct totals servers = other_end(&clients);

	for (int n = 0; n < count; n++)
		fin(pairs[n].client, pairs[n].server);
	print_records(port, 0, "outbound", "fin_local", &clients);
	print_records(port, 0, "inbound", "fin_remote", &servers);
	print_sums(port, "source", &clients, true);
	print_sums(port, "destination", &servers, true);
}

int main(void)
{
	struct pair older[OLDER], open[OPEN];
	struct totals in_open = {.opened = OPEN, .sent = OPEN * 2003, .received = OPEN * 307};
	/* An observer that adopts begins to count at its start. */
	struct totals in_older = {.opened = OLDER, .sent = OLDER * 503, .received = OLDER * 59};
	struct totals servers = other_end(&in_open);

	make_open(older, OLDER, OLDER_PORT, 1009, 83);
	step_done(1);
	suite();
	udp_suite();
	make_open(open, OPEN, OPEN_PORT, 2003, 307);
	print_sums(OPEN_PORT, "source", &in_open, false);
	print_sums(OPEN_PORT, "destination", &servers, false);
	step_done(2);
	end_open(open, OPEN, OPEN_PORT, in_open);
	for (int n = 0; n < OLDER; n++) {
		carry(older[n].client, older[n].server, 503);
		carry(older[n].server, older[n].client, 59);
	}
	end_open(older, OLDER, OLDER_PORT, in_older);
	step_done(3);
	return 0;
}
