/* SPDX-License-Identifier: Apache-2.0
 *
 * VMs and their labels as rows, see records.h.  Each change writes its event in the same
 * transaction, so that what followers see is what happened.
 */
#define _GNU_SOURCE
#include "store/records.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/utf8.h"
#include "store/db.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define CANDIDATES_MAX 10 /* named when several fit */

const char *const hull_vm_state_names[HULL_VM_STATES + 1] = {
	"creating", "created", "starting", "running",  "paused",
	"stopping", "stopped", "error",	   "deleting", NULL};

#define COLUMNS                                                                         \
	"id, name, owner, state, cpus, memory, backend, agent, run_dir, monitor_pid,"   \
	" monitor_start, monitor_boot, created_ns, updated_ns, started_ns, stopped_ns," \
	" reason, code, cause, message, hint"

/* ---- memory ---- */

int hull_labels_add(struct hull_labels *labels, const char *key, const char *value)
{
	struct hull_label *l = hull_vec_push(labels);

	if (!l)
		return -ENOMEM;
	l->key = strdup(key);
	l->value = value ? strdup(value) : NULL;
	return l->key && (l->value || !value) ? 0 : -ENOMEM;
}

/* @len bytes that are shown as they are. */
static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = hull_utf8_length(s + i, len - i);
		/* C1, which terminals heed too, is U+0080 to U+009F. */
		if (!n || iscntrl((unsigned char)s[i]) ||
		    (s[i] == '\xc2' && (unsigned char)s[i + 1] < 0xa0))
			return false;
	}
	return true;
}

int hull_label_check(const char *key, const char *value, struct hull_error **err)
{
	size_t key_len = strlen(key), len = value ? strlen(value) : 0;
	const char *why = NULL;

	if (!key_len)
		why = "has no key";
	else if (!value)
		why = NULL; /* it goes, whatever it was */
	else if (key_len > HULL_STORE_LABEL_MAX || len > HULL_STORE_LABEL_MAX)
		why = "is too long";
	else if (strchr(key, '='))
		why = "has '=' in its key";
	else if (!is_plain(key, key_len) || !is_plain(value, len))
		why = "is not plain text in UTF-8";
	if (!why)
		return 0;
	hull_fail_cause(err, HULL_E_INVALID, "bad-label", "label '%.64s' %s", key, why);
	hull_hint(err, "write it like KEY=VALUE, each of at most %d bytes", HULL_STORE_LABEL_MAX);
	return -1;
}

const char *hull_labels_get(const struct hull_labels *labels, const char *key)
{
	for (size_t i = 0; i < labels->n; i++)
		if (!strcmp(labels->v[i].key, key))
			return labels->v[i].value;
	return NULL;
}

void hull_labels_fini(struct hull_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		free(labels->v[i].key);
		free(labels->v[i].value);
	}
	free(labels->v);
	*labels = (struct hull_labels){0};
}

void hull_record_fini(struct hull_record *r)
{
	char *const strings[] = {r->name,   r->owner, r->backend, r->agent,   r->config, r->run_dir,
				 r->reason, r->code,  r->cause,	  r->message, r->hint};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	hull_labels_fini(&r->labels);
	*r = (struct hull_record){0};
}

void hull_records_fini(struct hull_records *records)
{
	for (size_t i = 0; i < records->n; i++)
		hull_record_fini(&records->v[i]);
	free(records->v);
	*records = (struct hull_records){0};
}

int hull_store_check_name(const char *name, struct hull_error **err)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	/* An id must stay one, whole or as it is shown. */
	if ((n == HULL_STORE_ID_LEN || n == HULL_STORE_SHORT_LEN) && !name[n] &&
	    strspn(name, "0123456789abcdef") == n) {
		hull_fail_cause(err, HULL_E_INVALID, "bad-name",
				"name '%s' can't be one: it looks like an id", name);
		hull_hint(err, "have a letter in it that is beyond 'f'");
		return -1;
	}
	if (!name[n] && n && n <= HULL_STORE_NAME_MAX && isalnum((unsigned char)*name))
		return 0;
	hull_fail_cause(err, HULL_E_INVALID, "bad-name", "name '%s' can't be one", name);
	hull_hint(err,
		  "up to %d letters of ASCII, digits, '.', '_' and '-', of which the first is "
		  "a letter or digit",
		  HULL_STORE_NAME_MAX);
	return -1;
}

