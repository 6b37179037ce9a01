/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions between hull's description and vfkit's against the vectors of tests/dialect, whose
 * format is told in the README there.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "config/dialect.h"
#include "vectors.h"

#include <stdio.h>
#include <string.h>

enum form { NONE, VFKIT, HULL };

struct run {
	const char *file;
	int line;
	enum form from;
	const char *text; /* borrowed */
	char *result;
	struct hull_strv notes;
	size_t n_notes; /* that have been asked for */
	int cases;
	struct hull_error *err;
	bool refused;
};

static int convert(enum form from, const char *text, char **ret, struct hull_strv *notes,
		   struct hull_error **err)
{
	cleanup_config struct hull_config config;
	cleanup_vfkit struct hull_vfkit vm = {0};
	size_t len = strlen(text);

	hull_config_init(&config);
	if (from == HULL)
		return hull_config_read_user(text, len, NULL, &config, NULL, err) < 0 ||
				       hull_config_to_vfkit(&config, &vm, notes, err) < 0 ||
				       hull_vfkit_to_json(&vm, ret, err) < 0
			       ? -1
			       : 0;
	return hull_vfkit_from_json(text, len, &vm, notes, err) < 0 ||
			       hull_config_from_vfkit(&vm, &config, notes, err) < 0 ||
			       hull_config_to_json(&config, ret, err) < 0
		       ? -1
		       : 0;
}

static void finish(struct run *r)
{
	if (r->from != NONE && r->err && !r->refused)
		bad(r, "the case before is refused: %s", hull_error_message(r->err));
	if (r->from != NONE && !r->err && r->n_notes != r->notes.n)
		bad(r, "the case before has %zu notes", r->notes.n);
	free(r->result);
	hull_strv_fini(&r->notes);
	hull_error_freep(&r->err);
	*r = (struct run){.file = r->file, .line = r->line, .cases = r->cases};
}

static void describe(struct run *r, enum form form, const char *text)
{
	if (r->from == NONE) {
		r->from = form;
		r->cases++;
		r->text = text;
		(void)convert(form, text, &r->result, &r->notes, &r->err);
		return;
	}
	if (r->err)
		bad(r, "refused: %s", hull_error_message(r->err));
	if (form == r->from || strcmp(r->result, text) != 0)
		bad(r, "it is %s", r->result);
}

static void expect_back(struct run *r)
{
	cleanup_strv struct hull_strv notes = {0};
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *text = NULL;

	if (convert(r->from == HULL ? VFKIT : HULL, r->result, &text, &notes, &err) < 0)
		bad(r, "refused: %s", hull_error_message(err));
	if (strcmp(text, r->text) != 0)
		bad(r, "it is %s", text);
	if (notes.n)
		bad(r, "note: %s", notes.v[0]);
}

static void run_line(struct run *r, const char *line)
{
	if (!*line) {
		finish(r);
	} else if (!strncmp(line, "vfkit ", 6)) {
		describe(r, VFKIT, line + 6);
	} else if (!strncmp(line, "hull ", 5)) {
		describe(r, HULL, line + 5);
	} else if (!strncmp(line, "note ", 5)) {
		if (r->n_notes == r->notes.n || !strstr(r->notes.v[r->n_notes++], line + 5))
			bad(r, "there is no such note");
	} else if (!strncmp(line, "refuse ", 7)) {
		if (!r->err || !strstr(hull_error_message(r->err), line + 7))
			bad(r, "%s", r->err ? hull_error_message(r->err) : "not refused");
		r->refused = true;
	} else if (!strcmp(line, "back")) {
		expect_back(r);
	} else if (*line != '#') {
		bad(r, "unknown line");
	}
}

/* How many cases there were. */
static int run_file(const char *name)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	struct run r = {.file = name};
	char *rest, *line;

	read_vectors("DIALECT", name, &text);
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		r.line++;
		run_line(&r, line);
	}
	finish(&r);
	return r.cases;
}

static void test_from_vfkit(void **state)
{
	assert_true(run_file("from-vfkit.txt") >= 19);
}

static void test_from_hull(void **state)
{
	assert_true(run_file("from-hull.txt") >= 9);
}

/* macOS parses, and is refused: JSON has no form for it. */
static void test_macos(void **state)
{
	static const char *const argv[] = {"-b", "macos"};
	cleanup_config struct hull_config config;
	cleanup_vfkit struct hull_vfkit vm = {0};
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_strv struct hull_strv notes = {0};
	cleanup_error struct hull_error *err = NULL;

	hull_config_init(&config);
	assert_int_equal(hull_vfkit_parse_flags((char *const *)(uintptr_t)argv, 2, &flags, NULL),
			 0);
	assert_int_equal(hull_vfkit_from_flags(&flags, NULL, &vm, NULL), 0);
	assert_int_equal(hull_config_from_vfkit(&vm, &config, &notes, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_vfkit),
		cmocka_unit_test(test_from_hull),
		cmocka_unit_test(test_macos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
