/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of measure.h: plain blocking reads and writes.
 */
#define _GNU_SOURCE
#include "measure.h"

#include "base/os.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX 100000
#define PIECE ((size_t)256 << 10)
/* Before counting begins: what buffers on the way take or hold has no part in the rate. */
#define WARM_UP_MS 200

static char piece[PIECE];

static bool failed(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerrordesc_np(errno));
	return false;
}

/* Returns how much, or -1. */
static ssize_t move(int fd, bool in)
{
	ssize_t n;

	do
		n = in ? write(fd, piece, sizeof(piece)) : read(fd, piece, sizeof(piece));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ECONNRESET;
	return n > 0 ? n : -1;
}

static bool move_for(int fd, bool in, uint64_t ms, uint64_t *ret_bytes, uint64_t *ret_ns)
{
	uint64_t start = hull_now_ns(), now = start, bytes = 0;

	while (now - start < ms * HULL_NS_PER_MS) {
		ssize_t n = move(fd, in);

		if (n < 0)
			return failed("stream");
		bytes += (uint64_t)n;
		now = hull_now_ns();
	}
	*ret_bytes = bytes;
	*ret_ns = now - start;
	return true;
}

static bool measure_stream(const struct bench_link *link, bool in, uint64_t ms)
{
	int fd = link->stream(link->ctx, in);
	uint64_t bytes, ns;

	if (fd < 0 || !move_for(fd, in, WARM_UP_MS, &bytes, &ns) ||
	    !move_for(fd, in, ms, &bytes, &ns))
		return false;
	printf("{\"bytes\": %" PRIu64 ", \"ns\": %" PRIu64 "}\n", bytes, ns);
	return true;
}

/* A process that keeps the stream busy until it is killed. */
static pid_t saturate(const struct bench_link *link, bool in)
{
	int fd = link->stream(link->ctx, in);
	pid_t pid = fd < 0 ? -1 : fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (move(fd, in) > 0)
		;
	_exit(1);
}

static bool measure_calls(const struct bench_link *link, size_t n, pid_t load)
{
	static uint64_t ns[CALLS_MAX];
	bool ok = n > 0 && n <= CALLS_MAX;

	if (load > 0)
		(void)usleep(WARM_UP_MS * 1000);
	for (size_t i = 0; ok && i < n; i++) {
		uint64_t start = hull_now_ns();

		ok = link->round_trip(link->ctx);
		ns[i] = hull_now_ns() - start;
	}
	if (!ok)
		return failed("call");
	printf("{\"ns\": [");
	for (size_t i = 0; i < n; i++)
		printf("%s%" PRIu64, i ? ", " : "", ns[i]);
	printf("]}\n");
	return true;
}

static bool measure_calls_beside(const struct bench_link *link, size_t n, bool in)
{
	pid_t load = saturate(link, in);
	int status = 0;
	bool ok;

	if (load < 0)
		return failed("saturate the link");
	ok = measure_calls(link, n, load);
	if (waitpid(load, &status, WNOHANG) != 0) {
		fprintf(stderr, "bench: the stream broke down\n");
		return false;
	}
	(void)kill(load, SIGKILL);
	(void)waitpid(load, &status, 0);
	return ok;
}

static bool serve(const struct bench_link *link, const char *line)
{
	char verb[16] = "", load[16] = "";
	unsigned int n = 0;

	(void)sscanf(line, "%15s %u %15s", verb, &n, load);
	if (!strcmp(verb, "out") || !strcmp(verb, "in"))
		return measure_stream(link, !strcmp(verb, "in"), n);
	if (!strcmp(verb, "calls") && !*load)
		return measure_calls(link, n, 0);
	if (!strcmp(verb, "calls"))
		return measure_calls_beside(link, n, !strcmp(load, "in"));
	if (link->other)
		return link->other(link->ctx, verb);
	fprintf(stderr, "bench: unknown command '%s'\n", verb);
	return false;
}

bool bench_serve(const struct bench_link *link)
{
	char line[128];

	(void)signal(SIGPIPE, SIG_IGN);
	while (fgets(line, sizeof(line), stdin)) {
		if (!serve(link, line))
			return false;
		(void)fflush(stdout);
	}
	return true;
}
