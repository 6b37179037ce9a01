/* SPDX-License-Identifier: Apache-2.0
 *
 * The open calls of one ttrpc machine: found by id, walked oldest first, and where they have a
 * deadline, earliest first.  Links live in the calls; for ttrpc.c only.
 */
#ifndef HULL_PROTO_TTRPC_CALLS_H
#define HULL_PROTO_TTRPC_CALLS_H

#include "proto/ttrpc-wire.h"

#define HULL_TTRPC_BUCKETS_MIN 16

struct hull_ttrpc_call {
	struct hull_ttrpc *t;
	uint32_t id;
	bool ended;	    /* removed; freed when the callback it is in returns */
	bool streams;	    /* the other side may send data frames */
	bool local_closed;  /* client: we may send none */
	bool remote_closed; /* server: the client may send none any more */
	/* server */
	struct hull_ttrpc_envelope *rq; /* owned */
	void *user;
	/* client */
	struct hull_ttrpc_call_cb cb;
	void *ctx;
	uint64_t deadline_ns; /* 0: none, and not in the heap */

	size_t heap_at;
	struct hull_ttrpc_call *chain, *prev, *next;
};

struct hull_ttrpc_calls {
	struct hull_ttrpc_call **buckets; /* chained; owned unless == few */
	struct hull_ttrpc_call *few[HULL_TTRPC_BUCKETS_MIN];
	size_t n_buckets; /* a power of two */
	struct hull_ttrpc_call *first, *last;
	size_t n, held;		       /* held: bytes of their requests */
	struct hull_ttrpc_call **heap; /* binary, by deadline_ns; owned */
	size_t n_heap, heap_cap;
};

void hull_ttrpc_calls_init(struct hull_ttrpc_calls *c);
/* The calls must have been removed. */
void hull_ttrpc_calls_fini(struct hull_ttrpc_calls *c);
/* 0; -ENOMEM only for a call with a deadline. */
int hull_ttrpc_calls_add(struct hull_ttrpc_calls *c, struct hull_ttrpc_call *call);
/* Marks it ended. */
void hull_ttrpc_calls_remove(struct hull_ttrpc_calls *c, struct hull_ttrpc_call *call);
struct hull_ttrpc_call *hull_ttrpc_calls_find(const struct hull_ttrpc_calls *c, uint32_t id);
/* The one with the earliest deadline, or NULL. */
struct hull_ttrpc_call *hull_ttrpc_calls_earliest(const struct hull_ttrpc_calls *c);

#endif
