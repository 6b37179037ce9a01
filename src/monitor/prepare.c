/* SPDX-License-Identifier: Apache-2.0
 *
 * From a spec to a running hypervisor.  What the guest is told then is in guest.c.
 *
 * Intent before effect: monitor.json names the cgroup before that exists, and the cgroup exists
 * before anything is in it, so that whoever comes after a crash finds everything.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "boot/initrd.h"
#include "boot/modules.h"
#include "config/network.h"
#include "monitor/cidata.h"
#include "monitor/net.h"
#include "monitor/rest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_ID 12
/* As many as the kernel allows by default: who connects waits for nothing
 * (hull_unix_connect_now()), and is refused where there are more. */
#define BACKLOG 4096
#define LOST_MS 3000
/* User ids of hypervisors and share daemons: a pair per VM, from a range that nobody hands out. */
#define UID_BASE UINT32_C(0x70000000)
#define UID_PAIRS UINT32_C(0x00400000)

static uint32_t vm_uid(const struct hull_config *config)
{
	char digits[9] = {0};
	unsigned int n = 0;

	memcpy(digits, config->id, 8);
	(void)sscanf(digits, "%x", &n); /* validated: hex digits */
	return UID_BASE + 2 * (n % UID_PAIRS);
}

/* Also in the place of an earlier try of ours. */
static int listen_at(const struct hull_monitor *m, const char *name, int *ret_fd,
		     struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(m->config.run_dir, name);
	int fd = path ? hull_unix_listen_anew(path, BACKLOG, 0600) : -ENOMEM;

	if (fd < 0)
		return hull_fail_errno(err, -fd, "listen on '%s'", path ? path : name);
	*ret_fd = fd;
	return 0;
}

/* ---- events of what was started ---- */

static void on_helper_ended(void *ctx, const struct hull_error *error)
{
	struct hull_monitor *m = ctx;

	/* It ends properly when the hypervisor closes its socket: that is told by the other. */
	if (error)
		hull_monitor_end_because(m, "helper-died", error);
	hull_monitor_child_ended(m);
}

/* Where it was only a first choice, one that fails before the guest has noticed is replaced by the
 * second: there are more reasons for that than could be asked for beforehand. */
static bool can_replace_passt(const struct hull_monitor *m)
{
	if (m->state != HULL_MONITOR_STARTING || m->greeted_ns || m->ready_ns || m->without_passt)
		return false;
	for (size_t i = 0; i < m->config.networks.n; i++)
		if (m->config.networks.v[i].provider != HULL_NETWORK_AUTO)
			return false;
	return true;
}

static void on_passt_ended(void *ctx, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_monitor *m = ctx;

	if (error && can_replace_passt(m)) {
		m->without_passt = true;
		hull_strv_addf(&m->notes, "%s; the hypervisor carries the network instead",
			       hull_error_message(error));
		hull_monitor_relaunch(m);
		return;
	}
	if (error && m->state == HULL_MONITOR_STARTING) {
		hull_fail_copy(&err, error);
		hull_prefix(&err, "network");
		hull_hint(&err, "it can be done without passt: --net builtin");
		hull_monitor_end_error(m, "helper-died", &err);
	}
	on_helper_ended(ctx, error);
}

static void on_inst_ready(void *ctx)
{
	struct hull_monitor *m = ctx;

	m->runs_ns = hull_now_ns();
	hull_monitor_gdb_paused(m, false);
	if (m->state != HULL_MONITOR_STARTING || m->config.agent != HULL_AGENT_NONE)
		return;
	hull_monitor_timeline_no_guest(m);
	hull_monitor_ready(m);
}

/* For who wants to know of many VMs without asking each. */
static void mark_paused(const struct hull_monitor *m, bool paused)
{
	cleanup_free char *path = hull_path_join(m->config.run_dir, HULL_PAUSED_MARK);
	cleanup_close int fd = -1;

	if (path && paused)
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	else if (path)
		(void)unlink(path);
}

