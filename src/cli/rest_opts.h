/* SPDX-License-Identifier: Apache-2.0
 *
 * The value of --restful-uri, hull's own or vfkit's, with the name of its host looked up.
 */
#ifndef HULL_CLI_REST_OPTS_H
#define HULL_CLI_REST_OPTS_H

#include "base/error.h"
#include "config/config.h"

int hull_rest_opt_parse(const char *value, bool vfkit, struct hull_rest *ret,
			struct hull_error **err);

#endif
