/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of "hull run": from words to a VM description and a command.
 */
#define _GNU_SOURCE
#include "cli/run.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "cli/cloud_opts.h"
#include "cli/device_opts.h"
#include "cli/firmware_opts.h"
#include "cli/kernel_opts.h"
#include "cli/path_opts.h"
#include "cli/publish.h"
#include "cli/resource_opts.h"
#include "cli/rest_opts.h"
#include "cli/settings.h"
#include "cli/values.h"
#include "cli/volume.h"
#include "config/forward.h"
#include "config/network.h"
#include "config/vfkit.h"
#include "vm/description.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define SCRATCH_MIN (16 * MIB) /* less leaves a file system no room for files */

enum {
	OPT_KERNEL = 256,
	OPT_INITRD,
	OPT_APPEND,
	OPT_CONSOLE,
	OPT_AGENT,
	OPT_BOOT_TIMEOUT,
	OPT_SCRATCH,
	OPT_MACHINE,
	OPT_ACCEL,
	OPT_CPU,
	OPT_NAME,
	OPT_TIMING,
	OPT_ROOT,
	OPT_HERE,
	OPT_SHARE_CACHE,
	OPT_SHARE_DRIVER,
	OPT_LINK,
	OPT_DEVICE,
	OPT_CONFIG,
	OPT_READ_ONLY,
	OPT_CPU_LIMIT,
	OPT_NET,
	OPT_GDB,
	OPT_MODULES,
	OPT_DUMP_ON_PANIC,
	OPT_RESTFUL_URI,
	OPT_ARCH,
	OPT_FIRMWARE,
	OPT_IGNITION,
	OPT_TIMESYNC,
	OPT_CLOUD_INIT,
	OPT_MEMORY_BACKING,
	OPT_CPUS_MAX,
	OPT_IOMMU,
	OPT_CPU_FEATURE,
	OPT_MEMORY_MAX,
	OPT_MEMORY_SLOTS,
	OPT_ON_REBOOT,
	OPT_RESTART,
};

