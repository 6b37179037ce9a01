/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of sessions: the table, the calls, and what follows from the ends of processes.
 *
 * Two things have to come in before a started session is known to be over: the program's wait
 * status, and the end of the report that says whether there was an exec at all; in either order.
 * It can be forgotten when tiny init, and with it everything in its namespace, has been reaped.
 */
#define _GNU_SOURCE
#include "agent/session.h"

#include "agent/agent.h"
#include "agent/archive.h"
#include "agent/cgroup.h"
#include "agent/channel.h"
#include "agent/launch.h"
#include "agent/oom.h"
#include "agent/pump.h"
#include "agent/rpc.h"
#include "agent/terminal.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/report.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a start that failed leaves as status, as shells have it. */
enum { STATUS_FAILED = 125, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

enum session_state { SESSION_CREATED, SESSION_STARTING, SESSION_RUNNING, SESSION_STOPPED };
static const char *const state_names[] = {"created", "starting", "running", "stopped"};
static_assert(ARRAY_SIZE(state_names) == SESSION_STOPPED + 1, "name every state");

/* By the value that the request has. */
static const enum hull_caps_base cap_bases[] = {
	[HULL__AGENT__V1__CAPABILITIES__INITIAL__USER] = HULL_CAPS_BASE_USER,
	[HULL__AGENT__V1__CAPABILITIES__INITIAL__ALL] = HULL_CAPS_BASE_ALL,
	[HULL__AGENT__V1__CAPABILITIES__INITIAL__NONE] = HULL_CAPS_BASE_NONE,
};
static_assert(ARRAY_SIZE(cap_bases) == HULL_CAPS_BASE_COUNT, "every base can be asked for");

struct waiter {
	struct hull_rpc_ticket ticket; /* first: found by it */
	struct session *session;
	struct waiter *next;
	bool for_delete; /* else for the status */
};

struct session {
	struct hull_sessions *owner;
	struct session *next;
	char *container_id, *exec_id; /* owned */
	enum session_state state;

	struct hull_strv args, env;
	char *cwd, *user, *path;     /* owned */
	struct hull_archive archive; /* path NULL: there is a program */
	bool terminal, has_stdin;
	uint16_t rows, columns;

	struct hull_input in;
	struct hull_output out, err;
	int tty;   /* owned: master, to set its size; -1 */
	int slave; /* owned: kept open until the program ends, or its absence would end output */

	uint64_t number;     /* names the control group */
	int cgroup;	     /* owned */
	uint64_t pids_limit; /* 0: none */
	struct hull_caps caps;
	struct hull_reaped init, program;
	int init_fd, program_fd; /* owned */
	pid_t pid;

	int report_fd; /* owned: until it has ended */
	struct hull_source *report_source;
	struct hull_strbuf report;
	struct hull_rpc_ticket start;
	struct waiter *waiters; /* owned */

	uint8_t status, signal;
	bool oom, failed;   /* failed: status was set by a start that failed */
	uint64_t oom_kills; /* of the guest before it */
	uint64_t exited_at_ns;
};

struct hull_sessions {
	struct hull_agent *agent;
	struct session *list;
	size_t n, n_waiters;
	uint64_t next_number;
	uint64_t oom_kills; /* when a session ended last */
};

int hull_sessions_new(struct hull_agent *a, struct hull_sessions **ret_sessions,
		      struct hull_error **err)
{
	struct hull_sessions *ss = calloc(1, sizeof(*ss));

	if (!ss)
		return hull_fail_nomem(err);
	ss->agent = a;
	*ret_sessions = ss;
	return 0;
}

static struct session *look_up(struct hull_sessions *ss, const char *container_id,
			       const char *exec_id)
{
	struct session *s = ss->list;

	while (s && (strcmp(s->exec_id, exec_id) || strcmp(s->container_id, container_id)))
		s = s->next;
	return s;
}

static struct session *find(struct hull_sessions *ss, const char *container_id, const char *exec_id,
			    struct hull_error **err)
{
	struct session *s = look_up(ss, container_id, exec_id);

	if (!s)
		hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-session", "no session '%s'%s%s",
				exec_id, *container_id ? " of container " : "", container_id);
	return s;
}

