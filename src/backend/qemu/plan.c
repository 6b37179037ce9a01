/* SPDX-License-Identifier: Apache-2.0
 *
 * QEMU's command line, in the order in which a reader would describe the machine: process,
 * machine, memory, processors, what it boots, devices.
 */
#define _GNU_SOURCE
#include "backend/qemu/plan.h"

#include "backend/backend.h"
#include "backend/qemu/plan-build.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/display.h"
#include "config/forward.h"
#include "config/network.h"
#include "config/resources.h"
#include "config/vports.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MICROVM_LAST_BUS 23
#define Q35_ROOT 3
#define Q35_SHARES 5
#define Q35_NETWORKS 6

#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

const char *const hull_qemu_fd_names[] = {
	"qmp",	  "console", "ctl",    "bulk", "root",	"share", "export", "net",
	"memory", "kernel",  "initrd", "code", "store", "gdb",	 "vsock",  "vports",
	"disk",	  "device",  "part",   "nbd",  "rng",	NULL};
static_assert(ARRAY_SIZE(hull_qemu_fd_names) == HULL_QEMU_FD_RNG + 2, "one name for each role");

void hull_plan_add(struct hull_plan *b, const char *option, const char *value)
{
	hull_strv_add(&b->plan->argv, option);
	hull_strv_add(&b->plan->argv, value);
}

void hull_plan_addf(struct hull_plan *b, const char *option, const char *fmt, ...)
{
	char *value = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	hull_strv_add(&b->plan->argv, option);
	hull_strv_take(&b->plan->argv, n < 0 ? NULL : value);
}

int hull_plan_fd(struct hull_plan *b, enum hull_qemu_fd_role role, size_t index)
{
	struct hull_qemu_fd *fd = hull_vec_push(&b->plan->fds);

	if (!fd) {
		b->failed = true;
		return -1;
	}
	*fd = (struct hull_qemu_fd){.role = role, .index = index, .number = b->next_fd++};
	return fd->number;
}

bool hull_plan_is_microvm(const struct hull_plan *b)
{
	return b->plan->machine == HULL_MACHINE_MICROVM;
}

static bool has_root_daemon(const struct hull_plan *b)
{
	return b->config->root.kind != HULL_ROOT_NONE &&
	       b->config->share_driver != HULL_SHARE_DRIVER_NINEP;
}

/* vhost-user daemons map the guest's memory. */
static bool has_daemons(const struct hull_plan *b)
{
	return has_root_daemon(b) || b->host->n_shares ||
	       hull_config_count(b->config, HULL_DEVICE_FS) || hull_vports_wanted(b->config);
}

/* Without "disable-legacy" QEMU would offer both generations to a device on the root bus. */
void hull_plan_virtio(struct hull_plan *b, const char *what, const char *slot,
		      const char *properties)
{
	/* vhost-user-fs has no legacy form, nor the property. */
	bool modern_only = !strcmp(what, "vhost-user-fs");

	if (hull_plan_is_microvm(b)) {
		assert(b->next_bus > 0);
		hull_plan_addf(b, "-device", "%s-device,bus=virtio-mmio-bus.%d%s", what,
			       b->next_bus--, properties);
	} else {
		hull_plan_addf(b, "-device", "%s-pci,bus=pcie.0,addr=%s%s%s", what, slot,
			       modern_only ? "" : ",disable-legacy=on", properties);
	}
}

void hull_plan_virtio_nth(struct hull_plan *b, const char *what, int slot, size_t nth,
			  const char *properties)
{
	char text[64];

	snprintf(text, sizeof(text), "%#x.%zx%s", (unsigned int)slot, nth,
		 nth ? "" : ",multifunction=on");
	hull_plan_virtio(b, what, text, properties);
}

/* Where it is not QEMU's own: then it can be handed to daemons, and is what the description says.
 */
static bool has_memory_file(const struct hull_plan *b)
{
	return has_daemons(b) || hull_memory_backing_is_set(&b->config->memory_backing);
}