static void on_inst_paused(void *ctx, bool paused)
{
	struct hull_monitor *m = ctx;

	hull_monitor_gdb_paused(m, paused);
	mark_paused(m, paused);
	if (m->state == HULL_MONITOR_RUNNING && paused)
		hull_monitor_enter(m, HULL_MONITOR_PAUSED);
	else if (m->state == HULL_MONITOR_PAUSED && !paused)
		hull_monitor_enter(m, HULL_MONITOR_RUNNING);
	hull_monitor_stop_goes_on(m);
	/* Its clock has stood still as well.  Not under a debugger, who wants to see nothing of us.
	 */
	if (m->state == HULL_MONITOR_RUNNING && !paused && m->config.gdb.kind == HULL_GDB_NONE)
		hull_monitor_tell_time(m);
}

static void on_inst_ending(void *ctx, enum hull_end end)
{
	/* Otherwise only the exit is acted upon: by then all of the console has been read. */
	hull_monitor_held(ctx, end);
}

static const char *end_text(enum hull_end end)
{
	switch (end) {
	case HULL_END_SHUTDOWN:
		return "the guest powered off";
	case HULL_END_REBOOT:
		return "the guest rebooted, or its processor gave up (triple fault)";
	case HULL_END_PANIC:
		return "the guest's kernel panicked";
	default:
		return "the hypervisor was told to end";
	}
}

static void on_inst_reset(void *ctx)
{
	hull_monitor_rebooted(ctx);
}

static void on_inst_exited(void *ctx, const struct hull_backend_exit *e)
{
	cleanup_strbuf struct hull_strbuf panic = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *memory = NULL;
	struct hull_monitor *m = ctx;

	m->inst_running = false;
	m->hypervisor_status = e->wstatus;
	if (m->console) {
		hull_console_drain(m->console);
		hull_monitor_drain_devices(m);
		(void)hull_console_panic_line(m->console, &panic);
	}
	/* Without a panic device a panic looks like a reboot: the console knows better. */
	if (panic.len && e->end != HULL_END_KILLED)
		hull_monitor_end(m, "panic", "the guest's kernel panicked: %s%s%s", panic.data,
				 m->dump_result ? "; " : "", m->dump_result ? m->dump_result : "");
	else if (e->end == HULL_END_DIED && WIFSIGNALED(e->wstatus) &&
		 WTERMSIG(e->wstatus) == SIGKILL && hull_monitor_short_of_memory(m, &memory))
		hull_monitor_end_because(m, "host-memory", memory);
	else if (e->error)
		hull_monitor_end_because(m, hull_end_name(e->end), e->error);
	else
		hull_monitor_end(m, hull_end_name(e->end), "%s", end_text(e->end));
	hull_monitor_child_ended(m);
}

static void on_inst_ballooned(void *ctx, uint64_t bytes)
{
	struct hull_monitor *m = ctx;

	m->balloon_bytes = bytes;
}

static const struct hull_backend_events inst_events = {
	.ready = on_inst_ready,
	.paused = on_inst_paused,
	.ending = on_inst_ending,
	.reset = on_inst_reset,
	.exited = on_inst_exited,
	.ballooned = on_inst_ballooned,
};

static void on_link_up(void *ctx, unsigned int agent_version)
{
	struct hull_monitor *m = ctx;

	m->agent_version = agent_version;
	m->greeted_ns = hull_now_ns();
	if (m->state == HULL_MONITOR_STARTING)
		hull_monitor_setup_guest(m);
}

static void on_link_lost(void *ctx)
{
	hull_monitor_end(ctx, "link-broken", "the guest has closed its link");
}

static void on_link_broken(void *ctx, const struct hull_error *error)
{
	struct hull_monitor *m = ctx;

	/* The hypervisor closing it is about to be seen exiting, which tells more.  Through vsock
	 * the guest can close it as well, and live on. */
	if (hull_error_code(error) != HULL_E_BACKEND)
		hull_monitor_end(m, "link-broken", "%s", hull_error_message(error));
	else if (m->vsock && !m->lost &&
		 hull_loop_add_timer(m->loop, on_link_lost, m, &m->lost) == 0)
		hull_source_arm(m->lost, hull_deadline_ms(LOST_MS));
}