/* ---- from rows ---- */

static char *text(sqlite3_stmt *s, int column, bool *failed)
{
	const char *v = (const char *)sqlite3_column_text(s, column);
	char *copy = v ? strdup(v) : NULL;

	*failed |= v && !copy;
	return copy;
}

static enum hull_vm_state state_of(const char *name)
{
	enum hull_vm_state i = 0;

	while (i < HULL_VM_ERROR && (!name || strcmp(hull_vm_state_names[i], name)))
		i++;
	if (name && !strcmp(name, hull_vm_state_names[HULL_VM_DELETING]))
		return HULL_VM_DELETING;
	return i;
}

/* The columns of COLUMNS. */
static int read_row(sqlite3_stmt *s, struct hull_record *r, struct hull_error **err)
{
	const char *id = (const char *)sqlite3_column_text(s, 0);
	const char *boot = (const char *)sqlite3_column_text(s, 11);
	bool failed = false;

	if (id)
		memccpy(r->id, id, '\0', sizeof(r->id) - 1);
	r->name = text(s, 1, &failed);
	r->owner = text(s, 2, &failed);
	r->state = state_of((const char *)sqlite3_column_text(s, 3));
	r->cpus = (uint64_t)sqlite3_column_int64(s, 4);
	r->memory = (uint64_t)sqlite3_column_int64(s, 5);
	r->backend = text(s, 6, &failed);
	r->agent = text(s, 7, &failed);
	r->run_dir = text(s, 8, &failed);
	r->monitor.pid = sqlite3_column_int(s, 9);
	r->monitor.start = (uint64_t)sqlite3_column_int64(s, 10);
	if (boot)
		memccpy(r->monitor.boot, boot, '\0', sizeof(r->monitor.boot) - 1);
	r->created_ns = (uint64_t)sqlite3_column_int64(s, 12);
	r->updated_ns = (uint64_t)sqlite3_column_int64(s, 13);
	r->started_ns = (uint64_t)sqlite3_column_int64(s, 14);
	r->stopped_ns = (uint64_t)sqlite3_column_int64(s, 15);
	r->reason = text(s, 16, &failed);
	r->code = text(s, 17, &failed);
	r->cause = text(s, 18, &failed);
	r->message = text(s, 19, &failed);
	r->hint = text(s, 20, &failed);
	return failed ? hull_fail_nomem(err) : 0;
}

static int read_labels(struct hull_store *store, struct hull_record *r, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	int step =
		hull_db_query(store, err, &s,
			      "SELECT key, value FROM label WHERE vm = ? ORDER BY key", "s", r->id);

	for (; step == SQLITE_ROW; step = hull_db_step(store, s, err))
		if (hull_labels_add(&r->labels, (const char *)sqlite3_column_text(s, 0),
				    (const char *)sqlite3_column_text(s, 1)) < 0)
			return hull_fail_nomem(err);
	return step < 0 ? -1 : 0;
}

static int read_config(struct hull_store *store, struct hull_record *r, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	bool failed = false;
	int step =
		hull_db_query(store, err, &s, "SELECT text FROM config WHERE vm = ?", "s", r->id);

	if (step == SQLITE_ROW)
		r->config = text(s, 0, &failed);
	return step < 0 ? -1 : failed ? hull_fail_nomem(err) : 0;
}

/* ---- finding ---- */

/* 1 if there is one. */
static int read_one(struct hull_store *store, const char *sql, const char *ref,
		    struct hull_record *r, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	int step = hull_db_query(store, err, &s, sql, "s", ref);

	if (step != SQLITE_ROW)
		return step < 0 ? -1 : 0;
	return read_row(s, r, err) < 0 ? -1 : 1;
}

