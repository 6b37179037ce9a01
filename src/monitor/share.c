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

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- what is served ---- */

/* Whom the daemon becomes for what @st tells of. */
static struct hull_share_group owner_of(const struct stat *st)
{
	bool by_owner = geteuid() == 0;

	return (struct hull_share_group){HULL_SERVE_SHARES, by_owner ? st->st_uid : geteuid(),
					 by_owner ? st->st_gid : getegid()};
}

static int group_of(struct hull_share_plan *p, const struct hull_share_group *like,
		    unsigned int *ret)
{
	size_t i = 0;

	while (i < p->n_groups && (p->groups[i].uid != like->uid || p->groups[i].gid != like->gid))
		i++;
	if (i == HULL_SHARE_GROUPS_MAX)
		return -1;
	if (i == p->n_groups)
		p->groups[p->n_groups++] = *like;
	*ret = (unsigned int)i;
	return 0;
}

static int plan_share(const char *source, struct hull_share_plan *p, size_t i,
		      struct hull_error **err)
{
	struct hull_share_group owner;
	struct stat st;

	if (stat(source, &st) < 0)
		return hull_fail_errno(err, errno, "share '%s'", source);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		hull_fail_cause(err, HULL_E_INVALID, "not-shareable",
				"share '%s': it is neither a directory nor a file", source);
		hull_hint(err, "share a directory or a file; sockets, pipes and devices "
			       "would not work from within the guest");
		return -1;
	}
	p->file[i] = !S_ISDIR(st.st_mode);
	owner = owner_of(&st);
	if (group_of(p, &owner, &p->group_of[i]) < 0)
		return hull_fail(err, HULL_E_EXHAUSTED,
				 "share '%s': the shares belong to more than %d owners", source,
				 HULL_SHARE_GROUPS_MAX);
	return 0;
}

static int plan_device(const char *dir, struct hull_share_plan *p, size_t i,
		       struct hull_error **err)
{
	struct stat st;

	if (stat(dir, &st) < 0) {
		bool missing = errno == ENOENT;

		hull_fail_errno(err, errno, "devices[%zu].dir: open '%s'", i, dir);
		if (missing)
			hull_hint(err, "make it first: mkdir -p '%s'", dir);
		return -1;
	}
	if (!S_ISDIR(st.st_mode)) {
		hull_fail_cause(err, HULL_E_INVALID, "not-a-directory",
				"devices[%zu].dir: '%s' is not a directory", i, dir);
		hull_hint(err, "a device virtio-fs is a directory; '-v FILE:TARGET' shares a "
			       "single file, with hull's agent in the guest");
		return -1;
	}
	p->devices[i] = owner_of(&st);
	return 0;
}

int hull_share_plan(const struct hull_config *config, struct hull_share_plan *ret,
		    struct hull_error **err)
{
	*ret = (struct hull_share_plan){.n_groups = 0};
	for (size_t i = 0; i < config->shares.n; i++)
		if (plan_share(config->shares.v[i].source, ret, i, err) < 0)
			return -1;
	for (size_t i = 0; i < config->devices.n; i++)
		if (config->devices.v[i].kind == HULL_DEVICE_FS &&
		    plan_device(config->devices.v[i].fs.dir, ret, i, err) < 0)
			return -1;
	return 0;
}

static int describe_shares(const struct hull_share_env *env, const struct hull_share_group *group,
			   struct hull_tree *tree, struct hull_error **err)
{
	const struct hull_share_plan *p = env->plan;

	for (size_t i = 0; i < env->config->shares.n; i++) {
		const struct hull_share *s = &env->config->shares.v[i];
		unsigned int flags = (s->readonly ? 0 : HULL_TREE_WRITABLE) |
				     (p->file[i] ? HULL_TREE_FILE : HULL_TREE_RECURSIVE);
		char target[24];

		if (&p->groups[p->group_of[i]] != group)
			continue;
		snprintf(target, sizeof(target), "/%zu", i);
		if (hull_tree_bind(tree, s->source, target, flags, err) < 0)
			return -1;
	}
	return 0;
}

/* A device's directory is all that its guest gets: the tree around it is not served. */
static int describe(const struct hull_share_env *env, const struct hull_share_group *group,
		    struct hull_share_spec *spec, struct hull_error **err)
{
	static const char top[] = "/device";

	if (group->serve == HULL_SERVE_ROOT)
		return hull_tree_host(&spec->tree, "/", "/", err);
	if (!env->device)
		return describe_shares(env, group, &spec->tree, err);
	spec->top = strdup(top);
	if (!spec->top)
		return hull_fail_nomem(err);
	return hull_tree_bind(
		&spec->tree, env->device->dir, top,
		HULL_TREE_RECURSIVE | (env->device->readonly ? 0 : HULL_TREE_WRITABLE), err);
}

/* The spec in a memory file. */
static int make_spec(const struct hull_share_env *env, const struct hull_share_group *group,
		     struct hull_error **err)
{
	const struct hull_config *config = env->config;
	cleanup_share_spec struct hull_share_spec spec;
	cleanup_free char *json = NULL;
	const char *daemon = hull_share_find_daemon(config);
	bool root = group->serve == HULL_SERVE_ROOT;
	int fd;

	hull_share_spec_init(&spec);
	if (!daemon) {
		hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-program",
				"virtiofsd is not installed");
		hull_hint(err, "on Debian: apt install qemu-system-common%s",
			  geteuid() == 0 ? "" : "; without it: --share-driver 9p");
		return -1;
	}
	spec.serve = group->serve;
	spec.daemon = strdup(daemon);
	spec.cache = root ? config->root.cache : config->share_cache;
	spec.uid = geteuid() == 0 ? group->uid : geteuid();
	spec.gid = geteuid() == 0 ? group->gid : getegid();
	spec.shown_uid = config->owner_uid;
	spec.shown_gid = config->owner_gid;
	if (!spec.daemon)
		return hull_fail_nomem(err);
	if (describe(env, group, &spec, err) < 0 || hull_share_spec_to_json(&spec, &json, err) < 0)
		return -1;
	fd = hull_memfd("hull-share", json, strlen(json));
	return fd < 0 ? hull_fail_errno(err, -fd, "make a memory file") : fd;
}

/* ---- its daemon ---- */

int hull_share_sockets(const struct hull_config *config, int *ret_listen, int *ret_near,
		       struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(config->run_dir, "share.sock");
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

int hull_share_start(const struct hull_share_env *env, const struct hull_share_group *group,
		     int listen_fd, struct hull_helper **ret, struct hull_error **err)
{
	cleanup_close int listening = listen_fd;
	cleanup_close int spec_fd = -1;
	cleanup_free char *program = NULL;

	spec_fd = make_spec(env, group, err);
	if (spec_fd < 0 || hull_program_path("hull-share", &program, err) < 0)
		return -1;

	char *argv[] = {(char *)"hull-share", NULL};
	const struct hull_fd_map fds[] = {{listening, HULL_SHARE_SOCKET_FD},
					  {spec_fd, HULL_SHARE_SPEC_FD}};
	const struct hull_spawn spawn = {
		.path = program,
		.argv = argv,
		.fds = fds,
		.n_fds = ARRAY_SIZE(fds),
		/* It may be a user who runs other things, root even: those are out of its sight. */
		.new_pid_ns = group->serve == HULL_SERVE_SHARES && geteuid() == 0,
	};

	return hull_helper_start(&env->helper, "the share daemon (virtiofsd)", &spawn, ret, err);
}
