/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's root directory is a small tmpfs:
 *
 *   /usr /bin /lib* …  read-only binds of the host's: what virtiofsd and its libraries need
 *   /proc              read-only; as root a new one that shows the daemon's own processes only
 *   /shim.so           what is preloaded into virtiofsd, see shim.c
 *   /masks             what hides things in the tree
 *   /tree              the tree; virtiofsd makes it its root before it serves
 *
 * Everything else of the host is unmounted from the namespace.  So nothing is kept busy that the
 * host wants to unmount, and whoever breaks out of virtiofsd's chroot finds no home directory.
 */
#define _GNU_SOURCE
#include "share/world.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "share/build.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEALED (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* Where the tmpfs is mounted first.  Anywhere does: the sources are open by then. */
static const char *const base_dirs[] = {"/tmp", "/run", "/mnt", "/dev"};

static int describe_programs(const struct hull_world *w, struct hull_tree *t,
			     struct hull_error **err)
{
	static const char cache[] = "/etc/ld.so.cache";
	const char *daemon = w->spec->daemon;

	if (hull_tree_programs(t, "/", "/", err) < 0 ||
	    hull_tree_bind(t, w->shim, HULL_WORLD_SHIM, HULL_TREE_FILE, err) < 0)
		return -1;
	/* Without it the loader looks through its directories, which costs time only. */
	if (access(cache, R_OK) == 0 && hull_tree_bind(t, cache, cache, HULL_TREE_FILE, err) < 0)
		return -1;
	for (size_t i = 0; i < t->entries.n; i++) {
		const char *dir = t->entries.v[i].target;
		size_t len = strlen(dir);

		if (!strncmp(daemon, dir, len) && daemon[len] == '/')
			return 0;
	}
	if (hull_tree_bind(t, daemon, daemon, HULL_TREE_FILE, err) < 0)
		return hull_prefix(err, "daemon");
	return 0;
}

/* Mounts the tmpfs; *ret_path is a constant. */
static int mount_base(bool in_chroot, int *ret_fd, const char **ret_path, struct hull_error **err)
{
	const char *dir = in_chroot ? "/proc" : NULL;
	struct stat st;

	for (size_t i = 0; !dir && i < ARRAY_SIZE(base_dirs); i++)
		if (lstat(base_dirs[i], &st) == 0 && S_ISDIR(st.st_mode))
			dir = base_dirs[i];
	if (!dir)
		return hull_fail(err, HULL_E_NOT_FOUND, "there is no directory '%s' to work in",
				 base_dirs[0]);
	if (mount("hull", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m") < 0)
		return hull_fail_errno(err, errno, "mount a tmpfs on '%s'", dir);
	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return hull_fail_errno(err, errno, "open '%s'", dir);
	*ret_path = dir;
	return 0;
}

static int make_dir(int base_fd, const char *name, struct hull_error **err)
{
	int fd;

	if (mkdirat(base_fd, name, 0755) < 0)
		return hull_fail_errno(err, errno, "make '/%s' for the daemon", name);
	fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? hull_fail_errno(err, errno, "open '/%s' of the daemon", name) : fd;
}

/* Its own by preference: a new instance can hide other users' processes, which a bind can't.  The
 * word "ptraceable" rather than a number: kernels that would apply it to the host's /proc as well
 * (before 5.8) don't know it.  Needs root, as of the pid namespace. */
static int mount_proc(int base_fd, const char *base, bool old, struct hull_bind *host_proc,
		      struct hull_error **err)
{
	unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[32];
	int r;

	if (mkdirat(base_fd, "proc", 0755) < 0)
		return hull_fail_errno(err, errno, "make '/proc' for the daemon");
	snprintf(path, sizeof(path), "%s/proc", base);
	if (!old && mount("proc", path, "proc", flags, "hidepid=ptraceable") == 0)
		return 0;
	r = hull_bind_attach(host_proc, base_fd, "proc");
	return r < 0 ? hull_fail_errno(err, -r, "bring /proc to the daemon") : 0;
}

static int enter_base(int base_fd, struct hull_error **err)
{
	int r;

	if (fchdir(base_fd) < 0)
		return hull_fail_errno(err, errno, "enter the daemon's root directory");
	/* The old root ends up on top of the new one, from where it is unmounted. */
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) < 0)
			return hull_fail_errno(err, errno, "unmount the host's root directory");
	} else if (errno != EINVAL) {
		return hull_fail_errno(err, errno, "change the root directory");
	} else if (chroot(".") < 0) {
		/* EINVAL: the present root is no mount of its own, but a directory of a chroot or
		 * the initramfs.  Then the rest of the host stays, out of sight. */
		return hull_fail_errno(err, errno, "change the root directory");
	}
	if (chdir("/") < 0)
		return hull_fail_errno(err, errno, "enter the daemon's root directory");
	r = hull_mount_restrict("/", SEALED);
	return r < 0 ? hull_fail_errno(err, -r, "make the daemon's root directory read-only") : 0;
}

struct sources {
	struct hull_sources programs, tree;
	struct hull_bind proc;
};

static void sources_close(struct sources *s)
{
	hull_sources_close(&s->programs);
	hull_sources_close(&s->tree);
	hull_bind_close(&s->proc);
}

static int sources_open(const struct hull_tree *programs, const struct hull_tree *tree, bool old,
			struct sources *s, struct hull_error **err)
{
	int r;

	if (hull_sources_open(programs, HULL_BUILD_PROGRAMS, old, &s->programs, err) < 0 ||
	    hull_sources_open(tree, HULL_BUILD_DATA, old, &s->tree, err) < 0)
		return -1;
	r = (old ? hull_bind_open_old : hull_bind_open)(AT_FDCWD, "/proc", true, SEALED, &s->proc);
	return r < 0 ? hull_fail_errno(err, -r, "open '/proc'") : 0;
}

int hull_world_enter(const struct hull_world *w, struct hull_error **err)
{
	cleanup_with(sources_close) struct sources s = {.proc.fd = -1};
	cleanup_tree struct hull_tree programs;
	cleanup_close int base_fd = -1;
	cleanup_close int tree_fd = -1;
	cleanup_close int masks_fd = -1;
	const char *base = NULL;

	hull_tree_init(&programs);
	if (describe_programs(w, &programs, err) < 0 ||
	    sources_open(&programs, &w->spec->tree, w->old, &s, err) < 0 ||
	    mount_base(w->in_chroot, &base_fd, &base, err) < 0)
		return -1;
	tree_fd = make_dir(base_fd, &HULL_WORLD_TREE[1], err);
	masks_fd = tree_fd < 0 ? -1 : make_dir(base_fd, "masks", err);
	if (masks_fd < 0)
		return -1;
	if (hull_build(&programs, &s.programs, base_fd, masks_fd, w->old, err) < 0 ||
	    hull_build(&w->spec->tree, &s.tree, tree_fd, masks_fd, w->old, err) < 0 ||
	    mount_proc(base_fd, base, w->old, &s.proc, err) < 0)
		return -1;
	return enter_base(base_fd, err);
}
