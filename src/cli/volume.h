/* SPDX-License-Identifier: Apache-2.0
 *
 * -v SOURCE:TARGET[:ro|rw] and --here: from words to the description's shares.
 */
#ifndef HULL_CLI_VOLUME_H
#define HULL_CLI_VOLUME_H

#include "config/config.h"

/* SOURCE is a path of the host (relative ones begin with "."), or the name of a volume, which is
 * made if it is not there.  Appends. */
int hull_volume_add(struct hull_config *config, const char *word, struct hull_error **err);
/* The current directory, writable, at the same path. */
int hull_volume_add_here(struct hull_config *config, struct hull_error **err);

#endif
