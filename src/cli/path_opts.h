/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths on the command line.  The monitor runs elsewhere, where a relative one would mean something
 * else: each function puts the absolute path in the place of what is in the slot, from which @value
 * may have been taken, or leaves it as it is and fails.
 */
#ifndef HULL_CLI_PATH_OPTS_H
#define HULL_CLI_PATH_OPTS_H

#include "base/error.h"

#include <stdint.h>

/* Whatever is there. */
int hull_existing_parse(const char *value, char **slot, struct hull_error **err);
/* A regular file that can be read. */
int hull_file_parse(const char *value, char **slot, struct hull_error **err);
int hull_dir_parse(const char *value, char **slot, struct hull_error **err);
/* A file that may be yet to be made; its directory is there. */
int hull_maybe_file_parse(const char *value, char **slot, struct hull_error **err);
/* A file that can be made, or replaced. */
int hull_new_file_parse(const char *value, char **slot, struct hull_error **err);
/* Where a service is to be: NULL is left to others (a slot of NULL, port 0), a port, or the path of
 * a socket, which has a slash in it. */
int hull_place_parse(const char *value, char **slot, uint64_t *ret_port, struct hull_error **err);

#endif