const struct hull_opt hull_run_opts[] = {
	HULL_COMMAND_OPTS,
	{'v', "volume", "SOURCE:TARGET[:ro]",
	 "share a directory or file of the host, or a named volume", "Files"},
	{OPT_HERE, "here", NULL, "share the current directory, writable, and start in it", NULL},
	{OPT_SHARE_CACHE, "share-cache", "MODE",
	 "how long the guest trusts what it has read of shares: strict, auto, always or none",
	 NULL},
	{OPT_SHARE_DRIVER, "share-driver", "KIND",
	 "auto, virtiofs or 9p: how the host's directories get there", NULL},
	{OPT_CONFIG, "config", "FILE",
	 "the machine that FILE describes; the other options change it", "Virtual machine"},
	{'c', "cpus", "N", "virtual CPUs (default 1)", NULL},
	{OPT_CPUS_MAX, "cpus-max", "N", "as many as there may be later (default no more)", NULL},
	{OPT_CPU_LIMIT, "cpu-limit", "N", "at most so much of the host's CPUs, e.g. 0.5 or 2",
	 NULL},
	{'m', "memory", "SIZE", "memory, e.g. 512M or 2G (default 512M)", NULL},
	{OPT_MEMORY_MAX, "memory-max", "SIZE", "as much as there may be later (default no more)",
	 NULL},
	{OPT_MEMORY_SLOTS, "memory-slots", "N", "pieces that it may come in (default 8)", NULL},
	{OPT_MEMORY_BACKING, "memory-backing", "WORD[,WORD...]",
	 "what it is made of: prealloc, hugepages[=SIZE], lock, dir=DIR", NULL},
	{OPT_SCRATCH, "scratch", "SIZE",
	 "put the root's changes on a throwaway disk, not in memory", NULL},
	{OPT_READ_ONLY, "read-only", NULL,
	 "refuse writes to the root; /tmp, /run, /dev/shm take them", NULL},
	{OPT_ARCH, "arch", "ARCH", "x86_64 or aarch64 (default this host's; others are emulated)",
	 NULL},
	{OPT_ACCEL, "accel", "KIND", "auto, kvm or tcg (default auto)", NULL},
	{OPT_MACHINE, "machine", "TYPE", "auto, q35, microvm or virt (default auto)", NULL},
	{OPT_FIRMWARE, "firmware", "efi[,store=FILE[,create]]",
	 "boot what the disks hold; the store keeps the firmware's variables", NULL},
	{OPT_CLOUD_INIT, "cloud-init", "FILE[,FILE...]",
	 "user-data, meta-data and network-config, on a disk for cloud-init", NULL},
	{OPT_IGNITION, "ignition", "FILE", "serve the guest this Ignition file, over vsock", NULL},
	{OPT_TIMESYNC, "timesync", "vsockPort=N",
	 "tell the guest's qemu-guest-agent the time when the host's clock jumps", NULL},
	{OPT_CPU, "cpu", "MODEL", "CPU model of the hypervisor, e.g. max", NULL},
	{OPT_CPU_FEATURE, "cpu-feature", "+NAME|-NAME,...", "what the model is to have, or to lack",
	 NULL},
	{OPT_IOMMU, "iommu", "KIND", "none, intel (q35) or smmuv3 (virt) (default none)", NULL},
	{OPT_DEVICE, "device", "KIND[,KEY=VALUE...]",
	 "one more device, in vfkit's words: see hull-config(1)", NULL},
	{OPT_LINK, "link", "KIND",
	 "serial, or vsock: the host's vhost-vsock, to its agent (default serial)", NULL},
	{OPT_NAME, "name", "NAME", "name of the VM", NULL},
	{OPT_BOOT_TIMEOUT, "boot-timeout", "TIME", "give the guest this long to boot (default 60s)",
	 NULL},
	{OPT_ON_REBOOT, "on-reboot", "WHAT",
	 "end, or reboot: the guest goes on in the same machine (default for --firmware)", NULL},
	{OPT_RESTART, "restart", "POLICY",
	 "no, on-failure[:N] or always: what follows when the machine has ended by itself", NULL},
	{OPT_RESTFUL_URI, "restful-uri", "URI",
	 "serve vfkit's REST interface at unix:///PATH or tcp://localhost:PORT", NULL},
	{OPT_NET, "net", "KIND", "user, or none: the guest has no network (default user)",
	 "Network"},
	{'p', "publish", "PORTS", "lead host ports to the guest: [ADDRESS:]HOST:GUEST[/udp]", NULL},
	{OPT_KERNEL, "kernel", "FILE", "boot this vmlinuz or vmlinux instead of hull's", "Kernel"},
	{OPT_INITRD, "initrd", "FILE", "with this initramfs", NULL},
	{OPT_MODULES, "modules", "DIR", "with this kernel's modules: lib/modules/VERSION", NULL},
	{OPT_APPEND, "append", "WORDS", "add to the kernel command line", NULL},
	{OPT_GDB, "gdb", "[=PORT|=PATH]", "wait for a debugger, on a port or a socket", NULL},
	{OPT_DUMP_ON_PANIC, "dump-on-panic", "FILE",
	 "write the guest's memory there if its kernel panics", NULL},
	{OPT_CONSOLE, "console", NULL, "show the guest's console on standard error", NULL},
	{OPT_AGENT, "agent", "KIND", "hull, or none: just boot the kernel on the console", NULL},
	{OPT_ROOT, "root", "KIND", "host: the host's system directories; none: the initramfs",
	 NULL},
	HULL_COMMAND_OPT_QUIET,
	{OPT_TIMING, "timing", "[=FORMAT[:FILE]]",
	 "show what took how long: text, json or svg, on standard error or in FILE", NULL},
	HULL_COMMAND_OPT_LOG_FORMAT,
	{0, NULL, NULL, NULL, NULL},
};