static void add_process(struct hull_plan *b)
{
	int qmp = hull_plan_fd(b, HULL_QEMU_FD_QMP, 0);

	hull_strv_add(&b->plan->argv, b->host->binary);
	hull_plan_addf(b, "-name", "hull-%.12s", b->config->id ? b->config->id : "0");
	hull_strv_add(&b->plan->argv, "-nodefaults");
	hull_strv_add(&b->plan->argv, "-no-user-config");
	hull_plan_add(b, "-display", "none");
	if (hull_display_wanted(b->config))
		hull_plan_add(b, "-vnc", "none");    /* until it is told where, see drive.c */
	hull_strv_add(&b->plan->argv, "-no-reboot"); /* unless we reset it */
	hull_strv_add(&b->plan->argv, "-S");	     /* until "cont" */
	if (b->config->seccomp)
		hull_plan_add(b, "-sandbox", SANDBOX);
	hull_plan_addf(b, "-chardev", "socket,id=qmp,fd=%d", qmp);
	hull_plan_add(b, "-mon", "chardev=qmp,mode=control");
}

static bool has_firmware(const struct hull_plan *b)
{
	return b->config->firmware.kind != HULL_FIRMWARE_NONE;
}

static void add_machine(struct hull_plan *b)
{
	hull_plan_addf(b, "-machine", "%s%s%s%s%s", b->arch->machines[b->plan->machine],
		       b->config->isolation == HULL_ISOLATION_STRICT ? ",mem-merge=off" : "",
		       b->config->iommu == HULL_IOMMU_SMMUV3 ? ",iommu=smmuv3" : "",
		       has_memory_file(b) ? ",memory-backend=mem" : "",
		       has_firmware(b) ? ",pflash0=code,pflash1=store" : "");
	/* vhost-user devices speak modern virtio only, and it is the quicker one. */
	if (hull_plan_is_microvm(b))
		hull_plan_add(b, "-global", "virtio-mmio.force-legacy=false");
	hull_plan_addf(b, "-accel", "%s%s", hull_accel_names[b->host->accel],
		       b->host->in_turn ? ",thread=single" : "");
	/* Before any device that it might have to do with. */
	if (b->config->iommu == HULL_IOMMU_INTEL)
		hull_plan_add(b, "-device", "intel-iommu");
}

/* The file is one of ours, see memory.h. */
static void add_memory(struct hull_plan *b)
{
	const struct hull_config *c = b->config;
	uint64_t mib = c->memory_bytes >> 20;

	if (c->memory_max_bytes > c->memory_bytes)
		hull_plan_addf(b, "-m", "size=%" PRIu64 "M,slots=%" PRIu64 ",maxmem=%" PRIu64 "M",
			       mib, c->memory_slots, c->memory_max_bytes >> 20);
	else
		hull_plan_addf(b, "-m", "%" PRIu64 "M", mib);
	if (has_memory_file(b))
		hull_plan_addf(b, "-object",
			       "memory-backend-file,id=mem,size=%" PRIu64
			       "M,share=on,mem-path=/proc/self/fd/%d",
			       mib, hull_plan_fd(b, HULL_QEMU_FD_MEMORY, 0));
}

static void add_processors(struct hull_plan *b)
{
	cleanup_strbuf struct hull_strbuf cpu = HULL_STRBUF_INIT;
	const struct hull_strv *features = &b->config->cpu_features;
	const char *model = b->config->cpu_model;

	if (!model)
		model = b->host->accel == HULL_ACCEL_KVM ? "host" : b->arch->tcg_cpu;
	hull_strbuf_adds(&cpu, model);
	for (size_t i = 0; i < features->n; i++) {
		const char *name = features->v[i] + 1;

		if (b->arch->cpu_signs)
			hull_strbuf_addf(&cpu, ",%s", features->v[i]);
		else
			hull_strbuf_addf(&cpu, ",%s=%s", name, name[-1] == '+' ? "on" : "off");
	}
	b->failed |= cpu.failed;
	hull_plan_add(b, "-cpu", hull_strbuf_str(&cpu));
	if (b->config->cpus_max > b->config->cpus)
		hull_plan_addf(b, "-smp", "cpus=%" PRIu64 ",maxcpus=%" PRIu64, b->config->cpus,
			       b->config->cpus_max);
	else
		hull_plan_addf(b, "-smp", "%" PRIu64, b->config->cpus);
}

