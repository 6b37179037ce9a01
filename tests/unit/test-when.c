/* SPDX-License-Identifier: Apache-2.0
 *
 * Points in time as people type them.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/when.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define NOW (UINT64_C(1795680000) * HULL_NS_PER_S)
#define MS HULL_NS_PER_MS

static void test_good(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"0s", NOW},
		{"5m", NOW - 300000 * MS},
		{"90", NOW - 90000 * MS},
		{"1500ms", NOW - 1500 * MS},
		{"800000h", 0},
		{"@0", 0},
		{"@1764144000", UINT64_C(1764144000000) * MS},
		{"1970-01-01T00:00Z", 0},
		{"2026-11-26T07:30:01Z", UINT64_C(1795678201000) * MS},
		{"2026-11-26 07:30:01z", UINT64_C(1795678201000) * MS},
		{"2026-11-26T07:30:01.25Z", UINT64_C(1795678201250) * MS},
		{"2026-11-26T07:30:01.000000001Z", UINT64_C(1795678201000) * MS + 1},
		{"2026-11-26T08:30:01+01:00", UINT64_C(1795678201000) * MS},
		{"2026-11-26T08:30:01+0100", UINT64_C(1795678201000) * MS},
		{"2026-11-26T02:00:01-0530", UINT64_C(1795678201000) * MS},
		{"2024-02-29T00:00Z", UINT64_C(1709164800000) * MS},
		/* Local: two hours east of Greenwich, here. */
		{"2026-11-26T09:30:01", UINT64_C(1795678201000) * MS},
		{"2026-11-26", UINT64_C(1795644000000) * MS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint64_t ns = 1;

		if (hull_parse_when(good[i].text, NOW, &ns) != 0 || ns != good[i].ns)
			fail_msg("'%s' is %llu, not %llu", good[i].text, (unsigned long long)ns,
				 (unsigned long long)good[i].ns);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"-5m",
		"5d",
		"@",
		"@x",
		"@-1",
		"yesterday",
		"2026-11",
		"2026-13-01",
		"2026-02-30",
		"2023-02-29T00:00Z",
		"2026-11-26T",
		"2026-11-26T24:00",
		"2026-11-26T07",
		"2026-11-26T07:60",
		"2026-11-26T07:30:",
		"2026-11-26T07:30:61",
		"2026-1-26",
		"2026-11-26T07:30:01.",
		"2026-11-26X07:30",
		"2026-11-26T07:30:01.1234567890",
		"2026-11-26T07:30Q",
		"2026-11-26T07:30+1",
		"2026-11-26T07:30Zx",
		"2026-11-26T07:30+99:00",
		"1960-01-01T00:00Z",
		"@99999999999999999999",
	};
	uint64_t ns = 77;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (hull_parse_when(bad[i], NOW, &ns) == 0)
			fail_msg("'%s' is no time", bad[i]);
	assert_int_equal(ns, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	setenv("TZ", "EET-2", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
