/* SPDX-License-Identifier: Apache-2.0
 *
 * The VMs in the store: one record each, its labels, what it claims for itself alone, and the
 * events of all.
 */
#ifndef HULL_STORE_RECORDS_H
#define HULL_STORE_RECORDS_H

#include "base/proc.h"
#include "base/vec.h"
#include "store/store.h"

#include <sys/types.h>

#define HULL_STORE_ID_LEN 32
#define HULL_STORE_PREFIX_MIN 3
#define HULL_STORE_SHORT_LEN 12 /* of an id, as it is shown */
#define HULL_STORE_NAME_MAX 63
#define HULL_STORE_LABEL_MAX 255    /* bytes of its key, and of its value */
#define HULL_STORE_EVENTS_MAX 10000 /* older ones are forgotten */

/*   creating ─▶ created ─▶ starting ─▶ running ⇄ paused
 *                  stopped ─┘  ▲            │  └─▶ stopping ─▶ stopped
 *      error ──────────────────┘            └───▶ error        any ─▶ deleting ─▶ gone
 */
enum hull_vm_state {
	HULL_VM_CREATING,
	HULL_VM_CREATED,
	HULL_VM_STARTING,
	HULL_VM_RUNNING,
	HULL_VM_PAUSED,
	HULL_VM_STOPPING,
	HULL_VM_STOPPED,
	HULL_VM_ERROR,
	HULL_VM_DELETING,
	HULL_VM_STATES
};
extern const char *const hull_vm_state_names[HULL_VM_STATES + 1];

struct hull_label {
	char *key, *value; /* owned */
};
struct hull_labels {
	struct hull_label *v;
	size_t n, cap;
};

struct hull_record {
	char id[HULL_STORE_ID_LEN + 1];
	char *name;  /* NULL: none */
	char *owner; /* vm, machine, ... */
	enum hull_vm_state state;
	uint64_t cpus, memory;
	char *backend, *agent;
	char *config;  /* the description, JSON; NULL in lists */
	char *run_dir; /* NULL: it has none */
	struct hull_process_id monitor;
	uint64_t created_ns, updated_ns, started_ns, stopped_ns; /* CLOCK_REALTIME; 0: never */
	/* How it ended, or what failed; "": nothing.  code is the name of a HULL_E_. */
	char *reason, *code, *cause, *message, *hint;
	struct hull_labels labels;
};

void hull_record_fini(struct hull_record *record);
#define cleanup_record __attribute__((cleanup(hull_record_fini)))
struct hull_records {
	struct hull_record *v;
	size_t n, cap;
};
void hull_records_fini(struct hull_records *records);
#define cleanup_records __attribute__((cleanup(hull_records_fini)))

/* Whether it can be one; @value NULL: whether one can be removed. */
int hull_label_check(const char *key, const char *value, struct hull_error **err);
int hull_labels_add(struct hull_labels *labels, const char *key, const char *value);
const char *hull_labels_get(const struct hull_labels *labels, const char *key);
void hull_labels_fini(struct hull_labels *labels);
#define cleanup_labels __attribute__((cleanup(hull_labels_fini)))

/* [a-zA-Z0-9][a-zA-Z0-9._-]{0,62}. */
int hull_store_check_name(const char *name, struct hull_error **err);

/* Adds @record as it is, with an event.  EXISTS where its name is taken. */
int hull_store_add(struct hull_store *store, const struct hull_record *record,
		   struct hull_error **err);
/* By id, name, or at least three digits that begin no other's id, in this order.  NOT_FOUND;
 * INVALID with cause "ambiguous" where several begin so, whom the message lists. */
int hull_store_find(struct hull_store *store, const char *ref, struct hull_record *ret_record,
		    struct hull_error **err);
/* All of them, in the order of their making, without their descriptions. */
int hull_store_list(struct hull_store *store, struct hull_records *ret_records,
		    struct hull_error **err);

/* What changes with a state.  Strings: NULL leaves them as they are. */
struct hull_change {
	enum hull_vm_state state;
	const char *event;  /* what to call it; NULL: the state's name */
	const char *detail; /* of the event; NULL: the reason */
	bool set_monitor;   /* monitor and run_dir are set */
	struct hull_process_id monitor;
	const char *run_dir;		 /* NULL: none */
	uint64_t started_ns, stopped_ns; /* 0: as they are */
	const char *reason, *code, *cause, *message, *hint;
};
/* NOT_FOUND if the record has gone. */
int hull_store_change(struct hull_store *store, const char *id, const struct hull_change *change,
		      struct hull_error **err);
int hull_store_rename(struct hull_store *store, const char *id, const char *name,
		      struct hull_error **err);
/* Labels are set; those with a NULL value go. */
int hull_store_set_labels(struct hull_store *store, const char *id,
			  const struct hull_labels *labels, struct hull_error **err);
/* With everything it claims.  Success if there is none. */
int hull_store_remove(struct hull_store *store, const char *id, struct hull_error **err);

/* ---- claims ----
 * What only one VM can have: a hardware address, a host's port, ... */
int hull_store_claim(struct hull_store *store, const char *id, const char *kind, const char *key,
		     struct hull_error **err); /* EXISTS, which names whose it is */
int hull_store_release(struct hull_store *store, const char *id, const char *kind,
		       struct hull_error **err);

/* Those of VMs that are not there, which no change through here leaves; @fn as below. */
int hull_store_orphan_claims(struct hull_store *store,
			     int (*fn)(void *ctx, const char *kind, const char *key,
				       const char *id),
			     void *ctx, struct hull_error **err);
/* One of them, if it still is one: 1, else 0, or -1. */
int hull_store_drop_claim(struct hull_store *store, const char *kind, const char *key,
			  struct hull_error **err);

/* ---- events ---- */
/* All kinds that there are, ended by NULL. */
extern const char *const hull_event_kinds[];
struct hull_event {
	uint64_t seq, time_ns;
	const char *vm, *name; /* name "": it had none */
	const char *kind, *detail;
};
/* Those after @seq, oldest first.  @fn returns non-zero to end it, which is returned. */
int hull_store_events(struct hull_store *store, uint64_t seq,
		      int (*fn)(void *ctx, const struct hull_event *event), void *ctx,
		      struct hull_error **err);
/* The same, copied, so that nobody is held up while they are looked at. */
struct hull_events {
	struct hull_event *v; /* strings: owned */
	size_t n, cap;
};
void hull_events_fini(struct hull_events *events);
#define cleanup_events __attribute__((cleanup(hull_events_fini)))
/* @max of them at most. */
int hull_store_read_events(struct hull_store *store, uint64_t seq, size_t max,
			   struct hull_events *ret_events, struct hull_error **err);
int hull_store_add_event(struct hull_store *store, const char *id, const char *kind,
			 const char *detail, struct hull_error **err);

#endif
