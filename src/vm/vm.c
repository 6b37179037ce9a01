/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and ending a VM through its monitor, see vm.h.
 *
 * The monitor's process is the measure: a VM has ended when its monitor has been reaped (or, for a
 * detached one, its connection has closed) and its run directory is gone.  Whatever kills the
 * monitor, the hypervisor dies with it, and the directory is cleaned up here.
 */
#define _GNU_SOURCE
#include "vm/vm.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/program.h"
#include "base/vec.h"
#include "config/network.h"
#include "monitor.pb-c.h"
#include "monitor/monitor.h"
#include "monitor/rpc.h"
#include "monitor/serial.h"
#include "vm/rundir.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SERVICE "hull.monitor.v1.Monitor"
#define START_SLACK_MS 5000 /* beyond the boot's own deadline, which the monitor keeps */
#define END_MS 10000	    /* from the end of the monitor's connection to its exit */
#define REAP_MS 2000
#define REAP_AGAIN_MS 5
#define KILL_MS 60 /* what a monitor gets when the caller's deadline has passed */

struct hull_vm {
	struct hull_loop *loop;
	const struct hull_vm_ops *ops;
	void *ctx;
	struct hull_rundir dir;
	char *vsock, *console;
	bool tied, no_child, ready, ending, ended;
	bool answered;	    /* whether it is ready has been told */
	char exit_text[64]; /* how the monitor ended, once it has been reaped */
	uint64_t reap_until_ns;
	struct hull_child monitor;
	struct hull_source *child, *later, *deadline;
	struct hull_rpc *rpc;
	char *reason, *message, *hint; /* from Wait or Stop */
	int code;
	struct hull_timeline timeline;
	struct hull_strv notes;
};

static const char died_hint[] = "somebody killed it, or the kernel did for want of memory, which "
				"dmesg would tell";

static void set_end(struct hull_vm *vm, const char *reason, int code, const char *message,
		    const char *hint)
{
	if (vm->reason)
		return;
	vm->code = code;
	vm->hint = strdup(hint);
	vm->reason = strdup(reason);
	vm->message = strdup(message);
}

static void fail_start(struct hull_vm *vm, const struct hull_error *error)
{
	vm->answered = true;
	set_end(vm, "start-failed", hull_error_code(error), hull_error_message(error),
		hull_error_hint(error));
	vm->ops->ready(vm->ctx, error);
}

static void fail_lost(struct hull_vm *vm)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail_cause(&err, HULL_E_BACKEND, "monitor-died",
			"the VM's monitor %s before the VM was ready",
			*vm->exit_text ? vm->exit_text : "ended");
	hull_hint(&err, "%s", died_hint);
	fail_start(vm, err);
}

/* What the monitor had in the making may hold its lock for an instant longer than it. */
static bool reap_later(struct hull_vm *vm)
{
	cleanup_error struct hull_error *err = NULL;

	if (hull_rundir_reap(vm->dir.path, !vm->tied, &err) == 0 ||
	    hull_error_code(err) != HULL_E_BUSY || !vm->tied)
		return false; /* what else is wrong, the next call tries again */
	if (!vm->reap_until_ns)
		vm->reap_until_ns = hull_deadline_ms(REAP_MS);
	if (!hull_ms_left(vm->reap_until_ns))
		return false;
	hull_source_arm(vm->later, hull_deadline_ms(REAP_AGAIN_MS));
	return true;
}

/* Everything of it is gone, or can be made so. */
static void on_later(void *ctx)
{
	struct hull_vm *vm = ctx;
	struct hull_vm_end end;

	if (vm->ended || reap_later(vm))
		return;
	if (!vm->answered)
		fail_lost(vm);
	vm->ended = true;
	end.reason = vm->reason ? vm->reason : "unknown";
	end.message = vm->message ? vm->message : "";
	end.hint = vm->hint ? vm->hint : "";
	end.code = vm->code ? vm->code : HULL_E_BACKEND;
	vm->ops->ended(vm->ctx, &end);
}

static void on_monitor_exit(void *ctx, int wstatus)
{
	struct hull_vm *vm = ctx;
	char message[128];

	hull_source_remove(&vm->child);
	hull_source_remove(&vm->deadline);
	hull_closep(&vm->monitor.pidfd);
	hull_wstatus_text(wstatus, vm->exit_text);
	if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus)) {
		snprintf(message, sizeof(message), "the VM's monitor %s", vm->exit_text);
		set_end(vm, "monitor-died", HULL_E_BACKEND, message, died_hint);
	}
	/* Its last words may still lie in the socket: let the loop read them first. */
	hull_source_arm(vm->later, 1);
}

