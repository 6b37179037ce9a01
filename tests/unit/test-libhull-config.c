/* SPDX-License-Identifier: Apache-2.0
 *
 * The library's descriptions: what users do with them, and that the option structs say all that the
 * field tables do.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "lib/options.h"

#include <fcntl.h>
#include <hull/hull.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAC "5a:94:ef:00:00:01"

/* The options with their size and what is said of them. */
#define OPTIONS(name, ...) \
	(&(struct hull_##name##_options){.size = sizeof(struct hull_##name##_options), __VA_ARGS__})

static struct hull_vm_config *make(void)
{
	const struct hull_bootloader_options boot = {.size = sizeof(boot),
						     .efi = OPTIONS(efi, .variable_store = "nv")};
	struct hull_vm_config *c = NULL;

	assert_int_equal(hull_vm_config_new(2, 1024, &boot, &c, NULL), 0);
	return c;
}

static void expect_error(struct hull_error **err, int code, const char *part)
{
	assert_non_null(*err);
	if (!strstr(hull_error_message(*err), part))
		fail_msg("'%s' is not in '%s'", part, hull_error_message(*err));
	assert_int_equal(hull_error_code(*err), code);
	hull_error_free(*err);
	*err = NULL;
}

/* The arguments in one line. */
static void expect_args(struct hull_vm_config *c, uint32_t dialect, const char *want)
{
	struct hull_error *err = NULL;
	char line[4096] = "", **args = NULL;

	if (hull_vm_config_to_args(c, dialect, &args, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	for (size_t i = 0; args[i]; i++) {
		strcat(line, i ? " " : "");
		strcat(line, args[i]);
	}
	assert_string_equal(line, want);
	hull_free(args);
}

static void expect_json(struct hull_vm_config *c, uint32_t dialect, const char *want)
{
	struct hull_error *err = NULL;
	char *text = NULL;

	if (hull_vm_config_to_json(c, dialect, &text, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_string_equal(text, want);
	hull_free(text);
}

static struct hull_vm_config *from_json(const char *text, uint32_t dialect)
{
	struct hull_vm_config *c = NULL;
	struct hull_error *err = NULL;

	if (hull_vm_config_from_json(text, strlen(text), dialect, &c, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	return c;
}

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

/* ---- dialects ---- */

static void test_from_args(void **state)
{
	static const char *const args[] = {
		"-c3",	      "-b", "efi,variable-store=nv", "--log-level",
		"info",	      "-d", "virtio-net,fd=4",	     "--timesync",
		"vsockPort=5"};
	struct hull_vm_config *c;
	struct hull_error *err = NULL;
	char **lines;

	assert_int_equal(hull_vm_config_from_args(args, 9, HULL_DIALECT_VFKIT, 0, &c, NULL), 0);
	assert_int_equal(hull_vm_config_get_vcpus(c), 3);
	assert_int_equal(hull_vm_config_notes(c, &lines, NULL), 0);
	assert_string_equal(lines[0], "--log-level is not part of the description");
	assert_null(lines[1]);
	hull_free(lines);
	assert_int_equal(hull_vm_config_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_ARGS, &lines, NULL),
			 0);
	assert_non_null(strstr(lines[0], "timesync"));
	hull_free(lines);
	assert_int_equal(hull_vm_config_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_JSON, &lines, NULL),
			 0);
	assert_non_null(strstr(lines[0], "descriptor"));
	hull_free(lines);
	assert_int_equal(hull_vm_config_losses(c, HULL_DIALECT_VFKIT, 9, &lines, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "form");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(args, 2, HULL_DIALECT_VFKIT, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "-b");
	assert_int_equal(hull_vm_config_from_args(args, 9, 7, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "dialect");
}

static void test_json(void **state)
{
	static const char text[] =
		"{\"vcpus\":1,\"memoryBytes\":1048577,\"bootloader\":null,\"devices\":[{\"kind\":"
		"\"virtionet\",\"nat\":false,\"socket\":{}}]}";
	struct hull_vm_config *c = from_json(text, HULL_DIALECT_VFKIT);
	struct hull_error *err = NULL;
	struct hull_net_options net;
	void *strings;
	char **args;

	expect_json(c, HULL_DIALECT_VFKIT, text);
	assert_int_equal(hull_vm_config_get_net(c, 0, &net, sizeof(net), &strings, NULL), 0);
	assert_int_equal(net.socket, 1);
	assert_int_equal(net.fd, -1);
	hull_free(strings);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_VFKIT, &args, &err), -1);
	expect_error(&err, HULL_E_INVALID, "bootloader");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_json("[]", 2, HULL_DIALECT_VFKIT, &c, &err), -1);
	hull_error_free(err);
	err = NULL;
	assert_int_equal(hull_vm_config_from_json("[]", 2, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "dialect: 0");
}

/* hull's own dialect goes through whole. */
static void test_own_json(void **state)
{
	static const char text[] =
		"{\"version\":1,\"root\":{\"kind\":\"host\",\"readonly\":true},\"shares\":[{"
		"\"source\":\"a\",\"target\":\"/b\"}],\"cpus\":4,\"memory\":\"1G\",\"kernel\":"
		"\"k\",\"append\":[\"x\",\"y\"],\"devices\":[{\"kind\":\"virtio-blk\",\"path\":"
		"\"d\"}]}";
	struct hull_vm_config *c = from_json(text, HULL_DIALECT_HULL);
	struct hull_error *err = NULL;
	char *out;

	assert_int_equal(hull_vm_config_get_vcpus(c), 4);
	assert_int_equal(hull_vm_config_get_memory_bytes(c), 1 << 30);
	assert_int_equal(hull_vm_config_bootloader_kind(c), HULL_BOOTLOADER_LINUX);
	expect_json(c, HULL_DIALECT_HULL,
		    "{\"version\":1,\"root\":{\"kind\":\"host\",\"readonly\":true},\"shares\":[{"
		    "\"source\":\"a\",\"target\":\"/b\"}],\"cpus\":4,\"memory\":1073741824,"
		    "\"kernel\":\"k\",\"append\":[\"x y\"],\"devices\":[{\"kind\":\"virtio-blk\","
		    "\"path\":\"d\"}]}");
	hull_vm_config_set_vcpus(c, 0);
	assert_int_equal(hull_vm_config_to_json(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_INVALID, "cpus");
	hull_vm_config_set_vcpus(c, 1);
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_json("{\"version\":1,\"id\":\"x\"}", 22,
						  HULL_DIALECT_HULL, &c, &err),
			 -1);
	expect_error(&err, HULL_E_INVALID, "id: unknown key");
}

static void test_own_args(void **state)
{
	static const char *const args[] = {"--cpus=2", "-m",
					   "1G",       "--kernel",
					   "k",	       "--append",
					   "quiet",    "--agent",
					   "none",     "--console",
					   "--root",   "none",
					   "--device", "virtio-gpu,width=1,height=2",
					   "--net",    "user"};
	static const char *const command[] = {"-c2", "uname"}, *const volume[] = {"-v", "/a:/b"};
	struct hull_vm_config *c;
	struct hull_error *err = NULL;
	char **out;

	assert_int_equal(
		hull_vm_config_from_args(args, ARRAY_SIZE(args), HULL_DIALECT_HULL, 0, &c, &err),
		0);
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 2 --memory 1024M --kernel k --append quiet --agent none --console "
		    "--root none --net user --device virtio-gpu,width=1,height=2");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(command, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "'uname': a command");
	assert_int_equal(hull_vm_config_from_args(volume, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "'-v'");
	assert_int_equal(hull_vm_config_from_args(args, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "--memory needs a value");
	c = from_json("{\"version\":1,\"gdb\":{\"kind\":\"socket\"}}", HULL_DIALECT_HULL);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "gdb");
	hull_vm_config_free(c);
}

/* The lines of one string each, joined. */
static void expect_losses(struct hull_vm_config *c, uint32_t dialect, uint32_t form,
			  const char *want)
{
	struct hull_error *err = NULL;
	char line[1024] = "", **lines;

	if (hull_vm_config_losses(c, dialect, form, &lines, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	for (size_t i = 0; lines[i]; i++) {
		strcat(line, i ? "; " : "");
		strcat(line, lines[i]);
	}
	assert_string_equal(line, want);
	hull_free(lines);
}

#ifdef __aarch64__
#define MACHINE_JSON
#define MACHINE_ARGS
#else
#define MACHINE_JSON "\"machine\":\"q35\","
#define MACHINE_ARGS "--machine q35 "
#endif
#define FOREIGN "{\"version\":1," MACHINE_JSON "\"agent\":\"none\",\"rng\":false,"

/* A machine of vfkit's, in hull's dialect, has none of hull's parts. */
static void test_to_own(void **state)
{
	struct hull_vm_config *c = make();

	expect_json(c, HULL_DIALECT_HULL,
		    FOREIGN "\"cpus\":2,\"memory\":1073741824,\"firmware\":{\"kind\":\"efi\","
			    "\"store\":\"nv\"}}");
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 2 --memory 1024M " MACHINE_ARGS "--firmware efi,store=nv --agent none");
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "linux,kernel=/k,initrd=/i", NULL),
			 0);
	assert_int_equal(hull_vm_config_add_rng(c, NULL, NULL), 0);
	expect_json(c, HULL_DIALECT_HULL,
		    FOREIGN "\"cpus\":2,\"memory\":1073741824,\"kernel\":\"/k\",\"initrd\":\"/i\","
			    "\"devices\":[{\"kind\":\"virtio-rng\"}]}");
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 2 --memory 1024M " MACHINE_ARGS
		    "--kernel /k --initrd /i --agent none --device virtio-rng");
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_JSON, "");
	hull_vm_config_set_nested(c, 1);
	assert_int_equal(hull_vm_config_set_timesync(c, 5, NULL), 0);
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_ARGS,
		      "rng: no option of 'hull run' says that there is none; timesync: no option "
		      "of 'hull run' says it; nested: hull has no place for it");
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_JSON, "nested: hull has no place for it");
	expect_json(c, HULL_DIALECT_HULL,
		    FOREIGN "\"cpus\":2,\"memory\":1073741824,\"kernel\":\"/k\",\"initrd\":\"/i\","
			    "\"devices\":[{\"kind\":\"virtio-rng\"}],\"timesync\":{\"port\":5}}");
	assert_int_equal(hull_vm_config_set_timesync(c, 0, NULL), 0);
	/* Without a bootloader it boots what hull has. */
	assert_int_equal(hull_vm_config_set_bootloader(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_remove(c, 0, NULL), 0);
	expect_json(c, HULL_DIALECT_HULL, "{\"version\":1,\"cpus\":2,\"memory\":1073741824}");
	hull_vm_config_free(c);
}

static void test_from_own(void **state)
{
	struct hull_vm_config *c = from_json(
		"{\"version\":1,\"firmware\":{\"kind\":\"efi\",\"store\":\"nv\",\"code\":"
		"\"c\",\"template\":\"t\"},\"disks\":[{\"path\":\"/d\"}],\"rng\":false,"
		"\"networks\":[{\"kind\":\"user\"}],\"devices\":[{\"kind\":\"virtio-net\","
		"\"path\":\"/n\",\"mode\":\"stream\",\"magic\":false}]}",
		HULL_DIALECT_HULL);

	assert_int_equal(hull_vm_config_set_ignition(c, "/i", NULL), 0);
	expect_args(c, HULL_DIALECT_VFKIT,
		    "--cpus 1 --memory 512 --bootloader efi,variable-store=nv --device "
		    "virtio-blk,path=/d --device virtio-net,nat --device "
		    "virtio-net,type=unixgram,path=/n,vfkitMagic=off --ignition /i");
	expect_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_ARGS,
		      "agent: vfkit has no 'hull'; firmware.code: vfkit has no place for it; "
		      "devices[2].mode: vfkit has no place for it");
	/* What the firmware is made of stays with the firmware. */
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "efi,variable-store=x,create", NULL),
			 0);
	expect_json(
		c, HULL_DIALECT_HULL,
		"{\"version\":1,\"firmware\":{\"kind\":\"efi\",\"store\":\"x\",\"create\":true,"
		"\"code\":\"c\",\"template\":\"t\"},\"disks\":[{\"path\":\"/d\"}],\"rng\":false,"
		"\"networks\":[{\"kind\":\"user\"}],\"cpus\":1,\"memory\":536870912,\"devices\":["
		"{\"kind\":\"virtio-net\",\"path\":\"/n\",\"magic\":false,\"mode\":\"stream\"}"
		"],\"ignition\":\"/i\"}");
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "linux,kernel=/k", NULL), 0);
	expect_json(
		c, HULL_DIALECT_HULL,
		"{\"version\":1,\"disks\":[{\"path\":\"/d\"}],\"rng\":false,\"networks\":[{"
		"\"kind\":\"user\"}],\"cpus\":1,\"memory\":536870912,\"kernel\":\"/k\","
		"\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"/n\",\"magic\":false,\"mode\":"
		"\"stream\"}],\"ignition\":\"/i\"}");
	hull_vm_config_free(c);
}

