/* SPDX-License-Identifier: Apache-2.0
 *
 * The library's descriptions: what users do with them, and that the option structs say all that the
 * field tables do.
 */
#define _GNU_SOURCE
#include "libhull.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "lib/options.h"

#include <pthread.h>

/* ---- the structs and the tables ---- */

static bool is_member_of(const struct hull_field *f, const struct hull_lib_member *m)
{
	switch (m->type) {
	case HULL_LIB_TEXT:
		return f->type == HULL_FIELD_TYPE_STRING;
	case HULL_LIB_U64:
		return f->type == HULL_FIELD_TYPE_U64 || f->type == HULL_FIELD_TYPE_SIZE;
	case HULL_LIB_I64:
		return f->type == HULL_FIELD_TYPE_I64;
	case HULL_LIB_FLAG:
		return f->type == HULL_FIELD_TYPE_BOOL && !f->initial;
	case HULL_LIB_NOT:
		return f->type == HULL_FIELD_TYPE_BOOL;
	case HULL_LIB_SPECIAL:
		break;
	}
	return false;
}

static void check_shadow(const struct hull_class *class, const struct hull_lib_shadow *s)
{
	for (size_t i = 0; i < class->fields.n; i++) {
		const struct hull_field *f = &class->fields.v[i];
		bool found = !f->name;

		for (size_t k = 0; k < s->n && !found; k++)
			found = s->v[k].name && !strcmp(s->v[k].name, f->name) &&
				is_member_of(f, &s->v[k]);
		if (!found)
			fail_msg("%s: the options in hull/config.h and lib/options.c lack '%s'",
				 class->name, f->name);
	}
	for (size_t k = 0; k < s->n; k++) {
		bool found = s->v[k].type == HULL_LIB_SPECIAL;

		for (size_t i = 0; i < class->fields.n && !found; i++)
			found = class->fields.v[i].name &&
				!strcmp(s->v[k].name, class->fields.v[i].name);
		if (!found)
			fail_msg("%s: no row is called '%s'", class->name, s->v[k].name);
	}
}

static void test_shadows(void **state)
{
	for (int i = 0; i < HULL_DEVICE_COUNT; i++)
		check_shadow(&hull_device_classes[i], &hull_lib_devices[i]);
	for (int i = HULL_BOOT_EFI; i <= HULL_BOOT_MACOS; i++)
		check_shadow(&hull_boot_classes[i], &hull_lib_boots[i]);
}

/* ---- making and writing ---- */

static void add_all(struct hull_vm_config *c)
{
	int r = 0;

	r |= hull_vm_config_add_blk(
		c, OPTIONS(blk, .path = "/x", .type = "dev", .id = "a", .readonly = 1), NULL);
	r |= hull_vm_config_add_nvme(c, OPTIONS(nvme, .path = "/x"), NULL);
	r |= hull_vm_config_add_usb(c, OPTIONS(usb, .path = "/x", .readonly = 1), NULL);
	r |= hull_vm_config_add_nbd(c, OPTIONS(nbd, .uri = "nbd://h", .id = "n"), NULL);
	r |= hull_vm_config_add_fs(c, OPTIONS(fs, .dir = "/s", .tag = "t"), NULL);
	r |= hull_vm_config_add_rosetta(c, OPTIONS(rosetta, .tag = "t", .install = 1), NULL);
	r |= hull_vm_config_add_net(c, OPTIONS(net, .mac = "5A-94-EF-00-00-01"), NULL);
	r |= hull_vm_config_add_net(c, OPTIONS(net, .path = "/n"), NULL);
	r |= hull_vm_config_add_net(c, OPTIONS(net, .path = "/n", .no_magic = 1), NULL);
	r |= hull_vm_config_add_net(c, OPTIONS(net, .socket = 1, .fd = 0), NULL);
	r |= hull_vm_config_add_vsock(c, OPTIONS(vsock, .port = 7, .path = "/v"), NULL);
	r |= hull_vm_config_add_vsock(c, OPTIONS(vsock, .port = 8, .path = "/v", .connect = 1),
				      NULL);
	r |= hull_vm_config_add_serial(c, OPTIONS(serial, .pty = 1), NULL);
	r |= hull_vm_config_add_rng(c, NULL, NULL);
	r |= hull_vm_config_add_balloon(c, OPTIONS(balloon), NULL);
	r |= hull_vm_config_add_gpu(c, NULL, NULL);
	r |= hull_vm_config_add_input(c, OPTIONS(input, .type = "keyboard"), NULL);
	assert_int_equal(r, 0);
}

