/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening the database, waiting for others, and what SQLite's errors mean, see store.h and db.h.
 *
 * The write-ahead log is not folded into the database whenever the last process closes it, which
 * would be two fsync() for each verb, but when it has grown.  Then it is emptied as well: each
 * process that opens the database as the only one reads all of the log, and can't know what of it
 * has been folded in already.
 */
#define _GNU_SOURCE
#include "store/store.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "store/db.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>

#define FILE_NAME "hull.db"
#define WAIT_MS 10000
#define WAIT_MAX_US 5000
#define LOG_PAGES 100	   /* from which on the log is folded in */
#define LOG_PAGES_STEP 16  /* more than a transaction has */
#define WAL_WRITE_LOCK 120 /* of the shared memory: the byte that a writer holds */

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif

/* ---- errors ---- */

/* Whether a line of /proc/locks is that of the lock that writers hold, of file @st; then its pid.
 */
static bool is_writer(const char *line, const struct stat *st, int *ret_pid)
{
	unsigned int major, minor;
	unsigned long long inode, from;

	return sscanf(line, "%*d: POSIX %*s WRITE %d %x:%x:%llu %llu", ret_pid, &major, &minor,
		      &inode, &from) == 5 &&
	       makedev(major, minor) == st->st_dev && inode == st->st_ino && from == WAL_WRITE_LOCK;
}

/* Who holds the lock that others wait for, if that can be told: " by process 12 (hull)".  The file
 * may not be opened for that: to close it would give back all of our own locks on it. */
static void name_holder(struct hull_store *store, char *ret, size_t len)
{
	cleanup_strbuf struct hull_strbuf locks = HULL_STRBUF_INIT, comm = HULL_STRBUF_INIT;
	cleanup_free char *shm = NULL;
	char path[32], *save = NULL;
	struct stat st;
	int pid;

	*ret = '\0';
	if (asprintf(&shm, "%s-shm", store->path) < 0 || stat(shm, &st) < 0 ||
	    hull_file_read("/proc/locks", 1 << 20, &locks) < 0 || !locks.len)
		return;
	for (char *l = strtok_r(locks.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (!is_writer(l, &st, &pid))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (hull_file_read(path, 64, &comm) == 0 && comm.len) {
			comm.data[comm.len - 1] = '\0';
			snprintf(ret, len, " by process %d (%s)", pid, comm.data);
		}
		return;
	}
}

static int fail_busy(struct hull_store *store, struct hull_error **err)
{
	char holder[64];

	name_holder(store, holder, sizeof(holder));
	hull_fail_cause(err, HULL_E_TIMEOUT, "store-locked",
			"the store '%s' is locked%s, and was not released in time", store->path,
			holder);
	hull_hint(err, "a process that is stopped may hold it: let it go on, or end it");
	return -1;
}

static int fail_corrupt(struct hull_store *store, const char *why, struct hull_error **err)
{
	hull_fail_cause(err, HULL_E_CORRUPT, "store-damaged", "the store '%s' is damaged: %s",
			store->path, why);
	hull_hint(err,
		  "nothing has been changed; move it away with its -wal and -shm files to begin "
		  "anew, and save what is in it with: sqlite3 '%s' .recover",
		  store->path);
	return -1;
}

int hull_db_fail(struct hull_store *store, struct hull_error **err)
{
	int code = sqlite3_errcode(store->db), errnum = sqlite3_system_errno(store->db);
	const char *text = sqlite3_errmsg(store->db);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fail_busy(store, err);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return fail_corrupt(store, text, err);
	case SQLITE_NOMEM:
		return hull_fail_nomem(err);
	case SQLITE_FULL:
		return hull_fail_errno(err, ENOSPC, "write the store '%s'", store->path);
	case SQLITE_READONLY:
		return hull_fail_errno(err, EROFS, "write the store '%s'", store->path);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
		return hull_fail_errno(err, errnum ? errnum : EIO, "use the store '%s'",
				       store->path);
	default:
		return hull_fail(err, HULL_E_INTERNAL, "the store '%s': %s", store->path, text);
	}
}

/* ---- statements ---- */

/* Prepared once for each handle. */
static int prepare(struct hull_store *store, const char *sql, sqlite3_stmt **ret,
		   struct hull_error **err)
{
	size_t i = 0;

