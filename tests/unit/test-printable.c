/* SPDX-License-Identifier: Apache-2.0
 *
 * What guests print made harmless, whole and in pieces of every size.
 */
#include "unit.h"

#include "../fuzz/fuzz-printable.c"
#include "corpus.h"

#include "base/cleanup.h"
#include "base/printable.h"
#include "base/strbuf.h"

#include <string.h>

static const struct {
	const char *text, *shown, *fed; /* fed NULL: as shown */
} cases[] = {
	{"", "", NULL},
	{"plain\ttext\n", "plain\ttext\n", NULL},
	{"\303\244 \342\202\254 \360\237\220\247\n", "\303\244 \342\202\254 \360\237\220\247\n",
	 NULL},
	{"line\r\n", "line\\x0d\n", "line\n"},
	{"line\r\r\n", "line\\x0d\\x0d\n", "line\n"},
	{"over\rwritten\n", "over\\x0dwritten\n", NULL},
	{"end\r", "end\\x0d", NULL},
	{"\033[31mred\033[0m\n", "\\x1b[31mred\\x1b[0m\n", "red\n"},
	{"\033[1;38:2:1:2:3mx\033[mz", "\\x1b[1;38:2:1:2:3mx\\x1b[mz", "xz"},
	{"\033[2J", "\\x1b[2J", NULL},
	{"\033]0;title\007", "\\x1b]0;title\\x07", NULL},
	{"\033[6n", "\\x1b[6n", NULL},
	{"\033\033[1m", "\\x1b\\x1b[1m", "\\x1b"},
	{"\033[", "\\x1b[", NULL},
	{"\033[1111111111111111111111111111111111111111m",
	 "\\x1b[1111111111111111111111111111111111111111m", NULL},
	{"\033[\r\n", "\\x1b[\\x0d\n", "\\x1b[\n"},
	{"\b\a\177", "\\x08\\x07\\x7f", NULL},
	{"\233[2J", "\\x9b[2J", NULL},
	{"\302\233[2J", "\\xc2\\x9b[2J", NULL},
	{"\303", "\\xc3", NULL},
	{"\303(", "\\xc3(", NULL},
	{"\360\237\220", "\\xf0\\x9f\\x90", NULL},
	{"\355\240\200 \300\200 \377", "\\xed\\xa0\\x80 \\xc0\\x80 \\xff", NULL},
};

static void test_whole(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

		assert_int_equal(hull_printable_add(&out, cases[i].text, strlen(cases[i].text)), 0);
		assert_string_equal(hull_strbuf_str(&out), cases[i].shown);
	}
}

static void feed(const char *text, size_t step, const char *want)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	struct hull_printable p = {.n = 0};
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += step)
		assert_int_equal(hull_printable_feed(&p, &out, text + i, MIN(step, len - i)), 0);
	assert_int_equal(hull_printable_flush(&p, &out), 0);
	assert_string_equal(hull_strbuf_str(&out), want);
}

static void test_pieces(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t step = 1; step < 8; step++)
			feed(cases[i].text, step, cases[i].fed ? cases[i].fed : cases[i].shown);
}

static void test_nul(void **state)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	assert_int_equal(hull_printable_add(&out, "a\0b", 3), 0);
	assert_string_equal(hull_strbuf_str(&out), "a\\x00b");
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("printable") > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
