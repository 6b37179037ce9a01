/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemons that serve a VM's trees: hull-share, which becomes virtiofsd.  One has the root; the
 * shares are grouped by the owner of their sources, and each group has one that is that owner; so
 * has each device virtio-fs.
 */
#ifndef HULL_MONITOR_SHARE_H
#define HULL_MONITOR_SHARE_H

#include "backend/backend.h"
#include "config/config.h"
#include "monitor/helper.h"
#include "share/spec.h"

#include <sys/types.h>

/* NULL if there is none. */
const char *hull_share_find_daemon(const struct hull_config *config);

struct hull_share_group {
	enum hull_serve serve;
	/* Whom the daemon becomes where the monitor is root; otherwise it is the monitor's user. */
	uid_t uid;
	gid_t gid;
};

struct hull_share_plan {
	struct hull_share_group groups[HULL_SHARE_GROUPS_MAX];
	size_t n_groups;
	unsigned int group_of[HULL_CONFIG_MAX_SHARES];
	bool file[HULL_CONFIG_MAX_SHARES]; /* no directory */
	/* As the devices of the description, of which those that are virtio-fs count. */
	struct hull_share_group devices[HULL_CONFIG_MAX_DEVICES];
};

struct hull_share_env {
	struct hull_helper_env helper;
	const struct hull_config *config;
	const struct hull_share_plan *plan;
	const struct hull_dev_fs *device; /* whose daemon it is; NULL: the root's, or of shares */
};

/* Looks at the sources. */
int hull_share_plan(const struct hull_config *config, struct hull_share_plan *ret,
		    struct hull_error **err);
/* What a daemon is going to listen on, and the hypervisor's connected end, which may be used before
 * there is a daemon: it answers when it is up. */
int hull_share_sockets(const struct hull_config *config, int *ret_listen, int *ret_near,
		       struct hull_error **err);
/* Starts the group's or the device's daemon on such a socket, which it takes. */
int hull_share_start(const struct hull_share_env *env, const struct hull_share_group *group,
		     int listen_fd, struct hull_helper **ret, struct hull_error **err);

#endif
