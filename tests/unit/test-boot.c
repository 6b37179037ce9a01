/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels' versions, archives, and which modules a guest needs.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "../fuzz/fuzz-boot.c"
#include "boot/cpio.h"
#include "boot/stages.h"
#include "boot/version.h"
#include "corpus.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- versions ---- */

static void expect_version(const void *head, size_t len, off_t at, const char *banner, int want,
			   const char *version)
{
	char got[HULL_KERNEL_VERSION_MAX + 1] = "";
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, head, len, 0), len);
	assert_int_equal(pwrite(fd, banner, strlen(banner), at), strlen(banner));
	assert_int_equal(hull_kernel_version(fd, got), want);
	assert_string_equal(got, version);
	close(fd);
}

static void test_versions(void **state)
{
	unsigned char head[0x210] = {0};
	char too_long[200] = "Linux version 6.";

	memset(too_long + strlen(too_long), '1', 100);
	strcat(too_long, " (");
	expect_version("\177ELF", 4, 100, "Linux version 6.9.0-rc1+ (me)", 0, "6.9.0-rc1+");
	/* Cut off by the end of what is read at once, and after something alike. */
	expect_version("Linux version %s (", 18, (1 << 20) - 20, "Linux version 6.1 (", 0, "6.1");
	expect_version("\177ELF", 4, (1 << 20) - 5, "Linux version 6.1 (", 0, "6.1");
	expect_version("\177ELF", 4, 100, "Linux version ../../etc (", -ENOENT, "");
	expect_version("\177ELF", 4, 100, "Linux version 6/../x (", -ENOENT, "");
	expect_version("\177ELF", 4, 100, "Linux version 6.1", -ENOENT, ""); /* ends there */
	expect_version("\177ELF", 4, 100, too_long, -ENOENT, "");
	memcpy(head + 0x202, "HdrS", 4);
	head[0x20e] = 0x34;
	head[0x20f] = 0x12;
	expect_version(head, sizeof(head), 0x1434, "6.1.0-9-amd64 (x) #1", 0, "6.1.0-9-amd64");
	expect_version(head, sizeof(head), 0x1434, "nonsense", -ENOENT, "");
}

/* ---- archives ---- */

static void test_archive(void **state)
{
	static const char want[] = "070701"
				   "00000000"
				   "000081A4"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000005"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000004"
				   "00000000"
				   "a/b\0\0\0" /* 110 + 4, made a multiple of four */
				   "hello\0\0\0";
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	assert_int_equal(hull_cpio_padding(0), 0);
	assert_int_equal(hull_cpio_padding(5), 3);
	hull_cpio_add(&out, "a/b", S_IFREG | 0644, "hello", 5);
	assert_int_equal(out.len, sizeof(want) - 1);
	assert_memory_equal(out.data, want, out.len);
	hull_cpio_end(&out);
	assert_int_equal(out.len % 4, 0);
	assert_non_null(memmem(out.data, out.len, "TRAILER!!!", 11));
	assert_false(out.failed);
}

/* ---- stages ---- */

static const char dep[] =
	"kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/drivers/virtio/virtio_ring.ko:\n"
	"kernel/drivers/virtio/virtio_mmio.ko: kernel/drivers/virtio/virtio.ko "
	"kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/drivers/char/virtio-console.ko.xz: kernel/drivers/virtio/virtio.ko "
	"kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko\n"
	"kernel/fs/fuse/fuse.ko:\n";