static void free_session(struct session *s)
{
	hull_input_fini(&s->in);
	hull_output_fini(&s->out);
	hull_output_fini(&s->err);
	hull_closep(&s->tty);
	hull_closep(&s->slave);
	hull_closep(&s->cgroup);
	hull_closep(&s->init_fd);
	hull_closep(&s->program_fd);
	hull_source_remove(&s->report_source);
	hull_closep(&s->report_fd);
	hull_strbuf_fini(&s->report);
	hull_strv_fini(&s->args);
	hull_strv_fini(&s->env);
	free(s->container_id);
	free(s->exec_id);
	free(s->cwd);
	free(s->user);
	free(s->path);
	free(s->archive.path);
	free(s);
}

/* ---- waiters ---- */

static void drop_waiter(struct waiter *w)
{
	struct waiter **p = &w->session->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	w->session->owner->n_waiters--;
	free(w);
}

static void on_waiter_gone(struct hull_rpc_ticket *t)
{
	drop_waiter((struct waiter *)t);
}

static int add_waiter(struct session *s, struct hull_ttrpc_call *call, bool for_delete,
		      struct hull_error **err)
{
	struct waiter *w;

	if (s->owner->n_waiters >= HULL_SESSION_WAITERS_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED, "more than %d calls wait for sessions",
				 HULL_SESSION_WAITERS_MAX);
	w = calloc(1, sizeof(*w));
	if (!w)
		return hull_fail_nomem(err);
	w->session = s;
	w->for_delete = for_delete;
	w->next = s->waiters;
	s->waiters = w;
	s->owner->n_waiters++;
	hull_rpc_park(&w->ticket, call, on_waiter_gone);
	return 0;
}

static void settle_waiters(struct session *s, bool for_delete, const ProtobufCMessage *reply,
			   const struct hull_error *failure)
{
	struct waiter *w, *next;

	for (w = s->waiters; w; w = next) {
		next = w->next;
		if (w->for_delete != for_delete)
			continue;
		if (failure)
			hull_rpc_settle_error(&w->ticket, failure);
		else
			hull_rpc_settle(&w->ticket, reply);
		drop_waiter(w);
	}
}

static void fill_wait_response(const struct session *s, Hull__Agent__V1__WaitResponse *rs)
{
	hull__agent__v1__wait_response__init(rs);
	rs->exit_status = s->status;
	rs->signal = s->signal;
	rs->exited_at_ns = s->exited_at_ns;
	rs->oom = s->oom;
}

/* ---- the end ---- */

static bool has_processes(const struct session *s)
{
	return s->init.pid || s->program.pid;
}

static void kill_processes(struct session *s)
{
	if (s->init_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, s->init_fd, SIGKILL, NULL, 0);
}

/* Nothing is left that could write: the answers, then the memory. */
static void forget(struct session *s)
{
	Hull__Agent__V1__Empty empty = HULL__AGENT__V1__EMPTY__INIT;
	cleanup_error struct hull_error *gone = NULL;
	struct session **p = &s->owner->list;

	hull_fail_cause(&gone, HULL_E_NOT_FOUND, "no-such-session", "session '%s' was deleted",
			s->exec_id);
	settle_waiters(s, false, NULL, gone);
	settle_waiters(s, true, &empty.base, NULL);
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->owner->n--;
	free_session(s);
}

static bool wanted_gone(const struct session *s)
{
	for (const struct waiter *w = s->waiters; w; w = w->next)
		if (w->for_delete)
			return true;
	return false;
}

/* The program is over and we know how it began. */
static void stop(struct session *s)
{
	Hull__Agent__V1__WaitResponse rs;

	s->state = SESSION_STOPPED;
	hull_input_end(&s->in);
	hull_closep(&s->slave);
	hull_closep(&s->tty);
	hull_closep(&s->program_fd);
	hull_strv_fini(&s->env);
	if (s->failed) {
		hull_output_end(&s->out);
		hull_output_end(&s->err);
	}
	kill_processes(s);
	fill_wait_response(s, &rs);
	settle_waiters(s, false, &rs.base, NULL);
}

/* After each thing that came in. */
static void advance(struct session *s)
{
	if ((s->state == SESSION_STARTING || s->state == SESSION_RUNNING) && s->report_fd < 0 &&
	    !s->program.pid)
		stop(s);
	if (s->state == SESSION_STOPPED && !has_processes(s) && wanted_gone(s))
		forget(s);
}

static void on_program_end(void *ctx, int wstatus)
{
	struct session *s = ctx;

	s->exited_at_ns = hull_realtime_ns();
	if (wstatus)
		s->oom = hull_oom_kills() > s->oom_kills;
	if (s->failed) {
		/* The child's own status says nothing. */
	} else if (WIFSIGNALED(wstatus)) {
		s->signal = (uint8_t)WTERMSIG(wstatus);
		s->status = (uint8_t)(128 + s->signal);
	} else {
		s->status = (uint8_t)WEXITSTATUS(wstatus);
	}
	kill_processes(s);
	advance(s);
}

