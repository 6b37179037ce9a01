/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying, see copy.h.
 *
 *   ours opened -> session begun -> stream moved -> archiver ended -> session deleted
 *
 * Either end may fail, and the other one then sees the stream's end: too early, or with nobody to
 * read it.
 */
#define _GNU_SOURCE
#include "vm/copy.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/tail.h"
#include "base/unpack.h"
#include "vm/exec.h"
#include "vm/frozen.h"
#include "vm/rundir.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REASON_MS 5000 /* for the guest to say why it does not read or write any more */

struct job {
	const struct hull_copy *o;
	struct hull_store *store;
	struct hull_loop *loop;
	const struct hull_used *vm;
	struct hull_pack *pack; /* ours, if any */
	struct hull_unpack *unpack;
	struct hull_exec *exec;
	struct hull_tail *tail; /* what the guest's side says */
	int words;		/* owned: write end of tail */
	int stream;		/* owned: between us and the archiver; -1: passed on */
	struct hull_source *ready_source, *late_source, *end_source;
	bool ready, late, end_late, started, exec_over, deleted;
	struct hull_error *exec_err, *guest_err, *own_err;
};

/* ---- waiting ---- */

static bool goes_on(const struct job *j)
{
	return !j->late && !j->o->given_up(j->o->ctx);
}

static void on_late(void *ctx)
{
	struct job *j = ctx;

	j->late = true;
}

/* Until *@flag, or nobody wants it any more: false. */
static bool await(struct job *j, const bool *flag)
{
	while (!*flag && goes_on(j))
		if (hull_loop_step(j->loop, -1) < 0)
			return false;
	return *flag;
}

static void on_end_late(void *ctx)
{
	struct job *j = ctx;

	j->end_late = true;
}

/* The same where it ends, for @ms at most. */
static void await_end(struct job *j, const bool *flag, uint64_t ms)
{
	const struct hull_copy *o = j->o;
	uint64_t until = hull_deadline_ms(ms);

	if (o->deadline_ns)
		until = MIN(until, o->deadline_ns + o->grace_ms * HULL_NS_PER_MS);
	j->end_late = false;
	hull_source_arm(j->end_source, until);
	while (!*flag && !j->end_late && o->given_up(o->ctx) < 2)
		if (hull_loop_step(j->loop, -1) < 0)
			return;
}

/* ---- our end of the stream ---- */

static void on_ready(void *ctx, uint32_t events)
{
	struct job *j = ctx;

	j->ready = true;
}

/* Also when it is ready: others get their turn. */
static int wait_stream(struct job *j)
{
	j->ready = false;
	if (await(j, &j->ready))
		return 0;
	return j->late ? -ETIMEDOUT : -ECANCELED;
}