static int fail_ambiguous(const char *ref, sqlite3_stmt *s, const struct hull_record *first,
			  struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf list = HULL_STRBUF_INIT;
	int n = 2;

	hull_strbuf_addf(&list, "%.12s", first->id);
	do
		hull_strbuf_addf(&list, ", %.12s", (const char *)sqlite3_column_text(s, 0));
	while (++n <= CANDIDATES_MAX && sqlite3_step(s) == SQLITE_ROW);
	if (n > CANDIDATES_MAX)
		hull_strbuf_adds(&list, ", ...");
	return hull_fail_cause(err, HULL_E_INVALID, "ambiguous",
			       "'%s' begins the ids of several VMs: %s", ref,
			       hull_strbuf_str(&list));
}

static int find_prefix(struct hull_store *store, const char *ref, struct hull_record *r,
		       struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	size_t len = strlen(ref);
	char end[HULL_STORE_ID_LEN + 1];
	int step;

	if (len < HULL_STORE_PREFIX_MIN || len >= HULL_STORE_ID_LEN ||
	    strspn(ref, "0123456789abcdef") < len)
		return 0;
	/* "g" is behind all digits. */
	memcpy(end, ref, len);
	memcpy(end + len, "g", 2);
	step = hull_db_query(store, err, &s,
			     "SELECT " COLUMNS " FROM vm WHERE id >= ? AND id < ? ORDER BY id",
			     "ss", ref, end);
	if (step != SQLITE_ROW)
		return step < 0 ? -1 : 0;
	if (read_row(s, r, err) < 0)
		return -1;
	step = hull_db_step(store, s, err);
	if (step == SQLITE_ROW)
		return fail_ambiguous(ref, s, r, err);
	return step < 0 ? -1 : 1;
}

static int fail_absent(struct hull_store *store, const char *ref, struct hull_error **err)
{
	cleanup_strv struct hull_strv names = {0};
	cleanup_reset sqlite3_stmt *s = NULL;
	char near[HULL_NEAR_LEN] = "";

	int step = hull_db_query(store, NULL, &s,
				 "SELECT name FROM vm WHERE name NOT NULL LIMIT 1000", "");

	for (; step == SQLITE_ROW; step = hull_db_step(store, s, NULL))
		(void)hull_strv_add(&names, (const char *)sqlite3_column_text(s, 0));
	if (!names.failed && names.n)
		hull_did_you_mean(ref, (const char *const *)names.v, "", near);
	hull_fail(err, HULL_E_NOT_FOUND, "there is no VM '%s'%s", ref, near);
	if (!*near)
		hull_hint(err, "'hull ls' lists those that there are");
	return -1;
}

int hull_store_find(struct hull_store *store, const char *ref, struct hull_record *ret_record,
		    struct hull_error **err)
{
	struct hull_record r = {0};
	int found;

	if (!ref || !*ref)
		return hull_fail(err, HULL_E_INVALID, "no VM was named");
	found = read_one(store, "SELECT " COLUMNS " FROM vm WHERE id = ?", ref, &r, err);
	if (found == 0)
		found = read_one(store, "SELECT " COLUMNS " FROM vm WHERE name = ?", ref, &r, err);
	if (found == 0)
		found = find_prefix(store, ref, &r, err);
	if (found == 0)
		found = fail_absent(store, ref, err);
	if (found < 0 || read_labels(store, &r, err) < 0 || read_config(store, &r, err) < 0) {
		hull_record_fini(&r);
		return -1;
	}
	*ret_record = r;
	return 0;
}

