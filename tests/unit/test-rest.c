/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses and texts of vfkit's REST service.
 */
#include "unit.h"

#include "../fuzz/fuzz-rest.c"
#include "base/strbuf.h"
#include "corpus.h"

#define S107                                                                                      \
	"/01234567890123456789012345678901234567890123456789012345678901234567890123456789012345" \
	"67890123456789012345"

static const struct uri {
	const char *text;
	enum hull_rest_kind kind;
	const char *path, *address;
	uint64_t port;
	const char *written; /* NULL: as it was */
} uris[] = {
	{"none://", HULL_REST_NONE, NULL, NULL, 0, NULL},
	{"tcp://localhost:8081", HULL_REST_TCP, NULL, "localhost", 8081, NULL},
	{"tcp://:8080", HULL_REST_TCP, NULL, NULL, 8080, NULL},
	{"tcp://0.0.0.0:1", HULL_REST_TCP, NULL, "0.0.0.0", 1, NULL},
	{"TCP://h:080", HULL_REST_TCP, NULL, "h", 80, "tcp://h:80"},
	{"http://a-b.example:80", HULL_REST_TCP, NULL, "a-b.example", 80, "tcp://a-b.example:80"},
	{"Http://[::1]:65535?q", HULL_REST_TCP, NULL, "::1", 65535, "tcp://[::1]:65535"},
	{"tcp://user:word@h:1", HULL_REST_TCP, NULL, "h", 1, "tcp://h:1"},
	{"tcp://h:0", HULL_REST_TCP, NULL, "h", 0, NULL},
	{"unix:///run/x.sock", HULL_REST_UNIX, "/run/x.sock", NULL, 0, NULL},
	{"uNIX:///x", HULL_REST_UNIX, "/x", NULL, 0, "unix:///x"},
	{"unix:/x", HULL_REST_UNIX, "/x", NULL, 0, "unix:///x"},
	{"unix:////x", HULL_REST_UNIX, "//x", NULL, 0, NULL},
	{"unix:///a%20b%3F%25?query=%zz", HULL_REST_UNIX, "/a b?%", NULL, 0, "unix:///a b%3F%25"},
	{"unix:///a#b", HULL_REST_UNIX, "/a#b", NULL, 0, NULL},
	{"unix:///a:b@c", HULL_REST_UNIX, "/a:b@c", NULL, 0, NULL},
	{"unix:///"
	 "\xc3\xa9",
	 HULL_REST_UNIX, "/\xc3\xa9", NULL, 0, NULL},
	{"unix://" S107, HULL_REST_UNIX, S107, NULL, 0, NULL},
};

static void test_uris(void **state)
{
	assert_int_equal(strlen(S107), 107);
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		const struct uri *u = &uris[i];
		cleanup_with(free_rest) struct hull_rest r = {.path = strdup("/old")};
		cleanup_error struct hull_error *err = NULL;
		cleanup_free char *written = NULL;

		if (hull_rest_uri_parse(u->text, true, &r, &err) < 0)
			fail_msg("'%s': %s", u->text, hull_error_message(err));
		assert_int_equal(r.kind, u->kind);
		assert_int_equal(r.port, u->port);
		assert_true(!r.path == !u->path && !r.address == !u->address);
		if (u->path)
			assert_string_equal(r.path, u->path);
		if (u->address)
			assert_string_equal(r.address, u->address);
		written = hull_rest_uri_text(&r);
		assert_string_equal(written, u->written ? u->written : u->text);
	}
}

