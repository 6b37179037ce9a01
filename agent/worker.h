/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that may block (a mount whose server is dead, loading modules, sync) in a forked child, so
 * that PID 1 goes on answering.  The child shares the agent's namespaces and root; what it hands
 * back is a few bytes or an error.
 */
#ifndef HULL_AGENT_WORKER_H
#define HULL_AGENT_WORKER_H

#include "base/error.h"

#include <stddef.h>

struct hull_agent;
struct hull_strbuf;

/* In the child: fill @out or fail. */
typedef int (*hull_worker_fn)(void *arg, struct hull_strbuf *out, struct hull_error **err);
/* Once, in the agent; @err is NULL or borrowed. */
typedef void (*hull_worker_done_fn)(void *ctx, const char *out, size_t len,
				    const struct hull_error *err);

/* @arg is the child's copy; @ctx must live until @done was called, which this never does itself. */
int hull_worker_start(struct hull_agent *a, hull_worker_fn fn, void *arg, hull_worker_done_fn done,
		      void *ctx, struct hull_error **err);

#endif
