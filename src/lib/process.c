/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting the program that runs a description, with the sockets that it needs, and waiting for it.
 * See hull/config.h for every function.
 */
#define _GNU_SOURCE
#include "lib/handle.h"
#include "lib/options.h"

#include "base/os.h"
#include "base/proc.h"
#include "base/program.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#define FIRST_SOCKET 3
#define FDS_MAX 64 /* numbers in the child */

struct hull_process {
	pthread_mutex_t lock; /* of the status */
	int64_t pid;
	int pidfd; /* owned; -1: detached */
	bool ended;
	int status;
};

/* What the child gets: the command and its descriptors. */
struct command {
	char *path;
	struct hull_strv argv;
	HULL_VEC(struct hull_fd_map) fds;
};

static void command_fini(struct command *cmd)
{
	free(cmd->path);
	hull_strv_fini(&cmd->argv);
	free(cmd->fds.v);
}

static int add_fd(struct command *cmd, int from, int to, struct hull_error **err)
{
	struct hull_fd_map *map;

	if (fcntl(from, F_GETFD) < 0)
		return hull_fail(err, HULL_E_INVALID, "descriptor %d is not open", from);
	map = hull_vec_push(&cmd->fds);
	if (!map)
		return hull_fail_nomem(err);
	*map = (struct hull_fd_map){from, to};
	return 0;
}

static bool is_socket(const struct hull_device *dev)
{
	return dev->kind == HULL_DEVICE_NET && dev->net.socket;
}

/* The arguments, which name the descriptors by their numbers in the child. */
static int add_args(struct hull_vm_config *c, uint32_t dialect, struct command *cmd,
		    struct hull_error **err)
{
	int64_t ours[FDS_MAX];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < c->vm.devices.n && r == 0; i++) {
		struct hull_device *dev = &c->vm.devices.v[i];

		/* Without a number the arguments fail. */
		if (!is_socket(dev) || dev->net.fd < 0)
			continue;
		if (n == FDS_MAX - FIRST_SOCKET)
			r = hull_fail(err, HULL_E_INVALID, "more than %zu sockets", n);
		else
			r = add_fd(cmd, (int)dev->net.fd, FIRST_SOCKET + (int)n, err);
		if (r < 0) {
			hull_prefix(err, "devices[%zu]", i);
			break;
		}
		ours[n] = dev->net.fd;
		dev->net.fd = FIRST_SOCKET + (int64_t)n++;
	}
	if (r == 0)
		r = hull_lib_render(c, dialect, &cmd->argv, err);
	/* Nobody has seen the others: the handle is locked. */
	for (size_t i = 0, k = 0; i < c->vm.devices.n && k < n; i++)
		if (is_socket(&c->vm.devices.v[i]) && c->vm.devices.v[i].net.fd >= 0)
			c->vm.devices.v[i].net.fd = ours[k++];
	return r;
}

static int add_more_fds(const struct hull_cmd_options *o, struct command *cmd,
			struct hull_error **err)
{
	int first = FIRST_SOCKET + (int)cmd->fds.n;

	if (o->n_fds > FDS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d descriptors", FDS_MAX);
	for (size_t i = 0; i < o->n_fds; i++) {
		int to = o->fds[i].to;

		if (to < 0 || to >= FDS_MAX || (to >= FIRST_SOCKET && to < first))
			return hull_fail(err, HULL_E_INVALID,
					 "descriptor %d is not free in the child: 0 to 2 and %d to "
					 "%d are",
					 to, first, FDS_MAX - 1);
		if (add_fd(cmd, o->fds[i].from, to, err) < 0)
			return -1;
	}
	return 0;
}

static int find_program(const char *name, char **ret, struct hull_error **err)
{
	bool path = strchr(name, '/') != NULL;
	int r = path ? 1 : hull_program_search(name, ret);

	if (path)
		*ret = strdup(name);
	if (r < 0 || (path && !*ret))
		return hull_fail_nomem(err);
	if (r == 0)
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-program",
				       "no program '%s' is found along PATH", name);
	return 0;
}

static int make_command(struct hull_vm_config *config, uint32_t dialect,
			const struct hull_cmd_options *o, struct command *cmd,
			struct hull_error **err)
{
	const char *program = o->program && *o->program ? o->program : "hull";

	if (find_program(program, &cmd->path, err) < 0)
		return -1;
	hull_strv_add(&cmd->argv, program);
	if (program != o->program)
		hull_strv_add(&cmd->argv, dialect == HULL_DIALECT_HULL ? "run" : "vfkit");

