/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest is told once its agent has greeted: one Setup call with everything a VM needs
 * before its first session.
 */
#define _GNU_SOURCE
#include "monitor/setup.h"
#include "monitor/state.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "config.h"
#include "config/vports.h"
#include "monitor/net.h"
#include "proto/link.h"

#include <stdio.h>
#include <string.h>

#define AGENT "hull.agent.v1.Agent"

/* How long before the answer the network's step ended.  The guest's clock is its own, so only
 * differences are taken from it; and it can say what it likes, so they are bounded. */
static uint64_t network_ago_ns(const Hull__Agent__V1__SetupResponse *r, uint64_t max_ns)
{
	for (size_t i = 0; i < r->n_spans; i++) {
		uint64_t end = r->spans[i]->end_ns, last = r->spans[r->n_spans - 1]->end_ns;

		if (!strcmp(r->spans[i]->name, "network") && last >= end && last - end <= max_ns)
			return last - end;
	}
	return 0;
}

static void on_setup_done(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_monitor *m = ctx;

	if (m->state != HULL_MONITOR_STARTING)
		return;
	if (!error) {
		hull_monitor_timeline_guest(m, reply);
		if (m->net)
			hull_monitor_network_configured(
				m,
				network_ago_ns((const void *)reply, hull_now_ns() - m->greeted_ns));
		hull_monitor_ready(m);
		return;
	}
	if (m->config.shares.n && !strcmp(hull_error_cause(error), "mount-point")) {
		hull_fail_cause(&err, HULL_E_INVALID, "share-target", "%s",
				hull_error_message(error));
		hull_hint(&err, "a directory can't be shared at a file's place, nor a file at a "
				"directory's: choose another target");
	} else {
		hull_fail_copy(&err, error);
	}
	hull_prefix(&err, "prepare the guest");
	hull_monitor_end_error(m, "guest-setup-failed", &err);
}

static void on_agent_closed(void *ctx)
{
	/* Told by the link or the hypervisor. */
}

static int connect_agent(struct hull_monitor *m, struct hull_error **err)
{
	int fd;

	if (hull_guest_link_connect(m->link, HULL_PORT_AGENT, &fd, err) < 0 ||
	    hull_rpc_new(m->loop, fd, on_agent_closed, m, &m->agent, err) < 0)
		return -1;
	hull_rpc_skip_ok(m->agent);
	return 0;
}

void hull_monitor_forget_guest(struct hull_monitor *m)
{
	hull_rpc_free(steal_ptr(&m->agent));
	hull_source_remove(&m->lost);
	if (m->link)
		hull_guest_link_hang_up(m->link);
	m->telling_time = m->tell_time_again = false;
	m->balloon_bytes = 0;
	hull_monitor_unready(m);
}

void hull_monitor_power_off_guest(struct hull_monitor *m, uint64_t grace_ns)
{
	Hull__Agent__V1__PowerOffRequest rq = HULL__AGENT__V1__POWER_OFF_REQUEST__INIT;

	rq.grace_ns = grace_ns;
	hull_rpc_call(m->agent, AGENT, "PowerOff", &rq.base, &hull__agent__v1__empty__descriptor, 0,
		      NULL, NULL);
}

/* ---- the Setup call ---- */

static void setup_free(struct hull_setup *s)
{
	hull_strv_fini(&s->strings);
	free(s);
}

static void setup_freep(struct hull_setup **s)
{
	if (*s)
		setup_free(*s);
}

char *hull_setup_text(struct hull_setup *s, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (hull_strv_take(&s->strings, n < 0 ? NULL : text) < 0)
		return (char *)"";
	return s->strings.v[s->strings.n - 1];
}

static void fill_mount(struct hull_setup *s, Hull__Agent__V1__MountEntry *e, const char *type,
		       const char *source, const char *target,
		       const char *const options[HULL_SETUP_OPTIONS_MAX])
{
	char **words = s->options[s->n_entries++];

	hull__agent__v1__mount_entry__init(e);
	e->type = (char *)type;
	e->source = (char *)source;
	e->target = (char *)target;
	e->options = words;
	while (options && e->n_options < HULL_SETUP_OPTIONS_MAX && options[e->n_options]) {
		words[e->n_options] = (char *)options[e->n_options];
		e->n_options++;
	}
}

