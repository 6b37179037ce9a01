/* SPDX-License-Identifier: Apache-2.0
 *
 * Disks of the list of devices that are made of several files: what there is to be opened is known
 * only when their descriptions have been read, before anything can be planned.
 */
#ifndef HULL_BACKEND_QEMU_PARTS_H
#define HULL_BACKEND_QEMU_PARTS_H

#include "base/error.h"
#include "base/vec.h"
#include "config/config.h"

struct hull_qemu_parts {
	struct hull_qemu_parts_of {
		int text;	     /* owned: a description for QEMU; -1: not such a disk */
		HULL_VEC(int) files; /* owned */
	} v[HULL_CONFIG_MAX_DEVICES];
};

void hull_qemu_parts_init(struct hull_qemu_parts *parts);
void hull_qemu_parts_fini(struct hull_qemu_parts *parts);
#define cleanup_parts __attribute__((cleanup(hull_qemu_parts_fini)))

/* Into initialised memory. */
int hull_qemu_parts_open(const struct hull_config *config, struct hull_qemu_parts *parts,
			 struct hull_error **err);

#endif
