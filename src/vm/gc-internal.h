/* SPDX-License-Identifier: Apache-2.0
 *
 * What the modules of gc.c share.
 */
#ifndef HULL_VM_GC_INTERNAL_H
#define HULL_VM_GC_INTERNAL_H

#include "vm/gc.h"

#include "base/vec.h"
#include "vm/rundir.h"

struct hull_orphan {
	char *what, *why;	     /* owned, for people */
	char *key;		     /* owned: a path, or the module's own */
	char vm[HULL_SHORT_LEN + 1]; /* "": none is known */
	struct hull_process_id process;
	const void *detail;		  /* the module's own */
	const struct hull_record *record; /* its VM's, if it has one: of gc->records */
};

struct hull_gc {
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_gc_options o;
	hull_gc_fn fn;
	void *ctx;
	char *vms; /* owned: where run directories are */
	char boot[37];
	struct hull_records records; /* as of when the module began to look */
	HULL_VEC(struct hull_orphan) found;
};

/* One more, to be filled in; NULL and an error without memory. */
struct hull_orphan *hull_gc_add(struct hull_gc *gc, const char *vm, const char *key,
				const char *why, struct hull_error **err, const char *what, ...)
	HULL_PRINTF(6, 7);
/* That of the VM with this short id, or NULL. */
const struct hull_record *hull_gc_record(const struct hull_gc *gc, const char *vm);

enum hull_gc_outcome {
	HULL_GC_DONE,
	HULL_GC_GONE, /* it is there no more, or is nobody's orphan any more */
	HULL_GC_IN_USE,
};

struct hull_gc_module {
	const char *kind;
	bool locks; /* takes the VM's lock itself to collect */
	int (*find)(struct hull_gc *gc, struct hull_error **err);
	/* Looks again before it does anything.  An outcome, or -1. */
	int (*collect)(struct hull_gc *gc, const struct hull_orphan *orphan,
		       struct hull_error **err);
};

extern const struct hull_gc_module hull_gc_records, hull_gc_claims, hull_gc_processes,
	hull_gc_cgroups, hull_gc_sockets, hull_gc_directories, hull_gc_logs, hull_gc_files;

#endif
