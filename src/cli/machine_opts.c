/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that describe a machine, see machine_opts.h.
 */
#define _GNU_SOURCE
#include "cli/machine_opts.h"

#include "base/cleanup.h"
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

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define SCRATCH_MIN (16 * MIB) /* less leaves a file system no room for files */

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

static void choose_net(struct hull_machine_opts *o, enum hull_net net)
{
	static const enum hull_network_provider providers[] = {
		[HULL_NET_USER] = HULL_NETWORK_AUTO,
		[HULL_NET_NONE] = HULL_NETWORK_AUTO,
		[HULL_NET_PASST] = HULL_NETWORK_PASST,
		[HULL_NET_BUILTIN] = HULL_NETWORK_BUILTIN,
	};

	o->net = net == HULL_NET_NONE ? HULL_MACHINE_NET_NONE : HULL_MACHINE_NET_USER;
	o->provider = providers[net];
}

static int set_net(struct hull_machine_opts *o, const char *value, struct hull_error **err)
{
	int i = hull_name_index("network", value, hull_net_names, err);

	if (i < 0)
		return -1;
	choose_net(o, (enum hull_net)i);
	return 0;
}

static int add_ports(struct hull_machine_opts *o, const char *value, struct hull_error **err)
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

static void choose_usual_net(struct hull_machine_opts *o)
{
	bool wanted = o->config.agent == HULL_AGENT_HULL && !has_nic(&o->config);

	choose_net(o, wanted || o->ports.n ? o->settings->net : HULL_NET_NONE);
	if (o->ports.n)
		o->net = HULL_MACHINE_NET_USER;
}

static int fill_network(struct hull_machine_opts *o, struct hull_error **err)
{
	struct hull_network *net;

	if (o->config.networks.n && o->net == HULL_MACHINE_NET_UNSAID && !o->ports.n)
		return 0;
	if (o->config.networks.n) {
		hull_fail(err, HULL_E_INVALID, "--%s: the description has networks of its own",
			  o->ports.n ? "publish" : "net");
		hull_hint(err, "change them there");
		return -1;
	}
	if (hull_networks_adopt(&o->config, err) < 0)
		return -1;
	if (o->net == HULL_MACHINE_NET_UNSAID)
		choose_usual_net(o);
	if (o->net == HULL_MACHINE_NET_NONE && o->ports.n) {
		hull_fail(err, HULL_E_INVALID, "--publish: there is no network with --net none");
		hull_hint(err, "leave out one of the two");
		return -1;
	}
	if (o->net == HULL_MACHINE_NET_NONE)
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
	case HULL_OPT_ACCEL:
		r = set_name(&i, "accelerator", value, hull_accel_names, err);
		c->accel = (enum hull_accel)i;
		return r;
	case HULL_OPT_MACHINE:
		r = set_name(&i, "machine", value, hull_machine_names, err);
		c->machine = (enum hull_machine)i;
		return r;
	case HULL_OPT_IOMMU:
		r = set_name(&i, "IOMMU", value, hull_iommu_names, err);
		c->iommu = (enum hull_iommu)i;
		return r;
	case HULL_OPT_AGENT:
		r = set_name(&i, "agent kind", value, hull_agent_names, err);
		c->agent = (enum hull_agent)i;
		return r;
	case HULL_OPT_ROOT:
		r = set_name(&i, "root", value, hull_root_kind_names, err);
		c->root.kind = (enum hull_root_kind)i;
		return r;
	case HULL_OPT_LINK:
		r = set_name(&i, "link", value, hull_link_kind_names, err);
		c->link = (enum hull_link_kind)i;
		return r;
	case HULL_OPT_ON_REBOOT:
		r = set_name(&i, "end of a guest that reboots", value, hull_on_reboot_names, err);
		c->on_reboot = (enum hull_on_reboot)i;
		return r;
	case HULL_OPT_ISOLATION:
		r = set_name(&i, "isolation", value, hull_isolation_names, err);
		c->isolation = (enum hull_isolation)i;
		return r;
	case HULL_OPT_SHARE_CACHE:
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
static int set_firmware(struct hull_machine_opts *o, const char *value, struct hull_error **err)
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
	case HULL_OPT_CPU_LIMIT:
		return hull_cpu_limit_parse(value, &c->cpu_limit, err);
	case 'm':
		return hull_memory_parse(value, &c->memory_bytes, err);
	case HULL_OPT_CPU_FEATURE:
		return hull_cpu_features_parse(value, &c->cpu_features, err);
	case HULL_OPT_CPUS_MAX:
		return hull_set_number(&c->cpus_max, value, HULL_CONFIG_MAX_CPUS, err);
	case HULL_OPT_MEMORY_MAX:
		return hull_memory_parse(value, &c->memory_max_bytes, err);
	case HULL_OPT_MEMORY_SLOTS:
		return hull_set_number(&c->memory_slots, value, HULL_CONFIG_MAX_MEMORY_SLOTS, err);
	case HULL_OPT_MEMORY_BACKING:
		return hull_memory_backing_parse(value, &c->memory_backing, err);
	case HULL_OPT_SCRATCH:
		return add_scratch(c, value, err);
	case HULL_OPT_CPU:
		return hull_set_string(&c->cpu_model, value, err);
	default:
		return hull_fail(err, HULL_E_INTERNAL, "option %d has no meaning", id);
	}
}