static int set_boot_file(char **slot, const char *value, struct hull_error **err)
{
	if (hull_file_parse(value, slot, err) == 0)
		return 0;
	hull_hint(err, "give the path of a file that you may read, or leave it out for hull's own");
	return -1;
}

static int add_words(struct hull_strv *words, const char *value, struct hull_error **err)
{
	cleanup_free char *copy = strdup(value);
	char *save = NULL;

	if (!copy)
		return hull_fail_nomem(err);
	for (char *w = strtok_r(copy, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save))
		if (hull_strv_add(words, w) < 0)
			return hull_fail_nomem(err);
	return 0;
}

static int add_scratch(struct hull_config *c, const char *value, struct hull_error **err)
{
	struct hull_disk *d = hull_config_scratch(c);
	uint64_t bytes;

	if (hull_size_parse(value, &bytes, err) < 0)
		return -1;
	if (bytes < SCRATCH_MIN || bytes % MIB) {
		hull_fail(err, HULL_E_INVALID, "'%s' is too small for a disk, or not whole MiB",
			  value);
		hull_hint(err, "write it like 512M or 4G; 16M is the least");
		return -1;
	}
	if (!d && (!(d = hull_vec_push(&c->disks)) || !(d->serial = strdup(HULL_SCRATCH_SERIAL))))
		return hull_fail_nomem(err);
	d->scratch_bytes = bytes;
	return 0;
}

static int set_name(int *slot, const char *what, const char *value, const char *const *names,
		    struct hull_error **err)
{
	int i = hull_name_index(what, value, names, err);

	if (i < 0)
		return -1;
	*slot = i;
	return 0;
}

static void choose_net(struct hull_run_options *o, enum hull_net net)
{
	static const enum hull_network_provider providers[] = {
		[HULL_NET_USER] = HULL_NETWORK_AUTO,
		[HULL_NET_NONE] = HULL_NETWORK_AUTO,
		[HULL_NET_PASST] = HULL_NETWORK_PASST,
		[HULL_NET_BUILTIN] = HULL_NETWORK_BUILTIN,
	};

	o->net = net == HULL_NET_NONE ? HULL_RUN_NET_NONE : HULL_RUN_NET_USER;
	o->provider = providers[net];
}

static int set_net(struct hull_run_options *o, const char *value, struct hull_error **err)
{
	int i = hull_name_index("network", value, hull_net_names, err);

	if (i < 0)
		return -1;
	choose_net(o, (enum hull_net)i);
	return 0;
}

static int add_ports(struct hull_run_options *o, const char *value, struct hull_error **err)
{
	struct hull_port p, *slot;

	if (hull_publish_parse(value, &p, err) < 0)
		return -1;
	for (size_t i = 0; i < o->ports.n; i++) {
		if (!hull_ports_overlap(&o->ports.v[i], &p))
			continue;
		free(p.address);
		return hull_fail(err, HULL_E_INVALID, "'%s': host port %llu/%s is published twice",
				 value, (unsigned long long)MAX(p.host, o->ports.v[i].host),
				 hull_protocol_names[p.protocol]);
	}
	slot = o->ports.n < HULL_CONFIG_MAX_PORTS ? hull_vec_push(&o->ports) : NULL;
	if (slot) {
		*slot = p;
		return 0;
	}
	free(p.address);
	if (o->ports.n < HULL_CONFIG_MAX_PORTS)
		return hull_fail_nomem(err);
	hull_fail(err, HULL_E_INVALID, "more than %d ports or ranges", HULL_CONFIG_MAX_PORTS);
	hull_hint(err, "neighbouring ports can be given as a range: 8000-8010");
	return -1;
}

/* One that the user asks for takes the place of the usual one. */
static bool has_nic(const struct hull_config *c)
{
	for (size_t i = 0; i < c->devices.n; i++)
		if (c->devices.v[i].kind == HULL_DEVICE_NET)
			return true;
	return c->networks.n > 0;
}

