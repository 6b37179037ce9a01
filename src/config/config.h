/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of a VM: everything its monitor needs to know, and nothing that could be found
 * out only later.  It travels as strict, versioned JSON.
 *
 * Strings are NULL when empty (field.h).  Zeroed memory can be finished; only an initialised
 * object has the defaults.
 */
#ifndef HULL_CONFIG_CONFIG_H
#define HULL_CONFIG_CONFIG_H

#include "base/error.h"
#include "base/vec.h"
#include "config/device.h"
#include "config/field.h"
#include "config/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define HULL_CONFIG_VERSION 1

#define HULL_CONFIG_MAX_CPUS 256
#define HULL_CONFIG_MAX_CPU_FEATURES 64
#define HULL_CONFIG_MAX_MEMORY_SLOTS 256 /* ACPI knows no more */
#define HULL_CONFIG_MIN_CPU_LIMIT 10	 /* thousandths: the kernel counts no less */
#define HULL_CONFIG_MAX_DISKS 16
#define HULL_CONFIG_MAX_DEVICES 32
#define HULL_CONFIG_MAX_SHARES 64
#define HULL_CONFIG_MAX_NETWORKS 4
#define HULL_CONFIG_MAX_PORTS 64
#define HULL_CONFIG_MAX_SOCKET 107 /* what the kernel allows a socket path */
/* Longest run_dir: what the kernel allows a socket path, less the longest name in it. */
#define HULL_CONFIG_MAX_RUN_DIR 90

enum hull_backend_kind { HULL_BACKEND_QEMU, HULL_BACKEND_MOCK };
enum hull_arch { HULL_ARCH_X86_64, HULL_ARCH_AARCH64 };
#ifdef __aarch64__
#define HULL_ARCH_HOST HULL_ARCH_AARCH64
#else
#define HULL_ARCH_HOST HULL_ARCH_X86_64
#endif
/* Virt is aarch64's, the others are x86_64's. */
enum hull_machine {
	HULL_MACHINE_AUTO,
	HULL_MACHINE_Q35,
	HULL_MACHINE_MICROVM,
	HULL_MACHINE_VIRT,
};
enum hull_accel { HULL_ACCEL_AUTO, HULL_ACCEL_KVM, HULL_ACCEL_TCG };
enum hull_agent { HULL_AGENT_HULL, HULL_AGENT_NONE };
/* What leads to the agent: two ports of the machine, or the kernel's vhost-vsock, which makes the
 * guest dial-able by whoever knows the VM's token. */
enum hull_link_kind { HULL_LINK_SERIAL, HULL_LINK_VSOCK };
enum hull_disk_format { HULL_DISK_RAW, HULL_DISK_QCOW2 };
enum hull_root_kind { HULL_ROOT_NONE, HULL_ROOT_HOST };
/* How long the guest trusts what it has read of the host:
 *   strict  files are kept in memory, but asked about each time they are used
 *   auto    names and sizes may be a second old
 *   always  for ever: nothing changes on the host meanwhile
 *   none    nothing is kept; files can't be mapped shared */
enum hull_share_cache {
	HULL_SHARE_CACHE_STRICT,
	HULL_SHARE_CACHE_AUTO,
	HULL_SHARE_CACHE_ALWAYS,
	HULL_SHARE_CACHE_NONE,
};
/* Who serves the host's directories: daemons (virtiofsd), or the hypervisor itself over 9p, for
 * ordinary users who can't make user namespaces.  Auto is the first where it works. */
enum hull_share_driver {
	HULL_SHARE_DRIVER_AUTO,
	HULL_SHARE_DRIVER_VIRTIOFS,
	HULL_SHARE_DRIVER_NINEP,
};
enum hull_network_kind { HULL_NETWORK_USER };
/* Who carries a user network: passt, or the hypervisor itself.  Auto is passt where it is installed
 * and works. */
enum hull_network_provider {
	HULL_NETWORK_AUTO,
	HULL_NETWORK_PASST,
	HULL_NETWORK_BUILTIN,
};
/* Where a debugger finds the guest, whose kernel waits for it before its first instruction: a
 * socket's file, or a TCP port of the loopback. */
