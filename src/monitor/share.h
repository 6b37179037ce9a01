/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon that serves a VM's tree: hull-share, which becomes virtiofsd.
 */
#ifndef HULL_MONITOR_SHARE_H
#define HULL_MONITOR_SHARE_H

#include "config/config.h"
#include "monitor/helper.h"

#include <sys/types.h>

/* NULL if there is none. */
const char *hull_share_find_daemon(const struct hull_config *config);

struct hull_share_env {
	struct hull_helper_env helper;
	const char *run_dir;
	bool set_ids; /* uid and gid are for the daemon to become */
	uid_t uid;
	gid_t gid;
};

/* Starts it; *ret_socket is the hypervisor's connected end, usable at once: the daemon answers
 * when it is up. */
int hull_share_start(const struct hull_share_env *env, const struct hull_config *config,
		     struct hull_helper **ret, int *ret_socket, struct hull_error **err);

#endif
