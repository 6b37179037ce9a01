/* SPDX-License-Identifier: Apache-2.0
 *
 * Adding up, see usage.h.  Links are not followed and mounts not crossed; what goes meanwhile does
 * not count.
 */
#define _GNU_SOURCE
#include "vm/usage.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "vm/dirs.h"
#include "vm/rundir.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 256 /* a descriptor each */
#define BLOCK 512     /* of st_blocks */

/* A file with several names, which has been counted. */
struct seen {
	dev_t dev;
	ino_t ino;
};

struct walk {
	dev_t dev;
	HULL_VEC(struct seen) seen;
	uint64_t bytes;
};

static int count(struct walk *w, const struct stat *st)
{
	struct seen *s;

	for (size_t i = 0; st->st_nlink > 1 && !S_ISDIR(st->st_mode) && i < w->seen.n; i++)
		if (w->seen.v[i].ino == st->st_ino && w->seen.v[i].dev == st->st_dev)
			return 0;
	w->bytes += (uint64_t)st->st_blocks * BLOCK;
	if (st->st_nlink == 1 || S_ISDIR(st->st_mode))
		return 0;
	s = hull_vec_push(&w->seen);
	if (!s)
		return -ENOMEM;
	*s = (struct seen){st->st_dev, st->st_ino};
	return 0;
}

/* Goes on after a failure, of which the first is returned. */
static int add_at(struct walk *w, int parent, const char *name, int depth)
{
	cleanup_close int fd = -1;
	struct dirent *e;
	struct stat st;
	int first, r;
	DIR *d;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!depth)
		w->dev = st.st_dev;
	if (st.st_dev != w->dev)
		return 0;
	first = count(w, &st);
	if (!S_ISDIR(st.st_mode))
		return first;
	if (depth >= DEPTH_MAX)
		return first ? first : -ELOOP;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return first ? first : errno == ENOENT ? 0 : -errno;
	(void)steal_fd(&fd); /* the stream's now */
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		r = add_at(w, dirfd(d), e->d_name, depth + 1);
		first = first ? first : r;
	}
	closedir(d);
	return first;
}

/* ---- kinds ---- */

static int fail(struct hull_usage *u, int r, const char *path)
{
	if (!u->error)
		hull_fail_errno(&u->error, -r, "look at '%s'", path);
	return 0;
}

static int add_item(struct hull_usage *u, const char *name, const char *path,
		    struct hull_error **err)
{
	struct hull_usage_item *item = hull_vec_push(&u->items);
	struct walk w = {0};
	int r;

	if (!item)
		return hull_fail_nomem(err);
	item->name = strdup(name);
	if (!item->name)
		return hull_fail_nomem(err);
	r = add_at(&w, AT_FDCWD, path, 0);
	free(w.seen.v);
	item->bytes = w.bytes;
	u->bytes += w.bytes;
	return r < 0 ? fail(u, r, path) : 0;
}

static bool is_any(const char *name)
{
	return *name != '.';
}

/* Each entry of u->path is an item. */
static int add_entries(struct hull_usage *u, bool (*entry)(const char *name),
		       struct hull_error **err)
{
	DIR *d = opendir(u->path);
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : fail(u, -errno, u->path);
	while (r == 0 && (e = readdir(d))) {
		cleanup_free char *path = NULL;

		if (!entry(e->d_name))
			continue;
		path = hull_path_join(u->path, e->d_name);
		r = path ? add_item(u, e->d_name, path, err) : hull_fail_nomem(err);
	}
	closedir(d);
	return r;
}

static int find_run(const char *guest_dir, char **ret, struct hull_error **err)
{
	cleanup_free char *run = NULL;

	if (hull_dirs_find_run(&run, err) < 0)
		return -1;
	*ret = hull_path_join(run, "vm");
	return *ret ? 0 : hull_fail_nomem(err);
}

/* The directory may hold more than what guests boot from. */
static int add_guests(struct hull_usage *u, const char *guest_dir, struct hull_error **err)
{
	for (int arch = 0; hull_arch_names[arch]; arch++) {
		for (int which = 0; which < HULL_ARTEFACTS; which++) {
			cleanup_free char *path = NULL;
			size_t len = strlen(u->path);

			if (hull_dirs_artefact(guest_dir, arch, which, &path, NULL) < 0)
				continue; /* it is not installed */
			/* One of another architecture may be installed elsewhere. */
			len = !strncmp(path, u->path, len) && path[len] == '/' ? len + 1 : 0;
			if (add_item(u, path + len, path, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int find_guest(const char *guest_dir, char **ret, struct hull_error **err)
{
	cleanup_free char *file = NULL;

	if (hull_dirs_guest(guest_dir, "vmlinux", &file, NULL) < 0)
		return 0; /* there is none */
	*ret = strndup(file, (size_t)(strrchr(file, '/') - file));
	return *ret ? 0 : hull_fail_nomem(err);
}

static int find_store(const char *guest_dir, char **ret, struct hull_error **err)
{
	return hull_dirs_find_state("store", ret, err);
}

static int find_volumes(const char *guest_dir, char **ret, struct hull_error **err)
{
	return hull_dirs_find_state("volumes", ret, err);
}

static int find_logs(const char *guest_dir, char **ret, struct hull_error **err)
{
	cleanup_free char *log = hull_dirs_find_log();

	*ret = log ? hull_path_join(log, "vm") : NULL;
	return *ret ? 0 : hull_fail_nomem(err);
}

static const struct kind {
	const char *name;
	/* Leaves NULL: there is none. */
	int (*find)(const char *guest_dir, char **ret_path, struct hull_error **err);
	bool (*entry)(const char *name); /* NULL: those of guests */
} kinds[] = {
	{"store", find_store, is_any}, {"volumes", find_volumes, is_any},
	{"guest", find_guest, NULL},   {"run", find_run, hull_id_is_short},
	{"logs", find_logs, is_any},
};

int hull_usage_gather(const char *guest_dir, struct hull_usages *ret, struct hull_error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		cleanup_free char *path = NULL;
		struct hull_usage *u;

		if (kinds[i].find(guest_dir, &path, err) < 0)
			return -1;
		if (!path)
			continue;
		u = hull_vec_push(ret);
		if (!u)
			return hull_fail_nomem(err);
		u->kind = kinds[i].name;
		u->path = steal_ptr(&path);
		if ((kinds[i].entry ? add_entries(u, kinds[i].entry, err)
				    : add_guests(u, guest_dir, err)) < 0)
			return -1;
	}
	return 0;
}

void hull_usages_fini(struct hull_usages *usages)
{
	for (size_t i = 0; i < usages->n; i++) {
		struct hull_usage *u = &usages->v[i];

		for (size_t k = 0; k < u->items.n; k++)
			free(u->items.v[k].name);
		free(u->items.v);
		free(u->path);
		hull_error_free(u->error);
	}
	free(usages->v);
	*usages = (struct hull_usages){0};
}
