/* SPDX-License-Identifier: Apache-2.0
 *
 * The link machine of link.h.
 *
 * Bytes go through a search for hellos (guest: always; host: until it is up) that passes on all
 * others.  What may be the beginning of a hello is held back: bytes of the magic only until the
 * next byte, which the sender's fence provides for, and behind a whole magic the rest of the hello,
 * which always comes.  So the last bytes before a cut reach a stream, and the first of the new
 * hello never do.
 *
 * A cut may also leave the beginning of a hello right before the next one.  Such a mixture ends
 * with no twelve zeros, is refused, and what follows its magic is searched again.
 */
#define _GNU_SOURCE
#include "proto/link.h"

#include "base/cleanup.h"
#include "proto/fence.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define EPOCH_AT HULL_FENCE_LEN
#define VERSION_AT (EPOCH_AT + HULL_LINK_EPOCH_LEN)
#define ZEROS_AT (VERSION_AT + 4)

struct hull_link {
	struct hull_link_ops ops;
	void *ctx;
	size_t budget;
	bool host;
	bool up;
	bool dead;  /* host: the session has failed */
	bool freed; /* by a callback: the memory goes with the last leave() */
	unsigned int busy;
	/* Owned.  May outlive a guest's session, to tell the host why it ended. */
	struct hull_yamux *y;
	uint8_t epoch[HULL_LINK_EPOCH_LEN];
	uint8_t hello[HULL_LINK_HELLO_LEN]; /* ours */
	size_t hello_left;		    /* how much of its end is unsent */
	uint8_t held[HULL_LINK_HELLO_LEN];
	size_t n_held;
};

static void enter(struct hull_link *l)
{
	l->busy++;
}

static void leave(struct hull_link *l)
{
	if (!--l->busy && l->freed)
		free(l);
}

static void queue_hello(struct hull_link *l)
{
	memset(l->hello, 0, sizeof(l->hello));
	memcpy(l->hello, hull_fence, HULL_FENCE_LEN);
	memcpy(l->hello + EPOCH_AT, l->epoch, sizeof(l->epoch));
	l->hello[VERSION_AT] = HULL_LINK_VERSION >> 8;
	l->hello[VERSION_AT + 1] = HULL_LINK_VERSION & 0xff;
	l->hello_left = sizeof(l->hello);
}

static int new_link(bool host, size_t budget, const struct hull_link_ops *ops, void *ctx,
		    struct hull_link **ret, struct hull_error **err)
{
	struct hull_link *l = calloc(1, sizeof(*l));

	if (!l)
		return hull_fail_nomem(err);
	l->ops = *ops;
	l->ctx = ctx;
	l->budget = budget;
	l->host = host;
	*ret = l;
	return 0;
}

int hull_link_host_new(const uint8_t epoch[HULL_LINK_EPOCH_LEN], size_t budget,
		       const struct hull_link_ops *ops, void *ctx, struct hull_link **ret,
		       struct hull_error **err)
{
	if (new_link(true, budget, ops, ctx, ret, err) < 0)
		return -1;
	memcpy((*ret)->epoch, epoch, HULL_LINK_EPOCH_LEN);
	queue_hello(*ret);
	return 0;
}

int hull_link_guest_new(size_t budget, const struct hull_link_ops *ops, void *ctx,
			struct hull_link **ret, struct hull_error **err)
{
	return new_link(false, budget, ops, ctx, ret, err);
}

void hull_link_free(struct hull_link *l)
{
	int saved = errno;

	if (!l || l->freed)
		return;
	enter(l);
	l->freed = true;
	l->up = false;
	hull_yamux_free(steal_ptr(&l->y));
	leave(l);
	errno = saved;
}

/* Guest: back to idle, nothing left to send. */
static void end_session(struct hull_link *l)
{
	bool was_up = l->up;

	l->up = false;
	l->hello_left = 0;
	hull_yamux_free(steal_ptr(&l->y));
	if (was_up && !l->freed && l->ops.down)
		l->ops.down(l->ctx);
}

/* Bytes that belong to no hello. */
static int pass(struct hull_link *l, const uint8_t *p, size_t len, struct hull_error **err)
{
	cleanup_error struct hull_error *e = NULL;

	if (!l->up || !len || hull_yamux_feed(l->y, p, len, &e) == 0)
		return 0;
	l->up = false;
	if (l->host) {
		l->dead = true;
		return hull_error_move(err, &e);
	}
	if (l->ops.down)
		l->ops.down(l->ctx);
	return hull_error_code(e) == HULL_E_NOMEM ? hull_error_move(err, &e) : 0;
}

