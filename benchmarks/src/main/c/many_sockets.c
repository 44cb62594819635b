// SPDX-License-Identifier: Apache-2.0
/*
 * Many TCP connections open at once, over loopback.
 *
 *   many_sockets SOCKETS
 *
 * Half of the sockets connect, half are accepted, in as many processes as the limit of descriptors
 * demands, each with a listener and a source address of its own; each connection carries one byte.
 * Prints "open NANOSECONDS", waits for the end of its input, closes all and prints "closed".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MOST_CONNECTIONS = 20000, /* of one process: the ports of one source address */
	OTHER_DESCRIPTORS = 64
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int tcp_socket(void)
{
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		err(1, "socket");
	return sock;
}

static int listen_somewhere(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int sock = tcp_socket();

	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(sock, (struct sockaddr *)address, length) || listen(sock, 128) ||
	    getsockname(sock, (struct sockaddr *)address, &length))
		err(1, "listen");
	return sock;
}

static void open_one(int listener, const struct sockaddr_in *server, int worker)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int one = 1, client = tcp_socket(), accepted;
	char byte = 0;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + worker);
	setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(client, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(client, (const struct sockaddr *)server, sizeof(*server)))
		err(1, "connect");
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (accepted < 0 || send(client, &byte, 1, 0) != 1 || recv(accepted, &byte, 1, 0) != 1)
		err(1, "connection");
}

/* A process: says that its connections are open, keeps them until told, and ends. */
static void work(int worker, int connections, const int ready[2], const int over[2])
{
	struct sockaddr_in server = {0};
	int listener = listen_somewhere(&server);
	char byte = 0;

	close(over[1]);
	for (int i = 0; i < connections; i++)
		open_one(listener, &server, worker);
	if (write(ready[1], &byte, 1) != 1)
		err(1, "ready");
	if (read(over[0], &byte, 1) < 0)
		err(1, "over");
	exit(0);
}

static int connections_of_one_process(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		err(1, "descriptors");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "descriptors");
	if (files.rlim_cur > 2 * MOST_CONNECTIONS + OTHER_DESCRIPTORS)
		return MOST_CONNECTIONS;
	return ((int)files.rlim_cur - OTHER_DESCRIPTORS) / 2;
}

static void wait_for_all(int workers, int ready)
{
	char byte;

	for (int i = 0; i < workers; i++)
		if (read(ready, &byte, 1) != 1)
			errx(1, "a process ended early");
}

int main(int argc, char **argv)
{
	int connections = argc == 2 ? atoi(argv[1]) / 2 : 0, most, workers = 0;
	int ready[2], over[2];
	double start;
	char byte;

	if (connections < 1)
		errx(2, "usage: many_sockets SOCKETS");
	most = connections_of_one_process();
	if (pipe2(ready, O_CLOEXEC) || pipe2(over, O_CLOEXEC))
		err(1, "pipe");
	start = now_ns();
	for (int left = connections; left > 0; left -= most, workers++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid)
			work(workers, left < most ? left : most, ready, over);
	}
	close(ready[1]);
	wait_for_all(workers, ready[0]);
	printf("open %.0f\n", now_ns() - start);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	close(over[1]);
	while (wait(NULL) > 0)
		;
	puts("closed");
	return 0;
}
