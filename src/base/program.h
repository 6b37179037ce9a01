/* SPDX-License-Identifier: Apache-2.0
 *
 * Where hull's own programs are.
 */
#ifndef HULL_BASE_PROGRAM_H
#define HULL_BASE_PROGRAM_H

#include "base/error.h"

/* "<directory of the running program>/<name>"; NULL without memory.  The caller frees. */
char *hull_program_beside(const char *name);
/* Path of one of our programs ("hull-monitor"): beside this one, else in the libexec directory. */
int hull_program_path(const char *name, char **ret_path, struct hull_error **err);

#endif
