/* SPDX-License-Identifier: Apache-2.0
 *
 * That the tables are whole: each key of each device and bootloader is taken, refused when
 * malformed, rendered in its place, read from JSON, and explained everywhere.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/vfkit.h"
#include "corpus.h"
#include "vfkit-forms.h"

#include "../fuzz/fuzz-vfkit-json.c"

#include <ctype.h>
#include <stdio.h>

#define MAX_OPTIONS 8

static void expect_device(const char *text, const char *want)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	struct hull_device dev;

	if (hull_vfkit_parse_device(text, NULL, &dev, &err) < 0)
		fail_msg("'%s': %s", text, hull_error_message(err));
	if (want && hull_vfkit_render_device(&dev, &got, &err) < 0)
		fail_msg("'%s': %s", text, hull_error_message(err));
	if (want)
		assert_string_equal(hull_strbuf_str(&got), want);
	hull_device_fini(&dev);
}

static void expect_refused(const char *text, const char *why)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_device dev;

	if (hull_vfkit_parse_device(text, NULL, &dev, &err) == 0)
		fail_msg("'%s' was accepted", text);
	if (!strstr(hull_error_message(err), why))
		fail_msg("'%s': no '%s' in: %s", text, why, hull_error_message(err));
}

/* The options come in any order; what is rendered does not. */
static void test_order(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vfkit_forms); i++) {
		cleanup_free char *copy = strdup(vfkit_forms[i]);
		char *options[MAX_OPTIONS], *rest = copy, *kind = strsep(&rest, ",");
		size_t n = 0;

		while (rest && n < MAX_OPTIONS)
			options[n++] = strsep(&rest, ",");
		assert_null(rest);
		for (size_t turn = 0; turn < MAX(n, (size_t)1); turn++) {
			cleanup_strbuf struct hull_strbuf turned = HULL_STRBUF_INIT;

			hull_strbuf_adds(&turned, kind);
			for (size_t k = 0; k < n; k++)
				hull_strbuf_addf(&turned, ",%s", options[(n - k + turn) % n]);
			expect_device(hull_strbuf_str(&turned), vfkit_forms[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(vfkit_accepted); i++)
		expect_device(vfkit_accepted[i], NULL);
}

/* Whether a form of @kind has @key. */
static const char *find_form(const char *kind, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(vfkit_forms) + ARRAY_SIZE(vfkit_accepted); i++) {
		const char *form = i < ARRAY_SIZE(vfkit_forms)
					   ? vfkit_forms[i]
					   : vfkit_accepted[i - ARRAY_SIZE(vfkit_forms)];
		const char *p = form + strlen(kind);

		if (strncmp(form, kind, strlen(kind)) != 0 || (*p && *p != ','))
			continue;
		for (; *p; p += strcspn(p, ",")) {
			size_t len = strcspn(++p, ",=");

			if (len == strlen(key) && !memcmp(p, key, len))
				return form;
		}
	}
	return NULL;
}

/* What can't be a value of the key, or NULL where anything can. */
static const char *malformed(const struct hull_field *f)
{
	switch (f->vfkit.style) {
	case HULL_WORD_FLAG:
	case HULL_WORD_NAME:
		return "=x";
	case HULL_WORD_LOOSE:
		return NULL;
	default:
		return f->type != HULL_FIELD_TYPE_STRING || f->names || f->vfkit.set ? "=x" : NULL;
	}
}

static void test_every_key(void **state)
{
	for (int kind = 0; kind < HULL_DEVICE_COUNT; kind++) {
		const struct hull_class *class = &hull_device_classes[kind];
		char text[256];

		assert_true(class->name && class->json && class->help);
		for (size_t i = 0; i < class->fields.n; i++) {
			const struct hull_field *f = &class->fields.v[i];
			const char *form = f->vfkit.key ? find_form(class->name, f->vfkit.key) : "";

			assert_non_null(f->help);
			if (!form)
				fail_msg("no form has the key '%s' of %s", f->vfkit.key,
					 class->name);
			if (!*form)
				continue;
			if (malformed(f)) {
				snprintf(text, sizeof(text), "%s,%s%s", form, f->vfkit.key,
					 malformed(f));
				expect_refused(text, f->vfkit.key);
			} else {
				snprintf(text, sizeof(text), "%s,%s=x", form, f->vfkit.key);
				expect_device(text, NULL);
			}
			/* A slip of the finger is told what was meant. */
			snprintf(text, sizeof(text), "%s,%sx", class->name, f->vfkit.key);
			expect_refused(text, "unknown option");
			if (strlen(f->vfkit.key) > 3)
				expect_refused(text, "did you mean");
		}
		snprintf(text, sizeof(text), "%sx", class->name);
		expect_refused(text, "did you mean");
	}
}

/* Each JSON member in upper case, and each with a value of another type. */
static void test_every_member(void **state)
{
	for (int kind = 0; kind < HULL_DEVICE_COUNT; kind++) {
		const struct hull_class *class = &hull_device_classes[kind];

		for (size_t i = 0; i < class->fields.n; i++) {
			const struct hull_field *f = &class->fields.v[i];
			static const char path[] = "\"unixSocketPath\":\"/s\",";
			const char *values[] = {"\"pointing\"", "7", "true", "{}"}, *good;
			bool mac = f->vfkit.json && !strcmp(f->vfkit.json, "macAddress");

			if (!f->vfkit.json)
				continue;
			good = f->vfkit.style == HULL_WORD_OBJECT  ? "{}"
			       : mac				   ? "\"" MAC "\""
			       : f->type == HULL_FIELD_TYPE_STRING ? values[0]
			       : f->type == HULL_FIELD_TYPE_BOOL   ? "true"
								   : "7";
			for (size_t k = 0; k <= ARRAY_SIZE(values); k++) {
				cleanup_strbuf struct hull_strbuf json = HULL_STRBUF_INIT;
				cleanup_vfkit struct hull_vfkit vm = {0};
				cleanup_error struct hull_error *err = NULL;
				cleanup_free char *name = strdup(f->vfkit.json), *out = NULL;
				const char *value = k ? values[k - 1] : good;
				int r;

				for (char *p = name; *p; p++)
					*p = (char)toupper(*p);
				hull_strbuf_addf(&json,
						 "{\"devices\":[{\"kind\":\"%s\",%s\"%s\":%s}]}",
						 class->json, kind == HULL_DEVICE_NET ? path : "",
						 name, value);
				r = hull_vfkit_from_json(json.data, json.len, &vm, NULL, &err);
				if ((r == 0) != !strcmp(value, good))
					fail_msg("%s: %s", json.data, hull_error_message(err));
				if (r < 0)
					continue;
				assert_int_equal(hull_vfkit_to_json(&vm, &out, NULL), 0);
				if (!strstr(out, f->vfkit.json))
					fail_msg("%s is lost in %s", f->vfkit.json, out);
			}
		}
	}
}

static bool list_has(const struct hull_strv *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], word))
			return true;
	return false;
}

