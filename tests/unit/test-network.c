/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of user networks, and who listens where for their ports.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/forward.h"
#include "config/network.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void test_numbers(void **state)
{
	cleanup_config struct hull_config c;
	struct hull_network_numbers a, b;

	hull_config_init(&c);
	c.id = strdup("0123456789abcdef0123456789abcdef");
	assert_non_null(hull_vec_push(&c.networks));
	assert_non_null(hull_vec_push(&c.networks));
	hull_network_numbers(&c, 0, &a);
	assert_string_equal(a.mac, "52:01:23:45:67:89");
	assert_string_equal(a.name, "eth0");
	assert_string_equal(a.net4, "10.0.2.0");
	assert_string_equal(a.guest4, "10.0.2.15");
	assert_string_equal(a.host4, "10.0.2.2");
	assert_string_equal(a.dns4, "10.0.2.3");
	assert_string_equal(a.net6, "fd48:756c:6c::");
	assert_string_equal(a.guest6, "fd48:756c:6c::15");
	assert_string_equal(a.host6, "fd48:756c:6c::2");
	assert_string_equal(a.dns6, "fd48:756c:6c::3");
	hull_network_numbers(&c, 1, &b);
	assert_string_equal(b.mac, "52:01:23:45:67:88");
	assert_string_equal(b.name, "eth1");
	assert_string_equal(b.guest4, "10.0.3.15");
	assert_string_equal(b.guest6, "fd48:756c:6c:1::15");
	c.networks.v[1].mac = strdup("02:00:00:00:00:01");
	hull_network_numbers(&c, 1, &b);
	assert_string_equal(b.mac, "02:00:00:00:00:01");
}

#define DEVICES(list)                                                                         \
	"{\"version\":1,\"id\":\"0123456789abcdef0123456789abcdef\",\"run_dir\":\"/r\","      \
	"\"kernel\":\"/k\",\"initrd\":\"/i\",\"networks\":[{\"mac\":\"02:00:00:00:00:01\"}]," \
	"\"devices\":[" list "]}"

#define NAT "{\"kind\":\"virtio-net\",\"nat\":true}"

/* Devices behind the host's address become networks, with what they have of their own. */
static void test_adopt(void **state)
{
	static const char text[] =
		DEVICES("{\"kind\":\"virtio-net\",\"nat\":true,\"mac\":\"02:00:00:00:00:02\"},"
			"{\"kind\":\"virtio-rng\"},{\"kind\":\"virtio-net\",\"path\":\"/s\"},"
			"{\"kind\":\"virtio-net\",\"nat\":true}");
	static const char much[] = DEVICES(NAT "," NAT "," NAT "," NAT);
	cleanup_config struct hull_config c;
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(hull_config_from_json(text, strlen(text), &c, NULL), 0);
	assert_int_equal(hull_config_validate(&c, NULL), 0);
	for (int turn = 0; turn < 2; turn++) { /* once is enough */
		assert_int_equal(hull_networks_adopt(&c, NULL), 0);
		assert_int_equal(c.networks.n, 3);
		assert_string_equal(c.networks.v[1].mac, "02:00:00:00:00:02");
		assert_null(c.networks.v[2].mac);
		assert_int_equal(c.devices.n, 2);
		assert_int_equal(c.devices.v[0].kind, HULL_DEVICE_RNG);
		assert_string_equal(c.devices.v[1].net.path, "/s");
		assert_int_equal(hull_config_validate(&c, NULL), 0);
	}
	hull_config_fini(&c);
	assert_int_equal(hull_config_from_json(much, strlen(much), &c, NULL), 0);
	assert_int_equal(hull_networks_adopt(&c, &err), -1);
	assert_string_equal(hull_error_message(err), "devices[0]: more than 4 networks");
}

static void refuse_devices(const char *text, const char *why)
{
	cleanup_config struct hull_config c;
	cleanup_error struct hull_error *err = NULL;

	if (hull_config_from_json(text, strlen(text), &c, &err) == 0 &&
	    hull_config_validate(&c, &err) == 0)
		fail_msg("accepted: %s", text);
	if (!strstr(hull_error_message(err), why))
		fail_msg("no '%s' in: %s", why, hull_error_message(err));
}

#define NIC(members) "{\"kind\":\"virtio-net\"," members "}"

