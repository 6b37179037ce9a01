/* SPDX-License-Identifier: Apache-2.0
 *
 * The byte buffer: bounded, NUL-terminated, unharmed by a failed append.
 */
#include "unit.h"

#include "base/strbuf.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_append_and_drop(void **state)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	assert_string_equal(hull_strbuf_str(&b), "");
	hull_strbuf_adds(&b, "abc");
	hull_strbuf_addf(&b, "%d", 42);
	assert_string_equal(hull_strbuf_str(&b), "abc42");
	hull_strbuf_drop(&b, 3);
	assert_string_equal(hull_strbuf_str(&b), "42");
	hull_strbuf_drop(&b, 99);
	assert_int_equal(b.len, 0);
}

static void test_maximum(void **state)
{
	cleanup_strbuf struct hull_strbuf b = {.max = 4};

	assert_int_equal(hull_strbuf_adds(&b, "abcd"), 0);
	assert_int_equal(hull_strbuf_adds(&b, "e"), -EMSGSIZE);
	assert_string_equal(hull_strbuf_str(&b), "abcd");
	assert_true(b.failed);
	assert_null(hull_strbuf_steal(&b));
}

static void test_strv(void **state)
{
	cleanup_strv struct hull_strv s = {0}, t = {0};

	assert_int_equal(hull_strv_add(&s, "a"), 0);
	assert_int_equal(hull_strv_addf(&s, "%d", 7), 0);
	assert_int_equal(hull_strv_copy(&t, &s), 0);
	assert_string_equal(t.v[1], "7");
	assert_null(t.v[2]);
	assert_int_equal(hull_strv_take(&t, NULL), -ENOMEM);
	assert_true(t.failed);
}

static void test_vec(void **state)
{
	HULL_VEC(int) v = {0};

	for (int i = 0; i < 100; i++) {
		int *p = hull_vec_push(&v);

		assert_non_null(p);
		assert_int_equal(*p, 0);
		*p = i;
	}
	assert_int_equal(v.n, 100);
	assert_int_equal(v.v[99], 99);
	free(v.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_and_drop),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_vec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
