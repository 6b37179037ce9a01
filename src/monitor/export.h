/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's directories where no daemon can serve them, since an ordinary user can't make user
 * namespaces: as exports of the hypervisor, over 9p.  There is no tree then, only one directory of
 * the host for each export; what else a tree has, the guest makes for itself.  See
 * share/host.c for what the root consists of.
 */
#ifndef HULL_MONITOR_EXPORT_H
#define HULL_MONITOR_EXPORT_H

#include "backend/backend.h"
#include "config/config.h"
#include "monitor/share.h"
#include "share/filter.h"
#include "share/tree.h"

struct hull_exports {
	/* The root's description; its binds are the first exports, the shares the others. */
	struct hull_tree root;
	size_t n_root;
	HULL_VEC(struct hull_export_mask {
		const struct hull_tree_mask *mask; /* of the root's */
		bool dir;
	})
	masks; /* those that cover something the user can find */
	struct hull_strv env;
	struct hull_filter filter;
};

void hull_exports_init(struct hull_exports *e);
void hull_exports_fini(struct hull_exports *e);
/* Looks at the host and the shares, and plans for the hypervisor or for daemons: turns
 * config->share_driver from AUTO into one of the others.  *e is initialised.  *ret_why is set where
 * that is 9p, to what the host refused; the caller frees it. */
int hull_exports_plan(struct hull_exports *e, struct hull_share_plan *ret_shares,
		      struct hull_config *config, uint64_t caps, struct hull_error **ret_why,
		      struct hull_error **err);
/* Opens them.  *ret borrows of @e. */
int hull_exports_open(const struct hull_exports *e, const struct hull_config *config,
		      struct hull_backend_exports *ret, struct hull_error **err);

#endif
