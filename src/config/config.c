/* SPDX-License-Identifier: Apache-2.0
 *
 * The field tables of the VM description, and the rules between fields that no table can state.
 */
#define _GNU_SOURCE
#include "config/config.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "config/disk.h"
#include "config/display.h"
#include "config/nbd.h"
#include "config/network.h"
#include "config/resources.h"
#include "config/resturi.h"
#include "config/virtiofs.h"
#include "config/vports.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Enough to compile a small program in a root whose writable half lives in memory.  Memory that
 * a guest does not touch costs the host nothing; its page tables cost a start about 0.1 s per GiB
 * under emulation, which is why this is not more. */
#define DEFAULT_MEMORY (512 * MIB)

#define PATH_MAX_LEN 4095

const char *const hull_backend_kind_names[] = {"qemu", "mock", NULL};
const char *const hull_arch_names[] = {"x86_64", "aarch64", NULL};
const char *const hull_machine_names[] = {"auto", "q35", "microvm", "virt", NULL};
const char *const hull_accel_names[] = {"auto", "kvm", "tcg", NULL};
const char *const hull_agent_names[] = {"hull", "none", NULL};
const char *const hull_link_kind_names[] = {"serial", "vsock", NULL};
const char *const hull_disk_format_names[] = {"raw", "qcow2", NULL};
const char *const hull_root_kind_names[] = {"none", "host", NULL};
const char *const hull_share_cache_names[] = {"strict", "auto", "always", "none", NULL};
const char *const hull_share_driver_names[] = {"auto", "virtiofs", "9p", NULL};
const char *const hull_network_kind_names[] = {"user", NULL};
const char *const hull_network_provider_names[] = {"auto", "passt", "builtin", NULL};
const char *const hull_protocol_names[] = {"tcp", "udp", NULL};
const char *const hull_gdb_kind_names[] = {"none", "socket", "tcp", NULL};
const char *const hull_display_kind_names[] = {"auto", "none", "vnc", NULL};
const char *const hull_firmware_kind_names[] = {"none", "efi", NULL};
const char *const hull_rest_kind_names[] = {"none", "unix", "tcp", NULL};
const char *const hull_iommu_names[] = {"none", "intel", "smmuv3", NULL};

#define NAMES_MATCH(names, last) \
	static_assert(ARRAY_SIZE(names) == (size_t)(last) + 2, "one name for each value")
NAMES_MATCH(hull_backend_kind_names, HULL_BACKEND_MOCK);
NAMES_MATCH(hull_arch_names, HULL_ARCH_AARCH64);
NAMES_MATCH(hull_machine_names, HULL_MACHINE_VIRT);
NAMES_MATCH(hull_accel_names, HULL_ACCEL_TCG);
NAMES_MATCH(hull_agent_names, HULL_AGENT_NONE);
NAMES_MATCH(hull_link_kind_names, HULL_LINK_VSOCK);
NAMES_MATCH(hull_disk_format_names, HULL_DISK_QCOW2);
NAMES_MATCH(hull_root_kind_names, HULL_ROOT_HOST);
NAMES_MATCH(hull_share_cache_names, HULL_SHARE_CACHE_NONE);
NAMES_MATCH(hull_share_driver_names, HULL_SHARE_DRIVER_NINEP);
NAMES_MATCH(hull_network_kind_names, HULL_NETWORK_USER);
NAMES_MATCH(hull_network_provider_names, HULL_NETWORK_BUILTIN);
NAMES_MATCH(hull_protocol_names, HULL_PROTOCOL_UDP);
NAMES_MATCH(hull_gdb_kind_names, HULL_GDB_TCP);
NAMES_MATCH(hull_display_kind_names, HULL_DISPLAY_VNC);
NAMES_MATCH(hull_firmware_kind_names, HULL_FIRMWARE_EFI);
NAMES_MATCH(hull_rest_kind_names, HULL_REST_TCP);
NAMES_MATCH(hull_iommu_names, HULL_IOMMU_SMMUV3);

static const struct hull_field root_table[] = {
	HULL_FIELD_ENUM(struct hull_root, kind, "kind", 0, enum hull_root_kind, HULL_ROOT_NONE,
			hull_root_kind_names, "what the guest's root directory is made of"),
	HULL_FIELD_ENUM(struct hull_root, cache, "cache", 0, enum hull_share_cache,
			HULL_SHARE_CACHE_AUTO, hull_share_cache_names,
			"how long the guest trusts what it has read"),
	HULL_FIELD_BOOL(struct hull_root, readonly, "readonly", 0, false,
			"refuse writes to the root; /dev, /run and /tmp stay writable"),
};
static const struct hull_fields root_fields = HULL_FIELDS(struct hull_root, root_table);

static const struct hull_field share_table[] = {
	HULL_FIELD_STRING(struct hull_share, source, "source",
			  HULL_FIELD_REQUIRED | HULL_FIELD_PATH, PATH_MAX_LEN,
			  "directory or file of the host"),
	HULL_FIELD_STRING(struct hull_share, target, "target", HULL_FIELD_REQUIRED, PATH_MAX_LEN,
			  "where the guest finds it"),
	HULL_FIELD_BOOL(struct hull_share, readonly, "readonly", 0, false,
			"refuse writes from the guest"),
};
static const struct hull_fields share_fields = HULL_FIELDS(struct hull_share, share_table);