static void on_init_end(void *ctx, int wstatus)
{
	struct session *s = ctx;

	hull_closep(&s->init_fd);
	hull_closep(&s->cgroup);
	hull_guest_cgroup_remove(s->number);
	s->owner->oom_kills = hull_oom_kills(); /* here, where nobody waits for it */
	advance(s);
}

/* ---- start ---- */

static void on_start_failed(struct session *s, const struct hull_error *err)
{
	const char *cause = hull_error_cause(err);

	s->failed = true;
	s->signal = 0;
	s->status = !strcmp(cause, "command-not-found") ? STATUS_NOT_FOUND
		    : !strcmp(cause, "not-executable")	? STATUS_NOT_EXECUTABLE
							: STATUS_FAILED;
	hull_rpc_settle_error(&s->start, err);
	kill_processes(s);
}

static void on_report_end(struct session *s)
{
	Hull__Agent__V1__StartResponse rs = HULL__AGENT__V1__START_RESPONSE__INIT;
	cleanup_error struct hull_error *err = NULL;
	const char *data;
	size_t len;

	if (s->report.len &&
	    hull_report_parse(hull_strbuf_str(&s->report), s->report.len, &data, &len, &err) < 0) {
		on_start_failed(s, err);
	} else {
		s->state = SESSION_RUNNING;
		rs.pid = (uint32_t)s->pid;
		hull_rpc_settle(&s->start, &rs.base);
	}
	hull_strbuf_fini(&s->report);
	advance(s);
}

static void on_report(void *ctx, uint32_t events)
{
	struct session *s = ctx;
	char buf[512];
	ssize_t n = read(s->report_fd, buf, sizeof(buf));

	if (n > 0) {
		(void)hull_strbuf_add(&s->report, buf, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	hull_source_remove(&s->report_source);
	hull_closep(&s->report_fd);
	on_report_end(s);
}

static int open_stdio(struct session *s, struct hull_stdio *ret, struct hull_error **err)
{
	int r;

	if (s->terminal)
		r = hull_stdio_terminal(s->rows, s->columns, ret);
	else
		r = hull_stdio_pipes(s->has_stdin, ret);
	if (r < 0)
		return hull_fail_errno(err, -r, "open %s", s->terminal ? "a terminal" : "pipes");
	return 0;
}

static int make_cgroup(struct session *s, struct hull_error **err)
{
	int r;

	s->number = s->owner->next_number++;
	s->cgroup = hull_guest_cgroup_create(s->number);
	if (!s->pids_limit)
		return 0;
	if (s->cgroup < 0)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "processes can't be limited: the guest's kernel has no cgroups");
	r = hull_guest_cgroup_limit_pids(s->cgroup, s->pids_limit + 1); /* tiny init is in it */
	if (r == -ENOENT)
		return hull_fail(
			err, HULL_E_UNSUPPORTED,
			"processes can't be limited: the guest's kernel doesn't count them");
	return r < 0 ? hull_fail_errno(err, -r, "limit processes to %llu",
				       (unsigned long long)s->pids_limit)
		     : 0;
}

/* Hands our ends to the pumps. */
static int connect_stdio(struct session *s, struct hull_stdio *io, struct hull_error **err)
{
	int r = 0;

	s->tty = steal_fd(&io->tty);
	if (s->terminal)
		s->slave = steal_fd(&io->theirs[0]);
	if (io->ours[1] >= 0)
		r = hull_output_start(&s->out, steal_fd(&io->ours[1]));
	if (r == 0 && io->ours[2] >= 0)
		r = hull_output_start(&s->err, steal_fd(&io->ours[2]));
	else
		hull_output_end(&s->err);
	if (r == 0 && io->ours[0] >= 0)
		r = hull_input_start(&s->in, steal_fd(&io->ours[0]), s->terminal);
	else
		hull_input_end(&s->in);
	return r < 0 ? hull_fail_errno(err, -r, "watch the session's pipes") : 0;
}

static int launch(struct session *s, const struct hull_stdio *io, struct hull_error **err)
{
	struct hull_agent *a = s->owner->agent;
	struct hull_launched done;
	struct hull_launch l = {
		.root = a->root,
		.path = s->path,
		.args = s->args.v,
		.env = s->env.v,
		.cwd = s->cwd,
		.user = s->user,
		.terminal = s->terminal,
		.caps = s->caps,
		.archive = s->archive.path ? &s->archive : NULL,
		.stdio = {io->theirs[0], io->theirs[1], io->theirs[2]},
	};
	static char *no_env[] = {NULL};
	int r;

	if (!l.env)
		l.env = no_env;
	if (make_cgroup(s, err) < 0)
		return -1;
	l.cgroup = s->cgroup;
	if (hull_launch(&l, &done, err) < 0)
		return -1;
	s->pid = done.program;
	s->oom_kills = s->owner->oom_kills;
	s->init_fd = done.init_fd;
	s->program_fd = done.program_fd;
	s->report_fd = done.report_fd;
	hull_reaper_watch(&a->reaper, &s->init, done.init, on_init_end, s);
	if (done.program)
		hull_reaper_watch(&a->reaper, &s->program, done.program, on_program_end, s);
	s->state = SESSION_STARTING;
	(void)hull_set_nonblock(s->report_fd, true);
	r = hull_loop_add_fd(a->loop, s->report_fd, EPOLLIN, on_report, s, &s->report_source);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch the session's start");
	return 0;
}

/* A start that failed before the call could wait for anything. */
static void fail_start(struct session *s, const struct hull_error *err)
{
	on_start_failed(s, err);
	hull_source_remove(&s->report_source);
	hull_closep(&s->report_fd);
	s->exited_at_ns = hull_realtime_ns();
	if (!has_processes(s)) {
		hull_closep(&s->cgroup);
		hull_guest_cgroup_remove(s->number);
	}
	stop(s);
}

int hull_session_start(struct hull_sessions *ss, struct hull_ttrpc_call *call,
		       const Hull__Agent__V1__SessionRequest *rq, struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);
	cleanup_with(hull_stdio_fini) struct hull_stdio io = HULL_STDIO_INIT;
	struct hull_error *own = NULL;

	if (!s)
		return -1;
	if (s->state != SESSION_CREATED)
		return hull_fail_cause(err, HULL_E_STATE, "already-started", "session '%s' is %s",
				       s->exec_id, state_names[s->state]);
	if (open_stdio(s, &io, &own) < 0 || launch(s, &io, &own) < 0 ||
	    connect_stdio(s, &io, &own) < 0) {
		hull_prefix(&own, "start session '%s'", s->exec_id);
		fail_start(s, own);
		return hull_error_move(err, &own);
	}
	hull_rpc_park(&s->start, call, NULL);
	return 0;
}