	while (i < HULL_DB_STATEMENTS - 1 && store->statements[i].sql &&
	       store->statements[i].sql != sql)
		i++;
	if (store->statements[i].sql != sql) {
		sqlite3_finalize(store->statements[i].stmt);
		store->statements[i].sql = NULL;
		if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
				       &store->statements[i].stmt, NULL) != SQLITE_OK)
			return hull_db_fail(store, err);
		store->statements[i].sql = sql;
	}
	*ret = store->statements[i].stmt;
	sqlite3_clear_bindings(*ret);
	return 0;
}

static int bind(struct hull_store *store, sqlite3_stmt *s, const char *types, va_list ap,
		struct hull_error **err)
{
	for (int i = 1; types[i - 1]; i++) {
		int r;

		if (types[i - 1] == 's')
			r = sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
		else if (types[i - 1] == 'i')
			r = sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
		else
			r = sqlite3_bind_int64(s, i, (int64_t)va_arg(ap, uint64_t));
		if (r != SQLITE_OK)
			return hull_db_fail(store, err);
	}
	return 0;
}

int hull_db_step(struct hull_store *store, sqlite3_stmt *stmt, struct hull_error **err)
{
	int r = sqlite3_step(stmt);

	return r == SQLITE_ROW || r == SQLITE_DONE ? r : hull_db_fail(store, err);
}

static int query(struct hull_store *store, struct hull_error **err, sqlite3_stmt **ret_stmt,
		 const char *sql, const char *types, va_list ap)
{
	if (prepare(store, sql, ret_stmt, err) < 0 || bind(store, *ret_stmt, types, ap, err) < 0)
		return -1;
	return hull_db_step(store, *ret_stmt, err);
}

int hull_db_query(struct hull_store *store, struct hull_error **err, sqlite3_stmt **ret_stmt,
		  const char *sql, const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(store, err, ret_stmt, sql, types, ap);
	va_end(ap);
	return r;
}

int hull_db_run(struct hull_store *store, struct hull_error **err, const char *sql,
		const char *types, ...)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(store, err, &s, sql, types, ap);
	va_end(ap);
	return r < 0 ? -1 : sqlite3_changes(store->db);
}

int hull_db_begin(struct hull_store *store, struct hull_error **err)
{
	int r = hull_fault("store.begin");

	if (r < 0)
		return hull_fail_errno(err, -r, "write the store '%s'", store->path);
	return hull_db_run(store, err, "BEGIN IMMEDIATE", "") < 0 ? -1 : 0;
}

int hull_db_end(struct hull_store *store, int r, struct hull_error **err)
{
	int fault = r < 0 ? 0 : hull_fault("store.commit");

	if (fault < 0)
		r = hull_fail_errno(err, -fault, "write the store '%s'", store->path);
	if (r >= 0 && hull_db_run(store, err, "COMMIT", "") < 0)
		r = -1;
	(void)hull_fault("store.committed");
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		(void)hull_db_run(store, NULL, "ROLLBACK", "");
	return r;
}

/* ---- opening ---- */

/* SQLite's own steps grow to 100 ms, which is long where each transaction takes microseconds. */
bool hull_db_wait(struct hull_store *store, int times)
{
	uint16_t chance = 0;
	long us;

	if (!times)
		store->until_ns = hull_deadline_ms(WAIT_MS);
	if (!hull_ms_left(store->until_ns) ||
	    (store->deadline_ns && !hull_ms_left(store->deadline_ns)))
		return false;
	(void)hull_random(&chance, sizeof(chance));
	us = MIN(50L << MIN(times, 7), WAIT_MAX_US);
	us = us / 2 + chance % us; /* so that two who wait don't do so in step */
	(void)nanosleep(&(struct timespec){0, us * 1000}, NULL);
	return true;
}

static int on_busy(void *ctx, int times)
{
	return hull_db_wait(ctx, times);
}

