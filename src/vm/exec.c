/* SPDX-License-Identifier: Apache-2.0
 *
 * A command in a VM, see exec.h.
 *
 *   streams opened (all at once) -> each acknowledged -> Create, Start, Wait sent in one go
 *                                                        (to one that is there: Attach, Wait)
 *   -> status known and both outputs ended -> done
 *
 * The calls are pipelined: the agent serves one connection's calls in order, and a failed first one
 * makes the others fail harmlessly, or is the one that is told.
 */
#define _GNU_SOURCE
#include "vm/exec.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "monitor/link.h"
#include "monitor/rpc.h"
#include "proto/hvsock.h"
#include "vm/stdio.h"

#include <stdio.h>
#include <string.h>

#define AGENT "hull.agent.v1.Agent"
#define SETUP_MS 30000 /* streams, create, start: not the command's own time */
#define DELETE_MS 5000

enum { STDIN, STDOUT, STDERR, N_STDIO };

/* Whether there is one of our id, and of our making: only that may be deleted. */
enum session_is { SESSION_NEW, SESSION_ASKED_FOR, SESSION_OURS, SESSION_NOT_OURS, SESSION_THERE };

struct hull_exec {
	struct hull_loop *loop;
	const struct hull_exec_ops *ops;
	void *ctx;
	struct hull_rpc *rpc;
	struct hull_stdio *stdio[N_STDIO];
	char stream_id[N_STDIO][HULL_STREAM_ID_MAX];
	bool hands_out[N_STDIO];
	int handed[N_STDIO]; /* owned; -1: none */
	unsigned int unacknowledged, outputs_open;
	Hull__Agent__V1__CreateRequest create;
	/* Of create, where they are given. */
	Hull__Agent__V1__Capabilities caps;
	Hull__Agent__V1__Archive archive;
	char exec_id[64];
	struct hull_strv args, env; /* what create points at */
	char *cwd, *user, *path;
	enum session_is is;
	bool replay, started, exited, finished, resized;
	int pending_signal;
	struct hull_exec_result result;
	struct hull_error *err;
	struct hull_source *later;
	struct hull_source *setup; /* until the command runs */
	void (*deleted)(void *ctx);
	void *deleted_ctx;
};

static const char *const stream_names[N_STDIO] = {"stdin", "stdout", "stderr"};

static void on_later(void *ctx)
{
	struct hull_exec *e = ctx;

	e->ops->done(e->ctx, e->err ? NULL : &e->result, e->err);
}

static void finish(struct hull_exec *e)
{
	if (e->finished)
		return;
	e->finished = true;
	hull_source_arm(e->later, 1);
}

static void fail(struct hull_exec *e, const struct hull_error *error)
{
	if (!e->finished && !e->err)
		hull_fail_remote(&e->err, hull_error_code(error), hull_error_cause(error),
				 hull_error_message(error), hull_error_hint(error));
	finish(e);
}

static void settle(struct hull_exec *e)
{
	if (e->exited && !e->outputs_open)
		finish(e);
}

static void session_call(struct hull_exec *e, const char *method, const ProtobufCMessage *request,
			 const ProtobufCMessageDescriptor *reply, uint64_t deadline_ns,
			 hull_rpc_fn fn)
{
	hull_rpc_call(e->rpc, AGENT, method, request, reply, deadline_ns, fn, e);
}

static void on_created(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_exec *e = ctx;

	e->is = error ? SESSION_NOT_OURS : SESSION_OURS;
	if (error)
		fail(e, error);
	if (e->deleted)
		hull_exec_delete(e, e->deleted, e->deleted_ctx);
}

/* Of Start, or Attach. */
static void on_started(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_exec *e = ctx;

	if (error) {
		fail(e, error);
		return;
	}
	e->started = true;
	hull_source_arm(e->setup, 0);
	if (e->resized)
		hull_exec_resize(e, e->create.rows, e->create.columns);
	if (e->stdio[STDIN])
		hull_stdio_begin(e->stdio[STDIN]);
	if (e->pending_signal)
		hull_exec_signal(e, e->pending_signal);
	if (e->ops->started)
		e->ops->started(e->ctx);
}

