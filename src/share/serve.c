/* SPDX-License-Identifier: Apache-2.0
 *
 * From a spec to a running virtiofsd.
 */
#define _GNU_SOURCE
#include "share/serve.h"

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/program.h"
#include "share/filter.h"
#include "share/world.h"

#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

/* Nothing of the caller's but HULL_HOME and the VM's mark, by which a VM's processes can be told
 * from others'. */
static int make_environment(const struct hull_share_spec *s, bool root, struct hull_strv *env,
			    struct hull_error **err)
{
	const char *home = getenv("HULL_HOME");
	bool shares = s->serve == HULL_SERVE_SHARES;
	unsigned int own_uid = root ? (unsigned int)s->uid : 0;
	unsigned int own_gid = root ? (unsigned int)s->gid : 0;
	unsigned int others = shares ? NOBODY : 0;

	hull_strv_add(env, "LD_PRELOAD=" HULL_WORLD_SHIM);
	if (home)
		hull_strv_addf(env, "HULL_HOME=%s", home);
	hull_proc_pass_mark(env);
	/* In a user namespace all but one look like nobody, root among them. */
	if (!root || shares)
		hull_strv_addf(env, "HULL_SHARE_IDS=%u:%u:%u:%u:%u:%u", own_uid, own_gid,
			       shares ? (unsigned int)s->shown_uid : 0,
			       shares ? (unsigned int)s->shown_gid : 0, others, others);
	return env->failed ? hull_fail_nomem(err) : 0;
}

int hull_share_prepare(const struct hull_share_spec *s, const struct hull_serve_opts *opts,
		       struct hull_rights *ret, struct hull_error **err)
{
	struct hull_world world = {.spec = s, .old = opts->old_mounts};
	cleanup_free char *shim = NULL;
	pid_t parent = getppid();

	umask(0);
	hull_rights_raise_files();
	/* In a chroot its path comes out wrong once the mount namespace is another one. */
	if (hull_program_path("hull-virtiofsd.so", &shim, err) < 0 ||
	    hull_rights_enter(ret, err) < 0)
		return -1;
	world.shim = shim;
	world.in_chroot = ret->in_chroot;
	if (s->serve == HULL_SERVE_ROOT && ret->root && (s->uid == 0 || s->gid == 0))
		return hull_fail(err, HULL_E_INVALID,
				 "the host's directories are never served as root: uid %u, gid %u",
				 (unsigned int)s->uid, (unsigned int)s->gid);
	if (hull_world_enter(&world, err) < 0 ||
	    hull_rights_drop(ret, (uid_t)s->uid, (gid_t)s->gid, err) < 0 ||
	    hull_rights_tie(parent, err) < 0)
		return -1;
	return s->serve == HULL_SERVE_SHARES ? hull_filter_install(err) : 0;
}

int hull_share_serve(const struct hull_share_spec *s, const struct hull_serve_opts *opts,
		     struct hull_error **err)
{
	cleanup_strv struct hull_strv argv = {0}, env = {0};
	struct stat st;
	struct hull_rights rights;

	if (fstat(HULL_SHARE_SOCKET_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
		return hull_fail(err, HULL_E_INVALID, "descriptor %d is no socket",
				 HULL_SHARE_SOCKET_FD);
	if (hull_share_argv(s, HULL_SHARE_SOCKET_FD, HULL_WORLD_TREE, &argv, err) < 0 ||
	    hull_share_prepare(s, opts, &rights, err) < 0 ||
	    make_environment(s, rights.root, &env, err) < 0)
		return -1;
	if (close_range(HULL_SHARE_SOCKET_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "close descriptors");
	execve(s->daemon, argv.v, env.v);
	return hull_fail_errno(err, errno, "start '%s'", s->daemon);
}
