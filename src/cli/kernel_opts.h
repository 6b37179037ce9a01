/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of those options of "hull run" that are for people who work on kernels.
 */
#ifndef HULL_CLI_KERNEL_OPTS_H
#define HULL_CLI_KERNEL_OPTS_H

#include "base/error.h"
#include "config/config.h"

#include <stdbool.h>

/* As hull_place_parse() has it. */
int hull_gdb_parse(const char *value, struct hull_gdb *ret, struct hull_error **err);
/* An architecture by its name, or by the one that container tools use. */
int hull_arch_parse(const char *value, enum hull_arch *ret, struct hull_error **err);
/* Whether the guest can run what its root is made of, if somebody has @said what that is to be. */
int hull_root_check(const struct hull_config *config, bool said, struct hull_error **err);
/* What gdb is to be told to find the guest: "target remote" and this.  The caller frees; NULL
 * without memory. */
char *hull_gdb_target(const struct hull_config *config);

#endif
