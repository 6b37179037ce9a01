/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that describe a machine: those of "hull run" and "hull create".
 */
#ifndef HULL_CLI_MACHINE_OPTS_H
#define HULL_CLI_MACHINE_OPTS_H

#include "cli/cli.h"
#include "config/settings.h"

enum hull_machine_net {
	HULL_MACHINE_NET_UNSAID,
	HULL_MACHINE_NET_NONE,
	HULL_MACHINE_NET_USER, /* plus the provider */
};

struct hull_machine_opts {
	const struct hull_settings *settings; /* borrowed: what the options leave out */
	struct hull_config config;
	bool root_said, agent_said;
	char *here; /* where --here is in the guest; owned; NULL: not said */
	enum hull_machine_net net;
	enum hull_network_provider provider; /* of what was said */
	HULL_VEC(struct hull_port) ports;    /* moved to the config in the end */
};

enum {
	HULL_OPT_KERNEL = 256,
	HULL_OPT_INITRD,
	HULL_OPT_APPEND,
	HULL_OPT_AGENT,
	HULL_OPT_BOOT_TIMEOUT,
	HULL_OPT_SCRATCH,
	HULL_OPT_MACHINE,
	HULL_OPT_ACCEL,
	HULL_OPT_CPU,
	HULL_OPT_NAME,
	HULL_OPT_ROOT,
	HULL_OPT_HERE,
	HULL_OPT_SHARE_CACHE,
	HULL_OPT_SHARE_DRIVER,
	HULL_OPT_LINK,
	HULL_OPT_DEVICE,
	HULL_OPT_DISPLAY,
	HULL_OPT_READ_ONLY,
	HULL_OPT_CPU_LIMIT,
	HULL_OPT_NET,
	HULL_OPT_MODULES,
	HULL_OPT_DUMP_ON_PANIC,
	HULL_OPT_RESTFUL_URI,
	HULL_OPT_ARCH,
	HULL_OPT_FIRMWARE,
	HULL_OPT_IGNITION,
	HULL_OPT_TIMESYNC,
	HULL_OPT_CLOUD_INIT,
	HULL_OPT_MEMORY_BACKING,
	HULL_OPT_CPUS_MAX,
	HULL_OPT_IOMMU,
	HULL_OPT_CPU_FEATURE,
	HULL_OPT_MEMORY_MAX,
	HULL_OPT_MEMORY_SLOTS,
	HULL_OPT_ON_REBOOT,
	HULL_OPT_ISOLATION,
	HULL_OPT_RESTART,
	HULL_OPT_CONFIG,
	HULL_OPT_CONSOLE,
	HULL_OPT_GDB,
};

/* Rows of option tables: all but those that are of use only to who starts the machine, CONSOLE and
 * GDB, which hull_machine_opt() takes as well. */
