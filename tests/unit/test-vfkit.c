/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's dialect against the vectors of tests/vfkit: what is accepted, refused, written and
 * rendered, to the byte.  The format is told in the README there.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "config/vfkit.h"
#include "corpus.h"
#include "vectors.h"

#include "../fuzz/fuzz-vfkit-args.c"

#include <stdio.h>

#define SIMPLE_JSON                                                                          \
	"{\"vcpus\":1,\"memoryBytes\":536870912,\"bootloader\":{\"kind\":\"efiBootloader\"," \
	"\"efiVariableStorePath\":\"/nv\",\"createVariableStore\":false}"

static const char *const simple_args[] = {"-b", "efi,variable-store=/nv"};
static const char *const simple_render[] = {
	"--cpus", "1", "--memory", "512", "--bootloader", "efi,variable-store=/nv"};

/* The case at hand and what came of it. */
struct run {
	const char *file;
	int line;
	struct hull_vfkit vm;
	struct hull_vfkit_flags flags;
	struct hull_error *err; /* of reading */
	struct hull_strv args;
	struct hull_error *render_err;
};

static int read_image(void *ctx, const char *path, unsigned char *head, size_t *ret_len,
		      struct hull_error **err)
{
	static const struct {
		const char *path, *head;
	} images[] = {{"/img/root.raw", "raw!"},
		      {"/img/short", "Q"},
		      {"/img/empty", ""},
		      {"/img/disk.qcow2", "QFI\xfb"}};

	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		if (strcmp(path, images[i].path) != 0)
			continue;
		*ret_len = strlen(images[i].head);
		memcpy(head, images[i].head, *ret_len);
		return 0;
	}
	return hull_fail(err, HULL_E_INVALID, "open image '%s'", path);
}

static void run_fini(struct run *r)
{
	hull_vfkit_fini(&r->vm);
	hull_vfkit_flags_fini(&r->flags);
	hull_strv_fini(&r->args);
	hull_error_freep(&r->err);
	hull_error_freep(&r->render_err);
}

/* Words parted by blanks, with '…' around those that have some. */
static void split(const char *text, struct hull_strv *words)
{
	while (*text) {
		cleanup_strbuf struct hull_strbuf word = HULL_STRBUF_INIT;
		bool quoted = false;

		for (; *text && (quoted || *text != ' '); text++) {
			if (*text != '\'')
				hull_strbuf_add(&word, text, 1);
			else if (quoted && text[1] == '\'')
				hull_strbuf_add(&word, text++, 1);
			else
				quoted = !quoted;
		}
		assert_int_equal(hull_strv_add(words, hull_strbuf_str(&word)), 0);
		text += *text == ' ';
	}
}

static void start_args(struct run *r, bool plus, const char *text)
{
	static const struct hull_vfkit_hooks hooks = {.read_image = read_image};
	cleanup_strv struct hull_strv words = {0};

	for (size_t i = 0; plus && i < ARRAY_SIZE(simple_args); i++)
		hull_strv_add(&words, simple_args[i]);
	split(text, &words);
	if (hull_vfkit_parse_flags(words.v, words.n, &r->flags, &r->err) == 0 && !r->flags.help &&
	    !r->flags.version)
		(void)hull_vfkit_from_flags(&r->flags, &hooks, &r->vm, &r->err);
}

static void start_read(struct run *r, bool plus, const char *text)
{
	cleanup_strbuf struct hull_strbuf json = HULL_STRBUF_INIT;

	hull_strbuf_addf(&json, plus ? SIMPLE_JSON ",%s}" : "%s", text);
	(void)hull_vfkit_from_json(hull_strbuf_str(&json), json.len, &r->vm, NULL, &r->err);
}

static void expect_json(struct run *r, bool plus, const char *text)
{
	cleanup_strbuf struct hull_strbuf want = HULL_STRBUF_INIT;
	cleanup_free char *got = NULL;

	if (r->err)
		bad(r, "refused: %s", hull_error_message(r->err));
	if (plus)
		hull_strbuf_addf(&want, SIMPLE_JSON "%s%s}", *text ? "," : "", text);
	else
		hull_strbuf_adds(&want, text);
	assert_int_equal(hull_vfkit_to_json(&r->vm, &got, NULL), 0);
	if (strcmp(got, hull_strbuf_str(&want)) != 0)
		bad(r, "json\n  got  %s\n  want %s", got, hull_strbuf_str(&want));
}

