/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine drawn in drive.h, and the spawning of the process.
 *
 * Why it ended is told by whatever spoke first: our own verdict on it, its SHUTDOWN event, our
 * kill, and last the wait status with what it wrote on stderr.
 */
#define _GNU_SOURCE
#include "backend/qemu/drive.h"

#include "backend/qemu/checks.h"
#include "backend/qemu/ends.h"
#include "backend/qemu/explain.h"
#include "backend/qemu/features.h"
#include "backend/qemu/files.h"
#include "backend/qemu/host.h"
#include "backend/qemu/memory.h"
#include "backend/qemu/operate.h"
#include "backend/qemu/plan.h"
#include "backend/qemu/probe.h"
#include "backend/qemu/version.h"
#include "base/cleanup.h"
#include "base/conn.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "base/tail.h"
#include "proto/qmp.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* From "about to end" to the end; measured: some milliseconds. */
#define GRACE_MS 2000
#define REAP_MS 5000
#define MOST_FILES 1000000
#define DISPLAY "display" /* a descriptor's name in QEMU */

enum state {
	STATE_NEW,
	STATE_STARTING,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_HELD,
	STATE_RESETTING,
	STATE_ENDING,
	STATE_EXITED,
};

struct qemu {
	struct hull_inst inst; /* first */
	struct hull_backend_env env;
	const struct hull_config *config; /* borrowed */
	enum state state;
	char *binary;
	struct hull_accel_choice accel;
	struct hull_tsc tsc;
	int streams[HULL_STREAM_COUNT]; /* our ends, until taken */
	struct hull_child child;
	struct hull_source *child_source, *grace;
	int dump_fd;			 /* where dumps go */
	int display_fd;			 /* listens for viewers, until QEMU has it */
	uint64_t next_set;		 /* of descriptors */
	struct hull_qemu_memory *memory; /* NULL: QEMU's own */
	struct hull_qemu_features features;
	bool memory_awaited,
		looked_over; /* the guest starts when the one is over, the other done */
	struct hull_conn *conn;
	struct hull_qmp *qmp;
	struct hull_tail *tail;
	struct hull_error *error; /* our verdict, where QEMU is at fault */
	bool killed, end_known;
	enum hull_end end;
};

static struct qemu *from_inst(struct hull_inst *inst)
{
	return container_of(inst, struct qemu, inst);
}

static void kill_it(struct qemu *q)
{
	if (q->child.pidfd < 0 || q->state == STATE_EXITED)
		return;
	(void)hull_pidfd_kill(q->child.pidfd, SIGKILL); /* gone is as good */
	if (q->memory)
		hull_qemu_memory_release(q->memory);
}

/* From now on only the process's end is of interest. */
static void begin_ending(struct qemu *q)
{
	if (q->state < STATE_ENDING)
		q->state = STATE_ENDING;
	if (q->grace)
		hull_source_arm(q->grace, hull_deadline_ms(GRACE_MS));
}

/* As the plan has told QEMU. */
static bool may_be_held(const struct qemu *q)
{
	return q->config->panic_dump || hull_policy_reboots(q->config);
}

static void set_end(struct qemu *q, enum hull_end end)
{
	if (q->end_known)
		return;
	q->end_known = true;
	q->end = end;
	if (may_be_held(q) && end <= HULL_END_PANIC && q->state < STATE_HELD)
		q->state = STATE_HELD;
	else
		begin_ending(q);
	q->env.events->ending(q->env.ctx, end);
}

/* Takes @error: QEMU cannot be worked with. */
static void condemn(struct qemu *q, struct hull_error *error)
{
	if (q->error)
		hull_error_free(error);
	else
		q->error = error;
	begin_ending(q);
	kill_it(q);
}

static void on_grace(void *ctx)
{
	struct qemu *q = ctx;
	struct hull_error *error = NULL;

	if (!q->end_known)
		(void)hull_fail(&error, HULL_E_BACKEND, "QEMU closed its monitor but did not exit");
	condemn(q, error);
}

static void qmp_output(void *ctx, const void *data, size_t len)
{
	struct qemu *q = ctx;

	if (q->conn)
		(void)hull_conn_write(q->conn, data, len); /* failure comes as closed() */
}

static void set_running(struct qemu *q)
{
	q->state = STATE_RUNNING;
	q->env.events->ready(q->env.ctx);
}