static int start_session(struct hull_link *l, uint16_t version, struct hull_error **err)
{
	if (hull_yamux_new(l->host, l->budget, &l->ops.yamux, l->ctx, &l->y, err) < 0)
		return -1;
	hull_yamux_set_fenced(l->y, l->host);
	l->up = true;
	if (l->ops.up)
		l->ops.up(l->ctx, version);
	return 0;
}

/* A magic with 32 bytes behind it: 1 if it was a hello, or 0. */
static int take_hello(struct hull_link *l, const uint8_t *hello, struct hull_error **err)
{
	static const uint8_t zeros[HULL_LINK_HELLO_LEN - ZEROS_AT];
	const uint8_t *epoch = hello + EPOCH_AT;
	uint16_t version = (uint16_t)(hello[VERSION_AT] << 8 | hello[VERSION_AT + 1]);
	bool same = !memcmp(epoch, l->epoch, sizeof(l->epoch));

	if (!version || memcmp(hello + ZEROS_AT, zeros, sizeof(zeros)))
		return 0;
	if (l->host)
		return same ? (start_session(l, version, err) < 0 ? -1 : 1) : 0;
	if (l->up && same)
		return 1;
	end_session(l);
	if (l->freed)
		return 1;
	memcpy(l->epoch, epoch, sizeof(l->epoch));
	queue_hello(l);
	if (l->ops.yamux.pending)
		l->ops.yamux.pending(l->ctx);
	return start_session(l, version, err) < 0 ? -1 : 1;
}

/* Adds to the held bytes what goes on with a hello; returns how much. */
static size_t hold(struct hull_link *l, const uint8_t *p, size_t len)
{
	size_t n = 0, more;

	while (n < len && l->n_held < HULL_FENCE_LEN && p[n] == hull_fence[l->n_held])
		l->held[l->n_held++] = p[n++];
	if (l->n_held < HULL_FENCE_LEN)
		return n;
	more = MIN(len - n, sizeof(l->held) - l->n_held);
	memcpy(l->held + l->n_held, p + n, more);
	l->n_held += more;
	return n + more;
}

static int search(struct hull_link *l, const uint8_t *p, size_t len, struct hull_error **err);

/* The held bytes are a whole hello, or the beginning of nothing. */
static int release(struct hull_link *l, struct hull_error **err)
{
	uint8_t held[sizeof(l->held)];
	size_t n = l->n_held, head = MIN(n, HULL_FENCE_LEN);
	int r;

	memcpy(held, l->held, n);
	l->n_held = 0;
	if (n == sizeof(held)) {
		r = take_hello(l, held, err);
		if (r)
			return r < 0 ? -1 : 0;
	}
	if (pass(l, held, head, err) < 0)
		return -1;
	/* Recurses once: these are too few to be a hello again. */
	return search(l, held + head, n - head, err);
}

static int search(struct hull_link *l, const uint8_t *p, size_t len, struct hull_error **err)
{
	while (len && !l->freed) {
		size_t n;

		if (l->host && l->up)
			return pass(l, p, len, err);
		if (!l->n_held) {
			n = hull_fence_find(p, len);
			if (n == len)
				n -= hull_fence_tail(p, len);
			if (pass(l, p, n, err) < 0)
				return -1;
			p += n;
			len -= n;
		}
		n = hold(l, p, len);
		p += n;
		len -= n;
		if ((len || l->n_held == sizeof(l->held)) && release(l, err) < 0)
			return -1;
	}
	return 0;
}

int hull_link_feed(struct hull_link *l, const void *data, size_t len, struct hull_error **err)
{
	int r;

	if (l->dead)
		return hull_fail(err, HULL_E_UNAVAILABLE, "guest link: the session is over");
	enter(l);
	r = search(l, data, len, err);
	leave(l);
	return r;
}

void hull_link_hangup(struct hull_link *l)
{
	assert(!l->host);
	enter(l);
	l->n_held = 0;
	end_session(l);
	leave(l);
}

const void *hull_link_output(struct hull_link *l, size_t *ret_len)
{
	*ret_len = l->hello_left;
	if (l->hello_left)
		return l->hello + sizeof(l->hello) - l->hello_left;
	return l->y ? hull_yamux_output(l->y, ret_len) : NULL;
}

void hull_link_sent(struct hull_link *l, size_t len)
{
	if (l->hello_left) {
		assert(len <= l->hello_left);
		l->hello_left -= len;
		return;
	}
	if (!l->y)
		return;
	enter(l);
	hull_yamux_sent(l->y, len);
	leave(l);
}

struct hull_yamux *hull_link_yamux(struct hull_link *l)
{
	return l->up ? l->y : NULL;
}
