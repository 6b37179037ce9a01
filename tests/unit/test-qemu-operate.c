/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments of QEMU's commands on devices.
 */
#include "unit.h"

#include "backend/qemu/operate.h"
#include "base/cleanup.h"

static void assert_args(struct hull_json *args, const char *want)
{
	cleanup_free char *text = NULL;

	assert_non_null(args);
	text = hull_json_text(args);
	assert_string_equal(text, want);
	hull_json_free(args);
}

static void test_args(void **state)
{
	static const char *const keys[] = {"ctrl", "c", NULL};
	static const char *const left[] = {"left", NULL}, *const none[] = {NULL};
	const struct hull_pointer click = {.move = true, .x = 3, .y = 32767, left, left};
	const struct hull_pointer press = {.press = left, .release = none};

	assert_args(hull_qemu_args_set(1000), "{\"fdset-id\":1000}");
	assert_args(hull_qemu_args_screendump(3, 1000),
		    "{\"filename\":\"/dev/fdset/1000\",\"device\":\"gpu3\",\"format\":\"png\"}");
	assert_args(hull_qemu_args_send_key(keys, 100),
		    "{\"keys\":[{\"type\":\"qcode\",\"data\":\"ctrl\"},"
		    "{\"type\":\"qcode\",\"data\":\"c\"}],\"hold-time\":100}");
	assert_args(hull_qemu_args_point(&click),
		    "{\"events\":[{\"type\":\"abs\",\"data\":{\"axis\":\"x\",\"value\":3}},"
		    "{\"type\":\"abs\",\"data\":{\"axis\":\"y\",\"value\":32767}},"
		    "{\"type\":\"btn\",\"data\":{\"down\":true,\"button\":\"left\"}},"
		    "{\"type\":\"btn\",\"data\":{\"down\":false,\"button\":\"left\"}}]}");
	assert_args(
		hull_qemu_args_point(&press),
		"{\"events\":[{\"type\":\"btn\",\"data\":{\"down\":true,\"button\":\"left\"}}]}");
	assert_args(hull_qemu_args_getfd("x"), "{\"fdname\":\"x\"}");
	assert_args(hull_qemu_args_display("x"),
		    "{\"type\":\"vnc\",\"addresses\":[{\"type\":\"fd\",\"str\":\"x\"}]}");
	assert_args(hull_qemu_args_balloon(UINT64_C(1) << 40), "{\"value\":1099511627776}");
}

static void test_blockstats(void **state)
{
	static const char text[] =
		"[{\"qdev\":\"/machine/x\",\"stats\":{\"rd_bytes\":512,\"wr_bytes\":1024,"
		"\"rd_operations\":1,\"wr_operations\":2}},"
		"{\"node-name\":\"storefile\",\"stats\":{\"rd_bytes\":4096}},"
		"{\"qdev\":\"/machine/y\",\"stats\":{\"rd_bytes\":1,\"wr_bytes\":-1}},"
		"{\"qdev\":\"/machine/z\"},7]";
	cleanup_json struct hull_json *j = NULL;
	struct hull_inst_stats s;

	assert_int_equal(hull_json_parse(text, sizeof(text) - 1, &j, NULL), 0);
	hull_qemu_read_blockstats(j, &s);
	assert_int_equal(s.read_bytes, 513);
	assert_int_equal(s.written_bytes, 1024);
	assert_int_equal(s.reads, 1);
	assert_int_equal(s.writes, 2);
	hull_qemu_read_blockstats(NULL, &s);
	assert_int_equal(s.read_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_args),
					   cmocka_unit_test(test_blockstats)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
