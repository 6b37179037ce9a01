/* SPDX-License-Identifier: Apache-2.0
 *
 * What QEMU's last words mean to a user.
 */
#ifndef HULL_BACKEND_QEMU_EXPLAIN_H
#define HULL_BACKEND_QEMU_EXPLAIN_H

#include "base/error.h"
#include "base/json.h"
#include "config/config.h"

/* It has ended so, by itself, and this is the last of what it @said.  Returns -1. */
int hull_qemu_fail_death(const char *binary, int wstatus, const char *said,
			 struct hull_error **err);

/* An event BLOCK_IO_ERROR: -1 with an error if QEMU has stopped the guest, which it does where a
 * disk's file finds no room on the host.  It would have it go on when there is some, but nobody
 * looks after that. */
int hull_qemu_fail_disk(const struct hull_config *config, const struct hull_json *data,
			struct hull_error **err);

#endif