/* For our own kernel, whose needs we know: "quiet" keeps the console for what matters (a panic is
 * printed all the same), and "cryptomgr.notests" saves 0.2 s under emulation.
 *
 * Emulation shows the guest the host's TSC, which therefore need not be measured against timers
 * that a busy host serves late, nor watched: on microvm the watchdog would be the tick counter, and
 * the TSC condemned whenever that loses ticks.
 *
 * A debugger finds the kernel's symbols only where the kernel was linked to be. */
static void add_kernel_words(const struct hull_plan *b, struct hull_strbuf *line)
{
	bool tcg = b->host->accel == HULL_ACCEL_TCG;

	hull_strbuf_adds(line, b->arch->words);
	if (b->config->agent == HULL_AGENT_HULL) {
		hull_strbuf_adds(line, " quiet cryptomgr.notests");
		if (tcg)
			hull_strbuf_adds(line, b->arch->quick_words);
	}
	if (b->config->gdb.kind != HULL_GDB_NONE)
		hull_strbuf_adds(line, " nokaslr");
	if (tcg && b->host->tsc_khz)
		hull_strbuf_addf(line, " tsc=reliable tsc_early_khz=%" PRIu64, b->host->tsc_khz);
	for (size_t i = 0; i < b->config->append.n; i++)
		hull_strbuf_addf(line, " %s", b->config->append.v[i]);
}

/* Two flash chips.  Nothing says in which order the disks are to be tried: that is one of the
 * firmware's variables, and what a system has put there must not be overridden at each boot. */
static void add_firmware(struct hull_plan *b)
{
	const char *flush = b->config->firmware.store ? "" : ",cache.no-flush=on";

	hull_plan_addf(b, "-add-fd", "fd=%d,set=%d", hull_plan_fd(b, HULL_QEMU_FD_CODE, 0),
		       HULL_QEMU_SET_CODE);
	hull_plan_addf(b, "-blockdev",
		       "driver=file,node-name=codefile,filename=/dev/fdset/%d,read-only=on",
		       HULL_QEMU_SET_CODE);
	hull_plan_add(b, "-blockdev", "driver=raw,node-name=code,file=codefile,read-only=on");
	hull_plan_addf(b, "-add-fd", "fd=%d,set=%d", hull_plan_fd(b, HULL_QEMU_FD_STORE, 0),
		       HULL_QEMU_SET_STORE);
	hull_plan_addf(b, "-blockdev", "driver=file,node-name=storefile,filename=/dev/fdset/%d%s",
		       HULL_QEMU_SET_STORE, flush);
	hull_plan_addf(b, "-blockdev", "driver=raw,node-name=store,file=storefile%s", flush);
}

static int add_boot(struct hull_plan *b, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;

	if (has_firmware(b)) {
		add_firmware(b);
		return 0;
	}
	hull_plan_addf(b, "-kernel", "/proc/self/fd/%d", hull_plan_fd(b, HULL_QEMU_FD_KERNEL, 0));
	if (b->config->initrd)
		hull_plan_addf(b, "-initrd", "/proc/self/fd/%d",
			       hull_plan_fd(b, HULL_QEMU_FD_INITRD, 0));
	add_kernel_words(b, &line);
	if (line.failed)
		return hull_fail_nomem(err);
	if (line.len > b->arch->kernel_line_max)
		return hull_fail(err, HULL_E_INVALID,
				 "append: the kernel command line is %zu bytes long, and %" PRIu64
				 " is all a kernel reads",
				 line.len, b->arch->kernel_line_max);
	hull_plan_add(b, "-append", line.data);
	return 0;
}

static void add_port(struct hull_plan *b, enum hull_qemu_fd_role role, int nr)
{
	const char *name = hull_qemu_fd_names[role];

	hull_plan_addf(b, "-chardev", "socket,id=%s,fd=%d", name, hull_plan_fd(b, role, 0));
	hull_plan_addf(b, "-device", "virtserialport,bus=ports.0,chardev=%s,name=hull.%s,nr=%d",
		       name, name, nr);
}

