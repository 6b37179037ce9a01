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
#include "cli/rest_opts.h"
#include "cli/volume.h"
#include "config.h"
#include "config/environ.h"
#include "config/forward.h"
#include "config/network.h"
#include "vm/description.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define MEMORY_MIN (64 * MIB)
#define PIDS_MAX UINT64_C(4194303) /* what the agent takes */
#define SCRATCH_MIN (16 * MIB)	   /* less leaves a file system no room for files */

enum {
	OPT_KERNEL = 256,
	OPT_INITRD,
	OPT_APPEND,
	OPT_CONSOLE,
	OPT_AGENT,
	OPT_TIMEOUT,
	OPT_BOOT_TIMEOUT,
	OPT_SCRATCH,
	OPT_MACHINE,
	OPT_ACCEL,
	OPT_CPU,
	OPT_NAME,
	OPT_LOG_FORMAT,
	OPT_TIMING,
	OPT_ROOT,
	OPT_HERE,
	OPT_SHARE_CACHE,
	OPT_SHARE_DRIVER,
	OPT_LINK,
	OPT_DEVICE,
	OPT_DISPLAY,
	OPT_CONFIG,
	OPT_ENV_FILE,
	OPT_READ_ONLY,
	OPT_PIDS_LIMIT,
	OPT_CPU_LIMIT,
	OPT_NET,
	OPT_CAP,
	OPT_CAP_ADD,
	OPT_CAP_DROP,
	OPT_GDB,
	OPT_MODULES,
	OPT_DUMP_ON_PANIC,
	OPT_RESTFUL_URI,
	OPT_ARCH,
	OPT_FIRMWARE,
	OPT_IGNITION,
	OPT_CLOUD_INIT,
};

const struct hull_opt hull_run_opts[] = {
	{'i', "interactive", NULL, "connect standard input to the command", "Command"},
	{'t', "tty", NULL, "give the command a terminal", NULL},
	{'e', "env", "NAME[=VALUE]", "set a variable; without a value, pass on the caller's", NULL},
	{OPT_ENV_FILE, "env-file", "FILE", "set variables from lines of NAME=VALUE; -e overrides",
	 NULL},
	{'w', "workdir", "DIR", "directory in the guest to start in", NULL},
	{'u', "user", "USER[:GROUP]", "user in the guest, by name or number", NULL},
	{OPT_CAP, "cap", "LIST", "add and drop capabilities: all, none, [+]NAME, -NAME", NULL},
	{OPT_CAP_ADD, "cap-add", "NAME,...", "the same as --cap +NAME,...", NULL},
	{OPT_CAP_DROP, "cap-drop", "NAME,...", "the same as --cap -NAME,...", NULL},
	{OPT_PIDS_LIMIT, "pids-limit", "N", "at most N processes and threads at once", NULL},
	{OPT_TIMEOUT, "timeout", "TIME", "give up after TIME (30s, 5m, 2h)", NULL},
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
	{OPT_CPU_LIMIT, "cpu-limit", "N", "at most so much of the host's CPUs, e.g. 0.5 or 2",
	 NULL},
	{'m', "memory", "SIZE", "memory, e.g. 512M or 2G (default 512M)", NULL},
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
	{OPT_CPU, "cpu", "MODEL", "CPU model of the hypervisor, e.g. max", NULL},
	{OPT_DEVICE, "device", "KIND[,KEY=VALUE...]",
	 "one more device, in vfkit's words: see hull-config(1)", NULL},
	{OPT_DISPLAY, "display", "[=none|=PORT|=PATH]",
	 "show the guest's screen by VNC, on a private socket, or on a port", NULL},
	{OPT_LINK, "link", "KIND",
	 "serial, or vsock: the host's vhost-vsock, to its agent (default serial)", NULL},
	{OPT_NAME, "name", "NAME", "name of the VM", NULL},
	{OPT_BOOT_TIMEOUT, "boot-timeout", "TIME", "give the guest this long to boot (default 60s)",
	 NULL},
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
	{'q', "quiet", NULL, "print nothing of our own but errors", "Output"},
	{OPT_TIMING, "timing", "[=FORMAT[:FILE]]",
	 "show what took how long: text, json or svg, on standard error or in FILE", NULL},
	{OPT_LOG_FORMAT, "log-format", "FORMAT", "text or json: how errors are printed", NULL},
	{0, NULL, NULL, NULL, NULL},
};

static int set_string(char **slot, const char *value, struct hull_error **err)
{
	free(*slot);
	*slot = strdup(value);
	return *slot ? 0 : hull_fail_nomem(err);
}

static int set_size(uint64_t *slot, const char *value, struct hull_error **err)
{
	if (hull_parse_size(value, slot) == 0)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' is not a size", value);
	hull_hint(err, "write it like 512M or 2G");
	return -1;
}

