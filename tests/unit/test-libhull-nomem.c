/* SPDX-License-Identifier: Apache-2.0
 *
 * The library's descriptions when each allocation of ours fails in turn: an error that says so, the
 * description as it was, and no leak.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "nomem.h"
#include "vfkit-forms.h"

#include <hull/hull.h>
#include <string.h>

static struct hull_vm_config *made;

static int make(struct hull_error **err)
{
	struct hull_linux_options linux_boot = {
		.size = sizeof(linux_boot), .kernel = "/k", .initrd = "/i", .cmdline = "a b"};
	struct hull_bootloader_options boot = {.size = sizeof(boot), .linux_boot = &linux_boot};

	return hull_vm_config_new(1, 512, &boot, &made, err);
}

static int add_structs(struct hull_error **err)
{
	struct hull_net_options net = {
		.size = sizeof(net), .path = "/n", .mode = "stream", .mac = MAC};

	return hull_vm_config_add_net(made, &net, err);
}

static int add_texts(struct hull_error **err)
{
	return hull_vm_config_add_texts(made, vfkit_forms, ARRAY_SIZE(vfkit_forms), 0, err);
}

static int set(struct hull_error **err)
{
	return hull_vm_config_set_net_path(made, 0, "/m", err);
}

static int set_mac(struct hull_error **err)
{
	return hull_vm_config_set_net_mac(made, 0, "02-00-00-00-00-01", err);
}

static int get(struct hull_error **err)
{
	struct hull_net_options net;
	void *strings;

	if (hull_vm_config_get_net(made, 0, &net, sizeof(net), &strings, err) < 0)
		return -1;
	hull_free(strings);
	return 0;
}

static int write_all(uint32_t dialect, struct hull_error **err)
{
	struct hull_vm_config *read;
	char *text, **list;
	int r;

	if (hull_vm_config_losses(made, dialect, HULL_FORM_JSON, &list, err) < 0)
		return -1;
	hull_free(list);
	if (hull_vm_config_to_json(made, dialect, &text, err) < 0)
		return -1;
	r = hull_vm_config_from_json(text, strlen(text), dialect, &read, err);
	hull_free(text);
	if (r < 0)
		return -1;
	/* What is read from hull's own has both sides in it. */
	r = hull_vm_config_to_json(read, HULL_DIALECT_VFKIT, &text, err);
	hull_vm_config_free(read);
	if (r == 0)
		hull_free(text);
	return r;
}

static int write_vfkit(struct hull_error **err)
{
	return write_all(HULL_DIALECT_VFKIT, err);
}

static int write_own(struct hull_error **err)
{
	return write_all(HULL_DIALECT_HULL, err);
}

static int args(struct hull_error **err)
{
	static const char *const words[] = {"--cpus=2",	  "-m",		 "1G",
					    "--firmware", "efi,store=s", "--net",
					    "user",	  "--device",	 "virtio-rng"};
	struct hull_vm_config *read;
	char **list;
	int r;

	if (hull_vm_config_from_args(words, ARRAY_SIZE(words), HULL_DIALECT_HULL, 0, &read, err) <
	    0)
		return -1;
	r = hull_vm_config_to_args(read, HULL_DIALECT_HULL, &list, err);
	hull_vm_config_free(read);
	if (r == 0)
		hull_free(list);
	return r;
}

static int spawn(struct hull_error **err)
{
	const struct hull_cmd_fd fds[] = {{0, 10}};
	struct hull_cmd_options o = {.size = sizeof(o), .program = "true", .fds = fds, .n_fds = 1};
	struct hull_process *process;
	int status;

	if (hull_vm_config_spawn(made, HULL_DIALECT_HULL, &o, &process, err) < 0)
		return -1;
	assert_int_equal(hull_process_wait(process, 60000, &status, NULL), 0);
	hull_process_free(process);
	return 0;
}

/* How many devices there are after a success; before it there are as many as after the one above.
 */
static const struct {
	int (*fn)(struct hull_error **err);
	size_t devices;
} steps[] = {
	{make, 0},
	{add_structs, 1},
	{set, 1},
	{set_mac, 1},
	{get, 1},
	{args, 1},
	{write_vfkit, 1},
	{write_own, 1},
	{add_texts, 1 + ARRAY_SIZE(vfkit_forms)},
	{write_vfkit, 1 + ARRAY_SIZE(vfkit_forms)},
};

static void run(int (*fn)(struct hull_error **err), size_t before)
{
	int r = -1, at;

	for (at = 0; r < 0; at++) {
		cleanup_error struct hull_error *err = NULL;

		allocations = 0;
		fail_at = at;
		r = fn(&err);
		fail_at = -1;
		assert_int_equal(hull_error_code(err), r < 0 ? HULL_E_NOMEM : 0);
		if (r < 0 && made)
			assert_int_equal(hull_vm_config_device_count(made), before);
	}
	assert_true(at > 1);
}

static void test_every_allocation(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		run(steps[i].fn, i ? steps[i - 1].devices : 0);
		assert_int_equal(hull_vm_config_device_count(made), steps[i].devices);
	}
	while (hull_vm_config_device_count(made))
		assert_int_equal(hull_vm_config_remove(made, 0, NULL), 0);
	run(spawn, 0);
	hull_vm_config_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
