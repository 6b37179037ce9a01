/* SPDX-License-Identifier: Apache-2.0
 *
 * Mounting and unmounting.
 */
#define _GNU_SOURCE
#include "agent/mount.h"

#include "agent/inroot.h"
#include "agent/mountopt.h"
#include "agent/node.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERIAL_PREFIX "serial:"
/* What is to be mounted is a file and its place a directory, or the other way round. */
#define CAUSE_TARGET "mount-point"

/* The part of @target inside @root ("/" for the root itself), or NULL if it is outside. */
static const char *inside(const char *root, const char *target)
{
	size_t n = root ? strlen(root) : 0;

	while (n && root[n - 1] == '/')
		n--;
	if (!n || strncmp(target, root, n) || target[n] != '/')
		return NULL;
	return target + n;
}

static int open_root(const char *path, struct hull_error **err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? hull_fail_errno(err, errno, "open root '%s'", path) : fd;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* A mount point: a path below a root. */
struct target {
	const char *name; /* as asked for */
	const char *path; /* inside the root */
	int rootfd;	  /* owned */
	int fd;		  /* owned: what lies there, before mounting */
};

static void close_target(struct target *t)
{
	hull_closep(&t->fd);
	hull_closep(&t->rootfd);
}

/* Makes what is missing: a file if a file is to be bound there. */
static int open_target(const char *root, const char *name, bool file, struct target *ret_target,
		       struct hull_error **err)
{
	const char *in = inside(root, name);
	struct target *t = ret_target;

	t->name = name;
	t->path = in ? in : name;
	t->rootfd = open_root(in ? root : "/", err);
	if (t->rootfd < 0)
		return -1;
	t->fd = file ? hull_inroot_mkfile(t->rootfd, t->path)
		     : hull_inroot_mkdirs(t->rootfd, t->path);
	if (t->fd == -ENOTDIR)
		return hull_fail_cause(err, HULL_E_INVALID, CAUSE_TARGET,
				       "open mount point '%s': %s", name, hull_strerror(ENOTDIR));
	if (t->fd < 0)
		return hull_fail_errno(err, -t->fd, "open mount point '%s'", name);
	return 0;
}

static int mount_on(int fd, const char *source, const char *type, unsigned long flags,
		    const char *data)
{
	cleanup_strbuf struct hull_strbuf at = HULL_STRBUF_INIT;

	if (hull_strbuf_addf(&at, "/proc/self/fd/%d", fd) < 0)
		return -ENOMEM;
	return mount(source, hull_strbuf_str(&at), type, flags, data) < 0 ? -errno : 0;
}

/* Letters follow probe order; serial numbers are the host's choice. */
int hull_mount_find_disk(const char *serial, struct hull_strbuf *ret_device,
			 struct hull_error **err)
{
	DIR *d = opendir("/sys/block");
	bool found = false;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT, text = HULL_STRBUF_INIT;
		size_t n;

		if (e->d_name[0] == '.' ||
		    hull_strbuf_addf(&path, "/sys/block/%s/serial", e->d_name) < 0 ||
		    hull_file_read(hull_strbuf_str(&path), 4096, &text) < 0)
			continue;
		n = strcspn(hull_strbuf_str(&text), "\n");
		found = n == strlen(serial) && !strncmp(hull_strbuf_str(&text), serial, n) &&
			hull_strbuf_addf(ret_device, "/dev/%s", e->d_name) == 0;
	}
	if (d)
		closedir(d);
	if (!found)
		return hull_fail(err, HULL_E_NOT_FOUND, "no disk with serial '%s'", serial);
	return 0;
}

/* What takes effect only once the mount is there.  The target's descriptor still is what lies
 * beneath: the path is looked up again. */
static int adjust(const struct target *t, const struct hull_mount_options *o)
{
	unsigned long flags = o->flags & ~(unsigned long)(MS_BIND | MS_REC);
	bool reflag = o->flags & MS_BIND && flags;
	cleanup_close int top = -1;
	int r = 0;

	if (!reflag && !o->propagation)
		return 0;
	top = hull_inroot_open(t->rootfd, t->path, O_PATH);
	if (top < 0)
		return top;
	if (reflag)
		r = mount_on(top, NULL, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
	if (r == 0 && o->propagation)
		r = mount_on(top, NULL, NULL, o->propagation, NULL);
	return r;
}

/* An overlay over a fresh tmpfs or disk: its two directories are not there yet. */
static int make_overlay_dirs(const Hull__Agent__V1__MountEntry *e, struct hull_error **err)
{
	static const char *const keys[] = {"upperdir=", "workdir="};

	for (size_t i = 0; i < e->n_options; i++)
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			const char *path = e->options[i] + strlen(keys[k]);
			int r;

			if (strncmp(e->options[i], keys[k], strlen(keys[k])))
				continue;
			r = hull_path_mkdirs(path, 0755);
			if (r < 0)
				return hull_fail_errno(err, -r, "make '%s' for the overlay", path);
		}
	return 0;
}

