/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../fuzz/fuzz-settings.c"
#include "corpus.h"

#include <stdio.h>

static const struct hull_setting *row(size_t i)
{
	return &hull_settings_table[i];
}

static const struct hull_field *field_of(size_t i)
{
	static struct hull_settings any;
	void *place;

	return hull_setting_row(row(i), &any, &place);
}

static void shows(const struct hull_settings *s, size_t i, const char *want)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;

	assert_int_equal(hull_setting_value(s, i, &value), 0);
	assert_string_equal(hull_strbuf_str(&value), want);
}

static void comes_from(const struct hull_settings *s, size_t i, const char *want)
{
	cleanup_strbuf struct hull_strbuf origin = HULL_STRBUF_INIT;

	assert_int_equal(hull_setting_origin(s, i, &origin), 0);
	assert_string_equal(hull_strbuf_str(&origin), want);
}

static void takes(size_t i, const char *value, const char *shown)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	cleanup_settings struct hull_settings s;

	hull_settings_init(&s);
	comes_from(&s, i, "default");
	(void)hull_strbuf_addf(&text, "\n %s = %s", row(i)->name, value);
	if (hull_settings_read(&s, "/f", text.data, text.len, NULL, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	shows(&s, i, shown);
	comes_from(&s, i, "/f:2");
}

static void refuses(size_t i, const char *value, const char *why)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT, before = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	cleanup_settings struct hull_settings s;
	char want[64];

	hull_settings_init(&s);
	assert_int_equal(hull_setting_value(&s, i, &before), 0);
	(void)hull_strbuf_addf(&text, "%s=%s\n", row(i)->name, value);
	assert_int_equal(hull_settings_read(&s, "/f", text.data, text.len, NULL, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_INVALID);
	snprintf(want, sizeof(want), "/f:1: %s: ", row(i)->name);
	assert_memory_equal(hull_error_message(err), want, strlen(want));
	if (!strstr(hull_error_message(err), why))
		fail_msg("'%s' is not '%s'", hull_error_message(err), why);
	shows(&s, i, hull_strbuf_str(&before));
	comes_from(&s, i, "default");
}

static void try_number(size_t i)
{
	cleanup_strbuf struct hull_strbuf most = HULL_STRBUF_INIT;
	cleanup_settings struct hull_settings s;
	void *place;

	hull_settings_init(&s);
	(void)hull_setting_row(row(i), &s, &place);
	memcpy(place, &field_of(i)->max, sizeof(uint64_t));
	assert_int_equal(hull_setting_value(&s, i, &most), 0);
	takes(i, hull_strbuf_str(&most), hull_strbuf_str(&most));
	refuses(i, "x", "must be a");
	refuses(i, "", "there is no value");
	refuses(i, "-1", "must be a");
	refuses(i, "9999999999999999", "must be between");
	refuses(i, "99999999999999999999999999", "must be");
}

static void try_text(size_t i)
{
	bool path = field_of(i)->flags & HULL_FIELD_PATH;
	char longest[5000];

	takes(i, path ? "/a b#c # d" : "max", path ? "/a b#c" : "max");
	takes(i, "", "");
	refuses(i, path ? "a/b" : "help", path ? "is not an absolute path" : "is not a CPU model");
	memset(longest, 'x', sizeof(longest));
	longest[0] = path ? '/' : 'x';
	longest[field_of(i)->max + 1] = '\0';
	refuses(i, longest, "must be at most");
	longest[field_of(i)->max] = '\0';
	takes(i, longest, longest);
}

static void every_setting_is_read_shown_and_bounded(void **state)
{
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		const struct hull_field *f = field_of(i);

		assert_non_null(f);
		if (row(i)->variable_only) {
			refuses(i, "/x", row(i)->variable);
			continue;
		}
		for (size_t k = 0; f->names && f->names[k]; k++)
			takes(i, f->names[k], f->names[k]);
		if (f->type == HULL_FIELD_TYPE_ENUM)
			refuses(i, "nonsense", "unknown value 'nonsense'");
		else if (f->type == HULL_FIELD_TYPE_STRING)
			try_text(i);
		else
			try_number(i);
	}
}

