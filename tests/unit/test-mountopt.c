/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/mountopt.h"
#include "base/cleanup.h"

#include <string.h>
#include <sys/mount.h>

#define PARSE(o, ...) parse(o, (const char *[]){__VA_ARGS__, NULL})

static void parse(struct hull_mount_options *o, const char **options)
{
	size_t n = 0;

	while (options[n])
		n++;
	*o = (struct hull_mount_options){0};
	assert_int_equal(hull_mount_options_parse((char *const *)options, n, o, NULL), 0);
}

static void flags_and_data_apart(void **state)
{
	cleanup_with(hull_mount_options_fini) struct hull_mount_options o = {0};

	PARSE(&o, "ro", "nosuid", "lowerdir=/a:/b", "", "noatime", "upperdir=/u", "defaults");
	assert_int_equal(o.flags, MS_RDONLY | MS_NOSUID | MS_NOATIME);
	assert_int_equal(o.propagation, 0);
	assert_string_equal(hull_strbuf_str(&o.data), "lowerdir=/a:/b,upperdir=/u");
}

static void the_last_word_wins(void **state)
{
	struct hull_mount_options o;

	PARSE(&o, "ro", "noexec", "nodev", "rw", "exec");
	assert_int_equal(o.flags, MS_NODEV);
	PARSE(&o, "shared", "rslave");
	assert_int_equal(o.propagation, MS_SLAVE | MS_REC);
	assert_int_equal(o.flags, 0);
	PARSE(&o, "rbind", "ro");
	assert_int_equal(o.flags, MS_BIND | MS_REC | MS_RDONLY);
	assert_int_equal(o.data.len, 0);
}

static void none(void **state)
{
	struct hull_mount_options o = {0};

	assert_int_equal(hull_mount_options_parse(NULL, 0, &o, NULL), 0);
	assert_int_equal(o.flags, 0);
	assert_int_equal(o.data.len, 0);
}

static void one_page_of_data(void **state)
{
	cleanup_with(hull_mount_options_fini) struct hull_mount_options o = {0}, p = {0};
	cleanup_error struct hull_error *err = NULL;
	static char text[HULL_MOUNT_DATA_MAX + 2];
	char *options[] = {text, (char *)"x"};

	memset(text, 'd', HULL_MOUNT_DATA_MAX);
	assert_int_equal(hull_mount_options_parse(options, 1, &o, &err), 0);
	assert_int_equal(o.data.len, HULL_MOUNT_DATA_MAX);
	assert_int_equal(hull_mount_options_parse(options, 2, &p, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_INVALID);
}

static void too_many(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	static char *options[HULL_MOUNT_OPTIONS_MAX + 1];
	struct hull_mount_options o = {0};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		options[i] = (char *)"ro";
	assert_int_equal(hull_mount_options_parse(options, HULL_MOUNT_OPTIONS_MAX, &o, &err), 0);
	assert_int_equal(hull_mount_options_parse(options, ARRAY_SIZE(options), &o, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_and_data_apart),
		cmocka_unit_test(the_last_word_wins),
		cmocka_unit_test(none),
		cmocka_unit_test(one_page_of_data),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