/* ---- create ---- */

static int check_stream(struct hull_sessions *ss, const char *id, struct hull_error **err)
{
	if (*id && !hull_stream_is_unclaimed(ss->agent->channels, id))
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-stream",
				       "no unclaimed stream '%s'", id);
	return 0;
}

static int check_streams(struct hull_sessions *ss, const char *in, const char *out, const char *er,
			 bool terminal, struct hull_error **err)
{
	if (terminal && *er)
		return hull_fail(err, HULL_E_INVALID, "a terminal has no separate stderr");
	if ((*in && (!strcmp(in, out) || !strcmp(in, er))) || (*out && !strcmp(out, er)))
		return hull_fail(err, HULL_E_INVALID, "one stream is named twice");
	return check_stream(ss, in, err) < 0 || check_stream(ss, out, err) < 0 ||
			       check_stream(ss, er, err) < 0
		       ? -1
		       : 0;
}

static int check_caps(const Hull__Agent__V1__Capabilities *c, struct hull_error **err)
{
	if (c && (unsigned int)c->initial >= ARRAY_SIZE(cap_bases))
		return hull_fail(err, HULL_E_INVALID, "no set of capabilities is numbered %d",
				 (int)c->initial);
	if (c && c->add & c->drop)
		return hull_fail(err, HULL_E_INVALID,
				 "capabilities %#llx are both added and dropped",
				 (unsigned long long)(c->add & c->drop));
	return 0;
}

static int check_create(struct hull_sessions *ss, const Hull__Agent__V1__CreateRequest *rq,
			struct hull_error **err)
{
	if (*rq->container_id)
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-container",
				       "no container '%s'", rq->container_id);
	if (strlen(rq->exec_id) > HULL_SESSION_ID_MAX)
		return hull_fail(err, HULL_E_INVALID, "session id is longer than %d bytes",
				 HULL_SESSION_ID_MAX);
	if (look_up(ss, rq->container_id, rq->exec_id))
		return hull_fail(err, HULL_E_EXISTS, "session '%s' exists", rq->exec_id);
	if (ss->n >= HULL_SESSIONS_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED, "%d sessions exist", HULL_SESSIONS_MAX);
	if (hull_session_check(rq, err) < 0 || check_caps(rq->capabilities, err) < 0)
		return -1;
	return check_streams(ss, rq->stdin_stream, rq->stdout_stream, rq->stderr_stream,
			     rq->terminal, err);
}

