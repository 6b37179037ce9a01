/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel modules of the initramfs, loaded by stage.  A module that is missing, built in or made
 * for another kernel is no error: the user may have brought a kernel of his own.  What then really
 * lacks shows where it is needed.
 */
#ifndef HULL_AGENT_MODULES_H
#define HULL_AGENT_MODULES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct hull_modules;

/* Gives a module's file to the kernel, packed or not, with words for it such as "debug=1", or "": 0
 * or -errno. */
int hull_module_insert(const char *path, const char *options);

/* Reads the manifest; none is an empty one. */
int hull_modules_open(struct hull_modules **ret_modules, struct hull_error **err);
bool hull_modules_has_stage(const struct hull_modules *m, const char *stage);
/* Loads what the manifest lists for @stage, in its order; blocks, 10 to 60 ms a module under
 * emulation.  A stage is loaded once. */
void hull_modules_load(struct hull_modules *m, const char *stage);
/* The stages of virtio and of the bus that this machine has. */
void hull_modules_load_bus(struct hull_modules *m);

#endif
