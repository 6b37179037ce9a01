/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull vfkit": a VM from vfkit's own command line.  From its flags to a VM description
 * (vfkit_setup.c), and the VM's life in the foreground (vfkit.c).
 */
#ifndef HULL_CLI_VFKIT_H
#define HULL_CLI_VFKIT_H

#include "cli/cli.h"
#include "config/config.h"
#include "config/vfkit.h"

/* The version whose command line this is. */
#define HULL_VFKIT_VERSION "v0.6.4"

int hull_cmd_vfkit(const struct hull_verb *verb, int argc, char **argv);

/* Into an initialised config: what can be started here.  Writes the pid file, too.  @warnings gets
 * what is not as it would be with vfkit. */
int hull_vfkit_set_up(const struct hull_vfkit_flags *flags, struct hull_config *ret_config,
		      struct hull_strv *warnings, struct hull_error **err);

#endif
