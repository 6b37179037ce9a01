/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors keep code, cause and hint while context is added, and map both ways over the wire.
 */
#include "unit.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static void test_prefix_keeps_code(void **state)
{
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(hull_fail_cause(&err, HULL_E_STATE, "not-running", "VM '%s'", "web"), -1);
	hull_hint(&err, "start it");
	assert_int_equal(hull_prefix(&err, "exec"), -1);
	assert_string_equal(hull_error_message(err), "exec: VM 'web'");
	assert_string_equal(hull_error_cause(err), "not-running");
	assert_string_equal(hull_error_hint(err), "start it");
	assert_int_equal(hull_error_code(err), HULL_E_STATE);
}

static void test_errno(void **state)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail_errno(&err, ENOENT, "open '%s'", "/x");
	assert_string_equal(hull_error_message(err), "open '/x': No such file or directory");
	assert_int_equal(hull_error_code(err), HULL_E_NOT_FOUND);
	assert_int_equal(hull_fail_errno(NULL, ENOENT, "nobody listens"), -1);
}

static void test_tables(void **state)
{
	for (int code = HULL_E_INVALID; code <= HULL_E_INTERNAL; code++) {
		assert_int_equal(hull_code_from_name(hull_code_name(code)), code);
		assert_true(hull_code_to_rpc(code) > 0);
	}
	assert_int_equal(hull_code_from_name("NONSENSE"), 0);
	assert_int_equal(hull_code_from_rpc(5), HULL_E_NOT_FOUND);
	assert_int_equal(hull_code_from_rpc(99), HULL_E_INTERNAL);
}

static void test_move(void **state)
{
	struct hull_error *a = NULL, *b = NULL;

	hull_fail(&a, HULL_E_BUSY, "held");
	hull_error_move(&b, &a);
	assert_null(a);
	assert_int_equal(hull_error_code(b), HULL_E_BUSY);
	hull_error_move(NULL, &b);
	assert_null(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_keeps_code),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