static const struct hull_guest_link_ops link_ops = {.up = on_link_up, .broken = on_link_broken};

/* ---- starting ---- */

static struct hull_helper_env helper_env(struct hull_monitor *m, int cgroup_fd)
{
	return (struct hull_helper_env){
		.loop = m->loop, .cgroup_fd = cgroup_fd, .ended = on_helper_ended, .ctx = m};
}

static int keep_helper(struct hull_monitor *m, struct hull_helper *h, struct hull_error **err)
{
	struct hull_helper **slot = hull_vec_push(&m->helpers);

	if (!slot) {
		hull_helper_free(h);
		return hull_fail_nomem(err);
	}
	*slot = h;
	return 0;
}

static int start_share(struct hull_monitor *m, const struct hull_share_group *group,
		       const struct hull_dev_fs *device, int cgroup_fd, int *listen_fd,
		       struct hull_error **err)
{
	const struct hull_share_env env = {
		.helper = helper_env(m, cgroup_fd),
		.config = &m->config,
		.plan = &m->shares,
		.device = device,
	};
	struct hull_helper *h;

	return hull_share_start(&env, group, steal_fd(listen_fd), &h, err) < 0
		       ? -1
		       : keep_helper(m, h, err);
}

static int open_shares(struct hull_monitor *m, struct hull_backend_sockets *near,
		       struct hull_backend_sockets *far, struct hull_error **err)
{
	if (m->config.share_driver == HULL_SHARE_DRIVER_NINEP)
		return hull_exports_open(&m->exports, &m->config, &near->exports, err);
	if (m->config.root.kind != HULL_ROOT_NONE &&
	    hull_share_sockets(&m->config, &far->root, &near->root, err) < 0)
		return -1;
	for (size_t i = 0; i < m->shares.n_groups; i++)
		if (hull_share_sockets(&m->config, &far->shares[i], &near->shares[i], err) < 0)
			return -1;
	near->n_shares = m->shares.n_groups;
	for (size_t i = 0; i < m->config.devices.n; i++)
		if (m->config.devices.v[i].kind == HULL_DEVICE_FS &&
		    hull_share_sockets(&m->config, &far->devices[i], &near->devices[i], err) < 0)
			return -1;
	return 0;
}

/* The daemon of the root, one for each owner of shares, and one for each device; none where the
 * hypervisor serves them. */
static int start_shares(struct hull_monitor *m, int cgroup_fd, struct hull_backend_sockets *far,
			struct hull_error **err)
{
	const struct hull_share_group root = {
		.serve = HULL_SERVE_ROOT,
		.uid = vm_uid(&m->config) + 1,
		.gid = vm_uid(&m->config) + 1,
	};

	if (m->config.share_driver == HULL_SHARE_DRIVER_NINEP)
		return 0;
	if (m->config.root.kind != HULL_ROOT_NONE &&
	    start_share(m, &root, NULL, cgroup_fd, &far->root, err) < 0)
		return -1;
	for (size_t i = 0; i < m->shares.n_groups; i++)
		if (start_share(m, &m->shares.groups[i], NULL, cgroup_fd, &far->shares[i], err) < 0)
			return -1;
	for (size_t i = 0; i < m->config.devices.n; i++) {
		const struct hull_device *d = &m->config.devices.v[i];

		if (d->kind == HULL_DEVICE_FS && start_share(m, &m->shares.devices[i], &d->fs,
							     cgroup_fd, &far->devices[i], err) < 0)
			return -1;
	}
	return 0;
}

static int start_networks(struct hull_monitor *m, int cgroup_fd,
			  struct hull_backend_sockets *sockets, struct hull_error **err)
{
	struct hull_net_env env = {
		.helper = helper_env(m, cgroup_fd),
		.set_ids = geteuid() == 0,
		.uid = vm_uid(&m->config),
		.gid = vm_uid(&m->config),
		.caps = hull_backend_of(&m->config)->caps,
		.without_passt = m->without_passt,
	};