static const struct hull_field port_table[] = {
	HULL_FIELD_STRING(struct hull_port, address, "address", 0, 45,
			  "host address to listen on: loopback if empty"),
	HULL_FIELD_U64(struct hull_port, host, "host", HULL_FIELD_REQUIRED, 1, 1, 65535,
		       "host port"),
	HULL_FIELD_U64(struct hull_port, guest, "guest", HULL_FIELD_REQUIRED, 1, 1, 65535,
		       "guest port"),
	HULL_FIELD_U64(struct hull_port, count, "count", 0, 1, 1, 65535,
		       "how many ports, counted from these"),
	HULL_FIELD_ENUM(struct hull_port, protocol, "protocol", 0, enum hull_protocol,
			HULL_PROTOCOL_TCP, hull_protocol_names, "tcp or udp"),
};
static const struct hull_fields port_fields = HULL_FIELDS(struct hull_port, port_table);

static const struct hull_field network_table[] = {
	HULL_FIELD_ENUM(struct hull_network, kind, "kind", HULL_FIELD_ALWAYS,
			enum hull_network_kind, HULL_NETWORK_USER, hull_network_kind_names,
			"user: through the host's own connections, without any privilege"),
	HULL_FIELD_ENUM(struct hull_network, provider, "provider", 0, enum hull_network_provider,
			HULL_NETWORK_AUTO, hull_network_provider_names,
			"passt, the hypervisor itself, or whichever works"),
	HULL_FIELD_STRING(struct hull_network, mac, "mac", 0, 17,
			  "hardware address the guest sees; made up if empty"),
	HULL_FIELD_LIST(struct hull_network, ports, "ports", 0, &port_fields, HULL_CONFIG_MAX_PORTS,
			"host ports that lead into the guest"),
};
static const struct hull_fields network_fields = HULL_FIELDS(struct hull_network, network_table);

static const struct hull_field gdb_table[] = {
	HULL_FIELD_ENUM(struct hull_gdb, kind, "kind", 0, enum hull_gdb_kind, HULL_GDB_NONE,
			hull_gdb_kind_names,
			"how a debugger reaches the guest, which waits for it"),
	HULL_FIELD_STRING(struct hull_gdb, path, "path", HULL_FIELD_PATH, HULL_CONFIG_MAX_SOCKET,
			  "socket to make; gdb.sock in run_dir if empty"),
	HULL_FIELD_U64(struct hull_gdb, port, "port", 0, 0, 0, 65535, "port of the loopback"),
};
static const struct hull_fields gdb_fields = HULL_FIELDS(struct hull_gdb, gdb_table);

static const struct hull_field display_table[] = {
	HULL_FIELD_ENUM(struct hull_display, kind, "kind", 0, enum hull_display_kind,
			HULL_DISPLAY_AUTO, hull_display_kind_names,
			"vnc, none, or vnc if a screen has gui"),
	HULL_FIELD_STRING(struct hull_display, path, "path", HULL_FIELD_PATH,
			  HULL_CONFIG_MAX_SOCKET,
			  "socket to make; vnc.sock in run_dir if there is no port either"),
	HULL_FIELD_U64(struct hull_display, port, "port", 0, 0, 0, 65535, "port of the loopback"),
};
static const struct hull_fields display_fields = HULL_FIELDS(struct hull_display, display_table);

static const struct hull_field firmware_table[] = {
	HULL_FIELD_ENUM(struct hull_firmware, kind, "kind", 0, enum hull_firmware_kind,
			HULL_FIRMWARE_NONE, hull_firmware_kind_names,
			"none, or efi: boots what the disks hold, instead of a kernel of ours"),
	HULL_FIELD_STRING(struct hull_firmware, store, "store", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "file of its variables; if empty, they are forgotten at the end"),
	HULL_FIELD_BOOL(struct hull_firmware, create, "create", 0, false,
			"make the store where there is none"),
	HULL_FIELD_STRING(struct hull_firmware, code, "code", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "image of the firmware; looked up if empty"),
	HULL_FIELD_STRING(struct hull_firmware, template, "template", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "what a new store is a copy of; belongs to the code"),
};
static const struct hull_fields firmware_fields = HULL_FIELDS(struct hull_firmware, firmware_table);

static const struct hull_field rest_table[] = {
	HULL_FIELD_ENUM(struct hull_rest, kind, "kind", 0, enum hull_rest_kind, HULL_REST_NONE,
			hull_rest_kind_names, "by what it is reached"),
	HULL_FIELD_STRING(struct hull_rest, path, "path", HULL_FIELD_PATH, HULL_CONFIG_MAX_SOCKET,
			  "socket to make"),
	HULL_FIELD_STRING(struct hull_rest, address, "address", 0, 45,
			  "host address to listen on: loopback if empty"),
	HULL_FIELD_U64(struct hull_rest, port, "port", 0, 0, 0, 65535,
		       "port to listen on; 0: one that is free"),
};
static const struct hull_fields rest_fields = HULL_FIELDS(struct hull_rest, rest_table);