static void the_table_is_sorted_and_whole(void **state)
{
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		assert_true(i == 0 || strcmp(row(i - 1)->name, row(i)->name) < 0);
		assert_int_equal(strncmp(row(i)->variable, "HULL_", 5), 0);
		assert_int_equal(hull_setting_find(row(i)->name, NULL), i);
		for (const char *p = row(i)->name, *q = row(i)->variable + 5; *p || *q; p++, q++)
			assert_int_equal(*p == '_' ? *p : *p - 'a' + 'A', *q);
	}
}

static void every_setting_is_explained(void **state)
{
	for (int page = 0; page < 2; page++) {
		cleanup_strbuf struct hull_strbuf all = HULL_STRBUF_INIT;

		assert_int_equal(hull_settings_explain(page, &all), 0);
		for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
			cleanup_strbuf struct hull_strbuf head = HULL_STRBUF_INIT;
			const char *at;

			hull_strbuf_adds(&head, page ? "*" : "  ");
			hull_field_add_word(&head, page, row(i)->name);
			hull_strbuf_adds(&head, page ? "* (" : "  ");
			at = strstr(hull_strbuf_str(&all), hull_strbuf_str(&head));
			assert_non_null(at);
			at = strchr(at, '\n');
			assert_true(at && strspn(at + 1, "\t ") && strcspn(at + 1, "\n") > 10);
		}
	}
}

static size_t find(const char *name)
{
	int i = hull_setting_find(name, NULL);

	assert_true(i >= 0);
	return (size_t)i;
}

static void numbers_have_units(void **state)
{
	takes(find("memory"), "1024M", "1G");
	takes(find("memory"), "1536M", "1536M");
	takes(find("memory"), "67108864", "64M");
	refuses(find("memory"), "65M1", "must be a size");
	refuses(find("memory"), "67108865", "must be a multiple of 1M");
	refuses(find("memory"), "63M", "must be between 64M and 4T");
	takes(find("boot_timeout"), "60", "60s");
	takes(find("boot_timeout"), "1s", "1s");
	takes(find("boot_timeout"), "5m", "5m");
	takes(find("boot_timeout"), "1500ms", "1500ms");
	refuses(find("boot_timeout"), "0", "must be between 1ms and 24h");
	takes(find("cpu_limit"), "0.05", "0.05");
	takes(find("cpu_limit"), "1.500", "1.5");
	takes(find("cpu_limit"), "0", "0");
	refuses(find("cpu_limit"), "0.009", "must be between 0.01 and 256, or 0");
	takes(find("pids_limit"), "0", "0");
	refuses(find("cpus"), "0", "must be between 1 and 256");
}

static void what_is_wrong_is_told_by_line(void **state)
{
	static const char text[] = "\xef\xbb\xbf# memory = x\n"
				   "memroy = 1G\n"
				   "cpus = 2\r\n"
				   "[vm]\n"
				   "cpus = 3\n"
				   "kernel = /\xff\n"
				   "kernel = /\033[m\n"
				   "accel = kmv # no\n"
				   "nothing\n"
				   "pids_limit=7\n"
				   "qemu = /\xc2\x9bm\n";
	static const char *const want[] = {
		"f:2: unknown setting 'memroy'; did you mean 'memory'?",
		"f:4: a line is 'key = value', and there are no sections",
		"f:5: cpus: already said in line 3",
		"f:6: this is no text in UTF-8",
		"f:7: this is no text in UTF-8",
		"f:8: accel: unknown value 'kmv'; did you mean 'kvm'?",
		"f:9: a line is 'key = value'",
		"f:11: this is no text in UTF-8",
	};
	cleanup_strv struct hull_strv problems = {0};
	cleanup_error struct hull_error *err = NULL;
	cleanup_settings struct hull_settings s;

	hull_settings_init(&s);
	assert_int_equal(hull_settings_read(&s, "f", text, sizeof(text) - 1, &problems, &err), 0);
	assert_null(err);
	assert_int_equal(problems.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < problems.n; i++)
		assert_string_equal(problems.v[i], want[i]);
	shows(&s, find("cpus"), "2");
	shows(&s, find("pids_limit"), "7");
	assert_int_equal(hull_settings_read(&s, "f", text, sizeof(text) - 1, NULL, &err), -1);
	assert_string_equal(hull_error_message(err), want[0]);
}

