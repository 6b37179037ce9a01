/* SPDX-License-Identifier: Apache-2.0
 *
 * The mock backend's operations, see mock.h.
 */
#define _GNU_SOURCE
#include "backend/mock/mock.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/proc.h"
#include "base/program.h"
#include "base/strbuf.h"
#include "base/tail.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define PROGRAM "hull-mock"
#define REAP_MS 5000
#define LINE_MAX_LEN 128

/* A request that waits for its line. */
struct request {
	hull_inst_done_fn done;
	void *ctx;
};

struct mock {
	struct hull_inst inst;
	struct hull_backend_env env;
	const struct hull_config *config;
	char *program;
	struct hull_child child;
	struct hull_source *child_source;
	struct hull_conn *conn;
	struct hull_strbuf line;
	struct hull_tail *tail;
	struct request asked; /* done NULL: nothing */
	int console;	      /* ours to hand over; -1: none */
	enum hull_end end;
	bool told_end, exited;
};

static struct mock *from_inst(const struct hull_inst *inst)
{
	return container_of((struct hull_inst *)(uintptr_t)inst, struct mock, inst);
}

static int mock_command(const struct hull_backend_env *env, const struct hull_config *config,
			const struct hull_backend_sockets *sockets, struct hull_strv *ret_argv,
			struct hull_error **err)
{
	hull_strv_add(ret_argv, PROGRAM);
	for (size_t i = 0; i < config->append.n; i++)
		hull_strv_add(ret_argv, config->append.v[i]);
	return ret_argv->failed ? hull_fail_nomem(err) : 0;
}

static int mock_create(const struct hull_backend_env *env, const struct hull_config *config,
		       struct hull_inst **ret_inst, struct hull_error **err)
{
	struct mock *m;

	if (config->agent != HULL_AGENT_NONE)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "the mock backend has nobody to be an agent: set agent to none");
	m = calloc(1, sizeof(*m));
	if (!m)
		return hull_fail_nomem(err);
	m->inst.ops = &hull_mock_backend;
	m->env = *env;
	m->config = config;
	m->child.pidfd = m->console = -1;
	if (hull_program_path(PROGRAM, &m->program, err) < 0) {
		free(m);
		hull_hint(err, "it comes with hull's tests, and is not installed");
		return -1;
	}
	*ret_inst = &m->inst;
	return 0;
}

/* ---- what it says ---- */

static void answer(struct mock *m, const struct hull_error *error)
{
	struct request r = m->asked;

	m->asked = (struct request){0};
	if (r.done)
		r.done(r.ctx, error);
}

static void on_end_line(struct mock *m, const char *kind)
{
	static const enum hull_end kinds[] = {HULL_END_SHUTDOWN, HULL_END_REBOOT, HULL_END_PANIC,
					      HULL_END_QUIT};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(hull_end_name(kinds[i]), kind) != 0)
			continue;
		m->end = kinds[i];
		m->told_end = true;
		m->env.events->ending(m->env.ctx, m->end);
	}
}

static void on_line(struct mock *m, const char *line)
{
	if (!strcmp(line, "running")) {
		m->env.events->ready(m->env.ctx);
	} else if (!strcmp(line, "paused") || !strcmp(line, "resumed")) {
		m->env.events->paused(m->env.ctx, *line == 'p');
		answer(m, NULL);
	} else if (!strncmp(line, "end ", 4)) {
		on_end_line(m, line + 4);
	}
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct mock *m = ctx;
	char *end;

	if (m->line.len + len > LINE_MAX_LEN || hull_strbuf_add(&m->line, data, len) < 0)
		return;
	while (m->line.len && (end = memchr(m->line.data, '\n', m->line.len))) {
		char line[LINE_MAX_LEN + 1];
		size_t n = (size_t)(end - m->line.data);

		memcpy(line, m->line.data, n);
		line[n] = '\0';
		hull_strbuf_drop(&m->line, n + 1);
		on_line(m, line);
	}
}

static void on_closed(void *ctx, int errnum)
{
	/* Its exit tells. */
}

static const struct hull_conn_ops conn_ops = {.data = on_data, .closed = on_closed};

static void fail_request(struct mock *m)
{
	cleanup_error struct hull_error *err = NULL;

	if (!m->asked.done)
		return;
	hull_fail(&err, HULL_E_UNAVAILABLE, "the mock has ended");
	answer(m, err);
}

static void on_child(void *ctx, int wstatus)
{
	cleanup_error struct hull_error *err = NULL;
	struct mock *m = ctx;
	struct hull_backend_exit e = {.wstatus = wstatus, .stderr_tail = hull_tail_text(m->tail)};
	char text[64];

	hull_source_remove(&m->child_source);
	m->exited = true;
	fail_request(m);
	if (!m->told_end) {
		m->end = HULL_END_DIED;
		hull_fail(&err, HULL_E_BACKEND, "the mock %s%s%s", hull_wstatus_text(wstatus, text),
			  *e.stderr_tail ? ": " : "", e.stderr_tail);
	}
	e.end = m->end;
	e.error = err;
	m->env.events->exited(m->env.ctx, &e);
}

/* ---- operations ---- */