static void read_config(const char *text, struct hull_config *config)
{
	cleanup_error struct hull_error *err = NULL;

	if (hull_config_from_json(text, strlen(text), config, &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

static void test_stages(void **state)
{
	const struct hull_moddep texts = {.dep = dep};
	cleanup_stages struct hull_stages s = {0}, of_device = {0};
	cleanup_config struct hull_config config, with_device;

	read_config("{\"version\":1,\"root\":{\"kind\":\"host\"}}", &config);
	assert_int_equal(
		hull_stages_plan(&config, &texts, "kernel/fs/overlayfs/overlay.ko\n", &s, NULL), 0);
	assert_int_equal(s.machine, HULL_MACHINE_MICROVM); /* there is no virtio_pci */
	assert_string_equal(hull_strbuf_str(&s.manifest), "base virtio_ring\n"
							  "base virtio\n"
							  "mmio virtio_mmio\n"
							  "link virtio_console\n"
							  "root fuse\n"
							  "root virtiofs\n");
	assert_int_equal(s.files.n, 6);
	assert_string_equal(s.files.v[3], "kernel/drivers/char/virtio-console.ko.xz");
	/* A directory that is a device takes the same, less the overlay. */
	read_config("{\"version\":1,\"devices\":[{\"kind\":\"virtio-fs\",\"dir\":\"/d\"}]}",
		    &with_device);
	assert_int_equal(hull_stages_plan(&with_device, &texts, "", &of_device, NULL), 0);
	assert_string_equal(hull_strbuf_str(&of_device.manifest), hull_strbuf_str(&s.manifest));
}

static void check_missing(const char *text, const char *builtin, const char *message,
			  const char *hint)
{
	const struct hull_moddep texts = {.dep = dep};
	cleanup_error struct hull_error *err = NULL;
	cleanup_config struct hull_config config;
	struct hull_stages s;

	read_config(text, &config);
	assert_int_equal(hull_stages_plan(&config, &texts, builtin, &s, &err), -1);
	assert_non_null(strstr(hull_error_message(err), message));
	assert_non_null(strstr(hull_error_hint(err), hint));
}

static void test_missing(void **state)
{
	check_missing("{\"version\":1,\"root\":{\"kind\":\"host\"},\"networks\":[{}]}", "",
		      "neither a module nor built in: overlay, virtio_net",
		      "with CONFIG_OVERLAY_FS, CONFIG_VIRTIO_NET (=y");
	check_missing("{\"version\":1,\"link\":\"vsock\"}", NULL,
		      "built in: vsock, vmw_vsock_virtio_transport",
		      "with CONFIG_VSOCKETS, CONFIG_VIRTIO_VSOCKETS (=y");
	check_missing("{\"version\":1,\"devices\":[{\"kind\":\"virtio-vsock\",\"port\":1,"
		      "\"path\":\"/s\"}]}",
		      "a/virtio_console.ko:", "built in: vsock, vmw_vsock_virtio_transport",
		      "with CONFIG_VSOCKETS, CONFIG_VIRTIO_VSOCKETS (=y");
	check_missing("{\"version\":1,\"machine\":\"q35\"}", NULL, "built in: virtio_pci",
		      "CONFIG_VIRTIO_PCI");
	check_missing(
		"{\"version\":1,\"disks\":[{\"scratch\":\"1M\",\"serial\":\"hull-scratch\"}]}",
		"a/virtio-blk.ko", "built in: ext4", "CONFIG_EXT4_FS");
}

/* A throwaway disk that is not the root's needs no file system. */
static void test_empty_disk(void **state)
{
	const struct hull_moddep texts = {.dep = ""};
	cleanup_stages struct hull_stages s = {0};
	cleanup_config struct hull_config config;

	read_config("{\"version\":1,\"disks\":[{\"scratch\":\"1M\"}]}", &config);
	assert_int_equal(hull_stages_plan(&config, &texts,
					  "virtio.ko\nvirtio_ring.ko\nvirtio_pci.ko\n"
					  "virtio_mmio.ko\nvirtio_console.ko\nvirtio_blk.ko",
					  &s, NULL),
			 0);
}

/* What a kernel may lack. */
static void test_optional(void **state)
{
	static const char *const deps[] = {"", "a/virtio.ko:\na/qemu_fw_cfg.ko.xz:\n"};
	static const char *const wanted[] = {"", "dump qemu_fw_cfg\n"};

	for (size_t i = 0; i < ARRAY_SIZE(deps); i++) {
		const struct hull_moddep texts = {.dep = deps[i]};
		cleanup_stages struct hull_stages s = {0};
		cleanup_config struct hull_config config;

		read_config("{\"version\":1,\"panic_dump\":\"/d\"}", &config);
		assert_int_equal(hull_stages_plan(&config, &texts,
						  "virtio.ko\nvirtio_ring.ko\nvirtio_pci.ko\n"
						  "virtio_mmio.ko\nvirtio_console.ko",
						  &s, NULL),
				 0);
		assert_string_equal(hull_strbuf_str(&s.manifest), wanted[i]);
	}
}

static void test_arch(void **state)
{
	static const char both[] = "kernel/virtio.ko\nkernel/virtio_ring.ko\nkernel/virtio_pci.ko\n"
				   "kernel/virtio_console.ko\n";
	const struct hull_moddep texts = {.dep = dep};
	cleanup_stages struct hull_stages s = {0};
	cleanup_config struct hull_config config;

	read_config("{\"version\":1,\"arch\":\"aarch64\"}", &config);
	assert_int_equal(hull_stages_plan(&config, &texts, both, &s, NULL), 0);
	assert_int_equal(s.machine, HULL_MACHINE_VIRT);
	assert_int_equal(s.files.n, 0); /* no virtio_mmio */
	check_missing("{\"version\":1,\"arch\":\"aarch64\"}", NULL, "built in: virtio_pci",
		      "CONFIG_VIRTIO_PCI");
}

/* A kernel with everything in it needs no module. */
static void test_all_builtin(void **state)
{
	const struct hull_moddep texts = {0};
	cleanup_stages struct hull_stages s = {0};
	cleanup_config struct hull_config config;

	read_config("{\"version\":1}", &config);
	assert_int_equal(hull_stages_plan(&config, &texts,
					  "kernel/virtio.ko\nkernel/virtio_ring.ko\n"
					  "kernel/virtio_pci.ko\nkernel/virtio_mmio.ko\n"
					  "kernel/virtio_console.ko",
					  &s, NULL),
			 0);
	assert_int_equal(s.files.n, 0);
	assert_int_equal(s.machine, HULL_MACHINE_AUTO);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("boot") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),   cmocka_unit_test(test_archive),
		cmocka_unit_test(test_stages),	   cmocka_unit_test(test_missing),
		cmocka_unit_test(test_empty_disk), cmocka_unit_test(test_arch),
		cmocka_unit_test(test_optional),   cmocka_unit_test(test_all_builtin),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