	if (!m->config.networks.n)
		return 0;
	env.helper.ended = on_passt_ended;
	if (hull_net_new(m->loop, &m->config, hull_monitor_network_carried, m, &m->net, err) < 0)
		return -1;
	for (size_t i = 0; i < m->config.networks.n; i++) {
		struct hull_helper *h;

		if (hull_net_start(m->net, &env, i, &h, &sockets->networks[i], err) < 0)
			return hull_prefix(err, "network");
		if (h && keep_helper(m, h, err) < 0)
			return -1;
	}
	return 0;
}

static int start_vports(struct hull_monitor *m, int cgroup_fd, struct hull_backend_sockets *sockets,
			struct hull_error **err)
{
	const struct hull_helper_env env = helper_env(m, cgroup_fd);
	const uid_t id = vm_uid(&m->config);
	struct hull_helper *h;

	if (!m->vports)
		return 0;
	if (hull_vports_start(m->vports, &env, id, id, &h, &sockets->vports, err) < 0)
		return -1;
	return keep_helper(m, h, err);
}

static int start_hypervisor(struct hull_monitor *m, int cgroup_fd,
			    struct hull_backend_sockets *sockets, struct hull_error **err)
{
	const struct hull_backend_ops *ops = hull_backend_of(&m->config);
	struct hull_backend_env env = {
		.loop = m->loop,
		.events = &inst_events,
		.ctx = m,
		.set_ids = geteuid() == 0,
		.uid = vm_uid(&m->config),
		.gid = vm_uid(&m->config),
		.cgroup_fd = cgroup_fd,
		.ipv6 = m->net && hull_net_has_ipv6(m->net),
		.again = m->restarts.n,
	};

	if (m->config.link == HULL_LINK_VSOCK && m->config.agent != HULL_AGENT_NONE) {
		if (hull_vsock_link_new(m->loop, m->token, &sockets->vsock, &m->vsock, err) < 0)
			return -1;
		sockets->vsock_cid = hull_vsock_link_cid(m->vsock);
	}
	if (hull_lent_dup(&m->gdb, &sockets->gdb, err) < 0 ||
	    hull_lent_dup(&m->display, &sockets->display, err) < 0 ||
	    hull_monitor_open_dump(m, &sockets->dump, err) < 0 ||
	    hull_monitor_open_devices(m, sockets, err) < 0)
		return -1;
	if (env.set_ids && hull_monitor_relay_nbd(m, env.uid, env.gid, &sockets->nbd, err) < 0)
		return -1;
	if (ops->create(&env, &m->config, &m->inst, err) < 0 ||
	    ops->start(m->inst, sockets, err) < 0)
		return -1;
	m->inst_running = true;
	m->spawned_ns = hull_now_ns();
	return 0;
}

/* One that there is already goes on. */
static int open_console(struct hull_monitor *m, struct hull_error **err)
{
	cleanup_close int listen_fd = -1;
	int fd = m->inst->ops->take_stream(m->inst, HULL_STREAM_CONSOLE);

	if (m->console)
		return hull_console_attach(m->console, fd, err);
	if (listen_at(m, "console.sock", &listen_fd, err) < 0) {
		hull_closep(&fd);
		return -1;
	}
	if (hull_console_new(m->loop, fd, steal_fd(&listen_fd), m->logger, &m->console, err) < 0)
		return -1;
	hull_console_watch_writer(m->console, hull_monitor_writer_changed, m);
	return 0;
}

/* Outlives the VM where somebody has given it a place that does. */
static int open_log(struct hull_monitor *m, struct hull_error **err)
{
	const char *dir = m->config.log_dir;

	return hull_logger_new(m->loop, dir ? dir : m->config.run_dir, dir != NULL, &m->logger,
			       err);
}

static void on_dialed(void *ctx, int control_fd, int bulk_fd)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_monitor *m = ctx;

	if (hull_guest_link_open(m->link, control_fd, bulk_fd, &err) < 0)
		hull_monitor_end_error(m, "link-broken", &err);
}

