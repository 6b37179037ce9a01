/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's messages about devices, taken apart.
 */
#include "unit.h"

#include "agent/uevent.h"

#include <string.h>

static void parse(const char *message, size_t len, struct hull_uevent *ret)
{
	hull_uevent_parse(message, message + len, ret);
}

static void test_values(void **state)
{
	static const char disk[] = "add@/devices/x/sda\0ACTION=add\0DEVPATH=/devices/x/sda\0"
				   "SUBSYSTEM=block\0DEVNAME=sda\0DEVTYPE=disk\0SEQNUM=1234";
	static const char usb[] = "add@/devices/y\0ACTION=add\0SUBSYSTEM=usb\0"
				  "MODALIAS=usb:v46F4p0001\0SEQNUM=9";
	struct hull_uevent e;

	parse(disk, sizeof(disk) - 1, &e);
	assert_string_equal(e.action, "add");
	assert_string_equal(e.subsystem, "block");
	assert_string_equal(e.device, "sda");
	assert_string_equal(e.type, "disk");
	assert_string_equal(e.number, "1234");
	assert_string_equal(e.modalias, "");
	parse(usb, sizeof(usb) - 1, &e);
	assert_string_equal(e.subsystem, "usb");
	assert_string_equal(e.modalias, "usb:v46F4p0001");
	assert_string_equal(e.device, "");
}

/* Nothing, a header alone, empty strings, a key without a value, what only looks like one. */
static void test_odd(void **state)
{
	static const char odd[] = "\0\0ACTION=\0XACTION=add\0SUBSYSTEM\0DEVNAME=a=b";
	struct hull_uevent e;

	parse("", 0, &e);
	assert_string_equal(e.action, "");
	parse("add@/x", 6, &e);
	assert_string_equal(e.action, "");
	parse(odd, sizeof(odd) - 1, &e);
	assert_string_equal(e.action, "");
	assert_string_equal(e.subsystem, "");
	assert_string_equal(e.device, "a=b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
