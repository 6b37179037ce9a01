/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing KVM or not from what a host shows, finding programs, and the time stamp counter.
 */
#include "unit.h"

#include "backend/qemu/explain.h"
#include "backend/qemu/probe.h"
#include "backend/qemu/version.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/os.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NOBODY 65534
#define WORKS .api_version = 12, .vmx = true

static const struct hull_accel_user self = {0}, nobody = {true, NOBODY, NOBODY};

static void test_auto(void **state)
{
	static const struct {
		struct hull_kvm_facts facts;
		const struct hull_accel_user *user;
		enum hull_accel accel;
		bool set_gid;
		const char *reason;
	} cases[] = {
		{{WORKS, .mode = 0600},
		 &self,
		 HULL_ACCEL_KVM,
		 false,
		 "kvm, because /dev/kvm works"},
		{{WORKS, .mode = 0666},
		 &nobody,
		 HULL_ACCEL_KVM,
		 false,
		 "kvm, because /dev/kvm works"},
		{{WORKS, .mode = 0660, .gid = 106},
		 &nobody,
		 HULL_ACCEL_KVM,
		 true,
		 "kvm, because /dev/kvm works"},
		{{WORKS, .mode = 0660, .gid = NOBODY},
		 &nobody,
		 HULL_ACCEL_KVM,
		 false,
		 "kvm, because /dev/kvm works"},
		{{WORKS, .mode = 0600, .uid = NOBODY},
		 &nobody,
		 HULL_ACCEL_KVM,
		 false,
		 "kvm, because /dev/kvm works"},
		{{WORKS, .mode = 0066, .uid = NOBODY},
		 &nobody,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because /dev/kvm is closed to unprivileged users"},
		{{WORKS, .mode = 0660, .gid = 0},
		 &nobody,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because /dev/kvm is closed to unprivileged users"},
		{{WORKS, .mode = 0640, .gid = 106},
		 &nobody,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because /dev/kvm is closed to unprivileged users"},
		{{WORKS, .open_errnum = ENOENT},
		 &self,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because there is no /dev/kvm"},
		{{WORKS, .open_errnum = EACCES},
		 &self,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because no permission to open /dev/kvm"},
		{{WORKS, .open_errnum = EIO},
		 &self,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because /dev/kvm does not open"},
		{{.api_version = 12, .svm = true},
		 &self,
		 HULL_ACCEL_KVM,
		 false,
		 "kvm, because /dev/kvm works"},
		{{.api_version = 12},
		 &self,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because the processor shows neither vmx nor svm"},
		{{.api_version = 13, .vmx = true},
		 &self,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because /dev/kvm does not speak version 12 of its interface"},
		{{WORKS, .foreign = true},
		 &self,
		 HULL_ACCEL_TCG,
		 false,
		 "tcg, because the guest is of another architecture than the host"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_accel_choice c;

		assert_int_equal(hull_accel_choose(HULL_ACCEL_AUTO, &cases[i].facts, cases[i].user,
						   &c, NULL),
				 0);
		assert_string_equal(c.reason, cases[i].reason);
		assert_int_equal(c.accel, cases[i].accel);
		assert_int_equal(c.set_gid, cases[i].set_gid);
		if (c.set_gid)
			assert_int_equal(c.gid, cases[i].facts.gid);
	}
}

static void test_asked_for(void **state)
{
	static const struct hull_kvm_facts works = {WORKS, .mode = 0660, .gid = 106},
					   none = {.open_errnum = ENOENT},
					   closed = {WORKS, .mode = 0600};
	cleanup_error struct hull_error *err = NULL, *denied = NULL;
	struct hull_accel_choice c;

	assert_int_equal(hull_accel_choose(HULL_ACCEL_TCG, &works, &nobody, &c, NULL), 0);
	assert_int_equal(c.accel, HULL_ACCEL_TCG);
	assert_false(c.set_gid);
	assert_string_equal(c.reason, "tcg, as asked for");
	assert_int_equal(hull_accel_choose(HULL_ACCEL_KVM, &works, &nobody, &c, NULL), 0);
	assert_int_equal(c.accel, HULL_ACCEL_KVM);
	assert_true(c.set_gid);

	assert_int_equal(hull_accel_choose(HULL_ACCEL_KVM, &none, &self, &c, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_UNAVAILABLE);
	assert_string_equal(hull_error_message(err), "accelerator 'kvm': there is no /dev/kvm");
	assert_int_equal(hull_accel_choose(HULL_ACCEL_KVM, &closed, &nobody, &c, &denied), -1);
	assert_int_equal(hull_error_code(denied), HULL_E_DENIED);
}

static void test_gather_does_not_fail(void **state)
{
	struct hull_kvm_facts f;
	struct hull_accel_choice c;

	hull_kvm_gather(&f);
	assert_int_equal(hull_accel_choose(HULL_ACCEL_AUTO, &f, &self, &c, NULL), 0);
	assert_int_not_equal(c.accel, HULL_ACCEL_AUTO);
}

static void test_find_program(void **state)
{
	static const char *const shell[] = {"no-such-program", "sh", NULL},
				 *const none[] = {"no-such-program", "/nonexistent/x", NULL},
				 *const path[] = {"no-such-program", "/bin/sh", NULL};
	char dir[] = "/tmp/hull-test-XXXXXX", file[64], env[80];
	cleanup_error struct hull_error *err = NULL, *gone = NULL;
	cleanup_free char *old = strdup(getenv("PATH") ? getenv("PATH") : "");
	char *found = NULL;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	snprintf(file, sizeof(file), "%s/sh", dir);
	snprintf(env, sizeof(env), ".::%s:/usr/bin:/bin", dir);
	setenv("PATH", env, 1);
	/* A directory of that name and a file that cannot be run do not count. */
	assert_int_equal(mkdir(file, 0755), 0);
	assert_int_equal(hull_find_program(NULL, shell, &found, NULL), 0);
	assert_string_not_equal(found, file);
	free(steal_ptr(&found));
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(hull_file_write(file, "", 0, 0644, false), 0);
	assert_int_equal(hull_find_program(NULL, shell, &found, NULL), 0);
	assert_string_not_equal(found, file);
	free(steal_ptr(&found));
	assert_int_equal(chmod(file, 0755), 0);
	assert_int_equal(hull_find_program(NULL, shell, &found, NULL), 0);
	assert_string_equal(found, file);
	free(steal_ptr(&found));

	assert_int_equal(hull_find_program(NULL, none, &found, &err), -1);
	assert_string_equal(hull_error_message(err), "program 'no-such-program' not found");
	assert_int_equal(hull_find_program(NULL, path, &found, NULL), 0);
	assert_string_equal(found, "/bin/sh");
	free(steal_ptr(&found));
	assert_int_equal(hull_find_program("/bin/sh", none, &found, NULL), 0);
	assert_string_equal(found, "/bin/sh");
	free(steal_ptr(&found));
	assert_int_equal(hull_find_program(dir, shell, &found, &gone), -1);
	assert_int_equal(hull_error_code(gone), HULL_E_NOT_FOUND);
	setenv("PATH", old, 1);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(hull_path_remove_tree(dir), 0);
}

/* Two measurements agree within 100 ppm, and the first waits out its time. */
static void test_tsc(void **state)
{
	struct hull_tsc t;
	uint64_t first, second, start = hull_now_ns();

	hull_tsc_start(&t);
	first = hull_tsc_finish(&t);
	if (!first)
		skip();
	if (!t.khz)
		assert_true(hull_now_ns() - start >= 2 * HULL_NS_PER_MS);
	hull_tsc_start(&t);
	second = hull_tsc_finish(&t);
	assert_in_range(second, first - first / 10000, first + first / 10000);
}

static void assert_version(const char *text, int result, const char *want)
{
	struct hull_qemu_version v = {0};
	char got[64];

	assert_int_equal(hull_qemu_version_parse(text, &v), result);
	snprintf(got, sizeof(got), "%u.%u.%u", v.major, v.minor, v.micro);
	assert_string_equal(got, want);
}

static void test_version(void **state)
{
	assert_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright\n",
		       0, "7.2.22");
	assert_version("QEMU emulator version 10.0.0", 0, "10.0.0");
	assert_version("QEMU emulator version 9.1.50 (v9.1.0-1-gabc)", 0, "9.1.50");
	assert_version("QEMU emulator version 7.2", -EINVAL, "0.0.0");
	assert_version("QEMU emulator version 7..2", -EINVAL, "0.0.0");
	assert_version("QEMU emulator version 100000.1.1", -EINVAL, "0.0.0");
	assert_version("QEMU emulator version -7.2.1", -EINVAL, "0.0.0");
	assert_version("qemu-img version 7.2.22", -EINVAL, "0.0.0");
	assert_version("", -EINVAL, "0.0.0");
}

static void test_parallel(void **state)
{
	static const struct {
		struct hull_qemu_version v;
		bool enough, parallel;
	} cases[] = {
		{{6, 9, 0}, false, false}, {{7, 1, 9}, false, false}, {{7, 2, 0}, true, false},
		{{8, 0, 5}, true, false},  {{8, 1, 0}, true, true},   {{9, 0, 0}, true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_error struct hull_error *err = NULL;
		int r = hull_qemu_version_check(&cases[i].v, "/q", &err);

		assert_int_equal(r, cases[i].enough ? 0 : -1);
		assert_int_equal(hull_qemu_version_parallel(&cases[i].v), cases[i].parallel);
	}
}

/* ---- disks without room ---- */

static void check_disk(const char *event, const char *message)
{
	static const char text[] =
		"{\"version\":1,\"disks\":[{\"path\":\"/a/disk\"},{\"scratch\":\"1M\"}]}";
	cleanup_error struct hull_error *err = NULL;
	cleanup_config struct hull_config config;
	cleanup_json struct hull_json *data = NULL;

	assert_int_equal(hull_config_from_json(text, strlen(text), &config, NULL), 0);
	assert_int_equal(hull_json_parse(event, strlen(event), &data, NULL), 0);
	assert_int_equal(hull_qemu_fail_disk(&config, data, &err), message ? -1 : 0);
	if (message)
		assert_non_null(strstr(hull_error_message(err), message));
}

static void test_disk_errors(void **state)
{
	check_disk("{\"action\":\"stop\",\"node-name\":\"disk0\"}", "disk '/a/disk' can't");
	check_disk("{\"action\":\"stop\",\"node-name\":\"disk1\"}", "the throwaway disk can't");
	check_disk("{\"action\":\"stop\",\"node-name\":\"disk7\"}", "can't take");
	check_disk("{\"action\":\"stop\",\"node-name\":\"dev7\"}", "can't take");
	check_disk("{\"action\":\"stop\"}", "can't take");
	check_disk("{\"action\":\"report\",\"node-name\":\"disk0\"}", NULL);
	check_disk("{}", NULL);
	check_disk("{\"action\":1,\"node-name\":[]}", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_asked_for),
		cmocka_unit_test(test_gather_does_not_fail),
		cmocka_unit_test(test_find_program),
		cmocka_unit_test(test_tsc),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_disk_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
