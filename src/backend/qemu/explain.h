/* SPDX-License-Identifier: Apache-2.0
 *
 * What QEMU's last words mean to a user.
 */
#ifndef HULL_BACKEND_QEMU_EXPLAIN_H
#define HULL_BACKEND_QEMU_EXPLAIN_H

#include "base/error.h"
#include "base/json.h"
#include "config/config.h"

struct hull_qemu_reason {
	const char *words; /* what QEMU says among other things */
	int code;
	const char *cause, *hint;
};

/* NULL: not known. */
const struct hull_qemu_reason *hull_qemu_find_reason(const char *said);

/* An event BLOCK_IO_ERROR: -1 with an error if QEMU has stopped the guest, which it does where a
 * disk's file finds no room on the host.  It would have it go on when there is some, but nobody
 * looks after that. */
int hull_qemu_fail_disk(const struct hull_config *config, const struct hull_json *data,
			struct hull_error **err);
/* QEMU, which is @binary, has ended with this status, and by nobody's wish; @tail: what it said last.
 * Returns -1. */
int hull_qemu_fail_death(const struct hull_config *config, const char *binary, int wstatus,
			 const char *tail, struct hull_error **err);

#endif
