/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's network set-up against this kernel, in network namespaces of its own: the devices are
 * veth pairs.  Skipped where there can be none.  And the writing of resolv.conf in made-up roots.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "agent/net.h"
#include "agent/netspec.h"
#include "base/cleanup.h"
#include "base/netdev.h"
#include "base/nl.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "netrequest.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hull_nl nl = HULL_NL_INIT;

/* ---- devices ---- */

static int add_pair(struct hull_nl *n, const char *name, const char *mac, const char *peer)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	uint8_t bytes[HULL_MAC_LEN];
	struct hull_nl_msg m;
	size_t link, data, other;

	assert_int_equal(hull_parse_mac(mac, bytes), 0);
	hull_nl_start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	hull_nl_put_string(&m, IFLA_IFNAME, name);
	hull_nl_put(&m, IFLA_ADDRESS, bytes, sizeof(bytes));
	link = hull_nl_nest(&m, IFLA_LINKINFO);
	hull_nl_put_string(&m, IFLA_INFO_KIND, "veth");
	data = hull_nl_nest(&m, IFLA_INFO_DATA);
	other = hull_nl_nest(&m, VETH_INFO_PEER);
	hull_nl_put_header(&m, &info, sizeof(info));
	hull_nl_put_string(&m, IFLA_IFNAME, peer);
	hull_nl_end(&m, other);
	hull_nl_end(&m, data);
	hull_nl_end(&m, link);
	return hull_nl_call(n, &m, NULL, NULL);
}

/* A fresh namespace with one device, or no test. */
static void enter(void)
{
	hull_nl_close(&nl);
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		skip();
	assert_int_equal(hull_nl_open(&nl, NULL), 0);
	if (add_pair(&nl, "a0", "02:00:00:00:00:01", "a1") < 0)
		skip();
}

static struct hull_netdev device(const char *name)
{
	struct hull_netdev dev = {0};

	if (hull_netdev_find_name(&nl, name, &dev, NULL) != 1)
		fail_msg("no '%s'", name);
	return dev;
}

static bool exists(const char *name)
{
	struct hull_netdev dev;
	int r = hull_netdev_find_name(&nl, name, &dev, NULL);

	assert_true(r >= 0);
	return r;
}

/* ---- what is there, as text ---- */

struct dump {
	struct hull_strbuf text;
	int index; /* of the device asked about; 0: any */
	uint8_t family;
};

static const struct hull_nl_rest *attribute(struct hull_nl_rest rest, uint16_t type,
					    struct hull_nl_rest *ret)
{
	struct hull_nl_attr a;

	while (hull_nl_take_attr(&rest, &a) == 1)
		if (a.type == type) {
			*ret = a.value;
			return ret;
		}
	return NULL;
}

static void add_ip(struct hull_strbuf *out, uint8_t family, const struct hull_nl_rest *value)
{
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(value->n, family == AF_INET ? 4 : 16);
	assert_non_null(inet_ntop(family, value->p, text, sizeof(text)));
	hull_strbuf_adds(out, text);
}

static uint32_t number(const struct hull_nl_rest *value)
{
	uint32_t v = 0;

	if (value) {
		assert_int_equal(value->n, sizeof(v));
		memcpy(&v, value->p, sizeof(v));
	}
	return v;
}

