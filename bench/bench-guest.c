/* SPDX-License-Identifier: Apache-2.0
 *
 * What is measured from within a guest, by the same program in hull's guests and those by hand, and
 * on the host as the other end.  Answers are lines of JSON.
 *
 *   bench-guest time COMMAND...     runs it: {"ns": n}
 *   bench-guest net ADDRESS PORT    connects twice and fills the first connection, then empties
 *                                   the second: {"bytes": n, "ns": n}, of the second
 *   bench-guest serve               the other end, on a port of the host's loopback: {"port": n}
 *                                   at once, and at the end the same of the first connection
 *
 * Rates are those of the receiver.  A connection carries TRANSFER bytes, or as many as come through
 * in TRANSFER_MS.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRANSFER (UINT64_C(1) << 30)
#define TRANSFER_MS 5000
/* Before counting begins: windows grow, and buffers on the way fill. */
#define WARM_UP_MS 200
#define NS_PER_MS UINT64_C(1000000)
#define PIECE ((size_t)256 << 10)

static char piece[PIECE];

static int give_up(const char *what)
{
	fprintf(stderr, "bench-guest: %s: %s\n", what, strerrordesc_np(errno));
	return 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * NS_PER_MS + (uint64_t)t.tv_nsec;
}

static int time_command(char **argv)
{
	uint64_t start = now_ns();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* Standard output is the answer's. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(give_up(argv[0]));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return give_up("run the command");
	if (status) {
		fprintf(stderr, "bench-guest: '%s' ended with %#x\n", argv[0],
			(unsigned int)status);
		return 1;
	}
	printf("{\"ns\": %" PRIu64 "}\n", now_ns() - start);
	return 0;
}

/* ---- the network ---- */

static bool fill(int fd)
{
	uint64_t end = now_ns() + (WARM_UP_MS + TRANSFER_MS) * NS_PER_MS, bytes = 0;

	while (bytes < TRANSFER && now_ns() < end) {
		ssize_t n = write(fd, piece, sizeof(piece));

		if (n < 0)
			return false;
		bytes += (uint64_t)n;
	}
	return true;
}

/* Prints what came after the time to warm up. */
static bool drain(int fd)
{
	uint64_t first = 0, start = 0, now = 0, bytes = 0;
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		now = now_ns();
		if (!first)
			first = now;
		if (start)
			bytes += (uint64_t)n;
		else if (now - first >= WARM_UP_MS * NS_PER_MS)
			start = now;
	}
	if (n < 0)
		return false;
	printf("{\"bytes\": %" PRIu64 ", \"ns\": %" PRIu64 "}\n", bytes, now - start);
	return true;
}

static int connect_to(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int be_guest(const char *address, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int out, in;

	to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return give_up(address);
	out = connect_to(&to);
	if (out < 0 || !fill(out))
		return give_up("fill a connection");
	close(out);
	in = connect_to(&to);
	if (in < 0 || !drain(in))
		return give_up("empty a connection");
	return 0;
}

static int serve(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), in, out;
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 2) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return give_up("listen");
	printf("{\"port\": %u}\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	in = accept(fd, NULL, NULL);
	if (in < 0 || !drain(in))
		return give_up("empty a connection");
	(void)fflush(stdout);
	close(in);
	out = accept(fd, NULL, NULL);
	if (out < 0 || !fill(out))
		return give_up("fill a connection");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "time"))
		return time_command(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "net"))
		return be_guest(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	fprintf(stderr, "usage: bench-guest time COMMAND... | net ADDRESS PORT | serve\n");
	return 2;
}
