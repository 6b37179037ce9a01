/* SPDX-License-Identifier: Apache-2.0
 *
 * Which VMs are meant, and how a VM is printed, see vms.h.
 */
#define _GNU_SOURCE
#include "cli/vms.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/when.h"
#include "vm/catalogue.h"
#include "vm/rundir.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMES_MS 500 /* nobody waits for completion */

int hull_vms_format_parse(const char *value, enum hull_vms_format *ret, struct hull_error **err)
{
	static const char *const names[] = {"table", "json", "jsonl", "name", NULL};
	int i = hull_name_index("format", value, names, err);

	if (i >= 0)
		*ret = (enum hull_vms_format)i;
	return i < 0 ? -1 : 0;
}

int hull_vms_format_parse_one(const char *value, enum hull_vms_format *ret, struct hull_error **err)
{
	if (hull_vms_format_parse(value, ret, err) < 0)
		return -1;
	if (*ret == HULL_VMS_JSON || *ret == HULL_VMS_NAME)
		return 0;
	return hull_fail(err, HULL_E_INVALID, "format '%s' is for lists; use name or json", value);
}

/* ---- filters ---- */

int hull_vms_filter_add(struct hull_vms_filter *filter, const char *value, struct hull_error **err)
{
	static const char *const keys[] = {"state", "name", "label", NULL};
	const char *eq = strchr(value, '=');
	cleanup_free char *key = eq ? strndup(value, (size_t)(eq - value)) : strdup(value);
	struct hull_label *term;

	if (!key)
		return hull_fail_nomem(err);
	if (hull_name_index("filter", key, keys, err) < 0)
		return -1;
	if (!eq || !eq[1]) {
		hull_fail(err, HULL_E_INVALID, "'%s' says nothing to look for", value);
		hull_hint(err, "write it like state=running or label=KEY=VALUE");
		return -1;
	}
	if (!strcmp(key, "state") && hull_name_index("state", eq + 1, hull_vm_state_names, err) < 0)
		return -1;
	term = hull_vec_push(&filter->terms);
	if (!term)
		return hull_fail_nomem(err);
	term->key = steal_ptr(&key);
	term->value = strdup(eq + 1);
	return term->value ? 0 : hull_fail_nomem(err);
}

/* "KEY", or "KEY=VALUE". */
static bool has_label(const struct hull_record *r, const char *term)
{
	const char *eq = strchr(term, '=');
	size_t len = eq ? (size_t)(eq - term) : strlen(term);

	for (size_t i = 0; i < r->labels.n; i++) {
		const struct hull_label *l = &r->labels.v[i];

		if (!strncmp(l->key, term, len) && !l->key[len])
			return !eq || !strcmp(l->value, eq + 1);
	}
	return false;
}

static bool passes(const struct hull_label *term, const struct hull_record *r)
{
	if (!strcmp(term->key, "state"))
		return !strcmp(hull_vm_state_names[r->state], term->value);
	if (!strcmp(term->key, "name"))
		return r->name && !strcmp(r->name, term->value);
	return has_label(r, term->value);
}

bool hull_vms_filter_passes(const struct hull_vms_filter *filter, const struct hull_record *r)
{
	for (size_t i = 0; i < filter->terms.n; i++) {
		const char *key = filter->terms.v[i].key;
		bool any = false;

		/* Several labels are wanted together; a VM has only one state, and one name. */
		if (!strcmp(key, "label")) {
			any = passes(&filter->terms.v[i], r);
		} else {
			for (size_t k = 0; k < filter->terms.n; k++)
				any |= !strcmp(filter->terms.v[k].key, key) &&
				       passes(&filter->terms.v[k], r);
		}
		if (!any)
			return false;
	}
	return true;
}

void hull_vms_filter_fini(struct hull_vms_filter *filter)
{
	for (size_t i = 0; i < filter->terms.n; i++) {
		free(filter->terms.v[i].key);
		free(filter->terms.v[i].value);
	}
	free(filter->terms.v);
	*filter = (struct hull_vms_filter){0};
}

/* ---- targets ---- */

static struct hull_target *add_target(struct hull_targets *targets, const char *ref, const char *id,
				      struct hull_error **err)
{
	struct hull_target *t;

	for (size_t i = 0; id && i < targets->n; i++)
		if (!strcmp(targets->v[i].id, id))
			return &targets->v[i];
	t = hull_vec_push(targets);
	if (!t) {
		hull_fail_nomem(err);
		return NULL;
	}
	*t = (struct hull_target){.ref = strdup(ref)};
	if (!t->ref) {
		hull_fail_nomem(err);
		return NULL;
	}
	snprintf(t->id, sizeof(t->id), "%s", id ? id : "");
	return t;
}

