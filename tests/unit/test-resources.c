/* SPDX-License-Identifier: Apache-2.0
 *
 * What descriptions say of memory and processors beyond their number: read, written, refused.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define HEAD "\"version\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"run_dir\":\"/r\""
#define DISK(more) "\"disks\":[{\"path\":\"/d\"," more "}]"
#define GOOD HEAD ",\"kernel\":\"/k\",\"initrd\":\"/i\""

static void test_round_trip(void **state)
{
	static const struct {
		const char *text, *again; /* NULL: the same */
	} cases[] = {
		{"{\"version\":1,\"memory_backing\":{\"prealloc\":true,\"hugepages\":true,"
		 "\"lock\":true,\"dir\":\"/d\"}}",
		 NULL},
		{"{\"version\":1,\"memory_backing\":{\"hugepages\":\"1G\"}}",
		 "{\"version\":1,\"memory_backing\":{\"hugepages\":1073741824}}"},
		{"{\"version\":1,\"memory_backing\":{\"hugepages\":2097152}}", NULL},
		{"{\"version\":1,\"cpu_features\":[\"+svm\",\"-sse4.1\"]}", NULL},
		{"{\"version\":1,\"disks\":[{\"path\":\"/a\",\"cache\":\"none\",\"aio\":"
		 "\"native\",\"queues\":2,\"iothread\":true,\"discard\":true}]}",
		 NULL},
		{"{\"version\":1,\"iommu\":\"intel\"}", NULL},
		{"{\"version\":1,\"rng_source\":\"/dev/hwrng\"}", NULL},
		{"{\"version\":1,\"cpus_max\":256,\"memory_max\":1073741824,\"memory_slots\":256}",
		 NULL},
		{"{\"version\":1,\"memory_backing\":{\"hugepages\":false,\"lock\":false}}",
		 "{\"version\":1}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *want = cases[i].again ? cases[i].again : cases[i].text;
		cleanup_error struct hull_error *err = NULL;
		cleanup_config struct hull_config c;
		cleanup_free char *text = NULL;

		if (hull_config_from_json(cases[i].text, strlen(cases[i].text), &c, &err) < 0 ||
		    hull_config_to_json(&c, &text, &err) < 0)
			fail_msg("%s", hull_error_message(err));
		assert_string_equal(text, want);
	}
}