static const struct hull_field cloud_init_table[] = {
	HULL_FIELD_STRING(struct hull_cloud_init, user_data, "user_data", HULL_FIELD_PATH,
			  PATH_MAX_LEN, "file of what is to be done in the guest"),
	HULL_FIELD_STRING(struct hull_cloud_init, meta_data, "meta_data", HULL_FIELD_PATH,
			  PATH_MAX_LEN, "file of the machine's own data, such as its name"),
	HULL_FIELD_STRING(struct hull_cloud_init, network_config, "network_config", HULL_FIELD_PATH,
			  PATH_MAX_LEN, "file of the network's configuration"),
};
static const struct hull_fields cloud_init_fields =
	HULL_FIELDS(struct hull_cloud_init, cloud_init_table);

static const struct hull_field programs_table[] = {
	HULL_FIELD_STRING(struct hull_programs, qemu, "qemu", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "path of QEMU for the guest's architecture; looked up if empty"),
	HULL_FIELD_STRING(struct hull_programs, virtiofsd, "virtiofsd", HULL_FIELD_PATH,
			  PATH_MAX_LEN, "path of virtiofsd; looked up if empty"),
	HULL_FIELD_STRING(struct hull_programs, passt, "passt", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "path of passt; looked up if empty"),
};
static const struct hull_fields programs_fields = HULL_FIELDS(struct hull_programs, programs_table);