/* One that is not our child: a pidfd, or -errno. */
static int open_monitor(const struct hull_vm *vm)
{
	struct hull_process_id id;
	int r = hull_rundir_monitor(vm->dir.path, &id);

	return r < 0 ? r : hull_process_open(&id);
}

static void kill_monitor(const struct hull_vm *vm)
{
	cleanup_close int fd = vm->monitor.pidfd < 0 && vm->tied ? open_monitor(vm) : -1;

	if (vm->monitor.pidfd >= 0 || fd >= 0)
		(void)hull_pidfd_kill(fd >= 0 ? fd : vm->monitor.pidfd, SIGKILL);
}

static void on_end_deadline(void *ctx)
{
	kill_monitor(ctx);
}

/* The monitor closed its end: it is about to exit, or died. */
static void on_closed(void *ctx)
{
	struct hull_vm *vm = ctx;

	vm->ending = true;
	if (vm->monitor.pidfd < 0)
		hull_source_arm(vm->later, 1);
	else if (vm->deadline)
		hull_source_arm(vm->deadline, hull_deadline_ms(END_MS));
}

static void on_ended(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Monitor__V1__ExitRecord *r = (const void *)reply;
	struct hull_vm *vm = ctx;

	if (r)
		set_end(vm, r->reason, hull_code_from_name(r->code), r->message, r->hint);
}

/* What there is no memory for is left out. */
static void keep_report(struct hull_vm *vm, const Hull__Monitor__V1__StartResponse *r)
{
	for (size_t i = 0; i < r->n_spans; i++) {
		const Hull__Monitor__V1__Span *span = r->spans[i];
		unsigned int where = HULL_AT_GUEST;

		while (where && strcmp(hull_where_names[where], span->where))
			where--;
		hull_timeline_add(&vm->timeline, where, span->depth, span->name, span->start_ns,
				  span->end_ns);
	}
	for (size_t i = 0; i < r->n_notes; i++)
		hull_strv_add(&vm->notes, r->notes[i]);
}

static void on_ready(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	Hull__Monitor__V1__WaitRequest wait = HULL__MONITOR__V1__WAIT_REQUEST__INIT;
	struct hull_vm *vm = ctx;

	if (vm->answered)
		return;
	if (error && !strcmp(hull_error_cause(error), HULL_RPC_LOST)) {
		if (vm->monitor.pidfd < 0) /* else its exit status will tell more */
			fail_lost(vm);
		return;
	}
	if (error) {
		fail_start(vm, error);
		return;
	}
	vm->ready = vm->answered = true;
	keep_report(vm, (const void *)reply);
	hull_rpc_call(vm->rpc, SERVICE, "Wait", &wait.base,
		      &hull__monitor__v1__exit_record__descriptor, 0, on_ended, vm);
	vm->ops->ready(vm->ctx, NULL);
}

void hull_vm_stop(struct hull_vm *vm, uint64_t timeout_ms)
{
	Hull__Monitor__V1__StopRequest rq = HULL__MONITOR__V1__STOP_REQUEST__INIT;

	if (vm->ending)
		return;
	rq.timeout_ns = timeout_ms * HULL_NS_PER_MS;
	hull_rpc_call(vm->rpc, SERVICE, "Stop", &rq.base,
		      &hull__monitor__v1__exit_record__descriptor, 0, on_ended, vm);
	if (vm->deadline)
		hull_source_arm(vm->deadline, hull_deadline_ms(timeout_ms + END_MS));
}

void hull_vm_kill(struct hull_vm *vm)
{
	hull_vm_stop(vm, 0);
	if (vm->deadline)
		hull_source_arm(vm->deadline, hull_deadline_ms(KILL_MS));
}

/* Only what the monitor and its helpers look at: the rest may hold what is meant for the guest
 * alone, or for nobody here. */
static int monitor_environment(const char *run_dir, struct hull_strv *env, struct hull_error **err)
{
	static const char *const names[] = {"HULL_DEBUG",     "HULL_HOME",	"PATH",
#ifdef HULL_FAULTS
					    "HULL_FAULT",     "HULL_FAULT_LOG",
#endif
					    "ASAN_OPTIONS",   "LSAN_OPTIONS",	"UBSAN_OPTIONS",
					    "LD_LIBRARY_PATH"};

	(void)hull_strv_add(env, "LC_ALL=C");
	(void)hull_strv_addf(env, HULL_PROC_MARK "=%s", run_dir);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			(void)hull_strv_addf(env, "%s=%s", names[i], value);
	}
	return env->failed ? hull_fail_nomem(err) : 0;
}

/* Whether the device is to use a descriptor that whoever starts us has opened. */
static bool is_handed(const struct hull_device *d)
{
	return d->kind == HULL_DEVICE_NET && d->net.socket;
}

