/* SPDX-License-Identifier: Apache-2.0
 *
 * QEMU's command line for a set of descriptions, against golden files: one argument a line, then
 * the descriptors.
 */
#include "unit.h"

#include "backend/backend.h"
#include "backend/qemu/plan.h"
#include "base/strbuf.h"
#include "golden.h"

#define ID "00112233445566778899aabbccddeeff"
#define BOOT \
	"\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"kernel\":\"/k\",\"initrd\":\"/i\""

#define QEMU "/usr/bin/qemu-system-x86_64"

#define DISK "{\"scratch\":\"1M\"}"

#define HOST(kind) .binary = QEMU, .accel = (kind)

static const struct hull_qemu_host tcg = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120};
#define VIRTIO_DEVICES                                              \
	"{\"kind\":\"virtio-blk\",\"path\":\"/b\",\"id\":\"one\"}," \
	"{\"kind\":\"virtio-rng\"},{\"kind\":\"virtio-balloon\"},"  \
	"{\"kind\":\"virtio-gpu\",\"width\":1024,\"height\":768},"  \
	"{\"kind\":\"virtio-input\",\"type\":\"keyboard\"},"        \
	"{\"kind\":\"virtio-input\",\"type\":\"pointing\"}"

#define LINK_DEVICES                                                                  \
	"{\"kind\":\"virtio-serial\",\"stdio\":true},"                                \
	"{\"kind\":\"virtio-net\",\"path\":\"/s,t\",\"magic\":true},"                 \
	"{\"kind\":\"virtio-serial\",\"log\":\"/l\"},"                                \
	"{\"kind\":\"virtio-net\",\"fd\":7,\"mac\":\"02-00-00-00-00-AB\"},"           \
	"{\"kind\":\"virtio-net\",\"path\":\"/v\",\"mode\":\"stream\",\"mtu\":9000}," \
	"{\"kind\":\"virtio-serial\",\"pty\":true}"

#define DIRECTORIES                                                  \
	"{\"kind\":\"virtio-fs\",\"dir\":\"/s\",\"tag\":\"a,b c\"}," \
	"{\"kind\":\"virtio-rng\"},{\"kind\":\"virtio-fs\",\"dir\":\"/x/y,z//\"}"

#define VPORT(port, path, listen) \
	"{\"kind\":\"virtio-vsock\",\"port\":" #port ",\"path\":\"" path "\",\"listen\":" listen "}"
#define VPORTS                 \
	VPORT(1, "/a", "true") \
	"," VPORT(2, "/b", "false") ",{\"kind\":\"virtio-rng\"}," VPORT(3, "/c", "true")

static const struct hull_qemu_host tcg_vsock = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						.vsock_cid = 1234567};
static const struct hull_qemu_host tcg_device_block = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						       .device_blocks = 1 << 1};
static const struct hull_qemu_host tcg_parts = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						.device_parts = {[1] = 2}};
static const struct hull_qemu_host tcg_nbd = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
					      .relays_nbd = true};
#define NBD_DEVICES                                                                               \
	"{\"kind\":\"nbd\",\"uri\":\"nbd+unix:///a%20b?socket=/run/x,y\",\"id\":\"one\"},"        \
	"{\"kind\":\"nbd\",\"uri\":\"nbd://[::1]:7/e\\\"x\",\"readonly\":true,\"sync\":\"none\"," \
	"\"timeout_ns\":1},{\"kind\":\"nbd\",\"uri\":\"nbd+unix://?socket=/s\","                  \
	"\"timeout_ns\":2000000001}"

static const struct hull_qemu_host tcg_in_turn = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						  .in_turn = true};
static const struct hull_qemu_host tcg_no_tsc = {HOST(HULL_ACCEL_TCG)};
static const struct hull_qemu_host tcg_device = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						 .block_devices = 1 << 0};
static const struct hull_qemu_host kvm = {HOST(HULL_ACCEL_KVM), .tsc_khz = 2596120};
static const struct hull_qemu_host tcg_shares = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						 .n_shares = 2};
static const struct hull_qemu_host tcg_crowd = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						.n_shares = HULL_SHARE_GROUPS_MAX};

static const struct hull_qemu_host tcg_exports = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						  .n_exports = 4, .readonly_exports = 0x7,
						  .others_exports = 0x3};
