/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies about of VMs that are no more: their sockets, run directories and logs, and files that
 * somebody was about to give their names.
 */
#define _GNU_SOURCE
#include "vm/gc-internal.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "monitor/scratch.h"
#include "vm/dirs.h"
#include "vm/logs.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD_S 3600 /* temporary files have their names for milliseconds */

static const char *id_of(const char *dir)
{
	return strrchr(dir, '/') + 1;
}

/* ---- sockets ---- */

static int find_sockets(struct hull_gc *gc, struct hull_error **err)
{
	cleanup_strv struct hull_strv dirs = {0};

	if (hull_rundir_list_dead(false, &dirs, err) < 0)
		return -1;
	for (size_t i = 0; i < dirs.n; i++) {
		cleanup_strv struct hull_strv sockets = {0};

		(void)hull_rundir_sockets(dirs.v[i], &sockets); /* it names none */
		for (size_t k = 0; k < sockets.n; k++)
			if (!hull_gc_add(gc, id_of(dirs.v[i]), sockets.v[k],
					 "nobody listens on it any more", err, "socket '%s'",
					 sockets.v[k]))
				return -1;
	}
	return 0;
}

static bool names(const struct hull_strv *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], path))
			return true;
	return false;
}

static int collect_socket(struct hull_gc *gc, const struct hull_orphan *o, struct hull_error **err)
{
	cleanup_free char *dir = hull_path_join(gc->vms, o->vm);
	cleanup_strv struct hull_strv sockets = {0};
	int r = dir ? hull_rundir_is_dead(dir, err) : hull_fail_nomem(err);

	if (r < 0)
		return -1;
	if (r == 0 || hull_rundir_sockets(dir, &sockets) < 0 || !names(&sockets, o->key))
		return HULL_GC_GONE;
	if (unlink(o->key) == 0)
		return HULL_GC_DONE;
	return errno == ENOENT ? HULL_GC_GONE : hull_fail_errno(err, errno, "remove %s", o->what);
}

const struct hull_gc_module hull_gc_sockets = {"socket", false, find_sockets, collect_socket};

/* ---- run directories ---- */

/* A directory that a record names holds what is going into the record: it goes with that.  Of VMs
 * without one, how they ended is kept for a while. */