	HULL_LIB_LOCKED(c, config);
	if (add_args(c, dialect, cmd, err) < 0 || add_more_fds(o, cmd, err) < 0)
		return -1;
	for (size_t i = 0; o->args && o->args[i]; i++)
		hull_strv_add(&cmd->argv, o->args[i]);
	return cmd->argv.failed ? hull_fail_nomem(err) : 0;
}

int hull_vm_config_spawn(struct hull_vm_config *config, uint32_t dialect,
			 const struct hull_cmd_options *options, struct hull_process **ret_process,
			 struct hull_error **err)
{
	cleanup_with(command_fini) struct command cmd = {0};
	struct hull_process *process;
	struct hull_cmd_options o;
	struct hull_child child;
	struct hull_spawn spec;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0 ||
	    make_command(config, dialect, &o, &cmd, err) < 0)
		return -1;
	spec = (struct hull_spawn){
		.path = cmd.path,
		.argv = cmd.argv.v,
		.envp = (char *const *)o.env,
		.cwd = o.cwd && *o.cwd ? o.cwd : NULL,
		.fds = cmd.fds.v,
		.n_fds = cmd.fds.n,
		.detach = o.detach != 0,
		.die_with_parent = o.die_with_parent != 0,
		.new_session = o.new_session != 0,
	};
	process = calloc(1, sizeof(*process));
	if (!process)
		return hull_fail_nomem(err);
	if (hull_spawn(&spec, &child, err) < 0) {
		free(process);
		return -1;
	}
	pthread_mutex_init(&process->lock, NULL);
	process->pid = child.pid;
	process->pidfd = child.pidfd;
	*ret_process = process;
	return 0;
}

/* ---- the process ---- */

int64_t hull_process_pid(struct hull_process *process)
{
	return process->pid;
}

int hull_process_fd(struct hull_process *process)
{
	return process->pidfd;
}

static int fail_detached(struct hull_error **err)
{
	return hull_fail_cause(err, HULL_E_STATE, "detached",
			       "the process is detached: nothing is known of it");
}

/* 0, or -errno; once is enough. */
static int reap(struct hull_process *process, int *ret_status)
{
	int r = 0;

	pthread_mutex_lock(&process->lock);
	if (!process->ended)
		r = hull_child_reap(process->pidfd, &process->status);
	if (r == 0) {
		process->ended = true;
		*ret_status = process->status;
	}
	pthread_mutex_unlock(&process->lock);
	return r;
}

int hull_process_wait(struct hull_process *process, uint64_t timeout_ms, int *ret_status,
		      struct hull_error **err)
{
	bool forever = timeout_ms > (uint64_t)INT64_MAX / HULL_NS_PER_MS / 2;
	uint64_t deadline = forever ? 0 : hull_deadline_ms(timeout_ms);
	int r;

	if (process->pidfd < 0)
		return fail_detached(err);
	while ((r = reap(process, ret_status)) == -EAGAIN) {
		struct pollfd p = {.fd = process->pidfd, .events = POLLIN};
		int ms = forever ? -1 : hull_ms_left(deadline);

		if (ms == 0)
			return hull_fail(err, HULL_E_TIMEOUT, "process %" PRId64 " runs still",
					 process->pid);
		if (poll(&p, 1, ms) < 0 && errno != EINTR)
			return hull_fail_errno(err, errno, "wait for process %" PRId64,
					       process->pid);
	}
	if (r == -ECHILD)
		return hull_fail_cause(err, HULL_E_STATE, "not-running",
				       "somebody else has waited for process %" PRId64,
				       process->pid);
	if (r < 0)
		return hull_fail_errno(err, -r, "wait for process %" PRId64, process->pid);
	return 0;
}

int hull_process_kill(struct hull_process *process, int signo, struct hull_error **err)
{
	int r;

	if (process->pidfd < 0)
		return fail_detached(err);
	r = hull_pidfd_kill(process->pidfd, signo);
	if (r < 0 && r != -ESRCH)
		return hull_fail_errno(err, -r, "send signal %d to process %" PRId64, signo,
				       process->pid);
	return 0;
}

void hull_process_free(struct hull_process *process)
{
	if (!process)
		return;
	hull_closep(&process->pidfd);
	pthread_mutex_destroy(&process->lock);
	free(process);
}