int hull_targets_find(struct hull_store *store, char **refs, size_t n, struct hull_targets *ret,
		      struct hull_error **err)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_record struct hull_record r = {0};
		cleanup_error struct hull_error *why = NULL;
		int found = hull_store_find(store, refs[i], &r, &why);
		int code = hull_error_code(why);
		struct hull_target *t;

		/* A store that can't be read is no VM's fault. */
		if (found < 0 && code != HULL_E_NOT_FOUND && code != HULL_E_INVALID)
			return hull_error_move(err, &why);
		t = add_target(ret, refs[i], found < 0 ? NULL : r.id, err);
		if (!t)
			return -1;
		if (found < 0)
			t->error = steal_ptr(&why);
	}
	return 0;
}

int hull_targets_all(struct hull_store *store, const struct hull_vms_filter *filter,
		     struct hull_targets *ret, struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	char buf[16];

	if (hull_store_list(store, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if (hull_vms_filter_passes(filter, &list.v[i]) &&
		    !add_target(ret, hull_vms_name(&list.v[i], buf), list.v[i].id, err))
			return -1;
	return 0;
}

int hull_vms_print_names(const char *suffix, struct hull_error **err)
{
	cleanup_store struct hull_store *store = NULL;
	cleanup_records struct hull_records list = {0};
	char buf[16];

	if (hull_catalogue_open(hull_deadline_ms(NAMES_MS), &store, err) < 0 ||
	    hull_store_list(store, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		hull_out("%s%s\n", hull_vms_name(&list.v[i], buf), suffix);
	return 0;
}

void hull_targets_fini(struct hull_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		free(targets->v[i].ref);
		hull_error_free(targets->v[i].error);
	}
	free(targets->v);
	*targets = (struct hull_targets){0};
}

/* ---- printing ---- */

const char *hull_vms_name(const struct hull_record *r, char buf[16])
{
	snprintf(buf, 16, "%.*s", HULL_SHORT_LEN, r->id);
	return r->name ? r->name : buf;
}

void hull_vms_time(uint64_t ns, char buf[40])
{
	time_t s = (time_t)(ns / HULL_NS_PER_S);
	struct tm tm;
	char date[24] = "";

	gmtime_r(&s, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, 40, "%.23s.%09uZ", date, (unsigned int)(ns % HULL_NS_PER_S));
}

int hull_vms_when_parse(const char *value, uint64_t *ret_ns, struct hull_error **err)
{
	if (hull_parse_when(value, hull_realtime_ns(), ret_ns) == 0)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' is not a time", value);
	hull_hint(err, "write it like 5m (so long ago), 2026-11-26T07:30 or 2026-11-26T07:30:01Z");
	return -1;
}

void hull_vms_age(uint64_t ns, char buf[32])
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	uint64_t now = hull_realtime_ns(), age = now > ns ? (now - ns) / HULL_NS_PER_S : 0;
	size_t i = 0;

	*buf = '\0';
	if (!ns)
		return;
	while (i < ARRAY_SIZE(units) - 1 && age < units[i].seconds)
		i++;
	age /= units[i].seconds;
	snprintf(buf, 32, "%" PRIu64 " %s%s", age, units[i].name, age == 1 ? "" : "s");
}

void hull_vms_size(uint64_t bytes, char buf[32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	while (i < ARRAY_SIZE(units) - 1 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	snprintf(buf, 32, "%" PRIu64 " %s", bytes, units[i]);
}

void hull_vms_short_size(uint64_t bytes, char buf[32])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	double v = (double)bytes / 1024;
	size_t i = 0;

	while (i < ARRAY_SIZE(units) - 1 && v >= 999.95) {
		v /= 1024;
		i++;
	}
	if (bytes < 1024)
		snprintf(buf, 32, "%" PRIu64 " B", bytes);
	else
		snprintf(buf, 32, "%.1f %s", v, units[i]);
}

static struct hull_json *time_json(uint64_t ns)
{
	char buf[40];

	hull_vms_time(ns, buf);
	return hull_json_string(buf);
}

static struct hull_json *labels_json(const struct hull_labels *labels)
{
	cleanup_json struct hull_json *j = hull_json_object();

	for (size_t i = 0; j && i < labels->n; i++)
		if (hull_json_set(j, labels->v[i].key, hull_json_string(labels->v[i].value)) < 0)
			return NULL;
	return steal_ptr(&j);
}

static struct hull_json *failure_json(const struct hull_record *r)
{
	cleanup_json struct hull_json *j = hull_json_object();

	if (!j || hull_json_set(j, "code", hull_json_string(r->code)) < 0 ||
	    hull_json_set(j, "cause", hull_json_string(r->cause)) < 0 ||
	    hull_json_set(j, "message", hull_json_string(r->message)) < 0 ||
	    hull_json_set(j, "hint", hull_json_string(r->hint)) < 0)
		return NULL;
	return steal_ptr(&j);
}

struct hull_json *hull_vms_error_json(const struct hull_error *error)
{
	struct hull_record r = {.code = (char *)(uintptr_t)hull_code_name(hull_error_code(error)),
				.cause = (char *)(uintptr_t)hull_error_cause(error),
				.message = (char *)(uintptr_t)hull_error_message(error),
				.hint = (char *)(uintptr_t)hull_error_hint(error)};

	return failure_json(&r);
}

bool hull_vms_restarts(const struct hull_record *r, struct hull_vm_restarts *ret)
{
	bool runs = r->state == HULL_VM_RUNNING || r->state == HULL_VM_PAUSED;

	return runs && r->run_dir && hull_rundir_restarts(r->run_dir, ret) == 0;
}

static int add_restarts(struct hull_json *j, const struct hull_record *r)
{
	struct hull_vm_restarts x;
	int e = 0;

	if (!hull_vms_restarts(r, &x))
		return 0;
	e |= hull_json_set(j, "restarts", hull_json_u64(x.n));
	e |= hull_json_set(j, "restart_reason", hull_json_string(x.reason));
	e |= hull_json_set(j, "restart_message", hull_json_string(x.message));
	if (x.next_at_ns)
		e |= hull_json_set(j, "restart_at", time_json(x.next_at_ns));
	hull_vm_restarts_fini(&x);
	return e;
}

struct hull_json *hull_vms_json(const struct hull_record *r)
{
	cleanup_json struct hull_json *j = hull_json_object();
	int e = j ? 0 : -ENOMEM;

	e |= hull_json_set(j, "id", hull_json_string(r->id));
	if (r->name)
		e |= hull_json_set(j, "name", hull_json_string(r->name));
	e |= hull_json_set(j, "state", hull_json_string(hull_vm_state_names[r->state]));
	e |= hull_json_set(j, "owner", hull_json_string(r->owner));
	e |= hull_json_set(j, "cpus", hull_json_u64(r->cpus));
	e |= hull_json_set(j, "memory", hull_json_u64(r->memory));
	e |= hull_json_set(j, "backend", hull_json_string(r->backend));
	e |= hull_json_set(j, "agent", hull_json_string(r->agent));
	e |= hull_json_set(j, "created_at", time_json(r->created_ns));
	if (r->started_ns)
		e |= hull_json_set(j, "started_at", time_json(r->started_ns));
	if (r->stopped_ns)
		e |= hull_json_set(j, "stopped_at", time_json(r->stopped_ns));
	e |= hull_json_set(j, "labels", labels_json(&r->labels));
	if (r->monitor.pid)
		e |= hull_json_set(j, "monitor_pid", hull_json_u64((uint64_t)r->monitor.pid));
	if (r->run_dir)
		e |= hull_json_set(j, "run_dir", hull_json_string(r->run_dir));
	e |= add_restarts(j, r);
	if (*r->reason)
		e |= hull_json_set(j, "reason", hull_json_string(r->reason));
	if (*r->code)
		e |= hull_json_set(j, "error", failure_json(r));
	return e ? NULL : steal_ptr(&j);
}

int hull_vms_print_json(const struct hull_json *json, bool pretty, struct hull_error **err)
{
	bool empty = hull_json_type(json) == HULL_JSON_ARRAY && !hull_json_length(json);
	cleanup_free char *text = NULL;

	pretty &= !empty; /* "[]", as everybody writes it */
	text = pretty ? hull_json_pretty(json) : hull_json_text(json);

	if (!text)
		return hull_fail_nomem(err);
	hull_out("%s%s", text, pretty ? "" : "\n");
	return 0;
}

/* ---- following ---- */

static void on_reader(void *ctx, uint32_t events)
{
	hull_loop_quit(ctx, 0);
}

int hull_vms_watch_reader(struct hull_loop *loop, struct hull_source **ret_source,
			  struct hull_error **err)
{
	int r = hull_loop_add_fd(loop, STDOUT_FILENO, 0, on_reader, loop, ret_source);

	/* EPERM: it is a file. */
	return r < 0 && r != -EPERM ? hull_fail_errno(err, -r, "watch standard output") : 0;
}

/* ---- labels ---- */

int hull_vms_label_parse(const char *value, bool removes, struct hull_labels *labels,
			 struct hull_error **err)
{
	const char *eq = strchr(value, '=');
	size_t len = eq ? (size_t)(eq - value) : strlen(value);
	bool gone = removes && !eq && len > 1 && value[len - 1] == '-';
	cleanup_free char *key = strndup(value, gone ? len - 1 : len);

	if (!key)
		return hull_fail_nomem(err);
	if (hull_label_check(key, gone ? NULL : eq ? eq + 1 : "", err) < 0)
		return -1;
	if (hull_labels_add(labels, key, gone ? NULL : eq ? eq + 1 : "") < 0)
		return hull_fail_nomem(err);
	return 0;
}
