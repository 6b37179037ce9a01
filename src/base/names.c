/* SPDX-License-Identifier: Apache-2.0
 *
 * Names, see names.h.
 */
#include "base/names.h"

#include "base/strbuf.h"
#include "base/text.h"

#include <string.h>

int hull_fail_name(struct hull_error **err, const char *what, const char *value,
		   const char *const *names)
{
	cleanup_strbuf struct hull_strbuf all = HULL_STRBUF_INIT;
	char near[HULL_NEAR_LEN];

	hull_fail(err, HULL_E_INVALID, "unknown %s '%s'%s", what, value,
		  hull_did_you_mean(value, names, "", near));
	for (size_t i = 0; names[i]; i++)
		hull_strbuf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	hull_hint(err, "valid: %s", hull_strbuf_str(&all));
	return -1;
}

int hull_name_index(const char *what, const char *value, const char *const *names,
		    struct hull_error **err)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], value))
			return i;
	return hull_fail_name(err, what, value, names);
}
