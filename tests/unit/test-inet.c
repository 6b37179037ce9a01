/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../fuzz/fuzz-inet.c"
#include "corpus.h"

static void takes(const char *text, const char *want)
{
	char got[HULL_IP_TEXT];
	struct hull_ip ip;
	bool prefix = strchr(text, '/');

	if ((prefix ? hull_parse_ip_prefix(text, &ip) : hull_parse_ip(text, &ip)) < 0)
		fail_msg("'%s' was refused", text);
	hull_ip_format(&ip, prefix, got);
	assert_string_equal(got, want);
}

static void refuses(const char *text)
{
	struct hull_ip ip = {.family = 77};

	if (hull_parse_ip(text, &ip) == 0 || hull_parse_ip_prefix(text, &ip) == 0)
		fail_msg("'%s' was taken", text);
	assert_int_equal(ip.family, 77);
}

static void addresses(void **state)
{
	takes("10.0.2.15", "10.0.2.15");
	takes("0.0.0.0", "0.0.0.0");
	takes("FE80::0:1", "fe80::1");
	takes("::ffff:1.2.3.4", "::ffff:1.2.3.4");
	takes("10.0.2.15/24", "10.0.2.15/24");
	takes("10.0.2.15/1", "10.0.2.15/1");
	takes("10.0.2.15/32", "10.0.2.15/32");
	takes("fd00::2/64", "fd00::2/64");
	takes("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void not_addresses(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"10",
		"10.0.2",
		"10.0.2.256",
		"010.0.2.15",
		"10.0.2.15 ",
		" 10.0.2.15",
		"10.0.2.15\n",
		"0x0a.0.2.15",
		"host",
		"fe80::1%eth0",
		"fe80:::1",
		"::1::",
		"[::1]",
		"1:2:3:4:5:6:7",
		"10.0.2.15/",
		"10.0.2.15/0",
		"10.0.2.15/33",
		"10.0.2.15/08",
		"10.0.2.15/+8",
		"10.0.2.15/8 ",
		"10.0.2.15/255.0.0.0",
		"/24",
		"::1/129",
		"::/0",
		"10.0.2.15/24/24",
		"10.0.2.15/4294967304",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001/64"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refuses(bad[i]);
}

static void hardware_addresses(void **state)
{
	static const char *const bad[] = {"",
					  "52:54:00:12:34",
					  "52:54:00:12:34:5",
					  "52:54:00:12:34:567",
					  "52:54:00:12:34:56 ",
					  "52-54-00-12-34-56",
					  "52:54:00:12:34:5g",
					  "00:00:00:00:00:00",
					  "01:00:5e:00:00:01",
					  "ff:ff:ff:ff:ff:ff",
					  "5254.0012.3456",
					  "52:54:00:12:34:56:78",
					  "+2:54:00:12:34:56"};
	uint8_t mac[HULL_MAC_LEN] = {0};
	char text[HULL_MAC_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (hull_parse_mac(bad[i], mac) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(mac[0], 0);
	assert_int_equal(hull_parse_mac("52:54:00:Ab:cD:ef", mac), 0);
	hull_mac_format(mac, text);
	assert_string_equal(text, "52:54:00:ab:cd:ef");
}

static bool contains(const char *net, const char *address)
{
	struct hull_ip n, a;

	assert_int_equal(hull_parse_ip_prefix(net, &n), 0);
	assert_int_equal(hull_parse_ip(address, &a), 0);
	return hull_ip_contains(&n, &a);
}

static void networks(void **state)
{
	assert_true(contains("10.0.2.15/24", "10.0.2.2"));
	assert_false(contains("10.0.2.15/24", "10.0.3.2"));
	assert_true(contains("10.0.2.15/23", "10.0.3.2"));
	assert_false(contains("10.0.2.15/32", "10.0.2.14"));
	assert_true(contains("10.0.2.15/32", "10.0.2.15"));
	assert_true(contains("10.0.2.15/1", "127.0.0.1"));
	assert_false(contains("10.0.2.15/1", "128.0.0.1"));
	assert_true(contains("fd00::1/60", "fd00:0:0:f::9"));
	assert_false(contains("fd00::1/60", "fd00:0:0:10::9"));
	assert_false(contains("fd00::1/64", "10.0.2.2"));
}

static void kinds(void **state)
{
	static const struct {
		const char *text;
		bool host, link_local;
	} table[] = {{"10.0.2.15", true, false},  {"127.0.0.1", true, false},
		     {"0.0.0.0", false, false},	  {"224.0.0.1", false, false},
		     {"239.1.2.3", false, false}, {"255.255.255.255", false, false},
		     {"::", false, false},	  {"::1", true, false},
		     {"ff02::1", false, false},	  {"fe80::1", true, true},
		     {"febf::1", true, true},	  {"fec0::1", true, false},
		     {"254.128.0.1", true, false}};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct hull_ip ip;

		assert_int_equal(hull_parse_ip(table[i].text, &ip), 0);
		if (hull_ip_is_host(&ip) != table[i].host ||
		    hull_ip_is_link_local(&ip) != table[i].link_local)
			fail_msg("'%s' is taken for what it isn't", table[i].text);
	}
}

static void corpus(void **state)
{
	assert_true(corpus_replay("inet") >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(not_addresses),
		cmocka_unit_test(hardware_addresses),
		cmocka_unit_test(networks),
		cmocka_unit_test(kinds),
		cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