enum hull_gdb_kind { HULL_GDB_NONE, HULL_GDB_SOCKET, HULL_GDB_TCP };
/* Whether the guest's screens can be looked at, by VNC.  Auto: if one of them asks for a window. */
enum hull_display_kind { HULL_DISPLAY_AUTO, HULL_DISPLAY_NONE, HULL_DISPLAY_VNC };
enum hull_protocol { HULL_PROTOCOL_TCP, HULL_PROTOCOL_UDP };
/* What keeps devices to the memory that the guest gives them: intel is of q35, smmuv3 of virt. */
enum hull_iommu { HULL_IOMMU_NONE, HULL_IOMMU_INTEL, HULL_IOMMU_SMMUV3 };
/* None: the hypervisor loads the kernel.  Efi: what a UEFI finds on the disks is booted. */
enum hull_firmware_kind { HULL_FIRMWARE_NONE, HULL_FIRMWARE_EFI };

struct hull_root {
	enum hull_root_kind kind;
	enum hull_share_cache cache;
	bool readonly;
};

/* A throwaway disk of this serial number takes what is written to the root. */
#define HULL_SCRATCH_SERIAL "hull-scratch"

struct hull_disk {
	char *path; /* exclusive with scratch_bytes */
	enum hull_disk_format format;
	bool readonly;
	char *serial;
	uint64_t scratch_bytes; /* != 0: an empty disk of that size that nobody sees afterwards */
	/* As of hull_dev_disk: */
	char *cache, *aio;
	uint64_t queues;
	bool iothread;
	bool discard;
};

/* A directory or file of the host.  What the guest makes in it belongs to whoever owns the source,
 * and the guest sees what that one owns as its own: owner_uid and owner_gid. */
struct hull_share {
	char *source; /* absolute, on the host */
	char *target; /* absolute, in the guest's root */
	bool readonly;
};

/* What the guest's memory is made of.  If anything is said here it is a file of the monitor's,
 * which the hypervisor shares. */
#define HULL_HUGEPAGES_HOST 1
struct hull_memory_backing {
	bool prealloc;	    /* all of it is there before the guest starts */
	uint64_t hugepages; /* of so many bytes each; 0: usual pages; HOST: as the host has them */
	bool lock;	    /* all of it is there before, and stays in the host's memory */
	char *dir;	    /* a file there, without a name; NULL: in memory */
};

/* Connections to the host's ports are passed on to the guest's. */
struct hull_port {
	char *address; /* of the host, v4 or v6; NULL: loopback, both */
	uint64_t host, guest;
	uint64_t count; /* that many ports from there */
	enum hull_protocol protocol;
};

struct hull_network {
	enum hull_network_kind kind;
	enum hull_network_provider provider;
	char *mac; /* NULL: one that is derived from the VM's id */
	HULL_VEC(struct hull_port) ports;
};

struct hull_gdb {
	enum hull_gdb_kind kind;
	char *path;    /* socket; NULL: gdb.sock in the run directory */
	uint64_t port; /* tcp */
};

struct hull_display {
	enum hull_display_kind kind;
	char *path;    /* of a socket; NULL, and no port: vnc.sock in the run directory */
	uint64_t port; /* of the loopback */
};

struct hull_firmware {
	enum hull_firmware_kind kind;
	char *store;	/* file of its variables; NULL: they are forgotten at the end */
	bool create;	/* the store is made where there is none; one that is there is kept */
	char *code;	/* NULL, both: look the usual places through */
	char *template; /* what a new store is a copy of */
};

/* Where vfkit's REST service is found, if there is one: see resturi.h. */
enum hull_rest_kind { HULL_REST_NONE, HULL_REST_UNIX, HULL_REST_TCP };
struct hull_rest {
	enum hull_rest_kind kind;
	char *path;    /* unix */
	char *address; /* tcp; NULL or "localhost": the loopback */
	uint64_t port; /* tcp; 0: one that is free */
};

/* Files for cloud-init in the guest, which finds them on a disk (NoCloud). */
struct hull_cloud_init {
	char *user_data, *meta_data; /* one of them is needed */
	char *network_config;
};

/* "" means: look the usual places through. */
struct hull_programs {
	char *qemu;
	char *virtiofsd;
	char *passt;
};