static const struct {
	const char *text, *why;
} wrong[] = {
	{"", "not a URI"},
	{"x", "not a URI"},
	{"/run/x.sock", "not a URI"},
	{"//localhost:80", "not a URI"},
	{"localhost:80", "scheme is unknown"},
	{"1tcp://h:80", "not a URI"},
	{"://h:80", "not a URI"},
	{"HTTP://h", "port is missing"},
	{"https://h:80", "scheme is unknown"},
	{"tcp4://h:80", "scheme is unknown"},
	{"none:x", "exactly 'none://'"},
	{"none:", "exactly 'none://'"},
	{"NONE://", "exactly 'none://'"},
	{"none://x", "exactly 'none://'"},
	{"tcp://", "host is missing"},
	{"tcp:", "host is missing"},
	{"tcp:/x", "host is missing"},
	{"tcp:h:80", "host is missing"},
	{"tcp:///x", "host is missing"},
	{"tcp://?h:80", "host is missing"},
	{"tcp://h/x", "no path with tcp"},
	{"tcp://h:80/", "no path with tcp"},
	{"tcp://h", "port is missing"},
	{"tcp://h:", "port is missing"},
	{"tcp://[::1]", "port is missing"},
	{"tcp://h:http", "port is no number"},
	{"tcp://h:-1", "port is no number"},
	{"tcp://h:65536", "port is no number"},
	{"tcp://::1:80", "host is none"},
	{"tcp://[::1:80", "host is none"},
	{"tcp://[::1]80", "host is none"},
	{"tcp://[]:80", "host is none"},
	{"tcp://a b:80", "host is none"},
	{"tcp://h:80#f", "port is no number"},
	{"unix://", "path is missing"},
	{"unix:", "path is missing"},
	{"unix:x", "path is missing"},
	{"unix://host", "path is missing"},
	{"unix:?/x", "path is missing"},
	{"unix://host/x", "no host with unix"},
	{"unix://" S107 "x", "longer than a socket's"},
	{"unix:///a%2", "no escape"},
	{"unix:///a%zz", "no escape"},
	{"unix:///a%00b", "no escape"},
	{"unix:///a\nb", "not a URI"},
};

static void test_wrong_uris(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct hull_rest r = {.port = 7};
		cleanup_error struct hull_error *err = NULL;

		if (hull_rest_uri_parse(wrong[i].text, true, &r, &err) == 0)
			fail_msg("'%s' was accepted", wrong[i].text);
		if (!strstr(hull_error_message(err), wrong[i].why))
			fail_msg("'%s': %s", wrong[i].text, hull_error_message(err));
		assert_int_equal(r.port, 7);
	}
}