static void test_args(void **state)
{
	struct hull_vm_config *c = make();

	add_all(c);
	expect_args(c, HULL_DIALECT_VFKIT,
		    "--cpus 2 --memory 1024 --bootloader efi,variable-store=nv "
		    "--device virtio-blk,path=/x,type=dev,readonly,deviceId=a "
		    "--device nvme,path=/x --device usb-mass-storage,path=/x,readonly "
		    "--device nbd,uri=nbd://h,deviceId=n,timeout=15000,sync=full "
		    "--device virtio-fs,sharedDir=/s,mountTag=t "
		    "--device rosetta,mountTag=t,install --device virtio-net,nat,mac=" MAC
		    " --device virtio-net,unixSocketPath=/n "
		    "--device virtio-net,type=unixgram,path=/n,vfkitMagic=off "
		    "--device virtio-net,fd=0 "
		    "--device virtio-vsock,port=7,socketURL=/v,listen "
		    "--device virtio-vsock,port=8,socketURL=/v,connect "
		    "--device virtio-serial,pty --device virtio-rng --device virtio-balloon "
		    "--device virtio-gpu,width=800,height=600 --device virtio-input,keyboard");
	hull_vm_config_free(c);
}

/* What comes out by the getters goes in again, and says the same. */
#define COPY(name)                                                                               \
	{                                                                                        \
		struct hull_##name##_options o;                                                  \
		assert_int_equal(hull_vm_config_get_##name(c, i, &o, sizeof(o), &strings, NULL), \
				 0);                                                             \
		assert_int_equal(o.size, sizeof(o));                                             \
		assert_int_equal(hull_vm_config_add_##name(copy, &o, NULL), 0);                  \
		hull_free(strings);                                                              \
		break;                                                                           \
	}

static void copy_device(struct hull_vm_config *c, size_t i, struct hull_vm_config *copy)
{
	void *strings;

	switch (hull_vm_config_device_kind(c, i)) {
	case HULL_KIND_BLK:
		COPY(blk)
	case HULL_KIND_NVME:
		COPY(nvme)
	case HULL_KIND_USB:
		COPY(usb)
	case HULL_KIND_NBD:
		COPY(nbd)
	case HULL_KIND_FS:
		COPY(fs)
	case HULL_KIND_ROSETTA:
		COPY(rosetta)
	case HULL_KIND_NET:
		COPY(net)
	case HULL_KIND_VSOCK:
		COPY(vsock)
	case HULL_KIND_SERIAL:
		COPY(serial)
	case HULL_KIND_RNG:
		assert_int_equal(hull_vm_config_add_rng(copy, NULL, NULL), 0);
		break;
	case HULL_KIND_BALLOON:
		assert_int_equal(hull_vm_config_add_balloon(copy, NULL, NULL), 0);
		break;
	case HULL_KIND_GPU:
		COPY(gpu)
	case HULL_KIND_INPUT:
		COPY(input)
	default:
		fail_msg("no kind");
	}
}

static void test_get(void **state)
{
	struct hull_vm_config *c = make(), *copy = make();
	char **a, **b;

	add_all(c);
	for (size_t i = 0; i < hull_vm_config_device_count(c); i++)
		copy_device(c, i, copy);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_VFKIT, &a, NULL), 0);
	assert_int_equal(hull_vm_config_to_args(copy, HULL_DIALECT_VFKIT, &b, NULL), 0);
	for (size_t i = 0; a[i] || b[i]; i++)
		assert_string_equal(a[i], b[i]);
	hull_free(a);
	hull_free(b);
	hull_vm_config_free(c);
	hull_vm_config_free(copy);
}

