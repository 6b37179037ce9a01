/* SPDX-License-Identifier: Apache-2.0
 *
 * What the policies of a description come to.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "config/config.h"
#include "config/policy.h"

#include <stdio.h>
#include <string.h>

static void read_config(const char *members, struct hull_config *c)
{
	cleanup_error struct hull_error *err = NULL;
	char text[300];

	snprintf(text, sizeof(text), "{\"version\":1%s%s}", *members ? "," : "", members);
	if (hull_config_from_json(text, strlen(text), c, &err) < 0)
		fail_msg("%s: %s", members, hull_error_message(err));
}

#define EFI "\"firmware\":{\"kind\":\"efi\"}"
#define GDB "\"gdb\":{\"kind\":\"socket\"}"
#define ON(what) "\"on_reboot\":\"" what "\""

static void test_on_reboot(void **state)
{
	static const struct {
		const char *members;
		bool reboots, refused;
	} cases[] = {
		{"", false, false},
		{"\"agent\":\"none\"", false, false},
		{EFI, true, false},
		{ON("auto") "," EFI, true, false},
		{ON("end") "," EFI, false, false},
		{ON("end"), false, false},
		{ON("reboot"), true, false},
		{ON("reboot") "," EFI, true, false},
		{GDB, false, false},
		{GDB "," EFI, false, false},
		{GDB "," ON("end"), false, false},
		{GDB "," ON("reboot"), true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_config struct hull_config c;

		read_config(cases[i].members, &c);
		if (hull_policy_reboots(&c) != cases[i].reboots ||
		    (hull_policy_check(&c, NULL) < 0) != cases[i].refused)
			fail_msg("'%s'", cases[i].members);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_reboot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
