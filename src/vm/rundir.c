/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, finding and reaping run directories, see rundir.h.
 */
#define _GNU_SOURCE
#include "vm/rundir.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/vec.h"
#include "monitor/monitor.h"
#include "vm/dirs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KILL_MS 5000
#define EXIT_KEPT_S (24 * 3600)
#define LOCK_MS 2000 /* others hold the parent's lock for microseconds, unless they are stopped */

/* $run/vm, made if missing, and a descriptor on it. */
static int open_vms(char **ret_path, int *ret_fd, struct hull_error **err)
{
	cleanup_free char *run = NULL, *vms = NULL;
	int fd, r;

	if (hull_dirs_run(&run, err) < 0)
		return -1;
	vms = hull_path_join(run, "vm");
	if (!vms)
		return hull_fail_nomem(err);
	r = hull_path_mkdirs(vms, 0700);
	fd = r < 0 ? r : open(vms, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return hull_fail_errno(err, r < 0 ? -r : errno, "open run directory '%s'", vms);
	*ret_path = steal_ptr(&vms);
	*ret_fd = fd;
	return 0;
}

/* flock() knows no deadline, and a holder that was stopped must not stop us. */
static int lock_within(int fd, int how, uint64_t deadline_ns)
{
	while (flock(fd, how | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (!hull_ms_left(deadline_ns))
			return -ETIMEDOUT;
		(void)poll(NULL, 0, 1);
	}
	return 0;
}

static int make_locked(const char *path, int *ret_lock)
{
	cleanup_free char *lock = hull_path_join(path, "lock");
	cleanup_close int fd = -1;
	int r;

	if (!lock)
		return -ENOMEM;
	(void)hull_fault("rundir.make");
	if (mkdir(path, 0700) < 0)
		return -errno;
	(void)hull_fault("rundir.made");
	fd = open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	/* It has just been made, so that only who looks whether it is held can have it: for an
	 * instant. */
	r = fd < 0 ? -errno : lock_within(fd, LOCK_EX, hull_deadline_ms(LOCK_MS));
	if (r < 0) {
		unlink(lock);
		rmdir(path);
		return r;
	}
	(void)hull_fault("rundir.locked");
	*ret_lock = steal_fd(&fd);
	return 0;
}

int hull_id_make(char ret_id[HULL_ID_LEN + 1], struct hull_error **err)
{
	unsigned char id[HULL_ID_LEN / 2];
	int r = hull_random(id, sizeof(id));

	if (r < 0)
		return hull_fail_errno(err, -r, "make an id");
	hull_hex(id, sizeof(id), ret_id);
	return 0;
}

bool hull_id_is_short(const char *s)
{
	return strspn(s, "0123456789abcdef") == HULL_SHORT_LEN && !s[HULL_SHORT_LEN];
}

static char *path_in(const char *vms, const char *id)
{
	char *path = NULL;

	return asprintf(&path, "%s/%.*s", vms, HULL_SHORT_LEN, id) < 0 ? NULL : path;
}

int hull_rundir_find(const char *id, char **ret_path, struct hull_error **err)
{
	cleanup_free char *run = NULL, *vms = NULL;

	if (hull_dirs_find_run(&run, err) < 0)
		return -1;
	vms = hull_path_join(run, "vm");
	*ret_path = vms ? path_in(vms, id) : NULL;
	return *ret_path ? 0 : hull_fail_nomem(err);
}

int hull_rundir_create(const char *id, struct hull_rundir *ret_dir, struct hull_error **err)
{
	cleanup_free char *vms = NULL, *path = NULL;
	cleanup_close int vms_fd = -1;
	struct hull_rundir dir = {.lock_fd = -1};
	int r;

	if (open_vms(&vms, &vms_fd, err) < 0)
		return -1;
	if (id)
		snprintf(dir.id, sizeof(dir.id), "%s", id);
	else if (hull_id_make(dir.id, err) < 0)
		return -1;
	path = path_in(vms, dir.id);
	if (!path)
		return hull_fail_nomem(err);
	r = lock_within(vms_fd, LOCK_SH, hull_deadline_ms(LOCK_MS));
	if (r < 0)
		return hull_fail_errno(err, -r, "lock run directory '%s'", vms);
	r = make_locked(path, &dir.lock_fd);
	if (r < 0) {
		hull_fail_errno(err, -r, "create run directory '%s'", path);
		if (r == -ENOSPC || r == -EDQUOT)
			hull_hint(err, HULL_DIRS_NO_ROOM);
		return -1;
	}
	dir.path = steal_ptr(&path);
	*ret_dir = dir;
	return 0;
}

void hull_rundir_fini(struct hull_rundir *dir)
{
	free(dir->path);
	hull_closep(&dir->lock_fd);
	*dir = (struct hull_rundir){.lock_fd = -1};
}

static void kill_group(const char *path)
{
	if (path && *path && hull_cgroup_destroy(path, hull_deadline_ms(KILL_MS)) < 0)
		hull_warn("rundir", "cannot remove cgroup %s, ignoring", path);
}

/* One of the monitor's files. */
static int read_json(const char *path, const char *name, struct hull_json **ret)
{
	cleanup_free char *file = hull_path_join(path, name);
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	int r = file ? hull_file_read(file, 65536, &text) : -ENOMEM;

	if (r < 0)
		return r;
	return hull_json_parse(text.data, text.len, ret, NULL) < 0 ? -EBADMSG : 0;
}

static uint64_t number(const struct hull_json *j, const char *key)
{
	uint64_t n = 0;

	(void)hull_json_get_u64(hull_json_get(j, key), &n);
	return n;
}

/* Where it still is the one that the monitor made, the path of it, else NULL.  A monitor that died
 * before it could tell which it made was about to make one there: that is one that nobody serves.
 */
static const char *same_socket(const struct hull_json *j)
{
	const char *path = hull_json_str(hull_json_get(j, "path"));
	struct stat st;

	if (!path || *path != '/' || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return NULL;
	if (!hull_json_get(j, "inode"))
		return st.st_uid == geteuid() && hull_unix_is_stale(path) ? path : NULL;
	if (st.st_dev != number(j, "device") || st.st_ino != number(j, "inode") ||
	    (uint64_t)st.st_mtim.tv_sec != number(j, "made_s") ||
	    (uint64_t)st.st_mtim.tv_nsec != number(j, "made_ns"))
		return NULL;
	return path;
}

static int list_sockets(const struct hull_json *record, struct hull_strv *ret)
{
	const struct hull_json *list = hull_json_get(record, "sockets");
	int r = 0;

	for (size_t i = 0; i < hull_json_length(list) && r == 0; i++) {
		const char *path = same_socket(hull_json_at(list, i));

		if (path)
			r = hull_strv_add(ret, path);
	}
	return r;
}

int hull_rundir_sockets(const char *path, struct hull_strv *ret)
{
	cleanup_json struct hull_json *j = NULL;
	int r = read_json(path, "monitor.json", &j);

	return r < 0 ? r : list_sockets(j, ret);
}

/* One that is killed lets go of its lock an instant before it lets go of its sockets. */
static void wait_for_monitor(const char *path)
{
	struct hull_process_id id;
	cleanup_close int fd = hull_rundir_monitor(path, &id) < 0 ? -1 : hull_process_open(&id);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd >= 0)
		(void)poll(&p, 1, KILL_MS);
}

/* The cgroups named in monitor.json hold whatever outlived its monitor; of its sockets, those that
 * are not in the run directory are named, too. */
static void kill_rest(const char *path)
{
	cleanup_json struct hull_json *j = NULL;
	cleanup_strv struct hull_strv sockets = {0};

	if (read_json(path, "monitor.json", &j) < 0)
		return; /* the monitor died before it started anything */
	kill_group(hull_json_str(hull_json_get(j, "cgroup")));
	kill_group(hull_json_str(hull_json_get(j, "cpu_cgroup")));
	if (hull_json_length(hull_json_get(j, "sockets")))
		wait_for_monitor(path);
	(void)list_sockets(j, &sockets);
	for (size_t i = 0; i < sockets.n; i++)
		if (unlink(sockets.v[i]) < 0)
			hull_warn("rundir", "cannot remove socket '%s', ignoring", sockets.v[i]);
}

static bool fresh_exit(const char *path)
{
	cleanup_free char *file = hull_path_join(path, "exit.json");
	struct stat st;

	return file && stat(file, &st) == 0 && time(NULL) - st.st_mtime < EXIT_KEPT_S;
}

/* Has the lock: nobody else can. */
static int reap_locked(const char *path, bool keep_exit, struct hull_error **err)
{
	int r;

	kill_rest(path);
	if (keep_exit && fresh_exit(path))
		return 0;
	r = hull_path_remove_tree(path);
	return r < 0 ? hull_fail_errno(err, -r, "remove run directory '%s'", path) : 1;
}

/* Nobody makes or takes the directory while @vms_fd stays locked, which it does where it is dead.
 * 1 and *ret_fd, the lock, which we have (-1: there is no lock file, its maker died); 0 it has
 * gone, -1. */
static int take_dead(const char *path, int vms_fd, int *ret_fd, struct hull_error **err)
{
	cleanup_free char *lock = hull_path_join(path, "lock");
	cleanup_close int fd = -1;
	int r;

	if (!lock)
		return hull_fail_nomem(err);
	if (access(path, F_OK) < 0)
		return 0;
	r = lock_within(vms_fd, LOCK_EX, hull_deadline_ms(LOCK_MS));
	if (r < 0)
		return hull_fail_errno(err, -r, "lock run directory");
	fd = open(lock, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		r = hull_fail_errno(err, errno, "open '%s'", lock);
	else if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = hull_fail_cause(err, HULL_E_BUSY, "running", "VM in '%s' is running", path);
	if (r < 0) {
		(void)flock(vms_fd, LOCK_UN);
		return -1;
	}
	*ret_fd = steal_fd(&fd);
	return 1;
}

/* 1 reaped, 0 nothing to do or kept, -1. */
static int reap(const char *path, int vms_fd, bool keep_exit, struct hull_error **err)
{
	cleanup_close int fd = -1;
	int r = take_dead(path, vms_fd, &fd, err);

	if (r <= 0)
		return r;
	/* From here on nobody makes or takes this directory: with the lock held others see a live
	 * VM; without a lock file its maker died, and makers are kept out only while we unlink. */
	if (fd >= 0)
		(void)flock(vms_fd, LOCK_UN);
	r = access(path, F_OK) < 0 ? 0 : reap_locked(path, keep_exit, err);

	(void)flock(vms_fd, LOCK_UN);
	return r;
}

int hull_rundir_reap(const char *path, bool keep_exit, struct hull_error **err)
{
	cleanup_free char *vms = NULL;
	cleanup_close int vms_fd = -1;

	if (open_vms(&vms, &vms_fd, err) < 0)
		return -1;
	return reap(path, vms_fd, keep_exit, err) < 0 ? -1 : 0;
}

static int each(int (*fn)(void *ctx, const char *path, int vms_fd, struct hull_error **err),
		void *ctx, struct hull_error **err)
{
	cleanup_free char *vms = NULL;
	cleanup_close int vms_fd = -1;
	struct dirent *e;
	int r = 0;
	DIR *d;

	if (open_vms(&vms, &vms_fd, err) < 0)
		return -1;
	d = opendir(vms);
	if (!d)
		return hull_fail_errno(err, errno, "list run directory '%s'", vms);
	while (r >= 0 && (e = readdir(d))) {
		cleanup_free char *path = NULL;

		if (!hull_id_is_short(e->d_name))
			continue;
		path = hull_path_join(vms, e->d_name);
		r = path ? fn(ctx, path, vms_fd, err) : hull_fail_nomem(err);
	}
	closedir(d);
	return r;
}

static int reap_one(void *ctx, const char *path, int vms_fd, struct hull_error **err)
{
	cleanup_error struct hull_error *why = NULL;
	int r = reap(path, vms_fd, true, &why);

	if (r > 0)
		++*(int *)ctx;
	else if (r < 0 && hull_error_code(why) != HULL_E_BUSY)
		hull_warn("rundir", "%s, ignoring", hull_error_message(why));
	return 0;
}

int hull_rundir_reap_all(struct hull_error **err)
{
	int n = 0;

	return each(reap_one, &n, err) < 0 ? -1 : n;
}

struct dead {
	struct hull_strv *list;
	bool keep_exit;
};

static int look(void *ctx, const char *path, int vms_fd, struct hull_error **err)
{
	struct dead *d = ctx;
	cleanup_close int fd = -1;
	int r = take_dead(path, vms_fd, &fd, NULL);

	if (r <= 0)
		return 0; /* it lives, or that can't be told */
	r = access(path, F_OK) == 0 && !(d->keep_exit && fresh_exit(path))
		    ? hull_strv_add(d->list, path)
		    : 0;
	(void)flock(vms_fd, LOCK_UN);
	return r < 0 ? hull_fail_nomem(err) : 0;
}

int hull_rundir_list_dead(bool keep_exit, struct hull_strv *ret, struct hull_error **err)
{
	struct dead d = {ret, keep_exit};

	return each(look, &d, err) < 0 ? -1 : 0;
}

int hull_rundir_is_dead(const char *path, struct hull_error **err)
{
	cleanup_free char *vms = NULL;
	cleanup_close int vms_fd = -1, fd = -1;
	cleanup_error struct hull_error *why = NULL;
	int r;

	if (open_vms(&vms, &vms_fd, err) < 0)
		return -1;
	r = take_dead(path, vms_fd, &fd, &why);
	(void)flock(vms_fd, LOCK_UN);
	if (r < 0 && hull_error_code(why) != HULL_E_BUSY)
		return hull_error_move(err, &why);
	return r >= 0;
}

/* ---- what the monitor has left there ---- */

bool hull_rundir_held(const char *path)
{
	cleanup_free char *lock = hull_path_join(path, "lock");
	cleanup_close int fd = lock ? open(lock, O_RDONLY | O_CLOEXEC) : -1;

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

int hull_rundir_monitor(const char *path, struct hull_process_id *ret_id)
{
	cleanup_json struct hull_json *j = NULL;
	struct hull_process_id id = {0};
	const char *boot;
	uint64_t pid;
	int r = read_json(path, "monitor.json", &j);

	if (r < 0)
		return r;
	boot = hull_json_str(hull_json_get(j, "boot_id"));
	if (!boot || strlen(boot) >= sizeof(id.boot) ||
	    hull_json_get_u64(hull_json_get(j, "pid"), &pid) < 0 || pid > INT_MAX ||
	    hull_json_get_u64(hull_json_get(j, "start_time"), &id.start) < 0)
		return -EBADMSG;
	id.pid = (pid_t)pid;
	memcpy(id.boot, boot, strlen(boot) + 1);
	*ret_id = id;
	return 0;
}

static char *text_of(const struct hull_json *j, const char *key)
{
	const char *s = hull_json_str(hull_json_get(j, key));

	return strdup(s ? s : "");
}

int hull_rundir_cgroup(const char *path, char **ret)
{
	cleanup_json struct hull_json *j = NULL;
	int r = read_json(path, "monitor.json", &j);

	if (r < 0)
		return r;
	*ret = text_of(j, "cgroup");
	return *ret ? 0 : -ENOMEM;
}

int hull_rundir_exit(const char *path, struct hull_vm_exit *ret_exit)
{
	cleanup_json struct hull_json *j = NULL;
	struct hull_vm_exit e = {0};
	int r = read_json(path, "exit.json", &j);

	if (r < 0)
		return r;
	(void)hull_json_get_u64(hull_json_get(j, "exited_at_ns"), &e.at_ns);
	e.reason = text_of(j, "reason");
	e.message = text_of(j, "message");
	e.code = text_of(j, "code");
	e.hint = text_of(j, "hint");
	if (e.reason && e.message && e.code && e.hint) {
		*ret_exit = e;
		return 0;
	}
	hull_vm_exit_fini(&e);
	return -ENOMEM;
}

void hull_vm_exit_fini(struct hull_vm_exit *exit)
{
	free(exit->reason);
	free(exit->message);
	free(exit->code);
	free(exit->hint);
	*exit = (struct hull_vm_exit){0};
}

int hull_rundir_restarts(const char *path, struct hull_vm_restarts *ret_restarts)
{
	cleanup_json struct hull_json *j = NULL;
	struct hull_vm_restarts x = {0};
	int r = read_json(path, HULL_RESTARTS_FILE, &j);

	if (r < 0)
		return r;
	x.n = number(j, "restarts");
	x.next_at_ns = number(j, "next_at_ns");
	x.reason = text_of(j, "reason");
	x.message = text_of(j, "message");
	if (x.reason && x.message) {
		*ret_restarts = x;
		return 0;
	}
	hull_vm_restarts_fini(&x);
	return -ENOMEM;
}

void hull_vm_restarts_fini(struct hull_vm_restarts *restarts)
{
	free(restarts->reason);
	free(restarts->message);
}