/* vfkit's second name for tcp is not one of hull's own option. */
static void test_own_schemes(void **state)
{
	static const char *const ours[] = {"none://", "tcp://h:80", "unix:///x"};
	static const char *const not_ours[] = {"http://h:80", "Http://h", "https://h:80"};
	cleanup_with(free_rest) struct hull_rest r = {0};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		assert_int_equal(hull_rest_uri_parse(ours[i], false, &r, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++) {
		cleanup_error struct hull_error *err = NULL;

		assert_int_equal(hull_rest_uri_parse(not_ours[i], false, &r, &err), -1);
		assert_non_null(strstr(hull_error_message(err), "scheme is unknown"));
	}
}

static void test_loopback(void **state)
{
	static const char *const inside[] = {NULL,	  "localhost", "LocalHost",
					     "127.0.0.1", "127.9.9.9", "::1"};
	static const char *const outside[] = {"0.0.0.0", "::", "10.0.0.1", "::ffff:127.0.0.1", "h"};

	for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
		assert_true(hull_rest_is_loopback(
			&(struct hull_rest){.address = (char *)(uintptr_t)inside[i]}));
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		assert_false(hull_rest_is_loopback(
			&(struct hull_rest){.address = (char *)(uintptr_t)outside[i]}));
}

static void test_states(void **state)
{
	static const struct {
		enum hull_rest_state state;
		const char *body;
	} answers[] = {
#define BODY(hard, pause, resume, start, stop, name)                                           \
	"{\"canHardStop\":" #hard ",\"canPause\":" #pause ",\"canResume\":" #resume            \
	",\"canStart\":" #start ",\"canStop\":" #stop ",\"state\":\"VirtualMachineState" #name \
	"\"}"
		{HULL_REST_STOPPED, BODY(false, false, false, true, false, Stopped)},
		{HULL_REST_RUNNING, BODY(true, true, false, false, true, Running)},
		{HULL_REST_PAUSED, BODY(true, false, true, false, false, Paused)},
		{HULL_REST_ERROR, BODY(false, false, false, true, false, Error)},
		{HULL_REST_STARTING, BODY(false, false, false, false, false, Starting)},
		{HULL_REST_PAUSING, BODY(false, false, false, false, false, Pausing)},
		{HULL_REST_RESUMING, BODY(false, false, false, false, false, Resuming)},
		{HULL_REST_STOPPING, BODY(false, false, false, false, false, Stopping)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		cleanup_free char *body = hull_rest_state_body(
			answers[i].state, hull_rest_possible(answers[i].state));

		assert_string_equal(body, answers[i].body);
	}
}

static void test_actions(void **state)
{
	assert_int_equal(hull_rest_action("Pause"), HULL_REST_CAN_PAUSE);
	assert_int_equal(hull_rest_action("Resume"), HULL_REST_CAN_RESUME);
	assert_int_equal(hull_rest_action("Stop"), HULL_REST_CAN_STOP);
	assert_int_equal(hull_rest_action("HardStop"), HULL_REST_CAN_HARD_STOP);
	assert_int_equal(hull_rest_action("Start"), 0);
	assert_int_equal(hull_rest_action("pause"), 0);
	assert_int_equal(hull_rest_action(""), 0);
}

static const struct {
	const char *body, *word, *why; /* why NULL: accepted */
} bodies[] = {
	{"{\"state\":\"Pause\"}", "Pause", NULL},
	{" \r\n\t{ \"state\" : \"Pause\" } garbage {", "Pause", NULL},
	{"{\"State\":\"Stop\",\"other\":[{\"x\":\"}\\\"{\"}]}", "Stop", NULL},
	{"{\"state\":\"Stop\",\"STATE\":\"HardStop\"}", "HardStop", NULL},
	{"{\"state\":\"Stop\",\"State\":null}", "Stop", NULL},
	{"{\"state\":\"\"}", "", NULL},
	{"{}", NULL, NULL},
	{"{\"state\":null}", NULL, NULL},
	{"{\"states\":\"Pause\"}", NULL, NULL},
	{"null", NULL, NULL},
	{"", NULL, "EOF"},
	{" \n", NULL, "EOF"},
	{"{\"state\":\"Pause\"", NULL, "unexpected EOF"},
	{"{\"state\":\"Pause}", NULL, "unexpected EOF"},
	{"{\"state\":\"Pause\\", NULL, "unexpected EOF"},
	{"{\"state\":7}", NULL, "not a string"},
	{"{\"state\":[\"Pause\"]}", NULL, "not a string"},
	{"{\"state\":true,\"State\":\"Pause\"}", NULL, "not a string"},
	{"[]", NULL, "not a JSON object"},
	{"\"Pause\"", NULL, "not a JSON object"},
	{"7", NULL, "not a JSON object"},
	{"Pause", NULL, ""},
	{"state=Pause", NULL, ""},
	{"{state:1}", NULL, ""},
	{"{]}", NULL, ""},
	{"}", NULL, ""},
};

static void test_bodies(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		cleanup_free char *word = NULL;
		cleanup_error struct hull_error *err = NULL;
		int r = hull_rest_read_state(bodies[i].body, strlen(bodies[i].body), &word, &err);

		if (r != (bodies[i].why ? -1 : 0))
			fail_msg("'%s': %s", bodies[i].body, r ? hull_error_message(err) : "ok");
		if (bodies[i].why)
			assert_non_null(strstr(hull_error_message(err), bodies[i].why));
		assert_true(!word == !bodies[i].word);
		if (word)
			assert_string_equal(word, bodies[i].word);
	}
}

static void test_errors(void **state)
{
	cleanup_free char *body = hull_rest_error_body("a \"<b>\" & /c");

	assert_string_equal(body, "{\"error\":\"a \\\"\\u003cb\\u003e\\\" \\u0026 /c\"}");
}

static void test_inspect(void **state)
{
	static const char least[] = "{\"version\":1,\"kernel\":\"/k\",\"rng\":false}";
	static const char all[] =
		"{\"version\":1,\"cpus\":2,\"memory\":\"1GiB\",\"kernel\":\"/boot/k\","
		"\"initrd\":\"/i<\",\"append\":[\"quiet\",\"a=\\\"b c\\\"\"],\"disks\":["
		"{\"path\":\"/d\"},{\"scratch\":1048576},"
		"{\"path\":\"/e\",\"readonly\":true,\"serial\":\"s\"}],"
		"\"networks\":[{\"kind\":\"user\",\"mac\":\"52:00:00:00:00:01\"}],"
		"\"shares\":[{\"source\":\"/src\",\"target\":\"/mnt\"}],"
		"\"devices\":[{\"kind\":\"virtio-balloon\"}]}";
	static const char others[] =
		"{\"version\":1,\"firmware\":{\"kind\":\"efi\",\"store\":\"/nv\"},\"rng\":false,"
		"\"disks\":[{\"path\":\"/d\",\"format\":\"qcow2\"},"
		"{\"scratch\":1048576,\"path\":\"/s\"}],"
		"\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"/n\"},"
		"{\"kind\":\"virtio-serial\",\"pty\":true}],"
		"\"timesync\":{\"port\":7},\"ignition\":\"/i\"}";
	static const struct {
		const char *config, *body;
	} cases[] = {
		{least, "{\"vcpus\":1,\"memoryBytes\":536870912,\"bootloader\":{\"kind\":"
			"\"linuxBootloader\",\"vmlinuzPath\":\"/k\",\"kernelCmdLine\":\"\","
			"\"initrdPath\":\"\"}}"},
		{all, "{\"vcpus\":2,\"memoryBytes\":1073741824,\"bootloader\":{\"kind\":"
		      "\"linuxBootloader\",\"vmlinuzPath\":\"/boot/k\",\"kernelCmdLine\":"
		      "\"quiet a=\\\"b c\\\"\",\"initrdPath\":\"/i\\u003c\"},\"devices\":["
		      "{\"kind\":\"virtioblk\",\"devName\":\"virtio-blk\",\"imagePath\":\"/d\"},"
		      "{\"kind\":\"virtioblk\",\"devName\":\"virtio-blk\",\"readOnly\":true,"
		      "\"imagePath\":\"/e\",\"deviceIdentifier\":\"s\"},"
		      "{\"kind\":\"virtionet\",\"nat\":true,\"macAddress\":\"52:00:00:00:00:01\"},"
		      "{\"kind\":\"virtiofs\",\"mountTag\":\"/mnt\",\"sharedDir\":\"/src\"},"
		      "{\"kind\":\"virtiorng\"},{\"kind\":\"virtioballoon\"}]}"},
		{others,
		 "{\"vcpus\":1,\"memoryBytes\":536870912,\"bootloader\":{\"kind\":"
		 "\"efiBootloader\",\"efiVariableStorePath\":\"/nv\",\"createVariableStore\":"
		 "false},\"devices\":["
		 "{\"kind\":\"virtioblk\",\"devName\":\"virtio-blk\",\"imagePath\":\"/d\"},"
		 "{\"kind\":\"virtionet\",\"nat\":false,\"socket\":{},\"vfkitMagic\":true},"
		 "{\"kind\":\"virtioserial\",\"usesPty\":true,\"ptyName\":\"/dev/pts/9\"}],"
		 "\"timesync\":{\"vsockPort\":7},"
		 "\"ignition\":{\"kind\":\"ignition\",\"configPath\":\"/i\"}}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_config struct hull_config c;
		cleanup_free char *body = NULL;

		assert_int_equal(
			hull_config_from_json(cases[i].config, strlen(cases[i].config), &c, NULL),
			0);
		for (size_t k = 0; k < c.devices.n; k++)
			if (c.devices.v[k].kind == HULL_DEVICE_SERIAL) /* as the monitor does */
				c.devices.v[k].serial.pty_name = strdup("/dev/pts/9");
		body = hull_rest_inspect_body(&c);
		assert_string_equal(body, cases[i].body);
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("rest") >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uris),	    cmocka_unit_test(test_wrong_uris),
		cmocka_unit_test(test_own_schemes), cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_states),	    cmocka_unit_test(test_actions),
		cmocka_unit_test(test_bodies),	    cmocka_unit_test(test_errors),
		cmocka_unit_test(test_inspect),	    cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