/* Before any socket of ours is open, which could have such a number then. */
static int check_handed(const struct hull_config *config, struct hull_error **err)
{
	for (size_t i = 0; i < config->devices.n; i++) {
		const struct hull_device *d = &config->devices.v[i];
		socklen_t len = sizeof(int);
		int type;

		if (!is_handed(d) ||
		    getsockopt((int)d->net.fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
			continue;
		hull_fail(err, HULL_E_INVALID, "devices[%zu].fd: descriptor %d is %s", i,
			  (int)d->net.fd, errno == EBADF ? "not open" : "no socket");
		hull_hint(err, "whoever starts this opens it, and hands it down under that number");
		return -1;
	}
	return 0;
}

/* What devices are to use and we have open; returns how many. */
static size_t hand_down(const struct hull_config *config, struct hull_fd_map *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < config->devices.n; i++) {
		const struct hull_device *d = &config->devices.v[i];

		if (is_handed(d)) {
			fds[n] = (struct hull_fd_map){(int)d->net.fd,
						      HULL_MONITOR_HANDED_FD + (int)n};
			n++;
		}
	}
	return n;
}

static int spawn_monitor(struct hull_vm *vm, const struct hull_config *config, int socket_fd,
			 struct hull_error **err)
{
	cleanup_strv struct hull_strv env = {0};
	cleanup_free char *path = NULL;
	/* For people, and for those who look for what nobody can reach any more (gc-processes.c).
	 */
	char *argv[] = {(char *)"hull-monitor", vm->dir.id,
			(char *)(vm->tied ? "tied" : "detached"), NULL};
	struct hull_fd_map fds[3 + HULL_CONFIG_MAX_DEVICES] = {{socket_fd, 3},
							       {vm->dir.lock_fd, 4}};
	struct hull_spawn spec = {
		.argv = argv,
		.cwd = "/",
		.fds = fds,
		.n_fds = 2,
		.new_session = true,
		.detach = !vm->tied || vm->no_child,
	};

	/* 2 stays ours only while tied: a detached monitor must not hold our terminal. */
	if (vm->tied && !vm->no_child)
		fds[spec.n_fds++] = (struct hull_fd_map){STDERR_FILENO, 2};
	spec.n_fds += hand_down(config, fds + spec.n_fds);

	if (hull_program_path("hull-monitor", &path, err) < 0 ||
	    monitor_environment(vm->dir.path, &env, err) < 0)
		return -1;
	spec.path = path;
	spec.envp = env.v;
	return hull_spawn(&spec, &vm->monitor, err);
}

static int watch(struct hull_vm *vm, struct hull_error **err)
{
	int r = hull_loop_add_timer(vm->loop, on_later, vm, &vm->later);

	if (r == 0)
		r = hull_loop_add_timer(vm->loop, on_end_deadline, vm, &vm->deadline);
	if (r == 0 && vm->monitor.pidfd >= 0)
		r = hull_loop_add_child(vm->loop, vm->monitor.pidfd, on_monitor_exit, vm,
					&vm->child);
	return r < 0 ? hull_fail_errno(err, -r, "watch the VM's monitor") : 0;
}

/* Calls are taken up in order, and whatever listens is made while Start is. */
static void on_asked(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Monitor__V1__StatusResponse *r = (const void *)reply;
	struct hull_vm *vm = ctx;

	if (r && !strcmp(r->state, "starting"))
		vm->ops->listening(vm->ctx);
}

static int send_start(struct hull_vm *vm, const struct hull_config *config, struct hull_error **err)
{
	Hull__Monitor__V1__StartRequest rq = HULL__MONITOR__V1__START_REQUEST__INIT;
	Hull__Monitor__V1__StatusRequest status = HULL__MONITOR__V1__STATUS_REQUEST__INIT;
	cleanup_free char *json = NULL;
	bool waits = config->gdb.kind != HULL_GDB_NONE;

	if (hull_config_to_json(config, &json, err) < 0)
		return -1;
	rq.spec.data = (uint8_t *)json;
	rq.spec.len = strlen(json);
	hull_rpc_call(vm->rpc, SERVICE, "Start", &rq.base,
		      &hull__monitor__v1__start_response__descriptor,
		      waits || config->panic_dump
			      ? 0
			      : hull_deadline_ms(config->boot_timeout_ms + START_SLACK_MS),
		      on_ready, vm);
	if (vm->ops->listening)
		hull_rpc_call(vm->rpc, SERVICE, "Status", &status.base,
			      &hull__monitor__v1__status_response__descriptor, 0, on_asked, vm);
	return 0;
}

static int prepare(struct hull_vm *vm, struct hull_config *config, struct hull_error **err)
{
	if (check_handed(config, err) < 0 || hull_rundir_create(config->id, &vm->dir, err) < 0)
		return -1;
	free(config->id);
	free(config->run_dir);
	config->id = strdup(vm->dir.id);
	config->run_dir = strdup(vm->dir.path);
	vm->vsock = hull_path_join(vm->dir.path, "vsock.sock");
	vm->console = hull_path_join(vm->dir.path, "console.sock");
	if (!config->id || !config->run_dir || !vm->vsock || !vm->console)
		return hull_fail_nomem(err);
	if (hull_networks_adopt(config, err) < 0)
		return hull_prefix(err, "VM description");
	return hull_config_validate(config, err);
}

int hull_vm_start(struct hull_loop *loop, struct hull_config *config, const struct hull_vm_ops *ops,
		  void *ctx, struct hull_vm **ret_vm, struct hull_error **err)
{
	struct hull_vm *vm = calloc(1, sizeof(*vm));
	int s[2] = {-1, -1}, r;

	if (!vm)
		return hull_fail_nomem(err);
	vm->loop = loop;
	vm->ops = ops;
	vm->ctx = ctx;
	vm->tied = config->tied;
	vm->no_child = ops->no_child;
	vm->dir.lock_fd = -1;
	vm->monitor.pidfd = -1;
	if (prepare(vm, config, err) < 0)
		goto fail;
	r = hull_socketpair(s);
	if (r < 0) {
		hull_fail_errno(err, -r, "make a socket for the monitor");
		goto fail;
	}
	if (spawn_monitor(vm, config, s[1], err) < 0)
		goto fail;
	/* From here on the lock is the monitor's: closing ours does not release it. */
	hull_closep(&vm->dir.lock_fd);
	hull_closep(&s[1]);
	if (watch(vm, err) < 0 ||
	    hull_rpc_new(loop, steal_fd(&s[0]), on_closed, vm, &vm->rpc, err) < 0 ||
	    send_start(vm, config, err) < 0)
		goto fail;
	*ret_vm = vm;
	return 0;
fail:
	hull_closep(&s[0]);
	hull_closep(&s[1]);
	vm->tied = true; /* nothing of it may stay */
	hull_vm_free(vm);
	return -1;
}

/* It sees that our end of its socket is closed, and ends. */
static void await_monitor(const struct hull_vm *vm)
{
	cleanup_close int fd = open_monitor(vm);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0 || poll(&p, 1, END_MS) > 0)
		return;
	(void)hull_pidfd_kill(fd, SIGKILL);
	(void)poll(&p, 1, REAP_MS);
}

