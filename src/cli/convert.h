/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull config": descriptions of VMs from one form into another.
 */
#ifndef HULL_CLI_CONVERT_H
#define HULL_CLI_CONVERT_H

#include "cli/cli.h"

extern const struct hull_verb hull_config_subs[];

#endif