static int set_memory(uint64_t *slot, const char *value, struct hull_error **err)
{
	uint64_t bytes;

	if (set_size(&bytes, value, err) < 0)
		return -1;
	if (bytes < MEMORY_MIN || bytes % MIB) {
		hull_fail(err, HULL_E_INVALID, "'%s' is too little memory, or not whole MiB",
			  value);
		hull_hint(err,
			  bytes < MIB ? "a bare number is bytes: did you mean '%sM'?"
				      : "'%s': a VM needs at least 64M, and whole MiB",
			  value);
		return -1;
	}
	*slot = bytes;
	return 0;
}

static int set_duration(uint64_t *slot, const char *value, struct hull_error **err)
{
	if (hull_parse_duration(value, slot) == 0 && *slot)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' is not a time", value);
	hull_hint(err, "write it like 30s, 5m or 2h");
	return -1;
}

static const char *own_value(const char *name)
{
	return getenv(name);
}

static int add_env(struct hull_strv *words, const char *value, struct hull_error **err)
{
	char *word;

	if (hull_environ_resolve(value, own_value, &word, err) < 0)
		return -1;
	return hull_strv_take(words, word) < 0 ? hull_fail_nomem(err) : 0;
}

static int add_env_file(struct hull_strv *env, const char *path, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	int r = hull_file_read(path, HULL_ENVIRON_FILE_MAX, &text);

	if (r == -EFBIG)
		return hull_fail(err, HULL_E_INVALID, "'%s' is larger than %zu KiB", path,
				 HULL_ENVIRON_FILE_MAX >> 10);
	if (r < 0)
		return hull_fail_errno(err, -r, "read '%s'", path);
	if (hull_environ_read(env, hull_strbuf_str(&text), text.len, own_value, err) < 0)
		return hull_prefix(err, "'%s'", path);
	return 0;
}