/* Somebody's own kernel gets a network only when it is asked for; so does a machine that has one
 * by itself.  Ports ask for one whatever the settings say. */
static void choose_usual_net(struct hull_run_options *o)
{
	bool wanted = o->config.agent == HULL_AGENT_HULL && !has_nic(&o->config);

	choose_net(o, wanted || o->ports.n ? o->settings->net : HULL_NET_NONE);
	if (o->ports.n)
		o->net = HULL_RUN_NET_USER;
}

static int fill_network(struct hull_run_options *o, struct hull_error **err)
{
	struct hull_network *net;

	if (o->config.networks.n && o->net == HULL_RUN_NET_UNSAID && !o->ports.n)
		return 0;
	if (o->config.networks.n) {
		hull_fail(err, HULL_E_INVALID, "--%s: the description has networks of its own",
			  o->ports.n ? "publish" : "net");
		hull_hint(err, "change them there");
		return -1;
	}
	if (hull_networks_adopt(&o->config, err) < 0)
		return -1;
	if (o->net == HULL_RUN_NET_UNSAID)
		choose_usual_net(o);
	if (o->net == HULL_RUN_NET_NONE && o->ports.n) {
		hull_fail(err, HULL_E_INVALID, "--publish: there is no network with --net none");
		hull_hint(err, "leave out one of the two");
		return -1;
	}
	if (o->net == HULL_RUN_NET_NONE)
		return 0;
	net = o->config.networks.n ? o->config.networks.v : hull_vec_push(&o->config.networks);
	if (!net)
		return hull_fail_nomem(err);
	net->kind = HULL_NETWORK_USER;
	net->provider = o->provider;
	net->ports.v = o->ports.v;
	net->ports.n = o->ports.n;
	net->ports.cap = o->ports.cap;
	o->ports.v = NULL;
	o->ports.n = o->ports.cap = 0;
	return 0;
}

/* One of some names. */
static int set_choice(struct hull_config *c, int id, const char *value, struct hull_error **err)
{
	int i = 0, r;

	switch (id) {
	case OPT_ACCEL:
		r = set_name(&i, "accelerator", value, hull_accel_names, err);
		c->accel = (enum hull_accel)i;
		return r;
	case OPT_MACHINE:
		r = set_name(&i, "machine", value, hull_machine_names, err);
		c->machine = (enum hull_machine)i;
		return r;
	case OPT_IOMMU:
		r = set_name(&i, "IOMMU", value, hull_iommu_names, err);
		c->iommu = (enum hull_iommu)i;
		return r;
	case OPT_AGENT:
		r = set_name(&i, "agent kind", value, hull_agent_names, err);
		c->agent = (enum hull_agent)i;
		return r;
	case OPT_ROOT:
		r = set_name(&i, "root", value, hull_root_kind_names, err);
		c->root.kind = (enum hull_root_kind)i;
		return r;
	case OPT_LINK:
		r = set_name(&i, "link", value, hull_link_kind_names, err);
		c->link = (enum hull_link_kind)i;
		return r;
	case OPT_ON_REBOOT:
		r = set_name(&i, "end of a guest that reboots", value, hull_on_reboot_names, err);
		c->on_reboot = (enum hull_on_reboot)i;
		return r;
	case OPT_SHARE_CACHE:
		r = set_name(&i, "cache mode", value, hull_share_cache_names, err);
		c->share_cache = (enum hull_share_cache)i;
		return r;
	default:
		r = set_name(&i, "share driver", value, hull_share_driver_names, err);
		c->share_driver = (enum hull_share_driver)i;
		return r;
	}
}

/* A disk has a system of its own, which knows nothing of our agent. */
static int set_firmware(struct hull_run_options *o, const char *value, struct hull_error **err)
{
	struct hull_config *c = &o->config;

	if (hull_firmware_parse(value, &c->firmware, err) < 0)
		return -1;
	if (c->firmware.kind != HULL_FIRMWARE_NONE && !o->agent_said)
		c->agent = HULL_AGENT_NONE;
	return 0;
}