void hull_setup_mount(struct hull_setup *s, const char *type, const char *source,
		      const char *target, const char *const options[HULL_SETUP_OPTIONS_MAX])
{
	size_t n = s->rq.n_mounts;

	if (n == HULL_SETUP_MOUNTS_MAX) {
		s->full = true;
		return;
	}
	fill_mount(s, &s->mounts[n], type, source, target, options);
	s->mount_list[n] = &s->mounts[n];
	s->rq.mounts = s->mount_list;
	s->rq.n_mounts++;
}

void hull_setup_bind(struct hull_setup *s, const char *type, const char *source, const char *target,
		     const char *const options[HULL_SETUP_OPTIONS_MAX])
{
	size_t n = s->rq.n_binds++;

	fill_mount(s, &s->binds[n], type, source, target, options);
	s->bind_list[n] = &s->binds[n];
	s->rq.binds = s->bind_list;
}

void hull_setup_stage(struct hull_setup *s, const char *name)
{
	s->stages[s->rq.n_modules++] = (char *)name;
	s->rq.modules = s->stages;
}

static bool is_modules_image(const struct hull_disk *d)
{
	return d->serial && !strcmp(d->serial, HULL_MODULES_SERIAL);
}

/* What hull's own initramfs drives is there when its stage has been loaded; for the rest the guest
 * looks for drivers. */
static void add_devices(struct hull_setup *s, const struct hull_config *c)
{
	bool virtio_disks = false;

	/* The modules' image waits until something is missed, the throwaway disk is the root's. */
	for (size_t i = 0; i < c->disks.n; i++)
		virtio_disks |= !c->disks.v[i].scratch_bytes && !is_modules_image(&c->disks.v[i]);
	for (size_t i = 0; i < c->devices.n; i++) {
		switch (c->devices.v[i].kind) {
		case HULL_DEVICE_BLK:
		case HULL_DEVICE_NBD:
			virtio_disks = true;
			break;
		case HULL_DEVICE_NVME:
		case HULL_DEVICE_USB:
			s->coldplug.disks++;
			s->rq.coldplug = &s->coldplug;
			break;
		case HULL_DEVICE_RNG:
		case HULL_DEVICE_BALLOON:
		case HULL_DEVICE_GPU:
		case HULL_DEVICE_INPUT:
			s->rq.coldplug = &s->coldplug;
			break;
		default:
			break;
		}
	}
	if (virtio_disks)
		hull_setup_stage(s, "disk");
	if (c->rng_source) /* otherwise what Setup brings is enough */
		s->rq.coldplug = &s->coldplug;
}

static void add_identity(struct hull_setup *s, const struct hull_config *c)
{
	s->rq.realtime_ns = hull_realtime_ns();
	if (hull_random(s->entropy, sizeof(s->entropy)) == 0) {
		s->rq.entropy.data = s->entropy;
		s->rq.entropy.len = sizeof(s->entropy);
	}
	s->rq.hostname = c->name ? c->name : (char *)"hull";
}

void hull_monitor_setup_guest(struct hull_monitor *m)
{
	cleanup_with(setup_freep) struct hull_setup *s = calloc(1, sizeof(*s));
	cleanup_error struct hull_error *err = NULL;

	if (!s)
		hull_fail_nomem(&err);
	if (!s || connect_agent(m, &err) < 0) {
		hull_monitor_end_error(m, "guest-setup-failed", &err);
		return;
	}
	hull__agent__v1__setup_request__init(&s->rq);
	hull__agent__v1__coldplug__init(&s->coldplug);
	/* Network devices of the list are configured by the guest's programs. */
	if (m->net || hull_config_count(&m->config, HULL_DEVICE_NET))
		hull_setup_stage(s, "net");
	if (m->net)
		hull_net_describe(m->net, &s->rq);
	if (m->config.panic_dump)
		hull_setup_stage(s, "dump");
	add_devices(s, &m->config);
	if (hull_vports_wanted(&m->config)) {
		hull_setup_stage(s, "af_vsock");
		hull_setup_stage(s, "vsock");
	}
	add_identity(s, &m->config);
	hull_setup_root(s, m);
	if (s->strings.failed)
		hull_fail_nomem(&err);
	else if (s->full)
		hull_fail(&err, HULL_E_EXHAUSTED, "the guest's root has more than %d parts",
			  HULL_SETUP_MOUNTS_MAX);
	if (err) {
		hull_monitor_end_error(m, "guest-setup-failed", &err);
		return;
	}
	m->setup_ns = hull_now_ns();
	hull_rpc_call(m->agent, AGENT, "Setup", &s->rq.base,
		      &hull__agent__v1__setup_response__descriptor, 0, on_setup_done, m);
}