static const struct hull_field config_table[] = {
	HULL_FIELD_U64(struct hull_config, version, "version", HULL_FIELD_REQUIRED,
		       HULL_CONFIG_VERSION, 1, UINT32_MAX, "version of this description: 1"),
	HULL_FIELD_STRING(struct hull_config, id, "id", HULL_FIELD_OURS, 32,
			  "32 hexadecimal digits"),
	HULL_FIELD_STRING(struct hull_config, name, "name", 0, 63, "name of the VM"),
	HULL_FIELD_U64(struct hull_config, cpus, "cpus", 0, 1, 1, HULL_CONFIG_MAX_CPUS,
		       "number of virtual CPUs"),
	HULL_FIELD_U64(struct hull_config, cpus_max, "cpus_max", 0, 0, 0, HULL_CONFIG_MAX_CPUS,
		       "most there may be later; 0: no more than cpus"),
	HULL_FIELD_SIZE(struct hull_config, memory_bytes, "memory", 0, DEFAULT_MEMORY, 64 * MIB,
			4096 * GIB, "memory of the guest"),
	HULL_FIELD_SIZE(struct hull_config, memory_max_bytes, "memory_max", 0, 0, 0, 4096 * GIB,
			"most there may be later; 0: no more than memory"),
	HULL_FIELD_U64(struct hull_config, memory_slots, "memory_slots", 0, 8, 1,
		       HULL_CONFIG_MAX_MEMORY_SLOTS, "pieces in which memory_max may come"),
	HULL_FIELD_STRUCT(struct hull_config, memory_backing, "memory_backing", 0,
			  &hull_memory_backing_fields, "what that memory is made of"),
	HULL_FIELD_U64(struct hull_config, cpu_limit, "cpu_limit", 0, 0, 0,
		       1000 * HULL_CONFIG_MAX_CPUS,
		       "thousandths of a host CPU that the VM may use; 0: no limit"),
	HULL_FIELD_ENUM(struct hull_config, backend, "backend", 0, enum hull_backend_kind,
			HULL_BACKEND_QEMU, hull_backend_kind_names,
			"what runs the VM: QEMU, or for tests a program that pretends to"),
	HULL_FIELD_ENUM(struct hull_config, arch, "arch", 0, enum hull_arch, HULL_ARCH_HOST,
			hull_arch_names, "architecture of the guest; this host's if not said"),
	HULL_FIELD_ENUM(struct hull_config, machine, "machine", 0, enum hull_machine,
			HULL_MACHINE_AUTO, hull_machine_names, "machine model"),
	HULL_FIELD_ENUM(struct hull_config, accel, "accel", 0, enum hull_accel, HULL_ACCEL_AUTO,
			hull_accel_names, "hardware virtualisation or emulation"),
	HULL_FIELD_STRING(struct hull_config, cpu_model, "cpu_model", 0, 512,
			  "CPU model with its features, in the hypervisor's words"),
	HULL_FIELD_STRINGS(struct hull_config, cpu_features, "cpu_features", 0,
			   HULL_CONFIG_MAX_CPU_FEATURES,
			   "what the model is to have (+NAME) or to lack (-NAME)"),
	HULL_FIELD_ENUM(struct hull_config, iommu, "iommu", 0, enum hull_iommu, HULL_IOMMU_NONE,
			hull_iommu_names,
			"keeps PCI devices to the memory they are given; intel: of q35, smmuv3: of "
			"virt"),
	HULL_FIELD_STRUCT(struct hull_config, firmware, "firmware", 0, &firmware_fields,
			  "firmware that boots the VM"),
	HULL_FIELD_STRING(struct hull_config, kernel, "kernel", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "path of the kernel: vmlinux or bzImage; Image for aarch64"),
	HULL_FIELD_STRING(struct hull_config, initrd, "initrd", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "path of the initial RAM disk"),
	HULL_FIELD_STRING(struct hull_config, modules, "modules", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "directory of modules for the kernel: lib/modules/VERSION, or above it"),
	HULL_FIELD_STRINGS(struct hull_config, append, "append", 0, 64,
			   "words appended to the kernel command line"),
	HULL_FIELD_STRUCT(struct hull_config, gdb, "gdb", 0, &gdb_fields,
			  "the debugger that the guest waits for"),
	HULL_FIELD_STRING(struct hull_config, panic_dump, "panic_dump", HULL_FIELD_PATH,
			  PATH_MAX_LEN,
			  "file that the guest's memory is written to if its kernel panics"),
	HULL_FIELD_BOOL(struct hull_config, progress, "progress", HULL_FIELD_OURS, false,
			"show on the starter's terminal how far long work has got"),
	HULL_FIELD_ENUM(struct hull_config, agent, "agent", 0, enum hull_agent, HULL_AGENT_HULL,
			hull_agent_names, "what answers for the guest"),
	HULL_FIELD_ENUM(struct hull_config, link, "link", 0, enum hull_link_kind, HULL_LINK_SERIAL,
			hull_link_kind_names,
			"what leads to the agent: two ports, or the host's vhost-vsock"),
	HULL_FIELD_BOOL(struct hull_config, console, "console", 0, false,
			"show the serial console to whoever starts the VM"),
	HULL_FIELD_STRUCT(struct hull_config, root, "root", 0, &root_fields,
			  "the guest's root directory"),
	HULL_FIELD_LIST(struct hull_config, disks, "disks", 0, &hull_disk_fields,
			HULL_CONFIG_MAX_DISKS, "disks, in the order the guest sees them"),
	HULL_FIELD_LIST(struct hull_config, shares, "shares", 0, &share_fields,
			HULL_CONFIG_MAX_SHARES, "directories and files of the host"),
	HULL_FIELD_ENUM(struct hull_config, share_driver, "share_driver", 0, enum hull_share_driver,
			HULL_SHARE_DRIVER_AUTO, hull_share_driver_names,
			"who serves the host's directories, the root's too: virtiofsd, the "
			"hypervisor, or whichever works"),
	HULL_FIELD_ENUM(struct hull_config, share_cache, "share_cache", 0, enum hull_share_cache,
			HULL_SHARE_CACHE_STRICT, hull_share_cache_names,
			"how long the guest trusts what it has read of the shares"),
	HULL_FIELD_U64(struct hull_config, owner_uid, "owner_uid", 0, 0, 0, UINT32_MAX - 1,
		       "guest user who owns what the shares' owner does"),
	HULL_FIELD_U64(struct hull_config, owner_gid, "owner_gid", 0, 0, 0, UINT32_MAX - 1,
		       "guest group likewise"),
	HULL_FIELD_LIST(struct hull_config, networks, "networks", 0, &network_fields,
			HULL_CONFIG_MAX_NETWORKS, "network devices"),
	HULL_FIELD_LIST(struct hull_config, devices, "devices", 0, &hull_device_fields,
			HULL_CONFIG_MAX_DEVICES, "any other devices, in order"),
	HULL_FIELD_STRUCT(struct hull_config, display, "display", 0, &display_fields,
			  "where the guest's screens can be looked at and typed to"),
	HULL_FIELD_STRUCT(struct hull_config, cloud_init, "cloud_init", 0, &cloud_init_fields,
			  "files for cloud-init, on one more disk"),
	HULL_FIELD_STRING(struct hull_config, ignition, "ignition", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "Ignition file, which the guest gets by HTTP from vsock port 1024"),
	HULL_FIELD_STRUCT(struct hull_config, timesync, "timesync", 0, &hull_timesync_class.fields,
			  "sets the guest's clock when the host's jumps, without hull's agent"),
	HULL_FIELD_BOOL(struct hull_config, rng, "rng", 0, true,
			"give the guest a source of entropy"),
	HULL_FIELD_STRING(struct hull_config, rng_source, "rng_source", HULL_FIELD_PATH,
			  PATH_MAX_LEN,
			  "device of the host that it has its bytes from, such as /dev/hwrng; the "
			  "kernel's own generator if empty"),
	HULL_FIELD_BOOL(struct hull_config, seccomp, "seccomp", 0, true,
			"have the hypervisor filter its own system calls"),
	HULL_FIELD_BOOL(struct hull_config, tied, "tied", HULL_FIELD_OURS, false,
			"stop the VM when its starter goes away"),
	HULL_FIELD_U64(struct hull_config, boot_timeout_ms, "boot_timeout_ms", 0, 60000, 1,
		       UINT64_C(24) * 3600 * 1000, "milliseconds until the guest must be ready"),
	HULL_FIELD_ENUM(
		struct hull_config, on_reboot, "on_reboot", 0, enum hull_on_reboot,
		HULL_ON_REBOOT_AUTO, hull_on_reboot_names,
		"whether the VM ends when its guest reboots; auto: unless firmware boots it"),
	HULL_FIELD_ENUM(struct hull_config, isolation, "isolation", 0, enum hull_isolation,
			HULL_ISOLATION_NORMAL, hull_isolation_names,
			"strict: nothing is shared with other VMs: booted cold, and pages of its "
			"memory are not merged with equal ones"),
	HULL_FIELD_STRUCT(struct hull_config, restart, "restart", 0, &hull_restart_fields,
			  "whether the VM is started anew when it has ended by itself"),
	HULL_FIELD_STRING(struct hull_config, run_dir, "run_dir", HULL_FIELD_OURS,
			  HULL_CONFIG_MAX_RUN_DIR, "directory for the VM's sockets, lock and logs"),
	HULL_FIELD_STRING(struct hull_config, log_dir, "log_dir", HULL_FIELD_OURS, PATH_MAX_LEN,
			  "directory for the console's log that outlives the VM; run_dir if empty"),
	HULL_FIELD_STRING(struct hull_config, scratch_dir, "scratch_dir", HULL_FIELD_PATH,
			  PATH_MAX_LEN, "directory for scratch disks: /var/tmp if empty"),
	HULL_FIELD_STRUCT(struct hull_config, rest, "rest", 0, &rest_fields,
			  "the REST service that controls the VM as vfkit's does"),
	HULL_FIELD_STRUCT(struct hull_config, programs, "programs", 0, &programs_fields,
			  "programs to use instead of the ones found by themselves"),
};
const struct hull_fields hull_config_fields = HULL_FIELDS(struct hull_config, config_table);

