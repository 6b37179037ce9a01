/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables, and how a database of an earlier hull becomes one of this.  Its version is the
 * number of the steps below that have been taken; a step that has been released never changes.
 *
 * Descriptions have a table of their own, so that a list of all VMs reads none of them.
 */
#define _GNU_SOURCE
#include "store/db.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const steps[] = {
	"CREATE TABLE vm (id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE, owner TEXT NOT NULL,"
	" state TEXT NOT NULL, cpus INTEGER NOT NULL, memory INTEGER NOT NULL,"
	" backend TEXT NOT NULL, agent TEXT NOT NULL, run_dir TEXT,"
	" monitor_pid INTEGER NOT NULL DEFAULT 0, monitor_start INTEGER NOT NULL DEFAULT 0,"
	" monitor_boot TEXT NOT NULL DEFAULT '',"
	" created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,"
	" started_ns INTEGER NOT NULL DEFAULT 0, stopped_ns INTEGER NOT NULL DEFAULT 0,"
	" reason TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',"
	" cause TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',"
	" hint TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
	"CREATE TABLE config (vm TEXT PRIMARY KEY NOT NULL"
	" REFERENCES vm (id) ON DELETE CASCADE, text TEXT NOT NULL);"
	"CREATE TABLE label (vm TEXT NOT NULL REFERENCES vm (id) ON DELETE CASCADE,"
	" key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (vm, key)) WITHOUT ROWID;"
	"CREATE TABLE claim (kind TEXT NOT NULL, key TEXT NOT NULL,"
	" vm TEXT NOT NULL REFERENCES vm (id) ON DELETE CASCADE,"
	" PRIMARY KEY (kind, key)) WITHOUT ROWID;"
	"CREATE INDEX claim_vm ON claim (vm);"
	"CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL,"
	" vm TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);",
};
#define VERSION ((int64_t)ARRAY_SIZE(steps))

static int get_version(struct hull_store *store, int64_t *ret, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;

	if (hull_db_query(store, err, &s, "PRAGMA user_version", "") < 0)
		return -1;
	*ret = sqlite3_column_int64(s, 0);
	return 0;
}

static int set_wal(struct hull_store *store, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	const char *mode;

	if (hull_db_query(store, err, &s, "PRAGMA journal_mode = WAL", "") < 0)
		return -1;
	mode = (const char *)sqlite3_column_text(s, 0);
	if (mode && !strcmp(mode, "wal"))
		return 0;
	return hull_fail_cause(err, HULL_E_UNSUPPORTED, "no-wal",
			       "the store '%s' can't have a write-ahead log: the file system does "
			       "not allow memory to be shared",
			       store->path);
}

static int take_steps(struct hull_store *store, struct hull_error **err)
{
	cleanup_free char *pragma = NULL;
	int64_t version;

	/* Asked again: somebody else may have been faster. */
	if (get_version(store, &version, err) < 0)
		return -1;
	for (; version < VERSION; version++)
		if (sqlite3_exec(store->db, steps[version], NULL, NULL, NULL) != SQLITE_OK)
			return hull_db_fail(store, err);
	if (asprintf(&pragma, "PRAGMA user_version = %" PRId64, version) < 0)
		return hull_fail_nomem(err);
	if (sqlite3_exec(store->db, pragma, NULL, NULL, NULL) != SQLITE_OK)
		return hull_db_fail(store, err);
	return 0;
}

/* Several may do so at once.  SQLite reads for it before it writes, and where it has begun to read
 * it does not wait for who writes. */
static int use_wal(struct hull_store *store, struct hull_error **err)
{
	for (int times = 0;; times++) {
		cleanup_error struct hull_error *why = NULL;

		if (set_wal(store, &why) == 0)
			return 0;
		if (hull_error_code(why) != HULL_E_TIMEOUT || !hull_db_wait(store, times))
			return hull_error_move(err, &why);
	}
}

int hull_db_migrate(struct hull_store *store, struct hull_error **err)
{
	int64_t version;

	if (get_version(store, &version, err) < 0)
		return -1;
	if (version > VERSION) {
		hull_fail_cause(err, HULL_E_UNSUPPORTED, "newer",
				"the store '%s' is of a newer hull (version %" PRId64
				", this one knows %" PRId64 ")",
				store->path, version, VERSION);
		hull_hint(err, "use that hull, or another HULL_HOME for this one");
		return -1;
	}
	if (version == VERSION)
		return 0;
	if (use_wal(store, err) < 0 || hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, take_steps(store, err), err);
}
