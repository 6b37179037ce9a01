/* SPDX-License-Identifier: Apache-2.0
 *
 * What hull takes of the host's disks, by kind.
 */
#ifndef HULL_VM_USAGE_H
#define HULL_VM_USAGE_H

#include "base/error.h"
#include "base/vec.h"

#include <stdint.h>

struct hull_usage_item {
	char *name; /* owned: of a volume, a VM (short id), a file */
	uint64_t bytes;
};

struct hull_usage {
	const char *kind; /* store, volumes, guest, run, logs */
	char *path;	  /* owned; beneath it all of them are */
	HULL_VEC(struct hull_usage_item) items;
	uint64_t bytes;		  /* that are allocated: holes don't count, links once */
	struct hull_error *error; /* owned: what could not be looked at, NULL: all could */
};

struct hull_usages {
	struct hull_usage *v;
	size_t n, cap;
};

/* Nothing is made, and nothing waits.  @guest_dir: as for hull_dirs_guest().  -1 only where there
 * is no place to look at, or no memory. */
int hull_usage_gather(const char *guest_dir, struct hull_usages *ret, struct hull_error **err);
void hull_usages_fini(struct hull_usages *usages);

#endif