void hull_config_init(struct hull_config *config)
{
	hull_fields_init(&hull_config_fields, config);
}

void hull_config_fini(struct hull_config *config)
{
	hull_fields_fini(&hull_config_fields, config);
}

/* Before the strict reading: a newer description has keys this one would only call unknown. */
static int check_version(const struct hull_json *json, struct hull_error **err)
{
	uint64_t version;

	if (hull_json_get_u64(hull_json_get(json, "version"), &version) < 0)
		return 0; /* missing or malformed: the table says so */
	if (version == HULL_CONFIG_VERSION)
		return 0;
	return hull_fail(err, HULL_E_UNSUPPORTED, "version: %" PRIu64 " is not known, only %d is",
			 version, HULL_CONFIG_VERSION);
}

int hull_config_from_json(const char *text, size_t len, struct hull_config *ret_config,
			  struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;

	hull_config_init(ret_config);
	if (hull_json_parse(text, len, &json, err) < 0 || check_version(json, err) < 0 ||
	    hull_fields_from_json(&hull_config_fields, ret_config, json, NULL, err) < 0)
		return hull_prefix(err, "VM description");
	return 0;
}

int hull_config_to_json(const struct hull_config *config, char **ret_text, struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	char *text;

	if (hull_fields_to_json(&hull_config_fields, config, &json, err) < 0)
		return -1;
	text = hull_json_text(json);
	if (!text)
		return hull_fail_nomem(err);
	*ret_text = text;
	return 0;
}

/* "help" and "?" are words to QEMU that make it print and leave. */
bool hull_config_is_cpu_model(const char *s)
{
	return hull_is_word(s, "_.,+=:-") && strcmp(s, "help") != 0;
}

static int check_path(const char *path, const char *field, struct hull_error **err)
{
	if (path && *path != '/')
		return hull_fail(err, HULL_E_INVALID, "%s: '%s' is not an absolute path", field,
				 path);
	return 0;
}

static int check_identity(const struct hull_config *c, struct hull_error **err)
{
	if (c->version != HULL_CONFIG_VERSION)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "version: %" PRIu64 " is not known, only %d is", c->version,
				 HULL_CONFIG_VERSION);
	if (!c->id || strlen(c->id) != 32 || strspn(c->id, "0123456789abcdef") != 32)
		return hull_fail(err, HULL_E_INVALID,
				 "id: must be 32 lower-case hexadecimal digits");
	if (c->name && !hull_is_word(c->name, "_.-"))
		return hull_fail(err, HULL_E_INVALID,
				 "name: '%s' must be letters, digits, '_', '.' and '-' only, "
				 "beginning with a letter or digit",
				 c->name);
	if (!c->run_dir)
		return hull_fail(err, HULL_E_INVALID, "run_dir: missing");
	if (check_path(c->run_dir, "run_dir", err) < 0)
		return -1;
	return check_path(c->log_dir, "log_dir", err);
}

