/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of settings from arbitrary bytes: every line is taken or told as a problem, and what was
 * taken, said again as it is shown, comes to the same.
 */
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/settings.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void say_again(const struct hull_settings *s)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_settings struct hull_settings again;

	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		if (!s->origins[i].file)
			continue;
		(void)hull_strbuf_addf(&text, "%s = ", hull_settings_table[i].name);
		assert(hull_setting_value(s, i, &text) == 0);
		(void)hull_strbuf_adds(&text, "\n");
	}
	hull_settings_init(&again);
	assert(hull_settings_read(&again, "again", hull_strbuf_str(&text), text.len, NULL, NULL) ==
	       0);
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		cleanup_strbuf struct hull_strbuf a = HULL_STRBUF_INIT, b = HULL_STRBUF_INIT;

		assert(hull_setting_value(s, i, &a) == 0);
		assert(hull_setting_value(&again, i, &b) == 0);
		assert(!strcmp(hull_strbuf_str(&a), hull_strbuf_str(&b)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *text = malloc(len + !len);
	cleanup_strv struct hull_strv problems = {0};
	cleanup_error struct hull_error *err = NULL;
	cleanup_settings struct hull_settings all, first;

	assert(text);
	if (len)
		memcpy(text, data, len);
	hull_settings_init(&all);
	hull_settings_init(&first);
	assert(hull_settings_read(&all, "f", text, len, &problems, NULL) == 0);
	assert((hull_settings_read(&first, "f", text, len, NULL, &err) < 0) == !!problems.n);
	assert(!err == !problems.n);
	for (size_t i = 0; i < problems.n; i++)
		assert(!strncmp(problems.v[i], "f:", 2) && !strchr(problems.v[i], '\n'));
	if (err)
		assert(!strcmp(hull_error_message(err), problems.v[0]));
	say_again(&all);
	return 0;
}