void hull_vm_free(struct hull_vm *vm)
{
	int wstatus;

	if (!vm)
		return;
	hull_rpc_free(vm->rpc); /* a tied monitor sees this and ends its VM */
	hull_source_remove(&vm->child);
	hull_source_remove(&vm->later);
	hull_source_remove(&vm->deadline);
	if (vm->monitor.pidfd >= 0) {
		if (hull_child_wait(vm->monitor.pidfd, hull_deadline_ms(END_MS), &wstatus) < 0) {
			(void)hull_pidfd_kill(vm->monitor.pidfd, SIGKILL);
			(void)hull_child_wait(vm->monitor.pidfd, hull_deadline_ms(END_MS),
					      &wstatus);
		}
		hull_closep(&vm->monitor.pidfd);
	}
	hull_closep(&vm->dir.lock_fd);
	if (vm->tied && vm->dir.path && !vm->ended) {
		if (vm->no_child)
			await_monitor(vm);
		(void)hull_rundir_reap(vm->dir.path, false, NULL);
	}
	hull_rundir_fini(&vm->dir);
	free(vm->vsock);
	free(vm->console);
	free(vm->reason);
	free(vm->message);
	free(vm->hint);
	hull_timeline_fini(&vm->timeline);
	hull_strv_fini(&vm->notes);
	free(vm);
}

const struct hull_timeline *hull_vm_timeline(const struct hull_vm *vm)
{
	return &vm->timeline;
}

const struct hull_strv *hull_vm_notes(const struct hull_vm *vm)
{
	return &vm->notes;
}

const char *hull_vm_id(const struct hull_vm *vm)
{
	return vm->dir.id;
}

const char *hull_vm_dir(const struct hull_vm *vm)
{
	return vm->dir.path;
}

const char *hull_vm_vsock(const struct hull_vm *vm)
{
	return vm->vsock;
}

const char *hull_vm_console(const struct hull_vm *vm)
{
	return vm->console;
}

char *hull_vm_serial(const struct hull_vm *vm, size_t index)
{
	char name[32];

	snprintf(name, sizeof(name), HULL_SERIAL_SOCKET, index);
	return hull_path_join(vm->dir.path, name);
}
