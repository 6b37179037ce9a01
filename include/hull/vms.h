/* SPDX-License-Identifier: Apache-2.0
 *
 * The VMs that stay: those that "hull create" makes and "hull ls" shows, of the user who calls.
 * Every function here does what the command of that name does, and sees what all others do.
 *
 * What holds for results, ownership and strings is said in hull/config.h.  Beyond that:
 *
 *   Blocking   Every function may wait, for locks that others hold and for guests, but only until
 *              its deadline (TIMEOUT), or until it is cancelled (CANCELED).  What was begun then
 *              is finished or undone by whoever looks at that VM next; a start that was given up
 *              ends as "error".
 *   Threads    A handle may be used by any number of threads at the same time, and none of them
 *              waits for another.  hull_vms_free() must be the last.  After fork(2) only
 *              the parent may go on with it.
 *   Processes  A VM belongs to no process: the caller gets no child and no SIGCHLD, and may end
 *              while its VMs run on.  No signal handler is set, and nothing is written anywhere.
 *   Naming     @ref is a name, an id, or the first digits of one, at least three.  NOT_FOUND, or
 *              INVALID with cause "ambiguous".
 *
 * Where the store and the run directories are is said by the environment, as for the command:
 * HULL_HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR; hull.conf(5) is read when the handle
 * is made.
 */
#ifndef HULL_VMS_H
#define HULL_VMS_H

#include <hull/config.h>
#include <hull/error.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- giving up on purpose ---- */

/* Ends all calls that it was given to, now and later, until it is freed: with CANCELED. */
struct hull_cancel;
int hull_cancel_new(struct hull_cancel **ret_cancel, struct hull_error **err);
/* By any thread, and by a signal handler. */
void hull_cancel(struct hull_cancel *cancel);
/* After the last call that it was given to.  NULL is nothing. */
void hull_cancel_free(struct hull_cancel *cancel);

/* ---- the store ---- */

struct hull_vms;

/* The store, made if missing.  CORRUPT: it is damaged; UNSUPPORTED: it is of a newer hull, or on a
 * network file system; DENIED; EXHAUSTED. */
int hull_vms_new(struct hull_vms **ret_vms, struct hull_error **err);
/* NULL is nothing. */
void hull_vms_free(struct hull_vms *vms);

/* ---- what a VM is ---- */

#define HULL_VM_STATE_CREATING 0
#define HULL_VM_STATE_CREATED 1
#define HULL_VM_STATE_STARTING 2
#define HULL_VM_STATE_RUNNING 3
#define HULL_VM_STATE_PAUSED 4
#define HULL_VM_STATE_STOPPING 5
#define HULL_VM_STATE_STOPPED 6
#define HULL_VM_STATE_ERROR 7
#define HULL_VM_STATE_DELETING 8
/* "running", ...; NULL for what is none. */
const char *hull_vm_state_name(uint32_t state);

/* Plain text in UTF-8, at most 255 bytes each; no '=' in keys. */
struct hull_vm_label {
	const char *key, *value;
};

/* In one piece of memory with all that it points to.  Times: nanoseconds since 1970, 0: never. */
struct hull_vm_info {
	size_t size;	  /* of this struct, as the library knows it: it may grow at its end */
	const char *id;	  /* 32 hexadecimal digits */
	const char *name; /* NULL: none */
	uint32_t state;	  /* HULL_VM_STATE_... */
	uint32_t code;	  /* HULL_E_... of what follows; 0: none */
	uint64_t vcpus, memory_bytes;
	const char *backend, *agent; /* "qemu", ...; "hull", "none", ... */
	const char *run_dir;	     /* of its sockets, while it runs; else NULL */
	int64_t monitor_pid;	     /* 0: it does not run */
	uint64_t created_ns, updated_ns, started_ns, stopped_ns;
	/* How it ended, or what failed; "": nothing. */
	const char *reason, *cause, *message, *hint;
	const struct hull_vm_label *labels;
	size_t n_labels;
	const char *config; /* its description, JSON as of hull-config(5); NULL in lists */
};

/* ---- verbs ---- */

/* How a verb is done.  NULL, and zero in every member, mean the defaults. */
struct hull_verb_options {
	size_t size;
	/* Milliseconds for all of it.  Default: what the command gives: 20 s and what a guest may
	 * take to power off; for a start 300 s; for waiting no limit. */
	uint64_t timeout_ms;
	struct hull_cancel *cancel;
	uint64_t stop_ms; /* stop, restart: how long the guest may take to power off, before it is
			   * killed; default 10 s */
	uint64_t force;	  /* remove: kill what runs; what is not there is no error */
};

