/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of options: into a slot, or an error with a hint how to write them.  0 or -1.
 */
#ifndef HULL_CLI_VALUES_H
#define HULL_CLI_VALUES_H

#include "base/error.h"

#include <stdint.h>

int hull_set_string(char **slot, const char *value, struct hull_error **err);	      /* a copy */
int hull_set_duration(uint64_t *slot_ms, const char *value, struct hull_error **err); /* > 0 */
int hull_set_number(uint64_t *slot, const char *value, uint64_t max,
		    struct hull_error **err); /* from 1 */
int hull_set_log_format(const char *value, struct hull_error **err);

#endif