/* Both are in the order of ids. */
static int list_labels(struct hull_store *store, struct hull_records *records,
		       struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	size_t i = 0;
	int step = hull_db_query(store, err, &s,
				 "SELECT vm, key, value FROM label ORDER BY vm, key", "");

	for (; step == SQLITE_ROW; step = hull_db_step(store, s, err)) {
		const char *id = (const char *)sqlite3_column_text(s, 0);

		while (i < records->n && strcmp(records->v[i].id, id) < 0)
			i++;
		if (i == records->n || strcmp(records->v[i].id, id))
			continue;
		if (hull_labels_add(&records->v[i].labels, (const char *)sqlite3_column_text(s, 1),
				    (const char *)sqlite3_column_text(s, 2)) < 0)
			return hull_fail_nomem(err);
	}
	return step < 0 ? -1 : 0;
}

static int list_rows(struct hull_store *store, struct hull_records *records,
		     struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	int step = hull_db_query(store, err, &s, "SELECT " COLUMNS " FROM vm", "");

	for (; step == SQLITE_ROW; step = hull_db_step(store, s, err)) {
		struct hull_record *r = hull_vec_push(records);

		if (!r)
			return hull_fail_nomem(err);
		*r = (struct hull_record){0};
		if (read_row(s, r, err) < 0)
			return -1;
	}
	return step < 0 ? -1 : 0;
}