/* Command lines can be read by everybody, for as long as the process lives. */
static void hide_value(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		memset(value + 1, '*', strlen(value + 1));
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

/* From 1. */
static int set_number(uint64_t *slot, const char *value, uint64_t max, struct hull_error **err)
{
	if (hull_parse_u64(value, max, slot) < 0 || !*slot)
		return hull_fail(err, HULL_E_INVALID, "'%s' is not a number from 1 to %llu", value,
				 (unsigned long long)max);
	return 0;
}

static int set_cpu_limit(uint64_t *slot, const char *value, struct hull_error **err)
{
	uint64_t milli;

	if (hull_parse_milli(value, &milli) < 0 || milli < HULL_CONFIG_MIN_CPU_LIMIT ||
	    milli > 1000 * HULL_CONFIG_MAX_CPUS) {
		hull_fail(err, HULL_E_INVALID, "'%s' is not a number of CPUs", value);
		hull_hint(err, "write it like 0.5 or 2, from 0.01 to %d", HULL_CONFIG_MAX_CPUS);
		return -1;
	}
	*slot = milli;
	return 0;
}

static int add_scratch(struct hull_config *c, const char *value, struct hull_error **err)
{
	struct hull_disk *d = NULL;
	uint64_t bytes;

	if (set_size(&bytes, value, err) < 0)
		return -1;
	if (bytes < SCRATCH_MIN || bytes % MIB) {
		hull_fail(err, HULL_E_INVALID, "'%s' is too small for a disk, or not whole MiB",
			  value);
		hull_hint(err, "write it like 512M or 4G; 16M is the least");
		return -1;
	}
	for (size_t i = 0; i < c->disks.n && !d; i++)
		if (c->disks.v[i].scratch_bytes)
			d = &c->disks.v[i];
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

/* The last two are of kind user, by a certain provider. */
static int set_net(struct hull_run_options *o, const char *value, struct hull_error **err)
{
	static const char *const names[] = {"user", "none", "passt", "builtin", NULL};
	static const enum hull_network_provider providers[] = {
		HULL_NETWORK_AUTO, HULL_NETWORK_AUTO, HULL_NETWORK_PASST, HULL_NETWORK_BUILTIN};
	int i = hull_name_index("network", value, names, err);

	if (i < 0)
		return -1;
	o->net = i == 1 ? HULL_RUN_NET_NONE : HULL_RUN_NET_USER;
	o->provider = providers[i];
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

/* Somebody's own kernel gets a network only when it is asked for. */
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
		o->net = (o->config.agent == HULL_AGENT_HULL && !has_nic(&o->config)) || o->ports.n
				 ? HULL_RUN_NET_USER
				 : HULL_RUN_NET_NONE;
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

static int set_vm_option(struct hull_run_options *o, int id, const char *value,
			 struct hull_error **err)
{
	struct hull_config *c = &o->config;

	switch (id) {
	case 'c':
		return set_number(&c->cpus, value, HULL_CONFIG_MAX_CPUS, err);
	case OPT_CPU_LIMIT:
		return set_cpu_limit(&c->cpu_limit, value, err);
	case 'm':
		return set_memory(&c->memory_bytes, value, err);
	case OPT_SCRATCH:
		return add_scratch(c, value, err);
	case OPT_ROOT:
		o->root_said = true;
		return set_choice(c, id, value, err);
	case OPT_AGENT:
		o->agent_said = true;
		return set_choice(c, id, value, err);
	case OPT_ACCEL:
	case OPT_MACHINE:
	case OPT_SHARE_CACHE:
	case OPT_SHARE_DRIVER:
	case OPT_LINK:
		return set_choice(c, id, value, err);
	case 'v':
		return hull_volume_add(c, value, err);
	case OPT_CONFIG:
		return 0; /* has been read before all others */
	case OPT_DEVICE:
		return hull_device_add(c, value, err);
	case OPT_FIRMWARE:
		return set_firmware(o, value, err);
	case OPT_CLOUD_INIT:
		return hull_cloud_opt_parse(value, c, err);
	case OPT_IGNITION:
		return hull_file_parse(value, &c->ignition, err);
	case OPT_HERE:
		if (hull_volume_add_here(c, err) < 0)
			return -1;
		/* "-w" counts wherever it stands. */
		return o->cwd ? 0 : set_string(&o->cwd, c->shares.v[c->shares.n - 1].target, err);
	case OPT_CPU:
		return set_string(&c->cpu_model, value, err);
	case OPT_NAME:
		return set_string(&c->name, value, err);
	case OPT_BOOT_TIMEOUT:
		return set_duration(&c->boot_timeout_ms, value, err);
	case OPT_KERNEL:
		return hull_file_parse(value, &c->kernel, err);
	case OPT_INITRD:
		return hull_file_parse(value, &c->initrd, err);
	case OPT_APPEND:
		return add_words(&c->append, value, err);
	case OPT_MODULES:
		return hull_dir_parse(value, &c->modules, err);
	case OPT_DUMP_ON_PANIC:
		return hull_new_file_parse(value, &c->panic_dump, err);
	case OPT_DISPLAY:
		return hull_display_parse(value, &c->display, err);
	case OPT_GDB:
		return hull_gdb_parse(value, &c->gdb, err);
	case OPT_RESTFUL_URI:
		return hull_rest_opt_parse(value, &c->rest, err);
	case OPT_ARCH:
		return hull_arch_parse(value, &c->arch, err);
	case OPT_CONSOLE:
		c->console = true;
		return 0;
	case OPT_READ_ONLY:
		c->root.readonly = true;
		return 0;
	default:
		return hull_fail(err, HULL_E_INTERNAL, "option %d has no meaning", id);
	}
}

static int set_log_format(const char *value, struct hull_error **err)
{
	static const char *const formats[] = {"text", "json", NULL};
	int i = hull_name_index("format", value, formats, err);

	hull_out_json_errors(i == 1);
	return i < 0 ? -1 : 0;
}

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct hull_run_options *o = ctx;

	switch (opt->id) {
	case 'i':
		o->interactive = true;
		return 0;
	case 't':
		o->terminal = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'e': {
		int r = add_env(&o->env_words, value, err);

		hide_value((char *)value);
		return r;
	}
	case OPT_ENV_FILE:
		return add_env_file(&o->env, value, err);
	case 'w':
		return set_string(&o->cwd, value, err);
	case 'u':
		return set_string(&o->user, value, err);
	case OPT_CAP:
		return hull_caps_edit(&o->caps, value, 0, err);
	case OPT_CAP_ADD:
		return hull_caps_edit(&o->caps, value, '+', err);
	case OPT_CAP_DROP:
		return hull_caps_edit(&o->caps, value, '-', err);
	case OPT_PIDS_LIMIT:
		return set_number(&o->pids_limit, value, PIDS_MAX, err);
	case OPT_TIMEOUT:
		return set_duration(&o->timeout_ms, value, err);
	case OPT_TIMING:
		return hull_timing_parse(value, &o->timing, err);
	case OPT_LOG_FORMAT:
		return set_log_format(value, err);
	case OPT_NET:
		return set_net(o, value, err);
	case 'p':
		return add_ports(o, value, err);
	default:
		return set_vm_option(o, opt->id, value, err);
	}
}

/* Whatever stands before it on the command line: the options change what the file says. */
static int on_config(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct hull_run_options *o = ctx;

	if (opt->id == OPT_LOG_FORMAT)
		return set_log_format(value, err);
	return opt->id == OPT_CONFIG ? hull_description_load(value, &o->config, NULL, err) : 0;
}

static int default_env(struct hull_strv *env, const char *name, const char *value,
		       struct hull_error **err)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], name, len) && env->v[i][len] == '=')
			return 0;
	return hull_strv_addf(env, "%s=%s", name, value) < 0 ? hull_fail_nomem(err) : 0;
}