/* It can't do what it has to, and @said why. */
static void give_up(struct qemu *q, const char *what, const struct hull_error *said)
{
	struct hull_error *error = NULL;

	(void)hull_fail(&error, hull_error_code(said), "%s: %s", what, hull_error_message(said));
	condemn(q, error);
}

static void on_running(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct qemu *q = ctx;

	if (q->state != STATE_STARTING)
		return;
	if (error)
		give_up(q, "start the guest", error);
	else
		set_running(q);
}

static void start_guest(struct qemu *q)
{
	struct hull_error *error = NULL;

	if (q->memory_awaited || !q->looked_over || q->config->gdb.kind != HULL_GDB_NONE)
		return;
	if (hull_qmp_execute(q->qmp, "cont", NULL, on_running, q, &error) < 0)
		condemn(q, error);
}

static void on_memory(void *ctx, const struct hull_error *error)
{
	struct hull_error *copy = NULL;
	struct qemu *q = ctx;

	q->memory_awaited = false;
	if (error) {
		(void)hull_fail_copy(&copy, error);
		condemn(q, copy);
		return;
	}
	if (q->state == STATE_STARTING)
		start_guest(q);
}

static void on_features(void *ctx, struct hull_error *error)
{
	struct qemu *q = ctx;

	if (q->state != STATE_STARTING) { /* it ends for another reason */
		hull_error_free(error);
		return;
	}
	q->looked_over = !error;
	if (error)
		condemn(q, error);
	else
		start_guest(q);
}

/* Takes @args, of which NULL is a lack of memory. */
static int tell(struct qemu *q, const char *command, struct hull_json *args, hull_qmp_reply_fn fn,
		struct hull_error **err)
{
	return args ? hull_qmp_execute(q->qmp, command, args, fn, q, err) : hull_fail_nomem(err);
}

/* QEMU keeps what comes with a byte until a command says what to do with it. */
static int hand_over(struct qemu *q, int fd, struct hull_error **err)
{
	int r;

	if (hull_conn_queued(q->conn)) /* the byte would get into the middle of it */
		return hull_fail(err, HULL_E_BUSY, "QEMU does not listen");
	r = (int)hull_send_fd(hull_conn_fd(q->conn), "\n", 1, fd);
	return r < 0 ? hull_fail_errno(err, -r, "hand a descriptor to QEMU") : 0;
}

/* For good, by that name.  Where QEMU does not take it, the command that names it fails. */
static int give(struct qemu *q, int *fd, const char *name, struct hull_error **err)
{
	if (hand_over(q, *fd, err) < 0)
		return -1;
	hull_closep(fd);
	return tell(q, "getfd", hull_qemu_args_getfd(name), NULL, err);
}

static void on_displayed(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct qemu *q = ctx;

	if (error && q->state < STATE_ENDING)
		give_up(q, "show the guest's screen", error);
}

/* On the command line VNC takes addresses only; QEMU has no right to make a socket at one. */
static int serve_display(struct qemu *q, struct hull_error **err)
{
	if (q->display_fd < 0)
		return 0;
	if (give(q, &q->display_fd, DISPLAY, err) < 0)
		return -1;
	return tell(q, "display-update", hull_qemu_args_display(DISPLAY), on_displayed, err);
}

/* Only now does the guest begin to run, so that none of its events is lost: QEMU sends events only
 * to those who have negotiated.  A debugger lets it run by itself: a RESUME that nobody asked for
 * tells of it. */
static void qmp_ready(void *ctx, unsigned int major, unsigned int minor, unsigned int micro)
{
	const struct hull_qemu_version version = {major, minor, micro};
	struct hull_error *error = NULL;
	struct qemu *q = ctx;

	if (q->state != STATE_STARTING)
		return;
	if (hull_qemu_version_check(&version, q->binary, &error) < 0 ||
	    serve_display(q, &error) < 0)
		condemn(q, error);
	else if (!q->config->cpu_features.n)
		on_features(q, NULL);
	else if (hull_qemu_features_check(&q->features, q->config, q->qmp, on_features, q, &error) <
		 0)
		condemn(q, error);
}

static void on_shutdown(struct qemu *q, const char *reason)
{
	enum hull_end end;

	if (reason && hull_qemu_find_end(reason, &end)) {
		set_end(q, end);
		return;
	}
	begin_ending(q);
	if (!q->error && !q->killed && reason && !strcmp(reason, "host-signal"))
		(void)hull_fail_cause(&q->error, HULL_E_BACKEND, "hypervisor-died",
				      "QEMU was told to end by a signal from outside");
}