struct hull_create_options {
	size_t size;
	const char *name; /* [a-zA-Z0-9][a-zA-Z0-9._-]{0,62}, but nothing like an id; default:
			   * none */
	const struct hull_vm_label *labels;
	size_t n_labels;
};

/* Makes a VM of a description, which is looked at as a start would.  INVALID, UNSUPPORTED; EXISTS:
 * its name is taken. */
int hull_vms_create(struct hull_vms *vms, struct hull_vm_config *config,
		    const struct hull_create_options *options, struct hull_vm_info **ret_info,
		    struct hull_error **err);

/* Each on one VM.  @ret_info, unless NULL, gets what it is then.  Of what is so already nothing is
 * done, and that is success.  STATE: not possible in its present state, which the cause names;
 * UNAVAILABLE, BACKEND, AGENT: it failed there.  For waiting: until it does not run any more,
 * however it ended. */
int hull_vms_start(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		   struct hull_vm_info **ret_info, struct hull_error **err);
int hull_vms_stop(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		  struct hull_vm_info **ret_info, struct hull_error **err);
int hull_vms_kill(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		  struct hull_vm_info **ret_info, struct hull_error **err);
int hull_vms_restart(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		     struct hull_vm_info **ret_info, struct hull_error **err);
int hull_vms_pause(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		   struct hull_vm_info **ret_info, struct hull_error **err);
int hull_vms_resume(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		    struct hull_vm_info **ret_info, struct hull_error **err);
int hull_vms_wait(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		  struct hull_vm_info **ret_info, struct hull_error **err);
/* A VM that runs is refused, but for force. */
int hull_vms_remove(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		    struct hull_error **err);

/* ---- one verb on many ---- */

#define HULL_VMS_START 1
#define HULL_VMS_STOP 2
#define HULL_VMS_KILL 3
#define HULL_VMS_RESTART 4
#define HULL_VMS_PAUSE 5
#define HULL_VMS_RESUME 6
#define HULL_VMS_WAIT 7
#define HULL_VMS_REMOVE 8

struct hull_vm_result {
	struct hull_vm_info *info; /* NULL: it failed, or was removed */
	struct hull_error *error;  /* NULL: it succeeded */
	uint64_t unchanged;	   /* it was so already */
};

/* As many at once as there is room for, each with its own result, in the order of @refs; one that
 * is named twice is done once, and has its result twice.  0 where each was tried, whatever came of
 * it. */
int hull_vms_batch(struct hull_vms *vms, uint32_t verb, const char *const *refs, size_t n,
		   const struct hull_verb_options *options, struct hull_vm_result **ret_results,
		   struct hull_error **err);
/* All @n, with what they hold.  NULL is nothing. */
void hull_vm_results_free(struct hull_vm_result *results, size_t n);

/* ---- looking, and changing what is written down ---- */

/* What is said is true: those that have ended by themselves are found and recorded first.  Only
 * timeout and cancel of the options count. */
int hull_vms_inspect(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		     struct hull_vm_info **ret_info, struct hull_error **err);
/* All of them, in the order of their making; ends with NULL.  One piece of memory. */
int hull_vms_list(struct hull_vms *vms, const struct hull_verb_options *options,
		  struct hull_vm_info ***ret_infos, size_t *ret_n, struct hull_error **err);

/* EXISTS: the name is taken. */
int hull_vms_rename(struct hull_vms *vms, const char *ref, const char *name,
		    struct hull_error **err);
/* Labels are set; those with the value NULL go. */
int hull_vms_update(struct hull_vms *vms, const char *ref, const struct hull_vm_label *labels,
		    size_t n_labels, struct hull_error **err);

struct hull_vm_event {
	uint64_t seq, time_ns;
	const char *id, *name; /* of the VM; name "": it had none */
	const char *kind;      /* "created", "running", "stopped", ... */
	const char *detail;
};
/* Those after @seq (0: from the first that is kept), oldest first, at most @max of them: in one
 * piece of memory.  Never waits for more of them. */
int hull_vms_events(struct hull_vms *vms, uint64_t seq, size_t max,
		    struct hull_vm_event **ret_events, size_t *ret_n, struct hull_error **err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