static struct session *new_session(struct hull_sessions *ss,
				   const Hull__Agent__V1__CreateRequest *rq)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->owner = ss;
	s->tty = s->slave = s->cgroup = s->init_fd = s->program_fd = s->report_fd = -1;
	hull_input_init(&s->in, ss->agent->loop);
	hull_output_init(&s->out, ss->agent->loop);
	hull_output_init(&s->err, ss->agent->loop);
	s->container_id = strdup(rq->container_id);
	s->exec_id = strdup(rq->exec_id);
	s->cwd = strdup(rq->cwd);
	s->user = strdup(rq->user);
	s->path = strdup(rq->path);
	(void)hull_strv_copy(&s->args, &(struct hull_strv){.v = rq->args, .n = rq->n_args});
	(void)hull_strv_copy(&s->env, &(struct hull_strv){.v = rq->env, .n = rq->n_env});
	s->terminal = rq->terminal;
	s->has_stdin = *rq->stdin_stream || rq->stdin_later;
	s->rows = (uint16_t)rq->rows;
	s->columns = (uint16_t)rq->columns;
	s->pids_limit = rq->pids_limit;
	if (rq->capabilities)
		s->caps = (struct hull_caps){.base = cap_bases[rq->capabilities->initial],
					     .add = rq->capabilities->add,
					     .drop = rq->capabilities->drop};
	if (rq->archive)
		s->archive = (struct hull_archive){.path = strdup(rq->archive->path),
						   .unpack = rq->archive->unpack,
						   .follow = rq->archive->follow,
						   .owners = rq->archive->owners,
						   .one = rq->archive->one};
	if ((!rq->archive || s->archive.path) && s->container_id && s->exec_id && s->cwd &&
	    s->user && s->path && !s->args.failed && !s->env.failed)
		return s;
	free_session(s);
	return NULL;
}

static void attach(struct session *s, const char *in, const char *out, const char *er, bool replay)
{
	struct hull_channels *cs = s->owner->agent->channels;

	if (*in)
		hull_input_attach(&s->in, cs, in);
	if (*out)
		hull_output_attach(&s->out, cs, out, replay);
	if (*er)
		hull_output_attach(&s->err, cs, er, replay);
}

int hull_session_create(struct hull_sessions *ss, const Hull__Agent__V1__CreateRequest *rq,
			struct hull_error **err)
{
	struct session *s;

	if (check_create(ss, rq, err) < 0)
		return -1;
	s = new_session(ss, rq);
	if (!s)
		return hull_fail_nomem(err);
	s->next = ss->list;
	ss->list = s;
	ss->n++;
	attach(s, rq->stdin_stream, rq->stdout_stream, rq->stderr_stream, true);
	return 0;
}

int hull_session_attach(struct hull_sessions *ss, const Hull__Agent__V1__AttachRequest *rq,
			struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);

	if (!s || check_streams(ss, rq->stdin_stream, rq->stdout_stream, rq->stderr_stream,
				s->terminal, err) < 0)
		return -1;
	attach(s, rq->stdin_stream, rq->stdout_stream, rq->stderr_stream, !rq->no_replay);
	return 0;
}

/* ---- the other calls ---- */

static int must_run(const struct session *s, struct hull_error **err)
{
	if (s->state == SESSION_RUNNING && s->program.pid)
		return 0;
	return hull_fail_cause(err, HULL_E_STATE, "not-running", "session '%s' is %s", s->exec_id,
			       s->state == SESSION_RUNNING ? "stopped" : state_names[s->state]);
}

int hull_session_signal(struct hull_sessions *ss, const Hull__Agent__V1__SignalRequest *rq,
			struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);

	if (!s)
		return -1;
	if (rq->signal < 1 || rq->signal > 64)
		return hull_fail(err, HULL_E_INVALID, "no signal %u", rq->signal);
	if (must_run(s, err) < 0)
		return -1;
	if (rq->all && rq->signal == SIGKILL) {
		kill_processes(s);
		return 0;
	}
	if (rq->all)
		return hull_launch_signal_all(s->init_fd, (int)rq->signal, err);
	if (syscall(SYS_pidfd_send_signal, s->program_fd, (int)rq->signal, NULL, 0) < 0)
		return hull_fail_errno(err, errno, "signal session '%s'", s->exec_id);
	return 0;
}

