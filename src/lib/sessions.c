/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands in VMs.  See hull/sessions.h for every function.
 *
 * A handle says where the session is and holds its streams, and does not change.  Each call has a
 * connection to the agent of its own; so no two of them meet, and there is nothing to lock.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/options.h"
#include "lib/piece.h"

#include "base/caps.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "vm/command.h"
#include "vm/exec.h"
#include "vm/rundir.h"
#include "vm/sessions.h"
#include "vm/use.h"

#include <assert.h>
#include <hull/sessions.h>
#include <stdio.h>
#include <string.h>

#define EXEC_MS 60000 /* longer than the agent's own deadline */
#define UNDO_MS 100   /* at least, for the end of what was given up */
#define N_STREAMS 3

struct hull_session {
	struct hull_vms *vms;
	struct hull_used vm;
	char name[HULL_SESSION_NAME_MAX + 1];
	int streams[N_STREAMS]; /* owned; -1: none */
};

static struct hull_session *session_new(struct hull_vms *vms, struct hull_error **err)
{
	struct hull_session *s = calloc(1, sizeof(*s));

	if (!s) {
		hull_fail_nomem(err);
		return NULL;
	}
	s->vms = vms;
	for (int i = 0; i < N_STREAMS; i++)
		s->streams[i] = -1;
	return s;
}

void hull_session_free(struct hull_session *s)
{
	if (!s)
		return;
	for (int i = 0; i < N_STREAMS; i++)
		hull_closep(&s->streams[i]);
	hull_used_fini(&s->vm);
	free(s);
}

const char *hull_session_name(const struct hull_session *session)
{
	return session->name;
}

int hull_session_fd(const struct hull_session *session, uint32_t stream)
{
	for (int i = 0; i < N_STREAMS; i++)
		if (stream == UINT32_C(1) << i)
			return session->streams[i];
	return -1;
}

/* ---- how calls end ---- */

/* What @error says, or if that is only that the connection was lost, how the VM ended. */
static int explain(struct hull_lib_call *call, const struct hull_used *vm,
		   const struct hull_error *error, struct hull_error **err)
{
	if (!call->canceled && hull_error_code(error) == HULL_E_UNAVAILABLE)
		return hull_use_explain(call->store, call->loop, vm, call->deadline_ns, error, err);
	hull_fail_copy(err, error);
	return -1;
}

/* ---- starting ---- */

struct starting {
	struct hull_lib_call call;
	struct hull_session *session;
	struct hull_exec *exec;
	bool deleted;
	struct hull_error *err;
};

static void starting_fini(struct starting *s)
{
	hull_exec_free(s->exec);
	hull_session_free(s->session);
	hull_error_free(s->err);
	hull_lib_call_end(&s->call);
}
#define cleanup_starting cleanup_with(starting_fini)

static void on_started(void *ctx)
{
	struct starting *s = ctx;

	hull_loop_quit(s->call.loop, 0);
}

static void on_done(void *ctx, const struct hull_exec_result *result,
		    const struct hull_error *error)
{
	struct starting *s = ctx;

	if (error && !s->err)
		hull_fail_copy(&s->err, error);
	hull_loop_quit(s->call.loop, 0);
}

static const struct hull_exec_ops exec_ops = {.started = on_started, .done = on_done};

static int await_start(struct starting *s, struct hull_error **err)
{
	if (hull_lib_call_run(&s->call, "start the command", err) < 0)
		return -1;
	if (s->err)
		return explain(&s->call, &s->session->vm, s->err, err);
	for (int i = 0; i < N_STREAMS; i++)
		s->session->streams[i] = hull_exec_take_stream(s->exec, i);
	return 0;
}

static void on_deleted(void *ctx)
{
	struct starting *s = ctx;

	s->deleted = true;
	hull_loop_quit(s->call.loop, 0);
}