/* What both dialects have goes there and back, and can be asked for. */
static void test_services(void **state)
{
	struct hull_vm_config *c = from_json(
		"{\"version\":1,\"kernel\":\"/k\",\"ignition\":\"/i\",\"timesync\":{\"port\":7}}",
		HULL_DIALECT_HULL);
	char *path;

	assert_int_equal(hull_vm_config_get_timesync(c), 7);
	assert_int_equal(hull_vm_config_get_ignition(c, &path, NULL), 0);
	assert_string_equal(path, "/i");
	hull_free(path);
	expect_json(c, HULL_DIALECT_HULL,
		    "{\"version\":1,\"cpus\":1,\"memory\":536870912,\"kernel\":\"/k\","
		    "\"ignition\":\"/i\",\"timesync\":{\"port\":7}}");
	expect_json(c, HULL_DIALECT_VFKIT,
		    "{\"vcpus\":1,\"memoryBytes\":536870912,\"bootloader\":{\"kind\":"
		    "\"linuxBootloader\",\"vmlinuzPath\":\"/k\",\"kernelCmdLine\":\"\","
		    "\"initrdPath\":\"\"},\"devices\":[{\"kind\":\"virtiorng\"}],\"timesync\":{"
		    "\"vsockPort\":7},\"ignition\":{\"kind\":\"ignition\",\"configPath\":\"/i\"}}");
	expect_args(c, HULL_DIALECT_HULL, "--cpus 1 --memory 512M --kernel /k --ignition /i");
	hull_vm_config_free(c);
}