static int set_resource(struct hull_config *c, int id, const char *value, struct hull_error **err)
{
	switch (id) {
	case 'c':
		return hull_set_number(&c->cpus, value, HULL_CONFIG_MAX_CPUS, err);
	case OPT_CPU_LIMIT:
		return hull_cpu_limit_parse(value, &c->cpu_limit, err);
	case 'm':
		return hull_memory_parse(value, &c->memory_bytes, err);
	case OPT_CPU_FEATURE:
		return hull_cpu_features_parse(value, &c->cpu_features, err);
	case OPT_CPUS_MAX:
		return hull_set_number(&c->cpus_max, value, HULL_CONFIG_MAX_CPUS, err);
	case OPT_MEMORY_MAX:
		return hull_memory_parse(value, &c->memory_max_bytes, err);
	case OPT_MEMORY_SLOTS:
		return hull_set_number(&c->memory_slots, value, HULL_CONFIG_MAX_MEMORY_SLOTS, err);
	case OPT_MEMORY_BACKING:
		return hull_memory_backing_parse(value, &c->memory_backing, err);
	case OPT_SCRATCH:
		return add_scratch(c, value, err);
	case OPT_CPU:
		return hull_set_string(&c->cpu_model, value, err);
	default:
		return hull_fail(err, HULL_E_INTERNAL, "option %d has no meaning", id);
	}
}

static int set_vm_option(struct hull_run_options *o, int id, const char *value,
			 struct hull_error **err)
{
	struct hull_config *c = &o->config;

	switch (id) {
	case OPT_ROOT:
	case OPT_AGENT:
	case OPT_ACCEL:
	case OPT_MACHINE:
	case OPT_IOMMU:
	case OPT_SHARE_CACHE:
	case OPT_SHARE_DRIVER:
	case OPT_LINK:
	case OPT_ON_REBOOT:
		o->root_said |= id == OPT_ROOT;
		o->agent_said |= id == OPT_AGENT;
		return set_choice(c, id, value, err);
	case 'v':
		return hull_volume_add(c, value, err);
	case OPT_CONFIG:
		return 0; /* has been read before */
	case OPT_DEVICE:
		return hull_device_add(c, value, err);
	case OPT_FIRMWARE:
		return set_firmware(o, value, err);
	case OPT_CLOUD_INIT:
		return hull_cloud_opt_parse(value, c, err);
	case OPT_IGNITION:
		return hull_file_parse(value, &c->ignition, err);
	case OPT_TIMESYNC:
		return hull_vfkit_parse_timesync(value, &c->timesync, err);
	case OPT_HERE:
		if (hull_volume_add_here(c, err) < 0)
			return -1;
		/* "-w" counts wherever it stands. */
		return o->command.cwd ? 0
				      : hull_set_string(&o->command.cwd,
							c->shares.v[c->shares.n - 1].target, err);
	case OPT_NAME:
		return hull_set_string(&c->name, value, err);
	case OPT_BOOT_TIMEOUT:
		return hull_set_duration(&c->boot_timeout_ms, value, err);
	case OPT_KERNEL:
		return set_boot_file(&c->kernel, value, err);
	case OPT_INITRD:
		return set_boot_file(&c->initrd, value, err);
	case OPT_APPEND:
		return add_words(&c->append, value, err);
	case OPT_MODULES:
		return hull_dir_parse(value, &c->modules, err);
	case OPT_DUMP_ON_PANIC:
		return hull_new_file_parse(value, &c->panic_dump, err);
	case OPT_GDB:
		return hull_gdb_parse(value, &c->gdb, err);
	case OPT_RESTART:
		return hull_policy_parse_restart(value, &c->restart, err);
	case OPT_RESTFUL_URI:
		return hull_rest_opt_parse(value, false, &c->rest, err);
	case OPT_ARCH:
		return hull_arch_parse(value, &c->arch, err);
	case OPT_CONSOLE:
		c->console = true;
		return 0;
	case OPT_READ_ONLY:
		c->root.readonly = true;
		return 0;
	default:
		return set_resource(c, id, value, err);
	}
}

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct hull_run_options *o = ctx;

	int r = hull_command_opt(&o->command, opt, (char *)value, err);

	if (r <= 0)
		return r;
	switch (opt->id) {
	case OPT_TIMING:
		return hull_timing_parse(value, &o->timing, err);
	case OPT_NET:
		return set_net(o, value, err);
	case 'p':
		return add_ports(o, value, err);
	default:
		return set_vm_option(o, opt->id, value, err);
	}
}