static void add_streams(struct hull_plan *b)
{
	char vsock[64];

	hull_plan_addf(b, "-chardev", "socket,id=console,fd=%d",
		       hull_plan_fd(b, HULL_QEMU_FD_CONSOLE, 0));
	hull_plan_add(b, "-serial", "chardev:console");
	if (b->config->agent != HULL_AGENT_HULL)
		return;
	if (b->config->link == HULL_LINK_VSOCK) {
		snprintf(vsock, sizeof(vsock), ",guest-cid=%" PRIu32 ",vhostfd=%d",
			 b->host->vsock_cid, hull_plan_fd(b, HULL_QEMU_FD_VSOCK, 0));
		hull_plan_virtio(b, "vhost-vsock", "0x1", vsock);
		return;
	}
	hull_plan_virtio(b, "virtio-serial", "0x1", ",id=ports,max_ports=3");
	add_port(b, HULL_QEMU_FD_CTL, 1);
	add_port(b, HULL_QEMU_FD_BULK, 2);
}

static void add_root(struct hull_plan *b)
{
	if (!has_root_daemon(b))
		return;
	hull_plan_addf(b, "-chardev", "socket,id=root,fd=%d",
		       hull_plan_fd(b, HULL_QEMU_FD_ROOT, 0));
	hull_plan_virtio(b, "vhost-user-fs", "0x3",
			 ",chardev=root,tag=" HULL_ROOT_TAG ",queue-size=1024");
}

static void add_share(struct hull_plan *b, size_t i)
{
	char properties[96];

	hull_plan_addf(b, "-chardev", "socket,id=share%zu,fd=%d", i,
		       hull_plan_fd(b, HULL_QEMU_FD_SHARE, i));
	snprintf(properties, sizeof(properties),
		 ",chardev=share%zu,tag=" HULL_SHARE_TAG "%zu,queue-size=1024", i, i);
	hull_plan_virtio_nth(b, "vhost-user-fs", Q35_SHARES, i, properties);
}

/* security_model=none: files belong to whoever QEMU is.  What chown and set-user-ID modes come to
 * is the affair of what runs beneath QEMU (backend.h).  multidevs=remap: files of two file systems
 * may have the same inode number. */
static void add_export(struct hull_plan *b, size_t i)
{
	uint32_t bit = UINT32_C(1) << i;
	char properties[96];

	hull_plan_addf(b, "-fsdev",
		       "local,id=dir%zu,path=%s%d,security_model=none,multidevs=remap%s", i,
		       b->host->others_exports & bit ? HULL_EXPORT_OTHERS : "/proc/self/fd/",
		       hull_plan_fd(b, HULL_QEMU_FD_EXPORT, i),
		       b->host->readonly_exports & bit ? ",readonly=on" : "");
	snprintf(properties, sizeof(properties), ",fsdev=dir%zu,mount_tag=" HULL_EXPORT_TAG "%zu",
		 i, i);
	hull_plan_virtio_nth(b, "virtio-9p", i < 8 ? Q35_ROOT : Q35_SHARES, i % 8, properties);
}

/* Those that the monitor relays are not QEMU's affair. */
static int add_hostfwds(struct hull_strbuf *out, const struct hull_network *network,
			const char *guest, struct hull_error **err)
{
	cleanup_forwards struct hull_forwards f = {0};

	if (hull_forwards_plan(network, &hull_forward_builtin, &f, err) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++) {
		const struct hull_forward *fwd = &f.v[i];
		char address[HULL_IP_TEXT];

		hull_ip_format(&fwd->address, false, address);
		for (uint32_t k = 0; !fwd->relayed && k < fwd->count; k++)
			hull_strbuf_addf(out, ",hostfwd=%s:%s:%" PRIu32 "-%s:%" PRIu32,
					 hull_protocol_names[fwd->protocol], address, fwd->host + k,
					 guest, fwd->guest + k);
	}
	return 0;
}

static int add_netdev(struct hull_plan *b, size_t i, const struct hull_network_numbers *n,
		      struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	if (b->host->net_sockets & UINT32_C(1) << i) {
		hull_plan_addf(b, "-netdev", "stream,id=net%zu,server=off,addr.type=fd,addr.str=%d",
			       i, hull_plan_fd(b, HULL_QEMU_FD_NET, i));
		return 0;
	}
	hull_strbuf_addf(&text, "user,id=net%zu,net=%s/%d,host=%s,dns=%s,dhcpstart=%s", i, n->net4,
			 HULL_NETWORK_PREFIX4, n->host4, n->dns4, n->guest4);
	if (b->host->ipv6)
		hull_strbuf_addf(&text,
				 ",ipv6-prefix=%s,ipv6-prefixlen=%d,ipv6-host=%s,ipv6-dns=%s",
				 n->net6, HULL_NETWORK_PREFIX6, n->host6, n->dns6);
	else
		hull_strbuf_adds(&text, ",ipv6=off");
	if (add_hostfwds(&text, &b->config->networks.v[i], n->guest4, err) < 0)
		return -1;
	b->failed |= text.failed;
	hull_plan_add(b, "-netdev", hull_strbuf_str(&text));
	return 0;
}

