/* SPDX-License-Identifier: Apache-2.0
 *
 * What the VMs that stay say and use, and what is left of those that are gone.
 *
 * What hull/vms.h says of blocking, threads, processes and naming holds here too.  Of struct
 * hull_verb_options timeout and cancel count; by default a call has 20 seconds.
 */
#ifndef HULL_OBSERVE_H
#define HULL_OBSERVE_H

#include <hull/vms.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- what VMs say ---- */

/* A piece of a line that was printed on the console, or the whole, with its newline.  Each byte as
 * the guest printed it: commands for terminals, too. */
struct hull_log_piece {
	size_t size; /* of this struct, as the library knows it: it may grow at its end */
	const char *data;
	size_t len;	     /* never 0 */
	uint64_t begins;     /* at its line's beginning */
	uint64_t time_ns;    /* when its line was printed, since 1970; 0: not known */
	uint64_t lost_bytes; /* are missing before it */
};
/* What is in @piece goes with the call.  Anything but 0: no more of it. */
typedef int (*hull_vms_log_fn)(void *ctx, const struct hull_log_piece *piece);

struct hull_vms_logs_options {
	size_t size;
	uint64_t timeout_ms; /* default: 20 s, and for following no limit */
	struct hull_cancel *cancel;
	uint64_t since_ns; /* only lines that were printed then or later; 0: all */
	uint64_t tail;	   /* only so many lines, the last of them; 0: all */
	uint64_t follow;   /* go on with what is printed, until the VM has ended */
	uint64_t beyond;   /* follow: also with its next start, until it is removed */
};
#define HULL_LOGS_TAIL_NONE UINT64_MAX /* not even one: only what comes */

/* What is kept of a VM's console, 4 to 8 MiB, whether it runs or not, to @fn, which is called by
 * the calling thread and may call anything.  0 also where @fn has had enough. */
int hull_vms_logs(struct hull_vms *vms, const char *ref,
		  const struct hull_vms_logs_options *options, hull_vms_log_fn fn, void *ctx,
		  struct hull_error **err);

struct hull_vms_console_options {
	size_t size;
	uint64_t timeout_ms; /* default: 20 s */
	struct hull_cancel *cancel;
	uint64_t write; /* not only to read; one at a time does */
	uint64_t take;	/* write: also if somebody else does, who can only read then */
};

/* A socket that is the console of a VM, from its start on and without an agent: what it prints
 * from now on is read from it, and what is written to it is typed.  It ends with the VM, or where
 * much is left unread.  The caller closes it.  BUSY: somebody else types; STATE: it does not run.
 */
int hull_vms_console(struct hull_vms *vms, const char *ref,
		     const struct hull_vms_console_options *options, int *ret_fd,
		     struct hull_error **err);

/* ---- what VMs use ---- */

/* Counters only grow while a VM runs; what it uses just now is the difference of two looks. */
struct hull_vm_counters {
	size_t size;	  /* as above */
	const char *id;	  /* 32 hexadecimal digits */
	const char *name; /* NULL: none */
	uint32_t state;	  /* HULL_VM_STATE_... */
	/* HULL_E_...: why its monitor did not answer, so that its disks are missing; 0: it did. */
	uint32_t code;
	const char *message; /* of code; "" */

	/* As the host counts: its hypervisor, that one's helpers and its monitor. */
	uint64_t at_ns; /* when: CLOCK_MONOTONIC */
	uint64_t cpu_ns, processes;
	uint64_t private_bytes; /* memory that one of them alone has */
	uint64_t shared_bytes;	/* their part of what they have with others */

	uint64_t has_disks; /* 0: the next three are not known */
	uint64_t disk_read_bytes, disk_written_bytes;
	uint64_t balloon_bytes; /* what the guest was left; 0: it has no balloon */

	uint64_t has_guest; /* 0: the next four are not known; they are what the guest says */
	uint64_t guest_total_bytes, guest_available_bytes;
	uint64_t net_received_bytes, net_sent_bytes;
};

/* Of one VM (STATE: it does not run), or where @ref is NULL of all that run, in a list that ends
 * with NULL.  All are asked at once, and one that does not answer within two seconds is told
 * without what it would have said.  One piece of memory. */
int hull_vms_stats(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		   struct hull_vm_counters ***ret_counters, size_t *ret_n, struct hull_error **err);

/* ---- what is on the host's disks ---- */

struct hull_disk_item {
	const char *name; /* of a volume, a VM, a file */
	uint64_t bytes;
};

struct hull_disk_usage {
	size_t size;	  /* as above */
	const char *kind; /* "store", "volumes", "guest", "run", "logs" */
	const char *path; /* beneath it all of them are */
	uint64_t bytes;	  /* that are allocated: holes don't count, links once */
	const struct hull_disk_item *items;
	size_t n_items;
	uint32_t code;	     /* HULL_E_...: something could not be looked at, and is missing */
	const char *message; /* of code; "" */
};

/* One for each kind, in a list that ends with NULL.  One piece of memory.  Waits for nobody. */
int hull_vms_df(struct hull_vms *vms, struct hull_disk_usage ***ret_usages, size_t *ret_n,
		struct hull_error **err);

/* ---- what belongs to no VM any more ---- */

#define HULL_LEFTOVER_COLLECTED 0
#define HULL_LEFTOVER_WOULD 1 /* be collected: a dry run */
#define HULL_LEFTOVER_BUSY 2  /* another call is at work on its VM: left alone */
#define HULL_LEFTOVER_FAILED 3

struct hull_leftover {
	uint32_t result;  /* HULL_LEFTOVER_... */
	uint32_t code;	  /* HULL_E_... of what failed; else 0 */
	const char *kind; /* "record", "process", "cgroup", "directory", ... */
	const char *what; /* which one; "": that kind could not be looked for */
	const char *why;  /* it is one */
	const char *vm;	  /* the first 12 digits of its VM's id; "": not known */
	const char *message;
};

struct hull_vms_gc_options {
	size_t size;
	uint64_t timeout_ms; /* default: a minute */
	struct hull_cancel *cancel;
	uint64_t dry_run;
};

/* Collects them, or only tells what would be: each once, in one piece of memory.  0 also where
 * some failed; CANCELED after a part of the work, which is then done. */
int hull_vms_gc(struct hull_vms *vms, const struct hull_vms_gc_options *options,
		struct hull_leftover **ret_leftovers, size_t *ret_n, struct hull_error **err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