static void test_devices_refused(void **state)
{
	refuse_devices(DEVICES(NIC("\"path\":\"s\"")), "devices[0].path: not an absolute path");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"mac\":\"02:00:00:00:00:01\"")),
		       "devices[0].mac: same as that of networks[0]");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"mac\":\"02:00:00:00:00:02\"") "," NIC(
			       "\"fd\":3,\"mac\":\"020000000002\"")),
		       "devices[1].mac: same as that of devices[0]");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"mac\":\"01:00:00:00:00:01\"")),
		       "not the hardware address of one device");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"mac\":\"02:00:00:00:00:00:00:01\"")),
		       "not the hardware address of one device");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"magic\":true,\"mode\":\"stream\"")),
		       "'magic' is a datagram");
	refuse_devices(DEVICES(NIC("\"nat\":true,\"mode\":\"stream\"")), "exclude each other");
	refuse_devices(DEVICES(NIC("\"nat\":true,\"mtu\":1400")), "'nat' and 'mtu' exclude");
	refuse_devices(DEVICES(NIC("\"nat\":true,\"features\":\"CSUM\"")), "'nat' and 'features'");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"mode\":\"steam\"")), "did you mean");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"mtu\":67")), "mtu: 68 is the least");
	refuse_devices(DEVICES(NIC("\"path\":\"/s\",\"features\":\"CSUM|TSO\"")),
		       "features: unknown 'TSO'");
	refuse_devices(DEVICES("{\"kind\":\"virtio-serial\",\"log\":\"l\"}"),
		       "devices[0].log: not an absolute path");
	refuse_devices(DEVICES("{\"kind\":\"virtio-serial\",\"stdio\":true},"
			       "{\"kind\":\"virtio-serial\",\"stdio\":true}"),
		       "devices[1].stdio: another device has");
}

struct spec {
	const char *address;
	uint64_t host, guest, count;
	enum hull_protocol protocol;
};

/* Ended by a port of 0.  The addresses are lent. */
static void fill(struct hull_network *net, const struct spec *specs)
{
	for (; specs->host; specs++) {
		struct hull_port *p = hull_vec_push(&net->ports);

		assert_non_null(p);
		*p = (struct hull_port){.address = (char *)specs->address,
					.host = specs->host,
					.guest = specs->guest,
					.count = specs->count ? specs->count : 1,
					.protocol = specs->protocol};
	}
}

/* "127.0.0.1:80/tcp>8080+2 [::1]:80/tcp=0 ": relayed ones name their target's index. */
static void print(const struct hull_forwards *f, struct hull_strbuf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		char text[HULL_FORWARD_TEXT];

		hull_forward_text(&f->v[i], f->v[i].host, text);
		hull_strbuf_adds(out, text);
		if (f->v[i].relayed)
			hull_strbuf_addf(out, "=%zu ", f->v[i].target);
		else
			hull_strbuf_addf(out, ">%" PRIu32 "+%" PRIu32 " ", f->v[i].guest,
					 f->v[i].count);
	}
}

static void assert_plan(const struct spec *specs, const struct hull_forward_rules *rules,
			const char *want)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_forwards struct hull_forwards f = {0};
	cleanup_error struct hull_error *err = NULL;
	struct hull_network net = {0};

	fill(&net, specs);
	if (hull_forwards_plan(&net, rules, &f, &err) < 0)
		hull_strbuf_adds(&out, hull_error_message(err));
	print(&f, &out);
	assert_string_equal(hull_strbuf_str(&out), want);
	free(net.ports.v);
}

static void test_loopback_is_both(void **state)
{
	static const struct spec specs[] = {
		{NULL, 8080, 80, 2, HULL_PROTOCOL_TCP}, {NULL, 53, 53, 1, HULL_PROTOCOL_UDP}, {0}};
	static const char want[] = "127.0.0.1:8080/tcp>80+2 [::1]:8080/tcp=0 "
				   "127.0.0.1:53/udp>53+1 [::1]:53/udp=2 ";

	assert_plan(specs, &hull_forward_passt, want);
	assert_plan(specs, &hull_forward_builtin, want);
}

