/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and watching the tree's daemon, see share.h.
 */
#define _GNU_SOURCE
#include "monitor/share.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/program.h"
#include "base/tail.h"
#include "share/spec.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_MS 5000

struct hull_share_daemon {
	struct hull_share_env env;
	struct hull_child child;
	struct hull_source *source;
	struct hull_tail *tail;
	bool killed;
};

static const char *find_virtiofsd(const struct hull_config *config)
{
	/* QEMU's own, which hull is tested with, before the one written in Rust. */
	static const char *const places[] = {"/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"};

	if (config->programs.virtiofsd)
		return config->programs.virtiofsd;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* The spec in a memory file. */
static int make_spec(const struct hull_share_env *env, const struct hull_config *config,
		     struct hull_error **err)
{
	cleanup_share_spec struct hull_share_spec spec;
	cleanup_free char *json = NULL;
	const char *daemon = find_virtiofsd(config);
	int fd;

	hull_share_spec_init(&spec);
	if (!daemon) {
		hull_fail(err, HULL_E_NOT_FOUND, "virtiofsd is not installed");
		hull_hint(err, "on Debian: apt install qemu-system-common");
		return -1;
	}
	spec.daemon = strdup(daemon);
	spec.cache = config->root.cache;
	spec.uid = env->set_ids ? env->uid : geteuid();
	spec.gid = env->set_ids ? env->gid : getegid();
	if (!spec.daemon)
		return hull_fail_nomem(err);
	if (hull_tree_host(&spec.tree, "/", "/", err) < 0 ||
	    hull_share_spec_to_json(&spec, &json, err) < 0)
		return -1;
	fd = hull_memfd("hull-share", json, strlen(json));
	return fd < 0 ? hull_fail_errno(err, -fd, "make a memory file") : fd;
}

/* A listening socket and a connection to it that waits in its backlog. */
static int make_sockets(const char *run_dir, int *ret_listen, int *ret_near,
			struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(run_dir, "share.sock");
	cleanup_close int fd = -1;
	int near;

	if (!path)
		return hull_fail_nomem(err);
	fd = hull_unix_listen(path, 1, 0600);
	near = fd < 0 ? fd : hull_unix_connect(path);
	if (fd >= 0)
		(void)unlink(path); /* nobody else is to come */
	if (near < 0)
		return hull_fail_errno(err, -near, "make socket '%s'", path);
	/* The daemon expects a blocking one. */
	(void)hull_set_nonblock(fd, false);
	*ret_listen = steal_fd(&fd);
	*ret_near = near;
	return 0;
}

static void on_child_exit(void *ctx, int wstatus)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_share_daemon *d = ctx;
	const char *said = hull_tail_text(d->tail);
	char text[64];

	hull_source_remove(&d->source);
	hull_closep(&d->child.pidfd);
	if (!d->killed && (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus)))
		hull_fail_cause(&err, HULL_E_BACKEND, "helper-died",
				"the share daemon (virtiofsd) %s%s%s",
				hull_wstatus_text(wstatus, text), *said ? ": " : "", said);
	d->env.ended(d->env.ctx, err);
}

static int spawn(struct hull_share_daemon *d, int listen_fd, int spec_fd, const char *program,
		 struct hull_error **err)
{
	char *argv[] = {(char *)"hull-share", NULL};
	cleanup_close int said = -1;
	struct hull_spawn spawn = {
		.path = program,
		.argv = argv,
		.cwd = "/",
		.cgroup_fd = d->env.cgroup_fd,
		.new_session = true,
		.die_with_parent = true,
	};

	if (hull_tail_new(d->env.loop, &d->tail, &said, err) < 0)
		return -1;
	struct hull_fd_map fds[] = {{listen_fd, HULL_SHARE_SOCKET_FD},
				    {spec_fd, HULL_SHARE_SPEC_FD},
				    {said, STDERR_FILENO}};

	spawn.fds = fds;
	spawn.n_fds = ARRAY_SIZE(fds);
	return hull_spawn(&spawn, &d->child, err);
}

int hull_share_daemon_start(const struct hull_share_env *env, const struct hull_config *config,
			    struct hull_share_daemon **ret, int *ret_socket,
			    struct hull_error **err)
{
	cleanup_with(hull_share_daemon_freep) struct hull_share_daemon *d = calloc(1, sizeof(*d));
	cleanup_close int listen_fd = -1;
	cleanup_close int near = -1;
	cleanup_close int spec_fd = -1;
	cleanup_free char *program = NULL;
	int r;

	if (!d)
		return hull_fail_nomem(err);
	d->env = *env;
	d->child.pidfd = -1;
	spec_fd = make_spec(env, config, err);
	if (spec_fd < 0 || make_sockets(env->run_dir, &listen_fd, &near, err) < 0 ||
	    hull_program_path("hull-share", &program, err) < 0 ||
	    spawn(d, listen_fd, spec_fd, program, err) < 0)
		return -1;
	r = hull_loop_add_child(env->loop, d->child.pidfd, on_child_exit, d, &d->source);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch the share daemon");
	*ret = steal_ptr(&d);
	*ret_socket = steal_fd(&near);
	return 0;
}

bool hull_share_daemon_runs(const struct hull_share_daemon *d)
{
	return d->child.pidfd >= 0;
}

void hull_share_daemon_kill(struct hull_share_daemon *d)
{
	d->killed = true;
	if (d->child.pidfd >= 0)
		(void)hull_pidfd_kill(d->child.pidfd, SIGKILL);
}

void hull_share_daemon_free(struct hull_share_daemon *d)
{
	int wstatus;

	if (!d)
		return;
	hull_source_remove(&d->source);
	if (d->child.pidfd >= 0) {
		(void)hull_pidfd_kill(d->child.pidfd, SIGKILL);
		(void)hull_child_wait(d->child.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
		hull_closep(&d->child.pidfd);
	}
	hull_tail_free(d->tail);
	free(d);
}