/* Options of hull's alone, and what no option says. */
static void test_own_options(void **state)
{
	static const char *const args[] = {"--firmware", "efi,store=s,create,code=c,template=t"};
	static const char *const bad[] = {"--firmware", "efi,stone=s"};
	struct hull_error *err = NULL;
	struct hull_vm_config *c;
	struct hull_net_options net;
	void *strings;
	char **out;

	assert_int_equal(hull_vm_config_from_args(args, 2, HULL_DIALECT_HULL, 0, &c, NULL), 0);
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 1 --memory 512M --firmware efi,store=s,create,code=c,template=t");
	assert_int_equal(hull_vm_config_add_net(c,
						OPTIONS(net, .path = "/n", .mode = "stream",
							.mtu = 1500, .features = "CSUM"),
						NULL),
			 0);
	assert_int_equal(hull_vm_config_get_net(c, 0, &net, sizeof(net), &strings, NULL), 0);
	assert_string_equal(net.mode, "stream");
	assert_string_equal(net.features, "CSUM");
	assert_int_equal(net.mtu, 1500);
	assert_int_equal(net.no_magic, 0);
	hull_free(strings);
	assert_int_equal(hull_vm_config_set_net_path(c, 0, "/m", NULL), 0);
	assert_int_equal(hull_vm_config_add_blk(c,
						OPTIONS(blk, .path = "/q", .format = "qcow2",
							.cache = "none", .aio = "native",
							.discard = 1, .queues = 2, .iothread = 1),
						NULL),
			 0);
	assert_int_equal(hull_vm_config_add_gpu(c, OPTIONS(gpu, .gui = 1), NULL), 0);
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 1 --memory 512M --firmware efi,store=s,create,code=c,template=t "
		    "--device virtio-net,type=unixgram,path=/m,vfkitMagic=off,mode=stream,mtu=1500,"
		    "features=CSUM --device virtio-blk,path=/q,format=qcow2,cache=none,aio=native,"
		    "discard,queues=2,iothread --device virtio-gpu,width=800,height=600,gui");
	expect_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_JSON,
		      "agent: vfkit has no 'hull'; firmware.code: vfkit has no place for it; "
		      "devices[0]: vfkitMagic=off is not in JSON and reads as on; "
		      "devices[0].mode: vfkit has no place for it; "
		      "devices[0].mtu: vfkit has no place for it; "
		      "devices[0].features: vfkit has no place for it; "
		      "devices[1].format: vfkit has no place for it; "
		      "devices[1].cache: vfkit has no place for it; "
		      "devices[1].aio: vfkit has no place for it; "
		      "devices[1].discard: vfkit has no place for it; "
		      "devices[1].queues: vfkit has no place for it; "
		      "devices[1].iothread: vfkit has no place for it");
	assert_int_equal(hull_vm_config_add_fs(c, OPTIONS(fs, .dir = "/a,b"), NULL), 0);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "devices[3]: there are no options for all of it");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(bad, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "--firmware: unknown option 'stone'");
}

