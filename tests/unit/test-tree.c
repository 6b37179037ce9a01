/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of a served tree: its rules, JSON, what is taken from a host, and the daemon's
 * command line.  Hosts are small directories made for the purpose.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "share/spec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char host[] = "/tmp/hull-test-tree.XXXXXX";

static void put(const char *path, const char *text)
{
	cleanup_free char *full = hull_path_join(host, path);
	char *slash = strrchr(full, '/');

	*slash = '\0';
	assert_int_equal(hull_path_mkdirs(full, 0755), 0);
	*slash = '/';
	assert_int_equal(hull_file_write(full, text, strlen(text), 0644, false), 0);
}

static void put_dir(const char *path)
{
	cleanup_free char *full = hull_path_join(host, path);

	assert_int_equal(hull_path_mkdirs(full, 0755), 0);
}

static void put_link(const char *text, const char *path)
{
	cleanup_free char *full = hull_path_join(host, path);

	assert_int_equal(symlink(text, full), 0);
}

static int make_host(void **state)
{
	put_dir("usr/bin");
	put_dir("sbin");
	put_dir("lib64");
	put_dir("home/someone");
	put_dir("etc");
	put_link("usr/bin", "bin");
	put_link("usr/lib", "lib");
	put("libnothing", "no directory");
	return 0;
}

static int new_host(void **state)
{
	strcpy(strrchr(host, '.'), ".XXXXXX");
	return mkdtemp(host) ? make_host(state) : -1;
}

static int remove_host(void **state)
{
	return hull_path_remove_tree(host);
}

static const struct hull_tree_entry *find(const struct hull_tree *t, const char *target)
{
	for (size_t i = 0; i < t->entries.n; i++)
		if (!strcmp(t->entries.v[i].target, target))
			return &t->entries.v[i];
	return NULL;
}

static const struct hull_tree_mask *find_mask(const struct hull_tree *t, const char *target)
{
	for (size_t i = 0; i < t->masks.n; i++)
		if (!strcmp(t->masks.v[i].target, target))
			return &t->masks.v[i];
	return NULL;
}

