/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of --publish: every form, and every way of getting it wrong.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "cli/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void test_forms(void **state)
{
	static const struct {
		const char *text, *want; /* address host+count guest protocol */
	} cases[] = {
		{"80", "- 80+1 80 tcp"},
		{"80/udp", "- 80+1 80 udp"},
		{"8080:80", "- 8080+1 80 tcp"},
		{"8080:80/tcp", "- 8080+1 80 tcp"},
		{"8000-8009:80-89/udp", "- 8000+10 80 udp"},
		{"8000-8009", "- 8000+10 8000 tcp"},
		{"1-65535", "- 1+65535 1 tcp"},
		{"127.0.0.1:8080:80", "127.0.0.1 8080+1 80 tcp"},
		{"0.0.0.0:53:53/udp", "0.0.0.0 53+1 53 udp"},
		{"192.0.2.1:80", "192.0.2.1 80+1 80 tcp"},
		{"[::1]:8080:80", "::1 8080+1 80 tcp"},
		{"[2001:db8::1]:80-81/udp", "2001:db8::1 80+2 80 udp"},
		{"080:0080", "- 80+1 80 tcp"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_error struct hull_error *err = NULL;
		struct hull_port p = {0};
		char got[128];

		if (hull_publish_parse(cases[i].text, &p, &err) < 0)
			fail_msg("%s: %s", cases[i].text, hull_error_message(err));
		snprintf(got, sizeof(got), "%s %" PRIu64 "+%" PRIu64 " %" PRIu64 " %s",
			 p.address ? p.address : "-", p.host, p.count, p.guest,
			 hull_protocol_names[p.protocol]);
		assert_string_equal(got, cases[i].want);
		free(p.address);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "'' is not a port"},
		{":", "'' is not a port"},
		{":80", "'' is not a port"},
		{"80:", "'' is not a port"},
		{"0", "'0' is not a port"},
		{"80:0", "'0' is not a port"},
		{"65536", "'65536' is not a port"},
		{"-80", "'' is not a port"},
		{"80-", "'' is not a port"},
		{"80-79", "the range '80-79' ends before it begins"},
		{"80-81-82", "'81-82' is not a port"},
		{" 80", "' 80' is not a port"},
		{"+80", "'+80' is not a port"},
		{"http", "'http' is not a port"},
		{"8080:http", "'http' is not a port"},
		{"80/", "unknown protocol ''"},
		{"80/udq", "unknown protocol 'udq'; did you mean 'udp'?"},
		{"80/sctp", "unknown protocol 'sctp'"},
		{"80/udp/tcp", "unknown protocol 'udp/tcp'"},
		{"8000-8001:80", "'8000-8001:80' leads 2 ports of the host to 1 of the guest"},
		{"1:2:3", "'1:2:3' has too many colons"},
		{"::1:8080:80", "'::1:8080:80' has too many colons"},
		{"[::1]", "'[::1]' is not a port to publish"},
		{"[::1", "'[::1' is not a port to publish"},
		{"[::1]80", "'[::1]80' is not a port to publish"},
		{"[127.0.0.1]:80:80", "'127.0.0.1' is not an IPv6 address"},
		{"[fe80::1%eth0]:80:80", "'fe80::1%eth0' is not an IPv6 address"},
		{"127.0.0.256:80:80", "'127.0.0.256' is not an IPv4 address"},
		{"127.1:80:80", "'127.1' is not an IPv4 address"},
		{"example.org:80:80", "'example.org' is not an IPv4 address"},
		{"127.0.0.1::80", "'' is not a port"},
		{"127.0.0.1:1:2:3", "'127.0.0.1:1:2:3' has too many colons"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_error struct hull_error *err = NULL;
		struct hull_port p = {.host = 7};

		if (hull_publish_parse(cases[i].text, &p, &err) == 0)
			fail_msg("'%s' was accepted", cases[i].text);
		assert_int_equal(hull_error_code(err), HULL_E_INVALID);
		assert_string_equal(hull_error_message(err), cases[i].message);
		assert_int_equal(p.host, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