/* Without "romfile=" the guest would be offered firmware to boot from the network. */
static int add_network(struct hull_plan *b, size_t i, struct hull_error **err)
{
	struct hull_network_numbers n;
	char properties[96];

	hull_network_numbers(b->config, i, &n);
	if (add_netdev(b, i, &n, err) < 0)
		return -1;
	snprintf(properties, sizeof(properties), ",netdev=net%zu,mac=%s%s", i, n.mac,
		 hull_plan_is_microvm(b) ? "" : ",romfile=");
	hull_plan_virtio_nth(b, "virtio-net", Q35_NETWORKS, i, properties);
	return 0;
}

/* The socket listens already: whoever connects before QEMU is up waits. */
static void add_gdb(struct hull_plan *b)
{
	if (b->config->gdb.kind == HULL_GDB_NONE)
		return;
	hull_plan_addf(b, "-chardev", "socket,id=gdb,fd=%d,server=on,wait=off",
		       hull_plan_fd(b, HULL_QEMU_FD_GDB, 0));
	hull_plan_add(b, "-gdb", "chardev:gdb");
}

/* A guest that ends stays as it is, until we have looked why; resetting is shutting down already. A
 * dump is made before QEMU does anything about a panic, and the kernel tells by "vmcoreinfo" what a
 * debugger has to know of it, where it lies for one. */
static void add_end(struct hull_plan *b)
{
	if (b->config->panic_dump)
		hull_plan_add(b, "-action", "panic=pause,shutdown=pause");
	else if (hull_policy_reboots(b->config))
		hull_plan_add(b, "-action", "shutdown=pause");
	if (b->config->panic_dump)
		hull_plan_add(b, "-device", "vmcoreinfo");
}

static void add_rng(struct hull_plan *b)
{
	if (b->config->rng_source) {
		hull_plan_addf(b, "-add-fd", "fd=%d,set=%d", hull_plan_fd(b, HULL_QEMU_FD_RNG, 0),
			       HULL_QEMU_SET_RNG);
		hull_plan_addf(b, "-object", "rng-random,id=rng,filename=/dev/fdset/%d",
			       HULL_QEMU_SET_RNG);
	}
	hull_plan_virtio(b, "virtio-rng", "0x2", b->config->rng_source ? ",rng=rng" : "");
}

static int add_devices(struct hull_plan *b, struct hull_error **err)
{
	add_streams(b);
	if (b->config->rng)
		add_rng(b);
	add_root(b);
	for (size_t i = 0; i < b->host->n_shares; i++)
		add_share(b, i);
	for (size_t i = 0; i < b->host->n_exports; i++)
		add_export(b, i);
	for (size_t i = 0; i < b->config->networks.n; i++)
		if (add_network(b, i, err) < 0)
			return -1;
	hull_plan_add(b, "-device",
		      hull_plan_is_microvm(b) ? "pvpanic" : "pvpanic-pci,bus=pcie.0,addr=0x4");
	for (size_t i = 0; i < b->config->disks.n; i++)
		hull_plan_disk(b, i);
	if (hull_plan_devices(b, err) < 0)
		return -1;
	add_gdb(b);
	add_end(b);
	return 0;
}

/* What would not find a transport on microvm, or has to be on a PCI bus; microvm has neither flash
 * nor the ACPI by which CPUs and memory come later. */
static bool needs_pci(const struct hull_config *c, const struct hull_qemu_host *host)
{
	return 3 + host->n_shares + host->n_exports + c->networks.n + c->disks.n +
			       hull_plan_devices_places(c) >
		       MICROVM_LAST_BUS ||
	       c->firmware.kind != HULL_FIRMWARE_NONE || hull_config_grows(c) ||
	       c->iommu != HULL_IOMMU_NONE || hull_plan_disks_need_pci(c, host->accel) ||
	       hull_plan_devices_need_pci(c, host->accel);
}

