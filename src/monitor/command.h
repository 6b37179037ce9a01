/* SPDX-License-Identifier: Apache-2.0
 *
 * What a description comes to, without anything being started.
 */
#ifndef HULL_MONITOR_COMMAND_H
#define HULL_MONITOR_COMMAND_H

#include "backend/backend.h"

/* The hypervisor's command line, as its monitor would have it here and now.  Changes @config where
 * the host decides. */
int hull_monitor_command(struct hull_config *config, const struct hull_backend_ops *ops,
			 struct hull_strv *ret_argv, struct hull_error **err);

#endif