static const struct hull_qemu_host tcg_many_exports = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
						       .n_exports = HULL_EXPORTS_MAX};

static const struct hull_qemu_host tcg_net = {HOST(HULL_ACCEL_TCG), .tsc_khz = 2596120,
					      .net_sockets = 1 << 0, .ipv6 = true};

#define PORTS                                                                                \
	"{\"host\":8080,\"guest\":80,\"count\":2},{\"host\":5353,\"guest\":53,\"protocol\":" \
	"\"udp\",\"address\":\"0.0.0.0\"}"

#define QEMU_ARM .binary = "/usr/bin/qemu-system-aarch64", .accel = HULL_ACCEL_TCG

static const struct hull_qemu_host arm = {QEMU_ARM};
static const struct hull_qemu_host arm_much = {QEMU_ARM, .n_shares = 2, .net_sockets = 1 << 0};

static const struct {
	const char *name, *text;
	const struct hull_qemu_host *host;
} cases[] = {
	{"default-tcg", "{" BOOT "}", &tcg},
	{"default-kvm", "{" BOOT "}", &kvm},
	{"default-no-tsc", "{" BOOT "}", &tcg_no_tsc},
	{"in-turn-tcg", "{" BOOT ",\"cpus\":2}", &tcg_in_turn},
	{"q35-tcg", "{" BOOT ",\"machine\":\"q35\"}", &tcg},
	{"q35-kvm", "{" BOOT ",\"machine\":\"q35\",\"cpus\":256}", &kvm},
	{"host-root-microvm",
	 "{" BOOT ",\"root\":{\"kind\":\"host\"},\"cpus\":2,\"memory\":\"1G\"}", &tcg},
	{"host-root-q35", "{" BOOT ",\"root\":{\"kind\":\"host\"},\"machine\":\"q35\"}", &tcg},
	{"shares-microvm", "{" BOOT ",\"root\":{\"kind\":\"host\"}}", &tcg_shares},
	{"shares-q35", "{" BOOT ",\"machine\":\"q35\"}", &tcg_shares},
	{"exports-microvm", "{" BOOT ",\"root\":{\"kind\":\"host\"},\"share_driver\":\"9p\"}",
	 &tcg_exports},
	{"exports-q35",
	 "{" BOOT ",\"root\":{\"kind\":\"host\"},\"share_driver\":\"9p\",\"machine\":\"q35\"}",
	 &tcg_many_exports},
	{"disks-microvm",
	 "{" BOOT ",\"disks\":[{\"path\":\"/a\"},{\"path\":\"/b,c\",\"format\":\"qcow2\","
	 "\"readonly\":true,\"serial\":\"data\"},{\"scratch\":\"1G\"}]}",
	 &tcg},
	{"disks-q35",
	 "{" BOOT ",\"machine\":\"q35\",\"disks\":[{\"path\":\"/a\",\"serial\":\"a\"},"
	 "{\"scratch\":\"1G\"}]}",
	 &tcg_device},
	{"net-microvm", "{" BOOT ",\"networks\":[{}]}", &tcg_net},
	{"net-q35",
	 "{" BOOT ",\"machine\":\"q35\",\"networks\":[{},{\"mac\":\"02:00:00:00:00:01\"}]}",
	 &tcg_net},
	{"net-builtin-microvm", "{" BOOT ",\"networks\":[{\"ports\":[" PORTS "]}]}", &tcg},
	{"net-builtin-q35",
	 "{" BOOT ",\"machine\":\"q35\",\"networks\":[{},{\"ports\":[" PORTS "]}]}", &tcg_net},
	{"own-kernel",
	 "{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"kernel\":\"/k\",\"agent\":\"none\","
	 "\"console\":true,\"append\":[\"root=/dev/vda\",\"dyndbg=\\\"file x +p\\\"\"]}",
	 &tcg},
	{"vsock", "{" BOOT ",\"link\":\"vsock\"}", &tcg_vsock},
	{"vsock-q35", "{" BOOT ",\"link\":\"vsock\",\"machine\":\"q35\"}", &tcg_vsock},
	{"devices-microvm", "{" BOOT ",\"devices\":[" VIRTIO_DEVICES "]}", &tcg},
	{"devices-q35",
	 "{" BOOT ",\"devices\":[" VIRTIO_DEVICES ",{\"kind\":\"nvme\",\"path\":\"/n\"},"
	 "{\"kind\":\"usb-mass-storage\",\"path\":\"/u\",\"readonly\":true},"
	 "{\"kind\":\"usb-mass-storage\",\"path\":\"/v\"},{\"kind\":\"virtio-rng\"}]}",
	 &tcg},
	{"efi",
	 "{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"agent\":\"none\","
	 "\"firmware\":{\"kind\":\"efi\",\"store\":\"/v\",\"create\":true},"
	 "\"devices\":[{\"kind\":\"virtio-blk\",\"path\":\"/b\"}]}",
	 &tcg},
	{"efi-aarch64",
	 "{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"arch\":\"aarch64\","
	 "\"firmware\":{\"kind\":\"efi\"}}",
	 &arm},
	{"links-microvm", "{" BOOT ",\"devices\":[" LINK_DEVICES "]}", &tcg},
	{"links-q35", "{" BOOT ",\"machine\":\"q35\",\"devices\":[" LINK_DEVICES "]}", &tcg},
	{"device-disks",
	 "{" BOOT ",\"devices\":[{\"kind\":\"virtio-blk\",\"path\":\"/q\",\"format\":\"qcow2\","
	 "\"cache\":\"unsafe\",\"queues\":2,\"discard\":true},{\"kind\":\"virtio-blk\",\"path\":"
	 "\"/d\",\"type\":\"dev\",\"aio\":\"native\"},{\"kind\":\"virtio-blk\",\"path\":\"/v\","
	 "\"format\":\"vmdk\",\"readonly\":true},{\"kind\":\"nvme\",\"path\":\"/"
	 "n\",\"id\":\"fast\","
	 "\"queues\":4,\"cache\":\"none\"},{\"kind\":\"usb-mass-storage\",\"path\":\"/u\",\"id\":"
	 "\"stick\"},{\"kind\":\"usb-mass-storage\",\"path\":\"/1\"},{\"kind\":"
	 "\"usb-mass-storage\",\"path\":\"/2\"},{\"kind\":\"usb-mass-storage\",\"path\":\"/3\"},"
	 "{\"kind\":\"usb-mass-storage\",\"path\":\"/4\"}]}",
	 &tcg_device_block},
	{"device-disks-kvm",
	 "{" BOOT ",\"devices\":[{\"kind\":\"virtio-blk\",\"path\":\"/b\",\"iothread\":true}]}",
	 &kvm},
	{"device-disks-thread",
	 "{" BOOT ",\"devices\":[{\"kind\":\"virtio-blk\",\"path\":\"/b\",\"iothread\":true}]}",
	 &tcg},
	{"device-parts",
	 "{" BOOT ",\"devices\":[{\"kind\":\"virtio-rng\"},{\"kind\":\"virtio-blk\",\"path\":"
	 "\"/v\",\"format\":\"vmdk\",\"readonly\":true}]}",
	 &tcg_parts},
	{"device-nbd", "{" BOOT ",\"devices\":[" NBD_DEVICES "]}", &tcg},
	{"device-nbd-relayed", "{" BOOT ",\"devices\":[" NBD_DEVICES "]}", &tcg_nbd},
	{"fs-microvm", "{" BOOT ",\"devices\":[" DIRECTORIES "]}", &tcg},
	{"fs-q35", "{" BOOT ",\"machine\":\"q35\",\"devices\":[" DIRECTORIES "]}", &tcg},
	{"vports-microvm", "{" BOOT ",\"devices\":[" VPORTS "]}", &tcg},
	{"vports-q35", "{" BOOT ",\"machine\":\"q35\",\"devices\":[" VPORTS "]}", &tcg},
	{"vports-own", "{" BOOT ",\"ignition\":\"/g\",\"devices\":[{\"kind\":\"virtio-rng\"}]}",
	 &tcg},
	{"display",
	 "{" BOOT ",\"machine\":\"q35\",\"devices\":[{\"kind\":\"virtio-gpu\",\"gui\":true}]}",
	 &tcg},
	{"gdb", "{" BOOT ",\"gdb\":{\"kind\":\"socket\"}}", &tcg},
	{"dump", "{" BOOT ",\"panic_dump\":\"/d\"}", &tcg},
	{"on-reboot", "{" BOOT ",\"on_reboot\":\"reboot\"}", &tcg},
	{"isolation", "{" BOOT ",\"isolation\":\"strict\"}", &tcg},
	{"aarch64", "{" BOOT ",\"arch\":\"aarch64\"}", &arm},
	{"aarch64-much",
	 "{" BOOT ",\"arch\":\"aarch64\",\"machine\":\"virt\",\"cpus\":256,\"networks\":[{}],"
	 "\"disks\":[{\"scratch\":\"1G\"}],\"gdb\":{\"kind\":\"socket\"}}",
	 &arm_much},
	{"memory-prealloc", "{" BOOT ",\"memory_backing\":{\"prealloc\":true}}", &tcg},
	{"memory-huge-q35",
	 "{" BOOT ",\"memory\":\"1G\",\"machine\":\"q35\",\"root\":{\"kind\":\"host\"},"
	 "\"memory_backing\":{\"hugepages\":\"1G\"}}",
	 &tcg},
	{"memory-dir-aarch64",
	 "{" BOOT ",\"arch\":\"aarch64\",\"memory_backing\":{\"lock\":true,\"dir\":\"/d\"}}", &arm},
	{"limits", "{" BOOT ",\"cpus_max\":4,\"memory_max\":\"2G\"}", &tcg},
	{"limits-kvm",
	 "{" BOOT ",\"cpus\":2,\"cpus_max\":256,\"memory_max\":\"2G\",\"memory_slots\":3,"
	 "\"memory_backing\":{\"lock\":true},\"machine\":\"q35\"}",
	 &kvm},
	{"limits-none", "{" BOOT ",\"cpus\":2,\"cpus_max\":2,\"memory_max\":\"512M\"}", &tcg},
	{"limits-aarch64", "{" BOOT ",\"arch\":\"aarch64\",\"memory_max\":\"2G\"}", &arm},
	{"features", "{" BOOT ",\"cpu_features\":[\"+svm\",\"-avx\"]}", &tcg},
	{"features-kvm", "{" BOOT ",\"cpu_model\":\"max,-x\",\"cpu_features\":[\"+y\"]}", &kvm},
	{"features-aarch64", "{" BOOT ",\"arch\":\"aarch64\",\"cpu_features\":[\"+sve\",\"-pmu\"]}",
	 &arm},
	{"disks-words",
	 "{" BOOT ",\"disks\":[{\"path\":\"/a\",\"cache\":\"none\",\"aio\":\"native\","
	 "\"queues\":4,\"serial\":\"a\"},{\"path\":\"/b\",\"cache\":\"writethrough\","
	 "\"discard\":true},{\"path\":\"/c\",\"cache\":\"directsync\",\"format\":\"qcow2\"},"
	 "{\"path\":\"/d\",\"cache\":\"unsafe\"},{\"scratch\":\"1G\",\"queues\":2}],\"devices\":["
	 "{\"kind\":\"virtio-blk\",\"path\":\"/e\",\"cache\":\"writethrough\"}]}",
	 &tcg},
	{"disks-thread", "{" BOOT ",\"disks\":[{\"path\":\"/a\",\"iothread\":true}]}", &tcg},
	{"disks-thread-kvm",
	 "{" BOOT ",\"disks\":[{\"path\":\"/a\",\"iothread\":true}],\"devices\":["
	 "{\"kind\":\"virtio-blk\",\"path\":\"/b\",\"iothread\":true}]}",
	 &kvm},
	{"disks-through-q35",
	 "{" BOOT ",\"devices\":[{\"kind\":\"nvme\",\"path\":\"/n\",\"cache\":\"directsync\"}]}",
	 &tcg},
	{"iommu",
	 "{" BOOT ",\"iommu\":\"intel\",\"devices\":[{\"kind\":\"nvme\",\"path\":\"/n\"}]}", &tcg},
	{"iommu-aarch64", "{" BOOT ",\"arch\":\"aarch64\",\"iommu\":\"smmuv3\"}", &arm},
	{"rng-source", "{" BOOT ",\"rng_source\":\"/dev/hwrng\"}", &tcg},
	{"everything-off", "{" BOOT ",\"rng\":false,\"seccomp\":false,\"cpu_model\":\"max,+svm\"}",
	 &tcg},
};

