/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store's own files share: statements with their parameters, transactions, and what
 * SQLite's errors mean to a user.
 */
#ifndef HULL_STORE_DB_H
#define HULL_STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

#define HULL_DB_STATEMENTS 40

struct hull_store {
	sqlite3 *db;
	char *path, *lock_path;
	uint64_t deadline_ns; /* 0: none */
	uint64_t until_ns;    /* of the present wait */
	struct {
		const char *sql; /* by address: they are literals */
		sqlite3_stmt *stmt;
	} statements[HULL_DB_STATEMENTS];
};

/* @types has a letter for each parameter: s a string, which may be NULL; i an int64_t; u a
 * uint64_t, which is stored as it lies in the former.
 * For rows: SQLITE_ROW or SQLITE_DONE of the first step, or -1; reset it after use. */
int hull_db_query(struct hull_store *store, struct hull_error **err, sqlite3_stmt **ret_stmt,
		  const char *sql, const char *types, ...);
/* The next one's likewise. */
int hull_db_step(struct hull_store *store, sqlite3_stmt *stmt, struct hull_error **err);
/* Without rows: how many were changed, or -1. */
int hull_db_run(struct hull_store *store, struct hull_error **err, const char *sql,
		const char *types, ...);
static inline void hull_db_resetp(sqlite3_stmt **stmt)
{
	sqlite3_reset(*stmt); /* NULL is harmless */
}
#define cleanup_reset __attribute__((cleanup(hull_db_resetp)))

/* For writing; others' are waited for until the deadline. */
int hull_db_begin(struct hull_store *store, struct hull_error **err);
/* Commits if @r is >= 0, which is returned then; else, and where that fails, all is as before. */
int hull_db_end(struct hull_store *store, int r, struct hull_error **err);

/* What SQLite has just failed with. Returns -1. */
int hull_db_fail(struct hull_store *store, struct hull_error **err);

/* Before the next try where something is locked, @times such having failed; false: it is too late. */
bool hull_db_wait(struct hull_store *store, int times);

/* The database's tables as this program knows them; made or brought up to date. */
int hull_db_migrate(struct hull_store *store, struct hull_error **err);

#endif