static int by_age(const void *a, const void *b)
{
	const struct hull_record *x = a, *y = b;

	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* The table is read from its beginning to its end, which is an order of ids: to have it in that of
 * an index takes a search for each. */
int hull_store_list(struct hull_store *store, struct hull_records *ret_records,
		    struct hull_error **err)
{
	struct hull_records records = {0};

	if (list_rows(store, &records, err) < 0 || list_labels(store, &records, err) < 0) {
		hull_records_fini(&records);
		return -1;
	}
	if (records.n) /* of nothing there is not even a table */
		qsort(records.v, records.n, sizeof(*records.v), by_age);
	*ret_records = records;
	return 0;
}

/* ---- changing ---- */

/* "": what a row has where nothing is to be told. */
static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int add_labels(struct hull_store *store, const char *id, const struct hull_labels *labels,
		      struct hull_error **err)
{
	for (size_t i = 0; i < labels->n; i++) {
		const struct hull_label *l = &labels->v[i];
		int r = l->value ? hull_db_run(store, err,
					       "INSERT OR REPLACE INTO label VALUES (?, ?, ?)",
					       "sss", id, l->key, l->value)
				 : hull_db_run(store, err,
					       "DELETE FROM label WHERE vm = ? AND key = ?", "ss",
					       id, l->key);
		if (r < 0)
			return -1;
	}
	return 0;
}

/* That @name is no other VM's. */
static int check_free(struct hull_store *store, const char *id, const char *name,
		      struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	int found =
		name ? read_one(store, "SELECT " COLUMNS " FROM vm WHERE name = ?", name, &r, err)
		     : 0;

	if (found <= 0 || !strcmp(r.id, id))
		return MIN(found, 0);
	hull_fail_cause(err, HULL_E_EXISTS, "name-taken", "the name '%s' is that of VM %.12s", name,
			r.id);
	hull_hint(err, "choose another, or remove that one with 'hull rm %s'", name);
	return -1;
}

static int add_rows(struct hull_store *store, const struct hull_record *r, struct hull_error **err)
{
	const char *state = hull_vm_state_names[r->state];

	if (check_free(store, r->id, r->name, err) < 0 ||
	    hull_db_run(
		    store, err,
		    "INSERT INTO vm (id, name, owner, state, cpus, memory, backend, agent,"
		    " run_dir, created_ns, updated_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    "ssssuusssuu", r->id, r->name, r->owner, state, r->cpus, r->memory,
		    or_empty(r->backend), or_empty(r->agent), r->run_dir, r->created_ns,
		    r->created_ns) < 0 ||
	    hull_db_run(store, err, "INSERT INTO config VALUES (?, ?)", "ss", r->id,
			or_empty(r->config)) < 0 ||
	    add_labels(store, r->id, &r->labels, err) < 0)
		return -1;
	return hull_store_add_event(store, r->id, state, "", err);
}

int hull_store_add(struct hull_store *store, const struct hull_record *record,
		   struct hull_error **err)
{
	if (record->name && hull_store_check_name(record->name, err) < 0)
		return -1;
	if (hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, add_rows(store, record, err), err);
}

/* How many rows a change of one VM has touched: none, where it has gone. */
static int expect_one(int n, const char *id, struct hull_error **err)
{
	if (n)
		return n < 0 ? -1 : 0;
	return hull_fail(err, HULL_E_NOT_FOUND, "VM %.12s has gone", id);
}

static int change_rows(struct hull_store *store, const char *id, const struct hull_change *c,
		       struct hull_error **err)
{
	const char *state = hull_vm_state_names[c->state];

	if (expect_one(hull_db_run(store, err,
				   "UPDATE vm SET state = ?, updated_ns = ?,"
				   " started_ns = ifnull(nullif(?, 0), started_ns),"
				   " stopped_ns = ifnull(nullif(?, 0), stopped_ns),"
				   " reason = ifnull(?, reason), code = ifnull(?, code),"
				   " cause = ifnull(?, cause), message = ifnull(?, message),"
				   " hint = ifnull(?, hint) WHERE id = ?",
				   "suuussssss", state, hull_realtime_ns(), c->started_ns,
				   c->stopped_ns, c->reason, c->code, c->cause, c->message, c->hint,
				   id),
		       id, err) < 0)
		return -1;
	if (c->set_monitor &&
	    hull_db_run(store, err,
			"UPDATE vm SET run_dir = ?, monitor_pid = ?, monitor_start = ?,"
			" monitor_boot = ? WHERE id = ?",
			"siuss", c->run_dir, (int64_t)c->monitor.pid, c->monitor.start,
			c->monitor.boot, id) < 0)
		return -1;
	return hull_store_add_event(store, id, c->event ? c->event : state,
				    c->detail ? c->detail : or_empty(c->reason), err);
}

int hull_store_change(struct hull_store *store, const char *id, const struct hull_change *change,
		      struct hull_error **err)
{
	if (hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, change_rows(store, id, change, err), err);
}

static int rename_row(struct hull_store *store, const char *id, const char *name,
		      struct hull_error **err)
{
	if (check_free(store, id, name, err) < 0 ||
	    expect_one(hull_db_run(store, err,
				   "UPDATE vm SET name = ?, updated_ns = ? WHERE id = ?", "sus",
				   name, hull_realtime_ns(), id),
		       id, err) < 0)
		return -1;
	return hull_store_add_event(store, id, "renamed", name, err);
}

int hull_store_rename(struct hull_store *store, const char *id, const char *name,
		      struct hull_error **err)
{
	if (hull_store_check_name(name ? name : "", err) < 0 || hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, rename_row(store, id, name, err), err);
}

static int label_rows(struct hull_store *store, const char *id, const struct hull_labels *labels,
		      struct hull_error **err)
{
	if (expect_one(hull_db_run(store, err, "UPDATE vm SET updated_ns = ? WHERE id = ?", "us",
				   hull_realtime_ns(), id),
		       id, err) < 0 ||
	    add_labels(store, id, labels, err) < 0)
		return -1;
	return hull_store_add_event(store, id, "updated", "labels", err);
}

int hull_store_set_labels(struct hull_store *store, const char *id,
			  const struct hull_labels *labels, struct hull_error **err)
{
	if (hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, label_rows(store, id, labels, err), err);
}

static int remove_rows(struct hull_store *store, const char *id, struct hull_error **err)
{
	/* The event first, which knows the name. */
	if (hull_store_add_event(store, id, "deleted", "", err) < 0)
		return -1;
	return hull_db_run(store, err, "DELETE FROM vm WHERE id = ?", "s", id);
}

int hull_store_remove(struct hull_store *store, const char *id, struct hull_error **err)
{
	if (hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, remove_rows(store, id, err), err) < 0 ? -1 : 0;
}