struct hull_config {
	uint64_t version;
	char *id; /* 32 lower-case hex digits */
	char *name;
	uint64_t cpus;
	uint64_t cpus_max; /* that there may be; 0: cpus */
	uint64_t memory_bytes;
	uint64_t memory_max_bytes; /* that there may be; 0: memory_bytes */
	uint64_t memory_slots;	   /* pieces it may come in */
	struct hull_memory_backing memory_backing;
	uint64_t cpu_limit; /* thousandths of a host CPU for all of the VM; 0: none */
	enum hull_backend_kind backend;
	enum hull_arch arch;
	enum hull_machine machine;
	enum hull_accel accel;
	char *cpu_model;	       /* NULL: the backend's choice */
	struct hull_strv cpu_features; /* "+svm", "-avx": switched on and off */
	enum hull_iommu iommu;
	struct hull_firmware firmware;
	char *kernel;
	char *initrd;
	char *modules; /* directory of modules for this kernel; NULL: those of the initrd */
	struct hull_strv append; /* words after the ones hull needs */
	struct hull_gdb gdb;
	char *panic_dump; /* file for the guest's memory when its kernel panics; NULL: none */
	bool progress;	  /* of long work, on the starter's terminal */
	enum hull_agent agent;
	enum hull_link_kind link; /* to the agent */
	bool console;		  /* forwarded to the client, not only logged */
	struct hull_root root;
	HULL_VEC(struct hull_disk) disks;
	HULL_VEC(struct hull_share) shares;
	enum hull_share_driver share_driver; /* of the root too */
	enum hull_share_cache share_cache;
	uint64_t owner_uid, owner_gid; /* in the guest, of the shares' files */
	HULL_VEC(struct hull_network) networks;
	HULL_VEC(struct hull_device) devices; /* beside those above */
	struct hull_display display;
	struct hull_cloud_init cloud_init;
	char *ignition; /* file that the guest gets by HTTP, over vsock; NULL: none */
	struct hull_timesync timesync; /* port 0: none; not of use to hull's own agent */
	bool rng;
	char *rng_source; /* device whose bytes it passes on; NULL: the host's kernel */
	bool seccomp;
	bool tied; /* stops when the starter's connection closes */
	uint64_t boot_timeout_ms;
	enum hull_on_reboot on_reboot;
	enum hull_isolation isolation;
	struct hull_restart restart;
	char *run_dir;
	char *log_dir;	   /* of the console's log, if it is to be kept; NULL: run_dir */
	char *scratch_dir; /* NULL: /var/tmp */
	struct hull_rest rest;
	struct hull_programs programs;
};

extern const struct hull_fields hull_config_fields;

/* Name tables, each ended by NULL and indexed by its enum. */
extern const char *const hull_backend_kind_names[];
extern const char *const hull_arch_names[];
extern const char *const hull_machine_names[];
extern const char *const hull_accel_names[];
extern const char *const hull_agent_names[];
extern const char *const hull_link_kind_names[];
extern const char *const hull_disk_format_names[];
extern const char *const hull_root_kind_names[];
extern const char *const hull_share_cache_names[];
extern const char *const hull_share_driver_names[];
extern const char *const hull_network_kind_names[];
extern const char *const hull_network_provider_names[];
extern const char *const hull_protocol_names[];
extern const char *const hull_gdb_kind_names[];
extern const char *const hull_display_kind_names[];
extern const char *const hull_firmware_kind_names[];
extern const char *const hull_rest_kind_names[];
extern const char *const hull_iommu_names[];

void hull_config_init(struct hull_config *config);
void hull_config_fini(struct hull_config *config);
#define cleanup_config __attribute__((cleanup(hull_config_fini)))

/* The throwaway disk for what is written to the root, which needs a file system; NULL: memory takes
 * it.  Others are empty, and the guest's affair. */
struct hull_disk *hull_config_scratch(const struct hull_config *config);
/* How many of a kind its list of devices has. */
size_t hull_config_count(const struct hull_config *config, enum hull_device_kind kind);
/* The console of the list of devices that has the standard streams of whoever starts the VM; NULL:
 * none has. */
const struct hull_device *hull_device_stdio(const struct hull_config *config);

/* Whether it can be one, by its form. */
bool hull_config_is_cpu_model(const char *s);

/* Initialises *ret_config, on failure too.  What fits no field is an error; whether the fields fit
 * each other is hull_config_validate()'s affair. */
int hull_config_from_json(const char *text, size_t len, struct hull_config *ret_config,
			  struct hull_error **err);
/* Compact text; the caller frees it. */
int hull_config_to_json(const struct hull_config *config, char **ret_text, struct hull_error **err);

/* Whether a VM can be started from it: what must be there is there, and nothing contradicts. */
int hull_config_validate(const struct hull_config *config, struct hull_error **err);
/* Everything that speaks against it, a line each. */
int hull_config_problems(const struct hull_config *config, struct hull_strv *problems,
			 struct hull_error **err);
/* A description that a user has written, into an initialised config: without the fields that are
 * ours to fill in; relative paths are in @dir, or stay as they are where that is NULL.  @problems,
 * unless NULL, gets all that is wrong with single fields, and the error only what keeps us from
 * reading on. */
int hull_config_read_user(const char *text, size_t len, const char *dir,
			  struct hull_config *ret_config, struct hull_strv *problems,
			  struct hull_error **err);

#endif
