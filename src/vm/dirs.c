/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories, see dirs.h.
 */
#define _GNU_SOURCE
#include "vm/dirs.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/program.h"
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What "/vm/<12 hex>" below it leaves. */
#define RUN_MAX ((size_t)HULL_CONFIG_MAX_RUN_DIR - 16)

static char *run_path(void)
{
	const char *home = getenv("HULL_HOME"), *xdg = getenv("XDG_RUNTIME_DIR");
	char *s = NULL;

	if (home && *home)
		return hull_path_join(home, "run");
	if (geteuid() == 0)
		return strdup("/run/hull");
	if (xdg && *xdg)
		return hull_path_join(xdg, "hull");
	return asprintf(&s, "/tmp/hull-%u", (unsigned int)geteuid()) < 0 ? NULL : s;
}

/* Where HULL_HOME, or what else it is named by, can't be one. */
static int check_base(const char *variable, const char *value, struct hull_error **err)
{
	if (*value == '/')
		return 0;
	hull_fail(err, HULL_E_INVALID, "%s is '%s': not an absolute path", variable, value);
	hull_hint(err, "begin it with '/'");
	return -1;
}

int hull_dirs_find_run(char **ret_path, struct hull_error **err)
{
	cleanup_free char *path = run_path();
	const char *home = getenv("HULL_HOME");

	if (!path)
		return hull_fail_nomem(err);
	if (*path != '/')
		return home && *home
			       ? check_base("HULL_HOME", home, err)
			       : check_base("XDG_RUNTIME_DIR", getenv("XDG_RUNTIME_DIR"), err);
	if (strlen(path) > RUN_MAX) {
		hull_fail_cause(err, HULL_E_INVALID, "path-too-long",
				"run directory '%s' is too long a path: %zu characters are the "
				"most that leaves room for sockets in it",
				path, RUN_MAX);
		hull_hint(err, "set HULL_HOME to a directory with a short path");
		return -1;
	}
	*ret_path = steal_ptr(&path);
	return 0;
}

/* What is somebody else's has VMs that we could neither stop nor remove whole. */
static int check_owner(const char *what, const char *path, const struct stat *st,
		       struct hull_error **err)
{
	if (!S_ISDIR(st->st_mode))
		return hull_fail(err, HULL_E_DENIED, "%s directory '%s' is no directory", what,
				 path);
	if (st->st_uid == geteuid())
		return 0;
	hull_fail(err, HULL_E_DENIED, "%s directory '%s' belongs to user %u, not to us", what, path,
		  (unsigned int)st->st_uid);
	hull_hint(err, "be that user, or set HULL_HOME to a directory of your own");
	return -1;
}