/* What came to be of a session whose start has failed, or was given up. */
static void undo(struct starting *s)
{
	uint64_t soon = hull_deadline_ms(UNDO_MS);

	if (!s->exec)
		return;
	hull_exec_delete(s->exec, on_deleted, s);
	if (s->call.canceled || s->call.deadline_ns < soon)
		s->call.deadline_ns = soon;
	if (!s->deleted)
		(void)hull_lib_call_run(&s->call, "undo", NULL);
}

static void fill_streams(uint64_t streams, bool terminal, struct hull_exec_options *x)
{
	x->stdin_fd = streams & HULL_STREAM_IN ? HULL_EXEC_HAND_OUT : -1;
	x->stdout_fd = streams & HULL_STREAM_OUT ? HULL_EXEC_HAND_OUT : -1;
	x->stderr_fd = streams & HULL_STREAM_ERR && !terminal ? HULL_EXEC_HAND_OUT : -1;
}

static int check_streams(uint64_t streams, struct hull_error **err)
{
	if (!(streams & ~(uint64_t)(HULL_STREAM_IN | HULL_STREAM_OUT | HULL_STREAM_ERR)))
		return 0;
	return hull_fail(err, HULL_E_INVALID, "streams: %#llx is none",
			 (unsigned long long)streams);
}

static int name_session(struct hull_session *s, const char *name, struct hull_error **err)
{
	char id[HULL_ID_LEN + 1];

	if (!name && hull_id_make(id, err) < 0)
		return -1;
	if (name && hull_session_check_name(name, err) < 0)
		return -1;
	snprintf(s->name, sizeof(s->name), "%.*s", name ? HULL_SESSION_NAME_MAX : HULL_SHORT_LEN,
		 name ? name : id);
	return 0;
}

/* What the caller said of the command, in our form. */
struct command {
	struct hull_strv args, env;
	char *cwd;
	struct hull_caps caps;
	struct hull_strbuf path;
};

static void command_fini(struct command *c)
{
	hull_strv_fini(&c->args);
	hull_strv_fini(&c->env);
	free(c->cwd);
	hull_strbuf_fini(&c->path);
}

static int add_all(struct hull_strv *to, const char *const *from, struct hull_error **err)
{
	for (; from && *from; from++)
		if (hull_strv_add(to, *from) < 0)
			return hull_fail_nomem(err);
	return 0;
}

static int make_command(struct command *c, const char *const *args,
			const struct hull_vms_exec_options *o, const struct hull_used *vm,
			struct hull_error **err)
{
	bool host_home = vm->config.root.kind == HULL_ROOT_HOST && !(o->user && *o->user);

	if (!args || !*args)
		return hull_fail(err, HULL_E_INVALID, "no command given");
	for (size_t i = 0; o->env && o->env[i]; i++)
		if (!strchr(o->env[i], '=') || *o->env[i] == '=')
			return hull_fail(err, HULL_E_INVALID, "env[%zu]: it is not NAME=VALUE", i);
	if (add_all(&c->args, args, err) < 0 || add_all(&c->env, o->env, err) < 0)
		return -1;
	c->cwd = o->workdir && *o->workdir ? strdup(o->workdir) : NULL;
	if (o->workdir && *o->workdir && !c->cwd)
		return hull_fail_nomem(err);
	if (o->caps && hull_caps_edit(&c->caps, o->caps, 0, err) < 0)
		return hull_prefix(err, "caps");
	if (hull_command_complete(&c->env, &c->cwd, host_home, o->terminal, err) < 0)
		return -1;
	hull_command_locate(&vm->config, c->args.v[0], &c->env, &c->path);
	return 0;
}

