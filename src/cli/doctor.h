/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull doctor": what works on this host.
 */
#ifndef HULL_CLI_DOCTOR_H
#define HULL_CLI_DOCTOR_H

#include "cli/cli.h"
#include "config/check.h"

extern const struct hull_opt hull_doctor_opts[];
/* Those that are no backend's, ended by a row without a name: before and after a backend's. */
extern const struct hull_check hull_doctor_host_checks[], hull_doctor_checks[];

int hull_cmd_doctor(const struct hull_verb *verb, int argc, char **argv);

#endif