static const char *const *variables; /* name, value, ..., NULL */

static char *get(const char *name)
{
	for (size_t i = 0; variables[i]; i += 2)
		if (!strcmp(variables[i], name))
			return (char *)variables[i + 1];
	return NULL;
}

static void later_ones_replace_earlier_ones(void **state)
{
	static const char *const said[] = {"HULL_CPUS",	 "4",  "HULL_MEMORY", "",  "NO_COLOR", "",
					   "HULL_DEBUG", "",   "HULL_ACCEL",  "x", "HULL_NET", "\n",
					   "HULL_HOME",	 "/h", NULL};
	static const char one[] = "cpus = 2\nmemory = 1G\ncolor = always", two[] = "cpus = 3\n";
	cleanup_strv struct hull_strv problems = {0};
	cleanup_settings struct hull_settings s;

	hull_settings_init(&s);
	assert_int_equal(hull_settings_read(&s, "one", one, strlen(one), NULL, NULL), 0);
	assert_int_equal(hull_settings_read(&s, "two", two, strlen(two), NULL, NULL), 0);
	shows(&s, find("cpus"), "3");
	comes_from(&s, find("cpus"), "two:1");
	comes_from(&s, find("memory"), "one:2");
	variables = said;
	assert_int_equal(hull_settings_read_environ(&s, get, &problems, NULL), 0);
	shows(&s, find("cpus"), "4");
	comes_from(&s, find("cpus"), "environment: HULL_CPUS");
	comes_from(&s, find("memory"), "one:2");
	assert_int_equal(s.color, HULL_COLOR_NEVER);
	comes_from(&s, find("color"), "environment: NO_COLOR");
	assert_int_equal(s.log_level, HULL_LOG_DEBUG);
	shows(&s, find("home"), "/h");
	assert_int_equal(problems.n, 2);
	assert_string_equal(problems.v[0], "HULL_ACCEL: unknown value 'x'");
	assert_string_equal(problems.v[1], "HULL_NET: this is no text in UTF-8");
	assert_int_equal(hull_settings_read_environ(&s, get, NULL, NULL), -1);
}

static void a_setting_of_its_own_beats_a_switch(void **state)
{
	static const char *const said[] = {"NO_COLOR", "1", "HULL_COLOR", "always", NULL};
	cleanup_settings struct hull_settings s;

	hull_settings_init(&s);
	variables = said;
	assert_int_equal(hull_settings_read_environ(&s, get, NULL, NULL), 0);
	assert_int_equal(s.color, HULL_COLOR_ALWAYS);
}

static const char everything[] =
	"accel=tcg\nboot_timeout=2s\ncpu_limit=0.5\ncpu_model=max\ncpus=2\ninitrd=/i\nkernel=/k\n"
	"memory=1G\nmodules=/m\npasst=/p\nqemu=/q\nscratch_dir=/s\nshare_cache=none\n"
	"share_driver=9p\nvirtiofsd=/v\n";

static void read_all(struct hull_settings *s)
{
	hull_settings_init(s);
	assert_int_equal(hull_settings_read(s, "f", everything, strlen(everything), NULL, NULL), 0);
}