static int start(struct starting *s, const char *ref, const char *const *args,
		 const struct hull_vms_exec_options *o, struct hull_error **err)
{
	cleanup_with(command_fini) struct command c = {.path = HULL_STRBUF_INIT};
	struct hull_session *session = s->session;
	struct hull_exec_options x = {
		.exec_id = session->name,
		.args = &c.args,
		.env = &c.env,
		.user = o->user,
		.terminal = o->terminal,
		.rows = (unsigned int)MIN(o->rows, UINT16_MAX),
		.columns = (unsigned int)MIN(o->columns, UINT16_MAX),
		.pids_limit = o->pids_limit,
		.stdin_later = o->input_later,
	};

	if (check_streams(o->streams, err) < 0 || name_session(session, o->session, err) < 0 ||
	    hull_use_find(s->call.store, s->call.loop, ref,
			  MIN(s->call.deadline_ns, hull_deadline_ms(HULL_LIB_LOOK_MS)),
			  &session->vm, err) < 0 ||
	    make_command(&c, args, o, &session->vm, err) < 0)
		return -1;
	x.cwd = c.cwd;
	x.caps = c.caps;
	x.path = hull_strbuf_str(&c.path);
	fill_streams(o->streams, o->terminal, &x);
	if (hull_exec_start(s->call.loop, session->vm.vsock, &x, &exec_ops, s, &s->exec, err) < 0)
		return -1;
	return await_start(s, err);
}

int hull_vms_exec(struct hull_vms *vms, const char *ref, const char *const *args,
		  const struct hull_vms_exec_options *options, struct hull_session **ret_session,
		  struct hull_error **err)
{
	cleanup_starting struct starting s = {.call.vms = vms};
	struct hull_vms_exec_options o;
	int r;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	s.session = session_new(vms, err);
	if (!s.session ||
	    hull_lib_call_begin_within(&s.call, vms, o.timeout_ms, EXEC_MS, o.cancel, err) < 0)
		return -1;
	r = start(&s, ref, args, &o, err);
	if (r < 0)
		undo(&s);
	if (hull_lib_call_result(&s.call, r, err) < 0)
		return -1;
	*ret_session = steal_ptr(&s.session);
	return 0;
}

/* ---- attaching ---- */

static int attach(struct starting *s, const char *ref, const char *name,
		  const struct hull_vms_attach_options *o, struct hull_error **err)
{
	struct hull_session *session = s->session;
	struct hull_exec_options x = {.exec_id = session->name};
	bool terminal;

	if (check_streams(o->streams, err) < 0 ||
	    name_session(session, name ? name : "", err) < 0 ||
	    hull_use_find(s->call.store, s->call.loop, ref, s->call.deadline_ns, &session->vm,
			  err) < 0 ||
	    hull_sessions_find(s->call.loop, session->vm.vsock, session->name, s->call.deadline_ns,
			       &terminal, err) < 0)
		return -1;
	if (!o->streams)
		return 0;
	fill_streams(o->streams, terminal, &x);
	if (hull_exec_attach(s->call.loop, session->vm.vsock, &x, !o->no_replay, &exec_ops, s,
			     &s->exec, err) < 0)
		return -1;
	return await_start(s, err);
}

int hull_vms_attach(struct hull_vms *vms, const char *ref, const char *name,
		    const struct hull_vms_attach_options *options,
		    struct hull_session **ret_session, struct hull_error **err)
{
	cleanup_starting struct starting s = {.call.vms = vms};
	struct hull_vms_attach_options o;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	s.session = session_new(vms, err);
	if (!s.session ||
	    hull_lib_call_begin_within(&s.call, vms, o.timeout_ms, HULL_LIB_LOOK_MS, o.cancel,
				       err) < 0 ||
	    hull_lib_call_result(&s.call, attach(&s, ref, name, &o, err), err) < 0)
		return -1;
	*ret_session = steal_ptr(&s.session);
	return 0;
}

/* ---- asking the agent ---- */

struct asking {
	struct hull_lib_call call;
	/* Takes what it needs of the answer; NULL: nothing. */
	int (*take)(void *ctx, const ProtobufCMessage *reply);
	void *ctx;
	int taken;
	struct hull_error *err;
};

static void asking_fini(struct asking *a)
{
	hull_error_free(a->err);
	hull_lib_call_end(&a->call);
}
#define cleanup_asking cleanup_with(asking_fini)

static void on_answer(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct asking *a = ctx;

	if (error)
		hull_fail_copy(&a->err, error);
	else if (a->take)
		a->taken = a->take(a->ctx, reply);
	hull_loop_quit(a->call.loop, 0);
}