static bool runs(const struct session *s)
{
	return s->state == SESSION_RUNNING && s->program.pid;
}

void hull_sessions_signal_all(struct hull_sessions *ss, int signo)
{
	for (struct session *s = ss->list; s; s = s->next) {
		if (!runs(s))
			continue;
		(void)syscall(SYS_pidfd_send_signal, s->program_fd, signo, NULL, 0);
		if (s->terminal) /* shells mind nothing else */
			(void)syscall(SYS_pidfd_send_signal, s->program_fd, SIGHUP, NULL, 0);
	}
}

bool hull_sessions_run(const struct hull_sessions *ss)
{
	const struct session *s = ss->list;

	while (s && !runs(s))
		s = s->next;
	return s;
}

bool hull_sessions_are_heard(const struct hull_sessions *ss)
{
	const struct session *s = ss->list;

	while (s && !s->out.stream && !s->err.stream)
		s = s->next;
	return s;
}

int hull_session_resize(struct hull_sessions *ss, const Hull__Agent__V1__ResizeRequest *rq,
			struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);
	int r;

	if (!s)
		return -1;
	if (!s->terminal)
		return hull_fail_cause(err, HULL_E_STATE, "no-terminal",
				       "session '%s' has no terminal", s->exec_id);
	if (rq->rows > UINT16_MAX || rq->columns > UINT16_MAX)
		return hull_fail(err, HULL_E_INVALID, "terminal size %ux%u", rq->rows, rq->columns);
	s->rows = (uint16_t)rq->rows;
	s->columns = (uint16_t)rq->columns;
	r = s->tty < 0 ? 0 : hull_stdio_resize(s->tty, s->rows, s->columns);
	return r < 0 ? hull_fail_errno(err, -r, "resize the terminal of session '%s'", s->exec_id)
		     : 0;
}

int hull_session_close_stdin(struct hull_sessions *ss, const Hull__Agent__V1__SessionRequest *rq,
			     struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);

	if (!s)
		return -1;
	hull_input_close(&s->in);
	return 0;
}

int hull_session_wait(struct hull_sessions *ss, struct hull_ttrpc_call *call,
		      const Hull__Agent__V1__SessionRequest *rq, struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);
	Hull__Agent__V1__WaitResponse rs;

	if (!s)
		return -1;
	if (s->state != SESSION_STOPPED)
		return add_waiter(s, call, false, err);
	fill_wait_response(s, &rs);
	hull_rpc_reply(call, &rs.base);
	return 0;
}

int hull_session_delete(struct hull_sessions *ss, struct hull_ttrpc_call *call,
			const Hull__Agent__V1__SessionRequest *rq, struct hull_error **err)
{
	struct session *s = find(ss, rq->container_id, rq->exec_id, err);

	if (!s || add_waiter(s, call, true, err) < 0)
		return -1;
	if (s->state == SESSION_CREATED || !has_processes(s))
		forget(s);
	else
		kill_processes(s);
	return 0;
}

int hull_session_list(struct hull_sessions *ss, struct hull_ttrpc_call *call,
		      struct hull_error **err)
{
	Hull__Agent__V1__ListResponse rs = HULL__AGENT__V1__LIST_RESPONSE__INIT;
	cleanup_free Hull__Agent__V1__SessionState *states = calloc(ss->n + 1, sizeof(*states));
	cleanup_free Hull__Agent__V1__SessionState **ptrs = calloc(ss->n + 1, sizeof(*ptrs));

	if (!states || !ptrs)
		return hull_fail_nomem(err);
	for (const struct session *s = ss->list; s; s = s->next) {
		Hull__Agent__V1__SessionState *st = &states[rs.n_sessions];

		hull__agent__v1__session_state__init(st);
		st->container_id = s->container_id;
		st->exec_id = s->exec_id;
		st->state = (char *)state_names[s->state];
		st->pid = s->state == SESSION_RUNNING ? (uint32_t)s->pid : 0;
		st->exit_status = s->status;
		st->args = s->args.v;
		st->n_args = s->args.n;
		st->terminal = s->terminal;
		ptrs[rs.n_sessions++] = st;
	}
	rs.sessions = ptrs;
	hull_rpc_reply(call, &rs.base);
	return 0;
}
