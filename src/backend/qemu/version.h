/* SPDX-License-Identifier: Apache-2.0
 *
 * Which QEMU it is, and what follows from that.  QEMU tells when it greets over QMP; what its
 * command line depends on has to be asked of the program before, which takes 15 ms.
 */
#ifndef HULL_BACKEND_QEMU_VERSION_H
#define HULL_BACKEND_QEMU_VERSION_H

#include "base/error.h"

#include <stdbool.h>

struct hull_qemu_version {
	unsigned int major, minor, micro;
};

/* From what "--version" prints; 0 or -EINVAL.  Pure. */
int hull_qemu_version_parse(const char *text, struct hull_qemu_version *ret);
bool hull_qemu_version_from(const struct hull_qemu_version *v, unsigned int major,
			    unsigned int minor);
/* Fails where it is older than what we need.  @binary is for the message. */
int hull_qemu_version_check(const struct hull_qemu_version *v, const char *binary,
			    struct hull_error **err);
/* Whether emulated processors may run at the same time.  Before 8.1 one could go on executing what
 * another had overwritten, if it was translated at that moment; Linux patches its code as it runs,
 * and the guest hung in a breakpoint that was long gone.  (QEMU's commit deba78709ae8, "accel/tcg:
 * Always lock pages before translation".) */
bool hull_qemu_version_parallel(const struct hull_qemu_version *v);
/* Runs "@path --version" as nobody in particular.  Blocks for 3 s at most, and as long again for a
 * process that does not die; then TIMEOUT. */
int hull_qemu_version_ask(const char *path, struct hull_qemu_version *ret, struct hull_error **err);

#endif
