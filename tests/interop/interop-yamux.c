/* SPDX-License-Identifier: Apache-2.0
 *
 * One end of a yamux session, for tests against another implementation (yamux/main.go):
 *
 *   interop-yamux FD client|server SCENARIO
 *
 * Serves the streams that the peer opens, does its own part of the scenario, says so by opening a
 * stream "d", and ends with the connection; exit status 0 if all was as it must be.
 *
 * A stream begins with a letter and two big-endian numbers, seed and length:
 *   x  @length bytes made from @seed, half-close; the answer is as long, made from @seed + 1
 *   z  the same, but the acceptor takes nothing before it has seen a stream w
 *   w  half-closed at once by both
 *   h  never half-closed by the acceptor
 *   q  the answer is one byte: how many streams the peer has reset so far
 *   a  the opener accepts no more streams; so does the acceptor from now on
 *   d  the opener has nothing more to do
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "proto/yamux.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LIFETIME_S 60
#define HEAD_LEN 9
#define MANY 64
#define LARGE ((uint32_t)64 << 20)
#define RESET_AFTER ((uint32_t)1 << 20)

struct job {
	struct hull_yamux_stream *s; /* NULL: free */
	bool ours;
	char kind;
	uint32_t seed, len;
	uint8_t head[HEAD_LEN];
	size_t n_head; /* of it sent or received */
	uint32_t sent, received;
	size_t unused;
	uint32_t reset_after; /* close when that much has been sent */
	bool eof, shut;
};

struct peer {
	int fd;
	struct hull_yamux *y;
	struct job jobs[HULL_YAMUX_STREAMS_MAX];
	size_t open;	      /* jobs of ours that go on */
	unsigned char resets; /* by the peer */
	bool awake, done, away;
};

static _Noreturn void die(const char *what, const struct job *j)
{
	fprintf(stderr, "interop-yamux: %s", what);
	if (j)
		fprintf(stderr, " (%s stream %c, seed %u: sent %u, received %u of %u)",
			j->ours ? "own" : "peer's", j->kind, j->seed, j->sent, j->received, j->len);
	fprintf(stderr, "\n");
	exit(1);
}

static uint8_t content(uint32_t seed, uint32_t at)
{
	return (uint8_t)((at * 2654435761u + seed * 40503u) >> 15);
}

static struct job *job_new(struct peer *p, struct hull_yamux_stream *s, bool ours)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->jobs); i++)
		if (!p->jobs[i].s) {
			p->jobs[i] = (struct job){.s = s, .ours = ours};
			hull_yamux_set_user(s, &p->jobs[i]);
			p->open += ours;
			return &p->jobs[i];
		}
	die("too many streams", NULL);
}

static void job_free(struct peer *p, struct job *j)
{
	p->open -= j->ours;
	j->s = NULL;
}

static void job_close(struct peer *p, struct job *j)
{
	hull_yamux_close(j->s);
	job_free(p, j);
}

/* What this end has to send on it. */
static uint32_t goal(const struct job *j)
{
	return j->kind == 'x' || j->kind == 'z' ? j->len : 0;
}

static void finish(struct peer *p, struct job *j)
{
	if (!j->shut && j->sent == goal(j) && (j->ours || j->kind != 'h')) {
		j->shut = true;
		hull_yamux_shutdown(j->s);
	}
	if (!j->shut || !j->eof)
		return;
	if (j->received != goal(j) && j->kind != 'q')
		die("ended early", j);
	job_close(p, j);
}

/* Sends what goes; both ways of doing it have their streams. */
static void pump(struct peer *p, struct job *j)
{
	static uint8_t buf[100000];
	const uint32_t seed = j->ours ? j->seed : j->seed + 1;

	if (j->ours && j->n_head < HEAD_LEN)
		j->n_head +=
			(size_t)hull_yamux_write(j->s, j->head + j->n_head, HEAD_LEN - j->n_head);
	if (j->n_head < HEAD_LEN)
		return;
	while (j->sent < goal(j)) {
		size_t room = sizeof(buf), n;
		uint8_t *to = buf;

		if (j->reset_after && j->sent >= j->reset_after) {
			job_close(p, j);
			return;
		}
		if (seed % 3)
			to = hull_yamux_reserve(j->s, &room);
		n = MIN(room, goal(j) - j->sent);
		if (!n)
			return;
		for (size_t i = 0; i < n; i++)
			to[i] = content(seed, j->sent + (uint32_t)i);
		if (seed % 3) {
			hull_yamux_commit(j->s, n);
			j->sent += (uint32_t)n;
			continue;
		}
		room = n;
		n = (size_t)hull_yamux_write(j->s, buf, n);
		j->sent += (uint32_t)n;
		if (n < room)
			return;
	}
	finish(p, j);
}