static void test_bootloader(void **state)
{
	struct hull_linux_options linux_boot;
	struct hull_bootloader_options boot = {.size = sizeof(boot)};
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;
	struct hull_efi_options efi;
	void *strings;

	assert_int_equal(hull_vm_config_bootloader_kind(c), HULL_BOOTLOADER_EFI);
	assert_int_equal(hull_vm_config_get_efi(c, &efi, sizeof(efi), &strings, NULL), 0);
	assert_string_equal(efi.variable_store, "nv");
	hull_free(strings);
	assert_int_equal(hull_vm_config_set_bootloader_text(
				 c, "linux,kernel=/k,initrd=/i,cmdline=\"a,b c\"", NULL),
			 0);
	assert_int_equal(hull_vm_config_get_efi(c, &efi, sizeof(efi), &strings, &err), -1);
	expect_error(&err, HULL_E_INVALID, "linux, not efi");
	assert_int_equal(
		hull_vm_config_get_linux(c, &linux_boot, sizeof(linux_boot), &strings, NULL), 0);
	assert_string_equal(linux_boot.cmdline, "a,b c");
	hull_free(strings);
	assert_int_equal(hull_vm_config_set_bootloader(c, &boot, &err), -1);
	expect_error(&err, HULL_E_INVALID, "exactly one");
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "lilo", &err), -1);
	expect_error(&err, HULL_E_INVALID, "unknown bootloader 'lilo'");
	expect_args(c, HULL_DIALECT_VFKIT,
		    "--cpus 2 --memory 1024 --kernel /k --initrd /i --kernel-cmdline a,b c");
	assert_int_equal(hull_vm_config_set_bootloader(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_bootloader_kind(c), HULL_BOOTLOADER_NONE);
	hull_vm_config_free(c);
}

static void test_rest_of_it(void **state)
{
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;
	char *path;

	hull_vm_config_set_vcpus(c, 3);
	assert_int_equal(hull_vm_config_get_vcpus(c), 3);
	assert_int_equal(hull_vm_config_set_memory_mib(c, UINT64_MAX >> 20, NULL), 0);
	assert_int_equal(hull_vm_config_set_memory_mib(c, UINT64_C(1) << 44, &err), -1);
	expect_error(&err, HULL_E_INVALID, "memory");
	assert_int_equal(hull_vm_config_set_memory_mib(c, 1, NULL), 0);
	assert_int_equal(hull_vm_config_get_memory_bytes(c), 1 << 20);
	hull_vm_config_set_nested(c, 2);
	assert_int_equal(hull_vm_config_get_nested(c), 1);
	assert_int_equal(hull_vm_config_set_timesync(c, UINT64_C(1) << 32, &err), -1);
	expect_error(&err, HULL_E_INVALID, "4294967295");
	assert_int_equal(hull_vm_config_set_timesync_text(c, "vsockPort=9", NULL), 0);
	assert_int_equal(hull_vm_config_get_timesync(c), 9);
	assert_int_equal(hull_vm_config_set_timesync_text(c, "vsockPort=0", &err), -1);
	expect_error(&err, HULL_E_INVALID, "vsockPort");
	assert_int_equal(hull_vm_config_set_ignition_text(c, "a,b", &err), -1);
	expect_error(&err, HULL_E_INVALID, "without commas");
	assert_int_equal(hull_vm_config_set_ignition_text(c, "a", NULL), 0);
	assert_int_equal(hull_vm_config_set_ignition(c, "/i", NULL), 0);
	assert_int_equal(hull_vm_config_get_ignition(c, &path, NULL), 0);
	assert_string_equal(path, "/i");
	hull_free(path);
	expect_json(c, HULL_DIALECT_VFKIT,
		    "{\"vcpus\":3,\"memoryBytes\":1048576,\"bootloader\":{\"kind\":"
		    "\"efiBootloader\",\"efiVariableStorePath\":\"nv\",\"createVariableStore\":"
		    "false},\"timesync\":{\"vsockPort\":9},\"ignition\":{\"kind\":\"ignition\","
		    "\"configPath\":\"/i\"},\"nested\":true}");
	assert_int_equal(hull_vm_config_set_timesync_text(c, "", NULL), 0);
	assert_int_equal(hull_vm_config_set_ignition(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_get_ignition(c, &path, NULL), 0);
	assert_null(path);
	hull_vm_config_set_nested(c, 0);
	expect_args(c, HULL_DIALECT_VFKIT,
		    "--cpus 3 --memory 1 --bootloader efi,variable-store=nv");
	hull_vm_config_free(c);
}

/* ---- what is wrong ---- */

static void test_refused(void **state)
{
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;

	assert_int_equal(hull_vm_config_add_blk(c, OPTIONS(blk, .type = "disk"), &err), -1);
	expect_error(&err, HULL_E_INVALID, "virtio-blk.type: unknown value 'disk'");
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .nat = 1, .path = "/n"), &err), -1);
	expect_error(&err, HULL_E_INVALID, "exclude each other");
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .fd = 3), &err), -1);
	expect_error(&err, HULL_E_INVALID, "'fd' needs 'socket'");
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .socket = 1, .fd = -1), &err), -1);
	expect_error(&err, HULL_E_INVALID, "virtio-net");
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .mac = "12:34"), &err), -1);
	expect_error(&err, HULL_E_INVALID, "12:34");
	assert_int_equal(
		hull_vm_config_add_vsock(c, OPTIONS(vsock, .port = UINT64_C(1) << 32), &err), -1);
	expect_error(&err, HULL_E_INVALID, "virtio-vsock.port");
	assert_int_equal(hull_vm_config_add_serial(c, NULL, &err), -1);
	expect_error(&err, HULL_E_INVALID, "one of");
	assert_int_equal(hull_vm_config_add_gpu(c, OPTIONS(gpu, .width = 1), &err), -1);
	expect_error(&err, HULL_E_INVALID, "at least 1");
	assert_int_equal(hull_vm_config_add_input(c, OPTIONS(input, .type = "mouse"), &err), -1);
	expect_error(&err, HULL_E_INVALID, "mouse");
	assert_int_equal(hull_vm_config_device_count(c), 0);
	/* Without a place for the error, too. */
	assert_int_equal(hull_vm_config_add_serial(c, NULL, NULL), -1);
	hull_vm_config_free(c);
}