static void expect_render(struct run *r, bool plus, const char *text)
{
	cleanup_strv struct hull_strv want = {0};

	for (size_t i = 0; plus && i < ARRAY_SIZE(simple_render); i++)
		hull_strv_add(&want, simple_render[i]);
	split(text, &want);
	if (hull_vfkit_render(&r->vm, &r->args, &r->render_err) < 0)
		bad(r, "not rendered: %s", hull_error_message(r->render_err));
	for (size_t i = 0; i < r->args.n && i < want.n; i++)
		if (strcmp(r->args.v[i], want.v[i]) != 0)
			bad(r, "argument %zu\n  got  %s\n  want %s", i, r->args.v[i], want.v[i]);
	if (r->args.n != want.n)
		bad(r, "%zu arguments instead of %zu", r->args.n, want.n);
}

static void expect_failure(struct run *r, struct hull_error *err, const char *text)
{
	if (!err)
		bad(r, "accepted");
	if (!strstr(hull_error_message(err), text))
		bad(r, "message\n  got  %s\n  want %s", hull_error_message(err), text);
	if (hull_error_code(err) != HULL_E_INVALID)
		bad(r, "code %s", hull_code_name(hull_error_code(err)));
}

/* True where the line starts a case. */
static bool do_line(struct run *r, char *line)
{
	size_t len = strcspn(line, " ");
	char *rest = line + len + (line[len] == ' ');
	bool plus = len && line[len - 1] == '+';

	line[len] = '\0';
	if (plus)
		line[len - 1] = '\0';
	if (!strcmp(line, "args") || !strcmp(line, "read")) {
		run_fini(r);
		(*line == 'a' ? start_args : start_read)(r, plus, rest);
		return true;
	}
	if (!strcmp(line, "json"))
		expect_json(r, plus, rest);
	else if (!strcmp(line, "render"))
		expect_render(r, plus, rest);
	else if (!strcmp(line, "refuse"))
		expect_failure(r, r->err, rest);
	else if (!strcmp(line, "help"))
		assert_true(!r->err && (r->flags.help || r->flags.version));
	else if (!strcmp(line, "norender") && !r->err &&
		 hull_vfkit_render(&r->vm, &r->args, &r->render_err) < 0)
		expect_failure(r, r->render_err, rest);
	else
		bad(r, "'%s' does not fit here", line);
	return false;
}

static int run_file(const char *name)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	struct run r = {.file = name};
	int cases = 0, checks = 0;
	char *rest;

	read_vectors("VECTORS", name, &text);
	rest = text.data;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		r.line++;
		if (!*line || *line == '#')
			continue;
		if (do_line(&r, line))
			cases++;
		else
			checks++;
	}
	run_fini(&r);
	assert_true(checks >= cases);
	return cases;
}

static void test_vectors(void **state)
{
	static const char *const files[] = {"examples.txt", "flags.txt",   "bootloader.txt",
					    "disks.txt",    "devices.txt", "json.txt"};
	int cases = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		cases += run_file(files[i]);
	print_message("%d vectors\n", cases);
	assert_true(cases >= 600);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("vfkit-args") > 20);
}

/* What needs a host is asked for in one order, and its failure is the command line's. */
struct calls {
	char order[8];
	const char *fail;
};

static int called(struct calls *c, const char *what, struct hull_error **err)
{
	size_t n = strlen(c->order);

	c->order[n] = *what;
	c->order[n + 1] = '\0';
	return c->fail && *c->fail == *what ? hull_fail(err, HULL_E_INVALID, "no %s", what) : 0;
}

static int hook_nested(void *ctx, struct hull_error **err)
{
	return called(ctx, "nested", err);
}

