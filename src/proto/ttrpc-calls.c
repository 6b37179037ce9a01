/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of open calls: chained buckets that double, a list, a binary heap of deadlines.
 */
#include "proto/ttrpc-calls.h"

#include <errno.h>
#include <stdlib.h>

static void heap_set(struct hull_ttrpc_calls *c, size_t i, struct hull_ttrpc_call *call)
{
	c->heap[i] = call;
	call->heap_at = i;
}

static void heap_up(struct hull_ttrpc_calls *c, size_t i, struct hull_ttrpc_call *call)
{
	while (i && c->heap[(i - 1) / 2]->deadline_ns > call->deadline_ns) {
		heap_set(c, i, c->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(c, i, call);
}

static int heap_push(struct hull_ttrpc_calls *c, struct hull_ttrpc_call *call)
{
	if (c->n_heap == c->heap_cap) {
		size_t cap = c->heap_cap ? c->heap_cap * 2 : 16;
		struct hull_ttrpc_call **p = realloc(c->heap, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		c->heap = p;
		c->heap_cap = cap;
	}
	heap_up(c, c->n_heap++, call);
	return 0;
}

/* The hole sinks to the bottom; what fills it rises from there. */
static void heap_remove(struct hull_ttrpc_calls *c, size_t i)
{
	struct hull_ttrpc_call *last = c->heap[--c->n_heap];

	if (i == c->n_heap)
		return;
	for (size_t kid; (kid = 2 * i + 1) < c->n_heap; i = kid) {
		if (kid + 1 < c->n_heap &&
		    c->heap[kid + 1]->deadline_ns < c->heap[kid]->deadline_ns)
			kid++;
		heap_set(c, i, c->heap[kid]);
	}
	heap_up(c, i, last);
}

static struct hull_ttrpc_call **bucket(const struct hull_ttrpc_calls *c, uint32_t id)
{
	return &c->buckets[(id >> 1) & (c->n_buckets - 1)];
}

struct hull_ttrpc_call *hull_ttrpc_calls_find(const struct hull_ttrpc_calls *c, uint32_t id)
{
	struct hull_ttrpc_call *call = *bucket(c, id);

	while (call && call->id != id)
		call = call->chain;
	return call;
}

struct hull_ttrpc_call *hull_ttrpc_calls_earliest(const struct hull_ttrpc_calls *c)
{
	return c->n_heap ? c->heap[0] : NULL;
}

/* Without memory the chains just get longer. */
static void grow(struct hull_ttrpc_calls *c)
{
	struct hull_ttrpc_call **p = calloc(c->n_buckets * 2, sizeof(*p));

	if (!p)
		return;
	if (c->buckets != c->few)
		free(c->buckets);
	c->buckets = p;
	c->n_buckets *= 2;
	for (struct hull_ttrpc_call *call = c->first; call; call = call->next) {
		struct hull_ttrpc_call **b = bucket(c, call->id);

		call->chain = *b;
		*b = call;
	}
}

int hull_ttrpc_calls_add(struct hull_ttrpc_calls *c, struct hull_ttrpc_call *call)
{
	struct hull_ttrpc_call **b;

	if (call->deadline_ns && heap_push(c, call) < 0)
		return -ENOMEM;
	if (c->n >= c->n_buckets)
		grow(c);
	b = bucket(c, call->id);
	call->chain = *b;
	*b = call;
	call->prev = c->last;
	*(c->last ? &c->last->next : &c->first) = call;
	c->last = call;
	c->n++;
	if (call->rq)
		c->held += call->rq->size;
	return 0;
}

void hull_ttrpc_calls_remove(struct hull_ttrpc_calls *c, struct hull_ttrpc_call *call)
{
	struct hull_ttrpc_call **b = bucket(c, call->id);

	while (*b != call)
		b = &(*b)->chain;
	*b = call->chain;
	*(call->prev ? &call->prev->next : &c->first) = call->next;
	*(call->next ? &call->next->prev : &c->last) = call->prev;
	c->n--;
	if (call->rq)
		c->held -= call->rq->size;
	if (call->deadline_ns)
		heap_remove(c, call->heap_at);
	call->ended = true;
}

void hull_ttrpc_calls_init(struct hull_ttrpc_calls *c)
{
	*c = (struct hull_ttrpc_calls){.n_buckets = HULL_TTRPC_BUCKETS_MIN};
	c->buckets = c->few;
}

void hull_ttrpc_calls_fini(struct hull_ttrpc_calls *c)
{
	if (c->buckets != c->few)
		free(c->buckets);
	free(c->heap);
}
