/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of --cloud-init, whose names tell what they are.
 */
#ifndef HULL_CLI_CLOUD_OPTS_H
#define HULL_CLI_CLOUD_OPTS_H

#include "base/vec.h"
#include "config/config.h"

/* Those named user-data, meta-data and network-config, of which one of the first two must be there;
 * others need only be readable.  @config NULL: only looks. */
int hull_cloud_opt_files(const struct hull_strv *files, struct hull_config *config,
			 struct hull_error **err);
/* The same from "FILE[,FILE...]". */
int hull_cloud_opt_parse(const char *value, struct hull_config *config, struct hull_error **err);

#endif