static int ask(struct asking *a, const struct hull_used *vm, const char *method,
	       const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
	       struct hull_error **err)
{
	struct hull_sessions_call *c;
	int r;

	if (hull_sessions_call(a->call.loop, vm->vsock, method, request, reply_type, 0, on_answer,
			       a, &c, err) < 0)
		return -1;
	r = hull_lib_call_run(&a->call, "wait for the agent's answer", err);
	hull_sessions_call_free(c);
	if (r < 0)
		return -1;
	if (a->err)
		return explain(&a->call, vm, a->err, err);
	return a->taken < 0 ? hull_fail_nomem(err) : 0;
}

/* About a session, from begin to end. */
static int ask_of(struct hull_session *s, const struct hull_verb_options *options,
		  uint64_t default_ms, const char *method, const ProtobufCMessage *request,
		  const ProtobufCMessageDescriptor *reply_type, struct asking *a,
		  struct hull_error **err)
{
	if (hull_lib_call_begin(&a->call, s->vms, options, default_ms, err) < 0)
		return -1;
	return hull_lib_call_result(&a->call, ask(a, &s->vm, method, request, reply_type, err),
				    err);
}

/* ---- all of them ---- */

static_assert(HULL_SESSION_STOPPED == 3, "states are in the agent's order");
static const char *const state_names[] = {"created", "starting", "running", "stopped"};

static uint32_t state_of(const char *name)
{
	uint32_t i = 0;

	while (i < HULL_SESSION_STOPPED && strcmp(state_names[i], name) != 0)
		i++;
	return i;
}

static struct hull_session_info *put_info(struct hull_piece *p,
					  const Hull__Agent__V1__SessionState *s)
{
	struct hull_session_info *place = HULL_PIECE_TAKE(p, struct hull_session_info, 1);
	const char **args = HULL_PIECE_TAKE(p, const char *, s->n_args + 1);
	struct hull_session_info info = {
		.size = sizeof(info),
		.name = hull_piece_put(p, s->exec_id),
		.state = state_of(s->state),
		.status = s->exit_status & 0xff,
		.pid = s->pid,
		.terminal = s->terminal,
		.args = args,
		.n_args = s->n_args,
	};

	for (size_t i = 0; i < s->n_args; i++) {
		const char *arg = hull_piece_put(p, s->args[i]);

		if (args)
			args[i] = arg;
	}
	if (args)
		args[s->n_args] = NULL;
	if (place)
		*place = info;
	return place;
}

struct listing {
	struct hull_session_info **infos;
	size_t n;
};

/* The agent's newest comes first; those of containers are not ours. */
static void *put_infos(struct hull_piece *p, const void *from)
{
	const Hull__Agent__V1__ListResponse *list = from;
	struct hull_session_info **v =
		HULL_PIECE_TAKE(p, struct hull_session_info *, list->n_sessions + 1);
	size_t n = 0;

	for (size_t i = list->n_sessions; i > 0; i--) {
		const Hull__Agent__V1__SessionState *s = list->sessions[i - 1];
		struct hull_session_info *info = *s->container_id ? NULL : put_info(p, s);

		if (v && !*s->container_id)
			v[n++] = info;
	}
	if (v)
		v[n] = NULL;
	return v;
}

static int take_list(void *ctx, const ProtobufCMessage *reply)
{
	struct listing *l = ctx;

	l->infos = hull_piece_make(put_infos, reply, NULL);
	while (l->infos && l->infos[l->n])
		l->n++;
	return l->infos ? 0 : -1;
}

static int list(struct asking *a, const char *ref, struct hull_error **err)
{
	Hull__Agent__V1__ListRequest rq = HULL__AGENT__V1__LIST_REQUEST__INIT;
	cleanup_with(hull_used_fini) struct hull_used vm = {0};

	if (hull_use_find(a->call.store, a->call.loop, ref, a->call.deadline_ns, &vm, err) < 0)
		return -1;
	return ask(a, &vm, "List", &rq.base, &hull__agent__v1__list_response__descriptor, err);
}