/* The host's account of that name or number, until the next call; NULL if there is none. */
static const struct passwd *find_account(const char *user)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;
	uint64_t uid = UINT64_MAX;

	(void)hull_parse_u64(user, UINT32_MAX - 1, &uid);
	while (f && (pw = fgetpwent(f)) && strcmp(pw->pw_name, user) && pw->pw_uid != uid)
		;
	if (f)
		(void)fclose(f);
	return pw;
}

/* Where root is at home.  The guest has the host's accounts, and would have to look it up in a file
 * of the host's, before the command starts. */
static int fill_home(struct hull_run_options *o, struct hull_error **err)
{
	const struct passwd *pw = find_account("0");

	if (!pw || *pw->pw_dir != '/')
		return 0;
	if (default_env(&o->env, "HOME", pw->pw_dir, err) < 0)
		return -1;
	return o->cwd || access(pw->pw_dir, F_OK) < 0 ? 0 : set_string(&o->cwd, pw->pw_dir, err);
}

/* Whoever the command runs as owns what it finds in shares.  A user by name is looked up in the
 * host's accounts, which the guest has too. */
static int fill_owner(struct hull_run_options *o, struct hull_error **err)
{
	cleanup_free char *user = strdup(o->user ? o->user : "");
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
	pw = find_account(user);
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

/* What the user did not say and the environment of the command needs. */
static int fill_env(struct hull_run_options *o, struct hull_error **err)
{
	static const char path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	const char *term = getenv("TERM");

	for (size_t i = 0; i < o->env_words.n; i++)
		if (hull_environ_apply(&o->env, o->env_words.v[i], err) < 0)
			return hull_prefix(err, "--env");
	if (o->config.root.kind == HULL_ROOT_HOST && !o->user && fill_home(o, err) < 0)
		return -1;
	if (o->terminal && default_env(&o->env, "TERM", term ? term : "linux", err) < 0)
		return -1;
	return default_env(&o->env, "PATH", path, err) < 0
		       ? -1
		       : default_env(&o->env, "LANG", "C.UTF-8", err);
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
		if (hull_strv_add(&o->args, argv[rest]) < 0)
			return hull_fail_nomem(err);
	if (o->config.agent == HULL_AGENT_NONE && o->args.n)
		return hull_fail(err, HULL_E_INVALID,
				 "--agent none boots a kernel and can't run '%s' in it",
				 o->args.v[0]);
	if (o->config.agent == HULL_AGENT_HULL && !o->args.n) {
		hull_fail(err, HULL_E_INVALID, "no command given");
		hull_hint(err, "for example: hull run -- uname -a");
		return -1;
	}
	if (o->interactive && o->config.agent == HULL_AGENT_HULL && hull_device_stdio(&o->config)) {
		hull_fail(err, HULL_E_INVALID,
			  "--interactive: standard input belongs to the device "
			  "virtio-serial,stdio");
		hull_hint(err, "leave out one of the two");
		return -1;
	}
	if (o->config.agent == HULL_AGENT_NONE && o->config.modules)
		return hull_fail(err, HULL_E_INVALID,
				 "--modules: with --agent none nobody loads them in the guest");
	if (o->terminal && o->interactive && !isatty(STDIN_FILENO)) {
		hull_fail(err, HULL_E_INVALID, "--tty: standard input is not a terminal");
		hull_hint(err, "leave out -t, or -i");
		return -1;
	}
	return 0;
}

int hull_run_parse(const struct hull_verb *verb, int argc, char **argv,
		   struct hull_run_options *ret, struct hull_error **err)
{
	struct hull_run_options *o = ret;
	bool dashes;
	int rest, r;

	*o = (struct hull_run_options){0};
	hull_config_init(&o->config);
	o->config.tied = true;
	o->config.root.kind = HULL_ROOT_HOST;
	o->config.root.cache = HULL_SHARE_CACHE_ALWAYS;
	r = hull_opts_parse(verb, argc, argv, on_config, o, &rest, &dashes, err);
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
	o->config.progress = !o->quiet && isatty(STDERR_FILENO);
	if (fill_network(o, err) < 0 || fill_owner(o, err) < 0 || fill_env(o, err) < 0)
		return -1;
	return hull_description_complete(&o->config, err);
}

void hull_run_options_fini(struct hull_run_options *o)
{
	hull_config_fini(&o->config);
	hull_strv_fini(&o->args);
	hull_timing_fini(&o->timing);
	hull_strv_fini(&o->env);
	hull_strv_fini(&o->env_words);
	for (size_t i = 0; i < o->ports.n; i++)
		free(o->ports.v[i].address);
	free(o->ports.v);
	free(o->cwd);
	free(o->user);
}