int hull_dirs_run(char **ret_path, struct hull_error **err)
{
	cleanup_free char *path = NULL;
	struct stat st;
	int r;

	if (hull_dirs_find_run(&path, err) < 0)
		return -1;
	r = hull_path_mkdirs(path, 0700);
	if (r < 0) {
		hull_fail_errno(err, -r, "create run directory '%s'", path);
		hull_hint(err, r == -ENOSPC || r == -EDQUOT
				       ? HULL_DIRS_NO_ROOM
				       : "set HULL_HOME to a directory that you may write");
		return -1;
	}
	/* In /tmp anybody could have made it first, a link as well. */
	if (lstat(path, &st) < 0)
		return hull_fail_errno(err, errno, "inspect run directory '%s'", path);
	if (check_owner("run", path, &st, err) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	return 0;
}

static char *state_path(void)
{
	const char *home = getenv("HULL_HOME"), *xdg = getenv("XDG_DATA_HOME");
	const char *user = getenv("HOME");

	if (home && *home)
		return hull_path_join(home, "state");
	if (geteuid() == 0)
		return strdup("/var/lib/hull");
	if (xdg && *xdg == '/')
		return hull_path_join(xdg, "hull");
	return hull_path_join(user && *user == '/' ? user : "/nonexistent", ".local/share/hull");
}

int hull_dirs_find_state(const char *name, char **ret_path, struct hull_error **err)
{
	cleanup_free char *base = state_path();
	const char *home = getenv("HULL_HOME");

	if (home && *home && check_base("HULL_HOME", home, err) < 0)
		return -1;
	*ret_path = base ? hull_path_join(base, name) : NULL;
	return *ret_path ? 0 : hull_fail_nomem(err);
}

int hull_dirs_state(const char *name, char **ret_path, struct hull_error **err)
{
	cleanup_free char *path = NULL;
	struct stat st;
	int r;

	if (hull_dirs_find_state(name, &path, err) < 0)
		return -1;
	r = hull_path_mkdirs(path, 0700);
	if (r < 0) {
		hull_fail_errno(err, -r, "create state directory '%s'", path);
		hull_hint(err, "set HULL_HOME to a directory that you may write");
		return -1;
	}
	if (stat(path, &st) < 0)
		return hull_fail_errno(err, errno, "inspect state directory '%s'", path);
	if (check_owner("state", path, &st, err) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	return 0;
}

char *hull_dirs_find_log(void)
{
	const char *home = getenv("HULL_HOME"), *xdg = getenv("XDG_STATE_HOME");
	const char *user = getenv("HOME");

	if (home && *home)
		return hull_path_join(home, "log");
	if (geteuid() == 0)
		return strdup("/var/log/hull");
	if (xdg && *xdg == '/')
		return hull_path_join(xdg, "hull/log");
	return hull_path_join(user && *user == '/' ? user : "/nonexistent",
			      ".local/state/hull/log");
}

int hull_dirs_settings(char **ret_system, char **ret_user, struct hull_error **err)
{
	const char *home = getenv("HULL_HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	const char *user = getenv("HOME");
	cleanup_free char *theirs = NULL, *ours = NULL;
	bool moved = home && *home;

	theirs = moved ? hull_path_join(home, "etc") : strdup("/etc/hull");
	if (!moved && xdg && *xdg == '/')
		ours = hull_path_join(xdg, "hull");
	else if (!moved && user && *user == '/')
		ours = hull_path_join(user, ".config/hull");
	else
		moved = true;
	if (!theirs || (!moved && !ours))
		return hull_fail_nomem(err);
	*ret_system = steal_ptr(&theirs);
	*ret_user = steal_ptr(&ours);
	return 0;
}

/* A directory that somebody has chosen has it, or nobody. */
static int find_chosen(const char *dir, const char *name, char **ret_path, struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(dir, name);

	if (!path)
		return hull_fail_nomem(err);
	if (access(path, F_OK) < 0) {
		hull_fail_errno(err, errno, "open guest artefact '%s'", path);
		hull_hint(
			err,
			"guest_dir is '%s' ('hull config show --origin' tells by what): unset it, "
			"or point it at the directory with '%s'",
			dir, name);
		return -1;
	}
	*ret_path = steal_ptr(&path);
	return 0;
}

int hull_dirs_guest(const char *guest_dir, const char *name, char **ret_path,
		    struct hull_error **err)
{
	const char *slash = strchr(name, '/');
	cleanup_free char *near = NULL, *dir = NULL;

	if (guest_dir)
		return find_chosen(guest_dir, name, ret_path, err);
	dir = hull_program_beside("guest");
	near = dir ? hull_path_join(dir, name) : NULL;
	if (near && access(near, F_OK) == 0) {
		*ret_path = steal_ptr(&near);
		return 0;
	}
	*ret_path = hull_path_join(HULL_DATADIR "/guest", name);
	if (!*ret_path)
		return hull_fail_nomem(err);
	if (access(*ret_path, F_OK) == 0)
		return 0;
	free(steal_ptr(ret_path));
	hull_fail(err, HULL_E_NOT_FOUND, "guest artefact '%s' is neither in '%s' nor in '%s'", name,
		  dir ? dir : "guest/", HULL_DATADIR "/guest");
	hull_hint(err,
		  "'./dev %s%.*s' makes it in a source tree; or point guest_dir (HULL_GUEST_DIR) "
		  "at it",
		  slash ? "guest " : "build", slash ? (int)(slash - name) : 0, name);
	return -1;
}

int hull_dirs_artefact(const char *guest_dir, enum hull_arch arch, enum hull_artefact which,
		       char **ret_path, struct hull_error **err)
{
	static const char *const names[][3] = {
		[HULL_ARCH_X86_64] = {"vmlinux", "initramfs", "modules.img"},
		[HULL_ARCH_AARCH64] = {"aarch64/Image", "aarch64/initramfs", "aarch64/modules.img"},
	};

	return hull_dirs_guest(guest_dir, names[arch][which], ret_path, err);
}
