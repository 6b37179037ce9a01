/* SPDX-License-Identifier: Apache-2.0
 *
 * Where programs are: hull's own, and others.
 */
#ifndef HULL_BASE_PROGRAM_H
#define HULL_BASE_PROGRAM_H

#include "base/error.h"

#include <stdbool.h>

/* "<directory of the running program>/<name>"; NULL without memory.  The caller frees. */
char *hull_program_beside(const char *name);
/* Path of one of our programs ("hull-monitor"): beside this one, else in the libexec directory. */
int hull_program_path(const char *name, char **ret_path, struct hull_error **err);
/* Whether it is a file that we may execute. */
bool hull_program_is(const char *path);
/* Along PATH, whose relative directories don't count: 1 and *ret_path, 0 if the name is nowhere,
 * -ENOMEM. */
int hull_program_search(const char *name, char **ret_path);

#endif
