/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting what belongs to no VM any more.  Every verb cleans up after the VM it is about; this
 * is for the rest: what somebody removed by hand, or killed at a moment at which nobody else comes
 * by again.
 *
 * A table of modules, each of which finds the orphans of one kind and collects one of them.  An
 * orphan of a VM that has a record is looked at, and collected, with the VM's lock held; so nothing
 * that another call of hull is about to use, or has just made, is touched.  A module that fails
 * stops no other.
 */
#ifndef HULL_VM_GC_H
#define HULL_VM_GC_H

#include "base/loop.h"
#include "store/records.h"

enum hull_gc_result {
	HULL_GC_COLLECTED,
	HULL_GC_WOULD, /* be collected: a dry run */
	HULL_GC_BUSY,  /* somebody is at work on its VM: left alone */
	HULL_GC_FAILED,
};

struct hull_gc_item {
	const char *kind; /* record, claim, process, cgroup, socket, directory, log, file */
	const char *what; /* which one; "": a module that could not look */
	const char *why;  /* it is an orphan; "" */
	const char *vm;	  /* its VM's short id; "": none is known */
};

struct hull_gc_options {
	bool dry_run;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	/* Whether what is not begun yet is to be left; NULL: never. */
	bool (*given_up)(void *ctx);
};

/* @error: of HULL_GC_FAILED. */
typedef void (*hull_gc_fn)(void *ctx, const struct hull_gc_item *item, enum hull_gc_result result,
			   const struct hull_error *error);

/* Each orphan is told of once.  -1 where nothing could even be looked for. */
int hull_gc(struct hull_store *store, struct hull_loop *loop, const struct hull_gc_options *options,
	    hull_gc_fn fn, void *ctx, struct hull_error **err);

#endif
