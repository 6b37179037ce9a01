/* SPDX-License-Identifier: Apache-2.0
 *
 * A timeline's gaps, and the three forms it is shown in.
 */
#include "unit.h"

#include "base/json.h"
#include "base/strbuf.h"
#include "cli/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

/* Two phases with 5 ms between them, the second with two parts. */
static void fill(struct hull_timeline *t)
{
	hull_timeline_add(t, HULL_AT_HULL, 0, "first", 100 * MS, 120 * MS);
	hull_timeline_add(t, HULL_AT_GUEST, 0, "second", 125 * MS, 180 * MS);
	hull_timeline_add(t, HULL_AT_GUEST, 1, "part", 130 * MS, 140 * MS);
	hull_timeline_add(t, HULL_AT_GUEST, 1, "other part", 140 * MS, 170 * MS);
}

static void gaps(void **state)
{
	struct hull_timeline t = {0};

	assert_int_equal(hull_timeline_unattributed(&t, 100 * MS, 200 * MS), 100 * MS);
	fill(&t);
	assert_int_equal(hull_timeline_unattributed(&t, 100 * MS, 200 * MS), 25 * MS);
	assert_int_equal(hull_timeline_unattributed(&t, 95 * MS, 180 * MS), 10 * MS);
	assert_int_equal(hull_timeline_unattributed(&t, 100 * MS, 120 * MS), 0);
	assert_int_equal(hull_timeline_unattributed(&t, 100 * MS, 122 * MS), 2 * MS);
	/* One inside another counts once; one that ends before it begins is empty. */
	hull_timeline_add(&t, HULL_AT_HULL, 0, "inside", 130 * MS, 140 * MS);
	hull_timeline_add(&t, HULL_AT_HULL, 0, "backwards", 190 * MS, 185 * MS);
	assert_int_equal(hull_timeline_unattributed(&t, 100 * MS, 200 * MS), 25 * MS);
	hull_timeline_fini(&t);
	assert_int_equal(t.spans.n, 0);
}

static void as_text(void **state)
{
	static const char expected[] =
		" start/ms   took/ms\n"
		"      0.0      20.0  first              hull        ========\n"
		"     25.0      55.0  second             guest                 "
		"======================\n"
		"     30.0      10.0    part             guest                   ----\n"
		"     40.0      30.0    other part       guest                       ------------\n"
		"              100.0  in all; 25.0 unattributed\n";
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	struct hull_timeline t = {0};

	fill(&t);
	assert_int_equal(hull_timing_text(&t, 100 * MS, 200 * MS, &out), 0);
	assert_string_equal(hull_strbuf_str(&out), expected);
	hull_timeline_fini(&t);
}

static uint64_t number(const struct hull_json *j, const char *key)
{
	uint64_t v = UINT64_MAX;

	assert_int_equal(hull_json_get_u64(hull_json_get(j, key), &v), 0);
	return v;
}

static void as_json(void **state)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_json struct hull_json *j = NULL;
	struct hull_json *phases, *second, *part;
	struct hull_timeline t = {0};

	fill(&t);
	assert_int_equal(hull_timing_json(&t, 100 * MS, 200 * MS, &out), 0);
	assert_int_equal(hull_json_parse(hull_strbuf_str(&out), out.len, &j, NULL), 0);
	assert_int_equal(number(j, "total_ns"), 100 * MS);
	assert_int_equal(number(j, "unattributed_ns"), 25 * MS);
	phases = hull_json_get(j, "phases");
	assert_int_equal(hull_json_length(phases), 2);
	assert_int_equal(hull_json_length(hull_json_get(hull_json_at(phases, 0), "parts")), 0);
	second = hull_json_at(phases, 1);
	assert_string_equal(hull_json_str(hull_json_get(second, "name")), "second");
	assert_string_equal(hull_json_str(hull_json_get(second, "where")), "guest");
	assert_int_equal(number(second, "start_ns"), 25 * MS);
	assert_int_equal(number(second, "duration_ns"), 55 * MS);
	assert_int_equal(hull_json_length(hull_json_get(second, "parts")), 2);
	part = hull_json_at(hull_json_get(second, "parts"), 1);
	assert_string_equal(hull_json_str(hull_json_get(part, "name")), "other part");
	assert_int_equal(number(part, "duration_ns"), 30 * MS);
	hull_timeline_fini(&t);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

static void as_svg(void **state)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	struct hull_timeline t = {0};

	fill(&t);
	assert_int_equal(hull_timing_svg(&t, 100 * MS, 200 * MS, &out), 0);
	assert_int_equal(strncmp(hull_strbuf_str(&out), "<svg ", 5), 0);
	assert_int_equal(count(out.data, "</svg>\n"), 1);
	assert_int_equal(count(out.data, "<rect "), 1 + 4 + 4); /* paper, legend, spans */
	assert_int_equal(count(out.data, "<line "), 11);	/* every 10 ms */
	hull_timeline_fini(&t);
}

static void nothing_to_show(void **state)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	const struct hull_timeline t = {0};

	assert_int_equal(hull_timing_text(&t, 7, 7, &out), 0);
	assert_int_equal(hull_timing_json(&t, 7, 7, &out), 0);
	assert_int_equal(hull_timing_svg(&t, 7, 7, &out), 0);
}

static void parsing(void **state)
{
	char path[] = "/tmp/hull-test-timing-XXXXXX", value[64];
	struct hull_timing timing = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(hull_timing_parse(NULL, &timing, NULL), 0);
	assert_int_equal(timing.format, HULL_TIMING_TEXT);
	assert_int_equal(hull_timing_parse("json", &timing, NULL), 0);
	assert_int_equal(timing.format, HULL_TIMING_JSON);
	assert_null(timing.file);
	snprintf(value, sizeof(value), "svg:%s", path);
	assert_int_equal(hull_timing_parse(value, &timing, NULL), 0);
	assert_int_equal(timing.format, HULL_TIMING_SVG);
	assert_string_equal(timing.file, path);
	for (const char *const *bad =
		     (const char *const[]){"", "jsn", "svg:", "svg:/nosuch/x", NULL};
	     *bad; bad++) {
		cleanup_error struct hull_error *err = NULL;

		assert_int_equal(hull_timing_parse(*bad, &timing, &err), -1);
		assert_non_null(err);
	}
	hull_timing_fini(&timing);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps),	   cmocka_unit_test(as_text),
		cmocka_unit_test(as_json), cmocka_unit_test(as_svg),
		cmocka_unit_test(parsing), cmocka_unit_test(nothing_to_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
