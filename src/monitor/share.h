/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon that serves a VM's tree: hull-share, which becomes virtiofsd.
 */
#ifndef HULL_MONITOR_SHARE_H
#define HULL_MONITOR_SHARE_H

#include "base/loop.h"
#include "config/config.h"

#include <stdbool.h>
#include <sys/types.h>

struct hull_share_daemon;

struct hull_share_env {
	struct hull_loop *loop;
	const char *run_dir;
	bool set_ids; /* uid and gid are for the daemon to become */
	uid_t uid;
	gid_t gid;
	int cgroup_fd; /* <= 0: none */
	/* It has ended, and was not asked to: @error says how.  NULL error: it ended properly. */
	void (*ended)(void *ctx, const struct hull_error *error);
	void *ctx;
};

/* Starts it; *ret_socket is the hypervisor's connected end, usable at once: the daemon answers
 * when it is up. */
int hull_share_daemon_start(const struct hull_share_env *env, const struct hull_config *config,
			    struct hull_share_daemon **ret, int *ret_socket,
			    struct hull_error **err);
bool hull_share_daemon_runs(const struct hull_share_daemon *d);
void hull_share_daemon_kill(struct hull_share_daemon *d); /* ended() follows */
/* Kills and reaps what still runs.  NULL is fine. */
void hull_share_daemon_free(struct hull_share_daemon *d);
static inline void hull_share_daemon_freep(struct hull_share_daemon **d)
{
	hull_share_daemon_free(*d);
}

#endif