static void on_pause(struct qemu *q, bool paused)
{
	enum state state = paused ? STATE_PAUSED : STATE_RUNNING;

	if (q->state == STATE_STARTING && !paused && q->config->gdb.kind != HULL_GDB_NONE)
		set_running(q);
	if (q->state != STATE_RUNNING && q->state != STATE_PAUSED)
		return;
	if (q->state == state)
		return;
	q->state = state;
	q->env.events->paused(q->env.ctx, paused);
}

/* Of a step on the way from one run of the guest to the next. */
static void on_step(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct qemu *q = ctx;

	if (error && q->state < STATE_ENDING)
		give_up(q, "reset the machine", error);
}

static int set_reboot(struct qemu *q, const char *action, struct hull_error **err)
{
	return tell(q, "set-action", hull_qemu_args_reboot(action), on_step, err);
}

/* The next time the guest wants it, it is held again. */
static void on_reset(struct qemu *q)
{
	struct hull_error *error = NULL;

	if (q->state != STATE_RESETTING)
		return;
	q->state = STATE_STARTING;
	q->end_known = false;
	q->env.events->reset(q->env.ctx);
	if (set_reboot(q, "shutdown", &error) < 0 ||
	    hull_qmp_execute(q->qmp, "cont", NULL, on_running, q, &error) < 0)
		condemn(q, error);
}

static void on_balloon(struct qemu *q, const struct hull_json *data)
{
	uint64_t bytes;

	if (q->env.events->ballooned &&
	    hull_json_get_u64(hull_json_get(data, "actual"), &bytes) == 0)
		q->env.events->ballooned(q->env.ctx, bytes);
}

static void qmp_event(void *ctx, const char *name, const struct hull_json *data)
{
	struct hull_error *error = NULL;
	struct qemu *q = ctx;

	if (!strcmp(name, "SHUTDOWN"))
		on_shutdown(q, hull_json_str(hull_json_get(data, "reason")));
	else if (!strcmp(name, "GUEST_PANICKED"))
		set_end(q, HULL_END_PANIC);
	else if (!strcmp(name, "STOP"))
		on_pause(q, true);
	else if (!strcmp(name, "RESUME"))
		on_pause(q, false);
	else if (!strcmp(name, "RESET"))
		on_reset(q);
	else if (!strcmp(name, "BALLOON_CHANGE"))
		on_balloon(q, data);
	else if (!strcmp(name, "BLOCK_IO_ERROR") &&
		 hull_qemu_fail_disk(q->config, data, &error) < 0)
		condemn(q, error);
}

static const struct hull_qmp_ops qmp_ops = {qmp_output, qmp_ready, qmp_event};

static void conn_data(void *ctx, const char *data, size_t len)
{
	struct qemu *q = ctx;
	struct hull_error *error = NULL;

	if (q->qmp && hull_qmp_feed(q->qmp, data, len, &error) < 0) {
		begin_ending(q); /* before commands fail for want of a connection */
		hull_qmp_free(steal_ptr(&q->qmp));
		condemn(q, error);
	}
}

/* The process is going, or has gone: the pidfd tells more. */
static void conn_closed(void *ctx, int errnum)
{
	struct qemu *q = ctx;

	begin_ending(q);
	hull_conn_free(steal_ptr(&q->conn));
	hull_qmp_free(steal_ptr(&q->qmp));
}

static const struct hull_conn_ops conn_ops = {.data = conn_data, .closed = conn_closed};

/* What QEMU said before it died and nobody has read yet: its last event, above all. */
static void drain_qmp(struct qemu *q)
{
	char buf[4096];
	ssize_t n;

	while (q->conn && (n = read(hull_conn_fd(q->conn), buf, sizeof(buf))) > 0)
		conn_data(q, buf, (size_t)n);
	if (q->conn)
		conn_closed(q, 0);
}

static void on_child(void *ctx, int wstatus)
{
	struct qemu *q = ctx;
	struct hull_backend_exit e = {.wstatus = wstatus};

	drain_qmp(q);
	hull_source_remove(&q->child_source);
	hull_source_remove(&q->grace);
	q->state = STATE_EXITED;
	e.stderr_tail = hull_tail_text(q->tail);
	if (q->error)
		e.end = HULL_END_DIED;
	else if (q->end_known)
		e.end = q->end;
	else if (q->killed)
		e.end = HULL_END_KILLED;
	else
		e.end = HULL_END_DIED;
	if (e.end == HULL_END_DIED && !q->error)
		(void)hull_qemu_fail_death(q->config, q->binary, wstatus, e.stderr_tail, &q->error);
	e.error = q->error;
	q->env.events->exited(q->env.ctx, &e);
}

