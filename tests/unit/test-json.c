/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON values: what is refused, what look-ups say of a wrong type, what comes out.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "corpus.h"

#include "../fuzz/fuzz-json.c"

static struct hull_json *parse(const char *text)
{
	struct hull_json *j = NULL;
	cleanup_error struct hull_error *err = NULL;

	if (hull_json_parse(text, strlen(text), &j, &err) < 0)
		fail_msg("'%s': %s", text, hull_error_message(err));
	return j;
}

static void assert_refused(const char *text, size_t len, const char *message)
{
	struct hull_json *j = NULL;
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(hull_json_parse(text, len, &j, &err), -1);
	assert_null(j);
	assert_int_equal(hull_error_code(err), HULL_E_INVALID);
	if (!strstr(hull_error_message(err), message))
		fail_msg("'%s': '%s', not '%s'", text, hull_error_message(err), message);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "unexpected end"},
		{"   ", "unexpected end"},
		{"[1,2", "unexpected end"},
		{"\"abc", "unexpected end"},
		{"tru", "unexpected end"},
		{"{} {}", "column 4: text after the value"},
		{"{\"a\":1}\n\n x", "line 3, column 2: text after the value"},
		{"[1,]", "unexpected character"},
		{"'a'", "unexpected character"},
		{"/* c */ 1", "unexpected character"},
		{"[1, NaN]", "column 5: unexpected character"},
		{"-Infinity", "digit expected"},
		{"[1, 02]", "column 5: number with a leading zero"},
		{"[-01]", "leading zero"},
		{"[1.]", "digit expected"},
		{"[-.5]", "digit expected"},
		{"[1e]", "digit expected"},
		{"[1e+]", "digit expected"},
		{"{'a':1}", "column 2: unexpected character"},
		{"\"a\tb\"", "column 3: control character in a string"},
		{"[18446744073709551616]", "column 2: number out of range"},
		{"-9223372036854775809", "number out of range"},
		{"{\"na\\u0000me\":1}", "NUL in a string"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]", "nested too deeply"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
	assert_refused("\"a\0b\"", 5, "NUL byte");
}

static void test_length_is_respected(void **state)
{
	cleanup_json struct hull_json *j = NULL;
	uint64_t v = 0;

	assert_int_equal(hull_json_parse("1234", 2, &j, NULL), 0);
	assert_int_equal(hull_json_get_u64(j, &v), 0);
	assert_int_equal(v, 12);
}

static void test_numbers(void **state)
{
	cleanup_json struct hull_json *j =
		parse("[18446744073709551615, -9223372036854775808, 9223372036854775808, 1.5, "
		      "99999999999999999999.0, -0]");
	uint64_t u = 7;
	int64_t i = 7;

	assert_int_equal(hull_json_get_u64(hull_json_at(j, 0), &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(hull_json_get_i64(hull_json_at(j, 0), &i), -ERANGE);
	assert_int_equal(hull_json_get_i64(hull_json_at(j, 1), &i), 0);
	assert_true(i == INT64_MIN);
	u = 7;
	assert_int_equal(hull_json_get_u64(hull_json_at(j, 1), &u), -ERANGE);
	assert_int_equal(u, 7);
	assert_int_equal(hull_json_get_i64(hull_json_at(j, 2), &i), -ERANGE);
	assert_int_equal(hull_json_get_u64(hull_json_at(j, 3), &u), -EINVAL);
	assert_int_equal(hull_json_type(hull_json_at(j, 4)), HULL_JSON_DOUBLE);
	assert_int_equal(hull_json_get_u64(hull_json_at(j, 5), &u), 0);
	assert_int_equal(u, 0);
	assert_int_equal(hull_json_get_u64(NULL, &u), -EINVAL);
}

static void test_lookups(void **state)
{
	cleanup_json struct hull_json *j =
		parse(" {\"s\":\"x\", \"n\":null, \"a\":[1], \"d\":1, \"d\":2, \"t\":true} ");
	uint64_t d;
	bool t = false;

	assert_int_equal(hull_json_type(j), HULL_JSON_OBJECT);
	assert_string_equal(hull_json_str(hull_json_get(j, "s")), "x");
	assert_null(hull_json_get(j, "missing"));
	assert_false(hull_json_has(j, "missing"));
	assert_null(hull_json_get(j, "n"));
	assert_true(hull_json_has(j, "n"));
	assert_null(hull_json_str(hull_json_get(j, "a")));
	assert_null(hull_json_get(hull_json_get(j, "a"), "s"));
	assert_int_equal(hull_json_length(hull_json_get(j, "a")), 1);
	assert_null(hull_json_at(hull_json_get(j, "a"), 1));
	assert_int_equal(hull_json_length(j), 0);
	assert_int_equal(hull_json_get_u64(hull_json_get(j, "d"), &d), 0);
	assert_int_equal(d, 2);
	assert_int_equal(hull_json_get_bool(hull_json_get(j, "t"), &t), 0);
	assert_true(t);
	assert_int_equal(hull_json_get_bool(hull_json_get(j, "d"), &t), -EINVAL);
	assert_null(parse("null"));
}

static int stop_at_b(void *ctx, const char *key, struct hull_json *value)
{
	(*(int *)ctx)++;
	return strcmp(key, "b") == 0 ? 5 : 0;
}

static void test_build_and_print(void **state)
{
	cleanup_json struct hull_json *j = hull_json_object();
	cleanup_free char *text = NULL, *pretty = NULL;
	struct hull_json *a = hull_json_array();
	int n = 0;

	assert_int_equal(hull_json_append(a, hull_json_i64(-1)), 0);
	assert_int_equal(hull_json_append(a, hull_json_u64(UINT64_MAX)), 0);
	assert_int_equal(hull_json_append(a, NULL), -ENOMEM);
	assert_int_equal(hull_json_set(j, "z", a), 0);
	assert_int_equal(hull_json_set(j, "b", hull_json_string("/p\n\"\xe9")), 0);
	assert_int_equal(hull_json_set(j, "a", hull_json_bool(true)), 0);
	assert_int_equal(hull_json_set(j, "x", NULL), -ENOMEM);
	text = hull_json_text(j);
	assert_string_equal(text,
			    "{\"z\":[-1,18446744073709551615],\"b\":\"/p\\n\\\"\xe9\",\"a\":true}");
	pretty = hull_json_pretty(hull_json_get(j, "z"));
	assert_string_equal(pretty, "[\n  -1,\n  18446744073709551615\n]\n");
	assert_int_equal(hull_json_each(j, stop_at_b, &n), 5);
	assert_int_equal(n, 2);
	assert_int_equal(hull_json_each(NULL, stop_at_b, &n), 0);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("json") >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),		cmocka_unit_test(test_length_is_respected),
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_build_and_print), cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