static int write_stream(void *ctx, const void *data, size_t len)
{
	struct job *j = ctx;
	const char *p = data;

	while (len) {
		int r = wait_stream(j);
		ssize_t n;

		if (r < 0)
			return r;
		n = send(j->stream, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (j->exec_over) /* what is sent is thrown away */
			return -EPIPE;
		p += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

static ssize_t read_stream(void *ctx, void *buf, size_t len)
{
	struct job *j = ctx;

	for (;;) {
		int r = wait_stream(j);
		ssize_t n;

		if (r < 0)
			return r;
		n = recv(j->stream, buf, len, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n >= 0)
			return n;
	}
}

static void on_note(void *ctx, const char *text)
{
	struct job *j = ctx;

	j->o->note(j->o->ctx, text);
}

static void on_progress(void *ctx, uint64_t files, uint64_t bytes)
{
	struct job *j = ctx;

	if (j->o->progress)
		j->o->progress(j->o->ctx, files, bytes);
}

static int move(struct job *j, struct hull_error **err)
{
	static const struct hull_copy_ops ops = {.note = on_note,
						 .progress = on_progress,
						 .write = write_stream,
						 .read = read_stream};
	int r = hull_loop_add_fd(j->loop, j->stream, j->pack ? EPOLLOUT : EPOLLIN, on_ready, j,
				 &j->ready_source);

	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	r = j->pack ? hull_pack_run(j->pack, -1, &ops, j, err)
		    : hull_unpack_run(j->unpack, -1, &ops, j, err);
	hull_source_remove(&j->ready_source);
	if (r == 0 && j->pack)
		(void)shutdown(j->stream, SHUT_WR); /* it is gone: its status tells why */
	return r;
}

/* ---- the guest's end ---- */

static void on_started(void *ctx)
{
	struct job *j = ctx;

	j->started = true;
}

/* The guest's last line is why it failed; the others are notes. */
static void take_words(struct job *j, bool failed)
{
	cleanup_free char *text = strdup(hull_tail_text(j->tail));
	char *save = NULL, *line, *next;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line; line = next) {
		cleanup_free char *note = NULL;

		next = strtok_r(NULL, "\n", &save);
		if (failed && !next)
			hull_fail(&j->guest_err, HULL_E_AGENT, "VM '%s': %s", j->vm->name, line);
		else if (asprintf(&note, "VM '%s': %s", j->vm->name, line) < 0)
			note = NULL;
		if (note)
			j->o->note(j->o->ctx, note);
	}
	if (failed && !j->guest_err)
		hull_fail(&j->guest_err, HULL_E_AGENT, "VM '%s': the agent's archiver was ended",
			  j->vm->name);
}

static void on_done(void *ctx, const struct hull_exec_result *result,
		    const struct hull_error *error)
{
	struct job *j = ctx;

	j->exec_over = j->started = true;
	if (error)
		hull_fail_copy(&j->exec_err, error);
	else
		take_words(j, result->exit_status != 0);
}

static int start_guest(struct job *j, struct hull_error **err)
{
	static const struct hull_exec_ops ops = {.started = on_started, .done = on_done};
	const struct hull_copy *o = j->o;
	const struct hull_exec_archive archive = {.path = o->inside,
						  .unpack = o->into,
						  .follow = o->follow,
						  .owners = o->owners,
						  .one = j->pack != NULL};
	cleanup_strv struct hull_strv args = {0}, env = {0};
	char session[3 + HULL_ID_LEN + 1] = "cp-";
	int fd = o->outside ? HULL_EXEC_HAND_OUT : o->fd;
	struct hull_exec_options x = {
		.exec_id = session,
		.args = &args,
		.env = &env,
		.cwd = "/",
		.archive = &archive,
		.stdin_fd = o->into ? fd : -1,
		.stdout_fd = o->into ? -1 : fd,
	};

	if (hull_id_make(session + 3, err) < 0 ||
	    hull_tail_new(j->loop, &j->tail, &j->words, err) < 0)
		return -1;
	session[3 + HULL_SHORT_LEN] = '\0';
	x.stderr_fd = j->words;
	if (hull_strv_add(&args, o->into ? "hull-unpack" : "hull-pack") < 0 ||
	    hull_strv_add(&args, o->inside) < 0 || hull_strv_add(&env, "HOME=/") < 0)
		return hull_fail_nomem(err);
	return hull_exec_start(j->loop, j->vm->vsock, &x, &ops, j, &j->exec, err);
}

static void on_deleted(void *ctx)
{
	struct job *j = ctx;

	j->deleted = true;
}

/* ---- from start to end ---- */

/* What is ours of it, before anything happens in the VM. */
static int open_ours(struct job *j, struct hull_error **err)
{
	const struct hull_copy *o = j->o;
	const struct hull_unpack_options unpack = {
		.target = o->outside, .one = true, .owners = o->owners};

	if (!o->into && o->owners && geteuid() != 0) {
		hull_fail(err, HULL_E_DENIED, "only root can give files to others");
		hull_hint(err, "without their owners they are yours");
		return -1;
	}
	if (!o->outside)
		return 0;
	return o->into ? hull_pack_open(o->outside, o->follow, &j->pack, err)
		       : hull_unpack_open(&unpack, &j->unpack, err);
}

static bool is_consequence(const struct hull_error *err)
{
	const char *cause = hull_error_cause(err);

	return !strcmp(cause, "truncated") || !strcmp(cause, "reader-gone");
}

static void transfer(struct job *j)
{
	/* It may be over already, with all that it has said still in the stream. */
	if (!await(j, &j->started) || j->exec_err)
		return;
	if (j->o->outside) {
		j->stream = hull_exec_take_stream(j->exec, j->o->into ? 0 : 1);
		if (move(j, &j->own_err) < 0 && goes_on(j) && is_consequence(j->own_err))
			await_end(j, &j->exec_over, REASON_MS);
		if (j->own_err)
			return;
	}
	(void)await(j, &j->exec_over);
}

static int outcome(struct job *j, struct hull_error **err)
{
	if (j->o->given_up(j->o->ctx))
		return hull_fail(err, HULL_E_CANCELED, "the copy was given up");
	if (j->late && !j->exec_over)
		return hull_fail_cause(err, HULL_E_TIMEOUT, "deadline",
				       "copy: not done in the time that was given");
	if (j->exec_err && hull_error_code(j->exec_err) == HULL_E_UNAVAILABLE)
		return hull_use_explain(j->store, j->loop, j->vm, j->o->deadline_ns, j->exec_err,
					err);
	if (j->own_err && !is_consequence(j->own_err))
		return hull_error_move(err, &j->own_err);
	hull_frozen_tell(&j->vm->record, &j->exec_err);
	if (j->guest_err)
		return hull_error_move(err, &j->guest_err);
	if (j->exec_err && !strcmp(hull_error_cause(j->exec_err), "command-not-found"))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "VM '%s' was started by a hull that could not copy yet; 'hull "
				 "restart' helps",
				 j->vm->name);
	if (j->exec_err) {
		hull_prefix(&j->exec_err, "VM '%s'", j->vm->name);
		return hull_error_move(err, &j->exec_err);
	}
	return j->own_err ? hull_error_move(err, &j->own_err) : 0;
}

static void fini(struct job *j)
{
	hull_exec_free(j->exec);
	hull_source_remove(&j->late_source);
	hull_source_remove(&j->end_source);
	hull_closep(&j->stream);
	hull_closep(&j->words);
	hull_tail_free(j->tail);
	hull_pack_free(j->pack);
	hull_unpack_free(j->unpack);
	hull_error_free(j->exec_err);
	hull_error_free(j->guest_err);
	hull_error_free(j->own_err);
}
#define cleanup_job cleanup_with(fini)

int hull_copy_run(struct hull_store *store, struct hull_loop *loop, const struct hull_used *vm,
		  const struct hull_copy *copy, struct hull_error **err)
{
	cleanup_job struct job j = {
		.o = copy, .store = store, .loop = loop, .vm = vm, .words = -1, .stream = -1};
	int r;

	if (open_ours(&j, err) < 0)
		return -1;
	r = hull_loop_add_timer(loop, on_late, &j, &j.late_source);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_end_late, &j, &j.end_source);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	hull_source_arm(j.late_source, copy->deadline_ns);
	if (start_guest(&j, err) < 0)
		return -1;
	transfer(&j);
	/* Nothing more is wanted of it, also not what is on its way. */
	hull_closep(&j.stream);
	hull_exec_delete(j.exec, on_deleted, &j);
	await_end(&j, &j.deleted, goes_on(&j) ? REASON_MS : copy->grace_ms);
	return outcome(&j, err);
}