static void read_config(const char *text, struct hull_config *config)
{
	cleanup_error struct hull_error *err = NULL;

	if (hull_config_from_json(text, strlen(text), config, &err) < 0 ||
	    hull_config_validate(config, &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

static void print_plan(const struct hull_qemu_plan *plan, struct hull_strbuf *out)
{
	for (size_t i = 0; i < plan->argv.n; i++)
		hull_strbuf_addf(out, "%s\n", plan->argv.v[i]);
	for (size_t i = 0; i < plan->fds.n; i++) {
		const struct hull_qemu_fd *fd = &plan->fds.v[i];

		hull_strbuf_addf(out, "# fd %d: %s", fd->number, hull_qemu_fd_names[fd->role]);
		if (fd->role == HULL_QEMU_FD_DISK || fd->role == HULL_QEMU_FD_SHARE ||
		    fd->role == HULL_QEMU_FD_EXPORT || fd->role == HULL_QEMU_FD_NET ||
		    fd->role == HULL_QEMU_FD_DEVICE || fd->role == HULL_QEMU_FD_PART)
			hull_strbuf_addf(out, " %zu", fd->index);
		hull_strbuf_adds(out, "\n");
	}
}

static void test_golden(void **state)
{
	int different = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_config struct hull_config config;
		cleanup_qemu_plan struct hull_qemu_plan plan = {0};
		cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
		cleanup_error struct hull_error *err = NULL;
		char name[64];

		read_config(cases[i].text, &config);
		if (hull_qemu_plan_make(&config, cases[i].host, &plan, &err) < 0)
			fail_msg("%s: %s", cases[i].name, hull_error_message(err));
		print_plan(&plan, &out);
		snprintf(name, sizeof(name), "qemu/%s.argv", cases[i].name);
		different += golden_compare(name, hull_strbuf_str(&out));
	}
	assert_int_equal(different, 0);
}

static void assert_refused(const char *text, const struct hull_qemu_host *host, int code,
			   const char *message)
{
	cleanup_config struct hull_config config;
	cleanup_qemu_plan struct hull_qemu_plan plan = {0};
	cleanup_error struct hull_error *err = NULL;

	read_config(text, &config);
	assert_int_equal(hull_qemu_plan_make(&config, host, &plan, &err), -1);
	assert_int_equal(hull_error_code(err), code);
	assert_string_equal(hull_error_message(err), message);
	assert_int_equal(plan.argv.n, 0);
}

static void test_refusals(void **state)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	assert_refused("{" BOOT ",\"cpus\":256}", &tcg, HULL_E_UNSUPPORTED,
		       "cpus: 256 need hardware virtualisation, 255 is the most without");
	assert_refused("{" BOOT ",\"cpus_max\":256}", &tcg, HULL_E_UNSUPPORTED,
		       "cpus_max: 256 need hardware virtualisation, 255 is the most without");
	assert_refused("{" BOOT ",\"machine\":\"microvm\"}", &tcg_no_tsc, HULL_E_UNSUPPORTED,
		       "machine 'microvm' cannot be emulated on a host whose time stamp counter is "
		       "not constant");
	assert_refused("{" BOOT ",\"machine\":\"microvm\",\"disks\":[" DISK "," DISK "," DISK
		       "," DISK "," DISK "," DISK "," DISK "," DISK "," DISK "," DISK "," DISK
		       "," DISK "," DISK "]}",
		       &tcg_crowd, HULL_E_UNSUPPORTED,
		       "machine 'microvm' has no room for that many devices, or for one that is on "
		       "a PCI bus");
	assert_refused("{" BOOT ",\"networks\":[{\"ports\":[{\"host\":1,\"guest\":1,\"count\":1025"
		       "}]}]}",
		       &tcg, HULL_E_UNSUPPORTED,
		       "1025 ports are more than the 1024 that the hypervisor's own network can "
		       "listen on");
	assert_refused("{" BOOT ",\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"/s\","
		       "\"features\":\"CSUM|HOST_TSO4\"}]}",
		       &tcg, HULL_E_UNSUPPORTED,
		       "devices[0]: features: QEMU's sockets can't carry 'CSUM|HOST_TSO4': they "
		       "have frames without a header");
	assert_refused("{" BOOT ",\"devices\":[{\"kind\":\"usb-mass-storage\",\"path\":\"/u\","
		       "\"cache\":\"writethrough\"}]}",
		       &tcg, HULL_E_UNSUPPORTED,
		       "devices[0]: QEMU can't flush each write to a disk on the USB");
	hull_strbuf_adds(&text, "{" BOOT ",\"append\":[\"");
	for (int i = 0; i < 1992; i++)
		hull_strbuf_adds(&text, "x");
	hull_strbuf_adds(&text, "\"]}");
	assert_refused(text.data, &kvm, HULL_E_INVALID,
		       "append: the kernel command line is 2048 bytes long, and 2047 is all a "
		       "kernel reads");
}

/* No two devices in one place, however many there are. */
static void test_addresses_are_unique(void **state)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	for (int machine = 0; machine < 2; machine++) {
		cleanup_config struct hull_config config;
		cleanup_qemu_plan struct hull_qemu_plan plan = {0};
		size_t n = 0;

		hull_strbuf_clear(&text);
		hull_strbuf_addf(&text,
				 "{" BOOT ",\"root\":{\"kind\":\"host\"},\"machine\":\"%s\","
				 "\"networks\":[{},{},{},{}],\"disks\":[",
				 machine ? "q35" : "microvm");
		for (int i = 0; i < HULL_CONFIG_MAX_DISKS; i++)
			hull_strbuf_addf(&text, "%s{\"scratch\":\"1M\"}", i ? "," : "");
		hull_strbuf_adds(&text, "]}");
		read_config(text.data, &config);
		assert_int_equal(
			hull_qemu_plan_make(&config, machine ? &tcg_crowd : &tcg, &plan, NULL), 0);
		for (size_t i = 0; i < plan.argv.n; i++) {
			const char *a = strstr(plan.argv.v[i], machine ? "addr=" : "mmio-bus.");

			if (!a)
				continue;
			n++;
			assert_string_not_equal(a, "mmio-bus.0");
			for (size_t k = 0; k < i; k++) {
				const char *b =
					strstr(plan.argv.v[k], machine ? "addr=" : "mmio-bus.");
				size_t len = strcspn(a, ",");

				if (b && strcspn(b, ",") == len)
					assert_int_not_equal(strncmp(a, b, len), 0);
			}
		}
		assert_int_equal(n, HULL_CONFIG_MAX_DISKS + HULL_CONFIG_MAX_NETWORKS + 3 +
					    (machine ? 1 + HULL_SHARE_GROUPS_MAX : 0));
	}
}