static const struct {
	const char *text, *message;
} refusals[] = {
	{"\"memory_backing\":{\"hugepages\":\"some\"}",
	 "memory_backing.hugepages: must be true, false, or a size such as \"2M\""},
	{"\"memory_backing\":{\"hugepages\":[]}",
	 "memory_backing.hugepages: must be true, false, or a size such as \"2M\""},
	{"\"memory_backing\":{\"hugepages\":\"1T\"}",
	 "memory_backing.hugepages: must be between 0 and 68719476736"},
	{"\"memory_backing\":{\"prealloc\":1}", "memory_backing.prealloc: must be true or false"},
	{"\"memory_backing\":{\"hugepages\":\"3M\"}",
	 "memory_backing.hugepages: 3145728 is not the size of a page: no power of two"},
	{"\"memory_backing\":{\"dir\":\"d\"}", "memory_backing.dir: 'd' is not an absolute path"},
	{"\"memory_backing\":{\"dir\":\"/d\",\"hugepages\":true}",
	 "memory_backing.hugepages: not together with dir; one of a hugetlbfs has them "
	 "anyway"},
	{"\"cpus_max\":257", "cpus_max: must be between 0 and 256"},
	{"\"cpus\":3,\"cpus_max\":2", "cpus_max: 2 is less than the 3 of cpus"},
	{"\"memory_max\":\"511M\"", "memory_max: 511 MiB is less than the 512 MiB of memory"},
	{"\"memory_max\":1073741825", "memory_max: must be a multiple of 1 MiB"},
	{"\"memory_max\":\"1G\",\"memory_slots\":257", "memory_slots: must be between 1 and 256"},
	{"\"cpus_max\":2,\"machine\":\"microvm\"",
	 "cpus_max: machine 'microvm' can't be given more later; 'q35' can"},
	{"\"memory_max\":\"1G\",\"machine\":\"microvm\"",
	 "memory_max: machine 'microvm' can't be given more later; 'q35' can"},
	{"\"cpus_max\":2,\"arch\":\"aarch64\"",
	 "cpus_max: machine 'virt' can't be given CPUs later"},
	{"\"cpu_features\":[\"+a\",\"svm\"]", "cpu_features[1]: 'svm' is not +NAME or -NAME"},
	{"\"cpu_features\":[\"+a,b\"]", "cpu_features[0]: '+a,b' is not +NAME or -NAME"},
	{"\"cpu_features\":[\"+a=b\"]", "cpu_features[0]: '+a=b' is not +NAME or -NAME"},
	{"\"cpu_features\":[\"-\"]", "cpu_features[0]: '-' is not +NAME or -NAME"},
	{"\"cpu_features\":[\"\"]", "cpu_features[0]: '' is not +NAME or -NAME"},
	{"\"cpu_features\":[\"+-a\"]", "cpu_features[0]: '+-a' is not +NAME or -NAME"},
	{"\"cpu_features\":[\"+a\",\"-a\"]", "cpu_features[1]: 'a' is there twice"},
	{"\"iommu\":\"amd\"", "iommu: unknown value 'amd': must be one of none, intel, smmuv3"},
	{"\"iommu\":\"smmuv3\",\"arch\":\"x86_64\"", "iommu: there is no 'smmuv3' of x86_64"},
	{"\"iommu\":\"intel\",\"arch\":\"aarch64\"", "iommu: there is no 'intel' of aarch64"},
	{"\"iommu\":\"intel\",\"machine\":\"microvm\"",
	 "iommu: machine 'microvm' has none; 'q35' has"},
	{"\"rng_source\":\"x\"", "rng_source: 'x' is not an absolute path"},
	{"\"rng_source\":\"/x\",\"rng\":false", "rng_source: of no use without rng"},
	{DISK("\"cache\":\"write\""),
	 "disks[0].cache: unknown value 'write': must be one of writeback, none, unsafe, "
	 "writethrough, directsync"},
	{DISK("\"queues\":65"), "disks[0].queues: must be between 0 and 64"},
	{DISK("\"aio\":\"native\""), "disks[0]: aio 'native' needs cache 'none' or 'directsync'"},
	{DISK("\"aio\":\"native\",\"cache\":\"writethrough\""),
	 "disks[0]: aio 'native' needs cache 'none' or 'directsync'"},
	{DISK("\"readonly\":true,\"discard\":true"),
	 "disks[0]: 'discard' and 'readonly' exclude each other"},
	{"\"disks\":[{\"scratch\":\"1M\",\"cache\":\"none\"}]",
	 "disks[0].cache: of no use for a scratch disk"},
	{"\"disks\":[{\"scratch\":\"1M\",\"aio\":\"threads\"}]",
	 "disks[0].aio: of no use for a scratch disk"},
	{"\"disks\":[{\"scratch\":\"1M\",\"discard\":true}]",
	 "disks[0].discard: of no use for a scratch disk"},
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_config struct hull_config c;
		char text[512];

		snprintf(text, sizeof(text), "{" GOOD ",%s}", refusals[i].text);
		if (hull_config_from_json(text, strlen(text), &c, &err) == 0 &&
		    hull_config_validate(&c, &err) == 0)
			fail_msg("%s: accepted", refusals[i].text);
		if (strcmp(hull_error_message(err) + strlen("VM description: "),
			   refusals[i].message) != 0)
			fail_msg("'%s', not '%s'", hull_error_message(err), refusals[i].message);
		assert_int_equal(hull_error_code(err), HULL_E_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
