/* SPDX-License-Identifier: Apache-2.0
 *
 * The console's log of a VM of the store, $log/vm/<id>: made by the starter, written by the VM's
 * monitor (monitor/logfile.h), removed with the VM; and reading it, also while it is written and
 * begun anew.
 */
#ifndef HULL_VM_LOGS_H
#define HULL_VM_LOGS_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Its directory, made if @make and missing.  The caller frees. */
int hull_logs_dir(const char *id, bool make, char **ret_path, struct hull_error **err);
int hull_logs_remove(const char *id, struct hull_error **err);

struct hull_logs;

/* A piece of a line, or the whole with its newline. */
struct hull_logs_piece {
	const char *data;
	size_t len;
	bool begins;	  /* at the line's beginning */
	uint64_t time_ns; /* when the line was printed; 0: not known */
	uint64_t lost;	  /* bytes that are missing before it */
};
typedef void (*hull_logs_fn)(void *ctx, const struct hull_logs_piece *piece);

/* What there is, from its beginning; nothing, if there is none. */
int hull_logs_open(const char *id, struct hull_logs **ret_logs, struct hull_error **err);
void hull_logs_free(struct hull_logs *logs);
/* Only lines printed at that time or later (CLOCK_REALTIME); those whose time is not known too. */
void hull_logs_since(struct hull_logs *logs, uint64_t time_ns);
/* Of what is left the last @lines only.  After the other. */
int hull_logs_tail(struct hull_logs *logs, uint64_t lines, struct hull_error **err);
/* Hands out all that has been printed since the last call. */
int hull_logs_read(struct hull_logs *logs, hull_logs_fn fn, void *ctx, struct hull_error **err);
/* From now on @changed comes whenever there may be more. */
int hull_logs_watch(struct hull_logs *logs, struct hull_loop *loop, void (*changed)(void *ctx),
		    void *ctx, struct hull_error **err);

#endif
