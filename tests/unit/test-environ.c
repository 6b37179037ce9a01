/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../fuzz/fuzz-environ.c"
#include "base/strbuf.h"
#include "corpus.h"

#include <stdio.h>

static const char *has_mine(const char *name)
{
	return !strcmp(name, "MINE") ? "a = b" : NULL;
}

static void joined(const struct hull_strv *env, struct hull_strbuf *out)
{
	for (size_t i = 0; i < env->n; i++)
		hull_strbuf_addf(out, "[%s]", env->v[i]);
}

static void reads(const char *text, const char *want)
{
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	cleanup_strv struct hull_strv env = {0};

	if (hull_environ_read(&env, text, strlen(text), has_mine, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	joined(&env, &got);
	assert_string_equal(hull_strbuf_str(&got), want);
}

static void refuses(const char *text, size_t len, const char *want)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strv struct hull_strv env = {0};

	assert_int_equal(hull_environ_read(&env, text, len, has_mine, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_INVALID);
	assert_non_null(strstr(hull_error_message(err), want));
	assert_null(strstr(hull_error_message(err), "secret"));
	assert_null(strstr(hull_error_hint(err), "secret"));
}

static void values_are_verbatim(void **state)
{
	reads("A=1\nB= two  words \nC==x=\nD=\nE=\"q\" '$A' \\n #\n", "[A=1][B= two  words ][C==x=]"
								      "[D=][E=\"q\" '$A' \\n #]");
	reads("A=no newline", "[A=no newline]");
	reads("A=1\r\nB=\r\r\n", "[A=1][B=\r]");
	reads("A=\r", "[A=\r]");
	reads("a.b-c=1\n1=2\n\xc3\xa9=3\n", "[a.b-c=1][1=2][\xc3\xa9=3]");
	reads("\xef\xbb\xbf"
	      "A=1\n",
	      "[A=1]");
}

static void blank_lines_and_comments_are_skipped(void **state)
{
	reads("", "");
	reads("\n \t\n# A=1\n  # A=1\n\r\n", "");
	reads("  A=1\n\tB=#2\n", "[A=1][B=#2]");
}

static void bare_names_are_the_callers(void **state)
{
	reads("MINE\n", "[MINE=a = b]");
	reads("MINE \t\r\n", "[MINE=a = b]");
	reads("YOURS\nA=1\n", "[A=1]");
	reads("YOURS=1\nYOURS\n", "[YOURS=1]");
}

static void later_ones_win(void **state)
{
	reads("A=1\nB=1\nA=2\nAB=3\n", "[A=2][B=1][AB=3]");
	reads("MINE=1\nMINE\n", "[MINE=a = b]");
}

static void wrong_lines_are_named(void **state)
{
	static const char nul[] = "A=1\n\nB=secret\0x\n";

	refuses("A=1\n=secret\n", 12, "line 2: there is no variable name");
	refuses("export A=secret", 15, "line 1: a variable name has no white space");
	refuses("A =secret", 9, "line 1: a variable name has no white space");
	refuses("the secret", 10, "line 1: a variable name has no white space");
	refuses("A\001=secret", 9, "line 1: a variable name has no control");
	refuses(nul, sizeof(nul) - 1, "line 3: a NUL byte");
}

static void variables_are_counted(void **state)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	for (int i = 0; i < HULL_ENVIRON_MAX; i++)
		hull_strbuf_addf(&text, "V%d=1\n", i);
	hull_strbuf_adds(&text, "V0=2\n");
	{
		cleanup_strv struct hull_strv env = {0};

		assert_int_equal(hull_environ_read(&env, text.data, text.len, has_mine, NULL), 0);
		assert_int_equal(env.n, HULL_ENVIRON_MAX);
		assert_string_equal(env.v[0], "V0=2");
	}
	hull_strbuf_adds(&text, "ONE_MORE=1\n");
	refuses(text.data, text.len, "line 4098: more than 4096 variables");
}

static void words(void **state)
{
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	cleanup_free char *own = NULL, *none = NULL, *set = NULL;
	cleanup_error struct hull_error *err = NULL;
	cleanup_strv struct hull_strv env = {0};
	char *bad = NULL;

	assert_int_equal(hull_environ_resolve("MINE", has_mine, &own, NULL), 0);
	assert_string_equal(own, "MINE=a = b");
	assert_int_equal(hull_environ_resolve("YOURS", has_mine, &none, NULL), 0);
	assert_string_equal(none, "YOURS");
	assert_int_equal(hull_environ_resolve("MINE=", has_mine, &set, NULL), 0);
	assert_string_equal(set, "MINE=");
	assert_int_equal(hull_environ_resolve("=secret", has_mine, &bad, &err), -1);
	assert_null(strstr(hull_error_message(err), "secret"));
	assert_null(bad);

	reads("YOURS=1\n", "[YOURS=1]");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hull_environ_apply(&env, "A=1", NULL), 0);
		assert_int_equal(hull_environ_apply(&env, "YOURS=1", NULL), 0);
		assert_int_equal(hull_environ_apply(&env, "B=1", NULL), 0);
		assert_int_equal(hull_environ_apply(&env, none, NULL), 0);
		assert_int_equal(hull_environ_apply(&env, none, NULL), 0);
	}
	joined(&env, &got);
	assert_string_equal(hull_strbuf_str(&got), "[A=1][B=1]");
}

static void corpus(void **state)
{
	assert_true(corpus_replay("environ") >= 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_verbatim),
		cmocka_unit_test(blank_lines_and_comments_are_skipped),
		cmocka_unit_test(bare_names_are_the_callers),
		cmocka_unit_test(later_ones_win),
		cmocka_unit_test(wrong_lines_are_named),
		cmocka_unit_test(variables_are_counted),
		cmocka_unit_test(words),
		cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