static void start(struct peer *p, char kind, uint32_t seed, uint32_t len, uint32_t reset_after)
{
	struct hull_yamux_stream *s;
	uint32_t numbers[2] = {htobe32(seed), htobe32(len)};
	struct job *j;

	if (hull_yamux_open(p->y, &s, NULL) < 0)
		die("can't open a stream", NULL);
	j = job_new(p, s, true);
	j->kind = kind;
	j->seed = seed;
	j->len = len;
	j->reset_after = reset_after;
	j->head[0] = (uint8_t)kind;
	memcpy(j->head + 1, numbers, sizeof(numbers));
	pump(p, j);
}

/* ---- the peer's streams ---- */

static void wake(struct peer *p)
{
	p->awake = true;
	for (size_t i = 0; i < ARRAY_SIZE(p->jobs); i++) {
		struct job *j = &p->jobs[i];

		if (!j->s || j->ours || j->kind != 'z')
			continue;
		if (j->received + HEAD_LEN != HULL_YAMUX_WINDOW)
			die("the sleeper's window is not used up", j);
		hull_yamux_consume(j->s, j->unused);
		j->unused = 0;
	}
}

static void go_away(struct peer *p, struct job *j)
{
	struct hull_yamux_stream *s;

	p->away = true;
	if (hull_yamux_open(p->y, &s, NULL) == 0)
		die("opened a stream after the peer's go away", j);
	hull_yamux_go_away(p->y);
}

/* The head of a stream of the peer's is complete. */
static void serve(struct peer *p, struct job *j)
{
	uint32_t numbers[2];

	memcpy(numbers, j->head + 1, sizeof(numbers));
	j->kind = (char)j->head[0];
	j->seed = be32toh(numbers[0]);
	j->len = be32toh(numbers[1]);
	switch (j->kind) {
	case 'w':
		wake(p);
		break;
	case 'q':
		if (hull_yamux_write(j->s, &p->resets, 1) != 1)
			die("no room for an answer", j);
		break;
	case 'a':
		go_away(p, j);
		break;
	case 'x':
	case 'z':
	case 'h':
		break;
	default:
		die("unknown kind of stream", j);
	}
	pump(p, j);
}

static bool on_accept(void *ctx, struct hull_yamux_stream *s)
{
	job_new(ctx, s, false);
	return true;
}

static void on_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	struct peer *p = ctx;
	struct job *j = hull_yamux_user(s);
	const uint8_t *b = data;
	const uint32_t seed = j->ours ? j->seed + 1 : j->seed;

	if (!j->ours && j->n_head < HEAD_LEN) {
		size_t n = MIN(len, HEAD_LEN - j->n_head);

		memcpy(j->head + j->n_head, b, n);
		j->n_head += n;
		b += n;
		len -= n;
		hull_yamux_consume(s, n);
		if (j->n_head == HEAD_LEN)
			serve(p, j);
	}
	if (!len)
		return;
	if (j->ours && j->kind == 'q' && *b == 0)
		die("the peer saw no reset", j);
	for (size_t i = 0; i < len && goal(j); i++)
		if (b[i] != content(seed, j->received + (uint32_t)i))
			die("content differs", j);
	j->received += (uint32_t)len;
	if (!j->ours && j->kind == 'z' && !p->awake)
		j->unused += len;
	else
		hull_yamux_consume(s, len);
}

static void on_eof(void *ctx, struct hull_yamux_stream *s)
{
	struct job *j = hull_yamux_user(s);

	j->eof = true;
	finish(ctx, j);
}

