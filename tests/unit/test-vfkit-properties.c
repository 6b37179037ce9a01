/* SPDX-License-Identifier: Apache-2.0
 *
 * Random machines: their canonical arguments come back from a description unchanged, and so does
 * their JSON.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/vfkit.h"
#include "vfkit-forms.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static size_t pick(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed % n);
}

/* Whatever a value may hold; no commas, since nothing protects them. */
static void add_text(struct hull_strbuf *out, bool quotes)
{
	static const char *const parts[] = {"a",  "/",	  "b c", "=",  "<&>",	       "\\",
					    "é",  "日本", "'",	 "\t", "\xe2\x80\xa8", "\x01",
					    "\"", "\"x\""};

	for (size_t n = 1 + pick(6); n; n--)
		hull_strbuf_adds(out, parts[pick(ARRAY_SIZE(parts) - (quotes ? 0 : 2))]);
}

static bool is_plain_value(const char *key, size_t len)
{
	static const char *const keys[] = {"path",	"deviceId",   "uri",
					   "sharedDir", "mountTag",   "unixSocketPath",
					   "socketURL", "logFilePath"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i]) == len && !memcmp(keys[i], key, len))
			return true;
	return false;
}

/* A form with some of its free values changed, and what may be missing taken out at times. */
static void add_device(struct hull_strv *args)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_free char *copy = strdup(vfkit_forms[pick(ARRAY_SIZE(vfkit_forms))]);
	char *rest = copy;

	hull_strbuf_adds(&text, strsep(&rest, ","));
	while (rest) {
		const char *option = strsep(&rest, ",");
		size_t key = strcspn(option, "=");
		static const char *const optional[] = {"readonly",   "deviceId=a",
						       "install",    "ignore-if-missing",
						       ("mac=" MAC), "type=dev"};
		bool skip = false;

		for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
			skip |= !strcmp(option, optional[i]) && pick(2);
		if (skip)
			continue;
		hull_strbuf_addf(&text, ",%.*s", (int)key, option);
		if (is_plain_value(option, key)) {
			hull_strbuf_adds(&text, "=");
			add_text(&text, true);
		} else {
			hull_strbuf_adds(&text, option + key);
		}
	}
	hull_strv_add(args, "--device");
	hull_strv_add(args, hull_strbuf_str(&text));
}

static void add_bootloader(struct hull_strv *args)
{
	static const char *const flags[] = {"--kernel", "--initrd", "--kernel-cmdline"};
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	if (pick(2)) {
		hull_strbuf_adds(&text, "efi,variable-store=");
		add_text(&text, false);
		hull_strbuf_adds(&text, pick(2) ? ",create" : "");
		hull_strv_add(args, "--bootloader");
		hull_strv_add(args, hull_strbuf_str(&text));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		hull_strbuf_clear(&text);
		add_text(&text, true);
		hull_strv_add(args, flags[i]);
		hull_strv_add(args, hull_strbuf_str(&text));
	}
}

static void random_args(struct hull_strv *args)
{
	hull_strv_add(args, "--cpus");
	hull_strv_addf(args, "%zu", 1 + pick(64));
	hull_strv_add(args, "--memory");
	hull_strv_addf(args, "%zu", 1 + pick(1 << 20));
	add_bootloader(args);
	for (size_t n = pick(8); n; n--)
		add_device(args);
	if (!pick(4)) {
		hull_strv_add(args, "--ignition");
		hull_strv_add(args, "/a b.ign");
	}
	if (!pick(4))
		hull_strv_add(args, "--nested");
	assert_false(args->failed);
}

static void parse(const struct hull_strv *args, struct hull_vfkit *vm)
{
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_error struct hull_error *err = NULL;

	if (hull_vfkit_parse_flags(args->v, args->n, &flags, &err) < 0 ||
	    hull_vfkit_from_flags(&flags, NULL, vm, &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

static void assert_same(const struct hull_strv *a, const struct hull_strv *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		assert_string_equal(a->v[i], b->v[i]);
	assert_int_equal(a->n, b->n);
}

static bool has_lossy_net(const struct hull_vfkit *vm)
{
	cleanup_strv struct hull_strv lost = {0};

	assert_int_equal(hull_vfkit_unwritten(vm, &lost), 0);
	return lost.n > 0;
}

static void test_identities(void **state)
{
	int whole = 0;

	for (int i = 0; i < 3000; i++) {
		cleanup_strv struct hull_strv args = {0}, again = {0}, third = {0};
		cleanup_vfkit struct hull_vfkit vm = {0}, read = {0};
		cleanup_free char *json = NULL, *json2 = NULL;

		random_args(&args);
		parse(&args, &vm);
		assert_int_equal(hull_vfkit_render(&vm, &again, NULL), 0);
		assert_same(&args, &again);
		assert_int_equal(hull_vfkit_to_json(&vm, &json, NULL), 0);
		assert_int_equal(hull_vfkit_from_json(json, strlen(json), &read, NULL, NULL), 0);
		read.nested = vm.nested; /* is not read */
		if (has_lossy_net(&vm))
			continue;
		whole++;
		assert_int_equal(hull_vfkit_to_json(&read, &json2, NULL), 0);
		assert_string_equal(json, json2);
		assert_int_equal(hull_vfkit_render(&read, &third, NULL), 0);
		assert_same(&args, &third);
	}
	assert_true(whole > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
