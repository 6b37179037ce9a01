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

/* By its end, for each policy. */
static void test_restarts(void **state)
{
	static const struct {
		const char *reason;
		bool on_failure, always;
	} cases[] = {
		{"shutdown", false, true},	{"reboot", false, true},
		{"panic", true, true},		{"hypervisor-died", true, true},
		{"helper-died", true, true},	{"link-broken", true, true},
		{"agent-silent", true, true},	{"guest-setup-failed", true, true},
		{"start-failed", true, true},	{"no-space", true, true},
		{"host-memory", true, true},	{"whatever comes", true, true},
		{"stopped", false, false},	{"terminated", false, false},
		{"starter-gone", false, false}, {"killed", false, false},
		{"quit", false, false},
	};
	struct hull_restart no = {HULL_RESTART_NO, 0}, on_failure = {HULL_RESTART_ON_FAILURE, 0},
			    always = {HULL_RESTART_ALWAYS, 0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *reason = cases[i].reason;

		if (hull_policy_restarts(&no, reason, 0) ||
		    hull_policy_restarts(&on_failure, reason, 1000) != cases[i].on_failure ||
		    hull_policy_restarts(&always, reason, 1000) != cases[i].always)
			fail_msg("%s", reason);
	}
	for (uint64_t done = 0; done < 5; done++) {
		on_failure.max = 3;
		assert_int_equal(hull_policy_restarts(&on_failure, "panic", done), done < 3);
		assert_false(hull_policy_restarts(&on_failure, "shutdown", done));
	}
}

static void test_delay(void **state)
{
	static const uint64_t ms[] = {100,  200,   400,	  800,	 1600, 3200,
				      6400, 12800, 25600, 30000, 30000};

	for (unsigned int i = 0; i < ARRAY_SIZE(ms); i++)
		assert_int_equal(hull_policy_delay_ms(i), ms[i]);
	assert_int_equal(hull_policy_delay_ms(UINT32_MAX), 30000);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int policy; /* -1: refused */
		uint64_t max;
	} cases[] = {
		{"no", HULL_RESTART_NO, 0},
		{"always", HULL_RESTART_ALWAYS, 0},
		{"on-failure", HULL_RESTART_ON_FAILURE, 0},
		{"on-failure:0", HULL_RESTART_ON_FAILURE, 0},
		{"on-failure:3", HULL_RESTART_ON_FAILURE, 3},
		{"on-failure:4294967295", HULL_RESTART_ON_FAILURE, UINT32_MAX},
		{"on-failure:4294967296", -1, 0},
		{"on-failure:", -1, 0},
		{"on-failure:3:4", -1, 0},
		{"on-failure:-1", -1, 0},
		{"on-fail", -1, 0},
		{"always:3", -1, 0},
		{"no:", -1, 0},
		{"", -1, 0},
		{":3", -1, 0},
		{"ALWAYS", -1, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_restart r = {HULL_RESTART_NO, 77};
		int e = hull_policy_parse_restart(cases[i].text, &r, NULL);

		if (e != (cases[i].policy < 0 ? -1 : 0) ||
		    (e == 0 && ((int)r.policy != cases[i].policy || r.max != cases[i].max)) ||
		    (e < 0 && r.max != 77))
			fail_msg("'%s'", cases[i].text);
	}
}

#define NET(more) "\"devices\":[{\"kind\":\"virtio-net\"," more "}]"
#define RESTART(more) "\"restart\":{" more "}"

static void test_check(void **state)
{
	static const struct {
		const char *members;
		bool refused;
	} cases[] = {
		{RESTART(""), false},
		{RESTART("\"max\":1"), true},
		{RESTART("\"policy\":\"always\",\"max\":1"), false},
		{RESTART("\"policy\":\"on-failure\"") "," GDB, false},
		{"\"isolation\":\"strict\"", false},
		{"\"seccomp\":false", false},
		{"\"isolation\":\"strict\",\"seccomp\":false", true},
		{NET("\"fd\":7,\"mode\":\"stream\""), false},
		{NET("\"fd\":7,\"mode\":\"stream\"") "," RESTART("\"policy\":\"always\""), true},
		{NET("\"fd\":7") "," RESTART("\"policy\":\"always\""), false},
		{NET("\"path\":\"/s\",\"mode\":\"stream\"") "," RESTART("\"policy\":\"always\""),
		 false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_config struct hull_config c;

		read_config(cases[i].members, &c);
		if ((hull_policy_check(&c, NULL) < 0) != cases[i].refused)
			fail_msg("'%s'", cases[i].members);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_reboot), cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_delay),	  cmocka_unit_test(test_parse),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
