/* SPDX-License-Identifier: Apache-2.0
 *
 * Reaping every child, and telling those who asked.
 */
#define _GNU_SOURCE
#include "agent/reaper.h"

#include <stddef.h>
#include <sys/wait.h>

void hull_reaper_watch(struct hull_reaper *r, struct hull_reaped *w, pid_t pid,
		       void (*fn)(void *ctx, int wstatus), void *ctx)
{
	w->pid = pid;
	w->fn = fn;
	w->ctx = ctx;
	w->next = r->list;
	r->list = w;
}

void hull_reaper_forget(struct hull_reaper *r, struct hull_reaped *w)
{
	struct hull_reaped **p = &r->list;

	while (*p && *p != w)
		p = &(*p)->next;
	if (*p)
		*p = w->next;
	w->pid = 0;
}

void hull_reaper_run(struct hull_reaper *r)
{
	for (;;) {
		struct hull_reaped *w = r->list;
		int wstatus;
		pid_t pid = waitpid(-1, &wstatus, WNOHANG);

		if (pid <= 0)
			return;
		while (w && w->pid != pid)
			w = w->next;
		if (!w)
			continue; /* an orphan */
		hull_reaper_forget(r, w);
		w->fn(w->ctx, wstatus);
	}
}
