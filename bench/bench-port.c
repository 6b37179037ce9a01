/* SPDX-License-Identifier: Apache-2.0
 *
 * The baseline of the link's figures: the host's ends of three ports of a guest that runs
 * bench-init, inherited as descriptors.
 *
 *   bench-port ECHO OUT IN [BYTES]   a round trip carries BYTES each way
 */
#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_MAX 4096

struct ports {
	int echo, out, in;
	size_t message;
};

static bool round_trip(void *ctx)
{
	const struct ports *p = ctx;
	char message[MESSAGE_MAX] = {0};
	size_t got = 0;

	if (write(p->echo, message, p->message) != (ssize_t)p->message)
		return false;
	while (got < p->message) {
		ssize_t n = read(p->echo, message, p->message - got);

		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static int stream(void *ctx, bool in)
{
	const struct ports *p = ctx;

	return in ? p->in : p->out;
}

int main(int argc, char **argv)
{
	struct ports p = {.echo = -1};
	const struct bench_link link = {.round_trip = round_trip, .stream = stream, .ctx = &p};

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: bench-port ECHO OUT IN [BYTES]\n");
		return 2;
	}
	p.echo = (int)strtoul(argv[1], NULL, 10);
	p.out = (int)strtoul(argv[2], NULL, 10);
	p.in = (int)strtoul(argv[3], NULL, 10);
	p.message = argc > 4 ? strtoul(argv[4], NULL, 10) : 32;
	if (!p.message || p.message > MESSAGE_MAX) {
		fprintf(stderr, "bench-port: a message has 1 to %d bytes\n", MESSAGE_MAX);
		return 2;
	}
	return bench_serve(&link) ? 0 : 1;
}