/* ---- running ---- */

/* A program that tells its arguments and what its descriptors 3, 4 and 5 are. */
#define SHELL "/bin/sh"
static const char script[] = "printf '%s\\n' \"$@\"; for f in 3 4 5; do "
			     "readlink /proc/self/fd/$f | sed 's/:.*//' || echo none; done";

static size_t read_all(int fd, char *buffer, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, buffer + n, size - 1 - n)) > 0)
		n += (size_t)r;
	buffer[n] = '\0';
	return n;
}

static void test_spawn(void **state)
{
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;
	struct hull_process *p;
	struct hull_net_options net;
	int a[2], b[2], out[2], status;
	char program[] = "/tmp/test-libhull-XXXXXX", got[4096];
	int file = mkstemp(program);
	void *strings;

	assert_int_equal(dprintf(file, "#!" SHELL "\n%s\n", script) > 0, 1);
	assert_int_equal(fchmod(file, 0700), 0);
	close(file);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, b), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .socket = 1, .fd = b[0]), NULL), 0);
	assert_int_equal(hull_vm_config_add_net(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .socket = 1, .fd = a[0]), NULL), 0);
	{
		const char *const more[] = {"more", NULL};
		const struct hull_cmd_fd fds[] = {{out[1], 1}};
		struct hull_cmd_options o = {.size = sizeof(o),
					     .program = program,
					     .args = more,
					     .fds = fds,
					     .n_fds = 1};

		if (hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err) < 0)
			fail_msg("%s", hull_error_message(err));
	}
	close(out[1]);
	read_all(out[0], got, sizeof(got));
	assert_string_equal(got,
			    "--cpus\n2\n--memory\n1024\n--bootloader\n"
			    "efi,variable-store=nv\n--device\nvirtio-net,fd=3\n--device\n"
			    "virtio-net,nat\n--device\nvirtio-net,fd=4\nmore\nsocket\nsocket\n");
	assert_int_equal(hull_process_wait(p, 60000, &status, NULL), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(hull_process_wait(p, 0, &status, NULL), 0);
	assert_int_equal(hull_process_kill(p, SIGTERM, NULL), 0);
	hull_process_free(p);
	/* Here they have their own numbers still. */
	assert_int_equal(hull_vm_config_get_net(c, 2, &net, sizeof(net), &strings, NULL), 0);
	assert_int_equal(net.fd, a[0]);
	hull_free(strings);
	assert_int_equal(hull_vm_config_get_net(c, 0, &net, sizeof(net), &strings, NULL), 0);
	assert_int_equal(net.fd, b[0]);
	hull_free(strings);
	close(a[0]);
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, NULL, &p, &err), -1);
	hull_error_free(err);
	unlink(program);
	close(a[1]);
	close(b[0]);
	close(b[1]);
	close(out[0]);
	hull_vm_config_free(c);
}