static int spawn(struct mock *m, int socket, int console, int tail, struct hull_error **err)
{
	struct hull_backend_sockets none;
	cleanup_strv struct hull_strv argv = {0}, env = {0};
	struct hull_fd_map fds[] = {{console, 1}, {tail, 2}, {socket, 3}};
	struct hull_spawn spec = {.path = m->program,
				  .cwd = "/",
				  .fds = fds,
				  .n_fds = ARRAY_SIZE(fds),
				  .cgroup_fd = m->env.cgroup_fd,
				  .set_ids = m->env.set_ids,
				  .uid = m->env.uid,
				  .gid = m->env.gid,
				  .no_new_privs = true,
				  .die_with_parent = true,
				  .new_session = true};

	hull_backend_sockets_init(&none);
	if (mock_command(&m->env, m->config, &none, &argv, err) < 0)
		return -1;
	hull_strv_add(&env, "LC_ALL=C");
	hull_proc_pass_mark(&env);
	if (env.failed)
		return hull_fail_nomem(err);
	spec.argv = argv.v;
	spec.envp = env.v;
	return hull_spawn(&spec, &m->child, err);
}

static int mock_start(struct hull_inst *inst, struct hull_backend_sockets *sockets,
		      struct hull_error **err)
{
	struct mock *m = from_inst(inst);
	int control[2] = {-1, -1}, console[2] = {-1, -1}, tail = -1;
	int r = hull_socketpair(control);

	if (r == 0)
		r = hull_socketpair(console);
	if (r < 0)
		hull_fail_errno(err, -r, "make sockets for the mock");
	else
		r = hull_tail_new(m->env.loop, &m->tail, &tail, err);
	if (r == 0)
		r = spawn(m, control[1], console[1], tail, err);
	if (r == 0) {
		r = hull_conn_new(m->env.loop, steal_fd(&control[0]), 0, &conn_ops, m, &m->conn);
		if (r == 0)
			r = hull_loop_add_child(m->env.loop, m->child.pidfd, on_child, m,
						&m->child_source);
		if (r < 0)
			hull_fail_errno(err, -r, "watch the mock");
	}
	m->console = steal_fd(&console[0]);
	for (int i = 0; i < 2; i++) {
		hull_closep(&control[i]);
		hull_closep(&console[i]);
	}
	hull_closep(&tail);
	return r < 0 ? -1 : 0;
}

static int mock_take_stream(struct hull_inst *inst, enum hull_stream which)
{
	return which == HULL_STREAM_CONSOLE ? steal_fd(&from_inst(inst)->console) : -1;
}

static int say(struct mock *m, const char *line, struct hull_error **err)
{
	int r = m->exited || !m->conn ? -EPIPE : hull_conn_write(m->conn, line, strlen(line));

	return r < 0 ? hull_fail_errno(err, -r, "tell the mock") : 0;
}

static int ask(struct hull_inst *inst, const char *line, hull_inst_done_fn done, void *ctx,
	       struct hull_error **err)
{
	struct mock *m = from_inst(inst);

	if (m->asked.done)
		return hull_fail(err, HULL_E_BUSY, "the mock has not answered the last request");
	if (say(m, line, err) < 0)
		return -1;
	m->asked = (struct request){done, ctx};
	return 0;
}

static int mock_pause(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		      struct hull_error **err)
{
	return ask(inst, "pause\n", done, ctx, err);
}

static int mock_resume(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		       struct hull_error **err)
{
	return ask(inst, "resume\n", done, ctx, err);
}

static int mock_powerdown(struct hull_inst *inst, struct hull_error **err)
{
	return say(from_inst(inst), "powerdown\n", err);
}

static int mock_quit(struct hull_inst *inst, struct hull_error **err)
{
	return say(from_inst(inst), "quit\n", err);
}

static void mock_kill(struct hull_inst *inst)
{
	struct mock *m = from_inst(inst);

	if (m->child.pidfd < 0 || m->exited)
		return;
	if (!m->told_end)
		m->end = HULL_END_KILLED;
	m->told_end = true;
	(void)hull_pidfd_kill(m->child.pidfd, SIGKILL);
}

static const char *mock_choice(const struct hull_inst *inst)
{
	return "";
}

static pid_t mock_pid(const struct hull_inst *inst)
{
	return from_inst(inst)->child.pid;
}

static void mock_free(struct hull_inst *inst)
{
	struct mock *m = from_inst(inst);
	int wstatus;

	hull_source_remove(&m->child_source);
	if (m->child.pidfd >= 0 && !m->exited) {
		(void)hull_pidfd_kill(m->child.pidfd, SIGKILL);
		(void)hull_child_wait(m->child.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
	}
	fail_request(m);
	hull_closep(&m->child.pidfd);
	hull_closep(&m->console);
	hull_conn_free(m->conn);
	hull_tail_free(m->tail);
	hull_strbuf_fini(&m->line);
	free(m->program);
	free(m);
}

const struct hull_backend_ops hull_mock_backend = {
	.name = "mock",
	.caps = HULL_CAP_PAUSE | HULL_CAP_POWERDOWN | HULL_CAP_CONSOLE,
	.command = mock_command,
	.create = mock_create,
	.start = mock_start,
	.take_stream = mock_take_stream,
	.pause = mock_pause,
	.resume = mock_resume,
	.powerdown = mock_powerdown,
	.quit = mock_quit,
	.kill = mock_kill,
	.choice = mock_choice,
	.pid = mock_pid,
	.free = mock_free,
};