int hull_vms_sessions(struct hull_vms *vms, const char *ref,
		      const struct hull_verb_options *options,
		      struct hull_session_info ***ret_infos, size_t *ret_n, struct hull_error **err)
{
	struct listing l = {0};
	cleanup_asking struct asking a = {.call.vms = vms, .take = take_list, .ctx = &l};

	if (hull_lib_call_begin(&a.call, vms, options, HULL_LIB_LOOK_MS, err) < 0)
		return -1;
	if (hull_lib_call_result(&a.call, list(&a, ref, err), err) < 0) {
		free(l.infos);
		return -1;
	}
	*ret_infos = l.infos;
	*ret_n = l.n;
	return 0;
}

/* ---- one of them ---- */

static int take_end(void *ctx, const ProtobufCMessage *reply)
{
	const Hull__Agent__V1__WaitResponse *r = (const void *)reply;
	struct hull_session_end *end = ctx;

	end->status = r->exit_status & 0xff;
	end->signal = r->signal;
	end->out_of_memory = r->oom;
	return 0;
}

int hull_session_wait(struct hull_session *session, const struct hull_verb_options *options,
		      struct hull_session_end *ret_end, struct hull_error **err)
{
	Hull__Agent__V1__SessionRequest rq = HULL__AGENT__V1__SESSION_REQUEST__INIT;
	struct hull_session_end end = {.size = sizeof(end)};
	cleanup_asking struct asking a = {.call.vms = session->vms, .take = take_end, .ctx = &end};

	if (ret_end && ret_end->size < sizeof(size_t))
		return hull_fail(err, HULL_E_INVALID,
				 "end: size is %zu; it must be that of the struct", ret_end->size);
	rq.exec_id = session->name;
	if (ask_of(session, options, 0, "Wait", &rq.base,
		   &hull__agent__v1__wait_response__descriptor, &a, err) < 0)
		return -1;
	if (ret_end)
		memcpy((char *)ret_end + sizeof(size_t), (char *)&end + sizeof(size_t),
		       MIN(ret_end->size, sizeof(end)) - sizeof(size_t));
	return 0;
}

int hull_session_signal(struct hull_session *session, int signo,
			const struct hull_verb_options *options, struct hull_error **err)
{
	Hull__Agent__V1__SignalRequest rq = HULL__AGENT__V1__SIGNAL_REQUEST__INIT;
	cleanup_asking struct asking a = {.call.vms = session->vms};

	rq.exec_id = session->name;
	rq.signal = (uint32_t)signo;
	return ask_of(session, options, HULL_LIB_LOOK_MS, "Signal", &rq.base,
		      &hull__agent__v1__empty__descriptor, &a, err);
}

int hull_session_resize(struct hull_session *session, uint32_t rows, uint32_t columns,
			const struct hull_verb_options *options, struct hull_error **err)
{
	Hull__Agent__V1__ResizeRequest rq = HULL__AGENT__V1__RESIZE_REQUEST__INIT;
	cleanup_asking struct asking a = {.call.vms = session->vms};

	rq.exec_id = session->name;
	rq.rows = rows;
	rq.columns = columns;
	return ask_of(session, options, HULL_LIB_LOOK_MS, "Resize", &rq.base,
		      &hull__agent__v1__empty__descriptor, &a, err);
}

int hull_session_delete(struct hull_session *session, const struct hull_verb_options *options,
			struct hull_error **err)
{
	Hull__Agent__V1__SessionRequest rq = HULL__AGENT__V1__SESSION_REQUEST__INIT;
	cleanup_asking struct asking a = {.call.vms = session->vms};
	cleanup_error struct hull_error *why = NULL;

	rq.exec_id = session->name;
	if (ask_of(session, options, HULL_LIB_LOOK_MS, "Delete", &rq.base,
		   &hull__agent__v1__empty__descriptor, &a, &why) < 0 &&
	    hull_error_code(why) != HULL_E_NOT_FOUND)
		return hull_error_move(err, &why);
	return 0;
}