/* What has to be known before the others: where the options change what a file says, it doesn't
 * matter which stands first. */
static int on_early_option(void *ctx, const struct hull_opt *opt, const char *value,
			   struct hull_error **err)
{
	if (opt->id == HULL_OPT_LOG_FORMAT)
		return hull_set_log_format(value, err);
	if (opt->id == OPT_CONFIG && hull_strv_add(ctx, value) < 0)
		return hull_fail_nomem(err);
	return 0;
}

/* What is so unless options say otherwise: hull's own choice, settings, descriptions. */
static int begin(struct hull_run_options *o, const struct hull_strv *files, struct hull_error **err)
{
	o->settings = hull_cli_settings(err);
	if (!o->settings)
		return -1;
	hull_settings_begin(o->settings, &o->config);
	o->command.pids_limit = o->settings->pids_limit;
	for (size_t i = 0; i < files->n; i++)
		if (hull_description_load(files->v[i], &o->config, NULL, err) < 0)
			return hull_prefix(err, "--config");
	return 0;
}

/* Whoever the command runs as owns what it finds in shares.  A user by name is looked up in the
 * host's accounts, which the guest has too. */
static int fill_owner(struct hull_run_options *o, struct hull_error **err)
{
	cleanup_free char *user = strdup(o->command.user ? o->command.user : "");
	struct hull_config *c = &o->config;
	const struct passwd *pw;
	char *group;

	if (!user)
		return hull_fail_nomem(err);
	if (!*user)
		return 0;
	group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	pw = hull_account_find(user);
	if (pw) {
		c->owner_uid = pw->pw_uid;
		c->owner_gid = pw->pw_gid;
	} else {
		(void)hull_parse_u64(user, UINT32_MAX - 1, &c->owner_uid);
	}
	if (group)
		(void)hull_parse_u64(group, UINT32_MAX - 1, &c->owner_gid);
	return 0;
}

/* There is none in the guest to run a command: by whose word. */
static int check_agentless(const struct hull_run_options *o, struct hull_error **err)
{
	bool disks = !o->agent_said && o->config.firmware.kind != HULL_FIRMWARE_NONE;
	const char *word = o->agent_said ? "--agent none"
			   : disks	 ? "--firmware efi"
					 : "the description's agent 'none'";

	if (o->config.modules)
		return hull_fail(err, HULL_E_INVALID,
				 "--modules: with %s nobody loads them in the guest", word);
	if (!o->command.args.n)
		return 0;
	hull_fail(err, HULL_E_INVALID, "with %s hull can't run '%s' in the guest", word,
		  o->command.args.v[0]);
	hull_hint(err, "leave out the command: %s",
		  disks ? "what the disks hold is booted" : "the kernel is just booted");
	return -1;
}