static int on_address(void *ctx, const struct hull_nl_in *in)
{
	struct hull_nl_rest rest = in->payload, value;
	struct dump *d = ctx;
	struct ifaddrmsg info;

	assert_int_equal(hull_nl_take(&rest, &info, sizeof(info)), 0);
	/* The kernel's own of v6 come when they like. */
	if (info.ifa_index != (unsigned int)d->index || info.ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	add_ip(&d->text, info.ifa_family, attribute(rest, IFA_ADDRESS, &value));
	hull_strbuf_addf(&d->text, "/%u", info.ifa_prefixlen);
	if (attribute(rest, IFA_BROADCAST, &value)) {
		hull_strbuf_adds(&d->text, " brd ");
		add_ip(&d->text, info.ifa_family, &value);
	}
	if (number(attribute(rest, IFA_FLAGS, &value)) & IFA_F_TENTATIVE)
		hull_strbuf_adds(&d->text, " tentative");
	hull_strbuf_adds(&d->text, "\n");
	return 0;
}

static int on_route(void *ctx, const struct hull_nl_in *in)
{
	struct hull_nl_rest rest = in->payload, value;
	struct dump *d = ctx;
	struct rtmsg info;

	assert_int_equal(hull_nl_take(&rest, &info, sizeof(info)), 0);
	if (info.rtm_family != d->family || info.rtm_dst_len || info.rtm_type != RTN_UNICAST ||
	    !attribute(rest, RTA_GATEWAY, &value))
		return 0;
	add_ip(&d->text, info.rtm_family, &value);
	hull_strbuf_addf(&d->text, " dev %u", number(attribute(rest, RTA_OIF, &value)));
	hull_strbuf_addf(&d->text, " metric %u", number(attribute(rest, RTA_PRIORITY, &value)));
	hull_strbuf_addf(&d->text, "%s\n", info.rtm_flags & RTNH_F_ONLINK ? " onlink" : "");
	return 0;
}

static void has_addresses(const char *name, const char *want)
{
	const struct ifaddrmsg info = {.ifa_family = AF_UNSPEC};
	struct dump d = {.index = device(name).index};
	struct hull_nl_msg m;

	hull_nl_start(&m, RTM_GETADDR, NLM_F_DUMP, &info, sizeof(info));
	assert_int_equal(hull_nl_call(&nl, &m, on_address, &d), 0);
	assert_string_equal(hull_strbuf_str(&d.text), want);
	hull_strbuf_fini(&d.text);
}

static void has_defaults(uint8_t family, const char *want)
{
	const struct rtmsg info = {.rtm_family = family};
	struct dump d = {.family = family};
	struct hull_nl_msg m;

	hull_nl_start(&m, RTM_GETROUTE, NLM_F_DUMP, &info, sizeof(info));
	assert_int_equal(hull_nl_call(&nl, &m, on_route, &d), 0);
	assert_string_equal(hull_strbuf_str(&d.text), want);
	hull_strbuf_fini(&d.text);
}

/* ---- configuring ---- */

static void apply(const struct netrequest *r)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec s;
	cleanup_error struct hull_error *err = NULL;

	if (hull_netspec_parse(&r->rq, &s, &err) < 0 ||
	    hull_net_apply(&s, hull_deadline_ms(5000), &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

static void apply_fails(const struct netrequest *r, uint64_t timeout_ms, int code,
			const char *message)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec s;
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(hull_netspec_parse(&r->rq, &s, &err), 0);
	assert_int_equal(hull_net_apply(&s, hull_deadline_ms(timeout_ms), &err), -1);
	assert_int_equal(hull_error_code(err), code);
	if (strncmp(hull_error_message(err), message, strlen(message)))
		fail_msg("'%s' instead of '%s'", hull_error_message(err), message);
}

static void v4(void **state)
{
	char want[64];
	struct netrequest r;
	struct hull_netdev dev;

	enter();
	netrequest_init(&r);
	r.in[0].name = (char *)"eth0";
	r.in[0].mtu = 1400;
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24", "192.168.7.1/32");
	NETREQUEST_LIST(&r.in[0], gateways, "10.0.2.2");
	snprintf(want, sizeof(want), "10.0.2.2 dev %d metric 0\n", device("a0").index);
	/* The second time nothing changes. */
	for (int i = 0; i < 2; i++) {
		apply(&r);
		assert_false(exists("a0"));
		dev = device("eth0");
		assert_int_equal(dev.mtu, 1400);
		assert_true(dev.flags & IFF_UP);
		has_addresses("eth0", "10.0.2.15/24 brd 10.0.2.255\n192.168.7.1/32\n");
		has_defaults(AF_INET, want);
	}
	/* A clone may have another gateway. */
	NETREQUEST_LIST(&r.in[0], gateways, "10.0.2.3");
	apply(&r);
	snprintf(want, sizeof(want), "10.0.2.3 dev %d metric 0\n", dev.index);
	has_defaults(AF_INET, want);
	/* One that no address's network has. */
	NETREQUEST_LIST(&r.in[0], gateways, "169.254.1.1");
	apply(&r);
	snprintf(want, sizeof(want), "169.254.1.1 dev %d metric 0 onlink\n", dev.index);
	has_defaults(AF_INET, want);
}

static void v6(void **state)
{
	cleanup_strbuf struct hull_strbuf accept_ra = HULL_STRBUF_INIT;
	char want[96];
	struct netrequest r;

	if (access("/proc/sys/net/ipv6", F_OK) < 0)
		skip();
	enter();
	/* With a carrier addresses would be probed for. */
	assert_int_equal(hull_netdev_set_up(&nl, device("a1").index, true, NULL), 0);
	netrequest_init(&r);
	NETREQUEST_LIST(&r.in[0], addresses, "fd00::2/64", "fd01::2/128");
	NETREQUEST_LIST(&r.in[0], gateways, "fe80::1");
	for (int i = 0; i < 2; i++) {
		apply(&r);
		has_addresses("a0", "fd01::2/128\nfd00::2/64\n");
		/* No more are to come from routers. */
		hull_strbuf_clear(&accept_ra);
		assert_int_equal(
			hull_file_read("/proc/sys/net/ipv6/conf/a0/accept_ra", 16, &accept_ra), 0);
		assert_string_equal(hull_strbuf_str(&accept_ra), "0\n");
		snprintf(want, sizeof(want), "fe80::1 dev %d metric 1024\n", device("a0").index);
		has_defaults(AF_INET6, want);
	}
	NETREQUEST_LIST(&r.in[0], gateways, "fd00::1");
	apply(&r);
	snprintf(want, sizeof(want), "fd00::1 dev %d metric 1024\n", device("a0").index);
	has_defaults(AF_INET6, want);
	NETREQUEST_LIST(&r.in[0], gateways, "fd07::1");
	apply(&r);
	snprintf(want, sizeof(want), "fd07::1 dev %d metric 1024 onlink\n", device("a0").index);
	has_defaults(AF_INET6, want);
}

static void two(void **state)
{
	struct netrequest r;
	char want[96];
	int first, second, stranger;

	enter();
	assert_int_equal(add_pair(&nl, "b0", "02:00:00:00:00:02", "b1"), 0);
	first = device("a0").index;
	second = device("b0").index;
	netrequest_init(&r);
	r.rq.n_interfaces = 2;
	/* They swap names, one of them being up, and the second takes nothing from the first. */
	assert_int_equal(hull_netdev_set_up(&nl, second, true, NULL), 0);
	r.in[0].name = (char *)"b0";
	r.in[1].name = (char *)"a0";
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24");
	NETREQUEST_LIST(&r.in[0], gateways, "10.0.2.2");
	NETREQUEST_LIST(&r.in[1], addresses, "10.0.3.15/24");
	NETREQUEST_LIST(&r.in[1], gateways, "10.0.3.2");
	snprintf(want, sizeof(want), "10.0.2.2 dev %d metric 0\n10.0.3.2 dev %d metric 1025\n",
		 first, second);
	for (int i = 0; i < 2; i++) {
		apply(&r);
		assert_int_equal(device("b0").index, first);
		assert_int_equal(device("a0").index, second);
		has_addresses("b0", "10.0.2.15/24 brd 10.0.2.255\n");
		has_addresses("a0", "10.0.3.15/24 brd 10.0.3.255\n");
		has_defaults(AF_INET, want);
	}
	/* A name that a stranger has, who goes on under another. */
	stranger = device("a1").index;
	assert_int_equal(hull_netdev_set_up(&nl, stranger, true, NULL), 0);
	r.in[0].name = (char *)"a1";
	apply(&r);
	assert_int_equal(device("a1").index, first);
	has_addresses("a1", "10.0.2.15/24 brd 10.0.2.255\n");
	snprintf(want, sizeof(want), "hull%d", stranger);
	assert_int_equal(device(want).index, stranger);
	assert_true(device(want).flags & IFF_UP);
}

static void same_address(void **state)
{
	static const uint8_t mac[HULL_MAC_LEN] = {2, 0, 0, 0, 0, 1};
	struct hull_netdev dev;

	enter();
	assert_int_equal(add_pair(&nl, "b0", "02:00:00:00:00:01", "b1"), 0);
	assert_int_equal(hull_netdev_find_mac(&nl, mac, &dev, NULL), 1);
	assert_string_equal(dev.name, "a0");
}

static void refusals(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	struct netrequest r;
	uint64_t before;

	enter();
	netrequest_init(&r);
	r.in[0].mac = (char *)"02:00:00:00:00:77";
	before = hull_now_ns();
	apply_fails(&r, 50, HULL_E_NOT_FOUND,
		    "interface '02:00:00:00:00:77': no network device with this hardware address");
	assert_true(hull_now_ns() - before >= 50 * HULL_NS_PER_MS);

	/* What the kernel says is passed on, words included. */
	assert_int_equal(hull_netdev_set_mtu(&nl, device("a0").index, 67, &err), -1);
	assert_non_null(strstr(hull_error_message(err), " to 67: Invalid argument ("));
	hull_error_free(steal_ptr(&err));
	assert_int_equal(hull_netdev_set_up(&nl, 4711, true, &err), -1);
	assert_non_null(strstr(hull_error_message(err), "bring network device 4711 up: No such"));
}

/* A device that comes while it is waited for. */
static void late(void **state)
{
	struct netrequest r;
	int status;
	pid_t pid;

	enter();
	netrequest_init(&r);
	r.in[0].mac = (char *)"02:00:00:00:00:02";
	NETREQUEST_LIST(&r.in[0], addresses, "10.0.2.15/24");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct hull_nl mine = HULL_NL_INIT;

		usleep(100000);
		_exit(hull_nl_open(&mine, NULL) < 0 ||
		      add_pair(&mine, "b0", "02:00:00:00:00:02", "b1") < 0);
	}
	apply(&r);
	has_addresses("b0", "10.0.2.15/24 brd 10.0.2.255\n");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- resolv.conf ---- */

static char *make_root(void)
{
	char *root = strdup("/tmp/hull-test-net-XXXXXX");

	assert_non_null(root);
	assert_non_null(mkdtemp(root));
	return root;
}

static void write_resolv(const char *root, const char *text)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;

	hull_strbuf_adds(&b, text);
	if (hull_net_write_resolv(root, &b, &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

/* @type: S_IFREG, S_IFLNK */
static void holds(const char *root, const char *path, mode_t type, const char *text)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	cleanup_free char *whole = hull_path_join(root, path);
	struct stat st;

	assert_int_equal(lstat(whole, &st), 0);
	assert_int_equal(st.st_mode & S_IFMT, type);
	if (!text)
		return;
	assert_int_equal(hull_file_read(whole, 4096, &b), 0);
	assert_string_equal(hull_strbuf_str(&b), text);
}

static void put_link(const char *root, const char *path, const char *to)
{
	cleanup_free char *whole = hull_path_join(root, path);

	(void)unlink(whole);
	assert_int_equal(symlink(to, whole), 0);
}

static void resolv(void **state)
{
	cleanup_free char *root = make_root();

	/* Nothing there, not even the directory. */
	write_resolv(root, "nameserver 1.2.3.4\nsearch a\n");
	holds(root, "etc/resolv.conf", S_IFREG, "nameserver 1.2.3.4\nsearch a\n");
	/* Shorter than before. */
	write_resolv(root, "nameserver 1.1.1.1\n");
	holds(root, "etc/resolv.conf", S_IFREG, "nameserver 1.1.1.1\n");

	/* Through a link, which is resolved within the root, to what is there. */
	write_resolv(root, "old\n");
	{
		cleanup_free char *from = hull_path_join(root, "etc/resolv.conf");
		cleanup_free char *to = hull_path_join(root, "etc/real");

		assert_int_equal(rename(from, to), 0);
	}
	put_link(root, "etc/resolv.conf", "/../../etc/real");
	write_resolv(root, "new\n");
	holds(root, "etc/resolv.conf", S_IFLNK, NULL);
	holds(root, "etc/real", S_IFREG, "new\n");

	/* To nowhere, to itself, below a file, to a directory. */
	put_link(root, "etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf");
	write_resolv(root, "two\n");
	holds(root, "etc/resolv.conf", S_IFREG, "two\n");
	put_link(root, "etc/resolv.conf", "resolv.conf");
	write_resolv(root, "three\n");
	holds(root, "etc/resolv.conf", S_IFREG, "three\n");
	put_link(root, "etc/resolv.conf", "real/x");
	write_resolv(root, "four\n");
	holds(root, "etc/resolv.conf", S_IFREG, "four\n");
	put_link(root, "etc/resolv.conf", "fifo");
	{
		cleanup_free char *fifo = hull_path_join(root, "etc/fifo");
		cleanup_close int reader = -1;

		assert_int_equal(mkfifo(fifo, 0644), 0);
		reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		write_resolv(root, "into a file\n");
	}
	holds(root, "etc/resolv.conf", S_IFREG, "into a file\n");
	put_link(root, "etc/resolv.conf", "/etc");
	write_resolv(root, "five\n");
	holds(root, "etc/resolv.conf", S_IFREG, "five\n");
	holds(root, "etc/real", S_IFREG, "new\n");
	assert_int_equal(hull_path_remove_tree(root), 0);
}

static void resolv_stays_inside(void **state)
{
	cleanup_free char *root = make_root(), *outside = make_root();
	cleanup_free char *etc = hull_path_join(root, "etc");
	cleanup_free char *victim = hull_path_join(outside, "resolv.conf");

	assert_int_equal(hull_file_write(victim, "mine\n", 5, 0644, false), 0);
	assert_int_equal(mkdir(etc, 0755), 0);
	put_link(root, "etc/resolv.conf", victim);
	write_resolv(root, "x\n");
	holds(root, "etc/resolv.conf", S_IFREG, "x\n");
	holds(outside, "resolv.conf", S_IFREG, "mine\n");

	/* The directory itself leads out: it can neither be used nor be made. */
	assert_int_equal(hull_path_remove_tree(etc), 0);
	put_link(root, "etc", outside);
	{
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
		cleanup_error struct hull_error *err = NULL;

		assert_int_equal(hull_net_write_resolv(root, &b, &err), -1);
		assert_non_null(strstr(hull_error_message(err), "'/etc/resolv.conf'"));
	}
	holds(outside, "resolv.conf", S_IFREG, "mine\n");
	assert_int_equal(hull_path_remove_tree(root), 0);
	assert_int_equal(hull_path_remove_tree(outside), 0);
}

static void resolv_is_no_file(void **state)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	cleanup_free char *root = make_root();
	cleanup_free char *etc = hull_path_join(root, "etc");
	cleanup_free char *path = hull_path_join(root, "etc/resolv.conf");

	/* Neither hangs nor goes. */
	assert_int_equal(mkdir(etc, 0755), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(hull_net_write_resolv(root, &b, NULL), -1);
	holds(root, "etc/resolv.conf", S_IFIFO, NULL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(hull_net_write_resolv(root, &b, NULL), -1);
	holds(root, "etc/resolv.conf", S_IFDIR, NULL);
	assert_int_equal(hull_path_remove_tree(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4),
		cmocka_unit_test(v6),
		cmocka_unit_test(two),
		cmocka_unit_test(same_address),
		cmocka_unit_test(refusals),
		cmocka_unit_test(late),
		cmocka_unit_test(resolv),
		cmocka_unit_test(resolv_stays_inside),
		cmocka_unit_test(resolv_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