static void test_addresses(void **state)
{
	static const struct spec v6[] = {{"2001:db8::1", 80, 80, 1, HULL_PROTOCOL_TCP}, {0}};
	static const struct spec more[] = {{"::1", 80, 80, 1, HULL_PROTOCOL_TCP},
					   {"192.0.2.1", 80, 80, 1, HULL_PROTOCOL_TCP},
					   {"192.0.2.2", 80, 80, 1, HULL_PROTOCOL_TCP},
					   {0}};
	static const struct spec apart[] = {{"192.0.2.1", 80, 80, 1, HULL_PROTOCOL_TCP},
					    {"192.0.2.2", 80, 81, 1, HULL_PROTOCOL_TCP},
					    {0}};
	static const struct spec same_guest[] = {{"192.0.2.1", 53, 53, 1, HULL_PROTOCOL_UDP},
						 {"192.0.2.1", 54, 53, 1, HULL_PROTOCOL_UDP},
						 {"192.0.2.1", 53, 53, 1, HULL_PROTOCOL_TCP},
						 {"192.0.2.1", 54, 53, 1, HULL_PROTOCOL_TCP},
						 {0}};

	assert_plan(v6, &hull_forward_passt, "[2001:db8::1]:80/tcp>80+1 ");
	assert_plan(v6, &hull_forward_builtin,
		    "port [2001:db8::1]:80/tcp: the hypervisor's own network can't listen on an "
		    "address of IPv6");
	assert_plan(more, &hull_forward_passt,
		    "[::1]:80/tcp>80+1 192.0.2.1:80/tcp=0 192.0.2.2:80/tcp=0 ");
	assert_plan(more, &hull_forward_builtin,
		    "[::1]:80/tcp=1 192.0.2.1:80/tcp>80+1 192.0.2.2:80/tcp>80+1 ");
	assert_plan(apart, &hull_forward_passt,
		    "port 192.0.2.2:80/tcp: passt can't lead it elsewhere than the same port of "
		    "another address");
	assert_plan(apart, &hull_forward_builtin, "192.0.2.1:80/tcp>80+1 192.0.2.2:80/tcp>81+1 ");
	assert_plan(same_guest, &hull_forward_passt,
		    "192.0.2.1:53/udp>53+1 192.0.2.1:54/udp=0 192.0.2.1:53/tcp>53+1 "
		    "192.0.2.1:54/tcp>53+1 ");
}

/* More than the monitor listens on: nobody asked for the second family by name. */
static void test_limits(void **state)
{
	static const struct spec many[] = {{NULL, 1000, 1000, 129, HULL_PROTOCOL_TCP},
					   {NULL, 80, 80, 1, HULL_PROTOCOL_TCP},
					   {0}};
	static const struct spec named[] = {{"192.0.2.1", 1000, 1000, 129, HULL_PROTOCOL_TCP},
					    {"::1", 1000, 1000, 129, HULL_PROTOCOL_TCP},
					    {0}};
	static const struct spec all[] = {{"::", 1, 1, 65535, HULL_PROTOCOL_TCP}, {0}};

	assert_plan(many, &hull_forward_passt,
		    "127.0.0.1:1000/tcp>1000+129 127.0.0.1:80/tcp>80+1 [::1]:80/tcp=1 ");
	assert_plan(named, &hull_forward_passt, "129 ports on a second address are more than 128");
	assert_plan(all, &hull_forward_passt, "[::]:1/tcp>1+65535 ");
}

static void test_overlap(void **state)
{
	static const struct {
		struct spec a, b;
		bool overlap;
	} cases[] = {
		{{NULL, 80, 1, 1, 0}, {NULL, 80, 2, 1, 0}, true},
		{{NULL, 80, 1, 1, 0}, {NULL, 80, 1, 1, HULL_PROTOCOL_UDP}, false},
		{{NULL, 80, 1, 1, 0}, {NULL, 81, 1, 1, 0}, false},
		{{NULL, 80, 1, 2, 0}, {NULL, 81, 1, 1, 0}, true},
		{{NULL, 82, 1, 1, 0}, {NULL, 80, 1, 2, 0}, false},
		{{NULL, 80, 1, 1, 0}, {"127.0.0.1", 80, 1, 1, 0}, true},
		{{NULL, 80, 1, 1, 0}, {"::1", 80, 1, 1, 0}, true},
		{{NULL, 80, 1, 1, 0}, {"::", 80, 1, 1, 0}, true},
		{{NULL, 80, 1, 1, 0}, {"127.0.0.2", 80, 1, 1, 0}, false},
		{{"0.0.0.0", 80, 1, 1, 0}, {"192.0.2.1", 80, 1, 1, 0}, true},
		{{"0.0.0.0", 80, 1, 1, 0}, {"::", 80, 1, 1, 0}, false},
		{{"2001:db8::1", 80, 1, 1, 0}, {"2001:db8:0::1", 80, 1, 1, 0}, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct spec two[] = {cases[i].a, cases[i].b, {0}};
		struct hull_network net = {0};

		fill(&net, two);
		if (hull_ports_overlap(&net.ports.v[0], &net.ports.v[1]) != cases[i].overlap ||
		    hull_ports_overlap(&net.ports.v[1], &net.ports.v[0]) != cases[i].overlap)
			fail_msg("case %zu", i);
		free(net.ports.v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_devices_refused), cmocka_unit_test(test_loopback_is_both),
		cmocka_unit_test(test_addresses),	cmocka_unit_test(test_limits),
		cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
