/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the library's descriptions have in common: one to begin with, and what is said
 * by it or by an error.
 */
#ifndef HULL_TESTS_LIBHULL_H
#define HULL_TESTS_LIBHULL_H

#include "unit.h"

#include <hull/hull.h>
#include <string.h>

#define MAC "5a:94:ef:00:00:01"

/* The options with their size and what is said of them. */
#define OPTIONS(name, ...) \
	(&(struct hull_##name##_options){.size = sizeof(struct hull_##name##_options), __VA_ARGS__})

static inline struct hull_vm_config *make(void)
{
	const struct hull_bootloader_options boot = {.size = sizeof(boot),
						     .efi = OPTIONS(efi, .variable_store = "nv")};
	struct hull_vm_config *c = NULL;

	assert_int_equal(hull_vm_config_new(2, 1024, &boot, &c, NULL), 0);
	return c;
}

static inline void expect_error(struct hull_error **err, int code, const char *part)
{
	assert_non_null(*err);
	if (!strstr(hull_error_message(*err), part))
		fail_msg("'%s' is not in '%s'", part, hull_error_message(*err));
	assert_int_equal(hull_error_code(*err), code);
	hull_error_free(*err);
	*err = NULL;
}

/* The arguments in one line. */
static inline void expect_args(struct hull_vm_config *c, uint32_t dialect, const char *want)
{
	struct hull_error *err = NULL;
	char line[4096] = "", **args = NULL;

	if (hull_vm_config_to_args(c, dialect, &args, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	for (size_t i = 0; args[i]; i++) {
		strcat(line, i ? " " : "");
		strcat(line, args[i]);
	}
	assert_string_equal(line, want);
	hull_free(args);
}

static inline void expect_json(struct hull_vm_config *c, uint32_t dialect, const char *want)
{
	struct hull_error *err = NULL;
	char *text = NULL;

	if (hull_vm_config_to_json(c, dialect, &text, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_string_equal(text, want);
	hull_free(text);
}

#endif
