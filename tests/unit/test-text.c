/* SPDX-License-Identifier: Apache-2.0
 *
 * What people type: numbers, sizes, durations, yes and no, and names with a slip in them.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_u64(void **state)
{
	uint64_t v = 9;

	assert_int_equal(hull_parse_u64("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(hull_parse_u64("007", 10, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(hull_parse_u64("11", 10, &v), -ERANGE);
	assert_int_equal(hull_parse_u64("18446744073709551616", UINT64_MAX, &v), -ERANGE);
	assert_int_equal(hull_parse_u64("99999999999999999999x", UINT64_MAX, &v), -EINVAL);
	for (size_t i = 0; i < 7; i++) {
		static const char *const bad[] = {"", "x", "1x", " 1", "1 ", "-1", "+1"};

		assert_int_equal(hull_parse_u64(bad[i], 10, &v), -EINVAL);
	}
	assert_int_equal(v, 7);
}

static void test_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"512", 512},
		{"512B", 512},
		{"4k", 4096},
		{"512M", UINT64_C(512) << 20},
		{"512MiB", UINT64_C(512) << 20},
		{"2GB", UINT64_C(2) << 30},
		{"1t", UINT64_C(1) << 40},
		{"16777215T", UINT64_C(16777215) << 40},
	};
	static const char *const bad[] = {"",	 "M",	"1.5G", "1P",  "-1",
					  "1 M", "1Mi", "1MM",	"1BB", "1iB"};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		v = 1;
		assert_int_equal(hull_parse_size(good[i].text, &v), 0);
		assert_int_equal(v, good[i].bytes);
	}
	v = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(hull_parse_size(bad[i], &v), -EINVAL);
	assert_int_equal(hull_parse_size("16777216T", &v), -ERANGE);
	assert_int_equal(hull_parse_size("99999999999999999999", &v), -ERANGE);
	assert_int_equal(v, 77);
}

static void test_duration(void **state)
{
	uint64_t v = 5;

	assert_int_equal(hull_parse_duration("30s", &v), 0);
	assert_int_equal(v, 30000);
	assert_int_equal(hull_parse_duration("100ms", &v), 0);
	assert_int_equal(v, 100);
	assert_int_equal(hull_parse_duration("5m", &v), 0);
	assert_int_equal(v, 300000);
	assert_int_equal(hull_parse_duration("2h", &v), 0);
	assert_int_equal(v, 7200000);
	assert_int_equal(hull_parse_duration("7", &v), 0);
	assert_int_equal(v, 7000);
	assert_int_equal(hull_parse_duration("1.5s", &v), -EINVAL);
	assert_int_equal(hull_parse_duration("s", &v), -EINVAL);
	assert_int_equal(hull_parse_duration("5d", &v), -EINVAL);
	assert_int_equal(hull_parse_duration("18446744073709551615h", &v), -ERANGE);
	assert_int_equal(v, 7000);
}

static void test_bool(void **state)
{
	bool b = false;

	assert_int_equal(hull_parse_bool("on", &b), 0);
	assert_true(b);
	assert_int_equal(hull_parse_bool("no", &b), 0);
	assert_false(b);
	assert_int_equal(hull_parse_bool("maybe", &b), -EINVAL);
	assert_int_equal(hull_parse_bool("", &b), -EINVAL);
}

static void assert_milli(const char *s, int result, uint64_t want)
{
	uint64_t v = 77;

	assert_int_equal(hull_parse_milli(s, &v), result);
	assert_int_equal(v, result ? 77 : want);
}

static void test_milli(void **state)
{
	assert_milli("0", 0, 0);
	assert_milli("2", 0, 2000);
	assert_milli("1.5", 0, 1500);
	assert_milli("0.25", 0, 250);
	assert_milli("10.007", 0, 10007);
	assert_milli("18446744073709551.615", 0, UINT64_MAX);
	assert_milli("18446744073709551.616", -ERANGE, 0);
	assert_milli("18446744073709552", -ERANGE, 0);
	assert_milli("1.2345", -EINVAL, 0);
	assert_milli("1.", -EINVAL, 0);
	assert_milli(".5", -EINVAL, 0);
	assert_milli("1,5", -EINVAL, 0);
	assert_milli("1.x", -EINVAL, 0);
	assert_milli("1.5x", -EINVAL, 0);
	assert_milli("-1", -EINVAL, 0);
	assert_milli(" 1", -EINVAL, 0);
	assert_milli("", -EINVAL, 0);
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"readonly", "path", "kvm", "tcg", "auto", "ls", NULL};
	static const char *const verbs[] = {"rm", "run", NULL};
	char huge[300];

	assert_string_equal(hull_nearest("redonly", names), "readonly");
	assert_string_equal(hull_nearest("read-only", names), "readonly");
	assert_string_equal(hull_nearest("KVM", names), "kvm");
	assert_string_equal(hull_nearest("kvn", names), "kvm");
	assert_string_equal(hull_nearest("auot", names), "auto");
	assert_null(hull_nearest("xyz", names));
	assert_null(hull_nearest("pxtx", names));
	assert_null(hull_nearest("", names));
	assert_null(hull_nearest("rm", names));
	assert_string_equal(hull_nearest("lss", names), "ls");
	assert_string_equal(hull_nearest("sl", names), "ls");
	assert_null(hull_nearest("lost", names));
	assert_string_equal(hull_nearest("rum", verbs), "run");
	assert_string_equal(hull_nearest("rmm", verbs), "rm");
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_null(hull_nearest(huge, names));
}

static void test_did_you_mean(void **state)
{
	char longest[64], buf[HULL_NEAR_LEN], want[HULL_NEAR_LEN];
	const char *const names[] = {"readonly", longest, NULL};

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(hull_did_you_mean("redonly", names, "--", buf),
			    "; did you mean '--readonly'?");
	assert_string_equal(hull_did_you_mean("other", names, "--", buf), "");
	snprintf(want, sizeof(want), "; did you mean '--%s'?", longest);
	assert_string_equal(hull_did_you_mean(longest, names, "--", buf), want);
}

static void unescapes(const char *text, ssize_t want, const char *bytes)
{
	char out[32] = "";

	assert_true(strlen(text) < sizeof(out));
	assert_int_equal(hull_unescape(text, strlen(text), out), want);
	if (want > 0)
		assert_memory_equal(out, bytes, want);
}

static void test_unescape(void **state)
{
	char same[] = "%41/%42%2f";

	unescapes("", 0, "");
	unescapes("a+b", 3, "a+b");
	unescapes("%41%c3%A9%25", 4, "A\xc3\xa9%");
	unescapes("a%0", -EINVAL, NULL);
	unescapes("%", -EINVAL, NULL);
	unescapes("%4g", -EINVAL, NULL);
	unescapes("%g4", -EINVAL, NULL);
	unescapes("a%00", -EILSEQ, NULL);
	assert_int_equal(hull_unescape("%41", 2, same), -EINVAL);
	assert_int_equal(hull_unescape(same, strlen(same), same), 4);
	assert_memory_equal(same, "A/B/", 4);
}

static void test_hex(void **state)
{
	char text[7];

	hull_hex("\x00\xab\xff", 3, text);
	assert_string_equal(text, "00abff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),	 cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration), cmocka_unit_test(test_bool),
		cmocka_unit_test(test_milli),	 cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_hex),	 cmocka_unit_test(test_did_you_mean),
		cmocka_unit_test(test_unescape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
