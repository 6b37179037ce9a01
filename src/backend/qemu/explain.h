/* SPDX-License-Identifier: Apache-2.0
 *
 * What QEMU's last words mean to a user.
 */
#ifndef HULL_BACKEND_QEMU_EXPLAIN_H
#define HULL_BACKEND_QEMU_EXPLAIN_H

#include "base/error.h"

struct hull_qemu_reason {
	const char *words; /* what QEMU says among other things */
	int code;
	const char *cause, *hint;
};

/* NULL: not known. */
const struct hull_qemu_reason *hull_qemu_find_reason(const char *said);

#endif
