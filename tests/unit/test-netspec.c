/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/netspec.h"
#include "base/cleanup.h"
#include "netrequest.h"

#include <string.h>
#include <sys/socket.h>

static void refused(struct netrequest *r, const char *message)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec s;
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(hull_netspec_parse(&r->rq, &s, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_INVALID);
	assert_string_equal(hull_error_message(err), message);
}

static void all_of_it(void **state)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec s;
	cleanup_error struct hull_error *err = NULL;
	struct netrequest r;

	netrequest_init(&r);
	r.rq.n_interfaces = 2;
	r.in[0].name = (char *)"eth0";
	r.in[0].mtu = 65520;
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24", "fd00::2/64");
	NETREQUEST_LIST(&r.in[0], gateways, "fe80::1", "10.0.2.2");
	NETREQUEST_LIST(&r.rq, nameservers, "10.0.2.3", "fd00::3");
	NETREQUEST_LIST(&r.rq, search, "example.org", "a-b.example.", "_x");
	if (hull_netspec_parse(&r.rq, &s, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(s.n_nics, 2);
	assert_int_equal(s.nics[0].mac[5], 1);
	assert_string_equal(s.nics[0].name, "eth0");
	assert_int_equal(s.nics[0].mtu, 65520);
	assert_int_equal(s.nics[0].n_addresses, 2);
	assert_int_equal(s.nics[0].addresses[1].prefix, 64);
	assert_int_equal(s.nics[0].n_gateways, 2);
	assert_int_equal(s.nics[0].gateways[0].family, AF_INET6);
	assert_string_equal(s.nics[1].name, "");
	assert_int_equal(s.nics[1].n_addresses, 0);
	assert_string_equal(hull_strbuf_str(&s.resolv), "nameserver 10.0.2.3\nnameserver fd00::3\n"
							"search example.org a-b.example. _x\n");
}

static void nothing(void **state)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec s;
	cleanup_error struct hull_error *err = NULL;
	struct netrequest r;

	netrequest_init(&r);
	r.rq.n_interfaces = 0;
	NETREQUEST_LIST(&r.rq, nameservers, "10.0.2.3");
	assert_int_equal(hull_netspec_parse(&r.rq, &s, &err), 0);
	assert_int_equal(s.n_nics, 0);
	assert_int_equal(s.resolv.len, 0);
}

static void onlink(void **state)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec s;
	cleanup_error struct hull_error *err = NULL;
	static const struct {
		const char *gateway;
		bool onlink;
	} table[] = {
		{"10.0.2.2", false},   {"10.0.3.2", true}, {"10.1.0.9", false},
		{"fe80::1", false},    {"fd00::1", false}, {"fd00:0:0:1::1", true},
		{"169.254.1.1", true},
	};
	struct netrequest r;

	netrequest_init(&r);
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24", "10.1.0.1/16", "fd00::2/64");
	assert_int_equal(hull_netspec_parse(&r.rq, &s, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct hull_ip ip;

		assert_int_equal(hull_parse_ip(table[i].gateway, &ip), 0);
		if (hull_nic_is_onlink(&s.nics[0], &ip) != table[i].onlink)
			fail_msg("%s", table[i].gateway);
	}
}

static void wrong_interfaces(void **state)
{
	struct netrequest r;

	netrequest_init(&r);
	r.in[0].mac = (char *)"eth0";
	refused(&r, "interface 0: 'eth0' is no hardware address of a device");

	netrequest_init(&r);
	r.in[0].name = (char *)"eth 0";
	refused(&r, "interface '02:00:00:00:00:01': name 'eth 0' is not 1 to 15 letters, digits, "
		    "'.', '_', '-'");

	netrequest_init(&r);
	r.in[0].mtu = 67;
	refused(&r, "interface '02:00:00:00:00:01': MTU 67 is not within 68 and 65535");
	r.in[0].mtu = 65536;
	refused(&r, "interface '02:00:00:00:00:01': MTU 65536 is not within 68 and 65535");

	netrequest_init(&r);
	r.rq.n_interfaces = 2;
	r.in[1].mac = r.in[0].mac;
	refused(&r, "interface '02:00:00:00:00:01' is there twice");

	netrequest_init(&r);
	r.rq.n_interfaces = 2;
	r.in[0].name = r.in[1].name = (char *)"eth0";
	refused(&r, "interfaces '02:00:00:00:00:01' and '02:00:00:00:00:02' can't both be named "
		    "'eth0'");

	netrequest_init(&r);
	r.rq.n_interfaces = HULL_NICS_MAX + 1;
	refused(&r, "more than 16 interfaces");
}

static void wrong_addresses(void **state)
{
	struct netrequest r;

	netrequest_init(&r);
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24", "10.0.2.16");
	refused(&r, "interface '02:00:00:00:00:01': address '10.0.2.16' is not "
		    "ADDRESS/PREFIX-LENGTH");
	NETREQUEST_LIST(&r.in[0], addresses, "ff02::1/64");
	refused(&r, "interface '02:00:00:00:00:01': address 'ff02::1/64' can't be that of a host");
	r.in[0].n_addresses = HULL_NIC_ADDRESSES_MAX + 1;
	refused(&r, "interface '02:00:00:00:00:01': more than 32 addresses");
}

static void wrong_gateways(void **state)
{
	struct netrequest r;

	netrequest_init(&r);
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24");
	NETREQUEST_LIST(&r.in[0], gateways, "10.0.2.2/24");
	refused(&r, "interface '02:00:00:00:00:01': gateway '10.0.2.2/24' is no IP address");
	NETREQUEST_LIST(&r.in[0], gateways, "0.0.0.0");
	refused(&r, "interface '02:00:00:00:00:01': gateway '0.0.0.0' can't be that of a host");
	NETREQUEST_LIST(&r.in[0], gateways, "10.0.2.2", "10.0.2.3");
	refused(&r,
		"interface '02:00:00:00:00:01': gateway '10.0.2.3' is the second of its family");
	NETREQUEST_LIST(&r.in[0], gateways, "10.0.2.2", "fe80::1");
	refused(&r,
		"interface '02:00:00:00:00:01': gateway 'fe80::1', but no address of its family");
}

static void wrong_resolver(void **state)
{
	struct netrequest r;

	netrequest_init(&r);
	NETREQUEST_LIST(&r.rq, nameservers, "10.0.2.3", "10.0.2.3\noptions x");
	refused(&r, "name server '10.0.2.3\noptions x' is no IP address of a host");
	r.rq.n_nameservers = HULL_NAMESERVERS_MAX + 1;
	refused(&r, "more than 16 name servers");
	r.rq.n_nameservers = 0;
	NETREQUEST_LIST(&r.rq, search, "example.org", "a b");
	refused(&r, "search domain 'a b' is no domain name");
	NETREQUEST_LIST(&r.rq, search, "a\nnameserver 1.2.3.4");
	refused(&r, "search domain 'a\nnameserver 1.2.3.4' is no domain name");
	NETREQUEST_LIST(&r.rq, search, "");
	refused(&r, "search domain '' is no domain name");
	r.rq.n_search = HULL_SEARCH_MAX + 1;
	refused(&r, "more than 32 search domains");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),	   cmocka_unit_test(nothing),
		cmocka_unit_test(onlink),	   cmocka_unit_test(wrong_interfaces),
		cmocka_unit_test(wrong_addresses), cmocka_unit_test(wrong_gateways),
		cmocka_unit_test(wrong_resolver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