#define HULL_MACHINE_OPTS                                                                          \
	{'v', "volume", "SOURCE:TARGET[:ro]",                                                      \
	 "share a directory or file of the host, or a named volume", "Files"},                     \
		{HULL_OPT_HERE, "here", NULL,                                                      \
		 "share the current directory, writable, and start in it", NULL},                  \
		{HULL_OPT_SHARE_CACHE, "share-cache", "MODE",                                      \
		 "how long the guest trusts what it has read of shares: strict, auto, always or "  \
		 "none",                                                                           \
		 NULL},                                                                            \
		{HULL_OPT_SHARE_DRIVER, "share-driver", "KIND",                                    \
		 "auto, virtiofs or 9p: how the host's directories get there", NULL},              \
		{HULL_OPT_CONFIG, "config", "FILE",                                                \
		 "the machine that FILE describes; the other options change it",                   \
		 "Virtual machine"},                                                               \
		{'c', "cpus", "N", "virtual CPUs (default 1)", NULL},                              \
		{HULL_OPT_CPUS_MAX, "cpus-max", "N",                                               \
		 "as many as there may be later (default no more)", NULL},                         \
		{HULL_OPT_CPU_LIMIT, "cpu-limit", "N",                                             \
		 "at most so much of the host's CPUs, e.g. 0.5 or 2", NULL},                       \
		{'m', "memory", "SIZE", "memory, e.g. 512M or 2G (default 512M)", NULL},           \
		{HULL_OPT_MEMORY_MAX, "memory-max", "SIZE",                                        \
		 "as much as there may be later (default no more)", NULL},                         \
		{HULL_OPT_MEMORY_SLOTS, "memory-slots", "N",                                       \
		 "pieces that it may come in (default 8)", NULL},                                  \
		{HULL_OPT_MEMORY_BACKING, "memory-backing", "WORD[,WORD...]",                      \
		 "what it is made of: prealloc, hugepages[=SIZE], lock, dir=DIR", NULL},           \
		{HULL_OPT_SCRATCH, "scratch", "SIZE",                                              \
		 "put the root's changes on a throwaway disk, not in memory", NULL},               \
		{HULL_OPT_READ_ONLY, "read-only", NULL,                                            \
		 "refuse writes to the root; /tmp, /run, /dev/shm take them", NULL},               \
		{HULL_OPT_ARCH, "arch", "ARCH",                                                    \
		 "x86_64 or aarch64 (default this host's; others are emulated)", NULL},            \
		{HULL_OPT_ACCEL, "accel", "KIND", "auto, kvm or tcg (default auto)", NULL},        \
		{HULL_OPT_MACHINE, "machine", "TYPE", "auto, q35, microvm or virt (default auto)", \
		 NULL},                                                                            \
		{HULL_OPT_FIRMWARE, "firmware", "efi[,store=FILE[,create]]",                       \
		 "boot what the disks hold; the store keeps the firmware's variables", NULL},      \
		{HULL_OPT_CLOUD_INIT, "cloud-init", "FILE[,FILE...]",                              \
		 "user-data, meta-data and network-config, on a disk for cloud-init", NULL},       \
		{HULL_OPT_IGNITION, "ignition", "FILE",                                            \
		 "serve the guest this Ignition file, over vsock", NULL},                          \
		{HULL_OPT_TIMESYNC, "timesync", "vsockPort=N",                                     \
		 "tell the guest's qemu-guest-agent the time when the host's clock jumps", NULL},  \
		{HULL_OPT_CPU, "cpu", "MODEL", "CPU model of the hypervisor, e.g. max", NULL},     \
		{HULL_OPT_CPU_FEATURE, "cpu-feature", "+NAME|-NAME,...",                           \
		 "what the model is to have, or to lack", NULL},                                   \
		{HULL_OPT_IOMMU, "iommu", "KIND",                                                  \
		 "none, intel (q35) or smmuv3 (virt) (default none)", NULL},                       \
		{HULL_OPT_DEVICE, "device", "KIND[,KEY=VALUE...]",                                 \
		 "one more device, in vfkit's words: see hull-config(1)", NULL},                   \
		{HULL_OPT_DISPLAY, "display", "[=none|=PORT|=PATH]",                               \
		 "show the guest's screen by VNC, on a private socket, or on a port", NULL},       \
		{HULL_OPT_LINK, "link", "KIND",                                                    \
		 "serial, or vsock: the host's vhost-vsock, to its agent (default serial)", NULL}, \
		{HULL_OPT_NAME, "name", "NAME", "name of the VM", NULL},                           \
		{HULL_OPT_BOOT_TIMEOUT, "boot-timeout", "TIME",                                    \
		 "give the guest this long to boot (default 60s)", NULL},                          \
		{HULL_OPT_ON_REBOOT, "on-reboot", "WHAT",                                          \
		 "end, or reboot: the guest goes on in the same machine (default for --firmware)", \
		 NULL},                                                                            \
		{HULL_OPT_ISOLATION, "isolation", "KIND",                                          \
		 "normal, or strict: nothing is shared with other VMs, memory neither", NULL},     \
		{HULL_OPT_RESTART, "restart", "POLICY",                                            \
		 "no, on-failure[:N] or always: what follows when the machine has ended by "       \
		 "itself",                                                                         \
		 NULL},                                                                            \
		{HULL_OPT_RESTFUL_URI, "restful-uri", "URI",                                       \
		 "serve vfkit's REST interface at unix:///PATH or tcp://localhost:PORT", NULL},    \
		{HULL_OPT_NET, "net", "KIND",                                                      \
		 "user (by passt, or builtin), or none: no network (default user)", "Network"},    \
		{'p', "publish", "PORTS",                                                          \
		 "lead host ports to the guest: [ADDRESS:]HOST[-LAST][:GUEST[-LAST]][/udp]",       \
		 NULL},                                                                            \
		{HULL_OPT_KERNEL, "kernel", "FILE",                                                \
		 "boot this vmlinuz or vmlinux instead of hull's", "Kernel"},                      \
		{HULL_OPT_INITRD, "initrd", "FILE", "with this initramfs", NULL},                  \
		{HULL_OPT_MODULES, "modules", "DIR",                                               \
		 "with this kernel's modules: lib/modules/VERSION", NULL},                         \
		{HULL_OPT_APPEND, "append", "WORDS", "add to the kernel command line", NULL},      \
		{HULL_OPT_DUMP_ON_PANIC, "dump-on-panic", "FILE",                                  \
		 "write the guest's memory there if its kernel panics", NULL},                     \
		{HULL_OPT_AGENT, "agent", "KIND",                                                  \
		 "hull, or none: just boot the kernel on the console", NULL},                      \
	{                                                                                          \
		HULL_OPT_ROOT, "root", "KIND",                                                     \
			"host: the host's system directories; none: the initramfs", NULL           \
	}

/* What is so unless options say otherwise: hull's own choice, settings, the descriptions of @files,
 * which
 * --config names: they count wherever it stands. */
int hull_machine_opts_begin(struct hull_machine_opts *o, const struct hull_strv *files,
			    struct hull_error **err);
/* 0 or -1. */
int hull_machine_opt(struct hull_machine_opts *o, const struct hull_opt *opt, const char *value,
		     struct hull_error **err);
/* What follows from all of them together. */
int hull_machine_opts_complete(struct hull_machine_opts *o, struct hull_error **err);
/* Also of one that is zero. */
void hull_machine_opts_fini(struct hull_machine_opts *o);

#endif