/* With the guest the command goes, and the machine is there for nothing else. */
static int check_policies(struct hull_run_options *o, struct hull_error **err)
{
	if (o->config.restart.policy != HULL_RESTART_NO) {
		hull_fail(err, HULL_E_INVALID,
			  "--restart: '%s' ends with the machine that it runs in, and would not be "
			  "run again in another one",
			  o->command.args.v[0]);
		hull_hint(err, "--restart no; or --agent none, which boots a system of its own; a "
			       "command that is safe to repeat can be run again by the shell");
		return -1;
	}
	if (o->config.on_reboot == HULL_ON_REBOOT_REBOOT) {
		hull_fail(err, HULL_E_INVALID,
			  "--on-reboot reboot: a command ends with the guest that it runs in, and "
			  "'%s' is all that this one is for",
			  o->command.args.v[0]);
		hull_hint(err, "--on-reboot end; or --agent none, which boots a system of its own");
		return -1;
	}
	o->config.on_reboot = HULL_ON_REBOOT_END;
	return 0;
}

static int check_operands(struct hull_run_options *o, int argc, char **argv, int rest, bool dashes,
			  struct hull_error **err)
{
	if (!dashes && rest < argc) {
		hull_fail(err, HULL_E_UNSUPPORTED, "image '%s': images can't be run yet",
			  argv[rest]);
		hull_hint(err, "to run a program of this host, put '--' before it: hull run -- %s",
			  argv[rest]);
		return -1;
	}
	for (; rest < argc; rest++)
		if (hull_strv_add(&o->command.args, argv[rest]) < 0)
			return hull_fail_nomem(err);
	if (o->config.agent == HULL_AGENT_NONE && check_agentless(o, err) < 0)
		return -1;
	if (o->config.agent == HULL_AGENT_HULL && !o->command.args.n) {
		hull_fail(err, HULL_E_INVALID, "no command given");
		hull_hint(err, "for example: hull run -- uname -a");
		return -1;
	}
	if (o->config.agent == HULL_AGENT_HULL && check_policies(o, err) < 0)
		return -1;
	if (o->command.interactive && o->config.agent == HULL_AGENT_HULL &&
	    hull_device_stdio(&o->config)) {
		hull_fail(err, HULL_E_INVALID,
			  "--interactive: standard input belongs to the device "
			  "virtio-serial,stdio");
		hull_hint(err, "leave out one of the two");
		return -1;
	}
	return 0;
}

int hull_run_parse(const struct hull_verb *verb, int argc, char **argv,
		   struct hull_run_options *ret, struct hull_error **err)
{
	cleanup_strv struct hull_strv files = {0};
	struct hull_run_options *o = ret;
	bool dashes;
	int rest, r;

	*o = (struct hull_run_options){0};
	hull_config_init(&o->config);
	o->config.tied = true;
	o->config.root.kind = HULL_ROOT_HOST;
	o->config.root.cache = HULL_SHARE_CACHE_ALWAYS;
	r = hull_opts_parse(verb, argc, argv, on_early_option, &files, &rest, &dashes, err);
	if (r == 0)
		r = begin(o, &files, err);
	if (r == 0)
		r = hull_opts_parse(verb, argc, argv, on_option, o, &rest, &dashes, err);
	if (r != 0)
		return r;
	if (check_operands(o, argc, argv, rest, dashes, err) < 0)
		return -1;
	if (hull_root_check(&o->config, o->root_said, err) < 0)
		return -1;
	if (o->config.agent == HULL_AGENT_NONE || o->config.arch != HULL_ARCH_HOST)
		o->config.root.kind = HULL_ROOT_NONE;
	o->config.progress = !o->command.quiet && isatty(STDERR_FILENO);
	if (fill_network(o, err) < 0 || fill_owner(o, err) < 0 ||
	    hull_command_opts_complete(&o->command, o->config.root.kind == HULL_ROOT_HOST, err) < 0)
		return -1;
	if (hull_settings_complete(o->settings, &o->config) < 0)
		return hull_fail_nomem(err);
	return hull_description_complete(&o->config, o->settings->guest_dir, err);
}

void hull_run_options_fini(struct hull_run_options *o)
{
	hull_config_fini(&o->config);
	hull_command_opts_fini(&o->command);
	hull_timing_fini(&o->timing);
	for (size_t i = 0; i < o->ports.n; i++)
		free(o->ports.v[i].address);
	free(o->ports.v);
}