static void test_process(void **state)
{
	const char *const args[] = {"-c", "sleep 60", NULL};
	struct hull_cmd_options o = {.size = sizeof(o), .program = "env", .args = args};
	struct hull_vm_config *c = NULL;
	struct hull_error *err = NULL;
	struct hull_process *p;
	int status;

	/* env: "--cpus" is no option of its, so that it ends with 125. */
	c = make();
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, NULL), 0);
	assert_int_equal(hull_process_wait(p, UINT64_MAX, &status, NULL), 0);
	assert_int_equal(WEXITSTATUS(status), 125);
	hull_process_free(p);
	o.program = "/nowhere/at-all";
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "/nowhere/at-all");
	o.program = "no-such-program-anywhere";
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "along PATH");
	o = (struct hull_cmd_options){.size = sizeof(o), .program = "env", .detach = 1};
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, NULL), 0);
	assert_int_equal(hull_process_pid(p), 0);
	assert_int_equal(hull_process_fd(p), -1);
	assert_int_equal(hull_process_wait(p, 0, &status, &err), -1);
	expect_error(&err, HULL_E_STATE, "detached");
	hull_process_free(p);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	hull_vm_config_free(c);
}

/* "cat" with nothing but its file's name waits for its standard input to end. */
static void test_wait(void **state)
{
	const struct hull_bootloader_options none = {.size = sizeof(none),
						     .macos = OPTIONS(macos, .machine_id = "m")};
	struct hull_cmd_fd fd = {.to = 0};
	struct hull_cmd_options o = {
		.size = sizeof(o), .program = "cat", .fds = &fd, .n_fds = 1, .new_session = 1};
	struct hull_vm_config *c = NULL;
	struct hull_error *err = NULL;
	struct hull_process *p;
	int in[2], status;

	assert_int_equal(hull_vm_config_new(0, 0, &none, &c, NULL), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	fd.from = in[0];
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, NULL), 0);
	assert_true(hull_process_pid(p) > 0);
	assert_true(hull_process_fd(p) > 2);
	assert_int_equal(hull_process_wait(p, 20, &status, &err), -1);
	expect_error(&err, HULL_E_TIMEOUT, "runs still");
	assert_int_equal(hull_process_kill(p, SIGKILL, NULL), 0);
	assert_int_equal(hull_process_wait(p, 60000, &status, NULL), 0);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	hull_process_free(p);
	fd.to = 64;
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_INVALID, "descriptor 64");
	close(in[0]);
	close(in[1]);
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
		cmocka_unit_test(test_from_args),  cmocka_unit_test(test_json),
		cmocka_unit_test(test_own_json),   cmocka_unit_test(test_own_args),
		cmocka_unit_test(test_to_own),	   cmocka_unit_test(test_from_own),
		cmocka_unit_test(test_services),   cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_spawn),	   cmocka_unit_test(test_process),
		cmocka_unit_test(test_wait),	   cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