/* @text has "*word*", as man pages mark it, or a word of its own that is it. */
static bool text_has(const char *text, const char *word, bool man)
{
	char marked[80];

	snprintf(marked, sizeof(marked), man ? "*%s*" : " %s", word);
	for (const char *p = text; (p = strstr(p, marked)) != NULL; p++)
		if (man || !isalnum((unsigned char)p[strlen(marked)]))
			return true;
	return false;
}

static void check_class(const struct hull_class *class, const char *flag, const char *help,
			const char *man)
{
	cleanup_strv struct hull_strv kinds = {0};

	assert_int_equal(hull_vfkit_complete(flag, "", &kinds), 0);
	assert_true(list_has(&kinds, class->name));
	assert_true(text_has(help, class->name, false) && text_has(man, class->name, true));
	for (size_t i = 0; i < class->fields.n; i++) {
		const struct hull_vfkit_word *w = &class->fields.v[i].vfkit;
		cleanup_strv struct hull_strv keys = {0};
		char word[128];

		if (!w->key)
			continue;
		snprintf(word, sizeof(word), "%s,a=b,", class->name);
		assert_int_equal(hull_vfkit_complete(flag, word, &keys), 0);
		snprintf(word, sizeof(word), "%s,a=b,%s%s", class->name, w->key,
			 w->metavar ? "=" : "");
		if (!list_has(&keys, word) || !text_has(help, w->key, false) ||
		    !text_has(man, w->key, true))
			fail_msg("'%s' of %s is not explained everywhere", w->key, class->name);
	}
}

static void test_explained(void **state)
{
	const char *dir = getenv("MAN");
	cleanup_free char *path = hull_path_join(dir ? dir : "docs/man", "hull-config.1.scd");
	cleanup_strbuf struct hull_strbuf man = HULL_STRBUF_INIT, help = HULL_STRBUF_INIT;
	cleanup_strv struct hull_strv flags = {0};

	assert_int_equal(hull_file_read(path, 1 << 20, &man), 0);
	assert_int_equal(hull_vfkit_help(&help), 0);
	assert_int_equal(hull_vfkit_complete("", "-", &flags), 0);
	for (int i = 0; i < HULL_DEVICE_COUNT; i++)
		check_class(&hull_device_classes[i], "--device", help.data, man.data);
	for (int i = HULL_BOOT_EFI; i <= HULL_BOOT_MACOS; i++)
		check_class(&hull_boot_classes[i], "-b", help.data, man.data);
	for (size_t i = 0; i < hull_vfkit_flag_fields.n; i++) {
		const struct hull_vfkit_word *w = &hull_vfkit_flag_fields.v[i].vfkit;
		char word[40] = "--";

		snprintf(word, sizeof(word), "--%s", w->key);
		if (!list_has(&flags, word) || !text_has(help.data, word, false) ||
		    !text_has(man.data, word, true))
			fail_msg("'%s' is not explained everywhere", word);
		snprintf(word, sizeof(word), "-%c", w->letter);
		assert_true(!w->letter ||
			    (list_has(&flags, word) && text_has(man.data, word, true)));
	}
}