static int mount_target(const struct target *t, const char *source, const char *type,
			const struct hull_mount_options *o, struct hull_error **err)
{
	const char *data = o->data.len ? hull_strbuf_str(&o->data) : NULL;
	bool bind = o->flags & MS_BIND;
	int r;

	if (bind)
		r = mount_on(t->fd, source, NULL, o->flags & (MS_BIND | MS_REC), NULL);
	else
		r = mount_on(t->fd, *source ? source : "none", type, o->flags, data);
	if (r == -ENODEV && !bind)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "the guest's kernel has no file system '%s'", type);
	if (r == 0)
		r = adjust(t, o);
	if (r == -ENOTDIR)
		return hull_fail_cause(err, HULL_E_INVALID, CAUSE_TARGET,
				       "mount '%s' (%s) on '%s': %s", source, type, t->name,
				       hull_strerror(ENOTDIR));
	if (r < 0)
		return hull_fail_errno(err, -r, "mount '%s' (%s) on '%s'", source, type, t->name);
	return 0;
}

static int make_node(const char *root, const Hull__Agent__V1__MountEntry *e,
		     struct hull_error **err)
{
	const char *in = inside(root, e->target);
	cleanup_close int rootfd = open_root(in ? root : "/", err);

	return rootfd < 0 ? -1 : hull_node_make(rootfd, in ? in : e->target, e, err);
}

int hull_mount_entry(const char *root, const Hull__Agent__V1__MountEntry *e,
		     struct hull_error **err)
{
	cleanup_with(hull_mount_options_fini) struct hull_mount_options o = {0};
	cleanup_with(close_target) struct target t = {.rootfd = -1, .fd = -1};
	cleanup_strbuf struct hull_strbuf device = HULL_STRBUF_INIT;
	const char *source = e->source;

	if (e->target[0] != '/')
		return hull_fail(err, HULL_E_INVALID, "mount target '%s' is not absolute",
				 e->target);
	if (hull_node_is(e->type))
		return make_node(root, e, err);
	if (hull_mount_options_parse(e->options, e->n_options, &o, err) < 0)
		return hull_prefix(err, "mount on '%s'", e->target);
	if (!strcmp(e->type, "bind"))
		o.flags |= MS_BIND;
	if (!strncmp(source, SERIAL_PREFIX, strlen(SERIAL_PREFIX))) {
		if (hull_mount_find_disk(source + strlen(SERIAL_PREFIX), &device, err) < 0)
			return hull_prefix(err, "mount on '%s'", e->target);
		source = hull_strbuf_str(&device);
	}
	if (!strcmp(e->type, "overlay") && make_overlay_dirs(e, err) < 0)
		return -1;
	if (open_target(root, e->target, o.flags & MS_BIND && is_file(source), &t, err) < 0)
		return -1;
	return mount_target(&t, source, e->type, &o, err);
}

/* Where @path inside the root really is, free of links. */
static int real_path(const char *root, const char *path, char ret_path[PATH_MAX],
		     struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf link = HULL_STRBUF_INIT;
	cleanup_close int rootfd = open_root(root, err), fd = -1;
	ssize_t n;

	if (rootfd < 0)
		return -1;
	fd = hull_inroot_open(rootfd, path, O_PATH);
	if (fd < 0)
		return hull_fail_errno(err, -fd, "open mount point '%s%s'", root, path);
	(void)hull_strbuf_addf(&link, "/proc/self/fd/%d", fd);
	n = readlink(hull_strbuf_str(&link), ret_path, PATH_MAX - 1);
	if (n < 0)
		return hull_fail_errno(err, errno, "look up mount point '%s%s'", root, path);
	ret_path[n] = '\0';
	return 0;
}

int hull_mount_remove(const char *root, const char *target, bool detach, struct hull_error **err)
{
	const char *in = inside(root, target), *path = target;
	char real[PATH_MAX];

	if (target[0] != '/')
		return hull_fail(err, HULL_E_INVALID, "mount target '%s' is not absolute", target);
	if (in) {
		if (real_path(root, in, real, err) < 0)
			return -1;
		path = real;
	}
	if (umount2(path, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)) < 0)
		return hull_fail_errno(err, errno, "unmount '%s'", target);
	return 0;
}

/* ---- API file systems ---- */

static const struct {
	const char *path, *source, *type, *data;
	unsigned long flags;
} api[] = {
	/* Our own, with all that is mounted on them. */
	{"/dev", "/dev", NULL, NULL, MS_BIND | MS_REC},
	{"/sys", "/sys", NULL, NULL, MS_BIND | MS_REC},
	{"/run", "tmpfs", "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV},
	{"/tmp", "tmpfs", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
};

int hull_mount_api(const char *root, struct hull_error **err)
{
	cleanup_close int rootfd = open_root(root, err), proc = -1;

	if (rootfd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(api); i++) {
		cleanup_close int fd = hull_inroot_mkdirs(rootfd, api[i].path);
		int r = fd < 0 ? fd
			       : mount_on(fd, api[i].source, api[i].type, api[i].flags,
					  api[i].data);

		if (r < 0)
			return hull_fail_errno(err, -r, "mount '%s' of the root '%s'", api[i].path,
					       root);
	}
	/* Only the mount point: each session has a /proc of its own. */
	proc = hull_inroot_mkdirs(rootfd, "/proc");
	if (proc < 0)
		hull_warn("mount", "make '/proc' in the root '%s': %s, ignoring", root,
			  hull_strerror(-proc));
	return 0;
}

int hull_mount_seal(const char *path, struct hull_error **err)
{
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return hull_fail_errno(err, errno, "make '%s' read-only", path);
	return 0;
}

int hull_mount_share(struct hull_error **err)
{
	if (mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL) < 0)
		return hull_fail_errno(err, errno, "share mounts with sessions");
	return 0;
}