static void on_exited(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Agent__V1__WaitResponse *r = (const void *)reply;
	struct hull_exec *e = ctx;

	if (error) {
		fail(e, error);
		return;
	}
	e->result.exit_status = r->exit_status & 0xff;
	e->result.signal = r->signal;
	e->result.oom = r->oom;
	e->exited = true;
	settle(e);
}

static void attach(struct hull_exec *e, uint64_t deadline)
{
	Hull__Agent__V1__AttachRequest rq = HULL__AGENT__V1__ATTACH_REQUEST__INIT;

	rq.exec_id = e->exec_id;
	rq.stdin_stream = e->create.stdin_stream;
	rq.stdout_stream = e->create.stdout_stream;
	rq.stderr_stream = e->create.stderr_stream;
	rq.no_replay = !e->replay;
	session_call(e, "Attach", &rq.base, &hull__agent__v1__empty__descriptor, deadline,
		     on_started);
}

static void launch(struct hull_exec *e)
{
	Hull__Agent__V1__SessionRequest session = HULL__AGENT__V1__SESSION_REQUEST__INIT;
	uint64_t deadline = hull_deadline_ms(SETUP_MS);

	session.exec_id = e->exec_id;
	if (e->is == SESSION_THERE) {
		attach(e, deadline);
	} else {
		e->is = SESSION_ASKED_FOR;
		session_call(e, "Create", &e->create.base,
			     &hull__agent__v1__create_response__descriptor, deadline, on_created);
		session_call(e, "Start", &session.base,
			     &hull__agent__v1__start_response__descriptor, deadline, on_started);
	}
	session_call(e, "Wait", &session.base, &hull__agent__v1__wait_response__descriptor, 0,
		     on_exited);
}

static void on_stdio_ready(void *ctx, struct hull_stdio *s)
{
	struct hull_exec *e = ctx;

	for (int i = 0; i < N_STDIO; i++) {
		cleanup_error struct hull_error *err = NULL;

		if (e->stdio[i] != s || !e->hands_out[i])
			continue;
		e->handed[i] = hull_stdio_hand_out(s);
		if (e->handed[i] < 0) {
			hull_fail_errno(&err, -e->handed[i], "hand out %s", stream_names[i]);
			fail(e, err);
			return;
		}
	}
	if (--e->unacknowledged == 0)
		launch(e);
}

static void on_stdio_done(void *ctx, struct hull_stdio *s, const struct hull_error *error)
{
	struct hull_exec *e = ctx;

	for (int i = 0; i < N_STDIO; i++) {
		if (e->stdio[i] != s)
			continue;
		if (i != STDIN && !e->hands_out[i])
			e->outputs_open--;
		if (error && !e->finished)
			fail(e, error);
		e->stdio[i] = NULL;
	}
	hull_stdio_free(s);
	settle(e);
}

static void on_stdio_escape(void *ctx, struct hull_stdio *s)
{
	struct hull_exec *e = ctx;

	if (!e->finished)
		e->ops->escaped(e->ctx);
}

static const struct hull_stdio_ops stdio_ops = {
	.ready = on_stdio_ready, .done = on_stdio_done, .escape = on_stdio_escape};

static void on_closed(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_exec *e = ctx;

	hull_fail(&err, HULL_E_UNAVAILABLE,
		  "the connection to the agent was lost: the guest has ended or rebooted");
	fail(e, err);
}

static void on_setup_deadline(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail_cause(&err, HULL_E_TIMEOUT, "agent-silent",
			"the guest did not start the command within %d s", SETUP_MS / 1000);
	fail(ctx, err);
}

static void fill_caps(struct hull_exec *e, const struct hull_caps *caps)
{
	static const Hull__Agent__V1__Capabilities__Initial bases[] = {
		[HULL_CAPS_BASE_USER] = HULL__AGENT__V1__CAPABILITIES__INITIAL__USER,
		[HULL_CAPS_BASE_ALL] = HULL__AGENT__V1__CAPABILITIES__INITIAL__ALL,
		[HULL_CAPS_BASE_NONE] = HULL__AGENT__V1__CAPABILITIES__INITIAL__NONE,
	};

	if (!hull_caps_is_set(caps))
		return;
	hull__agent__v1__capabilities__init(&e->caps);
	e->caps.initial = bases[caps->base];
	e->caps.add = caps->add;
	e->caps.drop = caps->drop;
	e->create.capabilities = &e->caps;
}