static void qemu_free(struct hull_inst *inst)
{
	struct qemu *q = from_inst(inst);
	int saved = errno, wstatus;

	hull_source_remove(&q->child_source);
	hull_source_remove(&q->grace);
	if (q->child.pidfd >= 0 && q->state != STATE_EXITED) {
		kill_it(q);
		(void)hull_child_wait(q->child.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
	}
	q->state = STATE_EXITED;
	hull_closep(&q->child.pidfd);
	hull_closep(&q->dump_fd);
	hull_closep(&q->display_fd);
	hull_qemu_memory_free(q->memory);
	hull_conn_free(q->conn);
	hull_qmp_free(q->qmp);
	hull_tail_free(q->tail);
	for (size_t i = 0; i < ARRAY_SIZE(q->streams); i++)
		hull_closep(&q->streams[i]);
	hull_error_free(q->error);
	free(q->binary);
	free(q);
	errno = saved;
}

static int qemu_create(const struct hull_backend_env *env, const struct hull_config *config,
		       struct hull_inst **ret_inst, struct hull_error **err)
{
	struct qemu *q = calloc(1, sizeof(*q));

	if (!q)
		return hull_fail_nomem(err);
	q->inst.ops = &hull_qemu_backend;
	q->env = *env;
	q->config = config;
	q->child.pidfd = q->dump_fd = q->display_fd = -1;
	q->next_set = HULL_QEMU_SET_ADDED;
	for (size_t i = 0; i < ARRAY_SIZE(q->streams); i++)
		q->streams[i] = -1;
	hull_tsc_start(&q->tsc);
	if (hull_qemu_look_over(env, config, &q->binary, &q->accel, err) < 0) {
		qemu_free(&q->inst);
		return -1;
	}
	*ret_inst = &q->inst;
	return 0;
}

/* QEMU holds a descriptor for each file that the guest has open in its exports. */
static uint64_t most_files(void)
{
	struct rlimit rl;

	return getrlimit(RLIMIT_NOFILE, &rl) < 0 ? 0 : MIN(rl.rlim_max, (rlim_t)MOST_FILES);
}

/* stdout and stderr are the tail's pipe. */
static int spawn(struct qemu *q, const struct hull_qemu_plan *plan,
		 const struct hull_backend_exports *exports, struct hull_qemu_ends *e,
		 struct hull_error **err)
{
	cleanup_strv struct hull_strv env = {0};
	struct hull_spawn spec = {
		.path = q->binary,
		.argv = plan->argv.v,
		.cwd = "/",
		.cgroup_fd = q->env.cgroup_fd,
		.set_ids = q->env.set_ids,
		.uid = q->env.uid,
		.gid = q->accel.set_gid ? q->accel.gid : q->env.gid,
		.no_new_privs = true,
		.filter = exports->filter,
		.rlimit_nofile = exports->n ? most_files() : 0,
		.die_with_parent = true,
		.new_session = true,
	};
	int tail_fd = -1;

	if (hull_qemu_environment(exports->env, &env, err) < 0)
		return -1;
	spec.envp = env.v;
	if (hull_tail_new(q->env.loop, &q->tail, &tail_fd, err) < 0 ||
	    hull_qemu_ends_add_output(e, tail_fd, err) < 0)
		return -1;
	spec.fds = e->map.v;
	spec.n_fds = e->map.n;
	return hull_spawn(&spec, &q->child, err);
}

static int watch(struct qemu *q, struct hull_qemu_ends *e, struct hull_error **err)
{
	int r;

	r = hull_loop_add_child(q->env.loop, q->child.pidfd, on_child, q, &q->child_source);
	if (r == 0)
		r = hull_loop_add_timer(q->env.loop, on_grace, q, &q->grace);
	if (r == 0)
		r = hull_conn_new(q->env.loop, steal_fd(&e->qmp), 0, &conn_ops, q, &q->conn);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch QEMU");
	return 0;
}

static struct hull_qemu_found found(const struct qemu *q)
{
	return (struct hull_qemu_found){q->binary, &q->accel, &q->tsc, q->env.ipv6};
}

static int bring_in_memory(struct qemu *q, const uint64_t boot_len[2], struct hull_error **err)
{
	int r = hull_qemu_memory_ready(q->memory, q->env.cgroup_fd, on_memory, q, err);

	q->memory_awaited = r > 0;
	if (r == 0)
		hull_qemu_memory_fill(q->memory, hull_qemu_arch(q->config->arch), boot_len,
				      q->env.cgroup_fd);
	return MIN(r, 0);
}

static int launch(struct qemu *q, struct hull_backend_sockets *sockets, struct hull_error **err)
{
	cleanup_qemu_plan struct hull_qemu_plan plan = {0};
	const struct hull_qemu_reader reader = {
		.other = q->env.set_ids,
		.uid = q->env.uid,
		.gid = q->accel.set_gid ? q->accel.gid : q->env.gid,
	};
	const struct hull_qemu_found here = found(q);
	cleanup_ends struct hull_qemu_ends e;

	hull_qemu_ends_init(&e);
	if (hull_qemu_parts_open(q->config, &e.parts, err) < 0 ||
	    hull_qemu_plan_here(q->config, &here, sockets, &e.parts, &plan, err) < 0 ||
	    hull_qemu_ends_make(q->config, &plan, &reader, q->env.again, q->env.loop, sockets, &e,
				err) < 0 ||
	    hull_qmp_new(&qmp_ops, q, &q->qmp, err) < 0 ||
	    spawn(q, &plan, &sockets->exports, &e, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(q->streams); i++)
		q->streams[i] = steal_fd(&e.streams[i]);
	q->memory = steal_ptr(&e.memory);
	if (q->memory && bring_in_memory(q, e.boot_len, err) < 0)
		return -1;
	return watch(q, &e, err);
}

static int qemu_start(struct hull_inst *inst, struct hull_backend_sockets *sockets,
		      struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	if (q->state != STATE_NEW)
		return hull_fail_cause(err, HULL_E_STATE, "already-running",
				       "QEMU was started before");
	q->state = STATE_STARTING;
	q->dump_fd = steal_fd(&sockets->dump);
	q->display_fd = steal_fd(&sockets->display);
	if (launch(q, sockets, err) < 0)
		return hull_prefix(err, "start QEMU");
	return 0;
}

static int qemu_take_stream(struct hull_inst *inst, enum hull_stream which)
{
	return steal_fd(&from_inst(inst)->streams[which]);
}

struct request {
	hull_inst_done_fn done;
	void *ctx;
};

static void on_reply(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct request *r = ctx;

	r->done(r->ctx, error);
	free(r);
}

/* @done may be NULL; takes @arguments, also on failure. */
static int ask(struct qemu *q, const char *command, struct hull_json *arguments,
	       hull_inst_done_fn done, void *ctx, struct hull_error **err)
{
	struct request *r = NULL;

	if (done) {
		r = calloc(1, sizeof(*r));
		if (!r) {
			hull_json_free(arguments);
			return hull_fail_nomem(err);
		}
		*r = (struct request){done, ctx};
	}
	if (hull_qmp_execute(q->qmp, command, arguments, r ? on_reply : NULL, r, err) < 0) {
		free(r);
		return -1;
	}
	return 0;
}

static int check_running(const struct qemu *q, struct hull_error **err)
{
	if (q->qmp && (q->state == STATE_RUNNING || q->state == STATE_PAUSED))
		return 0;
	return hull_fail_cause(err, HULL_E_STATE, "not-running",
			       "QEMU is not running yet, or no longer");
}

static int execute(struct qemu *q, const char *command, hull_inst_done_fn done, void *ctx,
		   struct hull_error **err)
{
	return check_running(q, err) < 0 ? -1 : ask(q, command, NULL, done, ctx, err);
}

/* @may: it is in a state in which it can; else *err tells. */
static int execute_with(struct qemu *q, bool may, const char *command, struct hull_json *arguments,
			hull_inst_done_fn done, void *ctx, struct hull_error **err)
{
	if (may && arguments)
		return ask(q, command, arguments, done, ctx, err);
	hull_json_free(arguments);
	return may ? hull_fail_nomem(err) : -1;
}

int hull_qemu_execute(struct hull_inst *inst, const char *command, struct hull_json *arguments,
		      hull_inst_done_fn done, void *ctx, struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	return execute_with(q, check_running(q, err) == 0, command, arguments, done, ctx, err);
}

static int check_held(const struct qemu *q, struct hull_error **err)
{
	return q->qmp && q->state == STATE_HELD
		       ? 0
		       : hull_fail_cause(err, HULL_E_STATE, "not-held",
					 "only the memory of a guest that is held can be dumped");
}

int hull_qemu_execute_held(struct hull_inst *inst, const char *command, struct hull_json *arguments,
			   hull_inst_done_fn done, void *ctx, struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	return execute_with(q, check_held(q, err) == 0, command, arguments, done, ctx, err);
}

int hull_qemu_query(struct hull_inst *inst, const char *command, hull_qmp_reply_fn fn, void *ctx,
		    struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	return check_running(q, err) < 0 ? -1
					 : hull_qmp_execute(q->qmp, command, NULL, fn, ctx, err);
}

int hull_qemu_add_fd(struct hull_inst *inst, int fd, uint64_t *ret_set, struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	if (check_running(q, err) < 0 || hand_over(q, fd, err) < 0)
		return -1;
	*ret_set = q->next_set++;
	return hull_qemu_execute(inst, "add-fd", hull_qemu_args_set(*ret_set), NULL, NULL, err);
}

int hull_qemu_give_dump(struct hull_inst *inst, const char *name, struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	return check_held(q, err) < 0 ? -1 : give(q, &q->dump_fd, name, err);
}

static int qemu_pause(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		      struct hull_error **err)
{
	return execute(from_inst(inst), "stop", done, ctx, err);
}

static int qemu_resume(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		       struct hull_error **err)
{
	return execute(from_inst(inst), "cont", done, ctx, err);
}

static int qemu_powerdown(struct hull_inst *inst, struct hull_error **err)
{
	return execute(from_inst(inst), "system_powerdown", NULL, NULL, err);
}

/* QEMU may close the connection before it answers "quit": nobody waits for the answer. */
static int qemu_quit(struct hull_inst *inst, struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	if (!q->qmp || q->state != STATE_HELD)
		return execute(q, "quit", NULL, NULL, err);
	begin_ending(q);
	return ask(q, "quit", NULL, NULL, NULL, err);
}

/* Where it fails half way there is nothing left but to kill it.  The machine can't be reset while
 * that means to end: so that is told first, and taken back in on_reset(). */
static int qemu_reset(struct hull_inst *inst, struct hull_error **err)
{
	struct qemu *q = from_inst(inst);

	if (!q->qmp || q->state != STATE_HELD || q->end != HULL_END_REBOOT)
		return hull_fail_cause(err, HULL_E_STATE, "not-held",
				       "only a guest that is held since it reboots can be reset");
	q->state = STATE_RESETTING;
	return set_reboot(q, "reset", err) < 0
		       ? -1
		       : hull_qmp_execute(q->qmp, "system_reset", NULL, on_step, q, err);
}

static void qemu_kill(struct hull_inst *inst)
{
	struct qemu *q = from_inst(inst);

	q->killed = true;
	kill_it(q);
}

static const char *qemu_choice(const struct hull_inst *inst)
{
	return container_of(inst, const struct qemu, inst)->accel.reason;
}

static pid_t qemu_pid(const struct hull_inst *inst)
{
	return container_of(inst, const struct qemu, inst)->child.pid;
}

const struct hull_backend_ops hull_qemu_backend = {
	.name = "qemu",
	.caps = HULL_CAP_PAUSE | HULL_CAP_POWERDOWN | HULL_CAP_CONSOLE | HULL_CAP_SERIAL_LINK |
		HULL_CAP_VIRTIOFS | HULL_CAP_QCOW2 | HULL_CAP_STREAM_NET | HULL_CAP_USER_NET |
		HULL_CAP_EXPORTS | HULL_CAP_GDB | HULL_CAP_DUMP | HULL_CAP_VHOST_VSOCK |
		HULL_CAP_SCREENSHOT | HULL_CAP_INPUT | HULL_CAP_BALLOON | HULL_CAP_RESET |
		HULL_CAP_DISPLAY | HULL_CAP_STATS,
	.checks = hull_qemu_checks,
	.command = hull_qemu_command,
	.create = qemu_create,
	.start = qemu_start,
	.take_stream = qemu_take_stream,
	.pause = qemu_pause,
	.resume = qemu_resume,
	.powerdown = qemu_powerdown,
	.quit = qemu_quit,
	.kill = qemu_kill,
	.reset = qemu_reset,
	.dump = hull_qemu_dump,
	.screenshot = hull_qemu_screenshot,
	.send_keys = hull_qemu_send_keys,
	.point = hull_qemu_point,
	.balloon = hull_qemu_balloon,
	.stats = hull_qemu_stats,
	.choice = qemu_choice,
	.pid = qemu_pid,
	.free = qemu_free,
};