static int choose_machine(const struct hull_config *c, const struct hull_qemu_host *host,
			  enum hull_machine *ret, struct hull_error **err)
{
	bool tsc_needed = host->accel == HULL_ACCEL_TCG && !host->tsc_khz;

	if (c->arch == HULL_ARCH_AARCH64) {
		*ret = HULL_MACHINE_VIRT;
		return 0;
	}
	*ret = c->machine;
	if (c->machine == HULL_MACHINE_AUTO)
		*ret = tsc_needed || needs_pci(c, host) ? HULL_MACHINE_Q35 : HULL_MACHINE_MICROVM;
	if (*ret == HULL_MACHINE_MICROVM && tsc_needed) {
		(void)hull_fail(err, HULL_E_UNSUPPORTED,
				"machine 'microvm' cannot be emulated on a host whose time stamp "
				"counter is not constant");
		hull_hint(err, "use machine 'q35'");
		return -1;
	}
	if (*ret == HULL_MACHINE_MICROVM && needs_pci(c, host)) {
		(void)hull_fail(err, HULL_E_UNSUPPORTED,
				"machine 'microvm' has no room for that many devices, or for one "
				"that is on a PCI bus");
		hull_hint(err, "use machine 'q35'");
		return -1;
	}
	return 0;
}

int hull_qemu_plan_make(const struct hull_config *config, const struct hull_qemu_host *host,
			struct hull_qemu_plan *ret_plan, struct hull_error **err)
{
	cleanup_qemu_plan struct hull_qemu_plan plan = {0};
	const struct hull_qemu_arch *arch = hull_qemu_arch(config->arch);
	struct hull_plan b = {
		.config = config,
		.host = host,
		.arch = arch,
		.plan = &plan,
		.next_fd = HULL_QEMU_FIRST_FD,
		.next_bus = MICROVM_LAST_BUS,
	};

	static_assert(HULL_SHARE_GROUPS_MAX <= 8, "a slot has eight functions");
	static_assert(HULL_EXPORTS_MAX <= 16, "two slots have sixteen");
	static_assert(HULL_CONFIG_MAX_NETWORKS <= 8, "a slot has eight functions");
	static_assert(HULL_PLAN_FIRST_DISK + HULL_CONFIG_MAX_DISKS <= 24, "slots left for ports");
	static_assert(HULL_CONFIG_MAX_DISKS <= 32, "a bit for each disk");
	static_assert(HULL_QEMU_SET_DISK + HULL_CONFIG_MAX_DISKS <= HULL_QEMU_SET_DEVICE &&
			      HULL_QEMU_SET_DEVICE + HULL_CONFIG_MAX_DEVICES <= HULL_QEMU_SET_LOG &&
			      HULL_QEMU_SET_LOG + HULL_CONFIG_MAX_DEVICES <= HULL_QEMU_SET_CODE &&
			      HULL_QEMU_SET_RNG < HULL_QEMU_SET_PART,
		      "no set has two meanings");

	if (host->accel == HULL_ACCEL_TCG &&
	    MAX(config->cpus, config->cpus_max) > arch->tcg_max_cpus)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "%s: %" PRIu64 " need hardware virtualisation, %" PRIu64
				 " is the most without",
				 config->cpus > arch->tcg_max_cpus ? "cpus" : "cpus_max",
				 MAX(config->cpus, config->cpus_max), arch->tcg_max_cpus);
	if (choose_machine(config, host, &plan.machine, err) < 0)
		return -1;
	add_process(&b);
	add_machine(&b);
	add_memory(&b);
	add_processors(&b);
	if (add_boot(&b, err) < 0 || add_devices(&b, err) < 0)
		return -1;
	if (b.failed || plan.argv.failed)
		return hull_fail_nomem(err);
	*ret_plan = plan;
	plan = (struct hull_qemu_plan){0};
	return 0;
}

void hull_qemu_plan_fini(struct hull_qemu_plan *plan)
{
	hull_strv_fini(&plan->argv);
	free(plan->fds.v);
	*plan = (struct hull_qemu_plan){0};
}
