/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent reads of its kernel's figures.
 */
#include "unit.h"

#include "agent/counters.h"

static void test_memory(void **state)
{
	static const char text[] = "MemTotal:         223144 kB\nMemFree:   1 kB\n"
				   "MemAvailable:     123 kB\nBroken: x\n";

	assert_int_equal(hull_counters_memory(text, "MemTotal"), 223144 * 1024);
	assert_int_equal(hull_counters_memory(text, "MemAvailable"), 123 * 1024);
	assert_int_equal(hull_counters_memory(text, "Mem"), 0);
	assert_int_equal(hull_counters_memory(text, "Broken"), 0);
	assert_int_equal(hull_counters_memory("", "MemTotal"), 0);
}

static void test_net(void **state)
{
	static const char text[] =
		"Inter-|   Receive      |  Transmit\n"
		" face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n"
		"    lo:  999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n"
		"  eth0: 1000 2 0 0 0 0 0 0 2000 3 0 0 0 0 0 0\n"
		"lolo: 5 2 0 0 0 0 0 0 7 3 0 0 0 0 0 0\n"
		"  cut: 1000 2";
	uint64_t in, out;

	hull_counters_net(text, &in, &out);
	assert_int_equal(in, 1005);
	assert_int_equal(out, 2007);
	hull_counters_net("", &in, &out);
	assert_int_equal(in + out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory),
					   cmocka_unit_test(test_net)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
