/* SPDX-License-Identifier: Apache-2.0
 *
 * All that the daemon can reach: a root directory of its own with the tree, the programs it runs
 * from, and nothing else of the host.
 */
#ifndef HULL_SHARE_WORLD_H
#define HULL_SHARE_WORLD_H

#include "share/spec.h"

#include <stdbool.h>

#define HULL_WORLD_TREE "/tree"
#define HULL_WORLD_SHIM "/shim.so"

struct hull_world {
	const struct hull_share_spec *spec;
	const char *shim; /* path of the module on the host */
	bool in_chroot;	  /* see rights.h */
	bool old;	  /* by mount(2) only */
};

/* Builds it in the process's own mount namespace and makes it its root directory. */
int hull_world_enter(const struct hull_world *w, struct hull_error **err);

#endif
