/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's dialect when each allocation of ours fails in turn: an error that says so, and no leak.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "config/vfkit.h"
#include "nomem.h"
#include "vfkit-forms.h"

#include <string.h>

/* There and back, with one of everything. */
static int convert(struct hull_error **err)
{
	const char *argv[64] = {"-b",	      "linux,kernel=/k,initrd=/i,\"cmdline=a,b\"",
				"-t",	      "vsockPort=7",
				"--ignition", "/i",
				"--gui"};
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_vfkit struct hull_vfkit vm = {0}, read = {0};
	cleanup_strv struct hull_strv args = {0}, notes = {0};
	cleanup_free char *json = NULL, *list = NULL;
	size_t n = 7;

	for (size_t i = 0; i < ARRAY_SIZE(vfkit_forms); i++) {
		argv[n++] = "-d";
		argv[n++] = vfkit_forms[i];
	}
	if (hull_vfkit_parse_flags((char *const *)(uintptr_t)argv, n, &flags, err) < 0 ||
	    hull_vfkit_from_flags(&flags, NULL, &vm, err) < 0 ||
	    hull_vfkit_to_json(&vm, &json, err) < 0 ||
	    hull_vfkit_from_json(json, strlen(json), &read, &notes, err) < 0 ||
	    hull_vfkit_render(&vm, &args, err) < 0 ||
	    hull_vfkit_strings_json(&args, &list, err) < 0)
		return -1;
	if (hull_vfkit_unrendered(&read, &notes) < 0 || hull_vfkit_unwritten(&vm, &notes) < 0)
		return hull_fail_nomem(err);
	assert_true(read.has_ignition && read.has_timesync);
	return 0;
}

static void test_every_allocation(void **state)
{
	int r = -1;

	for (fail_at = 0; r < 0; fail_at++) {
		cleanup_error struct hull_error *err = NULL;

		allocations = 0;
		r = convert(&err);
		assert_int_equal(hull_error_code(err), r < 0 ? HULL_E_NOMEM : 0);
	}
	assert_true(fail_at > 200);
	fail_at = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