static int read_device(const struct hull_json *json, struct hull_device *ret,
		       struct hull_error **err)
{
	hull_fields_init(&hull_device_fields, ret);
	if (hull_fields_from_json(&hull_device_fields, ret, json, NULL, err) == 0)
		return 0;
	hull_device_fini(ret);
	return -1;
}

/* hull's own JSON says the same, strictly. */
static void test_own_json(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vfkit_forms); i++) {
		cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
		cleanup_error struct hull_error *err = NULL;
		cleanup_json struct hull_json *json = NULL;
		struct hull_device dev, second;

		assert_int_equal(hull_vfkit_parse_device(vfkit_forms[i], NULL, &dev, NULL), 0);
		assert_int_equal(hull_fields_to_json(&hull_device_fields, &dev, &json, NULL), 0);
		if (read_device(json, &second, &err) < 0)
			fail_msg("%s: %s", hull_json_text(json), hull_error_message(err));
		assert_int_equal(hull_vfkit_render_device(&second, &got, NULL), 0);
		assert_string_equal(hull_strbuf_str(&got), vfkit_forms[i]);
		hull_device_fini(&second);
		assert_int_equal(hull_json_set(json, "devNam", hull_json_bool(true)), 0);
		assert_int_equal(read_device(json, &second, &err), -1);
		assert_non_null(strstr(hull_error_message(err), "devNam: unknown key"));
		hull_device_fini(&dev);
	}
}

static void test_own_json_refused(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{"[]", "must be an object"},
		{"{}", "kind: must be"},
		{"{\"kind\":\"virtioblk\"}", "did you mean 'virtio-blk'"},
		{"{\"kind\":\"virtio-net\",\"nat\":true,\"mac\":\"zz\"}", "hardware address"},
		{"{\"kind\":\"virtio-net\",\"fd\":-1}", "fd: must be between"},
		{"{\"kind\":\"virtio-net\",\"nat\":true,\"fd\":3}", "exclude"},
		{"{\"kind\":\"virtio-gpu\",\"width\":0,\"height\":1}", "width: must be between"},
		{"{\"kind\":\"virtio-gpu\",\"width\":1.5}", "width: must be a whole number"},
		{"{\"kind\":\"nbd\",\"sync\":\"fulll\"}", "did you mean 'full'"},
		{"{\"kind\":\"virtio-vsock\",\"prot\":1}", "did you mean 'port'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_json struct hull_json *json = NULL;
		struct hull_device dev;

		assert_int_equal(hull_json_parse(cases[i].json, strlen(cases[i].json), &json, NULL),
				 0);
		if (read_device(json, &dev, &err) == 0)
			fail_msg("%s was accepted", cases[i].json);
		if (!strstr(hull_error_message(err), cases[i].why))
			fail_msg("%s: %s", cases[i].json, hull_error_message(err));
	}
}

/* What is left out, and what must not be. */
static void test_own_json_defaults(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{"{\"kind\":\"virtio-gpu\"}", "virtio-gpu,width=800,height=600"},
		{"{\"kind\":\"virtio-net\",\"path\":\"/s\"}", "virtio-net,unixSocketPath=/s"},
		{"{\"kind\":\"virtio-net\",\"path\":\"/s\",\"magic\":false}",
		 "virtio-net,type=unixgram,path=/s,vfkitMagic=off"},
		{"{\"kind\":\"virtio-net\",\"fd\":0}", "virtio-net,fd=0"},
		{"{\"kind\":\"virtio-net\",\"nat\":true,\"mac\":\"5A-94-EF-00-00-01\"}",
		 "virtio-net,nat,mac=" MAC},
		{"{\"kind\":\"nbd\",\"uri\":\"u\"}", "nbd,uri=u,timeout=15000,sync=full"},
		{"{\"kind\":\"virtio-vsock\",\"port\":1,\"path\":\"/s\"}",
		 "virtio-vsock,port=1,socketURL=/s,listen"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT, again = HULL_STRBUF_INIT;
		cleanup_error struct hull_error *err = NULL;
		cleanup_json struct hull_json *json = NULL, *written = NULL;
		struct hull_device dev, second;

		assert_int_equal(hull_json_parse(cases[i].json, strlen(cases[i].json), &json, NULL),
				 0);
		if (read_device(json, &dev, &err) < 0)
			fail_msg("%s: %s", cases[i].json, hull_error_message(err));
		assert_int_equal(hull_vfkit_render_device(&dev, &got, NULL), 0);
		assert_string_equal(got.data, cases[i].want);
		assert_int_equal(hull_fields_to_json(&hull_device_fields, &dev, &written, NULL), 0);
		assert_int_equal(read_device(written, &second, NULL), 0);
		assert_int_equal(hull_vfkit_render_device(&second, &again, NULL), 0);
		assert_string_equal(again.data, cases[i].want);
		hull_device_fini(&dev);
		hull_device_fini(&second);
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("vfkit-json") > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_every_member),
		cmocka_unit_test(test_explained),
		cmocka_unit_test(test_own_json),
		cmocka_unit_test(test_own_json_defaults),
		cmocka_unit_test(test_own_json_refused),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