static void on_reset(void *ctx, struct hull_yamux_stream *s)
{
	struct peer *p = ctx;
	struct job *j = hull_yamux_user(s);

	if (j->ours || j->kind != 'h')
		die("reset by the peer", j);
	p->resets++;
	job_free(p, j);
}

static void on_writable(void *ctx, struct hull_yamux_stream *s)
{
	pump(ctx, hull_yamux_user(s));
}

static const struct hull_yamux_ops ops = {
	.accept = on_accept,
	.data = on_data,
	.eof = on_eof,
	.reset = on_reset,
	.writable = on_writable,
};

/* ---- scenarios ---- */

static void begin(struct peer *p, const char *scenario)
{
	if (!strcmp(scenario, "many"))
		for (uint32_t i = 0; i < MANY; i++)
			start(p, 'x', i, i * i * 77, 0);
	else if (!strcmp(scenario, "large"))
		start(p, 'x', 1, LARGE, 0);
	else if (!strcmp(scenario, "reset"))
		start(p, 'x', 1, LARGE, RESET_AFTER);
	else if (!strcmp(scenario, "slow")) {
		start(p, 'z', 1, RESET_AFTER, 0);
		for (uint32_t i = 2; i < 10; i++)
			start(p, 'x', i, RESET_AFTER, 0);
	} else if (!strcmp(scenario, "away"))
		p->done = true;
	else if (strcmp(scenario, "ping") != 0)
		die("no such scenario", NULL);
}

/* The first part of the scenario is over: the rest, then the word that it is. */
static void go_on(struct peer *p, const char *scenario, unsigned int round)
{
	if (round == 0 && !strcmp(scenario, "reset")) {
		start(p, 'q', 0, 0, 0);
		return;
	}
	if (round == 0 && !strcmp(scenario, "slow")) {
		struct job *z = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(p->jobs); i++)
			if (p->jobs[i].s && p->jobs[i].ours)
				z = &p->jobs[i];
		if (!z || z->kind != 'z' || z->sent + HEAD_LEN != HULL_YAMUX_WINDOW)
			die("the slow reader's window is not used up", z);
		start(p, 'w', 0, 0, 0);
		return;
	}
	p->done = true;
	start(p, 'd', 0, 0, 0);
}

/* What can't be sent any more is dropped: the peer's last words are still to be read. */
static void flush(struct peer *p)
{
	size_t len;
	const void *out;

	while ((out = hull_yamux_output(p->y, &len))) {
		ssize_t n = send(p->fd, out, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		hull_yamux_sent(p->y, n < 0 ? len : (size_t)n);
	}
}

/* False at the connection's end. */
static bool turn(struct peer *p)
{
	static uint8_t buf[65536];
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};
	cleanup_error struct hull_error *err = NULL;
	size_t len;
	ssize_t n;

	flush(p);
	if (hull_yamux_output(p->y, &len))
		pfd.events |= POLLOUT;
	if (poll(&pfd, 1, -1) < 0)
		die("poll", NULL);
	if (!(pfd.revents & ~POLLOUT))
		return true;
	n = read(p->fd, buf, sizeof(buf));
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	if (hull_yamux_feed(p->y, buf, (size_t)n, &err) < 0)
		die(hull_error_message(err), NULL);
	return true;
}

int main(int argc, char **argv)
{
	static struct peer p;
	unsigned int round = 0;
	uint64_t fd;

	if (argc != 4 || hull_parse_u64(argv[1], 1 << 20, &fd) < 0)
		die("usage: interop-yamux FD client|server SCENARIO", NULL);
	alarm(LIFETIME_S);
	p.fd = (int)fd;
	hull_set_nonblock(p.fd, true);
	if (hull_yamux_new(!strcmp(argv[2], "client"), 0, &ops, &p, &p.y, NULL) < 0)
		die("no memory", NULL);
	begin(&p, argv[3]);
	do {
		/* A sleeper's stream is all that may be left of a first part. */
		if (!p.done && p.open == (!strcmp(argv[3], "slow") && round == 0))
			go_on(&p, argv[3], round++);
	} while (turn(&p));
	if (!p.done || p.open || hull_yamux_streams(p.y) != 0)
		die("the connection ended early", NULL);
	hull_yamux_free(p.y);
	return 0;
}
