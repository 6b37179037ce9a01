/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's UEFI: the store of its variables is made once, kept, and looked over.
 */
#include "unit.h"

#include "backend/qemu/firmware.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "tempdir.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 4096

static char *at(const char *name)
{
	char *path = hull_path_join(dir, name);

	assert_non_null(path);
	return path;
}

/* A volume, but for what is in it. */
static void write_volume(const char *name, size_t size, char fill)
{
	cleanup_free char *path = at(name), *data = malloc(size);

	memset(data, fill, size);
	memcpy(data + 40, "_FVH", 4);
	assert_int_equal(hull_file_write(path, data, size, 0600, false), 0);
}

static void make_config(struct hull_config *c, const char *store, bool create)
{
	hull_config_init(c);
	c->firmware.kind = HULL_FIRMWARE_EFI;
	c->firmware.code = at("code");
	c->firmware.template = at("template");
	c->firmware.store = store ? at(store) : NULL;
	c->firmware.create = create;
}

static void assert_refused(const char *store, bool create, const char *text)
{
	cleanup_config struct hull_config c;
	cleanup_error struct hull_error *err = NULL;
	int code = -1, fd = -1;

	make_config(&c, store, create);
	assert_int_equal(hull_qemu_firmware_open(&c, &code, &fd, &err), -1);
	assert_true(code == -1 && fd == -1);
	if (!strstr(hull_error_message(err), text))
		fail_msg("'%s' lacks '%s'", hull_error_message(err), text);
}

/* Its first byte. */
static char open_store(const char *store, bool create, off_t *ret_size)
{
	cleanup_config struct hull_config c;
	cleanup_error struct hull_error *err = NULL;
	cleanup_close int code = -1, fd = -1;
	struct stat st;
	char first;

	make_config(&c, store, create);
	if (hull_qemu_firmware_open(&c, &code, &fd, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(pread(code, &first, 1, 0), 1);
	assert_int_equal(first, 'c');
	assert_int_equal(pread(fd, &first, 1, 0), 1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pwrite(fd, &first, 1, 0), 1);
	*ret_size = st.st_size;
	return first;
}

static void test_store(void **state)
{
	cleanup_free char *path = at("store");
	struct stat st;
	off_t size;

	write_volume("code", SIZE, 'c');
	write_volume("template", SIZE, 't');
	assert_refused("store", false, "there is no");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(open_store("store", true, &size), 't');
	assert_int_equal(size, SIZE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* What the guest has written there is kept, whatever is asked for. */
	write_volume("store", SIZE, 'g');
	assert_int_equal(open_store("store", true, &size), 'g');
	assert_int_equal(open_store("store", false, &size), 'g');
	/* And nothing lies about. */
	assert_int_equal(open_store(NULL, false, &size), 't');
	assert_int_equal(size, SIZE);
}

static void test_foreign_stores(void **state)
{
	cleanup_free char *text = at("text"), *template = at("template");
	cleanup_free char *zeros = calloc(1, SIZE);
	off_t size;

	write_volume("template", SIZE, 't');
	write_volume("large", SIZE * 2, 'l');
	assert_refused("large", true,
		       "has 8192 bytes, and the variables of this firmware have 4096");
	assert_int_equal(hull_file_write(text, zeros, SIZE, 0600, false), 0);
	assert_refused("text", true, "does not hold variables of a UEFI");
	/* Some firmware's template is empty. */
	assert_int_equal(hull_file_write(template, zeros, SIZE, 0600, false), 0);
	assert_int_equal(open_store("text", true, &size), 0);
	assert_int_equal(truncate(text, 0), 0);
	assert_refused("text", true, "is empty");
	assert_refused("", true, "irectory");
	assert_refused("hole/store", true, "make '");
}

static void test_images(void **state)
{
	cleanup_config struct hull_config c;
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *code = NULL, *template = NULL;
	int fds[2];

	make_config(&c, NULL, false);
	assert_int_equal(unlink(c.firmware.code), 0);
	assert_int_equal(hull_qemu_firmware_find(&c, &code, &template, NULL), 0);
	assert_string_equal(code, c.firmware.code);
	assert_string_equal(template, c.firmware.template);
	assert_int_equal(hull_qemu_firmware_open(&c, &fds[0], &fds[1], &err), -1);
	assert_non_null(strstr(hull_error_message(err), "firmware.code: open '"));
	assert_int_equal(hull_error_code(err), HULL_E_NOT_FOUND);
}

/* Where a file system can't rename without replacing, what has come in the store's place meanwhile
 * stays as well.  A link that leads nowhere is such a thing: there is no store, and yet something.
 * From now on no file system of this process can. */
static void test_never_replaced(void **state)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	cleanup_free char *link = at("link"), *other = at("other");
	struct stat st;
	off_t size;

	write_volume("code", SIZE, 'c');
	write_volume("template", SIZE, 't');
	assert_int_equal(symlink("nowhere", link), 0);
	assert_refused("link", true, "open '");
	assert_int_equal(seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(renameat2), 0), 0);
	assert_int_equal(seccomp_load(f), 0);
	seccomp_release(f);
	assert_refused("link", true, "open '");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(open_store("other", true, &size), 't');
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_nlink, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_foreign_stores),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_never_replaced),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