static int fill_archive(struct hull_exec *e, const struct hull_exec_archive *a)
{
	if (!a)
		return 0;
	hull__agent__v1__archive__init(&e->archive);
	e->archive.path = strdup(a->path);
	e->archive.unpack = a->unpack;
	e->archive.follow = a->follow;
	e->archive.owners = a->owners;
	e->archive.one = a->one;
	e->create.archive = &e->archive;
	return e->archive.path ? 0 : -ENOMEM;
}

static int fill_create(struct hull_exec *e, const struct hull_exec_options *o)
{
	Hull__Agent__V1__CreateRequest *c = &e->create;

	hull__agent__v1__create_request__init(c);
	snprintf(e->exec_id, sizeof(e->exec_id), "%s", o->exec_id);
	e->cwd = strdup(o->cwd ? o->cwd : "");
	e->user = strdup(o->user ? o->user : "");
	e->path = strdup(o->path ? o->path : "");
	if ((o->args && hull_strv_copy(&e->args, o->args) < 0) ||
	    (o->env && hull_strv_copy(&e->env, o->env) < 0) || !e->cwd || !e->user || !e->path)
		return -ENOMEM;
	c->exec_id = e->exec_id;
	c->args = e->args.v;
	c->n_args = e->args.n;
	c->env = e->env.v;
	c->n_env = e->env.n;
	c->cwd = e->cwd;
	c->user = e->user;
	c->path = e->path;
	c->terminal = o->terminal;
	c->rows = o->rows;
	c->columns = o->columns;
	c->pids_limit = o->pids_limit;
	c->stdin_later = o->stdin_later;
	fill_caps(e, &o->caps);
	return fill_archive(e, o->archive);
}

static int open_stdio(struct hull_exec *e, const char *vsock_path,
		      const struct hull_exec_options *o, struct hull_error **err)
{
	const int fds[N_STDIO] = {o->stdin_fd, o->stdout_fd, o->terminal ? -1 : o->stderr_fd};
	char **slots[N_STDIO] = {&e->create.stdin_stream, &e->create.stdout_stream,
				 &e->create.stderr_stream};
	char tag[25]; /* two that attach to the same session must not meet */
	uint8_t bytes[12];
	int r = hull_random(bytes, sizeof(bytes));

	if (r < 0)
		return hull_fail_errno(err, -r, "name streams");
	hull_hex(bytes, sizeof(bytes), tag);
	for (int i = 0; i < N_STDIO; i++) {
		e->hands_out[i] = fds[i] == HULL_EXEC_HAND_OUT;
		if (fds[i] < 0 && !e->hands_out[i])
			continue;
		snprintf(e->stream_id[i], sizeof(e->stream_id[i]), "%s-%s", tag, stream_names[i]);
		if (hull_stdio_new(e->loop, vsock_path, e->stream_id[i], fds[i], i == STDIN,
				   &stdio_ops, e, &e->stdio[i], err) < 0)
			return -1;
		if (i == STDIN && o->escape)
			hull_stdio_set_escape(e->stdio[i]);
		*slots[i] = e->stream_id[i];
		e->unacknowledged++;
		if (i != STDIN && !e->hands_out[i])
			e->outputs_open++;
	}
	return 0;
}

static int begin(struct hull_loop *loop, const char *vsock_path,
		 const struct hull_exec_options *options, enum session_is is, bool replay,
		 const struct hull_exec_ops *ops, void *ctx, struct hull_exec **ret,
		 struct hull_error **err)
{
	struct hull_exec *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return hull_fail_nomem(err);
	e->is = is;
	e->replay = replay;
	for (int i = 0; i < N_STDIO; i++)
		e->handed[i] = -1;
	/* A terminal that is there may have another size than ours. */
	e->resized = is == SESSION_THERE && options->terminal;
	e->loop = loop;
	e->ops = ops;
	e->ctx = ctx;
	r = hull_loop_add_timer(loop, on_later, e, &e->later);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_setup_deadline, e, &e->setup);
	if (r == 0)
		r = fill_create(e, options);
	if (r < 0) {
		hull_fail_errno(err, -r, "prepare the command");
		goto fail;
	}
	if (hull_rpc_dial_guest(loop, vsock_path, HULL_PORT_AGENT, on_closed, e, &e->rpc, err) <
		    0 ||
	    open_stdio(e, vsock_path, options, err) < 0)
		goto fail;
	hull_source_arm(e->setup, hull_deadline_ms(SETUP_MS));
	if (!e->unacknowledged)
		launch(e);
	*ret = e;
	return 0;