/* What it boots is on the disks. */
static int check_without_kernel(const struct hull_config *c, struct hull_error **err)
{
	const struct {
		bool there;
		const char *name;
	} others[] = {{c->kernel, "kernel"},
		      {c->initrd, "initrd"},
		      {c->append.n, "append"},
		      {c->modules, "modules"}};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].there)
			return hull_fail(err, HULL_E_INVALID,
					 "%s: firmware 'efi' boots what the disks hold, not this",
					 others[i].name);
	if (c->link == HULL_LINK_VSOCK)
		return hull_fail(
			err, HULL_E_INVALID,
			"link: 'vsock' needs an initrd, which firmware 'efi' is not given");
	return 0;
}

static int check_firmware(const struct hull_config *c, struct hull_error **err)
{
	const struct hull_firmware *f = &c->firmware;

	if (f->kind == HULL_FIRMWARE_NONE && (f->store || f->create || f->code || f->template))
		return hull_fail(err, HULL_E_INVALID,
				 "firmware.kind: to be 'efi' for the firmware's other fields");
	if (f->create && !f->store)
		return hull_fail(err, HULL_E_INVALID, "firmware.create: needs firmware.store");
	if (!f->code != !f->template)
		return hull_fail(err, HULL_E_INVALID,
				 "firmware.%s: missing, code and template belong together",
				 f->code ? "template" : "code");
	if (f->kind != HULL_FIRMWARE_NONE && c->machine == HULL_MACHINE_MICROVM)
		return hull_fail(err, HULL_E_INVALID,
				 "machine: 'microvm' has no place for firmware; 'q35' has");
	if (check_path(f->store, "firmware.store", err) < 0 ||
	    check_path(f->code, "firmware.code", err) < 0)
		return -1;
	return check_path(f->template, "firmware.template", err);
}

static int check_boot(const struct hull_config *c, struct hull_error **err)
{
	bool efi = c->firmware.kind == HULL_FIRMWARE_EFI;

	if (efi && check_without_kernel(c, err) < 0)
		return -1;
	if (!efi && !c->kernel && c->backend != HULL_BACKEND_MOCK)
		return hull_fail(err, HULL_E_INVALID, "kernel: missing");
	if (check_path(c->kernel, "kernel", err) < 0 || check_path(c->initrd, "initrd", err) < 0 ||
	    check_path(c->modules, "modules", err) < 0)
		return -1;
	if (c->modules && c->agent == HULL_AGENT_NONE)
		return hull_fail(err, HULL_E_INVALID,
				 "modules: need an agent in the guest to load them");
	if (c->link == HULL_LINK_VSOCK && c->agent == HULL_AGENT_NONE)
		return hull_fail(err, HULL_E_INVALID, "link: without an agent it leads nowhere");
	if (c->agent == HULL_AGENT_HULL && !c->initrd && !efi)
		return hull_fail(err, HULL_E_INVALID,
				 "initrd: missing, and agent 'hull' lives in it");
	if (c->agent == HULL_AGENT_NONE && c->root.kind != HULL_ROOT_NONE)
		return hull_fail(err, HULL_E_INVALID,
				 "root.kind: '%s' needs an agent in the guest to mount it",
				 hull_root_kind_names[c->root.kind]);
	if (c->arch != HULL_ARCH_HOST && c->root.kind == HULL_ROOT_HOST)
		return hull_fail(err, HULL_E_INVALID,
				 "root.kind: the host's programs are for %s, and this guest is %s",
				 hull_arch_names[HULL_ARCH_HOST], hull_arch_names[c->arch]);
	if (c->root.readonly && c->root.kind == HULL_ROOT_NONE)
		return hull_fail(
			err, HULL_E_INVALID,
			"root.readonly: with root.kind 'none' there is no root to protect");
	for (size_t i = 0; i < c->append.n; i++)
		if (hull_has_control(c->append.v[i], strlen(c->append.v[i])))
			return hull_fail(err, HULL_E_INVALID,
					 "append[%zu]: control characters are not allowed", i);
	return 0;
}

static int check_debug(const struct hull_config *c, struct hull_error **err)
{
	const struct hull_gdb *g = &c->gdb;

	if (check_path(g->path, "gdb.path", err) < 0 ||
	    check_path(c->panic_dump, "panic_dump", err) < 0)
		return -1;
	if (g->path && g->kind != HULL_GDB_SOCKET)
		return hull_fail(err, HULL_E_INVALID, "gdb.path: only with gdb.kind 'socket'");
	if (!g->port != (g->kind != HULL_GDB_TCP))
		return hull_fail(err, HULL_E_INVALID,
				 "gdb.port: to be given with gdb.kind 'tcp', and only then");
	return 0;
}

static int check_cloud_init(const struct hull_config *c, struct hull_error **err)
{
	const struct hull_cloud_init *ci = &c->cloud_init;

	if (ci->network_config && !ci->user_data && !ci->meta_data)
		return hull_fail(err, HULL_E_INVALID,
				 "cloud_init.network_config: needs user_data or meta_data");
	if (check_path(ci->user_data, "cloud_init.user_data", err) < 0 ||
	    check_path(ci->meta_data, "cloud_init.meta_data", err) < 0)
		return -1;
	return check_path(ci->network_config, "cloud_init.network_config", err);
}

