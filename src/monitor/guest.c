/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest is told once its agent has greeted: one Setup call with everything a VM needs
 * before its first session.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "config.h"
#include "monitor/net.h"
#include "proto/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AGENT "hull.agent.v1.Agent"

/* Where things are mounted in the guest before they become its root, or part of it. */
#define GUEST_LOWER "/run/hull/lower"
#define GUEST_RW "/run/hull/rw"
#define GUEST_ROOT "/run/hull/root"
#define GUEST_SHARE "/run/hull/share"

#define MOUNTS_MAX (3 + HULL_SHARE_GROUPS_MAX)
#define OPTIONS_MAX 4
#define STAGES_MAX 4

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
	if (m->config.shares.n && strstr(hull_error_message(error), GUEST_ROOT "/") &&
	    strstr(hull_error_message(error), hull_strerror(ENOTDIR))) {
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

void hull_monitor_power_off_guest(struct hull_monitor *m)
{
	Hull__Agent__V1__PowerOffRequest rq = HULL__AGENT__V1__POWER_OFF_REQUEST__INIT;

	hull_rpc_call(m->agent, AGENT, "PowerOff", &rq.base, &hull__agent__v1__empty__descriptor, 0,
		      NULL, NULL);
}

/* ---- the Setup call ---- */

/* Everything a request points to. */
struct setup {
	Hull__Agent__V1__SetupRequest rq;
	char *stages[STAGES_MAX];
	Hull__Agent__V1__MountEntry mounts[MOUNTS_MAX], binds[HULL_CONFIG_MAX_SHARES];
	Hull__Agent__V1__MountEntry *mount_list[MOUNTS_MAX], *bind_list[HULL_CONFIG_MAX_SHARES];
	char *options[MOUNTS_MAX + HULL_CONFIG_MAX_SHARES][OPTIONS_MAX];
	size_t n_entries;
	char *sealed[2];
	struct hull_strv strings; /* those that are made here */
	uint8_t entropy[64];
};

static void setup_free(struct setup *s)
{
	hull_strv_fini(&s->strings);
	free(s);
}

static void setup_freep(struct setup **s)
{
	if (*s)
		setup_free(*s);
}

/* The last one made; NULL without memory, which add_mount() passes on. */
static char *own(struct setup *s, const char *fmt, ...) HULL_PRINTF(2, 3);

static char *own(struct setup *s, const char *fmt, ...)
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

/* Options: up to four words, the first NULL ends them. */
static void fill_mount(struct setup *s, Hull__Agent__V1__MountEntry *e, const char *type,
		       const char *source, const char *target,
		       const char *const options[OPTIONS_MAX])
{
	char **words = s->options[s->n_entries++];

	hull__agent__v1__mount_entry__init(e);
	e->type = (char *)type;
	e->source = (char *)source;
	e->target = (char *)target;
	e->options = words;
	while (options && e->n_options < OPTIONS_MAX && options[e->n_options]) {
		words[e->n_options] = (char *)options[e->n_options];
		e->n_options++;
	}
}

static void add_mount(struct setup *s, const char *type, const char *source, const char *target,
		      const char *const options[OPTIONS_MAX])
{
	size_t n = s->rq.n_mounts++;

	fill_mount(s, &s->mounts[n], type, source, target, options);
	s->mount_list[n] = &s->mounts[n];
	s->rq.mounts = s->mount_list;
}

static void add_stage(struct setup *s, const char *name)
{
	s->stages[s->rq.n_modules++] = (char *)name;
	s->rq.modules = s->stages;
}

static void add_identity(struct setup *s, const struct hull_config *c)
{
	s->rq.realtime_ns = hull_realtime_ns();
	if (hull_random(s->entropy, sizeof(s->entropy)) == 0) {
		s->rq.entropy.data = s->entropy;
		s->rq.entropy.len = sizeof(s->entropy);
	}
	s->rq.hostname = c->name ? c->name : (char *)"hull";
}

/* The host's tree below, something writable above it, both as one root. */
static void add_root(struct setup *s, const struct hull_config *c)
{
	static const char *const lower[OPTIONS_MAX] = {"ro"};
	static const char *const memory[OPTIONS_MAX] = {"size=50%", "mode=0755"};
	static const char *const disk[OPTIONS_MAX] = {"noatime", "noinit_itable"};
	/* redirect_dir: else a directory from below can't be renamed (EXDEV). */
	static const char *const overlay[OPTIONS_MAX] = {"redirect_dir=on", "lowerdir=" GUEST_LOWER,
							 "upperdir=" GUEST_RW "/upper",
							 "workdir=" GUEST_RW "/work"};
	const struct hull_disk *scratch = NULL;

	if (c->root.kind != HULL_ROOT_HOST)
		return;
	for (size_t i = 0; i < c->disks.n && !scratch; i++)
		if (c->disks.v[i].scratch_bytes)
			scratch = &c->disks.v[i];
	add_mount(s, "virtiofs", HULL_ROOT_TAG, GUEST_LOWER, lower);
	if (scratch) {
		add_stage(s, "disk");
		add_stage(s, "ext4");
		add_mount(s, "ext4", "serial:" HULL_SCRATCH_SERIAL, GUEST_RW, disk);
	} else {
		add_mount(s, "tmpfs", "hull", GUEST_RW, memory);
	}
	add_mount(s, "overlay", "hull", GUEST_ROOT, overlay);
	s->rq.root = (char *)GUEST_ROOT;
	s->rq.api_mounts = true;
	/* What lies below as well: the overlay alone could be made writable again by the guest's
	 * root. */
	s->sealed[0] = (char *)GUEST_ROOT;
	s->sealed[1] = (char *)GUEST_RW;
	s->rq.seal = s->sealed;
	s->rq.n_seal = c->root.readonly ? ARRAY_SIZE(s->sealed) : 0;
}

/* Each daemon's tree is mounted as a whole; what is in it is bound to where it is wanted. */
static void add_shares(struct setup *s, const struct hull_monitor *m)
{
	static const char *const readonly[OPTIONS_MAX] = {"ro"};
	const struct hull_config *c = &m->config;

	for (size_t i = 0; i < m->shares.n_groups; i++)
		add_mount(s, "virtiofs", own(s, HULL_SHARE_TAG "%zu", i),
			  own(s, GUEST_SHARE "%zu", i), NULL);
	for (size_t i = 0; i < c->shares.n; i++) {
		const struct hull_share *share = &c->shares.v[i];

		fill_mount(s, &s->binds[i], "bind",
			   own(s, GUEST_SHARE "%u/%zu", m->shares.group_of[i], i),
			   own(s, "%s%s", s->rq.root, share->target),
			   share->readonly ? readonly : NULL);
		s->bind_list[i] = &s->binds[i];
	}
	s->rq.binds = s->bind_list;
	s->rq.n_binds = c->shares.n;
}

void hull_monitor_setup_guest(struct hull_monitor *m)
{
	cleanup_with(setup_freep) struct setup *s = calloc(1, sizeof(*s));
	cleanup_error struct hull_error *err = NULL;

	if (!s)
		hull_fail_nomem(&err);
	if (!s || connect_agent(m, &err) < 0) {
		hull_monitor_end_error(m, "guest-setup-failed", &err);
		return;
	}
	hull__agent__v1__setup_request__init(&s->rq);
	if (m->config.root.kind != HULL_ROOT_NONE || m->config.shares.n)
		add_stage(s, "root");
	if (m->net) {
		add_stage(s, "net");
		hull_net_describe(m->net, &s->rq);
	}
	add_identity(s, &m->config);
	add_root(s, &m->config);
	add_shares(s, m);
	if (s->strings.failed) {
		hull_fail_nomem(&err);
		hull_monitor_end_error(m, "guest-setup-failed", &err);
		return;
	}
	m->setup_ns = hull_now_ns();
	hull_rpc_call(m->agent, AGENT, "Setup", &s->rq.base,
		      &hull__agent__v1__setup_response__descriptor, 0, on_setup_done, m);
}