static void take_host(struct hull_tree *t, const char *at)
{
	cleanup_error struct hull_error *err = NULL;

	hull_tree_init(t);
	if (hull_tree_host(t, host, at, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(hull_tree_validate(t, NULL), 0);
}

static void test_system_directories(void **state)
{
	cleanup_tree struct hull_tree t;
	const struct hull_tree_entry *e;

	take_host(&t, "/os");
	e = find(&t, "/os/usr");
	assert_non_null(e);
	assert_int_equal(e->kind, HULL_TREE_BIND);
	assert_true(e->recursive && !e->writable && !e->file);
	assert_true(!strncmp(e->source, host, strlen(host)));
	assert_string_equal(e->source + strlen(host), "/usr");
	e = find(&t, "/os/bin");
	assert_int_equal(e->kind, HULL_TREE_LINK);
	assert_string_equal(e->source, "usr/bin");
	assert_int_equal(find(&t, "/os/lib")->kind, HULL_TREE_LINK);
	assert_int_equal(find(&t, "/os/sbin")->kind, HULL_TREE_BIND);
	assert_int_equal(find(&t, "/os/lib64")->kind, HULL_TREE_BIND);
	assert_int_equal(find(&t, "/os/etc")->kind, HULL_TREE_BIND);
	assert_null(find(&t, "/os/libnothing"));
	assert_null(find(&t, "/os/lib32"));
	e = find(&t, "/os/home");
	assert_int_equal(e->kind, HULL_TREE_DIR);
	assert_null(e->source);
	assert_int_equal(find(&t, "/os/tmp")->mode, 01777);
	assert_int_equal(find(&t, "/os/var/run")->kind, HULL_TREE_LINK);
}

static void test_at_the_root(void **state)
{
	cleanup_tree struct hull_tree t;

	put("etc/machine-id", "0123\n");
	take_host(&t, "/");
	assert_non_null(find(&t, "/usr"));
	assert_non_null(find_mask(&t, "/etc/machine-id"));
}

static void test_real_host(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_tree struct hull_tree t;

	hull_tree_init(&t);
	if (hull_tree_host(&t, "/", "/", &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(hull_tree_validate(&t, NULL), 0);
	assert_string_equal(find(&t, "/usr")->source, "/usr");
	assert_non_null(find_mask(&t, "/etc/shadow"));
	for (size_t i = 0; i < t.entries.n; i++)
		assert_false(t.entries.v[i].writable);
}

static void test_masks_what_exists(void **state)
{
	static const char *const secret[] = {
		"etc/gshadow",
		"etc/shadow-",
		"etc/sudoers.d/me",
		"etc/ssl/private/a.key",
		"etc/krb5.keytab",
		"etc/ssh/ssh_host_rsa_key",
		"etc/ssh/ssh_host_ed_key",
		"etc/wireguard/wg0",
		"etc/samba/smbpasswd",
		"etc/NetworkManager/system-connections/home",
	};
	static const char *const masked[] = {
		"/etc/gshadow",
		"/etc/shadow-",
		"/etc/sudoers.d",
		"/etc/ssl/private",
		"/etc/krb5.keytab",
		"/etc/ssh/ssh_host_rsa_key",
		"/etc/ssh/ssh_host_ed_key",
		"/etc/wireguard",
		"/etc/samba/smbpasswd",
		"/etc/NetworkManager/system-connections",
	};
	cleanup_tree struct hull_tree t;

	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		put(secret[i], "x");
	put("etc/ssh/ssh_host_rsa_key.pub", "public");
	put("etc/hosts", "public");
	take_host(&t, "/");
	for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
		if (!find_mask(&t, masked[i]))
			fail_msg("'%s' is not hidden", masked[i]);
	assert_int_equal(t.masks.n, ARRAY_SIZE(masked));
}

/* The name stays, and what it leads to inside the tree is hidden; where that is outside of what is
 * shared there will be nothing to hide. */
static void test_masks_behind_links(void **state)
{
	cleanup_tree struct hull_tree t;

	put("usr/keys/host.keytab", "x");
	put("srv/private/a.key", "x");
	put_dir("etc/ssl");
	put_link("/usr/keys/host.keytab", "etc/krb5.keytab");
	put_link("../../../../../srv/private", "etc/ssl/private");
	put_link("nowhere", "etc/fstab");
	put_link("hostid", "etc/hostid");
	take_host(&t, "/os");
	assert_non_null(find_mask(&t, "/os/usr/keys/host.keytab"));
	assert_non_null(find_mask(&t, "/os/srv/private"));
	assert_int_equal(t.masks.n, 2);
}

/* One file under two names of the table is hidden once. */
static void test_masks_once(void **state)
{
	cleanup_tree struct hull_tree t;

	put("etc/krb5.keytab", "x"); /* by name, and as *.keytab */
	take_host(&t, "/");
	assert_int_equal(t.masks.n, 1);
}

static void test_accounts(void **state)
{
	cleanup_tree struct hull_tree t;

	put("etc/passwd", "root:x:0:0::/root:/bin/sh\n+nis\n\n#c:\nnocolon\nme:$6$hash:1:1::/:");
	put("etc/group", "root:x:0:\nadm:x:4:me\n");
	put("etc/shadow", "root:$6$secret:1::::::\n");
	put("etc/gshadow", "root:*::\n");
	take_host(&t, "/");
	assert_string_equal(find_mask(&t, "/etc/shadow")->text, "root:*:::::::\nme:*:::::::\n");
	assert_string_equal(find_mask(&t, "/etc/gshadow")->text, "root:*::\nadm:*::\n");
}

static void test_no_host(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_tree struct hull_tree t;

	hull_tree_init(&t);
	assert_int_equal(hull_tree_host(&t, "/nonexistent", "/", &err), -1);
	assert_non_null(strstr(hull_error_message(err), "/nonexistent"));
}

static void test_targets(void **state)
{
	static const char *const bad[] = {"",	   "/",	 "a",	"a/b",	 "/a/",	   "//a",
					  "/a//b", "/.", "/..", "/a/..", "/a/./b", "/../a"};
	static const char *const good[] = {"/a", "/a/b", "/.a", "/..a", "/a/b..c", "/..."};
	cleanup_tree struct hull_tree t;
	char longest[300] = "/";

	hull_tree_init(&t);
	memset(longest + 1, 'n', 256);
	assert_int_equal(hull_tree_dir(&t, longest, 0755, NULL), -1);
	longest[256] = '\0';
	assert_int_equal(hull_tree_dir(&t, longest, 0755, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(hull_tree_bind(&t, "/x", good[i], 0, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_error struct hull_error *err = NULL;

		assert_int_equal(hull_tree_bind(&t, "/x", bad[i], 0, &err), -1);
		assert_int_equal(hull_error_code(err), HULL_E_INVALID);
		assert_int_equal(hull_tree_mask(&t, bad[i], NULL, NULL), -1);
	}
	assert_int_equal(hull_tree_bind(&t, "relative", "/a", 0, NULL), -1);
	assert_int_equal(t.entries.n, 1 + ARRAY_SIZE(good));
	assert_int_equal(t.masks.n, 0);
}

static void test_limits(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_tree struct hull_tree t;
	int n = 0;

	hull_tree_init(&t);
	while (n < 10000 && hull_tree_dir(&t, "/a", 0755, &err) == 0)
		n++;
	assert_int_equal(n, 512);
	assert_int_equal(hull_error_code(err), HULL_E_EXHAUSTED);
	for (n = 0; n < 10000 && hull_tree_mask(&t, "/a", NULL, NULL) == 0;)
		n++;
	assert_int_equal(n, 1024);
}

#define HEAD "{\"tree\":"
#define TAIL ",\"daemon\":\"/usr/lib/qemu/virtiofsd\""

static void test_round_trip(void **state)
{
	static const char text[] =
		HEAD "{\"entries\":[{\"target\":\"/a\",\"source\":\"/x\",\"writable\":true,"
		     "\"recursive\":true},{\"target\":\"/f\",\"source\":\"/y\",\"file\":true},"
		     "{\"kind\":\"dir\",\"target\":\"/d\",\"mode\":1023},"
		     "{\"kind\":\"link\",\"target\":\"/l\",\"source\":\"d/e\"}],"
		     "\"masks\":[{\"target\":\"/a/b\"},{\"target\":\"/c\",\"text\":\"t\\n\"}]}"
		     ",\"top\":\"/a\"" TAIL
		     ",\"uid\":64001,\"gid\":64002,\"cache\":\"none\",\"xattr\":true}";
	cleanup_share_spec struct hull_share_spec s;
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *again = NULL;

	if (hull_share_spec_from_json(text, strlen(text), &s, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(s.tree.entries.n, 4);
	assert_int_equal(s.tree.masks.n, 2);
	assert_int_equal(hull_share_spec_to_json(&s, &again, NULL), 0);
	assert_string_equal(again, text);
}

/* What adding to a tree yields is what its JSON yields. */
static void test_built_round_trip(void **state)
{
	cleanup_share_spec struct hull_share_spec s, t;
	cleanup_free char *one = NULL, *two = NULL;

	hull_share_spec_init(&s);
	s.daemon = strdup("/d");
	assert_int_equal(hull_tree_bind(&s.tree, "/x", "/a",
					HULL_TREE_WRITABLE | HULL_TREE_RECURSIVE | HULL_TREE_FILE,
					NULL),
			 0);
	assert_int_equal(hull_tree_dir(&s.tree, "/d", 0700, NULL), 0);
	assert_int_equal(hull_tree_link(&s.tree, "x/y", "/l", NULL), 0);
	assert_int_equal(hull_tree_mask(&s.tree, "/m", "", NULL), 0);
	assert_int_equal(hull_tree_mask(&s.tree, "/n", "text", NULL), 0);
	assert_int_equal(hull_share_spec_to_json(&s, &one, NULL), 0);
	assert_int_equal(hull_share_spec_from_json(one, strlen(one), &t, NULL), 0);
	assert_int_equal(hull_share_spec_to_json(&t, &two, NULL), 0);
	assert_string_equal(one, two);
	assert_null(t.tree.masks.v[0].text);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *tree, *rest, *message;
	} cases[] = {
		{"{\"entries\":[{\"target\":\"/a\",\"source\":\"/x\",\"readonly\":true}]}", TAIL,
		 "tree.entries[0].readonly"},
		{"{\"entries\":[{\"source\":\"/x\"}]}", TAIL, "target"},
		{"{\"entries\":[{\"target\":\"/a\"}]}", TAIL, "no absolute path"},
		{"{\"entries\":[{\"target\":\"/a\",\"source\":\"x\"}]}", TAIL, "'x'"},
		{"{\"entries\":[{\"target\":\"/a/../b\",\"source\":\"/x\"}]}", TAIL, "'/a/../b'"},
		{"{\"entries\":[{\"kind\":\"link\",\"target\":\"/a\"}]}", TAIL, "nowhere"},
		{"{\"entries\":[{\"kind\":\"dir\",\"target\":\"/a\",\"source\":\"/x\"}]}", TAIL,
		 "takes no source"},
		{"{\"entries\":[{\"kind\":\"dir\",\"target\":\"/a\",\"writable\":true}]}", TAIL,
		 "binds only"},
		{"{\"entries\":[{\"kind\":\"dir\",\"target\":\"/a\",\"mode\":65535}]}", TAIL,
		 "mode"},
		{"{\"masks\":[{\"target\":\"etc\"}]}", TAIL, "'etc'"},
		{"{}", "", "daemon"},
		{"{}", ",\"daemon\":\"virtiofsd\"", "'virtiofsd' is no absolute path"},
		{"{}", TAIL ",\"uid\":4294967295", "uid"},
		{"{}", TAIL ",\"cache\":\"allways\"", "always"},
		{"{}", TAIL ",\"port\":1", "port"},
		{"{\"entries\":[{\"target\":\"/a\",\"source\":\"/x\"}]}", TAIL ",\"top\":\"/\"",
		 "nothing is at '/'"},
		{"{}", TAIL ",\"top\":\"/a\"", "nothing is at '/a'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_share_spec struct hull_share_spec s;
		cleanup_error struct hull_error *err = NULL;
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

		hull_strbuf_addf(&b, HEAD "%s%s}", cases[i].tree, cases[i].rest);
		assert_int_equal(hull_share_spec_from_json(b.data, b.len, &s, &err), -1);
		if (!strstr(hull_error_message(err), cases[i].message))
			fail_msg("case %zu: '%s' does not tell '%s'", i, hull_error_message(err),
				 cases[i].message);
	}
}

static void test_command_line(void **state)
{
	static const char *const want[] = {
		"/v",
		"--fd=3",
		"--rlimit-nofile=0",
		"-o",
		"source=/tree",
		"-o",
		("sandbox=chroot,log_level=err,cache=auto,xattr,"
		 "modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap"),
	};
	cleanup_share_spec struct hull_share_spec s;
	cleanup_strv struct hull_strv argv = {0};

	hull_share_spec_init(&s);
	assert_int_equal(s.cache, HULL_SHARE_CACHE_ALWAYS);
	s.daemon = strdup("/v");
	s.cache = HULL_SHARE_CACHE_AUTO;
	s.xattr = true;
	assert_int_equal(hull_share_argv(&s, 3, "/tree", &argv, NULL), 0);
	assert_int_equal(argv.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < argv.n; i++)
		assert_string_equal(argv.v[i], want[i]);
	s.xattr = false;
	assert_int_equal(hull_share_argv(&s, 3, "/tree", &argv, NULL), 0);
	assert_null(strstr(argv.v[6], "xattr"));
	s.top = strdup("/device");
	assert_int_equal(hull_share_argv(&s, 3, "/tree", &argv, NULL), 0);
	assert_string_equal(argv.v[4], "source=/tree/device");
}

#define ON_HOST(f) cmocka_unit_test_setup_teardown(f, new_host, remove_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(test_system_directories),  ON_HOST(test_at_the_root),
		ON_HOST(test_masks_what_exists),   ON_HOST(test_masks_behind_links),
		ON_HOST(test_masks_once),	   ON_HOST(test_accounts),
		cmocka_unit_test(test_real_host),  cmocka_unit_test(test_no_host),
		cmocka_unit_test(test_targets),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_built_round_trip),
		cmocka_unit_test(test_refusals),   cmocka_unit_test(test_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