static int check_rest(const struct hull_config *c, struct hull_error **err)
{
	return hull_rest_check(&c->rest, err);
}

static int check_hardware(const struct hull_config *c, struct hull_error **err)
{
	if (c->cpu_limit && c->cpu_limit < HULL_CONFIG_MIN_CPU_LIMIT)
		return hull_fail(err, HULL_E_INVALID, "cpu_limit: %d is the least",
				 HULL_CONFIG_MIN_CPU_LIMIT);
	if (c->machine != HULL_MACHINE_AUTO &&
	    (c->machine == HULL_MACHINE_VIRT) != (c->arch == HULL_ARCH_AARCH64))
		return hull_fail(err, HULL_E_INVALID, "machine: there is no '%s' of %s",
				 hull_machine_names[c->machine], hull_arch_names[c->arch]);
	if (c->memory_bytes % MIB)
		return hull_fail(err, HULL_E_INVALID, "memory: must be a multiple of 1 MiB");
	if (c->cpu_model && !hull_config_is_cpu_model(c->cpu_model))
		return hull_fail(err, HULL_E_INVALID, "cpu_model: '%s' is not a CPU model",
				 c->cpu_model);
	if (check_path(c->scratch_dir, "scratch_dir", err) < 0 ||
	    check_path(c->ignition, "ignition", err) < 0 ||
	    check_path(c->programs.qemu, "programs.qemu", err) < 0 ||
	    check_path(c->programs.virtiofsd, "programs.virtiofsd", err) < 0)
		return -1;
	return check_path(c->programs.passt, "programs.passt", err);
}

struct hull_disk *hull_config_scratch(const struct hull_config *config)
{
	for (size_t i = 0; i < config->disks.n; i++) {
		struct hull_disk *d = &config->disks.v[i];

		if (d->scratch_bytes && d->serial && !strcmp(d->serial, HULL_SCRATCH_SERIAL))
			return d;
	}
	return NULL;
}

size_t hull_config_count(const struct hull_config *config, enum hull_device_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < config->devices.n; i++)
		n += config->devices.v[i].kind == kind;
	return n;
}

const struct hull_device *hull_device_stdio(const struct hull_config *config)
{
	for (size_t i = 0; i < config->devices.n; i++)
		if (config->devices.v[i].kind == HULL_DEVICE_SERIAL &&
		    config->devices.v[i].serial.stdio)
			return &config->devices.v[i];
	return NULL;
}

static int check_serial_at(const struct hull_config *c, size_t i, struct hull_error **err)
{
	const struct hull_dev_serial *s = &c->devices.v[i].serial;

	if (s->log && *s->log != '/')
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].log: not an absolute path", i);
	if (s->stdio && hull_device_stdio(c) != &c->devices.v[i])
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].stdio: another device has the standard streams", i);
	return 0;
}

static int fail_device(struct hull_error **err, size_t i, const char *field, const char *text)
{
	return hull_fail(err, HULL_E_INVALID, "devices[%zu].%s: %s", i, field, text);
}

static const char *serial_of(const struct hull_device *d)
{
	if (hull_device_is_disk(d))
		return d->disk.id;
	return d->kind == HULL_DEVICE_NBD ? d->nbd.id : NULL;
}

static bool serial_is_taken(const struct hull_config *c, size_t i, const char *serial)
{
	for (size_t k = 0; k < c->disks.n; k++)
		if (c->disks.v[k].serial && !strcmp(serial, c->disks.v[k].serial))
			return true;
	for (size_t k = 0; k < i; k++)
		if (serial_of(&c->devices.v[k]) && !strcmp(serial, serial_of(&c->devices.v[k])))
			return true;
	return false;
}

static int check_nbd(const struct hull_dev_nbd *d, size_t i, struct hull_error **err)
{
	cleanup_nbd struct hull_nbd nbd = {0};

	if (!d->uri)
		return fail_device(err, i, "uri", "missing");
	return hull_nbd_parse(d->uri, &nbd, err) < 0 ? hull_prefix(err, "devices[%zu].uri", i) : 0;
}

/* What a device is made of goes on command lines of the hypervisor's. */
static int check_device_at(const struct hull_config *c, size_t i, struct hull_error **err)
{
	const struct hull_device *d = &c->devices.v[i];
	const char *id = serial_of(d);

	if (hull_device_is_disk(d) && (!d->disk.path || *d->disk.path != '/'))
		return fail_device(err, i, "path",
				   d->disk.path ? "not an absolute path" : "missing");
	if (id && (strlen(id) > HULL_DISK_SERIAL_MAX || !hull_is_word(id, "_.-")))
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].id: must be at most %d letters, digits, '_', '.' "
				 "and '-'",
				 i, HULL_DISK_SERIAL_MAX);
	if (id && serial_is_taken(c, i, id))
		return fail_device(err, i, "id", "same as that of another disk");
	switch (d->kind) {
	case HULL_DEVICE_SERIAL:
		return check_serial_at(c, i, err);
	case HULL_DEVICE_NET:
		return hull_network_device_check(c, i, err);
	case HULL_DEVICE_FS:
		return hull_fs_device_check(c, i, err);
	case HULL_DEVICE_NBD:
		return check_nbd(&d->nbd, i, err);
	case HULL_DEVICE_VSOCK:
		return hull_vports_device_check(c, i, err);
	default:
		return 0;
	}
}

