/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of options, see values.h.
 */
#define _GNU_SOURCE
#include "cli/values.h"

#include "base/text.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

int hull_set_string(char **slot, const char *value, struct hull_error **err)
{
	free(*slot);
	*slot = strdup(value);
	return *slot ? 0 : hull_fail_nomem(err);
}

int hull_set_duration(uint64_t *slot, const char *value, struct hull_error **err)
{
	if (hull_parse_duration(value, slot) == 0 && *slot)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' is not a time", value);
	hull_hint(err, "write it like 30s, 5m or 2h");
	return -1;
}

int hull_set_number(uint64_t *slot, const char *value, uint64_t max, struct hull_error **err)
{
	if (hull_parse_u64(value, max, slot) < 0 || !*slot)
		return hull_fail(err, HULL_E_INVALID, "'%s' is not a number from 1 to %llu", value,
				 (unsigned long long)max);
	return 0;
}

int hull_set_log_format(const char *value, struct hull_error **err)
{
	static const char *const formats[] = {"text", "json", NULL};
	int i = hull_name_index("format", value, formats, err);

	hull_out_json_errors(i == 1);
	return i < 0 ? -1 : 0;
}
