/* SPDX-License-Identifier: Apache-2.0
 *
 * netlink messages, built and taken apart; what the kernel makes of them is test-net's affair.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "../fuzz/fuzz-nl.c"
#include "base/os.h"
#include "corpus.h"

#include <errno.h>
#include <linux/rtnetlink.h>

static const struct ifinfomsg info = {.ifi_type = 1, .ifi_index = 3, .ifi_flags = IFF_UP};

static void built(void **state)
{
	static const uint8_t want[] = {
		0,  0, 0,  0,	16,  0,	  1, 4, 0, 0, 0, 0,
		0,  0, 0,  0, /* message, length set later */
		0,  0, 1,  0,	3,   0,	  0, 0, 1, 0, 0, 0,
		0,  0, 0,  0,				    /* device */
		7,  0, 3,  0,	'e', '0', 0, 0,		    /* padded */
		24, 0, 18, 128,				    /* nest */
		8,  0, 4,  0,	5,   6,	  7, 8,		    /* number */
		12, 0, 2,  128, 5,   0,	  1, 0, 9, 0, 0, 0, /* nest in it */
	};
	struct hull_nl_msg m;
	size_t outer, inner;

	hull_nl_start(&m, RTM_NEWLINK, NLM_F_CREATE, &info, sizeof(info));
	hull_nl_put_string(&m, IFLA_IFNAME, "e0");
	outer = hull_nl_nest(&m, IFLA_LINKINFO);
	hull_nl_put_u32(&m, IFLA_MTU, 0x08070605);
	inner = hull_nl_nest(&m, 2);
	hull_nl_put(&m, 1, "\x09", 1);
	hull_nl_end(&m, inner);
	hull_nl_end(&m, outer);
	assert_false(m.failed);
	assert_int_equal(m.len, sizeof(want));
	assert_memory_equal(m.buf, want, sizeof(want));
}

static void bounded(void **state)
{
	static const char big[HULL_NL_MSG_MAX + 1];
	struct hull_nl nl = HULL_NL_INIT;
	struct hull_nl_msg m;
	size_t nest;

	hull_nl_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
	hull_nl_put(&m, 1, big, HULL_NL_MSG_MAX - m.len - 4);
	assert_false(m.failed);
	assert_int_equal(m.len, HULL_NL_MSG_MAX);
	nest = hull_nl_nest(&m, 2);
	assert_true(m.failed);
	hull_nl_end(&m, nest);
	assert_int_equal(m.len, HULL_NL_MSG_MAX);
	assert_int_equal(hull_nl_call(&nl, &m, NULL, NULL), -EMSGSIZE);

	/* Once failed it stays so, though the next would fit. */
	hull_nl_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
	hull_nl_put(&m, 1, big, sizeof(big));
	hull_nl_put_u32(&m, 2, 7);
	assert_true(m.failed);
	hull_nl_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
	assert_false(m.failed);
	hull_nl_put(&m, 1, big, HULL_NL_MSG_MAX - m.len - 3);
	assert_true(m.failed);
}

static int keep_last(void *ctx, const struct hull_nl_in *in)
{
	return hull_netdev_parse(in, ctx);
}

/* What hull_nl_read() says to a seed of the corpus. */
static int read_seed(const char *name, struct hull_netdev *ret_dev, char *text)
{
	cleanup_strbuf struct hull_strbuf seed = HULL_STRBUF_INIT;
	const char *all = getenv("CORPUS");
	cleanup_free char *dir = hull_path_join(all ? all : "tests/fuzz/corpus", "nl");
	cleanup_free char *path = hull_path_join(dir, name);

	assert_int_equal(hull_file_read(path, 1 << 20, &seed), 0);
	text[0] = '\0';
	return hull_nl_read(seed.data, seed.len, 1, keep_last, ret_dev, text);
}

static void answers(void **state)
{
	static const struct {
		const char *seed;
		int result;
		const char *text;
	} table[] = {
		{"ack", 1, ""},
		{"done", 1, ""},
		{"links", 0, ""},
		{"others-first", 1, ""},
		{"refused-bare", -EEXIST, ""},
		{"refused-capped", -EINVAL, "what is wrong?? with it"},
		{"refused-echo", -EPERM, "no right"},
		{"done-refused", -EOPNOTSUPP, "no such dump"},
		{"interrupted", -EINTR, ""},
		{"echo-beyond", -EBADMSG, ""},
		{"error-positive", -EBADMSG, ""},
		{"cut", -EBADMSG, ""},
		{"short-header", -EBADMSG, ""},
		{"length-small", -EBADMSG, ""},
		{"length-huge", -EBADMSG, ""},
		{"overrun", -EBADMSG, ""},
		{"name-unterminated", -EBADMSG, ""},
		{"name-long", -EBADMSG, ""},
		{"mtu-short", -EBADMSG, ""},
		{"name-missing", -EBADMSG, ""},
		{"attribute-overrun", -EBADMSG, ""},
		{"attribute-short", -EBADMSG, ""},
		{"nested", 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char text[HULL_NL_TEXT_MAX];
		struct hull_netdev dev;
		int r = read_seed(table[i].seed, &dev, text);

		if (r != table[i].result || strcmp(text, table[i].text))
			fail_msg("'%s': %d, '%s'", table[i].seed, r, text);
	}
}

static void devices(void **state)
{
	static const uint8_t mac[HULL_MAC_LEN] = {2, 0, 0, 0, 0, 1};
	char text[HULL_NL_TEXT_MAX];
	struct hull_netdev dev;

	assert_int_equal(read_seed("nested", &dev, text), 0);
	assert_int_equal(dev.index, 3);
	assert_string_equal(dev.name, "veth0");
	assert_true(dev.has_mac);
	assert_memory_equal(dev.mac, mac, sizeof(mac));
	assert_int_equal(dev.flags, IFF_UP);
}

static void names(void **state)
{
	assert_true(hull_netdev_name_ok("eth0"));
	assert_true(hull_netdev_name_ok("a.B_c-1"));
	assert_true(hull_netdev_name_ok("123456789012345"));
	assert_false(hull_netdev_name_ok(""));
	assert_false(hull_netdev_name_ok("1234567890123456"));
	assert_false(hull_netdev_name_ok("."));
	assert_false(hull_netdev_name_ok(".."));
	assert_false(hull_netdev_name_ok("eth%d"));
	assert_false(hull_netdev_name_ok("a/b"));
	assert_false(hull_netdev_name_ok("a b"));
	assert_false(hull_netdev_name_ok("eth0\n"));
}

static void corpus(void **state)
{
	assert_true(corpus_replay("nl") >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built),   cmocka_unit_test(bounded), cmocka_unit_test(answers),
		cmocka_unit_test(devices), cmocka_unit_test(names),   cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