static int open_link(struct hull_monitor *m, struct hull_error **err)
{
	int control = m->inst->ops->take_stream(m->inst, HULL_STREAM_CTL);
	int bulk = m->inst->ops->take_stream(m->inst, HULL_STREAM_BULK);
	int listen_fd = -1;

	if (m->config.agent == HULL_AGENT_NONE) {
		hull_closep(&control);
		hull_closep(&bulk);
		return 0;
	}
	if (listen_at(m, "vsock.sock", &listen_fd, err) < 0 ||
	    hull_guest_link_new(m->loop, listen_fd, &link_ops, m, &m->link, err) < 0) {
		hull_closep(&control);
		hull_closep(&bulk);
		return -1;
	}
	return m->vsock ? hull_vsock_link_dial(m->vsock, on_dialed, m, err)
			: hull_guest_link_open(m->link, control, bulk, err);
}

int hull_monitor_renew_link(struct hull_monitor *m, struct hull_error **err)
{
	if (!m->link)
		return 0;
	return m->vsock ? hull_vsock_link_dial(m->vsock, on_dialed, m, err)
			: hull_guest_link_renew(m->link, err);
}

static int read_spec(struct hull_monitor *m, const void *spec, size_t len, struct hull_error **err)
{
	hull_config_fini(&m->config);
	if (hull_config_from_json(spec, len, &m->config, err) < 0 ||
	    hull_networks_adopt(&m->config, err) < 0 || hull_cidata_adopt(&m->config, err) < 0 ||
	    hull_config_validate(&m->config, err) < 0)
		return -1;
	if (!m->config.run_dir || !m->config.id)
		return hull_fail(err, HULL_E_INVALID, "the VM description has no id or run_dir");
	return 0;
}

/* More than the host has would not fail at once, but in the middle of the guest's boot.  What is in
 * a file on a disk need not be in the host's memory. */
static int check_memory(const struct hull_config *c, struct hull_error **err)
{
	struct sysinfo si;
	uint64_t total;

	if (c->memory_backing.dir || sysinfo(&si) < 0)
		return 0;
	total = (uint64_t)si.totalram * si.mem_unit;
	if (c->memory_bytes <= total)
		return 0;
	hull_fail_cause(err, HULL_E_EXHAUSTED, "host-memory",
			"%llu MiB of memory is more than the host's %llu MiB",
			(unsigned long long)(c->memory_bytes >> 20),
			(unsigned long long)(total >> 20));
	hull_hint(err, "ask for less with --memory (-m)");
	return -1;
}

/* Everything that runs.  Networks first: what is wrong with their ports ends it before that.  The
 * hypervisor before the share daemons, which are up long before it has a use for them. */
static int launch(struct hull_monitor *m, struct hull_error **err)
{
	cleanup_sockets struct hull_backend_sockets near;
	cleanup_sockets struct hull_backend_sockets far; /* what share daemons listen on */
	cleanup_close int cgroup_fd = -1;
	int r;

	hull_backend_sockets_init(&near);
	hull_backend_sockets_init(&far);
	r = hull_monitor_enter_cgroups(m, &cgroup_fd, err);
	if (r == 0 &&
	    (start_networks(m, cgroup_fd, &near, err) < 0 ||
	     start_vports(m, cgroup_fd, &near, err) < 0 || open_shares(m, &near, &far, err) < 0 ||
	     start_hypervisor(m, cgroup_fd, &near, err) < 0 ||
	     start_shares(m, cgroup_fd, &far, err) < 0))
		r = -1;
	if (hull_monitor_leave_cgroups(m, r < 0 ? NULL : err) < 0 || r < 0)
		return -1;
	return open_console(m, err) < 0 ? -1 : open_link(m, err);
}

static void on_scratch_done(void *ctx, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_monitor *m = ctx;

	if (m->state != HULL_MONITOR_STARTING)
		return;
	if (error)
		hull_fail_copy(&err, error);
	if (error || launch(m, &err) < 0)
		hull_monitor_end_error(m, "start-failed", &err);
}

