/* SPDX-License-Identifier: Apache-2.0
 *
 * hull-vsock's spec: what is accepted, what is refused and why, and where ports lead.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "vsock/spec.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text, *why;
} bad[] = {
	{"[]", "not an object"},
	{"{}", "cid: missing"},
	{"{\"cid\":2}", "cid: not a number from 3 to 4294967294"},
	{"{\"cid\":4294967295}", "cid: not a number"},
	{"{\"cid\":\"3\"}", "cid: not a number"},
	{"{\"cid\":3,\"uid\":0}", "uid: not a number"},
	{"{\"cid\":3,\"gid\":4294967295}", "gid: not a number"},
	{"{\"cid\":3,\"port\":[]}", "port: unknown key"},
	{"{\"cid\":3,\"ports\":{}}", "ports: not an array"},
	{"{\"cid\":3,\"ports\":[5]}", "ports: not an array of objects"},
	{"{\"cid\":3,\"hybrid\":\"vsock.sock\"}", "hybrid: not an absolute path"},
	{"{\"cid\":3,\"hybrid\":7}", "hybrid: not an absolute path"},
	{"{\"cid\":3,\"ports\":[{\"port\":0,\"socket\":\"/a\",\"direction\":\"listen\"}]}",
	 "ports[0].port: not a number from 1 to 4294967294"},
	{"{\"cid\":3,\"ports\":[{\"socket\":\"/a\",\"direction\":\"listen\"}]}",
	 "ports[0].port: missing"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"direction\":\"listen\"}]}",
	 "ports[0].socket: missing"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"socket\":\"/a\"}]}", "ports[0].direction: missing"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"socket\":\"/a\",\"direction\":\"both\"}]}",
	 "ports[0].direction: neither 'listen' nor 'connect'"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"socket\":\"/a\",\"direction\":\"listen\"},"
	 "{\"port\":1,\"socket\":\"/b\",\"direction\":\"listen\"}]}",
	 "ports[1].port: it leads to another socket already"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"socket\":\"/a\",\"direction\":\"connect\"},"
	 "{\"port\":2,\"socket\":\"/a\",\"direction\":\"connect\"}]}",
	 "ports[1].socket: it stands for another port already"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"fd\":4,\"direction\":\"connect\"}]}",
	 "ports[0].fd: not a number from 5 to 1023"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"fd\":5,\"direction\":\"listen\"}]}",
	 "ports[0].fd: only to connect"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"fd\":5,\"socket\":\"/a\","
	 "\"direction\":\"connect\"}]}",
	 "ports[0].fd: not with a socket"},
	{"{\"cid\":3,\"ports\":[{\"port\":1,\"fd\":5,\"direction\":\"connect\"},"
	 "{\"port\":2,\"fd\":5,\"direction\":\"connect\"}]}",
	 "ports[1].fd: it stands for another port already"},
	{"{\"cid\":3,\"hybrid\":\"/a\",\"ports\":["
	 "{\"port\":2,\"socket\":\"/a\",\"direction\":\"connect\"}]}",
	 "hybrid: it stands for a port already"},
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_vsock_spec struct hull_vsock_spec s;

		assert_int_equal(hull_vsock_spec_parse(bad[i].text, strlen(bad[i].text), &s, &err),
				 -1);
		assert_non_null(strstr(hull_error_message(err), bad[i].why));
	}
}

static void test_long_path(void **state)
{
	char text[160], path[120];

	for (size_t len = 107; len <= 108; len++) {
		cleanup_vsock_spec struct hull_vsock_spec s;

		memset(path, 'a', sizeof(path));
		path[0] = '/';
		path[len] = '\0';
		assert_true(snprintf(text, sizeof(text), "{\"cid\":3,\"hybrid\":\"%s\"}", path) >
			    0);
		assert_int_equal(hull_vsock_spec_parse(text, strlen(text), &s, NULL),
				 len == 107 ? 0 : -1);
	}
}

static void test_ports(void **state)
{
	static const char text[] =
		"{\"cid\":3,\"ports\":["
		"{\"port\":1026,\"socket\":\"/run/ready.sock\",\"direction\":\"listen\"},"
		"{\"port\":22,\"socket\":\"/run/ssh.sock\",\"direction\":\"connect\"},"
		"{\"port\":22,\"socket\":\"/run/other.sock\",\"direction\":\"connect\"},"
		"{\"port\":23,\"fd\":5,\"direction\":\"connect\"},"
		"{\"port\":7,\"socket\":\"/run/ready.sock\",\"direction\":\"listen\"}]}";
	static const char hybrid[] = "{\"cid\":3,\"uid\":1000,\"hybrid\":\"/run/v\"}";
	cleanup_vsock_spec struct hull_vsock_spec s, h;
	char buf[HULL_VSOCK_PATH_MAX];

	assert_int_equal(hull_vsock_spec_parse(text, strlen(text), &s, NULL), 0);
	assert_int_equal(s.uid, 65534);
	assert_int_equal(s.ports.n, 5);
	assert_int_equal(s.ports.v[3].fd, 5);
	assert_null(s.ports.v[3].socket);
	assert_string_equal(hull_vsock_spec_find(&s, 1026, buf), "/run/ready.sock");
	assert_string_equal(hull_vsock_spec_find(&s, 7, buf), "/run/ready.sock");
	assert_null(hull_vsock_spec_find(&s, 22, buf)); /* that is the guest's */
	assert_int_equal(hull_vsock_spec_parse(hybrid, strlen(hybrid), &h, NULL), 0);
	assert_int_equal(h.uid, 1000);
	assert_string_equal(hull_vsock_spec_find(&h, 4000000000, buf), "/run/v_4000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