/* After a commit.  Where somebody reads just now it is left for the next, some pages later. */
static int on_grown(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct hull_store *store = ctx;

	if (pages < LOG_PAGES || pages % LOG_PAGES >= LOG_PAGES_STEP)
		return SQLITE_OK;
	sqlite3_busy_handler(db, NULL, NULL);
	(void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_handler(db, on_busy, store);
	return SQLITE_OK;
}

/* Where locks, or memory shared between hosts, can't be relied on. */
static int check_file_system(const char *dir, struct hull_error **err)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} remote[] = {
		{NFS_SUPER_MAGIC, "NFS"},   {SMB_SUPER_MAGIC, "SMB"},	{CIFS_SUPER_MAGIC, "CIFS"},
		{SMB2_SUPER_MAGIC, "SMB"},  {CEPH_SUPER_MAGIC, "Ceph"}, {AFS_SUPER_MAGIC, "AFS"},
		{CODA_SUPER_MAGIC, "Coda"}, {V9FS_MAGIC, "9p"},
	};
	struct statfs st;

	if (statfs(dir, &st) < 0)
		return hull_fail_errno(err, errno, "look at the file system of '%s'", dir);
	for (size_t i = 0; i < ARRAY_SIZE(remote); i++) {
		if (((unsigned long)st.f_type & 0xffffffff) != remote[i].magic)
			continue;
		hull_fail_cause(err, HULL_E_UNSUPPORTED, "network-file-system",
				"the store can't be in '%s', a file system over the network (%s): "
				"its locks can't be relied on",
				dir, remote[i].name);
		hull_hint(err, "set HULL_HOME to a directory of this host");
		return -1;
	}
	return 0;
}

/* SQLite would make it readable for all; its other files get this one's mode.  It is closed before
 * it has its name: to close it later could give back locks that another handle of ours has. */
static int make_file(struct hull_store *store, struct hull_error **err)
{
	cleanup_free char *name = NULL;
	int fd, r;

	if (access(store->path, F_OK) == 0)
		return 0;
	if (asprintf(&name, "%s.XXXXXX", store->path) < 0)
		return hull_fail_nomem(err);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return hull_fail_errno(err, errno, "make the store '%s'", store->path);
	close(fd);
	r = link(name, store->path) < 0 && errno != EEXIST ? -errno : 0;
	unlink(name);
	return r < 0 ? hull_fail_errno(err, -r, "make the store '%s'", store->path) : 0;
}

static int open_db(struct hull_store *store, struct hull_error **err)
{
	int r = sqlite3_open_v2(store->path, &store->db,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
					SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
				NULL);

	if (!store->db)
		return hull_fail_nomem(err);
	if (r != SQLITE_OK)
		return hull_db_fail(store, err);
	sqlite3_busy_handler(store->db, on_busy, store);
	sqlite3_wal_hook(store->db, on_grown, store);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	if (sqlite3_exec(store->db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000", NULL,
			 NULL, NULL) != SQLITE_OK)
		return hull_db_fail(store, err);
	return hull_db_migrate(store, err);
}

int hull_store_open(const char *dir, uint64_t deadline_ns, struct hull_store **ret_store,
		    struct hull_error **err)
{
	struct hull_store *store = calloc(1, sizeof(*store));

	if (!store)
		return hull_fail_nomem(err);
	store->deadline_ns = deadline_ns;
	store->path = hull_path_join(dir, FILE_NAME);
	store->lock_path = hull_path_join(dir, "lock");
	if (!store->path || !store->lock_path) {
		hull_fail_nomem(err);
		goto fail;
	}
	if (check_file_system(dir, err) < 0 || make_file(store, err) < 0 || open_db(store, err) < 0)
		goto fail;
	*ret_store = store;
	return 0;
fail:
	hull_store_close(store);
	return -1;
}

void hull_store_close(struct hull_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < HULL_DB_STATEMENTS; i++)
		sqlite3_finalize(store->statements[i].stmt);
	sqlite3_close(store->db);
	free(store->lock_path);
	free(store->path);
	free(store);
}

void hull_store_set_deadline(struct hull_store *store, uint64_t deadline_ns)
{
	store->deadline_ns = deadline_ns;
}

int hull_store_version(struct hull_store *store, uint64_t *ret_version, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;

	if (hull_db_query(store, err, &s, "PRAGMA data_version", "") < 0)
		return -1;
	*ret_version = (uint64_t)sqlite3_column_int64(s, 0);
	return 0;
}

/* Every change is written to the log, and only now and then to the database.  Both may be replaced,
 * so it is their directory that is watched. */
int hull_store_watch(struct hull_store *store, struct hull_error **err)
{
	cleanup_free char *dir = strdup(store->path);
	int fd = dir ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1, errnum;

	if (!dir)
		return hull_fail_nomem(err);
	*strrchr(dir, '/') = '\0';
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0)
		return fd;
	errnum = errno;
	hull_fail_errno(err, errnum, "watch the store '%s'", store->path);
	if (errnum == ENOSPC || errnum == EMFILE)
		hull_hint(err, "raise fs.inotify.max_user_watches and max_user_instances");
	hull_closep(&fd);
	return -1;
}
