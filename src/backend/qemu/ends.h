/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan says QEMU must have open: made, opened or taken from the helpers' sockets; and our
 * ends of it.
 */
#ifndef HULL_BACKEND_QEMU_ENDS_H
#define HULL_BACKEND_QEMU_ENDS_H

#include "backend/backend.h"
#include "backend/qemu/parts.h"
#include "backend/qemu/plan.h"
#include "base/proc.h"

struct hull_qemu_memory;
struct hull_qemu_reader;

struct hull_qemu_ends {
	HULL_VEC(struct hull_fd_map) map; /* QEMU's; owns every .from */
	int store;			  /* the firmware's, between its code's turn and its own */
	/* Ours, each owned until it is taken. */
	int qmp;
	int streams[HULL_STREAM_COUNT];
	struct hull_qemu_parts parts;	 /* from before the plan */
	struct hull_qemu_memory *memory; /* NULL: the guest's memory is QEMU's own */
	uint64_t boot_len[2];		 /* of kernel and initrd */
};

void hull_qemu_ends_init(struct hull_qemu_ends *ends);
void hull_qemu_ends_fini(struct hull_qemu_ends *ends);
#define cleanup_ends __attribute__((cleanup(hull_qemu_ends_fini)))

/* Into initialised ends, which are to be finished on failure too.  @again: see backend.h. */
int hull_qemu_ends_make(const struct hull_config *config, const struct hull_qemu_plan *plan,
			const struct hull_qemu_reader *reader, bool again, struct hull_loop *loop,
			struct hull_backend_sockets *sockets, struct hull_qemu_ends *ends,
			struct hull_error **err);

#endif
