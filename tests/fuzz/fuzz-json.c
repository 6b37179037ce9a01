/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text: what parses must print, and parse again to the same print.
 */
#include "base/cleanup.h"
#include "base/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Every look-up must survive every type. */
static void touch(const struct hull_json *j)
{
	uint64_t u;
	int64_t i;
	bool b;

	(void)hull_json_get_u64(j, &u);
	(void)hull_json_get_i64(j, &i);
	(void)hull_json_get_bool(j, &b);
	(void)hull_json_str(j);
	(void)hull_json_get(j, "a");
	(void)hull_json_has(j, "a");
	for (size_t k = 0; k < hull_json_length(j); k++)
		touch(hull_json_at(j, k));
}

static int touch_member(void *ctx, const char *key, struct hull_json *value)
{
	if (!hull_json_has(ctx, key) || hull_json_get(ctx, key) != value)
		abort();
	touch(value);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_json struct hull_json *first = NULL, *second = NULL;
	cleanup_free char *text = NULL, *again = NULL, *pretty = NULL;
	cleanup_error struct hull_error *err = NULL;

	if (hull_json_parse((const char *)data, len, &first, &err) < 0) {
		if (!err || first)
			abort();
		return 0;
	}
	touch(first);
	hull_json_each(first, touch_member, first);
	text = hull_json_text(first);
	pretty = hull_json_pretty(first);
	if (!text || !pretty || hull_json_parse(text, strlen(text), &second, NULL) < 0)
		abort();
	again = hull_json_text(second);
	if (!again || strcmp(text, again) != 0)
		abort();
	return 0;
}