static int fail_share(struct hull_error **err, size_t i, const char *field, const char *text)
{
	return hull_fail(err, HULL_E_INVALID, "shares[%zu].%s: %s", i, field, text);
}

/* These are the guest's own, and so is what the agent keeps. */
static bool is_reserved(const char *target)
{
	static const char *const reserved[] = {"/proc", "/sys", "/dev", "/run/hull"};

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		size_t len = strlen(reserved[i]);

		if (!strncmp(target, reserved[i], len) && (!target[len] || target[len] == '/'))
			return true;
	}
	return false;
}

static int check_share_at(const struct hull_config *c, size_t i, struct hull_error **err)
{
	const struct hull_share *s = &c->shares.v[i];

	if (c->agent == HULL_AGENT_NONE)
		return fail_share(err, i, "target", "needs an agent in the guest to mount it");
	if (!s->source || *s->source != '/')
		return fail_share(err, i, "source", "not an absolute path");
	if (!s->target || *s->target != '/')
		return fail_share(err, i, "target", "not an absolute path");
	if (!s->target[1])
		return fail_share(err, i, "target", "the root itself can't be a share");
	if (strstr(s->target, "/../") || strstr(s->target, "/./") || strstr(s->target, "//") ||
	    s->target[strlen(s->target) - 1] == '/')
		return fail_share(err, i, "target", "not in its plain form");
	if (is_reserved(s->target))
		return fail_share(err, i, "target",
				  "/proc, /sys, /dev and /run/hull are the guest's own");
	for (size_t k = 0; k < i; k++)
		if (!strcmp(c->shares.v[k].target, s->target))
			return fail_share(err, i, "target", "same as that of another share");
	return 0;
}

/* Each finds one problem of the whole, or of an item of one of its lists. */
static int (*const whole_checks[])(const struct hull_config *c, struct hull_error **err) = {
	check_identity,	      check_firmware,	 check_boot,	    check_debug,
	check_hardware,	      check_rest,	 check_cloud_init,  hull_vports_check,
	hull_resources_check, hull_policy_check, hull_display_check};
#define LIST(member) offsetof(struct hull_config, member.n)
static const struct {
	size_t n; /* offset of the list's length */
	int (*check)(const struct hull_config *c, size_t i, struct hull_error **err);
} item_checks[] = {
	{LIST(disks), hull_disk_check_at},
	{LIST(devices), check_device_at},
	{LIST(shares), check_share_at},
	{LIST(networks), hull_network_check},
};

/* @found returns whether to go on; it takes the error. */
static int run_checks(const struct hull_config *c, bool (*found)(void *ctx, struct hull_error *err),
		      void *ctx)
{
	struct hull_error *err = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(whole_checks); i++)
		if (whole_checks[i](c, &err) < 0 && !found(ctx, steal_ptr(&err)))
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(item_checks); i++) {
		size_t n = *(const size_t *)((const char *)c + item_checks[i].n);

		for (size_t k = 0; k < n; k++)
			if (item_checks[i].check(c, k, &err) < 0 && !found(ctx, steal_ptr(&err)))
				return -1;
	}
	return 0;
}

static bool stop_at(void *ctx, struct hull_error *err)
{
	*(struct hull_error **)ctx = err;
	return false;
}

int hull_config_validate(const struct hull_config *config, struct hull_error **err)
{
	cleanup_error struct hull_error *first = NULL;

	if (run_checks(config, stop_at, &first) == 0)
		return 0;
	if (err)
		hull_error_move(err, &first);
	return hull_prefix(err, "VM description");
}

static bool list_it(void *ctx, struct hull_error *err)
{
	struct hull_strv *problems = ctx;

	(void)hull_problem_add(problems, err); /* marks the list failed */
	hull_error_free(err);
	return true;
}

int hull_config_problems(const struct hull_config *config, struct hull_strv *problems,
			 struct hull_error **err)
{
	(void)run_checks(config, list_it, problems);
	return problems->failed ? hull_fail_nomem(err) : 0;
}

int hull_config_read_user(const char *text, size_t len, const char *dir,
			  struct hull_config *ret_config, struct hull_strv *problems,
			  struct hull_error **err)
{
	const struct hull_field_where whole = {.problems = problems, .user = true};
	cleanup_json struct hull_json *json = NULL;

	if (hull_json_parse(text, len, &json, err) < 0 || check_version(json, err) < 0 ||
	    hull_fields_from_json(&hull_config_fields, ret_config, json, &whole, err) < 0)
		return -1;
	if (dir && hull_fields_resolve(&hull_config_fields, ret_config, dir) < 0)
		return hull_fail_nomem(err);
	return 0;
}
