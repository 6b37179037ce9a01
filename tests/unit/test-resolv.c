/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read from a resolv.conf, and what is left out.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "monitor/resolv.h"

#include <string.h>

static void assert_read(const char *text, const char *want)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	struct hull_resolv r;

	assert_int_equal(hull_resolv_parse(text, &r), 0);
	hull_strbuf_addf(&out, "%s%s", r.v4 ? "4" : "", r.v6 ? "6" : "");
	for (size_t i = 0; i < r.search.n; i++)
		hull_strbuf_addf(&out, " %s", r.search.v[i]);
	assert_string_equal(hull_strbuf_str(&out), want);
	hull_resolv_fini(&r);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"nameserver 192.0.2.1\n", "4"},
		{"nameserver\t127.0.0.53\r\noptions edns0\n", "4"},
		{"  nameserver ::1", "6"},
		{"nameserver fe80::1%eth0\nnameserver 192.0.2.1 192.0.2.2\n", "46"},
		{"nameserver\nnameserver x\nNameserver 192.0.2.1\n", ""},
		{"#nameserver 192.0.2.1\n;search a\n", ""},
		{"search a.example  b.example\t\n", " a.example b.example"},
		{"search a\ndomain b\n", " b"},
		{"domain b\nsearch a c\n", " a c"},
		{"search\n", ""},
		{"search 1 2 3 4 5 6 7\n", " 1 2 3 4 5 6"},
		{"search ok a;b \"c\" .\n", " ok ."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_read(cases[i].text, cases[i].want);
}

static void test_long_names_are_left_out(void **state)
{
	char text[320] = "search ";

	memset(text + 7, 'a', 253);
	strcpy(text + 260, " b");
	assert_read(text, text + 6);
	memset(text + 7, 'a', 254);
	strcpy(text + 261, " b");
	assert_read(text, " b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_long_names_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