fail:
	hull_exec_free(e);
	return -1;
}

int hull_exec_start(struct hull_loop *loop, const char *vsock_path,
		    const struct hull_exec_options *options, const struct hull_exec_ops *ops,
		    void *ctx, struct hull_exec **ret, struct hull_error **err)
{
	return begin(loop, vsock_path, options, SESSION_NEW, false, ops, ctx, ret, err);
}

int hull_exec_attach(struct hull_loop *loop, const char *vsock_path,
		     const struct hull_exec_options *options, bool replay,
		     const struct hull_exec_ops *ops, void *ctx, struct hull_exec **ret,
		     struct hull_error **err)
{
	return begin(loop, vsock_path, options, SESSION_THERE, replay, ops, ctx, ret, err);
}

static void on_deleted(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_exec *e = ctx;

	e->deleted(e->deleted_ctx);
}

void hull_exec_delete(struct hull_exec *e, void (*fn)(void *ctx), void *ctx)
{
	Hull__Agent__V1__SessionRequest rq = HULL__AGENT__V1__SESSION_REQUEST__INIT;

	e->deleted = fn;
	e->deleted_ctx = ctx;
	e->finished = true; /* nothing else of it is told any more */
	hull_source_arm(e->later, 0);
	hull_source_arm(e->setup, 0);
	if (e->is == SESSION_ASKED_FOR) /* the answer tells whose it is */
		return;
	if (e->is == SESSION_NEW || e->is == SESSION_NOT_OURS) {
		fn(ctx);
		return;
	}
	rq.exec_id = e->exec_id;
	session_call(e, "Delete", &rq.base, &hull__agent__v1__empty__descriptor,
		     hull_deadline_ms(DELETE_MS), on_deleted);
}

int hull_exec_take_stream(struct hull_exec *e, int which)
{
	return steal_fd(&e->handed[which]);
}

void hull_exec_signal(struct hull_exec *e, int signo)
{
	Hull__Agent__V1__SignalRequest rq = HULL__AGENT__V1__SIGNAL_REQUEST__INIT;

	if (!e->started) {
		e->pending_signal = signo;
		return;
	}
	rq.exec_id = e->exec_id;
	rq.signal = (uint32_t)signo;
	/* Its answer says nothing that Wait doesn't: it may have exited meanwhile. */
	session_call(e, "Signal", &rq.base, &hull__agent__v1__empty__descriptor, 0, NULL);
}

void hull_exec_resize(struct hull_exec *e, unsigned int rows, unsigned int columns)
{
	Hull__Agent__V1__ResizeRequest rq = HULL__AGENT__V1__RESIZE_REQUEST__INIT;

	e->create.rows = rows;
	e->create.columns = columns;
	e->resized = !e->started; /* Create may be on its way with the old size */
	if (!e->started)
		return;
	rq.exec_id = e->exec_id;
	rq.rows = rows;
	rq.columns = columns;
	session_call(e, "Resize", &rq.base, &hull__agent__v1__empty__descriptor, 0, NULL);
}

void hull_exec_free(struct hull_exec *e)
{
	if (!e)
		return;
	for (int i = 0; i < N_STDIO; i++) {
		hull_stdio_free(e->stdio[i]);
		hull_closep(&e->handed[i]);
	}
	hull_rpc_free(e->rpc);
	hull_source_remove(&e->later);
	hull_source_remove(&e->setup);
	hull_strv_fini(&e->args);
	hull_strv_fini(&e->env);
	free(e->cwd);
	free(e->user);
	free(e->path);
	if (e->create.archive)
		free(e->archive.path);
	hull_error_free(e->err);
	free(e);
}