/* Nor two descriptors in one set. */
static void test_sets_are_unique(void **state)
{
	static const struct hull_qemu_host host = {HOST(HULL_ACCEL_TCG),
						   .device_parts = {HULL_QEMU_PARTS_MAX, 2}};
	cleanup_config struct hull_config config;
	cleanup_qemu_plan struct hull_qemu_plan plan = {0};
	size_t n = 0;

	read_config("{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"agent\":\"none\","
		    "\"firmware\":{\"kind\":\"efi\"},\"disks\":[{\"path\":\"/a\"}],\"devices\":["
		    "{\"kind\":\"virtio-blk\",\"path\":\"/v\",\"format\":\"vmdk\"},"
		    "{\"kind\":\"virtio-blk\",\"path\":\"/w\",\"format\":\"vmdk\"},"
		    "{\"kind\":\"virtio-serial\",\"log\":\"/l\"}]}",
		    &config);
	assert_int_equal(hull_qemu_plan_make(&config, &host, &plan, NULL), 0);
	for (size_t i = 0; i + 1 < plan.argv.n; i++) {
		if (strcmp(plan.argv.v[i], "-add-fd") != 0)
			continue;
		n++;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(plan.argv.v[k], "-add-fd"))
				assert_string_not_equal(strstr(plan.argv.v[k + 1], ",set="),
							strstr(plan.argv.v[i + 1], ",set="));
	}
	assert_int_equal(n, 2 + 1 + 3 + HULL_QEMU_PARTS_MAX + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_addresses_are_unique),
		cmocka_unit_test(test_sets_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
