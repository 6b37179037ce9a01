/* SPDX-License-Identifier: Apache-2.0
 *
 * Where programs are: hull's own, and others.
 */
#ifndef HULL_BASE_PROGRAM_H
#define HULL_BASE_PROGRAM_H

#include "base/error.h"

#include <stdbool.h>

/* "<our directory>/<name>", which is that of the running program; or, where we are part of a shared
 * library, that of the library, since its caller's may be anybody's.  NULL where that is not
 * known.  The caller frees. */
char *hull_program_beside(const char *name);
/* Path of one of our programs ("hull-monitor"): in our directory, else in the libexec directory. */
int hull_program_path(const char *name, char **ret_path, struct hull_error **err);
/* Whether it is a file that we may execute. */
bool hull_program_is(const char *path);
/* Along PATH, whose relative directories don't count: 1 and *ret_path, 0 if the name is nowhere,
 * -ENOMEM. */
int hull_program_search(const char *name, char **ret_path);

#endif