/* Programs that were made for another version of the library. */
static void test_sizes(void **state)
{
	struct {
		struct hull_fs_options fs;
		uint64_t newer;
	} o = {.fs = {.size = sizeof(o), .dir = "/s", .tag = "t"}}, got;
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;
	void *strings;

	assert_int_equal(hull_vm_config_add_fs(c, &o.fs, NULL), 0);
	o.newer = 1;
	assert_int_equal(hull_vm_config_add_fs(c, &o.fs, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "does not know");
	o.fs.size = offsetof(struct hull_fs_options, tag);
	assert_int_equal(hull_vm_config_add_fs(c, &o.fs, NULL), 0);
	o.fs.size = 0;
	assert_int_equal(hull_vm_config_add_fs(c, &o.fs, &err), -1);
	expect_error(&err, HULL_E_INVALID, "size is 0");
	assert_int_equal(hull_vm_config_device_count(c), 2);
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(hull_vm_config_get_fs(c, 0, &got.fs, sizeof(got), &strings, NULL), 0);
	assert_string_equal(got.fs.tag, "t");
	assert_int_equal(got.newer, 0);
	hull_free(strings);
	assert_int_equal(hull_vm_config_get_fs(c, 1, &got.fs, sizeof(got.fs), &strings, NULL), 0);
	assert_null(got.fs.tag);
	hull_free(strings);
	got.fs.tag = (char *)1;
	assert_int_equal(hull_vm_config_get_fs(c, 0, &got.fs, offsetof(struct hull_fs_options, tag),
					       &strings, NULL),
			 0);
	assert_ptr_equal(got.fs.tag, (char *)1);
	hull_free(strings);
	hull_vm_config_free(c);
}

/* ---- looking through and changing ---- */

static void test_texts(void **state)
{
	static const char *const good[] = {"virtio-rng", "virtio-blk,path=/nowhere"};
	static const char *const bad[] = {"virtio-rng", "virtio-net"};
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;

	assert_int_equal(hull_vm_config_add_texts(c, bad, 2, 0, &err), -1);
	expect_error(&err, HULL_E_INVALID, "device 'virtio-net'");
	assert_int_equal(hull_vm_config_add_texts(c, good, 2, HULL_CHECK_FILES, &err), -1);
	expect_error(&err, HULL_E_INVALID, "open image '/nowhere'");
	assert_int_equal(hull_vm_config_add_texts(c, good, 2, 1U << 31, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "flags");
	assert_int_equal(hull_vm_config_device_count(c), 0);
	assert_int_equal(hull_vm_config_add_texts(c, good, 2, 0, NULL), 0);
	assert_int_equal(hull_vm_config_device_count(c), 2);
	hull_vm_config_free(c);
}

static void test_find(void **state)
{
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;
	size_t at[4], n = 0, i;

	add_all(c);
	for (i = 0; hull_vm_config_find(c, HULL_KIND_NET, i, &i); i++)
		at[n++] = i;
	assert_int_equal(n, 4);
	assert_int_equal(at[0], 6);
	assert_int_equal(at[3], 9);
	assert_int_equal(hull_vm_config_find_nbd(c, "n", &i), 1);
	assert_int_equal(i, 3);
	assert_int_equal(hull_vm_config_find_nbd(c, "m", &i), 0);
	assert_int_equal(hull_vm_config_remove(c, 3, NULL), 0);
	assert_int_equal(hull_vm_config_find_nbd(c, "n", &i), 0);
	assert_int_equal(hull_vm_config_device_kind(c, 3), HULL_KIND_FS);
	assert_int_equal(hull_vm_config_device_kind(c, 99), 0);
	assert_int_equal(hull_vm_config_remove(c, 99, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "devices[99]");
	while (hull_vm_config_device_count(c))
		assert_int_equal(hull_vm_config_remove(c, 0, NULL), 0);
	hull_vm_config_free(c);
}

static void test_set(void **state)
{
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;

	assert_int_equal(hull_vm_config_add_net(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_add_gpu(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_set_net_path(c, 0, "/n", NULL), 0);
	assert_int_equal(hull_vm_config_set_net_mac(c, 0, "5a94.ef00.0001", NULL), 0);
	expect_args(c, HULL_DIALECT_VFKIT,
		    "--cpus 2 --memory 1024 --bootloader efi,variable-store=nv --device "
		    "virtio-net,unixSocketPath=/n,mac=" MAC
		    " --device virtio-gpu,width=800,height=600");
	assert_int_equal(hull_vm_config_set_net_fd(c, 0, 5, NULL), 0);
	assert_int_equal(hull_vm_config_set_net_mac(c, 0, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_set_gpu_gui(c, 1, 1, NULL), 0);
	expect_json(c, HULL_DIALECT_VFKIT,
		    "{\"vcpus\":2,\"memoryBytes\":1073741824,\"bootloader\":{\"kind\":"
		    "\"efiBootloader\",\"efiVariableStorePath\":\"nv\",\"createVariableStore\":"
		    "false},\"devices\":[{\"kind\":\"virtionet\",\"nat\":false,\"socket\":{}},{"
		    "\"kind\":\"virtiogpu\",\"usesGUI\":true,\"width\":800,\"height\":600}]}");
	assert_int_equal(hull_vm_config_set_net_fd(c, 1, 5, &err), -1);
	expect_error(&err, HULL_E_INVALID, "virtio-gpu, not a virtio-net");
	assert_int_equal(hull_vm_config_set_net_mac(c, 0, "x", &err), -1);
	expect_error(&err, HULL_E_INVALID, "'x'");
	assert_int_equal(hull_vm_config_set_gpu_gui(c, 2, 1, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "devices[2]");
	hull_vm_config_free(c);
}
/* ---- threads ---- */

static void *work(void *arg)
{
	struct hull_vm_config *c = arg;

	for (int i = 0; i < 200; i++) {
		char *text = NULL;

		(void)hull_vm_config_add_net(c, OPTIONS(net, .mac = MAC), NULL);
		(void)hull_vm_config_set_net_path(c, 0, "/n", NULL);
		(void)hull_vm_config_set_ignition(c, i % 2 ? "/i" : NULL, NULL);
		(void)hull_vm_config_to_json(c, HULL_DIALECT_VFKIT, &text, NULL);
		hull_free(text);
		(void)hull_vm_config_remove(c, 0, NULL);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct hull_vm_config *c = make();
	pthread_t t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, work, c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(hull_vm_config_device_count(c), 0);
	hull_vm_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shadows),	   cmocka_unit_test(test_args),
		cmocka_unit_test(test_get),	   cmocka_unit_test(test_bootloader),
		cmocka_unit_test(test_rest_of_it), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sizes),	   cmocka_unit_test(test_texts),
		cmocka_unit_test(test_find),	   cmocka_unit_test(test_set),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
