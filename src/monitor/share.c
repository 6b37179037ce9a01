/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting the daemons of trees, see share.h.
 */
#define _GNU_SOURCE
#include "monitor/share.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/program.h"
#include "share/spec.h"

#include <string.h>
#include <unistd.h>

const char *hull_share_find_daemon(const struct hull_config *config)
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
	const char *daemon = hull_share_find_daemon(config);
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

int hull_share_start(const struct hull_share_env *env, const struct hull_config *config,
		     struct hull_helper **ret, int *ret_socket, struct hull_error **err)
{
	cleanup_close int listen_fd = -1;
	cleanup_close int near = -1;
	cleanup_close int spec_fd = -1;
	cleanup_free char *program = NULL;

	spec_fd = make_spec(env, config, err);
	if (spec_fd < 0 || make_sockets(env->run_dir, &listen_fd, &near, err) < 0 ||
	    hull_program_path("hull-share", &program, err) < 0)
		return -1;

	char *argv[] = {(char *)"hull-share", NULL};
	const struct hull_fd_map fds[] = {{listen_fd, HULL_SHARE_SOCKET_FD},
					  {spec_fd, HULL_SHARE_SPEC_FD}};
	const struct hull_spawn spawn = {
		.path = program,
		.argv = argv,
		.fds = fds,
		.n_fds = ARRAY_SIZE(fds),
	};

	if (hull_helper_start(&env->helper, "the share daemon (virtiofsd)", &spawn, ret, err) < 0)
		return -1;
	*ret_socket = steal_fd(&near);
	return 0;
}
