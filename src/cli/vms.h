/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs on VMs of the store share: which VMs are meant, deadlines, and how a VM is
 * printed.
 */
#ifndef HULL_CLI_VMS_H
#define HULL_CLI_VMS_H

#include "base/json.h"
#include "base/loop.h"
#include "cli/cli.h"
#include "store/records.h"
#include "vm/rundir.h"

enum {
	HULL_OPT_FILTER = 1000,
	HULL_OPT_DEADLINE,
	HULL_OPT_LABEL,
	HULL_OPT_SINCE,
};

/* Rows of option tables. */
#define HULL_VMS_OPT_ALL                                                               \
	{                                                                              \
		'a', "all", NULL, "all VMs, or all that the filters let through", NULL \
	}
#define HULL_VMS_OPT_FILTER                                                                    \
	{                                                                                      \
		HULL_OPT_FILTER, "filter", "KEY=VALUE",                                        \
			"only those with this state, name, or label (label=KEY[=VALUE])", NULL \
	}
#define HULL_VMS_OPT_DEADLINE                                                               \
	{                                                                                   \
		HULL_OPT_DEADLINE, "deadline", "TIME", "give up after TIME (30s, 5m)", NULL \
	}
#define HULL_VMS_OPT_SINCE(what)                                                                 \
	{                                                                                        \
		HULL_OPT_SINCE, "since", "TIME",                                                 \
			"only " what " of the last TIME (5m), or since TIME (2026-11-26T07:30)", \
			NULL                                                                     \
	}
#define HULL_VMS_OPT_OUTPUT(formats)                                      \
	{                                                                 \
		'o', "output", "FORMAT", formats " (default first)", NULL \
	}

enum hull_vms_format { HULL_VMS_TABLE, HULL_VMS_JSON, HULL_VMS_JSONL, HULL_VMS_NAME };
int hull_vms_format_parse(const char *value, enum hull_vms_format *ret, struct hull_error **err);
/* Of verbs that print no list: name or json. */
int hull_vms_format_parse_one(const char *value, enum hull_vms_format *ret,
			      struct hull_error **err);

/* ---- which ---- */

struct hull_vms_filter {
	HULL_VEC(struct hull_label) terms; /* key "state", "name" or "label" */
};
int hull_vms_filter_add(struct hull_vms_filter *filter, const char *value, struct hull_error **err);
/* Terms of one key: any of them; of different keys: all. */
bool hull_vms_filter_passes(const struct hull_vms_filter *filter, const struct hull_record *r);
void hull_vms_filter_fini(struct hull_vms_filter *filter);

/* One that a verb is for: found, or not. */
struct hull_target {
	char *ref; /* as it was given, or its name, or its id; owned */
	char id[HULL_STORE_ID_LEN + 1];
	struct hull_error *error; /* NULL: found */
};
struct hull_targets {
	struct hull_target *v;
	size_t n, cap;
};
/* Each of them once, in the order given, or in that of their making. */
int hull_targets_find(struct hull_store *store, char **refs, size_t n, struct hull_targets *ret,
		      struct hull_error **err);
int hull_targets_all(struct hull_store *store, const struct hull_vms_filter *filter,
		     struct hull_targets *ret, struct hull_error **err);
void hull_targets_fini(struct hull_targets *targets);

/* Their names, or ids, a line each with @suffix; for completion: as the store has them. */
int hull_vms_print_names(const char *suffix, struct hull_error **err);

/* ---- how it is printed ---- */

const char *hull_vms_name(const struct hull_record *r, char buf[16]); /* name, or short id */
/* How often it has been started anew while it runs; false for never. */
bool hull_vms_restarts(const struct hull_record *r, struct hull_vm_restarts *ret);
struct hull_json *hull_vms_json(const struct hull_record *r); /* NULL without memory */
/* {code, cause, message, hint} */
struct hull_json *hull_vms_error_json(const struct hull_error *error);
/* One line of it, or indented; 0 or -1. */
int hull_vms_print_json(const struct hull_json *json, bool pretty, struct hull_error **err);
/* "2026-11-26T07:30:01.123456789Z" */
void hull_vms_time(uint64_t ns, char buf[40]);
/* "5m" ago, or a date: see base/when.h. */
int hull_vms_when_parse(const char *value, uint64_t *ret_ns, struct hull_error **err);
/* "3 minutes", since then; "" for never. */
void hull_vms_age(uint64_t ns, char buf[32]);
/* "512 MiB" */
void hull_vms_size(uint64_t bytes, char buf[32]);
/* "41.5 MiB", rounded */
void hull_vms_short_size(uint64_t bytes, char buf[32]);

/* Quits the loop when nobody reads standard output any more.  Where that can't be watched, as a
 * file, the source is NULL. */
int hull_vms_watch_reader(struct hull_loop *loop, struct hull_source **ret_source,
			  struct hull_error **err);

/* KEY=VALUE, or KEY- (to remove it, where @removes). */
int hull_vms_label_parse(const char *value, bool removes, struct hull_labels *labels,
			 struct hull_error **err);

#endif