/* The root's throwaway disk is made before anything runs; 1 if there is one to wait for. */
static int make_scratch(struct hull_monitor *m, struct hull_error **err)
{
	const char *dir = m->config.scratch_dir ? m->config.scratch_dir : HULL_SCRATCH_DIR;

	struct hull_disk *d = hull_config_scratch(&m->config);

	if (!d)
		return 0;
	if (hull_scratch_new(m->loop, dir, d->scratch_bytes, on_scratch_done, m, &m->scratch, err) <
	    0)
		return -1;
	d->path = strdup(hull_scratch_path(m->scratch));
	return d->path ? 1 : hull_fail_nomem(err);
}

int hull_monitor_launch(struct hull_monitor *m, struct hull_error **err)
{
	int r;

	for (size_t i = 0; m->scratch && i < m->config.disks.n; i++) {
		struct hull_disk *d = &m->config.disks.v[i];

		if (d->path && !strcmp(d->path, hull_scratch_path(m->scratch)))
			free(steal_ptr(&d->path));
	}
	hull_scratch_free(steal_ptr(&m->scratch));
	r = make_scratch(m, err);
	return r == 0 ? launch(m, err) : MIN(r, 0);
}

void hull_monitor_await_boot(struct hull_monitor *m)
{
	if (m->config.gdb.kind == HULL_GDB_NONE)
		hull_source_arm(m->deadline, hull_deadline_ms(m->config.boot_timeout_ms));
}

/* What the guest boots from beside its kernel, where the description's is not all of it. */
static int make_initrd(struct hull_monitor *m, struct hull_error **err)
{
	int r;

	if (m->config.modules && hull_boot_modules(&m->config, &m->initrd_fd, err) < 0)
		return -1;
	if (m->config.link != HULL_LINK_VSOCK)
		return 0;
	r = hull_random(m->token, sizeof(m->token));
	return r < 0 ? hull_fail_errno(err, -r, "make a token")
		     : hull_initrd_add_token(&m->config, m->token, &m->initrd_fd, err);
}

/* Who serves the host's directories, and what there is to serve. */
static int plan_shares(struct hull_monitor *m, struct hull_error **err)
{
	cleanup_error struct hull_error *why = NULL;

	if (hull_exports_plan(&m->exports, &m->shares, &m->config,
			      hull_backend_of(&m->config)->caps, &why, err) < 0)
		return -1;
	if (why)
		hull_strv_addf(&m->notes,
			       "%s; the hypervisor serves the host's directories instead, over 9p: "
			       "see 'hull doctor'",
			       hull_error_message(why));
	return 0;
}

int hull_monitor_prepare(struct hull_monitor *m, const void *spec, size_t len,
			 struct hull_error **err)
{
	int control_fd;

	if (read_spec(m, spec, len, err) < 0 || check_memory(&m->config, err) < 0 ||
	    make_initrd(m, err) < 0 || plan_shares(m, err) < 0)
		return -1;
	m->started_at_ns = hull_realtime_ns();
	if (hull_monitor_plan_cgroups(m, err) < 0 || hull_monitor_record(m, err) < 0 ||
	    listen_at(m, "control.sock", &control_fd, err) < 0 ||
	    hull_server_listen(m->server, control_fd, err) < 0 || open_log(m, err) < 0 ||
	    hull_monitor_open_gdb(m, err) < 0 || hull_monitor_open_display(m, err) < 0 ||
	    hull_rest_open(m, &m->rest, err) < 0 || hull_cidata_make(&m->config, err) < 0 ||
	    hull_vports_new(&m->config, &m->vports, err) < 0 ||
	    hull_monitor_record_sockets(m, err) < 0 ||
	    hull_ignition_open(m->loop, &m->config, &m->ignition, err) < 0 ||
	    hull_timesync_new(m->loop, &m->config, &m->timesync, err) < 0)
		return -1;
	return hull_monitor_launch(m, err);
}