static int hook_prepare(void *ctx, const struct hull_vfkit_flags *flags, char **ret_iso,
			struct hull_error **err)
{
	assert_int_equal(flags->cloud_init.n, 2);
	*ret_iso = strdup("/tmp/a,b.iso");
	return called(ctx, "prepare", err);
}

static int hook_image(void *ctx, const char *path, unsigned char *head, size_t *ret_len,
		      struct hull_error **err)
{
	memset(head, 1, 4);
	*ret_len = 4;
	return called(ctx, "image", err);
}

static void test_hooks(void **state)
{
	static const char *const argv[] = {"-n",
					   "-b",
					   "efi,variable-store=/nv",
					   "-d",
					   "virtio-blk,path=/x",
					   "-d",
					   "virtio-rng",
					   "--cloud-init",
					   "user-data,\"meta-data\"",
					   "--gui"};
	struct calls calls = {"", NULL};
	const struct hull_vfkit_hooks hooks = {&calls, false, hook_nested, hook_prepare,
					       hook_image};
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_vfkit struct hull_vfkit vm = {0};

	assert_int_equal(hull_vfkit_parse_flags((char *const *)(uintptr_t)argv, ARRAY_SIZE(argv),
						&flags, NULL),
			 0);
	assert_int_equal(hull_vfkit_from_flags(&flags, &hooks, &vm, NULL), 0);
	assert_string_equal(calls.order, "npi");
	/* The disk made of the files comes after the given devices, what --gui adds last. */
	assert_int_equal(vm.devices.n, 5);
	assert_string_equal(vm.devices.v[2].disk.path, "/tmp/a,b.iso");
	assert_int_equal(vm.devices.v[3].kind, HULL_DEVICE_GPU);
	for (const char *fail = "npi"; *fail; fail++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_vfkit struct hull_vfkit other = {0};

		calls = (struct calls){"", fail};
		assert_int_equal(hull_vfkit_from_flags(&flags, &hooks, &other, &err), -1);
		assert_non_null(strstr(hull_error_message(err), "no "));
		assert_int_equal(calls.order[strlen(calls.order) - 1], *fail);
	}
	assert_true(hull_vfkit_given(&flags, "gui") && !hull_vfkit_given(&flags, "cpus"));
}

/* What neither form can say is told. */
static void test_losses(void **state)
{
	static const char json[] =
		"{\"bootloader\":{\"kind\":\"efiBootloader\",\"efiVariableStorePath\":\"/nv\"},"
		"\"devices\":[{\"kind\":\"virtiogpu\",\"usesGUI\":true,\"width\":1,\"height\":1},"
		"{\"kind\":\"virtioserial\",\"usesPty\":true,\"ptyName\":\"/p\"}],"
		"\"timesync\":{\"vsockPort\":7},\"ignition\":{\"configPath\":\"c\","
		"\"socketPath\":\"s\"},\"nested\":true}";
	static const char *const want[] = {"nested", "devices[0].usesGUI", "devices[1].ptyName",
					   "timesync", "ignition.socketPath"};
	static const char *const argv[] = {"-b", "macos",
					   "-d", "virtio-net,fd=7",
					   "-d", "virtio-net,unixSocketPath=/s,vfkitMagic=off"};
	cleanup_strv struct hull_strv notes = {0}, others = {0};
	cleanup_vfkit struct hull_vfkit vm = {0}, second = {0};
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};

	assert_int_equal(hull_vfkit_from_json(json, strlen(json), &vm, &notes, NULL), 0);
	assert_int_equal(hull_vfkit_unrendered(&vm, &notes), 0);
	assert_int_equal(notes.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < notes.n; i++)
		assert_true(!strncmp(notes.v[i], want[i], strlen(want[i])));
	assert_int_equal(hull_vfkit_parse_flags((char *const *)(uintptr_t)argv, ARRAY_SIZE(argv),
						&flags, NULL),
			 0);
	assert_int_equal(hull_vfkit_from_flags(&flags, NULL, &second, NULL), 0);
	assert_int_equal(hull_vfkit_unwritten(&second, &others), 0);
	assert_int_equal(others.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