static int find_directories(struct hull_gc *gc, struct hull_error **err)
{
	cleanup_strv struct hull_strv all = {0}, unkept = {0};

	if (hull_rundir_list_dead(false, &all, err) < 0 ||
	    hull_rundir_list_dead(true, &unkept, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		const struct hull_record *r = hull_gc_record(gc, id_of(all.v[i]));
		bool dead = r && !r->run_dir;

		dead |= !r && names(&unkept, all.v[i]);
		if (dead && !hull_gc_add(gc, id_of(all.v[i]), all.v[i], "its VM does not run", err,
					 "run directory '%s'", all.v[i]))
			return -1;
	}
	return 0;
}

static int collect_directory(struct hull_gc *gc, const struct hull_orphan *o,
			     struct hull_error **err)
{
	cleanup_error struct hull_error *why = NULL;
	cleanup_record struct hull_record now = {0};

	if (o->record && (hull_store_find(gc->store, o->record->id, &now, NULL) < 0 || now.run_dir))
		return HULL_GC_GONE;
	if (access(o->key, F_OK) < 0)
		return HULL_GC_GONE;
	if (hull_rundir_reap(o->key, !o->record, &why) == 0)
		return access(o->key, F_OK) < 0 ? HULL_GC_DONE : HULL_GC_GONE;
	if (hull_error_code(why) == HULL_E_BUSY)
		return HULL_GC_GONE;
	return hull_error_move(err, &why);
}

const struct hull_gc_module hull_gc_directories = {"directory", false, find_directories,
						   collect_directory};

/* ---- logs ---- */

static bool is_id(const char *name)
{
	return strspn(name, "0123456789abcdef") == HULL_STORE_ID_LEN && !name[HULL_STORE_ID_LEN];
}

static bool has_record(const struct hull_gc *gc, const char *id)
{
	for (size_t i = 0; i < gc->records.n; i++)
		if (!strcmp(gc->records.v[i].id, id))
			return true;
	return false;
}

static int find_logs(struct hull_gc *gc, struct hull_error **err)
{
	cleanup_free char *log = hull_dirs_find_log(), *vms = NULL;
	struct dirent *e;
	int r = 0;
	DIR *d;

	vms = log ? hull_path_join(log, "vm") : NULL;
	if (!vms)
		return hull_fail_nomem(err);
	d = opendir(vms);
	if (!d)
		return errno == ENOENT ? 0 : hull_fail_errno(err, errno, "list '%s'", vms);
	while (r == 0 && (e = readdir(d)))
		if (is_id(e->d_name) && !has_record(gc, e->d_name) &&
		    !hull_gc_add(gc, "", e->d_name, "its VM is not there", err,
				 "log directory '%s/%s'", vms, e->d_name))
			r = -1;
	closedir(d);
	return r;
}

/* A record comes before the log, which goes before the record: ids do not come again. */
static int collect_log(struct hull_gc *gc, const struct hull_orphan *o, struct hull_error **err)
{
	cleanup_error struct hull_error *why = NULL;
	cleanup_record struct hull_record now = {0};

	if (hull_store_find(gc->store, o->key, &now, &why) == 0)
		return HULL_GC_GONE;
	if (hull_error_code(why) != HULL_E_NOT_FOUND)
		return hull_error_move(err, &why);
	return hull_logs_remove(o->key, err) < 0 ? -1 : HULL_GC_DONE;
}

const struct hull_gc_module hull_gc_logs = {"log", false, find_logs, collect_log};

/* ---- files ---- */

/* Names that we give to what is to have another name, or none, in an instant: empty then, or
 * another name of what it became.  Others may have chosen such a name for something of theirs. */
struct pattern {
	const char *dir;
	bool state; /* a directory beneath that of state */
	const char *prefix;
	size_t random;	   /* so many letters and digits follow */
	const char *final; /* NULL: none */
};
static const struct pattern patterns[] = {
	{"store", true, "hull.db.", 6, "hull.db"},
	{HULL_SCRATCH_DIR, false, "hull-scratch-", 6, NULL},
};

static bool fits(const struct pattern *p, const char *name)
{
	size_t len = strlen(p->prefix);

	return !strncmp(name, p->prefix, len) &&
	       strspn(name + len, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == p->random &&
	       !name[len + p->random];
}

static bool is_leftover(const struct pattern *p, int dir, const char *name)
{
	uint64_t now = hull_realtime_ns() / HULL_NS_PER_S;
	struct stat st, final;

	if (!fits(p, name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return false;
	if (p->final && fstatat(dir, p->final, &final, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == final.st_dev && st.st_ino == final.st_ino)
		return true;
	return !st.st_size && st.st_nlink == 1 && (uint64_t)st.st_mtime + OLD_S < now;
}

static int find_in(struct hull_gc *gc, const struct pattern *p, const char *path,
		   struct hull_error **err)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!d)
		return hull_fail_errno(err, errno, "list '%s'", path);
	while (r == 0 && (e = readdir(d))) {
		cleanup_free char *file = NULL;
		struct hull_orphan *o;

		if (!is_leftover(p, dirfd(d), e->d_name))
			continue;
		file = hull_path_join(path, e->d_name);
		if (!file) {
			r = hull_fail_nomem(err);
			break;
		}
		o = hull_gc_add(gc, "", file, "whoever made it was killed", err, "file '%s'", file);
		if (o)
			o->detail = p;
		else
			r = -1;
	}
	closedir(d);
	return r;
}

static int find_files(struct hull_gc *gc, struct hull_error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		const struct pattern *p = &patterns[i];
		cleanup_free char *path = NULL;

		if (!p->state)
			path = strdup(p->dir);
		else if (hull_dirs_state(p->dir, &path, err) < 0)
			return -1;
		if (!path)
			return hull_fail_nomem(err);
		if (find_in(gc, p, path, err) < 0)
			return -1;
	}
	return 0;
}

static int collect_file(struct hull_gc *gc, const struct hull_orphan *o, struct hull_error **err)
{
	cleanup_free char *dir = strndup(o->key, (size_t)(strrchr(o->key, '/') - o->key));
	cleanup_close int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	const char *name = strrchr(o->key, '/') + 1;

	if (!dir)
		return hull_fail_nomem(err);
	if (fd < 0 || !is_leftover(o->detail, fd, name))
		return HULL_GC_GONE;
	if (unlinkat(fd, name, 0) == 0)
		return HULL_GC_DONE;
	return errno == ENOENT ? HULL_GC_GONE : hull_fail_errno(err, errno, "remove %s", o->what);
}

const struct hull_gc_module hull_gc_files = {"file", false, find_files, collect_file};
