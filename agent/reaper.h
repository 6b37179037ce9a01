/* SPDX-License-Identifier: Apache-2.0
 *
 * PID 1 inherits every orphan, so it reaps everything there is; whoever forked a child registers
 * it here and is told of its end.
 */
#ifndef HULL_AGENT_REAPER_H
#define HULL_AGENT_REAPER_H

#include <sys/types.h>

/* Embedded in its owner; linked while pid is not 0. */
struct hull_reaped {
	pid_t pid;
	void (*fn)(void *ctx, int wstatus);
	void *ctx;
	struct hull_reaped *next;
};

struct hull_reaper {
	struct hull_reaped *list;
};

/* Calls @fn once, with the wait status.  To be called before the loop runs again: the child may
 * have ended already. */
void hull_reaper_watch(struct hull_reaper *r, struct hull_reaped *w, pid_t pid,
		       void (*fn)(void *ctx, int wstatus), void *ctx);
void hull_reaper_forget(struct hull_reaper *r, struct hull_reaped *w);
/* On SIGCHLD. */
void hull_reaper_run(struct hull_reaper *r);

#endif