static void a_description_has_what_they_say(void **state)
{
	static const char want[] =
		"{\"version\":1,\"cpus\":2,\"memory\":1073741824,\"cpu_limit\":500,\"accel\":"
		"\"tcg\","
		"\"cpu_model\":\"max\",\"kernel\":\"/k\",\"initrd\":\"/i\",\"modules\":\"/m\","
		"\"share_driver\":\"9p\",\"share_cache\":\"none\",\"boot_timeout_ms\":2000,"
		"\"scratch_dir\":\"/s\",\"programs\":{\"qemu\":\"/q\",\"virtiofsd\":\"/v\","
		"\"passt\":\"/p\"}}";
	cleanup_settings struct hull_settings s;
	cleanup_config struct hull_config c;
	cleanup_free char *text = NULL;

	read_all(&s);
	hull_config_init(&c);
	hull_settings_begin(&s, &c);
	assert_int_equal(hull_settings_complete(&s, &c), 0);
	assert_int_equal(hull_config_to_json(&c, &text, NULL), 0);
	assert_string_equal(text, want);
}

static void what_a_description_says_stays(void **state)
{
	static const char json[] = "{\"version\":1,\"cpus\":1,\"initrd\":\"/own\",\"programs\":"
				   "{\"qemu\":\"/other\"}}";
	cleanup_settings struct hull_settings s;
	cleanup_config struct hull_config c;

	read_all(&s);
	hull_config_init(&c);
	hull_settings_begin(&s, &c);
	assert_int_equal(hull_config_read_user(json, strlen(json), NULL, &c, NULL, NULL), 0);
	assert_int_equal(hull_settings_complete(&s, &c), 0);
	assert_int_equal(c.cpus, 1);
	assert_int_equal(c.memory_bytes, UINT64_C(1) << 30);
	assert_string_equal(c.initrd, "/own");
	assert_string_equal(c.kernel, "/k");
	assert_string_equal(c.programs.qemu, "/other");
	assert_string_equal(c.programs.passt, "/p");
}

/* A machine with a kernel, a firmware, an architecture of its own. */
static void only_machines_that_are_meant_have_them(void **state)
{
	static const char *const own[] = {"{\"version\":1,\"kernel\":\"/own\"}",
					  "{\"version\":1,\"firmware\":{\"kind\":\"efi\"}}"};
	cleanup_settings struct hull_settings s;

	read_all(&s);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		cleanup_config struct hull_config c;

		hull_config_init(&c);
		assert_int_equal(
			hull_config_read_user(own[i], strlen(own[i]), NULL, &c, NULL, NULL), 0);
		assert_int_equal(hull_settings_complete(&s, &c), 0);
		assert_true(!c.kernel == (i == 1));
		assert_null(c.initrd);
		assert_null(c.modules);
		assert_string_equal(c.programs.qemu, "/q");
	}
	for (int i = 0; i < 2; i++) {
		cleanup_config struct hull_config c;

		hull_config_init(&c);
		if (i == 0)
			c.arch = HULL_ARCH_HOST == HULL_ARCH_X86_64 ? HULL_ARCH_AARCH64
								    : HULL_ARCH_X86_64;
		else
			c.agent = HULL_AGENT_NONE;
		assert_int_equal(hull_settings_complete(&s, &c), 0);
		assert_true(!c.kernel == (i == 0));
		assert_true(!c.programs.qemu == (i == 0));
		assert_true(!c.cpu_model == (i == 0));
		assert_null(c.modules);
		assert_string_equal(c.scratch_dir, "/s");
	}
}

static void seeds_replay(void **state)
{
	assert_true(corpus_replay("settings") >= 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_is_read_shown_and_bounded),
		cmocka_unit_test(the_table_is_sorted_and_whole),
		cmocka_unit_test(every_setting_is_explained),
		cmocka_unit_test(numbers_have_units),
		cmocka_unit_test(what_is_wrong_is_told_by_line),
		cmocka_unit_test(later_ones_replace_earlier_ones),
		cmocka_unit_test(a_setting_of_its_own_beats_a_switch),
		cmocka_unit_test(a_description_has_what_they_say),
		cmocka_unit_test(what_a_description_says_stays),
		cmocka_unit_test(only_machines_that_are_meant_have_them),
		cmocka_unit_test(seeds_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