static int set_kernel(struct hull_config *c, int id, const char *value, struct hull_error **err)
{
	switch (id) {
	case HULL_OPT_KERNEL:
		return set_boot_file(&c->kernel, value, err);
	case HULL_OPT_INITRD:
		return set_boot_file(&c->initrd, value, err);
	case HULL_OPT_APPEND:
		return add_words(&c->append, value, err);
	case HULL_OPT_MODULES:
		return hull_dir_parse(value, &c->modules, err);
	case HULL_OPT_DUMP_ON_PANIC:
		return hull_new_file_parse(value, &c->panic_dump, err);
	case HULL_OPT_GDB:
		return hull_gdb_parse(value, &c->gdb, err);
	default:
		return set_resource(c, id, value, err);
	}
}

static int set_vm_option(struct hull_machine_opts *o, int id, const char *value,
			 struct hull_error **err)
{
	struct hull_config *c = &o->config;

	switch (id) {
	case HULL_OPT_ROOT:
	case HULL_OPT_AGENT:
	case HULL_OPT_ACCEL:
	case HULL_OPT_MACHINE:
	case HULL_OPT_IOMMU:
	case HULL_OPT_SHARE_CACHE:
	case HULL_OPT_SHARE_DRIVER:
	case HULL_OPT_LINK:
	case HULL_OPT_ON_REBOOT:
	case HULL_OPT_ISOLATION:
		o->root_said |= id == HULL_OPT_ROOT;
		o->agent_said |= id == HULL_OPT_AGENT;
		return set_choice(c, id, value, err);
	case 'v':
		return hull_volume_add(c, value, err);
	case HULL_OPT_CONFIG:
		return 0; /* has been read before */
	case HULL_OPT_DEVICE:
		return hull_device_add(c, value, err);
	case HULL_OPT_DISPLAY:
		return hull_display_parse(value, &c->display, err);
	case HULL_OPT_FIRMWARE:
		return set_firmware(o, value, err);
	case HULL_OPT_CLOUD_INIT:
		return hull_cloud_opt_parse(value, c, err);
	case HULL_OPT_IGNITION:
		return hull_file_parse(value, &c->ignition, err);
	case HULL_OPT_TIMESYNC:
		return hull_vfkit_parse_timesync(value, &c->timesync, err);
	case HULL_OPT_HERE:
		if (hull_volume_add_here(c, err) < 0)
			return -1;
		/* "-w" counts wherever it stands. */
		return hull_set_string(&o->here, c->shares.v[c->shares.n - 1].target, err);
	case HULL_OPT_NAME:
		return hull_set_string(&c->name, value, err);
	case HULL_OPT_BOOT_TIMEOUT:
		return hull_set_duration(&c->boot_timeout_ms, value, err);
	case HULL_OPT_RESTART:
		return hull_policy_parse_restart(value, &c->restart, err);
	case HULL_OPT_RESTFUL_URI:
		return hull_rest_opt_parse(value, false, &c->rest, err);
	case HULL_OPT_ARCH:
		return hull_arch_parse(value, &c->arch, err);
	case HULL_OPT_CONSOLE:
		c->console = true;
		return 0;
	case HULL_OPT_READ_ONLY:
		c->root.readonly = true;
		return 0;
	default:
		return set_kernel(c, id, value, err);
	}
}

/* What is so unless options say otherwise: hull's own choice, settings, descriptions. */
int hull_machine_opts_begin(struct hull_machine_opts *o, const struct hull_strv *files,
			    struct hull_error **err)
{
	*o = (struct hull_machine_opts){0};
	hull_config_init(&o->config);
	o->config.root.kind = HULL_ROOT_HOST;
	o->config.root.cache = HULL_SHARE_CACHE_ALWAYS;
	o->settings = hull_cli_settings(err);
	if (!o->settings)
		return -1;
	hull_settings_begin(o->settings, &o->config);
	for (size_t i = 0; i < files->n; i++)
		if (hull_description_load(files->v[i], &o->config, NULL, err) < 0)
			return hull_prefix(err, "--config");
	return 0;
}

int hull_machine_opt(struct hull_machine_opts *o, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	if (opt->id == 'p')
		return add_ports(o, value, err);
	return opt->id == HULL_OPT_NET ? set_net(o, value, err)
				       : set_vm_option(o, opt->id, value, err);
}

int hull_machine_opts_complete(struct hull_machine_opts *o, struct hull_error **err)
{
	if (hull_root_check(&o->config, o->root_said, err) < 0)
		return -1;
	if (o->config.agent == HULL_AGENT_NONE || o->config.arch != HULL_ARCH_HOST)
		o->config.root.kind = HULL_ROOT_NONE;
	if (fill_network(o, err) < 0)
		return -1;
	return hull_settings_complete(o->settings, &o->config) < 0 ? hull_fail_nomem(err) : 0;
}

void hull_machine_opts_fini(struct hull_machine_opts *o)
{
	hull_config_fini(&o->config);
	for (size_t i = 0; i < o->ports.n; i++)
		free(o->ports.v[i].address);
	free(o->ports.v);
	free(o->here);
}
