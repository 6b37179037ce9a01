/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that runs beside the hypervisor and ends with it: a share daemon, passt.  It is born in
 * the VM's control group and dies with the monitor; what it says last becomes part of the error if
 * it ends badly.
 */
#ifndef HULL_MONITOR_HELPER_H
#define HULL_MONITOR_HELPER_H

#include "base/loop.h"
#include "base/proc.h"

#include <stdbool.h>

struct hull_helper;

struct hull_helper_env {
	struct hull_loop *loop;
	int cgroup_fd; /* <= 0: none; borrowed, during start only */
	/* It has ended.  @error says how, if that was neither properly nor asked for. */
	void (*ended)(void *ctx, const struct hull_error *error);
	void *ctx;
	/* How lines begin that it prints besides, or NULL.  Then its last other line is told. */
	const char *chatter;
};

#define HULL_HELPER_FDS_MAX 40

/* @what: for messages, a constant: "the share daemon (virtiofsd)".  @spawn: path, argv, envp, fds
 * (at most HULL_HELPER_FDS_MAX, above 2) and identity; the rest is filled in. */
int hull_helper_start(const struct hull_helper_env *env, const char *what,
		      const struct hull_spawn *spawn, struct hull_helper **ret,
		      struct hull_error **err);
bool hull_helper_runs(const struct hull_helper *h);
void hull_helper_kill(struct hull_helper *h); /* ended() follows */
/* Kills and reaps what still runs.  NULL is fine. */
void hull_helper_free(struct hull_helper *h);
static inline void hull_helper_freep(struct hull_helper **h)
{
	hull_helper_free(*h);
}

#endif
